"""A model's samples: pure functions of seed and row, exact conditions, one file that cannot run code."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

import gankit
from gankit import ModelError, OptionError
from gankit.cli import run
from gankit.model import parse_where
from gankit.model.blocks import BLOCK_ROWS, NEW_ROWS, side_by_side
from gankit.model.model import Model
from gankit.randomness import numpy_generator


def people(rows: int = 3000) -> list[dict[str, object]]:
    g = numpy_generator(0, "people")
    out = []
    for i in range(rows):
        age = int(g.integers(18, 80))
        rich = bool(g.random() < age / 100)
        born = np.datetime64("2020-01-01") - np.timedelta64(age * 365, "D")
        out.append(
            {
                "id": i + 1,
                "age": age,
                "income": ">50K" if rich else "<=50K",
                "job": ["clerk", "smith", "cook"][int(g.integers(0, 3))],
                "gain": None if i % 9 == 0 else (0.0 if not rich else round(float(g.exponential(1000)), 2)),
                "born": str(born),
                "seen": str(born + np.timedelta64(int(g.integers(0, 9000)), "D")),
                "country": "NZ",
            }
        )
    return out


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    file = tmp_path_factory.mktemp("people") / "people.csv"
    rows = people()
    lines = [",".join(rows[0])]
    lines += [",".join("?" if v is None else str(v) for v in row.values()) for row in rows]
    file.write_text("\n".join(lines) + "\n")
    return gankit.train(file, samples="60k", evaluations=12)


def rows_of(model: Model, n: int, **options: object) -> list[dict[str, str]]:
    return pa.concat_tables(list(model.sample_batches(n, **options))).to_pylist()  # type: ignore[arg-type]


@pytest.mark.parametrize("n", [10**18, 10**10])  # less than a byte for each in all machines; less than all cells take
def test_more_records_than_memory_holds_are_refused_at_once(
    model: Model, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gankit.model.model.largest_size", lambda: 1 << 35)
    with pytest.raises(OptionError, match=r"do not fit in memory.*model\.write.*model\.sample_batches"):
        model.sample(n)
    assert len(model.sample(0)) == 0 and len(model.sample(3)) == 3


@given(st.integers(0, 3 * BLOCK_ROWS), st.integers(0, 40), st.integers(0, 3))
@settings(max_examples=12, deadline=None)
def test_row_i_of_a_seed_is_the_same_however_it_is_asked_for(model: Model, offset: int, n: int, seed: int) -> None:
    around = rows_of(model, n + 5, seed=seed, offset=max(offset - 5, 0))
    shift = offset - max(offset - 5, 0)
    assert rows_of(model, n, seed=seed, offset=offset) == around[shift : shift + n]


@pytest.mark.parametrize("where", [None, {"income": ">50K", "age": "30..60"}])
def test_a_row_does_not_depend_on_the_rows_that_are_made_with_it(
    model: Model, where: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model.block == NEW_ROWS
    whole = rows_of(model, 2000, seed=2, where=where)
    monkeypatch.setattr(Model, "_group", lambda model, count=1: 1)
    assert rows_of(model, 2000, seed=2, where=where) == whole
    monkeypatch.setattr(Model, "_group", lambda model, count=1: 3)
    assert rows_of(model, 900, seed=2, offset=1000, where=where) == whole[1000:1900]


def test_models_of_before_keep_their_blocks(model: Model, tmp_path: Path) -> None:
    before = replace(model, plan=replace(model.plan, block=None))
    assert before.block == BLOCK_ROWS
    assert before.sample(5, seed=1).equals(before.sample(BLOCK_ROWS, seed=1)[:5])
    before.save(tmp_path / "before.safetensors")
    assert gankit.load(tmp_path / "before.safetensors").block == BLOCK_ROWS
    model.save(tmp_path / "now.safetensors")
    assert gankit.load(tmp_path / "now.safetensors").block == NEW_ROWS


def test_rows_do_not_depend_on_the_number_of_threads_and_the_number_is_left_as_it_was(model: Model) -> None:
    before = torch.get_num_threads()
    try:
        made = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            made.append(rows_of(model, 2 * BLOCK_ROWS + 10, seed=5))
            assert torch.get_num_threads() == threads
        assert made[0] == made[1]
    finally:
        torch.set_num_threads(before)


def test_blocks_come_in_order_and_a_fault_in_one_is_raised_in_its_place() -> None:
    def make(index: int) -> int:
        time.sleep(0.01 * (index % 3))
        if index == 7:
            raise OptionError("the seventh")
        return index

    stream = side_by_side(make, range(3, 20))
    assert [next(stream) for _ in range(4)] == [3, 4, 5, 6]
    with pytest.raises(OptionError, match="the seventh"):
        next(stream)
    half = side_by_side(make, range(100))
    assert next(half) == 0
    half.close()  # leaves the rest unmade
    left = [thread for thread in threading.enumerate() if thread.name.startswith("block")]
    for thread in left:
        thread.join(30)
    assert not any(thread.is_alive() for thread in left)


def test_other_seeds_give_other_rows(model: Model) -> None:
    assert rows_of(model, 20, seed=0) != rows_of(model, 20, seed=1)


def test_every_row_obeys_what_the_data_obeyed(model: Model) -> None:
    rows = rows_of(model, 3000)
    real = people()
    ages = {row["age"] for row in real}
    assert {row["country"] for row in rows} == {"NZ"}
    assert {row["job"] for row in rows} == {"clerk", "smith", "cook"}
    assert all(min(ages) <= int(row["age"]) <= max(ages) for row in rows)
    assert all(row["born"] <= row["seen"] for row in rows)
    assert [int(row["id"]) for row in rows] == list(range(int(rows[0]["id"]), int(rows[0]["id"]) + 3000))
    missing = np.mean([row["gain"] == "?" for row in rows])
    assert abs(missing - 1 / 9) < 0.04


@pytest.mark.parametrize(
    ("where", "holds"),
    [
        ({"income": ">50K"}, lambda r: r["income"] == ">50K"),
        ({"age": "30..40"}, lambda r: 30 <= int(r["age"]) <= 40),
        ({"age": ">=70", "income": "<=50K"}, lambda r: int(r["age"]) >= 70 and r["income"] == "<=50K"),
        ({"age": (20, 25), "gain": "<100"}, lambda r: 20 <= int(r["age"]) <= 25 and float(r["gain"]) < 100),
        ({"gain": "?"}, lambda r: r["gain"] == "?"),
        ({"job": "clerk|cook"}, lambda r: r["job"] in ("clerk", "cook")),
        ({"job": ["smith"]}, lambda r: r["job"] == "smith"),
        ({"seen": "1980-01-01..1990-12-31"}, lambda r: "1980" <= r["seen"] < "1991" and r["born"] <= r["seen"]),
        ({"born": ">=1960-01-01", "seen": "<=1970-01-01"}, lambda r: "1960" <= r["born"] <= r["seen"] <= "1970-01-01"),
    ],
)  # fmt: skip
def test_every_row_obeys_a_condition_on_any_column(model: Model, where: dict[str, object], holds) -> None:
    rows = rows_of(model, 400, where=where)
    assert len(rows) == 400
    assert all(holds(row) for row in rows)


def test_conditional_samples_follow_the_conditional_distribution(model: Model) -> None:
    rows = rows_of(model, 4000, where={"age": "60..79"})
    real = [row for row in people(20_000) if 60 <= row["age"] <= 79]
    share = np.mean([row["income"] == ">50K" for row in rows])
    assert abs(share - np.mean([row["income"] == ">50K" for row in real])) < 0.06


@pytest.mark.parametrize(
    ("where", "word"),
    [
        ({"wage": 3}, "wage"),
        ({"incme": ">50K"}, "income"),
        ({"income": ">60K"}, ">50K"),
        ({"age": "young"}, "expected a number"),
        ({"age": "200..300"}, "no record can satisfy"),
        ({"age": "40..30"}, "lower end"),
        ({"id": "3"}, "not modelled"),
        ({"seen": "never"}, "expected a date"),
        ({"job": None}, "no missing values"),
    ],
)
def test_conditions_that_cannot_be_are_refused_in_words(model: Model, where: dict[str, object], word: str) -> None:
    with pytest.raises(OptionError, match=word):
        model.sample(1, where=where)


def test_conditions_are_read_as_they_are_typed() -> None:
    assert parse_where(["a=1", "b>=2", "c=>50K", "d<3", "e=x=y"]) == {
        "a": "1",
        "b": ">=2",
        "c": ">50K",
        "d": "<3",
        "e": "x=y",
    }
    for bad in (["age"], ["=3"], ["a=1", "a=2"]):
        with pytest.raises(OptionError):
            parse_where(bad)


def test_a_saved_model_makes_the_same_rows(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "people.safetensors"
    model.save(file)
    again = gankit.load(file)
    assert rows_of(again, 50, seed=3) == rows_of(model, 50, seed=3)
    assert again.card == json.loads(json.dumps(model.card))


def test_inspect_needs_no_torch(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "people.safetensors"
    model.save(file)
    code = (
        "import sys, json, gankit; card = gankit.inspect(sys.argv[1]); assert 'torch' not in sys.modules; "
        "print(json.dumps(card))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(file)], check=True, capture_output=True, text=True)
    card = json.loads(done.stdout)
    assert card["kind"] == "table" and card["network"] == "sequential" and card["rows"]["train"] == 2400


def test_damaged_and_newer_model_files_are_refused_in_words(model: Model, tmp_path: Path) -> None:
    file = tmp_path / "people.safetensors"
    model.save(file)
    whole = file.read_bytes()
    damaged = tmp_path / "damaged.safetensors"
    for content in (b"", whole[:7], whole[:200], whole[:-1], whole + b"x", whole[: len(whole) // 2]):
        damaged.write_bytes(content)
        with pytest.raises(ModelError):
            gankit.load(damaged)
        with pytest.raises(ModelError):
            gankit.inspect(damaged)
    for position in (len(whole) - 9, len(whole) // 2, 4000):
        damaged.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        with pytest.raises(ModelError):
            gankit.load(damaged)
    damaged.write_bytes(whole.replace(b'{\\"format\\": 2,', b'{\\"format\\": 9,'))
    assert damaged.read_bytes() != whole
    with pytest.raises(ModelError, match="newer"):
        gankit.load(damaged)
    with pytest.raises(ModelError, match="no model"):
        gankit.load(tmp_path / "nothing")


def test_what_came_as_an_array_comes_out_as_one() -> None:
    x = numpy_generator(1, "array").normal(size=(300, 3)).astype(np.float32)
    model = gankit.train(x, samples="3k", evaluations=1)
    made = model.sample(17, seed=2)
    assert made.dtype == np.float32 and made.shape == (17, 3)
    np.testing.assert_array_equal(model.sample(5, seed=2, offset=12), made[12:])
    with pytest.raises(OptionError, match="given"):
        model.sample(1, where={"x0": 1})


def test_a_dataframe_comes_out_with_its_columns_and_types() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(people(600))
    frame["born"] = pandas.to_datetime(frame["born"])
    frame["job"] = frame["job"].astype("category")
    made = gankit.train(frame, samples="5k", evaluations=1).sample(25)
    assert list(made.columns) == list(frame.columns)
    assert made.dtypes.astype(str).tolist() == frame.dtypes.astype(str).tolist()


def test_a_one_shot_generator_obeys_given_columns_only(tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    rows = [{k: v for k, v in row.items() if k in ("age", "income", "job")} for row in people(800)]
    file.write_text("\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n")
    model = gankit.train(file, network="residual", given=["income"], samples="8k", evaluations=1)
    made = rows_of(model, 300, where={"income": ">50K"})
    assert {row["income"] for row in made} == {">50K"}
    share = np.mean([row["income"] == ">50K" for row in rows_of(model, 4000)])
    assert abs(share - np.mean([row["income"] == ">50K" for row in rows])) < 0.05
    with pytest.raises(OptionError, match="--given age"):
        rows_of(model, 3, where={"age": 30})


# --- parts ------------------------------------------------------------------------------------------------------------


@given(st.integers(0, 100_000), st.integers(1, 40), st.integers(0, 50_000))
@settings(deadline=None)
def test_parts_follow_one_another_and_are_all(model: Model, n: int, count: int, offset: int) -> None:
    parts = [model.part(n, i, count, offset) for i in range(count)]
    ends = [offset, *(first + rows for first, rows in parts)]
    assert [first for first, _ in parts] == ends[:-1] and ends[-1] == offset + n
    assert all(rows >= 0 for _, rows in parts)
    if n // count >= model.block:  # no block is made twice
        assert all(first % model.block == 0 for first, _ in parts[1:])


@pytest.mark.parametrize("index, count", [(2, 2), (-1, 2), (0, 0)])
def test_there_is_no_other_part(model: Model, index: int, count: int) -> None:
    with pytest.raises(OptionError, match=f"no part {index}"):
        model.part(10, index, count)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_shards_together_are_the_whole(model: Model, tmp_path: Path, suffix: str) -> None:
    model.save(tmp_path / "model.safetensors")
    command = ["sample", str(tmp_path / "model.safetensors"), "-n", "20k", "--seed", "5", "--offset", "11", "--quiet"]
    names = [["whole", ()], *([f"{i}", ("--shard", f"{i}/3")] for i in range(3))]
    for name, more in names:
        assert run([*command, *more, "-o", str(tmp_path / f"{name}.{suffix}")]) == 0
    if suffix == "csv":
        whole, *parts = ((tmp_path / f"{name}.csv").read_bytes().split(b"\n", 1) for name, _ in names)
        assert all(header == whole[0] for header, _ in parts) and b"".join(rows for _, rows in parts) == whole[1]
    else:
        whole, *parts = (parquet.read_table(tmp_path / f"{name}.parquet") for name, _ in names)
        assert pa.concat_tables(parts).equals(whole)


@pytest.mark.parametrize("shard", ["3/3", "1", "a/b", "-1/2", "0/0"])
def test_odd_shards_are_refused(shard: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["sample", str(tmp_path), "-n", "5", f"--shard={shard}"]) == 2
    assert "is no part of several. Parts are 0/4" in capsys.readouterr().err
