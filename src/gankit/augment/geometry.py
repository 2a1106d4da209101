"""Geometry: flips, turns, scales and shifts as one 2 x 3 matrix an image, and images resampled by it.

Knows pixels and matrices; never why an image is moved.

A map leads from a pixel of the *new* image to the place in the *old* one where its colour comes from, in pixels from
the centre, x to the right and y down. Maps are composed by matrix products: what is done to an image first stands
leftmost. Beyond its edges an image is mirrored about its outermost pixels (or is 0).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.augment.base import Part, put_back, taken


def shift(right: Tensor, down: Tensor) -> Tensor:
    """Maps [B, 3, 3] float64 that move images by pixels `right` and `down` [B]."""
    maps = torch.eye(3, dtype=torch.float64).repeat(len(right), 1, 1)
    maps[:, 0, 2], maps[:, 1, 2] = -right, -down
    return maps


def scale(wide: Tensor, high: Tensor) -> Tensor:
    """Maps [B, 3, 3] float64 that enlarge images by factors `wide` and `high` [B]; -1 flips."""
    return torch.diag_embed(torch.stack([1 / wide.double(), 1 / high.double(), torch.ones(len(wide)).double()], dim=1))


def turn(angle: Tensor) -> Tensor:
    """Maps [B, 3, 3] float64 that turn images by `angle` [B] radians, clockwise as seen (y points down)."""
    maps = torch.eye(3, dtype=torch.float64).repeat(len(angle), 1, 1)
    cos, sin = angle.double().cos(), angle.double().sin()
    maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 0], maps[:, 1, 1] = cos, sin, -sin, cos
    return maps


def quarter_turns(count: Tensor) -> Tensor:
    """Maps [B, 3, 3] float64 of `count` [B] quarter turns clockwise, exact: all entries are -1, 0 or 1."""
    return turn(count.double() * (torch.pi / 2)).round()


def grid(maps: Tensor, height: int, width: int) -> Tensor:
    """Where each pixel of the new images comes from, [M, H, W, 2], as `grid_sample` counts with aligned corners.

    Args:
        maps: [M, 2, 3].
        height, width: of the images.
    """
    # 1 where there is one pixel only: any number leads to it
    x_unit, y_unit = max(width - 1, 1) / 2, max(height - 1, 1) / 2
    x = torch.arange(width, device=maps.device, dtype=maps.dtype) - (width - 1) / 2
    y = torch.arange(height, device=maps.device, dtype=maps.dtype).view(-1, 1) - (height - 1) / 2
    a = maps.unsqueeze(-1).unsqueeze(-1)  # [M, 2, 3, 1, 1]
    old_x = a[:, 0, 0] / x_unit * x + (a[:, 0, 1] / x_unit * y + a[:, 0, 2] / x_unit)  # [M, H, W]
    old_y = a[:, 1, 0] / y_unit * x + (a[:, 1, 1] / y_unit * y + a[:, 1, 2] / y_unit)
    return torch.stack([old_x, old_y], dim=-1)


def move(x: Tensor, part: Part, mirrored: bool = True) -> Tensor:
    """Images moved by whole pixels: every new pixel is an old one, to the bit.

    Args:
        x: [B, C, H, W].
        part: maps [M, 2, 3] that lead from pixels to pixels.
        mirrored: whether what lies beyond the edges is the image mirrored, or 0.
    """
    return _resampled(x, part, "nearest", mirrored)


def warp(x: Tensor, part: Part) -> Tensor:
    """Images resampled bilinearly by any maps [M, 2, 3], mirrored beyond their edges; x is [B, C, H, W]."""
    return _resampled(x, part, "bilinear", mirrored=True)


def _resampled(x: Tensor, part: Part, mode: str, mirrored: bool) -> Tensor:
    chosen = taken(x, part)
    places = grid(part.values.to(x.dtype), x.shape[2], x.shape[3])
    padding = "reflection" if mirrored else "zeros"
    return put_back(x, part, F.grid_sample(chosen, places, mode, padding, align_corners=True))
