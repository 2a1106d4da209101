from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from functools import cache
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report_example import DATA, example, mixture, one_dimension, rows_report, shuffled_columns, table, wine
from results import evaluation as evaluated
from results import named, result

from gankit.errors import OutputError
from gankit.kinds.tables.metrics import neighbours
from gankit.kinds.tables.metrics.metrics import METRICS, TableFacts, evaluate_rows
from gankit.kinds.tables.metrics.sample import Sample
from gankit.metrics.evaluate import Evaluation
from gankit.report.page import MAX_BYTES, Report

EVIL = "<script>alert('&x')</script>"
VOID = {"meta", "link", "br", "hr", "img", "input"}


class Page(HTMLParser):
    """What a browser would meet: tags with attributes, texts, and whether every tag is closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@cache
def wine_report() -> Report:
    return example(wine(), shuffled_columns(wine(), 178, 0.5, 0), notes=("A note.",))


def wide(columns: int, rows: int = 60, levels: int = 30) -> tuple[Sample, Evaluation[TableFacts]]:
    """A sample with many columns, half of them categories, and an evaluation of it with two metrics."""
    generator = np.random.default_rng(0)
    names = [f"a rather long name of a column, number {i}" for i in range(columns)]
    kinds: Any = {n: "category" if i % 2 else "number" for i, n in enumerate(names)}
    values = {
        n: generator.integers(0, levels, rows).astype(np.int32) if k == "category" else generator.normal(size=rows)
        for n, k in kinds.items()
    }
    texts = {
        n: tuple(f"level {i} with a long text" for i in range(levels)) for n, k in kinds.items() if k == "category"
    }
    sample = Sample(values, kinds, texts)
    shares = [1 / 24] * 24
    entries = [
        {
            "column": n,
            "kind": k,
            "missing": {"real": 0.1, "fake": 0.1},
            "levels": list(texts.get(n, ()))[:24],
            "num_levels": levels,
            "real": shares,
            "fake": shares,
            "other": {"real": 0.0, "fake": 0.0},
        }
        for n, k in kinds.items()
    ]
    results = [result(named(METRICS, name), 0.9, 0.9, {}) for name in ("shape", "trend")]
    return sample, evaluated(results, TableFacts(None, False, (), entries))


def test_the_page_is_well_formed_and_needs_nothing_from_elsewhere() -> None:
    page = Page(wine_report().html)
    assert page.open == []
    assert not page.all("script") and not page.all("img") and not page.all("iframe")
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    style = re.search(r"<style>(.*?)</style>", wine_report().html, re.S)
    assert style and "url(" not in style[1] and "@import" not in style[1]


def test_the_page_can_be_read_without_seeing_the_images() -> None:
    page = Page(wine_report().html)
    headings = [t for t, _ in page.tags if re.fullmatch("h[1-6]", t)]
    assert headings.count("h1") == 1 and headings[0] == "h1"
    assert all(int(b[1]) - int(a[1]) <= 1 for a, b in pairwise(headings))
    assert len(page.all("table")) == len(page.all("caption")) > 5
    for svg in page.all("svg"):
        assert svg.get("aria-hidden") or svg.get("aria-label") or svg.get("aria-labelledby")
    assert all("scope" in th for th in page.all("th"))
    for box in (d for d in page.all("div") if "scroll" in (d.get("class") or "")):
        assert box["tabindex"] == "0" and box["role"] == "region" and box["aria-label"]
    assert any(h.get("lang") == "en" for h in page.all("html"))


def test_ids_are_unique_and_every_link_leads_somewhere() -> None:
    page = Page(wine_report().html)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        for target in (attributes.get("href") or "", attributes.get("aria-labelledby") or ""):
            assert not target.startswith("#") or target[1:] in ids
    assert all(a["aria-labelledby"] in ids for _, a in page.tags if "aria-labelledby" in a)


def test_light_and_dark_are_both_given_and_define_the_same_colours() -> None:
    style = wine_report().html
    blocks = re.findall(r":root \{(.*?)\}", style, re.S)
    names = [set(re.findall(r"(--[\w-]+):", b)) for b in blocks]
    assert len(names) == 2 and names[0] == names[1]
    assert set(re.findall(r"var\((--[\w-]+)\)", style)) <= names[0]


def test_every_figure_stands_beside_its_ceiling_and_three_baselines() -> None:
    page = Page(wine_report().html)
    for head in ("Synthetic rows", "Real rows", "Independent columns", "Gaussian copula", "Bootstrap of training rows"):
        assert head in page.texts
    shape = wine_report().json["evaluation"]["metrics"]["shape"]
    for value in (shape["fake"]["value"], shape["ceiling"]["value"], shape["baselines"]["copula"]["value"]):
        assert f"{value:.3f}" in page.texts


def test_the_json_holds_the_evaluation_and_the_words() -> None:
    report = wine_report()
    value = json.loads(json.dumps(report.json, allow_nan=False))
    assert [v["metric"] for v in value["verdicts"]] == list(value["evaluation"]["metrics"])
    assert report.verdicts == value["summary"] + [v["text"] for v in value["verdicts"]]
    assert value["notes"] == ["A note."] and "A note." in Page(report.html).texts
    page = " ".join("".join(Page(report.html).texts).split())
    known = [v["text"] for v in value["verdicts"] if v["level"] != "none"]
    assert all(sentence in page for sentence in [*value["summary"], *known])
    assert f"{report.score:.0f} of 100" in page and all(text in page for _, text in report.lights.values())
    assert report.lights == {e["light"]: (e["level"], e["text"]) for e in value["lights"]}


def test_names_and_values_from_the_data_are_shown_and_never_run() -> None:
    generator = np.random.default_rng(0)
    kinds: Any = {EVIL: "number", "b": "category", "c": "number"}
    values = {EVIL: generator.normal(size=80), "b": generator.integers(0, 2, 80).astype(np.int32), "c": np.arange(80.0)}
    sample = Sample(values, kinds, {"b": (EVIL, '" onload="x')})
    train, heldout = sample.take(np.arange(40)), sample.take(np.arange(40, 80))
    fake = sample.take(np.arange(0, 80, 2))  # holds training rows, so that look-alikes are shown
    evaluation = evaluate_rows(train, heldout, fake, target="b")
    card = {"name": EVIL, "columns": [{"name": EVIL, "type": "number"}], EVIL: EVIL, "metric": EVIL}
    history = [{"samples": i, "metric": i / 10, "alarms": [EVIL]} for i in (1, 2, 3)]
    report = rows_report(evaluation, heldout, fake, card=card, history=history, notes=[EVIL])
    page = Page(report.html)
    assert page.open == [] and not page.all("script")
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert EVIL in page.texts
    assert report.json["card"][EVIL] == EVIL


def test_a_hundred_wide_columns_stay_under_two_megabytes_and_say_what_is_left_out() -> None:
    sample, evaluation = wide(100)
    report = rows_report(evaluation, sample, sample, card={}, history=[])
    assert len(report.html.encode()) < MAX_BYTES
    assert "The 40 columns that differ most are shown, of 100; report.json has all." in report.html
    assert "The first 40 of 100 columns are shown." in report.html


def test_the_page_sheds_images_rather_than_grow_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    sample, evaluation = wide(100)
    full = len(rows_report(evaluation, sample, sample, card={}, history=[]).html.encode())
    monkeypatch.setattr("gankit.report.page.MAX_BYTES", int(0.75 * full))
    html = rows_report(evaluation, sample, sample, card={}, history=[]).html
    assert len(html.encode()) <= 0.75 * full
    assert "The 24 columns that differ most are shown, of 100" in html


def test_one_column_of_numbers_gets_the_figure_of_2014_and_no_pairs() -> None:
    report = one_dimension()
    page = Page(report.html)
    assert "The game in one image" in page.texts
    assert any("The two densities share" in t for t in page.texts)
    assert (
        "Column pair trends: not computed, because there is one column only, so there are no pairs." in report.verdicts
    )
    assert "Fakes minus real rows" not in page.texts


def test_what_does_not_apply_is_absent_and_details_are_folded() -> None:
    report = one_dimension()
    page = Page(report.html)
    assert "none" in {v["level"] for v in report.json["verdicts"]} and "not computed" not in " ".join(page.texts)
    assert 'id="pairs"' not in report.html and 'id="usefulness"' not in report.html
    assert len([a for a in page.all("details") if a.get("class") == "part"]) > 4


def test_the_same_arguments_give_the_same_page() -> None:
    sample, evaluation = wide(6)
    pages = [rows_report(evaluation, sample, sample, card={"name": "x"}, history=[]).html for _ in range(2)]
    assert pages[0] == pages[1]


def test_the_report_can_leave_out_the_rows_that_fakes_look_like() -> None:
    train, heldout = wine().take(np.arange(0, 178, 2)), wine().take(np.arange(1, 178, 2))
    fake = shuffled_columns(train, 178, 0.5, 0)
    functions = {"copies_exact": neighbours.copies_exact, "copies_near": neighbours.copies_near}
    results = [result(named(METRICS, m), f(train, heldout, fake), 0.5, {}) for m, f in functions.items()]
    found = evaluated([*results, result(named(METRICS, "trend"), 0.9, 0.95, {})], TableFacts(None, False, (), []))
    shown, bare = (rows_report(found, heldout, fake, card={}, records=r) for r in (True, False))
    assert "a fake beside its nearest training row" in shown.html
    assert "a fake beside its nearest training row" not in bare.html
    assert "were left out of this report" in bare.html
    for name in functions:
        kept = bare.json["evaluation"]["metrics"][name]["fake"]["details"]
        full = shown.json["evaluation"]["metrics"][name]["fake"]["details"]
        assert set(full) - set(kept) == ({"worst"} if name == "copies_near" else {"examples"})
    assert bare.json["evaluation"]["metrics"]["trend"] == shown.json["evaluation"]["metrics"]["trend"]


def test_saving_under_a_name_writes_page_and_json_beside_it(tmp_path: Path) -> None:
    wine_report().save(tmp_path / "new" / "x.html")
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["x.html", "x.json"]
    assert json.loads((tmp_path / "new" / "x.json").read_text(encoding="utf-8"))["summary"]
    assert (tmp_path / "new" / "x.html").read_text(encoding="utf-8") == wine_report().html


def test_saving_in_a_folder_writes_report_html_and_report_json(tmp_path: Path) -> None:
    wine_report().save(tmp_path)
    wine_report().save(tmp_path / "notyet")
    for folder in (tmp_path, tmp_path / "notyet"):
        assert {"report.html", "report.json"} <= {p.name for p in folder.iterdir()}


def test_another_suffix_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"expected a name that ends in \.html or a folder, found the suffix '\.pdf'"):
        wine_report().save(tmp_path / "x.pdf")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here before")
    with pytest.raises(OutputError, match="cannot be written"):
        wine_report().save(tmp_path / "file" / "x.html")
    assert (tmp_path / "file").read_text() == "here before"


def test_a_disk_that_fills_up_leaves_the_old_report_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.html").write_text("old page")
    (tmp_path / "x.json").write_text("old figures")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        wine_report().save(tmp_path / "x.html")
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {"x.html": "old page", "x.json": "old figures"}


@pytest.mark.slow
def test_adult_with_some_columns_shuffled_is_called_told_apart_but_not_copied() -> None:
    path = DATA / "adult_train.csv"
    if not path.exists():
        pytest.skip("the Adult table is not beside the project")
    real = table(path).take(np.arange(5000))
    report = example(real, shuffled_columns(real, 1000, 1.0, 0), max_rows=1000)
    levels = {v["metric"]: v["level"] for v in report.json["verdicts"]}
    assert levels["c2st_trees"] == "weak" and levels["shape"] in ("real", "open")
    assert any(s.startswith("No sign that training rows were copied") for s in report.verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("width", [390, 1200])
def test_a_browser_lays_the_page_out_without_overflow(tmp_path: Path, width: int) -> None:
    browser = next((b for b in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if b), None)
    if browser is None:
        pytest.skip("no Chromium is installed")
    report = rows_report(*_small(), card={"name": "x" * 80}, history=[])
    probe = (
        "<script>document.title = [document.documentElement.scrollWidth, innerWidth, "
        "[...document.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width > innerWidth).length]"
        ".join(' ')</script></body>"
    )
    (tmp_path / "x.html").write_text(report.html.replace("</body>", probe), encoding="utf-8")
    # A frame is as narrow as a phone, which a window of the browser is not allowed to be.
    (tmp_path / "frame.html").write_text(
        f'<iframe src="x.html" width="{width}" height="900"></iframe>', encoding="utf-8"
    )
    script = "<script>onload = () => { document.title = frames[0].document.title }</script>"
    with open(tmp_path / "frame.html", "a", encoding="utf-8") as file:
        file.write(script)
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--allow-file-access-from-files",
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
    ]
    done = subprocess.run(
        [browser, *flags, (tmp_path / "frame.html").as_uri()], capture_output=True, text=True, timeout=60
    )
    found = re.search(r"<title>(\d+) (\d+) (\d+)</title>", done.stdout)
    assert found, done.stderr[-2000:]
    scroll, inner, too_wide = map(int, found.groups())
    assert scroll <= inner and too_wide == 0


def _small() -> tuple[Evaluation[TableFacts], Sample, Sample]:
    kinds: Any = {"a very long name of a column " * 4: "number"}
    samples = [Sample({name: mixture(80, seed) for name in kinds}, kinds) for seed in (0, 1, 2)]
    return evaluate_rows(*samples), samples[1], samples[2]
