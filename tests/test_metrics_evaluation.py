"""The table of metrics and the evaluation: complete, plain JSON, and on its feet with any sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from metrics_samples import mixed, table

from gankit.errors import DataError
from gankit.kinds.tables.metrics import metrics
from gankit.kinds.tables.metrics import metrics as table_metrics
from gankit.kinds.tables.metrics.classifiers import quick_c2st
from gankit.kinds.tables.metrics.metrics import METRICS, TableInputs, evaluate_rows
from gankit.kinds.tables.metrics.neighbours import row_keys
from gankit.kinds.tables.metrics.sample import Sample


def evaluate_samples(*samples: Sample, **options: Any) -> dict[str, Any]:
    """The evaluation as report.json has it."""
    return evaluate_rows(*samples, **options).to_json()


@pytest.fixture(scope="module")
def result() -> dict[str, Any]:
    train, heldout = mixed(1500, 1), mixed(900, 2)
    fake = metrics.independent(train, 1200, 9)
    return evaluate_samples(train, heldout, fake, target="c", given=["d"], max_rows=800)


def sample(num_rows: int, columns: dict[str, Any], seed: int) -> Sample:
    """By recipe: "n" normal, "k" constant, "m" missing, "i" with infinities, a number K a category of K levels."""
    generator = np.random.default_rng(seed)
    values, kinds, levels = {}, {}, {}
    for name, what in columns.items():
        kinds[name] = "category" if isinstance(what, int) else "number"
        if isinstance(what, int):
            levels[name] = tuple(f"v{i}" for i in range(what))
            values[name] = generator.integers(-1, what, num_rows).astype(np.int32)
            continue
        x = generator.normal(size=num_rows)
        if what == "i":
            x[generator.random(num_rows) < 0.2] = np.inf
            x[generator.random(num_rows) < 0.2] = -np.inf
        values[name] = {"k": np.full(num_rows, 3.0), "m": np.full(num_rows, np.nan)}.get(what, x)
    return Sample(values, kinds, levels)  # type: ignore[arg-type]


def test_result_is_plain_json_with_every_metric_beside_ceiling_and_baselines(result: dict[str, Any]) -> None:
    again = json.loads(json.dumps(result, allow_nan=False))
    assert again == result
    assert list(result["metrics"]) == [m.name for m in METRICS if m.name not in ("rules", "differences")]
    for name, figure in result["metrics"].items():
        assert set(figure) == {
            *(
                "meaning",
                "family",
                "best",
                "direction",
                "distance",
                "fake",
                "ceiling",
                "baselines",
                "rows_needed",
                "seconds",
            )
        }, name
        assert list(figure["baselines"]) == ["independent", "copula", "bootstrap"]
        for score in (figure["fake"], figure["ceiling"], *figure["baselines"].values()):
            assert set(score) == {"value", "low", "high", "best", "details"}
            assert score["low"] <= score["value"] <= score["high"], name
    assert result["rows"] == {"train": 1500, "heldout": 900, "fake": 1200, "compared": 800, "against": 800}
    assert [c["column"] for c in result["columns"]] == ["x", "y", "z", "c", "d"]


def test_fakes_from_independent_columns_score_like_that_baseline_and_below_the_ceiling(result: dict[str, Any]) -> None:
    for name in ("trend", "cube", "c2st_trees", "usefulness", "conditional", "coverage"):
        figure = result["metrics"][name]
        value = figure["fake"]["value"]
        assert value < figure["ceiling"]["value"] - 0.02, name
        assert abs(value - figure["baselines"]["independent"]["value"]) < 0.12, name
    assert result["metrics"]["copies_exact"]["baselines"]["bootstrap"]["value"] == 1
    assert result["metrics"]["copies_near"]["baselines"]["bootstrap"]["low"] > 0.6
    assert result["metrics"]["membership"]["baselines"]["bootstrap"]["low"] > 0.6


def test_same_seed_gives_the_same_result_and_targets_are_guessed() -> None:
    train, heldout, fake = mixed(120, 1), mixed(80, 2), mixed(60, 3)
    first, again = (evaluate_samples(train, heldout, fake, seed=4) for _ in range(2))
    for value in (first, again):
        for figure in value["metrics"].values():
            figure.pop("seconds")
            for score in (figure["fake"], figure["ceiling"]):
                score["details"].pop("seconds", None)
    assert first == again
    assert first["target"] == "y" and first["target_guessed"] and first["given"] == ["y"]


def test_documented_details_are_there(result: dict[str, Any]) -> None:
    text = table_metrics.__doc__ or ""
    for name, figure in result["metrics"].items():
        assert f"\n    {name} " in text, f"{name} is not documented"
        for key in figure["fake"]["details"]:
            assert key in text, f"{name}: {key} is not documented"


CASES = {
    "one number": {"a": "n"},
    "one category": {"a": 3},
    "constant": {"a": "k", "b": 1},
    "all missing": {"a": "m", "b": 0},
    "all categories": {"a": 3, "b": 2, "c": 4},
    "all numbers": {"a": "n", "b": "n", "c": "n"},
    "infinite": {"a": "i", "b": "i", "c": 2},
    "everything": {"a": "n", "b": "k", "c": "m", "d": 0, "e": "i", "f": 7, "g": 1, "y": 2},
    "high cardinality": {"tail": 3500, "tail2": 3500, "n": "n"},
}


@pytest.mark.parametrize("sizes", [(2, 2, 2), (1, 1, 1), (5, 3, 40), (40, 30, 35)])
@pytest.mark.parametrize("name", CASES)
def test_any_sample_gets_a_result_or_a_reason(name: str, sizes: tuple[int, int, int]) -> None:
    parts = [sample(n, CASES[name], seed) for seed, n in enumerate(sizes)]
    result = evaluate_samples(*parts, seed=0)
    json.dumps(result, allow_nan=False)
    for figure in result["metrics"].values():
        for score in (figure["fake"], figure["ceiling"]):
            assert score["value"] is not None or score["details"]["reason"]


@pytest.mark.parametrize("name", ["shape", "trend", "cube", "c2st_linear", "coverage"])
def test_hundred_numbers_end_by_the_caps(name: str) -> None:
    vector = {f"x{i}": "n" for i in range(100)}
    inputs = TableInputs(sample(60, vector, 3), sample(60, vector, 1), sample(50, vector, 2), target="x0", max_rows=100)
    score = next(m for m in METRICS if m.name == name).function(inputs, "fake")
    assert score is not None and 0 <= score.value <= 1
    if name == "cube":
        assert [o["sets"] for o in score.details["orders"]] == [100, 600, 600] and score.details["sampled"]


def test_invented_levels_and_lost_columns_are_seen() -> None:
    train, heldout = table(c=["a", "b"] * 30, x=range(60)), table(c=["b", "a"] * 20, x=range(40))
    invented = evaluate_samples(train, heldout, table(c=["z"] * 40, x=range(40)))
    worst = invented["metrics"]["shape"]["fake"]["details"]["columns"][0]
    assert worst["column"] == "c" and worst["score"] == 0
    with pytest.raises(DataError, match="'x'"):
        evaluate_samples(train, heldout, table(c=["a"]))


def test_empty_samples_and_unknown_columns_are_refused_with_a_remedy() -> None:
    some = mixed(10, 1)
    with pytest.raises(DataError, match=r"the synthetic rows: .*at least one row"):
        evaluate_samples(some, some, some.take([]))
    with pytest.raises(DataError, match=r"'pay' is not in the table\. Choose among x, y"):
        evaluate_samples(some, some, some, given=["pay"])


def adult(folder: Path, name: str) -> Sample:
    """A file of the Adult table: columns of numbers, categories, and "?" for missing."""
    from pyarrow.csv import ConvertOptions, read_csv

    options = ConvertOptions(null_values=["?"], strings_can_be_null=True)
    return table(**read_csv(folder / "tables" / name, convert_options=options).to_pydict())


@pytest.mark.slow
def test_half_of_adult_is_as_good_as_the_other(shared_data: Path) -> None:
    train, heldout = adult(shared_data, "adult_train.csv"), adult(shared_data, "adult_test.csv")
    heldout = heldout.take(np.arange(3000))
    half = np.random.default_rng(0).permutation(train.num_rows)[:6000]
    result = evaluate_samples(train.take(half[:3000]), heldout, train.take(half[3000:]))
    figures = {name: figure["fake"]["value"] for name, figure in result["metrics"].items()}
    assert result["target"] == "income"
    assert figures["shape"] > 0.98 and figures["c2st_trees"] > 0.93 and figures["usefulness"] > 0.88
    assert abs(figures["membership"] - 0.5) < 0.05 and abs(figures["copies_near"] - 0.5) < 0.05
    heldout_share = float(np.isin(row_keys(heldout), row_keys(train)).mean())
    assert figures["copies_exact"] <= 2 * heldout_share + 0.002


def test_quick_judge_looks_at_no_more_than_it_needs(shared_data: Path) -> None:
    train, heldout = adult(shared_data, "adult_train.csv"), adult(shared_data, "adult_test.csv")
    score = quick_c2st(heldout, train, 0)
    assert score.value > 0.95 and score.details["rows"] == 5000


def trips(num_rows: int, seed: int, shuffled: bool = False) -> Sample:
    g = np.random.default_rng(seed)
    begin = np.sort(g.uniform(0, 365 * 86400, num_rows))
    end = begin + g.lognormal(6.5, 0.6, num_rows)
    return table(
        begin=begin.tolist(), end=(g.permutation(end.reshape(-1, 10).T).T.ravel() if shuffled else end).tolist()
    )


def test_a_model_without_rules_is_caught_by_the_differences_of_columns() -> None:
    """Pairs that are right to a thousandth of their range may still be wrong in what matters: how long a trip lasts."""
    train, heldout = trips(3000, 1), trips(2000, 2)
    good = evaluate_samples(train, heldout, trips(2000, 3))["metrics"]
    bad = evaluate_samples(train, heldout, trips(2000, 3, shuffled=True))["metrics"]
    assert good["differences"]["fake"]["value"] > 0.95 > 0.5 > bad["differences"]["fake"]["value"]
    assert bad["differences"]["baselines"]["independent"]["value"] < 0.6
    for name in ("shape", "trend"):
        assert bad[name]["fake"]["value"] > 0.96
    (pair,) = bad["differences"]["fake"]["details"]["pairs"]
    assert pair["columns"] == ["begin", "end"] and 500 < pair["real"] < 900


def test_the_rows_that_break_each_rule_are_counted() -> None:
    def shares(rows: Sample) -> tuple[dict[str, float], np.ndarray]:
        kept = rows.columns["begin"] <= rows.columns["end"]
        return {"begin <= end": float(1 - kept.mean())}, kept

    fakes = trips(2000, 3, shuffled=True)
    result = evaluate_samples(trips(3000, 1), trips(2000, 2), fakes, rules=shares)["metrics"]["rules"]
    broken = float((fakes.columns["begin"] > fakes.columns["end"]).mean())
    assert result["fake"]["value"] == pytest.approx(1 - broken) and result["ceiling"]["value"] == 1
    assert result["fake"]["details"]["rules"] == [{"rule": "begin <= end", "real": 0.0, "fake": pytest.approx(broken)}]
