"""A manager signs in, finds what could not be done, mends it, and sees the calendar change."""

import json
import re
import unittest

from playwright.sync_api import expect

import console
from browser import tab
from console import BAD

DENIED = r"status of 404"


class Manager(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house, cls.item = console.with_bad_booking("ours")
        cls.other, cls.others_item = console.with_bad_booking("theirs")

    def test_mends_a_booking_and_sees_the_calendar_change(self):
        tenant, house = self.house.tenant, self.house
        with tab() as desk, tab() as wall:
            wall.sign_in("manager", tenant).go(f"#/t/{tenant}/p/{house.property}/calendar/2031-05")
            expect(wall.page.get_by_title(re.compile("^b0: "))).to_be_visible()
            expect(wall.page.get_by_title(re.compile("^b1: "))).to_have_count(0)
            expect(wall.page.get_by_role("heading", name="Subjects that wait")).to_be_visible()
            wall.page.evaluate("() => { window.stayed = true }")

            page = desk.sign_in("manager", tenant).page
            self.assertNotIn("code=", page.url)
            expect(page.get_by_test_id("tile-review")).to_contain_text("1")
            page.get_by_role("navigation", name="Main").get_by_role("link", name="Review").click()
            row = page.get_by_role("list", name="Items").get_by_role("listitem")
            expect(row).to_have_count(1)
            row.get_by_role("link", name="booking/b1").click()
            desk.heading("Departure before arrival")
            self.read_the_cause(page)
            self.edit(page)
            expect(page.get_by_text("Edited and retried.").first).to_be_visible()

            bar = wall.page.get_by_title(re.compile("^b1: 1 May to 7 May"))
            expect(bar).to_be_visible()
            expect(wall.page.get_by_role("heading", name="Subjects that wait")).to_have_count(0)
            self.assertTrue(wall.page.evaluate("() => window.stayed"), "the page was not loaded anew")

            page.get_by_role("link", name="Back to the list").click()
            expect(page.get_by_text("Nothing waits for a decision")).to_be_visible()
            page.get_by_role("navigation", name="Main").get_by_role("link", name="Dashboard").click()
            expect(page.get_by_test_id("tile-review")).to_contain_text(re.compile(r"^\D*0"))
        self.assertEqual(self.house.state(console.stack(), "b1")["version"], 3)
        [decided] = [console.call(f"api/desks/{tenant}/review/{self.item['id']}", console.fresh("operator")).json["item"]]
        self.assertEqual((decided["state"], decided["act"]["by"]), ("edited", f"Manager of {tenant} (dev-manager+{tenant})"))

    def read_the_cause(self, page):
        cause = page.get_by_role("region", name="Cause")
        expect(cause).to_contain_text("2031-04-01")
        expect(cause).to_contain_text("/data/departure")
        behind = page.get_by_role("region", name="Waits behind it")
        expect(behind).to_contain_text("2 events of the same subject")
        expect(behind.get_by_role("row")).to_have_count(3)
        expect(page.get_by_role("region", name="Event", exact=True)).to_contain_text("expected")
        expect(page.get_by_role("region", name="Help")).to_contain_text(BAD)

    def edit(self, page):
        page.get_by_role("button", name="Edit and retry").click()
        text = page.get_by_label("The event, as it shall be worked")
        expect(page.get_by_text("1 fault", exact=True)).to_be_visible()
        expect(page.get_by_role("button", name="Review changes")).to_be_disabled()
        before = text.input_value()
        self.assertEqual(json.loads(before)["data"]["departure"], "2031-04-01")
        text.fill(before.replace("{", "", 1))
        expect(page.get_by_text(re.compile("expected JSON"))).to_be_visible()
        text.fill(before.replace("2031-04-01", "2031-05-04"))
        expect(page.get_by_text("Nothing would be refused.")).to_be_visible()
        page.get_by_role("button", name="Review changes").click()
        expect(page.get_by_text("2031-05-04").first).to_be_visible()
        page.get_by_role("button", name="Send and retry").click()

    def test_sees_one_tenant_and_nothing_of_another(self):
        ours, theirs = self.house.tenant, self.other
        addresses = (
            f"#/t/{theirs.tenant}/dashboard", f"#/t/{theirs.tenant}/p/{theirs.property}/dashboard", f"#/t/{theirs.tenant}/p/{theirs.property}/calendar",
            f"#/t/{ours}/p/{theirs.property}/calendar", f"#/t/{theirs.tenant}/holds", f"#/d/{theirs.tenant}/review",
            f"#/d/{theirs.tenant}/review/{self.others_item['id']}", f"#/d/{ours}/review/{self.others_item['id']}", "#/d/~/review",
        )  # fmt: skip
        with tab(allowed=DENIED) as seen:
            page = seen.sign_in("manager", ours).page
            expect(page.get_by_role("link", name="Queues")).to_have_count(0)
            expect(page.get_by_role("link", name="Tenants")).to_have_count(0)
            for address in addresses:
                with self.subTest(address=address):
                    seen.go(address)
                    expect(page.get_by_role("alert").first).to_contain_text("There is nothing here.")
                    self.assertNotIn("2031-04-01", page.locator("main").inner_text())
            for address in ("#/queues", "#/tenants"):
                seen.go(address)
                seen.heading("No such page")

    def test_signs_out_and_leaves_nothing_behind(self):
        with tab() as seen:
            page = seen.sign_in("manager", self.house.tenant).page
            page.get_by_role("button", name="Sign out").click()
            seen.heading("Sign in")
            self.assertEqual(page.evaluate("() => sessionStorage.getItem('bellhop.session')"), None)
            self.assertEqual(page.context.cookies(), [])
            page.go_back()
            page.goto(f"{console.base()}#/t/{self.house.tenant}/dashboard")
            seen.heading("Sign in")


if __name__ == "__main__":
    unittest.main()
