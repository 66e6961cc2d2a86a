"""Traffic with poison and duplicates, while processes are killed and people decide: order per subject, one effect each."""

import json
import random
import time
import unittest
from collections import Counter, defaultdict
from datetime import date, timedelta

import harness
import review
from events import House, again
from model import Group, check_group
from proxy import Kill


class Plan:
    """What a group is sent, and what a person will decide on its poison."""

    def __init__(self, dice: random.Random, count: int):
        self.dice = dice
        self.bookings = max(2, count // 6)
        units = {f"u{n}": 1 for n in range(2 * self.bookings)} | {"rooms": 50}
        self.house = House("chaos", units)
        self.registered = 1
        self.order = []  # events in the order in which they are posted, duplicates left out
        self.verdicts: dict[str, list] = {}  # by event id: what to decide, failure by failure
        self.decided: dict[str, tuple] = {}
        self.versions = defaultdict(int)
        self.cancelled = set()

    def next(self) -> dict:
        roll = self.dice.random()
        if roll < 0.10 and self.order:
            return again(self.dice.choice(self.order))
        event = self._booking()
        if roll < 0.15:
            self._poison(event)
        elif roll < 0.20 and event["data"]["version"] > 10:
            event["data"]["version"] -= 15  # older than what was posted before, and no version that was
        self.order.append(event)
        return event

    def _booking(self) -> dict:
        n = self.dice.randrange(self.bookings)
        name = f"b{n}"
        self.versions[name] += 10
        kind = "created" if self.versions[name] == 10 else self.dice.choice(["modified"] * 4 + ["cancelled"])
        arrival = date(2031, 1, 25) + timedelta(self.dice.randrange(12))
        return self.house.booking(
            name, self.versions[name], kind,
            unit=self.dice.choice([f"u{2 * n}", f"u{2 * n}", f"u{2 * n + 1}", "rooms"]),  # nobody else's but the rooms
            arrival=arrival.isoformat(), departure=(arrival + timedelta(self.dice.randrange(0, 9))).isoformat(),
        )  # fmt: skip

    def _poison(self, event: dict):
        healthy = dict(event["data"])
        if self.dice.random() < 0.5:
            event["data"]["departure"] = "2030-12-24"
            verdicts = [["edit"], ["discard"], ["retry", "edit"], ["retry", "discard"]]
        else:
            event["type"] = "pms.booking.modified.v1"  # a cancellation asks for no unit
            event["data"]["unit"] = f"late-{event['id'].split('-')[0]}"
            verdicts = [["mend"], ["mend"], ["retry", "mend"], ["edit"], ["discard"]]
        self.verdicts[event["id"]] = list(self.dice.choice(verdicts))
        self.decided[event["id"]] = ("healthy", healthy)

    def decide(self, stack, note: dict) -> str | None:
        """A person's verdict on a fallback message; None: it is an old notice."""
        found = review.head(stack, self.house.group, note["subject"])
        if not found or found[1] is None or found[1]["id"]["S"] != note["event"] or "verdict" in found[0]["hold"]["M"]:
            return None
        body, event_id = json.loads(found[1]["body"]["S"]), note["event"]
        verdict = self.verdicts[event_id].pop(0) if self.verdicts.get(event_id) else "retry"
        edited = None
        if verdict == "edit":
            body = again(body) | {"data": self.decided[event_id][1]}
            edited = json.dumps(body)
            self.decided[event_id] = ("edited", body)
        elif verdict == "discard":
            self.decided[event_id] = ("discarded", None)
        elif verdict == "mend":
            self.registered += 1
            upsert = self.house.registered(self.registered, self.house.units | {body["data"]["unit"]: 1})
            self.order.append(upsert)
            self.house.send(stack, upsert)
            self.decided[event_id] = ("mended", body)
        review.resolve(stack, self.house.group, note["subject"], "retry" if verdict == "mend" else verdict, edited)
        return verdict

    def model(self) -> Group:
        group = Group()
        # A property's changes only add units: whether before or after a booking of other units is all the same.
        for event in [e for e in self.order if e["type"].startswith("pms.property")]:
            group.apply(event)
        for event in self.order:
            match self.decided.get(event["id"], (None, None)):
                case "discarded", _:
                    continue
                case "edited", body:
                    group.apply(body)
                case "healthy", _:
                    raise AssertionError(f"nobody decided on {event['id']}")
                case _:
                    group.apply(event)
        return group


class Chaos(unittest.TestCase):
    def test_chaos(self):
        groups, per_group, kills = (50, 40, 60) if harness.FULL else (10, 10, 10)
        seed = random.randrange(10**6)
        dice = random.Random(seed)
        harness.say(f"seed {seed}: {groups * per_group} messages over {groups} groups")
        stack = harness.stack("chaos", AttemptBudget=5)
        plans = {(plan := Plan(dice, per_group)).house.group: plan for _ in range(groups)}
        for plan in plans.values():
            plan.order.append(plan.house.registered())
        stack.send([(group, json.dumps(plan.order[0])) for group, plan in plans.items()])
        stack.drain(60)
        turns = [group for group in plans for _ in range(per_group)]
        dice.shuffle(turns)
        posted, decided, notices, deaths = [], Counter(), 0, Counter()
        next_kill = time.monotonic() + 1
        armed = []

        def killer(request):
            return Kill(after=armed.pop() == "after") if armed else None

        on_desk = []  # people take a while, so that lines form meanwhile

        def people_decide():
            nonlocal notices
            stack.pump()
            for message in stack.tapped["fallback"][notices:]:
                notices += 1
                on_desk.append((time.monotonic() + dice.uniform(0, 6), message))
            for due, message in list(on_desk):
                if time.monotonic() > due:
                    on_desk.remove((due, message))
                    decided[plans[message.group].decide(stack, message.note)] += 1

        with self.subTest(seed=seed), stack.rule(killer):
            started = time.monotonic()
            pace = len(turns) / 10 / (60 if harness.FULL else 8)  # batches a second
            sent = 0
            while turns or (deaths.total() < kills and stack.depth()):
                due = sent < (time.monotonic() - started) * pace
                batch, turns = (turns[:10], turns[10:]) if due else ([], turns)
                sent += due
                if batch:
                    bodies = [(group, json.dumps(plans[group].next())) for group in batch]
                    posted += zip(stack.send(bodies), (json.loads(body)["id"] for _, body in bodies))
                people_decide()
                if time.monotonic() > next_kill and deaths.total() < kills:
                    how = dice.choice(["any", "before", "after"])
                    if how == "any":
                        deaths[how] += stack.kill_one()
                    else:  # the next call to DynamoDB is the last
                        armed.append(how)
                    next_kill = time.monotonic() + dice.uniform(0.3, 0.9)
                deaths["at a call"] = len(stack.proxy.killed)
                time.sleep(0.01)
                if time.monotonic() - started > 600:
                    self.fail("the traffic does not end")
            harness.say(f"posted after {time.monotonic() - started:.0f} s; kills {dict(deaths)}; draining")

            def settled():
                people_decide()
                if stack.depth() or stack.pump() or on_desk or notices < len(stack.tapped["fallback"]):
                    return False
                return not any(plan.house.left_waiting(stack) for plan in plans.values())

            armed.clear()
            harness.wait(settled, 900 if harness.FULL else 180, lambda: self.stuck(stack, plans))
            people_decide()
            self.check(stack, plans, posted)
        total = Counter(line["outcome"] for line in stack.lines())
        harness.say(f"settled after {time.monotonic() - started:.0f} s; outcomes {dict(total)}; verdicts {dict(decided)}")

    def stuck(self, stack, plans):
        left = {g: p.house.left_waiting(stack) for g, p in plans.items() if p.house.left_waiting(stack)}
        return f"all to settle: {stack.depth()} messages left, waiting: {left}"

    def check(self, stack, plans, posted):
        final = {line.get("message_id") for line in stack.lines() if line["outcome"] in harness.FINAL}
        lost = [(message_id, event) for message_id, event in posted if message_id not in final]
        self.assertEqual(lost, [], "messages without an outcome")
        applied = Counter((x["tenant"], x["event"]) for x in stack.lines(outcome="applied"))
        self.assertEqual([key for key, times in applied.items() if times > 1], [], "applied twice")
        self.assertEqual(stack.tapped["dlq"], [])
        for plan in plans.values():
            check_group(self, stack, plan.house, plan.model())
