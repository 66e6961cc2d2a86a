"""Never one call too many in any window, with eight environments at once; and few calls for many changes."""

import json
import threading
import time
import unittest
import uuid
from concurrent.futures import ThreadPoolExecutor

import harness
from channels import Ari, FakeChannel, Hook, Remembering, check_state, day, random_secret, rates, settle
from events import House

LARGE = {"availability": 10_000, "restrictions": 10_000}  # the fake counts, and refuses nobody


def batch(channel, count: int = 1) -> dict:
    """As the event source mapping hands requests over."""
    records = [
        {
            "messageId": str(uuid.uuid4()), "receiptHandle": "none", "body": json.dumps(channel.request("changes")),
            "attributes": {
                "ApproximateReceiveCount": "1", "SentTimestamp": str(time.time_ns() // 1_000_000),
                "MessageGroupId": channel.group,
            },
            "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        }
        for _ in range(count)
    ]  # fmt: skip
    return {"Records": records}


class Pace(unittest.TestCase):
    def test_never_an_eleventh_call_with_eight_environments_at_once(self):
        """Ten in any six seconds: a minute's divided by ten. SQS hands out one batch of a channel at a time; here eight come
        at once, again and again, as if it had lost its order."""
        stack = harness.stack("pace", channels=True, CallTimeoutSeconds=1)
        seconds = 40 if harness.FULL else 20
        with FakeChannel(window_seconds=6, limits=LARGE) as fake:
            house = House("pace", {f"u{n}": 1 for n in range(4)})
            house.registration = house.registered()
            key = stack.secret(f"bellhop/{house.tenant}/key", random_secret())
            channel = Ari(house, fake, "ari", key, rates=[("standard", "u0")], pace={"calls": 10, "seconds": 6})
            house.send(stack, house.registration)
            channel.register(stack)
            settle(stack)
            over, answers = threading.Event(), []

            def environment(n: int):
                while not over.is_set():
                    answers.append(stack.invoke("channel-sync", batch(channel)))

            model = Remembering()
            model.apply(house.registration)
            with ThreadPoolExecutor(8) as pool:
                running = [pool.submit(environment, n) for n in range(8)]
                started, n = time.monotonic(), 0
                try:
                    while time.monotonic() - started < seconds:
                        unit, first = f"u{n % 4}", 3 + 2 * (n // 4)
                        event = house.booking(f"b{n}", unit=unit, arrival=day(first), departure=day(first + 2))
                        price = {"from": day(3), "until": day(30), "price": {"amount": 100 + n, "currency": "EUR"}}
                        house.send(stack, event)
                        house.send(stack, rates(house, "standard", n + 1, "u0", price), queue=harness.SYNCHRONIZATION)
                        model.apply(event)
                        n += 1
                        stack.pump()
                        time.sleep(0.1)
                finally:
                    over.set()
                [each.result(60) for each in running]
            settle(stack, 90)
            check_state(self, channel, model)
            told = channel.told_rates()["standard", "u0"]
            self.assertEqual({value["rate"] for value in told.values()}, {100 + n - 1})
            row = fake.world.summary()["by_property"][channel.remote]
            harness.say(f"{len(answers)} runs beside SQS, {2 * n} changes: {row['calls']} calls, at most {row['max_in_window']} in 6 s")
            for route, most in row["max_in_window"].items():
                self.assertLessEqual(most, 10, route)
            self.assertGreaterEqual(row["calls"], seconds / 6 * 4, "or it proves nothing")
            self.assertEqual(channel.reviews(stack), [])

    def test_the_fake_itself_refuses_nothing(self):
        """Several channels of several properties, each at the limit that the fake enforces."""
        stack = harness.stack("pace", channels=True, CallTimeoutSeconds=1)
        with FakeChannel(window_seconds=6, limits={"availability": 10, "restrictions": 10}) as fake:
            houses = [House("paces", {"villa": 1, "rooms": 3}) for _ in range(4)]
            for house in houses:
                key = stack.secret(f"bellhop/{house.tenant}/key", random_secret())
                house.channels = [Ari(house, fake, f"c{n}", key, pace={"calls": 10, "seconds": 6}) for n in range(2)]
                house.events = [house.registered()]
                house.send(stack, house.events[0])
                [channel.register(stack) for channel in house.channels]
            settle(stack)
            started, n = time.monotonic(), 0
            while time.monotonic() - started < 15:
                for house in houses:
                    first = 3 + n
                    house.events.append(house.booking(f"b{n}", unit="rooms", arrival=day(first), departure=day(first + 2)))
                    house.send(stack, house.events[-1])
                n += 1
                stack.pump()
                time.sleep(0.1)
            settle(stack, 90)
            for house in houses:
                model = Remembering()
                [model.apply(event) for event in house.events]
                for channel in house.channels:
                    check_state(self, channel, model)
            summary = fake.world.summary()
            most = {name: row["max_in_window"]["availability"] for name, row in summary["by_property"].items()}
            harness.say(f"{4 * n} changes, {summary['total']['calls']} calls; most in 6 s: {most}")
            self.assertEqual(summary["total"]["rate_limited"], 0)
            self.assertLessEqual(max(most.values()), 10)

    def test_follow_ups_to_a_webhook_keep_its_pace(self):
        stack = harness.stack("pace", channels=True, CallTimeoutSeconds=1)
        with FakeChannel(window_seconds=3) as fake:
            house = House("paced", {"rooms": 50})
            house.send(stack, house.registered(notify=["bellhop.cleaning.requested.v1"]))
            text = random_secret(webhook=True)
            keys = [stack.secret(f"bellhop/{house.tenant}/key", text)]
            hook = Hook(house, fake, "pms", keys, events=["*"], pace={"calls": 3, "seconds": 3}).accepts(text).register(stack)
            settle(stack)
            house.send(stack, *(house.booking(f"b{n}", unit="rooms", arrival=day(5), departure=day(7)) for n in range(12)))
            settle(stack, 90)
            self.assertEqual(len(hook.deliveries("bellhop.cleaning.requested.v1")), 12)
            most = fake.world.summary()["by_property"][house.property]["max_in_window"]["hooks"]
            self.assertLessEqual(most, 3)

    def test_five_hundred_changes_in_twenty_seconds_cost_eight_calls_at_most(self):
        """With the delay and the pace of production."""
        stack = harness.stack("burst", channels=True, SynchronizationDelaySeconds=5, FunctionTimeout=10, VisibilityTimeout=12)
        with FakeChannel(window_seconds=60) as fake:
            house = House("burst", {f"u{n}": 1 for n in range(50)})
            house.registration = house.registered()
            house.send(stack, house.registration)
            key = stack.secret(f"bellhop/{house.tenant}/key", random_secret())
            channel = Ari(house, fake, "ari", key, pace={"calls": 10, "seconds": 60}).register(stack)
            settle(stack, 90)
            before = len(channel.calls())
            model = Remembering()
            model.apply(house.registration)
            started = time.monotonic()
            for start in range(0, 500, 10):
                events = []
                for n in range(start, start + 10):
                    first = 3 + 4 * (n // 50)
                    events.append(house.booking(f"b{n}", unit=f"u{n % 50}", arrival=day(first), departure=day(first + 3)))
                house.send(stack, *events)
                [model.apply(event) for event in events]
                stack.pump()
                due = started + 20 * (start + 10) / 500
                harness.wait(lambda due=due: time.monotonic() >= due, 30, "the next ten")
            posted = time.monotonic() - started
            settle(stack, 120)
            calls = channel.calls()[before:]
            check_state(self, channel, model)
            harness.say(f"500 changes in {posted:.1f} s: {len(calls)} calls, {sum(c['values'] for c in calls)} values")
            self.assertLessEqual(len(calls), 8)
            self.assertEqual({call["status"] for call in calls}, {200})
