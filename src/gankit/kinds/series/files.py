"""Series in files, read and written: NumPy's arrays, the UCR archive's lines, the .ts files of sktime and aeon, and
tables with a step a row.

Knows these formats; never torch, networks, or what is learned.
"""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.columns.clocks import offsets_at
from gankit.columns.column import Values
from gankit.columns.rows import to_object, typed, write
from gankit.config import TrainConfig
from gankit.errors import DataError, OutputError
from gankit.io.archives import PACKED, decode, strip_suffixes, unpack
from gankit.io.atomic import complaints, whole_file
from gankit.io.formats import FORMATS
from gankit.io.formats.numpy import load_arrays
from gankit.io.probe import Probe
from gankit.io.reading import from_object
from gankit.io.records import Origin, Records, is_text, joined
from gankit.kinds.series.records import VALUE, Floats, Grid, Ints, Layout, Series, Times, joined_series, with_layout

LABEL, CLASS = "label", "class"  # what labels are called that have no name; the column of the classes
LEAST_COLUMNS = 9  # of a file of the UCR archive

_UCR_NAME = re.compile(r"_(TRAIN|TEST)(\.\w+)*$", re.IGNORECASE)
_LINES, _ARRAYS = ("tsv", "txt", "tab"), ("npz", "npy")


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
    name = probe.file_name
    found = load_arrays(probe.stream(), name)
    origin = Origin("npy" if "" in found else "npz", name=strip_suffixes(name, (".npy", ".npz")))
    arrays = {key or "x": array for key, array in found.items()}
    if not arrays:
        raise DataError(f"{name!r} holds no arrays. Give one of shape [series, steps, channels].")
    most = max(array.ndim for array in arrays.values())
    first = [key for key, array in arrays.items() if array.ndim == most]
    main = "x" if "x" in first else first[0]
    if len(first) > 1 and main != "x":
        raise DataError(
            f"{name!r} holds several arrays that may be the series: {', '.join(first)}. Save one as x, and labels as y."
        )
    x = arrays.pop(main)
    return Found(x, arrays, name, origin, main)


def array_object(source: Any) -> Found | None:
    """Arrays, lists of arrays, and pairs of these with labels; None for any other object."""
    if isinstance(source, Mapping) and source and all(isinstance(v, np.ndarray) for v in source.values()):
        most = max(source, key=lambda key: source[key].ndim)
        if source[most].ndim == 3:
            rest = {str(k): v for k, v in source.items() if k != most}
            return Found(source[most], rest, "the dict", Origin("numpy", details={"dict": True}), str(most))
        return None
    labels: Mapping[str, Any] = {}
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
    return dict(zip(table.column_names, table.columns, strict=True))


def series_of_arrays(found: Found) -> Series:
    """An array [N, T, C], [N, 1, T] or [N, T], one [T] that is one series, or a list of [T, C] or [T].

    NaN at the end of all channels is behind the end of a series; elsewhere it is missing.

    Raises:
        DataError: other axes, no numbers, infinities, or labels of another length.
    """
    is_list = isinstance(found.x, list)
    flat, lengths, axes = _of_list(found.x, found.name) if is_list else _of_array(found.x, found.name)
    if np.isinf(flat).any():
        raise DataError(f"{found.name!r} holds infinite numbers. Replace them by NaN where nothing was measured.")
    names = [VALUE] if flat.shape[1] == 1 else [f"c{i}" for i in range(flat.shape[1])]
    steps = pa.table({name: _plain(flat[:, i]) for i, name in enumerate(names)})
    labels = _label_table(found, len(lengths), names)
    dtype = (found.x[0] if is_list else found.x).dtype.newbyteorder("=").str
    order = (*names, *found.labels)
    layout = Layout("list" if is_list else "arrays", order, axes=axes, dtype=dtype, name=found.inside)
    return Series(steps, lengths, labels, None, with_layout(found.origin, layout))


def _plain(numbers: npt.NDArray[Any]) -> pa.Array:
    """A channel; NaN is missing."""
    if numbers.dtype.kind == "f":
        numbers = numbers if numbers.dtype.itemsize in (4, 8) else numbers.astype(np.float64)
        return pa.array(numbers, mask=np.isnan(numbers))
    return pa.array(numbers)


def _of_array(x: npt.NDArray[Any], name: str) -> tuple[npt.NDArray[Any], Ints, int]:
    if x.dtype.kind not in "buif" or x.ndim not in (1, 2, 3) or not x.size:
        raise DataError(
            f"{name!r}: series stand in an array of numbers [series, steps, channels] or [series, steps]. Got "
            f"{list(x.shape)} of {x.dtype} instead."
        )
    x = np.ascontiguousarray(x.astype(x.dtype.newbyteorder("=")))
    axes = 2 if x.ndim == 3 else 1
    if x.ndim == 3 and x.shape[1] == 1 < x.shape[2]:  # one step is no series: this is the axis of one channel
        x, axes = np.ascontiguousarray(x.swapaxes(1, 2)), 3
    x = x[None, :, None] if x.ndim == 1 else x[:, :, None] if x.ndim == 2 else x
    lengths = np.full(len(x), x.shape[1], dtype=np.int64)
    if x.dtype.kind != "f":
        return x.reshape(-1, x.shape[2]), lengths, axes
    known = ~np.isnan(x).all(2)
    if not known.any():
        raise DataError(f"{name!r}: every number is NaN. Give series with numbers.")
    empty = np.flatnonzero(~known.any(1))
    if len(empty):
        raise DataError(f"{name!r}: series {int(empty[0])} is NaN throughout. Leave it out.")
    return *_to_last(x, known), axes


def _to_last(x: npt.NDArray[Any], known: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[Any], Ints]:
    """The steps of x [N, T, …] up to the last known one of each series, [M, …], and how many these are [N]."""
    num_steps = known.shape[1]
    lengths = (num_steps - np.argmax(known[:, ::-1], axis=1)).astype(np.int64)
    return x[np.arange(num_steps) < lengths[:, None]], lengths


def _of_list(items: Sequence[npt.NDArray[Any]], name: str) -> tuple[npt.NDArray[Any], Ints, int]:
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
        if getattr(cells, "ndim", 1) != 1 or len(cells) != num:
            shape = list(cells.shape) if isinstance(cells, np.ndarray) else [len(cells)]
            raise DataError(
                f"{found.name!r}: {name!r} of shape {shape} does not go with {num:,} series. Give one label each, or "
                "leave it out."
            )
        if isinstance(cells, np.ndarray) and cells.dtype.kind in "OUS":
            cells = pa.array([str(cell) for cell in cells.tolist()])
        columns[name if name not in taken else f"{name}_label"] = cells
    return pa.table(columns) if columns else None


# --- UCR ------------------------------------------------------------------------------------------------------------


def has_ucr_name(path: str | Path) -> bool:
    """Whether a file is called as those of the UCR archive are: NAME_TRAIN.tsv."""
    name = Path(path).name.lower()
    plain = strip_suffixes(name, PACKED)
    return bool(_UCR_NAME.search(name)) and plain.endswith((".tsv", ".txt"))


def is_ucr(records: Records) -> bool:
    """Whether lines are a class and a series each: no line of names, numbers throughout, few classes."""
    table = records.table
    if records.origin.header or records.origin.format not in ("csv", "tsv") or table.num_columns < LEAST_COLUMNS:
        return False
    first = joined(table.column(0))
    few = len(first.unique()) <= max(2, table.num_rows // 2)
    return few and all(_numbers(joined(table.column(i))) is not None for i in {0, 1, 2, table.num_columns - 1})


def series_of_ucr(records: Records) -> Series:
    """Lines of a class and a series as series; NaN at the end of a line is behind the end of a shorter one.

    Raises:
        DataError: a cell is no number.
    """
    table = records.table
    columns = []
    for place in range(1, table.num_columns):
        numbers = _numbers(joined(table.column(place)))
        if numbers is None:
            raise DataError(
                f"column {place + 1} holds something else than numbers, and each line should be a class and a series. "
                "Is it a table with a step a line? Then name its columns in a first line."
            )
        columns.append(numbers)
    x = np.stack(columns, 1)  # [N, T]
    known = ~np.isnan(x)
    known[:, 0] |= ~known.any(1)  # a series has a step, even if nothing is known of it
    flat, lengths = _to_last(x, known)
    classes = joined(table.column(0))
    labels = pa.table({CLASS: pc.utf8_trim_whitespace(classes) if is_text(classes.type) else classes})
    origin = with_layout(records.origin, Layout("rows", (CLASS, VALUE), axes=1))
    return Series(pa.table({VALUE: _plain(flat)}), lengths, labels, None, origin)


def _numbers(column: pa.Array) -> Floats | None:
    if is_text(column.type):
        column = pc.utf8_trim_whitespace(column)
        column = pc.if_else(pc.is_in(column, pa.array(["", "NaN", "nan", "?", "NA"])), None, column)
    try:
        numbers = pc.cast(column, pa.float64())
    except pa.ArrowInvalid:
        return None
    return np.asarray(numbers.fill_null(math.nan), dtype=np.float64)


# --- .ts ------------------------------------------------------------------------------------------------------------


def is_ts(path: str | Path) -> bool:
    """Whether a path is that of a .ts file, perhaps compressed."""
    return strip_suffixes(str(path).lower(), PACKED).endswith(".ts")


def read_ts(probe: Probe, config: TrainConfig, notes: list[str]) -> Series:
    """The series of a .ts file: dimensions with colons between them, numbers with commas, the class or target last.

    Raises:
        DataError: no data, times of their own, a cell that is no number, or dimensions of other lengths.
    """
    name = probe.file_name
    raw, _, compression = unpack(probe.data(), name)
    text, _ = decode(raw, name, config.encoding, notes)
    header: dict[str, list[str]] = {}
    records: list[tuple[int, str]] = []
    started = False
    for number, line in enumerate(text.decode("utf-8").splitlines(), 1):
        line = line.strip()
        if not line or line.startswith(("#", "%")):
            continue
        if line.startswith("@") and not started:
            key, *rest = line[1:].split() or [""]
            header[key.lower()] = rest
            started = key.lower() == "data"
        elif started:
            records.append((number, line))
        else:
            raise DataError(f"{name!r}, line {number}: expected a line that begins with @, found {line[:30]!r}.")
    if not records:
        raise DataError(f"{name!r} holds no series: nothing stands after @data.")
    stated = {key for key, rest in header.items() if rest and rest[0].lower() == "true"}
    if "timestamps" in stated:
        raise DataError(f"{name!r} has a time with every number, which is not read. Save it as a table with a time.")
    label = CLASS if "classlabel" in stated else LABEL if "targetlabel" in stated else None
    stem = strip_suffixes(name, (*PACKED, ".ts"))
    return _series_of_ts(records, name, label, Origin("ts", name=stem, compression=compression))


def _series_of_ts(records: list[tuple[int, str]], name: str, label: str | None, origin: Origin) -> Series:
    """label: what the last dimension is called where it is one."""
    parts: list[npt.NDArray[np.float64]] = []
    labels = []
    for number, line in records:
        dimensions = line.split(":")
        if label is not None:
            labels.append(dimensions.pop().strip())
        arrays = [_ts_numbers(text, name, number) for text in dimensions]
        width = parts[0].shape[1] if parts else len(arrays)
        if len(arrays) != width or len({len(a) for a in arrays}) != 1:
            raise DataError(
                f"{name!r}, line {number}: expected {width} dimensions of one length, found {len(arrays)} of the "
                f"lengths {', '.join(str(len(a)) for a in arrays)}."
            )
        parts.append(np.stack(arrays, 1))
    flat = np.concatenate(parts)
    names = [VALUE] if flat.shape[1] == 1 else [f"dim_{i}" for i in range(flat.shape[1])]
    steps = pa.table({n: _plain(flat[:, i]) for i, n in enumerate(names)})
    table = None if label is None else pa.table({label: labels})
    layout = Layout("ts", (*names, *([] if label is None else [label])), axes=1 if len(names) == 1 else 2)
    lengths = np.array([len(part) for part in parts], dtype=np.int64)
    return Series(steps, lengths, table, None, with_layout(origin, layout))


def _ts_numbers(text: str, name: str, number: int) -> Floats:
    numbers = []
    for cell in map(str.strip, text.split(",")):
        try:
            numbers.append(math.nan if cell in ("?", "NaN", "") else float(cell))
        except ValueError:
            raise DataError(f"{name!r}, line {number}: expected numbers with commas, found {cell[:30]!r}.") from None
    return np.array(numbers)


def write_ts(parts: Iterable[Series], stream: IO[bytes], name: str) -> None:
    """Writes series of numbers as a .ts file.

    Raises:
        OutputError: a channel holds something else than numbers, or there is more than one label.
    """
    for place, part in enumerate(parts):
        columns = [_written_numbers(part.steps, n) for n in part.steps.column_names]
        table = pa.table({}) if part.labels is None else part.labels
        if table.num_columns > 1:
            names = ", ".join(table.column_names)
            raise OutputError(f".ts has one label, and these series have {names}. Write .csv or .parquet.")
        labels = {n: [str(cell) for cell in cells] for n, cells in table.to_pydict().items()}
        if place == 0:
            stream.write(_ts_header(part, name, labels).encode())
        for row, (begin, length) in enumerate(zip(part.begins, part.lengths, strict=True)):
            steps = (column[begin : begin + length].tolist() for column in columns)
            texts = [",".join("?" if math.isnan(v) else repr(v) for v in numbers) for numbers in steps]
            stream.write((":".join([*texts, *(cells[row] for cells in labels.values())]) + "\n").encode())


def _ts_header(part: Series, name: str, labels: Mapping[str, Sequence[str]]) -> str:
    num = part.steps.num_columns
    lines = [f"@problemName {re.sub(r'[^A-Za-z0-9_-]', '_', name)}", "@timeStamps false"]
    lines += ["@univariate true"] if num == 1 else ["@univariate false", f"@dimensions {num}"]
    if LABEL in labels:
        lines.append("@targetLabel true")
    elif labels:
        levels = part.layout.classes or sorted({cell for cells in labels.values() for cell in cells})
        lines.append("@classLabel true " + " ".join(levels))
    else:
        lines.append("@classLabel false")
    return "\n".join([*lines, "@data", ""])


def _written_numbers(table: pa.Table, name: str) -> Floats:
    numbers = _numbers(joined(table.column(name)))
    if numbers is None:
        raise OutputError(f"{name!r} holds something else than numbers, which .ts cannot hold. Write .csv or .parquet.")
    return numbers


def ucr_table(part: Series) -> pa.Table:
    """Series of one channel as lines of a class and a series, NaN behind the end of shorter ones.

    Raises:
        OutputError: there are more channels or labels, or something else than numbers.
    """
    labels = [] if part.labels is None else part.labels.column_names
    if part.steps.num_columns != 1 or len(labels) > 1:
        raise OutputError(
            "a line a series holds one channel and one class; these have more. Write .csv, .parquet or .npz."
        )
    numbers = _written_numbers(part.steps, part.steps.column_names[0])
    columns = {} if part.labels is None else {"c0": joined(part.labels.column(0)).cast(pa.string())}
    for place, step in enumerate(_rectangular(part, numbers).T, len(labels)):
        columns[f"c{place}"] = pc.if_else(pa.array(np.isnan(step)), "NaN", pc.cast(pa.array(step), pa.string()))
    return pa.table(columns)


def write_series(
    batches: Iterable[Series], path: str | Path | IO[bytes], origin: Origin, format: str | None = None
) -> None:
    """Writes series to a file, whose suffix tells the form, to standard output ("-") or to a stream.

    Args:
        batches: of one origin.
        path: .ts; .npz or .npy for an array [series, steps, channels]; lines of a class and a series where the data
            came so and the suffix is .tsv or .txt; any format of tables, with a step a row.
        format: in place of what the suffix says.

    Raises:
        OutputError: it cannot be written, or the form cannot hold what the series hold.
    """
    layout_form, pipe = origin.details["layout"]["form"], not isinstance(path, str | Path) or str(path) == "-"
    suffix = "" if pipe else strip_suffixes(str(path).lower(), PACKED).rpartition(".")[2]
    form = format or ("ts" if pipe and layout_form == "ts" else suffix)
    if form == "ts":
        _write_ts(batches, path, origin)
    elif form in _ARRAYS:
        _write_arrays(batches, path, alone=form == "npy")
    elif layout_form == "rows" and (format == "tsv" if format else pipe or suffix in _LINES):
        write(map(ucr_table, batches), path, _of_files(origin, "tsv"), format="tsv")
    else:
        write(map(long_table, batches), path, _of_files(origin, "csv"), format=format)


def _of_files(origin: Origin, form: str) -> Origin:
    """The origin as far as it says how text is written; that of other forms is plain text of `form`."""
    if origin.format in ("csv", "tsv") and origin.details["layout"]["form"] == "rows" and form == "csv":
        return Origin("csv", name=origin.name)  # with a line of names
    known = origin.format in FORMATS and origin.format not in (*_ARRAYS, "ts")
    return origin if known else Origin(form, name=origin.name, header=form == "csv")


def _write_ts(batches: Iterable[Series], path: str | Path | IO[bytes], origin: Origin) -> None:
    if not isinstance(path, str | Path) or str(path) == "-":
        write_ts(batches, sys.stdout.buffer if isinstance(path, str | Path) else path, origin.name)
        return
    target = Path(path)
    if target.suffix.lower() != ".ts":
        raise OutputError(f".ts is written uncompressed, and {target.name!r} is called otherwise. Name it .ts.")
    with complaints(target), whole_file(target) as file:
        write_ts(batches, file, origin.name)


def long_table(part: Series) -> pa.Table:
    """A table with a step a row: the number or entity of the series, times, channels and labels, as they came."""
    layout = part.layout
    rows = np.repeat(np.arange(len(part)), part.lengths)
    found: dict[str, tuple[pa.Field, Any]] = {}
    if part.labels is not None:
        for field, column in zip(part.labels.schema, part.labels.columns, strict=True):
            found[field.name] = field, joined(column).take(pa.array(rows))
    found |= {f.name: (f, column) for f, column in zip(part.steps.schema, part.steps.columns, strict=True)}
    numbers = pa.array(part.first + rows)
    named = [column for column in layout.entity if column.name not in found]
    if not named:
        found[layout.number] = pa.field(layout.number, numbers.type), numbers
    for column in named:
        kind = column.arrow_type.value_type if pa.types.is_dictionary(column.arrow_type) else column.arrow_type
        kept = is_text(kind) or pa.types.is_integer(kind) or pa.types.is_floating(kind)
        cells = numbers
        if part.entities is not None and column.name in part.entities.column_names:
            cells = joined(part.entities.column(column.name)).take(pa.array(rows))
        cells = cells.cast(kind if kept else pa.string())
        found[column.name] = pa.field(column.name, cells.type), cells
    if layout.times is not None and part.times is not None:
        found |= _time_cells(layout.times, part.times)
    order = dict.fromkeys([*(n for n in (layout.number, *layout.order) if n in found), *found])
    return pa.Table.from_arrays([found[n][1] for n in order], schema=pa.schema([found[n][0] for n in order]))


def _time_cells(times: Times, seconds: Floats) -> dict[str, tuple[pa.Field, pa.Array]]:
    seconds = seconds + offsets_at(times.zone, seconds) if times.zone else seconds
    columns, several = times.columns, [seconds]
    if len(columns) > 1:
        parts = _divided(seconds, times.first_hour)
        several = parts[: len(columns)]
        if columns[0].type == "datetime":  # a day, and a time of day or numbers
            whole = np.rint(seconds) - sum(p * size for p, size in zip(parts[3:], (3600, 60, 1), strict=True))
            several = [seconds // 86400 * 86400, seconds % 86400]
            several = several if columns[1].type == "datetime" else [whole, *parts[3:]][: len(columns)]
    found = {}
    for column, numbers in zip(columns, several, strict=True):
        cells = column.format(Values(numbers, np.zeros(len(numbers), dtype=np.int8)))
        meaning = column.meaning if is_text(cells.type) else None
        found[column.name] = pa.field(column.name, cells.type, metadata=meaning), cells
    return found


def _divided(seconds: Floats, first_hour: int) -> list[Floats]:
    """Seconds since 1970 as year, month, day, hour, minute, second."""
    days, clock = np.divmod(np.rint(seconds).astype(np.int64) - first_hour * 3600, 86400)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    year = 1970 + months.astype(np.int64) // 12
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    hour = clock // 3600 + first_hour
    parts = [year, months.astype(np.int64) % 12 + 1, day, hour, clock // 60 % 60, clock % 60]
    return [part.astype(np.float64) for part in parts]


def times_after(
    starts: Floats, lengths: Ints, grid: Grid | None, distances: Floats | None, grain: float = 0.0
) -> Floats:
    """The times of all steps of series that begin at `starts` [N].

    distances: [M] from the step before, in steps of the grid where there is one; None where each is one of these.
    grain: that times are multiples of, 0 for none; without a grid steps are one grain apart at least.
    """
    first = np.cumsum(lengths) - lengths
    within = np.arange(int(lengths.sum())) - np.repeat(first, lengths)
    if grid is not None and distances is None:
        return grid.after(np.repeat(starts, lengths), within)
    assert distances is not None
    grain = 1.0 if grid is not None else grain
    if grain > 0:
        distances = np.maximum(np.rint(distances / grain), 1.0) * grain
    total = np.cumsum(np.where(within == 0, 0.0, distances))
    if grid is not None:
        return grid.after(np.repeat(starts, lengths), (total - np.repeat(total[first], lengths)).astype(np.int64))
    return np.asarray(np.repeat(starts - total[first], lengths) + total)


def padded(part: Series) -> npt.NDArray[Any]:
    """[N, T, C], or [N, T] as the data came, T the steps of the longest training record; NaN in gaps and behind ends.

    In the type the data came in, or doubles: for tables, and where whole numbers have gaps.

    Raises:
        OutputError: a channel holds something else than numbers.
    """
    dtype, table = np.dtype(part.layout.dtype), typed(part.steps)
    columns = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if is_text(column.type) or pa.types.is_temporal(column.type) or pa.types.is_dictionary(column.type):
            raise OutputError(f"{name!r} holds no numbers, which arrays cannot hold. Write .csv or .parquet.")
        columns.append(np.asarray(joined(column).cast(pa.float64()).fill_null(np.nan), dtype=np.float64))
    x = _rectangular(part, columns[0] if part.layout.axes == len(columns) == 1 else np.stack(columns, 1))
    if part.layout.axes == 3:
        x = x.swapaxes(1, 2)
    return x if dtype.kind != "f" and np.isnan(x).any() else x.astype(dtype)


def _rectangular(part: Series, steps: Floats) -> Floats:
    """Numbers of all steps [M, …] as [N, T, …], T the steps of the longest training record, NaN behind the end."""
    num_steps = max(part.layout.num_steps, int(part.lengths.max(initial=0)))
    x = np.full((len(part), num_steps, *steps.shape[1:]), np.nan)
    x[np.arange(num_steps) < part.lengths[:, None]] = steps
    return x


def _write_arrays(batches: Iterable[Series], path: str | Path | IO[bytes], alone: bool) -> None:
    part = joined_series(list(batches))
    arrays = {part.layout.name: padded(part), **_label_arrays(part.labels)}
    if part.times is not None:
        arrays["time"] = _rectangular(part, part.times)
    with ExitStack() as opened:
        if isinstance(path, str | Path):
            opened.enter_context(complaints(Path(path)))
            path = opened.enter_context(whole_file(Path(path)))
        if alone:
            np.save(path, arrays[part.layout.name], allow_pickle=False)
        else:
            np.savez(path, **arrays)  # type: ignore[arg-type]  # arrays by name


def _label_arrays(labels: pa.Table | None) -> dict[str, npt.NDArray[Any]]:
    """Labels as arrays of numbers or of texts, by name."""
    if labels is None:
        return {}
    found = {}
    for name in labels.column_names:
        column = joined(typed(labels.select([name])).column(0))
        as_text = is_text(column.type) or pa.types.is_dictionary(column.type) or pa.types.is_temporal(column.type)
        found[name] = np.array([str(cell) for cell in column.to_pylist()]) if as_text else np.asarray(column)
    return found


def to_series_object(part: Series) -> Any:
    """Series in the form that came: a table or DataFrame with a step a row, an array, a list, or a pair with labels.

    Raises:
        OutputError: arrays came, and a channel holds something else than numbers.
    """
    layout = part.layout
    if layout.form == "table":
        return _to_table(part)
    x: Any = padded(part)
    if layout.form == "list":
        x = [series[:length] for series, length in zip(x, part.lengths.tolist(), strict=True)]
    if not (labels := _label_arrays(part.labels)):
        return x
    if part.origin.details.get("dict"):
        return {layout.name: x, **labels}
    return x, next(iter(labels.values())) if len(labels) == 1 else labels


def _to_table(part: Series) -> Any:
    """The table in its own form; a column that tells series apart, where the data had none, stands first."""
    table, number = long_table(part), part.layout.number
    if number not in table.column_names:
        return to_object(table, part.origin)
    numbers = table.column(number)
    found = to_object(table.drop_columns([number]), part.origin)
    match type(found).__module__.split(".")[0]:
        case "pandas":
            found = found if hasattr(found, "columns") else found.to_frame()
            found.insert(0, number, numbers.to_numpy())
            return found
        case "polars":
            import polars

            frame = found.to_frame() if isinstance(found, polars.Series) else found
            return frame.insert_column(0, polars.Series(number, numbers.to_numpy()))
        case "pyarrow":
            return found.add_column(0, number, numbers)
        case _ if isinstance(found, dict):
            return {number: numbers.to_pylist(), **found}
        case _:
            return table.to_pylist()
