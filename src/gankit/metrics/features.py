"""Samples as the matrices that classifiers take.

Knows samples; never what the classifiers are asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gankit.metrics.sample import Sample

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

_TREE_LEVELS = 254  # scikit-learn's histograms hold at most 255 levels; the last one takes the rest
_LINEAR_LEVELS = 100


def tree_features(sample: Sample, reference: Sample, names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """The columns `names` of `sample` for `HistGradientBoosting*`: [N, C] float64, NaN = missing; and which are
    categorical: [C] bool.

    Levels rare in `reference` share one code. A two-level or constant column stays categorical. Infinite numbers become
    the largest float32, in their order.
    """
    matrix = np.empty((sample.num_rows, len(names)))
    for i, name in enumerate(names):
        values = sample.columns[name]
        if sample.kinds[name] == "number":
            matrix[:, i] = np.clip(values, -3e38, 3e38)
        else:
            codes = np.minimum(frequency_ranks(reference, name), _TREE_LEVELS - 1)[values]
            matrix[:, i] = np.where(values < 0, np.nan, codes)
    return matrix, np.array([sample.kinds[n] == "category" for n in names], bool)


def frequency_ranks(reference: Sample, name: str) -> np.ndarray:
    """Level code -> rank by frequency in `reference`, 0 = the most frequent: [num_levels or 1] int64."""
    num_levels = max(len(reference.levels[name]), 1)
    values = reference.columns[name]
    return np.argsort(np.argsort(-np.bincount(values[values >= 0], minlength=num_levels), kind="stable"))


def linear_features(sample: Sample, reference: Sample) -> csr_matrix:
    """Standardised numbers, flags of missing ones, and one-hot levels: sparse [N, D] float64.

    Numbers are centred and scaled by mean and deviation in `reference` and cut at 10 deviations; missing ones are 0
    beside a flag. Of a category the 100 levels most frequent in `reference` and missing have a column each.
    """
    from scipy.sparse import csr_matrix, hstack

    rows = np.arange(sample.num_rows)
    blocks: list[Any] = []
    for name in sample.names:
        values = sample.columns[name]
        if sample.kinds[name] == "number":
            known = reference.columns[name]
            known = known[np.isfinite(known)]
            centre, spread = (float(known.mean()), float(known.std())) if len(known) else (0.0, 0.0)
            scaled = np.clip((values - centre) / (spread if spread > 0 else 1.0), -10, 10)
            missing = np.isnan(values)
            blocks.append(csr_matrix(np.stack([np.where(missing, 0.0, scaled), missing.astype(float)], 1)))
            continue
        ranks = frequency_ranks(reference, name)
        width = min(len(ranks), _LINEAR_LEVELS) + 1
        column = np.where(values < 0, width - 1, ranks[values])
        kept = column < width
        blocks.append(csr_matrix((np.ones(kept.sum()), (rows[kept], column[kept])), (sample.num_rows, width)))
    return csr_matrix(hstack(blocks, format="csr"))


def boosted_trees(
    train: np.ndarray,
    labels: np.ndarray,
    test: np.ndarray,
    categorical: np.ndarray,
    *,
    task: Literal["classification", "regression"],
    seed: int,
    num_trees: int = 100,
    rate: float = 0.1,
) -> np.ndarray:
    """What histogram boosting, fitted on `train`, says of `test`: P(class) [N, classes in order], or numbers [N].

    train: [M, C], test: [N, C] float64 with NaN for missing; categorical: [C] bool; labels: [M]. Early stopping is off:
    it would hold back rows and make small fits depend on chance. One thread: where other work runs, threads that wait
    for each other made an evaluation of Adult three times as long.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it ships no types

    known = ~np.isnan(train).all(0)  # scikit-learn has no bins for a number that is never there
    if not known.any():
        train, test = np.zeros((len(train), 1)), np.zeros((len(test), 1))
        known = np.array([True])
        categorical = np.array([False])
    kind = HistGradientBoostingClassifier if task == "classification" else HistGradientBoostingRegressor
    with threadpool_limits(1, "openmp"):
        model = kind(
            max_iter=num_trees,
            learning_rate=rate,
            categorical_features=categorical[known] if categorical[known].any() else None,
            early_stopping=False,
            min_samples_leaf=min(20, max(2, len(train) // 20)),  # the library's 20 would leave small samples unsplit
            random_state=seed % 2**32,
        ).fit(train[:, known], labels)
        found = model.predict_proba(test[:, known]) if task == "classification" else model.predict(test[:, known])
    return np.asarray(found, np.float64)
