"""Conditions on columns: as they are typed (`COL=VALUE`), as Python values, and as cells of a codec.

Knows columns and codecs; never networks or tensors.
"""

from __future__ import annotations

import difflib
import math
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

from gankit.arguments import checked
from gankit.columns.clocks import offsets_at, zone_of
from gankit.columns.dates import DateStyle, is_digits, parse_dates
from gankit.columns.relations.rules import DAY, Difference, Equation, Lookup, OneHot, Rules
from gankit.columns.schema import Column, Schema, Values
from gankit.errors import OptionError, suggestion
from gankit.io import words

if TYPE_CHECKING:
    from gankit.columns.codec import Field

_FEW_LEVELS = 20
_SIGNS = (">=", "<=", ">", "<")
_EXACT_STEPS = 2.0**45  # more steps from zero than this are not told apart from their neighbours
_OFFSET = r"[0-9]:[0-9]{2}.*(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?)$"  # a time with its offset from UTC
_SLACK = 1e-6  # of a step, by which a multiple of it that was computed may be off
_HALF = 0.5 - 1e-6  # of a step, within which a number is moved to the step and not to the next one


@dataclass(frozen=True)
class Condition:
    """Something that samples can be asked for.

    name: of the column, as in `where`; of type "prefix" the option of `sample`.
    type: "levels" (one or several of `levels`), "range" (numbers, or dates in seconds since 1970, of which training
        showed `low` to `high`) or "prefix" (how a text begins).
    missing: whether a missing value can be asked for.
    """

    name: str
    type: Literal["levels", "range", "prefix"]
    levels: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None
    missing: bool = False


def conditions_of(columns: Sequence[Column]) -> tuple[Condition, ...]:
    """What can be asked for of each column."""
    return tuple(
        Condition(c.name, "levels", tuple(map(str, c.levels)), missing=bool(c.markers))
        if c.shown == "category"
        else Condition(c.name, "range", low=c.low, high=c.high, missing=bool(c.markers))
        for c in columns
    )


@dataclass(frozen=True)
class Restriction:
    """What one column of a sample must obey, in cells.

    weight: [K] float64 in [0, 1], the share of each cell that is allowed.
    begin, end: [K] float64 in [0, 1], the positions in each cell between which the allowed part lies.
    """

    weight: np.ndarray
    begin: np.ndarray
    end: np.ndarray

    @classmethod
    def of_cells(cls, num_cells: int, allowed: Sequence[int]) -> Restriction:
        """Whole cells, and no others."""
        weight = np.zeros(num_cells)
        weight[list(allowed)] = 1.0
        return cls(weight, np.zeros(num_cells), np.ones(num_cells))

    def place(self, coded: np.ndarray) -> np.ndarray:
        """`cell + position` with the position moved into the allowed part of its cell; [N] -> [N]."""
        cell = coded.astype(np.int64)
        position = self.begin[cell] + (coded - cell) * (self.end[cell] - self.begin[cell])
        placed: np.ndarray = cell + np.minimum(position, 1.0 - 1e-9)
        return placed


def restrictions(
    schema: Schema, fields: Sequence[Field], rules: Rules, conditions: Mapping[str, Any]
) -> dict[int, Restriction]:
    """Position in `fields` -> restriction, for every condition. fields, rules: of a `TableCodec`.

    Of conditions on columns that rules make from others the coded ones are restricted as far as that is easily told;
    rows that break them are drawn again (`obeying`).

    conditions: column -> a value; a text "30..40", ">=3", "A|B"; a (low, high) pair of numbers; a list of levels; None
        for a missing value.

    Raises:
        OptionError: an unknown column or value, or a condition that no record can obey.
    """
    places = {field.name: i for i, field in enumerate(fields)}
    names = [*places, *(n for n in rules.order if n not in places)]
    limits = {}
    for name, condition in conditions.items():
        if name not in names or name not in (column.name for column in schema):
            raise OptionError(_unknown_column(schema, [n for n in names if n in rules.order or not rules], name))
        if name in places:
            limits[places[name]] = _restrict(fields[places[name]], schema.column(name), condition)
        else:
            _check(schema.column(name), condition)
    if rules.items and conditions:
        _Narrowing(schema, fields, rules, conditions, limits).narrow()
    return limits


def obeying(schema: Schema, conditions: Mapping[str, Any]) -> Callable[[Mapping[str, Values]], np.ndarray]:
    """From records to whether each obeys all conditions, [N] bool."""
    tests = {name: _test(schema.column(name), condition) for name, condition in conditions.items()}

    def obey(values: Mapping[str, Values]) -> np.ndarray:
        good = np.ones(len(next(iter(values.values())).data), dtype=bool)
        for name, test in tests.items():
            good &= test(values[name])
        return good

    return obey


def _test(column: Column, condition: Any) -> Callable[[Values], np.ndarray]:
    marker = _marker(column, condition)
    if marker is not None:
        return lambda cells: np.asarray(cells.missing == marker + 1)
    if column.type == "category":
        codes = _codes(column, condition)
        return lambda cells: np.isin(cells.data, codes) & (cells.missing == 0)
    if (several := _several(column, condition)) is not None:
        tests = [_test(column, value) for value in several]
        return lambda cells: np.any([test(cells) for test in tests], axis=0)
    low, high = _range(column, condition)
    return lambda cells: (cells.data >= low) & (cells.data <= high) & (cells.missing == 0)


class _Narrowing:
    """Takes conditions on columns that rules make from others back to what is coded.

    limits: those of the fields, which are tightened. ranges: what each column of numbers or dates may be.
    """

    def __init__(
        self, schema: Schema, fields: Sequence[Field], rules: Rules, conditions: Mapping[str, Any],
        limits: dict[int, Restriction],
    ) -> None:  # fmt: skip
        self.schema, self.fields, self.rules, self.conditions, self.limits = schema, fields, rules, conditions, limits
        self.places = {field.name: i for i, field in enumerate(fields)}
        numbers = [c for c in schema.modelled if c.type != "category"]
        self.whole = {c.name: (c.low, c.high) for c in numbers}
        self.whole |= {i.name: (i.steps.low, i.steps.high) for i in rules.items if isinstance(i, Difference)}
        self.ranges = dict(self.whole)
        for name, condition in conditions.items():
            if name in self.ranges and _marker(schema.column(name), condition) is None:
                low, high = _range(schema.column(name), condition)
                self.ranges[name] = max(low, self.ranges[name][0]), min(high, self.ranges[name][1])
        self.asked = {n for n in conditions if _marker(schema.column(n), conditions[n]) is None}

    def narrow(self) -> None:
        """All items, those that make the last columns first."""
        for item in reversed(self.rules.items):
            match item:
                case Lookup():
                    self._levels(item.target, item.by, [item.table.take(np.array([k])) for k in range(len(item.data))])
                case OneHot():
                    self._switches(item)
                case Difference():
                    self._difference(item)
                case Equation() if item.target in self.asked:
                    item.tree.narrow(self.ranges[item.target], self.ranges)
        for name, found in self.ranges.items():
            at = self.places.get(name)
            if at is not None and found != self.whole[name] and name not in self.conditions:
                self._limit(at, self.fields[at].allow_range(*found), present=name in self.asked)

    def _levels(self, target: str, by: str, table: list[Values]) -> None:
        """The levels of a category that tell a target that was asked for."""
        at = self.places.get(by)
        if target in self.conditions and at is not None and self.fields[at].category and self.fields[at].cells is None:
            test = _test(self.schema.column(target), self.conditions[target])
            allowed = [k for k, cells in enumerate(table) if test(cells)[0]]
            self._limit(at, Restriction.of_cells(self.fields[at].size, allowed))

    def _switches(self, item: OneHot) -> None:
        at = self.places[item.name]
        for i, name in enumerate(item.columns):
            if name in self.conditions:
                test = _test(self.schema.column(name), self.conditions[name])
                kind = np.int32 if item.categories[i] else np.float64
                cells = [Values(np.array([x], kind), np.zeros(1, np.int8)) for x in (item.off[i], item.on[i])]
                off, on = (bool(test(c)[0]) for c in cells)
                allowed = [k for k in range(self.fields[at].size) if (on if k == i else off)]
                self._limit(at, Restriction.of_cells(self.fields[at].size, allowed))

    def _difference(self, item: Difference) -> None:
        at = self.places[item.name]
        if item.target in self.conditions and item.target not in self.asked:
            marker = _marker(self.schema.column(item.target), self.conditions[item.target])
            assert marker is not None
            self._limit(at, self.fields[at].allow_marker(marker))
            return
        target = self.ranges[item.target]
        slack = DAY if item.by_day else 0.0
        refs = [self.ranges[name] for name in item.refs]
        if item.above:
            inner = min(r[0] for r in refs) if len(refs) == 1 else -np.inf, max(r[1] for r in refs)
            wanted = target[0] - inner[1] - item.offset, target[1] - inner[0] - item.offset + slack
        else:
            inner = min(r[0] for r in refs), max(r[1] for r in refs) if len(refs) == 1 else np.inf
            wanted = inner[0] - target[1] + item.offset, inner[1] - target[0] + item.offset
        own = self.ranges[item.name]
        self.ranges[item.name] = own = max(own[0], wanted[0]), min(own[1], wanted[1])
        if item.target in self.asked:
            self.asked.add(item.name)
            for name in item.refs:
                low, high = self.ranges[name]
                if item.above:
                    high = min(high, target[1] - own[0] - item.offset + slack)
                    low = max(low, target[0] - own[1] - item.offset) if len(refs) == 1 else low
                else:
                    low = max(low, target[0] + own[0] - item.offset)
                    high = min(high, target[1] + own[1] - item.offset) if len(refs) == 1 else high
                self.ranges[name] = low, high

    def _limit(self, at: int, limit: Restriction, present: bool = True) -> None:
        """Tightens what a field may be. present: whether it may not be missing."""
        field = self.fields[at]
        if not present:
            missing = (np.arange(field.size) >= field.num_present).astype(np.float64)
            limit = Restriction(np.maximum(missing, limit.weight), limit.begin, np.maximum(missing, limit.end))
        old = self.limits.get(at)
        weight = np.where(field.counts > 0, limit.weight, 0.0) * (1.0 if old is None else old.weight > 0)
        if not weight.sum() > 0:
            named = ", ".join(f"{name} = {condition!r}" for name, condition in self.conditions.items())
            raise OptionError(f"no record can satisfy {named}: {self._why(field.name)}")
        if old is not None:
            limit = Restriction(weight, np.maximum(old.begin, limit.begin), np.minimum(old.end, limit.end))
        self.limits[at] = replace(limit, weight=weight)

    def _why(self, name: str) -> str:
        about = [rule.text for rule in self.rules.rules if {*rule.names} & {name, *self.conditions}]
        return f"in the data {'; '.join(about)}." if about else "training showed none."


def _restrict(field: Field, column: Column, condition: Any) -> Restriction:
    marker = _marker(column, condition)
    if marker is not None:
        limit = field.allow_marker(marker)
    elif column.type == "category":
        limit = _combine([field.allow_levels([code]) for code in _codes(column, condition)])
    elif (several := _several(column, condition)) is not None:
        limit = _combine([field.allow_range(*_range(column, value)) for value in several])
    else:
        limit = field.allow_range(*_range(column, condition))
    # What training never showed is never made: it could only be made up.
    limit = replace(limit, weight=np.where(field.counts > 0, limit.weight, 0.0))
    if not limit.weight.sum() > 0:
        raise _unseen(column, condition)
    return limit


def _check(column: Column, condition: Any) -> None:
    """Refuses a condition on a column that is made from others where no number of training is asked for."""
    if column.type != "category" and _marker(column, condition) is None:
        low, high = _range(column, condition)
        if low > high or low > column.high or high < column.low:
            raise _unseen(column, condition)


def _unseen(column: Column, condition: Any) -> OptionError:
    why = "training showed none."
    if column.type == "number" and column.grain == 0 and isinstance(condition, str | int | float):
        why = "its numbers have no common step, so that none can be a condition alone; give a range."
    return OptionError(f"no record can satisfy {column.name} = {condition!r}: {why} {_what_there_is(column)}")


def _combine(limits: list[Restriction]) -> Restriction:
    """Any of several; those that share a cell must allow it whole or be alone in it."""
    total = limits[0]
    for limit in limits[1:]:
        new = limit.weight > 0
        both = new & (total.weight > 0)
        begin = np.where(both, np.minimum(total.begin, limit.begin), np.where(new, limit.begin, total.begin))
        end = np.where(both, np.maximum(total.end, limit.end), np.where(new, limit.end, total.end))
        gaps = both & (end - begin > total.weight + limit.weight + 1e-9)
        if gaps.any():
            raise OptionError("two of these rare values cannot be one condition together. Give one at a time.")
        total = Restriction(np.minimum(total.weight + limit.weight, 1.0), begin, end)
    return total


def _marker(column: Column, condition: Any) -> int | None:
    """Which missing marker the condition asks for; None where it asks for a value."""
    markers = list(column.markers)
    if condition is None or (isinstance(condition, float) and math.isnan(condition)):
        if not markers:
            raise OptionError(f"column {column.name!r} has no missing values, so that no condition can be for them.")
        return 0
    return markers.index(condition) if condition in markers else None


def _folded(text: str) -> str:
    """A text in small letters, its signs composed: keyboards and file systems write `é` in several ways."""
    return unicodedata.normalize("NFC", text).casefold()


def _several(column: Column, condition: Any) -> list[Any] | None:
    """The values of which one is asked for, of numbers and dates; None where it is one value, or a range."""
    if isinstance(condition, str) and "|" in condition:
        return condition.split("|")
    listed = isinstance(condition, set | frozenset) or (isinstance(condition, list) and len(condition) != 2)
    return list(condition) if (listed or (column.classes and isinstance(condition, list))) and condition else None


def _codes(column: Column, condition: Any) -> list[int]:
    levels = [str(level) for level in column.levels]
    if isinstance(condition, list | tuple | set | frozenset):
        wanted = [str(value) for value in condition]
    else:
        text = str(condition)
        wanted = [text] if text in levels or "|" not in text else text.split("|")
    if not wanted:
        raise OptionError(f"the condition on {column.name!r} has no value. Give at least one, or leave it out.")
    codes = []
    for value in wanted:
        match = [i for i, level in enumerate(levels) if level == value]
        match = match or [i for i, level in enumerate(levels) if _folded(level) == _folded(value)]
        if len(match) != 1:
            match = _inside(column, value)
        if not match:
            few = len(levels) <= _FEW_LEVELS
            near = levels if few else difflib.get_close_matches(value, levels, 3, 0.5) or levels[:8]
            which = "Its values" if few else f"Among its {len(levels)} values"
            raise OptionError(f"column {column.name!r} has no value {value!r}. {which}: {', '.join(near)}.")
        codes += match
    return list(dict.fromkeys(codes))


def _inside(column: Column, condition: str) -> list[int]:
    """The codes of levels that are numbers, in the range that a text is; none where it is no range or they are not."""
    numbers = [words.number_of(level) for level in column.levels]
    known = [number for number in numbers if number is not None]
    if len(known) < len(numbers):
        return []
    with suppress(OptionError):
        low, high = _range(Column(column.name, "number", pa.float64(), low=min(known), high=max(known)), condition)
        return [code for code, number in enumerate(known) if low <= number <= high]
    return []


def _range(column: Column, condition: Any) -> tuple[float, float]:
    """The closed interval asked for, in the numbers before they are moved to the column's grain.

    Of one of several values it is the one that holds them all.
    """
    if (several := _several(column, condition)) is not None:
        lows, highs = zip(*(_range(column, value) for value in several), strict=True)
        return min(lows), max(highs)
    if isinstance(condition, list | tuple) and len(condition) == 2:
        (low, _), (_, high) = (_span(column, value) for value in condition)
    elif isinstance(condition, str) and (sign := next((s for s in _SIGNS if condition.startswith(s)), "")):
        first, last = _span(column, condition[len(sign) :])
        if sign[0] == ">":
            return _on_grain(column, first if sign == ">=" else last, math.inf, opens=sign == ">")
        return _on_grain(column, -math.inf, last if sign == "<=" else first, closes=sign == "<")
    elif isinstance(condition, str) and ".." in condition:
        begin, end = condition.split("..", 1)
        low = _span(column, begin)[0] if begin.strip() else -math.inf
        high = _span(column, end)[1] if end.strip() else math.inf
    else:
        low, high = _span(column, condition)
    if low > high:
        raise OptionError(f"{column.name} = {condition!r}: the lower end is above the upper one. Turn them round.")
    return _on_grain(column, low, high)


def _on_grain(
    column: Column, low: float, high: float, opens: bool = False, closes: bool = False
) -> tuple[float, float]:
    """The interval of numbers that become one from `low` to `high` when they are moved to the column's grain.

    opens, closes: without `low`, without `high`. Without a grain these are the neighbouring doubles.
    """
    step = column.grain
    if step <= 0 or any(math.isfinite(end) and abs(end) / step > _EXACT_STEPS for end in (low, high)):
        return math.nextafter(low, math.inf) if opens else low, math.nextafter(high, -math.inf) if closes else high
    before, after = _off_grain(column, low) / step, _off_grain(column, high) / step
    if math.isfinite(low):
        low = low / step + before
        low = (math.floor(low + _SLACK) + 1 if opens else math.ceil(low - _SLACK)) - _HALF
    if math.isfinite(high):
        high = high / step + after
        high = (math.ceil(high - _SLACK) - 1 if closes else math.floor(high + _SLACK)) + _HALF
    return (low - before) * step, (high - after) * step


def _off_grain(column: Column, time: float) -> int:
    """The seconds that are added to a time before it is moved to the grain: of a grain of local times the offset."""
    plain = not column.clock or column.local or not math.isfinite(time)
    return 0 if plain else int(offsets_at(column.clock, np.array([time]))[0])


def _span(column: Column, value: Any) -> tuple[float, float]:
    """The first and the last number that a value means: twice the same, but for a day, which is all of it.

    Dates are seconds since 1970, of the column's time zone where they name none.
    """
    if column.dates is not None and is_digits(column.dates.format) and isinstance(value, int):
        value = str(value)
    if isinstance(value, str):
        value = value.encode(errors="replace").decode()  # bytes of a command line that are no text
    if column.type == "datetime" and not isinstance(value, int | float):
        return _span_of_date(column, value)
    if isinstance(value, str):
        number = column.read(value.strip().replace("_", ""))
        if math.isnan(number):
            raise OptionError(
                f"{column.name} = {value!r}: expected a number, a range like 30..40, or >=3. {_what_there_is(column)}"
            )
        return number, number
    try:
        return float(value), float(value)
    except (TypeError, ValueError):
        raise OptionError(f"{column.name} = {value!r}: expected a number. {_what_there_is(column)}") from None


def _span_of_date(column: Column, value: Any) -> tuple[float, float]:
    own = column.dates.format if column.dates is not None else ""
    of_day = re.split(r"[T ]*%-?[HI]", own)[0]
    if isinstance(value, str):
        text = value.strip()
        _refuse_offset(column, value, re.search(_OFFSET, text) is not None)
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            value = _iso(text, date)
        elif own and not math.isnan(seconds := column.read(text)):
            if of_day != own or column.grain < 86400:
                return seconds, seconds
            value = date(1970, 1, 1) + timedelta(seconds=seconds)
        elif own and not math.isnan(seconds := float(parse_dates(pa.array([text]), of_day)[0])):
            value = date(1970, 1, 1) + timedelta(seconds=seconds)
        else:
            value = _iso(text, datetime)
        if value is None:
            raise OptionError(
                f"{column.name} = {text!r}: expected a date like 2016-01-31 or as the column has it, or a range, as "
                "in 2016-01-01..2016-12-31."
            )
    if isinstance(value, datetime):
        _refuse_offset(column, value, value.tzinfo is not None)
        seconds = _seconds(column, value if value.tzinfo else value.replace(tzinfo=_zone(column)))
        return seconds, seconds
    if not isinstance(value, date):
        raise OptionError(f"{column.name} = {value!r}: expected a date. {_what_there_is(column)}")
    days = (datetime(value.year, value.month, value.day, tzinfo=_zone(column)) + timedelta(days=n) for n in (0, 1))
    begin, end = (_seconds(column, day) for day in days)
    return begin, max(begin, end - column.grain) if column.grain > 0 else math.nextafter(end, -math.inf)


def _iso(text: str, form: type[date]) -> date | None:
    try:
        return form.fromisoformat(text)
    except ValueError:
        return None


def _zone(column: Column) -> tzinfo:
    """The time zone of a column; UTC where its times name none."""
    return zone_of((column.zone or "Z").strip())


def _seconds(column: Column, time: datetime) -> float:
    return float(column.of_instants(np.array([time.timestamp()]))[0])


def _refuse_offset(column: Column, value: Any, offset: bool) -> None:
    if offset and column.learned_offset:
        raise OptionError(
            f"{column.name} = {value!r}: the offsets of {column.name!r} are a column of their own. Ask for the local "
            f"time here, and for the offset as in '{column.name} offset={(column.dates or DateStyle('')).zone}'."
        )


def _unknown_column(schema: Schema, names: list[str], name: str) -> str:
    every = {column.name: column.type for column in schema.columns}
    if name in every:
        return (
            f"column {name!r} is not modelled ({every[name]}), so that no condition on it can be satisfied. "
            f"Columns: {', '.join(names)}."
        )
    hint = f" {near}" if (near := suggestion(name, names, 1, 0.6)) else ""
    return f"there is no column {name!r}.{hint} Columns: {', '.join(sorted(names, key=[*every, *names].index))}."


def _what_there_is(column: Column) -> str:
    if column.shown == "category":
        return f"Its values: {', '.join(map(str, column.levels[:8]))}."
    return f"Training showed {column.low:g} to {column.high:g}." if column.type == "number" else ""


@checked
def parse_where(texts: Sequence[str]) -> dict[str, str]:
    """Conditions as they are typed, 'COL=VALUE', 'COL>=VALUE', to column -> text.

    Raises:
        OptionError: a text is no condition, or a column is named twice.

    >>> parse_where(["income=>50K", "age=30..40", "hours>=20"])
    {'income': '>50K', 'age': '30..40', 'hours': '>=20'}
    """
    conditions: dict[str, str] = {}
    for text in texts:
        match = re.match(r"(?s)(.+?)(>=|<=|=|>|<)(.*)$", text)
        if not match:
            raise OptionError(
                f"--where {text!r}: expected COL=VALUE, COL=LOW..HIGH or COL>=VALUE, as in --where age=30..40."
            )
        name, operator, value = match.groups()
        if name in conditions:
            raise OptionError(
                f"--where names {name!r} twice. Put both into one: {name}=30..40 is a range, and "
                f"{name}=7|8 one of several values."
            )
        conditions[name] = value if operator == "=" else operator + value
    return conditions
