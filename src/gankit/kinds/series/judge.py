"""What a run of series is judged by, and the fakes of it that are kept over the training.

Knows prepared series, models and metrics; never files or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from gankit.columns.cells import Values
from gankit.columns.schema import Schema
from gankit.kinds.base import Fakes, HeldOutMetric, Prepared
from gankit.kinds.series.codec import SeriesCodec
from gankit.kinds.series.metrics.choice import held_out_series_metric
from gankit.kinds.series.preparing import array_of_part, label_numbers, part_of
from gankit.kinds.series.records import SeriesSet, joined_series
from gankit.kinds.series.tables import with_distances
from gankit.randomness import numpy_generator

METRIC = "minus the Frechet distance to held-out series (fixed features)"

MOST_REAL, MOST_FAKE, LEAST_FAKE = 5000, 2000, 256
"""Held-out series that the judge looks at, and fakes, within bounds."""

JUDGED_NUMBERS = 2**22
"""Fakes that are judged have at most so many numbers together, but for `LEAST_FAKE` of them."""


def series_metric(prepared: Prepared[SeriesSet, SeriesCodec], seed: int, fakes_seed: int) -> HeldOutMetric:
    """Minus the Frechet distance between decoded fakes and held-out series, given their labels too."""
    part = prepared.heldout
    labels, channels = _schemas(prepared)
    count = int(np.clip(JUDGED_NUMBERS // (prepared.codec.spec.shape[0] * len(channels)), LEAST_FAKE, MOST_FAKE))
    rows = np.arange(len(part))
    if len(rows) > MOST_REAL:
        rows = np.sort(numpy_generator(seed, "judged").choice(rows, MOST_REAL, replace=False))
    known = label_numbers(labels.columns, part.take(rows).values)
    categories = [i for i, column in enumerate(channels) if column.type == "category"]
    distance = held_out_series_metric(array_of_part(part, channels.columns, rows), categories, known)

    def value(fakes: Fakes) -> float:
        x, given = numbers_of(fakes, prepared, count, fakes_seed)
        return distance(x, label_numbers(labels.columns, given))

    return HeldOutMetric(METRIC, value)


def _schemas(prepared: Prepared[SeriesSet, SeriesCodec]) -> tuple[Schema, Schema]:
    """The labels, and the channels that are learned."""
    names = prepared.heldout.values
    labels = Schema(tuple(c for c in prepared.schema.modelled if c.name in names))
    return labels, Schema(tuple(c for c in prepared.schema.modelled if c.name not in names))


def numbers_of(
    fakes: Fakes, prepared: Prepared[SeriesSet, SeriesCodec], count: int, seed: int
) -> tuple[np.ndarray, Mapping[str, Values]]:
    """The first fakes of a seed as users get them, read again: numbers [count, T, C], and their labels."""
    labels, channels = _schemas(prepared)
    found = joined_series(list(fakes.sample_batches(count, seed=seed)))
    part = part_of(with_distances(found), "the fakes", None, channels, labels, found.layout.calendar)
    return array_of_part(part, channels.columns), part.values
