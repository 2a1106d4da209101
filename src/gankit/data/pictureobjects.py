"""Pictures in Python objects: arrays, lists of Pillow's images, and pairs of these with labels.

Knows objects; never files or torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.data.origin import Origin
from gankit.data.picturedecoding import Source, decode_all, too_few
from gankit.data.picturefiles import is_picture
from gankit.data.pictureforms import (
    Form,
    described,
    form_of,
    is_one_picture,
    labels_of,
    seem_pictures,
    to_pixels,
)
from gankit.data.pictures import MODES, Pictures
from gankit.data.picturesizes import size_of
from gankit.errors import DataError


@dataclass(frozen=True)
class Reader:
    """What every way of reading needs: the options, the notes, how many pictures there must be."""

    config: TrainConfig
    notes: list[str]
    least: int


def object_holds_pictures(source: Any) -> bool:
    """Whether a Python object is likely to hold pictures: see `looks_like_pictures`."""
    if isinstance(source, tuple) and len(source) == 2 and not _is_image(source[0]) and _has_pictures(source[0]):
        return object_holds_pictures(source[0])
    if _is_image(source):
        return True
    if isinstance(source, list | tuple):
        first = _plain(source[0]) if source else None
        if not isinstance(first, np.ndarray):
            return _is_image(first) or (first is not None and all(map(_is_path, source)))
        if first.ndim == 3 and len({np.shape(item) for item in source}) == 1:
            return seem_pictures((len(source), *first.shape), first.dtype)
        return first.dtype == np.uint8 and is_one_picture(first.shape) and min(first.shape[:2]) > 1
    if _has_pictures(source):
        return seem_pictures(tuple(source.shape), np.asarray(_plain(source[:0])).dtype)
    return False


def _plain(value: Any) -> Any:
    """A tensor as an array; anything else as it is."""
    return value.detach().cpu().numpy() if hasattr(value, "detach") else value


def _is_path(value: Any) -> bool:
    return isinstance(value, str | Path) and is_picture(str(value))


def _is_image(value: Any) -> bool:
    return any(kind.__module__ == "PIL.Image" and kind.__name__ == "Image" for kind in type(value).__mro__)


def _has_pictures(value: Any) -> bool:
    """Whether it may be the first of a pair of pictures and labels: an array, or a list of pictures."""
    return (hasattr(value, "__array__") and len(getattr(value, "shape", ())) >= 3) or (
        isinstance(value, list)
        and bool(value)
        and (_is_image(value[0]) or _is_path(value[0]) or isinstance(_plain(value[0]), np.ndarray))
    )


def _length(value: Any) -> int:
    return int(
        getattr(value, "num_rows", len(value) if not isinstance(value, Mapping) else len(next(iter(value.values()))))
    )


def pictures_of_array(array: Any, place: str, reader: Reader) -> tuple[Any, Form, list[int] | None]:
    """An array's pictures as uint8 [N, H, W, C] in the size and channels that are wanted, and the form they came in."""
    if is_one_picture(array.shape):
        raise too_few(1, f"{place}: an array of shape {list(array.shape)}")
    form = form_of(array, place)
    words = described(form)
    if words is not None:
        reader.notes.append(f"{place}: {words}")
    if form.high == 65535 and (most := int(array.max())) < 8192:
        reader.notes.append(
            f"{place}: the largest value is {most:,} of 65,535, which is nearly black. If it means full light, scale "
            f"the values first: x / {most}."
        )
    x = to_pixels(array, form)
    config = reader.config
    wanted = size_of(config)
    same = config.channels == "auto" or {"grey": 1, "rgb": 3, "rgba": 4}[config.channels] == x.shape[3]
    if (wanted is None or wanted == (x.shape[2], x.shape[1])) and same:
        return x, form, None
    sources = [Source(f"row {row}", partial(_image, x, row)) for row in range(len(x))]
    resized, kept = decode_all(sources, config, reader.notes, place, reader.least, known=x.shape[3])
    return resized, form, kept


def _image(x: Any, row: int) -> Any:
    from PIL import Image

    return Image.frombytes(MODES[x.shape[3]], (x.shape[2], x.shape[1]), np.ascontiguousarray(x[row]).tobytes())


def from_picture_object(source: Any, reader: Reader) -> Pictures:
    """Pictures of an array, a list of images or arrays, or a pair of these with labels: see `read_pictures`."""
    given = None
    details: dict[str, Any] = {}
    if isinstance(source, tuple) and len(source) == 2 and _has_pictures(source[0]):
        source, given = source
        details["pair"] = True
    place = f"the {type(source).__name__}"
    x: Any
    kept: list[int] | None = None
    if _is_image(source):
        raise too_few(1, "an image of Pillow")
    if isinstance(source, list | tuple):
        if not source:
            raise DataError("the list is empty. Give one with pictures.")
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
            x, form, kept = pictures_of_array(np.stack(source), place, reader)
            details["array"] = form.to_json()
        else:
            names = [str(item) if _is_path(item) else f"item {number + 1}" for number, item in enumerate(source)]
            sources = [Source(name, partial(_copy, item)) for name, item in zip(names, source, strict=True)]
            x, kept = decode_all(sources, reader.config, reader.notes, place, reader.least)
    elif hasattr(source, "__array__") or hasattr(source, "numpy"):
        format = "array"
        x, form, kept = pictures_of_array(np.asarray(_plain(source)), place, reader)
        details["array"] = form.to_json()
    else:
        raise DataError(
            f"a {type(source).__name__} cannot be read as pictures. Give a path, an array [N, H, W] or [N, H, W, C], "
            "a list of Pillow's images, or a pair of these and labels."
        )
    labels = None
    if given is not None:
        num = _length(source)
        labels = _given_labels(given, num, details, reader.notes)
        labels = labels if kept is None else labels.take(pa.array(kept))
    return Pictures(x, labels, Origin(format, details=details))


def _copy(item: Any) -> Any:
    """An image that may be decoded without changing the user's; of an array an image, of a path the file."""
    from PIL import Image

    if _is_path(item):
        return Path(item).open("rb")
    if isinstance(item, np.ndarray):
        if item.dtype != np.uint8 or not is_one_picture(item.shape):
            raise OSError(f"an array of shape {list(item.shape)} and type {item.dtype} is no picture of bytes")
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
    from gankit.data.objects import from_object

    if hasattr(given, "rename") and not hasattr(given, "columns") and not given.name:
        given = given.rename("label")  # a series of pandas or polars
    records = from_object(given, notes)
    _check_length(len(records), num)
    details["records"] = records.origin.to_json()
    return records.table


def _check_length(num_labels: int, num: int) -> None:
    if num_labels != num:
        raise DataError(f"there are {num:,} pictures and {num_labels:,} labels. Give one label a picture.")
