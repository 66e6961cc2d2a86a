"""A viewer looks, and decides nothing: neither in the pages nor by hand."""

import re
import unittest

from playwright.sync_api import expect

import console
from browser import tab


class Viewer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.house, cls.item = console.with_bad_booking("viewed")

    def test_has_no_button_that_decides(self):
        tenant = self.house.tenant
        with tab() as seen:
            page = seen.sign_in("viewer", tenant).page
            page.get_by_role("navigation", name="Main").get_by_role("link", name="Review").click()
            expect(page.get_by_role("list", name="Items").get_by_role("listitem")).to_have_count(1)
            decides = page.get_by_role("button", name=re.compile("Retry|Discard|Edit"))
            expect(decides).to_have_count(0)
            expect(page.get_by_role("checkbox", name=re.compile("^Select"))).to_have_count(0)
            page.get_by_role("link", name="booking/b1").click()
            expect(page.get_by_role("region", name="Cause")).to_contain_text("2031-04-01")
            expect(page.get_by_text("You may read this. Deciding is for managers and operators.")).to_be_visible()
            expect(decides).to_have_count(0)

    def test_is_refused_by_hand_too(self):
        desk, bearer = f"api/desks/{self.house.tenant}/review", console.fresh("viewer", self.house.tenant)
        acts = {
            f"{self.item['id']}/retry": {}, f"{self.item['id']}/edit": {"body": "{}"}, f"{self.item['id']}/discard": {"reason": "r"},
            "bulk": {"act": "discard", "reason": "r", "dry_run": False}, "nothing-like-that/retry": {},
        }  # fmt: skip
        for path, body in acts.items():
            with self.subTest(path=path):
                answer = console.call(f"{desk}/{path}", bearer, body)
                expected = (404, "not-found") if path.startswith("nothing") else (403, "not-allowed")
                self.assertEqual((answer.status, answer.code), expected)
        self.assertIn("viewer", console.call(f"{desk}/bulk", bearer, acts["bulk"]).json["error"]["message"])
        self.assertEqual(console.call("api/queues", bearer).status, 403)
        shown = console.call(f"{desk}/{self.item['id']}", bearer)
        self.assertEqual((shown.status, shown.json["may"], shown.json["item"]["act"]), (200, [], None))
        checked = console.call(f"{desk}/check", bearer, {"queue": self.item["queue"], "body": shown.json["body"]})
        self.assertEqual([fault["pointer"] for fault in checked.json["faults"]], ["/data/departure"])


if __name__ == "__main__":
    unittest.main()
