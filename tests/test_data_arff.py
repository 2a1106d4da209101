"""ARFF: attributes, quotes, comments, missing values, sparse records; read right and written back."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from gankit.columns.inference import infer
from gankit.columns.rows import write
from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.reading import read
from gankit.kinds import prepare

HEADER = """% a comment, with 'quotes'
@RELATION 'my weather'

@attribute outlook {sunny, 'very rainy', "over\\'cast"}
@attribute 'the temp' NUMERIC   % degrees
@Attribute code {0,1,2} % of {something}
@attribute born date "dd/MM/yyyy HH:mm"
@attribute note string
@DATA
"""
ROW = """sunny,1.5,0,"05/02/2022 10:30",plain
'very rainy', ?, 2, '05/03/2022 11:00', 'it\\'s, well'
% another comment

"over\\'cast",-3,1,'01/12/2022 00:00',"a\\nb", {2}
?,7,?,?,?
"""


def save(folder: Path, text: str) -> Path:
    path = folder / "x.arff"
    path.write_text(text)
    return path


def test_dense_records_are_read_with_quotes_comments_and_weights(tmp_path: Path) -> None:
    records = read(save(tmp_path, HEADER + ROW))
    assert records.table.to_pydict() == {
        "outlook": ["sunny", "very rainy", "over'cast", "?"],
        "the temp": ["1.5", "?", "-3", "7"],
        "code": ["0", "2", "1", "?"],
        "born": ["05/02/2022 10:30", "05/03/2022 11:00", "01/12/2022 00:00", "?"],
        "note": ["plain", "it's, well", "a\nb", "?"],
    }
    assert records.origin.part == "my weather"
    assert read(io.BytesIO((HEADER + ROW).encode())).origin.format == "arff"


def test_nominal_attributes_are_categories_and_dates_have_their_format(tmp_path: Path) -> None:
    records = read(save(tmp_path, HEADER + ROW * 15))
    columns = {c.name: c for c in infer(records).columns}
    assert {name: c.type for name, c in columns.items()} == {
        "outlook": "category", "the temp": "number", "code": "category", "born": "datetime", "note": "category"
    }  # fmt: skip
    assert columns["born"].dates is not None and columns["born"].dates.format == "%d/%m/%Y %H:%M"
    assert columns["code"].markers == ("?",)
    said = infer(records, TrainConfig(column=("code=number",))).column("code")
    assert said is not None and said.type == "number"


def test_samples_are_written_with_the_same_attributes(tmp_path: Path) -> None:
    prepared = prepare(save(tmp_path, HEADER + ROW * 15), TrainConfig(), [])
    fakes = prepared.schema.format(prepared.train.values, len(prepared.train), first_row=0, seed=0)
    assert prepared.kind.pipe_format(prepared.origin) == "arff"
    write([fakes], tmp_path / "fakes.arff", prepared.origin)
    text = (tmp_path / "fakes.arff").read_text()
    assert text.startswith("@relation 'my weather'\n\n@attribute outlook {sunny, 'very rainy', \"over\\'cast\"}\n")
    assert '@attribute born date "dd/MM/yyyy HH:mm"\n' in text and "'it\\'s, well'" in text
    again = read(tmp_path / "fakes.arff").table
    assert again.to_pylist() == fakes.to_pylist()
    write([fakes], tmp_path / "fakes.csv", prepared.origin)
    assert (tmp_path / "fakes.csv").read_text().startswith("outlook,the temp,")


def test_sparse_records_have_zeros_and_first_levels_elsewhere(tmp_path: Path) -> None:
    header = "@relation r\n@attribute a numeric\n@attribute b {x, y}\n@attribute c numeric\n@data\n"
    table = read(save(tmp_path, header + "{0 1.5, 1 y}\n{}\n{2 ?}, {3}\n{1 'y'}\n")).table
    assert table.to_pydict() == {"a": ["1.5", "0", "0", "0"], "b": ["y", "x", "x", "y"], "c": ["0", "0", "?", "0"]}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("@relation r\n@attribute a numeric\n", "no line @data"),
        ("@relation r\n@attribute a numeric\n@data\n1,2\n", "line 4: expected 1 values, found 2"),
        ("@relation r\n@attribute a numeric\n@attribute a real\n@data\n1,2\n", "line 3: expected @attribute"),
        ("@relation r\n@attribute a relational\n@data\n1\n", "line 2: expected @attribute"),
        ("@relation r\n@attribute a numeric\n@data\n{1 2}\n", "line 4: expected {PLACE VALUE"),
        ("@relation r\n@attribute a numeric\n@data\n{0 2\n", "line 4: expected {PLACE VALUE"),
        ("@relation r\n@attribute a numeric\n@data\n", "no records"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        read(save(tmp_path, text))
    assert said in str(caught.value) and "\n" not in str(caught.value)
