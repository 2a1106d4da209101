"""Columns and pairs of columns: are they distributed as in the real rows?

Knows two samples, a column or two at a time; never how a sample was made. For tables of counts, numbers are cut into
quantile bins of the real rows and categories into their frequent levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from gankit.kinds.tables.metrics.sample import Sample, evenly
from gankit.metrics.metric import Score, around, impossible, plain, resampled_counts
from gankit.randomness import numpy_generator
from gankit.report.numbers import moment

_REPLICATES, _PAIR_REPLICATES = 25, 20
_MAX_COLUMNS, _INTERVAL_PAIRS = 60, 100
_NEAR, _FEWEST_BOTH = 0.9, 20
_NUM_BINS, _NUM_LEVELS = 10, 30  # of the columns of a contingency table
_WORST = 30
_SHOWN_CELLS, _SHOWN_LEVELS = 40, 24  # of the histogram of a column


def shape(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """How alike the columns are, each for itself: the mean over columns of 1 - distance, in [0, 1], best 1.

    The distance is Kolmogorov & Smirnov's for numbers, with missing as an atom below every number (so that a wrong
    missing rate counts), and the total variation for categories, with missing as one more level. Any generator of
    independent columns reaches the best: this says nothing of how columns go together. The interval is a normal one
    from 25 bootstraps of the rows.
    """
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    generator = numpy_generator(seed, "metrics/shape")
    weights = [_weights(s.num_rows, resampled_counts(s.num_rows, _REPLICATES, generator)) for s in (real, fake)]
    columns: list[dict[str, Any]] = []
    replicates = np.zeros(_REPLICATES)
    for name in real.names:
        a, b = real.columns[name], fake.columns[name]
        entry: dict[str, Any] = {"column": name, "kind": real.kinds[name]}
        if real.kinds[name] == "number":
            distances = _kolmogorov_distances(a, b, *weights)
            entry |= {"score": 1 - distances[0], "ks": distances[0]}
            entry |= {"missing_real": np.isnan(a).mean(), "missing_fake": np.isnan(b).mean(), **_earth_movers(a, b)}
        else:
            distances = _total_variations(a, b, len(real.levels[name]), *weights)
            entry |= {"score": 1 - distances[0], "missing_real": (a < 0).mean(), "missing_fake": (b < 0).mean()}
        replicates += distances[1:] / len(real.names)
        columns.append(plain(entry))
    value = float(np.mean([c["score"] for c in columns]))
    details: dict[str, Any] = {"columns": sorted(columns, key=lambda c: float(c["score"]))}
    if real.names == real.numbers and len(real.names) == 1:
        details["one_number"] = _one_number(real.columns[real.names[0]], fake.columns[real.names[0]])
    return Score(value, *around(value, 1 - replicates), 1.0, details)


def kolmogorov_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The largest gap between two distribution functions: max |F(x) - G(x)|, NaN as an atom below every number.

    a: [N], b: [M] float64. Without NaN this is the two-sample statistic of Kolmogorov & Smirnov.

    >>> kolmogorov_distance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0, 5.0, 6.0]))
    0.5
    """
    return float(_kolmogorov_distances(a, b, _weights(len(a)), _weights(len(b)))[0])


def _weights(num_rows: int, *counts: np.ndarray) -> np.ndarray:
    """The weight of each row, equal ones followed by those of bootstrap replicates: [1 + R, N], rows sum to 1."""
    return np.concatenate([np.ones((1, num_rows)), *counts]) / num_rows


def _kolmogorov_distances(a: np.ndarray, b: np.ndarray, wa: np.ndarray, wb: np.ndarray) -> np.ndarray:
    """The distance with each of the `_weights` wa [R, N], wb [R, M]: [R]."""
    both = np.concatenate([a, b])
    both[np.isnan(both)] = -np.inf
    order = np.argsort(both, kind="stable")
    ordered = both[order]
    last = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))  # the last of each run of equal values
    gaps = (np.cumsum(np.concatenate([left, -right])[order])[last] for left, right in zip(wa, wb, strict=True))
    return np.array([np.abs(gap).max() for gap in gaps])


def total_variation(a: np.ndarray, b: np.ndarray, num_levels: int) -> float:
    """Half the sum of |share in a - share in b| over levels and missing; a, b: integer codes, -1 = missing.

    >>> total_variation(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 1]), 2)
    0.5
    """
    shares = [np.bincount(codes + 1, minlength=num_levels + 1) / len(codes) for codes in (a, b)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _total_variations(a: np.ndarray, b: np.ndarray, levels: int, wa: np.ndarray, wb: np.ndarray) -> np.ndarray:
    out = [total_variation(a, b, levels)]
    for left, right in zip(wa[1:], wb[1:], strict=True):
        gap = np.bincount(a + 1, left, levels + 1) - np.bincount(b + 1, right, levels + 1)
        out.append(float(np.abs(gap).sum() / 2))
    return np.array(out)


def _earth_movers(a: np.ndarray, b: np.ndarray) -> dict[str, float | None]:
    """Wasserstein-1 between the numbers present: in the column's unit and in standard deviations of `a`."""
    from scipy.stats import wasserstein_distance

    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if not len(a) or not len(b):
        return {"wasserstein": None, "wasserstein_sd": None}
    distance, spread = float(wasserstein_distance(a, b)), float(a.std())
    return {"wasserstein": distance, "wasserstein_sd": distance / spread if spread > 0 else None}


def _one_number(a: np.ndarray, b: np.ndarray) -> dict[str, Any]:
    """What only a single column of numbers is asked: the p-value of the KS test, and KL(real || fake) in nats."""
    from scipy.stats import ks_2samp

    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if len(a) < 2 or len(b) < 2:
        return {"ks_p_value": None, "kl_nats": None, "kl_bins": 0}
    kl, bins = histogram_divergence(a, b)
    return {"ks_p_value": plain(float(ks_2samp(a, b, method="asymp").pvalue)), "kl_nats": kl, "kl_bins": bins}


def histogram_divergence(real: np.ndarray, fake: np.ndarray) -> tuple[float, int]:
    """(KL(real || fake) in nats, number of bins) over bins that hold equally many real values.

    real: [N], fake: [M] finite numbers. About N^(1/3) bins, between 4 and 100; half a count is added to every bin
    (Krichevsky & Trofimov 1981), so that an empty bin is expensive but not infinite.
    """
    wanted = int(np.clip(round(len(real) ** (1 / 3)), 4, 100))
    cuts = np.unique(np.quantile(real, np.linspace(0, 1, wanted + 1)[1:-1], method="inverted_cdf"))
    cuts = cuts[cuts < real.max()]
    counts = [np.bincount(np.searchsorted(cuts, v, side="left"), minlength=len(cuts) + 1) + 0.5 for v in (real, fake)]
    p, q = (c / c.sum() for c in counts)
    return float(np.sum(p * np.log(p / q))), len(p)


def histograms(real: Sample, fake: Sample) -> list[dict[str, Any]]:
    """Each column's shares, real beside fake, for images: the COLUMN entries of `kinds.tables.metrics.metrics`.

    The cells of a number span the real values without the outer 0.5% on either side (all of them when there are at
    most 40 different ones); the first and last cell also hold what lies beyond.
    """
    return [plain(_histogram(real, fake, name)) for name in real.names]


def _histogram(real: Sample, fake: Sample, name: str) -> dict[str, Any]:
    a, b = real.columns[name], fake.columns[name]
    kind = real.kinds[name]
    gone = [float(np.mean(np.isnan(v) if kind == "number" else v < 0)) if len(v) else 0.0 for v in (a, b)]
    entry: dict[str, Any] = {"column": name, "kind": kind, "missing": {"real": gone[0], "fake": gone[1]}}
    sides = {"real": a, "fake": b}
    if kind == "number":
        entry["edges"] = edges = _edges(a[np.isfinite(a)])
        for key, values in sides.items():
            present = values[~np.isnan(values)]
            cells = np.clip(np.searchsorted(edges, present, side="right") - 1, 0, len(edges) - 2)
            entry[key] = np.bincount(cells, minlength=len(edges) - 1) / max(len(values), 1)
        return entry
    levels = real.levels[name]
    counts = {key: np.bincount(v[v >= 0], minlength=len(levels)) for key, v in sides.items()}
    top = np.argsort(-counts["real"], kind="stable")[:_SHOWN_LEVELS]
    entry |= {"levels": [levels[k] for k in top], "num_levels": len(levels), "other": {}}
    for key, found in counts.items():
        entry[key] = found[top] / max(len(sides[key]), 1)
        entry["other"][key] = (found.sum() - found[top].sum()) / max(len(sides[key]), 1)
    return entry


def _edges(present: np.ndarray) -> np.ndarray:
    if not len(present):
        return np.array([0.0, 1.0])
    different = np.unique(present)
    if len(different) == 1:
        return np.array([different[0] - 0.5, different[0] + 0.5])
    if len(different) <= _SHOWN_CELLS:  # one cell for each value, cut half-way
        first, last = 1.5 * different[0] - 0.5 * different[1], 1.5 * different[-1] - 0.5 * different[-2]
        return np.concatenate([[first], different[:-1] / 2 + different[1:] / 2, [last]])
    low, high = np.quantile(present, [0.005, 0.995])
    if high <= low:
        low, high = different[0], different[-1]
    return np.linspace(low, high, _SHOWN_CELLS + 1)


def trend(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """How alike pairs of columns are: the mean over pairs, in [0, 1], best 1.

    Two numbers: 1 - |difference of Pearson's correlations| / 2 over rows where both are finite (a correlation that is
    undefined on one side counts as 0 there). Otherwise 1 - total variation of the two contingency tables, numbers
    in 10 quantile bins of the real rows, categories as their 30 most frequent levels and the rest, missing as a level
    of its own. Of more than 60 columns 60 are taken, evenly apart (`details["matrix_capped"]`). The interval is a
    normal one from 20 bootstraps of the rows over at most 100 pairs.
    """
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    names = evenly(real.names, _MAX_COLUMNS)
    if len(names) < 2:
        return impossible(1.0, "there is one column only, so there are no pairs")
    capped, kinds = len(names) < len(real.names), [real.kinds[n] for n in names]
    known = real.once(_pairs_of, names, seed)
    side = _Side(fake.select(names), known.cells)
    every = list(combinations(range(len(names)), 2))
    scores = np.eye(len(names))
    pairs: list[dict[str, Any]] = []
    for (i, j), a, b in zip(every, known.figures, side.figures(every), strict=True):
        scores[i, j] = scores[j, i] = score = _alike(a, b)
        how = "mixed" if kinds[i] != kinds[j] else "correlation" if kinds[i] == "number" else "contingency"
        shown = (plain(float(x[0])) if how == "correlation" else None for x in (a, b))
        entry = {"columns": [names[i], names[j]], "score": score, "how": how}
        pairs.append(entry | dict(zip(("real", "fake"), shown, strict=True)))
    pairs.sort(key=lambda p: float(p["score"]))
    value = float(np.mean(scores[np.triu_indices(len(names), 1)]))
    details = {
        "pairs": plain(pairs[:_WORST]),
        "matrix": {"columns": list(names), "scores": scores.round(5).tolist()},
        "matrix_capped": capped,
    }
    counts = resampled_counts(fake.num_rows, _PAIR_REPLICATES, deepcopy(known.generator))
    again = [
        sum(map(_alike, left, side.figures(known.drawn, weights))) / len(known.drawn)
        for left, weights in zip(known.replicates, counts, strict=True)
    ]
    return Score(value, *around(value, again), 1.0, details)


def _alike(a: np.ndarray, b: np.ndarray) -> float:
    """1 - half the sum of |a - b|: of two correlations [1], or of the shares of two tables [cells]."""
    return 1 - float(np.abs(np.nan_to_num(a) - np.nan_to_num(b)).sum() / 2)


def near_pairs(real: Sample) -> list[tuple[str, str]]:
    """The pairs of number columns whose difference varies less than `_NEAR` times as much as either of them."""
    names = evenly(real.numbers, _MAX_COLUMNS)
    found = []
    for a, b in combinations(names, 2):
        x, y = real.columns[a], real.columns[b]
        both = np.isfinite(x) & np.isfinite(y)
        if both.sum() >= _FEWEST_BOTH and (y[both] - x[both]).std() < _NEAR * min(x[both].std(), y[both].std()):
            found.append((a, b))
    return found


def differences(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """How alike the differences b - a of columns are that keep near each other: the mean over `near_pairs` of 1 - the
    distance of Kolmogorov & Smirnov, in [0, 1], best 1.

    A relation that is small beside the columns' own spread (how long a trip lasts, beside when it was) is seen in no
    other figure of single columns or pairs. The interval is a normal one from 25 bootstraps of the rows.
    """
    pairs = near_pairs(real)
    if not pairs or not fake.num_rows:
        return impossible(1.0, "no two columns keep near each other")
    generator = numpy_generator(seed, "metrics/differences")
    weights = [_weights(s.num_rows, resampled_counts(s.num_rows, _REPLICATES, generator)) for s in (real, fake)]
    found, replicates = [], np.zeros(_REPLICATES)
    for a, b in pairs:
        apart = [s.columns[b] - s.columns[a] for s in (real, fake)]
        distances = _kolmogorov_distances(*apart, *weights)
        replicates += distances[1:] / len(pairs)
        middles = [float(np.nanmedian(x)) if np.isfinite(x).any() else np.nan for x in apart]
        found.append({"columns": [a, b], "score": 1 - distances[0], "real": middles[0], "fake": middles[1]})
    found.sort(key=lambda pair: float(pair["score"]))
    value = float(np.mean([pair["score"] for pair in found]))
    return Score(value, *around(value, 1 - replicates), 1.0, {"pairs": plain(found[:_WORST])})


def correlations(numbers: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Pearson's correlations over rows where both are finite: numbers [N, C] -> [C, C], NaN where undefined.

    weights: [N] >= 0, one for each row, or None for equal ones.
    """
    present = np.isfinite(numbers)
    weight = np.ones(len(numbers)) if weights is None else weights
    mean = np.where(present, numbers, 0.0).sum(0) / np.maximum(present.sum(0), 1)
    centred = np.where(present, numbers - mean, 0.0)  # keeps sums of squares small
    scale = np.abs(centred).max(0, initial=0.0)
    centred = centred / np.where(scale > 0, scale, 1.0)
    mask = present.astype(float)
    n = mask.T @ (mask * weight[:, None])
    sums = (centred * weight[:, None]).T @ mask  # [i, j]: sum of column i over rows where j is present as well
    squares = (centred**2 * weight[:, None]).T @ mask
    products = (centred * weight[:, None]).T @ centred
    with np.errstate(divide="ignore", invalid="ignore"):
        covariance = products / n - sums * sums.T / n**2
        variance = squares / n - (sums / n) ** 2
        variance[variance < 1e-14] = 0.0  # a constant column, up to rounding
        out = covariance / np.sqrt(variance * variance.T)
    return np.where(np.isfinite(out), np.clip(out, -1, 1), np.nan)


class _Side:
    """One sample, ready to be looked at pair by pair, with other weights for the rows if wanted.

    cells: how its columns are cut, in their order.
    """

    def __init__(self, sample: Sample, cells: Sequence[Cells]) -> None:
        self.sizes = [c.num_cells for c in cells]
        self.codes = [c.codes(sample.columns[n]) for n, c in zip(sample.names, cells, strict=True)]
        numbers = [i for i, n in enumerate(sample.names) if sample.kinds[n] == "number"]
        self.place = {i: k for k, i in enumerate(numbers)}
        columns = [sample.columns[n] for n in sample.numbers]
        self.numbers = np.stack(columns, 1) if columns else np.empty((sample.num_rows, 0))

    def figures(self, pairs: Sequence[tuple[int, int]], weights: np.ndarray | None = None) -> list[np.ndarray]:
        """Of each pair of columns the correlation [1] where both are numbers, else the share of each cell: [cells]."""
        found, out = correlations(self.numbers, weights), []
        for i, j in pairs:
            if i in self.place and j in self.place:
                out.append(found[[self.place[i]], [self.place[j]]])
            else:
                places = self.codes[i] * self.sizes[j] + self.codes[j]
                out.append(np.bincount(places, weights, self.sizes[i] * self.sizes[j]) / len(places))
        return out


@dataclass(frozen=True)
class _Pairs:
    """What `trend` needs of the real rows, whatever the fakes are.

    cells: how the columns are cut; figures: of all pairs; replicates: those of the pairs `drawn`, for each bootstrap of
    the rows; generator: after these draws.
    """

    cells: list[Cells]
    figures: list[np.ndarray]
    drawn: list[tuple[int, int]]
    replicates: list[list[np.ndarray]]
    generator: np.random.Generator


def _pairs_of(real: Sample, names: tuple[str, ...], seed: int) -> _Pairs:
    real, generator = real.select(names), numpy_generator(seed, "metrics/trend")
    cells = [cut(real, name, _NUM_BINS, _NUM_LEVELS) for name in names]
    side, every = _Side(real, cells), list(combinations(range(len(names)), 2))
    drawn = every
    if len(every) > _INTERVAL_PAIRS:
        drawn = [every[k] for k in generator.choice(len(every), _INTERVAL_PAIRS, replace=False)]
    counts = resampled_counts(real.num_rows, _PAIR_REPLICATES, generator)
    return _Pairs(cells, side.figures(every), drawn, [side.figures(drawn, w) for w in counts], generator)


@dataclass(frozen=True)
class Cells:
    """How a column is cut, fitted on the reference rows.

    cuts: for a number the inner edges, ascending: cell k holds (cuts[k - 1], cuts[k]]; None for a category.
    table: for a category, level code -> cell (the last entry is that of code -1); None for a number.
    names: one text a cell, the last two being "(other)" for a category and "(missing)" for both kinds.
    """

    cuts: np.ndarray | None
    table: np.ndarray | None
    names: tuple[str, ...]

    @property
    def num_cells(self) -> int:
        """How many cells there are, missing among them."""
        return len(self.names)

    def codes(self, values: np.ndarray) -> np.ndarray:
        """The cell of each value: [N] float64 or int32 -> [N] int64 in [0, num_cells)."""
        if self.cuts is not None:
            codes = np.searchsorted(self.cuts, values, side="left")  # NaN sorts last; put right below
            return np.where(np.isnan(values), self.num_cells - 1, codes).astype(np.int64)
        assert self.table is not None
        return np.asarray(self.table[values], np.int64)  # code -1 takes the last entry


def cut(sample: Sample, name: str, num_bins: int, num_levels: int) -> Cells:
    """The cells of column `name`: at most `num_bins` quantile bins, or the `num_levels` most frequent levels and other.

    Edges are observed values and a bin holds its upper edge, so that a value that repeats (an atom) is never split. Few
    different numbers get a bin each.
    """
    values = sample.columns[name]
    if sample.kinds[name] == "number":
        present = values[~np.isnan(values)]
        cuts = different = np.unique(present)
        if len(different) > num_bins:
            cuts = np.unique(np.quantile(present, np.linspace(0, 1, num_bins + 1)[1:-1], method="inverted_cdf"))
        cuts = cuts[cuts < different[-1:]]
        return Cells(cuts, None, (*_bin_names(cuts, name in sample.dates), "(missing)"))
    levels = sample.levels[name]
    counts = np.bincount(values[values >= 0], minlength=len(levels))
    order = np.argsort(-counts, kind="stable")
    kept = order[: num_levels if len(levels) > num_levels + 1 else len(levels)]
    table = np.full(len(levels) + 1, len(kept), np.int64)  # all others
    table[kept] = np.arange(len(kept))
    table[-1] = len(kept) + 1
    return Cells(None, table, (*(levels[k] for k in kept), "(other)", "(missing)"))


def _bin_names(cuts: np.ndarray, dates: bool) -> tuple[str, ...]:
    if not len(cuts):
        return ("(any)",)
    texts = [moment(c) if dates else f"{c:.6g}" for c in cuts.tolist()]
    if len(set(texts)) < len(texts):  # close cuts need all their digits
        texts = [repr(float(c)) for c in cuts]
    inner = [f"({a}, {b}]" for a, b in pairwise(texts)]
    return (f"<= {texts[0]}", *inner, f"> {texts[-1]}")
