"""Channels of a house, what the fake of `tests/channel` was told through them, and what it must have been told."""

import base64
import json
import secrets
import sys
import time
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import harness
from events import House
from model import Group, nights

sys.path.append(str(Path(__file__).resolve().parent.parent / "channel"))

from server import FakeChannel  # noqa: E402, F401

TOLD_DAYS = 500  # nights from today that a channel hears of
FAST = {"calls": 100, "seconds": 1}  # for tests that are not about pace


def today() -> date:
    return datetime.now(ZoneInfo("Europe/Lisbon")).date()


def day(n: int) -> str:
    return str(today() + timedelta(n))


def told_nights() -> list[date]:
    """Without the ends: a test may run over midnight."""
    return [today() + timedelta(n) for n in range(2, TOLD_DAYS - 2)]


def random_secret(webhook: bool = False) -> str:
    if webhook:
        return "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    return "key-" + secrets.token_urlsafe(24)


class Remembering(Group):
    """The calendar, and every value that was ever true in it."""

    def __init__(self):
        super().__init__()
        self.ever = defaultdict(list)  # (unit, night) -> [(value, the event that made it so)], values that differ

    def _emit(self, event: dict, version: int, out: list):
        super()._emit(event, version, out)
        for _, kind, subject, detail in filter(None, out):
            if kind == "bellhop.availability.changed.v1":
                unit = subject.removeprefix("unit/")
                available = self.available(unit)
                for night in nights(*detail.split()):
                    past = self.ever[unit, night]
                    if not past or past[-1][0] != available(night):
                        past.append((available(night), event["id"]))


class Channel:
    """One channel of a house at one fake. `told`, `history`: by unit and night, in our words."""

    kind = ""

    def __init__(self, house: House, fake: FakeChannel, name: str, **more):
        self.house, self.fake, self.name, self.more = house, fake, name, more

    def fields(self) -> dict:
        raise NotImplementedError

    @property
    def group(self) -> str:
        return f"{self.house.group}#{self.name}"

    def event(self, version: int = 1, **more) -> dict:
        data = {"version": version, "kind": self.kind} | self.fields() | self.more | more
        return self.house.event("pms.channel.upserted.v1", f"channel/{self.name}", data)

    def register(self, stack, version: int = 1, **more):
        self.house.send(stack, self.event(version, **more), queue=harness.SYNCHRONIZATION)
        return self

    def request(self, action: str, version: int | None = None) -> dict:
        version = time.time_ns() // 1_000_000 if version is None else version
        data = {"version": version, "action": action}
        return self.house.event("bellhop.channel.sync.requested.v1", f"channel/{self.name}", data)

    def ask(self, stack, action: str):
        """What `bellhop channel sync`, `test` and so on post."""
        stack.send([(self.group, json.dumps(self.request(action)))], harness.SYNCHRONIZATION)

    def progress(self, stack) -> dict:
        item = stack.items(self.group).get(f"channel-sync#channel/{self.name}")
        return harness.plain(item["st"])["s"] if item and "st" in item else {}

    def disabled(self, stack) -> str | None:
        return self.progress(stack).get("disabled", {}).get("reason")

    def reviews(self, stack) -> list[dict]:
        """What a person was told of it."""
        subject, groups = f"channel/{self.name}", (self.group, self.house.group)
        return [m.note for m in stack.tapped["fallback"] if m.group in groups and m.note["subject"] == subject]

    def calls(self) -> list[dict]:
        raise NotImplementedError


class Ari(Channel):
    kind = "ari"

    def __init__(self, house: House, fake: FakeChannel, name: str, key: str, rates=(), units=None, **more):
        super().__init__(house, fake, name, **more)
        self.key, self.rates = key, rates
        self.units = list(house.units if units is None else units)
        self.remote = f"{house.property}-at-{name}"

    def fields(self) -> dict:
        found = {
            "url": f"{self.fake.url}/api/v1", "key": self.key, "property": self.remote, "pace": FAST,
            "units": [{"unit": unit, "room_type": f"rt-{unit}"} for unit in self.units],
        }  # fmt: skip
        plans = [{"rate": rate, "unit": unit, "rate_plan": f"rp-{rate}-{unit}"} for rate, unit in self.rates]
        return found | ({"rates": plans} if plans else {})

    def told(self) -> dict[str, dict[str, int]]:
        return {unit: {n: entries[-1]["value"] for n, entries in told.items()} for unit, told in self.history().items()}

    def history(self) -> dict[str, dict[str, list[dict]]]:
        with self.fake.world.lock:
            found = self.fake.world.ari.told["availability"].history(self.remote).get(self.remote, {})
        return {thing.removeprefix("rt-"): told for thing, told in found.items()}

    def told_rates(self) -> dict[tuple, dict[str, dict]]:
        found = self.fake.world.state()["restrictions"].get(self.remote, {})
        return {(rate, unit): found.get(f"rp-{rate}-{unit}", {}) for rate, unit in self.rates}

    def calls(self) -> list[dict]:
        return [call for call in self.fake.world.call_log() if call["property"] == self.remote]


class Hook(Channel):
    kind = "webhook"

    def __init__(self, house: House, fake: FakeChannel, name: str, keys: list[str], **more):
        super().__init__(house, fake, name, **more)
        self.keys = keys
        self.path = f"{house.token}-{name}"
        self.units = list(house.units)

    def fields(self) -> dict:
        return {"url": f"{self.fake.url}/hooks/{self.path}", "keys": self.keys, "pace": FAST}

    def accepts(self, *texts: str):
        self.fake.world.config.merge({"webhooks": self.fake.world.config.webhooks | {self.path: list(texts)}})
        return self

    def deliveries(self, kind: str | None = None) -> list[dict]:
        found = self.fake.world.state()["hooks"].get(self.path, {"deliveries": []})["deliveries"]
        return [one for one in found if kind in (None, one["body"]["type"])]

    def _told(self, kind: str, part: str, name) -> dict:
        """As the receiver is told to do it: a later version wins, night by night."""
        kept = defaultdict(lambda: defaultdict(list))
        for one in sorted(self.deliveries(kind), key=lambda one: one["body"]["data"]["version"]):
            for each in one["body"]["data"][part]:
                for run in each.get("nights") or each["ranges"]:
                    for night in nights(run["from"], run["until"]):
                        kept[name(each)][str(night)].append({"at": one["at"], "value": run})
        return kept

    def history(self) -> dict[str, dict[str, list[dict]]]:
        found = self._told("bellhop.availability.v1", "units", lambda each: each["unit"])
        return {
            unit: {night: [e | {"value": e["value"]["available"]} for e in entries] for night, entries in told.items()}
            for unit, told in found.items()
        }

    def told(self) -> dict[str, dict[str, int]]:
        return {u: {night: entries[-1]["value"] for night, entries in t.items()} for u, t in self.history().items()}

    def told_rates(self) -> dict[tuple, dict[str, dict]]:
        found = self._told("bellhop.rates.v1", "rates", lambda each: (each["rate"], each["unit"]))
        strip = ("from", "until")
        return {
            key: {n: {k: v for k, v in e[-1]["value"].items() if k not in strip} for n, e in told.items()}
            for key, told in found.items()
        }

    def calls(self) -> list[dict]:
        return [call for call in self.fake.world.call_log() if call["name"] == self.path]


class Imports(Channel):
    """Feeds of another platform, at the fake."""

    kind = "calendar"

    def __init__(self, house: House, fake: FakeChannel, name: str, units=(), **more):
        super().__init__(house, fake, name, **more)
        self.units = list(units)

    def path(self, unit: str) -> str:
        return f"{self.house.token}-{self.name}-{unit}"

    def fields(self) -> dict:
        return {
            "imports": [{"unit": u, "url": f"{self.fake.url}/feeds/{self.path(u)}.ics"} for u in self.units],
            "minutes": 5,
        }

    def serve(self, unit: str, body: str):
        with self.fake.world.lock:
            self.fake.world.feeds.put(self.path(unit), body.encode(), None)

    def calls(self) -> list[dict]:
        return [call for call in self.fake.world.call_log() if call["route"] == "feeds" and call["name"] in map(self.path, self.units)]


# ---- What must be true.


def check_state(test, channel: Channel, model: Group):
    """The channel knows the calendar: each unit and night."""
    told = channel.told()
    for unit in channel.units:
        available = model.available(unit)
        expected = {str(night): available(night) for night in told_nights()}
        found = {night: told.get(unit, {}).get(night) for night in expected}
        wrong = {n: f"told {found[n]}, is {expected[n]}" for n in expected if found[n] != expected[n]}
        test.assertEqual(wrong, {}, f"{channel.group} {unit}: {len(wrong)} nights")


def check_history(test, channel: Channel, model: Remembering, posted: dict[str, float]):
    """No value that was never true, and each change told after it was made. `posted`: Unix seconds by event id."""
    history = channel.history()
    for unit in channel.units:
        for night, entries in history.get(unit, {}).items():
            true = model.ever.get((unit, date.fromisoformat(night)))
            values = {value for value, _ in true} if true else {model.units[unit]}
            never = [entry for entry in entries if entry["value"] not in values]
            test.assertEqual(never, [], f"{channel.group} {unit} {night}: true were {true}")
    window = set(told_nights())
    for (unit, night), changes in model.ever.items():
        if unit in channel.units and night in window:
            last = max(entry["at"] for entry in history[unit][str(night)])
            test.assertGreaterEqual(last, posted[changes[-1][1]], f"{channel.group} {unit} {night}: the last change")


def due(stack, within: float) -> list[str]:
    """What the timer has to send until so many seconds from now."""
    end = f"{int(time.time() + within):012}"
    items = [sk for shard in range(16) for sk in stack.items(f"due#{shard:02}")]
    return sorted(sk for sk in items if sk[:12] <= end)


def settle(stack, seconds: float = 60, within: float = 60):
    """Until nothing is left in the queues, nor due soon. The timer runs each second, as its schedule does each minute."""
    ticked, readings = 0.0, 0

    def settled():
        nonlocal ticked, readings
        stack.pump()
        if time.monotonic() - ticked >= 1:
            ticked = time.monotonic()
            stack.tick()
        readings = readings + 1 if stack.left() == 0 and stack.pump() == 0 and not due(stack, within) else 0
        return readings == 3

    harness.wait(settled, seconds, lambda: f"all to settle: {stack.left()} messages, due {due(stack, within)[:3]}; {stack.last_lines()}")


def rates(house: House, rate: str, version: int, unit: str, *ranges: dict) -> dict:
    return house.event("pms.rates.updated.v1", f"rate/{rate}", {"version": version, "unit": unit, "ranges": list(ranges)})


def utc(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC).timestamp()


def posted_at(events: list[dict]) -> dict[str, float]:
    """When each event was made first: it was posted after that."""
    found = {}
    for event in events:
        found.setdefault(event["id"], utc(event["time"]))
    return found

