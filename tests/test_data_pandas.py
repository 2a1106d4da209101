"""DataFrames with types of pandas' own: read as what they mean, and given back as they came."""

from __future__ import annotations

import json
import uuid

import numpy as np
import pytest

from gankit.columns.inference import infer
from gankit.columns.rows import to_object
from gankit.io.reading import read
from gankit.io.records import Origin

pd = pytest.importorskip("pandas")

N = 60
X = np.random.default_rng(0).normal(size=N)
BINS = pd.arrays.IntervalArray.from_breaks(range(6), closed="left")
PLACES = np.arange(N) % 5
COLUMNS = {
    "bins": (pd.cut(X, 5), "category"),
    "days": (pd.cut(pd.Series(pd.date_range("2022", "2023", periods=N)), 4), "category"),
    "spans": (pd.cut(pd.Series(pd.to_timedelta(np.arange(N), unit="h")), 3), "category"),
    "whole": (BINS.take(PLACES), "category"),
    "gaps": (BINS.take(np.where(PLACES < 3, PLACES, -1), allow_fill=True), "category"),
    "sparse": (pd.arrays.SparseArray(np.where(PLACES < 3, 0, PLACES)), "number"),
    "sparse_nan": (pd.arrays.SparseArray(np.where(PLACES < 3, np.nan, PLACES)), "number"),
    "sparse_bool": (pd.arrays.SparseArray(PLACES < 3), "category"),
    "period": (pd.period_range("2022-01", periods=12, freq="M").take(np.arange(N) % 12), "number"),
    "timedelta": (pd.to_timedelta(np.arange(N) % 17, unit="s"), "number"),
    "nullable": (pd.array([1, None, 3] * 20, dtype="Int64"), "number"),
}


def there_and_back(frame: object) -> tuple[dict[str, str], object]:
    records = read(frame)
    schema = infer(records)
    made = schema.format(schema.parse(records.table), len(records), first_row=0, seed=0)
    kept = Origin.from_json(json.loads(json.dumps(records.origin.to_json())))
    return {c.name: c.type for c in schema.columns}, to_object(made, kept)


@pytest.mark.parametrize("name", COLUMNS)
def test_a_column_comes_back_with_its_type_and_cells(name: str) -> None:
    cells, kind = COLUMNS[name]
    frame = pd.DataFrame({"x": X, name: cells})
    types, back = there_and_back(frame)
    assert types[name] == kind
    pd.testing.assert_frame_equal(back, frame)


def test_columns_of_several_levels_are_one_name_each_and_come_back_so() -> None:
    frame = pd.DataFrame({"k": PLACES, "v": X}).groupby("k").agg({"v": ["mean", "max"]}).reset_index()
    notes: list[str] = []
    assert read(frame, notes=notes).table.column_names == ["k", "v/mean", "v/max"]
    assert "'v/mean'" in notes[0]
    named = pd.DataFrame(X.reshape(-1, 4), columns=pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["l", None]))
    _, back = there_and_back(named)
    pd.testing.assert_frame_equal(back, named)


def test_an_index_of_rows_that_is_left_out_is_named() -> None:
    index = pd.MultiIndex.from_product([range(N // 2), ["u", "v"]], names=["id", "part"])
    notes: list[str] = []
    read(pd.DataFrame({"x": X}, index=index), notes=notes)
    assert notes == ["the DataFrame's index (id, part) is left out; reset_index() makes it a column"]


def test_uuids_are_texts() -> None:
    frame = pd.DataFrame({"x": X, "u": [uuid.UUID(int=2**100 * (i + 1)) for i in range(N)]})
    assert read(frame).table.column("u")[0].as_py() == str(uuid.UUID(int=2**100))
