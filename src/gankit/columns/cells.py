"""Columns as plain arrays: what is different in them, where it stands, and typed cells as numbers.

Knows Arrow arrays and NumPy arrays; never what a column means to its user.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True)
class Values:
    """One parsed column.

    data: float64 [N] for numbers and datetimes (seconds since 1970 in UTC or, without a time zone, local;
        NaN where missing); int32 [N] codes into the column's `levels` for categories (-1 where missing or unknown).
    missing: int8 [N], 0 = present, k = the column's k-th missing marker (`markers[k - 1]`).
    """

    data: npt.NDArray[Any]
    missing: npt.NDArray[np.int8]

    def take(self, rows: npt.NDArray[np.int64]) -> Values:
        """The cells at `rows` [m]."""
        return Values(self.data[rows], self.missing[rows])


def at_rows(per_text: npt.NDArray[Any], rows: npt.NDArray[np.int64], null: float) -> npt.NDArray[Any]:
    """What holds for each different text, for every row. per_text: [K]; rows: [N], -1 takes `null`. Returns [N]."""
    return np.append(per_text, np.array([null], dtype=per_text.dtype))[rows]


def native_numbers(column: pa.Array) -> npt.NDArray[np.float64]:
    """The numbers of a typed column (whole, floating, decimal, boolean, or a span or time of day in its own unit).

    Returns float64 [N], NaN where null.
    """
    kind = column.type
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        column = column.view(pa.int64() if kind.bit_width == 64 else pa.int32())
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    floats = pc.cast(column, pa.float64(), safe=False)
    return np.array(floats.fill_null(np.nan) if floats.null_count else floats, dtype=np.float64)


def native_seconds(column: pa.Array) -> npt.NDArray[np.float64]:
    """Seconds since 1970 of a column of dates or timestamps (UTC where it has a time zone). Returns float64
    [N], NaN: null.
    """
    kind = column.type
    if pa.types.is_date32(kind):
        ticks, per_second = column.view(pa.int32()).cast(pa.int64()), 1.0 / 86400
    elif pa.types.is_date64(kind):
        ticks, per_second = column.view(pa.int64()), 1000.0
    elif pa.types.is_timestamp(kind):
        ticks, per_second = column.view(pa.int64()), float(_PER_SECOND[kind.unit])
    else:
        return native_numbers(column)
    null = np.asarray(ticks.is_null())
    whole = np.asarray(ticks.fill_null(0), dtype=np.int64)
    seconds = whole * 86400.0 if per_second < 1 else whole / per_second
    return np.where(null, np.nan, seconds)


def seconds_to_native(
    seconds: npt.NDArray[np.float64], lost: npt.NDArray[np.bool_], target: pa.DataType, grain: float
) -> pa.Array:
    """Seconds since 1970 as dates or timestamps of a type, moved to the nearest multiple of the grain; null
    where lost.
    """
    if pa.types.is_date32(target):
        days = np.floor(seconds / 86400.0 + 1e-9).astype(np.int32)
        return pa.array(days, mask=lost).view(target)
    per_second = 1000 if pa.types.is_date64(target) else _PER_SECOND[target.unit]
    ticks_per_grain = grain * per_second
    if grain > 0 and ticks_per_grain >= 1:
        # Whole steps times whole ticks: a product of doubles would lose nanoseconds.
        ticks = np.rint(seconds / grain).astype(np.int64) * int(np.rint(ticks_per_grain))
    else:
        ticks = np.rint(seconds * per_second).astype(np.int64)
    return pa.array(ticks, mask=lost).view(target)


def type_to_json(kind: pa.DataType) -> str:
    """An Arrow type as a text: its name (`int64`), or, where a name does not tell all, its serialised form."""
    name = str(kind)
    try:
        if pa.type_for_alias(name) == kind:
            return name
    except ValueError:
        pass
    return "ipc:" + base64.b64encode(pa.schema([pa.field("", kind)]).serialize().to_pybytes()).decode()


def type_from_json(text: str) -> pa.DataType:
    """The Arrow type that `type_to_json` wrote."""
    if text.startswith("ipc:"):
        return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text[4:]))).field(0).type
    return pa.type_for_alias(text)
