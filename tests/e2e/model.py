"""The calendar once more, in plain Python and from the issue's words, not from the Rust: what a group's events, one
after another, must lead to."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import NamedTuple

from events import follow_up_id, trace

CLEANING = "bellhop.cleaning.requested.v1"


class FollowUp(NamedTuple):
    queue: str
    kind: str
    subject: str
    version: int
    detail: str


def nights(arrival: str, departure: str) -> list[date]:
    day, last = date.fromisoformat(arrival), date.fromisoformat(departure)
    return [day + timedelta(n) for n in range((last - day).days)]


class Group:
    def __init__(self):
        self.units: dict[str, int] = {}
        self.bookings: dict[str, dict] = {}
        self.blocks: dict[tuple[str, str], dict] = {}  # by unit and block
        self.follow_ups: dict[str, FollowUp] = {}  # by id
        self.traces: dict[str, str] = {}  # by id
        self.unplaced: list[tuple[str, str]] = []  # (event, booking) that a person must hear of
        self.cleanings: list[tuple[str, int]] = []  # (booking, version) whose stay moved, came or went
        self.notify: list[str] = []
        self.seen: set[str] = set()

    def apply(self, event: dict):
        """An event that comes to its turn. A duplicate or an older version changes nothing."""
        if event["id"] in self.seen:
            return
        self.seen.add(event["id"])
        if event["type"].startswith("pms.property"):
            return self._register(event)
        if event["type"].startswith("pms.unit"):
            return self._block(event)
        subject, data = event["subject"], event["data"]
        old = self.bookings.get(subject)
        if old and old["version"] >= data["version"]:
            return
        cancelled = event["type"] == "pms.booking.cancelled.v1"
        new = data | {"cancelled": cancelled, "placed": False, "told": False}
        new["placed"] = not cancelled and self._fits(subject, old, new)
        was, spot = self._spot(old), self._spot(new)
        told = bool(old and old["told"])
        new["told"] = (told or new["placed"]) and not cancelled
        self.bookings[subject] = new
        out = self._changed(was, spot) if was != spot else []
        former = " ".join(was) if was and was != spot else None
        stay = f"{new['unit']} {new['arrival']} {new['departure']}"
        detail = f"{event['type']} {'placed' if new['placed'] else 'not'} {stay}, {former}"
        out.append(("automation", "bellhop.booking.changed.v1", subject, detail))
        if was != spot:
            self.cleanings.append((subject, data["version"]))
            if CLEANING in self.notify:
                out.append(None)  # wrapped for whoever listens
        message = None
        if new["placed"]:
            message = "confirmation" if not told else "change" if was != spot else None
        elif cancelled and told:
            message = "cancellation"
        if message:
            out.append(("operational-guests", "bellhop.guest.message.requested.v1", subject, message))
        if not new["placed"] and not cancelled:
            self.unplaced.append((event["id"], subject))
        self._emit(event, data["version"], out)

    def _changed(self, was, spot) -> list:
        """Both (unit, from, until) or none: where availability changes, in one stretch if they touch."""
        ranges = [s for s in (was, spot) if s and s[1] < s[2]]
        if len(ranges) == 2 and was[0] == spot[0] and was[1] <= spot[2] and spot[1] <= was[2]:
            ranges = [(was[0], min(was[1], spot[1]), max(was[2], spot[2]))]
        name = "bellhop.availability.changed.v1"
        return [("synchronization", name, f"unit/{unit}", f"{first} {until}") for unit, first, until in ranges]

    def _block(self, event: dict):
        data, unit = event["data"], event["subject"].removeprefix("unit/")
        old = self.blocks.get((unit, data["block"]))
        if old and old["version"] >= data["version"]:
            return
        new = data | {"lifted": event["type"] == "pms.unit.unblocked.v1"}
        self.blocks[unit, data["block"]] = new
        was, spot = (b and not b["lifted"] and (unit, b["from"], b["until"]) or None for b in (old, new))
        self._emit(event, data["version"], self._changed(was, spot))

    def available(self, unit: str):
        """How many are for sale, as a function of the night."""
        blocks = [block for (of, _), block in self.blocks.items() if of == unit and not block["lifted"]]
        blocked = {night for block in blocks for night in nights(block["from"], block["until"])}
        capacity, sold = self.units.get(unit, 0), self.sold(unit)
        return lambda night: 0 if night in blocked else max(0, capacity - sold[night])

    def _register(self, event: dict):
        units = {unit["id"]: unit["capacity"] for unit in event["data"]["units"]}
        changed = sorted(u for u in self.units | units if self.units.get(u) != units.get(u))
        self.units, self.notify = units, event["data"].get("notify", [])
        first = date.fromisoformat(event["time"][:10])
        detail = f"{first} {first + timedelta(730)}"
        out = [("synchronization", "bellhop.availability.changed.v1", f"unit/{unit}", detail) for unit in changed]
        out.append(("automation", "bellhop.property.changed.v1", event["subject"], ""))
        self._emit(event, event["data"]["version"], out)

    def _emit(self, event: dict, version: int, out: list):
        for index, (queue, kind, subject, detail) in ((n, each) for n, each in enumerate(out) if each):
            self.follow_ups[follow_up_id(event, index)] = FollowUp(queue, kind, subject, version, detail)
            self.traces[follow_up_id(event, index)] = trace(event)

    def _spot(self, booking: dict | None):
        return booking and booking["placed"] and (booking["unit"], booking["arrival"], booking["departure"]) or None

    def _fits(self, subject: str, old: dict | None, new: dict) -> bool:
        if self._spot(old) == (new["unit"], new["arrival"], new["departure"]):
            return True  # a stay that stays, stays
        sold = self.sold(new["unit"], without=subject)
        return all(sold[night] < self.units[new["unit"]] for night in nights(new["arrival"], new["departure"]))

    def sold(self, unit: str, without: str | None = None) -> Counter:
        """Bookings by night."""
        taken = Counter()
        for subject, booking in self.bookings.items():
            if booking["placed"] and booking["unit"] == unit and subject != without:
                taken.update(nights(booking["arrival"], booking["departure"]))
        return taken

    def months(self) -> dict[str, dict]:
        """As the store keeps them; months without a stay are left out."""
        kept = defaultdict(lambda: {"s": {}, "n": {}})
        for subject, booking in self.bookings.items():
            if not booking["placed"]:
                continue
            by_month = defaultdict(list)
            for night in nights(booking["arrival"], booking["departure"]):
                by_month[f"{booking['unit']}/{night:%Y-%m}"].append(night.day)
            for month, days in by_month.items():
                if self.units[booking["unit"]] == 1:
                    kept[month]["s"][subject.removeprefix("booking/")] = 100 * days[0] + days[-1]
                else:
                    for day in days:
                        kept[month]["n"][f"{day:02}"] = kept[month]["n"].get(f"{day:02}", 0) + 1
        return dict(kept)


def seen_follow_up(queue: str, event: dict) -> FollowUp:
    """A follow-up as it was received, in the words of the model."""
    data = event["data"]
    match event["type"].split(".")[1]:
        case "availability":
            detail = f"{data['from']} {data['until']}"
        case "booking":
            former = " ".join(data["former"][name] for name in ("unit", "arrival", "departure")) if "former" in data else None
            stay = f"{data['unit']} {data['arrival']} {data['departure']}"
            detail = f"{data['cause']} {'placed' if data['placed'] else 'not'} {stay}, {former}"
        case "property":
            detail = ""
        case _:
            detail = data["message"]
    return FollowUp(queue, event["type"], event["subject"], data["version"], detail)


def check_group(test, stack, house, model: Group):
    """The stored calendar and everything that was sent on are the model's: nothing missing, nothing twice."""
    stored = {k: v for k, v in house.months(stack).items() if v["s"] or any(v["n"].values())}
    for month in stored.values():
        month["n"] = {night: count for night, count in month["n"].items() if count}
    test.assertEqual(stored, model.months(), house.group)
    for subject, expected in model.bookings.items():
        state = house.state(stack, subject.removeprefix("booking/")) or {}
        for field in ("version", "unit", "arrival", "departure"):
            test.assertEqual(state.get(field), expected[field], f"{house.group} {subject} {field}")
        test.assertEqual(bool(state.get("cancelled")), expected["cancelled"], f"{house.group} {subject}")
        test.assertEqual("placed" in state, expected["placed"], f"{house.group} {subject}")
    received, order = {}, defaultdict(list)
    for queue in ("synchronization", "automation", "operational-guests"):
        for message in stack.of_group(queue, house.group):
            event = message.event
            test.assertEqual(message.deduplication_id, event["id"])
            if event["type"] == "bellhop.webhook.requested.v1":
                continue  # what people are asked: checked below
            test.assertEqual(event["sequence"], f"{event['data']['version']:020}")
            if event["id"] in received:  # sent again after a crash, more than five minutes later: the same, at least
                test.assertEqual(received[event["id"]], seen_follow_up(queue, event))
                continue
            received[event["id"]] = seen_follow_up(queue, event)
            test.assertEqual(event["traceparent"].split("-")[1], model.traces.get(event["id"]), event)
            if event["subject"].startswith("booking/"):
                order[queue, event["subject"]].append(event["sequence"])
    wrong = {i: (received.get(i), expected) for i, expected in model.follow_ups.items() if received.get(i) != expected}
    test.assertEqual(wrong, {}, f"{house.group}: received and expected")
    test.assertEqual(received.keys() - model.follow_ups.keys(), set(), house.group)
    for key, sequences in order.items():
        test.assertEqual(sequences, sorted(sequences), f"{house.group} {key}")
    test.assertEqual(house.left_waiting(stack), [])
    check_reviews(test, stack, house)


def check_reviews(test, stack, house):
    """Whoever listens hears of each question to a person, and in the end that it is answered: there is none left here."""
    told, seen = defaultdict(list), set()
    for message in stack.of_group("synchronization", house.group):
        event = message.event
        if event["type"] == "bellhop.webhook.requested.v1" and event["id"] not in seen:
            seen.add(event["id"])
            data = event["data"]["data"]
            told[event["subject"], data["event"]].append((event["data"]["type"], data["version"]))
    failures = Counter((m.note["subject"], m.note["event"]) for m in stack.fallback(house.group) if m.note["reason"] != "booking-unplaced")
    expected = {
        key: [("bellhop.review.opened.v1", n) for n in range(1, count + 1)] + [("bellhop.review.closed.v1", count)]
        for key, count in failures.items()
    }
    test.assertEqual(dict(told), expected, house.group)
