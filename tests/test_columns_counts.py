"""Times as numbers: seconds since 1970 in four units, and the days of spreadsheets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gankit.columns.column import Column
from gankit.columns.dates import DateStyle, check_format, format_dates, parse_dates
from gankit.columns.inference import infer
from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.records import Origin, Records
from gankit.kinds.series.preparing import read_series
from gankit.kinds.series.records import Grid

SECONDS = [1_577_836_800 + 9973 * i for i in range(300)]
DAYS = [43_831 + 7 * i % 900 for i in range(300)]


def column_of(name: str, cells: list[Any], notes: list[str] | None = None, **options: Any) -> Column:
    """What the column is, beside another that can be learned."""
    table = pa.table({name: cells, "filler": [i % 3 for i in range(len(cells))]})
    column = infer(Records(table, Origin("csv")), TrainConfig(**options), notes=notes).column(name)
    return Column.from_json(column.to_json())


@pytest.mark.parametrize(
    ("name", "text", "format", "says"),
    [
        ("ts", "{0}", "%s", "since 1970 (2020-01-01)"),
        ("createdAt", "{0}123", "%3s", "since 1970"),
        ("event_time_us", "{0}123456", "%6s", "since 1970"),
        ("epoch", "{0}000000000", "%9s", "since 1970"),
        ("Timestamp", "{0}.{1:03}", "%s.%3f", "since 1970"),
        ("time", "{0}.0", "%s.0", "since 1970"),
        ("Order Date", "{2}", "%x", "spreadsheet (2020-01-01)"),
        ("date", "{2}.0", "%x.0", "spreadsheet"),
        ("Datum", "{2}.75", "%x.%2f", "spreadsheet"),
    ],
)
@pytest.mark.parametrize("as_texts", [True, False])
def test_numbers_of_a_column_named_so_are_times(name: str, text: str, format: str, says: str, as_texts: bool) -> None:
    texts = [text.format(second, i, day) for i, (second, day) in enumerate(zip(SECONDS, DAYS, strict=True))]
    cells: list[Any] = texts if as_texts else [float(text) if "." in text else int(text) for text in texts]
    notes: list[str] = []
    column = column_of(name, cells, notes)
    assert (column.type, column.dates is not None) == ("datetime", True)
    assert not as_texts or column.dates == DateStyle(format)
    values = column.parse(pa.array(cells))
    assert column.format(values).to_pylist() == cells
    first = datetime.fromtimestamp(float(values.data[0]), UTC)
    assert (first.year, first.month, first.day) == (2020, 1, 1)
    assert any(says in note and f"--column {name}=number" in note for note in notes)
    assert column_of(name, cells, column=(f"{name}=number",)).type == "number"


@pytest.mark.parametrize("size", [1, 1000, 10**6, 10**9])
def test_midnights_since_1970_are_days_whatever_the_column_is_called(size: int) -> None:
    days = [(18_262 + 7 * i) * 86_400 * size for i in range(60)]
    for cells in (days, list(map(str, days))):
        column = column_of("d", cells)
        assert (column.type, column.grain) == ("datetime", 86_400)
        assert column.format(column.parse(pa.array(cells))).to_pylist() == cells
    assert column_of("d", [day + 3600 * size for day in days]).type != "datetime"


def test_days_with_a_clock_come_back_as_they_were() -> None:
    cells = [f"{DAYS[i] + i / 1440:.10f}".rstrip("0").rstrip(".") for i in range(300)]
    column = column_of("date", cells)
    assert column.grain == 60.0
    assert column.format(column.parse(pa.array(cells))).to_pylist() == cells


@pytest.mark.parametrize("name", ["population", "amount", "update_count", "cpu_time", "runtime", "validated"])
def test_numbers_without_such_a_name_stay_numbers(name: str) -> None:
    assert column_of(name, [str(second) for second in SECONDS[::-1]]).type in ("number", "identifier")
    assert column_of(name, DAYS).type == "number"


def test_numbers_out_of_range_stay_numbers_under_such_a_name() -> None:
    assert column_of("date", [*DAYS, 60_000]).type == "number"
    assert column_of("time", [0.5 * i for i in range(300)]).type == "number"


def test_a_name_that_may_mean_days_is_asked_for() -> None:
    notes: list[str] = []
    assert column_of("day", DAYS, notes).type == "number"
    assert any("may be days of a spreadsheet (2020-01-01); --column day=date" in note for note in notes)


@pytest.mark.parametrize("said", ["date", "datetime", "datetime:%x"])
def test_any_column_may_be_said_to_hold_days(said: str) -> None:
    for cells in (DAYS, [str(day) for day in DAYS], ["", *map(str, DAYS)], ["0", *map(str, DAYS)]):
        column = column_of("x", cells, column=(f"x={said}",))
        assert (column.type, column.grain) == ("datetime", 86400.0)
        assert column.format(column.parse(pa.array(cells))).to_pylist() == cells


def test_years_and_small_numbers_are_no_days() -> None:
    for cells in (["1990", "2015"] * 99, [1990, 2015] * 99):
        with pytest.raises(DataError) as error:
            column_of("x", cells, column=("x=date",))
        assert "--missing" not in str(error.value)


def test_numbers_are_the_instants_that_python_has() -> None:
    texts = pa.array(["1640995200", "0", "-86400"])
    assert parse_dates(texts, "%s").tolist() == [1640995200.0, 0.0, -86400.0]
    assert parse_dates(pa.array(["25569", "44562.5", "x"]), "%x.%f").tolist()[:2] == [0.0, 1641038400.0]
    assert format_dates(np.array([1640995200.5]), DateStyle("%3s")).to_pylist() == ["1640995200500"]
    assert [check_format(one) for one in ("%s", "%9s", "%x.%f", "%s.0")] == [None] * 4
    assert check_format("%3x") is not None


@pytest.mark.parametrize(("name", "options"), [("t", {}), ("cycle", {}), ("n", {"time": "n"})])
@pytest.mark.parametrize("start", [0, 5000])
def test_a_counter_is_the_time_of_a_series_in_a_file_too(
    tmp_path: Path, name: str, options: dict[str, Any], start: int
) -> None:
    lines = [f"{name},v", *(f"{start + i},{i * i % 17}" for i in range(60))]
    (tmp_path / "run.csv").write_text("\n".join(lines))
    series = read_series(tmp_path / "run.csv", TrainConfig(kind="series", **options), [])
    times = series.layout.times
    assert times is not None and (times.names, times.dates, times.grid) == ((name,), False, Grid("number", 1.0))


def test_numbers_that_are_instants_are_the_times_of_a_series(tmp_path: Path) -> None:
    lines = ["ts,day,v", *(f"{1_577_836_800 + 3600 * i},{43_831 + i},{i * i % 17}" for i in range(60))]
    (tmp_path / "run.csv").write_text("\n".join(lines))
    for options, grid in (({}, 3600.0), ({"time": "day", "column": ("day=date",)}, 86400.0)):
        series = read_series(tmp_path / "run.csv", TrainConfig(kind="series", **options), [])
        assert series.layout.times is not None and series.layout.times.grid == Grid("second", grid)


def test_a_counter_said_to_be_numbers_is_one_in_texts_and_as_numbers() -> None:
    for cells in ([str(i) for i in range(60)], list(range(60))):
        assert column_of("id", cells).type == "identifier"
        assert column_of("id", cells, column=("id=number",)).type == "number"


@pytest.mark.parametrize(
    ("name", "cell", "type"),
    [
        ("order_no", lambda i: f"{20201201 + i % 25}", "datetime"),  # each of several rows
        ("order", lambda i: f"202012{1 + i % 28:02}-{1 + i // 28:02}", "text"),
        ("order", lambda i: f"2020-12-{1 + i % 28:02}-{1 + i // 28}", "text"),
        ("lot", lambda i: f"202012{1 + i % 28:02}-{i:04}", "identifier"),
        ("lot", lambda i: f"{1 + i % 28:02}.12.2020-{1 + i // 28}", "text"),
        ("file", lambda i: f"202012{1 + i % 28:02}_{i % 24:02}{7 * i % 60:02}{i % 60:02}", "datetime"),
        ("version", lambda i: f"{1 + i % 3}.{1 + i % 12}.{10 + i % 18}", "category"),
        ("zip", lambda i: "12a" if i == 7 else f"{7919 * i % 10 ** (1 + i % 5)}", "text"),
        ("house_number", lambda i: "12a" if i == 7 else f"{1 + i % 117}", "text"),
        ("phone", lambda i: f"{200 + i}-{999 - i}-{7919 * i % 10000:04}", "identifier"),
        ("zip", lambda i: f"{10115 + 17 * i}-{7919 * i % 10000:04}", "identifier"),
    ],
)
def test_codes_that_begin_as_dates_and_numbers_do_stay_codes(name: str, cell: Callable[[int], str], type: str) -> None:
    cells = [cell(i) for i in range(200)]
    table = pa.table({name: cells, "filler": [str(i % 3) for i in range(200)]})
    assert infer(Records(table, Origin("csv"))).column(name).type == type


def test_numbers_of_orders_that_count_on_from_a_day_are_identifiers() -> None:
    for cells in ([str(20201201 + i) for i in range(25)], [20201201 + i for i in range(25)]):
        table = pa.table({"order_no": cells, "filler": [i % 3 for i in range(25)]})
        assert infer(Records(table, Origin("csv"))).column("order_no").type == "identifier"
        table = table.rename_columns(["date_id", "filler"])
        assert infer(Records(table, Origin("csv"))).column("date_id").type == "datetime"
