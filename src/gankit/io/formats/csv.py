"""CSV and TSV: delimiter, quoting and header are found out, every cell is read as the text that it is, and written so.

Knows delimited text as bytes; never what its columns mean. pyarrow's reader does the reading.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from gankit import words
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, OutputError
from gankit.io.archives import decode, strip_suffixes
from gankit.io.formats.base import Format, Sink, holds, large, texts_of, without_mark
from gankit.io.records import Origin, Records, content_of, is_noted, is_text

_SAMPLE = 1 << 16
_BLOCK = 1 << 24
_DELIMITERS = (",", "\t", ";", "|")
_UNUSED = "\x1f"
_NUMBER = re.compile(r"^\s*[-+$€£]?\s*[0-9][0-9.,' ]*([eE][-+]?[0-9]+)?\s*%?\s*$|^\s*-?\.[0-9]+\s*$")
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


@contextmanager
def long_fields() -> Iterator[None]:
    """Lets Python's csv module take fields of any length: 10,000 numbers tried with another delimiter are one field."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _find_dialect(
    data: bytes, origin: Origin, config: TrainConfig, expected: str | None
) -> tuple[Origin, list[str], bool, dict[int, list[str]]]:
    """The origin with the dialect of a text, its first record, whether that may be names or not, and `_quoted`."""
    sample, whole = data[:_SAMPLE], len(data) <= _SAMPLE
    while not whole and sample.count(b"\n") < 20:
        sample, whole = data[: 4 * len(sample)], len(data) <= 4 * len(sample)
    text = sample.decode("utf-8", "ignore")
    # A backslash escapes quotes if one stands before a quote within a field, and no quote within a field is doubled.
    escaped = re.search(r'\\"[^,;|\t\r\n]', text) and not re.search(r'[^,;|\t\r\n"]""', text.replace('\\"', ""))
    escape = "\\" if escaped else ""
    crlf = text.count("\r\n")
    newline = "\r\n" if crlf and crlf * 2 > text.count("\n") else ("\r" if "\r" in text and "\n" not in text else "\n")
    if config.delimiter is not None:
        chosen = _NAMES.get(config.delimiter.lower(), config.delimiter)
        if len(chosen) != 1:
            raise OptionError(f"the delimiter must be one character (or tab). Got {config.delimiter!r} instead.")
    else:
        chosen = _find_delimiter(text, whole, escape, expected)
    rows = _rows(text, chosen, whole, escape)
    first = rows[0] if rows else [""]
    verdict = _header_score(rows) if config.header == "auto" else (1.0 if config.header == "yes" else -1.0)
    raw = _raw_rows(text, chosen, escape, len(first))
    quoting = _quoting_of(raw, chosen)
    dialect = replace(origin, delimiter=chosen, quoting=quoting, escape=escape, newline=newline, header=verdict >= 0)
    return dialect, first, verdict == 0, _quoted(raw[int(verdict >= 0) :], chosen, quoting)


def _rows(text: str, delimiter: str, whole: bool, escape: str = "") -> list[list[str]]:
    """The records of a sample that is cut at any place, without empty lines; the last, perhaps half, is left off."""
    rows = [row for row in _reader(text, delimiter, escape) if row]
    return rows if whole or len(rows) < 2 else rows[:-1]


def _find_delimiter(text: str, whole: bool, escape: str, expected: str | None) -> str:
    """The delimiter that divides the lines most evenly; among equals the one whose fields look most like numbers."""
    scores: dict[str, tuple[float, ...]] = {}
    for delimiter in (*_DELIMITERS, " "):
        rows = _rows(text, delimiter, whole, escape)
        counts = Counter(map(len, rows))
        width, times = counts.most_common(1)[0] if counts else (1, 0)
        even = times / max(len(rows), 1)
        if width < 2 or even < (0.95 if delimiter == " " else 0.5):
            continue
        cells = [cell for row in rows[:50] if len(row) == width for cell in row]
        plain = sum(bool(_NUMBER.match(cell)) for cell in cells) / max(len(cells), 1)
        first = float(delimiter == expected) + round(even, 1) + 0.3 * (len(rows[0]) == width)
        scores[delimiter] = (first, plain, -float(delimiter == " "), width)
    return max(scores, key=scores.__getitem__, default=expected or (_UNUSED if "," in text else ","))


def _raw_rows(text: str, delimiter: str, escape: str, width: int) -> list[list[str]]:
    """The first records of a sample, cells with the quotes around them; none where there are no quotes."""
    mark, rows = re.escape(delimiter), list[list[str]]()
    inside = r'[^"\\]|\\.' if escape else r'[^"]|""'
    field = re.compile(rf'(?:^|(?<=\n)|{mark})("(?:{inside})*"|[^"{mark}\r\n]*)(?={mark}|\r?\n|$)', re.DOTALL)
    for found in itertools.islice(field.finditer(text), max(2000, 20 * width)) if '"' in text else ():
        if found.start(1) == found.start():
            rows.append([])
        rows[-1].append(found[1])
    whole = [row for row in rows if row != [""]]
    return whole[:-1] if len(whole) > 20 else whole  # the last one may be cut


def _is_needless(cell: str, delimiter: str) -> bool:
    """Whether a cell stands in quotes that it could do without."""
    return cell.startswith('"') and len(cell) > 2 and not re.search(rf'[{re.escape(delimiter)}\r\n]|""', cell[1:-1])


def _quoting_of(rows: list[list[str]], delimiter: str) -> str:
    """Whether quotes stand around all fields, all but numbers, or only where they are needed."""
    cells = [cell for row in rows for cell in row]
    bare = [cell for cell in cells if cell and not cell.startswith('"')]
    texts = [cell for cell in bare if not _NUMBER.match(cell) and cell.strip().lower() not in words.CERTAIN]
    if texts or not any(_is_needless(cell, delimiter) for cell in cells):
        return "needed"
    return "strings" if bare else "all"


def _quoted(rows: list[list[str]], delimiter: str, quoting: str) -> dict[int, list[str]]:
    """Which columns stand in quotes although they need none: place -> the missing words in it that do not."""
    if not rows:
        return {}
    width, found = Counter(map(len, rows)).most_common(1)[0][0], dict[int, list[str]]()
    for place, cells in enumerate(zip(*(row for row in rows if len(row) == width), strict=True)):
        bare = sorted({cell for cell in cells if not cell.startswith('"')})
        lost = all(cell.strip().lower() in words.CERTAIN for cell in bare)
        if lost and any(_is_needless(cell, delimiter) for cell in cells) and (bare or quoting != "all"):
            found[place] = bare
    return found


def _header_score(rows: list[list[str]]) -> float:
    """Above 0: the first record names the columns; below 0: it is data; 0: cannot be told, and names are likelier."""
    if not rows:
        return 0.0
    first, body = rows[0], rows[1:200]
    if not body:
        return -1.0 if any(_NUMBER.match(cell) for cell in first) else 1.0
    score = 0.0
    for place, cell in enumerate(first):
        below = [row[place] for row in body if len(row) > place]
        below = [text for text in below if text.strip().lower() not in words.PROBABLE]
        numbers = sum(bool(_NUMBER.match(text)) for text in below)
        is_number = bool(_NUMBER.match(cell))
        if below and numbers >= 0.9 * len(below):
            if is_number:
                score -= 2
            elif cell.strip().lower() not in words.PROBABLE:
                score += 1
        elif is_number or cell in below:
            score -= 1
        elif cell.strip() and len(set(below)) < len(below):
            score += 0.5
    return score


def _names_of(first: list[str], name: str, renamed: dict[str, str]) -> list[str]:
    names = [written.strip() or f"c{place}" for place, written in enumerate(first)]
    renamed |= {column: written for column, written in zip(names, first, strict=True) if column != written}
    twice = [column for column, times in Counter(names).items() if times > 1]
    if twice:
        spots = ", ".join(str(i + 1) for i, column in enumerate(names) if column == twice[0])
        raise DataError(
            f"{name!r}: the name {twice[0]!r} stands over {names.count(twice[0])} columns ({spots}). Give every column "
            "its own name, or, if the first line holds no names, say so with --header no."
        )
    return names


def _read_table(data: bytes, name: str, names: list[str], dialect: Origin) -> pa.Table:
    single = len(names) == 1
    data = (data.rstrip(b"\r\n") if single else data) + (b"\n" if not data.endswith(b"\n") or single else b"")
    parse = pacsv.ParseOptions(delimiter=dialect.delimiter, double_quote=not dialect.escape)
    parse.escape_char = dialect.escape or False
    parse.newlines_in_values, parse.ignore_empty_lines = b'"' in data, not single
    convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    convert.check_utf8 = False
    # Arrow's threads abort a process that has loaded torch and ends while they do, as it does on a mistake in a small
    # file; and one block gains nothing from them.
    lines = {"skip_rows_after_names": int(dialect.header), "use_threads": len(data) > _BLOCK}

    def read(block: int) -> pa.Table:
        options = pacsv.ReadOptions(column_names=names, block_size=block, **lines)
        return pacsv.read_csv(pa.BufferReader(data), options, parse, convert)

    if b'"' in data and data.count(b'"') % 2 and not dialect.escape:
        _check_quotes(data, name, dialect)
    try:
        table = read(min(len(data) + 1, _BLOCK))
    except pa.ArrowInvalid as error:
        # Arrow's own handler for such rows is called from its threads, and may abort a process that is about to end.
        if re.search(r"Expected \d+ columns, got \d+", str(error)):
            raise _ragged(data, name, len(names), dialect) from error
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


def _reader(text: str, delimiter: str, escape: str, *, strict: bool = False) -> Any:
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=delimiter, escapechar=escape or None, doublequote=not escape, strict=strict)


def _check_quotes(data: bytes, name: str, dialect: Origin) -> None:
    """An odd number of quotes: harmless within a field (`5" pipe`), a mistake where a quoted field never closes."""
    reader, start = _reader(data.decode("utf-8"), dialect.delimiter, dialect.escape, strict=True), 0
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
    reader = _reader(data.decode("utf-8"), dialect.delimiter, dialect.escape)
    bad: list[tuple[int, int, int]] = []
    end = records = 0
    for row in reader:
        if row:
            records += 1
            if len(row) != width:
                bad.append((end + 1, reader.line_num, len(row)))
        end = reader.line_num
    return bad, records


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
    mark = {"\t": "tab", _UNUSED: "none"}.get(dialect.delimiter, repr(dialect.delimiter))
    return DataError(
        f"{name!r}, line {line}: expected {width} fields, found {found} (delimiter {mark}{others}). "
        "Correct these lines, quote fields that hold the delimiter, name another with --delimiter, or leave such "
        "lines out with --skip-bad-lines."
    )


class _CsvSink(Sink):
    """Delimited text, in the dialect that the data came in; the delimiter is kept where the format is."""

    own, mark = "csv", ","

    def begin(self, first: pa.Table) -> None:
        origin = self.origin
        own = origin.format in ("csv", "tsv")
        named = strip_suffixes(self.name.lower(), (".gz", ".zip")).endswith((".tsv", ".tab"))
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
    is_text = True
    expected: str | None = None

    @long_fields()
    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`: columns of texts.

        Raises:
            DataError: no records, lines with more or fewer fields than the first (`skip_bad_lines` leaves them out,
                unless most are such), quotes that do not close, names twice.
        """
        data, encoding = decode(data, name, config.encoding, notes)
        data = data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") else data
        if not data.strip():
            raise DataError(f"{name!r} holds no records, only empty lines. Give a file with records.")
        dialect, first, undecided, quoted = _find_dialect(data, origin, config, self.expected)
        renamed: dict[str, str] = {}
        if dialect.header:
            names = _names_of(first, name, renamed)
            if undecided and config.header == "auto":
                shown = ", ".join(map(repr, names[:4]))
                notes.append(
                    f"{name}: the first line is taken for the names of the columns ({shown}); --header no changes it"
                )
        else:
            names = [f"c{i}" for i in range(len(first))]
            if config.header == "auto":
                notes.append(f"{name}: no line of names found: columns are called c0, c1, …; --header yes changes it")
        if config.skip_bad_lines:
            data = _without_bad_lines(data, name, len(names), dialect, notes)
        table = _read_table(data, name, names, dialect)
        mark = "," if dialect.delimiter == _UNUSED else dialect.delimiter
        details = {"quoted": {names[place]: bare for place, bare in quoted.items()}} if quoted else {}
        return Records(table, replace(dialect, delimiter=mark, encoding=encoding, renamed=renamed, details=details))

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
