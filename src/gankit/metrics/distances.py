"""Distances between two sets of records of any kind: in features Frechet's and the kernel one, and that of lengths.

Knows features and lengths as plain numbers; never records, networks, or how the features were made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gankit.metrics.metric import Z95, Interval, Score, around, impossible, plain
from gankit.randomness import numpy_generator

_BLOCK_ROWS, _LIMIT_SIZES, _REPLICATES, _MOST_CELLS = 1024, 5, 50, 40


@dataclass(frozen=True)
class Moments:
    """The Gaussian that has the mean and covariance of some features: mean [F], root [R, F], float64.

    root^T root is the covariance; R is the smaller one of F and the number of records, so that few records of many
    features cost little.
    """

    mean: np.ndarray
    root: np.ndarray


def moments(features: np.ndarray) -> Moments:
    """The mean and the unbiased covariance of features [N, F]; that of a single record is taken for 0."""
    x = np.asarray(features, np.float64)
    mean = x.mean(0)
    root = (x - mean) / math.sqrt(max(len(x) - 1, 1))
    if len(x) > x.shape[1]:
        values, vectors = np.linalg.eigh(root.T @ root)
        root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    return Moments(mean, root)


def frechet_between(a: Moments, b: Moments) -> float:
    """The squared Frechet distance of two Gaussians (Dowson & Landau 1982), at least 0:

    |m_a - m_b|^2 + tr(C_a + C_b - 2 (C_a^1/2 C_b C_a^1/2)^1/2).

    The trace of the root is the sum of the singular values of A B^T, where A^T A = C_a and B^T B = C_b, found as
    eigenvalues of a symmetric matrix, which is steady where a covariance is singular; the usual root of the product
    C_a C_b is not. Eigenvalues below 0 by rounding count as 0.

    >>> one = Moments(np.zeros(1), np.eye(1))
    >>> frechet_between(one, Moments(np.array([3.0]), 2 * np.eye(1)))
    10.0
    """
    small, large = sorted((a.root, b.root), key=len)
    between = small @ large.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(between @ between.T), 0)).sum()
    gap = a.mean - b.mean
    return max(0.0, float(gap @ gap + np.square(a.root).sum() + np.square(b.root).sum() - 2 * cross))


def frechet(real: np.ndarray, fake: np.ndarray, *, seed: int = 0, interval: bool = True) -> Score:
    """The Frechet distance of features (Heusel et al. 2017, eq. 6): how far apart two Gaussians fitted to them are.

    Best 0. Only in the Inception features is it the FID. It is biased upward by about as much as the floor between two
    real sets of that size: compare at equal numbers of images only. details["limit"]: the value that more fakes would
    lead to, from a straight line in 1/N through five sizes (Chong & Forsyth 2020); the held-out images' share of the
    bias stays in it. The interval is a normal one by the delta method: it met the spread of fresh MNIST samples, where
    bootstraps, which add their own noise to the bias, were up to twice as wide.

    real: [N, F], fake: [M, F] float.
    """
    if min(len(real), len(fake)) < 2:
        return impossible(0.0, "fewer than two images on one side")
    a, b = moments(real), moments(fake)
    value = frechet_between(a, b)
    low = high = limit = None
    if interval:
        low, high = frechet_interval(value, (a, real), (b, fake))
        limit = _limit(a, fake, numpy_generator(seed, "metrics/pictures/frechet"))
    counts = {"features": real.shape[1], "real_pictures": len(real), "fake_pictures": len(fake)}
    singular = min(len(real), len(fake)) <= real.shape[1]
    return Score(value, low, high, 0.0, {**counts, "limit": limit, "singular": singular})


def frechet_interval(
    value: float, real: tuple[Moments, np.ndarray], fake: tuple[Moments, np.ndarray], crowd: float = 1.0
) -> tuple[float, float]:
    """The 95% interval of a Frechet distance, a normal one by the delta method, of moments and features of both sides.

    crowd: how many of the real records that follow one another hang together.
    """
    (a, x), (b, y) = real, fake
    left, values, right = np.linalg.svd(a.root @ b.root.T, full_matrices=False)
    known = values > 1e-5 * max(float(values.max(initial=0)), 1e-150)
    scale = np.sqrt(values[known])
    to_real, to_fake = a.root.T @ (left[:, known] / scale), b.root.T @ (right[known].T / scale)
    half = Z95 * math.sqrt(_variance(a, b, y, to_real) + crowd * _variance(b, a, x, to_fake))
    return max(0.0, value - half), value + half


def _variance(other: Moments, own: Moments, points: np.ndarray, transport: np.ndarray) -> float:
    """The part of the distance's variance that comes from one side's points: [N, F].

    The distance moves by 2 (m - m_o).(x - m) + (x - m)^T (I - T) (x - m) as a point x gains weight, where
    T = C_o^1/2 (C_o^1/2 C C_o^1/2)^-1/2 C_o^1/2 is the optimal transport between the Gaussians.

    transport: [F, R], a root of T = transport transport^T: with O and A the roots of C_o and C and U S V^T = O A^T, it
    is O^T U S^-1/2.
    """
    centred = points - own.mean
    moved = 2 * centred @ (own.mean - other.mean)
    moved += np.square(centred).sum(1) - np.square(centred @ transport).sum(1)
    return float(moved.var(ddof=1)) / len(points)


def _limit(real: Moments, fake: np.ndarray, generator: np.random.Generator) -> float | None:
    """The intercept of the line through (1 / n, distance) for five sizes n from half of the fakes to all."""
    if len(fake) < 20:
        return None
    sizes = np.linspace(len(fake) / 2, len(fake), _LIMIT_SIZES).astype(int)
    order = generator.permutation(len(fake))
    distances = [frechet_between(real, moments(fake[np.sort(order[:n])])) for n in sizes]
    return float(np.polyfit(1 / sizes, distances, 1)[1])


def kernel_distance(real: np.ndarray, fake: np.ndarray) -> Score:
    """The kernel distance (Binkowski et al. 2018): squared MMD under k(x, y) = (x.y / F + 1)^3, unbiased; best 0.

    mean_{i!=j} k(x_i, x_j) + mean_{i!=j} k(y_i, y_j) - 2 mean_{ij} k(x_i, y_j). Being unbiased, it may fall below 0 and
    may be compared across numbers of images. Departure from the paper: all pairs, block by block, in place of
    random subsets of 1,000, which has the same expectation and less noise. The interval is a normal one from the
    projections of the U-statistic (Hoeffding 1948), images of both sides being taken as random.

    real: [N, F], fake: [M, F] float.
    """
    n, m = len(real), len(fake)
    if min(n, m) < 2:
        return impossible(0.0, "fewer than two images on one side")
    x, y = np.asarray(real, np.float64), np.asarray(fake, np.float64)
    own_x, own_y = _kernel_sums(x, x, same=True)[0] / (n - 1), _kernel_sums(y, y, same=True)[0] / (m - 1)
    rows, columns = _kernel_sums(x, y)
    cross_x, cross_y = rows / m, columns / n
    value = float(own_x.mean() + own_y.mean() - 2 * cross_x.mean())
    spread = 4 * float((own_x - cross_x).var(ddof=1) / n + (own_y - cross_y).var(ddof=1) / m)
    half = Z95 * math.sqrt(spread)
    return Score(value, value - half, value + half, 0.0, {"real_pictures": n, "fake_pictures": m, "degree": 3})


def _kernel_sums(x: np.ndarray, y: np.ndarray, same: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The sums of k(x_i, y_j) over j and over i: [N], [M]; with `same`, pairs i = j are left out."""
    rows, columns = np.empty(len(x)), np.zeros(len(y))
    for start in range(0, len(x), _BLOCK_ROWS):
        part = x[start : start + _BLOCK_ROWS]
        k = part @ (y.T / x.shape[1]) + 1
        k *= k * k  # several times faster than a power
        if same:
            k[np.arange(len(part)), start + np.arange(len(part))] = 0
        rows[start : start + len(part)] = k.sum(1)
        columns += k.sum(0)
    return rows, columns


def held_out_metric(heldout: np.ndarray, crowd: float = 1.0) -> Callable[[np.ndarray], Interval]:
    """What chooses checkpoints: features of fakes -> minus their Frechet distance to held-out records, with the ends of
    its 95% interval.

    Larger is better, 0 is best. Compare only values of equal numbers of fakes.

    heldout: features [N, F]. The function takes features [M, F], M >= 2, and gives minus infinity where they are not
    finite. crowd: see `frechet_interval`.
    """
    target = moments(heldout)

    def evaluate(fake: np.ndarray) -> Interval:
        if not np.isfinite(fake).all():
            return -math.inf, -math.inf, -math.inf
        found = moments(fake)
        value = frechet_between(target, found)
        if len(heldout) < 2:
            return -value, -math.inf, 0.0
        low, high = frechet_interval(value, (target, heldout), (found, fake), crowd)
        return -value, -high, -low

    return evaluate


def held_out_kernel_metric(heldout: np.ndarray) -> Callable[[np.ndarray], Interval]:
    """As `held_out_metric`, by the kernel distance: not biased, 0 is what fresh real records have on average."""

    def evaluate(fake: np.ndarray) -> Interval:
        score = kernel_distance(heldout, fake) if np.isfinite(fake).all() else impossible(0.0, "infinite numbers")
        if score.low is None or score.high is None:
            return -math.inf, -math.inf, -math.inf
        return -score.value, -score.high, -score.low

    return evaluate


def lengths(fake: np.ndarray, real: np.ndarray, *, seed: int = 0) -> Score:
    """The distance of Kolmogorov & Smirnov between the lengths of records; best 0, at most 1.

    The largest difference between the shares of records of at most k steps, over all k. The interval is a normal one
    from bootstraps of both sides. details: means, and the quantiles 0, .05, .5, .95, 1 of both.

    fake, real: [N], [M] lengths.
    """
    if not len(fake) or not len(real):
        return impossible(0.0, "one of the sets has no texts")
    width = int(max(fake.max(), real.max())) + 1
    counts = [np.bincount(side, minlength=width) for side in (fake, real)]
    generator = numpy_generator(seed, "metrics/texts/lengths")
    again = [generator.multinomial(len(s), c / len(s), _REPLICATES) for s, c in zip((fake, real), counts, strict=True)]
    value = _largest_gap(*counts)
    sides, places = {"fake": fake, "real": real}, (0, 0.05, 0.5, 0.95, 1)
    details = {f"{side}_mean": float(x.mean()) for side, x in sides.items()}
    details |= {f"{side}_quantiles": np.quantile(x, places) for side, x in sides.items()}
    replicates = [_largest_gap(a, b) for a, b in zip(*again, strict=True)]
    return Score(value, *around(value, replicates), 0.0, plain(details))


def _largest_gap(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.abs(np.cumsum(a) / a.sum() - np.cumsum(b) / b.sum()).max())


def length_histograms(real: np.ndarray, fake: np.ndarray) -> dict[str, Any]:
    """Shares of the records in at most 40 cells of lengths: {"edges": [K + 1], "real": [K], "fake": [K]}.

    real, fake: [N], [M] int.
    """
    most = int(max(side.max(initial=0) for side in (real, fake)))
    step = -(-(most + 1) // _MOST_CELLS)
    edges = np.arange(0, most + step + 1, step) - 0.5
    shares = {k: np.histogram(v, edges)[0] / max(len(v), 1) for k, v in (("real", real), ("fake", fake))}
    return dict(plain({"edges": edges, **shares}))
