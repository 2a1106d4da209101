"""Writing pictures: folders and zips of PNG files, arrays, and one grid; batch after batch, and whole or not at all.

Knows formats; never where pictures come from, torch or networks.
"""

from __future__ import annotations

import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from gankit.errors import OutputError
from gankit.io.folders import FileForm, Sink, fed, write_folder, zip_files
from gankit.io.origin import Origin
from gankit.io.writing import complaints, whole_file
from gankit.kinds.images.records import MODES, Pictures, Pixels, form_in, from_pixels, grid, label_arrays

MAX_GRID_PIXELS = 1 << 28
"""A grid of more pixels is refused: viewers cannot open it."""

# On faces of 256 x 256 level 3 takes 8 ms a picture and 6 takes 21, for files that are 3.5% larger.
_LEVEL = 3
_SUFFIXES = ".zip, .npz, .npy, .png, or none for a folder"


def write_pictures(batches: Iterable[Pictures], path: str | Path, origin: Origin, *, first_row: int = 0) -> int:
    """Writes pictures, one batch after the other, and returns how many.

    path: without a suffix, or an existing folder: a folder of PNG files named by row (`000123.png`), in class folders
        if the data came so, else with `labels.csv` beside them where they have labels; `.zip`: the same inside; `.npz`
        and `.npy`: arrays in the form that came; `.png`: one grid. It appears under its name when it is whole.
    origin: how the data came. first_row: the number of the first picture.

    Raises:
        OutputError: another suffix, a folder with other files in it, no permission, no space, or nothing to write.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if str(path) == "-":
        raise OutputError(f"pictures do not go to standard output. Name a file or folder with -o ({_SUFFIXES}).")
    if not target.parent.is_dir():
        raise OutputError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into. Make it first.")
    with complaints(target):
        if target.is_dir() or not suffix:
            return write_folder(batches, target, FILES, origin, first_row)
        if suffix not in _SINKS:
            kind = " A GIF is one animation, which interpolate makes." if suffix == ".gif" else ""
            raise OutputError(f"pictures are not written as {suffix!r}.{kind} Take one of: {_SUFFIXES}.")
        with whole_file(target) as stream:
            return fed(_SINKS[suffix](stream, origin, first_row), batches, target.name, "pictures")


# --- PNG files ----------------------------------------------------------------------------------------------------


def png(picture: Pixels) -> bytes:
    """The bytes of a PNG file. picture: uint8 [H, W, C], C of 1 to 4; lossless."""
    from PIL import Image

    height, width, channels = picture.shape
    image = Image.frombytes(MODES[channels], (width, height), np.ascontiguousarray(picture).tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=_LEVEL)
    return stream.getvalue()


def _encoded(batch: Pictures) -> Iterator[bytes]:
    return map(png, batch.x)


FILES = FileForm("pictures", ".png", _encoded)


def _zip_files(stream: IO[bytes], origin: Origin, first_row: int) -> Sink:
    return zip_files(stream, FILES, origin, first_row)


# --- arrays and grids ---------------------------------------------------------------------------------------------


class _Npy(Sink):
    """One array. Its header needs the number of pictures, which comes last: the pixels wait in an unnamed file."""

    def __init__(self, stream: IO[bytes], origin: Origin, first_row: int) -> None:
        super().__init__(stream, origin, first_row)
        self._pixels = tempfile.TemporaryFile()  # noqa: SIM115  # closed in abandon()
        self._labels: list[pa.Table] = []
        self._num = 0
        self._like: Any = None

    def write(self, batch: Pictures) -> None:
        array = from_pixels(batch.x, form_in(self.origin))
        self._like = array[:0]
        self._pixels.write(array.tobytes())
        self._num += len(batch)
        if batch.labels is not None:
            self._labels.append(batch.labels)

    def _copy(self, stream: IO[bytes]) -> None:
        shape = (self._num, *self._like.shape[1:])
        descr = np.lib.format.dtype_to_descr(self._like.dtype)
        header: dict[str, Any] = {"descr": descr, "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        self._pixels.seek(0)
        shutil.copyfileobj(self._pixels, stream, 1 << 20)

    def close(self) -> None:
        self._copy(self.stream)

    def abandon(self) -> None:
        self._pixels.close()


class _Npz(_Npy):
    """Pictures and labels under the names that came, else x and y."""

    def close(self) -> None:
        key = self.origin.details.get("key", "x")
        with zipfile.ZipFile(self.stream, "w", zipfile.ZIP_STORED) as archive:
            with archive.open(zipfile.ZipInfo(f"{key}.npy"), "w", force_zip64=True) as member:
                self._copy(member)
            for name, array in self._label_arrays().items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)

    def _label_arrays(self) -> dict[str, Any]:
        if not self._labels:
            return {}
        labels = pa.concat_tables(self._labels)
        details = self.origin.details
        if "labels" in details:
            arrays = label_arrays(labels, details["labels"])
            if arrays is not None:
                return {name or "y": array for name, array in arrays.items()}
        alone = labels.num_columns == 1
        return {"y" if alone else name: plain_array(labels.column(name)) for name in labels.column_names}


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
    """One PNG file with all pictures in it, row by row."""

    def __init__(self, stream: IO[bytes], origin: Origin, first_row: int) -> None:
        super().__init__(stream, origin, first_row)
        self._parts: list[Pixels] = []
        self._pixels = 0

    def write(self, batch: Pictures) -> None:
        self._pixels += len(batch) * (batch.x.shape[1] + 1) * (batch.x.shape[2] + 1)
        if self._pixels > MAX_GRID_PIXELS:
            raise OutputError(
                f"a grid of more than {MAX_GRID_PIXELS:,} pixels is too large to look at. Ask for fewer, or write a "
                "folder, .zip or .npz."
            )
        self._parts.append(batch.x)

    def close(self) -> None:
        self.stream.write(png(grid(np.concatenate(self._parts))))


_SINKS: dict[str, Any] = {".zip": _zip_files, ".npz": _Npz, ".npy": _Npy, ".png": _Grid}
