"""A season around both clock changes, in two time zones, shuffled, with repetitions and deaths: the board is what plain Python
makes of the final calendar."""

import json
import random
import time as clock
import unittest
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import guests
import harness
from events import House, again
from model import Group

# Europe: 30 March and 26 October 2031. America: 9 March and 2 November 2031.
ZONES = {
    "Europe/Lisbon": [("11:00", "15:00"), ("01:15", "01:45")],  # the second: inside the hour that is skipped, and comes twice
    "America/New_York": [("10:30", "16:00"), ("02:30", "03:45")],
}
SEASONS = [(date(2031, 2, 20), 55), (date(2031, 9, 25), 60)]
UNITS = {"villa": 1, "flat": 1, "loft": 1, "rooms": 3}


def cleaning(stay: dict, others: list[dict], capacity: int, zone: ZoneInfo, check_out: time, check_in: time) -> dict:
    """The definition, once more: from check-out until the check-in of whoever comes next, looked for until the end of the second
    month after that of the departure; of a room type, and after day use, until that day's check-in, and never urgent."""
    arrival, departure = date.fromisoformat(stay["arrival"]), date.fromisoformat(stay["departure"])
    following, urgent = departure, False
    if capacity == 1 and arrival < departure:
        months = departure.year * 12 + departure.month - 1 + 3
        horizon = date(months // 12, months % 12 + 1, 1)
        overnight = [o for o in others if o["unit"] == stay["unit"] and o["arrival"] < o["departure"]]
        days = [date.fromisoformat(o["arrival"]) for o in overnight]
        following = min((day for day in days if departure <= day < horizon), default=None)
        urgent = following == departure
    starts = datetime.combine(departure, check_out, zone)
    ends = following and datetime.combine(following, check_in, zone)
    # A local time that is skipped is as much later, one that comes twice is the first: what fold=0 says.
    return {"from": starts.timestamp(), "until": ends and ends.timestamp(), "urgent": urgent, "unit": stay["unit"]}


def seconds(text: str | None) -> float | None:
    return text and datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).timestamp()


class Plan:
    """A property and its bookings: each with versions in order, as FIFO keeps them; everything else is shuffled."""

    def __init__(self, dice: random.Random, zone: str, bookings: int):
        self.zone, (self.check_out, self.check_in) = ZoneInfo(zone), dice.choice(ZONES[zone])
        self.house = House("board", UNITS)
        self.lines = []
        times = {"time_zone": zone, "check_in": self.check_in, "check_out": self.check_out}
        self.order = [self.house.registered(**times)]
        for n in range(bookings):
            versions = dice.choices([1, 2, 3, 4], [4, 3, 2, 1])[0]
            kinds = ["created", *dice.choices(["modified", "cancelled"], [4, 1], k=versions - 1)]
            self.lines.append([self.booking(dice, f"b{n}", version + 1, kind) for version, kind in enumerate(kinds)])
        # Two that meet, after all others: whatever the dice say, one cleaning is urgent and one has no end.
        for name, arrival, departure in (("leaves", "2031-12-28", "2031-12-30"), ("arrives", "2031-12-30", "2032-01-02")):
            self.lines.append([self.house.booking(name, 1, "created", unit="villa", arrival=arrival, departure=departure)])

    def booking(self, dice: random.Random, name: str, version: int, kind: str) -> dict:
        first, days = dice.choice(SEASONS)
        arrival = first + timedelta(dice.randrange(days))
        departure = arrival + timedelta(dice.choices([0, 1, 2, 3, 7, 14], [1, 4, 4, 4, 2, 1])[0])
        unit = dice.choice(list(UNITS))
        return self.house.booking(name, version, kind, unit=unit, arrival=str(arrival), departure=str(departure))

    def next(self, dice: random.Random) -> dict:
        line = dice.choice(self.lines)
        event = line.pop(0)
        if not line:
            self.lines.remove(line)
        self.order.append(event)
        return event

    def model(self) -> Group:
        group = Group()
        for event in self.order:
            group.apply(event)
        return group

    def expected(self, model: Group) -> dict[str, dict]:
        placed = {subject.removeprefix("booking/"): b for subject, b in model.bookings.items() if b["placed"]}
        check_out, check_in = time.fromisoformat(self.check_out), time.fromisoformat(self.check_in)
        return {
            name: cleaning(stay, [o for other, o in placed.items() if other != name], UNITS[stay["unit"]], self.zone, check_out, check_in)
            for name, stay in placed.items()
        }

    def found(self, stack) -> dict[str, dict]:
        rows = {}
        for first, days in SEASONS:
            for start in range(-1, days + 20, 60):
                for row in guests.board(stack, self.house, str(first + timedelta(start)), 60)["cleanings"]:
                    kept = {"from": seconds(row["from"]), "until": seconds(row.get("until")), "urgent": row["urgent"], "unit": row["unit"]}
                    rows[row["booking"]] = kept
        return rows


class SeasonCleanings(unittest.TestCase):
    def test_a_season(self):
        bookings = 250 if harness.FULL else 45  # of each property
        seed = random.randrange(10**6)
        dice = random.Random(seed)
        stack = guests.guests_stack()
        plans = [Plan(dice, zone, bookings) for zone in ZONES]
        for plan in plans:
            plan.house.send(stack, plan.order[0])
        stack.drain()
        repeats, queue = [], []
        while any(plan.lines for plan in plans):
            plan = dice.choice([plan for plan in plans if plan.lines])
            queue.append((plan, plan.next(dice)))
            if dice.random() < 0.3:
                repeats.append((plan, again(queue[-1][1])))
            if repeats and dice.random() < 0.3:
                queue.append(repeats.pop(dice.randrange(len(repeats))))
        for start in range(0, len(queue), 10):
            stack.send([(plan.house.group, json.dumps(event)) for plan, event in queue[start : start + 10]])
        deaths = self.kill_some(stack, dice, 40 if harness.FULL else 8)
        stack.drain(600 if harness.FULL else 120)
        with self.subTest(seed=seed):
            totals = Counter()
            for plan in plans:
                totals += self.check(stack, plan)
            harness.say(f"seed {seed}: {len(queue)} messages, {deaths} deaths, {dict(totals)}")
            self.assertTrue(all(totals[what] for what in ("urgent", "with an end", "without an end", "gone")), "or it proves little")

    def kill_some(self, stack, dice: random.Random, most: int) -> int:
        """While there is something to do."""
        deaths = 0
        while deaths < most and stack.left():
            deaths += stack.kill_one(dice.choice(["calendar", "automation"]))
            stack.pump()
            clock.sleep(dice.uniform(0.1, 0.7))
        return deaths

    def check(self, stack, plan: Plan) -> Counter:
        model = plan.model()
        stored = {subject: plan.house.state(stack, subject.removeprefix("booking/")) for subject in model.bookings}
        placed = {subject for subject, state in stored.items() if state and "placed" in state}
        self.assertEqual(placed, {subject for subject, b in model.bookings.items() if b["placed"]}, "the calendar itself")
        expected, found = plan.expected(model), plan.found(stack)
        wrong = {n: (found.get(n), expected.get(n)) for n in expected | found if found.get(n) != expected.get(n)}
        self.assertEqual(wrong, {}, f"{plan.house.group} {plan.zone} {plan.check_out} {plan.check_in}: found and expected")
        self.assertEqual(guests.cleanings(stack, plan.house).keys(), expected.keys(), "none beside the board")
        reasons = {note["reason"] for note in guests.reviews(stack, plan.house)}
        self.assertLessEqual(reasons, {"booking-unplaced"})
        guests.check_nothing_left(self, stack, plan.house)
        ends = Counter("with an end" if each["until"] else "without an end" for each in expected.values())
        urgent = sum(each["urgent"] for each in expected.values())
        return ends + Counter({"urgent": urgent, "gone": len(model.bookings) - len(placed)})
