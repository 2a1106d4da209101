"""Three plain makers of fake images, to put any model's figures in proportion.

Knows training images; never the metrics.
"""

from __future__ import annotations

import numpy as np

from gankit.randomness import numpy_generator


def noise(train: np.ndarray, num_images: int, seed: int) -> np.ndarray:
    """Every pixel uniform in 0 .. 255: [num_images, H, W, C] uint8 of the shape of `train`'s images."""
    generator = numpy_generator(seed, "metrics/pictures/noise")
    return generator.integers(0, 256, (num_images, *train.shape[1:]), dtype=np.uint8)


def mean(train: np.ndarray, num_images: int) -> np.ndarray:
    """The mean of the training images, again and again: what a model that has collapsed to the middle makes."""
    total = np.zeros(train.shape[1:], np.float64)
    for start in range(0, len(train), 1024):
        total += train[start : start + 1024].sum(0, dtype=np.float64)
    one = np.rint(total / len(train)).astype(np.uint8)
    return np.broadcast_to(one, (num_images, *one.shape))


def bootstrap(num_train: int, num_images: int, seed: int) -> np.ndarray:
    """Rows of training images drawn with replacement: perfect but for new images, since every one is a copy."""
    return numpy_generator(seed, "metrics/pictures/bootstrap").integers(0, num_train, num_images)
