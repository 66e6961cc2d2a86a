"""What cannot be done is one item each, by whichever road, and what a person decides happens once, in order: review consumes
the fallback queue and the dead-letter queues here, and people act by the command line."""

import json
import os
import subprocess
import unittest
from concurrent.futures import ThreadPoolExecutor

import harness
from bellhop_cloud import settings
from events import House

BELLHOP = settings.ROOT / "target" / "debug" / "bellhop"


class Review(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = harness.stack("review", review=True, AttemptBudget=3)

    def command(self, *words: str, stdin: str | None = None) -> subprocess.CompletedProcess:
        environment = os.environ | settings.client_environment()
        command = [BELLHOP, "--prefix", self.stack.prefix, *words]
        return subprocess.run(command, env=environment, input=stdin, capture_output=True, text=True, check=False)

    def open(self, house: House) -> list[dict]:
        done = self.command("review", "list", "--tenant", house.tenant, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def item(self, house: House) -> dict:
        harness.wait(lambda: self.open(house), 30, lambda: f"an item of {house.tenant}; {self.stack.last_lines()}")
        (item,) = self.open(house)
        return item

    def versions(self, house: House, booking: str) -> list[int]:
        """What the next function hears of a booking, in order: what was applied, once each."""
        events = [m.event for m in self.stack.of_group("automation", house.group)]
        return [e["data"]["version"] for e in events if e["subject"] == f"booking/{booking}"]

    def one_bad_and_thirty_behind_it(self) -> tuple[House, dict, dict]:
        house = House("review").register(self.stack)
        bad = house.booking("b1", 1, departure="2031-04-01")
        events = [bad]
        for version in range(2, 32):
            events.append(house.booking("b1", version, "modified"))
            other = 1 + version % 4
            events.append(house.booking(f"other{other}", version, "modified", unit="rooms" if other > 2 else f"u{other + 1}"))
        house.send(self.stack, *events)
        self.stack.drain(60)
        for other in range(1, 5):
            expected = [version for version in range(2, 32) if 1 + version % 4 == other]
            self.assertEqual(self.versions(house, f"other{other}"), expected, "the others did not wait")
        self.assertEqual(self.versions(house, "b1"), [])
        return house, bad, self.item(house)

    def check_done(self, house: House, versions: list[int]):
        self.stack.drain(60)
        self.assertEqual(self.versions(house, "b1"), versions)
        self.assertEqual(house.left_waiting(self.stack), [])
        self.assertEqual(self.open(house), [])

    def test_edit_and_retry(self):
        house, bad, item = self.one_bad_and_thirty_behind_it()
        self.assertEqual((item["reason"], item["event"], item["told"]), ("stay-departure-before-arrival", bad["id"], 1))
        shown = json.loads(self.command("review", "show", item["id"], "--json").stdout)
        self.assertEqual(shown["body"], json.dumps(bad), "byte for byte")
        refused = self.command("review", "edit", item["id"], stdin=json.dumps(bad))
        self.assertEqual(refused.returncode, 1)
        self.assertIn("stay-departure-before-arrival", refused.stderr)
        mended = bad | {"data": bad["data"] | {"departure": "2031-05-04"}}
        done = self.command("review", "edit", item["id"], "--as", "ann", stdin=json.dumps(mended))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("31 events", done.stdout)
        self.check_done(house, list(range(1, 32)))
        late = self.command("review", "retry", item["id"], "--as", "bob")
        self.assertEqual(late.returncode, 1)
        self.assertIn("ann made it edited", late.stderr)

    def test_killed_five_times_and_two_people_at_once(self):
        house, bad, item = self.one_bad_and_thirty_behind_it()
        mended = json.dumps(bad | {"data": bad["data"] | {"departure": "2031-05-04"}})
        with ThreadPoolExecutor(2) as people:
            acts = [people.submit(self.command, "review", "edit", item["id"], "--as", who, stdin=mended) for who in ("ann", "bob")]
            kills = 0

            def killed():
                nonlocal kills
                kills += self.stack.kill_one("calendar")
                self.stack.pump()
                return kills >= 5 or self.versions(house, "b1") == list(range(1, 32))

            harness.wait(killed, 60, "five kills, or the end")
            codes = sorted(act.result().returncode for act in acts)
        harness.say(f"{kills} kills")
        self.assertEqual(codes, [0, 1], [act.result().stderr for act in acts])
        # A follow-up of a run that was killed may be sent again, under its one id: its consumer drops it.
        self.stack.drain(60)
        heard = [m.event for m in self.stack.of_group("automation", house.group) if m.event["subject"] == "booking/b1"]
        first = {e["id"]: e["data"]["version"] for e in reversed(heard)}
        self.assertEqual(sorted(first.values()), list(range(1, 32)))
        self.assertEqual(house.state(self.stack, "b1")["version"], 31)
        self.assertEqual(house.left_waiting(self.stack), [])
        self.assertEqual(self.open(house), [])

    def test_a_dead_letter_is_worked_by_a_retry(self):
        house = House("dead").register(self.stack)
        self.stack.drain()
        event = house.booking("b1")
        house.send(self.stack, event, queue="OperationalCalendarDlqUrl")
        item = self.item(house)
        self.assertEqual((item["reason"], item["road"]), ("dead-lettered", "dead-letter"))
        done = self.command("review", "retry", item["id"])
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_done(house, [1])
        # SQS gives the same event up once more, when it and a later one are done: nobody is asked.
        house.send(self.stack, house.booking("b1", 2, "modified"))
        self.stack.drain()
        before = len(self.stack.lines("review", outcome="settled"))
        house.send(self.stack, event | {"time": "2031-01-01T00:00:00Z"}, queue="OperationalCalendarDlqUrl")
        harness.wait(lambda: len(self.stack.lines("review", outcome="settled")) > before, 30, "the dead letter to be taken")
        self.assertEqual(self.open(house), [])

    def test_all_of_one_code_at_once(self):
        house = House("bulk").register(self.stack)
        house.send(self.stack, *(house.booking(f"b{n}", departure="2031-04-01") for n in range(30)))
        self.stack.drain()
        harness.wait(lambda: len(self.open(house)) == 30, 30, "30 items")
        count = json.loads(self.command("review", "stats", "--tenant", house.tenant, "--json").stdout)
        self.assertEqual([c["reasons"] for c in count], [{"stay-departure-before-arrival": 30}])
        words = ["review", "discard", "--code", "stay-departure-before-arrival", "--tenant", house.tenant, "--reason", "a test", "--json"]
        looked = self.command(*words, "--dry-run")
        self.assertEqual((looked.returncode, len(json.loads(looked.stdout))), (0, 30))
        self.assertEqual(len(self.open(house)), 30, "nothing was done")
        done = self.command(*words)
        self.assertEqual(json.loads(done.stdout), {"taken": 30, "refused": {}}, done.stderr)
        self.stack.drain()
        self.assertEqual(self.open(house), [])
        self.assertEqual(house.left_waiting(self.stack), [])

    def test_what_cannot_be_read_is_an_item_for_operators(self):
        house = House("odd").register(self.stack)
        self.stack.drain()
        body = f"no json at all, {house.token}"
        house.send(self.stack, body)
        forged = json.dumps(house.booking("b1") | {"tenant": "somebody-else"})
        house.send(self.stack, forged)

        def found():
            items = json.loads(self.command("review", "list", "--json", "--most", "100000").stdout)
            return [item for item in items if item["group"] == house.group]

        harness.wait(lambda: len(found()) == 2, 30, "two items")
        self.assertEqual({item["reason"]: item["tenant"] for item in found()}, {"not-json": None, "group-mismatch": None})
        self.assertEqual(self.open(house), [])
        self.assertFalse([line for line in self.stack.lines("review") if body in json.dumps(line)], "no body in a log")
        (odd,) = (item for item in found() if item["reason"] == "not-json")
        done = self.command("review", "edit", odd["id"], stdin=json.dumps(house.booking("b1")))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.check_done(house, [1])


if __name__ == "__main__":
    unittest.main()
