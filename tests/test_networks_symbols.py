"""The pair for texts: draws that decide texts, a likelihood that sums to one, gradients that are the closed forms."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from gankit.networks.base import DifferentiatedDiscriminator
from gankit.networks.sequences.symbols import (
    GROUP,
    PAIR,
    GatedUnit,
    Packing,
    SymbolsDiscriminator,
    SymbolsGenerator,
)
from gankit.randomness import torch_generator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.loop import play
from gankit.training.losses import exact_squares
from gankit.training.plan import GameConfig

STEPS, SYMBOLS = 7, 5
SPEC = Spec("sequence", (STEPS, SYMBOLS), (Block("categorical", SYMBOLS),))
CONDITION = Spec("vector", (3,), (Block("categorical", 3),))


def pair(
    condition: Spec | None = None, spec: Spec = SPEC, depth: int = 2, moved: float = 0.3
) -> tuple[SymbolsGenerator, SymbolsDiscriminator]:
    """A small pair, its weights `moved` away from those it starts with."""
    draws = torch.Generator().manual_seed(5)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(3)
        generator, discriminator = PAIR.builder(spec, condition, 24, depth, 6)
    with torch.no_grad():
        for p in [*generator.parameters(), *discriminator.parameters()]:
            p.add_(moved * torch.randn(p.shape, generator=draws))
    return generator, discriminator


def noise(rows: int, generator: SymbolsGenerator, seed: int = 1) -> tuple[Tensor, Tensor]:
    draws = torch.Generator().manual_seed(seed)
    z = torch.randn(rows, generator.num_latents, generator=draws)
    return z, torch.rand(rows, generator.num_uniforms, generator=draws)


def one_hot(codes: Tensor, symbols: int = SYMBOLS) -> Tensor:
    return torch.eye(symbols)[codes]


def conditions(rows: int) -> Tensor:
    return torch.eye(3)[torch.arange(rows) % 3]


# --- texts and draws ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
def test_fakes_are_one_hot_and_stay_at_the_end_symbol_once_it_has_come(condition: Spec | None) -> None:
    generator, discriminator = pair(condition)
    z, u = noise(200, generator)
    c = conditions(200) if condition else None
    x = generator(z, u, c)
    assert x.shape == (200, STEPS, SYMBOLS) and x.dtype == torch.float32
    assert torch.equal(x.detach(), one_hot(x.argmax(2))), "exactly hard, though they carry a gradient"
    codes = x.argmax(2)
    ended = (codes == 0).cumsum(1) > 0
    assert ended.any() and not ended.all() and bool((codes[ended] == 0).all())
    assert discriminator(x, c).shape == (200,)
    with torch.no_grad():
        assert torch.equal(generator(z, u, c), x)


def test_codes_and_one_hots_of_the_same_draws_are_the_same_texts_whatever_the_batch() -> None:
    generator, _ = pair()
    z, u = noise(300, generator)
    codes = generator.generate(z, u, None)
    assert torch.equal(codes, generator(z, u, None).argmax(2))
    parts = [generator.generate(z[i : i + 37], u[i : i + 37], None) for i in range(0, 300, 37)]
    assert torch.equal(codes, torch.cat(parts))


def test_z_and_c_change_the_texts() -> None:
    generator, discriminator = pair(CONDITION)
    z, u = noise(100, generator)
    c = conditions(100)
    codes = generator.generate(z, u, c)
    assert not torch.equal(codes, generator.generate(z.flip(0), u, c))
    assert not torch.equal(codes, generator.generate(z, u, c.roll(1, 1)))
    x = one_hot(codes)
    assert not torch.allclose(discriminator(x, c), discriminator(x, c.roll(1, 1)))


def test_texts_come_as_often_as_their_probability_says() -> None:
    spec = Spec("sequence", (3, 3), (Block("categorical", 3),))
    generator, _ = pair(spec=spec, depth=1)
    count = 40_000
    _, u = noise(count, generator)
    z = torch.zeros(count, generator.num_latents)
    places = torch.tensor([9, 3, 1])
    made = torch.bincount((generator.generate(z, u, None) * places).sum(1), minlength=27)
    texts = torch.tensor(list(itertools.product(range(3), repeat=3)))
    valid = [t for t in texts.tolist() if all(b == 0 for a, b in itertools.pairwise(t) if a == 0)]
    probability = generator.log_probabilities(torch.tensor(valid), None).sum(1).double().exp()
    assert float(probability.sum()) == pytest.approx(1, abs=1e-5), "the texts there can be share all the mass"
    found = made[(torch.tensor(valid) * places).sum(1)].double()
    chi_squared = float(((found - count * probability).square() / (count * probability)).sum())
    freedom = len(valid) - 1
    assert int(made.sum()) == int(found.sum()) and chi_squared < freedom + 4 * math.sqrt(2 * freedom)


def test_a_prefix_is_kept_and_what_follows_is_drawn_from_its_continuations() -> None:
    spec = Spec("sequence", (3, 3), (Block("categorical", 3),))
    generator, _ = pair(spec=spec, depth=1)
    count = 20_000
    _, u = noise(count, generator)
    z = torch.zeros(count, generator.num_latents)
    codes = generator.generate(z, u, None, prefix=torch.tensor([2]))
    assert bool((codes[:, 0] == 2).all())
    nats = generator.log_probabilities(torch.tensor([[2, 0, 0], [2, 1, 0], [2, 2, 0]]), None)[:, 1]
    shares = torch.bincount(codes[:, 1], minlength=3).double() / count
    assert torch.allclose(shares, nats.double().exp(), atol=4 * math.sqrt(0.25 / count))
    whole = generator.generate(z[:5], u[:5], None, prefix=torch.tensor([1, 2, 1]))
    assert whole.tolist() == [[1, 2, 1]] * 5
    ended = generator.generate(z[:5], u[:5], None, prefix=torch.tensor([1, 0]))
    assert ended.tolist() == [[1, 0, 0]] * 5


def test_forbidden_symbols_are_never_made_and_the_others_keep_their_shares() -> None:
    generator, _ = pair()
    z, u = noise(500, generator)
    never = torch.tensor([False, True, False, False, True])
    codes = generator.generate(z, u, None, forbidden=never)
    assert set(codes.unique().tolist()) == {0, 2, 3}
    not_empty = torch.zeros(STEPS, SYMBOLS, dtype=torch.bool)
    not_empty[0, 0] = True
    codes = generator.generate(z, u, None, forbidden=not_empty)
    assert bool((codes[:, 0] != 0).all()) and bool((codes[:, 1] == 0).any())
    free = generator.generate(z, u, None)
    assert torch.equal(free, generator.generate(z, u, None, forbidden=torch.zeros(SYMBOLS, dtype=torch.bool)))


def test_a_low_temperature_takes_the_likeliest_symbol() -> None:
    generator, _ = pair()
    z, u = noise(50, generator)
    codes = generator.generate(z, u, None, temperature=1e-4)
    assert torch.equal(codes, generator.generate(z, u.flip(0), None, temperature=1e-4))
    assert not torch.equal(generator.generate(z, u, None), generator.generate(z, u.flip(0), None))


def test_draws_at_both_edges_give_symbols_that_have_weight() -> None:
    generator, _ = pair()
    z, _ = noise(8, generator)
    never = torch.tensor([True, False, False, False, True])
    for place in (0.0, 1.0 - 2**-24):
        codes = generator.generate(z, torch.full((8, STEPS), place), None, forbidden=never)
        assert bool(((codes > 0) & (codes < 4)).all())


# --- likelihood -----------------------------------------------------------------------------------------------------


def test_the_likelihood_is_the_mean_over_texts_of_their_symbols_and_ignores_what_stands_behind_the_end() -> None:
    generator, _ = pair(CONDITION)
    codes = generator.generate(*noise(40, generator), conditions(40))
    u = torch.rand(40, 6, generator=torch.Generator().manual_seed(8))
    loss = generator.likelihood_loss(codes.unsqueeze(2).int(), conditions(40), u)
    each = generator.log_probabilities(codes, conditions(40), torch.special.ndtri(u)).sum(1)
    assert float(loss.detach()) == pytest.approx(-float(each.mean()), rel=1e-5)
    behind = codes.clone()
    behind[:, 1:][(codes[:, :-1] == 0)] = 3
    assert not torch.equal(behind, codes)
    assert torch.equal(generator.likelihood_loss(behind, conditions(40), u), loss)
    assert float(generator.log_probabilities(codes, conditions(40)).max()) <= 0


def test_a_fresh_generator_that_saw_how_often_symbols_stand_has_nearly_their_entropy() -> None:
    generator, _ = pair(moved=0.0)
    draws = torch_generator(0, "texts")
    codes = torch.where(torch.rand(4000, STEPS, generator=draws) < 0.7, 1, 2)
    codes[:, 4:] = 0
    before = generator.likelihood_loss(codes, None, torch.full((4000, 6), 0.5))
    generator.start_from(codes.unsqueeze(2))
    generator.dropout = 0.0
    after = generator.likelihood_loss(codes, None, torch.full((4000, 6), 0.5))
    shares = torch.tensor([0.7 * 4, 0.3 * 4, 1.0]) / 5
    entropy = -5 * float((shares * shares.log()).sum())
    assert entropy * 0.85 < float(after.detach()) < entropy * 1.15 < float(before.detach())


def test_dropout_follows_its_draws_and_is_none_without_them() -> None:
    generator, _ = pair()
    assert generator.num_dropout_uniforms == 0
    generator.dropout = 0.5
    assert generator.num_dropout_uniforms == 12 + 2 * 24
    codes = generator.generate(*noise(30, generator), None)
    u, draws = torch.full((30, 6), 0.5), torch.Generator().manual_seed(2)
    dropout = torch.rand(30, generator.num_dropout_uniforms, generator=draws)
    plain = generator.likelihood_loss(codes, None, u)
    assert torch.equal(plain, generator.likelihood_loss(codes, None, u))
    dropped = generator.likelihood_loss(codes, None, u, dropout)
    assert torch.equal(dropped, generator.likelihood_loss(codes, None, u, dropout))
    assert not torch.equal(dropped, plain)
    nothing = generator.likelihood_loss(codes, None, u, torch.ones_like(dropout))
    generator.dropout = 1e-9
    assert torch.allclose(plain, generator.likelihood_loss(codes, None, u, torch.ones_like(dropout)))
    assert not torch.allclose(plain, nothing), "what is kept is scaled up"


# --- the recurrence against torch -----------------------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=40))
def test_the_recurrence_is_that_of_torch_in_value_and_gradient(lengths: list[int]) -> None:
    draws = torch.Generator().manual_seed(0)
    unit, torchs = GatedUnit(3, 4).double(), nn.GRU(3, 4, batch_first=True).double()
    with torch.no_grad():
        for p in unit.parameters():
            p.copy_(torch.randn(p.shape, generator=draws))
        torchs.weight_ih_l0.copy_(unit.from_input)
        torchs.weight_hh_l0.copy_(unit.from_state)
        torchs.bias_ih_l0.copy_(unit.bias)
        torchs.bias_hh_l0.zero_()
        torchs.bias_hh_l0[8:] = unit.new_bias
    packing = Packing.of(torch.tensor(lengths), max(lengths))
    x = torch.randn(len(lengths), 6, 3, generator=draws, dtype=torch.float64, requires_grad=True)
    h = torch.randn(len(lengths), 4, generator=draws, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(len(lengths), 6, 4, generator=draws, dtype=torch.float64)
    weight = weight * (torch.arange(6) < torch.tensor(lengths).unsqueeze(1)).unsqueeze(2)
    gates = x[packing.rows, packing.steps] @ unit.from_input.T + unit.bias
    mine = _states(unit, gates, h, packing)
    theirs = torchs(x, h.unsqueeze(0))[0]
    real = packing.real
    assert torch.allclose(mine[real], theirs[packing.rows, packing.steps][real])
    ours = torch.autograd.grad((mine * weight[packing.rows, packing.steps]).sum(), [x, h, *unit.parameters()])
    its = torch.autograd.grad((theirs * weight).sum(), [x, h, *torchs.parameters()])
    for a, b in zip(ours[:5], its[:5], strict=True):
        assert torch.allclose(a, b)
    assert torch.allclose(ours[5], its[5][8:])


def _states(unit: GatedUnit, gates: Tensor, h: Tensor, packing: Packing) -> Tensor:
    return unit.through(gates, h[packing.order], packing.sizes, torch.float64)


@given(st.lists(st.integers(1, 9), min_size=1, max_size=70))
def test_packing_holds_every_symbol_once_and_fills_steps_up_to_whole_groups(lengths: list[int]) -> None:
    packing = Packing.of(torch.tensor(lengths), max(lengths))
    at = list(zip(packing.rows[packing.real].tolist(), packing.steps[packing.real].tolist(), strict=True))
    assert sorted(at) == [(i, t) for i, n in enumerate(lengths) for t in range(n)]
    assert all(n % GROUP == 0 or n == len(lengths) for n in packing.sizes)
    assert list(packing.sizes) == sorted(packing.sizes, reverse=True) and sum(packing.sizes) == len(packing.rows)


# --- gradients and D ------------------------------------------------------------------------------------------------


def test_a_choice_carries_the_gradient_of_its_softmax() -> None:
    spec = Spec("sequence", (1, 4), (Block("categorical", 4),))
    generator, _ = pair(spec=spec, depth=1)
    generator.gradient_temperature = 0.5
    z, u = noise(20, generator)
    worth = torch.randn(20, 1, 4, generator=torch.Generator().manual_seed(4))
    (mine,) = torch.autograd.grad((generator(z, u, None) * worth).sum(), [generator.head_bias])
    scores = torch.stack([generator.log_probabilities(torch.full((20, 1), k), None, z)[:, 0] for k in range(4)], 1)
    logits = scores.requires_grad_()  # equal to G's logits up to a number a row, which the softmax does not see
    (expected,) = torch.autograd.grad((torch.softmax(logits / 0.5, 1) * worth[:, 0]).sum(), [logits])
    assert torch.allclose(mine, expected.sum(0), atol=1e-5)


def test_what_stands_behind_an_end_moves_nothing() -> None:
    generator, discriminator = pair()
    z, u = noise(100, generator)
    x = generator(z, u, None)
    codes = x.argmax(2)
    behind = (codes == 0).cumsum(1) - (codes == 0).long() > 0
    (gradient,) = torch.autograd.grad((x * behind.unsqueeze(2)).sum(), [generator.head_bias], retain_graph=True)
    assert float(gradient.abs().max()) == 0
    other = x.detach().clone()
    other[behind] = one_hot(torch.tensor(3))
    assert torch.equal(discriminator(other, None), discriminator(x.detach(), None))


@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
def test_every_weight_learns_from_the_game(condition: Spec | None) -> None:
    generator, discriminator = pair(condition)
    z, u = noise(200, generator)
    c = conditions(200) if condition else None
    discriminator(generator(z, u, c), c).square().sum().backward()
    for name, p in [*generator.named_parameters(), *discriminator.named_parameters()]:
        assert p.grad is not None and float(p.grad.abs().sum()) > 0, name


def test_a_text_is_judged_by_itself_whatever_its_batch() -> None:
    generator, discriminator = pair()
    x = generator(*noise(20, generator), None).detach()
    alone = torch.cat([discriminator(x[i : i + 1], None) for i in range(20)])
    assert torch.allclose(discriminator(x, None), alone, atol=1e-5)


def test_where_a_text_ends_changes_what_d_says() -> None:
    _, discriminator = pair()
    texts = torch.tensor([[1, 1, 1, 0, 0, 0, 0], [1, 1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 1, 1]])
    logits = discriminator(one_hot(texts), None).detach()
    assert len(logits.unique()) == 3


@pytest.mark.parametrize("condition", [None, CONDITION], ids=["free", "given"])
def test_the_squares_that_d_gives_are_those_of_its_gradient(condition: Spec | None) -> None:
    generator, discriminator = pair(condition)
    c = conditions(30) if condition else None
    x = generator(*noise(30, generator), c).detach()
    logits, squares = exact_squares(discriminator, x, c, None)
    assert isinstance(discriminator, DifferentiatedDiscriminator)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(discriminator(leaf, c).sum(), leaf, create_graph=True)
    expected = gradient.flatten(1).square().sum(1)
    assert torch.allclose(logits, discriminator(x, c)) and torch.allclose(squares, expected, rtol=1e-4)
    parameters = [p for name, p in discriminator.named_parameters() if not name.endswith("logit.bias")]
    ours = torch.autograd.grad((logits + squares).sum(), parameters, retain_graph=True)
    its = torch.autograd.grad((discriminator(leaf, c) + expected).sum(), parameters)
    for a, b in zip(ours, its, strict=True):
        assert torch.allclose(a, b, rtol=1e-3, atol=1e-3)


# --- games ----------------------------------------------------------------------------------------------------------


def toy(count: int = 600) -> Tensor:
    """Codes [count, 7, 1] of ab, abab and ababab, equally often."""
    length = 2 * torch.randint(1, 4, (count,), generator=torch_generator(0, "toy")).unsqueeze(1)
    t = torch.arange(STEPS)
    return ((1 + t % 2) * (t < length)).unsqueeze(2).int()


def valid(codes: Tensor) -> Tensor:
    """[N] bool: whether a text is one of the toy language."""
    return (codes.unsqueeze(1) == toy().squeeze(2).unique(dim=0).unsqueeze(0)).all(2).any(1)


def played(**settings: float) -> tuple[Game, SymbolsGenerator]:
    generator, discriminator = pair(depth=1, moved=0.0)
    x = toy()
    generator.start_from(x)
    generator.dropout = 0.0
    config = GameConfig(batch=32, warmup_batch=32, ema_half_life=500, steps_per_look=20, **settings)  # type: ignore[arg-type]
    game = Game(generator, discriminator, config)
    data = Batches(x, None, lambda rows: one_hot(rows.squeeze(2).long()))
    for look in play(game, data, data):
        assert not look.rolled_back
    average = game.average
    assert isinstance(average, SymbolsGenerator)
    return game, average


@pytest.mark.slow
def test_a_purely_adversarial_game_learns_the_toy_language() -> None:
    fresh, _ = pair(depth=1, moved=0.0)
    fresh.start_from(toy())
    fresh.dropout = 0.0
    before = valid(fresh.generate(*noise(1000, fresh), None)).double().mean()
    _, average = played(total_samples=11_000, learning_rate=2e-3, warmup=0.0)
    made = average.generate(*noise(1000, average), None)
    assert float(before) < 0.15 and float(valid(made).double().mean()) > 0.8


def test_a_warm_up_by_likelihood_learns_the_toy_language_with_its_lengths_and_the_game_keeps_it() -> None:
    _, average = played(
        total_samples=12_000, warmup=0.8, d_warmup=0.02, generator_rate=0.05, likelihood_weight=0.1, learning_rate=1e-3,
        warmup_learning_rate=1e-2,
    )  # fmt: skip
    made = average.generate(*noise(1000, average), None)
    assert float(valid(made).double().mean()) > 0.95
    lengths = torch.bincount((made > 0).sum(1), minlength=7)[[2, 4, 6]].double() / 1000
    assert float((lengths - 1 / 3).abs().max()) < 0.1
