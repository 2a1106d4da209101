from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from series_examples import autoregressive, sample, two_kinds, windows

from gankit.errors import DataError
from gankit.features.recurrent import discriminate, forecast
from gankit.kinds.series.metrics.classifiers import Recurrent
from gankit.kinds.series.metrics.metrics import METRICS, evaluate_series
from gankit.kinds.series.metrics.sample import SeriesSample

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "series"
QUICK = Recurrent(lambda a, b, s: discriminate(a, b, s, steps=25), lambda a, b, s: forecast(a, b, s, steps=25))
NAMES = tuple(m.name for m in METRICS if m.name != "rules")  # which is asked where there are rules
EASY = tuple(m for m in NAMES if m not in ("judge", "discriminative"))


def labelled(num: int, seed: int, shift: float = 0.0) -> SeriesSample:
    """Rising and falling lines beside an autoregression, with gaps and different lengths."""
    x, y = two_kinds(num, seed, steps=16)
    other = autoregressive(num, 16, 1, 0.7, seed + 1000)
    draws = np.random.default_rng(seed)
    both = np.concatenate([other, x + shift], 2)
    both[draws.random((num, 16)) < 0.1, 0] = np.nan
    lengths = draws.integers(12, 17, num)
    both[np.arange(16) >= lengths[:, None]] = np.nan
    return sample(both, y, lengths=lengths)


def figures(*sides: SeriesSample, **options: Any) -> dict[str, Any]:
    """The evaluation as it stands in report.json."""
    return evaluate_series(*sides, **options).to_json()


@cache
def found(kind: str = "fresh") -> dict[str, Any]:
    train, heldout, fake = labelled(200, 0), labelled(120, 1), labelled(200, 2)
    if kind == "copied":
        fake = train
    if kind == "shifted":
        fake = labelled(200, 2, shift=0.6)
    if kind == "collapsed":
        fake = fake.take(np.arange(200) % 3)
    asked = {"copied": ("copies_exact", "copies_near"), "shifted": ("marginals", "changes"), "collapsed": ("judge",)}
    names = asked.get(kind, NAMES)
    return figures(
        train, heldout, fake, recurrent=QUICK if kind == "fresh" else None,
        features=lambda s: np.nan_to_num(s.x[:, :8, 1]), seed=3, only=names,
    )  # fmt: skip


def value(result: dict[str, Any], metric: str, who: str = "fake") -> float:
    entry = result["metrics"][metric]
    score = entry[who] if who in entry else entry["baselines"][who]
    return float(score["value"])


def test_every_metric_is_computed_and_the_whole_is_plain_json() -> None:
    result = found()
    assert list(result["metrics"]) == list(NAMES)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["rows"] == {"train": 200, "heldout": 120, "fake": 200, "compared": 200, "against": 120}
    for name, entry in result["metrics"].items():
        assert entry["fake"]["value"] is not None and entry["ceiling"]["value"] is not None, name
        low, high = entry["fake"]["low"], entry["fake"]["high"]
        assert low is None or low <= entry["fake"]["value"] <= high, name
        assert all(not s["details"] for s in entry["baselines"].values())
    assert {c["class"] for c in result["per_class"]} == {"up", "down"}
    assert len(json.dumps(result)) < 200_000


def test_fresh_real_series_reach_the_ceiling_and_plain_methods_do_not() -> None:
    result = found()
    for name in ("marginals", "changes", "autocorrelation", "spectrum", "profile", "lengths", "gaps"):
        entry = result["metrics"][name]
        assert entry["fake"]["value"] < 2 * entry["ceiling"]["high"], name
    assert value(result, "usefulness") > 0.85 and value(result, "agreement") > 0.85
    assert value(result, "judge") > 0.7
    assert value(result, "judge", "autoregression") < value(result, "judge") - 0.2
    assert value(result, "changes", "blocks") > 2 * value(result, "changes")


def test_what_is_wrong_is_seen_where_it_is() -> None:
    fresh, shifted, collapsed = found(), found("shifted"), found("collapsed")
    assert value(shifted, "marginals") > 2 * value(fresh, "marginals")
    assert value(shifted, "changes") < 2 * value(fresh, "changes")
    worst = shifted["metrics"]["marginals"]["fake"]["details"]["columns"][0]
    assert worst["column"] == "b" and worst["fake_mean"] > worst["real_mean"]
    assert value(collapsed, "judge") < 0.3 < value(fresh, "judge")


def test_copies_are_found_and_fresh_series_are_not_accused() -> None:
    fresh, copied = found(), found("copied")
    assert value(copied, "copies_exact") == 1 and value(fresh, "copies_exact") == 0
    assert value(copied, "copies_near") > 0.7 > value(fresh, "copies_near")
    test = copied["metrics"]["copies_near"]["fake"]["details"]["three_sample"]
    assert test["p"] < 1e-6 < 0.001 < fresh["metrics"]["copies_near"]["fake"]["details"]["three_sample"]["p"]
    for pair in copied["shown"]["copied"]:
        assert pair["fake"] == pair["train"] and pair["distance_train"] < 1e-6
    assert copied["shown"]["nearest_train"] == copied["shown"]["shown"]


def test_the_same_arguments_give_the_same_figures() -> None:
    again = figures(
        labelled(200, 0), labelled(120, 1), labelled(200, 2), seed=3,
        only=("judge", "marginals", "copies_near", "usefulness"),
    )  # fmt: skip
    for name, entry in again["metrics"].items():
        assert {**entry, "seconds": 0} == {**found()["metrics"][name], "seconds": 0}


def test_overlapping_windows_are_taken_for_what_they_say() -> None:
    whole = autoregressive(1, 900, 1, 0.8, seed=4)[0]
    train, heldout = sample(windows(whole[:600], 24, 1)), sample(windows(whole[624:], 24, 1))
    fake = sample(autoregressive(400, 24, 1, 0.8, seed=5))
    result = figures(train, heldout, fake, only=("marginals", "copies_near", "copies_exact"))
    assert result["series"]["run"] == 24 and any("overlap" in n for n in result["notes"])
    single = figures(
        train, sample(autoregressive(252, 24, 1, 0.8, seed=6)), fake, only=("marginals",)
    )  # fmt: skip
    widths = [r["metrics"]["marginals"]["fake"]["high"] - r["metrics"]["marginals"]["fake"]["low"]
              for r in (result, single)]  # fmt: skip
    assert widths[0] > 1.5 * widths[1]


def test_parts_that_differ_themselves_are_named() -> None:
    near, far = (sample(autoregressive(80, 12, 1, 0.5, seed=k) + 5 * k) for k in (0, 1))
    result = figures(near, far, near, only=("judge",))
    assert any("differ themselves" in note for note in result["notes"])


def test_categories_alone_and_one_step_and_two_rows_give_reasons_and_no_fault() -> None:
    draws = np.random.default_rng(0)
    codes = draws.integers(0, 3, (40, 10, 1)).astype(float)
    one = SeriesSample(codes, np.full(40, 10), ("k",), {"k": ("p", "q", "r")})
    parts = [one.take(np.arange(*ends)) for ends in ((0, 20), (20, 30), (30, 40))]
    result = figures(*parts, only=tuple(m for m in NAMES if m != "judge"))
    assert result["metrics"]["spectrum"]["fake"]["value"] is None
    assert any(note.startswith("spectrum: there are no channels of numbers") for note in result["notes"])
    assert result["metrics"]["marginals"]["fake"]["value"] is not None
    flat = sample(draws.normal(size=(20, 1, 1)))
    result = figures(flat, flat, flat, recurrent=QUICK, only=EASY)
    assert result["metrics"]["autocorrelation"]["fake"]["value"] is None
    two = sample(draws.normal(size=(2, 30, 1)))
    result = figures(two, two, two, recurrent=QUICK)
    assert result["metrics"]["judge"]["fake"]["value"] is None
    with pytest.raises(DataError, match="at least 2 series"):
        figures(two, two, two.take(np.arange(1)))


def test_constant_channels_and_long_series_are_measured() -> None:
    x = autoregressive(12, 1100, 2, 0.9, seed=7)
    x[:, :, 1] = 3
    result = figures(sample(x[:5]), sample(x[5:8]), sample(x[8:]), recurrent=QUICK, only=EASY)
    assert "discriminative" not in result["metrics"]
    assert any("more than 1,024 steps" in note for note in result["notes"])
    assert [c["column"] for c in result["metrics"]["spectrum"]["fake"]["details"]["columns"]] == ["a"]


@pytest.mark.skipif(not DATA.exists(), reason="the data folder is not there")
def test_an_autoregression_of_gunpoint_is_seen_for_what_it_is() -> None:
    table = {
        part: np.loadtxt(DATA / "ucr" / f"GunPoint_{part}.tsv", delimiter="\t") for part in ("TRAIN", "TEST")
    }  # fmt: skip
    parts = {p: sample(t[:, 1:, None], t[:, 0].astype(int).tolist()) for p, t in table.items()}
    train, heldout = parts["TRAIN"], parts["TEST"]
    result = figures(train, heldout, train, only=("usefulness_nearest", "judge", "copies_exact"))
    # the accuracy of Euclid's nearest neighbour on this set, as the archive gives it
    assert value(result, "usefulness_nearest", "ceiling") == pytest.approx(0.9133, abs=0.001)
    assert value(result, "copies_exact") == 1 and value(result, "judge", "autoregression") < 0.3
