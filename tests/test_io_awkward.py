"""Awkward delimited text: each file with what it means, and those that look like something else."""

from __future__ import annotations

import io

import pytest

from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.reading import read, read_bytes
from gankit.io.writing import write

PLACES = ["Germany", "France", "Peru", "Chad", "Mali"]


def file(first: str, line: str, last: str = "", count: int = 30) -> str:
    """A header, lines (p: a place, i: a running number, x: another, d: a decimal, t: a time, q: gaps), a footer."""
    lines = [
        line.format(
            p=PLACES[i % 5],
            i=i,
            x=7 * i % 23,
            d=f"{1.37 * i:.2f}",
            t=f"{i % 24:02}:{7 * i % 60:02}",
            q="" if i % 4 == 1 else "Ann",
        )
        for i in range(count)
    ]
    return "\n".join([*([first] if first else []), *lines, *([last] if last else [])]) + "\n"


@pytest.mark.parametrize(
    ("text", "delimiter", "names", "first"),
    [
        (
            file("country,1990,1991,1992", "{p},{x},{d},{i}"),
            ",",
            ["country", "1990", "1991", "1992"],
            "Germany|0|0.00|0",
        ),
        (file("1990;1995;2000", "{d};{d};{x}"), ";", ["1990", "1995", "2000"], "0.00|0.00|0"),
        (
            file("Population\n\np,1990,1991,1992", "{p},{x},{d},{i}"),
            ",",
            ["p", "1990", "1991", "1992"],
            "Germany|0|0.00|0",
        ),
        (file("0,1,2,3", "{d},{x},-{d},{i}"), ",", ["0", "1", "2", "3"], "0.00|0|-0.00|0"),
        (file(",0,1,2", "{i},{d},{d},{d}"), ",", ["c0", "0", "1", "2"], "0|0.00|0.00|0.00"),
        (file("name^age^city", "{p}^{x}^{p}"), "^", ["name", "age", "city"], "Germany|0|Germany"),
        (file("name~age~city", "{p}~{x}~{p}, {d}"), "~", ["name", "age", "city"], "Germany|0|Germany, 0.00"),
        (file("user:uid:home", "u{i}:10{i}:/srv/u{i}"), ":", ["user", "uid", "home"], "u0|100|/srv/u0"),
        (file("id:size:clock", "{i}:{x}:0{i}"), ":", ["id", "size", "clock"], "0|0|00"),
        (file("id\x01size", "{p}\x01{x}"), "\x01", ["id", "size"], "Germany|0"),
        (file("name        age   score", "{p:<10}{x:>5}{d:>8}"), "\t", ["name", "age", "score"], "Germany|0|0.00"),
        (
            file("name        age   score", "New {p:<10}{x:>5}{d:>8}"),
            "\t",
            ["name", "age", "score"],
            "New Germany|0|0.00",
        ),
        (file("id    name      value", "{i:<6}{q:<10}{x}"), "\t", ["id", "name", "value"], "0|Ann|0"),
        (file("", "{i:>6}{d:>10}  -{d}"), "\t", ["c0", "c1", "c2"], "0|0.00|-0.00"),
        (file("x y z", "{i} {x} {d}"), " ", ["x", "y", "z"], "0|0|0.00"),
    ],
)
def test_what_divides_and_names_columns(text: str, delimiter: str, names: list[str], first: str) -> None:
    records = read_bytes(text.encode(), "f.csv", TrainConfig(), [])
    assert (records.origin.delimiter, records.table.column_names) == (delimiter, names)
    assert records.table.num_rows == 30
    assert "|".join(str(cell) for cell in records.table.slice(0, 1).to_pylist()[0].values()) == first
    stream = io.StringIO()
    write([records.table], stream, records.origin, lambda table: table)
    again = read_bytes(stream.getvalue().encode(), "f.csv", TrainConfig(), [])
    assert again.table.to_pydict() == records.table.to_pydict()


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        (file("time", "{t}"), ["time"], 30),
        (file("time,v", "{t}:00,{i}"), ["time", "v"], 30),
        (file("stamp", "2024-01-03 {t}:00"), ["stamp"], 30),
        (file("url", "https://example.org/{i}"), ["url"], 30),
        (file("url,n", "https://example.org:80/{p},{i}"), ["url", "n"], 30),
        (file("ratio", "{i}:{x}"), ["ratio"], 30),
        (file("v", "~{i}"), ["v"], 30),
        (file("a,b", "-{d},-{i}"), ["a", "b"], 30),
        (file("comment", "the {i} is  here now"), ["comment"], 30),
        (file("id,comment", "{i},some  words  of {x} text"), ["id", "comment"], 30),
        (file("name", "{p} Smith"), ["name"], 30),
        (file("", "{p},{d},19{i:02}"), ["c0", "c1", "c2"], 30),
        (file("1,2,3,4", "{i},{x},{i},{x}"), ["c0", "c1", "c2", "c3"], 31),
        (file("1990,1991,1992", "199{x},199{i},1993", count=9), ["c0", "c1", "c2"], 10),
    ],
)
def test_what_must_not_be_misread(text: str, names: list[str], rows: int) -> None:
    table = read_bytes(text.encode(), "f.csv", TrainConfig(), []).table
    assert (table.column_names, table.num_rows) == (names, rows)


@pytest.mark.parametrize(
    "last",
    [
        "Total,,1234",
        "Summe,190,435",
        ",Total,435",
        "Average: ,6.3,14.5",
        ",,\nTotal,1,2",
        "Total,1,2\nSource: xy,,",
        "Total,9,9\nMean,1,1",
    ],
)
def test_a_foot_with_as_many_fields_as_the_table_is_left_out(last: str) -> None:
    notes: list[str] = []
    table = read_bytes(file("region,a,b", "{p},{x},{i}", last).encode(), "f.csv", TrainConfig(), notes).table
    assert table.num_rows == 30
    assert any("the last row (" in note and "rename it to keep it" in note for note in notes)


def test_the_last_row_of_a_table_stays_where_it_is_one() -> None:
    for last in ("Germany,,", "New Chad,,4", "Totally,1,2"):
        assert (
            read_bytes(file("region,a,b", "{p},{x},{i}", last).encode(), "f.csv", TrainConfig(), []).table.num_rows
            == 31
        )
    sums = file("kind,a,b", "total,{x},{i}", "total,1,2")
    assert read_bytes(sums.encode(), "f.csv", TrainConfig(), []).table.num_rows == 31


@pytest.mark.parametrize("head", ["a,b,c", "a,b,c,"])
@pytest.mark.parametrize("ends", [",.", ".,", ",,.", "..,"])
def test_a_delimiter_at_the_end_of_some_lines_is_left_out_with_a_line(head: str, ends: str) -> None:
    lines = [f"{k},{k / 2},{'xyz'[k % 3]}" for k in range(40)]
    text = "\n".join([head, *(line + ends[k % len(ends)].strip(".") for k, line in enumerate(lines))])
    records = read(io.BytesIO(text.encode()), notes=(notes := []))
    assert records.table.column_names == ["a", "b", "c"]
    assert [",".join(row.values()) for row in records.table.to_pylist()] == lines
    assert len(notes) == 1 and "the delimiter at the end of lines " in notes[0]
    with pytest.raises(DataError, match=r"expected [34] fields, found [34]"):
        read(io.BytesIO((text + "\n1,2,3,4\n" + text[6:]).encode()))
