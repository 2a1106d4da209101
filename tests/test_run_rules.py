"""Rules from the command line to the rows that are written: stated, left out, listed, kept and asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pcsv
import pytest

import gankit
from gankit.cli import cli
from gankit.errors import OptionError
from gankit.kinds import prepare
from gankit.kinds.options import NO_RULES_OF_BEFORE
from gankit.run.folder import RunFolder
from gankit.run.options import build_config

SHORT: dict[str, Any] = {"samples": "4k", "early_stop": False, "evaluations": 1}


@pytest.fixture(scope="module")
def bookings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Bookings: days of arrival and departure, nights, a rate, an amount, a house and its town."""
    g = np.random.default_rng(0)
    day = np.datetime64("2023-01-01") + g.integers(0, 500, 800)
    nights, rate, house = g.integers(1, 8, 800), g.choice([80, 95, 120, 200], 800), g.integers(0, 9, 800)
    lines = zip(day, day + nights, nights, rate, nights * rate, house, strict=True)
    file = tmp_path_factory.mktemp("data") / "bookings.csv"
    file.write_text("arrival,departure,nights,rate,amount,house,town\n" + "".join(
        f"{a},{d},{n},{r},{m},house {h},town {h % 3}\n" for a, d, n, r, m, h in lines
    ))  # fmt: skip
    return file


@pytest.fixture(scope="module")
def run(bookings: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "bookings"
    gankit.train(bookings, out=out, **SHORT)
    return out


RULES = {"nights = (departure - arrival) in days", "amount = nights * rate", "house -> town", "arrival < departure"}


def rows(file: Path) -> list[dict[str, Any]]:
    return list(pcsv.read_csv(file).to_pylist())


def check(row: dict[str, Any]) -> None:
    assert (row["departure"] - row["arrival"]).days == row["nights"] >= 1
    assert row["amount"] == row["nights"] * row["rate"]
    assert row["town"] == f"town {int(row['house'].split()[1]) % 3}"


def test_rules_are_found_listed_and_kept(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(gankit.inspect(run)["rules"]) == RULES
    cli(["inspect", str(run)], standalone_mode=False)
    assert "nights = (departure - arrival) in days" in capsys.readouterr().out
    gankit.load(run).write(tmp_path / "fakes.csv", 3000)
    for row in rows(tmp_path / "fakes.csv"):
        check(row)


@pytest.mark.parametrize(
    "where",
    [
        {"town": "town 2"},
        {"amount": "300..500"},
        {"nights": 3},
        {"departure": "2023-05-01..2023-05-31"},
        {"amount": 560},
    ],
    ids=str,
)
def test_what_is_made_from_other_columns_can_be_asked_for(run: Path, tmp_path: Path, where: dict[str, Any]) -> None:
    model = gankit.load(run)
    model.write(tmp_path / "fakes.csv", 50, where=where)
    found = rows(tmp_path / "fakes.csv")
    (name, wanted), seen = next(iter(where.items())), [row[next(iter(where))] for row in found]
    assert len(found) == 50 and [check(row) for row in found]
    if isinstance(wanted, int) or name == "town":
        assert {*seen} == {wanted}
    else:
        low, high = wanted.split("..")
        assert all(low <= str(value) <= high for value in seen)
    model.write(tmp_path / "again.csv", 20, offset=30, where=where)
    assert rows(tmp_path / "again.csv") == found[30:]  # rows are the same however they are asked for


def test_a_condition_that_no_row_can_keep_is_refused(run: Path) -> None:
    with pytest.raises(OptionError, match="no record can satisfy"):
        gankit.load(run).sample(5, where={"nights": 30})
    with pytest.raises(OptionError, match=r"of [\d,]+ samples drawn, none keep"):
        gankit.load(run).sample(5, where={"amount": 80, "rate": 200, "nights": 1})


def test_rules_are_stated_and_left_out_in_toml_and_python(bookings: Path, tmp_path: Path) -> None:
    config = tmp_path / "options.toml"
    config.write_text('[data]\nrule = ["amount >= rate"]\nno_rule = ["all"]\n[length]\nsamples = "2k"\n')
    cli(["train", str(bookings), "-o", str(tmp_path / "run"), "--config", str(config)], standalone_mode=False)
    assert gankit.inspect(tmp_path / "run")["rules"] == ["rate <= amount"]
    notes: list[str] = []
    options = build_config({"no_rule": ["amount = nights * rate", "town"], "samples": "2k"})
    prepared = prepare(bookings, options, notes)
    found = [rule.text for rule in prepared.codec.rules.rules]
    assert {*found} == {*RULES, "rate <= amount", "amount in steps of 5"} - {"amount = nights * rate", "house -> town"}
    assert [note for note in notes if note.startswith("rule: ")] == [f"rule: {text}" for text in found]


def test_a_stated_rule_that_rows_break_is_refused_with_their_share(bookings: Path) -> None:
    with pytest.raises(OptionError, match=r"--rule 'amount <= 900': [\d,]+ of 800 rows \(\d+\.\d\d%\) break it"):
        gankit.train(bookings, rule=["amount <= 900"], **SHORT)


def test_rules_hold_between_given_columns_and_the_others(bookings: Path, tmp_path: Path) -> None:
    model = gankit.train(bookings, network="residual", given=["departure", "house"], **SHORT)
    assert {*RULES} == {rule.text for rule in model.codec.rules.rules}
    model.write(tmp_path / "fakes.csv", 500, where={"house": "house 4"})
    for row in rows(tmp_path / "fakes.csv"):
        check(row)
        assert row["house"] == "house 4"


def test_a_given_column_may_be_missing_where_others_are() -> None:
    g = np.random.default_rng(2)
    lost = g.random(600) < 0.3
    cells = {n: pa.array(np.round(g.normal(size=600), 2), mask=lost) for n in ("a", "b", "c")}
    model = gankit.train(
        pa.table({**cells, "d": g.choice(list("xy"), 600).tolist()}), network="residual", given=["a"], **SHORT
    )
    assert [rule.text for rule in model.codec.rules.rules] == ["b, c missing together"]
    made = model.sample(300)
    assert made.column("b").is_null().equals(made.column("c").is_null())


def test_vectors_keep_rules_too() -> None:
    g = np.random.default_rng(1)
    a, b = g.normal(size=(2, 600))
    model = gankit.train(np.stack([a, b, a + 2 * b], 1), **SHORT)
    made = model.sample(200)
    np.testing.assert_allclose(made[:, 2], made[:, 0] + 2 * made[:, 1], rtol=1e-9, atol=1e-9)
    inside = np.stack([a, b], 1)[(a + b < 1) & (a - b < 1)]
    made = gankit.train(inside, rule=["x0 + x1 < 1", "x0 - x1 < 1"], no_rule=["all"], **SHORT).sample(300)
    assert (made[:, 0] + made[:, 1] < 1).all() and (made[:, 0] - made[:, 1] < 1).all()


def test_runs_of_before_have_no_rules(run: Path, bookings: Path) -> None:
    file = run / "config.json"
    entry = json.loads(file.read_text())
    entry["format_version"] = 1
    del entry["options"]["no_rule"], entry["options"]["rule"]
    file.write_text(json.dumps(entry))
    options = RunFolder.open(run).config()["options"]
    assert options["no_rule"] == [*NO_RULES_OF_BEFORE]
    codec = prepare(bookings, build_config({**SHORT, "no_rule": options["no_rule"]}), []).codec
    names = [field.name for field in codec.fields]
    assert not codec.rules.items and [(names[a], names[b]) for a, b in codec.ordered] == [("arrival", "departure")]
    file.write_text(json.dumps({**entry, "notes": ["kind: image (150 of 12 x 10, RGB). Override with --kind."]}))
    assert "no_rule" not in RunFolder.open(run).config()["options"]
    file.write_text(json.dumps({**entry, "format_version": 2}))
    assert "no_rule" not in RunFolder.open(run).config()["options"]


def test_texts_of_runs_of_before_are_lines(run: Path) -> None:
    file = RunFolder.open(run).config_path
    entry = json.loads(file.read_text("utf-8"))
    entry["options"] = {"kind": "auto", "text_column": None, "resample": "lanczos", "unit": "word"}
    file.write_text(json.dumps({**entry, "notes": ["kind: text (300 of 7 to 7 words). Another: --kind, --unit."]}))
    assert RunFolder.open(run).config()["options"] == {
        "kind": "auto", "text_column": None, "unit": "word", "text_per": "line",
    }  # fmt: skip  # without what is for images, as all runs had once
