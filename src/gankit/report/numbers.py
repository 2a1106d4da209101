"""Numbers as people read them: scores, shares, counts and dates as short texts.

Knows numbers only; never metrics or pages.
"""

from __future__ import annotations

import datetime
import math
from typing import Any


def count(value: float | None) -> str:
    """A count with thousands separators: `6,513`."""
    return "–" if value is None else f"{round(value):,}"


def about(value: float) -> str:
    """A count to two significant digits, upward, for advice: `about(4123)` is `4,200`."""
    if value <= 0:
        return "0"
    step = 10 ** max(0, math.floor(math.log10(value)) - 1)
    return f"{math.ceil(value / step) * step:,}"


def score(value: float | None) -> str:
    """A score: three decimals below 100, fewer above, more where three would show nothing."""
    if value is None or not math.isfinite(value):
        return "–"
    size = abs(value)
    form = ",.0f" if size >= 10000 else ",.1f" if size >= 100 else ".1e" if 0 < size < 0.0005 else ".3f"
    return f"{value:{form}}"


def interval(low: float | None, high: float | None) -> str:
    """An interval, `0.983–0.987`, or an empty text when there is none."""
    return "" if low is None or high is None else f"{score(low)}–{score(high)}"


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """A score followed by its interval in brackets: `0.985 (0.983–0.987)`."""
    bounds = interval(low, high)
    return f"{score(value)} ({bounds})" if bounds and value is not None else score(value)


def share(value: float | None) -> str:
    """A share as a percentage: `12.3 %`, with more digits where it is small and `0 %` only for none at all."""
    if value is None or not math.isfinite(value):
        return "–"
    percent = 100 * value
    if percent == 0:
        return "0 %"
    if abs(percent) < 0.1:
        return f"{percent:.2g} %"
    return f"{percent:.0f} %" if abs(percent) >= 99.95 else f"{percent:.1f} %"


def amount(value: float | None) -> str:
    """A value of the data: up to five significant digits, integers whole, thousands separated."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == round(value) and abs(value) < 1e15:
        return f"{value:,.0f}" if abs(value) >= 10000 else f"{value:.0f}"
    return f"{value:,.5g}" if abs(value) < 1e6 else f"{value:.4g}"


def moment(seconds: float | None) -> str:
    """Seconds since 1970 as a date, with the time of day where there is one."""
    if seconds is None or not math.isfinite(seconds):
        return "–"
    try:
        when = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
    except OverflowError:
        return amount(seconds)
    return when.strftime("%Y-%m-%d" if (when.hour, when.minute, when.second) == (0, 0, 0) else "%Y-%m-%d %H:%M:%S")


def listed(texts: list[str]) -> str:
    """Texts as a list in a sentence: `a, b and c`."""
    return texts[0] if len(texts) == 1 else f"{', '.join(texts[:-1])} and {texts[-1]}" if texts else ""


def finite(value: Any) -> float | None:
    """`value` as a float when it is a finite number, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None
