"""What a run keeps to be watched, what a progress update can be asked for, and how a run is stopped from outside."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_kinds_contract import SMALL, example

import gankit
from gankit.errors import InterruptedRun, ModelError, OptionError
from gankit.run import previews as kept_by_runs
from gankit.run.folder import RunFolder
from gankit.web.records.sampling import conditions

FORMS = {
    "number": "scatter", "vector": "scatter", "table": "rows", "image": "grid", "audio": "grid", "series": "lines",
    "text": "texts",
}  # fmt: skip
PAIRS = np.random.default_rng(0).normal(size=(300, 2))


def steps_of(folder: Path) -> list[int]:
    """The steps of which a preview is there."""
    return sorted({int(file.name[:12]) for file in folder.glob("0*.*")})


def digests(folder: Path) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.iterdir())}


@pytest.mark.parametrize("kind", list(FORMS))
def test_every_kind_keeps_fakes_of_the_same_noise_beside_held_out_records_and_its_generators(
    kind: str, tmp_path: Path
) -> None:
    made = example(kind)
    model = gankit.train(made.source, out=tmp_path / "run", verbose=False, **SMALL, **made.options)
    folder = tmp_path / "run" / "previews"
    about = json.loads((folder / "about.json").read_text())
    assert about["kind"] == kind and about["form"] == FORMS[kind]
    assert about["records"] == model.card["rows"] and about["shape"] == list(model.codec.spec.shape)
    at = [0, *(entry["samples"] for entry in model.history if entry["samples"])]
    assert steps_of(folder) == at
    suffix = kept_by_runs.SUFFIXES[about["form"]]
    first, last, real = ((folder / f"{name}{suffix}").read_bytes() for name in (f"{0:012d}", f"{at[-1]:012d}", "real"))
    assert first != last and len(real) > 50
    assert (folder / f"{at[-1]:012d}.surface.npz").exists() == (kind == "number")
    untrained, trained = (gankit.load(folder / f"{samples:012d}.safetensors") for samples in (0, at[-1]))
    same = {name: t.equal(untrained.generator.state_dict()[name]) for name, t in trained.generator.state_dict().items()}
    assert not all(same.values()) and trained.sample(3) is not None
    assert not (tmp_path / "run" / "pid").exists()


def test_previews_of_numbers_are_in_the_units_of_the_data_and_do_not_change_their_noise(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(1000, 5, 400)
    gankit.train(x, out=tmp_path / "run", samples="5k", evaluations=4, verbose=False)
    folder = tmp_path / "run" / "previews"
    shown = [np.load(folder / f"{samples:012d}.npy") for samples in steps_of(folder)]
    assert all(one.shape == (512, 1) and one.dtype == np.float32 for one in shown)
    assert all(900 < one.mean() < 1100 for one in shown)
    assert np.corrcoef(shown[-2][:, 0], shown[-1][:, 0])[0, 1] > 0.9
    assert np.load(folder / "real.npy").shape == (80, 1)


def test_the_surface_of_two_numbers_is_high_where_only_real_records_are(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(600, 2)) * [1, 0.1]
    model = gankit.train(x, out=tmp_path / "run", samples="6k", verbose=False)
    folder = tmp_path / "run" / "previews"
    with np.load(folder / f"{steps_of(folder)[-1]:012d}.surface.npz") as found:
        assert {name: found[name].shape for name in found} == {"x": (48,), "y": (48,), "d": (48, 48)}
        assert 0 <= found["d"].min() < found["d"].max() <= 1
    assert model.figure is not None and set(model.figure) == {"x", "y", "d"}
    report = gankit.evaluate(model, fast=True, verbose=False)
    assert "over D\u2019s surface" in report.html or "over D&#39;s surface" in report.html
    assert set(report.json["surface"]) == {"x", "y", "d"}


def test_a_resumed_run_keeps_the_same_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_by_runs, "LEAST_STEPS", 10)
    options: dict[str, Any] = {"samples": "20k", "evaluations": 3, "previews": "150KB", "verbose": False, "width": 32}
    gankit.train(PAIRS, out=tmp_path / "whole", **options)
    updates = 0

    def stop() -> bool:
        nonlocal updates
        updates += 1
        return updates > 9

    with pytest.raises(InterruptedRun):
        gankit.train(PAIRS, out=tmp_path / "cut", should_stop=stop, **options)
    later = tmp_path / "cut" / "previews" / f"{19_000:012d}.npy"
    later.write_bytes(b"left by a run that was killed after its last checkpoint")
    gankit.resume(tmp_path / "cut", PAIRS, verbose=False)
    assert digests(tmp_path / "cut" / "previews") == digests(tmp_path / "whole" / "previews")


def test_previews_keep_to_their_disk_space_and_never_lose_the_first_the_best_and_the_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_by_runs, "LEAST_STEPS", 1)
    shared: dict[str, Any] = {"samples": "20k", "evaluations": 10, "verbose": False, "width": 32, "seed": 2}
    model = gankit.train(PAIRS, out=tmp_path / "all", previews="1GB", **shared)
    every = steps_of(tmp_path / "all" / "previews")
    whole = sum(file.stat().st_size for file in (tmp_path / "all" / "previews").glob("0*"))
    assert len(every) > 25
    for share in (2, 5, 20):
        folder = tmp_path / f"{share}" / "previews"
        gankit.train(PAIRS, out=folder.parent, previews=whole // share, **shared)
        left, used = steps_of(folder), sum(file.stat().st_size for file in folder.glob("0*"))
        models = sorted(int(file.stem) for file in folder.glob("0*.safetensors"))
        assert {0, every[-1], model.card["metric"]["samples"]} <= set(models) <= set(left) <= set(every)
        assert len(left) < len(every) or len(models) < len(every)
        always = max(file.stat().st_size for file in folder.glob("0*.safetensors")) + 20_000
        assert used <= whole / share + 3 * always
        gaps = np.diff([every.index(samples) for samples in left])
        assert gaps.max() <= 2 * np.median(gaps), "spread over the whole training"


def test_no_space_keeps_nothing_and_no_size_is_refused(tmp_path: Path) -> None:
    gankit.train(PAIRS, out=tmp_path / "run", samples="2k", previews=0, verbose=False)
    assert not (tmp_path / "run" / "previews").exists()
    with pytest.raises(OptionError, match="50MB"):
        gankit.train(PAIRS, samples="2k", previews="much", verbose=False)


def test_a_progress_update_is_asked_for_samples_and_scores_while_it_is_the_last() -> None:
    x = np.concatenate([np.full(200, -2.0), np.full(200, 2.0)]) + np.random.default_rng(0).normal(0, 0.1, 400)
    training = gankit.follow(x, samples="20k", loss="nonsaturating", penalty="r1")
    first = next(training)
    made = first.sample(5, seed=3)
    assert made.shape == (5,) and not np.array_equal(made, first.sample(5, seed=4))
    assert np.array_equal(made, first.sample(5, seed=3)), "it does not move the game"
    for last in training:
        scores = last.discriminator(np.array([-2.0, 0.0, 2.0]))
        assert scores.shape == (3,) and np.isfinite(scores).all()
    with pytest.raises(ModelError, match="has gone on"):
        first.sample(5)
    assert last.d_gradient is None or last.d_gradient > 0


@pytest.mark.parametrize("kind", list(FORMS))
def test_what_is_sampled_can_be_scored(kind: str) -> None:
    made = example(kind)
    training = gankit.follow(made.source, **SMALL, **made.options)
    update = next(training)
    scores = update.discriminator(update.sample(4))
    assert scores.shape == (4,) and np.isfinite(scores).all()
    training.close()


def test_a_file_named_stop_stops_a_run_at_its_next_update(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    (folder).mkdir()
    (folder / "stop").touch()  # one that was left from before stops nothing
    seen: list[int] = []

    def watch(progress: Any) -> None:
        seen.append(progress.samples)
        assert json.loads((folder / "pid").read_text())["pid"] > 0
        if len(seen) == 3:
            (folder / "stop").touch()

    with pytest.raises(InterruptedRun, match="--resume"):
        gankit.train(PAIRS, out=folder, samples="20k", on_progress=watch, should_stop=lambda: False)
    assert len(seen) == 3 and not (folder / "stop").exists() and not (folder / "pid").exists()
    model = gankit.resume(folder, PAIRS, verbose=False)
    assert model.card["samples"] == RunFolder(folder).read_log()[-2]["samples"]


def test_speeds_are_in_a_file_of_their_own_since_logs_of_repeated_runs_are_equal(tmp_path: Path) -> None:
    for name in ("a", "b"):
        gankit.train(PAIRS, out=tmp_path / name, samples="2k", verbose=False)
    logs = [[e for e in RunFolder(tmp_path / name).read_log() if "event" not in e] for name in ("a", "b")]
    assert logs[0] == logs[1] and logs[0][0]["g_gradient"] > 0
    speeds = [json.loads(line) for line in (tmp_path / "a" / "speed.jsonl").read_text().splitlines()]
    assert [entry["samples"] for entry in speeds] == [entry["samples"] for entry in logs[0]]
    assert all(entry["samples_per_second"] > 0 for entry in speeds)


def test_rows_say_which_rules_of_the_data_they_break_before_they_are_drawn_again(tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    start = draws.integers(0, 1000, 400)
    rows = {"start": start, "end": start + draws.integers(1, 50, 400), "size": draws.normal(size=400).round(2)}
    gankit.train(rows, out=tmp_path / "run", samples="4k", verbose=False, width=16)
    shown = json.loads((tmp_path / "run" / "previews" / f"{0:012d}.json").read_text())
    assert shown["columns"] == ["start", "end", "size"] and set(shown["broken"]) == {"start < end"}
    cells = [(int(row[0]), int(row[1])) for row in shown["rows"]]
    assert shown["broken"]["start < end"] == round(np.mean([a >= b for a, b in cells]), 4)


@pytest.mark.parametrize("num", [200, 6000])
def test_the_held_out_metric_of_a_table_has_an_interval_few_records_or_many(num: int) -> None:
    draws = np.random.default_rng(0)
    rows = {"a": draws.normal(size=num), "b": draws.choice(["x", "y"], num).tolist()}
    updates: list[Any] = []
    gankit.train(rows, samples="3k", evaluations=2, width=8, on_progress=updates.append, verbose=False)
    judged = [u for u in updates if u.metric is not None]
    assert judged and all(u.metric_low <= u.metric <= u.metric_high for u in judged)
    assert all(u.metric_low is None for u in updates if u.metric is None)


def test_dates_and_amounts_of_a_table_are_numbers_beside_their_texts(tmp_path: Path) -> None:
    days = [f"{1 + i % 28:02d}.{1 + i % 12:02d}.2023" for i in range(200)]
    lines = [
        f"{i + 1000};{day};{10 + i % 37},50 €;{'n/a' if i % 9 == 0 else 'AB'[i % 2]}" for i, day in enumerate(days)
    ]
    (tmp_path / "orders.csv").write_text("order;day;amount;shop\n" + "\n".join(lines) + "\n")
    gankit.train(tmp_path / "orders.csv", out=tmp_path / "run", samples="2k", verbose=False)
    for name in ("real", f"{0:012d}"):
        shown = json.loads((tmp_path / "run" / "previews" / f"{name}.json").read_text())
        assert set(shown["numbers"]) == {"day", "amount"}
        for cells, *numbers in zip(shown["rows"], shown["numbers"]["day"], shown["numbers"]["amount"], strict=True):
            row = dict(zip(shown["columns"], cells, strict=True))
            when = datetime.fromtimestamp(numbers[0], UTC)
            assert row["day"] == when.strftime("%d.%m.%Y")
            assert float(row["amount"].removesuffix(" €").replace(",", ".")) == pytest.approx(numbers[1])
    about = json.loads((tmp_path / "run" / "previews" / "about.json").read_text())
    assert {"name": "order", "kind": "identifier"} in about["columns"]
    asked = {c["name"]: c["time"] for c in conditions(gankit.load(tmp_path / "run"))["conditions"]}
    assert asked == {"day": True, "amount": False, "shop": False}
