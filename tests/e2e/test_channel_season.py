"""A season, every message twice, functions killed at random, channels that fail now and then: in the end each channel knows the
calendar, on the way none was told what was never true, and the PMS has heard everything in order."""

import random
import time
import unittest
from collections import Counter
from datetime import timedelta

import harness
from channels import Ari, FakeChannel, Hook, Remembering, check_history, check_state, posted_at, random_secret, settle, today
from events import House, again
from proxy import Kill


HEARD = ["bellhop.booking.unplaced.v1", "bellhop.cleaning.requested.v1"]
FAULTS = [
    {"kind": "status", "status": 500}, {"kind": "status", "status": 429, "retry_after": 1}, {"kind": "reset"}, {"kind": "half"},
    {"kind": "wrong-json"}, {"kind": "reset", "when": "after"}, {"kind": "slow", "delay": 2},
]  # fmt: skip


class Plan:
    """A property, its channels, and what happens to it."""

    def __init__(self, dice: random.Random, count: int):
        self.dice, self.count = dice, count
        self.house = House("season", {"villa": 1, "flat": 1, "rooms": 3})
        self.order = []  # in which events are posted, repetitions left out
        self.versions = Counter()
        self.channels = []

    def stay(self) -> tuple[str, str]:
        first = today() + timedelta(self.dice.randrange(3, 60))
        return str(first), str(first + timedelta(self.dice.randrange(1, 9)))

    def next(self) -> dict:
        roll, unit = self.dice.random(), self.dice.choice(["villa", "flat", "rooms", "rooms"])
        if roll < 0.03:
            self.versions["property"] += 1
            capacity = self.dice.choice([2, 3, 4])
            units = self.house.units | {"rooms": capacity}
            event = self.house.registered(1 + self.versions["property"], units, notify=HEARD)
        elif roll < 0.2:
            block = f"k{self.dice.randrange(4)}"
            self.versions[unit, block] += 1
            first, until = self.stay()
            lifted = self.versions[unit, block] > 1 and self.dice.random() < 0.5
            event = self.house.block(block, self.versions[unit, block], unit, lifted, **{"from": first, "until": until})
        else:
            booking = f"b{self.dice.randrange(self.count // 3)}"
            self.versions[booking] += 1
            kind = "created" if self.versions[booking] == 1 else self.dice.choice(["modified"] * 2 + ["cancelled"])
            arrival, departure = self.stay()
            event = self.house.booking(booking, self.versions[booking], kind, unit=unit, arrival=arrival, departure=departure)
        self.order.append(event)
        return event

    def model(self) -> Remembering:
        group = Remembering()
        for event in self.order:
            group.apply(event)
        return group


class Season(unittest.TestCase):
    def test_a_season(self):
        properties, per_property, kills = (6, 120, 60) if harness.FULL else (3, 40, 20)
        seed = random.randrange(10**6)
        dice = random.Random(seed)
        # Random kills can meet one message again and again; that a killer ends in review is poison's test.
        self.stack = harness.stack(
            "season", channels=True, AttemptBudget=30, CallTimeoutSeconds=1, CircuitThreshold=5, CircuitCooldownSeconds=1
        )
        limits = {"availability": 10, "restrictions": 10}
        with self.subTest(seed=seed), FakeChannel(window_seconds=3, limits=limits) as fake:
            harness.say(f"seed {seed}: {properties * per_property} messages, each twice, over {properties} properties")
            plans = [self.plan(dice, per_property, fake) for _ in range(properties)]
            deaths = self.play(dice, plans, kills, fake)
            settle(self.stack, 300)
            self.check(plans, fake)
            total = fake.world.summary()["total"]
            told = sum(c.progress(self.stack)["told"]["calls"] for p in plans for c in p.channels)
            harness.say(f"deaths {dict(deaths)}; {({k: total[k] for k in ("calls", "faulted", "rate_limited")})}; remembered {told}")

    def plan(self, dice, count: int, fake: FakeChannel) -> Plan:
        plan = Plan(dice, count)
        house = plan.house
        plan.order.append(house.registered(notify=HEARD))
        secret = self.stack.secret
        pace = {"calls": 10, "seconds": 3}
        text = random_secret(webhook=True)
        plan.channels = [
            Ari(house, fake, "one", secret(f"bellhop/{house.tenant}/one", random_secret()), pace=pace),
            Hook(house, fake, "pms", [secret(f"bellhop/{house.tenant}/pms", text)], availability=True, events=HEARD).accepts(text),
            Ari(house, fake, "two", secret(f"bellhop/{house.tenant}/two", random_secret()), units=["rooms", "villa"], pace=pace),
        ]
        house.send(self.stack, plan.order[0])
        for channel in plan.channels:
            channel.register(self.stack)
        return plan

    def play(self, dice, plans: list[Plan], kills: int, fake: FakeChannel) -> Counter:
        turns = [plan for plan in plans for _ in range(plan.count)]
        dice.shuffle(turns)
        repeats, deaths, armed = [], Counter(), []
        next_kill = next_fault = time.monotonic() + 1
        pace = len(turns) / (60 if harness.FULL else 20)  # events a second
        started, sent = time.monotonic(), 0

        def killer(request):
            return Kill(after=armed.pop() == "after") if armed else None

        with self.stack.rule(killer):
            while turns or repeats or (deaths.total() < kills and self.stack.left()):
                if turns and sent < (time.monotonic() - started) * pace:
                    plan, sent = turns.pop(), sent + 1
                    event = plan.next()
                    plan.house.send(self.stack, event)
                    repeats.append((time.monotonic() + dice.uniform(0, 3), plan, event))
                for repeat in [r for r in repeats if r[0] < time.monotonic()]:
                    repeats.remove(repeat)
                    repeat[1].house.send(self.stack, again(repeat[2]))
                if time.monotonic() > next_kill and deaths.total() < kills:
                    how = dice.choice(["calendar", "channel-sync", "channel-sync", "before", "after"])
                    if how in harness.WORKERS:
                        deaths[how] += self.stack.kill_one(how)
                    else:  # the next call to DynamoDB is the last
                        armed.append(how)
                    next_kill = time.monotonic() + dice.uniform(0.3, 1.2)
                if time.monotonic() > next_fault:
                    fake.fault(dice.choice(FAULTS) | {"times": 1})
                    next_fault = time.monotonic() + dice.uniform(0.5, 2)
                deaths["at a call"] = len(self.stack.proxy.killed)
                self.stack.pump()
                time.sleep(0.01)
                if time.monotonic() - started > 600:
                    self.fail("the season does not end")
            armed.clear()
        fake.fault()
        harness.say(f"posted after {time.monotonic() - started:.0f} s; kills {dict(deaths)}; settling")
        return deaths

    def check(self, plans: list[Plan], fake: FakeChannel):
        for plan in plans:
            house, model = plan.house, plan.model()
            notes = [m.note for m in self.stack.tapped["fallback"] if m.group.startswith(house.group)]
            ours = [note for note in notes if note["reason"] not in ("booking-unplaced", "capacity-below-sold")]
            self.assertEqual(ours, [], "nothing of this is for a person")
            self.check_nights(house, model)
            posted = posted_at(plan.order)
            for channel in plan.channels:
                with self.subTest(channel=channel.group):
                    check_state(self, channel, model)
                    check_history(self, channel, model, posted)
            with self.subTest(heard=house.group):
                self.check_heard(plan.channels[1], model, plan.order)
        row = fake.world.summary()["by_property"]
        most = {name: row[name]["max_in_window"].get("availability", 0) for name in row}
        self.assertLessEqual(max(most.values()), 10, most)
        self.assertEqual(self.stack.tapped["dlq"], [])
        self.assertEqual(self.stack.tapped["synchronization-dlq"], [])

    def check_nights(self, house: House, model: Remembering):
        """The calendar itself is the model's: else a channel that differs from the model proves nothing."""
        stored = {subject: house.state(self.stack, subject.removeprefix("booking/")) for subject in model.bookings}
        placed = {subject for subject, state in stored.items() if state and "placed" in state}
        self.assertEqual(placed, {subject for subject, b in model.bookings.items() if b["placed"]}, house.group)

    def check_heard(self, hook: Hook, model: Remembering, order: list[dict]):
        """Once for each id, in the order of each subject's versions, nothing missing and nothing made up."""
        kinds = {"unplaced": HEARD[0], "cleaning": HEARD[1]}
        versions = {event["id"]: event["data"]["version"] for event in order}
        expected = {
            "unplaced": sorted((subject, versions[event]) for event, subject in model.unplaced),
            "cleaning": sorted(model.cleanings),
        }
        for name, kind in kinds.items():
            heard = [(one["body"]["subject"], one["body"]["data"]["version"]) for one in hook.deliveries(kind)]
            self.assertEqual(sorted(heard), expected[name], name)
            for subject in {subject for subject, _ in heard}:
                in_order = [version for other, version in heard if other == subject]
                self.assertEqual(in_order, sorted(in_order), f"{name} of {subject}")
        self.assertEqual([one for one in hook.deliveries() if one["differs"]], [], "one id, two bodies")
