"""Calendar feeds both ways: what another platform has sold blocks our nights, and ours can be fetched at a secret address."""

import json
import os
import subprocess
import unittest
import urllib.error
import urllib.request
from datetime import date, timedelta

import harness
from bellhop_cloud import settings
from channels import Ari, FakeChannel, Imports, Remembering, check_state, day, random_secret, settle
from events import House
from model import nights


def feed(*events: tuple) -> str:
    """(UID, first night, day of leaving), as platforms write it."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Elsewhere//EN"]
    for uid, first, until in events:
        start, end = (text.replace("-", "") for text in (first, until))
        lines += ["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", f"DTSTART;VALUE=DATE:{start}"]
        lines += [f"DTEND;VALUE=DATE:{end}", "SUMMARY:Reserved - Jane Guest", "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


def busy(text: str) -> set[str]:
    """The nights that a feed says are taken; read with as little as a platform needs."""
    taken, event = set(), {}
    for line in text.replace("\r\n ", "").split("\r\n"):
        name, _, value = line.partition(":")
        event[name.partition(";")[0]] = value
        if line == "END:VEVENT":
            taken |= {str(night) for night in nights(event["DTSTART"], event["DTEND"])}
    return taken


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.stack("feeds", channels=True, CallTimeoutSeconds=1, CircuitThreshold=3, CircuitCooldownSeconds=1)

    def setUp(self):
        self.fake = FakeChannel(window_seconds=1, limits={"availability": 100, "restrictions": 100}).start()
        self.addCleanup(self.fake.stop)
        self.house = House("feeds", {"villa": 1, "rooms": 3})
        self.house.registration = self.house.registered()
        self.house.send(self.stack, self.house.registration)

    def blocks(self, unit: str = "villa") -> dict[str, tuple]:
        """Those that stand: (from, until, source)."""
        item = self.house.item(self.stack, f"unit/{unit}")
        (found,) = harness.plain(item["st"]).values() if item else [{"blocks": {}}]
        return {k: (b["from"], b["until"], b["source"]) for k, b in found["blocks"].items() if not b.get("lifted")}

    def stays(self, unit: str = "villa") -> list[tuple]:
        return sorted(block[:2] for block in self.blocks(unit).values())

    def fetch(self, channel: Imports):
        channel.ask(self.stack, "poll")
        settle(self.stack)


class Imported(Case):
    def test_what_is_sold_elsewhere_is_blocked_here(self):
        channel = Imports(self.house, self.fake, "airbnb", ["villa", "rooms"])
        ari = Ari(self.house, self.fake, "ari", self.stack.secret(f"bellhop/{self.house.tenant}/ari", random_secret()))
        channel.serve("villa", feed(("one@elsewhere", day(10), day(13)), ("two@elsewhere", day(20), day(21))))
        channel.serve("rooms", feed())
        ari.register(self.stack)
        channel.register(self.stack)
        settle(self.stack)
        self.assertEqual(self.stays(), [(day(10), day(13)), (day(20), day(21))])
        self.assertEqual({source for _, _, source in self.blocks().values()}, {"feed"})
        self.assertEqual(self.blocks("rooms"), {})
        self.assertEqual([ari.told()["villa"][day(n)] for n in (9, 10, 12, 13, 20, 21)], [1, 0, 0, 1, 0, 1], "other channels hear of it")
        # The same again changes nothing; an event that moved moves its block; one that vanished frees its nights.
        before = self.blocks()
        self.fetch(channel)
        self.assertEqual(self.blocks(), before)
        channel.serve("villa", feed(("one@elsewhere", day(11), day(14))))
        self.fetch(channel)
        self.assertEqual(self.stays(), [(day(11), day(14))])
        self.assertLess(self.blocks().keys(), before.keys(), "the same block, at other nights")
        self.assertEqual([ari.told()["villa"][day(n)] for n in (10, 11, 13, 14, 20)], [1, 0, 0, 1, 1])
        self.assertEqual(channel.reviews(self.stack), [])
        self.assertNotIn("Jane", json.dumps([self.stack.items(g) for g in (self.house.group, channel.group)], default=repr))
        # A booking of ours on a blocked night is no conflict, and a block frees nobody's booking.
        self.house.send(self.stack, self.house.booking("b1", unit="villa", arrival=day(12), departure=day(16)))
        settle(self.stack)
        self.assertTrue(self.house.state(self.stack, "b1")["placed"])
        channel.serve("villa", feed())
        self.fetch(channel)
        self.assertEqual(self.blocks(), {})
        self.assertEqual([ari.told()["villa"][day(n)] for n in (11, 12, 15, 16)], [1, 0, 0, 1])
        # A feed that is registered no longer frees what it blocked.
        channel.serve("villa", feed(("three@elsewhere", day(30), day(33))))
        self.fetch(channel)
        self.assertEqual(self.stays(), [(day(30), day(33))])
        channel.units = ["rooms"]
        channel.register(self.stack, 2)
        settle(self.stack)
        self.assertEqual(self.blocks(), {})

    def test_a_broken_feed_changes_nothing_and_says_so_once(self):
        channel = Imports(self.house, self.fake, "vrbo", ["villa"])
        good = feed(("one@elsewhere", day(10), day(13)))
        channel.serve("villa", good)
        channel.register(self.stack)
        settle(self.stack)
        standing = self.blocks()
        self.assertEqual(len(standing), 1)
        broken = {
            "half": good[: len(good) // 2], "nothing": "", "a page": "<html>sign in</html>",
            "a rule": good.replace("SUMMARY:", "RRULE:FREQ=SECONDLY\r\nSUMMARY:"),
            "no date": good.replace("DTSTART;VALUE=DATE:", "DTSTART;VALUE=DATE:9999"),
        }  # fmt: skip
        for n, (name, body) in enumerate(broken.items()):
            with self.subTest(name):
                channel.serve("villa", body)
                self.fetch(channel)
                self.fetch(channel)
                self.assertEqual(self.blocks(), standing)
                notes = channel.reviews(self.stack)
                self.assertEqual([note["reason"] for note in notes], ["feed-broken"] * (n + 1), "once each time that it breaks")
                self.assertNotIn("Jane", json.dumps(notes))
                self.assertNotIn(channel.path("villa"), json.dumps(notes), "the address is a secret")
                channel.serve("villa", good)
                self.fetch(channel)
                self.assertEqual(self.blocks(), standing)
        faults = [
            {"kind": "status", "status": 404}, {"kind": "status", "status": 503}, {"kind": "reset"}, {"kind": "half"},
            {"kind": "gzip-bomb"}, {"kind": "huge"}, {"kind": "hang", "delay": 5}, {"kind": "redirect"},
        ]  # fmt: skip
        for n, fault in enumerate(faults):
            with self.subTest(fault["kind"]):
                self.fake.fault(fault | {"route": "feeds"})
                self.fetch(channel)
                self.fake.fault()
                self.assertEqual(self.blocks(), standing)
                self.assertEqual(len(channel.reviews(self.stack)), len(broken) + n + 1)
                self.fetch(channel)
        channel.serve("villa", feed())
        self.fetch(channel)
        self.assertEqual(self.blocks(), {})
        elsewhere = [call for call in self.fake.world.call_log() if call["route"] == "elsewhere"]
        self.assertEqual(elsewhere, [], "a redirect is not followed")

    def test_one_broken_feed_keeps_no_other_from_being_read(self):
        channel = Imports(self.house, self.fake, "two", ["villa", "rooms"])
        channel.serve("villa", "no calendar")
        channel.serve("rooms", feed(("one@elsewhere", day(10), day(13))))
        channel.register(self.stack)
        settle(self.stack)
        self.assertEqual(self.blocks(), {})
        self.assertEqual(self.stays("rooms"), [(day(10), day(13))])
        self.assertEqual([note["reason"] for note in channel.reviews(self.stack)], ["feed-broken"])


class Exported(Case):
    def command(self, *arguments: str) -> dict:
        command = [settings.ROOT / "target" / "debug" / "bellhop", "channel", *arguments, "--json"]
        environment = os.environ | settings.client_environment() | {"BELLHOP_PREFIX": self.stack.prefix}
        done = subprocess.run([*command, "--prefix", self.stack.prefix], env=environment, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def address(self, channel: str, unit: str = "villa") -> str:
        base = self.stack.outputs["FeedsUrl"]
        return self.command("feed", "create", *self.house.group.split("#"), channel, unit, "--base-url", base)["address"]

    def read(self, address: str, etag: str | None = None, method: str = "GET") -> tuple[int, dict, str]:
        headers = {"If-None-Match": etag} if etag else {}
        try:
            answer = urllib.request.urlopen(urllib.request.Request(address, headers=headers, method=method), timeout=20)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, {k.lower(): v for k, v in answer.headers.items()}, answer.read().decode()

    def test_our_nights_at_a_secret_address(self):
        Imports(self.house, self.fake, "booking-com").register(self.stack)
        events = [
            self.house.booking("b1", unit="villa", arrival=day(10), departure=day(13), guest={"name": "Jane Guest", "email": "jane@guest.example"}),
            self.house.booking("b2", unit="villa", arrival=day(13), departure=day(15)),
            self.house.block("k1", unit="villa", note="the owner's aunt", **{"from": day(40), "until": day(45)}),
        ]
        self.house.send(self.stack, *events)
        settle(self.stack)
        address = self.address("booking-com")
        status, headers, text = self.read(address)
        self.assertEqual((status, headers["content-type"]), (200, "text/calendar; charset=utf-8"))
        ours = {day(n) for n in [*range(10, 15), *range(40, 45)]}
        self.assertEqual(busy(text), ours)
        for secret in ("Jane", "jane", "aunt", "b1", "k1"):
            self.assertNotIn(secret, text)
        # Unchanged: the same text and tag; changed: another.
        self.assertEqual(self.read(address)[2], text)
        status, later, body = self.read(address, headers["etag"])
        self.assertEqual((status, later["etag"], body), (304, headers["etag"], ""))
        self.assertEqual(self.read(address, method="HEAD")[0], 200)
        self.assertEqual(self.read(address, method="POST")[0], 405)
        self.house.send(self.stack, self.house.booking("b2", 2, "cancelled", unit="villa", arrival=day(13), departure=day(15)))
        settle(self.stack)
        status, changed, text = self.read(address, headers["etag"])
        self.assertEqual((status, busy(text)), (200, ours - {day(13), day(14)}))
        self.assertNotEqual(changed["etag"], headers["etag"])
        # Nobody finds it by trying, a new one replaces it, and none works once it is revoked.
        self.assertEqual(self.read(address.replace(".ics", "x.ics"))[0], 404)
        self.assertEqual(self.read(f"{address[: address.rindex('/')]}/{'a' * 52}.ics")[0], 404)
        second = self.address("booking-com")
        self.assertEqual((self.read(address)[0], self.read(second)[0]), (404, 200))
        self.command("feed", "revoke", *self.house.group.split("#"), "booking-com", "villa")
        self.assertEqual(self.read(second)[0], 404)
        for token in (one.rsplit("/", 1)[1].removesuffix(".ics") for one in (address, second)):
            self.assertNotIn(token, "".join(log.text() for log in self.stack.logs.values()), "an address is a password")

    def test_our_own_nights_come_back_and_block_nothing(self):
        """A platform hands out what it was told, under our UIDs, under its own, or put together."""
        channel = Imports(self.house, self.fake, "airbnb", ["villa"])
        channel.serve("villa", feed())
        channel.register(self.stack)
        self.house.send(
            self.stack,
            self.house.booking("b1", unit="villa", arrival=day(10), departure=day(13)),
            self.house.booking("b2", unit="villa", arrival=day(13), departure=day(15)),
        )
        settle(self.stack)
        _, _, text = self.read(self.address("airbnb"))
        for name, body in {
            "as it is": text,
            "under other UIDs": feed(("x1@elsewhere", day(10), day(13)), ("x2@elsewhere", day(13), day(15))),
            "put together": feed(("x3@elsewhere", day(10), day(15))),
        }.items():
            with self.subTest(name):
                channel.serve("villa", body)
                self.fetch(channel)
                self.assertEqual(self.blocks(), {})
        # With one of theirs: that alone, and our feed for them does not hand it back.
        channel.serve("villa", feed(("x3@elsewhere", day(10), day(15)), ("theirs@elsewhere", day(20), day(22))))
        self.fetch(channel)
        self.assertEqual(self.stays(), [(day(20), day(22))])
        # Our booking is cancelled, and they still echo it: a while later it is known to be theirs, or gone.
        self.assertEqual(channel.reviews(self.stack), [])

    def test_two_platforms_do_not_keep_a_night_closed_for_each_other(self):
        """One has a night, which we tell the other, which echoes it: when the first lets go, it is free everywhere."""
        first, second = (Imports(self.house, self.fake, name, ["villa"]) for name in ("first", "second"))
        first.serve("villa", feed(("guest@first", day(10), day(13))))
        second.serve("villa", feed())
        for channel in (first, second):
            channel.register(self.stack)
        settle(self.stack)
        addresses = {channel: self.address(channel.name) for channel in (first, second)}
        theirs = {first: {("guest@first", day(10), day(13))}, second: set()}

        def turn():
            """Each platform fetches ours, and hands out its own and what it has from us; then we fetch theirs."""
            for channel in (first, second):
                taken = sorted(busy(self.read(addresses[channel])[2]))
                echoes = [(f"echo-{n}@{channel.name}", n, str(date.fromisoformat(n) + timedelta(1))) for n in taken]
                channel.serve("villa", feed(*theirs[channel], *echoes))
                self.fetch(channel)

        for _ in range(2):
            turn()
            self.assertEqual(self.stays(), [(day(10), day(13))])
        theirs[first] = set()
        for _ in range(4):
            turn()
        self.assertEqual(self.stays(), [], "nobody has it any more")
        model = Remembering()
        model.apply(self.house.registration)
        ari = Ari(self.house, self.fake, "ari", self.stack.secret(f"bellhop/{self.house.tenant}/ari", random_secret()))
        ari.register(self.stack)
        settle(self.stack)
        check_state(self, ari, model)
