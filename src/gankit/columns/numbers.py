"""Numbers as people write them: how texts are read as numbers, and how numbers are written in that way again.

Knows texts and numbers; never tables, files or kinds of column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.io.records import float_texts
from gankit.io.words import matching
from gankit.stored import Small, Stored

Layout = Literal["integer", "fixed", "point", "shortest"]
Floats = npt.NDArray[np.float64]

EXACT = 2.0**53
"""Whole numbers below this are exact in a double."""

_FEWEST_FOR_STEP = 10
"""Different values needed to believe a common divisor: 10 random whole numbers share one with odds of 1 to 1000."""

_FEW_SHARE, _FEW_OF = 0.001, 30  # so large a share of the cells, or one of so many, are odd ones out
_MOST_STATED, _STATED = 8, 1e15  # decimals and size of numbers (in the last of them) that are written for people
_STEEP = 20  # times as many cells have as many decimals as is usual as have more
_OFTEN = 0.9  # this share of the cells must be kept to the letter where a layout drops digits of others

_SIGNS_AND_SPACE = "$€£¥₹₩₽₺ \t\u00a0"
_SUFFIXES = _SIGNS_AND_SPACE + "%‰°"
_SEPARATORS = (".", ",.", ",", ".,", " .", " ,", "'.", "\u2019.", "\u00a0,", "\u202f,")
"""What groups thousands, and the decimal mark."""
_CURRENCY = re.compile(  # and signs of currencies alone
    "(USD|EUR|GBP|JPY|CHF|CNY|RMB|INR|AUD|CAD|NZD|SEK|NOK|DKK|ISK|PLN|CZK|HUF|RON|BGN|RUB|UAH|TRY|ILS|AED|SAR|EGP|ZAR|NGN|KES|"
    r"BRL|MXN|ARS|CLP|COP|PEN|KRW|TWD|HKD|SGD|MYR|THB|IDR|PHP|VND|PKR|BTC|ETH|(US|HK|C|A|R)\$|(Rs|Rp|S?Fr|[Kk]r)\.?|zł|Kč|Ft|lei|лв\.?|руб\.?|р\.)?"
)
_NEGATIVES = {  # how else negative numbers are written, and what makes them begin with `-`
    "()": (r"^\((.+)\)$", r"-\1"),
    "$() ": (r"^([^0-9(]*[^0-9(])\(([^()]*[0-9])\)$", r"-\1\2 "),
    "$()": (r"^([^0-9(]+)\((.+)\)$", r"-\1\2"),
    "5-": (r"^(.*[0-9].*)-$", r"-\1"),
    "\u2212": ("^(.*)\u2212", r"-\1"),
    "\u2013": ("^([^0-9]*)\u2013", r"-\1"),
    "$-": (r"^([^0-9\s-][^0-9-]*)-", r"-\1"),
}
_SCALES = {"k": 3, "K": 3, "M": 6, "B": 9}  # letters behind numbers, and the powers of ten that they stand for
_SCALED = 20  # so many different numbers with one letter alone are believed
_LONGEST = 400  # signs of a number and what stands around it
_WHOLE = "^-?(?:0|[1-9][0-9]{0,14})$"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_LOOSE = "^[^0-9A-Za-z]{0,4}([A-Z]{3})?[^0-9A-Za-z]{0,2}[0-9][0-9.,'\u2019\u00a0\u202f ]*([^0-9 ].{0,3})?$"
_ODD = re.compile(
    r"^(?P<sign>[+-]?)(?P<prefix>[^0-9+\-]*)(?P<core>[+-]?[0-9.,'\u2019\u00a0\u202f ]*[0-9](?:[eE][+-]?[0-9]+)?)"
    r"(?P<suffix>[^0-9]*)$"
)


@dataclass(frozen=True)
class NumberStyle(Stored):
    """How the numbers of a text column are written.

    layout: "integer" (`41`), "fixed" (`41.00`, always `decimals` digits after the mark), "point" (the shortest text
        with a mark: `41.0`, `8.3252`), "shortest" (`41`, `8.3252`).
    decimals: most digits after the mark that usual cells have; None where they have no bound (continuous).
    mark, thousands, prefix, suffix: the decimal mark, what may group thousands, and what stands around every number.
    grouped: whether thousands are grouped where numbers are written.
    negative: how negative numbers are written, see `_NEGATIVES`.
    scales, places: the letters that stand for powers of ten (`1.3M`, `2k`), and most digits after the mark before them.
    exponent: `e` or `E` where all are written as `1.376E+03`, with `places` digits after the mark; else "".
    bare: whether no zero stands before the mark (`.25`).
    plus: whether positive numbers carry a plus sign. width: texts are padded with blanks on the left to this length.
    """

    LATER = ("grouped", "negative", "scales", "places", "exponent", "bare")

    layout: Layout
    decimals: Small | None
    mark: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    plus: bool = False
    width: Small = 0
    grouped: bool = True
    negative: str = "-"
    scales: str = ""
    places: Small = 0
    exponent: Literal["", "e", "E"] = ""
    bare: bool = False


PLAIN = NumberStyle("shortest", None)
"""Numbers as a computer writes them: a point, no grouping, nothing around."""


def _core(thousands: str, mark: str) -> str:
    """The regular expression of an unsigned number with these separators; no leading zeros (`00123` is a code)."""
    point = re.escape(mark)
    whole = r"(?:0|[1-9][0-9]*)"
    if thousands:
        whole = rf"(?:{whole}|[1-9][0-9]{{0,2}}(?:{re.escape(thousands)}[0-9]{{3}})+)"
    return rf"(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+){_EXPONENT}"


def _pattern(style: NumberStyle) -> str:
    blank = r"\s*" if style.width else ""
    before, after = re.escape(style.prefix), re.escape(style.suffix)
    core = _core(style.thousands, style.mark)
    if style.scales:
        core = rf"{core.removesuffix(_EXPONENT)}[{style.scales}]?"
    return rf"^{blank}(?:[+-]?{before}|{before}[+-]){core}{after}$"


def parse_numbers(texts: pa.Array, style: NumberStyle) -> Floats:
    """The numbers float64 [K], correctly rounded, that texts [K] mean; NaN where one is none in this style."""
    if len(texts) == 0:
        return np.zeros(0)
    texts = _with_sign(texts, style.negative)
    good = matching(texts, _pattern(style))
    plain = texts if good.all() else pc.if_else(pa.array(good), texts, None)
    if style.width:
        plain = pc.utf8_ltrim_whitespace(plain)
    for what in filter(None, (style.prefix, style.suffix, style.thousands)):
        plain = pc.replace_substring(plain, what, "")
    if style.mark != ".":
        plain = pc.replace_substring(plain, style.mark, ".")
    for letter in style.scales:
        plain = pc.replace_substring(plain, letter, f"e{_SCALES[letter]}")
    numbers = plain.cast(pa.float64())
    return np.array(numbers if good.all() else numbers.fill_null(np.nan), dtype=np.float64)


def _with_sign(texts: pa.Array, negative: str) -> pa.Array:
    """The texts, a minus sign in front of those that are negative in this notation."""
    return texts if negative == "-" else pc.replace_substring_regex(texts, *_NEGATIVES[negative])


def parse_otherwise(texts: pa.Array) -> Floats:
    """The numbers float64 [K] that texts [K] mean plainly, but for blanks and currency signs around them, and
    parentheses or a typographic minus for negative ones; NaN where one is none.
    """
    around = f"[{_SIGNS_AND_SPACE}]+"
    for what, by in (
        (f"^{around}|{around}$", ""),
        ("^[\u2212\u2013]|^\\((.*)\\)$", r"-\1"),
        (f"^-{around}", "-"),
    ):
        texts = pc.replace_substring_regex(texts, what, by)
    return parse_numbers(texts, PLAIN)


def find_style(
    texts: pa.Array, counts: npt.NDArray[np.int64], *, forced: bool = False, strict: bool = False, marks: str = ""
) -> NumberStyle | None:
    """The style in which these texts are numbers, or None if there is none.

    A few of them may be in another notation that `parse_otherwise` understands.

    texts: different strings [K], K >= 1. counts: how often each occurs. forced: the user said that they are numbers,
        so any text around them is taken as a unit (`12 kg`), not only currency and percent signs. strict: without
        exception. marks: what groups thousands and the decimal mark, as the user said.
    """
    if matching(texts, _WHOLE).all():
        return NumberStyle("integer", 0)
    styles = _candidates(texts, counts, forced=forced, marks=marks)
    signed = _with_sign(texts, styles[0].negative if styles else "-")  # the same in all of them
    for style in styles:
        if matching(signed, _pattern(style)).all():
            if not marks and not style.thousands and _groups_thousands(signed, style):
                style = replace(style, thousands=style.mark, mark="," if style.mark == "." else ".")
            return _with_layout(texts, counts, style)
    for style in [] if strict else styles or [PLAIN]:
        if matching(signed[:1000], _pattern(style)).mean() > 0.5:
            good = matching(signed, _pattern(style))
            if few(~good, counts) and not np.isnan(parse_otherwise(texts.filter(pa.array(~good)))).any():
                return _with_layout(texts.filter(pa.array(good)), counts[good], style)
    return None


def style_of_most(
    texts: pa.Array, counts: npt.NDArray[np.int64], *, forced: bool = False, marks: str = ""
) -> tuple[NumberStyle | None, npt.NDArray[np.bool_]]:
    """The style of those of these texts that are numbers, and which are none in it nor plainly; see `find_style`.

    None where most are none.
    """
    good = matching(texts, _pattern(PLAIN))
    if good[:1000].mean() <= 0.5 or marks:
        good = matching(texts, _LOOSE)
    if good[:1000].mean() <= 0.5:
        return None, ~good
    style = find_style(texts.filter(pa.array(good)), counts[good], forced=forced, marks=marks)
    bad = np.isnan(parse_numbers(texts, style or PLAIN))
    bad[bad] = np.isnan(parse_otherwise(texts.filter(pa.array(bad))))
    return style, bad


def _groups_thousands(texts: pa.Array, style: NumberStyle) -> bool:
    """Whether the mark of these numbers groups thousands: `1.275` beside `950` and `88`, never `1.3` or `1275`."""
    mark, before, after = map(re.escape, (style.mark, style.prefix, style.suffix))
    marked = np.asarray(pc.match_substring(texts, style.mark))
    if not marked.any() or marked.all():
        return False
    small = matching(texts, rf"^\s*[+-]?{before}[+-]?[1-9][0-9]{{0,2}}{after}$")
    zero = matching(texts, rf"^\s*[+-]?{before}[+-]?0{after}$")
    groups = matching(texts, rf"^\s*[+-]?{before}[+-]?[1-9][0-9]{{0,2}}{mark}[0-9]{{3}}{after}$")
    return bool((groups | small | zero).all() and small.sum() > 1)


def _around(text: str, forced: bool) -> tuple[str, str] | None:
    """What stands before and behind a number; None where it is none. forced: it may be anything."""
    found = _ODD.match(text)
    if found is None:
        return None
    prefix, suffix = found["prefix"], found["suffix"]
    known = all(
        _CURRENCY.fullmatch(part.strip(some)) or _CURRENCY.fullmatch(part.strip())
        for part, some in ((prefix, _SIGNS_AND_SPACE), (suffix, _SUFFIXES))
    )
    return (prefix, suffix) if forced or known else None


def _candidates(texts: pa.Array, counts: npt.NDArray[np.int64], *, forced: bool, marks: str = "") -> list[NumberStyle]:
    simple = matching(texts, _pattern(PLAIN))
    if simple.all() and not marks:
        return [PLAIN]
    odd = texts[int(np.argmin(simple))].as_py()
    if len(odd) > _LONGEST:
        return []
    for pattern, by in [*_NEGATIVES.values(), ("([0-9])[kKMB]", r"\1")]:
        odd = re.sub(pattern, by, odd)
    if (around_odd := _around(odd, forced)) is None:
        return []
    facts: dict[str, Any] = {}
    for name, (pattern, _) in _NEGATIVES.items():
        # Most columns have none, which a search for a character tells faster than a regular expression.
        sign = {"5-": "-", "$-": f"{around_odd[0]}-", "\u2212": name, "\u2013": name}.get(name, "(")
        search = pc.ends_with if name == "5-" else pc.match_substring
        if not pc.any(search(texts, sign)).as_py():
            continue
        if name == "$() " and not pc.all(pc.match_substring_regex(texts, "[ )]$")).as_py():
            continue  # a blank stands behind positive ones, where negative ones have their `)`
        found = matching(texts, pattern)
        if found.any() and not few(found, counts):
            facts["negative"], texts = name, _with_sign(texts, name)
            break
    letters = [letter for letter in _SCALES if pc.any(pc.match_substring(texts, letter)).as_py()]
    scales = "".join(letter for letter in letters if matching(texts, f"[0-9]{letter}").any())
    if scales and (len(scales) > 1 or len(texts) > _SCALED or matching(texts, f"[.,][0-9]+[{scales}]").any()):
        facts["scales"], texts = scales, pc.replace_substring_regex(texts, f"([0-9])[{scales}]", r"\1")
    simple = matching(texts, _pattern(PLAIN))
    if simple.all() and not marks:
        return [replace(PLAIN, **facts)]
    odd = texts[int(np.argmin(simple))].as_py()
    if (found_around := _around(odd, forced)) is None:
        return []
    prefix, suffix = found_around
    around = [("", "", 0), (prefix, suffix, 0)] if prefix or suffix else [("", "", 0)]
    if odd[0] == " ":
        around += [("", "", 1), ("", suffix, 1)]
    return [
        NumberStyle("shortest", None, pair[-1], pair[:-1], before, after, width=width, **facts)
        for before, after, width in around
        for pair in ((marks,) if marks else _SEPARATORS)
    ]


def few(odd: npt.NDArray[np.bool_], counts: npt.NDArray[np.int64]) -> bool:
    """Whether so few cells are odd that the others alone say how a column is written.

    odd: of different values [K]. counts: how often each occurs. A column of zeros and few other numbers has none that
    are odd: there must also be four usual values for each of them.
    """
    cells = int(counts.sum())
    most = max(cells * _FEW_SHARE, float(cells >= _FEW_OF))
    return bool(4 * odd.sum() <= (~odd).sum() and counts[odd].sum() <= most)


def _with_layout(texts: pa.Array, counts: npt.NDArray[np.int64], style: NumberStyle) -> NumberStyle:
    """The style with layout, decimals, plus, groups and width as most of these texts show them."""
    values = parse_numbers(texts, style)
    mark = re.escape(style.mark)
    after = pc.utf8_length(pc.replace_substring_regex(texts, rf"^[^{mark}]*{mark}?([0-9]*).*$", r"\1"))
    digits = np.asarray(after.fill_null(0), dtype=np.int64)
    marked = np.asarray(pc.match_substring(texts, style.mark))
    digits[~marked] = 0
    exponents = matching(texts, r"[0-9.,][eE][+-]?[0-9]")
    scientific = bool(2 * counts[exponents].sum() >= counts.sum())
    if exponents.any() and not scientific:
        powers = pc.replace_substring_regex(texts.filter(pa.array(exponents)), r"^.*[eE]\+?(-?[0-9]+).*$", r"\1")
        digits[exponents] = np.maximum(digits[exponents] - np.asarray(powers.cast(pa.int64())), 0)
    signed = np.asarray(pc.match_substring_regex(texts, r"^[^0-9]*\+"))
    plus = bool(2 * counts[signed].sum() > counts[values > 0].sum())
    small, bare = (values > -1) & (values < 1) & marked, matching(texts, rf"^[^0-9]*{mark}")
    plain = bool(small.any() and 2 * counts[bare].sum() > counts[small].sum())
    lengths = np.asarray(pc.utf8_length(texts))
    width = int(lengths.max()) if style.width and lengths.min() == lengths.max() else 0
    style = replace(style, plus=plus, width=width, bare=plain)
    if style.thousands:
        groups, large = np.asarray(pc.match_substring(texts, style.thousands)), np.abs(values) >= 1000
        style = replace(style, grouped=bool(2 * counts[groups].sum() >= counts[large].sum()))
    if style.scales:
        scaled = digits[matching(texts, f"[0-9][{style.scales}]")]
        fixed = scaled.min() == scaled.max() > 0
        decimals = decimals_of(values, counts)
        return replace(style, layout="fixed" if fixed else "shortest", decimals=decimals, places=int(scaled.max()))
    if not marked.any() and not exponents.any():
        return replace(style, layout="integer", decimals=0)
    most, largest = int(digits.max()), float(np.abs(values).max())
    usual = most if scientific else _usual_digits(digits, counts, largest)
    bounded = not scientific and usual <= 15 and largest * 10.0**usual < EXACT
    # Doubles written with all their digits (`19.890000000000001`) are still decimals, if a shorter text means the same.
    decimals = usual if bounded else None if exponents.any() else decimals_of(values, counts)
    if bounded and marked.all() and digits.min() == most and most > 0 and not exponents.any():
        return replace(style, layout="fixed", decimals=decimals)
    layouts: list[Layout] = ["point", "shortest", "fixed"]
    choices = [replace(style, layout=name, decimals=decimals) for name in layouts[: 3 if bounded and usual > 0 else 2]]
    if bounded and usual == 0 and 2 * counts[marked | exponents].sum() < counts.sum():
        choices = [replace(style, layout="integer", decimals=0)]
    if scientific:
        letter: Literal["e", "E"] = "E" if pc.any(pc.match_substring(texts, "E")).as_py() else "e"
        choices.append(replace(style, layout="shortest", decimals=None, exponent=letter, places=int(digits[0])))
    shares = [share_kept(texts, counts, values, choice) for choice in choices]
    common = int(np.bincount(digits, counts).argmax())
    longer = digits > common
    if 0 < common <= _MOST_STATED and longer.any() and 4 * longer.sum() <= (~longer).sum():
        fixed = replace(style, layout="fixed", decimals=common)
        kept = share_kept(texts, counts, values, fixed)
        if kept >= max(_OFTEN, *shares):
            return fixed
    return choices[int(np.argmax(shares))]


def _usual_digits(digits: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], largest: float) -> int:
    """The most digits after the mark, without those of a few odd cells beside many that have as many as is usual.

    digits: [K] of different texts. largest: of the numbers. Where the number of digits fades out, as that of numbers
        of a few significant digits does, the longest cell counts.
    """
    for usual in np.unique(digits)[:-1].tolist():
        longer = digits > usual
        stated = usual <= _MOST_STATED and largest * 10.0**usual < _STATED and few(longer, counts)
        if stated and counts[digits == usual].sum() >= _STEEP * counts[longer].sum():
            return int(usual)
    return int(digits.max())


def share_kept(texts: pa.Array, counts: npt.NDArray[np.int64], values: Floats, style: NumberStyle) -> float:
    """The share of cells whose texts `format_numbers` gives back to the letter, 0 to 1."""
    same = pc.equal(format_numbers(values, style, 0.0 if style.decimals is None else 10.0**-style.decimals), texts)
    return float(counts[np.asarray(same)].sum() / counts.sum())


def grain_of(values: Floats, decimals: int | None, counts: npt.NDArray[np.int64] | None = None) -> float:
    """The largest step whose multiples the values are (1, .01, 50, .25, …); 0 where there is none (continuous).

    values: finite float64 [K]. decimals: digits after the mark that can occur, or None for no bound. counts: how often
        each occurs; a few odd ones need be no multiples.
    """
    if decimals is None or len(values) == 0:
        return 0.0
    scale = 10.0**decimals
    if float(np.abs(values).max()) * scale >= EXACT:
        return 1.0 if decimals == 0 else 0.0
    steps = np.abs(np.rint(values * scale)).astype(np.int64)
    whole = np.unique(steps)
    if len(whole) < _FEWEST_FOR_STEP:
        return 1.0 / scale
    step = max(int(np.gcd.reduce(whole)), 1)
    return (step if counts is None else coarser(steps, counts, step)) / scale


def coarser(whole: npt.NDArray[np.int64], counts: npt.NDArray[np.int64], step: int, most: int = 0) -> int:
    """The largest multiple of `step` that all but a few of whole numbers [K], in counts [K] cells, are multiples of.

    most: what it must divide; 0 = nothing.
    """
    whole, counts = whole[whole != 0], counts[whole != 0]
    sample = whole[:: max(1, len(whole) // 1000)]
    for prime in (2, 3, 5, 7, 11, 13) if len(whole) else ():
        while most % (longer := step * prime) == 0 and (sample % longer != 0).mean() < 0.5:
            odd = whole % longer != 0
            if not few(odd, counts) or len(np.unique(whole[~odd])) < _FEWEST_FOR_STEP:
                break
            step = longer
    return step


def decimals_of(
    values: Floats, counts: npt.NDArray[np.int64] | None = None, *, most: int = _MOST_STATED, dtype: Any = np.float64
) -> int | None:
    """How many decimals, 0 to `most`, write finite values float64 [K] exactly; None if none do.

    counts: how often each occurs; a few odd ones need more. dtype: what the values are exact in, float64 or narrower.
    """
    if len(values) == 0:
        return 0
    sample = values[:: max(1, len(values) // 1000)]
    left = 0 if counts is None else int(counts.sum())

    def odd(part: Floats, scale: float) -> npt.NDArray[np.bool_]:
        return np.asarray((np.rint(part * scale) / scale).astype(dtype) != part.astype(dtype))

    for decimals in range(most + 1):
        scale = 10.0**decimals
        if dtype == np.float64 and float(np.abs(values).max()) * scale >= EXACT:
            return None
        if odd(sample, scale).mean() > 0.5:
            continue
        others = odd(values, scale)
        if not others.any():
            return decimals
        if counts is not None:
            before, left = left, int(counts[others].sum())
            if few(others, counts) and before - left >= _STEEP * left:
                return decimals
    return None


def to_grain(values: Floats, grain: float, decimals: int | None) -> Floats:
    """The values, moved to the nearest multiple of the grain, as the doubles nearest to those decimals."""
    if grain <= 0 or decimals is None:
        return values
    scale = 10.0**decimals
    step = max(1.0, np.rint(grain * scale))
    with np.errstate(invalid="ignore", over="ignore"):
        moved = np.rint(values * scale / step) * step / scale
    return np.where(np.isinf(moved), values, moved)  # so large that it has no digits there


def format_numbers(values: Floats, style: NumberStyle, grain: float) -> pa.Array:
    """The texts [N] of numbers float64 [N], moved to the nearest multiple of the grain; NaN gives null."""
    values = np.asarray(values, dtype=np.float64)
    present = ~np.isnan(values)
    if not present.all():
        full = format_numbers(np.where(present, values, 0.0), style, grain)
        return pc.if_else(pa.array(present), full, None)
    if style.scales:
        return _with_marks(_scaled_texts(values, style, grain), style)
    if style.decimals is None or grain <= 0:
        return _with_marks(_float_texts(values, style), style)
    scale = 10.0**style.decimals
    step = max(1.0, np.rint(grain * scale))
    with np.errstate(over="ignore"):
        steps = np.rint(values * scale / step)
    if len(steps) and float(np.abs(steps).max()) * step >= EXACT:
        if style.layout != "integer":
            return _with_marks(_float_texts(values, style), style)
        texts = [str(int(v)) if np.isfinite(v) else str(v) for v in values.tolist()]
        return _with_marks(pa.array(texts, pa.string()), style)
    whole = steps.astype(np.int64)
    low, high = (int(whole.min()), int(whole.max())) if len(whole) else (0, -1)
    if high - low < len(whole):
        # Writing each different number once and taking it from there is several times faster than writing every row.
        table = _step_texts(np.arange(low, high + 1), int(step), style)
        return _with_marks(table, style).take(pa.array(whole - low))
    return _with_marks(_step_texts(whole, int(step), style), style)


def _scaled_texts(values: Floats, style: NumberStyle, grain: float) -> pa.Array:
    """Texts of plain numbers with letters for powers of ten: the largest of which there is one whole."""
    texts = format_numbers(values, NumberStyle("shortest", style.decimals), grain)
    step = grain
    for letter in style.scales:
        size = 10.0 ** _SCALES[letter]
        large = np.abs(values) >= size - step / 2  # such as the last step below would make 1000k
        step = size * 10.0**-style.places
        scaled = format_numbers(values / size, NumberStyle(style.layout, style.places), 10.0**-style.places)
        texts = pc.if_else(pa.array(large), pc.binary_join_element_wise(scaled, letter, ""), texts)
    return texts


def _step_texts(steps: npt.NDArray[np.int64], step: int, style: NumberStyle) -> pa.Array:
    whole = steps * step
    decimals = style.decimals or 0
    if style.layout == "integer" or (style.layout == "fixed" and decimals == 0):
        return pa.array(whole).cast(pa.string())
    if style.layout == "fixed":
        digits = pc.utf8_lpad(pa.array(np.abs(whole)).cast(pa.string()), decimals + 1, "0")
        texts = pc.utf8_replace_slice(digits, start=-decimals, stop=-decimals, replacement=".")
        return pc.if_else(pa.array(whole < 0), pc.binary_join_element_wise("-", texts, ""), texts)
    return _float_texts(whole / 10.0**decimals, style)


def _float_texts(values: Floats, style: NumberStyle) -> pa.Array:
    """The shortest texts that mean these doubles; with `.0` at whole numbers where the layout is "point"."""
    if style.exponent:
        return pa.array([f"{value:.{style.places}{style.exponent}}" for value in values.tolist()], pa.string())
    texts = float_texts(values)
    if style.layout != "point":
        return texts
    bare = pc.match_substring_regex(texts, r"^-?[0-9]+$")
    return pc.if_else(bare, pc.binary_join_element_wise(texts, ".0", ""), texts)


def _with_marks(texts: pa.Array, style: NumberStyle) -> pa.Array:
    """Texts of plain numbers with the decimal mark, grouped thousands, signs, what stands around, and blanks."""
    if style.bare:
        texts = pc.replace_substring_regex(texts, r"^(-?)0\.", r"\1.")
    if style.mark != ".":
        texts = pc.replace_substring(texts, ".", style.mark)
    if style.thousands and style.grouped:
        texts = _group(texts, style.thousands)
    if style.plus:
        positive = pc.invert(pc.match_substring_regex(texts, r"^-|^0(?:[.,]0*)?$"))
        texts = pc.if_else(positive, pc.binary_join_element_wise("+", texts, ""), texts)
    if style.prefix:
        before = style.prefix.replace("\\", r"\\")
        texts = pc.replace_substring_regex(texts, r"^([+-]?)", rf"\1{before}", max_replacements=1)
    if style.suffix:
        texts = pc.binary_join_element_wise(texts, style.suffix, "")
    if style.negative != "-":
        before = re.escape(style.prefix)
        written = {"()": r"(\1\2)", "$()": r"\1(\2)", "5-": r"\1\2-", "$-": r"\1-\2"}.get(
            style.negative, f"{style.negative}\\1\\2"
        )
        if style.negative == "$() ":
            texts, written = pc.replace_substring_regex(texts, "^(-.*) $", r"\1"), r"\1(\2)"
        texts = pc.replace_substring_regex(texts, f"^-({before})(.*)$", written)
    return pc.utf8_lpad(texts, style.width, " ") if style.width else texts


def _group(texts: pa.Array, thousands: str) -> pa.Array:
    parts = pc.extract_regex(texts, r"^(?P<sign>-?)(?P<whole>[0-9]+)(?P<rest>.*)$")
    whole = pc.struct_field(parts, "whole")
    most = int(pc.max(pc.utf8_length(whole)).as_py() or 0)
    for place in range(3, most, 3):
        at = -(place + (place // 3 - 1) * len(thousands))
        longer = pc.greater(pc.utf8_length(whole), -at)
        whole = pc.if_else(longer, pc.utf8_replace_slice(whole, start=at, stop=at, replacement=thousands), whole)
    return pc.binary_join_element_wise(pc.struct_field(parts, "sign"), whole, pc.struct_field(parts, "rest"), "")
