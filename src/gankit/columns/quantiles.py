"""The quantile function of one number column, cut into cells: values to cell-and-position and back.

Knows one column of numbers; never torch, networks, or other columns.

A column is coded by its place on the mass axis [0, 1] of its training distribution. The axis is cut into cells of
about equal mass; a value that holds more than half a cell by itself (a zero, a cap, a small integer) is a cell of its
own, an *atom*. A coded value is `cell + position`, position in [0, 1): the whole part says which cell, the fraction
where in its mass. Coding and decoding keep the marginal of the training part; nothing but knots of the quantile
function is stored, so a continuous column's training values are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

MAX_DISCRETE_VALUES = 2000
"""Up to so many different values, repeated at least thrice on average, a column is drawn from its own values."""

MAX_OWN_CELLS = 160
"""Up to so many different values every value is a cell of its own, where there are rows enough to learn them."""

ROWS_PER_CELL = 20
"""Fewer training rows a cell than this invite memorisation, so that small tables get fewer cells."""

KNOTS_PER_CELL = 8
"""Knots of the quantile function inside one continuous cell."""

_ROUNDING = 1e-12  # a smaller share of a cell is none, but the rounding of its bounds
_BELOW_ONE = float(np.nextafter(1.0, 0.0)) - 1e-9


@dataclass(frozen=True)
class Cells:
    """The cells of a column.

    lowers, uppers: [K] float64, ascending, the smallest and the largest value of each cell.
    edges: [K + 1] float64, the mass at which each cell begins, from 0 to 1.
    knot_mass, knot_value: [M] float64, the quantile function; linear in between, flat on atoms.
    discrete: whether only the knots' own values occur (a step function) or all values in between as well.
    """

    lowers: np.ndarray
    uppers: np.ndarray
    edges: np.ndarray
    knot_mass: np.ndarray
    knot_value: np.ndarray
    discrete: bool

    @property
    def num_cells(self) -> int:
        """How many cells there are (at least one)."""
        return len(self.uppers)

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
        if len(values) <= MAX_OWN_CELLS and len(x) >= ROWS_PER_CELL * len(values):
            last = np.arange(len(values))
        else:
            last = _last_of_cells(counts, len(x) / min(max_cells, max(8, len(x) // ROWS_PER_CELL)))
        lowers, uppers = values[np.concatenate([[0], last[:-1] + 1])], values[last]
        edges = np.concatenate([[0.0], upper_mass[last]])
        if discrete:
            return cls(lowers, uppers, edges, upper_mass, values, True)
        return cls(lowers, uppers, edges, *_knots(values, counts, upper_mass, last), False)

    def encode(self, x: np.ndarray) -> np.ndarray:
        """Values [N] float64, finite, to `cell + position` [N] float64 in [0, num_cells).

        What lies outside the range goes to the first or last cell; a value with mass of its own to the middle of that.
        """
        cell = np.minimum(np.searchsorted(self.uppers, x, side="left"), self.num_cells - 1)
        middle = (self._mass(x, "left") + self._mass(x, "right")) / 2
        position = (middle - self.edges[cell]) / (self.edges[cell + 1] - self.edges[cell])
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

    def to_json(self) -> dict[str, Any]:
        """The cells as plain JSON values."""
        return {name: v if name == "discrete" else v.tolist() for name, v in vars(self).items()}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Cells:
        """The cells that `to_json` wrote."""
        arrays = {name: np.asarray(value[name], dtype=np.float64) for name in value if name != "discrete"}
        return cls(**arrays, discrete=bool(value["discrete"]))

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


def _knots(
    values: np.ndarray, counts: np.ndarray, upper_mass: np.ndarray, last: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The quantile function: both ends of each atom, and `KNOTS_PER_CELL` points of each continuous cell."""
    total, first = counts.sum(), 0
    mass: list[float] = []
    value: list[float] = []
    for end in last.tolist():
        lower = upper_mass[first] - counts[first] / total
        if end == first:
            mass += [float(lower), float(upper_mass[end])]
            value += [float(values[end])] * 2
        else:
            picks = np.unique(np.linspace(first, end, min(KNOTS_PER_CELL, end - first + 1)).round().astype(int))
            mass += [float(lower), *upper_mass[picks[1:]].tolist()]
            value += values[picks].tolist()
        first = end + 1
    return np.asarray(mass), np.asarray(value)
