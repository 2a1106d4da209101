"""Rows of a table, vectors and single numbers, as kinds of data.

Knows everything of tables by its modules; never the loop's inside or terminals.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.columns.codec import Codec, TableCodec
from gankit.columns.column import Values
from gankit.columns.rows import ARRAYS, rows_of, to_object, write
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.io.large import limit
from gankit.io.probe import Probe
from gankit.io.records import Origin
from gankit.io.writing import OutputFormat, table_formats
from gankit.kinds.base import Coded, Dataset, Fakes, HeldOutMetric, Kind, Notes, Noun, Prepared, Preview, spread
from gankit.kinds.tables.codec import VectorCodec
from gankit.kinds.tables.options import OPTIONS
from gankit.kinds.tables.preparing import is_whole, prepare_rows, rows_like, sample_of
from gankit.kinds.tables.stored import StoredRows
from gankit.metrics.metric import Interval

MOST_JUDGED, LEAST_JUDGED = 5000, 500  # held-out records, and as many fakes, that the held-out metric looks at

FEW_HELDOUT = 1000
"""Below so many held-out records a two-sample test cannot choose among checkpoints; the likelihood does it."""

_LOOKED_AT = 50
"""Cells of a column that are looked at for whether its texts are plain numbers."""

MOST_ROWS, MOST_DOTS, LEAST_SHOWN, SHOWN_CELLS = 256, 512, 24, 16_384
"""Rows and vectors of a preview: as many as have that many cells together, within bounds."""


class TableKind(Kind[Dataset, Any]):
    """Rows of numbers, categories, dates and missing cells."""

    name = "table"
    noun = Noun("record", "records")
    described = "tables"
    options = OPTIONS
    conditioned = "Train it anew with --given {name}, or as a table with --network sequential."
    few_heldout = FEW_HELDOUT
    is_guess = True
    codec: type[Codec[Any]] = TableCodec
    assessed_by = "gankit.kinds.tables.evaluation:TableAssessment"

    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """See `Kind.recognises`: everything that no other kind is."""
        return True

    def prepare(self, probe: Probe, config: TrainConfig, notes: Notes) -> Prepared[Dataset, Any]:
        """See `Kind.prepare`."""
        return prepare_rows(self, probe, config, notes)

    def coded(self, prepared: Prepared[Dataset, Any], part: Dataset) -> Coded:
        """See `Kind.coded`: networks see cells, not places inside them, and in float32 a place just below 1 would round
        up to the next cell.
        """
        if isinstance(part, StoredRows):
            return part.coded
        compact = prepared.codec.encode(part.values)
        continuous = all(block.type == "continuous" for block in prepared.codec.spec.blocks)
        return Coded((compact if continuous else np.floor(compact)).astype(np.float32))

    def like(self, source: Any, prepared: Prepared[Dataset, Any], config: TrainConfig) -> Dataset:
        """See `Kind.like`."""
        return rows_like(source, prepared.schema)

    def settle(self, prepared: Prepared[Dataset, Any], config: TrainConfig, notes: Notes) -> TrainConfig:
        """See `Kind.settle`: where rows lie on disk they do so whenever the run is taken up again."""
        return replace(config, memory=str(limit(config))) if isinstance(prepared.train, StoredRows) else config

    def held_out_metric(
        self, prepared: Prepared[Dataset, Any], config: TrainConfig, evidence: Any, fakes_seed: int
    ) -> HeldOutMetric:
        """See `Kind.held_out_metric`: a two-sample test by trees on decoded fakes."""
        from gankit.kinds.tables.metrics.classifiers import quick_c2st

        schema = prepared.schema
        real = sample_of(schema, prepared.heldout.values)
        count = min(max(real.num_rows, LEAST_JUDGED), MOST_JUDGED)

        def value(fakes: Fakes) -> float | Interval:
            parts = [sample_of(schema, schema.parse(batch)) for batch in fakes.sample_batches(count, seed=fakes_seed)]
            columns = {name: np.concatenate([part.columns[name] for part in parts]) for name in parts[0].columns}
            found = quick_c2st(real, replace(parts[0], columns=columns), config.seed, max_rows=count)
            if found.low is None or found.high is None:
                return found.value
            return found.value, found.low, found.high

        return HeldOutMetric("two-sample test by trees (1 = cannot be told from held-out records)", value)

    def preview(self, fakes: Fakes, prepared: Prepared[Dataset, Any], count: int, seed: int) -> Preview:
        """See `Kind.preview`."""
        made, rules = fakes.few(_fitting(prepared, MOST_ROWS), seed), prepared.codec.rules
        values = prepared.schema.parse(made)
        broken = rules.shares(values)[0] if len(rules) else {}
        shares = {rule: round(share, 4) for rule, share in broken.items()}
        return Preview("rows", made, shares, _beside_texts(prepared.schema, made, values))

    def preview_real(self, prepared: Prepared[Dataset, Any], count: int) -> Preview:
        """See `Kind.preview_real`."""
        some = spread(prepared.heldout, _fitting(prepared, MOST_ROWS))
        rows = prepared.schema.format(some.values, len(some))
        return Preview("rows", rows, numbers=_beside_texts(prepared.schema, rows, some.values))

    def records(
        self, schema: Schema, codec: TableCodec | VectorCodec, given: Mapping[str, Values], made: np.ndarray,
        first_row: int, seed: int, origin: Origin,
    ) -> pa.Table:  # fmt: skip
        """See `Kind.records`: an Arrow table."""
        return schema.format({**given, **codec.decode(made, given)}, len(made), first_row=first_row, seed=seed)

    def join(self, batches: Sequence[pa.Table], origin: Origin) -> Any:
        """See `Kind.join`."""
        return to_object(pa.concat_tables(batches), origin)

    @property
    def formats(self) -> Mapping[str, OutputFormat]:
        """See `Kind.formats`: those of tables."""
        return table_formats(write)

    def write_file(
        self, batches: Iterable[Any], path: str | Path, origin: Origin, first_row: int, format: str | None
    ) -> None:
        """See `Kind.write_file`."""
        write(batches, path, origin, format=format)

    def suffix(self, origin: Origin) -> str:
        """See `Kind.suffix`: the format the data came in; CSV for arrays."""
        return origin.format if origin.format in ("parquet", "arrow") else self.pipe_format(origin)

    def pipe_format(self, origin: Origin) -> str:
        """See `Kind.pipe_format`: the text format the data came in, or CSV where that was none."""
        return origin.format if origin.format in ("csv", "tsv", "jsonl", "json", "xml", "arff") else "csv"


class VectorKind(TableKind):
    """Vectors of numbers."""

    name = "vector"
    is_guess = False
    codec = VectorCodec
    recipe: Mapping[str, Any] = {"learning_rate": 3e-3, "first_weight": 0.01, "gap_target": 0.02}
    """Few numbers want a fast G and a penalty that gives way (benchmarks/modes.md)."""

    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """See `Kind.recognises`."""
        rows = rows_of(probe, config)
        return rows.records.origin.format in ARRAYS and is_whole(rows)  # in other formats they are a table

    def preview(self, fakes: Fakes, prepared: Prepared[Dataset, Any], count: int, seed: int) -> Preview:
        """See `Kind.preview`."""
        some = prepared.schema.parse(fakes.few(_fitting(prepared, MOST_DOTS), seed))
        return Preview("scatter", _numbers(prepared, some))

    def preview_real(self, prepared: Prepared[Dataset, Any], count: int) -> Preview:
        """See `Kind.preview_real`."""
        return Preview("scatter", _numbers(prepared, spread(prepared.heldout, _fitting(prepared, MOST_DOTS)).values))

    def surface(
        self, generator: Any, discriminator: Any, prepared: Prepared[Dataset, Any]
    ) -> dict[str, np.ndarray] | None:
        """See `Kind.surface`."""
        from gankit.kinds.tables.figure import surface

        return surface(generator, discriminator, prepared)


class NumberKind(VectorKind):
    """Single numbers: one column of them."""

    name = "number"

    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """See `Kind.recognises`."""
        rows = rows_of(probe, config)
        return len(rows.schema.columns) == 1 and is_whole(rows)


def _beside_texts(schema: Schema, rows: pa.Table, values: Mapping[str, Values]) -> dict[str, np.ndarray]:
    """See `Preview.numbers`."""
    found = {}
    for column in schema.modelled:
        if column.shown == "category" or column.name not in rows.column_names:
            continue
        cells = values[column.name]
        shown = rows[column.name].slice(0, _LOOKED_AT).to_pylist()
        if column.type == "datetime" or not all(_is_plain(cell) for cell in shown):
            found[column.name] = np.where(cells.missing == 0, cells.data.astype(np.float64), np.nan)
    return found


def _is_plain(cell: Any) -> bool:
    try:
        float(cell if cell is not None else 0)
    except (TypeError, ValueError):
        return False
    return True


def _fitting(prepared: Prepared[Dataset, Any], most: int) -> int:
    """Rows of a preview."""
    return int(np.clip(SHOWN_CELLS // max(len(prepared.schema.modelled), 1), LEAST_SHOWN, most))


def _numbers(prepared: Prepared[Dataset, Any], values: Mapping[str, Values]) -> np.ndarray:
    """Columns of numbers as [n, D] float32."""
    return np.stack([values[c.name].data for c in prepared.schema.modelled], axis=1).astype(np.float32)
