"""Chromium for the tests of the page: opens pages, and keeps what they asked for and complained about."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

pytest.importorskip("starlette", reason="the server of the page is not installed: pip install 'gankit[watch]'")
pytest.importorskip("playwright.sync_api", reason="Playwright, which drives the browser, is not installed")

from playwright.sync_api import Browser, Locator, Page, Request, expect, sync_playwright

PATIENCE_S = 30.0
TIME = "Time: real samples shown"
GONE = "net::ERR_INTERNET_DISCONNECTED"

# What no page may do is said in its console, where it is kept with everything else.
LISTENER = """
addEventListener("securitypolicyviolation", (e) => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`));
window.pressed = new Set();
window.nameOf = (node) => (node.getAttribute("aria-label") || node.textContent).trim();
for (const kind of ["click", "change"]) addEventListener(kind, (e) => {
  const node = e.target.closest?.("button, a, summary, select");
  if (node) window.pressed.add(window.nameOf(node));
}, true);
"""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser that is installed; the test is skipped where there is none."""
    path = next((b for b in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if b), None)
    if path is None:
        pytest.skip("no Chromium is installed")
    expect.set_options(timeout=PATIENCE_S * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A tab of a browser of its own, at the address of a server; what it said, asked for, and showed as alerts.

    expected: patterns of complaints that belong to the test.
    """

    def __init__(self, browser: Browser, base: str, width: int = 1280, **options: Any) -> None:
        self.base, self.expected = base, list[str]()
        self.said, self.asked, self.alerts = list[str](), list[str](), list[str]()
        self.underway, self.most_underway = set[Request](), 0
        size: Any = {"width": width, "height": 900}
        self.context = browser.new_context(viewport=size, locale="en-GB", **options)
        self.context.set_default_timeout(PATIENCE_S * 1000)
        self.context.add_init_script(LISTENER)
        self.context.on("page", self._heard)
        self.context.on("request", self._asks)
        self.context.on("requestfinished", lambda request: self.underway.discard(request))
        self.context.on("requestfailed", lambda request: self.underway.discard(request))
        self.page = self.context.new_page()

    def _heard(self, page: Page) -> None:
        def dismissed(dialog: Any) -> None:
            self.alerts.append(dialog.message)
            dialog.dismiss()

        page.on("console", lambda m: self.said.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.said.append(f"{error} {error.stack}"))
        page.on("dialog", dismissed)

    def _asks(self, request: Request) -> None:
        self.asked.append(request.url)
        if not request.url.endswith("/events"):
            self.underway.add(request)
        previews = sum("/previews/" in one.url for one in self.underway)
        self.most_underway = max(self.most_underway, previews)

    def to(self, path: str) -> Page:
        """The page at a path of the server."""
        # a change behind "#" alone would not load the page
        self.page.goto("about:blank")
        self.page.goto(self.base + path)
        return self.page

    def settle(self) -> None:
        """Waits until everything that was asked for has come."""
        calm, deadline = 0, time.monotonic() + PATIENCE_S
        while calm < 3:
            assert time.monotonic() < deadline, [request.url for request in self.underway]
            self.page.wait_for_timeout(40)
            calm = 0 if self.underway else calm + 1

    def run(self, name: str, state: str = "") -> Page:
        """The page of a run, once it shows what it has."""
        page = self.to(f"/run/{quote(name)}{'#' if state else ''}{state}")
        page.get_by_role("heading", level=1, name=name, exact=True).wait_for()
        expect(page.get_by_role("main")).to_have_attribute("aria-busy", "false")
        return page

    def button(self, name: str, within: Page | Locator | None = None) -> Locator:
        """The button of a name."""
        return (within or self.page).get_by_role("button", name=name, exact=True)

    def slider(self) -> Locator:
        """The time bar."""
        return self.page.get_by_role("slider", name=TIME)

    def at(self) -> int:
        """The samples of the step that is shown."""
        return int(self.slider().get_attribute("aria-valuenow") or -1)

    def last(self) -> int:
        """The samples of the last step there is."""
        return int(self.slider().get_attribute("aria-valuemax") or -1)

    def drag(self, begin: float, end: float, moves: int = 8) -> None:
        """Drags the time bar from one share of its width to another, with the mouse."""
        box = self.slider().bounding_box()
        assert box is not None
        y = box["y"] + 30
        self.page.mouse.move(box["x"] + begin * box["width"], y)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + end * box["width"], y, steps=moves)
        self.page.mouse.up()

    def until(self, true: Callable[[], Any], what: str = "") -> None:
        """Waits until something is true."""
        deadline = time.monotonic() + PATIENCE_S
        while not true():
            assert time.monotonic() < deadline, f"{what} {self.page.url} {self.said}"
            self.page.wait_for_timeout(30)

    def linked(self, entry: str) -> str:
        """The address of the page, once it holds an entry: it is written a moment after what it says has changed."""
        self.until(lambda: entry in self.page.url, f"{entry} in the address")
        return self.page.url

    def fakes(self) -> Locator:
        """The panel of fakes."""
        return self.page.get_by_role("region", name="Fakes", exact=True)

    def exact(self) -> None:
        """Waits until the fakes are those of the step that is shown."""
        self.until(lambda: str(self.at()) == self.page.locator("[data-samples]").get_attribute("data-samples"))

    def picture(self) -> str:
        """What the fakes look like now, as text."""
        self.exact()
        return str(
            self.fakes().evaluate(
                "(panel) => [...panel.querySelectorAll('canvas')].map((c) => c.toDataURL()).join() + panel.innerHTML"
            )
        )

    def unpressed(self) -> list[str]:
        """Names of what can be pressed in the view and was not since it was loaded."""
        return list(
            self.page.evaluate(
                "[...document.querySelectorAll('main :is(button, a, summary, select)')]"
                ".filter((n) => n.checkVisibility({visibilityProperty: true}) && !n.disabled)"
                ".map(window.nameOf).filter((name) => !window.pressed.has(name))"
            )
        )

    def judge(self) -> None:
        """Ends the visit; nothing may have been said, shown or asked for that is not expected."""
        self.context.close()
        assert not self.alerts
        found = [said for said in self.said if not any(re.search(one, said) for one in self.expected)]
        assert not found, found
        own = urlsplit(self.base).netloc
        others = [url for url in self.asked if not url.startswith(("data:", "blob:", "about:"))]
        if own:
            assert not [url for url in others if urlsplit(url).netloc != own]
        else:
            assert all(url.startswith("file:") for url in others), others


def dropped(page: Page, target: str, path: Path) -> None:
    """Drops a file on an element."""
    script = "([name, text]) => {const d = new DataTransfer(); d.items.add(new File([text], name)); return d}"
    carried = page.evaluate_handle(script, [path.name, path.read_text()])
    page.dispatch_event(target, "dragover", {"dataTransfer": carried})
    page.dispatch_event(target, "drop", {"dataTransfer": carried})


def complaints(page: Page, *rules: str) -> list[str]:
    """What axe-core finds that keeps people from using a page, by all its rules or by some."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()
    options: dict[str, Any] = {"resultTypes": ["violations"]} | ({"runOnly": list(rules)} if rules else {})
    found = axe.run(page, options=options).response["violations"]
    return [
        f"{one['impact']} {one['id']}: {node['html'][:160]} {(node['any'] or [{}])[0].get('message', '')[:160]}"
        for one in found
        for node in one["nodes"]
    ]
