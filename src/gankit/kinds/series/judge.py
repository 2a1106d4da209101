"""What a run of series is judged by, and the fakes of it that are kept over the training.

Knows prepared series, models and metrics; never files or the loop.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from gankit.columns.cells import Values
from gankit.columns.labels import rows_of
from gankit.columns.schema import Schema
from gankit.kinds.prepared import Prepared, SeriesPart
from gankit.kinds.series.metrics.choice import held_out_series_metric
from gankit.kinds.series.preparing import array_of_part, label_numbers, part_of
from gankit.kinds.series.records import joined_series
from gankit.kinds.series.tables import with_distances
from gankit.model.model import Model
from gankit.networks import Generator
from gankit.randomness import numpy_generator

METRIC = "minus the Frechet distance to held-out series (fixed features)"

MOST_REAL, MOST_FAKE, LEAST_FAKE = 5000, 2000, 256
"""Held-out series that the judge looks at, and fakes, within bounds."""

JUDGED_NUMBERS = 2**22
"""Fakes that are judged have at most so many numbers together, but for `LEAST_FAKE` of them."""


def series_judge(
    prepared: Prepared, model_of: Callable[[Generator], Model], seed: int, fakes_seed: int
) -> Callable[[Generator], float]:
    """Minus the Frechet distance between decoded fakes and held-out series, given their labels too."""
    part = prepared.heldout_part
    assert isinstance(part, SeriesPart)
    labels, channels = _schemas(prepared)
    count = int(np.clip(JUDGED_NUMBERS // (prepared.codec.spec.shape[0] * len(channels)), LEAST_FAKE, MOST_FAKE))
    rows = np.arange(len(part))
    if len(rows) > MOST_REAL:
        rows = np.sort(numpy_generator(seed, "judged").choice(rows, MOST_REAL, replace=False))
    known = label_numbers(labels.columns, rows_of(prepared.heldout, rows))
    categories = [i for i, column in enumerate(channels) if column.kind == "category"]
    distance = held_out_series_metric(array_of_part(part, channels.columns, rows), categories, known)

    def judge(generator: Generator) -> float:
        where = next(generator.parameters()).device
        x, given = _made(model_of(generator.to("cpu")), prepared, count, fakes_seed)
        generator.to(where)
        return distance(x, label_numbers(labels.columns, given))

    return judge


def series_look(model: Model, prepared: Prepared, count: int, seed: int) -> np.ndarray:
    """The first fakes of a seed as numbers [count, T, C], NaN in gaps and behind the end."""
    return _made(model, prepared, count, seed)[0].astype(np.float32)


def _schemas(prepared: Prepared) -> tuple[Schema, Schema]:
    """The labels, and the channels that are learned."""
    labels = Schema(tuple(c for c in prepared.schema.modelled if c.name in prepared.heldout))
    return labels, Schema(tuple(c for c in prepared.schema.modelled if c.name not in prepared.heldout))


def _made(model: Model, prepared: Prepared, count: int, seed: int) -> tuple[np.ndarray, Mapping[str, Values]]:
    """Fakes as users get them, read again: numbers [count, T, C], and their labels."""
    labels, channels = _schemas(prepared)
    fakes = joined_series(list(model.sample_batches(count, seed=seed)))
    part, given = part_of(with_distances(fakes), "the fakes", None, channels, labels, fakes.layout.calendar)
    return array_of_part(part, channels.columns), given
