"""Draws for a batch of images, and the chance that a change befalls one of them.

Knows one torch.Generator; never what the numbers are for.
"""

from __future__ import annotations

import torch
from torch import Tensor


class Dice:
    """Numbers for `count` images, one call after another from one generator.

    Args:
        generator: on the CPU.
        count: images of the batch.
        strength: the chance of a change, in [0, 1].
    """

    def __init__(self, generator: torch.Generator, count: int, strength: float) -> None:
        self.generator = generator
        self.count = count
        self.strength = strength

    def uniform(self, low: float, high: float) -> Tensor:
        """[count] float64 in [low, high)."""
        return low + (high - low) * torch.rand(self.count, generator=self.generator, dtype=torch.float64)

    def normal(self, deviation: float) -> Tensor:
        """[count] float64 about 0."""
        return deviation * torch.randn(self.count, generator=self.generator, dtype=torch.float64)

    def happens(self, chance: float | None = None) -> Tensor:
        """[count] bool, each true with probability `chance`, or the strength."""
        return self.uniform(0, 1) < (self.strength if chance is None else chance)

    def sometimes(self, values: Tensor, otherwise: float, chance: float | None = None) -> Tensor:
        """The values [count] where it happens, and what stands for no change where it does not."""
        return values.where(self.happens(chance), otherwise)
