"""Colour: brightness, contrast, luma flip, hue and saturation as one affine matrix an image.

Knows channels and matrices; never why a colour is changed.

Matrices are homogeneous, [B, n + 1, n + 1] float64 for n colour channels, and are composed by matrix products: what is
done to an image first stands rightmost. Luma is the mean of the channels, along the axis v = (1, ..., 1) / sqrt(n).
"""

from __future__ import annotations

import torch
from torch import Tensor

from gankit.training.augment.base import Part, put_back, taken


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


def recolour(x: Tensor, part: Part) -> Tensor:
    """Images whose pixels are mapped: new = A old + b.

    Args:
        x: [B, C, H, W].
        part: maps (A b) [M, C, C + 1].
    """
    maps, chosen = part.values.to(x.dtype), taken(x, part)
    # [M, C, C] x [M, C, H W] -> [M, C, H W]
    changed = torch.baddbmm(maps[:, :, -1:], maps[:, :, :-1], chosen.flatten(2))
    return put_back(x, part, changed.view(chosen.shape))


def recontrast(x: Tensor, part: Part, n: int) -> Tensor:
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
