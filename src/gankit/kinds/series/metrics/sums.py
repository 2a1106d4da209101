"""What is counted in series: sums over groups of them, from which correlations, spectra and moments are made.

Knows columns of numbers with gaps; never what is compared with what. Every figure is a function of sums over series, so
that a bootstrap need only weigh the sums of its groups anew. A group holds series that do not share steps with those of
other groups (but for its ends), whole runs of overlapping windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gankit.kinds.series.metrics.sample import bridged

MOST_GROUPS = 100
MOST_LAGS = 24
SEGMENT = 256
"""Steps of a segment whose spectrum is taken, of series of more than `WHOLE` steps."""

WHOLE = 512

LEAST_POWER = 1e-10
"""Added to powers, of columns with a deviation of 1, before their logarithm is taken."""


def groups(rows: np.ndarray, run: int) -> np.ndarray:
    """A group for each series: [N] int in 0 .. G - 1, G at most `MOST_GROUPS`, every group with series.

    rows: [N] their places in the whole; run: how many that follow one another share steps (`sample.overlap`).
    """
    _, runs = np.unique(rows // max(run, 1), return_inverse=True)
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


def grouped(values: np.ndarray, group: np.ndarray) -> np.ndarray:
    """[N, …] summed within groups: [G, …] float64."""
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(int(group.max(initial=0)) + 1))
    return np.asarray(np.add.reduceat(values[order].astype(np.float64), starts, axis=0))


def lagged(v: np.ndarray, group: np.ndarray, lags: Sequence[int] | np.ndarray, *, own_mean: bool) -> Sums:
    """The sums of an autocorrelation.

    v: [N, T, D], NaN in gaps. own_mean: subtract each series' own mean first.
    """
    v = _centred(v) if own_mean else v
    known = np.isfinite(v)
    x, m = np.where(known, v, 0.0), known.astype(np.float32)
    products, counts = [(x * x).sum(1, dtype=np.float64)], [m.sum(1)]
    for k in np.asarray(lags).tolist():
        products.append(np.einsum("ntd,ntd->nd", x[:, :-k], x[:, k:], dtype=np.float64))
        counts.append(np.einsum("ntd,ntd->nd", m[:, :-k], m[:, k:]))
    return Sums(
        {
            "products": grouped(np.stack(products, 1), group),  # [G, 1 + lags, D]
            "counts": grouped(np.stack(counts, 1), group),
            "sums": grouped(x.sum(1, dtype=np.float64), group),
        }
    )


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
    known = np.isfinite(v)
    x, m = np.where(known, v, 0.0).astype(np.float64), known.astype(np.float64)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(int(group.max(initial=0)) + 1))
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
        known = sums["known"]
        mean = sums["sums"] / known
        square = sums["squares"] / known
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
    known = np.isfinite(d)
    x = np.where(known, d, 0.0).astype(np.float64)
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


def asymmetry(sums: Sums) -> np.ndarray:
    """The share of the squared changes that lies in rises less that in falls, in [-1, 1]: [D]; NaN without changes."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(sums["power_2"] > 0, 2 * sums["rises"] / sums["power_2"] - 1, np.nan))


def profile(v: np.ndarray, group: np.ndarray) -> Sums:
    """The sums of a mean at each step: v [N, T, D]."""
    known = np.isfinite(v)
    return Sums({"sums": grouped(np.where(known, v, 0.0), group), "counts": grouped(known, group)})


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


def _centred(v: np.ndarray) -> np.ndarray:
    known = np.isfinite(v)
    mean = np.where(known, v, 0.0).sum(1, keepdims=True) / np.maximum(known.sum(1, keepdims=True), 1)
    return np.asarray(v - mean)
