"""The few sentences on top of the report on series: how like real ones, what fits, what not, copied, what to do next.

Knows the metrics' numbers and standings; never series or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.report import numbers
from gankit.report.curves import flat, overfit_share, still_learning
from gankit.report.series_words import alike, words_of
from gankit.report.standing import THRESHOLDS, Standing
from gankit.report.summary import LIMITS
from gankit.report.text_summary import copied

Metrics = Mapping[str, Mapping[str, Any]]
Places = Mapping[str, Standing]

_BEHIND = ("close", "fair", "weak")
_JUDGES = ("discriminative", "judge")
_LIKENESS = {
    "real": "cannot be told from real series",
    "close": "are close to real series",
    "fair": "are on the way to real series, but not there",
    "weak": "are far from real series",
}
_MOST = 4
_OVERFITTING = "bring more series, or try a stronger penalty (--penalty-weight) or a shorter training (--samples)"


def summary(
    evaluation: Mapping[str, Any], metrics: Metrics, places: Places, history: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """Four to nine sentences, each with its numbers.

    Args:
        evaluation: of the series.
        metrics: its metrics, completed.
        places: each metric's standing.
        history: of the training, may be empty.
    """
    others = [m for m in metrics if m not in (*_JUDGES, "agreement") and metrics[m]["family"] != "copies"]
    sentences = [
        _compared(evaluation),
        _apart(metrics),
        _likeness(metrics, places),
        _good(metrics, others, places),
        _bad(metrics, others, places),
        _obeyed(metrics, places),
        _copied(metrics, places),
        _next(metrics, places, history),
        LIMITS.replace("record", "series"),
    ]
    return [s for s in sentences if s]


def _compared(evaluation: Mapping[str, Any]) -> str:
    rows, series = evaluation.get("rows") or {}, evaluation.get("series") or {}
    channels = len(series.get("channels") or [])
    steps, shortest = series.get("steps"), series.get("shortest")
    long = f"{numbers.count(shortest)} to {numbers.count(steps)}" if shortest != steps else numbers.count(steps)
    of = f" of {long} steps and {channels} channel{'' if channels == 1 else 's'}" if steps else ""
    return (
        f"{numbers.count(rows.get('compared', rows.get('fake')))} fakes were compared with "
        f"{numbers.count(rows.get('against', rows.get('heldout')))} held-out real series{of}."
    )


def _apart(metrics: Metrics) -> str:
    """A warning where real series of the one part are told from those of the other: the ceilings are low then."""
    if alike(metrics):
        return ""
    area = numbers.finite((metrics["judge"]["ceiling"].get("details") or {}).get("auc"))
    told = f" (trees tell them apart with an AUC of {numbers.score(area)})" if area is not None else ""
    return (
        f"Beware: the real series of the training part and of the held-out part differ themselves{told}, as where a "
        "series changes with time. Fakes that are “as real series” below are as far from the held-out part as the "
        "training part is, and no closer."
    )


def _beside(entry: Mapping[str, Any]) -> str:
    real = numbers.finite(entry["ceiling"].get("value"))
    beside = f"; real series {numbers.score(real)}" if real is not None else ""
    return f"({numbers.score(entry['fake']['value'])}{beside})"


def _figures(metrics: Metrics, names: Sequence[str]) -> str:
    shown = [f"{words_of(m, metrics[m]).noun} {_beside(metrics[m])}" for m in names[:_MOST]]
    return numbers.listed([*shown, f"{len(names) - _MOST} more"] if len(names) > _MOST else shown)


def _likeness(metrics: Metrics, places: Places) -> str:
    """What the judges say; the sharper one decides."""
    known = [m for m in _JUDGES if m in metrics and places[m].level != "none"]
    if not known:
        return ""
    order = [*_LIKENESS]
    told = [m for m in known if places[m].level != "open"]
    if not told:
        return f"The fakes may be as real series; these are too few to tell: {_figures(metrics, known)}."
    worst = max(order.index(places[m].level) for m in told)
    return f"The fakes {_LIKENESS[order[worst]]} by those that were trained to tell them: {_figures(metrics, known)}."


def _good(metrics: Metrics, names: Sequence[str], places: Places) -> str:
    good = [m for m in names if places[m].level in ("real", "close")]
    return f"They are as real series, or close to them, in {_figures(metrics, good)}." if good else ""


def _bad(metrics: Metrics, names: Sequence[str], places: Places) -> str:
    bad = sorted((m for m in names if places[m].level in ("fair", "weak")), key=lambda m: _rank(places[m]))
    unsure = [words_of(m, metrics[m]).noun for m in names if places[m].level == "open"]
    parts = [f"They fall short in {_figures(metrics, bad)}"] if bad else []
    if unsure:
        parts.append(f"{'t' if bad else 'T'}here are too few series to tell about {numbers.listed(unsure[:_MOST])}")
    return "; ".join(parts) + "." if parts else ""


def _obeyed(metrics: Metrics, places: Places) -> str:
    if "agreement" not in metrics or places["agreement"].level == "none":
        return ""
    entry = metrics["agreement"]
    real = numbers.finite(entry["ceiling"].get("value"))
    beside = f" (of held-out real series it so sees {numbers.share(real)})" if real is not None else ""
    return (
        f"Asked for a label, the model gives it in {numbers.share(entry['fake']['value'])} of the fakes, as a "
        f"classifier sees them{beside}."
    )


def _copied(metrics: Metrics, places: Places) -> str:
    tests = [m for m in metrics if metrics[m]["family"] == "copies" and places[m].level != "none"]
    if not tests:
        return "Whether training series were copied is not known: none of the tests for it could be made."
    found = copied(metrics, places)
    if found:
        return f"There are signs that training series were copied: {_figures(metrics, found)}."
    unsure = all(places[m].level == "open" for m in tests)
    but = ", but there are too few to be sure" if unsure else ""
    return f"No sign that training series were copied{but}: {_figures(metrics, tests)}."


def _next(metrics: Metrics, places: Places, history: Sequence[Mapping[str, Any]]) -> str:
    """What matters most and what to try: copying first, then what falls short most."""
    found = copied(metrics, places)
    behind = [m for m in metrics if metrics[m]["family"] != "copies" and places[m].level in _BEHIND]
    if not found and not behind:
        return ""
    worst = found[0] if found else min(behind, key=lambda m: _rank(places[m]))
    words, reasons, rows = words_of(worst, metrics[worst]), [], flat(history)
    late, over = still_learning(rows), overfit_share(rows)
    if over is not None and over > THRESHOLDS["overfit_gap"]:
        reasons.append(f"D has begun to learn training series by heart ({numbers.share(over)} of the way to the fakes)")
    if late is not None and late > THRESHOLDS["still_learning"] and not found:
        reasons.append(f"the training was still improving ({numbers.share(late)} of its gain in the last fifth)")
    because = f"; {numbers.listed(reasons)}" if reasons else ""
    by_heart = bool(reasons) and reasons[0].startswith("D has")
    remedy = _OVERFITTING if by_heart and not found else words.remedy
    return f"What matters most is {words.noun} {_beside(metrics[worst])}{because}: {remedy}."


def _rank(place: Standing) -> float:
    """Small for what falls short most: the share of the way to real series; of a gap alone a quarter counts as all."""
    return place.way if place.way is not None else 1 - 4 * min(place.gap or 0.0, 0.25)
