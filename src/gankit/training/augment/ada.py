"""The augmentations of ADA (Karras et al. 2020, "Training Generative Adversarial Networks with Limited Data"), and the
controller that sets their strength by how far D overfits.

Knows images as tensors and D's outputs as numbers; never networks, or what is learned.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gankit.training.augment import changes
from gankit.training.augment.base import Augment, Change, Dice, Draws, part_of

TARGET = 0.5
"""The share of memory that is allowed. Karras et al. 2020 steer by one of two measures: the mean sign of D on training
images, whose target is .6, or r_v (eq. 1), whose target is .5 in the code they published. The sign means nothing for
relativistic losses, which know differences of logits only, so it is r_v here."""

SPEED_SAMPLES = 500_000.0
"""Real samples shown in which the strength can go from 0 to 1 (Karras et al. 2020, section 3.1), in trainings of 25
million; `speed_for` has a smaller number for shorter ones."""

LIMIT = 0.8
"""Largest strength: above a probability of about .8 augmentations begin to leak into the fakes (Karras et al. 2020,
section 2.2). The paper's controller has no such limit, and its users met strengths far above 1 and fakes in false
colours."""


def speed_for(total_samples: float) -> float:
    """Real samples in which the strength may go from 0 to 1 in a training of `total_samples`: half of it at most.

    At the published 500,000 a training of 40,000 samples would end before the strength had reached .1. Much faster
    than half the training is no good either: a measure that is averaged over updates lags, and the strength would
    swing from one end to the other.

    >>> speed_for(25_000_000), speed_for(40_000)
    (500000.0, 20000.0)
    """
    return min(SPEED_SAMPLES, max(total_samples / 2, 1.0))


def steer(
    strength: float,
    memorised: float,
    samples: int,
    target: float = TARGET,
    speed_samples: float = SPEED_SAMPLES,
    limit: float = LIMIT,
) -> float:
    """The strength after an update: p <- clip(p + sign(memorised - target) samples / speed_samples, 0, limit).

    Karras et al. 2020, section 3.1, where D is measured every four steps and p has no upper limit.

    Args:
        strength: p until now, in [0, 1].
        memorised: how far D has memorised the training images, r_v of eq. 1 there; a NaN leaves p as it is.
        samples: real samples shown since the last update.
        target: the value of `memorised` to reach.
        speed_samples: real samples in which p can go from 0 to 1.
        limit: largest p.

    >>> steer(0.25, memorised=0.7, samples=125_000)
    0.5
    """
    assert samples >= 0 and speed_samples > 0 and 0 <= limit <= 1, (samples, speed_samples, limit)
    direction = (memorised > target) - (memorised < target)
    return min(max(strength + direction * samples / speed_samples, 0.0), limit)


# Karras et al. 2020, appendix B
SHIFT = 0.125
"""Largest whole-pixel shift, and standard deviation of the other one, as a share of the side."""
SCALE_LOG2, STRETCH_LOG2 = 0.2, 0.2
"""Standard deviations of the logarithms (to base 2) of the scale and of the stretch."""
BRIGHTNESS, CONTRAST_LOG2, SATURATION_LOG2 = 0.2, 0.5, 1.0
"""Standard deviations of the added brightness and of the logarithms of contrast and saturation."""


class Ada(Augment):
    """Flips, turns, shifts, scales, stretches and colours, each with probability `strength` for an image.

    As in the paper's pipeline in the choice called bgc, in its order: flip left to right (half of the chosen), quarter
    turns (square images; half turns for others), a shift by whole pixels up to 1/8 of the side; scale, turn, stretch,
    turn again (the two turns share one probability), a shift by any amount; brightness, contrast, luma flip (half of
    the chosen), hue, saturation. Grey images get brightness, contrast and luma flip; alpha (the last of 2 or 4
    channels) moves with its image and keeps its values; hue is for three colours only.

    All moves of an image are one matrix and one resampling, all colours another matrix. Images that are only flipped,
    turned by quarters or shifted by whole pixels keep their pixels to the bit.

    A departure from the paper, which resamples at twice the resolution between wavelet filters: resampling is bilinear,
    which leaves about half of the finest octave's power; in a doubled image it would leave .8 for four times the time
    (benchmarks/augment.md). Half is enough: reals and fakes are resampled alike, so what is weakened is still there for
    D to compare, and images that are not resampled show it in full. Another: the groups that helped the paper little
    (gains of frequency bands, noise, a box cut out) are left out.

    Args:
        blit, geometry, colour: which of the three groups are used.
    """

    steered = True
    first_strength = 0.0

    def __init__(self, blit: bool = True, geometry: bool = True, colour: bool = True) -> None:
        self.blit, self.geometry, self.colour = blit, geometry, colour

    def _draw(self, dice: Dice, shape: tuple[int, int, int]) -> Draws:
        """See `Augment.draw`; an image's draws at a smaller strength are some of those at a larger one."""
        identity = torch.eye(3, dtype=torch.float64).repeat(dice.count, 1, 1)
        whole = _whole_pixel_maps(dice, shape) if self.blit else identity
        any_maps = _resampling_maps(dice, shape) if self.geometry else identity
        warped = (any_maps != identity).flatten(1).any(dim=1)  # [B]
        moved = (whole != identity).flatten(1).any(dim=1) & ~warped
        return Draws(
            dice.count,
            moves=part_of(whole[:, :2], moved),
            warps=part_of((whole @ any_maps)[:, :2], warped),
            colours=_colours(dice, shape[0]) if self.colour else None,
        )

    def apply(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Augment.apply`."""
        return changes.apply(x, draws)


def _whole_pixel_maps(dice: Dice, shape: tuple[int, int, int]) -> Tensor:
    _, height, width = shape
    flipped = dice.sometimes(dice.uniform(0, 2).floor(), 0.0)
    # a quarter turn of an image that is not square would not fit its frame
    turns = dice.uniform(0, 4).floor() if height == width else 2 * dice.uniform(0, 2).floor()
    turns = dice.sometimes(turns, 0.0)
    right, down, shifted = dice.uniform(-SHIFT, SHIFT), dice.uniform(-SHIFT, SHIFT), dice.happens()
    return (
        changes.scale(1 - 2 * flipped, torch.ones(dice.count))
        @ changes.quarter_turns(turns)
        @ changes.shift((right * width).round() * shifted, (down * height).round() * shifted)
    )


def _resampling_maps(dice: Dice, shape: tuple[int, int, int]) -> Tensor:
    _, height, width = shape
    size = dice.sometimes(dice.normal(SCALE_LOG2).exp2(), 1.0)
    # two turns, before and after the stretch, so that it may lie in any direction; together as likely as the rest
    chance = 1 - (1 - dice.strength) ** 0.5
    before = dice.sometimes(dice.uniform(-torch.pi, torch.pi), 0.0, chance)
    stretch = dice.sometimes(dice.normal(STRETCH_LOG2).exp2(), 1.0)
    after = dice.sometimes(dice.uniform(-torch.pi, torch.pi), 0.0, chance)
    right, down, shifted = dice.normal(SHIFT), dice.normal(SHIFT), dice.happens()
    return (
        changes.scale(size, size)
        @ changes.turn(before)
        @ changes.scale(stretch, 1 / stretch)
        @ changes.turn(after)
        @ changes.shift(right * width * shifted, down * height * shifted)
    )


def _colours(dice: Dice, channels: int) -> Change | None:
    n = changes.num_colours(channels)
    bright = dice.sometimes(dice.normal(BRIGHTNESS), 0.0)
    factor = dice.sometimes(dice.normal(CONTRAST_LOG2).exp2(), 1.0)
    flipped = dice.sometimes(dice.uniform(0, 2).floor(), 0.0)
    changed = (bright != 0) | (factor != 1) | (flipped != 0)
    matrices = changes.luma_flip(flipped, n) @ changes.contrast(factor, n) @ changes.brightness(bright, n)
    if n == 3:
        angle = dice.sometimes(dice.uniform(-torch.pi, torch.pi), 0.0)
        matrices, changed = changes.hue(angle) @ matrices, changed | (angle != 0)
    if n > 1:
        factor = dice.sometimes(dice.normal(SATURATION_LOG2).exp2(), 1.0)
        matrices, changed = changes.saturation(factor, n) @ matrices, changed | (factor != 1)
    return part_of(changes.as_maps(matrices, channels), changed)
