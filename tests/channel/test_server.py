"""Every route, what it keeps and what it refuses; the control API; the program as it is run."""

import json
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from client import KEY, SECRETS, Case, ask, rate, room
from server import FakeChannel
from webhook import sign

HERE = Path(__file__).resolve().parent


class Availability(Case):
    def test_date_to_is_the_last_night(self):
        reply = self.availability(room(availability=2), room(date="2027-01-05", date_from=None, availability=0))
        self.assertEqual(reply.status, 200)
        self.assertEqual([task["type"] for task in reply.json["data"]], ["task"])
        self.assertEqual(reply.json["meta"], {"message": "Success", "warnings": []})
        nights = {"2027-01-01": 2, "2027-01-02": 2, "2027-01-03": 2, "2027-01-05": 0}
        self.assertEqual(self.control("GET", "state")["availability"], {"p": {"r": nights}})

    def test_the_last_value_wins_and_all_are_remembered(self):
        self.availability(room(availability=2), room(last="2027-01-02", availability=1))
        self.clock.now += 7
        self.availability(room(availability=5))
        told = self.control("GET", "history?property=p")["availability"]["p"]["r"]
        self.assertEqual([e["value"] for e in told["2027-01-01"]], [2, 1, 5])
        self.assertEqual([e["value"] for e in told["2027-01-03"]], [2, 5])
        self.assertEqual([e["call"] for e in told["2027-01-01"]], [1, 1, 2])
        self.assertEqual(told["2027-01-03"][1]["at"] - told["2027-01-03"][0]["at"], 7)
        self.assertEqual(self.control("GET", "history?property=q")["availability"], {})

    def test_days_of_the_week(self):
        self.availability(room(first="2027-01-01", last="2027-01-14", days=["mo", "su"]))
        nights = self.fake.world.state()["availability"]["p"]["r"]
        self.assertEqual(list(nights), ["2027-01-03", "2027-01-04", "2027-01-10", "2027-01-11"])

    def test_faulty_values_are_warned_of_and_the_others_kept(self):
        faulty = [
            (room(availability=-1), "availability", "must be greater than or equal to 0"),
            (room(availability=None), "availability", "can't be blank"),
            (room(availability="2"), "availability", "is invalid"),
            (room(availability=True), "availability", "is invalid"),
            (room(availability=1.0), "availability", "is invalid"),
            (room(first="2027-02-30"), "date_from", "is invalid"),
            (room(first="20270101"), "date_from", "is invalid"),
            (room(first="2027-01-04"), "date_to", "is invalid"),
            (room(last="9999-01-01"), "date_to", "is invalid"),
            (room(last=None), "date_to", "can't be blank"),
            (room(days=["monday"]), "days", "is invalid"),
            (room(prop=None), "property_id", "can't be blank"),
            (room(room_type=7), "room_type_id", "is invalid"),
        ]
        for value, field, what in faulty:
            with self.subTest(field=field, what=what):
                self.fake.world.reset()
                reply = self.availability(value, room(room_type="good"))
                self.assertEqual(reply.status, 200)
                self.assertEqual(reply.json["meta"]["warnings"], [value | {"warning": {field: [what]}}])
                self.assertEqual(len(reply.json["data"]), 1)
                self.assertEqual(list(self.fake.world.state()["availability"]["p"]), ["good"])
                self.assertEqual(self.last_call()["warnings"], 1)

    def test_nothing_kept_is_no_task(self):
        reply = self.availability(room(availability=-1))
        self.assertEqual((reply.status, reply.json["data"]), (200, []))
        self.assertFalse(self.last_call()["kept"])

    def test_unknown_rooms_rates_and_properties(self):
        self.control("PUT", "config", {"known": {"p": {"room_types": ["r"], "rate_plans": ["x"]}, "q": {}}})
        reply = self.availability(room(), room(room_type="s"), room(prop="z"), room(prop="q", room_type="any"))
        warned = [one["warning"] for one in reply.json["meta"]["warnings"]]
        self.assertEqual(warned, [{"room_type_id": ["does not exist"]}, {"property_id": ["does not exist"]}])
        reply = self.restrictions(rate(rate=1), rate(plan="y", rate=1))
        self.assertEqual([one["rate_plan_id"] for one in reply.json["meta"]["warnings"]], ["y"])

    def test_past_nights_when_a_today_is_set(self):
        self.control("PUT", "config", {"today": "2027-01-02"})
        reply = self.availability(room(), room(first="2027-01-02"))
        self.assertEqual([one["warning"] for one in reply.json["meta"]["warnings"]], [{"date_from": ["is in the past"]}])

    def test_read_back(self):
        self.availability(room(availability=4))
        path = "/api/v1/availability?filter[property_id]=p&filter[date][gte]=2027-01-02&filter[date][lte]=2027-01-09"
        self.assertEqual(self.ask("GET", path, headers=KEY).json, {"data": {"r": {"2027-01-02": 4, "2027-01-03": 4}}})
        self.assertEqual(self.ask("GET", path).status, 401)
        reply = self.ask("GET", "/api/v1/availability?filter[property_id]=p", headers=KEY)
        self.assertEqual((reply.status, reply.json["errors"]["details"]), (400, ["date is required"]))


class Restrictions(Case):
    def test_what_is_not_told_stays(self):
        self.restrictions(rate(rate="200.5", min_stay_arrival=2, stop_sell=1))
        self.restrictions(rate(last="2027-01-01", rate=19000, closed_to_arrival=True, max_stay=0))
        nights = self.fake.world.state()["restrictions"]["p"]["x"]
        self.assertEqual(nights["2027-01-02"], {"rate": 20050, "min_stay_arrival": 2, "stop_sell": True})
        first = {"rate": 19000, "min_stay_arrival": 2, "stop_sell": True, "closed_to_arrival": True, "max_stay": 0}
        self.assertEqual(nights["2027-01-01"], first)
        told = self.fake.world.history("p")["restrictions"]["p"]["x"]["2027-01-01"]
        self.assertEqual(told[1]["value"], {"rate": 19000, "closed_to_arrival": True, "max_stay": 0})

    def test_rates_by_occupancy(self):
        self.restrictions(rate(rates=[{"occupancy": 1, "rate": 12100}, {"occupancy": 2, "rate": "132.00"}]))
        found = self.fake.world.state()["restrictions"]["p"]["x"]["2027-01-01"]["rates"]
        self.assertEqual(found, [{"occupancy": 1, "rate": 12100}, {"occupancy": 2, "rate": 13200}])

    def test_faulty_values(self):
        null = "Should be a non null value or not existed field"
        faulty = [
            ({}, "restrictions", "at least one should be present"),
            ({"rate": 200.0}, "rate", "is invalid"),
            ({"rate": "200,00"}, "rate", "is invalid"),
            ({"rate": "200.001"}, "rate", "is invalid"),
            ({"rate": 0}, "rate", "must be greater than 0"),
            ({"rate": "-2"}, "rate", "must be greater than 0"),
            ({"rate": None}, "rate", null),
            ({"rates": []}, "rates", "is invalid"),
            ({"min_stay_arrival": 0}, "min_stay_arrival", "must be greater than or equal to 1"),
            ({"min_stay_through": "2"}, "min_stay_through", "is invalid"),
            ({"max_stay": -2}, "max_stay", "must be greater than or equal to 0"),
            ({"closed_to_arrival": 3}, "closed_to_arrival", "is invalid"),
            ({"closed_to_departure": "true"}, "closed_to_departure", "is invalid"),
            ({"stop_sell": 1.0}, "stop_sell", "is invalid"),
        ]
        values = [rate(**more) for more, _, _ in faulty]
        reply = self.restrictions(*values)
        self.assertEqual((reply.status, reply.json["data"]), (200, []))
        expected = [value | {"warning": {field: [what]}} for value, (_, field, what) in zip(values, faulty)]
        self.assertEqual(reply.json["meta"]["warnings"], expected)
        self.assertEqual(self.fake.world.state()["restrictions"], {})

    def test_read_back_in_major_units(self):
        self.restrictions(rate(rate=20005, max_stay=7))
        path = "/api/v1/restrictions?filter[property_id]=p&filter[date]=2027-01-02"
        reply = self.ask("GET", path + "&filter[restrictions]=rate", headers=KEY)
        self.assertEqual(reply.json, {"data": {"x": {"2027-01-02": {"rate": "200.05"}}}})
        reply = self.ask("GET", path, headers=KEY)
        self.assertEqual((reply.status, reply.json["errors"]["details"]), (400, ["restrictions is required"]))


class Refusals(Case):
    def test_keys(self):
        self.assertEqual(self.availability(room(), headers={}).status, 401)
        self.control("PUT", "config", {"keys": {"key": ["p"], "all": None}})
        reply = self.availability(room(), headers={"user-api-key": "other"})
        self.assertEqual((reply.status, reply.json), (401, {"errors": {"code": "unauthorized", "title": "Unauthorized"}}))
        self.assertEqual(self.fake.world.state()["availability"], {})
        reply = self.availability(room(), room(prop="q"))
        self.assertEqual([one["property_id"] for one in reply.json["meta"]["warnings"]], ["q"])
        self.assertEqual(self.availability(room(prop="q"), headers={"user-api-key": "all"}).json["meta"]["warnings"], [])
        self.control("PUT", "config", {"keys": ["list"]})
        self.assertEqual(self.availability(room(), headers={"user-api-key": "list"}).status, 200)

    def test_malformed(self):
        bodies = [b"", b"{", b"\xff", b"[]", b"{}", b'{"values":{}}', b'{"values":[]}', b'{"values":[1]}', b"[" * 100_000]
        for body in bodies:
            with self.subTest(body=body[:20]):
                reply = self.ask("POST", "/api/v1/availability", body, KEY)
                self.assertEqual((reply.status, reply.json["errors"]["code"]), (422, "validation_error"))

    def test_too_large(self):
        self.control("PUT", "config", {"body_limit": 1000})
        body = json.dumps({"values": [room()]}).encode()
        reply = self.ask("POST", "/api/v1/availability", body.ljust(1001), KEY)
        self.assertEqual((reply.status, self.last_call()["bytes"]), (413, 1001))
        self.assertEqual(self.ask("POST", "/api/v1/availability", body.ljust(1000), KEY).status, 200)

    def test_ten_megabytes(self):
        self.assertEqual(self.ask("POST", "/api/v1/availability", b" " * 10_000_001, KEY).status, 413)
        self.assertEqual(self.ask("POST", "/api/v1/availability", b" " * 10_000_000, KEY).status, 422)

    def test_without_a_length(self):
        self.assertEqual(self.ask("POST", "/hooks/a", b"{}", {"Transfer-Encoding": "chunked"}).status, 411)

    def test_elsewhere(self):
        self.assertEqual(self.ask("GET", "/nothing").status, 404)
        self.assertEqual(self.ask("POST", "/elsewhere").status, 404)
        self.assertEqual([call["route"] for call in self.fake.world.call_log()], ["unknown", "elsewhere"])


class Webhooks(Case):
    settings = {"webhooks": {"a": SECRETS}}
    document = {
        "type": "availability", "property": "p", "unit": "u",
        "nights": [{"from": "2027-01-01", "until": "2027-01-03", "available": 1}],
    }  # fmt: skip

    def test_the_example_of_the_specification(self):
        body = b'{"test": 2432232314}'  # published with the reference libraries
        signature = sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
        self.assertEqual(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")

    def test_until_is_the_day_after(self):
        self.assertEqual(self.hook("a", self.document).json, {"id": "msg_1", "duplicate": False})
        closed = {"type": "x", "data": self.document | {"nights": [{"from": "2027-01-02", "until": "2027-01-03", "available": 0}]}}
        self.hook("a", closed, "msg_2")
        state = self.control("GET", "state")["hooks"]["a"]
        self.assertEqual(state["units"], {"p": {"u": {"2027-01-01": 1, "2027-01-02": 0}}})
        told = self.control("GET", "history")["hooks"]["a"]["p"]["u"]["2027-01-02"]
        self.assertEqual([e["value"] for e in told], [1, 0])
        self.assertEqual([d["id"] for d in state["deliveries"]], ["msg_1", "msg_2"])
        self.assertEqual([c["property"] for c in self.fake.world.call_log()], ["p", "p"])

    def test_duplicates_are_counted_apart(self):
        self.hook("a", self.document)
        self.assertEqual(self.hook("a", self.document).json, {"id": "msg_1", "duplicate": True})
        self.hook("a", {"type": "other"})
        state = self.fake.world.state()["hooks"]["a"]
        (delivery,) = state["deliveries"]
        self.assertEqual((state["duplicates"], delivery["attempts"], delivery["differs"]), (2, 3, 1))
        self.assertEqual(delivery["body"], self.document)
        self.assertEqual([call["kept"] for call in self.fake.world.call_log()], [True, False, False])

    def test_any_json_object_is_recorded(self):
        self.assertEqual(self.hook("a", {"type": "bellhop.task.v1", "data": {"property": "q"}}).status, 200)
        self.assertEqual(self.last_call()["property"], "q")
        self.assertEqual(self.fake.world.state()["hooks"]["a"]["units"], {})

    def test_keys_in_rotation(self):
        for n, (secrets, matching) in enumerate([(SECRETS, [0, 1]), (SECRETS[1:], [1]), (["AAAA", SECRETS[0]], [0])]):
            self.assertEqual(self.hook("a", {}, f"msg_{n}", secrets).status, 200)
            self.assertEqual(self.fake.world.state()["hooks"]["a"]["deliveries"][n]["secrets"], matching)

    def test_refused(self):
        cases = [
            (401, {"secrets": ["AAAA"]}), (401, {"secrets": []}), (401, {"age": 301}), (401, {"age": -301}),
            (401, {"webhook_id": None}), (401, {"webhook_id": "msg_2"}), (401, {"webhook_timestamp": None}),
            (401, {"webhook_timestamp": "soon"}), (401, {"webhook_signature": None}), (401, {"webhook_signature": "v1"}),
            (401, {"webhook_signature": "v1,\xe9 v1a,AAAA"}), (404, {"path": "/hooks/b"}),
        ]  # fmt: skip
        for status, changed in cases:
            with self.subTest(changed=changed):
                self.assertEqual(self.hook("a", self.document, **changed).status, status)
        state = self.fake.world.state()["hooks"]
        self.assertEqual((state["a"]["refused"], state["a"]["deliveries"], list(state)), (11, [], ["a"]))
        for age in (300, -300):
            self.assertEqual(self.hook("a", self.document, age=age).status, 200)

    def test_documents_that_are_none(self):
        night = {"from": "2027-01-01", "until": "2027-01-02", "available": 1}
        changes = [
            {"unit": None}, {"nights": {}}, {"nights": [1]}, {"nights": [night | {"until": "2027-01-01"}]},
            {"nights": [night | {"available": -1}]}, {"nights": [night | {"from": "1 January"}]},
        ]  # fmt: skip
        for n, body in enumerate([b"[]", b"{", *(self.document | changed for changed in changes)]):
            with self.subTest(body=body):
                self.assertEqual(self.hook("a", body, f"msg_{n}").status, 422)
        self.assertEqual(self.fake.world.state()["hooks"]["a"]["deliveries"], [])

    def test_hooks_of_any_name(self):
        self.control("PUT", "config", {"webhooks": {"*": SECRETS[:1]}})
        self.assertEqual(self.hook("new", self.document).status, 200)


class Feeds(Case):
    def test_served_as_given(self):
        body = b"BEGIN:VCALENDAR\r\n\xff\x00END:VCALENDAR\r\n"
        etag = self.control("PUT", "feeds/a", body)["etag"]
        reply = self.ask("GET", "/feeds/a.ics")
        self.assertEqual((reply.status, reply.body, reply.headers["ETag"]), (200, body, etag))
        self.assertEqual(reply.headers["Content-Type"], "text/calendar; charset=utf-8")
        for asked in (etag, f'W/{etag}, "x"', "*"):
            self.assertEqual(self.ask("GET", "/feeds/a.ics", headers={"If-None-Match": asked}).status, 304)
        reply = self.ask("HEAD", "/feeds/a.ics")
        self.assertEqual((reply.status, reply.body, reply.headers["Content-Length"]), (200, b"", str(len(body))))
        self.ask("PUT", "/_control/feeds/a", b"new", {"Content-Type": "text/html"})
        reply = self.ask("GET", "/feeds/a.ics", headers={"If-None-Match": etag})
        self.assertEqual((reply.status, reply.body, reply.headers["Content-Type"]), (200, b"new", "text/html"))
        self.control("DELETE", "feeds/a")
        self.assertEqual(self.ask("GET", "/feeds/a.ics").status, 404)
        self.assertEqual(self.ask("DELETE", "/_control/feeds/a").status, 404)


class Control(Case):
    def test_calls_and_summary(self):
        self.availability(room(), room(prop="q"))
        self.availability(room(), headers={})
        self.restrictions(rate(rate=1))
        calls = self.control("GET", "calls")["calls"]
        self.assertEqual([(c["route"], c["property"], c["status"], c["values"]) for c in calls], [
            ("availability", "p", 200, 2), ("availability", "p", 401, 1), ("restrictions", "p", 200, 1),
        ])  # fmt: skip
        self.assertEqual(calls[0]["properties"], ["p", "q"])
        self.assertEqual(calls[0]["at"], self.clock.now)
        self.assertEqual(calls[0]["bytes"], len(json.dumps({"values": [room(), room(prop="q")]})))
        self.assertEqual(self.control("GET", "calls?since=2")["calls"], calls[2:])
        summary = self.control("GET", "summary")
        self.assertEqual([summary["total"][k] for k in ("calls", "values", "errors", "rate_limited")], [3, 4, 1, 0])
        self.assertEqual(summary["by_property"]["p"]["max_in_window"], {"availability": 2, "restrictions": 1})
        self.assertEqual(summary["by_property"]["q"]["calls"], 1)

    def test_reset_keeps_the_settings(self):
        self.control("PUT", "config", {"limits": {"availability": 1}, "send_retry_after": True})
        self.availability(room())
        self.control("PUT", "feeds/a", b"x")
        self.control("POST", "reset")
        empty = {"availability": {}, "restrictions": {}, "hooks": {}, "feeds": {}}
        self.assertEqual(self.control("GET", "state"), empty)
        self.assertEqual(self.control("GET", "calls"), {"calls": []})
        self.assertEqual(self.availability(room()).status, 200)
        self.assertEqual(self.availability(room()).headers["Retry-After"], "60")
        self.assertEqual(self.control("GET", "config")["limits"], {"availability": 1, "restrictions": 10})

    def test_what_cannot_be_set(self):
        for body in (
            {"limit": 1}, {"limits": {"rates": 1}}, {"limits": {"availability": 1.5}}, {"window_seconds": "60"}, [],
            {"keys": "key"}, {"known": {"p": ["r"]}}, {"today": "now"}, {"webhooks": {"a": ["whsec_!"]}}, b"{",
        ):  # fmt: skip
            with self.subTest(body=body):
                reply = self.ask("PUT", "/_control/config", body)
                self.assertEqual(reply.status, 422)
                self.assertTrue(reply.json["error"])
        self.assertEqual(self.ask("GET", "/_control/nothing").status, 404)
        self.assertEqual(self.ask("DELETE", "/_control/state").status, 404)

    def test_control_calls_are_not_logged(self):
        self.control("GET", "state")
        self.assertEqual(self.fake.world.call_log(), [])


class Program(unittest.TestCase):
    def start(self, *arguments):
        command = [sys.executable, str(HERE / "server.py"), *arguments]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, json.loads(process.stdout.readline())["url"]

    def test_state_outlives_it(self):
        with tempfile.TemporaryDirectory() as folder:
            state = str(Path(folder) / "state.json")
            process, url = self.start("--port", "0", "--state", state)
            ask(url, "POST", "/api/v1/availability", {"values": [room()]}, KEY)
            ask(url, "POST", "/api/v1/restrictions", {"values": [rate(rate=5)]}, KEY)
            ask(url, "PUT", "/_control/feeds/a", b"\xff")
            known = [ask(url, "GET", f"/_control/{what}").json for what in ("state", "history", "calls", "summary")]
            process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(10), 0)
            _, url = self.start("--state", state)
            again = [ask(url, "GET", f"/_control/{what}").json for what in ("state", "history", "calls", "summary")]
            self.assertEqual(again, known)

    def test_summary(self):
        with FakeChannel(limits={"availability": 1}) as fake:
            for prop in ("villa", "villa", "mill"):
                ask(fake.url, "POST", "/api/v1/availability", {"values": [room(prop)]}, KEY)
            command = [sys.executable, str(HERE / "server.py"), "summary", fake.url]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertEqual([line.split() for line in done.stdout.splitlines()], [
            ["property", "calls", "values", "rate-limited", "errors", "most", "in", "60", "s"],
            ["mill", "1", "1", "0", "0", "availability", "1"],
            ["villa", "2", "2", "1", "0", "availability", "2"],
            ["all", "3", "3", "1", "0"],
        ])  # fmt: skip
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no fake channel answers", done.stderr)


if __name__ == "__main__":
    unittest.main()
