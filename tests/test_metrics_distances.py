"""Marginals, pairs, the cube and conditionals, held against hand-computed values and scipy."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_samples import mixed, table
from scipy import stats

from gankit.kinds.tables.metrics.classifiers import conditional
from gankit.kinds.tables.metrics.coverage import cube, two_proportion_z
from gankit.kinds.tables.metrics.distributions import (
    correlations,
    cut,
    histogram_divergence,
    histograms,
    kolmogorov_distance,
    shape,
    total_variation,
    trend,
)
from gankit.kinds.tables.metrics.metrics import copula, independent
from gankit.kinds.tables.metrics.sample import Sample

numbers = st.lists(st.integers(-4, 4).map(float), min_size=2, max_size=30)


@settings(deadline=None, max_examples=60)
@given(numbers, numbers)
def test_number_distance_is_that_of_scipy(a: list[float], b: list[float]) -> None:
    wanted = stats.ks_2samp(a, b, method="asymp").statistic
    assert kolmogorov_distance(np.array(a), np.array(b)) == pytest.approx(wanted)


def test_wrong_missing_rate_counts_as_a_distance() -> None:
    same = np.array([1.0, 2.0, 3.0, 4.0])
    half = np.array([1.0, np.nan, 3.0, np.nan])
    assert kolmogorov_distance(same, half) == pytest.approx(0.5)
    assert kolmogorov_distance(np.full(3, np.nan), np.full(5, np.nan)) == pytest.approx(0)


def test_category_distance_counts_missing_as_a_level() -> None:
    assert total_variation(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 1]), 2) == pytest.approx(0.5)


def test_shape_is_the_mean_over_columns_with_the_worst_first() -> None:
    real = table(x=[1, 2, 3, 4], c=["a", "a", "b", "b"])
    fake = table(x=[3, 4, 5, 6], c=["a", "b", "b", "b"])
    score = shape(real, fake)
    assert score.value == pytest.approx(1 - (0.5 + 0.25) / 2)
    assert [c["column"] for c in score.details["columns"]] == ["x", "c"]
    entry = score.details["columns"][0]
    assert entry["wasserstein"] == pytest.approx(2.0)
    assert entry["wasserstein_sd"] == pytest.approx(2.0 / np.std([1, 2, 3, 4]))


def test_one_column_of_numbers_gets_a_p_value_and_a_divergence() -> None:
    generator = np.random.default_rng(0)
    a, b, c = generator.normal(0, 1, 4000), generator.normal(0, 1, 4000), generator.normal(1, 1, 4000)
    same, other = (shape(table(x=a), table(x=v)).details["one_number"] for v in (b, c))
    assert same["ks_p_value"] == pytest.approx(stats.ks_2samp(a, b, method="asymp").pvalue) and same["kl_nats"] < 0.02
    assert other["ks_p_value"] < 1e-9
    assert other["kl_nats"] == pytest.approx(0.5, abs=0.06)  # KL(N(0,1) || N(1,1)) = 1/2


def test_divergence_between_two_bins_is_the_closed_form() -> None:
    real, fake = np.array([0.0] * 32 + [1.0] * 32), np.array([0.0] * 16 + [1.0] * 48)
    p, q = np.array([32.5, 32.5]) / 65, np.array([16.5, 48.5]) / 65  # half a count is added to either bin
    value, bins = histogram_divergence(real, fake)
    assert bins == 2 and value == pytest.approx(float(np.sum(p * np.log(p / q))))


def test_histograms_add_up_to_all_rows_on_both_sides() -> None:
    real, fake = mixed(300, 1), mixed(200, 2)
    for entry in histograms(real, fake):
        for side in ("real", "fake"):
            total = sum(entry[side]) + entry["missing"][side] + entry.get("other", {side: 0.0})[side]
            assert total == pytest.approx(1.0), entry["column"]
        if entry["kind"] == "number":
            assert len(entry["edges"]) == len(entry["real"]) + 1 and (np.diff(entry["edges"]) > 0).all()


def test_correlations_are_those_of_numpy_and_over_complete_pairs() -> None:
    x = np.random.default_rng(0).normal(size=(50, 3)) * [1, 1e6, 1e-6] + [0, 1e9, 3]
    x[:, 2] += x[:, 0] * 1e-6
    np.testing.assert_allclose(correlations(x), np.corrcoef(x.T), atol=1e-6)
    holes = x.copy()
    holes[:10, 0], holes[5:20, 1] = np.nan, np.inf
    rows = np.arange(50) >= 20
    assert correlations(holes)[0, 1] == pytest.approx(np.corrcoef(x[rows][:, :2].T)[0, 1], abs=1e-6)
    weights = np.repeat([1.0, 2.0], 25)
    wanted = np.corrcoef(np.repeat(x, weights.astype(int), axis=0).T)
    np.testing.assert_allclose(correlations(x, weights), wanted, atol=1e-6)
    assert np.isnan(correlations(np.ones((5, 2)))).all()


def test_trend_of_numbers_is_half_the_gap_of_correlations() -> None:
    x = np.arange(10.0)
    score = trend(table(a=x, b=x), table(a=x, b=-x))
    assert score.value == pytest.approx(0.0)
    assert score.details["pairs"][0] == {
        "columns": ["a", "b"],
        "score": pytest.approx(0.0),
        "how": "correlation",
        "real": pytest.approx(1.0),
        "fake": pytest.approx(-1.0),
    }


def test_trend_of_categories_is_the_distance_of_their_cross_tables() -> None:
    real = table(a=["x", "x", "y", "y"], b=["u", "u", "v", "v"])
    fake = table(a=["x", "x", "y", "y"], b=["u", "v", "u", "v"])
    assert trend(real, fake).value == pytest.approx(0.5)


def test_trend_of_a_number_and_a_category_bins_the_number() -> None:
    real = table(a=[1, 1, 2, 2], b=["u", "u", "v", "v"])
    fake = table(a=[1, 1, 2, 2], b=["u", "v", "v", "v"])
    score = trend(real, fake)
    assert score.value == pytest.approx(0.75) and score.details["pairs"][0]["how"] == "mixed"


def test_pairs_of_wide_tables_are_capped_and_it_is_said() -> None:
    sample = Sample({f"x{i}": np.arange(4.0) for i in range(70)}, dict.fromkeys([f"x{i}" for i in range(70)], "number"))
    score = trend(sample, sample)
    assert score.details["matrix_capped"] and len(score.details["matrix"]["columns"]) == 60
    assert {"x0", "x69"} <= {*score.details["matrix"]["columns"]}
    assert not trend(sample.select(sample.names[:60]), sample.select(sample.names[:60])).details["matrix_capped"]


def test_cube_is_that_of_plain_counting() -> None:
    real, fake = mixed(400, 1), mixed(300, 2)
    score = cube(real, fake)
    cells = {name: cut(real, name, 8, 8) for name in real.names}
    codes = [np.stack([cells[n].codes(s.columns[n]) for n in real.names], 1) for s in (real, fake)]
    for entry in score.details["orders"]:
        distances, num_cells, within = [], 0, 0
        for group in combinations(range(len(real.names)), entry["order"]):
            both = np.concatenate([c[:, group] for c in codes])
            _, cell = np.unique(both, axis=0, return_inverse=True)
            a, b = np.bincount(cell[:400], minlength=cell.max() + 1), np.bincount(cell[400:], minlength=cell.max() + 1)
            distances.append(np.abs(a / 400 - b / 300).sum() / 2)
            num_cells += len(a)
            within += int((np.abs(two_proportion_z(a, b, 400, 300)) <= 1.959964).sum())
        assert entry["tv_mean"] == pytest.approx(np.mean(distances)) and entry["tv_max"] == pytest.approx(
            max(distances)
        )
        assert (entry["sets"], entry["cells"]) == (len(distances), num_cells)
        assert entry["within"] == pytest.approx(within / num_cells)
    assert score.value == pytest.approx(1 - np.mean([o["tv_mean"] for o in score.details["orders"]]))


def test_two_proportion_z_is_the_root_of_the_chi_square_of_scipy() -> None:
    a, b, n, m = 30, 60, 200, 250
    wanted = stats.chi2_contingency([[a, n - a], [b, m - b]], correction=False).statistic
    assert two_proportion_z(np.array([a]), np.array([b]), n, m)[0] ** 2 == pytest.approx(wanted)
    assert two_proportion_z(np.array([5]), np.array([7]), 5, 7)[0] == 0


def test_worst_cell_is_named_with_its_terms_and_shares() -> None:
    generator = np.random.default_rng(0)
    real, fake = (
        {"sex": generator.choice(["f", "m"], 2000).tolist(), "pay": generator.normal(size=2000)} for _ in range(2)
    )
    fake["sex"] = ["f" if p > 1 else s for s, p in zip(fake["sex"], fake["pay"], strict=True)]
    left, right = table(**real), table(**fake)
    worst = cube(left, right.take(np.arange(2000)), num_bins=4).details["worst_cells"][0]
    assert {t["column"] for t in worst["terms"]} == {"sex", "pay"} and worst["notable"]
    assert worst["text"].startswith("sex = ") and " and pay > " in worst["text"]
    assert abs(worst["z"]) > 5 and abs(worst["real"] - worst["fake"]) > 0.05


def test_same_distribution_stays_within_sampling_error_about_as_often_as_stated() -> None:
    score = cube(mixed(3000, 1), mixed(3000, 2))
    for entry in score.details["orders"]:
        assert 0.85 <= entry["within"] <= 1.0


def test_wide_cube_takes_a_seeded_choice_of_groupings() -> None:
    generator = np.random.default_rng(0)
    names = [f"x{i}" for i in range(14)]
    sample = Sample({n: generator.normal(size=100) for n in names}, dict.fromkeys(names, "number"))
    first, again, other = (cube(sample, sample.take(np.arange(50)), seed=s, max_sets=20) for s in (0, 0, 1))
    assert first.details["sampled"] and [o["sets"] for o in first.details["orders"]] == [14, 20, 20]
    assert first.value == again.value != other.value


def test_conditional_fidelity_sees_what_marginals_hide() -> None:
    real = table(g=["a"] * 40 + ["b"] * 40, x=["u"] * 40 + ["v"] * 40)
    fake = table(g=["a"] * 40 + ["b"] * 40, x=(["u"] * 20 + ["v"] * 20) * 2)
    assert shape(real, fake).value == 1
    score = conditional(real, fake, given=["g"])
    assert score.value == pytest.approx(0.5)
    assert [(e["level"], e["real_rows"], e["score"]) for e in score.details["columns"][0]["levels"]] == [
        ("a", 40, 0.5),
        ("b", 40, 0.5),
    ]


def test_level_that_the_fakes_lack_scores_nothing() -> None:
    real = table(g=["a"] * 60 + ["b"] * 20, x=["u"] * 80)
    fake = real.take(np.arange(60))
    assert conditional(real, fake, given=["g"]).value == pytest.approx(0.75)


@pytest.mark.parametrize("metric", [shape, trend, cube, lambda r, f, seed=0: conditional(r, f, given=["c"], seed=seed)])
def test_sample_against_itself_is_at_its_best_and_order_does_not_matter(metric) -> None:  # type: ignore[no-untyped-def]
    sample, other = mixed(300, 1), mixed(300, 2)
    order = np.random.default_rng(0).permutation(300)
    assert metric(sample, sample).value == pytest.approx(1.0)
    assert metric(sample, sample.take(order)).value == pytest.approx(1.0)
    score, shuffled = metric(sample, other), metric(sample.take(order), other.take(order))
    assert score.value == pytest.approx(shuffled.value)
    assert score.low <= score.value <= score.high and score.value < 1


def test_independent_columns_lower_trend_and_cube_but_not_shape() -> None:
    real, train = mixed(2000, 1), mixed(2000, 2)
    loose = independent(train, 2000, 0)
    bound = copula(train, 2000, 0)
    assert shape(real, loose).value > 0.95
    assert trend(real, loose).value < trend(real, bound).value - 0.02
    assert trend(real, loose).value < trend(real, train).value - 0.05
    assert cube(real, loose).value < cube(real, train).value - 0.03


def test_interval_of_shape_covers_what_other_samples_show() -> None:
    values = [shape(mixed(500, 10 + i), mixed(500, 50 + i)).value for i in range(12)]
    score = shape(mixed(500, 1), mixed(500, 2))
    assert score.low is not None and score.high is not None
    half = (score.high - score.low) / 2
    assert 0.5 < half / (1.96 * np.std(values, ddof=1)) < 2.5
