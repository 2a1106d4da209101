"""Finding out what the columns of records are: numbers, categories, times, constants, identifiers, free text.

Knows records and words; never torch, networks or codecs. Every decision that is not obvious becomes a note.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.config import TrainConfig
from gankit.data import words
from gankit.data.cells import distinct, is_text, joined, native_numbers, native_seconds
from gankit.data.columns import Column, as_texts, infinite_values
from gankit.data.dates import check_format, grain_of_times
from gankit.data.identifiers import looks_named, pattern_of_integers
from gankit.data.numbers import EXACT, decimals_of, grain_of
from gankit.data.origin import Records
from gankit.data.schema import Schema
from gankit.data.textcolumns import FEW_LEVELS, TEXT_SHARE, identifier, text_column
from gankit.errors import DataError, OptionError

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
    constants = [c.name for c in columns if c.kind == "constant"]
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
    if all(c.kind == "constant" and not c.levels for c in columns):
        return "every cell is missing"
    words_of = {"drop": "left out", "text": "free text, left out", "identifier": "identifiers, made anew"}

    def why(column: Column) -> str:
        if column.kind != "constant":
            return words_of[column.kind]
        return f"always {column.levels[0]!r}" if column.levels else "always missing"

    return ", ".join(f"{c.name!r}: {why(c)}" for c in columns[:8]) + (", …" if len(columns) > 8 else "")


def _overrides(options: tuple[str, ...], names: list[str]) -> dict[str, str]:
    forced: dict[str, str] = {}
    for option in options:
        name, _, kind = option.rpartition("=")
        if not name:
            raise OptionError(f"--column must be NAME=TYPE. Got {option!r} instead.")
        if name not in names:
            raise OptionError(f"--column {option}: there is no column {name!r}. {words.nearest(name, names)}")
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
