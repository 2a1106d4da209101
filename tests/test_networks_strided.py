"""The strided pair: any shape of image, the input gradient of its discriminator, and a game that holds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from gankit.errors import OptionError
from gankit.networks import build
from gankit.networks.base import Discriminator
from gankit.networks.images.strided import StridedDiscriminator, StridedGenerator, default_width
from gankit.networks.layers import channels_last
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.losses import LOSSES, PENALTIES, PenaltyDraws, discriminator_turn
from gankit.training.plan import GameConfig

LABELS = Spec("vector", (3,), (Block("categorical", 3),))
SHAPES = [(1, 28, 28), (3, 32, 32), (1, 28, 20), (4, 8, 8), (1, 15, 9), (3, 64, 48), (1, 5, 3), (2, 1, 1), (1, 33, 70)]


def labels(rows: int) -> Tensor:
    return torch.eye(3)[torch.randint(3, (rows,), generator=torch.Generator().manual_seed(7))]


class Plain(Discriminator):
    """The same D without its own input gradient: autograd differentiates it twice."""

    def __init__(self, inner: StridedDiscriminator) -> None:
        super().__init__()
        self.spec, self.condition, self.inner = inner.spec, inner.condition, inner

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        logits: Tensor = self.inner(x, c, u)
        return logits


@pytest.mark.parametrize("multiply_in", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_images_of_any_shape_are_made_and_judged(shape: tuple[int, int, int], multiply_in: torch.dtype) -> None:
    generator, discriminator = build("strided", Spec("image", shape), LABELS, width=8, num_latents=6)
    generator.multiply_in = discriminator.multiply_in = multiply_in
    c = labels(4)
    x = generator(torch.randn(4, 6, generator=torch.Generator().manual_seed(0)), torch.zeros(4, 0), c)
    assert x.shape == (4, *shape) and x.dtype == torch.float32 and x.isfinite().all()
    logits = discriminator(x, c)
    assert logits.shape == (4,) and logits.dtype == torch.float32


def test_a_condition_styles_every_stage_and_starts_without_a_style() -> None:
    generator, _ = build("strided", Spec("image", (3, 32, 32)), LABELS, width=8, num_latents=6)
    assert isinstance(generator, StridedGenerator) and len(generator.styles) == len(generator.further)
    z, c = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)), labels(4)
    plain = generator(z, torch.zeros(4, 0), c)
    for style in generator.styles:
        assert isinstance(style, torch.nn.Linear) and not style.weight.any()
        with torch.no_grad():
            style.weight[:, 0] = 0.5  # of the first class alone
        styled = generator(z, torch.zeros(4, 0), c)
        changed = (styled - plain).abs().amax((1, 2, 3)) > 0
        assert (changed == c[:, 0].bool()).all() and changed.any() and not changed.all()
        with torch.no_grad():
            style.weight.zero_()


def test_a_image_of_256_pixels_takes_as_many_stages_as_it_needs() -> None:
    generator, discriminator = build("strided", Spec("image", (3, 256, 256)), None, num_latents=6)
    assert isinstance(generator, StridedGenerator) and isinstance(discriminator, StridedDiscriminator)
    assert generator.base == (4, 4) and len(generator.doublings) == 5
    x = generator(torch.randn(1, 6, generator=torch.Generator().manual_seed(0)), torch.zeros(1, 0), None)
    assert x.shape == (1, 3, 256, 256) and discriminator(x, None).shape == (1,)


@pytest.mark.parametrize("depth", [0, 1])
@pytest.mark.parametrize("condition", [None, LABELS], ids=["free", "given"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 15, 9), (1, 3, 3)], ids=str)
def test_its_own_input_gradient_is_autograds(shape: tuple[int, int, int], condition: Spec | None, depth: int) -> None:
    _, d = build("strided", Spec("image", shape), condition, width=8, depth=depth, num_latents=6)
    assert isinstance(d, StridedDiscriminator)
    draws = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in d.parameters():
            p.add_(0.05 * torch.randn(p.shape, generator=draws))
    real, fake = (torch.randn(5, *shape, generator=draws) for _ in range(2))
    c = None if condition is None else labels(5)
    results = []
    for network in (d, Plain(d)):
        played = discriminator_turn(
            network, LOSSES["relativistic"], PENALTIES["r1r2"], "exact", real, fake, c, None, PenaltyDraws()
        )
        total = played.loss + 1.7 * played.penalty
        results.append((total, played.penalty, torch.autograd.grad(total, list(d.parameters()), allow_unused=True)))
    (mine, my_penalty, my_gradients), (its, its_penalty, its_gradients) = results
    assert its_penalty > 0
    torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(my_penalty, its_penalty, rtol=1e-4, atol=1e-5)
    for a, b in zip(my_gradients, its_gradients, strict=True):
        assert (a is None or not a.any()) if b is None else a is not None
        if a is not None and b is not None:
            assert (a - b).norm() <= 1e-4 * b.norm() + 1e-6


def test_bfloat16_comes_close_to_float32() -> None:
    generator, d = build("strided", Spec("image", (1, 28, 28)), LABELS, width=16, num_latents=6)
    assert isinstance(d, StridedDiscriminator)
    draws = torch.Generator().manual_seed(3)
    z, x, c = torch.randn(16, 6, generator=draws), torch.randn(16, 1, 28, 28, generator=draws), labels(16)
    with torch.no_grad():
        plain = (generator(z, torch.zeros(16, 0), c), *d.logits_and_squares(x, c))
        generator.multiply_in = d.multiply_in = torch.bfloat16
        rounded = (generator(z, torch.zeros(16, 0), c), *d.logits_and_squares(x, c))
    for a, b in zip(plain, rounded, strict=True):
        assert 0 < (a - b).norm() <= 0.03 * a.norm()


def test_generator_starts_with_images_of_the_size_of_the_data_that_differ_by_latent_and_by_label() -> None:
    generator, _ = build("strided", Spec("image", (3, 32, 32)), LABELS, num_latents=32)
    z = torch.randn(64, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        one, other = (generator(z, torch.zeros(64, 0), torch.eye(3)[k].expand(64, 3)) for k in (0, 1))
    assert 0.2 < one.std() < 1 and one.abs().max() <= 1
    by_latent, by_label = one.std(0).mean(), (one - other).std() / 2**0.5
    assert 0.3 < by_label / by_latent < 3


def test_images_are_smooth_before_training() -> None:
    generator, _ = build("strided", Spec("image", (3, 64, 64)), width=8, num_latents=8)
    x = generator(torch.randn(16, 8, generator=torch.Generator().manual_seed(1)), torch.zeros(16, 0), None)
    steps = (x[..., 1:] - x[..., :-1]).square().mean()
    assert steps < 0.2 * 2 * x.var(), "independent pixels would differ by twice their variance"


def test_a_image_does_not_depend_on_its_batch() -> None:
    generator, discriminator = build("strided", Spec("image", (1, 28, 20)), LABELS, width=8, num_latents=6)
    z, c = torch.randn(5, 6, generator=torch.Generator().manual_seed(0)), labels(5)
    x = generator(z, torch.zeros(5, 0), c)
    alone = torch.cat([generator(z[i : i + 1], torch.zeros(1, 0), c[i : i + 1]) for i in range(5)])
    assert torch.allclose(x, alone, atol=1e-5)
    judged = torch.cat([discriminator(x[i : i + 1], c[i : i + 1]) for i in range(5)])
    assert torch.allclose(discriminator(x, c), judged, atol=1e-5)


def test_widths_and_further_layers_are_those_asked_for() -> None:
    spec = Spec("image", (3, 64, 64))
    generator, discriminator = build("strided", spec, None, width=16, depth=1, num_latents=6)
    assert isinstance(generator, StridedGenerator) and isinstance(discriminator, StridedDiscriminator)
    outputs = [c.weight.shape[0] for c in discriminator.chain.convolutions]
    assert outputs == [16, 16, 32, 32, 64, 64, 128, 128, 256]
    assert generator.to_pixels.weight.shape == (12, 16, 3, 3)
    small, _ = build("strided", spec, None, width=16, num_latents=6)
    assert sum(p.numel() for p in generator.parameters()) > sum(p.numel() for p in small.parameters())
    assert [default_width(n, n) for n in (28, 64, 128, 256, 1024)] == [32, 32, 16, 8, 8]


def test_vectors_are_refused_with_what_to_do() -> None:
    with pytest.raises(OptionError, match=r"strided makes images.*vector of 4 numbers.*residual"):
        build("strided", Spec("vector", (4,), (Block("continuous", 4),)))


def test_a_short_game_on_bars_learns_where_the_light_is() -> None:
    """Images of two classes: the left half is light, or the right half; G learns which is which."""
    rows = torch.arange(256)
    x = torch.full((256, 1, 8, 8), 0, dtype=torch.uint8)
    x[rows % 2 == 0, :, :, :4], x[rows % 2 == 1, :, :, 4:] = 255, 255
    c = torch.eye(2)[rows % 2]
    spec, given = Spec("image", (1, 8, 8)), Spec("vector", (2,), (Block("categorical", 2),))
    generator, discriminator = build("strided", spec, given, width=16, num_latents=8)
    config = GameConfig(total_samples=100 * 16, batch=16, learning_rate=2e-3, first_weight=0.3)
    game = Game(generator, discriminator, config)
    train = Batches(x, c, lambda rows: rows.float() / 127.5 - 1)
    while not game.finished:
        game.play_step(train)
    fake = game.sample(game.average, 64, "test", c[:64])
    halves = torch.stack([fake[:, :, :, :4].mean((1, 2, 3)), fake[:, :, :, 4:].mean((1, 2, 3))], 1)
    right = (halves.argmax(1) == c[:64].argmax(1)).float().mean()
    assert right > 0.95 and (halves.amax(1) > 0.4).float().mean() > 0.9 and (halves.amin(1) < -0.4).float().mean() > 0.9


def test_channels_last_changes_no_number_of_a_weight() -> None:
    x = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(channels_last(x), x) and channels_last(x).stride() != x.stride()
