"""Tasks and problems take nights out of sale, and give them back; a task of an unknown property waits for it."""

import unittest

import guests
import harness
from channels import FakeChannel, Hook, random_secret
from events import House, again
from guests import blocks, report, task, tell


class Maintenance(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = guests.guests_stack()

    def house(self) -> House:
        return House("works").register(self.stack)

    def reasons(self, house: House) -> list[tuple]:
        return [(note["reason"], note["subject"]) for note in guests.reviews(self.stack, house)]

    def open_tasks(self, house: House) -> dict[str, dict]:
        return {row["task"]: row for row in guests.board(self.stack, house, "2031-05-01", 31)["tasks"]}

    def test_a_task_blocks_its_unit_until_it_is_done(self):
        house = self.house()
        nights = {"unit": "u1", "from": "2031-05-10", "until": "2031-05-12"}
        scheduled = task(house, "t1", 1, block=True, **nights)
        tell(self.stack, house, scheduled, again(scheduled), task(house, "t2", 1, "requested", unit="u2"))
        self.stack.drain()
        self.assertEqual(blocks(self.stack, house, "u1"), [("2031-05-10", "2031-05-12")])
        self.assertEqual(set(self.open_tasks(house)), {"t1", "t2"})
        # Moved to another unit, and an older snapshot after it.
        tell(self.stack, house, task(house, "t1", 3, block=True, **nights | {"unit": "u2"}), task(house, "t1", 2, block=True, **nights))
        self.stack.drain()
        self.assertEqual((blocks(self.stack, house, "u1"), blocks(self.stack, house, "u2")), ([], [("2031-05-10", "2031-05-12")]))
        tell(self.stack, house, task(house, "t1", 4, "done", block=True, **nights | {"unit": "u2"}))
        self.stack.drain()
        self.assertEqual((blocks(self.stack, house, "u1"), blocks(self.stack, house, "u2")), ([], []))
        self.assertEqual(set(self.open_tasks(house)), {"t2"})
        self.assertEqual(self.reasons(house), [])
        guests.check_nothing_left(self, self.stack, house)

    def test_a_called_off_task_frees_its_nights(self):
        house = self.house()
        tell(self.stack, house, task(house, "t1", 1, block=True, unit="u1", **{"from": "2031-05-10"}))
        self.stack.drain()
        self.assertEqual(blocks(self.stack, house, "u1"), [("2031-05-10", "2031-05-11")], "one night where no end is said")
        tell(self.stack, house, task(house, "t1", 2, "cancelled", block=True, unit="u1", **{"from": "2031-05-10"}))
        self.stack.drain()
        self.assertEqual(blocks(self.stack, house, "u1"), [])

    def test_a_problem_with_a_cleaning_blocks_and_its_completion_lifts(self):
        house = self.house()
        house.send(self.stack, house.booking("b1"))
        self.stack.drain()
        problem = report(house, "booking/b1", 1, "problem", note="A leak", block={"from": "2031-05-03", "until": "2031-05-06"})
        tell(self.stack, house, problem, again(problem))
        self.stack.drain()
        self.assertEqual(blocks(self.stack, house, "u1"), [("2031-05-03", "2031-05-06")])
        (row,) = guests.board(self.stack, house, "2031-05-01", 10)["cleanings"]
        self.assertEqual((row["status"], row["by"]), ("problem", "anna"))
        tell(self.stack, house, report(house, "booking/b1", 2, "completed"), report(house, "booking/b1", 1, "started"))
        self.stack.drain()
        self.assertEqual(blocks(self.stack, house, "u1"), [])
        (row,) = guests.board(self.stack, house, "2031-05-01", 10)["cleanings"]
        self.assertEqual(row["status"], "done")
        self.assertEqual(self.reasons(house), [])

    def test_a_report_that_overtakes_its_booking(self):
        house = self.house()
        tell(self.stack, house, report(house, "booking/b1", 1, "completed"))
        harness.wait(lambda: self.stack.lines("automation", tenant=house.tenant, outcome="retry"), 20, "it to come too early")
        house.send(self.stack, house.booking("b1"))
        self.stack.drain()
        (row,) = guests.board(self.stack, house, "2031-05-01", 10)["cleanings"]
        self.assertEqual((row["status"], self.reasons(house)), ("done", []))

    def test_reports_on_what_nobody_knows(self):
        house = self.house()
        bad = [report(house, "booking/none", 1, "completed"), report(house, "task/none", 1, "completed")]
        wrong = task(house, "t1", 1, unit="attic", **{"from": "2031-05-10"})
        tell(self.stack, house, *bad, wrong, task(house, "t2", 1, "requested"))
        self.stack.drain()
        expected = [("unknown-task", "booking/none"), ("unknown-task", "task/none"), ("unknown-unit", "task/t1")]
        self.assertEqual(self.reasons(house), expected)
        self.assertEqual(set(self.open_tasks(house)), {"t2"}, "they hold up nobody else")

    def test_a_task_of_an_unknown_property_waits_for_it(self):
        house = House("works")
        tasks = [task(house, f"t{n}", 1, block=n == 0, unit="u1", **{"from": "2031-05-10"}) for n in range(3)]
        tell(self.stack, house, *tasks, task(house, "t1", 2, "requested", unit="u2"))
        self.stack.drain()
        self.assertEqual(self.reasons(house), [("unknown-property", "task/t0")], "one question for all that wait")
        self.assertEqual(blocks(self.stack, house, "u1"), [])
        house.register(self.stack)
        self.stack.drain()
        rows = self.open_tasks(house)
        self.assertEqual({name: (row["state"], row["unit"]) for name, row in rows.items()},
                         {"t0": ("scheduled", "u1"), "t1": ("requested", "u2"), "t2": ("scheduled", "u1")})  # fmt: skip
        self.assertEqual(blocks(self.stack, house, "u1"), [("2031-05-10", "2031-05-11")])
        self.assertEqual(len(self.reasons(house)), 1)
        guests.check_nothing_left(self, self.stack, house)

    def test_listeners_hear_of_tasks_in_order(self):
        with FakeChannel(window_seconds=1) as fake:
            house = House("works")
            house.send(self.stack, house.registered(notify=["bellhop.task.changed.v1"]))
            text = random_secret(webhook=True)
            hook = Hook(house, fake, "pms", [self.stack.secret(f"bellhop/{house.tenant}/pms", text)], events=["*"]).accepts(text)
            hook.register(self.stack)
            self.stack.drain()
            house.send(self.stack, house.booking("b1"))
            self.stack.drain()
            house.send(self.stack, house.booking("b2", arrival="2031-05-03", departure="2031-05-05"))
            self.stack.drain()
            tell(self.stack, house, report(house, "booking/b1", 1, "started"), report(house, "booking/b1", 2, "completed"))
            self.stack.drain()
            house.send(self.stack, house.booking("b1", 2, "cancelled"))
            self.stack.drain()
            told = [one["body"] for one in hook.deliveries("bellhop.task.changed.v1")]
            b1 = [event["data"] for event in told if event["subject"] == "booking/b1"]
            self.assertEqual([event["version"] for event in b1], list(range(1, len(b1) + 1)))
            steps = [(event["status"], event["urgent"]) for event in b1]
            self.assertEqual(steps, [("open", False), ("open", True), ("started", True), ("done", True), ("gone", True)])
            self.assertEqual({(event["unit"], event["from"]) for event in b1}, {("u1", "2031-05-03T10:00:00Z")})
            self.assertEqual(b1[1]["until"], "2031-05-03T14:00:00Z")
            self.assertEqual(len({one["id"] for one in hook.deliveries()}), len(hook.deliveries()))
