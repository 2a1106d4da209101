from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from report_image_example import made_up_history
from results import evaluation, named, result, score
from test_metrics_text_evaluation import numbers
from test_report_page import EVIL, Page

from gankit.kinds.texts.metrics.inputs import TextFacts
from gankit.kinds.texts.metrics.metrics import METRICS, evaluate_texts
from gankit.kinds.texts.report import TextSections, cell, differences, gram, readable
from gankit.metrics.evaluate import Evaluation, MetricResult, Rows
from gankit.metrics.metric import Metric, Score
from gankit.report.page import MAX_BYTES, Report, build
from gankit.report.summary import summary
from gankit.report.verdict import Verdict, alike

EVERY = ("ngrams", "symbols", "agreement", "copies_exact")
NAMES = ("No. <b>", "romans & others")


@cache
def example() -> tuple[list[list[str]], list[list[str]], Evaluation[TextFacts]]:
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
    sections = text_sections(
        found,
        *texts,
        labels={"fake": labels[2], "heldout": labels[1]},
        progress=[(25_000 * i, [f"step {i}", texts[2][10]]) for i in range(1, 21)],
        records=records,
    )
    return build(
        sections,
        card={"name": "numbers", "metric": "minus the n-gram divergence", "chosen_samples": 400_000},
        history=made_up_history(),
        notes=["A note."],
    )


def text_sections(found: Evaluation[Any], *texts: Sequence[str], **more: Any) -> TextSections:
    train, heldout, fake = texts
    shown = {"tokenise": list, **more}
    return TextSections(evaluation=found, train=train, heldout=heldout, fake=fake, **shown)


def entry(
    metric: str, fake: float | Score | None, ceiling: float | None, *, rows_needed: int | None = None, **more: Any
) -> MetricResult:
    sides = {name: more.pop(name) for name in ("unigram", "shuffled", "trigram") if name in more}
    return result(named(METRICS, metric), fake, ceiling, sides, rows_needed=rows_needed, **more)


def bare_sections(*results: MetricResult, num_rows: int = 500) -> TextSections:
    found = evaluation(results, TextFacts(), rows=Rows(*[num_rows] * 5))
    return text_sections(found, [], [], [])


def told(*results: MetricResult, num_rows: int = 500) -> dict[str, Verdict]:
    sections = bare_sections(*results, num_rows=num_rows)
    return sections.told()


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
    assert "A note." in html and "(the model)" in html and "Synthetic texts that break the rule" in html
    assert html.count("<svg viewBox") >= 8
    assert "romans &amp; others" in html and "No. &lt;b&gt;" in html and "<b>" not in html


def test_the_json_has_every_verdict_and_can_be_written() -> None:
    value = report().json
    assert [v["metric"] for v in value["verdicts"]] == [m.name for m in METRICS]
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert report().verdicts == [*value["summary"], *(v["text"] for v in value["verdicts"])]


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
    found = evaluate_texts(texts, texts, texts, tokenise=str.split, labels=(texts, texts, texts), only=EVERY)
    sections = text_sections(
        found,
        texts,
        texts,
        texts,
        tokenise=str.split,
        labels={"fake": texts, "heldout": texts},
        progress=[(1, [EVIL])],
    )
    made = build(
        sections,
        card={"name": EVIL, EVIL: EVIL, "metric": EVIL},
        history=[{"samples": i, "metric": -i / 10, "alarms": [EVIL]} for i in (1, 2, 3)],
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
        texts[:20], texts[20:40], texts[40:], tokenise=list, labels=(labels[:20],) * 3, only=("ngrams", "lengths")
    )
    sections = text_sections(
        found,
        texts[:20],
        texts[20:40],
        texts[40:],
        labels={"fake": labels[:20], "heldout": labels[:20]},
        progress=[(i, texts) for i in range(9)],
    )
    made = build(sections, card={}, history=[])
    assert len(made.html.encode()) < MAX_BYTES and Page(made.html).open == []


def test_an_evaluation_of_few_metrics_gives_a_page_too() -> None:
    texts, _, found = example()
    own: Metric[Any] = Metric("own", lambda inputs, who: None, "own", "What it means.")
    few = {"ngrams": found.results["ngrams"], "own": result(own, 0.5, 0.9, {})}
    made = build(text_sections(replace(found, results=few, facts=TextFacts()), *texts), card={}, history=[])
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


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: str(metric.name))
def test_every_metric_has_words_of_its_own(metric: Metric[Any]) -> None:
    assert (metric.remedy or metric.good or not metric.headline) and metric.title
    assert (metric.question != metric.meaning) == (not metric.name.startswith("ngrams_"))
    assert (metric.good != "") == (metric.family != "copies" and not metric.name.startswith("ngrams_"))


def test_the_first_table_has_each_family_and_two_orders_of_bleu() -> None:
    first = [m.name for m in METRICS if m.headline]
    assert {m.family for m in METRICS} == {m.family for m in METRICS if m.headline}
    assert [n for n in first if "bleu" in n] == [f"{s}bleu_{n}" for s in ("", "backward_", "self_") for n in (2, 5)]


@pytest.mark.parametrize(
    ("made", "level", "said"),
    [
        (entry("ngrams", 0.40, 0.40), "real", "cannot be told from real texts"),
        (entry("ngrams", 0.50, 0.40, unigram=0.9), "fair", "80.0 % of the way"),
        (entry("ngrams", 0.95, 0.40, unigram=0.9), "weak", "single units"),
        (entry("bleu_2", 0.9, 0.7), "real", "on the better side of real texts"),
        (entry("bleu_2", 0.69, 0.7, rows_needed=9000), "open", "about 9,000"),
        (entry("bleu_2", score(None, reason="it rains"), 0.7), "none", "not computed, because it rains"),
    ],
)
def test_levels_and_verdicts_follow_the_figures(made: MetricResult, level: str, said: str) -> None:
    (verdict,) = told(made).values()
    assert verdict.level == level and said in verdict.text


def test_near_copies_say_nothing_where_the_parts_differ_themselves() -> None:
    near = entry("copies_near", 0.9, 0.3)
    apart, together = (entry("judge", 0.1, 0.2), near), (entry("judge", 0.1, 0.95), near)
    assert not alike(bare_sections(*apart).results) and alike(bare_sections(*together).results) and alike({})
    for results, speaks in ((apart, False), (together, True)):
        sections, said = bare_sections(*results), told(*results)
        signs = [s for s in summary(sections, said) if "There are signs that training texts were copied" in s]
        assert bool(signs) == speaks
        assert ("says nothing here" in said["copies_near"].text) != speaks
        assert said["copies_near"].chip == ("signs of copying" if speaks else "says nothing here")


def test_the_summary_names_the_trigram_model_and_what_matters_most() -> None:
    results = entry("ngrams", 0.3, 0.2, unigram=0.9, trigram=0.4), entry("uniqueness", 0.2, 1.0)
    sections = bare_sections(*results)
    found = replace(sections.evaluation, rows=Rows(5, 6, 5, 5, 6))
    text = summary(replace(sections, evaluation=found), told(*results))
    assert text[0] == "5 synthetic texts were compared with 6 held-out real texts."
    assert "a trigram model would have 0.400" in text[1]
    assert any(s.startswith("They are not varied enough") for s in text)
    assert any(s.startswith("What matters most is variety of whole texts (0.200; real texts 1.000)") for s in text)
