"""Series from end to end: train, sample, keep, resume, write in the form they came, and judge."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.csv as pacsv
import pytest

import gankit
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import DataError, InterruptedRun, OptionError, OutputError
from gankit.kinds import prepare
from gankit.kinds.series.evaluation import read_previews
from gankit.kinds.series.preparing import array_of_part, read_series, read_series_like
from gankit.kinds.series.records import joined_series, layout_of
from gankit.kinds.series.tables import with_distances

SMALL: dict[str, Any] = {"samples": "320", "batch": 16, "evaluations": 2, "early_stop": False, "width": 8}
NETWORKS = ("principal", "temporal", "recurrent", "attention", "residual", "dense2014")


def walks(count: int = 60, steps: int = 12, channels: int = 2) -> np.ndarray:
    """[count, steps, channels] random walks."""
    return np.random.default_rng(0).normal(size=(count, steps, channels)).cumsum(1)


def load(count: int = 200, start: str = "2024-03-30") -> pd.DataFrame:
    """A long series of hours: a number with gaps, a category, and what is always the same."""
    draws = np.random.default_rng(0)
    frame = pd.DataFrame({"when": pd.date_range(start, periods=count, freq="h")})
    frame["load"] = np.round(10 + np.sin(np.arange(count) / 4) + draws.normal(size=count), 2)
    frame.loc[::9, "load"] = np.nan
    frame["state"] = np.where(draws.random(count) < 0.3, "off", "on")
    frame["unit"] = "kW"
    return frame


def patients(count: int = 24) -> pd.DataFrame:
    """Many series of several lengths with attributes, their names in a pattern."""
    draws = np.random.default_rng(0)
    parts = []
    for number in range(count):
        steps = int(draws.integers(3, 9))
        part = pd.DataFrame({"patient": f"P{number:03d}", "day": np.arange(1, steps + 1), "arm": "ab"[number % 2]})
        parts.append(part.assign(pulse=draws.integers(50, 90, steps) + 20 * (number % 2)))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def long_model() -> Any:
    return gankit.train(load(), kind="series", window=8, **SMALL)


@pytest.fixture(scope="module")
def many_model() -> Any:
    return gankit.train(patients(), entity="patient", **SMALL)


@pytest.mark.parametrize("network", NETWORKS)
def test_row_i_of_a_seed_is_the_same_however_it_is_asked_for(network: str, tmp_path: Path) -> None:
    model = gankit.train(walks(), network=network, **SMALL)
    whole = model.sample(9, seed=3)
    assert whole.shape == (9, 12, 2) and np.isfinite(whole).all()
    assert len(np.unique(whole.reshape(9, -1), axis=0)) > 1, "another z gives another series"
    np.testing.assert_array_equal(model.sample(4, seed=3, offset=5), whole[5:])
    model.save(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(gankit.load(tmp_path / "model.safetensors").sample(9, seed=3), whole)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_run_that_was_stopped_ends_in_the_same_bytes(network: str, tmp_path: Path) -> None:
    options = {**SMALL, "network": network, "samples": "640"}
    looks: list[object] = []
    gankit.train((walks(), np.arange(60) % 2), out=tmp_path / "whole", **options)
    with pytest.raises(InterruptedRun):
        gankit.train(
            (walks(), np.arange(60) % 2), out=tmp_path / "cut", on_progress=looks.append,
            should_stop=lambda: len(looks) >= 1, **options,
        )  # fmt: skip
    gankit.resume(tmp_path / "cut", (walks(), np.arange(60) % 2))
    models = [(tmp_path / run / "model.safetensors").read_bytes() for run in ("whole", "cut")]
    assert models[0] == models[1]


def test_labels_become_conditions_that_every_series_obeys() -> None:
    model = gankit.train((walks(), np.array(["up", "down"])[np.arange(60) % 2]), **SMALL)
    assert model.card["given"] == ["label"]
    x, labels = model.sample(40, seed=1)
    assert x.shape == (40, 12, 2) and set(labels) == {"up", "down"}
    assert set(model.sample(40, where={"label": "up"})[1]) == {"up"}
    with pytest.raises(OptionError, match="no value 'sideways'"):
        model.sample(1, where={"label": "sideways"})
    with pytest.raises(OptionError, match="condition on 'c0'"):
        model.sample(1, where={"c0": 1})


# --- one long series -----------------------------------------------------------------------------------------------


def test_windows_of_a_long_table_come_back_as_such_with_times_on_the_grid(long_model: Any) -> None:
    found = long_model.sample(30, seed=1)
    assert list(found.columns) == ["series", "when", "load", "state", "unit"]
    assert found.groupby("series").size().tolist() == [8] * 30
    assert found["when"].dtype == load()["when"].dtype and set(found["unit"]) == {"kW"}
    apart = found.groupby("series")["when"].diff().dropna()
    assert set(apart) == {pd.Timedelta("1h")}
    first = found.groupby("series")["when"].first()
    assert first.between(load()["when"].min(), load()["when"].max()).all() and first.nunique() > 10
    assert set(found["state"]) <= {"on", "off"} and found["load"].isna().any()
    pd.testing.assert_frame_equal(
        long_model.sample(10, seed=1, offset=20).reset_index(drop=True),
        found[found["series"] >= 20].reset_index(drop=True),
    )


def test_held_out_windows_share_no_step_with_training_windows() -> None:
    prepared = prepare(load(), TrainConfig(kind="series", window=8), [])
    steps = []
    for part in (prepared.train, prepared.heldout):
        steps.append({int(b) + i for b in part.begins for i in range(8)})
    assert steps[0] and steps[1] and not steps[0] & steps[1]


def test_another_file_may_be_what_is_held_out(tmp_path: Path) -> None:
    load(80, "2025-01-01").to_csv(tmp_path / "later.csv", index=False)
    load().to_csv(tmp_path / "load.csv", index=False)
    config = TrainConfig(kind="series", window=8, heldout=str(tmp_path / "later.csv"))
    prepared = prepare(tmp_path / "load.csv", config, [])
    assert (prepared.num_train, prepared.num_heldout) == (193, 73)
    load(80)[["when", "state"]].to_csv(tmp_path / "less.csv", index=False)
    with pytest.raises(DataError, match="it has no column 'load'"):
        prepare(tmp_path / "load.csv", TrainConfig(kind="series", heldout=str(tmp_path / "less.csv")), [])


def test_a_months_end_stays_a_months_end(tmp_path: Path) -> None:
    frame = pd.DataFrame({"day": pd.date_range("2001-01-31", periods=120, freq="ME"), "x": np.arange(120.0) % 7})
    model = gankit.train(frame, time="day", window=6, **SMALL)
    days = model.sample(20)["day"]
    assert days.dt.is_month_end.all()


def test_irregular_times_are_learned_and_go_forward() -> None:
    model = gankit.train(irregular(), kind="series", window=6, **SMALL)
    found = model.sample(50)
    assert list(found.columns) == ["series", "t", "x"]
    apart = found.groupby("series")["t"].diff().dropna()
    assert (apart > pd.Timedelta(0)).all() and apart.nunique() > 10 and (apart < pd.Timedelta("16min")).all()


def test_judges_do_not_see_the_distance_that_leads_to_the_first_step() -> None:
    prepared = prepare(irregular(), TrainConfig(kind="series", window=6), [])
    assert prepared.train.apart == "t step"
    x = array_of_part(prepared.train, prepared.schema.modelled)
    where = [c.name for c in prepared.schema.modelled].index("t step")
    assert np.isnan(x[:, 0, where]).all() and np.isfinite(x[:, 1:, where]).all()


def test_times_in_several_columns_come_back_in_them(tmp_path: Path) -> None:
    times = pd.date_range("2023-12-30 20:00", periods=120, freq="h")
    frame = pd.DataFrame({"year": times.year, "month": times.month, "day": times.day, "hour": times.hour})
    frame.assign(No=range(1, 121), pm=np.arange(120.0)).to_csv(tmp_path / "air.csv", index=False)
    model = gankit.train(tmp_path / "air.csv", kind="series", window=6, **SMALL)
    model.write(tmp_path / "fakes.csv", 10)
    found = pd.read_csv(tmp_path / "fakes.csv")
    assert list(found.columns) == ["series", "year", "month", "day", "hour", "pm"]
    again = pd.to_datetime(found[["year", "month", "day", "hour"]])
    assert set(again.groupby(found["series"]).diff().dropna()) == {pd.Timedelta("1h")}


# --- many series ---------------------------------------------------------------------------------------------------


def test_many_series_keep_their_lengths_names_and_attributes(many_model: Any) -> None:
    found = many_model.sample(100, seed=2)
    assert list(found.columns) == ["patient", "day", "arm", "pulse"]
    lengths = found.groupby("patient").size()
    assert len(lengths) == 100 and lengths.min() >= 3 and lengths.max() <= 8 and lengths.nunique() > 1
    assert not set(found["patient"]) & set(patients()["patient"]), "new names in the same pattern"
    assert found["patient"].str.fullmatch(r"P\d+").all()
    assert (found.groupby("patient")["arm"].nunique() == 1).all() and set(found["arm"]) == {"a", "b"}
    assert (found.groupby("patient")["day"].diff().dropna() == 1).all()
    assert set(many_model.sample(30, where={"arm": "b"})["arm"]) == {"b"}


def test_numbers_dates_and_gaps_may_belong_to_a_whole_series() -> None:
    frame, draws = patients(40), np.random.default_rng(0)
    names = frame["patient"].unique()
    whole = {
        "age": draws.integers(20, 90, 40),
        "born": pd.Timestamp("1950-01-01") + pd.to_timedelta(draws.integers(0, 9999, 40), "D"),
        "weight": np.where(np.arange(40) % 5 == 0, np.nan, draws.normal(70, 9, 40).round(1)),
    }  # fmt: skip
    for name, cells in whole.items():
        frame[name] = frame["patient"].map(dict(zip(names, cells, strict=True)))
    model = gankit.train(frame, entity="patient", **SMALL)
    found = model.sample(60)
    assert list(found.columns) == list(frame.columns) and (found.dtypes == frame.dtypes).all()
    first = found.groupby("patient").first()
    assert first["weight"].isna().any() and first["born"].between(whole["born"].min(), whole["born"].max()).all()
    assert model.sample(20, where={"age": "30..50"})["age"].between(30, 50).all()


def test_the_held_out_series_are_whole_ones() -> None:
    prepared = prepare(patients(), TrainConfig(entity=("patient",)), [])
    assert not set(prepared.train.begins) & set(prepared.heldout.begins)
    assert prepared.num_train + prepared.num_heldout == 24


def test_what_tells_series_apart_can_be_a_condition() -> None:
    frame = pd.concat([load(60).assign(site="north"), load(60).assign(site="south")])
    model = gankit.train(frame, entity="site", given=["site"], window=6, **SMALL)
    found = model.sample(10, where={"site": "south"})
    assert set(found["site"]) == {"south"} and found["series"].nunique() == 10


def test_pairs_that_tell_series_apart_are_new_and_stand_in_their_places(tmp_path: Path) -> None:
    frame = pd.concat([load(30).assign(site=s, part=p) for s in ("north", "south") for p in (1, 2, 3)])
    frame = frame[["part", "when", "site", "load"]]
    model = gankit.train(frame, entity=["site", "part"], out=tmp_path / "run", window=6, **SMALL)
    model.write(tmp_path / "fakes.csv", 20)
    found = pd.read_csv(tmp_path / "fakes.csv")
    assert list(found.columns) == list(frame.columns) and set(found["site"]) == {"north", "south"}
    assert (found.groupby(["site", "part"]).size() == 6).all() and found["part"].nunique() == 20
    assert set(model.sample(5, where={"site": "south"})["site"]) == {"south"}
    again = read_series_like(tmp_path / "fakes.csv", layout_of(model.origin), model.schema, Schema(()), TrainConfig())
    assert again.lengths.tolist() == [6] * 20
    both = gankit.train(frame, entity="site+part", given=["site", "part"], window=6, **SMALL)
    assert set(both.sample(9, where={"part": 2})["part"]) == {2} and "series" in both.sample(1)


# --- forms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl", "npz"])
def test_what_is_written_is_what_sample_gives(many_model: Any, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"fakes.{suffix}"
    many_model.write(file, 7, seed=2)
    found = many_model.sample(7, seed=2)
    if suffix == "npz":
        with np.load(file) as archive:
            x, arm = archive["x"], archive["arm"]
        assert x.shape == (7, 8, 1) and arm.tolist() == found.groupby("patient")["arm"].first().tolist()
        np.testing.assert_array_equal(x[~np.isnan(x)], found["pulse"])
        return
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet, "jsonl": lambda f: pd.read_json(f, lines=True)}[suffix]
    pd.testing.assert_frame_equal(read(file), found, check_dtype=False)


def irregular() -> pd.DataFrame:
    """A series whose steps are 1 to 900 seconds apart."""
    draws = np.random.default_rng(0)
    frame = pd.DataFrame({"t": pd.Timestamp("2024-01-01") + pd.to_timedelta(draws.integers(1, 900, 300).cumsum(), "s")})
    return frame.assign(x=draws.normal(size=300))


def holidays() -> pd.DataFrame:
    """Business days, one in ten of them absent, without a missing cell."""
    days = pd.bdate_range("2023-01-02", periods=200)
    draws = np.random.default_rng(0)
    frame = pd.DataFrame({"day": days, "open": draws.normal(size=200).cumsum(), "close": draws.normal(size=200)})
    return frame[draws.random(200) >= 0.08].reset_index(drop=True)


@pytest.mark.parametrize(
    "source", [load(), irregular(), holidays(), walks()], ids=["regular", "irregular", "holidays", "array"]
)
def test_fakes_that_are_read_back_are_those_that_were_written(source: Any, tmp_path: Path) -> None:
    model = gankit.train(source, kind="series", **({} if isinstance(source, np.ndarray) else {"window": 6}), **SMALL)
    made = joined_series(list(model.sample_batches(12, seed=5)))
    model.write(file := tmp_path / f"fakes.{model.of.suffix(model.origin)}", 12, seed=5)
    again = read_series_like(file, made.layout, model.schema, Schema(()), TrainConfig())
    values, wanted = model.schema.parse(again.steps), model.schema.parse(with_distances(made).steps)
    np.testing.assert_array_equal(again.lengths, made.lengths)
    for name, cells in wanted.items():
        np.testing.assert_allclose(values[name].data, cells.data, rtol=1e-6)
        np.testing.assert_array_equal(values[name].missing > 0, cells.missing > 0)


def test_rows_of_a_series_are_whole_or_absent(tmp_path: Path) -> None:
    model = gankit.train(holidays(), kind="series", window=12, **SMALL)
    model.write(file := tmp_path / "fakes.csv", 80)
    found = pd.read_csv(file, parse_dates=["day"])
    assert list(found.columns) == ["series", "day", "open", "close"] and len(found) == 80 * 12
    assert not found.isna().any(axis=None) and found["day"].dt.day_of_week.max() < 5
    days = found["day"].to_numpy().astype("datetime64[D]").reshape(80, 12)
    steps = set(np.busday_count(days[:, :-1], days[:, 1:]).ravel().tolist())
    assert {1, 2} <= steps <= {1, 2, 3}


def test_few_numbers_and_atoms_are_found_in_every_form_of_series(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    shape = (30, 10)
    rain = np.where(draws.random(shape) < 0.6, 0.0, draws.exponential(size=shape))
    x = np.stack([draws.choice([0.0, 10.0, 50.0], shape), rain], 2)
    np.savez(tmp_path / "x.npz", x=x)
    table = pd.DataFrame({"c0": x[:, :, 0].ravel(), "c1": rain.ravel()})
    lines = [":".join(",".join(map(str, row)) for row in series.T) for series in x]
    header = ["@problemName x", "@univariate false", "@dimensions 2", "@classLabel false", "@data"]
    (tmp_path / "x.ts").write_text("\n".join([*header, *lines]) + "\n")
    entity = table.assign(who=np.repeat(np.arange(30), 10))
    forms: list[tuple[Any, dict[str, Any]]] = [
        (x, {}), (list(x), {}), (tmp_path / "x.npz", {}), (tmp_path / "x.ts", {}), (table, {"kind": "series"}),
        (entity, {"entity": "who"}),
    ]  # fmt: skip
    for source, options in forms:
        notes: list[str] = []
        prepared = prepare(source, TrainConfig(**options), notes)
        name = prepared.schema.modelled[0].name
        assert [block.size for block in prepared.codec.spec.blocks] == [1, 2, 3], options
        assert prepared.schema.column(name).type == "number"
        assert any(f"few different numbers, learned as categories: {name} (3)" in note for note in notes)
        assert any("stand in very many steps" in note and "(0)" in note for note in notes)
    plain = prepare(table, TrainConfig(kind="series", column=("c0=number", "c1=number")), notes := [])
    assert len(plain.codec.spec.blocks) == 1 and not any("learned as categories" in note for note in notes)
    found = gankit.train(x, **SMALL).sample(40)
    assert set(np.unique(found[:, :, 0])) == {0.0, 10.0, 50.0} and (found[:, :, 1] == 0).mean() > 0.2


def test_blocks_for_few_numbers_do_not_take_the_default_network_away() -> None:
    draws = np.random.default_rng(0)
    frame = pd.DataFrame({f"c{i}": draws.integers(0, 12 + i, 900) * 1.0 for i in range(8)})
    prepared = prepare(frame.assign(x=draws.normal(size=900)), TrainConfig(kind="series"), [])
    assert prepared.network == "principal"
    assert [block.size for block in prepared.codec.spec.blocks] == [4, 12, 13, 14, 15, 16]


def test_a_file_of_the_ucr_archive_comes_back_as_one(tmp_path: Path) -> None:
    x = walks(40, 15, 1)[:, :, 0].round(3)
    lines = ["\t".join([str(1 + i % 2), *(f"{v:.3f}" for v in row)]) for i, row in enumerate(x)]
    (tmp_path / "Walk_TRAIN.tsv").write_text("\n".join(lines) + "\n")
    model = gankit.train(tmp_path / "Walk_TRAIN.tsv", **SMALL)
    model.write(tmp_path / "fakes.tsv", 12, where={"class": "2"})
    rows = np.loadtxt(tmp_path / "fakes.tsv")
    assert rows.shape == (12, 16) and set(rows[:, 0]) == {2}
    again = read_series(tmp_path / "fakes.tsv", TrainConfig(kind="series"), [])
    assert len(again) == 12 and again.layout.form == "rows"
    model.write(tmp_path / "fakes.ts", 12)
    assert len(read_series(tmp_path / "fakes.ts", TrainConfig(), [])) == 12
    model.write(tmp_path / "long.csv", 3)
    assert pacsv.read_csv(tmp_path / "long.csv").column_names == ["series", "class", "value"]


def test_lists_of_several_lengths_come_back_as_lists() -> None:
    items = [walk[: 5 + i % 6].astype(np.float32) for i, walk in enumerate(walks(40))]
    model = gankit.train(items, **SMALL)
    found = model.sample(30)
    assert isinstance(found, list) and {len(item) for item in found} <= set(range(5, 11))
    assert found[0].dtype == np.float32 and found[0].shape[1] == 2


def test_what_a_form_cannot_hold_is_refused(long_model: Any, tmp_path: Path) -> None:
    for name in ("fakes.npz", "fakes.ts"):
        with pytest.raises(OutputError, match="'state' holds"):
            long_model.write(tmp_path / name, 3)
    assert not list(tmp_path.iterdir())


# --- the report ----------------------------------------------------------------------------------------------------


@pytest.fixture
def short_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    """The recurrent judges with 20 steps of training in place of some hundreds."""
    from gankit.features import recurrent
    from gankit.kinds.series import evaluation as series

    monkeypatch.setattr(series, "discriminate", partial(recurrent.discriminate, steps=20))
    monkeypatch.setattr(series, "forecast", partial(recurrent.forecast, steps=20))


@pytest.mark.usefixtures("short_judges")
def test_a_report_measures_fakes_from_their_file(many_model: Any, tmp_path: Path) -> None:
    report = gankit.evaluate(many_model, n=60)
    report.save(tmp_path / "report.html")
    found = report.json["evaluation"]
    assert found["rows"]["train"] == 19 and found["rows"]["heldout"] == 5 and found["rows"]["fake"] == 60
    assert found["series"]["channels"] == ["pulse"] and {"discriminative", "marginals"} & set(found["metrics"])
    assert "<html" in (tmp_path / "report.html").read_text()


def test_fakes_of_the_same_noise_are_kept_over_the_training(tmp_path: Path) -> None:
    gankit.train(walks(), out=tmp_path / "run", **{**SMALL, "samples": "640"})
    kept = read_previews(tmp_path / "run" / "previews", 2)
    assert [samples for samples, _ in kept] == [0, 400, 640]
    assert all(x.shape == (48, 12, 2) and np.isfinite(x).all() for _, x in kept)


@pytest.mark.usefixtures("short_judges")
def test_a_model_without_its_data_is_judged_by_real_series(long_model: Any, tmp_path: Path) -> None:
    long_model.save(tmp_path / "model.safetensors")
    long_model.write(tmp_path / "fakes.csv", 40)
    with pytest.raises(OptionError, match="--real FILE"):
        gankit.evaluate(tmp_path / "model.safetensors")
    report = gankit.evaluate(tmp_path / "model.safetensors", load(120, "2025-01-01"), fake=tmp_path / "fakes.csv")
    rows = report.json["evaluation"]["rows"]
    assert rows["fake"] == 40 and rows["heldout"] == 57, "113 windows, less those that both halves share"
    assert not any(entry["family"] == "copies" for entry in report.json["evaluation"]["metrics"].values())
    odd = load(50).assign(when=pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(50) * 1234, "s"))
    with pytest.raises(DataError, match="not 1 hour apart"):
        gankit.evaluate(tmp_path / "model.safetensors", odd)


# --- mistakes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "options", "says"),
    [
        (load(), {"window": 300}, "--window 300: the longest series has 200 steps"),
        (load(), {"window": 150}, "need two windows of 150"),
        (load(30), {"kind": "series"}, "need two windows of 24"),
        (load(), {"window": 1}, "2 steps at least"),
        (load(), {"window": 8, "stride": 0}, "1 step apart at least"),
        (load(), {"kind": "series", "network": "strided"}, "makes images, and these are series"),
        (load(), {"kind": "series", "size": "32"}, "--size is for images"),
        (load(), {"kind": "series", "mirror": "on"}, "--mirror is for images"),
        (load(), {"kind": "table", "window": 8}, "--window is for series"),
        (load(), {"kind": "series", "given": ("load",)}, "--given load"),
        (load(), {"kind": "series", "column": ("lod=number",)}, "no column 'lod'"),
        (patients(), {"entity": "patient", "given": ("pulse",)}, "the labels are arm"),
        (walks(), {"entity": "who"}, "this is an array"),
        (walks(1), {}, "the longest series has 12 steps"),
    ],
)
def test_mistakes_are_named(source: Any, options: dict[str, Any], says: str) -> None:
    with pytest.raises((DataError, OptionError), match=says):
        prepare(source, TrainConfig(**options), [])


def test_a_table_with_regular_times_is_told_that_it_may_be_a_series() -> None:
    notes: list[str] = []
    assert prepare(load(), TrainConfig(), notes).kind.name == "table"
    assert any("'when' goes on by 1 hour from row to row: --kind series" in note for note in notes)
