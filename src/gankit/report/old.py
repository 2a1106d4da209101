"""What the reports that are not yet of the one form share.

Knows the JSON of metrics and standings; never records or pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gankit.report import numbers
from gankit.report.standing import THRESHOLDS, Level, Standing

LIMITS = (
    "Tests for copies find what is plain to see: distances to the closest record and an attack that fails are no "
    "proof of privacy."
)
COPY_LEVELS: dict[Level, str] = {
    "real": "no sign of copying",
    "close": "signs of copying",
    "fair": "signs of copying",
    "weak": "signs of copying",
    "open": "too few rows to tell",
    "none": "not computed",
}


def name(text: Any) -> str:
    """A name from the data in quotation marks, so that it cannot be taken for the report's own words."""
    return f"“{text}”"


def copying(metrics: Mapping[str, Any], places: Mapping[str, Standing]) -> list[str]:
    """The names of the copy tests that speak: told from real rows as copies would be, or by the three-sample test."""
    found = []
    for name in (m for m in metrics if metrics[m].get("family") == "copies"):
        test = ((metrics[name]["fake"].get("details") or {}).get("three_sample") or {}).get("p")
        p = numbers.finite(test)
        # The test alone also speaks when fakes crowd where training rows do; the share of nearer ones must agree.
        low = numbers.finite(metrics[name]["fake"].get("low"))
        beyond = low is not None and low > metrics[name]["best"] + THRESHOLDS["copy_effect"]
        tested = p is not None and p < THRESHOLDS["p_copying"] and beyond
        if places[name].level in ("close", "fair", "weak") or tested:
            found.append(name)
    return found


@dataclass(frozen=True)
class Words:
    """What is said about one metric.

    title: its name for people; noun: the same inside a sentence; question: what it answers; good, bad: what it means
    when the fakes are as real pictures or close to them, and when they are not; remedy: what to try then; details:
    sentences on what stands in its details.
    """

    title: str
    noun: str
    question: str
    good: str = ""
    bad: str = ""
    remedy: str = "train longer (--budget or --samples)"
    details: Callable[[Mapping[str, Any]], list[str]] = lambda details: []


def completed(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A metric's JSON with what may be missing filled in: no ceiling, no baselines, more is better, 1 or 0 is best."""
    direction = entry.get("direction") or ("lower" if entry.get("family") in ("distance", "copies") else "higher")
    best = numbers.finite(entry.get("best"))
    return {
        **entry,
        "family": entry.get("family") or "further",
        "meaning": entry.get("meaning") or "",
        "direction": direction,
        "best": (0.0 if direction == "lower" else 1.0) if best is None else best,
        "fake": {"value": None, **(entry.get("fake") or {})},
        "ceiling": entry.get("ceiling") or {},
        "baselines": {k: v for k, v in (entry.get("baselines") or {}).items() if v},
    }
