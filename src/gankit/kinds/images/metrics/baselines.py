"""Three plain makers of fake pictures, to put any model's figures in proportion.

Knows training pictures; never the metrics.
"""

from __future__ import annotations

import numpy as np

from gankit.randomness import numpy_generator


def noise(train: np.ndarray, num_pictures: int, seed: int) -> np.ndarray:
    """Every pixel uniform in 0 .. 255: [num_pictures, H, W, C] uint8 of the shape of `train`'s pictures."""
    generator = numpy_generator(seed, "metrics/pictures/noise")
    return generator.integers(0, 256, (num_pictures, *train.shape[1:]), dtype=np.uint8)


def mean(train: np.ndarray, num_pictures: int) -> np.ndarray:
    """The mean of the training pictures, again and again: what a model that has collapsed to the middle makes."""
    total = np.zeros(train.shape[1:], np.float64)
    for start in range(0, len(train), 1024):
        total += train[start : start + 1024].sum(0, dtype=np.float64)
    one = np.rint(total / len(train)).astype(np.uint8)
    return np.broadcast_to(one, (num_pictures, *one.shape))


def bootstrap(num_train: int, num_pictures: int, seed: int) -> np.ndarray:
    """Rows of training pictures drawn with replacement: perfect but for new pictures, since every one is a copy."""
    return numpy_generator(seed, "metrics/pictures/bootstrap").integers(0, num_train, num_pictures)
