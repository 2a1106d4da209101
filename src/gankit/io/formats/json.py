"""JSON: a line a record, or an array of records; and tables of Python's dicts, which are the same.

Knows JSON; never what columns mean.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.archives import decode
from gankit.io.formats.base import Format, Sink, large, texts_of
from gankit.io.formats.lines import TEXT_COLUMN
from gankit.io.records import Origin, Records, content_of, distinct, joined


def table_of_dicts(rows: Sequence[Mapping[str, Any]], name: str, notes: list[str]) -> pa.Table:
    """A table of rows given as dicts: all keys become columns, in order of appearance; null where a row has none.

    Columns that mix numbers and texts become texts, and a note says so.
    """
    columns = {}
    for key in dict.fromkeys(str(key) for row in rows for key in row):
        cells = [plain(row.get(key)) for row in rows]
        kinds = {type(cell) for cell in cells if cell is not None}
        if len(kinds) > 1 and kinds - {int, float} and kinds <= {int, float, bool, str}:
            first = next(i for i, cell in enumerate(cells) if isinstance(cell, str | bool))
            notes.append(
                f"{name}: column {key!r} mixes texts and numbers (record {first + 1}: {cells[first]!r}); taken as texts"
            )
            cells = [None if cell is None else cell if isinstance(cell, str) else str(cell) for cell in cells]
        if float in kinds and kinds <= {int, float}:
            cells = [None if cell is None else float(cell) for cell in cells]
        elif any(isinstance(cell, int) and abs(cell) >= 2**63 for cell in cells):
            cells = [None if cell is None else str(cell) for cell in cells]
        columns[key] = array_of(cells, key)
    return pa.table(columns)


def array_of(cells: list[Any], column: str) -> pa.Array:
    """Python's values as a column.

    Raises:
        DataError: they do not go together.
    """
    if any(isinstance(cell, str) for cell in cells):
        cells = [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells]
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        kinds = sorted({type(cell).__name__ for cell in cells if cell is not None})
        what = f"column {column!r} mixes values that do not go together ({', '.join(kinds)})"
        raise DataError(f"{what}. Make them all numbers or all texts.") from error


def plain(value: Any) -> Any:
    """A NumPy scalar as Python's; anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


class _JsonLinesSink(Sink):
    """One JSON object a line."""

    start, between, end = "", "\n", "\n"

    def begin(self, first: pa.Table) -> None:
        self.stream.write(self.start.encode())
        self._any = False

    def write(self, table: pa.Table) -> None:
        if table.num_rows == 0:
            return
        parts: list[Any] = []
        for name, column in zip(table.column_names, table.columns, strict=True):
            parts += [", " if parts else "{", json.dumps(name, ensure_ascii=False), ": ", self._values(column)]
        lines = pc.binary_join_element_wise(*parts, "}", "").cast(pa.large_string())
        lines = pc.binary_join_element_wise(large(self.between), lines, large(""))
        content = bytes(content_of(lines))
        self.stream.write(content if self._any else content[len(self.between.encode()) :])
        self._any = True

    def _values(self, column: pa.ChunkedArray) -> pa.Array:
        texts = texts_of(column)
        kind = column.type
        if pa.types.is_floating(kind):
            texts = pc.if_else(pc.is_finite(joined(column)), texts, None)
        elif not (pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_decimal(kind)):
            different, rows = distinct(texts)
            coded = pa.array([json.dumps(text, ensure_ascii=False) for text in different.to_pylist()], pa.string())
            texts = coded.take(pa.array(rows, mask=rows < 0))
        return texts.fill_null("null")

    def close(self) -> None:
        self.stream.write((self.end if self._any or self.start else "").encode())


class JsonLines(Format):
    """A JSON object a line; one array of them is understood as well."""

    name, media_type = "jsonl", "application/jsonl"
    suffixes = (".jsonl",)
    aliases: tuple[str, ...] = (".ndjson",)
    magic = (b"{",)
    is_text = has_types = True
    obeys = ("encoding",)
    sink = _JsonLinesSink

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`."""
        text, encoding = decode(data, name, config.encoding, notes)
        rows: list[Any]
        try:
            whole = json.loads(text)
            rows, format = _rows_of(whole, name, notes)
        except json.JSONDecodeError as error:
            if text.lstrip()[:1] == b"[" and self.name == "json":
                raise DataError(
                    f"{name!r}, line {error.lineno}: no well-formed JSON ({error.msg}). Correct it there."
                ) from error
            rows, format = _json_lines(text, name), "jsonl"
        if rows and all(isinstance(row, str) for row in rows):
            notes.append(f"{name}: a list of texts; written as objects")
            rows = [{TEXT_COLUMN: row} for row in rows]
        for number, row in enumerate(rows):
            if not isinstance(row, dict):
                raise DataError(
                    f'{name!r}, record {number + 1}: expected an object like {{"age": 39}}, found {str(row)[:40]!r}.'
                )
        return Records(table_of_dicts(rows, name, notes), replace(origin, format=format, encoding=encoding))


def _rows_of(whole: Any, name: str, notes: list[str]) -> tuple[list[Any], str]:
    """The records in one JSON value, in any form that a DataFrame's `to_json` has; and their format."""
    if isinstance(whole, list):
        if whole and isinstance(whole[0], list) and _are_records(whole):
            return [{f"c{place}": cell for place, cell in enumerate(row)} for row in whole], "json"
        return whole, "json"
    found, orient = None, ""
    cells = list(whole.values()) if isinstance(whole, dict) else []
    data = whole.get("data") if cells else None
    rows = data if isinstance(data, list) else []
    names = whole.get("columns") if cells else None
    if isinstance(names, list) and rows and all(isinstance(row, list) and len(row) == len(names) for row in rows):
        found, orient = [dict(zip(map(str, whole["columns"]), row, strict=True)) for row in rows], "split"
    elif rows and all(isinstance(row, dict) for row in rows) and isinstance(whole.get("schema"), dict):
        keys = {"index"} if whole["schema"].get("primaryKey") == ["index"] else set()
        found = [{key: cell for key, cell in row.items() if key not in keys} for row in rows]
        orient = "table"
    elif within := _lists_within(whole):
        return _rows_of(_alone(within, name, notes), name, notes)
    elif cells and all(isinstance(cell, list) and len(cell) == len(cells[0]) for cell in cells):
        found, orient = [dict(zip(whole, row, strict=True)) for row in zip(*cells, strict=True)], "lists"
    elif cells and all(isinstance(cell, dict) and cell for cell in cells):
        if all(map(str.isdecimal, whole)) and not all(map(str.isdecimal, cells[0])):
            found, orient = cells, "index"
        else:
            index = dict.fromkeys(row for cell in cells for row in cell)
            found, orient = [{column: cell.get(row) for column, cell in whole.items()} for row in index], "columns"
    if not found:
        return [whole], "jsonl"
    notes.append(f"{name}: {len(found):,} records in the form of pandas' orient {orient!r}; written as objects")
    return found, "json"


def _lists_within(whole: Any) -> dict[str, list[Any]]:
    """The lists of two records or more that lie in objects within objects, by their keys."""
    found, values = dict[str, list[Any]](), [("", whole)]
    for key, value in values:  # which grow
        if isinstance(value, dict):
            values += [(f"{key}.{name}" if key else name, cell) for name, cell in value.items()]
        elif isinstance(value, list) and len(value) > 1 and _are_records(value):
            found[key] = value
    return found


def _are_records(rows: list[Any]) -> bool:
    """Whether all of these are objects, or all are lists of one length."""
    if all(isinstance(row, list) for row in rows):
        return len({*map(len, rows)}) == 1
    return all(isinstance(row, dict) for row in rows)


def _alone(lists: dict[str, list[Any]], name: str, notes: list[str]) -> list[Any]:
    """The only list of records in an object.

    Raises:
        DataError: there are several.
    """
    if len(lists) > 1:
        shown = " and ".join(f"{key!r} ({len(rows):,})" for key, rows in [*lists.items()][:3])
        raise DataError(f"{name!r}: there are several lists of records, {shown}. Give a file with one of them.")
    ((key, rows),) = lists.items()
    notes.append(f"{name}: the {len(rows):,} records in {key!r} are taken, and nothing else of it; written as objects")
    return rows


def _json_lines(text: bytes, name: str) -> list[Any]:
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError as error:
            what = f"no well-formed JSON ({error.msg} at column {error.colno})"
            raise DataError(f"{name!r}, line {number}: {what}. Correct or remove this line.") from error
    return rows


class _JsonSink(_JsonLinesSink):
    """A JSON array of objects."""

    start, between, end = "[\n", ",\n", "\n]\n"


class Json(JsonLines):
    """A JSON array of objects."""

    name, media_type = "json", "application/json"
    suffixes = (".json",)
    aliases = ()
    magic = (b"[",)
    sink = _JsonSink
