"""DeadLetters=redrive, MaxReceiveCount=5: plain SQS redrive, and still no follower goes with the poison."""

import json
import unittest

import harness
from events import House
from proxy import Kill
from test_poison import followers, one_batch


class Redrive(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.stack("redrive", DeadLetters="redrive", MaxReceiveCount=5, VisibilityTimeout=3)

    def check(self, house, poison, good, ids):
        self.stack.drain(90)
        harness.wait(
            lambda: self.stack.pump() or self.stack.of_group("dlq", house.group), 30,
            lambda: f"the poison in the DLQ; its lines: {[(x['outcome'], x['receive_count']) for x in self.stack.lines(message_id=ids[0])]}",
        )  # fmt: skip
        (message,) = self.stack.of_group("dlq", house.group)
        self.assertEqual(message.body, json.dumps(poison))
        self.assertEqual(self.stack.fallback(house.group), [])
        for event, message_id in zip(good, ids[1:], strict=True):
            self.assertTrue(house.state(self.stack, event["subject"].removeprefix("booking/")))
            self.assertEqual(self.stack.outcomes(message_id=message_id)["applied"], 1)
        later = house.booking("later", unit="u3", arrival="2031-10-01", departure="2031-10-02")
        house.send(self.stack, later)
        self.stack.drain()
        self.assertTrue(house.state(self.stack, "later"), "the group flows on")

    def test_a_permanent_fault(self):
        house = House("redrive").register(self.stack)
        poison, good = house.booking("poison", departure="2031-01-01"), followers(house)
        with one_batch(self.stack, house):
            ids = house.send(self.stack, poison, *good)
        self.check(house, poison, good, ids)

    def test_a_transient_fault(self):
        house = House("redrive").register(self.stack)
        house.send(self.stack, house.booking("poison"))
        self.stack.drain()
        broken = house.item(self.stack, "booking/poison")
        self.stack.put(broken | {"st": {"S": "no state of a booking"}})
        poison, good = house.booking("poison", 2, "modified", departure="2031-05-04"), followers(house)
        with one_batch(self.stack, house):
            ids = house.send(self.stack, poison, *good)
        self.check(house, poison, good, ids)

    def test_an_unreadable_body(self):
        house = House("redrive").register(self.stack)
        good = followers(house)
        with one_batch(self.stack, house):
            ids = house.send(self.stack, json.dumps("poison"), *good)
        self.check(house, "poison", good, ids)

    def test_a_killer(self):
        """Each death raises the receive count of all ten: the killer must be found out in time."""
        house = House("redrive").register(self.stack)
        poison, good = house.booking("killer"), followers(house)

        def deadly(request):
            writes = request.operation == "TransactWriteItems" and "parked/" not in request.body
            return Kill() if writes and "booking/killer" in request.body else None

        with one_batch(self.stack, house):
            ids = house.send(self.stack, poison, *good)
        with self.stack.rule(deadly):
            self.stack.drain(120)
        self.check(house, poison, good, ids)
