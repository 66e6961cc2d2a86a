"""All the fake knows, and what becomes of a call: it arrives (is logged, takes its place in the window, meets a fault or
none) and is settled (takes effect and has an answer)."""

import base64
import json
import os
import threading
import time
import urllib.parse
from pathlib import Path
from typing import NamedTuple

import ari
import webhook
from ari import Answer, Ari
from calls import Calls
from config import Config
from faults import Faults
from feeds import Feed, Feeds
from limits import Windows
from webhook import Hooks

API = "/api/v1/"
_OFFSET = time.time() - time.monotonic()


def unix_time() -> float:
    """Unix seconds that never go backwards."""
    return _OFFSET + time.monotonic()


class Request(NamedTuple):
    method: str
    target: str
    headers: object  # a mapping, names in any case
    body: bytes | None  # None: above the limit
    size: int


class Visit:
    """A call that has arrived. `settle` takes its effect, once, and says what to answer."""

    def __init__(self, world, call: dict, fault, effect):
        self.world, self.call, self.fault = world, call, fault
        self.held = world.faults.hold()  # as of its arrival: who lets go now means this call too
        self._effect, self._answer = effect, None

    def settle(self) -> Answer:
        with self.world.lock:
            if self._answer is None:
                self._answer = self._effect()
                told = self._answer.body if isinstance(self._answer.body, dict) else {}
                self.call["warnings"] = len(told.get("meta", {}).get("warnings", ()))
                changed = told.get("data") != [] and not told.get("duplicate")
                self.call["kept"] = self.call["method"] == "POST" and self._answer.status == 200 and changed
            return self._answer

    def done(self, status: int | None):
        """Said before the answer leaves, so that whoever has it finds it in the log."""
        with self.world.lock:
            self.call |= {"status": status, "open": False}


class World:
    def __init__(self, clock=unix_time, **settings):
        self.clock, self.lock = clock, threading.RLock()
        self.config = Config(**settings)
        self.reset()

    def reset(self):
        """Forgets everything but the settings."""
        with self.lock:
            if hasattr(self, "faults"):
                self.faults.release()
            self.calls, self.faults, self.windows, self.feeds = Calls(), Faults(), Windows(), Feeds()
            self.ari, self.hooks = Ari(self.config), Hooks(self.config)

    # ---- Calls.

    def arrive(self, request: Request) -> Visit:
        url = urllib.parse.urlsplit(request.target)
        query = dict(urllib.parse.parse_qsl(url.query))
        head, _, name = url.path.lstrip("/").partition("/")
        with self.lock:
            if request.method == "POST" and url.path in (API + "availability", API + "restrictions"):
                return self._ari(request, url.path.removeprefix(API))
            if request.method == "GET" and url.path in (API + "availability", API + "restrictions"):
                return self._read(request, url.path.removeprefix(API), query)
            if request.method == "POST" and head == "hooks" and name:
                return self._hook(request, name)
            if request.method in ("GET", "HEAD") and head == "feeds" and name.endswith(".ics"):
                return self._feed(request, name.removesuffix(".ics"))
            route = "elsewhere" if head == "elsewhere" else "unknown"
            return self._visit(request, route, None, [], 0, lambda *_: Answer(404, {"error": "nothing here"}))

    def _visit(self, request: Request, route: str, name, properties, values: int, effect) -> Visit:
        now = self.clock()
        call = self.calls.add(now, request.method, route, name, properties, values, request.size)
        fault = self.faults.match([route, f"{route}/{name}"], properties, now)
        call["fault"] = fault and fault.kind
        return Visit(self, call, fault, lambda: effect(call["n"], now))

    def _ari(self, request: Request, kind: str) -> Visit:
        key = request.headers.get("user-api-key")
        values = ari.TOO_LARGE if request.body is None else ari.read(request.body)
        refusal = values if isinstance(values, Answer) else None
        values = [] if refusal else values
        if not self.ari.authorized(key):
            refusal = ari.UNAUTHORIZED
        properties, told_to = ari.properties(values), self.ari  # a call held over a reset tells no one any more

        def effect(call: int, at: float) -> Answer:
            return refusal or told_to.update(kind, key, values, call, self.clock())

        visit = self._visit(request, kind, None, properties, len(values), effect)
        if not refusal:  # a place is taken by arrival, whatever becomes of the call
            refusal = self._limit(kind, properties, visit.call["at"])
        return visit

    def _limit(self, kind: str, properties, now: float) -> Answer | None:
        config = self.config
        wait = self.windows.take(
            kind, properties, config.limits[kind], config.window_seconds, now, config.count_refused
        )
        if wait is None:
            return None
        headers = {"Retry-After": str(wait)} if config.send_retry_after else {}
        return ari.error(429, "http_too_many_requests", "Too Many Requests", headers=headers)

    def _read(self, request: Request, kind: str, query: dict) -> Visit:
        allowed = self.ari.authorized(request.headers.get("user-api-key"))
        properties = [query["filter[property_id]"]] if "filter[property_id]" in query else []
        return self._visit(
            request, f"{kind}.read", None, properties, 0,
            lambda *_: self.ari.get(kind, query) if allowed else ari.UNAUTHORIZED,
        )  # fmt: skip

    def _hook(self, request: Request, name: str) -> Visit:
        found = webhook.document(request.body or b"")
        part = webhook.availability(found or {})
        units = part.get("units", [part]) if part else []
        told = [unit.get("nights") for unit in units if isinstance(unit, dict)] if isinstance(units, list) else []
        nights = [night for each in told if isinstance(each, list) for night in each]
        checked = webhook.refused(413, "too large")
        if request.body is not None:
            checked = self.hooks.verify(name, request.headers, request.body, self.clock())
        if isinstance(checked, Answer) and checked.status != 404:
            self.hooks.of(name).refused += 1
        hooks = self.hooks

        def effect(call: int, at: float) -> Answer:
            if isinstance(checked, Answer):
                return checked
            return hooks.accept(name, request.headers["webhook-id"], checked, request.body, call, self.clock())

        return self._visit(request, "hooks", name, webhook.property_of(found), len(nights) or 1, effect)

    def _feed(self, request: Request, name: str) -> Visit:
        return self._visit(
            request, "feeds", name, [], 0, lambda *_: self.feeds.get(name, request.headers.get("if-none-match"))
        )

    # ---- What is known.

    def state(self) -> dict:
        """{availability: {property: {room type: {night: n}}}, restrictions: {property: {rate plan: {night: {field: value}}}},
        hooks: {NAME: {deliveries, duplicates, refused, units: {property: {unit: {night: n}}}}}, feeds: {NAME: {etag, bytes}}}"""
        with self.lock:
            told = {kind: told.last() for kind, told in self.ari.told.items()}
            hooks = {name: hook.as_dict() for name, hook in self.hooks.by_name.items()}
            return told | {"hooks": hooks, "feeds": self.feeds.as_dict()}

    def history(self, prop: str | None = None) -> dict:
        """As `state`, with every value told of a night in the place of the last one."""
        with self.lock:
            told = {kind: told.history(prop) for kind, told in self.ari.told.items()}
            return told | {"hooks": {name: hook.told.history(prop) for name, hook in self.hooks.by_name.items()}}

    def call_log(self, since: int = 0) -> list[dict]:
        """The calls after the one with that number."""
        with self.lock:
            return [dict(call) for call in self.calls.entries[since:]]

    def summary(self) -> dict:
        with self.lock:
            return self.calls.summary(self.config.window_seconds)

    # ---- Kept over a restart: everything but the settings and the faults.

    def save(self, path: str):
        with self.lock:
            hooks = {
                name: [list(hook.deliveries.values()), hook.duplicates, hook.refused, hook.told.dump()]
                for name, hook in self.hooks.by_name.items()
            }
            feeds = {n: [base64.b64encode(f.body).decode(), f.content_type] for n, f in self.feeds.by_name.items()}
            told = {kind: told.dump() for kind, told in self.ari.told.items()}
            text = json.dumps({"calls": self.calls.entries, "told": told, "hooks": hooks, "feeds": feeds})
        part = f"{path}.part"
        Path(part).write_text(text)
        os.replace(part, path)

    def load(self, path: str):
        if not Path(path).exists():
            return
        saved = json.loads(Path(path).read_text())
        with self.lock:
            self.calls.entries = saved["calls"]
            for kind, told in saved["told"].items():
                self.ari.told[kind].load(told)
            for name, (deliveries, duplicates, refused, told) in saved["hooks"].items():
                hook = self.hooks.of(name)
                hook.deliveries = {one["id"]: one for one in deliveries}
                hook.duplicates, hook.refused = duplicates, refused
                hook.told.load(told)
            for name, (body, content_type) in saved["feeds"].items():
                self.feeds.by_name[name] = Feed(base64.b64decode(body), content_type)
