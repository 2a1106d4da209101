"""Classifier two-sample tests: can a classifier tell the fakes from the real rows?

Knows two samples and off-the-shelf classifiers; never how a sample was made.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from gankit.metrics.auc import auc, auc_interval
from gankit.metrics.features import boosted_trees, linear_features, tree_features
from gankit.metrics.sample import Sample, align, concatenate
from gankit.metrics.score import Score, impossible
from gankit.randomness import key, numpy_generator

_FOLDS = 3
# fit(training rows, labels, rows to judge) -> probability of being real
Judge = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def c2st_trees(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """How well the fakes hold against boosted trees (Lopez-Paz & Oquab 2017): 1 - (2 max(.5, AUC) - 1), best 1.

    Out of fold AUC of 3 stratified folds on equally many real and fake rows; 0 means that every fake is found out.
    More rows make better judges, so compare figures at equal numbers of rows only. A held-out sample as `real` keeps
    copies from scoring well.

    The interval is DeLong's for the mean of the folds' areas.
    """
    return _c2st(real, fake, seed, _tree_judge)


def c2st_linear(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """How well the fakes hold against logistic regression, as in `c2st_trees`: first moments, no interactions."""
    return _c2st(real, fake, seed, _linear_judge)


def _c2st(real: Sample, fake: Sample, seed: int, make: Callable[[Sample, int], Judge]) -> Score:
    rows = min(real.num_rows, fake.num_rows)
    if rows < 2 * _FOLDS:
        return impossible(1.0, f"{rows} rows are too few for {_FOLDS} folds; {2 * _FOLDS} are the least")
    generator = numpy_generator(seed, "metrics/c2st")
    both = concatenate(real.subsample(rows, generator), fake.subsample(rows, generator))
    is_real = np.repeat([1, 0], rows)
    judge = make(both, key(seed, "metrics/c2st/judge"))
    fold = np.concatenate([_folds(rows, generator), _folds(rows, generator)])
    probability = np.empty(2 * rows)
    areas = []
    for k in range(_FOLDS):
        test = fold == k
        probability[test] = judge(np.flatnonzero(~test), is_real[~test], np.flatnonzero(test))
        areas.append(auc(probability[test & (is_real == 1)], probability[test & (is_real == 0)]))
    value = 1 - float(np.mean([2 * max(0.5, a) - 1 for a, _ in areas]))
    return _score(
        value,
        float(np.mean([a for a, _ in areas])),
        float(np.mean([v for _, v in areas])) / _FOLDS,
        probability,
        is_real,
    )


def _score(value: float, area: float, variance: float, probability: np.ndarray, is_real: np.ndarray) -> Score:
    low, high = auc_interval(area, variance)
    says_real = probability > 0.5
    right = says_real == (is_real == 1)
    found = says_real & (is_real == 1)
    details = {
        "auc": area,
        "auc_low": low,
        "auc_high": high,
        "accuracy": float(right.mean()),
        "precision": float(found.sum() / says_real.sum()) if says_real.any() else None,
        "recall": float(found.sum() / (is_real == 1).sum()),
        "folds": _FOLDS,
        "rows": int((is_real == 1).sum()),
    }
    bounds = [2 - 2 * max(0.5, a) for a in (high, low)]
    return Score(value, min(bounds[0], value), max(bounds[1], value), 1.0, details)


def _folds(rows: int, generator: np.random.Generator) -> np.ndarray:
    """A fold for each row, in random order and as equal as can be: [rows] int64."""
    return generator.permutation(np.arange(rows) % _FOLDS)


def _tree_judge(both: Sample, seed: int, num_trees: int = 100, rate: float = 0.1) -> Judge:
    features = tree_features(both, both, both.names)

    def judge(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
        x, categorical = features.matrix, features.categorical
        return boosted_trees(
            x[train], labels, x[test], categorical, task="classification", seed=seed, num_trees=num_trees, rate=rate
        )[:, 1]

    return judge


def _linear_judge(both: Sample, seed: int) -> Judge:
    from sklearn.linear_model import LogisticRegression

    features = linear_features(both, both)

    def judge(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
        model = LogisticRegression(max_iter=1000, tol=1e-3).fit(features[train], labels)
        return np.asarray(model.predict_proba(features[test])[:, 1])

    return judge


def quick_c2st(real: Sample, fake: Sample, seed: int, max_rows: int = 5000) -> Score:
    """A fast `c2st_trees` for choosing among checkpoints: two folds, fewer and steeper trees.

    At most `max_rows` rows of each side are used, the same for the same seed, so that figures along a training are
    comparable. They are milder than those of `c2st_trees` and rank models nearly alike (.97, benchmarks/metrics.md);
    near 1, where the value is cut, details["auc"] is not. details: auc, rows.
    """
    rows = min(real.num_rows, fake.num_rows, max_rows)
    if rows < 4:
        return impossible(1.0, f"{rows} rows are too few; 4 are the least")
    generator = numpy_generator(seed, "metrics/quick_c2st")
    real, fake = align(real, fake)
    both = concatenate(real.subsample(rows, generator), fake.subsample(rows, generator))
    judge = _tree_judge(both, key(seed, "metrics/quick_c2st/judge"), num_trees=40, rate=0.2)
    half = np.concatenate([generator.permutation(rows) % 2, generator.permutation(rows) % 2])
    is_real = np.repeat([1, 0], rows)
    areas = []
    for k in (0, 1):
        test = half == k
        p = judge(np.flatnonzero(~test), is_real[~test], np.flatnonzero(test))
        areas.append(auc(p[is_real[test] == 1], p[is_real[test] == 0]))
    area = float(np.mean([a for a, _ in areas]))
    low, high = auc_interval(area, float(np.mean([v for _, v in areas])) / 2)
    value = 2 - 2 * max(0.5, area)
    details = {"auc": area if math.isfinite(area) else None, "rows": rows}
    return Score(value, 2 - 2 * max(0.5, high), 2 - 2 * max(0.5, low), 1.0, details)
