"""The few sentences on top of the report on texts: how like real ones, how varied, obedient, copied, what to do next.

Knows the metrics' numbers and standings; never texts or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.kinds.texts.report.words import HEADLINES, called, words_of
from gankit.report import numbers
from gankit.report.curves import flat
from gankit.report.old import LIMITS
from gankit.report.sentences import Metrics, Places, Teller

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
    tell = Teller("texts", metrics, places, words_of)
    behind = [m for m in tell.behind() if m in HEADLINES]
    sentences = [
        tell.compared(evaluation, _like(evaluation)),
        _likeness(tell),
        tell.level(("valid", "bleu_2", "bleu_5"), _QUALITY),
        tell.level(("uniqueness", "backward_bleu_2", "self_bleu_5"), _VARIETY),
        tell.obeyed("a label", "a linear classifier"),
        tell.copied(),
        tell.next_step(behind, flat(history)),
        LIMITS.replace("record", "text"),
    ]
    return [s for s in sentences if s]


def _like(evaluation: Mapping[str, Any]) -> str:
    units = evaluation.get("units") or {}
    if not units.get("longest"):
        return ""
    longest, symbols = numbers.count(units["longest"]), numbers.count(units.get("symbols"))
    return f" of up to {longest} {called(evaluation)}, {symbols} different"


def _likeness(tell: Teller) -> str:
    if "ngrams" not in tell.metrics or tell.places["ngrams"].level == "none":
        return ""
    entry = tell.metrics["ngrams"]
    here = float(entry["fake"]["value"])
    rival = numbers.finite((entry["baselines"].get("trigram") or {}).get("value"))
    beside = ""
    if rival is not None:
        how = "nearer than" if here < rival else "not nearer than"
        beside = f", {how} a trigram model ({numbers.score(rival)})"
    return f"The fakes {_LIKENESS[tell.places['ngrams'].level]}: divergence {tell.beside('ngrams')}{beside}."
