"""What StyleGAN2's two networks share: sizes, dense layers of equalised learning rate, and the mapping network.

Knows Spec and tensors; never columns, files or kinds of data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.spec import Spec

SLOPE = 0.2
"""Slope of the leaky ReLU below zero; its gain, sqrt 2, is folded into the weights before it."""

GAIN = math.sqrt(2)

CLAMP = 256.0
"""Limit, either way, of what a layer gives in a type of low precision (Karras et al. 2020b, on mixed precision)."""

LOW_LEVELS = 4
"""Levels, from the highest resolution down, that multiply in `multiply_in` on a GPU; on a CPU all of them do."""

MAPPING_RATE = 0.01
"""Learning rate of the mapping network as a share of the others'."""

SMALL_SIDE = 32
"""Images of no more pixels than a square of this side count as small, as CIFAR-10 does in the papers."""

MIDDLE_SIDE = 256
"""Images of more pixels than a square of this side get config F's channels; up to it the fewer of "paper256"."""


@dataclass(frozen=True)
class Pyramid:
    """The resolutions of a pair of networks: level 0 is the base, each further level twice as high and wide.

    base: height and width of level 0.
    doublings: levels after the base.
    """

    base: tuple[int, int]
    doublings: int

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of each level, from the base up."""
        return tuple((self.base[0] << k, self.base[1] << k) for k in range(self.doublings + 1))


def pyramid_of(height: int, width: int) -> Pyramid:
    """The resolutions for images of `height` by `width`: those of least area that cover them.

    The base has 8 to 63 pixels, so that 32 starts at 4x4, 28 at 7x7, 48x64 at 3x4; of equals the one nearest to 16
    pixels is taken. Sizes that no such base reaches are covered by the next larger ones.

    Example:
        >>> pyramid_of(1024, 1024).sizes[:2], pyramid_of(28, 28).base, pyramid_of(48, 64).base
        (((4, 4), (8, 8)), (7, 7), (3, 4))
        >>> pyramid_of(100, 100).sizes[-1]
        (112, 112)
    """
    found: list[tuple[int, float, Pyramid]] = []
    for doublings in range(max(height, width).bit_length()):
        base = (-(-height >> doublings), -(-width >> doublings))  # rounded up
        pixels = base[0] * base[1]
        if doublings == 0 or 8 <= pixels < 64:
            found.append((pixels << (2 * doublings), abs(math.log2(pixels / 16)), Pyramid(base, doublings)))
    if len(found) > 1:
        found = [f for f in found if 8 <= f[2].base[0] * f[2].base[1] < 64]
    return min(found, key=lambda f: f[:2])[2]


def is_small(spec: Spec) -> bool:
    """Whether the papers' settings for CIFAR-10 (32 x 32) apply to images of this size."""
    return spec.shape[1] * spec.shape[2] <= SMALL_SIDE**2


def channels_of(spec: Spec, pyramid: Pyramid, width: int) -> tuple[int, ...]:
    """Channels of each level: min(width, width * S / side), S = 64 for large images and 32 for others.

    With width 512 that is config F (Karras et al. 2020a: 32768 / side, at most 512) above 256 x 256 pixels, and half
    of it ("paper256" of Karras et al. 2020b) up to there. The side is the power of two nearest to sqrt(H W).
    """
    knee = 64 if spec.shape[1] * spec.shape[2] > MIDDLE_SIDE**2 else 32
    sides = [2 ** round(math.log2(h * w) / 2) for h, w in pyramid.sizes]
    return tuple(max(1, min(width, width * knee // side)) for side in sides)


def types_of(
    pyramid: Pyramid, plain: torch.dtype, multiply_in: torch.dtype, device: torch.device
) -> tuple[torch.dtype, ...]:
    """The type that the convolutions of each level multiply in, from the base up.

    Args:
        pyramid: the levels.
        plain: the type of the weights.
        multiply_in: float32 for the type of the weights everywhere; a type of low precision for that one in the highest
            LOW_LEVELS levels, without the base, on a GPU, and in all levels on a CPU.
        device: where it is computed.
    """
    count = pyramid.doublings + 1
    if multiply_in == torch.float32:
        return (plain,) * count
    first = 0 if device.type == "cpu" else max(1, count - LOW_LEVELS)
    return tuple(multiply_in if level >= first else plain for level in range(count))


def is_low(dtype: torch.dtype) -> bool:
    """Whether numbers of the type have fewer than 32 bits."""
    return dtype.itemsize < 4


def activate(x: Tensor) -> Tensor:
    """The leaky ReLU, in place: x must be a result that nothing else reads. In low precision also the limit CLAMP."""
    if not is_low(x.dtype):
        return F.leaky_relu_(x, SLOPE)
    result: Tensor = _LimitedReLU.apply(x)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return result


class _LimitedReLU(torch.autograd.Function):
    """clamp(leaky ReLU(x), -CLAMP, CLAMP) in place; on a CPU a clamp of its own costs more than the ReLU.

    All that its derivative needs is the result. It can be differentiated as often as one likes.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        result = F.leaky_relu_(x, SLOPE).clamp_(-CLAMP, CLAMP)
        ctx.mark_dirty(x)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # piecewise linear: the second derivative in x is zero, so only the gradient is followed further
        result = ctx.saved_tensors[0].detach()
        inside = torch.ops.aten.hardtanh_backward(gradient, result, -CLAMP, CLAMP)
        slope: Tensor = torch.ops.aten.leaky_relu_backward(inside, result, SLOPE, True)
        return slope


def unit_second_moment(x: Tensor) -> Tensor:
    """x / sqrt(mean(x^2)) along the last axis ("pixel norm"), [..., D] -> [..., D]."""
    result: Tensor = x * (x.square().mean(-1, keepdim=True) + 1e-8).rsqrt()
    return result


class EqualisedLinear(nn.Module):
    """W x / sqrt(I) + b with W starting in N(0, 1), so that all weights move at one relative speed.

    Equalised learning rate: Karras et al. 2018, section 4.1. With a `rate` below 1 the stored weights are 1/rate times
    as large and are scaled at run time, which under Adam is a learning rate of `rate`.

    Args:
        inputs, outputs: numbers in and out.
        rate: learning rate as a share of the optimiser's.
        gain: factor of the result.
        bias: where the bias starts; None = no bias.
    """

    def __init__(
        self, inputs: int, outputs: int, rate: float = 1.0, gain: float = 1.0, bias: float | None = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs).normal_() / rate)
        self.bias = None if bias is None else nn.Parameter(torch.full((outputs,), bias / rate))
        self.weight_scale = gain * rate / math.sqrt(inputs)
        self.bias_scale = gain * rate

    def forward(self, x: Tensor) -> Tensor:
        """[B, I] -> [B, O]."""
        bias = self.bias if self.bias is None or self.bias_scale == 1 else self.bias * self.bias_scale
        return F.linear(x, self.weight * self.weight_scale, bias)


class Mapping(nn.Module):
    """The mapping network: z and c, each brought to unit second moment and joined, through dense layers to w.

    Args:
        num_latents: numbers of z; 0 = it maps c alone.
        condition: the spec of c, or None.
        width: units of every layer, the embedding of c and w among them.
        depth: layers.
    """

    def __init__(self, num_latents: int, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__()
        self.embedding = None if condition is None else EqualisedLinear(condition.dim, width, bias=None)
        sizes = [num_latents + (0 if condition is None else width)] + [width] * depth
        self.layers = nn.ModuleList(
            EqualisedLinear(before, after, rate=MAPPING_RATE, gain=GAIN) for before, after in pairwise(sizes)
        )

    def forward(self, z: Tensor | None, c: Tensor | None) -> Tensor:
        """z [B, num_latents] or None, c [B, K] or None -> w [B, width]."""
        parts = [] if z is None else [unit_second_moment(z)]
        if self.embedding is not None:
            parts.append(unit_second_moment(self.embedding(c)))
        w = torch.cat(parts, 1)
        for layer in self.layers:
            w = F.leaky_relu_(layer(w), SLOPE)
        return w
