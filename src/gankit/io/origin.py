"""Records in the user's own form, and where they came from: all that is needed to write more of them in that form.

Knows formats as plain facts; never how a file is read or written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gankit.io.arrow import content_of, joined

OBJECT_FORMATS = ("pandas", "polars", "pyarrow", "numpy", "list", "dict")


@dataclass(frozen=True)
class Origin:
    """Where records came from.

    format: one of `formats.FORMATS` or, for Python objects, of `OBJECT_FORMATS`.
        "textfiles" is a .txt file a class.
    name: the file's name without its folder and suffixes.
    compression: None, "gz" or "zip". encoding: of the text.
    delimiter, quoting, escape, newline, header: of CSV and TSV. quoting: "needed", "strings" (all but numbers) or
        "all";
        escape: "" (quotes are doubled) or the character before them.
    renamed: columns whose name in the file differs (blanks around it, or none at all): column -> as in the file.
    details: what only one format needs, as plain JSON: an XML file's tags, arrays' dtypes and shapes, a DataFrame's
    dtypes.
    """

    format: str
    name: str = "data"
    compression: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    quoting: str = "needed"
    escape: str = ""
    newline: str = "\n"
    header: bool = True
    renamed: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The origin as plain JSON values; `from_json` takes it back."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Origin:
        """The origin that `to_json` wrote."""
        return cls(**value)


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
