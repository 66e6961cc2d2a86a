"""Events as a PMS makes them, with nothing but json."""

import base64
import hashlib
import itertools
import json
import secrets
from datetime import UTC, datetime

_counter = itertools.count(1)


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def canonical(value) -> bytes:
    """RFC 8785 for what we send: ASCII keys, and numbers that are small integers."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(event: dict) -> str:
    return hashlib.sha256(canonical({k: event[k] for k in ("type", "subject", "data")})).hexdigest()


def short_hash(*parts: str) -> str:
    hasher = hashlib.sha256()
    for part in parts:
        hasher.update(len(part.encode()).to_bytes(8, "big") + part.encode())
    return base64.b32encode(hasher.digest()).decode().lower()[:26]


def trace(event: dict) -> str:
    """W3C Trace Context: the producer's, else one of the event's own."""
    if "traceparent" in event:
        return event["traceparent"].split("-")[1]
    return hashlib.sha256(f"{event['tenant']}#{event['property']}/{event['id']}".encode()).hexdigest()[:32]


def follow_up_id(cause: dict, index: int) -> str:
    group = f"{cause['tenant']}#{cause['property']}"
    return "f" + short_hash("calendar", group, cause["subject"], cause["id"], str(index))


class House:
    """A tenant's property of its own for a test, and the events about it."""

    def __init__(self, name: str, units: dict[str, int] | None = None):
        self.token = secrets.token_hex(3)
        self.tenant, self.property = f"t-{name}-{self.token}", f"p-{self.token}"
        self.units = units or {"u1": 1, "u2": 1, "u3": 1, "rooms": 3}

    @property
    def group(self) -> str:
        return f"{self.tenant}#{self.property}"

    def event(self, kind: str, subject: str, data: dict, **other) -> dict:
        return {
            "specversion": "1.0", "id": f"e{next(_counter)}-{self.token}", "source": "/pms/e2e",
            "type": kind, "subject": subject, "time": now(), "tenant": self.tenant, "property": self.property,
            "data": data,
        } | other  # fmt: skip

    def registered(self, version: int = 1, units: dict[str, int] | None = None, **data) -> dict:
        self.units = units or self.units
        return self.event("pms.property.upserted.v1", f"property/{self.property}", {
            "version": version, "time_zone": "Europe/Lisbon", "check_in": "15:00", "check_out": "11:00",
            "units": [{"id": unit, "capacity": capacity} for unit, capacity in self.units.items()],
        } | data)  # fmt: skip

    def booking(self, booking: str, version: int = 1, kind: str = "created", **data) -> dict:
        fields = {"version": version, "unit": "u1", "arrival": "2031-05-01", "departure": "2031-05-03"} | data
        return self.event(f"pms.booking.{kind}.v1", f"booking/{booking}", fields)

    def block(self, block: str, version: int = 1, unit: str = "u1", lifted: bool = False, **data) -> dict:
        fields = {"version": version, "block": block, "from": "2031-05-01", "until": "2031-05-03"} | data
        return self.event(f"pms.unit.{'unblocked' if lifted else 'blocked'}.v1", f"unit/{unit}", fields)

    def send(self, stack, *events: dict | str, group: str | None = None, queue: str | None = None) -> list[str]:
        bodies = [event if isinstance(event, str) else json.dumps(event) for event in events]
        return stack.send([(group or self.group, body) for body in bodies], *([queue] if queue else []))

    def register(self, stack):
        self.registration = self.registered()
        self.send(stack, self.registration)
        stack.drain()
        return self

    # What the calendar keeps of it.

    def item(self, stack, subject: str):
        return stack.items(self.group).get(f"calendar#{subject}")

    def state(self, stack, booking: str):
        from harness import plain

        item = self.item(stack, f"booking/{booking}")
        return item and "st" in item and plain(item["st"])["b"]

    def months(self, stack) -> dict[str, dict]:
        """By unit/YYYY-MM: `s` stays by booking (100 * first + last night), `n` counts by night."""
        from harness import plain

        found = {sk: item for sk, item in stack.items(self.group).items() if sk.startswith("calendar#nights/")}
        return {
            sk.removeprefix("calendar#nights/"): {name: {k: v for k, v in plain(item[name]).items()} for name in "sn"}
            for sk, item in found.items()
        }

    def left_waiting(self, stack) -> list[str]:
        """Holds, waits and parked events that are still there."""
        items = stack.items(self.group)
        lines = [sk for sk, item in items.items() if "hold" in item or "wait" in item]
        return lines + [sk for sk in items if sk.startswith(("calendar#parked/", "calendar#waiting/"))]


def again(event: dict) -> dict:
    """The same event sent again: only its time differs, so that SQS takes it."""
    return event | {"time": now()}
