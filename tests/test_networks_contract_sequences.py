"""What holds for every pair of networks that takes sequences of numbers and choices."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gankit.errors import OptionError
from gankit.model.files import read_safetensors, write_safetensors
from gankit.networks import NETWORKS, build
from gankit.networks.base import Discriminator, Generator
from gankit.networks.blocks import collapse, expand
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.losses import exact_squares
from gankit.training.plan import GameConfig

STEP = (Block("continuous", 2), Block("categorical", 3), Block("continuous", 1), Block("categorical", 2))
CONDITION = Spec("vector", (4,), (Block("categorical", 4),))
LENGTHS = [1, 3, 24, 37]
OTHERS = {"sequential", "symbols", "conv2014", "dcgan", "projected", "strided", "stylegan2", "wave"}
"""Networks of other forms, or of sequences of one choice a step alone."""

OWN_SLOPE = {"principal"}
"""Networks that are penalised by another slope than that by the record; their own tests hold them to it."""

SEQUENCES = [name for name in NETWORKS if name not in OTHERS]


def spec_of(length: int) -> Spec:
    return Spec("sequence", (length, 8), STEP)


def pair(
    name: str, length: int, condition: Spec | None = None, moved: float = 0.0, seed: int = 0
) -> tuple[Generator, Discriminator]:
    """A tiny pair, its weights `moved` away from those that start at zero."""
    networks = build(name, spec_of(length), condition, width=8, depth=1, num_latents=5, seed=seed)
    draws = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for p in [*networks[0].parameters(), *networks[1].parameters()]:
            p.add_(moved * torch.randn(p.shape, generator=draws))
    return networks


def inputs(rows: int, generator: Generator) -> tuple[Tensor, Tensor, Tensor | None]:
    draws = torch.Generator().manual_seed(1)
    c = None if generator.condition is None else torch.eye(4)[torch.randint(4, (rows,), generator=draws)]
    return torch.randn(rows, 5, generator=draws), torch.rand(rows, generator.num_uniforms, generator=draws), c


def sequences(rows: int, length: int, seed: int = 4) -> Tensor:
    draws = torch.Generator().manual_seed(seed)
    codes = torch.cat([torch.randn(rows, length, 4, generator=draws), torch.zeros(rows, length, 1)], 2)
    codes[:, :, 2] = torch.randint(3, (rows, length), generator=draws)
    codes[:, :, 4] = torch.randint(2, (rows, length), generator=draws)
    return expand(spec_of(length), codes)


@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("name", SEQUENCES)
def test_fakes_have_the_shape_and_at_every_step_the_blocks_of_the_spec_and_every_weight_learns(
    name: str, length: int, condition: Spec | None
) -> None:
    generator, discriminator = pair(name, length, condition, moved=0.05)
    z, u, c = inputs(32, generator)
    x = generator(z, u, c)
    assert x.shape == (32, length, 8) and x.dtype == torch.float32 and x.isfinite().all()
    for offset, block in zip(spec_of(length).offsets, STEP, strict=False):
        part = x[:, :, offset : offset + block.size]
        if block.type != "continuous":
            assert set(part.unique().tolist()) == {0.0, 1.0} and torch.equal(part.sum(2), torch.ones(32, length))
    logits = discriminator(x, c)
    assert logits.shape == (32,) and logits.dtype == torch.float32
    (logits * torch.linspace(-1, 2, 32)).sum().backward()
    for parameter_name, p in [*generator.named_parameters(), *discriminator.named_parameters()]:
        assert p.grad is not None and p.grad.isfinite().all() and p.grad.abs().sum() > 0, parameter_name
    assert (generator.spec, generator.condition, generator.num_latents) == (spec_of(length), condition, 5)
    assert (discriminator.spec, discriminator.condition) == (spec_of(length), condition)


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_hangs_on_its_own_noise_and_condition_alone(name: str) -> None:
    generator, discriminator = pair(name, 24, CONDITION, moved=0.05)
    generator.eval()
    z, u, c = inputs(6, generator)
    assert c is not None
    with torch.no_grad():
        x = generator(z, u, c)
        assert torch.equal(x, generator(z, u, c))
        alone = torch.cat([generator(z[i : i + 1], u[i : i + 1], c[i : i + 1]) for i in range(6)])
        assert torch.allclose(x, alone, atol=1e-5)
        assert (x - generator(z.flip(0), u, c)).abs().amax((1, 2)).min() > 1e-4
        assert (x - generator(z, u, c.roll(1, 1))).abs().amax((1, 2)).min() > 1e-4
        assert not torch.equal(discriminator(x, c), discriminator(x, c.roll(1, 1)))
        logits = torch.cat([discriminator(x[i : i + 1], c[i : i + 1]) for i in range(6)])
        assert torch.allclose(discriminator(x, c), logits, atol=1e-5)


@pytest.mark.parametrize("length", [3, 24, 37])
@pytest.mark.parametrize("name", [name for name in SEQUENCES if name not in OWN_SLOPE])
def test_the_exact_penalty_of_sequences_is_the_slope_and_reaches_the_weights(name: str, length: int) -> None:
    _, discriminator = pair(name, length, CONDITION, moved=0.05)
    x, c = sequences(4, length), torch.eye(4)
    logits, squares = exact_squares(discriminator, x, c, None)
    assert torch.allclose(logits, discriminator(x, c), atol=1e-4)
    moved = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(moved, c).sum(), moved)
    assert torch.allclose(squares, slope.flatten(1).square().sum(1), rtol=1e-3)
    found = torch.autograd.grad(squares.sum(), list(discriminator.parameters()), allow_unused=True)
    assert any(g is not None and g.abs().sum() > 0 for g in found)


@pytest.mark.parametrize("name", SEQUENCES)
def test_sequence_networks_go_through_a_file_and_back(name: str, tmp_path: Path) -> None:
    first, second = pair(name, 24, CONDITION, moved=0.05), pair(name, 24, CONDITION, seed=1)
    for its, mine in zip(first, second, strict=True):
        write_safetensors(tmp_path / "state.safetensors", its.state_dict(), {})
        mine.load_state_dict(read_safetensors(tmp_path / "state.safetensors")[0])
    z, u, c = inputs(3, first[0])
    x, again = (networks[0].eval()(z, u, c) for networks in (first, second))
    assert torch.equal(x, again) and torch.equal(first[1](x, c), second[1](x, c))


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_step_of_the_game_moves_both_networks_of_sequences(name: str) -> None:
    generator, discriminator = pair(name, 24, CONDITION)
    before = [p.detach().clone() for p in [*generator.parameters(), *discriminator.parameters()]]
    game = Game(generator, discriminator, GameConfig(total_samples=1000, batch=8))
    train = Batches(sequences(16, 24), torch.eye(4).repeat(4, 1))
    for _ in range(3):
        game.play_step(train)
    after = [*generator.parameters(), *discriminator.parameters()]
    assert all(p.isfinite().all() for p in after)
    shares = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
    assert sum(shares) > 0.8 * len(shares)


@pytest.mark.parametrize("name", SEQUENCES)
def test_initial_weights_of_sequence_networks_follow_the_seed(name: str) -> None:
    first, again, other = (pair(name, 24, None, seed=seed) for seed in (3, 3, 4))
    for a, b, o in zip(first, again, other, strict=True):
        assert all(torch.equal(p, q) for p, q in zip(a.parameters(), b.parameters(), strict=True))
        assert any(not torch.equal(p, q) for p, q in zip(a.parameters(), o.parameters(), strict=True))


@pytest.mark.parametrize("name", [n for n in NETWORKS if n in {"sequential", "strided", "stylegan2"}])
def test_networks_of_other_forms_refuse_sequences(name: str) -> None:
    with pytest.raises((OptionError, AssertionError)):
        build(name, spec_of(24), None, num_latents=5)


# --- compact sequences -----------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    blocks=st.lists(st.tuples(st.booleans(), st.integers(1, 5)), min_size=1, max_size=5),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 7)),
    seed=st.integers(0, 1000),
)
def test_compact_sequences_expand_and_collapse(
    blocks: list[tuple[bool, int]], shape: tuple[int, int], seed: int
) -> None:
    rows, length = shape
    kinds = tuple(Block("continuous" if numbers else "categorical", size) for numbers, size in blocks)
    spec = Spec("sequence", (length, sum(size for _, size in blocks)), kinds)
    draws = torch.Generator().manual_seed(seed)
    parts = [
        torch.randn(rows, length, size, generator=draws)
        if numbers
        else torch.randint(size, (rows, length, 1), generator=draws)
        for numbers, size in blocks
    ]
    all_codes = not any(numbers for numbers, _ in blocks)
    compact = torch.cat(parts, 2).to(torch.int32 if all_codes else torch.float32)
    assert compact[0].numel() == spec.compact_dim
    x = expand(spec, compact)
    assert x.shape == (rows, *spec.shape) and x.dtype == torch.float32
    for offset, (numbers, size), part in zip(spec.offsets, blocks, parts, strict=False):
        its = x[:, :, offset : offset + size]
        wanted = part if numbers else torch.nn.functional.one_hot(part.squeeze(2).long(), size).float()
        assert torch.equal(its, wanted)
    back = collapse(spec, x, torch.rand(rows, len(blocks)))
    assert torch.equal(back, compact) and back.dtype == compact.dtype


def test_a_sequence_is_flat_step_after_step() -> None:
    flat = spec_of(3).flat
    assert (flat.form, flat.shape, flat.blocks) == ("vector", (24,), STEP * 3)
    assert flat.compact_dim == spec_of(3).compact_dim == 3 * 5
    image = Spec("image", (1, 4, 4))
    assert image.flat == image
