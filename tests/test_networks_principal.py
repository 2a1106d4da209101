"""The pair that speaks in principal components: what it finds in records, where it starts, and what it is held to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gankit.errors import OptionError
from gankit.networks import build
from gankit.networks.blocks import expand
from gankit.networks.sequences.principal import (
    FLOOR,
    MOST_COMPONENTS,
    POWER,
    PrincipalDiscriminator,
    PrincipalGenerator,
)
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.losses import exact_squares
from gankit.training.plan import GameConfig

SPEC = Spec("sequence", (6, 2), (Block("continuous", 2),))
GAPS = Spec("sequence", (6, 4), (Block("continuous", 1), Block("categorical", 2), Block("continuous", 1)))


def walks(rows: int, spec: Spec = SPEC) -> torch.Tensor:
    """Random walks [rows, T, D], which are far from white."""
    draws = torch.Generator().manual_seed(5)
    return torch.randn(rows, *spec.shape, generator=draws).cumsum(1) + 3.0


def started(spec: Spec, x: torch.Tensor, latents: int = 16) -> tuple[PrincipalGenerator, PrincipalDiscriminator]:
    generator, discriminator = build("principal", spec, width=16, depth=1, num_latents=latents)
    assert isinstance(generator, PrincipalGenerator) and isinstance(discriminator, PrincipalDiscriminator)
    generator.start_from_records(x)
    discriminator.start_from_records(x)
    return generator, discriminator


def test_the_directions_are_those_of_the_singular_vectors() -> None:
    x = walks(400)
    generator, _ = started(SPEC, x)
    flat = x.flatten(1).double().numpy()
    _, values, vectors = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    numbers = generator.numbers
    assert np.allclose(numbers.deviations.numpy(), values / np.sqrt(400), rtol=1e-4)
    along = np.abs((numbers.directions.double().numpy() * vectors.T).sum(0))
    assert np.allclose(along, 1.0, atol=1e-4)


def test_records_without_numbers_are_made_and_judged_without_a_warning() -> None:
    spec = Spec("sequence", (6, 5), (Block("categorical", 3), Block("categorical", 2)))
    generator, discriminator = started(spec, torch.eye(5)[:3].repeat(4, 2, 1))
    z, u = torch.randn(7, 16), torch.rand(7, generator.num_uniforms)
    x = generator(z, u, None)
    assert x.shape == (7, 6, 5) and torch.equal(x[..., :3].sum(-1), torch.ones(7, 6))
    assert discriminator(x, None).shape == (7,)


def test_without_its_layers_the_generator_has_the_covariance_of_the_records() -> None:
    x = walks(2000)
    generator, _ = started(SPEC, x)
    with torch.no_grad():
        generator.head.weight.zero_()
        generator.head.bias.zero_()
        generator.low.fill_(-torch.inf)
        generator.high.fill_(torch.inf)
    draws = torch.Generator().manual_seed(0)
    fake = generator(torch.randn(40_000, 16, generator=draws), torch.zeros(40_000, 0), None).detach().flatten(1)
    real = x.flatten(1)
    scale = real.std(0)
    assert ((fake.mean(0) - real.mean(0)).abs() < 0.05 * scale).all()
    assert (torch.cov(fake.T) - torch.cov(real.T)).abs().max() < 0.05 * float(scale.max()) ** 2


def test_numbers_that_often_stand_at_an_end_of_their_range_start_as_normal_ones_that_are_cut_there() -> None:
    draws = torch.Generator().manual_seed(0)
    level, noise = torch.randn(8000, 1, 1, generator=draws), torch.randn(8000, 6, 2, generator=draws)
    x = 0.8 * level + 0.6 * noise  # of deviation 1
    x[:, :, 0].clamp_(min=0.7)
    x[:, :, 1].clamp_(max=-1.0)
    generator, _ = started(SPEC, x)
    with torch.no_grad():
        generator.head.weight.zero_()
        generator.head.bias.zero_()
    fake = generator(torch.randn(8000, 16, generator=draws), torch.zeros(8000, 0), None).detach()
    for channel, end in ((0, 0.7), (1, -1.0)):
        real_share, fake_share = ((v[:, :, channel] == v.new_tensor(end)).float().mean() for v in (x, fake))
        assert 0.7 < real_share < 0.9 and abs(float(fake_share - real_share)) < 0.02
    assert torch.allclose(fake.mean((0, 1)), x.mean((0, 1)), atol=0.02)
    assert torch.allclose(fake.std((0, 1)), x.std((0, 1)), atol=0.02)
    assert torch.corrcoef(fake[:, :, 0].T)[0, 1] > 0.3


def test_the_discriminator_sees_coefficients_divided_by_a_power_of_their_deviations() -> None:
    x = walks(3000)
    _, discriminator = started(SPEC, x)
    seen, sizes = discriminator._coefficients(x).double().chunk(2, 1)
    assert torch.equal(sizes, seen.abs())
    assert abs(float(seen.square().mean()) - 1) < 0.01
    variances = np.linalg.eigvalsh(np.cov(x.flatten(1).double().numpy().T, bias=True))[::-1]
    expected = variances / (variances + FLOOR**2) ** POWER
    found = seen.square().mean(0).numpy()
    assert np.allclose(found / found.sum(), expected / expected.sum(), rtol=1e-3)


def test_the_penalty_is_the_slope_by_what_the_first_layer_sees() -> None:
    x = walks(50)
    _, discriminator = started(SPEC, x)
    logits, squares = exact_squares(discriminator, x, None, None)
    assert torch.allclose(logits, discriminator(x, None), atol=1e-5)
    seen = discriminator._coefficients(x).requires_grad_()
    (slope,) = torch.autograd.grad(discriminator.judge(seen, None).sum(), seen)
    assert torch.allclose(squares, slope.square().sum(1), rtol=1e-4)


def test_fakes_stay_in_the_range_of_training_and_reach_its_ends() -> None:
    x = walks(300).clamp(2.5, 4.0)
    generator, _ = started(SPEC, x)
    fake = generator(torch.randn(500, 16), torch.zeros(500, 0), None)
    assert fake.min() == 2.5 and fake.max() == 4.0


def test_a_number_outside_the_range_is_drawn_back_but_not_pushed_out() -> None:
    x = walks(300)
    generator, _ = started(SPEC, x)
    with torch.no_grad():
        generator.low.fill_(5.0)
        generator.high.fill_(5.0)
    z, u = torch.randn(64, 16), torch.zeros(64, 0)
    raw = generator.numbers.centre + generator.straight(z) * 0
    assert (raw < 5.0).any()
    (out,) = torch.autograd.grad(generator(z, u, None).clamp_max(4.9).sum(), generator.head.bias, retain_graph=True)
    assert (out == 0).all()
    for sign in (1.0, -1.0):
        (moved,) = torch.autograd.grad((sign * generator(z, u, None)).sum(), generator.head.bias)
        assert moved.abs().sum() > 0  # of the numbers on one side of the range at least


def test_choices_stand_beside_the_components_at_every_step() -> None:
    codes = torch.cat([walks(200, Spec("sequence", (6, 2), (Block("continuous", 2),))), torch.zeros(200, 6, 1)], 2)
    codes = codes[:, :, [0, 2, 1]]
    x = expand(GAPS, codes)
    generator, discriminator = started(GAPS, x)
    assert generator.numbers.kept == 12 and discriminator._coefficients(x).shape == (200, 36)
    draws = torch.Generator().manual_seed(0)
    fake = generator(torch.randn(9, 16, generator=draws), torch.rand(9, generator.num_uniforms, generator=draws), None)
    assert (fake[:, :, 1:3].sum(2) == 1).all() and ((fake[:, :, 1:3] == 0) | (fake[:, :, 1:3] == 1)).all()


def test_of_many_numbers_the_first_components_are_kept() -> None:
    spec = Spec("sequence", (100, 4), (Block("continuous", 4),))
    generator, discriminator = started(spec, walks(30, spec))
    assert generator.numbers.kept == MOST_COMPONENTS and discriminator._coefficients(walks(3, spec)).shape[1] == 384
    assert generator(torch.randn(2, 16), torch.zeros(2, 0), None).shape == (2, 100, 4)


def test_what_it_cannot_make_is_refused_with_a_way_out() -> None:
    with pytest.raises(OptionError, match=r"principal makes series.*vector.*residual"):
        build("principal", Spec("vector", (4,), (Block("continuous", 4),)))
    with pytest.raises(OptionError, match=r"at most 2,048 numbers.*8,000.*temporal"):
        build("principal", Spec("sequence", (8000, 1), (Block("continuous", 1),)))


def test_it_learns_what_no_normal_distribution_has() -> None:
    """Steps up or down, by chance at one of four places: two modes in every number."""
    draws = torch.Generator().manual_seed(1)
    where = torch.randint(1, 5, (600, 1, 1), generator=draws)
    sign = torch.randint(0, 2, (600, 1, 1), generator=draws) * 2.0 - 1
    x = (torch.arange(6).view(1, 6, 1) >= where) * sign.expand(-1, -1, 2)
    generator, discriminator = build("principal", SPEC, width=32, depth=2, num_latents=16)
    assert isinstance(generator, PrincipalGenerator) and isinstance(discriminator, PrincipalDiscriminator)
    generator.start_from_records(x)
    discriminator.start_from_records(x)

    def blur() -> float:
        """The mean distance of fakes at the last step from the nearest of the two modes."""
        fake = game.sample(game.average, 500, "looked at", None)[:, -1]
        return float((fake.abs() - 1).abs().mean())

    game = Game(
        generator, discriminator, GameConfig(total_samples=64 * 400, batch=64, learning_rate=5e-3, gap_speed=0.2)
    )
    before = blur()
    while not game.finished:
        game.play_step(Batches(x))
    assert blur() < 0.5 * before
