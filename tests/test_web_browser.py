"""The page in a browser: trainings that are followed while they play, and everything that can be pressed."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browser_pages import GONE, Visit, chromium, dropped
from browser_training import HOSTILE, LENGTHS, LEVELS, Trainings, kept, killed
from playwright.sync_api import Browser, expect
from test_cli_commands import SRC
from test_web_starting import Ended, is_alive
from web_examples import served

from gankit.web.folders.runs import Runs
from gankit.web.starting import understanding, uploads

pytestmark = pytest.mark.slow

Opens = Callable[..., Visit]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def trainings(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trainings]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(SRC))
        made = Trainings(tmp_path_factory.mktemp("trainings"))
        made.allow("numbers", 0)
        yield made
        made.close()


@pytest.fixture(scope="module")
def trained(trainings: Trainings) -> Path:
    """The runs, once they are at their end; the one of people has a report."""
    runs = trainings.finish()
    (runs / "people" / "report.html").write_text("<title>x</title><h1>How good it is</h1><script>alert(1)</script>")
    return runs


@pytest.fixture(scope="module")
def address(trainings: Trainings) -> Iterator[str]:
    with served(Runs([trainings.home / "runs"])) as server:
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


# --- a new run ------------------------------------------------------------------------------------------------------


def test_a_file_becomes_a_run_that_is_stopped(
    opens: Opens, trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def here(*words: str, **keywords: Any) -> Ended:
        understanding.main(*words[-2:])
        return Ended()

    # data is looked at in this process, which has imported all that it takes
    monkeypatch.setattr(uploads.asyncio, "create_subprocess_exec", here)
    with served(Runs([tmp_path / "runs"])) as server:
        try:
            started_and_stopped(opens(str(server.base_url).rstrip("/")), trainings, tmp_path / "runs")
        finally:
            killed(tmp_path / "runs")


def started_and_stopped(visit: Visit, trainings: Trainings, runs: Path) -> None:
    visit.expected = ["422"]
    page = visit.to("/")
    expect(page.get_by_role("heading", name="No runs here")).to_be_visible()
    visit.button("New run").click()
    window = page.get_by_role("dialog", name="New run")
    chooser = window.get_by_label("Drop a file of data here")
    chooser.set_input_files(files=[{"name": "junk.npy", "mimeType": "", "buffer": b"\x93NUMPY junk"}])
    expect(window.get_by_role("status")).to_contain_text("junk.npy")
    expect(window.get_by_role("status")).not_to_contain_text("Reading")
    expect(visit.button("Start")).to_be_disabled()
    window.get_by_label("Or a built-in set").select_option("ring")
    expect(window.get_by_text("[batch, 2]")).to_be_visible()
    expect(visit.button("Start")).to_be_enabled()
    visit.button("Cancel").click()
    expect(window).to_have_count(0)

    dropped(page, "main", trainings.data["people"])
    expect(window.get_by_text("people.csv: what was understood")).to_be_visible()
    expect(window.get_by_text(f"{HOSTILE} (")).to_be_visible()
    window.get_by_text("Condition on columns").click()
    window.get_by_label(HOSTILE).check()
    expect(window.get_by_text("160 to train, 40 held out")).to_be_visible()
    window.get_by_text("Decided for you").click()
    expect(window.get_by_text("kind: table")).to_be_visible()
    dropped(page, "dialog label", trainings.data["numbers"])
    expect(window.get_by_text("[batch, 1]")).to_be_visible()
    window.get_by_label("Train for").select_option("5m")
    window.get_by_label("Name").fill("mine <b>")
    visit.button("Start").click()
    page.wait_for_url("**/run/*")
    expect(page.get_by_role("heading", level=1)).to_have_text("mine_b-1")
    visit.until(lambda: visit.at() > 0, "it plays")
    said = (runs / "mine_b-1" / "pid").read_bytes()
    visit.button("Stop").click()
    visit.button("Keep training").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(visit.button("Stop")).to_be_enabled()
    visit.button("Stop").click()
    visit.button("Stop", page.get_by_role("dialog", name="Stop this training?")).click()
    expect(page.locator("header").get_by_text("stopped")).to_be_visible()
    visit.until(lambda: not (runs / "mine_b-1" / "pid").exists(), "its end")
    visit.until(lambda: not is_alive(json.loads(said)["pid"]) or page.evaluate("fetch('/api/runs').then(() => 0)"))
    config = json.loads((runs / "mine_b-1" / "config.json").read_text())
    assert config["options"]["budget"] in ("5m", 300, 300.0) and Path(config["source"]).name == "numbers.txt"
    assert np.loadtxt(config["source"]).shape == (300,)
    page.goto("about:blank")


# --- a run while it plays -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LENGTHS)
def test_a_training_is_followed_to_its_end(opens: Opens, trainings: Trainings, name: str) -> None:
    visit = opens()
    trainings.allow(name, 0.2)
    page = visit.to("/")
    page.get_by_role("link", name=name, exact=True).click()  # the card comes by itself
    page.get_by_role("heading", level=1, name=name).wait_for()
    visit.until(lambda: visit.at() > 0 and visit.at() == visit.last(), "the first steps")
    expect(page.get_by_text("● live")).to_be_visible()
    expect(visit.fakes().locator("canvas, svg").first).to_be_visible()
    before = visit.at()
    trainings.allow(name, 0.4)
    visit.until(lambda: visit.at() > before and visit.at() == visit.last(), "it follows")

    {"numbers": lambda: page.keyboard.press("ArrowLeft"), "images": lambda: visit.button("One step back").click()}.get(
        name, lambda: visit.drag(0.3, 0.1)
    )()
    live = visit.button("behind: go live")
    expect(live).to_be_visible()
    at, end = visit.at(), visit.last()
    assert at < end
    trainings.allow(name, 0.6)
    visit.until(lambda: visit.last() > end, "it goes on")
    assert visit.at() == at and live.is_visible()
    visit.linked(f"at={at}")
    live.click()
    expect(page.get_by_text("● live")).to_be_visible()
    visit.until(lambda: visit.at() == visit.last() and "at=" not in page.url, "live again")

    trainings.allow(name, 1)
    expect(page.locator("header").get_by_text("finished")).to_be_visible()
    visit.until(lambda: visit.at() == visit.last() == LENGTHS[name], "the end")
    visit.exact()
    expect(page.get_by_text("● live")).to_be_hidden()
    expect(visit.button("Stop")).to_have_count(0)


def test_a_page_whose_server_is_away_says_so_and_goes_on_by_itself(opens: Opens, trained: Path) -> None:
    visit = opens()
    visit.expected = [GONE, "ERR_CONNECTION", "ERR_NETWORK"]
    page = visit.run("images")
    visit.context.set_offline(True)
    visit.button("First preview").click()
    expect(page.get_by_role("alert")).to_contain_text("The server does not answer")
    visit.context.set_offline(False)
    expect(page.get_by_role("alert")).to_be_hidden()
    visit.exact()


# --- what can be pressed --------------------------------------------------------------------------------------------


def test_all_runs_are_filtered_grouped_and_compared(opens: Opens, trained: Path) -> None:
    visit = opens()
    page = visit.to("/")
    cards = page.get_by_role("listitem").filter(has=page.get_by_role("heading"))
    expect(cards).to_have_count(len(LENGTHS))
    for name in LENGTHS:
        expect(cards.filter(has_text=name).locator("canvas, svg:not(.spark), table").first).to_be_visible()
    page.get_by_label("Search").fill("peop csv")
    expect(cards).to_have_count(1)
    expect(page.get_by_text("1 of 3 runs")).to_be_visible()
    page.get_by_label("Search").fill("")
    for label, value, left in (("Kind", "image", 1), ("Data", "people.csv", 1), ("State", "finished", 3)):
        page.get_by_label(label, exact=True).select_option(value)
        expect(cards).to_have_count(left)
        page.reload()
        expect(cards).to_have_count(left)
        page.go_back()
        expect(cards).to_have_count(3)
    page.get_by_label("Group by").select_option("data")
    expect(page.get_by_role("heading", level=2, name=re.compile("^data: "))).to_have_count(3)
    page.get_by_label("Group by").select_option("")
    for name in ("images", "people"):
        page.get_by_label(f"{name}: compare").check()
    page.get_by_role("link", name="Compare 2 runs").click()
    page.get_by_role("heading", level=1, name="Compare").wait_for()
    page.go_back()
    expect(page.get_by_label("people: compare")).to_be_checked()


def test_runs_are_compared_on_one_time_bar(opens: Opens, trained: Path) -> None:
    visit = opens()
    page = visit.to("/compare#runs=numbers,people")
    expect(page.get_by_role("heading", level=2)).to_contain_text(["A numbers", "B people", "Curves", "Settings"])
    expect(page.get_by_role("img", name="D's loss").locator(".curve.run1").first).to_have_attribute(
        "d", re.compile("L")
    )
    expect(page.get_by_role("cell", name="people.csv")).to_be_visible()
    visit.button("First preview").click()
    notes = page.get_by_role("status").filter(has_text="at 0 samples")
    expect(notes).to_have_count(2)
    visit.button("One step on").click()
    assert visit.at() == min(step for name in ("numbers", "people") for step in kept(trained / name)[1:])
    visit.button("Last preview").click()
    assert visit.at() == max(LENGTHS.values())
    plot = page.get_by_role("img", name="Held-out metric").bounding_box()
    assert plot is not None
    page.mouse.move(plot["x"] + 100, plot["y"] + 60)
    page.mouse.down()
    page.mouse.move(plot["x"] + 200, plot["y"] + 60, steps=4)
    page.mouse.up()
    expect(visit.button("Reset zoom")).to_be_enabled()
    visit.linked("zoom=")
    visit.button("Reset zoom").click()
    expect(visit.button("Reset zoom")).to_be_disabled()
    page.get_by_role("link", name="people").click()
    page.get_by_role("heading", level=1, name="people").wait_for()


def test_everything_on_the_page_of_a_run_does_what_it_says(opens: Opens, trained: Path) -> None:
    visit = opens()
    page = visit.run("people")
    visit.exact()
    end = visit.at()
    visit.button("First preview").click()
    assert visit.at() == 0
    visit.button("One step on").click()
    assert visit.at() == kept(trained / "people")[1]
    visit.button("One step back").click()
    assert visit.at() == 0
    visit.button("Play").click()
    visit.until(lambda: visit.at() > 0, "it plays")
    page.get_by_label("Speed").select_option("8")
    visit.button("Pause").click()
    at = visit.at()
    assert 0 < at < end
    visit.linked("speed=8")
    visit.button("Play").click()
    visit.until(lambda: visit.at() == end, "it plays to the end")
    expect(visit.button("Play")).to_be_visible()
    visit.button("First preview").click()
    visit.button("Last preview").click()
    assert visit.at() == end
    curve = page.get_by_role("img", name="Losses").locator(".curve").first
    whole = curve.get_attribute("d")
    visit.button("Zoom in here").click()
    expect(curve).not_to_have_attribute("d", whole or "")
    visit.button("Reset zoom").click()
    expect(curve).to_have_attribute("d", whole or "")
    page.get_by_text("Details: accuracy").click()
    expect(page.get_by_role("img", name="Learning rate")).to_be_visible()
    page.get_by_text("Events (").click()
    event = page.locator("details").get_by_role("listitem").get_by_role("button").last
    event.click()
    assert visit.at() < end
    visit.linked(f"at={visit.at()}")
    page.get_by_text("How it was made").click()
    expect(page.get_by_text("gankit train ")).to_be_visible()
    visit.button("Fake 3: show its nearest records").click()
    expect(page.get_by_role("heading", name="Fake 3 and its nearest records")).to_be_visible()
    near = page.get_by_role("region", name="Neighbours", exact=True)
    expect(near.get_by_role("row")).to_contain_text(["distance", "this fake", "nearest training", "nearest held-out"])
    own = visit.fakes().get_by_role("row").nth(3).get_by_role("cell").all_inner_texts()
    assert near.get_by_role("row").nth(1).get_by_role("cell").all_inner_texts()[1:] == own
    visit.linked("pick=2")
    visit.button("the fake after").click()
    expect(page.get_by_role("heading", name="Fake 4 and its nearest records")).to_be_visible()
    visit.button("the fake before").click()
    visit.button("Close").click()
    expect(near).to_be_hidden()
    page.get_by_text("You are D").click()
    visit.button("Play ten rounds").click()
    for k in range(10):
        expect(page.get_by_text(f"Round {k + 1} of 10")).to_be_visible()
        visit.button("Real").click()
    expect(page.get_by_text("Played against the fakes")).to_be_visible()
    row = page.get_by_role("row", name="You")
    expect(row).to_contain_text(re.compile("100|1.00|–"))  # who calls all of them real misses none
    visit.button("Ten more").click()
    visit.button("Fake").click()
    with page.expect_popup() as popup:
        page.get_by_role("link", name="Report").click()
    expect(popup.value.get_by_role("heading", name="How good it is")).to_be_visible()
    visit.expected = ["sandboxed", "script-src|default-src"]  # the script of the report, which may not run
    with page.expect_download() as got:
        page.get_by_role("link", name="Save replay").click()
    assert got.value.suggested_filename == "people-replay.html"
    assert b"<!DOCTYPE html>" in Path(got.value.path()).read_bytes()[:100]
    rest = [name for name in visit.unpressed() if not re.match(r"Fake \d|Sample|[\d.]+k?( … .*)?$", name)]
    assert not rest, rest


def test_samples_are_drawn_under_conditions_and_downloaded(opens: Opens, trained: Path) -> None:
    visit = opens()
    page = visit.run("people", "at=0")
    visit.button("Sample").click()
    window = page.get_by_role("dialog", name="Sample")
    window.get_by_label(HOSTILE).select_option(LEVELS[0])
    window.get_by_label("How many").fill("25")
    window.get_by_label("Format").select_option("csv")

    def rows() -> list[list[str]]:
        with page.expect_download() as got:
            visit.button("Download").click()
        expect(window.get_by_role("status")).to_contain_text(f"Saved as {got.value.suggested_filename}")
        return list(csv.reader(io.StringIO(Path(got.value.path()).read_text())))

    best = rows()
    assert best[0] == ["age", HOSTILE] and len(best) == 26 and {row[1] for row in best[1:]} == {LEVELS[0]}
    assert all(row[0].isdigit() for row in best[1:])
    assert rows() == best
    window.get_by_label("Seed").fill("1")
    assert rows()[1:] != best[1:]
    window.get_by_label("Seed").fill("0")
    window.get_by_label("of the step shown, at 0 samples").check()
    assert rows()[1:] != best[1:]
    window.get_by_label("How many").fill("0")
    visit.expected = ["422"]
    visit.button("Download").click()
    expect(window.get_by_role("status")).to_contain_text("n")
    visit.button("Close").click()
    expect(window).to_have_count(0)


def test_a_clicked_image_has_its_neighbours_and_images_are_downloaded(opens: Opens, trained: Path) -> None:
    visit = opens()
    page = visit.run("images")
    visit.exact()
    tiles = visit.fakes().get_by_role("button")
    tiles.nth(1).click()
    figures = page.get_by_role("figure").filter(has_text=re.compile("this fake|nearest"))
    expect(figures).to_contain_text(["this fake", "nearest training", "nearest held-out"])
    expect(page.get_by_role("heading", name="From noise: this z over the training")).to_be_visible()
    assert figures.nth(1).locator("img").evaluate("(i) => i.decode().then(() => i.naturalWidth)") == 8
    tiles.nth(1).press("ArrowRight")
    assert tiles.nth(2).evaluate("(n) => n === document.activeElement")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Fake 3 and its")).to_be_visible()
    visit.button("Sample").click()
    page.get_by_label("How many images").fill("3")
    with page.expect_download() as got:
        visit.button("Download").click()
    assert Path(got.value.path()).read_bytes()[:2] == b"PK"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_the_language_and_the_scheme_are_chosen_and_kept(opens: Opens, trained: Path) -> None:
    visit = opens(color_scheme="light")
    page = visit.to("/")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    visit.button("Light or dark").click()
    assert page.evaluate(ground) != light
    page.get_by_label("Language").select_option("zh-Hant")
    expect(page.get_by_role("heading", level=1)).to_have_text("所有訓練")
    assert page.evaluate("document.documentElement.lang") == "zh-Hant" and page.evaluate(ground) != light
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_have_text("所有訓練")
    page.get_by_label("語言").select_option("en")
    expect(page.get_by_role("heading", level=1)).to_have_text("All runs")
    visit.button("Light or dark").click()
    assert page.evaluate(ground) == light


# --- the time bar and the address -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LENGTHS)
def test_the_time_bar_is_dragged_and_the_address_gives_the_same_picture(opens: Opens, trained: Path, name: str) -> None:
    visit = opens()
    page = visit.run(name)
    visit.exact()
    end = visit.picture()
    visit.drag(0.9, 0.45)
    assert 0.3 * LENGTHS[name] < visit.at() < 0.6 * LENGTHS[name]
    middle, at, told = visit.picture(), visit.at(), visit.slider().get_attribute("aria-valuetext")
    assert middle != end
    visit.linked(f"at={at}")
    page.reload()
    visit.until(lambda: visit.slider().count() and visit.at() == at, "as it was")
    visit.until(lambda: visit.picture() == middle, "the same picture")
    assert visit.slider().get_attribute("aria-valuetext") == told
    plot = page.get_by_role("img", name="Losses")
    plot.click(position={"x": 60, "y": 60})
    visit.until(lambda: visit.at() < at, "a click on a chart goes there")
    page.go_back()
    visit.until(lambda: visit.at() == at, "back")
    visit.until(lambda: visit.picture() == middle, "the same picture")


def test_the_time_bar_is_moved_by_keys(opens: Opens, trained: Path) -> None:
    visit = opens()
    page = visit.run("numbers")
    visit.exact()
    steps = kept(trained / "numbers")
    page.keyboard.press("Home")
    assert visit.at() == 0
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert visit.at() == steps[2]
    page.keyboard.press("ArrowLeft")
    assert visit.at() == steps[1]
    page.keyboard.press("Space")
    visit.until(lambda: visit.at() > steps[2], "it plays")
    page.keyboard.press("Space")
    at = visit.at()
    page.wait_for_timeout(400)
    assert visit.at() == at
    page.keyboard.press("End")
    assert visit.at() == steps[-1]
    visit.slider().focus()
    page.keyboard.press("PageUp")
    assert visit.at() == steps[-1]
    page.keyboard.press("PageDown")
    assert visit.at() == steps[-3]
    page.keyboard.press("ArrowDown")
    assert visit.at() == steps[-4]
    page.keyboard.press("ArrowUp")
    assert visit.at() == steps[-3]
    assert "of 9k samples" in (visit.slider().get_attribute("aria-valuetext") or "")
