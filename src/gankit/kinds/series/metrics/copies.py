"""Copies among series: do the fakes repeat training series, exactly or nearly, by dynamic time warping?

Knows training series, held-out series and fakes; never how the fakes were made. What this proves and what not is said
in `gankit.metrics.copies`: copies that are found prove copying, none found prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit.kinds.series.metrics.sample import SeriesSample, bridged, shrunk
from gankit.kinds.series.metrics.sums import WHOLE
from gankit.metrics.nearness import closest_pairs, comparable, digests, nearer, nearness, repeats, three_sample
from gankit.metrics.score import Score, impossible

MOST_STEPS = 96
"""Steps of a series when it is looked for; longer ones are averaged over boxes of steps."""

MOST_COLUMNS = 16

_BANDS, _FRAMES = 16, 48
_FLOOR = 1e-4

BAND = 0.1
"""Steps may be matched with steps that are this share of the length away, and one step at least."""

_ROUND = 8  # candidates that are looked at together for each series
_PAIRS = 4096


# --- dynamic time warping ---------------------------------------------------------------------------------------------


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


# --- copies -----------------------------------------------------------------------------------------------------------


def copies_exact(train: SeriesSample, heldout: SeriesSample, fake: SeriesSample) -> Score:
    """The share of fakes that equal a training series in every cell, to the bit; best 0.

    Short series of few values are found again by chance: `details["heldout_share"]`, the same share of held-out series,
    is what honest fakes show. The interval is the exact binomial one.
    """
    return repeats(_digests(train), _digests(heldout), _digests(fake), "series")


def _digests(sample: SeriesSample) -> list[bytes]:
    return digests(x[:n] for x, n in zip(comparable(sample.x), sample.lengths, strict=True))


def searchable(z: np.ndarray) -> np.ndarray:
    """Series as they are looked for: gaps bridged, each column about its own mean, at most `MOST_STEPS` steps.

    Of more than `WHOLE` steps averages would leave nothing; they are looked for by the logarithm of the power of up to
    48 stretches in up to 16 bands of frequencies.

    z: [N, T, D] columns on one scale. Returns [N, T', D'] float32.
    """
    x = bridged(z[:, :, :MOST_COLUMNS])
    if z.shape[1] > WHOLE:
        return frames(x)
    x = shrunk(x, MOST_STEPS)
    return np.asarray((x - x.mean(1, keepdims=True)).astype(np.float32))


def frames(x: np.ndarray) -> np.ndarray:
    """Log power of stretches of series: x [N, T, D] without gaps -> [N, frames, bands * D] float32."""
    size = max(32, x.shape[1] // _FRAMES)
    count = x.shape[1] // size
    window = np.hanning(size)[:, None]
    edges = np.unique(np.geomspace(1, size // 2 + 1, _BANDS + 1).round().astype(int))
    out = np.empty((len(x), count, len(edges) - 1, x.shape[2]), np.float32)
    for start in range(0, len(x), 64):
        part = x[start : start + 64, : count * size].reshape(-1, size, x.shape[2])
        power = np.abs(np.fft.rfft((part - part.mean(1, keepdims=True)) * window, axis=1)) ** 2 / (window**2).sum()
        banded = np.add.reduceat(power, edges[:-1], axis=1) / np.diff(edges)[:, None]
        out[start : start + 64] = np.log(banded + _FLOOR).reshape(-1, count, len(edges) - 1, x.shape[2])
    return out.reshape(len(x), count, -1)


def copies_near(
    train: References,
    heldout: References,
    fake: np.ndarray,
    known: References,
    usual: np.ndarray,
    runs: tuple[np.ndarray, np.ndarray] | None = None,
) -> Score:
    """The share of fakes that lie closer to a training series than to any held-out one; best .5, the chance level.

    Distances are those of dynamic time warping between series about their own means. Needs as many training as
    held-out series, so that honest fakes are closer to either with chance 1/2; ties count half. The interval is that of
    `gankit.metrics.nearness.nearer_share`, over runs of series that share steps. details["three_sample"] is the test of
    Meehan et al. (2020): z of Mann & Whitney between the distances to the nearest training series of fakes and of
    held-out series (negative: fakes are closer), p one-sided for that. details["pairs"]: fakes much nearer to a
    training series than to a held-out one, by row numbers.

    known: the training series, `train` or more of them, among which the test and the pairs look. usual: [M] distances
    of held-out series, none of which share steps, to the nearest of these. runs: the run of each training and of each
    held-out series, [N] int from 0; each for itself where None.
    """
    assert len(train) == len(heldout), "as many training as held-out series"
    count = len(train) if runs is None else max(int(r.max(initial=0)) + 1 for r in runs)
    if min(len(train), len(fake), len(usual), count) < 2:
        return impossible(0.5, "fewer than two series to compare distances with")
    members, others = train.nearest(fake), heldout.nearest(fake)
    nearest = members if known is train else known.nearest(fake)
    details = {
        "three_sample": three_sample(nearest.distances, usual),
        "distance": nearness(nearest.distances, others.distances, usual),
        "pairs": closest_pairs(nearest.distances, others.distances, nearest.rows),
    }
    a, b = (members.rows, others.rows) if runs is None else (runs[0][members.rows], runs[1][others.rows])
    return nearer(members.distances, others.distances, a, b, count, details)
