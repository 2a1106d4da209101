"""Numbers, vectors and tables: read, types found, split, coded.

Knows data, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.columns.codec import TableCodec
from gankit.columns.column import Values
from gankit.columns.inference import with_classes
from gankit.columns.relations.finding import find_rules
from gankit.columns.relations.rules import Counter, Equation, Order, Rules
from gankit.columns.rows import MOST_LOOKS, Rows, naming, refuse_stated, rows_of, with_rows
from gankit.columns.schema import Schema
from gankit.columns.splitting import split
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.probe import Probe
from gankit.io.reading import read
from gankit.io.records import fingerprint
from gankit.kinds.base import Dataset, Kind, Notes, Prepared
from gankit.kinds.options import NO_RULES_OF_BEFORE
from gankit.kinds.tables.codec import VectorCodec
from gankit.kinds.tables.metrics.sample import ColumnKind, Sample
from gankit.kinds.tables.options import TableOptions
from gankit.kinds.tables.stored import Strange, stored
from gankit.metrics.metric import Noun
from gankit.networks import NETWORKS, pair_for

if TYPE_CHECKING:
    from gankit.networks.base import RecordType


def prepare_rows(kind: Kind[Dataset, Any], probe: Probe, config: TrainConfig, notes: Notes) -> Prepared[Dataset, Any]:
    """Rows of a table, vectors or numbers. See `Kind.prepare`.

    Raises:
        DataError: there are too few rows. OptionError: an option does not fit them.
    """
    rows, broken, looks = rows_of(probe, config), list[str](), 0
    while True:
        said = list[str]()
        found = _prepared(kind, probe, config, rows, broken, said)
        if isinstance(found, Prepared):
            notes += said
            return found
        if looks == MOST_LOOKS:
            raise DataError(
                f"{probe.name}: some rows have cells that are unlike all that were looked at, also after "
                f"{MOST_LOOKS} looks. Give more memory with --memory, or leave the columns out that are so."
            )
        looks += 1
        broken += found.rules
        if found.rows is not None:
            rows = with_rows(probe, rows, config, found.rows, found.places)


def _prepared(
    kind: Kind[Dataset, Any], probe: Probe, config: TrainConfig, rows: Rows, broken: Sequence[str], notes: Notes
) -> Prepared[Dataset, Any] | Strange:
    """broken: rules that do not hold in all rows of a table that does not fit in memory."""
    notes += rows.notes
    values = rows.values
    if config.heldout is None:
        with naming(probe.name):
            train_rows, heldout_rows = split(rows.schema, values, config, config.seed)
        whole = Dataset(values)
        train, heldout = whole.take(train_rows), whole.take(heldout_rows)
    else:
        other = read(config.heldout, config, notes=notes)
        with naming(Probe(config.heldout).name):
            train, heldout = Dataset(values), Dataset(rows.schema.parse(other.table))
        train_rows, heldout_rows = np.arange(len(rows.records)), np.zeros(0, np.int64)
    schema = rows.schema.restricted(values, train_rows)
    _check_kind(rows, config)
    beyond = rows.beyond
    if config.kind == "auto":
        columns = Noun("column", "columns").count(len(schema.modelled))
        num_rows = len(rows.records) if beyond is None else beyond.some.num_rows
        notes.append(f"kind: {kind.name} ({columns}, {num_rows} records). Override with --kind.")
    network = _network(config, kind.name, schema, notes)
    own, fixed = config.own(TableOptions), config.given if NETWORKS[network].takes_condition else ()
    without = (*own.no_rule, *broken)
    rules = find_rules(schema.modelled, train.values, heldout.values, stated=own.rule, without=without, fixed=fixed)
    notes += rules.notes()
    if kind.name == "table" and own.integers == "auto":
        counted = {n for i in rules.items if isinstance(i, Equation | Counter | Order) for n in i.names}
        numbers = counted | {entry.partition("=number")[0] for entry in config.column}
        schema = with_classes(schema, values, numbers, notes)
    codec, given = _codecs(kind.name, network, schema, train.values, config, rules)
    data_hash = fingerprint(rows.records) if beyond is None else beyond.some.data_hash
    if beyond is not None:
        with naming(probe.name):
            held_out = beyond.some.places[heldout_rows]
            found = stored(beyond, schema, train.values, held_out, codec, given, rules)
        if isinstance(found, Strange):
            refuse_stated(own.rule, found.rules)
            return found
        train = found
    return Prepared(
        kind, rows.records.origin, schema, network, train, heldout, codec, given, data_hash, tuple(config.given)
    )


def rows_like(source: Any, schema: Schema) -> Dataset:
    """Rows from wherever they are, with these columns.

    Raises:
        DataError: they cannot be read. OptionError: a column is missing.
    """
    table = read(source, TrainConfig(), notes=[]).table
    if missing := [c.source for c in schema.modelled if c.source not in table.column_names]:
        raise OptionError(
            f"the records to evaluate lack the column {missing[0]!r}. They must have the model's columns."
        )
    return Dataset(schema.parse(table))


def is_whole(rows: Rows) -> bool:
    """Whether all columns are numbers, none of them missing."""
    return all(c.type == "number" for c in rows.schema.modelled) and all(
        (v.missing == 0).all() for v in rows.values.values()
    )


def _check_kind(rows: Rows, config: TrainConfig) -> None:
    """Refuses rows that are not the numbers or vectors that were asked for."""
    columns = rows.schema.modelled
    if config.kind in ("number", "vector") and not is_whole(rows):
        odd = next(c.name for c in columns if c.type != "number" or (rows.values[c.name].missing > 0).any())
        raise OptionError(
            f"--kind {config.kind}: column {odd!r} is not all numbers, or has missing ones. Take it as --kind table."
        )
    if config.kind == "number" and len(columns) > 1:
        raise OptionError(f"--kind number: there are {len(columns)} columns. Take it as --kind vector or table.")


def _network(config: TrainConfig, kind: str, schema: Schema, notes: list[str]) -> str:
    if config.network != "auto":
        offered: tuple[RecordType, ...] = ("vector", "choices") if kind == "table" else ("vector",)
        return pair_for(config.network, offered, f"this is kind {kind}").name
    if kind != "table":
        return "residual"
    most = NETWORKS["sequential"].most_blocks
    if most is not None and len(schema.modelled) > most:
        notes.append(
            f"network: residual, since {len(schema.modelled)} columns are too many for the sequential one. Conditions "
            "are then possible on --given columns only."
        )
        return "residual"
    return "sequential"


def _codecs(
    kind: str, network: str, schema: Schema, train: Mapping[str, Values], config: TrainConfig, rules: Rules
) -> tuple[TableCodec | VectorCodec, TableCodec | None]:
    """The codec of what G makes, and of c. Of a G that takes no c the given columns come first."""
    moved = config.own(TableOptions).no_rule == NO_RULES_OF_BEFORE
    for name in config.given:
        schema.column(name)
    first = [c for name in dict.fromkeys(config.given) for c in schema.modelled if c.name == name]
    rest = [c for c in schema.modelled if c not in first]
    if not NETWORKS[network].takes_condition:
        return TableCodec.fit([*first, *rest], train, len(first), rules, moved), None
    if first and not rest:
        raise OptionError("every column is given, so that none is left to generate. Give fewer.")
    given = TableCodec.fit(first, train, move_dates=moved) if first else None
    if kind in ("number", "vector"):
        return VectorCodec.fit(rest, train, rules), given
    return TableCodec.fit(rest, train, rules=rules, move_dates=moved), given


def sample_of(schema: Schema, values: Mapping[str, Values]) -> Sample:
    """Parsed columns as a sample that metrics take: dates as seconds, every missing marker as missing."""
    columns: dict[str, np.ndarray] = {}
    kinds: dict[str, ColumnKind] = {c.name: "category" if c.shown == "category" else "number" for c in schema.modelled}
    for column in schema.modelled:
        gap, dtype = (-1, np.int32) if column.shown == "category" else (np.nan, np.float64)
        data = values[column.name].data
        if column.classes:
            numbers = np.array(column.levels, np.float64)
            at = np.searchsorted(numbers, data).clip(max=len(numbers) - 1)
            data = np.where(numbers[at] == data, at, -1)
        columns[column.name] = np.where(values[column.name].missing > 0, gap, data).astype(dtype)
    levels = {c.name: tuple(map(str, c.levels)) for c in schema.modelled if c.shown == "category"}
    return Sample(columns, kinds, levels, frozenset(c.name for c in schema.modelled if c.type == "datetime"))


def values_of(schema: Schema, sample: Sample) -> dict[str, Values]:
    """A sample as parsed columns again: what is missing has the first marker, a level that the schema lacks is -1."""
    values = {}
    for name, data in sample.columns.items():
        column = schema.column(name)
        lost = data < 0 if column.shown == "category" else np.isnan(data)
        if column.classes:
            numbers = np.array([*column.levels, "nan"], np.float64)
            data = numbers[np.where(lost, -1, data.clip(max=len(numbers) - 1))]
        elif column.type == "category":
            data = np.where(data >= len(column.levels), -1, data).astype(np.int32)
        values[name] = Values(data, lost.astype(np.int8))
    return values
