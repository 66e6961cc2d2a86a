"""Channels hear the calendar; those that cannot be told are a person's, with the channel's own words and no secret."""

import json
import unittest

import harness
import proxy
from channels import Ari, FakeChannel, Hook, Remembering, check_state, day, due, random_secret, rates, settle
from events import House

PRICE = {"amount": 12_000, "currency": "EUR"}


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.stack(
            "channels", channels=True, AttemptBudget=3, CallTimeoutSeconds=1, CircuitThreshold=3, CircuitCooldownSeconds=1
        )
        cls.texts = []

    def setUp(self):
        self.fake = FakeChannel(window_seconds=1, limits={"availability": 100, "restrictions": 100}).start()
        self.addCleanup(self.fake.stop)

    def house(self, name: str, **data) -> House:
        house = House(name, {"villa": 1, "rooms": 3})
        house.registration = house.registered(**data)
        house.send(self.stack, house.registration)
        return house

    def secret(self, house: House, name: str, text: str) -> str:
        self.texts.append(text)
        return self.stack.secret(f"bellhop/{house.tenant}/{name}", text)

    def ari(self, house: House, name: str = "ari", **more) -> Ari:
        return Ari(house, self.fake, name, self.secret(house, name, random_secret()), **more)

    def hook(self, house: House, name: str = "hook", keys: int = 1, **more) -> Hook:
        texts = [random_secret(webhook=True) for _ in range(keys)]
        found = Hook(house, self.fake, name, [self.secret(house, f"{name}-{n}", text) for n, text in enumerate(texts)], **more)
        return found.accepts(*texts)

    def one_review(self, channel) -> dict:
        """Of all that a person was told, there is nothing but this."""
        (note,) = channel.reviews(self.stack)
        return note

    def tearDown(self):
        """Wherever a secret could have gone."""
        pages = self.stack.dynamodb.get_paginator("scan")
        kept = "".join(
            json.dumps(page["Items"], default=repr)
            for table in (self.stack.table, self.stack.outputs["OperationsTableName"])
            for page in pages.paginate(TableName=table, ConsistentRead=True)
        )
        logs = "".join(log.text() for log in self.stack.logs.values())
        sent = "".join(m.body + json.dumps(m.note) for messages in self.stack.tapped.values() for m in messages)
        for text in self.texts:
            bare = text.removeprefix("whsec_")
            for where, found in (("table", kept), ("log", logs), ("message", sent)):
                self.assertNotIn(bare, found, f"a secret in a {where}")


class Channels(Case):
    def test_each_channel_knows_the_calendar(self):
        house = self.house("sync")
        plans = [("standard", "villa"), ("standard", "rooms"), ("sparse", "rooms")]
        channels = [
            self.ari(house, "one", rates=plans),
            self.hook(house, "pms", availability=True, rates=True),
            self.ari(house, "two", units=["rooms"]),
        ]
        # One of them before the property is known to the calendar, perhaps.
        for channel in channels:
            channel.register(self.stack)
        terms = [
            {"from": day(5), "until": day(20), "price": PRICE, "min_stay": 2},
            {"from": day(20), "until": day(40), "price": PRICE | {"amount": 9_900}, "max_stay": 14, "closed_to_arrival": True},
        ]
        told_rates = [
            rates(house, "standard", 1, "villa", *terms),
            rates(house, "standard", 1, "rooms", terms[0]),
            rates(house, "sparse", 1, "rooms", {"from": day(7), "until": day(8), "closed": True, "price": PRICE}),
            rates(house, "standard", 3, "villa", {"from": day(10), "until": day(12), "price": PRICE | {"amount": 20_000}}),
            rates(house, "standard", 2, "villa", {"from": day(11), "until": day(13), "price": PRICE | {"amount": 1}}),
        ]
        events = [
            house.booking("b1", unit="villa", arrival=day(10), departure=day(14)),
            house.booking("b2", unit="rooms", arrival=day(12), departure=day(15)),
            house.booking("b3", unit="rooms", arrival=day(13), departure=day(60)),
            house.block("k1", unit="villa", **{"from": day(30), "until": day(33)}),
            house.block("k2", unit="rooms", **{"from": day(14), "until": day(16)}),
            house.booking("b1", 2, "modified", unit="villa", arrival=day(12), departure=day(16)),
            house.booking("b2", 2, "cancelled", unit="rooms", arrival=day(12), departure=day(15)),
            house.block("k1", 2, unit="villa", lifted=True, **{"from": day(30), "until": day(33)}),
            house.booking("b4", unit="villa", arrival=day(495), departure=day(505)),
        ]
        house.send(self.stack, *told_rates, queue=harness.SYNCHRONIZATION)
        house.send(self.stack, *events)
        settle(self.stack)
        model = Remembering()
        for event in [house.registration, *events]:
            model.apply(event)
        for channel in channels:
            check_state(self, channel, model)
            self.assertEqual(channel.reviews(self.stack), [])
        self.check_rates(channels[0].told_rates(), channels[1].told_rates())
        # More rooms, and a whole state told again on request.
        house.registration = house.registered(2, {"villa": 1, "rooms": 5})
        house.send(self.stack, house.registration)
        model.apply(house.registration)
        settle(self.stack)
        before = len(channels[0].calls())
        channels[0].ask(self.stack, "everything")
        settle(self.stack)
        self.assertGreaterEqual(len(channels[0].calls()), before + 2, "availability and rates")
        for channel in channels:
            check_state(self, channel, model)
        self.assertEqual(self.fake.world.summary()["total"]["errors"], 0)

    def check_rates(self, ari: dict, hook: dict):
        villa = {day(n): (1, 12_000) for n in range(5, 20)} | {day(n): (1, 9_900) for n in range(20, 40)}
        villa |= {day(10): (3, 20_000), day(11): (3, 20_000), day(12): (2, 1)}
        theirs = {night: value["rate"] for night, value in ari["standard", "villa"].items()}
        self.assertEqual(theirs, {night: amount for night, (_, amount) in villa.items()})
        self.assertEqual({n: v["price"]["amount"] for n, v in hook["standard", "villa"].items()}, theirs)
        plain = {"min_stay_arrival": 1, "max_stay": 0, "closed_to_arrival": False, "closed_to_departure": False, "stop_sell": False}
        self.assertEqual(ari["standard", "villa"][day(10)], plain | {"rate": 20_000})
        self.assertEqual(ari["standard", "villa"][day(5)], plain | {"rate": 12_000, "min_stay_arrival": 2})
        self.assertEqual(ari["standard", "villa"][day(21)], plain | {"rate": 9_900, "max_stay": 14, "closed_to_arrival": True})
        self.assertEqual(ari["sparse", "rooms"], {day(7): plain | {"rate": 12_000, "stop_sell": True}})
        self.assertEqual(hook["sparse", "rooms"], {day(7): {"price": PRICE, "closed": True}})

    def test_unsafe_urls(self):
        house = self.house("unsafe")
        key = self.secret(house, "key", random_secret())
        urls = [
            "http://channel.example/api", "https://10.0.0.7/api", "https://169.254.169.254/latest/meta-data",
            "https://[::ffff:192.168.0.1]/", "https://user:pass@channel.example/", "https://2130706433.:22/", "ftp://channel.example/",
        ]  # fmt: skip
        channels = [Ari(house, self.fake, f"bad-{n}", key, url=url).register(self.stack) for n, url in enumerate(urls)]
        good = Ari(house, self.fake, "good", key).register(self.stack)
        settle(self.stack)
        for channel, url in zip(channels, urls):
            with self.subTest(url):
                note = self.one_review(channel)
                self.assertEqual((note["reason"], note["pointer"], note["attempts"]), ("unsafe-url", "/data/url", 0))
                self.assertEqual(channel.calls(), [])
                self.assertNotIn("user:pass", json.dumps(note))
        self.assertEqual(good.reviews(self.stack), [])
        self.assertTrue(good.told())

    def test_another_tenants_secret(self):
        house, victim = self.house("thief"), self.house("victim")
        theirs = self.secret(victim, "key", random_secret())
        channel = Ari(house, self.fake, "ari", theirs).register(self.stack)
        settle(self.stack)
        note = self.one_review(channel)
        self.assertEqual(note["pointer"], "/data/key", note)
        self.assertEqual(channel.calls(), [])

    def test_unauthorized(self):
        house = self.house("keys")
        wrong, right = random_secret(), random_secret()
        self.texts.append(right)
        channel = Ari(house, self.fake, "ari", self.secret(house, "ari", wrong))
        # It repeats the key to whoever asks with it.
        self.fake.fault({"kind": "status", "status": 401, "body": json.dumps({"errors": {"title": f"no such key: {wrong}"}})})
        channel.register(self.stack)
        settle(self.stack)
        note = self.one_review(channel)
        self.assertEqual(note["reason"], "channel-unauthorized")
        self.assertIn("no such key", note["found"])
        self.assertEqual(channel.disabled(self.stack), "channel-unauthorized")
        calls = len(channel.calls())
        self.assertLessEqual(calls, 2)
        events = [house.registration, house.booking("b1", unit="villa", arrival=day(10), departure=day(14))]
        house.send(self.stack, events[1])
        settle(self.stack)
        self.assertEqual(len(channel.calls()), calls, "a channel that is disabled is left alone")
        self.fake.fault()
        self.fake.world.config.merge({"keys": [right]})
        self.stack.secret(f"bellhop/{house.tenant}/ari", right)
        channel.ask(self.stack, "enable")
        settle(self.stack)
        model = Remembering()
        [model.apply(event) for event in events]
        check_state(self, channel, model)
        self.assertEqual(len(channel.reviews(self.stack)), 1)
        self.assertIsNone(channel.disabled(self.stack))

    def test_a_secret_that_is_not_there(self):
        house = self.house("nokey")
        channel = Ari(house, self.fake, "ari", f"secretsmanager:bellhop/{house.tenant}/none").register(self.stack)
        settle(self.stack)
        self.assertEqual(self.one_review(channel)["reason"], "secret-unavailable")
        self.assertEqual(channel.calls(), [])

    def test_gone(self):
        house = self.house("gone")
        channel = self.hook(house, availability=True)
        self.fake.fault({"kind": "status", "status": 410})
        channel.register(self.stack)
        settle(self.stack)
        self.assertEqual(self.one_review(channel)["reason"], "channel-gone")
        self.assertEqual(channel.disabled(self.stack), "channel-gone")
        house.send(self.stack, house.booking("b1", unit="villa", arrival=day(10), departure=day(14)))
        settle(self.stack)
        self.assertEqual(len(channel.calls()), 1)

    def test_a_refusal_is_told_and_later_changes_go_on(self):
        house = self.house("refused")
        channel = self.ari(house).register(self.stack)
        settle(self.stack)
        body = {"errors": {"code": "validation_error", "title": "Validation Error", "details": {"availability": ["is odd"]}}}
        self.fake.fault({"kind": "status", "status": 422, "times": 1, "body": json.dumps(body)})
        first = house.booking("b1", unit="villa", arrival=day(10), departure=day(14))
        house.send(self.stack, first)
        settle(self.stack)
        note = self.one_review(channel)
        self.assertEqual(note["reason"], "channel-refused")
        self.assertIn("422", note["found"])
        self.assertIn("is odd", note["found"])
        second = house.booking("b2", unit="villa", arrival=day(20), departure=day(24))
        house.send(self.stack, second)
        settle(self.stack)
        self.assertEqual(channel.told()["villa"][day(20)], 0, "what changed later is told")
        channel.ask(self.stack, "everything")
        settle(self.stack)
        model = Remembering()
        [model.apply(event) for event in (house.registration, first, second)]
        check_state(self, channel, model)
        self.assertEqual(len(channel.reviews(self.stack)), 1)

    def test_warnings_name_the_unit(self):
        house = self.house("warned")
        channel = self.ari(house)
        self.fake.world.config.merge({"known": {channel.remote: {"room_types": ["rt-villa"]}}})
        settle(self.stack)  # else it may be told twice, and refuse twice
        channel.register(self.stack)
        settle(self.stack)
        note = self.one_review(channel)
        self.assertEqual(note["reason"], "channel-refused")
        self.assertIn("rooms", note["found"])
        self.assertIn("does not exist", note["found"])
        self.assertEqual(set(channel.told()), {"villa"})

    def test_asked_to_wait(self):
        house = self.house("throttled")
        channel = self.ari(house).register(self.stack)
        settle(self.stack)
        before = len(channel.calls())
        self.fake.fault({"kind": "status", "status": 429, "retry_after": 3, "times": 1})
        event = house.booking("b1", unit="villa", arrival=day(10), departure=day(14))
        house.send(self.stack, event)
        settle(self.stack)
        refused, *later = channel.calls()[before:]
        self.assertEqual(refused["status"], 429)
        self.assertEqual([call["status"] for call in later], [200])
        self.assertGreaterEqual(later[0]["at"] - refused["at"], 3)
        self.assertEqual(channel.told()["villa"][day(10)], 0)
        self.assertEqual(channel.reviews(self.stack), [])

    def test_each_kind_of_failure_is_mended_by_telling_again(self):
        house = self.house("failing")
        channel = self.ari(house).register(self.stack)
        settle(self.stack)
        events = [house.registration]
        faults = [
            {"kind": "status", "status": 500}, {"kind": "hang", "delay": 5}, {"kind": "reset"}, {"kind": "half"},
            {"kind": "wrong-json"}, {"kind": "slow", "delay": 3, "when": "before"}, {"kind": "huge"}, {"kind": "gzip-bomb"},
        ]  # fmt: skip
        for n, fault in enumerate(faults):
            with self.subTest(fault["kind"]):
                self.fake.fault(fault | {"times": 1})
                before = len(channel.calls())
                events.append(house.booking(f"b{n}", unit="villa", arrival=day(10 + 3 * n), departure=day(12 + 3 * n)))
                house.send(self.stack, events[-1])
                settle(self.stack)
                faulty, *others = channel.calls()[before:]
                self.assertEqual(faulty["fault"], fault["kind"])
                self.assertTrue(others and others[-1]["status"] == 200, others)
                self.assertEqual(channel.told()["villa"][day(10 + 3 * n)], 0)
        self.fake.fault()
        model = Remembering()
        [model.apply(event) for event in events]
        check_state(self, channel, model)
        self.assertEqual(channel.reviews(self.stack), [])
        self.assertEqual(due(self.stack, 60), [])

    def test_a_call_that_cannot_be_remembered_is_made_again(self):
        """DynamoDB is down from the moment of the call: nobody knows that the channel was told, so it is told once more."""
        house = self.house("forgotten")
        channel = self.ari(house).register(self.stack)
        settle(self.stack)
        before = len(channel.calls())

        def down(request):
            return proxy.BROKEN if channel.group in request.body and len(channel.calls()) > before else None

        event = house.booking("b1", unit="villa", arrival=day(10), departure=day(14))
        with self.stack.rule(down) as broken:
            hits = broken.hits
            house.send(self.stack, event)
            harness.wait(lambda: broken.hits > hits + 3, 30, "the outage to be felt")
        settle(self.stack)
        model = Remembering()
        [model.apply(e) for e in (house.registration, event)]
        check_state(self, channel, model)
        self.assertEqual(len(channel.calls()), before + 2)
        self.assertEqual(channel.reviews(self.stack), [])
        attempts = {line["attempt"] for line in self.stack.lines("channel-sync", tenant=house.tenant)}
        self.assertEqual(attempts, {1}, "no attempt was spent")


class Hearing(Case):
    """The PMS as a subscriber."""

    def test_it_hears_what_happened_in_order(self):
        house = self.house("hears", notify=["bellhop.booking.unplaced.v1", "bellhop.cleaning.requested.v1"])
        everything = self.hook(house, "pms", keys=2, events=["*"]).register(self.stack)
        conflicts = self.hook(house, "desk", events=["bellhop.booking.unplaced.v1"]).register(self.stack)
        settle(self.stack)
        events = [house.booking("b1", unit="villa", arrival=day(10), departure=day(14))]
        for version in range(1, 6):
            arrival, departure = day(10 + version), day(20 + version)
            events.append(house.booking("b2", version, "modified", unit="villa", arrival=arrival, departure=departure))
        events.append(house.booking("b1", 2, "cancelled", unit="villa", arrival=day(10), departure=day(14)))
        house.send(self.stack, *events)
        settle(self.stack)
        model = Remembering()
        [model.apply(event) for event in [house.registration, *events]]
        for channel in (everything, conflicts):
            unplaced = [one["body"] for one in channel.deliveries("bellhop.booking.unplaced.v1")]
            self.assertEqual([e["data"]["version"] for e in unplaced], [1, 2, 3], "b2 is free of b1 from its version 4 on")
            self.assertEqual({e["subject"] for e in unplaced}, {"booking/b2"})
            self.assertEqual({tuple(e["data"]["taken_by"]) for e in unplaced}, {("b1",)})
        self.assertEqual(conflicts.deliveries(), conflicts.deliveries("bellhop.booking.unplaced.v1"))
        cleaning = [one["body"] for one in everything.deliveries("bellhop.cleaning.requested.v1")]
        self.assertEqual([(e["subject"], e["data"]["version"]) for e in cleaning],
                         [("booking/b1", 1), ("booking/b2", 4), ("booking/b2", 5), ("booking/b1", 2)])  # fmt: skip
        for one in everything.deliveries():
            self.assertEqual((one["secrets"], one["attempts"], one["differs"]), ([0, 1], 1, 0), "both keys sign")
            self.assertEqual(one["id"], one["body"]["id"])
            self.assertEqual((one["body"]["tenant"], one["body"]["property"]), (house.tenant, house.property))
        self.assertEqual(len(model.unplaced), 3)

    def test_it_hears_all_once_it_is_back(self):
        """While it does not answer, what it should hear waits outside of the queue, in order."""
        house = self.house("back", notify=["bellhop.cleaning.requested.v1"])
        channel = self.hook(house, "pms", events=["*"]).register(self.stack)
        settle(self.stack)
        self.fake.fault({"kind": "status", "status": 503})
        events = [
            house.booking(f"b{n}", version, "modified", unit="rooms", arrival=day(10 + version), departure=day(12 + version))
            for version in range(1, 5)
            for n in range(3)
        ]
        house.send(self.stack, *events)

        def drained():
            self.stack.pump()
            return self.stack.left() == 0 and len(channel.calls()) >= 3

        harness.wait(drained, 60, lambda: f"the queue to drain while the circuit is open: {self.stack.last_lines()}")
        self.assertEqual(channel.deliveries(), [])
        self.fake.fault()
        settle(self.stack)
        deliveries = channel.deliveries("bellhop.cleaning.requested.v1")
        heard = [(one["body"]["subject"], one["body"]["data"]["version"]) for one in deliveries]
        for n in range(3):
            self.assertEqual([v for s, v in heard if s == f"booking/b{n}"], [1, 2, 3, 4])
        self.assertEqual(len(heard), len(events))
        self.assertEqual([m for m in self.stack.tapped["fallback"] if m.group.startswith(house.group)], [])

