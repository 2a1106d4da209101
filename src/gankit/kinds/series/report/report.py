"""The report on series put together: words, tables and figures, as a `Report` like that on rows.

Knows the JSON of a series evaluation, series and a model's card; never networks or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gankit.kinds.series.metrics.sample import SeriesSample, aligned
from gankit.kinds.series.report.looks import Look
from gankit.kinds.series.report.page import Content, page
from gankit.kinds.series.report.summary import summary
from gankit.kinds.series.report.words import alike, completed, place_of, verdict, words_of
from gankit.metrics.score import plain
from gankit.report import parts
from gankit.report.report import Report
from gankit.report.standing import compared_rows

LEFT_OUT = (
    "Real series, and the fakes that look most like training series, were left out of this report. The other fakes are "
    "shown: look at them before you pass the page on."
)


def series_report(
    evaluation: Mapping[str, Any],
    train: SeriesSample,
    heldout: SeriesSample,
    fake: SeriesSample,
    *,
    card: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    progress: Sequence[tuple[int, np.ndarray]] = (),
    notes: Sequence[str] = (),
    records: bool = True,
) -> Report:
    """The report on `fake`.

    Args:
        evaluation: what `kinds.series.metrics.evaluation.evaluate_series` gave for these series. What is missing is
            left out; further entries of "metrics" in the same form are shown, too.
        train, heldout, fake: series. Rows that the evaluation names are rows of these; labels: those that the real ones
            have, and those that were asked for.
        card: what the model is, as plain JSON. Used by name: `name`, `metric` (what the history's metric is called),
            `chosen_samples`, `gankit_version`; all of it is shown.
        history: as for `gankit.report.report.build`; a metric below 0 throughout is read as minus a distance.
        progress: (real samples shown to D, fakes [n, T, C] of the same z) for the steps that were kept.
        notes: further remarks for the reader, one sentence each.
        records: whether real series may be shown, and the fakes that look most like them.

    Returns:
        The report; its page stays under `gankit.report.report.MAX_BYTES` by showing less.
    """
    train, heldout, fake = aligned(train, heldout, fake)
    card, history = plain(dict(card)), plain([dict(h) for h in history])
    if not records:
        notes = [*notes, LEFT_OUT]
    metrics = {name: completed(entry) for name, entry in evaluation["metrics"].items()}
    same_kind, rows = alike(metrics), compared_rows(evaluation)
    cells = fake.x.shape[1] * len(fake.numbers)
    places = {name: place_of(name, entry, rows, same_kind, cells) for name, entry in metrics.items()}
    verdicts = {name: verdict(name, entry, places[name]) for name, entry in metrics.items()}
    sentences = summary(evaluation, metrics, places, history)

    def content(scale: float) -> Content:
        look = Look(train, heldout, fake, evaluation, progress, records, scale)
        return Content(evaluation, metrics, places, verdicts, sentences, look, card, history, notes)

    # fewer pictures, should series or names be so long that the page grows too large
    html = parts.fitting(lambda scale: page(content(scale)), (0.5, 0.0))
    return parts.report(content(1.0), {m: words_of(m, e).title for m, e in metrics.items()}, html)
