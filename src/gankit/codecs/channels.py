"""How single columns of series are coded: numbers on a common scale, categories, and scales of a record's own.

Knows parsed columns; never where records begin and end, torch or networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gankit.data.schema import Values

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MAX_LEVELS = 256
"""Above so many levels the rare ones of a category share the last cell, which decodes to the most frequent of them."""

HEAVY = 10.0
"""A channel of which some number is further than so many standard deviations from the mean is coded by its asinh."""


ROUGH = 0.05
"""A channel is rough where its two last steps leave more of the variance of the next one open than that."""

MOST_KNOTS = 256
"""Knots of the scale of a rough channel, at most."""

OFTEN = 0.02
"""A smallest or largest number that stands in so large a share of the steps is where the scale of the others ends."""

OFTEN_ENOUGH = 10
"""Numbers that stand in so many steps on average are all that there are."""

LARGEST_SCORE, CLOSEST = 4.0, 1e-3
"""Normal scores are cut to the first; points of the scale are apart by the second, about."""


@dataclass(frozen=True)
class Channel:
    """How the numbers of one column are coded: y = (f(x - centre) - mean) / deviation.

    f(v) = v, or asinh(v / bend) where `bend` > 0: nearly straight up to the bend and logarithmic beyond, for heavy
    tails. With `knots` it is f(x) in its place, a line through points (number, score): the normal scores of the ranks,
    for rough channels. Of noise the distribution is nearly all there is to learn, and normal noise is there from the
    start (`networks/principal.py`); a smooth channel would lose its straightness. With `only_knots` no other numbers
    are made than those of the knots: of few different ones that all stand in many steps, others would give a fake away.

    name: of the column.
    low, high: the range of training, to which decoded numbers are cut.
    num_markers: cells of the block that says what is missing, less one; 0 = there is no such block.
    """

    name: str
    low: float
    high: float
    centre: float
    bend: float
    mean: float
    deviation: float
    num_markers: int
    knots: tuple[tuple[float, float], ...] = ()
    only_knots: bool = False

    @classmethod
    def fit(cls, name: str, x: Floats, num_markers: int, rough: bool = False) -> Channel:
        """The coding for training numbers x [M], NaN where missing."""
        x = x[np.isfinite(x)]
        if not len(x):
            return cls(name, np.nan, np.nan, 0.0, 0.0, 0.0, 1.0, num_markers)
        if rough and len(knots := _knots(x)) > 1:
            scores = np.interp(x, *np.transpose(knots))
            low, high, mean, deviation = map(float, (x.min(), x.max(), scores.mean(), scores.std()))
            few = np.isin(x, [value for value, _ in knots]).all() and len(x) >= OFTEN_ENOUGH * len(knots)
            return cls(name, low, high, 0.0, 0.0, mean, deviation, num_markers, knots, bool(few))
        centre = float(np.median(x))
        moved = x - centre
        deviation, bend = float(moved.std()), 0.0
        if deviation > 0 and np.abs(moved - moved.mean()).max() > HEAVY * deviation:
            middle = float(np.subtract(*np.quantile(moved, [0.75, 0.25])))
            bend = middle / 1.35 or deviation
            moved = np.arcsinh(moved / bend)
            deviation = float(moved.std())
        low, high = float(x.min()), float(x.max())
        if not deviation > 0 or low == high:
            return cls(name, low, high, centre, 0.0, 0.0, 1.0, num_markers)
        return cls(name, low, high, centre, bend, float(moved.mean()), deviation, num_markers)

    def encode(self, x: Floats) -> Floats:
        """Numbers to the common scale; those outside the range of training go to its ends."""
        if np.isnan(self.low):
            return np.zeros_like(x)
        moved = np.clip(x, self.low, self.high) - self.centre
        if self.knots:
            moved = np.interp(moved, *np.transpose(self.knots))
        moved = np.arcsinh(moved / self.bend) if self.bend else moved
        return (moved - self.mean) / self.deviation

    def decode(self, y: Floats) -> Floats:
        """Back, cut to the range of training."""
        moved = y * self.deviation + self.mean
        if self.knots:
            values, scores = np.transpose(self.knots)
            if self.only_knots:
                nearest: Floats = values[np.searchsorted((scores[1:] + scores[:-1]) / 2, moved)]
                return nearest
            made: Floats = np.interp(moved, scores, values)
            return made
        # beyond the range sinh would overflow
        moved = self.bend * np.sinh(np.clip(moved, -700, 700)) if self.bend else moved
        found: Floats = np.clip(moved + self.centre, self.low, self.high)
        return found


def _knots(x: Floats) -> tuple[tuple[float, float], ...]:
    """Points (number, normal score of its rank) of rising numbers and scores for x [M], none of them missing.

    A number that stands in several steps has the score of their middle rank; the smallest and the largest one, where
    they are frequent, that of the rank next to the others, so that what is made beyond falls on them.
    """
    from scipy.special import ndtri

    values, counts = np.unique(x, return_counts=True)
    ends = np.cumsum(counts) / len(x)
    ranks = ends - counts / (2 * len(x))
    if counts[0] > OFTEN * len(x):
        ranks[0] = ends[0]
    if counts[-1] > OFTEN * len(x):
        ranks[-1] = ends[-1] - counts[-1] / len(x)
    scores = np.clip(ndtri(ranks), -LARGEST_SCORE, LARGEST_SCORE)
    if len(values) > MOST_KNOTS:
        wanted = np.searchsorted(ranks, np.linspace(0, 1, MOST_KNOTS))
        kept = np.unique([0, *np.minimum(wanted, len(values) - 1), len(values) - 1])
        values, scores = values[kept], scores[kept]
    # points closer than that would not be told apart in float32
    apart = np.unique(np.floor(scores / CLOSEST), return_index=True)[1]
    apart[-1] = len(values) - 1
    return tuple(zip(values[apart].tolist(), scores[apart].tolist(), strict=True))


def is_rough(x: Floats) -> bool:
    """Whether the next step of a channel is open, given two: x [n, T] of n records, NaN where missing.

    By least squares over all records, x[t] on 1, x[t - 1] and x[t - 2].
    """
    if x.shape[1] < 3:
        return False
    after, last, before = x[:, 2:].ravel(), x[:, 1:-1].ravel(), x[:, :-2].ravel()
    known = np.isfinite(after) & np.isfinite(last) & np.isfinite(before)
    if known.sum() < 10 or not after[known].std() > 0:
        return False
    given = np.stack([np.ones(int(known.sum())), last[known], before[known]], 1)
    left = after[known] - given @ np.linalg.lstsq(given, after[known], rcond=None)[0]
    return bool(left.var() > ROUGH * after[known].var())


@dataclass(frozen=True)
class Level:
    """How one category is coded: cells for its levels and, in their order, for its missing markers.

    cells: [levels] the cell of each level. levels: [K] the level that each cell decodes to.
    """

    name: str
    cells: tuple[int, ...]
    levels: tuple[int, ...]
    num_markers: int

    @classmethod
    def fit(cls, name: str, codes: Integers, num_markers: int) -> Level:
        """The cells for training codes [M], -1 where missing: one for each level that occurs."""
        counts = np.bincount(codes[codes >= 0])
        order = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
        cells = np.zeros(len(counts), dtype=np.int64)
        cells[order] = np.minimum(np.arange(len(order)), MAX_LEVELS - 1)
        return cls(name, tuple(cells.tolist()), tuple(order[:MAX_LEVELS].tolist()), num_markers)

    @property
    def size(self) -> int:
        """All cells (at least one)."""
        return max(1, len(self.levels) + self.num_markers)

    def encode(self, values: Values) -> Integers:
        """Cells [M]; a level that training did not show goes to the most frequent one, as does an unknown gap."""
        codes, missing = values.data.astype(np.int64), values.missing.astype(np.int64)
        known = (codes >= 0) & (codes < len(self.cells))
        cells = np.where(known, np.asarray([*self.cells, 0])[np.where(known, codes, -1)], 0)
        marked = np.minimum(missing, self.num_markers)
        return np.where(marked > 0, len(self.levels) + marked - 1, cells)

    def decode(self, cells: Integers) -> Values:
        """Values of cells [M]."""
        missing = np.maximum(cells - len(self.levels) + 1, 0) if self.num_markers else np.zeros_like(cells)
        codes = np.asarray([*self.levels, -1])[np.where(missing > 0, -1, np.minimum(cells, len(self.levels)))]
        return Values(codes.astype(np.int32), missing.astype(np.int8))


@dataclass(frozen=True)
class RecordScale:
    """The scales that a channel's records have of their own, as two further channels that are constant in time.

    With a record's middle m = (max + min) / 2 and half-range h = (max - min) / 2 (Lin et al. 2020,
    DoppelGANger), the channel is (x - m) / h in [-1, 1], and m and log h, on the common scale, stand beside it.
    Decoding takes their mean over time.

    middle, width: the coding of m and of log h.
    least: what h is at least taken for.
    """

    middle: Channel
    width: Channel
    least: float


def plain(value: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: the range of a channel that is always missing is None."""
    return {
        k: plain(v) if isinstance(v, dict) else None if isinstance(v, float) and np.isnan(v) else v
        for k, v in value.items()
    }


def channel_of(value: dict[str, Any]) -> Channel:
    """The coding that `plain` wrote."""
    knots = tuple((v, score) for v, score in value.get("knots", ()))
    return Channel(**{**value, "knots": knots, **{k: np.nan for k in ("low", "high") if value[k] is None}})
