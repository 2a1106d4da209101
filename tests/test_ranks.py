"""Several processes that train one model: the same numbers as one, and what happens when they differ or die."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import games_of_ranks
import pytest
import torch
from torch import Tensor

from gankit.cli import run
from gankit.model.files import read_safetensors
from gankit.randomness import numpy_generator

WORLD = 2
SOURCES = Path(__file__).parents[1] / "src"


def environment(rank: int, port: int) -> dict[str, str]:
    """What torchrun sets for a process."""
    own = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": WORLD, "MASTER_PORT": port}
    return {
        **os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1", "MASTER_ADDR": "localhost",
        **{name: str(value) for name, value in own.items()},
    }  # fmt: skip


def started(commands: Sequence[Sequence[str]], folder: Path) -> list[subprocess.CompletedProcess[str]]:
    """Runs a command a process, side by side, and waits for them."""
    with socket.socket() as listening:
        listening.bind(("localhost", 0))
        port = listening.getsockname()[1]
    running = [
        subprocess.Popen(
            [sys.executable, *command], env=environment(rank, port), cwd=folder, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for rank, command in enumerate(commands)
    ]  # fmt: skip
    said = [process.communicate(timeout=300) for process in running]
    return [subprocess.CompletedProcess(p.args, p.returncode, *out) for p, out in zip(running, said, strict=True)]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, dict[str, Tensor]], ...]:
    """The games as one process plays them, and as each of two does."""
    folder = tmp_path_factory.mktemp("games")
    for done in started([[games_of_ranks.__file__, str(folder)]] * WORLD, folder):
        assert done.returncode == 0, done.stderr
    return games_of_ranks.play(), *(torch.load(folder / f"{rank}.pt") for rank in range(WORLD))


@pytest.mark.parametrize("title", games_of_ranks.TITLES)
def test_processes_hold_the_same_bits_and_get_what_one_alone_gets(
    title: str, played: tuple[dict[str, dict[str, Tensor]], ...]
) -> None:
    alone, first, second = (games[title] for games in played)
    rounding = 2e-3 if title == "projected" else 2e-5  # its backbone sees in bfloat16
    for name, tensor in first.items():
        assert torch.equal(tensor, second[name]), name
        torch.testing.assert_close(
            tensor, alone[name], rtol=1e-3, atol=rounding, msg=lambda said, name=name: f"{name}: {said}"
        )


# --- the command ------------------------------------------------------------------------------------------------------

TRAIN = ["-m", "gankit", "train"]


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small table."""
    path = tmp_path_factory.mktemp("data") / "table.csv"
    draws = numpy_generator(0, "ranks")
    x, kinds = draws.normal(size=800), draws.choice(["a", "b", "c"], 800)
    rows = [f"{u:.2f},{u + v:.2f},{k}" for u, v, k in zip(x, draws.normal(size=800), kinds, strict=True)]
    path.write_text("\n".join(["x,y,kind", *rows]) + "\n")
    return path


def process(rank: int, parent: int) -> int | None:
    """The number of the process of a rank among the children of a launcher."""
    for children in Path(f"/proc/{parent}/task").glob("*/children"):
        for number in map(int, children.read_text().split()):
            if f"\0RANK={rank}\0" in Path(f"/proc/{number}/environ").read_text():
                return number
    return None


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="finds processes in /proc")
def test_a_run_whose_process_dies_starts_again_and_ends_with_the_same_bits(table: Path, tmp_path: Path) -> None:
    options = ["--samples", "8k", "--evaluations", "6", "--seed", "3", "--nproc", "2"]
    own = {**os.environ, "PYTHONPATH": str(SOURCES), "OMP_NUM_THREADS": "1"}
    for name in ("whole", "killed"):
        command = [sys.executable, *TRAIN, str(table), "-o", name, *options]
        running = subprocess.Popen(command, cwd=tmp_path, env=own, text=True, stderr=subprocess.PIPE)
        if name == "killed":
            log, end = tmp_path / name / "log.jsonl", time.monotonic() + 120
            while not (log.exists() and log.read_text().count('"metric": -') >= 2) and time.monotonic() < end:
                time.sleep(0.05)
            second = process(1, running.pid)
            assert second is not None
            os.kill(second, signal.SIGKILL)
        said = running.communicate(timeout=300)[1]
        assert running.returncode == 0, said
        assert ("all start again from the last checkpoint" in said) == (name == "killed"), said
        assert said.count("kind: table") == 1, "one process speaks"
    whole, killed = (read_safetensors(tmp_path / name / "model.safetensors")[0] for name in ("whole", "killed"))
    assert whole.keys() == killed.keys() and all(torch.equal(whole[name], killed[name]) for name in whole)


def test_mistakes_are_said_once_in_words(table: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text(table.read_text() + "1,2,a\n")
    train = [*TRAIN, "-o", "run", "--samples", "1k"]
    first, second = started([[*train, str(table)], [*train, str(other)]], tmp_path)
    assert first.returncode == second.returncode == 2
    assert "process 1 of 2 has other data" in first.stderr and "Traceback" not in first.stderr + second.stderr
    first, second = started([[*train, str(table), "--batch", "33"]] * 2, tmp_path)
    assert first.returncode == second.returncode == 2
    assert "2 processes cannot share a batch of 33 records" in first.stderr and "--batch 34" in first.stderr
    assert not (tmp_path / "run").exists()


def test_options_that_processes_cannot_obey_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["train", "-", "--nproc", "2"]) == 2
    assert "cannot share standard input" in capsys.readouterr().err
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setenv("RANK", "1")
    assert run(["train", __file__]) == 2
    assert "-o RUN" in capsys.readouterr().err
