"""What holds for every pair of networks, and the mathematics of their parts."""

from __future__ import annotations

import math
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare
from torch import Tensor

from gankit.errors import OptionError
from gankit.features.base import multiplies_bfloat16
from gankit.model.files import read_safetensors, write_safetensors
from gankit.networks import NETWORKS, build
from gankit.networks.backbones import LIBRARY
from gankit.networks.base import Discriminator, Generator
from gankit.networks.blocks import BlockOutput
from gankit.networks.vectors.dense2014 import Maxout
from gankit.networks.vectors.residual import ResidualDiscriminator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.losses import LOSSES, PENALTIES, PenaltyDraws, discriminator_turn, exact_squares
from gankit.training.plan import GameConfig

MIXED = Spec(
    "vector", (13,), (Block("categorical", 3), Block("continuous", 2), Block("binned", 7), Block("continuous", 1))
)
CHOICES = Spec("vector", (16,), (Block("categorical", 3), Block("binned", 11, 11), Block("categorical", 2)))
CONDITION = Spec("vector", (4,), (Block("categorical", 4),))
SMALL = {"width": 16, "depth": 2, "num_latents": 5}
IMAGES_ONLY = {"conv2014", "dcgan", "projected", "strided", "stylegan2"}
SEQUENCES_ONLY = {"attention", "principal", "recurrent", "symbols", "temporal", "wave"}
FREE = [name for name in NETWORKS if name not in {"sequential", *IMAGES_ONLY, *SEQUENCES_ONLY}]
PLACES = [*((name, MIXED) for name in FREE), ("residual", CHOICES)]
free = pytest.mark.parametrize(("name", "spec"), PLACES, ids=[*FREE, "residual choices"])


def stirred(name: str, spec: Spec, condition: Spec | None) -> tuple[Generator, Discriminator]:
    """A small pair, its weights moved away from those that start at zero."""
    pair = build(name, spec, condition, **SMALL)
    draws = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in [*pair[0].parameters(), *pair[1].parameters()]:
            p.add_(0.1 * torch.randn(p.shape, generator=draws))
    return pair


def inputs(rows: int, num_uniforms: int, condition: Spec | None) -> tuple[Tensor, Tensor, Tensor | None]:
    draws = torch.Generator().manual_seed(1)
    c = None if condition is None else torch.eye(4)[torch.randint(4, (rows,), generator=draws)]
    return torch.randn(rows, 5, generator=draws), torch.rand(rows, num_uniforms, generator=draws), c


@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
@free
def test_fakes_have_the_shape_and_the_blocks_of_the_spec(name: str, spec: Spec, condition: Spec | None) -> None:
    generator, discriminator = build(name, spec, condition, **SMALL)
    z, u, c = inputs(11, generator.num_uniforms, condition)
    fake = generator(z, u, c)
    assert fake.shape == (11, *spec.shape) and fake.dtype == torch.float32
    for offset, block in zip(spec.offsets, spec.blocks, strict=False):
        part = fake[:, offset : offset + block.size]
        if block.type != "continuous":
            assert set(part.unique().tolist()) == {0.0, 1.0} and torch.equal(part.sum(1), torch.ones(11))
    logits = discriminator(fake, c)
    assert logits.shape == (11,)
    assert (generator.spec, generator.condition, generator.num_latents) == (spec, condition, 5)
    assert (discriminator.spec, discriminator.condition) == (spec, condition)


@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
@free
def test_every_weight_learns(name: str, spec: Spec, condition: Spec | None) -> None:
    generator, discriminator = stirred(name, spec, condition)
    z, u, c = inputs(64, generator.num_uniforms, condition)
    discriminator(generator(z, u, c), c).sum().backward()
    for p in [*generator.parameters(), *discriminator.parameters()]:
        assert p.grad is not None and p.grad.abs().sum() > 0


@free
def test_the_condition_reaches_generator_and_discriminator(name: str, spec: Spec) -> None:
    generator, discriminator = stirred(name, spec, CONDITION)
    z, u, c = inputs(64, generator.num_uniforms, CONDITION)
    assert c is not None
    other = c.roll(1, 1)
    fake = generator(z, u, c)
    assert not torch.equal(fake, generator(z, u, other))
    assert not torch.equal(discriminator(fake, c), discriminator(fake, other))


@free
def test_a_record_is_judged_by_itself_whatever_its_batch(name: str, spec: Spec) -> None:
    generator, discriminator = build(name, spec, None, **SMALL)
    z, u, _ = inputs(6, generator.num_uniforms, None)
    x = generator(z, u, None)
    alone = torch.cat([discriminator(x[i : i + 1], None) for i in range(6)])
    assert torch.allclose(discriminator(x, None), alone, atol=1e-6)


@free
def test_initial_weights_follow_the_seed_and_leave_the_global_state_alone(name: str, spec: Spec) -> None:
    before = torch.random.get_rng_state()
    first, again, other = (build(name, spec, None, **SMALL, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(torch.random.get_rng_state(), before)
    for a, b in zip(first, again, strict=True):
        assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
    assert any(not torch.equal(p, q) for p, q in zip(first[0].parameters(), other[0].parameters(), strict=True))


# --- images --------------------------------------------------------------------------------------------------------

SHAPES = [(1, 28, 28), (3, 32, 32), (1, 20, 28), (4, 16, 16)]
UNSEEN = () if find_spec(LIBRARY) else ("projected",)  # without the extra `pretrained`
IMAGES = [name for name in NETWORKS if name not in {"sequential", *SEQUENCES_ONLY, *UNSEEN}]
TINY: dict[str, dict[str, int]] = {"conv2014": {"width": 400}, "dense2014": {"width": 20}}
"""Widths at which a step takes milliseconds; 8 for the others."""

JUDGED_TOGETHER = {"stylegan2"}
"""A record's logit hangs on its neighbours (minibatch standard deviation)."""

NOISE_BY_BATCH = {"stylegan2"}
"""The noise inputs of a batch are drawn together, from its first u."""


def image_pair(
    name: str, shape: tuple[int, ...], condition: Spec | None = None, moved: float = 0.0
) -> tuple[Generator, Discriminator]:
    """A tiny pair for images of `shape`, its weights `moved` away from those that start at zero."""
    pair = build(name, Spec("image", shape), condition, **{"width": 8, "num_latents": 5} | TINY.get(name, {}))
    draws = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for p in [*pair[0].parameters(), *pair[1].parameters()]:
            p.add_(moved * torch.randn(p.shape, generator=draws))
    return pair


def images(rows: int, shape: tuple[int, ...], seed: int = 4) -> Tensor:
    return torch.rand(rows, *shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("name", IMAGES)
def test_images_have_the_shape_of_the_spec_and_every_weight_learns(
    name: str, shape: tuple[int, ...], condition: Spec | None
) -> None:
    if reason := NETWORKS[name].refusal(Spec("image", shape)):
        pytest.skip(reason)
    generator, discriminator = image_pair(name, shape, condition, moved=0.05)
    z, u, c = inputs(12, generator.num_uniforms, condition)
    x = generator(z, u, c)
    assert x.shape == (12, *shape) and x.dtype == torch.float32 and x.isfinite().all()
    dropout = torch.rand(12, discriminator.num_uniforms, generator=torch.Generator().manual_seed(5))
    logits = discriminator(x, c, dropout if discriminator.num_uniforms else None)
    assert logits.shape == (12,) and logits.dtype == torch.float32
    (logits * torch.linspace(-1, 2, 12)).sum().backward()
    for parameter_name, p in [*generator.named_parameters(), *discriminator.named_parameters()]:
        assert p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0, parameter_name


@pytest.mark.parametrize("name", IMAGES)
def test_a_image_hangs_on_its_own_noise_and_condition_alone(name: str) -> None:
    generator, discriminator = image_pair(name, (1, 20, 28), CONDITION, moved=0.05)
    generator.eval()
    z, u, c = inputs(5, generator.num_uniforms, CONDITION)
    assert c is not None
    with torch.no_grad():
        x = generator(z, u, c)
        assert torch.equal(x, generator(z, u, c))
        if name not in NOISE_BY_BATCH:
            alone = torch.cat([generator(z[i : i + 1], u[i : i + 1], c[i : i + 1]) for i in range(5)])
            assert torch.allclose(x, alone, atol=1e-5)
        assert (x - generator(z.flip(0), u, c)).abs().amax((1, 2, 3))[:2].min() > 1e-4
        assert (x - generator(z, u, c.roll(1, 1))).abs().amax((1, 2, 3)).min() > 1e-4
        assert not torch.equal(discriminator(x, c), discriminator(x, c.roll(1, 1)))
        if name not in JUDGED_TOGETHER:
            logits = torch.cat([discriminator(x[i : i + 1], c[i : i + 1]) for i in range(5)])
            assert torch.allclose(discriminator(x, c), logits, atol=1e-4)


@pytest.mark.parametrize("name", IMAGES)
def test_the_exact_penalty_of_images_is_the_slope_and_reaches_the_weights(name: str) -> None:
    _, discriminator = image_pair(name, (3, 16, 20), CONDITION, moved=0.05)
    x = images(4, (3, 16, 20))
    c = torch.eye(4)
    logits, squares = exact_squares(discriminator, x, c, None)
    assert torch.allclose(logits, discriminator(x, c), atol=1e-4)
    moved = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(moved, c).sum(), moved)
    assert torch.allclose(squares, slope.flatten(1).square().sum(1), rtol=1e-3)
    gradients = torch.autograd.grad(squares.sum(), list(discriminator.parameters()), allow_unused=True)
    found = [g for g in gradients if g is not None]
    assert found and all(g.isfinite().all() for g in found) and any(g.abs().sum() > 0 for g in found)


@pytest.mark.parametrize("name", IMAGES)
def test_image_networks_go_through_a_file_and_back(name: str, tmp_path: Path) -> None:
    first = image_pair(name, (3, 16, 16), CONDITION, moved=0.05)
    second = image_pair(name, (3, 16, 16), CONDITION)
    for its, mine in zip(first, second, strict=True):
        write_safetensors(tmp_path / "state.safetensors", its.state_dict(), {})
        mine.load_state_dict(read_safetensors(tmp_path / "state.safetensors")[0])
        assert all(
            torch.equal(a, b) for a, b in zip(its.state_dict().values(), mine.state_dict().values(), strict=True)
        )
    z, u, c = inputs(3, first[0].num_uniforms, CONDITION)
    x, again = (pair[0].eval()(z, u, c) for pair in (first, second))
    assert torch.equal(x, again) and torch.equal(first[1](x, c), second[1](x, c))


@pytest.mark.parametrize("multiply_in", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("name", IMAGES)
def test_a_step_of_the_game_moves_both_image_networks(name: str, multiply_in: torch.dtype) -> None:
    if name == "projected" and multiply_in == torch.bfloat16 and not multiplies_bfloat16():
        pytest.skip("its backbone takes half a minute where the processor has no bfloat16")
    generator, discriminator = image_pair(name, (1, 20, 28), CONDITION)
    generator.multiply_in = discriminator.multiply_in = multiply_in  # type: ignore[assignment]  # not part of the state
    before = [p.detach().clone() for p in [*generator.parameters(), *discriminator.parameters()]]
    game = Game(generator, discriminator, GameConfig(total_samples=1000, batch=4))
    train = Batches(images(16, (1, 20, 28)), torch.eye(4).repeat(4, 1))
    for _ in range(1 if name == "projected" else 3):
        game.play_step(train)
    after = [*generator.parameters(), *discriminator.parameters()]
    assert all(p.isfinite().all() and p.dtype == torch.float32 for p in after)
    shares = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert sum(shares) > 0.8 * len(shares)


@pytest.mark.parametrize("name", IMAGES)
def test_mixed_precision_gives_nearly_the_same_images_and_logits(name: str) -> None:
    generator, discriminator = image_pair(name, (3, 16, 16), CONDITION, moved=0.02)
    z, u, c = inputs(8, generator.num_uniforms, CONDITION)
    x, logits = [], []
    for multiply_in in (torch.float32, torch.bfloat16):
        generator.multiply_in = discriminator.multiply_in = multiply_in  # type: ignore[assignment]
        with torch.no_grad():
            x.append(generator(z, u, c))
            logits.append(discriminator(x[0], c))
    assert x[1].dtype == logits[1].dtype == torch.float32
    assert not torch.equal(*x) and not torch.equal(*logits)
    assert (x[0] - x[1]).norm() < 0.05 * x[0].norm()
    assert (logits[0] - logits[1]).norm() < 0.05 * logits[0].norm() + 0.01


@pytest.mark.parametrize("name", [n for n in NETWORKS if n in IMAGES_ONLY | SEQUENCES_ONLY])
def test_networks_of_other_forms_refuse_vectors_by_name(name: str) -> None:
    with pytest.raises(OptionError, match=name):
        build(name, MIXED, None, **SMALL)


# --- one-of-K blocks -------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(
    blocks=st.lists(
        st.tuples(st.sampled_from(["continuous", "categorical", "binned"]), st.integers(1, 9)), min_size=1, max_size=8
    ),
    seed=st.integers(0, 1000),
)
def test_choices_are_those_of_a_loop_over_the_blocks(blocks: list[tuple[str, int]], seed: int) -> None:
    spec = Spec("vector", (sum(n for _, n in blocks),), tuple(Block(kind, n) for kind, n in blocks))  # type: ignore[arg-type]
    output = BlockOutput(spec, temperature=0.7)
    draws = torch.Generator().manual_seed(seed)
    raw = torch.randn(5, spec.dim, generator=draws, dtype=torch.float64).float().requires_grad_()
    u = torch.rand(5, output.num_uniforms, generator=draws)
    upstream = torch.randn(5, spec.dim, generator=draws)
    x = output(raw, u)
    (found,) = torch.autograd.grad(x, raw, upstream)

    wanted_x, wanted_gradient, used = [], [], 0
    for offset, block in zip(spec.offsets, spec.blocks, strict=False):
        part = raw.detach()[:, offset : offset + block.size].clone().requires_grad_()
        g = upstream[:, offset : offset + block.size]
        if block.type == "continuous":
            wanted_x.append(part.detach())
            wanted_gradient.append(g)
            continue
        noise = -torch.log(-torch.log(u[:, used : used + block.size]))
        used += block.size
        wanted_x.append(F.one_hot((part + noise).argmax(1), block.size).float())
        wanted_gradient += torch.autograd.grad(((part + noise) / 0.7).softmax(1), part, g)
    assert used == output.num_uniforms
    assert torch.equal(x, torch.cat(wanted_x, 1))
    assert torch.allclose(found, torch.cat(wanted_gradient, 1), atol=1e-5)


def test_choices_follow_the_softmax_of_the_logits() -> None:
    spec = Spec("vector", (4,), (Block("categorical", 4),))
    shares = torch.tensor([0.5, 0.3, 0.15, 0.05])
    n = 40_000
    u = torch.rand(n, 4, generator=torch.Generator().manual_seed(5))
    counts = BlockOutput(spec, 0.5)(shares.log().expand(n, 4), u).sum(0)
    assert chisquare(counts.numpy(), n * shares.double().numpy() / shares.double().sum().item()).pvalue > 1e-3


def test_the_ends_of_the_uniform_range_choose_without_infinities() -> None:
    spec = Spec("vector", (3,), (Block("categorical", 3),))
    raw = torch.zeros(2, 3, requires_grad=True)
    u = torch.tensor([[0.0, 0.5, 0.5], [1 - 2.0**-24, 0.5, 0.5]])
    x = BlockOutput(spec, 0.5)(raw, u)
    assert torch.equal(x.sum(1), torch.ones(2)) and x[1, 0] == 1
    (gradient,) = torch.autograd.grad(x, raw, torch.eye(3)[:2])
    assert gradient.isfinite().all()


def test_equal_logits_and_equal_noise_still_choose_one() -> None:
    spec = Spec("vector", (5,), (Block("categorical", 3), Block("categorical", 2)))
    x = BlockOutput(spec, 0.5)(torch.zeros(1, 5), torch.full((1, 5), 0.5))
    assert x[:, :3].sum() == 1 and x[:, 3:].sum() == 1


# --- the residual pair -----------------------------------------------------------------------------------------------


class Plain(Discriminator):
    """The same D without its own input gradient: autograd differentiates it twice."""

    def __init__(self, inner: ResidualDiscriminator) -> None:
        super().__init__()
        self.spec, self.condition, self.inner = inner.spec, inner.condition, inner

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        logits: Tensor = self.inner(x, c, u)
        return logits


@pytest.mark.parametrize("penalty", [p for p in PENALTIES if p != "none"])
@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
@pytest.mark.parametrize("depth", [1, 3])
def test_the_input_gradient_of_the_residual_discriminator_is_autograds(
    depth: int, condition: Spec | None, penalty: str
) -> None:
    _, d = build("residual", MIXED, condition, width=24, depth=depth, num_latents=5)
    assert isinstance(d, ResidualDiscriminator)
    d = d.double()
    draws = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in d.parameters():
            p.add_(0.3 * torch.randn(p.shape, generator=draws, dtype=torch.float64))
    real, fake = (torch.randn(9, 13, generator=draws, dtype=torch.float64) for _ in range(2))
    c = None if condition is None else torch.eye(4, dtype=torch.float64)[torch.randint(4, (9,), generator=draws)]
    between = torch.rand(9, 1, generator=draws, dtype=torch.float64)
    results = []
    for network in (d, Plain(d)):
        played = discriminator_turn(
            network, LOSSES["relativistic"], PENALTIES[penalty], "exact", real, fake, c, None, PenaltyDraws(between)
        )  # fmt: skip
        total = played.loss + 1.7 * played.penalty
        results.append((total, played.penalty, torch.autograd.grad(total, list(d.parameters()), allow_unused=True)))
    (mine, my_penalty, my_gradients), (its, its_penalty, its_gradients) = results
    assert torch.allclose(mine, its, rtol=1e-12) and torch.allclose(my_penalty, its_penalty, rtol=1e-12)
    for a, b in zip(my_gradients, its_gradients, strict=True):
        # what autograd leaves out has no influence
        assert torch.allclose(
            torch.zeros_like(b) if a is None else a, torch.zeros_like(a) if b is None else b, atol=1e-12
        )


def test_residual_blocks_start_as_the_identity() -> None:
    generator, discriminator = build("residual", MIXED, None, **SMALL)
    for network in (generator, discriminator):
        h = torch.randn(3, 16, generator=torch.Generator().manual_seed(0))
        assert torch.equal(network.blocks(h), h)  # type: ignore[operator]


def test_a_generator_of_few_numbers_starts_with_few_latents_and_can_learn_the_others() -> None:
    pair = Spec("vector", (2,), (Block("continuous", 2),))
    generator, _ = build("residual", pair, width=16, depth=1, num_latents=100)
    z = torch.randn(4, 100, generator=torch.Generator().manual_seed(0), requires_grad=True)
    x = generator(z, torch.zeros(4, 0), None)
    (reach,) = torch.autograd.grad(x.sum(), z)
    assert reach[:, :4].any() and not reach[:, 4:].any()
    generator(z.detach(), torch.zeros(4, 0), None).sum().backward()
    first = next(generator.parameters())
    assert first.grad is not None and (first.grad.abs().sum(0) > 0).all()


def test_the_discriminator_has_no_normalisation_and_the_generator_has() -> None:
    generator, discriminator = build("residual", MIXED, None, **SMALL)
    assert any(isinstance(m, torch.nn.LayerNorm) for m in generator.modules())
    assert not any(isinstance(m, torch.nn.LayerNorm) for m in discriminator.modules())


# --- the pair of 2014 ------------------------------------------------------------------------------------------------


def test_the_pair_of_2014_has_the_sizes_of_the_paper() -> None:
    digits = Spec("image", (1, 28, 28))
    generator, discriminator = build("dense2014", digits, num_latents=100)
    assert [tuple(p.shape) for p in generator.parameters() if p.dim() == 2] == [(1200, 100), (1200, 1200), (784, 1200)]
    assert [tuple(p.shape) for p in discriminator.parameters() if p.dim() == 2] == [(1200, 784), (1200, 240), (1, 240)]
    assert discriminator.num_uniforms == 784 + 240 + 240
    x = generator(torch.randn(2, 100, generator=torch.Generator().manual_seed(0)), torch.zeros(2, 0), None)
    assert x.shape == (2, 1, 28, 28) and x.abs().max() <= 1
    reach = {0.05: generator, 0.005: discriminator}
    for limit, network in reach.items():
        largest = max(float(p.detach().abs().max()) for p in network.parameters())
        assert 0.99 * limit < largest <= limit


def test_maxout_is_the_largest_of_its_pieces() -> None:
    layer = Maxout(1, 2)
    with torch.no_grad():
        layer.linear.weight.copy_(torch.tensor([[1.0], [-1.0], [0.0], [0.0], [0.0], [2.0], [0.0], [0.0], [0.0], [3.0]]))
        layer.linear.bias.copy_(torch.tensor([0.0, 0.0, 0.5, 0.0, 0.0, 0.0, 0.0, 0.0, -9.0, 0.0]))
    x = torch.tensor([[2.0], [-2.0], [0.25]])
    # |x| or .5; max(2x, 3x, 0)
    assert layer(x).tolist() == [[2.0, 6.0], [2.0, 0.0], [0.5, 0.75]]


def test_dropout_keeps_eight_tenths_of_the_input_and_half_of_the_rest_scaled_up() -> None:
    _, discriminator = build("dense2014", Spec("vector", (2,), (Block("continuous", 2),)), None, width=5, depth=1)
    with torch.no_grad():
        for p in discriminator.parameters():
            p.fill_(0.0)
        discriminator.layers[0].linear.weight.fill_(1.0)  # type: ignore[index, union-attr, operator]
        discriminator.head.weight.fill_(1.0)  # type: ignore[union-attr, operator]
    x = torch.tensor([[1.0, 10.0]])
    # width 5 -> one maxout unit: u holds two draws for the input and one for the hidden unit
    assert discriminator.num_uniforms == 3
    assert discriminator(x, None).item() == 11.0
    assert discriminator(x, None, torch.tensor([[0.79, 0.79, 0.49]])).item() == pytest.approx(11 / 0.8 / 0.5)
    assert discriminator(x, None, torch.tensor([[0.79, 0.81, 0.49]])).item() == pytest.approx(1 / 0.8 / 0.5)
    assert discriminator(x, None, torch.tensor([[0.1, 0.1, 0.51]])).item() == 0.0


def test_sizes_are_obeyed() -> None:
    generator, discriminator = build("residual", MIXED, None, width=24, depth=5, num_latents=7)
    assert generator.num_latents == 7
    for network in (generator, discriminator):
        squares = [p for p in network.parameters() if tuple(p.shape) == (24, 24)]
        assert len(squares) == 2 * 5
    assert math.prod(next(generator.parameters()).shape) == 7 * 24
