"""What is read: delimiters, encodings, headers, quoting, archives, and every file that cannot be read."""

from __future__ import annotations

import bz2
import codecs
import csv
import gzip
import io
import json
import lzma
import re
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gankit.columns import rows
from gankit.columns.inference import infer
from gankit.columns.splitting import split
from gankit.config import TrainConfig
from gankit.errors import DataError, GankitError, OptionError
from gankit.io.probe import Probe
from gankit.io.reading import read
from gankit.io.records import Records, fingerprint
from gankit.io.writing import write

ROWS = [["name", "age", "note"], ["Ann", "41", "a"], ["Bob", "7", "b"], ["Cid", "30", "a"]]


def save(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def cells(records: Records) -> list[list[str]]:
    return [records.table.column_names, *map(list, zip(*(c.to_pylist() for c in records.table.columns), strict=True))]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_found_out(tmp_path: Path, mark: str) -> None:
    records = read(save(tmp_path, "".join(mark.join(row) + "\n" for row in ROWS)))
    assert cells(records) == ROWS
    assert records.origin.delimiter == mark


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("latin-1", "latin-1"),
    ],
)
def test_the_encoding_is_found_out(tmp_path: Path, encoding: str, found: str) -> None:
    text = "name,age\nJosé,41\nZoë,7\n" + "Ann,30\n" * 50
    notes: list[str] = []
    records = read(save(tmp_path, text.encode(encoding)), notes=notes)
    assert records.table.column("name").to_pylist()[:2] == ["José", "Zoë"]
    assert records.origin.encoding == found
    assert (found == "latin-1") == any("Latin-1" in note and "--encoding" in note for note in notes)


WORDS = {
    "cp1250": "Łódź żółty Kraków Gdańsk święto książka zielony mężczyzna",
    "iso8859-2": "Plzeň žlutý Třebíč Hradec červený kůň město šest",
    "cp1251": "Москва красный зелёный Казань синий Иванов дом улица",
    "koi8_r": "Москва красный зеленый Казань синий Иванов дом улица",
    "iso8859-15": "Sœur cœur Élève été Noël garçon où œuvre",
    "cp850": "Müller Köln Jäger Größe Straße Schön Zürich Höhe",
    "mac-roman": "Müller Köln Jäger Größe Straße Schön Zürich Höhe",
    "cp866": "Москва красный зелёный Казань синий Иванов дом улица",
    "iso8859-5": "Москва красный зелёный Казань синий Иванов дом улица",
    "iso8859-6": "القاهرة الرياض بغداد دمشق بيروت عمان الدوحة مسقط",
    "iso2022_jp": "東京 大阪 赤い 青い ネコ カメラ さくら 日本語",
    "cp1254": "Beşiktaş ağaç ışık kırmızı yeşil İstanbul çiçek şehir",
    "cp932": "東京 大阪 赤い 青い ネコ カメラ さくら 日本語",
    "euc_jp": "東京 大阪 赤い 青い ネコ カメラ さくら 日本語",
    "gbk": "北京 上海 红色 蓝色 中国 价格 男性 城市",
    "big5": "臺北 高雄 紅色 藍色 臺灣 價格 男性 城市",
    "cp949": "서울 부산 빨강 파랑 초록 대한민국 인천 남자",
    "utf-16-le": "東京 大阪 赤い 青い ネコ カメラ さくら 日本語",
    "utf-16-be": "Москва красный зелёный Казань синий Иванов дом улица",
}


@pytest.mark.parametrize("encoding", WORDS)
def test_encodings_of_other_scripts_are_found_out_and_written(tmp_path: Path, encoding: str) -> None:
    words = WORDS[encoding].split()
    text = f"id,{words[0]}\n" + "".join(f"{i},{words[i % 8]} {words[i * 3 % 7]}\n" for i in range(40))
    records = read(save(tmp_path, text.encode(encoding)))
    assert codecs.lookup(records.origin.encoding) == codecs.lookup(encoding)
    assert cells(records) == [line.split(",") for line in text.splitlines()]
    write([records.table], tmp_path / "out.csv", records.origin, lambda table, _: table)
    assert (tmp_path / "out.csv").read_bytes() == text.encode(encoding)


def test_a_few_bytes_that_are_no_utf8_make_no_other_encoding_of_a_file(tmp_path: Path) -> None:
    text = "id,name\n" + "".join(f"{i},Jäger {'Köln' if i % 2 else '東京'}\n" for i in range(20))
    data = text.encode().replace("Köln".encode(), b"K\xf6ln", 2)
    notes: list[str] = []
    records = read(save(tmp_path, data), notes=notes)
    assert cells(records) == [line.split(",") for line in text.splitlines()]
    assert records.origin.encoding == "utf-8"
    assert "other bytes (2; the first, 0xF6, in line 3) are read as Windows-1252 has them" in notes[0]
    assert read(save(tmp_path, text.encode() + "20,東京".encode()[:-1])).origin.encoding == "utf-8"


@pytest.mark.parametrize("word", ["José", "ÄÖÜ", "50 µm", "£5", "½", "it’s", "10 €", "São João", "España", "Ærø"])
def test_a_single_word_of_western_europe_stays_as_it_is(tmp_path: Path, word: str) -> None:
    text = "id,name\n" + "".join(f"{i},{word if i == 7 else 'plain'}\n" for i in range(20))
    assert read(save(tmp_path, text.encode("cp1252"))).table.column("name")[7].as_py() == word


def test_windows_signs_are_read_as_windows_1252(tmp_path: Path) -> None:
    records = read(save(tmp_path, "price,unit\n5,\x80\n7,\x80\n".encode("latin-1")))
    assert records.table.column("unit").to_pylist() == ["€", "€"]


def test_quotes_may_hold_delimiters_newlines_and_quotes(tmp_path: Path) -> None:
    path = save(tmp_path, 'a,b\n"x, y","two\nlines"\n"say ""hi""",""\n1,2\n')
    assert cells(read(path)) == [["a", "b"], ["x, y", "two\nlines"], ['say "hi"', ""], ["1", "2"]]


def test_a_backslash_before_a_quote_is_understood(tmp_path: Path) -> None:
    records = read(save(tmp_path, 'a,b\n"say \\"hi\\"",1\n"x",2\n'))
    assert records.table.column("a").to_pylist() == ['say "hi"', "x"]
    assert records.origin.escape == "\\"


@pytest.mark.parametrize(("text", "names"), [("1,2\n3,4\n5,6\n", ["c0", "c1"]), ("a,b\n3,4\n5,6\n", ["a", "b"])])
def test_a_line_of_names_is_told_from_data(tmp_path: Path, text: str, names: list[str]) -> None:
    notes: list[str] = []
    records = read(save(tmp_path, text), notes=notes)
    assert records.table.column_names == names
    assert records.origin.header == (names == ["a", "b"])
    assert any("--header yes" in note for note in notes) == (names != ["a", "b"])


def test_the_header_option_is_obeyed(tmp_path: Path) -> None:
    path = save(tmp_path, "a,b\nc,d\na,d\n")
    assert len(read(path, TrainConfig(header="no"))) == 3
    assert len(read(path, TrainConfig(header="yes"))) == 2


def test_names_are_freed_of_blanks_and_empty_ones_are_numbered(tmp_path: Path) -> None:
    records = read(save(tmp_path, ", age\n0,41\n1,7\n"))
    assert records.table.column_names == ["c0", "age"]
    assert records.origin.renamed == {"c0": "", "age": " age"}


RAGGED = b'a,b\r\n1,x\r\n2\r\n3,"y\r\nz"\r\n4,"u\r\nv",5\r\n\r\n6,w\r\n7,q'


def test_bad_lines_are_skipped_and_counted_if_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(RAGGED)
    notes: list[str] = []
    records = read(path, TrainConfig(skip_bad_lines=True), notes=notes)
    assert records.table.to_pydict() == {"a": ["1", "3", "6", "7"], "b": ["x", "y\r\nz", "w", "q"]}
    assert notes == ["x.csv: skipped 2 of 7 lines, which have not the 2 fields of the first (lines 3, 6)"]
    with pytest.raises(DataError, match=r"line 3: expected 2 fields, found 1 .*2 such lines: 3, 6.*--skip-bad-lines"):
        read(path)


def test_a_file_without_bad_lines_is_read_the_same_and_nothing_is_said(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b'a,b\n1,"x\ny"\n2,\n')
    notes: list[str] = []
    assert read(path, TrainConfig(skip_bad_lines=True), notes=notes).table.equals(read(path).table)
    assert notes == []


def test_a_file_of_mostly_bad_lines_is_refused_even_so(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(b"made\na,b\nc,d\ne,f\n")
    with pytest.raises(
        DataError, match=r"3 of 4 lines have another number of fields than the first \(1\), too many to skip"
    ):
        read(path, TrainConfig(skip_bad_lines=True, delimiter=","))


TABLE = "a,b,c\n" + "".join(f"{i},{i * 1.5},x{i % 3}\n" for i in range(24))
RULED = "".join(f"| {i} | {i * 1.5}  | x{i % 3} |\n" for i in range(24))
PAIRS = "time,val\n" + "".join(f"{i},{i * i}\n" for i in range(12))


@pytest.mark.parametrize(
    ("text", "rows", "said"),
    [
        ("sep=;\n" + TABLE.replace(",", ";"), TABLE, "delimiter ';', as the first line says; --delimiter"),
        ('"sep=\t"\r\n' + TABLE.replace(",", "\t"), TABLE, r"delimiter '\\t'"),
        ("Report of 2024\nSensor: A7\n\n" + PAIRS, PAIRS, "begins at line 4.*'Report of 2024', ….*--header yes"),
        ("Report,,\n,,\n" + TABLE, TABLE, "begins at line 3"),
        ("Station,A7\nDepth,12\n\n" + PAIRS, PAIRS, "begins at line 4"),
        ("# made by x\n# version 2, of y\n" + TABLE, TABLE, "begins at line 3"),
        ("% made, by, x\n" + TABLE, TABLE, "begins at line 2"),
        ("# temp\nval\n1\n2\n3\n", "val\n1\n2\n3\n", "begins at line 2"),
        ("a,b,c\nm/s,°C,kind\n" + TABLE[6:], TABLE, r"line 2 is taken for units \(m/s, °C, kind\).*--header yes"),
        ("a,b,c\n1,°C,-\n" + TABLE[6:], TABLE, r"line 2 is taken for units \(1, °C, -\)"),
        ("a,b,c\nint,double,text\n" + TABLE[6:], TABLE, r"line 2 is taken for units \(int, double, text\)"),
        (TABLE + TABLE, TABLE + TABLE[6:], r"repeat the names of the columns \(1\).*--header yes"),
        ("|a|b|c|\n|---|:--|---|\n" + RULED, TABLE, r"ruled lines \(1\)"),
        (
            " a  | b  | c\n----+----+---\n" + RULED.replace("\n| ", "\n ")[1:].replace(" |\n", "\n") + "(24 rows)\n",
            TABLE,
            r"ruled lines \(1\)",
        ),
        ("+--+---+--+\n|a |b  |c |\n+--+---+--+\n" + RULED + "+--+---+--+\n", TABLE, r"ruled lines \(3\)"),
        (TABLE + "# moved\n" + TABLE[6:], TABLE + TABLE[6:], "line 26 .'# moved'"),
        (TABLE + "Source: a bank, 2024\n", TABLE, "line 26 .'Source: a bank, 2024'"),
        (TABLE + "\nSource,x\nBy: y\n", TABLE, "lines 27, 28"),
        (TABLE + "Total,99,\n", TABLE, "'Total'.*rename it"),
        (TABLE + "Total,99,\n\x1a", TABLE, "'Total'.*rename it"),
        (
            TABLE.replace("\n", ",,\n") + ",,,,\n" * 4,
            TABLE,
            r"without name and cells \(2\).*\n.*without any cell \(4\)",
        ),
    ],
)
def test_what_stands_around_a_table_is_left_out_and_said(tmp_path: Path, text: str, rows: str, said: str) -> None:
    notes: list[str] = []
    plain = read(save(tmp_path, rows, "plain.csv"))
    records = read(save(tmp_path, text), notes=notes)
    assert cells(records) == cells(plain)
    assert re.search(said, "\n".join(notes)), notes


@pytest.mark.parametrize(
    "text",
    [
        "#a,b\n1,2\n3,4\n5,6\n",
        "a,b\n\nx,1\ny,2\nz,3\n",
        ",b\nx,1\ny,2\nz,3\n",
        "a,b\nunknown,n/a\n1,2\n3,4\n5,6\n",
        "a,b,c\n-,n/a,x\n1,2,x\n3,4,y\n5,6,x\n7,8,y\n9,8,x\n",
        "a,b,c\nlow,low,x\n1,2,x\n3,4,y\n5,6,x\n7,low,y\n9,8,x\n",
        "a,b\ns,m\ns,m\nt,n\n",
        "a,b\n1,\n,2\n,\n3,\n,4\n,\n",
        "city,n\nTotal,1\nParis,2\nTotal,3\n",
    ],
)
def test_good_tables_keep_every_line(tmp_path: Path, text: str) -> None:
    written = [line.split(",") for line in text.splitlines() if line]
    found = cells(read(save(tmp_path, text)))
    assert found[1:] == written[1:] and len(found[0]) == len(written[0])


def test_header_yes_keeps_every_line_below_the_first(tmp_path: Path) -> None:
    text = "a,b\nm,s\n1,2\n3,4\n5,6\n"
    assert len(read(save(tmp_path, text), TrainConfig(header="yes"))) == 4
    assert len(read(save(tmp_path, text))) == 3


def test_names_that_lack_one_or_have_one_too_many_are_understood(tmp_path: Path) -> None:
    rows = "".join(f"{i},{i * i},{i % 2}\n" for i in range(5))
    assert read(save(tmp_path, "a,b\n" + rows)).table.column_names == ["c0", "a", "b"]
    assert read(save(tmp_path, "a,b,c,\n" + rows)).table.column_names == ["a", "b", "c"]
    assert read(save(tmp_path, "a,b,c\n" + rows.replace("\n", ",\n"))).table.column_names == ["a", "b", "c"]


def test_a_decimal_comma_does_not_divide_fields(tmp_path: Path) -> None:
    records = read(save(tmp_path, "1,5;2,5;3,25\n4,5;5,5;6,75\n"))
    assert records.origin.delimiter == ";"
    assert records.table.num_columns == 3


def test_cells_stay_as_they_were_written(tmp_path: Path) -> None:
    written = [["41.0", " 7", "?"], ["00123", "1e-05", ""], ["NA", "9007199254740993", "None"]]
    path = save(tmp_path, "a,b,c\n" + "".join(",".join(row) + "\n" for row in written))
    assert cells(read(path))[1:] == written


def test_an_empty_line_between_numbers_of_one_column_is_a_missing_cell(tmp_path: Path) -> None:
    assert read(save(tmp_path, "x\n1\n\n3\n\n")).table.column("x").to_pylist() == ["1", "", "3"]


def test_gz_and_zip_are_unpacked(tmp_path: Path) -> None:
    text = "".join(",".join(row) + "\n" for row in ROWS)
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("__MACOSX/._inner.csv", "rubbish")
        archive.writestr("inner.csv", text)
    packed = save(tmp_path, gzip.compress(text.encode()), "data.csv.gz")
    assert cells(read(tmp_path / "data.zip")) == cells(read(packed)) == ROWS
    assert (read(tmp_path / "data.zip").origin.compression, read(packed).origin.compression) == ("zip", "gz")


@pytest.mark.parametrize(("suffix", "module"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_compressed_files_are_read_and_written(tmp_path: Path, suffix: str, module: ModuleType) -> None:
    text = b"a,b\n1,x\n2,y\n"
    records = read(save(tmp_path, module.compress(text), f"data.csv.{suffix}"))
    assert records.origin.compression == suffix and records.origin.name == "data"
    write([records.table], tmp_path / f"out.csv.{suffix}", records.origin, lambda table, _: table)
    assert module.decompress((tmp_path / f"out.csv.{suffix}").read_bytes()) == text
    with pytest.raises(DataError, match=r"damaged or cut off"):
        read(save(tmp_path, module.compress(text * 500)[:-9], f"data.csv.{suffix}"))


def test_standard_input_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(b"a,b\n1,2\n3,4\n")

    monkeypatch.setattr(sys, "stdin", Stdin())
    assert cells(read("-")) == [["a", "b"], ["1", "2"], ["3", "4"]]


def test_formats_are_known_by_their_content_where_no_suffix_tells(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2]})
    pq.write_table(table, tmp_path / "x.parquet")
    np.save(tmp_path / "x.npy", np.eye(3))
    for content, format in [
        ((tmp_path / "x.parquet").read_bytes(), "parquet"),
        ((tmp_path / "x.npy").read_bytes(), "npy"),
        (b'{"a": 1}\n{"a": 2}\n', "jsonl"),
        (b'[{"a": 1}, {"a": 2}]', "json"),
        (b"<r><e><a>1</a></e><e><a>2</a></e></r>", "xml"),
        (b"a,b\n1,2\n", "csv"),
    ]:
        assert read(io.BytesIO(content)).origin.format == format


def test_json_lines_keep_types_and_fill_what_is_absent(tmp_path: Path) -> None:
    rows = [{"a": 1, "b": "2020-01-01", "c": True}, {"a": 2, "c": None, "d": 1.5}]
    table = read(save(tmp_path, "\n".join(map(json.dumps, rows)), "x.jsonl")).table
    assert table.to_pylist() == [
        {"a": 1, "b": "2020-01-01", "c": True, "d": None},
        {"a": 2, "b": None, "c": None, "d": 1.5},
    ]
    assert [str(field.type) for field in table.schema] == ["int64", "string", "bool", "double"]


@pytest.mark.parametrize("orient", ["records", "columns", "index", "split", "table", "values"])
@pytest.mark.parametrize("suffix", [".json", ".jsonl", ""])
def test_what_pandas_writes_as_json_is_read(tmp_path: Path, orient: str, suffix: str) -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"n": [1, 2, 3], "name": ["a", "b", None]})
    notes: list[str] = []
    records = read(save(tmp_path, frame.to_json(orient=orient), f"x{suffix}"), notes=notes)
    names = ["c0", "c1"] if orient == "values" else ["n", "name"]
    assert cells(records) == [names, [1, "a"], [2, "b"], [3, None]]
    assert records.origin.format == "json"
    assert bool(notes) == (orient not in ("records", "values"))


@pytest.mark.parametrize(
    "form",
    ['{"meta": {"n": 2}, "data": %s}', '{"results": %s}', '{"count": 2, "response": {"docs": %s}, "next": null}'],
)
def test_the_one_list_of_records_within_an_object_is_read_and_said(tmp_path: Path, form: str) -> None:
    notes: list[str] = []
    records = read(save(tmp_path, form % '[{"n": 1, "name": "a"}, {"n": 2, "name": null}]', "x.json"), notes=notes)
    assert cells(records) == [["n", "name"], [1, "a"], [2, None]]
    assert len(notes) == 1 and "the 2 records in" in notes[0]
    with pytest.raises(DataError, match=r"'a' \(2\) and 'b\.c' \(3\)"):
        read(save(tmp_path, '{"a": [{"n": 1}, {"n": 2}], "b": {"c": [{"n": 1}, {"n": 2}, {"n": 3}]}}', "two.json"))


def test_json_that_mixes_texts_and_numbers_becomes_texts_with_a_note(tmp_path: Path) -> None:
    notes: list[str] = []
    records = read(save(tmp_path, '{"a": 1}\n{"a": "x"}\n', "x.jsonl"), notes=notes)
    assert records.table.column("a").to_pylist() == ["1", "x"]
    assert "'a'" in notes[0]


XML = """<?xml version="1.0"?>
<catalog xmlns:x="urn:x"><about><title>t</title></about>
<book id="1"><title>A</title><price cur="EUR">3.5</price></book>
<book id="2"><title/><x:extra>e</x:extra></book>
<book id="3"><title>C</title><tag>p</tag><tag>q</tag></book></catalog>"""


def test_xml_children_and_attributes_become_columns(tmp_path: Path) -> None:
    notes: list[str] = []
    table = read(save(tmp_path, XML, "x.xml"), notes=notes).table
    assert table.to_pylist() == [
        {"id": "1", "title": "A", "price/cur": "EUR", "price": "3.5", "extra": None, "tag": None},
        {"id": "2", "title": "", "price/cur": None, "price": None, "extra": "e", "tag": None},
        {"id": "3", "title": "C", "price/cur": None, "price": None, "extra": None, "tag": "p"},
    ]
    assert any("<book>" in note and "--xpath" in note for note in notes)
    assert any("tag" in note and "several times" in note for note in notes)


def test_xpath_chooses_the_records(tmp_path: Path) -> None:
    path = save(tmp_path, XML, "x.xml")
    assert read(path, TrainConfig(xpath="//book[price]")).table.num_rows == 1
    for wrong in ("//book[", "//nothing", "count(//book)", "//book/@id"):
        with pytest.raises(OptionError, match="XPath"):
            read(path, TrainConfig(xpath=wrong))


def test_xml_entities_are_refused(tmp_path: Path) -> None:
    secret = save(tmp_path, "secret", "secret.txt")
    text = f'<!DOCTYPE r [<!ENTITY e SYSTEM "file://{secret}">]><r><a><b>&e;</b></a><a><b>1</b></a></r>'
    with pytest.raises(DataError, match="entities"):
        read(save(tmp_path, text, "x.xml"))


def test_npz_arrays_of_one_length_stand_side_by_side(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.arange(6.0).reshape(3, 2), y=np.array([0, 1, 1]))
    table = read(tmp_path / "x.npz").table
    assert table.column_names == ["x0", "x1", "y"]
    assert table.column("y").to_pylist() == [0, 1, 1]


def make_zip(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "a,b\n1,2\n")
    return path


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.csv", b"", "empty"),
        ("x.csv", b"\n\n\n", "only empty lines"),
        ("x.csv", b"age,income\n", "no records"),
        ("x.csv", b"a,a\n1,2\n", "'a'"),
        ("x.csv", b"a,b\n" + b"1,'x, y'\n2,'y, z'\n" * 4, "single quotes hold the delimiter. Put double quotes"),
        ("x.csv", b"a,b\n1,2\n1,2,3\n4,5\n", "line 3: expected 2 fields, found 3"),
        ("x.csv", b'a,b\n1,2\n"x\ny",2\n1\n3,4\n', "line 5: expected 2 fields, found 1"),
        ("x.csv", b'a,b\n1,2\n3,"4\n5,6\n', "line 3: a field opens with a quote that is never closed"),
        ("x.csv", b"\x00\x01\x02\x00binary,\x00" * 100, "no text file"),
        ("x.csv.gz", gzip.compress(b"a,b\n1,2\n" * 500, mtime=0)[:-9], "damaged or cut off"),
        ("x.zip", b"PK\x03\x04 rubbish", "damaged"),
        ("x.parquet", b"PAR1 rubbish", "parquet"),
        ("x.arrow", b"ARROW1 rubbish", "arrow"),
        ("x.npy", b"\x93NUMPY rubbish", "npy"),
        ("x.npz", b"rubbish", "npz"),
        ("x.jsonl", b'{"a": 1}\n{"a": }\n', "line 2"),
        ("x.jsonl", b'{"a": 1}\n[1]\n', "record 2"),
        ("x.json", b"[1, 2", "line 1"),
        ("x.xml", b"<a><b></a>", "well-formed"),
        ("x.xml", b"<a><b>1</b></a>", "--xpath"),
        ("x.html", b"a,b", "HTML page"),
        ("x.xls", b'<table border="1"><tr><th>a</th></tr><tr><td>1</td></tr></table>', "HTML page"),
        ("x.csv", b"\n<!DOCTYPE html>\n<html><body>Not found</body></html>", "HTML page"),
        ("x.xml", b'<?xml version="1.0"?>\n<html lang="en"></html>', "HTML page"),
        ("x.xlsx", b"PK\x03\x04", "damaged"),
        ("x.pkl", b"\x80\x04", "pickle"),
    ],
)
def test_what_cannot_be_read_is_refused_with_one_clear_sentence(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    with pytest.raises(DataError) as caught:
        read(save(tmp_path, content, name))
    text = str(caught.value)
    assert said in text
    assert "\n" not in text
    assert len(text) < 400
    assert caught.value.exit_code == 2


def test_one_file_in_a_zip_needs_no_suffix(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("table", "a,b\n1,2\n3,4\n")
    assert read(tmp_path / "x.zip").table.num_rows == 2


def test_several_files_in_a_zip_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"2 files \('a.csv', 'b.csv'\)"):
        read(make_zip(tmp_path / "x.zip", "a.csv", "b.csv"))
    with pytest.raises(DataError, match="no file"):
        read(make_zip(tmp_path / "y.zip"))


def test_a_zip_bomb_is_refused_before_memory_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gankit.io.archives.largest_size", lambda: 1 << 20)
    with pytest.raises(DataError, match="unpacks to more than"):
        read(save(tmp_path, gzip.compress(b"0\n" * (40 << 20)), "x.csv.gz"))


def test_a_folder_an_absent_file_and_an_address_are_refused(tmp_path: Path) -> None:
    save(tmp_path, "a\n1\n", "people.csv")
    for source, said in [
        ((tmp_path / "people.csv").rename(tmp_path / "people.txt").parent, "is a folder.*or a folder of images"),
        (tmp_path / "peple.csv", "Did you mean 'people.txt'"),
        ("https://example.org/x.csv", "download it first"),
    ]:
        with pytest.raises(DataError, match=said):
            read(source)


def test_an_encoding_that_does_not_fit_names_byte_and_line(tmp_path: Path) -> None:
    path = save(tmp_path, "a,b\n1,x\n2,é\n".encode("latin-1"))
    with pytest.raises(DataError, match="line 3: the byte 0xE9 is not utf-8"):
        read(path, TrainConfig(encoding="utf-8"))
    with pytest.raises(OptionError, match="not known"):
        read(path, TrainConfig(encoding="klingon"))
    with pytest.raises(OptionError, match="one character"):
        read(path, TrainConfig(delimiter="ab"))


def test_one_row_cannot_be_split_and_the_error_says_how_many_are_needed(tmp_path: Path) -> None:
    records = read(save(tmp_path, "a,b\n1,x\n"))
    with pytest.raises(GankitError) as caught:
        split(infer(records, TrainConfig(column=("a=number",))), records)
    assert "at least 2 rows" in str(caught.value)


def test_thousands_of_columns_are_read_and_understood(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    lines = [",".join(f"v{i}" for i in range(3_000))]
    lines += [",".join(map(str, row)) for row in rng.integers(0, 9, (20, 3_000)).tolist()]
    records = read(save(tmp_path, "\n".join(lines) + "\n"))
    schema = infer(records)
    assert records.table.shape == (20, 3_000)
    assert len(schema.modelled) == 3_000


def test_lines_and_fields_of_any_length_are_read(tmp_path: Path) -> None:
    before = csv.field_size_limit()
    numbers = ",".join(f"{number:.17f}" for number in np.random.default_rng(0).random(10_000))
    lines = [",".join(f"v{i}" for i in range(10_000)), numbers, numbers]
    assert read(save(tmp_path, "\n".join(lines) + "\n")).table.shape == (2, 10_000)
    essay = "x" * 200_000
    assert read(save(tmp_path, f'a,b\n1,"{essay}"\n2,y\n')).table["b"].to_pylist() == [essay, "y"]
    with pytest.raises(DataError, match="line 2: expected 2 fields, found 3"):
        read(save(tmp_path, f"a,b\n1,{essay},3\n2,y\n"))
    assert csv.field_size_limit() == before


def test_the_fingerprint_is_of_the_content_alone(tmp_path: Path) -> None:
    text = "a,b\n1,x\n2,y\n"
    first = fingerprint(read(save(tmp_path, text)))
    assert first == fingerprint(read(save(tmp_path, text.replace(",", ";"), "other.csv")))
    assert first == fingerprint(read(save(tmp_path, gzip.compress(text.encode()), "z.csv.gz")))
    assert first != fingerprint(read(save(tmp_path, text.replace("y", "z"))))
    assert first != fingerprint(read(save(tmp_path, text.replace("a,b", "a,c"))))
    assert len(first) == 64


def test_too_many_columns_are_refused_before_they_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "infer", None)
    wide = pa.table({f"g{i}": np.arange(8.0) for i in range(rows.MAX_COLUMNS + 1)})
    with pytest.raises(DataError, match=r"1,501 columns to learn are too many; 1,500 are the most"):
        rows.rows_of(Probe(wide), TrainConfig())
