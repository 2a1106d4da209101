"""What the pairs `recurrent` and `attention` share: a vector for every step, a body that carries them, and a way out.

Knows Spec and tensors; never columns, files or kinds of data.

The two differ in their body alone, which takes vectors [B, T, W] and gives vectors [B, T, W]. Each step of G begins
with z and c, mixtures of z that are its own, and its place in time; each step of D with its record's numbers and its
place. D takes the mean over time of what its body gives. A condition enters D by projection (Miyato and Koyama 2018,
eq. 4). What was measured: benchmarks/series_networks.md.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import Discriminator, Generator
from gankit.networks.blocks import BlockOutput
from gankit.spec import Spec

SLOPE = 0.2
"""Slope of the leaky ReLU below zero."""

OWN = 16
"""Mixtures of z that each step has for itself: without them steps that are noise would hang together."""


def places(num_steps: int, width: int) -> Tensor:
    """[T, W] sines and cosines of the step, of wave lengths from 2 pi to 2 T pi (after Vaswani et al. 2017, 3.5)."""
    waves = torch.exp(-math.log(max(num_steps, 2)) * torch.arange(0, width, 2) / width)
    angles = torch.arange(num_steps)[:, None] * waves
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :width]


class StepwiseGenerator(Generator):
    """G: z, c and the place in time to a vector a step, through a body, to a record.

    Args:
        spec: a sequence of any T and D.
        condition: the spec of c, or None.
        body: [B, T, W] -> [B, T, W].
        width: W.
        num_latents: numbers of z.
        temperature: of the straight-through softmax, see `BlockOutput`.
    """

    def __init__(
        self,
        spec: Spec,
        condition: Spec | None,
        body: nn.Module,
        width: int,
        num_latents: int,
        temperature: float = 0.5,
    ) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents, self.body = spec, condition, num_latents, body
        num_steps, numbers = spec.shape
        self.from_latent = nn.Linear(num_latents, width)
        self.from_condition = None if condition is None else nn.Linear(condition.dim, width, bias=False)
        self.own = nn.Linear(num_latents, num_steps * OWN, bias=False)
        self.from_own = nn.Linear(OWN, width, bias=False)
        self.time = nn.Parameter(places(num_steps, width))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, numbers)
        self.output = BlockOutput(Spec("vector", (numbers,), spec.blocks), temperature)
        self.num_uniforms = num_steps * self.output.num_uniforms

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        num_steps, numbers = self.spec.shape
        start = self.from_latent(z)  # [B, num_latents] -> [B, W]
        if self.from_condition is not None:
            start = start + self.from_condition(c)
        own = self.from_own(self.own(z).unflatten(1, (num_steps, OWN)))  # [B, num_latents] -> [B, T, W]
        raw = self.head(self.norm(self.body(start[:, None] + own + self.time)))  # -> [B, T, D]
        chosen: Tensor = self.output(raw.reshape(-1, numbers), u.reshape(len(z) * num_steps, -1))
        return chosen.view(-1, num_steps, numbers)


class StepwiseDiscriminator(Discriminator):
    """D: a vector a step, through a body, its mean over time to features, and their product with a vector of c.

    Arguments as those of `StepwiseGenerator`.
    """

    def __init__(self, spec: Spec, condition: Spec | None, body: nn.Module, width: int) -> None:
        super().__init__()
        self.spec, self.condition, self.body = spec, condition, body
        num_steps, numbers = spec.shape
        self.from_step = nn.Linear(numbers, width)
        self.time = nn.Parameter(places(num_steps, width))
        self.features = nn.Linear(width, width)
        self.head = nn.Linear(width, 1)
        self.projection = None if condition is None else nn.Linear(condition.dim, width, bias=False)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        h = self.body(self.from_step(x) + self.time).mean(1)  # [B, T, D] -> [B, T, W] -> [B, W]
        h = F.leaky_relu(self.features(h), SLOPE)
        logits: Tensor = self.head(h).squeeze(1)
        return logits if self.projection is None else logits + (h * self.projection(c)).sum(1)
