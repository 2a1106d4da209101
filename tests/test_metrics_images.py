"""The metrics of images against closed forms, loops and plain transcriptions of the published formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.special import logsumexp
from scipy.stats import norm

from gankit.kinds.images.metrics import classes, neighbours
from gankit.metrics import distances
from gankit.metrics.classification import confusion_figures
from gankit.randomness import numpy_generator


def points(n: int, f: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return shift + scale * numpy_generator(seed, "test points").standard_normal((n, f))


def images(n: int, seed: int, side: int = 6, channels: int = 1) -> np.ndarray:
    return numpy_generator(seed, "test pictures").integers(0, 256, (n, side, side, channels), dtype=np.uint8)


# --- Frechet and kernel -------------------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.floats(-5, 5), st.floats(0.1, 5), st.floats(-5, 5), st.floats(0.1, 5))
def test_frechet_of_two_normals_on_a_line_is_the_closed_form(m: float, s: float, n: float, t: float) -> None:
    a = distances.Moments(np.array([m]), np.array([[s]]))
    b = distances.Moments(np.array([n]), np.array([[t]]))
    assert distances.frechet_between(a, b) == pytest.approx((m - n) ** 2 + (s - t) ** 2, abs=1e-8)


def test_frechet_is_that_of_scipys_root_of_the_product() -> None:
    mix = points(7, 7, 1)
    real, fake = points(500, 7, 2), points(400, 7, 3, shift=0.3) @ mix
    a, b = np.cov(real.T), np.cov(fake.T)
    gap = real.mean(0) - fake.mean(0)
    expected = gap @ gap + np.trace(a + b - 2 * np.real(sqrtm(a @ b)))
    assert distances.frechet(real, fake).value == pytest.approx(expected, rel=1e-9)


def test_frechet_stays_finite_and_zero_where_covariances_are_singular() -> None:
    few = points(5, 40, 4)
    assert distances.frechet(few, few).value == pytest.approx(0, abs=1e-5)
    constant = np.ones((30, 4))
    assert distances.frechet(constant, constant + 2).value == pytest.approx(16)
    assert distances.frechet(few, few).details["singular"]


def test_frechet_to_a_single_image_is_that_to_a_point() -> None:
    cloud = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 4.0], [2.0, 4.0]])
    point = distances.moments(np.array([[1.0, 5.0]]))
    # (5 - 2)^2 between the means, and the variances 4/3 and 16/3 of the cloud
    assert distances.frechet_between(point, distances.moments(cloud)) == pytest.approx(9 + 20 / 3)


def test_frechet_limit_is_nearer_to_the_truth_than_the_value_of_few_images() -> None:
    real, fake = points(20_000, 16, 5), points(400, 16, 6)  # the same distribution: the truth is 0
    found = distances.frechet(real, fake)
    assert abs(found.details["limit"]) < 0.5 * found.value


def test_interval_of_the_frechet_distance_is_the_closed_form_of_a_shift() -> None:
    real, fake = points(400, 1, 7), points(400, 1, 8, shift=2.0)
    found = distances.frechet(real, fake)
    # (m_a - m_b)^2 has the deviation 2 |m_a - m_b| sqrt(1/N + 1/M), and the deviations hardly count
    assert found.low is not None and found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(1.96 * 2 * 2 * math.sqrt(2 / 400), rel=0.15)


def test_interval_of_the_frechet_distance_is_as_wide_as_fresh_samples_spread() -> None:
    def draw(i: int) -> np.ndarray:
        return points(300, 5, 100 + i)

    fresh = [distances.frechet(draw(2 * i), 1.5 * draw(2 * i + 1)) for i in range(40)]
    halves = np.array([s.high - s.value for s in fresh if s.high is not None])
    assert halves.mean() / 1.96 == pytest.approx(np.std([s.value for s in fresh], ddof=1), rel=0.35)


def test_kernel_distance_is_the_unbiased_sum_over_pairs() -> None:
    x, y = points(9, 4, 8), points(7, 4, 9, shift=0.5)

    def k(a: np.ndarray, b: np.ndarray) -> float:
        return float((a @ b / 4 + 1) ** 3)

    inside = sum(k(x[i], x[j]) for i in range(9) for j in range(9) if i != j) / 72
    inside += sum(k(y[i], y[j]) for i in range(7) for j in range(7) if i != j) / 42
    across = sum(k(a, b) for a in x for b in y) / 63
    assert distances.kernel_distance(x, y).value == pytest.approx(inside - 2 * across, rel=1e-12)


def test_kernel_distance_in_blocks_is_that_of_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = points(50, 3, 10), points(40, 3, 11)
    whole = distances.kernel_distance(x, y)
    monkeypatch.setattr(distances, "_BLOCK_ROWS", 7)
    assert distances.kernel_distance(x, y).value == pytest.approx(whole.value, rel=1e-12)


def test_interval_of_the_kernel_distance_holds_the_truth_about_as_often_as_it_says() -> None:
    far = points(20_000, 2, 12), points(20_000, 2, 13, shift=0.7)
    truth = distances.kernel_distance(far[0][:6000], far[1][:6000]).value
    held = 0
    for i in range(60):
        rows = slice(6000 + 200 * i, 6200 + 200 * i)
        found = distances.kernel_distance(far[0][rows], far[1][rows])
        assert found.low is not None and found.high is not None
        held += found.low <= truth <= found.high
    assert held >= 50  # .95 of 60 is 57; below 50 has a chance of .001


def test_held_out_metric_is_minus_the_frechet_distance_and_larger_is_better() -> None:
    heldout, near, far = images(60, 1), images(60, 2), images(60, 3) // 4

    def features(x: np.ndarray) -> np.ndarray:
        return x.reshape(len(x), -1)[:, :5].astype(np.float32) / 255

    judge = distances.held_out_metric(features(heldout))
    score = distances.frechet(features(heldout), features(near))
    assert score.low is not None and score.high is not None
    assert judge(features(near)) == pytest.approx((-score.value, -score.high, -score.low))
    assert judge(features(far))[0] < judge(features(near))[0] <= judge(features(heldout))[0] <= 0
    assert judge(np.full((3, 5), np.nan)) == (-np.inf, -np.inf, -np.inf)
    wide, narrow = (distances.held_out_metric(features(heldout), crowd)(features(near)) for crowd in (9.0, 1.0))
    assert wide[0] == narrow[0] and wide[1] < narrow[1] and wide[2] >= narrow[2]


# --- neighbours -----------------------------------------------------------------------------------------------------


def published(real: np.ndarray, fake: np.ndarray) -> tuple[float, float, float, float]:
    """Precision, recall, density, coverage as in the papers, with whole matrices of distances."""

    def between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(np.sqrt(((a[:, None] - b[None]) ** 2).sum(2)))

    def radius(a: np.ndarray, k: int) -> np.ndarray:
        return np.asarray(np.sort(between(a, a), axis=1)[:, k])  # the first is the point itself

    cross = between(real, fake)
    precision = (cross <= radius(real, 3)[:, None]).any(0).mean()
    recall = (cross <= radius(fake, 3)[None]).any(1).mean()
    inside = cross <= radius(real, 5)[:, None]
    return precision, recall, inside.sum(0).mean() / 5, (cross.min(1) <= radius(real, 5)).mean()


@settings(max_examples=15, deadline=None)
@given(st.integers(6, 60), st.integers(6, 60), st.integers(1, 8), st.floats(0, 3), st.integers(0, 1000))
def test_precision_recall_density_coverage_are_the_published_ones(
    n: int, m: int, f: int, shift: float, seed: int
) -> None:
    real, fake = points(n, f, seed), points(m, f, seed + 5000, shift=shift)
    found = neighbours.balls(real, fake)
    functions = (neighbours.precision, neighbours.recall, neighbours.density, neighbours.coverage)
    assert [function(found).value for function in functions] == pytest.approx(published(real, fake))


def test_balls_in_blocks_are_those_of_one_block(monkeypatch: pytest.MonkeyPatch) -> None:
    real, fake = points(50, 4, 20), points(35, 4, 21)
    whole = neighbours.balls(real, fake)
    monkeypatch.setattr(neighbours, "_BLOCK_ROWS", 8)
    for a, b in zip(whole, neighbours.balls(real, fake), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)


def test_a_fake_far_away_is_outlying_and_one_on_a_real_point_is_not() -> None:
    real = points(100, 3, 22)
    found = neighbours.balls(real, np.concatenate([real[:6], points(6, 3, 23, shift=50)]))
    assert (found.outlying[:6] < 0.01).all() and (found.outlying[6:] > 10).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 30), st.integers(4, 80), st.integers(1, 4), st.integers(0, 1000))
def test_nearest_finds_the_nearest_whatever_the_blocks(q: int, n: int, k: int, seed: int) -> None:
    queries, among = images(q, seed, 3).reshape(q, -1), images(n, seed + 1, 3).reshape(n, -1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(neighbours, "_BLOCK_ROWS", 7)
        patch.setattr(neighbours, "_COLUMN_ROWS", 11)
        found = neighbours.nearest(queries, among, k)
    every = np.sqrt(((queries[:, None].astype(float) - among[None].astype(float)) ** 2).sum(2))
    np.testing.assert_allclose(found.distances, np.sort(every, axis=1)[:, :k])
    np.testing.assert_allclose(np.take_along_axis(every, found.rows, 1), found.distances)


# --- copies ---------------------------------------------------------------------------------------------------------


def test_exact_copies_are_counted_and_named() -> None:
    train, heldout = images(50, 1), images(50, 2)
    fake = np.concatenate([images(7, 3), train[[4, 9, 9]]])
    found = neighbours.copies_exact(train, heldout, fake)
    assert found.value == 0.3
    assert found.details["pairs"] == [{"fake": 7, "train": 4}, {"fake": 8, "train": 9}, {"fake": 9, "train": 9}]
    assert (found.details["heldout_share"], found.details["unique_copied"]) == (0.0, 2)


def test_honest_fakes_show_no_copying_and_near_copies_do() -> None:
    train, heldout, honest = (points(n, 4, s) for n, s in ((400, 30), (400, 31), (300, 32)))
    copied = train[:300] + points(300, 4, 33, scale=0.01)
    usual = neighbours.nearest(heldout, train)
    fair, foul = (neighbours.copies_near(train, heldout, fake) for fake in (honest, copied))
    assert fair.low is not None and fair.high is not None and fair.low < 0.5 < fair.high
    assert foul.value > 0.95 and foul.details["three_sample"]["p"] < 1e-10 < fair.details["three_sample"]["p"]
    assert foul.details["pairs"][0]["train"] == foul.details["pairs"][0]["fake"]
    assert neighbours.copies_pixels(neighbours.nearest(honest, train), usual).value < 0.05
    assert neighbours.copies_pixels(neighbours.nearest(copied, train), usual).value > 0.95


def test_fakes_far_from_every_image_are_no_copies_whatever_side_they_lie_on() -> None:
    train, heldout = points(200, 5, 1), points(200, 5, 2)
    train[0] += 3.0  # the outermost image is a training image, and nearest to all that lies beyond it
    far = points(300, 5, 3, shift=9.0)
    found = neighbours.copies_near(train, heldout, far)
    assert np.isnan(found.value) and "300 of 300 synthetic images are farther" in found.details["reason"]
    mixed = np.concatenate([points(300, 5, 4), far[:200]])
    found = neighbours.copies_near(train, heldout, mixed)
    assert found.details["far"] >= 200 and abs(found.value - 0.5) < 0.15
    copied = np.concatenate([train + 1e-3, far[:150]])
    assert neighbours.copies_near(train, heldout, copied).value > 0.9


def test_the_share_of_near_images_is_one_percent_of_held_out_ones_by_definition() -> None:
    found = neighbours.nearest(points(1000, 3, 34), points(500, 3, 35))
    assert neighbours.copies_pixels(found, found).value == pytest.approx(0.01)


def test_large_images_are_searched_as_means_of_boxes() -> None:
    x = images(2, 5, side=70, channels=3)
    found = neighbours.searchable(x).reshape(2, 23, 23, 3)
    assert found[1, 2, 5, 0] == pytest.approx(x[1, 6:9, 15:18, 0].mean(), rel=1e-5)
    np.testing.assert_array_equal(neighbours.searchable(images(2, 6, side=32)), images(2, 6, side=32).reshape(2, -1))


# --- history --------------------------------------------------------------------------------------------------------


def test_parzen_is_the_log_likelihood_by_hand() -> None:
    fake, validation, test = images(20, 1, 3), images(5, 2, 3), images(6, 3, 3)
    mu, v, t = (x.reshape(len(x), -1) / 255 for x in (fake, validation, test))

    def by_hand(x: np.ndarray, sigma: float) -> np.ndarray:
        each = norm.logpdf(x[:, None], mu[None], sigma).sum(2)
        return np.asarray(logsumexp(each, axis=1) - math.log(len(mu)))

    sigma = max(np.logspace(-1, 0, 10), key=lambda s: by_hand(v, s).mean())
    expected = by_hand(t, sigma)
    found = neighbours.parzen(fake, validation, test)
    assert found.details["sigma"] == pytest.approx(sigma)
    assert found.value == pytest.approx(expected.mean(), abs=1e-3)
    assert found.details["error"] == pytest.approx(expected.std() / math.sqrt(6), rel=1e-3)


def test_parzen_uses_ten_thousand_fakes_and_a_thousand_validation_images_and_no_more() -> None:
    found = neighbours.parzen(images(10_050, 4, 2), images(1010, 5, 2), images(20, 6, 2))
    assert (found.details["fakes"], found.details["validation"], found.details["test"]) == (10_000, 1000, 20)
    big = np.zeros((2, 65, 64, 1), np.uint8)
    assert math.isnan(neighbours.parzen(big, big, big).value)


# --- classes --------------------------------------------------------------------------------------------------------


def test_entropy_of_classes_falls_when_classes_are_missing() -> None:
    real = np.repeat(np.arange(10), 50)
    assert classes.class_entropy(real, real, 10).value == pytest.approx(1)
    half = classes.class_entropy(real[:250], real, 10)
    assert half.value == pytest.approx(math.log(5) / math.log(10))
    assert half.details["missing"] == [5, 6, 7, 8, 9] and half.details["distance"] == pytest.approx(0.5)


def test_confusion_figures_are_scikit_learns() -> None:
    from sklearn.metrics import accuracy_score, confusion_matrix, precision_score, recall_score

    draws = numpy_generator(0, "test confusion")
    truth, seen = draws.integers(0, 4, 200), draws.integers(0, 4, 200)
    found = confusion_figures(truth, seen, ["a", "b", "c", "d"])
    assert found["accuracy"] == pytest.approx(accuracy_score(truth, seen))
    assert found["precision"] == pytest.approx(precision_score(truth, seen, average="macro"))
    assert found["recall"] == pytest.approx(recall_score(truth, seen, average="macro"))
    assert found["confusion"] == confusion_matrix(truth, seen).tolist()
    assert [c["recall"] for c in found["classes"]] == pytest.approx(recall_score(truth, seen, average=None))


def test_a_class_that_nobody_has_is_null_and_warns_nobody() -> None:
    found = confusion_figures(np.array([0, 0, 1]), np.array([0, 0, 0]), ["a", "b", "c"])
    assert [c["precision"] for c in found["classes"]] == [pytest.approx(2 / 3), None, None]
    assert [c["recall"] for c in found["classes"]] == [1.0, 0.0, None]


def test_per_class_figures_name_the_class_that_is_wrong() -> None:
    real, fake = points(200, 3, 40), points(200, 3, 41)
    labels = np.repeat([0, 1], 100)
    fake[labels == 1] += 5
    seen = labels.copy()
    seen[:10] = 1
    good, bad = classes.per_class(real, fake, labels, labels, ["cat", "dog"], fake_seen=seen)
    assert good["class"] == "cat" and good["agreement"] == 0.9 and bad["agreement"] == 1.0
    assert bad["frechet"] > 50 > 1 > good["frechet"] and bad["precision"] < 0.1 < good["precision"]
    assert good["real"] == good["fake"] == 0.5


def test_stacked_modes_of_the_uniform_and_of_one_mode() -> None:
    every = np.stack(np.meshgrid(*[np.arange(10)] * 3), -1).reshape(-1, 3)
    assert classes.stacked_modes(every)["modes"] == 1000
    assert classes.stacked_modes(every)["kl"] == pytest.approx(0, abs=1e-12)
    one = classes.stacked_modes(np.zeros((50, 3), int))
    assert one["modes"] == 1 and one["kl"] == pytest.approx(math.log(1000))


def test_usefulness_is_the_accuracy_of_what_was_learned_from_the_fakes() -> None:
    x = images(40, 7)
    y = (x.reshape(40, -1).mean(1) > np.median(x.reshape(40, -1).mean(1))).astype(int)

    def learn(x: np.ndarray, y: np.ndarray, num_classes: int, seed: int):  # type: ignore[no-untyped-def]
        limit = (x[y == 0].mean() + x[y == 1].mean()) / 2
        return lambda new: np.eye(num_classes)[(new.reshape(len(new), -1).mean(1) > limit).astype(int)]

    right = classes.usefulness(x, y, x, y, learn, ["dark", "light"])
    wrong = classes.usefulness(x, 1 - y, x, y, learn, ["dark", "light"])
    assert right.value > 0.9 and wrong.details["train_rows"] == 40
    assert math.isnan(classes.usefulness(x, np.zeros(40, int), x, y, learn, ["a", "b"]).value)
