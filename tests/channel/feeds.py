"""Feeds of other platforms: `GET /feeds/NAME.ics` serves what `PUT /_control/feeds/NAME` was given, byte for byte."""

import hashlib
from typing import NamedTuple

from ari import Answer


class Feed(NamedTuple):
    body: bytes
    content_type: str

    @property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:32]}"'


class Feeds:
    def __init__(self):
        self.by_name = {}

    def put(self, name: str, body: bytes, content_type: str | None):
        self.by_name[name] = Feed(body, content_type or "text/calendar; charset=utf-8")

    def get(self, name: str, if_none_match: str | None) -> Answer:
        if (feed := self.by_name.get(name)) is None:
            return Answer(404, {"error": "no such feed"})
        headers = {"ETag": feed.etag, "Content-Type": feed.content_type, "Cache-Control": "no-cache"}
        asked = [one.strip().removeprefix("W/") for one in (if_none_match or "").split(",")]
        if feed.etag in asked or "*" in asked:
            return Answer(304, None, headers)
        return Answer(200, feed.body, headers)

    def as_dict(self) -> dict:
        return {name: {"bytes": len(feed.body), "etag": feed.etag} for name, feed in self.by_name.items()}
