"""Dates and times as people write them: how texts are read as times, and how times are written in that way again.

Knows texts and seconds; never tables, files or kinds of column. A format is a strftime text with these directives:
%Y %y %m %d %H %I %M %S %p %b %B %a, `%-m %-d %-H %-I` (no leading zero), `%1f` … `%9f` (that many digits of a
second) and `%z` (`Z`, `+0200`, `+02:00`).
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_NATURAL_STEPS = (86400.0, 3600.0, 60.0, 1.0, 1e-3, 1e-6)
_FEWEST_FOR_STEP = 10
_DIRECTIVE = re.compile(r"%(-?[A-Za-z]|[1-9]f)")
_REGEX = {
    "Y": r"(?P<Y>[0-9]{4})",
    "y": r"(?P<y>[0-9]{2})",
    "m": r"(?P<m>[0-9]{2})",
    "-m": r"(?P<m>[0-9]{1,2})",
    "d": r"(?P<d>[0-9]{2})",
    "-d": r"(?P<d>[0-9]{1,2})",
    "H": r"(?P<H>[0-9]{2})",
    "-H": r"(?P<H>[0-9]{1,2})",
    "I": r"(?P<I>[0-9]{2})",
    "-I": r"(?P<I>[0-9]{1,2})",
    "M": r"(?P<M>[0-9]{2})",
    "S": r"(?P<S>[0-9]{2})",
    "p": r"(?P<p>[AaPp][Mm])",
    "b": r"(?P<b>[A-Z][a-z]{2})",
    "B": r"(?P<B>[A-Z][a-z]{2,8})",
    "a": r"(?P<a>[A-Z][a-z]{2})",
    "z": r"(?P<z>Z|[+-][0-9]{2}:?[0-9]{2})",
}
_DATES = (
    ("[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}", ("%Y-%m-%d", "%Y-%-m-%-d")),
    ("[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}", ("%Y/%m/%d", "%Y/%-m/%-d")),
    ("[0-9]{4}[.][0-9]{1,2}[.][0-9]{1,2}", ("%Y.%m.%d", "%Y.%-m.%-d")),
    ("[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}", ("%m/%d/%Y", "%-m/%-d/%Y", "%d/%m/%Y", "%-d/%-m/%Y")),
    ("[0-9]{1,2}-[0-9]{1,2}-[0-9]{4}", ("%d-%m-%Y", "%-d-%-m-%Y", "%m-%d-%Y", "%-m-%-d-%Y")),
    ("[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{4}", ("%d.%m.%Y", "%-d.%-m.%Y", "%m.%d.%Y", "%-m.%-d.%Y")),
    ("[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}", ("%m/%d/%y", "%-m/%-d/%y", "%d/%m/%y", "%-d/%-m/%y")),
    ("[0-9]{1,2}[.][0-9]{1,2}[.][0-9]{2}", ("%d.%m.%y", "%-d.%-m.%y")),
    ("[0-9]{1,2}-[A-Z][a-z]{2}-[0-9]{4}", ("%d-%b-%Y", "%-d-%b-%Y")),
    ("[0-9]{1,2}-[A-Z][a-z]{2}-[0-9]{2}", ("%d-%b-%y", "%-d-%b-%y")),
    ("[0-9]{1,2} [A-Z][a-z]{2} [0-9]{4}", ("%d %b %Y", "%-d %b %Y")),
    ("[0-9]{1,2} [A-Z][a-z]{2,8} [0-9]{4}", ("%d %B %Y", "%-d %B %Y")),
    ("[A-Z][a-z]{2} [0-9]{1,2},? [0-9]{4}", ("%b %d, %Y", "%b %-d, %Y", "%b %d %Y", "%b %-d %Y")),
    ("[A-Z][a-z]{2,8} [0-9]{1,2}, [0-9]{4}", ("%B %d, %Y", "%B %-d, %Y")),
)
_CLOCK = re.compile(
    r"^[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{1,9})?)?( ?[AaPp][Mm])?(?P<zone> ?(Z|[+-][0-9]{2}:?[0-9]{2}))?$"
)


@dataclass(frozen=True)
class DateStyle:
    """How the times of a text column are written.

    format: the directives (see the module). zone: "" for local times, else how the offset is written ("Z", "+02:00",
        …), the most frequent one where several occur. lower: whether am and pm are written small.
    """

    format: str
    zone: str = ""
    lower: bool = False

    def to_json(self) -> dict[str, Any]:
        """The style as plain JSON values; `DateStyle(**value)` takes it back."""
        return asdict(self)


def _days_from_civil(year: Ints, month: Ints, day: Ints) -> Ints:
    months = ((year - 1970) * 12 + (month - 1)).astype("datetime64[M]")
    return np.asarray(months.astype("datetime64[D]").astype(np.int64) + day - 1)


def _days_in_month(year: Ints, month: Ints) -> Ints:
    return _days_from_civil(year + month // 12, month % 12 + 1, np.ones_like(day := month)) - _days_from_civil(
        year, month, np.ones_like(day)
    )


def _regex(format: str) -> str:
    parts, end = [], 0
    for found in _DIRECTIVE.finditer(format):
        name = found[1]
        parts.append(re.escape(format[end : found.start()]))
        parts.append(rf"(?P<f>[0-9]{{{name[0]}}})" if name[-1] == "f" else _REGEX[name])
        end = found.end()
    return "^" + "".join(parts) + re.escape(format[end:]) + "$"


def parse_dates(texts: pa.Array, format: str) -> Floats:
    """Seconds since 1970 (UTC where the format has an offset, else local) that texts mean; NaN where a text does not
    fit.

    texts: strings [K]. Returns float64 [K]. Impossible days (31 February) do not fit.
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
    day, minute, second = number("d", 1), number("M", 0), number("S", 0)
    hour = number("H", 0)
    if "I" in names:
        half = number("I", 12)
        good &= (half >= 1) & (half <= 12)
        late = np.asarray(pc.match_substring(part("p"), "p", ignore_case=True).fill_null(False)) if "p" in names else 0
        hour = half % 12 + 12 * np.asarray(late, dtype=np.int64)
    good &= (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    month = np.where(good, month, 1)
    good &= day <= _days_in_month(year, month)
    seconds = _days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
    if "z" in names:
        seconds = seconds - _offsets(part("z"))
    times = seconds.astype(np.float64)
    if "f" in names:
        times += np.asarray(pc.binary_join_element_wise("0.", part("f"), "").cast(pa.float64()).fill_null(0.0))
    return np.where(good, times, np.nan)


def _offsets(zones: pa.Array) -> Ints:
    digits = pc.replace_substring_regex(zones, "[^0-9]", "")
    number = np.asarray(pc.replace_substring_regex(digits, "^$", "0").cast(pa.int64()).fill_null(0), dtype=np.int64)
    sign = np.where(np.asarray(pc.starts_with(zones, "-").fill_null(False)), -1, 1)
    return np.asarray(sign * (number // 100 * 3600 + number % 100 * 60), dtype=np.int64)


def offset_of(zone: str) -> int:
    """Seconds east of Greenwich that an offset such as `Z`, `+0200` or `-05:30` means."""
    return int(_offsets(pa.array([zone], pa.string()))[0]) if zone else 0


def find_dates(texts: pa.Array, counts: Ints) -> tuple[DateStyle, list[str]] | None:
    """The style in which every one of these texts is a time, and the formats that fit as well but mean other times.

    texts: different strings [K], K >= 1, in the order of the rows. counts: how often each occurs.
    """
    first = texts[0].as_py()
    fits: list[tuple[float, str, Floats]] = []
    for format in _formats(first):
        sample = parse_dates(texts[:50], format)
        if np.isnan(sample).any():
            continue
        times = parse_dates(texts, format)
        if not np.isnan(times).any():
            style = _dressed(texts, counts, format)
            same = np.asarray(pc.equal(format_dates(times, style), texts).fill_null(False))
            fits.append((float(counts[same].sum() / counts.sum()), format, times))
    if not fits:
        return None
    best = max(share for share, _, _ in fits)
    top = [(format, times) for share, format, times in fits if share == best]
    # Two readings that fit equally (day first, month first): rows in order of time decide, else the first in the list.
    format, chosen = next((pair for pair in top if len(texts) > 2 and bool((np.diff(pair[1]) > 0).all())), top[0])
    others = [other for other, times in top if not np.array_equal(times, chosen)]
    return _dressed(texts, counts, format), others


def style_of(texts: pa.Array, counts: Ints, format: str) -> DateStyle:
    """The style of texts whose format the user gave."""
    return _dressed(texts, counts, format)


def _formats(text: str) -> list[str]:
    """The formats that one text may be in."""
    if _CLOCK.match(text):
        return _clocks(text)
    found: list[str] = []
    for pattern, formats in _DATES:
        split = re.match(rf"^({pattern})(?:([T ]|, )(.+))?$", text)
        if split is None:
            continue
        if split[3] is None:
            found += formats
        elif _CLOCK.match(split[3]):
            found += [format + split[2] + clock for format in formats for clock in _clocks(split[3])]
    return found


def _clocks(text: str) -> list[str]:
    found = _CLOCK.match(text)
    assert found is not None
    zone = found["zone"] or ""
    tail = "" if not zone else (" %z" if zone[0] == " " else "%z")
    if found[2]:
        tail = found[2][0] + f"%{len(found[2]) - 1}f" + tail
    if found[1]:
        tail = ":%S" + tail
    if found[3]:
        half = (" " if found[3][0] == " " else "") + "%p"
        zoned = tail[tail.index("%z") - tail.count(" %z") :] if zone else ""
        body = tail[: len(tail) - len(zoned)]
        return [f"{hour}:%M{body}{half}{zoned}" for hour in ("%I", "%-I")]
    return [f"{hour}:%M{tail}" for hour in ("%H", "%-H")]


def _dressed(texts: pa.Array, counts: Ints, format: str) -> DateStyle:
    fields = pc.extract_regex(texts, _regex(format))
    names = {field.name for field in fields.type}
    zone, lower = "", False
    if "z" in names:
        zones = pc.struct_field(fields, "z").to_pylist()
        total: dict[str, int] = {}
        for text, count in zip(zones, counts.tolist(), strict=True):
            total[text or ""] = total.get(text or "", 0) + count
        zone = max(total, key=lambda text: total[text])
    if "p" in names:
        lower = bool(pc.any(pc.match_substring_regex(pc.struct_field(fields, "p"), "[ap]m")).as_py())
    return DateStyle(format, zone, lower)


def grain_of_times(times: Floats) -> float:
    """The largest step in seconds whose multiples all times are: 86400 for days, 3600, 60, 1, … down to 1e-6; 0 if
    finer.

    times: finite float64 [K], seconds.
    """
    if len(times) == 0:
        return 0.0
    for scale in (1.0, 1e3, 1e6):
        whole = np.unique(np.abs(np.rint(times * scale)))
        if np.allclose(np.rint(times * scale) / scale, times, rtol=0, atol=2e-7):
            step = int(np.gcd.reduce(np.append(whole.astype(np.int64), int(86400 * scale))))
            if len(whole) >= _FEWEST_FOR_STEP:
                return step / scale
            # A few times share divisors by chance: only a natural step is believed.
            return next(natural for natural in _NATURAL_STEPS if step % max(round(natural * scale), 1) == 0)
    return 0.0


def format_dates(times: Floats, style: DateStyle, grain: float = 0.0) -> pa.Array:
    """The texts of times in a style, each moved to the nearest multiple of the grain.

    times: float64 [N] in seconds; NaN gives null. Returns strings [N].
    """
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


def _write(times: Floats, style: DateStyle) -> pa.Array:
    directives = list(_DIRECTIVE.finditer(style.format))
    places = next((int(d[1][0]) for d in directives if d[1][-1] == "f"), 0)
    local = times + offset_of(style.zone)
    ticks = np.rint(local * 10.0 ** min(places, 6)).astype(np.int64)
    seconds, fraction = np.divmod(ticks, 10 ** min(places, 6))
    fraction = fraction * 10 ** max(places - 6, 0)
    days, clock = np.divmod(seconds, 86400)
    dates = days.astype("datetime64[D]")
    month_index = dates.astype("datetime64[M]").astype(np.int64)
    year, month = 1970 + month_index // 12, month_index % 12 + 1
    day = days - dates.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) + 1
    hour, minute, second = clock // 3600, clock // 60 % 60, clock % 60
    half = (hour + 11) % 12 + 1

    def digits(numbers: Ints, width: int) -> pa.Array:
        texts = pa.array(numbers).cast(pa.string())
        return pc.utf8_lpad(texts, width, "0") if width else texts

    def named(names: tuple[str, ...], index: Ints) -> pa.Array:
        return pa.array(names).take(pa.array(index))

    halves = ("am", "pm") if style.lower else ("AM", "PM")
    parts: list[Any] = []
    end = 0
    for found in directives:
        parts.append(style.format[end : found.start()])
        end = found.end()
        match found[1]:
            case "Y":
                parts.append(digits(year, 4))
            case "y":
                parts.append(digits(year % 100, 2))
            case "m" | "-m" as name:
                parts.append(digits(month, 0 if name[0] == "-" else 2))
            case "d" | "-d" as name:
                parts.append(digits(day, 0 if name[0] == "-" else 2))
            case "H" | "-H" as name:
                parts.append(digits(hour, 0 if name[0] == "-" else 2))
            case "I" | "-I" as name:
                parts.append(digits(half, 0 if name[0] == "-" else 2))
            case "M":
                parts.append(digits(minute, 2))
            case "S":
                parts.append(digits(second, 2))
            case "p":
                parts.append(named(halves, hour // 12))
            case "b":
                parts.append(named(_MONTHS, month - 1))
            case "B":
                parts.append(named(_MONTH_NAMES, month - 1))
            case "a":
                parts.append(named(_DAYS, (days + 3) % 7))
            case "z":
                parts.append(style.zone)
            case _:
                parts.append(digits(fraction, places))
    parts.append(style.format[end:])
    return pc.binary_join_element_wise(*parts, "")


def check_format(format: str) -> str | None:
    """What is wrong with a format that a user wrote, or None."""
    names = [found[1] for found in _DIRECTIVE.finditer(format)]
    unknown = [name for name in names if name not in _REGEX and name[-1] != "f"]
    if unknown:
        return f"directive %{unknown[0]} is not known"
    bare = [name.lstrip("-") for name in names]
    if len(bare) != len(set(bare)) or not bare:
        return "each directive may stand once, and there must be one"
    return None
