"""Networks for images: those of papers against the papers' numbers, and their parts against plain references."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest
from torch import Tensor, nn

from gankit.errors import OptionError
from gankit.networks import NETWORKS, build
from gankit.networks.base import Discriminator, Task
from gankit.networks.images.conv2014 import Conv2014Discriminator, Conv2014Generator, _MaxoutConvolution
from gankit.networks.images.dcgan import DCGANDiscriminator, DCGANGenerator
from gankit.networks.images.residual import ResidualImageDiscriminator, ResidualImageGenerator, stages
from gankit.networks.layers import (
    Activate,
    Branch,
    Convolve,
    Halve,
    Join,
    PiecewiseLinear,
    Step,
    cut,
    double,
    double_by_means,
    halvings,
    surround,
)
from gankit.networks.vectors.dense2014 import (
    Dense2014Discriminator,
    Dense2014Generator,
    SparseLinear,
    UniformNoise,
    dense_published,
)
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.losses import LOSSES, PENALTIES, PenaltyDraws, discriminator_turn
from gankit.training.plan import GameConfig

DIGITS, FACES, PHOTOGRAPHS = (Spec("image", s) for s in ((1, 28, 28), (1, 48, 48), (3, 32, 32)))
CONDITION = Spec("vector", (4,), (Block("categorical", 4),))


def numbers(seed: int, *shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def unallocated(name: str, spec: Spec, **sizes: int) -> tuple[nn.Module, nn.Module]:
    """A pair without memory: only its shapes can be asked for."""
    with torch.device("meta"):
        return NETWORKS[name].builder(spec, None, sizes.get("width"), sizes.get("depth"), sizes.get("num_latents", 100))


def matrices(network: nn.Module) -> list[tuple[int, ...]]:
    return [tuple(p.shape) for p in network.parameters() if p.dim() > 1]


# --- shapes and resizing ---------------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.integers(1, 300))
def test_a_image_is_halved_to_four_to_seven_pixels_and_comes_back_whole(height: int, width: int) -> None:
    count, (rows, columns) = halvings(height, width)
    assert rows * 2**count >= height and columns * 2**count >= width
    assert (rows - 1) * 2**count < height and (columns - 1) * 2**count < width
    if min(height, width) >= 4:
        assert 4 <= min(rows, columns) <= 8
    else:
        assert count == 0


def test_more_halvings_than_there_are_pixels_are_refused() -> None:
    assert halvings(20, 28, 3) == (3, (3, 4))
    with pytest.raises(OptionError, match=r"--depth 5: images of 28 x 20 can be halved 4 times"):
        halvings(20, 28, 5)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 5), st.integers(0, 5))
@settings(deadline=None)
def test_cutting_undoes_surrounding_and_the_margin_is_zero(high: int, wide: int, more: int, also: int) -> None:
    x = numbers(0, 2, 1, high, wide)
    large = surround(x, high + more, wide + also)
    assert large.shape == (2, 1, high + more, wide + also)
    assert torch.equal(cut(large, high, wide), x)
    assert (large != 0).sum() == (x != 0).sum()


def test_doubling_is_bilinear_by_hand_and_by_means() -> None:
    row = torch.tensor([[[[0.0, 4.0, 8.0]]]])
    assert double(row)[0, 0].tolist() == [[0.0, 1.0, 3.0, 5.0, 7.0, 8.0]] * 2
    x = numbers(1, 2, 3, 5, 7, dtype=torch.float64)
    assert torch.allclose(double(x), double_by_means(x), atol=1e-14)


# --- slopes of piecewise linear chains -------------------------------------------------------------------------------


class Plain(Discriminator):
    """The same D without its own input gradient: autograd differentiates it twice."""

    def __init__(self, inner: Discriminator) -> None:
        super().__init__()
        self.spec, self.condition, self.inner = inner.spec, inner.condition, inner

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        logits: Tensor = self.inner(x, c, u)
        return logits


@pytest.mark.parametrize("penalty", [p for p in PENALTIES if p != "none"])
@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 11, 17)], ids=str)
def test_the_input_gradient_of_the_residual_discriminator_is_autograds(
    shape: tuple[int, ...], condition: Spec | None, penalty: str
) -> None:
    _, d = build("residual", Spec("image", shape), condition, width=12, depth=2, num_latents=5)
    assert isinstance(d, ResidualImageDiscriminator)
    d = d.double()
    d.multiply_in = torch.float64
    with torch.no_grad():
        for i, p in enumerate(d.parameters()):
            p.add_(0.2 * numbers(i, *p.shape, dtype=torch.float64))
    real, fake = (numbers(seed, 5, *shape, dtype=torch.float64) for seed in (100, 101))
    c = None if condition is None else torch.eye(4, dtype=torch.float64)[[0, 1, 2, 3, 0]]
    between = torch.linspace(0.1, 0.9, 5, dtype=torch.float64).view(5, 1, 1, 1)
    results = []
    for network in (d, Plain(d)):
        played = discriminator_turn(
            network, LOSSES["relativistic"], PENALTIES[penalty], "exact", real, fake, c, None, PenaltyDraws(between)
        )  # fmt: skip
        total = played.loss + 1.7 * played.penalty
        results.append((total, torch.autograd.grad(total, list(d.parameters()), allow_unused=True)))
    (mine, my_gradients), (its, its_gradients) = results
    assert torch.allclose(mine, its, rtol=1e-10)
    for a, b in zip(my_gradients, its_gradients, strict=True):
        # what autograd leaves out has no influence
        a, b = (torch.zeros_like(other) if one is None else one for one, other in ((a, b), (b, a)))
        assert torch.allclose(a, b, rtol=1e-8, atol=1e-10)


def test_a_chain_with_strides_groups_and_nested_branches_knows_its_slope() -> None:
    layers = [
        nn.Conv2d(2, 6, 3, stride=2, padding=1, bias=False),
        nn.Conv2d(6, 6, 3, padding=1, groups=3),
        nn.Conv2d(6, 6, 1),
        nn.Conv2d(6, 4, 4, stride=2, padding=1),
    ]
    steps: list[Step] = [
        Convolve(0), Activate(), Branch(), Branch(), Convolve(1), Activate(), Join(), Convolve(2), Join(), Halve(),
        Convolve(3), Activate(),
    ]  # fmt: skip
    chain = PiecewiseLinear(steps, layers, 0.3).double()
    with torch.no_grad():
        for i, p in enumerate(chain.parameters()):
            p.copy_(numbers(i, *p.shape, dtype=torch.float64))
    x = numbers(50, 3, 2, 16, 16, dtype=torch.float64).requires_grad_()
    head = numbers(51, 3, 4, 2, 2, dtype=torch.float64).requires_grad_()
    weights = [*chain.parameters(), head]
    logits, squares = chain.logits_and_squares(x.detach(), head)
    mine = torch.autograd.grad((logits * torch.arange(3)).sum() + squares.square().sum(), weights)
    plain = (chain(x) * head).flatten(1).sum(1)
    (slope,) = torch.autograd.grad(plain.sum(), x, create_graph=True)
    its_squares = slope.flatten(1).square().sum(1)
    its = torch.autograd.grad((plain * torch.arange(3)).sum() + its_squares.square().sum(), weights)
    assert torch.allclose(logits, plain) and torch.allclose(squares, its_squares)
    for a, b in zip(mine, its, strict=True):
        assert torch.allclose(a, b, rtol=1e-8, atol=1e-8 * float(b.abs().max()))


# --- the residual pair -----------------------------------------------------------------------------------------------


def test_the_residual_pair_can_be_the_papers_for_cifar10() -> None:
    g, d = unallocated("residual", PHOTOGRAPHS, width=768, depth=2, num_latents=64)
    assert stages(PHOTOGRAPHS.shape, 768) == [(4, 4, 768), (8, 8, 768), (16, 16, 768), (32, 32, 768)]
    # of the paper's code: 1x1 to 1536, 3x3 in 96 groups of 16, 1x1 back, a bias before each of the two activations
    block = 768 * 1536 + 1536 + 1536 * 16 * 9 + 1536 + 1536 * 768
    convolutions = [m for m in [*g.modules(), *d.modules()] if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3)]
    assert len(convolutions) == 2 * 8 and {m.groups for m in convolutions} == {96}
    assert sum(p.numel() for p in g.parameters()) == 8 * block + 768 * 16 + 64 * 768 + 768 * 3
    assert sum(p.numel() for p in d.parameters()) == 8 * block + 768 * 3 + 768 * 16 + 768 + 1
    assert [c for *_, c in stages((3, 256, 256), 768)] == [768, 768, 768, 768, 384, 192, 96]


def test_the_residual_pair_starts_as_linear_maps_of_unit_variance() -> None:
    g, d = build("residual", DIGITS, None, num_latents=100)
    assert isinstance(g, ResidualImageGenerator) and g.basis.shape == (128, 7, 7)
    z = numbers(2, 64, 100)
    x = g(z, torch.zeros(64, 0), None)
    assert torch.allclose(g(2 * z, torch.zeros(64, 0), None), 2 * x, atol=1e-5)
    assert 0.3 < float(x.detach().std()) < 1.2
    first, second = d(x, None), d(2 * x, None)
    assert torch.allclose(second, 2 * first, atol=1e-4)
    one = next(m for m in g.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3))
    # 3 blocks: gain 3^(-1/4) sqrt(2/1.04) / sqrt(16 * 9)
    assert float(one.weight.detach().std()) == pytest.approx(3**-0.25 * math.sqrt(2 / 1.04) / 12, rel=0.05)


def test_a_condition_of_zeros_still_has_a_logit_that_learns() -> None:
    _, d = build("residual", DIGITS, CONDITION, width=8)
    logits = d(numbers(3, 2, 1, 28, 28), torch.zeros(2, 4))
    assert logits.abs().min() > 0


def test_the_form_of_the_records_chooses_the_residual_pair() -> None:
    vector = Spec("vector", (3,), (Block("continuous", 3),))
    assert type(build("residual", vector, width=8)[0]).__name__ == "ResidualGenerator"
    assert type(build("residual", DIGITS, width=8)[0]).__name__ == "ResidualImageGenerator"


# --- 2014 ------------------------------------------------------------------------------------------------------------


def test_the_dense_pairs_of_2014_have_the_sizes_of_the_papers_files() -> None:
    g, d = unallocated("dense2014", PHOTOGRAPHS)
    assert matrices(g) == [(8000, 100), (8000, 8000), (3072, 8000)]
    assert matrices(d) == [(8000, 3072), (8000, 1600), (1, 1600)]
    assert (
        isinstance(g, Dense2014Generator) and isinstance(g.layers[1], nn.ReLU) and isinstance(g.layers[3], nn.Sigmoid)
    )
    g, d = unallocated("dense2014", FACES)
    assert matrices(g) == [(8000, 100), (8000, 8000), (2304, 8000)]
    assert matrices(d) == [(6000, 2304), (6000, 1200), (1, 1200)]
    assert isinstance(d, Dense2014Discriminator) and d.num_uniforms == 2304 + 1200 + 1200
    sources = [dense_published(s).source for s in (DIGITS, Spec("image", (1, 20, 29)), PHOTOGRAPHS)]
    assert sources == ["mnist.yaml", "tfd_pretrain/pretrain.yaml", "cifar10_fully_connected.yaml"]


def test_initial_weights_are_those_of_the_files() -> None:
    g, _ = build("dense2014", Spec("image", (3, 8, 8)), width=300)
    assert isinstance(g, Dense2014Generator)
    reach = [float(p.abs().max()) for p in g.state_dict().values() if p.dim() > 1]
    assert reach == pytest.approx([0.05, 0.05, 0.5], rel=0.02) and max(reach[:2]) <= 0.05
    g, _ = build("dense2014", Spec("image", (1, 30, 30)), width=300)
    assert isinstance(g, Dense2014Generator) and isinstance(g.layers[-1], SparseLinear)
    assert ((g.layers[-1].weight != 0).sum(1) == 100).all()
    assert float(g.layers[-1].weight[g.layers[-1].weight != 0].detach().std()) == pytest.approx(1, rel=0.02)
    hidden = g.layers[2]
    assert isinstance(hidden, nn.Linear) and (hidden.bias == -2).all()


def test_the_noise_for_digits_is_uniform_of_variance_one() -> None:
    noise = UniformNoise()(numbers(4, 20_000))
    assert kstest(noise.numpy(), "uniform", args=(-math.sqrt(3), 2 * math.sqrt(3))).pvalue > 1e-3
    g, _ = build("dense2014", FACES, width=4)
    assert isinstance(g, Dense2014Generator) and isinstance(g.noise, nn.Identity)


def test_output_biases_start_from_the_mean_image() -> None:
    g, _ = build("dense2014", Spec("image", (1, 5, 6)), width=4)
    assert isinstance(g, Dense2014Generator)
    x = numbers(5, 50, 1, 5, 6).tanh()
    x[:, 0, 0, 0] = -1.0  # a pixel that is always black
    g.start_from_records(x)
    with torch.no_grad():
        last = g.layers[-1]
        assert isinstance(last, nn.Linear)
        last.weight.zero_()
        made = g(numbers(6, 2, 100), torch.zeros(2, 0), None)
    assert torch.allclose(made, x.mean(0).expand(2, -1, -1, -1), atol=1e-5)


def test_the_discriminator_for_digits_sees_black_as_zero_as_dropout_does() -> None:
    _, d = build("dense2014", Spec("image", (1, 1, 2)), width=5, depth=1)
    with torch.no_grad():
        for p in d.parameters():
            p.fill_(0.0)
        d.layers[0].linear.weight.fill_(1.0)  # type: ignore[index, union-attr]
        d.head.weight.fill_(1.0)  # type: ignore[union-attr, operator]
    assert d(torch.tensor([[[[-1.0, 0.5]]]]), None).item() == 0.75
    # the second pixel dropped, the first kept and scaled by 1.25, the hidden unit by 2
    u = torch.tensor([[0.1, 0.9, 0.1]])
    assert d(torch.tensor([[[[1.0, 0.5]]]]), None, u).item() == 2.5


def test_the_convolutional_pair_of_2014_has_the_sizes_of_the_papers_file() -> None:
    g, d = unallocated("conv2014", PHOTOGRAPHS)
    assert isinstance(g, Conv2014Generator) and isinstance(d, Conv2014Discriminator)
    assert g.start == (80, 10, 10)
    shapes = [tuple(p.shape) for p in g.parameters() if p.dim() > 1]
    assert sorted(shapes) == sorted([(8000, 100), (8000, 8000), (80, 3, 5, 5), (3, 32, 32)])
    assert matrices(d) == [(64, 3, 8, 8), (64, 32, 8, 8), (384, 32, 5, 5), (2500, 4800), (1, 500)]
    assert d.num_uniforms == 3 * 32 * 32 + 32 * 16 * 16 + 32 * 7 * 7 + 192 * 5 * 5 + 500


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(8, 40), st.integers(8, 40))
def test_the_convolutional_pair_of_2014_fits_any_shape(channels: int, height: int, width: int) -> None:
    g, d = build("conv2014", Spec("image", (channels, height, width)), width=100, num_latents=3)
    assert isinstance(g, Conv2014Generator)
    x = g(numbers(7, 2, 3), torch.zeros(2, 0), None)
    assert x.shape == (2, channels, height, width)
    _, rows, columns = g.start
    assert 3 * (rows - 1) + 5 - height in (0, 1, 2) and 3 * (columns - 1) + 5 - width in (0, 1, 2)
    # every uniform number is used: the last of them drops the last hidden unit
    u = torch.zeros(2, d.num_uniforms)
    assert d(x, None, u).shape == (2,)


def test_a_maxout_convolution_is_a_loop_over_pieces_and_windows() -> None:
    layer = _MaxoutConvolution(2, 3, 3, 1, 4, 2)
    with torch.no_grad():
        for i, p in enumerate(layer.parameters()):
            p.copy_(numbers(i, *p.shape))
    x = numbers(8, 1, 2, 7, 7)
    conv = layer.convolution
    z = F.conv2d(x, conv.weight, conv.bias, padding=1)[0]  # [6, 7, 7]
    found = layer(x)[0]
    assert found.shape == (3, 3, 3)  # ceil((7 - 4) / 2) + 1
    for channel, i, j in itertools.product(range(3), repeat=3):
        window = z[2 * channel : 2 * channel + 2, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4]
        assert found[channel, i, j] == window.max()


def test_dropout_that_keeps_all_scales_and_that_drops_all_leaves_the_condition() -> None:
    _, d = build("conv2014", Spec("image", (1, 8, 8)), CONDITION, width=800)
    x = numbers(9, 1, 1, 8, 8)
    c = torch.eye(4)
    drop = torch.full((4, d.num_uniforms), 0.99)
    drop[:, -50:] = 0.0  # the 50 units of the dense layer are kept
    nothing = d(x.expand(4, -1, -1, -1), c, drop)
    assert torch.equal(nothing, d(numbers(10, 1, 1, 8, 8).expand(4, -1, -1, -1), c, drop))
    assert len(set(nothing.tolist())) == 4
    # with biases at zero everything is homogeneous: 1.25 for the image, 2 for each of the four later layers
    kept = d(x, torch.zeros(1, 4), torch.zeros(1, d.num_uniforms))
    assert kept.item() == pytest.approx(1.25 * 2**4 * d(x, torch.zeros(1, 4)).item(), rel=1e-4)


def test_what_the_convolutional_pair_cannot_make_is_refused_with_a_way_out() -> None:
    with pytest.raises(OptionError, match="8 x 8 pixels at least, these are 30 x 7"):
        build("conv2014", Spec("image", (1, 7, 30)))
    with pytest.raises(OptionError, match="--depth"):
        build("conv2014", DIGITS, depth=3, width=8)


def test_the_schedules_are_those_of_the_papers_files() -> None:
    recipes = [
        NETWORKS[name].recipe(Task(spec, 1000))
        for name, spec in (
            ("dense2014", DIGITS), ("dense2014", PHOTOGRAPHS), ("conv2014", PHOTOGRAPHS), ("dense2014", FACES),
        )
    ]  # fmt: skip
    found = [(r["learning_rate"] * r["generator_rate"], r["batch"], r["max_column_norm"]) for r in recipes]
    assert found == [(0.1, 100, None), (0.025, 100, None), (0.004, 128, None), (0.05, 100, 1.9365)]
    for recipe in recipes:
        # the code halves D's loss
        assert recipe["generator_rate"] == 2
        assert (recipe["momentum"], recipe["final_momentum"], recipe["momentum_samples"]) == (0.5, 0.7, 250 * 1000)
        assert (recipe["rate_decay"], recipe["least_rate"]) == (1.000004, 1e-6)
        assert (recipe["loss"], recipe["penalty"], recipe["at_once"]) == ("nonsaturating", "none", True)


# --- DCGAN -----------------------------------------------------------------------------------------------------------


def test_dcgan_of_width_128_has_the_channels_of_the_paper() -> None:
    g, d = unallocated("dcgan", Spec("image", (3, 64, 64)), width=128)
    assert isinstance(g, DCGANGenerator) and isinstance(d, DCGANDiscriminator)
    assert g.start == (1024, 4, 4)
    ups = [m for m in g.modules() if isinstance(m, nn.ConvTranspose2d)]
    downs = [m for m in d.modules() if isinstance(m, nn.Conv2d)]
    assert [m.out_channels for m in ups] == [512, 256, 128, 3]
    assert [m.out_channels for m in downs] == [128, 256, 512, 1024]
    assert {m.kernel_size for m in [*ups, *downs]} == {(5, 5)} and {m.stride for m in [*ups, *downs]} == {(2, 2)}
    assert d.head.in_features == 1024 * 4 * 4


def test_dcgan_starts_small_and_its_images_are_bounded() -> None:
    g, d = build("dcgan", Spec("image", (3, 32, 32)), width=16)
    for m in [*g.modules(), *d.modules()]:
        if isinstance(m, nn.Conv2d | nn.ConvTranspose2d):
            assert float(m.weight.detach().std()) == pytest.approx(0.02, rel=0.1)
    x = g(100 * numbers(11, 4, 100), torch.zeros(4, 0), None)
    assert x.abs().max() <= 1


def test_dcgan_normalises_by_its_batch_in_training_and_by_running_statistics_after_it() -> None:
    g, d = build("dcgan", DIGITS, width=4, num_latents=6)
    z = numbers(12, 16, 6)
    none = torch.zeros(16, 0)
    assert not torch.allclose(g(z, none, None)[:8], g(z[:8], none[:8], None), atol=1e-6)
    game = Game(g, d, GameConfig(total_samples=1000, batch=8))
    game.play_step(Batches(numbers(13, 32, 1, 28, 28)))
    for (name, mine), its in zip(game.average.named_buffers(), g.buffers(), strict=True):
        assert torch.equal(mine, its), name
    assert not game.average.training
    with torch.no_grad():
        whole, part = game.average(z, none, None), game.average(z[:8], none[:8], None)
    assert torch.allclose(whole[:8], part, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 3, 5), (2, 9, 40)], ids=str)
def test_dcgan_and_the_residual_pair_make_images_of_few_pixels_and_long_ones(shape: tuple[int, ...]) -> None:
    for name in ("dcgan", "residual"):
        g, d = build(name, Spec("image", shape), width=4, num_latents=3)
        x = g(numbers(14, 2, 3), torch.zeros(2, 0), None)
        assert x.shape == (2, *shape) and d(x, None).shape == (2,)
