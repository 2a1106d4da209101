"""The area under the ROC curve, its interval, and rates at few false positives.

Knows scores and labels only.
"""

from __future__ import annotations

import math

import numpy as np

from gankit.metrics.score import Z95


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
