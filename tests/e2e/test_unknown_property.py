"""An unknown property: one review message, and registering it works what waited, in order."""

import unittest

import harness
from events import House
from test_poison import house_records


class UnknownProperty(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.main_stack()

    def test_one_review_message_and_all_in_order(self):
        house, known = House("unknown"), House("known").register(self.stack)
        events = []
        for version in range(1, 5):
            for n in range(5):
                day = f"2031-06-{n * 5 + 1:02}"
                events.append(house.booking(f"b{n}", version, "modified", arrival=day, departure=f"2031-06-{n * 5 + 1 + version:02}"))
        ids = house.send(self.stack, *events)
        known.send(self.stack, known.booking("b1"))
        self.stack.drain()
        (message,) = self.stack.fallback(house.group)
        self.assertEqual((message.note["reason"], message.note["pointer"]), ("unknown-property", "/property"))
        self.assertEqual(message.note["message_id"], ids[0])
        self.assertIn("pms.property.upserted.v1", message.note["remedy"])
        outcomes = [dict(self.stack.outcomes(message_id=i)) for i in ids]
        self.assertEqual(outcomes, [{"review": 1}] + [{"parked": 1}] * 19)
        self.assertEqual(house.months(self.stack), {})
        self.assertTrue(known.state(self.stack, "b1"))
        # A later event comes in between the registration and the end of the line.
        last = house.booking("b0", 5, "modified", arrival="2031-06-01", departure="2031-06-02")
        house.send(self.stack, house.registered(), last)
        self.stack.drain(60)
        self.assertEqual(house.months(self.stack)["u1/2031-06"]["s"], {"b0": 101} | {f"b{n}": (n * 5 + 1) * 101 + 3 for n in range(1, 5)})
        heard = [(m.event["subject"], m.event["data"]["version"]) for m in self.stack.of_group("automation", house.group)]
        self.assertEqual(heard.pop(0), (f"property/{house.property}", 1))
        for n in range(5):
            versions = [version for subject, version in heard if subject == f"booking/b{n}"]
            self.assertEqual(versions, [1, 2, 3, 4, 5] if n == 0 else [1, 2, 3, 4])
        self.assertEqual(heard[:20], [(e["subject"], e["data"]["version"]) for e in events], "in the order of the PMS")
        self.assertEqual(house.left_waiting(self.stack), [])
        self.assertEqual(len(self.stack.fallback(house.group)), 1)
        states = {item["state"]["S"] for item in house_records(self.stack, house).values()}
        self.assertEqual(states, {"done"})

    def test_a_bad_event_in_the_line_holds_only_its_subject(self):
        house = House("unknown")
        bad = house.booking("b1", unit="attic")
        house.send(self.stack, house.booking("b0"), bad, house.booking("b2", unit="u2"), house.booking("b1", 2, unit="u3"))
        self.stack.drain()
        house.send(self.stack, house.registered())
        self.stack.drain()
        reasons = [(m.note["reason"], m.note["subject"]) for m in self.stack.fallback(house.group)]
        self.assertEqual(reasons, [("unknown-property", "booking/b0"), ("unknown-unit", "booking/b1")])
        self.assertTrue(house.state(self.stack, "b0") and house.state(self.stack, "b2"))
        self.assertFalse(house.state(self.stack, "b1"))
        house.send(self.stack, house.registered(2, house.units | {"attic": 1}))
        import review

        review.resolve(self.stack, house.group, "booking/b1", "retry")
        self.stack.drain()
        self.assertEqual(house.state(self.stack, "b1")["version"], 2)
        self.assertEqual(house.left_waiting(self.stack), [])
