"""Numbers, vectors and tables: read, types found, split, coded.

Knows data, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from gankit.columns.cells import Values
from gankit.columns.codec import TableCodec
from gankit.columns.inference import infer
from gankit.columns.schema import Schema
from gankit.columns.splitting import check_size, split
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.origin import Records, fingerprint
from gankit.io.reading import read
from gankit.kinds.numbers.codec import VectorCodec
from gankit.kinds.prepared import Prepared
from gankit.kinds.refusing import refuse_other_network
from gankit.kinds.series.preparing import hint_of_times
from gankit.kinds.texts.preparing import prepare_text_records
from gankit.kinds.texts.reading import is_one_column_of_texts

MAX_SEQUENTIAL_COLUMNS = 400
"""Above so many columns a table is generated in one shot: the sequential pair's cost grows with their square."""

MAX_COLUMNS = 1500
"""More columns than that are refused: not one step of the game, nor of the judges, ends in bearable time."""


def prepare_table(source: Any, config: TrainConfig, notes: list[str]) -> Prepared:
    """See `gankit.kinds.prepare.prepare`."""
    records = read(source, config, notes=notes)
    if config.kind == "auto" and is_one_column_of_texts(records, config):
        return prepare_text_records(records, config, notes)
    with _naming(source):
        schema = _understood(records, config, notes)
        values = schema.parse(records.table)
    if config.heldout is None:
        with _naming(source):
            train_rows, heldout_rows = split(schema, values, config, config.seed)
        train = {name: _take(v, train_rows) for name, v in values.items()}
        heldout = {name: _take(v, heldout_rows) for name, v in values.items()}
    else:
        other = read(Path(config.heldout), config, notes=notes)
        with _naming(config.heldout):
            train, heldout = values, schema.parse(other.table)
        train_rows = np.arange(len(records))
    schema = schema.restricted(values, train_rows)
    kind = _kind(config, records, schema, values, notes)
    if kind == "table" and config.kind == "auto" and (hint := hint_of_times(schema, values)):
        notes.append(hint)
    network = _network(config, kind, schema, notes)
    codec, given = _codecs(kind, network, schema, train, config)
    return Prepared(records.origin, schema, kind, network, train, heldout, codec, given, fingerprint(records))


@contextmanager
def _naming(source: Any) -> Iterator[None]:
    """Begins the texts of DataErrors with the file that the data came from."""
    try:
        yield
    except DataError as error:
        if not isinstance(source, str | Path):
            raise
        name = "standard input" if str(source) == "-" else repr(str(source))
        raise DataError(f"{name}: {error}") from error


def _understood(records: Records, config: TrainConfig, notes: list[str]) -> Schema:
    """What the columns are, once it is sure that they can be learned."""
    if config.heldout is None:
        check_size(len(records))
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
    return schema


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
    refuse_other_network(config.network, ("tables",), f"this is kind {kind}")
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
