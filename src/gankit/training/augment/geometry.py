"""Geometry: flips, turns, scales and shifts as one 2 x 3 matrix an image, and images resampled by it.

Knows pixels and matrices; never why an image is moved.

A map leads from a pixel of the *new* image to the place in the *old* one where its colour comes from, in pixels from
the centre, x to the right and y down. Maps are composed by matrix products: what is done to an image first stands
leftmost. Beyond its edges an image is mirrored about its outermost pixels (or is 0).
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.training.augment.base import Change, put_back, taken

LANCZOS = 3
"""Half-width of the kernel that doubles an axis, in pixels."""


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
    x = torch.arange(width, device=maps.device, dtype=maps.dtype) - (width - 1) / 2
    y = torch.arange(height, device=maps.device, dtype=maps.dtype) - (height - 1) / 2
    # in halves of a side; 1 where there is one pixel only: any number leads to it
    x_unit, y_unit = max(width - 1, 1) / 2, max(height - 1, 1) / 2
    by_x, by_y, fixed = torch.stack([maps[:, 0] / x_unit, maps[:, 1] / y_unit], dim=1).unbind(2)  # [M, 2] each
    # both coordinates of a row's pixels in one axis of 2 W, so that one fused operation writes the grid
    row = (x.view(-1, 1) * by_x.unsqueeze(1) + fixed.unsqueeze(1)).flatten(1)  # [M, W, 2] -> [M, 2 W]
    down = by_y.repeat(1, width)  # [M, 2 W]
    return torch.addcmul(row.unsqueeze(1), down.unsqueeze(1), y.view(-1, 1)).view(len(maps), height, width, 2)


def move(x: Tensor, part: Change, mirrored: bool = True) -> Tensor:
    """Images moved by whole pixels: every new pixel is an old one, to the bit.

    Args:
        x: [B, C, H, W].
        part: maps [M, 2, 3] that lead from pixels to pixels.
        mirrored: whether what lies beyond the edges is the image mirrored, or 0.
    """
    chosen = taken(x, part)
    places = grid(part.values.to(x.dtype), x.shape[2], x.shape[3])
    padding = "reflection" if mirrored else "zeros"
    return put_back(x, part, F.grid_sample(chosen, places, "nearest", padding, align_corners=True))


def mirrored_by_chance(x: Tensor, u: Tensor) -> Tensor:
    """Images [B, C, H, W], those whose u [B] is below 1/2 mirrored left to right.

    >>> mirrored_by_chance(torch.tensor([[[[1.0, 2.0]]], [[[3.0, 4.0]]]]), torch.tensor([0.2, 0.7])).tolist()
    [[[[2.0, 1.0]]], [[[3.0, 4.0]]]]
    """
    return torch.where((u < 0.5).view(-1, 1, 1, 1), x.flip(-1), x)


def warp(x: Tensor, part: Change, sharp: bool = False) -> Tensor:
    """Images resampled by any maps, mirrored beyond their edges.

    Args:
        x: [B, C, H, W].
        part: maps [M, 2, 3].
        sharp: whether images are `doubled` before they are read bilinearly, which keeps more of what is fine in them.
    """
    chosen = taken(x, part)
    places = grid(part.values.to(x.dtype), x.shape[2], x.shape[3])
    # a doubled image ends where the outermost pixels of the old one had their centres
    source = doubled(chosen) if sharp else chosen
    changed = F.grid_sample(source, places, "bilinear", "reflection", align_corners=not sharp)
    return put_back(x, part, changed)


def doubled(x: Tensor) -> Tensor:
    """Images at twice the resolution by Lanczos interpolation: [M, C, H, W] -> [M, C, 2 (H - 1), 2 (W - 1)].

    The new pixels lie a quarter of a pixel to either side of the old ones', from 1/4 to W - 1 - 1/4 along an axis. An
    axis of one pixel stays as it is.
    """
    across, down = (doubling(size, x.dtype, x.device) for size in (x.shape[3], x.shape[2]))
    return down @ (x @ across.T)


@lru_cache(maxsize=16)
def doubling(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The matrix [2 (size - 1), size] that doubles an axis: sinc(d) sinc(d / 3) for |d| < 3, in rows that sum to 1."""
    if size == 1:
        return torch.ones(1, 1, dtype=dtype, device=device)
    old = torch.arange(-LANCZOS, size + LANCZOS, dtype=torch.float64)
    distance = (torch.arange(2 * size - 2, dtype=torch.float64) / 2 + 0.25).view(-1, 1) - old
    weights = distance.sinc() * (distance / LANCZOS).sinc() * (distance.abs() < LANCZOS)
    weights /= weights.sum(dim=1, keepdim=True)
    # pixels beyond the edges are pixels within, mirrored
    places = mirrored_places(size, LANCZOS, torch.device("cpu"))
    matrix = torch.zeros(len(weights), size, dtype=torch.float64).index_add_(1, places, weights)
    return matrix.to(device, dtype)


def mirrored_places(size: int, margin: int, device: torch.device) -> Tensor:
    """Places [size + 2 margin] int64 of an axis that is mirrored about its outermost pixels, as often as needed."""
    places = torch.arange(-margin, size + margin, device=device)
    period = max(2 * (size - 1), 1)
    places = places.remainder(period)
    return torch.where(places < size, places, period - places)
