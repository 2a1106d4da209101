"""Compiled steps play the same game, and are taken where a measurement at the start says that they pay."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

import gankit
from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.networks import build
from gankit.run import machine
from gankit.run.machine import compile_for, still_compiles
from gankit.run.run import Run
from gankit.spec import Spec
from gankit.training.game import Batches, Game
from gankit.training.plan import GameConfig

STEPS = 3

NEEDS_COMPILER = pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler, g++")


def played(network: str, spec: Spec, backend: str | None, **changes: Any) -> Game:
    """A game of a few steps, compiled by `backend`; "aot_eager" is the compiler without its slow code generator."""
    torch.manual_seed(0)
    generator, discriminator = build(network, spec, num_latents=8, width=8)
    game = Game(generator, discriminator, GameConfig(total_samples=1000, batch=4, **changes))
    if backend is not None:
        game.compile(backend)
    train = Batches(torch.rand(16, *spec.shape) * 2 - 1)
    for _ in range(STEPS):
        game.play_step(train)
    return game


@pytest.mark.filterwarnings("ignore")  # the compiler warns of what is its own
@pytest.mark.parametrize(
    ("network", "backend", "changes"),
    [
        ("strided", "aot_eager", {}),  # D gives its own slope
        ("dcgan", "aot_eager", {"loss": "nonsaturating", "penalty": "r1"}),  # D is differentiated twice: it stays
        ("dcgan", "aot_eager", {"loss": "nonsaturating", "penalty": "none"}),
        pytest.param("dense2014", "inductor", {"loss": "nonsaturating", "penalty": "none"}, marks=NEEDS_COMPILER),
    ],
)
def test_a_compiled_game_is_the_plain_game_but_for_rounding(
    network: str, backend: str, changes: dict[str, Any]
) -> None:
    spec = Spec("image", (1, 8, 8))
    plain, compiled = (played(network, spec, by, **changes).state_tensors() for by in (None, backend))
    assert plain.keys() == compiled.keys()
    for name, tensor in plain.items():
        torch.testing.assert_close(compiled[name], tensor, rtol=1e-3, atol=1e-4, msg=name)


class Raced:
    """A game that takes 1 ms a sample as it is, and `compiled_s` compiled, or that cannot be compiled."""

    def __init__(self, compiled_s: float | None) -> None:
        self.compiled_s, self.compiled = compiled_s, False

    def compile(self) -> None:
        if self.compiled_s is None:
            raise RuntimeError("no compiler\nfound")
        self.compiled = True

    def uncompile(self) -> None:
        self.compiled = False


def decided(monkeypatch: pytest.MonkeyPatch, compiled_s: float | None, **options: Any) -> tuple[str, bool, list[str]]:
    game = Raced(compiled_s)
    monkeypatch.setattr(
        machine, "seconds_per_sample", lambda game, _: {"game": game.compiled_s if game.compiled else 1e-3}
    )
    notes: list[str] = []
    found = compile_for(cast(Run, SimpleNamespace(game=game, train=None)), TrainConfig(**options), notes)
    return found, game.compiled, notes


@pytest.mark.parametrize("options", [{}, {"budget": "124m"}, {"samples": "100M"}, {"compile": "off", "budget": "9h"}])
def test_short_and_counted_runs_are_not_held_up(monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]) -> None:
    monkeypatch.setattr(machine, "seconds_per_sample", lambda *_: pytest.fail("nothing is to be timed"))
    game = SimpleNamespace(compile=lambda: pytest.fail("nothing is to be compiled"))
    run = cast(Run, SimpleNamespace(game=game, train=None))
    notes: list[str] = []
    assert compile_for(run, TrainConfig(**options), notes) == "off" and not notes


@pytest.mark.parametrize(("compiled_s", "found"), [(0.6e-3, "on"), (0.97e-3, "off"), (1.4e-3, "off")])
def test_long_runs_take_what_is_faster_and_say_so(
    monkeypatch: pytest.MonkeyPatch, compiled_s: float, found: str
) -> None:
    assert decided(monkeypatch, compiled_s, budget="3h")[:2] == (found, found == "on")
    (note,) = decided(monkeypatch, compiled_s, budget="3h")[2]
    assert f"compile: {found}" in note and f"{compiled_s / 1e-3:.2f} of the time" in note
    assert f"--compile {'off' if found == 'on' else 'on'}" in note


def test_asked_for_it_is_done_though_it_does_not_pay(monkeypatch: pytest.MonkeyPatch) -> None:
    found, compiled, notes = decided(monkeypatch, 2e-3, compile="on", samples="1k")
    assert (found, compiled) == ("on", True) and "2.00 of the time" in notes[0]


def test_without_a_compiler_the_game_goes_on_plainly_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    found, compiled, notes = decided(monkeypatch, None, budget="3h")
    assert (found, compiled) == ("off", False) and "no compiler found" in notes[0]
    with pytest.raises(OptionError, match=r"--compile on: torch.compile cannot compile .* Leave it out"):
        decided(monkeypatch, None, compile="on")


def test_a_run_goes_on_plainly_where_it_cannot_be_compiled_any_more() -> None:
    torch.manual_seed(0)
    generator, discriminator = build("strided", Spec("image", (1, 8, 8)), num_latents=8, width=8)
    game = Game(generator, discriminator, GameConfig(total_samples=1000, batch=4))
    before = {name: t.clone() for name, t in game.state_tensors().items()}

    def broken(*_: Any) -> None:
        raise RuntimeError("no compiler here")

    game.compile(backend=broken)  # type: ignore[arg-type]  # a backend may be a function, and this one fails
    train = Batches(torch.rand(16, 1, 8, 8) * 2 - 1)
    notes: list[str] = []
    run = cast(Run, SimpleNamespace(game=game, train=train, config=TrainConfig(compile="on")))
    still_compiles(run, notes)
    assert "compile: off from here on" in notes[0] and "no compiler here" in notes[0]
    assert game.samples == 0 and all(torch.equal(t, before[name]) for name, t in game.state_tensors().items())
    game.play_step(train)


def test_a_run_keeps_what_was_decided(tmp_path: Path) -> None:
    model = gankit.train(np.random.default_rng(0).normal(size=200), samples="320", out=tmp_path / "run")
    assert model.card["options"]["compile"] == "off"
