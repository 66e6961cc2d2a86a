"""Reads feeds with the PyPI package `icalendar` and compares the nights with ours: check.py FOLDER.

`NAME.json` says what our crate means (rendered-*) or has read (imported-*) of `NAME.ics`.
"""

import json
import re
import sys
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from icalendar import Calendar

FIRST, AGAIN = ["VERSION", "PRODID"], ["UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "SUMMARY"]


def nights(event, zone):
    """The nights [from, until) of an event as the other parser has read it, by the rule of shared/ical/src/import."""
    start = event.decoded("DTSTART")
    if "DTEND" in event:
        end = event.decoded("DTEND")
    elif "DURATION" in event:
        end = start + event.decoded("DURATION")
    else:
        end = start
    if isinstance(start, datetime):
        start, end = (at.replace(tzinfo=at.tzinfo or zone).astimezone(zone).date() for at in (start, end))
    return start, max(end, start + timedelta(days=1))


def busy(calendar, zone):
    for event in calendar.walk("VEVENT"):
        assert "RRULE" not in event, "no sample repeats"
        if str(event.get("STATUS", "")) != "CANCELLED" and str(event.get("TRANSP", "")) != "TRANSPARENT":
            start, end = nights(event, zone)
            yield start.isoformat(), end.isoformat(), str(event["UID"])


def check_form(raw):
    """What RFC 5545 (3.1, 3.6) asks of a text that we send."""
    assert raw.endswith(b"END:VCALENDAR\r\n"), "the end"
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw), "each line ends in CRLF"
    lines = raw.split(b"\r\n")[:-1]
    assert all(0 < len(line) <= 75 for line in lines), "no line above 75 octets, none empty"
    for line in lines:
        line.decode("utf-8")  # no fold inside a character
    names = [re.match(rb"[A-Z-]+", line).group().decode() for line in lines if not line.startswith(b" ")]
    for required in FIRST:
        assert names.count(required) == 1, f"{required} once"
    assert "METHOD" not in names and "RRULE" not in names
    events = names.count("BEGIN") - 1
    for required in AGAIN:
        assert names.count(required) == events, f"{required} in each event"


def check_rendered(raw, calendar):
    check_form(raw)
    assert not calendar.errors, calendar.errors
    uids = set()
    for event in calendar.walk("VEVENT"):
        assert not event.errors, event.errors
        assert str(event["SUMMARY"]) == "Not available" and "DESCRIPTION" not in event
        assert type(event.decoded("DTSTART")) is date and type(event.decoded("DTEND")) is date, "all-day"
        assert event.decoded("DTSTAMP").utcoffset() == timedelta(0), "DTSTAMP in UTC"
        assert event.decoded("SEQUENCE") >= 0
        assert "booking" not in str(event["UID"]).lower()
        uids.add(str(event["UID"]))
    assert len(uids) == len(calendar.walk("VEVENT")), "UIDs are unique"


def main(folder):
    feeds = 0
    for path in sorted(Path(folder).glob("*.ics")):
        expected = json.loads(path.with_suffix(".json").read_text())
        raw = path.read_bytes()
        try:
            calendar = Calendar.from_ical(raw.removeprefix(b"\xef\xbb\xbf"))
            if path.stem.startswith("rendered-"):
                check_rendered(raw, calendar)
            found = sorted(busy(calendar, ZoneInfo(expected["zone"])))
            ours = sorted(map(tuple, expected["ranges"]))
            assert found == ours, f"the other parser: {found}\nours: {ours}"
        except (AssertionError, ValueError) as wrong:
            sys.exit(f"{path.name}: {wrong}")
        feeds += 1
    if feeds < 20:
        sys.exit(f"only {feeds} feeds in {folder}")
    print(f"{feeds} feeds: the other parser and ours find the same nights")


main(*sys.argv[1:])
