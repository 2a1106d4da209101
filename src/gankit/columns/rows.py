"""Rows of a source and what their columns are, found out once however many kinds of data ask; and rows written again.

Knows records, columns and options; never codecs or networks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TextIO

import numpy as np
import pyarrow as pa

from gankit.columns.column import Values
from gankit.columns.inference import infer
from gankit.columns.schema import Schema, meaning_of
from gankit.columns.splitting import check_size, instead_of
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, nearest
from gankit.io import reading, writing
from gankit.io.formats import FORMATS
from gankit.io.large import CELL, Large, Some, large_of, limit
from gankit.io.probe import Probe
from gankit.io.reading import read, without_extensions
from gankit.io.records import Origin, Records

ARRAYS = ("npy", "npz", "numpy", "list")
"""Formats of records whose columns have no names; lists of dicts have some."""

MAX_COLUMNS = 1500
"""More columns than that are refused: neither a training step nor a metric would end in bearable time, and looking at
each takes long (3 ms of 500 rows), so that those that vary are counted first."""

MOST_SOME, CELLS_OF_SOME, LEAST_SOME = 300_000, 6_000_000, 1_000
"""Rows of a table that does not fit in memory that say what it is: so many, or of so many cells, or fewer where little
memory is allowed."""


MOST_STRANGE = 1_000
"""Rows with cells that the first ones did not show, which are looked at before the columns are understood anew."""

MOST_LOOKS = 4
"""How often data that do not fit in memory are understood anew, since some rows are unlike those looked at."""


@dataclass(frozen=True)
class Beyond:
    """A table that does not fit in memory, and some of its rows."""

    large: Large
    some: Some


@dataclass(frozen=True)
class Rows:
    """A table, and what its columns are.

    records: as they were read. schema: the columns. values: the modelled ones, parsed, [N] each.
    notes: decisions that were made on the way, in their order.
    beyond: the table that these are some rows of; None = they are all.
    """

    records: Records
    schema: Schema
    values: Mapping[str, Values]
    notes: tuple[str, ...]
    beyond: Beyond | None = None


def records_of(probe: Probe, config: TrainConfig) -> tuple[Records, list[str]]:
    """The source as a table, and the notes on how it was read.

    Raises:
        DataError, OptionError: as `gankit.io.reading.read`.
    """

    def make() -> tuple[Records, list[str]]:
        notes: list[str] = []
        return read(probe, config, notes=notes), notes

    return probe.once("records", make)


def some_of(probe: Probe, config: TrainConfig) -> tuple[Records, list[str], Beyond | None]:
    """As `records_of`; of a table that does not fit in memory some rows, and the table.

    Raises:
        DataError, OptionError: as `gankit.io.reading.read`.
    """

    def make() -> tuple[Records, list[str], Beyond] | None:
        notes: list[str] = []
        large = large_of(probe, config, notes) if probe.is_bytes and not probe.is_sqlite else None
        if large is None or large.num_bytes <= limit(config):
            return None
        some = large.some(num_some(large, config), config.seed, notes)
        notes.append(
            f"rows: {some.num_rows:,}, which would take about {large.num_bytes / 1e9:,.2g} GB in memory where "
            f"{limit(config) / 1e9:,.2g} are allowed (--memory). {len(some.places):,} of them say what the columns "
            "are, and are what is evaluated on; all are checked, and trained on from disk"
        )
        return Records(without_extensions(some.table), large.origin), notes, Beyond(large, some)

    found = probe.once("beyond", make)
    return (*records_of(probe, config), None) if found is None else found


def num_some(large: Large, config: TrainConfig) -> int:
    """How many rows of a table that does not fit in memory say what it is."""
    most = min(MOST_SOME, CELLS_OF_SOME // len(large.names), limit(config) // (8 * CELL * len(large.names)))
    return max(most, LEAST_SOME)


def rows_of(probe: Probe, config: TrainConfig) -> Rows:
    """The source as a table whose columns are understood; of one that does not fit in memory some rows of it.

    Raises:
        DataError: it cannot be read, or has nothing to learn. OptionError: an option does not fit its columns.
    """

    def make() -> Rows:
        records, notes, beyond = some_of(probe, config)
        probe.forget_data()  # of a table all is in its records
        notes = list(notes)
        with naming(probe.name):
            schema = _understood(records, config, notes)
            return Rows(records, schema, schema.parse(records.table), tuple(notes), beyond)

    return probe.once("rows", make)


def with_rows(probe: Probe, rows: Rows, config: TrainConfig, more: pa.Table, places: np.ndarray) -> Rows:
    """The rows of a table that does not fit in memory understood anew, with `more` of them, at `places` [M] int64."""
    assert rows.beyond is not None
    some = rows.beyond.some.joined(more, places)
    records, notes = Records(without_extensions(some.table), rows.records.origin), list(some_of(probe, config)[1])
    notes.append(f"rows: {len(places):,} with cells that the others do not show were added to those")
    with naming(probe.name):
        schema = _understood(records, config, notes)
        values = schema.parse(records.table)
    return Rows(records, schema, values, tuple(notes), replace(rows.beyond, some=some))


def parsed_at(schema: Schema, chunk: pa.Table, first: int) -> dict[str, Values]:
    """Parsed rows of a table that does not fit in memory; first: the number of the first of them.

    Raises:
        DataError: a cell is of another type than its column.
    """
    try:
        return schema.parse(without_extensions(chunk))
    except DataError as error:

        def counted(found: re.Match[str]) -> str:
            return f"row {int(found[1].replace(',', '')) + first:,}"

        text = re.sub(r"\brow ([0-9][0-9,]*)", counted, str(error), count=1)
        raise DataError(f"{text} None of the rows that say what the columns are is like that.") from error


def unknown_rows(schema: Schema, values: Mapping[str, Values]) -> np.ndarray:
    """The rows [n] int64 with a category or a missing cell that its column does not know."""
    num = len(next(iter(values.values())).data)
    found = np.zeros(num, dtype=bool)
    for column in schema.modelled:
        cells = values[column.name]
        empty = cells.data < 0 if column.type == "category" else np.isnan(cells.data)
        found |= empty & (cells.missing == 0)
    return np.flatnonzero(found)


def refuse_stated(stated: Sequence[str], broken: Mapping[str, int]) -> None:
    """Refuses rules that the user stated and rows break.

    Raises:
        OptionError: there is such a rule.
    """
    for text in stated:
        if text in broken:
            raise OptionError(
                f"--rule {text!r}: {broken[text]:,} rows or more break it. Leave it out, or correct them."
            )


@contextmanager
def naming(name: str | None) -> Iterator[None]:
    """Begins the texts of DataErrors with the name of the file that the data came from.

    Raises:
        DataError: the one that was raised within, with that text.
    """
    try:
        yield
    except DataError as error:
        if name is None:
            raise
        raise DataError(f"{name}: {error}") from error


def _understood(records: Records, config: TrainConfig, notes: list[str]) -> Schema:
    """What the columns are, once it is sure that they can be learned."""
    if config.heldout is None:
        check_size(len(records))
    dropped = {entry.removesuffix("=drop") for entry in config.column if entry.endswith("=drop")}
    if records.table.num_columns - len(dropped) > MAX_COLUMNS:  # looking at each takes long: those that vary at once
        some = records.table.slice(0, 50)
        varied = [name for name in some.column_names if len(set(map(repr, some.column(name).to_pylist()))) > 1]
        _check_width(sum(name not in dropped for name in varied))
    schema = infer(records, config, notes=notes, offsets=True)
    _check_width(len(schema.modelled))
    for name in config.given:
        if not schema.column(name).modelled:
            raise OptionError(
                f"--given {name}: this column is not modelled ({schema.column(name).type}). "
                f"{instead_of(schema.column(name))}"
            )
    return schema


def _check_width(count: int) -> None:
    if count > MAX_COLUMNS:
        raise DataError(
            f"{count:,} columns to learn are too many; {MAX_COLUMNS:,} are the most. Keep those that vary most, leave "
            "others out with --column NAME=drop, or split the table."
        )


def records_like(source: Any, schema: Schema) -> Records:
    """Rows from wherever they are, of these columns or some of them.

    Raises:
        DataError: they cannot be read. OptionError: a column is strange, or one that an array cannot be without.
    """
    records = read(source, TrainConfig(), notes=[])
    names, known = records.table.column_names, [column.source for column in schema]
    if strange := [name for name in names if name not in known]:
        some = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        raise OptionError(
            f"the model has no column {strange[0]!r}{some}. {nearest(strange[0], known)} Leave other columns out."
        )
    bare = records.origin.format in ARRAYS and records.origin.details.get("item") != "dict"
    if bare and (absent := [column.source for column in schema.modelled if column.source not in names]):
        raise OptionError(
            f"an array or a list of rows must have all columns of the model; this one lacks {absent[0]!r}. Put NaN or "
            "None where it is missing, or give a DataFrame."
        )
    return records


def typed(table: pa.Table, times: bool = True) -> pa.Table:
    """The table whose text columns are what their texts mean (numbers, times, booleans).

    table: of `Schema.format`, which notes the meaning. times: False leaves times as they were written.
    """
    arrays = []
    for field, column in zip(table.schema, table.columns, strict=True):
        meaning = meaning_of(field)
        plain = meaning is None or (meaning.type == "datetime" and not times)
        arrays.append(column if meaning is None or plain else meaning.typed(column))
    return pa.table(arrays, names=table.column_names)


def write(
    batches: Iterable[pa.Table], path: str | Path | TextIO | IO[bytes], origin: Origin, *, format: str | None = None
) -> int:
    """Writes tables of `Schema.format`, and returns how many rows: see `gankit.io.writing.write`."""
    return writing.write(batches, path, origin, typed, format=format)


def to_object(table: pa.Table, origin: Origin) -> Any:
    """Records of `Schema.format` in the form that came: a DataFrame with the same columns and dtypes, an array, a list;
    or, if they came from a file, a DataFrame in which numbers and times of text columns are numbers and times.
    """
    return reading.to_object(typed(table) if origin.format in FORMATS else table, origin)
