"""Plain numbers and vectors of numbers, each number on a standard normal scale by its own quantile function.

Knows parsed columns; never torch, networks, or how a column was written.

A number x of the training distribution F becomes Phi^-1(F(x)): whatever its unit, skew or tail, G has to make a
standard normal marginal, and decoding gives the training marginal back exactly. What is left to learn is how the
numbers hang together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np

from gankit.columns.codec import Codec, Columns
from gankit.columns.matching import Label
from gankit.columns.quantiles import Cells
from gankit.columns.relations.rules import Rules
from gankit.columns.schema import Column, Schema, Values
from gankit.spec import Block, Spec

LARGEST = 5.0  # beyond so many standard deviations a coded number is taken back (Phi(5) = 1 - 3e-7)


class VectorCodec(Codec[Columns]):
    """The codec of kinds "number" (one column) and "vector"."""

    def __init__(self, names: Sequence[str], cells: Sequence[Cells], rules: Rules = Rules.NONE) -> None:
        if not len(names) == len(cells) > 0:
            raise ValueError(f"{len(names)} names and the cells of {len(cells)} numbers")
        self.names, self.cells, self.rules = tuple(names), tuple(cells), rules
        self.spec = Spec("vector", (len(self.names),), (Block("continuous", len(self.names)),))

    @classmethod
    def fit(cls, columns: Sequence[Column], records: Columns, rules: Rules = Rules.NONE) -> Self:
        """The codec for training rows without missing numbers. rules: what rows keep, of numbers alone."""
        names, reduced = [column.name for column in rules.columns(columns)], rules.reduce(records)
        return cls(names, [Cells.fit(reduced[name].data) for name in names], rules)

    part, by_order = "column", True

    def labels(self, schema: Schema) -> list[Label]:
        """See `Codec.labels`."""
        return [(name, "") for name in (column.name for column in self.rules.columns(schema.modelled))]

    def encode(self, records: Columns) -> np.ndarray:
        """See `Codec.encode`."""
        from scipy.special import ndtri

        reduced = self.rules.reduce(records)
        masses = [_mass(cells, reduced[name].data) for name, cells in zip(self.names, self.cells, strict=True)]
        return np.stack([np.clip(ndtri(mass), -LARGEST, LARGEST) for mass in masses], axis=1)

    def decode(self, compact: np.ndarray, beside: Columns | None = None) -> dict[str, Values]:
        """See `Codec.decode` and `TableCodec.decode`."""
        from scipy.special import ndtr

        values = {}
        for i, (name, cells) in enumerate(zip(self.names, self.cells, strict=True)):
            mass = ndtr(np.asarray(compact[:, i], dtype=np.float64))
            cell = np.clip(np.searchsorted(cells.edges, mass, side="right") - 1, 0, cells.num_cells - 1)
            position = (mass - cells.edges[cell]) / (cells.edges[cell + 1] - cells.edges[cell])
            data = cells.decode(cell + np.clip(position, 0.0, 1.0 - 1e-9))
            values[name] = Values(data, np.zeros(len(data), dtype=np.int8))
        return self.rules.restore(values, beside)


def _mass(cells: Cells, x: np.ndarray) -> np.ndarray:
    coded = cells.encode(x)
    cell = coded.astype(np.int64)
    mass: np.ndarray = cells.edges[cell] + (coded - cell) * (cells.edges[cell + 1] - cells.edges[cell])
    return mass
