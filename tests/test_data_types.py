"""What columns are found to be, what is said about it, and how it is overridden."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from gankit.columns.inference import infer
from gankit.columns.schema import Column, Schema, Values
from gankit.columns.splitting import split
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.reading import read
from gankit.io.records import Origin, Records

N = 60
FILLER = [str(i % 3) for i in range(N)]


def records_of(**columns: list[Any]) -> Records:
    return Records(pa.table({name: pa.array(cells) for name, cells in columns.items()}), Origin("csv"))


def column_of(cells: list[Any], *, name: str = "x", notes: list[str] | None = None, **options: Any) -> Column:
    """What the column is, beside another that can be learned."""
    rows = (cells * (N // len(cells) + 1))[: max(N, len(cells))] if len(cells) < N else cells
    filler = [str(i % 3) for i in range(len(rows))]
    schema = infer(records_of(**{name: rows, "filler": filler}), TrainConfig(**options), notes=notes)
    return schema.column(name)


def unique(make: Any, count: int = N) -> list[Any]:
    return [make(i) for i in range(count)]


@pytest.mark.parametrize(
    ("cells", "seconds"),
    [
        (["2022-01-03", "2022-01-03 10:00", "2022-01-14 11:30"], [0, 36000, 11 * 86400 + 41400]),
        (["2022-01-03 00:00:01", "2022-01-03 00:00:01.123456", "2022-01-03 00:00:03"], [1, 1.123456, 3]),
        (["2022-01-03T10:00:00Z", "2022-01-03T10:00:00.500Z"], [36000, 36000.5]),
        (["03.01.2022 10:00", "14.01.2022", "15.01.2022 09:10"], [36000, 11 * 86400, 12 * 86400 + 33000]),
        (["2022-01-03 10:00", "2022-01-03 10:00:30"], [36000, 36030]),
    ],
)
def test_a_clock_or_fraction_that_some_times_lack_is_read_and_written_so(
    cells: list[str], seconds: list[float]
) -> None:
    column = column_of(cells * 20)
    assert column.type == "datetime"
    parsed = column.parse(pa.array(cells))
    assert parsed.data == pytest.approx(np.array(seconds) + 1641168000, abs=1e-6)
    assert column.format(parsed).to_pylist() == cells
    assert column_of([*cells[:2], "4711-02 1"] * 20).type == "category"


def test_the_same_note_on_many_columns_is_one_line_that_names_them() -> None:
    cells = {f"my {k}": [f"{1 + (7 * i + k) % 900}.{i % 10}25" for i in range(N)] for k in range(12)}
    infer(records_of(**cells), notes=(notes := []))
    (line,) = notes
    assert line.startswith("columns " + ", ".join(f"'my {k}'" for k in range(12)) + ": numbers with three decimals; ")
    assert "--column NAME=number:1.234,5" in line
    texts = {f"my {k}": [f"{'xyz'[i % 3]} {i % (50 - k)} words" for i in range(N)] for k in range(3)}
    infer(records_of(**texts, n=FILLER), notes=(notes := []))
    (line,) = notes
    assert line.startswith("columns 'my 0', 'my 1', 'my 2': as in 'my 0', free text (") and "--text-column NAME" in line
    odd = {f"c{k}": [f"{'n/a' if i == k else i % 7}" for i in range(N)] for k in range(2)}
    infer(records_of(**odd), notes=(notes := []))
    assert [note[:11] for note in notes] == ["column 'c0'", "column 'c1'"]


@pytest.mark.parametrize(
    ("cells", "layout", "decimals", "grain"),
    [
        (["1", "-2", "30"], "integer", 0, 1.0),
        ([str(50 * i) for i in range(-5, 30)], "integer", 0, 50.0),
        (["41.0", "21.0"], "fixed", 1, 0.1),
        (["8.3252", "41.0"], "point", 4, 1e-4),
        (["1.79", "4"], "shortest", 2, 0.01),
        ([f"{i / 4:.2f}" for i in range(20)], "fixed", 2, 0.25),
        (["1e-05", "0.001", "1e+20"], "point", None, 0.0),
    ],
)
def test_numbers_keep_their_layout_and_grain(cells: list[str], layout: str, decimals: int | None, grain: float) -> None:
    column = column_of(cells)
    assert column.type == "number"
    assert column.style is not None
    assert (column.style.layout, column.decimals) == (layout, decimals)
    assert column.grain == pytest.approx(grain, rel=1e-12)
    assert (column.low, column.high) == (min(map(float, cells)), max(map(float, cells)))


@pytest.mark.parametrize(
    "cells",
    [
        ["1.376E+03", "-2.500E-02", "9.999E+00"],
        ["1,37e+03", "2,50e-02", "-9,99e+00"],
        ["6E+23", "1E-05", "2E+00"],
        [".25", "-.75", "1.25", ".00"],
    ],
)
def test_notations_with_powers_of_ten_and_without_a_zero_are_kept(cells: list[str]) -> None:
    cells = cells * 20
    column = column_of(cells, notes=(notes := []))
    assert column.type == "number" and not any("alike" in note for note in notes)
    assert column.format(column.parse(pa.array(cells))).to_pylist() == cells


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["$1,234.50", "-$3.00"], [1234.5, -3.0]),
        (["1.234,5", "3,25"], [1234.5, 3.25]),
        (["5%", "12%"], [5.0, 12.0]),
        ([" 7", "12"], [7.0, 12.0]),
        (["1 234 567", "5"], [1234567.0, 5.0]),
        (["+5", "-3"], [5.0, -3.0]),
        (["1.275", "950", "88", "13.400", "1.234.567"], [1275.0, 950.0, 88.0, 13400.0, 1234567.0]),
        (["1.275", "950", "88", "0"], [1275.0, 950.0, 88.0, 0.0]),
        (["12.345,67", "1.275,00"], [12345.67, 1275.0]),
        (["USD 1,275.22", "USD 3.10"], [1275.22, 3.1]),
        (["USD -1,275.22", "USD 3.10"], [-1275.22, 3.1]),
        (["12.50 EUR", "1.00 EUR"], [12.5, 1.0]),
        (["1.275 €", "950 €", "88 €"], [1275.0, 950.0, 88.0]),
        (["CHF 1’275.50", "CHF 12.00"], [1275.5, 12.0]),
        (["1’275", "12", "1’000’000"], [1275.0, 12.0, 1e6]),
        (["(188.61)", "12.50", "(0.75)"], [-188.61, 12.5, -0.75]),
        (["(1,188)", "12", "3,000"], [-1188.0, 12.0, 3000.0]),
        (["($188.61)", "$12.50"], [-188.61, 12.5]),
        (["$(188.61)", "$12.50"], [-188.61, 12.5]),
        (["$-188.61", "$12.50"], [-188.61, 12.5]),
        (["188.61-", "12.50"], [-188.61, 12.5]),
        (["1.188,61-", "12,50"], [-1188.61, 12.5]),
        (["\u2212188.61", "12.50"], [-188.61, 12.5]),
        (["\u2013188.61", "12.50"], [-188.61, 12.5]),
        (["R$ 1.275,50", "R$ 3,00"], [1275.5, 3.0]),
        (["HK$1,275.50", "-HK$3.00"], [1275.5, -3.0]),
        ([" $ 1,188.61 ", " $ (12.50)"], [1188.61, -12.5]),
        (["1.3M", "2k", "950"], [1.3e6, 2000.0, 950.0]),
        (["$1.3M", "-$2.0k", "$9.9k"], [1.3e6, -2000.0, 9900.0]),
        (["1,3M", "2k", "19M"], [1.3e6, 2000.0, 19e6]),
        (["1.275", "0.950", "13.400"], [1.275, 0.95, 13.4]),
        (["1.275", "9", "1.2", "8"], [1.275, 9.0, 1.2, 8.0]),
    ],
)
def test_numbers_in_many_dresses_are_read_and_written_alike(cells: list[str], values: list[float]) -> None:
    column = column_of(cells)
    assert column.type == "number"
    parsed = column.parse(pa.array(cells))
    assert parsed.data.tolist() == values
    assert column.format(parsed).to_pylist() == cells


def test_a_point_that_may_group_thousands_is_said_and_can_be_turned() -> None:
    notes: list[str] = []
    cells = ["1.275", "2.340", "13.401"]
    assert column_of(cells, notes=notes).high == 13.401
    assert any("--column x=number:1.234,5" in note for note in notes)
    column = column_of(cells, column=("x=number:1.234,5",))
    assert column.parse(pa.array(cells)).data.tolist() == [1275.0, 2340.0, 13401.0]
    assert column.format(column.parse(pa.array(cells))).to_pylist() == cells
    beside = infer(records_of(x=cells * 20, price=["3,50", "12,75", "1,25"] * 20)).column("x")
    assert beside.high == 13401.0, "another column has decimal commas"
    commas = [cell.replace(".", ",") for cell in cells]
    notes.clear()
    assert column_of(commas, notes=notes).high == 13401.0
    assert any("--column x=number:1.234,5" in note for note in notes)
    assert column_of(commas, column=("x=number:1234,5",)).high == 13.401
    for option in ("x=number:1", "x=number:,."):
        with pytest.raises(OptionError, match=r"number:1\.234,5"):
            column_of(cells, column=(option,))
    with pytest.raises(OptionError, match="type double cannot be that"):
        column_of([1.5, 2.5], column=("x=number:1.234,5",))


def test_numbers_with_letters_for_powers_of_ten_are_written_with_the_right_one() -> None:
    column = column_of(["1.3M", "2k", "950", "19M", "14.5k"])
    assert column.integer and column.grain == 1
    again = Column.from_json(json.loads(json.dumps(column.to_json())))
    values = again.parse(pa.array(["1.3M", "2k", "950", "19M"]))
    made = replace(values, data=np.array([1_340_000.0, 999_990.0, 999.0, -2_040.0]))
    assert again.format(made).to_pylist() == ["1.3M", "1M", "999", "-2k"]


@pytest.mark.parametrize(
    "cells",
    [["12", "12B", "14"], ["3M", "6M", "12M"], ["KLM 12", "KLM 14"], ["12 k", "x"], ["(a)", "(b)"], ["USD 5", "EUR 7"]],
)
def test_codes_with_letters_are_no_numbers(cells: list[str]) -> None:
    assert column_of(cells).type == "category"


def test_numbers_with_needless_digits_keep_their_grain_and_a_note_shows_the_new_spelling() -> None:
    notes: list[str] = []
    column = column_of(["19.890000000000001", "7.0300000000000002", "20.100000000000001"], notes=notes)
    assert (column.decimals, column.grain) == (2, 0.01)
    assert column.format(column.parse(pa.array(["19.890000000000001"]))).to_pylist() == ["19.89"]
    assert any("'19.890000000000001' becomes '19.89'" in note for note in notes)


PRICES = [f"{1 + i * 0.37 % 200:.2f}" for i in range(400)]


@pytest.mark.parametrize(
    ("cells", "odd", "layout", "decimals", "grain"),
    [
        (unique(lambda i: str(3 * i + i % 7), 400), "1.00E+05", "integer", 0, 1.0),
        (unique(lambda i: str(3 * i + i % 7), 400), "2.5", "integer", 0, 1.0),
        (unique(lambda i: str(3 * i + i % 7), 400), "3.0", "integer", 0, 1.0),
        (unique(lambda i: str(3 * i + i % 7), 400), "+5", "integer", 0, 1.0),
        (unique(lambda i: str(3 * i + i % 7), 400), "1,234", "integer", 0, 1.0),
        (PRICES, "3.14159265", "fixed", 2, 0.01),
        (PRICES, "19.890000000000001", "fixed", 2, 0.01),
        ([text.rstrip("0").rstrip(".") for text in PRICES], "3.14159265", "shortest", 2, 0.01),
        ([f"{i * 0.05:.2f}" for i in range(400)], "1.99", "fixed", 2, 0.05),
        (unique(lambda i: str(50 * i), 400), "1234", "integer", 0, 50.0),
    ],
)
def test_one_cell_in_another_notation_changes_no_other(
    cells: list[str], odd: str, layout: str, decimals: int, grain: float
) -> None:
    column = column_of([*cells, odd])
    assert column.style is not None
    assert (column.style.layout, column.decimals) == (layout, decimals)
    assert column.grain == pytest.approx(grain, rel=1e-12)
    assert column.format(column.parse(pa.array(cells))).to_pylist() == cells
    assert column.parse(pa.array([odd])).data.tolist() == [float(odd.replace(",", ""))]


@pytest.mark.parametrize(
    ("odd", "value"),
    [("$5.00", 5.0), ("5.00 ", 5.0), ("(5.00)", -5.0), ("\u22125.00", -5.0), ("-$5.00", -5.0), ("($5.00)", -5.0)],
)
def test_one_number_in_another_dress_makes_no_text_of_a_column(odd: str, value: float) -> None:
    notes: list[str] = []
    column = column_of([*PRICES, odd], notes=notes)
    assert (column.type, column.style.layout, column.decimals) == ("number", "fixed", 2)  # type: ignore[union-attr]
    assert column.parse(pa.array([odd, PRICES[0]])).data.tolist() == [value, float(PRICES[0])]
    assert column.low == min(1.0, value)
    assert any(f"{odd!r} is read as {value:g}" in note for note in notes)
    assert column_of([*(f"${text}" for text in PRICES), "5.00"]).style.prefix == "$"  # type: ignore[union-attr]


@pytest.mark.parametrize("code", ["007", "C536", "85123A", "12-34", "1_000"])
def test_one_code_makes_no_numbers_of_codes(code: str) -> None:
    cells, notes = [*unique(lambda i: str(7 * i % 1000 + 1000), 400), code], list[str]()
    assert column_of(cells, notes=notes).type != "number"
    assert not any("--missing" in note or "=category" in note for note in notes)


def test_one_huge_number_makes_no_text_of_a_column() -> None:
    cells = unique(lambda i: str(7 * i % 3989), 1200)
    column = column_of([*cells, "9223372036854775807"])
    assert (column.type, column.grain, column.high) == ("number", 1.0, 2.0**63)
    assert column.format(column.parse(pa.array(cells))).to_pylist() == cells
    with pytest.raises(DataError, match="row 1201: the value is infinite"):
        column_of([*cells, "1e400"])


def test_an_odd_cell_at_the_end_of_the_range_takes_nothing_out_of_it() -> None:
    column = column_of([*unique(lambda i: str(1 + i), 400), "0.4"])
    assert column.type == "number"
    assert (column.low, column.grain) == (0.4, 1.0)
    assert column.format(column.parse(pa.array(["0.4", "1", "1.2", "400"]))).to_pylist() == ["1", "1", "1", "400"]


def test_odd_cells_are_named_in_a_note() -> None:
    notes: list[str] = []
    column_of([*PRICES, "3.14159265"], notes=notes)
    assert any("multiples of 0.01" in note and "'3.14159265'" in note for note in notes)
    days = [f"2020-{1 + i % 12:02d}-{1 + i % 28:02d} 00:00" for i in range(400)]
    column = column_of([*days, "2020-05-05 07:31"], notes=notes)
    assert column.grain == 86400
    assert "multiples of 86400 s" in notes[-1] and "2020-05-05T07:31:00" in notes[-1]


@pytest.mark.parametrize(
    ("cells", "decimals"),
    [
        (["0"] * 5000 + ["0.123", "7.25", "9.871", "3.5"], 3),
        (["0.00"] * 5000 + [f"{1.234567 * i:.5f}" for i in range(1, 50)], 5),
        (unique(lambda i: f"{1.2345 * i:.4g}", 400), 3),
        (["1", "2", "2.5"] * 20, 1),
    ],
)
def test_longer_numbers_that_are_not_odd_keep_their_decimals(cells: list[str], decimals: int) -> None:
    column = column_of(cells)
    assert column.decimals == decimals
    assert column.parse(column.format(column.parse(pa.array(cells)))).data.tolist() == list(map(float, cells))


def test_one_odd_number_of_a_typed_column_changes_no_grain() -> None:
    prices = list(map(float, PRICES))
    for kind, cells, decimals, grain in (
        (pa.float64(), [*prices, 3.14159265], 2, 0.01),
        (pa.float32(), [*prices, 3.1415927], 2, 0.01),
        (pa.float64(), [*(50.0 * i for i in range(400)), 12.5], 0, 50.0),
        (pa.int64(), [*(50 * i for i in range(400)), 1234], 0, 50.0),
        (pa.float64(), [0.0] * 5000 + [0.123456, 7.25, 9.871], 6, 1e-6),
    ):
        column = infer(Records(pa.table({"x": pa.array(cells, kind)}), Origin("pyarrow"))).column("x")
        assert column.decimals == decimals
        assert column.grain == pytest.approx(grain)


def test_units_around_numbers_are_taken_when_the_user_says_number() -> None:
    assert column_of(["12 kg", "3 kg"]).type == "category"
    column = column_of(["12 kg", "3 kg"], column=("x=number",))
    assert column.format(column.parse(pa.array(["7 kg"]))).to_pylist() == ["7 kg"]


def test_codes_with_leading_zeros_are_no_numbers() -> None:
    column = column_of(["00123", "04567"])
    assert (column.type, column.levels) == ("category", ("00123", "04567"))


def test_whole_numbers_beyond_doubles_survive_as_they_are() -> None:
    large = ["9007199254740993", "9007199254740995"]
    column = column_of(large)
    assert column.type == "category"
    assert column.format(column.parse(pa.array(large))).to_pylist() == large
    typed = infer(Records(pa.table({"x": [2**60 + 1, 2**60 + 3] * 20}), Origin("pyarrow"))).column("x")
    assert typed.format(typed.parse(pa.array([2**60 + 3]))).to_pylist() == [2**60 + 3]


@pytest.mark.parametrize("marker", ["", "?", "NA", "n/a", "NaN", "null", "None", "-", ".", "#N/A"])
def test_missing_words_are_markers_among_numbers_and_dates(marker: str) -> None:
    for cells, kind in ([["1", "2", "3", marker], "number"], [["2020-01-01", "2020-05-01", marker], "datetime"]):
        column = column_of(list(cells))
        assert (column.type, column.markers) == (kind, (marker,))
        values = column.parse(pa.array([cells[0], marker]))
        assert values.missing.tolist() == [0, 1]
        assert np.isnan(values.data).tolist() == [False, True]
        assert column.format(values).to_pylist() == [cells[0], marker]


def test_several_markers_are_kept_apart_most_frequent_first() -> None:
    column = column_of(["1", "2", "NA", "", "NA", None])
    assert column.markers[0] == "NA"
    assert set(column.markers) == {"NA", "", None}
    cells = ["1", None, "", "NA"]
    assert column.format(column.parse(pa.array(cells))).to_pylist() == cells


def test_doubtful_words_are_levels_among_categories() -> None:
    column = column_of(["None", "Minor", "None", "-", "?"])
    assert column.levels == ("None", "Minor", "-")
    assert column.markers == ("?",)


def test_a_word_declared_missing_is_missing_everywhere() -> None:
    assert column_of(["1", "2", "-999"], missing=("-999",)).markers == ("-999",)
    assert column_of(["a", "b", "zzz"], missing=("zzz",)).markers == ("zzz",)
    typed = infer(Records(pa.table({"x": [1.5, -999.0, 2.5] * 10}), Origin("pyarrow")), TrainConfig(missing=("-999",)))
    column = typed.column("x")
    assert (column.markers, column.low) == (("-999",), 1.5)
    assert column.format(column.parse(pa.array([-999.0, 2.5]))).to_pylist() == [-999.0, 2.5]


@pytest.mark.parametrize("pair", [("yes", "no"), ("true", "false"), ("True", "False"), ("T", "F"), ("Y", "N")])
def test_words_for_true_and_false_are_booleans(pair: tuple[str, str]) -> None:
    column = column_of(list(pair))
    assert (column.type, column.boolean, set(column.levels)) == ("category", True, set(pair))
    assert column.storage == pa.bool_()
    values = column.parse(pa.array([True, False]))
    assert column.format(values).to_pylist() == list(pair)
    assert column.format(values, typed=True).to_pylist() == [True, False]


def test_zero_and_one_stay_numbers_unless_said_otherwise() -> None:
    assert column_of(["0", "1"]).type == "number"
    assert column_of(["0", "1"], column=("x=boolean",)).boolean
    with pytest.raises(DataError, match="3 different values"):
        column_of(["0", "1", "2"], column=("x=boolean",))


@pytest.mark.parametrize(
    ("cells", "form", "zone", "grain"),
    [
        (["2020-02-29", "1999-12-31"], "%Y-%m-%d", None, 86400),
        (["2020-01-01T10:00:00Z", "2020-01-01T10:00:07Z"], "%Y-%m-%dT%H:%M:%S%z", "Z", 1),
        (["2020-01-01 10:00+02:00", "2021-01-01 11:30+02:00"], "%Y-%m-%d %H:%M%z", "+02:00", 60),
        (["25/12/2020", "01/02/2020"], "%d/%m/%Y", None, 86400),
        (["12/25/2020", "01/02/2020"], "%m/%d/%Y", None, 86400),
        (["1/5/2020 3:07", "12/25/2020 13:00"], "%-m/%-d/%Y %-H:%M", None, 60),
        (["31.12.1999", "01.01.2000"], "%d.%m.%Y", None, 86400),
        (["5-Jan-20", "15-Dec-19"], "%-d-%b-%y", None, 86400),
        (["1:05 PM", "12:00 AM"], "%-I:%M %p", None, 60),
        (["2020-01-01 00:00:00.25", "2020-01-01 00:00:01.75"], "%Y-%m-%d %H:%M:%S.%2f", None, 0.001),
    ],
)
def test_dates_and_times_are_written_back_in_the_format_that_came(
    cells: list[str], form: str, zone: str | None, grain: float
) -> None:
    column = column_of(cells)
    assert column.type == "datetime"
    assert column.dates is not None
    assert (column.dates.format, column.zone, column.grain) == (form, zone, grain)
    assert column.format(column.parse(pa.array(cells))).to_pylist() == cells


def days_of(form: str, count: int = N, step: int = 11, **names: str) -> list[str]:
    """Days from 2021 on in a format, English names replaced by others."""
    days = (datetime(2021, 1, 1) + timedelta(days=step * i) for i in range(count))
    cells = [day.strftime(form) for day in days]
    for name, other in names.items():
        cells = [cell.replace(name, other) for cell in cells]
    return cells


GERMAN = {"January": "Januar", "February": "Februar", "March": "März", "May": "Mai", "June": "Juni", "July": "Juli"}
GERMAN |= {"October": "Oktober", "December": "Dezember"}
FRENCH = {"Jan": "janv.", "Feb": "févr.", "Mar": "mars", "Apr": "avr.", "May": "mai", "Jun": "juin", "Jul": "juil."}
FRENCH |= {"Aug": "août", "Sep": "sept.", "Oct": "oct.", "Nov": "nov.", "Dec": "déc."}
SPANISH = {"Jan": "ene", "Apr": "abr", "Aug": "ago", "Dec": "dic", "Feb": "feb", "Mar": "mar", "May": "may"}
SPANISH |= {"Jun": "jun", "Jul": "jul", "Sep": "sep", "Oct": "oct", "Nov": "nov"}
POLISH = {"January": "stycznia", "February": "lutego", "March": "marca", "April": "kwietnia", "May": "maja"}
POLISH |= {"June": "czerwca", "July": "lipca", "August": "sierpnia", "October": "października", "December": "grudnia"}
RUSSIAN = {"January": "января", "February": "февраля", "March": "марта", "April": "апреля", "May": "мая"}
RUSSIAN |= {"June": "июня", "July": "июля", "August": "августа", "October": "октября", "December": "декабря"}
POLISH |= {"September": "września", "November": "listopada"}
RUSSIAN |= {"September": "сентября", "November": "ноября"}
QUARTERS = [f"{2015 + i // 4}-Q{i % 4 + 1}" for i in range(30)]


@pytest.mark.parametrize(
    ("cells", "form", "second"),
    [
        (days_of("%G-W%V", step=7), "%G-W%V", (2021, 1, 4)),
        (days_of("%GW%V", step=7), "%GW%V", (2021, 1, 4)),
        (days_of("%G-W%V-%u"), "%G-W%V-%u", (2021, 1, 12)),
        (QUARTERS, "%Y-Q%q", (2015, 4, 1)),
        ([text.replace("-", "") for text in QUARTERS], "%YQ%q", (2015, 4, 1)),
        ([f"{text[5:]} {text[:4]}" for text in QUARTERS], "Q%q %Y", (2015, 4, 1)),
        (days_of("%b-%Y", step=31), "%b-%Y", (2021, 2, 1)),
        (days_of("%b %Y", step=31), "%b %Y", (2021, 2, 1)),
        (days_of("%B %Y", step=31), "%B %Y", (2021, 2, 1)),
        (days_of("%b-%y", step=31), "%b-%y", (2021, 2, 1)),
        (days_of("%Y-%m", step=31), "%Y-%m", (2021, 2, 1)),
        (days_of("%m/%Y", step=31), "%m/%Y", (2021, 2, 1)),
        (days_of("%a %d %b %Y"), "%a %d %b %Y", (2021, 1, 12)),
        (days_of("%A, %B %d, %Y"), "%A, %B %d, %Y", (2021, 1, 12)),
        (days_of("%a, %d %b %Y 07:15:00 GMT"), "%a, %d %b %Y %H:%M:%S %z", (2021, 1, 12, 7, 15)),
        (days_of("%Y-%m-%d 05"), "%Y-%m-%d %H", (2021, 1, 12, 5)),
        (days_of("%Y-%m-%dT05"), "%Y-%m-%dT%H", (2021, 1, 12, 5)),
        (days_of("%Y-%m-%d 05:30:00+00"), "%Y-%m-%d %H:%M:%S%z", (2021, 1, 12, 5, 30)),
        (days_of("%Y-%m-%d 05:30:00-08"), "%Y-%m-%d %H:%M:%S%z", (2021, 1, 12, 13, 30)),
        (days_of("%Y-%m-%d 05:30:00 UTC"), "%Y-%m-%d %H:%M:%S %z", (2021, 1, 12, 5, 30)),
        ([text.upper() for text in days_of("%d-%b-%y")], "%d-%b-%y", (2021, 1, 12)),
        (days_of("%d. %B %Y", **GERMAN), "%d. %B %Y", (2021, 1, 12)),
        (days_of("%d. %b %Y", Mar="Mrz", May="Mai", Oct="Okt", Dec="Dez"), "%d. %b %Y", (2021, 1, 12)),
        (
            days_of("%a, %d.%m.%Y", Mon="Mo", Tue="Di", Wed="Mi", Thu="Do", Fri="Fr", Sat="Sa", Sun="So"),
            "%a, %d.%m.%Y",
            (2021, 1, 12),
        ),
        (days_of("%d %b %Y", **FRENCH), "%d %B %Y", (2021, 1, 12)),
        (days_of("%d-%b-%Y", **SPANISH), "%d-%b-%Y", (2021, 1, 12)),
        (days_of("%d de %b de %Y", **{**SPANISH, "Jan": "enero"}), "%d de %B de %Y", (2021, 1, 12)),
        (days_of("%d/%b/%Y:05:17:13 +0000"), "%d/%b/%Y:%H:%M:%S %z", (2021, 1, 12, 5, 17, 13)),
        (days_of("%a %b %d 05:17:13 %Y"), "%a %b %d %H:%M:%S %Y", (2021, 1, 12, 5, 17, 13)),
        (days_of("%a %b %d 05:17:13 +0000 %Y"), "%a %b %d %H:%M:%S %z %Y", (2021, 1, 12, 5, 17, 13)),
        (["Jan  1 05:00:00 2021", "Jan 12 05:00:00 2021"], "%b %_d %H:%M:%S %Y", (2021, 1, 12, 5)),
        ([text.upper() for text in days_of("%d%b%Y")], "%d%b%Y", (2021, 1, 12)),
        ([text.upper() for text in days_of("%d%b%Y:05:17:13")], "%d%b%Y:%H:%M:%S", (2021, 1, 12, 5, 17, 13)),
        (days_of("%Y-%m-%d-05"), "%Y-%m-%d-%H", (2021, 1, 12, 5)),
        (days_of("%Y-%m-%d_05:17"), "%Y-%m-%d_%H:%M", (2021, 1, 12, 5, 17)),
        (days_of("%Y_%m_%d"), "%Y_%m_%d", (2021, 1, 12)),
        (days_of("%Y%m%dT051713Z"), "%Y%m%dT%H%M%S%z", (2021, 1, 12, 5, 17, 13)),
        (days_of("%Y%m%d 0517"), "%Y%m%d %H%M", (2021, 1, 12, 5, 17)),
        (days_of("%Y.%m.%d 05.17"), "%Y.%m.%d %H.%M", (2021, 1, 12, 5, 17)),
        (days_of("%d.%m.%Y, 05:17 Uhr"), "%d.%m.%Y, %H:%M Uhr", (2021, 1, 12, 5, 17)),
        (days_of("%m/%d/%Y 05:17 p.m."), "%m/%d/%Y %I:%M %-p", (2021, 1, 12, 17, 17)),
        (days_of("%Y-%d-%m"), "%Y-%d-%m", (2021, 1, 12)),
        (["1st January 2021", "12th January 2021", "22nd March 2021"], "%o %B %Y", (2021, 1, 12)),
        (["January 1st, 2021", "January 12th, 2021", "May 3rd, 2021"], "%B %o, %Y", (2021, 1, 12)),
        (days_of("05:17:13 %d/%m/%Y"), "%H:%M:%S %d/%m/%Y", (2021, 1, 12, 5, 17, 13)),
        (["Jan  1 2021  5:17AM", "Jan 12 2021 10:17PM"], "%b %_d %Y %_I:%M%p", (2021, 1, 12, 22, 17)),
        (days_of("%m/%d/%Y 05:17 EST"), "%m/%d/%Y %H:%M EST", (2021, 1, 12, 5, 17)),
        (days_of("%Y-%m-%d 05:17 UTC+2"), "%Y-%m-%d %H:%M UTC+2", (2021, 1, 12, 5, 17)),
        (days_of("'%Y-%m-%d'"), "'%Y-%m-%d'", (2021, 1, 12)),
        (days_of(" %d.%m.%Y "), " %d.%m.%Y ", (2021, 1, 12)),
        (days_of("%b '%y", step=31), "%b '%y", (2021, 2, 1)),
        (days_of("%Y年%m月%d日"), "%Y年%m月%d日", (2021, 1, 12)),
        (days_of("%d/%b/%Y", **SPANISH), "%d/%b/%Y", (2021, 1, 12)),
        (days_of("%d %B %Y", **POLISH), "%d %B %Y", (2021, 1, 12)),
        (days_of("%d %B %Y", **RUSSIAN), "%d %B %Y", (2021, 1, 12)),
        ([f"{text[:4]}:{text[5:]}" for text in QUARTERS], "%Y:Q%q", (2015, 4, 1)),
        ([f"{text[6:]}Q{text[:4]}" for text in QUARTERS], "%qQ%Y", (2015, 4, 1)),
        (days_of("%YM%m", step=31), "%YM%m", (2021, 2, 1)),
        ([text.upper() for text in days_of("%b%Y", step=31)], "%b%Y", (2021, 2, 1)),
        (days_of("%B, %Y", step=31), "%B, %Y", (2021, 2, 1)),
    ],
)
def test_other_notations_of_dates_are_read_and_written_alike(
    cells: list[str], form: str, second: tuple[int, ...]
) -> None:
    column = column_of(cells)
    column = Column.from_json(json.loads(json.dumps(column.to_json())))
    assert column.type == "datetime" and column.dates is not None
    assert column.dates.format == form
    values = column.parse(pa.array(cells))
    assert values.data[1] == datetime(*second, tzinfo=UTC).timestamp()  # type: ignore[misc]
    assert column.format(values).to_pylist() == cells
    near = replace(values, data=values.data - (1.0 if column.grain == 86400 else 0.0))
    assert column.format(near).to_pylist() == cells
    if not any(letter in form for letter in ("d", "u", "%o")):  # weeks, months and quarters: the nearest one
        assert column.format(replace(values, data=values.data - 86400)).to_pylist() == cells


def test_names_of_months_that_were_not_seen_are_written_as_the_others() -> None:
    for cells, unseen in (
        (["03. Jan. 2022", "05. Mär. 2022", "07. Dez. 2021"], "14. Okt. 2022"),
        (["03 FEV 2022", "05 ABR 2022", "07 MAR 2021"], "14 OUT 2022"),
        (["03 février 2022", "05 avril 2022", "07 mars 2021"], "14 octobre 2022"),
        (["Mo 03.01.2022", "Di 04.01.2022", "Mo 10.01.2022"], "Fr 14.10.2022"),
    ):
        column = column_of(cells)
        assert column.type == "datetime"
        day = datetime(2022, 10, 14, tzinfo=UTC).timestamp()
        values = replace(column.parse(pa.array(cells[:1])), data=np.array([day]))
        assert column.format(values).to_pylist() == [unseen]
        assert column.parse(pa.array([unseen])).data.tolist() == [day]


@pytest.mark.parametrize(
    "cells",
    [
        ["4711-01", "4711-02", "4711-12"],
        ["2005-06", "2006-07", "2007-08", "2010-11"],
        ["2022-W54", "2022-W01"],
        ["2022-Q5", "2022-Q1"],
        ["2021-W53", "2021-W52"],
        ["Mai Lin 2022", "Mon 2022"],
        ["Jum 2022", "Jan 2022"],
        ["12 Marigold 2022", "12 May 2022"],
        ["2022-01-03 25", "2022-01-03 05"],
        ["11 10 11", "12 01 05"],
        ["1th January 2022", "32nd January 2022"],
        ["2022-01-03 EST", "2022-01-04 CET"],
        ["2021-001", "2021-002", "2021-300"],
    ],
)
def test_what_looks_like_dates_and_is_not_stays_text(cells: list[str]) -> None:
    assert column_of(cells).type == "category"


DAYS = np.arange("2021-01-01", "2023-01-01", 11, dtype="datetime64[D]")
DIGITS = [str(day).replace("-", "") for day in DAYS]


@pytest.mark.parametrize(
    ("cells", "form", "grain"),
    [
        (DIGITS, "%Y%m%d", 86400),
        ([*DIGITS, ""], "%Y%m%d", 86400),
        ([f"{day}.0" for day in DIGITS], "%Y%m%d.0", 86400),
        ([f"{day}{i % 24:02d}" for i, day in enumerate(DIGITS)], "%Y%m%d%H", 3600),
        ([f"{day}{i % 24:02d}{i % 60:02d}" for i, day in enumerate(DIGITS)], "%Y%m%d%H%M", 60),
        ([f"{day}{i % 24:02d}{i % 60:02d}07" for i, day in enumerate(DIGITS)], "%Y%m%d%H%M%S", 1),
    ],
)
@pytest.mark.parametrize("kind", [pa.string(), pa.int64(), pa.float64()])
def test_dates_written_as_digits_are_dates_and_come_back_in_that_form(
    cells: list[str], form: str, grain: float, kind: pa.DataType
) -> None:
    notes: list[str] = []
    array = (
        pa.array([None if cell == "" else float(cell) for cell in cells]).cast(kind)
        if kind != pa.string()
        else pa.array(cells)
    )
    schema = infer(Records(pa.table({"x": array, "y": [i % 3 for i in range(len(cells))]}), Origin("csv")), notes=notes)
    column = Schema.from_json(json.loads(json.dumps(schema.to_json()))).column("x")
    assert (column.type, column.grain) == ("datetime", grain)
    assert column.dates is not None
    assert column.dates.format == (form if kind == pa.string() else form.removesuffix(".0"))
    values = column.parse(array)
    assert column.format(values).equals(array)
    assert column.typed(array).type == (kind if kind != pa.string() else pa.float64() if ".0" in form else pa.int64())
    assert values.data[0] == datetime(2021, 1, 1, tzinfo=UTC).timestamp() + (7 if form.endswith("S") else 0)
    assert any("--column x=number" in note for note in notes)
    between = replace(values, data=values.data + 0.3 * grain)
    assert column.format(between).equals(array)


@pytest.mark.parametrize(
    ("cells", "name", "form"),
    [
        (days_of("%d%m%Y"), "x", "%d%m%Y"),
        (days_of("%m%d%Y"), "x", "%m%d%Y"),
        ([text.lstrip("0") for text in days_of("%d%m%Y")], "x", "%-d%m%Y"),
        (days_of("%y%m%d"), "date", "%y%m%d"),
        (days_of("%Y%j"), "day", "%Y%j"),
        (days_of("%Y%m", step=31), "x", "%Y%m"),
        ([f"{text}.0" for text in days_of("%Y%m", step=31)], "x", "%Y%m.0"),
        (["202201", "202202", "202203"], "month", "%Y%m"),
        (days_of("%G%V", step=7), "week", "%G%V"),
        ([*DIGITS, "99991231"], "x", "%Y%m%d"),
    ],
)
@pytest.mark.parametrize("typed", [False, True])
def test_days_weeks_and_months_of_other_digits_are_times(cells: list[str], name: str, form: str, typed: bool) -> None:
    typed = typed and not cells[0].startswith("0") and "." not in cells[0]
    array = pa.array(list(map(int, cells)) if typed else cells)
    column = infer(records_of(**{name: array.to_pylist()}), TrainConfig()).column(name)
    assert column.type == "datetime" and column.dates is not None
    assert column.dates.format == form
    values = column.parse(array)
    assert column.format(values).equals(array)
    between = replace(values, data=np.linspace(values.data[0], values.data[1], len(cells)))
    again = column.parse(column.format(between))
    assert not np.isnan(again.data).any(), "every time is written as one that there is"


@pytest.mark.parametrize(
    "cells",
    [
        ["20210101", "20221231"],  # two may be dates by chance
        [*DIGITS, "20210230"],
        [str(20210910 + i) for i in range(10)],  # as are all that begin so
        [str(n) for n in np.random.default_rng(0).integers(10**7, 10**8, 50)],
        [str(20220000 + i) for i in range(1, 300)],
        [day.replace("20", "23", 1) for day in DIGITS],
        [str(202201 + i) for i in range(12)],  # numbers that follow one another
        [str(990101 + 100 * i) for i in range(12)],  # of six digits only where the name speaks of days
        [str(2020001 + i) for i in range(300)],
        [str(199900 + 5 * i) for i in range(40)],
    ],
)
def test_whole_numbers_that_are_no_dates_or_by_chance_are_numbers(cells: list[str]) -> None:
    assert column_of(cells).type != "datetime"
    assert column_of(list(map(int, cells))).type != "datetime"


def test_dates_written_as_digits_are_dates_or_numbers_as_the_user_says() -> None:
    for cells in (["202101", "202212", "202107"], [202101, 202212, 202107]):
        assert column_of(cells).type == "number"
        for option in ("datetime", "datetime:%Y%m"):
            column = column_of(cells, column=(f"x={option}",))
            assert column.format(column.parse(pa.array(cells))).to_pylist() == cells
            assert column.parse(pa.array(cells)).data[0] == datetime(2021, 1, 1, tzinfo=UTC).timestamp()
    for days in (DIGITS, list(map(int, DIGITS))):
        assert column_of(days, column=("x=number",)).type == "number"
        assert column_of(days[:2], name="date").type == "datetime"
    with pytest.raises(DataError, match="'202113' is no date"):
        column_of([202101, 202113], column=("x=datetime",))
    column = column_of(list(map(int, DIGITS)))
    with pytest.raises(DataError, match=r"row 2: expected a date .* found '20210230'"):
        column.parse(pa.array([20210101, 20210230]))


def test_times_are_seconds_since_1970_in_utc_or_local() -> None:
    column = column_of(["2020-01-01 10:00+02:00", "2021-01-01 11:30+02:00"])
    expected = datetime(2020, 1, 1, 8, 0, tzinfo=UTC).timestamp()
    assert column.parse(pa.array(["2020-01-01 10:00+02:00"])).data.tolist() == [expected]
    assert column_of(["1970-01-02", "1969-12-31"]).parse(pa.array(["1970-01-02", "1969-12-31"])).data.tolist() == [
        86400,
        -86400,
    ]


def test_an_ambiguous_day_and_month_is_said_and_can_be_turned() -> None:
    notes: list[str] = []
    cells = ["03/02/2020", "01/05/2020", "02/01/2020"]
    column = column_of(cells, notes=notes)
    assert column.dates is not None
    assert column.dates.format == "%m/%d/%Y"
    assert any("--column x=datetime:%d/%m/%Y" in note for note in notes)
    turned = column_of(cells, column=("x=datetime:%d/%m/%Y",))
    assert turned.parse(pa.array(["03/02/2020"])).data[0] == datetime(2020, 2, 3, tzinfo=UTC).timestamp()


def test_behind_a_year_the_month_comes_first() -> None:
    for cells in (["2024-05-01 02:49", "2024-05-01 01:13"], ["2024-03-01", "2024-01-02", "2024-02-03"]):
        notes: list[str] = []
        column = column_of(cells, notes=notes)
        assert column.dates is not None and column.dates.format.startswith("%Y-%m-%d")
        assert not any("cannot be told apart" in note for note in notes)


def test_rows_in_order_of_time_tell_day_from_month() -> None:
    cells = [f"0{day}/0{month}/2020" for month in (1, 2, 3) for day in (1, 5, 9)]
    column = infer(records_of(x=cells, y=FILLER[:9])).column("x")
    assert column.dates is not None
    assert column.dates.format == "%d/%m/%Y"


def test_impossible_days_are_no_dates() -> None:
    assert column_of(["2020-02-30", "2020-01-01"]).type == "category"


@pytest.mark.parametrize(
    ("name", "cells", "first_new"),
    [
        ("PassengerId", unique(lambda i: str(i + 1)), "61"),
        ("x", unique(lambda i: str(1000 + 5 * i)), "1300"),
        ("x", unique(lambda i: f"user{i}"), "user60"),
        ("x", unique(lambda i: f"INV-{i:05d}/A"), "INV-00060/A"),
    ],
)
def test_counters_are_identifiers_that_go_on(name: str, cells: list[str], first_new: str) -> None:
    notes: list[str] = []
    records = records_of(**{name: cells, "y": FILLER})
    schema = infer(records, notes=notes)
    assert schema.column(name).type == "identifier"
    assert any(name in note and "--column" in note for note in notes)
    made = schema.format(schema.parse(records.table), N).column(name).to_pylist()
    assert made[0] == first_new
    assert len(set(made)) == N
    assert not set(made) & set(cells)


def test_codes_of_one_shape_are_made_anew_and_never_repeat() -> None:
    rng = np.random.default_rng(0)
    cells = [f"{value:016x}-Z" for value in rng.integers(0, 2**62, 300)]
    schema = infer(records_of(token=cells, y=[str(i % 3) for i in range(300)]))
    column = schema.column("token")
    assert column.type == "identifier"
    values = {"y": schema.column("y").parse(pa.array(["1"] * 20_000))}
    made = schema.format(values, 20_000, seed=3).column("token").to_pylist()
    assert len(set(made)) == 20_000
    assert all(len(text) == 18 and text.endswith("-Z") for text in made)
    assert not set(made) & set(cells)
    part = {"y": schema.column("y").parse(pa.array(["1"] * 5))}
    assert schema.format(part, 5, first_row=12_345, seed=3).column("token").to_pylist() == made[12_345:12_350]
    assert schema.format(part, 5, seed=4).column("token").to_pylist() != made[:5]


def test_columns_of_identifiers_are_linked_where_they_are_in_the_data_and_only_there() -> None:
    rng = np.random.default_rng(0)
    orders, sessions = ([f"{value:016x}" for value in rng.integers(2**60, 2**62, 300)] for _ in range(2))
    records = records_of(order=orders, session=sessions, again=orders, y=[str(i % 3) for i in range(300)])
    schema = infer(records)
    assert [column.type for column in schema.columns] == ["identifier"] * 3 + ["number"]
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    values = {"y": again.column("y").parse(pa.array(["1"] * 500))}
    made = again.format(values, 500, seed=3).to_pydict()
    assert made["order"] == made["again"] and not set(made["order"]) & set(made["session"])
    old = schema.to_json()
    for column in old["columns"]:
        column.pop("stream", None)  # as in models of before: one stream for all, and no filter
        column["pattern"] = column["pattern"] and [part for part in column["pattern"] if part["kind"] != "taken"]
    before = Schema.from_json(old).format(values, 500, seed=3).to_pydict()
    assert before["order"] == before["session"] != made["order"]


@pytest.mark.parametrize(
    ("cells", "rows"),
    [
        ([str(n) for n in np.random.default_rng(1).permutation(np.arange(1000, 10_000))[:1000]], 7900),
        ([f"AB-{n:04d}" for n in np.random.default_rng(2).permutation(10_000)[:2000]], 7800),
        ([f"{n:06d}x" for n in np.random.default_rng(3).permutation(1_000_000)[:200_000]], 300_000),
    ],
)
def test_no_real_identifier_is_made_and_none_twice(cells: list[str], rows: int) -> None:
    schema = infer(records_of(account_id=cells, y=[str(i % 3) for i in range(len(cells))]))
    assert schema.column("account_id").type == "identifier"
    again = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    ones = pa.array(["1"] * rows)
    made = again.format({"y": again.column("y").parse(ones)}, rows, seed=5).column("account_id").to_pylist()
    assert not set(made) & set(cells) and len(set(made)) == rows
    part = {"y": again.column("y").parse(ones[:7])}
    assert (
        again.format(part, 7, first_row=rows - 9, seed=5).column("account_id").to_pylist() == made[rows - 9 : rows - 2]
    )
    assert sum(a == b for a, b in zip(sorted(made), made, strict=True)) < rows / 50, "in no order"


@pytest.mark.parametrize(
    ("cells", "options", "storage"),
    [
        (["1234567890123456745", "1234567890123456723"], {}, pa.int64()),
        (["18446744073709551547", "18446744073709551469"], {}, pa.string()),
        (["1.1", "1.10", "1.2"], {}, pa.string()),
        (["1.1", "1.10", "1.2"], {"column": ("x=category",)}, pa.string()),
        (["1", "2", "3"], {"column": ("x=category",)}, pa.string()),
        (["1.5", "2.5"], {}, pa.float64()),
    ],
)
def test_files_with_types_keep_what_tells_values_apart(
    cells: list[str], options: dict[str, Any], storage: pa.DataType
) -> None:
    column = column_of(cells, **options)
    if column.type != "category":
        column = column_of(cells, column=("x=category",))
        column = Column.from_json({**column.to_json(), "declared": False})
    again = Column.from_json(json.loads(json.dumps(column.to_json())))
    assert column.storage == again.storage == storage
    typed = again.typed(pa.array(cells))
    assert list(map(str, typed.to_pylist())) == cells


@pytest.mark.parametrize(
    "cells",
    [
        unique(lambda i: str(10_000 + 7 * i * i)),
        unique(lambda i: str(i / 7)),
        unique(lambda i: str(float(i))),
    ],
)
def test_measurements_that_happen_to_be_unique_stay_numbers(cells: list[str]) -> None:
    assert infer(records_of(fnlwgt=cells, y=FILLER)).column("fnlwgt").type == "number"


def test_free_text_is_left_out_with_a_line_that_says_how_to_learn_it() -> None:
    notes: list[str] = []
    cells = unique(lambda i: f"a note about {chr(65 + i % 26)}{chr(97 + i // 26)} and so on")
    records = records_of(Name=cells, y=FILLER)
    schema = infer(records, notes=notes)
    assert schema.column("Name").type == "text"
    free = next(note for note in notes if "free text (60 different values in 60 rows)" in note)
    assert "--kind text --text-column Name" in free and "=category" not in free
    assert schema.format(schema.parse(records.table), N).column_names == ["y"]
    assert infer(records, TrainConfig(column=("Name=category",))).column("Name").type == "category"


def test_repeated_texts_are_categories_however_many() -> None:
    cells = [f"N{i % 3500:04d}A" for i in range(20_000)]
    column = infer(records_of(tail=cells, y=[str(i % 3) for i in range(20_000)])).column("tail")
    assert column.type == "category"
    assert len(column.levels) == len(set(cells))


def test_levels_stand_most_frequent_first() -> None:
    assert column_of(["b", "a", "a", "c", "a", "b"]).levels == ("a", "b", "c")


def test_constants_are_written_as_they_are() -> None:
    records = records_of(a=["7"] * N, b=["?"] * N, c=[None] * N, y=FILLER)
    records = Records(records.table.set_column(2, "c", pa.nulls(N, pa.string())), records.origin)
    notes: list[str] = []
    schema = infer(records, notes=notes)
    assert [column.type for column in schema] == ["constant"] * 3 + ["number"]
    assert any("'a', 'b', 'c'" in note for note in notes)
    assert schema.format(schema.parse(records.table), N).equals(records.table)


def test_a_level_beside_missing_cells_is_no_constant() -> None:
    column = column_of(["a", "a", ""])
    assert (column.type, column.levels, column.markers) == ("category", ("a",), ("",))
    assert column_of(["5", "5", "NA"]).type == "number"


def test_nothing_to_learn_is_refused() -> None:
    with pytest.raises(DataError, match="nothing to learn"):
        infer(records_of(a=["1"] * 5, b=["x"] * 5))


def test_a_few_words_among_numbers_are_named() -> None:
    notes: list[str] = []
    cells = [str(i % 20) for i in range(200)] + ["oops"]
    assert infer(records_of(x=cells, y=cells), notes=notes).column("x").type == "category"
    assert any("'oops'" in note and "--missing" in note for note in notes)


def test_a_column_said_to_be_numbers_names_the_cell_that_is_none() -> None:
    records = records_of(age=["1"] * 16 + ["n.b."] + ["3"] * 5)
    with pytest.raises(
        DataError,
        match=r"column 'age', row 17: expected a number, found 'n.b.'\. Correct it or, .* with --missing n.b.",
    ):
        infer(records, TrainConfig(column=("age=number",)))
    assert infer(records, TrainConfig(column=("age=number",), missing=("n.b.",))).column("age").markers == ("n.b.",)


def test_a_column_of_nothing_but_infinities_is_refused_by_name() -> None:
    with pytest.raises(DataError, match=r"column 'x', row 1: the value '-inf' .*infinite.*--missing -inf"):
        column_of(["-inf", "Infinity", "NA"])
    assert column_of(["-inf", "Infinity"], column=("x=category",)).levels == ("-inf", "Infinity")


@pytest.mark.parametrize("typed", [False, True])
def test_infinite_values_are_refused_by_name_and_row(typed: bool) -> None:
    cells: list[Any] = [1.5, float("inf"), 2.5, float("-inf"), 3.5]
    table = pa.table({"x": cells if typed else ["1.5", "inf", "2.5", "-inf", "3.5"]})
    with pytest.raises(DataError, match=r"column 'x', row 2: the value .*infinite.*--missing inf"):
        infer(Records(table, Origin("pyarrow")))
    column = infer(Records(table, Origin("pyarrow")), TrainConfig(missing=("inf", "-inf"))).column("x")
    assert (column.type, set(column.markers), column.high) == ("number", {"inf", "-inf"}, 3.5)
    assert column.format(column.parse(table.column("x"))).to_pylist() == table.column("x").to_pylist()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("agee=number", "Did you mean 'age'"),
        ("age=float", "must be one of number, category"),
        ("age", "NAME=TYPE"),
        ("age=datetime:%Q", "%Q is not known"),
    ],
)
def test_impossible_overrides_are_refused(option: str, said: str) -> None:
    with pytest.raises(OptionError) as caught:
        infer(records_of(age=["1", "2"]), TrainConfig(column=(option,)))
    assert said in str(caught.value)


def test_overrides_are_obeyed() -> None:
    records = records_of(**{"a=b": ["1", "2", "1"] * 20, "c": FILLER, "d": FILLER, "e": unique(lambda i: str(i * i))})
    config = TrainConfig(column=("a=b=category", "c=drop", "d=text", "e=identifier"))
    assert [column.type for column in infer(records, config)] == ["category", "drop", "text", "identifier"]


def test_unseen_category_is_refused_by_name() -> None:
    records = records_of(city=["Oslo", "Lima"] * 10, n=[str(i % 7) for i in range(20)])
    schema = infer(records)
    table = pa.table({"city": ["Oslo", "Rome"], "n": ["1", "2"]})
    values = schema.parse(table)["city"]
    assert (values.data.tolist(), values.missing.tolist()) == ([0, -1], [0, 0])
    with pytest.raises(
        DataError, match=r"column 'city', row 2: the category 'Rome' is not known. Known are 'Oslo', 'Lima'"
    ):
        schema.parse(table, strict=True)
    with pytest.raises(DataError, match="column 'n', row 1: expected a number, found 'abc'"):
        schema.parse(pa.table({"city": ["Oslo"], "n": ["abc"]}))
    with pytest.raises(DataError, match=r"column 'city' is not in this table\. Did you mean 'City'"):
        schema.parse(pa.table({"City": ["Oslo"], "n": ["1"]}))


def test_typed_cells_of_the_same_meaning_are_understood() -> None:
    records = records_of(
        n=["1.5", "2.0", "NA"] * 10, k=["1", "2", "3"] * 10, d=["2020-01-01", "2021-02-03", "2020-01-01"] * 10
    )
    schema = infer(records, TrainConfig(column=("k=category",)))
    native = pa.table({"n": [1.5, None, 2.0], "k": [1, 2, 3], "d": pa.array([0, 1, None], pa.date32())})
    values = schema.parse(native)
    assert values["n"].missing.tolist() == [0, 1, 0]
    assert values["k"].data.tolist() == [0, 1, 2]
    assert values["d"].data.tolist()[:2] == [0, 86400]


def test_a_schema_survives_json_and_keeps_no_codes_that_run() -> None:
    table = pa.table(
        {
            "i": pa.array([1, 2, None] * 10, pa.int16()),
            "f": pa.array([0.5, 0.25, 3.0] * 10, pa.float32()),
            "t": pa.array([0, 10**18, None] * 10, pa.timestamp("ns", tz="Europe/Berlin")),
            "c": pa.array(["a", "b", "a"] * 10).dictionary_encode(),
            "m": pa.array([Decimal("1.25"), Decimal("2.00"), Decimal("3.10")] * 10, pa.decimal128(10, 2)),
            "s": ["$1.50", "$2.25", "?"] * 10,
            "d": ["1/2/2020", "3/4/2021", ""] * 10,
            "id": [f"k{i:04d}" for i in range(30)],
        }
    )
    schema = infer(Records(table, Origin("pyarrow")))
    assert Schema.from_json(json.loads(json.dumps(schema.to_json()))) == schema
    assert [column.type for column in schema] == [
        "number",
        "number",
        "datetime",
        "category",
        "number",
        "number",
        "datetime",
        "identifier",
    ]


def test_restricted_ranges_are_those_of_the_training_part() -> None:
    schema = infer(records_of(x=[str(i % 50) for i in range(100)]))
    values = schema.parse(pa.table({"x": [str(i % 50) for i in range(100)]}))
    column = schema.restricted(values, np.arange(10, 20)).column("x")
    assert (column.low, column.high) == (10.0, 19.0)


def test_the_held_out_part_is_a_fifth_seeded_and_apart() -> None:
    schema = infer(records_of(x=[str(i % 50) for i in range(1000)]))
    values = schema.parse(pa.table({"x": [str(i % 50) for i in range(1000)]}))
    train, held = split(schema, values, seed=0)
    assert (len(train), len(held)) == (800, 200)
    assert np.array_equal(np.sort(np.concatenate([train, held])), np.arange(1000))
    assert np.array_equal(split(schema, values, seed=0)[1], held)
    assert not np.array_equal(split(schema, values, seed=1)[1], held)
    assert len(split(schema, values, TrainConfig(heldout_fraction=0.5))[1]) == 500


def test_above_50000_rows_a_tenth_is_held_out() -> None:
    records = records_of(x=[str(i % 50) for i in range(50_001)])
    assert len(split(infer(records), records)[1]) == 5000


@pytest.mark.parametrize("num_rows", [2, 3, 4])
def test_small_tables_keep_a_row_on_either_side(num_rows: int) -> None:
    records = records_of(x=[str(i * i) for i in range(num_rows)])
    train, held = split(infer(records), records)
    assert len(held) == 1
    assert len(train) == num_rows - 1


def test_every_stratum_of_the_given_columns_gives_its_share() -> None:
    rng = np.random.default_rng(0)
    rare = rng.permutation(["a"] * 900 + ["b"] * 80 + ["c"] * 20).tolist()
    numbers = [str(v) for v in rng.integers(0, 1000, 1000)]
    records = records_of(rare=rare, n=numbers)
    schema = infer(records)
    for given in (("rare",), ("rare", "n")):
        _, held = split(schema, records, TrainConfig(given=given))
        counts = {level: sum(rare[i] == level for i in held) for level in "abc"}
        assert abs(counts["a"] - 180) <= (1 if len(given) == 1 else 10)
        assert abs(counts["b"] - 16) <= (1 if len(given) == 1 else 10)
    assert abs(counts["c"] - 4) <= 4
    _, held = split(schema, records, TrainConfig(given=("rare",)))
    assert sum(rare[i] == "c" for i in held) in (3, 4, 5)


def test_given_columns_that_are_not_there_or_not_learned_are_refused() -> None:
    records = records_of(x=[str(i % 7) for i in range(N)], k=["1"] * N)
    schema = infer(records)
    with pytest.raises(OptionError, match="no column 'y'"):
        split(schema, records, TrainConfig(given=("y",)))
    with pytest.raises(OptionError, match="not learned"):
        split(schema, records, TrainConfig(given=("k",)))
    with pytest.raises(OptionError, match="above 0 and below 1"):
        split(schema, records, TrainConfig(heldout_fraction=1.5))


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("adult_train.csv", {"number": 6, "category": 9}),
        ("titanic_train.csv", {"number": 6, "category": 2, "identifier": 1, "text": 3}),
        ("california_housing.csv", {"number": 9, "category": 1}),
        ("beijing_pm25.csv", {"number": 11, "category": 1, "identifier": 1}),
        ("birdstrikes.csv", {"number": 4, "category": 9, "datetime": 1}),
        ("airlines_allyears2k.zip", {"number": 24, "category": 7}),
        ("iris.csv", {"number": 4, "category": 1}),
    ],
)
def test_real_tables_are_understood_and_written_back_to_the_letter(
    shared_data: Path, name: str, kinds: dict[str, int]
) -> None:
    records = read(shared_data / "tables" / name)
    schema = infer(records)
    found = [column.type for column in schema]
    assert {kind: found.count(kind) for kind in set(found)} == kinds
    made = schema.format(schema.parse(records.table, strict=True), len(records))
    odd = {"TEMP": 2, "PRES": 4}  # cells such as 14.66666667 where 43,000 others are whole
    for column in schema.modelled:
        same = np.asarray(pc.equal(made.column(column.name), records.table.column(column.name)).fill_null(True))
        assert (~same).sum() == odd.get(column.name, 0), column.name


def test_the_missing_cells_of_real_tables_are_counted_right(shared_data: Path) -> None:
    for name, count in [("adult_train.csv", 4262), ("california_housing.csv", 207), ("beijing_pm25.csv", 2067)]:
        records = read(shared_data / "tables" / name)
        values = infer(records).parse(records.table)
        assert sum(int((v.missing > 0).sum()) for v in values.values()) == count


def test_the_largest_doubles_beside_small_decimals_come_back() -> None:
    numbers = [0.0, 0.0, 0.0, 1.797693134862316e307, 0.25] * 8
    schema = infer(Records(pa.table({"x": [repr(v) for v in numbers]}), Origin("csv")), TrainConfig(), notes=[])
    column = schema.column("x")
    back = column.parse(pa.array([repr(v) for v in numbers])).data
    assert back.tolist() == numbers
    assert np.isfinite(column.parse(column.format(Values(back, np.zeros(40, np.int8)))).data).all()
