"""What the tests use: a client, a clock that stands still, a fake channel for each test."""

import http.client
import json
import threading
import time
import unittest
import urllib.parse
from typing import NamedTuple

from server import FakeChannel
from webhook import sign

KEY = {"user-api-key": "key"}
SECRETS = ["whsec_" + "QUFB" * 10, "whsec_" + "QkJC" * 10]


class Reply(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


class Clock:
    def __init__(self, now: float = 1_800_000_000.0):
        self.now = now

    def __call__(self) -> float:
        return self.now


def wait(condition, what: str, seconds: float = 10):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.005)
    return value


def ask(url: str, method: str, path: str, body=None, headers=None, timeout: float = 20) -> Reply:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=timeout)
    try:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection.request(method, path, data, headers or {})
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


class Case(unittest.TestCase):
    settings = {}

    def setUp(self):
        self.clock = Clock()
        self.fake = FakeChannel(clock=self.clock, **self.settings).start()
        self.addCleanup(self.fake.stop)

    def ask(self, method: str, path: str, body=None, headers=None, **options) -> Reply:
        return ask(self.fake.url, method, path, body, headers, **options)

    def control(self, method: str, what: str, body=None):
        reply = self.ask(method, "/_control/" + what, body)
        self.assertEqual(reply.status, 200, reply.body)
        return reply.json

    def availability(self, *values, headers=KEY, **options) -> Reply:
        return self.ask("POST", "/api/v1/availability", {"values": list(values)}, headers, **options)

    def restrictions(self, *values, headers=KEY, **options) -> Reply:
        return self.ask("POST", "/api/v1/restrictions", {"values": list(values)}, headers, **options)

    def hook(self, name: str, body, message_id="msg_1", secrets=SECRETS[:1], age=0, path=None, **changed) -> Reply:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        timestamp = int(self.clock.now) - age
        headers = {
            "webhook-id": message_id, "webhook-timestamp": str(timestamp),
            "webhook-signature": " ".join(sign(secret, message_id, timestamp, data) for secret in secrets),
        } | {name.replace("_", "-"): value for name, value in changed.items()}  # fmt: skip
        return self.ask("POST", path or f"/hooks/{name}", data, {k: v for k, v in headers.items() if v is not None})

    def later(self, call, *arguments, **options) -> "Later":
        return Later(call, arguments, options)

    def leave(self, *values):
        """An availability request whose client leaves as soon as it has arrived."""
        count = len(self.fake.world.call_log()) + 1
        connection = http.client.HTTPConnection(urllib.parse.urlsplit(self.fake.url).netloc, timeout=20)
        connection.request("POST", "/api/v1/availability", json.dumps({"values": values}), KEY)
        self.wait_for_call(count)
        connection.close()

    def last_call(self) -> dict:
        return self.fake.world.call_log()[-1]

    def wait_for_call(self, count: int = 1) -> dict:
        """The newest of so many calls, as soon as it is there."""
        return wait(lambda: len(log := self.fake.world.call_log()) >= count and log[-1], "a call to arrive")


class Later(threading.Thread):
    """A call in a thread of its own; `result` waits for it."""

    def __init__(self, call, arguments, options):
        super().__init__(daemon=True)
        self._work, self._outcome = lambda: call(*arguments, **options), None
        self.start()

    def run(self):
        try:
            self._outcome = (self._work(), None)
        except Exception as problem:  # noqa: BLE001 - handed to who waits
            self._outcome = (None, problem)

    def result(self):
        self.join(20)
        if self._outcome is None:
            raise AssertionError("the call has not ended")
        value, problem = self._outcome
        if problem:
            raise problem
        return value


def room(prop="p", room_type="r", first="2027-01-01", last="2027-01-03", **more) -> dict:
    return {"property_id": prop, "room_type_id": room_type, "date_from": first, "date_to": last, "availability": 1} | more


def rate(prop="p", plan="x", first="2027-01-01", last="2027-01-03", **more) -> dict:
    return {"property_id": prop, "rate_plan_id": plan, "date_from": first, "date_to": last} | more
