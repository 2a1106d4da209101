"""Which columns of a table with a step a row are its times, and what times they hold.

Knows tables and columns; never which series a row is of, torch or networks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.config import TrainConfig
from gankit.data.cells import is_text, joined
from gankit.data.columns import Column
from gankit.data.inference import infer
from gankit.data.origin import Origin, Records
from gankit.data.series import TIME_UNITS
from gankit.errors import DataError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_NOWHERE = Origin("pyarrow")

LOOKED_AT = 5000
"""Rows that are looked at to find out what columns are times."""

MONTHS = r"^[0-9]{4}-(0[1-9]|1[0-2])$"
"""Texts such as 1949-07, which are months where they stand in a series."""

TIME_NAMES = ("time", "timestamp", "date", "datetime", "t", "step", "seconds", "minute", "hour", "day", "month", "year")
"""Columns of numbers that are times by their names, if they increase throughout."""


@dataclass(frozen=True)
class FoundTimes:
    """The times of all rows.

    columns: see `Times`. seconds: [M]. dates: whether they are seconds since 1970 rather than numbers.
    """

    columns: tuple[Column, ...]
    seconds: Floats
    dates: bool

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def words(self) -> str:
        """The columns as `--time` names them."""
        return "+".join(self.names)


def find_times(table: pa.Table, config: TrainConfig, codes: Ints, notes: list[str]) -> FoundTimes | None:
    """The times that `time` names, or that are found; None where there are none.

    table: [M] rows. codes: [M], which series each is of.

    Raises:
        DataError: the column holds no times, or not in every row.
    """
    if config.time is not None:
        names = [config.time] if config.time in table.column_names else config.time.split("+")
        return _times_of(table, names, config)
    found, wrong = [], None
    for names in _candidates(table, config):
        try:
            one = _times_of(table, names, config)
        except DataError as error:
            wrong = wrong or error
            continue
        if _changes(one.seconds, codes) and (one.dates or _increases(one.seconds, codes)):
            found.append(one)
    best = next((one for one in found if _is_once(one.seconds, codes)), found[0] if found else None)
    if best is not None:
        notes.append(f"time: {best.words}. Another: --time COLUMN, or --column {best.names[0]}=drop for none.")
    elif wrong is not None:
        raise wrong
    else:
        notes.append("time: none found, so the steps follow one another as the rows do. Name one: --time COLUMN.")
    return best


def _candidates(table: pa.Table, config: TrainConfig) -> list[list[str]]:
    """Columns that may be the time, the likeliest first."""
    dropped = {option.rpartition("=")[0] for option in config.column if not option.endswith(("=number", "=datetime"))}
    dropped -= {option.rpartition("=")[0] for option in config.column if "=datetime:" in option}
    open_columns = [n for n in table.column_names if n not in (config.entity, *config.attributes) and n not in dropped]
    head = table.select(open_columns).slice(0, LOOKED_AT)
    schema = _kinds(head, config)
    found = [[name] for name in open_columns if schema.get(name) == "datetime"]
    lower = {name.lower(): name for name in reversed(open_columns)}
    parts: list[str] = []
    for unit in TIME_UNITS:
        if unit not in lower:
            break
        parts.append(lower[unit])
    if len(parts) >= 2:
        found.append(parts)
    found += [[n] for n in open_columns if is_text(head.schema.field(n).type) and _all_months(head.column(n))]
    clocks = [name for name in open_columns if schema.get(name) == "clock"]
    found += [[name, clock] for name in open_columns if schema.get(name) == "datetime" for clock in clocks]
    return found + [[lower[n]] for n in TIME_NAMES if n in lower and schema.get(lower[n]) in ("number", "identifier")]


def _all_months(column: pa.ChunkedArray) -> bool:
    return bool(pc.all(pc.match_substring_regex(column, MONTHS).fill_null(False)).as_py())


def _kinds(head: pa.Table, config: TrainConfig) -> dict[str, str]:
    typed = tuple(option for option in config.column if option.rpartition("=")[0] in head.column_names)
    try:
        schema = infer(Records(head, _NOWHERE), replace(config, column=typed), notes=[])
    except DataError:  # nothing to learn in these rows, say; what is wrong shows when all are looked at
        return {}
    return {column.name: "clock" if _is_clock(column) else column.kind for column in schema.columns}


def _is_clock(column: Column) -> bool:
    """Whether it holds times of the day alone."""
    return column.dates is not None and not any(d in column.dates.format for d in ("%Y", "%y", "%b", "%B"))


def _times_of(table: pa.Table, names: list[str], config: TrainConfig) -> FoundTimes:
    if len(names) > 1 and all(name.lower() in TIME_UNITS for name in names):
        return _times_in_parts(table, names)
    if len(names) == 2:
        day, clock = (_times_of(table, [name], config) for name in names)
        if day.dates and clock.dates and _is_clock(clock.columns[0]) and not (day.seconds % 86400).any():
            return FoundTimes((*day.columns, *clock.columns), day.seconds + clock.seconds, True)
    if len(names) > 1:
        raise DataError(
            f"--time {'+'.join(names)}: expected year+month+day+… in whole numbers, or a column of days and one of "
            "times of the day."
        )
    name = names[0]
    column = _time_column(table, name, config)
    values = column.parse(joined(table.column(name)))
    lost = (values.missing > 0) | np.isnan(values.data)
    if lost.any():
        row = int(np.flatnonzero(lost)[0])
        raise DataError(
            f"--time {name}: row {row + 1} has no time ({int(lost.sum()):,} of {len(lost):,} rows). Fill it in, or "
            "leave such rows out."
        )
    return FoundTimes((column,), values.data.astype(np.float64), column.kind == "datetime")


def _time_column(table: pa.Table, name: str, config: TrainConfig) -> Column:
    own = [option for option in config.column if option.rpartition("=")[0] == name]
    alone = Records(table.select([name]), _NOWHERE)
    month = (f"{name}=datetime:%Y-%m",) if is_text(table.schema.field(name).type) else ()
    for forced in (tuple(own), (f"{name}=datetime",), month, (f"{name}=number",)):
        try:
            column = infer(alone, TrainConfig(column=forced, missing=config.missing), notes=[]).columns[0]
        except DataError:
            continue
        if column.kind in ("datetime", "number"):
            return column
    raise DataError(
        f"--time {name}: its cells are no times. Name another column, or say how they are written with --column "
        f"{name}=datetime:%d/%m/%Y."
    )


def _times_in_parts(table: pa.Table, names: list[str]) -> FoundTimes:
    """A time in several columns: whole numbers for year, month, day, …"""
    parts, columns = [], []
    for name in names:
        column = infer(Records(table.select([name]), _NOWHERE), TrainConfig(column=(f"{name}=number",))).columns[0]
        values = column.parse(joined(table.column(name)))
        if column.decimals != 0 or (values.missing > 0).any() or np.isnan(values.data).any():
            raise DataError(f"--time {'+'.join(names)}: {name!r} holds something else than whole numbers.")
        columns.append(column)
        parts.append(values.data.astype(np.int64))
    parts += [np.full(len(parts[0]), 1 if unit in ("month", "day") else 0) for unit in TIME_UNITS[len(parts) :]]
    year, month, day, hour, minute, second = parts
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    seconds = (first + day - 1) * 86400.0 + hour * 3600.0 + minute * 60.0 + second
    return FoundTimes(tuple(columns), seconds, True)


def _changes(seconds: Floats, codes: Ints) -> bool:
    """Whether it is not the same at all steps of every series; a date of birth is no time of steps."""
    order = np.argsort(codes, kind="stable")
    inner = codes[order][1:] == codes[order][:-1]
    return bool((np.diff(seconds[order])[inner] != 0).any())


def _is_once(seconds: Floats, codes: Ints) -> bool:
    """Whether no series has two steps at one time."""
    order = np.lexsort((seconds, codes))
    inner = codes[order][1:] == codes[order][:-1]
    return not bool((np.diff(seconds[order])[inner] == 0).any())


def _increases(seconds: Floats, codes: Ints) -> bool:
    order = np.argsort(codes, kind="stable")
    inner = codes[order][1:] == codes[order][:-1]
    return bool((np.diff(seconds[order])[inner] > 0).all()) and bool(inner.any())
