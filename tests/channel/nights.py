"""Nights, and what was told about each of them."""

import datetime
import re

NIGHT = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
LONGEST = 3660  # nights in one range; a longer one is a mistake of the sender
DAY = datetime.timedelta(days=1)


def parse(text) -> datetime.date | None:
    """A date of the form `YYYY-MM-DD` and no other."""
    if not isinstance(text, str) or not NIGHT.fullmatch(text):
        return None
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        return None


def each(first: datetime.date, until: datetime.date) -> list[datetime.date]:
    """From `first` to the night before `until`."""
    return [first + n * DAY for n in range((until - first).days)]


class Told:
    """The last value told per property, thing (room type, rate plan or unit) and night, and all that were told before.
    With `merge` a value is an object, and one that has some fields only leaves the others as they were."""

    def __init__(self, merge: bool = False):
        self.merge = merge
        self._last = {}  # property -> thing -> night -> value
        self._history = {}  # property -> thing -> night -> [(call, at, value)]

    def tell(self, prop: str, thing: str, nights, value, call: int, at: float):
        last = self._last.setdefault(prop, {}).setdefault(thing, {})
        history = self._history.setdefault(prop, {}).setdefault(thing, {})
        entry = (call, at, value)
        for night in map(str, nights):
            last[night] = last.get(night, {}) | value if self.merge else value
            history.setdefault(night, []).append(entry)

    def last(self) -> dict:
        """{property: {thing: {night: value}}}"""
        return {
            prop: {thing: dict(sorted(nights.items())) for thing, nights in things.items()}
            for prop, things in self._last.items()
        }

    def history(self, prop: str | None = None) -> dict:
        """{property: {thing: {night: [{call, at, value}]}}}: `call` is the number of the call, `at` Unix seconds."""
        return {
            p: {
                thing: {
                    night: [{"call": call, "at": at, "value": value} for call, at, value in entries]
                    for night, entries in sorted(nights.items())
                }
                for thing, nights in things.items()
            }
            for p, things in self._history.items()
            if prop in (None, p)
        }

    def dump(self) -> dict:
        return self._history

    def load(self, dumped: dict):
        for prop, things in dumped.items():
            for thing, nights in things.items():
                for night, entries in nights.items():
                    for call, at, value in entries:
                        self.tell(prop, thing, [night], value, call, at)
