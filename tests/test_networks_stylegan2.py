"""StyleGAN2: its parts against plain references, hand-computed values and closed forms."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from torch import Tensor

from gankit.errors import OptionError
from gankit.model.blocks import truncated
from gankit.networks.images.stylegan2 import (
    MAPPING_RATE,
    PAIR,
    EqualisedLinear,
    Mapping,
    StyledConvolution,
    StyleGAN2Discriminator,
    StyleGAN2Generator,
    activate,
    append_spread,
    blur,
    downsample,
    downsampling_convolution,
    pyramid_of,
    upsample,
    upsampling_convolution,
)
from gankit.spec import Block, Spec
from gankit.training.losses import exact_squares

CONDITION = Spec("vector", (3,), (Block("categorical", 3),))
TINY = Spec("image", (2, 8, 8))
SHAPES = [(1, 28, 28), (3, 32, 32), (4, 24, 32), (3, 19, 33), (1, 1, 1), (3, 4, 70)]


def numbers(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def uniforms(seed: int, *shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def pair(
    spec: Spec = TINY, condition: Spec | None = None, width: int = 12, depth: int = 2, num_latents: int = 10
) -> tuple[StyleGAN2Generator, StyleGAN2Discriminator]:
    """A pair whose weights that start at zero have been moved away from it."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(1)
        generator, discriminator = PAIR.builder(spec, condition, width, depth, num_latents)
    with torch.no_grad():
        for i, p in enumerate([*generator.parameters(), *discriminator.parameters()]):
            p.add_(0.2 * numbers(i, *p.shape))
    generator.mixing = 0.9
    return generator, discriminator


def inputs(generator: StyleGAN2Generator, rows: int) -> tuple[Tensor, Tensor, Tensor | None]:
    c = None if generator.condition is None else torch.eye(3)[torch.arange(rows) % 3]
    return numbers(2, rows, generator.num_latents), uniforms(3, rows, generator.num_uniforms), c


# --- plain references ------------------------------------------------------------------------------------------------


def up_filter_down(x: Tensor, up: int, before: int, after: int, gain: float, down: int = 1) -> Tensor:
    """Zeros between the pixels, zeros around, the filter, every `down`-th pixel: one operation at a time."""
    rows, channels, height, width = x.shape
    spread = x.new_zeros(rows, channels, height * up, width * up)
    spread[:, :, ::up, ::up] = x
    spread = F.pad(spread, (before, after, before, after))
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=x.dtype)
    kernel = gain * torch.outer(taps, taps) / 64
    planes = spread.reshape(rows * channels, 1, *spread.shape[2:])
    return F.conv2d(planes, kernel.view(1, 1, 4, 4)).reshape(rows, channels, -1, planes.shape[3] - 3)[
        :, :, ::down, ::down
    ]


def plain_styled(layer: StyledConvolution, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
    """Eq. 1 and 3 of Karras et al. 2020a by a loop over records, each with weights of its own."""
    images = []
    for record, latent, own_noise in zip(x, w, noise, strict=True):
        style = layer.style.weight @ latent / math.sqrt(len(latent)) + layer.style.bias
        weight = layer.weight * style.view(1, -1, 1, 1)
        weight = weight / (weight.square().sum((1, 2, 3), keepdim=True) + 1e-8).sqrt()
        image = record.unsqueeze(0)
        if layer.up:
            # zeros between the pixels, a full correlation with the turned weights, the filter
            rows, channels, height, width = image.shape
            spread = image.new_zeros(rows, channels, 2 * height - 1, 2 * width - 1)
            spread[:, :, ::2, ::2] = image
            image = F.conv2d(spread, weight.flip(2, 3), padding=2)
            image = up_filter_down(image, 1, 1, 1, gain=4.0)
        else:
            image = F.conv2d(image, weight, padding=1)
        image = image + layer.noise_strength * own_noise + layer.bias.view(1, -1, 1, 1)
        images.append(math.sqrt(2) * F.leaky_relu(image, 0.2))
    return torch.cat(images)


def plain_generator(generator: StyleGAN2Generator, w: Tensor, u: Tensor) -> Tensor:
    noise = generator.draw_noise(len(w), u)
    x = generator.start.expand(len(w), -1, -1, -1)
    image: Tensor | None = None
    for level, to_image in enumerate(generator.to_image):
        for k in [0] if level == 0 else [2 * level - 1, 2 * level]:
            x = plain_styled(generator.layers[k], x, w[:, k], noise[k])  # type: ignore[arg-type]
        latent = w[:, 2 * level + 1]
        style = latent @ to_image.style.weight.T / math.sqrt(w.shape[2]) + to_image.style.bias  # type: ignore[union-attr, operator]
        kernel = to_image.weight / math.sqrt(x.shape[1])  # type: ignore[operator]
        made = torch.stack([F.conv2d(r, (kernel * s)[:, :, None, None]) for r, s in zip(x, style, strict=True)])
        made = made + to_image.bias.view(1, -1, 1, 1)  # type: ignore[operator, union-attr]
        image = made if image is None else up_filter_down(image, 2, 2, 1, gain=4.0) + made
    assert image is not None
    return image


def plain_discriminator(d: StyleGAN2Discriminator, x: Tensor) -> Tensor:
    """Without a condition, for images that fit the pyramid, in batches of four."""

    def convolve(layer: object, x: Tensor, down: bool = False) -> Tensor:
        weight, bias = layer.weight, layer.bias  # type: ignore[attr-defined]
        side = weight.shape[2]
        weight = weight / math.sqrt(weight[0].numel())
        if not down:
            return F.conv2d(x, weight, bias, padding=side // 2)
        around = 1 + side // 2
        return F.conv2d(up_filter_down(x, 1, around, around, gain=1.0), weight, bias, stride=2)

    def act(x: Tensor) -> Tensor:
        return math.sqrt(2) * F.leaky_relu(x, 0.2)

    h = act(convolve(d.from_image, x))
    for block in d.blocks:
        main = act(convolve(block.second, act(convolve(block.first, h)), down=True))
        h = (main + convolve(block.skip, h, down=True)) / math.sqrt(2)
    halves = [half.var(0, correction=0).add(1e-8).sqrt().mean().expand(2, 1, *h.shape[2:]) for half in h.split(2)]
    h = act(convolve(d.last, torch.cat([h, torch.cat(halves)], 1))).flatten(1)
    h = act(h @ d.dense.weight.T / math.sqrt(h.shape[1]) + d.dense.bias)
    return (h @ d.head.weight.T / math.sqrt(h.shape[1]) + d.head.bias).squeeze(1)


@pytest.mark.parametrize("up", [False, True])
def test_scaling_inputs_and_outputs_equals_weights_of_each_record(up: bool) -> None:
    layer = StyledConvolution(5, 7, 6, up)
    with torch.no_grad():
        for i, p in enumerate(layer.parameters()):
            p.copy_(numbers(i, *p.shape))
    side = 12 if up else 6
    x, w, noise = numbers(10, 4, 5, 6, 6), numbers(11, 4, 6), numbers(12, 4, 1, side, side)
    assert torch.allclose(layer(x, w, noise), plain_styled(layer, x, w, noise), atol=1e-4)


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 12, 8)])
def test_the_generator_equals_its_plain_reference_and_so_do_its_gradients(shape: tuple[int, ...]) -> None:
    generator, _ = pair(Spec("image", shape))
    w = numbers(4, 3, generator.num_styles, generator.style_dim).requires_grad_()
    _, u, _ = inputs(generator, 3)
    fast, slow = generator.synthesise(w, u), plain_generator(generator, w, u)
    assert torch.allclose(fast, slow, atol=1e-4)
    upstream = numbers(5, *fast.shape)
    wanted = [w, *(p for name, p in generator.named_parameters() if not name.startswith("mapping"))]
    for a, b in zip(
        torch.autograd.grad(fast, wanted, upstream), torch.autograd.grad(slow, wanted, upstream), strict=True
    ):
        assert torch.allclose(a, b, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("shape", [(3, 16, 16), (1, 12, 8)])
def test_the_discriminator_equals_its_plain_reference(shape: tuple[int, ...]) -> None:
    _, discriminator = pair(Spec("image", shape))
    x = numbers(6, 4, *shape)
    assert torch.allclose(discriminator(x, None), plain_discriminator(discriminator, x), atol=1e-4)


# --- the filter ------------------------------------------------------------------------------------------------------


def test_the_filter_of_a_single_pixel_is_its_table_of_values() -> None:
    x = torch.zeros(1, 2, 1, 1)
    x[0, 1] = 64.0
    found = blur(x, padding=3)
    assert found.shape == (1, 2, 4, 4) and not found[0, 0].any()
    assert found[0, 1].tolist() == [[1, 3, 3, 1], [3, 9, 9, 3], [3, 9, 9, 3], [1, 3, 3, 1]]


def test_twice_the_size_of_four_pixels_by_hand() -> None:
    x = torch.tensor([[16.0, 0.0], [32.0, 64.0]]).view(1, 1, 2, 2)
    # along an axis (a, b) becomes (.75 a, .75 a + .25 b, .25 a + .75 b, .75 b): beyond the border there is zero
    rows = torch.tensor([[12.0, 0.0], [20.0, 16.0], [28.0, 48.0], [24.0, 48.0]])
    wanted = [[9, 9, 3, 0], [15, 19, 17, 12], [21, 33, 43, 36], [18, 30, 42, 36]]
    assert [[0.75 * a, 0.75 * a + 0.25 * b, 0.25 * a + 0.75 * b, 0.75 * b] for a, b in rows.tolist()] == wanted
    assert upsample(x)[0, 0].tolist() == wanted


def test_twice_the_size_is_bilinear_away_from_the_borders_and_the_plain_filter_everywhere() -> None:
    x = numbers(0, 2, 3, 5, 7)
    found = upsample(x)
    smooth = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    assert torch.allclose(found[:, :, 1:-1, 1:-1], smooth[:, :, 1:-1, 1:-1], atol=1e-6)
    assert torch.allclose(found, up_filter_down(x, 2, 2, 1, gain=4.0), atol=1e-6)


def test_half_the_size_keeps_a_grey_image_grey_but_at_the_borders() -> None:
    found = downsample(torch.full((1, 1, 6, 8), 64.0))
    # a border takes 7/8 of the weights, a corner 49/64
    assert found[0, 0].tolist() == [[49, 56, 56, 49], [56, 64, 64, 56], [49, 56, 56, 49]]
    x = numbers(1, 2, 3, 6, 8)
    assert torch.allclose(downsample(x), up_filter_down(x, 1, 1, 1, gain=1.0, down=2), atol=1e-6)


def test_resampling_convolutions_of_the_identity_are_the_filter() -> None:
    middle = torch.zeros(3, 3, 3, 3)
    middle[range(3), range(3), 1, 1] = 1
    x = numbers(2, 2, 3, 6, 6)
    assert torch.allclose(downsampling_convolution(x, middle[:, :, 1:2, 1:2]), downsample(x), atol=1e-6)
    # a transposed 3x3 convolution has its middle tap one pixel later: the filter then sees zeros on that side
    assert torch.allclose(upsampling_convolution(x, middle), up_filter_down(x, 2, 2, 1, gain=4.0), atol=1e-6)


# --- sizes -----------------------------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(height=st.integers(1, 1100), width=st.integers(1, 1100))
def test_a_pyramid_covers_every_size_and_little_more(height: int, width: int) -> None:
    pyramid = pyramid_of(height, width)
    top = pyramid.sizes[-1]
    assert top[0] >= height and top[1] >= width
    step = 2**pyramid.doublings
    assert top[0] - height < step and top[1] - width < step
    assert pyramid.base[0] * pyramid.base[1] < 64 or pyramid.doublings == 0


@pytest.mark.parametrize(
    ("size", "base", "doublings"),
    [
        ((1024, 1024), (4, 4), 8),
        ((32, 32), (4, 4), 3),
        ((28, 28), (7, 7), 2),
        ((96, 128), (3, 4), 5),
        ((8, 8), (4, 4), 1),
    ],
)
def test_known_sizes_start_at_known_bases(size: tuple[int, int], base: tuple[int, int], doublings: int) -> None:
    assert (pyramid_of(*size).base, pyramid_of(*size).doublings) == (base, doublings)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
def test_every_shape_is_made_judged_and_learned(shape: tuple[int, ...], condition: Spec | None) -> None:
    generator, discriminator = pair(Spec("image", shape), condition, width=4, num_latents=6)
    z, u, c = inputs(generator, 5)
    fake = generator(z, u, c)
    assert fake.shape == (5, *shape) and fake.dtype == torch.float32
    logits = discriminator(fake, c)
    assert logits.shape == (5,) and logits.dtype == torch.float32
    logits.square().sum().backward()
    idle = [
        name
        for network in (generator, discriminator)
        for name, p in network.named_parameters()
        if p.grad is None or not p.grad.any()
    ]
    assert idle == []


def test_config_f_has_its_published_number_of_weights() -> None:
    with torch.device("meta"):
        generator, discriminator = PAIR.builder(Spec("image", (3, 1024, 1024)), None, None, None, 512)
    assert generator.num_styles == 18
    assert sum(p.numel() for p in generator.parameters()) == 30_370_060
    assert sum(p.numel() for p in discriminator.parameters()) == 29_012_513


def test_small_images_get_the_settings_of_the_papers_for_them() -> None:
    generator, _ = PAIR.builder(Spec("image", (3, 32, 32)), None, 8, None, 4)
    large, _ = PAIR.builder(Spec("image", (3, 64, 64)), None, 8, None, 4)
    assert (generator.mixing, len(generator.mapping.layers)) == (0.0, 2)
    assert (large.mixing, len(large.mapping.layers)) == (0.9, 8)


def test_records_that_are_no_images_are_refused() -> None:
    with pytest.raises(OptionError, match=r"stylegan2 makes images, .*vector"):
        PAIR.build(Spec("vector", (3,)))


def test_the_condition_reaches_generator_and_discriminator() -> None:
    generator, discriminator = pair(condition=CONDITION)
    z, u, c = inputs(generator.eval(), 4)
    assert c is not None
    other = c.roll(1, 1)
    fake = generator(z, u, c)
    assert not torch.allclose(fake, generator(z, u, other))
    assert not torch.allclose(discriminator(fake, c), discriminator(fake, other))


# --- equalised learning rate, demodulation ---------------------------------------------------------------------------


@pytest.fixture
def seeded() -> Iterator[None]:
    """Layers built in the test start with the same weights each time."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


@pytest.mark.usefixtures("seeded")
def test_every_layer_starts_at_the_scale_that_keeps_unit_variance() -> None:
    x = numbers(17, 2000, 200)
    for layer in (EqualisedLinear(200, 300), EqualisedLinear(200, 300, rate=0.01)):
        assert layer(x).detach().std().item() == pytest.approx(1, rel=0.03)
    w = Mapping(200, None, 200, 8)(x, None)
    assert w.detach().square().mean().item() == pytest.approx(1, rel=0.3)


def test_the_first_layer_of_the_mapping_sees_z_and_c_at_equal_strength() -> None:
    mapping = Mapping(5, CONDITION, 4, 1)
    seen: list[Tensor] = []
    mapping.layers[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    mapping(7 * numbers(0, 3, 5), torch.eye(3))
    assert torch.allclose(seen[0][:, :5].square().mean(1), torch.ones(3), atol=1e-5)
    assert torch.allclose(seen[0][:, 5:].square().mean(1), torch.ones(3), atol=1e-5)


def test_the_mapping_network_learns_at_a_hundredth_of_the_rate() -> None:
    layer = EqualisedLinear(4, 3, rate=MAPPING_RATE)
    optimiser = torch.optim.Adam(layer.parameters(), lr=0.5)
    before = layer(torch.zeros(1, 4)).detach()
    layer(torch.zeros(1, 4)).sum().backward()
    optimiser.step()
    # Adam's first step moves a stored number by the rate, whatever its gradient
    assert torch.allclose(before - layer(torch.zeros(1, 4)), torch.full((1, 3), 0.5 * 0.01), atol=1e-6)


@pytest.mark.usefixtures("seeded")
def test_demodulation_gives_unit_variance_whatever_the_style() -> None:
    layer = StyledConvolution(24, 16, 6, up=False)
    x, w = numbers(1, 8, 24, 40, 40), 3 * numbers(2, 8, 6)
    made = F.leaky_relu(layer(x, w, torch.zeros(8, 1, 40, 40)), 5.0) / math.sqrt(2)  # undo the ReLU and its gain
    inside = made[:, :, 1:-1, 1:-1]
    assert torch.allclose(inside.std((2, 3)), torch.ones(8, 16), atol=0.1)


# --- the spread of a group -------------------------------------------------------------------------------------------


def test_the_spread_of_two_records_by_hand() -> None:
    x = torch.tensor([[[[1.0, 2.0]]], [[[3.0, 8.0]]]])  # one channel, two pixels
    # a batch of two counts as one real and one fake record, each alone; three records are one group
    assert append_spread(x)[:, 1].flatten().tolist() == pytest.approx([1e-4] * 4, rel=1e-3)
    three = torch.cat([x, torch.tensor([[[[5.0, 5.0]]]])])
    wanted = (math.sqrt(8 / 3) + math.sqrt(6)) / 2  # variances of (1, 3, 5) and (2, 8, 5)
    assert append_spread(three)[:, 1].flatten().tolist() == pytest.approx([wanted] * 6)
    assert torch.equal(append_spread(three)[:, :1], three)


@settings(max_examples=30, deadline=None)
@given(half=st.integers(1, 13))
def test_real_and_fake_never_share_a_group_and_groups_are_of_four_at_most(half: int) -> None:
    x = numbers(half, 2 * half, 2, 2, 2).requires_grad_()
    spreads = append_spread(x)[:, 2, 0, 0]
    for i in range(2 * half):
        (gradient,) = torch.autograd.grad(spreads[i], x, retain_graph=True)
        members = gradient.flatten(1).any(1).nonzero().flatten().tolist() or [i]
        assert len(members) <= 4 and len({m < half for m in members}) == 1
        assert members == list(range(members[0], members[0] + len(members))) and i in members


# --- styles: their mean, mixing, truncation, noise -------------------------------------------------------------------


def test_the_mean_style_moves_by_five_thousandths_in_training_alone() -> None:
    generator, _ = pair()
    z, u, c = inputs(generator, 6)
    w = generator.styles(z, c)
    assert w.shape == (6, generator.num_styles, generator.style_dim)
    generator.eval()(z, u, c)
    assert not generator.mean_style.any()
    generator.train()(z, u, c)
    assert torch.allclose(generator.mean_style, 0.005 * w[:, 0].mean(0), atol=1e-6)
    assert "w_mean" in generator.state_dict() and "path_mean" in generator.state_dict()


def test_styles_are_mixed_as_often_as_said_at_every_layer_with_a_normal_z() -> None:
    generator, _ = pair(Spec("image", (1, 16, 16)))  # 3 levels, 6 styles
    rows = 4000
    z, u = numbers(0, rows, 10), uniforms(1, rows, generator.num_uniforms)
    first = generator.mapping(z, None)
    mixed = generator._mixed_styles(z, u, None)
    own = (mixed - first.unsqueeze(1)).abs().amax(2) < 1e-4  # [rows, num_styles]
    assert own[:, 0].all()
    crossing = own.sum(1)
    assert torch.equal(own, torch.arange(6) < crossing.unsqueeze(1))
    shares = torch.bincount(crossing, minlength=7)[1:] / rows
    assert torch.allclose(shares, torch.tensor([0.18, 0.18, 0.18, 0.18, 0.18, 0.1]), atol=0.03)
    other = math.sqrt(2) * torch.erfinv(2 * u[:, 3:] - 1)
    assert kstest(other.flatten().numpy(), "norm").pvalue > 1e-3
    assert torch.allclose(mixed[crossing < 6][:, 5], generator.mapping(other, None)[crossing < 6], atol=1e-4)


def test_the_ends_of_the_uniform_range_mix_without_infinities() -> None:
    generator, _ = pair()
    u = torch.cat([torch.zeros(1, generator.num_uniforms), torch.full((1, generator.num_uniforms), 1 - 2.0**-24)])
    generator.mixing = 1.0
    assert generator(numbers(0, 2, 10), u, None).isfinite().all()


def test_no_styles_are_mixed_in_evaluation_mode() -> None:
    generator, _ = pair()
    z, u, c = inputs(generator.eval(), 4)
    elsewhere = u.clone()
    elsewhere[:, 1:] = uniforms(9, 4, generator.num_uniforms - 1)
    assert torch.equal(generator(z, u, c), generator(z, elsewhere, c))
    assert torch.equal(generator(z, u, c), generator.synthesise(generator.styles(z, c), u))


def test_noise_is_a_function_of_the_seed_and_the_row() -> None:
    generator, _ = pair(Spec("image", (1, 20, 12)))
    z, u, c = inputs(generator.eval(), 6)
    whole = generator(z, u, c)
    assert torch.equal(whole, generator(z, u, c))
    assert torch.allclose(whole[:4], generator(z[:4], u[:4], c), atol=1e-5)
    changed = z.clone()
    changed[2] = 0
    others = [0, 1, 3, 4, 5]
    assert torch.equal(whole[others], generator(changed, u, c)[others])
    u[0, 0] += 1e-3
    assert not torch.allclose(whole, generator(z, u, c))
    noise = torch.cat([n.flatten() for n in generator.draw_noise(300, u)])
    assert kstest(noise.numpy(), "norm").pvalue > 1e-3


def test_a_fresh_generator_has_no_noise_yet() -> None:
    generator, _ = PAIR.builder(TINY, None, 8, 2, 4)
    z = numbers(0, 2, 4)
    generator.eval()
    assert torch.equal(generator(z, torch.zeros(2, 7), None), generator(z, torch.ones(2, 7) / 2, None))


def test_truncation_pulls_styles_to_the_mean() -> None:
    generator, _ = PAIR.builder(TINY, None, 8, 2, 4)
    generator.eval()
    generator.w_mean.copy_(numbers(1, 4))
    z, u = numbers(0, 2, 4), torch.zeros(2, 7)
    w, mean = generator.styles(z, None), generator.mean_style
    assert torch.equal(truncated(generator, z, u, None, 1.0), generator(z, u, None))
    assert torch.allclose(truncated(generator, z, u, None, 0.0), generator.synthesise(mean.expand_as(w), u))
    assert torch.allclose(truncated(generator, z, u, None, 0.5), generator.synthesise((w + mean) / 2, u), atol=1e-6)


# --- path length, R1 -------------------------------------------------------------------------------------------------


def test_the_path_length_is_that_of_the_jacobian() -> None:
    generator, _ = pair(Spec("image", (2, 4, 8)), width=4, num_latents=3)
    generator.eval()
    z, u, c = inputs(generator, 3)
    directions = numbers(4, 3, 2, 4, 8)
    w = generator.styles(z, c).detach()
    jacobian = torch.func.jacrev(lambda w: generator.synthesise(w, u))(w)  # [3, 2, 4, 8, 3, num_styles, style_dim]
    lengths = []
    for i in range(3):
        own = jacobian[i, :, :, :, i].flatten(0, 2)  # [pixels, num_styles, style_dim]
        pulled = torch.einsum("p,pls->ls", directions[i].flatten() / math.sqrt(32), own.detach())
        lengths.append(math.sqrt(pulled.square().sum() / generator.num_styles))
    wanted_lengths = torch.tensor(lengths)
    generator.path_mean.fill_(2.0)
    loss = generator.path_length_loss(z, u, c, directions)
    a = 2.0 + 0.01 * (wanted_lengths.mean() - 2.0)
    assert torch.allclose(generator.path_mean, a, rtol=1e-4)
    assert torch.allclose(loss, (wanted_lengths - a).square().mean(), rtol=1e-3)
    loss.backward()
    moved = {name.split(".")[0] for name, p in generator.named_parameters() if p.grad is not None and p.grad.any()}
    assert {"mapping", "layers", "to_image", "start"} <= moved


def test_the_penalty_of_the_input_gradient_has_right_gradients() -> None:
    _, discriminator = pair(Spec("image", (1, 4, 8)), width=3)
    discriminator = discriminator.double()
    x = numbers(5, 3, 1, 4, 8, dtype=torch.float64)
    parameters = list(discriminator.parameters())

    def penalty() -> Tensor:
        return exact_squares(discriminator, x, None, None)[1].sum()

    found = torch.autograd.grad(penalty(), parameters, allow_unused=True)
    for parameter, gradient in zip(parameters, found, strict=True):
        direction = numbers(6, *parameter.shape, dtype=torch.float64)
        steps = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter.add_(sign * 1e-6 * direction)
            steps.append(penalty().item())
            with torch.no_grad():
                parameter.sub_(sign * 1e-6 * direction)
        slope = 0.0 if gradient is None else (gradient * direction).sum().item()
        assert slope == pytest.approx((steps[0] - steps[1]) / 2e-6, rel=1e-4, abs=1e-6)


# --- low precision ---------------------------------------------------------------------------------------------------


def test_low_precision_gives_nearly_the_same_numbers_and_finite_penalties() -> None:
    generator, discriminator = pair(Spec("image", (3, 16, 16)), CONDITION)
    z, u, c = inputs(generator.eval(), 4)
    fake = generator(z, u, c)
    logits = discriminator(fake, c)
    generator.multiply_in = discriminator.multiply_in = torch.bfloat16
    rough = generator(z, u, c)
    assert rough.dtype == torch.float32 and not torch.equal(rough, fake)
    assert (rough - fake).norm() < 0.02 * fake.norm()
    rough_logits, squares = exact_squares(discriminator, fake, c, None)
    assert rough_logits.dtype == torch.float32
    assert (rough_logits - logits).norm() < 0.05 * logits.norm()
    gradients = torch.autograd.grad(squares.sum(), list(discriminator.parameters()), allow_unused=True)
    assert all(g is None or g.isfinite().all() for g in gradients)
    loss = generator.path_length_loss(z, u, c, numbers(1, 4, 3, 16, 16))
    loss.backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in generator.parameters())


def test_in_low_precision_no_layer_gives_more_than_its_limit() -> None:
    layer = StyledConvolution(4, 4, 3, up=False)
    with torch.no_grad():
        layer.bias.fill_(1000.0)
    x = numbers(0, 2, 4, 8, 8)
    w, noise = numbers(1, 2, 3), torch.zeros(2, 1, 8, 8)
    assert layer(x.bfloat16(), w, noise).max() == 256
    assert layer(x, w, noise).max() > 1000


def test_the_limited_relu_and_its_slopes_by_hand() -> None:
    x = torch.tensor([-2000.0, -1.0, 2.0, 300.0], dtype=torch.bfloat16, requires_grad=True)
    y = activate(x * 1)
    assert y.tolist() == pytest.approx([-256, -0.2, 2, 256], rel=1e-2)
    upstream = torch.ones(4, dtype=torch.bfloat16, requires_grad=True)
    (slope,) = torch.autograd.grad(y, x, upstream, create_graph=True)
    assert slope.tolist() == pytest.approx([0, 0.2, 1, 0], rel=1e-2)
    # linear in what comes from above, and the same whatever x does in between
    (again,) = torch.autograd.grad((slope * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum(), upstream)
    assert again.tolist() == pytest.approx([0, 0.4, 3, 0], rel=1e-2)
