"""What every writer of a format is, and what several of them need.

Knows tables and texts; never a format, files, names or where rows come from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc

from gankit import words
from gankit.io.arrow import as_texts, content_of, joined
from gankit.io.origin import Origin


class Sink(ABC):
    """Writes tables of one schema to a binary stream.

    stream: where the bytes go. schema: of all tables. origin: how the data came. name: of the file, for messages.
    """

    def __init__(self, stream: IO[bytes], schema: pa.Schema, origin: Origin, name: str) -> None:
        self.stream, self.schema, self.origin, self.name = stream, schema, origin, name
        self.open()

    @abstractmethod
    def open(self) -> None:
        """Writes what stands before the records."""

    @abstractmethod
    def write(self, table: pa.Table) -> None:
        """Writes records."""

    @abstractmethod
    def close(self) -> None:
        """Writes what stands after the records. Leaves the stream open."""

    def abandon(self) -> None:  # noqa: B027  # most sinks hold nothing
        """Lets go of what the sink holds, after an error."""


def large(text: str) -> pa.Scalar:
    """Arrow joins large texts with large texts only."""
    return pa.scalar(text, pa.large_string())


def texts_of(column: pa.ChunkedArray) -> pa.Array:
    """A column's cells as texts; null stays null."""
    array = joined(column)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if array.type == pa.string():
        return array
    texts = as_texts(array)
    if pa.types.is_timestamp(array.type) and not words.matching(texts, r"\.[0-9]*[1-9]").any():
        texts = pc.replace_substring_regex(texts, r"\.0+", "")
    return texts


def holds(texts: pa.Array, signs: tuple[bytes, ...]) -> bool:
    """Whether any text holds one of these; a look at the bytes, which is much faster than one at each text."""
    content = bytes(content_of(texts))
    return any(sign in content for sign in signs)


def without_mark(encoding: str) -> str:
    """The encoding for what does not stand at the beginning: a byte order mark stands once."""
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)
