"""Finding out what columns are: numbers, categories, times, constants, identifiers, free text.

Knows cells as they are written; never files, codecs or networks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit import words
from gankit.columns.column import Column, infinite_values, native_numbers, native_seconds, unreadable
from gankit.columns.dates import check_format, find_dates, grain_of_times, parse_dates, style_of
from gankit.columns.identifiers import Pattern, looks_named, pattern_of_integers, pattern_of_texts
from gankit.columns.numbers import (
    EXACT,
    NumberStyle,
    decimals_of,
    find_style,
    format_numbers,
    grain_of,
    parse_numbers,
    share_kept,
)
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError, nearest
from gankit.io.records import Records, as_texts, distinct, is_text, joined

TYPES = ("number", "category", "boolean", "datetime", "identifier", "text", "drop")
Bools = npt.NDArray[np.bool_]


def infer(
    records: Records, config: TrainConfig | None = None, *, notes: list[str] | None = None, labels: bool = False
) -> Schema:
    """What the columns of records are.

    config: `column` ("age=number", "born=datetime", "born=datetime:%d/%m/%Y") overrides what would be found out;
        `missing` are further words that mean missing.
    notes: one line is appended for every decision that was not obvious, with the way to change it.
    labels: the columns are labels of other records, so that there may be nothing in them to learn.

    Raises:
        DataError: a column cannot be what it was said to be, holds infinities, or nothing is left to learn.
        OptionError: `column` names a column or a type that there is not.
    """
    config = config or TrainConfig()
    notes = [] if notes is None else notes
    forced = _overrides(config.column, records.table.column_names)
    columns = []
    for name, column in zip(records.table.column_names, records.table.columns, strict=True):
        columns.append(_column(name, joined(column), forced.get(name), config.missing, notes))
    schema = Schema(tuple(columns))
    constants = [c.name for c in columns if c.type == "constant"]
    if constants:
        shown = ", ".join(map(repr, constants[:8])) + (f", … ({len(constants)} in all)" if len(constants) > 8 else "")
        notes.append(f"always the same, so written as they are: {shown}")
    if not schema.modelled and not labels:
        raise DataError(
            f"there is nothing to learn: {_why_not(columns)}. Bring other columns, or change a type with "
            "--column NAME=TYPE."
        )
    return schema


def _why_not(columns: list[Column]) -> str:
    """What each column is that makes it nothing to learn, in words."""
    if all(c.type == "constant" and not c.levels for c in columns):
        return "every cell is missing"
    words_of = {"drop": "left out", "text": "free text, left out", "identifier": "identifiers, made anew"}

    def why(column: Column) -> str:
        if column.type != "constant":
            return words_of[column.type]
        return f"always {column.levels[0]!r}" if column.levels else "always missing"

    return ", ".join(f"{c.name!r}: {why(c)}" for c in columns[:8]) + (", …" if len(columns) > 8 else "")


def _overrides(options: tuple[str, ...], names: list[str]) -> dict[str, str]:
    forced: dict[str, str] = {}
    for option in options:
        name, _, kind = option.rpartition("=")
        if not name:
            raise OptionError(f"--column must be NAME=TYPE. Got {option!r} instead.")
        if name not in names:
            raise OptionError(f"--column {option}: there is no column {name!r}. {nearest(name, names)}")
        if kind.split(":", 1)[0] not in TYPES or (":" in kind and not kind.startswith("datetime:")):
            raise OptionError(f"--column {option}: the type must be one of {', '.join(TYPES)}. Got {kind!r} instead.")
        if kind.startswith("datetime:") and (wrong := check_format(kind[9:])):
            raise OptionError(f"--column {option}: {wrong}. Write it like datetime:%d/%m/%Y %H:%M.")
        forced[name] = kind
    return forced


def _column(name: str, array: pa.Array, forced: str | None, missing: tuple[str, ...], notes: list[str]) -> Column:
    if forced in ("drop", "text"):
        return Column(name, "drop" if forced == "drop" else "text", array.type)
    if is_text(array.type):
        return text_column(name, array, forced, missing, notes)
    if pa.types.is_nested(array.type) or pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
        notes.append(f"column {name!r}: {array.type} cannot be learned, left out")
        return Column(name, "drop", array.type)
    return _typed_column(name, array, forced, missing, notes)


# --- typed columns --------------------------------------------------------------------------------------------------


def _typed_column(name: str, array: pa.Array, forced: str | None, missing: tuple[str, ...], notes: list[str]) -> Column:
    plain = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    kind = plain.type
    null = np.asarray(plain.is_null(), dtype=bool)
    if null.all():
        return Column(name, "constant", array.type, (None,))
    if forced in ("category", "boolean") or pa.types.is_boolean(kind):
        return _typed_category(name, plain, array.type, forced, null)
    temporal = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    if forced is not None and forced.split(":")[0] not in ("number", "identifier", "datetime"):
        raise OptionError(f"--column {name}={forced}: a column of the type {kind} cannot be that.")
    if (temporal and forced == "number") or (not temporal and forced is not None and forced.startswith("datetime")):
        raise DataError(f"column {name!r} has the type {kind} and cannot be {forced}. Convert it before.")
    data = native_seconds(plain) if temporal else native_numbers(plain)
    return _typed_numbers(name, plain, array.type, forced, missing, notes, data, null)


def _typed_category(name: str, plain: pa.Array, kind: pa.DataType, forced: str | None, null: Bools) -> Column:
    texts, rows = distinct(as_texts(plain))
    counts = np.bincount(rows[rows >= 0], minlength=len(texts))
    levels = tuple(texts.take(pa.array(np.argsort(-counts, kind="stable"))).to_pylist())
    markers: tuple[str | None, ...] = (None,) if null.any() else ()
    if len(levels) == 1 and not markers and forced is None:
        return Column(name, "constant", kind, (), levels)
    if forced == "boolean" and len(levels) != 2:
        raise DataError(
            f"column {name!r} was said to be boolean, but has {len(levels)} different values. Two are needed."
        )
    sure = {words.truth(level) for level in levels} == {True, False}
    return Column(
        name, "category", kind, markers, levels, boolean=sure and (forced == "boolean" or pa.types.is_boolean(kind))
    )


def _typed_numbers(
    name: str,
    plain: pa.Array,
    kind: pa.DataType,
    forced: str | None,
    missing: tuple[str, ...],
    notes: list[str],
    data: npt.NDArray[np.float64],
    null: Bools,
) -> Column:
    declared: Mapping[str, float] = {word: value for word in missing if (value := words.number_of(word)) is not None}
    counted: list[tuple[int, str | None]] = [(int(null.sum()), None)] if null.any() else []
    good = ~null
    stray = np.isnan(data) & good
    if stray.any():
        counted.append((int(stray.sum()), "NaN"))
        good &= ~stray
    for word, value in declared.items():
        same = good & (data == value)
        if same.any():
            counted.append((int(same.sum()), word))
            good &= ~same
    markers = tuple(text for _, text in sorted(counted, key=lambda pair: -pair[0]))
    if np.isinf(data[good]).any():
        raise infinite_values(name, np.where(good, data, 0.0))
    values = np.unique(data[good])
    if len(values) == 0:
        return Column(name, "constant", kind, markers)
    temporal = pa.types.is_date(plain.type) or pa.types.is_timestamp(plain.type)
    single = len(values) == 1 and pc.count_distinct(plain).as_py() == 1
    if single and not markers and forced is None and (constant := _constant_text(plain)) is not None:
        return Column(name, "constant", kind, (), (constant,))
    low, high = float(values[0]), float(values[-1])
    if temporal:
        return Column(name, "datetime", kind, markers, grain=grain_of_times(values), low=low, high=high)
    whole = pa.types.is_integer(plain.type)
    if (
        whole
        and not markers
        and forced in (None, "identifier")
        and pc.count_distinct(plain).as_py() == len(plain)
        and high < 2**62
    ):
        pattern = pattern_of_integers(
            np.asarray(plain.cast(pa.int64())), named=looks_named(name), forced=forced == "identifier"
        )
        if pattern is not None:
            return identifier(name, kind, pattern, len(plain), forced, notes)
    if forced == "identifier":
        raise DataError(f"column {name!r} was said to hold identifiers, but its values repeat or share no pattern.")
    if whole and max(-low, high) >= EXACT and forced is None:
        different = pc.count_distinct(plain).as_py()
        if different <= max(FEW_LEVELS, TEXT_SHARE * len(plain)):
            return _typed_category(name, plain, kind, None, null)
        notes.append(
            f"column {name!r}: whole numbers above 2^53 keep their first 15 digits only; --column "
            f"{name}=category keeps all"
        )
    decimals = _decimals_of(plain.type, values)
    return Column(
        name, "number", kind, markers, decimals=decimals, grain=grain_of(values, decimals), low=low, high=high
    )


def _decimals_of(kind: pa.DataType, values: npt.NDArray[np.float64]) -> int | None:
    if pa.types.is_decimal(kind):
        return int(kind.scale)
    if not pa.types.is_floating(kind):
        return 0
    if kind == pa.float64():
        return decimals_of(values)
    # A narrow float is a decimal if the decimal nearest to it is that float again.
    narrow = np.float32 if kind == pa.float32() else np.float16
    for decimals in range(5 if kind == pa.float32() else 3):
        nearest = np.rint(values * 10.0**decimals) / 10.0**decimals
        if np.array_equal(nearest.astype(narrow), values.astype(narrow)):
            return decimals
    return None


def _constant_text(plain: pa.Array) -> str | None:
    """The one value as a text that casts back to it, or None."""
    try:
        text = as_texts(plain[:1])
        return text[0].as_py() if text.cast(plain.type).equals(plain[:1]) else None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


FEW_LEVELS = 20
"""Up to so many different texts are categories even if most rows differ."""
TEXT_SHARE = 0.5
"""Texts of which more than this share of the rows is different are free text (or identifiers)."""
_INFINITIES = 16
"""More different texts than that are not all words for infinities."""
_NEARLY = 0.9
"""From this share of numbers on, a note names the words that kept a column from being one of numbers."""

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
        other = "number" if pattern.parts[0].role == "counter" and len(pattern.parts) == 1 else "category"
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
