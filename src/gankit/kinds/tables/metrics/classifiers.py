"""What classifiers say of rows: two-sample tests, usefulness (trained on fakes, tested on real rows), and whether the
other columns follow the real distribution given a value of one.

Knows samples and off-the-shelf classifiers; never how a sample was made.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gankit.kinds.tables.metrics.distributions import cut, kolmogorov_distance, total_variation
from gankit.kinds.tables.metrics.sample import (
    Sample,
    align,
    concatenate,
    evenly,
    frequency_ranks,
    linear_features,
    tree_features,
)
from gankit.metrics.classification import Judge, boosted_trees, c2st_score, out_of_fold
from gankit.metrics.metric import Score, around, impossible, plain, resampled_counts
from gankit.randomness import key, numpy_generator

_FOLDS = 3
_NAMES = ("target", "label", "class", "y", "outcome", "income", "species", "survived")  # the whole name
_WORDS = ("target", "label", "class", "outcome")  # one word of the name; income or species may be an input there
_MAX_LEVELS, _TWIN_ROWS = 20, 5000
_REPLICATES, _CONDITIONAL_REPLICATES = 30, 12
_MAX_CLASSES = 30
_MAX_VALUES = 3_000_000  # cells of the training matrix, so that wide tables end too
_MIN_ROWS, _NUM_BINS, _NUM_LEVELS = 10, 4, 12  # of a value that the other columns are compared given
_WORST = 5
_MAX_COLUMNS = 60


def c2st_trees(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """How well the fakes hold against boosted trees (Lopez-Paz & Oquab 2017): 1 - (2 max(.5, AUC) - 1), best 1.

    Out of fold AUC of 3 stratified folds on equally many real and fake rows; 0 means that every fake is found out.
    More rows train better classifiers: compare figures at equal numbers only. A held-out sample as `real` keeps copies
    from scoring well. The interval is DeLong's for the mean of the folds' areas.
    """
    return _c2st(real, fake, seed, _tree_judge)


def c2st_linear(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """How well the fakes hold against logistic regression, as in `c2st_trees`: first moments, no interactions."""
    return _c2st(real, fake, seed, _linear_judge)


def _c2st(real: Sample, fake: Sample, seed: int, make: Callable[[Sample, np.ndarray, int], Judge]) -> Score:
    rows = min(real.num_rows, fake.num_rows)
    if rows < 2 * _FOLDS:
        return impossible(1.0, f"{rows} rows are too few for {_FOLDS} folds; {2 * _FOLDS} are the least")
    says_real, is_real, areas = _classified(real, fake, rows, _FOLDS, make, seed, "metrics/c2st")
    value = 1 - float(np.mean([2 * max(0.5, a) - 1 for a, _ in areas]))
    return c2st_score(says_real, is_real, areas, value)


def _classified(
    real: Sample, fake: Sample, rows: int, folds: int, make: Callable[[Sample, np.ndarray, int], Judge], seed: int,
    purpose: str,
) -> tuple[np.ndarray, np.ndarray, list[tuple[float, float]]]:  # fmt: skip
    """Which of as many rows of both sides a classifier calls real, out of fold; which are; the areas of the folds."""
    generator = numpy_generator(seed, purpose)
    both = concatenate(real.subsample(rows, generator), fake.subsample(rows, generator))
    is_real = np.repeat([True, False], rows)
    fold = np.concatenate([generator.permutation(np.arange(rows) % folds) for _ in (real, fake)])
    said, areas = out_of_fold(make(both, is_real, key(seed, f"{purpose}/judge")), is_real, fold)
    return said > 0.5, is_real, areas


def _tree_judge(both: Sample, is_real: np.ndarray, seed: int, num_trees: int = 100, rate: float = 0.1) -> Judge:
    x, categorical = tree_features(both, both, both.names)
    fit = partial(boosted_trees, task="classification", seed=seed, num_trees=num_trees, rate=rate)

    def judge(test: np.ndarray, _: int) -> np.ndarray:
        return fit(x[~test], is_real[~test], x[test], categorical)[:, 1]

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
    real, fake = align(real, fake)
    make = partial(_tree_judge, num_trees=40, rate=0.2)
    score = c2st_score(*_classified(real, fake, rows, 2, make, seed, "metrics/quick_c2st"))
    return replace(score, details={"auc": score.details["auc"], "rows": rows})


def guess_target(sample: Sample) -> str | None:
    """The column a user would most likely predict; None with fewer than two columns.

    Prefers a column of a name in `_NAMES`, then one with a word of `_WORDS` in its name, then the last category of 2 to
    20 levels, then the last column. A category of other than 2 to 20 levels is taken as the last resort only, and so is
    a column that another one tells for certain: predicting it would say nothing.

    >>> s = Sample({"y": np.zeros(2), "x": np.ones(2)}, {"y": "number", "x": "number"})
    >>> guess_target(s)
    'y'
    """
    if len(sample.names) < 2:
        return None
    fit = [n for n in sample.names if sample.kinds[n] == "number" or 2 <= len(sample.levels[n]) <= _MAX_LEVELS]
    words = {n: re.split(r"[^a-z]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", n).lower()) for n in fit}
    called = [n for wanted in _NAMES for n in fit if n.strip().lower() == wanted]
    called += [n for wanted in _WORDS for n in fit if wanted in words[n]]
    few = [n for n in fit if sample.kinds[n] == "category"]
    found = list(dict.fromkeys([*called, *reversed(few), sample.names[-1]]))
    return next((n for n in found if not _has_twin(sample, n)), found[0])


def _has_twin(sample: Sample, target: str) -> bool:
    """Whether one other column tells each value of `target`: by values that repeat, or by its order alone."""
    rows = _with_target(sample.take(np.arange(min(sample.num_rows, _TWIN_ROWS))), target)
    if rows.num_rows < _MIN_ROWS:
        return False
    values, y = np.unique(rows.columns[target], return_inverse=True)
    for other in rows.names:
        if other == target:
            continue
        first, x = np.unique(rows.columns[other], return_inverse=True)
        if len(np.unique(x * len(values) + y)) > len(first):  # a value of the other with two of the target
            continue
        along = np.diff(y[np.argsort(x, kind="stable")])
        apart = np.count_nonzero(along) < min(len(values), _MIN_ROWS)  # each value of the target in one stretch
        in_order = apart or bool((along >= 0).all() or (along <= 0).all())
        if len(first) <= rows.num_rows / 2 or (in_order and rows.kinds[other] == "number"):
            return True
    return False


def usefulness(train: Sample, heldout: Sample, fake: Sample, *, target: str, seed: int = 0) -> Score:
    """How well boosted trees trained on the fakes predict `target` on held-out real rows: AUC or R2, best 1.

    A category gives the ROC AUC (macro, one level against the rest, over levels the held-out rows hold; at most the 30
    most frequent in `train`), a number R2. `train` only says which levels are frequent; in the place of `fake` it gives
    the ceiling. Rows whose target is missing are left out. The interval is a normal one from 30 bootstraps of the
    held-out rows: it holds for this one trained model.
    """
    if target not in train.names or len(train.names) < 2:
        return impossible(1.0, "there is no column to predict, or none to predict it from")
    learn, test = (_with_target(s, target) for s in (fake, heldout))
    if min(learn.num_rows, test.num_rows) < 2:
        return impossible(1.0, f"fewer than two rows with a value of {target!r} to learn from or to test on")
    inputs = tuple(n for n in train.names if n != target)
    generator = numpy_generator(seed, "metrics/usefulness")
    learn = learn.subsample(max(200, _MAX_VALUES // len(inputs)), generator)
    (x, categorical), (test_x, _) = (tree_features(s, train, inputs) for s in (learn, test))
    counts = resampled_counts(test.num_rows, _REPLICATES, generator)
    is_number = train.kinds[target] == "number"
    task, figure = ("regression", "r2") if is_number else ("classification", "auc")
    details: dict[str, Any] = {"target": target, "task": task, "figure": figure}
    details |= {"train_rows": learn.num_rows, "test_rows": test.num_rows, "classes": None}
    tree_seed = key(seed, "metrics/usefulness/model")
    truth = test.columns[target]
    if is_number:
        if truth.std() == 0:
            return impossible(1.0, f"{target!r} is constant in the held-out rows")
        guess = boosted_trees(x, learn.columns[target], test_x, categorical, task="regression", seed=tree_seed)
        error = (truth - guess) ** 2
        value, replicates = r_squared(truth, error), [r_squared(truth, error, c) for c in counts]
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
        fit = partial(boosted_trees, task="classification", seed=seed, num_trees=num_trees)
        out[:, seen] = fit(x, labels, test, categorical)
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


def conditional(real: Sample, fake: Sample, *, given: Sequence[str], seed: int = 0) -> Score:
    """How alike the other columns are, given each value of the columns `given`: in [0, 1], best 1.

    For each column of `given` and each of its 12 most frequent levels (numbers: 4 quantile bins of the real rows) with
    at least 10 real rows: the mean over the other columns (at most 60) of 1 - distance, as in `shape`, among
    rows with that level. Levels are weighted by their share of the real rows. A level the fakes lack scores 0. Small
    groups look less alike by chance alone: compare with the ceiling. The interval is a normal one from 12 bootstraps of
    the rows.
    """
    chosen = [n for n in given if n in real.names]
    if not chosen or len(real.names) < 2:
        return impossible(1.0, "there is no column to hold fixed, or no other to look at")
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    columns = [entry for entry in (_column(real, fake, name) for name in chosen) if entry["levels"]]
    if not columns:
        return impossible(1.0, f"no level of {', '.join(chosen)} has {_MIN_ROWS} real rows")
    value = float(np.mean([c["score"] for c in columns]))
    generator = numpy_generator(seed, "metrics/conditional")
    replicates = []
    for _ in range(_CONDITIONAL_REPLICATES):
        left, right = (s.take(generator.integers(0, s.num_rows, s.num_rows)) for s in (real, fake))
        if again := [c["score"] for c in (_column(left, right, name) for name in chosen) if c["levels"]]:
            replicates.append(float(np.mean(again)))
    return Score(value, *around(value, replicates), 1.0, {"columns": plain(columns)})


def _column(real: Sample, fake: Sample, name: str) -> dict[str, Any]:
    cells = cut(real, name, _NUM_BINS, _NUM_LEVELS)
    codes = [cells.codes(s.columns[name]) for s in (real, fake)]
    others = evenly([n for n in real.names if n != name], _MAX_COLUMNS)
    levels: list[dict[str, Any]] = []
    for cell, text in enumerate(cells.names):
        rows = [np.flatnonzero(c == cell) for c in codes]
        if len(rows[0]) < _MIN_ROWS:
            continue
        entry: dict[str, Any] = {"level": text, "real_rows": len(rows[0]), "fake_rows": len(rows[1])}
        entry |= {"score": 0.0, "worst": []}
        if len(rows[1]):
            alike = {n: 1 - _distance(real, fake, n, rows) for n in others}
            entry["score"] = float(np.mean(list(alike.values())))
            worst = sorted(alike.items(), key=lambda item: item[1])[:_WORST]
            entry["worst"] = [{"column": n, "score": s} for n, s in worst]
        levels.append(entry)
    weights = [e["real_rows"] for e in levels]
    score = float(np.average([e["score"] for e in levels], weights=weights)) if levels else 0.0
    return {"column": name, "score": score, "levels": levels}


def _distance(real: Sample, fake: Sample, name: str, rows: list[np.ndarray]) -> float:
    a, b = real.columns[name][rows[0]], fake.columns[name][rows[1]]
    if real.kinds[name] == "number":
        return kolmogorov_distance(a, b)
    return total_variation(a, b, len(real.levels[name]))
