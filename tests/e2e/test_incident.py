"""A bad day: a batch of poison, a deploy whose function cannot start, a function that is throttled, a table that answers errors.
Afterwards every message that was posted is accounted for: done, a duplicate, stale, parked, or an item that a person sees."""

import json
import random
import time
import unittest
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import guests
import harness
import proxy
from events import House, again

BAD = "stay-departure-before-arrival"


class Traffic:
    """What is posted, in order, and by which SQS message."""

    def __init__(self, dice: random.Random, stack, properties: int):
        self.dice, self.stack = dice, stack
        self.houses = [House("incident", {f"u{n}": 1 for n in range(40)}) for _ in range(properties)]
        self.order = {house.group: [] for house in self.houses}
        self.posted: dict[str, dict] = {}

    def booking(self, house: House) -> dict:
        n = self.dice.randrange(40)
        version = 10_000 + 10 * len(self.order[house.group])
        if self.dice.random() < 0.05:
            version -= 505  # older than what was posted before, and no version that was
        arrival = date(2031, 3, 1) + timedelta(self.dice.randrange(60))
        departure = arrival + timedelta(self.dice.randrange(1, 6))
        if self.dice.random() < 0.02:
            departure = date(2030, 1, 1)
        dates = {"arrival": str(arrival), "departure": str(departure)}
        return house.booking(f"b{n}", version, "modified", unit=f"u{n}", **dates)

    def event(self, house: House) -> dict:
        known = self.order[house.group]
        if known and self.dice.random() < 0.08:
            return again(self.dice.choice(known))
        known.append(self.booking(house))
        return known[-1]

    def send(self, events: list[tuple[House, dict]]):
        ids = self.stack.send([(house.group, json.dumps(event)) for house, event in events])
        self.posted |= {message: event for message, (_, event) in zip(ids, events, strict=True)}

    def flow(self, seconds: float, a_second: float = 6):
        """Posts for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            house = self.dice.choice(self.houses)
            self.send([(house, self.event(house))])
            self.stack.pump()
            time.sleep(1 / a_second)


class Incident(unittest.TestCase):
    def test_every_message_is_done_or_an_item(self):
        long = 30 if harness.FULL else 8
        seed = random.randrange(10**6)
        self.stack = harness.stack("incident", review=True, AttemptBudget=3, MaxReceiveCount=4)
        traffic = Traffic(random.Random(seed), self.stack, 12 if harness.FULL else 5)
        for house in traffic.houses:
            house.register(self.stack)
        with self.subTest(seed=seed):
            self.phase("a batch of poison", lambda: traffic.send(self.poison(traffic)), traffic, 2)
            with self.broken_deploy():
                self.phase("a deploy that cannot start", None, traffic, long + 12)
            with self.throttled():
                self.phase("a throttled function", None, traffic, long)
            with self.stack.rule(lambda request: traffic.dice.choice([proxy.BROKEN, proxy.THROTTLED, None])):
                self.phase("a table that answers errors", None, traffic, long)
            self.phase("all is well", None, traffic, 2)
            self.settle()
            counts = self.account(traffic)
            self.assertLessEqual({name for name in counts if name.startswith("item")}, {"item: dead-lettered", f"item: {BAD}"})
            self.assertGreater(counts["item: dead-lettered"], 0, "the broken deploy lost its patience with some")
            self.people_retry(traffic)

    def phase(self, name: str, start, traffic: Traffic, seconds: float):
        before = len(traffic.posted)
        if start:
            start()
        traffic.flow(seconds)
        harness.say(f"{name}: {len(traffic.posted) - before} messages")

    def poison(self, traffic: Traffic) -> list:
        house = traffic.houses[0]
        bad = [house.booking(f"bad{n}", 1, unit=f"u{n}", departure="2030-01-01") for n in range(10)]
        return [(house, event) for event in bad]

    def configuration(self) -> dict:
        return self.stack.functions.get_function_configuration(FunctionName=self.stack.function("calendar"))

    def deploy(self, variables: dict):
        self.stack.functions.update_function_configuration(
            FunctionName=self.stack.function("calendar"), Environment={"Variables": variables}
        )
        harness.wait(lambda: self.configuration()["LastUpdateStatus"] == "Successful", 60, "the deploy")

    def broken_deploy(self):
        """A version without a setting that it needs: it says so, and ends."""
        return Undo(self, lambda good: self.deploy({k: v for k, v in good.items() if k != "STATE_TABLE"}), self.deploy)

    def throttled(self):
        name = self.stack.function("calendar")
        return Undo(
            self,
            lambda _: self.stack.functions.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0),
            lambda _: self.stack.functions.delete_function_concurrency(FunctionName=name),
        )

    def settle(self):
        self.stack.drain(180)
        readings = []

        def still():
            readings.append(len(self.items()))
            return self.stack.left() == 0 and readings[-3:] == [readings[-1]] * 3

        harness.wait(still, 120, "review to have taken all")

    def items(self) -> list[dict]:
        return json.loads(guests.command(self.stack, "review", "list", "--most", "100000", "--json"))

    def account(self, traffic: Traffic) -> Counter:
        """Each message in one row, by its last outcome; an item counts for what came to it."""
        last = {line["message_id"]: line["outcome"] for line in self.stack.lines() if line["outcome"] in harness.FINAL}
        dead = {message: item["reason"] for item in self.items() for message in item["messages"]}
        by_event = {item["event"]: item["reason"] for item in self.items()}
        counts = Counter()
        for message, event in traffic.posted.items():
            if message in dead and message not in last:
                counts[f"item: {dead[message]}"] += 1
            elif last.get(message) == "review":
                counts[f"item: {by_event.get(event['id'], 'MISSING')}"] += 1
            elif message not in last and event["id"] in by_event:
                # A copy of an event that is an item already.
                counts[f"item: {by_event[event['id']]}"] += 1
            elif message not in last and self.is_settled(event):
                counts["duplicate (a dead letter of what is done)"] += 1
            else:
                counts[last.get(message, "LOST")] += 1
        width = max(map(len, counts))
        for name, count in sorted(counts.items()):
            harness.say(f"{name:<{width}} {count:>6}")
        harness.say(f"{'posted':<{width}} {len(traffic.posted):>6}")
        self.assertEqual(counts["LOST"] + counts["item: MISSING"], 0, counts)
        self.assertEqual(counts.total(), len(traffic.posted))
        return counts

    def is_settled(self, event: dict) -> bool:
        item = self.stack.items(f"{event['tenant']}#{event['property']}").get(f"calendar#{event['subject']}")
        return bool(item) and event["id"] in item.get("seen", {}).get("M", {})

    def people_retry(self, traffic: Traffic):
        """What the broken deploy sent to review is worked with one command; the poison is left out with another."""
        guests.command(self.stack, "review", "retry", "--code", "dead-lettered")
        self.settle()
        # An event that was given up twice has two items: the second finds its verdict written, and is closed by the sweep. Behind a
        # bad event another of its subject may wait, which is an item once it has its turn.
        for _ in range(5):
            guests.command(self.stack, "review", "discard", "--code", BAD, "--reason", "posted by mistake", code=None)
            self.settle()
            if not any(item["reason"] == BAD for item in self.items()):
                break
        self.stack.invoke("review", {})
        with ThreadPoolExecutor(4) as pool:
            left = list(pool.map(lambda house: house.left_waiting(self.stack), traffic.houses))
        self.assertEqual([], [line for lines in left for line in lines])
        self.assertEqual([], self.items())
        for house in traffic.houses:
            newest = {}
            for event in traffic.order[house.group]:
                if event["data"]["departure"] > event["data"]["arrival"]:
                    newest[event["subject"]] = max(newest.get(event["subject"], 0), event["data"]["version"])
            for subject, version in newest.items():
                self.assertEqual(house.state(self.stack, subject.split("/")[1])["version"], version, subject)


class Undo:
    """Does something to the function for as long as the block runs."""

    def __init__(self, test: Incident, do, undo):
        self.good = test.configuration()["Environment"]["Variables"]
        self.do, self.undo = do, undo

    def __enter__(self):
        self.do(self.good)

    def __exit__(self, *_):
        self.undo(self.good)
