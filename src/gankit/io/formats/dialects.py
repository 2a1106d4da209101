"""How a delimited text is written: delimiter, quoting, the line of names and what stands before it, found out from its
first lines.

Knows delimited text; never what its columns mean, or how its records are read.
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

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io import words
from gankit.io.records import Origin

_SAMPLE, _LARGE_SAMPLE = 1 << 16, 1 << 20
_DELIMITERS = (",", "\t", ";", "|")
_RARE = ("^", "~", ":", "\x01")  # delimiters where every line, the first too, has as many; nothing else is one
UNUSED = "\x1f"
# Nothing is given back (`*+`): a cell of 50,000 blanks would be tried in as many ways as it has pairs of them.
_NUMBER = re.compile(r"^\s*+[-+$€£]?\s*+[0-9][0-9.,' ]*+([eE][-+]?[0-9]++)?\s*+%?\s*+$|^\s*+-?\.[0-9]++\s*+$")
COMMENTS = ("#", "%", "//")
FEWEST_ABOVE = 5  # rows of a table above a remark
_MEASURE = (
    r"(?:[kMGTmµμunpch]?(?:m|g|s|A|V|W|Hz|Pa|J|N|L|l|mol|bar|Wh|Ah|eV|B|t|Ω|°?[CFK])|deg ?[CFK]?|km|h|min|d|days?|"
    r"hours?|minutes?|sec|seconds?|years?|yr|°|%|‰|ppm|ppb|dB|dBm|rpm|psi|mmHg|inch|ft|lbs?|oz|mph|kn|USD|EUR|GBP|CHF|JPY|[$€£])"
    r"(?:²|³|\^?-?[1-3])?"
)
_UNIT = re.compile(rf"[\[(]?{_MEASURE}(?:[/·*. ]{_MEASURE})*[\])]?")
_NAMES = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
_MOST_LEAD = 100


@contextmanager
def long_fields() -> Iterator[None]:
    """Lets Python's csv module take fields of any length: 10,000 numbers tried with another delimiter are one field."""
    before = csv.field_size_limit(2**31 - 1)
    try:
        yield
    finally:
        csv.field_size_limit(before)


@dataclass(frozen=True)
class Layout:
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


def find_layout(
    data: bytes, name: str, origin: Origin, config: TrainConfig, expected: str | None, notes: list[str]
) -> Layout:
    """How a text is to be read. data: it, in UTF-8, or its first lines. expected: its delimiter, if nothing speaks
    against it.

    Raises:
        OptionError: the delimiter that was asked for is no character. DataError: quotes are not what they must be.
    """
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
    return Layout(
        dialect, first, before, units, verdict == 0, _quoted(raw[int(verdict >= 0) + units :], chosen, quoting)
    )


def _lines(text: str, delimiter: str, whole: bool, escape: str) -> list[_Line]:
    """As `_rows`, with the places of the records."""
    reader, found, end = reader_of(text, delimiter, escape), list[_Line](), 0
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
        return row[0].lstrip().startswith(COMMENTS)

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
    words_alone = len(known) > 1 and len(body) >= FEWEST_ABOVE and not any(map(_is_lost, known))
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
    rows = [row for row in reader_of(text, delimiter, escape) if row]
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
    return max(scores, key=scores.__getitem__, default=expected or (UNUSED if "," in text else ","))


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


def aligned(data: bytes, name: str, notes: list[str]) -> bytes | None:
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


def reader_of(text: str, delimiter: str, escape: str, *, strict: bool = False) -> Any:
    """Python's reader of a text of that dialect."""
    lines = io.StringIO(text, newline="")
    return csv.reader(lines, delimiter=delimiter, escapechar=escape or None, doublequote=not escape, strict=strict)


def names_of(first: list[str], name: str, renamed: dict[str, str]) -> list[str]:
    """The names of columns by their first record; `renamed` gets those that are not as they are written.

    Raises:
        DataError: a name stands over two.
    """
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
