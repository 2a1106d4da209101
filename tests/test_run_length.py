"""How long a training is: as asked for, or what a time budget holds; and what is said of it."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from gankit.budget import WRITING_S, Budget
from gankit.config import TrainConfig
from gankit.run import plan
from gankit.run.plan import length_of
from gankit.run.run import Run
from gankit.training.plan import GameConfig


def stood_in(device: str = "cpu") -> Run:
    """What `length_of` looks at of a run: 1,000 records, and an evaluation that takes no time."""
    game = SimpleNamespace(
        config=GameConfig(total_samples=1000, batch=10), warmup=0, device=torch.device(device), average=None
    )
    prepared = SimpleNamespace(num_train=1000, network="residual")
    run = SimpleNamespace(game=game, train=None, evaluate=lambda _: 0.0, prepared=prepared)
    return cast(Run, run)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """A wall clock that moves by 2 s while steps are timed; a sample takes 1 ms."""
    state = {"wall": 0.0}

    def timed(*_: Any, within_s: float) -> dict[str, float]:
        state["wall"], state["within_s"] = state["wall"] + 2.0, within_s
        return {"game": 1e-3}

    clock = SimpleNamespace(monotonic=lambda: state["wall"])
    monkeypatch.setattr(plan, "seconds_per_sample", timed)
    monkeypatch.setattr(plan, "time", clock)
    return state


def test_a_budget_holds_what_is_left_after_reading_timing_and_writing(clocks: dict[str, float]) -> None:
    notes: list[str] = []
    total, evaluations, pace = length_of(stood_in(), TrainConfig(budget="100s"), 1.0, notes)
    assert pace.state()["budget_s"] == 100.0
    assert clocks["within_s"] == pytest.approx(0.8), "of each of two phases, so that both take less than 2%"
    assert total == round((100 - 1 - 2 - WRITING_S) / 1e-3) and evaluations == TrainConfig().evaluations
    assert len(notes) == 1 and "as many as fit in 100s" in notes[0] and f"--samples {total}" in notes[0]


def test_the_shares_of_a_time_and_of_a_number_of_samples() -> None:
    long, short, default = (Budget.of(TrainConfig(budget=text)) for text in ("50m", "30s", None))
    assert (long.classifier_s, long.classifier_samples) == (150.0, None) and default.seconds == 300
    assert short.classifier_s == 3.0, "one that knows nothing would choose a checkpoint by nothing"
    assert (
        Budget.of(TrainConfig(budget="125m")).tries_compiling
        and long.tries_mirroring
        and not short.tries_compiling
        and not short.tries_mirroring
    )
    assert not Budget.of(TrainConfig(budget="124m")).tries_compiling
    assert long.evaluations(1.0, 20) == 20 and long.evaluations(60.0, 20) == 10 and long.evaluations(1e6, 20) == 3
    shown = [Budget.of(TrainConfig(samples=text)) for text in ("1k", "200k", "2M")]
    assert [budget.classifier_samples for budget in shown] == [20_000, 50_000, 200_000]
    assert [budget.tries_mirroring for budget in shown] == [False, False, True]
    assert not any(budget.tries_compiling or budget.classifier_s for budget in shown)


def test_samples_are_taken_as_they_are_and_nothing_is_timed(clocks: dict[str, float]) -> None:
    total, evaluations, planner = length_of(stood_in(), TrainConfig(samples="7k"), 1.0, [])
    assert (total, evaluations, planner.state()) == (7000, TrainConfig().evaluations, {"plans": []})
    assert clocks["wall"] == 0


def test_networks_are_built_and_records_encoded_once_and_timing_moves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    import gankit
    from gankit.columns.codec import TableCodec
    from gankit.model.files import NetworkPlan

    done: list[str] = []
    build, encode = NetworkPlan.build, TableCodec.encode

    def counted(name: str, call: Any) -> Any:
        return lambda self, *a, **k: (done.append(name), call(self, *a, **k))[1]

    monkeypatch.setattr(NetworkPlan, "build", counted("built", build))
    monkeypatch.setattr(TableCodec, "encode", counted("encoded", encode))
    table = {"a": np.random.default_rng(0).normal(size=80), "b": [("x", "y")[i % 2] for i in range(80)]}
    notes: list[str] = []
    options: dict[str, Any] = {"network": "residual", "width": 8, "given": ("b",), "threads": 1}
    timed = gankit.train(table, budget="5s", on_note=notes.append, **options)
    assert done.count("built") == 1 and done.count("encoded") <= 5  # x and c of both parts, and the combinations of c
    said = next(note for note in notes if note.startswith("length"))
    found = re.search(r"--samples (\d+) --evaluations (\d+)", said)
    assert found is not None
    planned = [note.split("--samples ")[1] for note in notes if note.startswith("the length was planned anew")]
    again = gankit.train(table, samples=(planned or [found[1]])[0], evaluations=int(found[2]), **options)
    pairs = zip(timed.generator.state_dict().values(), again.generator.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
