"""The table as a cube: would an analyst's group-by query give the same answer on the fakes?

Knows two samples, cut into few cells a column; an embedded engine counts all 1-, 2- and 3-way groupings.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, islice
from typing import Any

import numpy as np

from gankit.metrics.discrete import Cells, cut_all
from gankit.metrics.sample import Sample
from gankit.metrics.score import Score, around, impossible, resampled_counts
from gankit.randomness import numpy_generator

Grouping = tuple[int, ...]

_LEVEL = 0.05
_CRITICAL = 1.959963984540054  # two-sided point of the standard normal at _LEVEL
_SETS_A_QUERY = 24  # benchmarks/metrics.md: many more take three times as long and gigabytes
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
    threads: int | None = None,
) -> Score:
    """How alike all 1-, 2- and 3-way groupings are: 1 - the mean total variation, averaged over the orders, best 1.

    Numbers are cut into `num_bins` quantile bins of the real rows, categories into their `num_levels` most frequent
    levels and the rest, missing is a cell of its own. Of an order with more than `max_sets` groupings a seeded choice
    of that many is taken (`details["sampled"]`).

    details: for each order the mean and the largest total variation and the share of cells within sampling error of
    the real count (two-proportion z test at level 5%: about 95% are for perfect fakes); the worst groupings; the worst
    cells by |z|, without cells that only narrow down or widen one that is listed already; `notable` are those that
    chance alone would not show among so many cells (Bonferroni at 5%). See `gankit.metrics.evaluation`.

    The interval is a normal one from 20 bootstraps of the rows over a seeded choice of 30 groupings an order.
    """
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    start = time.perf_counter()
    generator = numpy_generator(seed, "metrics/cube")
    cells = cut_all(real, num_bins, num_levels)
    codes = [np.stack([cells[n].codes(s.columns[n]) for n in real.names], 1) for s in (real, fake)]
    chosen = {order: _groupings(len(cells), order, max_sets, generator) for order in range(1, min(3, len(cells)) + 1)}
    tallies = {order: _Tally(order, math.comb(len(cells), order)) for order in chosen}
    worst = _WorstCells()
    sets = [g for groupings in chosen.values() for g in groupings]
    for counted in _count(codes, sets, threads):
        z = two_proportion_z(counted.real, counted.fake, real.num_rows, fake.num_rows)
        gap = np.abs(counted.real / real.num_rows - counted.fake / fake.num_rows)
        for order, tally in tallies.items():
            tally.add(counted, gap, z, order)
        worst.add(counted, z)
    orders = [t.summary(real.names) for t in tallies.values()]
    value = 1 - float(np.mean([o["tv_mean"] for o in orders]))
    replicates = _replicates(codes, [c.num_cells for c in cells.values()], chosen, generator)
    all_sets = sorted((s for t in tallies.values() for s in t.sets(real.names)), key=lambda s: -float(s["tv"]))
    details = {
        "orders": orders,
        "worst_sets": all_sets[:_NUM_WORST],
        "worst_cells": worst.named(
            real.names, list(cells.values()), real.num_rows, fake.num_rows, sum(t.cells for t in tallies.values())
        ),
        "level": _LEVEL,
        "sampled": any(o["sets"] < o["sets_possible"] for o in orders),
        "seconds": time.perf_counter() - start,
    }
    return Score(value, *around(value, replicates), 1.0, details)


def two_proportion_z(a: np.ndarray, b: np.ndarray, n: int, m: int) -> np.ndarray:
    """The pooled z of two counts a of n and b of m: (b/m - a/n) / sqrt(p (1 - p) (1/n + 1/m)), 0 where p is 1.

    a, b: [K] counts; p = (a + b) / (n + m). Positive: there are too many in b.
    """
    pooled = (a + b) / (n + m)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    return np.asarray(np.divide(b / m - a / n, error, out=np.zeros(len(a)), where=error > 0))


@dataclass(frozen=True)
class _Counted:
    """The cells of some groupings: `grouping` [K] indexes `sets`; `cells` [K, C], -1 if not grouped by; counts [K]."""

    sets: Sequence[Grouping]
    grouping: np.ndarray
    cells: np.ndarray
    real: np.ndarray
    fake: np.ndarray


class _Tally:
    """What is known of the groupings of one order."""

    def __init__(self, order: int, possible: int) -> None:
        self.order, self.possible = order, possible
        self.groupings: list[Grouping] = []
        self.tv: list[float] = []
        self.cells = self.within = 0

    def add(self, counted: _Counted, gap: np.ndarray, z: np.ndarray, order: int) -> None:
        """Take in the groupings of this order."""
        mine = np.array([len(g) == order for g in counted.sets])
        if not mine.any():
            return
        tv = np.bincount(counted.grouping, gap, len(counted.sets)) / 2
        self.groupings += [g for g in counted.sets if len(g) == order]
        self.tv += tv[mine].tolist()
        rows = mine[counted.grouping]
        self.cells += int(rows.sum())
        self.within += int((np.abs(z[rows]) <= _CRITICAL).sum())

    def summary(self, names: Sequence[str]) -> dict[str, Any]:
        return {
            "order": self.order,
            "sets": len(self.tv),
            "sets_possible": self.possible,
            "cells": self.cells,
            "tv_mean": float(np.mean(self.tv)),
            "tv_max": float(np.max(self.tv)),
            "within": self.within / self.cells,
            "within_expected": 1 - _LEVEL,
        }

    def sets(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return [{"columns": [names[i] for i in g], "tv": tv} for g, tv in zip(self.groupings, self.tv, strict=True)]


class _WorstCells:
    """The cells with the largest |z| so far."""

    def __init__(self) -> None:
        self.rows: list[tuple[float, int, tuple[tuple[int, int], ...], int, int]] = []

    def add(self, counted: _Counted, z: np.ndarray) -> None:
        """Keep those that belong to the worst, fewer terms first where |z| is equal."""
        for k in np.argsort(-np.abs(z), kind="stable")[:_KEPT_CELLS]:
            terms = tuple((i, int(counted.cells[k, i])) for i in counted.sets[counted.grouping[k]])
            self.rows.append((-abs(float(z[k])), len(terms), terms, int(counted.real[k]), int(counted.fake[k])))
        self.rows = sorted(self.rows)[:_KEPT_CELLS]

    def named(
        self, names: Sequence[str], cells: Sequence[Cells], n: int, m: int, num_cells: int
    ) -> list[dict[str, Any]]:
        """The worst that say something new, in words; those within sampling error are left out."""
        from scipy.stats import norm

        notable = float(norm.isf(_LEVEL / 2 / max(num_cells, 1)))  # Bonferroni: the largest of so many
        out: list[dict[str, Any]] = []
        listed: list[set[tuple[int, int]]] = []
        for size, _, terms, a, b in self.rows:
            mine = set(terms)
            if -size <= _CRITICAL or len(out) == _NUM_WORST or any(t <= mine or mine <= t for t in listed):
                continue
            listed.append(mine)
            words = [{"column": names[i], "value": cells[i].names[c]} for i, c in terms]
            z = float(two_proportion_z(np.array([a]), np.array([b]), n, m)[0])
            out.append(
                {
                    "terms": words,
                    "text": " and ".join(_term(i, c, names, cells) for i, c in terms),
                    "real": a / n,
                    "fake": b / m,
                    "z": z,
                    "notable": abs(z) > notable,
                }
            )
        return out


def _term(column: int, cell: int, names: Sequence[str], cells: Sequence[Cells]) -> str:
    text = cells[column].names[cell]
    if cells[column].cuts is None or text.startswith("(missing") or text == "(any)":
        return f"{names[column]} = {text}"
    return f"{names[column]} {'in ' if text.startswith('(') else ''}{text}"


def _groupings(num_columns: int, order: int, max_sets: int, generator: np.random.Generator) -> list[Grouping]:
    possible = math.comb(num_columns, order)
    if possible <= max_sets:
        return list(combinations(range(num_columns), order))
    found: set[Grouping] = set()
    while len(found) < max_sets:
        found.add(tuple(sorted(generator.choice(num_columns, order, replace=False).tolist())))
    return sorted(found)


def _count(codes: list[np.ndarray], sets: list[Grouping], threads: int | None) -> Iterator[_Counted]:
    """Count the cells of all groupings with GROUPING SETS, some groupings a query, so that memory stays bounded."""
    import duckdb
    import pyarrow as pa

    both = np.concatenate(codes).astype(np.int16)
    is_fake = np.repeat(np.array([0, 1], np.int32), [len(c) for c in codes])
    rows = pa.table({f"c{i}": both[:, i] for i in range(both.shape[1])} | {"is_fake": is_fake})
    mixers = numpy_generator(0, "metrics/cube/order").random(both.shape[1])
    connection = duckdb.connect(config={"threads": threads} if threads else {})
    try:
        connection.register("both_samples", rows)
        remaining = iter(sets)
        while part := list(islice(remaining, _SETS_A_QUERY)):
            used = sorted({i for g in part for i in g})
            groups = ", ".join("(" + ", ".join(f"c{i}" for i in g) + ")" for g in part)
            found = connection.sql(
                f"SELECT {', '.join(f'coalesce(c{i}, -1) AS c{i}' for i in used)}, count(*) AS num_all, "
                f"sum(is_fake) AS num_fake FROM both_samples GROUP BY GROUPING SETS ({groups})"
            ).fetchnumpy()
            cells = np.full((len(found["num_all"]), both.shape[1]), -1, np.int16)
            for i in used:
                cells[:, i] = found[f"c{i}"]
            order = np.argsort(cells @ mixers)  # the engine gives no order; sums and ties must not depend on it
            cells, fakes = cells[order], np.asarray(found["num_fake"], np.int64)[order]
            yield _Counted(
                part, _which(cells, part), cells, np.asarray(found["num_all"], np.int64)[order] - fakes, fakes
            )
    finally:
        connection.close()


def _which(cells: np.ndarray, sets: list[Grouping]) -> np.ndarray:
    """The index of the grouping each row of cells belongs to, told by the columns that are not -1."""
    present = cells >= 0
    out = np.empty(len(cells), np.int64)
    done = np.zeros(len(cells), bool)
    count = present.sum(1)
    for index, grouping in enumerate(sets):
        mine = (count == len(grouping)) & present[:, list(grouping)].all(1)
        out[mine] = index
        done |= mine
    assert done.all()
    return out


def _replicates(
    codes: list[np.ndarray], sizes: list[int], chosen: dict[int, list[Grouping]], generator: np.random.Generator
) -> np.ndarray:
    """The value over a few groupings of each order, for each bootstrap of the rows: [replicates]."""
    counts = [resampled_counts(len(c), _REPLICATES, generator) / len(c) for c in codes]
    out = np.zeros(_REPLICATES)
    for groupings in chosen.values():
        few = generator.choice(len(groupings), min(_INTERVAL_SETS, len(groupings)), replace=False)
        for k in few:
            flat = [np.zeros(len(c), np.int64) for c in codes]
            size = 1
            for i in groupings[k]:
                flat = [f * sizes[i] + c[:, i] for f, c in zip(flat, codes, strict=True)]
                size *= sizes[i]
            for r in range(_REPLICATES):
                left, right = (np.bincount(f, c[r], size) for f, c in zip(flat, counts, strict=True))
                out[r] += float(np.abs(left - right).sum() / 2) / (len(few) * len(chosen))
    return 1 - out
