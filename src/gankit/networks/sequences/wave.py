"""The pair for raw signals: WaveGAN's one-dimensional convolutions of kernel 25 and stride 4 (Donahue et al. 2019).

Knows Spec and tensors; never columns, files or kinds of data.

As there, each stage of D makes a signal four times shorter and each stage of G four times longer, and D has no
normalisation. Where it departs from the paper, it is for what a processor can do in minutes: the first stage of D puts
every four samples into channels (an isometry, so gradients keep their norms) before its convolution, and G does the
reverse; widths start small; and D does not shift what it sees between its layers (phase shuffle) but once, before the
first, by as many samples, so that it stays piecewise linear and can say its own input gradient (`PiecewiseLinear`).
A condition is joined with z in G with as much weight as z has, and enters D by projection (Miyato and Koyama 2018, eq.
4). What was measured: benchmarks/audio.md.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import Networks, Pair, Task
from gankit.networks.layers import (
    HIDDEN,
    SLOPE,
    ConvolutionalDiscriminator,
    ConvolutionalGenerator,
    autocast,
    convolution_in_time,
    init_weights,
    lay_out,
    normalised,
    widths_of,
)
from gankit.spec import Spec

KERNEL, STRIDE, PADDING = 25, 4, 11
"""Of a stage (Donahue et al. 2019, appendix D)."""

SHORTEST = 16
"""A signal is made shorter while at least so many steps stay."""

WIDEST = 8
"""Widths double from stage to stage up to this multiple of the first."""

SHUFFLE = 2 * STRIDE
"""Samples by which D shifts what it sees, at most: two steps after its first stage, the paper's n = 2."""

FIRST_WEIGHT = 1 / 260
"""Of the penalty, for a number of a signal of mean square 1: that of images of MNIST's size (benchmarks/audio.md). The
gradient's squared norm is a sum over all samples, and the smaller they are the larger it must be."""


def quarterings(num_steps: int) -> tuple[int, int]:
    """How often a signal is made four times shorter, and the steps that are left, rounded up.

    >>> quarterings(8192), quarterings(16384), quarterings(1000), quarterings(10)
    ((4, 32), (5, 16), (2, 63), (0, 10))
    """
    count = max(0, int(math.log(max(num_steps / SHORTEST, 1)) / math.log(STRIDE) + 1e-9))
    return count, -(-num_steps // STRIDE**count)


class WaveGenerator(ConvolutionalGenerator):
    """G: z and c through two dense layers to a few steps of many channels, made four times longer until they are T.

    What is too much is cut off at the end.
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, num_latents: int) -> None:
        super().__init__(spec, condition, num_latents)
        num_steps, channels = spec.shape
        stages, self.base = quarterings(num_steps)
        widths = widths_of(width, stages, WIDEST) or [width]
        self._init_dense(widths[-1], self.base)
        self.longer = nn.ModuleList()
        for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True):
            layer = nn.ConvTranspose2d(before, after, (1, KERNEL), (1, STRIDE), (0, PADDING), (0, 1))
            init_weights(layer, before * KERNEL / STRIDE)
            self.longer.append(layer)
        self.steps_together = STRIDE if stages else 1  # samples that come from one step
        self.to_samples = convolution_in_time(widths[0], channels * self.steps_together, 7, padding=3)
        init_weights(self.to_samples, 7 * widths[0], 0.3)
        lay_out(self)

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        num_steps, channels = self.spec.shape
        with autocast(z, self.multiply_in):
            h = self._dense(z, c, 1, self.base, -1).permute(0, 3, 1, 2)  # -> [B, C, 1, L]
            h = F.leaky_relu(normalised(h), SLOPE)
            for layer in self.longer:
                h = F.leaky_relu(normalised(layer(h)), SLOPE)  # [B, C, 1, L] -> [B, C / 2, 1, 4 L]
            raw = self.to_samples(h).float()
        x = raw.permute(0, 2, 3, 1).reshape(z.shape[0], -1, channels)  # [B, 4 C, 1, T / 4] -> [B, T, C]
        return torch.tanh(x[:, :num_steps])


class WaveDiscriminator(ConvolutionalDiscriminator):
    """D: strided convolutions over time, see `ConvolutionalDiscriminator`.

    u, where it is given, shifts each signal by up to `SHUFFLE` samples or an eighth of it, with zeros behind. The input
    gradient is that by the shifted signal: its norm differs by the few samples that were shifted out.
    """

    num_uniforms = 1

    def __init__(self, spec: Spec, condition: Spec | None, width: int) -> None:
        super().__init__(spec, condition)
        num_steps, channels = spec.shape
        stages, _ = quarterings(num_steps)
        self.reach = min(SHUFFLE, num_steps // 8)  # of a few samples a shift would leave nothing
        self.steps_together = STRIDE if stages and num_steps % STRIDE == 0 else 1
        layers, length, before = [], num_steps // self.steps_together, channels * self.steps_together
        for i, after in enumerate(widths_of(width, stages, WIDEST)):
            if i == 0 and self.steps_together == STRIDE:
                layers.append(convolution_in_time(before, after, 7, padding=3))
            else:
                layers.append(convolution_in_time(before, after, KERNEL, STRIDE, PADDING))
                length = (length + 2 * PADDING - KERNEL) // STRIDE + 1
            before = after
        layers.append(convolution_in_time(before, HIDDEN, length))
        self._init_chain(layers)

    def _rearranged(self, x: Tensor, u: Tensor | None) -> Tensor:
        if u is not None:
            x = shifted(x, ((2 * self.reach + 1) * u[:, 0]).long() - self.reach)
        # [B, T, C] -> [B, 4 C, 1, T / 4]
        return x.reshape(len(x), 1, -1, self.steps_together * x.shape[2]).permute(0, 3, 1, 2)


def shifted(x: Tensor, by: Tensor) -> Tensor:
    """Signals moved to later times, zeros where nothing was. x: [B, T, C]; by: [B] int64, of samples.

    >>> shifted(torch.tensor([[[1.0], [2.0], [3.0]]] * 2), torch.tensor([1, -1]))[:, :, 0].tolist()
    [[0.0, 1.0, 2.0], [2.0, 3.0, 0.0]]
    """
    places = torch.arange(x.shape[1], device=x.device) - by[:, None]  # [B, T]
    inside = (places >= 0) & (places < x.shape[1])
    found = x.gather(1, places.clamp(0, x.shape[1] - 1)[:, :, None].expand_as(x))
    return found * inside[:, :, None]


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` = channels at a quarter of the full length (16)."""
    return WaveGenerator(spec, condition, width or 16, num_latents), WaveDiscriminator(spec, condition, width or 16)


def _recipe(task: Task) -> dict[str, Any]:
    return {
        "batch": task.batch_of(32),
        "learning_rate": 2e-3,
        "gap_target": 0.15,
        "first_weight": FIRST_WEIGHT * task.spec.dim * task.mean_square,
        "ema_half_life": float(min(max(2 * task.rows, 5_000), 50_000)),
    }


PAIR = Pair(
    "wave", ("signal",), _build, recipe=_recipe, bfloat16=("sequence",),
    unused={"depth": "the stages of network wave follow from the length"},
)  # fmt: skip
