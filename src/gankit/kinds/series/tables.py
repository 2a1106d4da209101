"""Tables with a step a row as series: which column is the time, which tells series apart, which belong to a whole one.

Knows columns and times; never codecs, torch or networks.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import takewhile

import numpy as np
import pyarrow as pa

from gankit.columns.column import Column
from gankit.columns.dates import is_digits
from gankit.columns.identifiers import names_identifiers
from gankit.columns.inference import infer
from gankit.columns.rows import Rows, parsed_at
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, nearest
from gankit.io.records import Origin, Records, as_texts, distinct, joined
from gankit.kinds.series.clocks import over_clock_changes
from gankit.kinds.series.options import SeriesOptions
from gankit.kinds.series.records import (
    DAY,
    TIME_UNITS,
    Floats,
    Grid,
    Ints,
    Layout,
    Series,
    Times,
    find_grid,
    with_layout,
)

MANY_TWICE = 0.1  # where so large a share of the rows share their time with another, they may be of several series
MANY_NUMBERED = 9  # from so many columns on that are numbered one after another they may be steps
FEWEST = 48  # rows of a table that may be meant as series
NUMBER_NAMES = ("series", "series_number", "number_of_series")  # of the column that tells the series of fakes apart
LOOKED_AT = 5000  # rows that are looked at to find out what columns are times
PART_RANGES = {
    "year": (0, 9999),
    "month": (1, 12),
    "day": (1, 31),
    "hour": (0, 24),
    "minute": (0, 59),
    "second": (0, 60),
}
"""From where to where the parts of a time go; hours from 0 to 23, or from 1 to 24."""
CLOCKS = ("%H.%M.%S", "%H", "%H%M", "%-H%M")  # of the day, told from numbers and codes by what they are for
COUNTERS = ("time", "timestamp", "t", "step", "seconds", "x")  # of numbers that go on anew without a column beside them
HOUR_NAMES = ("hour", "hours", "hr", "hrs", "h", "hh", "hhmm", "time")  # of the hours that stand beside a day
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
    check_names(table, own)
    entities = entities_of(table, named(own.entity or (), table.column_names))
    timeless = like is not None and like.times is None
    times, seconds, entities = (None if timeless else find_times(table, config, entities, notes)) or (
        None,
        None,
        entities,
    )
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
        what = f"every series of --entity {entities.words} has one step" if entities.columns else "there is one step"
        raise DataError(f"{what}, and a series needs two at least. Is it a table? Then take --kind table.")
    series = Series(table, lengths, None, None, records.origin, entities.names)
    grid = step_name = None
    if times is not None and seconds is not None:
        series = replace(series, times=seconds[order])
        _refuse_twice(table, entities, times, seconds, order)
        grid = find_grid(seconds[order], begins, lengths, times.dates) if like is None else _grid_like(like, series)
    attributes = _attributes(table, config, order, begins, lengths, times, entities, notes)
    rest, attributes = rest_of(table.column_names, attributes, entities, times, config, like is None, notes)
    labels = table.select(attributes).take(pa.array(order[begins])) if attributes else None
    series = replace(series, steps=table.select(rest).take(pa.array(order)), labels=labels)
    if times is not None:
        absent = 0 if grid is None else num_absent(series, grid)
        if (grid is None or absent) if like is None or like.times is None else like.times.step is not None:
            step_name = step_name_of(times, table.column_names)
            series = _with_distances(series, step_name, grid)
            notes.append(absent_words(times, grid, absent, len(order)))
    number = next(name for name in (*NUMBER_NAMES, "") if name not in table.column_names)
    found = None if times is None else replace(times, grid=grid, step=step_name)
    layout = Layout("table", tuple(table.column_names), number, entities.columns, found)
    return replace(series, origin=with_layout(records.origin, layout))


def rest_of(
    names: Sequence[str], attributes: Sequence[str], entities: Entities, times: Times | None, config: TrainConfig,
    is_first: bool, notes: list[str],
) -> tuple[list[str], list[str]]:  # fmt: skip
    """Of the columns of a table those of the channels, and those that belong to whole series.

    attributes: found to be the same at every step. is_first: whether these are no series like others.

    Raises:
        DataError: there are no channels.
    """
    taken = (*attributes, *entities.known, *(times.names if times else ()))
    rest = [name for name in names if name not in taken]
    if not rest:
        raise DataError("no column is left whose values change from step to step. Bring some, or take --kind table.")
    if len(entities.columns) > 1 and is_first and entities.new not in config.given:
        notes.append(
            f"entity: samples have new names of {entities.new}, and of the rest those that occur. Override with "
            f"--given {entities.new}."
        )
    return rest, [*(n for n in entities.known if n in config.given or n != entities.new), *attributes]


def step_name_of(times: Times, names: Sequence[str]) -> str:
    """What the channel of distances from step to step is called beside columns of these names."""
    name = f"{times.words} step"
    while name in names:
        name += "_"
    return name


def absent_words(times: Times, grid: Grid | None, absent: int, num_steps: int) -> str:
    """Why there is such a channel: steps of the grid are absent, or there is none."""
    if grid is None:
        return f"{times.words}: no regular distance, so the distance from step to step is learned too"
    return (
        f"{absent:,} of {absent + num_steps:,} steps {grid.words} apart are absent; samples leave steps out too. Fill "
        "them in to have a row for each."
    )


def named(stated: Sequence[str], names: Sequence[str]) -> list[str]:
    """The columns that an option names, of these in a table: "a+b" is both where there is no column of that name."""
    parts = [[text] if text in names else text.split("+") for text in stated]
    return list(dict.fromkeys(name for part in parts for name in part))


def _time_names(own: SeriesOptions, names: Sequence[str]) -> list[str]:
    """The columns that `--time` names; none where it is open."""
    return [] if own.time is None else named([own.time], names)


def check_names(table: pa.Table, own: SeriesOptions) -> None:
    """Refuses options that name a column that there is not, or one for two things.

    Raises:
        OptionError: they do.
    """
    names = table.column_names
    asked = [("time", own.time, part) for part in _time_names(own, names)]
    entity = named(own.entity or (), names)
    asked += [("entity", "+".join(own.entity or ()), part) for part in entity]
    asked += [("attributes", name, name) for name in own.attributes]
    for flag, name, part in asked:
        if part not in names:
            raise OptionError(f"--{flag} {name}: there is no column {part!r}. {nearest(part, names)}")
    for name in entity:
        if name in (*_time_names(own, names), *own.attributes):
            raise OptionError(f"--entity {name}: the same column cannot be the time or an attribute too.")


@dataclass(frozen=True)
class Entities:
    """Which rows are of which series.

    codes: [M], the series of each row, in the order of their first rows.
    columns: those that tell them apart together. names: [N], their cells; None where there are none.
    new: the column of the most different cells, which samples have new ones of.
    """

    codes: Ints
    columns: tuple[Column, ...] = ()
    names: pa.Table | None = None
    new: str = ""

    @property
    def known(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def words(self) -> str:
        """The columns as `--entity` names them."""
        return "+".join(self.known)


def entities_of(table: pa.Table, names: Sequence[str]) -> Entities:
    """The series that columns of these names tell apart; all rows are of one where there are none.

    Raises:
        DataError: a cell is empty.
    """
    codes, columns, sizes = np.zeros(table.num_rows, dtype=np.int64), [], {}
    for name in names:
        array = joined(table.column(name))
        if array.null_count:
            row = int(np.flatnonzero(np.asarray(array.is_null()))[0])
            raise DataError(f"--entity {name}: row {row + 1} has none. Fill it in, or leave such rows out.")
        cells = coded(array)
        columns.append(_entity_column(name, cells.dictionary, array.type))
        sizes[name] = len(cells.dictionary)
        codes = codes * sizes[name] + np.asarray(cells.indices, dtype=np.int64)
        if len(names) > 1:  # again in the order of their first rows, and no larger than there are rows
            codes = np.asarray(coded(pa.array(codes)).indices, dtype=np.int64)
    if not columns:
        return Entities(codes)
    first = pa.array(np.unique(codes, return_index=True)[1])
    return Entities(codes, tuple(columns), table.select(list(names)).take(first), max(names, key=sizes.__getitem__))


def coded(array: pa.Array) -> pa.DictionaryArray:
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


def _refuse_twice(table: pa.Table, entities: Entities, times: Times, seconds: Floats, order: Ints) -> None:
    codes = entities.codes
    twice = np.flatnonzero((np.diff(seconds[order]) == 0) & (np.diff(codes[order]) == 0))
    if not len(twice):
        return
    rows = sorted(int(order[i]) + 1 for i in (twice[0], twice[0] + 1))
    cell = as_texts(joined(table.column(times.names[-1])))[rows[0] - 1].as_py().removesuffix(".000000")
    shown = f"{cell!r}" if len(times.names) == 1 else "the same time"
    how = "Leave one of them out, or name the column that tells series apart with --entity."
    if len(twice) >= MANY_TWICE * len(order):
        near = _would_tell_apart(table, (*times.names, *entities.known), seconds, codes)
        named = "+".join((*entities.known, near))
        how = f"Does {near!r} tell several series apart? Then add --entity {named}." if near else how
    raise DataError(f"rows {rows[0]} and {rows[1]} are both at {times.words} {shown}. {how}")


def _would_tell_apart(table: pa.Table, taken: Sequence[str], seconds: Floats, series: Ints) -> str:
    """A column, none of those that are taken, within whose values no time of a series is there twice; "" for none."""
    for name in table.column_names:
        array = joined(table.column(name))
        if name in taken or pa.types.is_floating(array.type) or array.null_count:
            continue
        texts, codes = distinct(array if pa.types.is_string(array.type) else as_texts(array))
        if not 1 < len(texts) <= table.num_rows // 2:
            continue
        order = np.lexsort((seconds, codes, series))
        same = (np.diff(seconds[order]) == 0) & (np.diff(codes[order]) == 0) & (np.diff(series[order]) == 0)
        if not same.any():
            return str(name)
    return ""


def _attributes(
    table: pa.Table, config: TrainConfig, order: Ints, begins: Ints, lengths: Ints, times: Times | None,
    entities: Entities, notes: list[str],
) -> list[str]:  # fmt: skip
    """Columns that are the same at every step of a series: those that were named, or are found to be so."""
    own = config.own(SeriesOptions)
    if not own.attributes and len(lengths) < 2:
        return []
    taken = {*entities.known, *(times.names if times else ())}
    found = []
    for name in table.column_names:
        if not is_attribute(name, taken, config):
            continue
        cells = coded(joined(table.column(name)).take(pa.array(order)))
        codes = np.asarray(cells.indices.fill_null(-1), dtype=np.int64)
        changes = codes != np.repeat(codes[begins], lengths)
        if not changes.any() and (own.attributes or len(np.unique(codes)) > 1):
            found.append(name)
        elif own.attributes:
            at = int(np.flatnonzero(changes)[0])
            where = "of a series" if len(lengths) > 1 else "of the one series that there is (--entity tells more apart)"
            raise DataError(
                f"--attributes {name}: it is not the same at every step {where}; row {int(order[at]) + 1} is the first "
                "that differs. Leave it out, and it is learned step by step."
            )
    if found and not own.attributes:
        notes.append(f"the same at every step of a series: {', '.join(found)}. Override with --attributes COLUMN.")
    return found


def is_attribute(name: str, taken: Collection[str], config: TrainConfig) -> bool:
    """Whether a column may be the same at every step of a series: none that is `taken`, or was said to be no such."""
    asked = config.own(SeriesOptions).attributes
    typed = {option.rpartition("=")[0]: option.rpartition("=")[2] for option in config.column}
    return name not in taken and typed.get(name) not in ("drop", "text") and (not asked or name in asked)


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


def num_absent(series: Series, grid: Grid) -> int:
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


def find_times(
    table: pa.Table, config: TrainConfig, entities: Entities, notes: list[str]
) -> tuple[Times, Floats, Entities] | None:
    """The times that `time` names, or that are found, of all rows [M], and the series; None where there are none.

    table: [M] rows. entities: the series as far as columns that the user named tell.

    Raises:
        DataError: the column holds no times, or not in every row.
    """
    if names := _time_names(config.own(SeriesOptions), table.column_names):
        times, seconds = times_of(table, names, config)
        return times, seconds, _sequences(table, times, seconds, entities, notes)
    found, repeated, wrong = [], [], None
    open_columns = _open_columns(table, config)
    head = table.select(open_columns).slice(0, LOOKED_AT)
    columns = _looked_at(head, config)
    candidates = _candidates(columns, open_columns)
    if not entities.columns:
        candidates += [[name] for name in _counters(head, columns)]
    for names in candidates:
        try:
            times, seconds = times_of(table, names, config)
        except DataError as error:
            wrong = wrong or error
            continue
        said: list[str] = []
        series = _sequences(table, times, seconds, entities, said)
        apart = _distances(seconds, series.codes, np.argsort(series.codes, kind="stable"))
        name = names[0].lower()
        if not times.dates and not series.columns and not (name in TIME_NAMES if not said else name in COUNTERS):
            if said:  # the hours of one day after another, or a counter of no telling name
                repeated.append((times.words, seconds))
            continue
        # what is the same at all steps of every series, such as a date of birth, is no time of steps
        if not times.dates and (apart <= 0).any() and names[0].lower() in TIME_NAMES:
            repeated.append((times.words, seconds))
        elif apart.any():
            found.append((times, seconds, series, said))
    once = (f for f in found if _distances(f[1], f[2].codes, np.lexsort((f[1], f[2].codes))).all())
    best = next(once, found[0] if found else None)
    if best is not None:
        words, first = best[0].words, best[0].names[0]
        notes.append(f"time: {words}. Override with --time COLUMN, or --column {first}=drop for none.")
        notes += best[3]
        return best[:3]
    if wrong is not None:
        raise wrong
    near = "COLUMN"
    for words, seconds in repeated:
        if who := _would_tell_apart(table, (words, *entities.known), seconds, entities.codes):
            near = f"{words} --entity {'+'.join((*entities.known, who))}"
        elif words.lower() not in TIME_UNITS and starts_anew(seconds) is not None:
            near = words
    notes.append(f"time: none found, so the steps follow one another as the rows do. Name one: --time {near}.")
    numbered = [re.fullmatch(r"(\D*)(\d{1,9})", name) for name in table.column_names]
    places = [(part[1], int(part[2]) - place) for place, part in enumerate(numbered) if part]
    if len(numbered) == len(places) >= MANY_NUMBERED and len(set(places)) == 1:
        notes.append(
            f"columns {table.column_names[0]} to {table.column_names[-1]} are channels of one series. If each row is a "
            "series, or each column one, bring an array [series, steps] (.npy)."
        )
    return None


def starts_anew(seconds: Floats) -> Ints | None:
    """The sequences [M] of which times [M] go back to their start; None where they do not."""
    falls = np.flatnonzero(np.diff(seconds) <= 0) + 1
    begins, ends = np.append(0, falls), np.append(falls, len(seconds)) - 1
    lengths = ends - begins + 1
    if not len(falls) or len(seconds) - lengths.max() < MANY_TWICE * len(seconds):
        return None
    if seconds[begins].max() > ((seconds[begins] + seconds[ends]) / 2).min():
        return None
    return np.repeat(np.arange(len(begins)), lengths)


def _sequences(table: pa.Table, times: Times, seconds: Floats, entities: Entities, notes: list[str]) -> Entities:
    """The series that the times tell apart where no column was named for it, with the column that goes along."""
    codes = None if entities.columns else starts_anew(seconds)
    if codes is None:
        return entities
    others = [name for name in table.column_names if name not in times.names]
    if times.names[0].lower() not in TIME_NAMES:  # a counter of entities at every time
        others = [name for name in others if name.lower() not in TIME_NAMES]
    others = [name for name in others if not pa.types.is_floating(table.schema.field(name).type)]
    name = next((n for n in others if _goes_along(np.asarray(coded(joined(table.column(n))).indices), codes)), None)
    how = "in the order of the rows" if name is None else f"as {name} tells"
    notes.append(
        f"{times.words} goes back to its start: {int(codes[-1]) + 1:,} series, {how}. Override with --entity COLUMN."
    )
    return Entities(codes) if name is None else entities_of(table, [name])


def _goes_along(cells: Ints | Floats, codes: Ints) -> bool:
    """Whether cells [M] are the same in all of a sequence, and others in every sequence."""
    changes = np.diff(codes) > 0
    if not np.array_equal(np.diff(cells) != 0, changes):
        return False
    return len(np.unique(cells[np.append(0, np.flatnonzero(changes) + 1)])) == int(codes[-1]) + 1


def _counts(numbers: Floats) -> bool:
    """Whether numbers [M] rise by the same from row to row, but for rows at which they fall."""
    steps = np.diff(numbers)
    rises = steps[steps > 0]
    return len(rises) > 0 and bool((steps != 0).all() and np.ptp(rises) <= 1e-6 * rises[0])


def _open_columns(table: pa.Table, config: TrainConfig) -> list[str]:
    """The columns of which nothing says that they are no times."""
    own = config.own(SeriesOptions)
    dropped = {
        option.rpartition("=")[0] for option in config.column if not option.endswith(("=number", "=datetime", "=date"))
    }
    dropped -= {option.rpartition("=")[0] for option in config.column if "=datetime:" in option}
    taken = {*named(own.entity or (), table.column_names), *own.attributes, *dropped}
    return [name for name in table.column_names if name not in taken]


def _candidates(columns: Mapping[str, Column], names: Sequence[str]) -> list[list[str]]:
    """Columns of these names that may be the time, the likeliest first."""
    schema = {name: "clock" if _is_clock(column) else column.type for name, column in columns.items()}
    days = [name for name in names if schema.get(name) == "datetime"]
    lower = {name.lower(): name for name in reversed(names)}
    found = [[name] for name in days]
    parts = [lower[unit] for unit in takewhile(lower.__contains__, TIME_UNITS)]
    if len(parts) >= 2:
        found.append(parts)
    found += [[day, name] for day in days for name in names if schema.get(name) == "clock"]
    hours = [lower[n] for n in HOUR_NAMES if n in lower and schema.get(lower[n]) in ("number", "category")]
    finer = [lower[unit] for unit in takewhile(lower.__contains__, TIME_UNITS[4:])]
    found += [[day, hour, *finer] for day in days for hour in hours]
    return found + [[lower[n]] for n in TIME_NAMES if n in lower and schema.get(lower[n]) in ("number", "identifier")]


def _counters(head: pa.Table, columns: Mapping[str, Column]) -> Iterator[str]:
    """Columns whose names do not say that they are times, and whose numbers rise by the same from row to row."""
    for name, column in columns.items():
        open_name = name.lower() not in TIME_NAMES and not names_identifiers(name)
        if column.type == "number" and open_name and _counts(column.parse(joined(head.column(name))).data):
            yield name


def _looked_at(head: pa.Table, config: TrainConfig) -> dict[str, Column]:
    typed = tuple(option for option in config.column if option.rpartition("=")[0] in head.column_names)
    try:
        schema = infer(Records(head, _NOWHERE), replace(config, column=typed), notes=[])
    except DataError:  # nothing to learn in these rows, say; what is wrong shows when all are looked at
        return {}
    return {column.name: column for column in schema.columns}


def _is_clock(column: Column) -> bool:
    """Whether it holds times of the day alone."""
    return column.dates is not None and not (
        is_digits(column.dates.format) or any(d in column.dates.format for d in ("%Y", "%y", "%b", "%B", "%G"))
    )


def times_of(table: pa.Table, names: list[str], config: TrainConfig) -> tuple[Times, Floats]:
    """The times in columns of these names, [M].

    Raises:
        DataError: they hold no times, or not in every row.
    """
    if len(names) > 1:
        return _times_in_parts(table, names, config)
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


def seconds_of(times: Times, table: pa.Table, first: int) -> Floats:
    """The times of some rows, [M], whose columns are known. first: the number of the first of them.

    Raises:
        DataError: a cell holds no time.
    """
    days = [c for c in times.columns if c.type == "datetime" or len(times.columns) == 1]
    values = parsed_at(Schema(tuple(days)), table, first)
    rest = [name for name in times.names if name not in values]
    seconds = _in_numbers(table, rest, TIME_UNITS[3:] if days else TIME_UNITS)[1] if rest else np.zeros(len(table))
    for name, cells in values.items():
        lost = (cells.missing > 0) | np.isnan(cells.data)
        if lost.any():
            row = int(np.flatnonzero(lost)[0]) + first + 1
            raise DataError(f"--time {name}: row {row:,} has no time. Fill it in, or leave such rows out.")
        seconds = seconds + cells.data
    return seconds


def _time_column(table: pa.Table, name: str, config: TrainConfig) -> Column:
    own = [option for option in config.column if option.rpartition("=")[0] == name]
    alone = Records(table.select([name]), _NOWHERE)
    types = ("datetime", "number", *(f"datetime:{form}" for form in CLOCKS))
    for forced in (tuple(own), *((f"{name}={type}",) for type in types)):
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


def _times_in_parts(table: pa.Table, names: list[str], config: TrainConfig) -> tuple[Times, Floats]:
    """A time in several columns: year, month, day, …; a day and a time of day; or a day, hour, minute, …"""
    try:
        return _in_numbers(table, names)
    except DataError as error:
        wrong = error
    try:
        (day, days), (clock, clocks) = (times_of(table, [name], config) for name in names[:2])
        if day.dates and not _is_clock(day.columns[0]) and not (days % DAY).any():
            if len(names) == 2 and clock.dates and _is_clock(clock.columns[0]):
                return Times((*day.columns, *clock.columns)), days + clocks
            times, seconds = _in_numbers(table, names[1:], TIME_UNITS[3:])
            return replace(times, columns=(*day.columns, *times.columns)), days + seconds
    except DataError as error:
        wrong = error
    raise DataError(
        f"--time {'+'.join(names)}: expected year+month+day+… in whole numbers, or a column of days and one of "
        f"times of the day, or day+hour+minute+…: {wrong}"
    )


def _in_numbers(table: pa.Table, names: list[str], units: Sequence[str] = TIME_UNITS) -> tuple[Times, Floats]:
    """Columns of whole numbers for the first of the units."""
    if len(names) > len(units):
        raise DataError(f"there is nothing for {names[len(units)]!r} to be.")
    columns, parts = zip(*(_part(table, *one) for one in zip(names, units, strict=False)), strict=True)
    known = dict(zip(units, parts, strict=False))
    seconds = np.zeros(table.num_rows)
    if "year" in known:
        months = (known["year"] - 1970) * 12 + known.get("month", 1) - 1
        days = months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + known.get("day", 1) - 1
        seconds = days * DAY
    for unit, size in zip(TIME_UNITS[3:], (3600.0, 60.0, 1.0), strict=True):
        seconds = seconds + size * known.get(unit, 0)
    return Times(columns, first_hour=int("hour" in known and known["hour"].max() > 23)), seconds


def _part(table: pa.Table, name: str, unit: str) -> tuple[Column, Ints]:
    """A column of whole numbers as a part of a time."""
    column = infer(Records(table.select([name]), _NOWHERE), TrainConfig(column=(f"{name}=number",))).columns[0]
    values = column.parse(joined(table.column(name)))
    if column.decimals != 0 or (values.missing > 0).any() or np.isnan(values.data).any():
        raise DataError(f"{name!r} holds something else than whole numbers.")
    low, high = PART_RANGES[unit]
    numbers = values.data.astype(np.int64)
    least, most = int(numbers.min()), int(numbers.max())
    if not low <= least <= most <= high or (unit == "hour" and most - least > 23):
        raise DataError(f"{name!r} is no {unit}: it goes from {least} to {most}.")
    return column, numbers


def _distances(seconds: Floats, codes: Ints, order: Ints) -> Floats:
    """How far each step is from the one before of its series, the rows in this order."""
    return np.asarray(np.diff(seconds[order])[np.diff(codes[order]) == 0])


def hint_of_series(rows: Rows, config: TrainConfig) -> str | None:
    """One line where a table has times that go on regularly, or anew with every entity: it may be meant as series."""
    values, table = rows.values, rows.records.table
    known = {c.name: values[c.name].data for c in rows.schema.modelled if not (values[c.name].missing > 0).any()}
    if len(table) < FEWEST:
        return None
    dates = [name for name in known if rows.schema.column(name).type == "datetime"]
    for name in dates:
        if apart := _regular(known[name]):
            return f"column {name!r} goes on by {apart} from row to row: --kind series learns it as such."
    for names in _candidates({c.name: c for c in rows.schema}, [c.name for c in rows.schema]):
        if len(names) == 1:
            continue
        with suppress(DataError):
            apart = _regular(times_of(table.slice(0, LOOKED_AT), names, config)[1])
            if apart and (apart := _regular(times_of(table, names, config)[1])):
                words = "+".join(names)
                return f"columns {words} go on by {apart} from row to row: --time {words} learns a series."
    for name in known:
        counts = rows.schema.column(name).type == "number" and not names_identifiers(name)
        if name not in dates and not (counts and _counts(known[name][:LOOKED_AT]) and _counts(known[name])):
            continue
        if (codes := starts_anew(known[name])) is None:
            continue
        others = (n for n in known if n != name and n.lower() not in TIME_NAMES and _goes_along(known[n], codes))
        if (along := next(others, None)) is not None:
            return f"column {name!r} starts anew with every {along!r}: --time {name} --entity {along} learns series."
    return None


def _regular(seconds: Floats) -> str:
    """How far apart dates [M] in order are, in words; "" where they are not in order, or on no grid."""
    if not (np.diff(seconds) > 0).all():
        return ""
    with suppress(DataError):
        grid = find_grid(seconds, np.zeros(1, np.int64), np.array([len(seconds)]), True)
        return "" if grid is None else grid.words
    return ""
