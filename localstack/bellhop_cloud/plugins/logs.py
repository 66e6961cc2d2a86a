"""What functions write, in CloudWatch Logs as on AWS: each line at its own time, also that of a process which was killed; and
FilterLogEvents that filters.

LocalStack 4.14.0 stores the lines of an invocation with one call each, all at one time, forgets those that come a moment after
the answer, and takes every line for one that matches. Here a thread stores what has gathered, so that no call waits."""

import collections
import json
import logging
import queue
import re
import threading
import time
from datetime import date
from typing import NamedTuple

from localstack.runtime import hooks

from bellhop_cloud.plugins import loaded

LOG = logging.getLogger(__name__)
GATHER_SECONDS = 0.2
MOST_AT_ONCE = 10_000  # events in one PutLogEvents
TERM = re.compile(r'"((?:[^"\\]|\\.)*)"|([\w.:#/@-]+)(?:\s+|$)')
FIELD = re.compile(r'\{\s*\$\.([\w.-]+)\s*=\s*(?:"([^"]*)"|(-?\d+(?:\.\d+)?))\s*\}')


class Place(NamedTuple):
    """A log stream."""

    account: str
    region: str
    group: str
    stream: str


def place_of(version, environment: str) -> Place:
    """Where an environment of this function version writes."""
    function, config = version.id, version.config
    group = (config.logging_config or {}).get("LogGroup") or f"/aws/lambda/{function.function_name}"
    stream = f"{date.today():%Y/%m/%d}/[{function.qualifier}]{environment}"
    return Place(function.account, function.region, group, stream)


class Shipper:
    """Gathers lines and stores them, on a thread of its own that starts with the first line."""

    def __init__(self, store):
        self._store = store
        self._lines: queue.SimpleQueue = queue.SimpleQueue()
        self._started = threading.Lock()
        self._thread = None

    def add(self, place: Place, line: str):
        if not line:  # CloudWatch takes none
            return
        self._lines.put((place, {"timestamp": int(time.time() * 1000), "message": line + "\n"}))
        if self._thread is None:
            with self._started:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, daemon=True, name="bellhop-logs")
                    self._thread.start()

    def ship(self):
        """Stores all that is there now."""
        gathered = collections.defaultdict(list)
        for _ in range(self._lines.qsize()):
            place, event = self._lines.get()
            gathered[place].append(event)
        for place, events in gathered.items():
            events.sort(key=lambda event: event["timestamp"])  # as PutLogEvents demands; threads may overtake each other
            for start in range(0, len(events), MOST_AT_ONCE):
                self._store(place, events[start : start + MOST_AT_ONCE])

    def _run(self):
        while True:
            time.sleep(GATHER_SECONDS)
            try:
                self.ship()
            except Exception:
                LOG.exception("log lines are lost")


def store(place: Place, events: list[dict]):
    from localstack.services.logs.models import get_moto_logs_backend

    backend = get_moto_logs_backend(place.account, place.region)
    if place.group not in backend.groups:
        backend.create_log_group(place.group, {})
    if place.stream not in backend.groups[place.group].streams:
        backend.create_log_stream(place.group, place.stream)
    backend.put_log_events(place.group, place.stream, events)


SHIPPER = Shipper(store)


class Unsupported(ValueError):
    """A pattern that AWS may understand, and this does not."""


def matcher(pattern: str):
    """Whether a line matches: terms, each of which it must hold, or `{ $.a.b = "c" }`, where `*` stands for any text. See "Filter pattern syntax", Amazon
    CloudWatch Logs User Guide."""
    pattern = pattern.strip()
    if field := FIELD.fullmatch(pattern):
        path, text, number = field.groups()
        if text is not None and "*" in text:
            wild = re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)
            return lambda line: isinstance(value := _at(line, path), str) and wild.fullmatch(value) is not None
        wanted = text if number is None else json.loads(number)
        return lambda line: _equal(_at(line, path), wanted)
    terms, position = [], 0
    while position < len(pattern):
        term = TERM.match(pattern, position)
        if not term or (term[2] or "").startswith("-"):  # without that term: not here
            raise Unsupported(f"{pattern}: the local cloud knows terms and {{ $.field = value }} only")
        terms.append(term[2] or re.sub(r"\\(.)", r"\1", term[1]))
        position = term.end() + len(pattern[term.end() :]) - len(pattern[term.end() :].lstrip())
    return lambda line: all(term in line for term in terms)


def _at(line: str, path: str):
    try:
        value = json.loads(line)
    except ValueError:
        return None
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _equal(value, wanted) -> bool:
    return type(value) is not bool and value == wanted


@hooks.on_infra_start()
def bellhop_logs():
    from localstack.services.lambda_.invocation.logs import LogHandler
    from localstack.services.logs import provider
    from moto.logs.exceptions import InvalidParameterException

    def get_pattern_matcher(pattern):
        try:
            matches = matcher(pattern)
        except Unsupported as error:
            raise InvalidParameterException(constraint=str(error), parameter="filterPattern", value=pattern) from error
        return lambda _pattern, event: matches(event["message"])

    provider.get_pattern_matcher = get_pattern_matcher
    LogHandler.start_subscriber = lambda self: None
    LogHandler.add_logs = lambda self, item: None
    loaded("bellhop_logs")
