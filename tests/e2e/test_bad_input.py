"""Each row of the table "Bad input, and what it gets", posted with plain boto3."""

import json
import re
import unittest

import harness
from events import House, again, digest, follow_up_id

NOTE_FIELDS = {
    "reason", "pointer", "expected", "remedy", "consumer", "queue", "group", "subject", "message_id", "attempts", "critical",
}  # fmt: skip


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.main_stack()

    def house(self, **kwargs) -> House:
        return House("bad", **kwargs).register(self.stack)

    def check_note(self, house, body, message_id, reason, pointer, subject, group=None, critical=None, attempts=0):
        """Exactly one fallback message has this body, and it is of the form of design.md."""
        group = group or house.group
        found = [m for m in self.stack.tapped["fallback"] if m.note["message_id"] == message_id]
        self.assertEqual(len(found), 1, f"{reason} {pointer}: {found}")
        (message,) = found
        self.assertEqual(message.body, body)
        self.assertEqual((message.note_type, message.group), ("String", group))
        note = message.note
        self.assertLessEqual(NOTE_FIELDS, set(note))
        self.assertEqual((note["reason"], note["pointer"]), (reason, pointer), note)
        self.assertTrue(note["expected"] and note["remedy"], note)
        self.assertEqual((note["consumer"], note["queue"], note["group"]), ("calendar", "operational-calendar", group))
        self.assertEqual((note["subject"], note["attempts"]), (subject, attempts), note)
        if critical is not None:
            self.assertEqual(note["critical"], critical, note)
        key = json.loads(body)["id"] if subject else message_id
        self.assertTrue(message.deduplication_id.startswith(f"calendar:{key}:"), message.deduplication_id)
        return note

    def check_first_receive(self, message_id):
        lines = self.stack.lines(message_id=message_id)
        self.assertEqual([(line["outcome"], line["receive_count"]) for line in lines], [("review", 1)])

    def test_unreadable_bodies(self):
        house = self.house()
        event = house.booking("victim")
        text = json.dumps(event)

        def without(field):
            return json.dumps({k: v for k, v in event.items() if k != field})

        def with_(**fields):
            return json.dumps(event | fields)

        cases = [("nonsense é ☃", "not-json", ""), ("   ", "not-json", ""), (text + " x", "not-json", ""), (text[:-1], "not-json", None)]
        cases += [("[" * 262_144, "not-json", ""), ('{"a":' * 50_000, "not-json", None)]
        cases += [(text.replace("victim", "\\ud800"), "not-json", "/subject"), (text.replace("/pms/e2e", "\\x"), "not-json", "/source")]
        cases += [("[" + text + "]", "invalid-envelope", ""), ("7", "invalid-envelope", ""), ("null", "invalid-envelope", "")]
        cases += [('{"booking": 1}', "invalid-envelope", "/specversion"), (with_(specversion="0.3"), "invalid-envelope", "/specversion")]
        cases += [(without(field), "invalid-envelope", f"/{field}") for field in event]
        wrong = {"id": 7, "source": [], "type": {}, "subject": True, "time": "yesterday", "tenant": 5, "property": None, "data": []}
        cases += [(with_(**{field: value}), "invalid-envelope", f"/{field}") for field, value in wrong.items()]
        cases += [(with_(sequence="1"), "invalid-envelope", "/sequence")]
        messages, neighbours = [], []
        for n, (body, _, _) in enumerate(cases):
            neighbours.append(f"n{n}")
            day = f"{n % 28 + 1:02}"
            good = house.booking(f"n{n}", unit=f"u{n // 28 + 1}", arrival=f"2031-07-{day}", departure=f"2031-07-{day}")
            messages += [body, json.dumps(good)]
        large = next(n for n, (body, _, _) in enumerate(cases) if len(body) > 200_000)
        ids = []  # the large one goes in a call of its own: 1 MiB is the most that a batch takes
        for part in (messages[: 2 * large], messages[2 * large : 2 * large + 1], messages[2 * large + 1 :]):
            ids += house.send(self.stack, *part)
        self.stack.drain()
        for (body, reason, pointer), message_id in zip(cases, ids[::2]):
            with self.subTest(body=body[:90], reason=reason, pointer=pointer):
                if pointer is None:
                    pointer = next(m.note["pointer"] for m in self.stack.fallback(house.group) if m.note["message_id"] == message_id)
                self.check_note(house, body, message_id, reason, pointer, None)
                self.check_first_receive(message_id)
        for booking in neighbours:
            self.assertTrue(house.state(self.stack, booking), f"the neighbour {booking} is not done")
        self.assertIsNone(house.state(self.stack, "victim"))
        self.assertEqual(house.left_waiting(self.stack), [])
        self.assertEqual(len(self.stack.fallback(house.group)), len(cases))

    def test_data_of_the_wrong_form(self):
        house = self.house()
        table = [
            ({"version": "1"}, "invalid-data", "/data/version"),
            ({"version": -1}, "invalid-data", "/data/version"),
            ({"unit": None}, "invalid-data", "/data/unit"),
            ({"unit": "a#b"}, "invalid-data", "/data/unit"),
            ({"arrival": "2031-02-30"}, "invalid-data", "/data/arrival"),
            ({"party": {"adults": 300}}, "invalid-data", "/data/party/adults"),
            ({"guest": {"name": "x" * 201}}, "invalid-data", "/data/guest/name"),
            ({"departure": "2031-04-30"}, "stay-departure-before-arrival", "/data/departure"),
            ({"departure": "2033-05-01"}, "stay-too-long", "/data/departure"),
            ({"unit": "attic"}, "unknown-unit", "/data/unit"),
        ]
        bad = [house.booking(f"bad{n}", **data) for n, (data, _, _) in enumerate(table)]
        del bad[0]["data"]["departure"]
        table[0] = (table[0][0], "invalid-data", "/data/version")
        missing = house.booking("missing")
        del missing["data"]["departure"]
        bad.append(missing)
        table.append(({}, "invalid-data", "/data/departure"))
        unit = house.event("pms.unit.blocked.v1", "unit/attic", {"version": 1, "block": "x", "from": "2031-01-01", "until": "2031-01-02"})
        bad.append(unit)
        table.append(({}, "unknown-unit", "/subject"))
        other = house.event("pms.booking.created.v1", "unit/u1", house.booking("x")["data"])
        bad.append(other)
        table.append(({}, "subject-mismatch", "/subject"))
        good = [house.booking(f"good{n}", arrival=f"2031-08-{n + 1:02}", departure=f"2031-08-{n + 2:02}") for n in range(len(bad))]
        ids = house.send(self.stack, *(event for pair in zip(bad, good) for event in pair))
        self.stack.drain()
        for event, (_, reason, pointer), message_id in zip(bad, table, ids[::2]):
            with self.subTest(data=str(event["data"])[:90], reason=reason):
                critical = event["type"].startswith("pms.booking")
                note = self.check_note(house, json.dumps(event), message_id, reason, pointer, event["subject"], critical=critical)
                self.check_first_receive(message_id)
                if reason == "stay-too-long":
                    self.assertIn("730", note["expected"])
                if pointer == "/data/unit" and reason == "unknown-unit":
                    self.assertIn("u1", note["expected"])
        for event in good:
            self.assertTrue(house.state(self.stack, event["subject"].split("/")[1]))
        taken = {sk.split("/")[0] for sk in house.months(self.stack)}
        self.assertEqual(taken, {"u1"})
        self.assertEqual(house.months(self.stack)["u1/2031-08"]["s"], {f"good{n}": 101 * (n + 1) for n in range(len(good))})

    def test_day_use_and_the_longest_stay_are_accepted(self):
        house = self.house()
        day = house.booking("day", arrival="2031-05-01", departure="2031-05-01")
        long = house.booking("long", unit="u2", arrival="2031-01-01", departure="2032-12-31")  # 730 nights
        house.send(self.stack, day, house.booking("same-day"), long)
        self.stack.drain()
        self.assertEqual(self.stack.fallback(house.group), [])
        self.assertEqual(house.state(self.stack, "day")["placed"], "s")
        months = house.months(self.stack)
        self.assertEqual(months["u1/2031-05"], {"s": {"same-day": 102}, "n": {}})
        nights = [m["s"]["long"] for unit, m in months.items() if unit.startswith("u2/")]
        self.assertEqual(sum(code % 100 - code // 100 + 1 for code in nights), 730)

    def test_unknown_type_and_wrong_queue(self):
        house = self.house()
        unknown = house.booking("b1") | {"type": "pms.booking.teleported.v1"}
        data = {"version": 1, "from": "2031-01-01", "until": "2031-01-02"}
        availability = house.event("bellhop.availability.changed.v1", "unit/u1", data)
        stay = {"version": 1, "unit": "u1", "arrival": "2031-01-01", "departure": "2031-01-02"}
        changed = house.event("bellhop.booking.changed.v1", "booking/b2", stay | {"cause": "pms.booking.created.v1", "placed": True})
        guest = house.event("bellhop.guest.message.requested.v1", "booking/b3", stay | {"message": "change"})
        good = house.booking("good")
        bad = [unknown, availability, changed, guest]
        ids = house.send(self.stack, *bad, good)
        self.stack.drain()
        self.check_note(house, json.dumps(unknown), ids[0], "unknown-type", "/type", "booking/b1")
        for event, message_id, right in zip(bad[1:], ids[1:], ["synchronization", "automation", "operational-guests"]):
            note = self.check_note(house, json.dumps(event), message_id, "wrong-queue", "/type", event["subject"])
            self.assertRegex(note["expected"], rf"\b{right}\b")
            self.check_first_receive(message_id)
            self.assertIsNone(house.item(self.stack, event["subject"]), "an event of another queue leaves nothing here")
        self.assertTrue(house.state(self.stack, "good"))
        later = house.booking("b2", unit="u2")
        house.send(self.stack, later)
        self.stack.drain()
        self.assertTrue(house.state(self.stack, "b2"), "an event of another queue holds nobody up")

    def test_forged_tenants_touch_nothing(self):
        victim, forger = self.house(), self.house()
        victim.send(self.stack, victim.booking("b1"))
        self.stack.drain()
        before = {house: self.stack.items(house.group) for house in (victim, forger)}
        partitions = self.stack.partitions()
        cancelled = victim.booking("b1", 2, "cancelled")
        cases = [
            (forger.group, cancelled, "group-mismatch", "/tenant"),
            (f"{victim.tenant}#other", cancelled, "group-mismatch", "/tenant"),
            (f"{forger.tenant}#{victim.property}", cancelled, "group-mismatch", "/tenant"),
            ("nogroup", cancelled, "group-mismatch", "/tenant"),
            (victim.group.upper(), cancelled, "group-mismatch", "/tenant"),
            (f"{victim.group}#booking-com", cancelled, "group-mismatch", "/tenant"),
            (f"{victim.group}#a#b", cancelled, "group-mismatch", "/tenant"),
            (victim.group, victim.booking("b1", 2) | {"id": "e#1"}, "invalid-envelope", "/id"),
            (victim.group, victim.booking("b1", 2) | {"subject": "booking/b1#x"}, "invalid-envelope", "/subject"),
            (victim.group, victim.booking("b1", 2) | {"tenant": victim.tenant.upper()}, "invalid-envelope", "/tenant"),
            (victim.group, victim.booking("b1", 2) | {"tenant": f"{victim.tenant}#{victim.property}"}, "invalid-envelope", "/tenant"),
            (victim.group, victim.booking("b1", 2) | {"property": "p/../x"}, "invalid-envelope", "/property"),
            (victim.group.upper(), victim.booking("b1", 2) | {"tenant": victim.tenant.upper()}, "invalid-envelope", "/tenant"),
        ]
        sent = [(group, json.dumps(again(event))) for group, event, _, _ in cases]
        ids = self.stack.send(sent)
        self.stack.drain()
        for (group, body), (_, _, reason, pointer), message_id in zip(sent, cases, ids):
            with self.subTest(group=group, reason=reason, pointer=pointer):
                note = self.check_note(victim, body, message_id, reason, pointer, None, group=group)
                self.assertIsNone(note.get("event"))
        for house, items in before.items():
            self.assertEqual(self.stack.items(house.group), items)
        self.assertEqual(self.stack.partitions(), partitions, "a partition came or grew")
        self.assertTrue(victim.state(self.stack, "b1")["placed"])

    def test_the_same_event_again(self):
        house = self.house()
        event = house.booking("b1")
        body = json.dumps(event)
        house.send(self.stack, event, event)  # at once: SQS itself drops the second
        self.stack.drain()
        first = house.item(self.stack, "booking/b1")
        follow_ups = self.follow_ups(house)
        self.assertEqual(len(follow_ups), 3, follow_ups)
        ids = house.send(self.stack, again(event), again(event) | {"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-01"})
        # Minutes later SQS no longer knows the body: stood for by a deduplication id of its own.
        ids += self.stack.send([(house.group, body)], deduplication_ids=["minutes"])
        self.stack.drain()
        # Weeks later: what is remembered was made 44 days ago.
        aged = house.item(self.stack, "booking/b1")
        (seen,) = aged["seen"]["M"].values()
        at = int.from_bytes(seen["B"][32:], "big") - 44 * 86_400
        seen["B"] = seen["B"][:32] + at.to_bytes(5, "big")
        self.stack.put(aged)
        ids += self.stack.send([(house.group, body)], deduplication_ids=["weeks"])
        self.stack.drain()
        self.assertEqual([self.stack.outcomes(message_id=i) for i in ids], [{"duplicate": 1}] * 4)
        self.assertEqual(house.item(self.stack, "booking/b1"), aged)
        self.assertEqual(first["rev"], aged["rev"])
        self.assertEqual(self.follow_ups(house), follow_ups)
        self.assertEqual(self.stack.fallback(house.group), [])
        self.check_metrics(duplicates=4)

    def check_metrics(self, duplicates: int):
        """The function wrote what CloudWatch makes its metrics of: by function, never by tenant."""

        def lines():
            self.stack.lines()
            found = self.stack.logs["calendar"].metrics
            return found if sum(line.get("duplicate", 0) for line in found) >= duplicates else None

        found = harness.wait(lines, 10, "the metrics of the batches")  # written after the batch is done
        for line in found:
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            self.assertEqual((directive["Namespace"], directive["Dimensions"]), ("Bellhop", [["Prefix", "Function"]]))
            self.assertEqual((line["Prefix"], line["Function"]), (self.stack.prefix, "calendar"))
            self.assertEqual(set(line) - {"_aws", "Prefix", "Function"}, {metric["Name"] for metric in directive["Metrics"]})
        self.assertTrue(all(any(name in line for line in found) for name in ("processed", "lag", "duration", "cold_start")), found)

    def follow_ups(self, house) -> list[str]:
        names = ("operational-guests", "automation", "synchronization")
        events = [m.event for name in names for m in self.stack.of_group(name, house.group)]
        return sorted(event["id"] for event in events if event["causationid"] != house.registration["id"])

    def test_the_same_id_or_version_with_other_content(self):
        house = self.house()
        event = house.booking("b1", 3)
        house.send(self.stack, event)
        self.stack.drain()
        stored, months = house.item(self.stack, "booking/b1"), house.months(self.stack)
        other_payload = again(event) | {"data": event["data"] | {"departure": "2031-05-09"}}
        same_version = house.booking("b1", 3, departure="2031-05-08")
        same_cancelled = house.booking("b1", 3, "cancelled")
        ids = house.send(self.stack, other_payload, same_version, same_cancelled, house.booking("b2", unit="u2"))
        self.stack.drain()
        note = self.check_note(house, json.dumps(other_payload), ids[0], "idempotency-conflict", "/data", "booking/b1")
        self.assertIn(digest(event), note["expected"] + note["found"])
        self.assertIn(digest(other_payload), note["expected"] + note["found"])
        for conflict, message_id in ((same_version, ids[1]), (same_cancelled, ids[2])):
            note = self.check_note(house, json.dumps(conflict), message_id, "idempotency-conflict", "/data", "booking/b1")
            self.assertEqual(len(set(re.findall(r"\b[0-9a-f]{64}\b", f"{note['expected']} {note['found']}"))), 2, note)
        self.assertEqual(house.item(self.stack, "booking/b1")["st"], stored["st"])
        self.assertEqual(house.months(self.stack)["u1/2031-05"], months["u1/2031-05"])
        self.assertTrue(house.state(self.stack, "b2"))
        # Decided on its own: no hold.
        house.send(self.stack, house.booking("b1", 4, "modified", departure="2031-05-04"))
        self.stack.drain()
        self.assertEqual(house.state(self.stack, "b1")["version"], 4)

    def test_the_same_id_with_another_subject_is_another_event(self):
        """An id is remembered in its subject's item (docs/decisions/0001): each has its one effect, also when both come again."""
        house = self.house()
        event = house.booking("b1")
        twin = again(event) | {"subject": "booking/b9", "data": event["data"] | {"unit": "u2"}}
        ids = house.send(self.stack, event, twin, again(event), again(twin))
        self.stack.drain()
        outcomes = [self.stack.outcomes(message_id=i) for i in ids]
        self.assertEqual(outcomes, [{"applied": 1}, {"applied": 1}, {"duplicate": 1}, {"duplicate": 1}])
        of_both = sorted(follow_up_id(cause, n) for cause in (event, twin) for n in range(3))
        self.assertEqual(self.follow_ups(house), of_both, "neither's follow-ups pass for the other's")
        self.assertEqual(self.stack.fallback(house.group), [])

    def test_a_taken_night(self):
        house = self.house()
        first, second = house.booking("first"), house.booking("second", arrival="2031-05-02", departure="2031-05-04")
        ids = house.send(self.stack, first, second)
        self.stack.drain()
        nights = {"u1/2031-05": {"s": {"first": 102}, "n": {}}}
        self.assertEqual(house.months(self.stack), nights)
        stored = house.state(self.stack, "second")
        self.assertEqual((stored["version"], "placed" in stored), (1, False))
        note = self.check_note(house, json.dumps(second), ids[1], "booking-unplaced", "/data/arrival", "booking/second", critical=True)
        self.assertIn("booking/first", note["found"])
        self.assertIn("booking/second", note["found"])
        self.assertIn("2031-05-02", note["found"])
        self.assertEqual([line["note"] for line in self.stack.lines(message_id=ids[1])], ["unplaced"])
        self.assertEqual(house.left_waiting(self.stack), [])
        # The next version is decided on its own.
        still, fits = (house.booking("second", v, "modified", arrival=f"2031-05-0{v}", departure="2031-05-05") for v in (2, 3))
        house.send(self.stack, still, fits)
        self.stack.drain()
        self.assertEqual(house.months(self.stack)["u1/2031-05"], {"s": {"first": 102, "second": 304}, "n": {}})
        self.assertEqual(len(self.stack.fallback(house.group)), 2)

    def test_an_older_version(self):
        house = self.house()
        new = house.booking("b1", 5, "modified")
        old = house.booking("b1", 4, arrival="2031-06-01", departure="2031-06-05")
        ids = house.send(self.stack, new, old, house.booking("b1", 3, "cancelled"))
        self.stack.drain()
        self.assertEqual([self.stack.outcomes(message_id=i) for i in ids], [{"applied": 1}, {"stale": 1}, {"stale": 1}])
        self.assertEqual(house.state(self.stack, "b1")["version"], 5)
        self.assertEqual(house.months(self.stack), {"u1/2031-05": {"s": {"b1": 102}, "n": {}}})
        self.assertEqual(self.stack.fallback(house.group), [])
        self.assertEqual(self.follow_ups(house), sorted(follow_up_id(new, n) for n in range(3)))
