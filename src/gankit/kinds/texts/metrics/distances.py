"""Edit distances from a text to many others, exactly: the text nearest to each of some, and fakes nearer to training.

Knows texts as numbers (one a unit); never how texts were made. What tests for copies prove and what not is said in
`gankit.metrics.copies`: copies that are found prove copying, none found prove nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit.kinds.texts.metrics.grams import Coded
from gankit.metrics.nearness import closest_pairs, nearer, nearness, three_sample
from gankit.metrics.score import Score, impossible

LONGEST = 256
"""Units of a text that distances look at; what follows is not seen."""


class References:
    """Texts among which the nearest to others are looked for: at least one.

    Distances are edit distances (Levenshtein 1966): insertions, deletions and replacements of units.
    """

    def __init__(self, texts: Coded) -> None:
        if not len(texts):
            raise ValueError("there are no texts to look among")
        self.lengths = np.minimum(texts.lengths, LONGEST)
        self._texts = _seen(texts)

    def distances(self, queries: Coded) -> np.ndarray:
        """The edit distance of each query to each reference: [Q, N] int64."""
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import cdist

        return cdist(_seen(queries), self._texts, scorer=Levenshtein.distance, dtype=np.int64)

    def nearest(self, queries: Coded) -> NearestTexts:
        """For each query the nearest reference by relative distance; of equal ones the first."""
        longer = np.maximum(self.lengths, np.minimum(queries.lengths, LONGEST)[:, None])
        relative = self.distances(queries) / np.maximum(longer, 1)
        return NearestTexts(relative.argmin(1), relative.min(1))


def _seen(texts: Coded) -> list[list[int]]:
    return [units[:LONGEST].tolist() for units in np.split(texts.units, np.cumsum(texts.lengths))[:-1]]


@dataclass(frozen=True)
class NearestTexts:
    """The reference that is nearest to each query: its row [Q] int64, and the relative distance [Q].

    The relative distance is the edit distance over the length of the longer of both (0: equal, 1: nothing in common).
    """

    rows: np.ndarray
    distances: np.ndarray


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


def marked(a: list[str], b: list[str]) -> tuple[list[tuple[bool, list[str]]], list[tuple[bool, list[str]]]]:
    """Two texts in pieces, those that differ marked: for each text [(differs, units)], by fewest edits.

    >>> marked(list("cat"), list("cart"))
    ([(False, ['c', 'a']), (False, ['t'])], [(False, ['c', 'a']), (True, ['r']), (False, ['t'])])
    """
    from difflib import SequenceMatcher

    left: list[tuple[bool, list[str]]] = []
    right: list[tuple[bool, list[str]]] = []
    for kind, i, j, k, m in SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if j > i:
            left.append((kind != "equal", a[i:j]))
        if m > k:
            right.append((kind != "equal", b[k:m]))
    return left, right
