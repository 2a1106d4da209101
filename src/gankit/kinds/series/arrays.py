"""Arrays as series: [N, T, C] or [N, T] in an object or a NumPy file, lists of [T, C] or [T], and labels beside them.

Knows NumPy arrays and layouts; never torch or networks.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.errors import DataError
from gankit.io.objects import from_object
from gankit.io.opening import strip_suffixes
from gankit.io.origin import Origin
from gankit.io.probe import Probe
from gankit.kinds.series.records import VALUE, Layout, LayoutForm, Series, with_layout

LABEL = "label"
"""What labels are called that have no name."""


@dataclass(frozen=True)
class Found:
    """An array or a list of arrays, what else has a row a series, and where it came from."""

    x: Any
    labels: Mapping[str, Any]
    name: str
    origin: Origin
    inside: str = "x"


def is_array_file(path: str | Path) -> bool:
    """Whether a path is that of a NumPy file."""
    return str(path).lower().endswith((".npy", ".npz"))


def array_file(probe: Probe) -> Found:
    """The array of a .npy or .npz file: of several, the one of most axes; the others are labels.

    Raises:
        DataError: it cannot be read, or holds objects or several arrays of three axes.
    """
    data, name = probe.data(), probe.file_name
    stem = strip_suffixes(name, (".npy", ".npz"))
    try:
        if data[:2] == b"PK":
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            origin = Origin("npz", name=stem)
        else:
            arrays = {"x": np.load(io.BytesIO(data), allow_pickle=False)}
            origin = Origin("npy", name=stem)
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{name!r} cannot be read as NumPy arrays of numbers: {error}. Save it again.") from error
    if not arrays:
        raise DataError(f"{name!r} holds no arrays. Give one of shape [series, steps, channels].")
    most = max(array.ndim for array in arrays.values())
    first = [key for key, array in arrays.items() if array.ndim == most]
    if len(first) > 1 and "x" not in first:
        raise DataError(
            f"{name!r} holds several arrays that may be the series: {', '.join(first)}. Save one as x, and labels as y."
        )
    main = "x" if "x" in first else first[0]
    return Found(arrays[main], {k: a for k, a in arrays.items() if k != main}, name, origin, main)


def array_object(source: Any) -> Found | None:
    """Arrays, lists of arrays, and pairs of these with labels; None for any other object."""
    labels: Mapping[str, Any] = {}
    if isinstance(source, Mapping) and source and all(isinstance(v, np.ndarray) for v in source.values()):
        most = max(source, key=lambda key: source[key].ndim)
        if source[most].ndim == 3:
            rest = {str(k): v for k, v in source.items() if k != most}
            return Found(source[most], rest, "the dict", Origin("numpy", details={"dict": True}), str(most))
        return None
    if isinstance(source, tuple) and len(source) == 2 and _is_arrays(source[0]):
        source, labels = source[0], _labels_of(source[1])
    if hasattr(source, "__array__") and not hasattr(source, "columns") and hasattr(source, "shape"):
        return Found(np.asarray(source), labels, "the array", Origin("numpy"))
    if isinstance(source, list) and _is_arrays(source):
        return Found([np.asarray(item) for item in source], labels, "the list", Origin("list"))
    return None


def _is_arrays(source: Any) -> bool:
    if isinstance(source, np.ndarray):
        return source.ndim >= 2
    inner = source[0] if isinstance(source, list) and source else None
    return isinstance(inner, np.ndarray) and inner.ndim in (1, 2)


def _labels_of(source: Any) -> dict[str, Any]:
    if isinstance(source, np.ndarray | list) and not (isinstance(source, list) and isinstance(source[0], Mapping)):
        return {LABEL: np.asarray(source)}
    table = from_object(source, []).table
    return {name: column for name, column in zip(table.column_names, table.columns, strict=True)}


def series_of_arrays(found: Found) -> Series:
    """An array [N, T, C] or [N, T], one [T] that is one series, or a list of [T, C] or [T].

    NaN at the end of all channels is behind the end of a series; elsewhere it is missing.

    Raises:
        DataError: other axes, no numbers, infinities, or labels of another length.
    """
    if isinstance(found.x, list):
        flat, lengths, axes = _of_list(found.x, found.name)
    else:
        flat, lengths, axes = _of_array(found.x, found.name)
    if np.isinf(flat).any():
        raise DataError(f"{found.name!r} holds infinite numbers. Replace them by NaN where nothing was measured.")
    names = [VALUE] if flat.shape[1] == 1 else [f"c{i}" for i in range(flat.shape[1])]
    steps = pa.table({name: _plain(flat[:, i]) for i, name in enumerate(names)})
    form: LayoutForm = "list" if isinstance(found.x, list) else "arrays"
    kind = found.x[0].dtype if isinstance(found.x, list) else found.x.dtype
    dtype = np.dtype(kind.newbyteorder("=")).str
    layout = Layout(form, (*names, *found.labels), axes=axes, dtype=dtype, name=found.inside)
    labels = _label_table(found, len(lengths), names)
    return Series(steps, lengths, labels, None, with_layout(found.origin, layout))


def _plain(numbers: npt.NDArray[Any]) -> pa.Array:
    """A channel; NaN is missing."""
    if numbers.dtype.kind == "f":
        numbers = numbers if numbers.dtype.itemsize in (4, 8) else numbers.astype(np.float64)
        return pa.array(numbers, mask=np.isnan(numbers))
    return pa.array(numbers)


def _of_array(x: npt.NDArray[Any], name: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], int]:
    if x.dtype.kind not in "buif" or x.ndim not in (1, 2, 3) or not x.size:
        raise DataError(
            f"{name!r}: series stand in an array of numbers [series, steps, channels] or [series, steps]. Got "
            f"{list(x.shape)} of {x.dtype} instead."
        )
    x = np.ascontiguousarray(x.astype(x.dtype.newbyteorder("=")))
    axes = 2 if x.ndim == 3 else 1
    x = x[None, :, None] if x.ndim == 1 else x[:, :, None] if x.ndim == 2 else x
    lengths = np.full(len(x), x.shape[1], dtype=np.int64)
    if x.dtype.kind != "f":
        return x.reshape(-1, x.shape[2]), lengths, axes
    known = ~np.isnan(x).all(2)
    if not known.any():
        raise DataError(f"{name!r}: every number is NaN. Give series with numbers.")
    lengths = x.shape[1] - np.argmax(known[:, ::-1], axis=1)
    empty = np.flatnonzero(~known.any(1))
    if len(empty):
        raise DataError(f"{name!r}: series {int(empty[0])} is NaN throughout. Leave it out.")
    return x[np.arange(x.shape[1]) < lengths[:, None]], lengths.astype(np.int64), axes


def _of_list(items: Sequence[npt.NDArray[Any]], name: str) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64], int]:
    shape = items[0].shape
    for number, item in enumerate(items):
        if item.dtype.kind not in "buif" or item.ndim != len(shape) or item.shape[1:] != shape[1:] or not len(item):
            raise DataError(
                f"{name}, item {number + 1}: expected an array [steps{', channels' if len(shape) == 2 else ''}] of "
                f"numbers as the first one, of shape {list(shape)}. Got {list(item.shape)} of {item.dtype} instead."
            )
    flat = np.concatenate([item if item.ndim == 2 else item[:, None] for item in items])
    return flat, np.array([len(item) for item in items], dtype=np.int64), len(shape)


def _label_table(found: Found, num: int, taken: list[str]) -> pa.Table | None:
    columns = {}
    for name, cells in found.labels.items():
        if len(cells) != num or getattr(cells, "ndim", 1) != 1:
            shape = list(getattr(cells, "shape", [len(cells)]))
            raise DataError(
                f"{found.name!r}: {name!r} of shape {shape} does not go with {num:,} series. Give one label each, or "
                "leave it out."
            )
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "OUS":
            cells = pa.array([str(cell) for cell in cells.tolist()])
        columns[name if name not in taken else f"{name}_label"] = cells
    return pa.table(columns) if columns else None
