"""Augmentation of images by Zhao et al. (2020), and of spectrograms by what leaves a sound the same word or note.

Knows what may happen to a batch; never networks, losses or kinds of data.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gankit.training.augment import changes
from gankit.training.augment.base import Augment, Change, Dice, Draws, part_of

# Zhao et al. 2020, section 3.2 and the code they published
BRIGHTNESS, SATURATION, CONTRAST = (-0.5, 0.5), (0.0, 2.0), (0.5, 1.5)
"""Ranges of the added brightness and of the factors of saturation and contrast, all uniform."""
TRANSLATION, CUTOUT = 8, 2
"""An eighth of the side is the largest shift, half of the side is cut out."""

SHIFT = 0.125
"""Of `Spectral`: largest shift in time by whole columns, as a share of the width, that of ADA (Karras et al. 2020)."""

FASTER_LOG2, HIGHER = 0.15, 0.03
"""Standard deviations of the logarithm (to base 2) of the tempo, and of the shift in pitch as a share of the height."""

LOUDER = 0.1
"""Standard deviation of the added loudness, where the whole range is 2: 4 dB of the 80 that a spectrogram shows."""


class DiffAugment(Augment):
    """Colour, translation and cutout, each for every image (or for a share `strength` of the images).

    Colour: brightness is added, saturation multiplied about each pixel's luma, contrast about the image's own mean.
    Translation: by whole pixels, up to 1/8 of the side, with 0 (mid-grey) where the image was not. Cutout: a box of
    half the sides set to 0, its centre anywhere. Grey images have no saturation; alpha (the last of 2 or 4 channels) is
    not coloured.
    """

    steered = False
    first_strength = 1.0

    def _draw(self, dice: Dice, shape: tuple[int, int, int]) -> Draws:
        """See `Augment.draw`."""
        colours, contrasts = _colours(dice, shape[0])
        return Draws(
            dice.count, moves=_moves(dice, shape), colours=colours, contrasts=contrasts, boxes=_boxes(dice, shape)
        )

    def apply(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Augment.apply`."""
        assert len(x) == draws.count, (len(x), draws.count)
        if draws.colours is not None:
            x = changes.recolour(x, draws.colours)
        if draws.contrasts is not None:
            x = changes.recontrast(x, draws.contrasts, changes.num_colours(x.shape[1]))
        if draws.moves is not None:
            x = changes.move(x, draws.moves, mirrored=False)
        return x if draws.boxes is None else changes.cut_out(x, draws.boxes)


def _colours(dice: Dice, channels: int) -> tuple[Change | None, Change | None]:
    n = changes.num_colours(channels)
    bright, saturated, contrast = dice.uniform(*BRIGHTNESS), dice.uniform(*SATURATION), dice.uniform(*CONTRAST)
    matrices = changes.saturation(saturated, n) @ changes.brightness(bright, n)
    chosen = dice.happens()
    return part_of(changes.as_maps(matrices, channels), chosen), part_of(contrast.view(-1, 1, 1, 1), chosen)


def _moves(dice: Dice, shape: tuple[int, int, int]) -> Change | None:
    _, height, width = shape
    most_right, most_down = width // TRANSLATION, height // TRANSLATION
    right = dice.uniform(-most_right, most_right + 1).floor()
    down = dice.uniform(-most_down, most_down + 1).floor()
    return part_of(changes.shift(right, down)[:, :2], dice.happens() & ((right != 0) | (down != 0)))


def _boxes(dice: Dice, shape: tuple[int, int, int]) -> Change | None:
    _, height, width = shape
    wide, high = width // CUTOUT, height // CUTOUT
    # the box's middle is any pixel (any edge between two for boxes of even sides)
    left = dice.uniform(0, width + 1 - wide % 2).floor() - wide // 2
    top = dice.uniform(0, height + 1 - high % 2).floor() - high // 2
    return part_of(torch.stack([left, left + wide, top, top + high], dim=1), dice.happens())


class Spectral(Augment):
    """Shifts in time, tempo and pitch, and loudness, each with probability `strength` for a spectrogram.

    The first three are one map of the image, mirrored beyond its edges; those that are shifted by whole columns alone
    keep their numbers to the bit. There are no flips and no turns: a sound played backwards is another sound. The
    strength follows D's memory, as that of ADA does.
    """

    steered = True
    first_strength = 0.0

    def _draw(self, dice: Dice, shape: tuple[int, int, int]) -> Draws:
        """See `Augment.draw`."""
        channels, height, width = shape
        still = torch.zeros(dice.count, dtype=torch.float64)
        later = dice.sometimes((dice.uniform(-SHIFT, SHIFT) * width).round(), 0.0)
        faster = dice.sometimes(dice.normal(FASTER_LOG2).exp2(), 1.0)
        higher = dice.sometimes(dice.normal(HIGHER) * height, 0.0)
        louder = dice.sometimes(dice.normal(LOUDER), 0.0)
        moves = changes.shift(later, still)
        warps = changes.scale(1 / faster, torch.ones(dice.count)) @ changes.shift(later, -higher)
        warped = (faster != 1) | (higher != 0)
        maps = changes.brightness(louder, channels)[:, :channels]
        return Draws(
            dice.count,
            moves=part_of(moves[:, :2], (later != 0) & ~warped),
            warps=part_of(warps[:, :2], warped),
            colours=part_of(maps, louder != 0),
        )

    def apply(self, x: Tensor, draws: Draws) -> Tensor:
        """See `Augment.apply`."""
        return changes.apply(x, draws)
