"""How fake series are evaluated and reported.

Knows series, metrics and sections; never models but by what `Subject` names, or the loop.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.features.recurrent import discriminate, forecast
from gankit.kinds.assessment import Assessment, Note, Parts, Subject
from gankit.kinds.base import Notes, Prepared
from gankit.kinds.series.metrics.classifiers import Recurrent
from gankit.kinds.series.metrics.held_out import KERNELS, SeriesFeatures
from gankit.kinds.series.metrics.inputs import NOUN, SeriesFacts
from gankit.kinds.series.metrics.metrics import evaluate_series
from gankit.kinds.series.metrics.sample import SeriesSample
from gankit.kinds.series.preparing import array_of_part, part_of
from gankit.kinds.series.reading import read_series_like
from gankit.kinds.series.records import layout_of
from gankit.kinds.series.report.sections import SeriesSections
from gankit.metrics.evaluate import Evaluation

FEATURES = f"means, spreads, ends and the outputs of {KERNELS} random convolutions, fixed by the held-out series"
"""What the report says of the features in which distances are measured."""

MOST_TRAINING, MOST_NUMBERS = 50_000, 2**25
"""Training series among which copies are looked for, spread over all, and the numbers that these have together."""


class SeriesAssessment(Assessment[SeriesSample]):
    """How fake series are evaluated."""

    noun = NOUN

    def __init__(self, model: Subject, prepared: Prepared[Any, Any] | None, notes: Notes, note: Note) -> None:
        super().__init__(model, prepared, notes, note)
        given = [] if model.given is None else [field.name for field in model.given.codec.fields]
        self.channels = Schema(tuple(c for c in model.schema if c.name not in given))
        self.whole = Schema(tuple(c for c in model.schema if c.name in given))  # what belongs to a series as a whole
        self.layout = layout_of(model.origin)
        self.window = self.layout.num_steps if self.layout.windows else None  # None: series were taken whole

    def own(self, part: Any, heldout: bool) -> SeriesSample:
        """See `Assessment.own`: spread evenly over all, where there are too many."""
        channels = self.channels.modelled
        most = min(MOST_TRAINING, max(2, MOST_NUMBERS // (int(part.lengths.max()) * len(channels))))
        rows = np.unique(np.linspace(0, len(part) - 1, most).astype(np.int64))
        levels = {c.name: tuple(map(str, c.levels)) for c in channels if c.type == "category"}
        told = next((c for c in self.whole.modelled if c.type == "category"), None)
        known = None
        if told is not None:
            names = [str(level) for level in told.levels]
            cells = part.values[told.name]
            codes = np.where(cells.missing > 0, -1, cells.data).astype(np.int64)[rows]
            known = [names[code] if code >= 0 else None for code in codes.tolist()]
        x = array_of_part(part, channels, rows)
        return SeriesSample(x, part.lengths[rows], tuple(c.name for c in channels), levels, known)

    def read(self, source: Any, fake: bool, notes: Notes) -> SeriesSample:
        """See `Assessment.read`: real series are cut into windows as those that train were."""
        config, calendar = TrainConfig(missing=self.options.missing), self.layout.calendar
        whole = Schema(tuple(column for column in self.whole if column.name not in calendar))
        found = read_series_like(source, self.layout, self.channels, whole, config)
        what, window = ("the fakes", None) if fake else ("the real series", self.window)
        return self.own(part_of(found, what, window, self.channels, self.whole, calendar), False)

    def halves(self, whole: SeriesSample) -> tuple[SeriesSample, SeriesSample]:
        """See `Assessment.halves`: in order of time; windows that share steps are not on both sides."""
        half, overlap = len(whole) // 2, self.window or 1
        return whole.take(np.arange(max(2, half - overlap + 1))), whole.take(np.arange(half, len(whole)))

    def evaluate(self, parts: Parts[SeriesSample], seed: int) -> Evaluation[SeriesFacts]:
        """See `Assessment.evaluate`."""
        heldout = parts.heldout
        fixed = SeriesFeatures(heldout.x, [i for i, name in enumerate(heldout.names) if name in heldout.levels])
        return evaluate_series(
            *parts,
            recurrent=Recurrent(discriminate, forecast),
            features=lambda sample: fixed(sample.x),
            features_name=FEATURES,
            seed=seed,
        )

    def sections(self, parts: Parts[SeriesSample], **shared: Any) -> SeriesSections:
        """See `Assessment.sections`."""
        evaluation = shared.pop("evaluation")
        return SeriesSections.of(evaluation, *parts, **shared)

    def previews(self, folder: Path, heldout: SeriesSample) -> list[tuple[int, np.ndarray]]:
        """See `Assessment.previews`."""
        return read_previews(folder, heldout.x.shape[2])


def read_previews(folder: Path, num_channels: int) -> list[tuple[int, np.ndarray]]:
    """(samples, fakes [n, T, C]) that were kept over the training, in order."""
    kept = [(int(file.stem), np.load(file, allow_pickle=False)) for file in sorted(folder.glob("*.npy"))]
    return [(samples, x) for samples, x in kept if x.shape[2] == num_channels]
