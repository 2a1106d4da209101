"""What is written: every format read back as it was, whole or not at all, and DataFrames that come out as they came."""

from __future__ import annotations

import csv
import errno
import gzip
import io
import json
import os
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gankit.columns.inference import infer
from gankit.columns.rows import to_object, typed, write
from gankit.config import TrainConfig
from gankit.errors import DataError, OutputError
from gankit.io.reading import read
from gankit.io.records import Origin, Records

CITIES = ["Oslo", '"São, Paulo"', '"say ""hi"""']
INCOMES = ["?", "12.50", "7.25", "3.00"]
TEXT = "age,city,income,when,member,none\n" + "".join(
    f"{20 + i},{CITIES[i % 3]},{INCOMES[i % 4]},2020-01-{i + 1:02d} 10:00:00,"
    f"{['yes', 'no'][i % 2]},{['', 'a'][i % 5 > 0]}\n"
    for i in [*range(14), *range(14)]
)
SUFFIXES = [
    ".csv",
    ".tsv",
    ".csv.gz",
    ".zip",
    ".csv.zip",
    ".jsonl",
    ".jsonl.gz",
    ".json",
    ".xml",
    ".parquet",
    ".arrow",
    ".feather",
]


@pytest.fixture
def records(tmp_path: Path) -> Records:
    path = tmp_path / "source.csv"
    path.write_text(TEXT, encoding="utf-8")
    return read(path)


def made(records: Records) -> pa.Table:
    """The same records, through plain arrays and back."""
    schema = infer(records)
    return schema.format(schema.parse(records.table), len(records))


def halves(table: pa.Table) -> Iterator[pa.Table]:
    yield table.slice(0, 10)
    yield table.slice(10, 0)
    yield table.slice(10)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_holds_the_same_records(records: Records, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"fakes{suffix}"
    assert write(halves(made(records)), path, records.origin) == 28
    back = read(path)
    assert back.table.column_names == records.table.column_names
    schema = infer(records)
    first, second = schema.parse(records.table, strict=True), schema.parse(back.table, strict=True)
    for name in first:
        assert np.array_equal(first[name].data, second[name].data, equal_nan=True), name
        assert np.array_equal(first[name].missing > 0, second[name].missing > 0), name


def test_csv_is_written_byte_for_byte_as_it_came(records: Records, tmp_path: Path) -> None:
    write([made(records)], tmp_path / "out.csv", records.origin)
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == TEXT


@pytest.mark.parametrize(
    "text",
    [
        b'a;b\r\n1;x\r\n2;y\r\n1;"x;y"\r\n',
        b'"a","b"\n"1","x"\n"2","y"\n"3","x"\n',
        b'"a","b"\n1,"x"\n2,"y"\n3,"x"\n',
        b'n,price,city\n1,"12.50",Paris\n2,"13.00",Rome\n3,"9.25",Paris\n',
        b'n;price\n1;"12,50"\n2;\n3;"9,25"\n1;"1,75"\n',
        b'"n","code","city"\n1,"1","Rome"\n2,"2",""\n3,"1","Rome"\n',
        b'n,city\n1,NA\n2,"Rome"\n3,"Paris"\n3,"Paris"\n',
        b'"a","b"\n"1","x"\n"2",\n"3","x"\n',
        b'x,price,y\n,"12.50",1\n,"13.00",2\na,"9.25",1\na,"9.25",2\n',
        b'n,amount\n1,"1,234.50"\n2,17.25\n3,"2,000.00"\n',
        b"1\t2\n3\t4\n5\t4\n",
        "a,b\n1,é\n2,ü\n2,é\n".encode("latin-1"),
        "a,b\n1,é\n2,ü\n2,é\n".encode("utf-8-sig"),
        "a,b\n1,é\n2,ü\n2,é\n".encode("utf-16"),
        b'a,b\n"say \\"hi\\" x",1\nplain,2\nplain,2\n',
        b", age\nx,41\ny,7\nx,3\n",
        b'x\n1\n""\n3\n',
    ],
)
def test_the_dialect_of_a_csv_file_is_kept(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "in.csv").write_bytes(text)
    records = read(tmp_path / "in.csv")
    table = made(records)
    write(iter([table.slice(0, 1), table.slice(1)]), tmp_path / "out.csv", records.origin)
    assert (tmp_path / "out.csv").read_bytes() == text


def test_csv_agrees_with_another_reader(records: Records, tmp_path: Path) -> None:
    write([made(records)], tmp_path / "out.tsv", records.origin)
    with (tmp_path / "out.tsv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t"))
    assert rows[0] == records.table.column_names
    assert rows[1:] == [list(row.values()) for row in records.table.to_pylist()]


def test_texts_of_numbers_become_numbers_where_the_format_has_them(records: Records, tmp_path: Path) -> None:
    write([made(records)], tmp_path / "out.parquet", records.origin)
    table = pq.read_table(tmp_path / "out.parquet")
    assert {field.name: str(field.type) for field in table.schema} == {
        "age": "int64",
        "city": "string",
        "income": "double",
        "when": "timestamp[us]",
        "member": "bool",
        "none": "string",
    }
    assert table.column("income").to_pylist()[:4] == [None, 12.5, 7.25, 3.0]
    assert table.column("when")[0].as_py() == datetime(2020, 1, 1, 10)
    write([made(records)], tmp_path / "out.jsonl", records.origin)
    first = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()[1])
    assert (first["age"], first["city"], first["income"], first["member"]) == (21, "São, Paulo", 12.5, False)


def test_classes_that_are_numbers_keep_every_one_of_them(tmp_path: Path) -> None:
    (tmp_path / "data.csv").write_text("n,x\n" + "".join(f"{i % 4},{i / 7:.2f}\n" for i in range(40)))
    records = read(tmp_path / "data.csv")
    schema = infer(records, TrainConfig(column=("n=category",)))
    written = schema.format(schema.parse(records.table), len(records))
    write([written], tmp_path / "data.jsonl", records.origin)
    rows = [json.loads(line) for line in (tmp_path / "data.jsonl").read_text().splitlines()]
    assert [row["n"] for row in rows] == [str(i % 4) for i in range(40)], "what the user calls a category stays text"


def test_json_is_what_another_reader_reads(records: Records, tmp_path: Path) -> None:
    for name in ("out.json", "out.jsonl"):
        write(halves(made(records)), tmp_path / name, records.origin)
    whole = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    lines = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert whole == lines
    assert len(whole) == 28


def test_xml_is_written_with_the_tags_that_came(tmp_path: Path) -> None:
    text = (
        '<lib xmlns="urn:l"><book id="1"><title>A &amp; B</title><at><year>2001</year></at></book>'
        '<book id="2"><title/></book><book id="3"><title>A &amp; B</title><at><year>1999</year></at></book></lib>'
    )
    (tmp_path / "in.xml").write_text(text, encoding="utf-8")
    records = read(tmp_path / "in.xml")
    assert records.table.column_names == ["id", "title", "at/year"]
    write([records.table], tmp_path / "out.xml", records.origin)
    back = read(tmp_path / "out.xml")
    assert back.table.equals(records.table)
    assert back.origin.details == records.origin.details


@pytest.mark.parametrize(
    "array",
    [
        np.arange(12, dtype=np.float32).reshape(6, 2) / 4,
        np.array([3, 1, 2, 3], dtype=np.int16),
        np.arange(24, dtype=np.uint8).reshape(4, 2, 3),
        np.array([True, False, True]),
        np.array([(1, 2.5), (3, 4.5)], dtype=[("a", "<i4"), ("b", "<f8")]),
        np.array([1.5, np.nan, 2.5]),
        np.arange(4, dtype=">f8"),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_arrays_come_out_in_the_dtype_and_shape_that_came(tmp_path: Path, array: Any, suffix: str) -> None:
    records = read(array)
    back = to_object(records.table, records.origin)
    assert (back.dtype, back.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(back, array)
    path = tmp_path / f"x{suffix}"
    write(iter([records.table.slice(0, 1), records.table.slice(1)]), path, records.origin)
    if suffix == ".npy":
        loaded = np.load(path)
    else:
        with np.load(path) as archive:
            loaded = archive["x"]
    assert (loaded.dtype, loaded.shape) == (array.dtype, array.shape)
    np.testing.assert_array_equal(loaded, array)
    np.testing.assert_array_equal(to_object(read(path).table, records.origin), array)


def test_several_arrays_of_an_archive_keep_their_names(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", x=np.eye(3, dtype=np.float32), y=np.array([0, 1, 1]))
    records = read(tmp_path / "in.npz")
    write([records.table], tmp_path / "out.npz", records.origin)
    with np.load(tmp_path / "out.npz") as back:
        assert sorted(back.files) == ["x", "y"]
        assert (back["x"].dtype, back["y"].tolist()) == (np.float32, [0, 1, 1])
    with pytest.raises(OutputError, match=r"Write \.npz"):
        write([records.table], tmp_path / "out.npy", records.origin)


def test_a_table_of_numbers_can_be_an_array_and_one_with_texts_cannot(records: Records, tmp_path: Path) -> None:
    table = typed(made(records))
    write([table.select(["age", "income"])], tmp_path / "x.npy", records.origin)
    assert np.load(tmp_path / "x.npy").shape == (28, 2)
    with pytest.raises(OutputError, match="'city' is string"):
        write([table], tmp_path / "y.npy", records.origin)
    assert not (tmp_path / "y.npy").exists()


def test_a_list_comes_out_as_a_list() -> None:
    for items in (
        [1, 2, 3],
        [1.5, None],
        ["a", "b"],
        [{"a": 1, "b": "x"}, {"a": 2, "b": None}],
        [[1, "a"], [2, "b"]],
        [(1, 2), (3, 4)],
    ):
        records = read(items)
        assert to_object(records.table, records.origin) == items
    records = read({"a": [1, 2], "b": ["x", "y"]})
    assert to_object(records.table, records.origin) == {"a": [1, 2], "b": ["x", "y"]}


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ([], "empty"),
        ([1, "a"], "mixes"),
        ([[1, 2], [3]], "item 2"),
        ([{"a": 1}, 2], "item 2"),
        ({"a": [1], "b": [1, 2]}, "one length"),
        (np.array(3.0), "must have rows"),
        (np.array([1j, 2j]), "complex"),
        (np.zeros((0, 3)), "arrays without rows"),
        (pa.table({}), "no columns"),
        (object(), "cannot be read"),
        (5, "cannot be read"),
    ],
)
def test_objects_that_are_no_records_are_refused(source: Any, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read(source)


def test_a_pandas_frame_comes_out_with_the_same_dtypes() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "int": np.array([1, 2, 3, 4], dtype=np.int16),
            "nullable": pd.array([1, None, 3, 2**60], dtype="Int64"),
            "float": np.array([0.5, np.nan, 1.25, 3.0], dtype=np.float32),
            "bool": [True, False, True, True],
            "maybe": pd.array([True, None, False, True], dtype="boolean"),
            "text": ["a", "b", None, "a"],
            "object": pd.Series(["p", "q", None, "p"], dtype=object),
            "level": pd.Categorical(["lo", "hi", "lo", None], categories=["lo", "mid", "hi"], ordered=True),
            "number level": pd.Categorical([3, 1, 3, 1]),
            "zoned": pd.to_datetime(["2020-01-01", "2020-06-01", None, "2021-01-01"]).tz_localize("Europe/Berlin"),
            "plain": pd.to_datetime(
                ["2020-01-01 10:00", "2020-06-01 11:00", "2020-06-01 12:30", "2021-01-01 10:00"]
            ).astype("datetime64[s]"),
            "date": pd.Series([date(2020, 1, 1), date(2021, 1, 1), None, date(2020, 1, 1)], dtype=object),
            "decimal": pd.Series([Decimal("1.10"), Decimal("2.25"), Decimal("2.25"), Decimal("7.00")], dtype=object),
            "span": pd.to_timedelta([1, 2, 3, 2], unit="s"),
            "arrow": pd.array([1, 2, None, 2], dtype="int64[pyarrow]"),
            5: [1, 2, 2, 1],
        }
    )
    records = read(frame)
    pd.testing.assert_frame_equal(to_object(records.table, records.origin), frame)
    schema = infer(records)
    made = schema.format(schema.parse(records.table), 4)
    origin = Origin.from_json(json.loads(json.dumps(records.origin.to_json())))
    pd.testing.assert_frame_equal(to_object(made, origin), frame)
    series = frame["float"]
    records = read(series)
    pd.testing.assert_series_equal(to_object(records.table, records.origin), series)


def test_a_pandas_index_is_left_out_and_said() -> None:
    pd = pytest.importorskip("pandas")
    notes: list[str] = []
    frame = pd.DataFrame({"a": [1, 2]}, index=["x", "y"])
    assert list(read(frame, notes=notes).table.column_names) == ["a"]
    assert "reset_index" in notes[0]
    with pytest.raises(DataError, match="'a' holds values that do not go together"):
        read(pd.DataFrame({"a": [1, "x", {}]}))
    with pytest.raises(DataError, match="2 columns named 'a'"):
        read(pd.DataFrame([[1, 2]], columns=["a", "a"]))


def test_a_polars_frame_comes_out_with_the_same_dtypes() -> None:
    pl = pytest.importorskip("polars")
    frame = pl.DataFrame(
        {
            "int": pl.Series([1, 2, None], dtype=pl.Int8),
            "float": [0.5, None, 2.0],
            "text": ["a", "b", None],
            "level": pl.Series(["lo", "hi", "lo"], dtype=pl.Categorical),
            "enum": pl.Series(["lo", "hi", "lo"], dtype=pl.Enum(["lo", "mid", "hi"])),
            "when": pl.Series([datetime(2020, 1, 1), datetime(2020, 1, 2), None], dtype=pl.Datetime("ms", "UTC")),
            "date": [date(2020, 1, 1), None, date(2020, 2, 1)],
            "bool": [True, False, None],
            "decimal": [Decimal("1.10"), Decimal("2.25"), Decimal("3.00")],
        }
    )
    records = read(frame)
    schema = infer(records)
    for table in (records.table, schema.format(schema.parse(records.table), 3)):
        back = to_object(table, Origin.from_json(json.loads(json.dumps(records.origin.to_json()))))
        assert back.schema == frame.schema
        assert back.equals(frame)
    series = pl.Series("s", [1, 2, 3])
    records = read(series)
    assert to_object(records.table, records.origin).equals(series)


def test_an_arrow_table_comes_out_with_the_same_schema() -> None:
    table = pa.table(
        {
            "i": pa.array([1, None, 3], pa.uint8()),
            "t": pa.array([10**18 + 5, 0, None], pa.timestamp("ns", tz="Europe/Berlin")),
            "d": pa.array(["a", "b", "a"]).dictionary_encode(),
            "l": pa.array(["a", "b", None], pa.large_string()),
            "nan": pa.array([1.5, float("nan"), None]),
            "time": pa.array([1, 2, None], pa.time64("us")),
        }
    ).replace_schema_metadata({"made": "here"})
    records = read(table)
    schema = infer(records)
    back = to_object(schema.format(schema.parse(records.table), 3), records.origin)
    assert back.schema.equals(table.schema, check_metadata=True)
    assert [str(cell) for cell in back.column("nan").to_pylist()] == ["1.5", "nan", "None"]
    assert back.drop_columns(["nan", "t"]).equals(table.drop_columns(["nan", "t"]))


def test_records_of_a_file_come_as_a_frame_with_types(records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = to_object(made(records), records.origin)
    assert str(frame["age"].dtype).lower() == "int64"
    assert frame["member"].tolist()[:2] == [True, False]
    monkeypatch.setattr("gankit.io.reading.find_spec", lambda name: None)
    table = to_object(made(records), records.origin)
    assert str(table.schema.field("age").type) == "int64"


def test_standard_output_and_streams_take_the_format_that_came(
    records: Records, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Stdout:
        buffer = io.BytesIO()

    monkeypatch.setattr(sys, "stdout", Stdout())
    assert write([made(records)], "-", records.origin) == 28
    assert Stdout.buffer.getvalue().decode() == TEXT
    text, binary = io.StringIO(), io.BytesIO()
    write([made(records)], text, records.origin)
    write([made(records)], binary, records.origin, format="jsonl")
    assert text.getvalue() == TEXT
    assert binary.getvalue().count(b"\n") == 28
    with pytest.raises(OutputError, match="not text"):
        write([made(records)], io.StringIO(), records.origin, format="parquet")


def test_a_zip_holds_one_file_named_after_it(records: Records, tmp_path: Path) -> None:
    write([made(records)], tmp_path / "fakes.zip", records.origin)
    write([made(records)], tmp_path / "more.jsonl.zip", records.origin)
    assert zipfile.ZipFile(tmp_path / "fakes.zip").namelist() == ["fakes.csv"]
    assert zipfile.ZipFile(tmp_path / "more.jsonl.zip").namelist() == ["more.jsonl"]


def test_packed_files_are_the_same_every_time(records: Records, tmp_path: Path) -> None:
    for suffix in (".csv.gz", ".zip"):
        write([made(records)], tmp_path / f"x{suffix}", records.origin)
        first = (tmp_path / f"x{suffix}").read_bytes()
        write([made(records)], tmp_path / f"x{suffix}", records.origin)
        assert (tmp_path / f"x{suffix}").read_bytes() == first
    assert gzip.decompress((tmp_path / "x.csv.gz").read_bytes()).decode() == TEXT


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("x.docx", "tells no format"),
        ("x", "tells no format"),
        ("nowhere/x.csv", "there is no folder"),
        ("x.parquet.gz", "compressed by itself"),
        ("", "is a folder"),
    ],
)
def test_places_that_cannot_be_written_are_refused(records: Records, tmp_path: Path, name: str, said: str) -> None:
    with pytest.raises(OutputError, match=said) as caught:
        write([records.table], tmp_path / name, records.origin)
    assert caught.value.exit_code == 2
    with pytest.raises(OutputError, match="'feathers' is not known"):
        write([records.table], tmp_path / "x.csv", records.origin, format="feathers")


@pytest.mark.parametrize("suffix", [suffix for suffix in SUFFIXES if suffix != ".zip"])
def test_what_was_there_stays_when_writing_fails(
    records: Records, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gankit.io.writing._ROWS", 1)
    path = tmp_path / f"x{suffix}"
    path.write_text("precious")

    def broken() -> Iterator[pa.Table]:
        yield records.table
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError):
        write(broken(), path, records.origin)
    assert path.read_text() == "precious"
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix == ".tmp"] == []


@pytest.mark.parametrize(("code", "said"), [(errno.ENOSPC, "no space is left"), (errno.EACCES, "may not be written")])
def test_a_full_disk_is_said_in_one_sentence_and_changes_nothing(
    records: Records, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, said: str
) -> None:
    path = tmp_path / "x.csv"
    path.write_text("precious")

    def full(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("gankit.io.atomic.os.fsync", full)
    with pytest.raises(OutputError, match=said):
        write([records.table], path, records.origin)
    assert path.read_text() == "precious"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["source.csv", "x.csv"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
def test_a_device_without_space_is_said() -> None:
    with pytest.raises(OutputError, match="no space is left"):
        write([pa.table({"a": ["x"] * 100_000})], "/dev/full", Origin("csv"), format="csv")


@pytest.mark.skipif(os.name != "posix", reason="file modes")
def test_a_file_that_is_replaced_keeps_its_mode(records: Records, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    path.chmod(0o640)
    write([records.table], path, records.origin)
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_stays_a_link(records: Records, tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write([records.table], tmp_path / "link.csv", records.origin)
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text(encoding="utf-8") == TEXT


def test_no_rows_still_give_a_file_with_the_names(records: Records, tmp_path: Path) -> None:
    empty = made(records).slice(0, 0)
    for name in ("x.csv", "x.parquet", "x.jsonl", "x.json", "x.arrow", "x.xml"):
        assert write([empty], tmp_path / name, records.origin) == 0
    assert (tmp_path / "x.csv").read_text() == TEXT.splitlines()[0] + "\n"
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 0
    assert json.loads((tmp_path / "x.json").read_text()) == []


def test_writing_takes_one_batch_at_a_time(tmp_path: Path) -> None:
    alive: list[int] = []
    most = 0

    def batches() -> Iterator[pa.Table]:
        nonlocal most
        for _ in range(40):
            table = pa.table({"a": np.zeros(100_000)})
            alive.append(1)
            yield table
            del table
            most = max(most, pa.total_allocated_bytes())

    before = pa.total_allocated_bytes()
    assert write(batches(), tmp_path / "x.parquet", Origin("parquet")) == 4_000_000
    assert most - before < 20_000_000


class _Unseekable(io.RawIOBase):
    """A pipe in a test's clothes."""

    def __init__(self) -> None:
        self.content = io.BytesIO()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.content.write(bytes(data))


@pytest.mark.parametrize("format", ["csv", "jsonl", "json", "xml", "parquet", "arrow"])
def test_formats_can_be_piped(records: Records, format: str) -> None:
    pipe = _Unseekable()
    stream: IO[bytes] = pipe  # type: ignore[assignment]
    write(halves(made(records)), stream, records.origin, format=format)
    back = read(io.BytesIO(pipe.content.getvalue()))
    assert back.origin.format == format
    assert len(back) == 28


def test_utc_seconds_of_zoned_times_are_kept_in_parquet(tmp_path: Path) -> None:
    cells = ["2020-01-01T10:00:00+02:00", "2020-07-01T00:30:00+02:00"] * 20
    records = Records(pa.table({"t": cells, "x": [str(i % 3) for i in range(40)]}), Origin("csv"))
    write([made(records)], tmp_path / "x.parquet", records.origin)
    assert pq.read_table(tmp_path / "x.parquet").column("t")[0].as_py() == datetime(2020, 1, 1, 8, tzinfo=UTC)
