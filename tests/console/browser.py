"""A browser, and what people do in it. Everything is found as people find it: by role, name and text."""

import contextlib
import functools
import os
import re

from playwright.sync_api import Browser, Locator, Page, Playwright, expect, sync_playwright

import console

DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}
expect.set_options(timeout=20_000)


@functools.cache
def _playwright() -> Playwright:
    return sync_playwright().start()


@functools.cache
def chromium() -> Browser:
    return _playwright().chromium.launch(executable_path=os.environ["BELLHOP_CHROMIUM"])


def close():
    if chromium.cache_info().currsize:
        chromium().close()
        _playwright().stop()


class Tab:
    """A page of its own, with whatever it complains about: an error in the console is a failure, unless it is expected."""

    def __init__(self, page: Page):
        self.page, self.trouble = page, []
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.on("console", lambda line: line.type in ("error", "warning") and self.trouble.append(f"{line.text} ({line.location})"))

    def sign_in(self, role: str, tenant: str = ""):
        """Comes to the dashboard or the list of tenants."""
        page = self.page
        page.goto(console.base())
        page.get_by_role("button", name="Sign in").click()
        if tenant:
            page.get_by_label(f"Tenant of the {role}").fill(tenant)
        page.get_by_role("button", name=role.capitalize(), exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Tenants" if role == "operator" else "Dashboard")
        return self

    def go(self, hash_: str):
        """To a page of the console, without loading it anew."""
        self.page.evaluate("hash => { location.hash = hash }", hash_)

    def heading(self, text: str | re.Pattern) -> Locator:
        found = self.page.get_by_role("heading", level=1, name=text)
        expect(found).to_be_visible()
        return found

    def live(self):
        """Waits until what is shown has been read."""
        expect(self.page.get_by_test_id("live")).to_contain_text("Live")


@contextlib.contextmanager
def tab(viewport: dict = DESKTOP, allowed: str | None = None, **options):
    """A tab in a browser without a past. `allowed`: a pattern of the complaints that are expected."""
    context = chromium().new_context(viewport=viewport, locale="en-GB", timezone_id="Europe/Lisbon", **options)
    try:
        opened = Tab(context.new_page())
        yield opened
        unexpected = [line for line in opened.trouble if not (allowed and re.search(allowed, line))]
        assert not unexpected, unexpected
    finally:
        context.close()
