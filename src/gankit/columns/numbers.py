"""Numbers as people write them: how texts are read as numbers, and how numbers are written in that way again.

Knows texts and numbers; never tables, files or kinds of column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.io.records import float_texts
from gankit.words import matching

Layout = Literal["integer", "fixed", "point", "shortest"]
Floats = npt.NDArray[np.float64]

EXACT = 2.0**53
"""Whole numbers below this are exact in a double."""

_FEWEST_FOR_STEP = 10
"""Different values needed to believe a common divisor: 10 random whole numbers share one with odds of 1 to 1000."""

_SIGNS_AND_SPACE = "$€£¥₹₩₽₺ \t\u00a0"
_SUFFIXES = _SIGNS_AND_SPACE + "%‰°"
_SEPARATORS = (".", ",.", ",", ".,", " .", " ,", "'.", "\u00a0,", "\u202f,")  # what groups thousands, decimal mark
_WHOLE = "^-?(?:0|[1-9][0-9]{0,14})$"
_EXPONENT = r"(?:[eE][+-]?[0-9]+)?"
_ODD = re.compile(
    r"^(?P<sign>[+-]?)(?P<prefix>[^0-9+\-]*)(?P<core>[+-]?[0-9.,'\u00a0\u202f ]*[0-9](?:[eE][+-]?[0-9]+)?)"
    r"(?P<suffix>[^0-9]*)$"
)


@dataclass(frozen=True)
class NumberStyle:
    """How the numbers of a text column are written.

    layout: "integer" (`41`), "fixed" (`41.00`, always `decimals` digits after the mark), "point" (the shortest text
        with a mark: `41.0`, `8.3252`), "shortest" (`41`, `8.3252`).
    decimals: most digits after the mark that were seen; None where they have no bound (continuous).
    mark, thousands, prefix, suffix: the decimal mark, what groups thousands, and what stands around every number.
    plus: whether positive numbers carry a plus sign. width: texts are padded with blanks on the left to this length.
    """

    layout: Layout
    decimals: int | None
    mark: str = "."
    thousands: str = ""
    prefix: str = ""
    suffix: str = ""
    plus: bool = False
    width: int = 0


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
    return rf"^{blank}(?:[+-]?{before}|{before}[+-]){_core(style.thousands, style.mark)}{after}$"


def parse_numbers(texts: pa.Array, style: NumberStyle) -> Floats:
    """The numbers float64 [K], correctly rounded, that texts [K] mean; NaN where one is none in this style."""
    if len(texts) == 0:
        return np.zeros(0)
    good = matching(texts, _pattern(style))
    plain = texts if good.all() else pc.if_else(pa.array(good), texts, None)
    if style.width:
        plain = pc.utf8_ltrim_whitespace(plain)
    for what in filter(None, (style.prefix, style.suffix, style.thousands)):
        plain = pc.replace_substring(plain, what, "")
    if style.mark != ".":
        plain = pc.replace_substring(plain, style.mark, ".")
    numbers = plain.cast(pa.float64())
    return np.array(numbers if good.all() else numbers.fill_null(np.nan), dtype=np.float64)


def find_style(texts: pa.Array, counts: npt.NDArray[np.int64], *, forced: bool = False) -> NumberStyle | None:
    """The style in which every one of these texts is a number, or None if there is none.

    texts: different strings [K], K >= 1. counts: how often each occurs. forced: the user said that they are numbers,
        so any text around them is taken as a unit (`12 kg`), not only currency and percent signs.
    """
    if matching(texts, _WHOLE).all():
        return NumberStyle("integer", 0)
    for style in _candidates(texts, forced=forced):
        if matching(texts, _pattern(style)).all():
            return _with_layout(texts, counts, style)
    return None


def _candidates(texts: pa.Array, *, forced: bool) -> list[NumberStyle]:
    simple = matching(texts, _pattern(PLAIN))
    if simple.all():
        return [PLAIN]
    odd = texts[int(np.argmin(simple))].as_py()
    found = _ODD.match(odd)
    if found is None:
        return []
    prefix, suffix = found["prefix"], found["suffix"]
    if not forced and (set(prefix) - set(_SIGNS_AND_SPACE) or set(suffix) - set(_SUFFIXES)):
        return []
    around = [("", "", 0), (prefix, suffix, 0)] if prefix or suffix else [("", "", 0)]
    if odd[0] == " ":
        around.append(("", "", 1))
    return [
        NumberStyle("shortest", None, marks[-1], marks[:-1], before, after, width=width)
        for before, after, width in around
        for marks in _SEPARATORS
    ]


def _with_layout(texts: pa.Array, counts: npt.NDArray[np.int64], style: NumberStyle) -> NumberStyle:
    """The style with layout, decimals, plus and width as these texts show them."""
    values = parse_numbers(texts, style)
    mark = re.escape(style.mark)
    after = pc.utf8_length(pc.replace_substring_regex(texts, rf"^[^{mark}]*{mark}?([0-9]*).*$", r"\1"))
    digits = np.asarray(after.fill_null(0), dtype=np.int64)
    marked = np.asarray(pc.match_substring(texts, style.mark))
    exponents = bool(matching(texts, r"[0-9.,][eE][+-]?[0-9]").any())
    digits[~marked] = 0
    plus = bool(pc.any(pc.match_substring(texts, "+")).as_py()) and not exponents
    lengths = np.asarray(pc.utf8_length(texts))
    width = int(lengths.max()) if style.width and lengths.min() == lengths.max() else 0
    style = replace(style, plus=plus, width=width)
    if not marked.any() and not exponents:
        return replace(style, layout="integer", decimals=0)
    most = int(digits.max())
    bounded = not exponents and most <= 15 and float(np.abs(values).max()) * 10.0**most < EXACT
    # Doubles written with all their digits (`19.890000000000001`) are still decimals, if a shorter text means the same.
    decimals = most if bounded else None if exponents else decimals_of(np.unique(values))
    if bounded and marked.all() and digits.min() == most and most > 0:
        return replace(style, layout="fixed", decimals=decimals)
    layouts: list[Layout] = ["point", "shortest", "fixed"]
    choices = [replace(style, layout=name, decimals=decimals) for name in layouts[: 3 if bounded and most > 0 else 2]]
    shares = [share_kept(texts, counts, values, choice) for choice in choices]
    return choices[int(np.argmax(shares))]


def share_kept(texts: pa.Array, counts: npt.NDArray[np.int64], values: Floats, style: NumberStyle) -> float:
    """The share of cells whose texts `format_numbers` gives back to the letter, 0 to 1."""
    same = pc.equal(format_numbers(values, style, grain_of(values, style.decimals)), texts)
    return float(counts[np.asarray(same)].sum() / counts.sum())


def grain_of(values: Floats, decimals: int | None) -> float:
    """The largest step whose multiples all values are (1, .01, 50, .25, …); 0 where there is none (continuous).

    values: finite float64 [K]. decimals: digits after the mark that can occur, or None for no bound.
    """
    if decimals is None or len(values) == 0:
        return 0.0
    scale = 10.0**decimals
    if float(np.abs(values).max()) * scale >= EXACT:
        return 1.0 if decimals == 0 else 0.0
    whole = np.unique(np.abs(np.rint(values * scale)).astype(np.int64))
    if len(whole) < _FEWEST_FOR_STEP:
        return 1.0 / scale
    return max(int(np.gcd.reduce(whole)), 1) / scale


def decimals_of(values: Floats, *, most: int = 8) -> int | None:
    """How many decimals, 0 to `most`, write finite values float64 [K] exactly; None if none do."""
    if len(values) == 0:
        return 0
    sample = values[:: max(1, len(values) // 1000)]
    for decimals in range(most + 1):
        scale = 10.0**decimals
        if float(np.abs(values).max()) * scale >= EXACT:
            return None
        if all(np.array_equal(np.rint(part * scale) / scale, part) for part in (sample, values)):
            return decimals
    return None


def to_grain(values: Floats, grain: float, decimals: int | None) -> Floats:
    """The values, moved to the nearest multiple of the grain, as the doubles nearest to those decimals."""
    if grain <= 0 or decimals is None:
        return values
    scale = 10.0**decimals
    step = max(1.0, np.rint(grain * scale))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.rint(values * scale / step) * step / scale)


def format_numbers(values: Floats, style: NumberStyle, grain: float) -> pa.Array:
    """The texts [N] of numbers float64 [N], moved to the nearest multiple of the grain; NaN gives null."""
    values = np.asarray(values, dtype=np.float64)
    present = ~np.isnan(values)
    if not present.all():
        full = format_numbers(np.where(present, values, 0.0), style, grain)
        return pc.if_else(pa.array(present), full, None)
    if style.decimals is None or grain <= 0:
        return _with_marks(_float_texts(values, style), style)
    scale = 10.0**style.decimals
    step = max(1.0, np.rint(grain * scale))
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
    texts = float_texts(values)
    if style.layout != "point":
        return texts
    bare = pc.match_substring_regex(texts, r"^-?[0-9]+$")
    return pc.if_else(bare, pc.binary_join_element_wise(texts, ".0", ""), texts)


def _with_marks(texts: pa.Array, style: NumberStyle) -> pa.Array:
    """Texts of plain numbers with the decimal mark, grouped thousands, signs, what stands around, and blanks."""
    if style.mark != ".":
        texts = pc.replace_substring(texts, ".", style.mark)
    if style.thousands:
        texts = _group(texts, style.thousands)
    if style.plus:
        positive = pc.invert(pc.match_substring_regex(texts, r"^-|^0(?:[.,]0*)?$"))
        texts = pc.if_else(positive, pc.binary_join_element_wise("+", texts, ""), texts)
    if style.prefix:
        before = style.prefix.replace("\\", r"\\")
        texts = pc.replace_substring_regex(texts, r"^([+-]?)", rf"\1{before}", max_replacements=1)
    if style.suffix:
        texts = pc.binary_join_element_wise(texts, style.suffix, "")
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
