"""Writing pictures: folders and zips of PNG files, arrays, and one grid; batch after batch, and whole or not at all.

Knows formats; never where pictures come from, torch or networks.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import tempfile
import zipfile
from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from gankit.data.origin import Origin
from gankit.data.pictureforms import from_pixels, label_arrays
from gankit.data.pictures import MODES, Pictures, form_in, grid
from gankit.data.picturestore import Pixels
from gankit.data.writing import complaints, whole_file
from gankit.errors import OutputError

MAX_GRID_PIXELS = 1 << 28
"""A grid of more pixels is refused: viewers cannot open it."""

_MARKER = ".gankit"
_LABELS = "labels.csv"
_OWN = re.compile(r"\d{6,}\.png$")
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
            return _write_folder(batches, target, origin, first_row)
        if suffix not in _SINKS:
            kind = " A GIF is one animation, which interpolate makes." if suffix == ".gif" else ""
            raise OutputError(f"pictures are not written as {suffix!r}.{kind} Take one of: {_SUFFIXES}.")
        with whole_file(target) as stream:
            return _fed(_SINKS[suffix](stream, origin, first_row), batches, target.name)


def _fed(sink: _Sink, batches: Iterable[Pictures], name: str) -> int:
    total = 0
    try:
        for batch in batches:
            sink.write(batch)
            total += len(batch)
        if not total:
            raise OutputError(f"there is nothing to write into {name!r}: no pictures.")
        sink.close()
    finally:
        sink.abandon()
    return total


class _Sink(ABC):
    """Takes batches of pictures. stream: where the bytes go. first_row: the number of the first picture."""

    def __init__(self, stream: IO[bytes], origin: Origin, first_row: int) -> None:
        self.stream, self.origin, self.row = stream, origin, first_row

    @abstractmethod
    def write(self, batch: Pictures) -> None:
        """Writes pictures."""

    @abstractmethod
    def close(self) -> None:
        """Writes what stands behind them."""

    def abandon(self) -> None:  # noqa: B027  # most sinks hold nothing
        """Lets go of what the sink holds."""


# --- PNG files ----------------------------------------------------------------------------------------------------


def png(picture: Pixels) -> bytes:
    """The bytes of a PNG file. picture: uint8 [H, W, C], C of 1 to 4; lossless."""
    from PIL import Image

    height, width, channels = picture.shape
    image = Image.frombytes(MODES[channels], (width, height), np.ascontiguousarray(picture).tobytes())
    stream = io.BytesIO()
    image.save(stream, "PNG", compress_level=_LEVEL)
    return stream.getvalue()


class _Files(_Sink):
    """PNG files named by row, and their labels: as folders, or as a list beside them."""

    def __init__(self, origin: Origin, first_row: int) -> None:
        super().__init__(io.BytesIO(), origin, first_row)
        self._list = tempfile.TemporaryFile("w+", encoding="utf-8", newline="")  # noqa: SIM115  # closed in abandon()
        self._columns: list[str] | None = None

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Keeps a file."""

    def write(self, batch: Pictures) -> None:
        labels = batch.labels
        classes = bool(self.origin.details.get("classes")) and labels is not None and labels.column_names == ["label"]
        folders = labels.column("label").to_pylist() if classes and labels is not None else None
        names = []
        for place, picture in enumerate(batch.x):
            name = f"{self.row + place:06d}.png"
            if folders is not None and folders[place] is not None:
                name = f"{_folder_name(str(folders[place]))}/{name}"
            self.put(name, png(picture))
            names.append(name)
        if labels is not None and not classes:
            self._note(names, labels)
        self.row += len(batch)

    def _note(self, names: list[str], labels: pa.Table) -> None:
        writer = csv.writer(self._list, lineterminator="\n")
        if self._columns is None:
            self._columns = labels.column_names
            first = "file" if "file" not in self._columns else "picture_file"
            writer.writerow([first, *self._columns])
        writer.writerows(zip(names, *(labels.column(name).to_pylist() for name in self._columns), strict=True))

    def close(self) -> None:
        if self._columns is not None:
            self._list.seek(0)
            self.put(_LABELS, self._list.read().encode())

    def abandon(self) -> None:
        self._list.close()


def _folder_name(label: str) -> str:
    """A class as the name of a folder: what would leave the folder, or hide in it, is written otherwise."""
    name = re.sub(r'[/\\:*?"<>|\x00-\x1f]', "_", label).strip() or "_"
    return re.sub(r"^\.", "_", name)


class _FolderFiles(_Files):
    def __init__(self, folder: Path, origin: Origin, first_row: int) -> None:
        super().__init__(origin, first_row)
        self._folder = folder
        self._made: set[str] = set()

    def put(self, name: str, data: bytes) -> None:
        parent = name.rpartition("/")[0]
        if parent not in self._made:
            (self._folder / parent).mkdir(exist_ok=True)
            self._made.add(parent)
        (self._folder / name).write_bytes(data)


class _ZipFiles(_Files):
    def __init__(self, stream: IO[bytes], origin: Origin, first_row: int) -> None:
        super().__init__(origin, first_row)
        self._archive = zipfile.ZipFile(stream, "w")

    def put(self, name: str, data: bytes) -> None:
        info = zipfile.ZipInfo(name)
        info.external_attr = 0o644 << 16
        info.compress_type = zipfile.ZIP_DEFLATED if name == _LABELS else zipfile.ZIP_STORED
        self._archive.writestr(info, data)

    def close(self) -> None:
        super().close()
        self._archive.close()

    def abandon(self) -> None:
        super().abandon()
        # After an error the archive must not write its end into a stream that is closed.
        self._archive.fp = None


def _write_folder(batches: Iterable[Pictures], target: Path, origin: Origin, first_row: int) -> int:
    """Writes a folder beside the place, and moves it there when it is whole; what was there goes only then."""
    if target.exists() and not target.is_dir():
        raise OutputError(f"{str(target)!r} is a file, and a name without a suffix means a folder. Name another.")
    if target.is_dir():
        _check_own(target)
    target = target.resolve()
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        # A folder in the temporary one, which only its owner may enter: it gets the permissions of any new folder.
        new = aside / "new"
        new.mkdir()
        total = _fed(_FolderFiles(new, origin, first_row), batches, target.name)
        (new / _MARKER).write_text(json.dumps({"pictures": total, "first_row": first_row}) + "\n")
        if target.exists():
            os.replace(target, aside / "old")
        try:
            os.replace(new, target)
        except OSError:
            if (aside / "old").exists():
                os.replace(aside / "old", target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return total


def _check_own(folder: Path) -> None:
    """Refuses a folder with files that gankit did not write: they would be lost."""
    entries = [entry for entry in folder.rglob("*") if not entry.is_dir()]
    strange = [
        entry
        for entry in entries
        if not _OWN.match(entry.name) and entry.relative_to(folder).as_posix() not in (_MARKER, _LABELS)
    ]
    if entries and (strange or not (folder / _MARKER).is_file()):
        example = (strange or entries)[0].relative_to(folder).as_posix()
        raise OutputError(
            f"the folder {str(folder)!r} holds files that gankit did not write, such as {example!r}. Name a new or an "
            "empty folder."
        )


# --- arrays and grids ---------------------------------------------------------------------------------------------


class _Npy(_Sink):
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


class _Grid(_Sink):
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


_SINKS: dict[str, Any] = {".zip": _ZipFiles, ".npz": _Npz, ".npy": _Npy, ".png": _Grid}
