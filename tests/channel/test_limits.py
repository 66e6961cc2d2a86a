"""The window, to the second and to the call, also with eight clients at once."""

import unittest
from concurrent.futures import ThreadPoolExecutor

from client import KEY, Case, ask, rate, room
from limits import Windows, most_in_any
from server import FakeChannel


class Window(unittest.TestCase):
    def test_never_an_eleventh_in_any_sixty_seconds(self):
        windows, taken = Windows(), []
        for tick in range(0, 3000, 7):  # a call each 0.7 s, for 35 minutes
            now = 1_800_000_000 + tick / 10
            if windows.take("availability", ["p"], 10, 60, now) is None:
                taken.append(now)
        self.assertEqual(most_in_any(taken, 60), 10)
        self.assertGreaterEqual(len(taken), 10 * 5)

    def test_a_place_is_free_when_its_window_is_over(self):
        windows = Windows()
        self.assertIsNone(windows.take("a", ["p"], 1, 60, 100.0))
        self.assertEqual(windows.take("a", ["p"], 1, 60, 100.5), 60)
        self.assertEqual(windows.take("a", ["p"], 1, 60, 159.99), 1)
        self.assertIsNone(windows.take("a", ["p"], 1, 60, 160.0))
        self.assertEqual(windows.take("a", ["p"], 1, 60, 160.0), 60)

    def test_refused_calls_take_places_only_if_so_set(self):
        windows = Windows()
        for now in (0, 50):
            windows.take("a", ["p"], 1, 60, now, count_refused=True)
        self.assertEqual(windows.take("a", ["p"], 1, 60, 70), 40)

    def test_all_properties_or_none(self):
        windows = Windows()
        windows.take("a", ["p"], 1, 60, 0)
        self.assertEqual(windows.take("a", ["p", "q"], 1, 60, 10), 50)
        self.assertIsNone(windows.take("a", ["q"], 1, 60, 10))

    def test_nothing_is_allowed(self):
        self.assertEqual(Windows().take("a", ["p"], 0, 60, 0), 60)

    def test_most_in_any(self):
        self.assertEqual(most_in_any([], 60), 0)
        self.assertEqual(most_in_any([0, 59, 60, 61, 118.9, 119], 60), 4)


class Limits(Case):
    def test_by_kind_and_property(self):
        for _ in range(10):
            self.assertEqual(self.availability(room()).status, 200)
        reply = self.availability(room(availability=9))
        self.assertEqual(reply.status, 429)
        self.assertEqual(reply.json, {"errors": {"code": "http_too_many_requests", "title": "Too Many Requests"}})
        self.assertNotIn("Retry-After", reply.headers)
        self.assertEqual(self.fake.world.state()["availability"]["p"]["r"]["2027-01-01"], 1)
        self.assertEqual(self.restrictions(rate(rate=1)).status, 200)
        self.assertEqual(self.availability(room(prop="q")).status, 200)
        self.clock.now += 59.999
        self.assertEqual(self.availability(room()).status, 429)
        self.clock.now += 0.002
        self.assertEqual(self.availability(room()).status, 200)
        row = self.fake.world.summary()["by_property"]["p"]
        self.assertEqual((row["rate_limited"], row["errors"]), (2, 0))
        self.assertEqual(row["max_in_window"], {"availability": 12, "restrictions": 1})

    def test_refusals_before_the_window_take_no_place(self):
        self.control("PUT", "config", {"limits": {"availability": 1}, "window_seconds": 5, "send_retry_after": True})
        self.assertEqual(self.availability(room(), headers={}).status, 401)
        self.assertEqual(self.availability().status, 422)
        self.assertEqual(self.availability(room(availability=-1)).status, 200)  # warnings do
        self.clock.now += 1.5
        reply = self.availability(room())
        self.assertEqual((reply.status, reply.headers["Retry-After"]), (429, "4"))

    def test_a_fault_takes_a_place(self):
        self.control("PUT", "config", {"limits": {"availability": 1}})
        self.control("PUT", "faults", [{"kind": "status", "times": 1}])
        self.assertEqual([self.availability(room()).status for _ in range(2)], [500, 429])


class AtOnce(unittest.TestCase):
    def test_eight_clients_on_the_limit(self):
        with FakeChannel() as fake, ThreadPoolExecutor(8) as pool:
            def call(n: int) -> int:
                body = {"values": [room(f"p{n % 4}", availability=n)]}
                return ask(fake.url, "POST", "/api/v1/availability", body, KEY).status

            statuses = list(pool.map(call, range(400)))
            summary = fake.world.summary()
            log = fake.world.call_log()
        self.assertEqual((statuses.count(200), statuses.count(429)), (40, 360))
        self.assertEqual([row["kept"] for row in summary["by_property"].values()], [10] * 4)
        self.assertEqual([row["max_in_window"] for row in summary["by_property"].values()], [{"availability": 100}] * 4)
        self.assertEqual([call["n"] for call in log], list(range(1, 401)))
        self.assertEqual(sorted(call["at"] for call in log), [call["at"] for call in log])
        self.assertLess(log[-1]["at"] - log[0]["at"], 4)  # a hundred a second and more


if __name__ == "__main__":
    unittest.main()
