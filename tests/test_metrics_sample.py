"""Samples and scores: the plain values all metrics work on."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_samples import mixed, table
from scipy import stats

from gankit.errors import DataError
from gankit.kinds.tables.metrics.coverage import cube
from gankit.kinds.tables.metrics.distributions import cut
from gankit.kinds.tables.metrics.sample import Sample, align, concatenate
from gankit.metrics import classification
from gankit.metrics.classification import auc, auc_interval, true_positive_rate
from gankit.metrics.metric import Score, around, binomial_interval, enough_rows, plain, resampled_counts


def test_rows_are_taken_by_index_and_by_mask_in_order() -> None:
    sample = table(age=[1, 2, None], sex=["f", None, "m"])
    assert sample.take([2, 0]).columns["sex"].tolist() == [1, 0]
    assert sample.take(np.array([False, True, False])).columns["age"].tolist() == [2.0]
    assert sample.take([]).num_rows == 0
    assert sample.row(2) == {"age": None, "sex": "m"}
    assert concatenate(sample, sample.take([0])).num_rows == 4


def test_levels_of_several_samples_become_one_list_and_texts_stay_the_same() -> None:
    first, second = table(x=["a", "b"]), table(x=["c", "b", None])
    left, right = align(first, second)
    assert left.levels["x"] == right.levels["x"] == ("a", "b", "c")
    assert [right.row(i)["x"] for i in range(3)] == ["c", "b", None]


def test_columns_of_other_samples_are_put_in_the_order_of_the_first() -> None:
    _, right = align(table(a=[1], b=[2]), table(b=[3], a=[4], c=[5]))
    assert right.names == ("a", "b")


def test_groups_of_dates_are_named_by_dates() -> None:
    day = 86400.0
    sample = replace(
        table(due=[day * k for k in range(40)], at=[day + 3600.0 * k for k in range(40)]), dates=frozenset({"due"})
    )
    left, right = align(sample.select(["due"]).take(range(40)), table(due=[day * 39] * 40))
    assert cut(left, "due", 2, 8).names == ("<= 1970-01-20", "> 1970-01-20", "(missing)")
    assert cut(sample, "at", 2, 8).names[0] == "<= 154800"
    texts = [cell["text"] for cell in cube(left, right).details["worst_cells"]]
    assert texts and all(text.startswith("due") and "1970-" in text for text in texts)


@pytest.mark.parametrize("other", [table(b=[1.0]), table(a=["x"])])
def test_samples_with_other_columns_or_kinds_are_refused_by_name(other: Sample) -> None:
    with pytest.raises(DataError, match="'a'"):
        align(table(a=[1.0]), other)


def test_scores_become_plain_json_without_nan() -> None:
    score = Score(float("nan"), None, np.float64(0.5), 1.0, {"a": np.arange(2), "b": (np.int32(1), float("inf"))})  # type: ignore[arg-type]
    assert json.loads(json.dumps(score.to_json(), allow_nan=False)) == {
        "value": None,
        "low": None,
        "high": 0.5,
        "best": 1.0,
        "details": {"a": [0, 1], "b": [1, None]},
    }
    assert plain(np.bool_(True)) is True


def test_interval_around_a_value_is_normal_and_cut_to_its_range() -> None:
    low, high = around(0.95, [0.9, 1.0])
    assert low == pytest.approx(0.95 - 1.959964 * np.std([0.9, 1.0], ddof=1)) and high == 1.0
    assert around(0.5, [0.1]) == (None, None)


def test_binomial_interval_is_that_of_scipy() -> None:
    wanted = stats.binomtest(3, 20).proportion_ci(0.95, "exact")
    assert binomial_interval(3, 20) == pytest.approx((wanted.low, wanted.high))
    assert binomial_interval(0, 10)[0] == 0 and binomial_interval(10, 10)[1] == 1
    assert binomial_interval(0, 0) == (0, 1)


def test_every_bootstrap_draws_as_many_rows_as_there_are() -> None:
    counts = resampled_counts(50, 4, np.random.default_rng(0))
    assert counts.shape == (4, 50) and (counts.sum(1) == 50).all() and counts.min() == 0


def test_rows_needed_grow_with_the_square_of_the_width() -> None:
    ceiling = Score(0.90, 0.90, 0.90, 1.0)
    assert enough_rows(100, Score(0.85, 0.75, 0.95, 1.0), ceiling) == 400
    assert enough_rows(100, Score(0.85, 0.65, 1.05, 1.0), ceiling) == 1600
    assert enough_rows(100, Score(0.80, 0.75, 0.85, 1.0), ceiling) is None  # already told apart
    assert enough_rows(100, Score(0.90, 0.80, 1.0, 1.0), ceiling, tolerance=0.05) == 400
    assert enough_rows(100, Score(0.90, None, None, 1.0), ceiling) is None


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 6), min_size=2, max_size=40), st.lists(st.integers(0, 6), min_size=2, max_size=40))
def test_area_is_that_of_scikit_learn(a: list[int], b: list[int]) -> None:
    from sklearn.metrics import roc_auc_score

    area, _ = auc(np.array(a, float), np.array(b, float))
    assert area == pytest.approx(roc_auc_score([1] * len(a) + [0] * len(b), a + b))


def test_area_variance_is_delongs_by_its_definition() -> None:
    generator = np.random.default_rng(1)
    a, b = generator.normal(0.5, 1, 30).round(1), generator.normal(0, 1, 20).round(1)
    wins = (a[:, None] > b) + 0.5 * (a[:, None] == b)  # the kernel of Mann & Whitney
    wanted = wins.mean(1).var(ddof=1) / 30 + wins.mean(0).var(ddof=1) / 20
    assert auc(a, b) == pytest.approx((wins.mean(), wanted))


def test_area_interval_covers_the_truth_about_as_often_as_stated() -> None:
    truth = stats.norm.cdf(1 / np.sqrt(2))
    generator = np.random.default_rng(2)
    hits = 0
    for _ in range(300):
        low, high = auc_interval(*auc(generator.normal(1, 1, 60), generator.normal(0, 1, 60)))
        hits += low <= truth <= high
    assert 0.90 <= hits / 300 <= 0.99
    assert auc_interval(1.0, 0.0) == (1.0, 1.0) and auc_interval(0.5, float("nan")) == (0.0, 1.0)
    assert (
        classification.auc(np.array([]), np.array([1.0]))[0] != classification.auc(np.array([2.0]), np.array([1.0]))[0]
    )


def test_true_positives_are_counted_at_no_more_false_positives_than_allowed() -> None:
    negative = np.arange(100.0)
    found, threshold = true_positive_rate(np.array([97.5, 98.5, 99.5, 98.0]), negative, 0.01)
    assert threshold == 98.0 and found == 2  # only 99 lies above: 1 of 100
    assert true_positive_rate(np.ones(3), np.ones(5), 0.2)[0] == 0  # all tie, so none can be told apart


def test_number_is_cut_at_observed_values_and_repeated_values_keep_a_bin() -> None:
    sample = table(x=[0.0] * 60 + list(range(1, 41)) + [None])
    cells = cut(sample, "x", 4, 4)
    assert cells.cuts is not None and cells.cuts.tolist() == [0.0, 15.0]
    assert cells.names == ("<= 0", "(0, 15]", "> 15", "(missing)")
    assert cells.codes(np.array([-1.0, 0.0, 0.5, 15.0, 99.0, np.nan])).tolist() == [0, 0, 1, 1, 2, 3]


def test_few_different_numbers_get_a_bin_each() -> None:
    cells = cut(table(x=[1.0, 2.0, 3.0, 3.0]), "x", 8, 8)
    assert cells.codes(np.array([1.0, 2.0, 3.0, 4.0])).tolist() == [0, 1, 2, 2]


def test_rare_levels_share_a_cell_and_missing_has_its_own() -> None:
    sample = table(x=["a"] * 5 + ["b"] * 4 + ["c"] * 3 + ["d", "e", None])
    cells = cut(sample, "x", 8, 3)
    assert cells.names == ("a", "b", "c", "(other)", "(missing)")
    assert cells.codes(np.array([0, 3, 4, -1], np.int32)).tolist() == [0, 3, 3, 4]
    assert cut(sample, "x", 8, 4).names == ("a", "b", "c", "d", "e", "(other)", "(missing)")


def test_what_is_asked_of_a_sample_twice_is_worked_out_once_for_the_same_others() -> None:
    sample, other = mixed(10, 1), mixed(10, 2)
    asked: list[tuple[Sample, int]] = []

    def make(one: Sample, two: Sample, number: int) -> float:
        asked.append((two, number))
        if number < 0:
            raise ValueError("no")
        return one.num_rows + number

    assert [sample.once(make, other, n) for n in (1, 2, 1)] == [11, 12, 11] and len(asked) == 2
    assert sample.once(make, replace(other), 1) == 11 and len(asked) == 3  # equal, and yet another sample
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            sample.once(make, other, -1)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: sample.once(make, other, 5), range(8)))
    assert found == [15] * 8 and len(asked) == 5
    assert replace(sample).once(make, other, 1) == 11 and len(asked) == 6
