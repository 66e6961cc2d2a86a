"""People at the console, in Debian's Chromium: what they see, what they may do, and that anybody can use it."""

import json
import re
import unittest
from datetime import date, timedelta

import guests
import harness
from events import House
from pages import Visit, browser, quote, stack
from playwright.sync_api import expect

BAD = "stay-departure-before-arrival"


def day(n: int) -> str:
    return str(date.today() + timedelta(n))


class Browser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stack = stack()
        manager = browser()
        cls.chromium = manager.__enter__()
        cls.addClassCleanup(manager.__exit__, None, None, None)

    def visit(self, **kind) -> Visit:
        visit = Visit(self.chromium, **kind)
        self.addCleanup(visit.close)
        return visit

    def house(self, name: str, **units) -> House:
        house = House(name, units or {"suite": 1, "loft": 1, "double": 12})
        house.send(self.stack, house.registered(name=f"House {name}"))
        self.stack.drain()
        return house

    def items(self, house: House) -> list[dict]:
        return json.loads(guests.command(self.stack, "review", "list", "--tenant", house.tenant, "--most", "1000", "--json"))

    def one_bad(self, house: House) -> dict:
        """A booking that leaves before it comes, and newer versions of it."""
        bad = house.booking("b1", 1, unit="suite", arrival=day(3), departure=day(1))
        later = house.booking("b1", 2, "modified", unit="suite", arrival=day(3), departure=day(7))
        house.send(self.stack, bad, later)
        self.stack.drain()
        harness.wait(lambda: self.items(house), 30, "the item")
        return bad

    def test_a_manager_mends_what_failed(self):
        house, other = self.house("mine"), self.house("theirs")
        bad = self.one_bad(house)
        self.one_bad(other)
        visit, live = self.visit(), self.visit()
        calendar = live.sign_in("manager", house.tenant, f"#/t/{house.tenant}/p/{house.property}/calendar/{day(3)[:7]}")
        page = visit.sign_in("manager", house.tenant)
        page.get_by_role("link", name="Review").click()
        items = page.get_by_role("list", name="Items").get_by_role("listitem")
        expect(items).to_have_count(1)
        expect(page.get_by_text(other.tenant)).to_have_count(0)
        visit.picture("review")
        items.get_by_role("link").click()
        expect(page.get_by_role("heading", name="Departure before arrival")).to_be_visible()
        expect(page.get_by_text("/data/departure").first).to_be_visible()
        visit.picture("item")
        page.get_by_role("button", name="Edit and retry").click()
        text = page.get_by_label("The event, as it shall be worked")
        expect(page.get_by_text("1 fault")).to_be_visible()
        text.fill(text.input_value().replace(bad["data"]["departure"], day(5)))
        expect(page.get_by_text("Nothing would be refused")).to_be_visible()
        page.get_by_role("button", name="Review changes").click()
        page.get_by_role("button", name="Send and retry").click()
        expect(page.get_by_text("2 events of its line").first).to_be_visible()
        page.get_by_role("link", name=re.compile("^Review")).first.click()
        expect(page.get_by_text("Nothing waits for a decision")).to_be_visible()
        # The other window was not touched.
        expect(calendar.get_by_text("b1").first).to_be_visible(timeout=20_000)
        live.picture("calendar")
        self.assertEqual(self.items(house), [])
        self.assertEqual(house.state(self.stack, "b1")["version"], 2)
        self.assertEqual(len(self.items(other)), 1)
        self.assertEqual(visit.complaints + live.complaints, [])

    def test_an_operator_discards_many_at_once(self):
        house = self.house("many")
        count = 200
        house.send(self.stack, *(house.booking(f"x{n}", unit="double", arrival=day(3), departure=day(1)) for n in range(count)))
        self.stack.drain(120)
        harness.wait(lambda: len(self.items(house)) == count, 120, f"{count} items")
        visit = self.visit()
        page = visit.sign_in("operator", to=f"#/d/{house.tenant}/review")
        expect(page.get_by_role("button", name="Discard all that fit…")).to_be_disabled()  # never all that waits
        page.get_by_label("Reason").select_option(BAD)
        page.get_by_role("button", name="Discard all that fit…").click()
        expect(page.get_by_test_id("bulk-count")).to_contain_text(f"{count} items")
        self.assertEqual(len(self.items(house)), count, "a dry run")
        page.locator("dialog textarea").fill("posted by mistake")
        page.get_by_role("button", name=f"Discard {count} items").click()
        expect(page.get_by_role("progressbar")).to_be_visible()
        expect(page.get_by_text(f"{count} items discarded")).to_be_visible(timeout=120_000)
        self.stack.drain()
        self.assertEqual(self.items(house), [])
        self.assertEqual(visit.complaints, [])

    def test_a_viewer_decides_nothing(self):
        house = self.house("looked")
        self.one_bad(house)
        (item,) = self.items(house)
        visit = self.visit()
        page = visit.sign_in("viewer", house.tenant, f"#/d/{house.tenant}/review")
        expect(page.get_by_role("list", name="Items").get_by_role("listitem")).to_have_count(1)
        expect(page.get_by_role("checkbox", name="Select")).to_have_count(0)
        expect(page.get_by_role("link", name="Queues")).to_have_count(0)
        visit.go(f"d/{house.tenant}/review/{item['id']}")
        expect(page.get_by_text("Deciding is for managers and operators")).to_be_visible()
        for name in ("Retry", "Edit and retry", "Discard"):
            expect(page.get_by_role("button", name=name)).to_have_count(0)
        token = page.evaluate("JSON.parse(sessionStorage.getItem('bellhop.session')).token")
        for act in ("retry", "edit", "discard"):
            answer = page.request.post(
                f"{visit.url}api/desks/{house.tenant}/review/{item['id']}/{act}",
                data={"edit": {"body": "{}"}, "discard": {"reason": "x"}}.get(act, {}),
                headers={"Authorization": f"Bearer {token}"},
            )
            self.assertEqual(answer.status, 403, act)
        self.assertEqual(len(self.items(house)), 1)

    def test_anybody_can_use_every_page(self):
        house = self.house("pages")
        self.one_bad(house)
        stays = [house.booking(f"s{n}", unit="double", arrival=day(n % 9), departure=day(n % 9 + 3)) for n in range(30)]
        stays += [house.booking("l1", unit="loft", arrival=day(0), departure=day(4)), house.booking("l2", unit="loft", arrival=day(2), departure=day(6))]
        house.send(self.stack, *stays)
        self.stack.drain()
        (item, *_) = [item for item in self.items(house) if item["reason"] == BAD]
        place = f"t/{house.tenant}/p/{house.property}"
        paths = {
            "dashboard": f"t/{house.tenant}/dashboard", "property": f"{place}/dashboard", "month": f"{place}/calendar/{day(0)[:7]}",
            "board": f"{place}/board/{day(0)}", "list": f"d/{house.tenant}/review", "cause": f"d/{house.tenant}/review/{quote(item['id'])}",
            "holds": f"t/{house.tenant}/holds", "queues": "queues", "tenants": "tenants", "unknown": "t/nobody-here/dashboard",
        }  # fmt: skip
        for size in ("desktop", "phone"):
            for scheme in ("light", "dark"):
                visit = self.visit(size=size, scheme=scheme)
                visit.page.goto(visit.url)
                visit.page.get_by_role("button", name="Sign in").wait_for()
                self.assertEqual((size, scheme, "sign-in", visit.axe()), (size, scheme, "sign-in", []))
                page = visit.sign_in("operator")
                for name, path in paths.items():
                    with self.subTest(page=name, size=size, scheme=scheme):
                        visit.received = 0
                        visit.go(path)
                        page.reload()
                        page.get_by_role("heading", level=1).wait_for()
                        expect(page.get_by_text("Loading")).to_have_count(0)
                        self.assertEqual(visit.axe(), [])
                        self.assertFalse(visit.is_too_wide(), "it scrolls sideways")
                        self.assertLess(visit.received, 200_000)
                        if size == "desktop":
                            visit.picture(f"{name}-{scheme}" if scheme == "dark" else name)
                        elif scheme == "light":
                            visit.picture(f"{name}-phone")
                self.assertEqual([c for c in visit.complaints if "404" not in c], [])
                visit.close()


if __name__ == "__main__":
    unittest.main()
