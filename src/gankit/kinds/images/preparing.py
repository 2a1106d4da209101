"""Images: read, their labels understood, and split into what trains and what is held out.

Knows data, codecs and Spec; never networks, losses or the loop.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gankit.budget import Budget
from gankit.columns.codec import TableCodec
from gankit.columns.splitting import known_rows, rows_of, split_records, understand_labels
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.kinds.base import Kind, Prepared
from gankit.kinds.images.decoding import channels_option
from gankit.kinds.images.kind import MOST_COLOURS, MOST_SAID, ImageCodec, palette_of
from gankit.kinds.images.natural import few_photographs
from gankit.kinds.images.options import ImageOptions
from gankit.kinds.images.reading import read_images
from gankit.kinds.images.records import Images, ImageSet, image_hash
from gankit.networks import has_pretrained, pair_for

PHOTOGRAPHS_FROM_S, LEAST_SIDE, MOST_SIDE = 600.0, 48, 128
"""Time budget and sides of photographs from which on, and up to which, the projected pair was measured to be the better
one (benchmarks/images_projected.md); with more files (`FEW`) the others catch up."""

LARGE = 1 << 19
"""Pixels of an image from which on a line says what they cost."""


def prepare_images(
    kind: Kind[ImageSet, ImageCodec], source: Any, config: TrainConfig, notes: list[str]
) -> Prepared[ImageSet, ImageCodec]:
    """See `Kind.prepare`."""
    images = read_images(source, config, notes)
    num, height, width, channels = images.x.shape
    if num < 2:
        raise DataError(
            "training needs at least 2 images (one to learn from, one held out), and some hundreds to learn well."
        )
    config, schema = understand_labels(
        images.labels, config, notes, "images", bool(images.origin.details.get("classes")), cells=False
    )
    values = {} if images.labels is None else schema.parse(images.labels)
    given = [c for c in schema.modelled if c.name in config.given]
    heldout_whole, heldout_values = images, values
    if config.heldout is None:
        train_rows, heldout_rows = split_records(num, schema, values, config)
    else:
        heldout_whole = _heldout(config, images, notes)
        heldout_values = {} if heldout_whole.labels is None else schema.parse(heldout_whole.labels)
        train_rows = np.arange(num)
        heldout_rows = known_rows(len(heldout_whole), given, heldout_values, notes, "images")
    train = rows_of(values, train_rows)
    codec = TableCodec.fit(given, train) if given else None
    colours = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGBA"}[channels]
    notes.append(f"kind: image ({num:,} images of {width} x {height}, {colours}). Override with --kind.")
    palette = palette_of(images.x, MOST_SAID)
    if palette is not None and len(palette) <= MOST_COLOURS:
        notes.append(f"the images have {len(palette)} different colours; samples have no others")
    elif palette is not None:
        notes.append(
            f"the images have {len(palette)} different colours, and samples may have others: they keep to at most "
            f"{MOST_COLOURS}"
        )
        palette = None
    if height * width > LARGE and config.own(ImageOptions).size is None and config.device in ("auto", "cpu"):
        notes.append("images of that size take hours to learn from on a processor; --size 256 is learned sooner.")
    return Prepared(
        kind, images.origin, schema, _network(config, images.x, notes), ImageSet(train, images, train_rows),
        ImageSet(rows_of(heldout_values, heldout_rows), heldout_whole, heldout_rows),
        ImageCodec.of(images.x, palette), codec, image_hash(images), tuple(c.name for c in given),
    )  # fmt: skip


def images_like(source: Any, prepared: Prepared[ImageSet, ImageCodec], config: TrainConfig) -> ImageSet:
    """See `Kind.like`: in the size and channels of those that train."""
    config = replace(config, heldout=source, given=prepared.given_names)
    found = _heldout(config, prepared.train.whole, [])
    values = {} if found.labels is None else prepared.schema.parse(found.labels)
    return ImageSet(values, found, np.arange(len(found)))


def _heldout(config: TrainConfig, images: Images, notes: list[str]) -> Images:
    """The images of --heldout, in the size and channels of those that train."""
    _, height, width, channels = images.x.shape
    like = config.with_options(size=f"{width}x{height}", channels=channels_option(channels))
    found = read_images(config.heldout, like, notes)
    if found.x.shape[1:] != images.x.shape[1:]:
        raise DataError(
            f"--heldout {config.heldout}: its images have {found.x.shape[3]} channels, and those that train have "
            f"{channels}. Give images of the same kind."
        )
    if config.given and found.labels is None:
        raise DataError(
            f"--heldout {config.heldout}: its images have no labels, and those that train have. Give labelled ones, "
            "or train without labels by --given none."
        )
    return found


def _network(config: TrainConfig, x: np.ndarray, notes: list[str]) -> str:
    if config.own(ImageOptions).augment == "spectral":
        raise OptionError("--augment spectral is for audio clips, and these are images. Take ada, or leave it out.")
    if config.network != "auto":
        return pair_for(config.network, ("image",), "these are images").name
    seconds, sides = Budget.of(config).seconds or 0.0, x.shape[1:3]
    if seconds < PHOTOGRAPHS_FROM_S or not (min(sides) >= LEAST_SIDE and max(sides) <= MOST_SIDE):
        return "strided"
    if not few_photographs(x):
        return "strided"
    if not has_pretrained():
        notes.append(
            "these are few photographs, which --network projected learns sooner, with a discriminator that has seen "
            "others: pip install 'gankit[pretrained]'"
        )
        return "strided"
    notes.append(
        "network: projected, whose discriminator has seen other photographs and which learns sooner from few of them. "
        "Override with --network strided."
    )
    return "projected"
