"""Each page, light and dark, on a desk and on a phone: no violation of accessibility that axe finds, nothing wider than the
screen, nothing that the browser complains about; and all of it small."""

import unittest
from importlib.resources import files

from playwright.sync_api import Page, expect

import console
from bellhop_cloud.settings import ROOT
from browser import DESKTOP, PHONE, tab
from season import Season

KEEP = False  # whether to renew the images that the documents show
IMAGES = ROOT / "docs" / "images"
AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
LARGEST = 200_000  # bytes over the wire, from nothing to a dashboard

FOUND = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? '')).join(' | ')}`);
}"""
TOO_WIDE = "() => document.documentElement.scrollWidth - window.innerWidth"
# What moves is judged when it has arrived.
AT_REST = "() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => {})))"


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.season = Season()

    def look(self, page: Page, name: str):
        """Four looks at what is there."""
        if page.evaluate("() => typeof axe") == "undefined":
            page.evaluate(AXE)
        for size, viewport in (("desktop", DESKTOP), ("phone", PHONE)):
            page.set_viewport_size(viewport)
            for scheme in ("light", "dark"):
                page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                page.evaluate(AT_REST)
                with self.subTest(page=name, size=size, scheme=scheme):
                    self.assertEqual(page.evaluate(FOUND), [])
                    self.assertLessEqual(page.evaluate(TOO_WIDE), 0, "wider than the screen")
        page.set_viewport_size(DESKTOP)
        page.emulate_media(color_scheme="light")

    def keep(self, page: Page, name: str, viewport: dict = DESKTOP, scheme: str = "light"):
        if not KEEP:
            return
        page.set_viewport_size(viewport)
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate("() => { document.activeElement?.blur(); window.scrollTo(0, 0); }")
        IMAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")
        page.set_viewport_size(DESKTOP)
        page.emulate_media(color_scheme="light")

    def test_signing_in(self):
        with tab() as seen:
            page = seen.page
            page.goto(console.base())
            seen.heading("Sign in")
            self.look(page, "sign-in")
            page.get_by_role("button", name="Sign in").click()
            seen.heading("Sign in for development")
            self.look(page, "the issuer's page")

    def test_what_a_manager_sees(self):
        tenant, first = self.season.tenant, self.season.first.property
        waits = next(item for item in self.season.items if item["subject"] == "booking/B910")
        with tab() as seen:
            page = seen.sign_in("manager", tenant).page
            seen.live()
            expect(page.get_by_test_id("tile-review")).to_contain_text("5")
            self.look(page, "dashboard")
            self.keep(page, "console-dashboard")
            self.keep(page, "console-dashboard-dark", scheme="dark")
            self.keep(page, "console-phone", PHONE)
            page.set_viewport_size(PHONE)
            page.get_by_role("button", name="Menu").click()
            expect(page.get_by_role("navigation", name="Main")).to_be_visible()
            self.look(page, "menu")

            self.visit(seen, f"#/t/{tenant}/p/{first}/dashboard", "property")
            self.visit(seen, f"#/t/{tenant}/p/{first}/calendar", "calendar")
            self.keep(page, "console-calendar")
            page.get_by_role("button", name="As a list").click()
            expect(page.get_by_role("table").first).to_be_visible()
            self.look(page, "calendar as a list")
            page.get_by_role("button", name="As a picture").click()
            self.visit(seen, f"#/t/{tenant}/p/dune-inn/calendar", "calendar of room types")
            self.visit(seen, f"#/t/{tenant}/p/{first}/board", "board")
            self.keep(page, "console-board")
            self.visit(seen, f"#/t/{tenant}/holds", "holds")

            self.visit(seen, f"#/d/{tenant}/review", "review")
            self.keep(page, "console-review")
            page.get_by_role("checkbox", name="Select all shown").check()
            self.look(page, "review with a choice")
            page.get_by_role("button", name="Discard 5 selected").click()
            expect(page.get_by_test_id("bulk-count")).to_be_visible()
            self.look(page, "many at once")
            page.keyboard.press("Escape")
            self.visit(seen, f"#/d/{tenant}/review?q=nothing-like-that", "review without items")

            self.visit(seen, f"#/d/{tenant}/review/{waits['id']}", "item")
            self.keep(page, "console-item")
            page.get_by_role("button", name="Raw").click()
            self.look(page, "item as it came")
            page.get_by_role("button", name="Discard").click()
            expect(page.get_by_role("dialog")).to_be_visible()
            self.look(page, "discard")
            page.get_by_role("button", name="Cancel").click()
            page.get_by_role("button", name="Edit and retry").click()
            expect(page.get_by_text("1 fault", exact=True)).to_be_visible()
            self.look(page, "editor")
            self.keep(page, "console-editor")
            text = page.get_by_label("The event, as it shall be worked")
            text.fill(text.input_value().replace("2020-01-01", "2039-01-01"))
            page.get_by_role("button", name="Review changes").click()
            expect(page.get_by_role("heading", name="What changes")).to_be_visible()
            self.look(page, "changes")

            seen.go("#/nowhere")
            seen.heading("No such page")
            self.look(page, "no such page")

    def test_what_an_operator_sees(self):
        with tab() as seen:
            page = seen.sign_in("operator").page
            expect(page.get_by_role("table", name="Tenants")).to_contain_text(self.season.tenant)
            self.look(page, "tenants")
            self.visit(seen, "#/queues", "queues")
            self.keep(page, "console-queues")
            self.visit(seen, "#/d/~/review", "what names no tenant")
            page.get_by_role("button", name="Tenant:").click()
            expect(page.get_by_role("dialog").get_by_role("listitem").first).to_be_visible()
            self.look(page, "choice of a tenant")

    def test_what_is_not_there(self):
        with tab(allowed="status of 404") as seen:
            page = seen.sign_in("viewer", self.season.tenant).page
            seen.go(f"#/d/{self.season.tenant}/review/r0")
            expect(page.get_by_role("alert")).to_contain_text("There is nothing here.")
            self.look(page, "an item that is not there")

    def visit(self, seen, address: str, name: str):
        seen.go(address)
        seen.live()
        expect(seen.page.get_by_text("Loading")).to_have_count(0)
        self.look(seen.page, name)

    def test_all_of_it_is_small(self):
        with tab() as seen:
            network = seen.page.context.new_cdp_session(seen.page)
            urls, sizes = {}, {}
            network.on("Network.responseReceived", lambda event: urls.update({event["requestId"]: event["response"]["url"]}))
            network.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
            network.send("Network.enable")
            seen.sign_in("manager", self.season.tenant).live()
            ours = {request: url for request, url in urls.items() if url.startswith(console.base())}
            self.assertGreater(len(ours), 10)
            self.assertLess(sum(sizes.get(request, 0) for request in ours), LARGEST)


if __name__ == "__main__":
    unittest.main()
