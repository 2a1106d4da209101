"""Images in the user's own form: bytes with their labels, how they stand in arrays, where they are stored, and how they
are written (folders and zips of PNG files, arrays, one grid).

Knows pixels, axes, memory and files of images that are written; never how they are read, torch or networks.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.errors import DataError, OutputError
from gankit.io.archives import largest_size
from gankit.io.formats.base import Sink
from gankit.io.formats.numpy import GrowingArrays, arrays_of, records_of_arrays
from gankit.io.pixels import MAX_GRID_PIXELS, Pixels, grid_png, png, to_pillow
from gankit.io.records import Origin, Records, fingerprint
from gankit.io.rooms import unnamed_file
from gankit.io.writing import FileForm, write_files
from gankit.kinds.base import Dataset

SHARE_OF_MEMORY = 0.25
"""Images beyond this share of the machine's memory lie on disk."""

_SUFFIXES = ".zip, .npz, .npy, .png, or none for a folder"
_CHUNK = 1 << 26
_LEAST_SIDE = 8
_LEAST_HIGH = 64
_LEAST_BYTE = 16  # bytes that are all below are labels of few classes, or single bits
_SLACK = 1e-3
_MOST_CLASSES = 1000


@dataclass(frozen=True)
class Images:
    """Images of one size, with their labels.

    x: uint8 [N, H, W, C], C of 1 to 4 (grey, grey and alpha, RGB, RGBA); read-only and mapped from disk where it does
        not fit in memory.
    labels: one row an image, or None. Class folders and single arrays give the column "label"; lists their own names.
    origin: how they came; `format` is folder, zip, tar, npz, npy, idx, cifar, mat, list, array or pil.
    names: of the files they came from, or empty.
    """

    x: Pixels
    labels: pa.Table | None
    origin: Origin
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.x.dtype == np.uint8 and self.x.ndim == 4 and 1 <= self.x.shape[3] <= 4, (self.x.dtype, self.x.shape)
        assert self.labels is None or self.labels.num_rows == len(self.x), "one row of labels an image"
        assert len(self.names) in (0, len(self.x)), "one name an image"

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: Any) -> Images:
        """Some of the images: a slice (a view), rows int [K], or bool [N]. Copies that fit in memory lie there."""
        index = np.arange(len(self))[rows]
        if isinstance(rows, slice):
            x = self.x[rows]
        elif not isinstance(self.x, np.memmap) or fits_in_memory(len(index) * self.x[:1].nbytes):
            x = np.asarray(self.x[index])
        else:
            x = room_for((len(index), *self.x.shape[1:]))
            for part in chunks(len(index), self.x[:1].nbytes):
                x[part] = self.x[index[part]]
            x = finished(x)
        labels = None if self.labels is None else self.labels.take(pa.array(index))
        return Images(x, labels, self.origin, tuple(self.names[row] for row in index) if self.names else ())


ImageSetT = TypeVar("ImageSetT", bound="ImageSet")


@dataclass(frozen=True, repr=False)
class ImageSet(Dataset):
    """Some rows of images, which stay where they are: in memory, or in a file that is mapped into it.

    values: of their labels. whole: all images. rows: [n] int64, sorted, those that are meant.
    """

    whole: Images
    rows: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)

    def take(self: ImageSetT, rows: np.ndarray) -> ImageSetT:
        """See `Dataset.take`."""
        return replace(super().take(rows), rows=self.rows[rows])

    def some(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """At most `count` images drawn without replacement, in the order of their rows, [n, H, W, C] uint8."""
        if count >= len(self.rows):
            return np.asarray(self.whole.x[self.rows])
        return np.asarray(self.whole.x[np.sort(rng.choice(self.rows, size=count, replace=False))])


def form_in(origin: Origin) -> Form:
    """The form of arrays of such images: that of the array that came, or bytes, grey without a channel axis."""
    return Form(**origin.details["array"]) if "array" in origin.details else Form(channel_axis=False)


def joined_images(batches: Sequence[Images], origin: Origin) -> Images:
    """All batches (one at least) as one."""
    tables = [batch.labels for batch in batches if batch.labels is not None]
    x = np.concatenate([batch.x for batch in batches])
    return Images(x, pa.concat_tables(tables) if tables else None, origin)


def image_hash(images: Images) -> str:
    """The SHA-256 of sizes, pixels and labels, in order: the same however the images came."""
    total = hashlib.sha256(repr(tuple(map(int, images.x.shape))).encode())
    for part in chunks(len(images), images.x[:1].nbytes):
        total.update(np.ascontiguousarray(images.x[part]).data)
    if images.labels is not None:
        total.update(fingerprint(Records(images.labels, Origin("pyarrow"))).encode())
    return total.hexdigest()


def to_image_object(images: Images) -> Any:
    """Images in the form that came.

    An array comes out as an array of the same rank, order of axes, dtype and range; a list of arrays as a list; PIL
    images as a list of PIL images; a pair (images, labels) as a pair. Files come out as an array [N, H, W, C], or
    [N, H, W] where grey.
    """
    details = images.origin.details
    if images.origin.format == "pil":
        return with_labels(list(map(to_pillow, images.x)), images.labels, details)
    array = from_pixels(images.x, form_in(images.origin))
    return with_labels(list(array) if details.get("list") else array, images.labels, details)


def with_labels(result: Any, labels: pa.Table | None, details: Mapping[str, Any]) -> Any:
    """A pair of records and their labels in the form that came, where they came as a pair; else the records alone."""
    if not details.get("pair") or labels is None:
        return result
    if "records" in details:
        from gankit.columns.rows import to_object

        return result, to_object(labels, Origin.from_json(details["records"]))
    arrays = label_arrays(labels, details["labels"])
    if arrays is None:
        return result, labels
    (array,) = arrays.values()
    return result, array.tolist() if details.get("label_list") else array


@dataclass(frozen=True)
class Form:
    """How an array of images was laid out.

    dtype: as NumPy writes it. low, high: the values that mean black and full light.
    channel_axis: whether grey images had an axis for their one channel. channels_first: [N, C, H, W].
    """

    dtype: str = "|u1"
    low: float = 0.0
    high: float = 255.0
    channel_axis: bool = True
    channels_first: bool = False


def axes_of(shape: Sequence[int]) -> tuple[bool, bool] | None:
    """Whether images of that shape have a channel axis, and whether it stands first; None: these are no images.

    shape: [N, H, W], [N, H, W, C] or [N, C, H, W].

    >>> axes_of((60000, 28, 28)), axes_of((100, 48, 64, 3)), axes_of((100, 3, 64, 64)), axes_of((100, 20))
    ((False, False), (True, False), (True, True), None)
    """
    if len(shape) == 3:
        return False, False
    if len(shape) != 4:
        return None
    square_behind = shape[2] == shape[3] != shape[1]
    if shape[1] in (1, 3, 4) and (shape[3] > 4 or square_behind):
        return True, True
    return (True, False) if 1 <= shape[3] <= 4 else None


def is_one_image(shape: Sequence[int]) -> bool:
    """Whether an array of that shape is rather one image [H, W] or [H, W, C] than many."""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4) and min(shape[:2]) > 4)


def seem_images(shape: Sequence[int], dtype: Any) -> bool:
    """Whether an array is likely to hold images rather than numbers: bytes, or shaped as only images are."""
    dtype = np.dtype(dtype)
    axes = axes_of(shape)
    if axes is None or dtype.kind not in "bufi" or min(shape) < 1:
        return False
    if dtype == np.uint8:
        sides = shape[2:4] if axes[1] else shape[1:3]
        return min(sides) > 1 or is_one_image(shape)
    # Windows of time series are [N, steps, columns] too: numbers in three axes are images only where they are square.
    return axes[0] or (shape[1] == shape[2] and shape[1] >= _LEAST_SIDE)


def form_of(array: npt.NDArray[Any], name: str) -> Form:
    """The form of an array of images.

    array: [N, H, W], [N, H, W, C] or [N, C, H, W]; C of 1 to 4. Bytes are 0 to 255, or to the largest below 16; 16-bit
        numbers 0 to 65535; others by their values: 0 to 255, 0 to 1, or -1 to 1.

    Raises:
        DataError: it has other axes, holds no real numbers, NaN or infinity, or values in none of these ranges.
    """
    axes = axes_of(array.shape)
    if axes is None:
        raise DataError(
            f"{name}: images stand in an array [N, H, W] or [N, H, W, C] with C of 1 to 4. Got {list(array.shape)} "
            "instead. Reshape it, or take its rows as numbers with --kind vector."
        )
    if 0 in array.shape:
        raise DataError(f"{name}: the array is empty ({list(array.shape)}). Give one with images.")
    if array.dtype.kind not in "bufi":
        raise DataError(f"{name}: images are numbers, and the array is of {array.dtype}. Convert it to uint8.")
    low, high = _range_of(array, name)
    return Form(array.dtype.str, low, high, *axes)


def _range_of(array: npt.NDArray[Any], name: str) -> tuple[float, float]:
    if array.dtype.kind == "b":
        return 0.0, 1.0
    if array.dtype == np.uint8:
        parts = chunks(len(array), array[:1].nbytes)
        largest = max(int(array[part].max()) for part in parts)
        return 0.0, float(largest) if 0 < largest < _LEAST_BYTE else 255.0
    least, most = float(array.min()), float(array.max())
    if not np.isfinite([least, most]).all():
        raise DataError(f"{name}: the images hold NaN or infinite values. Remove those images, or mend them.")
    if array.dtype == np.uint16:
        return 0.0, 65535.0
    if -1 - _SLACK <= least < -_SLACK and most <= 1 + _SLACK:
        return -1.0, 1.0
    if least >= -_SLACK and most <= 1 + _SLACK:
        return 0.0, 1.0
    if least >= -_SLACK and _LEAST_HIGH < most <= 255:
        return 0.0, 255.0
    if least >= -_SLACK and array.dtype.kind in "iu" and 255 < most <= 65535:
        return 0.0, 65535.0
    raise DataError(
        f"{name}: the values of the images run from {least:g} to {most:g}, and black and full light are not known. "
        "Scale them to 0 … 255 (bytes), 0 … 1 or -1 … 1"
        + (f": x / {most:g}." if least >= 0 else f": (x + {-least:g}) / {most - least:g}.")
    )


def to_pixels(array: npt.NDArray[Any], form: Form) -> Pixels:
    """The images of an array as uint8 [N, H, W, C]; bytes 0 to 255 are not copied where their axes stand so."""
    plain = form.dtype == "|u1" and form.high == 255
    ordered = array[..., None] if not form.channel_axis else np.moveaxis(array, 1, 3) if form.channels_first else array
    if plain and not form.channels_first:
        return ordered
    x = room_for(ordered.shape)
    for part in chunks(len(x), x[:1].nbytes * 8):
        if plain:
            x[part] = ordered[part]
        else:
            scaled = (ordered[part].astype(np.float64) - form.low) * (255.0 / (form.high - form.low))
            x[part] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return finished(x)


def from_pixels(x: Pixels, form: Form) -> npt.NDArray[Any]:
    """Images in the form that came: same rank, order of axes, dtype and range. x: uint8 [N, H, W, C]."""
    array: npt.NDArray[Any] = x
    if not form.channel_axis and x.shape[3] == 1:
        array = x[..., 0]
    elif form.channels_first:
        array = np.moveaxis(x, 3, 1)
    dtype = np.dtype(form.dtype)
    if dtype == np.uint8 and form.high == 255:
        return np.ascontiguousarray(array)
    values = form.low + array.astype(np.float64) * ((form.high - form.low) / 255.0)
    return np.ascontiguousarray((values if dtype.kind == "f" else np.rint(values)).astype(dtype))


def described(form: Form) -> str | None:
    """What was done to an array's values, in words; None where nothing was."""
    dtype = np.dtype(form.dtype)
    if form.high == 255:
        return None if dtype == np.uint8 else f"values of {dtype.name} taken as 0 to 255, rounded to whole numbers"
    return f"values from {form.low:g} to {form.high:g} ({dtype.name}) taken as black to full light"


def labels_of(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> tuple[pa.Table, dict[str, Any]]:
    """A table of labels of arrays [N], [N, 1] or [N, K], and what is needed to write such arrays again.

    One array [N] is called "label", one of K columns label0, label1, …; several keep their names.
    """
    arrays = {key: _whole(array) for key, array in arrays.items()}
    records = records_of_arrays(arrays, name, Origin("numpy"))
    names = records.table.column_names
    forms = records.origin.details["arrays"]
    if len(arrays) == 1:
        columns = ["label"] if len(names) == 1 else [f"label{i}" for i in range(len(names))]
    else:
        columns = [form["name"] if len(form["columns"]) == 1 else name for form in forms for name in form["columns"]]
    details = {"arrays": forms, "columns": dict(zip(names, columns, strict=True))}
    return records.table.rename_columns(columns), details


def _whole(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Floating numbers [N] that are all small and whole as integers, for they are classes."""
    if array.dtype.kind != "f" or array.ndim != 1 or not len(array) or not np.isfinite(array).all():
        return array
    return array.astype(np.int64) if (array == np.rint(array)).all() and np.abs(array).max() < _MOST_CLASSES else array


def label_arrays(labels: pa.Table, details: Mapping[str, Any]) -> dict[str, npt.NDArray[Any]] | None:
    """The arrays that `labels_of` took, for other rows; None where a column of them is not there."""
    if any(column not in labels.column_names for column in details["columns"].values()):
        return None
    table = pa.table({name: labels.column(column) for name, column in details["columns"].items()})
    return arrays_of(table, Origin("numpy", details={"arrays": details["arrays"]}))


def fits_in_memory(num_bytes: int) -> bool:
    """Whether decoded images of so many bytes are kept in memory."""
    return num_bytes <= SHARE_OF_MEMORY * 2 * largest_size()


def room_for(shape: tuple[int, ...]) -> Pixels:
    """An array uint8 of that shape to be filled: in memory, or mapped from a temporary file.

    The file has no name: it is gone when nothing holds the array any more, however the process ends.

    Raises:
        DataError: neither memory nor the temporary folder has room for it.
    """
    num_bytes = math.prod(shape)
    if fits_in_memory(num_bytes):
        return np.zeros(shape, dtype=np.uint8)
    with unnamed_file(num_bytes, "the decoded images", "Make them smaller with --size") as file:
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)


def without_hidden(x: Pixels) -> Pixels:
    """Images [N, H, W, C] whose last channel is alpha, with colours of 0 where nothing shows: a copy."""
    return np.asarray(x * ((x[..., -1:] > 0) | (np.arange(x.shape[3]) == x.shape[3] - 1)))


def finished(x: Pixels) -> Pixels:
    """The filled array; one on disk can no longer be written to."""
    if isinstance(x, np.memmap):
        x.flags.writeable = False
    return x


def chunks(num_rows: int, row_bytes: int) -> list[slice]:
    """Slices of rows that together are all, each of about 64 MiB."""
    step = max(1, _CHUNK // max(1, row_bytes))
    return [slice(start, min(start + step, num_rows)) for start in range(0, num_rows, step)]


def write_images(batches: Iterable[Images], path: str | Path, origin: Origin, *, first_row: int = 0) -> int:
    """Writes images as `write_files` does; also arrays in the form that came (.npz, .npy), and a grid (.png).

    Raises:
        OutputError: the path is standard output or of an unknown suffix, or cannot be written.
    """
    if str(path) == "-":
        raise OutputError(f"images do not go to standard output. Name a file or folder with -o ({_SUFFIXES}).")
    return write_files(batches, path, FILES, origin, first_row)


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
        labels, details = pa.concat_tables(self._labels), self.origin.details
        if "labels" in details and (arrays := label_arrays(labels, details["labels"])) is not None:
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
    """One PNG file with all images in it, row by row, small ones enlarged."""

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
        self.stream.write(grid_png(np.concatenate(self._parts)))


FILES = FileForm(
    "images", ".png", lambda batch: map(png, batch.x), {".npz": _Npz, ".npy": _Npy, ".png": _Grid}, _SUFFIXES,
    {".gif": " A GIF is one animation, which interpolate makes."},
)  # fmt: skip

MEDIA_TYPES = {
    "zip": "application/zip", "npz": "application/x-npz", "npy": "application/x-npy", "png": "image/png",
}  # fmt: skip
"""What images are written to a stream as."""
