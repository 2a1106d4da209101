"""A score: a figure with its interval and its best value, as plain JSON; and what an interval needs.

Knows numbers only; never samples or metrics.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Z95 = 1.959963984540054  # the 97.5% point of the standard normal


@dataclass(frozen=True)
class Score:
    """What a metric gives.

    value: the figure; NaN when it cannot be computed, with `details["reason"]` in words.
    low, high: its 95% interval over fresh rows, None where none can be given.
    best: the value of perfect fakes.
    details: plain JSON (dicts, lists, texts, finite numbers, None).
    """

    value: float
    low: float | None
    high: float | None
    best: float
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The score as plain JSON values: {"value", "low", "high", "best", "details"}; NaN becomes None."""
        return {
            "value": plain(self.value),
            "low": plain(self.low),
            "high": plain(self.high),
            "best": self.best,
            "details": plain(self.details),
        }


def impossible(best: float, reason: str) -> Score:
    """The score of a metric that cannot be computed on this data: NaN, and the reason in words."""
    return Score(math.nan, None, None, best, {"reason": reason})


def plain(value: Any) -> Any:
    """`value` as plain JSON: NumPy scalars and arrays become Python's, tuples lists, NaN and infinities None."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def around(
    value: float, replicates: Sequence[float] | np.ndarray, floor: float = 0.0, ceiling: float = 1.0
) -> tuple[float | None, float | None]:
    """The 95% interval value -+ 1.96 sd(replicates), cut to [floor, ceiling]; (None, None) for fewer than 2 replicates.

    The normal interval, not the percentile one: a bootstrap of a distance between samples is biased away from
    zero (resampling adds its own noise), which would push the percentile interval off the value.
    """
    kept = np.asarray(replicates, float)
    kept = kept[np.isfinite(kept)]
    if len(kept) < 2 or not math.isfinite(value):
        return None, None
    half = Z95 * float(kept.std(ddof=1))
    return max(floor, value - half), min(ceiling, value + half)


def binomial_interval(successes: int, trials: int) -> tuple[float, float]:
    """The exact (Clopper & Pearson 1934) 95% interval of a share; (0, 1) without trials."""
    from scipy.stats import beta

    if trials == 0:
        return 0.0, 1.0
    low = 0.0 if successes == 0 else float(beta.ppf(0.025, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(0.975, successes + 1, trials - successes))
    return low, high


def share_score(hits: int, trials: int, best: float, details: dict[str, Any], records: str = "rows") -> Score:
    """The share of `trials` records that are hits, with its exact binomial interval; impossible without records."""
    if not trials:
        return impossible(best, f"there are no {records}")
    return Score(hits / trials, *binomial_interval(hits, trials), best, plain(details))


def mean_score(each: np.ndarray, best: float, details: dict[str, Any], ceiling: float = math.inf) -> Score:
    """The mean of what single records give, each at least 0, with its normal 95% interval; each: [N], N >= 2."""
    value, half = float(each.mean()), Z95 * float(each.std(ddof=1)) / math.sqrt(len(each))
    return Score(value, max(0.0, value - half), min(ceiling, value + half), best, details)


def resampled_counts(num_rows: int, replicates: int, generator: np.random.Generator) -> np.ndarray:
    """How often each row is drawn in each bootstrap replicate: [replicates, num_rows] float64, rows sum to num_rows."""
    out = np.empty((replicates, num_rows))
    for i in range(replicates):
        out[i] = np.bincount(generator.integers(0, num_rows, num_rows), minlength=num_rows)
    return out


def enough_rows(num_rows: int, fake: Score, ceiling: Score, tolerance: float = 0.02) -> int | None:
    """How many rows would tell `fake` from `ceiling`; None when `num_rows` already do, or nothing can be said.

    The half-width h of the difference shrinks as 1/sqrt(n). Two scores are told apart once h is below their
    difference d; below `tolerance` they count as equal, so that no more rows are asked for than
    n (h / max(d, tolerance))^2.

    >>> enough_rows(100, Score(0.9, 0.8, 1.0, 1.0), Score(0.95, 0.95, 0.95, 1.0))
    400
    """
    halves = []
    for score in (fake, ceiling):
        if score.low is None or score.high is None or not math.isfinite(score.value):
            return None
        halves.append((score.high - score.low) / 2)
    half = math.hypot(*halves)
    aim = max(abs(fake.value - ceiling.value), tolerance)
    return None if half <= aim else math.ceil(round(num_rows * (half / aim) ** 2, 6))
