"""Times with several UTC offsets and over clock changes: derived from the time zone, else learned, and written so."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gankit.columns.clocks import clock_of, find_zone, offsets_at, on_grain, to_instants, to_local
from gankit.columns.codec import TableCodec
from gankit.columns.column import Values
from gankit.columns.inference import infer
from gankit.columns.rows import typed
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.records import Origin, Records
from gankit.kinds.series.files import long_table
from gankit.kinds.series.preparing import read_series, read_series_like
from gankit.kinds.series.records import Series
from gankit.kinds.tables.evaluation import sample_from

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(["Europe/Berlin", "America/Sao_Paulo", "Africa/Casablanca", "Australia/Lord_Howe", "+05:45"])
LOCAL_DAYS = [datetime(2023, 1, 1) + timedelta(days=n) for n in range(500)]


def days(form: str = "%Y-%m-%d %H:%M:%S", zone: ZoneInfo = BERLIN) -> list[str]:
    return [f"{day:{form}}{str(day.replace(tzinfo=zone).isoformat())[-6:]}" for day in LOCAL_DAYS]


def schema_of(cells: dict[str, Any], notes: list[str] | None = None) -> tuple[Schema, dict[str, Values], pa.Table]:
    """The schema as a model file keeps it, and the parsed columns."""
    table = pa.table(cells)
    schema = infer(Records(table, Origin("csv")), TrainConfig(), notes=notes, offsets=True)
    schema = Schema.from_json(json.loads(json.dumps(schema.to_json())))
    return schema, schema.parse(table), table


def shaken(schema: Schema, values: dict[str, Values], by: float) -> list[str]:
    """The cells of the first column, its times moved by up to `by` seconds as those of fakes are."""
    name = schema.columns[0].name
    moved = values[name].data + np.random.default_rng(0).uniform(-by, by, len(values[name].data))
    cells = schema.format({**values, name: Values(moved, values[name].missing)}, len(moved)).column(name)
    return [str(cell) for cell in cells.to_pylist()]


@given(ZONES, st.lists(st.integers(-2_000_000_000, 4_000_000_000), min_size=1, max_size=20))
def test_clocks_show_what_python_shows(zone: str, seconds: list[int]) -> None:
    instants = np.array(seconds, dtype=np.float64)
    clock = ZoneInfo(zone) if "/" in zone else None
    shown = [datetime.fromtimestamp(second, clock or timezone(timedelta(seconds=20700))) for second in seconds]
    expected = [(time.utcoffset() or timedelta(0)).total_seconds() for time in shown]
    offsets = offsets_at(zone, instants)
    assert offsets.tolist() == expected
    back = to_instants(zone, instants + offsets)
    assert set((instants - back).tolist()) <= {0.0, 1800.0, 3600.0}  # the earlier of two
    local, _ = on_grain(zone, instants, 900.0)
    assert (local % 900 == 0).all()


def test_doubled_and_left_out_local_times_are_instants_too() -> None:
    twice = np.array([datetime(2023, 10, 29, 2, 30, tzinfo=UTC).timestamp()])
    first, second = (to_instants("Europe/Berlin", twice, later=later) for later in (False, True))
    assert (second - first).tolist() == [3600] and (to_local("Europe/Berlin", second) == twice).all()
    left_out = np.array([datetime(2023, 3, 26, 2, 30, tzinfo=UTC).timestamp()])
    for later in (False, True):
        shown = datetime.fromtimestamp(to_instants("Europe/Berlin", left_out, later)[0], BERLIN)
        assert shown.isoformat() == "2023-03-26T03:30:00+02:00"


def test_a_zone_is_found_by_its_offsets_alone() -> None:
    instants = np.arange(0, 3e7, 86400.0) + 1.6e9
    for zone in ("America/New_York", "Pacific/Auckland"):
        assert find_zone(instants, offsets_at(zone, instants)) == zone
    assert find_zone(instants, np.where(np.arange(len(instants)) % 2 == 0, 0, 3600)) is None
    assert clock_of("UTC") == clock_of(None) == clock_of("No/Where") == "" and clock_of("+01:00") == "+01:00"


def test_offsets_of_a_time_zone_are_named_and_follow_from_the_instant() -> None:
    notes: list[str] = []
    cells = days()
    schema, values, _ = schema_of({"when": cells, "v": np.arange(len(cells)) % 7}, notes)
    assert [column.name for column in schema] == ["when", "v"] and schema.columns[0].clock == "Europe/Berlin"
    assert any("(+02:00, +01:00) are those of Europe/Berlin" in note for note in notes)
    assert schema.format(values, len(cells)).column("when").to_pylist() == cells
    for cell in shaken(schema, values, 5 * 86400):
        assert cell[10:19] == " 00:00:00" and datetime.fromisoformat(cell).astimezone(BERLIN).isoformat(" ") == cell
    assert schema.format(values, len(cells), typed=True).column("when").type == pa.timestamp("us", "Europe/Berlin")


def test_hours_of_a_time_zone_never_fall_into_the_hour_that_is_left_out() -> None:
    start = datetime(2024, 3, 31, tzinfo=UTC) - timedelta(hours=300)
    cells = [(start + timedelta(hours=n)).astimezone(BERLIN).isoformat() for n in range(600)]
    schema, values, _ = schema_of({"when": cells, "v": np.arange(600) % 7})
    assert schema.format(values, 600).column("when").to_pylist() == cells
    for cell in shaken(schema, values, 86400):
        assert datetime.fromisoformat(cell).astimezone(BERLIN).isoformat() == cell and cell[14:19] == "00:00"


def test_half_days_stay_half_days_over_clock_changes() -> None:
    halves = [day + timedelta(hours=12 * (n % 2)) for n, day in enumerate(LOCAL_DAYS)]
    cells = [half.replace(tzinfo=BERLIN).isoformat() for half in halves]
    schema, values, _ = schema_of({"when": cells, "v": np.arange(len(cells)) % 7})
    assert {cell[11:19] for cell in shaken(schema, values, 5 * 86400)} == {"00:00:00", "12:00:00"}


@pytest.mark.parametrize("offset", ["+02:00", "-0800", "+05:30"])
def test_midnights_at_one_offset_stay_midnights(offset: str) -> None:
    cells = [f"{day:%Y-%m-%d %H:%M}{offset}" for day in LOCAL_DAYS]
    schema, values, _ = schema_of({"when": cells, "v": np.arange(len(cells)) % 7})
    assert {cell[10:] for cell in shaken(schema, values, 86400)} == {f" 00:00{offset}"}


def test_midnights_of_typed_columns_with_a_zone_stay_midnights() -> None:
    for unit in ("s", "ns"):
        times = pa.array([day.replace(tzinfo=BERLIN) for day in LOCAL_DAYS], pa.timestamp(unit, "Europe/Berlin"))
        schema, values, table = schema_of({"when": times, "v": np.arange(500) % 7})
        made = schema.format(values, 500)
        assert made.column("when").equals(table.column("when"))
        assert all(cell[10:19] == " 00:00:00" for cell in shaken(schema, values, 86400))


def test_days_that_begin_at_one_in_the_morning_are_whole_days() -> None:
    zone = ZoneInfo("America/Sao_Paulo")  # clocks went forward at midnight
    local = [datetime(2016, 1, 1) + timedelta(days=n) for n in range(700)]
    cells = [day.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).isoformat() for day in local]
    assert any("T01:00" in cell for cell in cells)
    schema, values, _ = schema_of({"when": cells, "v": np.arange(700) % 7})
    assert schema.columns[0].grain == 86400 and schema.format(values, 700).column("when").to_pylist() == cells


HOTEL = {"London": "+00:00", "Paris": "+01:00", "LA": "-08:00", "Delhi": "+0530", "Here": "Z"}


def hotels() -> dict[str, Any]:
    draws = np.random.default_rng(0)
    cities = draws.choice(list(HOTEL), 500, p=[0.4, 0.2, 0.2, 0.1, 0.1]).tolist()
    when = [f"{day:%Y-%m-%d %H:%M:%S}{HOTEL[city]}" for day, city in zip(LOCAL_DAYS, cities, strict=True)]
    return {"when": [*when, None, None], "city": [*cities, "LA", "LA"]}


def test_offsets_that_no_zone_explains_are_learned_beside_local_times() -> None:
    notes: list[str] = []
    schema, values, table = schema_of(hotels(), notes)
    assert [column.name for column in schema.modelled] == ["when", "when offset", "city"]
    assert set(schema.column("when offset").levels) == set(HOTEL.values())
    assert any("5 UTC offsets, so they are learned as a column 'when offset'" in note for note in notes)
    made = schema.format(values, 502)
    assert made.equals(table) and made.column_names == ["when", "city"]
    assert {cell[10:19] for cell in shaken(schema, values, 86400)} == {" 00:00:00", ""}
    assert set(sample_from(schema, made).columns) == {"when", "when offset", "city"}
    assert typed(made).column("when").to_pylist() == table.column("when").to_pylist()  # texts, for a type has one zone
    other = schema.parse(pa.table({"when": ["2023-05-01 00:00:00+05:30", "2023-05-01"], "city": ["LA", "LA"]}))
    assert schema.column("when offset").levels[other["when offset"].data[0]] == "+0530"
    assert other["when"].data[0] == other["when"].data[1] and other["when offset"].data[1] == -1


def test_the_name_of_a_column_of_offsets_is_its_own() -> None:
    schema, _, _ = schema_of({**hotels(), "when offset": np.arange(502) % 3})
    assert [c.name for c in schema if c.offset_of == "when"] == ["when offset_"]


def test_models_of_before_write_one_offset_as_they_did() -> None:
    schema, values, _ = schema_of({"when": days(), "v": np.arange(500) % 7})
    old = schema.to_json()
    for key in ("clock", "local"):
        del old["columns"][0][key]
    del old["columns"][0]["dates"]["offsets"]
    instants = to_instants("Europe/Berlin", values["when"].data)
    made = Schema.from_json(old).format({**values, "when": Values(instants, values["when"].missing)}, 500)
    assert {cell[-6:] for cell in made.column("when").to_pylist()} == {"+02:00"}


def asked(cells: dict[str, Any], where: dict[str, Any], count: int = 3000) -> set[str]:
    """The texts of the column that `where` names, of records drawn under it."""
    schema, values, _ = schema_of(cells)
    codec = TableCodec.fit(schema.modelled, values)
    limits = codec.restrictions(schema, where)
    draws = np.random.default_rng(0)
    coded = codec.encode(values)[:1].repeat(count, 0)
    for at, limit in limits.items():
        chance = limit.weight * codec.fields[at].counts
        drawn = draws.choice(len(chance), count, p=chance / chance.sum()) + draws.random(count)
        coded[:, at] = limit.place(drawn)
    return {str(cell) for cell in schema.format(codec.decode(coded), count).column("when").to_pylist()}


@pytest.mark.parametrize("where", ["2024-03-30..2024-04-01", "2024-03-30 00:00:00+01:00..2024-04-01 00:00:00+02:00"])
def test_days_over_a_clock_change_can_be_asked_for(where: str) -> None:
    cells = {"when": days(), "v": np.arange(500) % 7}
    expected = {"2024-03-30 00:00:00+01:00", "2024-03-31 00:00:00+01:00", "2024-04-01 00:00:00+02:00"}
    assert asked(cells, {"when": where}) == expected
    assert min(asked(cells, {"when": ">=2024-03-31"})) == "2024-03-31 00:00:00+01:00"
    assert min(asked(cells, {"when": ">2024-03-31"})) == "2024-04-01 00:00:00+02:00"


def test_local_days_and_offsets_that_are_learned_can_be_asked_for() -> None:
    found = asked(hotels(), {"when": "2024-03-31..2024-04-02", "when offset": "-08:00"})
    assert found and all(cell[10:] == " 00:00:00-08:00" and "2024-03-31" <= cell[:10] <= "2024-04-02" for cell in found)
    for value in ("2023-05-01 00:00:00-08:00", datetime(2023, 5, 1, tzinfo=UTC)):
        with pytest.raises(OptionError, match="offsets of 'when' are a column of their own"):
            asked(hotels(), {"when": value})


def test_a_grid_of_half_hours_beside_utc_is_kept_by_conditions() -> None:
    cells = [f"{day + timedelta(hours=n % 24):%Y-%m-%d %H:%M}+05:30" for n, day in enumerate(LOCAL_DAYS)]
    found = asked({"when": cells, "v": np.arange(500) % 7}, {"when": ">2023-06-01 10:00"})
    assert min(found) >= "2023-06-01 11:00" and {cell[14:] for cell in found} == {"00+05:30"}


def local_hours(step: timedelta, count: int, start: datetime = datetime(2023, 3, 20, tzinfo=UTC)) -> list[str]:
    times = [(start + n * step).astimezone(BERLIN) for n in range(count)]
    return [f"{time:%Y-%m-%d %H:%M}" for time in times]


def series_of(when: list[str], notes: list[str] | None = None, **more: Any) -> Series:
    table = pa.table({"when": when, "v": np.random.default_rng(0).normal(size=len(when)), **more})
    config = TrainConfig(kind="series").with_options(kind="series", entity=("who",) if more else None)
    return read_series(table, config, [] if notes is None else notes)


@pytest.mark.parametrize("minutes", [15, 60])
def test_a_local_series_over_clock_changes_is_read_named_and_written_as_it_came(minutes: int) -> None:
    notes: list[str] = []
    cells = local_hours(timedelta(minutes=minutes), 230 * 24 * 60 // minutes)
    series = series_of(cells, notes)
    times = series.layout.times
    assert times is not None and times.grid is not None and times.grid.step == 60 * minutes
    assert len(series.steps) == len(cells) and times.zone == "Europe/Berlin"
    assert any("twice on 2023-10-29, left out on 2023-03-26" in n and "Europe/Berlin" in n for n in notes)
    assert long_table(series).column("when").to_pylist() == cells
    assert times == type(times).from_json(json.loads(json.dumps(times.to_json())))


def test_local_series_that_are_sorted_or_several_are_read_too(tmp_path: Path) -> None:
    autumn = local_hours(timedelta(minutes=30), 900, datetime(2023, 10, 20, tzinfo=UTC))
    assert len(series_of(sorted(autumn)).steps) == 900
    assert long_table(series_of(autumn[::-1])).column("v")[0] == series_of(autumn[::-1]).steps.column("v")[0]
    twice = series_of([*autumn, *autumn], who=["a"] * 900 + ["b"] * 900)
    assert twice.lengths.tolist() == [900, 900] and np.ptp(np.diff(twice.times[:900])) == 0  # type: ignore[index]
    other = read_series_like(pa.table({"when": autumn[400:500], "v": np.arange(100.0)}), series_of(autumn).layout,
                             Schema(()), Schema(()), TrainConfig(kind="series"))  # fmt: skip
    assert len(other.steps) == 100


def test_a_time_that_is_twice_there_without_a_clock_change_stays_an_error() -> None:
    cells = local_hours(timedelta(hours=1), 200, datetime(2023, 6, 1, tzinfo=UTC))
    with pytest.raises(DataError, match="are both at when"):
        series_of([*cells[:100], cells[99], *cells[100:]])


def test_days_and_sessions_with_offsets_are_counted_on_the_local_clock() -> None:
    for hours in ((0,), (6,), (9, 10, 11, 12)):
        local = [day + timedelta(hours=hour) for day in LOCAL_DAYS for hour in hours]
        cells = [time.replace(tzinfo=BERLIN).isoformat() for time in local]
        series = series_of(cells)
        assert series.times is not None and (series.times % 86400 == np.array(hours * 500) * 3600.0).all()
        assert long_table(series).column("when").to_pylist() == cells
    start = datetime(2023, 3, 20, tzinfo=UTC)
    hourly = [(start + timedelta(hours=n)).astimezone(BERLIN).isoformat() for n in range(500)]
    series = series_of(hourly)
    assert series.times is not None and np.ptp(np.diff(series.times)) == 0
    assert long_table(series).column("when").to_pylist() == hourly


def test_a_series_with_offsets_that_no_zone_explains_is_written_at_the_most_frequent_one() -> None:
    notes: list[str] = []
    cells = [(datetime(2023, 6, 1, n % 24, tzinfo=UTC) + timedelta(days=n // 24)).isoformat() for n in range(200)]
    cells[3] = "2023-06-01T05:00:00+02:00"
    series = series_of(cells, notes)
    assert len(series.steps) == 200 and any("no time zone has its 2 UTC offsets" in note for note in notes)
    assert long_table(series).column("when").to_pylist()[3] == "2023-06-01T03:00:00+00:00"
