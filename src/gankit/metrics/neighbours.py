"""Distances between rows of numbers and categories, and the nearest rows.

Knows rows of two samples and a reference that sets the scale; never what is concluded from a distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gankit.metrics.features import frequency_ranks
from gankit.metrics.sample import Sample
from gankit.randomness import numpy_generator

_CANDIDATES = 8
_CHUNK_ROWS = 512
_BLOCK_SIZE = 32
_MAX_WIDTH = 320
_HASH_WIDTH = 12
_ROWS_PER_KNOT = 10
_MAX_KNOTS = 100


class Space:
    """Rows as points, with a distance after Gower (1971): the mean over columns of

    |u - v| for numbers, u and v being shares of the reference rows below (mid-distribution), 1 where one is missing;
    0 or 1 for categories. It lies in [0, 1]; a pair of equal rows has 0.

    For the search a row is also a Euclidean point: the numbers' shares, flags of missing ones, one-hot categories
    (levels beyond the frequent ones as random codes). Its nearest points are the candidates; the exact distance then
    chooses among them.
    """

    def __init__(self, reference: Sample, seed: int = 0) -> None:
        self.reference = reference
        num_categories = max(len(reference.categories), 1)
        room = max(_MAX_WIDTH - 2 * len(reference.numbers), num_categories * _HASH_WIDTH)
        self._width = max(room // num_categories - _HASH_WIDTH, 1)  # one-hot levels of each category
        self._sorted = {n: np.sort(reference.columns[n][~np.isnan(reference.columns[n])]) for n in reference.numbers}
        self._codes: dict[str, np.ndarray] = {}
        generator = numpy_generator(seed, "metrics/space")
        for name in reference.categories:
            self._codes[name] = self._level_codes(name, generator)

    def _level_codes(self, name: str, generator: np.random.Generator) -> np.ndarray:
        """A vector for each level and, last, for missing: [num_levels + 1, width], any two about 1 apart."""
        ranks = frequency_ranks(self.reference, name)
        kept = min(len(ranks), self._width)
        hashed = len(ranks) > kept
        out = np.zeros((len(ranks) + 1, kept + 1 + (_HASH_WIDTH if hashed else 0)), np.float32)
        frequent = np.flatnonzero(ranks < kept)
        out[frequent, ranks[frequent]] = np.sqrt(0.5)
        out[-1, kept] = np.sqrt(0.5)
        if hashed:
            rare = np.flatnonzero(ranks >= kept)
            signs = generator.integers(0, 2, (len(rare), _HASH_WIDTH)) * 2 - 1
            out[rare, kept + 1 :] = signs * np.sqrt(0.5 / _HASH_WIDTH)
        return out

    def place(self, sample: Sample) -> Points:
        """The rows of `sample`, which has the reference's columns and levels, as points."""
        blocks: list[np.ndarray] = []
        numbers = np.empty((sample.num_rows, len(sample.numbers)), np.float32)
        for i, name in enumerate(sample.numbers):
            known, values = self._sorted[name], sample.columns[name]
            missing = np.isnan(values)
            share = _shares(known, values)
            numbers[:, i] = np.where(missing, np.nan, share)
            blocks.append(np.stack([np.where(missing, 0.5, share), missing * 0.7], 1).astype(np.float32))
        categories = np.empty((sample.num_rows, len(sample.categories)), np.int32)
        for i, name in enumerate(sample.categories):
            categories[:, i] = sample.columns[name]
            blocks.append(self._codes[name][sample.columns[name]])
        euclid = np.concatenate(blocks, 1) if blocks else np.zeros((sample.num_rows, 1), np.float32)
        return Points(numbers, categories, euclid)


def _shares(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The share of `known` (sorted) below each value, ties counted half, straight lines in between: [N] in [0, 1].

    The lines run between a few values only, unless most are repeated. Were every row of the reference a knot, then
    those rows would lie evenly spread and others between them, and where there are few columns rows of the reference
    could be told from others by that alone.
    """
    if not len(known):
        return np.zeros(len(values))
    different, first, counts = np.unique(known, return_index=True, return_counts=True)
    shares = (first + counts / 2) / len(known)
    if len(different) * _ROWS_PER_KNOT > len(known):
        knots = int(np.clip(len(known) // _ROWS_PER_KNOT, 1, _MAX_KNOTS))
        kept = np.unique(np.searchsorted(shares, np.linspace(shares[0], shares[-1], knots + 1)))
        different, shares = different[kept], shares[kept]
    return np.asarray(np.interp(values, different, shares))


@dataclass(frozen=True)
class Points:
    """Rows in a `Space`. numbers: [N, A] float32 in [0, 1], NaN = missing; categories: [N, B] int32; euclid: [N, D]."""

    numbers: np.ndarray
    categories: np.ndarray
    euclid: np.ndarray

    @property
    def num_rows(self) -> int:
        """How many rows there are."""
        return len(self.euclid)

    def take(self, indices: np.ndarray) -> Points:
        """The points at `indices`."""
        return Points(self.numbers[indices], self.categories[indices], self.euclid[indices])


def gower(a: Points, b: Points) -> np.ndarray:
    """The distance of row i of `a` to row i of `b`: [N] in [0, 1]."""
    num_columns = a.numbers.shape[1] + a.categories.shape[1]
    gap = np.abs(a.numbers - b.numbers)
    alone = np.isnan(a.numbers) != np.isnan(b.numbers)
    total = np.where(alone, 1.0, np.nan_to_num(gap, nan=0.0)).sum(1) + (a.categories != b.categories).sum(1)
    return np.asarray(total / max(num_columns, 1), np.float64)


def nearest(
    queries: Points, among: Points, k: int = 1, *, same: bool = False, candidates: int = _CANDIDATES
) -> tuple[np.ndarray, np.ndarray]:
    """(distances [Q, k], indices [Q, k]) of the k rows of `among` nearest to each query, nearest first.

    same: `queries` are the rows of `among`; a row is then not its own neighbour. Needs k rows (k + 1 with `same`).
    The search is over the `candidates` (at least k) Euclidean nearest, so that a neighbour may rarely be missed.
    """
    available = among.num_rows - (1 if same else 0)
    assert available >= k, f"{k} neighbours need {k} rows, got {available}"
    wanted = min(max(candidates, k), available)
    norms = np.einsum("nd,nd->n", among.euclid, among.euclid)
    distances, indices = np.empty((queries.num_rows, k)), np.empty((queries.num_rows, k), np.int64)
    for start in range(0, queries.num_rows, _CHUNK_ROWS):
        rows = np.arange(start, min(start + _CHUNK_ROWS, queries.num_rows))
        squared = norms - 2 * (queries.euclid[rows] @ among.euclid.T)  # [rows, among], less the query's own norm
        if same:
            squared[np.arange(len(rows)), rows] = np.inf
        part = smallest(squared, wanted)
        exact = gower(queries.take(np.repeat(rows, wanted)), among.take(part.ravel())).reshape(part.shape)
        order = np.lexsort((part, exact), axis=1)[:, :k]
        distances[rows] = np.take_along_axis(exact, order, 1)
        indices[rows] = np.take_along_axis(part, order, 1)
    return distances, indices


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
