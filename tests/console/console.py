"""The stack with a console that these tests share, its API over plain HTTP, and people to ask it."""

import http.client
import json
import secrets
from contextlib import closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import harness
from bellhop_cloud import settings
from bellhop_cloud.signing import Person, token
from events import House
from logs import Log

BAD = "stay-departure-before-arrival"
WAIT_SECONDS = 60


def stack() -> harness.Stack:
    return harness.stack("console", channels=True, guests=True, review=True, dashboard=True, AttemptBudget=3)


def base() -> str:
    return stack().outputs["ConsoleUrl"]


def log() -> str:
    """All that the console's function has written."""
    return Log(settings.RUN / "logs" / f"{stack().function('console')}.log").text()


def fresh(role: str, tenants: str = "", **claims) -> str:
    """A token of somebody who has asked for nothing yet, so that no test meets the limit on requests by another's."""
    return token(Person.of(role, tenants), **({"sub": f"test-{secrets.token_hex(6)}"} | claims))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return self.json["error"]["code"]


def call(path: str, bearer: str | None = None, body: dict | None = None, method: str | None = None, headers: dict | None = None) -> Answer:
    """One request, its path sent as it is written here."""
    address = urlsplit(base())
    sent = {"Authorization": f"Bearer {bearer}"} if bearer is not None else {}
    data = None
    if body is not None:
        data, sent["Content-Type"] = json.dumps(body).encode(), "application/json"
    method = method or ("GET" if body is None else "POST")
    with closing(http.client.HTTPConnection(address.hostname, address.port, timeout=30)) as connection:
        connection.request(method, address.path + path, data, sent | (headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, answer.headers, answer.read())


def stats(tenant: str) -> dict:
    answer = call(f"api/desks/{tenant}/review/stats", fresh("operator"))
    assert answer.status == 200, answer
    return answer.json


def items(tenant: str, count: int) -> list[dict]:
    """The tenant's open items, once there are so many."""
    harness.wait(lambda: stats(tenant)["open"] == count, WAIT_SECONDS, lambda: f"{count} items of {tenant}: {stats(tenant)}")
    return call(f"api/desks/{tenant}/review", fresh("operator")).json["items"]


def with_bad_booking(name: str) -> tuple[House, dict]:
    """A house with a booking that is good, and one that cannot be done and holds two more events up; and the item of that."""
    house = House(name).register(stack())
    house.send(
        stack(), house.booking("b0", unit="u2"), house.booking("b1", departure="2031-04-01"),
        house.booking("b1", 2, "modified", departure="2031-05-06"), house.booking("b1", 3, "modified", departure="2031-05-07"),
    )  # fmt: skip
    stack().drain(WAIT_SECONDS)
    [item] = items(house.tenant, 1)
    return house, item
