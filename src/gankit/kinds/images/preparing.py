"""Pictures: read, their labels understood, split, and what of it a game and a judge take.

Knows data, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gankit.columns.codec import TableCodec
from gankit.columns.labels import known_rows, rows_of, split_records, understand_labels
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.kinds.base import Kind, Prepared
from gankit.kinds.images.codec import ImageCodec
from gankit.kinds.images.options import ImageOptions
from gankit.kinds.images.reading import read_pictures
from gankit.kinds.images.records import ImageSet, Pictures, picture_hash
from gankit.networks import pair_for

LARGE = 1 << 19
"""Pixels of a picture from which on a line says what they cost."""


def prepare_images(
    kind: Kind[ImageSet, ImageCodec], source: Any, config: TrainConfig, notes: list[str]
) -> Prepared[ImageSet, ImageCodec]:
    """See `Kind.prepare`."""
    pictures = read_pictures(source, config, notes)
    num, height, width, channels = pictures.x.shape
    if num < 2:
        raise DataError(
            "training needs at least 2 pictures (one to learn from, one held out), and some hundreds to learn well."
        )
    config, schema = understand_labels(
        pictures.labels, config, notes, "pictures", by_name=bool(pictures.origin.details.get("classes"))
    )
    values = {} if pictures.labels is None else schema.parse(pictures.labels)
    given = [c for c in schema.modelled if c.name in config.given]
    if config.heldout is None:
        train_rows, heldout_rows = split_records(num, schema, values, config)
        whole, heldout_whole, heldout_values = pictures, pictures, values
    else:
        heldout_whole = _heldout(config, pictures, notes)
        heldout_values = {} if heldout_whole.labels is None else schema.parse(heldout_whole.labels)
        train_rows, whole = np.arange(num), pictures
        heldout_rows = known_rows(len(heldout_whole), given, heldout_values, notes, "pictures")
    train = rows_of(values, train_rows)
    codec = TableCodec.fit(given, train) if given else None
    size = f"{width} x {height}, { ({1: 'grey', 3: 'RGB', 4: 'RGBA'}.get(channels, f'{channels} channels')) }"
    notes.append(f"kind: image ({num:,} pictures of {size}). Another: --kind.")
    if height * width > LARGE and config.own(ImageOptions).size is None and config.device in ("auto", "cpu"):
        notes.append("pictures of that size take hours to learn from on a processor; --size 256 is learned sooner.")
    return Prepared(
        kind, pictures.origin, schema, _network(config, height * width, notes), ImageSet(train, whole, train_rows),
        ImageSet(rows_of(heldout_values, heldout_rows), heldout_whole, heldout_rows),
        ImageCodec(height, width, channels), codec, picture_hash(pictures), tuple(c.name for c in given),
    )  # fmt: skip


def _heldout(config: TrainConfig, pictures: Pictures, notes: list[str]) -> Pictures:
    """The pictures of --heldout, brought to the size and channels of those that train."""
    _, height, width, channels = pictures.x.shape
    named = {1: "grey", 3: "rgb", 4: "rgba"}.get(channels, "auto")
    found = read_pictures(config.heldout, config.with_options(size=f"{width}x{height}", channels=named), notes)
    if found.x.shape[1:] != pictures.x.shape[1:]:
        raise DataError(
            f"--heldout {config.heldout}: its pictures have {found.x.shape[3]} channels, and those that train have "
            f"{channels}. Give pictures of the same kind."
        )
    if config.given and found.labels is None:
        raise DataError(
            f"--heldout {config.heldout}: its pictures have no labels, and those that train have. Give labelled ones, "
            "or train without labels by --given none."
        )
    return found


def _network(config: TrainConfig, pixels: int, notes: list[str]) -> str:
    if config.own(ImageOptions).augment == "spectral":
        raise OptionError("--augment spectral is for recordings, and these are pictures. Take ada, or leave it out.")
    return "strided" if config.network == "auto" else pair_for(config.network, ("image",), "these are images").name
