"""Values that depend on the date at which a series begins: conditions taken from times, and times that fit them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gankit
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds import prepare
from gankit.kinds.series.records import calendar_columns, calendar_table, layout_of, runs_of, starts_at
from gankit.model import Model

HOURS = 24 * 120


def weather(steps: int = HOURS) -> pd.DataFrame:
    """Hours from the first of March on: warm by day, cold by night, and warmer every month."""
    times = pd.date_range("2021-03-01", periods=steps, freq="h")
    rng = np.random.default_rng(0)
    heat = 5.0 * np.cos((times.hour - 14) * np.pi / 12) + 6.0 * times.month + rng.normal(0, 0.5, steps)
    return pd.DataFrame({"time": times, "heat": heat.to_numpy().round(2)})


@given(st.datetimes(min_value=pd.Timestamp("1950-01-01"), max_value=pd.Timestamp("2090-01-01")))
def test_parts_are_those_that_the_calendar_has(when: pd.Timestamp) -> None:
    stamp = pd.Timestamp(when)
    seconds = np.array([(stamp - pd.Timestamp(0)).total_seconds()])
    found = calendar_table(seconds, ["hour", "month", "weekday"]).to_pylist()[0]
    assert found == {"hour": str(stamp.hour), "month": str(stamp.month), "weekday": stamp.day_name()}


@given(st.integers(0, 10_000), st.integers(0, 3))
def test_starts_have_the_parts_that_are_wanted(seed: int, months: int) -> None:
    starts = np.arange(0, 200 + 2000 * months) * 3600.0
    columns = calendar_columns(calendar_table(starts, ["month", "hour"]))
    wanted_at = np.random.default_rng(seed).choice(starts, 40)
    wanted = {c.name: c.parse(calendar_table(wanted_at, [c.name]).column(0)) for c in columns}
    uniforms = np.random.default_rng(seed + 1).random(40)
    found = starts_at(runs_of(starts), columns, wanted, uniforms)
    assert np.isin(found, starts).all()
    assert calendar_table(found, ["month", "hour"]).equals(calendar_table(wanted_at, ["month", "hour"]))
    few = {name: type(cells)(cells.data[7:9], cells.missing[7:9]) for name, cells in wanted.items()}
    again = starts_at(runs_of(starts), columns, few, uniforms[7:9])
    assert (again == found[7:9]).all(), "a row does not depend on the others"


def test_windows_are_given_the_date_at_which_they_begin() -> None:
    notes: list[str] = []
    prepared = prepare(weather(), TrainConfig(kind="series", calendar=("month", "hour")), notes)
    assert prepared.given is not None and [f.name for f in prepared.given.fields] == ["month", "hour"]
    for part in (prepared.train, prepared.heldout):
        months, hours = (np.array(prepared.schema.column(n).levels)[part.values[n].data] for n in ("month", "hour"))
        times = weather()["time"].iloc[part.begins]
        assert (months == times.dt.month.astype(str)).all() and (hours == times.dt.hour.astype(str)).all()
    assert any("given: where a series begins: month (4), hour (24)" in note for note in notes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weather")
    weather().to_csv(folder / "weather.csv", index=False)
    gankit.train(
        folder / "weather.csv", kind="series", window=6, calendar=["month", "hour"], samples="24k", seed=0,
        evaluations=3, early_stop=False, out=folder / "run",
    )  # fmt: skip
    return folder / "run"


def told(model: Model, count: int = 400, **where: str) -> pd.DataFrame:
    """The first steps of fakes, with the hour and the month that they have."""
    table = model.sample(count, seed=1, where=where)
    first = table.groupby("series", sort=False).first()
    first["time"] = pd.to_datetime(first["time"])
    return first.assign(month=first["time"].dt.month, hour=first["time"].dt.hour)


def test_times_fit_the_values_and_what_was_asked_for(trained: Path, tmp_path: Path) -> None:
    model = gankit.load(trained)
    assert layout_of(model.origin).calendar == ("month", "hour")
    free = told(model)
    assert list(free.columns) == ["time", "heat", "month", "hour"], "parts of the date are no columns of their own"
    assert set(free["month"]) == {3, 4, 5, 6} and free["hour"].nunique() == 24
    day, night = free[free["hour"].between(11, 17)]["heat"].mean(), free[~free["hour"].between(5, 23)]["heat"].mean()
    assert day - night > 4, "really 9"
    assert free[free["month"] == 6]["heat"].mean() - free[free["month"] == 3]["heat"].mean() > 9, "really 18"
    asked = told(model, 50, month="5", hour="14")
    assert set(asked["month"]) == {5} and set(asked["hour"]) == {14}
    assert told(model, 30)["time"].tolist() == free["time"].tolist()[:30]


def test_the_report_knows_the_dates_of_fakes_from_their_times(trained: Path) -> None:
    report = gankit.evaluate(trained, n=300, fast=True)
    found = report.json["evaluation"]
    assert {entry["class"] for entry in found["per_class"]} <= {"3", "4", "5", "6"}
    assert found["metrics"]["agreement"]["fake"]["value"] > 0.5


def test_what_has_no_dates_or_such_a_column_is_refused() -> None:
    numbers = pd.DataFrame({"t": np.arange(300), "x": np.random.default_rng(0).normal(size=300)})
    with pytest.raises(OptionError, match="--calendar month: these series have no dates"):
        prepare(numbers, TrainConfig(kind="series", calendar=("month",)), [])
    with pytest.raises(OptionError, match="--calendar hour: there is a column of that name already"):
        prepare(weather(400).assign(hour=1.5 * np.arange(400)), TrainConfig(kind="series", calendar=("hour",)), [])
    with pytest.raises(OptionError, match="--calendar is for series"):
        prepare(["a text", "of words"] * 20, TrainConfig(kind="text", calendar=("hour",)), [])
    with pytest.raises(OptionError, match="calendar must be one of month, weekday, hour; got 'year'"):
        gankit.train(weather(200), kind="series", calendar=["year"])
