"""What a column of texts is: numbers, times, categories, constants, identifiers or free text.

Knows texts and words; never tables, torch, networks or codecs. Every decision that is not obvious becomes a note.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.data import words
from gankit.data.cells import distinct
from gankit.data.columns import Column, unreadable
from gankit.data.dates import find_dates, grain_of_times, parse_dates, style_of
from gankit.data.identifiers import Pattern, looks_named, pattern_of_integers, pattern_of_texts
from gankit.data.numbers import (
    EXACT,
    NumberStyle,
    find_style,
    format_numbers,
    grain_of,
    parse_numbers,
    share_kept,
)
from gankit.errors import DataError

FEW_LEVELS = 20
"""Up to so many different texts are categories even if most rows differ."""
TEXT_SHARE = 0.5
"""Texts of which more than this share of the rows is different are free text (or identifiers)."""
_INFINITIES = 16
"""More different texts than that are not all words for infinities."""
_NEARLY = 0.9
"""From this share of numbers on, a note names the words that kept a column from being one of numbers."""

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Texts:
    """A column's different texts in order of their first row, [K]; for every row which it has (-1: null);
    how often each.
    """

    name: str
    texts: pa.Array
    rows: Ints
    counts: Ints
    nulls: int

    def some(self, mask: Bools) -> tuple[pa.Array, Ints]:
        return (self.texts, self.counts) if mask.all() else (self.texts.filter(pa.array(mask)), self.counts[mask])

    def by_frequency(self, mask: Bools) -> tuple[str, ...]:
        texts, counts = self.some(mask)
        return tuple(texts.take(pa.array(np.argsort(-counts, kind="stable"))).to_pylist())

    def first_row(self, mask: Bools) -> int:
        return int(np.flatnonzero(np.isin(self.rows, np.flatnonzero(mask)))[0])


def text_column(name: str, array: pa.Array, forced: str | None, missing: tuple[str, ...], notes: list[str]) -> Column:
    """What a column of texts is; see `inference.infer`. forced: the type that the user named, or None."""
    texts, rows = distinct(array)
    nulls = int((rows < 0).sum())
    found = _Texts(name, texts, rows, np.bincount(rows[rows >= 0], minlength=len(texts)), nulls)
    if len(texts) + (nulls > 0) <= 1 and forced is None:
        level = tuple(texts.to_pylist())
        lost = len(texts) == 0 or bool(words.is_missing(texts, certain=True)[0])
        return Column(name, "constant", array.type, (level or (None,)) if lost else (), () if lost else level)
    declared = np.zeros(len(texts), dtype=bool)
    if missing:
        declared = np.asarray(pc.is_in(texts, pa.array(missing, pa.string())), dtype=bool)
    for finder in (_as_number, _as_datetime):
        column = finder(found, array.type, forced, declared, notes)
        if column is not None:
            return column
    return _as_words(found, array.type, forced, declared, notes)


def _markers(found: _Texts, mask: Bools) -> tuple[str | None, ...]:
    """The missing markers, most frequent first."""
    if not mask.any():
        return (None,) if found.nulls else ()
    counted: list[tuple[int, str | None]] = [
        (int(count), text)
        for text, count in zip(found.texts.filter(pa.array(mask)).to_pylist(), found.counts[mask], strict=True)
    ]
    if found.nulls:
        counted.append((found.nulls, None))
    return tuple(text for _, text in sorted(counted, key=lambda pair: -pair[0]))


def _as_number(
    found: _Texts, kind: pa.DataType, forced: str | None, declared: Bools, notes: list[str]
) -> Column | None:
    if forced not in (None, "number", "identifier"):
        return None
    soft = declared | words.is_missing(found.texts)
    others = found.texts.filter(pa.array(~soft))
    if 0 < len(others) <= _INFINITIES and all(map(words.is_infinite, others.to_pylist())):
        _refuse(found, ~soft, "number")
    if soft.all():
        return None if forced != "number" else _refuse(found, ~declared, "number")
    texts, counts = found.some(~soft)
    style = find_style(texts, counts, forced=forced == "number")
    if style is None:
        if forced == "number":
            return _refuse(found, ~soft & np.isnan(parse_numbers(found.texts, NumberStyle("shortest", None))), "number")
        _mention_nearly(found, soft, notes)
        return None
    values = parse_numbers(texts, style)
    if not soft.any() and not found.nulls and style.layout == "integer" and len(np.unique(values)) == len(found.rows):
        column = _counter(found, kind, forced, values, notes)
        if column is not None:
            return column
    if np.abs(values).max() >= EXACT and style.layout == "integer" and forced != "number":
        return None
    _mention_style(found, style, notes)
    _mention_respelling(found.name, texts, counts, values, style, notes)
    markers = _markers(found, soft)
    _mention_markers(found, markers, soft, notes)
    grain, low, high = grain_of(values, style.decimals), float(values.min()), float(values.max())
    return Column(
        found.name, "number", kind, markers, style=style, decimals=style.decimals, grain=grain, low=low, high=high
    )


def _counter(
    found: _Texts, kind: pa.DataType, forced: str | None, values: npt.NDArray[np.float64], notes: list[str]
) -> Column | None:
    if np.abs(values).max() >= 2**62:
        return None
    numbers = np.asarray(found.texts.cast(pa.int64(), safe=False) if _plain(found.texts) else values.astype(np.int64))
    pattern = pattern_of_integers(numbers, named=looks_named(found.name), forced=forced == "identifier")
    return None if pattern is None else identifier(found.name, kind, pattern, len(found.rows), forced, notes)


def _plain(texts: pa.Array) -> bool:
    return bool(words.matching(texts, "^-?[0-9]{1,18}$").all())


def identifier(
    name: str, kind: pa.DataType, pattern: Pattern, num_rows: int, forced: str | None, notes: list[str]
) -> Column:
    """A column of identifiers, with a note unless the user said so."""
    if forced is None:
        other = "number" if pattern.parts[0].kind == "counter" and len(pattern.parts) == 1 else "category"
        notes.append(
            f"column {name!r}: identifiers (different in all {num_rows:,} rows), made anew in the same pattern "
            f"({pattern.example()}); --column {name}={other} learns them"
        )
    return Column(name, "identifier", kind, pattern=pattern)


def _refuse(found: _Texts, bad: Bools, kind: str) -> Column:
    row = found.first_row(bad if bad.any() else np.ones_like(bad))
    raise unreadable(found.name, row, found.texts[int(found.rows[row])].as_py(), kind)


def _mention_nearly(found: _Texts, soft: Bools, notes: list[str]) -> None:
    numbers = ~np.isnan(parse_numbers(found.texts, NumberStyle("shortest", None)))
    share = found.counts[numbers & ~soft].sum() / max(found.counts[~soft].sum(), 1)
    infinite = np.array(
        [words.is_infinite(text) for text in found.texts.filter(pa.array(~numbers & ~soft))[:20].to_pylist()]
    )
    if len(infinite) and infinite.all() and numbers.any():
        _refuse(found, ~numbers & ~soft, "number")
    if share >= _NEARLY:
        others = found.by_frequency(~numbers & ~soft)
        shown = ", ".join(repr(text[:30]) for text in others[:3]) + (", …" if len(others) > 3 else "")
        notes.append(
            f"column {found.name!r}: {share:.1%} of the rows are numbers, but not {shown}; "
            f"--missing {others[0]!r} takes that for missing"
        )


def _mention_style(found: _Texts, style: NumberStyle, notes: list[str]) -> None:
    said = []
    if style.thousands or style.mark != ".":
        said.append(f"{style.thousands!r} between thousands" if style.thousands else "no mark between thousands")
        said.append(f"{style.mark!r} before decimals")
    if style.prefix.strip() or style.suffix.strip():
        said.append(f"{(style.prefix + style.suffix).strip()!r} around them")
    if said:
        notes.append(
            f"column {found.name!r}: numbers with {', '.join(said)}; --column {found.name}=category takes them as texts"
        )


def _mention_respelling(
    name: str, texts: pa.Array, counts: Ints, values: npt.NDArray[np.float64], style: NumberStyle, notes: list[str]
) -> None:
    """Says so where one style cannot spell every number as it was."""
    if style.layout in ("integer", "fixed") or share_kept(texts, counts, values, style) == 1:
        return
    written = format_numbers(values, style, grain_of(values, style.decimals))
    at = int(np.argmin(np.asarray(pc.equal(written, texts))))
    notes.append(f"column {name!r}: numbers are spelt alike ({texts[at].as_py()!r} becomes {written[at].as_py()!r})")


def _mention_markers(found: _Texts, markers: tuple[str | None, ...], mask: Bools, notes: list[str]) -> None:
    unusual = [m for m in markers if m is not None and m.strip().lower() not in ("", "na", "nan", "null")]
    if unusual:
        total = int(found.counts[mask].sum())
        shown = ", ".join(map(repr, unusual[:4]))
        notes.append(f"column {found.name!r}: {shown} means missing ({total:,} of {len(found.rows):,} rows)")


def _as_datetime(
    found: _Texts, kind: pa.DataType, forced: str | None, declared: Bools, notes: list[str]
) -> Column | None:
    if forced is not None and not forced.startswith("datetime"):
        return None
    soft = declared | words.is_missing(found.texts)
    if soft.all():
        return None if forced is None else _refuse(found, ~declared, "datetime")
    texts, counts = found.some(~soft)
    others: list[str] = []
    if forced is not None and ":" in forced:
        style = style_of(texts, counts, forced.split(":", 1)[1])
    else:
        guess = find_dates(texts, counts)
        if guess is None:
            if forced is None:
                return None
            fits = find_dates(texts[:1], counts[:1])
            bad = np.isnan(parse_dates(found.texts, fits[0].format)) & ~soft if fits else ~soft
            return _refuse(found, bad, "datetime")
        style, others = guess
    times = parse_dates(texts, style.format)
    if np.isnan(times).any():
        return _refuse(found, np.isnan(parse_dates(found.texts, style.format)) & ~soft, "datetime")
    if others:
        notes.append(
            f"column {found.name!r}: day and month cannot be told apart; read as {style.format}; "
            f"--column {found.name}=datetime:{others[0]} reads it the other way"
        )
    markers = _markers(found, soft)
    _mention_markers(found, markers, soft, notes)
    grain = grain_of_times(times)
    return Column(
        found.name, "datetime", kind, markers, dates=style, grain=grain, low=float(times.min()), high=float(times.max())
    )


def _as_words(found: _Texts, kind: pa.DataType, forced: str | None, declared: Bools, notes: list[str]) -> Column:
    lost = declared | words.is_missing(found.texts, certain=True)
    if lost.all():
        # Nothing but missing words, and several of them: which one stands where is all there is to learn.
        lost = np.zeros_like(lost)
    different = int((~lost).sum())
    present = int(found.counts[~lost].sum())
    levels = found.by_frequency(~lost) if different <= FEW_LEVELS else ()
    if forced == "boolean" and different != 2:
        raise DataError(
            f"column {found.name!r} was said to be boolean, but has {different} different values. Two are needed."
        )
    if forced == "boolean" or (forced is None and words.are_booleans(levels)):
        sure = {words.truth(level) for level in levels} == {True, False}
        return Column(found.name, "category", kind, _markers(found, lost), levels, boolean=sure)
    unique = different == len(found.rows)
    if forced == "identifier" or (forced is None and unique):
        # The different texts stand in the order of their first rows; if all are different, that is the order
        # of the rows.
        ordered = found.texts.take(pa.array(found.rows)) if unique else found.texts
        pattern = (
            pattern_of_texts(ordered, named=looks_named(found.name), forced=forced == "identifier") if unique else None
        )
        if pattern is not None:
            return identifier(found.name, kind, pattern, len(found.rows), forced, notes)
        if forced == "identifier":
            raise DataError(
                f"column {found.name!r} was said to hold identifiers, but its values repeat or share no pattern."
            )
    if forced is None and different > FEW_LEVELS and different > TEXT_SHARE * present:
        notes.append(
            f"column {found.name!r}: free text ({different:,} different values in {present:,} rows), left out; "
            f"--column {found.name}=category keeps it"
        )
        return Column(found.name, "text", kind)
    return Column(found.name, "category", kind, _markers(found, lost), found.by_frequency(~lost))
