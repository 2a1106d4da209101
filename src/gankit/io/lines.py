"""The writer of lines: a text each.

Knows tables of texts; never files, names or where texts come from.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from gankit.errors import OutputError
from gankit.io.sink import Sink, holds, texts_of, without_mark


class LinesSink(Sink):
    """Texts, one a line; labels have no place there, so that all texts must have the same ones."""

    def open(self) -> None:
        """Finds the column of texts."""
        known = self.origin.details.get("texts")
        names = self.schema.names
        if known is None and len(names) > 1:
            raise OutputError(f"{self.name!r}: lines hold one text each, and these records have {len(names)} columns.")
        self._column: str = names[0] if known is None else known["column"]
        self._labels = [name for name in names if name != self._column]
        self._seen: dict[str, Any] | None = None
        own = self.origin.format in ("txt", "textfiles")
        self._end = self.origin.newline if own else "\n"
        self._encoding = self.origin.encoding if own else "utf-8"

    def write(self, table: pa.Table) -> None:
        """Writes a line a text."""
        labels = table.select(self._labels).group_by(self._labels).aggregate([]).to_pylist() if self._labels else []
        for row in labels:
            self._seen = self._seen or row
            if row != self._seen:
                raise OutputError(
                    f"{self.name!r}: these texts have labels ({', '.join(self._labels)}), for which lines have no "
                    "place. Write .csv or .jsonl, a folder (a file a label), or texts of one label (--where)."
                )
        texts = texts_of(table.column(self._column))
        if holds(texts, (b"\n", b"\r")):
            raise OutputError(f"{self.name!r}: a line is a text here, and some texts have several lines. Write .csv.")
        lines = "".join(text + self._end for text in texts.to_pylist())
        self.stream.write(lines.encode(self._encoding))
        if lines:
            self._encoding = without_mark(self._encoding)

    def close(self) -> None:
        """Nothing stands behind them."""
