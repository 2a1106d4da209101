"""The contract between codecs and networks: the shape of a record as a tensor, and its blocks.

Knows numbers only; never columns, files or kinds of data.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

import numpy as np
import numpy.typing as npt

Form = Literal["vector", "sequence", "image"]
BlockType = Literal["continuous", "categorical", "binned"]


@dataclass(frozen=True)
class Block:
    """A run of neighbouring numbers in the last axis of a record that are generated together.

    type: "continuous" (size real numbers, roughly standard normal), "categorical" (one-of-`size`), or
        "binned" (one-of-`size` over ordered cells of one number: a network may use the order).
    size: how many numbers the block takes in the tensor.
    ordered: how many cells of a binned block, from the first one, stand in the order of their numbers.
    """

    type: BlockType
    size: int
    ordered: int = 0

    def __post_init__(self) -> None:
        assert self.size >= 1, f"a block must have at least one number, got {self.size}"
        assert 0 <= self.ordered <= self.size, f"{self.ordered} of {self.size} cells cannot be in order"


@dataclass(frozen=True)
class Spec:
    """What a codec and a network share: `form`, `shape` of one record without the batch axis, and `blocks`.

    A vector is [D], a sequence [T, D] (T steps of D numbers), an image [C, H, W]. The blocks divide the D numbers of a
    vector, or of one step of a sequence, where they repeat at every step. Images have none, or one one-of-C block: the
    channels of a pixel say which of C colours it has.
    """

    form: Form
    shape: tuple[int, ...]
    blocks: tuple[Block, ...] = ()

    def __post_init__(self) -> None:
        if self.blocks:
            axis = 0 if self.form == "image" else -1
            assert sum(b.size for b in self.blocks) == self.shape[axis], "blocks must fill the axis that they divide"

    @property
    def dim(self) -> int:
        """How many numbers one record has."""
        return math.prod(self.shape)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where each block begins in the last axis, and, as the last entry, where all end."""
        return tuple(accumulate((block.size for block in self.blocks), initial=0))

    @property
    def compact_dim(self) -> int:
        """Numbers of a record as it travels compactly: one a one-of-K block (its code), all of a continuous one.

        >>> Spec("sequence", (24, 5), (Block("continuous", 3), Block("categorical", 2))).compact_dim
        96
        """
        if not self.blocks:
            return self.dim
        steps = self.dim // sum(b.size for b in self.blocks)
        return steps * sum(b.size if b.type == "continuous" else 1 for b in self.blocks)

    @property
    def flat(self) -> Spec:
        """The same numbers as a vector, the blocks of a sequence's step repeated for every step; images without blocks.

        >>> Spec("sequence", (2, 3), (Block("continuous", 3),)).flat.shape
        (6,)
        """
        if self.form == "image":
            return Spec("image", self.shape)
        if self.form == "vector":
            return self
        return Spec("vector", (self.dim,), self.blocks * self.shape[0])


@dataclass(frozen=True)
class Match:
    """Which numbers of a record, of one step where it has steps, mean what numbers of other records mean.

    rows, columns: [n] int64; number rows[i] here is number columns[i] there, to the share weights[i] of it: several are
        of one cell that lies in several there, whose shares have a sum of 1. Numbers that are in no row are new.
    weights: [n] float32.
    shift: [D] float32, what the logits of one-of-K numbers rise by when they are taken over.
    text: what is kept, new and left, in words.
    """

    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int64]
    weights: npt.NDArray[np.float32]
    shift: npt.NDArray[np.float32]
    text: str = ""

    @classmethod
    def of_places(cls, rows: Sequence[int], columns: Sequence[int], size: int, text: str = "") -> Match:
        """The match of numbers that mean the same, of `size` in all."""
        one, shift = np.ones(len(rows), np.float32), np.zeros(size, np.float32)
        return cls(np.asarray(rows, np.int64), np.asarray(columns, np.int64), one, shift, text)
