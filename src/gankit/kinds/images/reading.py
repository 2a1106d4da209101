"""Reading images: which sources hold some, and from any of them (files, arrays, Python objects) to `Images`.

Knows sources of images; never torch, networks or codecs.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError, refused
from gankit.io import reading
from gankit.io.archives import IMAGE_SUFFIXES, Collection, Folder, is_image, natural, strip_suffixes
from gankit.io.formats.numpy import headers
from gankit.io.pixels import to_pillow
from gankit.io.probe import Probe, probed
from gankit.io.records import Origin
from gankit.kinds.images import arrays
from gankit.kinds.images import labels as lists
from gankit.kinds.images.decoding import CHANNELS, Source, decode_all, hidden_cleared, page, pages_in, size_of, too_few
from gankit.kinds.images.folders import Sought, labelled
from gankit.kinds.images.options import ImageOptions
from gankit.kinds.images.records import (
    Form,
    Images,
    described,
    form_of,
    is_one_image,
    labels_of,
    seem_images,
    to_pixels,
)

_ARRAYS = (".npz", ".npy")
_PACKED = (".gz", ".bz2", ".xz", ".zip", ".tar", ".tbz2", ".txz", ".tgz")
_SUFFIXES = (*_PACKED, ".mat", ".bin", *_ARRAYS, *lists.LIST_SUFFIXES)


@dataclass(frozen=True)
class Reader:
    """What every way of reading needs: the options, the notes, how many images there must be."""

    config: TrainConfig
    notes: list[str]
    least: int

    def decode(
        self, names: Sequence[str], open: Callable[[int], Any], labels: pa.Table | None, place: str, origin: Origin
    ) -> Images:
        """Those of the named images that can be read. open: the bytes of the one at a place among the names."""
        sources = [Source(name, partial(open, row)) for row, name in enumerate(names)]
        x, kept = decode_all(sources, self.config, self.notes, place, self.least)
        return Images(x, _taken(labels, kept), origin, tuple(names[row] for row in kept))


def _taken(labels: pa.Table | None, rows: list[int] | None) -> pa.Table | None:
    """The labels of some rows; None for rows: of all."""
    return labels if labels is None or rows is None else labels.take(pa.array(rows))


def holds_images(source: Any, config: TrainConfig) -> bool:
    """Whether `--kind auto` means images: by the kinds of files, the heads of arrays, or the types of objects.

    Never raises: what cannot be read is left to the readers of tables, whose texts say what is wrong.
    """
    if config.kind != "auto":
        return config.kind == "image"
    try:
        with probed(source) as probe:
            return _path_holds_images(probe, config) if probe.path else object_holds_images(probe.source)
    except Exception:
        # Whatever is wrong with it, these are no images that can be seen at a glance.
        return False


def _path_holds_images(probe: Probe, config: TrainConfig) -> bool:
    files = probe.collection
    if files is not None:
        return any(map(is_image, files.names)) or bool(arrays.batches_in(files.names)) or bool(_idx_files(files))
    if probe.file is None:
        return False
    name, suffix = probe.file.name, probe.file.suffix.lower()
    if is_image(name) or suffix == ".mat":  # nothing else is read from .mat: what is wrong with it, its reader says
        return True
    if suffix in _ARRAYS:
        return any(seem_images(shape, dtype) for shape, dtype in headers(probe.stream(), str(probe.file)).values())
    if _idx_shape(probe) is not None or arrays.is_batch(name, probe.size, probe.head):
        return True  # the same
    if config.of_kinds.get("text_column") is not None:
        return False
    return lists.seems_list(probe, config)


def _idx_shape(probe: Probe) -> tuple[int, ...] | None:
    try:
        return arrays.idx_shape(probe.plain_head)
    except zlib.error:
        return None


def read_images(source: Any, config: TrainConfig, notes: list[str], *, least: int = 2) -> Images:
    """Images of one size from files or Python objects, with their labels.

    source: a path to a folder (flat, or a folder a class), a zip or tar archive, a folder in an archive
        (`faces.zip/train`), .npz, .npy, IDX, CIFAR's batches, .mat, or a list (CSV, Parquet, JSON) with a column of
        paths; an array [N, H, W] or [N, H, W, C], a list of Pillow's images or of arrays [H, W, C], or a pair of any of
        these and labels [N].
    config: `size`, `fit`, `resample`, `channels` and `strict`; for lists also those of text files.
    notes: one line is appended for every decision that was not obvious.
    least: fewer images than that are refused.

    Raises:
        DataError: there are no images, too few, of many sizes without `size`, or damaged. OptionError: an option does
        not fit.
    """
    size_of(config)
    reader = Reader(config, notes, least)
    with probed(source) as probe:
        if probe.path is not None or probe.is_standard_input:
            images = _from_path(probe, reader)
        else:
            reading.refuse_options(config, (), "a Python object")
            images = from_image_object(probe.source, reader)
        if len(images) < least:
            raise too_few(len(images), probe.place)
        lists.note_lonely_classes(images.labels, probe.place, notes)
    return images


def _from_path(probe: Probe, reader: Reader) -> Images:
    files = probe.collection
    if files is not None:
        assert probe.path is not None
        reading.refuse_options(reader.config, (), f"a {files.form}")
        return _from_collection(files, probe.path, reader)
    path = probe.file
    if path is not None and probe.part and path.suffix.lower() in _ARRAYS:
        return _from_numpy(probe, path, reader)
    if path is None or probe.part:
        probe.data()  # raises, in the words for files that are not there
        raise DataError(f"{probe.place} is no file of images. Give a folder, an archive or a file of arrays.")
    suffix = path.suffix.lower()
    if is_image(path.name):
        origin, data = Origin("folder", name=path.stem), probe.data()
        if (num := pages_in(io.BytesIO(data))) > 1:
            reader.notes.append(f"{path}: its {num:,} pages are taken as images")
            names = [f"page {number + 1}" for number in range(num)]
            return reader.decode(names, lambda number: page(io.BytesIO(data), number), None, str(path), origin)
        return reader.decode([path.name], lambda _: io.BytesIO(data), None, str(path), origin)
    if suffix in _ARRAYS or reader.config.format in ("npy", "npz"):
        return _from_numpy(probe, path, reader)
    if (shape := _idx_shape(probe)) is not None:
        reading.refuse_options(reader.config, (), "an IDX file")
        return _from_found(arrays.found_in_idx(probe.stream(), shape, path), path, "idx", reader)
    if suffix == ".mat":
        reading.refuse_options(reader.config, (), "a .mat file")
        return _from_found(arrays.read_mat(probe.data(), str(path), reader.notes), path, "mat", reader)
    if arrays.is_batch(path.name, probe.size, probe.head):
        reading.refuse_options(reader.config, (), "a batch of CIFAR")
        return _from_batches(Folder(path.parent), [path.name], path, reader)
    return _from_list_file(probe, path, reader)


def _origin(format: str, path: Path, details: Mapping[str, Any] | None = None) -> Origin:
    return Origin(format, name=strip_suffixes(path.name, _SUFFIXES) or "pictures", details=dict(details or {}))


def _from_collection(files: Collection, path: Path, reader: Reader) -> Images:
    if files.chosen is not None and not arrays.batches_in([files.chosen]):
        raise DataError(
            f"{str(path)!r} is one file in an archive, of which only batches of CIFAR are read alone. Give the folder "
            "it lies in, or unpack it."
        )
    batches = [files.chosen] if files.chosen else arrays.batches_in(files.names)
    if batches and (files.chosen or not any(map(is_image, files.names))):
        return _from_batches(files, batches, path, reader)
    idx = _idx_files(files)
    if idx and not any(map(is_image, files.names)):
        return _from_idx_folder(path, idx, files, reader)
    files.images()  # raises where there are none
    sought = Sought("images", IMAGE_SUFFIXES, reader.config.own(ImageOptions).strict)
    found, classes = labelled(files, sought, reader.config, reader.notes)
    origin = _origin(files.form, path, {"classes": classes})
    return reader.decode(found.names, lambda row: files.open(found.names[row]), found.labels, files.name, origin)


def _from_list_file(probe: Probe, path: Path, reader: Reader) -> Images:
    notes: list[str] = []
    records = reading.read(probe, reader.config, notes=notes)
    if reader.config.header == "auto" and any(map(is_image, records.table.column_names)):
        # what was taken for the names of the columns are an image and its labels
        records = reading.read(probe, replace(reader.config, header="no"), notes=(notes := []))
    reader.notes.extend(notes)
    held = lists.within_list(records, reader.config, reader.notes, str(path))
    if held is not None:
        column, names, labels = held
        return reader.decode(
            names, lambda row: io.BytesIO(column[row].as_py() or b""), labels, str(path), _origin("list", path)
        )
    strict = reader.config.own(ImageOptions).strict
    listed = lists.from_list(records, path, reader.config, reader.notes, strict)
    return reader.decode(
        listed.names, lambda row: (path.parent / listed.names[row]).open("rb"), listed.labels, str(path),
        _origin("list", path),
    )  # fmt: skip


def _from_numpy(probe: Probe, path: Path, reader: Reader) -> Images:
    of_arrays = reader.config.format in ("npy", "npz")
    reading.refuse_options(reader.config, ("format",) if of_arrays else (), "a file of arrays")
    with refused(repr(str(path)), "NumPy file"):
        found = arrays.read_numpy(probe.stream(), str(path), probe.part, reader.notes)
    return _from_found(found, path, "npz" if found.key else "npy", reader)


def _from_found(found: arrays.Found, path: Path, format: str, reader: Reader) -> Images:
    place = str(path)
    x, form, kept = images_of_array(found.x, place, reader)
    details: dict[str, Any] = {"array": asdict(form), "key": found.key or "x"}
    labels = None
    if found.labels:
        labels, details["labels"] = labels_of(found.labels, place)
    return Images(x, _taken(labels, kept), _origin(format, path, details))


def _idx_files(files: Collection) -> list[str]:
    """The IDX files of images in a folder."""
    if files.form != "folder":
        return []
    likely = [name for name in files.names if "ubyte" in name.lower() or "idx" in name.lower()]
    return [name for name in likely if len(arrays.idx_shape_at(files.open(name)) or ()) >= 3]


def _from_idx_folder(folder: Path, found: list[str], files: Collection, reader: Reader) -> Images:
    found = sorted(found, key=lambda name: ("train" not in Path(name).name.lower(), natural(Path(name).name)))
    if len(found) > 1:
        reader.notes.append(
            f"{folder}: the images in {Path(found[0]).name} are taken; --heldout {folder / found[1]} holds out others"
        )
    shape, path = arrays.idx_shape_at(files.open(found[0])), folder / found[0]
    assert shape is not None
    with files.open(found[0]) as stream:
        return _from_found(arrays.found_in_idx(stream, shape, path), path, "idx", reader)


def _from_batches(files: Collection, batches: Sequence[str], path: Path, reader: Reader) -> Images:
    array, columns = arrays.read_batches(files, batches, reader.notes)
    x, form, kept = images_of_array(array, str(path), reader)
    labels = pa.table({name: pa.array(values) for name, values in columns.items()}) if columns else None
    return Images(x, _taken(labels, kept), _origin("cifar", path, {"array": asdict(form), "key": "x"}))


def object_holds_images(source: Any) -> bool:
    """Whether a Python object is likely to hold images: see `holds_images`."""
    if isinstance(source, tuple) and len(source) == 2 and not _is_image(source[0]) and _has_images(source[0]):
        return object_holds_images(source[0])
    if _is_image(source):
        return True
    if isinstance(source, list | tuple):
        first = _plain(source[0]) if source else None
        if not isinstance(first, np.ndarray):
            return _is_image(first) or (first is not None and all(map(_is_path, source)))
        if first.ndim == 3 and len({np.shape(item) for item in source}) == 1:
            return seem_images((len(source), *first.shape), first.dtype)
        return first.dtype == np.uint8 and is_one_image(first.shape) and min(first.shape[:2]) > 1
    if _has_images(source):
        return seem_images(tuple(source.shape), np.asarray(_plain(source[:0])).dtype)
    return False


def _plain(value: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _is_path(value: Any) -> bool:
    return isinstance(value, str | Path) and is_image(str(value))


def _is_image(value: Any) -> bool:
    return any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image" for kind in type(value).__mro__)


def _has_images(value: Any) -> bool:
    """Whether it may be the first of a pair of images and labels: an array, or a list of images."""
    if isinstance(value, list) and value:
        return _is_image(value[0]) or _is_path(value[0]) or isinstance(_plain(value[0]), np.ndarray)
    return hasattr(value, "__array__") and len(getattr(value, "shape", ())) >= 3


def images_of_array(array: Any, place: str, reader: Reader) -> tuple[Any, Form, list[int] | None]:
    """An array's images as uint8 [N, H, W, C] in the size and channels that are wanted, the form they came in, and the
    rows that are kept, or None for all.

    Raises:
        DataError: it holds one image, or none (see `form_of`).
    """
    if is_one_image(array.shape):
        raise too_few(1, f"{place}: an array of shape {list(array.shape)}")
    form = form_of(array, place)
    if (words := described(form)) is not None:
        reader.notes.append(f"{place}: {words}")
    if form.high == 65535 and (most := int(array.max())) < 8192:
        reader.notes.append(
            f"{place}: the largest value is {most:,} of 65,535, which is nearly black. If it means full light, scale "
            f"the values first: x / {most}."
        )
    x = hidden_cleared(to_pixels(array, form), reader.notes, place)
    size, channels = size_of(reader.config), reader.config.own(ImageOptions).channels
    if size in (None, (x.shape[2], x.shape[1])) and CHANNELS.get(channels) in (None, x.shape[3]):
        return x, form, None

    def image(row: int) -> Any:
        return to_pillow(x[row])

    sources = [Source(f"row {row}", partial(image, row)) for row in range(len(x))]
    resized, kept = decode_all(sources, reader.config, reader.notes, place, reader.least, known=x.shape[3])
    return resized, form, kept


def from_image_object(source: Any, reader: Reader) -> Images:
    """Images of an array, a list of images or arrays, or a pair of these with labels: see `read_images`.

    Raises:
        DataError: it is nothing of that, or its items or labels do not fit together.
    """
    given = None
    details: dict[str, Any] = {}
    if isinstance(source, tuple) and len(source) == 2 and _has_images(source[0]):
        (source, given), details["pair"] = source, True
    place = f"the {type(source).__name__}"
    x: Any
    kept: list[int] | None
    if _is_image(source):
        raise too_few(1, "an image of Pillow")
    if isinstance(source, list | tuple):
        if not source:
            raise DataError("the list is empty. Give one with images.")
        source = [_plain(item) for item in source]
        drawn = _is_image(source[0]) or _is_path(source[0])
        format, details["list"] = "pil" if drawn else "array", True
        for number, item in enumerate(source):
            if not (_is_image(item) or _is_path(item) if drawn else isinstance(item, np.ndarray)):
                kind = "an image of Pillow or the path of one" if drawn else "an array"
                raise DataError(
                    f"the list, item {number + 1}: expected {kind} as in the first item, found {type(item).__name__}. "
                    "Make all items alike."
                )
        if format == "array" and len({item.shape for item in source}) == 1:
            x, form, kept = images_of_array(np.stack(source), place, reader)
            details["array"] = asdict(form)
        else:
            names = (str(item) if _is_path(item) else f"item {number + 1}" for number, item in enumerate(source))
            sources = [Source(name, partial(_copy, item)) for name, item in zip(names, source, strict=True)]
            x, kept = decode_all(sources, reader.config, reader.notes, place, reader.least)
    elif hasattr(source, "__array__") or hasattr(source, "numpy"):
        format = "array"
        x, form, kept = images_of_array(np.asarray(_plain(source)), place, reader)
        details["array"] = asdict(form)
    else:
        raise DataError(
            f"a {type(source).__name__} cannot be read as images. Give a path, an array [N, H, W] or [N, H, W, C], "
            "a list of Pillow's images, or a pair of these and labels."
        )
    labels = None
    if given is not None:
        labels = _given_labels(given, len(source), details, reader.notes)
    return Images(x, _taken(labels, kept), Origin(format, details=details))


def _copy(item: Any) -> Any:
    """An image that may be decoded without changing the user's; of an array an image, of a path the file."""
    from PIL import Image

    if _is_path(item):
        return Path(item).open("rb")
    if isinstance(item, np.ndarray):
        if item.dtype != np.uint8 or not is_one_image(item.shape):
            raise OSError(f"an array of shape {list(item.shape)} and type {item.dtype} is no image of bytes")
        return Image.fromarray(item)
    copied = item.copy()
    copied.format = item.format
    return copied


def _given_labels(given: Any, num: int, details: dict[str, Any], notes: list[str]) -> pa.Table:
    if isinstance(given, list | tuple) and not any(isinstance(item, Mapping) for item in given[:1]):
        details["label_list"] = True
        given = np.asarray(given)
    if isinstance(given, pa.Array | pa.ChunkedArray):
        given = pa.table({"label": given})
    elif hasattr(given, "__array__") and not hasattr(given, "columns") and not hasattr(given, "to_frame"):
        given = np.asarray(given)
    if isinstance(given, np.ndarray):
        if given.dtype.kind not in "biufUS" or given.ndim not in (1, 2):
            raise DataError(
                f"labels must be numbers or texts [N] or [N, K]. Got {given.dtype} {list(given.shape)} instead."
            )
        _check_length(len(given), num)
        labels, details["labels"] = labels_of({"": given}, "the labels")
        return labels
    from gankit.io.reading import from_object

    if hasattr(given, "rename") and not hasattr(given, "columns") and not given.name:
        given = given.rename("label")  # a series of pandas or polars
    records = from_object(given, notes)
    _check_length(len(records), num)
    details["records"] = records.origin.to_json()
    return records.table


def _check_length(num_labels: int, num: int) -> None:
    if num_labels != num:
        raise DataError(f"there are {num:,} images and {num_labels:,} labels. Give one label an image.")
