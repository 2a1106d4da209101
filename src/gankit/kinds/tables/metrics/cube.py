"""The table as a cube: would an analyst's group-by query give the same answer on the fakes?

Knows two samples, cut into few cells a column; all 1-, 2- and 3-way groupings are counted.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from gankit.kinds.tables.metrics.discrete import Cells, cut_all
from gankit.metrics.sample import Sample
from gankit.metrics.score import Score, around, impossible, resampled_counts
from gankit.randomness import numpy_generator

Grouping = tuple[int, ...]
_Cell = tuple[float, int, tuple[tuple[int, int], ...], int, int, float]  # -|z|, order, (column, cell)s, counts, z

_LEVEL = 0.05
_CRITICAL = 1.959963984540054  # two-sided point of the standard normal at _LEVEL
_NUM_WORST = 20
_KEPT_CELLS = 400
_REPLICATES = 20
_INTERVAL_SETS = 30


def cube(
    real: Sample,
    fake: Sample,
    *,
    seed: int = 0,
    num_bins: int = 8,
    num_levels: int = 8,
    max_sets: int = 600,
) -> Score:
    """How alike all 1-, 2- and 3-way groupings are: 1 - the mean total variation, averaged over the orders, best 1.

    Numbers are cut into `num_bins` quantile bins of the real rows, categories into their `num_levels` most frequent
    levels and the rest, missing is a cell of its own. Of an order with more than `max_sets` groupings a seeded choice
    of that many is taken (`details["sampled"]`).

    details: for each order the mean and the largest total variation and the share of cells within sampling error of
    the real count (two-proportion z test at level 5%: about 95% are for perfect fakes); the worst groupings; the worst
    cells by |z|, without cells that only narrow down or widen one that is listed already; `notable` are those that
    chance alone would not show among so many cells (Bonferroni at 5%). See `gankit.kinds.tables.metrics.metrics`.

    The interval is a normal one from 20 bootstraps of the rows over a seeded choice of 30 groupings an order.
    """
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    start = time.perf_counter()
    generator = numpy_generator(seed, "metrics/cube")
    names, cells = real.names, list(cut_all(real, num_bins, num_levels).values())
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
                "within": float((np.abs(z[there]) <= _CRITICAL).mean()),
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


def _table(codes: Sequence[Sequence[np.ndarray]], sizes: Sequence[int], grouping: Grouping) -> np.ndarray:
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
        if abs(z) <= _CRITICAL or len(out) == _NUM_WORST or any(t <= mine or mine <= t for t in listed):
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
    possible = math.comb(num_columns, order)
    if possible <= max_sets:
        return list(combinations(range(num_columns), order))
    found: set[Grouping] = set()
    while len(found) < max_sets:
        found.add(tuple(sorted(generator.choice(num_columns, order, replace=False).tolist())))
    return sorted(found)


def _replicates(
    codes: Sequence[Sequence[np.ndarray]],
    sizes: Sequence[int],
    chosen: dict[int, list[Grouping]],
    generator: np.random.Generator,
) -> np.ndarray:
    """The value over a few groupings of each order, for each bootstrap of the rows: [replicates]."""
    counts = [resampled_counts(len(c[0]), _REPLICATES, generator) / len(c[0]) for c in codes]
    out = np.zeros(_REPLICATES)
    for groupings in chosen.values():
        few = generator.choice(len(groupings), min(_INTERVAL_SETS, len(groupings)), replace=False)
        for k in few:
            places = [_places(side, sizes, groupings[k]) for side in codes]
            size = math.prod(sizes[i] for i in groupings[k])
            for r in range(_REPLICATES):
                left, right = (np.bincount(p, c[r], size) for p, c in zip(places, counts, strict=True))
                out[r] += float(np.abs(left - right).sum() / 2) / (len(few) * len(chosen))
    return 1 - out
