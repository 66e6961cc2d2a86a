"""Bookings made, moved twice and called off, every message twice, functions killed at random: nothing is left of them, and each guest
got the right mails, none twice."""

import random
import time
import unittest
from collections import Counter
from datetime import date, timedelta

import guests
import harness
from events import House, again
from guests import due, mails
from proxy import Kill

RULES = [
    {"id": "before", "at": {"anchor": "arrival", "days": -3, "time": "10:00"}, "then": {"message": "pre-arrival"}},
    {"id": "thanks", "at": {"anchor": "departure", "days": 1, "time": "12:00"}, "then": {"message": "review-request"}},
    {"id": "later", "on": "pms.booking.created.v1", "after": "PT2H", "then": {"message": "check-in"}},
]
ASSIGN = [{"to": "anna", "capacity": 2}, {"to": "team-north"}]
STEPS = ("created", "modified", "modified", "cancelled")
WORDS = {"confirmation": "confirmed", "change": "changed", "cancellation": "cancelled"}


class Plan:
    """A property whose bookings never meet: each has two units of its own."""

    def __init__(self, dice: random.Random, bookings: int):
        self.dice = dice
        self.names = [f"b{n}" for n in range(bookings)]
        self.house = House("auto", {f"u{n}": 1 for n in range(2 * bookings)})
        self.house.registration = self.house.registered(languages=["en"])
        self.posted = {name: [] for name in self.names}

    def step(self, name: str) -> dict:
        done = self.posted[name]
        kind, first = STEPS[len(done)], date(2031, 5, 1) + timedelta(31 * len(done))
        data = {"unit": f"u{2 * int(name[1:]) + self.dice.randrange(2)}", "arrival": str(first), "departure": str(first + timedelta(3))}
        if kind == "cancelled":
            data = {key: done[-1]["data"][key] for key in data}
        event = self.house.booking(name, len(done) + 1, kind, guest=guests.guest(self.house, name), **data)
        done.append(event)
        return event


class Automation(unittest.TestCase):
    def test_made_moved_and_called_off(self):
        properties, bookings, kills = (10, 12, 60) if harness.FULL else (3, 5, 15)
        seed = random.randrange(10**6)
        self.dice = random.Random(seed)
        self.stack, self.deaths = guests.guests_stack(), Counter()
        plans = [Plan(self.dice, bookings) for _ in range(properties)]
        for plan in plans:
            guests.save_rules(self.stack, plan.house, *RULES, assign=ASSIGN)
            plan.house.send(self.stack, plan.house.registration)
        self.stack.drain()
        with self.subTest(seed=seed):
            # Half of them step by step, so that each mail is due; the others all at once, as fast as it goes.
            slow = [(plan, name) for plan in plans for name in plan.names[::2]]
            fast = [(plan, name) for plan in plans for name in plan.names[1::2]]
            for n, kind in enumerate(STEPS):
                turns = slow + (fast * len(STEPS) if n == 1 else [])
                self.dice.shuffle(turns)
                self.play(turns, kills * (n + 1) // len(STEPS))
                self.settle()
                self.check_step(slow, kind)
            for plan in plans:
                self.check_end(plan, plan.names[::2])
            unknown = [note for plan in plans for note in guests.reviews(self.stack, plan.house)]
            self.assertLessEqual({note["reason"] for note in unknown}, {"delivery-unknown"})
            self.assertLessEqual(len(unknown), self.deaths.total(), "no more questions than deaths")
            lines = Counter(line["outcome"] for name in self.stack.workers for line in self.stack.lines(name))
            harness.say(f"seed {seed}: deaths {dict(self.deaths)}, {len(unknown)} mails in doubt; {dict(lines)}")

    def play(self, turns: list, kills: int):
        """Posts a step of each, and again a moment later, until as many have died as should."""
        repeats, armed, started = [], {"dynamodb": [], "ses": []}, time.monotonic()
        next_kill = started + self.dice.uniform(0, 0.5)
        turns = list(turns)

        def killer(of: str):
            return lambda request: Kill(after=armed[of].pop() == "after") if armed[of] else None

        before = len(self.stack.proxy.killed) + len(self.stack.ses_proxy.killed) - self.deaths["at a call"]
        with self.stack.rule(killer("dynamodb")), self.stack.rule(killer("ses"), ses=True):
            while turns or repeats or (self.deaths.total() < kills and self.stack.left()):
                if turns:
                    plan, name = turns.pop()
                    event = plan.step(name)
                    plan.house.send(self.stack, event)
                    repeats.append((time.monotonic() + self.dice.uniform(0, 2), plan, event))
                for repeat in [r for r in repeats if r[0] < time.monotonic()]:
                    repeats.remove(repeat)
                    repeat[1].house.send(self.stack, again(repeat[2]))
                if time.monotonic() > next_kill and self.deaths.total() < kills:
                    how = self.dice.choice(["calendar", "automation", "automation", "notifications", "notifications", "dynamodb", "ses"])
                    if how in harness.WORKERS:
                        self.deaths[how] += self.stack.kill_one(how)
                    else:
                        armed[how].append(self.dice.choice(["before", "after"]))
                    next_kill = time.monotonic() + self.dice.uniform(0.2, 0.6)
                self.deaths["at a call"] = len(self.stack.proxy.killed) + len(self.stack.ses_proxy.killed) - before
                self.stack.pump()
                time.sleep(0.01)
                if time.monotonic() - started > 300:
                    self.fail("the traffic does not end")
        self.deaths["at a call"] = len(self.stack.proxy.killed) + len(self.stack.ses_proxy.killed) - before

    def settle(self):
        self.stack.drain(180)

    def kinds(self, house: House, name: str) -> list[str]:
        found = []
        for mail in mails(house, name):
            (kind,) = [kind for kind, word in WORDS.items() if word in mail["subject"].lower()] or [mail["subject"]]
            found.append(kind)
        return found

    def unknown(self, house: House, name: str) -> list[str]:
        notes = [note for note in guests.reviews(self.stack, house) if note["subject"] == f"booking/{name}"]
        return [note["found"].split(":")[0] for note in notes if note["reason"] == "delivery-unknown"]

    def check_step(self, slow: list, kind: str):
        """Each guest heard of this step, or a person of the doubt; a stay has its cleaning and its next reminder."""
        message = {"created": "confirmation", "modified": "change", "cancelled": "cancellation"}[kind]
        for plan in {id(plan): plan for plan, _ in slow}.values():
            stays, planned = guests.cleanings(self.stack, plan.house), due(self.stack, plan.house)
            self.check_loads(plan.house, stays)
            for name in [name for other, name in slow if other is plan]:
                where = f"{plan.house.group} {name}"
                self.assertIn(message, self.kinds(plan.house, name)[-1:] + self.unknown(plan.house, name), where)
                event, entries = plan.posted[name][-1], planned.get(f"booking/{name}", [])
                if kind == "cancelled":
                    self.assertNotIn(name, stays, where)
                    self.assertEqual(entries, [], where)
                else:
                    self.assertEqual((stays[name]["u"], stays[name]["d"]), (event["data"]["unit"], event["data"]["departure"]), where)
                    self.assertEqual(len(entries), 1, where)

    def check_loads(self, house: House, stays: dict[str, dict]):
        """Who has how many on a day is what the cleanings say, and nobody has more than fit."""
        items = {sk: item for sk, item in self.stack.items(house.group).items() if sk.startswith("automation#load/")}
        loads = {sk.rpartition("/")[2]: harness.plain(item["by"]).get("anna", []) for sk, item in items.items()}
        counted = {}
        for name, stay in stays.items():
            self.assertIn(stay["w"], ("anna", "team-north"))
            if stay["w"] == "anna":
                counted.setdefault(stay["d"], []).append(name)
        self.assertEqual({day: sorted(names) for day, names in loads.items() if names}, {day: sorted(names) for day, names in counted.items()})
        self.assertLessEqual(max(map(len, counted.values()), default=0), 2, house.group)

    def check_end(self, plan: Plan, slow: list[str]):
        house = plan.house
        months = [month for month in house.months(self.stack).values() if month["s"] or any(month["n"].values())]
        self.assertEqual(months, [], "the calendar is free")
        self.assertEqual(guests.cleanings(self.stack, house), {})
        self.check_loads(house, {})
        self.assertEqual(due(self.stack, house), {})
        guests.check_nothing_left(self, self.stack, house)
        whole = Counter({"confirmation": 1, "change": 2, "cancellation": 1})
        for name in plan.names:
            sent, doubt = self.kinds(house, name), Counter(self.unknown(house, name))
            where = f"{house.group} {name}: {sent}, in doubt {dict(doubt)}"
            self.assertLessEqual(set(sent), set(WORDS), where)
            self.assertLessEqual(Counter(sent), whole, f"{where}: each once for each event")
            self.assertNotIn("cancellation", sent[:-1], f"{where}: nothing after the cancellation")
            self.assertIn("cancellation", sent[-1:] + list(doubt), where)
            if name in slow:
                missing = whole - Counter(sent)
                self.assertLessEqual(missing, doubt, f"{where}: what nobody got, a person was asked about")
