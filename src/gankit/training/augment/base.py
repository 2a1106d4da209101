"""What every augmentation is: a draw of numbers for a batch, and a differentiable map of the batch under them.

Knows tensors of images; never networks, losses or kinds of data.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Change:
    """Numbers for those images of a batch that one stage changes; the others are left as they are.

    rows: [M] int64, increasing: which images.
    values: [M, ...] float32: what is done to them.
    """

    rows: Tensor
    values: Tensor

    def to(self, device: torch.device) -> Change:
        """The same on `device`."""
        return Change(self.rows.to(device, non_blocking=True), self.values.to(device, non_blocking=True))

    def of_rows(self, rows: Tensor) -> Change | None:
        """Of some images of the batch, `rows` [B'] int64 increasing, counted anew; None where none is changed."""
        places = torch.searchsorted(rows, self.rows)
        mine = rows[places.clamp_max(len(rows) - 1)] == self.rows
        return Change(places[mine], self.values[mine]) if bool(mine.any()) else None


@dataclass(frozen=True)
class Draws:
    """All that chance decides about the augmentation of one batch; a stage that is None changes no image.

    count: images of the batch.
    moves: maps [M, 2, 3] of whole pixels (flips, quarter turns, whole steps).
    warps: maps [M, 2, 3] of any kind.
    colours: maps [M, C, C + 1] of a pixel's channels.
    contrasts: factors [M, 1, 1, 1] about the image's own mean.
    boxes: edges [M, 4] (left, right, top, bottom) in pixels of what is cut out.
    """

    count: int
    moves: Change | None = None
    warps: Change | None = None
    colours: Change | None = None
    contrasts: Change | None = None
    boxes: Change | None = None

    def to(self, device: torch.device) -> Draws:
        """The same on `device`; nothing waits for it."""
        return self if device.type == "cpu" else self._each(self.count, lambda change: change.to(device))

    def of_rows(self, rows: Tensor) -> Draws:
        """Those of some images of the batch, `rows` [B'] int64 increasing."""
        return self._each(len(rows), lambda change: change.of_rows(rows))

    def _each(self, count: int, function: Callable[[Change], Change | None]) -> Draws:
        parts = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "count"}
        return Draws(count, **{name: part and function(part) for name, part in parts.items()})


def part_of(values: Tensor, changed: Tensor) -> Change | None:
    """The rows of `values` [B, ...] where `changed` [B] bool holds, as float32; None where there is none."""
    rows = changed.nonzero().flatten()
    return Change(rows, values[rows].float()) if len(rows) else None


def taken(x: Tensor, part: Change) -> Tensor:
    """The images [M, C, H, W] of `x` that the stage changes."""
    return x if len(part.rows) == len(x) else x.index_select(0, part.rows)


def put_back(x: Tensor, part: Change, changed: Tensor) -> Tensor:
    """`x` [B, C, H, W] with the images `changed` [M, C, H, W] in their places; `x` itself is left as it is."""
    return changed if len(part.rows) == len(x) else x.index_copy(0, part.rows, changed)


class Augment(ABC):
    """An augmentation of images, the same kind for real ones and fakes.

    Attributes:
        steered: whether its strength is meant to follow D's memory (`ada.steer`) or to stay at `first_strength`.
        first_strength: the strength to begin with, in [0, 1].
    """

    steered: bool
    first_strength: float

    def draw(
        self, generator: torch.Generator, count: int, shape: tuple[int, int, int], strength: float, device: torch.device
    ) -> Draws:
        """The numbers for one batch.

        Args:
            generator: a generator on the CPU, so that the numbers are the same for every device.
            count: images of the batch.
            shape: (C, H, W) of an image.
            strength: the chance of each change for an image, in [0, 1]; at 0 nothing is drawn.
            device: where the images are.
        """
        assert 0 <= strength <= 1, strength
        return Draws(count) if strength == 0 else self._draw(Dice(generator, count, strength), shape).to(device)

    @abstractmethod
    def _draw(self, dice: Dice, shape: tuple[int, int, int]) -> Draws:
        """The numbers for a batch of images (C, H, W), on the CPU; the dice know how many images and how likely."""

    @abstractmethod
    def apply(self, x: Tensor, draws: Draws) -> Tensor:
        """The augmented batch; `x` itself where nothing changes. Image i depends on image i and its draws alone.

        Differentiable in x once (bilinear sampling has no second derivative in PyTorch): gradient penalties are taken
        at the augmented images. On CUDA the sums of its derivative come in any order, so that runs differ in the
        last bits; on the CPU they do not.

        Args:
            x: [B, C, H, W] float32, in [-1, 1]; colours may leave that range on the way.
            draws: of `draw`, for B images of that shape.

        Returns:
            [B, C, H, W] float32.
        """


@dataclass(frozen=True)
class Dice:
    """Numbers for `count` images, one call after another from one generator on the CPU.

    strength: the chance of a change, in [0, 1].
    """

    generator: torch.Generator
    count: int
    strength: float

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
