"""Photographs that scikit-learn brings, cut to pieces."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_sample_images

from gankit.randomness import numpy_generator


def photographs(count: int, side: int = 64) -> np.ndarray:
    """Pieces of two photographs, [count, side, side, 3] uint8."""
    pictures, rng = load_sample_images().images, numpy_generator(0, "photographs")
    out = np.empty((count, side, side, 3), np.uint8)
    for i in range(count):
        picture = pictures[i % 2]
        top, left = (int(rng.integers(0, n - 2 * side)) for n in picture.shape[:2])
        out[i] = picture[top : top + 2 * side : 2, left : left + 2 * side : 2]
    return out
