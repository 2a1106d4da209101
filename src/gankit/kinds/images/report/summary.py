"""The few sentences on top of the report on pictures: how real, how varied, obedient, copied, and what to do next.

Knows the metrics' numbers and standings; never arrays or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.kinds.images.report.words import BASELINES, is_distance, words_of
from gankit.report import numbers
from gankit.report.curves import flat, halved
from gankit.report.old import LIMITS
from gankit.report.sentences import Metrics, Places, Teller

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
    height, width, channels = shape
    tell = Teller("pictures", metrics, places, words_of)
    sentences = [
        tell.compared(evaluation, f" of {width} × {height} pixels ({colours(channels)})"),
        _distance(tell),
        tell.level(("precision", "density"), _REALISM, silent=["density"]),
        tell.level(("recall", "coverage", "classes"), _VARIETY),
        tell.obeyed("a class", "the classifier"),
        tell.copied(),
        tell.next_step(_behind(tell), halved(flat(history))),
        LIMITS.replace("record", "picture"),
    ]
    return [s for s in sentences if s]


def colours(channels: int) -> str:
    """What pictures of that many channels are called."""
    return {1: "grey", 2: "grey and opacity", 3: "colour", 4: "colour and opacity"}.get(
        channels, f"{channels} channels"
    )


def _distance(tell: Teller) -> str:
    known = [m for m in tell.metrics if is_distance(tell.metrics[m]) and tell.places[m].level != "none"]
    if not known:
        return ""
    first = "frechet" if "frechet" in known else known[0]
    entry = tell.metrics[first]
    sides = {
        "real pictures": entry["ceiling"],
        **{BASELINES[k]: entry["baselines"].get(k) or {} for k in ("noise", "mean")},
    }
    known_sides = {k: v["value"] for k, v in sides.items() if numbers.finite(v.get("value")) is not None}
    beside = numbers.listed([f"{who} would have {numbers.score(value)}" for who, value in known_sides.items()])
    where = f", where {beside}" if beside else ""
    return (
        f"The fakes {_DISTANCE[tell.places[first].level]}: {words_of(first, entry).title} "
        f"{numbers.score(entry['fake']['value'])}{where}."
    )


def _behind(tell: Teller) -> list[str]:
    """What falls short: a distance sums up realism and variety, so it counts only where neither of them does."""
    behind = tell.behind()
    behind = [m for m in behind if m != "kernel" or "frechet" not in behind]
    short = [m for m in behind if not is_distance(tell.metrics[m]) and tell.places[m].level in ("fair", "weak")]
    return short or [m for m in behind if is_distance(tell.metrics[m])] or behind
