"""Losses and penalties held against values computed by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from gankit.networks.base import Discriminator
from gankit.spec import Block, Spec
from gankit.training.losses import (
    FINITE_STEP,
    LOSSES,
    PENALTIES,
    PenaltyDraws,
    discriminator_turn,
    exact_squares,
    finite_squares,
)

REAL = torch.tensor([2.0, -1.0])
FAKE = torch.tensor([0.5, -3.0])


def log1p_exp(x: float) -> float:
    return math.log(1 + math.exp(x))


# name -> (D's loss, G's loss) on REAL and FAKE, written out from the papers' equations
BY_HAND = {
    "minimax": (
        -(math.log(1 / (1 + math.exp(-2))) + math.log(1 / (1 + math.exp(1)))) / 2
        - (math.log(1 - 1 / (1 + math.exp(-0.5))) + math.log(1 - 1 / (1 + math.exp(3)))) / 2,
        (math.log(1 - 1 / (1 + math.exp(-0.5))) + math.log(1 - 1 / (1 + math.exp(3)))) / 2,
    ),
    "nonsaturating": (
        -(math.log(1 / (1 + math.exp(-2))) + math.log(1 / (1 + math.exp(1)))) / 2
        - (math.log(1 - 1 / (1 + math.exp(-0.5))) + math.log(1 - 1 / (1 + math.exp(3)))) / 2,
        -(math.log(1 / (1 + math.exp(-0.5))) + math.log(1 / (1 + math.exp(3)))) / 2,
    ),
    # ((2-1)^2 + (-1-1)^2)/4 + (.25 + 9)/4; ((.5-1)^2 + (-3-1)^2)/4
    "leastsquares": (1.25 + 2.3125, 4.0625),
    # (0 + 2)/2 + (1.5 + 0)/2; -(.5 - 3)/2
    "hinge": (1.75, 1.25),
    # -1.25 - .5; 1.25
    "wasserstein": (-1.75, 1.25),
    "relativistic": ((log1p_exp(-1.5) + log1p_exp(-2)) / 2, (log1p_exp(1.5) + log1p_exp(2)) / 2),
}


def test_every_loss_is_held_against_a_value() -> None:
    assert set(BY_HAND) == set(LOSSES)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_their_papers(name: str) -> None:
    d, g = BY_HAND[name]
    assert LOSSES[name].discriminator(REAL, FAKE).item() == pytest.approx(d, rel=1e-6)
    assert LOSSES[name].generator(REAL, FAKE).item() == pytest.approx(g, rel=1e-6)
    assert LOSSES[name].paper and LOSSES[name].equation


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_says_whether_the_generator_depends_on_real_records(name: str) -> None:
    loss = LOSSES[name]
    assert loss.pairs == (not torch.equal(loss.generator(REAL, FAKE), loss.generator(REAL + 1, FAKE)))


@pytest.mark.parametrize("name", LOSSES)
def test_a_better_discriminator_has_a_lower_loss_and_a_better_generator_too(name: str) -> None:
    loss = LOSSES[name]
    real, fake = torch.tensor([0.1]), torch.tensor([0.0])
    assert loss.discriminator(real + 0.1, fake - 0.1) < loss.discriminator(real, fake)
    assert loss.generator(real, fake + 0.1) < loss.generator(real, fake)


@pytest.mark.parametrize("name", ["minimax", "nonsaturating", "relativistic"])
def test_logits_of_a_thousand_stay_finite(name: str) -> None:
    for real, fake in ((1e3, -1e3), (-1e3, 1e3)):
        logits = torch.tensor([real], requires_grad=True), torch.tensor([fake], requires_grad=True)
        value = LOSSES[name].discriminator(*logits) + LOSSES[name].generator(*logits)
        value.backward()  # type: ignore[no-untyped-call]
        assert value.isfinite() and all(t.grad is not None and t.grad.isfinite() for t in logits)


class Quadratic(Discriminator):
    """D(x) = a/2 ||x||^2 + b . x, so grad D = a x + b; with dropout it would be scaled, here u is not used."""

    def __init__(self, a: float, b: list[float]) -> None:
        super().__init__()
        self.spec, self.condition = Spec("vector", (len(b),), (Block("continuous", len(b)),)), None
        self.a = nn.Parameter(torch.tensor(a))
        self.b = nn.Parameter(torch.tensor(b))

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        return self.a / 2 * x.square().sum(1) + x @ self.b


def turn(penalty: str, d: Discriminator, real: Tensor, fake: Tensor, method: str = "exact", **draws: Tensor) -> Tensor:
    played = discriminator_turn(
        d, LOSSES["relativistic"], PENALTIES[penalty], method, real, fake, None, None, PenaltyDraws(**draws)  # type: ignore[arg-type]
    )  # fmt: skip
    assert torch.equal(played.real_logits, d(real, None)) and torch.equal(played.fake_logits, d(fake, None))
    return played.penalty


# D = Quadratic(2, [1, 0]): grad D(x) = (2 x1 + 1, 2 x2)
REAL_X = torch.tensor([[1.0, 0.0], [0.0, 2.0]])  # gradients (3, 0), (1, 4): squares 9, 17
FAKE_X = torch.tensor([[-1.0, 1.0], [0.0, 0.0]])  # gradients (-1, 2), (1, 0): squares 5, 1


@pytest.mark.parametrize(
    ("penalty", "value"),
    [
        ("none", 0.0),
        ("r1", 0.5 * (9 + 17) / 2),
        ("r2", 0.5 * (5 + 1) / 2),
        ("r1r2", 0.5 * (9 + 17) / 2 + 0.5 * (5 + 1) / 2),
        # half way: (0, .5) and (0, 1), gradients (1, 1) and (1, 2)
        ("wgan-gp", ((math.sqrt(2) - 1) ** 2 + (math.sqrt(5) - 1) ** 2) / 2),
    ],
)
def test_penalties_are_those_of_their_papers(penalty: str, value: float) -> None:
    d = Quadratic(2.0, [1.0, 0.0])
    found = turn(penalty, d, REAL_X, FAKE_X, between=torch.full((2, 1), 0.5))
    assert found.item() == pytest.approx(value, rel=1e-6)


def test_every_penalty_is_held_against_a_value() -> None:
    assert set(PENALTIES) == {"none", "r1", "r2", "r1r2", "wgan-gp"}


def test_the_share_of_the_real_record_moves_the_point_between() -> None:
    d = Quadratic(2.0, [1.0, 0.0])
    share = torch.tensor([[1.0], [0.0]])  # the points are REAL_X[0] and FAKE_X[1]: norms 3 and 1
    assert turn("wgan-gp", d, REAL_X, FAKE_X, between=share).item() == pytest.approx(2.0)


def test_the_exact_penalty_has_the_derivative_that_is_worked_out_by_hand() -> None:
    # P = 1/2 mean ||a x + b||^2 over REAL_X: dP/da = mean x . (a x + b), dP/db = mean (a x + b)
    d = Quadratic(2.0, [1.0, 0.0])
    turn("r1", d, REAL_X, FAKE_X).backward()  # type: ignore[no-untyped-call]
    assert d.a.grad is not None and d.b.grad is not None
    assert d.a.grad.item() == pytest.approx((1 * 3 + 2 * 4) / 2)
    assert d.b.grad.tolist() == pytest.approx([(3 + 1) / 2, (0 + 4) / 2])


def test_penalties_sum_over_the_elements_of_a_record_of_any_shape() -> None:
    class Sum(Quadratic):
        def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
            return 3 * x.flatten(1).sum(1)

    _, squares = exact_squares(Sum(0.0, [0.0]), torch.zeros(2, 4, 5), None, None)
    assert squares.tolist() == [9 * 20.0, 9 * 20.0]


def test_finite_differences_along_the_axes_give_the_partial_derivatives() -> None:
    d = Quadratic(0.0, [3.0, 4.0])
    directions = torch.tensor([[5.0, 0.0], [0.0, -0.1]])  # any length: they are made one long
    _, squares = finite_squares(d, torch.zeros(2, 2), None, None, directions)
    assert squares.tolist() == pytest.approx([2 * 9.0, 2 * 16.0], rel=1e-4)


def test_finite_differences_expect_the_squared_gradient_norm() -> None:
    rng = np.random.default_rng(3)
    b = rng.standard_normal(7)
    d = Quadratic(0.0, b.tolist())
    n = 100_000
    directions = torch.from_numpy(rng.standard_normal((n, 7)).astype(np.float32))
    squares = finite_squares(d, torch.zeros(n, 7), None, None, directions)[1].detach()
    norm = float((b**2).sum())
    # n (g . e)^2 with e uniform on the sphere: variance 2 (n - 1)/(n + 2) ||g||^4
    error = norm * math.sqrt(2 * 6 / 9 / n)
    assert abs(float(squares.mean()) - norm) < 5 * error
    assert float(squares.std()) == pytest.approx(norm * math.sqrt(2 * 6 / 9), rel=0.05)


def test_finite_differences_are_one_sided() -> None:
    # D = x^2 at 0 along e: (D(sigma) - D(0)) / sigma = sigma, where the exact gradient is 0
    _, squares = finite_squares(Quadratic(2.0, [0.0]), torch.zeros(1, 1), None, None, torch.ones(1, 1))
    assert squares.item() == pytest.approx(FINITE_STEP**2, rel=1e-4)


@pytest.mark.parametrize("method", ["exact", "finite"])
@pytest.mark.parametrize("penalty", [p for p in PENALTIES if p != "none"])
def test_a_discriminator_that_is_flat_gives_finite_gradients(penalty: str, method: str) -> None:
    d = Quadratic(0.0, [0.0, 0.0])
    draws = {"between": torch.full((2, 1), 0.5), "directions": torch.ones(4, 2)}
    turn(penalty, d, REAL_X, FAKE_X, method, **draws).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is None or p.grad.isfinite().all() for p in d.parameters())


def test_nothing_flows_back_to_the_generator_through_the_discriminators_turn() -> None:
    fake = FAKE_X.clone().requires_grad_()
    d = Quadratic(2.0, [1.0, 0.0])
    played = discriminator_turn(
        d, LOSSES["hinge"], PENALTIES["r1r2"], "exact", REAL_X, fake, None, None, PenaltyDraws()
    )  # fmt: skip
    (played.loss + played.penalty).backward()  # type: ignore[no-untyped-call]
    assert fake.grad is None
