"""How well something is told apart: areas under the ROC curve, two-sample tests, confusion matrices.

Knows scores, labels and judges as functions; never records, or how a judge learns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from gankit.errors import DataError
from gankit.metrics.metric import Z95, Score, binomial_interval, plain, share_score

Judge = Callable[[np.ndarray, int], np.ndarray]
"""(rows to judge [N] bool, number of the fold) -> what it says of these, more for real, having learned from others."""


def auc(positive: np.ndarray, negative: np.ndarray) -> tuple[float, float]:
    """(area, its variance): P(positive > negative) + P(equal) / 2, with the variance of DeLong et al. 1988.

    positive: [P], negative: [N] scores. By midranks in O(n log n) (Sun & Xu 2014). The variance is NaN for fewer than
    two of either.

    >>> auc(np.array([0.9, 0.7]), np.array([0.1, 0.7]))
    (0.875, 0.03125)
    """
    from scipy.stats import rankdata

    num_positive, num_negative = len(positive), len(negative)
    if not num_positive or not num_negative:
        return math.nan, math.nan
    together = rankdata(np.concatenate([positive, negative]))
    above = (together[:num_positive] - rankdata(positive)) / num_negative  # share of negatives below each positive
    below = 1 - (together[num_positive:] - rankdata(negative)) / num_positive
    area = float(above.mean())
    if num_positive < 2 or num_negative < 2:
        return area, math.nan
    return area, float(above.var(ddof=1) / num_positive + below.var(ddof=1) / num_negative)


def auc_interval(area: float, variance: float) -> tuple[float, float]:
    """The 95% interval of an area, on the logit scale so that it stays within [0, 1]; (0, 1) if the variance is NaN.

    At an area of 0 or 1, where the variance is 0, the interval is the point.
    """
    if not math.isfinite(variance):
        return 0.0, 1.0
    if variance == 0 or area <= 0 or area >= 1:
        return area, area
    logit = math.log(area / (1 - area))
    half = Z95 * math.sqrt(variance) / (area * (1 - area))
    return 1 / (1 + math.exp(min(half - logit, 700))), 1 / (1 + math.exp(max(-half - logit, -700)))


def true_positive_rate(positive: np.ndarray, negative: np.ndarray, false_positive_rate: float) -> tuple[int, float]:
    """(how many positives lie above, the threshold) where at most `false_positive_rate` of the negatives lie above.

    positive: [P], negative: [N] scores, N >= 1.
    """
    allowed = math.floor(false_positive_rate * len(negative))
    threshold = float(np.sort(negative)[::-1][allowed]) if allowed < len(negative) else -math.inf
    return int((positive > threshold).sum()), threshold


def out_of_fold(judge: Judge, is_real: np.ndarray, fold: np.ndarray) -> tuple[np.ndarray, list[tuple[float, float]]]:
    """What a judge says of rows it did not learn from: [N], and the AUC and its variance in each fold.

    A fold that lacks real rows or fakes, or leaves none to learn from, is left out, and its rows are NaN.
    """
    said, areas = np.full(len(fold), np.nan), []
    for k in range(int(fold.max()) + 1):
        test = fold == k
        if (test & is_real).any() and (test & ~is_real).any() and (~test & is_real).any():
            said[test] = judge(test, k)
            areas.append(auc(said[test & is_real], said[test & ~is_real]))
    return said, areas


def c2st_score(
    says_real: np.ndarray, is_real: np.ndarray, areas: list[tuple[float, float]], value: float | None = None,
    crowd: float = 1.0,
) -> Score:  # fmt: skip
    """The score of a classifier two-sample test, with DeLong's interval for the mean of the folds' areas; best 1.

    details: auc, accuracy, precision and recall of calling a record real, folds, rows of each side.

    value: other than 2 - 2 max(.5, AUC). crowd: by how much records that hang together widen the variance.
    """
    area = float(np.mean([a for a, _ in areas]))
    low, high = auc_interval(area, float(np.mean([v for _, v in areas])) / len(areas) * crowd)
    found, rows, accuracy = int((says_real & is_real).sum()), int(is_real.sum()), float((says_real == is_real).mean())
    precision = found / int(says_real.sum()) if says_real.any() else None
    details = {"auc": area, "auc_low": low, "auc_high": high, "accuracy": accuracy, "precision": precision}
    details |= {"recall": found / rows, "folds": len(areas), "rows": rows}
    value, bounds = 2 - 2 * max(0.5, area) if value is None else value, [2 - 2 * max(0.5, a) for a in (high, low)]
    return Score(value, min(bounds[0], value), max(bounds[1], value), 1.0, plain(details))


def confusion(truth: np.ndarray, seen: np.ndarray, k: int) -> np.ndarray:
    """[K, K] counts: a row for each true class, a column for each that was seen."""
    return np.bincount(np.asarray(truth, np.int64) * k + seen, minlength=k * k).reshape(k, k)


def confusion_figures(
    truth: np.ndarray, seen: np.ndarray, names: Sequence[str], records: str = "pictures"
) -> dict[str, Any]:
    """Accuracy, precision and recall of a classifier, macro and per class, and its confusion matrix; plain JSON.

    Of the records it calls k, `precision` are k; of those that are k, it finds `recall`; null where there are none.
    The macro figures are means over the classes that have one.

    truth, seen: [N] int in 0 .. K - 1; names: K texts; records: the key of their numbers.

    Returns:
        {"accuracy", "accuracy_low", "accuracy_high", "precision", "recall", records,
        "classes": [{"class", records, "precision", "recall"}], "confusion": [[K counts] of each true class]}.
    """
    matrix = confusion(truth, seen, len(names))
    right = np.diag(matrix).astype(float)
    called, there = matrix.sum(0), matrix.sum(1)
    precision, recall = (np.where(rows > 0, right / np.maximum(rows, 1), np.nan) for rows in (called, there))
    low, high = binomial_interval(int(right.sum()), len(truth))
    accuracy = float(right.sum()) / len(truth) if len(truth) else math.nan
    figures: dict[str, Any] = {"accuracy": accuracy, "accuracy_low": low, "accuracy_high": high}
    for key, each in (("precision", precision), ("recall", recall)):
        figures[key] = math.nan if np.isnan(each).all() else float(np.nanmean(each))
    lines = zip(names, there, precision, recall, strict=True)
    classes = [{"class": name, records: rows, "precision": p, "recall": r} for name, rows, p, r in lines]
    return dict(plain({**figures, records: len(truth), "classes": classes, "confusion": matrix}))


def accuracy_score(
    truth: np.ndarray, seen: np.ndarray, names: Sequence[str], train_rows: int, records: str = "pictures"
) -> Score:
    """The accuracy of a classifier on `truth`, best 1, with its exact binomial interval.

    details: "train_rows" that it learned from, "test_rows", and `confusion_figures`.
    """
    figures = confusion_figures(truth, seen, names, records)
    details = {"train_rows": train_rows, "test_rows": len(truth), **figures}
    return Score(figures["accuracy"], figures["accuracy_low"], figures["accuracy_high"], 1.0, details)


def agreement(asked: np.ndarray, seen: np.ndarray, num_classes: int, records: str) -> Score:
    """The share of records in which a classifier sees the class that was asked for; best 1.

    The ceiling is the classifier's accuracy on held-out records. The interval is the exact binomial one. details:
    "right", "rows", and "confusion": how often each class was seen for each that was asked for.

    asked, seen: [N] int in 0 .. num_classes - 1; records: what they are called.
    """
    hits = int((asked == seen).sum())
    details = {"right": hits, "rows": len(asked), "confusion": confusion(asked, seen, num_classes)}
    return share_score(hits, len(asked), 1.0, details, records)


def class_numbers(
    labels: tuple[Any, Any, Any] | None, sizes: Sequence[int], record: str
) -> tuple[list[str], list[np.ndarray | None]]:
    """The names of the labels, in their order, and each side's labels as numbers; -1 where one is not known.

    labels: of training records, held-out records and fakes: texts, numbers or None each; a side may be None as a whole.
    sizes: how many records each side has. record: what one is called.

    Raises:
        DataError: a side has another number of labels than records.
    """
    if labels is None:
        return [], [None, None, None]
    sides: list[list[Any] | None] = []
    for what, known, size in zip(("training", "held-out", "fake"), labels, sizes, strict=True):
        if known is not None and len(known) != size:
            raise DataError(f"the {what} labels: expected one a {record}, {size}. Got {len(known)}.")
        sides.append(None if known is None else [plain(v) for v in known])
    found = {v for side in sides if side is not None for v in side if v is not None}
    try:
        order = sorted(found)
    except TypeError:
        order = sorted(found, key=str)
    place = {v: k for k, v in enumerate(order)}
    numbers = [None if side is None else np.array([place.get(v, -1) for v in side], np.int64) for side in sides]
    return [str(v) for v in order], numbers


def class_entries(
    names: Sequence[str], real: np.ndarray, fake: np.ndarray, seen: tuple[np.ndarray, np.ndarray] | None, records: str
) -> list[dict[str, Any]]:
    """A line a class: its shares of both sides, the numbers of its records, and in how many fakes it is seen.

    real, fake: [N], [M] int, -1 where a label is not known. seen: [K], [K] int, the classes that fakes were asked to
    have and those that a classifier sees in them; None where nobody knows. records: the end of two keys.

    Returns:
        [{"class", "real", "fake", "real_{records}", "fake_{records}", "agreement"}]; null where nobody knows.
    """
    out: list[dict[str, Any]] = []
    known = {"real": max(int((real >= 0).sum()), 1), "fake": max(int((fake >= 0).sum()), 1)}
    for k, name in enumerate(names):
        counts = {"real": int((real == k).sum()), "fake": int((fake == k).sum())}
        shares = {side: count / known[side] for side, count in counts.items()}
        numbers = {f"{side}_{records}": count for side, count in counts.items()}
        obeyed = [] if seen is None else seen[1][seen[0] == k] == k
        agreement = float(np.mean(obeyed)) if len(obeyed) else None
        out.append({"class": name, **shares, **numbers, "agreement": agreement})
    return out


def boosted_trees(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, categorical: np.ndarray, *,
    task: Literal["classification", "regression"], seed: int, num_trees: int = 100, rate: float = 0.1,
) -> np.ndarray:  # fmt: skip
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
        known, categorical = np.array([True]), np.array([False])
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
