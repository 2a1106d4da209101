"""Group-by answers (all 1-, 2- and 3-way groupings of few cells a column are counted) and coverage (do the fakes reach
all that is real, rare levels too, and stay within it).

Knows two samples; never how a sample was made.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property, wraps
from itertools import combinations
from typing import Any

import numpy as np

from gankit.kinds.tables.metrics.distributions import Cells, cut
from gankit.kinds.tables.metrics.neighbours import Points, Space, nearest
from gankit.kinds.tables.metrics.sample import Sample
from gankit.metrics.metric import Z95, Score, around, impossible, mean_score, resampled_counts, share_score
from gankit.randomness import key, numpy_generator

Grouping = tuple[int, ...]
Codes = Sequence[Sequence[np.ndarray]]  # of both sides, a column each: [N] int64
_Cell = tuple[float, int, tuple[tuple[int, int], ...], int, int, float]  # -|z|, order, (column, cell)s, counts, z

_LEVEL = 0.05  # whose two-sided point of the standard normal is Z95
_NUM_WORST = 20
_KEPT_CELLS = 400
_INTERVAL_SETS = 30
_RARE_SHARE, _RARE_COUNT = 0.01, 5
_MAX_MISSED = 20
_MAX_ROWS = 3000
_NEIGHBOURS = 5
_REPLICATES = 20
_GRID = np.linspace(0, 1, 31)


def cube(
    real: Sample, fake: Sample, *, seed: int = 0, num_bins: int = 8, num_levels: int = 8, max_sets: int = 600
) -> Score:
    """How alike all 1-, 2- and 3-way groupings are: 1 - the mean total variation, averaged over the orders, best 1.

    Numbers are cut into `num_bins` quantile bins of the real rows, categories into their `num_levels` most frequent
    levels and the rest, missing is a cell of its own. Of an order with more than `max_sets` groupings a seeded choice
    of that many is taken (`details["sampled"]`).

    Sampling error is that of a two-proportion z test at level 5%: about 95% of the cells are within it for perfect
    fakes. The worst cells by |z| are listed without those that only narrow down or widen a listed one; `notable` ones
    chance alone would not show among so many (Bonferroni at 5%). The interval is a normal one from 20 bootstraps of the
    rows over a seeded choice of 30 groupings an order.
    """
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    start = time.perf_counter()
    generator = numpy_generator(seed, "metrics/cube")
    names, cells = real.names, [cut(real, name, num_bins, num_levels) for name in real.names]
    sizes = [c.num_cells for c in cells]
    codes = [[c.codes(s.columns[n]) for n, c in zip(names, cells, strict=True)] for s in (real, fake)]
    chosen = {order: _groupings(len(cells), order, max_sets, generator) for order in range(1, min(3, len(cells)) + 1)}
    orders: list[dict[str, Any]] = []
    sets: list[dict[str, Any]] = []
    found: list[_Cell] = []
    for order, groupings in chosen.items():
        tables = [_table(codes, sizes, g) for g in groupings]
        a, b = np.concatenate(tables, 1)  # every cell of every grouping
        z = two_proportion_z(a, b, real.num_rows, fake.num_rows)
        begins = np.cumsum([0] + [t.shape[1] for t in tables[:-1]])
        # Summed in whole numbers, so that groupings that are equally far apart are so to the bit.
        gaps = np.add.reduceat(np.abs(a * fake.num_rows - b * real.num_rows), begins)
        tv = gaps / (2 * real.num_rows * fake.num_rows)
        sets += [{"columns": [names[i] for i in g], "tv": float(t)} for g, t in zip(groupings, tv, strict=True)]
        there = a + b > 0
        orders.append(
            {
                "order": order,
                "sets": len(groupings),
                "sets_possible": math.comb(len(cells), order),
                "cells": int(there.sum()),
                "tv_mean": float(tv.mean()),
                "tv_max": float(tv.max()),
                "within": float((np.abs(z[there]) <= Z95).mean()),
                "within_expected": 1 - _LEVEL,
            }
        )
        for k in np.argsort(-np.abs(z), kind="stable")[:_KEPT_CELLS]:
            at = int(np.searchsorted(begins, k, side="right")) - 1
            place = np.unravel_index(k - begins[at], [sizes[i] for i in groupings[at]])
            terms = tuple(zip(groupings[at], (int(c) for c in place), strict=True))
            found.append((-abs(float(z[k])), order, terms, int(a[k]), int(b[k]), float(z[k])))
    value = 1 - float(np.mean([o["tv_mean"] for o in orders]))
    details = {
        "orders": orders,
        "worst_sets": sorted(sets, key=lambda s: -float(s["tv"]))[:_NUM_WORST],
        "worst_cells": _worst_cells(found, sum(o["cells"] for o in orders), real, fake, cells),
        "level": _LEVEL,
        "sampled": any(o["sets"] < o["sets_possible"] for o in orders),
        "seconds": time.perf_counter() - start,
    }
    return Score(value, *around(value, _replicates(codes, sizes, chosen, generator)), 1.0, details)


def two_proportion_z(a: np.ndarray, b: np.ndarray, n: int, m: int) -> np.ndarray:
    """The pooled z of two counts a of n and b of m: (b/m - a/n) / sqrt(p (1 - p) (1/n + 1/m)), 0 where p is 1.

    a, b: [K] counts; p = (a + b) / (n + m). Positive: there are too many in b.
    """
    pooled = (a + b) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return np.asarray(np.divide(b / m - a / n, error, out=np.zeros(len(a)), where=error > 0))


def _places(codes: Sequence[np.ndarray], sizes: Sequence[int], grouping: Grouping) -> np.ndarray:
    """Each row's cell in the table over the columns `grouping`: codes C times [N] -> [N] int64."""
    out = codes[grouping[0]]
    for i in grouping[1:]:
        out = out * sizes[i] + codes[i]
    return out


def _table(codes: Codes, sizes: Sequence[int], grouping: Grouping) -> np.ndarray:
    """How many rows of each side a cell has, empty cells among them: [2, cells] int64."""
    size = math.prod(sizes[i] for i in grouping)
    return np.stack([np.bincount(_places(side, sizes, grouping), minlength=size) for side in codes])


def _worst_cells(
    found: list[_Cell], num_cells: int, real: Sample, fake: Sample, cells: Sequence[Cells]
) -> list[dict[str, Any]]:
    """The worst that say something new, in words, fewer terms first where |z| is equal; none within sampling error."""
    from scipy.stats import norm

    notable = float(norm.isf(_LEVEL / 2 / max(num_cells, 1)))  # Bonferroni: the largest of so many
    out: list[dict[str, Any]] = []
    listed: list[set[tuple[int, int]]] = []
    for _, _, terms, a, b, z in sorted(found)[:_KEPT_CELLS]:
        mine = set(terms)
        if abs(z) <= Z95 or len(out) == _NUM_WORST or any(t <= mine or mine <= t for t in listed):
            continue
        listed.append(mine)
        out.append(
            {
                "terms": [{"column": real.names[i], "value": cells[i].names[c]} for i, c in terms],
                "text": " and ".join(_term(real.names[i], cells[i], c) for i, c in terms),
                "real": a / real.num_rows,
                "fake": b / fake.num_rows,
                "z": z,
                "notable": abs(z) > notable,
            }
        )
    return out


def _term(column: str, cells: Cells, cell: int) -> str:
    text = cells.names[cell]
    if cells.cuts is None or text.startswith("(missing") or text == "(any)":
        return f"{column} = {text}"
    return f"{column} {'in ' if text.startswith('(') else ''}{text}"


def _groupings(num_columns: int, order: int, max_sets: int, generator: np.random.Generator) -> list[Grouping]:
    if math.comb(num_columns, order) <= max_sets:
        return list(combinations(range(num_columns), order))
    found: set[Grouping] = set()
    while len(found) < max_sets:
        found.add(tuple(sorted(generator.choice(num_columns, order, replace=False).tolist())))
    return sorted(found)


def _replicates(
    codes: Codes, sizes: Sequence[int], chosen: dict[int, list[Grouping]], generator: np.random.Generator
) -> np.ndarray:
    """The value over a few groupings of each order, for each bootstrap of the rows: [replicates]."""
    counts = [resampled_counts(len(c[0]), _REPLICATES, generator) / len(c[0]) for c in codes]
    out = np.zeros(_REPLICATES)
    for groupings in chosen.values():
        few = generator.choice(len(groupings), min(_INTERVAL_SETS, len(groupings)), replace=False)
        for grouping in (groupings[k] for k in few):
            places, size = [_places(side, sizes, grouping) for side in codes], math.prod(sizes[i] for i in grouping)
            for r in range(_REPLICATES):
                left, right = (np.bincount(p, c[r], size) for p, c in zip(places, counts, strict=True))
                out[r] += float(np.abs(left - right).sum() / 2) / (len(few) * len(chosen))
    return 1 - out


def rare_categories(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """Rare levels among the fakes: found, over the number expected in as many real rows; cut to 1, best 1.

    Rare are levels below 1% of the real rows or with fewer than 5 of them. A level of share p is expected among m rows
    with chance 1 - (1 - p)^m. Deterministic; `seed` is not used. The interval is a normal one from the spread of that
    sum, the chances being taken as independent: that of a fresh real sample, moved to the value.
    """
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    columns: list[dict[str, Any]] = []
    missed: list[dict[str, Any]] = []
    found = possible = 0
    expected = variance = 0.0
    for name in real.categories:
        sides = real.columns[name], fake.columns[name]
        counts, fakes = (np.bincount(v[v >= 0], minlength=len(real.levels[name])) for v in sides)
        rare = np.flatnonzero((counts > 0) & ((counts < _RARE_SHARE * real.num_rows) | (counts < _RARE_COUNT)))
        if not len(rare):
            continue
        chance = 1 - (1 - counts[rare] / real.num_rows) ** fake.num_rows
        hits = fakes[rare] > 0
        columns.append({"column": name, "rare": len(rare), "found": int(hits.sum()), "expected": float(chance.sum())})
        missed += [{"column": name, "level": real.levels[name][k], "real_rows": int(counts[k])} for k in rare[~hits]]
        found, possible = found + int(hits.sum()), possible + len(rare)
        expected, variance = expected + float(chance.sum()), variance + float((chance * (1 - chance)).sum())
    if not possible:
        return impossible(1.0, "no category has a rare level")
    value, half = min(1.0, found / expected), Z95 * math.sqrt(variance) / expected
    missed.sort(key=lambda m: -int(m["real_rows"]))
    columns.sort(key=lambda c: float(c["found"]) / float(c["expected"]))
    sums = {"found": found, "expected": expected, "possible": possible, "share": found / possible}
    details = {**sums, "per_column": columns, "missed": missed[:_MAX_MISSED]}
    return Score(value, max(0.0, value - half), min(1.0, value + half), 1.0, details)


@dataclass(frozen=True)
class _Real:
    """Real rows in their own space, and what is known of them whatever they are compared with.

    generator: after they were drawn.
    """

    space: Space
    points: Points
    generator: np.random.Generator

    @cached_property
    def nearest_other(self) -> np.ndarray:
        """The distance of each row to the nearest other one: [N]."""
        return nearest(self.points, self.points, same=True)[0][:, 0]

    @cached_property
    def in_float64(self) -> tuple[np.ndarray, np.ndarray]:
        """The points [N, D] and their squared norms [N].

        In float64: the balls of a single column are so small that the noise of float32 would fill them.
        """
        points = self.points.euclid.astype(np.float64)
        return points, np.einsum("nd,nd->n", points, points)

    @cached_property
    def squared_radius(self) -> np.ndarray:
        """The squared distance to the 5th nearest other row: [N, 1]."""
        points, norms = self.in_float64
        own = norms[:, None] + norms - 2 * points @ points.T
        np.fill_diagonal(own, np.inf)
        radius = np.partition(own, _NEIGHBOURS - 1, axis=1)[:, _NEIGHBOURS - 1]
        return np.asarray(np.maximum(radius, 0)[:, None])


@dataclass(frozen=True)
class _Both:
    """Equally many real rows and fakes in the space of the real rows."""

    real: _Real
    fake: Points

    @cached_property
    def inside(self) -> np.ndarray:
        """Whether fake j lies in the ball of real row i, which reaches to its 5th nearest neighbour: [N, M] bool."""
        points, norms = self.real.in_float64
        others = self.fake.euclid.astype(np.float64)
        cross = norms[:, None] + np.einsum("nd,nd->n", others, others) - 2 * points @ others.T
        return np.asarray(cross <= self.real.squared_radius + 1e-12)  # noise about equal rows


def _place_real(real: Sample, rows: int, seed: int) -> _Real:
    generator = numpy_generator(seed, "metrics/coverage")
    space = Space(real, key(seed, "metrics/coverage/space"))
    return _Real(space, space.place(real.subsample(rows, generator)), generator)


def _place_both(fake: Sample, real: Sample, rows: int, seed: int) -> _Both:
    placed = real.once(_place_real, rows, seed)
    return _Both(placed, placed.space.place(fake.subsample(rows, deepcopy(placed.generator))))


def _of_points(function: Callable[[_Both, int], Score]) -> Callable[..., Score]:
    """A metric of samples from one of points: at most 3,000 rows of each side in the space of the real rows."""

    @wraps(function)
    def score(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
        rows = min(real.num_rows, fake.num_rows, _MAX_ROWS)
        if rows <= _NEIGHBOURS:
            return impossible(1.0, f"{rows} rows are too few; {_NEIGHBOURS + 1} are the least")
        return function(fake.once(_place_both, real, rows, seed), seed)

    return score


@_of_points
def precision(both: _Both, seed: int) -> Score:
    """Alpha-precision (Alaa et al. 2022): do the fakes fill the real bulk as the real rows do? In [0, 1], best 1.

    The ball about the real centre that holds a share alpha of the real rows should hold a share alpha of the fakes:
    1 - 2 * integral |inside(alpha) - alpha|. Departure from the paper: the space is the fixed one of
    `neighbours.Space` (Euclidean part), not a learned one-class embedding. At most 3,000 rows of each side. The
    interval is a normal one from 20 bootstraps of the distances, the centre held fixed.
    """
    real = both.real.points
    centre = real.euclid.mean(0)
    radius, distance = (np.linalg.norm(p.euclid - centre, axis=1) for p in (real, both.fake))
    generator = numpy_generator(seed, "metrics/precision/interval")
    again = [_integrated(_curve(d, r)) for r, d in _resampled((radius, distance), generator)]
    return _curve_score(_curve(distance, radius), again, len(real), ("alpha", "inside"))


@_of_points
def recall(both: _Both, seed: int) -> Score:
    """Beta-recall (Alaa et al. 2022): how much of the real rows do the fakes reach? In [0, 1], best 1.

    A real row is reached at level beta if the nearest fake is no farther than the nearest other real row and lies in
    the ball about the fakes' centre that holds a share beta of them: 1 - 2 * integral |covered(beta) - beta|. As half
    the real rows have a real row nearer than any fake, even perfect fakes stay near .5: compare with the ceiling. Same
    space, rows and kind of interval as in `precision`.
    """
    real, fake = both.real.points, both.fake
    distance, index = nearest(real, fake)
    reached = distance[:, 0] <= both.real.nearest_other
    radius = np.linalg.norm(fake.euclid - fake.euclid.mean(0), axis=1)
    needed = np.where(reached, radius[index[:, 0]], np.inf)  # the ball that reaches each real row
    generator = numpy_generator(seed, "metrics/recall/interval")
    again = [_integrated(_curve(n, r)) for n, r in _resampled((needed, radius), generator)]
    return _curve_score(_curve(needed, radius), again, len(real), ("beta", "covered"))


def _curve_score(curve: np.ndarray, again: Sequence[float], rows: int, names: tuple[str, str]) -> Score:
    """The score of a curve over `_GRID` and of its replicates; names: of both in the details."""
    details = {"rows": rows, "curve": {names[0]: _GRID.round(4).tolist(), names[1]: curve.round(5).tolist()}}
    return Score(_integrated(curve), *around(_integrated(curve), again), 1.0, details)


@_of_points
def density(both: _Both, seed: int) -> Score:
    """Density (Naeem et al. 2020, eq. 3): how many real balls hold a fake, over the number expected; best 1.

    A real ball reaches to the row's 5th nearest real neighbour. Above 1: the fakes crowd where the real rows are dense.
    At most 3,000 rows of each side; ties at distance 0 count as inside. The interval is a normal one over fakes.
    """
    return mean_score(both.inside.sum(0) / _NEIGHBOURS, 1.0, {"rows": len(both.fake), "neighbours": _NEIGHBOURS})


@_of_points
def coverage(both: _Both, seed: int) -> Score:
    """Coverage (Naeem et al. 2020, eq. 4): the share of real rows with a fake in their ball, best 1.

    The balls are those of `density`. With as many fakes as real rows, perfect fakes are expected at about
    1 - 2^-5 = .97. The interval is the exact binomial one over real rows.
    """
    hits, rows = int(both.inside.any(1).sum()), len(both.fake)
    return share_score(hits, rows, 1.0, {"rows": rows, "neighbours": _NEIGHBOURS})


def _curve(distances: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """The share of distances within the ball that holds each share of `_GRID` of the radii: [31]."""
    return np.asarray(np.searchsorted(np.sort(distances), np.quantile(radii, _GRID), "right") / len(distances))


def _resampled(arrays: tuple[np.ndarray, np.ndarray], generator: np.random.Generator) -> Iterator[list[np.ndarray]]:
    for _ in range(_REPLICATES):
        yield [v[generator.integers(0, len(v), len(v))] for v in arrays]


def _integrated(curve: np.ndarray) -> float:
    """1 - 2 * integral over [0, 1] of |curve - diagonal|, by trapezia."""
    gap = np.abs(curve - _GRID)
    return max(0.0, 1 - 2 * float(np.sum((gap[1:] + gap[:-1]) / 2 * np.diff(_GRID))))
