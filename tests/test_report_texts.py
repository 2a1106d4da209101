from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from report_picture_example import made_up_history, score
from test_metrics_text_evaluation import numbers
from test_report_page import EVIL, Page

from gankit.kinds.texts.metrics.evaluation import evaluate_texts
from gankit.kinds.texts.metrics.table import TEXT_METRICS
from gankit.kinds.texts.report.panels import cell, differences, gram, readable
from gankit.kinds.texts.report.report import text_report
from gankit.kinds.texts.report.summary import summary
from gankit.kinds.texts.report.words import HEADLINES, alike, chip, completed, place_of, verdict, words_of
from gankit.report.report import MAX_BYTES, Report
from gankit.report.sentences import Teller

EVERY = ("ngrams", "symbols", "agreement", "copies_exact")
NAMES = ("No. <b>", "romans & others")


@cache
def example() -> tuple[list[list[str]], list[list[str]], dict[str, Any]]:
    """Texts of both kinds of numbers, their labels and figures; two fakes are copies and three are broken."""
    pairs = [numbers(n, seed) for n, seed in ((300, 0), (150, 1), (150, 2))]
    texts = [list(t) for t, _ in pairs]
    labels = [[NAMES[name == "roman"] for name in found] for _, found in pairs]
    texts[2][3], texts[2][7] = texts[0][11], texts[0][12]
    texts[2][0:3] = ["no. 0<i>", "", "XXVIIIIIIIII"]
    valid = re.compile(r"no\. [1-9]\d{0,2}|[IVXLCDM]{1,12}").fullmatch
    found = evaluate_texts(
        *texts, tokenise=list, labels=(labels[0], labels[1], labels[2]), valid=lambda t: valid(t) is not None
    )
    return texts, labels, found


@cache
def report(records: bool = True) -> Report:
    texts, labels, found = example()
    return text_report(
        found,
        *texts,
        tokenise=list,
        labels={"fake": labels[2], "heldout": labels[1]},
        card={"name": "numbers", "metric": "minus the n-gram divergence", "chosen_samples": 400_000},
        history=made_up_history(),
        progress=[(25_000 * i, [f"step {i}", texts[2][10]]) for i in range(1, 21)],
        notes=["A note."],
        records=records,
    )


def entry(family: str, fake: float | None, ceiling: float | None, half: float = 0.01, **more: Any) -> dict[str, Any]:
    best, direction = more.pop("best", 1.0), more.pop("direction", "higher")
    sides = {k: score(more.pop(k), half, best) for k in ("unigram", "shuffled", "trigram") if k in more}
    details = more.pop("details", {})
    return {
        "meaning": "what it means",
        "family": family,
        "best": best,
        "direction": direction,
        "fake": score(fake, half, best, **details),
        "ceiling": None if ceiling is None else score(ceiling, half, best),
        "baselines": sides,
        "rows_needed": more.pop("rows_needed", None),
    }


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_is_one_whole_self_contained_and_small_file() -> None:
    html = report().html
    page = Page(html)
    assert page.open == [] and len(html.encode()) < MAX_BYTES
    assert not page.all("script") and not page.all("iframe") and not page.all("img")
    outside = [v for _, a in page.tags for k, v in a.items() if k in ("src", "href") and v and not v.startswith("#")]
    assert all(v.startswith("data:") for v in outside)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for t, a in page.tags if t == "a" and a.get("href", "").startswith("#")}  # type: ignore[index,union-attr]
    assert targets <= set(ids)


def test_the_page_has_every_part() -> None:
    html = report().html
    parts = ("samples", "by-class", "progress", "closest", "overview", "validity", "grams", "bleu", "variety", "shape")
    for ident in (*parts, "judge", "labels", "copies", "training", "model", "reading"):
        assert f'<h2 id="{ident}">' in html, ident
    assert "A note." in html and "(the model)" in html and "Fakes that break the rule" in html
    assert html.count("<svg viewBox") >= 8
    assert "romans &amp; others" in html and "No. &lt;b&gt;" in html and "<b>" not in html


def test_the_json_has_every_verdict_and_can_be_written() -> None:
    value = report().json
    assert [v["metric"] for v in value["verdicts"]] == list(TEXT_METRICS)
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert report().verdicts == [*value["summary"], *(v["text"] for v in value["verdicts"])]
    assert set(HEADLINES) <= set(TEXT_METRICS)


def test_fakes_stand_unchosen_beside_held_out_texts_with_their_labels() -> None:
    texts, labels, _ = example()
    table = report().html.split('<h2 id="samples">')[1].split("</table>")[0]
    shown = [re.sub(r"<[^>]+>", "", c) for c in re.findall(r"<td[^>]*>(.*?)</td>", table)]
    rows = [shown[i : i + 4] for i in range(0, len(shown), 4)]
    escaped = [str(Markup.escape(t)) or "(an empty text)" for t in texts[2]]
    assert [r[1] for r in rows] == escaped[:40]
    assert [r[0] for r in rows] == [str(Markup.escape(v)) for v in labels[2][:40]]
    assert {r[3] for r in rows} <= set(texts[1])


def test_copies_stand_first_among_the_closest_pairs() -> None:
    texts, _, _ = example()
    table = report().html.split('<h2 id="closest">')[1].split("</table>")[0]
    rows = re.findall(r"<tr><th.*?</tr>", table)[1:]
    fake, train = re.findall(r'<bdi class="txt" dir="auto">(.*?)</bdi>', rows[0])
    assert fake == train and fake in texts[0] and fake in texts[2] and "0.000 (" in rows[0]
    assert "<mark>" not in rows[0] and "as held-out texts are, too" in rows[0]


def test_without_records_no_real_text_and_no_copy_is_shown() -> None:
    texts, _, _ = example()
    html, value = report(records=False).html, report(records=False).json
    shown = set(re.findall(r'<bdi class="txt" dir="auto">(.*?)</bdi>', html))
    kept = {f"step {i}" for i in range(21)} | {texts[2][10]}
    assert not (shown & set(texts[0]) - kept) and not (shown & (set(texts[1]) - set(texts[2])))
    assert '<h2 id="closest">' not in html and "were left out of this report" in html
    assert all(g["order"] <= 2 for g in value["evaluation"]["grams"])
    assert any(g["order"] == 4 for g in report().json["evaluation"]["grams"])


def test_texts_of_the_data_are_shown_and_never_run() -> None:
    texts = [f"{EVIL} {i % 7}" for i in range(40)]
    found = evaluate_texts(texts, texts, texts, tokenise=str.split, labels=(texts, texts, texts), metrics=EVERY)
    made = text_report(
        found,
        texts,
        texts,
        texts,
        tokenise=str.split,
        labels={"fake": texts, "heldout": texts},
        card={"name": EVIL, EVIL: EVIL, "metric": EVIL},
        history=[{"samples": i, "metric": -i / 10, "alarms": [EVIL]} for i in (1, 2, 3)],
        progress=[(1, [EVIL])],
        notes=[EVIL],
    )
    page = Page(made.html)
    assert page.open == [] and not page.all("script")
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert any(EVIL in t for t in page.texts)


def test_long_texts_and_many_labels_stay_under_two_megabytes() -> None:
    draws = np.random.default_rng(0)
    texts = ["".join(draws.choice(list("ab<&日"), 3000)) for _ in range(60)]
    labels = [f"label {i} " + "x" * 300 for i in range(60)]
    found = evaluate_texts(
        texts[:20], texts[20:40], texts[40:], tokenise=list, labels=(labels[:20],) * 3, metrics=("ngrams", "lengths")
    )
    made = text_report(
        found,
        texts[:20],
        texts[20:40],
        texts[40:],
        tokenise=list,
        labels={"fake": labels[:20], "heldout": labels[:20]},
        card={},
        history=[],
        progress=[(i, texts) for i in range(9)],
    )
    assert len(made.html.encode()) < MAX_BYTES and Page(made.html).open == []


def test_an_evaluation_of_few_metrics_gives_a_page_too() -> None:
    texts, _, found = example()
    bare = {"metrics": {"ngrams": found["metrics"]["ngrams"], "own": entry("own", 0.5, 0.9)}}
    made = text_report(bare, *texts, tokenise=list, card={}, history=[])
    assert Page(made.html).open == [] and "Further figures" in made.html
    assert "Whether training texts were copied is not known" in made.html


# --- cells ------------------------------------------------------------------------------------------------------------


def test_signs_that_cannot_be_seen_are_made_visible() -> None:
    assert readable("a\nb\tc\x00\u202ed") == "a⏎b⇥c��d"
    assert readable("👩‍👩‍👧 日本 ß") == "👩‍👩‍👧 日本 ß"
    assert "(an empty text)" in cell("") and cell("z" * 300).count("z") == 280 and "…" in cell("z" * 300)
    assert "^a␣" in gram(["", "a", " "], "characters") and "a b $" in gram(["a", "b", ""], "words")


@given(st.text(max_size=30), st.text(max_size=30))
def test_marked_texts_are_the_texts_and_escaped(a: str, b: str) -> None:
    for text, shown in zip((a, b), differences(a, b, list), strict=True):
        plain = re.sub(r"</?(mark|bdi|i)[^>]*>", "", shown)
        assert Markup(plain).unescape() == (readable(text) or "(an empty text)")


def test_marked_words_are_those_that_differ() -> None:
    left, right = differences("a cat sits here", "a dog sits here", str.split)
    assert "<mark>cat</mark>" in left and "<mark>dog</mark>" in right and left.count("<mark>") == 1


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", list(TEXT_METRICS))
def test_every_metric_has_words_of_its_own(metric: str) -> None:
    words = words_of(metric, {"meaning": "?"})
    assert words.question != "?" and words.remedy
    assert words.question or metric.startswith("ngrams_")


@pytest.mark.parametrize(
    ("made", "level", "said"),
    [
        (entry("grams", 0.40, 0.40, best=0.0, direction="lower"), "real", "cannot be told from real texts"),
        (entry("grams", 0.50, 0.40, best=0.0, direction="lower", unigram=0.9), "fair", "80.0 % of the way"),
        (entry("grams", 0.95, 0.40, best=0.0, direction="lower", unigram=0.9), "weak", "no model at all"),
        (entry("bleu", 0.9, 0.7), "real", "on the better side of real texts"),
        (entry("bleu", 0.69, 0.7, rows_needed=9000), "open", "about 9,000"),
        (entry("bleu", None, 0.7, details={"reason": "it rains"}), "none", "not computed, because it rains"),
    ],
)
def test_levels_and_verdicts_follow_the_figures(made: dict[str, Any], level: str, said: str) -> None:
    place = place_of("x", completed(made), 500)
    assert place.level == level and said in verdict("x", completed(made), place)


def test_near_copies_say_nothing_where_the_parts_differ_themselves() -> None:
    near = completed(entry("copies", 0.9, 0.3, best=0.5, direction="near"))
    apart = {"judge": completed(entry("judge", 0.1, 0.2)), "copies_near": near}
    together = {"judge": completed(entry("judge", 0.1, 0.95)), "copies_near": near}
    assert not alike(apart) and alike(together) and alike({})
    for metrics, speaks in ((apart, False), (together, True)):
        places = {m: place_of(m, e, 500, alike(metrics)) for m, e in metrics.items()}
        assert (Teller("texts", metrics, places, words_of).copy_tests() == ["copies_near"]) == speaks
        said = verdict("copies_near", near, places["copies_near"])
        assert ("says nothing here" in said) != speaks
        assert chip("copies_near", near, places["copies_near"]) == (
            "signs of copying" if speaks else "says nothing here"
        )


def test_the_summary_names_the_rival_and_what_matters_most() -> None:
    metrics = {
        "ngrams": completed(entry("grams", 0.3, 0.2, best=0.0, direction="lower", unigram=0.9, trigram=0.4)),
        "uniqueness": completed(entry("variety", 0.2, 1.0)),
    }
    places = {m: place_of(m, e, 500) for m, e in metrics.items()}
    text = summary({"rows": {"fake": 5, "heldout": 6}}, metrics, places)
    assert text[0] == "5 fakes were compared with 6 held-out real texts."
    assert "nearer than a trigram model (0.400)" in text[1]
    assert any(s.startswith("They are not varied enough") for s in text)
    assert any(s.startswith("What matters most is variety of whole texts (0.200; real texts 1.000)") for s in text)
