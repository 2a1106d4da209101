"""From a model of series to its report: fakes through a file and back, real series beside them, metrics, the page.

Knows models, data, metrics and the report; never the loop.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.features.recurrent import discriminate, forecast
from gankit.kinds.base import Prepared
from gankit.kinds.series.metrics.classifiers import Recurrent
from gankit.kinds.series.metrics.held_out import KERNELS, SeriesFeatures
from gankit.kinds.series.metrics.metrics import evaluate_series
from gankit.kinds.series.metrics.sample import SeriesSample
from gankit.kinds.series.preparing import array_of_part, part_of
from gankit.kinds.series.reading import read_series_like
from gankit.kinds.series.records import SeriesSet, layout_of
from gankit.kinds.series.report.sections import SeriesSections
from gankit.model.model import Model
from gankit.report.report import Report, build

PREVIEWS_NAME = "looks"
"""The folder in a run folder that holds fakes of the same z over the training."""

FEATURES = f"means, spreads, ends and the outputs of {KERNELS} random convolutions, fixed by the held-out series"
"""What the report says of the features in which distances are measured."""

MOST_TRAINING, MOST_NUMBERS = 50_000, 2**25
"""Training series among which copies are looked for, spread over all, and the numbers that these have together."""


def report_on_series(
    model: Model,
    run: Path | None,
    prepared: Prepared[SeriesSet, Any] | None,
    real: Any,
    fake: Any,
    *,
    seed: int,
    num_rows: int,
    records: bool,
    note: Callable[[str], None],
) -> Report:
    """The report on a model of series; see `gankit.evaluate`.

    run: its run folder, if it has one. prepared: the data it was trained on, if that is at hand.
    """
    notes: list[str] = []
    train, heldout = _real_samples(model, prepared, real, notes)
    fakes = _fakes_through_a_file(model, num_rows, seed) if fake is None else _read(model, fake, None, "the fakes")
    for text in notes:
        note(text)
    note(f"measuring {len(fakes):,} fakes against {len(heldout):,} held-out series …")
    categories = [i for i, name in enumerate(heldout.names) if name in heldout.levels]
    fixed = SeriesFeatures(heldout.x, categories)
    evaluation = evaluate_series(
        train, heldout, fakes, recurrent=Recurrent(discriminate, forecast), features=lambda sample: fixed(sample.x),
        features_name=FEATURES, seed=seed,
    )  # fmt: skip
    if prepared is None:
        evaluation = evaluation.without_training()
    card = {**model.card, "gankit_version": model.card["version"], "chosen_samples": model.card["metric"]["samples"]}
    card["metric"] = model.card["metric"]["name"]
    progress = [] if run is None else read_previews(run, heldout.x.shape[2])
    sections = SeriesSections.of(evaluation, train, heldout, fakes, progress=progress, records=records)
    return build(sections, card=card, history=list(model.history), notes=notes)


def _schemas(model: Model) -> tuple[Schema, Schema]:
    """The channels, and what belongs to a series as a whole."""
    given = [] if model.given is None else [field.name for field in model.given.codec.fields]
    return (
        Schema(tuple(c for c in model.schema if c.name not in given)),
        Schema(tuple(c for c in model.schema if c.name in given)),
    )


def _real_samples(
    model: Model, prepared: Prepared[SeriesSet, Any] | None, real: Any, notes: list[str]
) -> tuple[SeriesSample, SeriesSample]:
    """The training part and the held-out part."""
    if prepared is not None:
        train = _sample(model, prepared.train)
        if real is None:
            return train, _sample(model, prepared.heldout)
        return train, _read(model, real, _window(model), "the real series")
    if real is None:
        raise OptionError("this model does not know its data any more. Give held-out series: --real, or real=...")
    whole = _read(model, real, _window(model), "the real series")
    if len(whole) < 4:
        raise OptionError(f"{len(whole)} real series are too few to judge by. Bring at least 4, better thousands.")
    notes.append(
        "the training series are not at hand: the first half of the real ones stands in for them in the ceiling, and "
        "copies cannot be told."
    )
    half, overlap = len(whole) // 2, _window(model) or 1
    first, second = np.arange(half), np.arange(half, len(whole))
    # windows that share steps are not on both sides
    return whole.take(first[: max(2, half - overlap + 1)]), whole.take(second)


def _window(model: Model) -> int | None:
    """Steps of the windows that the data was cut into; None where series were taken whole."""
    layout = layout_of(model.origin)
    return layout.num_steps if layout.windows else None


def _sample(model: Model, part: SeriesSet) -> SeriesSample:
    channels, whole = _schemas(model)
    most = min(MOST_TRAINING, max(2, MOST_NUMBERS // (int(part.lengths.max()) * len(channels.modelled))))
    rows = np.unique(np.linspace(0, len(part) - 1, most).astype(np.int64))
    levels = {c.name: tuple(map(str, c.levels)) for c in channels.modelled if c.type == "category"}
    told = next((c for c in whole.modelled if c.type == "category"), None)
    known = None
    if told is not None:
        names = [str(level) for level in told.levels]
        cells = part.values[told.name]
        codes = np.where(cells.missing > 0, -1, cells.data).astype(np.int64)[rows]
        known = [names[code] if code >= 0 else None for code in codes.tolist()]
    x = array_of_part(part, channels.modelled, rows)
    return SeriesSample(x, part.lengths[rows], tuple(c.name for c in channels.modelled), levels, known)


def _read(model: Model, source: Any, window: int | None, what: str) -> SeriesSample:
    """Series from wherever they are, cut into windows of so many steps."""
    channels, labels = _schemas(model)
    options = TrainConfig.from_json(model.card["options"])
    config = TrainConfig(missing=options.missing)
    layout = layout_of(model.origin)
    whole = Schema(tuple(column for column in labels if column.name not in layout.calendar))
    found = read_series_like(source, layout, channels, whole, config)
    return _sample(model, part_of(found, what, window, channels, labels, layout.calendar))


def _fakes_through_a_file(model: Model, count: int, seed: int) -> SeriesSample:
    """`count` fakes, written to a file and read back: what is judged is what the user gets."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / f"fakes.{model.of.suffix(model.origin)}"
        model.write(file, count, seed)
        return _read(model, file, None, "the fakes")


# --- previews over the training ---------------------------------------------------------------------------------------


def read_previews(run: Path, num_channels: int) -> list[tuple[int, np.ndarray]]:
    """(samples, fakes [n, T, C]) of every preview that was kept, in order."""
    found = [
        (int(file.stem), np.load(file, allow_pickle=False)) for file in sorted((run / PREVIEWS_NAME).glob("*.npy"))
    ]
    return [(samples, x) for samples, x in found if x.shape[2] == num_channels]
