"""Numbers and vectors of numbers, as kinds of data: tables without categories, dates or missing cells.

Knows tables; never the loop's inside or terminals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gankit.columns.rows import rows_of
from gankit.config import TrainConfig
from gankit.io.probe import Probe
from gankit.kinds.base import Dataset, Prepared
from gankit.kinds.numbers.codec import VectorCodec
from gankit.kinds.tables.kind import TableKind
from gankit.kinds.tables.preparing import is_whole

ARRAYS = ("npy", "npz", "numpy", "list")
"""Formats of which several columns of numbers are vectors; in others they are a table."""


class VectorKind(TableKind):
    """Vectors of numbers."""

    name = "vector"
    is_guess = False
    codec = VectorCodec
    recipe: Mapping[str, Any] = {"learning_rate": 3e-3, "first_weight": 0.01, "gap_target": 0.02}
    """Few numbers want a fast G and a penalty that gives way (benchmarks/modes.md)."""

    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """See `Kind.recognises`."""
        rows = rows_of(probe, config)
        return rows.records.origin.format in ARRAYS and is_whole(rows)


class NumberKind(VectorKind):
    """Single numbers: one column of them."""

    name = "number"

    def recognises(self, probe: Probe, config: TrainConfig) -> bool:
        """See `Kind.recognises`."""
        rows = rows_of(probe, config)
        return len(rows.schema.columns) == 1 and is_whole(rows)

    def diagram(self, generator: Any, discriminator: Any, prepared: Prepared[Dataset, Any]) -> dict[str, Any] | None:
        """See `Kind.diagram`: D over a grid and where G takes z, as in figure 1 of the paper of 2014."""
        from gankit.kinds.tables.evaluation import figure_of_one_number

        return None if prepared.given is not None else figure_of_one_number(generator, discriminator, prepared)
