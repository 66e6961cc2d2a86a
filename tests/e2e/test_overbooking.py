"""No night is sold above its capacity, whatever comes, and however often."""

import json
import random
import threading
import unittest
from datetime import date, timedelta

import harness
from events import House, again
from model import Group, check_group
from proxy import Stall


class Overbooking(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.main_stack()

    def test_a_crowd_for_the_same_nights(self):
        """Several properties, each with a unit and a room type of three; changes, cancellations and duplicates between."""
        seed = random.randrange(10**6)
        dice = random.Random(seed)
        bookings = 60 if harness.FULL else 25
        houses, queue = [], []
        for _ in range(4):
            house = House("crowd", {"single": 1, "triple": 3})
            versions, events = {}, [house.registered()]
            for _ in range(bookings * 2):
                name = f"b{dice.randrange(bookings)}"
                versions[name] = versions.get(name, 0) + 1
                kind = "created" if versions[name] == 1 else dice.choice(["modified"] * 3 + ["cancelled"])
                arrival = date(2031, 1, 20) + timedelta(dice.randrange(20))
                fields = {
                    "unit": dice.choice(["single", "triple", "triple"]),
                    "arrival": arrival.isoformat(),
                    "departure": (arrival + timedelta(dice.randrange(0, 6))).isoformat(),
                }
                events.append(house.booking(name, versions[name], kind, **fields))
                if dice.random() < 0.2:
                    events.append(again(dice.choice(events[1:])))
            houses.append((house, events))
        for position in range(max(len(events) for _, events in houses)):
            queue += [(h.group, json.dumps(events[position])) for h, events in houses if position < len(events)]
        self.stack.send(queue)
        self.stack.drain(90)
        for house, events in houses:
            with self.subTest(seed=seed, group=house.group):
                self.check(house, events)

    def check(self, house, events):
        model = Group()
        for event in events:
            model.apply(event)
        check_group(self, self.stack, house, model)
        for unit, capacity in house.units.items():
            self.assertLessEqual(max(model.sold(unit).values(), default=0), capacity)
        notes = [m.note for m in self.stack.fallback(house.group)]
        self.assertEqual({n["reason"] for n in notes}, {"booking-unplaced"})
        self.assertTrue(all(n["critical"] for n in notes))
        self.assertEqual(sorted((n["event"], n["subject"]) for n in notes), sorted(model.unplaced))
        return model

    def test_two_deliveries_at_once(self):
        """The visibility ends while the function still works: two processes commit the same bookings side by side."""
        house = House("twice", {"single": 1, "triple": 3}).register(self.stack)
        events = [house.booking(f"b{n}", unit="triple") for n in range(4)] + [house.booking(f"s{n}", unit="single") for n in range(2)]
        arrived, gates = {}, {}
        names = [event["subject"] for event in events]

        def stall(request):
            """The commit of each booking waits until somebody else comes with the same."""
            name = next((n for n in names if f'"calendar#{n}"' in request.body), None)
            if request.operation not in ("TransactWriteItems", "PutItem") or name is None:
                return None
            arrived[name] = arrived.get(name, 0) + 1
            gate = gates.setdefault(name, threading.Event())
            if arrived[name] >= 2:
                gate.set()
            return Stall(gate)

        url = self.stack.outputs[harness.SOURCE]
        self.stack.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
        try:
            with self.stack.rule(stall):
                ids = house.send(self.stack, *events)
                self.stack.drain(90)
        finally:
            usual = str(self.stack.parameters["VisibilityTimeout"])
            self.stack.sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": usual})
            [gate.set() for gate in gates.values()]
        self.assertTrue(all(arrived.get(name, 0) >= 2 for name in names), arrived)
        self.assertTrue(any(line["receive_count"] > 1 for i in ids for line in self.stack.lines(message_id=i)))
        model = self.check(house, [house.registration, *events])
        self.assertEqual(len(model.unplaced), 2)
