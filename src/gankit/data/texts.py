"""Texts in the user's own form: one a record, with their labels, and as the objects that came.

Knows texts and tables of labels; never files, torch or networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.data.origin import Origin, Records, fingerprint

LINES, FILES = "txt", "textfiles"
"""`Origin.format` of texts that came as the lines of one file, and of a file a class; tables keep their own."""

TEXT_COLUMN, LABEL_COLUMN = "text", "label"
"""What the columns are called where no table names them."""


@dataclass(frozen=True)
class Texts:
    """Texts, with their labels.

    texts: [N], none of them empty.
    labels: one row a text, or None.
    origin: how they came; `details["texts"]` holds the name of their column and the order of all columns.
    """

    texts: tuple[str, ...]
    labels: pa.Table | None
    origin: Origin

    def __post_init__(self) -> None:
        assert self.labels is None or self.labels.num_rows == len(self.texts), "one row of labels a text"

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def column(self) -> str:
        """The name of the texts' column."""
        return column_of(self.origin)

    def take(self, rows: np.ndarray) -> Texts:
        """The texts at these rows, [n] int64."""
        labels = None if self.labels is None else self.labels.take(pa.array(rows))
        return Texts(tuple(self.texts[row] for row in rows.tolist()), labels, self.origin)


def named(origin: Origin, column: str, order: Sequence[str]) -> Origin:
    """The origin, which knows what the texts' column is called and how the columns are ordered."""
    return replace(origin, details={**origin.details, "texts": {"column": column, "order": list(order)}})


def column_of(origin: Origin) -> str:
    """The name of the texts' column."""
    return str(origin.details["texts"]["column"])


def text_table(texts: Sequence[str], labels: pa.Table | None, origin: Origin) -> pa.Table:
    """Texts and what labels they have as one table, in the order of columns that came."""
    columns: dict[str, Any] = {column_of(origin): pa.array(list(texts), pa.string())}
    if labels is not None:
        columns |= {name: labels.column(name) for name in labels.column_names}
    fields = {name: labels.schema.field(name) for name in labels.column_names} if labels is not None else {}
    kept = [name for name in origin.details["texts"]["order"] if name in columns]
    schema = pa.schema([fields.get(name, pa.field(name, pa.string())) for name in kept])
    return pa.Table.from_arrays([columns[name] for name in kept], schema=schema)


def text_hash(texts: Texts) -> str:
    """The SHA-256 of all texts and labels, in order."""
    return fingerprint(Records(text_table(texts.texts, texts.labels, texts.origin), texts.origin))


def to_text_object(table: pa.Table, origin: Origin) -> Any:
    """A table of texts in the form that came: a list for a list, a DataFrame for a DataFrame.

    What came from files is a list of texts where it has no labels, else an Arrow table.
    """
    from gankit.data.objects import to_object

    if origin.format in (LINES, FILES):
        return table.column(0).to_pylist() if table.num_columns == 1 else table
    return to_object(table, origin)
