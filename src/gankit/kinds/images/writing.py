"""Writing images: folders and zips of PNG files, arrays, and one grid; batch after batch, and whole or not at all.

Knows formats; never where images come from, torch or networks.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from gankit.errors import OutputError
from gankit.io.folders import FileForm, write_files
from gankit.io.formats.base import Sink
from gankit.io.formats.numpy import GrowingArrays
from gankit.io.origin import Origin
from gankit.kinds.images.records import MODES, Images, Pixels, form_in, from_pixels, grid, label_arrays

MAX_GRID_PIXELS = 1 << 28
"""A grid of more pixels is refused: viewers cannot open it."""

# On faces of 256 x 256 level 3 takes 8 ms an image and 6 takes 21, for files that are 3.5% larger.
_LEVEL = 3
_SUFFIXES = ".zip, .npz, .npy, .png, or none for a folder"


def write_images(batches: Iterable[Images], path: str | Path, origin: Origin, *, first_row: int = 0) -> int:
    """Writes images as `write_files` does; also arrays in the form that came (.npz, .npy), and a grid (.png)."""
    if str(path) == "-":
        raise OutputError(f"images do not go to standard output. Name a file or folder with -o ({_SUFFIXES}).")
    return write_files(batches, path, FILES, origin, first_row)


# --- PNG files ----------------------------------------------------------------------------------------------------


def png(image: Pixels) -> bytes:
    """The bytes of a PNG file. image: uint8 [H, W, C], C of 1 to 4; lossless."""
    from PIL import Image

    height, width, channels = image.shape
    drawn = Image.frombytes(MODES[channels], (width, height), np.ascontiguousarray(image).tobytes())
    stream = io.BytesIO()
    drawn.save(stream, "PNG", compress_level=_LEVEL)
    return stream.getvalue()


def _encoded(batch: Images) -> Iterator[bytes]:
    return map(png, batch.x)


# --- arrays and grids ---------------------------------------------------------------------------------------------


class ArraySink(Sink):
    """Records as an array, with their labels beside it in a .npz."""

    def __init__(self, stream: IO[bytes], origin: Origin, name: str, row: int = 0) -> None:
        super().__init__(stream, origin, name, row)
        self.arrays = GrowingArrays()
        self._labels: list[pa.Table] = []

    def keep(self, array: Any, labels: pa.Table | None) -> None:
        """Writes rows of the array aside, under the name that came, else x, and their labels."""
        self.arrays.add(self.origin.details.get("key", "x"), array)
        if labels is not None:
            self._labels.append(labels)

    def label_arrays(self, alone: str | None = None) -> dict[str, Any]:
        """The labels in the form that came. alone: what a single one is called, where that is not its column's name."""
        if not self._labels:
            return {}
        labels = pa.concat_tables(self._labels)
        details = self.origin.details
        if "labels" in details:
            arrays = label_arrays(labels, details["labels"])
            if arrays is not None:
                return {name or "y": array for name, array in arrays.items()}
        single = labels.num_columns == 1
        return {(alone if single and alone else name): plain_array(labels.column(name)) for name in labels.column_names}

    def release(self) -> None:
        """Removes what was written aside."""
        self.arrays.close()


class _Npy(ArraySink):
    noun = "images"

    def write(self, batch: Images) -> None:
        self.keep(from_pixels(batch.x, form_in(self.origin)), batch.labels)

    def close(self) -> None:
        self.arrays.copy(self.stream)


class _Npz(_Npy):
    """Images and labels under the names that came, else x and y."""

    def close(self) -> None:
        self.arrays.archive(self.stream, self.label_arrays("y"))


def plain_array(column: pa.ChunkedArray) -> Any:
    """A column of labels as an array without objects: numbers, or texts; null is NaN or an empty text."""
    cells = column.to_pylist()
    if any(isinstance(cell, str) for cell in cells):
        return np.array(["" if cell is None else str(cell) for cell in cells])
    if None in cells:
        return np.array([np.nan if cell is None else cell for cell in cells], dtype=np.float64)
    array = np.asarray(column.to_numpy())
    return np.array([str(cell) for cell in cells]) if array.dtype.hasobject else array


class _Grid(Sink):
    """One PNG file with all images in it, row by row."""

    noun = "images"

    def begin(self, first: Images) -> None:
        self._parts: list[Pixels] = []
        self._pixels = 0

    def write(self, batch: Images) -> None:
        self._pixels += len(batch) * (batch.x.shape[1] + 1) * (batch.x.shape[2] + 1)
        if self._pixels > MAX_GRID_PIXELS:
            raise OutputError(
                f"a grid of more than {MAX_GRID_PIXELS:,} pixels is too large to look at. Ask for fewer, or write a "
                "folder, .zip or .npz."
            )
        self._parts.append(batch.x)

    def close(self) -> None:
        self.stream.write(png(grid(np.concatenate(self._parts))))


FILES = FileForm(
    "images", ".png", _encoded, {".npz": _Npz, ".npy": _Npy, ".png": _Grid}, _SUFFIXES,
    {".gif": " A GIF is one animation, which interpolate makes."},
)  # fmt: skip
