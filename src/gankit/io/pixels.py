"""Images as arrays of bytes: a sheet of many, PNG files, and Pillow's images.

Knows pixels; never where images come from or what they show.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

Pixels = npt.NDArray[np.uint8]

MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
"""Channels -> what Pillow calls such an image."""

MAX_GRID_PIXELS = 1 << 28
"""A grid of more pixels is refused: viewers cannot open it."""

SMALL, ENLARGED, WIDEST = 64, 256, 768
"""Images up to so many pixels are shown enlarged: each to at most so many, a sheet of them to at most so many."""

# On faces of 256 x 256 level 3 takes 8 ms an image and 6 takes 21, for files that are 3.5% larger.
_LEVEL = 3


def grid(x: Pixels, columns: int | None = None, gap: int = 1, ground: int = 255) -> Pixels:
    """One image of many, row by row. x: uint8 [N, H, W, C], N >= 1. Returns uint8 [H', W', C].

    columns: images in a row (default: so that the whole is about square). gap: pixels between them, of the grey level
    `ground` (white), as is the rest of a last row that is not full.

    >>> grid(np.zeros((5, 2, 3, 1), np.uint8), columns=3).shape
    (5, 11, 1)
    """
    num, height, width, channels = x.shape
    assert num >= 1 and gap >= 0
    columns = min(columns or max(1, round(math.sqrt(num * height / width))), num)
    lines = math.ceil(num / columns)
    sheet = np.full((lines * (height + gap) - gap, columns * (width + gap) - gap, channels), ground, dtype=np.uint8)
    for place, image in enumerate(x):
        top, left = (place // columns) * (height + gap), (place % columns) * (width + gap)
        sheet[top : top + height, left : left + width] = image
    return sheet


def enlarged(x: Pixels, side: int) -> Pixels:
    """Small images, or a sheet of them, as they are looked at: each pixel repeated. x: uint8 [..., H, W, C]; side: the
    longer one of a single image, in pixels.

    >>> enlarged(np.zeros((5, 28, 28, 1), np.uint8), 28).shape
    (5, 252, 252, 1)
    """
    factor = min(ENLARGED // side, WIDEST // max(x.shape[-3:-1])) if side <= SMALL else 1
    return x.repeat(factor, axis=-3).repeat(factor, axis=-2) if factor > 1 else x


def grid_png(x: Pixels, columns: int | None = None) -> bytes:
    """The bytes of a PNG file of a `grid` to look at, small images enlarged."""
    return png(enlarged(grid(x, columns), max(x.shape[1:3])))


def png(image: Pixels) -> bytes:
    """The bytes of a PNG file. image: uint8 [H, W, C], C of 1 to 4; lossless."""
    stream = io.BytesIO()
    to_pillow(image).save(stream, "PNG", compress_level=_LEVEL)
    return stream.getvalue()


def to_pillow(image: Pixels) -> Image.Image:
    """An image of Pillow. image: uint8 [H, W, C], C of 1 to 4."""
    from PIL import Image

    return Image.frombytes(MODES[image.shape[2]], image.shape[1::-1], np.ascontiguousarray(image).tobytes())
