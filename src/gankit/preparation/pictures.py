"""Pictures: read, their labels understood, split, and what of it a game and a judge take.

Knows data, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.codecs import ImageCodec, TableCodec
from gankit.config import TrainConfig
from gankit.data import Column, Origin, Pictures, Records, Schema, Values, infer, picture_hash, read_pictures, split
from gankit.errors import DataError, OptionError
from gankit.preparation.prepared import PicturePart, Prepared

MAX_CLASSES = 1000
"""Whole numbers and texts of up to so many values are classes; of more, they are nothing that can be given."""


def prepare_pictures(source: Any, config: TrainConfig, notes: list[str]) -> Prepared:
    """See `gankit.preparation.prepare`."""
    pictures = read_pictures(source, config, notes)
    num, height, width, channels = pictures.x.shape
    if num < 2:
        raise DataError(
            "training needs at least 2 pictures (one to learn from, one held out), and some hundreds to learn well."
        )
    config, schema = _labels(pictures, config, notes)
    values = {} if pictures.labels is None else schema.parse(pictures.labels)
    everyone = {"": Values(np.zeros(num), np.zeros(num, dtype=np.int8))}
    given = [c for c in schema.modelled if c.name in config.given]
    if config.heldout is None:
        train_rows, heldout_rows = split(
            schema, {**everyone, **values}, replace(config, given=tuple(c.name for c in given)), config.seed
        )
        whole, heldout_whole, heldout_values = pictures, pictures, values
    else:
        heldout_whole = _heldout(config, pictures, notes)
        heldout_values = {} if heldout_whole.labels is None else schema.parse(heldout_whole.labels)
        train_rows, heldout_rows, whole = np.arange(num), np.arange(len(heldout_whole)), pictures
    train = _rows(values, train_rows)
    codec = TableCodec.fit(given, train) if given else None
    size = f"{width} x {height}, { ({1: 'grey', 3: 'RGB', 4: 'RGBA'}.get(channels, f'{channels} channels')) }"
    notes.append(f"kind: image ({num:,} pictures of {size}). Another: --kind.")
    return Prepared(
        pictures.origin, schema, "image", _network(config, height * width, notes), train,
        _rows(heldout_values, heldout_rows), ImageCodec(height, width, channels), codec, picture_hash(pictures),
        PicturePart(whole, train_rows), PicturePart(heldout_whole, heldout_rows),
    )  # fmt: skip


def _rows(values: Mapping[str, Values], rows: np.ndarray) -> dict[str, Values]:
    return {name: Values(v.data[rows], v.missing[rows]) for name, v in values.items()}


def _heldout(config: TrainConfig, pictures: Pictures, notes: list[str]) -> Pictures:
    """The pictures of --heldout, brought to the size and channels of those that train."""
    _, height, width, channels = pictures.x.shape
    named = {1: "grey", 3: "rgb", 4: "rgba"}.get(channels, "auto")
    found = read_pictures(config.heldout, replace(config, size=f"{width}x{height}", channels=named), notes)
    if found.x.shape[1:] != pictures.x.shape[1:]:
        raise DataError(
            f"--heldout {config.heldout}: its pictures have {found.x.shape[3]} channels, and those that train have "
            f"{channels}. Give pictures of the same kind."
        )
    if pictures.labels is not None and found.labels is None and config.given != ("none",):
        raise DataError(
            f"--heldout {config.heldout}: its pictures have no labels, and those that train have. Give labelled ones, "
            "or train without labels by --given none."
        )
    return found


def _labels(pictures: Pictures, config: TrainConfig, notes: list[str]) -> tuple[TrainConfig, Schema]:
    """The config with all labels given unless the user said which, and the columns that the given ones are."""
    labels = pictures.labels
    names = [] if labels is None else list(labels.column_names)
    if config.given == ("none",) or not names:
        asked = [name for name in config.given if name != "none"]
        if asked:
            raise OptionError(
                f"--given {asked[0]}: these pictures have no labels. Put them into a folder a class, or bring a list."
            )
        return replace(config, given=()), Schema(())
    assert labels is not None
    unknown = [name for name in config.given if name not in names]
    if unknown:
        raise OptionError(f"--given {unknown[0]}: the labels are {', '.join(names)}. Name one of them, or none.")
    classes = [f"{name}=category" for name in names if _is_classes(labels.column(name))]
    typed = replace(config, column=(*classes, *config.column))
    said: list[str] = []
    schema = infer(Records(labels, Origin("pyarrow")), typed, notes=said)
    usable = [c.name for c in schema.modelled]
    given = config.given or tuple(usable)
    for name in given:
        if name not in usable:
            raise OptionError(
                f"--given {name}: this label cannot be learned ({schema.column(name).kind}). Say what it is with "
                f"--column {name}=category, or leave it out."
            )
    if given:
        shown = ", ".join(_described(schema, name) for name in given)
        notes.append(f"given: {shown}, so that samples can be asked for by it. Without: --given none.")
    left = [name for name in names if name not in given]
    if left:
        notes.append(f"labels left out: {', '.join(left)}. Take them with --given NAME --column NAME=category.")
    kept = Schema(tuple(_in_order(schema.column(name)) for name in names if name in given))
    return replace(typed, given=tuple(given)), kept


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
    return f"{name} ({len(column.levels)} classes)" if column.kind == "category" else f"{name} ({column.kind})"


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


def _network(config: TrainConfig, pixels: int, notes: list[str]) -> str:
    if config.network == "sequential":
        raise OptionError("--network sequential makes tables, and these are pictures. Leave it out.")
    return "strided" if config.network == "auto" else config.network
