"""One channel is down for ten minutes (here seconds): it costs nobody else anything, no attempt and no place in the queue, and
once it is back it hears each property in few calls. Durations are those of production divided by 60."""

import itertools
import json
import random
import threading
import time
import unittest
from collections import Counter
from datetime import timedelta

import harness
from channels import Ari, FakeChannel, Remembering, check_history, check_state, posted_at, random_secret, settle, today
from events import House, again

DOWN_SECONDS = 10
POSTING_SECONDS = 6
NAMES = ("alpha", "beta", "broken")


class Run:
    """Properties of one tenant, each with three channels; the circuit of a channel is its tenant's."""

    numbers = itertools.count(1)

    def __init__(self, stack, dice: random.Random, properties: int):
        self.stack, self.dice = stack, dice
        limits = {"availability": 1000, "restrictions": 1000}
        self.fakes = {name: FakeChannel(window_seconds=1, limits=limits).start() for name in NAMES}
        self.houses = [House("outage", {"villa": 1, "flat": 1, "rooms": 5}) for _ in range(properties)]
        self.tenant = f"t-outage-{next(self.numbers)}-{self.houses[0].token}"
        keys = {name: stack.secret(f"bellhop/{self.tenant}/{name}", random_secret()) for name in NAMES}
        self.events = {}
        for house in self.houses:
            house.tenant = self.tenant
            self.events[house] = [house.registered()]
            house.channels = {name: Ari(house, self.fakes[name], name, keys[name]) for name in NAMES}
        stack.send([(house.group, json.dumps(self.events[house][0])) for house in self.houses])
        registrations = [(h.group, json.dumps(c.event())) for h in self.houses for c in h.channels.values()]
        stack.send(registrations, harness.SYNCHRONIZATION)

    def close(self):
        for fake in self.fakes.values():
            fake.stop()

    def change(self, house: House) -> dict:
        """A night of a villa taken or given back, or a room."""
        n = len(self.events[house])
        unit = self.dice.choice(["villa", "flat", "rooms"])
        first = today() + timedelta(self.dice.randrange(3, 300))
        event = house.booking(f"b{n}", unit=unit, arrival=str(first), departure=str(first + timedelta(self.dice.randrange(1, 5))))
        self.events[house].append(event)
        return event

    def post(self, changes: int, meanwhile):
        """Evenly, over some seconds."""
        left = [house for house in self.houses for _ in range(changes // len(self.houses))]
        self.dice.shuffle(left)
        started, all_of_them = time.monotonic(), len(left)
        while left:
            due = round((time.monotonic() - started) / POSTING_SECONDS * all_of_them) - (all_of_them - len(left))
            batch, left = left[: min(10, due)], left[min(10, max(0, due)) :]
            if batch:
                bodies = []
                for house in batch:
                    event = again(self.change(house))
                    self.events[house][-1] = event
                    bodies.append((house.group, json.dumps(event)))
                self.stack.send(bodies)
            meanwhile()
            time.sleep(0.01)

    def lags(self, names) -> list[float]:
        """How long after each change each of these channels was told, in seconds."""
        found = []
        for house in self.houses:
            model = self.model(house)
            posted = posted_at(self.events[house])
            for name in names:
                history = house.channels[name].history()
                for (unit, night), changes in model.ever.items():
                    for value, event in changes[1:]:
                        told = [e["at"] for e in history[unit][str(night)] if e["at"] >= posted[event]]
                        found.append(min(told) - posted[event])
        return sorted(found)

    def model(self, house: House) -> Remembering:
        model = Remembering()
        for event in self.events[house]:
            model.apply(event)
        return model


class Outage(unittest.TestCase):
    def test_an_outage_of_one_channel(self):
        properties, changes = (50, 1000) if harness.FULL else (10, 100)
        seed = random.randrange(10**6)
        dice = random.Random(seed)
        self.stack = harness.stack(
            "channel-outage", channels=True, AttemptBudget=3, CallTimeoutSeconds=1, CircuitThreshold=5,
            CircuitCooldownSeconds=1, SynchronizationDelaySeconds=2, FunctionTimeout=10, VisibilityTimeout=12,
        )  # fmt: skip
        with self.subTest(seed=seed), Timer(self.stack):
            harness.say(f"seed {seed}: {changes} changes over {properties} properties, with and without")
            well = self.without(dice, properties, changes)
            for fault in self.faults():
                with self.subTest(fault["kind"]):
                    self.with_outage(dice, properties, changes, fault, well)

    def faults(self) -> list[dict]:
        kinds = [{"kind": "hang", "delay": 30}, {"kind": "status", "status": 503}, {"kind": "reset"}]
        return kinds if harness.FULL else kinds[:1]

    def start(self, dice, properties: int) -> Run:
        run = Run(self.stack, dice, properties)
        self.addCleanup(run.close)
        settle(self.stack, 120)
        for house in run.houses:
            for channel in house.channels.values():
                self.assertTrue(channel.told(), f"{channel.group} was not told at first")
        return run

    def without(self, dice, properties: int, changes: int) -> list[float]:
        run = self.start(dice, properties)
        run.post(changes, self.stack.pump)
        settle(self.stack, 120)
        lags = run.lags(("alpha", "beta"))
        harness.say(f"without an outage: {self.figures(lags)}")
        return lags

    def with_outage(self, dice, properties: int, changes: int, fault: dict, well: list[float]):
        run = self.start(dice, properties)
        broken = run.fakes["broken"]
        before = {house: len(house.channels["broken"].calls()) for house in run.houses}
        broken.fault(fault)
        began = time.monotonic()
        run.post(changes, self.stack.pump)
        harness.wait(lambda: time.monotonic() > began + DOWN_SECONDS, 60, "the outage to last")
        readings = 0

        def drained():
            """Nothing waits in SQS while the circuit is open: three readings in a row, between two trials."""
            nonlocal readings
            self.stack.pump()
            readings = readings + 1 if self.stack.left() == 0 else 0
            return readings == 3

        harness.wait(drained, 180, lambda: f"the queues to drain in the outage: {self.stack.left()}; {self.stack.last_lines()}")
        harness.say(f"{fault['kind']}: the queues are empty {time.monotonic() - began:.1f} s after it began")
        self.assertGreater(self.open_until(run), 0, "the circuit is open")
        during = {house: len(house.channels["broken"].calls()) - before[house] for house in run.houses}
        self.nobody_was_bothered(run)
        # Fails where a change was not told: the outage still lasts.
        lags = run.lags(("alpha", "beta"))
        harness.say(f"{fault['kind']}: the others: {self.figures(lags)}; {sum(during.values())} calls in vain")
        broken.fault()
        recovered = time.time()
        settle(self.stack, 120)
        harness.say(f"settled {time.time() - recovered:.1f} s after recovery")
        self.nobody_was_bothered(run)
        self.assertEqual(self.open_until(run), 0)
        after = Counter()
        for house in run.houses:
            model, posted = run.model(house), posted_at(run.events[house])
            for channel in house.channels.values():
                check_state(self, channel, model)
                check_history(self, channel, model, posted)
            after[house.group] = sum(call["at"] > recovered for call in house.channels["broken"].calls())
        self.assertLessEqual(max(after.values()), 3, "calls for each property after recovery")
        # Not one batch later: at the most what one batch takes, in which a call may run into its time-out. Compared only where
        # nothing else runs; that none waited for the end of the outage is checked above, by finding each change told.
        if harness.FULL:
            self.assertLessEqual(self.percentile(lags, 99), 2 * self.percentile(well, 99) + 1, "the others were held up")

    def open_until(self, run: Run) -> int:
        item = self.stack.items(run.tenant).get("channel-sync#circuit/broken")
        return int(item["open_until"]["N"]) if item else 0

    def nobody_was_bothered(self, run: Run):
        fallback = [m for m in self.stack.tapped["fallback"] if m.group.startswith(run.tenant)]
        unplaced = [m for m in fallback if m.note["reason"] == "booking-unplaced"]
        self.assertEqual([m for m in fallback if m not in unplaced], [], "something is in review")
        for house in run.houses:
            for group in (house.group, *(channel.group for channel in house.channels.values())):
                items = self.stack.items(group)
                tried = [sk for sk, item in items.items() if "record/" in sk and int(item.get("attempts", {"N": "0"})["N"]) > 0]
                self.assertEqual(tried, [], f"{group}: an attempt was spent")
                self.assertEqual([sk for sk in items if "parked/" in sk or "waiting/" in sk], [], group)

    def percentile(self, lags: list[float], percent: int) -> float:
        return lags[min(len(lags) - 1, len(lags) * percent // 100)]

    def figures(self, lags: list[float]) -> str:
        return f"told after {self.percentile(lags, 50):.2f} s, p99 {self.percentile(lags, 99):.2f} s, at most {lags[-1]:.2f} s"


class Timer:
    """The schedule: each second instead of each minute."""

    def __init__(self, stack):
        self.stack, self._over, self.problems = stack, threading.Event(), []

    def __enter__(self):
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def _run(self):
        while not self._over.wait(1):
            try:
                self.stack.tick()
            except Exception as problem:  # noqa: BLE001 - told at the end
                self.problems.append(problem)

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(20)
        if self.problems:
            raise AssertionError(f"the timer: {self.problems}")
