"""CSV and TSV: delimiter, quoting and header are found out, every cell is read as the text that it is, and written so.

Knows delimited text as bytes; never what its columns mean. pyarrow's reader does the reading.
"""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, OutputError
from gankit.io import words
from gankit.io.archives import PACKED, decode, strip_suffixes
from gankit.io.formats.base import Format, Sink, holds, large, texts_of, without_mark
from gankit.io.records import Origin, Records, content_of, is_noted, is_text

_SAMPLE, _LARGE_SAMPLE = 1 << 16, 1 << 20
_BLOCK = 1 << 24
_DELIMITERS = (",", "\t", ";", "|")
_RARE = ("^", "~", ":", "\x01")  # delimiters where every line, the first too, has as many; nothing else is one
_UNUSED = "\x1f"
# Nothing is given back (`*+`): a cell of 50,000 blanks would be tried in as many ways as it has pairs of them.
_NUMBER = re.compile(r"^\s*+[-+$€£]?\s*+[0-9][0-9.,' ]*+([eE][-+]?[0-9]++)?\s*+%?\s*+$|^\s*+-?\.[0-9]++\s*+$")
_COMMENTS = ("#", "%", "//")
_TOTALS = (
    "total", "totals", "grand total", "sum", "gesamt", "summe", "totale", "somme", "suma", "average", "mean",
    "durchschnitt", "mittelwert", "moyenne", "promedio",
)  # fmt: skip
_MOST_LEAD, _MOST_FOOT, _MOST_EMPTY = 100, 20, 3
_FEWEST_ABOVE = 5  # rows of a table above a remark
_FEWEST_FILLED = 20  # rows with cells, from which on empty rows are not taken for records of missing cells
_MEASURE = (
    r"(?:[kMGTmµμunpch]?(?:m|g|s|A|V|W|Hz|Pa|J|N|L|l|mol|bar|Wh|Ah|eV|B|t|Ω|°?[CFK])|deg ?[CFK]?|km|h|min|d|days?|"
    r"hours?|minutes?|sec|seconds?|years?|yr|°|%|‰|ppm|ppb|dB|dBm|rpm|psi|mmHg|inch|ft|lbs?|oz|mph|kn|USD|EUR|GBP|CHF|JPY|[$€£])"
    r"(?:²|³|\^?-?[1-3])?"
)
_UNIT = re.compile(rf"[\[(]?{_MEASURE}(?:[/·*. ]{_MEASURE})*[\])]?")
_RULER = re.compile(rb"(?m)^[ \t]*[|+]?[ :]*-{2,}[ :]*(?:(?:[|+][ :]*| )-{2,}[ :]*)+[|+]?[ \t]*(?:\r?\n|\Z)")
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}


@contextmanager
def long_fields() -> Iterator[None]:
    """Lets Python's csv module take fields of any length: 10,000 numbers tried with another delimiter are one field."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


@dataclass(frozen=True)
class _Layout:
    """How a text is to be read.

    first: its first record. lead: the lines before that. units: whether a line of units follows it. undecided: whether
    it may be names or not. quoted: see `_quoted`.
    """

    dialect: Origin
    first: list[str]
    lead: int
    units: bool
    undecided: bool
    quoted: dict[int, list[str]]


@dataclass(frozen=True)
class _Line:
    """A record in a sample: its fields, the number of lines before it, and of those up to its end."""

    cells: list[str]
    start: int
    end: int


def _find_layout(
    data: bytes, name: str, origin: Origin, config: TrainConfig, expected: str | None, notes: list[str]
) -> _Layout:
    sample, whole = data[:_SAMPLE], len(data) <= _SAMPLE
    while not whole and sample.count(b"\n") < (20 if len(sample) < _LARGE_SAMPLE else 6):
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
    lines = _lines(text, chosen, whole, escape)
    lead, auto = _lead(lines, config.header == "auto"), config.header == "auto"
    rows, before = [line.cells for line in lines[lead:]], lines[lead].start if lines else 0
    if lead:
        shown = repr(" ".join(filter(None, lines[0].cells))[:40])
        notes.append(
            f"{name}: the table begins at line {before + 1}; what stands before it ({shown}"
            f"{', …' if lead > 1 else ''}) is left out; --header yes keeps lines with as many fields as the table"
        )
    if before:
        text = "".join(io.StringIO(text, newline="").readlines()[before:])
    first = _completed(rows, name, config, notes) if rows else [""]
    units = auto and len(lines) > lead + 2 and lines[lead].end == lines[lead + 1].start and _are_units(rows)
    body = rows[:1] + rows[2:] if units else rows
    verdict = _header_score(body) if auto else (1.0 if config.header == "yes" else -1.0)
    if units and verdict >= 0:
        shown = ", ".join(filter(None, rows[1]))[:60]
        notes.append(
            f"{name}: line {lines[lead + 1].end} is taken for units ({shown}) and left out; --header yes keeps it"
        )
    raw = _raw_rows(text, chosen, escape, len(first))
    quoting = _quoting_of(raw, chosen)
    dialect = replace(origin, delimiter=chosen, quoting=quoting, escape=escape, newline=newline, header=verdict >= 0)
    units = units and verdict >= 0
    return _Layout(
        dialect, first, before, units, verdict == 0, _quoted(raw[int(verdict >= 0) + units :], chosen, quoting)
    )


def _lines(text: str, delimiter: str, whole: bool, escape: str) -> list[_Line]:
    """As `_rows`, with the places of the records."""
    reader, found, end = _reader(text, delimiter, escape), list[_Line](), 0
    for cells in reader:
        if cells:
            found.append(_Line(cells, end, reader.line_num))
        end = reader.line_num
    return found if whole or len(found) < 2 else found[:-1]


def _lead(lines: list[_Line], auto: bool) -> int:
    """How many records of a sample stand before the table: titles, comments, and blocks that an empty line ends.

    Those with as many fields as the table are left out only where names over numbers follow (auto).
    """
    if len(lines) < 3:
        return 0
    rows = [line.cells for line in lines]
    width = Counter(map(len, rows)).most_common(1)[0][0]
    used = sum(any(cells) for cells in zip(*(row for row in rows if len(row) == width), strict=True))

    def is_other(row: list[str]) -> bool:
        few = used > 1 and 2 * sum(map(bool, row)) <= used
        return len(row) != width or few

    def is_comment(row: list[str]) -> bool:
        return row[0].lstrip().startswith(_COMMENTS)

    if auto:
        places = [next((place for place, row in enumerate(rows) if not is_other(row) and not is_comment(row)), 0)]
        blocks = range(1, min(len(rows), _MOST_LEAD))
        places += [place for place in blocks if lines[place].start > lines[place - 1].end]
        for lead in places:
            if 0 < lead <= _MOST_LEAD and (4 * lead <= len(rows) or lead == places[0]) and _names_numbers(rows[lead:]):
                return lead
    lead = next((place for place, row in enumerate(rows) if len(row) == width), 0)
    even = sum(len(row) == width for row in rows[lead:]) >= 0.9 * len(rows[lead:]) and len(rows) >= lead + 3
    titles = all(len(row) == 1 or is_comment(row) for row in rows[:lead])
    return lead if even and titles and lead <= _MOST_LEAD and (lead > 1 or width > 2 or " " in rows[0][0]) else 0


def _names_numbers(rows: list[list[str]]) -> bool:
    """Whether the first record names the others, one column of numbers at least, each by its own name."""
    numbers = {place for place, cell in enumerate(rows[0]) if _NUMBER.match(cell)}
    if len(rows) < 3 or _header_score(rows) <= 0 or numbers - _counted(rows[0], rows[1:200]):
        return False
    names = [cell for cell in rows[0] if cell]
    return len(set(names)) == len(names) and any(
        _are_numbers([row[k] for row in rows[2:] if len(row) > k]) for k, cell in enumerate(rows[0]) if cell
    )


def _are_numbers(cells: Sequence[str]) -> bool:
    known = [cell for cell in cells if cell.strip().lower() not in words.PROBABLE]
    return bool(known) and sum(bool(_NUMBER.match(cell)) for cell in known) >= 0.9 * len(known)


def _are_units(rows: list[list[str]]) -> bool:
    """Whether the second record tells the units or types of the others: no number stands where all others are numbers.

    Words that are no units must stand over two such columns at least.
    """
    names, units, body = rows[0], rows[1], rows[2:200]
    if len(units) != len(names) or any(_NUMBER.match(cell) and cell != "1" for cell in (*names, *units)):
        return False
    below = [[row[place] for row in body if len(row) > place] for place in range(len(units))]
    over = [unit.strip() for unit, cells in zip(units, below, strict=True) if _are_numbers(cells)]
    known = [unit for unit in over if unit and unit not in ("-", "--", "1")]
    alike = any(unit not in ("", "1") and unit in cells for unit, cells in zip(units, below, strict=True))
    words_alone = len(known) > 1 and len(body) >= _FEWEST_ABOVE and not any(map(_is_lost, known))
    return bool(known) and not alike and (words_alone or all(_UNIT.fullmatch(unit) for unit in known))


def _is_lost(cell: str) -> bool:
    return cell.strip().lower() in words.PROBABLE


def _completed(rows: list[list[str]], name: str, config: TrainConfig, notes: list[str]) -> list[str]:
    """The first record with as many fields as the others have, where it is known which it lacks."""
    first, width = rows[0], Counter(map(len, rows)).most_common(1)[0][0]
    least = min(map(len, rows))
    if len({*map(len, rows[1:])}) == 2 and not any(cell for row in rows for cell in row[least:]):
        return first[:least]  # a delimiter stands at the end of some lines
    if len(first) == width + 1 and not first[-1]:
        return first[:-1]
    if len(first) != width - 1 or len(rows) < 4 or config.header == "no" or any(map(_NUMBER.match, first)):
        return first
    if not any(row[-1] for row in rows[1:] if len(row) == width):
        return [*first, ""]
    if sum(len(row) == width for row in rows) < len(rows) - 1 or _header_score([["", *first], *rows[1:]]) <= 0:
        return first
    if any(a.startswith("'") and b.endswith("'") for row in rows[1:] for a, b in itertools.pairwise(row)):
        raise DataError(f"{name!r}: fields in single quotes hold the delimiter. Put double quotes around them.")
    notes.append(f"{name}: the first line has one name fewer than the others have fields: the first column has none")
    return ["", *first]


def _rows(text: str, delimiter: str, whole: bool, escape: str = "") -> list[list[str]]:
    """The records of a sample that is cut at any place, without empty lines; the last, perhaps half, is left off."""
    rows = [row for row in _reader(text, delimiter, escape) if row]
    return rows if whole or len(rows) < 2 else rows[:-1]


def _find_delimiter(text: str, whole: bool, escape: str, expected: str | None) -> str:
    """The delimiter that divides the lines most evenly; among equals the one whose fields look most like numbers."""
    scores: dict[str, tuple[float, ...]] = {}
    rare = [mark for mark in _RARE if mark in text.partition("\n")[0]]
    for delimiter in (*_DELIMITERS, " ", *rare):
        rows = _rows(text, delimiter, whole, escape)
        counts = Counter(map(len, rows))
        width, times = counts.most_common(1)[0] if counts else (1, 0)
        even = times / max(len(rows), 1)
        if width < 2 or even < (0.5 if delimiter in _DELIMITERS else 0.95):
            continue
        cells = [cell for row in rows[:50] if len(row) == width for cell in row]
        plain = sum(bool(_NUMBER.match(cell)) for cell in cells) / max(len(cells), 1)
        if delimiter == " " and len(rows[0]) == 1 and plain < 0.5:
            continue  # one column of texts with blanks under its name
        if delimiter in _RARE and not _is_rare(delimiter, rows, width):
            continue
        first = float(delimiter == expected) + round(even, 1) + 0.3 * (len(rows[0]) == width)
        scores[delimiter] = (first - 0.05 * (delimiter in _RARE), plain, -float(delimiter == " "), width)
    return max(scores, key=scores.__getitem__, default=expected or (_UNUSED if "," in text else ","))


def _is_rare(delimiter: str, rows: list[list[str]], width: int) -> bool:
    """Whether a sign that stands in every line is a delimiter: not in `~5`, and a colon not in 12:30, 1:2 or a URL."""
    if len(rows) < 3 or any(len(row) != width for row in rows) or not any(row[0] for row in rows[1:]):
        return False
    named = all(re.fullmatch(r"[^\W\d][\w.-]*", cell) for cell in rows[0]) and len(set(rows[0])) == width
    if delimiter != ":" or (width > 2 and named and any(map(_are_numbers, zip(*rows[1:], strict=True)))):
        return True
    long = any(len(cell.strip()) > 2 for row in rows[1:] for cell in row)
    other = re.compile("(^|[^0-9A-Za-z])[0-9]{1,2}:[0-5][0-9]([^0-9]|$)|://|: ")
    return width > 2 and long and not any(other.search(":".join(row)) for row in rows[:50])


def _aligned(data: bytes, name: str, notes: list[str]) -> bytes | None:
    """The text with tabs in place of the blanks that align its columns; None where it is no table of that kind."""
    sample = data[:_SAMPLE].decode("utf-8", "ignore")
    lines = [line.rstrip() for line in sample.splitlines()[: None if len(data) <= _SAMPLE else -1] if line.strip()]
    wide = sum("  " in line.strip() for line in lines)
    if len(lines) < 4 or 2 * wide < len(lines) or re.search('["\t]', sample):
        return None
    common = (Counter(line.count(mark) for line in lines).most_common(1)[0] for mark in ",;|")
    if any(count > 0 and times >= 0.9 * len(lines) for count, times in common):
        return None
    for gap in (" +", " {2,}"):
        if len(widths := {len(re.split(gap, line.strip())) for line in lines}) == 1 and widths != {1}:
            trimmed = re.sub(rb"(?m)^ +| +(?=\r?$)", b"", data)
            found = re.sub(gap.encode(), b"\t", trimmed)
            break
    else:
        if (cut := _cut_at_places(data.decode("utf-8", "replace"), lines)) is None:
            return None
        found = cut
    notes.append(
        f"{name}: columns that blanks align, written with tabs between; --delimiter space takes each blank as one"
    )
    return found


def _cut_at_places(text: str, lines: list[str]) -> bytes | None:
    """The text with tabs between columns that begin at the same place of every line; None where there are none."""
    width = max(map(len, lines))
    filled = np.array([[sign != " " for sign in line.ljust(width)] for line in lines])
    begins = [k for k in range(width) if filled[:, k].any() and (k == 0 or not filled[:, k - 1].any())]
    pairs = list(zip(begins, [*begins[1:], None], strict=True))
    if len(lines) < 10 or len(begins) < 2 or begins[0]:
        return None
    if any(not filled[0, a:b].any() or 2 * filled[:, a:b].any(1).sum() < len(lines) for a, b in pairs):
        return None
    found = []
    for line in text.splitlines():
        if any(line[a - 1 : a].strip() for a in begins[1:]):
            return None
        found.append("\t".join(line[a:b].strip() for a, b in pairs) if line.strip() else "")
    return "\n".join(found).encode() + b"\n"


def _raw_rows(text: str, delimiter: str, escape: str, width: int) -> list[list[str]]:
    """The first records of a sample, cells with the quotes around them; none where there are no quotes."""
    mark, rows = re.escape(delimiter), list[list[str]]()
    inside = r'[^"\\]|\\.' if escape else r'[^"]|""'
    field = re.compile(rf'(?:^|(?<=\n)|{mark})("(?:{inside})*+"|[^"{mark}\r\n]*)(?={mark}|\r?\n|$)', re.DOTALL)
    for found in itertools.islice(field.finditer(text), max(2000, 20 * width)) if '"' in text else ():
        if found.start(1) == found.start() or not rows:
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
    score, counted = 0.0, _counted(first, body)
    for place, cell in enumerate(first):
        if place in counted:
            score += 1
            continue
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


def _counted(first: list[str], body: list[list[str]]) -> set[int]:
    """The places of numbers in a first record that are names: years in even steps, or 0, 1, 2, …, over others."""
    places = [place for place, cell in enumerate(first) if re.fullmatch("0|[1-9][0-9]{0,5}", cell.strip())]
    numbers = [int(first[place]) for place in places]
    steps = set(np.diff(numbers).tolist())
    if len(numbers) < 3 or len(steps) != 1 or min(steps) < 1:
        return set()
    years = numbers[0] >= 1800 and numbers[-1] < 2200
    if not years and (numbers[0] > 1 or steps != {1}):
        return set()
    below = [[row[place].strip() for row in body if len(row) > place] for place in places]
    if years:  # over numbers that are no years
        other = [
            sum(not re.fullmatch("(18|19|20|21)[0-9]{2}", cell) for cell in cells) > len(cells) / 2 for cells in below
        ]
    else:
        other = [len(numbers) > 9 or any("." in cell for cell in cells) for cells in below]
    again = any(row == first for row in body)
    return set(places) if 2 * sum(other) >= len(other) and not again else set()


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


def _read_table(data: bytes, name: str, names: list[str], layout: _Layout, notes: list[str]) -> pa.Table:
    single, dialect = len(names) == 1, layout.dialect
    data = (data.rstrip(b"\r\n") if single else data) + (b"\n" if not data.endswith(b"\n") or single else b"")
    parse = pacsv.ParseOptions(delimiter=dialect.delimiter, double_quote=not dialect.escape)
    parse.escape_char = dialect.escape or False
    parse.newlines_in_values, parse.ignore_empty_lines = b'"' in data, not single
    convert = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False)
    convert.check_utf8 = False
    # Arrow's threads abort a process that has loaded torch and ends while they do, as it does on a mistake in a small
    # file; and one block gains nothing from them.
    lines = {"skip_rows": layout.lead, "use_threads": len(data) > _BLOCK}
    lines["skip_rows_after_names"] = int(dialect.header) + layout.units

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
    marks = tuple(mark.encode() for mark in _COMMENTS)
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
    return len(table) >= _FEWEST_ABOVE and any(pc.all(pc.not_equal(column, "")).as_py() for column in table.columns[1:])


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
        data, encoding = decode(data, name, config.encoding, notes)
        data = data.lstrip(b"\r\n") if data[:1] in (b"\r", b"\n") else data
        data = data.removesuffix(b"\x1a")  # with which DOS ends a file
        if not data.strip():
            raise DataError(f"{name!r} holds no records, only empty lines. Give a file with records.")
        data = _without_rulers(data, name, notes)
        if told := re.match(rb'"?sep=(.)"?[,;\t ]*(?:\r?\n|\r)', data, re.IGNORECASE):
            data, said = b"\n" + data[told.end() :], told[1].decode("latin-1")
            notes.append(f"{name}: delimiter {said!r}, as the first line says; --delimiter changes it")
            config = replace(config, delimiter=config.delimiter or said)
        elif config.delimiter is None and self.expected is None and (columns := _aligned(data, name, notes)):
            data, config = columns, replace(config, delimiter="\t")
        layout = _find_layout(data, name, origin, config, self.expected, notes)
        dialect, first = layout.dialect, layout.first
        if layout.lead:
            data = b"\n" * layout.lead + b"".join(data.splitlines(keepends=True)[layout.lead :])
        renamed: dict[str, str] = {}
        if dialect.header:
            names = _names_of(first, name, renamed)
            if layout.undecided and config.header == "auto":
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
        table = _read_table(data, name, names, layout, notes)
        unnamed = [names[place] for place, written in enumerate(first) if dialect.header and not written.strip()]
        if dialect.header and config.header == "auto":
            table = _without_repeats(table, first, name, notes)
        table = _without_empty(table, unnamed, name, notes)
        mark = "," if dialect.delimiter == _UNUSED else dialect.delimiter
        details = {"quoted": {names[place]: bare for place, bare in layout.quoted.items()}} if layout.quoted else {}
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
