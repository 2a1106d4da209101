"""Copies, coverage and baselines: hand-computed values, brute force, and makers of fakes that are known to copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metrics_samples import mixed, table
from scipy import stats

from gankit.kinds.tables.metrics import coverage
from gankit.kinds.tables.metrics.distributions import correlations, shape, trend
from gankit.kinds.tables.metrics.metrics import bootstrap, copula, independent
from gankit.kinds.tables.metrics.neighbours import (
    Space,
    copies_exact,
    copies_near,
    gower,
    membership,
    nearest,
    row_keys,
)
from gankit.kinds.tables.metrics.sample import Sample, concatenate
from gankit.metrics.metric import Score
from gankit.metrics.nearness import mann_whitney_z, nearer_share, smallest


def halves(num_rows: int = 1200) -> tuple[Sample, Sample, Sample]:
    """Train, held-out and honest fakes: three fresh samples."""
    return mixed(num_rows, 1), mixed(num_rows, 2), mixed(num_rows, 3)


def noisy(sample: Sample, scale: float) -> Sample:
    """Near copies: every number but 0 moved a little."""
    generator = np.random.default_rng(9)
    columns = dict(sample.columns)
    for name in sample.numbers:
        values = columns[name]
        columns[name] = np.where(values == 0, 0.0, values + scale * generator.normal(size=sample.num_rows))
    return Sample(columns, sample.kinds, sample.levels)


def test_distance_is_the_mean_gap_over_columns() -> None:
    sample = table(x=[1.0, 2.0, 3.0, 4.0, None], c=["a", "a", "b", None, None])
    points = Space(sample).place(sample)
    pairs = [(0, 1), (0, 2), (0, 4), (3, 4)]
    left, right = (points.take(np.array([p[i] for p in pairs])) for i in (0, 1))
    # The numbers stand at 1/8, 3/8, 5/8, 7/8 of the reference; a missing one is 1 away from any.
    assert gower(left, right).tolist() == pytest.approx([0.25 / 2, (0.5 + 1) / 2, (1 + 1) / 2, 1 / 2])


def test_nearest_rows_are_those_of_brute_force() -> None:
    sample, other = mixed(700, 1), mixed(90, 2)
    space = Space(sample)
    points, queries = space.place(sample), space.place(other)
    distances, _ = nearest(queries, points, 3)
    wanted = np.stack([np.sort(gower(queries.take(np.full(700, i)), points))[:3] for i in range(90)])
    assert np.isclose(distances, wanted).mean() > 0.95  # the search may rarely miss one
    assert (distances >= wanted - 1e-9).all() and np.abs(distances - wanted).mean() < 1e-3


def test_row_is_not_its_own_neighbour() -> None:
    points = Space(mixed(50, 1)).place(mixed(50, 1))
    distances, indices = nearest(points, points, same=True)
    assert (indices[:, 0] != np.arange(50)).all() and (distances > 0).all()
    zeros, _ = nearest(points, points)
    assert (zeros == 0).all()


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 9), st.integers(10, 700), st.integers(0, 5))
def test_block_search_finds_the_smallest_of_each_row(k: int, width: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 50, (7, width)).astype(np.float32)
    found = np.take_along_axis(values, smallest(values, k), 1)
    np.testing.assert_array_equal(np.sort(found, 1), np.sort(values, 1)[:, :k])


def test_rows_that_are_equal_share_a_key_and_others_do_not() -> None:
    sample = table(x=[0.0, -0.0, None, None, 1.0], c=["a", "a", "b", "b", "a"])
    keys = row_keys(sample)
    assert keys[0] == keys[1] and keys[2] == keys[3] and len(set(keys)) == 3
    swapped = table(x=[1.0, 2.0], y=[2.0, 1.0])
    assert len(set(row_keys(swapped))) == 2
    many = mixed(5000, 1)
    assert len(set(row_keys(many))) == 5000


def test_exact_copies_are_counted_beside_those_of_held_out_rows() -> None:
    train = table(x=[1.0, 2.0, 3.0], c=["a", "b", "a"])
    heldout = table(x=[1.0, 5.0], c=["a", "b"])
    fake = table(x=[1.0, 1.0, 2.0, 2.0], c=["a", "a", "a", "b"])
    score = copies_exact(train, heldout, fake)
    assert score.value == 0.75 and score.details["heldout_share"] == 0.5
    assert score.details["copies"] == 3 and score.details["unique_copied"] == 2
    assert score.details["examples"][0] == {"fake": {"x": 1.0, "c": "a"}}
    wanted = stats.binomtest(3, 4).proportion_ci(0.95, "exact")
    assert (score.low, score.high) == pytest.approx((wanted.low, wanted.high))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 5), min_size=2, max_size=20), st.lists(st.integers(0, 5), min_size=2, max_size=20))
def test_z_of_distances_is_that_of_scipy(a: list[int], b: list[int]) -> None:
    z = mann_whitney_z(np.array(a, float), np.array(b, float))
    if len(set(a + b)) == 1:
        assert z == 0
        return
    wanted = stats.mannwhitneyu(a, b, use_continuity=False, method="asymptotic", alternative="less").pvalue
    assert stats.norm.cdf(z) == pytest.approx(wanted)


def test_honest_fakes_are_as_close_to_training_as_to_held_out_rows() -> None:
    score = copies_near(*halves())
    assert score.low is not None and score.high is not None
    assert score.low <= 0.52 and score.high >= 0.48
    assert score.details["three_sample"]["p"] > 0.001 and score.details["three_sample"]["cells_p"] > 0.001


DISTRIBUTIONS = {
    "normal": lambda g, n: g.normal(size=(n, 1)),
    "rounded": lambda g, n: np.round(g.normal(size=(n, 1)), 1),
    "heavy": lambda g, n: g.standard_t(1.5, size=(n, 1)),
    "five columns": lambda g, n: g.normal(size=(n, 5)),
}


def drawn(name: str, rows: int, generator: np.random.Generator) -> Sample:
    x = DISTRIBUTIONS[name](generator, rows)
    return table(**{f"x{i}": x[:, i] for i in range(x.shape[1])})


@pytest.mark.parametrize("name", list(DISTRIBUTIONS))
def test_honest_fakes_are_seldom_accused(name: str) -> None:
    seeds, z, p, above, holds = 80, [], [], 0, 0
    for seed in range(seeds):
        generator = np.random.default_rng([seed, 99])
        train, heldout, fake = (drawn(name, rows, generator) for rows in (480, 120, 600))
        score = copies_near(train, heldout, fake, seed=seed)
        assert score.low is not None and score.high is not None
        z.append(score.details["three_sample"]["z"])
        p.append(score.details["three_sample"]["p"])
        above, holds = above + (score.low > 0.5), holds + (score.low <= 0.5 <= score.high)
    # A test at 5% passes each bound by chance in less than one of 1,000 such trials.
    assert sum(v < 0.05 for v in p) <= 11
    assert above <= 7 and holds >= 68
    assert abs(np.mean(z)) < 4 / np.sqrt(seeds)


@pytest.mark.parametrize("name", ["normal", "heavy", "five columns"])
def test_rows_moved_a_little_are_found_from_few_rows_on(name: str) -> None:
    generator = np.random.default_rng(3)
    train, heldout = drawn(name, 480, generator), drawn(name, 120, generator)
    score = copies_near(train, heldout, noisy(train, 1e-3))
    assert score.low is not None and score.low > 0.5
    assert score.details["three_sample"]["p"] < 1e-3


def test_interval_counts_the_reference_rows_and_not_the_fakes() -> None:
    # Four training rows draw 3, 2, 3, 2 fakes, four held-out rows 2, 3, 2, 3; two fakes are tied. By hand v = 1/2,
    # Var[3, 2, 3, 2] = 1/3, and n / N^2 (1/4 1/3 + 1/4 1/3) = 4 / 22^2 / 6.
    near, far, tied = np.full(10, 0.1), np.full(10, 0.2), np.full(2, 0.1)
    train_row = np.array([0, 0, 0, 1, 1, 2, 2, 2, 3, 3, *[1] * 10, 0, 1])
    heldout_row = np.array([*[2] * 10, 0, 0, 1, 1, 1, 2, 2, 3, 3, 3, 0, 1])
    to_train, to_heldout = np.concatenate([near, far, tied]), np.concatenate([far, near, tied])
    value, low, high = nearer_share(to_train, to_heldout, train_row, heldout_row, 4)
    half = 3.182446 * (4 / 22**2 / 6) ** 0.5  # Student's t for 3 degrees of freedom
    assert (value, low, high) == pytest.approx((0.5, 0.5 - half, 0.5 + half))


def test_near_copies_are_found_and_the_worst_shown() -> None:
    train, heldout, _ = halves()
    score = copies_near(train, heldout, noisy(train, 1e-3))
    assert score.low is not None and score.low > 0.85
    test = score.details["three_sample"]
    assert test["z"] < -5 and test["p"] < 1e-6 and test["cells_z"] < -3 and test["cells_p"] < 1e-6
    worst = score.details["worst"][0]
    assert worst["distance_train"] < 0.1 * worst["distance_heldout"]
    assert abs(worst["fake"]["x"] - worst["train"]["x"]) < 0.01 and worst["fake"]["d"] == worst["train"]["d"]


def test_ties_count_half_so_that_tables_of_few_values_stay_at_chance() -> None:
    generator = np.random.default_rng(0)
    train, heldout, fake = (table(c=generator.choice(["a", "b"], 400).tolist()) for _ in range(3))
    score = copies_near(train, heldout, fake)
    assert score.value == 0.5 and score.low == score.high == 0.5 and score.details["ties"] == 400


def test_attack_finds_nobody_among_honest_fakes_and_many_among_copies() -> None:
    train, heldout, fake = halves()
    honest = membership(train, heldout, fake)
    assert honest.low is not None and honest.high is not None
    assert honest.low <= 0.52 and honest.high >= 0.48 and honest.details["tpr_at_1"] < 0.06
    assert honest.details["tpr_at_0_1"] is None  # 600 non-members cannot show one in a thousand
    leaky = membership(train, heldout, noisy(train, 1e-3))
    assert leaky.low is not None and leaky.low > 0.8 and leaky.details["tpr_at_1_low"] > 0.2


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_attack_on_a_single_column_finds_nobody_among_honest_fakes(seed: int) -> None:
    train, heldout, fake = (
        Sample({"x": np.random.default_rng(10 * seed + i).normal(size=n)}, {"x": "number"})
        for i, n in enumerate((2400, 800, 2400))
    )
    found = membership(train, heldout, fake)
    assert found.low is not None and found.high is not None
    assert found.low < 0.52 and found.high > 0.48
    assert membership(train, heldout, train).value > 0.7  # an outright copy is found all the same


def test_distances_are_kept_for_a_image_as_shares_of_all_rows() -> None:
    found = copies_near(mixed(400, 1), mixed(400, 2), mixed(400, 3)).details["distance"]
    assert len(found["edges"]) == len(found["fake"]) + 1 == len(found["heldout"]) + 1
    assert sum(found["fake"]) == pytest.approx(1) and sum(found["heldout"]) == pytest.approx(1)


def test_rare_levels_are_counted_against_what_real_rows_would_show() -> None:
    real = table(c=["a"] * 196 + ["b", "c", "c", "d"])
    fake = table(c=["a"] * 99 + ["b"])
    fake = Sample({"c": np.where(fake.columns["c"] == 0, 0, 1).astype(np.int32)}, real.kinds, real.levels)
    score = coverage.rare_categories(real, fake)
    expected = 2 * (1 - (1 - 1 / 200) ** 100) + (1 - (1 - 2 / 200) ** 100)
    assert score.details["possible"] == 3 and score.details["found"] == 1
    assert score.details["expected"] == pytest.approx(expected) and score.value == pytest.approx(1 / expected)
    assert score.details["missed"][0] == {"column": "c", "level": "c", "real_rows": 2}


def test_table_without_rare_levels_has_no_such_figure() -> None:
    sample = table(c=["a", "b"] * 50)
    assert np.isnan(coverage.rare_categories(sample, sample).value)


def test_fresh_rows_reach_what_is_expected_of_each_coverage_figure() -> None:
    real, _, fake = halves(1500)
    assert coverage.precision(real, fake).value > 0.95
    assert coverage.density(real, fake).value == pytest.approx(1.0, abs=0.08)
    assert coverage.coverage(real, fake).value == pytest.approx(1 - 2**-5, abs=0.02)
    assert coverage.recall(real, fake).value == pytest.approx(0.5, abs=0.1)
    for metric in (coverage.precision, coverage.density, coverage.coverage, coverage.recall):
        score = metric(real, fake)
        assert score.low <= score.value <= score.high  # type: ignore[operator]


def test_fakes_in_one_place_are_precise_but_cover_little() -> None:
    real, train, _ = halves(800)
    crowd = train.take(np.argsort(np.abs(train.columns["x"] - 1))[:20].repeat(40))
    assert coverage.coverage(real, crowd).value < 0.3 and coverage.recall(real, crowd).value < 0.3
    assert coverage.precision(real, crowd).value < 0.8


def test_density_and_coverage_are_those_of_counting_balls() -> None:
    real, fake = mixed(60, 1), mixed(60, 2)
    space = Space(real)
    a, b = space.place(real).euclid.astype(float), space.place(fake).euclid.astype(float)
    own = np.sort(np.linalg.norm(a[:, None] - a, axis=2), axis=1)[:, 5]  # the row itself comes first
    inside = np.linalg.norm(a[:, None] - b, axis=2) <= own[:, None]
    assert coverage.density(real, fake).value == pytest.approx(inside.sum() / (5 * 60), abs=0.01)
    assert coverage.coverage(real, fake).value == pytest.approx(inside.any(1).mean(), abs=0.02)


@pytest.mark.parametrize("make", [bootstrap, independent, copula])
def test_baselines_keep_marginals_missing_values_and_seeds(make: Callable[[Sample, int, int], Sample]) -> None:
    train = mixed(3000, 1)
    fake = make(train, 2500, 5)
    assert fake.num_rows == 2500 and fake.names == train.names
    assert shape(train, fake).value > 0.97
    again, other = make(train, 2500, 5), make(train, 2500, 6)
    assert row_keys(fake) == row_keys(again)
    assert row_keys(fake) != row_keys(other)


def test_bootstrap_copies_rows_and_the_others_do_not() -> None:
    train, heldout, _ = halves(500)
    shares = [copies_exact(train, heldout, make(train, 500, 0)).value for make in (bootstrap, independent, copula)]
    assert shares[0] == 1 and max(shares[1:]) < 0.05


def test_copula_keeps_correlations_that_independent_columns_lose() -> None:
    generator = np.random.default_rng(0)
    x = generator.multivariate_normal([0, 0, 0], [[1, 0.8, 0], [0.8, 1, -0.5], [0, -0.5, 1]], 5000)
    train = table(a=x[:, 0], b=x[:, 1], c=x[:, 2])
    bound, loose = (
        correlations(np.column_stack([make(train, 5000, 1).columns[n] for n in "abc"]))
        for make in (copula, independent)
    )
    np.testing.assert_allclose(bound, correlations(x), atol=0.04)
    np.testing.assert_allclose(loose, np.eye(3), atol=0.05)


def test_copula_stands_a_wide_table_of_few_rows() -> None:
    names = [f"x{i}" for i in range(30)]
    generator = np.random.default_rng(0)
    train = Sample({n: generator.normal(size=5) for n in names}, dict.fromkeys(names, "number"))
    assert copula(train, 40, 0).num_rows == 40
    twice = concatenate(train, train)
    assert copula(twice, 3, 0).num_rows == 3


@pytest.mark.parametrize("metric", [trend, coverage.precision, coverage.recall, coverage.density, coverage.coverage])
def test_scores_do_not_depend_on_what_held_out_rows_were_compared_with_before(metric: Callable[..., Score]) -> None:
    real, fakes = mixed(500, 1), [mixed(size, size) for size in (500, 200, 501)]
    metric(real, fakes[0], seed=1)
    assert [metric(real, fake) for fake in fakes] == [metric(mixed(500, 1), replace(fake)) for fake in fakes]


@pytest.mark.parametrize("metric", [copies_near, membership])
@pytest.mark.parametrize("sizes", [(400, 300), (5100, 5200)])  # below and above the fakes that are taken
def test_scores_do_not_depend_on_what_training_rows_were_compared_with_before(
    metric: Callable[..., Score], sizes: tuple[int, int]
) -> None:
    train, heldout, _ = halves(600)
    fakes = [mixed(size, size) for size in sizes]
    metric(train, heldout, fakes[0], seed=1)
    for fake in fakes:
        assert metric(train, heldout, fake).to_json() == metric(*halves(600)[:2], fake).to_json()
