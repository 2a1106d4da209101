"""The quantile function of one number column, cut into cells: values to cell-and-position and back.

Knows one column of numbers; never torch, networks, or other columns.

A column is coded by its place on the mass axis [0, 1] of its training distribution. The axis is cut into cells of
about equal mass; a value that holds more than half a cell by itself (a zero, a cap, a small integer), or that repeats
far from all others (9999-12-31), is a cell of its own, an *atom*. Nothing is made in a gap that is much wider than
those around it. A coded value is `cell + position`, position in [0, 1): the whole part says which cell, the fraction
where in its mass. Coding and decoding keep the marginal of the training part; nothing but knots of the quantile
function is stored, so a continuous column's training values are not, but for those alone beside a wide gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gankit.stored import Stored

Floats = npt.NDArray[np.float64]

MAX_DISCRETE_VALUES = 2000
"""Up to so many different values, repeated at least thrice on average, a column is drawn from its own values."""

MAX_OWN_CELLS = 160
"""Up to so many different values every value is a cell of its own, where there are rows enough to learn them."""

ROWS_PER_CELL = 20
"""Fewer training rows a cell than this invite memorisation, so that small tables get fewer cells."""

KNOTS_PER_CELL = 8
"""Knots of the quantile function inside one continuous cell."""

WITHIN, MOST_CUTS = 0.002, 64
"""The share of a column's variance that may lie inside its cells, and how many further cuts are made for it."""

FAR, VERY_FAR = 10.0, 100.0
"""Times the usual distance of its neighbours that a gap is wide beside a value that repeats, and beside any."""

PLACES, FEW_INSIDE = 16, 0.5
"""Places of a cell that are looked for in another grid; with a smaller share in its range ranks are matched."""

_MUCH = 4  # times as many rows as is usual
_REPEATED = 3  # rows that a cell of its own needs where it holds less than half a cell's mass
_WINDOW = 9  # gaps on either side whose median is the usual one
_ROUNDING = 1e-12  # a smaller share of a cell is none, but the rounding of its bounds
_BELOW_ONE = float(np.nextafter(1.0, 0.0)) - 1e-9


@dataclass(frozen=True)
class Cells(Stored):
    """The cells of a column.

    lowers, uppers: [K] float64, ascending, the smallest and the largest value of each cell.
    edges: [K + 1] float64, the mass at which each cell begins, from 0 to 1.
    knot_mass, knot_value: [M] float64, the quantile function; linear in between, flat on atoms.
    discrete: whether only the knots' own values occur (a step function) or all values in between as well.
    """

    lowers: Floats
    uppers: Floats
    edges: Floats
    knot_mass: Floats
    knot_value: Floats
    discrete: bool

    def __post_init__(self) -> None:
        cells, knots = self.lowers.shape, self.knot_value.shape
        if self.uppers.shape != cells or self.edges.shape != (cells[0] + 1,) or self.knot_mass.shape != knots:
            raise ValueError("its lists are not of one length")
        rising = (self.lowers, self.uppers, self.edges, self.knot_mass, self.knot_value)
        if not len(self.knot_value) or any((np.diff(x) < -_ROUNDING).any() for x in rising):
            raise ValueError("its numbers are not in order")

    @property
    def num_cells(self) -> int:
        """How many cells there are (at least one)."""
        return len(self.uppers)

    @property
    def widths(self) -> Floats:
        """What a density inside a cell is divided by, [K]: how many values it has, where only those of training occur;
        else how wide it is with the gap below it. 1 for a cell of one value.
        """
        if self.discrete:
            first = np.searchsorted(self.knot_value, self.lowers, side="left")
            return np.asarray(np.searchsorted(self.knot_value, self.uppers, side="right") - first, dtype=np.float64)
        below = np.concatenate([self.lowers[:1], self.uppers[:-1]])
        return np.where(self.lowers == self.uppers, 1.0, self.uppers - below)

    @classmethod
    def fit(cls, x: np.ndarray, max_cells: int = 128, discrete: bool | None = None) -> Cells:
        """The cells of the values `x`, [N] float64, finite, N >= 1.

        max_cells: about how many cells there are at the most; atoms may add up to as many again.
        discrete: whether only the values of `x` themselves may be drawn; None = found out.
        """
        values, counts = np.unique(x, return_counts=True)
        upper_mass = np.cumsum(counts) / len(x)
        if discrete is None:
            discrete = len(values) <= MAX_DISCRETE_VALUES and len(x) >= 3 * len(values)
        wide = _wide(values, VERY_FAR)
        if len(values) <= MAX_OWN_CELLS and len(x) >= ROWS_PER_CELL * len(values):
            last = np.arange(len(values))
        else:
            last = _last_of_cells(counts, len(x) / min(max_cells, max(8, len(x) // ROWS_PER_CELL)))
            last = _narrowed(_split(last, counts, values, wide), counts, values)
        lowers, uppers = values[np.concatenate([[0], last[:-1] + 1])], values[last]
        edges = np.concatenate([[0.0], upper_mass[last]])
        if discrete:
            return cls(lowers, uppers, edges, upper_mass, values, True)
        return cls(lowers, uppers, edges, *_knots(values, counts, upper_mass, last, wide), False)

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Values [N] float64, finite, to `cell + position` [N] float64 in [0, num_cells).

        What lies outside the range goes to the first or last cell; a value with mass of its own to the middle of that.
        """
        cell = np.minimum(np.searchsorted(self.uppers, x, side="left"), self.num_cells - 1)
        middle = (self._mass(x, "left") + self._mass(x, "right")) / 2
        position = (middle - self.edges[cell]) / (self.edges[cell + 1] - self.edges[cell])
        if not self.discrete:  # both sides of a gap inside a cell have one mass; the lower one is to come back
            at = np.searchsorted(self.knot_value, x, side="right").clip(1, len(self.knot_value) - 1)
            both = (self.knot_mass[at - 1] == middle) & (self.knot_mass[at] == middle)
            position = np.where(both & (self.knot_value[at - 1] == x) & (position < 1), position - 1e-9, position)
        coded: np.ndarray = cell + np.clip(position, 0.0, _BELOW_ONE)
        return coded

    def decode(self, coded: np.ndarray) -> np.ndarray:
        """`cell + position` [N] float64 in [0, num_cells) to values [N] float64 inside the range seen in training."""
        cell = np.clip(coded.astype(np.int64), 0, self.num_cells - 1)
        mass = self.edges[cell] + (coded - cell) * (self.edges[cell + 1] - self.edges[cell])
        if self.discrete:
            # Rounding must not carry a value over the border of its cell.
            first = np.searchsorted(self.knot_mass, self.edges[:-1], side="right")
            at = np.searchsorted(self.knot_mass, mass, side="right")
            last = np.searchsorted(self.knot_mass, self.edges[1:], side="left")
            values: np.ndarray = self.knot_value[np.clip(at, first[cell], last[cell])]
        else:
            between = np.interp(mass, self.knot_mass, self.knot_value)
            values = np.clip(between, self.lowers[cell], self.uppers[cell])
        return values

    def overlap(self, other: Cells) -> Floats:
        """Which share of each cell lies in which cell of another grid, [K, K'], rows of sum 1: where its values lie,
        or, where most lie outside the other's range (dates of another year), what has their ranks.
        """
        cell = np.repeat(np.arange(self.num_cells), PLACES)
        place = cell + np.tile((np.arange(PLACES) + 0.5) / PLACES, self.num_cells)
        values, mass = self.decode(place), np.interp(place, np.arange(len(self.edges)), self.edges)
        inside = (values >= other.lowers[0]) & (values <= other.uppers[-1])
        code = other.encode(values).astype(np.int64)
        if np.average(inside, weights=np.diff(self.edges)[cell]) < FEW_INSIDE:
            code = np.clip(np.searchsorted(other.edges, mass, side="right") - 1, 0, other.num_cells - 1)
        found = np.zeros((self.num_cells, other.num_cells))
        np.add.at(found, (cell, code), 1 / PLACES)
        return found

    def share(self, low: float, high: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Which part of each cell lies in [low, high]: weight [K] in [0, 1], the share of the cell's mass inside; and
        begin [K], end [K], the positions between which the inside lies (equal where nothing does).
        """
        bottom, top = self._mass(np.array([low]), "left")[0], self._mass(np.array([high]), "right")[0]
        width = np.diff(self.edges)
        begin = np.clip((bottom - self.edges[:-1]) / width, 0.0, 1.0)
        end = np.clip((top - self.edges[:-1]) / width, 0.0, 1.0)
        weight = np.where(end - begin > _ROUNDING, end - begin, 0.0)
        return weight, begin, np.maximum(end, begin)

    def _mass(self, x: np.ndarray, side: Literal["left", "right"]) -> np.ndarray:
        """P(X < x) with the side "left", P(X <= x) with "right"; they differ at a knot, which may end a flat piece."""
        at = np.searchsorted(self.knot_value, x, side=side)
        if self.discrete:
            return np.concatenate([[0.0], self.knot_mass])[at]
        last = len(self.knot_value) - 1
        before, after = np.clip(at - 1, 0, last), np.clip(at, 0, last)
        span = self.knot_value[after] - self.knot_value[before]
        part = np.divide(x - self.knot_value[before], span, out=np.zeros_like(x, dtype=np.float64), where=span > 0)
        mass = self.knot_mass[before] + np.clip(part, 0.0, 1.0) * (self.knot_mass[after] - self.knot_mass[before])
        exact = after if side == "left" else before
        mass = np.where(self.knot_value[exact] == x, self.knot_mass[exact], mass)
        return np.where(x < self.knot_value[0], 0.0, np.where(x > self.knot_value[-1], 1.0, mass))


def _wide(values: np.ndarray, times: float, beside: np.ndarray | None = None) -> np.ndarray:
    """Which gaps between ascending values [K] are `times` the usual ones on either side: [K - 1] bool.

    The usual one is the median of `_WINDOW` gaps, without the next one, which a lone value between two wide gaps has;
    on a side with fewer gaps, at an end, that of the other side. So the gaps of a tail that thins out are not wide.
    beside: [K] bool, the values whose gaps are asked for (all).
    """
    with np.errstate(over="ignore"):
        gaps = np.diff(values)
    wide = np.zeros(len(gaps), dtype=bool)
    if len(gaps) < _WINDOW + 2:
        return wide
    asked = gaps > times * np.median(gaps)
    at = np.flatnonzero(asked if beside is None else asked & (beside[:-1] | beside[1:]))
    windows = np.lib.stride_tricks.sliding_window_view(gaps, _WINDOW)
    usual = np.zeros(len(at))
    for first in (at - 1 - _WINDOW, at + 2):
        there = (first >= 0) & (first < len(windows))
        middle = np.partition(windows[first[there]], _WINDOW // 2, axis=1)[:, _WINDOW // 2]
        usual[there] = np.maximum(usual[there], middle)
    wide[at] = (gaps[at] > times * usual) & (usual > 0)
    return wide


def _last_of_cells(counts: np.ndarray, target: float) -> np.ndarray:
    """Index of the last value of each cell: heavy values alone, light ones gathered up to `target` counts."""
    heavy = counts >= max(target / 2, 2)
    last, gathered = [], 0
    for i, count in enumerate(counts.tolist()):
        if heavy[i] and gathered:
            last.append(i - 1)
        gathered += count
        if heavy[i] or gathered >= target:
            last.append(i)
            gathered = 0
    if gathered:
        last.append(len(counts) - 1)
    return np.asarray(last, dtype=np.int64)


def alone(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Which of the ascending values [K], in counts [K] rows, repeat far from their neighbours: [K] bool.

    The first and the last value need not be far where they repeat much more than is usual: they are caps.
    """
    often = counts >= _REPEATED
    gaps = np.concatenate([[True], _wide(values, FAR, often), [True]])
    found: np.ndarray = often & gaps[:-1] & gaps[1:]
    found[[0, -1]] |= counts[[0, -1]] >= max(_REPEATED, _MUCH * counts.mean())
    return found


def _split(last: np.ndarray, counts: np.ndarray, values: np.ndarray, wide: np.ndarray) -> np.ndarray:
    """The last values of cells, split around values that are alone, and at `wide` gaps with some rows of the cell on
    both sides.
    """
    places, rows = np.flatnonzero(alone(values, counts)), np.cumsum(counts)
    last = np.union1d(last, [*places, *(places[places > 0] - 1)]).astype(np.int64)
    for end in np.flatnonzero(wide).tolist():
        at = int(np.searchsorted(last, end))
        before = rows[end] - (rows[last[at - 1]] if at else 0)
        if min(before, rows[last[at]] - rows[end]) >= _REPEATED:
            last = np.insert(last, at, end)
    return last


def _narrowed(last: np.ndarray, counts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Further cuts of cells that values spread over: inside a cell a value is independent of all other columns, and
    where tails are heavy much of what columns have in common lies there.

    Cuts, each where it leaves the least variance, end where all cells together hold `WITHIN` of the column's variance,
    or none can be cut without one of fewer than `ROWS_PER_CELL` rows.
    """
    mass = np.concatenate([[0.0], np.cumsum(counts)])
    centred = values - np.average(values, weights=counts)
    centred = np.ldexp(centred, -int(np.frexp(np.abs(centred).max(initial=0.0))[1]))  # or squares end at infinity
    first, second = (np.concatenate([[0.0], np.cumsum(counts * centred**power)]) for power in (1, 2))

    def spread(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """Squares of what lies in values begin .. end - 1, about their mean."""
        many = np.maximum(mass[end] - mass[begin], 1.0)
        squares = second[end] - second[begin] - (first[end] - first[begin]) ** 2 / many
        return np.asarray(np.maximum(squares, 0.0))

    ends = [0, *(last + 1).tolist()]
    inside = [float(s) for s in spread(np.array(ends[:-1]), np.array(ends[1:]))]
    left = WITHIN * second[-1]
    for _ in range(MOST_CUTS):
        worst = int(np.argmax(inside))
        if sum(inside) <= left or inside[worst] <= 0:
            break
        begin, end = ends[worst], ends[worst + 1]
        at = np.arange(begin + 1, end)
        at = at[(mass[at] - mass[begin] >= ROWS_PER_CELL) & (mass[end] - mass[at] >= ROWS_PER_CELL)]
        if not len(at):
            inside[worst] = 0.0  # what cannot be mended does not count
            continue
        below, above = spread(np.full(len(at), begin), at), spread(at, np.full(len(at), end))
        best = int(np.argmin(below + above))
        ends.insert(worst + 1, int(at[best]))
        inside[worst : worst + 1] = [float(below[best]), float(above[best])]
    return np.asarray(ends[1:], dtype=np.int64) - 1


def _knots(
    values: np.ndarray, counts: np.ndarray, upper_mass: np.ndarray, last: np.ndarray, wide: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The quantile function: both ends of each atom, and `KNOTS_PER_CELL` points of each continuous stretch, a cell or
    what wide gaps part of one.
    """
    total, first = counts.sum(), 0
    mass: list[float] = []
    value: list[float] = []
    inside = np.setdiff1d(np.flatnonzero(wide), last)
    for end in np.union1d(last, inside).tolist():
        lower = upper_mass[first - 1] if first - 1 in inside else upper_mass[first] - counts[first] / total
        if end == first:
            mass += [float(lower), float(upper_mass[end])]
            value += [float(values[end])] * 2
        else:
            picks = np.unique(np.linspace(first, end, min(KNOTS_PER_CELL, end - first + 1)).round().astype(int))
            mass += [float(lower), *upper_mass[picks[1:]].tolist()]
            value += values[picks].tolist()
        first = end + 1
    return np.asarray(mass), np.asarray(value)
