"""Tables with a step a row as series: which column is the time, which tells series apart, which belong to a whole one.

Knows columns and times; never codecs, torch or networks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
import pyarrow as pa

from gankit.columns.column import Column
from gankit.columns.dates import is_digits
from gankit.columns.inference import infer
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, nearest
from gankit.io.records import Origin, Records, as_texts, distinct, joined
from gankit.kinds.series.clocks import over_clock_changes
from gankit.kinds.series.options import SeriesOptions
from gankit.kinds.series.records import TIME_UNITS, Floats, Grid, Ints, Layout, Series, Times, find_grid, with_layout

MANY_TWICE = 0.1  # where so large a share of the rows share their time with another, they may be of several series
NUMBER_NAMES = ("series", "series_number", "number_of_series")  # of the column that tells the series of fakes apart
LOOKED_AT = 5000  # rows that are looked at to find out what columns are times
TIME_NAMES: tuple[str, ...] = ("time", "timestamp", "date", "datetime", "t", "step", "cycle")
TIME_NAMES += ("seconds", "minute", "hour", "day", "month", "year")
"""Columns of numbers that are times by their names, if they increase throughout."""

_NOWHERE = Origin("pyarrow")


def series_of_table(records: Records, config: TrainConfig, notes: list[str], like: Layout | None = None) -> Series:
    """A table with a step a row as series.

    config: `time`, `entity` and `attributes` are obeyed, and found out as far as they are open; `column` says what
        types columns have.
    like: the layout of other series, whose distance from step to step these have too.

    Raises:
        DataError: times that are missing, twice there, or of two frequencies; attributes that change within a series.
        OptionError: a column that there is not.
    """
    own, table = config.own(SeriesOptions), records.table
    _check_names(table, own)
    entities = _entities(table, own.entity)
    timeless = like is not None and like.times is None
    times, seconds = (None if timeless else find_times(table, config, entities.codes, notes)) or (None, None)
    if times is not None and seconds is not None:
        times, seconds = over_clock_changes(table, times, seconds, entities.codes, notes, like)
    order = np.argsort(entities.codes, kind="stable")
    if times is not None and seconds is not None:
        before, order = order, np.lexsort((seconds, entities.codes))
        if not np.array_equal(order, before):
            notes.append(f"rows were not in the order of {times.words}: sorted by it")
    codes = entities.codes[order]
    begins = np.flatnonzero(np.append(True, codes[1:] != codes[:-1]))
    lengths = np.diff(np.append(begins, len(codes)))
    if len(lengths) == len(codes):
        what = f"every series of --entity {own.entity} has one step" if own.entity else "there is one step"
        raise DataError(f"{what}, and a series needs two at least. Is it a table? Then take --kind table.")
    series = Series(table, lengths, None, None, records.origin, None if own.entity is None else entities.names)
    grid = step_name = None
    if times is not None and seconds is not None:
        series = replace(series, times=seconds[order])
        _refuse_twice(table, own, times, seconds, entities.codes, order)
        grid = find_grid(seconds[order], begins, lengths, times.dates) if like is None else _grid_like(like, series)
    attributes = _attributes(table, config, order, begins, lengths, times, notes)
    rest = [n for n in table.column_names if n not in (*attributes, own.entity, *(times.names if times else ()))]
    if not rest:
        raise DataError("no column is left whose values change from step to step. Bring some, or take --kind table.")
    if own.entity is not None and own.entity in config.given:
        attributes = [own.entity, *attributes]
    labels = table.select(attributes).take(pa.array(order[begins])) if attributes else None
    series = replace(series, steps=table.select(rest).take(pa.array(order)), labels=labels)
    if times is not None:
        absent = 0 if grid is None else _num_absent(series, grid)
        if (grid is None or absent) if like is None or like.times is None else like.times.step is not None:
            step_name = f"{times.words} step"
            while step_name in table.column_names:
                step_name += "_"
            series = _with_distances(series, step_name, grid)
            said = f"{times.words}: no regular distance, so the distance from step to step is learned too"
            if grid is not None:
                said = (
                    f"{absent:,} of {absent + len(order):,} steps {grid.words} apart are absent; samples leave steps "
                )
                said += "out too. Fill them in to have a row for each."
            notes.append(said)
    number = next(name for name in (*NUMBER_NAMES, "") if name not in table.column_names)
    found = None if times is None else replace(times, grid=grid, step=step_name)
    layout = Layout("table", tuple(table.column_names), number, entities.column, found)
    return replace(series, origin=with_layout(records.origin, layout))


def _time_names(own: SeriesOptions, names: list[str]) -> list[str]:
    """The columns that `--time` names; none where it is open."""
    return [] if own.time is None else [own.time] if own.time in names else own.time.split("+")


def _check_names(table: pa.Table, own: SeriesOptions) -> None:
    names = table.column_names
    asked = [("time", own.time, part) for part in _time_names(own, names)]
    asked += [("entity", own.entity, own.entity)] if own.entity is not None else []
    asked += [("attributes", name, name) for name in own.attributes]
    for flag, name, part in asked:
        if part not in names:
            raise OptionError(f"--{flag} {name}: there is no column {part!r}. {nearest(part, names)}")
    if own.entity is not None and own.entity in (own.time, *own.attributes):
        raise OptionError(f"--entity {own.entity}: the same column cannot be the time or an attribute too.")


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
    coded = _coded(array)
    column = _entity_column(name, coded.dictionary, array.type)
    return _Entities(np.asarray(coded.indices, dtype=np.int64), coded.dictionary, column)


def _coded(array: pa.Array) -> pa.DictionaryArray:
    """The different values of a column in the order of their first rows, and which of them each row has."""
    return (array.dictionary_decode() if pa.types.is_dictionary(array.type) else array).dictionary_encode()


def _entity_column(name: str, names: pa.Array, kind: pa.DataType) -> Column:
    """An identifier where the names share a pattern; else a column that numbers are written into."""
    plain = Column(name, "drop", kind)
    try:
        rows = pa.table({name: names, "": pa.array(np.arange(len(names)) % 2 * 1.0)})
        column = infer(Records(rows, _NOWHERE)).columns[0]
    except DataError:
        return plain
    return replace(column, arrow_type=kind) if column.type == "identifier" else plain


def _refuse_twice(table: pa.Table, own: SeriesOptions, times: Times, seconds: Floats, codes: Ints, order: Ints) -> None:
    twice = np.flatnonzero((np.diff(seconds[order]) == 0) & (np.diff(codes[order]) == 0))
    if not len(twice):
        return
    rows = sorted(int(order[i]) + 1 for i in (twice[0], twice[0] + 1))
    cell = as_texts(joined(table.column(times.names[-1])))[rows[0] - 1].as_py().removesuffix(".000000")
    shown = f"{cell!r}" if len(times.names) == 1 else "the same time"
    how = "Leave one of them out, or name the column that tells series apart with --entity."
    if len(twice) >= MANY_TWICE * len(order):
        near = _would_tell_apart(table, (*times.names, own.entity), seconds)
        how = f"Does {near!r} tell several series apart? Then add --entity {near}." if near else how
    raise DataError(f"rows {rows[0]} and {rows[1]} are both at {times.words} {shown}. {how}")


def _would_tell_apart(table: pa.Table, taken: Sequence[str | None], seconds: Floats) -> str | None:
    """A column, none of those that are taken, within whose values no time is there twice."""
    for name in table.column_names:
        array = joined(table.column(name))
        if name in taken or pa.types.is_floating(array.type) or array.null_count:
            continue
        texts, codes = distinct(array if pa.types.is_string(array.type) else as_texts(array))
        if not 1 < len(texts) <= table.num_rows // 2:
            continue
        pairs = np.stack([codes.astype(np.float64), seconds])
        if len(np.unique(pairs, axis=1).T) == table.num_rows:
            return str(name)
    return None


def _attributes(
    table: pa.Table, config: TrainConfig, order: Ints, begins: Ints, lengths: Ints, times: Times | None,
    notes: list[str],
) -> list[str]:  # fmt: skip
    """Columns that are the same at every step of a series: those that were named, or are found to be so."""
    own = config.own(SeriesOptions)
    if not own.attributes and (len(lengths) < 2 or own.entity is None):
        return []
    taken = {own.entity, *(times.names if times else ())}
    typed = {option.rpartition("=")[0]: option.rpartition("=")[2] for option in config.column}
    found = []
    for name in table.column_names:
        if name in taken or typed.get(name) in ("drop", "text") or (own.attributes and name not in own.attributes):
            continue
        coded = _coded(joined(table.column(name)).take(pa.array(order)))
        codes = np.asarray(coded.indices.fill_null(-1), dtype=np.int64)
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


def _grid_like(like: Layout, series: Series) -> Grid | None:
    """The distance that other series have; None where theirs differs from step to step.

    Raises:
        DataError: these are not on it.
    """
    grid = None if like.times is None else like.times.grid
    if grid is None or series.times is None:
        return None
    if np.isnan(grid.between(np.repeat(series.times[series.begins], series.lengths), series.times)).any():
        raise DataError(
            f"the times are not {grid.words} apart, as those of the series that train. Bring series of that distance."
        )
    return grid


def _num_absent(series: Series, grid: Grid) -> int:
    """How many steps of the grid, from the first to the last of each series, have no row."""
    assert series.times is not None
    starts, ends = series.times[series.begins], series.times[series.begins + series.lengths - 1]
    return int((grid.between(starts, ends) + 1).sum()) - len(series.times)


def with_distances(series: Series) -> Series:
    """The series with the channel of distances that those with absent or irregular steps have; else as they are."""
    times = series.layout.times
    if times is None or times.step is None or series.times is None or times.step in series.steps.column_names:
        return series
    return _with_distances(series, times.step, times.grid)


def _with_distances(series: Series, name: str, grid: Grid | None) -> Series:
    """The series with the distance of each step from the one before, in steps of a grid or in seconds, as a channel."""
    assert series.times is not None
    begins = series.begins
    places = series.times
    if grid is not None:
        places = grid.between(np.repeat(places[begins], series.lengths), places)
    distance = np.diff(places, prepend=np.nan)
    following = np.append(distance[1:], np.nan)
    distance[begins] = np.where(series.lengths == 1, np.nan, following[begins])
    distance = np.where(np.isnan(distance), float(np.nanmedian(distance)), distance)
    cells = distance if grid is None else np.rint(distance).astype(np.int64)
    return replace(series, steps=series.steps.append_column(name, pa.array(cells)))


def find_times(table: pa.Table, config: TrainConfig, codes: Ints, notes: list[str]) -> tuple[Times, Floats] | None:
    """The times that `time` names, or that are found, of all rows [M]; None where there are none.

    table: [M] rows. codes: [M], which series each is of.

    Raises:
        DataError: the column holds no times, or not in every row.
    """
    if names := _time_names(config.own(SeriesOptions), table.column_names):
        return _times_of(table, names, config)
    found, wrong = [], None
    for names in _candidates(table, config):
        try:
            times, seconds = _times_of(table, names, config)
        except DataError as error:
            wrong = wrong or error
            continue
        apart = _distances(seconds, codes, np.argsort(codes, kind="stable"))
        # what is the same at all steps of every series, such as a date of birth, is no time of steps
        if apart.any() and (times.dates or (apart > 0).all()):
            found.append((times, seconds))
    once = (one for one in found if _distances(one[1], codes, np.lexsort((one[1], codes))).all())
    best = next(once, found[0] if found else None)
    if best is not None:
        words, first = best[0].words, best[0].names[0]
        notes.append(f"time: {words}. Override with --time COLUMN, or --column {first}=drop for none.")
    elif wrong is not None:
        raise wrong
    else:
        notes.append("time: none found, so the steps follow one another as the rows do. Name one: --time COLUMN.")
    return best


def _candidates(table: pa.Table, config: TrainConfig) -> list[list[str]]:
    """Columns that may be the time, the likeliest first."""
    own = config.own(SeriesOptions)
    dropped = {
        option.rpartition("=")[0] for option in config.column if not option.endswith(("=number", "=datetime", "=date"))
    }
    dropped -= {option.rpartition("=")[0] for option in config.column if "=datetime:" in option}
    open_columns = [n for n in table.column_names if n not in (own.entity, *own.attributes) and n not in dropped]
    head = table.select(open_columns).slice(0, LOOKED_AT)
    schema = _kinds(head, config)
    found = [[name] for name in open_columns if schema.get(name) == "datetime"]
    lower = {name.lower(): name for name in reversed(open_columns)}
    parts = [lower[unit] for unit in takewhile(lower.__contains__, TIME_UNITS)]
    if len(parts) >= 2:
        found.append(parts)
    clocks = [name for name in open_columns if schema.get(name) == "clock"]
    found += [[name, clock] for name in open_columns if schema.get(name) == "datetime" for clock in clocks]
    return found + [[lower[n]] for n in TIME_NAMES if n in lower and schema.get(lower[n]) in ("number", "identifier")]


def _kinds(head: pa.Table, config: TrainConfig) -> dict[str, str]:
    typed = tuple(option for option in config.column if option.rpartition("=")[0] in head.column_names)
    try:
        schema = infer(Records(head, _NOWHERE), replace(config, column=typed), notes=[])
    except DataError:  # nothing to learn in these rows, say; what is wrong shows when all are looked at
        return {}
    return {column.name: "clock" if _is_clock(column) else column.type for column in schema.columns}


def _is_clock(column: Column) -> bool:
    """Whether it holds times of the day alone."""
    return column.dates is not None and not (
        is_digits(column.dates.format) or any(d in column.dates.format for d in ("%Y", "%y", "%b", "%B", "%G"))
    )


def _times_of(table: pa.Table, names: list[str], config: TrainConfig) -> tuple[Times, Floats]:
    if len(names) > 1 and all(name.lower() in TIME_UNITS for name in names):
        return _times_in_parts(table, names)
    if len(names) == 2:
        (day, days), (clock, clocks) = (_times_of(table, [name], config) for name in names)
        if day.dates and clock.dates and _is_clock(clock.columns[0]) and not (days % 86400).any():
            return Times((*day.columns, *clock.columns)), days + clocks
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
    return Times((column,)), values.data.astype(np.float64)


def _time_column(table: pa.Table, name: str, config: TrainConfig) -> Column:
    own = [option for option in config.column if option.rpartition("=")[0] == name]
    alone = Records(table.select([name]), _NOWHERE)
    for forced in (tuple(own), (f"{name}=datetime",), (f"{name}=number",)):
        try:
            column = infer(alone, TrainConfig(column=forced, missing=config.missing), notes=[]).columns[0]
        except DataError:
            continue
        # What is said to be a date for a trial alone may be a counter: 5000, 5001, … are no days of a spreadsheet.
        counts = column.dates is not None and column.dates.format[:2] in ("%x", "%s") and forced != tuple(own)
        if column.type in ("datetime", "number") and not counts:
            return column
    raise DataError(
        f"--time {name}: its cells are no times. Name another column, or say how they are written with --column "
        f"{name}=datetime:%d/%m/%Y."
    )


def _times_in_parts(table: pa.Table, names: list[str]) -> tuple[Times, Floats]:
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
    return Times(tuple(columns)), (first + day - 1) * 86400.0 + hour * 3600.0 + minute * 60.0 + second


def _distances(seconds: Floats, codes: Ints, order: Ints) -> Floats:
    """How far each step is from the one before of its series, the rows in this order."""
    return np.asarray(np.diff(seconds[order])[np.diff(codes[order]) == 0])
