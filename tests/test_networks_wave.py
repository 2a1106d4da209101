"""The pair for raw signals: shapes, its own gradient, conditions, shifts, precision, and exact resumption."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from gankit.errors import OptionError
from gankit.networks import build
from gankit.networks.base import Discriminator, Generator
from gankit.networks.sequences.wave import SHUFFLE, WaveDiscriminator, WaveGenerator, quarterings, shifted
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.plan import GameConfig

CONDITION = Spec("vector", (3,), (Block("categorical", 3),))
LENGTHS = [1, 10, 16, 65, 256, 1000]


def spec_of(length: int, channels: int = 1) -> Spec:
    return Spec("sequence", (length, channels), (Block("continuous", channels),))


def pair(
    length: int, channels: int = 1, condition: Spec | None = None, seed: int = 0
) -> tuple[Generator, Discriminator]:
    return build("wave", spec_of(length, channels), condition, width=8, num_latents=5, seed=seed)


def draws(rows: int, condition: Spec | None = None) -> tuple[Tensor, Tensor, Tensor | None]:
    generator = torch.Generator().manual_seed(1)
    c = None if condition is None else torch.eye(3)[torch.randint(3, (rows,), generator=generator)]
    return torch.randn(rows, 5, generator=generator), torch.zeros(rows, 0), c


@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("length", LENGTHS)
def test_fakes_have_the_shape_of_the_spec_and_every_weight_learns(
    length: int, channels: int, condition: Spec | None
) -> None:
    generator, discriminator = pair(length, channels, condition)
    z, u, c = draws(8, condition)
    x = generator(z, u, c)
    assert x.shape == (8, length, channels) and x.dtype == torch.float32 and x.abs().max() <= 1
    logits = discriminator(x, c, torch.rand(8, 1))
    assert logits.shape == (8,) and logits.dtype == torch.float32
    (logits * torch.linspace(-1, 2, 8)).sum().backward()
    for name, p in [*generator.named_parameters(), *discriminator.named_parameters()]:
        assert p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0, name


@pytest.mark.parametrize("length", LENGTHS)
def test_its_own_gradient_is_that_of_autograd(length: int) -> None:
    _, discriminator = pair(length, 2, CONDITION)
    assert isinstance(discriminator, WaveDiscriminator)
    c = torch.eye(3)
    x = torch.randn(3, length, 2, generator=torch.Generator().manual_seed(2)).requires_grad_()
    logits, squares = discriminator.logits_and_squares(x.detach(), c)
    wanted = discriminator(x, c)
    (slope,) = torch.autograd.grad(wanted.sum(), x)
    torch.testing.assert_close(logits, wanted)
    torch.testing.assert_close(squares, slope.flatten(1).square().sum(1), rtol=1e-4, atol=1e-6)


def test_the_condition_reaches_both() -> None:
    generator, discriminator = pair(256, 1, CONDITION)
    z, u, _ = draws(3)
    same = z[:1].expand(3, -1)
    x = generator(same, u, torch.eye(3))
    assert not torch.allclose(x[0], x[1])
    logits = discriminator(x[:1].expand(3, -1, -1), torch.eye(3))
    assert len(set(logits.tolist())) == 3


def test_a_row_does_not_depend_on_its_batch() -> None:
    generator, _ = pair(256, 1, CONDITION)
    z, u, c = draws(6, CONDITION)
    assert c is not None
    whole = generator(z, u, c)
    torch.testing.assert_close(generator(z[4:5], u[4:5], c[4:5])[0], whole[4], rtol=1e-4, atol=1e-5)


def test_shifts_move_signals_and_put_silence_where_nothing_was() -> None:
    x = torch.arange(1.0, 6.0).view(1, 5, 1).repeat(3, 1, 1)
    found = shifted(x, torch.tensor([2, 0, -1]))[:, :, 0]
    assert found.tolist() == [[0, 0, 1, 2, 3], [1, 2, 3, 4, 5], [2, 3, 4, 5, 0]]


def test_d_shifts_as_far_as_its_draw_says() -> None:
    _, discriminator = pair(256)
    x = torch.randn(2, 256, 1, generator=torch.Generator().manual_seed(4))
    u = torch.tensor([[0.0], [0.9999]])
    by_hand = discriminator(shifted(x, torch.tensor([-SHUFFLE, SHUFFLE])), None)
    torch.testing.assert_close(discriminator(x, None, u), by_hand)
    middle = torch.full((2, 1), 0.5)
    torch.testing.assert_close(discriminator(x, None, middle), discriminator(x, None))


def test_bfloat16_stays_near_to_float32() -> None:
    generator, discriminator = pair(1000, 1, CONDITION)
    z, u, c = draws(8, CONDITION)
    x = generator(z, u, c)
    logits, squares = discriminator.logits_and_squares(x, c)  # type: ignore[operator]
    generator.multiply_in = discriminator.multiply_in = torch.bfloat16
    near = generator(z, u, c)
    assert near.dtype == torch.float32 and (near - x).abs().mean() < 0.03 * x.abs().mean() + 0.01
    other, others = discriminator.logits_and_squares(x, c)  # type: ignore[operator]
    assert (other - logits).abs().max() < 0.05 and ((others - squares).abs() / squares).max() < 0.1


def test_how_often_a_signal_is_made_shorter() -> None:
    assert [quarterings(n) for n in (8192, 16384, 64, 63, 1)] == [(4, 32), (5, 16), (1, 16), (0, 63), (0, 1)]
    generator, discriminator = build("wave", spec_of(16384), width=8)
    assert isinstance(generator, WaveGenerator) and len(generator.longer) == 4
    assert len(discriminator.chain.convolutions) == 6  # type: ignore[union-attr]


def play(steps: int, game: Game, train: Batches) -> None:
    for _ in range(steps):
        game.play_step(train)


def test_a_game_goes_on_exactly_where_it_stopped(tmp_path: Path) -> None:
    x = torch.randn(40, 128, 1, generator=torch.Generator().manual_seed(5)).tanh()
    train = Batches(x, torch.eye(3)[torch.arange(40) % 3])
    config = GameConfig(total_samples=160, batch=8)
    games = [Game(*pair(128, 1, CONDITION), config) for _ in range(2)]
    play(6, games[0], train)
    play(3, games[1], train)
    again = Game(*pair(128, 1, CONDITION, seed=9), config)
    again.load_state(games[1].state_tensors(), games[1].state_json())
    play(3, again, train)
    for p, q in zip(games[0].generator.parameters(), again.generator.parameters(), strict=True):
        assert torch.equal(p, q)


@pytest.mark.parametrize(
    ("spec", "options", "why"),
    [
        (Spec("vector", (6,), (Block("continuous", 6),)), {}, "makes audio"),
        (Spec("sequence", (6, 3), (Block("categorical", 3),)), {}, "makes audio"),
        (spec_of(64), {"depth": 2}, "--depth"),
    ],
)
def test_other_records_and_options_are_refused(spec: Spec, options: dict[str, int], why: str) -> None:
    with pytest.raises(OptionError, match=why):
        build("wave", spec, **options)
