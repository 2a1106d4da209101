"""Changes that augmentations are made of: of places (flips, turns, shifts, scales) and of values (brightness, contrast,
hue, saturation; boxes cut out).

Knows images as tensors; never networks, or when and how strongly a change is made.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.training.augment.base import Change, Draws, put_back, taken


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
    places = grid(part.values.to(x.dtype), x.shape[2], x.shape[3])
    padding = "reflection" if mirrored else "zeros"
    return put_back(x, part, F.grid_sample(taken(x, part), places, "nearest", padding, align_corners=True))


def mirrored_by_chance(x: Tensor, u: Tensor) -> Tensor:
    """Images [B, C, H, W], those whose u [B] is below 1/2 mirrored left to right.

    >>> mirrored_by_chance(torch.tensor([[[[1.0, 2.0]]], [[[3.0, 4.0]]]]), torch.tensor([0.2, 0.7])).tolist()
    [[[[2.0, 1.0]]], [[[3.0, 4.0]]]]
    """
    return torch.where((u < 0.5).view(-1, 1, 1, 1), x.flip(-1), x)


def warp(x: Tensor, part: Change) -> Tensor:
    """Images resampled by any maps, mirrored beyond their edges.

    Args:
        x: [B, C, H, W].
        part: maps [M, 2, 3].
    """
    places = grid(part.values.to(x.dtype), x.shape[2], x.shape[3])
    return put_back(x, part, F.grid_sample(taken(x, part), places, "bilinear", "reflection", align_corners=True))


def apply(x: Tensor, draws: Draws) -> Tensor:
    """Images [B, C, H, W] moved by whole pixels, resampled and recoloured."""
    assert len(x) == draws.count, (len(x), draws.count)
    x = x if draws.moves is None else move(x, draws.moves)
    x = x if draws.warps is None else warp(x, draws.warps)
    return x if draws.colours is None else recolour(x, draws.colours)


def num_colours(channels: int) -> int:
    """How many of an image's channels are colours: all but the last of 2 (grey and alpha) and of 4 (RGBA)."""
    return channels - 1 if channels in (2, 4) else channels


def brightness(added: Tensor, n: int) -> Tensor:
    """Matrices that add `added` [B] to every channel."""
    matrices = torch.eye(n + 1, dtype=torch.float64).repeat(len(added), 1, 1)
    matrices[:, :n, n] = added.double().unsqueeze(1)
    return matrices


def contrast(factor: Tensor, n: int) -> Tensor:
    """Matrices that multiply every channel by `factor` [B], about 0: mid-grey."""
    scales = factor.double().unsqueeze(1).expand(-1, n)
    return torch.diag_embed(torch.cat([scales, torch.ones(len(factor), 1, dtype=torch.float64)], dim=1))


def luma_flip(flipped: Tensor, n: int) -> Tensor:
    """Matrices I - 2 v v^T (Householder) that mirror luma and keep the colour where `flipped` [B] is 1, not where 0."""
    return torch.eye(n + 1, dtype=torch.float64) - 2 * flipped.double().view(-1, 1, 1) * _luma(n)


def saturation(factor: Tensor, n: int) -> Tensor:
    """Matrices that keep luma and multiply the colour by `factor` [B]: v v^T + factor (I - v v^T)."""
    luma = _luma(n)
    rest = torch.eye(n + 1, dtype=torch.float64) - luma
    rest[n, n] = 0.0
    last = torch.zeros(n + 1, n + 1, dtype=torch.float64)
    last[n, n] = 1.0
    return luma + last + factor.double().view(-1, 1, 1) * rest


def hue(angle: Tensor) -> Tensor:
    """Matrices [B, 4, 4] that turn the three colours about the luma axis by `angle` [B] radians (Rodrigues).

    cos I + (1 - cos) v v^T + sin K, where K u = v x u.
    """
    cos, sin = angle.double().cos().view(-1, 1, 1), angle.double().sin().view(-1, 1, 1)
    cross = torch.tensor([[0.0, -1.0, 1.0], [1.0, 0.0, -1.0], [-1.0, 1.0, 0.0]], dtype=torch.float64) / 3**0.5
    matrices = torch.eye(4, dtype=torch.float64).repeat(len(angle), 1, 1)
    matrices[:, :3, :3] = cos * torch.eye(3, dtype=torch.float64) + (1 - cos) * _luma(3)[:3, :3] + sin * cross
    return matrices


def as_maps(matrices: Tensor, channels: int) -> Tensor:
    """Maps [B, C, C + 1] of all channels: the matrices for the colours, and alpha as it is."""
    n = matrices.shape[1] - 1
    maps = torch.eye(channels, channels + 1, dtype=torch.float64).repeat(len(matrices), 1, 1)
    maps[:, :n, :n] = matrices[:, :n, :n]
    maps[:, :n, channels] = matrices[:, :n, n]
    return maps


def recolour(x: Tensor, part: Change) -> Tensor:
    """Images whose pixels are mapped: new = A old + b.

    Args:
        x: [B, C, H, W].
        part: maps (A b) [M, C, C + 1].
    """
    maps, chosen = part.values.to(x.dtype), taken(x, part)
    # [M, C, C] x [M, C, H W] -> [M, C, H W]
    changed = torch.baddbmm(maps[:, :, -1:], maps[:, :, :-1], chosen.flatten(2))
    return put_back(x, part, changed.view(chosen.shape))


def recontrast(x: Tensor, part: Change, n: int) -> Tensor:
    """Images whose distance from their own mean over the `n` colours is multiplied by the factors [M, 1, 1, 1]."""
    chosen, factors = taken(x, part), part.values.to(x.dtype)
    colours = chosen[:, :n]
    mean = colours.mean(dim=(1, 2, 3), keepdim=True)
    changed = torch.lerp(mean.expand_as(colours), colours, factors)
    return put_back(x, part, torch.cat([changed, chosen[:, n:]], dim=1))


def _luma(n: int) -> Tensor:
    """The projection v v^T [n + 1, n + 1] on the luma axis, with 0 for the offset."""
    projection = torch.zeros(n + 1, n + 1, dtype=torch.float64)
    projection[:n, :n] = 1 / n
    return projection


def cut_out(x: Tensor, part: Change) -> Tensor:
    """Images with a box set to 0 (mid-grey).

    Args:
        x: [B, C, H, W].
        part: edges [M, 4] of the box: left, right, top, bottom, in pixels; a pixel is cut if its centre lies within.
    """
    chosen = taken(x, part)
    left, right, top, bottom = (part.values[:, k].view(-1, 1) for k in range(4))
    across = torch.arange(x.shape[3], device=x.device) + 0.5
    down = torch.arange(x.shape[2], device=x.device) + 0.5
    columns = (across >= left) & (across < right)  # [M, W]
    rows = (down >= top) & (down < bottom)  # [M, H]
    box = rows.unsqueeze(2) & columns.unsqueeze(1)  # [M, H, W]
    return put_back(x, part, chosen.masked_fill(box.unsqueeze(1), 0.0))
