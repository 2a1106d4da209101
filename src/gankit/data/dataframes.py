"""pandas DataFrames and Series as records, and records as the DataFrames that came.

Knows pandas; imported only when the user's object is of pandas.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from gankit.data.origin import Origin, Records
from gankit.errors import DataError


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
