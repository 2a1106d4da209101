"""CSV and TSV: delimiter, quoting and header are found out, every cell is read as the text that it is, and written so.

Knows delimited text as bytes; never what its columns mean. pyarrow's reader does the reading.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from gankit.config import TrainConfig
from gankit.errors import DataError, OutputError
from gankit.io import words
from gankit.io.archives import PACKED, decode, strip_suffixes, wide_encoding
from gankit.io.formats.base import Format, Opened, Sink, WholeOnlyError, holds, large, texts_of, without_mark
from gankit.io.formats.dialects import (
    COMMENTS,
    FEWEST_ABOVE,
    UNUSED,
    Layout,
    aligned,
    find_layout,
    long_fields,
    names_of,
    reader_of,
)
from gankit.io.records import Origin, Records, content_of, is_noted, is_text

_BLOCK = 1 << 24
_HEAD = 1 << 20  # bytes that say how a file is written of which the rest is read a block at a time
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_TOTALS = (
    "total", "totals", "grand total", "sum", "gesamt", "summe", "totale", "somme", "suma", "average", "mean",
    "durchschnitt", "mittelwert", "moyenne", "promedio",
)  # fmt: skip
_MOST_FOOT, _MOST_EMPTY = 20, 3
_FEWEST_FILLED = 20  # rows with cells, from which on empty rows are not taken for records of missing cells
_RULER = re.compile(rb"(?m)^[ \t]*[|+]?[ :]*-{2,}[ :]*(?:(?:[|+][ :]*| )-{2,}[ :]*)+[|+]?[ \t]*(?:\r?\n|\Z)")


@dataclass(frozen=True)
class _Begun:
    """A text whose first lines were understood.

    data: UTF-8, what stands before the table as empty lines. encoding: what it was in. names: of the columns; renamed:
    see `Origin`. changed: whether it is no longer what the file holds.
    """

    data: bytes
    encoding: str
    layout: Layout
    names: list[str]
    renamed: dict[str, str]
    changed: bool

    def origin(self, encoding: str) -> Origin:
        """Where its records come from."""
        dialect, quoted = self.layout.dialect, self.layout.quoted
        mark = "," if dialect.delimiter == UNUSED else dialect.delimiter
        details = {"quoted": {self.names[place]: bare for place, bare in quoted.items()}} if quoted else {}
        return replace(dialect, delimiter=mark, encoding=encoding, renamed=self.renamed, details=details)


def _options(
    layout: Layout, names: list[str], quotes: bool
) -> tuple[pacsv.ParseOptions, pacsv.ConvertOptions, dict[str, Any]]:
    """How Arrow is to read a text: to texts as they are written. quotes: whether there are any."""
    single, dialect = len(names) == 1, layout.dialect
    parse = pacsv.ParseOptions(delimiter=dialect.delimiter, double_quote=not dialect.escape)
    parse.escape_char = dialect.escape or False
    parse.newlines_in_values, parse.ignore_empty_lines = quotes, not single
    convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    convert.check_utf8 = False
    skipped = {"skip_rows": layout.lead, "skip_rows_after_names": int(dialect.header) + layout.units}
    return parse, convert, {"column_names": names, **skipped}


def _read_table(data: bytes, name: str, names: list[str], layout: Layout, notes: list[str]) -> pa.Table:
    single, dialect = len(names) == 1, layout.dialect
    data = (data.rstrip(b"\r\n") if single else data) + (b"\n" if not data.endswith(b"\n") or single else b"")
    parse, convert, lines = _options(layout, names, b'"' in data)
    # Arrow's threads abort a process that has loaded torch and ends while they do, as it does on a mistake in a small
    # file; and one block gains nothing from them.
    lines["use_threads"] = len(data) > _BLOCK

    def read(block: int) -> pa.Table:
        options = pacsv.ReadOptions(block_size=block, **lines)
        return pacsv.read_csv(pa.BufferReader(data), options, parse, convert)

    if b'"' in data and data.count(b'"') % 2 and not dialect.escape:
        _check_quotes(data, name, dialect)
    try:
        table = read(min(len(data) + 1, _BLOCK))
    except pa.ArrowInvalid as error:
        # Arrow's own handler for such rows is called from its threads, and may abort a process that is about to end.
        if re.search(r"Expected \d+ columns, got \d+", str(error)):
            plain = _without_ends(data, name, len(names), dialect, notes)
            plain = plain or _without_remarks(data, name, len(names), dialect, notes)
            if plain is None:
                raise _ragged(data, name, len(names), dialect) from error
            return _read_table(plain, name, names, layout, notes)
        if "straddling" not in str(error) or len(data) >= 2**31 - 2:
            raise DataError(f"{name!r} cannot be read as CSV: {str(error).splitlines()[0]}.") from error
        try:
            table = read(len(data) + 1)
        except pa.ArrowInvalid as other:  # in one block nothing straddles, so that only its lines can be at fault
            raise _ragged(data, name, len(names), dialect) from other
    if table.num_rows == 0:
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        raise DataError(
            f"{name!r} holds a line of names ({shown}) and no records. Give a file with records, "
            "or, if that line is a record, say so with --header no."
        )
    return table


def _check_quotes(data: bytes, name: str, dialect: Origin) -> None:
    """An odd number of quotes: harmless within a field (`5" pipe`), a mistake where a quoted field never closes."""
    reader, start = reader_of(data.decode("utf-8"), dialect.delimiter, dialect.escape, strict=True), 0
    try:
        for _ in reader:
            start = reader.line_num
    except csv.Error as error:
        if "end of data" not in str(error):
            return
        where = f"{name!r}, line {start + 1}"
        raise DataError(
            f"{where}: a field opens with a quote that is never closed. Close it, or double quotes inside fields."
        ) from None


def _bad_lines(data: bytes, width: int, dialect: Origin) -> tuple[list[tuple[int, int, int]], int]:
    """(first line, last line, fields) of every record with another number of fields, and the number of records."""
    reader = reader_of(data.decode("utf-8"), dialect.delimiter, dialect.escape)
    bad: list[tuple[int, int, int]] = []
    end = records = 0
    for row in reader:
        if row:
            records += 1
            if len(row) != width:
                bad.append((end + 1, reader.line_num, len(row)))
        end = reader.line_num
    return bad, records


def _without_ends(data: bytes, name: str, width: int, dialect: Origin, notes: list[str]) -> bytes | None:
    """The text without the delimiter that stands at the end of some lines; None if other lines are at fault."""
    bad, _ = _bad_lines(data, width, dialect)
    lines, end = data.splitlines(keepends=True), dialect.delimiter.encode()
    plain = {last - 1: lines[last - 1].rstrip(b"\r\n") for _, last, found in bad if found == width + 1}
    if not bad or len(plain) < len(bad) or not all(line.endswith(end) for line in plain.values()):
        return None
    notes.append(f"{name}: the delimiter at the end of {_first_lines(bad)} is left out ({len(bad):,} in all)")
    for place, line in plain.items():
        lines[place] = line.removesuffix(end) + lines[place][len(line) :]
    return b"".join(lines)


def _without_remarks(data: bytes, name: str, width: int, dialect: Origin, notes: list[str]) -> bytes | None:
    """The text without comments and what stands below the table, as empty lines; None if other lines are at fault."""
    bad, _ = _bad_lines(data, width, dialect)
    lines = data.splitlines(keepends=True)
    foot = len(lines)
    for first, last, _ in reversed(bad[-_MOST_FOOT:]):
        if b"".join(lines[last:foot]).strip():
            break
        foot = first - 1
    below = [line.split(dialect.delimiter.encode()) for line in lines[foot:] if line.strip()]
    # A record that was cut off is a mistake; what stands below a table is a sentence, or follows an empty line.
    sentences = all(len(fields) < width and re.search(rb"\S[\s:]+\S", fields[0]) for fields in below)
    if not sentences and foot and lines[foot - 1].strip():
        foot = len(lines)
    marks = tuple(mark.encode() for mark in COMMENTS)
    if not bad or any(k <= foot and not lines[k - 1].lstrip().startswith(marks) for k, _, _ in bad):
        return None
    shown = repr(lines[bad[0][0] - 1].decode("utf-8", "ignore").strip()[:40])
    notes.append(
        f"{name}: {_first_lines(bad)} ({shown}{', …' if len(bad) > 1 else ''}): left out as comments or what stands "
        "below the table; correct the number of fields of those that are records"
    )
    for first, last, _ in bad:
        lines[first - 1 : last] = [b"\n"] * (last - first + 1)
    return b"".join(lines)


def _without_rulers(data: bytes, name: str, notes: list[str]) -> bytes:
    """The text without the lines that rule off a table in Markdown or as databases print it (`|---|---|`), and without
    the blanks that pad its cells.
    """
    head = re.match(rb"\s*(?:[^\r\n]*\r?\n){0,3}", data)
    if head is None or not _RULER.search(head[0]):
        return data
    rest, num = _RULER.subn(b"", data)
    lines = (b"|".join(map(bytes.strip, line.strip().strip(b"|").split(b"|"))) for line in rest.splitlines())
    rest = b"\n".join(lines) + b"\n" if b"|" in head[0] else rest
    notes.append(f"{name}: left out ruled lines ({num}), and blanks around cells")
    return rest


def _without_repeats(table: pa.Table, first: list[str], name: str, notes: list[str]) -> pa.Table:
    """The table without the line of names again, as files that were joined have it."""
    if table.num_columns < 2 or len(set(first)) < len(first):
        return table
    again = pc.equal(table.column(0), first[0])
    for column, cell in zip(table.columns[1:], first[1:], strict=True):
        if not (num := pc.sum(again).as_py()):
            return table
        again = pc.and_(again, pc.equal(column, cell))
    if not (num := pc.sum(again).as_py()) or num == len(table):
        return table
    notes.append(f"{name}: left out lines that repeat the names of the columns ({num:,}); --header yes keeps them")
    return table.filter(pc.invert(again))


def _without_empty(table: pa.Table, unnamed: list[str], name: str, notes: list[str]) -> pa.Table:
    """The table without what spreadsheets leave: columns without name and cells, empty rows, a row of totals."""
    lost = [column for column in unnamed if not pc.any(pc.not_equal(table.column(column), "")).as_py()]
    if lost and len(lost) < table.num_columns:
        table = table.drop_columns(lost)
        notes.append(f"{name}: left out columns without name and cells ({len(lost)}); name them to keep them")
    if table.num_columns == 1:
        return table
    empty = pc.equal(table.column(0), "")
    for column in table.columns[1:]:
        if not pc.any(empty).as_py():
            break
        empty = pc.and_(empty, pc.equal(column, ""))
    if pc.sum(pc.invert(empty)).as_py() >= _FEWEST_FILLED and pc.any(empty).as_py():
        rest = table.filter(pc.invert(empty))
        end = len(table) - 1 - int(np.flatnonzero(~np.asarray(empty))[-1]) if len(rest) else 0
        # Where a column is else filled, an empty row is no record of missing cells; nor are several at the end.
        if not any(pc.all(pc.not_equal(column, "")).as_py() for column in rest.columns):
            rest = table.slice(0, len(table) - end) if end >= _MOST_EMPTY else table
        if 0 < len(rest) < len(table):
            notes.append(
                f"{name}: left out rows without any cell ({len(table) - len(rest):,}); write NA in them to keep them"
            )
            table = rest
    return _without_foot(table, name, notes)


def _without_foot(table: pa.Table, name: str, notes: list[str]) -> pa.Table:
    """The table without the remarks and totals that its last rows are."""
    while len(table) > 2:
        cells = [column[-1].as_py() for column in table.columns]
        place = next((place for place, cell in enumerate(cells) if cell), 0)
        column, word = table.column(place), cells[place]
        total = word.strip(" :").lower() in _TOTALS
        totals = np.asarray(pc.is_in(pc.utf8_lower(pc.utf8_trim(column, " :")), pa.array(_TOTALS)))
        remark = place == 0 and not any(cells[1:]) and re.search(r"\S[\s:]+\S", word) is not None
        if total and totals[-_MOST_FOOT:].sum() == totals.sum() and totals[int(totals.argmax()) :].all():
            what = f"{word!r}"
        elif remark and len(table.columns) > 2 and _is_filled(table.slice(0, len(table) - _MOST_EMPTY)):
            what = f"{word[:40]!r}, a remark"
        else:
            break
        notes.append(f"{name}: the last row ({what}) is left out; rename it to keep it")
        table = table.slice(0, len(table) - 1)
    return table


def _is_filled(table: pa.Table) -> bool:
    """Whether there are rows and a column beside the first has a cell in every one of them."""
    return len(table) >= FEWEST_ABOVE and any(pc.all(pc.not_equal(column, "")).as_py() for column in table.columns[1:])


def _without_bad_lines(data: bytes, name: str, width: int, dialect: Origin, notes: list[str]) -> bytes:
    bad, records = _bad_lines(data, width, dialect)
    if not bad:
        return data
    if 2 * len(bad) > records:
        raise DataError(
            f"{name!r}: {len(bad):,} of {records:,} lines have another number of fields than the first ({width}), too "
            "many to skip. Remove what stands before the records, or name the delimiter with --delimiter."
        )
    skipped = {line for first, last, _ in bad for line in range(first, last + 1)}
    notes.append(
        f"{name}: skipped {len(bad):,} of {records:,} lines, which have not the {width} fields of the first "
        f"({_first_lines(bad)})"
    )
    lines = data.splitlines(keepends=True)  # of bytes: at \n, \r and \r\n, as the reader counts lines
    return b"".join(line for number, line in enumerate(lines, 1) if number not in skipped)


def _first_lines(bad: list[tuple[int, int, int]]) -> str:
    numbers = ", ".join(str(first) for first, _, _ in bad[:5]) + (", …" if len(bad) > 5 else "")
    return f"line {numbers}" if len(bad) == 1 else f"lines {numbers}"


def _ragged(data: bytes, name: str, width: int, dialect: Origin) -> DataError:
    """The error that names the lines with too few or too many fields."""
    bad, _ = _bad_lines(data, width, dialect)
    if not bad:
        return DataError(f"{name!r}: some lines have not the {width} fields of the first. Correct them.")
    line, _, found = bad[0]
    others = f"; {len(bad):,} such lines: {_first_lines(bad)[6:]}" if len(bad) > 1 else ""
    mark = {"\t": "tab", UNUSED: "none"}.get(dialect.delimiter, repr(dialect.delimiter))
    return DataError(
        f"{name!r}, line {line}: expected {width} fields, found {found} (delimiter {mark}{others}). "
        "Correct these lines, quote fields that hold the delimiter, name another with --delimiter, or leave such "
        "lines out with --skip-bad-lines."
    )


def _at_fault(said: str, name: str, names: list[str]) -> DataError:
    """The error for a record that Arrow could not read in a file that was read a block at a time."""
    found = re.search(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+): ?(.*)", said)
    if found is None:
        return DataError(f"{name!r} cannot be read as CSV: {said.splitlines()[0]}.")
    where = f", row {int(found[1]):,}" if found[1] else ""
    return DataError(
        f"{name!r}{where}: expected {len(names)} fields, found {found[3]} ({found[4][:60]!r}). Correct such lines, "
        "quote fields that hold the delimiter, or leave them out with --skip-bad-lines."
    )


class _CsvSink(Sink):
    """Delimited text, in the dialect that the data came in; the delimiter is kept where the format is."""

    own, mark = "csv", ","

    def begin(self, first: pa.Table) -> None:
        origin = self.origin
        own = origin.format in ("csv", "tsv")
        named = strip_suffixes(self.name.lower(), PACKED).endswith((".tsv", ".tab"))
        self._mark = self.mark if origin.format != self.own or named else origin.delimiter
        self._end = origin.newline if own else "\n"
        self._escape = origin.escape or '"'
        self._special = re.compile(rf'[{re.escape(self._mark)}"\r\n]')
        self._signs = (self._mark.encode(), b'"', b"\r", b"\n")
        self._start = True
        if origin.header:
            names = [origin.renamed.get(name, name) for name in first.column_names]
            quoted = origin.quoting in ("all", "strings")
            line = [self._quoted(name) if quoted or self._special.search(name) else name for name in names]
            self._emit((self._mark.join(line) + self._end).encode())

    def _quoted(self, text: str) -> str:
        if self.origin.escape:
            text = text.replace(self.origin.escape, 2 * self.origin.escape)
        return '"' + text.replace('"', self._escape + '"') + '"'

    def _emit(self, data: bytes | memoryview) -> None:
        encoding = self.origin.encoding if self.origin.format in ("csv", "tsv") else "utf-8"
        if encoding in ("utf-8", "ascii"):
            self.stream.write(data)
            return
        encoding = encoding if self._start else without_mark(encoding)
        self._start = False
        try:
            self.stream.write(bytes(data).decode("utf-8").encode(encoding))
        except UnicodeEncodeError as error:
            raise OutputError(
                f"{error.object[error.start]!r} cannot be written in {encoding}. Write another format."
            ) from error

    def write(self, table: pa.Table) -> None:
        if not table.num_columns or not table.num_rows:
            return
        alone = table.num_columns == 1
        pairs = zip(table.schema, table.columns, strict=True)
        cells = [self._cells(field, column, alone).cast(pa.large_string()) for field, column in pairs]
        cells[-1] = pc.binary_join_element_wise(cells[-1], large(self._end), large(""))
        self._emit(content_of(pc.binary_join_element_wise(*cells, large(self._mark))))

    def _cells(self, field: pa.Field, column: pa.ChunkedArray, alone: bool) -> pa.Array:
        texts = texts_of(column).fill_null("")
        quoting = self.origin.quoting
        bare = self.origin.details.get("quoted", {}).get(field.name)
        if bare is not None:
            return pc.if_else(pc.is_in(texts, pa.array([] if alone else bare, pa.string())), texts, self._quote(texts))
        number = not is_text(field.type) or is_noted(field)
        if quoting == "all":
            return self._quote(texts)
        if quoting == "strings" and not number:
            lost = pc.is_in(pc.utf8_lower(texts), pa.array(words.CERTAIN))
            return pc.if_else(lost, texts, self._quote(texts))
        if not alone and not holds(texts, self._signs):
            return texts
        written = pc.if_else(pc.match_substring_regex(texts, self._special.pattern), self._quote(texts), texts)
        return pc.if_else(pc.equal(texts, ""), '""', written) if alone else written

    def _quote(self, texts: pa.Array) -> pa.Array:
        if self.origin.escape:
            texts = pc.replace_substring(texts, self.origin.escape, 2 * self.origin.escape)
        return pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', self._escape + '"'), '"', "")


class Csv(Format):
    """Delimited text; the dialect is found out, and kept for what is written."""

    name, media_type = "csv", "text/csv"
    suffixes = (".csv",)
    aliases: tuple[str, ...] = (".txt", ".data", ".dat")
    in_batches = True
    is_text = True
    obeys = ("delimiter", "encoding", "header", "skip_bad_lines")
    expected: str | None = None

    @long_fields()
    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`: columns of texts.

        Raises:
            DataError: no records, lines with more or fewer fields than the first (`skip_bad_lines` leaves them out,
                unless most are such), quotes that do not close, names twice.
        """
        begun = self._begun(data, name, origin, config, notes)
        data, names, dialect, first = begun.data, begun.names, begun.layout.dialect, begun.layout.first
        if config.skip_bad_lines:
            data = _without_bad_lines(data, name, len(names), dialect, notes)
        table = _read_table(data, name, names, begun.layout, notes)
        unnamed = [names[place] for place, written in enumerate(first) if dialect.header and not written.strip()]
        if dialect.header and config.header == "auto":
            table = _without_repeats(table, first, name, notes)
        return Records(_without_empty(table, unnamed, name, notes), begun.origin(begun.encoding))

    @long_fields()
    def opened(
        self, stream: IO[bytes], size: int, name: str, origin: Origin, config: TrainConfig, notes: list[str]
    ) -> Opened:
        """See `Format.opened`: columns of texts; what only the whole file tells (a remark below the table, a line of
        names again) is not left out.

        Raises:
            WholeOnlyError: it is written in a way that has to be put right first. DataError: as `read`.
        """
        head = stream.read(_HEAD)
        stream.seek(0)
        cut = head[: head.rfind(b"\n") + 1] if len(head) == _HEAD else head
        wide = wide_encoding(head) or head.startswith(_WIDE) or re.match("utf.?(16|32)", config.encoding or "", re.I)
        if wide or not cut:
            raise WholeOnlyError(name)
        begun = self._begun(cut, name, origin, config, notes)
        if begun.changed:
            raise WholeOnlyError(name)
        skipped = 0

        def bad(row: pacsv.InvalidRow) -> str:
            nonlocal skipped
            skipped += config.skip_bad_lines
            return "skip" if config.skip_bad_lines else "error"

        parse, convert, lines = _options(begun.layout, begun.names, quotes=True)
        parse.invalid_row_handler = bad
        options = pacsv.ReadOptions(block_size=_BLOCK, use_threads=False, encoding=begun.encoding, **lines)
        rows = int(size * cut.count(b"\n") / len(cut)) + 1

        def tables() -> Iterator[pa.Table]:
            try:
                for batch in pacsv.open_csv(stream, options, parse, convert):
                    yield pa.Table.from_batches([batch])
            except pa.ArrowInvalid as error:
                raise _at_fault(str(error), name, begun.names) from error
            if skipped:
                notes.append(f"{name}: skipped {skipped:,} lines of another number of fields")

        schema = pa.schema([(column, pa.string()) for column in begun.names])
        return Opened(begun.origin(begun.encoding), rows, schema, tables())

    def _begun(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> _Begun:
        as_it_was, encoding = decode(data, name, config.encoding, notes)
        data = as_it_was.lstrip(b"\r\n") if as_it_was[:1] in (b"\r", b"\n") else as_it_was
        data = data.removesuffix(b"\x1a")  # with which DOS ends a file
        if not data.strip():
            raise DataError(f"{name!r} holds no records, only empty lines. Give a file with records.")
        data = _without_rulers(data, name, notes)
        if told := re.match(rb'"?sep=(.)"?[,;\t ]*(?:\r?\n|\r)', data, re.IGNORECASE):
            data, said = b"\n" + data[told.end() :], told[1].decode("latin-1")
            notes.append(f"{name}: delimiter {said!r}, as the first line says; --delimiter changes it")
            config = replace(config, delimiter=config.delimiter or said)
        elif config.delimiter is None and self.expected is None and (columns := aligned(data, name, notes)):
            data, config = columns, replace(config, delimiter="\t")
        changed = data != as_it_was
        layout = find_layout(data, name, origin, config, self.expected, notes)
        first = layout.first
        if layout.lead:
            data = b"\n" * layout.lead + b"".join(data.splitlines(keepends=True)[layout.lead :])
        renamed: dict[str, str] = {}
        if layout.dialect.header:
            names = names_of(first, name, renamed)
            if layout.undecided and config.header == "auto":
                shown = ", ".join(map(repr, names[:4]))
                notes.append(
                    f"{name}: the first line is taken for the names of the columns ({shown}); --header no changes it"
                )
        else:
            names = [f"c{i}" for i in range(len(first))]
            if config.header == "auto":
                notes.append(f"{name}: no line of names found: columns are called c0, c1, …; --header yes changes it")
        return _Begun(data, encoding, layout, names, renamed, changed)

    sink = _CsvSink


class _TsvSink(_CsvSink):
    own, mark = "tsv", "\t"


class Tsv(Csv):
    """Text with tabs between fields, unless it shows otherwise."""

    name, media_type = "tsv", "text/tab-separated-values"
    suffixes = (".tsv",)
    aliases = (".tab",)
    expected = "\t"
    sink = _TsvSink
