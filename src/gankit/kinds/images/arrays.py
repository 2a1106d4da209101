"""Images in files of arrays: .npz, .npy, IDX (MNIST's format), MATLAB's files, and CIFAR's batches in their binary,
MATLAB and Python versions.

Knows arrays in files; never folders of images, torch or networks.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import math
import pickletools
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from gankit.errors import DataError, refused
from gankit.io.archives import Collection, apart, largest_size
from gankit.io.formats.numpy import header, headers
from gankit.kinds.images.records import axes_of, chunks, finished, fits_in_memory, is_one_image, room_for

Array = npt.NDArray[Any]

NAMES = ("x", "images", "image", "data", "x_train", "train_images", "train_x", "pictures", "arr_0", "faces")
LABEL_NAMES = ("y", "label", "labels", "target", "targets", "class", "classes", "fine_labels", "digits")

_IDX_TYPES = {0x08: "|u1", 0x09: "|i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
# Of CIFAR's batches: numbers of an image, their names, and which labels and lists of names of labels they have.
_PIXELS = 3 * 32 * 32
_MOST_DEFLATED = 1032
"""A byte of a deflate stream becomes that many at most."""

_BATCH = re.compile(r"(?:.*/)?(data_batch_\d+|test_batch|train|test)(\.bin|\.mat)?$")
_COLUMNS = {"labels": "label", "coarse_labels": "superclass", "fine_labels": "label"}
_NAME_KEYS = {"labels": "label_names", "fine_labels": "fine_label_names", "coarse_labels": "coarse_label_names"}
_NAME_FILES = {
    "labels": "batches.meta.txt", "fine_labels": "fine_label_names.txt", "coarse_labels": "coarse_label_names.txt",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """Images and labels in a file of arrays. x: as in the file. key: of x. labels: key -> array of as many rows."""

    x: Array
    key: str
    labels: dict[str, Array]


def read_numpy(file: IO[bytes], place: str, part: str, notes: list[str]) -> Found:
    """The images of a .npy or .npz file, and the labels beside them.

    file: open at its beginning; of a large .npy a real file, which is mapped. part: the key that is meant, or nothing.

    Raises:
        DataError: no array has images, or the part is not there.
    """
    shapes = headers(file, place)
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    if list(shapes) == [""]:
        shape, fortran, dtype = header(file, size, place)
        if fortran or dtype.hasobject or fits_in_memory(math.prod(shape) * dtype.itemsize):
            return Found(_body(file, shape, fortran, dtype, place), "", {})
        return Found(np.memmap(file, dtype=dtype, mode="r", offset=file.tell(), shape=shape), "", {})
    key = _chosen({k: s for k, (s, d) in shapes.items() if d.kind in "bufi"}, part, place, notes)
    num = shapes[key][0][0]
    beside = _labels_of(key, {k: s for k, (s, d) in shapes.items() if d.kind in "bufiUS"}, num)
    if not beside:
        _note_other_labels(key, shapes, place, notes)
    with zipfile.ZipFile(file) as archive:
        labels = {name: _member(archive, name, place) for name in beside}
        return Found(_member(archive, key, place), key, labels)


def _member(archive: zipfile.ZipFile, key: str, place: str) -> Array:
    with archive.open(f"{key}.npy") as stream:
        return _body(stream, *header(stream, archive.getinfo(f"{key}.npy").file_size, place), place)


def _body(stream: IO[bytes], shape: tuple[int, ...], fortran: bool, dtype: np.dtype[Any], place: str) -> Array:
    """The array behind a header; bytes go straight to where they stay."""
    if dtype.hasobject:
        raise DataError(
            f"{place}: the array holds Python objects, which could run code and are not read. Save it as uint8."
        )
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
    fitting = [key for key, shape in shapes.items() if axes_of(shape) is not None]
    found = [key for key in fitting if not is_one_image(shapes[key])] or fitting
    if not found:
        raise DataError(f"{place}: no array has the axes [N, H, W] or [N, H, W, C] of images. Found {listed}.")
    named = [key for name in NAMES for key in found if key.lower() == name]
    training = [key for key in found if "train" in key.lower()]
    chosen = (named or training or sorted(found, key=lambda key: -shapes[key][0]))[0]
    others = [key for key in found if key != chosen]
    if others:
        notes.append(
            f"{place}: the images in {chosen!r} are taken, not those in {', '.join(map(repr, others[:4]))}; "
            f"{place}/{others[0]} names these, also for --heldout"
        )
    return chosen


def _twins_of(key: str) -> set[str]:
    """What the labels of the images under a key may be called."""
    return {
        re.sub("^x", "y", key), re.sub("x$", "y", key), re.sub("^X", "y", key), key.replace("images", "labels"),
        key.replace("image", "label"), key.replace("data", "labels"), key.replace("data", "targets"),
    } - {key}  # fmt: skip


def _note_other_labels(
    key: str, shapes: Mapping[str, tuple[tuple[int, ...], np.dtype[Any]]], place: str, notes: list[str]
) -> None:
    """Notes an array that is called as labels are, and cannot be theirs."""
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
    rows = {name: shape[1:] for name, shape in shapes.items() if shape[:1] == (num,)}
    fitting = [name for name, row in rows.items() if name != key and (not row or (len(row) == 1 and row[0] <= 64))]
    twins = _twins_of(key)
    found = sorted(fitting, key=lambda name: (name not in twins, name.lower() not in LABEL_NAMES))
    if twins.intersection(fitting) and sum(len(row) > 1 for row in rows.values()) > 1:
        return [next(name for name in fitting if name in twins)]  # the others may belong to the other images
    return found


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
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    with refused(place, "IDX file"), _plain(stream) as plain:
        head = plain.read(4)
        shape = idx_shape(head + plain.read(4 * head[3]))
        assert shape is not None, place
        dtype = np.dtype(_IDX_TYPES[head[2]])
        if math.prod(shape) * dtype.itemsize > size * (1 if plain is stream else _MOST_DEFLATED):
            raise DataError(
                f"{place} is cut off or damaged: its header says {list(shape)}, and it has {size:,} bytes. Take "
                "another copy of it."
            )
        array = _body(plain, shape, False, dtype, place)
        if plain.read(1):
            raise DataError(f"{place} is longer than its header says ({list(shape)}). Take another copy of it.")
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def _idx_labels_beside(path: Path) -> Path | None:
    """The labels' file beside a file of images, found by its name: `train-labels-idx1-ubyte` for `train-images-…`."""
    own = path.name.lower().removesuffix(".gz")
    name = re.sub(r"idx\d", "idx1", own.replace("images", "labels").replace("image", "label"))
    wanted = {name, name.replace(".", "-")}
    if wanted == {own}:
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


# SciPy's reader is not hardened against damaged files, as its documentation says. This gives arrays of numbers and of
# texts (cells of texts as such), a line with the name before each.
_MATLAB = """
import sys
import numpy as np, scipy.io
for name, value in scipy.io.loadmat(sys.stdin.buffer).items():
    if name.startswith("__") or not isinstance(value, np.ndarray) or value.ndim < 2:
        continue
    if value.dtype == object:
        cells = [c for c in value.flat if isinstance(c, np.ndarray) and c.dtype.kind == "U" and c.size == 1]
        if len(cells) == value.size:
            value = np.array([cell.item() for cell in cells], "U").reshape(value.shape)
    if value.dtype.kind in "bufiU":
        sys.stdout.buffer.write(name.encode() + b"\\n")
        np.lib.format.write_array(sys.stdout.buffer, value, allow_pickle=False)
"""


def read_mat(data: bytes, place: str, notes: list[str]) -> Found:
    """The images of a .mat file as [N, H, W] or [N, H, W, C], and the labels beside them.

    Known are arrays [H, W, N], [H, W, C, N], [N, H, W] and [N, H, W, C], CIFAR's batches [N, 3072], and the Olivetti
    faces [4096, 400], whose columns are images that stand column after column.

    Raises:
        DataError: it is damaged, of version 7.3 (HDF5), or has no such array.
    """
    if data.startswith(b"MATLAB 7.3") or data[124:128] in (b"\0\x02IM", b"\x02\0MI"):
        raise DataError(f"{place} is a MATLAB file of version 7.3, which is not read. Save it with -v7, or as .npz.")
    arrays: dict[str, Array] = {}
    with refused(place, "MATLAB file"), apart(_MATLAB, data) as found:
        while name := found.readline().decode().strip():
            arrays[name] = np.lib.format.read_array(found, allow_pickle=False)
    numbers = {key: value for key, value in arrays.items() if value.dtype.kind in "bufi" and value.size}
    for key, value in numbers.items():
        if key == "faces" and value.ndim == 2 and value.shape[0] == 4096:
            # Each column is a face of 64 x 64 that stands column after column, as MATLAB keeps them.
            return Found(np.ascontiguousarray(value.reshape(64, 64, -1, order="F").transpose(2, 0, 1)), key, {})
        if key == "data" and value.ndim == 2 and value.shape[1] == 3072 and value.dtype == np.uint8:
            return Found(_upright(value), key, _mat_labels(arrays, key, len(value)))
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
    if (sides[0] in lengths) != (sides[-1] in lengths):
        first = sides[0] in lengths
    elif array.ndim == 4:
        first = sides[3] in (1, 3, 4) and sides[2] not in (1, 3, 4)
    elif sides[1] in (sides[0], sides[2]):  # images are square rather than as many as they are high
        first = sides[0] != sides[1]
    else:
        raise DataError(
            f"{place}: in the array {key} {list(sides)} no axis is known to count the images. Save it with labels y "
            "of that length beside it, or as .npz with [N, H, W]."
        )
    return array if first else np.ascontiguousarray(np.moveaxis(array, -1, 0))


def _mat_labels(arrays: Mapping[str, Array], key: str, num: int) -> dict[str, Array]:
    found = {n: v.reshape(-1) for n, v in arrays.items() if n != key and v.size == num and 1 in v.shape}
    named = [name for wanted in LABEL_NAMES for name in found if name.lower() == wanted]
    for name in (*named, *found):
        value, whole = found[name], found[name].dtype.kind == "f" and (found[name] == np.rint(found[name])).all()
        return {name: value.astype(np.int64) if whole else value}
    return {}


def batches_in(names: Sequence[str]) -> list[str]:
    """Those of the names that are CIFAR's batches; `train` and `test` alone count only beside their `meta`."""
    known = {name.rsplit("/", 1)[-1] for name in names}
    found = [name for name in names if _BATCH.match(name)]
    plain = [name for name in found if "batch" in name.rsplit("/", 1)[-1]]
    if plain:
        return plain
    return found if "meta" in known or "fine_label_names.txt" in known else []


def is_batch(name: str, size: int, head: bytes) -> bool:
    """Whether a file is one of CIFAR's batches, by its name and size or first bytes."""
    if not _BATCH.match(name):
        return False
    if name.endswith(".bin"):
        return size % (_PIXELS + 1) == 0 or size % (_PIXELS + 2) == 0
    return "." not in name and head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def read_batches(files: Collection, batches: Sequence[str], notes: list[str]) -> tuple[Array, dict[str, Array]]:
    """The images uint8 [N, 32, 32, 3] of the training batches, and their labels: numbers, or names where known.

    batches: of `batches_in`. The test batch is taken only if it is alone; a note says so.

    Raises:
        DataError: a batch is damaged, or holds something else.
    """
    tests = [name for name in batches if "test" in name.rsplit("/", 1)[-1]]
    taken = [name for name in batches if name not in tests] or tests
    if tests and taken != tests:
        notes.append(
            f"{files.name}: {len(taken)} training batches of CIFAR are taken; the test batch can be held out with "
            f"--heldout {files.name}/{tests[0]}"
        )
    parts = [_batch(files, name, notes) for name in taken]
    x = np.concatenate([x for x, _ in parts])
    keys = [key for key in parts[0][1] if all(key in labels for _, labels in parts)]
    numbers = {key: np.concatenate([labels[key] for _, labels in parts]) for key in keys}
    return x, {_COLUMNS[key]: _named(files, key, value) for key, value in numbers.items()}


def _batch(files: Collection, name: str, notes: list[str]) -> tuple[Array, dict[str, Array]]:
    place = f"{files.name}/{name}"
    data = files.read(name)
    if name.endswith(".bin"):
        return _binary(data, place)
    if name.endswith(".mat"):
        found = read_mat(data, place, notes)
        return found.x, dict(zip(("labels",), found.labels.values(), strict=False))
    return _python(data, place)


def _binary(data: bytes, place: str) -> tuple[Array, dict[str, Array]]:
    """Records of one label byte (two for CIFAR-100: coarse and fine) and 3 x 32 x 32 bytes."""
    num_labels = 2 if re.search(r"(train|test)\.bin$", place) else 1
    if not data or len(data) % (_PIXELS + num_labels):
        raise DataError(
            f"{place} has {len(data):,} bytes, which are no whole records of {_PIXELS + num_labels}. It is cut off, or "
            "no batch of CIFAR: take another copy of it."
        )
    records = np.frombuffer(data, dtype=np.uint8).reshape(-1, _PIXELS + num_labels)
    keys = ("labels",) if num_labels == 1 else ("coarse_labels", "fine_labels")
    labels = {key: records[:, column].astype(np.int64) for column, key in enumerate(keys)}
    return _upright(records[:, num_labels:]), labels


def _upright(rows: npt.NDArray[np.uint8]) -> Array:
    """CIFAR's rows as images: [N, 3 * 32 * 32] -> [N, 32, 32, 3]."""
    return np.ascontiguousarray(rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))


def _python(data: bytes, place: str) -> tuple[Array, dict[str, Array]]:
    content = _texts_as_keys(plain_objects(data, place))
    rows = content.get("data")
    if not isinstance(rows, np.ndarray) or rows.dtype != np.uint8 or rows.ndim != 2 or rows.shape[1] != _PIXELS:
        raise DataError(f"{place} is no batch of CIFAR: it has no data [N, {_PIXELS}] of bytes. Save it as .npz.")
    labels = {}
    for key in _COLUMNS:
        if isinstance(value := content.get(key), list):
            if len(value) != len(rows) or not all(isinstance(item, int) and abs(item) < 2**31 for item in value):
                raise DataError(f"{place}: {len(rows):,} images, and {key} are not as many numbers. Take another copy.")
            labels[key] = np.array(value, dtype=np.int64)
    return _upright(rows), labels


def _texts_as_keys(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        return {}
    return {key.decode("latin-1") if isinstance(key, bytes) else str(key): value for key, value in content.items()}


def _named(files: Collection, key: str, numbers: Array) -> Array:
    """Labels by the names that the batches' own list gives them, if it is there."""
    names: list[str] = []
    for name in files.names:
        base = name.rsplit("/", 1)[-1]
        if base == _NAME_FILES[key]:
            lines = map(str.strip, files.read(name).decode("utf-8", "replace").splitlines())
            names = list(filter(None, lines))
        elif base in ("batches.meta", "meta"):
            content = _texts_as_keys(plain_objects(files.read(name), f"{files.name}/{name}"))
            listed = content.get(_NAME_KEYS[key])
            if isinstance(listed, list) and all(isinstance(item, str | bytes) for item in listed):
                names = [item.decode("utf-8", "replace") if isinstance(item, bytes) else item for item in listed]
    if not names or numbers.min() < 0 or numbers.max() >= len(names):
        return numbers
    return np.array(names)[numbers]


@dataclass
class _Array:
    """An array, or a dtype by its text, while it is being put together."""

    text: str = ""
    value: Array | None = None

    def build(self, state: tuple[Any, ...]) -> None:
        if self.text:
            order = _text(state[1])
            self.text = order + self.text if order in ("<", ">") else self.text
            return
        _, shape, dtype, fortran, data = state
        self.fill(data.encode("latin-1") if isinstance(data, str) else data, dtype, shape, "F" if fortran else "C")

    def fill(self, data: bytes, dtype: Any, shape: tuple[int, ...], order: Any) -> _Array:
        """Takes the bytes of an array of plain numbers."""
        assert isinstance(dtype, _Array) and re.fullmatch(r"[<>|=]?[buif]\d", dtype.text)
        self.value = np.frombuffer(data, dtype=np.dtype(dtype.text)).reshape(shape, order=order)
        return self


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_EMPTY: dict[str, type] = {"EMPTY_DICT": dict, "EMPTY_LIST": list}
_VALUES = (
    "BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8",
    "UNICODE", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
)  # fmt: skip
_TEXTS = ("STRING", "BINSTRING", "SHORT_BINSTRING")  # of Python 2: bytes
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
# What a pickle may ask for by name, and the functions of ours that are called in its place.
_KNOWN: dict[str, Callable[..., Any] | None] = {
    "numpy.core.multiarray _reconstruct": lambda *_: _Array(),
    "numpy.core.numeric _frombuffer": lambda *state: _Array().fill(*state),
    "builtins bytes": lambda: b"",
    "_codecs encode": lambda text, *_: str(text).encode("latin-1"),
    "numpy dtype": lambda text, *_: _Array(_text(text)),
    "numpy ndarray": None,
}


def plain_objects(data: bytes, place: str) -> Any:
    """What a pickle of dicts, lists, tuples, texts, numbers and NumPy arrays holds, without running any of it.

    Raises:
        DataError: it is damaged, or asks for anything else to be made.
    """
    with refused(place, "batch of CIFAR"), warnings.catch_warnings():
        # Of odd escapes in the texts of damaged files.
        warnings.simplefilter("ignore")
        return _finished(_carried_out(data, place), {})


def _carried_out(data: bytes, place: str) -> Any:
    stack: list[Any] = []
    marks: list[int] = []
    memory: dict[int, Any] = {}
    left = 2 * len(data)

    def since_mark() -> list[Any]:
        start = marks.pop()
        items = stack[start:]
        del stack[start:]
        return items

    for operation, argument, _ in pickletools.genops(data):
        name = operation.name
        if name in _VALUES or name in _CONSTANTS:
            stack.append(_CONSTANTS.get(name, argument))
        elif name in _TEXTS:
            stack.append(str(argument).encode("latin-1"))
        elif name in _EMPTY:
            stack.append(_EMPTY[name]())
        elif name in _TUPLES:
            start = len(stack) - _TUPLES[name]
            stack[start:] = [tuple(stack[start:])]
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            memory[len(memory) if argument is None else int(argument)] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(memory[int(str(argument))])
        elif name == "MARK":
            marks.append(len(stack))
        elif name == "TUPLE":
            stack.append(tuple(since_mark()))
        elif name == "LIST":
            stack.append(since_mark())
        elif name == "DICT":
            pairs = since_mark()
            stack.append(dict(zip(pairs[::2], pairs[1::2], strict=True)))
        elif name in ("APPEND", "APPENDS"):
            added = since_mark() if name == "APPENDS" else [stack.pop()]
            stack[-1].extend(added)
        elif name in ("SETITEM", "SETITEMS"):
            pairs = since_mark() if name == "SETITEMS" else [stack.pop(-2), stack.pop()]
            stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            asked = argument if name == "GLOBAL" else " ".join([stack.pop(-2), stack.pop()])
            name = str(asked).replace("numpy._core.", "numpy.core.").replace("__builtin__ ", "builtins ")
            if name not in _KNOWN:
                raise DataError(
                    f"{place} asks for {str(asked)[:80]!r}, which could run code and is not done. Take the binary "
                    "version of CIFAR, or save the images as .npz."
                )
            stack.append(_KNOWN[name])
        elif name == "REDUCE":
            arguments, function = stack.pop(), stack.pop()
            left -= sum(len(argument) for argument in arguments if isinstance(argument, str))
            if not callable(function) or left < 0:
                raise ValueError("something else than an array is to be made")
            stack.append(function(*arguments))
        elif name == "BUILD":
            state = stack.pop()
            stack[-1].build(state)
        elif name == "STOP":
            return stack.pop()
        elif name not in ("PROTO", "FRAME"):
            raise ValueError(f"the operation {name} is not known")
    raise ValueError("it has no end")


def _finished(value: Any, done: dict[int, Any]) -> Any:
    """Arrays in place of what they were put together in; each list once, for one may hold itself, or another often."""
    if isinstance(value, _Array):
        return value.value
    if not isinstance(value, dict | list):
        return value
    if id(value) not in done:
        done[id(value)] = None  # what it holds in its own place
        if isinstance(value, dict):
            done[id(value)] = {key: _finished(item, done) for key, item in value.items()}
        else:
            done[id(value)] = [_finished(item, done) for item in value]
    return done[id(value)]
