"""Tables in folders, and tables that take more memory than they may."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
import torch

import gankit
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io import large
from gankit.kinds import prepare
from gankit.kinds.tables.stored import StoredRows
from gankit.run import run as running
from gankit.run.api import follow
from gankit.training import order
from gankit.training.order import Order

SMALL = "400kB"
"""Memory in which none of these tables fits."""


def rows(num: int = 20_000) -> pa.Table:
    """A table of numbers, categories, days and missing cells; `tax` is a fifth of `pay`."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 4, num)
    pay = np.round(np.exp(rng.normal(3 + group, 0.5)), 2) + 0.05
    pay = np.round(pay * 20) / 20
    return pa.table(
        {
            "group": np.array(["north", "south", "east", "west"])[group],
            "pay": pay,
            "tax": np.round(pay / 5, 2),
            "day": pa.array((np.datetime64("2020-01-01") + rng.integers(0, 900, num)).astype("datetime64[D]")),
            "age": pa.array(rng.integers(18, 80, num), mask=rng.random(num) < 0.1),
        }
    )


def at(table: pa.Table, name: str, row: int, cell: Any) -> pa.Table:
    """The table with another cell."""
    cells = table.column(name).to_pylist()
    cells[row] = cell
    return table.set_column(table.column_names.index(name), name, pa.array(cells))


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a table to a file of that name."""

    def written(table: pa.Table, name: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".parquet"):
            pq.write_table(table, path, row_group_size=3_000)
        elif name.endswith(".arrow"):
            with pa.ipc.new_file(path, table.schema) as file:
                file.write_table(table, max_chunksize=3_000)
        else:
            mark = "\t" if ".tsv" in name else ","
            with pa.BufferOutputStream() as sink:
                pacsv.write_csv(table, sink, pacsv.WriteOptions(delimiter=mark, quoting_style="needed"))
                data = sink.getvalue().to_pybytes()
            path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return written


@pytest.mark.parametrize("name", ["t.parquet", "t.arrow", "t.csv", "t.tsv", "t.csv.gz"])
def test_all_rows_of_a_file_beyond_memory_are_coded_as_in_memory(name: str, write: Any) -> None:
    path, notes = write(rows(), name), list[str]()
    found = prepare(path, TrainConfig(memory=SMALL), notes)
    whole = prepare(path, TrainConfig(), [])
    assert isinstance(found.train, StoredRows)
    assert found.num_train + found.num_heldout == whole.num_train + whole.num_heldout == 20_000
    assert any("20,000" in note and "--memory" in note for note in notes)
    assert [c.name for c in found.schema] == [c.name for c in whole.schema]
    assert [c.type for c in found.schema] == [c.type for c in whole.schema]
    assert [rule.text for rule in found.codec.rules.rules] == [rule.text for rule in whole.codec.rules.rules]
    # every row is there but the held-out ones, by the codec that training uses
    every = np.floor(found.codec.encode(found.schema.parse(whole_table(path)))).astype(np.int16)
    heldout = np.floor(found.codec.encode(found.heldout.values)).astype(np.int16)
    assert sorted(map(bytes, every)) == sorted([*map(bytes, found.train.coded.x), *map(bytes, heldout)])


def whole_table(path: Path) -> pa.Table:
    """All rows, as they are read into memory."""
    from gankit.io.reading import read

    return read(path, TrainConfig()).table


def test_the_same_bits_however_often_and_in_whatever_batches_a_table_is_read(
    write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = rows()
    first = gankit.train(write(table, "a.parquet"), samples=2000, memory=SMALL, verbose=False)
    monkeypatch.setattr("gankit.io.formats.parquet._ROWS", 777)
    pq.write_table(table, (path := write(table, "b.parquet")), row_group_size=1_234)
    again = gankit.train(path, samples=2000, memory=SMALL, verbose=False)
    assert first.card["data_hash"] == again.card["data_hash"]
    assert first.sample(50, seed=3).equals(again.sample(50, seed=3))


def test_a_run_from_disk_is_resumed_to_the_same_bits(write: Any, tmp_path: Path) -> None:
    path = write(rows(), "t.csv")
    whole = gankit.train(path, out=tmp_path / "whole", samples=6_000, memory=SMALL, verbose=False)
    for look, _ in enumerate(follow(path, out=tmp_path / "part", samples=6_000, memory=SMALL)):
        if look == 1:
            break
    resumed = gankit.resume(tmp_path / "part", verbose=False)
    assert resumed.sample(30, seed=1).equals(whole.sample(30, seed=1))
    report = gankit.evaluate(tmp_path / "part", n=200, fast=True, verbose=False)
    assert report.json["evaluation"]["metrics"]
    assert resumed.card["rows"]["train"] > 17_000


@pytest.mark.parametrize("network", ["residual", "sequential"])
def test_given_columns_are_read_from_disk_too(network: str, write: Any) -> None:
    path = write(rows(), "t.parquet")
    model = gankit.train(path, samples=1000, memory=SMALL, given=["group"], network=network, verbose=False)
    assert set(model.sample(40, where={"group": "west"})["group"]) == {"west"}


def test_a_folder_of_files_is_one_table(write: Any, tmp_path: Path) -> None:
    table = rows(3_000)
    parts = table.slice(0, 1000), table.slice(1000, 1000), table.slice(2000).select([4, 3, 2, 1, 0])
    for number, part in enumerate(parts):
        write(part, f"parts/year={2020 + number}/part-{number}.parquet")
    (tmp_path / "parts" / "_SUCCESS").write_text("")
    (tmp_path / "parts" / "readme.md").write_text("parts of a table")
    notes: list[str] = []
    found = prepare(tmp_path / "parts", TrainConfig(), notes)
    assert found.kind.name == "table"
    assert found.num_train + found.num_heldout == 3000
    assert (found.schema.column("year").low, found.schema.column("year").high) == (2020, 2022)
    assert any("readme.md" in note for note in notes)
    on_disk = prepare(tmp_path / "parts", TrainConfig(memory="100kB"), [])
    assert isinstance(on_disk.train, StoredRows)
    assert [c.name for c in on_disk.schema] == [c.name for c in found.schema]


def test_a_folder_of_files_that_are_only_read_whole_is_read(tmp_path: Path) -> None:
    table = rows(300)
    for number in range(3):
        part = table.slice(100 * number, 100)
        with pa.ipc.new_stream(tmp_path / f"{number}.arrow", part.schema) as file:
            file.write_table(part)
    found = prepare(tmp_path, TrainConfig(), [])
    assert found.num_train + found.num_heldout == 300
    (tmp_path / "9.csv").write_text("a,b\n1,2\n2,3\n3,4\n")
    assert [c.name for c in prepare(tmp_path, TrainConfig(format="csv"), []).schema] == ["a", "b"]
    with pytest.raises(DataError, match="have not the same columns"):
        prepare(tmp_path, TrainConfig(), [])


def test_what_a_late_row_alone_shows_is_learned(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "CHUNK", 4096)
    table = at(at(rows(), "group", 19_000, "centre"), "age", 19_001, 119)
    found = prepare(write(table, "t.csv"), TrainConfig(memory=SMALL), [])
    assert "centre" in found.schema.column("group").levels
    assert found.schema.column("age").high == 119


def test_a_missing_cell_that_the_first_look_did_not_show_is_missing(
    write: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large, "LEVELS", 50)
    table = at(rows(), "pay", 19_500, None).drop_columns(["tax"])
    notes: list[str] = []
    found = prepare(write(table, "t.csv"), TrainConfig(memory=SMALL), notes)
    assert found.schema.column("pay").markers == ("",)
    assert any("were added" in note for note in notes)


def test_a_rule_that_a_late_row_breaks_is_dropped(write: Any) -> None:
    table = rows()
    table = at(table, "tax", 19_999, 7777.0)
    found = prepare(write(table, "t.parquet"), TrainConfig(memory=SMALL, heldout_fraction=0.01), [])
    assert not any("tax" in rule.text and "=" in rule.text for rule in found.codec.rules.rules)
    with pytest.raises(OptionError, match="break it"):
        prepare(write(table, "t.parquet"), TrainConfig(memory=SMALL, rule=("tax = 0.2 * pay",)), [])


def test_a_column_that_changes_its_type_late_is_told_by_its_row(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LEVELS", 50)
    table = rows()
    table = table.set_column(1, "pay", table.column("pay").cast(pa.string()))
    with pytest.raises(DataError, match=r"'pay', row 18,124: expected a number, found 'much'"):
        prepare(write(at(table, "pay", 18_123, "much"), "t.csv"), TrainConfig(memory=SMALL), [])


def test_a_file_that_changes_while_it_is_read_is_refused(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(rows(), "t.csv")
    before = large.Large.some

    def meanwhile(self: large.Large, most: int, seed: int, notes: list[str]) -> large.Some:
        found = before(self, most, seed, notes)
        with path.open("a") as file:
            file.write("north,1,2,2020-01-01,33\n")
        return found

    monkeypatch.setattr(large.Large, "some", meanwhile)
    with pytest.raises(DataError, match="has changed while it was read"):
        prepare(path, TrainConfig(memory=SMALL), [])


def test_files_that_are_not_of_one_table_are_refused(write: Any, tmp_path: Path) -> None:
    write(rows(100), "mixed/a.csv")
    write(rows(100).drop_columns(["age"]), "mixed/b.csv")
    with pytest.raises(DataError, match=r"'b.csv' and 'a.csv' have not the same columns \('age'"):
        prepare(tmp_path / "mixed", TrainConfig(), [])
    write(rows(100), "types/a.parquet")
    odd = rows(100)
    write(odd.set_column(1, "pay", pa.array([f"{k} EUR" for k in range(100)])), "types/b.parquet")
    with pytest.raises(DataError, match=r"'b.parquet': column 'pay' is of the type string"):
        prepare(tmp_path / "types", TrainConfig(), [])


@pytest.mark.parametrize("name", ["t.csv", "t.parquet", "t.arrow"])
def test_a_damaged_file_is_told_by_its_name(name: str, write: Any) -> None:
    path = write(rows(), name)
    data = path.read_bytes()
    broken = data.replace(b"\n", b"\n1,2,3,4,5,6,7\n", 9_000) if name == "t.csv" else data[: len(data) // 2]
    path.write_bytes(broken)
    with pytest.raises(DataError, match=rf"'?t\.{name[2:]}"):
        prepare(path, TrainConfig(memory=SMALL), [])
    if name == "t.csv":
        notes: list[str] = []
        found = prepare(path, TrainConfig(memory=SMALL, skip_bad_lines=True), notes)
        assert found.num_train + found.num_heldout > 19_000
        assert any(re.search(r"skipped [0-9,]+ lines", note) for note in notes)


def test_other_kinds_say_that_they_are_not_learned_from_disk(write: Any) -> None:
    with pytest.raises(DataError, match=r"Tables and series alone .* --memory"):
        prepare(write(rows(), "t.csv"), TrainConfig(memory=SMALL, kind="text"), [])


def test_no_room_on_disk_is_said_before_anything_is_written(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 1000})())
    with pytest.raises(DataError, match="TMPDIR"):
        prepare(write(rows(), "t.csv"), TrainConfig(memory=SMALL), [])


@pytest.mark.parametrize("num", [1000, 5 * 64 * 4 + 3, 64 * 4 * 2])
def test_an_epoch_shows_every_record_once(num: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WHOLE": 100, "BLOCK": 64, "BLOCKS": 4}.items():
        monkeypatch.setattr(order, name, value)
    shown = Order(num, 0)
    parts = [shown.rows(2, begin, begin + 50) for begin in range(0, num, 50)]
    assert torch.equal(torch.cat(parts).sort()[0], torch.arange(num))
    assert not torch.equal(torch.cat(parts), torch.arange(num))
    # from any place, and of any epoch: as a resumed run asks for them
    assert torch.equal(Order(num, 0).rows(2, 150, 200), parts[3])
    assert not torch.equal(Order(num, 0).rows(1, 150, 200), parts[3])


def test_pages_of_the_file_are_let_go(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(running, "released", lambda x: lambda: calls.append(len(x)))
    monkeypatch.setattr("gankit.training.game.RELEASED", 500)
    gankit.train(write(rows(), "t.parquet"), samples=3000, memory=SMALL, verbose=False)
    assert len(calls) >= 3


def test_memory_is_recorded_so_that_a_run_is_resumed_alike(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "largest_size", lambda: 400_000)
    model = gankit.train(write(rows(), "t.parquet"), samples=500, verbose=False)
    assert model.card["options"]["memory"] == "400000"
    assert replace(TrainConfig(), memory="1GB").to_json()["memory"] == "1GB"


@pytest.mark.parametrize("form", ["utf-16", "stream"])
def test_what_is_only_read_whole_is_so_where_it_fits(
    form: str, write: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, path = rows(), tmp_path / ("t.arrow" if form == "stream" else "t.csv")
    if form == "stream":
        with pa.ipc.new_stream(path, table.schema) as file:
            file.write_table(table)
    else:
        path.write_bytes(write(table, "u.csv").read_text().encode("utf-16"))
    enough, less = str(40 * path.stat().st_size), str(path.stat().st_size)
    found = prepare(path, TrainConfig(memory=enough), [])
    assert found.num_train + found.num_heldout == 20_000 and not isinstance(found.train, StoredRows)
    with pytest.raises(DataError, match="too large for the memory"):
        prepare(path, TrainConfig(memory=less), [])
