"""Series in tables that take more memory than they may: the windows and models from memory, and every refusal."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import gankit
from gankit.columns import rows
from gankit.errors import DataError, OptionError
from gankit.io import large
from gankit.kinds import prepare
from gankit.kinds.base import Prepared
from gankit.kinds.series import stored
from gankit.kinds.series.records import StoredSeries, layout_of
from gankit.run.options import build_config

SMALL = "400kB"
"""Memory in which none of these tables fits."""


def one(num: int = 12_000) -> pd.DataFrame:
    """A long series: a walk, a cycle with noise, and a state."""
    rng = np.random.default_rng(0)
    walk = np.cumsum(rng.normal(size=num))
    cycle = 10 * np.sin(np.arange(num) / 24) + rng.normal(size=num)
    when = pd.date_range("2020", periods=num, freq="h")
    state = np.where(walk > 0, "on", "off")
    return pd.DataFrame({"when": when, "load": (100 + walk).round(3), "temp": cycle.round(2), "state": state})


def many(num: int = 120) -> pd.DataFrame:
    """Short series of different lengths, with what belongs to each as a whole."""
    rng = np.random.default_rng(1)
    parts = []
    for i in range(num):
        steps = int(rng.integers(60, 110))
        walk = np.cumsum(rng.normal(size=steps)).round(2)
        parts.append(pd.DataFrame({"id": f"p{i:04d}", "t": np.arange(steps) * 1.0, "sex": "mf"[i % 2], "v": walk}))
    return pd.concat(parts)


def gaps() -> pd.DataFrame:
    """A long series with missing cells and absent steps."""
    frame, rng = one(), np.random.default_rng(2)
    frame.loc[rng.random(len(frame)) < 0.05, "temp"] = np.nan
    return frame[(rng.random(len(frame)) > 0.04) | (frame.when.dt.hour < 6)]  # not where clocks change


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a frame to a file of that name."""

    def written(frame: pd.DataFrame, name: str) -> Path:
        path = tmp_path / name
        if name.endswith(".parquet"):
            frame.to_parquet(path, row_group_size=3_000, index=False)
        else:
            frame.to_csv(path, index=False)
        return path

    return written


@pytest.fixture
def whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows say what the columns are, and they are read and looked at in small parts."""
    monkeypatch.setattr(rows, "LEAST_SOME", 10**6)
    monkeypatch.setattr(large, "CHUNK", 4_096)
    monkeypatch.setattr(stored, "SWEPT", 7_001)


def prepared(path: Path, memory: str | None, **options: Any) -> tuple[Prepared[Any, Any], list[str]]:
    notes: list[str] = []
    return prepare(path, build_config({"kind": "series", "memory": memory, **options}), notes), notes


@pytest.mark.parametrize(
    ("frame", "name", "slices", "options"),
    [
        (one, "t.parquet", True, {}),
        (one, "t.csv", True, {"window": 30, "stride": 7}),
        (many, "t.csv", False, {"entity": ["id"]}),
        (many, "t.parquet", True, {"entity": ["id"], "window": 16}),
        (gaps, "t.csv", False, {"stride": 2, "calendar": ["month"]}),
    ],
)
@pytest.mark.usefixtures("whole")
def test_windows_from_disk_are_those_from_memory(
    frame: Any, name: str, slices: bool, options: dict[str, Any], write: Any
) -> None:
    path = write(frame(), name)
    (found, notes), (memory, _) = prepared(path, SMALL, **options), prepared(path, None, **options)
    assert isinstance(found.train, StoredSeries) and not isinstance(memory.train, StoredSeries)
    coded = found.train.coded
    assert (coded.rows is not None) == slices, "windows without gaps are slices of one file"
    assert isinstance(coded.x, np.memmap)
    assert found.schema == memory.schema and found.origin == memory.origin
    assert found.codec.to_json() == memory.codec.to_json()
    assert np.array_equal(coded.x if coded.rows is None else coded.x[coded.rows], memory.codec.encode(memory.train))
    assert np.array_equal(memory.codec.encode(memory.heldout), found.codec.encode(found.heldout))
    assert (found.num_train, found.num_heldout) == (memory.num_train, memory.num_heldout)
    in_memory = memory.kind.coded(memory, memory.train)
    assert (in_memory.rows is not None) == slices
    x = in_memory.x if in_memory.rows is None else in_memory.x[in_memory.rows]
    assert np.array_equal(x, memory.codec.encode(memory.train)), "in memory too, where windows share steps"
    if memory.given is not None:
        assert coded.given is not None
        assert np.array_equal(np.floor(memory.given.encode(memory.train.values)), coded.given)
    assert any("--memory" in note and f"{len(frame()):,}" in note for note in notes)


def test_a_gap_that_only_held_out_windows_have_is_bridged(write: Any) -> None:
    frame = one()
    frame.loc[600, "temp"] = np.nan  # the first held-out piece begins at 480
    found, _ = prepared(write(frame, "t.csv"), None)
    assert found.codec.by_step is not None and np.isnan(found.heldout.cells["temp"].data).any()
    coded = found.kind.coded(found, found.heldout)
    x = coded.x if coded.rows is None else coded.x[coded.rows]
    assert np.array_equal(x, found.codec.encode(found.heldout))


@pytest.mark.usefixtures("whole")
def test_the_model_from_disk_is_that_from_memory_to_the_byte(write: Any) -> None:
    path = write(many(), "t.parquet")
    options: Any = {"entity": ["id"], "window": 16, "samples": 800, "verbose": False}
    first = gankit.train(path, **options)
    again = gankit.train(path, memory=SMALL, **options)
    mine, other = first.generator.state_dict(), again.generator.state_dict()
    assert all(torch.equal(mine[name], other[name]) for name in mine)
    assert first.sample(20, seed=3).equals(again.sample(20, seed=3))
    assert again.card["options"]["memory"] == "400000", "so that a run is resumed alike"
    assert again.card["rows"] == first.card["rows"]


def test_what_a_late_step_alone_shows_is_learned(write: Any) -> None:
    frame = one(30_000)
    frame.loc[24_321, ["load", "state"]] = [9_999.0, "broken"]
    frame.loc[20_123, "temp"] = np.nan
    found, _ = prepared(write(frame, "t.csv"), SMALL)
    assert isinstance(found.train, StoredSeries) and found.num_train > 7_000 > len(found.train)
    assert "broken" in found.schema.column("state").levels
    (load, temp) = found.codec.channels
    assert load.high == 9_999.0 and temp.num_markers == 1
    report = found.kind.preview_real(found, 8)
    assert report is not None and report.records.shape[1:] == (24, 3)


def test_a_rule_that_a_late_step_breaks_is_dropped(write: Any) -> None:
    frame = one(30_000)
    frame["double"] = 2 * frame["load"]
    path = write(frame, "t.parquet")
    assert any("double" in rule.text for rule in prepared(path, SMALL)[0].codec.rules.rules)
    frame.loc[24_323, "double"] = 1.0
    path = write(frame, "t.parquet")
    assert not any("double" in rule.text and "=" in rule.text for rule in prepared(path, SMALL)[0].codec.rules.rules)
    with pytest.raises(OptionError, match="break it"):
        prepared(path, SMALL, rule=["double = 2 * load"])


def test_times_on_no_grid_are_learned_from_disk(write: Any) -> None:
    frame = one()
    apart = np.random.default_rng(3).integers(1, 5000, len(frame))
    frame["when"] = pd.Timestamp("2020") + pd.to_timedelta(np.cumsum(apart), unit="s")
    found, notes = prepared(write(frame, "t.csv"), SMALL)
    times = layout_of(found.origin).times
    assert times is not None and times.grid is None and times.step == "when step"
    assert any("no regular distance" in note for note in notes)


def test_rows_that_are_not_in_order_are_told_by_their_number(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "CHUNK", 4_096)
    frame = one()
    frame.loc[[9_000, 9_001], "when"] = frame.loc[[9_001, 9_000], "when"].to_numpy()
    with pytest.raises(DataError, match=r"row 9,002, at when '.*', does not come after .* --memory"):
        prepared(write(frame, "t.csv"), SMALL)
    panel = many().sort_values("t", kind="stable")
    with pytest.raises(DataError, match=r"row 121 is of a series of id that other rows have come after"):
        prepared(write(panel, "t.csv"), SMALL, entity=["id"])
    late = many()
    late["sex"] = [*late["sex"][:-1], "x"]
    with pytest.raises(DataError, match=rf"--attributes sex: .* row {len(late):,} is the first that differs"):
        prepared(write(late, "t.csv"), SMALL, entity=["id"], attributes=["sex"])
    late["id"] = [*late["id"][:-1], None]
    with pytest.raises(DataError, match=rf"--entity id: row {len(late):,} has none"):
        prepared(write(late, "t.parquet"), SMALL, entity=["id"])


def test_a_cell_of_another_type_is_told_by_its_row(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "LEVELS", 50)
    frame = one().astype({"load": str})
    frame.loc[11_234, "load"] = "much"
    with pytest.raises(DataError, match=r"'load', row 11,235: expected a number, found 'much'"):
        prepared(write(frame, "t.csv"), SMALL)


def test_a_file_of_series_that_changes_while_it_is_read_is_refused(write: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path, before = write(one(), "t.csv"), large.Large.some

    def meanwhile(self: large.Large, *rest: Any) -> large.Some:
        found = before(self, *rest)
        with path.open("a") as file:
            file.write("2030-01-01,1,2,on\n")
        return found

    monkeypatch.setattr(large.Large, "some", meanwhile)
    with pytest.raises(DataError, match="has changed while it was read"):
        prepared(path, SMALL)


def test_local_times_that_a_clock_shows_twice_are_refused_in_words(write: Any) -> None:
    frame = one()
    local = pd.date_range("2024-03-20", periods=len(frame), freq="h", tz="UTC").tz_convert("Europe/Berlin")
    frame["when"] = local.tz_localize(None)
    with pytest.raises(DataError, match=r"'2024-10-27 02:00:00', does not come after .* UTC offsets"):
        prepared(write(frame, "t.csv"), SMALL)
