"""The few sentences on top of the report on pictures: how real, how varied, obedient, copied, and what to do next.

Knows the metrics' numbers and standings; never arrays or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.report import numbers
from gankit.report.curves import flat, halved, overfit_share, still_learning
from gankit.report.picture_words import BASELINES, is_distance, words_of
from gankit.report.standing import THRESHOLDS, Standing
from gankit.report.summary import LIMITS, copying

Metrics = Mapping[str, Mapping[str, Any]]
Places = Mapping[str, Standing]

_BEHIND = ("close", "fair", "weak")
# The words for a crowd of fakes by how far it is from real pictures.
_DISTANCE = {
    "real": "cannot be told from real pictures by their distance",
    "close": "are close to real pictures",
    "fair": "are on the way to real pictures, but not there",
    "weak": "are far from real pictures",
    "open": "may be as real pictures; these are too few to tell",
}
_REALISM = {
    "real": "Single fakes look real",
    "close": "Single fakes nearly look real",
    "fair": "Some of the fakes do not look real",
    "weak": "Most of the fakes do not look real",
}
_VARIETY = {
    "real": "They are varied enough",
    "close": "They are nearly varied enough",
    "fair": "They are less varied than real pictures",
    "weak": "They are not varied enough",
}


def summary(
    evaluation: Mapping[str, Any],
    metrics: Metrics,
    places: Places,
    shape: tuple[int, ...],
    history: Sequence[Mapping[str, Any]] = (),
) -> list[str]:
    """Four to seven sentences, each with its numbers.

    Args:
        evaluation: of the pictures.
        metrics: its metrics, completed.
        places: each metric's standing.
        shape: height, width and channels of a picture.
        history: of the training, may be empty.
    """
    sentences = [
        _compared(evaluation, shape),
        _distance(metrics, places),
        _quality(metrics, places, ("precision", "density"), _REALISM, ["density"]),
        _quality(metrics, places, ("recall", "coverage", "classes"), _VARIETY),
        _obeyed(metrics, places),
        _copied(metrics, places),
        _next(metrics, places, history),
        LIMITS.replace("record", "picture"),
    ]
    return [s for s in sentences if s]


def colours(channels: int) -> str:
    """What pictures of that many channels are called."""
    return {1: "grey", 2: "grey and opacity", 3: "colour", 4: "colour and opacity"}.get(
        channels, f"{channels} channels"
    )


def _compared(evaluation: Mapping[str, Any], shape: tuple[int, ...]) -> str:
    rows = evaluation.get("rows") or {}
    height, width, channels = shape
    return (
        f"{numbers.count(rows.get('compared', rows.get('fake')))} fakes were compared with "
        f"{numbers.count(rows.get('against', rows.get('heldout')))} held-out real pictures of {width} × {height} "
        f"pixels ({colours(channels)})."
    )


def _figures(metrics: Metrics, names: Sequence[str]) -> str:
    return numbers.listed([f"{words_of(m, metrics[m]).noun} {_beside(metrics[m])}" for m in names])


def _beside(entry: Mapping[str, Any]) -> str:
    real = numbers.finite(entry["ceiling"].get("value"))
    beside = f"; real pictures {numbers.score(real)}" if real is not None else ""
    return f"({numbers.score(entry['fake']['value'])}{beside})"


def _distance(metrics: Metrics, places: Places) -> str:
    known = [m for m in metrics if is_distance(metrics[m]) and places[m].level != "none"]
    if not known:
        return ""
    first = "frechet" if "frechet" in known else known[0]
    entry = metrics[first]
    sides = {
        "real pictures": entry["ceiling"],
        **{BASELINES[k]: entry["baselines"].get(k) or {} for k in ("noise", "mean")},
    }
    known_sides = {k: v["value"] for k, v in sides.items() if numbers.finite(v.get("value")) is not None}
    beside = numbers.listed([f"{who} would have {numbers.score(value)}" for who, value in known_sides.items()])
    where = f", where {beside}" if beside else ""
    return (
        f"The fakes {_DISTANCE[places[first].level]}: {words_of(first, entry).title} "
        f"{numbers.score(entry['fake']['value'])}{where}."
    )


def _quality(
    metrics: Metrics, places: Places, names: Sequence[str], words: Mapping[str, str], beside: Sequence[str] = ()
) -> str:
    """What the worst of some metrics says, with the figures of all; those of `beside` speak only where no other can."""
    known = [m for m in names if m in metrics and places[m].level not in ("none", "open")]
    if not known:
        return ""
    speaking = [m for m in known if m not in beside] or known
    order = list(words)
    worst = max(order.index(places[m].level) for m in speaking)
    return f"{words[order[worst]]}: {_figures(metrics, known)}."


def _obeyed(metrics: Metrics, places: Places) -> str:
    if "agreement" not in metrics or places["agreement"].level == "none":
        return ""
    entry = metrics["agreement"]
    real = numbers.finite(entry["ceiling"].get("value"))
    beside = f" (of real pictures it so sees {numbers.share(real)})" if real is not None else ""
    return (
        f"Asked for a class, the model gives it in {numbers.share(entry['fake']['value'])} of the fakes, as the "
        f"classifier sees them{beside}."
    )


def copied(metrics: Metrics, places: Places) -> list[str]:
    """The names of the copy tests that speak.

    As for rows, but for the three-sample test: smooth or pale fakes lie nearer to every picture, so that it speaks only
    where the share of fakes nearer to training pictures is also beyond that of real pictures in their place.
    """

    def beyond(entry: Mapping[str, Any]) -> bool:
        low, real = numbers.finite(entry["fake"].get("low")), numbers.finite(entry["ceiling"].get("value"))
        return low is not None and (real is None or low > real + THRESHOLDS["copy_effect"])

    return [m for m in copying(metrics, places) if places[m].level in _BEHIND or beyond(metrics[m])]


def _copied(metrics: Metrics, places: Places) -> str:
    tests = [m for m in metrics if metrics[m]["family"] == "copies" and places[m].level != "none"]
    if not tests:
        return "Whether training pictures were copied is not known: none of the tests for it could be made."
    found = copied(metrics, places)
    if found:
        return f"There are signs that training pictures were copied: {_figures(metrics, found)}."
    unsure = [m for m in tests if places[m].level == "open"]
    if len(unsure) == len(tests):
        return (
            f"No sign that training pictures were copied, but there are too few to be sure: {_figures(metrics, tests)}."
        )
    return f"No sign that training pictures were copied: {_figures(metrics, tests)}."


def _next(metrics: Metrics, places: Places, history: Sequence[Mapping[str, Any]]) -> str:
    """What matters most and what to try: copying first, then what falls short most.

    A distance sums up realism and variety, so it is named only where neither of them falls short itself.
    """
    found = copied(metrics, places)
    behind = [m for m in metrics if metrics[m]["family"] != "copies" and places[m].level in _BEHIND]
    behind = [m for m in behind if m != "kernel" or "frechet" not in behind]
    short = [m for m in behind if not is_distance(metrics[m]) and places[m].level in ("fair", "weak")]
    behind = short or [m for m in behind if is_distance(metrics[m])] or behind
    if not found and not behind:
        return ""
    worst = found[0] if found else min(behind, key=lambda m: _rank(places[m]))
    words, reasons, rows = words_of(worst, metrics[worst]), [], flat(history)
    late, over = still_learning(halved(rows)), overfit_share(rows)
    if over is not None and over > THRESHOLDS["overfit_gap"]:
        reasons.append(
            f"D has begun to learn training pictures by heart ({numbers.share(over)} of the way to the fakes)"
        )
    if late is not None and late > THRESHOLDS["still_learning"] and not found:
        reasons.append(f"the training was still improving ({numbers.share(late)} of its gain in the last fifth)")
    because = f"; {numbers.listed(reasons)}" if reasons else ""
    return f"What matters most is {words.noun} {_beside(metrics[worst])}{because}: {words.remedy}."


def _rank(place: Standing) -> float:
    return place.way if place.way is not None else -(place.gap or 0.0)
