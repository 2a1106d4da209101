"""Whole numbers of few values: which are names of classes, how these are judged, and what can be asked of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import gankit
from gankit.columns.conditions import conditions_of
from gankit.errors import OptionError
from gankit.io.probe import Probe
from gankit.kinds import KINDS
from gankit.kinds.base import Prepared
from gankit.kinds.tables.preparing import sample_of, values_of
from gankit.run.folder import RunFolder
from gankit.run.options import build_config

SHORT = {"samples": "1k", "seed": 0, "verbose": False}


@pytest.fixture(scope="module")
def passengers() -> pd.DataFrame:
    """Classes (survived, class, judgement, diagnosis) beside counts, a computed number, and a rare tail."""
    g = np.random.default_rng(0)
    start = pd.Timestamp("2020-01-01") + pd.to_timedelta(g.integers(0, 300, 400), unit="D")
    nights = g.integers(1, 8, 400)
    return pd.DataFrame({
        "survived": g.integers(0, 2, 400),
        "class": g.integers(1, 4, 400).astype(np.int16),
        "diagnosis": np.where(g.random(400) < 0.3, 2, 4),
        "judgement": np.where(g.random(400) < 0.1, np.nan, g.integers(-1, 2, 400)),
        "siblings": np.r_[8, g.geometric(0.6, 399) - 1],
        "nights": nights,
        "start": start,
        "end": start + pd.to_timedelta(nights, unit="D"),
        "month": g.integers(1, 13, 400),
        "fare": g.gamma(2, 10, 400).round(2),
    })  # fmt: skip


def prepared(data: Any, **options: Any) -> tuple[Prepared[Any, Any], list[str]]:
    notes: list[str] = []
    return KINDS["table"].prepare(Probe(data), build_config(options), notes), notes


def classes(data: Any, **options: Any) -> list[str]:
    return [c.name for c in prepared(data, **options)[0].schema if c.classes]


def test_classes_are_told_from_counts(passengers: pd.DataFrame) -> None:
    assert classes(passengers) == ["survived", "class", "diagnosis", "judgement"]
    assert classes(passengers, column=("class=number",)) == ["survived", "diagnosis", "judgement"]
    assert classes(passengers, integers="number") == []
    assert classes(passengers.astype(str)[["survived", "class", "siblings", "fare"]]) == ["survived", "class"]
    notes = [note for note in prepared(passengers)[1] if "judged as categories" in note]
    assert len(notes) == 1
    assert "'survived', 'class', 'diagnosis', 'judgement'; --column survived=number" in notes[0]


def test_rules_of_numbers_are_found_beside_them(passengers: pd.DataFrame) -> None:
    assert any("nights" in rule.text for rule in prepared(passengers)[0].codec.rules.rules)
    assert "nights" in classes(passengers.drop(columns=["start", "end"]))


def test_they_are_categories_to_metrics_and_numbers_to_codecs(passengers: pd.DataFrame) -> None:
    found, _ = prepared(passengers)
    sample = sample_of(found.schema, found.train.values)
    assert {sample.kinds[name] for name in ("survived", "class", "diagnosis", "judgement")} == {"category"}
    assert sample.levels["diagnosis"] == ("2", "4") and sample.kinds["siblings"] == "number"
    again = values_of(found.schema, sample)
    for name, cells in found.train.values.items():
        np.testing.assert_array_equal(again[name].data, cells.data)
    plain, _ = prepared(passengers, integers="number")
    np.testing.assert_array_equal(plain.codec.encode(plain.train.values), found.codec.encode(found.train.values))


def test_they_are_judged_by_areas_and_asked_for_by_levels_and_ranges(passengers: pd.DataFrame) -> None:
    data = passengers[["class", "judgement", "fare", "survived"]]
    model = gankit.train(data, **SHORT)
    made = model.sample(200)
    assert made.dtypes.equals(data.dtypes) and set(made["class"]) <= {1, 2, 3}
    asked = {c.name: c for c in conditions_of(model.schema.modelled)}
    assert asked["class"].levels == ("1", "2", "3") and asked["fare"].type == "range"
    for where, wanted in (
        (">=2", {2, 3}), ("1..2", {1, 2}), ((2, 3), {2, 3}), ("1|3", {1, 3}), ([1, 3], {1, 3}), ({3}, {3}), (2, {2}),
    ):  # fmt: skip
        assert set(model.sample(60, where={"class": where})["class"]) == wanted, where
    with pytest.raises(OptionError, match="Its values: 1, 2, 3"):
        model.sample(1, where={"class": 7})
    report = gankit.evaluate(model, passengers, fast=True, verbose=False, target="survived")
    figures = {name: entry["fake"]["details"] for name, entry in report.json["evaluation"]["metrics"].items()}
    assert figures["usefulness"]["figure"] == "auc"
    kinds = {c["column"]: c["kind"] for c in figures["shape"]["columns"]}
    assert kinds["survived"] == "category" and kinds["fare"] == "number"


def test_one_of_several_numbers_can_be_asked_for(passengers: pd.DataFrame) -> None:
    model = gankit.train(passengers[["siblings", "month", "fare"]], **SHORT)
    assert set(model.sample(100, where={"month": "2|11"})["month"]) == {2, 11}
    assert set(model.sample(100, where={"month": {2, 5, 11}, "siblings": "0|2..3"})["month"]) == {2, 5, 11}
    assert set(model.sample(100, where={"month": [2, 4]})["month"]) == {2, 3, 4}


def test_integers_of_the_type_category_are_categories(passengers: pd.DataFrame) -> None:
    dtype = pd.CategoricalDtype([1, 2, 3, 4], ordered=True)
    data = passengers[["fare", "class"]].assign(rank=passengers["class"].astype(dtype))
    data["gaps"] = pd.Categorical(passengers["judgement"])
    model = gankit.train(data, no_rule=["all"], **SHORT)
    assert {c.name: c.type for c in model.schema} == {
        "fare": "number", "class": "number", "rank": "category", "gaps": "category",
    }  # fmt: skip
    assert model.sample(5).dtypes["rank"] == dtype
    assert set(model.sample(60, where={"rank": ">=2"})["rank"]) == {2, 3}
    assert set(model.sample(60, where={"gaps": "-1|1"})["gaps"]) == {-1.0, 1.0}
    plain, _ = prepared(data, integers="number")
    assert plain.schema.column("rank").type == "number"


def test_a_condition_on_a_column_that_is_missing_with_another_is_obeyed(passengers: pd.DataFrame) -> None:
    data = passengers[["fare", "survived"]].assign(port=passengers["class"].map({1: "a", 2: "b", 3: "c"}))
    data.loc[passengers["judgement"].isna(), ["fare", "port"]] = None
    model = gankit.train(data, **SHORT)
    assert "fare, port missing together" in [rule.text for rule in model.codec.rules.rules]
    assert set(model.sample(200, where={"port": "b"})["port"]) == {"b"}


def test_runs_of_before_judge_numbers_as_numbers(tmp_path: Path, passengers: pd.DataFrame) -> None:
    file = tmp_path / "t.csv"
    passengers.to_csv(file, index=False)
    gankit.train(file, out=tmp_path / "run", **SHORT)
    config = tmp_path / "run" / "config.json"
    entry = json.loads(config.read_text())
    assert entry["options"].pop("integers") == "auto"
    config.write_text(json.dumps(entry))
    assert RunFolder.open(tmp_path / "run").config()["options"]["integers"] == "number"
