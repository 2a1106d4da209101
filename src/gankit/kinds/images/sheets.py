"""Images as sheets: grids, the second figure of the 2014 paper, strips; and each as an image within the page.

Knows arrays of images and Pillow; never metrics, models or files.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup, escape

from gankit.io.pixels import grid, to_pillow

LARGEST = 96
"""The longer side, in pixels, of an image shown on the page; larger ones are made smaller."""

# Up to this longer side images are kept without loss (PNG) and enlarged by a whole factor up to _ENLARGED pixels, so
# that single pixels can be seen on a screen of any resolution; larger ones are photographs for the eye (JPEG).
_SMALL = 48
_ENLARGED = 64
# Pairs that are to be compared are enlarged up to so many.
_COMPARED = 96
_JPEG_QUALITY = 85
_GAP_COLOUR = 128
_YELLOW = (255, 204, 0)
# Squares behind transparent pixels, light and dark, so that both black and white figures stand out.
_CHECKS = (200, 150)
# A sheet about this wide shows single images at a readable size beside a second one.
_SHEET_WIDTH = 620


@dataclass(frozen=True)
class Shape:
    """How images of one shape are shown.

    height, width: of a shown image, in pixels; factor: by which small ones are enlarged; lossless: PNG, else JPEG;
    reduced: whether they are smaller than the data; columns: how many stand side by side in a grid.
    """

    height: int
    width: int
    factor: int
    lossless: bool
    reduced: bool
    columns: int


def shape_of(height: int, width: int, *, compared: bool = False) -> Shape:
    """How images of that height and width are shown: at most `LARGEST` pixels, small ones enlarged.

    compared: larger than in a grid, for a few that stand beside one another to be compared.

    >>> shape_of(28, 28)
    Shape(height=56, width=56, factor=2, lossless=True, reduced=False, columns=10)
    """
    longer = max(height, width)
    scale = min(1.0, LARGEST / longer)
    shown = (max(1, round(height * scale)), max(1, round(width * scale)))
    small = longer <= _SMALL
    factor = max(1, (_COMPARED if compared else _ENLARGED) // longer) if small else 1
    columns = min(10, max(4, _SHEET_WIDTH // (shown[1] * factor + 4)))
    return Shape(shown[0] * factor, shown[1] * factor, factor, small, longer > LARGEST, columns)


def flat_colours(images: np.ndarray) -> np.ndarray:
    """Images of any number of channels as grey or RGB.

    images: [N, H, W, C] uint8. The second of two channels and the fourth of four are opacity and are laid over a
        chequered ground; of five and more the first three are shown.

    Returns [N, H, W, 1] uint8 for one channel or two, else [N, H, W, 3] uint8.
    """
    channels = images.shape[-1]
    if channels in (1, 3):
        return images
    if channels > 4:
        return images[..., :3]
    colours, opacity = images[..., :-1].astype(np.float32), images[..., -1:].astype(np.float32) / 255
    rows, columns = np.indices(images.shape[1:3])
    side = max(2, min(images.shape[1:3]) // 8)
    ground = np.where((rows // side + columns // side) % 2 == 0, *_CHECKS).astype(np.float32)[None, :, :, None]
    return np.rint(colours * opacity + ground * (1 - opacity)).astype(np.uint8)


def reduced(images: np.ndarray, shape: Shape) -> np.ndarray:
    """Images [N, H, W, C] uint8 at the size at which the page shows them, [N, h, w, 1 or 3] uint8.

    shape: of `shape_of` for these images. Larger images are averaged over areas (Pillow's box filter), of small ones
    each pixel is repeated.
    """
    from PIL import Image

    out = flat_colours(images)
    if shape.reduced:
        size = (shape.width, shape.height)
        small = [np.asarray(to_pillow(image).resize(size, Image.Resampling.BOX)) for image in out]
        out = np.stack(small).reshape(len(small), *size[::-1], out.shape[-1]) if small else out[:, :1, :1]
    if shape.factor > 1:
        out = out.repeat(shape.factor, axis=1).repeat(shape.factor, axis=2)
    return out


def figure_2014(fake: np.ndarray, train: np.ndarray, nearest_rows: Sequence[int], columns: int = 6) -> np.ndarray:
    """Figure 2 of Goodfellow et al. (2014): samples, and in the rightmost column, framed in yellow, the training
    image nearest to the sample at its left.

    fake: [N, H, W, C] uint8; they are shown in their order, row by row, and those that fill no row are left out.
    train: [M, H, W, C] uint8, the training images.
    nearest_rows: [N], for each fake the row of `train` that is nearest to it.
    columns: images in a row, the training image included; at least 2.

    Returns [H', W', 3] uint8.

    Raises:
        ValueError: fewer than two columns, or too few fakes for one row.
    """
    if columns < 2 or len(fake) < columns - 1 or len(nearest_rows) < len(fake):
        raise ValueError(
            f"the figure needs at least 2 columns, columns - 1 synthetic images and a nearest row for each of them, "
            f"got {columns} columns, {len(fake)} synthetic images and {len(nearest_rows)} nearest rows"
        )
    rows = len(fake) // (columns - 1)
    fake = fake[: rows * (columns - 1)].reshape(rows, columns - 1, *fake.shape[1:])
    beside = np.stack([train[int(nearest_rows[(r + 1) * (columns - 1) - 1])] for r in range(rows)])
    cells = flat_colours(np.concatenate([fake, beside[:, None]], axis=1).reshape(rows * columns, *fake.shape[2:]))
    height, width = cells.shape[1:3]
    gap = max(2, min(height, width) // 14)
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), _GAP_COLOUR, np.uint8)
    sheet[:, -(width + 2 * gap) :] = _YELLOW
    for i, cell in enumerate(cells):
        top, left = gap + i // columns * (height + gap), gap + i % columns * (width + gap)
        sheet[top : top + height, left : left + width] = cell
    return sheet


def sheet(images: np.ndarray, columns: int, alt: str, *, compared: bool = False) -> Markup:
    """A grid of images as an image in the page.

    images: [N, H, W, C] uint8 as the data has them, at least one; alt: what is seen, in words; compared: as for
    `shape_of`.
    """
    shape = shape_of(*images.shape[1:3], compared=compared)
    drawn = grid(reduced(images, shape), columns, max(2, shape.factor), _GAP_COLOUR)
    return embedded(drawn, alt, lossless=shape.lossless)


def sheet_2014(fake: np.ndarray, train: np.ndarray, nearest_rows: Sequence[int], columns: int, alt: str) -> Markup:
    """`figure_2014` as an image in the page; only the training images that it shows are touched."""
    shape = shape_of(*fake.shape[1:3], compared=True)
    near = np.stack([train[int(row)] for row in nearest_rows])
    drawn = figure_2014(reduced(fake, shape), reduced(near, shape), range(len(near)), columns)
    return embedded(drawn, alt, lossless=shape.lossless)


def embedded(pixels: np.ndarray, alt: str, *, lossless: bool) -> Markup:
    """An image [H, W, 1 or 3] uint8 as an <img> that holds it: PNG where `lossless`, else JPEG."""
    kind, options = ("png", {}) if lossless else ("jpeg", {"quality": _JPEG_QUALITY, "optimize": True})
    out = io.BytesIO()
    to_pillow(pixels).save(out, kind, **options)
    text = base64.b64encode(out.getvalue()).decode("ascii")
    height, width = pixels.shape[:2]
    return Markup(f'<img src="data:image/{kind};base64,{text}" width="{width}" height="{height}" alt="{escape(alt)}">')
