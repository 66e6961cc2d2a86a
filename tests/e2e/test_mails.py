"""Mail: what is in it, who gets none, and when a person is asked. Names and addresses are in no log and no item but the booking's."""

import json
import time
import unittest
from datetime import UTC, datetime, timedelta

import guests
import harness
from bellhop_cloud import settings
from events import House, again
from guests import due, mails, save_templates
from proxy import Answer, Kill, Lose, Reset

PARTS = ("subject", "html", "text")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = guests.guests_stack()
        cls.houses = []

    def house(self, **data) -> House:
        house = House("mail")
        house.send(self.stack, house.registered(name="Sea View", **data))
        self.houses.append(house)
        return house

    def book(self, house: House, name: str = "b1", version: int = 1, kind: str = "created", **data) -> dict:
        data = {"guest": guests.guest(house, name)} | data
        event = house.booking(name, version, kind, **data)
        house.send(self.stack, event)
        return event

    def write(self, house: House, name: str = "b1", version: int = 1, **data) -> dict:
        """The PMS's own words."""
        event = house.event("pms.guest.message.v1", f"booking/{name}", {"version": version, "subject": "Keys", "text": "In the box."} | data)
        house.send(self.stack, event, queue=harness.GUESTS)
        return event

    def reasons(self, house: House) -> list[str]:
        return [note["reason"] for note in guests.reviews(self.stack, house)]

    def subjects(self, house: House, name: str = "b1") -> list[str]:
        return [mail["subject"] for mail in mails(house, name)]

    def tearDown(self):
        """Wherever a name or an address could have gone: they all hold the house's token, which is in its ids as well."""
        logs = "".join(log.text() for log in self.stack.logs.values())
        for house in self.houses:
            self.assertNotIn(f"{house.token}@", logs, "an address in a log")
            self.assertNotIn(f" {house.token}", logs, "a name in a log")
            for sk, item in self.stack.items(house.group).items():
                text = json.dumps(item, default=repr)
                kept = sk.startswith(("calendar#booking/", "calendar#parked/", "calendar#record/"))
                self.assertTrue(kept or f"{house.token}@" not in text, f"an address in {sk}")
        self.houses.clear()


class Mails(Case):
    def test_what_is_in_it(self):
        house = self.house(languages=["en"])
        event = self.book(house)
        house.send(self.stack, again(event))
        self.stack.drain()
        (mail,) = mails(house, "b1")
        self.assertEqual(mail["to"], [f"b1.{house.token}@guests.example"])
        self.assertEqual(mail["from"], "stays@bellhop.invalid")
        self.assertIn("confirmed", mail["subject"].lower())
        for part in ("html", "text"):
            self.assertIn("Sea View", mail[part])
            self.assertIn(f"Ana b1 {house.token}", mail[part])
        self.assertIn("<html", mail["html"])
        self.assertNotIn("<p>", mail["text"])
        self.book(house, version=2, kind="modified", departure="2031-05-05")
        self.book(house, version=3, kind="modified", departure="2031-05-05", total={"amount": 9_000, "currency": "EUR"})
        self.stack.drain()
        self.assertEqual(len(mails(house, "b1")), 2, "of the price nobody writes")
        self.book(house, version=4, kind="cancelled", departure="2031-05-05")
        self.stack.drain()
        self.assertEqual(len(mails(house, "b1")), 3)
        self.assertIn("cancelled", self.subjects(house)[2].lower())
        self.assertEqual(self.reasons(house), [])

    def test_languages_and_the_tenants_own_words(self):
        house = self.house(languages=["pt", "de", "en"])
        self.book(house, "b1", guest=guests.guest(house, "b1", language="de-AT"))
        self.book(house, "b2", unit="u2", guest=guests.guest(house, "b2", language="ja"))
        self.stack.drain()
        self.assertIn("Buchung", self.subjects(house)[0])
        self.assertIn("Buchung", self.subjects(house, "b2")[0], "built in is the second of the property's languages")
        save_templates(self.stack, house, **{f"confirmation__pt__{part}": "Olá {{ guest.name }}" for part in PARTS})
        self.book(house, "b3", unit="u3", guest=guests.guest(house, "b3", language="pt-BR", name="<b>Ana & Rui</b>"))
        self.stack.drain()
        (mail,) = mails(house, "b3")
        self.assertEqual((mail["subject"], mail["text"].strip()), ("Olá <b>Ana & Rui</b>",) * 2)
        self.assertEqual(mail["html"].strip(), "Olá &lt;b&gt;Ana &amp; Rui&lt;&#x2f;b&gt;")

    def test_a_hostile_name(self):
        house = self.house()
        save_templates(self.stack, house, **{f"confirmation__en__{part}": "For {{ guest.name }}!" for part in PARTS})
        hostile = f"Ana {house.token}\r\nBcc: victim@guests.example\r\n\r\n<script>{{{{ property.id }}}}</script>"
        self.book(house, guest=guests.guest(house, "b1", name=hostile))
        self.stack.drain()
        (mail,) = mails(house, "b1")
        self.assertFalse({"\r", "\n"} & set(mail["subject"]), "one line")
        self.assertEqual(mail["to"], [f"b1.{house.token}@guests.example"])
        self.assertNotIn("<script>", mail["html"])
        self.assertIn("{{ property.id }}", mail["text"], "a value is no template")
        self.assertFalse(mail["raw"]["Destination"].get("BccAddresses"))

    def test_addresses_that_are_none(self):
        house = self.house()
        self.book(house, "b1", guest={"name": "Nobody"})
        self.book(house, "b2", unit="u2", guest=guests.guest(house, "b2", email=f"b2.{house.token}@guests.example\r\nBcc: victim@guests.example"))
        self.book(house, "b3", unit="u3", guest=guests.guest(house, "b3", email=f"b3.{house.token}@guests.example, victim@guests.example"))
        self.stack.drain()
        self.assertEqual(self.reasons(house), ["invalid-address"] * 2)
        self.assertEqual(guests.inbox(house), [])
        self.assertNotIn("victim", json.dumps([m.note for m in self.stack.fallback(house.group)]))
        self.book(house, "b2", 2, "modified", unit="u2", departure="2031-05-05")
        self.stack.drain()
        self.assertEqual(len(mails(house, "b2")), 1, "the next one goes to the address as it is then")

    def test_a_message_that_overtakes_its_booking(self):
        house = self.house()
        self.write(house)
        harness.wait(lambda: self.stack.lines("notifications", tenant=house.tenant, outcome="retry"), 20, "it to come too early")
        self.book(house)
        self.stack.drain()
        self.assertEqual(sorted(self.subjects(house))[0], "Keys")
        self.assertEqual((len(self.subjects(house)), self.reasons(house)), (2, []))

    def test_a_template_that_is_missing_is_mended_and_retried(self):
        house = self.house()
        self.book(house)
        self.stack.drain()  # a person's own words may overtake the confirmation: they come by another queue
        self.write(house, message="parking")
        self.write(house, version=2)
        self.stack.drain()
        self.assertEqual(self.reasons(house), ["template-failed"])
        self.assertEqual(len(mails(house, "b1")), 1, "what comes later waits behind it, in order")
        save_templates(self.stack, house, **{f"parking__en__{part}": "Parking" for part in PARTS})
        guests.command(self.stack, "hold", "resolve", "--function", "notifications", house.tenant, house.property, "booking/b1", "retry")
        self.stack.drain()
        self.assertEqual(self.subjects(house)[1:], ["Parking", "Keys"])
        self.assertEqual(guests.left_waiting(self.stack, house), [])

    def test_a_broken_template_is_refused_when_it_is_saved(self):
        house = self.house()
        parts = {f"parking__en__{part}": "Parking" for part in PARTS}
        refused = save_templates(self.stack, house, code=1, **parts | {"parking__en__html": "{% for x in range(9) %}"})
        self.assertIn("invalid-template", refused)

    def test_suppressed_addresses(self):
        house = self.house()
        bounced = {"notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": [{"emailAddress": f"b2.{house.token}@guests.example"}]}}  # fmt: skip
        address = guests.guest(house, "b1")["email"].upper()
        guests.command(self.stack, "mail", "suppressed", "--tenant", house.tenant, "--add", address, "--reason", "complaint")
        self.book(house, "b1")
        self.book(house, "b2", unit="u2")
        self.stack.drain()
        self.assertEqual((self.subjects(house), len(mails(house, "b2"))), ([], 1))
        tags = {name: [value] for name, value in (("tenant", house.tenant), ("property", house.property), ("booking", "b2"))}
        bounced["mail"] = {"messageId": mails(house, "b2")[0]["raw"]["Id"], "tags": tags}
        sns = settings.client("sns")
        (topic,) = [t["TopicArn"] for t in sns.list_topics()["Topics"] if t["TopicArn"].endswith(f":{self.stack.prefix}-mail-feedback")]
        sns.publish(TopicArn=topic, Message=json.dumps(bounced))
        suppressed = ("mail", "suppressed", "--tenant", house.tenant, "--json")
        harness.wait(lambda: guests.command(self.stack, *suppressed).count('"hash"') >= 2, 20, "the bounce to be heard of")
        self.book(house, "b2", 2, "modified", unit="u2", departure="2031-05-05")
        self.stack.drain()
        self.assertEqual(len(mails(house, "b2")), 1, "no mail to an address that bounced")
        self.assertEqual(self.reasons(house), [])

    def hours(self) -> dict:
        now = datetime.now(UTC)
        return {"from": f"{now - timedelta(hours=2):%H:%M}", "until": f"{now + timedelta(hours=2):%H:%M}"}

    def test_quiet_hours(self):
        hours = self.hours()
        house = self.house(time_zone="UTC", quiet_hours=hours)
        self.book(house)
        self.stack.drain()
        ((at, _),) = due(self.stack, house)["booking/b1"]
        self.assertEqual(f"{datetime.fromtimestamp(at, UTC):%H:%M:%S}", f"{hours['until']}:00")
        self.assertGreater(at, time.time())
        guests.bring_forward(self.stack, house)
        self.stack.tick()
        self.stack.drain()
        self.assertEqual(self.subjects(house), [], "a clock that is ahead wakes nobody")
        self.assertEqual([each for each, _ in due(self.stack, house)["booking/b1"]], [at])
        self.end_of(house)
        self.assertEqual(len(self.subjects(house)), 1)
        self.assertEqual(due(self.stack, house), {})

    def end_of(self, house: House):
        """Of its quiet hours."""
        house.send(self.stack, house.registered(2, name="Sea View", time_zone="UTC"))
        self.stack.drain()
        guests.bring_forward(self.stack, house)
        self.stack.tick()
        self.stack.drain()

    def test_what_comes_together_after_quiet_hours(self):
        """What happened meanwhile is told as it is now, in its order."""
        house = self.house(time_zone="UTC", quiet_hours=self.hours())
        for n in range(8):
            self.book(house, f"b{n}", unit="rooms" if n > 2 else f"u{n + 1}", arrival=f"2031-0{n + 1}-01", departure=f"2031-0{n + 1}-04")
        for n in range(8):
            unit, cancelled = "rooms" if n > 2 else f"u{n + 1}", n % 2
            days = {"arrival": f"2031-0{n + 1}-01", "departure": f"2031-0{n + 1}-0{4 if cancelled else 6}"}
            self.book(house, f"b{n}", 2, "cancelled" if cancelled else "modified", unit=unit, **days)
        self.stack.drain()
        self.assertEqual(guests.inbox(house), [])
        self.end_of(house)
        for n in range(8):
            subjects = [subject.split()[-1] for subject in self.subjects(house, f"b{n}")]
            wanted = [["cancelled"]] if n % 2 else [["confirmed"], ["confirmed", "changed"]]
            self.assertIn(subjects, wanted, f"b{n}")


class InDoubt(Case):
    """The mail service takes no idempotency key: in doubt, a person is asked, once, and nothing is sent again."""

    def once(self, action):
        left = [action]
        return lambda request: left.pop() if left else None

    def send_with(self, action) -> House:
        house = self.house()
        self.stack.drain()
        with self.stack.rule(self.once(action), ses=True) as proxy:
            hits = proxy.hits
            self.book(house)
            self.stack.drain(60)
            self.assertEqual(proxy.hits - hits, 1, "or it proves nothing")
        return house

    def check_unknown(self, house: House, sent: int):
        self.assertEqual(self.reasons(house), ["delivery-unknown"])
        self.assertEqual(len(mails(house, "b1")), sent)
        self.book(house, version=2, kind="modified", departure="2031-05-05")
        self.stack.drain()
        self.assertEqual(len(mails(house, "b1")), sent + 1, "it holds up nothing")
        self.assertEqual(guests.left_waiting(self.stack, house), [])

    def test_killed_before_it_was_sent(self):
        self.check_unknown(self.send_with(Kill(after=False)), 0)

    def test_killed_after_it_was_sent(self):
        self.check_unknown(self.send_with(Kill(after=True)), 1)

    def test_an_answer_that_is_lost(self):
        self.check_unknown(self.send_with(Lose()), 1)

    def test_a_connection_that_breaks(self):
        self.check_unknown(self.send_with(Reset()), 0)

    def test_an_answer_that_says_nothing(self):
        self.check_unknown(self.send_with(Answer(500, "InternalFailure")), 0)

    def test_a_refusal_is_no_doubt(self):
        house = self.send_with(Answer(400, "MessageRejected", {"message": "Email address is not verified."}))
        self.assertEqual((self.reasons(house), self.subjects(house)), (["mail-refused"], []))
        guests.command(self.stack, "hold", "resolve", "--function", "notifications", house.tenant, house.property, "booking/b1", "retry")
        self.stack.drain()
        self.assertEqual(len(self.subjects(house)), 1)
