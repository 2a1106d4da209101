"""The clocks that local times are read from: from UTC to local time and back, and which time zone times are of.

Knows seconds and the database of time zones; never texts, tables or columns. A clock is the name of a time zone
(`Europe/Berlin`) or an offset (`+02:00`, `Z`).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, available_timezones

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_COMMON: tuple[str, ...] = (
    "Europe/Berlin",
    "Europe/London",
    "America/New_York",
    "America/Los_Angeles",
    "America/Chicago",
)
_COMMON += ("America/Denver", "Europe/Athens", "Australia/Sydney", "America/Sao_Paulo", "Pacific/Auckland")
"""Looked at first: of zones whose clocks agree, the one that most people know is named."""
_DAY = 86400.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_YEARS = 1900, 2100  # before and after, a zone keeps the offset it has there
_SEARCH_DAYS = 3  # between two looks at an offset: no zone changes it twice within
_CHANGES_A_YEAR = 4  # at most: summer time, and again for a month of fasting


def is_fixed(clock: str) -> bool:
    """Whether it is an offset, always the same."""
    return clock[:1] in ("+", "-", "Z")


@functools.cache
def zone_of(clock: str) -> tzinfo:
    """The clock as Python has it.

    Raises:
        KeyError, ValueError: there is no such zone.
    """
    offset = datetime.fromisoformat(f"2000-01-01T00:00:00{clock}").tzinfo if is_fixed(clock) else None
    return offset or ZoneInfo(clock)


def clock_of(name: str | None) -> str:
    """The name, if it is one of a clock that is not always UTC; else ""."""
    try:
        return name if name and _changes(name)[1].any() else ""
    except (KeyError, ValueError):
        return ""


def _offset(zone: tzinfo, second: float) -> int:
    found = (_EPOCH + timedelta(seconds=second)).astimezone(zone).utcoffset()
    return int(found.total_seconds()) if found else 0


@functools.cache
def _changes(clock: str) -> tuple[Floats, Ints]:
    """The instants from which on a clock has an offset, ascending from -inf, and these offsets in seconds; [K] each."""
    zone = zone_of(clock)
    first, last = ((datetime(year, 1, 1, tzinfo=UTC) - _EPOCH).total_seconds() for year in _YEARS)
    begins, offsets = [-np.inf], [_offset(zone, first)]
    for low in np.arange(first, last, _SEARCH_DAYS * _DAY).tolist() if not is_fixed(clock) else []:
        high = low + _SEARCH_DAYS * _DAY
        if (after := _offset(zone, high)) == offsets[-1]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if _offset(zone, middle) == offsets[-1] else (low, middle)
        begins.append(high)
        offsets.append(after)
    return np.array(begins), np.array(offsets, dtype=np.int64)


def offsets_at(clock: str, instants: Floats) -> Ints:
    """By how many seconds the clock is before UTC at instants [N], seconds since 1970."""
    begins, offsets = _changes(clock)
    return offsets[np.searchsorted(begins, instants, side="right") - 1]


def to_local(clock: str, instants: Floats) -> Floats:
    """What the clock shows at instants [N]; at the first of those after an hour that it leaves out, the first second of
    that hour, so that midnights that were left out are midnights.
    """
    return np.asarray(instants + np.minimum(offsets_at(clock, instants), offsets_at(clock, instants - 1)))


def to_instants(clock: str, local: Floats, later: bool = False) -> Floats:
    """The instants [N] at which the clock shows local times [N], the first or the `later` of two; of times that it
    leaves out, the instants that are as long after the change.
    """
    before, after = offsets_at(clock, local - _DAY), offsets_at(clock, local + _DAY)
    old, new = local - before, local - after
    chosen = offsets_at(clock, new) == after if later else offsets_at(clock, old) != before
    return np.asarray(np.where(chosen & (offsets_at(clock, new) == after), new, old))


def on_grain(clock: str, instants: Floats, grain: float) -> tuple[Floats, Ints]:
    """Local times [N] that exist, the nearest to instants [N] that are multiples of the grain, and their offsets."""
    offsets = offsets_at(clock, instants)
    if grain > 0:
        local = np.rint((instants + offsets) / grain) * grain
        same = offsets_at(clock, local - offsets) == offsets
        instants = local - offsets if same.all() else np.where(same, local - offsets, to_instants(clock, local))
        offsets = offsets_at(clock, instants)
    return instants + offsets, offsets


def find_zone(instants: Floats, offsets: Ints) -> str | None:
    """A time zone that has these offsets at these instants, [K] each; None where there is none."""
    order = np.argsort(instants, kind="stable")
    times, shown = instants[order], offsets[order]
    changes = np.flatnonzero(np.diff(shown))
    if len(changes) > _CHANGES_A_YEAR * ((times[-1] - times[0]) / (365 * _DAY) + 1):
        return None
    edges = np.unique(np.concatenate([[0, len(times) - 1], changes, changes + 1]))
    few = list(zip(times[edges].tolist(), shown[edges].tolist(), strict=True))
    for name in _zones():
        zone = ZoneInfo(name)
        at_edges = all(_offset(zone, time) == offset for time, offset in few)
        if at_edges and np.array_equal(offsets_at(name, times), shown):
            return name
    return None


def zones_of_local(doubled: Floats, absent: Floats) -> Iterator[str]:
    """The time zones whose clocks show all the `doubled` local times twice or, where there are none, leave out one of
    the `absent` ones.
    """
    for name in _zones():
        zone = ZoneInfo(name)
        twice = (_jump(zone, time) < 0 for time in doubled.tolist())
        if all(twice) if len(doubled) else any(_jump(zone, time) > 0 for time in absent.tolist()):
            yield name


def _jump(zone: ZoneInfo, local: float) -> float:
    """Of a local time that the clock leaves out the seconds it is put forward, of one it shows twice those back; 0."""
    shown = (_EPOCH + timedelta(seconds=local)).replace(tzinfo=zone)
    first, second = shown.utcoffset(), shown.replace(fold=1).utcoffset()
    return (second - first).total_seconds() if first is not None and second is not None else 0.0


@functools.cache
def _zones() -> tuple[str, ...]:
    known = available_timezones()
    rest = sorted(name for name in known if "/" in name and not name.startswith("Etc/"))
    return tuple(dict.fromkeys([*(name for name in _COMMON if name in known), *rest]))
