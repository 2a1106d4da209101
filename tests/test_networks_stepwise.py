"""The recurrent pair and the pair of transformers: their parts against other ways to the same, and that they learn."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from gankit.errors import OptionError
from gankit.networks import build
from gankit.networks.sequences.stepwise import SLOPE, AttentionBlock, Recurrence, places
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.plan import GameConfig

PAIRS = ("recurrent", "attention")


def test_a_block_is_fused_attention_and_a_dense_layer_each_added_to_what_came() -> None:
    torch.manual_seed(0)
    block, h = AttentionBlock(32), torch.randn(3, 7, 32)
    q, k, v = (part.view(3, 7, 2, 16).transpose(1, 2) for part in block.compared(block.norms[0](h)).chunk(3, 2))
    seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(3, 7, 32)
    middle = h + block.looked_up(seen)
    expected = middle + block.narrowed(F.leaky_relu(block.widened(block.norms[1](middle)), SLOPE))
    assert block.num_heads == 2
    assert torch.allclose(block(h), expected, atol=1e-6)


def test_states_are_those_of_cells_step_by_step_and_only_both_ways_looks_ahead() -> None:
    torch.manual_seed(0)
    one_way, h = Recurrence(6, 1, both_ways=False), torch.randn(2, 5, 6)
    cell = torch.nn.GRUCell(6, 6)
    own = dict(one_way.units.named_parameters())
    cell.load_state_dict({name: own[f"{name}_l0"] for name in cell.state_dict()})
    state, states = one_way.start[0].expand(2, -1), []
    for t in range(5):
        state = cell(h[:, t], state)
        states.append(state)
    assert torch.allclose(one_way(h), one_way.merge(torch.stack(states, 1)), atol=1e-6)

    changed = h.clone()
    changed[:, -1] += 1
    assert torch.equal(one_way(h)[:, 0], one_way(changed)[:, 0])
    both = Recurrence(6, 1, both_ways=True)
    assert not torch.allclose(both(h)[:, 0], both(changed)[:, 0])


def test_places_are_sines_and_cosines_from_one_step_a_radian_to_the_length() -> None:
    found = places(10, 6)
    assert found.shape == (10, 6)
    assert torch.allclose(found[:, 0], torch.arange(10).sin()) and torch.allclose(found[:, 1], torch.arange(10).cos())
    assert math.isclose(float(found[9, 4]), math.sin(9 / 10 ** (4 / 6)), rel_tol=1e-5)
    assert places(1, 5).shape == (1, 5)


@pytest.mark.parametrize("name", PAIRS)
def test_vectors_are_refused_with_what_to_do(name: str) -> None:
    with pytest.raises(OptionError, match=rf"{name} makes series.*vector.*residual"):
        build(name, Spec("vector", (4,), (Block("continuous", 4),)))


@pytest.mark.parametrize("name", PAIRS)
def test_a_short_game_learns_slopes_of_the_asked_class(name: str) -> None:
    """Class 0 rises and class 1 falls, with a random height."""
    draws = torch.Generator().manual_seed(0)
    rows, length = 256, 6
    c = torch.eye(2)[torch.arange(rows) % 2]
    slope = torch.linspace(-1, 1, length)[None] * (1 - 2 * c[:, 1:])
    x = (slope + torch.randn(rows, 1, generator=draws)).unsqueeze(2)
    given = Spec("vector", (2,), (Block("categorical", 2),))
    pair = build(
        name, Spec("sequence", (length, 1), (Block("continuous", 1),)), given, width=16, depth=1, num_latents=8
    )
    game = Game(*pair, GameConfig(total_samples=250 * 16, batch=16, learning_rate=3e-3, first_weight=0.1))
    while not game.finished:
        game.play_step(Batches(x, c))
    fake = game.sample(game.average, 128, "test", c[:128])[:, :, 0]
    rise = fake[:, -2:].mean(1) - fake[:, :2].mean(1)
    assert ((rise > 0) == (c[:128, 0] > 0)).float().mean() > 0.95
    assert 0.5 < fake.mean(1).std() < 1.5
