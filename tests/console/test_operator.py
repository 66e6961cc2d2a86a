"""An operator sees all tenants, and decides on many items at once."""

import re
import unittest

from playwright.sync_api import expect

import console
from browser import tab
from console import BAD
from events import House

MANY = 200
# What stands in the progress bar, whenever it changes.
WATCH = """() => {
  window.seen = [];
  new MutationObserver(() => {
    const bar = document.querySelector('dialog progress');
    if (bar && window.seen.at(-1) !== bar.value) window.seen.push(bar.value);
  }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
}"""


class Operator(unittest.TestCase):
    def test_discards_two_hundred_items_after_a_look(self):
        stack = console.stack()
        house = House("many").register(stack)
        bystander, _ = console.with_bad_booking("bystander")
        house.send(stack, *(house.booking(f"b{n}", departure="2031-04-01") for n in range(MANY)))
        stack.drain(console.WAIT_SECONDS)
        console.items(house.tenant, MANY)
        with tab() as desk:
            page = desk.sign_in("operator").page
            desk.go(f"#/d/{house.tenant}/review?code={BAD}")
            expect(page.get_by_text("50 items shown, there are more.")).to_be_visible()
            page.get_by_role("button", name="Discard all that fit").click()
            dialog = page.get_by_role("dialog", name="Discard all that fit the filter")
            expect(dialog.get_by_test_id("bulk-count")).to_contain_text(f"{MANY} items will be left out for good")
            self.assertEqual(console.stats(house.tenant)["open"], MANY, "so far somebody only looked")

            go = dialog.get_by_role("button", name=f"Discard {MANY} items")
            go.click()
            expect(dialog.get_by_label("Reason")).to_be_focused()
            self.assertEqual(console.stats(house.tenant)["open"], MANY, "not without a reason")
            page.evaluate(WATCH)
            dialog.get_by_label("Reason").fill("Posted by mistake")
            go.click()
            expect(dialog.get_by_text(f"{MANY} items discarded.")).to_be_visible(timeout=60_000)
            steps = page.evaluate("() => window.seen")
            self.assertEqual(steps, sorted(steps), "it only grows")
            self.assertGreaterEqual(len([step for step in steps if 0 < step < MANY]), 3, steps)
            dialog.get_by_role("button", name="Close").last.click()
            expect(page.get_by_text(re.compile("Nothing waits for a decision|Nothing fits the filter"))).to_be_visible()
        self.assertEqual(console.stats(house.tenant)["open"], 0)
        self.assertEqual(console.stats(bystander.tenant)["open"], 1, "another tenant's items stay")
        stack.drain(console.WAIT_SECONDS)
        self.assertEqual(house.left_waiting(stack), [])

    def test_decides_on_what_is_selected_alone(self):
        stack = console.stack()
        house = House("some").register(stack)
        house.send(stack, *(house.booking(f"b{n}", departure="2031-04-01") for n in range(3)))
        stack.drain(console.WAIT_SECONDS)
        console.items(house.tenant, 3)
        with tab() as desk:
            page = desk.sign_in("operator").page
            page.get_by_role("link", name=house.tenant, exact=True).click()
            desk.heading("Dashboard")
            page.get_by_role("navigation", name="Main").get_by_role("link", name="Review").click()
            for subject in ("booking/b0", "booking/b2"):
                page.get_by_role("checkbox", name=re.compile(f"^Select .*{subject}$")).check()
            page.get_by_role("button", name="Discard 2 selected").click()
            dialog = page.get_by_role("dialog")
            expect(dialog.get_by_test_id("bulk-count")).to_contain_text("2 items")
            dialog.get_by_label("Reason").fill("Posted by mistake")
            dialog.get_by_role("button", name="Discard 2 items").click()
            expect(dialog.get_by_text("2 items discarded.")).to_be_visible()
            dialog.get_by_role("button", name="Close").last.click()
            expect(page.get_by_role("list", name="Items").get_by_role("listitem")).to_have_count(1)
        [left] = console.items(house.tenant, 1)
        self.assertEqual(left["subject"], "booking/b1")

    def test_sees_tenants_queues_and_what_names_no_tenant(self):
        stack = console.stack()
        house = House("nameless").register(stack)
        house.send(stack, f"no json at all, {house.token}")
        stack.drain(console.WAIT_SECONDS)
        with tab() as desk:
            page = desk.sign_in("operator").page
            expect(page.get_by_role("table", name="Tenants")).to_contain_text(house.tenant)
            page.get_by_role("searchbox", name="Search tenants").fill(house.tenant)
            expect(page.get_by_role("table", name="Tenants").get_by_role("row")).to_have_count(2)
            page.get_by_role("link", name="What names no tenant").click()
            expect(page.get_by_role("list", name="Items").get_by_text("Not JSON").first).to_be_visible()
            page.get_by_role("link", name="Queues").click()
            expect(page.get_by_role("table", name="Queues")).to_contain_text("operational-calendar")


if __name__ == "__main__":
    unittest.main()
