"""Round trips by properties: what is read, parsed, formatted, written and read again is what it was."""

from __future__ import annotations

import io
import string
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from gankit.columns.column import Values
from gankit.columns.dates import DateStyle, format_dates, parse_dates
from gankit.columns.identifiers import Part, Pattern, generate
from gankit.columns.inference import infer
from gankit.columns.numbers import NumberStyle, decimals_of, find_style, format_numbers, grain_of, parse_numbers
from gankit.columns.rows import to_object, write
from gankit.columns.schema import Column, Schema
from gankit.errors import DataError
from gankit.io.reading import read
from gankit.io.records import Origin, Records

FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CELL = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
PLAIN_CELL = st.text(string.ascii_letters + " ,;|\t\"'\n\r-.#?0123456789éß€日", max_size=6)


def column_of(cells: list[str | None]) -> Column | None:
    table = pa.table({"x": pa.array(cells, pa.string()), "other": [str(i % 2) for i in range(len(cells))]})
    return infer(Records(table, Origin("csv"))).column("x")


@FAST
@given(
    st.lists(st.integers(-(10**13), 10**13), min_size=2, max_size=40),
    st.integers(0, 4),
    st.sampled_from(["fixed", "short", "point"]),
)
def test_decimals_are_written_back_to_the_letter(numbers: list[int], places: int, layout: str) -> None:
    texts = []
    for number in numbers:
        exact = Decimal(number).scaleb(-places)
        short = f"{exact.normalize():f}"
        text = (
            f"{exact:.{places}f}" if layout == "fixed" else short if layout == "short" or "." in short else short + ".0"
        )
        texts.append(text)
    assume(len(set(texts)) > 1)
    different = pa.array(dict.fromkeys(texts))
    style = find_style(different, np.ones(len(different), np.int64))
    assert style is not None
    values = parse_numbers(pa.array(texts), style)
    assert values.tolist() == [float(text) for text in texts]
    assert format_numbers(values, style, grain_of(values, style.decimals)).to_pylist() == texts


@FAST
@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=20, unique=True),
    st.sampled_from([("$", ""), ("", "%"), ("", " €"), ("", "")]),
    st.sampled_from([(",", "."), (".", ","), (" ", ","), ("'", ".")]),
    st.integers(1, 3),
)
def test_dressed_numbers_mean_what_they_say(
    numbers: list[int], around: tuple[str, str], marks: tuple[str, str], places: int
) -> None:
    texts = []
    for number in numbers:
        plain = f"{abs(Decimal(number).scaleb(-places)):,.{places}f}"
        dressed = plain.replace(",", "_").replace(".", marks[1]).replace("_", marks[0])
        texts.append(("-" if number < 0 else "") + around[0] + dressed + around[1])
    # Groups of three after one mark could be decimals or thousands: only what cannot be misread is claimed.
    assume(places != 3)
    style = find_style(pa.array(texts), np.ones(len(texts), np.int64))
    assert style is not None
    values = parse_numbers(pa.array(texts), style)
    np.testing.assert_allclose(values, [number / 10**places for number in numbers], rtol=1e-15)
    assert format_numbers(values, style, grain_of(values, style.decimals)).to_pylist() == texts


@pytest.mark.parametrize("around", [("", ""), (" ", ""), ("$", ""), ("", " €")])
def test_exponents_are_numbers_whatever_stands_around_them(around: tuple[str, str]) -> None:
    texts = pa.array([around[0] + text + around[1] for text in ("6.5999999999999996e+00", "1.1102230246251600e-16")])
    texts = pa.concat_arrays([texts, pa.array([f"{around[0].strip()}-9.0000000000000002e-01{around[1]}"])])
    style = find_style(texts, np.ones(3, np.int64))
    assert style is not None
    assert parse_numbers(texts, style).tolist() == [6.6, 1.11022302462516e-16, -0.9]


@FAST
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=30))
def test_any_double_survives_its_text(numbers: list[float]) -> None:
    texts = pa.array([repr(number) for number in numbers])
    style = find_style(texts, np.ones(len(texts), np.int64))
    assert style is not None
    values = parse_numbers(texts, style)
    assert values.tolist() == numbers
    again = parse_numbers(format_numbers(values, style, grain_of(values, style.decimals)), style)
    assert again.tolist() == [number + 0.0 for number in numbers]


@FAST
@given(st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=30), st.integers(0, 6))
def test_the_grain_of_decimals_divides_them_all(numbers: list[int], places: int) -> None:
    values = np.array([float(Decimal(number).scaleb(-places)) for number in numbers])
    decimals = decimals_of(np.unique(values))
    assert decimals is not None
    assert decimals <= places
    grain = grain_of(values, decimals)
    steps = values / grain
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-6)


FORMATS = [
    "%Y-%m-%d", "%Y-%m-%dT%H:%M:%S%z", "%d/%m/%Y %H:%M", "%-m/%-d/%Y %-I:%M:%S %p", "%d.%m.%Y", "%b %-d, %Y",
    "%d %B %Y", "%Y-%m-%d %H:%M:%S.%3f", "%Y-%m-%d %H:%M:%S.%6f", "%Y/%m/%d %H:%M:%S%z",
]  # fmt: skip


@FAST
@given(
    st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)), min_size=1, max_size=20),
    st.sampled_from(FORMATS),
)
def test_times_are_read_as_python_reads_them(moments: list[datetime], form: str) -> None:
    python = form.replace("%-", "%").replace("%3f", "%f").replace("%6f", "%f")
    zone = "+0530" if "%z" in form else ""
    style = DateStyle(form, zone=zone)
    seconds = [moment.replace(tzinfo=UTC).timestamp() for moment in moments]
    texts = format_dates(np.array(seconds), style)
    parsed = parse_dates(texts, form)
    expected = []
    for text in texts.to_pylist():
        moment = datetime.strptime(text, python)
        expected.append((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    np.testing.assert_allclose(parsed, expected, rtol=0, atol=1e-6)
    assert format_dates(parsed, style).to_pylist() == texts.to_pylist()


@FAST
@given(st.lists(st.one_of(CELL, st.sampled_from(["", "NA", "?", "None", "1", "2.5", "yes"])), min_size=2, max_size=40))
def test_any_texts_come_back_as_they_were(cells: list[str]) -> None:
    try:
        column = column_of(list(cells))
    except DataError as error:
        assert "infinite" in str(error)
        return
    assert column is not None
    if column.type == "category":
        assert column.format(column.parse(pa.array(cells, pa.string()), strict=True)).to_pylist() == cells
    elif column.modelled:
        values = column.parse(pa.array(cells, pa.string()))
        again = column.parse(column.format(values))
        np.testing.assert_allclose(again.data, values.data, rtol=1e-15)
        assert again.missing.tolist() == values.missing.tolist()


@FAST
@example([("", "", "0"), ("", "", ""), ("", "", ""), ("0 0", "", "")], ",", "needed", "utf-8")
@given(
    st.integers(1, 4).flatmap(lambda width: st.lists(st.tuples(*[PLAIN_CELL] * width), min_size=1, max_size=15)),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["needed", "all"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
)
def test_any_table_of_texts_survives_csv(
    rows: list[tuple[str, ...]], delimiter: str, quoting: str, encoding: str
) -> None:
    rows = [tuple(cell.replace("日", "n") if encoding == "cp1252" else cell for cell in row) for row in rows]
    assume(len(rows) < 9 or len(rows[0]) < 3 or any(rows[-1][1:]))  # what else reads as a remark below the table
    table = pa.table({f"name {i}": [row[i] for row in rows] for i in range(len(rows[0]))})
    stream = io.BytesIO()
    origin = Origin("csv", delimiter=delimiter, quoting=quoting, encoding=encoding)
    write([table], stream, origin)
    stream.seek(0)
    from gankit.config import TrainConfig

    config = TrainConfig(delimiter=delimiter, header="yes", encoding=encoding, format="csv")
    assert read(stream, config).table.equals(table)


@FAST
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "a": st.integers(-(2**53), 2**53),
                "b": CELL,
                "c": st.none() | st.floats(allow_nan=False, allow_infinity=False),
                "d": st.booleans(),
            }
        ),
        min_size=1,
        max_size=10,
    )
)
def test_any_records_survive_json_lines(rows: list[dict[str, object]]) -> None:
    assume(any(row["c"] is not None for row in rows))
    records = read(rows)
    stream = io.BytesIO()
    write([records.table], stream, records.origin, format="jsonl")
    stream.seek(0)
    from gankit.config import TrainConfig

    assert read(stream, TrainConfig(format="jsonl")).table.to_pylist() == rows
    assert to_object(records.table, records.origin) == rows


@FAST
@given(
    st.lists(
        st.sampled_from(["0123456789", "ab", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789abcdef"]), min_size=3, max_size=30
    ),
    st.integers(0, 2**40),
    st.integers(0, 5000),
    st.integers(0, 200),
)
def test_identifiers_depend_on_seed_and_row_alone_and_never_repeat(
    places: list[str], seed: int, first: int, count: int
) -> None:
    pattern = Pattern((Part("text", "K-"), Part("chars", chars=tuple(places))))
    capacity = int(np.prod([float(len(place)) for place in places]))
    assume(capacity > first + count)
    whole = generate(pattern, seed, 0, first + count).to_pylist()
    assert generate(pattern, seed, first, count).to_pylist() == whole[first:]
    assert len(set(whole)) == len(whole)
    assert Pattern.from_json(pattern.to_json()) == pattern


@FAST
@given(
    st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20),
    st.sampled_from(["int32", "int64", "float32", "float64"]),
)
def test_typed_numbers_come_back_as_they_were(cells: list[int | None], kind: str) -> None:
    array = pa.array(
        [None if cell is None else cell / 4 if "float" in kind else cell for cell in cells],
        pa.float64() if "float" in kind else pa.int64(),
    ).cast(kind, safe=False)
    table = pa.table({"x": array, "y": [i % 2 for i in range(len(cells))]})
    try:
        schema = infer(Records(table, Origin("parquet")))
    except DataError:
        assert len(cells) == 1
        return
    if schema.column("x").modelled:
        values = schema.parse(table)
        assert schema.format(values, len(cells)).column("x").combine_chunks().equals(array)


@FAST
@given(
    st.lists(st.integers(-(2**61), 2**61), min_size=2, max_size=20),
    st.sampled_from(["s", "ms", "us", "ns"]),
    st.sampled_from([None, "Europe/Berlin"]),
)
def test_typed_times_come_back_to_the_second(ticks: list[int], unit: str, zone: str | None) -> None:
    per = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[unit]
    whole = [int(tick / (2**61) * 4e9) * per for tick in ticks]
    table = pa.table({"t": pa.array(whole, pa.timestamp(unit, tz=zone)), "y": [i % 2 for i in range(len(ticks))]})
    schema = infer(Records(table, Origin("parquet")))
    assume(schema.column("t").type == "datetime")
    assert schema.format(schema.parse(table), len(ticks)).column("t").equals(table.column("t"))


def test_formatting_in_parts_is_formatting_the_whole() -> None:
    rng = np.random.default_rng(0)
    table = pa.table(
        {
            "id": [f"u{i:05d}" for i in range(500)],
            "n": [f"{v:.2f}" for v in rng.normal(size=500)],
            "c": rng.choice(["a", "b", "?"], 500).tolist(),
            "k": ["7"] * 500,
        }
    )
    schema: Schema = infer(Records(table, Origin("csv")))
    values = schema.parse(table)
    whole = schema.format(values, 500, seed=5)
    parts = []
    for begin, end in [(0, 1), (1, 200), (200, 200), (200, 500)]:
        part = {name: Values(v.data[begin:end], v.missing[begin:end]) for name, v in values.items()}
        parts.append(schema.format(part, end - begin, first_row=begin, seed=5))
    assert pa.concat_tables(parts).equals(whole)


@pytest.mark.parametrize("style", [NumberStyle("integer", 0), NumberStyle("fixed", 2), NumberStyle("shortest", None)])
def test_no_numbers_are_no_texts(style: NumberStyle) -> None:
    assert format_numbers(np.zeros(0), style, 0.01).to_pylist() == []
    assert parse_numbers(pa.array([], pa.string()), style).tolist() == []
