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
from gankit.training.losses import LOSSES, PENALTIES, Cells, cells_loss, cells_turn
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
    played = cells_turn(loss, PENALTIES["r1r2"], Cells(X, made, judged, judged))
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
    assert math.isclose(float(cells_loss(loss, Cells(X, made, judged, judged)).detach()), expected_g, rel_tol=1e-5)
    assert math.isclose(float(played.penalty.detach()), penalty * PENALTIES["r1r2"].scale, rel_tol=1e-5)


def test_d_learns_nothing_from_g_and_g_nothing_from_the_real_cells() -> None:
    made, judged = logits(1), logits(2)
    cells_turn(LOSSES["nonsaturating"], PENALTIES["none"], Cells(X, made, judged, judged)).loss.backward()
    assert all(of.grad is None for of in made) and all(of.grad is not None for of in judged)
    made, judged = logits(1), logits(2)
    cells_loss(LOSSES["nonsaturating"], Cells(X, made, judged, judged)).backward()
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


# --- records whose blocks are chosen at once --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nonsaturating", "wasserstein", "hinge"])
def test_local_expectations_give_the_gradient_of_the_mean_over_all_records(name: str) -> None:
    loss, draws = LOSSES[name], torch.Generator().manual_seed(0)
    worth = torch.randn(2, 3, generator=draws)  # D of every record
    made = [torch.randn(1, size, generator=draws, requires_grad=True) for size in (2, 3)]
    shares = made[0].softmax(1).T * made[1].softmax(1)  # of every record
    real = torch.zeros(1)
    every = torch.stack([loss.generator(real, one.reshape(1)) for one in worth.flatten()])
    expected = torch.autograd.grad((shares.flatten() * every).sum(), made, retain_graph=True)
    found = [torch.zeros_like(of) for of in made]
    for first in range(2):
        for second in range(3):
            beside = [worth[:, second][None], worth[first][None]]
            cells = Cells(torch.zeros(1, 2), made, [torch.zeros(1, 2), torch.zeros(1, 3)], beside)
            gradients = torch.autograd.grad(cells_loss(loss, cells), made)
            for of, gradient in zip(found, gradients, strict=True):
                of.add_(gradient, alpha=float(shares[first, second].detach()))
    assert all(torch.allclose(mine, its, atol=1e-6) for mine, its in zip(found, expected, strict=True))


@torch.no_grad()
def test_a_block_is_judged_by_the_others_and_a_record_by_the_mean_of_its_blocks() -> None:
    spec = Spec("vector", (16,), (Block("categorical", 3), Block("binned", 11, 11), Block("categorical", 2)))
    _, d = build("residual", spec, width=8, depth=2)
    for p in d.parameters():
        p.add_(0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1)))
    code = torch.tensor([[0, 2, 1], [2, 0, 0]])
    judge = d.by_choice
    assert judge is not None
    every = torch.ones(2, 3)
    cells = judge.cells_given_others(code, every, None)
    own = [of.gather(1, code[:, t : t + 1]).squeeze(1) for t, of in enumerate(cells)]
    assert torch.allclose(d(expand(spec, code), None), torch.stack(own).mean(0), atol=1e-5)
    for t in range(3):
        other = code.clone()
        other[:, t] = (other[:, t] + 1) % spec.blocks[t].size
        moved = judge.cells_given_others(other, every, None)
        assert torch.allclose(moved[t], cells[t], atol=1e-6)
        assert all(not torch.allclose(moved[s], cells[s], atol=1e-4) for s in range(3) if s != t)
        known = every.clone()
        known[:, t] = 0  # what is not known of a record is not looked at
        hidden = (judge.cells_given_others(of, known, None) for of in (code, other))
        assert all(torch.equal(mine, its) for mine, its in zip(*hidden, strict=True))


def test_the_cells_that_g_chooses_are_those_of_its_fakes() -> None:
    spec = Spec("vector", (17,), (Block("categorical", 2), Block("binned", 15, 14)))
    g, _ = build("residual", spec, width=8, depth=1)
    draws = torch.Generator().manual_seed(2)
    z, u = torch.randn(50, g.num_latents, generator=draws), torch.rand(50, g.num_uniforms, generator=draws)
    maker = g.by_choice
    assert maker is not None
    logits, code = maker.choices(z, u, None)
    assert torch.equal(expand(spec, code.float()), g(z, u, None))
    assert [of.shape for of in logits] == [(50, 2), (50, 15)]


@torch.no_grad()
def test_g_starts_near_the_shares_of_the_records_with_cells_whose_neighbours_are_alike() -> None:
    spec = Spec("vector", (43,), (Block("categorical", 3), Block("binned", 40, 38)))
    draws = torch.Generator().manual_seed(0)
    x = torch.stack([torch.randint(3, (900,), generator=draws), torch.randint(40, (900,), generator=draws)], 1)
    g, _ = build("residual", spec, width=32, depth=1, num_latents=4)
    g.start_from_records(expand(spec, x.float()))
    bias, weight = g.head.bias, g.head.weight  # type: ignore[union-attr]
    shares = expand(spec, x.float()).mean(0)
    assert torch.allclose(bias[:3].softmax(0), shares[:3], atol=0.01)
    assert torch.allclose(bias[3:].softmax(0), shares[3:], atol=0.01)
    steps, spread = weight[3:41].diff(dim=0).norm(dim=1), weight[3:41].norm(dim=1)
    assert steps.mean() < 0.4 * spread.mean()
    assert weight[41:].norm(dim=1).min() > 0.5 * spread.mean()  # those without order are free


def test_a_game_of_choices_alone_learns_that_columns_belong_together() -> None:
    """z must tell the columns of each other: one that chooses them independently has seven of eight records wrong."""
    x = torch.randint(8, (512, 1), generator=torch.Generator().manual_seed(0)).repeat(1, 2).float()
    spec = Spec("vector", (16,), (Block("categorical", 8), Block("categorical", 8)))
    g, d = build("residual", spec, width=128, depth=1, num_latents=8)
    g.start_from_records(expand(spec, x))
    config = GameConfig(
        total_samples=64 * 500, batch=64, loss="nonsaturating", penalty_weight=1.0, learning_rate=2e-3,
        generator_rate=0.5, ema_half_life=1000.0, early_stop=False,
    )  # fmt: skip
    game = Game(g, d, config)
    while not game.finished:
        game.play_step(Batches(x, None, lambda rows: expand(spec, rows)))
    draws = torch.Generator().manual_seed(1)
    z, u = torch.randn(500, 8, generator=draws), torch.rand(500, 16, generator=draws)
    made = game.average(z, u, None).view(-1, 2, 8).argmax(2)
    assert float((made[:, 0] == made[:, 1]).float().mean()) > 0.7
    assert int((made[:, 0].bincount(minlength=8) > 20).sum()) >= 6


def test_of_many_blocks_some_are_judged_as_all_would_be_and_in_time_all_learn() -> None:
    spec = Spec("vector", (120,), (Block("categorical", 3),) * 40)
    code = torch.randint(3, (16, 40), generator=torch.Generator().manual_seed(0))
    g, d = build("residual", spec, width=8, depth=1)
    judge = d.by_choice
    assert judge is not None
    with torch.no_grad():
        for p in d.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(1)))
        every, some = (judge.cells_given_others(code, torch.ones(16, 40), None, w) for w in (None, [7, 2]))
    assert all(torch.allclose(every[t], of, atol=1e-5) for t, of in zip([7, 2], some, strict=True))
    game = Game(g, d, GameConfig(total_samples=96, batch=16, loss="nonsaturating", penalty_weight=0.1))
    heads = [p.clone() for name, p in d.named_parameters() if name.endswith("head_bias")]
    while not game.finished:
        game.play_step(Batches(code.float(), None, lambda rows: expand(spec, rows)))
    (after,) = [p for name, p in d.named_parameters() if name.endswith("head_bias")]
    assert (after != heads[0]).view(40, 3).any(1).all()
