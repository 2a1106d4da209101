"""Numbers and objects as JSON, for a page: short decimals, and null where there is no finite number.

Knows plain values and arrays; never what they mean.
"""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, cast

import numpy as np


def as_json(value: Any) -> bytes:
    """JSON on one line; NaN and infinities are null, and halves of characters a question mark.

    >>> as_json({"x": [1, float("nan")]})
    b'{"x":[1,null]}'
    """
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def listed(x: np.ndarray | Sequence[float] | array[float], digits: int = 5) -> list[Any]:
    """Numbers as (nested) lists, rounded to so many significant digits; None for what is no finite number.

    >>> listed([0.1234567, float("nan"), 123456789.0])
    [0.12346, None, 123460000.0]
    """
    values = np.asarray(x, np.float64)
    finite = np.isfinite(values)
    sizes = np.abs(np.where(finite & (values != 0), values, 1.0))
    places = digits - 1 - np.floor(np.log10(sizes)).astype(np.int64)
    # powers of ten that are whole are exact, so that what comes out is the double nearest to the short decimal
    up, down = 10.0 ** np.clip(places, 0, 300), 10.0 ** np.clip(-places, 0, 300)
    rounded = np.round(np.where(finite, values, 0.0) * up / down) / up * down
    found = rounded.astype(object)
    found[~finite] = None
    return cast("list[Any]", found.tolist())
