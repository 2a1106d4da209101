"""Small samples for the tests of the metrics."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from gankit.kinds.tables.metrics.sample import Sample


def table(**columns: Iterable[Any]) -> Sample:
    """A sample from lists: floats are numbers, texts (None = missing) are categories with sorted levels."""
    values, kinds, levels = {}, {}, {}
    for name, column in columns.items():
        items = list(column)
        if any(isinstance(v, str) for v in items):
            levels[name] = tuple(sorted({v for v in items if v is not None}))
            values[name] = np.array([-1 if v is None else levels[name].index(v) for v in items], np.int32)
            kinds[name] = "category"
        else:
            values[name] = np.array([np.nan if v is None else v for v in items], np.float64)
            kinds[name] = "number"
    return Sample(values, kinds, levels)  # type: ignore[arg-type]


def mixed(num_rows: int, seed: int) -> Sample:
    """Five columns that hang together: three numbers, one with zeros and gaps, two categories, one with rare levels."""
    generator = np.random.default_rng(seed)
    x = generator.normal(size=num_rows)
    y = np.where(x < 0, 0.0, np.exp(x + generator.normal(size=num_rows) / 2))
    y[generator.random(num_rows) < 0.1] = np.nan
    c = (x + generator.normal(size=num_rows) / 2 > 0.3).astype(np.int32)
    d = np.minimum(generator.geometric(0.35 + 0.2 * c), 12).astype(np.int32) - 1
    d[generator.random(num_rows) < 0.05] = -1
    return Sample(
        {"x": x, "y": y, "z": x + generator.normal(size=num_rows), "c": c, "d": d},
        {"x": "number", "y": "number", "z": "number", "c": "category", "d": "category"},
        {"c": ("no", "yes"), "d": tuple(f"d{i}" for i in range(12))},
    )
