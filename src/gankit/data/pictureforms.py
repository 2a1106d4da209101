"""How pictures and their labels stand in arrays: axes, dtype and range, to uint8 [N, H, W, C] and back.

Knows arrays; never files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.data.objects import arrays_of, records_of_arrays
from gankit.data.origin import Origin
from gankit.data.picturestore import Pixels, chunks, finished, room_for
from gankit.errors import DataError

_LEAST_SIDE = 8
_LEAST_HIGH = 64
_SLACK = 1e-3
_MOST_CLASSES = 1000


@dataclass(frozen=True)
class Form:
    """How an array of pictures was laid out.

    dtype: as NumPy writes it. low, high: the values that mean black and full light.
    channel_axis: whether grey pictures had an axis for their one channel. channels_first: [N, C, H, W].
    """

    dtype: str = "|u1"
    low: float = 0.0
    high: float = 255.0
    channel_axis: bool = True
    channels_first: bool = False

    def to_json(self) -> dict[str, Any]:
        """The form as plain JSON values; `Form(**value)` takes it back."""
        return asdict(self)


def axes_of(shape: Sequence[int]) -> tuple[bool, bool] | None:
    """Whether pictures of that shape have a channel axis, and whether it stands first; None: these are no pictures.

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


def is_one_picture(shape: Sequence[int]) -> bool:
    """Whether an array of that shape is rather one picture [H, W] or [H, W, C] than many."""
    return len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4) and min(shape[:2]) > 4)


def seem_pictures(shape: Sequence[int], dtype: Any) -> bool:
    """Whether an array is likely to hold pictures rather than numbers: bytes, or shaped as only pictures are."""
    dtype = np.dtype(dtype)
    axes = axes_of(shape)
    if axes is None or dtype.kind not in "bufi" or min(shape) < 1:
        return False
    if dtype == np.uint8:
        sides = shape[2:4] if axes[1] else shape[1:3]
        return min(sides) > 1 or is_one_picture(shape)
    # Windows of time series are [N, steps, columns] too: numbers in three axes are pictures only where they are square.
    return axes[0] or (shape[1] == shape[2] and shape[1] >= _LEAST_SIDE)


def form_of(array: npt.NDArray[Any], name: str) -> Form:
    """The form of an array of pictures.

    array: [N, H, W], [N, H, W, C] or [N, C, H, W]; C of 1 to 4. Bytes are 0 to 255 (or 0 and 1 alone); 16-bit numbers
        0 to 65535; others by their values: 0 to 255, 0 to 1, or -1 to 1.

    Raises:
        DataError: it has other axes, holds no real numbers, NaN or infinity, or values in none of these ranges.
    """
    axes = axes_of(array.shape)
    if axes is None:
        raise DataError(
            f"{name}: pictures stand in an array [N, H, W] or [N, H, W, C] with C of 1 to 4. Got {list(array.shape)} "
            "instead. Reshape it, or take its rows as numbers with --kind vector."
        )
    if 0 in array.shape:
        raise DataError(f"{name}: the array is empty ({list(array.shape)}). Give one with pictures.")
    if array.dtype.kind not in "bufi":
        raise DataError(f"{name}: pictures are numbers, and the array is of {array.dtype}. Convert it to uint8.")
    low, high = _range_of(array, name)
    return Form(array.dtype.str, low, high, *axes)


def _range_of(array: npt.NDArray[Any], name: str) -> tuple[float, float]:
    if array.dtype.kind == "b":
        return 0.0, 1.0
    if array.dtype == np.uint8:
        parts = chunks(len(array), array[:1].nbytes)
        return (0.0, 255.0) if any((array[part] > 1).any() for part in parts) or not array.any() else (0.0, 1.0)
    least, most = float(array.min()), float(array.max())
    if not np.isfinite([least, most]).all():
        raise DataError(f"{name}: the pictures hold NaN or infinite values. Remove those pictures, or mend them.")
    if array.dtype == np.uint16:
        return 0.0, 65535.0
    if -1 - _SLACK <= least < -_SLACK and most <= 1 + _SLACK:
        return -1.0, 1.0
    if least >= -_SLACK:
        if most <= 1 + _SLACK:
            return 0.0, 1.0
        if _LEAST_HIGH < most <= 255:
            return 0.0, 255.0
        if array.dtype.kind in "iu" and 255 < most <= 65535:
            return 0.0, 65535.0
    raise DataError(
        f"{name}: the values of the pictures run from {least:g} to {most:g}, and black and full light are not known. "
        "Scale them to 0 … 255 (bytes), 0 … 1 or -1 … 1"
        + (f": x / {most:g}." if least >= 0 else f": (x - {least:g}) / {most - least:g}.")
    )


def to_pixels(array: npt.NDArray[Any], form: Form) -> Pixels:
    """The pictures of an array as uint8 [N, H, W, C]; bytes 0 to 255 are not copied where their axes stand so."""
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
    """Pictures in the form that came: same rank, order of axes, dtype and range. x: uint8 [N, H, W, C]."""
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
    if form.high == 255 and np.dtype(form.dtype) == np.uint8:
        return None
    if form.high == 255:
        return f"values of {np.dtype(form.dtype).name} taken as 0 to 255, rounded to whole numbers"
    return f"values from {form.low:g} to {form.high:g} ({np.dtype(form.dtype).name}) taken as black to full light"


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
