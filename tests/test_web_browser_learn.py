"""The game in slow motion, in a browser: steps, settings, failures on purpose, own data, and links to all of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from browser_pages import Visit, chromium
from playwright.sync_api import Browser, Page, expect
from web_examples import served

from gankit.web.folders.runs import Runs

pytestmark = pytest.mark.slow

Opens = Callable[..., Visit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with served(Runs([tmp_path_factory.mktemp("runs")])) as server:
        yield str(server.base_url).rstrip("/")


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Visit]:
    tab = Visit(browser, address)
    yield tab
    tab.judge()


def lesson(visit: Visit, state: str = "") -> Page:
    page = visit.to(f"/learn{'#' if state else ''}{state}")
    expect(page.get_by_text(re.compile(r"^Step \d+, "))).to_have_count(1)
    return page


def at(page: Page, step: int, which: int = 0) -> None:
    expect(page.get_by_text(re.compile(r"^Step [\d,]+, ")).nth(which)).to_contain_text(f"Step {step:,}, ")


def figure(page: Page) -> str:
    name = "Densities of real data and of fakes, D(x), the best possible D, arrows at fakes, and lines from z to x"
    return str(page.get_by_role("img", name=name).evaluate("(node) => node.innerHTML"))


def test_a_first_visit_is_two_bells_at_step_0_and_each_button_moves_who_it_says(visit: Visit) -> None:
    page = lesson(visit)
    at(page, 0)
    expect(page.get_by_text("Nothing has moved yet").first).to_be_visible()
    visit.button("D step").click()
    at(page, 1)
    expect(page.get_by_role("heading", name="Step 1: D moved")).to_be_visible()
    visit.button("G step").click()
    expect(page.get_by_role("heading", name="Step 2: G moved")).to_be_visible()
    visit.button("Both").click()
    expect(page.get_by_role("heading", name="Step 3: D and G moved")).to_be_visible()
    expect(page.get_by_text("[64, 1]").first).to_be_visible()
    visit.button("Play").click()
    visit.until(lambda: not page.get_by_text("Step 3, ").is_visible(), "it plays")
    visit.button("Pause").click()
    visit.button("Back to step 0").click()
    at(page, 0)
    page.keyboard.press("b")
    at(page, 1)


def test_a_link_gives_the_same_picture_and_a_setting_begins_anew_from_the_same_seed(visit: Visit) -> None:
    page = lesson(visit)
    for k in range(3):
        visit.button("Both").click()
        at(page, k + 1)
    visit.settle()
    before, link = figure(page), visit.linked("steps=3")
    page = visit.to(link.removeprefix(visit.base))
    at(page, 3)
    visit.settle()
    assert figure(page) == before
    page.get_by_label("Batch size").fill("16")
    page.get_by_label("Batch size").press("Enter")
    expect(page.get_by_text("D sees batches [16, 1]")).to_be_visible()
    at(page, 0)
    page.get_by_role("combobox", name="Data").select_option("ring")
    expect(page.get_by_text("D sees batches [16, 2]")).to_be_visible()
    expect(page.get_by_role("img", name="Real and fake points over D's surface")).to_be_visible()


def test_a_failure_is_shown_and_cured_beside_it(visit: Visit) -> None:
    page = lesson(visit)
    visit.button("Mode collapse").click()
    at(page, 200)
    expect(page.get_by_text("G is collapsing").first).to_be_visible()
    visit.button("Cure it").click()
    expect(page.get_by_text(re.compile(r"^Step [\d,]+, "))).to_have_count(2)
    expect(page.get_by_text("The cure, run B")).to_be_visible()


def test_numbers_of_ones_own_are_pasted_and_the_script_is_taken_away(visit: Visit) -> None:
    page = lesson(visit)
    visit.button("Paste").click()
    page.get_by_role("textbox", name="Numbers").fill("\n".join(str(k % 7 + 0.5 * (k % 3)) for k in range(60)))
    visit.button("Use this").click()
    expect(page.get_by_role("combobox", name="Data")).to_have_value("own")
    visit.button("Both").click()
    at(page, 1)
    with page.expect_download() as got:
        page.get_by_text("Download gan.py").click()
    assert "torch" in Path(got.value.path()).read_text()
    with page.expect_download() as got:
        page.get_by_text("Download data.txt").click()
    assert len(Path(got.value.path()).read_text().splitlines()) == 60


def test_ten_rounds_are_played_and_the_lesson_speaks_two_languages(visit: Visit) -> None:
    page = lesson(visit)
    visit.button("Play ten rounds").click()
    for k in range(10):
        expect(page.get_by_text(f"Round {k + 1} of 10:")).to_be_visible()
        visit.button("Real").click()
    expect(page.get_by_text(re.compile("You beat D|D beat you|A draw"))).to_be_visible()
    page.get_by_label("Language").select_option("zh-Hant")
    expect(page.get_by_role("heading", name="訓練的觀念")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-Hant"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
