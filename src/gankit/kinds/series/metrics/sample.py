"""A sample of series, its channels as columns of numbers on the scale of the training part, and copies among samples
(equal series, and near ones by dynamic time warping).

Knows plain arrays with names; never files, times or how series were made. A category becomes a column a level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

from gankit.errors import DataError
from gankit.kinds.series.records import bridged
from gankit.metrics.metric import Score, impossible
from gankit.metrics.nearness import closest_pairs, comparable, digests, nearer, nearness, repeats, three_sample

MOST_LEVELS = 12  # of a category that become columns, the most frequent ones
MOST_COLUMNS = 64  # that are looked at
MOST_FRAME_COLUMNS = 16  # in which copies are searched for
WHOLE = 512  # steps up to which a series is looked at whole
MOST_STEPS = 96  # of a series when copies are searched for; longer ones are averaged over boxes of steps
BAND = 0.1  # steps may be matched with steps that are this share of the length away, and one step at least

_BANDS, _FRAMES, _FLOOR = 16, 48, 1e-4  # of the power of long series
_ROUND = 8  # candidates that are looked at together for each series
_PAIRS = 4096  # that are warped together


@dataclass(frozen=True)
class SeriesSample:
    """Series of one form.

    x: [N, T, C] float64, NaN in gaps and behind a series' end; a category channel holds numbers of its levels.
    lengths: [N] int, at most T. names: of the channels. levels: of each category channel, by its name; the others are
    numbers. labels: [N] texts, numbers or None, the class that a series has or was asked for; None without classes.
    """

    x: np.ndarray
    lengths: np.ndarray
    names: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    labels: Sequence[Any] | np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.x.ndim != 3 or self.x.shape[1] < 1 or self.x.shape[2] != len(self.names):
            raise DataError(
                f"series: expected an array [N, T, {len(self.names)}], a channel a name. Got {list(self.x.shape)}."
            )
        if len(self.lengths) != len(self.x) or (self.labels is not None and len(self.labels) != len(self.x)):
            raise DataError(f"series: expected a length (and a label, if any) for each of {len(self.x)} series.")

    def __len__(self) -> int:
        return len(self.x)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The names of the number channels."""
        return tuple(name for name in self.names if name not in self.levels)

    def take(self, rows: np.ndarray) -> SeriesSample:
        """The series at these rows."""
        labels = None if self.labels is None else [self.labels[i] for i in rows]
        return replace(self, x=self.x[rows], lengths=self.lengths[rows], labels=labels)

    def inside(self) -> np.ndarray:
        """[N, T] bool: the steps before a series' end."""
        return np.asarray(np.arange(self.x.shape[1]) < self.lengths[:, None])


def aligned(*samples: SeriesSample) -> tuple[SeriesSample, ...]:
    """The samples with one list of levels for each category, and as many steps as the longest.

    Raises:
        DataError: a sample has other channels than the first.
    """
    first = samples[0]
    for other in samples[1:]:
        if other.names != first.names or set(other.levels) != set(first.levels):
            raise DataError(
                f"the series to compare have different channels: {', '.join(first.names)} and "
                f"{', '.join(other.names)}. Give series with the same channels of the same kinds."
            )
    steps = max(s.x.shape[1] for s in samples)
    levels = {name: tuple(dict.fromkeys(level for s in samples for level in s.levels[name])) for name in first.levels}
    return tuple(_recoded(s, levels, steps) for s in samples)


def _recoded(sample: SeriesSample, levels: Mapping[str, tuple[str, ...]], steps: int) -> SeriesSample:
    x = sample.x
    if x.shape[1] < steps:
        x = np.pad(x, ((0, 0), (0, steps - x.shape[1]), (0, 0)), constant_values=np.nan)
    for c, name in enumerate(sample.names):
        if name in levels and sample.levels[name] != levels[name][: len(sample.levels[name])]:
            table = np.array([levels[name].index(level) for level in sample.levels[name]] + [np.nan])
            x = x.copy() if x is sample.x else x
            x[:, :, c] = table[np.where(np.isnan(x[:, :, c]), len(table) - 1, x[:, :, c]).astype(np.int64)]
    return replace(sample, x=x, levels=dict(levels))


@dataclass(frozen=True)
class Columns:
    """How channels become columns of numbers.

    names: of the columns, for people; channels: the number of each column's channel; codes: of its level, -1 for a
    number; centre, width: mean and standard deviation of a number on the training part (0 and 1 for a level);
    low, high: its range on real series, on that scale. channel_names: of all channels.
    """

    names: tuple[str, ...]
    channels: tuple[int, ...]
    codes: tuple[int, ...]
    centre: np.ndarray
    width: np.ndarray
    low: np.ndarray
    high: np.ndarray
    channel_names: tuple[str, ...]

    @classmethod
    def fit(cls, train: SeriesSample, heldout: SeriesSample) -> Columns:
        """Columns for these samples: scaled by the training part, with ranges of both."""
        found: list[tuple[str, int, int]] = []
        for c, name in enumerate(train.names):
            if name not in train.levels:
                found.append((name, c, -1))
                continue
            known = train.x[:, :, c]
            counts = np.bincount(known[~np.isnan(known)].astype(np.int64), minlength=len(train.levels[name]))
            kept = np.sort(np.argsort(-counts, kind="stable")[:MOST_LEVELS]).tolist()
            found += [(f"{name} = {train.levels[name][k]}", c, k) for k in kept]
        found = found[:MOST_COLUMNS]
        size = len(found)
        centre, width = np.zeros(size), np.ones(size)
        for d, (_, c, code) in enumerate(found):
            known = train.x[:, :, c]
            known = known[np.isfinite(known)]
            if code < 0 and len(known):
                spread = float(known.std())
                # the rounding of a constant is no spread
                constant = spread <= 1e-12 * max(1.0, float(np.abs(known).max()))
                centre[d], width[d] = known.mean(), 1.0 if constant else spread
        names, channels, codes = (tuple(part) for part in zip(*found, strict=True)) if found else ((), (), ())
        low, high = np.full(size, np.inf), np.full(size, -np.inf)
        scaled = cls(names, channels, codes, centre, width, low, high, train.names)
        for sample in (train, heldout):
            z = scaled(sample).reshape(-1, size)
            present = np.isfinite(z)
            low = np.minimum(low, np.where(present, z, np.inf).min(0, initial=np.inf))
            high = np.maximum(high, np.where(present, z, -np.inf).max(0, initial=-np.inf))
        return replace(scaled, low=np.where(low <= high, low, 0.0), high=np.where(low <= high, high, 1.0))

    @property
    def numbers(self) -> np.ndarray:
        """The places of the columns of number channels."""
        return np.flatnonzero(np.array(self.codes) < 0)

    def __call__(self, sample: SeriesSample) -> np.ndarray:
        """[N, T, D] float32: the columns on the training part's scale; NaN in gaps and behind the end."""
        x = sample.x[:, :, list(self.channels)]
        out = (x - self.centre) / self.width
        for d, code in enumerate(self.codes):
            if code >= 0:
                out[:, :, d] = np.where(np.isnan(x[:, :, d]), np.nan, x[:, :, d] == code)
        return np.asarray(out.astype(np.float32))

    def back(self, z: np.ndarray, levels: Mapping[str, tuple[str, ...]]) -> np.ndarray:
        """Columns [N, T, D] as channels [N, T, C]: the likeliest level of a category; NaN for channels without one."""
        out = np.full((*z.shape[:2], len(self.channel_names)), np.nan)
        for c, name in enumerate(self.channel_names):
            mine = [d for d, channel in enumerate(self.channels) if channel == c]
            if name in levels and mine:
                found = np.array([self.codes[d] for d in mine], float)[np.argmax(z[:, :, mine], 2)]
                out[:, :, c] = np.where(np.isnan(z[:, :, mine[0]]), np.nan, found)
            elif mine:
                out[:, :, c] = z[:, :, mine[0]] * self.width[mine[0]] + self.centre[mine[0]]
        return out


def shrunk(z: np.ndarray, most: int) -> np.ndarray:
    """z [N, T, D] averaged over boxes of steps to at most `most` steps; what fills no box is left out."""
    box = -(-z.shape[1] // most)
    if box == 1:
        return z
    steps = max(1, z.shape[1] // box)
    return np.asarray(z[:, : steps * box].reshape(len(z), steps, min(box, z.shape[1]), z.shape[2]).mean(2))


def overlap(x: np.ndarray, most: int = 60) -> int:
    """How many rows on a series first shares no step with a series: 1 for series that stand for themselves.

    Windows cut from one series with a stride of s share their steps with the T / s - 1 windows that follow; rows like
    these say less than as many independent ones, and errors must be reckoned from runs of them.

    x: [N, T, C], windows in their order.
    """
    steps, some = x.shape[1], x[:most]
    if len(some) < 2:
        return 1
    for stride in range(1, steps):
        ahead, behind = some[:-1, stride:], some[1:, :-stride]
        same = ((ahead == behind) | (np.isnan(ahead) & np.isnan(behind))).all((1, 2))
        moved = ~np.isnan(ahead).all((1, 2)) & (np.ptp(np.nan_to_num(some[:-1]), axis=1) > 0).any(1)
        if (same & moved).mean() > 0.5:
            return int(-(-steps // stride))
    return 1


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
        for i in range(steps):
            here: dict[int, np.ndarray] = {}
            for j in range(max(0, i - band), min(steps, i + band + 1)):
                before = [side[k] for side, k in ((above, j), (above, j - 1), (here, j - 1)) if k in side]
                gap = x[i] - y[j]
                cost = np.einsum("dp,dp->p", gap, gap, dtype=np.float64)
                here[j] = cost + reduce(np.minimum, before) if before else cost
            above = here
        out[start : start + _PAIRS] = above[steps - 1]
    return np.asarray(np.sqrt(out / (steps * size)))


class Nearest(NamedTuple):
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


def copies_exact(train: SeriesSample, heldout: SeriesSample, fake: SeriesSample) -> Score:
    """The share of fakes that equal a training series in every cell, to the bit; best 0.

    Short series of few values are found again by chance: `details["heldout_share"]`, the same share of held-out series,
    is what honest fakes show. The interval is the exact binomial one.
    """
    sides = (train, heldout, fake)
    found = [digests(x[:n] for x, n in zip(comparable(s.x), s.lengths, strict=True)) for s in sides]
    return repeats(found[0], found[1], found[2], "series")


def searchable(z: np.ndarray) -> np.ndarray:
    """Series as they are looked for: gaps bridged, each column about its own mean, at most `MOST_STEPS` steps.

    Of more than `WHOLE` steps averages would leave nothing; they are looked for by the logarithm of the power of up to
    48 stretches in up to 16 bands of frequencies.

    z: [N, T, D] columns on one scale. Returns [N, T', D'] float32.
    """
    x = bridged(z[:, :, :MOST_FRAME_COLUMNS])
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
    train: References, heldout: References, fake: np.ndarray, known: References, usual: np.ndarray,
    runs: tuple[np.ndarray, np.ndarray],
) -> Score:  # fmt: skip
    """The share of fakes that lie closer to a training series than to any held-out one; best .5, the chance level.

    Distances are those of dynamic time warping between series about their own means. Needs as many training as
    held-out series, so that honest fakes are closer to either with chance 1/2; ties count half. The interval is that of
    `gankit.metrics.nearness.nearer_share`, over runs of series that share steps. details["three_sample"] is the test of
    Meehan et al. (2020): z of Mann & Whitney between the distances to the nearest training series of fakes and of
    held-out series (negative: fakes are closer), p one-sided for that. details["pairs"]: fakes much nearer to a
    training series than to a held-out one, by row numbers.

    known: the training series, `train` or more of them, among which the test and the pairs look. usual: [M] distances
    of held-out series, none of which share steps, to the nearest of these. runs: the run of each training and of each
    held-out series, [N] int from 0.
    """
    assert len(train) == len(heldout), "as many training as held-out series"
    count = max(int(r.max(initial=0)) + 1 for r in runs)
    if min(len(train), len(fake), len(usual), count) < 2:
        return impossible(0.5, "fewer than two series to compare distances with")
    members, others = train.nearest(fake), heldout.nearest(fake)
    nearest = members if known is train else known.nearest(fake)
    details = {
        "three_sample": three_sample(nearest.distances, usual),
        "distance": nearness(nearest.distances, others.distances, usual),
        "pairs": closest_pairs(nearest.distances, others.distances, nearest.rows),
    }
    a, b = runs[0][members.rows], runs[1][others.rows]
    return nearer(members.distances, others.distances, a, b, count, details)
