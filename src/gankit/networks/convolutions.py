"""What networks of pictures share: how often a shape is halved, resizing by two, margins, mixed precision.

Knows tensors only; never Spec's kinds, columns, files or data.
"""

from __future__ import annotations

import math
from contextlib import AbstractContextManager

import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.errors import OptionError

SMALLEST = 4
"""A shape is halved while both sides stay at least so long."""


def halvings(height: int, width: int, asked: int | None = None) -> tuple[int, tuple[int, int]]:
    """How often a picture is halved, and the shape that is left, rounded up.

    Args:
        height, width: of the picture, at least 1.
        asked: how often, where the user says so; None = while both sides stay at least SMALLEST long.

    Returns:
        count, (rows, columns): `rows * 2**count >= height`, `columns * 2**count >= width`; what is too much is cut
        off after G and filled up before D.

    Raises:
        OptionError: it cannot be halved that often.

    >>> halvings(28, 28), halvings(32, 32), halvings(20, 28), halvings(45, 64)
    ((2, (7, 7)), (3, (4, 4)), (2, (5, 7)), (3, (6, 8)))
    """
    shorter = min(height, width)
    count = max(0, int(math.log2(max(shorter / SMALLEST, 1)))) if asked is None else asked
    if count < 0 or 2**count > shorter:
        raise OptionError(
            f"--depth {asked}: pictures of {width} x {height} can be halved {int(math.log2(shorter))} times at most. "
            "Give a smaller depth, or larger pictures with --size."
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


def channels_last(x: Tensor) -> Tensor:
    """The same numbers, with the channels of a pixel side by side: what convolutions are fastest on."""
    return x.contiguous(memory_format=torch.channels_last)


def mixed(x: Tensor, multiply_in: torch.dtype) -> AbstractContextManager[None]:
    """A context in which layers multiply in `multiply_in`; that of float32 changes nothing, not even outside it."""
    context: AbstractContextManager[None] = torch.autocast(
        x.device.type, torch.bfloat16, enabled=multiply_in == torch.bfloat16
    )
    return context
