"""Judges that are trained: two-sample tests and usefulness, held against scikit-learn and known truths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from metrics_samples import mixed, table
from scipy import stats

from gankit.kinds.tables.metrics.classifiers import (
    c2st_linear,
    c2st_trees,
    guess_target,
    quick_c2st,
    r_squared,
    usefulness,
)
from gankit.kinds.tables.metrics.metrics import copula, independent
from gankit.kinds.tables.metrics.sample import Sample, linear_features, tree_features
from gankit.metrics.classification import boosted_trees

JUDGES = [c2st_trees, c2st_linear, lambda r, f, seed=0: quick_c2st(r, f, seed)]


def shifted(num_rows: int, seed: int, by: float) -> Sample:
    return table(x=np.random.default_rng(seed).normal(by, 1, num_rows))


@pytest.mark.parametrize("judge", JUDGES)
def test_fresh_rows_of_the_same_kind_cannot_be_told_apart(judge) -> None:  # type: ignore[no-untyped-def]
    score = judge(mixed(1500, 1), mixed(1500, 2))
    assert score.value > 0.9 and score.high > 0.97
    assert score.low <= score.value <= score.high


@pytest.mark.parametrize("judge", JUDGES)
def test_area_reaches_that_of_the_best_judge_there_is(judge) -> None:  # type: ignore[no-untyped-def]
    best = stats.norm.cdf(1 / np.sqrt(2))  # N(1, 1) against N(0, 1)
    score = judge(shifted(4000, 1, 1.0), shifted(4000, 2, 0.0))
    assert score.details["auc"] == pytest.approx(best, abs=0.035)
    assert score.value == pytest.approx(2 - 2 * score.details["auc"], abs=1e-9)


@pytest.mark.parametrize("judge", JUDGES)
def test_strangers_are_found_out_every_time(judge) -> None:  # type: ignore[no-untyped-def]
    assert judge(shifted(300, 1, 9.0), shifted(300, 2, 0.0)).value < 0.01


def test_trees_see_interactions_that_a_line_cannot() -> None:
    real = mixed(2000, 1)
    loose = independent(mixed(2000, 2), 2000, 0)
    assert c2st_trees(real, loose).value < 0.6 < 0.9 < c2st_linear(real, loose).value


def test_judges_count_as_scikit_learn_does() -> None:
    score = c2st_trees(shifted(900, 1, 0.8), shifted(700, 2, 0.0))
    details = score.details
    assert details["rows"] == 700 and details["folds"] == 3  # as many real rows as fakes
    # precision p, recall r and accuracy a of as many rows on either side: a = 1/2 + r - r / (2 p)
    p, r = details["precision"], details["recall"]
    assert details["accuracy"] == pytest.approx(0.5 + r - r / (2 * p))


def test_judges_do_not_depend_on_the_order_of_the_rows() -> None:
    real, fake = mixed(900, 1), copula(mixed(900, 2), 900, 0)
    order = np.random.default_rng(5).permutation(900)
    values = [c2st_trees(real, fake).value, c2st_trees(real.take(order), fake.take(order)).value]
    assert values[0] == pytest.approx(values[1], abs=0.1)


def test_too_few_rows_give_a_reason_and_no_number() -> None:
    for judge in JUDGES:
        score = judge(mixed(3, 1), mixed(50, 2))
        assert np.isnan(score.value) and "too few" in score.details["reason"]


def test_two_categories_of_thousands_of_levels_do_not_stop_the_judges() -> None:
    generator = np.random.default_rng(0)
    levels = tuple(f"N{i}" for i in range(3500))
    a, b = (
        Sample({"tail": generator.integers(0, 3500, 1000).astype(np.int32)}, {"tail": "category"}, {"tail": levels})
        for _ in range(2)
    )
    assert c2st_trees(a, b).value > 0.85 and c2st_linear(a, b).value > 0.85


def test_rare_levels_share_the_last_code_of_the_trees_and_missing_stays_missing() -> None:
    codes = np.concatenate([np.repeat(np.arange(300), 2), [299, -1]]).astype(np.int32)
    sample = Sample({"c": codes}, {"c": "category"}, {"c": tuple(f"v{i}" for i in range(300))})
    matrix, categorical = tree_features(sample, sample, ("c",))
    assert categorical.tolist() == [True]
    assert np.nanmax(matrix) == 253 and np.isnan(matrix[-1, 0])
    assert matrix[-2, 0] == 0  # the most frequent level has the first code


def test_linear_features_are_standardised_numbers_flags_and_indicators() -> None:
    sample = table(x=[1.0, 3.0, None], c=["a", "b", None])
    assert linear_features(sample, sample).toarray().tolist() == [
        [-1, 0, 1, 0, 0],
        [1, 0, 0, 1, 0],
        [0, 1, 0, 0, 1],
    ]


def test_number_that_is_never_there_does_not_stop_the_trees() -> None:
    x = np.column_stack([np.full(40, np.nan), np.repeat([0.0, 1.0], 20)])
    probability = boosted_trees(
        x, np.repeat([0, 1], 20), x, np.zeros(2, bool), task="classification", seed=0, num_trees=20
    )
    assert (probability[:, 1] > 0.5).tolist() == [False] * 20 + [True] * 20
    flat = boosted_trees(x[:, :1], np.repeat([0, 1], 20), x[:, :1], np.zeros(1, bool), task="classification", seed=0)
    np.testing.assert_allclose(flat, 0.5)


@pytest.mark.parametrize(
    ("columns", "wanted"),
    [
        ({"y": "n", "x": "n"}, "y"),
        ({"Survived": "n", "x": 3}, "Survived"),
        ({"is_target": 2, "z": 3}, "is_target"),
        ({"median_income": "n", "ocean": 5}, "ocean"),
        ({"Species": 200, "size": 3, "weight": "n"}, "size"),
        ({"ocean": 5, "price": "n", "city": 40}, "ocean"),
        ({"a": "n", "b": "n"}, "b"),
        ({"wild_y_axis": "n", "b": 30}, "b"),
        ({"a": "n"}, None),
    ],
)
def test_target_is_guessed_by_name_then_by_kind_then_by_place(columns: dict[str, object], wanted: str | None) -> None:
    values, kinds, levels = {}, {}, {}
    for name, size in columns.items():
        number = size == "n"
        values[name] = np.zeros(3, np.float64 if number else np.int32)
        kinds[name] = "number" if number else "category"
        if isinstance(size, int):
            levels[name] = tuple(map(str, range(size)))
    assert guess_target(Sample(values, kinds, levels)) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize("twin", ["codes", "number", "threshold"])
def test_a_target_that_its_twin_column_tells_is_not_chosen(twin: str) -> None:
    draw = np.random.default_rng(0)
    y, z = (draw.integers(0, k, 200).astype(np.int32) for k in (3, 2))
    x = draw.normal(size=200)
    other = {"codes": ((y + 1) % 3).astype(np.int32), "number": 10.0 * y, "threshold": y + draw.uniform(0.1, 0.9, 200)}[
        twin
    ]
    kind: Any = "category" if twin == "codes" else "number"
    levels = {"z": ("a", "b"), "label": ("a", "b", "c")} | ({"other": ("A", "B", "C")} if twin == "codes" else {})
    columns = {"x": x, "z": z, "other": other, "label": y}
    kinds: Any = {"x": "number", "z": "category", "other": kind, "label": "category"}
    assert guess_target(Sample(columns, kinds, levels)) == "z"
    kept = {n: v for n, v in columns.items() if n != "other"}
    rest = [{n: v for n, v in one.items() if n != "other"} for one in (kinds, levels)]
    assert guess_target(Sample(kept, *rest)) == "label"


def test_usefulness_of_real_rows_is_what_scikit_learn_says() -> None:
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.metrics import roc_auc_score

    inputs = ("x", "y", "z")
    train, heldout = (mixed(rows, seed).select((*inputs, "c")) for rows, seed in ((1500, 1), (800, 2)))
    score = usefulness(train, heldout, train, target="c")
    matrices = [np.column_stack([s.columns[n] for n in inputs]) for s in (train, heldout)]
    model = HistGradientBoostingClassifier(early_stopping=False, random_state=0).fit(matrices[0], train.columns["c"])
    wanted = roc_auc_score(heldout.columns["c"], model.predict_proba(matrices[1])[:, 1])
    assert score.value == pytest.approx(wanted, abs=0.01)
    assert score.details["figure"] == "auc" and score.low <= score.value <= score.high  # type: ignore[operator]


def test_macro_area_is_the_mean_over_levels_of_scikit_learn() -> None:
    from sklearn.metrics import roc_auc_score

    generator = np.random.default_rng(0)
    x, y = generator.normal(size=1200), None
    y = np.clip(np.round(x + generator.normal(size=1200) / 2), -1, 1).astype(np.int32) + 1
    sample = Sample({"x": x, "y": y}, {"x": "number", "y": "category"}, {"y": ("l", "m", "h")})
    train, heldout = sample.take(np.arange(800)), sample.take(np.arange(800, 1200))
    score = usefulness(train, heldout, train, target="y", seed=0)
    from gankit.kinds.tables.metrics.classifiers import _probabilities

    x_train, x_test = train.columns["x"][:, None], heldout.columns["x"][:, None]
    from gankit.randomness import key

    p = _probabilities(
        x_train, train.columns["y"], x_test, np.zeros(1, bool), [0, 1, 2], key(0, "metrics/usefulness/model")
    )
    truth = heldout.columns["y"]
    wanted = np.mean([roc_auc_score(truth == k, p[:, k]) for k in range(3)])
    assert score.value == pytest.approx(wanted) and score.details["classes"] == 3


def test_usefulness_of_a_number_is_r_squared() -> None:
    from sklearn.metrics import r2_score

    truth, guess = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    assert r_squared(truth, (truth - guess) ** 2) == pytest.approx(r2_score(truth, guess))
    weights = np.array([1.0, 2.0, 0.0])
    assert r_squared(truth, (truth - guess) ** 2, weights) == pytest.approx(
        r2_score(truth, guess, sample_weight=weights)
    )
    score = usefulness(mixed(1000, 1), mixed(500, 2), mixed(1000, 3), target="z")
    assert score.details["task"] == "regression" and score.value == pytest.approx(0.45, abs=0.12)  # at best 1/2


def test_independent_columns_are_of_no_use() -> None:
    train, heldout = mixed(1000, 1), mixed(1000, 2)
    loose = usefulness(train, heldout, independent(train, 1000, 0), target="c")
    assert loose.value == pytest.approx(0.5, abs=0.08)
    assert usefulness(train, heldout, train, target="c").value > 0.8


def test_fakes_with_one_class_are_worth_a_coin() -> None:
    train, heldout = mixed(300, 1), mixed(300, 2)
    one = train.take(np.flatnonzero(train.columns["c"] == 1))
    assert usefulness(train, heldout, one, target="c").value == 0.5


def test_rows_without_a_target_are_left_out() -> None:
    train, heldout = mixed(300, 1), mixed(300, 2)
    score = usefulness(train, heldout, train, target="y")
    assert score.details["train_rows"] == int(np.isfinite(train.columns["y"]).sum())
    nothing = table(x=[1.0, 2.0], y=[None, None])
    assert np.isnan(usefulness(nothing, nothing, nothing, target="y").value)


def test_small_tables_are_learned_from() -> None:
    from sklearn.datasets import load_iris

    x, y = load_iris(return_X_y=True)
    names = [f"x{i}" for i in range(4)]
    iris = Sample(
        {**{n: x[:, i] for i, n in enumerate(names)}, "species": y.astype(np.int32)},
        {**dict.fromkeys(names, "number"), "species": "category"},
        {"species": ("setosa", "versicolor", "virginica")},
    )
    order = np.random.default_rng(0).permutation(150)
    train, heldout = iris.take(order[:40]), iris.take(order[40:])
    assert usefulness(train, heldout, train, target="species").value > 0.9
