"""Rules: what is due comes once, moves and goes with its booking; a rule that fails stops nobody; none runs on its own output."""

import time
import unittest
from datetime import UTC, datetime, timedelta

import guests
import harness
from channels import FakeChannel, Hook, random_secret, settle
from events import House, again
from guests import bring_forward, due, mails, report, save_rules, tell

SPEC = {"time_zone": "UTC", "check_in": "15:00", "check_out": "11:00"}
BEFORE = {"id": "before", "at": {"anchor": "arrival", "days": -3, "time": "10:00"}, "then": {"message": "pre-arrival"}}
AFTER = {"id": "thanks", "at": {"anchor": "departure", "days": 1, "time": "12:00"}, "then": {"message": "thanks"}}


def moment(day: str, days: int, clock: str) -> int:
    return int((datetime.fromisoformat(f"{day}T{clock}+00:00") + timedelta(days)).timestamp())


class Reminders(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = guests.guests_stack()
        cls.wall_clock()

    @classmethod
    def wall_clock(cls):
        """Nothing brought forward: bookings of tomorrow whose moment is the next minute but one at most. Meanwhile the others run."""
        at = (datetime.now(UTC) + timedelta(seconds=70)).replace(second=0, microsecond=0)
        house = cls.house(BEFORE | {"at": {"anchor": "arrival", "days": -1, "time": f"{at:%H:%M}"}})
        arrival, departure, later, end = (str((at + timedelta(n)).date()) for n in (1, 3, 11, 12))
        for name, unit in (("b1", "u1"), ("b2", "u2"), ("b3", "u3")):
            cls.book(house, name, unit=unit, arrival=arrival, departure=departure)
        cls.book(house, "b2", 2, "modified", unit="u2", arrival=later, departure=end)
        cls.book(house, "b3", 2, "cancelled", unit="u3", arrival=arrival, departure=departure)
        cls.waiting = house, at

    @classmethod
    def house(cls, *rules: dict, **data) -> House:
        house = House("rules")
        house.send(cls.stack, house.registered(**SPEC | data))
        guests.save_templates(cls.stack, house, **{
            f"{kind}__en__{part}": f"{kind} {{{{ booking.arrival }}}}" for kind in ("pre_arrival", "thanks", "extra") for part in ("subject", "html", "text")
        })  # fmt: skip
        if rules:
            save_rules(cls.stack, house, *rules)
        return house

    @classmethod
    def book(cls, house: House, name: str = "b1", version: int = 1, kind: str = "created", **data) -> dict:
        event = house.booking(name, version, kind, guest=guests.guest(house, name), **data)
        house.send(cls.stack, event)
        return event

    def run_due(self, house: House, *subjects: str) -> int:
        """What is planned, now; as the timer sends it, twice in a row."""
        moved = bring_forward(self.stack, house, *subjects)
        self.stack.tick()
        self.stack.tick()
        self.stack.drain()
        return moved

    def kinds(self, house: House, booking: str = "b1") -> list[str]:
        """By the first word of what was sent; what is built in begins otherwise."""
        return [m["subject"].split()[0] for m in mails(house, booking) if m["subject"].split()[0] in ("pre_arrival", "thanks", "extra")]

    def reasons(self, house: House) -> list[str]:
        return [note["reason"] for note in guests.reviews(self.stack, house)]

    def test_each_moment_once(self):
        house = self.house(BEFORE, AFTER)
        event = self.book(house)
        house.send(self.stack, again(event))
        self.stack.drain()
        self.book(house, version=2, kind="modified", total={"amount": 9_000, "currency": "EUR"})
        self.stack.drain()
        first = moment("2031-05-01", -3, "10:00")
        self.assertEqual([at for at, _ in due(self.stack, house)["booking/b1"]], [first], "one entry: the next moment")
        self.assertEqual(self.run_due(house), 1)
        self.assertEqual(self.kinds(house), ["pre_arrival"])
        last = [moment("2031-05-03", 1, "12:00")]
        self.assertEqual([at for at, _ in due(self.stack, house)["booking/b1"]], last)
        self.book(house, version=3, kind="modified", total={"amount": 8_000, "currency": "EUR"})
        self.stack.drain()
        self.assertEqual([at for at, _ in due(self.stack, house)["booking/b1"]], last, "what was judged is not planned again")
        self.assertEqual(self.run_due(house), 1)
        self.assertEqual(self.kinds(house), ["pre_arrival", "thanks"])
        self.assertEqual(due(self.stack, house), {})
        self.assertEqual(self.reasons(house), [])

    def test_it_moves_with_its_booking_and_goes_with_a_cancellation(self):
        house = self.house(BEFORE)
        self.book(house)
        self.book(house, "b2", unit="u2")
        self.stack.drain()
        stale = due(self.stack, house)
        self.book(house, version=2, kind="modified", arrival="2031-06-01", departure="2031-06-03")
        self.book(house, "b2", 2, "cancelled", unit="u2")
        self.stack.drain()
        planned = due(self.stack, house)
        self.assertEqual({s: [at for at, _ in entries] for s, entries in planned.items()}, {"booking/b1": [moment("2031-06-01", -3, "10:00")]})
        # The old ones come all the same: the timer had sent them before they were taken back.
        for subject, ((at, name),) in stale.items():
            look = house.event("bellhop.automation.look.v1", subject, {"version": at, "due": at}) | {"id": name}
            tell(self.stack, house, look)
        self.stack.drain()
        self.assertEqual((self.kinds(house), self.kinds(house, "b2")), ([], []))
        self.assertEqual(due(self.stack, house), planned)
        self.run_due(house)
        self.assertEqual((self.kinds(house), self.kinds(house, "b2")), (["pre_arrival"], []))

    def test_the_wall_clock(self):
        house, at = self.waiting
        harness.wait(lambda: time.time() >= at.timestamp(), 90, "the minute")
        settle(self.stack, within=0)
        harness.wait(lambda: self.kinds(house), 30, "the reminder")
        settle(self.stack, within=0)
        self.assertEqual([self.kinds(house, f"b{n}") for n in (1, 2, 3)], [["pre_arrival"], [], []])
        sent = [mail["raw"]["Timestamp"] for mail in mails(house, "b1") if mail["subject"].startswith("pre_arrival")]
        self.assertGreaterEqual(datetime.fromisoformat(sent[0]).replace(tzinfo=UTC), at, "nothing is early")
        self.assertEqual(list(due(self.stack, house)), ["booking/b2"])

    def test_a_delay_ends_unless_the_stay_is_called_off(self):
        rule = {"id": "extra", "on": "pms.booking.created.v1", "after": "PT2H", "when": "booking.nights >= 2", "then": {"message": "extra"}}
        house = self.house(rule)
        self.book(house)
        self.book(house, "b2", unit="u2")
        self.book(house, "b3", unit="u3", departure="2031-05-02")
        self.stack.drain()
        planned = due(self.stack, house)
        for name in ("b1", "b2"):
            ((at, _),) = planned[f"booking/{name}"]
            self.assertAlmostEqual(at, time.time() + 7_200, delta=120)
        self.book(house, "b2", 2, "cancelled", unit="u2")
        self.stack.drain()
        self.run_due(house)
        self.assertEqual([self.kinds(house, f"b{n}") for n in (1, 2, 3)], [["extra"], [], []])
        self.assertEqual(due(self.stack, house), {})

    def test_a_rule_tells_a_webhook_and_other_rules_and_never_itself(self):
        rules = [
            {"id": "vip", "on": "pms.booking.created.v1", "when": "booking.total >= 100000", "then": {"event": {"type": "rule.vip", "data": {"level": 2}}}},
            {"id": "fruit", "on": "rule.vip", "then": {"task": {"kind": "welcome", "title": "Fruit", "days": 1}}},
            {"id": "more", "on": "pms.task.upserted.v1", "then": {"task": {"kind": "check", "title": "Look at it"}}},
        ]  # fmt: skip
        house = self.house(*rules, notify=["rule.vip"])
        circle = {"id": "a", "on": "rule.x", "then": {"event": {"type": "rule.x"}}}
        refused = save_rules(self.stack, house, circle, code=1)
        self.assertIn("invalid-rule", refused)
        with FakeChannel(window_seconds=1) as fake:
            text = random_secret(webhook=True)
            keys = [self.stack.secret(f"bellhop/{house.tenant}/pms", text)]
            hook = Hook(house, fake, "pms", keys, events=["*"]).accepts(text).register(self.stack)
            self.stack.drain()
            self.book(house, total={"amount": 120_000, "currency": "EUR"})
            self.book(house, "b2", unit="u2", total={"amount": 1_000, "currency": "EUR"})
            settle(self.stack, within=0)
            told = [one["body"] for one in hook.deliveries("rule.vip")]
            self.assertEqual([(event["subject"], event["data"]["data"]) for event in told], [("booking/b1", {"level": 2})])
        tasks = guests.board(self.stack, house, "2031-05-01", 7)["tasks"]
        self.assertEqual(sorted(row["kind"] for row in tasks), ["check", "welcome"], "the rule on tasks ran once, not on its own")
        self.assertEqual(self.reasons(house), [])

    def test_a_rule_that_fails_stops_nobody_else(self):
        broken = {"id": "broken", "on": "pms.booking.created.v1", "when": "10 / booking.infants > 1", "then": {"message": "extra"}}
        fine = {"id": "fine", "on": "pms.booking.created.v1", "then": {"task": {"kind": "welcome", "title": "Fruit"}}}
        house = self.house(broken, fine, BEFORE)
        self.book(house)
        self.book(house, "b2", unit="u2", party={"adults": 2, "children": 0, "infants": 1})
        self.stack.drain()
        notes = [note for note in guests.reviews(self.stack, house)]
        self.assertEqual([(note["reason"], note["subject"]) for note in notes], [("rule-failed", "booking/b1")])
        self.assertIn("broken", notes[0]["expected"] + notes[0]["found"] + notes[0]["pointer"])
        self.assertEqual(len(guests.board(self.stack, house, "2031-05-01", 7)["tasks"]), 2)
        self.assertEqual(set(due(self.stack, house)), {"booking/b1", "booking/b2"})
        self.assertEqual([self.kinds(house), self.kinds(house, "b2")], [[], ["extra"]])
        self.book(house, version=2, kind="modified", departure="2031-05-04")
        self.stack.drain()
        self.assertEqual(len(self.reasons(house)), 1)
        self.assertEqual(guests.left_waiting(self.stack, house), [], "nothing is held up")

    def test_rules_that_are_saved_later_count_when_they_are_applied(self):
        house = self.house()
        self.book(house)
        self.stack.drain()
        save_rules(self.stack, house, BEFORE)
        self.assertEqual(due(self.stack, house), {})
        guests.command(self.stack, "rule", "apply", *guests.place(house))
        self.stack.drain()
        self.assertEqual(list(due(self.stack, house)), ["booking/b1"])

    def test_a_problem_with_a_cleaning_requests_a_repair(self):
        rule = {"id": "fix", "on": "pms.task.reported.v1", "when": "report.status == 'problem'", "then": {"task": {"kind": "maintenance", "title": "Mend it", "days": 1, "assignee": "tech"}}}  # fmt: skip
        house = self.house(rule)
        self.book(house)
        self.stack.drain()
        problem = report(house, "booking/b1", 1, "problem")
        tell(self.stack, house, problem, again(problem))
        self.stack.drain()
        (row,) = guests.board(self.stack, house, "2031-05-01", 7)["tasks"]
        self.assertEqual((row["kind"], row["unit"], row["assignee"], row["state"]), ("maintenance", "u1", "tech", "scheduled"))
