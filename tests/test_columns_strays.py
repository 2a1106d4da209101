"""A few cells that cannot be read among many that can: missing ones, said; and advice that copies and loses nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gankit.columns.inference import infer
from gankit.columns.schema import Column
from gankit.columns.splitting import instead_of
from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.records import Origin, Records

AMOUNTS = [f"{17 * i % 4001 / 100:.2f}" for i in range(999)]
WHOLE = [str(17 * i % 401) for i in range(999)]
DAYS = np.arange("2020-01-01", "2022-09-26", dtype="datetime64[D]").astype(str).tolist()  # 999
GERMAN = [f"{day[8:]}.{day[5:7]}.{day[:4]}" for day in DAYS]
DIGITS = [day.replace("-", "") for day in DAYS]


def column_of(cells: list[Any], notes: list[str], *, name: str = "x", **options: Any) -> Column:
    """What the column is, beside another that can be learned."""
    table = pa.table({name: cells, "filler": [str(i % 3) for i in range(len(cells))]})
    column = infer(Records(table, Origin("csv")), TrainConfig(**options), notes=notes).column(name)
    notes[:] = [note for note in notes if name in note]
    return Column.from_json(column.to_json())


@pytest.mark.parametrize("place", [0, 500])
@pytest.mark.parametrize(
    ("cells", "strays", "type"),
    [
        (AMOUNTS, ["n/a?"], "number"),
        (AMOUNTS, ["see note", "#REF!!", "<0.1", "12 kg"], "number"),
        (WHOLE, ["see note", "12 kg", "<5", "many"], "number"),
        (WHOLE, ["03870"], "number"),  # numbers of many lengths are amounts, whatever one of them looks like
        (WHOLE, ["C536", "12-34", "1_000"], "number"),
        ([f"${cell}" for cell in AMOUNTS], ["see note"], "number"),
        ([cell.replace(".", ",") for cell in AMOUNTS], ["k. A.", "siehe Blatt 2"], "number"),
        (DAYS, ["tba", "03/25/2024", "2023-02-30"], "datetime"),
        (GERMAN, ["31.02.2024", "unklar"], "datetime"),
        (DIGITS, ["tba"], "datetime"),
    ],
)
def test_a_few_unreadable_cells_are_missing(cells: list[str], strays: list[str], type: str, place: int) -> None:
    notes: list[str] = []
    mixed = [*cells[:place], *strays, *cells[place:]]
    column = column_of(mixed, notes)
    assert column.type == type
    values = column.parse(pa.array(mixed))
    lost = np.flatnonzero(values.missing).tolist()
    assert lost == list(range(place, place + len(strays)))
    assert column.format(values).to_pylist() == [*cells[:place], *[None] * len(strays), *cells[place:]]
    (said,) = [note for note in notes if "taken as missing" in note]
    assert f"in {len(strays):,} of {len(mixed):,} rows ({strays[0]!r}" in said
    assert "--column x=drop" in said
    assert not any("=category" in note or "--missing" in note for note in notes)


def test_strays_that_repeat_are_written_as_they_are() -> None:
    cells = [*AMOUNTS, *["<0.1"] * 7, "?!"]
    column = column_of(cells, [])
    assert column.markers == ("<0.1",)
    assert column.format(column.parse(pa.array(cells))).to_pylist()[-8:] == ["<0.1"] * 8


def test_more_strays_or_few_numbers_are_no_column_of_numbers() -> None:
    notes: list[str] = []
    assert column_of([*AMOUNTS, *["pending"] * 40], notes).type == "text"
    assert any("if 'pending' means no value, say so with --missing pending" in note for note in notes)
    sizes = [str(36 + i % 9) for i in range(990)]
    assert column_of([*sizes, *["XL"] * 9], []).levels[-1] == "XL"
    assert column_of([*DAYS, *["tba"] * 40], []).type == "text"


def test_identifiers_and_infinities_stay_what_they_are() -> None:
    numbers = [str(1000 + 7 * i) for i in range(999)]
    assert column_of([*numbers, "TEST"], [], name="order_id").type != "number"
    assert column_of([*map(str, range(1000, 1999)), "TEST"], []).type != "number"
    with pytest.raises(DataError, match="infinite"):
        column_of([*AMOUNTS, "inf"], [])


def test_a_file_that_comes_later_may_have_a_few_other_strays_but_not_many() -> None:
    column = column_of([*AMOUNTS, "n/a?"], [])
    assert column.parse(pa.array([*AMOUNTS, "see note"])).missing.tolist() == [0] * 999 + [1]
    with pytest.raises(DataError, match="expected a number, found 'word 0'"):
        column.parse(pa.array([f"word {i}" for i in range(99)]))
    plain = column_of(AMOUNTS, [])
    with pytest.raises(DataError, match=r"found 'see note'\. Correct it or, .* --missing 'see note'\."):
        plain.parse(pa.array(["see note"]))


@pytest.mark.parametrize("zero", ["0", "0000-00-00", "0000-00-00 00:00:00"])
@pytest.mark.parametrize("cells", [DAYS, DIGITS])
def test_dates_of_zeros_are_missing_however_many(cells: list[str], zero: str) -> None:
    mixed, notes = [cell for day in cells for cell in (day, zero)], list[str]()
    column = column_of(mixed, notes)
    assert (column.type, column.markers) == ("datetime", (zero,))
    assert column.format(column.parse(pa.array(mixed))).to_pylist() == mixed
    assert any(f"{zero!r} means missing (999 of 1,998 rows)" in note for note in notes)


def test_dates_as_whole_numbers_with_zeros_for_missing() -> None:
    mixed = [cell for day in DIGITS for cell in (int(day), 0)]
    column = column_of(mixed, [])
    assert (column.type, column.markers) == ("datetime", ("0",))
    assert column.format(column.parse(pa.array(mixed))).to_pylist() == mixed


def test_midnight_is_no_missing_time() -> None:
    assert column_of([f"{i % 24:02}:{i % 60:02}" for i in range(999)], []).markers == ()


@pytest.mark.parametrize(
    ("cells", "advice"),
    [
        ([f"${17 * i}.{i % 90 + 10}" for i in range(999)], "drop"),
        ([f"AB-{7 * i % 9000 + 1000}" for i in range(999)], "drop"),
        ([f"{i}.25 Stk" for i in range(999)], "number"),
        ([f"+49 {i * i} {i}" for i in range(999)], "--kind text --text-column"),
        (["$1.50", "$2.50"] * 99, "category"),
    ],
)
def test_advice_copies_no_column_of_different_cells(cells: list[str], advice: str) -> None:
    notes: list[str] = []
    column_of(cells, notes)
    assert any(advice in note for note in notes)
    assert advice == "category" or not any("=category" in note for note in notes)


@pytest.mark.parametrize("amount", ["EUR 1,275.22", "4,12,800", " $(1.50)"])
def test_an_amount_is_never_advised_to_be_missing(amount: str) -> None:
    with pytest.raises(DataError, match="Correct it, or leave the column out with --column 'x'=drop") as caught:
        column_of([*AMOUNTS[:50], *[f"{amount[:-1]}{i}" for i in range(50)]], [], column=("x=number",))
    assert "--missing" not in str(caught.value)


@pytest.mark.parametrize("code", ["03870", "007"])
def test_a_code_is_never_advised_to_be_missing(code: str) -> None:
    for options in ({}, {"column": ("zip=number",)}):
        notes: list[str] = []
        try:
            column_of([*WHOLE, code], notes, name="zip", **options)
        except DataError as error:
            notes.append(str(error))
        assert notes
        assert not any("--missing" in note for note in notes)


def test_a_condition_on_identifiers_is_not_advised_to_be_categories() -> None:
    assert "=category" not in instead_of(Column("x", "identifier", pa.string()))
    assert "--column x=category" in instead_of(Column("x", "constant", pa.string()))
