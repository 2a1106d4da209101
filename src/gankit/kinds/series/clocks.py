"""Times of steps over clock changes: whether they are counted in elapsed time or on a local clock, and on which.

Knows columns and times; never codecs, torch or networks.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from gankit.columns.clocks import is_fixed, offsets_at, to_instants, to_local, zones_of_local
from gankit.io.records import joined
from gankit.kinds.series.records import DAY, Floats, Ints, Layout, Times

_FEW = 50  # more different distances from step to step than that are not regular on any clock
_LOOKED_AT = 200  # times that are held against a time zone to find the likely ones
_SHOWN = 2  # so many dates of clock changes are named


def over_clock_changes(
    table: pa.Table, times: Times, seconds: Floats, codes: Ints, notes: list[str], like: Layout | None
) -> tuple[Times, Floats]:
    """The times of steps [M], in the order of the rows, counted so that steps are as regular as they can be.

    seconds: [M], in UTC where the times have offsets, else local. codes: [M], the series. like: the layout of other
    series, whose way of counting these have too.
    """
    column = times.columns[0]
    if not times.dates or (like is not None and like.times is None):
        return times, seconds
    if like is not None and like.times is not None:
        first = like.times.columns[0]
        if like.times.zone and not column.zone:
            return replace(times, zone=like.times.zone), _of_local(like.times.zone, seconds, codes)
        if first.clock and times.names == like.times.names:
            return replace(times, columns=like.times.columns), first.parse(joined(table.column(first.name))).data
        return times, seconds
    if column.zone is None:
        return _from_local(times, seconds, codes, notes)
    if column.dates is not None and (offsets := column.dates.offsets):
        several = f"no time zone has its {len(offsets)} UTC offsets, so that samples are written at {column.clock}"
        derived = f"its UTC offsets ({', '.join(offsets[:4])}) are those of {column.clock}, and are written so"
        notes.append(f"{times.words}: {several if is_fixed(column.clock) else derived}")
    if column.clock and not is_fixed(column.clock) and not column.local:
        local = to_local(column.clock, seconds)
        if _num_distances(local, codes) < min(_num_distances(seconds, codes), _FEW):
            notes.append(f"{times.words}: steps are regular in the local time of {column.clock}, and counted in that")
            return replace(times, columns=(replace(column, local=True),)), local
    return times, seconds


def _from_local(times: Times, seconds: Floats, codes: Ints, notes: list[str]) -> tuple[Times, Floats]:
    """Times of a clock that is changed, in UTC, if a time zone tells why hours are there twice or left out."""
    order = np.lexsort((seconds, codes))
    apart, inner = np.diff(seconds[order]), np.diff(codes[order]) == 0
    twice = inner & (apart == 0)
    distances, counts = np.unique(np.round(apart[inner & (apart > 0)], 3), return_counts=True)
    if not len(distances) or (step := float(distances[counts.argmax()])) >= DAY or (twice[1:] & twice[:-1]).any():
        return times, seconds
    doubled = np.unique(seconds[order][1:][twice])
    absent = np.unique(seconds[order][:-1][inner & (apart > step) & (apart <= step + 3600)]) + step
    irregular = _num_irregular(seconds, codes, step)
    for zone in zones_of_local(doubled[:_LOOKED_AT], absent[:_LOOKED_AT]):
        found = _of_local(zone, seconds, codes)
        sorted_by_time = np.lexsort((found, codes))
        if (np.diff(found[sorted_by_time])[inner] == 0).any() or _num_irregular(found, codes, step) >= irregular:
            continue
        left_out = absent[to_instants(zone, absent) + offsets_at(zone, to_instants(zone, absent)) != absent]
        shown = [f"{what} on {_days(at)}" for what, at in (("twice", doubled), ("left out", left_out)) if len(at)]
        notes.append(
            f"{times.words}: local times with clock changes (an hour {', '.join(shown)}), read as those of {zone}: "
            "steps are counted in elapsed time. If that is wrong, bring times with their UTC offsets."
        )
        return replace(times, zone=zone), found
    return times, seconds


def _days(local: Floats) -> str:
    days = np.unique(local // DAY).astype(np.int64).astype("datetime64[D]").astype(str).tolist()
    return " and ".join(days[:_SHOWN]) + (f" and {len(days) - _SHOWN} more days" if len(days) > _SHOWN else "")


def _of_local(zone: str, seconds: Floats, codes: Ints) -> Floats:
    """The instants of local times [M]; of those that a clock shows twice the later one where the rows of a series, or
    else their times, have come to it before.
    """
    first, second = to_instants(zone, seconds), to_instants(zone, seconds, later=True)
    doubled = second > first
    if not doubled.any():
        return first
    order = np.argsort(codes, kind="stable")
    back = int(((np.diff(seconds[order]) < 0) & (np.diff(codes[order]) == 0)).sum())
    if back > doubled.sum():  # the rows are not in the order of their times, perhaps in the opposite one
        rows = np.arange(len(seconds))
        order = np.lexsort((-rows if back > len(rows) / 2 else rows, seconds, codes))
    ahead = seconds[order] - seconds.min() + codes[order] * (np.ptp(seconds) + 1)
    latest = np.maximum.accumulate(np.append(-1.0, ahead[:-1]))
    later = np.empty(len(order), dtype=np.bool_)
    later[order] = latest >= ahead
    return np.where(later & doubled, second, first)


def _num_irregular(seconds: Floats, codes: Ints, step: float) -> int:
    order = np.lexsort((seconds, codes))
    apart = np.diff(seconds[order])[np.diff(codes[order]) == 0]
    return int((np.abs(apart - step) > 1e-3).sum())


def _num_distances(seconds: Floats, codes: Ints) -> float:
    """How many different distances there are from step to step; infinite where two are at one time."""
    order = np.lexsort((seconds, codes))
    apart = np.diff(seconds[order])[np.diff(codes[order]) == 0]
    return np.inf if (apart <= 0).any() else float(len(np.unique(np.round(apart, 3))))
