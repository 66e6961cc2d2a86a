"""One poison head with nine good followers of other subjects in its group: one message in review, nine done."""

import contextlib
import json
import threading
import unittest

import harness
from events import House
from proxy import Kill, Stall


@contextlib.contextmanager
def one_batch(stack, house):
    """Keeps the group busy while the block sends, so that all of it is received at once, as one batch."""
    gate = threading.Event()
    pacer = house.booking("pacer", unit="u3")
    house_send = house.send(stack, pacer)
    assert house_send
    with stack.rule(lambda request: Stall(gate) if "booking/pacer" in request.body and not gate.is_set() else None) as proxy:
        hits = proxy.hits
        harness.wait(lambda: proxy.hits > hits, 20, "the pacer to be worked")
        yield
        gate.set()


def followers(house, count: int = 9) -> list[dict]:
    return [
        house.booking(f"good{n}", unit="u2", arrival=f"2031-09-{n + 1:02}", departure=f"2031-09-{n + 2:02}")
        for n in range(count)
    ]


class Poison(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.main_stack()
        cls.budget = cls.stack.parameters["AttemptBudget"]

    def check(self, house, poison, good, message_ids, reason, attempts):
        (message,) = self.stack.fallback(house.group)
        self.assertEqual(message.body, json.dumps(poison))
        self.assertEqual((message.note["reason"], message.note["attempts"]), (reason, attempts), message.note)
        self.assertEqual(message.note["subject"], poison["subject"])
        for event, message_id in zip(good, message_ids[1:], strict=True):
            booking = event["subject"].removeprefix("booking/")
            self.assertTrue(house.state(self.stack, booking), f"{booking} is not done")
            self.assertEqual(self.stack.outcomes(message_id=message_id)["applied"], 1)
            self.assertEqual({line["attempt"] for line in self.stack.lines(message_id=message_id)}, {1})
        self.assertEqual(len(house.months(self.stack)["u2/2031-09"]["s"]), len(good))
        items = house_records(self.stack, house)
        self.assertEqual(list(items), [f"calendar#record/{poison['id']}"], "a follower was charged")
        self.assertEqual(self.stack.of_group("dlq", house.group), [])

    def test_a_permanent_fault(self):
        house = House("poison").register(self.stack)
        poison, good = house.booking("poison", departure="2031-01-01"), followers(house)
        with one_batch(self.stack, house):
            ids = house.send(self.stack, poison, *good)
        self.stack.drain()
        self.check(house, poison, good, ids, "stay-departure-before-arrival", 0)
        receives = {line["receive_count"] for i in ids for line in self.stack.lines(message_id=i)}
        self.assertEqual(receives, {1}, "a permanent fault costs nobody a receive")

    def test_a_transient_fault(self):
        house = House("poison").register(self.stack)
        house.send(self.stack, house.booking("poison"))
        self.stack.drain()
        broken = house.item(self.stack, "booking/poison")
        self.stack.put(broken | {"st": {"S": "no state of a booking"}})
        poison, good = house.booking("poison", 2, "modified", departure="2031-05-04"), followers(house)
        with one_batch(self.stack, house):
            ids = house.send(self.stack, poison, *good)
        self.stack.drain(60)
        self.check(house, poison, good, ids, "attempts-exhausted", self.budget)
        self.assertEqual(self.stack.outcomes(message_id=ids[0]), {"retry": self.budget - 1, "review": 1})

    def test_a_killer(self):
        house = House("poison").register(self.stack)
        poison, good = house.booking("killer"), followers(house)
        neighbour = House("beside").register(self.stack)
        beside = [neighbour.booking(f"b{n}", unit="u2", arrival=f"2031-09-{n + 1:02}", departure=f"2031-09-{n + 2:02}") for n in range(5)]

        def deadly(request):
            """The handler's own commit of the killer: giving it up must still be possible."""
            writes = request.operation == "TransactWriteItems" and "parked/" not in request.body
            return Kill() if writes and "booking/killer" in request.body else None

        with one_batch(self.stack, house):
            ids = house.send(self.stack, poison, *good)
            beside_ids = neighbour.send(self.stack, *beside)
        killed = len(self.stack.proxy.killed)
        with self.stack.rule(deadly):
            self.stack.drain(120)
        deaths = len(self.stack.proxy.killed) - killed
        harness.say(f"the killer took {deaths} processes down")
        self.check(house, poison, good, ids, "killed-the-function", self.budget)
        self.assertGreaterEqual(deaths, self.budget)
        self.assertEqual([self.stack.outcomes(message_id=i)["applied"] for i in beside_ids], [1] * 5)
        self.assertEqual(self.stack.fallback(neighbour.group), [])


class Crash(unittest.TestCase):
    """A crash or a lost answer right around the commit: still one effect, and every follow-up."""

    def test_each_side_of_the_commit(self):
        from proxy import Lose

        stack = harness.main_stack()
        for action in (Kill(after=False), Kill(after=True), Lose()):
            with self.subTest(action=action):
                house = House("crash").register(stack)
                left = [1]

                def once(request):
                    if request.operation == "TransactWriteItems" and "booking/b1" in request.body and left:
                        left.pop()
                        return action

                events = [house.booking("b1"), house.booking("b1", 2, "modified", departure="2031-05-05"), house.booking("b2", unit="u2")]
                with stack.rule(once):
                    ids = house.send(stack, *events)
                    stack.drain(60)
                self.assertEqual(left, [], "the rule never applied")
                self.assertEqual(house.months(stack)["u1/2031-05"]["s"], {"b1": 104})
                self.assertEqual(house.state(stack, "b1")["version"], 2)
                self.assertEqual(stack.fallback(house.group), [])
                guests = [m.event for m in stack.of_group("operational-guests", house.group)]
                heard = [(e["subject"], e["data"]["message"]) for e in guests]
                self.assertEqual(sorted(heard), [("booking/b1", "change"), ("booking/b1", "confirmation"), ("booking/b2", "confirmation")])
                of_b1 = [e["sequence"] for e in guests if e["subject"] == "booking/b1"]
                self.assertEqual(of_b1, sorted(of_b1))
                self.assertTrue(all(stack.outcomes(message_id=i) for i in ids))


def house_records(stack, house) -> dict:
    return {sk: item for sk, item in stack.items(house.group).items() if sk.startswith("calendar#record/")}
