"""Runs of n units in texts, counted: how far two sets of texts are apart in them, and a quick figure for checkpoints.

Knows texts as sequences of units (characters or words) and numbers; never how a text was cut into units or made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from gankit.metrics.metric import Interval, Score, around, impossible, plain, resampled_counts
from gankit.randomness import numpy_generator

ORDERS = (1, 2, 3, 4)  # the n of the n-grams whose distributions are compared
_BEGIN, _END = 0, 1
_NUM_MARKS = 2
_REPLICATES = 20

Texts = Sequence[Sequence[str]]


@dataclass(frozen=True)
class Coded:
    """Texts as whole numbers, one after the other.

    units: [M] int64, from 2 (0 and 1 are the marks of begin and end). lengths: [N] int64, units of each text.
    """

    units: np.ndarray
    lengths: np.ndarray

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: np.ndarray) -> Coded:
        """The texts of these rows."""
        begins = np.concatenate([[0], np.cumsum(self.lengths)])
        lengths = self.lengths[rows]
        places = np.repeat(begins[rows] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
        return Coded(self.units[places + np.arange(len(places))], lengths)


def code(texts: Texts, vocabulary: dict[str, int]) -> Coded:
    """Texts as numbers; units that `vocabulary` (unit -> number) lacks are added to it.

    >>> words = {}
    >>> code(["ab", "b"], words).units.tolist(), words
    ([2, 3, 3], {'a': 2, 'b': 3})
    """
    number = vocabulary.setdefault
    units = [number(unit, len(vocabulary) + _NUM_MARKS) for text in texts for unit in text]
    lengths = np.fromiter((len(text) for text in texts), np.int64, len(texts))
    return Coded(np.array(units, np.int64), lengths)


@dataclass(frozen=True)
class TextSet:
    """Texts with their units as numbers, in one order.

    texts: [N]; coded: the same as numbers; rows: [N] their numbers in the set they were taken from. labels: [N] int,
    of the class they have or were asked for, -1 where none is known; or None.
    """

    texts: list[str]
    coded: Coded
    rows: np.ndarray
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> TextSet:
        """The texts at these places."""
        labels = None if self.labels is None else self.labels[rows]
        return TextSet([self.texts[i] for i in rows], self.coded.take(rows), self.rows[rows], labels)

    def first(self, most: int) -> TextSet:
        """The first texts, at most so many."""
        return self if len(self) <= most else self.take(np.arange(most))

    def labelled(self) -> TextSet:
        """The texts whose label is known."""
        assert self.labels is not None
        return self.take(np.flatnonzero(self.labels >= 0))

    def of_class(self, label: int) -> TextSet:
        """The texts of a class."""
        assert self.labels is not None
        return self.take(np.flatnonzero(self.labels == label))


@dataclass(frozen=True)
class Grams:
    """How often each n-gram stands in each text: [K] each, one entry a pair that occurs.

    text, gram, count: int64; num_texts: N; num_grams: of all texts that were counted together.
    """

    text: np.ndarray
    gram: np.ndarray
    count: np.ndarray
    num_texts: int
    num_grams: int

    def totals(self, weights: np.ndarray | None = None) -> np.ndarray:
        """How often each n-gram occurs: [num_grams] float64; weights: [N], how often each text is counted."""
        count = self.count if weights is None else self.count * weights[self.text]
        return np.bincount(self.gram, count, self.num_grams)


def grams(corpora: Sequence[Coded], most: int, *, marks: bool) -> list[tuple[list[Grams], np.ndarray]]:
    """The n-grams of several sets of texts, numbered together: for n = 1 .. most, one `Grams` a set, and the units of
    each n-gram: [num_grams, n] int64, of begin and end 0 and 1.

    marks: each text has a mark of its begin before it and one of its end after it, which are units of n-grams of two
    and more; a text of k units has k + 3 - n of them then, k + 1 - n without.
    """
    lengths = np.concatenate([c.lengths for c in corpora])
    units = np.concatenate([c.units for c in corpora])
    num_texts, padding = len(lengths), 2 if marks else 0
    text = np.repeat(np.arange(num_texts), lengths + padding)
    ends = np.cumsum(lengths + padding)
    if marks:
        stops = np.cumsum(lengths)
        places = np.stack([stops - lengths, stops], 1).ravel()  # before the first and behind the last unit of each text
        units = np.insert(units, places, np.tile([_BEGIN, _END], num_texts))
    left = ends[text] - np.arange(len(text))  # units from here to the end of the text
    offsets = np.concatenate([[0], np.cumsum([len(c) for c in corpora])])
    size = int(units.max(initial=_NUM_MARKS)) + 1
    number, out = units, []
    for n in range(1, most + 1):
        at = np.flatnonzero(left >= n)
        if n > 1:
            joined = number[at] * size + units[at + n - 1]  # numbers of the n-grams: (n - 1)-gram, then a unit
            _, first, inverse = np.unique(joined, return_index=True, return_inverse=True)
            number = np.zeros(len(units), np.int64)
            number[at] = inverse
            num_grams, names = len(first), units[at[first][:, None] + np.arange(n)]
        else:
            at = at[units[at] >= _NUM_MARKS]
            num_grams, names = size, np.arange(size)[:, None]
        found, counts = np.unique(text[at] * num_grams + number[at], return_counts=True)
        owner, gram = np.divmod(found, max(num_grams, 1))
        cuts = np.searchsorted(owner, offsets)
        tables = [
            Grams(owner[a:b] - offsets[k], gram[a:b], counts[a:b], len(corpora[k]), num_grams)
            for k, (a, b) in enumerate(pairwise(cuts))
        ]
        out.append((tables, names))
    return out


def jensen_shannon(p: np.ndarray, q: np.ndarray) -> float:
    """The Jensen-Shannon divergence of two counts, in bits: in [0, 1] (Lin 1991, eq. 4.1 with weights 1/2).

    H((P + Q) / 2) - (H(P) + H(Q)) / 2. p, q: [K] counts or shares; 1 where one side has none, 0 where both have none.

    >>> jensen_shannon(np.array([1, 1, 0]), np.array([0, 0, 5])), jensen_shannon(np.array([1, 3]), np.array([2, 6]))
    (1.0, 0.0)
    """
    sums = float(p.sum()), float(q.sum())
    if not all(sums):
        return float(any(sums))
    p, q = p / sums[0], q / sums[1]
    return min(1.0, max(0.0, _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2))


def _entropy(share: np.ndarray) -> float:
    known = share[share > 0]
    return float(-(known * np.log2(known)).sum())


def divergence(real: Sequence[Grams], fake: Sequence[Grams], *, seed: int = 0) -> Score:
    """The Jensen-Shannon divergence of n-grams, as the mean over the orders given; best 0.

    Two sets of fresh real texts differ too, the more the longer the n-grams and the fewer the texts: compare with the
    ceiling, at equal numbers of texts. The interval is a normal one from bootstraps of the texts of both sides.
    details: "orders", the divergence at each of the orders given.

    real, fake: one `Grams` an order, of two sets that were counted together.
    """
    if not real[0].num_texts or not fake[0].num_texts:
        return impossible(0.0, "one of the sets has no texts")
    parts = [jensen_shannon(a.totals(), b.totals()) for a, b in zip(real, fake, strict=True)]
    generator = numpy_generator(seed, "metrics/texts/divergence")
    again = [resampled_counts(side[0].num_texts, _REPLICATES, generator) for side in (real, fake)]
    replicates = [
        float(np.mean([jensen_shannon(a.totals(u), b.totals(v)) for a, b in zip(real, fake, strict=True)]))
        for u, v in zip(*again, strict=True)
    ]
    value = float(np.mean(parts))
    return Score(value, *around(value, replicates), 0.0, plain({"orders": parts}))


def divergences(sides: Sequence[Coded], most: int) -> list[float]:
    """How far each further side is from the first: the mean Jensen-Shannon divergence of n-grams, n = 1 .. most.

    With marks of begin and end; in [0, 1].
    """
    tables = [found for found, _ in grams(sides, most, marks=True)]
    return [
        float(np.mean([jensen_shannon(t[0].totals(), t[k].totals()) for t in tables])) for k in range(1, len(sides))
    ]


def quick_divergence(real: Texts, fake: Texts, seed: int, max_texts: int = 5000) -> Interval:
    """A quick figure for choosing among checkpoints: minus the mean n-gram divergence, n = 1 .. 4; in [-1, 0]; and the
    ends of its 95% interval; see `divergence`.

    Larger is better. Quality and variety both count: a unit or a run of units that is too seldom or too frequent costs,
    so that few perfect texts over and over score low, and so does noise. Fresh real texts do not reach 0.

    real: held-out texts, fake: fakes, as sequences of units. As many of either are used, at most `max_texts`, the same
    for the same seed, so that figures along a training can be compared. -1 where a side has none.
    """
    rows = min(len(real), len(fake), max_texts)
    if not rows:
        return -1.0, -1.0, -1.0
    generator = numpy_generator(seed, "metrics/text_quick")
    vocabulary: dict[str, int] = {}
    sides = [code([texts[i] for i in generator.permutation(len(texts))[:rows]], vocabulary) for texts in (real, fake)]
    tables = [found for found, _ in grams(sides, len(ORDERS), marks=True)]
    score = divergence([table[0] for table in tables], [table[1] for table in tables], seed=seed)
    assert score.low is not None and score.high is not None
    return -score.value, -score.high, -score.low


def excess(
    real: Grams, fake: Grams, names: np.ndarray, units: Sequence[str], most: int = 10, least: int = 5
) -> list[dict[str, Any]]:
    """The n-grams that add most to the divergence: [{"units", "real", "fake"}], shares of all n-grams; most first.

    Only those that occur `least` times on the real side or the fake side, so that no text of a single person is shown
    for being rare. names: of `grams`. units: by their numbers; a mark is an empty text.
    """
    p, q = real.totals(), fake.totals()
    if not p.sum() or not q.sum():
        return []
    shares = p / p.sum(), q / q.sum()
    middle = np.maximum((shares[0] + shares[1]) / 2, 1e-300)
    parts = sum(np.where(s > 0, s * np.log2(np.maximum(s, 1e-300) / middle), 0.0) for s in shares)
    known = np.flatnonzero(((p >= least) | (q >= least)) & (np.abs(shares[0] - shares[1]) > 0))
    worst = known[np.argsort(-np.asarray(parts)[known], kind="stable")[:most]]
    return [
        {"units": [units[u] for u in names[g]], "real": float(shares[0][g]), "fake": float(shares[1][g])} for g in worst
    ]
