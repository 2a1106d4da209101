"""Nearest neighbours among images, in features or pixels, a block at a time; and what follows from them:

precision and recall, density and coverage. Knows plain matrices of numbers; never networks, or what is a copy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gankit.metrics.neighbours import smallest
from gankit.metrics.score import Score, mean_score, share_score

PRECISION_NEIGHBOURS = 3
DENSITY_NEIGHBOURS = 5
_BLOCK_ROWS = 1024
_COLUMN_ROWS = 8192


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a_i - b_j|^2 by one product of matrices, at least 0: [N, F], [M, F] float32 -> [N, M] float32.

    Rounding leaves an error of about 1e-6 of |a_i|^2 + |b_j|^2: centre both first.
    """
    out = a @ b.T
    out *= -2
    out += np.einsum("nf,nf->n", a, a)[:, None]
    out += np.einsum("nf,nf->n", b, b)
    return np.asarray(np.maximum(out, 0, out=out))


class Neighbours(NamedTuple):
    """distances [Q, k] float64 and rows [Q, k] of the nearest, nearest first."""

    distances: np.ndarray
    rows: np.ndarray


def nearest(queries: np.ndarray, among: np.ndarray, k: int = 1) -> Neighbours:
    """The k rows of `among` nearest to each query (Euclidean), found block by block and then measured exactly.

    queries: [Q, F], among: [N, F], N >= k, of any number type: uint8 pixels are taken as they are.
    """
    centre = among[: min(len(among), 4096)].astype(np.float32).mean(0)
    spare = min(k + 3, len(among))  # near ties may come out of order in float32
    distances = np.full((len(queries), spare), np.inf, np.float32)
    rows = np.zeros((len(queries), spare), np.int64)
    for start in range(0, len(among), _COLUMN_ROWS):
        part = among[start : start + _COLUMN_ROWS].astype(np.float32) - centre
        for first in range(0, len(queries), _BLOCK_ROWS):
            here = slice(first, first + _BLOCK_ROWS)
            block = squared_distances(queries[here].astype(np.float32) - centre, part)
            kept = smallest(block, min(spare, len(part)))
            both = np.concatenate([distances[here], np.take_along_axis(block, kept, 1)], 1)
            which = np.concatenate([rows[here], kept + start], 1)
            best = np.argsort(both, axis=1, kind="stable")[:, :spare]
            distances[here] = np.take_along_axis(both, best, 1)
            rows[here] = np.take_along_axis(which, best, 1)
    exact = np.empty(rows.shape)
    for i in range(len(queries)):
        gap = among[rows[i]].astype(np.float64) - queries[i].astype(np.float64)
        exact[i] = np.sqrt(np.einsum("kf,kf->k", gap, gap))
    order = np.lexsort((rows, exact), axis=1)[:, :k]
    return Neighbours(np.take_along_axis(exact, order, 1), np.take_along_axis(rows, order, 1))


class Balls(NamedTuple):
    """How two sets of points lie in each other's neighbourhoods; precision and the like are means of these.

    fake_inside: [M] bool, the fake lies in the ball of some real point (k = 3).
    real_inside: [N] bool, the real point lies in the ball of some fake (k = 3).
    holders: [M] number of real balls (k = 5) that hold the fake.
    covered: [N] bool, the real point's ball (k = 5) holds a fake.
    outlying: [M] float, the smallest distance to a real point over that point's radius (k = 5): below 1 inside.
    """

    fake_inside: np.ndarray
    real_inside: np.ndarray
    holders: np.ndarray
    covered: np.ndarray
    outlying: np.ndarray


def balls(real: np.ndarray, fake: np.ndarray) -> Balls:
    """The two sets in each other's balls; a ball reaches to the point's k-th nearest neighbour in its own set.

    real: [N, F], fake: [M, F] float, N and M above 5.
    """
    centre = np.asarray(real, np.float64).mean(0)
    x, y = (np.ascontiguousarray(v - centre, np.float32) for v in (real, fake))
    real_radii, fake_radii = _squared_radii(x), _squared_radii(y)
    fake_inside, holders = np.zeros(len(y), bool), np.zeros(len(y), np.int64)
    real_inside, covered = np.empty(len(x), bool), np.empty(len(x), bool)
    outlying = np.full(len(y), np.inf, np.float32)
    for start in range(0, len(x), _BLOCK_ROWS):
        here = slice(start, start + _BLOCK_ROWS)
        squared = squared_distances(x[here], y)
        fake_inside |= (squared <= real_radii[here, :1]).any(0)
        within = squared <= real_radii[here, 1:]
        holders += within.sum(0)
        covered[here] = within.any(1)
        real_inside[here] = (squared <= fake_radii[:, 0]).any(1)
        squared /= np.maximum(real_radii[here, 1:], 1e-30)
        np.minimum(outlying, squared.min(0), out=outlying)
    return Balls(fake_inside, real_inside, holders, covered, np.sqrt(outlying))


def _squared_radii(points: np.ndarray) -> np.ndarray:
    """The squared distances to the 3rd and the 5th nearest other point: [N, 2]."""
    out = np.empty((len(points), 2), np.float32)
    for start in range(0, len(points), _BLOCK_ROWS):
        squared = squared_distances(points[start : start + _BLOCK_ROWS], points)
        own = np.arange(len(squared))
        squared[own, start + own] = np.inf
        kept = np.partition(squared, DENSITY_NEIGHBOURS - 1, axis=1)[:, :DENSITY_NEIGHBOURS]
        kept.sort(axis=1)
        out[start : start + len(kept)] = kept[:, [PRECISION_NEIGHBOURS - 1, DENSITY_NEIGHBOURS - 1]]
    return out


def too_few(real: np.ndarray, fake: np.ndarray) -> str | None:
    """Why `balls` cannot be asked, or None."""
    least = DENSITY_NEIGHBOURS + 1
    if min(len(real), len(fake)) < least:
        return f"{min(len(real), len(fake))} images are too few; {least} are the least"
    return None


def precision(found: Balls) -> Score:
    """Precision (Kynkaanniemi et al. 2019, eq. 2): the share of fakes in the ball of a real image (k = 3), best 1.

    Even real images lie outside now and then: compare with the ceiling, at equal numbers of images. The interval is
    the exact binomial one over fakes, the balls being held fixed.
    """
    return _share(found.fake_inside, PRECISION_NEIGHBOURS)


def recall(found: Balls) -> Score:
    """Recall (Kynkaanniemi et al. 2019, eq. 2): the share of real images in the ball of a fake (k = 3), best 1.

    Compare with the ceiling. One fake far from all others has a large ball that may hold much (Naeem et al. 2020):
    `coverage` has no such weakness. The interval is the exact binomial one over real images.
    """
    return _share(found.real_inside, PRECISION_NEIGHBOURS)


def density(found: Balls) -> Score:
    """Density (Naeem et al. 2020, eq. 3): how many real balls (k = 5) hold a fake, over 5; best 1.

    Above 1: the fakes keep to where real images are dense. The interval is a normal one over fakes.
    """
    details = {"neighbours": DENSITY_NEIGHBOURS, "pictures": len(found.holders)}
    return mean_score(found.holders / DENSITY_NEIGHBOURS, 1.0, details)


def coverage(found: Balls) -> Score:
    """Coverage (Naeem et al. 2020, eq. 4): the share of real images whose ball (k = 5) holds a fake, best 1.

    With as many fakes as real images perfect ones are expected at about 1 - 2^-5 = .97. The interval is the exact
    binomial one over real images.
    """
    return _share(found.covered, DENSITY_NEIGHBOURS)


def _share(hits: np.ndarray, neighbours: int) -> Score:
    details = {"neighbours": neighbours, "pictures": len(hits)}
    return share_score(int(hits.sum()), len(hits), 1.0, details, "pictures")
