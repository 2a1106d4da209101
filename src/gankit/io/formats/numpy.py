"""Arrays of numbers, in memory and in .npy and .npz files, as tables; and arrays that are written as they grow.

Knows NumPy's arrays and files; never what they mean.
"""

from __future__ import annotations

import io
import math
import shutil
import tempfile
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError, OutputError, refused
from gankit.io.archives import check_unpacked, largest_size
from gankit.io.formats.base import Format, Sink
from gankit.io.formats.json import array_of
from gankit.io.records import Origin, Records


def records_of_arrays(arrays: Mapping[str, npt.NDArray[Any]], name: str, origin: Origin) -> Records:
    """Records of arrays [N] or [N, …] of one length: columns x0, x1, … (of several arrays: their names, then numbers).

    `origin.details["arrays"]` keeps each one's name, dtype, shape of a record and columns.

    Raises:
        DataError: there are none, their lengths or names do not go together, or they hold what cannot be learned.
    """
    if not arrays:
        raise DataError(f"{name!r} holds no arrays. Give one of shape [rows] or [rows, columns].")
    lengths = {key: array.shape[0] if array.ndim else -1 for key, array in arrays.items()}
    if len(set(lengths.values())) > 1 or -1 in lengths.values():
        shown = ", ".join(f"{key or 'it'} {arrays[key].shape}" for key in list(arrays)[:6])
        raise DataError(
            f"{name!r}: arrays must have rows, and all as many. Got {shown} instead. Save the one that is meant alone."
        )
    if not next(iter(lengths.values())):  # of no rows there may be 10^12 columns
        raise DataError(f"{name!r} holds arrays without rows. Give some with records.")
    columns: dict[str, pa.Array] = {}
    forms = []
    for key, array in arrays.items():
        stem = "x" if len(arrays) == 1 else key
        if array.dtype.names:
            parts = {str(field): array[field] for field in array.dtype.names}
        else:
            width = math.prod(array.shape[1:])
            flat = array.reshape(len(array), width)
            alone = len(arrays) > 1 and array.ndim == 1
            parts = {stem if alone else f"{stem}{i}": flat[:, i] for i in range(width)}
        dtype: Any = [list(entry) for entry in array.dtype.descr] if array.dtype.names else array.dtype.str
        forms.append({"name": key, "dtype": dtype, "shape": list(array.shape[1:]), "columns": list(parts)})
        for column, values in parts.items():
            if column in columns:
                raise DataError(f"{name!r}: two arrays give a column {column!r}. Name them otherwise.")
            columns[column] = _column_of(values, column, name)
    return Records(pa.table(columns), replace(origin, details={"arrays": forms}))


def _column_of(values: npt.NDArray[Any], column: str, name: str) -> pa.Array:
    if values.dtype.kind in "cV" or values.ndim != 1:
        raise DataError(
            f"{name!r}: {column} has the dtype {values.dtype}, which cannot be learned. Give real numbers or texts."
        )
    if values.dtype.kind == "O":
        return array_of(values.tolist(), column)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    values = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    if values.dtype.kind != "U":
        return pa.array(values)
    with refused(f"{name!r}: {column}", "array of texts"):
        texts = pa.array(values.tolist(), pa.string())
        texts.validate(full=True)  # NumPy checks no code points
        return texts


def arrays_of(table: pa.Table, origin: Origin) -> dict[str, npt.NDArray[Any]]:
    """The arrays that `records_of_arrays` took: same names, dtypes and shapes, with as many rows as the table has.

    Raises:
        DataError: a column was left out.
    """
    result = {}
    for form in origin.details["arrays"]:
        fields = isinstance(form["dtype"], list)
        dtype = np.dtype([tuple(entry) for entry in form["dtype"]] if fields else form["dtype"])
        missing = [column for column in form["columns"] if column not in table.column_names]
        if missing:
            raise DataError(
                f"column {missing[0]!r} was left out (free text or dropped), so the array cannot be put together."
            )
        array = np.empty(table.num_rows if fields else (table.num_rows, len(form["columns"])), dtype=dtype)
        for place, column in enumerate(form["columns"]):
            cells = array[column] if fields else array[:, place]
            cells[...] = _values_of(table.column(column), cells.dtype)
        result[form["name"]] = array if fields else array.reshape(table.num_rows, *form["shape"])
    return result


def _values_of(column: pa.ChunkedArray, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if dtype.kind in "OUS":
        return np.array(column.to_pylist(), dtype=object)
    if dtype.kind == "f" and column.null_count:
        column = column.fill_null(math.nan)
    return np.asarray(column.to_numpy())


Header = tuple[tuple[int, ...], bool, np.dtype[Any]]
"""Of an array: its shape, whether it stands column after column, and its dtype."""


def header(stream: IO[bytes], size: int, place: str) -> Header:
    """What stands before the numbers of a .npy file; no Python object is made of its content, which comes next.

    stream: at its beginning. size: bytes of the file. place: the file, for messages.

    Raises:
        DataError: it is no such file, or tells of more than is there.
    """
    with refused(place, "NumPy file"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    dtype = np.dtype(object) if dtype.hasobject else dtype
    if min(shape, default=0) < 0 or (dtype.kind != "O" and math.prod(shape) * max(1, dtype.itemsize) > size):
        raise DataError(
            f"{place} is damaged or cut off: its header tells of an array {list(shape)} of {dtype}, and the file has "
            f"{size:,} bytes. Take another copy of it."
        )
    return shape, fortran, dtype


def headers(stream: IO[bytes], place: str) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Shape and dtype of every array in a .npy file (under "") or an .npz file, without reading them.

    stream: at its beginning. place: the file, for messages.

    Raises:
        DataError: it is no such file, is damaged, or unpacks to far more than it has.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    if stream.read(6) == b"\x93NUMPY":
        stream.seek(0)
        shape, _, dtype = header(stream, size, place)
        return {"": (shape, dtype)}
    found = {}
    with refused(place, "NumPy file"), zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        check_unpacked(sum(member.file_size for member in members), size, place, largest_size())
        for member in members:
            if member.filename.endswith(".npy"):
                with archive.open(member) as inner:
                    shape, _, dtype = header(inner, member.file_size, place)
                found[member.filename[:-4]] = shape, dtype
    if not found:
        held = ", ".join(repr(member.filename) for member in members[:5]) or "nothing"
        raise DataError(f"{place} holds no arrays: it is an archive of {held}. Unpack it and give what is inside.")
    return found


def load_arrays(file: IO[bytes], name: str) -> dict[str, npt.NDArray[Any]]:
    """The arrays of a .npy file (under "") or an .npz file, none of them of Python objects. file: at its beginning.

    Raises:
        DataError: it is damaged, or no such file.
    """
    known = headers(file, repr(name))
    if any(dtype.hasobject for _, dtype in known.values()):
        raise DataError(
            f"{name!r} holds Python objects, which could run code and are not read: arrays of several sizes, or "
            "texts. Save arrays of one size as numbers, the others padded or a file each, and texts by astype(str)."
        )
    file.seek(0)
    with refused(repr(name), "NumPy file"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaded = np.load(file, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"": loaded}
        with loaded:
            return {key: loaded[key] for key in known}


class GrowingArrays:
    """Arrays [N, …] that grow by rows. Their headers need N, which comes last: the bytes wait in unnamed files."""

    def __init__(self) -> None:
        self._files: dict[str, IO[bytes]] = {}
        self._last: dict[str, npt.NDArray[Any]] = {}
        self._rows: dict[str, int] = {}

    def __len__(self) -> int:
        return len(self._files)

    def add(self, name: str, rows: npt.NDArray[Any]) -> None:
        """Adds rows [n, …] to the array of that name."""
        if name not in self._files:
            self._files[name], self._rows[name] = tempfile.TemporaryFile(), 0  # noqa: SIM115  # closed in close()
        self._files[name].write(np.ascontiguousarray(rows).tobytes())
        self._last[name] = rows[:0]
        self._rows[name] += len(rows)

    def copy(self, stream: IO[bytes], name: str | None = None) -> None:
        """Writes an array, or the first, as a .npy file."""
        name = next(iter(self._files)) if name is None else name
        like = self._last[name]
        header = {"descr": np.lib.format.dtype_to_descr(like.dtype), "fortran_order": False}
        np.lib.format.write_array_header_1_0(stream, {**header, "shape": (self._rows[name], *like.shape[1:])})
        self._files[name].seek(0)
        shutil.copyfileobj(self._files[name], stream, 1 << 20)

    def archive(self, stream: IO[bytes], others: Mapping[str, Any] | None = None) -> None:
        """Writes all of them, and other arrays, as an .npz file, the same for the same arrays."""
        others = others or {}
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
            for name in (*self._files, *others):
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                    if name in self._files:
                        self.copy(member, name)
                    else:
                        np.lib.format.write_array(member, np.asarray(others[name], order="C"), allow_pickle=False)

    def close(self) -> None:
        """Removes the files."""
        for file in self._files.values():
            file.close()


class _NumpySink(Sink):
    """An array in the dtype and shape that came; of a table of numbers, doubles [N, columns]."""

    def __init__(self, stream: IO[bytes], origin: Origin, name: str, row: int = 0) -> None:
        super().__init__(stream, origin, name, row)
        self._arrays = GrowingArrays()

    def begin(self, first: pa.Table) -> None:
        if "arrays" in self.origin.details:
            self._origin = self.origin
            return
        for field in first.schema:
            kind = field.type
            if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
                raise OutputError(
                    f"column {field.name!r} is {kind}; .npy and .npz hold numbers only. Write .csv or .parquet."
                )
        form = {"name": "x", "dtype": "<f8", "shape": [len(first.schema)], "columns": first.column_names}
        self._origin = Origin("numpy", details={"arrays": [form]})

    def write(self, batch: pa.Table) -> None:
        columns = [c.fill_null(math.nan) if pa.types.is_floating(c.type) else c for c in batch.columns]
        for name, array in arrays_of(pa.table(columns, names=batch.column_names), self._origin).items():
            if array.dtype.hasobject:
                raise OutputError(
                    f"the array {name or 'x'!r} holds objects, which .npy cannot hold safely. Write .csv or .parquet."
                )
            self._arrays.add(name or "x", array)

    def close(self) -> None:
        if len(self._arrays) != 1:
            raise OutputError("several arrays do not fit into one .npy file. Write .npz.")
        self._arrays.copy(self.stream)

    def release(self) -> None:
        self._arrays.close()


class _NumpyArchiveSink(_NumpySink):
    """Arrays in a .npz archive, under the names that came."""

    def close(self) -> None:
        self._arrays.archive(self.stream)


class Npy(Format):
    """One array in a .npy file."""

    name, media_type = "npy", "application/x-npy"
    suffixes = (".npy",)
    magic = (b"\x93NUMPY",)
    has_types = True
    sink: type[Sink] = _NumpySink

    def read(self, data: bytes, name: str, origin: Origin, config: TrainConfig, notes: list[str]) -> Records:
        """See `Format.read`: numbers in columns x0, x1, …"""
        return records_of_arrays(load_arrays(io.BytesIO(data), name), name, origin)


class Npz(Npy):
    """Arrays of one length in an .npz file."""

    name, media_type = "npz", "application/x-npz"
    suffixes = (".npz",)
    magic = (b"PK\x03\x04",)
    sink = _NumpyArchiveSink
