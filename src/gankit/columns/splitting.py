"""The held-out part: which rows train and which judge.

Knows schemas and parsed columns; never torch, networks or codecs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from gankit.columns.cells import Values
from gankit.columns.schema import Column, Schema
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.origin import Records
from gankit.randomness import numpy_generator

Ints = npt.NDArray[np.int64]

FRACTION = 0.2
LARGE_FRACTION = 0.1
LARGE = 50_000
_STRATA = 10


def split(
    schema: Schema, data: Records | Mapping[str, Values], config: TrainConfig | None = None, seed: int | None = None
) -> tuple[Ints, Ints]:
    """The rows that train and the rows that are held out: two sorted int64 arrays that share none and hold all.

    A fifth is held out (a tenth above 50,000 rows), or `config.heldout_fraction`; at least one row on either side.
    Drawn by seed (default: `config.seed`); in every stratum of the `config.given` columns (levels, or tenths of
    numbers) the shares differ by at most one row.

    Raises:
        DataError: fewer than 2 rows. OptionError: an impossible fraction, or a given column that is not there.
    """
    config = config or TrainConfig()
    seed = config.seed if seed is None else seed
    values = schema.parse(data.table) if isinstance(data, Records) else data
    num_rows = len(next(iter(values.values())).missing) if values else 0
    check_size(num_rows)
    fraction = config.heldout_fraction
    if fraction is None:
        fraction = FRACTION if num_rows <= LARGE else LARGE_FRACTION
    if not 0 < fraction < 1:
        raise OptionError(f"the held-out fraction must be above 0 and below 1. Got {fraction} instead.")
    count = int(np.clip(round(fraction * num_rows), 1, num_rows - 1))
    rng = numpy_generator(seed, "split")
    order = rng.permutation(num_rows)
    strata = np.zeros(num_rows, dtype=np.int64)
    for name in config.given:
        column = _given(schema, name)
        strata = np.unique(np.stack([strata, _stratum(column, values[name])]), axis=1, return_inverse=True)[1].reshape(
            -1
        )
    order = order[np.argsort(strata[order], kind="stable")]
    # Evenly spaced places in the rows ordered by stratum: each stratum gives its share, to the nearest row.
    places = np.floor((np.arange(count) + rng.random()) * num_rows / count).astype(np.int64)
    heldout = np.zeros(num_rows, dtype=bool)
    heldout[order[np.minimum(places, num_rows - 1)]] = True
    return np.flatnonzero(~heldout), np.flatnonzero(heldout)


def check_size(num_rows: int) -> None:
    """Refuses data of fewer than 2 rows with a DataError."""
    if num_rows < 2:
        raise DataError(
            "training needs at least 2 rows (one to learn from, one held out), and some hundreds to learn "
            f"well. Got {num_rows}."
        )


def _given(schema: Schema, name: str) -> Column:
    try:
        column = schema.column(name)
    except DataError as error:
        raise OptionError(f"--given {name}: {error}") from None
    if not column.modelled:
        raise OptionError(
            f"--given {name}: the column is not learned ({column.type}). --column {name}=category makes it one that is."
        )
    return column


def _stratum(column: Column, values: Values) -> Ints:
    """A number for each row's stratum: the level, or the tenth of the numbers, or the missing marker."""
    present = (values.missing == 0) & ~np.isnan(values.data.astype(np.float64))
    stratum = -1 - values.missing.astype(np.int64)
    if column.type == "category":
        stratum[present] = values.data[present]
    elif present.any():
        edges = np.unique(np.quantile(values.data[present], np.linspace(0, 1, _STRATA + 1)[1:-1]))
        stratum[present] = np.searchsorted(edges, values.data[present], side="right")
    return stratum
