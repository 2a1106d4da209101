"""What holds in every text: symbols that are closed by others, as brackets are, and symbols that come in twos, as the
numbers of rings do. Found in the training texts, kept by every sample.

Knows codes of symbols; never files or networks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int16]
"""[N, T], a symbol's code or 0 behind the end."""

END, RARE = 0, 1
"""The codes of the end of a text, and of a symbol that is not in the alphabet; the rest are symbols. What has no
code of its own is never written."""

LEAST_TEXTS = 100
"""Texts in which a symbol stands before it is believed that what holds in all of them is a rule."""

MOST_CODES = 256
"""An alphabet of more codes is one of words, which close no others."""

_PART = 4096


@dataclass(frozen=True)
class Balance:
    """pairs: (opening, closing) codes: in every text the second closes the first, and none is left open.

    twos: codes that stand in every text an even number of times.
    """

    pairs: tuple[tuple[int, int], ...] = ()
    twos: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.pairs or self.twos)

    @classmethod
    def of(cls, train: Codes, heldout: Codes, size: int) -> Balance:
        """What holds in all training texts and in all that are held out.

        size: codes that there are.
        """
        if size > MOST_CODES:
            return cls()
        texts, total = np.zeros(size, np.int64), np.zeros(size, np.int64)
        even = np.ones(size, dtype=bool)
        for counts in _counts(train, size):
            texts, total = texts + (counts > 0).sum(0), total + counts.sum(0)
            even &= (counts % 2 == 0).all(0)
        known = [k for k in range(RARE + 1, size) if texts[k] >= LEAST_TEXTS]
        pairs = [(a, b) for a in known for b in known if a != b and texts[a] == texts[b] and total[a] == total[b]]
        pairs = [pair for pair in pairs if cls((pair,)).keep_all(train)]
        found = cls(tuple(pairs), tuple(k for k in known if even[k] and not any(k in pair for pair in pairs)))
        return cls(
            tuple(pair for pair in found.pairs if cls((pair,)).keep_all(heldout)),
            tuple(k for k in found.twos if cls((), (k,)).keep_all(heldout)),
        )

    def begins(self, codes: Sequence[int]) -> bool:
        """Whether a text can begin so: nothing is closed that is not open."""
        row = np.array(codes)
        return all(((row == a).astype(int) - (row == b)).cumsum().min(initial=0) >= 0 for a, b in self.pairs)

    def keep_all(self, codes: Codes) -> bool:
        """Whether all texts keep all of it; some are looked at at a time, so that many take little memory."""
        return all(bool(self.kept(part).all()) for part in _parts(codes))

    def kept(self, codes: Codes) -> npt.NDArray[np.bool_]:
        """[N]: which texts keep all of it."""
        good = np.ones(len(codes), dtype=bool)
        for opening, closing in self.pairs:
            depth = ((codes == opening).astype(np.int16) - (codes == closing)).cumsum(1)
            good &= (depth >= 0).all(1) & (depth[:, -1] == 0)
        for code in self.twos:
            good &= (codes == code).sum(1) % 2 == 0
        return good


def _parts(codes: Codes) -> Iterator[Codes]:
    yield from (codes[begin : begin + _PART] for begin in range(0, len(codes), _PART))


def _counts(codes: Codes, size: int) -> Iterator[npt.NDArray[np.int64]]:
    """How often each code stands in each text, [n, size], some texts at a time."""
    for part in _parts(codes):
        places = part.astype(np.int64) + size * np.arange(len(part))[:, None]
        yield np.bincount(places.ravel(), minlength=size * len(part)).reshape(len(part), size)
