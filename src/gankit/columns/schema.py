"""What a table's columns are, and the way between tables in the user's own form and plain arrays.

Knows tables and columns; never torch, networks or codecs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from shlex import quote

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.columns.column import Column, ColumnType, Values
from gankit.columns.dates import check_format
from gankit.columns.identifiers import generate
from gankit.errors import DataError, OptionError, nearest
from gankit.io import words
from gankit.io.records import MEANING, is_text
from gankit.stored import Stored

__all__ = [
    "MARKS",
    "Column",
    "ColumnType",
    "Schema",
    "Values",
    "lines_of",
    "meaning_of",
    "stated_types",
    "unnamed",
    "why_not",
]

MARKS = re.compile(r"^number:1(.?)234([.,])5$")
"""How a user says what groups thousands, and what the decimal mark is."""
_TYPES = ("number", "category", "boolean", "datetime", "date", "identifier", "text", "drop")


@dataclass(frozen=True)
class Schema(Stored):
    """The columns of a table, in order."""

    columns: tuple[Column, ...]

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)

    def column(self, name: str) -> Column:
        """The column of that name.

        Raises:
            DataError: there is none; the text names near ones.
        """
        found = next((column for column in self.columns if column.name == name), None)
        if found is None:
            raise DataError(f"no column {name!r}. {nearest(name, [c.name for c in self.columns])}")
        return found

    @property
    def modelled(self) -> tuple[Column, ...]:
        """The columns that a codec must learn: numbers, categories and datetimes."""
        return tuple(column for column in self.columns if column.modelled)

    @property
    def written(self) -> tuple[Column, ...]:
        """The columns that `format` gives: all but free text, dropped ones, and offsets, which stand in times."""
        return tuple(column for column in self.columns if column.type not in ("text", "drop") and not column.offset_of)

    def parse(self, table: pa.Table, *, strict: bool = False) -> dict[str, Values]:
        """The plain arrays of all modelled columns; see `Column.parse`.

        Raises:
            DataError: a column is not there, a number or time cannot be read, or (`strict`) a category is not known.
        """
        present = set(table.column_names)
        absent = [column.source for column in self.modelled if column.source not in present]
        if absent:
            raise DataError(f"column {absent[0]!r} is not in this table. {nearest(absent[0], table.column_names)}")
        return {column.name: column.parse(table.column(column.source), strict=strict) for column in self.modelled}

    def format(
        self, values: Mapping[str, Values], num_rows: int, first_row: int = 0, seed: int = 0, *, typed: bool = False
    ) -> pa.Table:
        """Records in the user's own form: the same columns in order, their types and formats.

        values: the modelled columns, each of num_rows cells. Constants and identifiers are filled in: an identifier
            depends on (seed, first_row + its row) and its column alone. Free text and dropped columns are left out.
        typed: give numbers, times and booleans of text columns as such (what `write` puts into files that have types).
        """
        offsets = {column.offset_of: values[column.name] for column in self.columns if column.offset_of}
        arrays, fields = [], []
        for column in self.written:
            target = column.storage if typed else column.arrow_type
            if column.modelled:
                array = column.format(values[column.name], typed=typed, offsets=offsets.get(column.name))
            elif column.type == "constant":
                array = _constant(column, num_rows, target)
            else:
                assert column.pattern is not None
                array = generate(column.pattern, seed, first_row, num_rows, column.stream).cast(target)
            arrays.append(array)
            meaning = None if typed or not is_text(target) else column.meaning
            fields.append(pa.field(column.name, array.type, metadata=meaning))
        table = pa.Table.from_arrays(arrays, schema=pa.schema(fields))
        assert table.num_rows == num_rows or not arrays, f"expected {num_rows} rows, got {table.num_rows}"
        return table

    def restricted(self, values: Mapping[str, Values], rows: npt.NDArray[np.int64]) -> Schema:
        """The schema whose ranges (`low`, `high`) are those of these rows alone, such as the training part."""

        def narrowed(column: Column) -> Column:
            data = values[column.name].data[rows] if column.type in ("number", "datetime") else np.zeros(0)
            data = data[~np.isnan(data)]
            return replace(column, low=float(data.min()), high=float(data.max())) if len(data) else column

        return Schema(tuple(map(narrowed, self.columns)))


def meaning_of(field: pa.Field) -> Column | None:
    """The column that `Schema.format` noted in a field's metadata, or None."""
    note = (field.metadata or {}).get(MEANING)
    return None if note is None else Column.from_json(json.loads(note))


def _constant(column: Column, num_rows: int, target: pa.DataType) -> pa.Array:
    text = column.levels[0] if column.levels else (column.markers or (None,))[0]
    if text is None or (not is_text(target) and not column.levels and words.number_of(text) is None):
        return pa.nulls(num_rows, target)
    base = target.value_type if pa.types.is_dictionary(target) else target
    return pa.repeat(pa.array([text], pa.string()).cast(base)[0], num_rows).cast(target)


MANY_ALIKE, MOST_NAMED = 3, 20
"""Notes of so many columns that say the same are one line, which names so many of them at most."""


def lines_of(said: Sequence[tuple[str, str, str]]) -> list[str]:
    """The lines of notes on columns: their names, the notes, and what of these is the same where columns are alike, of
    which many are one line.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, text, alike in said:
        groups.setdefault(alike, []).append((name, text))
    lines = []
    for alike, notes in groups.items():
        if len(notes) < MANY_ALIKE:
            lines += [f"column {name!r}: {text}" for name, text in notes]
            continue
        names = ", ".join(repr(name) for name, _ in notes[:MOST_NAMED])
        names += f", … ({len(notes):,} in all)" if len(notes) > MOST_NAMED else ""
        (name, text), *_ = notes
        text = unnamed(text, name)
        lines.append(f"columns {names}: {text if text == alike else f'as in {name!r}, {text}'}")
    return lines


def unnamed(text: str, name: str) -> str:
    """A note whose advice is for any column."""
    return text.replace(f"column {name}", "column NAME").replace(f"column {quote(name)}", "column NAME")


def why_not(columns: list[Column]) -> str:
    """What each column is that makes it nothing to learn, in words."""
    if all(c.type == "constant" and not c.levels for c in columns):
        return "every cell is missing"
    words_of = {"drop": "left out", "text": "free text, left out", "identifier": "identifiers, made anew"}

    def why(column: Column) -> str:
        if column.type != "constant":
            return words_of[column.type]
        return f"always {column.levels[0]!r}" if column.levels else "always missing"

    return ", ".join(f"{c.name!r}: {why(c)}" for c in columns[:8]) + (", …" if len(columns) > 8 else "")


def stated_types(options: tuple[str, ...], names: list[str]) -> dict[str, str]:
    """The types that `--column` names of columns, by their names.

    Raises:
        OptionError: a column or a type that there is not.
    """
    forced: dict[str, str] = {}
    for option in options:
        name, _, kind = option.rpartition("=")
        if not name:
            raise OptionError(f"--column must be NAME=TYPE. Got {option!r} instead.")
        if name not in names:
            raise OptionError(f"--column {option}: there is no column {name!r}. {nearest(name, names)}")
        if kind.split(":", 1)[0] not in _TYPES or (":" in kind and not kind.startswith(("datetime:", "number:"))):
            raise OptionError(f"--column {option}: the type must be one of {', '.join(_TYPES)}. Got {kind!r} instead.")
        if kind.startswith("datetime:") and (wrong := check_format(kind[9:])):
            raise OptionError(f"--column {option}: {wrong}. Write it like datetime:%d/%m/%Y %H:%M.")
        if kind.startswith("number:") and not MARKS.match(kind):
            raise OptionError(f"--column {option}: write it like number:1.234,5, number:1,234.5 or number:1234,5.")
        forced[name] = "datetime" if kind == "date" else kind
    return forced
