"""The held-out part: which rows or windows train and which are held out, no training window overlapping a held-out one;
and the labels of records by which a split may be stratified.

Knows schemas, parsed columns, and where series begin and end; never torch, networks or codecs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.columns.column import Values
from gankit.columns.inference import infer
from gankit.columns.schema import Column, Schema
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io import words
from gankit.io.records import Origin, Records
from gankit.randomness import GOLDEN, numpy_generator

Ints = npt.NDArray[np.int64]

FRACTION = 0.2
LARGE_FRACTION = 0.1
LARGE = 50_000
_STRATA = 10

MOST_BLOCKS = 5
"""A series gives its held-out part in at most so many pieces."""

WIDE = 4
"""And in more than one only if each is so many windows long."""

MAX_CLASSES = 1000
"""Whole numbers and texts of up to so many values are classes; of more, they are nothing that can be given."""

BRING = {
    "images": "Put them into a folder per class, or bring a list.",
    "audio clips": "Put them into a folder per class, or take them from file names with --pattern.",
    "series": "Name the columns that stay the same within a series with --attributes.",
    "texts": "Put them into a file per class, or bring a table.",
}
"""How records of a kind come to labels."""


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
        both = np.stack([strata, _stratum(column, values[name])])
        strata = np.unique(both, axis=1, return_inverse=True)[1].reshape(-1)
    order = order[np.argsort(strata[order], kind="stable")]
    # Evenly spaced places in the rows ordered by stratum: each stratum gives its share, to the nearest row.
    places = np.floor((np.arange(count) + rng.random()) * num_rows / count).astype(np.int64)
    heldout = np.zeros(num_rows, dtype=bool)
    heldout[order[np.minimum(places, num_rows - 1)]] = True
    return np.flatnonzero(~heldout), np.flatnonzero(heldout)


def check_size(num_rows: int) -> None:
    """Refuses data that cannot be split.

    Raises:
        DataError: fewer than 2 rows.
    """
    if num_rows < 2:
        raise DataError(
            "training needs at least 2 rows (one to learn from, one held out), and some hundreds to learn "
            f"well. Got {num_rows}."
        )


def instead_of(column: Column) -> str:
    """What to do about a column that is not learned, but asked for as a condition."""
    if column.type in ("text", "identifier"):
        return "Name another: nearly all of its cells differ, and as categories they would be copied."
    return f"Name another, or say that it is one of categories with --column {column.name}=category."


def _given(schema: Schema, name: str) -> Column:
    try:
        column = schema.column(name)
    except DataError as error:
        raise OptionError(f"--given {name}: {error}") from None
    if not column.modelled:
        raise OptionError(f"--given {name}: the column is not learned ({column.type}). {instead_of(column)}")
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


def windows_of(begins: Ints, lengths: Ints, window: int, stride: int) -> Ints:
    """Where the windows of series begin, int64 [K]; series shorter than a window have none."""
    counts = np.maximum((lengths - window) // stride + 1, 0)
    first = np.cumsum(counts) - counts
    within = np.arange(int(counts.sum())) - np.repeat(first, counts)
    found: Ints = np.repeat(begins, counts) + within * stride
    return found


def split_in_time(
    begins: Ints, lengths: Ints, window: int, stride: int, fraction: float, heldout_stride: int | None = None
) -> tuple[Ints, Ints]:
    """Where the training windows begin and where the held-out ones do: no step is in both.

    Of each series that is two windows long at least, about `fraction` of the steps is held out: its last ones, or,
    where they make several pieces of `WIDE` windows, up to `MOST_BLOCKS` pieces, one in each of as many equal parts of
    it, at another place in each. So both see the whole course of a series that drifts, and no season is held out every
    year; with the end alone held out, the two would not be alike, and nothing could be told from their difference.
    Windows across an edge are in neither part.

    heldout_stride: from one held-out window to the next, where that is not `stride`.

    Raises:
        DataError: no series is long enough for two windows that do not overlap.
    """
    train, heldout = [], []
    for begin, length in zip(begins.tolist(), lengths.tolist(), strict=True):
        pieces = _pieces(length, window, fraction)
        edges = [begin, *(begin + edge for piece in pieces for edge in piece), begin + length]
        sides = np.array(edges, dtype=np.int64)
        sizes = np.diff(sides)
        # training, held out, training, …
        train.append(windows_of(sides[:-1:2], sizes[::2], window, stride))
        heldout.append(windows_of(sides[1:-1:2], sizes[1::2], window, heldout_stride or stride))
    found = np.concatenate(train), np.concatenate(heldout)
    if not len(found[0]) or not len(found[1]):
        raise DataError(
            f"the longest series has {int(lengths.max()):,} steps, and one part to train on and one to evaluate on "
            f"need two windows of {window}. Take shorter ones with --window, or bring some by --heldout FILE."
        )
    return found


def _pieces(length: int, window: int, fraction: float) -> list[tuple[int, int]]:
    """The held-out pieces [begin, end) of a series; none where it is too short."""
    if length < 2 * window:
        return []
    total = int(np.clip(round(fraction * length), window, length - window))
    count = int(np.clip(total // (WIDE * window), 1, MOST_BLOCKS))
    if count == 1 or length - total < 2 * count * window:
        return [(length - total, length)]
    parts = np.arange(count)
    # as far from each other as can be, so that of five years not every summer is held out
    places = (0.25 + GOLDEN * parts) % 1.0  # the first and the last of up to five leave the ends to learn from
    first = np.floor(parts * length / count + places * (length - total) / count).astype(np.int64)
    return [(int(begin), int(begin) + total // count) for begin in first]


def covered(begins: Ints, lengths: Ints | int, num_steps: int) -> npt.NDArray[np.bool_]:
    """[num_steps]: the steps that belong to some record."""
    change = np.zeros(num_steps + 1, dtype=np.int64)
    np.add.at(change, begins, 1)
    np.add.at(change, begins + lengths, -1)
    return np.asarray(np.cumsum(change[:-1]) > 0)


def rows_of(values: Mapping[str, Values], rows: Ints) -> dict[str, Values]:
    """Parsed columns at some rows [n] int64."""
    return {name: cells.take(rows) for name, cells in values.items()}


def known_rows(num: int, given: Sequence[Column], values: Mapping[str, Values], notes: list[str], what: str) -> Ints:
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
            f"--heldout: none of its {num:,} {what} has a label of the training data. Give labelled ones of the "
            "same classes, or train without labels by --given none."
        )
    if len(rows) < num:
        notes.append(
            f"--heldout: {num - len(rows):,} of its {num:,} {what} are without a class that training knows: left out"
        )
    return rows


def split_records(num: int, schema: Schema, values: Mapping[str, Values], config: TrainConfig) -> tuple[Ints, Ints]:
    """The rows of `num` records that train and those held out, as `split` has them.

    schema, values: their labels; of the given ones both parts have even shares.
    """
    everyone = {"": Values(np.zeros(num), np.zeros(num, dtype=np.int8))}
    given = tuple(column.name for column in schema.modelled if column.name in config.given)
    return split(schema, {**everyone, **values}, replace(config, given=given), config.seed)


def understand_labels(
    labels: pa.Table | None,
    config: TrainConfig,
    notes: list[str],
    what: str,
    by_name: bool = False,
    cells: bool = True,
) -> tuple[TrainConfig, Schema]:
    """The config with all labels given unless the user said which, and the columns that the given ones are.

    labels: a row a record, or None. what: the records have a name in texts: "images", "series", "texts".
    by_name: the labels are names of files or folders, so that NA and none are classes like any other.
    cells: whether the records themselves have cells, which may be missing.

    Raises:
        OptionError: a given label is not there or cannot be learned.
    """
    if labels is None or not labels.column_names or config.given == ("none",):
        asked = {"given": [name for name in config.given if name != "none"]}
        if labels is None or not labels.column_names:
            asked |= {"column": list(config.column), "missing": [] if cells else list(config.missing)}
        for option, values in asked.items():
            if values:
                raise OptionError(f"--{option} {values[0]}: these {what} have no labels. {BRING[what]}")
        return replace(config, given=()), Schema(())
    names = labels.column_names
    unknown = [name for name in config.given if name not in names]
    if unknown:
        raise OptionError(f"--given {unknown[0]}: the labels are {', '.join(names)}. Name one of them, or none.")
    classes = [f"{name}=category" for name in names if _is_classes(labels.column(name))]
    typed = replace(config, column=(*classes, *config.column))
    schema = infer(Records(labels, Origin("pyarrow")), typed, notes=[], labels=True)
    by_user = {option.rpartition("=")[0] for option in config.column}
    schema = Schema(tuple(replace(c, declared=c.declared and c.name in by_user) for c in schema.columns))
    if by_name:
        schema = replace(schema, columns=tuple(_with_all_names(c, config.missing) for c in schema.columns))
    usable = [c.name for c in schema.modelled]
    given = config.given or tuple(name for name in usable if len(labels.column(name).unique()) > 1)
    for name in given:
        if name not in usable:
            raise OptionError(
                f"--given {name}: this label cannot be learned ({schema.column(name).type}). "
                f"{instead_of(schema.column(name))}"
            )
    if given:
        shown = ", ".join(_described(schema, name) for name in given)
        notes.append(f"given: {shown}, so that samples can be conditioned on it (--where). Override with --given none.")
    left = [name for name in names if name not in given]
    if left:
        shown = ", ".join(f"{name} ({_why_left(schema.column(name), labels)})" for name in left)
        repeat = any(2 * len(labels.column(name).unique()) <= labels.num_rows for name in left)
        how = " Take them with --given NAME --column NAME=category." if repeat else ""
        notes.append(f"labels left out: {shown}.{how}")
    kept = Schema(tuple(_in_order(schema.column(name)) for name in names if name in given))
    return replace(typed, given=tuple(given)), kept


def _with_all_names(column: Column, missing: Sequence[str]) -> Column:
    """The column with the texts that would mean missing in a table as classes, but those that the user said to."""
    texts = tuple(marker for marker in column.markers if marker is not None and marker not in missing)
    if column.type != "category" or not texts:
        return column
    others = tuple(marker for marker in column.markers if marker not in texts)
    return replace(column, levels=(*column.levels, *texts), markers=others)


def _why_left(column: Column, labels: pa.Table) -> str:
    distinct = len(labels.column(column.name).unique())
    if distinct < 2:
        return "always the same"
    return column.type if column.modelled else f"{distinct:,} different values"


def _in_order(column: Column) -> Column:
    """The column with its classes in the order people count or spell them, not by how many there are of each."""

    def place(level: str) -> tuple[float, str]:
        value = words.number_of(level)
        return (math.inf, level) if value is None else (value, "")

    return replace(column, levels=tuple(sorted(column.levels, key=place)))


def _described(schema: Schema, name: str) -> str:
    column = schema.column(name)
    return f"{name} ({len(column.levels)} classes)" if column.type == "category" else f"{name} ({column.type})"


def _is_classes(column: pa.ChunkedArray) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    types = (pa.types.is_integer, pa.types.is_boolean, pa.types.is_string, pa.types.is_large_string)
    return any(test(kind) for test in types) and len(column.unique()) <= min(MAX_CLASSES, max(2, len(column) // 2))
