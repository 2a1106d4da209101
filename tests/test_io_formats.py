"""What every format of files is: its names are its own, what it writes it reads back, and the rest derives from it."""

from __future__ import annotations

import io
from dataclasses import fields
from pathlib import Path

import pyarrow as pa
import pytest

from gankit.config import TrainConfig
from gankit.errors import OutputError
from gankit.io.foreign import SUFFIXES as FOREIGN
from gankit.io.formats import FORMATS, LINE_SUFFIXES, SUFFIXES, Format
from gankit.io.reading import read, read_bytes
from gankit.io.records import Origin

DOCS = Path(__file__).resolve().parent.parent / "docs"


def example(format: Format) -> pa.Table:
    if format.name in ("npy", "npz"):
        return pa.table({"x0": [1.5, 2.5, -3.0], "x1": [0.0, 1.0, 2.0]})
    if format.name == "fasta":
        return pa.table({"text": ["ACGT", "TT", "C"]})
    texts = ["one\tof <them>", 'two, and "more"', "three"]
    return pa.table({"text": texts}) if format.name == "txt" else pa.table({"text": texts, "n": ["1", "20", "3"]})


@pytest.fixture(params=FORMATS.values(), ids=FORMATS)
def format(request: pytest.FixtureRequest) -> Format:
    found: Format = request.param
    return found


def test_what_a_format_writes_it_reads_back_and_knows_by_its_beginning(format: Format) -> None:
    table, stream = example(format), io.BytesIO()
    sink = format.sink(stream, Origin(format.name, delimiter="\t" if format.name == "tsv" else ","), "data")
    assert sink.feed([table.slice(0, 1), table.slice(1)]) == table.num_rows
    back = read_bytes(stream.getvalue(), f"data{format.suffixes[0]}", TrainConfig(format=format.name), [])
    assert back.origin.format == format.name and back.table.to_pylist() == table.to_pylist()
    if format.magic:
        known = [other.name for other in FORMATS.values() if other.begins(stream.getvalue())]
        assert known == [format.name]
        assert read(io.BytesIO(stream.getvalue())).table.to_pylist() == table.to_pylist()


def test_a_sink_without_records_says_so_and_leaves_nothing_open(format: Format) -> None:
    with pytest.raises(OutputError, match="nothing to write into 'data'"):
        format.sink(io.BytesIO(), Origin("csv"), "data").feed([])


def test_a_format_is_named_once_and_documented(format: Format) -> None:
    assert "/" in format.media_type
    own = [*format.suffixes, *format.aliases]
    if not format.is_guess:
        assert [SUFFIXES[suffix] for suffix in own] == [format.name] * len(own)
    assert not set(own) & set(FOREIGN)
    page = (DOCS / "data.md").read_text(encoding="utf-8")
    assert all(f"`{suffix}`" in page for suffix in format.suffixes)


def test_the_choices_of_format_are_the_formats() -> None:
    (option,) = [f for f in fields(TrainConfig) if f.name == "format"]
    assert {*option.metadata["choices"], "json"} == set(FORMATS)  # jsonl reads json, too
    assert set(LINE_SUFFIXES) >= {".txt", ".smi"}
