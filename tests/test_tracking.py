"""Callbacks and trackers: what they are told, as the trackers' own readers have it; they never cost a training."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from test_kinds_contract import SMALL, example

import gankit
from gankit.cli import run
from gankit.errors import DivergedError, InterruptedRun, OptionError
from gankit.tracking.tracker import SAMPLES, figures_of

OPTIONS: dict[str, Any] = {"samples": "4k", "evaluations": 3, "width": 8, "early_stop": False, "seed": 3}
BLIND: Any = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::ResourceWarning"
)  # of trackers' libraries


class Listener(gankit.Callback):
    """Writes down what it is told; stops, or fails in a method, where it is said to."""

    def __init__(self, stop_at: float = float("inf"), fails_in: str = "") -> None:
        self.told: list[tuple[str, Any]] = []
        self.stop_at, self.fails_in = stop_at, fails_in

    def hear(self, method: str, what: Any) -> None:
        self.told.append((method, what))
        if method == self.fails_in:
            raise ZeroDivisionError(f"no luck in {method}")

    def of(self, method: str) -> list[Any]:
        return [what for name, what in self.told if name == method]

    def on_start(self, start: gankit.TrainingStart) -> None:
        self.hear("on_start", start)

    def on_progress(self, progress: gankit.Progress) -> Any:
        torch.manual_seed(progress.step)  # as nobody should
        progress.sample(2)
        self.hear("on_progress", progress)
        return np.int64(progress.samples) >= self.stop_at  # NumPy's truth

    def on_preview(self, samples: int, preview: gankit.Preview) -> None:
        self.hear("on_preview", (samples, preview))

    def on_end(self, end: gankit.TrainingEnd) -> None:
        self.hear("on_end", end)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("data") / "pairs.npy"
    np.save(file, np.random.default_rng(0).normal(size=(300, 2)))
    return file


@pytest.fixture(scope="module")
def alone(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without listeners."""
    folder = tmp_path_factory.mktemp("alone") / "run"
    gankit.train(data, out=folder, verbose=False, **OPTIONS)
    return folder


def model_bytes(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def steps_of(folder: Path) -> list[int]:
    events = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [event["samples"] for event in events if "samples" in event]


def test_a_callback_is_told_of_the_start_of_every_update_of_previews_and_of_the_end(data: Path) -> None:
    heard, seen = Listener(), []
    model = gankit.train(data, callbacks=[heard], on_progress=seen.append, on_note=lambda _: None, **OPTIONS)
    (start,), (end,), updates = heard.of("on_start"), heard.of("on_end"), heard.of("on_progress")
    assert [method for method, _ in heard.told[:3]] == ["on_start", "on_preview", "on_progress"]
    assert heard.told[-1] == ("on_end", end)
    assert (start.name, start.folder, start.samples, start.total_samples) == ("pairs", None, 0, 4000)
    assert start.options["width"] == 8 and start.facts["network"] == "residual" and start.facts["train_records"] == 240
    assert updates == seen and len(updates) > 5
    at = [p.samples for p in updates if p.metric is not None]
    assert [samples for samples, _ in heard.of("on_preview")] == [0, *at]
    assert all(preview.form == "scatter" and preview.records.shape[1] == 2 for _, preview in heard.of("on_preview"))
    assert (end.status, end.samples, end.model) == ("finished", updates[-1].samples, None)
    assert end.best_metric == model.card["metric"]["value"]


def test_neither_callbacks_nor_trackers_change_a_bit_of_the_model(data: Path, alone: Path, tmp_path: Path) -> None:
    out, heard = tmp_path / "run", Listener()
    gankit.train(data, out=out, callbacks=[heard], log="tensorboard", verbose=False, **OPTIONS)
    assert model_bytes(out) == model_bytes(alone)
    assert json.loads((out / "config.json").read_text())["options"]["log"] == ["tensorboard"]
    assert heard.of("on_end")[0].model == (out / "model.safetensors").resolve()


@pytest.mark.parametrize("method", ["on_start", "on_progress", "on_preview", "on_end"])
def test_an_exception_in_a_callback_is_said_once_and_costs_nothing(data: Path, method: str) -> None:
    heard, other, notes = Listener(fails_in=method), Listener(), list[str]()
    model = gankit.train(data, callbacks=[heard, other], on_note=notes.append, **{**OPTIONS, "samples": "600"})
    said = [note for note in notes if "Listener" in note]
    assert said == [
        f"Listener failed in {method} (ZeroDivisionError: no luck in {method}). "
        "The training goes on, and tells it no more."
    ]
    assert len(heard.of(method)) == 1 and len(heard.of("on_end")) == 1, "the end is told to all"
    assert other.of("on_end")[0].status == "finished" and len(model.sample(3)) == 3


def test_a_callback_can_stop_a_training_which_then_goes_on_to_the_same_bytes(
    data: Path, alone: Path, tmp_path: Path
) -> None:
    out, first, then = tmp_path / "run", Listener(stop_at=2000), Listener()
    gankit.train(data, out=out, callbacks=[first], verbose=False, **OPTIONS)
    assert first.of("on_end")[0].status == "interrupted"
    assert 2000 <= first.of("on_end")[0].samples < 3000
    gankit.resume(out, callbacks=[then], verbose=False)
    assert then.of("on_start")[0].samples == first.of("on_end")[0].samples
    assert then.of("on_preview")[0][0] > 2000, "the one before the first step is not told again"
    assert model_bytes(out) == model_bytes(alone)
    with pytest.raises(InterruptedRun):
        gankit.train(data, callbacks=[Listener(stop_at=1)], should_stop=lambda: False, verbose=False, **OPTIONS)


def test_a_training_that_fails_or_is_left_is_said_to_have(data: Path) -> None:
    failed, left = Listener(), Listener()
    with pytest.raises(DivergedError):
        gankit.train(data, callbacks=[failed], learning_rate=1e30, loss="wasserstein", verbose=False, **OPTIONS)
    assert failed.of("on_end")[0].status == "failed" and "infinite or NaN" in failed.of("on_end")[0].error
    training = gankit.follow(data, callbacks=[left], **OPTIONS)
    next(training)
    training.close()
    assert [end.status for end in left.of("on_end")] == ["interrupted"]


class Misspelt(gankit.Callback):
    def on_progres(self, progress: gankit.Progress) -> None: ...


@pytest.mark.parametrize(
    ("callbacks", "said"),
    [
        (print, "callbacks must be a list of gankit.Callback objects. Got builtin"),
        ([print], "print is no gankit.Callback. Derive its class from gankit.Callback and override on_start, "),
        ([Listener], r"Listener is a class. Give an object: Listener\(\)"),
        ([Misspelt()], "Misspelt has on_progres, which is never called. Did you mean 'on_progress'"),
    ],
)
def test_what_is_no_callback_is_refused(data: Path, callbacks: Any, said: str) -> None:
    for function in (gankit.train, gankit.follow, gankit.resume):
        with pytest.raises(OptionError, match=said):
            function(data, callbacks=callbacks)


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (["tensorbord"], "there is no tracker 'tensorbord'. Did you mean 'tensorboard'?"),
        (["tensorboard:{data}"], "is no folder (File exists)"),
        (["tensorboard", "tensorboard"], "--log tensorboard stands there twice"),
        (["mlflow:mlruns"], "MLflow no longer keeps runs in folders. Give a tracking URI"),
        (["mlflow:http://me:secret@localhost:1"], "mlflow:http://me:***@localhost:1: a run folder keeps no password"),
        (["mlflow:http://localhost:1"], "--log mlflow:http://localhost:1 cannot be used (API request to"),
        (["wandb"], "--log wandb needs the package wandb: pip install 'gankit[wandb]'"),
    ],
)  # fmt: skip
@BLIND
def test_a_tracker_that_cannot_be_used_is_refused_in_one_sentence(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, log: Sequence[str],
    said: str,
) -> None:  # fmt: skip
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setitem(sys.modules, "wandb", None)
    flags = [word for text in log for word in ("--log", text.format(data=data))]
    assert run(["train", str(data), "-o", str(tmp_path / "run"), *flags]) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1 and not (tmp_path / "run").exists()


def read_events(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), dict.fromkeys(("scalars", "tensors", "images", "audio"), 0))
    return events.Reload()


@BLIND
def test_tensorboard_reads_every_figure_once_of_a_run_that_was_stopped_and_resumed(data: Path, tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    out, where = tmp_path / "run", tmp_path / "board"
    stop, heard = Listener(stop_at=2000), Listener()
    gankit.train(data, out=out, log=f"tensorboard:{where}", callbacks=[stop], verbose=False, **OPTIONS)
    at = stop.of("on_end")[0].samples
    crashed = SummaryWriter(str(where))
    crashed.add_scalar(SAMPLES, -1, at + 1)  # after the last checkpoint
    crashed.close()
    gankit.resume(out, callbacks=[heard], verbose=False)
    events, updates = read_events(where), stop.of("on_progress") + heard.of("on_progress")
    for name in ("loss/discriminator", "heldout/metric", "scores/mean_fake", SAMPLES, "gradient/generator"):
        wanted = [(p.samples, figures_of(p)[name]) for p in updates if name in figures_of(p)]
        found = [(e.step, e.value) for e in events.Scalars(name)]
        assert len(found) > 2 and found == [(step, pytest.approx(value, rel=1e-6)) for step, value in wanted], name
    previews = [samples for samples, _ in stop.of("on_preview") + heard.of("on_preview")]
    assert [image.step for image in events.Images("samples")] == previews
    (config,) = events.Tensors("config/text_summary")
    assert b"| width | 8 |" in config.tensor_proto.string_val[0]
    assert events.SummaryMetadata("_hparams_/session_start_info").plugin_data.plugin_name == "hparams"
    assert [end.tensor_proto.string_val[0].split()[0] for end in events.Tensors("end/text_summary")] == [
        b"interrupted", b"finished",
    ]  # fmt: skip
    with pytest.raises(OptionError, match="has another training in it"):
        gankit.train(data, log=f"tensorboard:{where}", verbose=False, **OPTIONS)
    with pytest.raises(OptionError, match="there is none"):
        gankit.train(data, log="tensorboard", verbose=False)


@BLIND
@pytest.mark.parametrize("kind", ["image", "audio", "series", "text", "table"])
def test_previews_of_every_form_are_shown_by_tensorboard(kind: str, tmp_path: Path) -> None:
    made, where, heard = example(kind), tmp_path / "board", Listener()
    log = {"log": f"tensorboard:{where}", "callbacks": [heard]}
    gankit.train(made.source, verbose=False, **log, **{**SMALL, **made.options, "samples": "500", "evaluations": 1})
    events, (samples, preview) = read_events(where), heard.of("on_preview")[-1]
    if kind in ("image", "audio", "series"):
        image = events.Images("samples")[-1]
        assert image.step == samples and min(image.width, image.height) > 64
        assert image.encoded_image_string.startswith(b"\x89PNG")
    else:
        text = events.Tensors("samples/text_summary")[-1].tensor_proto.string_val[0].decode()
        first = preview.records[0] if kind == "text" else preview.records.column(0)[0].as_py()
        assert text.splitlines()[2].startswith(f"| {first} |")
    assert (preview.sounds is not None) == (kind == "audio")
    if kind == "audio":
        (clip,) = events.Audio("samples/0")[-1:]
        assert clip.sample_rate == 2000 and clip.encoded_audio_string.startswith(b"RIFF")


@pytest.mark.slow
@BLIND
def test_mlflow_keeps_one_run_of_a_training_that_was_stopped_and_resumed_and_can_break(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.chdir(tmp_path)
    from mlflow import MlflowClient

    out, stop, notes = tmp_path / "run", Listener(stop_at=2000), list[str]()
    gankit.train(data, out=out, log="mlflow:sqlite:///runs.db", callbacks=[stop], on_note=notes.append, **OPTIONS)
    client = MlflowClient(f"sqlite:///{tmp_path / 'runs.db'}")
    (found,) = client.search_runs([client.get_experiment_by_name("gankit").experiment_id])
    assert (found.info.run_name, found.info.status) == ("run", "KILLED")
    assert any(f"mlflow: run {found.info.run_id} of sqlite:///{tmp_path}/runs.db" in note for note in notes)
    assert (found.data.params["width"], found.data.params["network"]) == ("8", "residual")
    monkeypatch.chdir(data.parent)  # the address was kept whole
    gankit.resume(out, verbose=False)
    (again,) = client.search_runs([found.info.experiment_id])
    assert (again.info.run_id, again.info.status) == (found.info.run_id, "FINISHED")
    assert again.data.tags["gankit.model"] == str(out / "model.safetensors")
    history = client.get_metric_history(found.info.run_id, SAMPLES)
    assert [metric.step for metric in history] == [metric.value for metric in history] == steps_of(out)
    assert len(client.list_artifacts(found.info.run_id, "images")) >= 2 * 4

    class Vandal(gankit.Callback):
        def on_progress(self, progress: gankit.Progress) -> None:
            with sqlite3.connect(tmp_path / "runs.db") as database:
                database.execute("DROP TABLE IF EXISTS metrics")

    model = gankit.train(
        data, log="mlflow:sqlite:////" + str(tmp_path / "runs.db")[1:], callbacks=[Vandal()], on_note=notes.append,
        **OPTIONS,
    )  # fmt: skip
    assert sum(note.startswith("mlflow failed in on_progress (") for note in notes) == 1 and len(model.sample(3)) == 3


@BLIND
def test_wandb_keeps_a_training_offline(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    out, stop, notes = tmp_path / "run", Listener(stop_at=2000), list[str]()
    gankit.train(data, out=out, log="wandb:people", callbacks=[stop], on_note=notes.append, **OPTIONS)
    assert any(note.startswith("wandb: offline: wandb sync ") for note in notes), notes
    gankit.resume(out, verbose=False)
    kept = json.loads((out / "trackers.json").read_text())["wandb:people"]
    files = sorted((out / "wandb").glob(f"offline-run-*/run-{kept}.wandb"))
    assert files and all(b"loss/discriminator" in file.read_bytes() for file in files)
