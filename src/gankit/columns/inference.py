"""Finding out what columns are: numbers, categories, times, constants, identifiers, free text.

Knows cells as they are written; never files, codecs or networks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from shlex import quote
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.columns.clocks import clock_of, find_zone, is_fixed, to_local
from gankit.columns.column import (
    Column,
    ColumnType,
    Values,
    as_digits,
    at_rows,
    infinite_values,
    native_numbers,
    native_seconds,
    unreadable,
)
from gankit.columns.dates import (
    DateStyle,
    count_of,
    find_dates,
    format_dates,
    format_of_digits,
    format_of_most,
    grain_of_times,
    is_digits,
    names_times,
    offsets_of,
    parse_dates,
    style_of,
    zones_of,
)
from gankit.columns.identifiers import (
    Pattern,
    names_codes,
    names_identifiers,
    names_versions,
    pattern_of_integers,
    pattern_of_texts,
)
from gankit.columns.numbers import (
    EXACT,
    PLAIN,
    NumberStyle,
    decimals_of,
    few,
    find_style,
    format_numbers,
    grain_of,
    parse_numbers,
    parse_otherwise,
    share_kept,
    style_of_most,
    to_grain,
)
from gankit.columns.schema import MARKS, Schema, lines_of, stated_types, unnamed, why_not
from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io import words
from gankit.io.records import Records, as_texts, distinct, float_texts, is_text, joined

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

FEW_LEVELS = 20
"""Up to so many different texts are categories even if most rows differ."""
MOST_CLASSES, CLASS_SHARE = 10, 0.01
"""Up to so many different whole numbers may be names of classes, where the rarest has so large a share of the cells."""
TEXT_SHARE = 0.5
"""Texts of which more than this share of the rows is different are free text (or identifiers)."""
_INFINITIES = 16
"""More different texts than that are not all words for infinities."""
_NEARLY = 0.9
"""From this share of numbers on, a note names the words that kept a column from being one of numbers."""
_STRAY_SHARE, _STRAY_OF = 0.01, 30  # so large a share of the cells, or one of so many, do not say what a column is
_REPEATED = 5
"""Strays in so many cells are a second form (`<0.1`, `90 or older`), and are written as they are."""
_ZEROS = "^[0/. :-]*0[0/. :-]*$"
"""How missing times are written: 0, 0000-00-00 00:00:00."""
_LENGTHS_OF_NUMBERS = 3
"""Whole numbers of so many different lengths are no codes."""
_OF_CODES = r"^0[0-9]|[A-Za-z][0-9]|[0-9][A-Za-z]|[0-9][-/_:][0-9]|[.][0-9]+[.]"
"""Texts among whole numbers that say that all of them are codes: 03870, C536379, 85123A, 4711-2."""


def infer(
    records: Records, config: TrainConfig | None = None, *, notes: list[str] | None = None, labels: bool = False,
    offsets: bool = False,
) -> Schema:  # fmt: skip
    """What the columns of records are.

    config: `column` ("age=number", "born=datetime", "born=datetime:%d/%m/%Y") overrides what would be found out;
        `missing` are further words that mean missing.
    notes: one line is appended for every decision that was not obvious, with the way to change it.
    labels: the columns are labels of other records, so that there may be nothing in them to learn.
    offsets: make a column of their own of UTC offsets that no time zone explains; else the most frequent one is taken.

    Raises:
        DataError: a column cannot be what it was said to be, holds infinities, or nothing is left to learn.
        OptionError: `column` names a column or a type that there is not.
    """
    config = config or TrainConfig()
    notes = [] if notes is None else notes
    declared = {} if config.of_kinds.get("integers") == "number" else _categories(records)
    stated = stated_types(config.column, records.table.column_names)
    forced = {**declared, **records.origin.details.get("types", {}), **stated}
    said = list[tuple[str, str, str]]()
    cases = [
        _case(_Case(name, kind, forced.get(name), config.missing, said, offsets))
        for name, kind in zip(records.table.column_names, records.table.schema.types, strict=True)
    ]
    columns = [_column(case, joined(records.table.column(case.name))) for case in cases]
    columns = _with_thousands(columns, cases, records)
    notes += lines_of(said)
    columns = _with_offsets(_linked(columns, records), notes)
    schema = Schema(tuple(columns))
    constants = [c.name for c in columns if c.type == "constant"]
    if constants:
        shown = ", ".join(map(repr, constants[:8])) + (f", … ({len(constants)} in all)" if len(constants) > 8 else "")
        notes.append(f"always the same, so written as they are: {shown}")
    if not schema.modelled and not labels:
        how = "Bring other columns, or change a type with --column NAME=TYPE."
        how += " Free texts are learned by --kind text." if any(c.type == "text" for c in columns) else ""
        raise DataError(f"there is nothing to learn: {why_not(columns)}. {how}")
    return schema


def _categories(records: Records) -> dict[str, str]:
    """The columns of numbers whose data type says that they are categories, as that of pandas does, if they repeat."""
    found = {}
    for name, column in zip(records.table.column_names, records.table.columns, strict=True):
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else pa.null()
        numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
        if numbers and 1 < len(column.unique()) <= max(FEW_LEVELS, TEXT_SHARE * len(column)):
            found[name] = "category"
    return found


def _with_thousands(columns: list[Column], cases: list[_Case], records: Records) -> list[Column]:
    """The columns, numbers such as 1.275 in every cell read as 1275 where another column has decimal commas."""
    commas = any(column.style is not None and column.style.mark == "," for column in columns)
    found = []
    for column, case in zip(columns, cases, strict=True):
        style = column.style
        three = style is not None and (style.layout, style.decimals, style.mark) == ("fixed", 3, ".")
        if three and not case.marks and 1 <= column.low <= column.high < 1000:
            if commas:
                column = _column(replace(case, marks=".,"), joined(records.table.column(case.name)))
            else:
                other = f"--column {case.name}=number:1.234,5 takes the point for one between thousands"
                case.note(f"numbers with three decimals; {other}")
        found.append(column)
    return found


def with_classes(schema: Schema, values: Mapping[str, Values], numbers: Set[str], notes: list[str]) -> Schema:
    """The schema in which whole numbers that are names of classes are marked as such, with a note that names them.

    Two different values are; up to `MOST_CLASSES` are where they follow each other from -1, 0 or 1, each in
    `CLASS_SHARE` of the cells: counts of things have a long tail, and may have gaps.

    numbers: columns that are none.
    """
    found = {}
    for column in schema.modelled:
        data = values[column.name].data
        if not column.integer or column.name in numbers or len(np.unique(data[:10_000])) > MOST_CLASSES + 1:
            continue
        different, counts = np.unique(data[~np.isnan(data)], return_counts=True)
        in_turn = len(different) <= MOST_CLASSES and different[0] in (-1, 0, 1) and (np.diff(different) == 1).all()
        classes = len(different) == 2 or (in_turn and counts.min() >= CLASS_SHARE * counts.sum())
        if classes and len(different) > 1 and counts.sum() >= 4 * len(different):
            found[column.name] = tuple(f"{value:.0f}" for value in different)
    if found:
        shown = ", ".join(map(repr, [*found][:8])) + (f", … ({len(found)} in all)" if len(found) > 8 else "")
        how = f"--column {quote(next(iter(found)))}=number takes one as numbers, --integers number all"
        notes.append(f"whole numbers of few values, judged as categories: {shown}; {how}")
    marked = (replace(c, classes=True, levels=found[c.name]) if c.name in found else c for c in schema)
    return Schema(tuple(marked)) if found else schema


def _linked(columns: list[Column], records: Records) -> list[Column]:
    """The columns, of which those that hold the same identifiers in every row get one stream."""
    streams: dict[str, pa.ChunkedArray] = {}

    def linked(column: Column) -> Column:
        if column.type != "identifier":
            return column
        cells = records.table.column(column.name)
        same = next((name for name, other in streams.items() if cells.equals(other)), column.name)
        streams.setdefault(same, cells)
        return replace(column, stream=same)

    return list(map(linked, columns))


def _with_offsets(columns: list[Column], notes: list[str]) -> list[Column]:
    """The columns, after each whose offsets from UTC are learned a category of these."""
    found: list[Column] = []
    for column in columns:
        found.append(column)
        if column.learned_offset and column.dates is not None:
            name, levels = f"{column.name} offset", column.dates.offsets
            while any(name == other.name for other in columns):
                name += "_"
            found.append(
                Column(name, "category", pa.string(), levels=levels, dates=column.dates, offset_of=column.name)
            )
            notes.append(
                f"column {column.name!r}: no time zone has its {len(levels)} UTC offsets, so they are learned as a "
                f"column {name!r} beside the local times; --column {column.name}=drop leaves them out"
            )
    return found


@dataclass(frozen=True)
class _Case:
    """A column to be understood: its Arrow type, the type that the user named, the words that mean missing, where notes
    go (its name, a note, and what of it is the same where columns are alike), whether offsets of times may be a column
    of their own, what groups thousands and the decimal mark if that is known, and whether a few cells cannot be read.
    """

    name: str
    kind: pa.DataType
    forced: str | None
    missing: tuple[str, ...]
    said: list[tuple[str, str, str]]
    offsets: bool = False
    marks: str = ""
    strays: bool = False

    def note(self, text: str, *examples: str) -> None:
        """Says something of the column. examples: parts of the text that may differ where many columns are alike."""
        alike = unnamed(text, self.name)
        for example in examples:
            alike = alike.replace(example, "…")
        self.said.append((self.name, text, alike))

    def column(
        self, type: ColumnType, markers: Sequence[str | None] = (), levels: Sequence[str] = (), **facts: Any
    ) -> Column:
        return Column(self.name, type, self.kind, tuple(markers), tuple(levels), **facts)

    def otherwise(self, levels: int, cells: int) -> str:
        """How to have it as categories or, where these would be copies of real cells, how to leave it out."""
        if levels <= max(FEW_LEVELS, TEXT_SHARE * cells):
            return f"--column {self.name}=category takes them as texts"
        return f"--column {self.name}=drop leaves them out"

    def digit_dates(self, texts: pa.Array, counts: Ints) -> str | None:
        """The format in which different whole numbers [K] are dates, with a note; None where they are none, or are
        called identifiers and each occurs once.
        """
        if self.forced is not None or len(texts) == 0:
            return None
        if names_identifiers(self.name) and not names_times(self.name) and counts.max() == 1:
            return None
        if (format := format_of_digits(texts, self.name)) is None:
            return None
        what = "months" if format.startswith("%Y%m") and "%d" not in format else "weeks" if "%V" in format else "dates"
        how = f"--column {self.name}=number takes them as numbers"
        self.note(f"whole numbers such as {texts[0]} are {what}; {how}", str(texts[0]))
        return format

    def count(self, values: Floats, layout: str, decimals: int | None = None) -> str | None:
        """The format in which numbers [K] count days or seconds, with a note if they do or may do so."""
        if self.forced is not None or len(values) == 0:
            return None
        format, maybe = count_of(values, layout, decimals, self.name)
        if format or maybe:
            text = as_digits(pa.array(values[:1]))
            day = format_dates(parse_dates(text, format or maybe or ""), DateStyle("%Y-%m-%d"))[0]
            what = "days of a spreadsheet" if "x" in (format or maybe or "") else "times since 1970"
            how = f"{self.name}=number takes them as numbers" if format else f"{self.name}=date reads them as such"
            are = "are" if format else "may be"
            self.note(f"numbers such as {text[0]} {are} {what} ({day}); --column {how}", str(text[0]), str(day))
        return format

    def identifier(self, pattern: Pattern, cells: pa.Array) -> Column:
        """A column of identifiers, with a note unless the user said so."""
        if self.forced is None:
            counter = pattern.parts[0].role == "counter" and len(pattern.parts) == 1
            other = "number learns them" if counter else "drop leaves them out"
            what = f"identifiers (different in all {len(cells):,} rows), made anew in the same pattern"
            self.note(f"{what} ({pattern.example()}); --column {self.name}={other}")
        return self.column("identifier", pattern=pattern.avoiding(cells.cast(pa.string())), stream=self.name)

    def no_identifiers(self) -> DataError:
        name = repr(self.name)
        return DataError(f"column {name} was said to hold identifiers, but its values repeat or share no pattern.")

    def category(self, markers: Sequence[str | None], levels: Sequence[str], boolean: bool) -> Column:
        """A column of categories. boolean: whether its two levels may mean true and false."""
        if self.forced == "boolean" and len(levels) != 2:
            raise DataError(
                f"column {self.name!r} was said to be boolean, but has {len(levels)} different values. Two are needed."
            )
        sure = boolean and {words.truth(level) for level in levels} == {True, False}
        return self.column("category", markers, levels, boolean=sure, declared=self.forced == "category")


def _case(case: _Case) -> _Case:
    """The case, with the marks that the user named beside the type."""
    found = MARKS.match(case.forced or "")
    if found is None:
        return case
    if not is_text(case.kind):
        raise OptionError(f"--column {case.name}={case.forced}: a column of the type {case.kind} cannot be that.")
    return replace(case, forced="number", marks=found[1] + found[2])


def _column(case: _Case, array: pa.Array) -> Column:
    if case.forced in ("drop", "text"):
        return case.column("drop" if case.forced == "drop" else "text")
    if is_text(array.type):
        return _text_column(case, array)
    binary = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
    if pa.types.is_nested(array.type) or any(check(array.type) for check in binary):
        case.note(f"{array.type} cannot be learned, left out")
        return case.column("drop")
    return _typed_column(case, array)


def _by_count(counted: Iterable[tuple[int, str | None]]) -> tuple[str | None, ...]:
    """Texts, most frequent first."""
    return tuple(text for _, text in sorted(counted, key=lambda pair: -pair[0]))


def _typed_column(case: _Case, array: pa.Array) -> Column:
    name, forced = case.name, case.forced
    plain = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    kind = plain.type
    null = np.asarray(plain.is_null(), dtype=bool)
    if null.all():
        return case.column("constant", (None,))
    if forced in ("category", "boolean") or pa.types.is_boolean(kind):
        return _typed_category(case, plain)
    temporal = pa.types.is_date(kind) or pa.types.is_timestamp(kind)
    if forced is not None and forced.split(":")[0] not in ("number", "identifier", "datetime"):
        raise OptionError(f"--column {name}={forced}: a column of the type {kind} cannot be that.")
    if temporal and forced == "number":
        raise DataError(f"column {name!r} has the type {kind} and cannot be {forced}. Convert it before.")
    data = native_seconds(plain) if temporal else native_numbers(plain)
    good = ~null
    counted: list[tuple[int, str | None]] = [(int(null.sum()), None)] if null.any() else []
    declared = [(word, data == value) for word in case.missing if (value := words.number_of(word)) is not None]
    for word, lost in [("NaN", np.isnan(data)), *declared]:
        if (same := good & lost).any():
            counted.append((int(same.sum()), word))
            good &= ~same
    if np.isinf(data[good]).any():
        raise infinite_values(name, np.where(good, data, 0.0))
    return _typed_numbers(case, plain, *np.unique(data[good], return_counts=True), _by_count(counted))


def _typed_category(case: _Case, plain: pa.Array) -> Column:
    texts, rows = distinct(as_texts(plain))
    counts = np.bincount(rows[rows >= 0], minlength=len(texts))
    levels = tuple(texts.take(pa.array(np.argsort(-counts, kind="stable"))).to_pylist())
    markers = (None,) if plain.null_count else ()
    if len(levels) == 1 and not markers and case.forced is None:
        return case.column("constant", (), levels)
    return case.category(markers, levels, case.forced == "boolean" or pa.types.is_boolean(plain.type))


def _typed_numbers(
    case: _Case, plain: pa.Array, values: npt.NDArray[np.float64], counts: Ints, markers: tuple[str | None, ...]
) -> Column:
    """What a column of numbers or times is. values: the different ones that are not missing, ascending; counts: how
    often each occurs.
    """
    if len(values) == 0:
        return case.column("constant", markers)
    low, high, whole = float(values[0]), float(values[-1]), pa.types.is_integer(plain.type)
    different = pc.count_distinct(plain).as_py() if whole or low == high else len(values)
    if different == 1 and not markers and case.forced is None and (constant := _constant_text(plain)) is not None:
        return case.column("constant", (), (constant,))
    if pa.types.is_date(plain.type) or pa.types.is_timestamp(plain.type):
        clock = clock_of(plain.type.tz) if pa.types.is_timestamp(plain.type) else ""
        return _datetime(case, markers, values, counts, clock)
    dates = case.forced is not None and case.forced.startswith("datetime")
    zero = int(low == 0 < len(values) - 1)  # as which missing days are written
    layout = "integer" if whole or bool((values == np.rint(values)).all()) else "shortest"
    if dates or (case.forced is None and layout == "integer" and 1e5 <= values[zero] <= high < 1e14):
        texts = as_digits(pa.array(values[zero:]))
        if (format := case.digit_dates(texts, counts[zero:])) or dates:
            return _typed_digits(case, plain, (*markers, *["0"] * zero), texts, counts[zero:], layout, format)
    if format := case.count(values[zero:], layout):
        times = parse_dates(as_digits(pa.array(values[zero:])), format)
        return _datetime(case, (*markers, *["0"] * zero), times, counts[zero:], "", DateStyle(format))
    forced = case.forced == "identifier"
    if whole and not markers and case.forced != "number" and different == len(plain) and high < 2**62:
        numbers = np.asarray(plain.cast(pa.int64()))
        pattern = pattern_of_integers(numbers, named=names_identifiers(case.name), forced=forced)
        if pattern is not None:
            return case.identifier(pattern, pa.array(numbers))
    if forced:
        raise case.no_identifiers()
    if whole and max(-low, high) >= EXACT and case.forced is None:
        if different <= max(FEW_LEVELS, TEXT_SHARE * len(plain)):
            return _typed_category(case, plain)
        case.note(f"whole numbers above 2^53 keep their first 15 digits only; {case.otherwise(different, len(plain))}")
    decimals = _decimals_of(plain.type, values, counts)
    grain = grain_of(values, decimals, counts)
    moved = to_grain(values, grain, decimals)
    _note_odd(case, values, moved, f"{grain:g}", lambda at: float_texts(values[at : at + 1])[0].as_py())
    return case.column("number", markers, decimals=decimals, grain=grain, low=low, high=high)


def _typed_digits(
    case: _Case, plain: pa.Array, markers: tuple[str | None, ...], texts: pa.Array, counts: Ints, layout: str,
    found: str | None,
) -> Column:  # fmt: skip
    """The column of times that are numbers. texts: these [K]; counts: how often each occurs. found: their format."""
    format = found or (case.forced or "").partition(":")[2]
    if not format and find_dates(texts, counts) is None:
        format = count_of(parse_numbers(texts, PLAIN), layout, None, None)[0] or ""
    guess = None if format else find_dates(texts, counts) or find_dates(texts[:1], counts[:1])
    style = DateStyle(format) if format else guess[0] if guess else None
    times = parse_dates(texts, style.format) if style else np.full(len(texts), np.nan)
    if style is None or np.isnan(times).any():
        wrong = texts[int(np.isnan(times).argmax())]
        raise DataError(
            f"column {case.name!r} has the type {plain.type} and cannot be {case.forced}: {str(wrong)!r} is no date. "
            f"Say how dates are written with --column {case.name}=datetime:%Y%m%d, or convert it before."
        )
    return _datetime(case, markers, times, counts, "", style)


def _datetime(
    case: _Case,
    markers: tuple[str | None, ...],
    times: npt.NDArray[np.float64],
    counts: Ints,
    clock: str,
    style: DateStyle | None = None,
    local: bool = False,
) -> Column:
    """The column of times [K], in UTC where there is a clock, that occur `counts` [K] times."""
    shown = to_local(clock, times) if clock else times
    grain = grain_of_times(shown, counts)
    _note_odd_time(case, shown, grain)
    local = local or (clock != "" and not is_fixed(clock) and grain == 86400)
    facts: dict[str, Any] = {"dates": style, "clock": clock, "local": local, "strays": case.strays}
    column = case.column("datetime", markers, grain=grain, **facts)
    times = column.of_instants(times)
    return replace(column, low=float(times.min()), high=float(times.max()))


def _decimals_of(kind: pa.DataType, values: npt.NDArray[np.float64], counts: Ints) -> int | None:
    if pa.types.is_decimal(kind):
        return int(kind.scale)
    if not pa.types.is_floating(kind):
        return 0
    if kind == pa.float64():
        return decimals_of(values, counts)
    # A narrow float is a decimal if the decimal nearest to it is that float again.
    narrow, most = (np.float32, 4) if kind == pa.float32() else (np.float16, 2)
    return decimals_of(values, counts, most=most, dtype=narrow)


def _constant_text(plain: pa.Array) -> str | None:
    """The one value as a text that casts back to it, or None."""
    try:
        text = as_texts(plain[:1])
        return text[0].as_py() if text.cast(plain.type).equals(plain[:1]) else None
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


@dataclass(frozen=True)
class _Texts:
    """A column's different texts [K] in order of their first row, which of them each row has (-1: null), how often."""

    case: _Case
    texts: pa.Array
    rows: Ints
    counts: Ints

    @property
    def nulls(self) -> int:
        return int((self.rows < 0).sum())

    def some(self, mask: Bools) -> tuple[pa.Array, Ints]:
        return (self.texts, self.counts) if mask.all() else (self.texts.filter(pa.array(mask)), self.counts[mask])

    def by_frequency(self, mask: Bools) -> tuple[str, ...]:
        texts, counts = self.some(mask)
        return tuple(texts.take(pa.array(np.argsort(-counts, kind="stable"))).to_pylist())

    def markers(self, mask: Bools, strays: Bools | None = None, kind: str = "") -> tuple[str | None, ...]:
        """The missing markers, most frequent first, with notes on unusual ones where the column is of a kind.

        strays: other texts that cannot be read: those that occur often are markers too.
        """
        if strays is not None:
            usual = self._counted(mask)
            self.note_markers([text for _, text in usual], mask)
            if strays.any():
                self._note_strays(strays, kind)
            mask = mask | (strays & (self.counts >= _REPEATED))
        counted = self._counted(mask)
        lost = strays is not None and strays.any() and not counted
        return _by_count(counted + ([(self.nulls, None)] if self.nulls or lost else []))

    def _counted(self, mask: Bools) -> list[tuple[int, str | None]]:
        return list(zip(self.counts[mask].tolist(), self.texts.filter(pa.array(mask)).to_pylist(), strict=True))

    def are_strays(self, strays: Bools, soft: Bools, *, codes: bool = False) -> bool:
        """Whether so few texts cannot be read, beside many that can, that they do not say what the column is.

        soft: which texts are missing ones. codes: the others are whole numbers, and may be codes.
        """
        cells, usual = int(self.counts[~soft].sum()), int((~soft & ~strays).sum())
        most = max(_STRAY_SHARE * cells, float(cells >= _STRAY_OF))
        if usual <= max(FEW_LEVELS, 4 * strays.sum()) or self.counts[strays].sum() > most:
            return False
        texts = self.texts.filter(pa.array(strays))
        lengths = pc.utf8_length(self.texts.filter(pa.array(~soft & ~strays)))
        named = self.case.forced is None and (names_identifiers(self.case.name) or names_codes(self.case.name))
        codes = codes and (named or len(lengths.unique()) < _LENGTHS_OF_NUMBERS)
        return not (
            any(map(words.is_infinite, texts.to_pylist()))
            or (codes and words.matching(texts, _OF_CODES if self.case.forced is None else "^0[0-9]").any())
            or (codes and self.case.forced is None and names_identifiers(self.case.name))
        )

    def _note_strays(self, strays: Bools, kind: str) -> None:
        what = {"number": "numbers", "datetime": "times"}[kind]
        total, shown = int(self.counts[strays].sum()), _shown(self.by_frequency(strays))
        how = f"correct them, or leave the column out with --column {self.case.name}=drop"
        self.case.note(f"no {what} in {total:,} of {len(self.rows):,} rows ({shown}), taken as missing; {how}")

    def refuse(self, bad: Bools, kind: str) -> Column:
        """Raises the error for the first row with one of the `bad` texts, or for the first row if there is none."""
        bad = bad if bad.any() else np.ones_like(bad)
        row = int(np.isin(self.rows, np.flatnonzero(bad)).argmax())
        raise unreadable(self.case.name, row, self.texts[int(self.rows[row])].as_py(), kind)

    def note_markers(self, markers: Sequence[str | None], mask: Bools) -> None:
        unusual = [m for m in markers if m is not None and m.strip().lower() not in ("", "na", "nan", "null")]
        if unusual:
            total, shown = int(self.counts[mask].sum()), ", ".join(map(repr, unusual[:4]))
            self.case.note(f"{shown} means missing ({total:,} of {len(self.rows):,} rows)", f"{total:,} of")


def text_column(name: str, array: pa.Array, forced: str | None, missing: tuple[str, ...], notes: list[str]) -> Column:
    """What a column of texts is; see `infer`. forced: the type that the user named, or None.

    Raises:
        DataError: the column cannot be what the user named, or holds infinities.
    """
    said = list[tuple[str, str, str]]()
    column = _text_column(_Case(name, array.type, forced, missing, said), array)
    notes += lines_of(said)
    return column


def _text_column(case: _Case, array: pa.Array) -> Column:
    texts, rows = distinct(array)
    found = _Texts(case, texts, rows, np.bincount(rows[rows >= 0], minlength=len(texts)))
    if len(texts) + (found.nulls > 0) <= 1 and case.forced is None:
        level = tuple(texts.to_pylist())
        lost = len(texts) == 0 or bool(words.is_missing(texts, certain=True)[0])
        return case.column("constant", (level or (None,)) if lost else (), () if lost else level)
    declared = np.zeros(len(texts), dtype=bool)
    if case.missing:
        declared = np.asarray(pc.is_in(texts, pa.array(case.missing, pa.string())), dtype=bool)
    return (
        _as_digits(found, declared)
        or _as_number(found, declared)
        or _as_datetime(found, declared)
        or _as_words(found, declared)
    )


def _as_digits(found: _Texts, declared: Bools) -> Column | None:
    """A column of dates that look like whole numbers."""
    likely = pc.any(pc.match_substring_regex(found.texts[:50], "^[0-9]{6,14}([.]0)?$")).as_py()
    if found.case.forced is not None or not likely:
        return None
    soft = declared | words.is_missing(found.texts) | words.matching(found.texts, _ZEROS)
    strays = ~soft & ~words.matching(found.texts, "^[0-9]+([.]0)?$")
    if strays.any() and not found.are_strays(strays, soft):
        return None
    format = found.case.digit_dates(*found.some(~soft & ~strays))
    return _as_datetime(found, declared, format) if format else None


def _as_number(found: _Texts, declared: Bools) -> Column | None:
    case = found.case
    if case.forced not in (None, "number", "identifier"):
        return None
    forced = case.forced == "number"
    soft = declared | words.is_missing(found.texts)
    others = found.texts.filter(pa.array(~soft))
    if 0 < len(others) <= _INFINITIES and all(map(words.is_infinite, others.to_pylist())):
        found.refuse(~soft, "number")
    if soft.all():
        return found.refuse(~declared, "number") if forced else None
    texts, counts = found.some(~soft)
    strays, other = np.zeros_like(soft), case.otherwise(len(texts), int(counts.sum()))
    style = find_style(texts, counts, forced=forced, marks=case.marks)
    if style is None:
        style, strays[~soft] = style_of_most(texts, counts, forced=forced, marks=case.marks)
        if style is None or not found.are_strays(strays, soft, codes=style.layout == "integer"):
            if forced:
                return found.refuse(strays, "number")
            _note_nearly(found, soft, strays)
            return None
        texts, counts = found.some(~soft & ~strays)
    values = parse_numbers(texts, style)
    if (odd := np.isnan(values)).any():
        values[odd] = parse_otherwise(texts.filter(pa.array(odd)))
        at = int(odd.argmax())
        case.note(f"{texts[at].as_py()!r} is read as {values[at]:g}; {other}")
    if np.isinf(values).any():
        every = np.zeros(len(soft))
        every[~soft & ~strays] = values
        raise infinite_values(case.name, at_rows(every, found.rows, 0.0))
    plain = replace(style, layout="shortest", decimals=None) == PLAIN
    if plain and (format := case.count(values[values != 0], style.layout, style.decimals)):
        return _as_datetime(found, declared, format)
    largest = np.abs(values).max()
    full = not soft.any() and not found.nulls and not forced
    if full and style.layout == "integer" and len(np.unique(values)) == counts.sum():
        plain = bool(words.matching(texts, "^-?[0-9]{1,18}$").all())
        if largest < 2**62 and bool((values == np.rint(values)).all()):
            whole = np.asarray(texts.cast(pa.int64(), safe=False) if plain else values.astype(np.int64))
            named = names_identifiers(case.name)
            pattern = pattern_of_integers(whole, named=named, forced=case.forced == "identifier")
            if pattern is not None:
                return None if strays.any() else case.identifier(pattern, pa.array(whole))
    if largest >= EXACT and style.layout == "integer" and not forced:
        if len(texts) <= TEXT_SHARE * counts.sum() or not few(np.abs(values) >= EXACT, counts):
            return None
        case.note(f"whole numbers above 2^53 keep their first 15 digits only; {other}")
    _note_style(case, style, other)
    grain, low, high = grain_of(values, style.decimals, counts), float(values.min()), float(values.max())
    moved = to_grain(values, grain, style.decimals)
    noted = _note_odd(case, values, moved, f"{grain:g}", lambda at: texts[at].as_py())
    if not noted and style.layout not in ("integer", "fixed") and share_kept(texts, counts, values, style) < 1:
        written = format_numbers(values, style, grain)
        at = int(np.argmin(np.asarray(pc.equal(written, texts))))
        shown = f"{texts[at].as_py()!r} becomes {written[at].as_py()!r}"
        case.note(f"numbers are spelt alike ({shown})", shown)
    markers = found.markers(soft, strays, "number")
    facts: dict[str, Any] = {"style": style, "decimals": style.decimals, "strays": bool(strays.any())}
    return case.column("number", markers, grain=grain, low=low, high=high, **facts)


def _note_nearly(found: _Texts, soft: Bools, others: Bools) -> None:
    """Names the words that keep a column from being one of numbers; raises where these are infinities."""
    some = found.texts.filter(pa.array(others))[:20].to_pylist()
    if some and all(map(words.is_infinite, some)) and (~others & ~soft).any():
        found.refuse(others, "number")
    share = 1 - found.counts[others].sum() / max(found.counts[~soft].sum(), 1)
    if share >= _NEARLY and others.any():
        frequent = found.by_frequency(others)
        said = f"{share:.1%} of the rows are numbers, but not {_shown(frequent)}"
        # A word may stand for no value; what has digits is a value, which would be lost.
        word = next((text for text in frequent if not re.search("[0-9]", text)), None)
        how = f"; if {word!r} means no value, say so with --missing {quote(word)}" if word else ", as codes are"
        found.case.note(said + how)


def _shown(texts: Sequence[str]) -> str:
    return ", ".join(repr(text[:30]) for text in texts[:3]) + (", …" if len(texts) > 3 else "")


def _note_odd(case: _Case, values: Floats, moved: Floats, step: str, text: Callable[[int], str]) -> bool:
    """Names a value that is no multiple of the usual step, if there is one. moved: what becomes of the values."""
    exact = np.finfo(case.kind.to_pandas_dtype() if pa.types.is_floating(case.kind) else np.float64).eps
    odd = np.abs(moved - values) > 1e-8 + 4 * exact * np.abs(values)
    if odd.any():
        shown = text(int(odd.argmax()))
        case.note(
            f"samples are multiples of {step}, as nearly all cells are (not {shown!r}); correct it to change that"
        )
    return bool(odd.any())


def _note_odd_time(case: _Case, times: Floats, grain: float) -> None:
    if grain > 0:
        moved = np.rint(times / grain) * grain
        _note_odd(case, times, moved, f"{grain:g} s", lambda at: str(np.datetime64(int(times[at]), "s")))


def _note_style(case: _Case, style: NumberStyle, how: str) -> None:
    said = []
    grouped = style.thousands and style.grouped
    if grouped or style.mark != ".":
        mark = repr(style.thousands) if grouped else "no mark"
        said += [f"{mark} between thousands", f"{style.mark!r} before decimals"]
    if style.prefix.strip() or style.suffix.strip():
        said.append(f"{(style.prefix + style.suffix).strip()!r} around them")
    if style.negative not in ("-", "$-"):
        said.append(f"{style.negative.replace('()', '(5)')!r} for negative ones")
    if style.scales:
        said.append(f"{' and '.join(map(repr, style.scales))} for powers of ten")
    if said:
        doubtful = grouped and style.layout == "integer" and style.thousands in ".,"
        other = f", --column {case.name}=number:1{style.mark}234{style.thousands}5 reads them the other way"
        case.note(f"numbers with {', '.join(said)}; {how}{other if doubtful else ''}")


def _as_datetime(found: _Texts, declared: Bools, digits: str = "") -> Column | None:
    """A column of times. digits: the format of numbers that are."""
    case, forced = found.case, found.case.forced
    if not forced.startswith("datetime") if forced is not None else names_versions(case.name):
        return None
    soft = declared | words.is_missing(found.texts)
    if soft.all():
        return None if forced is None else found.refuse(~declared, "datetime")
    texts, counts = found.some(~soft)
    strays, format = np.zeros_like(soft), digits or (forced or "").partition(":")[2]
    guess = None if format else find_dates(texts, counts)
    if guess is None and not format and forced is not None:
        values = parse_numbers(texts, PLAIN)
        good = ~np.isnan(values)
        if good.any() and (number := find_style(texts.filter(pa.array(good)), counts[good])):
            format = count_of(values[values > 0], number.layout, number.decimals, None)[0] or ""
    if guess is None:
        known = format or ((forced is not None or len(texts) > FEW_LEVELS) and format_of_most(texts))
        bad = np.isnan(parse_dates(texts, known)) if known else np.ones(len(texts), dtype=bool)
        empty = (bad | is_digits(known or "")) & words.matching(texts, _ZEROS)
        strays[~soft], soft[~soft] = bad & ~empty, empty
        if not known or (strays.any() and not found.are_strays(strays, soft)):
            return None if forced is None else found.refuse(strays, "datetime")
        texts, counts = found.some(~soft & ~strays)
        guess = (style_of(texts, counts, format), list[str]()) if format else find_dates(texts, counts)
        if guess is None:
            return None
    style, others = guess
    times = parse_dates(texts, style.format)
    if others:
        other = f"--column {case.name}=datetime:{others[0]} reads it the other way"
        case.note(f"day and month cannot be told apart; read as {style.format}; {other}")
    markers = found.markers(soft, strays, "datetime")
    case = replace(case, strays=bool(strays.any()))
    if len(style.offsets) < 2:
        clock = style.zone if offsets_of(pa.array([style.zone])).any() else ""
        return _datetime(case, markers, times, counts, clock, style)
    zone = find_zone(times, offsets_of(zones_of(texts, style.format)))
    if zone is not None:
        several = ", ".join(style.offsets[:4]) + (", …" if len(style.offsets) > 4 else "")
        what = f"its UTC offsets ({several}) are those of {zone}, and are written as they are there"
        case.note(f"{what}; {case.otherwise(len(texts), int(counts.sum()))}")
    elif case.offsets:
        return _datetime(case, markers, parse_dates(texts, style.format, local=True), counts, "", style, local=True)
    return _datetime(case, markers, times, counts, zone or style.zone, style)


def _as_words(found: _Texts, declared: Bools) -> Column:
    case, forced = found.case, found.case.forced
    lost = declared | words.is_missing(found.texts, certain=True)
    if lost.all():
        # Nothing but missing words, and several of them: which one stands where is all there is to learn.
        lost = np.zeros_like(lost)
    different, present = int((~lost).sum()), int(found.counts[~lost].sum())
    markers = found.markers(lost)
    if forced == "boolean" or (forced is None and different == 2 and words.are_booleans(found.by_frequency(~lost))):
        return case.category(markers, found.by_frequency(~lost), True)
    unique = different == len(found.rows)
    if forced == "identifier" or (forced is None and unique):
        # The different texts stand in the order of their first rows: of the rows, if all are different.
        texts, named = found.texts.take(pa.array(found.rows)) if unique else None, names_identifiers(case.name)
        pattern = pattern_of_texts(texts, named=named, forced=forced == "identifier") if unique else None
        if pattern is not None:
            return case.identifier(pattern, texts)
        if forced == "identifier":
            raise case.no_identifiers()
    if forced is None and different > FEW_LEVELS and different > TEXT_SHARE * present:
        how_many = f"{different:,} different values in {present:,} rows"
        how = _instead(case, found.texts.filter(pa.array(~lost)))
        case.note(f"free text ({how_many}), left out, so that none is copied; {how}", how_many)
        return case.column("text")
    return case.category(markers, found.by_frequency(~lost), False)


def _instead(case: _Case, texts: pa.Array) -> str:
    """How different texts [K] that are left out can be learned without being copied."""
    if all(find_style(some, np.ones(len(some), np.int64), forced=True) for some in (texts[:1000], texts)):
        return f"--column {case.name}=number reads them as numbers"
    return f"--kind text --text-column {quote(case.name)} learns such texts alone"
