"""Given a value of one column, do the others follow the real conditional distribution? And were conditions obeyed?

Knows two samples; never how a condition was imposed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gankit.kinds.tables.metrics.discrete import cut
from gankit.kinds.tables.metrics.marginals import kolmogorov_distance, total_variation
from gankit.metrics.sample import Sample
from gankit.metrics.score import Score, around, impossible, plain, share_score
from gankit.randomness import numpy_generator

_MIN_ROWS = 10
_NUM_BINS = 4
_NUM_LEVELS = 12
_REPLICATES = 12
_WORST = 5
_MAX_COLUMNS = 60


def conditional(real: Sample, fake: Sample, *, given: Sequence[str], seed: int = 0) -> Score:
    """How alike the other columns are, given each value of the columns `given`: in [0, 1], best 1.

    For each column of `given` and each of its 12 most frequent levels (numbers: 4 quantile bins of the real rows) with
    at least 10 real rows: the mean over the other columns (at most 60) of 1 - distance, as in `shape`, among
    rows with that level. Levels are weighted by their share of the real rows. A level the fakes lack scores 0.

    Small groups look less alike by chance alone: compare with the ceiling. The interval is a normal one from 12
    bootstraps of the rows.
    """
    chosen = [n for n in given if n in real.names]
    if not chosen or len(real.names) < 2:
        return impossible(1.0, "there is no column to hold fixed, or no other to look at")
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    columns = [entry for entry in (_column(real, fake, name) for name in chosen) if entry["levels"]]
    if not columns:
        return impossible(1.0, f"no level of {', '.join(chosen)} has {_MIN_ROWS} real rows")
    value = float(np.mean([c["score"] for c in columns]))
    generator = numpy_generator(seed, "metrics/conditional")
    replicates = []
    for _ in range(_REPLICATES):
        left, right = (s.take(generator.integers(0, s.num_rows, s.num_rows)) for s in (real, fake))
        again = [c["score"] for c in (_column(left, right, name) for name in chosen) if c["levels"]]
        if again:
            replicates.append(float(np.mean(again)))
    return Score(value, *around(value, replicates), 1.0, {"columns": plain(columns)})


def _column(real: Sample, fake: Sample, name: str) -> dict[str, Any]:
    cells = cut(real, name, _NUM_BINS, _NUM_LEVELS)
    codes = [cells.codes(s.columns[name]) for s in (real, fake)]
    others = [n for n in real.names if n != name][:_MAX_COLUMNS]
    levels: list[dict[str, Any]] = []
    for cell, text in enumerate(cells.names):
        rows = [np.flatnonzero(c == cell) for c in codes]
        if len(rows[0]) < _MIN_ROWS:
            continue
        entry: dict[str, Any] = {
            "level": text,
            "real_rows": len(rows[0]),
            "fake_rows": len(rows[1]),
            "score": 0.0,
            "worst": [],
        }
        if len(rows[1]):
            alike = {n: 1 - _distance(real, fake, n, rows) for n in others}
            entry["score"] = float(np.mean(list(alike.values())))
            worst = sorted(alike.items(), key=lambda item: item[1])[:_WORST]
            entry["worst"] = [{"column": n, "score": s} for n, s in worst]
        levels.append(entry)
    weights = [e["real_rows"] for e in levels]
    score = float(np.average([e["score"] for e in levels], weights=weights)) if levels else 0.0
    return {"column": name, "score": score, "levels": levels}


def _distance(real: Sample, fake: Sample, name: str, rows: list[np.ndarray]) -> float:
    a, b = real.columns[name][rows[0]], fake.columns[name][rows[1]]
    if real.kinds[name] == "number":
        return kolmogorov_distance(a, b)
    return total_variation(a, b, len(real.levels[name]))


def obeyed(fake: Sample, where: Mapping[str, str | float | tuple[float, float]]) -> Score:
    """The share of rows that obey every condition of `where`, best 1, with its exact binomial interval.

    where: column -> a level's text, a number, or (low, high), both included. A missing value obeys nothing.

    >>> s = Sample({"age": np.array([31.0, 45.0])}, {"age": "number"})
    >>> obeyed(s, {"age": (30, 40)}).value
    0.5
    """
    good = np.ones(fake.num_rows, bool)
    for name, wanted in where.items():
        values = fake.columns[name]
        if fake.kinds[name] == "category":
            levels = fake.levels[name]
            good &= values == levels.index(str(wanted)) if str(wanted) in levels else np.zeros(len(values), bool)
        elif isinstance(wanted, tuple):
            good &= (values >= wanted[0]) & (values <= wanted[1])
        else:
            good &= values == float(wanted)
    hits = int(good.sum())
    return share_score(hits, len(good), 1.0, {"obeying": hits, "rows": len(good)})
