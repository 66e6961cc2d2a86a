"""`/_control`: what a test orders and asks. JSON in and out; errors as 422 {"error": ...}.

    GET    state | history?property=P | calls?since=N | summary | config | faults
    PUT    config {setting: value} | faults [{kind, ...}] | feeds/NAME (any bytes)
    DELETE faults (and lets go what is held) | feeds/NAME
    POST   reset (all but the settings) | release (lets go what is held, keeps the faults)"""

import json
import urllib.parse

from ari import Answer
from config import Invalid

PREFIX = "/_control/"


def answer(world, method: str, target: str, headers, body: bytes) -> Answer:
    url = urllib.parse.urlsplit(target)
    query = dict(urllib.parse.parse_qsl(url.query))
    head, _, name = url.path.removeprefix(PREFIX).partition("/")
    try:
        with world.lock:
            if head == "feeds" and name:
                return _feed(world, method, name, headers, body)
            found = None if name else _answer(world, method, head, query, body)
    except (Invalid, ValueError) as problem:
        return Answer(422, {"error": str(problem)})
    return Answer(404, {"error": f"no {method} {url.path}"}) if found is None else Answer(200, found)


def _answer(world, method: str, what: str, query: dict, body: bytes):
    match method, what:
        case "GET", "state":
            return world.state()
        case "GET", "history":
            return world.history(query.get("property"))
        case "GET", "calls":
            return {"calls": world.call_log(int(query.get("since", 0)))}
        case "GET", "summary":
            return world.summary()
        case "GET", "config":
            return world.config.as_dict()
        case "PUT", "config":
            world.config.merge(json.loads(body))
            return world.config.as_dict()
        case "GET", "faults":
            return {"faults": world.faults.as_list()}
        case "PUT", "faults":
            world.faults.order(json.loads(body), world.clock())
            return {"faults": world.faults.as_list()}
        case "DELETE", "faults":
            world.faults.order([], world.clock())
            world.faults.release()
            return {}
        case "POST", "release":
            world.faults.release()
            return {}
        case "POST", "reset":
            world.reset()
            return {}
    return None


def _feed(world, method: str, name: str, headers, body: bytes) -> Answer:
    match method:
        case "PUT":
            world.feeds.put(name, body, headers.get("content-type"))
            return Answer(200, {"etag": world.feeds.by_name[name].etag})
        case "DELETE" if world.feeds.by_name.pop(name, None):
            return Answer(200, {})
    return Answer(404, {"error": "no such feed"})
