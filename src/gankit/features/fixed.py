"""Fixed features for pictures without labels: a random convolutional network that is never trained.

Knows pixels and a seed; never labels, or what is concluded from a distance.
"""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gankit.features.base import Features, checked, in_batches, seen_size, to_network
from gankit.randomness import torch_generator

NUM_SCALES = 3
WIDTH = 24
"""Filters of each of the two layers at each scale."""

_FILTER = 5


def fixed_features(channels: int, seed: int = 0, device: str | torch.device = "cpu") -> Features:
    """Features of a fixed random network for pictures of that many channels; a function of (channels, seed).

    At three scales (the picture, halved and quartered by a box filter) two layers of random filters look at it:
    orthogonal ones of 5 x 5 with the gain of He et al. (2015) and a ramp, then 3 x 3 at every other pixel. Of each
    filter the mean and the deviation over the picture are kept (the first and second pooled moments); of the first
    layer at the coarsest scale the means of the four quarters too, which say where things are. Random features tell
    distributions apart by texture, contrast and layout, not by meaning: fakes may look wrong to people and right
    to them.

    >>> fixed_features(1)(np.zeros((2, 28, 28, 1), np.uint8)).shape
    (2, 384)
    """
    return _FixedFeatures(channels, seed, torch.device(device))


@final
class _FixedFeatures(Features):
    def __init__(self, channels: int, seed: int, device: torch.device) -> None:
        self.name = "fixed"
        self._channels, self._device, self._seed = channels, device, seed
        self._filters = [
            (
                _orthogonal(WIDTH, channels, _FILTER, seed, 2 * scale).to(device),
                _orthogonal(WIDTH, WIDTH, 3, seed, 2 * scale + 1).to(device),
            )
            for scale in range(NUM_SCALES)
        ]
        self._width = NUM_SCALES * 2 * 2 * WIDTH + 4 * WIDTH

    def describe(self) -> str:
        """One sentence for the report."""
        return (
            f"{self._width} features of a fixed random convolutional network (seed {self._seed}, three scales, means "
            "and deviations of filters; pictures above 64 pixels are averaged down by a box filter): never trained, so "
            "that they know texture, contrast and layout but no meaning; not Inception features."
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] uint8 -> [N, F] float32."""
        size = seen_size(*checked(x, self._channels).shape[1:3])
        return in_batches(
            x, lambda b: self._look(to_network(b, self._device, size)), 2 * WIDTH * size[0] * size[1], self._width
        )

    def _look(self, x: Tensor) -> Tensor:
        found: list[Tensor] = []
        for first, second in self._filters:
            one = functional.relu(functional.conv2d(x, first, padding=_FILTER // 2))  # [B, WIDTH, h, w]
            two = functional.relu(functional.conv2d(one, second, stride=2, padding=1))
            for maps in (one, two):
                flat = maps.flatten(2)
                found += [flat.mean(2), flat.std(2, correction=0)]
            # [B, C, h, w] -> [B, C, h / 2, w / 2], at least one pixel
            quarters = functional.adaptive_avg_pool2d(one, 2).flatten(1)
            x = functional.adaptive_avg_pool2d(x, (max(1, x.shape[2] // 2), max(1, x.shape[3] // 2)))
        return torch.cat([*found, quarters], 1)


def _orthogonal(outside: int, inside: int, kernel: int, seed: int, number: int) -> Tensor:
    """Filters [outside, inside, kernel, kernel]: orthogonal rows as far as there is room (Saxe et al. 2014), times the
    gain of He et al. (2015) for ramps, so that a filter's answer has about the size of its input.
    """
    draws = torch_generator(seed, "perception/fixed", inside, number)
    numbers = inside * kernel * kernel
    matrix = torch.randn(max(outside, numbers), min(outside, numbers), generator=draws, dtype=torch.float64)
    q, r = torch.linalg.qr(matrix)
    q = q * torch.diagonal(r).sign()  # the signs of QR are no convention one can rely on
    rows = q.T if outside <= numbers else q  # [outside, numbers], rows of length 1 or columns of length 1
    filters: Tensor = rows[:outside] * 2**0.5
    return filters.reshape(outside, inside, kernel, kernel).float()
