"""Series: many sequences of steps, what belongs to each as a whole, the form they came in, and the times of their steps
(the grid they lie on, the parts of the calendar at which they begin).

Knows plain arrays, Arrow tables and times as numbers; never files, codecs or networks.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.columns.clocks import offsets_at
from gankit.columns.column import Column, Values
from gankit.errors import DataError
from gankit.io.records import Origin, Records, fingerprint
from gankit.kinds.base import Coded, Dataset
from gankit.stored import Stored, made

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Unit = Literal["second", "number", "weekday", "month", "month-end"]
LayoutForm = Literal["table", "rows", "ts", "arrays", "list"]

DAY, HOUR, WEEK = 86400.0, 3600, 7 * 86400.0
MONDAY = 4 * DAY  # seconds from the first day of 1970 to the first Monday
VALUE = "value"  # what the only channel of series is called where nothing names it
TIME_UNITS = ("year", "month", "day", "hour", "minute", "second")  # what a time in several columns may be divided into
UNIT_SECONDS = (0.0, 0.0, DAY, 3600.0, 60.0, 1.0)  # how long these are; of months and years nothing that is the same
MOST_ABSENT = 0.1  # where a larger share of a grid's steps is absent, series count as irregular
LEAST_REPEATED, FEWER_ABSENT = 1.8, 0.5
"""The hours of a day or a week are sessions if each occurs so often on average, and if without all other hours no more
than that share of the steps that were absent still is."""
MOST_RUNS = 2000  # of start times that are kept; of more, as many starts
TWO_SHARE, TWO_TOGETHER, FEW_CHANGES = 0.05, 0.9, 0.02
"""Two distances are two frequencies if each is that share of all at least, both together that share, and one gives way
to the other in so small a share of the steps."""

PARTS: dict[str, tuple[str, ...]] = {
    "month": tuple(map(str, range(1, 13))),
    "weekday": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "hour": tuple(map(str, range(24))),
}
"""The parts of the calendar, each with its values in their order."""

_TOLERANCE = 1e-6
_THURSDAY = 3  # the weekday of the first day of 1970, Monday being 0


@dataclass(frozen=True)
class Grid(Stored):
    """The distance from one step to the next.

    unit: "second", "number" (of times that are numbers), "weekday" (Monday to Friday), "month" (the same day of each)
        or "month-end" (the last day of each).
    step: how many of these.
    sessions: runs [first, difference, count] of the seconds of a period at which there are steps, such as trading
        hours; empty where a step follows the last one at any time. Then `step` is the commonest distance.
    period: a day or a week, from Monday on, in seconds; 0 without sessions.
    """

    unit: Unit
    step: float
    sessions: tuple[tuple[float, float, int], ...] = ()
    period: float = 0.0

    @cached_property
    def _places(self) -> Floats:
        """[K] seconds of a period at which there are steps, ascending."""
        return np.concatenate([first + difference * np.arange(count) for first, difference, count in self.sessions])

    def _numbers(self, times: Floats) -> Floats:
        """How many steps of sessions there were since 1970 before times [M]; NaN where they are at none."""
        period, within = np.divmod(times - MONDAY, self.period)
        place = np.searchsorted(self._places, within - _TOLERANCE)
        near = np.append(self._places, np.inf)[place] - within <= _TOLERANCE
        return np.where(near, period * len(self._places) + place, np.nan)

    def after(self, starts: Floats, steps: Ints) -> Floats:
        """The times `steps` [M] steps after `starts` [M]."""
        if self.sessions:
            period, place = np.divmod(self._numbers(starts) + steps, len(self._places))
            return np.asarray(MONDAY + period * self.period + self._places[place.astype(np.int64)])
        if self.unit in ("second", "number"):
            return np.asarray(starts + steps * self.step)
        days, clock = np.divmod(starts, DAY)
        count = steps * int(self.step)
        if self.unit == "weekday":
            moved = np.busday_offset(_dates(days), count, roll="forward").astype(np.int64)
        else:
            months = _dates(days).astype("datetime64[M]")
            moved = (months + count + 1).astype("datetime64[D]").astype(np.int64) - 1  # the last day of the month
            if self.unit == "month":
                within = (_dates(days) - months.astype("datetime64[D]")).astype(np.int64)
                moved = np.minimum((months + count).astype("datetime64[D]").astype(np.int64) + within, moved)
        return np.asarray(moved * DAY + clock)

    def between(self, starts: Floats, times: Floats) -> Floats:
        """How many steps `times` [M] are after `starts` [M]; NaN where on no step."""
        if self.sessions:
            return self._numbers(times) - self._numbers(starts)
        if self.unit in ("second", "number"):
            size, count = self.step, (times - starts) / self.step
        elif self.unit == "weekday":
            size, count = DAY, np.busday_count(_dates(starts // DAY), _dates(times // DAY)) / self.step
        else:
            months = _dates(times // DAY).astype("datetime64[M]") - _dates(starts // DAY).astype("datetime64[M]")
            size, count = DAY, months.astype(np.int64) / self.step
        whole = np.rint(count)
        near = np.abs(self.after(starts, whole.astype(np.int64)) - times) <= _TOLERANCE * size
        return np.where(near & (np.abs(count - whole) < 1e-3), whole, np.nan)

    @property
    def words(self) -> str:
        """The distance as people say it.

        >>> Grid("second", 600.0).words, Grid("weekday", 1).words, Grid("month", 3).words
        ('10 minutes', '1 weekday', '3 months')
        """
        if self.unit == "second":
            return duration_words(self.step) + (" within sessions" if self.sessions else "")
        if self.unit == "number":
            return f"{self.step:g}"
        name = "end of month" if self.unit == "month-end" else self.unit
        return f"{self.step:g} {name}" + ("s" if self.step != 1 else "")


@dataclass(frozen=True)
class Times(Stored):
    """How the times of steps are written.

    columns: one column of datetimes or numbers; a day, and a time of day or whole numbers for hour, minute, second; or
        several of whole numbers for the first of `TIME_UNITS`.
    grid: the distance from step to step; None where it differs.
    step: the channel of distances from step to step, in steps of the grid where there is one; None where no step is
        absent.
    starts: runs [first, difference, count] of the times at which training records begin.
    zone: the time zone whose local times are written, where times without offsets are counted in UTC; else "".
    first_hour: of hours in a column of their own: 0, or 1 where the last hour of a day is 24.
    """

    columns: tuple[Column, ...]
    grid: Grid | None = None
    step: str | None = None
    starts: tuple[tuple[float, float, int], ...] = ()
    zone: str = ""
    first_hour: int = 0

    def local(self, seconds: Floats) -> Floats:
        """Times [N] of steps as a clock there shows them."""
        clock = self.zone or ("" if self.columns[0].local else self.columns[0].clock)
        return seconds + offsets_at(clock, seconds) if clock else seconds

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def words(self) -> str:
        """The columns as `--time` names them."""
        return "+".join(self.names)

    @property
    def grain(self) -> float:
        """What times are multiples of, 0 for nothing."""
        if len(self.columns) == 1 or self.columns[-1].type == "datetime":
            return self.columns[-1].grain
        return UNIT_SECONDS[len(self.columns) + (1 if self.columns[0].type == "datetime" else -1)]

    @property
    def dates(self) -> bool:
        """Whether they are seconds since 1970 rather than numbers."""
        return len(self.columns) > 1 or self.columns[0].type == "datetime"


def _dates(days: Floats) -> npt.NDArray[np.datetime64]:
    return np.asarray(days, dtype=np.int64).astype("datetime64[D]")


def duration_words(seconds: float) -> str:
    """A duration in the largest unit of which it is a whole number.

    >>> duration_words(3600), duration_words(86400), duration_words(90), duration_words(0.004)
    ('1 hour', '1 day', '90 seconds', '0.004 seconds')
    """
    for size, name in ((7 * DAY, "week"), (DAY, "day"), (3600, "hour"), (60, "minute"), (1, "second")):
        count = seconds / size
        if abs(count - round(count)) < _TOLERANCE and round(count) >= 1:
            return f"{round(count)} {name}" + ("s" if round(count) != 1 else "")
    return f"{seconds:g} seconds"


def find_grid(times: Floats, begins: Ints, lengths: Ints, dates: bool) -> Grid | None:
    """The grid that the times of all series are on, perhaps with absent steps; None where there is none.

    Args:
        times: [M], increasing within each series.
        begins, lengths: [N], the series.
        dates: whether times are seconds since 1970, so that there are weekdays and months.

    Raises:
        DataError: the times come in two frequencies, one after the other.
    """
    same = np.repeat(np.arange(len(lengths)), lengths)
    inner = same[1:] == same[:-1]
    distance = np.diff(times)[inner]
    if not len(distance):
        return None
    starts = np.repeat(times[begins], lengths)
    values, counts = np.unique(np.round(distance, 6), return_counts=True)
    common = float(values[counts.argmax()])
    best, least = None, math.inf
    for grid in _candidates(times, distance, common, dates):
        if least == 0:
            break
        steps = grid.between(starts, times)
        if np.isnan(steps).any() or (np.diff(steps)[inner] < 1).any():
            continue
        total = float((steps[begins + lengths - 1] + 1).sum())
        absent = total - len(times)
        if absent <= MOST_ABSENT * total and absent < (FEWER_ABSENT * least if grid.sessions else least):
            best, least = grid, absent
    if best is not None:
        return best
    _refuse_two_frequencies(np.round(distance, 6), values, counts, np.flatnonzero(inner), dates)
    return None


def _candidates(times: Floats, distance: Floats, common: float, dates: bool) -> Iterator[Grid]:
    """Grids that times may be on, those with sessions last."""
    plain = Grid("second" if dates else "number", common)
    if not dates or common <= 0:
        yield plain
        return
    days = times // DAY
    if np.ptp(times - days * DAY) == 0 and np.ptp(distance) != 0:  # at one time of the day, and not all alike
        whole = _dates(days)
        if (distance >= 28 * DAY).all():
            step = float(np.median(np.rint(distance / (30.44 * DAY))))
            ends = (whole.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1 == whole
            yield Grid("month-end" if ends.all() else "month", step)
        if common == DAY and np.is_busday(whole).all() and (distance == 3 * DAY).any():
            yield Grid("weekday", 1.0)
    yield plain
    different = len(np.unique(times))
    for period in (DAY, WEEK):
        places = np.unique(np.round((times - MONDAY) % period, 6))
        around = np.diff(places, append=places[0] + period)
        if np.ptp(around) > _TOLERANCE and different >= LEAST_REPEATED * len(places):
            yield Grid("second", common, runs_of(places), period)


def _refuse_two_frequencies(distance: Floats, values: Floats, counts: Ints, rows: Ints, dates: bool) -> None:
    """Raises where one distance holds for a while and then another."""
    if len(values) < 2:
        return
    first, second = (float(v) for v in values[np.argsort(-counts)[:2]])
    shares = np.sort(counts)[::-1][:2] / len(distance)
    which = np.where(distance == first, 1, np.where(distance == second, 2, 0))
    known = which[which > 0]
    changes = int((np.diff(known) != 0).sum())
    if shares[1] < TWO_SHARE or shares.sum() < TWO_TOGETHER or changes > FEW_CHANGES * len(known):
        return
    words = duration_words if dates else (lambda v: f"{v:g}")
    before, after = (first, second) if known[0] == 1 else (second, first)
    at = int(rows[np.flatnonzero(distance == after)[0]]) + 1
    raise DataError(
        f"the times come in two frequencies: {words(before)} apart at first, and {words(after)} apart from row "
        f"{at + 1:,} on (in the order of times). Bring data of one frequency, or each part as a file of its own."
    )


def runs_of(starts: Sequence[float] | Floats) -> tuple[tuple[float, float, int], ...]:
    """Sorted numbers as runs (first, difference, count); of very many runs, evenly picked numbers.

    >>> runs_of([0, 10, 20, 20, 20, 50])
    ((0.0, 10.0, 3), (20.0, 0.0, 2), (50.0, 0.0, 1))
    """
    sorted_starts = np.sort(np.asarray(starts, dtype=np.float64))
    if (np.diff(np.round(np.diff(sorted_starts), 6)) != 0).sum() > MOST_RUNS:
        picked = np.linspace(0, len(sorted_starts) - 1, MOST_RUNS).astype(np.int64)
        sorted_starts = sorted_starts[picked]
    gaps = np.round(np.diff(sorted_starts), 6)
    runs: list[tuple[float, float, int]] = []
    at = 0
    while at < len(sorted_starts):
        count = 1
        if at < len(gaps):
            different = np.flatnonzero(gaps[at:] != gaps[at])
            count += int(different[0]) if len(different) else len(gaps) - at
        runs.append((float(sorted_starts[at]), float(gaps[at]) if count > 1 else 0.0, count))
        at += count
    return tuple(runs)


def drawn_starts(runs: Sequence[tuple[float, float, int]], uniforms: Floats) -> Floats:
    """Numbers of runs, picked by uniforms [N] in [0, 1)."""
    first, difference, count = (np.array(part, dtype=np.float64) for part in zip(*runs, strict=True))
    ends = np.cumsum(count)
    place = np.floor(uniforms * ends[-1])
    which = np.searchsorted(ends, place, side="right")
    return np.asarray(first[which] + difference[which] * (place - (ends[which] - count[which])))


def calendar_table(times: Floats, names: Sequence[str]) -> pa.Table:
    """The parts at times [N] in seconds since 1970, [N] texts each.

    >>> calendar_table(np.array([0.0, 1e9]), ["month", "weekday", "hour"]).to_pylist()[1]
    {'month': '9', 'weekday': 'Sunday', 'hour': '1'}
    """
    days = np.floor(times / DAY).astype(np.int64)
    found = {
        "month": days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12,
        "weekday": (days + _THURSDAY) % 7,
        "hour": ((times - days * DAY) // HOUR).astype(np.int64),
    }
    return pa.table({name: np.array(PARTS[name])[found[name]] for name in names})


def calendar_columns(table: pa.Table) -> tuple[Column, ...]:
    """Categories for the parts of a `calendar_table`, with the values that are in it, in their order."""
    seen = {name: set(table.column(name).to_pylist()) for name in table.column_names}
    return tuple(
        Column(name, "category", pa.string(), levels=tuple(v for v in PARTS[name] if v in seen[name])) for name in seen
    )


def starts_at(
    runs: Sequence[tuple[float, float, int]], columns: Sequence[Column], wanted: Mapping[str, Values], uniforms: Floats,
    local: Callable[[Floats], Floats] = np.asarray,
) -> Floats:  # fmt: skip
    """Times of `runs_of`, picked by uniforms [N] in [0, 1) among those that have most of the wanted parts.

    columns: of the parts. wanted: their cells, [N] each. local: what a clock shows at times.
    """
    starts = np.concatenate([first + difference * np.arange(count) for first, difference, count in runs])
    there = calendar_table(local(starts), [column.name for column in columns])
    known = np.stack([column.parse(there.column(column.name)).data for column in columns], 1)  # [S, K]
    asked = np.stack([wanted[column.name].data for column in columns], 1)  # [N, K]
    found = np.empty(len(asked))
    kinds, kind_of = np.unique(asked, axis=0, return_inverse=True)
    for kind, parts in enumerate(kinds):
        rows = np.flatnonzero(kind_of.reshape(-1) == kind)
        alike = (known == parts).sum(1)
        fitting = np.flatnonzero(alike == alike.max())
        found[rows] = starts[fitting[(uniforms[rows] * len(fitting)).astype(np.int64)]]
    return found


@dataclass(frozen=True)
class Layout(Stored):
    """How series are laid out where they came from.

    form: "table" (a step a row), "rows" (a series a line, its class first: the UCR archive), "ts" (sktime and aeon),
        "arrays" (one array [N, T, C]) or "list" (an array a series).
    order: the columns of a table with a step a row, in order.
    number: the column that tells the series of fakes apart.
    entity: the columns that together tell those of the data apart.
    times: of the steps, or None where rows have an order only.
    axes: of one series' array: 1 for [T], 2 for [T, C], 3 for [1, T]. dtype: of that array. name: of it in its file.
    num_steps: of the longest training record. windows: whether these are windows of longer series.
    classes: of the only label, where there is one and it has some.
    calendar: the labels that are parts of the date at which a series begins, and not written.
    """

    form: LayoutForm
    order: tuple[str, ...]
    number: str = "series"
    entity: tuple[Column, ...] = ()
    times: Times | None = None
    axes: int = 2
    dtype: str = "<f8"
    name: str = "x"
    num_steps: int = 0
    windows: bool = False
    classes: tuple[str, ...] = ()
    calendar: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, value: Any) -> Layout:
        """See `Stored.from_json`; before there were several columns of entities, there was one or None."""
        entity = value.get("entity") if isinstance(value, dict) else None
        if entity is None or isinstance(entity, dict):
            value = {**value, "entity": [] if entity is None else [entity]} if isinstance(value, dict) else value
        found: Layout = made(cls, value)
        return found


def layout_of(origin: Origin) -> Layout:
    """The layout that `with_layout` put into an origin."""
    return Layout.from_json(origin.details["layout"])


def with_layout(origin: Origin, layout: Layout) -> Origin:
    """The origin of series that are laid out so."""
    return replace(origin, details={**origin.details, "layout": layout.to_json()})


@dataclass(frozen=True)
class Series:
    """Series, the steps of all of them one after another.

    steps: the channels [M] of all steps in the user's own form.
    lengths: int64 [N], each 1 at least; their sum is M.
    labels: what belongs to a series as a whole, [N]; None where there is nothing.
    times: float64 [M], seconds since 1970 or numbers; None without times.
    origin: where they came from, with the layout.
    entities: the columns [N] of what the series are called; where there is none, by their numbers.
    first: the number of the first one.
    """

    steps: pa.Table
    lengths: Ints
    labels: pa.Table | None
    times: Floats | None
    origin: Origin
    entities: pa.Table | None = None
    first: int = 0

    def __len__(self) -> int:
        return len(self.lengths)

    @cached_property
    def begins(self) -> Ints:
        """The first step of each [N]."""
        return np.asarray(np.cumsum(self.lengths) - self.lengths)

    @property
    def layout(self) -> Layout:
        """How they are laid out where they came from."""
        return layout_of(self.origin)


@dataclass(frozen=True, repr=False)
class SeriesSet(Dataset):
    """Some series, or windows of them, over cells that both parts may share.

    values: of their labels. cells: the channels, parsed, [M] steps. begins, lengths: [n] int64, where each record
        begins and its steps.
    apart: the channel of distances from step to step of irregular series; a record's first one leads to no step of it.
    """

    cells: Mapping[str, Values]
    begins: np.ndarray
    lengths: np.ndarray
    apart: str | None = None

    def __len__(self) -> int:
        return len(self.begins)

    def take(self, rows: np.ndarray) -> SeriesSet:
        """See `Dataset.take`."""
        return replace(super().take(rows), begins=self.begins[rows], lengths=self.lengths[rows])


@dataclass(frozen=True, repr=False)
class StoredSeries(SeriesSet):
    """Training records of which these are some, and `coded` all."""

    coded: Coded = field(kw_only=True)

    @property
    def total(self) -> int:
        """See `Dataset.total`."""
        return len(self.coded.x if self.coded.rows is None else self.coded.rows)

    def take(self, rows: np.ndarray) -> SeriesSet:  # type: ignore[override]  # of which some are no longer all
        """See `Dataset.take`: some of the records that these are."""
        return SeriesSet(self.values, self.cells, self.begins, self.lengths, self.apart).take(rows)


def num_steps_of(part: SeriesSet) -> int:
    """Of the cells that its records share."""
    return len(next(iter(part.cells.values())).data)


def slices(steps: np.ndarray, num_steps: int) -> np.ndarray:
    """All windows [M - T + 1, T, D] of coded steps [M, D], none of them copied; a mapped file stays one."""
    shape, apart = (len(steps) - num_steps + 1, num_steps, steps.shape[1]), steps.strides
    return np.lib.stride_tricks.as_strided(steps, shape, (apart[0], *apart), subok=True, writeable=False)


def bridged(z: np.ndarray) -> np.ndarray:
    """z [N, T, D] with gaps (NaN) bridged by straight lines, held level at both ends; 0 where all is missing."""
    gaps = np.isnan(z)
    if not gaps.any():
        return z
    steps = z.shape[1]
    place = np.broadcast_to(np.arange(steps)[:, None], z.shape)
    before = np.maximum.accumulate(np.where(gaps, -1, place), axis=1)
    after = np.minimum.accumulate(np.where(gaps, steps, place)[:, ::-1], axis=1)[:, ::-1]
    first, last = np.where(before < 0, after, before), np.where(after >= steps, before, after)
    left = np.take_along_axis(z, np.clip(first, 0, steps - 1), 1)
    right = np.take_along_axis(z, np.clip(last, 0, steps - 1), 1)
    share = np.clip((place - first) / np.maximum(last - first, 1), 0, 1)
    out = np.where(first >= steps, 0.0, left + share * (right - left))
    return np.where(gaps, out, z).astype(z.dtype)


def joined_series(parts: list[Series]) -> Series:
    """Several of one kind, one after another."""
    first = parts[0]
    return replace(
        first,
        steps=pa.concat_tables([p.steps for p in parts]),
        lengths=np.concatenate([p.lengths for p in parts]),
        labels=None if first.labels is None else pa.concat_tables([p.labels for p in parts]),
        times=None if first.times is None else np.concatenate([p.times for p in parts if p.times is not None]),
        entities=None if first.entities is None else pa.concat_tables([p.entities for p in parts]),
    )


def series_hash(series: Series) -> str:
    """The SHA-256 of their content: every channel, length, time and label."""
    total = hashlib.sha256(fingerprint(Records(series.steps, series.origin)).encode())
    total.update(np.asarray(series.lengths, "<i8").tobytes())
    if series.times is not None:
        total.update(np.asarray(series.times, "<f8").tobytes())
    if series.labels is not None:
        total.update(fingerprint(Records(series.labels, series.origin)).encode())
    return total.hexdigest()
