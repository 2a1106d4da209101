"""The parameters of a game, its phases, and its optimisers: Adam, and the momentum of 2014.

Knows numbers and parameters of networks; never the step, files or kinds of data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from gankit.networks.base import Network
from gankit.ranks import current
from gankit.training.losses import LOSSES, PENALTIES, PenaltyMethod

Phase = Literal["likelihood", "discriminator", "game"]


@dataclass(frozen=True)
class GameConfig:
    """How a game is played; every length is counted in real samples shown.

    total_samples: length of the whole training.
    loss, penalty, penalty_method: keys of LOSSES and PENALTIES; "exact" or "finite".
    penalty_weight: gamma; None lets it follow D's gap (penalties that allow it) or takes the paper's.
    gap_target: the E[D(x)] - E[D(G)] that gamma is steered to.
    gap_speed: largest relative change of gamma per update.
    first_weight: where the steered gamma starts.
    penalty_every: the penalty is taken every so many steps, with its weight times as many (lazy regularisation: Karras
        et al. 2020, section 3.1).
    final_weight: what is left at the end, as a share, of a weight that is not steered (cosine).
    path_length_weight, path_length_every: weight of the path length regulariser of a `StyleGenerator`, and the steps
        between two of its turns; its weight then counts as many times. 0 = none.
    mirror: whether real images are shown mirrored left to right, each with chance 1/2.
    augmentation: key of AUGMENTATIONS, or "none".
    augmentation_strength: fixed probability of the augmentations; None = as strong as D's overfitting asks for.
    augmentation_target: the share of D's overfitting (`Scores.memorised`) that it is steered to.
    optimiser: "adam", or "sgd" with momentum as in 2014.
    momentum, final_momentum, momentum_samples: of "sgd"; from the first to the last, linearly, over so many samples.
    max_column_norm: the norm of the weights into a unit is cut to it after each step (Srivastava et al. 2014, section
        5.1); None = it is not.
    rate_decay, least_rate: the rate of "sgd" is divided by this after every step, down to the least one.
    learning_rate, final_learning_rate: Adam's rate at the start and, as a share of it, at the end (cosine).
    generator_rate: G's learning rate as a multiple of D's.
    beta1, beta2: Adam's decay rates in the game.
    first_beta2: beta2 at the start, from where it goes to `beta2` (cosine); None = the same throughout.
    batch: real samples of a step of D.
    d_steps: steps of D for each of G.
    at_once: whether G moves by D as it was before its last step, with the same dropout, as in the code of 2014; else by
        the D after it, as in algorithm 1 of its paper.
    ema_half_life: of the averaged G, in samples; never more than a tenth of what was played so far. 0 = no average.
    warmup: share of the samples in which G alone learns by likelihood (for G that can).
    warmup_learning_rate, warmup_batch: Adam's rate at the start of that share, and its real samples of a step.
    warmup_keeps_last: whether the warm-up runs its course and its last G begins the game, whatever the metric (a
        two-sample test is too coarse to choose there); else it ends when the metric no longer improves, and its best G
        begins.
    keeps_warmed: whether the G that begins the game is kept, for a comparison at the end.
    d_warmup: share of the samples, after the warm-up, in which D alone learns.
    likelihood_weight: weight of G's likelihood loss during the game.
    evaluations: how often the held-out metric is taken.
    early_stop, patience: stop after that many evaluations in a row without a better metric.
    steps_per_look: steps between two updates (Progress, penalty controller, check for infinities, roll-back point).
    max_rollbacks: how often a game that became infinite is rolled back before it is given up.
    seed: of every draw.
    """

    total_samples: int
    loss: str = "relativistic"
    penalty: str = "r1r2"
    penalty_method: PenaltyMethod = "exact"
    penalty_weight: float | None = None
    gap_target: float = 0.1
    gap_speed: float = 0.05
    first_weight: float = 1.0
    penalty_every: int = 1
    final_weight: float = 1.0
    path_length_weight: float = 0.0
    path_length_every: int = 4
    mirror: bool = False
    augmentation: str = "none"
    augmentation_strength: float | None = None
    augmentation_target: float = 0.5
    optimiser: Literal["adam", "sgd"] = "adam"
    momentum: float = 0.5
    final_momentum: float = 0.7
    momentum_samples: int = 1
    max_column_norm: float | None = None
    rate_decay: float = 1.0
    least_rate: float = 1e-6
    learning_rate: float = 1e-3
    final_learning_rate: float = 0.02
    generator_rate: float = 1.0
    beta1: float = 0.0
    beta2: float = 0.99
    first_beta2: float | None = None
    batch: int = 256
    d_steps: int = 1
    at_once: bool = False
    ema_half_life: float = 20_000.0
    warmup: float = 0.0
    warmup_learning_rate: float = 2e-3
    warmup_batch: int = 1024
    warmup_keeps_last: bool = False
    keeps_warmed: bool = False
    d_warmup: float = 0.0
    likelihood_weight: float = 0.0
    evaluations: int = 20
    early_stop: bool = True
    patience: int = 8
    steps_per_look: int = 25
    max_rollbacks: int = 4
    seed: int = 0

    def __post_init__(self) -> None:
        assert self.loss in LOSSES and self.penalty in PENALTIES, (self.loss, self.penalty)
        assert self.total_samples > 0 and self.batch > 0 and self.d_steps > 0 and self.steps_per_look > 0
        assert 0 <= self.warmup + self.d_warmup <= 1
        assert self.penalty_every > 0 and self.path_length_every > 0

    def through(self, warmup: float, done: float) -> float:
        """How much of the adversarial phases is behind, in [0, 1], when `done` of the whole is."""
        return min(max((done - warmup) / max(1 - warmup, 1e-9), 0.0), 1.0)


class Descent:
    """One network's optimiser, whose rate and momentum are given anew with every step.

    Adam (Kingma and Ba 2015), or gradient descent with momentum as the paper of 2014 used it: v <- m v - rate g, and
    the weights move by v (torch's form keeps v / -rate, which is the same while the rate hardly changes).

    Args:
        network: whose weights move.
        config: `optimiser`, and Adam's decay rates.
    """

    def __init__(self, network: Network, config: GameConfig) -> None:
        self.network, self.ranks = network, current()
        self.params = list(network.parameters())
        self.max_column_norm = config.max_column_norm
        self.optimiser: torch.optim.Optimizer
        if config.optimiser == "adam":
            fused = self.params[0].device.type in ("cpu", "cuda")
            betas = (config.beta1, config.beta2)
            self.optimiser = torch.optim.Adam(self.params, lr=config.learning_rate, betas=betas, fused=fused)
        else:
            self.optimiser = torch.optim.SGD(self.params, lr=config.learning_rate, momentum=config.momentum)

    def gradients(self, loss: Tensor) -> Sequence[Tensor | None]:
        """Those of a scalar, weight by weight; asking for these alone spares those of the other network's weights.

        Of several processes the mean: one exchange of all numbers, whatever the loss was made of.
        """
        return self.ranks.mean_of_all(torch.autograd.grad(loss, self.params, allow_unused=True))

    def step(self, gradients: Sequence[Tensor | None], rate: float, **settings: float | tuple[float, float]) -> None:
        """One step down.

        Args:
            gradients: as `gradients` gives them.
            rate: the learning rate.
            settings: of the optimiser: betas for Adam, momentum for gradient descent.
        """
        for parameter, gradient in zip(self.params, gradients, strict=True):
            parameter.grad = None if gradient is None else _laid_out(gradient, parameter)
        self.optimiser.param_groups[0].update(lr=rate, **settings)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.network.constrain()
        if self.max_column_norm is not None:
            self._cut(self.max_column_norm)

    @torch.no_grad()
    def _cut(self, most: float) -> None:
        """Scales the weights into each unit whose norm is larger down to it."""
        for parameter in self.params:
            if parameter.dim() > 1:
                norms = parameter.flatten(1).norm(dim=1).view(-1, *[1] * (parameter.dim() - 1))
                parameter.mul_(most / norms.clamp_min(most))

    def state_tensors(self) -> dict[str, Tensor]:
        """The optimiser's tensors, `KEY.PARAMETER` -> tensor; those it works with, not copies."""
        return {
            f"{key}.{name}": value
            for name, parameter in self.network.named_parameters()
            for key, value in self.optimiser.state.get(parameter, {}).items()
            if value is not None
        }

    def load_state(self, tensors: dict[str, Tensor], device: torch.device) -> None:
        """Takes back what `state_tensors` gave.

        Raises:
            RuntimeError: they belong to other parameters.
        """
        self.optimiser.state.clear()
        parameters = dict(self.network.named_parameters())
        for title, value in tensors.items():
            key, _, name = title.partition(".")
            if name not in parameters or value.shape not in (parameters[name].shape, torch.Size()):
                raise RuntimeError(f"{title[:80]} is of no parameter")
            where = device if key != "step" or device.type == "cuda" else torch.device("cpu")
            parameter, value = parameters[name], value.to(where, copy=True)
            self.optimiser.state[parameter][key] = value if key == "step" else _laid_out(value, parameter)


def _laid_out(values: Tensor, like: Tensor) -> Tensor:
    """`values` in the order in memory of `like`, of the same shape.

    Convolutions give gradients in channels_last, and fused Adam on the CPU goes through memory as if every tensor were
    laid out like the parameter: without this it moves the wrong weights and says nothing.
    """
    return values if values.stride() == like.stride() else torch.empty_like(like).copy_(values)


class Totals:
    """Sums of what the steps since the last update gave, kept on the device so that no step waits for it."""

    def __init__(self) -> None:
        self._ranks = current()
        self.clear()

    def clear(self) -> None:
        """Forgets all."""
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, **values: Tensor) -> None:
        """Adds scalars under their names."""
        for name, value in values.items():
            value = value.detach()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """The means since the last update, over all processes; waits for the device."""
        names = list(self._sums)
        if not names:
            return {}
        values = self._ranks.mean(torch.stack([self._sums[n] for n in names])).tolist()
        means = {n: v / self._counts[n] for n, v in zip(names, values, strict=True)}
        self.clear()
        return means
