"""Writing series in the form they came in: tables with a step a row, arrays, and the two files of the field.

Knows series and formats; never torch, networks, or where series come from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.columns.cells import Values
from gankit.columns.rows import to_object, typed, write
from gankit.errors import OutputError
from gankit.io.arrow import is_text, joined
from gankit.io.atomic import complaints, whole_file
from gankit.io.formats import FORMATS
from gankit.io.opening import strip_suffixes
from gankit.io.origin import Origin
from gankit.kinds.series.files import ucr_table, write_ts
from gankit.kinds.series.records import Floats, Ints, Layout, Series, joined_series
from gankit.kinds.series.times import Grid

_LINES = (".tsv", ".txt", ".tab")
_ARRAYS = ("npz", "npy")


def write_series(batches: Iterable[Series], path: str | Path, origin: Origin, format: str | None = None) -> None:
    """Writes series to a file, whose suffix tells the form, or to standard output ("-").

    Args:
        batches: of one origin.
        path: .ts; .npz or .npy for an array [series, steps, channels]; lines of a class and a series where the data
            came so and the suffix is .tsv or .txt; any format of tables, with a step a row.
        format: in place of what the suffix says.

    Raises:
        OutputError: it cannot be written, or the form cannot hold what the series hold.
    """
    name = str(path).lower()
    plain = strip_suffixes(name, (".gz", ".zip"))
    layout_form = origin.details["layout"]["form"]
    pipe = str(path) == "-"
    if format == "ts" or (format is None and (plain.endswith(".ts") or (pipe and layout_form == "ts"))):
        _write_ts(batches, path, origin)
    elif format in _ARRAYS or (format is None and not pipe and Path(plain).suffix[1:] in _ARRAYS):
        _write_arrays(batches, Path(path), alone=(format or Path(plain).suffix[1:]) == "npy")
    elif layout_form == "rows" and (format == "tsv" if format else pipe or plain.endswith(_LINES)):
        write(_lines(batches), path, _of_files(origin, "tsv"), format="tsv")
    else:
        write((long_table(part) for part in batches), path, _of_files(origin, "csv"), format=format)


def _of_files(origin: Origin, form: str) -> Origin:
    """The origin as far as it says how text is written; that of other forms is plain text of `form`."""
    if origin.format in ("csv", "tsv") and origin.details["layout"]["form"] == "rows" and form == "csv":
        return Origin("csv", name=origin.name)  # with a line of names
    known = origin.format in FORMATS and origin.format not in (*_ARRAYS, "ts")
    return origin if known else Origin(form, name=origin.name, header=form == "csv")


def _lines(batches: Iterable[Series]) -> Iterator[pa.Table]:
    for part in batches:
        yield ucr_table(part)


def _write_ts(batches: Iterable[Series], path: str | Path, origin: Origin) -> None:
    if str(path) == "-":
        write_ts(batches, sys.stdout.buffer, origin.name)
        return
    target = Path(path)
    if target.suffix.lower() != ".ts":
        raise OutputError(f".ts is written uncompressed, and {target.name!r} is called otherwise. Name it .ts.")
    with complaints(target), whole_file(target) as file:
        write_ts(batches, file, origin.name)


# --- a step a row ---------------------------------------------------------------------------------------------------


def long_table(part: Series) -> pa.Table:
    """A table with a step a row: the number or entity of the series, times, channels and labels, as they came."""
    layout = part.layout
    rows = np.repeat(np.arange(len(part)), part.lengths)
    columns: dict[str, Any] = {}
    fields: dict[str, pa.Field] = {}

    def put(name: str, array: Any, field: pa.Field | None = None) -> None:
        columns[name] = array
        fields[name] = field or pa.field(name, array.type)

    if part.labels is not None:
        for field, column in zip(part.labels.schema, part.labels.columns, strict=True):
            put(field.name, joined(column).take(pa.array(rows)), field)
    for field, column in zip(part.steps.schema, part.steps.columns, strict=True):
        put(field.name, column, field)
    numbers = pa.array(part.first + rows)
    if layout.entity is not None and layout.entity.name not in columns:
        kind = layout.entity.arrow_type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        cells = numbers if part.entities is None else part.entities.take(pa.array(rows))
        put(layout.entity.name, cells.cast(kind if _holds(kind) else pa.string()))
    else:
        put(layout.number, numbers)
    if layout.times is not None and part.times is not None:
        for name, array, field in _time_cells(layout, part.times):
            put(name, array, field)
    order = [name for name in (layout.number, *layout.order) if name in columns]
    order += [name for name in columns if name not in order]
    return pa.Table.from_arrays([columns[n] for n in order], schema=pa.schema([fields[n] for n in order]))


def _holds(kind: pa.DataType) -> bool:
    return bool(is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _time_cells(layout: Layout, times: Floats) -> Iterator[tuple[str, pa.Array, pa.Field]]:
    assert layout.times is not None
    here = np.zeros(len(times), dtype=np.int8)
    several = [times]
    if len(layout.times.columns) > 1:
        day_and_clock = layout.times.columns[0].type == "datetime"
        several = (
            [times // 86400 * 86400, times % 86400] if day_and_clock else _divided(times, len(layout.times.columns))
        )
    for column, numbers in zip(layout.times.columns, several, strict=True):
        array = column.format(Values(numbers, here))
        yield (
            column.name,
            array,
            pa.field(column.name, array.type, metadata=column.meaning if is_text(array.type) else None),
        )


def _divided(seconds: Floats, count: int) -> list[Floats]:
    """Seconds since 1970 as the first `count` of year, month, day, hour, minute, second."""
    days, clock = np.divmod(np.rint(seconds).astype(np.int64), 86400)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    year = 1970 + months.astype(np.int64) // 12
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    parts = [year, months.astype(np.int64) % 12 + 1, day, clock // 3600, clock // 60 % 60, clock % 60]
    return [part.astype(np.float64) for part in parts[:count]]


def times_after(
    starts: Floats, lengths: Ints, grid: Grid | None, distances: Floats | None, grain: float = 0.0
) -> Floats:
    """The times of all steps of series that begin at `starts` [N]: on the grid, or by distances [M] from the last.

    grain: that times are multiples of, 0 for none; steps are one grain apart at least.
    """
    first = np.cumsum(lengths) - lengths
    within = np.arange(int(lengths.sum())) - np.repeat(first, lengths)
    if grid is not None:
        return grid.after(np.repeat(starts, lengths), within)
    assert distances is not None
    if grain > 0:
        distances = np.maximum(np.rint(distances / grain), 1.0) * grain
    total = np.cumsum(np.where(within == 0, 0.0, distances))
    found: Floats = np.repeat(starts - total[first], lengths) + total
    return found


# --- arrays ---------------------------------------------------------------------------------------------------------


def padded(part: Series) -> npt.NDArray[Any]:
    """[N, T, C], T the steps of the longest training record: in the type the data came in (doubles for tables), NaN in
    gaps and behind the end.

    Raises:
        OutputError: a channel holds something else than numbers, or gaps where the type is one of whole numbers.
    """
    layout = part.layout
    num_steps = max(layout.num_steps, int(part.lengths.max(initial=0)))
    table = typed(part.steps)
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if is_text(column.type) or pa.types.is_temporal(column.type) or pa.types.is_dictionary(column.type):
            raise OutputError(f"{name!r} holds no numbers, which arrays cannot hold. Write .csv or .parquet.")
        columns.append(np.asarray(joined(column).cast(pa.float64()).fill_null(np.nan), dtype=np.float64))
    inside = np.arange(num_steps) < part.lengths[:, None]
    x = np.full((len(part), num_steps, len(columns)), np.nan)
    x[inside] = np.stack(columns, 1)
    if np.dtype(layout.dtype).kind != "f" and np.isnan(x).any():
        return x
    return x.astype(layout.dtype)


def _write_arrays(batches: Iterable[Series], target: Path, alone: bool) -> None:
    part = joined_series(list(batches))
    x = padded(part)
    arrays = {part.layout.name: x[:, :, 0] if part.layout.axes == 1 and x.shape[2] == 1 else x}
    if part.labels is not None:
        arrays |= {name: label_array(part.labels, name) for name in part.labels.column_names}
    if part.times is not None:
        times = np.full(x.shape[:2], np.nan)
        times[np.arange(x.shape[1]) < part.lengths[:, None]] = part.times
        arrays["time"] = times
    with complaints(target), whole_file(target) as file:
        if alone:
            np.save(file, arrays[part.layout.name], allow_pickle=False)
        else:
            np.savez(file, **arrays)  # type: ignore[arg-type]  # arrays by name


def label_array(labels: pa.Table, name: str) -> npt.NDArray[Any]:
    """A label as an array of numbers or of texts."""
    column = joined(typed(labels.select([name])).column(0))
    if is_text(column.type) or pa.types.is_dictionary(column.type) or pa.types.is_temporal(column.type):
        return np.array([str(cell) for cell in column.to_pylist()])
    return np.asarray(column)


def to_series_object(part: Series) -> Any:
    """Series in the form that came: a table or DataFrame with a step a row, an array, a list, or a pair with labels."""
    layout = part.layout
    if layout.form == "table":
        return _to_table(part)
    whole = padded(part)
    x: Any = whole[:, :, 0] if layout.axes == 1 and whole.shape[2] == 1 else whole
    if layout.form == "list":
        x = [series[:length] for series, length in zip(x, part.lengths.tolist(), strict=True)]
    if part.labels is None:
        return x
    names = part.labels.column_names
    labels = {name: label_array(part.labels, name) for name in names}
    if part.origin.details.get("dict"):
        return {layout.name: x, **labels}
    return x, labels[names[0]] if len(names) == 1 else labels


def _to_table(part: Series) -> Any:
    """The table in its own form; a column that tells series apart, where the data had none, stands first."""
    table, number = long_table(part), part.layout.number
    if number not in table.column_names:
        return to_object(table, part.origin)
    numbers = table.column(number)
    found = to_object(table.drop_columns([number]), part.origin)
    match part.origin.format:
        case "pandas":
            found = found if hasattr(found, "columns") else found.to_frame()
            found.insert(0, number, numbers.to_numpy())
            return found
        case "polars":
            import polars

            frame = found.to_frame() if isinstance(found, polars.Series) else found
            return frame.insert_column(0, polars.Series(number, numbers.to_numpy()))
        case "dict":
            return {number: numbers.to_pylist(), **found}
        case "list":
            return [
                {number: n, **row}
                for n, row in zip(numbers.to_pylist(), table.drop_columns([number]).to_pylist(), strict=True)
            ]
        case _:
            return found.add_column(0, number, numbers)
