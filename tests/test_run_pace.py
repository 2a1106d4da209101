"""How long a training is: a time that is kept, plans that are repeated, runs that are made longer or left early."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gankit
from gankit.model.files import read_safetensors, write_safetensors
from gankit.run import pace
from gankit.training.game import Game
from gankit.training.loop import Progress

DATA = np.random.default_rng(0).normal(size=(400, 2))
QUIET: dict[str, Any] = {
    "verbose": False,
    "early_stop": False,
    "network": "residual",
    "width": 8,
    "depth": 1,
    "batch": 16,
}


class Clock:
    """A clock that steps of a game move on: `cost` gives the seconds of a sample by how many came before."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cost: Callable[[int], float]) -> None:
        self.now_s = 0.0
        played = Game.play_step

        def step(game: Game, train: Any) -> None:
            before = game.samples
            played(game, train)
            self.now_s += cost(before) * (game.samples - before)

        monkeypatch.setattr(pace.time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(Game, "play_step", step)
        monkeypatch.setattr("gankit.run.plan.seconds_per_sample", lambda *_, **within: {"game": 0.01})


@pytest.mark.parametrize("change", [2.0, 0.5, 1.0])
def test_a_budget_is_kept_when_the_machine_becomes_slower_or_faster(
    change: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock(monkeypatch, lambda samples: 0.01 if samples < 5000 else 0.01 * change)
    notes: list[str] = []
    model = gankit.train(DATA, budget="100s", on_note=notes.append, **QUIET)
    assert 90 <= clock.now_s <= 110
    assert model.card["samples"] == pytest.approx({2.0: 7400, 0.5: 14600, 1.0: 9800}[change], rel=0.1)
    assert any("instead of" in note for note in notes) == (change != 1.0)


def test_a_budget_run_is_repeated_to_the_bit_by_its_length_and_its_plans(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Clock(monkeypatch, lambda samples: 0.01 if samples < 2000 else 0.02)
    notes: list[str] = []
    gankit.train(DATA, out=tmp_path / "kept", budget="40s", on_note=notes.append, **QUIET)
    (repeat,) = (note.split("--samples ")[1] for note in notes if note.startswith("the length was planned anew"))
    assert "@" in repeat
    gankit.train(DATA, out=tmp_path / "again", samples=repeat, **QUIET)
    kept, again = (gankit.load(tmp_path / name) for name in ("kept", "again"))
    assert kept.card["samples"] == again.card["samples"]
    assert np.array_equal(kept.sample(50), again.sample(50))


def test_plans_are_in_the_log_and_a_resumed_run_keeps_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    Clock(monkeypatch, lambda samples: 0.01 if samples < 1000 else 0.02)
    with pytest.raises(gankit.InterruptedRun):
        gankit.train(DATA, out=tmp_path, budget="60s", **stopping_at(3000), **QUIET)
    planned = [json.loads(line).get("planned_samples") for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    last = [end for end in planned if end][-1]
    notes: list[str] = []
    gankit.resume(tmp_path, DATA, on_note=notes.append, verbose=False)
    assert any(f"of {last:,} samples" in note for note in notes)


def stopping_at(samples: int) -> dict[str, Any]:
    shown = [0]
    return {"on_progress": lambda progress: shown.append(progress.samples), "should_stop": lambda: shown[-1] > samples}


def test_a_finished_run_is_made_longer_and_never_worse(tmp_path: Path) -> None:
    before = gankit.train(DATA, out=tmp_path, samples="2k", **QUIET)
    notes: list[str] = []
    seen: list[Progress] = []
    after = gankit.resume(tmp_path, DATA, samples="1k", on_note=notes.append, on_progress=seen.append)
    assert after.card["samples"] == pytest.approx(before.card["samples"] + 1000, abs=64)
    assert after.card["metric"]["value"] >= before.card["metric"]["value"]
    assert any("learning rates begin anew" in note for note in notes)
    assert seen[0].learning_rate > 3 * seen[-1].learning_rate
    assert gankit.load(tmp_path).card["samples"] == after.card["samples"]
    gankit.resume(tmp_path, DATA, on_note=notes.append)
    assert "is finished. To train longer" in notes[-1]


def test_a_stopped_run_is_made_longer_without_a_jump(tmp_path: Path) -> None:
    with pytest.raises(gankit.InterruptedRun) as stopped:
        gankit.train(DATA, out=tmp_path, samples="4k", **stopping_at(1500), **QUIET)
    notes: list[str] = []
    seen: list[Progress] = []
    model = gankit.resume(tmp_path, DATA, samples="2k", on_note=notes.append, on_progress=seen.append)
    assert model.card["samples"] == pytest.approx(6000, abs=64)
    assert any("go on from where they stand" in note for note in notes)
    rates = [p.learning_rate for p in seen]
    assert rates == sorted(rates, reverse=True)
    assert stopped.value.model.sample(3).shape == (3, 2)


def test_a_training_that_is_left_has_a_model_that_samples_and_goes_on(tmp_path: Path) -> None:
    quiet = {name: value for name, value in QUIET.items() if name != "verbose"}
    training = gankit.follow(DATA, out=tmp_path, samples="4k", **quiet)
    with pytest.raises(gankit.ModelError, match="has not begun"):
        _ = training.model
    for progress in training:
        if progress.samples > 1000:
            break
    training.close()
    assert training.model.sample(5).shape == (5, 2)
    assert gankit.load(tmp_path).sample(5).shape == (5, 2)
    assert gankit.inspect(tmp_path)["samples"] == progress.samples
    whole = gankit.train(DATA, samples="4k", **QUIET)
    assert np.array_equal(gankit.resume(tmp_path, DATA, verbose=False).sample(9), whole.sample(9))


def test_ctrl_c_gives_the_best_model_so_far(tmp_path: Path) -> None:
    notes, before = list[str](), signal.getsignal(signal.SIGINT)

    def interrupt(progress: Progress) -> None:
        if progress.samples > 1000:
            signal.raise_signal(signal.SIGINT)

    model = gankit.train(DATA, out=tmp_path, samples="4k", on_progress=interrupt, on_note=notes.append, **QUIET)
    assert model.card["samples"] < 2000
    assert model.sample(4).shape == (4, 2)
    assert gankit.load(tmp_path).card["samples"] == model.card["samples"]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_best_model_is_on_disk_at_every_evaluation(tmp_path: Path) -> None:
    found: list[bool] = []

    def look(progress: Progress) -> None:
        if progress.metric is not None:
            found.append((tmp_path / "model.safetensors").exists())

    gankit.train(DATA, out=tmp_path, samples="2k", on_progress=look, **QUIET)
    assert found and all(found)


def test_epochs_are_a_length() -> None:
    model = gankit.train(DATA, epochs=3, **QUIET)
    assert model.card["epochs"] == pytest.approx(3, abs=0.2)
    with pytest.raises(gankit.OptionError, match="samples, budget and epochs all set the length"):
        gankit.train(DATA, epochs=3, samples="2k", **QUIET)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"samples": "100"}, r"D was shown \d+ of 320 training records, not even each of them once"),
        ({"samples": "40k", "early_stop": True, "evaluations": 40, "learning_rate": 1e-9}, "stopped early after"),
    ],
)
def test_a_training_that_ends_early_or_short_says_so(options: dict[str, Any], said: str) -> None:
    notes: list[str] = []
    gankit.train(DATA, on_note=notes.append, **{**QUIET, **options})
    assert any(re.search(said, note) for note in notes), notes


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"lr": 1e-3}, "The learning rate is --learning-rate"),
        ({"batch_size": 64}, "The records of a batch are --batch"),
        ({"latent_dim": 64}, "--latents"),
        ({"optimizer": "adam"}, "Adam is used"),
        ({"loss": "bce"}, "minimax"),
        ({"network": "mlp"}, "dense2014"),
    ],
)
def test_the_words_of_articles_are_answered_by_the_options_they_mean(options: dict[str, Any], said: str) -> None:
    with pytest.raises(gankit.OptionError, match=said):
        gankit.train(DATA, **options)


def test_the_discriminator_of_a_run_is_at_hand(tmp_path: Path) -> None:
    x = torch.randn(7, 2, generator=torch.Generator().manual_seed(0))
    trained = gankit.train(DATA, out=tmp_path, samples="1k", **QUIET)
    with torch.no_grad():
        assert torch.equal(trained.discriminator(x, None), gankit.load(tmp_path).discriminator(x, None))
    with pytest.raises(gankit.ModelError, match="D is in the checkpoints of a run folder"):
        _ = gankit.load(tmp_path / "model.safetensors").discriminator
    checkpoint = max((tmp_path / "checkpoints").glob("step-*.safetensors"))
    tensors, words = read_safetensors(checkpoint)
    del tensors[next(name for name in tensors if name.startswith("d."))]
    write_safetensors(checkpoint, tensors, words)
    with pytest.raises(gankit.ModelError, match="another D than gankit builds: of an older version"):
        _ = gankit.load(tmp_path).discriminator
