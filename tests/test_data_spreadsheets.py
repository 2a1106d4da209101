"""Spreadsheets: cells of every type, what stands around a table in a sheet, several sheets, and what cannot be read."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from gankit.columns.rows import write
from gankit.config import TrainConfig
from gankit.errors import DataError, DependencyError, OutputError
from gankit.io.formats import FORMATS
from gankit.io.reading import read
from gankit.io.records import Origin
from gankit.kinds import prepare

pytest.importorskip("python_calamine")

Cell = str | float | None


def book(path: Path, *sheets: tuple[str, Sequence[Sequence[Cell]]]) -> Path:
    """An OpenDocument workbook: sheets of a name and rows each."""

    def cell(value: Cell) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, str):
            return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'
        return f'<table:table-cell office:value-type="float" office:value="{value}"/>'

    names = {"office": "office", "table": "table", "text": "text"}
    spaces = " ".join(f'xmlns:{k}="urn:oasis:names:tc:opendocument:xmlns:{v}:1.0"' for k, v in names.items())
    body = "".join(
        f'<table:table table:name="{name}">'
        + "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
        + "</table:table>"
        for name, rows in sheets
    )
    content = f"<office:body><office:spreadsheet>{body}</office:spreadsheet></office:body>"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", f"<office:document-content {spaces}>{content}</office:document-content>")
    return path


ROWS = [["city", "size"], *([f"{'abc'[i % 3]}", float(i)] for i in range(20))]


def written(table: pa.Table, path: Path) -> Path:
    with path.open("wb") as stream:
        FORMATS["xlsx"].sink(stream, Origin("xlsx"), path.name).feed([table])
    return path


def test_cells_of_every_type_come_back_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    table = pa.table(
        {
            "n": [1, 2, None, 2**53 - 1],
            "x": [0.1 + 0.2, -1.5, None, 1e20],
            "yes": [True, None, False, True],
            "day": [date(2022, 1, 3), None, date(1999, 12, 31), date(2024, 2, 29)],
            "at": [datetime(2022, 1, 3), datetime(2022, 1, 3, 5, 6, 7), None, datetime(2030, 1, 1, 23, 59, 59)],
            "text": ["a & <b>", 'two\nlines, "q"', None, "00123"],
        }
    )
    assert read(written(table, tmp_path / "x.xlsx")).table.to_pydict() == {
        "n": ["1", "2", "", "9007199254740991"],
        "x": ["0.3", "-1.5", "", "1e+20"],
        "yes": ["TRUE", "", "FALSE", "TRUE"],
        "day": ["2022-01-03", "", "1999-12-31", "2024-02-29"],
        "at": ["2022-01-03 00:00:00", "2022-01-03 05:06:07", "", "2030-01-01 23:59:59"],
        "text": ["a & <b>", 'two\nlines, "q"', "", "00123"],
    }


def test_fakes_of_a_spreadsheet_are_a_spreadsheet_with_numbers_and_days(tmp_path: Path) -> None:
    days = [date(2022, 1, 1 + i % 28) for i in range(60)]
    source = written(pa.table({"n": [float(i % 7) for i in range(60)], "day": days}), tmp_path / "x.xlsx")
    prepared = prepare(source, TrainConfig(), [])
    assert {c.name: c.type for c in prepared.schema.columns} == {"n": "number", "day": "datetime"}
    fakes = prepared.schema.format(prepared.train.values, len(prepared.train), first_row=0, seed=0)
    write([fakes], tmp_path / "fakes.xlsx", prepared.origin)
    again = read(tmp_path / "fakes.xlsx")
    assert again.origin.part == "Sheet1" and again.table.column("day").to_pylist() == fakes.column("day").to_pylist()
    sheet = zipfile.ZipFile(tmp_path / "fakes.xlsx").read("xl/worksheets/sheet1.xml")
    assert b'<c s="1"><v>445' in sheet and b"<c><v>3</v></c>" in sheet
    for name in ("fakes.xls", "fakes.ods"):
        with pytest.raises(OutputError, match=r"written as \.xlsx"):
            write([fakes], tmp_path / name, prepared.origin)


def test_what_stands_around_a_table_in_a_sheet_is_left_out_with_a_note(tmp_path: Path) -> None:
    empty: list[Cell] = [None, None, None]
    rows = [["Sales 2024", None, None], empty, ["city", "size", "n"], ["", "m2", "kg"]]
    rows += [*(["a", float(i), None if i % 2 else 1.0] for i in range(30)), empty, ["Source: the office", None, None]]
    notes: list[str] = []
    records = read(book(tmp_path / "x.ods", ("One", rows)), notes=notes)
    assert records.table.column_names == ["city", "size", "n"] and records.table.num_rows == 30
    assert records.table.column("n").to_pylist()[:2] == ["1", ""]
    said = " ".join(notes)
    assert "'Sales 2024'" in said and "units (m2, kg)" in said and "Source: the office" in said


def test_rows_at_the_end_that_have_only_a_first_cell_are_records(tmp_path: Path) -> None:
    rows = [["id", "x", "y"], *([f"r{i}", float(i), 1.5] for i in range(20)), ["r20", None, None], ["r21", None, None]]
    assert read(book(tmp_path / "x.ods", ("One", rows))).table.column("id").to_pylist()[-1] == "r21"


def test_the_first_sheet_with_cells_is_read_and_a_path_names_another(tmp_path: Path) -> None:
    other = [["age", "sex"], *([float(i), "fm"[i % 2]] for i in range(30))]
    path, notes = book(tmp_path / "x.ods", ("Cover", []), ("Sales", ROWS), ("People", other)), list[str]()
    assert read(path, notes=notes).table.column_names == ["city", "size"]
    assert "sheet 'Sales' is read, not 'Cover', 'People'" in notes[0]
    records = read(path / "People")
    assert records.table.column_names == ["age", "sex"] and records.origin.part == "People"
    assert prepare(path / "People", TrainConfig(), []).kind.name == "table"
    with pytest.raises(DataError, match=r"has no sheet 'Peple'\. Did you mean 'People'"):
        read(path / "Peple")


def test_workbooks_are_known_by_their_content_and_text_named_so_is_read_as_text(tmp_path: Path) -> None:
    path = book(tmp_path / "x.ods", ("Sales", ROWS))
    assert read(io.BytesIO(path.read_bytes())).origin.format == "xlsx"
    (tmp_path / "x.xls").write_text("city\tsize\n" + "a\t1\nb\t2\n" * 20)
    assert read(tmp_path / "x.xls").origin.delimiter == "\t"


def test_what_is_no_workbook_is_refused_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    good = book(tmp_path / "x.ods", ("Sales", ROWS)).read_bytes()
    with zipfile.ZipFile(tmp_path / "locked.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        entry = 'manifest:file-entry manifest:full-path="content.xml"'
        locked = f"<{entry}><manifest:encryption-data/></manifest:file-entry>"
        space = 'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"'
        archive.writestr("META-INF/manifest.xml", f"<manifest:manifest {space}>{locked}</manifest:manifest>")
        archive.writestr("content.xml", "rubbish")
    for name, data, said in [
        ("cut.ods", good[:-30], "damaged"),
        ("rubbish.xlsx", b"PK\x03\x04 rubbish", "damaged"),
        ("rubbish.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "damaged"),
        ("locked.ods", None, "protected by a password"),
        ("empty.ods", book(tmp_path / "e.ods", ("One", [])).read_bytes(), "no cells"),
    ]:
        if data is not None:
            (tmp_path / name).write_bytes(data)
        with pytest.raises(DataError, match=said) as caught:
            read(tmp_path / name)
        assert "\n" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(DependencyError, match=r"pip install 'gankit\[excel\]'"):
        read(tmp_path / "x.ods")
