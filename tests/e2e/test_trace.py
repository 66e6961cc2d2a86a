"""One command shows what an event caused, through all functions."""

import json
import unittest

import guests
import harness
from events import House, again


class Trace(unittest.TestCase):
    def test_from_a_booking_to_the_mail(self):
        stack = guests.guests_stack()
        house = House("trace").register(stack)
        rule = {"id": "extra", "on": "pms.booking.created.v1", "then": {"message": "pre-arrival"}}
        guests.save_rules(stack, house, rule)
        event = house.booking("b1", guest=guests.guest(house, "b1"))
        house.send(stack, event, again(event))
        stack.drain()
        self.assertEqual(len(guests.mails(house, "b1")), 2)
        arguments = ("trace", event["id"], *guests.place(house), "--since", "1h")

        def tree():
            found = json.loads(guests.command(stack, *arguments, "--json") or "{}")
            return found if len(self.steps(found["root"])) >= 5 else None

        found = harness.wait(tree, 30, "the log lines")
        self.assertEqual((found["event"], found["loose"]), (event["id"], []))
        paths = {" < ".join(reversed(path)) for path in self.paths(found["root"])}
        created, changed = "pms.booking.created.v1 calendar", "bellhop.booking.changed.v1 automation"
        message = "bellhop.guest.message.requested.v1 notifications"
        self.assertLessEqual({f"{message} < {created}", f"{message} < {changed} < {created}"}, paths)
        picture = guests.command(stack, *arguments)
        for word in ("calendar", "automation", "notifications", "a duplicate", found["trace"]):
            self.assertIn(word, picture)
        self.assertNotIn("@", picture)

    def steps(self, node: dict) -> list[dict]:
        return node["steps"] + [step for child in node["caused"] for step in self.steps(child)]

    def paths(self, node: dict) -> list[list[str]]:
        own = f"{node['type'] if 'type' in node else node['kind']} {node['steps'][-1]['function']}"
        return [[own], *([own, *path] for child in node["caused"] for path in self.paths(child))]
