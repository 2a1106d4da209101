"""Dynamic time warping: how far two series are apart when one may run a little ahead, and the nearest of many.

Knows columns of numbers without gaps; never what they mean or how they were made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BAND = 0.1
"""Steps may be matched with steps that are this share of the length away, and one step at least."""

_ROUND = 8  # candidates that are looked at together for each series
_PAIRS = 4096


def band_of(steps: int) -> int:
    """The steps by which one series may run ahead of another.

    >>> band_of(24), band_of(128), band_of(1)
    (2, 13, 0)
    """
    return 0 if steps < 2 else max(1, round(BAND * steps))


def warped(a: np.ndarray, b: np.ndarray, band: int) -> np.ndarray:
    """Distances of pairs by dynamic time warping (Sakoe & Chiba 1978): [P, T, D], [P, T, D] float -> [P] float64.

    The least sum, over all monotone matchings of steps that are at most `band` apart, of squared differences, over
    T D, and the root of that: without any warping, the root mean square difference.
    """
    steps, size = a.shape[1:]
    out = np.empty(len(a))
    for start in range(0, len(a), _PAIRS):
        x, y = (np.ascontiguousarray(v[start : start + _PAIRS].transpose(1, 2, 0)) for v in (a, b))  # [T, D, P]
        above: dict[int, np.ndarray] = {}
        infinite = np.full(x.shape[2], np.inf)
        for i in range(steps):
            here: dict[int, np.ndarray] = {}
            for j in range(max(0, i - band), min(steps, i + band + 1)):
                least = infinite
                for known in (above.get(j), above.get(j - 1), here.get(j - 1)):
                    if known is not None:
                        least = known if least is infinite else np.minimum(least, known)
                gap = x[i] - y[j]
                cost = np.einsum("dp,dp->p", gap, gap, dtype=np.float64)
                here[j] = cost if i == j == 0 else cost + least
            above = here
        out[start : start + _PAIRS] = above[steps - 1]
    return np.asarray(np.sqrt(out / (steps * size)))


@dataclass(frozen=True)
class Nearest:
    """The row of the nearest reference of each series, and its distance: [Q] int64, [Q] float64."""

    rows: np.ndarray
    distances: np.ndarray


class References:
    """Series among which the nearest to others are looked for, by `warped`.

    z: [M, T, D] float, M >= 1, without gaps.
    """

    def __init__(self, z: np.ndarray) -> None:
        self.z = np.asarray(z, np.float32)
        self.band = band_of(z.shape[1])
        self._low, self._high = self.z.copy(), self.z.copy()
        for k in range(1, self.band + 1):
            for bound, choose in ((self._low, np.minimum), (self._high, np.maximum)):
                choose(bound[:, k:], self.z[:, :-k], out=bound[:, k:])
                choose(bound[:, :-k], self.z[:, k:], out=bound[:, :-k])

    def __len__(self) -> int:
        return len(self.z)

    def nearest(self, z: np.ndarray) -> Nearest:
        """The nearest reference of each series [Q, T, D].

        Exact: a reference is left out only where the bound of Keogh (2002), its distance to the reference's envelope
        within the band, is no smaller than a distance that was found.
        """
        z = np.asarray(z, np.float32)
        bound = np.stack([self._bounds(one) for one in z]) if len(z) else np.empty((0, len(self)))
        order = np.argsort(bound, axis=1, kind="stable")
        sorted_bound = np.take_along_axis(bound, order, 1)
        best, rows = np.full(len(z), np.inf), np.zeros(len(z), np.int64)
        for start in range(0, len(self), _ROUND):
            part = slice(start, start + _ROUND)
            query, place = np.nonzero(sorted_bound[:, part] < best[:, None])
            if not len(query):
                break
            candidate = order[:, part][query, place]
            found = warped(z[query], self.z[candidate], self.band)
            for q, row, distance in zip(query.tolist(), candidate.tolist(), found.tolist(), strict=True):
                if distance < best[q]:
                    best[q], rows[q] = distance, row
        return Nearest(rows, best)

    def _bounds(self, one: np.ndarray) -> np.ndarray:
        """A lower bound of the distance of one series [T, D] to every reference: [M]."""
        over = np.maximum(one - self._high, self._low - one)
        np.maximum(over, 0, out=over)
        # A hair below: single precision must not rule out the nearest.
        return np.asarray(np.sqrt(np.einsum("mtd,mtd->m", over, over, dtype=np.float64) / one.size) * (1 - 1e-5) - 1e-9)
