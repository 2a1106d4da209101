"""How far two sets of series are apart: in values, changes, memory, spectrum, and from step to step.

Knows columns of numbers with gaps, on one scale; never how series were made. Every distance is a mean over columns, 0
where the two are alike; what each column gives stands in the details. Every figure is a function of sums over groups of
series, so that a bootstrap need only weigh the sums of its groups anew; intervals are normal ones from bootstraps of
both sides. A group holds series that do not share steps with those of other groups (but for its ends): whole runs of
overlapping windows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gankit.kinds.series.metrics.sample import WHOLE
from gankit.kinds.series.records import bridged
from gankit.metrics.metric import Score, around, impossible, plain
from gankit.randomness import numpy_generator

MOST_GROUPS, MOST_LAGS = 100, 24
CROSS_LAGS = (0, 1, 2, 4)
REPLICATES = 40  # of a bootstrap
SEGMENT = 256  # steps of a segment whose spectrum is taken, of series of more than `WHOLE` steps
LEAST_POWER = 1e-10  # added to powers, of columns with a deviation of 1, before their logarithm is taken
FLOOR_DB = 60.0  # power further below the real peak counts as that much below it

_EDGES = 200
_MOST_CROSSED, _MOST_DRAWN, _WORST_PAIRS = 32, 64, 12


def runs_of(rows: np.ndarray, run: int) -> np.ndarray:
    """The run of each series, [N] int from 0: series that share steps.

    rows: [N] their places in the whole; run: how many that follow one another share steps (`sample.overlap`).
    """
    return np.unique(rows // max(run, 1), return_inverse=True)[1]


def groups(rows: np.ndarray, run: int) -> np.ndarray:
    """A group for each series: [N] int in 0 .. G - 1, G at most `MOST_GROUPS`, every group with whole runs."""
    runs = runs_of(rows, run)
    count = int(runs.max(initial=-1)) + 1
    return np.asarray(runs * min(count, MOST_GROUPS) // max(count, 1))


def lags_of(steps: int) -> np.ndarray:
    """The lags that are looked at: up to half the length, all of them where they are few, else on a scale of ratios.

    >>> lags_of(9).tolist(), len(lags_of(1000)), int(lags_of(1000)[-1])
    ([1, 2, 3, 4], 22, 500)
    """
    most = max(1, steps // 2)
    if most <= MOST_LAGS:
        return np.arange(1, most + 1)
    return np.unique(np.round(np.geomspace(1, most, MOST_LAGS)).astype(int))


@dataclass(frozen=True)
class Sums:
    """Named sums, each [G, …]: one entry a group."""

    parts: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        """The sum over all groups: […]."""
        return np.asarray(self.parts[name].sum(0))

    @property
    def num_groups(self) -> int:
        """G."""
        return len(next(iter(self.parts.values())))

    def weighed(self, weights: np.ndarray) -> Sums:
        """The sums with a weight for each group: weights [G]."""
        return Sums({k: np.tensordot(weights, v, 1)[None] for k, v in self.parts.items()})


def _in_order(group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows in the order of their groups, and where each group begins there."""
    order = np.argsort(group, kind="stable")
    return order, np.searchsorted(group[order], np.arange(int(group.max(initial=0)) + 1))


def grouped(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """[N, …] summed within groups: [G, …] float64."""
    order, starts = _in_order(group)
    return np.asarray(np.add.reduceat(values[order].astype(np.float64), starts, axis=0))


def _filled(v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(v with 0 in gaps, whether each number is known)."""
    known = np.isfinite(v)
    return np.where(known, v, 0.0), known


def lagged(v: np.ndarray, group: np.ndarray, lags: Sequence[int] | np.ndarray, *, own_mean: bool) -> Sums:
    """The sums of an autocorrelation.

    v: [N, T, D], NaN in gaps. own_mean: subtract each series' own mean first.
    """
    if own_mean:
        x, known = _filled(v)
        v = v - x.sum(1, keepdims=True) / np.maximum(known.sum(1, keepdims=True), 1)
    x, known = _filled(v)
    m = known.astype(np.float32)
    products, counts = [(x * x).sum(1, dtype=np.float64)], [m.sum(1)]
    for k in np.asarray(lags).tolist():
        products.append(np.einsum("ntd,ntd->nd", x[:, :-k], x[:, k:], dtype=np.float64))
        counts.append(np.einsum("ntd,ntd->nd", m[:, :-k], m[:, k:]))
    parts = {k: grouped(np.stack(v, 1), group) for k, v in (("products", products), ("counts", counts))}
    return Sums({**parts, "sums": grouped(x.sum(1, dtype=np.float64), group)})  # [G, 1 + lags, D], and [G, D]


def autocorrelations(sums: Sums) -> np.ndarray:
    """r_k = (mean of x_t x_{t+k} - m^2) / (mean of x_t^2 - m^2) over all pairs that are known: [lags, D].

    NaN for a column that does not vary.
    """
    products, counts = sums["products"], sums["counts"]
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = products / counts
        square = (sums["sums"] / counts[0]) ** 2
        variance = mean[0] - square
        return np.where(variance > 1e-10 * np.maximum(mean[0], 1e-20), (mean[1:] - square) / variance, np.nan)


def crossed(v: np.ndarray, group: np.ndarray, lags: Sequence[int]) -> Sums:
    """The sums of correlations between all columns at lags: v [N, T, D], NaN in gaps; lags >= 0."""
    x, m = (part.astype(np.float64) for part in _filled(v))
    order, starts = _in_order(group)
    steps, size = v.shape[1:]
    products, counts = (np.empty((len(starts), len(lags), size, size)) for _ in range(2))
    for g, rows in enumerate(np.split(order, starts[1:])):
        for place, k in enumerate(lags):
            for out, s in ((products, x), (counts, m)):
                early, late = s[rows, : steps - k].reshape(-1, size), s[rows, k:].reshape(-1, size)
                out[g, place] = early.T @ late  # [i, j]: column i at t with column j at t + k
    parts = {"products": products, "counts": counts, "known": grouped(m.sum(1), group)}
    return Sums({**parts, "sums": grouped(x.sum(1), group), "squares": grouped((x * x).sum(1), group)})


def correlations(sums: Sums) -> np.ndarray:
    """Pearson's correlation of column i at t with column j at t + k: [lags, D, D]; NaN where one does not vary."""
    with np.errstate(divide="ignore", invalid="ignore"):
        mean, square = sums["sums"] / sums["known"], sums["squares"] / sums["known"]
        variance = square - mean**2
        variance = np.where(variance > 1e-10 * np.maximum(square, 1e-20), variance, np.nan)
        covariance = sums["products"] / sums["counts"] - np.multiply.outer(mean, mean)
        return np.asarray(np.clip(covariance / np.sqrt(np.multiply.outer(variance, variance)), -1, 1))


def spectra(v: np.ndarray, lengths: np.ndarray, group: np.ndarray) -> Sums:
    """The sums of log10 of periodograms (Welch 1967): Hann's window, the mean taken out, frequencies 0 … 1/2 a step.

    Logarithms of each series' power, so that a few loud ones do not hide what is typical. Series of up to `WHOLE` steps
    are one segment each, over their own length; longer ones are cut into segments of `SEGMENT` that overlap by half.
    Gaps are bridged. The power of a column has the density of `scipy.signal.welch`.

    v: [N, T, D]; lengths: [N].
    """
    steps = v.shape[1]
    size = steps if steps <= WHOLE else SEGMENT
    x, count = bridged(v), np.zeros(len(v))
    total: np.ndarray = np.zeros((len(v), size // 2 + 1, v.shape[2]))
    for start in range(0, max(1, steps - size + 1), max(1, size // 2)):
        inside = np.clip(lengths - start, 0, size)
        used = inside >= (2 if steps <= WHOLE else size)
        if not used.any():
            continue
        part = x[used, start : start + size].astype(np.float64)
        going = np.arange(size) < inside[used, None]
        window = np.where(going, 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / inside[used, None]), 0.0)[:, :, None]
        mean = (part * going[:, :, None]).sum(1, keepdims=True) / inside[used, None, None]
        found = np.abs(np.fft.rfft((part - mean) * window, axis=1)) ** 2
        power = found / np.maximum((window**2).sum(1, keepdims=True), 1e-12)
        power[:, 1 : (size + 1) // 2] *= 2  # one-sided
        total[used] += power
        count[used] += 1
    typical = np.log10(total / np.maximum(count, 1)[:, None, None] + LEAST_POWER) * (count > 0)[:, None, None]
    return Sums({"power": grouped(typical, group), "series": grouped(count > 0, group)})


def typical_spectrum(sums: Sums) -> np.ndarray:
    """The geometric mean of the series' power at each frequency: [F, D]."""
    return np.asarray(10 ** (sums["power"] / max(float(sums["series"]), 1.0)))


def moments(d: np.ndarray, group: np.ndarray) -> Sums:
    """The sums of powers 0 to 4 of changes d [N, T, D], and of the squares of rises."""
    x, known = _filled(d)
    x = x.astype(np.float64)
    parts = {f"power_{p}": grouped((x**p).sum(1), group) for p in (1, 2, 3, 4)}
    parts["power_0"] = grouped(known.sum(1), group)
    return Sums({**parts, "rises": grouped((np.maximum(x, 0) ** 2).sum(1), group)})


def kurtosis(sums: Sums) -> np.ndarray:
    """The fourth central moment over the squared variance, 3 for normal numbers: [D]; NaN without spread."""
    with np.errstate(divide="ignore", invalid="ignore"):
        a = [sums[f"power_{p}"] / sums["power_0"] for p in range(5)]
        variance = a[2] - a[1] ** 2
        fourth = a[4] - 4 * a[1] * a[3] + 6 * a[1] ** 2 * a[2] - 3 * a[1] ** 4
        return np.where(variance > 1e-10 * np.maximum(a[2], 1e-20), fourth / variance**2, np.nan)


def share_of_rises(sums: Sums) -> np.ndarray:
    """The share of the squared changes that lies in rises less that in falls, in [-1, 1]: [D]; NaN without changes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(sums["power_2"] > 0, 2 * sums["rises"] / sums["power_2"] - 1, np.nan))


def histogram(v: np.ndarray, group: np.ndarray, edges: np.ndarray) -> Sums:
    """How many numbers lie in each cell: v [N, T, D], edges [D, K] inner edges -> counts [G, K + 1, D]."""
    cells = edges.shape[1] + 1
    num_groups = int(group.max(initial=0)) + 1
    out = np.zeros((num_groups, cells, v.shape[2]))
    of = np.broadcast_to(group[:, None], v.shape[:2])
    for d in range(v.shape[2]):
        known = np.isfinite(v[:, :, d])
        cell = np.searchsorted(edges[d], v[:, :, d][known], side="left")
        flat = np.bincount(of[known] * cells + cell, minlength=num_groups * cells)
        out[:, :, d] = flat.reshape(num_groups, cells)
    return Sums({"counts": out})


@dataclass(frozen=True)
class Side:
    """One set of series, ready to be compared.

    z: [N, T, D] float32 columns, NaN in gaps and behind the end. lengths: [N]. group: [N] int, of `groups`.
    """

    z: np.ndarray
    lengths: np.ndarray
    group: np.ndarray

    @cached_property
    def changes(self) -> np.ndarray:
        """[N, T - 1, D]: the differences from step to step."""
        return np.diff(self.z, axis=1)

    def columns(self, places: np.ndarray) -> Side:
        """The same series with these columns only."""
        return self if len(places) == self.z.shape[2] else Side(self.z[:, :, places], self.lengths, self.group)


Distance = Callable[[Sums, Sums], np.ndarray]
"""Sums of the real series and of the fakes -> a distance for each column."""


def _compared(
    sums: Sequence[Sums], distance: Distance, seed: int, most: float = np.inf
) -> tuple[np.ndarray, float, tuple[float | None, float | None]]:
    """(a distance for each column, their mean, its interval); sums: of the real series and of the fakes."""
    real, fake = sums
    each = distance(real, fake)
    if not np.isfinite(each).any():
        return each, float("nan"), (None, None)
    value = float(np.nanmean(each))
    generator = numpy_generator(seed, "metrics/series/bootstrap")
    replicates, sizes = [], (real.num_groups, fake.num_groups)
    if min(sizes) >= 2:
        weights = [generator.multinomial(g, np.full(g, 1 / g), REPLICATES) for g in sizes]
        for a, b in zip(*weights, strict=True):
            again = distance(real.weighed(a), fake.weighed(b))
            replicates.append(float(np.nanmean(again)) if np.isfinite(again).any() else np.nan)
    return each, value, around(value, replicates, ceiling=most)


def _of_figures(
    sums: Sequence[Sums], figure: Callable[[Sums], np.ndarray], gap: Callable[[np.ndarray, np.ndarray], np.ndarray],
    names: Sequence[str], seed: int, reason: str, most: float = np.inf,
) -> Score:  # fmt: skip
    """The score of a figure [D] a side: `gap` of the real series' and the fakes'. reason: why there may be none."""
    each, value, interval = _compared(sums, lambda p, q: gap(figure(p), figure(q)), seed, most)
    return _scored(value, interval, {"columns": _columns(names, each, *map(figure, sums))}, reason)


def _scored(value: float, interval: tuple[float | None, float | None], details: dict[str, Any], reason: str) -> Score:
    if not np.isfinite(value):
        return impossible(0.0, reason)
    return Score(value, *interval, 0.0, plain(details))


def marginals(real: Side, fake: Side, names: Sequence[str], codes: np.ndarray, *, changes: bool, seed: int) -> Score:
    """The distance of Kolmogorov & Smirnov between the values of each column, over all steps, and their mean.

    The largest difference between the shares of values up to x, over all x: in [0, 1]. Of a category's levels it is the
    difference of their shares. details["columns"]: for each, worst first, "ks", "wasserstein" (the earth mover's
    distance) in standard deviations of the training part, means and deviations of both on that scale.

    changes: of the differences from step to step instead. codes: [D], -1 for numbers.
    """
    a, b = (s.changes if changes else s.z for s in (real, fake))
    edges = np.full((a.shape[2], _EDGES - 1), np.inf)
    columns: list[dict[str, Any]] = []
    exact = np.full(a.shape[2], np.nan)
    for d in range(a.shape[2]):
        x, y = (v[:, :, d][np.isfinite(v[:, :, d])].astype(np.float64) for v in (a, b))
        if not len(x) or not len(y):
            continue
        both = np.sort(np.concatenate([x, y]))
        edges[d] = both[np.linspace(0, len(both) - 1, _EDGES + 1).astype(int)[1:-1]]
        exact[d], moved = _gaps(np.sort(x), np.sort(y), both)
        entry = {"column": names[d], "number": bool(codes[d] < 0), "ks": exact[d], "wasserstein": moved}
        for who, v in (("real", x), ("fake", y)):
            entry |= {f"{who}_mean": v.mean(), f"{who}_sd": v.std()}
        columns.append(entry)
    if not columns:
        return impossible(0.0, "there are no values to compare")

    def distance(p: Sums, q: Sums) -> np.ndarray:
        up = [np.cumsum(s["counts"], 0) / np.maximum(s["counts"].sum(0), 1) for s in (p, q)]
        return np.asarray(np.where(np.isfinite(exact), np.abs(up[0] - up[1]).max(0), np.nan))

    sums = [histogram(v, s.group, edges) for v, s in ((a, real), (b, fake))]
    _, coarse, (low, high) = _compared(sums, distance, seed, 1.0)
    value = float(np.nanmean(exact))
    by = value - coarse  # the cells of the replicates are coarser than the values
    interval = (None, None) if low is None or high is None else (max(0.0, low + by), min(1.0, high + by))
    columns.sort(key=lambda c: -float(c["ks"]))
    return _scored(value, interval, {"columns": columns}, "there are no values to compare")


def _gaps(x: np.ndarray, y: np.ndarray, both: np.ndarray) -> tuple[float, float]:
    """(Kolmogorov & Smirnov's distance, the earth mover's) of sorted numbers; both: them together, sorted."""
    gap = np.abs(np.searchsorted(x, both, "right") / len(x) - np.searchsorted(y, both, "right") / len(y))
    return float(gap.max()), float((gap[:-1] * np.diff(both)).sum())


def autocorrelation(real: Side, fake: Side, names: Sequence[str], *, absolute_changes: bool, seed: int) -> Score:
    """The mean difference of autocorrelations over lags and columns, in [0, 2].

    Each series is taken about its own mean, over the lags of `lags_of`: how long a movement lasts. With
    `absolute_changes` it is that of the sizes of changes about their common mean: volatility clustering. details:
    "lags", and "columns": for each, worst first, its distance and the two curves.
    """
    steps = real.z.shape[1] - absolute_changes
    if steps < 2:
        return impossible(0.0, "series of so few steps have no autocorrelation")
    lags = lags_of(steps)
    values = [np.abs(s.changes) if absolute_changes else s.z for s in (real, fake)]
    sums = [lagged(v, s.group, lags, own_mean=not absolute_changes) for v, s in zip(values, (real, fake), strict=True)]

    def distance(p: Sums, q: Sums) -> np.ndarray:
        a, b = autocorrelations(p), autocorrelations(q)
        # a fake that does not move has no memory at all; a real column that does not move says nothing
        return np.asarray(np.abs(np.nan_to_num(b) - a).mean(0))

    each, value, interval = _compared(sums, distance, seed, 2.0)
    details = {"lags": lags, "columns": _columns(names, each, *(autocorrelations(s).T for s in sums))}
    return _scored(value, interval, details, "no channel of the real series moves")


def _columns(names: Sequence[str], each: np.ndarray, real: np.ndarray, fake: np.ndarray) -> list[dict[str, Any]]:
    """The columns with their distances [D] and figures [D] or curves [D, K], worst first."""
    order = [int(d) for d in np.argsort(-np.nan_to_num(each), kind="stable") if np.isfinite(each[d])]
    return [{"column": names[d], "distance": each[d], "real": real[d], "fake": fake[d]} for d in order]


def cross_correlation(real: Side, fake: Side, names: Sequence[str], channels: Sequence[int], *, seed: int) -> Score:
    """The mean difference of correlations between the columns of different channels, at lags 0, 1, 2 and 4; in [0, 2].

    Pearson's, over all series and steps. details: "columns", "real" and "fake" [D, D] at lag 0, and "pairs", the worst
    at any lag, as {"columns", "lag", "real", "fake"}: the second column so many steps later. At most 32 columns.
    """
    size = min(len(names), _MOST_CROSSED)
    different = np.not_equal.outer(channels[:size], channels[:size])
    if not different.any():
        return impossible(0.0, "there is one channel only")
    lags = [k for k in CROSS_LAGS if k < real.z.shape[1]]
    sums = [crossed(s.z[:, :, :size], s.group, lags) for s in (real, fake)]

    def gaps(p: Sums, q: Sums) -> np.ndarray:
        a, b = correlations(p), correlations(q)
        return np.asarray(np.where(different, np.abs(np.nan_to_num(b) - a), np.nan))  # [lags, D, D]

    _, value, interval = _compared(sums, lambda p, q: gaps(p, q)[:, different], seed, 2.0)
    tables, found = [correlations(s) for s in sums], gaps(*sums)
    pairs: list[dict[str, Any]] = []
    for flat in np.argsort(-np.nan_to_num(found), axis=None, kind="stable")[: 4 * _WORST_PAIRS].tolist():
        k, i, j = np.unravel_index(flat, found.shape)
        if np.isfinite(found[k, i, j]) and not any({names[i], names[j]} == set(p["columns"]) for p in pairs):
            a, b = (t[k, i, j] for t in tables)
            pairs.append({"columns": [names[i], names[j]], "lag": lags[k], "real": a, "fake": b})
    details = {
        "columns": list(names[:size]),
        "real": np.round(tables[0][0], 4),
        "fake": np.round(tables[1][0], 4),
        "pairs": pairs[:_WORST_PAIRS],
        "capped": size < len(names),
    }
    return _scored(value, interval, details, "no two channels of the real series move")


def spectrum(real: Side, fake: Side, names: Sequence[str], *, seed: int) -> Score:
    """The log-spectral distance: the root of the mean squared difference of power spectra in decibels; best 0.

    Spectra are the typical ones, geometric means over series; the distance is the mean over columns. At 3 dB fakes have
    twice or half the power of real series at a typical frequency. Power more than 60 dB below the peak of the real
    spectrum counts as 60 dB below it. details: "frequencies" in cycles a step, and "columns": for each, worst first,
    its distance and both spectra in dB of the real peak.
    """
    if real.z.shape[1] < 4:
        return impossible(0.0, "series of so few steps have no spectrum")
    sums = [spectra(s.z, s.lengths, s.group) for s in (real, fake)]

    def decibels(p: Sums, q: Sums) -> list[np.ndarray]:
        a, b = typical_spectrum(p), typical_spectrum(q)
        peak = a.max(0)
        peak = np.where(peak > 10 * LEAST_POWER, peak, np.nan)
        return [10 * np.log10(np.maximum(s / peak, 10 ** (-FLOOR_DB / 10))) for s in (a, b)]

    def distance(p: Sums, q: Sums) -> np.ndarray:
        a, b = decibels(p, q)
        return np.asarray(np.sqrt(((a - b)[1:] ** 2).mean(0)))  # the mean was taken out: nothing stands at 0

    each, value, interval = _compared(sums, distance, seed)
    curves = [s[1:].T for s in decibels(*sums)]
    frequencies = np.arange(1, curves[0].shape[1] + 1) / (2 * curves[0].shape[1])
    kept = np.unique(np.linspace(0, len(frequencies) - 1, 2 * _MOST_DRAWN).round().astype(int))
    columns = _columns(names, each, *(np.round(c[:, kept], 3) for c in curves))
    details = {"frequencies": frequencies[kept], "columns": columns}
    return _scored(value, interval, details, "no channel of the real series moves")


def tails(real: Side, fake: Side, names: Sequence[str], *, seed: int) -> Score:
    """How far the kurtosis of the changes is off: the mean of |log2(fake / real)| over columns; best 0, 1 is twofold.

    Rare large jumps among small changes have a large kurtosis; normal changes have 3.
    """
    sums = [moments(s.changes, s.group) for s in (real, fake)]

    def gap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        # changes that are all alike have the least kurtosis that there is, 1
        return np.asarray(np.abs(np.log2(np.nan_to_num(b, nan=1.0)) - np.log2(a)))

    return _of_figures(sums, kurtosis, gap, names, seed, "no channel changes")


def asymmetry(real: Side, fake: Side, names: Sequence[str], *, seed: int) -> Score:
    """How far the share of movement that lies in rises, less that in falls, is off; mean over columns, in [0, 2].

    Slow rises and sudden falls have a figure below 0 (squares of changes are counted).
    """
    sums = [moments(s.changes, s.group) for s in (real, fake)]

    def gap(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        return np.asarray(np.abs(np.nan_to_num(b) - a))

    return _of_figures(sums, share_of_rises, gap, names, seed, "no channel changes", 2.0)


def profile(real: Side, fake: Side, names: Sequence[str], *, seed: int) -> Score:
    """How far apart the means at each step are: the mean over steps and columns, in standard deviations; best 0.

    It asks whether what happens at a certain step of a record (a heart beat's peak) happens there in fakes.
    """
    sums = []
    for side in (real, fake):
        x, known = _filled(side.z)
        sums.append(Sums({"sums": grouped(x, side.group), "counts": grouped(known, side.group)}))

    def distance(p: Sums, q: Sums) -> np.ndarray:
        with np.errstate(divide="ignore", invalid="ignore"):
            gap = np.abs(p["sums"] / p["counts"] - q["sums"] / q["counts"])
        known = np.isfinite(gap)
        count = known.sum(0)
        return np.where(count > 0, np.where(known, gap, 0.0).sum(0) / np.maximum(count, 1), np.nan)

    each, value, interval = _compared(sums, distance, seed)
    columns = [{"column": names[d], "distance": each[d]} for d in np.argsort(-np.nan_to_num(each), kind="stable")]
    return _scored(value, interval, {"columns": columns}, "there are no values to compare")


def gaps(real: Side, fake: Side, names: Sequence[str], *, seed: int) -> Score:
    """How far the shares of missing cells are off, before a series' end: the mean over columns; best 0.

    details["columns"]: the shares of both, and "real_run", "fake_run": the mean length of a gap in steps.
    """
    sums, runs = [], []
    for side in (real, fake):
        inside = np.arange(side.z.shape[1])[:, None] < side.lengths[:, None, None]
        gap = np.isnan(side.z) & inside
        begins = gap & ~np.pad(gap, ((0, 0), (1, 0), (0, 0)))[:, :-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            runs.append(gap.sum((0, 1)) / begins.sum((0, 1)))
        parts = {"gaps": gap, "cells": np.broadcast_to(inside, gap.shape)}
        sums.append(Sums({k: grouped(v.sum(1), side.group) for k, v in parts.items()}))

    def shares(s: Sums) -> np.ndarray:
        return np.asarray(s["gaps"] / np.maximum(s["cells"], 1))

    score = _of_figures(sums, shares, lambda a, b: np.abs(b - a), names, seed, "there are no cells", 1.0)
    each = {name: plain({"real_run": a, "fake_run": b}) for name, a, b in zip(names, *runs, strict=True)}
    for column in score.details.get("columns", ()):
        column |= each[column["column"]]
    return score
