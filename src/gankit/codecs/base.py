"""What every codec is: records as parsed columns to numbers and back, fitted on the training part only.

Knows columns and Spec; never torch, networks or losses.

Numbers travel compactly: one row of `Spec.compact_dim` float64 a record, `code + position` for a one-of-K block
(position in [0, 1): where inside the cell), and the numbers themselves for a continuous block.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gankit.data.schema import Values
from gankit.spec import Spec


@dataclass(frozen=True)
class Restriction:
    """What one column of a sample must obey, in cells.

    weight: [K] float64 in [0, 1], the share of each cell that is allowed.
    begin, end: [K] float64 in [0, 1], the positions in each cell between which the allowed part lies.
    """

    weight: np.ndarray
    begin: np.ndarray
    end: np.ndarray

    @classmethod
    def of_cells(cls, num_cells: int, allowed: Sequence[int]) -> Restriction:
        """Whole cells, and no others."""
        weight = np.zeros(num_cells)
        weight[list(allowed)] = 1.0
        return cls(weight, np.zeros(num_cells), np.ones(num_cells))

    def place(self, coded: np.ndarray) -> np.ndarray:
        """`cell + position` with the position moved into the allowed part of its cell; [N] -> [N]."""
        cell = coded.astype(np.int64)
        position = self.begin[cell] + (coded - cell) * (self.end[cell] - self.begin[cell])
        placed: np.ndarray = cell + np.minimum(position, 1.0 - 1e-9)
        return placed


class Codec(ABC):
    """Records <-> compact numbers."""

    spec: Spec

    @abstractmethod
    def encode(self, values: Mapping[str, Values]) -> np.ndarray:
        """Parsed columns to compact numbers [N, spec.compact_dim] float64."""

    @abstractmethod
    def decode(self, compact: np.ndarray) -> dict[str, Values]:
        """Compact numbers [N, spec.compact_dim] float64 to parsed columns; every value is one that training allows."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """The fitted codec as plain JSON values."""
