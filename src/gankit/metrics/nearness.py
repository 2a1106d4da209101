"""What tests for copies among records of any kind have in common: equal records, distances as shares, the worst pairs.

Knows keys and distances; never records or how distances are measured.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np

from gankit.metrics.metric import Score, impossible, plain, share_score

NUM_WORST = 10
"""Pairs of a fake and a training record that are named."""

_NUM_EXAMPLES, _NUM_CELLS, _BLOCK_SIZE = 5, 30, 32


def digests(records: Iterable[np.ndarray]) -> list[bytes]:
    """A key of 16 bytes for each array, equal for arrays of equal bytes."""
    return [hashlib.blake2b(np.ascontiguousarray(r).tobytes(), digest_size=16).digest() for r in records]


def comparable(x: np.ndarray) -> np.ndarray:
    """Numbers whose bytes are equal where they are: one NaN for all that are missing, 0 for -0."""
    return np.where(np.isnan(x), np.nan, x + 0.0)


def repeats(train: Sequence[Hashable], heldout: Sequence[Hashable], fake: Sequence[Hashable], records: str) -> Score:
    """The share of fakes whose key a training record has, too; best 0, with the exact binomial interval.

    details: "copies", "rows", "heldout_share", the same share of held-out records (None without any), "unique_copied",
    and "pairs", the first ones by row numbers. records: what they are called.
    """
    if not len(fake) or not len(train):
        return impossible(0.0, f"one of the sets has no {records}")
    known: dict[Hashable, int] = {}
    for row, key in enumerate(train):
        known.setdefault(key, row)
    hits = [(i, known[key]) for i, key in enumerate(fake) if key in known]
    details = {
        "copies": len(hits),
        "rows": len(fake),
        "heldout_share": sum(key in known for key in heldout) / len(heldout) if len(heldout) else None,
        "unique_copied": len({row for _, row in hits}),
        "pairs": [{"fake": i, "train": row} for i, row in hits[:_NUM_EXAMPLES]],
    }
    return share_score(len(hits), len(fake), 0.0, details)


def nearer(
    to_train: np.ndarray, to_heldout: np.ndarray, train_row: np.ndarray, heldout_row: np.ndarray, num_rows: int,
    details: dict[str, Any],
) -> Score:  # fmt: skip
    """The score of `nearer_share`, best .5, with "closer", "ties" and "rows" before the details."""
    closer, ties = int((to_train < to_heldout).sum()), int((to_train == to_heldout).sum())
    found = nearer_share(to_train, to_heldout, train_row, heldout_row, num_rows)
    return Score(*found, 0.5, plain({"closer": closer, "ties": ties, "rows": len(to_train), **details}))


def nearer_share(
    to_train: np.ndarray, to_heldout: np.ndarray, train_row: np.ndarray, heldout_row: np.ndarray, num_rows: int
) -> tuple[float, float, float]:
    """The share of fakes nearer to a training row than to a held-out one, ties counting half, and its 95% interval.

    The interval takes the reference rows for the samples that they are: all fakes near one row are decided by it
    together, so that a binomial interval is too narrow wherever there are more fakes than such rows. With w_j the fakes
    without a tie whose nearest of all 2n rows is row j, the share is A / N with A the sum of w over training rows and
    N fakes, and its variance (by linearisation, v the share)
    n / N^2 ((1 - v)^2 Var[w_j, j in train] + v^2 Var[w_j, j held out]).

    to_train, to_heldout: [N] distances; train_row, heldout_row: [N] the rows they lead to, in [0, num_rows).
    """
    from scipy.stats import t

    nearer, tied = to_train < to_heldout, to_train == to_heldout
    value = float((nearer + 0.5 * tied).mean())
    variance = 0.0
    for weight, rows in ((1 - value, train_row[nearer]), (value, heldout_row[~nearer & ~tied])):
        variance += weight**2 * num_rows * float(np.bincount(rows, minlength=num_rows).var(ddof=1))
    half = float(t.ppf(0.975, num_rows - 1)) * math.sqrt(variance) / len(to_train)
    return value, max(0.0, value - half), min(1.0, value + half)


def mann_whitney_z(a: np.ndarray, b: np.ndarray) -> float:
    """Z of Mann & Whitney's U with ties corrected: negative when `a` tends to be smaller; 0 when all are equal.

    (U - n m / 2) / sqrt(n m / (n + m) Var[ranks]).

    >>> round(mann_whitney_z(np.array([1.0, 2.0]), np.array([3.0, 4.0])), 4)
    -1.5492
    """
    from scipy.stats import rankdata

    n, m = len(a), len(b)
    ranks = rankdata(np.concatenate([a, b]))
    variance = n * m / (n + m) * float(ranks.var(ddof=1))
    return 0.0 if variance <= 0 else float(ranks[:n].sum() - n * (n + m + 1) / 2) / math.sqrt(variance)


def three_sample(near: np.ndarray, usual: np.ndarray) -> dict[str, Any]:
    """The test of Meehan et al. (2020) on distances to the nearest training record, of fakes and of held-out records.

    z of Mann & Whitney (negative: the fakes are closer), p one-sided for that; without cells of the space.
    """
    from scipy.stats import norm

    z = mann_whitney_z(near, usual)
    return {"z": z, "p": float(norm.cdf(z)), "cells_z": None, "cells_p": None, "cells": 0}


def nearness(
    to_train: np.ndarray, to_heldout: np.ndarray, usual: np.ndarray, reach: float | None = None
) -> dict[str, Any]:
    """Medians of the fakes' distances, and `histograms` of `to_train` and `usual`."""
    medians = {"train_median": float(np.median(to_train)), "heldout_median": float(np.median(to_heldout))}
    return {**medians, **histograms(to_train, usual, reach)}


def histograms(fake: np.ndarray, heldout: np.ndarray, reach: float | None = None) -> dict[str, Any]:
    """Distances to the nearest training record as shares of equal cells: "edges", "fake" and "heldout".

    The cells span 0 to `reach`, or to the 99.5% point of both; the last one holds what lies beyond.
    """
    if reach is None:
        reach = float(np.quantile(np.concatenate([fake, heldout]), 0.995))
    edges = np.linspace(0, reach if reach > 0 else 1.0, _NUM_CELLS + 1)
    cut = {who: np.minimum(values, edges[-1]) for who, values in (("fake", fake), ("heldout", heldout))}
    return {"edges": edges, **{who: np.histogram(values, edges)[0] / len(values) for who, values in cut.items()}}


def closest_pairs(to_train: np.ndarray, to_heldout: np.ndarray, rows: np.ndarray) -> list[dict[str, Any]]:
    """The fakes with the smallest ratio of distances; of equal ratios (a copy has 0) the loneliest first."""
    ratio = np.where(to_heldout > 0, to_train / np.where(to_heldout > 0, to_heldout, 1), 1.0)
    keys, columns = ("fake", "train", "distance_train", "distance_heldout"), (rows, to_train, to_heldout)
    order = [i for i in np.lexsort((-to_heldout, ratio))[:NUM_WORST] if ratio[i] < 1]
    return [dict(zip(keys, [i.item(), *(column[i].item() for column in columns)], strict=True)) for i in order]


def smallest(values: np.ndarray, k: int) -> np.ndarray:
    """The columns of the k smallest values of each row, in no order: [N, M] -> [N, k].

    The k smallest lie in the k blocks with the smallest minima, so that only those are searched: several times faster
    than a partition of whole rows. Column j is in block j mod (M // 32), which lets the minima be taken along memory.
    """
    blocks = values.shape[1] // _BLOCK_SIZE
    if blocks <= k:
        return np.argsort(values, axis=1)[:, :k] if k >= values.shape[1] else np.argpartition(values, k - 1)[:, :k]
    whole = blocks * _BLOCK_SIZE
    minima = values[:, :whole].reshape(len(values), _BLOCK_SIZE, blocks).min(1)
    chosen = np.argpartition(minima, k - 1)[:, :k]
    columns = (chosen[:, :, None] + np.arange(_BLOCK_SIZE) * blocks).reshape(len(values), -1)
    rest = np.broadcast_to(np.arange(whole, values.shape[1]), (len(values), values.shape[1] - whole))
    columns = np.concatenate([columns, rest], 1)
    order = np.argpartition(np.take_along_axis(values, columns, 1), k - 1)[:, :k]
    return np.take_along_axis(columns, order, 1)
