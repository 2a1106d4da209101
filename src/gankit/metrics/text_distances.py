"""Edit distances from a text to many others, exactly, and the text that is nearest to each of some.

Knows texts as numbers (one a unit); never units themselves or how texts were made.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit.metrics.text_grams import Coded

LONGEST = 256
"""Units of a text that distances look at; what follows is not seen."""

_WORD = 64
_ONE, _NONE, _TOP = np.uint64(1), np.uint64(0), np.uint64(_WORD - 1)


class References:
    """Texts among which the nearest to others are looked for.

    texts: at least one. Distances are edit distances (Levenshtein 1966: insertions, deletions and replacements of
    units), computed bit-parallel (Myers 1999, with the blocks of Hyyro 2003): a column of the table of Wagner &
    Fischer is kept as two rows of bits, its steps up and down, and moved on by a dozen operations on words of 64 bits,
    here for all references at once.
    """

    def __init__(self, texts: Coded) -> None:
        if not len(texts):
            raise ValueError("there are no texts to look among")
        lengths = np.minimum(texts.lengths, LONGEST)
        self._order = np.argsort(-lengths, kind="stable")  # the longest first: those still running are the first
        self.lengths = lengths[self._order]
        self._columns = np.zeros((int(lengths.max()), len(texts)), np.int64)
        begins = (np.cumsum(texts.lengths) - texts.lengths)[self._order]
        self._running = [int(k) for k in np.searchsorted(-self.lengths, -np.arange(len(self._columns)), side="left")]
        for step, running in enumerate(self._running):
            self._columns[step, :running] = texts.units[begins[:running] + step]
        self._size = int(texts.units.max(initial=0)) + 1

    def distances(self, units: np.ndarray) -> np.ndarray:
        """The edit distance of a text to each reference, in their own order: [N] int64; units: [M] of the text."""
        units = units[:LONGEST]
        found = np.empty(len(self.lengths), np.int64)
        found[self._order] = self._distances(units) if len(units) else self.lengths
        return found

    def _distances(self, units: np.ndarray) -> np.ndarray:
        blocks = -(-len(units) // _WORD)
        where = np.zeros((blocks, max(self._size, int(units.max()) + 1)), np.uint64)  # the places of each unit, as bits
        for i, unit in enumerate(units.tolist()):
            where[i // _WORD, unit] |= _ONE << np.uint64(i % _WORD)
        last = np.uint64((len(units) - 1) % _WORD)
        num = len(self.lengths)
        up, down = np.full((blocks, num), ~_NONE), np.zeros((blocks, num), np.uint64)
        score = np.full(num, len(units), np.uint64)
        one, nothing = np.ones(num, np.uint64), np.zeros(num, np.uint64)
        work = np.empty((8, num), np.uint64)
        for step, column in enumerate(self._columns):
            running = self._running[step]
            rise, fall = one[:running], nothing[:running]  # along the row above the block
            for b in range(blocks):
                pv, mv = up[b, :running], down[b, :running]
                xv, xh, ph, mh = work[:4, :running]
                risen, fallen = work[4 + b % 2 : 8 : 2, :running]  # not where the block above wrote its own
                equal = where[b].take(column[:running])
                np.bitwise_or(equal, mv, out=xv)
                np.bitwise_or(equal, fall, out=equal)
                np.bitwise_and(equal, pv, out=xh)  # ((equal & pv) + pv) ^ pv | equal
                np.add(xh, pv, out=xh)
                np.bitwise_xor(xh, pv, out=xh)
                np.bitwise_or(xh, equal, out=xh)
                np.bitwise_or(xh, pv, out=ph)  # mv | ~(xh | pv)
                np.invert(ph, out=ph)
                np.bitwise_or(ph, mv, out=ph)
                np.bitwise_and(pv, xh, out=mh)
                top = last if b == blocks - 1 else _TOP
                np.right_shift(ph, top, out=risen)
                np.right_shift(mh, top, out=fallen)
                if top != _TOP:
                    np.bitwise_and(risen, _ONE, out=risen)
                    np.bitwise_and(fallen, _ONE, out=fallen)
                np.left_shift(ph, _ONE, out=ph)
                np.bitwise_or(ph, rise, out=ph)
                np.left_shift(mh, _ONE, out=mh)
                np.bitwise_or(mh, fall, out=mh)
                np.bitwise_and(ph, xv, out=mv)
                np.bitwise_or(xv, ph, out=xv)  # mh | ~(xv | ph)
                np.invert(xv, out=xv)
                np.bitwise_or(mh, xv, out=pv)
                rise, fall = risen, fallen
            score[:running] += rise
            score[:running] -= fall
        return score.astype(np.int64)

    def nearest(self, queries: Coded) -> NearestTexts:
        """For each query the nearest reference by relative distance; of equal ones the first."""
        begins = np.cumsum(queries.lengths) - queries.lengths
        rows, distances = np.empty(len(queries), np.int64), np.empty(len(queries))
        lengths = np.empty_like(self.lengths)
        lengths[self._order] = self.lengths
        for i, (begin, length) in enumerate(zip(begins, queries.lengths, strict=True)):
            found = self.distances(queries.units[begin : begin + length])
            relative = found / np.maximum(np.maximum(lengths, min(length, LONGEST)), 1)
            rows[i] = relative.argmin()
            distances[i] = relative[rows[i]]
        return NearestTexts(rows, distances)


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
