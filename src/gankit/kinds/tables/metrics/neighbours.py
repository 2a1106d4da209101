"""Distances between rows, the nearest rows, and copies: do the fakes repeat training rows, exactly or nearly, and can
one tell who was in the training data?

Knows training rows, held-out rows and fakes; never how the fakes were made.

What this proves and what not. Exact copies beyond what held-out rows show, a share closer to the training rows
well above one half, a strongly negative z, or an attack that finds members at few false positives each prove that the
model gives training rows away. Their absence proves nothing: distances to the closest record miss leaks that attacks
find (Yao et al. 2025, "The DCR Delusion"), the attack here is one of many and sees the fakes alone, not the model, and
an average can be innocent while one person is exposed. None is a guarantee; only a mechanism such as differential
privacy gives one.
"""

from __future__ import annotations

import math
from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.kinds.tables.metrics.sample import Sample, concatenate, frequency_ranks
from gankit.metrics import nearness
from gankit.metrics.classification import auc, auc_interval, true_positive_rate
from gankit.metrics.metric import Score, binomial_interval, impossible, plain
from gankit.randomness import key, numpy_generator

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

_CANDIDATES, _CHUNK_ROWS = 8, 128
_MAX_WIDTH, _HASH_WIDTH = 320, 12
_ROWS_PER_KNOT, _MAX_KNOTS = 10, 100
_MAX_ROWS, _MAX_REFERENCE_ROWS = 5000, 10_000
_MIN_CELL_ROWS, _MAX_CELLS = 40, 10
_POPULATION_NEIGHBOUR = 5  # steady where the population is sparse; benchmarks/metrics.md compares others


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
        generator = numpy_generator(seed, "metrics/space")
        self._codes = {name: self._level_codes(name, generator) for name in reference.categories}

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
            values = sample.columns[name]
            missing, share = np.isnan(values), _shares(self._sorted[name], values)
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

    def __len__(self) -> int:
        return len(self.euclid)

    def take(self, indices: np.ndarray) -> Points:
        """The points at `indices`."""
        return Points(self.numbers[indices], self.categories[indices], self.euclid[indices])


def gower(a: Points, b: Points) -> np.ndarray:
    """The distance of row i of `a` to row i of `b`: [N] in [0, 1]."""
    alone = np.isnan(a.numbers) != np.isnan(b.numbers)
    gap = np.where(alone, 1.0, np.nan_to_num(np.abs(a.numbers - b.numbers), nan=0.0))
    total = gap.sum(1) + (a.categories != b.categories).sum(1)
    return np.asarray(total / max(a.numbers.shape[1] + a.categories.shape[1], 1), np.float64)


def nearest(queries: Points, among: Points, k: int = 1, *, same: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """(distances [Q, k], indices [Q, k]) of the k rows of `among` nearest to each query, nearest first.

    same: `queries` are the rows of `among`; a row is then not its own neighbour. Needs k rows (k + 1 with `same`).
    The search is over the 8 (at least k) Euclidean nearest, so that a neighbour may rarely be missed.
    """
    available = len(among) - same
    assert available >= k, f"{k} neighbours need {k} rows, got {available}"
    wanted = min(max(_CANDIDATES, k), available)
    norms = np.einsum("nd,nd->n", among.euclid, among.euclid)
    # |a|^2 - 2 q a as one product: sums of large arrays take longer than it
    asked = np.column_stack([among.euclid, norms])
    asking = np.column_stack([-2 * queries.euclid, np.ones(len(queries), np.float32)])
    distances, indices = np.empty((len(queries), k)), np.empty((len(queries), k), np.int64)
    for start in range(0, len(queries), _CHUNK_ROWS):
        rows = np.arange(start, min(start + _CHUNK_ROWS, len(queries)))
        squared = asking[rows] @ asked.T  # [rows, among], less the query's own norm
        if same:
            squared[np.arange(len(rows)), rows] = np.inf
        part = nearness.smallest(squared, wanted)
        exact = gower(queries.take(np.repeat(rows, wanted)), among.take(part.ravel())).reshape(part.shape)
        order = np.lexsort((part, exact), axis=1)[:, :k]
        distances[rows] = np.take_along_axis(exact, order, 1)
        indices[rows] = np.take_along_axis(part, order, 1)
    return distances, indices


def copies_exact(train: Sample, heldout: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """The share of fakes that equal a training row in every column, to the bit; best 0.

    Chance makes copies where rows have few possible values: `details["heldout_share"]`, the same share of held-out
    rows, is what honest fakes show. The interval is the exact binomial one. Deterministic; `seed` is not used. See the
    module for what this proves.
    """
    if not fake.num_rows or not train.num_rows:
        return impossible(0.0, "one of the samples has no rows")
    score = nearness.repeats(row_keys(train), row_keys(heldout), row_keys(fake), "rows")
    score.details["examples"] = [{"fake": fake.row(pair["fake"])} for pair in score.details.pop("pairs")]
    return score


def row_keys(sample: Sample) -> list[bytes]:
    """A key for each row, equal for equal rows (-0 and 0 are equal, and so are two missing values)."""
    rows = nearness.comparable(np.stack([v.astype(np.float64) for v in sample.columns.values()], 1))
    keys: list[bytes] = rows.view(f"V{rows.strides[0]}")[:, 0].tolist()
    return keys


def copies_near(train: Sample, heldout: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """The share of fakes that lie closer to a training row than to any held-out row; best .5, the chance level.

    Training rows are subsampled to as many as there are held-out ones (at most 10,000 of each, 5,000 fakes), so that
    honest fakes are closer to either with chance 1/2; a tie counts half. The distance is that of `Space`, with these
    held-out and training rows as its scale. The interval is that of `nearer_share`.

    details["three_sample"]: the test of Meehan et al. (2020), of the distances to the nearest training row of fakes and
    of held-out rows (see `three_sample`), and its mean over cells of the space. Scale and cells are those of the
    training rows (up to 10,000): of rows that honest fakes and held-out rows are equally strange to. See the module for
    what this proves, and benchmarks/metrics.md for how seldom honest fakes are accused.
    """
    rows = min(train.num_rows, heldout.num_rows, _MAX_REFERENCE_ROWS)
    if rows < 2 or fake.num_rows < 2:
        return impossible(0.5, "fewer than two rows to compare distances with")
    known = train.once(_know, heldout, fake.num_rows, seed)
    fake = fake.subsample(_MAX_ROWS, numpy_generator(seed, "metrics/copies_near"))
    fakes = known.space.place(fake)
    (to_train, index), (to_heldout, other) = (
        [v[:, 0] for v in nearest(fakes, p)] for p in (known.members, known.others)
    )
    test, fake_to_known = _three_sample(fake, known)
    details = {
        "three_sample": test,
        "distance": {
            "train_median": float(np.median(to_train)),
            "heldout_median": float(np.median(to_heldout)),
            **nearness.histograms(fake_to_known, known.usual),
        },
        "worst": [
            pair | {"fake": fake.row(pair["fake"]), "train": known.rows.row(pair["train"])}
            for pair in nearness.closest_pairs(to_train, to_heldout, index)
        ],
    }
    return nearness.nearer(to_train, to_heldout, index, other, rows, details)


@dataclass(frozen=True)
class _Known:
    """Training and held-out rows as `copies_near` looks at them, whatever the fakes are.

    rows: training rows, as many as held-out ones; space: of both; members, others: both in it. whole: the space of up
    to 10,000 training rows; all: these in it; usual: the distances of held-out rows to them. cells: k-means of the
    training rows, and the cells of the held-out ones; None where there would be fewer than two.
    """

    rows: Sample
    space: Space
    members: Points
    others: Points
    whole: Space
    all: Points
    usual: np.ndarray
    cells: tuple[KMeans, np.ndarray] | None


def _know(train: Sample, heldout: Sample, num_fakes: int, seed: int) -> _Known:
    generator = numpy_generator(seed, "metrics/copies_near")
    if num_fakes > _MAX_ROWS:  # the fakes are drawn first
        generator.choice(num_fakes, _MAX_ROWS, replace=False)
    rows = min(train.num_rows, heldout.num_rows, _MAX_REFERENCE_ROWS)
    known = train.subsample(_MAX_REFERENCE_ROWS, generator)
    train, heldout = train.subsample(rows, generator), heldout.subsample(rows, generator)
    space = Space(concatenate(train, heldout), key(seed, "metrics/copies_near/space"))
    whole = Space(known, key(seed, "metrics/copies_near/train"))
    all_, strangers = whole.place(known), whole.place(heldout.subsample(_MAX_ROWS, generator))
    usual = nearest(strangers, all_)[0][:, 0]
    cells = _cells(all_, strangers, min(num_fakes, _MAX_ROWS, len(strangers)) // _MIN_CELL_ROWS, seed)
    return _Known(train, space, space.place(train), space.place(heldout), whole, all_, usual, cells)


def _cells(members: Points, others: Points, most: int, seed: int) -> tuple[KMeans, np.ndarray] | None:
    from sklearn.cluster import KMeans

    cells = min(_MAX_CELLS, most)
    if cells < 2 or len(np.unique(members.euclid[:1000], axis=0)) < cells:
        return None
    model = KMeans(cells, n_init=1, max_iter=30, random_state=key(seed, "metrics/copies_near/cells") % 2**32)
    model.fit(members.euclid)
    return model, model.predict(others.euclid)


def _three_sample(fake: Sample, known: _Known) -> tuple[dict[str, Any], np.ndarray]:
    """Z_U over all rows, and C_T: the mean of Z_U over cells, weighted by held-out rows; with the distances of the
    fakes to the nearest training row.

    Cells with fewer than 10 rows of either side are left out. As each cell's z is standard normal under honest fakes,
    the weighted mean has deviation sqrt(sum of squared weights), which gives cells_p. Departure from the paper: the
    cells are k-means of the training rows. They and the scale must not come from the held-out rows: these would lie in
    cells of fewer other rows than fresh ones do, and where there are few columns that alone told them apart.
    """
    from scipy.stats import norm

    fakes, usual = known.whole.place(fake), known.usual
    near = nearest(fakes, known.all)[0][:, 0]
    out = nearness.three_sample(near, usual)
    if known.cells is None:
        return out, near
    model, heldout_cell = known.cells
    fake_cell = model.predict(fakes.euclid)
    pairs = [(near[fake_cell == k], usual[heldout_cell == k]) for k in range(model.n_clusters)]
    pairs = [(a, b) for a, b in pairs if min(len(a), len(b)) >= 10]
    if pairs:
        weights = np.array([len(b) for _, b in pairs])
        share = weights / weights.sum()
        mean = float(share @ np.array([nearness.mann_whitney_z(a, b) for a, b in pairs]))
        p = float(norm.cdf(mean / math.sqrt(float(share @ share))))
        out |= {"cells_z": mean, "cells_p": p, "cells": len(pairs)}
    return out, near


def membership(train: Sample, heldout: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """A membership attack on the fakes: the AUC of telling training rows from held-out ones; best .5, the chance level.

    After DOMIAS (van Breugel et al. 2023): a row is taken for a member where the fakes are dense although the
    population is not: log p_fake(x) - log p_population(x). Densities are those of neighbours, p ~ 1 / distance^D up
    to a constant (D does not change the order of the ratios), in the space of `neighbours.Space`: the nearest fake,
    so that single copies show, and the 5th of the population. The population is one half of the held-out rows, the
    non-members are the other half, and as many training rows are the members (at most 5,000). Departure from the
    paper: neighbours for its flows and kernels, so that categories and wide tables are served.

    details: the share of members that are found at 1% and at .1% false positives (none below 100 and 1,000
    non-members), as an average says little of the few who are exposed (Carlini et al. 2022). The interval is DeLong's.
    See the module for what this proves.
    """
    half = min(heldout.num_rows // 2, _MAX_ROWS)
    rows = min(half, train.num_rows)
    if rows < 2 or half < _POPULATION_NEIGHBOUR or fake.num_rows < 1:
        return impossible(0.5, "too few rows: the held-out rows are both population and non-members")
    space, sides, generator = train.once(_suspects, heldout, half, rows, seed)
    forged = space.place(fake.subsample(2 * _MAX_ROWS, deepcopy(generator)))
    inside, outside = (crowd - _log_distance(points, forged, 1) for points, crowd in sides)
    area, variance = auc(inside, outside)
    details: dict[str, Any] = {"members": len(inside), "non_members": len(outside)}
    for name, rate, least in (("tpr_at_1", 0.01, 100), ("tpr_at_0_1", 0.001, 1000)):
        details |= {name: None, f"{name}_low": None, f"{name}_high": None}
        if len(outside) >= least:
            found, _ = true_positive_rate(inside, outside, rate)
            low, high = binomial_interval(found, len(inside))
            details |= {name: found / len(inside), f"{name}_low": low, f"{name}_high": high}
    return Score(area, *auc_interval(area, variance), 0.5, plain(details))


def _suspects(
    train: Sample, heldout: Sample, half: int, rows: int, seed: int
) -> tuple[Space, list[tuple[Points, np.ndarray]], np.random.Generator]:
    """The space, members and strangers in it with their log distances to the population, and the generator as it is."""
    generator = numpy_generator(seed, "metrics/membership")
    shuffled = generator.permutation(heldout.num_rows)
    population, strangers = heldout.take(shuffled[:half]), heldout.take(shuffled[half : half + rows])
    members = train.subsample(rows, generator)
    # The scale comes from members and strangers alike: rows that set it lie differently in it than others do.
    space = Space(concatenate(members, strangers), key(seed, "metrics/membership/space"))
    crowd, points = space.place(population), [space.place(side) for side in (members, strangers)]
    sides = [(side, _log_distance(side, crowd, _POPULATION_NEIGHBOUR)) for side in points]
    return space, sides, generator


def _log_distance(points: Points, among: Points, neighbour: int) -> np.ndarray:
    """The log distance to the nearest row but `neighbour` - 1: [N]."""
    return np.asarray(np.log(np.maximum(nearest(points, among, neighbour)[0][:, -1], 1e-4)))
