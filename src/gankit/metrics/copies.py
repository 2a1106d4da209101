"""Copies: do the fakes repeat training rows, exactly or nearly, and can one tell who was in the training data?

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
from typing import Any

import numpy as np

from gankit.metrics.auc import auc, auc_interval, midranks, true_positive_rate
from gankit.metrics.neighbours import Points, Space, nearest
from gankit.metrics.sample import Sample, concatenate
from gankit.metrics.score import Score, binomial_interval, impossible, plain
from gankit.randomness import key, numpy_generator

_MAX_ROWS = 5000
_MAX_REFERENCE_ROWS = 10_000
_NUM_WORST = 10
_NUM_EXAMPLES = 5
_NUM_CELLS = 30
_MIN_CELL_ROWS = 40
_MAX_CELLS = 10
_POPULATION_NEIGHBOUR = 5  # steady where the population is sparse; benchmarks/metrics.md compares others


def copies_exact(train: Sample, heldout: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """The share of fakes that equal a training row in every column, to the bit; best 0.

    Chance makes copies where rows have few possible values: `details["heldout_share"]`, the same share of held-out
    rows, is what honest fakes show. The interval is the exact binomial one. Deterministic; `seed` is not used. See the
    module for what this proves.
    """
    if not fake.num_rows or not train.num_rows:
        return impossible(0.0, "one of the samples has no rows")
    known = row_hashes(train)
    hashes = row_hashes(fake)
    hit = np.isin(hashes, known)
    share = float(np.isin(row_hashes(heldout), known).mean()) if heldout.num_rows else None
    low, high = binomial_interval(int(hit.sum()), len(hit))
    details = {
        "copies": int(hit.sum()),
        "rows": len(hit),
        "heldout_share": share,
        "unique_copied": len(np.unique(hashes[hit])),
        "examples": [{"fake": fake.row(int(i))} for i in np.flatnonzero(hit)[:_NUM_EXAMPLES]],
    }
    return Score(float(hit.mean()), low, high, 0.0, plain(details))


def row_hashes(sample: Sample) -> np.ndarray:
    """A 64-bit hash of each row: [N] uint64, equal for equal rows (-0 and 0 are equal, and so are two missing values).

    Different rows share a hash with chance about 5e-20 a pair (splitmix64's finaliser after each column).
    """
    out = np.full(sample.num_rows, 0x9E3779B97F4A7C15, np.uint64)
    for name in sample.names:
        values = sample.columns[name]
        if sample.kinds[name] == "number":
            values = np.where(np.isnan(values), np.nan, values + 0.0)  # one NaN, and -0.0 + 0.0 = 0.0
            bits = values.view(np.uint64)
        else:
            bits = values.astype(np.int64).view(np.uint64)
        out = _mix(out ^ _mix(bits + np.uint64(0x632BE59BD9B4E019)))
    return out


def _mix(x: np.ndarray) -> np.ndarray:
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def copies_near(train: Sample, heldout: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """The share of fakes that lie closer to a training row than to any held-out row; best .5, the chance level.

    Training rows are subsampled to as many as there are held-out ones (at most 10,000 of each, 5,000 fakes), so that
    honest fakes are closer to either with chance 1/2; a tie counts half. The distance is that of `neighbours.Space`,
    with these held-out and training rows as its scale. The interval is that of `nearer_share`.

    details["three_sample"]: the test of Meehan et al. (2020): z of Mann & Whitney between the distances to the nearest
    training row of fakes and of held-out rows (negative: the fakes are closer, p is one-sided for that), overall and as
    the mean over cells of the space, weighted by their share of held-out rows (cells_z). Scale and cells are those of
    the training rows (up to 10,000): of rows that honest fakes and held-out rows are equally strange to.
    details["worst"]: the fakes that are much nearer to a training row than to a held-out one. See the module for what
    this proves, and benchmarks/metrics.md for how seldom honest fakes are accused.
    """
    generator = numpy_generator(seed, "metrics/copies_near")
    rows = min(train.num_rows, heldout.num_rows, _MAX_REFERENCE_ROWS)
    if rows < 2 or fake.num_rows < 2:
        return impossible(0.5, "fewer than two rows to compare distances with")
    fake = fake.subsample(_MAX_ROWS, generator)
    known = train.subsample(_MAX_REFERENCE_ROWS, generator)
    train, heldout = train.subsample(rows, generator), heldout.subsample(rows, generator)
    space = Space(concatenate(train, heldout), key(seed, "metrics/copies_near/space"))
    members, others, fakes = (space.place(s) for s in (train, heldout, fake))
    (to_train, index), (to_heldout, other) = ([v[:, 0] for v in nearest(fakes, p)] for p in (members, others))
    three_sample, fake_to_known, heldout_to_known = _three_sample(
        known, heldout.subsample(_MAX_ROWS, generator), fake, seed
    )
    details = {
        "closer": int((to_train < to_heldout).sum()),
        "ties": int((to_train == to_heldout).sum()),
        "rows": len(to_train),
        "three_sample": three_sample,
        "distance": {
            "train_median": float(np.median(to_train)),
            "heldout_median": float(np.median(to_heldout)),
            **_histograms(fake_to_known, heldout_to_known),
        },
        "worst": _worst(fake, train, to_train, to_heldout, index),
    }
    return Score(*nearer_share(to_train, to_heldout, index, other, rows), 0.5, plain(details))


def nearer_share(
    to_train: np.ndarray, to_heldout: np.ndarray, train_row: np.ndarray, heldout_row: np.ndarray, num_rows: int
) -> tuple[float, float, float]:
    """The share of fakes nearer to a training row than to a held-out one, ties counting half, and its 95% interval.

    The interval takes the reference rows for the samples that they are: all fakes near one row are decided by it
    together, so that a binomial interval is too narrow wherever there are more fakes than such rows. With w_j the fakes
    without a tie whose nearest of all 2n rows is row j, the share is A / N with A the sum of w over training rows and
    N fakes, and its variance (by linearisation, v the share)
    n / N^2 ((1 - v)^2 Var[w_j, j in train] + v^2 Var[w_j, j held out]).

    to_train, to_heldout: [N] distances; train_row, heldout_row: [N] the rows they lead to, in [0, num_rows).
    """
    from scipy.stats import t

    nearer, tied = to_train < to_heldout, to_train == to_heldout
    value = float((nearer + 0.5 * tied).mean())
    variance = 0.0
    for weight, rows in ((1 - value, train_row[nearer]), (value, heldout_row[~nearer & ~tied])):
        variance += weight**2 * num_rows * float(np.bincount(rows, minlength=num_rows).var(ddof=1))
    half = float(t.ppf(0.975, num_rows - 1)) * math.sqrt(variance) / len(to_train)
    return value, max(0.0, value - half), min(1.0, value + half)


def _histograms(fake: np.ndarray, heldout: np.ndarray) -> dict[str, Any]:
    """Histograms of the distances to the nearest training row, as shares, for a picture.

    The cells span 0 to the 99.5% point of both; the last one holds what lies beyond.
    """
    reach = float(np.quantile(np.concatenate([fake, heldout]), 0.995))
    edges = np.linspace(0, reach if reach > 0 else 1.0, _NUM_CELLS + 1)
    shares = {
        who: np.histogram(np.minimum(values, edges[-1]), edges)[0] / len(values)
        for who, values in (("fake", fake), ("heldout", heldout))
    }
    return {"edges": edges, **shares}


def _worst(
    fake: Sample, train: Sample, to_train: np.ndarray, to_heldout: np.ndarray, index: np.ndarray
) -> list[dict[str, Any]]:
    """The fakes with the smallest ratio of distances; of equal ratios (a copy has 0) the loneliest first."""
    ratio = np.where(to_heldout > 0, to_train / np.where(to_heldout > 0, to_heldout, 1), 1.0)
    order = np.lexsort((-to_heldout, ratio))[:_NUM_WORST]
    return [
        {
            "fake": fake.row(int(i)),
            "train": train.row(int(index[i])),
            "distance_train": float(to_train[i]),
            "distance_heldout": float(to_heldout[i]),
        }
        for i in order
        if ratio[i] < 1
    ]


def mann_whitney_z(a: np.ndarray, b: np.ndarray) -> float:
    """Z of Mann & Whitney's U with ties corrected: negative when `a` tends to be smaller; 0 when all are equal.

    >>> round(mann_whitney_z(np.array([1.0, 2.0]), np.array([3.0, 4.0])), 4)
    -1.5492
    """
    n, m = len(a), len(b)
    both = np.concatenate([a, b])
    ranks = midranks(both)
    u = ranks[:n].sum() - n * (n + 1) / 2
    _, counts = np.unique(both, return_counts=True)
    total = n + m
    variance = n * m / 12 * (total + 1 - float((counts.astype(float) ** 3 - counts).sum()) / (total * (total - 1)))
    return 0.0 if variance <= 0 else float((u - n * m / 2) / math.sqrt(variance))


def _three_sample(
    train: Sample, heldout: Sample, fake: Sample, seed: int
) -> tuple[dict[str, Any], np.ndarray, np.ndarray]:
    """Z_U over all rows, and C_T: the mean of Z_U over cells, weighted by held-out rows; with the distances to the
    nearest training row of fakes and of held-out rows.

    Cells with fewer than 10 rows of either side are left out. As each cell's z is standard normal under honest fakes,
    the weighted mean has deviation sqrt(sum of squared weights), which gives cells_p. Departure from the paper: the
    cells are k-means of the training rows. They and the scale must not come from the held-out rows: these would lie in
    cells of fewer other rows than fresh ones do, and where there are few columns that alone told them apart.
    """
    from scipy.stats import norm
    from sklearn.cluster import KMeans

    space = Space(train, key(seed, "metrics/copies_near/train"))
    members, others, fakes = (space.place(s) for s in (train, heldout, fake))
    near, usual = (nearest(points, members)[0][:, 0] for points in (fakes, others))
    z = mann_whitney_z(near, usual)
    out: dict[str, Any] = {"z": z, "p": float(norm.cdf(z)), "cells_z": None, "cells_p": None, "cells": 0}
    cells = min(_MAX_CELLS, min(fakes.num_rows, others.num_rows) // _MIN_CELL_ROWS)
    if cells < 2 or len(np.unique(members.euclid[:1000], axis=0)) < cells:
        return out, near, usual
    model = KMeans(cells, n_init=1, max_iter=30, random_state=key(seed, "metrics/copies_near/cells") % 2**32)
    model.fit(members.euclid)
    fake_cell, heldout_cell = model.predict(fakes.euclid), model.predict(others.euclid)
    scores, weights = [], []
    for k in range(cells):
        a, b = near[fake_cell == k], usual[heldout_cell == k]
        if min(len(a), len(b)) >= 10:
            scores.append(mann_whitney_z(a, b))
            weights.append(len(b))
    if scores:
        share = np.array(weights) / sum(weights)
        mean = float(share @ np.array(scores))
        p = float(norm.cdf(mean / math.sqrt(float(share @ share))))
        out |= {"cells_z": mean, "cells_p": p, "cells": len(scores)}
    return out, near, usual


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
    generator = numpy_generator(seed, "metrics/membership")
    half = min(heldout.num_rows // 2, _MAX_ROWS)
    rows = min(half, train.num_rows)
    if rows < 2 or half < _POPULATION_NEIGHBOUR or fake.num_rows < 1:
        return impossible(0.5, "too few rows: the held-out rows are both population and non-members")
    shuffled = generator.permutation(heldout.num_rows)
    population, strangers = heldout.take(shuffled[:half]), heldout.take(shuffled[half : half + rows])
    members = train.subsample(rows, generator)
    fake = fake.subsample(2 * _MAX_ROWS, generator)
    # The scale comes from members and strangers alike: rows that set it lie differently in it than others do.
    space = Space(concatenate(members, strangers), key(seed, "metrics/membership/space"))
    crowd, forged = space.place(population), space.place(fake)
    scores = []
    for sample in (members, strangers):
        points = space.place(sample)
        scores.append(_log_distance(points, crowd, _POPULATION_NEIGHBOUR) - _log_distance(points, forged, 1))
    inside, outside = scores
    area, variance = auc(inside, outside)
    details: dict[str, Any] = {"members": len(inside), "non_members": len(outside)}
    for name, rate, least in (("tpr_at_1", 0.01, 100), ("tpr_at_0_1", 0.001, 1000)):
        details |= {name: None, f"{name}_low": None, f"{name}_high": None}
        if len(outside) >= least:
            found, _ = true_positive_rate(inside, outside, rate)
            low, high = binomial_interval(found, len(inside))
            details |= {name: found / len(inside), f"{name}_low": low, f"{name}_high": high}
    return Score(area, *auc_interval(area, variance), 0.5, plain(details))


def _log_distance(points: Points, among: Points, neighbour: int) -> np.ndarray:
    """The log distance to the nearest row but `neighbour` - 1: [N]."""
    return np.asarray(np.log(np.maximum(nearest(points, among, neighbour)[0][:, -1], 1e-4)))
