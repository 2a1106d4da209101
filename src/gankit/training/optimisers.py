"""The optimisers of a game: Adam, and the momentum of 2014; and the running sums that no step waits for.

Knows parameters, gradients and scalars; never networks, losses or data.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gankit.training.plan import GameConfig


class Descent:
    """One network's optimiser, whose rate and momentum are given anew with every step.

    Adam (Kingma and Ba 2015), or gradient descent with momentum as the paper of 2014 used it: v <- m v - rate g, and
    the weights move by v (torch's form keeps v / -rate, which is the same while the rate hardly changes).

    Args:
        network: whose weights move.
        config: `optimiser`, and Adam's decay rates.
    """

    def __init__(self, network: nn.Module, config: GameConfig) -> None:
        self.network = network
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
        """Those of a scalar, weight by weight; asking for these alone spares those of the other network's weights."""
        return torch.autograd.grad(loss, self.params, allow_unused=True)

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
        """Takes back what `state_tensors` gave."""
        self.optimiser.state.clear()
        for title, value in tensors.items():
            key, name = title.split(".", 1)
            where = device if key != "step" or device.type == "cuda" else torch.device("cpu")
            parameter, value = self.network.get_parameter(name), value.to(where, copy=True)
            self.optimiser.state[parameter][key] = value if key == "step" else _laid_out(value, parameter)


def _laid_out(values: Tensor, like: Tensor) -> Tensor:
    """`values` in the order in memory of `like`, of the same shape.

    Convolutions give gradients in channels_last, and fused Adam on the CPU goes through memory as if every tensor were
    laid out like the parameter: without this it moves the wrong weights and says nothing.
    """
    return values if values.stride() == like.stride() else torch.empty_like(like).copy_(values)


class Totals:
    """Sums of what the steps since the last look gave, kept on the device so that no step waits for it."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
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
        """The means since the last look; waits for the device."""
        names = list(self._sums)
        if not names:
            return {}
        values = torch.stack([self._sums[n] for n in names]).tolist()
        means = {n: v / self._counts[n] for n, v in zip(names, values, strict=True)}
        self.clear()
        return means
