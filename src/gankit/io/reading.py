"""Reading: a path, standard input or a Python object (DataFrames, Arrow tables, arrays, lists) to records in the user's
own form, and records back to such objects.

Knows formats, objects and their types; never what a column means.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError, DependencyError, OptionError, reason
from gankit.io.archives import PACKED, WORKBOOKS, is_workbook, refuse_unknown, strip_suffixes, unpack
from gankit.io.databases.addresses import SQLITE
from gankit.io.databases.tables import read_address, read_sqlite
from gankit.io.foreign import refuse_foreign
from gankit.io.formats import FORMATS, SUFFIXES
from gankit.io.formats.json import array_of, plain, table_of_dicts
from gankit.io.formats.numpy import arrays_of, records_of_arrays
from gankit.io.large import large_of, limit
from gankit.io.probe import probed
from gankit.io.records import Origin, Records, joined

_OF_READING = ("format", "delimiter", "encoding", "header", "skip_bad_lines", "xpath")


def refuse_options(config: TrainConfig, obeyed: Sequence[str], what: str) -> None:
    """Refuses what was said of reading files that reading this data did not obey. what: the data, as in "a folder".

    Raises:
        OptionError: there is such an option.
    """
    for name in _OF_READING:
        if name not in obeyed and getattr(config, name) != getattr(TrainConfig, name):
            raise OptionError(f"--{name.replace('_', '-')} does not hold for {what}. Leave it out.")


def from_object(source: Any, notes: list[str]) -> Records:
    """Records of a Python object; see `read`.

    Raises:
        DataError: it cannot be taken as a table.
    """
    library = type(source).__module__.split(".")[0]
    if library == "pandas":
        return from_pandas(source, notes)
    if library == "polars":
        series = type(source).__name__ == "Series"
        frame = source.collect() if hasattr(source, "collect") else source
        table = (frame.to_frame(source.name or "x0") if series else frame).to_arrow()
        details = {"schema": _schema_text(table.schema), "series": series, "name": source.name if series else None}
        return Records(table, Origin("polars", details=details))
    if isinstance(source, np.ndarray):
        return records_of_arrays({"": source}, "the array", Origin("numpy"))
    if isinstance(source, pa.Table | pa.RecordBatch) or hasattr(source, "__arrow_c_stream__"):
        table = pa.Table.from_batches([source]) if isinstance(source, pa.RecordBatch) else pa.table(source)
        origin = Origin("pyarrow", details={"schema": _schema_text(table.schema)})
        return Records(table.replace_schema_metadata(None), origin)
    if isinstance(source, Mapping):
        return _from_dict(source)
    if isinstance(source, Sequence) and not isinstance(source, str | bytes):
        return _from_list(list(source), notes)
    raise DataError(
        f"a {type(source).__name__} cannot be read. Give a path, a pandas or polars DataFrame, an Arrow table, "
        "a NumPy array, a list of numbers, texts, dicts or rows, or a dict of columns."
    )


def to_object(table: pa.Table, origin: Origin) -> Any:
    """Records in the form that came: a DataFrame with the same columns, order and dtypes, an array, a list; those of a
    file as a DataFrame where pandas is installed, else as an Arrow table.

    table: in the types that the column's cells have.
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
            return _in_pandas(table) if find_spec("pandas") else table


FORMS = ("pandas", "polars", "arrow", "numpy")
"""What `in_form` gives."""


def in_form(records: Any, form: str) -> Any:
    """Records of `to_object` in another form, one of `FORMS`; arrays are NumPy's already.

    Raises:
        OptionError: an unknown form, or one that such records have not. DependencyError: its library is not installed.
    """
    if form not in FORMS:
        raise OptionError(f"format must be one of {', '.join(map(repr, FORMS))}. Got {form!r} instead.")
    if isinstance(records, np.ndarray) and form == "numpy":
        return records
    if form in ("pandas", "polars") and not find_spec(form):
        raise DependencyError(f"format {form!r} needs {form}, which is not installed: pip install 'gankit[{form}]'")
    match type(records).__module__.split(".")[0]:
        case "pandas":
            frame = records if hasattr(records, "columns") else records.to_frame()
            table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
        case "polars":
            table = (records if hasattr(records, "columns") else records.to_frame()).to_arrow()
        case "pyarrow":
            table = records
        case _ if isinstance(records, dict):
            table = pa.table(records)
        case _ if isinstance(records, list) and records and isinstance(records[0], dict):
            table = pa.Table.from_pylist(records)
        case _ if isinstance(records, list) and all(isinstance(one, str | int | float) for one in records):
            table = pa.table({"x0": pa.array(records)})
        case _:
            raise OptionError(f"such records come as they are, and not as {form!r}. Leave format off.")
    if form == "pandas":
        return _in_pandas(table)
    if form == "polars":
        import polars

        return polars.from_arrow(table)
    if form == "numpy":
        columns = [column.to_numpy() for column in table.columns]
        return np.column_stack(columns) if all(c.dtype.kind in "biuf" for c in columns) else _structured(table, columns)
    return table


def _structured(table: pa.Table, columns: list[Any]) -> Any:
    return np.rec.fromarrays(columns, names=table.column_names).view(np.ndarray)


def _in_pandas(table: pa.Table) -> Any:
    """A DataFrame: whole numbers and booleans with gaps in pandas' own types for these, dates as datetime64."""
    import pandas as pd

    gaps = {pa.bool_(): pd.BooleanDtype()} | {getattr(pa, f"int{bits}")(): pd.Int64Dtype() for bits in (8, 16, 32, 64)}
    columns = [
        column.to_pandas(types_mapper=gaps.get if column.null_count else None, date_as_object=False).rename(name)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pd.concat(columns, axis=1) if columns else pd.DataFrame(index=pd.RangeIndex(table.num_rows))


def with_schema(table: pa.Table, origin: Origin) -> pa.Table:
    """The table in the Arrow types and with the metadata that came; columns that were left out stay out."""
    schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(origin.details["schema"])))
    came = set(schema.names)  # a column that did not come keeps its type
    fields = [schema.field(f.name) if f.name in came else f.remove_metadata() for f in table.schema]
    kept = pa.schema(fields, metadata=schema.metadata)
    plain = pa.schema([f.with_type(pa.string()) if _is_uuid(f.type) else f for f in kept], metadata=schema.metadata)
    return pa.table([table.column(field.name).cast(field.type) for field in plain], schema=plain)


def without_forms(origin: Origin, names: Sequence[str]) -> Origin:
    """An origin that says nothing of the types of these columns; they then keep those of the table."""
    details = dict(origin.details)
    if origin.format == "pandas":
        details["columns"] = [form for form in details["columns"] if _label(form["name"]) not in names]
    elif names and "schema" in details:
        schema = pa.ipc.read_schema(pa.py_buffer(base64.b64decode(details["schema"])))
        kept = [field for field in schema if field.name not in names]
        details["schema"] = _schema_text(pa.schema(kept, metadata=schema.metadata))
    return replace(origin, details=details)


def _schema_text(schema: pa.Schema) -> str:
    return base64.b64encode(schema.serialize().to_pybytes()).decode()


def _from_list(items: list[Any], notes: list[str]) -> Records:
    if not items:
        raise DataError("the list is empty. Give one with records.")
    first = items[0]
    if isinstance(first, Mapping):
        for number, item in enumerate(items, 1):
            if not isinstance(item, Mapping):
                kind = type(item).__name__
                raise DataError(f"the list, item {number}: expected a dict, found {kind}. Make all items alike.")
        return Records(table_of_dicts(items, "the list", notes), Origin("list", details={"item": "dict"}))
    if isinstance(first, list | tuple | np.ndarray):
        width = len(first)
        for number, item in enumerate(items, 1):
            if not isinstance(item, list | tuple | np.ndarray) or len(item) != width:
                found = len(item) if hasattr(item, "__len__") else type(item).__name__
                raise DataError(
                    f"the list, item {number}: expected {width} values as in the first item, found {found}."
                )
        columns = {f"c{i}": array_of([plain(item[i]) for item in items], f"c{i}") for i in range(width)}
        details = {"item": "tuple" if isinstance(first, tuple) else "list"}
        return Records(pa.table(columns), Origin("list", details=details))
    values = array_of([plain(item) for item in items], "x0")
    return Records(pa.table({"x0": values}), Origin("list", details={"item": "value"}))


def _to_list(table: pa.Table, origin: Origin) -> list[Any]:
    kind = origin.details["item"]
    if kind == "dict":
        return list(table.to_pylist())
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    return [row[0] if kind == "value" else row if kind == "tuple" else list(row) for row in rows]


def _from_dict(source: Mapping[Any, Any]) -> Records:
    lengths = {str(name): len(cells) for name, cells in source.items() if hasattr(cells, "__len__")}
    if len(lengths) < len(source) or len(set(lengths.values())) > 1:
        raise DataError(f"the dict must hold columns of one length. Got {dict(list(lengths.items())[:6])} instead.")
    columns = {str(name): array_of([plain(cell) for cell in cells], str(name)) for name, cells in source.items()}
    return Records(pa.table(columns), Origin("dict"))


def from_pandas(source: Any, notes: list[str]) -> Records:
    """Records of a DataFrame or Series. The index is left out unless it only counts; a note says so.

    Raises:
        DataError: another object, or cells that do not go together.
    """
    import pandas as pd

    series = isinstance(source, pd.Series)
    if not isinstance(source, pd.DataFrame | pd.Series):
        raise DataError(f"a pandas {type(source).__name__} cannot be read. Give a DataFrame or a Series.")
    frame = source.to_frame("x0" if source.name is None else source.name) if series else source
    names, levels = [*map(_label, frame.columns)], isinstance(frame.columns, pd.MultiIndex)
    if levels:
        notes.append(f"the DataFrame's columns of several levels are called {', '.join(map(repr, names[:3]))}, …")
    if not isinstance(frame.index, pd.RangeIndex):
        several = isinstance(frame.index, pd.MultiIndex)
        what = ", ".join(map(str, frame.index.names)) if several else frame.index.dtype
        notes.append(f"the DataFrame's index ({what}) is left out; reset_index() makes it a column")
    arrays, columns = [], []
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        try:
            arrays.append(joined(pa.Array.from_pandas(_dense(column))))
        except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError) as error:
            kinds = sorted({type(cell).__name__ for cell in column.dropna()})[:6]
            raise DataError(
                f"column {names[place]!r} holds values that do not go together ({', '.join(kinds)}). Make them all "
                f"numbers or all texts."
            ) from error
        columns.append(_form_of(column, name))
    details = {"columns": columns, "series": series, "named": not series or source.name is not None}
    details |= {"index": _name(frame.index.name), "levels": [*map(_name, frame.columns.names)] if levels else None}
    return Records(pa.table(arrays, names=names), Origin("pandas", details=details))


def _label(name: Any) -> str:
    """What a column is called: of several levels those that are not empty."""
    return "/".join(str(part) for part in name if part != "") if isinstance(name, tuple | list) else str(name)


def _dense(column: Any) -> Any:
    """A column without sparseness, and with intervals as categories of texts."""
    import pandas as pd

    if isinstance(column.dtype, pd.SparseDtype):
        return column.sparse.to_dense()
    if isinstance(column.dtype, pd.IntervalDtype):
        column = column.astype("category")
    if isinstance(column.dtype, pd.CategoricalDtype) and isinstance(column.cat.categories.dtype, pd.IntervalDtype):
        return column.cat.rename_categories([*map(str, column.cat.categories)])
    return column


def _name(name: Any) -> Any:
    if isinstance(name, tuple):
        return [*map(_name, name)]
    return name if name is None or isinstance(name, str | int | float | bool) else str(name)


def _form_of(column: Any, name: Any) -> dict[str, Any]:
    import pandas as pd

    form: dict[str, Any] = {"name": _name(name), "dtype": str(column.dtype)}
    if isinstance(column.dtype, pd.IntervalDtype):
        column = column.astype("category")
    if isinstance(column.dtype, pd.CategoricalDtype):
        categories = column.cat.categories
        if isinstance(categories.dtype, pd.IntervalDtype):
            edges = {side: [*map(_cell, getattr(categories, side))] for side in ("left", "right")}
            form["intervals"] = {**edges, "of": str(categories.dtype.subtype), "closed": categories.closed}
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
    import pandas as pd

    forms = {_label(form["name"]): form for form in origin.details["columns"]}
    new = [name for name in table.column_names if name not in forms]  # such as the table came without
    forms |= {name: {"name": name} for name in new}
    added = _in_pandas(table.select(new))
    columns = [
        added[name] if name in new else _series_of(table.column(name), forms[name]) for name in table.column_names
    ]
    frame = pd.concat(columns, axis=1) if columns else pd.DataFrame(index=pd.RangeIndex(table.num_rows))
    labels = [forms[name]["name"] for name in table.column_names]
    levels = origin.details.get("levels")
    frame.columns = pd.MultiIndex.from_tuples(map(tuple, labels), names=levels) if levels else pd.Index(labels)
    frame.index.name = origin.details["index"]
    if origin.details["series"]:
        return frame.iloc[:, 0].rename(frame.columns[0] if origin.details["named"] else None)
    return frame


def _series_of(column: pa.ChunkedArray, form: dict[str, Any]) -> Any:
    import pandas as pd

    if "intervals" in form:
        edges = [pd.Index(form["intervals"][side]).astype(form["intervals"]["of"]) for side in ("left", "right")]
        index = pd.IntervalIndex.from_arrays(*edges, closed=form["intervals"]["closed"])
        codes = pd.Index([*map(str, index)]).get_indexer(column.cast(pa.string()).to_pylist())
        if form["dtype"] == "category":
            return pd.Series(pd.Categorical.from_codes(codes, index, ordered=form["ordered"]))
        return pd.Series(index.array.take(codes, allow_fill=True))
    if "categories" in form:
        plain = column.combine_chunks()
        values = plain.dictionary_decode() if pa.types.is_dictionary(plain.type) else plain
        cells = values.to_pandas()
        categories = pd.Index(form["categories"]).astype(form["of"])
        more = pd.Index(cells.dropna().unique()).difference(categories)  # filled in, and none of those that came
        dtype: Any = pd.CategoricalDtype(categories.append(more), ordered=form["ordered"])
        return pd.Series(pd.Categorical(cells if values.null_count else cells.astype(form["of"]), dtype=dtype))
    dtype = pd.api.types.pandas_dtype(form["dtype"])
    if hasattr(dtype, "__from_arrow__") and not isinstance(dtype, pd.DatetimeTZDtype):
        return pd.Series(dtype.__from_arrow__(column))
    if form["dtype"] == "object":
        cells = column.to_pandas().astype(object)
        return cells.where(cells.notna(), None if form["none"] else float("nan"))
    return column.to_pandas().astype(dtype)


def read(source: Any, config: TrainConfig | None = None, *, notes: list[str] | None = None) -> Records:
    """Records from a path, from standard input (`-`) or from a Python object.

    source: a path to CSV, TSV, Parquet, Arrow/Feather, JSON lines, JSON, XML, spreadsheets, SQLite, .npy or .npz,
        perhaps compressed; the address of a database; a binary stream; a pandas or polars DataFrame or Series, an Arrow
        table, a NumPy array, a list, or a dict of columns.
    config: `format`, `delimiter`, `encoding`, `header`, `skip_bad_lines` and `xpath` are obeyed; what they leave open
        is found out.
    notes: one line is appended for every decision that was not obvious.

    Raises:
        DataError: it cannot be read; the text says where and what to do. OptionError: an option does not fit.
    """
    config = config or TrainConfig()
    notes = [] if notes is None else notes
    with probed(source) as probe:
        if probe.is_address:
            records = read_address(probe.source, notes)
        elif probe.is_sqlite and probe.file is not None:
            records = read_sqlite(probe.file, probe.part, notes)
        elif probe.is_bytes and (found := large_of(probe, config, notes)) is not None:
            if found.num_bytes > limit(config):
                raise DataError(
                    f"{probe.place!r} takes about {found.num_bytes / 1e9:,.2g} GB in memory, and may take "
                    f"{limit(config) / 1e9:,.2g}. Tables and series alone are learned from disk: bring a part of it, "
                    "or give more with --memory."
                )
            records = found.whole(notes)
        elif probe.is_bytes:
            refuse_unknown(probe.files, (*SUFFIXES, ".ts"))
            records = read_bytes(probe.data(), probe.file_name, config, notes, probe.part)
        else:
            records = from_object(probe.source, notes)
        return _checked(replace(records, table=without_extensions(records.table)), probe.place)


def _is_uuid(kind: pa.DataType) -> bool:
    return bool(getattr(kind, "extension_name", "") == "arrow.uuid")


def without_extensions(table: pa.Table) -> pa.Table:
    """The table with types of other libraries as what they hold: identifiers (UUID) as texts."""
    for place, field in enumerate(table.schema):
        if isinstance(field.type, pa.BaseExtensionType) and not pa.types.is_integer(field.type.storage_type):
            column = table.column(place)
            if _is_uuid(field.type):
                texts = [None if cell is None else str(cell) for cell in column.to_pylist()]
                plain = pa.chunked_array([texts], pa.string())
            else:
                plain = column.cast(field.type.storage_type)
            table = table.set_column(place, field.name, plain)
    return table


def _checked(records: Records, name: str) -> Records:
    names = records.table.column_names
    twice = [column for column, times in Counter(names).items() if times > 1]
    if twice:
        raise DataError(
            f"{name!r} has {names.count(twice[0])} columns named {twice[0]!r}. Give every column its own name."
        )
    if not names:
        raise DataError(f"{name!r} has no columns. Give data with at least one.")
    if records.table.num_rows == 0:
        raise DataError(f"{name!r} has columns ({', '.join(names[:5])}) and no records. Give data with records.")
    return records


def read_bytes(data: bytes, name: str, config: TrainConfig, notes: list[str], part: str = "") -> Records:
    """Records from the bytes of a file of that name (`-`: none; its content tells the format). part: a sheet of it.

    Raises:
        DataError: they are damaged or of a format that is not read. OptionError: an option does not fit.
    """
    if config.format is None:
        refuse_foreign(name, data)
    data, inner, compression = unpack(data, name)
    if config.format is None and compression is not None:
        refuse_foreign(inner, data)
    format = FORMATS[config.format or _format_of(inner, data)]
    origin = Origin(format.name, name=stem_of(name), part=part, compression=compression)
    try:
        return format.read(data, name, origin, config, notes)
    except (pa.ArrowException, OSError, ValueError, MemoryError, RecursionError) as error:
        raise DataError(f"{name!r} is damaged or no {format.name} file: {reason(error)}. Take another copy.") from error


def stem_of(name: str) -> str:
    """A file's name without its folder and suffixes; of a stream (`-`) "data"."""
    return "data" if name == "-" else strip_suffixes(Path(name).name, (*PACKED, *SUFFIXES))


def _format_of(name: str, data: bytes) -> str:
    suffix = Path(name).suffix.lower()
    start = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    is_page = start.startswith(b"<") and re.search(
        rb"<!doctype html|<html[\s>]|^<(?:table|head|body|div|style|meta)[\s>]", start
    )
    if suffix in (".html", ".htm") or is_page:
        raise DataError(f"{name!r} is an HTML page, which is not read. Download the data itself, or save it as CSV.")
    is_text = data[:2] in (b"\xff\xfe", b"\xfe\xff") or not (is_workbook(data) or b"\0" in data[:1024])
    if suffix in SUFFIXES and not (suffix in WORKBOOKS and is_text and data[:2] != b"PK"):  # many an .xls is CSV
        return SUFFIXES[suffix]
    if data.startswith(SQLITE):
        raise DataError(f"{name!r} is a SQLite database, which is read from a file only. Give its path, unpacked.")
    refuse_foreign(name, data, by_suffix=True)
    return next((format.name for format in FORMATS.values() if format.begins(data)), "csv")
