"""What the pairs of strided convolutions share, over pictures, series and signals: first weights, widths, a norm.

Knows tensors only; never Spec, columns, files or data.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gankit.networks.convolutions import channels_last

SLOPE = 0.2
"""Slope of the leaky ReLU below zero, in G and in D."""

HIDDEN = 256
"""Units of the dense layers: G's first one and D's last one."""

EPSILON = 1e-4
"""Added to the mean square by which `normalised` divides."""


def started(layer: nn.Module, fan_in: float, gain: float = math.sqrt(2 / (1 + SLOPE**2))) -> None:
    """Sets weights to N(0, gain^2 / fan_in), which keeps the size of what passes (He et al. 2015, eq. 15), biases 0."""
    assert isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d)
    nn.init.normal_(layer.weight, 0, gain / math.sqrt(fan_in))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def convolution(before: int, after: int, kernel: int | tuple[int, int], stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """A convolution over pictures, its weights started."""
    layer = nn.Conv2d(before, after, kernel, stride, padding)
    started(layer, layer.weight[0].numel())
    return layer


def convolution_in_time(before: int, after: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """A convolution over time, which is the last of two axes (`PiecewiseLinear` knows two), its weights started."""
    layer = nn.Conv2d(before, after, (1, kernel), (1, stride), (0, padding))
    started(layer, layer.weight[0].numel())
    return layer


def widths_of(width: int, stages: int, widest: int) -> list[int]:
    """Channels after each stage of D, from the largest record to the smallest: doubled, up to `widest` times the first.

    >>> widths_of(32, 4, 4)
    [32, 64, 128, 128]
    """
    return [width * min(2**i, widest) for i in range(stages)]


def normalised(h: Tensor) -> Tensor:
    """h [B, C, ...] with mean square 1 over the channels of every place (Karras et al. 2018, section 4.2)."""
    scale = torch.rsqrt(h.square().mean(1, keepdim=True, dtype=torch.float32) + EPSILON)
    return h * scale.to(h.dtype)


def lay_out(network: nn.Module) -> None:
    """Puts the weights of convolutions in channels_last, which spares a copy with every use."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.data = channels_last(layer.weight.data)
