"""Pairs of columns: do they go together as in the real rows?

Knows two samples, two columns at a time; three at a time are the matter of `cube`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from gankit.kinds.tables.metrics.discrete import cut_all
from gankit.metrics.sample import Sample
from gankit.metrics.score import Score, around, impossible, plain, resampled_counts
from gankit.randomness import numpy_generator

_MAX_COLUMNS = 60
_REPLICATES = 20
_INTERVAL_PAIRS = 100
_NUM_BINS = 10
_NUM_LEVELS = 30
_WORST = 30


def trend(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """How alike pairs of columns are: the mean over pairs, in [0, 1], best 1.

    Two numbers: 1 - |difference of Pearson's correlations| / 2 over rows where both are finite (a correlation that is
    undefined on one side counts as 0 there). Otherwise 1 - total variation of the two contingency tables, numbers
    in 10 quantile bins of the real rows, categories as their 30 most frequent levels and the rest, missing as a level
    of its own. With more than 60 columns the first 60 are taken (`details["matrix_capped"]`).

    The interval is a normal one from 20 bootstraps of the rows over at most 100 pairs.
    """
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    names = real.names[:_MAX_COLUMNS]
    if len(names) < 2:
        return impossible(1.0, "there is one column only, so there are no pairs")
    real, fake = real.select(names), fake.select(names)
    scores, found = np.eye(len(names)), _Pairs(real, fake)
    pairs: list[dict[str, Any]] = []
    for i, j in combinations(range(len(names)), 2):
        score, how, left, right = found.score(i, j)
        scores[i, j] = scores[j, i] = score
        pairs.append({"columns": [names[i], names[j]], "score": score, "how": how, "real": left, "fake": right})
    pairs.sort(key=lambda p: float(p["score"]))
    value = float(np.mean(scores[np.triu_indices(len(names), 1)]))
    details = {
        "pairs": plain(pairs[:_WORST]),
        "matrix": {"columns": list(names), "scores": scores.round(5).tolist()},
        "matrix_capped": len(names) == _MAX_COLUMNS,
    }
    return Score(value, *around(value, found.replicates(seed)), 1.0, details)


def correlations(numbers: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Pearson's correlations over rows where both are finite: numbers [N, C] -> [C, C], NaN where undefined.

    weights: [N] >= 0, one for each row, or None for equal ones.
    """
    present = np.isfinite(numbers)
    weight = np.ones(len(numbers)) if weights is None else weights
    total = np.where(present, numbers, 0.0)
    count = np.maximum(present.sum(0), 1)
    centred = np.where(present, numbers - total.sum(0) / count, 0.0)  # keeps sums of squares small
    scale = np.abs(centred).max(0, initial=0.0)
    centred = centred / np.where(scale > 0, scale, 1.0)
    mask = present.astype(float)
    weighted = mask * weight[:, None]
    n = mask.T @ weighted
    sums = (centred * weight[:, None]).T @ mask  # [i, j]: sum of column i over rows where j is present as well
    squares = (centred**2 * weight[:, None]).T @ mask
    products = (centred * weight[:, None]).T @ centred
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = products / n - sums * sums.T / n**2
        variance = squares / n - (sums / n) ** 2
        variance[variance < 1e-14] = 0.0  # a constant column, up to rounding
        out = covariance / np.sqrt(variance * variance.T)
    return np.where(np.isfinite(out), np.clip(out, -1, 1), np.nan)


class _Pairs:
    """Two samples, ready to be compared pair by pair, with other weights for the rows if wanted."""

    def __init__(self, real: Sample, fake: Sample) -> None:
        self.kinds = [real.kinds[n] for n in real.names]
        cells = cut_all(real, _NUM_BINS, _NUM_LEVELS)
        self.sizes = [cells[n].num_cells for n in real.names]
        self.codes = [[cells[n].codes(s.columns[n]) for n in real.names] for s in (real, fake)]
        self.place = {i: k for k, i in enumerate(i for i, kind in enumerate(self.kinds) if kind == "number")}
        self.numbers = [
            np.stack([s.columns[n] for n in s.numbers], 1) if s.numbers else np.empty((s.num_rows, 0))
            for s in (real, fake)
        ]
        self.correlations = [correlations(v) for v in self.numbers]
        self.rows = real.num_rows, fake.num_rows

    def score(
        self, i: int, j: int, weights: Sequence[np.ndarray | None] = (None, None), found: Sequence[np.ndarray] = ()
    ) -> tuple[float, str, float | None, float | None]:
        """(score, how, correlation of the real rows, that of the fakes) of columns i and j.

        weights: of the rows of both sides, and found: the correlations with these.
        """
        if self.kinds[i] == self.kinds[j] == "number":
            a, b = (float(c[self.place[i], self.place[j]]) for c in found or self.correlations)
            return 1 - abs(np.nan_to_num(a) - np.nan_to_num(b)) / 2, "correlation", plain(a), plain(b)
        shares = [
            np.bincount(codes[i] * self.sizes[j] + codes[j], w, self.sizes[i] * self.sizes[j]) / len(codes[i])
            for codes, w in zip(self.codes, weights, strict=True)
        ]
        how = "contingency" if self.kinds[i] == self.kinds[j] else "mixed"
        return 1 - float(np.abs(shares[0] - shares[1]).sum() / 2), how, None, None

    def replicates(self, seed: int) -> np.ndarray:
        """The mean score over a seeded choice of pairs, for each bootstrap of the rows: [replicates]."""
        generator = numpy_generator(seed, "metrics/trend")
        pairs = list(combinations(range(len(self.kinds)), 2))
        if len(pairs) > _INTERVAL_PAIRS:
            pairs = [pairs[k] for k in generator.choice(len(pairs), _INTERVAL_PAIRS, replace=False)]
        out = np.zeros(_REPLICATES)
        counts = [resampled_counts(n, _REPLICATES, generator) for n in self.rows]
        for r, weights in enumerate(zip(*counts, strict=True)):
            found = [correlations(v, w) for v, w in zip(self.numbers, weights, strict=True)]
            out[r] = sum(self.score(i, j, weights, found)[0] for i, j in pairs)
        return out / len(pairs)
