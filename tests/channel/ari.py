"""Availability, rates and inventory in the shape that Channex documents (docs.channex.io: ari, rate-limits).

    POST /api/v1/availability  {"values": [{property_id, room_type_id, date | date_from + date_to, days?, availability}]}
    POST /api/v1/restrictions  {"values": [{property_id, rate_plan_id, date | date_from + date_to, days?, rate?, rates?,
                                min_stay_arrival?, min_stay_through?, min_stay?, max_stay?, closed_to_arrival?,
                                closed_to_departure?, stop_sell?}]}

`date_to` is the last night, inclusive. `rate` is an integer in minor units (20000) or a decimal string in major ones
("200.00"), never a float; it is kept in minor units. What is missing stays as it was; null is refused. Values are worked
in order, the last wins. A value with any fault is refused whole and named in `meta.warnings`; the others are kept, and the
answer is 200 all the same. `data` has a task if anything was kept."""

import json
import re
import uuid
from typing import NamedTuple

from nights import DAY, LONGEST, Told, each, parse

THINGS = {"availability": "room_type_id", "restrictions": "rate_plan_id"}
AT_LEAST = {"min_stay_arrival": 1, "min_stay_through": 1, "min_stay": 1, "max_stay": 0}
BOOLEANS = ("closed_to_arrival", "closed_to_departure", "stop_sell")
RESTRICTIONS = ("rate", "rates", *AT_LEAST, *BOOLEANS)
WEEK = ("mo", "tu", "we", "th", "fr", "sa", "su")
DECIMAL = re.compile(r"-?\d{1,12}(\.\d+)?", re.ASCII)
NULL = "Should be a non null value or not existed field"


class Answer(NamedTuple):
    status: int
    body: dict | bytes | None = None
    headers: dict = {}


def error(status: int, code: str, title: str, details=None, headers=None) -> Answer:
    errors = {"code": code, "title": title} | ({"details": details} if details else {})
    return Answer(status, {"errors": errors}, headers or {})


UNAUTHORIZED = error(401, "unauthorized", "Unauthorized")
TOO_LARGE = error(413, "payload_too_large", "Payload Too Large")  # the limit is documented, its answer is not


def malformed(**details) -> Answer:
    return error(422, "validation_error", "Validation Error", {name: [what] for name, what in details.items()})


def read(body: bytes) -> list[dict] | Answer:
    """The values of a request, or what is wrong with it as a whole."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return malformed(body="is not JSON")
    values = document.get("values") if isinstance(document, dict) else None
    if not isinstance(values, list) or not values:
        return malformed(values="can't be blank" if values is None or values == [] else "is invalid")
    if not all(isinstance(value, dict) for value in values):
        return malformed(values="is invalid")
    return values


def properties(values: list[dict]) -> list[str]:
    """Those named, each once, in order."""
    return list(dict.fromkeys(v["property_id"] for v in values if isinstance(v.get("property_id"), str)))


class Ari:
    def __init__(self, config):
        self.config = config
        self.told = {"availability": Told(), "restrictions": Told(merge=True)}

    # ---- Who may ask.

    def authorized(self, key: str | None) -> bool:
        return bool(key) and (self.config.keys is None or key in self.config.keys)

    def _owns(self, key: str, prop: str) -> bool:
        keys = self.config.keys
        return not isinstance(keys, dict) or keys[key] is None or prop in keys[key]

    # ---- What is told.

    def update(self, kind: str, key: str, values: list[dict], call: int, at: float) -> Answer:
        warnings, kept = [], 0
        for value in values:
            faults = {}
            nights, told = self._nights(value, faults), self._told(kind, value, faults)
            self._identify(kind, key, value, faults)
            if faults:
                warnings.append(value | {"warning": faults})
                continue
            self.told[kind].tell(value["property_id"], value[THINGS[kind]], nights, told, call, at)
            kept += 1
        data = [{"id": str(uuid.uuid4()), "type": "task"}] if kept else []
        return Answer(200, {"data": data, "meta": {"message": "Success", "warnings": warnings}})

    def _identify(self, kind: str, key: str, value: dict, faults: dict):
        for field in ("property_id", THINGS[kind]):
            if not isinstance(value.get(field), str) or not value[field]:
                faults[field] = ["can't be blank" if value.get(field) in (None, "") else "is invalid"]
        if faults.keys() & {"property_id", THINGS[kind]}:
            return
        prop, known = value["property_id"], self.config.known
        if not self._owns(key, prop) or known is not None and prop not in known:
            faults["property_id"] = ["does not exist"]
        elif known is not None:
            things = known[prop].get(THINGS[kind].replace("_id", "s"))
            if things is not None and value[THINGS[kind]] not in things:
                faults[THINGS[kind]] = ["does not exist"]

    def _nights(self, value: dict, faults: dict) -> list:
        fields = ("date",) if value.get("date") is not None else ("date_from", "date_to")
        ends = [parse(value.get(field)) for field in fields]
        for field, end in zip(fields, ends):
            if end is None:
                faults[field] = ["can't be blank" if value.get(field) is None else "is invalid"]
            elif self.config.today and end < parse(self.config.today):
                faults[field] = ["is in the past"]
        days = value.get("days", WEEK)
        if not isinstance(days, (list, tuple)) or not days or not all(day in WEEK for day in days):
            faults["days"] = ["is invalid"]
        if faults:
            return []
        if ends[0] > ends[-1] or (ends[-1] - ends[0]).days >= LONGEST:
            faults["date_to"] = ["is invalid"]
            return []
        return [night for night in each(ends[0], ends[-1] + DAY) if WEEK[night.weekday()] in days]

    def _told(self, kind: str, value: dict, faults: dict):
        if kind == "availability":
            return self._integer("availability", value.get("availability"), 0, faults)
        told = {}
        for field in RESTRICTIONS:
            if field not in value:
                continue
            given = value[field]
            if given is None:
                faults[field] = [NULL]
            elif field == "rate":
                told[field] = self._rate(field, given, faults)
            elif field == "rates":
                told[field] = self._rates(given, faults)
            elif field in AT_LEAST:
                told[field] = self._integer(field, given, AT_LEAST[field], faults)
            elif given in (0, 1) and isinstance(given, int):
                told[field] = bool(given)
            else:
                faults[field] = ["is invalid"]
        if not told and not faults:
            faults["restrictions"] = ["at least one should be present"]
        return told

    def _integer(self, field: str, given, least: int, faults: dict) -> int | None:
        if given is None:
            faults[field] = ["can't be blank"]
        elif not isinstance(given, int) or isinstance(given, bool):
            faults[field] = ["is invalid"]
        elif given < least:
            faults[field] = [f"must be greater than or equal to {least}"]
        return given

    def _rate(self, field: str, given, faults: dict) -> int | None:
        """In minor units."""
        if isinstance(given, str) and DECIMAL.fullmatch(given):
            whole, _, part = given.partition(".")
            if len(part) > self.config.minor_digits:
                faults[field] = ["is invalid"]
                return None
            given = int(whole + part.ljust(self.config.minor_digits, "0"))
        if not isinstance(given, int) or isinstance(given, bool):
            faults[field] = ["is invalid"]
        elif given <= 0:
            faults[field] = ["must be greater than 0"]
        return given

    def _rates(self, given, faults: dict) -> list:
        """Of a plan by occupancy: [{occupancy, rate}]."""
        found = []
        for one in given if isinstance(given, list) and given else [None]:
            if not isinstance(one, dict) or not isinstance(one.get("occupancy"), int):
                faults["rates"] = ["is invalid"]
                return []
            found.append({"occupancy": one["occupancy"], "rate": self._rate("rates", one.get("rate"), faults)})
        return found

    # ---- Read back: GET with filter[property_id], filter[date] or filter[date][gte] and [lte], filter[restrictions].

    def get(self, kind: str, query: dict) -> Answer:
        prop = query.get("filter[property_id]")
        first = query.get("filter[date]") or query.get("filter[date][gte]")
        last = query.get("filter[date]") or query.get("filter[date][lte]")
        wanted = [field for field in query.get("filter[restrictions]", "").split(",") if field]
        needed = {"property_id": prop, "date": first and last, "restrictions": wanted or kind == "availability"}
        if missing := [f"{name} is required" for name, given in needed.items() if not given]:
            return error(400, "bad_request", "Bad Request", missing)
        data = {}
        for thing, nights in self.told[kind].last().get(prop, {}).items():
            found = {night: value for night, value in nights.items() if first <= night <= last}
            if kind == "restrictions":
                found = {n: {k: self._shown(k, v) for k, v in value.items() if k in wanted} for n, value in found.items()}
            data[thing] = found
        return Answer(200, {"data": data})

    def _shown(self, field: str, value):
        """Rates are read as decimal strings, in major units."""
        if field != "rate":
            return value
        whole, part = divmod(value, 10**self.config.minor_digits)
        return f"{whole}.{part:0{self.config.minor_digits}d}" if self.config.minor_digits else str(whole)
