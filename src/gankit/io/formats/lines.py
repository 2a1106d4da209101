"""Texts, one a line.

Knows lines; never what texts are made of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import OutputError
from gankit.io.archives import decode, wide_encoding
from gankit.io.formats.base import Format, Sink, holds, texts_of, without_mark
from gankit.io.records import Origin, Records

TEXT_COLUMN = "text"
"""What the column of lines is called."""


def split_lines(text: str) -> tuple[list[str], str]:
    """The lines of a text, and how they end: by LF, CR LF or CR alone, for a text may hold other separators."""
    newline = "\r\n" if "\r\n" in text else "\n" if "\n" in text or "\r" not in text else "\r"
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return lines[:-1] if not lines[-1] else lines, newline


def whole_lines(head: bytes) -> bytes:
    """The first bytes of a file without the line that is cut; in UTF-16 a line ends by two bytes at an even place."""
    end = "\n".encode(wide_encoding(head) or "utf-8")
    place = head.rfind(end)
    while place % len(end) and place > 0:
        place = head.rfind(end, 0, place + len(end) - 1)
    return head[: place + len(end)] if place >= 0 else head[: len(head) // len(end) * len(end)]


def text_column_of(names: Sequence[str], origin: Origin, file: str) -> str:
    """The name of the column of texts, of columns that are written to a file.

    Raises:
        OutputError: there are several, and it is not known.
    """
    known = origin.details.get("texts")
    if known is None and len(names) > 1:
        raise OutputError(f"{file!r}: a record is one text there, and these records have {len(names)} columns.")
    return names[0] if known is None else str(known["column"])


class LinesSink(Sink):
    """Texts, one a line; labels have no place there, so that all texts must have the same ones."""

    def begin(self, first: pa.Table) -> None:
        """Finds the column of texts."""
        self._column = text_column_of(first.column_names, self.origin, self.name)
        self._labels = [name for name in first.column_names if name != self._column]
        self._seen: dict[str, Any] | None = None
        own = self.origin.format in ("txt", "textfiles")
        self._end = self.origin.newline if own else "\n"
        self._encoding = self.origin.encoding if own else "utf-8"

    def write(self, batch: pa.Table) -> None:
        """Writes a line a text."""
        labels = batch.select(self._labels).group_by(self._labels).aggregate([]).to_pylist() if self._labels else []
        for row in labels:
            self._seen = self._seen or row
            if row != self._seen:
                raise OutputError(
                    f"{self.name!r}: these texts have labels ({', '.join(self._labels)}), for which lines have no "
                    "place. Write .csv or .jsonl, a folder (a file a label), or texts of one label (--where)."
                )
        texts = texts_of(batch.column(self._column))
        if holds(texts, (b"\n", b"\r")):
            raise OutputError(f"{self.name!r}: a line is a text here, and some texts have several lines. Write .csv.")
        lines = "".join(text + self._end for text in texts.to_pylist())
        self.stream.write(lines.encode(self._encoding))
        if lines:
            self._encoding = without_mark(self._encoding)


class Lines(Format):
    """A text a line."""

    name, media_type = "txt", "text/plain"
    suffixes, aliases = (".txt",), (".text", ".smi", ".smiles", ".lst")
    is_text = is_guess = True
    obeys = ("encoding",)
    sink = LinesSink

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`: one column."""
        text, encoding = decode(data, name, config.encoding, notes)
        lines, newline = split_lines(text.decode("utf-8"))
        table = pa.table({TEXT_COLUMN: pa.array(lines, pa.string())})
        return Records(table, replace(origin, encoding=encoding, newline=newline))
