"""Counts the occupied nights of hotel_bookings_2015.csv on its own, and compares them with what the calendar says.

    python3 tests/replay/count.py BOOKINGS.csv                    # prints the count
    python3 tests/replay/count.py BOOKINGS.csv CALENDAR.json      # compares; exit code 1 when they differ

CALENDAR.json is what `bellhop calendar ... --months N --json` prints. Only the standard library, and none of Bellhop's
code: a booking that was not cancelled occupies the room type it was assigned on each night from arrival on.
"""

import csv
import json
import sys
from collections import Counter
from datetime import date, timedelta

MONTHS = "January February March April May June July August September October November December".split()


def count(path: str) -> Counter:
    nights = Counter()
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["is_canceled"] != "0":
                continue
            year, day = int(row["arrival_date_year"]), int(row["arrival_date_day_of_month"])
            arrival = date(year, MONTHS.index(row["arrival_date_month"]) + 1, day)
            for night in range(int(row["stays_in_weekend_nights"]) + int(row["stays_in_week_nights"])):
                nights[row["assigned_room_type"], str(arrival + timedelta(night))] += 1
    return nights


def calendar(path: str) -> Counter:
    nights = Counter()
    with open(path, encoding="utf-8") as file:
        for month in json.load(file):
            for unit in month["units"]:
                for night, sold in unit["nights"].items():
                    nights[unit["id"], night] += sold
    return nights


def main() -> int:
    counted = count(sys.argv[1])
    busiest = max(Counter(night for _, night in counted.elements()).items(), key=lambda item: item[1])
    print(f"counted from the file: {counted.total()} room nights, {len({n for _, n in counted})} days, busiest {busiest[0]} with {busiest[1]}")
    if len(sys.argv) < 3:
        return 0
    kept = calendar(sys.argv[2])
    different = sorted(key for key in counted.keys() | kept.keys() if counted[key] != kept[key])
    print(f"kept by the calendar:  {kept.total()} room nights")
    for key in different[:20]:
        print(f"  differs: room type {key[0]} on {key[1]}: counted {counted[key]}, calendar {kept[key]}")
    print("equal, night by night" if not different else f"{len(different)} nights differ")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
