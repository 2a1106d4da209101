"""Usefulness: does a model that is trained on fakes work on real rows?

Knows a sample to train on and held-out real rows; never how the sample was made.
"""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np

from gankit.metrics.features import boosted_trees, frequency_ranks, tree_features
from gankit.metrics.sample import Sample
from gankit.metrics.score import Score, around, impossible, resampled_counts
from gankit.randomness import key, numpy_generator

_NAMES = ("target", "label", "class", "y", "outcome", "income", "species", "survived")  # the whole name
_WORDS = ("target", "label", "class", "outcome")  # one word of the name; income or species may be an input there
_MAX_LEVELS = 20
_REPLICATES = 30
_MAX_CLASSES = 30
_MAX_VALUES = 3_000_000  # cells of the training matrix, so that wide tables end too


def guess_target(sample: Sample) -> str | None:
    """The column a user would most likely predict; None with fewer than two columns.

    Prefers a column called target, label, class, y, outcome, income, species or survived, then one with
    the word target, label, class or outcome in its name, then the last category of 2 to 20 levels, then the last
    column. A category of other than 2 to 20 levels is taken as the last resort only.

    >>> s = Sample({"y": np.zeros(2), "x": np.ones(2)}, {"y": "number", "x": "number"})
    >>> guess_target(s)
    'y'
    """
    if len(sample.names) < 2:
        return None
    fit = [n for n in sample.names if sample.kinds[n] == "number" or 2 <= len(sample.levels[n]) <= _MAX_LEVELS]
    for wanted in _NAMES:
        for name in fit:
            if name.strip().lower() == wanted:
                return name
    for wanted in _WORDS:
        for name in fit:
            if wanted in re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()):
                return name
    few = [n for n in fit if sample.kinds[n] == "category"]
    return few[-1] if few else sample.names[-1]


def usefulness(train: Sample, heldout: Sample, fake: Sample, *, target: str, seed: int = 0) -> Score:
    """How well boosted trees trained on the fakes predict `target` on held-out real rows: AUC or R2, best 1.

    A category gives the ROC AUC (macro, one level against the rest, over levels the held-out rows hold; at most the 30
    most frequent in `train`), a number R2. `train` only says which levels are frequent; in the place of `fake` it gives
    the ceiling. Rows whose target is missing are left out. The interval is a normal one from 30 bootstraps of the
    held-out rows: it holds for this one trained model.
    """
    if target not in train.names or len(train.names) < 2:
        return impossible(1.0, "there is no column to predict, or none to predict it from")
    present = [_with_target(s, target) for s in (fake, heldout)]
    if min(s.num_rows for s in present) < 2:
        return impossible(1.0, f"fewer than two rows with a value of {target!r} to learn from or to test on")
    learn, test = present
    inputs = tuple(n for n in train.names if n != target)
    generator = numpy_generator(seed, "metrics/usefulness")
    learn = learn.subsample(max(200, _MAX_VALUES // len(inputs)), generator)
    (x, categorical), (test_x, _) = (tree_features(s, train, inputs) for s in (learn, test))
    counts = resampled_counts(test.num_rows, _REPLICATES, generator)
    is_number = train.kinds[target] == "number"
    details: dict[str, Any] = {
        "target": target,
        "task": "regression" if is_number else "classification",
        "figure": "r2" if is_number else "auc",
        "train_rows": learn.num_rows,
        "test_rows": test.num_rows,
        "classes": None,
    }
    tree_seed = key(seed, "metrics/usefulness/model")
    truth = test.columns[target]
    if is_number:
        if truth.std() == 0:
            return impossible(1.0, f"{target!r} is constant in the held-out rows")
        guess = boosted_trees(x, learn.columns[target], test_x, categorical, task="regression", seed=tree_seed)
        error = (truth - guess) ** 2
        value = r_squared(truth, error)
        replicates = [r_squared(truth, error, c) for c in counts]
        return Score(value, *around(value, replicates, floor=-math.inf), 1.0, details)
    ranks = frequency_ranks(train, target)
    classes = [int(c) for c in np.argsort(ranks)[:_MAX_CLASSES] if 0 < (truth == c).sum() < len(truth)]
    details["classes"] = len(classes)
    if not classes:
        return impossible(1.0, f"the held-out rows hold a single level of {target!r}")
    probability = _probabilities(x, learn.columns[target], test_x, categorical, classes, tree_seed)
    areas = np.array([_areas(probability[:, k], truth == c, counts) for k, c in enumerate(classes)])  # [classes, 1 + R]
    known = np.isfinite(areas)
    means = np.where(known, areas, 0.0).sum(0) / np.where(known.any(0), known.sum(0), np.nan)
    return Score(float(means[0]), *around(float(means[0]), means[1:]), 1.0, details)


def r_squared(truth: np.ndarray, squared_error: np.ndarray, weights: np.ndarray | None = None) -> float:
    """1 - sum w e / sum w (y - mean y)^2: the share of the variance that is explained; NaN when there is none."""
    weight = np.ones(len(truth)) if weights is None else weights
    centred = truth - np.average(truth, weights=weight)
    total = float(np.sum(weight * centred**2))
    return 1 - float(np.sum(weight * squared_error)) / total if total > 0 else math.nan


def _with_target(sample: Sample, target: str) -> Sample:
    values = sample.columns[target]
    return sample.take(np.isfinite(values) if sample.kinds[target] == "number" else values >= 0)


def _probabilities(
    x: np.ndarray, y: np.ndarray, test: np.ndarray, categorical: np.ndarray, classes: list[int], seed: int
) -> np.ndarray:
    """P(class) for each test row: [N, len(classes)]; a class not learned gets 0. Others are one class, "rest"."""
    place = {c: k for k, c in enumerate(classes)}
    labels = np.array([place.get(int(c), len(classes)) for c in y])
    seen = np.unique(labels)
    out = np.zeros((len(test), len(classes) + 1))
    if len(seen) == 1:
        out[:, seen[0]] = 1.0
    else:
        num_trees = max(20, min(100, 400 // len(seen)))  # each class costs a tree a round
        out[:, seen] = boosted_trees(
            x, labels, test, categorical, task="classification", seed=seed, num_trees=num_trees
        )
    return out[:, : len(classes)]


def _areas(probability: np.ndarray, truth: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The ROC AUC of the rows and of each bootstrap replicate: [1 + R], NaN where a replicate lacks a class."""
    _, cell = np.unique(probability, return_inverse=True)
    out = np.empty(1 + len(counts))
    for i, weight in enumerate([np.ones(len(truth)), *counts]):
        positive, negative = (np.bincount(cell, weight * side) for side in (truth, ~truth))
        total = positive.sum() * negative.sum()
        below = np.cumsum(negative) - negative / 2
        out[i] = float((positive * below).sum() / total) if total > 0 else math.nan
    return out
