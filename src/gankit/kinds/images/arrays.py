"""Images in files of arrays: .npz, .npy, IDX (MNIST's format) and MATLAB's files.

Knows arrays in files; never folders of images, torch or networks.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import math
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from gankit.errors import DataError
from gankit.io.opening import largest_size
from gankit.kinds.images.records import (
    axes_of,
    chunks,
    finished,
    fits_in_memory,
    is_one_image,
    room_for,
)

Array = npt.NDArray[Any]

_IDX_TYPES = {0x08: "|u1", 0x09: "|i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
NAMES = ("x", "images", "image", "data", "x_train", "train_images", "train_x", "pictures", "arr_0", "faces")
LABEL_NAMES = ("y", "label", "labels", "target", "targets", "class", "classes", "fine_labels", "digits")


@dataclass(frozen=True)
class Found:
    """Images and labels in a file of arrays. x: as in the file. key: of x. labels: key -> array of as many rows."""

    x: Array
    key: str
    labels: dict[str, Array]


# --- NumPy --------------------------------------------------------------------------------------------------------


def headers(stream: IO[bytes]) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Shape and dtype of every array in a .npy or .npz file, without reading them. stream: at its beginning.

    Raises:
        ValueError, OSError, zipfile.BadZipFile: it is no such file.
    """
    if stream.read(6) == b"\x93NUMPY":
        stream.seek(0)
        shape, _, dtype = _header(stream)
        return {"": (shape, dtype)}
    found = {}
    with zipfile.ZipFile(stream) as archive:
        for member in archive.infolist():
            if member.filename.endswith(".npy"):
                with archive.open(member) as inner:
                    shape, _, dtype = _header(inner)
                found[member.filename[:-4]] = shape, dtype
    return found


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it stands column after column, and dtype. No Python object is made of the file's content."""
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        return shape, fortran, np.dtype(object)
    return shape, fortran, dtype


def read_numpy(file: IO[bytes], place: str, part: str, notes: list[str]) -> Found:
    """The images of a .npy or .npz file, and the labels beside them.

    file: open at its beginning; of a large .npy a real file, which is mapped. part: the key that is meant, or nothing.

    Raises:
        DataError: no array has images, or the part is not there.
    """
    shapes = headers(file)
    file.seek(0)
    if list(shapes) == [""]:
        return Found(_npy(file, place), "", {})
    key = _chosen({k: s for k, (s, d) in shapes.items() if d.kind in "bufi"}, part, place, notes)
    num = shapes[key][0][0]
    beside = _labels_of(key, {k: s for k, (s, d) in shapes.items() if d.kind in "bufiUS"}, num)
    if not beside:
        _say_no_labels(key, shapes, place, notes)
    with zipfile.ZipFile(file) as archive:
        labels = {name: _member(archive, name, place) for name in beside}
        return Found(_member(archive, key, place), key, labels)


def _npy(file: IO[bytes], place: str) -> Array:
    shape, fortran, dtype = _header(file)
    if dtype.hasobject:
        raise _holds_objects(place)
    if not fortran and not fits_in_memory(math.prod(shape) * dtype.itemsize):
        return np.memmap(file, dtype=dtype, mode="r", offset=file.tell(), shape=shape)
    return _body(file, shape, fortran, dtype, place)


def _holds_objects(place: str) -> DataError:
    return DataError(
        f"{place}: the array holds Python objects, which could run code and are not read. Save it as uint8."
    )


def _member(archive: zipfile.ZipFile, key: str, place: str) -> Array:
    with archive.open(f"{key}.npy") as stream:
        shape, fortran, dtype = _header(stream)
        if dtype.hasobject:
            raise _holds_objects(place)
        return _body(stream, shape, fortran, dtype, place)


def _body(stream: IO[bytes], shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any], place: str) -> Array:
    """The array behind a header; bytes go straight to where they stay."""
    if dtype == np.uint8 and not fortran and len(shape) >= 3:
        x = room_for(shape)
        for rows in chunks(len(x), x[:1].nbytes):
            _fill(stream, x[rows], place)
        return finished(x)
    num_bytes = math.prod(shape) * dtype.itemsize
    if num_bytes > largest_size():
        raise DataError(f"{place}: the array takes {num_bytes / 1e9:,.1f} GB. Save the images as uint8, in parts.")
    flat = np.empty(math.prod(shape), dtype=dtype)
    _fill(stream, flat.view(np.uint8), place)
    return flat.reshape(shape, order="F" if fortran else "C")


def _fill(stream: IO[bytes], target: npt.NDArray[np.uint8], place: str) -> None:
    assert target.flags.c_contiguous  # a copy would be filled in its place
    view = memoryview(target.reshape(-1).data) if target.size else memoryview(b"")
    done = 0
    while done < len(view):
        count = stream.readinto(view[done : done + (1 << 24)])  # type: ignore[attr-defined]  # all binary streams have it
        if not count:
            raise DataError(f"{place} is cut off: {len(view) - done:,} bytes are missing. Take another copy of it.")
        done += count


def _chosen(shapes: Mapping[str, tuple[int, ...]], part: str, place: str, notes: list[str]) -> str:
    """The key of the array that holds the images."""
    listed = ", ".join(f"{key} {list(shape)}" for key, shape in list(shapes.items())[:8]) or "no arrays of numbers"
    if part:
        if part not in shapes:
            raise DataError(f"{place}: there is no array {part!r}. There are {listed}.")
        return part
    found = [key for key, shape in shapes.items() if axes_of(shape) is not None and not is_one_image(shape)]
    if not found:
        found = [key for key, shape in shapes.items() if axes_of(shape) is not None]
    if not found:
        raise DataError(f"{place}: no array has the axes [N, H, W] or [N, H, W, C] of images. Found {listed}.")
    if len(found) > 1:
        named = [key for name in NAMES for key in found if key.lower() == name]
        training = [key for key in found if "train" in key.lower()]
        chosen = (named or training or sorted(found, key=lambda key: -shapes[key][0]))[0]
        others = [key for key in found if key != chosen]
        notes.append(
            f"{place}: the images in {chosen!r} are taken, not those in {', '.join(map(repr, others[:4]))}; "
            f"{place}/{others[0]} names these, also for --heldout"
        )
        return chosen
    return found[0]


def _twins_of(key: str) -> set[str]:
    """What the labels of the images under a key may be called."""
    return {
        re.sub("^x", "y", key), re.sub("x$", "y", key), re.sub("^X", "y", key), key.replace("images", "labels"),
        key.replace("image", "label"), key.replace("data", "labels"), key.replace("data", "targets"),
    } - {key}  # fmt: skip


def _say_no_labels(
    key: str, shapes: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]], place: str, notes: list[str]
) -> None:
    """Tells of an array that is called as labels are, and cannot be theirs."""
    for name, (shape, dtype) in shapes.items():
        if name not in _twins_of(key) and name.lower() not in LABEL_NAMES:
            continue
        if dtype.hasobject:
            why = "holds Python objects, which could run code: save texts as an array of texts (astype(str))"
        elif shape[:1] != shapes[key][0][:1]:
            why = f"has {shape[0] if shape else 1:,} entries, and there are {shapes[key][0][0]:,} images"
        else:
            continue
        notes.append(f"{place}: no labels are taken from {name!r}: it {why}")


def _labels_of(key: str, shapes: Mapping[str, tuple[int, ...]], num: int) -> list[str]:
    """The keys of the arrays that are labels of the images under a key."""
    fitting = [
        name
        for name, shape in shapes.items()
        if name != key and shape[:1] == (num,) and (len(shape) == 1 or (len(shape) == 2 and shape[1] <= 64))
    ]
    twin = _twins_of(key)
    sets = sum(shape[:1] == (num,) and len(shape) > 2 for shape in shapes.values())
    twins = [name for name in fitting if name in twin]
    if twins and sets > 1:
        return twins[:1]  # the others may belong to the other images
    return sorted(fitting, key=lambda name: (name not in twin, name.lower() not in LABEL_NAMES))


# --- IDX ----------------------------------------------------------------------------------------------------------


def idx_shape(head: bytes) -> tuple[int, ...] | None:
    """The shape of the array in an IDX file, by its first bytes, unpacked; None if it is none."""
    if len(head) < 4 or head[:2] != b"\0\0" or head[2] not in _IDX_TYPES or not 1 <= head[3] <= 5:
        return None
    sides = head[4 : 4 + 4 * head[3]]
    return struct.unpack(f">{head[3]}I", sides) if len(sides) == 4 * head[3] else None


def idx_shape_at(stream: IO[bytes]) -> tuple[int, ...] | None:
    """The shape of the array in an IDX file, perhaps compressed; None if it is none."""
    try:
        with stream, _plain(stream) as plain:
            return idx_shape(plain.read(24))
    except (OSError, EOFError, zlib.error):
        return None


def _plain(stream: IO[bytes]) -> IO[bytes]:
    packed = stream.read(2) == b"\x1f\x8b"
    stream.seek(0)
    # A binary stream in all but name; a stream as it is is closed by who opened it.
    return gzip.GzipFile(fileobj=stream) if packed else contextlib.nullcontext(stream)  # type: ignore[return-value]


def read_idx(stream: IO[bytes], place: str) -> Array:
    """The array of an IDX file, big-endian numbers in the order of this machine. stream: at its beginning.

    Raises:
        DataError: it is cut off or longer than its header says.
    """
    try:
        with _plain(stream) as plain:
            head = plain.read(4)
            shape = idx_shape(head + plain.read(4 * head[3]))
            assert shape is not None, place
            array = _body(plain, shape, False, np.dtype(_IDX_TYPES[head[2]]), place)
            if plain.read(1):
                raise DataError(f"{place} is longer than its header says ({list(shape)}). Take another copy of it.")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{place} is damaged or cut off ({error}). Take another copy of it.") from error
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _idx_labels_beside(path: Path) -> Path | None:
    """The labels' file beside a file of images, found by its name: `train-labels-idx1-ubyte` for `train-images-…`."""
    name = path.name.lower().removesuffix(".gz").replace("images", "labels").replace("image", "label")
    wanted = {re.sub(r"idx\d", "idx1", name), re.sub(r"idx\d", "idx1", name).replace(".", "-")}
    if wanted == {path.name.lower().removesuffix(".gz")}:
        return None
    for entry in sorted(path.parent.iterdir()):
        plain = entry.name.lower().removesuffix(".gz")
        if (plain in wanted or plain.replace(".", "-") in wanted) and len(idx_shape_at(entry.open("rb")) or ()) == 1:
            return entry
    return None


def found_in_idx(stream: IO[bytes], shape: tuple[int, ...], path: Path) -> Found:
    """The images of an IDX file, and the labels of the file beside it, if there is one.

    stream: at its beginning. shape: of its array.

    Raises:
        DataError: it holds labels and no images, is damaged, or has another number of labels.
    """
    if len(shape) < 3:
        raise DataError(
            f"{str(path)!r} is an IDX file of shape {list(shape)}: labels or numbers, no images. Give the file "
            "of images; its labels are found beside it."
        )
    x = read_idx(stream, str(path))
    beside = _idx_labels_beside(path)
    if beside is None:
        return Found(x, "", {})
    with beside.open("rb") as file:
        labels = read_idx(file, str(beside))
    if len(labels) != len(x):
        raise DataError(
            f"{str(beside)!r} has {len(labels):,} labels, and {str(path)!r} {len(x):,} images. Take the two that "
            "belong together."
        )
    return Found(x, "", {"y": labels})


def read_mat(data: bytes, place: str, notes: list[str]) -> Found:
    """The images of a .mat file as [N, H, W] or [N, H, W, C], and the labels beside them.

    Known are arrays [H, W, N], [H, W, C, N], [N, H, W] and [N, H, W, C], CIFAR's batches [N, 3072], and the Olivetti
    faces [4096, 400], whose columns are images that stand column after column.

    Raises:
        DataError: it is damaged, of version 7.3 (HDF5), or has no such array.
    """
    import scipy.io

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = scipy.io.loadmat(io.BytesIO(data))
    except NotImplementedError as error:
        raise DataError(
            f"{place} is a MATLAB file of version 7.3, which is not read. Save it with -v7, or as .npz."
        ) from error
    except Exception as error:
        # Of damaged files nearly anything is raised: MatReadError, ValueError, TypeError, zlib.error, …
        text = (str(error).splitlines() or [type(error).__name__])[0]
        raise DataError(f"{place} is damaged or no MATLAB file ({text}). Take another copy of it.") from error
    arrays = {k: v for k, v in loaded.items() if not k.startswith("__") and isinstance(v, np.ndarray) and v.ndim >= 2}
    numbers = {key: value for key, value in arrays.items() if value.dtype.kind in "bufi" and value.size}
    for key, value in numbers.items():
        if key == "faces" and value.ndim == 2 and value.shape[0] == 4096:
            # Each column is a face of 64 x 64 that stands column after column, as MATLAB keeps them.
            return Found(np.ascontiguousarray(value.reshape(64, 64, -1, order="F").transpose(2, 0, 1)), key, {})
        if key == "data" and value.ndim == 2 and value.shape[1] == 3072 and value.dtype == np.uint8:
            x = np.ascontiguousarray(value.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
            return Found(x, key, _mat_labels(arrays, key, len(x)))
    deep = {key: value for key, value in numbers.items() if value.ndim in (3, 4)}
    if not deep:
        listed = ", ".join(f"{k} {list(v.shape)}" for k, v in list(arrays.items())[:8]) or "no arrays"
        raise DataError(
            f"{place}: no array in it is known to hold images: {listed}. Save them as [H, W, N] or [H, W, C, N], "
            "or as .npz with [N, H, W, C]."
        )
    key = max(deep, key=lambda name: (name.lower() in NAMES, deep[name].size))
    x = _rows_first(deep[key], key, arrays, place)
    notes.append(f"{place}: {len(x):,} images taken from the array {key} {list(deep[key].shape)}")
    return Found(x, key, _mat_labels(arrays, key, len(x)))


def _rows_first(array: Array, key: str, arrays: Mapping[str, Array], place: str) -> Array:
    lengths = {value.size for name, value in arrays.items() if name != key and value.ndim == 2 and 1 in value.shape}
    sides = array.shape
    if sides[0] in lengths and sides[-1] not in lengths:
        first = True
    elif sides[-1] in lengths and sides[0] not in lengths:
        first = False
    elif array.ndim == 4:
        first = sides[3] in (1, 3, 4) and sides[2] not in (1, 3, 4)
    elif sides[0] == sides[1]:
        first = False
    elif sides[1] == sides[2]:
        first = True
    else:
        raise DataError(
            f"{place}: in the array {key} {list(sides)} no axis is known to count the images. Save it with labels y "
            "of that length beside it, or as .npz with [N, H, W]."
        )
    return array if first else np.ascontiguousarray(np.moveaxis(array, -1, 0))


def _mat_labels(arrays: Mapping[str, Array], key: str, num: int) -> dict[str, Array]:
    fitting = {n: _of_cells(v) for n, v in arrays.items() if n != key and v.size == num and 1 in v.shape}
    found = {name: value.reshape(-1) for name, value in fitting.items() if value is not None}
    named = [name for wanted in LABEL_NAMES for name in found if name.lower() == wanted]
    chosen = named[:1] or list(found)[:1]
    whole = {name: found[name] for name in chosen}
    return {
        name: value.astype(np.int64) if value.dtype.kind == "f" and (value == np.rint(value)).all() else value
        for name, value in whole.items()
    }


def _of_cells(array: Array) -> Array | None:
    """An array of numbers as it is, a cell array of texts as an array of them; None for anything else."""
    if array.dtype.kind in "bufiU":
        return array
    if array.dtype != object or not all(
        isinstance(c, np.ndarray) and c.dtype.kind == "U" and c.size == 1 for c in array.flat
    ):
        return None
    return np.array([cell.item() for cell in array.flat])
