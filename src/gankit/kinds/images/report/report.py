"""The report on pictures put together: words, sheets and figures, as a `Report` like that on rows.

Knows the JSON of a picture evaluation, arrays of pictures and a model's card; never networks or the loop.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gankit.kinds.images.report.looks import Look
from gankit.kinds.images.report.page import Content, page
from gankit.kinds.images.report.summary import summary
from gankit.kinds.images.report.words import completed, place_of, verdict, words_of
from gankit.metrics.score import plain
from gankit.report import parts
from gankit.report.parts import Section
from gankit.report.report import Report
from gankit.report.standing import compared_rows

LEFT_OUT = (
    "Real pictures, and the fakes that look most like training pictures, were left out of this report. The other fakes "
    "are shown: look at them before you pass the page on."
)

_PICTURE = re.compile(r"(?<![\w.#-])([Pp])icture(s?)(?![\w-])")
_READ = re.compile(r'>[^<>]+<|\b(?:alt|aria-label|title)="[^"]*"')  # what people read of a page


def build_pictures(
    evaluation: Mapping[str, Any],
    train: np.ndarray,
    heldout: np.ndarray,
    fake: np.ndarray,
    *,
    labels: Mapping[str, Any] | None = None,
    card: Mapping[str, Any],
    history: Sequence[Mapping[str, Any]],
    progress: Sequence[tuple[int, np.ndarray]] = (),
    notes: Sequence[str] = (),
    records: bool = True,
    extra: Sequence[Section] = (),
    opening: str = "",
    noun: str = "picture",
) -> Report:
    """The report on `fake`.

    Args:
        evaluation: what `kinds.images.metrics.evaluation.evaluate_pictures` gave for these pictures. What is missing
            is left out; without any test for copies `train` is taken for other pictures than those trained on, and
            nothing is shown as nearest to it.
        train, heldout, fake: [N, H, W, C] uint8, of one shape; C may be 1 (grey), 2 (with opacity), 3, 4 or more. Rows
            that the evaluation names are rows of these; only pictures that are shown are read.
        labels: {"fake": [N] class index asked for or None, "heldout": [N] true class index or None, "names": [K]}; None
            without classes.
        card: what the model is, as plain JSON. Used by name: `name`, `metric` (what the history's metric is called),
            `chosen_samples`, `gankit_version`; all of it is shown.
        history: as for `gankit.report.report.build`; a metric below 0 throughout is read as minus a distance.
        progress: (real samples shown to D, [n, H, W, C] uint8 fakes of the same z) for the steps that were kept.
        notes: further remarks for the reader, one sentence each.
        records: whether real pictures may be shown, and the fakes that look most like them.
        extra: parts of the page that stand before all others.
        opening: a sentence before all others of the summary, or nothing.
        noun: what one of them is called, as in "spectrogram".

    Returns:
        The report; its page stays under `gankit.report.report.MAX_BYTES` by showing fewer pictures.
    """
    card, history = plain(dict(card)), plain([dict(h) for h in history])
    if not records:
        notes = [*notes, LEFT_OUT]
    metrics = {name: completed(entry) for name, entry in evaluation["metrics"].items()}
    places = {name: place_of(entry, compared_rows(evaluation), fake[0].size) for name, entry in metrics.items()}
    verdicts = {name: called(verdict(name, entry, places[name]), noun) for name, entry in metrics.items()}
    sentences = summary(evaluation, metrics, places, tuple(fake.shape[1:]), history)
    sentences = [called(s, noun) for s in ([opening, *sentences] if opening else sentences)]

    def content(scale: float) -> Content:
        look = Look(train, heldout, fake, labels, evaluation, progress, records, scale)
        return Content(evaluation, metrics, places, verdicts, sentences, look, card, history, notes, extra)

    def written(scale: float) -> str:
        return _READ.sub(lambda found: called(found[0], noun), page(content(scale)))

    # fewer pictures, should they be so hard to compress that the page grows too large
    html = parts.fitting(written, (0.6, 0.35, 0.15, 0.0))
    return parts.report(content(1.0), {m: called(words_of(m, e).title, noun) for m, e in metrics.items()}, html)


def called(text: str, noun: str) -> str:
    """The text with every picture called `noun`.

    >>> called("Pictures: no picture is repeated.", "spectrogram")
    'Spectrograms: no spectrogram is repeated.'
    """
    return _PICTURE.sub(lambda found: (noun.capitalize() if found[1] == "P" else noun) + found[2], text)
