"""Edit distances from a text to many others, exactly, and the text that is nearest to each of some.

Knows texts as numbers (one a unit); never units themselves or how texts were made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit.kinds.texts.metrics.grams import Coded

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
