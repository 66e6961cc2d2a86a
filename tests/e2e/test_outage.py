"""DynamoDB throttled, down, colliding: messages wait, no attempt is spent, nothing is lost, nobody is charged."""

import json
import threading
import time
import unittest

import harness
import proxy
from events import House
from model import Group, check_group
from test_poison import house_records


class Outage(unittest.TestCase):
    SECONDS = 4

    @classmethod
    def setUpClass(cls):
        cls.stack = harness.main_stack()

    def run_outage(self, rule, seconds=None, groups=3, per_group=6):
        houses = [House("outage").register(self.stack) for _ in range(groups)]
        ids = []
        with self.stack.rule(rule) as broken:
            hits = broken.hits
            for house in houses:
                events = [house.booking(f"b{n}", arrival=f"2031-03-{n + 1:02}", departure=f"2031-03-{n + 2:02}") for n in range(per_group)]
                ids += house.send(self.stack, *events)
            harness.wait(lambda: broken.hits > hits, 20, "the outage to be felt")
            end = time.monotonic() + (seconds or self.SECONDS)
            harness.wait(lambda: time.monotonic() > end, 60, "the outage to last")
        self.stack.drain(60)
        for house in houses:
            self.assertEqual(self.stack.fallback(house.group), [])
            self.assertEqual(house_records(self.stack, house), {}, "an attempt was spent")
            self.assertEqual(house.months(self.stack)["u1/2031-03"]["s"], {f"b{n}": 101 * (n + 1) for n in range(per_group)})
            self.assertEqual(len({m.event["id"] for m in self.stack.of_group("operational-guests", house.group)}), per_group)
        lines = [line for i in ids for line in self.stack.lines(message_id=i)]
        self.assertEqual({line["attempt"] for line in lines}, {1})
        self.assertFalse({line["outcome"] for line in lines} & {"retry", "review", "redrive"})
        finals = [sum(self.stack.outcomes(message_id=i)[o] for o in ("applied", "duplicate")) for i in ids]
        self.assertTrue(all(finals), finals)
        return lines

    def test_throttled(self):
        for answer in (proxy.THROTTLED, proxy.EXCEEDED):
            with self.subTest(answer.error):
                lines = self.run_outage(lambda request, answer=answer: answer)
                self.assertIn("delayed", {line["outcome"] for line in lines})

    def test_down(self):
        with self.subTest("500"):
            lines = self.run_outage(lambda request: proxy.BROKEN)
            self.assertIn("delayed", {line["outcome"] for line in lines})
        with self.subTest("connections reset"):
            lines = self.run_outage(lambda request: proxy.Reset())
            self.assertIn("delayed", {line["outcome"] for line in lines})

    def test_writes_only(self):
        """Reads work, so everything is decided, and not one commit passes."""
        lines = self.run_outage(lambda request: proxy.THROTTLED if "Write" in request.operation or "Put" in request.operation else None)
        self.assertIn("delayed", {line["outcome"] for line in lines})

    def test_transactions_collide(self):
        self.run_outage(lambda request: proxy.COLLIDED if request.operation == "TransactWriteItems" else None)

    def test_every_other_call_fails(self):
        calls = iter(range(10**9))
        self.run_outage(lambda request: proxy.BROKEN if next(calls) % 2 else None)

    def test_hanging(self):
        """No answer at all: the calls run into their own time-outs, or the function into its."""
        gate = threading.Event()
        try:
            self.run_outage(lambda request: None if gate.is_set() else proxy.Stall(gate), groups=1)
        finally:
            gate.set()


class SendsRefused(unittest.TestCase):
    """SQS takes follow-ups not at all, in part, or without saying so: all arrive, in order, and nothing is applied twice."""

    def run_outage(self, rule):
        stack = harness.main_stack()
        house = House("sends").register(stack)
        events = []
        for version in (1, 2, 3):
            for n in range(4):
                arrival, departure = f"2031-03-{n * 7 + 1:02}", f"2031-03-{n * 7 + 1 + version:02}"
                events.append(house.booking(f"b{n}", version, "modified", arrival=arrival, departure=departure))
        events.append(house.booking("poison", departure="2031-01-01"))
        with stack.rule(lambda request: rule(request) if request.operation == "SendMessageBatch" else None, sqs=True) as broken:
            hits = broken.hits
            house.send(stack, *events)
            harness.wait(lambda: broken.hits > hits, 20, "the outage to be felt")
            end = time.monotonic() + 3
            harness.wait(lambda: time.monotonic() > end, 60, "the outage to last")
        stack.drain(60)
        (message,) = stack.fallback(house.group)
        self.assertEqual(message.body, json.dumps(events[-1]))
        model = Group()
        for event in [house.registration, *events[:-1]]:
            model.apply(event)
        self.assertEqual(stack.lines(outcome="retry", tenant=house.tenant), [])
        # The poison waits for a person, as it should.
        self.assertEqual(len(house.left_waiting(stack)), 2)
        import review

        review.resolve(stack, house.group, "booking/poison", "discard")
        stack.drain()
        check_group(self, stack, house, model)

    def test_down(self):
        self.run_outage(lambda request: proxy.BROKEN)

    def test_answers_lost(self):
        self.run_outage(lambda request: proxy.Lose())

    def test_the_first_entry_of_each_call_refused(self):
        self.run_outage(lambda request: proxy.Part({json.loads(request.body)["Entries"][0]["Id"]}))

    def test_connections_reset(self):
        self.run_outage(lambda request: proxy.Reset())
