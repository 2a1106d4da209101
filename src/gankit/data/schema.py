"""What a table's columns are, and the way between the user's own form and plain arrays.

Knows records and columns; never torch, networks or codecs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Values:
    """One parsed column.

    data: float64 [N] for numbers and datetimes (seconds since 1970 in UTC or, without a time zone, local;
        NaN where missing); int32 [N] codes into the column's `levels` for categories (-1 where missing or unknown).
    missing: int8 [N], 0 = present, k = the column's k-th missing marker (`markers[k - 1]`).
    """

    data: np.ndarray
    missing: np.ndarray
