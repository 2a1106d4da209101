"""The game for every column: exact expectations over G's choice, and who learns from what."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

import gankit
from gankit.networks import build
from gankit.networks.blocks import expand
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.loop import play
from gankit.training.losses import LOSSES, PENALTIES, columns_loss, columns_turn
from gankit.training.plan import GameConfig

SPEC = Spec("vector", (5,), (Block("categorical", 2), Block("categorical", 3)))
X = torch.tensor([[0.0, 2.0], [1.0, 0.0], [1.0, 1.0]])
DATA = Batches(X, None, lambda rows: expand(SPEC, rows))


def logits(seed: int) -> list[Tensor]:
    draws = torch.Generator().manual_seed(seed)
    return [torch.randn(3, size, generator=draws, requires_grad=True) for size in (2, 3)]


@pytest.mark.parametrize("name", list(LOSSES))
def test_the_loss_is_the_expectation_over_the_choice_of_g(name: str) -> None:
    loss, made, judged = LOSSES[name], logits(1), logits(2)
    played = columns_turn(loss, PENALTIES["r1r2"], X, made, judged)
    expected_d = expected_g = penalty = 0.0
    for t, (of_g, of_d) in enumerate(zip(made, judged, strict=True)):
        for row in range(3):
            real = of_d[row, int(X[row, t])].reshape(1)
            penalty += float(real.detach() ** 2) / 3
            for cell, share in enumerate(of_g[row].softmax(0).tolist()):
                fake = of_d[row, cell].reshape(1)
                expected_d += share * float(loss.discriminator(real, fake).detach()) / 3
                expected_g += share * float(loss.generator(real, fake).detach()) / 3
                penalty += share * float(fake.detach() ** 2) / 3
    assert math.isclose(float(played.loss.detach()), expected_d, rel_tol=1e-5)
    assert math.isclose(float(columns_loss(loss, X, made, judged).detach()), expected_g, rel_tol=1e-5)
    assert math.isclose(float(played.penalty.detach()), penalty * PENALTIES["r1r2"].scale, rel_tol=1e-5)


def test_d_learns_nothing_from_g_and_g_nothing_from_the_real_cells() -> None:
    made, judged = logits(1), logits(2)
    columns_turn(LOSSES["nonsaturating"], PENALTIES["none"], X, made, judged).loss.backward()
    assert all(of.grad is None for of in made) and all(of.grad is not None for of in judged)
    made, judged = logits(1), logits(2)
    columns_loss(LOSSES["nonsaturating"], X, made, judged).backward()
    assert all(of.grad is not None for of in made) and all(of.grad is None for of in judged)


@torch.no_grad()
def test_d_of_a_record_is_the_sum_of_its_cells_logits() -> None:
    _, d = build("sequential", SPEC, width=8, depth=2, members=2)
    own = torch.arange(2.0).expand(1, 2)
    whole = d(expand(SPEC, X), None)
    cells = [judge.cell_logits(row[None], own) for judge in d.all for row in X]  # type: ignore[operator, union-attr]
    summed = [
        sum(float(of[0, int(row[t])]) for t, of in enumerate(cell)) for cell, row in zip(cells, [*X, *X], strict=True)
    ]
    expected = [(summed[k] + summed[k + 3]) / 2 for k in range(3)]
    assert torch.allclose(whole.detach(), torch.tensor(expected), atol=1e-5)


def test_phases_move_whom_they_should() -> None:
    g, d = build("sequential", SPEC, width=8, depth=2)
    config = GameConfig(total_samples=12, batch=3, warmup_batch=3, warmup=0.25, d_warmup=0.25, penalty_weight=0.1)
    game = Game(g, d, config)

    def moved() -> tuple[bool, bool]:
        before = [[p.clone() for p in net.parameters()] for net in (g, d)]
        game.play_step(Batches(X))
        pairs = zip(before, (g, d), strict=True)
        return tuple(
            any(not torch.equal(a, b) for a, b in zip(old, net.parameters(), strict=True)) for old, net in pairs
        )  # type: ignore[return-value]

    assert [(game.phase, *moved()) for _ in range(4)] == [
        ("likelihood", True, False), ("discriminator", False, True), ("game", True, True), ("game", True, True)
    ]  # fmt: skip


def test_the_game_alone_has_no_likelihood_in_it() -> None:
    rows = {"a": ["x", "y"] * 100, "b": [k % 5 for k in range(200)]}
    training = gankit.follow(rows, samples="2k", warmup=0.0)
    first = next(training)
    assert first.phase == "game" and training._run is not None
    assert training._run.game.config.likelihood_weight == 0
    training.close()
    with pytest.raises(gankit.OptionError, match="--penalty wgan-gp: this D judges choices"):
        gankit.train(rows, samples="1k", penalty="wgan-gp", verbose=False)


def test_the_game_begins_with_the_g_that_the_whole_warmup_made() -> None:
    g, d = build("sequential", SPEC, width=8, depth=2)
    config = GameConfig(
        total_samples=300, batch=3, warmup_batch=3, warmup=0.5, d_warmup=0.1, warmup_keeps_last=True, evaluations=3,
        steps_per_look=7, penalty_weight=0.1,
    )  # fmt: skip
    game = Game(g, d, config)
    seen = [(p.phase, p.samples, p.metric) for p in play(game, DATA, DATA, lambda _: (0.5, 0.4, 0.6))]
    assert ("likelihood", 150, 0.5) in seen, "judged where the warm-up ends, which is at no look"
    assert game.best_samples == 150


def test_the_warmed_g_is_given_up_for_one_that_is_surely_better_alone() -> None:
    def chosen(in_game: tuple[float, float, float]) -> int:
        g, d = build("sequential", SPEC, width=8, depth=2)
        config = GameConfig(
            total_samples=300, batch=3, warmup_batch=3, warmup=0.5, warmup_keeps_last=True, evaluations=4,
            steps_per_look=5, penalty_weight=0.1, early_stop=False,
        )  # fmt: skip
        game = Game(g, d, config)

        def judged(_: object) -> tuple[float, float, float]:
            return in_game if game.samples > 150 else (0.5, 0.4, 0.6)

        for _ in play(game, DATA, DATA, judged):
            pass
        return game.best_samples

    assert chosen((0.59, 0.49, 0.69)) == 150, "better, but within the noise"
    assert chosen((0.65, 0.55, 0.75)) > 150
