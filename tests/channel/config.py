"""What can be set from outside, and what it is unless it is set."""

import base64
import copy

from nights import parse


class Invalid(ValueError):
    """Said to whoever set it."""


DEFAULTS = {
    "limits": {"availability": 10, "restrictions": 10},  # requests in a window, for each property
    "window_seconds": 60,
    "count_refused": False,  # a refused request takes a place in the window too
    "send_retry_after": False,  # Channex documents no header on its 429
    "body_limit": 10_000_000,  # bytes; above: 413
    "keys": None,  # None: any `user-api-key`; [KEY, ...]; or {KEY: [PROPERTY, ...] or None for all}
    "known": None,  # None: any; or {PROPERTY: {"room_types": [...], "rate_plans": [...]}}, a missing list: any
    "today": None,  # `YYYY-MM-DD`: nights before it get a warning; None: any night will do
    "minor_digits": 2,  # of the currency: "200.00" is 20000
    "webhooks": {},  # {NAME or "*": [SECRET, ...]}, secrets as `whsec_BASE64`
    "tolerance_seconds": 300,  # of a webhook's timestamp, either way
}
_LISTS = (list, tuple)


def _number(value) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0


def _count(value) -> bool:
    return isinstance(value, int) and _number(value)


def _strings(value) -> bool:
    return isinstance(value, _LISTS) and all(isinstance(one, str) and one for one in value)


def _keys(value) -> bool:
    if isinstance(value, dict):
        return all(props is None or _strings(props) for props in value.values())
    return value is None or _strings(value)


def _known(value) -> bool:
    def fine(things):
        return isinstance(things, dict) and things.keys() <= {"room_types", "rate_plans"} and all(map(_strings, things.values()))

    return value is None or isinstance(value, dict) and all(map(fine, value.values()))


def _webhooks(value) -> bool:
    if not isinstance(value, dict) or not all(map(_strings, value.values())):
        return False
    try:
        return all(base64.b64decode(one.removeprefix("whsec_"), validate=True) for secrets in value.values() for one in secrets)
    except ValueError:
        return False


CHECKS = {
    "limits": lambda v: isinstance(v, dict) and v.keys() <= DEFAULTS["limits"].keys() and all(map(_count, v.values())),
    "window_seconds": _number,
    "count_refused": lambda v: isinstance(v, bool),
    "send_retry_after": lambda v: isinstance(v, bool),
    "body_limit": _count,
    "keys": _keys,
    "known": _known,
    "today": lambda v: v is None or parse(v) is not None,
    "minor_digits": lambda v: _count(v) and v <= 4,
    "webhooks": _webhooks,
    "tolerance_seconds": _number,
}


class Config:
    """The settings as attributes."""

    def __init__(self, **settings):
        self.__dict__.update(copy.deepcopy(DEFAULTS))
        self.merge(settings)

    def merge(self, settings: dict):
        """Sets those named, all or none; `limits` merges by kind."""
        if not isinstance(settings, dict):
            raise Invalid("expected an object of settings")
        for name, value in settings.items():
            if name not in CHECKS:
                raise Invalid(f"no such setting: {name}; there are {', '.join(CHECKS)}")
            if not CHECKS[name](value):
                raise Invalid(f"{name}: not a value of the right form: {value!r}")
        for name, value in settings.items():
            setattr(self, name, self.limits | value if name == "limits" else copy.deepcopy(value))

    def as_dict(self) -> dict:
        return {name: getattr(self, name) for name in DEFAULTS}
