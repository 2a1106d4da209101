"""What models and reports show of themselves, what a training says in Python, and the forms in which samples come."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest

import gankit
from gankit.model import Model
from gankit.notebooks import html_table
from gankit.report.page import Report
from gankit.run.keywords import TrainOptions
from gankit.run.options import build_config, train_options

SECRET = 917_351.25


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shown")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.integers(18, 90, 200), "pay": rng.normal(2e3, 300, 200).round(2)})
    frame["city"] = rng.choice(["Oslo<b>", "Rome"], 200)
    frame["member"] = rng.choice([True, False], 200)
    frame["since"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 200), "D")
    frame["age"] = frame["age"].astype("Int64")
    frame.loc[:9, "age"] = None
    frame.loc[0, "pay"] = SECRET
    frame.to_csv(folder / "people.csv", index=False)
    gankit.train(folder / "people.csv", out=folder / "run", samples="1k", verbose=False)
    return folder / "run"


@pytest.fixture(scope="module")
def model(run: Path) -> Model:
    return gankit.load(run)


@pytest.fixture(scope="module")
def report(model: Model) -> Report:
    return gankit.evaluate(model, fast=True, verbose=False)


def test_models_and_reports_show_what_they_are_in_few_letters_and_no_data(run: Path, report: Report) -> None:
    trained = gankit.resume(run, verbose=False)
    for shown in (repr(trained), repr(report), repr(trained.prepared)):
        assert len(shown) < 600
        assert str(SECRET) not in shown and "917" not in shown
    assert "people (table)" in repr(trained)
    assert "age, pay, city, member, since" in repr(trained)
    assert "shape" in repr(report)
    for html in (trained._repr_html_(), report._repr_html_()):
        assert html.startswith("<div><b>gankit.")
        assert len(html) < 20_000 and str(SECRET) not in html


def test_html_tables_escape_names_and_texts() -> None:
    assert "&lt;i&gt;" in html_table("<i>", {"<i>": "<i>"}, ["<i>"])
    assert "<i>" not in html_table("<i>", [{"<i>": "<i>"}, {"b": "c"}], ["<i>"])


def test_a_loaded_run_is_evaluated_as_its_folder_is(run: Path, report: Report) -> None:
    assert gankit.evaluate(run, fast=True, verbose=False).figures() == report.figures()


def test_a_report_is_a_frame_and_a_dict_of_figures(report: Report) -> None:
    frame = report.to_frame()
    assert list(frame.index) == list(report.figures())
    assert frame.loc["shape", "fake"] == report.figures()["shape"]
    assert {"low", "high", "real", "independent", "best", "level", "text"} <= set(frame.columns)


def test_the_target_of_a_report_is_chosen_and_checked(run: Path) -> None:
    found = gankit.evaluate(run, fast=True, target="city", verbose=False)
    assert found.json["evaluation"]["target"] == "city"
    with pytest.raises(gankit.OptionError, match=r"--target cty: no such column is modelled. Did you mean 'city'"):
        gankit.evaluate(run, target="cty", verbose=False)


def test_a_fast_report_looks_at_few_records_and_says_so(report: Report) -> None:
    assert report.json["evaluation"]["rows"]["fake"] == 500
    assert any("at most 500 records" in note for note in report.json["notes"])


def test_rows_of_a_file_come_as_a_frame_with_types(model: Model) -> None:
    frame = model.sample(50)
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["age", "pay", "city", "member", "since"]
    assert str(frame["age"].dtype) in ("Int64", "int64")
    assert str(frame["since"].dtype).startswith("datetime64")
    assert frame["member"].dtype in (np.dtype(bool), pd.BooleanDtype())


def test_the_same_rows_come_in_every_form(model: Model) -> None:
    frame = model.sample(7)
    arrow = model.sample(7, format="arrow")
    assert isinstance(arrow, pa.Table)
    assert arrow.column("pay").to_pylist() == frame["pay"].tolist()
    other = model.sample(7, format="polars")
    assert isinstance(other, polars.DataFrame)
    assert other["pay"].to_list() == frame["pay"].tolist()
    array = model.sample(7, format="numpy")
    assert array["pay"].tolist() == frame["pay"].tolist()
    with pytest.raises(gankit.OptionError, match=r"format must be one of 'pandas'.*Got 'exel'"):
        model.sample(7, format="exel")


def test_numbers_of_a_file_come_as_one_array_on_demand() -> None:
    model = gankit.train(np.arange(60.0).reshape(30, 2), samples="300", verbose=False)
    assert model.sample(4).shape == (4, 2)
    assert isinstance(model.sample(4, format="numpy"), np.ndarray)


def test_a_model_is_saved_as_safetensors_and_nothing_else(model: Model, tmp_path: Path) -> None:
    with pytest.raises(gankit.OutputError, match=r"Save it as 'a.safetensors'"):
        model.save(tmp_path / "a.pkl")
    assert not list(tmp_path.iterdir())


def test_a_training_speaks_unless_it_is_told_not_to(capsys: pytest.CaptureFixture[str]) -> None:
    data = np.random.default_rng(0).normal(size=80)
    gankit.train(data, samples="600", verbose=False)
    assert capsys.readouterr() == ("", "")
    gankit.evaluate(gankit.train(data, samples="600"), fast=True)
    said = capsys.readouterr()
    assert said.out == ""
    lines = said.err.splitlines()
    assert 3 <= len(lines) <= 20
    assert any("100%" in line for line in lines)
    assert any("measuring" in line for line in lines)


def test_the_options_are_in_the_signature_the_help_and_what_editors_complete() -> None:
    jedi = pytest.importorskip("jedi")
    assert list(TrainOptions.__annotations__) == [o.name for o in train_options()], "keywords.py lacks one, or order"
    assert gankit.train.__doc__ is not None and "    d_steps: Steps of D for each step of G" in gankit.train.__doc__
    found = jedi.Interpreter("gankit.train(1, learning", [{"gankit": gankit}]).complete()
    assert [c.name for c in found] == ["learning_rate="]


@pytest.mark.parametrize(
    "options",
    [
        {"samples": np.int64(300), "seed": np.int64(3), "batch": np.int32(8), "early_stop": np.bool_(False)},
        {"samples": "300", "seed": 3, "batch": 8, "early_stop": False, "column": {"x0": "number"}},
        {"samples": 300, "seed": 3, "batch": 8, "early_stop": False, "column": ["x0=number"]},
    ],
)
def test_numbers_of_numpy_and_dicts_of_columns_are_taken(options: dict[str, Any]) -> None:
    model = gankit.train(np.arange(60.0), verbose=False, **options)
    kept = {name: model.card["options"][name] for name in ("samples", "seed", "batch", "early_stop")}
    assert kept == {"samples": "300", "seed": 3, "batch": 8, "early_stop": False}
    assert build_config({"budget": 20}).budget == "20s"
    assert build_config({"size": 16}).of_kinds["size"] == "16"
