"""The sequential generator: a transport of z, exact conditions, and conditionals that are the data's own."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gankit.networks import build
from gankit.networks.blocks import collapse, expand
from gankit.networks.vectors.sequential import NUM_CANDIDATES, SequentialGenerator, _inverse_cdf, _Part
from gankit.randomness import torch_generator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.loop import play
from gankit.training.plan import GameConfig

SIZES = (4, 6, 3)
SPEC = Spec("vector", (sum(SIZES),), tuple(Block("categorical", k) for k in SIZES))


def records(count: int = 4000) -> torch.Tensor:
    """A uniform on 4; b = a or a + 1 or, seldom, 5; c = a mod 3."""
    g = torch_generator(0, "records")
    a = torch.randint(0, 4, (count,), generator=g)
    b = torch.where(torch.rand(count, generator=g) < 0.1, 5, a + (torch.rand(count, generator=g) < 0.3).long())
    return torch.stack([a, b, a % 3], 1).float()


@pytest.fixture(scope="module")
def trained() -> SequentialGenerator:
    """A small generator that has learned `records` by likelihood and a short game."""
    x = records()
    generator, discriminator = build("sequential", SPEC, width=32, depth=2)
    assert isinstance(generator, SequentialGenerator)
    generator.start_from(x)
    generator.dropout = 0.0
    config = GameConfig(
        total_samples=160_000, warmup=0.9, warmup_batch=200, batch=100, generator_rate=0.03, likelihood_weight=0.1
    )
    game = Game(generator, discriminator, config)
    data = Batches(x, None, lambda rows: expand(SPEC, rows))
    for _ in play(game, data, data):
        pass
    average = game.average
    assert isinstance(average, SequentialGenerator)
    return average


def test_the_game_alone_teaches_the_joint_distribution() -> None:
    x = records()
    generator, discriminator = build("sequential", SPEC, width=32, depth=2)
    config = GameConfig(
        total_samples=120_000, loss="nonsaturating", penalty_weight=0.02, learning_rate=2e-3, generator_rate=0.5,
        batch=200, ema_half_life=4000,
    )  # fmt: skip
    game = Game(generator, discriminator, config)
    data = Batches(x, None, lambda rows: expand(SPEC, rows))
    for _ in play(game, data, data):
        pass
    assert isinstance(game.average, SequentialGenerator)
    distance = np.abs(joint(make(game.average)) - joint(records().numpy())).sum() / 2
    assert distance < 0.06, f"total variation {distance:.3f}"
    assert np.abs(joint(make(game.average)) - joint(x.numpy())).sum() < 0.2


def make(
    generator: SequentialGenerator, count: int = 6000, allowed: dict[int, torch.Tensor] | None = None
) -> np.ndarray:
    g = torch_generator(1, "make")
    z = torch.randn(count, generator.num_latents, generator=g)
    uniforms = torch.rand(count, NUM_CANDIDATES * len(allowed or {}) + 1, generator=g, dtype=torch.float64)
    made = generator.generate(z, allowed or {}, uniforms)
    return made.numpy()


def joint(codes: np.ndarray) -> np.ndarray:
    table = np.zeros(SIZES)
    np.add.at(table, tuple(codes.astype(int).T), 1)
    return table / table.sum()


def test_fakes_have_the_joint_distribution_of_the_records(trained: SequentialGenerator) -> None:
    distance = np.abs(joint(make(trained)) - joint(records().numpy())).sum() / 2
    assert distance < 0.05, f"total variation {distance:.3f}"


def test_positions_inside_cells_are_uniform(trained: SequentialGenerator) -> None:
    from scipy.stats import kstest

    made = make(trained)
    for t in range(3):
        assert kstest(made[:, t] % 1, "uniform").pvalue > 0.001


def test_any_block_can_be_given_and_the_others_follow_their_conditional(trained: SequentialGenerator) -> None:
    allowed = {2: torch.tensor([1.0, 0.0, 0.0])}  # c = 0, so that a is 0 or 3
    made = make(trained, allowed=allowed)
    assert (made[:, 2] < 1).all()
    shares = np.bincount(made[:, 0].astype(int), minlength=4) / len(made)
    np.testing.assert_allclose(shares, [0.5, 0, 0, 0.5], atol=0.05)


def test_two_sets_at_once_follow_the_joint_conditional(trained: SequentialGenerator) -> None:
    # b in {0, 1} and a in {0, 1, 2}: by hand from the definition of `records`
    allowed = {0: torch.tensor([1.0, 1.0, 1.0, 0.0]), 1: torch.tensor([1.0, 1.0, 0, 0, 0, 0])}
    made = make(trained, allowed=allowed)
    assert (made[:, 0] < 3).all() and (made[:, 1] < 2).all()
    real = records(200_000).numpy()
    real = real[(real[:, 0] < 3) & (real[:, 1] < 2)]
    distance = np.abs(joint(made) - joint(real)).sum() / 2
    assert distance < 0.06, f"total variation {distance:.3f}"


def test_a_restriction_without_any_mass_is_obeyed_all_the_same(trained: SequentialGenerator) -> None:
    allowed = {0: torch.tensor([1.0, 0, 0, 0]), 1: torch.tensor([0, 0, 0, 1.0, 0, 0])}
    made = make(trained, 500, allowed)
    assert (made[:, 0] < 1).all() and ((made[:, 1] >= 3) & (made[:, 1] < 4)).all()


def test_masked_cells_are_never_made(trained: SequentialGenerator) -> None:
    z = torch.randn(5000, 3, generator=torch_generator(2, "mask"))
    made = trained.generate(z, {}, None, {0: torch.tensor([1.0, 1.0, 0.0, 1.0])})
    assert not (made[:, 0].long() == 2).any()


def test_the_differentiable_forward_makes_the_same_choices(trained: SequentialGenerator) -> None:
    z = torch.randn(300, 3, generator=torch_generator(3, "forward"))
    x = trained(z, torch.zeros(300, 0), None)
    np.testing.assert_array_equal(
        collapse(SPEC, x.detach(), torch.zeros(300, 3, dtype=torch.float64)).long(), trained.generate(z, {}).long()
    )


def test_gradients_reach_every_weight_through_the_choices() -> None:
    generator, _ = build("sequential", SPEC, width=16, depth=2)
    assert isinstance(generator, SequentialGenerator)
    x = generator(torch.randn(64, 3, generator=torch_generator(4, "z")), torch.zeros(64, 0), None)
    (x * torch.arange(x.shape[1])).sum().backward()
    assert generator.head_bias.grad is not None and generator.head_bias.grad.abs().sum() > 0


def test_the_likelihood_is_that_of_independent_columns_at_the_start() -> None:
    generator, _ = build("sequential", SPEC, width=16, depth=1)
    assert isinstance(generator, SequentialGenerator)
    x = records()
    generator.start_from(x)
    generator.dropout = 0.0
    u = torch.rand(len(x), 3, generator=torch_generator(5, "u"))
    expected = 0.0
    for t, size in enumerate(SIZES):
        p = (np.bincount(x[:, t].long().numpy(), minlength=size) + 0.1) / (len(x) + 0.1 * size)
        expected -= np.log(p[x[:, t].long().numpy()]).mean()
    assert abs(float(generator.likelihood_loss(x, None, u).detach()) - expected) < 1e-4


@given(st.lists(st.floats(0, 10), min_size=1, max_size=12).filter(lambda w: sum(w) > 1e-3), st.floats(1e-9, 1 - 1e-9))
@settings(max_examples=200, deadline=None)
def test_the_inverse_cdf_never_picks_a_cell_without_weight(weights: list[float], place: float) -> None:
    upto = torch.tensor([weights], dtype=torch.float64).cumsum(1)
    code, position = _inverse_cdf(upto, torch.tensor([place], dtype=torch.float64))
    assert weights[int(code)] > 0
    assert 0 <= float(position) < 1


def test_compact_records_expand_and_collapse() -> None:
    spec = Spec("vector", (6,), (Block("continuous", 2), Block("binned", 4)))
    compact = torch.tensor([[0.5, -1.5, 2.25], [3.0, 4.0, 0.5]], dtype=torch.float64)
    x = expand(spec, compact)
    assert x.tolist() == [[0.5, -1.5, 0, 0, 1, 0], [3.0, 4.0, 1, 0, 0, 0]]
    back = collapse(spec, x, torch.tensor([[0, 0.25], [0, 0.5]], dtype=torch.float64))
    np.testing.assert_allclose(back.numpy(), compact.numpy(), atol=1e-8)


def test_matrices_come_in_few_sizes_so_that_no_code_is_compiled_for_ever_new_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spec = Spec("vector", (45,), tuple(Block("categorical", 9) for _ in range(5)))
    generator, _ = build("sequential", spec, None, seed=0)
    assert isinstance(generator, SequentialGenerator)
    seen: list[int] = []
    logits = _Part.logits

    def counted(self: _Part, embedded: torch.Tensor | None, decided: list[int], num_rows: int) -> torch.Tensor:
        seen.append(num_rows)
        return logits(self, embedded, decided, num_rows)

    monkeypatch.setattr(_Part, "logits", counted)
    for seed in range(6):
        generator.generate(torch.randn(3000, 5, generator=torch_generator(seed, "test")), {})
    assert len(seen) == 30
    assert all(n == 3000 or n.bit_count() <= 2 for n in seen), "a size has more than two digits that are not 0"
