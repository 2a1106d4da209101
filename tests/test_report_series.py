from __future__ import annotations

import base64
import io
import json
import re
import wave
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from report_image_example import made_up_history
from results import evaluation, named, result, verdict
from series_examples import autoregressive, sample, two_kinds
from test_report_page import EVIL, Page

from gankit.features.recurrent import discriminate, forecast
from gankit.kinds.audio import evaluation as sound
from gankit.kinds.series.metrics.classifiers import Recurrent
from gankit.kinds.series.metrics.inputs import SeriesFacts
from gankit.kinds.series.metrics.metrics import METRICS, evaluate_series
from gankit.kinds.series.metrics.sample import SeriesSample
from gankit.kinds.series.report import POINTS, SeriesSections, line
from gankit.metrics.evaluate import Evaluation, MetricResult, Rows
from gankit.metrics.metric import Metric
from gankit.report.page import MAX_BYTES, Report, build
from gankit.report.summary import summary
from gankit.report.verdict import alike

NAMES = ("height <b>", "other & more", "kind")
LEVELS = {"kind": ("calm <i>", "wild")}
QUICK = Recurrent(lambda a, b, s: discriminate(a, b, s, steps=10), lambda a, b, s: forecast(a, b, s, steps=10), runs=1)


def series(num: int, seed: int) -> SeriesSample:
    """Rising and falling lines, an autoregression with gaps, and a category; lengths of 14 to 16."""
    x, y = two_kinds(num, seed, steps=16)
    other = autoregressive(num, 16, 1, 0.7, seed + 1000)
    draws = np.random.default_rng(seed)
    kind = (other > 0.5).astype(float)
    other[draws.random(other.shape) < 0.1] = np.nan
    both = np.concatenate([x, other, kind], 2)
    lengths = draws.integers(14, 17, num)
    both[np.arange(16) >= lengths[:, None]] = np.nan
    labels = [f"label <{v}>" for v in y]
    return SeriesSample(both, lengths, NAMES, LEVELS, labels)


@cache
def example() -> tuple[tuple[SeriesSample, SeriesSample, SeriesSample], Evaluation[SeriesFacts]]:
    """Real series and fakes, the first two of which are copies, and their figures."""
    train, heldout, fake = series(120, 0), series(80, 1), series(120, 2)
    x, lengths = fake.x.copy(), fake.lengths.copy()
    x[:2], lengths[:2] = train.x[5:7], train.lengths[5:7]
    made = SeriesSample(x, lengths, NAMES, LEVELS, fake.labels)
    features = lambda s: np.nan_to_num(s.x[:, :4, 0])  # noqa: E731
    return (train, heldout, made), evaluate_series(train, heldout, made, recurrent=QUICK, features=features,
                                                            features_name="the first four values.")  # fmt: skip


@cache
def report(records: bool = True) -> Report:
    sides, found = example()
    progress = [(25_000 * i, sides[2].x[:3] / i) for i in range(1, 21)] if records else ()
    return build(
        SeriesSections.of(found, *sides, progress=progress, records=records),
        card={"name": "lines", "metric": "minus a distance", "chosen_samples": 400_000},
        history=made_up_history(),
        notes=["A note."],
    )


def metric(
    name: str,
    fake: float | None,
    ceiling: float | None,
    half: float = 0.01,
    *,
    rows_needed: int | None = None,
    details: Mapping[str, Any] | None = None,
    **baselines: float,
) -> MetricResult:
    of = named(METRICS, name)
    return result(of, fake, ceiling, baselines, half=half, rows_needed=rows_needed, **(details or {}))


def sections(*found: MetricResult, channels: int = 1, steps: int = 24) -> SeriesSections:
    facts = SeriesFacts(
        "", {"steps": steps, "shortest": steps, "channels": ["a"] * channels, "run": 1}, None, [], None, {}
    )
    rows = Rows(5, 6, 5, 5, 6)
    one = sample(np.zeros((2, steps, channels)))
    return SeriesSections.of(evaluation(found, facts, rows=rows), one, one, one)


def told(*found: MetricResult, history: Sequence[Mapping[str, Any]] = ()) -> list[str]:
    shown = sections(*found)
    return summary(shown, shown.told(), history)


# --- the page ---------------------------------------------------------------------------------------------------------


def test_the_page_is_one_whole_self_contained_and_small_file() -> None:
    html = report().html
    page = Page(html)
    assert page.open == [] and len(html.encode()) < MAX_BYTES
    assert not page.all("script") and not page.all("iframe") and not page.all("img") and not page.all("audio")
    outside = [v for _, a in page.tags for k, v in a.items() if k in ("src", "href") and v and not v.startswith("#")]
    assert all(v.startswith("data:") for v in outside)
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    targets = {a["href"][1:] for t, a in page.tags if t == "a" and a.get("href", "").startswith("#")}  # type: ignore[index,union-attr]
    assert targets <= set(ids)


def test_the_page_has_every_part() -> None:
    html = report().html
    parts = ("samples", "bands", "by-class", "progress", "closest", "overview", "judge", "values", "dynamics", "facts")
    for part in (*parts, "features", "form", "labels", "copies", "training", "model", "reading"):
        assert f'<h2 id="{part}">' in html, part
    for told in (
        "height &lt;b&gt;",
        "label &lt;up&gt;",
        "calm &lt;i&gt;",
        "much nearer",
        "The levels of kind",
        "A note.",
        "400,000 (the model)",
        "Lengths",
        "Features: the first four values.",
    ):
        assert told in html, told
    assert "NaN" not in html and ">nan<" not in html


def test_the_json_has_a_verdict_for_every_metric() -> None:
    value = report().json
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert [v["metric"] for v in value["verdicts"]] == list(example()[1].results)
    assert {v["level"] for v in value["verdicts"]} <= {"real", "close", "fair", "weak", "open", "none"}
    assert report().verdicts[: len(value["summary"])] == value["summary"]


def test_two_copies_are_told_on_top_and_drawn() -> None:
    assert any("signs that training series were copied: exact copies" in s for s in report().json["summary"])
    assert "2 of 120 synthetic series equal a training series in every cell" in report().html


def test_without_records_no_real_series_is_shown_and_no_copy() -> None:
    open_page, closed = report().html, report(records=False).html
    assert "closest" not in Page(closed).texts and '<h2 id="closest">' not in closed
    assert "real (held-out)" in open_page and "real (held-out)" not in closed
    assert "were left out of this report" in closed
    found = re.findall(r"Lines over time of height &lt;b&gt;: (\d+) synthetic", closed)
    assert found and int(found[0]) == 8


def test_names_of_the_data_are_shown_and_never_run() -> None:
    x = autoregressive(24, 12, 3, 0.5, 0)
    labels = [f"{EVIL} {i % 2}" for i in range(24)]
    one = sample(x, labels, names=(EVIL, EVIL + "2", EVIL + "3"))
    found = evaluate_series(one, one, one, only=("marginals", "cross_correlation", "autocorrelation", "agreement"))
    made = build(
        SeriesSections.of(found, one, one, one, progress=[(1, x[:2])]),
        card={"name": EVIL, EVIL: EVIL, "metric": EVIL},
        history=[{"samples": i, "metric": -i / 10, "alarms": [EVIL]} for i in (1, 2, 3)],
        notes=[EVIL],
    )
    page = Page(made.html)
    assert page.open == [] and not page.all("script")
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert any(EVIL in t for t in page.texts)


def test_an_evaluation_of_few_metrics_gives_a_page_too() -> None:
    sides, found = example()
    own = result(Metric("own", lambda inputs, who: None, "own", "What it means."), 0.5, 0.9, {})
    bare = replace(found, results={"marginals": found.results["marginals"], "own": own})
    made = build(SeriesSections.of(bare, *sides), card={}, history=[])
    assert Page(made.html).open == [] and "Further figures" in made.html
    assert "Whether training series were copied is not known" in made.html


def test_long_lines_are_drawn_by_their_ends_and_keep_their_peaks() -> None:
    y = np.zeros(5000)
    y[1234], y[4000:4100] = 7, np.nan
    steps, values = line(y)
    assert len(values) <= POINTS and values.max() == 7 and 1234 in steps
    assert (np.diff(steps) >= 0).all() and not np.isnan(values).any()


# --- sounds -----------------------------------------------------------------------------------------------------------


def held(player: str) -> bytes:
    return base64.b64decode(player.partition("base64,")[2].partition('"')[0])


def test_a_player_holds_the_sound_itself() -> None:
    x = np.array([[0], [16384], [-32768], [32767]], np.int16)
    with wave.open(io.BytesIO(held(sound.player(x, 8000, "one")))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        found = np.frombuffer(file.readframes(10), "<i2")
    assert found.tolist() == [0, 16384, -32767, 32767]
    with wave.open(io.BytesIO(held(sound.player(np.zeros((5, 2), np.int16), 44_100, "two")))) as file:
        assert file.getnchannels() == 2 and file.getnframes() == 5
    made = sound.player(np.zeros((8000, 1), np.int16), 8000, "a <b>")
    assert "&lt;b&gt;" in made and len(made) <= sound.player_bytes(8000, 1, 8000)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", METRICS, ids=lambda m: m.name)
def test_every_metric_has_words_of_its_own(metric: Metric[Any]) -> None:
    assert metric.question not in (metric.meaning, "") and (metric.remedy or metric.bad)
    assert metric.family == "copies" or (metric.bad and (metric.good or metric.name == "rules"))


@pytest.mark.parametrize(
    ("found", "level", "said"),
    [
        (metric("judge", 0.96, 0.96), "real", "cannot be told from real series"),
        (metric("judge", 0.8, 0.95, autoregression=0.55, blocks=0.5), "fair", "62.5 % of the way there from a vector"),
        (metric("judge", 0.53, 0.95, autoregression=0.55), "weak", "worse than a vector"),
        (metric("spectrum", 0.16, 0.02, 0.001, autoregression=0.64), "weak", "40.0 % of the way"),
        (metric("spectrum", 0.024, 0.02, 0.001, autoregression=0.64), "close", "counted in halvings"),
        (metric("marginals", 0.05, 0.04, 0.02, rows_needed=9000), "open", "about 9,000"),
        (metric("marginals", None, 0.7, details={"reason": "it rains"}), "none", "not computed, because it rains"),
    ],
)
def test_levels_and_verdicts_follow_the_figures(found: MetricResult, level: str, said: str) -> None:
    made = verdict(found, sections(found), 500)
    assert made.level == level and said in made.text


@pytest.mark.parametrize(
    ("fake", "said"),
    [(0.5, "50.0 % smaller than in real series: too smooth"), (1.5, "too rough"), (1.0, "as large as")],
)
def test_steps_are_called_too_smooth_or_too_rough(fake: float, said: str) -> None:
    column = {"column": "a", "number": True, "ks": 0.2, "real_sd": 1.0, "fake_sd": fake}
    found = metric("changes", 0.2, 0.02, 0.001, autoregression=0.3, details={"columns": [column]})
    assert said in verdict(found, sections(found), 500).text


def test_a_model_that_overfits_is_not_told_to_train_longer() -> None:
    history = [{"samples": k, "d_train": 2.0, "d_heldout": 0.1, "d_fake": 0.0} for k in (1, 2, 3)]
    last = told(metric("spectrum", 9.0, 0.4, autoregression=8.0), history=history)[-2]
    assert "D has begun" in last and "shorter training" in last and "train longer" not in last


def test_a_single_copy_of_many_numbers_is_a_sign_and_of_few_is_none() -> None:
    found = metric("copies_exact", 0.001, 0.0, 0.001, details={"copies": 1, "rows": 1000, "heldout_share": 0.0})
    assert verdict(found, sections(found, steps=24), 500).chip == "signs of copying"
    assert verdict(found, sections(found, steps=4), 500).chip == "no sign of copying"


def test_parts_that_differ_themselves_are_told_first_and_near_copies_say_nothing() -> None:
    found = (metric("judge", 0.3, 0.3), metric("copies_near", 0.9, 0.3))
    shown = sections(*found)
    assert not alike(shown.results)
    assert told(*found)[1].startswith("Beware: the real series of the training part and of the held-out part differ")
    made = shown.told()
    assert "says nothing here" in made["copies_near"].text


def test_the_summary_says_what_fits_what_not_and_what_matters_most() -> None:
    text = told(
        metric("discriminative", 0.2, 0.01, autoregression=0.3),
        metric("marginals", 0.02, 0.02, autoregression=0.1),
        metric("spectrum", 9.0, 0.4, autoregression=8.0),
    )
    assert text[0] == "5 synthetic series were compared with 6 held-out real series of 24 steps and 1 channel."
    assert any(
        s.startswith("Classifiers that were trained to tell them apart find the synthetic series far from")
        for s in text
    )
    assert any(
        s.startswith("The synthetic series are as real series, or close to them, in values (0.020") for s in text
    )
    assert any(s.startswith("They fall short in the power spectrum (9.000; real series 0.400)") for s in text)
    assert any(s.startswith("What matters most is the power spectrum") for s in text)
