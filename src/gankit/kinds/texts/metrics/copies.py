"""Copies among texts: do the fakes repeat training texts, exactly or nearly?

Knows training texts, held-out texts and fakes, as texts or numbers; never how the fakes were made. What this proves and
what not is said in `gankit.metrics.copies`: copies that are found prove copying, none found prove nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gankit.kinds.texts.metrics.distances import References
from gankit.kinds.texts.metrics.grams import Coded
from gankit.metrics.nearness import closest_pairs, nearer, nearness, repeats, three_sample
from gankit.metrics.score import Score, impossible


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
    `gankit.metrics.nearness.nearer_share`: a few texts are the nearest of many. details["three_sample"] is the test of
    Meehan et al. (2020): z of Mann & Whitney between the distances to the nearest training text of fakes and of
    held-out texts (negative: fakes are closer), p one-sided for that. details["pairs"]: fakes much nearer to a training
    text than to a held-out one, by row numbers.

    usual: [M] distances of held-out texts to the nearest of the training texts.
    """
    assert len(train.lengths) == len(heldout.lengths), "as many training as held-out texts"
    if min(len(train.lengths), len(fake), len(usual)) < 2:
        return impossible(0.5, "fewer than two texts to compare distances with")
    members, others = train.nearest(fake), heldout.nearest(fake)
    details = {
        "three_sample": three_sample(members.distances, usual),
        "distance": nearness(members.distances, others.distances, usual, reach=1.0),
        "pairs": closest_pairs(members.distances, others.distances, members.rows),
    }
    return nearer(members.distances, others.distances, members.rows, others.rows, len(train.lengths), details)
