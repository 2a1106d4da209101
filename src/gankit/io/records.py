"""Records in the user's own form and where they came from, all that is needed to write more of them in that form; and
what is common to Arrow columns of texts.

Knows Arrow tables and arrays; never files, or what a column means.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.stored import Stored, inside, made

MEANING = b"gankit"
"""Under this key the metadata of a field of texts tell what they mean: numbers, times, booleans."""


def is_noted(field: pa.Field) -> bool:
    """Whether a field of texts has a note that they mean more than texts."""
    return MEANING in (field.metadata or {})


def is_text(kind: pa.DataType) -> bool:
    """Whether a type holds texts: strings of any width, or a dictionary of them."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def joined(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """A column as one array."""
    if isinstance(column, pa.ChunkedArray):
        return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    return column


def distinct(column: pa.Array) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """The different texts of a column in order of their first row, and for every row which of them it has.

    column: texts [N]. Returns strings [K] without nulls and int64 [N], -1 where null. Columns in which nearly every
    text is different are given as they are (K = N), since finding the different ones would be the slowest step.
    """
    if pa.types.is_dictionary(column.type):
        texts = column.dictionary.cast(pa.string())
        rows = np.asarray(column.indices.cast(pa.int64()).fill_null(-1), dtype=np.int64)
        if texts.null_count == 0:
            return texts, rows
        column = column.cast(column.type.value_type)
    column = column if column.type == pa.string() else column.cast(pa.string())
    head = column[:4096]
    if column.null_count == 0 and len(column) > 4096 and len(head.unique()) > 3900:
        return column, np.arange(len(column), dtype=np.int64)
    coded = column.dictionary_encode()
    return coded.dictionary, np.asarray(coded.indices.cast(pa.int64()).fill_null(-1), dtype=np.int64)


def content_of(texts: pa.Array) -> memoryview:
    """The bytes of all texts, one after the other. texts: large_string or string [N] without nulls."""
    if len(texts) == 0:
        return memoryview(b"")
    _, offsets, data = texts.buffers()
    width = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    edges = np.frombuffer(offsets, dtype=width)[texts.offset : texts.offset + len(texts) + 1]
    return memoryview(data)[int(edges[0]) : int(edges[-1])] if data is not None else memoryview(b"")


def float_texts(values: npt.NDArray[np.float64]) -> pa.Array:
    """The shortest texts that mean these doubles, as people and Python write them. values: float64 [N]; NaN is null."""
    lost = np.isnan(values)
    if lost.any():
        return pc.if_else(pa.array(lost), None, float_texts(np.where(lost, 0.0, values)))
    values = values + 0.0  # turns -0.0 into 0.0
    texts = pa.array(values).cast(pa.string())
    texts = pc.replace_substring_regex(texts, r"e([+-])([0-9])$", r"e\10\2")
    # From 1e10 on Arrow writes powers of ten, Python and people from 1e16 on; below 1e-4 it is the other way round.
    odd = np.abs(values) >= 1e10
    if bool(((np.abs(values) < 1e-4) & (values != 0)).any()):
        odd |= np.asarray(pc.match_substring_regex(texts, r"^-?0\.0000"))
    if not odd.any():
        return texts
    written = [repr(value).removesuffix(".0") for value in values[odd].tolist()]
    return pc.replace_with_mask(texts, pa.array(odd), pa.array(written, pa.string()))


def as_texts(column: pa.Array) -> pa.Array:
    """The cells of a typed column as texts, as levels of a category are kept."""
    if pa.types.is_floating(column.type):
        return float_texts(np.asarray(column.cast(pa.float64()).fill_null(np.nan), dtype=np.float64))
    return column.cast(pa.string())


class ArrayForm(TypedDict):
    """What an array was: its name, dtype, shape of a record, and the columns that it became."""

    name: str
    dtype: str | list[Any]
    shape: list[int]
    columns: list[str]


class FrameColumn(TypedDict):
    """What a column of a DataFrame was; of several levels its name is a list."""

    name: Any
    dtype: str


class Details(TypedDict, total=False):
    """What `Origin.details` holds, as far as formats of tables need it."""

    arrays: list[ArrayForm]
    columns: list[FrameColumn]
    index: str | int | float | bool | None
    item: str
    levels: list[str | int | float | bool | None] | None
    named: bool
    quoted: dict[str, list[str]]
    schema: str
    series: bool


@dataclass(frozen=True)
class Origin(Stored):
    """Where records came from.

    format: one of `formats.FORMATS`, "textfiles" (a .txt file a class), or for Python objects "pandas", "polars",
        "pyarrow", "numpy", "list" or "dict".
    name: the file's name without its folder and suffixes.
    part: the sheet of a workbook or the table of a database that it is.
    compression: None, "gz", "bz2", "xz" or "zip". encoding: of the text.
    delimiter, quoting, escape, newline, header: of CSV and TSV. quoting: "needed", "strings" (all but numbers) or
        "all"; escape: "" (quotes are doubled) or the character before them.
    renamed: columns whose name in the file differs (blanks around it, or none at all): column -> as in the file.
    details: what only one format needs, as plain JSON: XML tags, dtypes and shapes of arrays or of a DataFrame, and of
        CSV "quoted": the columns that stand in quotes although they need none, each with its words that do not.
    """

    format: str
    name: str = "data"
    part: str = ""
    compression: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    quoting: str = "needed"
    escape: str = ""
    newline: str = "\n"
    header: bool = True
    renamed: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        readable = self.name.encode(errors="replace").decode()  # a name on disk may have bytes that are no text
        object.__setattr__(self, "name", readable)

    @classmethod
    def from_json(cls, value: Any) -> Origin:
        """See `Stored.from_json`."""
        found: Origin = made(cls, value)
        inside(".details", Details, found.details)
        return found


@dataclass(frozen=True)
class Records:
    """A table in the user's own form, and where it came from.

    table: columns of CSV, TSV and XML files are texts as written, so that nothing is lost; those of other sources keep
        their Arrow types. An array's columns are called x0, x1, …
    """

    table: pa.Table
    origin: Origin

    def __len__(self) -> int:
        return int(self.table.num_rows)


def fingerprint(records: Records) -> str:
    """The SHA-256 of the content: names, types and every cell, in order. The same however the records were read."""
    total = hashlib.sha256()
    for name, column in zip(records.table.column_names, records.table.columns, strict=True):
        array = joined(column)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        total.update(f"{name}\0{len(array)}\0".encode())
        try:
            texts = array.cast(pa.large_string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            texts = pa.array([None if cell is None else repr(cell) for cell in array.to_pylist()], pa.large_string())
        lengths = np.asarray(pc.binary_length(texts).fill_null(-1), dtype="<i8")
        total.update(lengths.tobytes())
        total.update(content_of(texts.fill_null("")))
    return total.hexdigest()
