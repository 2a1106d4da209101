"""Tables with a step a row as series: which column is the time, which tells series apart, which belong to a whole one.

Knows columns and times; never codecs, torch or networks.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.columns.column import Column
from gankit.columns.inference import infer
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, nearest
from gankit.io.records import Origin, Records, as_texts, distinct, is_text, joined
from gankit.kinds.series.options import SeriesOptions
from gankit.kinds.series.records import TIME_UNITS, Grid, Layout, Series, Times, find_grid, with_layout

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

_NOWHERE = Origin("pyarrow")

MANY_TWICE = 0.1
"""Where so many rows share their time with another, they may be of several series."""

NUMBER_NAMES = ("series", "series_number", "number_of_series")
"""What the column may be called that tells the series of fakes apart."""


def series_of_table(records: Records, config: TrainConfig, notes: list[str], like: Layout | None = None) -> Series:
    """A table with a step a row as series.

    config: `time`, `entity` and `attributes` are obeyed, and found out as far as they are open; `column` says what
        types columns have.
    like: the layout of other series, whose distance from step to step these have too.

    Raises:
        DataError: times that are missing, twice there, or of two frequencies; attributes that change within a series.
        OptionError: a column that there is not.
    """
    own = config.own(SeriesOptions)
    table = records.table
    _check_names(table, config)
    told_apart = _entities(table, own.entity)
    timeless = like is not None and like.times is None
    times = None if timeless else find_times(table, config, told_apart.codes, notes)
    order, changed = _order(told_apart.codes, None if times is None else times.seconds)
    if changed and times is not None:
        notes.append(f"rows were not in the order of {times.words}: sorted by it")
    codes = told_apart.codes[order]
    begins = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    lengths = np.diff(np.append(begins, len(codes)))
    if len(lengths) == len(codes):
        what = f"every series of --entity {own.entity} has one step" if own.entity else "there is one step"
        raise DataError(f"{what}, and a series needs two at least. Is it a table? Then take --kind table.")
    seconds = None if times is None else times.seconds[order]
    whole = _Whole(table, seconds, lengths)
    grid = None
    if times is not None and seconds is not None:
        _refuse_twice(table, config, times, seconds, codes, order, records)
        grid = find_grid(seconds, begins, lengths, times.dates) if like is None else _grid_like(like, whole)
    attributes = _attributes(table, config, order, begins, lengths, times, notes)
    rest = [n for n in table.column_names if n not in (*attributes, own.entity, *(times.names if times else ()))]
    if not rest:
        raise DataError("no column is left whose values change from step to step. Bring some, or take --kind table.")
    steps, labels = table.select(rest).take(pa.array(order)), None
    if own.entity is not None and own.entity in config.given:
        attributes = [own.entity, *attributes]
    if attributes:
        labels = table.select(attributes).take(pa.array(order[begins]))
    whole = replace(whole, steps=steps)
    step_name = None
    if times is not None and grid is not None:
        whole = _with_absent(whole, begins, grid, notes)
    elif times is not None:
        step_name = _free_name(f"{times.words} step", table.column_names)
        whole = _with_distances(whole, begins, step_name)
        notes.append(f"{times.words}: no regular distance, so the distance from step to step is learned too")
    number = next(name for name in (*NUMBER_NAMES, "") if name not in table.column_names)
    layout = Layout(
        "table", tuple(table.column_names), number, told_apart.column,
        None if times is None else Times(times.columns, grid, step_name),
    )  # fmt: skip
    entities = None if own.entity is None else told_apart.names
    return Series(whole.steps, whole.lengths, labels, whole.times, with_layout(records.origin, layout), entities)


@dataclass(frozen=True)
class _Whole:
    steps: pa.Table
    times: Floats | None
    lengths: Ints


def _check_names(table: pa.Table, config: TrainConfig) -> None:
    own = config.own(SeriesOptions)
    asked = {"time": own.time, "entity": own.entity}
    asked |= {f"attributes {name}": name for name in own.attributes}
    for flag, name in asked.items():
        parts = name.split("+") if flag == "time" and name and name not in table.column_names else [name]
        for part in parts:
            if part is not None and part not in table.column_names:
                raise OptionError(
                    f"--{flag.split()[0]} {name}: there is no column {part!r}. {nearest(part, table.column_names)}"
                )
    if own.entity is not None and own.entity in (own.time, *own.attributes):
        raise OptionError(f"--entity {own.entity}: the same column cannot be the time or an attribute too.")


# --- what tells series apart ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Entities:
    """codes: [M], the series of each row, in the order of their first rows. names: [N]. column: what it is."""

    codes: Ints
    names: pa.Array
    column: Column | None


def _entities(table: pa.Table, name: str | None) -> _Entities:
    if name is None:
        return _Entities(np.zeros(table.num_rows, dtype=np.int64), pa.array(["0"]), None)
    array = joined(table.column(name))
    if array.null_count:
        row = int(np.flatnonzero(np.asarray(array.is_null()))[0])
        raise DataError(f"--entity {name}: row {row + 1} has none. Fill it in, or leave such rows out.")
    coded = array.dictionary_encode() if not pa.types.is_dictionary(array.type) else array
    codes = np.asarray(coded.indices.cast(pa.int64()), dtype=np.int64)
    _, first = np.unique(codes, return_index=True)
    rank = np.empty(int(codes.max()) + 1, dtype=np.int64)
    appear = codes[np.sort(first)]
    rank[appear] = np.arange(len(appear))
    names = coded.dictionary.take(pa.array(appear))
    return _Entities(rank[codes], names, _entity_column(name, names, table.schema.field(name).type))


def _entity_column(name: str, names: pa.Array, kind: pa.DataType) -> Column:
    """An identifier where the names share a pattern; else a column that numbers are written into."""
    try:
        found = infer(Records(pa.table({name: names, "": pa.array(np.arange(len(names)) % 2 * 1.0)}), _NOWHERE)).columns
    except DataError:
        return Column(name, "drop", kind)
    column = found[0]
    return replace(column, arrow_type=kind) if column.type == "identifier" else Column(name, "drop", kind)


def _order(codes: Ints, seconds: Floats | None) -> tuple[Ints, bool]:
    """The rows by series and time, and whether a series' rows were in another order before."""
    if seconds is None:
        return np.argsort(codes, kind="stable").astype(np.int64), False
    order = np.lexsort((seconds, codes)).astype(np.int64)
    return order, not np.array_equal(order, np.argsort(codes, kind="stable"))


# --- times that are there twice --------------------------------------------------------------------------------------


def _refuse_twice(
    table: pa.Table, config: TrainConfig, times: FoundTimes, seconds: Floats, codes: Ints, order: Ints, records: Records
) -> None:
    twice = np.flatnonzero((np.diff(seconds) == 0) & (codes[1:] == codes[:-1]))
    if not len(twice):
        return
    rows = sorted(int(order[i]) + 1 for i in (twice[0], twice[0] + 1))
    cell = as_texts(joined(table.column(times.names[-1])))[rows[0] - 1].as_py().removesuffix(".000000")
    shown = f"{cell!r}" if len(times.names) == 1 else "the same time"
    many = len(twice) >= MANY_TWICE * len(order)
    near = _would_tell_apart(table, config, times) if many else None
    how = (
        f"Does {near!r} tell several series apart? Then add --entity {near}."
        if near
        else "Leave one of them out, or name the column that tells series apart with --entity."
    )
    raise DataError(f"rows {rows[0]} and {rows[1]} are both at {times.words} {shown}. {how}")


def _would_tell_apart(table: pa.Table, config: TrainConfig, times: FoundTimes) -> str | None:
    """A column within whose values no time is there twice."""
    for name in table.column_names:
        if name in (*times.names, config.own(SeriesOptions).entity):
            continue
        array = joined(table.column(name))
        if pa.types.is_floating(array.type) or array.null_count:
            continue
        texts, codes = distinct(array if pa.types.is_string(array.type) else as_texts(array))
        if not 1 < len(texts) <= table.num_rows // 2:
            continue
        pairs = np.stack([codes.astype(np.float64), times.seconds])
        if len(np.unique(pairs, axis=1).T) == table.num_rows:
            return str(name)
    return None


# --- what belongs to a series as a whole ----------------------------------------------------------------------------


def _attributes(
    table: pa.Table, config: TrainConfig, order: Ints, begins: Ints, lengths: Ints, times: FoundTimes | None,
    notes: list[str],
) -> list[str]:  # fmt: skip
    """Columns that are the same at every step of a series: those that were named, or are found to be so."""
    own = config.own(SeriesOptions)
    taken = {own.entity, *(times.names if times else ())}
    typed = {option.rpartition("=")[0]: option.rpartition("=")[2] for option in config.column}
    found = []
    for name in table.column_names:
        if name in taken or typed.get(name) in ("drop", "text"):
            continue
        if not own.attributes and (len(lengths) < 2 or own.entity is None):
            continue
        if own.attributes and name not in own.attributes:
            continue
        array = joined(table.column(name)).take(pa.array(order))
        codes = np.asarray(_coded(array), dtype=np.int64)
        changes = codes != np.repeat(codes[begins], lengths)
        if not changes.any() and (own.attributes or len(np.unique(codes)) > 1):
            found.append(name)
        elif own.attributes:
            at = int(np.flatnonzero(changes)[0])
            where = "of a series" if own.entity else "of the one series that there is (--entity tells more apart)"
            raise DataError(
                f"--attributes {name}: it is not the same at every step {where}; row {int(order[at]) + 1} is the first "
                "that differs. Leave it out, and it is learned step by step."
            )
    if found and not own.attributes:
        notes.append(f"the same at every step of a series: {', '.join(found)}. Override with --attributes COLUMN.")
    return found


def _coded(array: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return array.dictionary_encode().indices.cast(pa.int64()).fill_null(-1)


def _grid_like(like: Layout, whole: _Whole) -> Grid | None:
    """The distance that other series have; None where theirs differs from step to step.

    Raises:
        DataError: these are not on it.
    """
    grid = None if like.times is None else like.times.grid
    if grid is None or whole.times is None:
        return None
    begins = np.cumsum(whole.lengths) - whole.lengths
    steps = grid.between(np.repeat(whole.times[begins], whole.lengths), whole.times)
    if np.isnan(steps).any():
        raise DataError(
            f"the times are not {grid.words} apart, as those of the series that train. Bring series of that distance."
        )
    return grid


# --- steps that are not there ---------------------------------------------------------------------------------------


def _with_absent(whole: _Whole, begins: Ints, grid: Grid, notes: list[str]) -> _Whole:
    """The series with a step at every time of the grid, all cells of those that were absent missing."""
    assert whole.times is not None
    starts = np.repeat(whole.times[begins], whole.lengths)
    at = grid.between(starts, whole.times).astype(np.int64)
    full = at[begins + whole.lengths - 1] + 1
    offsets = np.cumsum(full) - full
    absent = int(full.sum()) - len(at)
    if not absent:
        return whole
    notes.append(f"{absent:,} of {int(full.sum()):,} steps {grid.words} apart are absent: they count as missing")
    places = np.repeat(offsets, whole.lengths) + at
    rows = np.full(int(full.sum()), -1, dtype=np.int64)
    rows[places] = np.arange(len(at))
    index = pa.array(rows, mask=rows < 0)
    arrays = [pc.take(joined(column), index) for column in whole.steps.columns]
    inside = np.arange(len(rows)) - np.repeat(offsets, full)
    times = grid.after(np.repeat(whole.times[begins], full), inside)
    return _Whole(pa.Table.from_arrays(arrays, names=whole.steps.column_names), times, full)


def with_distances(series: Series) -> Series:
    """The series with the channel of distances that irregular ones have; as they are where they need none."""
    times = series.layout.times
    if times is None or times.step is None or series.times is None or times.step in series.steps.column_names:
        return series
    whole = _with_distances(_Whole(series.steps, series.times, series.lengths), series.begins, times.step)
    return replace(series, steps=whole.steps)


def _with_distances(whole: _Whole, begins: Ints, name: str) -> _Whole:
    """The series with the distance of each step from the one before as a further channel."""
    assert whole.times is not None
    distance = np.diff(whole.times, prepend=np.nan)
    following = np.append(distance[1:], np.nan)
    alone = whole.lengths == 1
    distance[begins] = np.where(alone, np.nan, following[begins])
    usual = float(np.nanmedian(distance))
    distance = np.where(np.isnan(distance), usual, distance)
    return _Whole(whole.steps.append_column(name, pa.array(distance)), whole.times, whole.lengths)


def _free_name(name: str, names: list[str]) -> str:
    while name in names:
        name += "_"
    return name


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
    own = config.own(SeriesOptions)
    if own.time is not None:
        names = [own.time] if own.time in table.column_names else own.time.split("+")
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
        notes.append(f"time: {best.words}. Override with --time COLUMN, or --column {best.names[0]}=drop for none.")
    elif wrong is not None:
        raise wrong
    else:
        notes.append("time: none found, so the steps follow one another as the rows do. Name one: --time COLUMN.")
    return best


def _candidates(table: pa.Table, config: TrainConfig) -> list[list[str]]:
    """Columns that may be the time, the likeliest first."""
    own = config.own(SeriesOptions)
    dropped = {option.rpartition("=")[0] for option in config.column if not option.endswith(("=number", "=datetime"))}
    dropped -= {option.rpartition("=")[0] for option in config.column if "=datetime:" in option}
    open_columns = [n for n in table.column_names if n not in (own.entity, *own.attributes) and n not in dropped]
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
    return {column.name: "clock" if _is_clock(column) else column.type for column in schema.columns}


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
    return FoundTimes((column,), values.data.astype(np.float64), column.type == "datetime")


def _time_column(table: pa.Table, name: str, config: TrainConfig) -> Column:
    own = [option for option in config.column if option.rpartition("=")[0] == name]
    alone = Records(table.select([name]), _NOWHERE)
    month = (f"{name}=datetime:%Y-%m",) if is_text(table.schema.field(name).type) else ()
    for forced in (tuple(own), (f"{name}=datetime",), month, (f"{name}=number",)):
        try:
            column = infer(alone, TrainConfig(column=forced, missing=config.missing), notes=[]).columns[0]
        except DataError:
            continue
        if column.type in ("datetime", "number"):
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
