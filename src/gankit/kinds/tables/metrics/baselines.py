"""Three plain makers of fakes, to put any model's figures in proportion.

Knows a training sample; never the metrics.
"""

from __future__ import annotations

import numpy as np

from gankit.metrics.sample import Sample
from gankit.randomness import numpy_generator


def bootstrap(train: Sample, num_rows: int, seed: int) -> Sample:
    """Training rows drawn with replacement: perfect but for new rows, since every row is a copy."""
    generator = numpy_generator(seed, "metrics/baselines/bootstrap")
    return train.take(generator.integers(0, train.num_rows, num_rows))


def independent(train: Sample, num_rows: int, seed: int) -> Sample:
    """Each column drawn for itself from the training rows: perfect marginals, no relation between columns."""
    columns = {}
    for i, name in enumerate(train.names):
        generator = numpy_generator(seed, "metrics/baselines/independent", i)
        columns[name] = train.columns[name][generator.integers(0, train.num_rows, num_rows)]
    return Sample(columns, train.kinds, train.levels)


def copula(train: Sample, num_rows: int, seed: int) -> Sample:
    """A Gaussian copula: observed values in each column, and correlations of the normal scores between them.

    Every column is ordered (numbers by value with missing last, categories by falling frequency) and a value takes a
    random place in its share of [0, 1] (the distributional transform, Rueschendorf 2009), so that atoms and categories
    become normal scores too. The correlation matrix is shrunk towards the identity (Ledoit & Wolf 2004), which keeps it
    positive definite.
    """
    from scipy.special import ndtr, ndtri
    from sklearn.covariance import ledoit_wolf_shrinkage

    generator = numpy_generator(seed, "metrics/baselines/copula")
    orders = [_ordered(train, name) for name in train.names]
    scores = np.empty((train.num_rows, len(orders)))
    for i, (_, starts, place) in enumerate(orders):
        width = np.diff(starts)[place]
        u = (starts[place] + width * generator.random(train.num_rows)) / train.num_rows
        scores[:, i] = ndtri(np.clip(u, 1e-9, 1 - 1e-9))
    scores -= scores.mean(0)
    spread = scores.std(0)
    scores /= np.where(spread > 0, spread, 1.0)
    correlation = scores.T @ scores / max(len(scores), 1)
    shrinkage = float(ledoit_wolf_shrinkage(scores, assume_centered=True)) if len(scores) > 1 else 1.0
    shrinkage = min(1.0, max(shrinkage, 1e-4))
    correlation = (1 - shrinkage) * correlation + shrinkage * np.eye(len(orders))
    np.fill_diagonal(correlation, 1.0)
    normal = generator.standard_normal((num_rows, len(orders))) @ np.linalg.cholesky(correlation).T
    columns = {}
    for i, name in enumerate(train.names):
        values, starts, _ = orders[i]
        at = np.minimum((ndtr(normal[:, i]) * train.num_rows).astype(np.int64), train.num_rows - 1)
        columns[name] = values[np.searchsorted(starts, at, side="right") - 1]
    return Sample(columns, train.kinds, train.levels)


def _ordered(train: Sample, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(different values [K] in order, where each one's rows start [K + 1], each row's place among them [N])."""
    values, place, counts = np.unique(train.columns[name], return_inverse=True, return_counts=True)  # NaN: one, last
    if train.kinds[name] == "category":
        order = np.argsort(-counts, kind="stable")
        values, counts, place = values[order], counts[order], np.argsort(order)[place]
    return values, np.concatenate([[0], np.cumsum(counts)]), place
