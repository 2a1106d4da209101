"""An ensemble: the mean of its members' distributions, under conditions too, and each member learns in its turn."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch

import gankit
from gankit.model.files import NetworkPlan
from gankit.networks import build
from gankit.networks.blocks import collapse
from gankit.networks.vectors.ensemble import Ensemble
from gankit.networks.vectors.sequential import NUM_CANDIDATES
from gankit.randomness import torch_generator
from gankit.run.plan import EPOCHS_OF_MEMBER, LEAST_ENSEMBLED, MOST_MEMBERS
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.plan import GameConfig

SIZES = (4, 3, 2)
SPEC = Spec("vector", (sum(SIZES),), tuple(Block("categorical", k) for k in SIZES))
CELLS = list(itertools.product(*map(range, SIZES)))


def marginals(member: int) -> list[np.ndarray]:
    """What a member knows of each column: independent of each other, and other for each member."""
    draws = np.random.default_rng(member)
    return [draws.dirichlet(np.full(size, 0.7)) for size in SIZES]


@pytest.fixture(scope="module")
def ensemble() -> Ensemble:
    """Three members that begin as independent columns, so that their mixture can be worked out by hand."""
    generator, _ = build("sequential", SPEC, width=8, depth=2, members=3)
    assert isinstance(generator, Ensemble)
    for place, member in enumerate(generator.all):
        member.head_bias.data = torch.from_numpy(np.log(np.concatenate(marginals(place)))).float()
    return generator.eval()


def mixture() -> np.ndarray:
    """[4, 3, 2]: the mean of the members' joint distributions."""
    return np.mean([np.einsum("a,b,c->abc", *marginals(m)) for m in range(3)], axis=0)


def joint(codes: torch.Tensor) -> np.ndarray:
    table = np.zeros(SIZES)
    np.add.at(table, tuple(codes.numpy().astype(int).T), 1)
    return table / table.sum()


def made(ensemble: Ensemble, allowed: dict[int, torch.Tensor], count: int = 30_000) -> np.ndarray:
    draws = torch_generator(1, "make")
    z = torch.randn(count, ensemble.num_latents, generator=draws)
    uniforms = torch.rand(count, NUM_CANDIDATES * len(allowed) + 1, generator=draws, dtype=torch.float64)
    return joint(ensemble.generate(z, allowed, uniforms))


@pytest.mark.parametrize("allowed", [{}, {0: [0, 0, 1, 0]}, {1: [1, 0, 1]}, {0: [0, 0, 1, 0], 1: [1, 0, 1]},
                                     {0: [1, 1, 0, 0], 1: [0, 1, 1]}, {2: [0, 1], 0: [0.5, 1, 1, 0]}])  # fmt: skip
def test_its_records_are_those_of_the_mixture_under_any_condition(
    ensemble: Ensemble, allowed: dict[int, list[float]]
) -> None:
    expected = mixture()
    for t, weights in allowed.items():
        expected = expected * np.asarray(weights, float).reshape([-1 if axis == t else 1 for axis in range(3)])
    found = made(ensemble, {t: torch.tensor(w, dtype=torch.float32) for t, w in allowed.items()})
    assert np.abs(found - expected / expected.sum()).sum() / 2 < 0.02


def test_missing_cells_are_drawn_given_the_known_ones(ensemble: Ensemble) -> None:
    count = 20_000
    code = torch.tensor([[2, 0, 0]]).repeat(count, 1)
    known = torch.tensor([[True, False, False]]).repeat(count, 1)
    uniforms = torch.rand(count, ensemble.num_latents, generator=torch_generator(2, "fill"), dtype=torch.float64)
    allowed = {t: torch.ones(size) for t, size in enumerate(SIZES)}
    filled = ensemble.fill(code, known, uniforms, allowed, range(3))
    expected = mixture()[2] / mixture()[2].sum()
    assert np.abs(joint(filled)[2] - expected).sum() / 2 < 0.02


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_the_likelihood_is_that_of_the_mixture_in_any_order(ensemble: Ensemble, order: tuple[int, ...]) -> None:
    code, expected = torch.tensor(CELLS), np.log([mixture()[cell] for cell in CELLS])
    rank = torch.tensor([order]).double().repeat(len(code), 1)
    np.testing.assert_allclose(ensemble.log_probabilities(code, rank, range(3)).sum(1).numpy(), expected, atol=1e-4)
    nats = ensemble.nats(code.float(), rank.float())
    np.testing.assert_allclose(-nats.detach().numpy(), expected, atol=1e-4)


def test_unknown_blocks_say_nothing_about_the_others(ensemble: Ensemble) -> None:
    code = torch.tensor(CELLS)
    rank = torch.tensor([[0.0, float("inf"), 1.0]]).double().repeat(len(code), 1)
    found = ensemble.log_probabilities(code, rank, [0, 2]).sum(1).numpy()
    expected = np.log([mixture().sum(1)[a, c] for a, _, c in CELLS])
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_differentiable_forward_makes_the_same_choices(ensemble: Ensemble) -> None:
    z = torch.randn(300, ensemble.num_latents, generator=torch_generator(3, "forward"))
    x = ensemble(z, torch.zeros(300, 0), None)
    codes = collapse(SPEC, x.detach(), torch.zeros(300, 3, dtype=torch.float64)).long()
    assert torch.equal(codes, ensemble.generate(z, {}).long())


def test_each_step_teaches_one_member_in_turn() -> None:
    generator, discriminator = build("sequential", SPEC, width=8, depth=2, members=3)
    x = torch.tensor(CELLS).float()
    game = Game(generator, discriminator, GameConfig(total_samples=24 * 4, warmup=1.0, warmup_batch=24))
    for step in range(4):
        before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
        game.play_step(Batches(x))
        moved = {name.split(".")[1] for name, t in generator.state_dict().items() if not torch.equal(t, before[name])}
        assert moved == {str(step % 3)}


ROWS = {"a": ["x", "y", "z", "y"] * 200, "b": [1.5, 2.25, 3.0, 4.5, 5.25] * 160}


def test_a_model_of_an_ensemble_is_saved_resumed_and_addressed_row_by_row(tmp_path: Path) -> None:
    model = gankit.train(ROWS, out=tmp_path / "run", samples="6k", members=2, verbose=False)
    assert model.plan.members == 2 and model.generator.num_latents == 3
    loaded = gankit.load(tmp_path / "run")
    whole = loaded.sample(1500, seed=4, format="pandas")
    assert whole.equals(model.sample(1500, seed=4, format="pandas"))
    part = loaded.sample(300, seed=4, offset=700, format="pandas")
    assert part.reset_index(drop=True).equals(whole[700:1000].reset_index(drop=True))
    assert set(loaded.sample(400, where={"a": "y"})["a"]) == {"y"}
    more = gankit.resume(tmp_path / "run", ROWS, samples="8k", verbose=False)
    assert more.plan.members == 2
    np.testing.assert_allclose(np.exp(more.log_likelihood({"a": ["x"], "b": [1.5]})).sum(), 0.05, atol=0.02)


def test_data_and_length_decide_how_many_members_there_are() -> None:
    many = {"a": ["x", "y"] * LEAST_ENSEMBLED, "b": [k % 7 for k in range(2 * LEAST_ENSEMBLED)]}
    count = len(many["a"]) * 4 // 5

    def members(epochs: float, **options: object) -> int | None:
        training = gankit.follow(many, samples=str(int(epochs * count)), **options)  # type: ignore[arg-type]
        next(training)
        found = training.model.plan.members
        training.close()
        return found

    assert members(EPOCHS_OF_MEMBER * 1.5) is None
    assert members(EPOCHS_OF_MEMBER * 2.5) == 2
    assert members(EPOCHS_OF_MEMBER * 2.5 * MOST_MEMBERS) == MOST_MEMBERS
    assert members(EPOCHS_OF_MEMBER * 2.5, members=1) is None
    assert members(EPOCHS_OF_MEMBER * 2.5, warmup=0.0) is None


def test_networks_that_join_no_others_refuse_members() -> None:
    with pytest.raises(gankit.OptionError, match="--members 2: a residual network is no ensemble"):
        gankit.train(ROWS, samples="2k", network="residual", members=2, verbose=False)


def test_every_network_of_an_ensemble_multiplies_in_the_plans_type() -> None:
    for network in NetworkPlan("sequential", 8, 2, 3, "bfloat16", members=2).build(SPEC, None):
        inner = network.all  # type: ignore[operator, union-attr]
        assert {part.multiply_in for part in (network, *inner)} == {torch.bfloat16}  # type: ignore[union-attr]
