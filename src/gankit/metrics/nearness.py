"""What tests for copies among records of any kind have in common: equal records, distances as shares, the worst pairs.

Knows keys and distances; never records or how distances are measured.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from gankit.metrics.score import Score, binomial_interval, impossible, plain

NUM_WORST = 10
"""Pairs of a fake and a training record that are named."""

_NUM_EXAMPLES = 5
_NUM_CELLS = 30


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
    share = sum(key in known for key in heldout) / len(heldout) if len(heldout) else None
    details = {
        "copies": len(hits),
        "rows": len(fake),
        "heldout_share": share,
        "unique_copied": len({row for _, row in hits}),
        "pairs": [{"fake": i, "train": row} for i, row in hits[:_NUM_EXAMPLES]],
    }
    return Score(len(hits) / len(fake), *binomial_interval(len(hits), len(fake)), 0.0, plain(details))


def nearness(to_train: np.ndarray, to_heldout: np.ndarray, usual: np.ndarray) -> dict[str, Any]:
    """Medians of the fakes' distances, and histograms of the distance to the nearest training record.

    The cells span 0 to the 99.5% point of both; the last one holds what lies beyond.
    """
    reach = float(np.quantile(np.concatenate([to_train, usual]), 0.995))
    edges = np.linspace(0, reach if reach > 0 else 1.0, _NUM_CELLS + 1)
    shares = {
        who: np.histogram(np.minimum(values, edges[-1]), edges)[0] / len(values)
        for who, values in (("fake", to_train), ("heldout", usual))
    }
    medians = {"train_median": float(np.median(to_train)), "heldout_median": float(np.median(to_heldout))}
    return {**medians, "edges": edges, **shares}


def closest_pairs(to_train: np.ndarray, to_heldout: np.ndarray, rows: np.ndarray) -> list[dict[str, Any]]:
    """The fakes with the smallest ratio of distances; of equal ratios (a copy has 0) the loneliest first."""
    ratio = np.where(to_heldout > 0, to_train / np.where(to_heldout > 0, to_heldout, 1), 1.0)
    order = np.lexsort((-to_heldout, ratio))[:NUM_WORST]
    return [
        {
            "fake": int(i),
            "train": int(rows[i]),
            "distance_train": float(to_train[i]),
            "distance_heldout": float(to_heldout[i]),
        }
        for i in order
        if ratio[i] < 1
    ]
