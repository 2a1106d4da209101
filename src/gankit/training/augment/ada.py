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


def memorised(train: float, heldout: float, fake: float) -> float:
    """How far D has memorised the training images: r_v of Karras et al. 2020, eq. 1, in [0, 1].

    (E[D(training)] - E[D(held-out)]) / (E[D(training)] - E[D(fake)]): 0 where D takes held-out images for real as
    training images, 1 where it takes them for fakes. 0 as well where D cannot tell training images from fakes at all,
    for then there is nothing that it could have memorised.

    The three means must come from the same D at the same step (a relativistic D may drift as a whole), and the images
    must have been augmented with the same strength.

    Args:
        train, heldout, fake: mean logits.

    >>> memorised(2.0, 1.0, 0.0)
    0.5
    """
    gap = train - fake
    return min(max((train - heldout) / gap, 0.0), 1.0) if gap > 0 else 0.0


def speed_for(total_samples: float) -> float:
    """Real samples in which the strength may go from 0 to 1 in a training of `total_samples`: half of it at most.

    At the published 500,000 a training of 40,000 samples would end before the strength had reached .1. Much faster
    than half the training is no good either: a measure that is averaged over looks lags behind, and the strength would
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
    """The strength after a look at D: p <- clip(p + sign(memorised - target) samples / speed_samples, 0, limit).

    Karras et al. 2020, section 3.1, where D is looked at every four steps and p has no upper limit.

    Args:
        strength: p until now, in [0, 1].
        memorised: what `memorised` measured; a NaN leaves p as it is.
        samples: real samples shown since the last look.
        target: the value of `memorised` that is aimed at.
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
GAIN_LOG2, NOISE, CUTOUT = 1.0, 0.1, 0.5
"""Standard deviations of the logarithms of gains and of the noise's level; the box's share of the side."""


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
    which leaves about half of the finest octave's power, or bilinear in a doubled image (`sharp`), which leaves .8 for
    four times the time (benchmarks/augment.md). Half is enough: reals and fakes are resampled alike, so what is
    weakened is still there for D to compare, and images that are not resampled show it in full.

    Args:
        blit, geometry, colour: which of the three groups are used.
        filters, noise, cutout: further groups of the paper, which helped it little: gains of frequency bands, noise,
            a box of half the side.
        sharp: whether images are doubled before they are resampled.
    """

    steered = True
    first_strength = 0.0

    def __init__(
        self,
        blit: bool = True,
        geometry: bool = True,
        colour: bool = True,
        filters: bool = False,
        noise: bool = False,
        cutout: bool = False,
        sharp: bool = False,
    ) -> None:
        self.blit = blit
        self.geometry = geometry
        self.colour = colour
        self.filters = filters
        self.noise = noise
        self.cutout = cutout
        self.sharp = sharp

    def _draw(self, dice: Dice, shape: tuple[int, int, int]) -> Draws:
        """See `Augment.draw`; an image's draws at a smaller strength are some of those at a larger one."""
        moves, warps = self._maps(dice, shape)
        draws = Draws(
            dice.count,
            moves=moves,
            warps=warps,
            colours=_colours(dice, shape[0]) if self.colour else None,
            gains=_gains(dice) if self.filters else None,
            noise=_noise(dice, shape) if self.noise else None,
            boxes=_boxes(dice, shape) if self.cutout else None,
        )
        return draws

    def apply(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Augment.apply`."""
        assert len(x) == draws.count, (len(x), draws.count)
        if draws.moves is not None:
            x = changes.move(x, draws.moves)
        if draws.warps is not None:
            x = changes.warp(x, draws.warps, self.sharp)
        if draws.colours is not None:
            x = changes.recolour(x, draws.colours)
        if draws.gains is not None:
            x = changes.amplify(x, draws.gains)
        if draws.noise is not None:
            x = changes.add_noise(x, draws.noise)
        return x if draws.boxes is None else changes.cut_out(x, draws.boxes)

    def _maps(self, dice: Dice, shape: tuple[int, int, int]) -> tuple[Change | None, Change | None]:
        """Maps of the images that move by whole pixels only, and of those that are resampled."""
        whole = _whole_pixel_maps(dice, shape) if self.blit else _identity(dice.count)
        any_maps = _resampling_maps(dice, shape) if self.geometry else _identity(dice.count)
        warped = _differs(any_maps, _identity(dice.count))
        moved = _differs(whole, _identity(dice.count)) & ~warped
        return part_of(whole[:, :2], moved), part_of((whole @ any_maps)[:, :2], warped)


def _identity(count: int) -> Tensor:
    return torch.eye(3, dtype=torch.float64).repeat(count, 1, 1)


def _differs(values: Tensor, others: Tensor) -> Tensor:
    """Which rows [B] bool of [B, ...] differ."""
    return (values != others).flatten(1).any(dim=1)


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


def _gains(dice: Dice) -> Change | None:
    gains = [dice.sometimes(dice.normal(GAIN_LOG2).exp2(), 1.0) for _ in range(changes.NUM_BANDS)]
    bands = torch.stack(gains, dim=1)
    return part_of(changes.balanced(bands), _differs(bands, torch.ones_like(bands)))


def _noise(dice: Dice, shape: tuple[int, int, int]) -> Change | None:
    levels = dice.sometimes(dice.normal(NOISE).abs(), 0.0)
    part = part_of(levels.view(-1, 1, 1, 1), levels != 0)
    if part is None:
        return None
    noise = torch.zeros(len(part.rows), *shape)
    n = changes.num_colours(shape[0])
    noise[:, :n] = part.values * torch.randn(len(part.rows), n, *shape[1:], generator=dice.generator)
    return Change(part.rows, noise)


def _boxes(dice: Dice, shape: tuple[int, int, int]) -> Change | None:
    _, height, width = shape
    x, y = dice.uniform(0, 1), dice.uniform(0, 1)
    half = CUTOUT / 2
    edges = [(x - half) * width, (x + half) * width, (y - half) * height, (y + half) * height]
    return part_of(torch.stack(edges, dim=1), dice.happens())
