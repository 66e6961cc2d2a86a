"""Each fault, on each side of the effect, for so many calls or so long, on one route or property."""

import gzip
import http.client
import json
import unittest
import zlib

from client import SECRETS, Case, room, wait

LOST = (http.client.RemoteDisconnected, ConnectionResetError)


class Faults(Case):
    settings = {"webhooks": {"a": SECRETS}}

    def order(self, *faults):
        return self.control("PUT", "faults", list(faults))["faults"]

    def kept(self) -> bool:
        return "p" in self.fake.world.state()["availability"]

    def both_sides(self, fault: dict, call):
        """With the fault before and after the effect: `call` is made, and then the state is or is not there."""
        for when in ("before", "after"):
            with self.subTest(when=when):
                self.fake.world.reset()
                self.order(fault | {"when": when, "times": 1})
                call()
                self.assertEqual(self.kept(), when == "after")
                entry = self.last_call()
                self.assertEqual((entry["fault"], entry["kept"]), (fault["kind"], when == "after"))
                self.assertEqual(self.fake.world.summary()["total"]["faulted"], 1)
                self.assertEqual(self.availability(room(prop="next")).json["meta"]["message"], "Success")

    # ---- Kinds.

    def test_status(self):
        def call():
            reply = self.availability(room())
            self.assertEqual((reply.status, reply.headers["Retry-After"], reply.body), (503, "7", b"busy"))

        self.both_sides({"kind": "status", "status": 503, "retry_after": 7, "body": "busy"}, call)
        self.assertEqual(self.fake.world.summary()["total"]["errors"], 1)
        self.order({"kind": "status", "status": 429, "retry_after": "Wed, 01 Jan 2027 00:00:00 GMT"})
        self.assertEqual(self.availability(room()).headers["Retry-After"], "Wed, 01 Jan 2027 00:00:00 GMT")
        self.assertEqual(self.fake.world.summary()["total"]["rate_limited"], 1)
        self.order({"kind": "status"})
        reply = self.availability(room())
        self.assertEqual((reply.status, reply.json["errors"]["code"], reply.headers["Retry-After"]), (500, "fault", None))

    def test_hang_until_the_client_leaves(self):
        def call():
            self.leave(room())
            wait(lambda: not self.last_call()["open"], "the fake to see that the client has left")
            self.assertIsNone(self.last_call()["status"])

        self.both_sides({"kind": "hang"}, call)

    def test_hang_until_let_go(self):
        for how in (("POST", "release"), ("DELETE", "faults"), ("POST", "reset")):
            with self.subTest(how=how):
                self.fake.world.reset()
                self.order({"kind": "hang"})
                hanging = self.later(self.availability, room())
                self.assertTrue(self.wait_for_call()["open"])
                self.control(*how)
                with self.assertRaises(LOST):
                    hanging.result()

    def test_reset(self):
        def call():
            with self.assertRaises(ConnectionResetError):
                self.availability(room())
            self.assertIsNone(self.last_call()["status"])

        self.both_sides({"kind": "reset"}, call)

    def test_half(self):
        def call():
            with self.assertRaises(http.client.IncompleteRead) as caught:
                self.availability(room())
            self.assertTrue(caught.exception.partial.startswith(b'{"data": [{"id"'))

        self.both_sides({"kind": "half"}, call)

    def test_wrong_json(self):
        def call():
            reply = self.availability(room())
            self.assertEqual((reply.status, reply.headers["Content-Type"][:16]), (200, "application/json"))
            with self.assertRaises(ValueError):
                json.loads(reply.body)

        self.both_sides({"kind": "wrong-json"}, call)
        self.order({"kind": "wrong-json", "body": '{"data":7}'})
        self.assertEqual(self.availability(room()).json, {"data": 7})
        self.assertEqual(self.fake.world.summary()["total"]["errors"], 2)

    def test_slow_is_kept_at_once_or_late(self):
        for when in ("before", "after"):
            with self.subTest(when=when):
                self.fake.world.reset()
                self.order({"kind": "slow", "when": when})
                slow = self.later(self.availability, room())
                self.wait_for_call()
                if when == "after":
                    wait(self.kept, "the effect of the slow call")
                self.assertEqual(self.kept(), when == "after")
                self.assertTrue(self.last_call()["open"])
                self.control("POST", "release")
                self.assertEqual(slow.result().status, 200)
                self.assertTrue(self.kept())
                self.assertEqual(self.fake.world.summary()["total"]["errors"], 0)

    def test_an_effect_that_comes_after_the_client_gave_up(self):
        self.order({"kind": "slow", "when": "before", "times": 1})
        self.leave(room(availability=1))
        self.assertEqual(self.availability(room(availability=2)).status, 200)
        self.control("POST", "release")
        told = wait(lambda: len(t := self.values_told()) == 2 and t, "the late effect")
        self.assertEqual(told, [2, 1])

    def test_what_is_held_over_a_reset_is_forgotten(self):
        self.order({"kind": "slow", "when": "before"})
        slow = self.later(self.availability, room())
        self.wait_for_call()
        self.control("POST", "reset")
        self.assertEqual(slow.result().status, 200)
        self.assertFalse(self.kept())

    def values_told(self) -> list:
        history = self.fake.world.history("p")["availability"]
        return [entry["value"] for entry in history["p"]["r"]["2027-01-01"]]

    def test_slow_drips(self):
        self.order({"kind": "slow", "drip": True, "delay": 0.05})
        self.assertEqual(self.availability(room()).json["meta"]["message"], "Success")
        self.order({"kind": "slow", "drip": True, "delay": 3600})
        connection = http.client.HTTPConnection(self.fake.url.removeprefix("http://"), timeout=20)
        self.addCleanup(connection.close)
        connection.request("GET", "/elsewhere")
        answer = connection.getresponse()  # the head is there at once
        self.assertEqual((answer.status, self.last_call()["open"]), (404, False))
        self.control("POST", "release")
        self.assertEqual(json.loads(answer.read()), {"error": "nothing here"})

    def test_redirect(self):
        def call():
            reply = self.availability(room())
            self.assertEqual((reply.status, reply.headers["Location"]), (302, "/elsewhere"))

        self.both_sides({"kind": "redirect"}, call)
        self.order({"kind": "redirect", "status": 308, "location": "http://127.0.0.1:1/x"})
        reply = self.availability(room())
        self.assertEqual((reply.status, reply.headers["Location"]), (308, "http://127.0.0.1:1/x"))

    def test_huge(self):
        def call():
            reply = self.availability(room())
            self.assertEqual((reply.status, len(reply.body), reply.json), (200, 300_000, []))
            self.assertNotIn("Content-Length", reply.headers)

        self.both_sides({"kind": "huge", "bytes": 300_000}, call)

    def test_gzip_bomb(self):
        size = (3 << 20) + 77

        def call():
            reply = self.availability(room())
            self.assertEqual(reply.headers["Content-Encoding"], "gzip")
            self.assertLess(len(reply.body), 10_000)
            unpacked = gzip.decompress(reply.body)
            self.assertEqual((len(unpacked), json.loads(unpacked)), (size, []))
            self.assertEqual(len(zlib.decompress(reply.body, 31)), size)  # one member

        self.both_sides({"kind": "gzip-bomb", "bytes": size}, call)

    # ---- Which calls, how many, how long.

    def test_the_next_so_many(self):
        self.order({"kind": "status", "times": 2})
        self.assertEqual([self.availability(room()).status for _ in range(3)], [500, 500, 200])
        self.assertEqual(self.control("GET", "faults")["faults"][0]["hits"], 2)

    def test_for_so_long(self):
        self.order({"kind": "status", "seconds": 600})
        statuses = []
        for _ in range(3):
            statuses.append(self.availability(room()).status)
            self.clock.now += 300
        self.assertEqual(statuses, [500, 500, 200])

    def test_of_one_property(self):
        self.order({"kind": "status", "property": "q"})
        calls = [[room()], [room(prop="q")], [room(), room(prop="q")]]
        self.assertEqual([self.availability(*values).status for values in calls], [200, 500, 500])

    def test_of_one_route(self):
        self.control("PUT", "feeds/x", b"X")
        self.control("PUT", "feeds/y", b"Y")

        def statuses():
            return [
                self.availability(room()).status, self.hook("a", {"type": "t"}).status,
                self.ask("GET", "/feeds/x.ics").status, self.ask("GET", "/feeds/y.ics").status,
            ]  # fmt: skip

        expected = {
            "*": [500, 500, 500, 500], "availability": [500, 200, 200, 200], "hooks": [200, 500, 200, 200],
            "hooks/a": [200, 500, 200, 200], "hooks/b": [200] * 4, "feeds": [200, 200, 500, 500],
            "feeds/y": [200, 200, 200, 500], "restrictions": [200] * 4,
        }  # fmt: skip
        for route, found in expected.items():
            with self.subTest(route=route):
                self.order({"kind": "status", "route": route})
                self.clock.now += 60
                self.assertEqual(statuses(), found)

    def test_hooks_and_feeds_break_too(self):
        self.control("PUT", "feeds/x", b"BEGIN:VCALENDAR")
        self.order({"kind": "half", "route": "feeds/x"}, {"kind": "reset", "when": "after", "route": "hooks/a"})
        with self.assertRaises(http.client.IncompleteRead) as caught:
            self.ask("GET", "/feeds/x.ics")
        self.assertEqual(caught.exception.partial, b"BEGIN:V")
        for _ in range(2):
            with self.assertRaises(ConnectionResetError):
                self.hook("a", {"type": "t"})
        state = self.fake.world.state()["hooks"]["a"]
        self.assertEqual((len(state["deliveries"]), state["duplicates"]), (1, 1))

    def test_the_first_that_meets(self):
        self.order({"kind": "status", "status": 502, "times": 1}, {"kind": "status", "status": 503, "times": 1})
        self.assertEqual([self.availability(room()).status for _ in range(3)], [502, 503, 200])

    def test_cleared(self):
        self.order({"kind": "status"})
        self.control("DELETE", "faults")
        self.assertEqual(self.availability(room()).status, 200)
        self.fake.fault({"kind": "status"})
        self.assertEqual(self.availability(room()).status, 500)
        self.fake.fault()
        self.assertEqual(self.availability(room()).status, 200)

    def test_refused_calls_have_no_effect_whatever_the_fault(self):
        self.order({"kind": "reset", "when": "after"})
        with self.assertRaises(ConnectionResetError):
            self.availability(room(), headers={})
        self.assertFalse(self.kept())

    def test_what_is_no_fault(self):
        for fault in (
            {}, {"kind": "flood"}, {"kind": "hang", "route": "rooms"}, {"kind": "hang", "when": "later"}, 1,
            {"kind": "status", "status": "500"}, {"kind": "hang", "times": 0}, {"kind": "hang", "speed": 1},
        ):  # fmt: skip
            with self.subTest(fault=fault):
                self.assertEqual(self.ask("PUT", "/_control/faults", [fault]).status, 422)
        self.assertEqual(self.ask("PUT", "/_control/faults", {"kind": "hang"}).status, 422)


if __name__ == "__main__":
    unittest.main()
