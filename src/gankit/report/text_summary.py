"""The few sentences on top of the report on texts: how like real ones, how varied, obedient, copied, what to do next.

Knows the metrics' numbers and standings; never texts or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.report import numbers
from gankit.report.curves import flat, overfit_share, still_learning
from gankit.report.standing import THRESHOLDS, Standing
from gankit.report.summary import LIMITS, copying
from gankit.report.text_words import HEADLINES, words_of

Metrics = Mapping[str, Mapping[str, Any]]
Places = Mapping[str, Standing]

_BEHIND = ("close", "fair", "weak")
_LIKENESS = {
    "real": "cannot be told from real texts by their n-grams",
    "close": "are close to real texts in their n-grams",
    "fair": "are on the way to real texts in their n-grams, but not there",
    "weak": "are far from real texts in their n-grams",
    "open": "may be as real texts; these are too few to tell",
}
_QUALITY = {
    "real": "Single fakes read like real texts",
    "close": "Single fakes nearly read like real texts",
    "fair": "Parts of the fakes do not read like real texts",
    "weak": "The fakes do not read like real texts",
}
_VARIETY = {
    "real": "They are varied enough",
    "close": "They are nearly varied enough",
    "fair": "They are less varied than real texts",
    "weak": "They are not varied enough",
}


def summary(
    evaluation: Mapping[str, Any], metrics: Metrics, places: Places, history: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """Four to eight sentences, each with its numbers.

    Args:
        evaluation: of the texts.
        metrics: its metrics, completed.
        places: each metric's standing.
        history: of the training, may be empty.
    """
    sentences = [
        _compared(evaluation),
        _likeness(metrics, places),
        _level(metrics, places, ("valid", "bleu_2", "bleu_5"), _QUALITY),
        _level(metrics, places, ("uniqueness", "backward_bleu_2", "self_bleu_5"), _VARIETY),
        _obeyed(metrics, places),
        _copied(metrics, places),
        _next(metrics, places, history),
        LIMITS.replace("record", "text"),
    ]
    return [s for s in sentences if s]


def _compared(evaluation: Mapping[str, Any]) -> str:
    rows, units = evaluation.get("rows") or {}, evaluation.get("units") or {}
    kind = "characters" if units.get("characters", True) else "words"
    of = (
        f" of up to {numbers.count(units['longest'])} {kind}, {numbers.count(units.get('symbols'))} different"
        if units.get("longest")
        else ""
    )
    return (
        f"{numbers.count(rows.get('compared', rows.get('fake')))} fakes were compared with "
        f"{numbers.count(rows.get('against', rows.get('heldout')))} held-out real texts{of}."
    )


def _beside(entry: Mapping[str, Any]) -> str:
    real = numbers.finite(entry["ceiling"].get("value"))
    beside = f"; real texts {numbers.score(real)}" if real is not None else ""
    return f"({numbers.score(entry['fake']['value'])}{beside})"


def _figures(metrics: Metrics, names: Sequence[str]) -> str:
    return numbers.listed([f"{words_of(m, metrics[m]).noun} {_beside(metrics[m])}" for m in names])


def _likeness(metrics: Metrics, places: Places) -> str:
    if "ngrams" not in metrics or places["ngrams"].level == "none":
        return ""
    entry = metrics["ngrams"]
    here = float(entry["fake"]["value"])
    rival = numbers.finite((entry["baselines"].get("trigram") or {}).get("value"))
    beside = ""
    if rival is not None:
        how = "nearer than" if here < rival else "not nearer than"
        beside = f", {how} a trigram model ({numbers.score(rival)})"
    return f"The fakes {_LIKENESS[places['ngrams'].level]}: divergence {_beside(entry)}{beside}."


def _level(metrics: Metrics, places: Places, names: Sequence[str], words: Mapping[str, str]) -> str:
    """What the worst of some metrics says, with the figures of all."""
    known = [m for m in names if m in metrics and places[m].level not in ("none", "open")]
    if not known:
        return ""
    order = list(words)
    worst = max(order.index(places[m].level) for m in known)
    return f"{words[order[worst]]}: {_figures(metrics, known)}."


def _obeyed(metrics: Metrics, places: Places) -> str:
    if "agreement" not in metrics or places["agreement"].level == "none":
        return ""
    entry = metrics["agreement"]
    real = numbers.finite(entry["ceiling"].get("value"))
    beside = f" (of real texts it so sees {numbers.share(real)})" if real is not None else ""
    return (
        f"Asked for a label, the model gives it in {numbers.share(entry['fake']['value'])} of the fakes, as a linear "
        f"classifier sees them{beside}."
    )


def copied(metrics: Metrics, places: Places) -> list[str]:
    """The names of the copy tests that speak.

    As for rows, but for the three-sample test: fakes made of frequent phrases lie nearer to every text, so that it
    speaks only where the share of fakes nearer to training texts is also beyond that of real texts in their place.
    """

    def beyond(entry: Mapping[str, Any]) -> bool:
        low, real = numbers.finite(entry["fake"].get("low")), numbers.finite(entry["ceiling"].get("value"))
        return low is not None and (real is None or low > real + THRESHOLDS["copy_effect"])

    known = {m: e for m, e in metrics.items() if places[m].level != "none"}
    return [m for m in copying(known, places) if places[m].level in _BEHIND or beyond(metrics[m])]


def _copied(metrics: Metrics, places: Places) -> str:
    tests = [m for m in metrics if metrics[m]["family"] == "copies" and places[m].level != "none"]
    if not tests:
        return "Whether training texts were copied is not known: none of the tests for it could be made."
    found = copied(metrics, places)
    if found:
        return f"There are signs that training texts were copied: {_figures(metrics, found)}."
    unsure = all(places[m].level == "open" for m in tests)
    but = ", but there are too few to be sure" if unsure else ""
    return f"No sign that training texts were copied{but}: {_figures(metrics, tests)}."


def _next(metrics: Metrics, places: Places, history: Sequence[Mapping[str, Any]]) -> str:
    """What matters most and what to try: copying first, then what falls short most."""
    found = copied(metrics, places)
    behind = [m for m in metrics if m in HEADLINES and metrics[m]["family"] != "copies" and places[m].level in _BEHIND]
    if not found and not behind:
        return ""
    worst = found[0] if found else min(behind, key=lambda m: _rank(places[m]))
    words, reasons, rows = words_of(worst, metrics[worst]), [], flat(history)
    late, over = still_learning(rows), overfit_share(rows)
    if over is not None and over > THRESHOLDS["overfit_gap"]:
        reasons.append(f"D has begun to learn training texts by heart ({numbers.share(over)} of the way to the fakes)")
    if late is not None and late > THRESHOLDS["still_learning"] and not found:
        reasons.append(f"the training was still improving ({numbers.share(late)} of its gain in the last fifth)")
    because = f"; {numbers.listed(reasons)}" if reasons else ""
    return f"What matters most is {words.noun} {_beside(metrics[worst])}{because}: {words.remedy}."


def _rank(place: Standing) -> float:
    """Small for what falls short most: the share of the way to real texts; of a gap alone a quarter counts as all."""
    return place.way if place.way is not None else 1 - 4 * (place.gap or 0.0)
