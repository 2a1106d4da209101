"""Corruptions: boxes cut out, noise, and frequency bands made stronger or weaker.

Knows pixels and filters; never why an image is changed.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.training.augment.base import Part, put_back, taken
from gankit.training.augment.geometry import mirrored_places

# Daubechies' symlet of order 2: four taps, orthonormal (Daubechies 1992, table 6.1).
SYMLET2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
NUM_BANDS = 4
# Mean power of natural images in each band, from low to high: 1/f (Karras et al. 2020, appendix B).
BAND_POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)


def cut_out(x: Tensor, part: Part) -> Tensor:
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


def add_noise(x: Tensor, part: Part) -> Tensor:
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


def amplify(x: Tensor, part: Part) -> Tensor:
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
