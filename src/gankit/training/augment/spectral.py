"""Augmentation of spectrograms: what may happen to a sound and leave it the same word, note or noise.

Knows images whose columns are times and whose rows are pitches, the highest first; never networks or losses.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gankit.training.augment import colour, geometry
from gankit.training.augment.base import Augment, Draws, part_of
from gankit.training.augment.dice import Dice

SHIFT = 0.125
"""Largest shift in time by whole columns, as a share of the width: that of ADA (Karras et al. 2020, appendix B)."""

FASTER_LOG2, HIGHER = 0.15, 0.03
"""Standard deviations of the logarithm (to base 2) of the tempo, and of the shift in pitch as a share of the height."""

LOUDER = 0.1
"""Standard deviation of the added loudness, where the whole range is 2: 4 dB of the 80 that a spectrogram shows."""


class Spectral(Augment):
    """Shifts in time, tempo and pitch, and loudness, each with probability `strength` for a spectrogram.

    The first three are one map of the picture, mirrored beyond its edges; those that are shifted by whole columns alone
    keep their numbers to the bit. There are no flips and no turns: a sound played backwards is another sound. The
    strength follows D's memory, as that of ADA does.
    """

    steered = True
    first_strength = 0.0

    def draw(
        self,
        generator: torch.Generator,
        count: int,
        shape: tuple[int, int, int],
        strength: float,
        device: torch.device,
    ) -> Draws:
        """See `Augment.draw`."""
        assert 0 <= strength <= 1, strength
        if strength == 0:
            return Draws(count)
        dice = Dice(generator, count, strength)
        channels, height, width = shape
        still = torch.zeros(count, dtype=torch.float64)
        later = dice.sometimes((dice.uniform(-SHIFT, SHIFT) * width).round(), 0.0)
        faster = dice.sometimes(dice.normal(FASTER_LOG2).exp2(), 1.0)
        higher = dice.sometimes(dice.normal(HIGHER) * height, 0.0)
        louder = dice.sometimes(dice.normal(LOUDER), 0.0)
        moves = geometry.shift(later, still)
        warps = geometry.scale(1 / faster, torch.ones(count)) @ geometry.shift(later, -higher)
        warped = (faster != 1) | (higher != 0)
        maps = colour.brightness(louder, channels)[:, :channels]
        return Draws(
            count,
            moves=part_of(moves[:, :2], (later != 0) & ~warped),
            warps=part_of(warps[:, :2], warped),
            colours=part_of(maps, louder != 0),
        ).to(device)

    def apply(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Augment.apply`."""
        assert len(x) == draws.count, (len(x), draws.count)
        x = x if draws.moves is None else geometry.move(x, draws.moves)
        x = x if draws.warps is None else geometry.warp(x, draws.warps)
        return x if draws.colours is None else colour.recolour(x, draws.colours)
