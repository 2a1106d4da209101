"""What networks of images, series and signals share: first weights, widths, resizing by two, margins, mixed precision.

Knows tensors only; never Spec, columns, files or kinds of data.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.errors import OptionError

SLOPE = 0.2
"""Slope of the leaky ReLU below zero, in G and in D."""

SMALLEST = 4
"""A shape is halved while both sides stay at least so long."""

EPSILON = 1e-4
"""Added to the mean square by which `normalised` divides."""

# --- first weights, widths, a norm ------------------------------------------------------------------------------------


def init_weights(layer: nn.Module, fan_in: float, gain: float = math.sqrt(2 / (1 + SLOPE**2))) -> None:
    """Sets weights to N(0, gain^2 / fan_in), which keeps the size of what passes (He et al. 2015, eq. 15), biases 0."""
    assert isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d)
    nn.init.normal_(layer.weight, 0, gain / math.sqrt(fan_in))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def convolution(before: int, after: int, kernel: int | tuple[int, int], stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """A convolution over images, its weights initialised."""
    layer = nn.Conv2d(before, after, kernel, stride, padding)
    init_weights(layer, layer.weight[0].numel())
    return layer


def convolution_in_time(before: int, after: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """A convolution over time, which is the last of two axes (`PiecewiseLinear` knows two), its weights initialised."""
    layer = nn.Conv2d(before, after, (1, kernel), (1, stride), (0, padding))
    init_weights(layer, layer.weight[0].numel())
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


# --- sides of images --------------------------------------------------------------------------------------------------


def halvings(height: int, width: int, depth: int | None = None) -> tuple[int, tuple[int, int]]:
    """How often an image is halved, and the shape that is left, rounded up.

    Args:
        height, width: of the image, at least 1.
        depth: how often, where the user says so; None = while both sides stay at least SMALLEST long.

    Returns:
        count, (rows, columns): `rows * 2**count >= height`, `columns * 2**count >= width`; what is too much is cut
        off after G and filled up before D.

    Raises:
        OptionError: it cannot be halved that often.

    >>> halvings(28, 28), halvings(32, 32), halvings(20, 28), halvings(45, 64)
    ((2, (7, 7)), (3, (4, 4)), (2, (5, 7)), (3, (6, 8)))
    """
    shorter = min(height, width)
    count = max(0, int(math.log2(max(shorter / SMALLEST, 1)))) if depth is None else depth
    if count < 0 or 2**count > shorter:
        raise OptionError(
            f"--depth {depth}: images of {width} x {height} can be halved {int(math.log2(shorter))} times at most. "
            "Give a smaller depth, or larger images with --size."
        )
    return count, (-(-height // 2**count), -(-width // 2**count))


def cut(x: Tensor, height: int, width: int) -> Tensor:
    """The middle [B, C, height, width] of x [B, C, H, W] with H >= height, W >= width."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def margins(height: int, width: int, rows: int, columns: int) -> tuple[int, int, int, int]:
    """Zeros left, right, above and below [height, width] in the middle of [rows, columns]."""
    high, wide = rows - height, columns - width
    return wide // 2, wide - wide // 2, high // 2, high - high // 2


def surround(x: Tensor, rows: int, columns: int) -> Tensor:
    """x [B, C, H, W] in the middle of zeros [B, C, rows, columns]; `cut` undoes it."""
    around = margins(x.shape[2], x.shape[3], rows, columns)
    return F.pad(x, around) if any(around) else x


def double(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, 2H, 2W], bilinear: the filter [1, 3, 3, 1] with the edge repeated.

    Off the CPU it is made of steps whose backward passes add in a fixed order (the bilinear kernel of CUDA does not,
    and a resumed training would differ from an uninterrupted one): the nearest neighbour, then twice the mean of two.
    """
    if x.device.type == "cpu":
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return double_by_means(x)


def double_by_means(x: Tensor) -> Tensor:
    """What `double` gives, in those steps."""
    x = F.interpolate(x, scale_factor=2, mode="nearest")
    # [a, a, b, b] -> [a, a, (a+b)/2, b, b] -> [a, (3a+b)/4, (a+3b)/4, b]
    return F.avg_pool2d(F.avg_pool2d(x, 2, stride=1, padding=1, count_include_pad=False), 2, stride=1)


# --- how it is computed -----------------------------------------------------------------------------------------------


def channels_last(x: Tensor) -> Tensor:
    """The same numbers, with the channels of a pixel side by side: what convolutions are fastest on."""
    return x.contiguous(memory_format=torch.channels_last)


def lay_out(network: nn.Module) -> None:
    """Puts the weights of convolutions in channels_last, which spares a copy with every use."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.data = channels_last(layer.weight.data)


def autocast(x: Tensor, multiply_in: torch.dtype) -> AbstractContextManager[None]:
    """A context in which layers multiply in `multiply_in`; that of float32 changes nothing, not even outside it."""
    context: AbstractContextManager[None] = torch.autocast(
        x.device.type, torch.bfloat16, enabled=multiply_in == torch.bfloat16
    )
    return context
