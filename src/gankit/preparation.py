"""From the user's data to what the game takes: read, types found, split, coded.

Knows data, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gankit.codecs import TableCodec, VectorCodec
from gankit.config import TrainConfig
from gankit.data import Records, Schema, Values, fingerprint, infer, read, split
from gankit.errors import DataError, OptionError
from gankit.metrics.sample import Sample

MAX_SEQUENTIAL_COLUMNS = 400
"""Above so many columns a table is generated in one shot: the sequential pair's cost grows with their square."""


MAX_COLUMNS = 1500
"""More columns than that are refused: not one step of the game, nor of the judges, ends in bearable time."""


@dataclass(frozen=True)
class Prepared:
    """Data, ready for the game.

    records: as read. schema: their columns. kind: "number", "vector" or "table".
    train, heldout: parsed columns of the two parts.
    codec: of the generated columns; given: of the columns in c, or None.
    network: "sequential", "residual" or "dense2014".
    x, c: the training part, compact; x_heldout, c_heldout likewise. c is [N, given columns], codes.
    data_hash: SHA-256 of the records.
    """

    records: Records
    schema: Schema
    kind: str
    network: str
    train: Mapping[str, Values]
    heldout: Mapping[str, Values]
    codec: TableCodec | VectorCodec
    given: TableCodec | None
    data_hash: str

    @property
    def num_train(self) -> int:
        """Training records."""
        return len(next(iter(self.train.values())).data)

    @property
    def num_heldout(self) -> int:
        """Held-out records."""
        return len(next(iter(self.heldout.values())).data)

    def sample(self, values: Mapping[str, Values]) -> Sample:
        """Parsed columns as a sample that metrics take."""
        return sample_of(self.schema, values)


def prepare(source: Any, config: TrainConfig, notes: list[str]) -> Prepared:
    """Reads, understands, splits and codes; decisions are appended to `notes`, one line each.

    Raises:
        DataError: the data cannot be read or learned from. OptionError: an option does not fit it.
    """
    records = read(source, config, notes=notes)
    schema = infer(records, config, notes=notes)
    if not schema.modelled:
        kinds = ", ".join(f"{c.name} ({c.kind})" for c in schema.columns[:6])
        raise DataError(
            f"no column is left to learn: {kinds}. Say what a column is with --column NAME=number or NAME=category."
        )
    if len(schema.modelled) > MAX_COLUMNS:
        raise DataError(
            f"{len(schema.modelled):,} columns to learn are too many; {MAX_COLUMNS:,} are the most. Leave some out "
            "with --column NAME=drop, or split the table."
        )
    for name in config.given:
        if schema.column(name).kind not in ("number", "category", "datetime"):
            raise OptionError(
                f"--given {name}: this column is not modelled ({schema.column(name).kind}). Name another, or say what "
                f"it is with --column {name}=category."
            )
    values = schema.parse(records.table)
    if config.heldout is None:
        train_rows, heldout_rows = split(schema, values, config, config.seed)
        train = {name: _take(v, train_rows) for name, v in values.items()}
        heldout = {name: _take(v, heldout_rows) for name, v in values.items()}
    else:
        train, heldout = values, schema.parse(read(Path(config.heldout), config, notes=notes).table)
        train_rows = np.arange(len(records))
    schema = schema.restricted(values, train_rows)
    kind = _kind(config, records, schema, values, notes)
    network = _network(config, kind, schema, notes)
    codec, given = _codecs(kind, network, schema, train, config)
    return Prepared(records, schema, kind, network, train, heldout, codec, given, fingerprint(records))


def sample_of(schema: Schema, values: Mapping[str, Values]) -> Sample:
    """Parsed columns as a sample that metrics take: dates as seconds, every missing marker as missing."""
    columns, kinds, levels = {}, {}, {}
    for column in schema.modelled:
        found = values[column.name]
        if column.kind == "category":
            columns[column.name] = np.where(found.missing > 0, -1, found.data).astype(np.int32)
            kinds[column.name], levels[column.name] = "category", tuple(map(str, column.levels))
        else:
            columns[column.name] = np.where(found.missing > 0, np.nan, found.data).astype(np.float64)
            kinds[column.name] = "number"
    return Sample(columns, kinds, levels)  # type: ignore[arg-type]  # the two literals


def _take(values: Values, rows: np.ndarray) -> Values:
    return Values(values.data[rows], values.missing[rows])


def _kind(config: TrainConfig, records: Records, schema: Schema, values: Mapping[str, Values], notes: list[str]) -> str:
    """What was asked for, or the guess: arrays of numbers are vectors, one column of numbers is "number"."""
    whole = all(c.kind == "number" for c in schema.modelled) and all((v.missing == 0).all() for v in values.values())
    if config.kind in ("number", "vector") and not whole:
        odd = next(c.name for c in schema.modelled if c.kind != "number" or (values[c.name].missing > 0).any())
        raise OptionError(
            f"--kind {config.kind}: column {odd!r} is not all numbers, or has missing ones. Take it as --kind table."
        )
    if config.kind == "number" and len(schema.modelled) > 1:
        raise OptionError(
            f"--kind number: there are {len(schema.modelled)} columns. Take it as --kind vector or table."
        )
    if config.kind != "auto":
        return config.kind
    one, array = len(schema.columns) == 1, records.origin.format in ("npy", "npz", "numpy")
    kind = "table"
    if whole and one:
        kind = "number"
    elif whole and (array or records.origin.format == "list"):
        kind = "vector"
    notes.append(f"kind: {kind} ({len(schema.modelled)} columns, {len(records)} records). Another: --kind.")
    return kind


def _network(config: TrainConfig, kind: str, schema: Schema, notes: list[str]) -> str:
    if config.network != "auto":
        if config.network == "sequential" and kind != "table":
            raise OptionError(f"--network sequential makes tables, and this is kind {kind}. Take it as --kind table.")
        return config.network
    if kind != "table":
        return "residual"
    if len(schema.modelled) > MAX_SEQUENTIAL_COLUMNS:
        notes.append(
            f"network: residual, since {len(schema.modelled)} columns are too many for the sequential one. Conditions "
            "are then possible on --given columns only."
        )
        return "residual"
    return "sequential"


def _codecs(
    kind: str, network: str, schema: Schema, train: Mapping[str, Values], config: TrainConfig
) -> tuple[TableCodec | VectorCodec, TableCodec | None]:
    """The codec of what G makes, and of c. A sequential G needs no c: given columns come first in its order."""
    for name in config.given:
        schema.column(name)
    first = [c for name in dict.fromkeys(config.given) for c in schema.modelled if c.name == name]
    rest = [c for c in schema.modelled if c not in first]
    if network == "sequential":
        return TableCodec.fit([*first, *rest], train, num_first=len(first)), None
    if first and not rest:
        raise OptionError("every column is given, so that none is left to generate. Give fewer.")
    generated = (VectorCodec if kind in ("number", "vector") else TableCodec).fit(rest, train)
    return generated, TableCodec.fit(first, train) if first else None
