"""A tenant is suspended while its events come, resumed, and in the end removed, by the shipped command; others notice nothing."""

import json
import tempfile
import unittest
from pathlib import Path

import guests
import harness
from events import House

# A function of these stacks runs for 3 seconds at most.
SETTLED = 4
SUSPENDED = 200


class Tenancy(unittest.TestCase):
    def put_by(self, stack, house: House) -> dict[str, int]:
        told = json.loads(guests.command(stack, "tenant", "show", house.tenant, "--json"))
        return {each["function"]: each["events"] for each in told["put_by"]}

    def test_what_comes_for_a_suspended_tenant_waits_outside_of_sqs_and_is_worked_in_order(self):
        stack = guests.guests_stack()
        house, other = House("paused").register(stack), House("beside").register(stack)
        guests.command(stack, "tenant", "suspend", house.tenant, "--because", "a test")
        events = [
            house.booking(f"b{n % 8}", n // 8 + 1, "modified", unit="rooms", arrival=f"2031-05-{n % 8 + 1:02}", departure=f"2031-05-{n % 8 + 2:02}")
            for n in range(SUSPENDED)
        ]  # fmt: skip
        house.send(stack, *events)
        other.send(stack, other.booking("b1"))
        stack.drain(60)
        self.assertEqual((house.state(stack, "b1"), other.state(stack, "b1")["version"]), (None, 1))
        self.assertEqual(self.put_by(stack, house)["calendar"], SUSPENDED)
        self.assertEqual(stack.outcomes(tenant=house.tenant)["parked"], SUSPENDED)
        # Killed in the middle, and new events on top.
        guests.command(stack, "tenant", "resume", house.tenant)
        harness.wait(lambda: stack.outcomes(tenant=house.tenant)["applied"] > 20, 60, "the first to be worked")
        stack.kill_one()
        house.send(stack, *(house.booking(f"b{n}", 1000, "modified", unit="rooms", arrival=f"2031-06-{n + 1:02}", departure=f"2031-06-{n + 2:02}") for n in range(8)))
        harness.wait(lambda: not self.put_by(stack, house), 90, lambda: f"nothing to be left of {self.put_by(stack, house)}")
        stack.drain(60)
        self.assertEqual([house.state(stack, f"b{n}")["version"] for n in range(8)], [1000] * 8)
        self.assertEqual(house.left_waiting(stack), [])
        mine = [line for line in stack.lines(tenant=house.tenant) if line["outcome"] == "applied" and line["subject"] == "booking/b3"]
        order = [int(line["event"].removeprefix("e").split("-")[0]) for line in mine]
        self.assertEqual(order, sorted(order))

    def test_a_removed_tenant_is_exported_erased_and_not_made_anew(self):
        stack = guests.guests_stack()
        house, other = House("gone").register(stack), House("stays").register(stack)
        for each in (house, other):
            each.send(stack, each.booking("b1"), each.booking("bad", departure="2031-04-01"))
        stack.drain()
        before = self.partitions_of(stack, other)
        remove = ["tenant", "remove", house.tenant, "--after", str(SETTLED), "--yes", "--json"]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "export.ndjson"
            told = guests.command(stack, *remove, "--export", str(file), code=1)
            self.assertIn("suspended", told)
            self.assertFalse(file.exists())
            guests.command(stack, "tenant", "suspend", house.tenant, "--because", "leaves")
            house.send(stack, house.booking("b2"))
            stack.drain()
            done = harness.wait(lambda: self.removed(stack, remove, file), 30, "no function to be at work for it")
            exported = [json.loads(line) for line in file.read_text().splitlines()]
            self.assertEqual(done["exported"], len(exported))
            self.assertTrue(any(line["item"]["pk"]["S"] == house.group for line in exported))
        self.assertEqual(self.partitions_of(stack, house), {house.tenant: 1})
        self.assertEqual(self.partitions_of(stack, other), before)
        house.send(stack, house.booking("b3"))
        stack.drain()
        self.assertEqual(stack.outcomes(tenant=house.tenant)["review"], 2)
        self.assertEqual(self.partitions_of(stack, house), {house.tenant: 1})
        self.assertIn("removed", guests.command(stack, "tenant", "add", house.tenant, code=1))

    def partitions_of(self, stack, house: House) -> dict[str, int]:
        return {key: items for key, items in stack.partitions().items() if key.split("#")[0] == house.tenant}

    def removed(self, stack, remove: list[str], file: Path):
        """Refused as long as it was suspended a moment ago."""
        told = guests.command(stack, *remove, "--export", str(file), code=None)
        if told.startswith("{"):
            return json.loads(told)
        self.assertFalse(file.exists())
        return None


if __name__ == "__main__":
    unittest.main()
