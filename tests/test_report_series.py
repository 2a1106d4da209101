from __future__ import annotations

import io
import json
import re
import wave
from functools import cache
from typing import Any

import numpy as np
import pytest
from report_picture_example import made_up_history, score
from series_examples import autoregressive, sample, two_kinds
from test_report_page import EVIL, Page

from gankit.features.recurrent import foretell, tell
from gankit.kinds.audio import players as sound
from gankit.kinds.series.metrics.evaluation import evaluate_series
from gankit.kinds.series.metrics.judge import Recurrent
from gankit.kinds.series.metrics.sample import SeriesSample
from gankit.kinds.series.metrics.table import SERIES_METRICS
from gankit.kinds.series.report.panels import POINTS, line
from gankit.kinds.series.report.report import series_report
from gankit.kinds.series.report.summary import summary
from gankit.kinds.series.report.words import alike, chip, completed, place_of, verdict, words_of
from gankit.report.report import MAX_BYTES, Report

NAMES = ("height <b>", "other & more", "kind")
LEVELS = {"kind": ("calm <i>", "wild")}
QUICK = Recurrent(lambda a, b, s: tell(a, b, s, steps=10), lambda a, b, s: foretell(a, b, s, steps=10), runs=1)


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
def example() -> tuple[tuple[SeriesSample, SeriesSample, SeriesSample], dict[str, Any]]:
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
    return series_report(
        found,
        *sides,
        card={"name": "lines", "metric": "minus a distance", "chosen_samples": 400_000},
        history=made_up_history(),
        progress=[(25_000 * i, sides[2].x[:3] / i) for i in range(1, 21)] if records else (),
        notes=["A note."],
        records=records,
    )


def entry(family: str, fake: float | None, ceiling: float | None, half: float = 0.01, **more: Any) -> dict[str, Any]:
    best, direction = more.pop("best", 0.0), more.pop("direction", "lower")
    sides = {k: score(more.pop(k), half, best) for k in ("autoregression", "blocks") if k in more}
    details = more.pop("details", {})
    return {
        "meaning": "what it means",
        "family": family,
        "best": best,
        "direction": direction,
        "distance": more.pop("distance", False),
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
        "suspiciously near",
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
    assert [v["metric"] for v in value["verdicts"]] == list(example()[1]["metrics"])
    assert {v["level"] for v in value["verdicts"]} <= {"real", "close", "fair", "weak", "open", "none"}
    assert report().verdicts[: len(value["summary"])] == value["summary"]


def test_two_copies_are_told_on_top_and_drawn() -> None:
    assert any("signs that training series were copied: exact copies" in s for s in report().json["summary"])
    assert "2 of 120 fakes equal a training series in every cell" in report().html


def test_without_records_no_real_series_is_shown_and_no_copy() -> None:
    open_page, closed = report().html, report(records=False).html
    assert "closest" not in Page(closed).texts and '<h2 id="closest">' not in closed
    assert "real (held-out)" in open_page and "real (held-out)" not in closed
    assert "were left out of this report" in closed
    found = re.findall(r"Lines over time of height &lt;b&gt;: (\d+) fakes", closed)
    assert found and int(found[0]) == 8


def test_names_of_the_data_are_shown_and_never_run() -> None:
    x = autoregressive(24, 12, 3, 0.5, 0)
    labels = [f"{EVIL} {i % 2}" for i in range(24)]
    one = sample(x, labels, names=(EVIL, EVIL + "2", EVIL + "3"))
    found = evaluate_series(one, one, one, metrics=("marginals", "cross_correlation", "autocorrelation", "agreement"))
    made = series_report(
        found,
        one,
        one,
        one,
        card={"name": EVIL, EVIL: EVIL, "metric": EVIL},
        history=[{"samples": i, "metric": -i / 10, "alarms": [EVIL]} for i in (1, 2, 3)],
        progress=[(1, x[:2])],
        notes=[EVIL],
    )
    page = Page(made.html)
    assert page.open == [] and not page.all("script")
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert any(EVIL in t for t in page.texts)


def test_an_evaluation_of_few_metrics_gives_a_page_too() -> None:
    sides, found = example()
    bare = {"metrics": {"marginals": found["metrics"]["marginals"], "own": entry("own", 0.5, 0.9, best=1.0)}}
    made = series_report(bare, *sides, card={}, history=[])
    assert Page(made.html).open == [] and "Further figures" in made.html
    assert "Whether training series were copied is not known" in made.html


def test_long_lines_are_drawn_by_their_ends_and_keep_their_peaks() -> None:
    y = np.zeros(5000)
    y[1234], y[4000:4100] = 7, np.nan
    steps, values = line(y)
    assert len(values) <= POINTS and values.max() == 7 and 1234 in steps
    assert (np.diff(steps) >= 0).all() and not np.isnan(values).any()


# --- sounds -----------------------------------------------------------------------------------------------------------


def test_a_player_holds_the_sound_itself() -> None:
    x = np.array([0.0, 0.5, -1.0, 1.2, np.nan, np.nan])
    with wave.open(io.BytesIO(sound.wav(x, 8000))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        found = np.frombuffer(file.readframes(10), "<i2")
    assert found.tolist() == [0, 16384, -32767, 32767]
    with wave.open(io.BytesIO(sound.wav(np.zeros((5, 2)), 44_100))) as file:
        assert file.getnchannels() == 2 and file.getnframes() == 5
    made = sound.player(np.zeros(8000), 8000, "a <b>")
    assert "&lt;b&gt;" in made and len(made) <= sound.player_bytes(8000, 1, 8000)


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("metric", list(SERIES_METRICS))
def test_every_metric_has_words_of_its_own(metric: str) -> None:
    words = words_of(metric, {"meaning": "?"})
    assert words.question not in ("?", "") and words.remedy


@pytest.mark.parametrize(
    ("made", "level", "said"),
    [
        (entry("judge", 0.04, 0.04), "real", "cannot be told from real series"),
        (entry("judge", 0.2, 0.05, autoregression=0.45, blocks=0.5), "fair", "62.5 % of the way there from a vector"),
        (entry("judge", 0.47, 0.05, autoregression=0.45), "weak", "no model at all"),
        (entry("dynamics", 0.16, 0.02, 0.001, autoregression=0.64, distance=True), "weak", "40.0 % of the way"),
        (entry("dynamics", 0.024, 0.02, 0.001, autoregression=0.64, distance=True), "close", "counted in halvings"),
        (entry("values", 0.05, 0.04, 0.02, rows_needed=9000), "open", "about 9,000"),
        (entry("values", None, 0.7, details={"reason": "it rains"}), "none", "not computed, because it rains"),
    ],
)
def test_levels_and_verdicts_follow_the_figures(made: dict[str, Any], level: str, said: str) -> None:
    place = place_of("x", completed(made), 500)
    assert place.level == level and said in verdict("x", completed(made), place)


@pytest.mark.parametrize(
    ("fake", "said"),
    [(0.5, "50.0 % smaller than in real series: too smooth"), (1.5, "too rough"), (1.0, "as large as")],
)
def test_steps_are_called_too_smooth_or_too_rough(fake: float, said: str) -> None:
    column = {"column": "a", "number": True, "ks": 0.2, "real_sd": 1.0, "fake_sd": fake}
    made = completed(
        entry("values", 0.2, 0.02, 0.001, autoregression=0.3, distance=True, details={"columns": [column]})
    )
    assert said in verdict("changes", made, place_of("changes", made, 500))


def test_who_learns_by_heart_is_not_told_to_train_longer() -> None:
    metrics = {"spectrum": completed(entry("dynamics", 9.0, 0.4, autoregression=8.0, distance=True))}
    places = {m: place_of(m, e, 500) for m, e in metrics.items()}
    history = [{"samples": k, "d_train": 2.0, "d_heldout": 0.1, "d_fake": 0.0} for k in (1, 2, 3)]
    last = summary({"rows": {"fake": 5, "heldout": 6}}, metrics, places, history)[-2]
    assert "by heart" in last and "shorter training" in last and "train longer" not in last


def test_a_single_copy_of_many_numbers_is_a_sign_and_of_few_is_none() -> None:
    details = {"copies": 1, "rows": 1000, "heldout_share": 0.0}
    one = completed(entry("copies", 0.001, 0.0, 0.001, details=details))
    assert chip("copies_exact", one, place_of("copies_exact", one, 500, num_numbers=24)) == "signs of copying"
    assert chip("copies_exact", one, place_of("copies_exact", one, 500, num_numbers=4)) == "no sign of copying"


def test_parts_that_differ_themselves_are_told_first_and_near_copies_say_nothing() -> None:
    metrics = {
        "judge": completed(entry("judge", 0.3, 0.3, best=1.0, direction="higher")),
        "copies_near": completed(entry("copies", 0.9, 0.3, best=0.5, direction="near")),
    }
    assert not alike(metrics)
    places = {m: place_of(m, e, 500, alike(metrics)) for m, e in metrics.items()}
    text = summary({"rows": {"fake": 5, "heldout": 6}}, metrics, places)
    assert text[1].startswith("Beware: the real series of the training part and of the held-out part differ")
    assert "says nothing here" in verdict("copies_near", metrics["copies_near"], places["copies_near"])


def test_the_summary_says_what_fits_what_not_and_what_matters_most() -> None:
    metrics = {
        "discriminative": completed(entry("judge", 0.2, 0.01, autoregression=0.3)),
        "marginals": completed(entry("values", 0.02, 0.02, autoregression=0.1, distance=True)),
        "spectrum": completed(entry("dynamics", 9.0, 0.4, autoregression=8.0, distance=True)),
    }
    places = {m: place_of(m, e, 500) for m, e in metrics.items()}
    text = summary({"rows": {"fake": 5, "heldout": 6}, "series": {"steps": 24, "shortest": 24, "channels": ["a"]}},
                   metrics, places)  # fmt: skip
    assert text[0] == "5 fakes were compared with 6 held-out real series of 24 steps and 1 channel."
    assert any(s.startswith("The fakes are far from real series by those that were trained") for s in text)
    assert any(s.startswith("They are as real series, or close to them, in values (0.020") for s in text)
    assert any(s.startswith("They fall short in the spectrum (9.000; real series 0.400)") for s in text)
    assert any(s.startswith("What matters most is the spectrum") for s in text)
