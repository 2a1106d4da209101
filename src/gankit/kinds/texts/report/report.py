"""The report on texts put together: words, tables and figures, as a `Report` like that on rows.

Knows the JSON of a text evaluation, texts and a model's card; never networks or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.kinds.texts.report.looks import Look
from gankit.kinds.texts.report.page import Content, page
from gankit.kinds.texts.report.panels import Tokenise
from gankit.kinds.texts.report.summary import summary
from gankit.kinds.texts.report.words import alike, completed, place_of, verdict, words_of
from gankit.metrics.score import plain
from gankit.report import parts
from gankit.report.report import Report
from gankit.report.standing import compared_rows

LEFT_OUT = (
    "Real texts, the fakes that look most like training texts, and longer runs of units were left out of this report. "
    "The other fakes are shown: read them before you pass the page on."
)


def text_report(
    evaluation: Mapping[str, Any],
    train: Sequence[str],
    heldout: Sequence[str],
    fake: Sequence[str],
    *,
    tokenise: Tokenise,
    labels: Mapping[str, Any] | None = None,
    card: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    progress: Sequence[tuple[int, Sequence[str]]] = (),
    notes: Sequence[str] = (),
    records: bool = True,
) -> Report:
    """The report on `fake`.

    Args:
        evaluation: what `kinds.texts.metrics.evaluation.evaluate_texts` gave for these texts. What is missing is left
            out.
        train, heldout, fake: texts. Rows that the evaluation names are rows of these.
        tokenise: a text to its units, as the evaluation had it.
        labels: {"fake": [N] labels asked for or None, "heldout": [N] true ones or None}, as texts or numbers; None
            without labels.
        card: what the model is, as plain JSON. Used by name: `name`, `metric` (what the history's metric is called),
            `chosen_samples`, `gankit_version`; all of it is shown.
        history: as for `gankit.report.report.build`.
        progress: (real samples shown to D, fakes of the same z) for the steps that were kept.
        notes: further remarks for the reader, one sentence each.
        records: whether real texts may be shown, and the fakes that look most like them.

    Returns:
        The report; its page stays under `gankit.report.report.MAX_BYTES` by showing fewer texts.
    """
    card, history = plain(dict(card)), plain([dict(h) for h in history])
    if not records:
        notes = [*notes, LEFT_OUT]
        evaluation = without_texts(evaluation)
    metrics = {name: completed(entry) for name, entry in evaluation["metrics"].items()}
    same_kind, rows = alike(metrics), compared_rows(evaluation)
    places = {name: place_of(name, entry, rows, same_kind) for name, entry in metrics.items()}
    verdicts = {name: verdict(name, entry, places[name]) for name, entry in metrics.items()}
    sentences = summary(evaluation, metrics, places, history)

    def content(scale: float) -> Content:
        look = Look(train, heldout, fake, labels, tokenise, evaluation, progress, records, scale)
        return Content(evaluation, metrics, places, verdicts, sentences, look, card, history, notes)

    # fewer texts, should they or their labels be so long that the page grows too large
    html = parts.fitting(lambda scale: page(content(scale)), (0.5, 0.0))
    return parts.report(content(1.0), {m: words_of(m, e).title for m, e in metrics.items()}, html)


def without_texts(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """The evaluation without what may tell of single real texts: runs of more than two units, and words that are rare.

    Rows of texts stay: they are numbers.
    """
    characters = (evaluation.get("units") or {}).get("characters", False)
    most = 2 if characters else 1
    metrics = {}
    for name, entry in evaluation["metrics"].items():
        if entry.get("family") == "shape" and not characters:
            entry = {**entry, **{side: _bare(entry.get(side)) for side in ("fake", "ceiling")}}
        metrics[name] = entry
    runs = [g for g in evaluation.get("grams") or [] if g.get("order", 1) <= most]
    return {**evaluation, "grams": runs, "metrics": metrics}


def _bare(score: Any) -> Any:
    if not isinstance(score, Mapping):
        return score
    return {**score, "details": {k: v for k, v in (score.get("details") or {}).items() if k != "missed"}}
