"""Dates and times as people write them: how texts are read as times, and how times are written in that way again.

Knows texts and seconds; never tables, files or kinds of column. A format is a strftime text with these directives:
%Y %y %m %d %H %I %M %S %p %b %B %a, `%-m %-d %-H %-I` (no leading zero), `%1f` … `%9f` (that many digits of a
second) and `%z` (`Z`, `+0200`, `+02:00`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.columns.numbers import coarser

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_MONTHS = tuple(name[:3] for name in _MONTH_NAMES)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NATURAL_STEPS = (86400.0, 3600.0, 60.0, 1.0, 1e-3, 1e-6)
_FEWEST_FOR_STEP = 10
_DIRECTIVE = re.compile(r"%(-?[A-Za-z]|[1-9]f)")
_REGEX = dict.fromkeys("ymdHIMS", "[0-9]{2}") | dict.fromkeys(("-m", "-d", "-H", "-I"), "[0-9]{1,2}")
_REGEX |= {"Y": "[0-9]{4}", "b": "[A-Z][a-z]{2}", "B": "[A-Z][a-z]{2,8}", "a": "[A-Z][a-z]{2}"}
_REGEX |= {"p": "[AaPp][Mm]", "z": "Z|[+-][0-9]{2}:?[0-9]{2}"}
_DATES = ["%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%m/%d/%Y", "%d/%m/%Y", "%d-%m-%Y", "%m-%d-%Y", "%d.%m.%Y", "%m.%d.%Y"]
_DATES += ["%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y"]
_DATES += ["%b %d, %Y", "%b %d %Y", "%B %d, %Y"]
_CLOCK = re.compile(
    r"^[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?( ?[AaPp][Mm])?(?P<zone> ?(Z|[+-][0-9]{2}:?[0-9]{2}))?$"
)


@dataclass(frozen=True)
class DateStyle:
    """How the times of a text column are written.

    format: the directives (see the module). zone: "" for local times, else how the offset is written ("Z", "+02:00",
        …), the most frequent one where several occur. lower: whether am and pm are written small.
    offsets: how offsets are written, most frequent first, where several occur; () else and in models of before.
    """

    format: str
    zone: str = ""
    lower: bool = False
    offsets: tuple[str, ...] = ()


@functools.cache
def _regex(format: str) -> str:
    pieces = _DIRECTIVE.split(format)  # texts, and at the odd places the directives between them
    pieces[::2] = map(re.escape, pieces[::2])
    pieces[1::2] = [f"(?P<{name[-1]}>{_REGEX.get(name, f'[0-9]{{{name[0]}}}')})" for name in pieces[1::2]]
    return f"^{''.join(pieces)}$"


def parse_dates(texts: pa.Array, format: str, *, local: bool = False) -> Floats:
    """Seconds since 1970 (UTC where the format has an offset, else local), float64 [K], that texts [K] mean; NaN where
    a text does not fit, as 31 February does not. local: leave offsets aside.
    """
    if len(texts) == 0:
        return np.zeros(0)
    fields = pc.extract_regex(texts, _regex(format))
    names = {field.name for field in fields.type}
    good = np.asarray(pc.is_valid(fields))

    def part(name: str) -> pa.Array:
        return pc.if_else(pa.array(good), pc.struct_field(fields, name), None)

    def number(name: str, default: int) -> Ints:
        if name not in names:
            return np.full(len(texts), default, dtype=np.int64)
        digits = pc.replace_substring_regex(part(name), r"^0+([0-9])", r"\1")
        return np.asarray(digits.cast(pa.int64()).fill_null(default), dtype=np.int64)

    year = number("Y", 1970)
    if "y" in names:
        short = number("y", 70)
        year = np.where(short < 69, 2000 + short, 1900 + short)
    month = number("m", 1)
    for name, known in (("b", _MONTHS), ("B", _MONTH_NAMES)):
        if name in names:
            month = np.asarray(pc.index_in(part(name), pa.array(known)).fill_null(-1), dtype=np.int64) + 1
    if "a" in names:
        good &= np.asarray(pc.is_in(part("a"), pa.array(_DAYS)))
    day, hour, minute, second = number("d", 1), number("H", 0), number("M", 0), number("S", 0)
    if "I" in names:
        half = number("I", 12)
        good &= (half >= 1) & (half <= 12)
        late = np.asarray(pc.match_substring(part("p"), "p", ignore_case=True).fill_null(False)) if "p" in names else 0
        hour = half % 12 + 12 * np.asarray(late, dtype=np.int64)
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    month = np.where(good, month, 1)
    months = ((year - 1970) * 12 + (month - 1)).astype("datetime64[M]")
    days = months.astype("datetime64[D]").astype(np.int64) + day - 1
    good &= days.astype("datetime64[D]").astype("datetime64[M]") == months  # 31 February is in March
    seconds = days * 86400 + hour * 3600 + minute * 60 + second
    if "z" in names and not local:
        seconds = seconds - offsets_of(part("z"))
    times = seconds.astype(np.float64)
    if "f" in names:
        times += np.asarray(pc.binary_join_element_wise("0.", part("f"), "").cast(pa.float64()).fill_null(0.0))
    return np.where(good, times, np.nan)


def zones_of(texts: pa.Array, format: str) -> pa.DictionaryArray:
    """How the offsets of texts [K] in a format with `%z` are written; null where a text does not fit."""
    return pc.struct_field(pc.extract_regex(texts, _regex(format)), "z").dictionary_encode()


def offsets_of(zones: pa.Array) -> Ints:
    """The seconds by which offsets [K] as they are written are before UTC; 0 for null."""
    coded = zones.dictionary_encode()
    digits = pc.replace_substring_regex(coded.dictionary, "[^0-9]", "")
    number = np.asarray(pc.replace_substring_regex(digits, "^$", "0").cast(pa.int64()).fill_null(0), dtype=np.int64)
    sign = np.where(np.asarray(pc.starts_with(coded.dictionary, "-").fill_null(False)), -1, 1)
    seconds = np.asarray(sign * (number // 100 * 3600 + number % 100 * 60), dtype=np.int64)
    return np.append(seconds, 0)[np.asarray(coded.indices.fill_null(-1), dtype=np.int64)]


def find_dates(texts: pa.Array, counts: Ints) -> tuple[DateStyle, list[str]] | None:
    """The style in which every one of these texts is a time, and the formats that fit as well but mean other times.

    texts: different strings [K], K >= 1, in the order of the rows. counts: how often each occurs.
    """
    fits: list[tuple[float, DateStyle, Floats]] = []
    for format in _formats(texts[0].as_py()):
        if np.isnan(parse_dates(texts[:50], format)).any():
            continue
        times = parse_dates(texts, format)
        if not np.isnan(times).any():
            style = style_of(texts, counts, format)
            same = np.asarray(pc.equal(format_dates(times, style), texts).fill_null(False))
            fits.append((float(counts[same].sum() / counts.sum()), style, times))
    if not fits:
        return None
    best = max(share for share, _, _ in fits)
    top = [(style, times) for share, style, times in fits if share == best]
    # Two readings that fit equally (day first, month first): rows in order of time decide, else the first in the list.
    chosen, read = next((pair for pair in top if len(texts) > 2 and bool((np.diff(pair[1]) > 0).all())), top[0])
    return chosen, [style.format for style, times in top if not np.array_equal(times, read)]


def _formats(text: str) -> list[str]:
    """The formats that one text may be in, those with leading zeros first."""
    found = _clocks(text)
    for format in (f for date in _DATES for f in (date, re.sub("%([md])", r"%-\1", date))):
        split = re.match(_regex(format)[:-1] + r"(?:(?P<by>[T ]|, )(?P<clock>.+))?$", text)
        if split and split["by"] is None:
            found.append(format)
        elif split:
            found += [format + split["by"] + clock for clock in _clocks(split["clock"])]
    return found


def _clocks(text: str) -> list[str]:
    """The formats of a time of day; none where it is something else."""
    found = _CLOCK.match(text)
    if found is None:
        return []
    _, seconds, fraction, half, zone = found.group(0, 1, 2, 3, "zone")
    tail = (":%S" if seconds else "") + (f"{fraction[0]}%{len(fraction) - 1}f" if fraction else "")
    for part, directive in ((half, "%p"), (zone, "%z")):
        tail += (" " if part[0] == " " else "") + directive if part else ""
    return [f"{hour}:%M{tail}" for hour in (("%I", "%-I") if half else ("%H", "%-H"))]


def style_of(texts: pa.Array, counts: Ints, format: str) -> DateStyle:
    """The style of texts in a format: the offsets they have, and how am and pm are spelt."""
    fields = pc.extract_regex(texts, _regex(format))
    names = {field.name for field in fields.type}
    zones, lower = [""], False
    if "z" in names:
        coded = pc.struct_field(fields, "z").fill_null("").dictionary_encode()
        total = np.bincount(np.asarray(coded.indices), counts)
        zones = coded.dictionary.take(pa.array(np.argsort(-total, kind="stable"))).to_pylist()
    if "p" in names:
        lower = bool(pc.any(pc.match_substring_regex(pc.struct_field(fields, "p"), "[ap]m")).as_py())
    return DateStyle(format, zones[0], lower, tuple(zones) if len(zones) > 1 else ())


def grain_of_times(times: Floats, counts: Ints | None = None) -> float:
    """The largest step that times [K], seconds, are multiples of: 86400 for days, 3600, … 1e-6; 0 if finer.

    counts: how often each occurs; a few odd ones need be no multiples.
    """
    if len(times) == 0:
        return 0.0
    for scale in (1.0, 1e3, 1e6):
        whole = np.unique(np.abs(np.rint(times * scale)))
        if np.allclose(np.rint(times * scale) / scale, times, rtol=0, atol=2e-7):
            day = int(86400 * scale)
            step = int(np.gcd.reduce(np.append(whole.astype(np.int64), day)))
            if counts is not None:
                step = coarser(np.rint(times * scale).astype(np.int64), counts, step, day)
            if len(whole) >= _FEWEST_FOR_STEP:
                return step / scale
            # A few times share divisors by chance: only a natural step is believed.
            return next(natural for natural in _NATURAL_STEPS if step % max(round(natural * scale), 1) == 0)
    return 0.0


def format_dates(times: Floats, style: DateStyle, grain: float = 0.0) -> pa.Array:
    """The texts [N] of times [N], seconds, moved to the nearest multiple of the grain; NaN gives null."""
    times = np.asarray(times, dtype=np.float64)
    present = ~np.isnan(times)
    if not present.all():
        full = format_dates(np.where(present, times, 0.0), style, grain)
        return pc.if_else(pa.array(present), full, None)
    if grain > 0:
        times = np.rint(times / grain) * grain
    if len(times) > 1000:
        different, rows = np.unique(times, return_inverse=True)
        return _write(different, style).take(pa.array(rows.reshape(-1)))
    return _write(times, style)


def format_local(local: Floats, offsets: Sequence[str], which: Ints, style: DateStyle) -> pa.Array:
    """The texts [N] of local times [N], seconds, each with the offset `offsets[which]`."""
    order = np.argsort(which, kind="stable")
    begins = np.searchsorted(which[order], np.arange(len(offsets) + 1))
    parts = [pa.array([], pa.string())]
    for zone, begin, end in zip(offsets, begins[:-1], begins[1:], strict=True):
        times = local[order[begin:end]] - offsets_of(pa.array([zone]))
        parts.append(format_dates(times, replace(style, zone=zone)))
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return pa.concat_arrays(parts).take(pa.array(back))


def spelt(offset: int, style: DateStyle) -> str:
    """An offset in seconds as the style has it.

    >>> spelt(-16200, DateStyle("%Y-%m-%d %H:%M%z", "+02:00"))
    '-04:30'
    """
    known = style.offsets or (style.zone,)
    same = offsets_of(pa.array(known)) == offset
    if same.any():
        return known[int(same.argmax())]
    hours, minutes = divmod(abs(offset) // 60, 60)
    mark = ":" if any(":" in text for text in known) or "Z" in known else ""
    return f"{'-' if offset < 0 else '+'}{hours:02}{mark}{minutes:02}"


def _write(times: Floats, style: DateStyle) -> pa.Array:
    parts: list[Any] = _DIRECTIVE.split(style.format)  # texts, and at the odd places the directives between them
    places = next((int(name[0]) for name in parts[1::2] if name[-1] == "f"), 0)
    local = times + offsets_of(pa.array([style.zone], pa.string()))
    ticks = np.rint(local * 10.0 ** min(places, 6)).astype(np.int64)
    seconds, fraction = np.divmod(ticks, 10 ** min(places, 6))
    days, clock = np.divmod(seconds, 86400)
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    year, month = np.divmod(months.astype(np.int64), 12)
    hour = clock // 3600
    numbers = {"Y": year + 1970, "y": (year + 1970) % 100, "m": month + 1, "f": fraction * 10 ** max(places - 6, 0)}
    numbers |= {"H": hour, "I": (hour + 11) % 12 + 1, "M": clock // 60 % 60, "S": clock % 60}
    numbers["d"] = days - months.astype("datetime64[D]").astype(np.int64) + 1
    halves = ("am", "pm") if style.lower else ("AM", "PM")
    names = {"p": (halves, hour // 12), "b": (_MONTHS, month), "B": (_MONTH_NAMES, month), "a": (_DAYS, (days + 3) % 7)}
    for at in range(1, len(parts), 2):
        directive, letter = parts[at], parts[at][-1]
        if letter == "z":
            parts[at] = style.zone
        elif letter in names:
            spelt, index = names[letter]
            parts[at] = pa.array(spelt).take(pa.array(index))
        else:
            digits = pa.array(numbers[letter]).cast(pa.string())
            width = 0 if directive[0] == "-" else {"Y": 4, "f": places}.get(letter, 2)
            parts[at] = pc.utf8_lpad(digits, width, "0") if width else digits
    return pc.binary_join_element_wise(*parts, "")


def check_format(format: str) -> str | None:
    """What is wrong with a format that a user wrote, or None."""
    names = [found[1] for found in _DIRECTIVE.finditer(format)]
    if unknown := [name for name in names if name not in _REGEX and name[-1] != "f"]:
        return f"directive %{unknown[0]} is not known"
    bare = [name.lstrip("-") for name in names]
    if len(bare) != len(set(bare)) or not bare:
        return "each directive may stand once, and there must be one"
    return None
