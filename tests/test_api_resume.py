"""A run that is killed outright and resumed ends in the same bytes as one that was left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import gankit
from gankit import ModelError, OptionError
from gankit.randomness import numpy_generator


def table(folder: Path, rows: int = 400, seed: int = 0) -> Path:
    g = numpy_generator(seed, "resume")
    file = folder / f"table-{seed}.csv"
    lines = [f"{g.normal():.3f},{'abc'[int(g.integers(3))]},{int(g.integers(5))}" for _ in range(rows)]
    file.write_text("\n".join(["x,kind,count", *lines]) + "\n")
    return file


def command(data: Path, run: Path, network: str) -> list[str]:
    options = ["--network", network, "--samples", "8k", "--evaluations", "8", "--batch", "32", "--no-early-stop"]
    return [sys.executable, "-m", "gankit", "train", str(data), "-o", str(run), *options]


@pytest.mark.parametrize("network", ["sequential", "residual"])
def test_a_killed_run_ends_in_the_same_bytes_when_it_is_resumed(tmp_path: Path, network: str) -> None:
    data = table(tmp_path)
    alone, killed = tmp_path / "alone", tmp_path / "killed"
    subprocess.run(command(data, alone, network), check=True, capture_output=True)
    with subprocess.Popen(
        command(data, killed, network), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        log = killed / "log.jsonl"
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and not (log.exists() and log.read_bytes().count(b"\n") >= 6):
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert b'"event": "finished"' not in log.read_bytes(), "the kill must land before the end"
    assert 0 < json.loads(log.read_bytes().split(b"\n")[4])["samples"] < 8_000
    subprocess.run(
        [sys.executable, "-m", "gankit", "train", "-o", str(killed), "--resume"], check=True, capture_output=True
    )
    assert (killed / "model.safetensors").read_bytes() == (alone / "model.safetensors").read_bytes()

    def events(run: Path) -> list[dict[str, object]]:
        lines = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
        return [event for event in lines if event.get("event") != "finished"]

    assert events(killed) == events(alone)


@pytest.mark.parametrize("stopped_in", ["gankit.run.run.Run.save", "gankit.training.loop.play"])
def test_a_run_that_was_stopped_before_its_first_look_goes_on_to_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_in: str
) -> None:
    data, alone, stopped = table(tmp_path), tmp_path / "alone", tmp_path / "stopped"
    gankit.train(data, out=alone, samples="2k", evaluations=2)

    def interrupted(*arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(stopped_in, interrupted)
        gankit.train(data, out=stopped, samples="2k", evaluations=2)
    kept = sorted(path.name for path in (stopped / "checkpoints").glob("*"))
    assert kept == ([] if stopped_in.endswith("save") else ["step-000000000.safetensors"])
    gankit.resume(stopped)
    assert (stopped / "model.safetensors").read_bytes() == (alone / "model.safetensors").read_bytes()


def test_a_begun_run_without_checkpoints_is_not_begun_again(tmp_path: Path) -> None:
    data, run = table(tmp_path), tmp_path / "run"
    gankit.train(data, out=run, samples="2k", evaluations=2)
    for path in (run / "checkpoints").iterdir():
        path.unlink()
    before = (run / "model.safetensors").read_bytes()
    with pytest.raises(ModelError, match="no checkpoint"):
        gankit.resume(run)
    assert (run / "model.safetensors").read_bytes() == before


def test_a_finished_run_that_is_resumed_stays_as_it_is(tmp_path: Path) -> None:
    data, run = table(tmp_path), tmp_path / "run"
    gankit.train(data, out=run, samples="2k", evaluations=2)
    before = (run / "model.safetensors").read_bytes()
    gankit.resume(run)
    assert (run / "model.safetensors").read_bytes() == before


def test_other_data_is_refused_when_a_run_is_resumed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    gankit.train(table(tmp_path), out=run, samples="2k", evaluations=2)
    with pytest.raises(ModelError, match="not what"):
        gankit.resume(run, table(tmp_path, seed=1))


def test_data_that_was_no_file_must_be_given_again(tmp_path: Path) -> None:
    x = numpy_generator(0, "array").normal(size=(300, 2))
    run = tmp_path / "run"
    model = gankit.train(x, out=run, samples="3k", evaluations=2)
    with pytest.raises(OptionError, match="Give the same data"):
        gankit.resume(run)
    again = gankit.resume(run, x)
    np.testing.assert_array_equal(again.sample(5), model.sample(5))


def test_a_training_can_be_followed_and_left_at_any_step(tmp_path: Path) -> None:
    seen = []
    for progress in gankit.follow(table(tmp_path), samples="20k", evaluations=4):
        seen.append(progress.samples)
        if len(seen) == 3:
            break
    assert seen == sorted(seen) and len(seen) == 3


def test_overwriting_reads_the_data_before_it_removes_the_old_run(tmp_path: Path) -> None:
    run = tmp_path / "run"
    gankit.train(table(tmp_path), out=run, samples="2k", evaluations=1)
    with pytest.raises(gankit.DataError):
        gankit.train(tmp_path / "missing.csv", out=run, overwrite=True, samples="2k")
    assert (run / "model.safetensors").exists()


def test_the_same_options_give_the_same_model(tmp_path: Path) -> None:
    data = table(tmp_path)
    one, two = (gankit.train(data, samples="4k", evaluations=2, seed=5) for _ in range(2))
    assert one.sample(20).equals(two.sample(20))
    assert not one.sample(20).equals(gankit.train(data, samples="4k", evaluations=2, seed=6).sample(20))


def test_latents_are_refused_where_they_would_be_ignored(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="one number of z a column"):
        gankit.train(table(tmp_path), samples="2k", latents=7)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are bytes on Linux alone")
def test_a_file_whose_name_is_no_text_is_learned_resumed_and_evaluated(tmp_path: Path) -> None:
    data = tmp_path / os.fsdecode(b"x\xff.csv")
    data.write_text("a,b\n" + "".join(f"{i},{i % 7}.5\n" for i in range(60)))
    gankit.train(data, out=tmp_path / "run", samples="200", network="residual", width=8, verbose=False)
    gankit.resume(tmp_path / "run", verbose=False)
    assert gankit.evaluate(tmp_path / "run", fast=True, verbose=False).figures()
