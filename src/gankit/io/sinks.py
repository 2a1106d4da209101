"""One writer for each format: tables in, bytes out, batch after batch.

Knows how each format is written; never files, names or where rows come from.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import tempfile
import zipfile
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gankit import words
from gankit.errors import OutputError
from gankit.io.arrow import content_of, distinct, is_noted, is_text, joined
from gankit.io.lines import LinesSink
from gankit.io.objects import arrays_of
from gankit.io.opening import strip_suffixes
from gankit.io.origin import Origin
from gankit.io.sink import Sink, holds, large, texts_of, without_mark


class CsvSink(Sink):
    """CSV and TSV, in the dialect that the data came in."""

    def open(self) -> None:
        """Writes the names of the columns, unless the data had none."""
        origin = self.origin
        own = origin.format in ("csv", "tsv")
        plain = strip_suffixes(self.name.lower(), (".gz", ".zip"))
        tabs = plain.endswith((".tsv", ".tab"))
        commas = plain.endswith(".csv") and origin.format == "tsv"
        self._mark = "\t" if tabs else "," if commas or not own else origin.delimiter
        self._end = origin.newline if own else "\n"
        self._escape = origin.escape or '"'
        self._special = re.compile(rf'[{re.escape(self._mark)}"\r\n]')
        self._signs = (self._mark.encode(), b'"', b"\r", b"\n")
        self._start = True
        if origin.header:
            names = [origin.renamed.get(name, name) for name in self.schema.names]
            line = [
                self._quoted(name) if origin.quoting in ("all", "strings") else self._checked(name) for name in names
            ]
            self._emit((self._mark.join(line) + self._end).encode())

    def _quoted(self, text: str) -> str:
        if self.origin.escape:
            text = text.replace(self.origin.escape, 2 * self.origin.escape)
        return '"' + text.replace('"', self._escape + '"') + '"'

    def _checked(self, text: str) -> str:
        return self._quoted(text) if self._special.search(text) else text

    def _emit(self, data: bytes | memoryview) -> None:
        encoding = self.origin.encoding if self.origin.format in ("csv", "tsv") else "utf-8"
        if encoding in ("utf-8", "ascii"):
            self.stream.write(data)
            return
        text = bytes(data).decode("utf-8")
        if not self._start and encoding in ("utf-8-sig", "utf-16", "utf-32"):
            encoding = without_mark(encoding)
        self._start = False
        try:
            self.stream.write(text.encode(encoding))
        except UnicodeEncodeError as error:
            raise OutputError(
                f"{error.object[error.start]!r} cannot be written in {encoding}. Write another format."
            ) from error

    def write(self, table: pa.Table) -> None:
        """Writes records, every text quoted as the data was."""
        cells = [
            self._cells(field, column, table.num_columns == 1)
            for field, column in zip(table.schema, table.columns, strict=True)
        ]
        if not cells or table.num_rows == 0:
            return
        cells[-1] = pc.binary_join_element_wise(cells[-1].cast(pa.large_string()), large(self._end), large(""))
        lines = (
            cells[0]
            if len(cells) == 1
            else pc.binary_join_element_wise(*(c.cast(pa.large_string()) for c in cells), large(self._mark))
        )
        self._emit(content_of(lines))

    def _cells(self, field: pa.Field, column: pa.ChunkedArray, alone: bool) -> pa.Array:
        texts = texts_of(column).fill_null("")
        quoting = self.origin.quoting
        number = not is_text(field.type) or is_noted(field)
        if quoting == "all" or (quoting == "strings" and not number):
            all_quoted = self._quote(texts)
            if quoting == "all":
                return all_quoted
            bare = pc.is_in(pc.utf8_lower(texts), pa.array(words.CERTAIN))
            return pc.if_else(bare, texts, all_quoted)
        if alone:
            texts = pc.if_else(pc.equal(texts, ""), '""', pc.if_else(self._needing(texts), self._quote(texts), texts))
            return texts
        return pc.if_else(self._needing(texts), self._quote(texts), texts) if holds(texts, self._signs) else texts

    def _needing(self, texts: pa.Array) -> pa.Array:
        return pc.match_substring_regex(texts, self._special.pattern)

    def _quote(self, texts: pa.Array) -> pa.Array:
        if self.origin.escape:
            texts = pc.replace_substring(texts, self.origin.escape, 2 * self.origin.escape)
        return pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', self._escape + '"'), '"', "")

    def close(self) -> None:
        """Nothing stands after the records."""


class JsonLinesSink(Sink):
    """One JSON object a line."""

    first, between, last = "", "\n", "\n"

    def open(self) -> None:
        """Writes the bracket of a JSON array, if it is one."""
        self.stream.write(self.first.encode())
        self._any = False

    def write(self, table: pa.Table) -> None:
        """Writes records; missing numbers and texts are null."""
        if table.num_rows == 0:
            return
        parts: list[Any] = []
        for place, (name, column) in enumerate(zip(table.column_names, table.columns, strict=True)):
            parts += [("{" if place == 0 else ", ") + json.dumps(name, ensure_ascii=False) + ": ", self._values(column)]
        lines = pc.binary_join_element_wise(*parts, "}", "").cast(pa.large_string())
        lines = pc.binary_join_element_wise(large(self.between), lines, large(""))
        content = bytes(content_of(lines))
        self.stream.write(content if self._any else content[len(self.between.encode()) :])
        self._any = True

    def _values(self, column: pa.ChunkedArray) -> pa.Array:
        texts = texts_of(column)
        if pa.types.is_floating(column.type):
            texts = pc.if_else(pc.is_finite(joined(column)), texts, None)
        elif not (
            pa.types.is_integer(column.type) or pa.types.is_boolean(column.type) or pa.types.is_decimal(column.type)
        ):
            different, rows = distinct(texts)
            coded = pa.array([json.dumps(text, ensure_ascii=False) for text in different.to_pylist()], pa.string())
            texts = coded.take(pa.array(rows, mask=rows < 0))
        return texts.fill_null("null")

    def close(self) -> None:
        """Writes the last line's end, or the closing bracket."""
        self.stream.write((self.last if self._any or self.first else "").encode())


class JsonSink(JsonLinesSink):
    """A JSON array of objects."""

    first, between, last = "[\n", ",\n", "\n]\n"


class TypedSink(Sink):
    """Tables as they are, by one of Arrow's writers, which `open` makes."""

    _writer: Any

    def write(self, table: pa.Table) -> None:
        """Writes a batch."""
        self._writer.write_table(table)

    def close(self) -> None:
        """Writes the footer."""
        self._writer.close()

    def abandon(self) -> None:
        """Closes the writer while its stream is open."""
        with contextlib.suppress(OSError, ValueError, pa.ArrowException):
            self._writer.close()


class ParquetSink(TypedSink):
    """Parquet, compressed with Zstandard; a batch is a row group."""

    def open(self) -> None:
        """Writes the magic bytes."""
        import pyarrow.parquet as pq

        self._writer = pq.ParquetWriter(self.stream, self.schema, compression="zstd", compression_level=1)

    def abandon(self) -> None:
        """Closes the writer, and tells it that it is closed: else it would try again when it is collected."""
        super().abandon()
        self._writer.is_open = False


class ArrowSink(TypedSink):
    """An Arrow file (Feather version 2)."""

    def open(self) -> None:
        """Writes the schema."""
        self._writer = pa.ipc.new_file(self.stream, self.schema)


class XmlSink(Sink):
    """XML, with the tags that the data came in, or <records>, <record> and one element a column."""

    def open(self) -> None:
        """Writes the root's opening tag."""
        from lxml import etree

        from gankit.io.formats.xml import details_for

        details = self.origin.details
        self._details = details if "fields" in details else details_for(self.schema.names)
        self._file = etree.xmlfile(self.stream, encoding="utf-8")
        self._writer = self._file.__enter__()
        self._writer.write_declaration()
        self._root = self._writer.element(self._details["root"])
        self._root.__enter__()
        self._writer.write("\n")

    def write(self, table: pa.Table) -> None:
        """Writes one element a record; null is no element."""
        from gankit.io.formats.xml import element_of

        columns = [texts_of(column).to_pylist() for column in table.columns]
        for cells in zip(*columns, strict=True):
            try:
                element = element_of(dict(zip(table.column_names, cells, strict=True)), self._details)
            except ValueError as error:
                raise OutputError(f"a record cannot be written as XML: {error}. Write another format.") from error
            self._writer.write(element)
            self._writer.write("\n")

    def close(self) -> None:
        """Writes the root's closing tag."""
        self._root.__exit__(None, None, None)
        self._file.__exit__(None, None, None)

    def abandon(self) -> None:
        """Closes the tags while the stream is open."""
        with contextlib.suppress(OSError, ValueError, SyntaxError):
            self.close()


class NumpySink(Sink):
    """An array in the dtype and shape that came; of a table of numbers, doubles [N, columns]."""

    suffix = ".npy"

    def open(self) -> None:
        """Opens one temporary file for each array: its header needs the number of rows, which comes last."""
        if "arrays" in self.origin.details:
            self._origin = self.origin
        else:
            bad = next(
                (
                    f
                    for f in self.schema
                    if not (pa.types.is_floating(f.type) or pa.types.is_integer(f.type) or pa.types.is_boolean(f.type))
                ),
                None,
            )
            if bad is not None:
                raise OutputError(
                    f"column {bad.name!r} is {bad.type}; .npy and .npz hold numbers only. Write .csv or .parquet."
                )
            form = {"name": "x", "dtype": "<f8", "shape": [len(self.schema)], "columns": self.schema.names}
            self._origin = Origin("numpy", details={"arrays": [form]})
        self._rows = 0
        self._parts: dict[str, Any] = {}
        self._shapes: dict[str, tuple[Any, Any]] = {}

    def write(self, table: pa.Table) -> None:
        """Writes the arrays' bytes aside."""
        filled = pa.table(
            {
                n: c.fill_null(float("nan")) if pa.types.is_floating(c.type) else c
                for n, c in zip(table.column_names, table.columns, strict=True)
            }
        )
        for name, array in arrays_of(filled, self._origin).items():
            if array.dtype.hasobject:
                raise OutputError(
                    f"the array {name or 'x'!r} holds objects, which .npy cannot hold safely. Write .csv or .parquet."
                )
            if name not in self._parts:
                self._parts[name] = tempfile.TemporaryFile()  # noqa: SIM115  # closed in close()
                self._shapes[name] = array.dtype, array.shape[1:]
            self._parts[name].write(np.ascontiguousarray(array).tobytes())
        self._rows += table.num_rows

    def abandon(self) -> None:
        """Removes the temporary files."""
        for part in self._parts.values():
            part.close()

    def _copy(self, name: str, stream: IO[bytes]) -> None:
        dtype, shape = self._shapes[name]
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": (self._rows, *shape)}
        np.lib.format.write_array_header_1_0(stream, header)
        with self._parts[name] as part:
            part.seek(0)
            shutil.copyfileobj(part, stream, 1 << 20)

    def close(self) -> None:
        """Writes the header with the number of rows, and copies the bytes behind it."""
        if len(self._parts) != 1:
            raise OutputError("several arrays do not fit into one .npy file. Write .npz.")
        self._copy(next(iter(self._parts)), self.stream)


class NumpyArchiveSink(NumpySink):
    """Arrays in a .npz archive, under the names that came."""

    def close(self) -> None:
        """Writes one member for each array."""
        with zipfile.ZipFile(self.stream, "w", zipfile.ZIP_STORED) as archive:
            for name in self._parts:
                info = zipfile.ZipInfo(f"{name or 'x'}.npy")
                with archive.open(info, "w", force_zip64=True) as member:
                    self._copy(name, member)


SINKS: dict[str, type[Sink]] = {
    "csv": CsvSink,
    "tsv": CsvSink,
    "parquet": ParquetSink,
    "arrow": ArrowSink,
    "jsonl": JsonLinesSink,
    "json": JsonSink,
    "xml": XmlSink,
    "npy": NumpySink,
    "npz": NumpyArchiveSink,
    "txt": LinesSink,
}
"""Format -> its writer. A format is added by one class and one line here."""
