"""Moving at once: G goes down by D as it was before its step, as the code of 2014 did; else by D after it."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from gankit.networks import NETWORKS, build
from gankit.networks.base import Task
from gankit.spec import Spec
from gankit.training.game import Batches, Game
from gankit.training.plan import GameConfig

SPEC = Spec("vector", (3,))
X = torch.randn(16, 3, generator=torch.Generator().manual_seed(0)) + 2


def played(name: str, at_once: bool) -> tuple[Game, Game]:
    """A game, and the same after a step of gradient descent with a large rate."""
    config = GameConfig(
        total_samples=10**6, loss="nonsaturating", penalty="none", optimiser="sgd", learning_rate=0.5, batch=16,
        momentum=0.0, final_momentum=0.0, ema_half_life=0.0, at_once=at_once,
    )  # fmt: skip
    before = Game(*build(name, SPEC, width=8, num_latents=4), config)
    after = copy.deepcopy(before)
    after.play_step(Batches(X))
    return before, after


@pytest.mark.parametrize("at_once", [True, False])
def test_g_moves_by_d_before_its_step_or_after_it(at_once: bool) -> None:
    before, after = played("residual", at_once)
    noise: list[Tensor] = []
    before.generator.register_forward_pre_hook(lambda module, inputs: noise.extend(inputs[:2]))
    copy.deepcopy(before).play_step(Batches(X))  # a copy keeps the hook: the same draws go by
    z, u = noise[:2]
    judge = before.discriminator if at_once else after.discriminator
    loss = torch.nn.functional.softplus(-judge(before.generator(z, u, None), None)).mean()
    gradients = torch.autograd.grad(loss, list(before.generator.parameters()))
    for old, new, gradient in zip(before.generator.parameters(), after.generator.parameters(), gradients, strict=True):
        assert torch.allclose(new, old - 0.5 * gradient, atol=1e-6)


@pytest.mark.parametrize("at_once", [True, False])
def test_d_moves_alike_and_at_once_g_meets_the_dropout_that_d_met(at_once: bool) -> None:
    before, after = played("dense2014", at_once)
    dropped: list[Tensor] = []
    before.discriminator.register_forward_pre_hook(lambda module, inputs: dropped.append(inputs[2]))
    copy.deepcopy(before).play_step(Batches(X))
    assert [len(u) for u in dropped] == [32, 16]
    assert torch.equal(dropped[0][16:], dropped[1]) is at_once
    other = played("dense2014", not at_once)[1]
    for mine, its in zip(after.discriminator.parameters(), other.discriminator.parameters(), strict=True):
        assert torch.equal(mine, its)


def test_every_schedule_of_2014_moves_at_once() -> None:
    image = Spec("image", (1, 28, 28))
    assert all(NETWORKS[name].recipe(Task(image, 100))["at_once"] for name in ("conv2014", "dense2014"))
