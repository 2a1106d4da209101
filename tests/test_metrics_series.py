from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal, stats
from series_examples import autoregressive, sample, sines, two_kinds, windows

from gankit.errors import DataError
from gankit.kinds.series.metrics import classifiers, distances
from gankit.kinds.series.metrics import distances as counted
from gankit.kinds.series.metrics.distances import Side
from gankit.kinds.series.metrics.inputs import autoregression, blocks
from gankit.kinds.series.metrics.sample import (
    Columns,
    References,
    SeriesSample,
    aligned,
    band_of,
    copies_exact,
    frames,
    overlap,
    searchable,
    shrunk,
    warped,
)
from gankit.kinds.series.records import bridged
from gankit.metrics.classification import accuracy_score

ONE = np.zeros(1, np.int64)


def side(x: np.ndarray) -> Side:
    return Side(x.astype(np.float32), np.full(len(x), x.shape[1]), counted.groups(np.arange(len(x)), 1))


# --- sums against closed forms and other libraries --------------------------------------------------------------------


def test_autocorrelation_of_an_autoregression_is_phi_to_the_lag() -> None:
    x = autoregressive(40, 2000, 1, 0.8, seed=1)
    sums = counted.lagged(x, counted.groups(np.arange(40), 1), [1, 2, 3, 5], own_mean=False)
    assert counted.autocorrelations(sums)[:, 0] == pytest.approx([0.8, 0.64, 0.512, 0.32768], abs=0.02)


def test_autocorrelation_about_own_means_is_that_of_numpy() -> None:
    x = autoregressive(1, 60, 2, 0.5, seed=2) + 7
    centred = x[0] - x[0].mean(0)
    expected = (centred[3:] * centred[:-3]).mean(0) / (centred**2).mean(0)
    found = counted.autocorrelations(counted.lagged(x, ONE, [3], own_mean=True))
    assert found[0] == pytest.approx(expected)


def test_gaps_leave_out_pairs_and_nothing_else() -> None:
    x = autoregressive(1, 30, 1, 0.5, seed=3)
    holes = x.copy()
    holes[0, 10] = np.nan
    known = np.isfinite(holes[0, :, 0])
    v = np.where(known, holes[0, :, 0] - holes[0, known, 0].mean(), 0)
    pairs = known[1:] & known[:-1]
    expected = ((v[1:] * v[:-1])[pairs].mean()) / (v[known] ** 2).mean()
    found = counted.autocorrelations(counted.lagged(holes, ONE, [1], own_mean=True))
    assert found[0, 0] == pytest.approx(expected)


def test_correlations_at_lag_zero_are_those_of_numpy_and_a_shift_is_found_at_its_lag() -> None:
    x = autoregressive(20, 50, 3, 0.6, seed=4)
    x[:, 2:, 1] = x[:, :-2, 0]  # the second follows the first two steps later
    sums = counted.crossed(x, counted.groups(np.arange(20), 1), (0, 2))
    found = counted.correlations(sums)
    assert found[0] == pytest.approx(np.corrcoef(x.reshape(-1, 3).T))
    assert found[1, 0, 1] > 0.97 and abs(found[0, 0, 1]) < 0.6


@pytest.mark.parametrize("steps", [64, 1000])
def test_spectra_are_those_of_welch(steps: int) -> None:
    x = autoregressive(3, steps, 2, 0.7, seed=5)
    size = steps if steps <= counted.WHOLE else counted.SEGMENT
    _, expected = signal.welch(x, window="hann", nperseg=size, noverlap=size // 2, detrend="constant", axis=1)
    found = counted.typical_spectrum(counted.spectra(x, np.full(3, steps), np.arange(3)))
    assert found[1:] == pytest.approx(10 ** np.log10(expected).mean(0)[1:], rel=1e-6)


def test_moments_of_changes_are_those_of_scipy() -> None:
    d = np.random.default_rng(6).standard_t(5, size=(30, 40, 2))
    sums = counted.moments(d, counted.groups(np.arange(30), 1))
    assert counted.kurtosis(sums) == pytest.approx(stats.kurtosis(d.reshape(-1, 2), fisher=False))
    squares = np.where(d > 0, 1, -1) * d**2
    assert counted.share_of_rises(sums) == pytest.approx(squares.sum((0, 1)) / (d**2).sum((0, 1)))


def test_distances_of_values_are_those_of_scipy() -> None:
    draws = np.random.default_rng(7)
    a, b = draws.normal(size=(40, 10, 1)), 1.3 * draws.normal(size=(50, 10, 1)) + 0.2
    codes = np.array([-1])
    score = distances.marginals(side(a), side(b), ["a"], codes, changes=False, seed=0)
    flat = [v.astype(np.float32).ravel() for v in (a, b)]
    column = score.details["columns"][0]
    assert score.value == pytest.approx(stats.ks_2samp(*flat).statistic)
    assert column["wasserstein"] == pytest.approx(stats.wasserstein_distance(*flat), rel=1e-5)
    assert score.low is not None and score.high is not None and score.low < score.value < score.high


# --- what each distance is there to see -------------------------------------------------------------------------------


def test_twice_the_amplitude_is_six_decibels_and_a_longer_memory_is_seen() -> None:
    a, b = autoregressive(400, 64, 1, 0.5, seed=8), autoregressive(400, 64, 1, 0.5, seed=9)
    same = distances.spectrum(side(a), side(b), ["a"], seed=0)
    loud = distances.spectrum(side(a), side(2 * b), ["a"], seed=0)
    assert same.value < 0.5 and loud.value == pytest.approx(20 * math.log10(2), abs=0.5)
    slow = side(autoregressive(400, 64, 1, 0.9, seed=10))
    for who, other in (("same", side(b)), ("slow", slow)):
        score = distances.autocorrelation(side(a), other, ["a"], absolute_changes=False, seed=0)
        assert (score.value > 0.1) == (who == "slow")


def test_restless_times_rare_jumps_and_sudden_falls_are_seen() -> None:
    draws = np.random.default_rng(11)
    calm = np.cumsum(draws.normal(size=(300, 48, 1)), 1)
    restless = np.cumsum(draws.normal(size=(300, 48, 1)) * np.repeat(draws.choice([0.2, 2.0], (300, 4, 1)), 12, 1), 1)
    jumps = np.cumsum(draws.normal(size=(300, 48, 1)) + 10 * (draws.random((300, 48, 1)) < 0.02), 1)
    again = np.cumsum(draws.normal(size=(300, 48, 1)), 1)

    def figures(x: np.ndarray) -> tuple[float, float, float]:
        sides = (side(calm), side(x), ["a"])
        return (
            distances.autocorrelation(*sides, absolute_changes=True, seed=0).value,
            distances.tails(*sides, seed=0).value,
            distances.asymmetry(*sides, seed=0).value,
        )

    volatility, tails, asymmetry = figures(again)
    assert volatility < 0.02 and tails < 0.1 and asymmetry < 0.05
    assert figures(restless)[0] > 0.1
    assert figures(jumps)[1] > 1 and figures(jumps)[2] > 0.3


def test_a_profile_sees_what_happens_when_and_a_flat_fake_is_no_praise() -> None:
    x = sines(200, 30, 0)
    bump = x.copy()
    bump[:, 10] += 1
    assert distances.profile(side(x), side(bump), ["a", "b"], seed=0).value == pytest.approx(1 / 30, rel=1e-3)
    flat = side(np.zeros_like(x))
    assert distances.spectrum(side(x), flat, ["a", "b"], seed=0).value > 10
    assert distances.autocorrelation(side(x), flat, ["a", "b"], absolute_changes=False, seed=0).value > 0.2
    assert distances.tails(side(x), flat, ["a", "b"], seed=0).value > 0.3


def test_gaps_are_counted_before_the_end_alone() -> None:
    x = autoregressive(60, 20, 1, 0.5, seed=12)
    full, holes = x.copy(), x.copy()
    holes[:, 5:8] = np.nan
    full[:, 15:] = holes[:, 15:] = np.nan
    lengths, group = np.full(60, 15), counted.groups(np.arange(60), 1)
    sides = [Side(v.astype(np.float32), lengths, group) for v in (full, holes)]
    score = distances.gaps(*sides, ["a"], seed=0)
    assert score.value == pytest.approx(3 / 15)
    assert score.details["columns"][0]["fake_run"] == pytest.approx(3)


def test_intervals_are_as_wide_as_figures_of_fresh_series_differ() -> None:
    values, halves = [], []
    for seed in range(40):
        a, b = (autoregressive(80, 24, 1, phi, seed=100 + 2 * seed + k) for k, phi in enumerate((0.8, 0.3)))
        score = distances.autocorrelation(side(a), side(b), ["a"], absolute_changes=False, seed=seed)
        assert score.low is not None and score.high is not None
        values.append(score.value)
        halves.append((score.high - score.low) / 2 / 1.96)
    assert 0.7 < np.mean(halves) / np.std(values) < 1.5


# --- samples ----------------------------------------------------------------------------------------------------------


def test_windows_that_share_steps_are_found_and_put_into_one_group() -> None:
    series = autoregressive(1, 300, 2, 0.5, seed=13)[0]
    assert [overlap(windows(series, 24, s)) for s in (1, 6, 23, 24)] == [24, 4, 2, 1]
    assert overlap(autoregressive(50, 24, 1, 0.5, seed=14)) == 1 and overlap(np.zeros((50, 24, 1))) == 1
    group = counted.groups(np.arange(48), 24)
    assert group.tolist() == [0] * 24 + [1] * 24


def test_categories_become_columns_and_come_back() -> None:
    x = np.array([[[1.0, 0], [2, 1], [np.nan, np.nan]], [[3, 1], [5, 1], [4, 2]]])
    one = SeriesSample(x, np.array([2, 3]), ("a", "kind"), {"kind": ("p", "q", "r")})
    columns = Columns.fit(one, one)
    assert columns.names == ("a", "kind = p", "kind = q", "kind = r")
    z = columns(one)
    assert z[0, :2, 1:].tolist() == [[1, 0, 0], [0, 1, 0]] and np.isnan(z[0, 2]).all()
    assert z[:, :, 0][np.isfinite(z[:, :, 0])].std() == pytest.approx(1)
    assert columns.back(z, one.levels) == pytest.approx(x, nan_ok=True, rel=1e-6)


def test_samples_are_brought_to_the_same_levels_and_steps() -> None:
    a = SeriesSample(np.array([[[0.0], [1.0]]]), np.array([2]), ("k",), {"k": ("p", "q")})
    b = SeriesSample(np.array([[[0.0], [1.0], [np.nan]]]), np.array([2]), ("k",), {"k": ("q", "r")})
    first, second = aligned(a, b)
    assert first.levels == second.levels == {"k": ("p", "q", "r")}
    assert first.x[0, :, 0].tolist()[:2] == [0, 1] and second.x[0, :2, 0].tolist() == [1, 2]
    assert first.x.shape == second.x.shape == (1, 3, 1)
    with pytest.raises(DataError, match="different channels"):
        aligned(a, sample(np.zeros((2, 3, 1)), names=("z",)))
    with pytest.raises(DataError, match="a channel a name"):
        sample(np.zeros((2, 3, 2)), names=("z",))


def test_gaps_are_bridged_by_straight_lines() -> None:
    x = np.array([np.nan, 1, np.nan, np.nan, 4, np.nan])[None, :, None]
    assert bridged(x)[0, :, 0].tolist() == [1, 1, 2, 3, 4, 4]
    assert (bridged(np.full((1, 3, 1), np.nan)) == 0).all()
    assert shrunk(np.arange(7.0)[None, :, None], 3)[0, :, 0].tolist() == [1, 4]


# --- time warping and copies ------------------------------------------------------------------------------------------


def plain_warping(a: np.ndarray, b: np.ndarray, band: int) -> float:
    steps = len(a)
    cost = np.full((steps, steps), np.inf)
    for i in range(steps):
        for j in range(max(0, i - band), min(steps, i + band + 1)):
            before = [cost[i - 1, j] if i else np.inf, cost[i, j - 1] if j else np.inf]
            before.append(cost[i - 1, j - 1] if i and j else np.inf)
            cost[i, j] = ((a[i] - b[j]) ** 2).sum() + (0 if i == j == 0 else min(before))
    return math.sqrt(cost[-1, -1] / a.size)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 12), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_warped_distances_are_those_of_the_textbook(steps: int, channels: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    a, b = draws.normal(size=(2, 4, steps, channels))
    band = band_of(steps)
    expected = [plain_warping(x, y, band) for x, y in zip(a, b, strict=True)]
    assert warped(a, b, band) == pytest.approx(expected)
    assert warped(a, b, 0) == pytest.approx(np.sqrt(((a - b) ** 2).mean((1, 2))))


def test_a_series_that_runs_ahead_is_near_by_warping_and_the_nearest_is_exact() -> None:
    series = np.sin(np.arange(62) / 5)
    a, b = series[:60][None, :, None], series[2:][None, :, None]
    assert warped(a, b, band_of(60))[0] < 0.4 * warped(a, b, 0)[0]
    z = sines(60, 24, 1).astype(np.float32)
    among, asked = References(z[:50]), z[50:]
    found = among.nearest(asked)
    whole = np.stack([warped(np.repeat(one[None], 50, 0), z[:50], band_of(24)) for one in asked])
    assert found.rows.tolist() == whole.argmin(1).tolist()
    assert found.distances == pytest.approx(whole.min(1))


def test_exact_copies_are_counted_and_named() -> None:
    x = autoregressive(30, 12, 2, 0.5, seed=15)
    x[3, 5:] = np.nan
    train, fresh = sample(x[:20]), sample(x[20:])
    made = sample(np.concatenate([x[[3, 7]], x[20:28]]))
    score = copies_exact(train, fresh, made)
    assert score.value == pytest.approx(0.2) and score.details["heldout_share"] == 0
    assert score.details["pairs"] == [{"fake": 0, "train": 3}, {"fake": 1, "train": 7}]


def test_long_series_are_looked_for_by_their_power_in_bands() -> None:
    t = np.arange(4096)
    low, high = np.sin(2 * np.pi * 0.01 * t), np.sin(2 * np.pi * 0.3 * t)
    x = np.stack([low, high, np.roll(low, 37)])[:, :, None]
    z = searchable(x)
    assert z.shape[0] == 3 and z.shape[1] <= 48 and z.shape[2] <= 16 and np.isfinite(z).all()
    gaps = [float(np.abs(z[0] - z[k]).mean()) for k in (1, 2)]
    assert gaps[1] < 0.2 * gaps[0]
    assert frames(x).shape == z.shape


# --- judges and baselines ---------------------------------------------------------------------------------------------


def test_trees_tell_another_memory_and_not_the_same() -> None:
    alone = (np.arange(150), np.arange(150))
    a, b, c = (autoregressive(150, 24, 2, phi, seed) for phi, seed in ((0.8, 16), (0.8, 17), (0.0, 18)))
    looked = [classifiers.traits(x, np.full(150, 24)) for x in (a, b, c)]
    assert classifiers.c2st(looked[0], looked[1], alone, num_trees=30).value > 0.6
    assert classifiers.c2st(looked[0], looked[2], alone, num_trees=30).value < 0.2


def test_windows_of_a_run_stay_in_one_fold() -> None:
    series = autoregressive(1, 330, 1, 0.9, seed=19)[0]
    x = classifiers.traits(windows(series, 24, 1), np.full(307, 24))
    other = classifiers.traits(autoregressive(307, 24, 1, 0.9, seed=20), np.full(307, 24))
    wide = classifiers.c2st(x, other, (np.arange(307) // 24, np.arange(307)), num_trees=30)
    naive = classifiers.c2st(x, other, (np.arange(307), np.arange(307)), num_trees=30)
    assert wide.details["auc"] < naive.details["auc"]  # neighbours of a window give it away


def test_labels_are_learned_from_fakes_that_have_them() -> None:
    (x, y), (test, truth) = two_kinds(120, 0), two_kinds(80, 1)
    numbers = [np.array([v == "up" for v in side], np.int64) for side in (y, truth)]
    for learn, look in (
        (classifiers.learn_linear, classifiers.shapes),
        (classifiers.learn_nearest, lambda v: v.reshape(len(v), -1)),
    ):
        right = accuracy_score(numbers[1], learn(look(x), numbers[0])(look(test)), ["down", "up"], 120, "series")
        wrong = accuracy_score(numbers[1], learn(look(x), 1 - numbers[0])(look(test)), ["down", "up"], 120, "series")
        assert right.value > 0.9 > 0.1 > wrong.value
        assert right.details["series"] == 80 and right.details["classes"][0]["class"] == "down"


def test_the_scores_of_timegan_are_put_together_from_what_a_network_says() -> None:
    def discriminate(real: np.ndarray, fake: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
        return np.array([1.0, 1, 1, -1]), np.array([-1.0, -1, 1, 1])

    def forecast(train: classifiers.Known, test: classifiers.Known, seed: int) -> np.ndarray:
        return np.array([0.1, 0.3, np.nan])

    network = classifiers.Recurrent(discriminate, forecast)
    x = np.zeros((20, 6, 2))
    told = classifiers.discriminative(x, x, network, 1, 0)
    assert told.value == pytest.approx(0.125) and told.details["accuracy"] == pytest.approx(0.625)
    assert told.details["precision"] == pytest.approx(0.6) and told.details["recall"] == pytest.approx(0.75)
    half = 1.96 * math.sqrt((5 / 8 * 3 / 8 / 8 + 1 / 4 / 8) / 4)
    assert told.high == pytest.approx(0.125 + half, rel=1e-3)
    known = (x, np.ones((20, 6), bool))
    ahead = classifiers.predictive(known, known, network, 1, 0)
    assert ahead.value == pytest.approx(0.2) and ahead.details["rows"] == 2
    assert math.isnan(classifiers.discriminative(x[:4], x, network, 1, 0).value)


def test_an_autoregression_learns_an_autoregression() -> None:
    train = sample(autoregressive(300, 30, 2, 0.7, seed=21) * 5 + 100)
    columns = Columns.fit(train, train)
    made = autoregression(train, columns, 300, 1)
    sums = counted.lagged(made.x - 100, counted.groups(np.arange(300), 1), [1], own_mean=False)
    assert counted.autocorrelations(sums)[0] == pytest.approx([0.7, 0.7], abs=0.05)
    assert made.x.mean() == pytest.approx(100, abs=1) and made.x.max() <= train.x.max() + 1e-3


def test_blocks_are_pieces_of_training_series_of_the_same_label() -> None:
    x, y = two_kinds(60, 2, steps=25)
    train = sample(x, y)
    made = blocks(train, 50, 3)
    assert made.labels is not None
    for row in range(50):
        for start in range(0, 25, 5):
            piece = made.x[row, start : start + 5]
            same = np.flatnonzero((x[:, start : start + 5] == piece).all((1, 2)))
            assert len(same) == 1 and y[same[0]] == made.labels[row]
