"""The few sentences on top of the report on series: how like real ones, what fits, what not, copied, what to do next.

Knows the metrics' numbers and standings; never series or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.kinds.series.report.words import alike, words_of
from gankit.report import numbers
from gankit.report.curves import flat
from gankit.report.old import LIMITS
from gankit.report.sentences import Metrics, Places, Teller, rank

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
    tell = Teller("series", metrics, places, words_of, most=_MOST)
    others = [m for m in metrics if m not in (*_JUDGES, "agreement") and metrics[m]["family"] != "copies"]
    sentences = [
        tell.compared(evaluation, _like(evaluation)),
        _apart(metrics),
        _likeness(tell),
        _good(tell, others),
        _bad(tell, others),
        tell.obeyed("a label", "a classifier"),
        tell.copied(),
        tell.next_step(tell.behind(), flat(history), by_heart=_OVERFITTING),
        LIMITS.replace("record", "series"),
    ]
    return [s for s in sentences if s]


def _like(evaluation: Mapping[str, Any]) -> str:
    series = evaluation.get("series") or {}
    channels, steps, shortest = len(series.get("channels") or []), series.get("steps"), series.get("shortest")
    if not steps:
        return ""
    long = f"{numbers.count(shortest)} to {numbers.count(steps)}" if shortest != steps else numbers.count(steps)
    return f" of {long} steps and {channels} channel{'' if channels == 1 else 's'}"


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


def _likeness(tell: Teller) -> str:
    """What the judges say; the sharper one decides."""
    known = [m for m in _JUDGES if m in tell.metrics and tell.places[m].level != "none"]
    if not known:
        return ""
    order = [*_LIKENESS]
    told = [m for m in known if tell.places[m].level != "open"]
    if not told:
        return f"The fakes may be as real series; these are too few to tell: {tell.figures(known)}."
    worst = max(order.index(tell.places[m].level) for m in told)
    return f"The fakes {_LIKENESS[order[worst]]} by those that were trained to tell them: {tell.figures(known)}."


def _good(tell: Teller, names: Sequence[str]) -> str:
    good = [m for m in names if tell.places[m].level in ("real", "close")]
    return f"They are as real series, or close to them, in {tell.figures(good)}." if good else ""


def _bad(tell: Teller, names: Sequence[str]) -> str:
    bad = sorted((m for m in names if tell.places[m].level in ("fair", "weak")), key=lambda m: rank(tell.places[m]))
    unsure = [words_of(m, tell.metrics[m]).noun for m in names if tell.places[m].level == "open"]
    parts = [f"They fall short in {tell.figures(bad)}"] if bad else []
    if unsure:
        parts.append(f"{'t' if bad else 'T'}here are too few series to tell about {numbers.listed(unsure[:_MOST])}")
    return "; ".join(parts) + "." if parts else ""
