"""Copies among texts: do the fakes repeat training texts, exactly or nearly?

Knows training texts, held-out texts and fakes, as texts or numbers; never how the fakes were made. What this proves and
what not is said in `gankit.metrics.copies`: copies that are found prove copying, none found prove nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit.metrics.copies import mann_whitney_z, nearer_share
from gankit.metrics.nearness import closest_pairs, repeats
from gankit.metrics.score import Score, impossible, plain
from gankit.metrics.text_distances import References
from gankit.metrics.text_grams import Coded

_NUM_CELLS = 30


def copies_exact(train: Sequence[str], heldout: Sequence[str], fake: Sequence[str]) -> Score:
    """The share of fakes that equal a training text, sign by sign; best 0.

    Short texts are found again by chance, and data may hold a text twice: `details["heldout_share"]`, the same share of
    held-out texts, is what honest fakes show. The interval is the exact binomial one.
    """
    return repeats(train, heldout, fake, "texts")


def copies_near(train: References, heldout: References, fake: Coded, usual: np.ndarray) -> Score:
    """The share of fakes that lie closer to a training text than to any held-out one; best .5, the chance level.

    Distances are edit distances of units over the length of the longer text. Needs as many training as held-out
    texts, so that honest fakes are closer to either with chance 1/2; ties count half. The interval is that of
    `gankit.metrics.copies.nearer_share`: a few texts are the nearest of many. details["three_sample"] is the test of
    Meehan et al. (2020): z of Mann & Whitney between the distances to the nearest training text of fakes and of
    held-out texts (negative: fakes are closer), p one-sided for that. details["pairs"]: fakes much nearer to a training
    text than to a held-out one, by row numbers.

    usual: [M] distances of held-out texts to the nearest of the training texts.
    """
    from scipy.stats import norm

    assert len(train.lengths) == len(heldout.lengths), "as many training as held-out texts"
    if min(len(train.lengths), len(fake), len(usual)) < 2:
        return impossible(0.5, "fewer than two texts to compare distances with")
    members, others = train.nearest(fake), heldout.nearest(fake)
    to_train, to_heldout = members.distances, others.distances
    z = mann_whitney_z(to_train, usual)
    details = {
        "closer": int((to_train < to_heldout).sum()),
        "ties": int((to_train == to_heldout).sum()),
        "rows": len(fake),
        "three_sample": {"z": z, "p": float(norm.cdf(z)), "cells_z": None, "cells_p": None, "cells": 0},
        "distance": _distances(to_train, to_heldout, usual),
        "pairs": closest_pairs(to_train, to_heldout, members.rows),
    }
    share = nearer_share(to_train, to_heldout, members.rows, others.rows, len(train.lengths))
    return Score(*share, 0.5, plain(details))


def _distances(to_train: np.ndarray, to_heldout: np.ndarray, usual: np.ndarray) -> dict[str, Any]:
    """Medians of the fakes' distances, and histograms of the distance to the nearest training text, as shares."""
    edges = np.linspace(0, 1, _NUM_CELLS + 1)
    shares = {
        who: np.histogram(values, edges)[0] / len(values) for who, values in (("fake", to_train), ("heldout", usual))
    }
    medians = {"train_median": float(np.median(to_train)), "heldout_median": float(np.median(to_heldout))}
    return {**medians, "edges": edges, **shares}
