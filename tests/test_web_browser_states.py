"""The page in a browser over runs of every form: replays without a network, hostile texts, accessibility, and load."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from browser_pages import Visit, chromium, complaints
from browser_runs import BAD_NAME, BAD_TEXTS, STEPS, all_forms, long_run, silence
from playwright.sync_api import Browser, Error, Route, expect
from web_examples import served

from gankit.cli import run as gankit
from gankit.web.folders.runs import Runs

pytestmark = pytest.mark.slow

Opens = Callable[..., Visit]
FORMS = ("bells", BAD_NAME, "digits-1")
CONTRAST = "color-contrast"
VIEWS = {
    "all runs": "/", "compare": "/compare#runs=digits-1,digits-2", "gone": "/run/gone", "bells": "/run/bells",
    "details": "/run/digits-1#panels=details,events&at=500", "waves": "/run/waves",
    "texts": "/run/texts", BAD_NAME: f"/run/{quote(BAD_NAME)}",
}  # fmt: skip
WINDOWS = {"New run": "/", "Sample": "/run/digits-1", "Stop": "/run/playing"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def runs(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return all_forms(tmp_path_factory.mktemp("runs"))


@pytest.fixture(scope="module")
def address(runs: dict[str, Path]) -> Iterator[str]:
    with served(Runs([runs["bells"].parent])) as server:
        yield str(server.base_url).rstrip("/")


@pytest.fixture
def opens(browser: Browser, address: str) -> Iterator[Opens]:
    """Opens a tab; at the end nothing may have gone wrong in it."""
    with ExitStack() as stack:

        def made(base: str = address, **options: Any) -> Visit:
            visit = Visit(browser, base, **options)
            stack.callback(visit.judge)
            return visit

        yield made


def settled(visit: Visit, path: str) -> None:
    """Opens a view, and waits until all that it asks for has come."""
    visit.to(path).get_by_role("heading", level=1).wait_for()
    visit.settle()


def test_a_clip_goes_on_while_the_time_bar_moves(opens: Opens) -> None:
    visit = opens()
    held: list[Route] = []
    visit.context.route("**/audio/**", lambda route: held.append(route))
    page = visit.run("drums", "at=0")
    visit.exact()
    play = visit.button("Play clip 2")
    play.click()
    expect(play).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".playhead")).to_be_visible()
    for at in STEPS[:3]:  # the bar moves sooner than the sounds come
        visit.until(lambda at=at: held and held[-1].request.url.endswith(f"/audio/{at}/1.wav"), "the clip of the step")
        if at < STEPS[2]:
            page.keyboard.press("ArrowRight")
    for route in held:
        with suppress(Error):  # nobody waits for it any more
            route.fulfill(body=silence(), content_type="audio/wav")
    visit.settle()
    expect(play).to_have_attribute("aria-pressed", "true")
    play.click()
    expect(page.locator(".playhead")).to_be_hidden()
    assert play.get_attribute("aria-pressed") is None
    visit.context.unroute("**/audio/**")
    visit.expected = ["422", "404"]
    visit.button("Play clip 1").click()  # its model is damaged
    expect(visit.button("Play clip 1")).not_to_have_attribute("aria-pressed", "true")


def test_a_fake_of_a_figure_is_chosen_by_a_click_and_by_keys(opens: Opens, runs: dict[str, Path]) -> None:
    visit = opens()
    visit.expected = ["404", "422"]  # these runs have no data, to look for neighbours in
    page = visit.run("bells", "at=0")
    visit.exact()
    heading = page.get_by_role("heading", name=re.compile(r"^Fake \d+ and its nearest"))
    visit.button("Choose the first").click()
    expect(heading).to_have_text("Fake 1 and its nearest records")
    visit.button("the fake before").click()
    visit.button("the fake before").click()
    expect(heading).to_have_text("Fake 199 and its nearest records")
    x = float(re.findall(r"M([\d.]+) ", page.locator(".chosen").get_attribute("d") or "")[0])
    visit.button("the fake after").click()
    expect(heading).to_have_text("Fake 200 and its nearest records")
    page.locator(".figure1").click(position={"x": x, "y": 100})
    expect(heading).to_have_text("Fake 199 and its nearest records")
    visit.run("plane", "at=0")
    visit.exact()
    figure = page.locator("canvas.plane")
    box, real = figure.bounding_box(), np.load(runs["plane"] / "previews" / "real.npy")
    assert box is not None
    low, high = real.min(0), real.max(0)
    low, high = low - 0.18 * (high - low), high + 0.18 * (high - low)
    fake = np.load(runs["plane"] / "previews" / "000000000000.npy")[7]
    across, up = (fake - low) / (high - low)
    bottom = box["height"] - 22
    figure.click(position={"x": float(34 + across * (box["width"] - 34)), "y": float(bottom - up * bottom)})
    expect(heading).to_have_text("Fake 8 and its nearest records")
    visit.settle()
    page.reload()
    expect(heading).to_have_text("Fake 8 and its nearest records")
    figure.click(position={"x": 60, "y": 3})  # nothing is there
    expect(heading).to_have_text("Fake 8 and its nearest records")
    visit.button("Close").click()
    expect(heading).to_be_hidden()


def test_a_run_that_vanishes_while_its_page_is_open_keeps_what_is_shown(opens: Opens, runs: dict[str, Path]) -> None:
    home = runs["bells"].parent
    shutil.copytree(runs["digits-1"], home / "short-lived")
    visit = opens()
    visit.expected = ["404"]
    page = visit.run("short-lived")
    picture = visit.picture()
    (home / "short-lived").rename(home / ".away")
    expect(page.get_by_text("There is no run 'short-lived' here")).to_be_visible()
    expect(page.get_by_role("img", name="Losses").locator(".curve").first).to_be_attached()
    assert visit.picture() == picture
    visit.settle()
    (home / ".away").rename(home / "short-lived")
    expect(page.get_by_text("There is no run 'short-lived' here")).to_be_hidden()
    shutil.rmtree(home / "short-lived")


# --- replays --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FORMS)
def test_a_replay_is_played_from_the_disk_without_a_network(
    opens: Opens, runs: dict[str, Path], tmp_path: Path, name: str
) -> None:
    file = tmp_path / "replay.html"
    assert gankit(["watch", str(runs[name]), "--save", str(file)]) == 0
    visit = opens("file://", offline=True)
    page = visit.to(str(file))
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    last = visit.picture()
    assert visit.at() == STEPS[-1]
    expect(page.get_by_role("img", name="Losses").locator(".curve").first).to_have_attribute("d", re.compile("L"))
    page.keyboard.press("Home")
    first = visit.picture()
    assert visit.at() == 0 and first != last
    visit.drag(0.05, 0.6)
    assert 0 < visit.at() < STEPS[-1] and visit.picture() not in (first, last)
    page.keyboard.press("End")
    assert visit.picture() == last
    page.keyboard.press("Space")
    visit.until(lambda: 0 < visit.at() < STEPS[-1], "it plays")
    page.keyboard.press("Space")
    expect(page.locator("header").get_by_role("button")).to_have_count(1)  # of the scheme
    page.get_by_label("Language").select_option("zh-Hant")
    expect(page.get_by_text("已儲存的重播")).to_be_visible()
    assert page.locator("img, [onerror], [onload]").count() == 0


# --- hostile texts --------------------------------------------------------------------------------------------------


def test_hostile_names_and_texts_stay_text(opens: Opens) -> None:
    visit = opens()
    page = visit.to("/")
    card = page.get_by_role("listitem").filter(has=page.get_by_role("link", name=BAD_NAME, exact=True))
    expect(card).to_contain_text(BAD_TEXTS[0])
    page.get_by_label("Group by").select_option("data")
    expect(page.get_by_role("heading", name=f"data: {BAD_NAME}.csv")).to_be_visible()
    card.get_by_role("checkbox").check()
    page.get_by_label("texts: compare").check()
    page.get_by_role("link", name="Compare 2 runs").click()
    expect(page.get_by_role("heading", name=f"A {BAD_NAME}")).to_be_visible()
    expect(page.get_by_text(f"{BAD_TEXTS[1]} 4", exact=True)).to_be_visible()
    page.get_by_role("link", name=BAD_NAME).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(BAD_NAME)
    expect(page.get_by_role("columnheader", name=BAD_NAME)).to_be_visible()
    expect(page.get_by_role("cell", name=BAD_TEXTS[0]).first).to_be_attached()
    page.get_by_text("How it was made").click()
    expect(page.get_by_text(f"kind: table. {BAD_TEXTS[0]}")).to_be_visible()
    page.get_by_text("Events (").click()
    expect(page.get_by_text(f"{BAD_TEXTS[0]}.", exact=False).first).to_be_visible()
    page.locator(".timebar .event").last.hover()
    expect(page.get_by_role("tooltip")).to_be_visible()
    assert page.locator("img, [onerror], [onload], body script").count() == 0
    visit.run("texts")
    expect(page.get_by_role("button", name=f"{BAD_TEXTS[0]} 4", exact=True)).to_be_visible()
    assert page.locator("img, [onerror], [onload], body script").count() == 0


def test_an_address_with_nonsense_behind_it_is_not_believed(opens: Opens) -> None:
    visit = opens()
    visit.expected = ["404"]
    page = visit.run("digits-1", f"at={BAD_NAME}&zoom=9,1&pick=<b>&speed=x&panels=%3Cimg%3E&kind=%00")
    visit.exact()
    assert visit.at() in STEPS
    page.keyboard.press("ArrowRight")
    assert page.locator("main img, [onerror]").count() == 0
    visit.to(f"/compare#runs={quote(BAD_NAME)},gone,%25,../../etc")
    expect(page.get_by_role("heading", level=2, name="gone")).to_be_visible()
    visit.to("/no/such/page")
    expect(page.get_by_role("heading", name="Nothing is at this address.")).to_be_visible()
    visit.to("/run/..%2f..%2fetc%2fpasswd")
    expect(page.get_by_role("link", name="All runs").last).to_be_visible()


# --- accessibility --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_can_be_read_by_everyone(opens: Opens, view: str) -> None:
    visit = opens(color_scheme="light", reduced_motion="reduce")
    visit.expected = ["404"] if view == "gone" else []
    settled(visit, VIEWS[view])
    page = visit.page
    assert page.get_by_role("main").count() == page.get_by_role("heading", level=1).count() == 1
    assert complaints(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(100)
    wide = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert wide[0] <= wide[1] == 390
    assert complaints(page, CONTRAST) == []


@pytest.mark.parametrize("window", WINDOWS)
def test_a_window_can_be_read_by_everyone(opens: Opens, window: str) -> None:
    visit = opens(color_scheme="dark", reduced_motion="reduce")
    visit.expected = ["404"]
    settled(visit, WINDOWS[window])
    page = visit.page
    opener = visit.button(window)
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    dialog.wait_for()
    assert complaints(page) == []
    page.set_viewport_size({"width": 390, "height": 800})
    page.emulate_media(color_scheme="light")
    page.wait_for_timeout(100)
    assert page.evaluate("document.querySelector('dialog').getBoundingClientRect().right <= 390")
    assert complaints(page, CONTRAST) == []
    assert dialog.evaluate("(d) => d.contains(document.activeElement)")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert opener.evaluate("(b) => b === document.activeElement")


FOCUS = """() => {
  const node = document.activeElement;
  if (!node || node === document.body) return null;
  const { outlineStyle, outlineWidth } = getComputedStyle(node);
  const box = node.getBoundingClientRect();
  const over = document.elementFromPoint(box.x + box.width / 2, Math.min(box.y + box.height / 2, innerHeight - 1));
  const bar = document.querySelector(".timebar");
  window.stops ??= new Set();
  window.stops.add(node);
  return {
    name: `${node.tagName} ${window.nameOf(node).slice(0, 60)}`,
    seen: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    hidden: Boolean(bar && over && bar.contains(over) && !bar.contains(node)),
    within: box.right > 0 && box.left < innerWidth,
  };
}"""
MISSED = """[...document.querySelectorAll("a[href], button, input, select, summary, [tabindex='0']")]
  .filter((n) => n.checkVisibility({visibilityProperty: true}) && !n.disabled && n.tabIndex >= 0)
  .filter((n) => !window.stops.has(n)).map((n) => n.outerHTML.slice(0, 90))"""


@pytest.mark.parametrize("view", ["all runs", "details", BAD_NAME])
def test_the_tab_key_reaches_everything_and_where_it_is_can_be_seen(opens: Opens, view: str) -> None:
    visit = opens()
    settled(visit, VIEWS[view])
    page = visit.page
    for at in range(150):
        page.keyboard.press("Tab")
        found = page.evaluate(FOCUS)
        if found is None:
            break
        assert at or found["name"] == "A Skip to the content"
        assert found["seen"] and found["within"] and not found["hidden"], found
    assert page.evaluate(MISSED) == []
    page.get_by_role("link", name="Skip to the content").press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"


def test_nothing_moves_by_itself_where_no_motion_is_wanted(opens: Opens) -> None:
    visit = opens(reduced_motion="reduce")
    page = visit.run("digits-1", "at=500")
    visit.exact()
    before = visit.picture()
    page.wait_for_timeout(600)
    assert visit.at() == 500 and visit.picture() == before
    assert page.evaluate("document.getAnimations().length") == 0
    moving = "[...document.querySelectorAll('*')].filter((n) => parseFloat(getComputedStyle(n).transitionDuration) > 0)"
    assert page.evaluate(f"{moving}.length") == 0


# --- load -----------------------------------------------------------------------------------------------------------


def test_a_long_run_opens_and_is_scrubbed_with_few_questions(opens: Opens, tmp_path: Path) -> None:
    long_run(tmp_path / "runs" / "long")
    with served(Runs([tmp_path / "runs"])) as server:
        visit = opens(str(server.base_url).rstrip("/"))
        page = visit.run("long")
        expect(page.get_by_role("img", name="Losses").locator(".curve").first).to_have_attribute("d", re.compile("L"))
        visit.exact()
        page.wait_for_timeout(300)
        opened = [url for url in visit.asked if "/api/" in url]
        assert len(opened) <= 10, opened
        points = page.get_by_role("img", name="Losses").locator(".curve").first.get_attribute("d") or ""
        assert 500 < points.count("L") < 4000
        assert page.evaluate("document.querySelectorAll('*').length") < 3000
        visit.asked.clear()
        visit.drag(0.95, 0.05, moves=50)
        visit.exact()
        visit.settle()
        scrubbed = [url for url in visit.asked if "/api/" in url]
        assert all("/previews/" in url for url in scrubbed) and len(scrubbed) <= 4 * 50  # one, and three about it
        assert visit.most_underway <= 3
        for _ in range(5):
            page.keyboard.press("ArrowRight")
        visit.settle()
        visit.asked.clear()
        for _ in range(5):
            page.keyboard.press("ArrowLeft")
        visit.settle()
        assert len(visit.asked) <= 1  # what was seen is kept
        page.goto("about:blank")


def test_what_grows_is_drawn_every_second_while_somebody_is_there_and_seldom_after(opens: Opens) -> None:
    visit = opens()
    page = visit.page
    page.clock.install(time=0)
    visit.to("/")
    page.clock.pause_at(3_600_000)  # from here on time passes only where the test says so
    page.evaluate(
        "import('/static/pace.js').then(({ Pace }) => { window.pace = new Pace(); window.drawn = 0;"
        " window.ask = () => window.pace.soon('draw', () => { window.drawn += 1; }); })"
    )

    def drawn_after(ms: int) -> Any:
        page.clock.run_for(ms)
        return page.evaluate("window.drawn")

    moved = "window.dispatchEvent(new PointerEvent('pointermove'))"
    page.evaluate(moved)
    for _ in range(5):
        page.evaluate("window.ask()")  # in use
    assert drawn_after(900) == 0 and drawn_after(200) == 1 and drawn_after(3000) == 1
    page.clock.run_for(20_000)
    page.evaluate("window.ask()")  # alone
    assert drawn_after(3000) == 1 and drawn_after(2500) == 2
    page.evaluate("window.ask()")
    page.evaluate(moved)  # somebody comes back
    assert page.evaluate("window.drawn") == 3
