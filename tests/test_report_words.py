from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from results import evaluation, named, result, score

import gankit
from gankit.kinds.tables.metrics.metrics import METRICS, NOUN, TableFacts
from gankit.kinds.tables.metrics.sample import Sample
from gankit.kinds.tables.sections import TableSections
from gankit.metrics.evaluate import MetricResult
from gankit.metrics.metric import Metric, Score
from gankit.report import headline, numbers, verdict
from gankit.report.summary import findings, limits, summary
from gankit.report.verdict import THRESHOLDS, levels

LIMITS = limits(NOUN)
PLAIN = ("independent", "copula")
PAIRS = named(METRICS, "trend")
EMPTY = Sample({"x": np.zeros(1)}, {"x": "number"})


def metric(
    fake: Score,
    ceiling: float | None = 0.99,
    independent: float = 0.5,
    *,
    of: str = "trend",
    rows_needed: int | None = None,
    **more: Any,
) -> MetricResult:
    baselines = {"bootstrap": 0.99, "independent": independent, "copula": independent - 0.1}
    return result(replace(named(METRICS, of), **more), fake, ceiling, baselines, rows_needed=rows_needed)


def standing(found: MetricResult, num_rows: int | None = None) -> verdict.Standing:
    return verdict.standing(found, num_rows, PLAIN)


def sections(*found: MetricResult) -> TableSections:
    facts = TableFacts(None, False, (), [{}, {}])
    return TableSections(evaluation=evaluation(found, facts), real=EMPTY, fake=EMPTY)


def told_of(found: MetricResult) -> str:
    return said(sections(found))[found.metric.name].text


def said(shown: TableSections) -> Mapping[str, verdict.Verdict]:
    return shown.told()


def told(*found: MetricResult, history: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    shown = sections(*found)
    return summary(shown, said(shown), history)


def test_a_fake_within_the_interval_of_the_ceiling_counts_as_real() -> None:
    # The half-widths .01 and .01 make sqrt(2) * .01 = .0141: .98 is .01 behind, .97 is .02 behind.
    assert standing(metric(score(0.98))).level == "real"
    assert standing(metric(score(0.97))).level != "real"


@pytest.mark.parametrize(
    ("value", "way", "level"),
    [(0.95, 0.45 / 0.49, "close"), (0.80, 0.3 / 0.49, "fair"), (0.60, 0.1 / 0.49, "weak"), (0.40, -0.1 / 0.49, "weak")],
)
def test_the_level_is_the_share_of_the_way_from_the_better_baseline_to_the_ceiling(
    value: float, way: float, level: str
) -> None:
    found = standing(metric(score(value)))
    assert found.way == pytest.approx(way)
    assert (found.level, found.baseline) == (level, "independent")


def test_wide_intervals_ask_for_more_rows_and_say_how_many() -> None:
    entry = metric(score(0.95, half=0.1), rows_needed=4123)
    assert standing(entry).level == "open"
    assert "too few rows to tell; about 4,200 held-out rows" in told_of(entry)


def test_an_interval_wider_than_the_way_from_the_baselines_is_too_few_to_tell() -> None:
    assert standing(metric(score(0.95, half=0.1), independent=0.5)).level == "real"
    wide = metric(score(0.95, half=0.1), independent=0.9)
    assert standing(wide, 100).level == "open" and "too few rows to tell; about" in told_of(wide)
    assert standing(metric(score(0.95, half=0.1), independent=0.98)).level == "real"  # the baselines are as good


def test_realism_is_not_claimed_with_fewer_records_than_features() -> None:
    few = metric(score(0.98, singular=True), of="precision")
    assert verdict_level(few) == "open" and verdict_level(metric(score(0.98), of="precision")) == "real"


def verdict_level(found: MetricResult) -> str:
    return said(sections(found))[found.metric.name].level


def test_a_clear_difference_is_told_even_when_more_rows_were_asked_for() -> None:
    assert standing(metric(score(0.6, half=0.1), rows_needed=4123)).level == "weak"


def test_a_metric_that_could_not_be_computed_says_why() -> None:
    entry = metric(score(None, reason="there is one column only"))
    assert standing(entry).level == "none"
    assert told_of(entry) == "Column pair trends: not computed, because there is one column only."


def test_without_baselines_or_ceiling_the_distance_to_the_best_decides() -> None:
    entry = replace(metric(score(0.95)), ceiling=None, baselines={})
    assert standing(entry).level == "fair"
    assert "1.000 would be perfect" in told_of(entry)


def test_where_baselines_reach_the_ceiling_the_gap_decides() -> None:
    entry = metric(score(0.9), ceiling=0.99, independent=0.985)
    found = standing(entry)
    assert found.way is None and found.level == "fair"
    assert "0.090 behind" in told_of(entry)


def test_fewer_copies_than_real_rows_show_are_no_weakness() -> None:
    entry = metric(score(0.45), ceiling=0.2, independent=0.4, best=0.5, direction="near", family="copies")
    assert standing(entry).level == "real"  # below chance: nothing was copied, whatever a noisy ceiling says


def test_copying_is_told_first_and_with_its_remedy() -> None:
    copies = metric(
        score(0.2, copies=400, rows=2000, heldout_share=0.01),
        ceiling=0.01,
        independent=0.0,
        best=0.0,
        direction="lower",
        of="copies_exact",
    )
    sentences = told(metric(score(0.6)), copies)
    assert "There are signs that training rows were copied: exact copies (0.200; real rows 0.010)." in sentences
    assert any(s.startswith("What matters most is exact copies") and "--samples" in s for s in sentences)
    text = told_of(copies)
    assert "400 of 2,000 synthetic rows equal a training row" in text and "1.0 % do" in text


def near(value: float) -> MetricResult:
    details = {"three_sample": {"z": -4.0, "p": 3e-5}, "closer": 10, "rows": 20}
    return metric(score(value, **details), ceiling=value, of="copies_near")


def test_the_three_sample_test_speaks_of_copying_when_the_share_of_nearer_fakes_agrees() -> None:
    assert "nearer to training rows than held-out ones do" in told_of(near(0.53))
    assert any("signs that training rows were copied" in s for s in told(near(0.53)))
    assert any("No sign that training rows were copied" in s for s in told(near(0.5)))


def test_the_summary_names_strengths_weaknesses_and_limits_in_three_to_six_sentences() -> None:
    copies = metric(score(0.5), ceiling=0.5, of="membership")
    sentences = told(metric(score(0.985), of="shape"), metric(score(0.6)), copies)
    assert 3 <= len(sentences) <= 6
    assert sentences[0] == "2,000 synthetic rows were compared with 2,000 held-out real rows over 2 columns."
    assert "as real rows, or close to them, in column shapes (0.985; real rows 0.990)" in sentences[1]
    assert "fall short in column pair trends (0.600; real rows 0.990)" in sentences[2]
    assert "No sign that training rows were copied: membership inference (0.500; real rows 0.500)" in sentences[3]
    assert "What matters most is column pair trends" in sentences[4]
    assert sentences[-1] == LIMITS and "no proof of privacy" in LIMITS


def test_the_summary_says_when_copies_were_not_looked_for() -> None:
    assert "Whether training rows were copied is not known: none of the tests for it could be made." in told(
        metric(score(0.98), of="shape")
    )


def test_a_training_that_still_improves_is_named_with_the_weakness() -> None:
    history = [{"samples": i, "metric": i / 10} for i in range(1, 11)]
    sentences = told(metric(score(0.6)), history=history)
    assert any("at the end: a longer training (--budget or --samples) would help" in s for s in sentences)


@pytest.mark.parametrize(
    ("area", "low", "words"),
    [
        (0.5, 0.48, "cannot tell"),
        (0.54, 0.52, "hardly tells"),
        (0.62, 0.6, "now and then"),
        (0.8, 0.78, "often tells"),
        (0.97, 0.96, "nearly always"),
    ],
)
def test_the_judge_is_described_by_its_area_under_the_curve(area: float, low: float, words: str) -> None:
    details = {
        "auc": area,
        "auc_low": low,
        "auc_high": area + 0.02,
        "accuracy": 0.6,
        "precision": 0.6,
        "recall": 0.5,
        "rows": 900,
    }
    text = told_of(metric(score(2 - 2 * area, **details), of="c2st_trees"))
    assert words in text and f"AUC {area:.3f} ({low:.3f}–{area + 0.02:.3f})" in text
    assert "it finds 50.0 % of the real ones" in text


def test_group_by_words_give_shares_of_cells_and_the_worst_cell() -> None:
    orders = [
        {"order": 1, "cells": 80, "within": 0.9, "within_expected": 0.95, "sets": 5},
        {"order": 2, "cells": 900, "within": 0.8, "within_expected": 0.95, "sets": 10},
    ]
    cells = [{"text": "age in (24, 30] and sex = Male", "real": 0.1, "fake": 0.05, "z": 7.0}]
    text = told_of(metric(score(0.7, orders=orders, worst_cells=cells), of="cube"))
    assert "90.0 % of 80 cells by one column and 80.0 % of 900 cells by two columns" in text
    assert "perfect ones would in 95.0 %" in text
    assert "“age in (24, 30] and sex = Male”: 10.0 % of the real rows, 5.0 % of the synthetic ones" in text


def test_every_metric_of_rows_has_words_of_its_own() -> None:
    for metric in METRICS:
        assert metric.title and metric.noun and metric.question != metric.meaning


PACKAGE = Path(gankit.__file__).parent
GAME = ("report/curves.py", "training/loop.py")  # where D tells fakes from real records
NAMES = ("fakes", "fakes.")  # a file, and a key of report.json


def strings(path: Path) -> Iterator[str]:
    """The strings of a module but for docstrings, those between the values of f-strings too."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    documented = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


def test_users_read_of_synthetic_samples_and_of_fakes_in_the_game_alone() -> None:
    found = {str(p.relative_to(PACKAGE)): list(strings(p)) for p in PACKAGE.rglob("*.py")}
    found |= {p.name: p.read_text(encoding="utf-8").splitlines() for p in PACKAGE.rglob("*.j2")}
    assert all(found[place] for place in (*GAME, "report.html.j2"))
    said = [(place, text) for place, texts in found.items() for text in texts if place not in GAME]
    wrong = [(place, text) for place, text in said if re.search(r"\bfakes\b", text, re.IGNORECASE)]
    assert [text for _, text in wrong if text not in NAMES] == [" of the way to the fakes)"]  # where D has memorised


def test_a_metric_without_words_is_shown_under_its_own_name() -> None:
    new: Metric[Any] = Metric("new_thing", lambda inputs, who: None, "new", "What it computes.")
    found = result(new, 0.98, 0.99, {"independent": 0.5})
    assert told_of(found).startswith("New thing: 0.980 (0.970–0.990)")
    assert new.question == "What it computes."


@given(
    st.floats(0, 1), st.floats(0, 0.3), st.floats(0, 1), st.floats(0, 1), st.sampled_from(["higher", "lower", "near"])
)
def test_every_metric_has_a_standing_and_a_verdict(v: float, half: float, real: float, base: float, way: str) -> None:
    entry = metric(score(v, half), ceiling=real, independent=base, direction=way)
    assert standing(entry).level in levels(NOUN)
    assert told_of(entry)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.02, 1))
def test_worse_fakes_never_stand_higher(a: float, b: float, real: float) -> None:
    order = ["weak", "fair", "close", "real"]
    low, high = sorted((a, b))
    levels = [
        order.index(standing(metric(score(v, 0.0), ceiling=real, independent=real / 2)).level) for v in (low, high)
    ]
    assert levels[0] <= levels[1]


def test_the_score_is_the_mean_way_from_the_better_baseline_to_real_rows() -> None:
    half, all_of_it = metric(score(0.745), of="trend"), metric(score(0.99), of="shape")
    worse, same = metric(score(0.2), of="cube", best=1.0), metric(score(0.98), independent=0.985, of="c2st_trees")
    assert headline.score(said(sections(half))) == 50.0
    assert headline.score(said(sections(half, all_of_it))) == 75.0
    assert headline.score(said(sections(half, all_of_it, worse, same))) == 50.0  # cut at 0; the last has no way
    assert headline.score(said(sections(same))) is None


def test_three_lights_answer_from_the_findings() -> None:
    def lit(*found: MetricResult) -> dict[str, str]:
        shown = sections(*found)
        return {o.light: o.level for o in headline.lights(shown, shown.told(), findings(shown, shown.told()))}

    copied = metric(score(0.2, copies=400, rows=2000), 0.01, 0.0, of="copies_exact", best=0.0, direction="lower")
    good, bad, none = (metric(score(v), of=m) for v, m in ((0.99, "shape"), (0.6, "trend"), (None, "usefulness")))
    assert lit(good, copied) == {"Looks right": "green", "Not copied": "red"}
    assert lit(good, bad, none) == {"Looks right": "amber", "Not copied": "grey"}
    assert lit(bad, metric(score(0.98), of="usefulness")) == {
        "Looks right": "red", "Useful": "green", "Not copied": "grey",
    }  # fmt: skip


def test_thresholds_rise_in_their_own_order() -> None:
    assert 0.5 < THRESHOLDS["auc_slight"] < THRESHOLDS["auc_often"] < THRESHOLDS["auc_nearly_always"] < 1
    assert 0 < THRESHOLDS["fair"] < THRESHOLDS["close"] < 1


def test_numbers_are_short_and_keep_what_matters() -> None:
    assert [numbers.score(v) for v in (0.98765, 0.0, 0.0001, 123.456, None)] == [
        "0.988",
        "0.000",
        "1.0e-04",
        "123.5",
        "–",
    ]
    assert [numbers.share(v) for v in (0.0, 0.00012, 0.1234, 1.0, None)] == ["0 %", "0.012 %", "12.3 %", "100 %", "–"]
    assert [numbers.amount(v) for v in (17.0, 15024.0, 0.123456, None)] == ["17", "15,024", "0.12346", "–"]
    assert [numbers.about(v) for v in (4123, 98, 7, 0)] == ["4,200", "98", "7", "0"]
    assert numbers.moment(0.0) == "1970-01-01" and numbers.moment(86461.0) == "1970-01-02 00:01:01"
    assert numbers.listed(["a", "b", "c"]) == "a, b and c"


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_no_number_breaks_the_words(value: float) -> None:
    for show in (numbers.score, numbers.share, numbers.amount, numbers.moment):
        assert show(value)


def test_a_few_more_rows_than_compared_are_not_too_few_rows() -> None:
    entry = metric(score(0.985), rows_needed=5400)
    assert standing(entry, 5000).level == "real" and standing(entry, 2000).level == "open"


def test_a_share_hardly_beyond_chance_is_no_sign_of_copying() -> None:
    def near(value: float) -> MetricResult:
        found = metric(score(value, 0.003), of="copies_near")
        return replace(found, ceiling=score(0.486, 0.008), baselines={})

    assert standing(near(0.505)).level == "real"
    assert standing(near(0.6)).level in ("close", "fair", "weak")
