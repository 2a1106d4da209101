"""The few sentences on top: what the fakes are good for, what not, whether rows were copied, what to do next.

Knows the metrics' numbers and standings; never samples or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.report import numbers
from gankit.report.curves import flat, overfit_share, still_learning
from gankit.report.standing import THRESHOLDS, Standing
from gankit.report.words import words_of

LIMITS = (
    "Tests for copies find what is plain to see: distances to the closest record and an attack that fails are no "
    "proof of privacy."
)
_MOST = 4


def summary(
    evaluation: Mapping[str, Any], places: Mapping[str, Standing], history: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """Three to six sentences, each with its numbers.

    evaluation: of `evaluate_samples`; places: each metric's standing; history: of the training, may be empty.
    """
    metrics = evaluation["metrics"]
    fidelity = [m for m in metrics if not _is_copies(metrics[m])]
    sentences = [
        _rows(evaluation),
        _good(metrics, fidelity, places),
        _bad(metrics, fidelity, places),
        _copies(metrics, places),
        _weakness(metrics, places, history),
        LIMITS,
    ]
    return [s for s in sentences if s]


def _is_copies(entry: Mapping[str, Any]) -> bool:
    return entry.get("family") == "copies"


def _rows(evaluation: Mapping[str, Any]) -> str:
    rows = evaluation.get("rows") or {}
    columns = len(evaluation.get("columns") or [])
    compared = rows.get("compared", rows.get("fake"))
    return (
        f"{numbers.count(compared)} fakes were compared with {numbers.count(rows.get('against', rows.get('heldout')))} "
        f"held-out real rows over {columns} column{'' if columns == 1 else 's'}."
    )


def _figure(entry: Mapping[str, Any]) -> str:
    ceiling = entry.get("ceiling") or {}
    real = f"; real rows {numbers.score(ceiling['value'])}" if ceiling.get("value") is not None else ""
    return f"({numbers.score(entry['fake']['value'])}{real})"


def _naming(metrics: Mapping[str, Any], names: Sequence[str]) -> str:
    shown = [f"{words_of(m, metrics[m]).noun} {_figure(metrics[m])}" for m in names[:_MOST]]
    if len(names) > _MOST:
        shown.append(f"{len(names) - _MOST} more")
    return numbers.listed(shown)


def _good(metrics: Mapping[str, Any], names: Sequence[str], places: Mapping[str, Standing]) -> str:
    good = [m for m in names if places[m].level in ("real", "close")]
    return f"The fakes are as real rows, or close to them, in {_naming(metrics, good)}." if good else ""


def _bad(metrics: Mapping[str, Any], names: Sequence[str], places: Mapping[str, Standing]) -> str:
    bad = sorted((m for m in names if places[m].level in ("fair", "weak")), key=lambda m: _rank(places[m]))
    parts = []
    if bad:
        parts.append(f"They fall short in {_naming(metrics, bad)}")
    unsure = [m for m in names if places[m].level == "open"]
    if unsure:
        most = max(places[m].rows_needed or 0 for m in unsure)
        nouns = numbers.listed([words_of(m, metrics[m]).noun for m in unsure[:_MOST]])
        parts.append(
            f"{'t' if bad else 'T'}here are too few rows to tell about {nouns} (about {numbers.about(most)} would do)"
        )
    if not parts:
        computed = sum(places[m].level != "none" for m in names)
        return f"None of the {computed} measures of likeness finds them far from real rows." if computed else ""
    return "; ".join(parts) + "."


def _rank(place: Standing) -> float:
    """Small for what falls short most: the share of the way to the ceiling, or minus the gap to it."""
    return place.way if place.way is not None else -(place.gap or 0.0)


def copying(metrics: Mapping[str, Any], places: Mapping[str, Standing]) -> list[str]:
    """The names of the copy tests that speak: told from real rows as copies would be, or by the three-sample test."""
    found = []
    for name in (m for m in metrics if _is_copies(metrics[m])):
        test = ((metrics[name]["fake"].get("details") or {}).get("three_sample") or {}).get("p")
        p = numbers.finite(test)
        # The test alone also speaks when fakes crowd where training rows do; the share of nearer ones must agree.
        low = numbers.finite(metrics[name]["fake"].get("low"))
        beyond = low is not None and low > metrics[name]["best"] + THRESHOLDS["copy_effect"]
        tested = p is not None and p < THRESHOLDS["p_copying"] and beyond
        if places[name].level in ("close", "fair", "weak") or tested:
            found.append(name)
    return found


def _copies(metrics: Mapping[str, Any], places: Mapping[str, Standing]) -> str:
    tests = [m for m in metrics if _is_copies(metrics[m]) and places[m].level != "none"]
    if not tests:
        return "Whether training rows were copied is not known: none of the tests for it could be made."
    found = copying(metrics, places)
    if found:
        return f"There are signs that training rows were copied: {_naming(metrics, found)}."
    return f"No sign that training rows were copied: {_naming(metrics, tests)}."


def _weakness(metrics: Mapping[str, Any], places: Mapping[str, Standing], history: Sequence[Mapping[str, Any]]) -> str:
    found = copying(metrics, places)
    behind = [m for m in metrics if not _is_copies(metrics[m]) and places[m].level in ("close", "fair", "weak")]
    if not found and not behind:
        return ""
    worst = found[0] if found else min(behind, key=lambda m: _rank(places[m]))
    words, reasons = words_of(worst, metrics[worst]), []
    rows = flat(history)
    late, over = still_learning(rows), overfit_share(rows)
    if over is not None and over > THRESHOLDS["overfit_gap"]:
        reasons.append(f"D has begun to learn training rows by heart ({numbers.share(over)} of the way to the fakes)")
    if late is not None and late > THRESHOLDS["still_learning"] and not found:
        reasons.append(f"the training was still improving ({numbers.share(late)} of its gain in the last fifth)")
    because = f"; {numbers.listed(reasons)}" if reasons else ""
    return f"What matters most is {words.noun} {_figure(metrics[worst])}{because}: {_lower(words.remedy)}."


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
