"""Threads: as many as pay off, never fewer than they were afterwards, and the same ones when a run goes on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import gankit
from gankit.networks import execution as room
from gankit.networks.execution import threads, threads_that_pay
from gankit.run import machine


@pytest.fixture
def two_threads() -> object:
    """A torch that has two threads, whatever the tests run with."""
    with threads(2):
        yield


def clock(monkeypatch: pytest.MonkeyPatch, alone_s: float, together_s: float) -> None:
    """A clock that says a turn takes so long on one thread, and so long on all."""
    now = [0.0, 0.0]

    def told() -> float:
        now[0] += (alone_s if torch.get_num_threads() == 1 else together_s) * now[1]
        now[1] = 1 - now[1]  # the first of two looks begins a turn, the second ends it
        return now[0]

    monkeypatch.setattr(room.time, "perf_counter", told)


@pytest.mark.parametrize(("alone_s", "together_s", "chosen"), [(1.0, 0.6, 2), (1.0, 1.2, 2), (1.0, 10.0, 1)])
def test_threads_that_wait_for_each_other_are_left_alone(
    monkeypatch: pytest.MonkeyPatch, two_threads: object, alone_s: float, together_s: float, chosen: int
) -> None:
    clock(monkeypatch, alone_s, together_s)
    assert threads_that_pay() == chosen
    assert torch.get_num_threads() == 2


def test_one_thread_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.time, "perf_counter", lambda: pytest.fail("there is nothing to choose"))
    with threads(1):
        assert threads_that_pay() == 1


def test_threads_come_back_after_an_error(two_threads: object) -> None:
    with pytest.raises(ValueError, match="x"), threads(1):
        raise ValueError("x")
    assert torch.get_num_threads() == 2


def test_images_train_on_the_threads_that_pay_and_the_run_keeps_their_number(
    monkeypatch: pytest.MonkeyPatch, two_threads: object, tmp_path: Path
) -> None:
    x = np.random.default_rng(0).integers(0, 255, (24, 8, 8), dtype=np.uint8)
    options = {"samples": "64", "batch": 16, "width": 8, "evaluations": 1}
    seen: list[int] = []
    monkeypatch.setattr(machine, "threads_that_pay", lambda: 1)
    notes: list[str] = []
    stream = gankit.follow(x, out=tmp_path / "run", on_note=notes.append, **options)
    seen = [torch.get_num_threads() for _ in stream]
    assert any("threads: 1 of 2" in note and "--threads 2" in note for note in notes)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["options"]["threads"] == 1
    assert set(seen) == {2}, "outside of the steps torch's setting is the caller's"
    monkeypatch.setattr(machine, "threads_that_pay", lambda: pytest.fail("the number was given"))
    notes.clear()
    model = gankit.train(x, threads=2, on_note=notes.append, **options)
    assert model.card["options"]["threads"] == 2 and not any("threads" in note for note in notes)
