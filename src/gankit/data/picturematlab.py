"""Pictures in MATLAB's files.

Knows this format and which array in it is meant; never torch.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping

import numpy as np

from gankit.data.picturearrays import LABEL_NAMES, NAMES, Array, Found
from gankit.errors import DataError


def read_mat(data: bytes, place: str, notes: list[str]) -> Found:
    """The pictures of a .mat file as [N, H, W] or [N, H, W, C], and the labels beside them.

    Known are arrays [H, W, N], [H, W, C, N], [N, H, W] and [N, H, W, C], CIFAR's batches [N, 3072], and the Olivetti
    faces [4096, 400], whose columns are pictures that stand column after column.

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
            f"{place}: no array in it is known to hold pictures: {listed}. Save them as [H, W, N] or [H, W, C, N], "
            "or as .npz with [N, H, W, C]."
        )
    key = max(deep, key=lambda name: (name.lower() in NAMES, deep[name].size))
    x = _rows_first(deep[key], key, arrays, place)
    notes.append(f"{place}: {len(x):,} pictures taken from the array {key} {list(deep[key].shape)}")
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
            f"{place}: in the array {key} {list(sides)} no axis is known to count the pictures. Save it with labels y "
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
