"""A sink for webhooks signed as Standard Webhooks (standard-webhooks/spec) says.

    POST /hooks/NAME   webhook-id, webhook-timestamp (Unix seconds), webhook-signature (`v1,BASE64`, several with a space)

HMAC-SHA256 over `ID.TIMESTAMP.BODY` with each of the secrets set for NAME: one match is enough. An availability document
is {"type", "property", "units": [{"unit", "nights": [{"from", "until", "available"}]}]}, `until` exclusive, or the same of
one unit, {"type", "property", "unit", "nights"}; at the top or in `data`."""

import base64
import hashlib
import hmac
import json

from ari import Answer
from nights import LONGEST, Told, each, parse


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """One signature, as `v1,BASE64`."""
    key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    content = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()


def refused(status: int, why: str) -> Answer:
    return Answer(status, {"error": why})


def document(body: bytes) -> dict | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def availability(found: dict) -> dict | None:
    """The part that tells of nights, if any does."""
    inner = found.get("data")
    return next((part for part in (found, inner) if isinstance(part, dict) and ("nights" in part or "units" in part)), None)


def property_of(found: dict | None) -> list[str]:
    for part in (found, (found or {}).get("data")):
        if isinstance(part, dict) and isinstance(part.get("property"), str):
            return [part["property"]]
    return []


class Hook:
    """What came in at one NAME. `deliveries`: each id once, in order: {id, at, attempts, secrets (the numbers of those that
    matched), body, differs (repeats of the id with another body)}."""

    def __init__(self):
        self.deliveries = {}
        self.duplicates = self.refused = 0
        self.told = Told()

    def as_dict(self) -> dict:
        return {
            "deliveries": list(self.deliveries.values()), "duplicates": self.duplicates, "refused": self.refused,
            "units": self.told.last(),
        }  # fmt: skip


class Hooks:
    def __init__(self, config):
        self.config = config
        self.by_name = {}

    def of(self, name: str) -> Hook:
        return self.by_name.setdefault(name, Hook())

    def verify(self, name: str, headers, body: bytes, now: float) -> list[int] | Answer:
        """The numbers of the secrets that signed it, or why it is refused."""
        secrets = self.config.webhooks.get(name, self.config.webhooks.get("*"))
        if secrets is None:
            return refused(404, "no such hook")
        message_id, timestamp = headers.get("webhook-id"), headers.get("webhook-timestamp", "")
        if not message_id or "." in message_id or not (timestamp.isascii() and timestamp.isdigit()):
            return refused(401, "webhook-id or webhook-timestamp missing or malformed")
        if abs(now - int(timestamp)) > self.config.tolerance_seconds:
            return refused(401, "webhook-timestamp out of tolerance")
        given = headers.get("webhook-signature", "").split()
        expected = [sign(secret, message_id, int(timestamp), body) for secret in secrets]
        matching = [n for n, one in enumerate(expected) if any(hmac.compare_digest(one, each) for each in map(_ascii, given))]
        return matching or refused(401, "no signature matches")

    def accept(self, name: str, message_id: str, matching: list[int], body: bytes, call: int, at: float) -> Answer:
        hook, found = self.of(name), document(body)
        if found is None:
            return refused(422, "body is not a JSON object")
        if known := hook.deliveries.get(message_id):
            hook.duplicates += 1
            known["attempts"] += 1
            known["differs"] += known["body"] != found
            return Answer(200, {"id": message_id, "duplicate": True})
        part = availability(found)
        ranges = part and _ranges(part)
        if part is not None and ranges is None:
            return refused(422, "not an availability document: property, units: [{unit, nights: [{from, until, available}]}]")
        hook.deliveries[message_id] = {
            "id": message_id, "at": at, "attempts": 1, "secrets": matching, "differs": 0, "body": found,
        }  # fmt: skip
        for unit, nights, available in ranges or []:
            hook.told.tell(part["property"], unit, nights, available, call, at)
        return Answer(200, {"id": message_id, "duplicate": False})


def _ascii(text: str) -> str:
    return text if text.isascii() else ""


def _ranges(part: dict) -> list | None:
    units = part["units"] if "units" in part else [part]
    if not isinstance(part.get("property"), str) or not isinstance(units, list) or not units:
        return None
    found = [_nights(unit) for unit in units]
    return None if None in found else [one for each_unit in found for one in each_unit]


def _nights(part) -> list | None:
    if not isinstance(part, dict) or not isinstance(part.get("unit"), str) or not isinstance(part.get("nights"), list):
        return None
    found = []
    for one in part["nights"]:
        if not isinstance(one, dict):
            return None
        first, until, available = parse(one.get("from")), parse(one.get("until")), one.get("available")
        if first is None or until is None or not 0 < (until - first).days <= LONGEST:
            return None
        if not isinstance(available, int) or available < 0:  # a count, or true and false
            return None
        found.append((part["unit"], each(first, until), available))
    return found
