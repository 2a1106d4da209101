"""Twice the size, half the size, and the low-pass filter between them, for images in StyleGAN2.

Knows tensors; never networks, columns, files or kinds of data.

The filter is [1, 3, 3, 1] / 8 along each axis (Karras et al. 2020). Outside its borders
an image counts as zero. Everything is an ordinary operation of torch, so it is differentiable as often as one likes,
runs on every device and exports.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

TAPS = (1 / 8, 3 / 8, 3 / 8, 1 / 8)
"""The filter along one axis; it sums to 1."""


def blur(x: Tensor, padding: int, gain: float = 1.0, step: int = 1) -> Tensor:
    """The low-pass filter over `padding` zeros at each border.

    Args:
        x: [B, C, H, W] of any floating type.
        padding: zeros on each side, 0 or more.
        gain: factor of the result.
        step: from one pixel of the result to the next.

    Returns:
        [B, C, H + 2 padding - 3, W + 2 padding - 3], or that divided by `step`, rounded up.
    """
    channels = x.shape[1]
    taps = torch.tensor(TAPS, dtype=x.dtype, device=x.device)
    kernel = (gain * taps.outer(taps)).expand(channels, 1, 4, 4)
    # one pass over all channels; two passes along the axes are slower for four taps (benchmarks/stylegan2_step.md)
    return F.conv2d(x, kernel, stride=step, padding=padding, groups=channels)


def upsample(x: Tensor) -> Tensor:
    """Twice as high and wide: [B, C, H, W] -> [B, C, 2H, 2W].

    Zeros between the pixels, then the filter with gain 4. Away from the borders that is bilinear interpolation: .75 of
    the nearer and .25 of the farther pixel along each axis. So it is bilinear interpolation with one row and column of
    zeros around, and that is how it is computed, by sums of shifted images: their gradient is deterministic everywhere.
    """
    for axis in (2, 3):
        zero = torch.zeros_like(x.narrow(axis, 0, 1))
        size = x.shape[axis]
        around = torch.cat([zero, x, zero], axis)
        near = 0.75 * x
        before = near + 0.25 * around.narrow(axis, 0, size)
        after = near + 0.25 * around.narrow(axis, 2, size)
        x = torch.stack([before, after], axis + 1).flatten(axis, axis + 1)
    return x


def downsample(x: Tensor) -> Tensor:
    """Half as high and wide: [B, C, H, W] -> [B, C, H // 2, W // 2], H and W even.

    The filter, then every second pixel.
    """
    return blur(x, padding=1, step=2)


def upsampling_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """A 3x3 convolution of the image with zeros between its pixels, then the filter with gain 4.

    Args:
        x: [B, I, H, W].
        weight: [O, I, 3, 3].

    Returns:
        [B, O, 2H, 2W].
    """
    # a transposed convolution touches no zeros: [B, I, H, W] -> [B, O, 2H + 1, 2W + 1]
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    return blur(x, padding=1, gain=4.0)


def downsampling_convolution(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The filter, then a convolution that steps by two.

    Args:
        x: [B, I, H, W], H and W even.
        weight: [O, I, K, K], K = 1 or 3.
        bias: [O], or None.

    Returns:
        [B, O, H // 2, W // 2].
    """
    if weight.shape[2] == 1 and not (x.device.type == "cpu" and x.dtype.itemsize < 4):
        # of pixels that a 1x1 convolution would step over none is needed; but on the CPU a depthwise convolution that
        # steps is slow in bfloat16
        return F.conv2d(downsample(x), weight, bias)
    return F.conv2d(blur(x, padding=1 + weight.shape[2] // 2), weight, bias, stride=2)
