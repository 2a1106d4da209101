"""Changes that augmentations are made of: of places (flips, turns, shifts, scales) and of values (brightness, contrast,
hue, saturation; boxes cut out, noise, bands of frequencies).

Knows images as tensors; never networks, or when and how strongly a change is made.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
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
