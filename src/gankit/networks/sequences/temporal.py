"""The pair for sequences: strided convolutions over time, few of them at full length.

Knows Spec and tensors; never columns, files or kinds of data.

It is the pair `strided` with one axis: D puts every two steps into channels before its first convolution, from there on
each stage halves the time by a convolution of kernel 4 and stride 2, and G does the reverse of that. D has no
normalisation, which would couple the gradients that are penalised, and G no batch statistics. G ends in a linear layer
for continuous numbers and in straight-through choices for one-of-K blocks. A condition is joined with z in G with as
much weight as z has, and enters D by projection (Miyato and Koyama 2018, eq. 4). What was measured:
benchmarks/series_networks.md.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gankit.networks.base import Axes, Axis, Networks, Pair, Task
from gankit.networks.blocks import BlockOutput
from gankit.networks.layers import (
    HIDDEN,
    ConvolutionalDiscriminator,
    ConvolutionalGenerator,
    autocast,
    convolution_in_time,
    halving_layers,
    halvings,
    init_weights,
    widths_of,
)
from gankit.spec import Spec

WIDEST = 4
"""Widths double from stage to stage up to this multiple of the first."""


class TemporalGenerator(ConvolutionalGenerator):
    """G: z and c through two dense layers to a few steps of many channels, whose number is doubled until it is T.

    What the last doubling has too much is cut off at the end.
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> None:
        super().__init__(spec, condition, num_latents)
        num_steps, numbers = spec.shape
        stages, (self.base, _) = halvings(num_steps, num_steps)
        widths = widths_of(width, stages, WIDEST) or [width]
        self._init_dense(widths[-1], self.base)
        self._init_stages(widths, depth, nn.Conv1d, nn.ConvTranspose1d)
        self.steps_together = 2 if stages else 1  # steps that come from one place
        self.to_steps = nn.Conv1d(widths[0], numbers * self.steps_together, 3, padding=1)
        init_weights(self.to_steps, 3 * widths[0], 1.0)
        with torch.no_grad():  # they start equal, or their difference is a ripple
            weight = self.to_steps.weight.view(self.steps_together, numbers, -1)
            weight.copy_(weight[:1].clone().expand_as(weight))
        self.output = BlockOutput(Spec("vector", (numbers,), spec.blocks))
        self.num_uniforms = num_steps * self.output.num_uniforms

    def axes(self) -> Axes:
        """See `Network.axes`."""
        made = Axis(((self.steps_together, "numbers"),))
        return {"to_steps.weight": {0: made}, "to_steps.bias": {0: made}}

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        num_steps, numbers = self.spec.shape
        with autocast(z, self.multiply_in):
            h = self._grown(self._dense(z, c, -1, self.base))  # -> [B, C, L]
        # numbers that leave in bfloat16 would lie on a grid of 256 to the octave, which anyone sees
        raw = self.to_steps(h.float()).transpose(1, 2)  # -> [B, L, together * D]
        raw = raw.reshape(z.shape[0], -1, numbers)[:, :num_steps]
        chosen: Tensor = self.output(raw.reshape(-1, numbers), u.reshape(raw.shape[0] * num_steps, -1))
        return chosen.view(-1, num_steps, numbers)


class TemporalDiscriminator(ConvolutionalDiscriminator):
    """D: strided convolutions over time, see `ConvolutionalDiscriminator`."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__(spec, condition)
        num_steps, numbers = spec.shape
        stages, _ = halvings(num_steps, num_steps)
        self.steps_together = 2 if stages and num_steps % 2 == 0 else 1  # steps side by side in one place: an isometry
        widths = widths_of(width, stages, WIDEST)
        layers = halving_layers(numbers, widths, depth, self.steps_together, convolution_in_time)
        last = convolution_in_time([numbers, *widths][-1], HIDDEN, num_steps >> stages)
        self._init_chain([*layers, last])

    def axes(self) -> Axes:
        """See `Network.axes`."""
        return {"chain.convolutions.0.weight": {1: Axis(((self.steps_together, "numbers"),), enters=True)}}

    def _rearranged(self, x: Tensor, u: Tensor | None) -> Tensor:
        # [B, T, D] -> [B, 2D, 1, T/2]
        return x.reshape(len(x), 1, -1, self.steps_together * x.shape[2]).permute(0, 3, 1, 2)


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` = channels at half of the full length (64), `depth` = further convolutions in each stage (0)."""
    width, depth = width or 64, depth or 0
    generator = TemporalGenerator(spec, condition, width, depth, num_latents)
    return generator, TemporalDiscriminator(spec, condition, width, depth)


def _recipe(task: Task) -> dict[str, Any]:
    # benchmarks/series_networks.md
    return {"batch": min(64, task.rows), "gap_speed": 0.2}


PAIR = Pair("temporal", ("sequence",), _build, recipe=_recipe, bfloat16=("sequence",))
