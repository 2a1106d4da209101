"""Classifier two-sample tests: can a classifier tell the fakes from the real rows?

Knows two samples and off-the-shelf classifiers; never how a sample was made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from gankit.metrics.classification import Judge, c2st_score, out_of_fold
from gankit.metrics.features import boosted_trees, linear_features, tree_features
from gankit.metrics.sample import Sample, align, concatenate
from gankit.metrics.score import Score, impossible
from gankit.randomness import key, numpy_generator

_FOLDS = 3


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


def _c2st(real: Sample, fake: Sample, seed: int, make: Callable[[Sample, np.ndarray, int], Judge]) -> Score:
    rows = min(real.num_rows, fake.num_rows)
    if rows < 2 * _FOLDS:
        return impossible(1.0, f"{rows} rows are too few for {_FOLDS} folds; {2 * _FOLDS} are the least")
    generator = numpy_generator(seed, "metrics/c2st")
    both = concatenate(real.subsample(rows, generator), fake.subsample(rows, generator))
    is_real = np.repeat([True, False], rows)
    fold = np.concatenate([generator.permutation(np.arange(rows) % _FOLDS) for _ in (real, fake)])
    said, areas = out_of_fold(make(both, is_real, key(seed, "metrics/c2st/judge")), is_real, fold)
    value = 1 - float(np.mean([2 * max(0.5, a) - 1 for a, _ in areas]))
    return c2st_score(said > 0.5, is_real, areas, value)


def _tree_judge(both: Sample, is_real: np.ndarray, seed: int, num_trees: int = 100, rate: float = 0.1) -> Judge:
    x, categorical = tree_features(both, both, both.names)

    def judge(test: np.ndarray, _: int) -> np.ndarray:
        return boosted_trees(
            x[~test], is_real[~test], x[test], categorical, task="classification",
            seed=seed, num_trees=num_trees, rate=rate,
        )[:, 1]  # fmt: skip

    return judge


def _linear_judge(both: Sample, is_real: np.ndarray, seed: int) -> Judge:
    from sklearn.linear_model import LogisticRegression

    x = linear_features(both, both)

    def judge(test: np.ndarray, _: int) -> np.ndarray:
        model = LogisticRegression(max_iter=1000, tol=1e-3).fit(x[~test], is_real[~test])
        return np.asarray(model.predict_proba(x[test])[:, 1])

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
    is_real = np.repeat([True, False], rows)
    judge = _tree_judge(both, is_real, key(seed, "metrics/quick_c2st/judge"), num_trees=40, rate=0.2)
    half = np.concatenate([generator.permutation(rows) % 2, generator.permutation(rows) % 2])
    said, areas = out_of_fold(judge, is_real, half)
    score = c2st_score(said > 0.5, is_real, areas)
    return replace(score, details={"auc": score.details["auc"], "rows": rows})
