"""`bellhop load`: a small spike, by the shipped command. What it tells adds up, and is what the functions say themselves; no time is
asserted, for the machine's is shared."""

import json
import os
import signal
import subprocess
import unittest
from collections import Counter

import guests
import harness
from bellhop_cloud import mappings, settings
from events import House

SPIKE = ("--rate", "12", "--spike", "6", "--spike-after", "4", "--spike-for", "2", "--duration", "9")
PLANNED = 7 * 12 + 2 * 72


class Load(unittest.TestCase):
    def test_a_spike_is_posted_done_and_told_and_touches_nobody_else(self):
        stack = harness.stack("load", channels=True, guests=True, dashboard=True)
        other = House("other").register(stack)
        before = self.partitions(stack, other.tenant)
        told = json.loads(guests.command(stack, "load", "--tenants", "3", "--properties", "2", *SPIKE, "--json"))

        events, outcomes, series = told["events"], told["outcomes"], told["series"]
        self.assertEqual((events["planned"], events["unsent"], told["missing"], told["interrupted"]), (PLANNED, 0, 0, False))
        self.assertEqual(events["posted"] + events["dropped"], PLANNED)
        self.assertEqual(sum(outcomes.values()), events["posted"])
        self.assertLessEqual(set(outcomes), {"applied", "duplicate", "stale"}, "nothing asks a person")
        self.assertEqual([second["second"] for second in series], list(range(len(series))))
        for what in ("posted", "done"):
            self.assertEqual(sum(second[what] for second in series), events["posted"], what)
        self.assertEqual([(phase["phase"], phase["rate"]) for phase in told["phases"]], [("steady", 12), ("spike", 72), ("after", 12)])
        for what in ("posted", "done"):
            self.assertEqual(sum(phase[what] for phase in told["phases"]), events["posted"], what)
        for phase in told["phases"]:
            lags = [phase["lag_ms"][name] for name in ("p50", "p95", "p99", "max")]
            self.assertEqual(lags, sorted(lags))
        self.assertEqual({queue["queue"] for queue in told["queues"]}, {
            "operational-calendar", "operational-guests", "operational-dashboard", "automation", "synchronization",
        })  # fmt: skip
        worked = {function["function"]: function for function in told["functions"]}
        self.assertGreaterEqual(worked["calendar"]["batches"], events["posted"] / 10)
        self.assertGreater(worked["calendar"]["at_once_most"], 0)

        self.assertEqual(len(set(told["tenants"])), 3)
        self.assertEqual(self.said(stack, told["tenants"]), outcomes)
        stack.drain(90)
        self.assertEqual(self.partitions(stack, other.tenant), before)
        self.assertTrue(all(self.partitions(stack, tenant) for tenant in told["tenants"]))
        listed = json.loads(guests.command(stack, "tenant", "list", "--start", f"load-{told['run']}", "--json"))
        self.assertEqual([tenant["tenant"] for tenant in listed], told["tenants"])

        again = self.interrupted(stack)
        self.assertTrue(again["interrupted"])
        self.assertFalse(set(again["tenants"]) & set(told["tenants"]))
        known = again["events"]
        self.assertEqual(known["posted"] + known["dropped"] + known["unsent"], known["planned"])
        self.assertGreater(min(known["posted"], known["unsent"]), 0)
        self.assertEqual(sum(again["outcomes"].values()) + again["missing"], known["posted"])

        stack.drain(90)
        mappings.stop_consuming([stack.function("calendar")])
        lost = json.loads(self.start(stack, "--rate", "50", "--events", "20", "--timeout", "1", code=1)[0])
        self.assertEqual((lost["missing"] + lost["events"]["dropped"], lost["outcomes"]), (20, {}))

    def said(self, stack, tenants: list[str]) -> Counter:
        """The first end of each message, as the calendar wrote it."""
        ends = {}
        for line in stack.lines():
            if line["tenant"] in tenants and line["outcome"] in harness.FINAL and "message_id" in line:
                ends.setdefault(line["message_id"], line["outcome"])
        return Counter(ends.values())

    def partitions(self, stack, tenant: str) -> dict[str, int]:
        return {key: items for key, items in stack.partitions().items() if key.split("#")[0] == tenant}

    def interrupted(self, stack) -> dict:
        """A load that is stopped by Ctrl-C when it has said its first line."""
        told, _ = self.start(stack, "--rate", "8", "--duration", "600", code=1, stop_at="posted")
        return json.loads(told)

    def start(self, stack, *arguments: str, code: int, stop_at: str | None = None) -> tuple[str, str]:
        program = settings.ROOT / "target" / "debug" / "bellhop"
        environment = os.environ | settings.client_environment() | {"NO_COLOR": "1", "BELLHOP_PREFIX": stack.prefix}
        command = [program, "load", "--tenants", "2", "--properties", "2", *arguments, "--json"]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
            lines = []
            while stop_at and (line := running.stderr.readline()):
                lines.append(line)
                if stop_at in line:
                    running.send_signal(signal.SIGINT)
                    break
            out, err = running.communicate(timeout=120)
        self.assertEqual(running.returncode, code, "".join(lines) + err)
        return out, err
