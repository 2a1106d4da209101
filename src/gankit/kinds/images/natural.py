"""Whether images are photographs.

Knows pixels; never networks.
"""

from __future__ import annotations

import numpy as np

LOOKED_AT, SEEN = 64, 64
"""Images that are looked at, and the side of the middle that is looked at."""

FEW = 5_000
"""Images of no more are few."""

VARIED, ALIKE = 0.5, 0.7
"""Photographs have at least so many different colours, as a share of their pixels, where drawings have few; and
their neighbouring pixels correlate at least so much, where those of noise do not."""


def natural(x: np.ndarray) -> bool:
    """Whether images [N, H, W, C] uint8 look like colour photographs: many colours, that change little by little.

    >>> natural(np.random.default_rng(0).integers(0, 256, (9, 32, 32, 3), dtype=np.uint8))
    False
    """
    _, height, width, channels = x.shape
    if channels != 3 or min(height, width) < 8:
        return False
    top, left = (max(0, (side - SEEN) // 2) for side in (height, width))
    some = x[:: max(1, len(x) // LOOKED_AT)][:LOOKED_AT, top : top + SEEN, left : left + SEEN].astype(np.int64)
    colours = (some @ np.array([1 << 16, 1 << 8, 1])).reshape(len(some), -1)
    varied = float(np.median([len(np.unique(image)) for image in colours])) / colours.shape[1]
    before, after = (side.reshape(-1).astype(float) for side in (some[:, :, :-1], some[:, :, 1:]))
    spread = before.std() * after.std()
    alike = ((before - before.mean()) * (after - after.mean())).mean() / spread if spread else 0.0
    return varied >= VARIED and bool(alike >= ALIKE)


def few_photographs(x: np.ndarray) -> bool:
    """Whether images are photographs, and so few that what photographs look like is not learned from them alone."""
    return len(x) <= FEW and natural(x)
