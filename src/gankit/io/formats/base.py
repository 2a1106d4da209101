"""What every format and every writer is, and what several writers need.

Knows Arrow tables, texts and streams; never a single format, files, or where records come from.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc

from gankit.config import TrainConfig
from gankit.errors import DataError, OutputError
from gankit.io import words
from gankit.io.records import Origin, Records, as_texts, content_of, joined


class Sink(ABC):
    """Takes records, a batch after the other, and writes them to a binary stream.

    Args:
        stream: where the bytes go; it stays open.
        origin: how the data came. name: of the file, for messages. row: the number of the first record.
    """

    noun = ""
    """What records are called where there must be at least one."""

    def __init__(self, stream: IO[bytes], origin: Origin, name: str, row: int = 0) -> None:
        self.stream, self.origin, self.name, self.row = stream, origin, name, row

    def begin(self, first: Any) -> None:  # noqa: B027  # most records stand alone
        """Writes what stands before the records. first: the first batch, which `write` gets too."""

    @abstractmethod
    def write(self, batch: Any) -> None:
        """Writes records."""

    def close(self) -> None:  # noqa: B027
        """Writes what stands after the records."""

    def release(self) -> None:  # noqa: B027
        """Lets go of what the sink holds, at its end or after an error."""

    def feed(self, batches: Iterable[Any]) -> int:
        """Writes all batches, and returns how many records they had.

        Raises:
            OutputError: there are none, or the format cannot hold them.
        """
        total, begun = 0, False
        try:
            for batch in batches:
                if not begun:
                    self.begin(batch)
                    begun = True
                self.write(batch)
                total += len(batch)
            if not begun or (self.noun and not total):
                missing = f"{self.noun}. Ask for one at least." if self.noun else "batches."
                raise OutputError(f"there is nothing to write into {self.name!r}: no {missing}")
            self.close()
        finally:
            self.release()
        return total


class WholeOnlyError(DataError):
    """A file is written in a way that is only read whole, and is too large for that."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"{name!r} is too large for the memory that it may take, and is not read a batch at a time as it is "
            "written. Save it as Parquet, or as CSV with commas in UTF-8, or give more with --memory."
        )


@dataclass(frozen=True)
class Opened:
    """A file whose records are read a batch at a time.

    origin: where they come from. num_rows: how many there are, of texts about. schema: of every table. tables: all of
    them, in order.
    """

    origin: Origin
    num_rows: int
    schema: pa.Schema
    tables: Iterator[pa.Table]


class Format(ABC):
    """A format of files that hold tables.

    Attributes:
        name: as in `--format` and `Origin.format`.
        suffixes: of its files; aliases: those that are understood and not recommended.
        magic: how such a file may begin; a text after blanks.
        is_text: whether it can go to a terminal, and be packed.
        has_types: whether it keeps numbers and booleans apart from texts; of formats that are no text times, too.
        in_batches: whether `opened` reads it a batch at a time.
        is_guess: whether its suffixes tell it only of data that is known to be such.
        obeys: which options of `TrainConfig` that are about reading files its reader obeys, beside `format`.
        media_type: of its content (RFC 6838). sink: what writes it.
    """

    name: str
    suffixes: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    magic: tuple[bytes, ...] = ()
    is_text = False
    has_types = False
    is_guess = False
    in_batches = False
    obeys: tuple[str, ...] = ()
    media_type: str
    sink: type[Sink]

    def begins(self, data: bytes) -> bool:
        """Whether bytes begin as such a file may."""
        return data[:256].lstrip(b"\xef\xbb\xbf \t\r\n" if self.is_text else b"").startswith(self.magic)

    @abstractmethod
    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """The records in the bytes of a file.

        Args:
            name: of the file, for messages. origin: what is known so far: its format, name and packing.
            config: the options of reading. notes: one line is appended for every decision that was not obvious.

        Raises:
            DataError: they cannot be read. OptionError: an option does not fit.
            ValueError, OSError, pa.ArrowException, ...: it is damaged or of another format.
        """

    def opened(
        self, stream: IO[bytes], size: int, name: str, origin: Origin, config: TrainConfig, notes: list[str]
    ) -> Opened:
        """The records of a file a batch at a time, whose types are those that `read` gives.

        size: bytes of it, unpacked; of a packed one about. The rest as in `read`.

        Raises:
            WholeOnlyError: it is only read whole. DataError: as `read`.
        """
        raise WholeOnlyError(name)


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
    """Whether any text holds one of these; searches all bytes at once, which is much faster than text by text."""
    content = bytes(content_of(texts))
    return any(sign in content for sign in signs)


def without_mark(encoding: str) -> str:
    """The encoding for what does not stand at the beginning: a byte order mark stands once."""
    return {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}.get(encoding, encoding)
