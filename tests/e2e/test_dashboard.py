"""The dashboard's numbers are those of a recount from the bookings and cleanings that are stored, after a season in which every
message comes twice and out of order, and functions are killed; and they come back from nothing."""

import json
import random
import statistics
import time
import unittest
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import guests
import harness
from events import House, again

LISBON = ZoneInfo("Europe/Lisbon")
UNITS = {"u1": 1, "u2": 1, "rooms": 4}


def today() -> date:
    return datetime.now(LISBON).date()


class Season:
    """Bookings around today, each with some versions."""

    def __init__(self, dice: random.Random, bookings: int):
        self.dice = dice
        self.house = House("dash", UNITS)
        self.events = []
        for n in range(bookings):
            versions = [self.version(f"b{n}", version) for version in range(1, dice.randint(2, 4))]
            if dice.random() < 0.2:
                last = versions[-1]["data"]
                versions.append(self.house.booking(f"b{n}", last["version"] + 1, "cancelled", **{k: last[k] for k in last if k != "version"}))
            self.events += versions

    def version(self, name: str, version: int) -> dict:
        arrival = today() + timedelta(self.dice.randint(-12, 70))
        departure = arrival + timedelta(self.dice.choice([0, 1, 2, 3, 5, 9, 40]))
        total = {"amount": self.dice.randint(1, 90_000), "currency": self.dice.choice(["EUR", "EUR", "GBP", "JPY"])}
        unit = self.dice.choice(list(UNITS))
        kind = "created" if version == 1 else "modified"
        return self.house.booking(name, version, kind, unit=unit, arrival=str(arrival), departure=str(departure), total=total)

    def report(self, name: str, status: str) -> dict:
        return self.house.event("pms.task.reported.v1", f"booking/{name}", {"version": 1, "status": status})


def recount(stack, house: House) -> dict:
    """What the dashboard should say, from what calendar and automation keep."""
    items = stack.items(house.group)
    states = {sk: harness.plain(item["st"]) for sk, item in items.items() if "st" in item}
    bookings = [state["b"] for sk, state in states.items() if sk.startswith("calendar#booking/")]
    live = [b for b in bookings if not b.get("cancelled")]
    stays = [(b["arrival"], b["departure"]) for b in live if b.get("placed")]
    day, month = str(today()), str(today())[:7]
    days = [str(today() + timedelta(n)) for n in range(90)]
    revenue = Counter()
    for booking in live:
        if booking["arrival"][:7] == month and "total" in booking:
            revenue[booking["total"]["currency"]] += booking["total"]["amount"]
    cleanings, now = Counter(), datetime.now(UTC)
    week = [str(today() - timedelta(n)) for n in range(8)]
    for work in (state["b"] for sk, state in states.items() if sk.startswith("automation#booking/")):
        cleaning, status = work.get("c"), work.get("rs", "open")
        if not cleaning or status == "gone":
            continue
        if status == "done":
            cleanings["done"] += cleaning["d"] == day
            continue
        cleanings["open"] += cleaning["d"] in week
        if next_day := cleaning.get("n"):
            until = datetime.fromisoformat(f"{next_day}T15:00:00").replace(tzinfo=LISBON)
            since = datetime.fromisoformat(f"{week[-1]}T00:00:00").replace(tzinfo=LISBON)
            cleanings["late"] += since < until <= now
    return {
        "arrivals": sum(arrival == day for arrival, _ in stays),
        "departures": sum(departure == day for _, departure in stays),
        "in_house": sum(arrival <= day < departure for arrival, departure in stays),
        "sold": [sum(arrival <= night < departure for arrival, departure in stays) for night in days],
        "unplaced": sum(not b.get("placed") and b["arrival"] in days for b in live),
        "revenue": dict(revenue),
        "cleanings": {name: cleanings[name] for name in ("open", "late", "done")},
    }


def shown(stack, house: House) -> dict:
    (tile,) = json.loads(guests.command(stack, "dashboard", *guests.place(house), "--json"))["properties"]
    return {
        **{name: tile[name] for name in ("arrivals", "departures", "in_house", "unplaced", "cleanings")},
        "sold": [night["sold"] for night in tile["occupancy"]],
        "revenue": {each["currency"]: each["minor"] for each in tile["revenue"]},
    }


class Dashboard(unittest.TestCase):
    maxDiff = None

    def test_a_shuffled_and_doubled_season_is_counted_right(self):
        properties, bookings, kills = (6, 120, 30) if harness.FULL else (2, 25, 6)
        seed = random.randrange(10**6)
        dice, stack = random.Random(seed), guests.guests_stack()
        seasons = [Season(dice, bookings) for _ in range(properties)]
        for season in seasons:
            season.house.register(stack)
        traffic = [(season, event) for season in seasons for event in season.events + list(map(again, season.events))]
        dice.shuffle(traffic)
        dead = 0
        with self.subTest(seed=seed):
            for n in range(0, len(traffic), 10):
                for season, event in traffic[n : n + 10]:
                    season.house.send(stack, event)
                if dead < kills:
                    dead += stack.kill_one(dice.choice(["dashboard", "dashboard", "automation", "calendar"]))
            stack.drain(240)
            for season in seasons:
                reports = [season.report(f"b{n}", dice.choice(["completed", "started"])) for n in range(0, bookings, 3)]
                season.house.send(stack, *reports, queue=harness.AUTOMATION)
            stack.drain(120)
            for season in seasons:
                self.assertEqual(shown(stack, season.house), recount(stack, season.house))
            harness.say(f"seed {seed}: {len(traffic)} messages, {dead} deaths; {dict(stack.outcomes())}")
            self.from_nothing(stack, seasons[0])

    def from_nothing(self, stack, season: Season):
        """Somebody deletes the numbers; a rebuild brings them back, and leaves no old ones."""
        house = season.house
        for sk in [sk for sk in stack.items(house.group) if sk.startswith("dashboard#numbers/")]:
            stack.dynamodb.delete_item(TableName=stack.table, Key={"pk": {"S": house.group}, "sk": {"S": sk}})
        self.assertNotEqual(shown(stack, house), recount(stack, house))
        told = json.loads(guests.command(stack, "rebuild", "dashboard", *guests.place(house), "--json"))
        self.assertEqual([each["property"] for each in told], [house.property])
        self.assertEqual(shown(stack, house), recount(stack, house))
        guests.command(stack, "rebuild", "dashboard", "--tenant", house.tenant)
        self.assertEqual(shown(stack, house), recount(stack, house))
        editions = {sk.split("/")[1] for sk in stack.items(house.group) if sk.startswith("dashboard#numbers/")}
        self.assertEqual(editions, {"2"})
        self.assertIn("property-unknown", guests.command(stack, "rebuild", "dashboard", "--tenant", "nobody", code=1))
        self.assertIn("property-unknown", guests.command(stack, "dashboard", "--tenant", "nobody", code=1))

    def test_an_event_is_shown_soon(self):
        stack, house = guests.guests_stack(), House("soon", UNITS)
        house.register(stack)
        lags = []
        for n in range(20):
            posted = time.monotonic()
            house.send(stack, house.booking(f"b{n}", unit="rooms", arrival=str(today() + timedelta(n * 2)), departure=str(today() + timedelta(n * 2 + 1))))
            prefix = f"dashboard#booking/b{n}"
            harness.wait(lambda prefix=prefix: prefix in stack.items(house.group), 30, "the booking to be counted")
            lags.append(time.monotonic() - posted)
        stack.drain()
        harness.say(f"from event to dashboard: median {statistics.median(lags):.2f} s, worst of 20 {max(lags):.2f} s")
        self.assertEqual(shown(stack, house), recount(stack, house))
