"""Series in: tables with a step a row, arrays, and the files of the field; every mistake in one sentence."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gankit.columns.column import Values
from gankit.columns.splitting import covered, split_in_time, windows_of
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.probe import Probe
from gankit.io.reading import read
from gankit.kinds import KINDS
from gankit.kinds.series.files import times_after, to_series_object, write_series
from gankit.kinds.series.preparing import looks_like_series, read_series
from gankit.kinds.series.records import Grid, Layout, Series, Times, drawn_starts, find_grid, runs_of
from gankit.kinds.series.tables import series_of_table
from gankit.run.options import build_config


def series_of(source: Any, **options: Any) -> tuple[Series, list[str]]:
    notes: list[str] = []
    return read_series(source, build_config(options), notes), notes


def hourly(count: int, start: str = "2024-03-30") -> pd.DataFrame:
    times = pd.date_range(start, periods=count, freq="h")
    return pd.DataFrame({"when": times, "load": np.arange(count) * 0.5, "state": ["on", "off"] * (count // 2)})


# --- tables with a step a row ---------------------------------------------------------------------------------------


def test_the_time_and_its_distance_are_found(tmp_path: Path) -> None:
    file = tmp_path / "load.csv"
    hourly(48).to_csv(file, index=False)
    series, notes = series_of(file)
    assert series.lengths.tolist() == [48] and series.steps.column_names == ["load", "state"]
    assert series.layout.times is not None
    assert series.layout.times.grid == Grid("second", 3600.0) and series.layout.times.names == ("when",)
    assert any(note.startswith("time: when.") for note in notes)


@pytest.mark.parametrize("form", ["csv", "parquet", "frame", "array", "float32"])
@pytest.mark.parametrize("usual", [0, 2])
def test_channels_keep_their_usual_decimals(tmp_path: Path, form: str, usual: int) -> None:
    x = np.cumsum(np.random.default_rng(0).normal(size=2400)).round(usual)
    x[[7, 900]] += 1 / 3  # two odd cells, as a mean of three
    texts = [f"{v:.{usual if v == round(v, usual) else 8}f}" for v in x.tolist()]
    frame = pd.DataFrame({"when": pd.date_range("2024", periods=2400, freq="h"), "c0": texts if form == "csv" else x})
    source: Any = tmp_path / f"t.{form}"
    if form == "csv":
        frame.to_csv(source, index=False)
    elif form == "parquet":
        frame.to_parquet(source)
    else:
        source = frame if form == "frame" else x.reshape(-1, 24).astype("f4" if form == "float32" else "f8")
    options = build_config({"kind": "series", "window": 24})
    with Probe(source) as probe:
        (column,) = KINDS["series"].prepare(probe, options, []).schema.modelled
    made = column.format(Values(np.linspace(x.min(), x.max(), 500), np.zeros(500, np.int8))).to_pylist()
    assert (
        {len(str(cell).partition(".")[2]) for cell in made} == {usual}
        if form == "csv"
        else all(float(cell) == pytest.approx(round(float(cell), usual), rel=1e-6) for cell in made)
    )


def test_a_table_without_times_is_read_in_the_order_of_its_rows() -> None:
    series, notes = series_of(pd.DataFrame({"a": [3.0, 1.0, 2.0], "b": [1, 2, 4]}))
    assert series.times is None and series.steps.column("a").to_pylist() == [3.0, 1.0, 2.0]
    assert any("none found" in note for note in notes)


def test_entities_are_told_apart_and_what_never_changes_belongs_to_the_whole() -> None:
    frame = pd.concat([hourly(4).assign(who="ann", age=30), hourly(6).assign(who="bob", age=41)])
    mixed = frame.sort_values("when", kind="stable")  # rows of both take turns
    series, notes = series_of(mixed, entity="who")
    assert series.lengths.tolist() == [4, 6] and series.entities is not None
    assert series.entities.to_pydict() == {"who": ["ann", "bob"]}
    assert series.labels is not None and series.labels.to_pydict() == {"age": [30, 41]}
    assert series.steps.column_names == ["load", "state"]
    assert any("the same at every step" in note and "age" in note for note in notes)


@pytest.mark.parametrize("entity", ["shop+ware", ["shop", "ware"], ("ware", "shop"), "a+b", ["a+b", "ware"]])
def test_several_columns_tell_series_apart_together(entity: Any) -> None:
    parts = [hourly(4).assign(shop=s, ware=w) for s in (1, 2) for w in ("x", "y", "z")]
    frame = pd.concat(parts).sort_values("when", kind="stable")
    frame["a+b"] = frame["shop"].astype(str) + (frame["ware"] if entity == "a+b" else "")
    series, notes = series_of(frame, entity=entity)
    assert series.lengths.tolist() == [4] * 6 and series.labels is not None and series.entities is not None
    assert series.steps.column_names == ["load", "state"]
    if entity != "a+b":  # a column of that very name is meant
        assert series.entities.column("ware").to_pylist() == ["x", "y", "z"] * 2
        assert "shop" in series.labels.column_names, "what is there for several series is kept as it is"
        assert any("new names of ware" in note and "--given ware" in note for note in notes)
    assert Layout.from_json(json.loads(json.dumps(series.layout.to_json()))) == series.layout


def test_a_layout_of_before_has_one_column_that_tells_series_apart() -> None:
    series, _ = series_of(hourly(4).assign(who="ann"), entity="who")
    value = series.layout.to_json()
    assert Layout.from_json({**value, "entity": value["entity"][0]}) == series.layout
    assert Layout.from_json({**value, "entity": None}).entity == ()


def test_rows_in_another_order_are_sorted_and_a_note_says_so() -> None:
    series, notes = series_of(hourly(10).iloc[::-1])
    assert series.steps.column("load").to_pylist() == [0.5 * i for i in range(10)]
    assert any("sorted by it" in note for note in notes)


def test_times_in_several_columns_are_one_time() -> None:
    times = pd.date_range("2023-12-30 20:00", periods=30, freq="h")
    frame = pd.DataFrame({"year": times.year, "month": times.month, "day": times.day, "hour": times.hour})
    series, notes = series_of(frame.assign(pm=np.arange(30.0)))
    assert series.layout.times is not None and series.layout.times.names == ("year", "month", "day", "hour")
    assert series.layout.times.grid == Grid("second", 3600.0) and series.steps.column_names == ["pm"]
    assert series.times is not None and series.times[0] == times[0].timestamp()
    assert any("year+month+day+hour" in note for note in notes)


def test_a_day_and_a_time_of_day_are_one_time_and_are_written_as_two(tmp_path: Path) -> None:
    times = pd.date_range("2006-12-16 17:24", periods=2000, freq="min")
    frame = pd.DataFrame({"Date": times.strftime("%d/%m/%Y"), "Time": times.strftime("%H:%M:%S"), "x": np.arange(2000)})
    frame.to_csv(tmp_path / "power.csv", index=False, sep=";")
    series, notes = series_of(tmp_path / "power.csv")
    assert series.layout.times is not None and series.layout.times.names == ("Date", "Time")
    assert series.layout.times.grid == Grid("second", 60.0) and any("time: Date+Time" in note for note in notes)
    write_series([series], tmp_path / "again.csv", series.origin)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "again.csv", sep=";").drop(columns="series"), frame)
    with pytest.raises(DataError, match="a column of days and one of"):
        series_of(tmp_path / "power.csv", time="Time+Date")


PARTS: list[tuple[str, dict[str, Any], str]] = [
    ("Date Hour", {"Date": "%Y-%m-%d", "Hour": "%-H"}, ""),
    ("hours to 24", {"YYYYMMDD": "%Y%m%d", "HH": 1}, "YYYYMMDD+HH"),
    ("hours to 24 in parts", {"year": "%Y", "month": "%-m", "day": "%-d", "hour": 1}, ""),
    ("two digits", {"date": "%d/%m/%Y", "hr": "%H"}, ""),
    ("points", {"Date": "%d/%m/%Y", "Time": "%H.%M.%S"}, ""),
    ("four digits", {"DATE": "%Y%m%d", "HHMM": "%H%M"}, ""),
    ("minutes", {"date": "%Y-%m-%d", "hour": "%-H", "minute": "%-M"}, ""),
    ("other names", {"yr": "%Y", "mo": "%-m", "dy": "%-d", "h": "%-H"}, "yr+mo+dy+h"),
]


@pytest.mark.parametrize(("columns", "time"), [case[1:] for case in PARTS], ids=[case[0] for case in PARTS])
def test_a_day_and_an_hour_are_one_time_and_are_written_as_they_came(
    tmp_path: Path, columns: dict[str, Any], time: str
) -> None:
    times = pd.date_range("2020-02-28 03:00", periods=120, freq="h")
    frame = pd.DataFrame(
        {name: times.hour + 1 if form == 1 else times.strftime(form) for name, form in columns.items()}
    )
    frame.assign(x=np.arange(120) / 4).to_csv(tmp_path / "a.csv", index=False)
    series, notes = series_of(tmp_path / "a.csv", kind="series", **({"time": time} if time else {}))
    assert series.layout.times is not None and series.layout.times.grid == Grid("second", 3600.0)
    assert time or any(f"time: {'+'.join(columns)}. Override" in note for note in notes)
    write_series([series], tmp_path / "b.csv", series.origin)
    again = pd.read_csv(tmp_path / "b.csv", dtype=str).drop(columns="series")
    pd.testing.assert_frame_equal(again, pd.read_csv(tmp_path / "a.csv", dtype=str))
    assert Times.from_json(json.loads(json.dumps(series.layout.times.to_json()))) == series.layout.times
    value = series.layout.times.to_json()
    assert Times.from_json({name: value[name] for name in value if name != "first_hour"}).first_hour == 0


def test_steps_of_times_in_two_columns_are_as_fine_as_the_finer_one() -> None:
    steps = np.cumsum([0, 5, 61, 7, 300, 44, 3, 250, 90, 18]) * 60
    times = pd.Timestamp("2024-01-01 18:00") + pd.to_timedelta(steps, unit="s")
    frame = pd.DataFrame({"date": times.strftime("%Y-%m-%d"), "clock": times.strftime("%H:%M"), "x": np.arange(10.0)})
    found = series_of(frame)[0].layout.times
    assert found is not None and found.grid is None and found.grain == 60.0
    split = frame.assign(hour=times.hour, minute=times.minute).drop(columns="clock")
    found = series_of(split)[0].layout.times
    assert found is not None and found.names == ("date", "hour", "minute") and found.grain == 60.0


def test_months_without_days_are_times_and_come_back_as_months(tmp_path: Path) -> None:
    months = pd.date_range("1949-01-01", periods=144, freq="MS").strftime("%Y-%m")
    frame = pd.DataFrame({"Month": months, "Passengers": 100 + np.arange(144) % 12})
    frame.to_csv(tmp_path / "air.csv", index=False)
    series, _ = series_of(tmp_path / "air.csv")
    assert series.layout.times is not None and series.layout.times.grid == Grid("month", 1.0)
    write_series([series], tmp_path / "again.csv", series.origin)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "again.csv").drop(columns="series"), frame)


@pytest.mark.parametrize(("form", "step", "grid"), [("W", 7, Grid("second", 604800.0)), ("Q", 92, Grid("month", 3.0))])
def test_weeks_and_quarters_are_times_and_come_back_as_they_were(
    tmp_path: Path, form: str, step: int, grid: Grid
) -> None:
    days = pd.date_range("2016-01-04", periods=120, freq=f"{step}D")
    periods = days.strftime("%G-W%V") if form == "W" else [f"{2016 + i // 4}Q{i % 4 + 1}" for i in range(120)]
    frame = pd.DataFrame({"when": periods, "sales": 100 + np.arange(120) % 12})
    frame.to_csv(tmp_path / "sales.csv", index=False)
    series, _ = series_of(tmp_path / "sales.csv")
    assert series.layout.times is not None and series.layout.times.grid == grid
    write_series([series], tmp_path / "again.csv", series.origin)
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "again.csv").drop(columns="series"), frame)


def test_steps_that_are_absent_have_no_row_and_the_next_one_says_how_far_it_is() -> None:
    frame = hourly(40).drop(index=[7, 20, 21])
    series, notes = series_of(frame)
    assert series.lengths.tolist() == [37]
    assert series.steps.column("load").to_pylist()[6:9] == [3.0, 4.0, 4.5]
    assert series.steps.column("when step").to_pylist()[6:9] == [1, 2, 1]
    assert any("3 of 40 steps 1 hour apart are absent" in note for note in notes)
    times = series.layout.times
    assert times is not None and times.grid == Grid("second", 3600.0) and series.times is not None
    distances = np.asarray(series.steps.column("when step"), dtype=np.float64)
    np.testing.assert_array_equal(times_after(series.times[:1], series.lengths, times.grid, distances), series.times)
    whole = replace(series.layout, times=replace(times, step=None))  # of a model of series without absent steps
    assert series_of_table(read(frame), TrainConfig(), [], whole).steps.column_names == ["load", "state"]


def bars(days: pd.DatetimeIndex, minutes: int = 30) -> pd.DataFrame:
    """Bars of trading days, 9:30 to 16:00."""
    clock = pd.timedelta_range("9h30min", "16h", freq=f"{minutes}min")
    times = pd.DatetimeIndex([day + c for day in days for c in clock])
    return pd.DataFrame({"when": times, "price": 100 + np.arange(len(times)) * 0.01})


def test_hours_and_days_at_which_nothing_ever_happens_leave_the_grid() -> None:
    days = pd.bdate_range("2024-01-01", periods=30)
    for frame, absent in ((bars(days), 0), (bars(days.delete([7])), 14)):
        series, notes = series_of(frame)
        times = series.layout.times
        assert times is not None and times.grid is not None and times.grid.sessions
        assert any("steps 30 minutes within sessions apart are absent" in note for note in notes) == (absent > 0)
        assert (times.step is None) == (absent == 0) and Times.from_json(
            json.loads(json.dumps(times.to_json()))
        ) == times
        assert series.times is not None
        starts = series.times[:50]
        after = times.grid.after(np.repeat(starts, 24), np.tile(np.arange(24), 50))
        made = pd.to_datetime(after, unit="s")
        assert (made.day_of_week < 5).all() and made.min() >= days[0]
        clock = (made - made.normalize()) / pd.Timedelta(hours=1)
        assert clock.min() == 9.5 and clock.max() == 16.0
        np.testing.assert_array_equal(times.grid.between(np.repeat(starts, 24), after), np.tile(np.arange(24), 50))


@pytest.mark.parametrize(
    ("times", "grid"),
    [
        (pd.date_range("2024-01-01", periods=300, freq="h"), Grid("second", 3600.0)),
        (pd.bdate_range("2024-01-01", periods=60), Grid("weekday", 1.0)),
        (pd.DatetimeIndex([f"2024-01-{d:02d} {h:02d}:00" for d in range(1, 10) for h in (8, 12, 20)]),
         Grid("second", 4 * 3600.0, ((28800.0, 14400.0, 2), (72000.0, 0.0, 1)), 86400.0)),
        (pd.DatetimeIndex([d for d in pd.date_range("2024-01-01", periods=70) if d.day_of_week < 6]),
         Grid("second", 86400.0, ((0.0, 86400.0, 6),), 7 * 86400.0)),
        (pd.Timestamp("2024-01-01") + pd.to_timedelta(np.cumsum(np.arange(1, 200) ** 2 % 97 + 1), unit="min"), None),
    ],
    ids=["hours", "business days", "three times a day", "no Sundays", "irregular"],
)  # fmt: skip
def test_sessions_are_found_where_they_repeat(times: pd.DatetimeIndex, grid: Grid | None) -> None:
    series, _ = series_of(pd.DataFrame({"when": times, "x": np.arange(len(times)) * 1.0}))
    assert series.layout.times is not None and series.layout.times.grid == grid


def test_irregular_times_become_a_channel_of_distances() -> None:
    steps = np.cumsum([0, 5, 61, 7, 300, 44, 3, 250, 90, 18])
    frame = pd.DataFrame({"when": pd.Timestamp("2024-01-01") + pd.to_timedelta(steps, unit="s"), "x": np.arange(10.0)})
    series, _ = series_of(frame)
    assert series.layout.times is not None and series.layout.times.grid is None
    assert series.steps.column("when step").to_pylist() == [5, 5, 61, 7, 300, 44, 3, 250, 90, 18]


def test_a_frames_index_of_times_is_its_time() -> None:
    series, notes = series_of(hourly(30).set_index("when"))
    assert series.layout.times is not None and series.layout.times.names == ("when",)
    assert any("index holds times" in note for note in notes)


MISTAKES = [
    (
        lambda: pd.concat([hourly(6), hourly(6).assign(state="x")]).sort_values("when"),
        {},
        "rows 1 and 2 are both at when",
    ),
    (lambda: hourly(6), {"entity": "whom"}, "no column 'whom'"),
    (lambda: hourly(6), {"entity": "load+whom"}, "no column 'whom'"),
    (lambda: hourly(6), {"entity": "state+when", "time": "when"}, "cannot be the time"),
    (lambda: pd.concat([hourly(6).assign(a=a, b=b) for a in "xy" for b in "uv"]), {"entity": "a"}, "--entity a[+]b"),
    (lambda: hourly(6), {"time": "wen"}, "Did you mean 'when'"),
    (lambda: hourly(6), {"time": "state"}, "its cells are no times"),
    (lambda: hourly(6).assign(d="2020-01-01", h=[0, 1, 2, 3, 4, 30]), {"time": "d+h"}, "no hour: it goes from 0 to 30"),
    (lambda: hourly(6).assign(d="2020-01-01", h=[0, 1, 2, 3, 4, 24]), {"time": "d+h"}, "no hour: it goes from 0 to 24"),
    (lambda: hourly(6), {"attributes": ("load",)}, "is not the same at every step"),
    (lambda: hourly(6).assign(when=None), {"time": "when"}, "its cells are no times"),
    (lambda: hourly(6).assign(e=range(6)), {"entity": "e"}, "every series of --entity e has one step"),
    (lambda: hourly(2).iloc[:1], {}, "there is one step"),
    (lambda: hourly(6).assign(e=["a"] * 5 + [None]), {"entity": "e"}, "row 6 has none"),
]


@pytest.mark.parametrize(("make", "options", "says"), MISTAKES, ids=[says for _, _, says in MISTAKES])
def test_mistakes_in_tables_are_named(make: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises((DataError, OptionError), match=says):
        series_of(make(), **options)


def test_a_column_that_would_tell_series_apart_is_named_where_times_repeat() -> None:
    frame = pd.concat([hourly(6).assign(site="north"), hourly(6).assign(site="south")])
    with pytest.raises(DataError, match="--entity site"):
        series_of(frame.sort_values("when"))
    _, notes = series_of(curves().sort_values(["t", "id"]))
    assert any("none found" in note and "--time t --entity id" in note for note in notes)


def curves(num: int = 60) -> pd.DataFrame:
    """Curves of 40 steps or fewer, with a counter that begins at 0 in each, and what belongs to a whole one."""
    parts = [pd.DataFrame({"id": i + 1, "t": np.arange(40 - i % 5), "kind": "ab"[i % 2]}) for i in range(num)]
    frame = pd.concat(parts, ignore_index=True)
    return frame.assign(y=np.sin(np.arange(len(frame)) ** 2).round(3))


ANEW: list[tuple[dict[str, str], list[str], list[str]]] = [
    ({}, ["id"], ["kind"]),
    ({"id": "unit", "t": "cycle"}, ["unit"], ["kind"]),
    ({"t": "x"}, ["id"], ["kind"]),
    ({"id": "", "kind": ""}, [], []),
    ({"id": "", "kind": "", "t": "x"}, [], []),
]


@pytest.mark.parametrize(("names", "entity", "labels"), ANEW)
def test_time_that_goes_back_to_its_start_begins_a_new_series(
    tmp_path: Path, names: dict[str, str], entity: list[str], labels: list[str]
) -> None:
    frame = curves().drop(columns=[name for name, new in names.items() if not new]).rename(columns=names)
    frame.to_csv(tmp_path / "curves.csv", index=False)
    series, notes = series_of(tmp_path / "curves.csv", kind="series")
    assert len(series) == 60 and series.lengths[:6].tolist() == [40, 39, 38, 37, 36, 40]
    assert [column.name for column in series.layout.entity] == entity and series.steps.column_names == ["y"]
    assert (series.labels is None and not labels) or series.labels.column_names == labels  # type: ignore[union-attr]
    assert any("goes back to its start: 60 series" in note and "--entity" in note for note in notes)
    other = frame[frame[names.get("t", "t")] < 30]
    again = series_of_table(read(other), TrainConfig(), [], series.layout)  # others of the same layout
    assert len(again) == 60 and again.steps.column_names == ["y"]


def test_dates_that_go_back_to_their_start_begin_a_new_series() -> None:
    frame = pd.concat([hourly(60), hourly(40).assign(load=1.5)], ignore_index=True)
    assert series_of(frame)[0].lengths.tolist() == [60, 40]
    series, _ = series_of(frame.assign(site=["north"] * 60 + ["south"] * 40))
    assert series.layout.entity[0].name == "site" and series.entities is not None


@pytest.mark.parametrize("name", ["{}", "curve{}"])
def test_columns_that_are_numbered_may_be_steps_or_series_which_a_note_says(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(60, 30))
    _, notes = series_of(pd.DataFrame(x, columns=[name.format(i) for i in range(1, 31)]), kind="series")
    assert any("are channels of one series" in note and "[series, steps]" in note for note in notes)
    assert not any("channels of one" in note for note in series_of(pd.DataFrame(x[:, :5]).add_prefix("c"))[1])


def test_hours_of_day_after_day_and_a_clock_that_is_put_back_are_one_series() -> None:
    hours = pd.DataFrame({"hour": np.arange(480) % 24, "y": np.arange(480) % 7 * 1.0})
    assert len(series_of(hours)[0]) == 1
    local = pd.date_range("2023-10-01", periods=1500, freq="h", tz="UTC").tz_convert("Europe/Berlin").tz_localize(None)
    assert len(series_of(pd.DataFrame({"when": local, "y": np.arange(1500) % 9}))[0]) == 1


HINTS: list[tuple[str, pd.DataFrame, str]] = [
    ("a counter", curves(), "--time t --entity id"),
    ("dates", pd.concat([hourly(60).assign(site=s) for s in ("north", "south")]), "--time when --entity site"),
    ("parts", hourly(90).assign(d=lambda f: f["when"].dt.date, hour=lambda f: f["when"].dt.hour), "--time d[+]hour"),
    ("one", hourly(90), "--kind series"),
    ("none", curves().sample(frac=1, random_state=0), "^$"),
    ("hours", pd.DataFrame({"hour": np.arange(480) % 24, "y": np.arange(480) % 7}), "^$"),
]


@pytest.mark.parametrize(("frame", "says"), [case[1:] for case in HINTS], ids=[case[0] for case in HINTS])
def test_a_table_that_may_be_meant_as_series_gets_the_command_for_it(frame: pd.DataFrame, says: str) -> None:
    frame = frame.drop(columns="when") if "hour" in frame and "when" in frame else frame
    with Probe(frame.reset_index(drop=True)) as probe:
        assert re.search(says, KINDS["series"].hint(probe, TrainConfig()) or "")


def test_a_few_times_that_repeat_are_no_reason_to_think_of_several_series() -> None:
    frame = pd.concat([hourly(60), hourly(2)]).assign(y=np.arange(62) % 7)
    with pytest.raises(DataError, match="Leave one of them out"):
        series_of(frame)


def test_a_date_that_stays_or_is_missing_is_no_time_of_steps() -> None:
    frame = pd.concat([hourly(6).assign(site="north"), hourly(6).assign(site="south")], ignore_index=True)
    frame.insert(0, "built", pd.to_datetime(["1950-01-01", "1970-05-05"]).repeat(6))
    frame.insert(0, "repaired", frame["when"].where(frame.index % 2 == 0))
    series, _ = series_of(frame, entity="site")
    assert series.layout.times is not None and series.layout.times.names == ("when",)
    assert series.labels is not None and series.labels.column_names == ["built"]


def test_two_frequencies_one_after_the_other_are_refused() -> None:
    later = hourly(40, "2024-05-01")
    later["when"] = pd.date_range("2024-04-01 01:10", periods=40, freq="10min")
    with pytest.raises(DataError, match="two frequencies: 1 hour apart at first, and 10 minutes apart from row 42"):
        series_of(pd.concat([hourly(40, "2024-03-30 09:00"), later]).assign(state=range(80)))


def test_a_row_without_a_time_is_named() -> None:
    frame = hourly(6)
    frame.loc[3, "when"] = pd.NaT
    with pytest.raises(DataError, match="row 4 has no time"):
        series_of(frame)


# --- grids ----------------------------------------------------------------------------------------------------------

GRIDS = [
    ("10min", Grid("second", 600.0)),
    ("D", Grid("second", 86400.0)),
    ("B", Grid("weekday", 1.0)),
    ("MS", Grid("month", 1.0)),
    ("ME", Grid("month-end", 1.0)),
    ("QS", Grid("month", 3.0)),
    ("YS", Grid("month", 12.0)),
]


@pytest.mark.parametrize(("frequency", "grid"), GRIDS)
def test_the_grid_is_found_and_gives_the_times_back(frequency: str, grid: Grid) -> None:
    times = np.array([t.timestamp() for t in pd.date_range("2019-01-31", periods=60, freq=frequency)])
    found = find_grid(times, np.zeros(1, dtype=np.int64), np.array([60]), True)
    assert found == grid
    steps = np.arange(60)
    np.testing.assert_allclose(grid.after(np.full(60, times[0]), steps), times)
    np.testing.assert_array_equal(grid.between(np.full(60, times[0]), times), steps)
    assert np.isnan(grid.between(times[:1], times[:1] + 0.3 * 86400 * (1 if frequency != "10min" else 0.001)))


@given(st.lists(st.integers(-100, 100), min_size=1, max_size=40))
def test_runs_hold_exactly_the_numbers_they_were_made_of(numbers: list[int]) -> None:
    runs = runs_of([float(n) for n in numbers])
    every = (np.arange(len(numbers)) + 0.5) / len(numbers)
    assert drawn_starts(runs, every).tolist() == sorted(numbers)


# --- windows --------------------------------------------------------------------------------------------------------


def test_windows_stay_within_their_series() -> None:
    assert windows_of(np.array([0, 10, 13]), np.array([10, 3, 6]), 4, 2).tolist() == [0, 2, 4, 6, 13, 15]


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 400), min_size=1, max_size=4), st.integers(2, 30), st.integers(1, 9), st.floats(0.01, 0.9)
)
def test_no_step_is_in_a_training_window_and_in_a_held_out_one(
    sizes: list[int], window: int, stride: int, fraction: float
) -> None:
    lengths = np.array(sizes)
    begins = np.cumsum(lengths) - lengths
    if max(sizes) < 2 * window:
        with pytest.raises(DataError, match="two windows of"):
            split_in_time(begins, lengths, window, stride, fraction)
        return
    train, heldout = split_in_time(begins, lengths, window, stride, fraction)
    assert len(train) and len(heldout)
    assert not (covered(train, window, sum(sizes)) & covered(heldout, window, sum(sizes))).any()
    edges = np.repeat(begins + lengths, lengths)
    assert all(begin + window <= edges[begin] for begin in (*train, *heldout))


def test_the_held_out_part_of_a_long_series_is_spread_over_its_time() -> None:
    train, heldout = split_in_time(np.zeros(1, dtype=np.int64), np.array([4000]), 24, 1, 0.2)
    steps = np.flatnonzero(covered(heldout, 24, 4000))
    assert abs(len(steps) / 4000 - 0.2) < 0.01
    assert steps.min() < 1000 < 3000 < steps.max()
    assert train.min() == 0 and train.max() == 4000 - 24, "the ends are learned"


@pytest.mark.parametrize("years", [2, 3, 4, 5, 10])
def test_no_season_is_held_out_every_year(years: int) -> None:
    train, _ = split_in_time(np.zeros(1, dtype=np.int64), np.array([years * 8760]), 24, 1, 0.2)
    seasons = np.bincount((train % 8760) // 730, minlength=12)
    assert seasons.min() > 0.4 * seasons.mean()


# --- arrays and files of the field ----------------------------------------------------------------------------------


def test_arrays_of_three_axes_are_series_by_themselves_and_of_two_when_asked() -> None:
    x = np.random.default_rng(0).normal(size=(30, 12, 3))
    assert looks_like_series(x, TrainConfig()) and not looks_like_series(x[:, :, 0], TrainConfig())
    series, _ = series_of((x, np.arange(30) % 2))
    assert series.lengths.tolist() == [12] * 30 and series.labels is not None
    assert series.labels.to_pydict()["label"] == [0, 1] * 15
    np.testing.assert_array_equal(np.array(series.steps.column("c1")), x[:, :, 1].ravel())
    flat, _ = series_of(x[:, :, 0], kind="series")
    assert flat.steps.column_names == ["value"] and len(flat) == 30


def test_images_are_no_series() -> None:
    assert not looks_like_series(np.zeros((9, 8, 8), dtype=np.uint8), TrainConfig())


def test_numbers_that_end_in_nan_are_shorter_series() -> None:
    x = np.random.default_rng(0).normal(size=(4, 6, 2))
    x[1, 4:] = np.nan
    x[2, 2, 0] = np.nan
    series, _ = series_of(x)
    assert series.lengths.tolist() == [6, 4, 6, 6]
    assert series.steps.column("c0").null_count == 1


def test_a_npz_file_gives_labels_beside_the_series(tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", x=np.random.default_rng(0).normal(size=(6, 5, 1)), y=np.arange(6) % 2)
    assert looks_like_series(tmp_path / "two.npz", TrainConfig())
    series, _ = series_of(tmp_path / "two.npz")
    assert len(series) == 6 and series.labels is not None and series.labels.column_names == ["y"]


def test_lists_of_arrays_of_several_lengths_are_series() -> None:
    items = [np.arange(n, dtype=np.float32) for n in (3, 5, 2)]
    series, _ = series_of(items, kind="series")
    assert series.lengths.tolist() == [3, 5, 2]
    assert looks_like_series([item[:, None] for item in items], TrainConfig())


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (np.zeros((2, 3, 4, 5)), "must|stand in an array"),
        (np.full((3, 4, 2), np.nan), "every number is NaN"),
        (np.array([[[1.0], [np.inf]]] * 3), "infinite"),
        ((np.zeros((5, 4, 2)), np.arange(3)), "does not go with 5 series"),
        ([np.zeros((3, 2)), np.zeros((3, 1))], "item 2"),
    ],
)
def test_mistakes_in_arrays_are_named(source: Any, says: str) -> None:
    with pytest.raises(DataError, match=says):
        series_of(source, kind="series")


def test_one_channel_may_come_before_the_steps_and_does_so_in_samples() -> None:
    x = np.random.default_rng(0).normal(size=(5, 1, 30)).astype(np.float32)
    series, _ = series_of(x, kind="series")
    assert series.steps.num_columns == 1 and series.lengths.tolist() == [30] * 5
    assert np.array_equal(to_series_object(series), x)


def test_a_number_beside_an_array_is_no_label(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", x=np.zeros((5, 1, 30)), rate=8000)
    with pytest.raises(DataError, match=r"'rate' of shape \[\] does not go with 5 series"):
        series_of(tmp_path / "x.npz", kind="series")


def ucr_lines(rows: int = 8, steps: int = 12) -> str:
    x = np.random.default_rng(0).normal(size=(rows, steps)).round(4)
    return "".join("\t".join([str(i % 2), *map(str, row)]) + "\n" for i, row in enumerate(x))


def test_lines_of_a_class_and_a_series_are_known_by_name_and_content(tmp_path: Path) -> None:
    file = tmp_path / "Wave_TRAIN.tsv"
    file.write_text(ucr_lines())
    assert looks_like_series(file, TrainConfig())
    (tmp_path / "wave.tsv").write_text(ucr_lines())
    assert not looks_like_series(tmp_path / "wave.tsv", TrainConfig()), "just numbers until someone says otherwise"
    for name in ("Wave_TRAIN.tsv", "wave.tsv"):
        series, _ = series_of(tmp_path / name, kind="series")
        assert series.lengths.tolist() == [12] * 8 and series.labels is not None
        assert series.labels.to_pydict() == {"class": ["0", "1"] * 4}


TS = """# a comment
@problemName Two
@timeStamps false
@univariate false
@classLabel true up down
@data
1,2,3:4,5,6:up
3,2:?,0.5:down
"""


def test_a_ts_file_is_read_with_its_classes_gaps_and_lengths(tmp_path: Path) -> None:
    (tmp_path / "two.ts").write_text(TS)
    assert looks_like_series(tmp_path / "two.ts", TrainConfig())
    series, _ = series_of(tmp_path / "two.ts")
    assert series.lengths.tolist() == [3, 2] and series.labels is not None
    assert series.labels.to_pydict() == {"class": ["up", "down"]}
    assert series.steps.to_pydict() == {"dim_0": [1, 2, 3, 3, 2], "dim_1": [4, 5, 6, None, 0.5]}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (TS.replace("4,5,6", "4,5"), "line 7: expected 2 dimensions of one length"),
        (TS.replace("4,5,6", "4,five,6"), "found 'five'"),
        (TS.replace("timeStamps false", "timeStamps true"), "not read"),
        (TS.split("@data")[0] + "@data\n", "holds no series"),
        ("@\n" + TS.split("@data")[0], "holds no series"),
    ],
)
def test_mistakes_in_a_ts_file_are_named(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "bad.ts").write_text(text)
    with pytest.raises(DataError, match=says):
        series_of(tmp_path / "bad.ts")


def test_a_header_of_a_ts_file_without_a_value_says_no(tmp_path: Path) -> None:
    (tmp_path / "bare.ts").write_text("@timeStamps\n@classLabel\n@data\n1,2,3\n3,2,1\n")
    series, _ = series_of(tmp_path / "bare.ts")
    assert series.labels is None and series.lengths.tolist() == [3, 3]


def test_real_files_are_understood(shared_data: Path) -> None:
    energy, _ = series_of(shared_data / "series" / "energydata_complete.zip", kind="series")
    assert energy.layout.times is not None and energy.layout.times.grid == Grid("second", 600.0)
    beijing, _ = series_of(shared_data / "tables" / "beijing_pm25.csv", kind="series")
    assert beijing.layout.times is not None and beijing.layout.times.names == ("year", "month", "day", "hour")
    ecg, _ = series_of(shared_data / "series" / "ucr" / "ECG200_TRAIN.tsv")
    assert len(ecg) == 100 and ecg.lengths.tolist() == [96] * 100


def test_every_form_of_a_table_comes_back_with_the_series_told_apart() -> None:
    pl, pa = pytest.importorskip("polars"), pytest.importorskip("pyarrow")
    frame = hourly(30)
    sources = {
        pd.DataFrame: frame, pl.DataFrame: pl.from_pandas(frame), pa.Table: pa.Table.from_pandas(frame),
        dict: {name: list(cells) for name, cells in frame.items() if name != "when"},
        list: frame.drop(columns="when").to_dict("records"),
    }  # fmt: skip
    for kind, source in sources.items():
        found = to_series_object(series_of(source, kind="series")[0])
        assert isinstance(found, kind)
        plain = {pl.DataFrame: lambda t: t.to_dict(as_series=False), pa.Table: lambda t: t.to_pydict()}
        again = pd.DataFrame(plain[kind](found) if kind in plain else found)
        assert again.columns[0] == "series" and set(again["series"]) == {0}
        pd.testing.assert_frame_equal(again[["load", "state"]], frame[["load", "state"]], check_dtype=False)
