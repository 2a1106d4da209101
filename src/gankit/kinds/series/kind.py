"""Time series, as a kind of data.

Knows everything of series by its modules; never the loop's inside or terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.columns.column import Values
from gankit.columns.identifiers import generate
from gankit.columns.rows import rows_of
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.io.large import limit
from gankit.io.probe import Probe
from gankit.io.records import Origin
from gankit.io.writing import OutputFormat, table_formats
from gankit.kinds.base import Coded, Fakes, HeldOutMetric, Kind, Notes, Noun, Prepared, Preview, spread
from gankit.kinds.series.codec import SeriesCodec
from gankit.kinds.series.files import times_after, to_series_object, write_series
from gankit.kinds.series.options import OPTIONS
from gankit.kinds.series.records import (
    Series,
    SeriesSet,
    StoredSeries,
    drawn_starts,
    joined_series,
    layout_of,
    num_steps_of,
    slices,
    starts_at,
)
from gankit.randomness import numpy_generator

TEXT_FORMATS = ("csv", "tsv", "jsonl", "json", "xml")
FEWER = 2  # windows hold so many times as many steps as there are, where each is coded once for all of them
STARTS_TOGETHER = 1024  # rows for which times at which series begin are drawn at once


class SeriesKind(Kind[SeriesSet, SeriesCodec]):
    """Series, or windows of them, with what belongs to each as a whole."""

    name = "series"
    noun = Noun("series", "series")
    described = "series"
    options = OPTIONS
    conditioned = "Train it anew with --attributes {name}, or with --given {name} where it tells series apart."
    most_fakes = 5_000
    codec = SeriesCodec
    assessed_by = "gankit.kinds.series.evaluation:SeriesAssessment"

    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """See `Kind.recognises`: by an option of series, a file of the field, or an array of three axes."""
        from gankit.kinds.series.preparing import looks_like_series

        return looks_like_series(probe, config)

    def prepare(self, probe: Probe, config: TrainConfig, notes: Notes) -> Prepared[SeriesSet, SeriesCodec]:
        """See `Kind.prepare`."""
        from gankit.kinds.series.preparing import prepare_series

        return prepare_series(self, probe, config, notes)

    def hint(self, probe: Probe, config: TrainConfig) -> str | None:
        """See `Kind.hint`: a table with regular times in order, or anew with every entity, may be meant as series."""
        from gankit.kinds.series.tables import hint_of_series

        return hint_of_series(rows_of(probe, config), config)

    def coded(self, prepared: Prepared[SeriesSet, SeriesCodec], part: SeriesSet) -> Coded:
        """See `Kind.coded`: windows that share many steps are slices of these, each coded once."""
        if isinstance(part, StoredSeries):
            return part.coded
        codec, steps = prepared.codec, np.arange(num_steps_of(part))
        by_step, num_steps = codec.by_step, codec.num_steps
        numbers = [cells for cells in part.cells.values() if cells.data.dtype.kind == "f"]
        gaps = any((cells.missing > 0).any() or np.isnan(cells.data).any() for cells in numbers)  # of those held out
        shared = (part.lengths == num_steps).all() and len(part) * num_steps >= FEWER * len(steps)
        if by_step is None or gaps or not shared:
            return Coded(codec.encode(part))
        coded = by_step.encode(SeriesSet({}, part.cells, steps, np.ones_like(steps)))
        return Coded(slices(coded[:, 0], num_steps), part.begins)

    def settle(self, prepared: Prepared[SeriesSet, SeriesCodec], config: TrainConfig, notes: Notes) -> TrainConfig:
        """See `Kind.settle`: where series lie on disk they do so whenever the run is taken up again."""
        return replace(config, memory=str(limit(config))) if isinstance(prepared.train, StoredSeries) else config

    def like(self, source: Any, prepared: Prepared[SeriesSet, SeriesCodec], config: TrainConfig) -> SeriesSet:
        """See `Kind.like`: windows are cut as those that train were."""
        from gankit.kinds.series.evaluation import series_like

        return series_like(source, prepared, config)

    def held_out_metric(
        self, prepared: Prepared[SeriesSet, SeriesCodec], config: TrainConfig, evidence: Any, fakes_seed: int
    ) -> HeldOutMetric:
        """See `Kind.held_out_metric`: minus a Frechet distance in fixed features, given the labels too."""
        from gankit.kinds.series.evaluation import series_metric

        return series_metric(prepared, config.seed, fakes_seed)

    def preview(self, fakes: Fakes, prepared: Prepared[SeriesSet, SeriesCodec], count: int, seed: int) -> Preview:
        """See `Kind.preview`: numbers [count, T, C], NaN in gaps and behind the end."""
        from gankit.kinds.series.evaluation import numbers_of

        return Preview("lines", numbers_of([fakes.few(count, seed)], prepared)[0].astype(np.float32))

    def preview_real(self, prepared: Prepared[SeriesSet, SeriesCodec], count: int) -> Preview:
        """See `Kind.preview_real`."""
        from gankit.kinds.series.evaluation import channels_of
        from gankit.kinds.series.preparing import array_of_part

        part = spread(prepared.heldout, count)
        return Preview("lines", array_of_part(part, channels_of(prepared).columns).astype(np.float32))

    def records(
        self, schema: Schema, codec: SeriesCodec, given: Mapping[str, Values], made: np.ndarray, first_row: int,
        seed: int, origin: Origin,
    ) -> Series:  # fmt: skip
        """See `Kind.records`: `Series`, with times that begin where training records do."""
        layout, num, steps = layout_of(origin), len(made), codec.decode(made)
        times, apart = None, None
        if layout.times is not None:
            apart, runs = layout.times.step, layout.times.starts
            uniforms, dated = _uniforms(seed, first_row, num), [c for c in schema if c.name in layout.calendar]
            starts = drawn_starts(runs, uniforms)
            if dated:
                starts = starts_at(runs, dated, given, uniforms, layout.times.local)
            distances, grain = None if apart is None else steps.cells[apart].data, layout.times.grain
            times = times_after(starts, steps.lengths, layout.times.grid, distances, grain)
        labels = Schema(tuple(c for c in schema if c.name in given and c.name not in layout.calendar))
        channels = Schema(tuple(c for c in schema if c.name not in given and c.name != apart))
        named = {c.name: generate(c.pattern, seed, first_row, num, c.stream) for c in layout.entity if c.pattern}
        return Series(
            channels.format(steps.cells, int(steps.lengths.sum()), first_row=0, seed=seed),
            steps.lengths,
            labels.format(given, num, first_row=first_row, seed=seed) if labels.columns else None,
            times,
            origin,
            pa.table(named) if named else None,
            first_row,
        )

    def join(self, batches: Sequence[Series], origin: Origin) -> Any:
        """See `Kind.join`."""
        return to_series_object(joined_series(list(batches)))

    @property
    def formats(self) -> Mapping[str, OutputFormat]:
        """See `Kind.formats`: those of tables, with a row a step or arrays, and .ts files."""
        return table_formats(write_series, {"ts": "text/plain"})

    def write_file(
        self, batches: Iterable[Any], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `Kind.write_file`."""
        write_series(batches, path, origin, format)

    def suffix(self, origin: Origin) -> str:
        """See `Kind.suffix`: the format the data came in; .npz for arrays."""
        own = {"rows": "tsv", "ts": "ts", "arrays": "npz", "list": "npz"}.get(origin.details["layout"]["form"])
        return own or (origin.format if origin.format in (*TEXT_FORMATS, "parquet", "arrow") else "csv")

    def pipe_format(self, origin: Origin) -> str:
        """See `Kind.pipe_format`: as text, arrays as CSV with a step a row."""
        own = {"rows": "tsv", "ts": "ts", "arrays": "csv", "list": "csv"}.get(origin.details["layout"]["form"])
        return own or (origin.format if origin.format in TEXT_FORMATS else "csv")


def _uniforms(seed: int, first_row: int, num: int) -> np.ndarray:
    """[num] in [0, 1), one a row, the same however rows are asked for."""
    blocks = range(first_row // STARTS_TOGETHER, (first_row + max(num, 1) - 1) // STARTS_TOGETHER + 1)
    drawn = [numpy_generator(seed, "starts", block).random(STARTS_TOGETHER) for block in blocks]
    begin = first_row - blocks[0] * STARTS_TOGETHER
    return np.asarray(np.concatenate(drawn)[begin : begin + num])
