"""A tenant whose pages have something to show: three properties around today, some of which went wrong."""

import random
from datetime import UTC, datetime, timedelta
from itertools import cycle

import console
from events import House

PLACES = (
    ("harbour-flats", "Harbour Flats", {"attic": 1, "garden": 1, "harbour": 1, "lookout": 1, "studio": 1, "terrace": 1}),
    ("dune-inn", "Dune Inn", {"double": 8, "family": 4, "suite": 1}),
    ("old-mill", "The Old Mill", {"mill": 1, "stable": 1}),
)
GUESTS = ("airbnb", "booking-com", "direct")


def today():
    return datetime.now(UTC).date()


class Season:
    """What the pages' tests look at; always the same but for the days."""

    def __init__(self):
        dice = random.Random(7)
        self.houses = []
        for id_, name, units in PLACES:
            house = House("season", units)
            if self.houses:
                house.tenant = self.houses[0].tenant
            house.property = id_
            self.houses.append(house)
            house.send(console.stack(), house.registered(name=name))
            house.send(console.stack(), *self.stays(house, dice))
        self.tenant, self.first = self.houses[0].tenant, self.houses[0]
        console.stack().drain(console.WAIT_SECONDS)
        self.go_wrong()
        console.stack().drain(console.WAIT_SECONDS)
        self.items = console.items(self.tenant, 5)

    def stays(self, house: House, dice: random.Random) -> list[dict]:
        """Guests who follow each other in every unit, with a gap now and then."""
        numbers, channels, found = iter(range(1, 10_000)), cycle(GUESTS), []
        for unit, capacity in house.units.items():
            for _ in range(capacity):
                day = today() - timedelta(dice.randint(2, 9))
                while day < today() + timedelta(40):
                    leave = day + timedelta(dice.choice((1, 2, 3, 3, 4, 7)))
                    found.append(self.booking(house, f"B{next(numbers):03}", unit, day, leave, channel=next(channels)))
                    day = leave + timedelta(dice.choice((0, 0, 1, 2)))
        return found

    def booking(self, house: House, name: str, unit: str, arrival, departure, **data) -> dict:
        total = {"amount": 9_500 * max((departure - arrival).days, 1), "currency": "EUR"}
        return house.booking(name, unit=unit, arrival=str(arrival), departure=str(departure), total=total, **data)

    def go_wrong(self):
        """A conflict, three bookings that cannot be, one of them with more behind it, and a unit that is not there."""
        stack, house, day = console.stack(), self.first, today() + timedelta(3)
        conflict = self.booking(house, "B900", "harbour", today() - timedelta(1), today() + timedelta(30))
        bad = [house.booking(f"B91{n}", unit="attic", arrival=str(day), departure="2020-01-01") for n in range(3)]
        behind = [house.booking("B910", 2 + n, "modified", unit="attic", arrival=str(day), departure=str(day + timedelta(n + 1))) for n in range(3)]
        unknown = house.booking("B920", unit="attick", arrival=str(day), departure=str(day + timedelta(1)))
        house.send(stack, conflict, *bad, *behind, unknown)
        mill = self.houses[2]
        mill.send(stack, mill.block("painting", unit="stable", **{"from": str(day + timedelta(60)), "until": str(day + timedelta(65))}))
