"""A person at the command line: `bellhop channel list`, `test`, `sync`, `disable`, `enable`, `replay`, on what is really there."""

import json
import os
import subprocess

import harness
import test_channels
from bellhop_cloud import settings
from channels import Remembering, check_state, day, settle


def command(stack, *arguments: str, json_too: bool = True) -> tuple[int, dict | list | str]:
    """Exit code and what it printed."""
    binary = settings.ROOT / "target" / "debug" / "bellhop"
    line = [binary, "channel", *arguments, "--prefix", stack.prefix, *(["--json"] if json_too else [])]
    done = subprocess.run(line, env=os.environ | settings.client_environment(), capture_output=True, text=True, check=False)
    try:
        return done.returncode, json.loads(done.stdout)
    except ValueError:
        return done.returncode, done.stdout + done.stderr


class Commands(test_channels.Case):
    def row(self, channel) -> dict:
        code, rows = command(self.stack, "list", *channel.house.group.split("#"))
        self.assertEqual(code, 0, rows)
        return next(row for row in rows if row["channel"] == channel.name)

    def ask(self, channel, what: str, *more: str) -> int:
        return command(self.stack, what, *channel.group.split("#"), *more)[0]

    def test_a_channel_at_the_command_line(self):
        house = self.house("commands")
        channel = self.ari(house).register(self.stack)
        other = self.ari(house, "other").register(self.stack)
        settle(self.stack)
        harness.say(f"a row: {json.dumps(self.row(channel))}")
        self.assertEqual(self.ask(channel, "test"), 0)
        self.assertEqual([call["route"] for call in channel.calls()][-1:], ["availability.read"], "a test has no effect over there")
        before = len(channel.calls())
        self.assertEqual(self.ask(channel, "sync"), 0)
        self.assertEqual(len(channel.calls()), before, "there is nothing new")
        self.assertEqual(self.ask(channel, "sync", "--everything"), 0)
        settle(self.stack)
        self.assertEqual(len(channel.calls()), before + 1)
        self.assertEqual(self.ask(channel, "disable"), 0)
        events = [house.registration, house.booking("b1", unit="villa", arrival=day(10), departure=day(14))]
        house.send(self.stack, events[1])
        settle(self.stack)
        self.assertEqual(len(channel.calls()), before + 1)
        self.assertEqual(other.told()["villa"][day(10)], 0)
        self.assertNotEqual(self.ask(channel, "sync"), 0, "it is disabled")
        self.assertEqual(self.ask(channel, "enable"), 0)
        settle(self.stack)
        model = Remembering()
        [model.apply(event) for event in events]
        check_state(self, channel, model)
        self.fake.fault({"kind": "status", "status": 401})
        self.assertNotEqual(self.ask(channel, "test"), 0, "and says so")
        self.fake.fault()
        self.assertEqual(self.ask(channel, "test"), 0)
        self.assertNotEqual(command(self.stack, "sync", *house.group.split("#"), "nobody")[0], 0)

    def test_a_replay_delivers_what_was_heard_last(self):
        house = self.house("replay", notify=["bellhop.booking.unplaced.v1", "bellhop.cleaning.requested.v1"])
        hook = self.hook(house, "pms", events=["*"]).register(self.stack)
        deaf = self.hook(house, "deaf", events=["bellhop.cleaning.requested.v1"]).register(self.stack)
        settle(self.stack)
        house.send(
            self.stack,
            house.booking("b1", unit="villa", arrival=day(10), departure=day(14)),
            house.booking("b1", 2, "modified", unit="villa", arrival=day(10), departure=day(15)),
            house.booking("b2", unit="villa", arrival=day(12), departure=day(15)),
            house.booking("b3", unit="rooms", arrival=day(12), departure=day(15)),
        )
        settle(self.stack)
        wanted = ("bellhop.cleaning.requested.v1", "bellhop.booking.unplaced.v1")
        heard = {one["id"]: one["body"] for kind in wanted for one in hook.deliveries(kind)}
        self.assertEqual(len(heard), 4)
        # The receiver has lost everything.
        self.fake.world.reset()
        self.assertEqual(self.ask(hook, "replay"), 0)
        settle(self.stack)
        again = {one["id"]: one["body"] for kind in wanted for one in hook.deliveries(kind)}
        first = next(i for i, body in heard.items() if body["subject"] == "booking/b1" and body["data"]["version"] == 1)
        self.assertEqual(again.keys(), heard.keys() - {first}, "the last of each subject and type, under the same ids")
        self.assertEqual({i: body["data"] for i, body in again.items()}, {i: heard[i]["data"] for i in again})
        self.assertEqual(deaf.deliveries(), [], "nobody else hears it again")
        self.assertEqual(self.ask(hook, "replay", "--subject", "booking/b3"), 0)
        settle(self.stack)
        attempts = {one["body"]["subject"]: one["attempts"] for one in hook.deliveries(wanted[0])}
        self.assertEqual(attempts, {"booking/b1": 1, "booking/b3": 2})
