"""Changes of values: brightness, contrast, hue, saturation; boxes cut out, noise, and bands of frequencies.

Knows tensors of images; never networks, losses or kinds of data.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.training.augment.base import Change, put_back, taken
from gankit.training.augment.geometry import mirrored_places


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


# Daubechies' symlet of order 2: four taps, orthonormal (Daubechies 1992, table 6.1).
SYMLET2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
NUM_BANDS = 4
# Mean power of natural images in each band, from low to high: 1/f (Karras et al. 2020, appendix B).
BAND_POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)


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


def add_noise(x: Tensor, part: Change) -> Tensor:
    """Images [B, C, H, W] with the noise [M, C, H, W] added."""
    return put_back(x, part, taken(x, part) + part.values.to(x.dtype))


def balanced(gains: Tensor) -> Tensor:
    """One gain a band from one change a band, each of which leaves the power of a natural image as it was.

    A change of band k alone by the factor t is divided by the root of the power it gives, sum_j power_j t_j^2 with
    t_j = 1 for j != k; the changes of all bands are multiplied (Karras et al. 2020, appendix B).

    Args:
        gains: [B, 4] factors, one a band; 1 for no change.

    Returns:
        [B, 4] float64.
    """
    power = torch.tensor(BAND_POWER, dtype=torch.float64)
    single = torch.diag_embed(gains.double() - 1) + 1  # [B, change, band]
    return (single / (power * single.square()).sum(2, keepdim=True).sqrt()).prod(dim=1)


def amplify(x: Tensor, part: Change) -> Tensor:
    """Images whose frequency bands are multiplied by gains.

    Args:
        x: [B, C, H, W].
        part: gains [M, 4] of the bands from low to high, along each axis.
    """
    chosen = taken(x, part)
    count, channels, height, width = chosen.shape
    taps = part.values.to(x.dtype) @ band_filters().to(x)  # [M, 4] x [4, T] -> [M, T]
    half = taps.shape[1] // 2
    columns, rows = mirrored_places(width, half, x.device), mirrored_places(height, half, x.device)
    # all images of the batch as the groups of one convolution
    wide = chosen.index_select(3, columns).index_select(2, rows).reshape(1, count * channels, rows.numel(), -1)
    taps = taps.repeat_interleave(channels, dim=0).unsqueeze(1)  # [M C, 1, T]
    wide = F.conv2d(wide, taps.unsqueeze(2), groups=count * channels)
    wide = F.conv2d(wide, taps.unsqueeze(3), groups=count * channels)
    return put_back(x, part, wide.view(chosen.shape))


@lru_cache(maxsize=1)
def band_filters() -> Tensor:
    """Four filters [4, 43] float64, symmetric, that divide an axis into bands of an octave and add up to the identity.

    With the half-band filter L(z) = H(z) H(1/z) / 2 of the symlet, the low band is L(z) L(z^2) L(z^4) and the bands
    above it are L(z) L(z^2) (1 - L(z^4)), L(z) (1 - L(z^2)) and 1 - L(z).
    """
    low = np.convolve(SYMLET2, SYMLET2[::-1]) / 2
    lows = []
    for stretch in (1, 2, 4):
        stretched = np.zeros(stretch * (len(low) - 1) + 1)
        stretched[::stretch] = low
        lows.append(stretched)
    length = sum(len(f) - 1 for f in lows) + 1
    rest, bands = np.ones(1), []
    for low_pass in lows:
        passed = np.convolve(rest, low_pass)
        bands.append(_centred(_centred(rest, len(passed)) - passed, length))
        rest = passed
    return torch.from_numpy(np.stack([_centred(rest, length), *bands[::-1]]))


def _centred(taps: np.ndarray, length: int) -> np.ndarray:
    side = (length - len(taps)) // 2
    return np.pad(taps, (side, side))
