"""Grids in images: energy at the frequencies of strides."""

from __future__ import annotations

import numpy as np

PERIODS = (2, 4, 8)


def grid(x: np.ndarray, real: np.ndarray) -> dict[int, float]:
    """By the period in pixels: how much more energy images have along the rows or columns of the spectrum with that
    period than beside them (two and three frequencies away), as a share of what real images have there. 0: no grid.

    x, real: [N, H, W] or [N, H, W, C]. Margins are faded out (Hann), so that the jump from one margin to the other is
    no line of the spectrum.
    """
    found, own = _lines(x), _lines(real)
    return {
        period: max((found[period, axis][0] - found[period, axis][1]) / own[period, axis][0] for axis in (0, 1))
        for period in PERIODS
    }


def _lines(x: np.ndarray) -> dict[tuple[int, int], tuple[float, float]]:
    """By period and axis: the mean power on the line, and beside it."""
    grey = x.astype(np.float64).reshape(*x.shape[:3], -1).mean(3)
    grey -= grey.mean((1, 2), keepdims=True)
    found = {}
    for axis in (0, 1):
        grey = np.swapaxes(grey, 1, 2)
        n = grey.shape[1]
        faded = grey * np.hanning(n)[:, None] * np.hanning(grey.shape[2])
        power = (np.abs(np.fft.fft2(faded)) ** 2).mean((0, 2))
        for period in PERIODS:
            k = round(n / period)
            beside = [j for j in (k - 3, k - 2, k + 2, k + 3) if 0 < j <= n // 2]
            found[period, axis] = float(power[k]), float(power[beside].mean())
    return found
