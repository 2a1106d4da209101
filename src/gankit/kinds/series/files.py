"""Two files of the field: the UCR archive's lines, a class and a series each, and the .ts files of sktime and aeon.

Knows these formats; never torch, networks, or what is learned.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.config import TrainConfig
from gankit.errors import DataError, OutputError
from gankit.io.arrow import is_text, joined
from gankit.io.opening import decode, strip_suffixes, unpack
from gankit.io.origin import Origin, Records
from gankit.io.probe import Probe
from gankit.kinds.series.arrays import LABEL
from gankit.kinds.series.records import VALUE, Layout, Series, with_layout

CLASS = "class"
"""The column of the classes."""

LEAST_COLUMNS = 9
"""So many columns at least has a file of the UCR archive."""

_UCR_NAME = re.compile(r"_(TRAIN|TEST)(\.\w+)*$", re.IGNORECASE)


# --- UCR ------------------------------------------------------------------------------------------------------------


def has_ucr_name(path: str | Path) -> bool:
    """Whether a file is called as those of the UCR archive are: NAME_TRAIN.tsv."""
    name = Path(path).name.lower()
    plain = strip_suffixes(name, (".gz", ".zip"))
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
    lengths = np.where(known.any(1), x.shape[1] - np.argmax(known[:, ::-1], axis=1), 1).astype(np.int64)
    flat = x[np.arange(x.shape[1]) < lengths[:, None]]
    layout = Layout("rows", (CLASS, VALUE), axes=1)
    classes = joined(table.column(0))
    labels = pa.table({CLASS: pc.utf8_trim_whitespace(classes) if is_text(classes.type) else classes})
    steps = pa.table({VALUE: pa.array(flat, mask=np.isnan(flat))})
    return Series(steps, lengths, labels, None, with_layout(records.origin, layout))


def _numbers(column: pa.Array) -> npt.NDArray[np.float64] | None:
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
    return strip_suffixes(str(path).lower(), (".gz", ".zip")).endswith(".ts")


def read_ts(probe: Probe, config: TrainConfig, notes: list[str]) -> Series:
    """The series of a .ts file: dimensions with colons between them, numbers with commas, the class or target last.

    Raises:
        DataError: no data, times of their own, a cell that is no number, or dimensions of other lengths.
    """
    name = probe.file_name
    raw, _, compression = unpack(probe.data(), name)
    text, _ = decode(raw, name, config.encoding, notes)
    lines = text.decode("utf-8").splitlines()
    header: dict[str, list[str]] = {}
    records: list[tuple[int, str]] = []
    started = False
    for number, line in enumerate(lines, 1):
        line = line.strip()
        if not line or line.startswith(("#", "%")):
            continue
        if line.startswith("@") and not started:
            key, *rest = line[1:].split()
            header[key.lower()] = rest
            started = key.lower() == "data"
        elif started:
            records.append((number, line))
        else:
            raise DataError(f"{name!r}, line {number}: expected a line that begins with @, found {line[:30]!r}.")
    if not records:
        raise DataError(f"{name!r} holds no series: nothing stands after @data.")
    if header.get("timestamps", ["false"])[0].lower() == "true":
        raise DataError(f"{name!r} has a time with every number, which is not read. Save it as a table with a time.")
    labelled = any(header.get(key, ["false"])[0].lower() == "true" for key in ("classlabel", "targetlabel"))
    label = CLASS if header.get("classlabel", ["false"])[0].lower() == "true" else LABEL
    return _series_of_ts(records, name, labelled, label, Origin("ts", name=_stem(name), compression=compression))


def _stem(name: str) -> str:
    return strip_suffixes(name, (".gz", ".zip", ".ts"))


def _series_of_ts(records: list[tuple[int, str]], name: str, labelled: bool, label: str, origin: Origin) -> Series:
    parts, lengths, labels = [], [], []
    width = None
    for number, line in records:
        dimensions = line.split(":")
        if labelled:
            labels.append(dimensions.pop().strip())
        arrays = [_ts_numbers(text, name, number) for text in dimensions]
        width = len(arrays) if width is None else width
        if len(arrays) != width or len({len(a) for a in arrays}) != 1:
            raise DataError(
                f"{name!r}, line {number}: expected {width} dimensions of one length, found {len(arrays)} of the "
                f"lengths {', '.join(str(len(a)) for a in arrays)}."
            )
        parts.append(np.stack(arrays, 1))
        lengths.append(len(arrays[0]))
    flat = np.concatenate(parts)
    names = [VALUE] if flat.shape[1] == 1 else [f"dim_{i}" for i in range(flat.shape[1])]
    steps = pa.table({n: pa.array(flat[:, i], mask=np.isnan(flat[:, i])) for i, n in enumerate(names)})
    table = pa.table({label: labels}) if labelled else None
    layout = Layout("ts", (*names, *((label,) if labelled else ())), axes=1 if len(names) == 1 else 2)
    return Series(steps, np.array(lengths, dtype=np.int64), table, None, with_layout(origin, layout))


def _ts_numbers(text: str, name: str, number: int) -> npt.NDArray[np.float64]:
    cells = [cell.strip() for cell in text.split(",")]
    try:
        return np.array([math.nan if cell in ("?", "NaN", "") else float(cell) for cell in cells])
    except ValueError:
        wrong = next(cell for cell in cells if not re.fullmatch(r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?|\?|NaN|", cell))
        raise DataError(f"{name!r}, line {number}: expected numbers with commas, found {wrong[:30]!r}.") from None


def write_ts(parts: Iterable[Series], stream: IO[bytes], name: str) -> int:
    """Writes series of numbers as a .ts file and returns how many.

    Raises:
        OutputError: a channel holds something else than numbers, or there is more than one label.
    """
    total = 0
    for part in parts:
        columns = [_written_numbers(part.steps, n) for n in part.steps.column_names]
        labels = None if part.labels is None else part.labels.column_names
        if labels is not None and len(labels) > 1:
            raise OutputError(f".ts has one label, and these series have {', '.join(labels)}. Write .csv or .parquet.")
        known = None if labels is None else [str(cell) for cell in part.labels.column(0).to_pylist()]  # type: ignore[union-attr]
        if total == 0:
            stream.write(_ts_header(part, name, labels).encode())
        ends = part.begins + part.lengths
        for row, (begin, end) in enumerate(zip(part.begins, ends, strict=True)):
            texts = [",".join("?" if math.isnan(v) else repr(v) for v in c[begin:end].tolist()) for c in columns]
            stream.write((":".join([*texts, *([known[row]] if known is not None else [])]) + "\n").encode())
        total += len(part)
    return total


def _ts_header(part: Series, name: str, labels: list[str] | None) -> str:
    one = part.steps.num_columns == 1
    lines = [
        f"@problemName {re.sub(r'[^A-Za-z0-9_-]', '_', name)}",
        "@timeStamps false",
        f"@univariate {str(one).lower()}",
    ]
    lines += [] if one else [f"@dimensions {part.steps.num_columns}"]
    if labels == [LABEL]:
        lines.append("@targetLabel true")
    elif labels:
        levels = part.layout.classes or sorted({str(c) for c in part.labels.column(0).to_pylist()})  # type: ignore[union-attr]
        lines.append("@classLabel true " + " ".join(levels))
    else:
        lines.append("@classLabel false")
    return "\n".join([*lines, "@data", ""])


def _written_numbers(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    numbers = _numbers(joined(table.column(name)))
    if numbers is None:
        raise OutputError(f"{name!r} holds something else than numbers, which .ts cannot hold. Write .csv or .parquet.")
    return numbers


def ucr_table(part: Series) -> pa.Table:
    """Series of one channel as lines of a class and a series, NaN behind the end of shorter ones."""
    labels = [] if part.labels is None else part.labels.column_names
    if part.steps.num_columns != 1 or len(labels) > 1:
        raise OutputError(
            "a line a series holds one channel and one class; these have more. Write .csv, .parquet or .npz."
        )
    numbers = _written_numbers(part.steps, part.steps.column_names[0])
    num_steps = max(part.layout.num_steps, int(part.lengths.max(initial=0)))
    x = np.full((len(part), num_steps), np.nan)
    x[np.arange(num_steps) < part.lengths[:, None]] = numbers
    columns = {} if part.labels is None else {"c0": joined(part.labels.column(0)).cast(pa.string())}
    for place in range(num_steps):
        texts = pc.cast(pa.array(x[:, place]), pa.string())
        columns[f"c{place + len(labels)}"] = pc.if_else(pa.array(np.isnan(x[:, place])), "NaN", texts)
    return pa.table(columns)
