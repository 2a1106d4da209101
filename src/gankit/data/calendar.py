"""Parts of the calendar at which series begin: what they are as labels, and times that have them.

Knows times and columns; never channels, codecs or networks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.data.cells import Values
from gankit.data.columns import Column
from gankit.data.series import Times
from gankit.data.seriestimes import DAY

Floats = npt.NDArray[np.float64]

PARTS: dict[str, tuple[str, ...]] = {
    "month": tuple(map(str, range(1, 13))),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "hour": tuple(map(str, range(24))),
}
"""The parts, each with its values in their order."""

HOUR = 3600
_THURSDAY = 3
"""The weekday of the first day of 1970, Monday being 0."""


def has_dates(times: Times | None) -> bool:
    """Whether times are seconds since 1970 rather than numbers."""
    return times is not None and (len(times.columns) > 1 or times.columns[0].kind == "datetime")


def calendar_table(times: Floats, names: Sequence[str]) -> pa.Table:
    """The parts at times [N] in seconds since 1970, [N] texts each.

    >>> calendar_table(np.array([0.0, 1e9]), ["month", "weekday", "hour"]).to_pylist()[1]
    {'month': '9', 'weekday': 'Sunday', 'hour': '1'}
    """
    days = np.floor(times / DAY).astype(np.int64)
    found = {
        "month": days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12,
        "weekday": (days + _THURSDAY) % 7,
        "hour": ((times - days * DAY) // HOUR).astype(np.int64),
    }
    return pa.table({name: np.array(PARTS[name])[found[name]] for name in names})


def calendar_columns(table: pa.Table) -> tuple[Column, ...]:
    """Categories for the parts of a `calendar_table`, with the values that are in it, in their order."""
    seen = {name: set(table.column(name).to_pylist()) for name in table.column_names}
    return tuple(
        Column(name, "category", pa.string(), levels=tuple(v for v in PARTS[name] if v in seen[name])) for name in seen
    )


def starts_at(
    runs: Sequence[tuple[float, float, int]],
    columns: Sequence[Column],
    wanted: Mapping[str, Values],
    uniforms: Floats,
) -> Floats:
    """Times of runs (`seriestimes.runs_of`), picked by uniforms [N] in [0, 1) among those that have the wanted parts.

    Where none has all of them, among those that have most.

    columns: of the parts. wanted: their cells, [N] each.
    """
    starts = np.concatenate([first + difference * np.arange(count) for first, difference, count in runs])
    there = calendar_table(starts, [column.name for column in columns])
    known = np.stack([column.parse(there.column(column.name)).data for column in columns], 1)  # [S, K]
    asked = np.stack([wanted[column.name].data for column in columns], 1)  # [N, K]
    found = np.empty(len(asked))
    kinds, kind_of = np.unique(asked, axis=0, return_inverse=True)
    for kind, parts in enumerate(kinds):
        rows = np.flatnonzero(kind_of.reshape(-1) == kind)
        alike = (known == parts).sum(1)
        fitting = np.flatnonzero(alike == alike.max())
        found[rows] = starts[fitting[(uniforms[rows] * len(fitting)).astype(np.int64)]]
    return found
