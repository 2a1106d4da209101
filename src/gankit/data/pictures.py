"""Pictures in the user's own form: bytes with their labels, laid out in a grid, and as the objects that came.

Knows arrays and tables of labels; never files, torch or networks.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.data.origin import Origin, Records, fingerprint
from gankit.data.pictureforms import Form, from_pixels, label_arrays
from gankit.data.picturestore import Pixels, chunks, rows_of

PICTURE_FORMATS = ("folder", "zip", "tar", "npz", "npy", "idx", "cifar", "mat", "list", "array", "pil")
"""What pictures can come in: `Origin.format`."""

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Channels -> what Pillow calls such a picture."""


@dataclass(frozen=True)
class Pictures:
    """Pictures of one size, with their labels.

    x: uint8 [N, H, W, C], C of 1 to 4 (grey, grey and alpha, RGB, RGBA); read-only and mapped from disk where it does
        not fit in memory.
    labels: one row a picture, or None. Class folders and single arrays give the column "label"; lists their own names.
    origin: how they came; `format` is one of `PICTURE_FORMATS`.
    names: of the files they came from, or empty.
    """

    x: Pixels
    labels: pa.Table | None
    origin: Origin
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.x.dtype == np.uint8 and self.x.ndim == 4 and 1 <= self.x.shape[3] <= 4, (self.x.dtype, self.x.shape)
        assert self.labels is None or self.labels.num_rows == len(self.x), "one row of labels a picture"
        assert len(self.names) in (0, len(self.x)), "one name a picture"

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Any) -> Pictures:
        """Some of the pictures: a slice, rows int [K], or bool [N]. Copies that fit in memory lie there."""
        index = np.arange(len(self))[rows]
        return Pictures(
            rows_of(self.x, rows if isinstance(rows, slice) else index),
            None if self.labels is None else self.labels.take(pa.array(index)),
            self.origin,
            tuple(self.names[row] for row in index.tolist()) if self.names else (),
        )


def form_in(origin: Origin) -> Form:
    """How arrays of such pictures look: that of the array that came, or bytes, grey without an axis for its channel."""
    return Form(**origin.details["array"]) if "array" in origin.details else Form(channel_axis=False)


def grid(x: Pixels, columns: int | None = None, gap: int = 1) -> Pixels:
    """One picture of many, row by row. x: uint8 [N, H, W, C], N >= 1. Returns uint8 [H', W', C].

    columns: pictures in a row (default: so that the whole is about square). gap: pixels between them, white; a last
    row that is not full ends in white.

    >>> grid(np.zeros((5, 2, 3, 1), np.uint8), columns=3).shape
    (5, 11, 1)
    """
    num, height, width, channels = x.shape
    assert num >= 1 and gap >= 0
    if columns is None:
        columns = max(1, round(math.sqrt(num * height / width)))
    columns = min(columns, num)
    lines = math.ceil(num / columns)
    sheet = np.full((lines * (height + gap) - gap, columns * (width + gap) - gap, channels), 255, dtype=np.uint8)
    for place in range(num):
        top, left = (place // columns) * (height + gap), (place % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = x[place]
    return sheet


def picture_hash(pictures: Pictures) -> str:
    """The SHA-256 of sizes, pixels and labels, in order: the same however the pictures came."""
    total = hashlib.sha256(repr(tuple(map(int, pictures.x.shape))).encode())
    for part in chunks(len(pictures), pictures.x[:1].nbytes):
        total.update(np.ascontiguousarray(pictures.x[part]).data)
    if pictures.labels is not None:
        total.update(fingerprint(Records(pictures.labels, Origin("pyarrow"))).encode())
    return total.hexdigest()


def to_picture_object(pictures: Pictures) -> Any:
    """Pictures in the form that came.

    An array comes out as an array of the same rank, order of axes, dtype and range; a list of arrays as a list; PIL
    images as a list of PIL images; a pair (pictures, labels) as a pair. Files come out as an array [N, H, W, C], or
    [N, H, W] where grey.
    """
    details = pictures.origin.details
    result: Any
    if pictures.origin.format == "pil":
        from PIL import Image

        mode = MODES[pictures.x.shape[3]]
        result = [
            Image.frombytes(mode, (pictures.x.shape[2], pictures.x.shape[1]), np.ascontiguousarray(one).tobytes())
            for one in pictures.x
        ]
    else:
        result = from_pixels(pictures.x, form_in(pictures.origin))
        result = list(result) if details.get("list") else result
    if not details.get("pair") or pictures.labels is None:
        return result
    return result, _labels_object(pictures.labels, details)


def _labels_object(labels: pa.Table, details: Any) -> Any:
    if "records" in details:
        from gankit.data.objects import to_object

        return to_object(labels, Origin.from_json(details["records"]))
    arrays = label_arrays(labels, details["labels"])
    if arrays is None:
        return labels
    (array,) = arrays.values()
    return array.tolist() if details.get("label_list") else array
