"""What one column is, and the way between its cells in the user's own form and plain arrays.

Knows Arrow arrays, cells as they are written, and NumPy arrays; never files, codecs or networks.
"""

from __future__ import annotations

import base64
import contextlib
import json
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from shlex import quote
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from gankit.columns.clocks import is_fixed, on_grain, to_instants, to_local
from gankit.columns.dates import (
    DateStyle,
    find_dates,
    format_dates,
    format_local,
    is_digits,
    offsets_of,
    parse_dates,
    spelt,
    zones_of,
)
from gankit.columns.identifiers import Pattern
from gankit.columns.numbers import (
    PLAIN,
    NumberStyle,
    find_style,
    format_numbers,
    parse_numbers,
    parse_otherwise,
    to_grain,
)
from gankit.errors import DataError
from gankit.io import words
from gankit.io.records import MEANING, as_texts, distinct, is_text, joined
from gankit.stored import FOREIGN, Small, Stored

_MOST_STRAYS = 20  # so many different cells of a table that cannot be read are a few, be they half of all

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
ColumnType = Literal["number", "category", "datetime", "constant", "identifier", "text", "drop"]


@dataclass(frozen=True)
class Values:
    """One parsed column.

    data: float64 [N] for numbers and datetimes (seconds since 1970 in UTC or, without a time zone, local, as are those
        of `Column.local`; NaN where missing); int32 [N] codes into the column's `levels` for categories (-1 where
        missing or unknown).
    missing: int8 [N], 0 = present, k = the column's k-th missing marker (`markers[k - 1]`).
    """

    data: npt.NDArray[Any]
    missing: npt.NDArray[np.int8]

    def take(self, rows: Ints) -> Values:
        """The cells at `rows` [m]."""
        return Values(self.data[rows], self.missing[rows])


def at_rows(per_text: npt.NDArray[Any], rows: Ints, null: float) -> npt.NDArray[Any]:
    """What holds for each different text, for every row. per_text: [K]; rows: [N], -1 takes `null`. Returns [N]."""
    return np.append(per_text, np.array([null], dtype=per_text.dtype))[rows]


def native_numbers(column: pa.Array) -> Floats:
    """The numbers [N] float64 of a typed column, a span or time of day in its own unit; NaN where null."""
    kind = column.type
    if pa.types.is_time(kind) or pa.types.is_duration(kind):
        column = column.view(pa.int64() if kind.bit_width == 64 else pa.int32())
    if pa.types.is_boolean(kind):
        column = column.cast(pa.int8())
    if pa.types.is_null(kind):
        return np.full(len(column), np.nan)
    floats = pc.cast(column, pa.float64(), safe=False)
    return np.array(floats.fill_null(np.nan) if floats.null_count else floats, dtype=np.float64)


def as_digits(column: pa.Array) -> pa.Array:
    """The texts of a typed column of numbers, whole ones without a point."""
    numbers = native_numbers(column)
    if pa.types.is_integer(column.type):
        return column.cast(pa.string())
    whole = (numbers == np.rint(numbers)) & (np.abs(numbers) < 2.0**63)
    digits = pa.array(np.where(whole, numbers, 0).astype(np.int64)).cast(pa.string())
    texts = digits if whole.all() else pc.if_else(pa.array(whole), digits, as_texts(pa.array(numbers)))
    return pc.if_else(column.is_null(), None, texts) if column.null_count else texts


def native_seconds(column: pa.Array) -> Floats:
    """Seconds since 1970 of dates or timestamps (UTC where they have a time zone). Returns float64 [N], NaN: null."""
    kind = column.type
    if pa.types.is_date32(kind):
        return native_numbers(column.view(pa.int32())) * 86400.0
    if pa.types.is_date64(kind) or pa.types.is_timestamp(kind):
        return native_numbers(column.view(pa.int64())) / _ticks_per_second(kind)
    return native_numbers(column)


def _ticks_per_second(kind: pa.DataType) -> int:
    """Of timestamps and of dates as milliseconds."""
    return 1000 if pa.types.is_date64(kind) else {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[kind.unit]


def seconds_to_native(
    seconds: Floats, lost: Bools, target: pa.DataType, grain: float, offsets: Ints | None = None
) -> pa.Array:
    """Seconds since 1970 as dates or timestamps of a type, moved to multiples of the grain; null where lost.

    offsets: [N] seconds that are taken off after that.
    """
    if pa.types.is_date32(target):
        days = np.floor(seconds / 86400.0 + 1e-9).astype(np.int32)
        return pa.array(days, mask=lost).view(target)
    per_second = _ticks_per_second(target)
    ticks_per_grain = grain * per_second
    if grain > 0 and ticks_per_grain >= 1:
        # Whole steps times whole ticks: a product of doubles would lose nanoseconds.
        ticks = np.rint(seconds / grain).astype(np.int64) * int(np.rint(ticks_per_grain))
    else:
        ticks = np.rint(seconds * per_second).astype(np.int64)
    ticks -= 0 if offsets is None else offsets * per_second
    return pa.array(ticks, mask=lost).view(target)


def type_to_json(kind: pa.DataType) -> str:
    """An Arrow type as a text: its name (`int64`), or, where a name does not tell all, its serialised form."""
    with contextlib.suppress(ValueError):
        if pa.type_for_alias(str(kind)) == kind:
            return str(kind)
    return "ipc:" + base64.b64encode(pa.schema([pa.field("", kind)]).serialize().to_pybytes()).decode()


def type_from_json(text: str) -> pa.DataType:
    """The Arrow type that `type_to_json` wrote."""
    if text.startswith("ipc:"):
        return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(text[4:]))).field(0).type
    return pa.type_for_alias(text)


FOREIGN[pa.DataType] = type_to_json, type_from_json


@dataclass(frozen=True)
class Column(Stored):
    """What one column is and how it is written.

    name, type: "number", "category" and "datetime" are learned; "constant" and "identifier" are filled in when rows are
        written; "text" and "drop" are left out.
    arrow_type: the one it came in (strings for CSV, TSV and XML).
    markers: the missing markers as they were written, most frequent first; None is a null.
    levels: categories as they were written, most frequent first; of a constant the value, or none if all is missing.
    boolean: whether the two levels mean true and false.
    style: how a number in a text column is written. dates: how a time in a text column is written.
    decimals, grain: a number's digits after the point (None: no bound) and the step whose multiples all values are (0:
        continuous); of a datetime the step in seconds.
    low, high: the range that was seen (datetimes: seconds since 1970).
    pattern: what identifiers have in common. stream: what their draws are keyed by, the name of the first column that
        holds the same ones; "" in models of before.
    declared: whether the user said that it is a category, whose texts then stay texts in files that have types.
    clock: of a datetime the time zone or offset (see `clocks`) of whose local times the grain is; "" where it is that
        of the times as they are, and in models of before.
    local: whether times with offsets are learned as local ones: those that are regular so, as the days of a time zone
        are, which are 23 to 25 hours long, and those whose offsets are learned.
    offset_of: the column of times whose offsets from UTC these categories are; they are written with them.
    strays: whether cells that cannot be read are missing ones, as a few of those that were seen are.
    classes: whether whole numbers are the names of classes: made, ruled and conditioned on as numbers, judged and shown
        as a category whose `levels` they are, ascending.
    """

    NAMES: ClassVar[Mapping[str, str]] = {"type": "kind", "arrow_type": "type"}
    LATER = ("stream", "declared", "clock", "local", "offset_of", "strays", "classes")

    name: str
    type: ColumnType
    arrow_type: pa.DataType
    markers: tuple[str | None, ...] = ()
    levels: tuple[str, ...] = ()
    boolean: bool = False
    decimals: Small | None = None
    grain: float = 0.0
    low: float = 0.0
    high: float = 0.0
    style: NumberStyle | None = None
    dates: DateStyle | None = None
    pattern: Pattern | None = None
    stream: str = ""
    declared: bool = False
    clock: str = ""
    local: bool = False
    offset_of: str = ""
    strays: bool = False
    classes: bool = False

    @property
    def shown(self) -> str:
        """The type that it is judged and shown as."""
        return "category" if self.classes else self.type

    @property
    def source(self) -> str:
        """The column of a table that holds the cells."""
        return self.offset_of or self.name

    @property
    def learned_offset(self) -> bool:
        """Whether the offsets of these times are a column of their own (`offset_of`)."""
        return self.type == "datetime" and not self.clock and self.dates is not None and len(self.dates.offsets) > 1

    @property
    def modelled(self) -> bool:
        """Whether a codec must learn this column."""
        return self.type in ("number", "category", "datetime")

    @property
    def integer(self) -> bool:
        """Whether all numbers are whole."""
        return self.type == "number" and self.decimals == 0

    @property
    def zone(self) -> str | None:
        """The time zone or offset of a datetime, None for local times and those whose offsets are learned."""
        if self.clock or self.learned_offset:
            return self.clock or None
        if self.dates is not None:
            return self.dates.zone or None
        return self.arrow_type.tz if pa.types.is_timestamp(self.arrow_type) else None

    @cached_property
    def storage(self) -> pa.DataType:
        """The type in files that have types: that of the column itself, or for a text column what its texts mean."""
        if not is_text(self.arrow_type):
            return self.arrow_type
        if self.type == "number":
            assert self.style is not None
            whole = self.style.layout == "integer" and max(-self.low, self.high) < 2.0**63
            return pa.int64() if whole else pa.float64()
        if self.type == "datetime":
            assert self.dates is not None
            zone = self.clock if self.clock and not is_fixed(self.clock) else "UTC"
            return pa.string() if self.learned_offset else _date_storage(self.dates.format, zone)
        if self.type == "category" and self.boolean:
            return pa.bool_()
        if self.type in ("category", "constant") and self.levels and not self.declared:
            style = find_style(pa.array(self.levels), np.ones(len(self.levels), np.int64), strict=True)
            if style is not None and replace(style, layout="shortest", decimals=None) == PLAIN:
                if style.layout == "integer":  # else digits would be lost, and levels become one
                    return pa.int64() if all(-(2**63) <= int(level) < 2**63 for level in self.levels) else pa.string()
                return pa.float64() if len({float(level) for level in self.levels}) == len(self.levels) else pa.string()
        if self.type == "identifier" and self.pattern is not None and len(self.pattern.parts) == 1:
            part = self.pattern.parts[0]
            if part.role == "counter" and not part.width:
                return pa.int64()
            if part.chars and len(part.chars) < 19 and set("".join(part.chars)) <= set(string.digits):
                return pa.string() if "0" in part.chars[0] else pa.int64()
        return pa.string()

    @cached_property
    def meaning(self) -> dict[bytes, bytes] | None:
        """Metadata for a field of texts that tells `write` what they mean; None where they are just texts."""
        return None if is_text(self.storage) else {MEANING: json.dumps(self.to_json()).encode()}

    def parse(self, column: pa.ChunkedArray | pa.Array, *, strict: bool = False) -> Values:
        """The plain arrays of a modelled column's cells, in whatever type they come.

        A missing marker that training did not show counts as the first marker; if the column had none, it is unknown:
        NaN (or code -1) with missing 0. So is an unknown category.

        Raises:
            DataError: a number or time cannot be read; with `strict`, a category is not known.
        """
        assert self.modelled, f"column {self.name!r} is not modelled"
        column = joined(column)
        if pa.types.is_dictionary(column.type) and not is_text(column.type):
            column = column.dictionary_decode()
        if self.offset_of:
            return self._parse_offsets(column)
        if self.type == "category":
            return self._parse_category(column, strict)
        if is_text(column.type):
            return self._parse_text(column)
        if self.type == "datetime" and self.dates is not None and not pa.types.is_temporal(column.type):
            return self._parse_text(as_digits(column))
        data = self._of_native(column) if self.type == "datetime" else native_numbers(column)
        return self._mark_native(data, np.asarray(column.is_null(), dtype=bool))

    def read(self, text: str) -> float:
        """The number, or the time in seconds since 1970, that one text means, as the column has it or plainly; NaN:
        none.
        """
        own = self._read(pa.array([text]))
        return float(own[0] if not np.isnan(own[0]) else self._read_otherwise(pa.array([text]))[0])

    def _parse_text(self, column: pa.Array) -> Values:
        texts, rows = distinct(column)
        data, bad_codes = self._read(texts), self._marker_codes(texts)
        bad = np.isnan(data) & (bad_codes == 0)
        if bad.any():
            few = self.strays and int(bad.sum()) <= max(_MOST_STRAYS, len(texts) // 2)
            # An odd date may mean another day to those who wrote it so; it is missing, as `infer` says.
            alone = few and self.type == "datetime"
            spare = np.full(bad.sum(), np.nan) if alone else self._read_otherwise(texts.filter(pa.array(bad)))
            data[bad] = spare
            unread = np.flatnonzero(bad)[np.isnan(spare)]
            known = words.is_missing(texts.take(pa.array(unread)))
            if not known.all() and not few:
                row = int(np.isin(rows, unread[~known]).argmax())
                raise unreadable(self.name, row, texts[int(rows[row])].as_py(), self.type)
            bad_codes[unread] = 1 if self.markers else 0
        data[bad_codes > 0] = np.nan
        return Values(at_rows(data, rows, np.nan), at_rows(bad_codes, rows, self._null_code()).astype(np.int8))

    def _read(self, texts: pa.Array) -> Floats:
        if self.type == "number":
            return parse_numbers(texts, self.style or PLAIN)
        if self.dates is not None:
            return self._of_texts(texts, self.dates.format)
        try:
            return self._of_native(texts.cast(pa.timestamp("us")))
        except pa.ArrowInvalid:
            return np.full(len(texts), np.nan)

    def of_instants(self, instants: Floats) -> Floats:
        """Seconds since 1970 in UTC [N] as the column has them."""
        return to_local(self.clock, instants) if self.local and self.clock else instants

    def _of_texts(self, texts: pa.Array, format: str) -> Floats:
        seconds = parse_dates(texts, format, local=self.learned_offset)
        return self.of_instants(seconds) if "%z" in format else self._of_local(seconds)

    def _of_native(self, column: pa.Array) -> Floats:
        zoned = pa.types.is_timestamp(column.type) and column.type.tz is not None
        if zoned and not (self.zone or self.clock or self.learned_offset):  # this column's times are local ones
            column, zoned = pc.local_timestamp(column), False
        return self.of_instants(native_seconds(column)) if zoned else self._of_local(native_seconds(column))

    def _of_local(self, seconds: Floats) -> Floats:
        return to_instants(self.clock, seconds) if self.clock and not self.local else seconds

    def _parse_offsets(self, column: pa.Array) -> Values:
        """The offsets of texts that are times; unknown (-1) where there is none."""
        missing = np.zeros(len(column), dtype=np.int8)
        if not is_text(column.type) or self.dates is None:
            return Values(np.full(len(column), -1, dtype=np.int32), missing)
        texts, rows = distinct(column)
        coded = zones_of(texts, self.dates.format)
        codes = np.array(pc.index_in(coded.dictionary, pa.array(self.levels)).fill_null(-1), dtype=np.int32)
        known, found = offsets_of(pa.array(self.levels)), offsets_of(coded.dictionary)
        for at in np.flatnonzero((codes < 0) & np.isin(found, known)).tolist():
            codes[at] = int((known == found[at]).argmax())  # the same offset, written otherwise
        per_text = at_rows(codes, np.asarray(coded.indices.fill_null(-1), dtype=np.int64), -1)
        return Values(at_rows(per_text, rows, -1), missing)

    def _read_otherwise(self, texts: pa.Array) -> Floats:
        """Texts that are not in the column's own style, by the plain rules; NaN where that fails too."""
        trimmed = pc.utf8_trim_whitespace(texts)
        if self.type == "number":
            return parse_otherwise(trimmed)
        sure = np.flatnonzero(~words.is_missing(trimmed))
        seconds = np.full(len(texts), np.nan)
        if len(sure):
            left = trimmed.take(pa.array(sure))
            found = find_dates(left, np.ones(len(left), np.int64))
            if found is not None:
                seconds[sure] = self._of_texts(left, found[0].format)
        return seconds

    def _mark_native(self, data: Floats, null: Bools) -> Values:
        missing = np.where(null, self._null_code(), 0).astype(np.int8)
        for code, marker in enumerate(self.markers, start=1):
            if marker is not None and (value := words.number_of(marker)) is not None:
                missing[np.isnan(data) & ~null if value != value else data == value] = code
        missing[np.isnan(data) & ~null & (missing == 0)] = self._null_code()
        if (np.isinf(data) & (missing == 0)).any():
            raise infinite_values(self.name, data)
        return Values(np.where(missing > 0, np.nan, data), missing)

    def _parse_category(self, column: pa.Array, strict: bool) -> Values:
        texts, rows = distinct(column if is_text(column.type) else as_texts(column))
        codes = np.array(pc.index_in(texts, pa.array(self.levels, pa.string())).fill_null(-1), dtype=np.int32)
        missing = self._marker_codes(texts)
        left = np.flatnonzero((codes < 0) & (missing == 0))
        for at in left.tolist():
            codes[at] = self._same_level(texts[at].as_py())
        left = left[codes[left] < 0]
        if strict and len(left):
            left = left[~words.is_missing(texts.take(pa.array(left)))]
        if strict and len(left):
            row = int(np.isin(rows, left).argmax())
            near = ", ".join(map(repr, self.levels[:5]))
            raise DataError(
                f"column {self.name!r}, row {row + 1}: the category {texts[int(rows[row])].as_py()!r} is not known. "
                f"Known are {near}{', …' if len(self.levels) > 5 else ''}."
            )
        codes[missing > 0] = -1
        return Values(at_rows(codes, rows, -1), at_rows(missing, rows, self._null_code()).astype(np.int8))

    def _same_level(self, text: str) -> int:
        """The level that says the same in other words (`true` for `yes`, `1.0` for `1`), or -1."""
        meaning: Callable[[str], float | None] = words.truth if self.boolean else words.number_of
        value = meaning(text)
        return next((k for k, level in enumerate(self.levels) if value is not None and meaning(level) == value), -1)

    def _marker_codes(self, texts: pa.Array) -> Ints:
        if not self.markers:
            return np.zeros(len(texts), dtype=np.int64)
        found = pc.index_in(texts, pa.array(self.markers, pa.string()), skip_nulls=True)
        return np.asarray(found.fill_null(-1), dtype=np.int64) + 1

    def _null_code(self) -> int:
        either = next((marker for marker in (None, "") if marker in self.markers), None)
        return self.markers.index(either) + 1 if either in self.markers else min(len(self.markers), 1)

    def format(self, values: Values, *, typed: bool = False, offsets: Values | None = None) -> pa.Array:
        """The cells of a modelled column in the user's own form, or `typed` in the type of `storage`, unclipped.

        offsets: those of times whose offsets are learned; without them the most frequent one is written.
        """
        target = self.storage if typed else self.arrow_type
        if not is_text(target):
            return self._format_native(values, target)
        if self.type == "category":
            return self._format_levels(values).cast(target)
        present = (values.missing == 0) & ~np.isnan(values.data)
        data = values.data if present.all() else np.where(present, values.data, self.low)
        if self.type == "number":
            texts = format_numbers(self._inside(data), self.style or PLAIN, self.grain)
        else:
            texts = self._format_times(data, np.zeros(len(data)) if offsets is None else offsets.data)
        if not present.all():
            marks = pa.array([*(self.markers or (None,))], pa.string())
            which = pa.array(np.maximum(values.missing.astype(np.int64) - 1, 0))
            texts = pc.if_else(pa.array(present), texts, marks.take(which))
        return texts.cast(target)

    def _format_times(self, data: Floats, codes: npt.NDArray[Any]) -> pa.Array:
        """codes: [N], the offset of each time, where these are learned."""
        assert self.dates is not None
        if self.learned_offset:
            local = np.rint(data / self.grain) * self.grain if self.grain > 0 else data
            return format_local(local, self.dates.offsets, np.maximum(codes, 0).astype(np.int64), self.dates)
        if not self.clock:
            return format_dates(data, self.dates, self.grain)
        local, offsets = self._on_grain(data)
        different, which = np.unique(offsets, return_inverse=True)
        return format_local(local, [spelt(v, self.dates) for v in different.tolist()], which.reshape(-1), self.dates)

    def _on_grain(self, data: Floats) -> tuple[Floats, Ints]:
        """Local times of the clock, on the grain and such as there are, and their offsets."""
        if not self.local:
            return on_grain(self.clock, data, self.grain)
        local = np.rint(data / self.grain) * self.grain if self.grain > 0 else data
        return on_grain(self.clock, to_instants(self.clock, local), 0.0)

    def _format_levels(self, values: Values) -> pa.Array:
        entries = [*self.levels, *(m for m in self.markers if m is not None)]
        spots = [-1 if m is None else entries.index(m, len(self.levels)) for m in self.markers]
        codes = values.data.astype(np.int64)
        lost = values.missing > 0
        if lost.any():
            codes[lost] = np.array(spots)[values.missing[lost] - 1]
        return pa.array(entries, pa.string()).take(pa.array(codes, mask=codes < 0))

    def _format_native(self, values: Values, target: pa.DataType) -> pa.Array:
        if pa.types.is_dictionary(target):
            return self._format_native(values, target.value_type).dictionary_encode().cast(target)
        if self.type == "category":
            if self.boolean and pa.types.is_boolean(target):
                truths = pa.array([words.truth(level) for level in self.levels])
                return truths.take(pa.array(values.data.astype(np.int64), mask=values.data < 0))
            return self._format_levels(Values(values.data, np.zeros_like(values.missing))).cast(target)
        lost = (values.missing > 0) | np.isnan(values.data)
        data = np.where(lost, 0.0, values.data)
        if self.type == "datetime":
            if self.dates is not None and not pa.types.is_temporal(target):
                texts = format_dates(data, self.dates, self.grain)
                if pa.types.is_integer(target) and not lost.any():
                    return texts.cast(target)
                data = native_numbers(texts.cast(pa.float64()))
                return self._typed_numbers(data, lost, values.missing, target)
            if not self.clock:
                return seconds_to_native(data, lost, target, self.grain)
            local, offsets = self._on_grain(data)
            zoned = pa.types.is_timestamp(target) and target.tz is not None
            whole = 1.0 if self.grain > 0 and self.grain % 1 == 0 else self.grain
            return seconds_to_native(local, lost, target, whole, offsets if zoned else None)
        data = to_grain(self._inside(data), self.grain, self.decimals)
        return self._typed_numbers(data, lost, values.missing, target)

    def _typed_numbers(self, data: Floats, lost: Bools, missing: npt.NDArray[np.int8], target: pa.DataType) -> pa.Array:
        for code, marker in enumerate(self.markers, start=1):
            value = words.number_of(marker) if marker else None
            if value is not None and (np.isfinite(value) or pa.types.is_floating(target)):
                data = np.where(missing == code, value, data)
                lost = lost & (missing != code)
        if pa.types.is_floating(target):
            return pa.array(data.astype(target.to_pandas_dtype()), mask=lost)
        if pa.types.is_decimal(target):
            texts = format_numbers(data, NumberStyle("fixed", target.scale), 10.0**-target.scale)
            return pc.if_else(pa.array(lost), None, texts).cast(target)
        width = np.int64 if target.bit_width == 64 else np.int32
        dtype = target.to_pandas_dtype() if pa.types.is_integer(target) else width
        bounds = np.iinfo(dtype)
        top = np.nextafter(float(bounds.max), 0.0) if bounds.max > 2**53 else float(bounds.max)
        array = pa.array(np.clip(np.rint(data), float(bounds.min), top).astype(dtype), mask=lost)
        return array if array.type == target else array.view(target)

    def _inside(self, data: Floats) -> Floats:
        """Numbers [N] of the range, those moved that the nearest multiple of the grain would take out of it.

        The least or the largest number may be an odd one that is no multiple: 0.4, where all others are whole.
        """
        if not self.grain > 0:
            return data
        bottom = np.ceil(self.low / self.grain - 1e-6) * self.grain
        top = np.floor(self.high / self.grain + 1e-6) * self.grain
        data = np.where((data >= self.low) & (data < bottom), bottom, data)
        return np.where((data <= self.high) & (data > top), top, data)

    def typed(self, column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
        """A text column's cells as the type of `storage`: numbers, times and booleans in place of their texts."""
        if self.modelled:
            return self.format(self.parse(column), typed=True)
        return column.cast(self.storage)


def unreadable(name: str, row: int, text: str, kind: str) -> DataError:
    """The error for a cell that is no number (or time) where the column's others are. row: counted from 0."""
    what = {"number": "a number", "datetime": "a date or time in the column's format"}[kind]
    shown = text if len(text) <= 40 else text[:37] + "..."
    if words.is_infinite(text):
        return DataError(
            f"column {name!r}, row {row + 1}: the value {shown!r} is infinite and cannot be learned. "
            f"Remove it, or declare it missing with --missing {quote(text)}."
        )
    start = f"column {name!r}, row {row + 1}: expected {what}, found {shown!r}."
    if what == "a number" and words.matching(pa.array([text]), "^0[0-9]+$")[0]:
        return DataError(
            f"{start} Numbers that begin with 0 are codes: leave the column out with --column {name!r}=drop, or have "
            f"new ones made with --column {name!r}=identifier where all are different."
        )
    if what != "a number" and words.matching(pa.array([text]), "[0-9]")[0]:
        return DataError(f"{start} Correct it, or say how times are written with --column {name!r}=datetime:%d/%m/%Y.")
    if what == "a number" and words.matching(pa.array([text]), "[0-9]")[0]:  # a value, which would be lost
        return DataError(f"{start} Correct it, or leave the column out with --column {name!r}=drop.")
    return DataError(f"{start} Correct it or, if it means no value, declare it missing with --missing {quote(text)}.")


def infinite_values(name: str, data: Floats) -> DataError:
    """The error for a column of numbers with infinities."""
    infinite = np.flatnonzero(np.isinf(data))
    word = "inf" if data[infinite[0]] > 0 else "-inf"
    return DataError(
        f"column {name!r}, row {int(infinite[0]) + 1}: the value is infinite ({word}; {len(infinite):,} of "
        f"{len(data):,} rows) and cannot be learned. Remove these rows, declare them missing with --missing {word}, or "
        f"leave the column out with --column {name!r}=drop."
    )


def _date_storage(format: str, zone: str) -> pa.DataType:
    """The type of times in a format: days, days with a clock, or texts where there is no day."""
    if is_digits(format):
        return pa.float64() if "." in format else pa.int64()
    if ("%Y" not in format and "%y" not in format) or "%q" in format:
        return pa.string()
    clock = any(hour in format for hour in ("%H", "%-H", "%I", "%-I"))
    return pa.timestamp("us", tz=zone if "%z" in format else None) if clock else pa.date32()
