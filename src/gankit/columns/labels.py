"""Labels and attributes of records: what they are, and which of them the model is given.

Knows columns; never the records themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.columns.cells import Values
from gankit.columns.inference import infer
from gankit.columns.schema import Column, Schema
from gankit.columns.splitting import split
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.origin import Origin, Records

MAX_CLASSES = 1000
"""Whole numbers and texts of up to so many values are classes; of more, they are nothing that can be given."""


BRING = {
    "images": "Put them into a folder per class, or bring a list.",
    "audio clips": "Put them into a folder per class, or take them from file names with --pattern.",
    "series": "Name the columns that stay the same within a series with --attributes.",
    "texts": "Put them into a file per class, or bring a table.",
}
"""How records of a kind come to labels."""


def rows_of(values: Mapping[str, Values], rows: np.ndarray) -> dict[str, Values]:
    """Parsed columns at some rows [n] int64."""
    return {name: Values(v.data[rows], v.missing[rows]) for name, v in values.items()}


def known_rows(
    num: int, given: Sequence[Column], values: Mapping[str, Values], notes: list[str], what: str
) -> npt.NDArray[np.int64]:
    """The rows of `num` held-out records whose given labels are ones that training knows; a note tells of the others.

    what: the records have a name in texts.

    Raises:
        DataError: there are none.
    """
    known = np.ones(num, dtype=bool)
    for column in given:
        if column.type == "category" and column.name in values:
            known &= (values[column.name].data >= 0) | (values[column.name].missing > 0)
    rows = np.flatnonzero(known)
    if not len(rows):
        raise DataError(
            f"--heldout: none of its {num:,} {what} has labels that those that train have. Give labelled ones of the "
            "same classes, or train without labels by --given none."
        )
    if len(rows) < num:
        notes.append(
            f"--heldout: {num - len(rows):,} of its {num:,} {what} are without a class that training knows: left out"
        )
    return rows


def split_records(
    num: int, schema: Schema, values: Mapping[str, Values], config: TrainConfig
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The rows of `num` records that train and of those that are held out, as `columns.splitting.split` has them.

    schema, values: their labels; of the given ones both parts have even shares.
    """
    everyone = {"": Values(np.zeros(num), np.zeros(num, dtype=np.int8))}
    given = tuple(column.name for column in schema.modelled if column.name in config.given)
    return split(schema, {**everyone, **values}, replace(config, given=given), config.seed)


def understand_labels(
    labels: pa.Table | None, config: TrainConfig, notes: list[str], what: str, by_name: bool = False
) -> tuple[TrainConfig, Schema]:
    """What the labels of records are, and which of them are given.

    Args:
        labels: a row a record, or None.
        what: the records have a name in texts: "images", "series", "texts".
        by_name: the labels are names of files or folders, so that NA and none are classes like any other.

    Returns:
        The config with all labels given unless the user said which, and the columns that the given ones are.
    """
    names = [] if labels is None else list(labels.column_names)
    if config.given == ("none",) or not names:
        asked = [name for name in config.given if name != "none"]
        if asked:
            raise OptionError(f"--given {asked[0]}: these {what} have no labels. {BRING[what]}")
        return replace(config, given=()), Schema(())
    assert labels is not None
    unknown = [name for name in config.given if name not in names]
    if unknown:
        raise OptionError(f"--given {unknown[0]}: the labels are {', '.join(names)}. Name one of them, or none.")
    classes = [f"{name}=category" for name in names if _is_classes(labels.column(name))]
    typed = replace(config, column=(*classes, *config.column))
    schema = infer(Records(labels, Origin("pyarrow")), typed, notes=[], labels=True)
    if by_name:
        schema = replace(schema, columns=tuple(map(_with_all_names, schema.columns)))
    usable = [c.name for c in schema.modelled]
    given = config.given or tuple(name for name in usable if len(labels.column(name).unique()) > 1)
    for name in given:
        if name not in usable:
            raise OptionError(
                f"--given {name}: this label cannot be learned ({schema.column(name).type}). Say what it is with "
                f"--column {name}=category, or leave it out."
            )
    if given:
        shown = ", ".join(_described(schema, name) for name in given)
        notes.append(f"given: {shown}, so that samples can be asked for by it. Without: --given none.")
    left = [name for name in names if name not in given]
    if left:
        shown = ", ".join(f"{name} ({_why_left(schema.column(name), labels)})" for name in left)
        notes.append(f"labels left out: {shown}. Take them with --given NAME --column NAME=category.")
    kept = Schema(tuple(_in_order(schema.column(name)) for name in names if name in given))
    return replace(typed, given=tuple(given)), kept


def _with_all_names(column: Column) -> Column:
    """The column with the texts that would mean missing in a table as classes."""
    texts = tuple(marker for marker in column.markers if marker is not None)
    if column.type != "category" or not texts:
        return column
    nulls = tuple(marker for marker in column.markers if marker is None)
    return replace(column, levels=(*column.levels, *texts), markers=nulls)


def _why_left(column: Column, labels: pa.Table) -> str:
    distinct = len(labels.column(column.name).unique())
    if distinct < 2:
        return "always the same"
    return column.type if column.modelled else f"{distinct:,} different values"


def _in_order(column: Column) -> Column:
    """The column with its classes in the order people count or spell them, not by how many there are of each."""

    def place(level: object) -> tuple[float, str]:
        try:
            return float(str(level)), ""
        except ValueError:
            return float("inf"), str(level)

    return replace(column, levels=tuple(sorted(column.levels, key=place))) if column.levels else column


def _described(schema: Schema, name: str) -> str:
    column = schema.column(name)
    return f"{name} ({len(column.levels)} classes)" if column.type == "category" else f"{name} ({column.type})"


def _is_classes(column: pa.ChunkedArray) -> bool:
    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    countable = (
        pa.types.is_integer(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
    )
    distinct = len(column.unique())
    return countable and distinct <= min(MAX_CLASSES, max(2, len(column) // 2))
