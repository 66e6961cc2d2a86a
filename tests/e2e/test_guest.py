"""A guest is erased by the shipped command from all that the functions have stored: nothing of them is left, the nights stand, and
what waited for a person is worked."""

import json
import unittest

import guests
import harness
from events import House, again


class Guest(unittest.TestCase):
    def test_a_guest_goes_and_the_calendar_stands(self):
        stack = harness.stack("guest", guests=True, review=True, dashboard=True, AttemptBudget=3)
        house = House("forget").register(stack)
        ana = {"name": f"Ana Querido {house.token}", "email": f"ana.{house.token}@guests.example", "phone": "+351 912 000 777"}
        booked = house.booking("b1", guest=ana)
        bad = house.booking("b2", guest=ana, unit="rooms", departure="2031-04-01")
        behind = house.booking("b2", 2, "modified", guest=ana, unit="rooms")
        house.send(stack, booked, bad, behind, house.booking("b3", unit="u2", guest=guests.guest(house, "b3")))
        stack.drain()
        (item,) = harness.wait(lambda: self.items(stack, house), 30, lambda: f"an item; {stack.last_lines()}")
        nights = house.months(stack)
        self.assertGreater(len(self.holding(stack, house, *ana.values())), 2, "stored, or the test shows nothing")

        erase = ["guest", "erase", "--tenant", house.tenant, "--mail", ana["email"], "--as", "olga", "--json"]
        plan = json.loads(guests.command(stack, *erase, "--dry-run"))
        self.assertEqual((plan["dry_run"], plan["bookings"]), (True, [f"{house.property}/b1", f"{house.property}/b2"]))
        self.assertIn("nothing was erased", guests.command(stack, *erase, stdin="something else\n", code=1))
        self.assertGreater(len(self.holding(stack, house, *ana.values())), 2)
        done = json.loads(guests.command(stack, *erase, "--because", "asked to be forgotten", "--yes"))
        self.assertEqual((done["left"], self.holding(stack, house, *ana.values())), ([], []))
        self.assertEqual(house.months(stack), nights)
        self.assertEqual(json.loads(guests.command(stack, *erase, "--yes"))["erased"], {}, "the second time there is nothing")
        (entry,) = json.loads(guests.command(stack, "guest", "erasures", "--tenant", house.tenant, "--json"))
        self.assertEqual((entry["by"], entry["because"]), ("olga", "asked to be forgotten"))

        # The same event is still known, and what is mended applies with what waited behind it.
        house.send(stack, again(booked))
        mended = json.loads(guests.command(stack, "review", "show", item["id"], "--json"))["body"]
        mended = mended if isinstance(mended, dict) else json.loads(mended)
        mended["data"]["departure"] = "2031-05-03"
        guests.command(stack, "review", "edit", item["id"], stdin=json.dumps(mended))
        stack.drain()
        self.assertEqual(house.state(stack, "b2")["version"], 2)
        self.assertEqual(stack.outcomes(event=booked["id"])["duplicate"], 1)
        self.assertEqual((self.items(stack, house), house.left_waiting(stack)), ([], []))
        self.assertEqual(self.holding(stack, house, *ana.values()), [])
        self.assertEqual(house.state(stack, "b3")["guest"], guests.guest(house, "b3"), "another guest")

    def items(self, stack, house: House) -> list[dict]:
        return json.loads(guests.command(stack, "review", "list", "--tenant", house.tenant, "--json"))

    def holding(self, stack, house: House, *strings: str) -> list[str]:
        """The keys of the tenant's items in which one of the strings can be read. Bodies of review items are zipped: asked for by name."""
        pages = stack.dynamodb.get_paginator("scan").paginate(TableName=stack.table, ConsistentRead=True)
        items = [item for page in pages for item in page["Items"]]
        bodies = [guests.command(stack, "review", "show", item["id"], "--json") for item in self.items(stack, house)]
        found = [f"{item['pk']['S']} {item['sk']['S']}" for item in items if any(text in repr(item) for text in strings)]
        return found + ["a body" for body in bodies if any(text in body for text in strings)]


if __name__ == "__main__":
    unittest.main()
