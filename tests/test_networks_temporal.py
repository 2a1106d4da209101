"""The pair of strided convolutions over time: shapes, sizes, how it starts, and that it learns."""

from __future__ import annotations

import pytest
import torch

from gankit.errors import OptionError
from gankit.networks import build
from gankit.networks.base import Discriminator
from gankit.networks.layers import halvings
from gankit.networks.sequences.temporal import TemporalDiscriminator, TemporalGenerator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.losses import LOSSES, PENALTIES, PenaltyDraws, discriminator_turn
from gankit.training.plan import GameConfig

LABELS = Spec("vector", (3,), (Block("categorical", 3),))


def numbers(length: int, count: int) -> Spec:
    return Spec("sequence", (length, count), (Block("continuous", count),))


@pytest.mark.parametrize("length", [1, 2, 4, 7, 8, 24, 96, 150, 275, 1000])
def test_time_is_halved_while_four_steps_stay(length: int) -> None:
    count, (base, _) = halvings(length, length)
    assert base * 2**count >= length > (base - 1) * 2**count
    assert count == 0 or length / 2**count >= 4
    assert length / 2 ** (count + 1) < 4


class Plain(Discriminator):
    """The same D without its own input gradient: autograd differentiates it twice."""

    def __init__(self, inner: Discriminator) -> None:
        super().__init__()
        self.spec, self.condition, self.inner = inner.spec, inner.condition, inner

    def forward(self, x: torch.Tensor, c: torch.Tensor | None, u: torch.Tensor | None = None) -> torch.Tensor:
        logits: torch.Tensor = self.inner(x, c, u)
        return logits


@pytest.mark.parametrize("length", [24, 37])
def test_the_gradient_of_the_penalty_is_autograds(length: int) -> None:
    _, d = build("temporal", numbers(length, 3), LABELS, width=6, depth=1)
    d = d.double()
    d.multiply_in = torch.float64
    draws = torch.Generator().manual_seed(2)
    real, fake = (torch.randn(5, length, 3, generator=draws, dtype=torch.float64) for _ in range(2))
    c = torch.eye(3, dtype=torch.float64)[torch.randint(3, (5,), generator=draws)]
    results = []
    for network in (d, Plain(d)):
        played = discriminator_turn(
            network, LOSSES["relativistic"], PENALTIES["r1r2"], "exact", real, fake, c, None, PenaltyDraws()
        )
        total = played.loss + 1.7 * played.penalty
        results.append((total, torch.autograd.grad(total, list(d.parameters()), allow_unused=True)))
    (mine, my_gradients), (its, its_gradients) = results
    assert torch.allclose(mine, its, rtol=1e-10)
    for a, b in zip(my_gradients, its_gradients, strict=True):
        none = torch.zeros(())
        assert torch.allclose(none if a is None else a, none.double() if b is None else b, atol=1e-10)


def test_fakes_start_on_the_scale_of_standardised_numbers_and_smooth_and_the_condition_counts_as_z_does() -> None:
    generator, _ = build("temporal", numbers(96, 4), LABELS, num_latents=32)
    z = torch.randn(64, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = (generator(z, torch.zeros(64, 0), torch.eye(3)[k].expand(64, 3)) for k in (0, 1))
    assert 0.2 < one.std() < 2
    by_latent, by_label = one.std(0).mean(), (one - other).std() / 2**0.5
    assert 0.3 < by_label / by_latent < 3
    steps = (one[:, 1:] - one[:, :-1]).square().mean()
    assert steps < 0.5 * 2 * one.var(), "independent numbers would differ by twice their variance"


def test_widths_and_further_layers_are_those_asked_for() -> None:
    generator, discriminator = build("temporal", numbers(64, 5), None, width=16, depth=1, num_latents=6)
    assert isinstance(generator, TemporalGenerator) and isinstance(discriminator, TemporalDiscriminator)
    outputs = [c.weight.shape[0] for c in discriminator.chain.convolutions]
    assert outputs == [16, 16, 32, 32, 64, 64, 64, 64, 256]
    assert generator.to_steps.weight.shape == (10, 16, 3)


def test_vectors_are_refused_with_what_to_do() -> None:
    with pytest.raises(OptionError, match=r"temporal makes series.*vector.*residual"):
        build("temporal", Spec("vector", (4,), (Block("continuous", 4),)))


def test_a_short_game_learns_waves_of_the_asked_class_that_switch_when_they_should() -> None:
    """Class 0 rises and class 1 falls, with a random height; a block says in which half the step is."""
    draws = torch.Generator().manual_seed(0)
    rows, length = 256, 12
    c = torch.eye(2)[torch.arange(rows) % 2]
    slope = torch.linspace(-1, 1, length)[None] * (1 - 2 * c[:, 1:])
    height = torch.randn(rows, 1, generator=draws)
    half = torch.eye(2)[(torch.arange(length) >= length // 2).long()].expand(rows, length, 2)
    x = torch.cat([(slope + height).unsqueeze(2), half], 2)
    spec = Spec("sequence", (length, 3), (Block("continuous", 1), Block("categorical", 2)))
    given = Spec("vector", (2,), (Block("categorical", 2),))
    generator, discriminator = build("temporal", spec, given, width=16, num_latents=8)
    config = GameConfig(total_samples=300 * 16, batch=16, learning_rate=2e-3, first_weight=0.1)
    game = Game(generator, discriminator, config)
    train = Batches(x, c)
    while not game.finished:
        game.play_step(train)
    fake = game.sample(game.average, 128, "test", c[:128])
    rise = fake[:, -3:, 0].mean(1) - fake[:, :3, 0].mean(1)
    assert ((rise > 0) == (c[:128, 0] > 0)).float().mean() > 0.95
    assert 0.5 < fake[:, :, 0].mean(1).std() < 1.5
    assert (fake[:, :, 1:] == half[:1]).float().mean() > 0.95
