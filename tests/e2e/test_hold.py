"""A failed head: later events of its subject wait in order, others flow; retry, edit and discard."""

import json
import unittest

import harness
import review
from events import House, again


class Hold(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.main_stack()

    def held(self, **bad):
        """A booking at version 1, a bad version 2, and 3 to 5 behind it; another booking goes on."""
        house = House("hold").register(self.stack)
        first = house.booking("b1")
        poison = house.booking("b1", 2, "modified", departure="2031-05-04", **bad)
        behind = [house.booking("b1", v, "modified", departure=f"2031-05-0{v + 2}") for v in (3, 4, 5)]
        others = [house.booking("b2", v, unit="u2", departure=f"2031-05-0{v + 2}") for v in (1, 2)]
        ids = house.send(self.stack, first, poison, behind[0], others[0], behind[1], others[1], behind[2])
        self.stack.drain()
        self.assertEqual([m.note["message_id"] for m in self.stack.fallback(house.group)], [ids[1]])
        outcomes = [next(iter(self.stack.outcomes(message_id=i))) for i in ids]
        self.assertEqual(outcomes, ["applied", "review", "parked", "applied", "parked", "applied", "parked"])
        self.assertEqual(house.state(self.stack, "b1")["version"], 1)
        self.assertEqual(house.state(self.stack, "b2")["version"], 2)
        return house, poison, behind

    def heard(self, house, booking="b1") -> list[int]:
        """The versions that the next function hears of, in order."""
        events = [m.event for m in self.stack.of_group("automation", house.group)]
        mine = [e for e in events if e["subject"] == f"booking/{booking}"]
        self.assertTrue(all(e["sequence"] == f"{e['data']['version']:020}" for e in mine))
        return [e["data"]["version"] for e in mine]

    def check_done(self, house, versions, nights=106):
        self.assertEqual(self.heard(house), versions)
        self.assertEqual(house.state(self.stack, "b1")["version"], 5)
        self.assertEqual(house.months(self.stack)["u1/2031-05"]["s"], {"b1": nights})
        self.assertEqual(house.left_waiting(self.stack), [])
        # Known now, whatever comes again.
        fallback = len(self.stack.fallback(house.group))
        events = [json.loads(m.body) for m in self.stack.fallback(house.group)]
        ids = house.send(self.stack, *map(again, events))
        self.stack.drain()
        self.assertEqual([dict(self.stack.outcomes(message_id=i)) for i in ids], [{"duplicate": 1}] * len(ids))
        self.assertEqual(len(self.stack.fallback(house.group)), fallback)
        self.assertEqual(house.state(self.stack, "b1")["version"], 5)

    def test_retry_after_the_cause_is_mended(self):
        house, _, _ = self.held(unit="attic")
        house.send(self.stack, house.registered(2, house.units | {"attic": 1}))
        self.stack.drain()
        review.resolve(self.stack, house.group, "booking/b1", "retry")
        self.stack.drain()
        self.check_done(house, [1, 2, 3, 4, 5])
        self.assertEqual(house.months(self.stack)["attic/2031-05"], {"s": {}, "n": {}})

    def test_edit(self):
        house, poison, _ = self.held(unit="attic")
        edited = again(poison) | {"data": poison["data"] | {"unit": "u3"}}
        review.resolve(self.stack, house.group, "booking/b1", "edit", json.dumps(edited))
        self.stack.drain()
        self.check_done(house, [1, 2, 3, 4, 5])
        ids = house.send(self.stack, again(edited))  # the edited payload counts as the same event as well
        self.stack.drain()
        self.assertEqual(self.stack.outcomes(message_id=ids[0]), {"duplicate": 1})

    def test_discard(self):
        house, _, _ = self.held(arrival="2031-05-09")
        review.resolve(self.stack, house.group, "booking/b1", "discard")
        self.stack.drain()
        self.check_done(house, [1, 3, 4, 5])

    def by_command(self, house, *verdict, stdin=None):
        return review.resolve_by_command(self.stack, house.group, "booking/b1", *verdict, stdin=stdin)

    def test_verdicts_by_the_command_line(self):
        cases = {
            "retry": ({"unit": "attic"}, [1, 2, 3, 4, 5]),
            "edit": ({"unit": "attic"}, [1, 2, 3, 4, 5]),
            "discard": ({"arrival": "2031-05-09"}, [1, 3, 4, 5]),
        }
        for verdict, (bad, versions) in cases.items():
            with self.subTest(verdict):
                house, poison, _ = self.held(**bad)
                stdin = None
                if verdict == "retry":
                    house.send(self.stack, house.registered(2, house.units | {"attic": 1}))
                    self.stack.drain()
                elif verdict == "edit":
                    other = json.dumps(poison | {"property": "other"})
                    refused = self.by_command(house, "edit", "-", stdin=other)
                    self.assertNotEqual(refused.returncode, 0, "an edit may not change the property")
                    stdin = json.dumps(poison | {"data": poison["data"] | {"unit": "u3"}})
                options = {"retry": [], "edit": ["-"], "discard": ["--reason", "the test says so"]}[verdict]
                done = self.by_command(house, verdict, *options, stdin=stdin)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.stack.drain()
                self.check_done(house, versions)
                again_ = self.by_command(house, verdict, *options, stdin=stdin)
                self.assertNotEqual(again_.returncode, 0, "nothing waits any more")

    def test_a_retry_that_fails_again_asks_again(self):
        house, poison, _ = self.held(unit="attic")
        review.resolve(self.stack, house.group, "booking/b1", "retry")
        self.stack.drain()
        notes = self.stack.fallback(house.group)
        self.assertEqual([m.note["reason"] for m in notes], ["unknown-unit"] * 2)
        self.assertNotEqual(notes[0].deduplication_id, notes[1].deduplication_id)
        self.assertEqual(house.state(self.stack, "b1")["version"], 1)
        house.send(self.stack, house.booking("b1", 5, "modified", departure="2031-05-07"))  # conflicts later, parks now
        self.stack.drain()
        review.resolve(self.stack, house.group, "booking/b1", "discard")
        self.stack.drain()
        self.check_done(house, [1, 3, 4, 5])

    def test_a_second_failure_in_the_line(self):
        house = House("hold").register(self.stack)
        events = [
            house.booking("b1", 1, unit="attic"),
            house.booking("b1", 2, "modified", departure="2031-05-03"),
            house.booking("b1", 3, "modified", unit="cellar"),
            house.booking("b1", 4, "modified", departure="2031-05-05"),
            house.booking("b1", 5, "modified", departure="2031-05-07"),
        ]
        house.send(self.stack, *events)
        self.stack.drain()
        review.resolve(self.stack, house.group, "booking/b1", "discard")
        self.stack.drain()
        self.assertEqual(house.state(self.stack, "b1")["version"], 2)
        notes = [m.note for m in self.stack.fallback(house.group)]
        self.assertEqual([(n["reason"], n["event"]) for n in notes], [("unknown-unit", events[i]["id"]) for i in (0, 2)])
        review.resolve(self.stack, house.group, "booking/b1", "edit", json.dumps(events[2] | {"data": events[2]["data"] | {"unit": "u3"}}))
        self.stack.drain()
        self.check_done(house, [2, 3, 4, 5])

    def test_wake_ups_doubled_stale_and_of_others_are_harmless(self):
        house, _, _ = self.held(arrival="2031-05-09")
        for generation in (0, 1, 2, 99):
            review.wake(self.stack, house.group, "booking/b1", generation)
            review.wake(self.stack, house.group, "booking/nobody", generation)
        self.stack.drain()
        self.assertEqual(house.state(self.stack, "b1")["version"], 1)
        generation = review.resolve(self.stack, house.group, "booking/b1", "discard")
        for _ in range(3):
            review.wake(self.stack, house.group, "booking/b1", generation)
        self.stack.drain()
        self.check_done(house, [1, 3, 4, 5])

    def test_a_long_line_and_what_comes_while_it_is_worked(self):
        house = House("hold").register(self.stack)
        poison = house.booking("b1", 1, arrival="2031-05-09")
        line = [house.booking("b1", v, "modified", departure=f"2031-05-{v % 20 + 2:02}") for v in range(2, 62)]
        house.send(self.stack, poison, *line[:40])
        self.stack.drain()
        review.resolve(self.stack, house.group, "booking/b1", "discard")
        house.send(self.stack, *line[40:])  # behind the wake-up, before the line is worked
        self.stack.drain(60)
        self.assertEqual(self.heard(house), list(range(2, 62)))
        self.assertEqual(house.state(self.stack, "b1")["version"], 61)
        self.assertEqual(house.left_waiting(self.stack), [])
