"""Python objects as records, and records as the objects that came: DataFrames, Arrow tables, arrays, lists.

Knows objects and their types; never files, and never what a column means.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from gankit.errors import DataError
from gankit.io.origin import FILE_FORMATS, Origin, Records


def from_object(source: Any, notes: list[str]) -> Records:
    """Records of a Python object; see `read`. Raises DataError where it cannot be taken as a table."""
    library = type(source).__module__.split(".")[0]
    if library == "pandas":
        return from_pandas(source, notes)
    if library == "polars":
        series = type(source).__name__ == "Series"
        table = (
            source.to_frame(source.name or "x0")
            if series
            else source.collect()
            if hasattr(source, "collect")
            else source
        ).to_arrow()
        details = {"schema": _schema_text(table.schema), "series": series, "name": source.name if series else None}
        return Records(table, Origin("polars", details=details))
    if isinstance(source, np.ndarray):
        return records_of_arrays({"": source}, "the array", Origin("numpy"))
    if isinstance(source, pa.Table | pa.RecordBatch) or hasattr(source, "__arrow_c_stream__"):
        table = pa.Table.from_batches([source]) if isinstance(source, pa.RecordBatch) else pa.table(source)
        return Records(
            table.replace_schema_metadata(None), Origin("pyarrow", details={"schema": _schema_text(table.schema)})
        )
    if isinstance(source, Mapping):
        return _from_dict(source, notes)
    if isinstance(source, Sequence) and not isinstance(source, str | bytes):
        return _from_list(list(source), notes)
    raise DataError(
        f"a {type(source).__name__} cannot be read. Give a path, a pandas or polars DataFrame, an Arrow table, "
        "a NumPy array, a list of numbers, texts, dicts or rows, or a dict of columns."
    )


def to_object(table: pa.Table, origin: Origin) -> Any:
    """Records in the form that came: a DataFrame with the same columns, order and dtypes, an array, a list.

    table: in the types that the column's cells have; records that came from a file stay an Arrow table.
    """
    match origin.format:
        case "pandas":
            return to_pandas(table, origin)
        case "polars":
            import polars

            frame: Any = polars.from_arrow(with_schema(table, origin))
            return frame.to_series(0).alias(origin.details["name"] or "") if origin.details["series"] else frame
        case "pyarrow":
            return with_schema(table, origin)
        case "numpy":
            return arrays_of(table, origin)[""]
        case "list":
            return _to_list(table, origin)
        case "dict":
            return {name: table.column(name).to_pylist() for name in table.column_names}
        case _:
            assert origin.format in FILE_FORMATS, origin.format
            return table


def with_schema(table: pa.Table, origin: Origin) -> pa.Table:
    """The table in the Arrow types and with the metadata that came; columns that were left out stay out."""
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(origin.details["schema"])))
    kept = pa.schema([schema.field(name) for name in table.column_names], metadata=schema.metadata)
    return pa.table([table.column(field.name).cast(field.type) for field in kept], schema=kept)


def _schema_text(schema: pa.Schema) -> str:
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


# --- arrays -------------------------------------------------------------------------------------------------------


def records_of_arrays(arrays: Mapping[str, npt.NDArray[Any]], name: str, origin: Origin) -> Records:
    """Records of arrays [N] or [N, …] of one length: columns x0, x1, … (of several arrays: their names, then numbers).

    `origin.details["arrays"]` keeps each one's name, dtype, shape of a record and columns.
    """
    if not arrays:
        raise DataError(f"{name!r} holds no arrays. Give one of shape [rows] or [rows, columns].")
    lengths = {key: array.shape[0] if array.ndim else -1 for key, array in arrays.items()}
    if len(set(lengths.values())) > 1 or -1 in lengths.values():
        shown = ", ".join(f"{key or 'it'} {arrays[key].shape}" for key in list(arrays)[:6])
        raise DataError(
            f"{name!r}: arrays must have rows, and all as many. Got {shown} instead. Save the one that is meant alone."
        )
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
        return _array_of(values.tolist(), column)
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
    values = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("=")))
    if values.dtype.kind == "f" and values.dtype.itemsize > 8:
        values = values.astype(np.float64)
    return pa.array(values.tolist(), pa.string()) if values.dtype.kind == "U" else pa.array(values)


def arrays_of(table: pa.Table, origin: Origin) -> dict[str, npt.NDArray[Any]]:
    """The arrays that `records_of_arrays` took: same names, dtypes and shapes, with as many rows as the table has."""
    result = {}
    for form in origin.details["arrays"]:
        fields = isinstance(form["dtype"], list)
        dtype = np.dtype([tuple(entry) for entry in form["dtype"]] if fields else form["dtype"])
        missing = [column for column in form["columns"] if column not in table.column_names]
        if missing:
            raise DataError(
                f"column {missing[0]!r} was left out (free text or dropped), so the array cannot be put together."
            )
        if fields:
            array = np.empty(table.num_rows, dtype=dtype)
            for column in form["columns"]:
                array[column] = _values_of(table.column(column), dtype[column])
        else:
            array = np.empty((table.num_rows, len(form["columns"])), dtype=dtype)
            for place, column in enumerate(form["columns"]):
                array[:, place] = _values_of(table.column(column), dtype)
            array = array.reshape(table.num_rows, *form["shape"])
        result[form["name"]] = array
    return result


def _values_of(column: pa.ChunkedArray, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    if dtype.kind in "OUS":
        return np.array(column.to_pylist(), dtype=object)
    if dtype.kind == "f" and column.null_count:
        column = column.fill_null(math.nan)
    return np.asarray(column.to_numpy())


# --- lists and dicts ----------------------------------------------------------------------------------------------


def _array_of(cells: list[Any], column: str) -> pa.Array:
    if any(isinstance(cell, float) and math.isnan(cell) for cell in cells) and any(
        isinstance(cell, str) for cell in cells
    ):
        cells = [None if isinstance(cell, float) and math.isnan(cell) else cell for cell in cells]
    try:
        return pa.array(cells)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        kinds = sorted({type(cell).__name__ for cell in cells if cell is not None})
        raise DataError(
            f"column {column!r} mixes values that do not go together ({', '.join(kinds)}). Make them all "
            f"numbers or all texts."
        ) from error


def _from_list(items: list[Any], notes: list[str]) -> Records:
    if not items:
        raise DataError("the list is empty. Give one with records.")
    first = items[0]
    if isinstance(first, Mapping):
        wrong = next((i for i, item in enumerate(items) if not isinstance(item, Mapping)), None)
        if wrong is not None:
            raise DataError(
                f"the list, item {wrong + 1}: expected a dict, found {type(items[wrong]).__name__}. Make all "
                f"items alike."
            )
        return Records(table_of_dicts(items, "the list", notes), Origin("list", details={"item": "dict"}))
    if isinstance(first, list | tuple | np.ndarray):
        width = len(first)
        for number, item in enumerate(items):
            if not isinstance(item, list | tuple | np.ndarray) or len(item) != width:
                found = len(item) if hasattr(item, "__len__") else type(item).__name__
                raise DataError(
                    f"the list, item {number + 1}: expected {width} values as in the first item, found {found}."
                )
        columns = {f"c{i}": _array_of([_plain(item[i]) for item in items], f"c{i}") for i in range(width)}
        kind = "tuple" if isinstance(first, tuple) else "list"
        return Records(pa.table(columns), Origin("list", details={"item": kind}))
    return Records(
        pa.table({"x0": _array_of([_plain(item) for item in items], "x0")}), Origin("list", details={"item": "value"})
    )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _to_list(table: pa.Table, origin: Origin) -> list[Any]:
    match origin.details["item"]:
        case "dict":
            return list(table.to_pylist())
        case "value":
            return list(table.column(0).to_pylist())
        case kind:
            rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
            return [tuple(row) if kind == "tuple" else list(row) for row in rows]


def _from_dict(source: Mapping[Any, Any], notes: list[str]) -> Records:
    lengths = {str(name): len(cells) for name, cells in source.items() if hasattr(cells, "__len__")}
    if len(lengths) < len(source) or len(set(lengths.values())) > 1:
        raise DataError(f"the dict must hold columns of one length. Got {dict(list(lengths.items())[:6])} instead.")
    columns = {str(name): _array_of([_plain(cell) for cell in cells], str(name)) for name, cells in source.items()}
    return Records(pa.table(columns), Origin("dict"))


def table_of_dicts(rows: Sequence[Mapping[str, Any]], name: str, notes: list[str]) -> pa.Table:
    """A table of rows given as dicts: all keys become columns, in order of appearance; null where a row has none.

    Columns that mix numbers and texts become texts, and a note says so.
    """
    keys: dict[str, None] = {}
    for row in rows:
        for key in row:
            keys.setdefault(str(key))
    columns = {}
    for key in keys:
        cells = [_plain(row.get(key)) for row in rows]
        kinds = {type(cell) for cell in cells if cell is not None}
        if len(kinds) > 1 and kinds - {int, float} and kinds <= {int, float, bool, str}:
            first = next(i for i, cell in enumerate(cells) if isinstance(cell, str | bool))
            notes.append(
                f"{name}: column {key!r} mixes texts and numbers (record {first + 1}: {cells[first]!r}); taken as texts"
            )
            cells = [None if cell is None else cell if isinstance(cell, str) else str(cell) for cell in cells]
        if float in kinds and kinds <= {int, float}:
            cells = [None if cell is None else float(cell) for cell in cells]
        elif any(isinstance(cell, int) and abs(cell) >= 2**63 for cell in cells):
            cells = [None if cell is None else str(cell) for cell in cells]
        columns[key] = _array_of(cells, key)
    return pa.table(columns)


def from_pandas(source: Any, notes: list[str]) -> Records:
    """Records of a DataFrame or Series. The index is left out unless it only counts; a note says so."""
    series = isinstance(source, pd.Series)
    if not isinstance(source, pd.DataFrame | pd.Series):
        raise DataError(f"a pandas {type(source).__name__} cannot be read. Give a DataFrame or a Series.")
    frame = source.to_frame("x0" if source.name is None else source.name) if series else source
    if isinstance(frame.columns, pd.MultiIndex):
        raise DataError("the DataFrame has columns of several levels. Flatten them to one name each.")
    if not isinstance(frame.index, pd.RangeIndex):
        notes.append(f"the DataFrame's index ({frame.index.dtype}) is left out; reset_index() makes it a column")
    arrays, columns, names = [], [], []
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        names.append(str(name))
        try:
            arrays.append(pa.Array.from_pandas(column))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            kinds = sorted({type(cell).__name__ for cell in column.dropna()})[:6]
            raise DataError(
                f"column {name!r} holds values that do not go together ({', '.join(kinds)}). Make them all "
                f"numbers or all texts."
            ) from error
        columns.append(_form_of(column, name))
    arrays = [array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array for array in arrays]
    details = {
        "columns": columns,
        "series": series,
        "named": not series or source.name is not None,
        "index": _name(frame.index.name),
    }
    return Records(pa.Table.from_arrays(arrays, names=names), Origin("pandas", details=details))


def _name(name: Any) -> Any:
    return name if name is None or isinstance(name, str | int | float | bool) else str(name)


def _form_of(column: Any, name: Any) -> dict[str, Any]:
    form: dict[str, Any] = {"name": _name(name), "dtype": str(column.dtype)}
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.cat.categories
        form["categories"] = [_cell(cell) for cell in categories]
        form["of"], form["ordered"] = str(categories.dtype), bool(column.dtype.ordered)
    if form["dtype"] == "object":
        gaps = column[column.isna()]
        form["none"] = bool(len(gaps)) and gaps.iloc[0] is None
    return form


def _cell(cell: Any) -> Any:
    plain = cell.item() if hasattr(cell, "item") else cell
    return plain if isinstance(plain, str | int | float | bool) else str(plain)


def to_pandas(table: pa.Table, origin: Origin) -> Any:
    """A DataFrame (or Series) with the columns, order and dtypes that came; columns that were left out stay out."""
    forms = {str(form["name"]): form for form in origin.details["columns"]}
    columns = [_series_of(table.column(name), forms[name]) for name in table.column_names]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=pd.RangeIndex(table.num_rows))
    frame.columns = pd.Index([forms[name]["name"] for name in table.column_names])
    frame.index.name = origin.details["index"]
    if origin.details["series"]:
        return frame.iloc[:, 0].rename(frame.columns[0] if origin.details["named"] else None)
    return frame


def _series_of(column: pa.ChunkedArray, form: dict[str, Any]) -> Any:
    if "categories" in form:
        dtype: Any = pd.CategoricalDtype(pd.Index(form["categories"]).astype(form["of"]), ordered=form["ordered"])
        plain = column.combine_chunks()
        values = plain.dictionary_decode() if pa.types.is_dictionary(plain.type) else plain
        return pd.Series(
            pd.Categorical(
                values.to_pandas().astype(form["of"]) if values.null_count == 0 else values.to_pandas(), dtype=dtype
            )
        )
    dtype = pd.api.types.pandas_dtype(form["dtype"])
    if hasattr(dtype, "__from_arrow__") and not isinstance(dtype, pd.DatetimeTZDtype):
        return pd.Series(dtype.__from_arrow__(column))
    if form["dtype"] == "object":
        cells = column.to_pandas().astype(object)
        return cells.where(cells.notna(), None if form["none"] else float("nan"))
    return column.to_pandas().astype(dtype)
