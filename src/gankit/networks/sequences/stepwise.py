"""The pairs `recurrent` and `attention` for series: a vector for every step, a body that carries them, and a way out.

Knows Spec and tensors; never columns, files or kinds of data.

The two differ in their body alone, which takes vectors [B, T, W] and gives vectors [B, T, W]. Each step of G begins
with z and c, mixtures of z that are its own, and its place in time; each step of D with its record's numbers and its
place. D takes the mean over time of what its body gives. A condition enters D by projection (Miyato and Koyama 2018,
eq. 4). What was measured: benchmarks/series_networks.md.

`recurrent`: gated recurrent units over time, G's forwards and D's both ways: the networks of the recurrent GANs
(Esteban et al. 2017; TimeGAN: Yoon et al. 2019) in the game of this project, without their autoencoders. `attention`:
every step looks at every other; blocks after Vaswani et al. 2017 with the normalisation in front of each part (Xiong et
al. 2020).
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import NUMBERS, STEPS, Axes, Axis, Discriminator, Generator, Networks, Pair
from gankit.networks.blocks import BlockOutput
from gankit.networks.layers import SLOPE, add_condition
from gankit.spec import Spec

OWN = 16
"""Mixtures of z that each step has for itself: without them steps that are noise would correlate."""

HEAD = 16
"""Numbers that one head of the attention compares steps by."""


def places(num_steps: int, width: int) -> Tensor:
    """[T, W] sines and cosines of the step, of wave lengths from 2 pi to 2 T pi (after Vaswani et al. 2017, 3.5)."""
    waves = torch.exp(-math.log(max(num_steps, 2)) * torch.arange(0, width, 2) / width)
    angles = torch.arange(num_steps)[:, None] * waves
    return torch.stack([angles.sin(), angles.cos()], 2).flatten(1)[:, :width]


class StepwiseGenerator(Generator):
    """G: z, c and the place in time to a vector a step, through a body [B, T, W] -> [B, T, W], to a record."""

    def __init__(self, spec: Spec, condition: Spec | None, body: nn.Module, width: int, num_latents: int) -> None:
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
        self.output = BlockOutput(Spec("vector", (numbers,), spec.blocks))
        self.num_uniforms = num_steps * self.output.num_uniforms

    def axes(self) -> Axes:
        """See `Network.axes`."""
        own = Axis((("steps", OWN),))
        return {"head.weight": {0: NUMBERS}, "head.bias": {0: NUMBERS}, "own.weight": {0: own}, "time": {0: STEPS}}

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        num_steps, numbers = self.spec.shape
        start = add_condition(self.from_latent(z), self.from_condition, c)  # [B, num_latents] -> [B, W]
        own = self.from_own(self.own(z).unflatten(1, (num_steps, OWN)))  # [B, num_latents] -> [B, T, W]
        raw = self.head(self.norm(self.body(start[:, None] + own + self.time)))  # -> [B, T, D]
        chosen: Tensor = self.output(raw.reshape(-1, numbers), u.reshape(z.shape[0] * num_steps, -1))
        return chosen.view(-1, num_steps, numbers)


class StepwiseDiscriminator(Discriminator):
    """D: a vector a step, through a body, its mean over time to features, and their product with a vector of c."""

    def __init__(self, spec: Spec, condition: Spec | None, body: nn.Module, width: int) -> None:
        super().__init__()
        self.spec, self.condition, self.body = spec, condition, body
        num_steps, numbers = spec.shape
        self.from_step = nn.Linear(numbers, width)
        self.time = nn.Parameter(places(num_steps, width))
        self.features = nn.Linear(width, width)
        self.head = nn.Linear(width, 1)
        self.projection = None if condition is None else nn.Linear(condition.dim, width, bias=False)

    def axes(self) -> Axes:
        """See `Network.axes`."""
        return {"from_step.weight": {1: Axis((("numbers",),), enters=True)}, "time": {0: STEPS}}

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        h = self.body(self.from_step(x) + self.time).mean(1)  # [B, T, D] -> [B, T, W] -> [B, W]
        h = F.leaky_relu(self.features(h), SLOPE)
        logits: Tensor = self.head(h).squeeze(1)
        return logits if self.projection is None else logits + (h * self.projection(c)).sum(1)


class Recurrence(nn.Module):
    """`depth` layers of gated recurrent units over time, from a learned first state of `width` numbers.

    Args:
        width, depth: of the vectors and of the state; layers.
        both_ways: whether a second chain goes backwards in time.
    """

    def __init__(self, width: int, depth: int, both_ways: bool) -> None:
        super().__init__()
        self.units = nn.GRU(width, width, depth, batch_first=True, bidirectional=both_ways)
        ways = 2 if both_ways else 1
        self.start = nn.Parameter(torch.zeros(ways * depth, 1, width))
        self.merge = nn.Linear(ways * width, width)

    def forward(self, h: Tensor) -> Tensor:
        """[B, T, W] -> [B, T, W]."""
        with torch.backends.cudnn.flags(enabled=False):  # whose units cannot be differentiated twice
            states, _ = self.units(h, self.start.expand(-1, h.shape[0], -1).contiguous())
        merged: Tensor = self.merge(states)
        return merged


class AttentionBlock(nn.Module):
    """h + attention(norm h), and to that a dense layer of twice the width W."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_heads = max(h for h in range(1, max(1, width // HEAD) + 1) if width % h == 0)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.compared = nn.Linear(width, 3 * width)
        self.looked_up = nn.Linear(width, width)
        self.widened, self.narrowed = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, h: Tensor) -> Tensor:
        """[B, T, W] -> [B, T, W]."""
        # [B, T, W] -> three of [B, heads, T, W / heads]
        queries, keys, values = (
            self.compared(self.norms[0](h)).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        )
        # written out: the fused attention cannot be differentiated twice, as a penalty has to
        weights = (queries @ keys.transpose(2, 3) / math.sqrt(queries.shape[-1])).softmax(-1)
        h = h + self.looked_up((weights @ values).transpose(1, 2).flatten(2))
        added: Tensor = self.narrowed(F.leaky_relu(self.widened(self.norms[1](h)), SLOPE))
        return h + added


def _recurrent(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` = numbers of the state (64), `depth` = layers of units (1)."""
    width, depth = width or 64, depth or 1
    generator = StepwiseGenerator(spec, condition, Recurrence(width, depth, both_ways=False), width, num_latents)
    return generator, StepwiseDiscriminator(spec, condition, Recurrence(width, depth, both_ways=True), width)


def _attention(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` = numbers of a step's vector (64), `depth` = blocks (2)."""
    width, depth = width or 64, depth or 2

    def body() -> nn.Module:  # made with its network: the order of the initial draws is part of a model's bits
        return nn.Sequential(*(AttentionBlock(width) for _ in range(depth)))

    generator = StepwiseGenerator(spec, condition, body(), width, num_latents)
    return generator, StepwiseDiscriminator(spec, condition, body(), width)


RECURRENT = Pair("recurrent", ("sequence",), _recurrent, bfloat16=("sequence",))
ATTENTION = Pair("attention", ("sequence",), _attention, bfloat16=("sequence",))
