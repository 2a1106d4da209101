"""Where the fakes stand on one metric: between the plain baselines and the ceiling, intervals taken into account.

Knows the JSON of one metric (see `gankit.metrics.evaluate`) and the thresholds below; never the data or the
words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from gankit.report.numbers import finite

Level = Literal["real", "close", "fair", "weak", "open", "none"]

# The thresholds behind every word of the report, in one place.
THRESHOLDS: dict[str, float] = {
    # A span between baseline and ceiling below this says nothing of the way between them; a difference of missing rates
    # above it is worth a sentence. (Which differences matter to a metric is told by its `rows_needed`.)
    "tolerance": 0.02,
    # Shares of the way from the better plain baseline (independent columns, copula) to the ceiling.
    "close": 0.90,
    "fair": 0.50,
    # Distance to the ceiling in the metric's own unit that is "close" or "fair" where the baselines themselves reach
    # the ceiling, so that no share of the way can be given.
    "close_gap": 0.02,
    "fair_gap": 0.10,
    # The same for a distance without an upper end, as a multiple of the ceiling's own distance.
    "close_factor": 2.0,
    "fair_factor": 10.0,
    # Where no difference was found: "too few rows to tell" when this many times the rows compared would be needed.
    "few_rows": 2.0,
    # AUC of a judge: from here on it tells fakes from real rows "now and then", "often", "nearly always".
    "auc_slight": 0.55,
    "auc_often": 0.70,
    "auc_nearly_always": 0.90,
    # p-value below which the three-sample test for copying speaks: an accusation, so seldom by chance.
    "p_copying": 0.001,
    # So far beyond chance must the interval of a measure of copying lie: with many rows .502 is beyond chance too.
    "copy_effect": 0.005,
    # A record counts as suspiciously near when it lies this many times nearer to a training row than to held-out rows.
    "near_ratio": 0.5,
    # D's mean score on training rows exceeds that on held-out rows by this share of D's range (real - fake): it has
    # begun to learn the training rows by heart.
    "overfit_gap": 0.25,
    # The held-out metric improved by this share of its whole gain in the last fifth of the training: still learning.
    "still_learning": 0.05,
}


@dataclass(frozen=True)
class Standing:
    """Where the fakes stand.

    level: "real" (not told from real rows), "close", "fair", "weak" (towards or beyond the plain baselines), "open"
        (no difference seen, but the interval is too wide to say so), "none" (could not be computed).
    gap: how much worse than the ceiling, in the metric's unit (negative: better); None without a ceiling.
    half: half-width of the 95% interval of that gap.
    way: share of the way from the better plain baseline to the ceiling; None where the baseline is as good as the
        ceiling. Below 0: worse than the baseline.
    baseline: the name of that baseline.
    rows_needed: rows that would tell, where these are too few.
    """

    level: Level
    gap: float | None = None
    half: float | None = None
    way: float | None = None
    baseline: str | None = None
    rows_needed: int | None = None


def compared_rows(evaluation: Mapping[str, Any]) -> int | None:
    """How many rows stood on the smaller side of a comparison; None when the evaluation does not say."""
    rows = evaluation.get("rows") or {}
    known = [int(rows[k]) for k in ("compared", "against") if rows.get(k) is not None]
    return min(known) if known else None


def loss(value: float, best: float, direction: str) -> float:
    """How far `value` is from `best` on the bad side; for "near", on either side."""
    if direction == "near":
        return abs(value - best)
    return best - value if direction == "higher" else value - best


def direction_of(metric: Mapping[str, Any]) -> str:
    """Which way is better: "higher", "lower" or "near".

    A measure of copying around a chance level is read one way only: below chance, nothing was copied.
    """
    direction = str(metric.get("direction", "higher"))
    return "lower" if direction == "near" and metric.get("family") == "copies" else direction


PLAIN = ("independent", "copula")


def standing(
    metric: Mapping[str, Any], num_rows: int | None = None, *, plain: Sequence[str] = PLAIN, halvings: bool = False
) -> Standing:
    """The standing of one metric of `evaluate_samples`.

    Args:
        metric: its JSON.
        num_rows: how many rows were compared, None when unknown.
        plain: the baselines that a model has to beat; the better of them is where the way to the ceiling begins.
        halvings: count the way in halvings of the distance to the best value, for distances without an upper end, where
            a plain baseline is a thousand times as far as real records and nine tenths of the way would be no praise.
    """
    fake, ceiling = metric["fake"], metric.get("ceiling") or {}
    value, real = finite(fake.get("value")), finite(ceiling.get("value"))
    if value is None:
        return Standing("none")
    best, direction = float(metric["best"]), direction_of(metric)
    behind = loss(value, best, direction)
    if real is None:
        return Standing(
            "close" if behind <= THRESHOLDS["close_gap"] else "fair" if behind <= THRESHOLDS["fair_gap"] else "weak",
            gap=None,
        )
    reached = loss(real, best, direction)
    gap = behind - reached
    half = _half(fake, ceiling)
    losses = _losses(metric, plain, best, direction)
    way, baseline = _way(losses, behind, reached, _floor(ceiling) if halvings else None)
    rows = metric.get("rows_needed")
    # Told apart: worse than the ceiling beyond both intervals, and short of the best beyond the fakes' own.
    ends = [value if (end := finite(fake.get(k))) is None else end for k in ("low", "high")]
    least = THRESHOLDS["copy_effect"] if metric.get("direction") == "near" and direction == "lower" else 0.0
    told = gap > (half or 0.0) and all(loss(end, best, direction) > least for end in ends)
    if not told:
        few = rows is not None and (num_rows is None or rows >= THRESHOLDS["few_rows"] * num_rows)
        return Standing("open" if few else "real", gap, half, way, baseline, rows if few else None)
    factor = behind / max(reached, _floor(ceiling), 1e-12) if halvings else None
    return Standing(_level(gap, way, factor), gap, half, way, baseline, None)


def _level(gap: float, way: float | None, factor: float | None = None) -> Level:
    """factor: the distance as a multiple of that of real rows, where differences of distances say little."""
    if way is not None:
        return "close" if way >= THRESHOLDS["close"] else "fair" if way >= THRESHOLDS["fair"] else "weak"
    if factor is not None:
        near, far = THRESHOLDS["close_factor"], THRESHOLDS["fair_factor"]
        return "close" if factor <= near else "fair" if factor <= far else "weak"
    return "close" if gap <= THRESHOLDS["close_gap"] else "fair" if gap <= THRESHOLDS["fair_gap"] else "weak"


def _half(fake: Mapping[str, Any], ceiling: Mapping[str, Any]) -> float | None:
    halves = []
    for s in (fake, ceiling):
        low, high = finite(s.get("low")), finite(s.get("high"))
        if low is not None and high is not None:
            halves.append((high - low) / 2)
    return math.hypot(*halves) if halves else None


def _floor(ceiling: Mapping[str, Any]) -> float:
    """Below this a distance says nothing: half the width of the ceiling's interval."""
    low, high = finite(ceiling.get("low")), finite(ceiling.get("high"))
    return 0.0 if low is None or high is None else (high - low) / 2


def _losses(metric: Mapping[str, Any], plain: Sequence[str], best: float, direction: str) -> dict[str, float]:
    """How far each of the plain baselines is from the best.

    The bootstrap is none of them: it is the training rows themselves, so it stands at the ceiling (or copies
    everything).
    """
    found = {name: finite((metric.get("baselines") or {}).get(name, {}).get("value")) for name in plain}
    return {name: loss(value, best, direction) for name, value in found.items() if value is not None}


def _way(
    losses: Mapping[str, float], behind: float, reached: float, floor: float | None
) -> tuple[float | None, str | None]:
    """The share of the way from the better plain baseline to the ceiling, and that baseline's name.

    floor: None for the plain way; else the way is counted in halvings, of losses no smaller than this.
    """
    if not losses:
        return None, None
    name = min(losses, key=lambda n: losses[n])
    if floor is not None:
        least = max(floor, 1e-4 * losses[name], 1e-12)
        start, here, end = (math.log2(max(x, least)) for x in (losses[name], behind, reached))
        return ((start - here) / (start - end), name) if start - end > 1 else (None, name)
    span = losses[name] - reached
    return ((losses[name] - behind) / span, name) if span > THRESHOLDS["tolerance"] else (None, name)
