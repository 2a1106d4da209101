"""Series that do not fit in memory: a table with a step a row, read a batch at a time, its times and cells kept in
files, and windows that are slices of their coded steps.

Knows tables, times and codecs; never torch, networks or the loop.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import IO, Any

import numpy as np
import pyarrow as pa

from gankit.columns.codec import TableCodec
from gankit.columns.column import Column, Values
from gankit.columns.relations.rules import Rules
from gankit.columns.rows import MOST_LOOKS, MOST_STRANGE, naming, num_some, parsed_at, unknown_rows
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import DataError
from gankit.io.large import Large, Some, large_of, limit
from gankit.io.probe import Probe
from gankit.io.reading import without_extensions
from gankit.io.records import as_texts, joined
from gankit.io.rooms import released, unnamed_file
from gankit.kinds.base import Coded
from gankit.kinds.series.clocks import over_clock_changes
from gankit.kinds.series.codec import SeriesCodec
from gankit.kinds.series.options import SeriesOptions
from gankit.kinds.series.records import (
    MOST_ABSENT,
    Floats,
    Grid,
    Ints,
    Layout,
    Series,
    SeriesSet,
    StoredSeries,
    Times,
    find_grid,
    num_steps_of,
    slices,
    with_layout,
)
from gankit.kinds.series.tables import (
    NUMBER_NAMES,
    Entities,
    absent_words,
    check_names,
    coded,
    entities_of,
    find_times,
    is_attribute,
    named,
    num_absent,
    rest_of,
    seconds_of,
    step_name_of,
    times_of,
)

SWEPT = 1 << 18
"""Steps that are looked at together where all are, one part after the other."""

BYTES_A_WINDOW = 256
"""The windows of series beyond memory are so far apart that so many bytes of what is allowed are there for each; or so
near that there are `FEW_WINDOWS`."""

FEW_WINDOWS = 100_000

FEW_RECORDS = 500
"""Records at the least that say how channels are coded, and that are held out."""

COPIES = 8
"""Windows that have to be coded one by one (gaps, scales of their own) hold each step about so often at the most, where
nobody says how far apart they are."""

MOST_TIMES, STRETCHES = 200_000, 200
"""Steps among which the distance from step to step is looked for, the first ones of so many series evenly apart."""


@dataclass(frozen=True)
class LargeSeries:
    """Series in a table that does not fit in memory.

    series: all of them, but for `steps`, which are those of `some` alone. some: rows that say what the columns are.
    distances: [M] the channel of distances from step to step, where there is one. most: steps that are looked at.
    """

    large: Large
    some: Some
    series: Series
    distances: np.ndarray | None
    most: int
    most_windows: int

    def parsed(self, understood: Callable[[Series], Schema], rows: Sequence[str]) -> tuple[Schema, dict[str, Values]]:
        """What the channels are, and the cells of all steps, in files.

        understood: the channels of some steps. rows: the columns of those.

        Raises:
            DataError: a cell is of another type than its column, or a file has changed.
        """
        some = self.some
        for _ in range(MOST_LOOKS + 1):
            schema = understood(replace(self.series, steps=self._steps(some.table, some.places, rows)))
            found = self._cells(schema, rows)
            if isinstance(found, dict):
                return schema, found
            some = some.joined(*found)
        raise DataError(
            f"some rows have cells that are unlike all that were looked at, also after {MOST_LOOKS} looks. Give more "
            "memory with --memory, or leave the columns out that are so."
        )

    def _steps(self, table: pa.Table, places: np.ndarray | slice, rows: Sequence[str]) -> pa.Table:
        """The channels of some rows; places: which they are."""
        times = self.series.layout.times
        own = times.step if times is not None else None
        steps = without_extensions(table.select([name for name in rows if name != own]))
        if self.distances is None or times is None or own is None:
            return steps
        apart = np.asarray(self.distances[places])
        return steps.append_column(own, pa.array(apart if times.grid is None else apart.astype(np.int64)))

    def _cells(self, schema: Schema, rows: Sequence[str]) -> dict[str, Values] | tuple[pa.Table, np.ndarray]:
        """The cells of all steps; or rows with cells that no column knows, and which they are."""
        columns = schema.modelled
        types = {c.name: np.dtype(np.int32 if c.type == "category" else np.float64) for c in columns}
        strange, places = list[pa.Table](), list[np.ndarray]()
        with ExitStack() as stack:
            num_steps = int(self.series.lengths.sum())
            pairs = {}
            for name, dtype in types.items():
                pairs[name] = _file(stack, num_steps * dtype.itemsize), _file(stack, num_steps)
            end = 0
            for chunk in self.large.chunks():
                first, end = end, end + len(chunk)
                values = parsed_at(schema, self._steps(chunk, slice(first, end), rows), first)
                refuse_huge(values, first)
                unknown = unknown_rows(schema, values)[:MOST_STRANGE]
                if len(unknown):
                    strange.append(chunk.take(unknown))
                    places.append(unknown + first)
                    if sum(map(len, places)) >= MOST_STRANGE:
                        break
                if strange:
                    continue  # nothing that is kept now will be used
                for name, (data, missing) in pairs.items():
                    data.write(values[name].data.astype(types[name], copy=False).tobytes())
                    missing.write(values[name].missing.astype(np.int8, copy=False).tobytes())
            if strange:
                return pa.concat_tables(strange), np.concatenate(places)
            return {
                name: Values(_mapped(data, types[name], num_steps), _mapped(missing, np.dtype(np.int8), num_steps))
                for name, (data, missing) in pairs.items()
            }

    def few(self, part: SeriesSet, columns: Sequence[Column] = (), also: Ints | None = None) -> SeriesSet:
        """As many records as there is room for, spread over all, with cells in memory; with the `columns` also those
        with the least and the largest number, every level and every missing cell. also: further ones.
        """
        mean = float(part.lengths.mean())
        rows, (first, ends) = np.arange(len(part)), _spans(part)
        if int((ends - first).sum()) > self.most:
            rows = np.linspace(0, len(part) - 1, max(FEW_RECORDS, int(self.most / mean))).astype(np.int64)
            found = [rows, *([] if also is None else [also])]
            if columns:
                found.append(_telling(part, columns))
            rows = np.unique(np.concatenate(found))
        return compact(part.take(rows))

    def stored(
        self, part: SeriesSet, some: SeriesSet, codec: SeriesCodec, given: TableCodec | None, stride: int | None,
        notes: list[str],
    ) -> StoredSeries:  # fmt: skip
        """All training records, coded in a file: as slices of their steps, or where a window's numbers depend on the
        whole window, one by one. some: those in memory. stride: as the user said.
        """
        size = codec.spec.compact_dim // codec.num_steps
        rows: np.ndarray | None = None
        if codec.by_step is not None and int(part.lengths.min()) == codec.num_steps:
            num_steps, rows = num_steps_of(part), part.begins
            with ExitStack() as stack:
                file = _file(stack, 4 * num_steps * size)
                for _, cells in _swept(part.cells, num_steps):
                    own = np.arange(len(next(iter(cells.values())).data))
                    file.write(codec.by_step.encode(SeriesSet({}, cells, own, np.ones_like(own))).tobytes())
                steps = _mapped(file, np.dtype(np.float32), num_steps, size)
            x = slices(steps, codec.num_steps)
        else:
            if stride is None and len(part) > 1 and int(part.lengths.min()) == int(part.lengths.max()):
                apart = int(part.begins[1] - part.begins[0])
                fewer = -(-codec.num_steps // COPIES) // apart
                if fewer > 1:
                    part = part.take(np.arange(0, len(part), fewer))
                    notes.append(
                        f"windows: {fewer * apart} steps apart on disk, since gaps, numbers that stand in very many "
                        "steps, or scales of their own are coded window by window. Override with --stride."
                    )
            with ExitStack() as stack:
                file = _file(stack, 4 * len(part) * codec.num_steps * size)
                begin = 0
                while begin < len(part):
                    end = max(begin + 1, int(np.searchsorted(part.begins, part.begins[begin] + SWEPT // 8)))
                    file.write(codec.encode(compact(part.take(np.arange(begin, end)))).tobytes())
                    begin = end
                x = _mapped(file, np.dtype(np.float32), len(part), codec.num_steps, size)
        codes = None if given is None else np.floor(given.encode(part.values)).astype(np.int16)
        return StoredSeries(
            some.values, some.cells, some.begins, some.lengths, some.apart, coded=Coded(x, rows, given=codes)
        )


def broken_rules(rules: Rules, cells: Mapping[str, Values]) -> Counter[str]:
    """The rules that some step of all breaks, and how many do."""
    broken = Counter[str]()
    if len(rules):
        num_steps = len(next(iter(cells.values())).data)
        for begin, part in _swept(cells, num_steps):
            shares, _ = rules.shares(part)
            num = min(SWEPT, num_steps - begin)
            broken.update({text: round(share * num) for text, share in shares.items() if share > 0})
    return broken


def refuse_huge(values: Mapping[str, Values], first: int = 0) -> None:
    """Refuses numbers that have no squares, of which there is no mean deviation. first: the number of the first row."""
    for name, cells in values.items():
        huge = np.abs(cells.data) > HUGE if cells.data.dtype.kind == "f" else np.zeros(0, bool)
        if huge.any():
            raise DataError(
                f"column {name!r}, row {first + int(huge.argmax()) + 1:,}: {cells.data[huge.argmax()]:.6g} is too "
                f"large to learn from ({int(huge.sum()):,} such numbers). Scale them, or declare them missing with "
                "--missing."
            )


HUGE = 1e100
"""Larger numbers are refused."""


def large_series(probe: Probe, config: TrainConfig, notes: list[str]) -> LargeSeries | None:
    """The series in a table that does not fit in memory; None where it does, or is no table.

    The rows of a series follow each other there, in the order of their times.

    Raises:
        DataError: they do not, or are refused as those in memory are.
    """
    said: list[str] = []
    large = large_of(probe, config, said) if probe.is_bytes and not probe.is_sqlite else None
    if large is None or large.num_bytes <= limit(config):
        return None
    notes += said
    head = without_extensions(next(large.chunks()))
    own, said = config.own(SeriesOptions), list[str]()
    with naming(probe.name):
        check_names(head, own)
        entities = entities_of(head, named(own.entity or (), head.column_names))
        times, seconds, entities = find_times(head, config, entities, said) or (None, None, entities)
        if times is not None and seconds is not None:
            likely, _ = over_clock_changes(head, times, seconds, entities.codes, [], None)
            if not likely.zone:  # local times that a clock shows twice are told by their order
                times, _ = over_clock_changes(head, times, seconds, entities.codes, said, None)
    with ExitStack() as stack:
        walk = _Walk(config, times, entities, head, _file(stack, 8 * large.num_rows), large.place)
        some = large.some(num_some(large, config), config.seed, said, walk.look)
        lengths, starts, at = walk.found(some.num_rows)
        series, distances = _laid_out(large, some, config, walk, lengths, starts, at, said)
    shown, right = f": {int(entities.codes[-1]) + 1:,} series,", f": {len(lengths):,} series,"
    notes += [text.replace(shown, right) for text in said]
    most, allowed = num_some(large, config), limit(config)
    notes.append(
        f"rows: {some.num_rows:,}, which would take about {large.num_bytes / 1e9:,.2g} GB in memory where "
        f"{allowed / 1e9:,.2g} are allowed (--memory). {len(some.places):,} of them say what the columns are, and "
        f"about {min(most, some.num_rows):,} how these are coded; all are checked, and trained on from disk"
    )
    windows = max(FEW_WINDOWS, allowed // BYTES_A_WINDOW)
    return LargeSeries(large, some, series, distances, most, windows)


class _Walk:
    """Walks over all rows once: where series begin, their times, and which columns are the same throughout a series.

    head: the first rows. file: takes the times, [M] float64.
    """

    def __init__(
        self, config: TrainConfig, times: Times | None, entities: Entities, head: pa.Table, file: IO[bytes], place: str
    ) -> None:
        self.times, self.entities, self.file, self.place = times, entities, file, place
        self.anew = not entities.columns and len(np.unique(entities.codes)) > 1
        taken = {*entities.known, *(times.names if times else ())}
        many = bool(entities.columns) or self.anew
        asked = config.own(SeriesOptions).attributes
        self.same = [n for n in head.column_names if (many or asked) and is_attribute(n, taken, config)]
        self.differs: dict[str, int] = {}  # of columns that change within a series, the first row that does
        self._last: pa.Table | None = None
        self._last_s, self.low, self.high = -np.inf, np.inf, -np.inf
        self._starts, self._at = list[pa.Table](), list[Ints]()

    def look(self, chunk: pa.Table, first: int) -> None:
        """See `Large.some`."""
        chunk = without_extensions(chunk)
        begins = np.zeros(len(chunk), dtype=bool)
        begins[0] = first == 0
        for name in self.entities.known:
            column = joined(chunk.column(name))
            if column.null_count:
                row = int(np.flatnonzero(np.asarray(column.is_null()))[0]) + first
                raise DataError(f"--entity {name}: row {row + 1:,} has none. Fill it in, or leave such rows out.")
            begins |= self._changes(column, name)
        if self.times is not None:
            seconds = seconds_of(self.times, chunk, first)
            apart = np.diff(seconds, prepend=self._last_s)
            if self.anew:
                begins |= apart <= 0
            elif (back := np.flatnonzero((apart <= 0) & ~begins)).size:
                raise self._out_of_order(chunk, int(back[0]), first)
            self._last_s = float(seconds[-1])
            self.low, self.high = min(self.low, float(seconds.min())), max(self.high, float(seconds.max()))
            self.file.write(seconds.tobytes())
        for name in list(self.same):
            changes = np.flatnonzero(self._changes(joined(chunk.column(name)), name) & ~begins)
            if len(changes):
                self.same.remove(name)
                self.differs[name] = int(changes[0]) + first
        at = np.flatnonzero(begins)
        self._starts.append(chunk.select([*self.entities.known, *self.same]).take(at))
        self._at.append(at + first)
        self._last = chunk.slice(len(chunk) - 1)

    def _changes(self, column: pa.Array, name: str) -> np.ndarray:
        """Whether the cell of each row is another than that of the row before."""
        if self._last is not None:
            column = joined(pa.chunked_array([joined(self._last.column(name)).cast(column.type), column]))
        codes = np.asarray(coded(column).indices.fill_null(-1), dtype=np.int64)
        changes = np.diff(codes) != 0
        return changes if self._last is not None else np.append(False, changes)

    def _out_of_order(self, chunk: pa.Table, row: int, first: int) -> DataError:
        assert self.times is not None
        cell = as_texts(joined(chunk.column(self.times.names[-1])))[row].as_py()
        how = f"of each {self.entities.words} together and " if self.entities.columns else ""
        more = "" if self.entities.columns else ", name the column that tells series apart with --entity"
        if self.times.columns[0].zone is None and self.times.dates:
            more += ", write local times that a clock shows twice with their UTC offsets"
        return DataError(
            f"{self.place}: row {row + first + 1:,}, at {self.times.words} {cell!r}, does not come after the row "
            f"before. Series that do not fit in memory are read as they stand: bring the rows {how}in the order of "
            f"time{more}, or give more with --memory."
        )

    def found(self, num_rows: int) -> tuple[Ints, pa.Table, Ints]:
        """The lengths of series [N], the rows with which they begin, and which these are."""
        names = [*self.entities.known, *self.same]
        starts = pa.concat_tables([part.select(names) for part in self._starts]) if names else pa.table({})
        at = np.concatenate(self._at)
        return np.diff(np.append(at, num_rows)), starts.combine_chunks(), at


def _laid_out(
    large: Large, some: Some, config: TrainConfig, walk: _Walk, lengths: Ints, starts: pa.Table, at: Ints,
    notes: list[str],
) -> tuple[Series, np.ndarray | None]:  # fmt: skip
    """The series, whose `steps` are those of `some`, and the distances from step to step where these are a channel."""
    own, names, times = config.own(SeriesOptions), large.names, walk.times
    entities = entities_of(starts, walk.entities.known) if walk.entities.columns else Entities(np.arange(len(lengths)))
    twice = np.flatnonzero(np.bincount(entities.codes, minlength=len(lengths)) > 1)
    if len(twice):
        row = int(at[np.flatnonzero(entities.codes == twice[0])[1]])
        raise DataError(
            f"{large.place}: row {row + 1:,} is of a series of {entities.words} that other rows have come after. "
            f"Series that do not fit in memory are read as they stand: sort the rows by {entities.words}, and by time "
            "within, or give more with --memory."
        )
    if int(lengths.max()) == 1:
        what = f"every series of --entity {entities.words} has one step" if entities.columns else "there is one step"
        raise DataError(f"{what}, and a series needs two at least. Is it a table? Then take --kind table.")
    for name in own.attributes:
        if name in walk.differs:
            where = "of a series" if len(lengths) > 1 else "of the one series that there is (--entity tells more apart)"
            raise DataError(
                f"--attributes {name}: it is not the same at every step {where}; row {walk.differs[name] + 1:,} is the "
                "first that differs. Leave it out, and it is learned step by step."
            )
    found = [n for n in walk.same if own.attributes or (len(lengths) > 1 and len(starts.column(n).unique()) > 1)]
    if found and not own.attributes:
        notes.append(f"the same at every step of a series: {', '.join(found)}. Override with --attributes COLUMN.")
    rest, attributes = rest_of(names, found, entities, times, config, True, notes)
    labels = starts.select(attributes) if attributes else None
    series = Series(some.table.select(rest), lengths, labels, None, large.origin, entities.names)
    distances = step_name = grid = None
    if times is not None:
        times = _measured(times, some.table, config, walk)
        walk.file.flush()
        series = replace(series, times=_mapped(walk.file, np.dtype(np.float64), some.num_rows))
        grid = _grid(series, times.dates)
        absent = 0 if grid is None else num_absent(series, grid)
        if grid is None or absent:
            step_name = step_name_of(times, names)
            distances = _distances(series, grid)
            notes.append(absent_words(times, grid, absent, some.num_rows))
        times = replace(times, grid=grid, step=step_name)
    number = next(name for name in (*NUMBER_NAMES, "") if name not in names)
    layout = Layout("table", tuple(names), number, entities.columns, times)
    return replace(series, origin=with_layout(large.origin, layout)), distances


def _measured(times: Times, table: pa.Table, config: TrainConfig, walk: _Walk) -> Times:
    """The times with the range of all rows, and with what those of some, from all over, are multiples of."""
    again = times_of(table, list(times.names), config)[0].columns
    columns = [replace(c, grain=o.grain, low=o.low, high=o.high) for c, o in zip(times.columns, again, strict=True)]
    if len(columns) == 1:
        columns = [replace(columns[0], low=walk.low, high=walk.high)]
    return replace(times, columns=tuple(columns))


def _grid(series: Series, dates: bool) -> Grid | None:
    """The grid that the times of all series are on: found among some, and held against all."""
    assert series.times is not None
    begins, lengths = series.begins, series.lengths
    if len(series.times) <= MOST_TIMES:
        return find_grid(np.asarray(series.times), begins, lengths, dates)
    few = np.unique(np.linspace(0, len(series) - 1, min(len(series), STRETCHES)).astype(np.int64))
    begins, lengths = begins[few], np.minimum(lengths[few], MOST_TIMES // len(few))
    rows = np.concatenate([np.arange(b, b + n) for b, n in zip(begins, lengths, strict=True)])
    grid = find_grid(np.asarray(series.times[rows]), np.cumsum(lengths) - lengths, lengths, dates)
    if grid is None:
        return None
    for begin in range(0, len(series.times), SWEPT):
        places = _places(series, grid, begin, min(begin + SWEPT, len(series.times)))
        if np.isnan(places).any():
            return None
    absent = num_absent(series, grid)
    return grid if absent <= MOST_ABSENT * (absent + len(series.times)) else None


def _places(series: Series, grid: Grid, begin: int, end: int) -> Floats:
    """How many steps of the grid those from `begin` to `end` are after the first of their series."""
    assert series.times is not None
    which = np.searchsorted(series.begins, np.arange(begin, end), side="right") - 1
    return grid.between(np.asarray(series.times[series.begins[which]]), np.asarray(series.times[begin:end]))


def _distances(series: Series, grid: Grid | None) -> np.ndarray:
    """[M] as `tables.with_distances` has them, in a file."""
    assert series.times is not None
    num_steps = len(series.times)
    alone = 0.0
    with ExitStack() as stack:
        file = _file(stack, 8 * num_steps)
        for begin in range(0, num_steps, SWEPT):
            end = min(begin + SWEPT, num_steps)
            low, high = max(begin - 1, 0), min(end + 1, num_steps)
            places = np.asarray(series.times[low:high]) if grid is None else _places(series, grid, low, high)
            apart = np.diff(places, prepend=np.nan, append=np.nan)  # [i]: of step low + i, from the one before
            own = apart[begin - low : end - low]
            firsts = series.begins[np.searchsorted(series.begins, begin) : np.searchsorted(series.begins, end)]
            single = series.lengths[np.searchsorted(series.begins, firsts)] == 1
            own[firsts - begin] = np.where(single, np.nan, apart[firsts - low + 1])
            alone = float(np.nanmedian(own)) if begin == 0 and np.isfinite(own).any() else alone
            own = np.where(np.isnan(own), alone, own)
            file.write((own if grid is None else np.rint(own)).tobytes())
        return _mapped(file, np.dtype(np.float64), num_steps)


# --- records in files -----------------------------------------------------------------------------------------------


def compact(part: SeriesSet) -> SeriesSet:
    """The records with their own steps alone, in memory."""
    first, ends = _spans(part)
    sizes = ends - first
    moved = np.cumsum(sizes) - sizes
    steps = np.repeat(first - moved, sizes) + np.arange(int(sizes.sum()))
    span = np.searchsorted(first, part.begins, side="right") - 1
    cells = {name: Values(np.asarray(v.data[steps]), np.asarray(v.missing[steps])) for name, v in part.cells.items()}
    return replace(part, cells=cells, begins=part.begins - first[span] + moved[span])


def _spans(part: SeriesSet) -> tuple[Ints, Ints]:
    """The steps that some record covers, as spans [begin, end) in order."""
    order = np.argsort(part.begins, kind="stable")
    begins = part.begins[order]
    ends = np.maximum.accumulate(begins + part.lengths[order])
    fresh = np.append(True, begins[1:] > ends[:-1])
    last = np.append(np.flatnonzero(fresh)[1:] - 1, len(begins) - 1)
    return begins[fresh], ends[last]


def _telling(part: SeriesSet, columns: Sequence[Column]) -> Ints:
    """The records [k] with the least and the largest number, a step of every level, and one of every sort of gap."""
    first, ends = _spans(part)
    seen: set[tuple[str, str, int]] = set()
    extremes: dict[tuple[str, bool], tuple[float, int]] = {}
    found: list[int] = []
    num_steps = num_steps_of(part)
    for begin, cells in _swept({c.name: part.cells[c.name] for c in columns}, num_steps):
        own = np.zeros(len(next(iter(cells.values())).data), dtype=bool)
        for span in range(
            int(np.searchsorted(ends, begin, side="right")), int(np.searchsorted(first, begin + len(own)))
        ):
            own[max(first[span] - begin, 0) : ends[span] - begin] = True
        steps = np.flatnonzero(own)
        if not len(steps):
            continue
        for column in columns:
            data, missing = cells[column.name].data[steps], cells[column.name].missing[steps]
            told = [("missing", missing)]
            if column.type == "category":
                told.append(("level", data))
            else:
                x = np.where(missing > 0, np.nan, data)
                for most, place in ((False, np.nanargmin), (True, np.nanargmax)) if np.isfinite(x).any() else ():
                    at = int(place(x))
                    before = extremes.get((column.name, most))
                    if before is None or (x[at] > before[0] if most else x[at] < before[0]):
                        extremes[column.name, most] = float(x[at]), int(steps[at]) + begin
            for what, codes in told:
                for code, at in zip(*np.unique(codes, return_index=True), strict=True):
                    if (key := (column.name, what, int(code))) not in seen:
                        seen.add(key)
                        found.append(int(steps[at]) + begin)
    places = np.array([*found, *(at for _, at in extremes.values())], dtype=np.int64)
    return np.searchsorted(part.begins, places, side="right") - 1


def _swept(cells: Mapping[str, Values], num_steps: int) -> Iterator[tuple[int, dict[str, Values]]]:
    """All steps, a part at a time, and which is the first of each; the pages that were read are let go."""
    let_go = [f for v in cells.values() for a in (v.data, v.missing) if isinstance(a, np.memmap) and (f := released(a))]
    for begin in range(0, num_steps, SWEPT):
        part = slice(begin, begin + SWEPT)
        yield begin, {name: Values(np.array(v.data[part]), np.array(v.missing[part])) for name, v in cells.items()}
        for release in let_go:
            release()


def _file(stack: ExitStack, num_bytes: int) -> IO[bytes]:
    """A file in the temporary folder for so many bytes."""
    return stack.enter_context(unnamed_file(num_bytes, "the steps of all series", "Bring fewer, or a larger --stride"))


def _mapped(file: IO[bytes], dtype: np.dtype[Any], *shape: int) -> np.memmap[Any, Any]:
    file.flush()
    return np.memmap(file, dtype, "r", shape=shape)
