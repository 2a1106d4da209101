"""Spreadsheets: one sheet of an .xlsx, .xlsm, .xlsb, .xls or .ods workbook is read, and .xlsx is written.

Knows cells and their types; never what columns mean. calamine reads the cells; what stands around a table in a sheet is
found out as in CSV.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any
from xml.sax.saxutils import quoteattr

import pyarrow as pa
import pyarrow.compute as pc

from gankit.config import TrainConfig
from gankit.errors import DataError, DependencyError, OutputError, nearest
from gankit.io import words
from gankit.io.archives import WORKBOOKS, is_workbook
from gankit.io.formats.base import Format, Sink, texts_of
from gankit.io.formats.csv import Csv
from gankit.io.records import Origin, Records, content_of, joined

_MOST_ROWS, _LONGEST = 1 << 20, 32767
_FORBIDDEN = r"[\x00-\x08\x0b\x0c\x0e-\x1f]"
_EPOCH_DAY, _FIRST_DAY = 25569, 61  # 1970-01-01 as Excel counts days; before March 1900 it is off by one
_OPEN, _OFFICE = "http://schemas.openxmlformats.org", "application/vnd.openxmlformats"
_MAIN, _LINKS = f"{_OPEN}/spreadsheetml/2006/main", f"{_OPEN}/officeDocument/2006/relationships"
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_SHEET = "xl/worksheets/sheet1.xml"


def _relations(**targets: str) -> str:
    links = (f'<Relationship Id="{i}" Type="{_LINKS}/{i}" Target="{path}"/>' for i, path in targets.items())
    return f'<Relationships xmlns="{_OPEN}/package/2006/relationships">{"".join(links)}</Relationships>'


def _package(sheet: str) -> dict[str, str]:
    """All of a workbook but its one sheet, of that name: path -> XML."""
    kinds = {"xl/workbook.xml": "sheet.main", _SHEET: "worksheet", "xl/styles.xml": "styles"}
    types = (
        f'<Override PartName="/{path}" ContentType="{_OFFICE}-officedocument.spreadsheetml.{kind}+xml"/>'
        for path, kind in kinds.items()
    )
    plain = "<fonts><font/></fonts><fills><fill/></fills><borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs>"
    formats = "".join(f'<xf numFmtId="{number}" applyNumberFormat="1"/>' for number in (0, 14, 22))  # plain, day, time
    return {
        "[Content_Types].xml": f'<Types xmlns="{_OPEN}/package/2006/content-types"><Default Extension="rels" '
        f'ContentType="{_OFFICE}-package.relationships+xml"/>{"".join(types)}</Types>',
        "_rels/.rels": _relations(officeDocument="xl/workbook.xml"),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_LINKS}"><sheets><sheet name={quoteattr(sheet)} '
        'sheetId="1" r:id="worksheet"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(worksheet="worksheets/sheet1.xml", styles="styles.xml"),
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">{plain}<cellXfs>{formats}</cellXfs></styleSheet>',
    }


def _days(column: pa.Array) -> pa.Array | None:
    """Days or local times as Excel counts them; None of other columns, and of times too early for it."""
    if pa.types.is_date(column.type):
        days = pc.add(column.cast(pa.date32()).cast(pa.int32()), _EPOCH_DAY)
    elif pa.types.is_timestamp(column.type) and column.type.tz is None:
        micros = column.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).cast(pa.float64())
        days = pc.add(pc.divide(micros, 86400e6), float(_EPOCH_DAY))
    else:
        return None
    return days if (pc.min(days).as_py() or _FIRST_DAY) >= _FIRST_DAY else None


def _text(cell: Any, whole: bool, places: str) -> str:
    """A cell as CSV has it. whole: whether days are midnights, as other cells have times; places: of the seconds."""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):  # of which Excel shows 15 digits
        return str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else f"{cell:.15g}"
    if isinstance(cell, datetime):
        return cell.isoformat(" ", places)
    if isinstance(cell, date):
        return f"{cell} 00:00:00" if whole else str(cell)
    if isinstance(cell, time):
        return cell.isoformat(places)
    return f"{cell.total_seconds():.15g}" if isinstance(cell, timedelta) else str(cell)


def _texts(cells: Sequence[Any]) -> Sequence[str]:
    kinds = set(map(type, cells))
    if kinds <= {str}:
        return cells
    fine = kinds & {datetime, time} and any(isinstance(c, datetime | time) and c.microsecond for c in cells)
    places = "milliseconds" if fine else "seconds"
    return [cell if type(cell) is str else _text(cell, datetime in kinds, places) for cell in cells]


def _as_csv(rows: Sequence[Sequence[str]], foot: int) -> bytes:
    """Rows as CSV, empty ones as empty lines, and the last `foot` ones without the cells that they lack."""
    stream, below = io.StringIO(), len(rows) - foot
    lines = (row[: 1 if place >= below else None] if any(row) else () for place, row in enumerate(rows))
    csv.writer(stream, lineterminator="\n").writerows(lines)
    return stream.getvalue().encode("utf-8", "replace")


def _foot(rows: Sequence[Sequence[str]]) -> int:
    """How many rows at the end have no cell but the first, as what stands below a table has."""
    alone = itertools.takewhile(lambda row: not any(row[1:]), reversed(rows))
    return len(list(alone)) if len(rows[0]) > 2 else 0


def _opened(data: bytes, name: str) -> Any:
    """A workbook.

    Raises:
        DataError: it is protected by a password. ValueError: it is damaged.
    """
    from python_calamine import CalamineError, PasswordError, load_workbook

    try:
        with contextlib.suppress(CalamineError):
            return load_workbook(io.BytesIO(data))
        with tempfile.TemporaryDirectory() as folder:  # of a file it says what is wrong
            path = Path(folder) / f"book{Path(name).suffix}"
            path.write_bytes(data)
            return load_workbook(path)
    except PasswordError:
        raise DataError(f"{name!r} is protected by a password. Save it without one.") from None
    except CalamineError as error:
        raise ValueError(str(error)) from error


def _sheet(book: Any, name: str, wanted: str, notes: list[str]) -> tuple[str, list[list[Any]]]:
    """The name and the cells of the sheet that is wanted, or of the first one that shows and holds some.

    Raises:
        DataError: there is no such sheet, or no cell. ValueError: it is damaged.
    """
    from python_calamine import CalamineError, SheetTypeEnum, SheetVisibleEnum

    sheets = [s for s in book.sheets_metadata if s.typ == SheetTypeEnum.WorkSheet]
    every = [s.name for s in sheets]
    if wanted:
        if wanted not in every:
            raise DataError(f"{name!r} has no sheet {wanted!r}. {nearest(wanted, every)}")
        every = [wanted]
    shown = [wanted] if wanted else [s.name for s in sheets if s.visible == SheetVisibleEnum.Visible] or every
    for chosen in shown:
        try:
            rows = book.get_sheet_by_name(chosen).to_python()
        except CalamineError as error:
            raise ValueError(str(error)) from error
        if rows:
            others = [other for other in every if other != chosen]
            if others:
                listed = ", ".join(map(repr, others[:6])) + (", …" if len(others) > 6 else "")
                notes.append(f"{name}: sheet {chosen!r} is read, not {listed}; {name}/{others[0]} reads that one")
            return chosen, rows
    raise DataError(f"{name!r} has no cells{f' in the sheet {wanted!r}' * bool(wanted)}. Give a file with records.")


def _understood(rows: Sequence[Sequence[str]], name: str, config: TrainConfig) -> tuple[Records, list[str]]:
    """What CSV finds in the rows of a sheet, and the notes on it."""
    config, notes = replace(config, delimiter=",", encoding="utf-8"), list[str]()
    foot = _foot(rows)
    with contextlib.suppress(*((DataError,) if foot else ())):  # they may be records all the same
        return Csv().read(_as_csv(rows, foot), name, Origin("csv"), config, notes), notes
    notes.clear()
    return Csv().read(_as_csv(rows, 0), name, Origin("csv"), config, notes), notes


class _SpreadsheetSink(Sink):
    """A workbook with one sheet, in which numbers, booleans, days and times are such."""

    def __init__(self, stream: IO[bytes], origin: Origin, name: str, row: int = 0) -> None:
        super().__init__(stream, origin, name, row)
        self._open, self._left = contextlib.ExitStack(), _MOST_ROWS

    def begin(self, first: pa.Table) -> None:
        if self.name.lower().endswith(WORKBOOKS[1:]):
            raise OutputError(f"{self.name!r}: spreadsheets are written as .xlsx. Give it that suffix.")
        book = self._open.enter_context(zipfile.ZipFile(self.stream, "w", zipfile.ZIP_DEFLATED))
        for path, content in _package(self.origin.part or "Sheet1").items():
            book.writestr(path, _XML + content)
        self._file = self._open.enter_context(book.open(_SHEET, "w", force_zip64=True))
        self._file.write(f'{_XML}<worksheet xmlns="{_MAIN}"><sheetData>'.encode())
        if self.origin.header:
            self._rows([pa.array([self.origin.renamed.get(name, name)]) for name in first.column_names])

    def write(self, batch: pa.Table) -> None:
        if batch.num_rows and batch.num_columns:
            self._rows(list(map(joined, batch.columns)))

    def _rows(self, columns: list[pa.Array]) -> None:
        self._left -= len(columns[0])
        if self._left < 0:
            raise OutputError(f"{self.name!r}: a sheet has {_MOST_ROWS:,} rows at most. Write .csv or .parquet.")
        lines = pc.binary_join_element_wise("<row>", *map(self._cells, columns), "</row>", "")
        self._file.write(content_of(lines.cast(pa.large_string())))

    def _cells(self, column: pa.Array) -> pa.Array:
        """Cells in XML, <c/> where nothing is."""
        kind, ends = column.type, ("<c><v>", "</v></c>")
        if pa.types.is_boolean(kind):
            ends, texts = ('<c t="b"><v>', "</v></c>"), column.cast(pa.int8()).cast(pa.string())
        elif pa.types.is_floating(kind):
            texts = pc.if_else(pc.is_finite(column), texts_of(column), None)
        elif pa.types.is_integer(kind) or pa.types.is_decimal(kind):
            texts = texts_of(column)
        elif (days := _days(column)) is not None:
            ends, texts = (f'<c s="{1 + pa.types.is_timestamp(kind)}"><v>', "</v></c>"), days.cast(pa.string())
        else:
            ends, texts = ('<c t="inlineStr"><is><t xml:space="preserve">', "</t></is></c>"), texts_of(column)
            if (pc.max(pc.utf8_length(texts)).as_py() or 0) > _LONGEST or words.matching(texts, _FORBIDDEN).any():
                what = f"a cell has over {_LONGEST:,} characters, or control characters"
                raise OutputError(f"{self.name!r}: {what}, which spreadsheets cannot hold. Write another format.")
            for sign, code in (("&", "&amp;"), ("<", "&lt;"), ("\r", "&#13;")):
                texts = pc.replace_substring(texts, sign, code)
        return pc.binary_join_element_wise(ends[0], texts, ends[1], "").fill_null("<c/>")

    def close(self) -> None:
        self._file.write(b"</sheetData></worksheet>")
        self._open.close()

    def release(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._open.close()


class Spreadsheet(Format):
    """A sheet of a workbook: of Excel in all its forms, or OpenDocument; .xlsx is written."""

    name, media_type = "xlsx", f"{_OFFICE}-officedocument.spreadsheetml.sheet"
    suffixes, aliases = WORKBOOKS[:1], WORKBOOKS[1:]
    has_types = True
    obeys = ("header", "skip_bad_lines")
    sink = _SpreadsheetSink

    def begins(self, data: bytes) -> bool:
        """See `Format.begins`."""
        return is_workbook(data)

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`: columns of texts, as Excel shows them.

        Raises:
            DependencyError: python-calamine is needed and not installed.
        """
        try:
            chosen, cells = _sheet(_opened(data, name), name, origin.part, notes)
        except ImportError:
            raise DependencyError("spreadsheets need python-calamine: pip install 'gankit[excel]'") from None
        rows = list(zip(*map(_texts, zip(*cells, strict=True)), strict=True))
        records, said = _understood(rows, name, config)
        notes += said
        found = records.origin
        return Records(records.table, replace(origin, part=chosen, header=found.header, renamed=found.renamed))
