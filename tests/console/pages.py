"""The console in a browser, and the stack behind it."""

import os
import urllib.parse
from contextlib import contextmanager
from importlib.resources import files

import harness
from bellhop_cloud import settings
from playwright.sync_api import Error, Page, sync_playwright

SCREENSHOTS = False
IMAGES = settings.ROOT / "docs" / "images"
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
SHOWN = {"dashboard", "item", "month", "cause-phone"}  # in README
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}


def stack():
    return harness.stack("console", review=True, dashboard=True, AttemptBudget=3)


@contextmanager
def browser():
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ["BELLHOP_CHROMIUM"], args=["--no-sandbox"])
        try:
            yield chromium
        finally:
            chromium.close()


class Visit:
    """A person at the console: a context of their own, and what the page complained of."""

    def __init__(self, chromium, scheme: str = "light", size: str = "desktop"):
        width, height = SIZES[size]
        self.context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.complaints: list[str] = []
        self.received = 0
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("response", self._weigh)
        self.url = stack().outputs["ConsoleUrl"]

    def _weigh(self, response):
        if not response.url.startswith(self.url) or response.status != 200:
            return
        try:
            self.received += response.request.sizes()["responseBodySize"]
        except Error:  # a poll that was under way when the page was closed
            if not self.page.is_closed():
                raise

    def sign_in(self, role: str, tenants: str = "", to: str = ""):
        self.page.goto(self.url + to)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.get_by_label("Tenants").fill(tenants)
        self.page.get_by_role("button", name=role.capitalize()).click()
        self.page.locator("nav").first.wait_for(state="attached")  # behind a button on a phone
        return self.page

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.url}#/{path}")
        return self.page

    def axe(self) -> list[str]:
        """What axe finds on the page as it is."""
        found = self.page.evaluate(AXE + ";axe.run(document, {resultTypes: ['violations']})")["violations"]
        return [f"{each['id']}: {[node['target'] for node in each['nodes'][:3]]}" for each in found]

    def is_too_wide(self) -> bool:
        return self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")

    def picture(self, name: str):
        if SCREENSHOTS and name in SHOWN:
            IMAGES.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=IMAGES / f"{name}.png", full_page=False)

    def close(self):
        self.context.close()


def quote(text: str) -> str:
    return urllib.parse.quote(text, safe="")


