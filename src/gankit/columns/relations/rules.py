"""Relations between columns that hold in every row, and how rows are coded so that every fake keeps them.

Knows parsed columns; never files, codecs or networks, and not how relations are found (`columns.relations.finding`).

A column that follows from others is not coded but made from them when rows are decoded; of two columns in order the
second is coded as its difference to the first, so that durations and margins keep their own distribution; columns of
which one is set are coded as one category. What is kept in no such way is kept by drawing rows again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from gankit.columns.column import Column, Values
from gankit.columns.numbers import to_grain
from gankit.columns.relations.formulas import Formula, parse_comparison, quoted
from gankit.stored import Stored, made, one_of

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Columns = Mapping[str, Values]

DAY = 86400.0

MOST_NOTED, LONGEST = 30, 200
"""Rules of which there is a note each, and characters of them that it shows."""

_SLACK = 1e-6  # of a step, by which a multiple of it that was computed may be off
_RELATIVE = 1e-7  # by which numbers without a step, maybe of single precision, may miss a formula


@dataclass(frozen=True)
class Grid(Stored):
    """Which numbers a column may hold: multiples of `grain` (0: all) from `low` to `high`; `decimals` as in `Column`,
    None for dates.
    """

    grain: float
    decimals: int | None
    low: float
    high: float

    @classmethod
    def of(cls, column: Column) -> Grid:
        """The grid of a column of numbers or dates."""
        # The grain of times with a clock is one of local times, which offsets of half hours leave as it is.
        odd = column.clock and not column.local and column.grain > 0 and 1800 % column.grain
        grain = 0.0 if odd else column.grain
        return cls(grain, column.decimals if column.type == "number" else None, column.low, column.high)

    def snap(self, x: Floats) -> Floats:
        """The nearest multiples, [N] -> [N]."""
        if self.grain > 0 and self.decimals is None:
            return np.asarray(np.rint(x / self.grain) * self.grain)
        return to_grain(x, self.grain, self.decimals)

    def beyond(self, x: Floats, up: bool) -> Floats:
        """The nearest multiples that are not below x, or not above it."""
        if not self.grain > 0:
            return x
        steps = x / self.grain
        return self.snap((np.ceil(steps - _SLACK) if up else np.floor(steps + _SLACK)) * self.grain)


def known(values: Columns, name: str) -> Floats:
    """The numbers or codes of a column, [N] float64, NaN where missing or unknown."""
    cells = values[name]
    data = cells.data.astype(np.float64)
    lost = cells.missing > 0
    return np.where(lost | (data < 0), np.nan, data) if cells.data.dtype.kind == "i" else np.where(lost, np.nan, data)


class Item(Stored):
    """Something that rows are coded by, or that is said of them; all fields are plain JSON values, tuples or grids.

    MAKES, OF, ABOUT: the fields that hold the names of `targets`, of `sources`, and of other columns.
    """

    MAKES: ClassVar[str] = ""
    OF: ClassVar[str] = ""
    ABOUT: ClassVar[tuple[str, ...]] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The columns it makes when rows are restored."""
        return self._named(self.MAKES)

    @property
    def sources(self) -> tuple[str, ...]:
        """The columns that it makes them from."""
        return self._named(self.OF)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it is about."""
        return self._named(*self.ABOUT, self.OF, self.MAKES)

    def _named(self, *places: str) -> tuple[str, ...]:
        held = [getattr(self, place) for place in places if place]
        return tuple(name for names in held for name in (names if isinstance(names, tuple) else (names,)))

    def added(self, columns: Mapping[str, Column]) -> list[Column]:
        """The columns that are coded in place of the targets."""
        return []

    def reduce(self, values: Columns) -> dict[str, Values]:
        """Their cells, of records as they were."""
        return {}

    def restore(self, values: dict[str, Values]) -> None:
        """Makes the targets, of the sources and the added columns, which are taken out."""

    def to_json(self) -> dict[str, Any]:
        """See `Stored.to_json`."""
        return {"type": type(self).__name__, **super().to_json()}

    @classmethod
    def from_json(cls, value: Any) -> Item:
        """See `Stored.from_json`."""
        found: Item = made(ITEMS[one_of(ITEMS, value, "type")], value)
        return found


class Rule(Item, ABC):
    """A relation that is said and counted."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The rule in the form that `--rule` takes."""

    @abstractmethod
    def holds(self, values: Columns) -> Bools:
        """[N]: where it holds, or says nothing since a cell is missing."""


@dataclass(frozen=True)
class Equation(Rule):
    """A column that is computed from others.

    formula: its text, `columns` the names in it. grid: of the target. gap: the missing marker of the target where a
        source is missing. own_gaps: how many markers the target has, where it is missing by itself as well; else 0.
    """

    MAKES, OF = "target", "columns"

    target: str
    formula: str
    columns: tuple[str, ...]
    grid: Grid
    gap: int = 0
    own_gaps: int = 0

    @property
    def text(self) -> str:
        """See `Rule.text`."""
        return f"{quoted(self.target)} = {self.formula}"

    @cached_property
    def tree(self) -> Formula:
        """The formula."""
        return parse_comparison(self.formula, self.columns)[0][0]

    def value(self, values: Columns) -> Floats:
        """What the formula gives in each row, [N]."""
        return self.tree.evaluate({name: known(values, name) for name in self.columns})

    def holds(self, values: Columns) -> Bools:
        """See `Rule.holds`: to half a step of the target."""
        target, value = known(values, self.target), self.value(values)
        scale = np.maximum(np.abs(target), np.abs(value))
        if self.tree.operation in "+-":
            scale = np.maximum(scale, np.max([np.abs(known(values, name)) for name in self.columns], axis=0))
        slack = self.grid.grain * (0.5 + _SLACK) + 1e-9 * scale if self.grid.grain > 0 else _RELATIVE * scale
        return ~(np.abs(target - value) > slack)

    def added(self, columns: Mapping[str, Column]) -> list[Column]:
        """See `Item.added`: whether the target is missing, where the sources do not tell."""
        levels = ("no", *(f"marker {k + 1}" for k in range(self.own_gaps)))
        return [_category(f"{self.target} is missing", levels, columns)] if self.own_gaps else []

    def reduce(self, values: Columns) -> dict[str, Values]:
        """See `Item.reduce`."""
        if not self.own_gaps:
            return {}
        codes = np.where(np.isnan(self.value(values)), 0, values[self.target].missing)
        return {f"{self.target} is missing": _present(np.minimum(codes, self.own_gaps).astype(np.int32))}

    def restore(self, values: dict[str, Values]) -> None:
        """See `Item.restore`."""
        data = self.grid.snap(self.value(values))
        missing = np.where(np.isnan(data), self.gap, 0)
        if self.own_gaps:
            own = values.pop(f"{self.target} is missing").data
            missing = np.where(missing > 0, missing, own)
        if self.gap == 0:
            data = np.where(np.isnan(data), self.grid.low, data)
        values[self.target] = Values(np.where(missing > 0, np.nan, data), missing.astype(np.int8))


@dataclass(frozen=True)
class Lookup(Rule):
    """A column that another one tells, by the pairs that training showed.

    keys: of numbers, the ones of `by` in ascending order; else none. num_levels: of a category.
    data, missing: the target for each level or key, then for each missing marker of `by`; data None: NaN.
    seen: whether training showed it. category: whether the target is one. mutual: whether it tells `by` in turn.
    """

    MAKES, OF = "target", "by"

    target: str
    by: str
    keys: tuple[float, ...]
    num_levels: int
    data: tuple[float | None, ...]
    missing: tuple[int, ...]
    seen: tuple[bool, ...]
    category: bool
    mutual: bool = False

    @property
    def text(self) -> str:
        """See `Rule.text`."""
        return f"{quoted(self.by)} {'<->' if self.mutual else '->'} {quoted(self.target)}"

    @classmethod
    def fit(cls, target: str, by: str, columns: Mapping[str, Column], values: Columns, mutual: bool = False) -> Lookup:
        """The table of training rows: of each level the most frequent target."""
        to, of = columns[target], columns[by]
        keys = () if of.type == "category" else tuple(np.unique(known(values, by)[values[by].missing == 0]).tolist())
        num = len(of.levels) if of.type == "category" else len(keys)
        empty = cls(target, by, keys, num, (), (), (), to.type == "category", mutual)
        at = empty._at(values[by])
        codes = codes_of(values[target])
        _, first, counts = np.unique(codes, return_index=True, return_counts=True)
        table = np.full(num + len(of.markers), -1, dtype=np.int64)
        pairs, often = np.unique((at * len(first) + codes)[at >= 0], return_counts=True)
        pairs = pairs[np.argsort(often, kind="stable")]
        table[pairs // len(first)] = pairs % len(first)
        chosen = values[target].take(first[np.where(table < 0, counts.argmax(), table)])
        data = tuple(None if m else float(d) for d, m in zip(chosen.data, chosen.missing, strict=True))
        missing = tuple(chosen.missing.tolist())
        return replace(empty, data=data, missing=missing, seen=tuple((table >= 0).tolist()))

    def _at(self, by: Values, nearest: bool = False) -> Ints:
        return places_of(by, self.keys, self.num_levels, nearest)

    @cached_property
    def table(self) -> Values:
        """The target for each place."""
        data = np.array([np.nan if d is None else d for d in self.data])
        if self.category:
            data = np.where(np.isnan(data), -1, data).astype(np.int32)
        return Values(data, np.asarray(self.missing, dtype=np.int8))

    def holds(self, values: Columns) -> Bools:
        """See `Rule.holds`: a level that training did not show says nothing."""
        at = self._at(values[self.by])
        told = (at >= 0) & np.asarray([*self.seen, False])[at]
        right, cells = self.table, values[self.target]
        same = np.where(cells.missing > 0, np.nan, cells.data) == np.where(right.missing > 0, np.nan, right.data)[at]
        return np.asarray(~told | same | ((cells.missing > 0) & (right.missing[at] > 0)))

    def restore(self, values: dict[str, Values]) -> None:
        """See `Item.restore`."""
        values[self.target] = self.table.take(np.maximum(self._at(values[self.by], nearest=True), 0))


@dataclass(frozen=True)
class OneHot(Rule):
    """Columns of which one is set in every row; at most one where not `exactly`.

    on, off: the number, or the code of the level, that each column has then. categories: whether each is a category.
    """

    MAKES = "columns"

    columns: tuple[str, ...]
    on: tuple[float, ...]
    off: tuple[float, ...]
    categories: tuple[bool, ...]
    exactly: bool = True

    @property
    def text(self) -> str:
        """See `Rule.text`."""
        return f"{'one' if self.exactly else 'at most one'} of {', '.join(map(quoted, self.columns))}"

    @property
    def name(self) -> str:
        """Of the column that is coded in their place."""
        return self.text

    def _set(self, values: Columns) -> Bools:
        return np.stack([values[n].data == on for n, on in zip(self.columns, self.on, strict=True)], 1)

    def holds(self, values: Columns) -> Bools:
        """See `Rule.holds`."""
        many = self._set(values).sum(1)
        return np.asarray(many == 1 if self.exactly else many <= 1)

    def added(self, columns: Mapping[str, Column]) -> list[Column]:
        """See `Item.added`: which one is set."""
        return [_category(self.name, (*self.columns, *(() if self.exactly else ("none",))), columns)]

    def reduce(self, values: Columns) -> dict[str, Values]:
        """See `Item.reduce`."""
        which = self._set(values)
        codes = np.where(which.any(1) | self.exactly, which.argmax(1), len(self.columns))
        return {self.name: _present(codes.astype(np.int32))}

    def restore(self, values: dict[str, Values]) -> None:
        """See `Item.restore`."""
        codes = values.pop(self.name).data
        for i, name in enumerate(self.columns):
            data = np.where(codes == i, self.on[i], self.off[i])
            values[name] = _present(data.astype(np.int32) if self.categories[i] else data)


@dataclass(frozen=True)
class Together(Rule):
    """Columns that are missing in the same rows; codecs see to it (`TableCodec.decode`)."""

    ABOUT = ("columns",)

    columns: tuple[str, ...]

    @property
    def text(self) -> str:
        """See `Rule.text`."""
        return f"{', '.join(map(quoted, self.columns))} missing together"

    def holds(self, values: Columns) -> Bools:
        """See `Rule.holds`."""
        lost = np.stack([values[name].missing > 0 for name in self.columns], 1)
        return np.asarray(lost.all(1) | ~lost.any(1))


@dataclass(frozen=True)
class Order(Rule):
    """Of two columns one is never above the other, or (`strict`) always below.

    by_day: whether the first one's day is meant, since the second one knows days only.
    """

    ABOUT = ("low", "high")

    low: str
    high: str
    strict: bool
    by_day: bool = False

    @property
    def text(self) -> str:
        """See `Rule.text`."""
        low = f"day({quoted(self.low)})" if self.by_day else quoted(self.low)
        return f"{low} {'<' if self.strict else '<='} {quoted(self.high)}"

    def holds(self, values: Columns) -> Bools:
        """See `Rule.holds`."""
        low, high = known(values, self.low), known(values, self.high)
        low = days_of(low) if self.by_day else low
        return ~(low >= high) if self.strict else ~(low > high)


@dataclass(frozen=True)
class Counter(Rule):
    """A number that counts the rows of each level of another column, from `begin` on.

    It is coded by how far along it is, in (0, 1). keys: as of `Lookup`. lengths: the rows of each level or key, then of
    each missing marker of `by`.
    """

    MAKES, OF = "target", "by"

    target: str
    by: str
    begin: int
    keys: tuple[float, ...]
    num_levels: int
    lengths: tuple[float, ...]

    @property
    def text(self) -> str:
        """See `Rule.text`."""
        return f"{quoted(self.target)} counts within {quoted(self.by)}"

    def _length(self, values: Columns) -> Floats:
        at = places_of(values[self.by], self.keys, self.num_levels, nearest=True)
        return np.asarray(self.lengths)[np.maximum(at, 0)]

    def holds(self, values: Columns) -> Bools:
        """See `Rule.holds`: as far as a row shows it, between the first and the last."""
        count = known(values, self.target) - self.begin
        outside = (count < 0) | (count >= self._length(values)) | (count != np.rint(count))
        return np.asarray(~outside | np.isnan(count))

    def added(self, columns: Mapping[str, Column]) -> list[Column]:
        """See `Item.added`: how far along a row is."""
        facts: dict[str, Any] = {"grain": 0.0, "decimals": None, "low": 0.0, "high": 1.0}
        return [replace(columns[self.target], name=f"share of {self.target}", **facts)]

    def reduce(self, values: Columns) -> dict[str, Values]:
        """See `Item.reduce`."""
        own = values[self.target]
        share = np.clip((own.data - self.begin + 0.5) / self._length(values), 0.0, 1.0)
        return {f"share of {self.target}": Values(share, own.missing)}

    def restore(self, values: dict[str, Values]) -> None:
        """See `Item.restore`."""
        own, length = values.pop(f"share of {self.target}"), self._length(values)
        count = np.clip(np.floor(own.data * length), 0, length - 1) + self.begin
        values[self.target] = Values(count, own.missing)


@dataclass(frozen=True)
class Sign(Rule):
    """A column whose sign a category tells. signs: 1, -1 or 0 (not known) for each of `num_levels` levels of `by`, then
    for each of its missing markers.
    """

    MAKES, OF = "target", "by"

    target: str
    by: str
    num_levels: int
    signs: tuple[float, ...]

    @property
    def text(self) -> str:
        """See `Rule.text`."""
        return f"sign of {quoted(self.target)} by {quoted(self.by)}"

    def _sign(self, values: Columns) -> Floats:
        at = places_of(values[self.by], (), self.num_levels)
        return np.where(at < 0, 0.0, np.asarray(self.signs)[at])

    def holds(self, values: Columns) -> Bools:
        """See `Rule.holds`."""
        return ~(known(values, self.target) * self._sign(values) < 0)

    def added(self, columns: Mapping[str, Column]) -> list[Column]:
        """See `Item.added`: the number without its sign."""
        own = columns[self.target]
        return [replace(own, name=f"abs({self.target})", low=0.0, high=max(abs(own.low), abs(own.high)))]

    def reduce(self, values: Columns) -> dict[str, Values]:
        """See `Item.reduce`."""
        own = values[self.target]
        return {f"abs({self.target})": Values(np.abs(own.data), own.missing)}

    def restore(self, values: dict[str, Values]) -> None:
        """See `Item.restore`."""
        own, sign = values.pop(f"abs({self.target})"), self._sign(values)
        values[self.target] = Values(own.data * np.where(sign < 0, -1.0, 1.0), own.missing)


@dataclass(frozen=True)
class Steps(Rule):
    """A column of multiples of a step; `Column.format` sees to it. shown: the step in words."""

    ABOUT = ("column",)

    column: str
    grain: float
    shown: str

    @property
    def text(self) -> str:
        """See `Rule.text`."""
        return f"{quoted(self.column)} in steps of {self.shown}"

    def holds(self, values: Columns) -> Bools:
        """See `Rule.holds`."""
        steps = known(values, self.column) / self.grain
        return ~(np.abs(steps - np.rint(steps)) > np.maximum(_SLACK, 1e-12 * np.abs(steps)))


@dataclass(frozen=True)
class Comparison(Rule):
    """What a user said of columns in any other form, such as `a + b <= 2 * c`; rows that break it are drawn again."""

    ABOUT = ("columns",)

    said: str
    columns: tuple[str, ...]

    @property
    def text(self) -> str:
        """See `Rule.text`."""
        return self.said

    @cached_property
    def _sides(self) -> tuple[list[Formula], list[str]]:
        return parse_comparison(self.said, self.columns)

    def holds(self, values: Columns) -> Bools:
        """See `Rule.holds`."""
        sides, signs = self._sides
        numbers = {name: known(values, name) for name in self.columns}
        parts = [side.evaluate(numbers) for side in sides]
        good = np.ones(len(parts[0]), dtype=bool)
        for sign, a, b in zip(signs, parts, parts[1:], strict=False):
            slack = _RELATIVE * np.maximum(np.abs(a), np.abs(b))
            apart = {"<": a >= b, "<=": a > b + slack, ">": a <= b, ">=": a < b - slack}
            good &= ~apart.get(sign, np.abs(a - b) > slack)
        return good


@dataclass(frozen=True)
class Difference(Item):
    """A column that is coded by its distance to others that it never lies below (`above`), or never above.

    target, refs: it, and those; the highest of them counts, or the lowest. by_day: whether their days are meant.
    offset: what is added to them. default: what stands for them where all are missing.
    least: the smallest distance that training showed. steps: the grid of the distance. grid: of the target.
    """

    MAKES, OF = "target", "refs"

    target: str
    refs: tuple[str, ...]
    above: bool
    by_day: bool
    offset: float
    default: float
    least: float
    steps: Grid
    grid: Grid

    @property
    def name(self) -> str:
        """Of the column that is coded in the target's place."""
        one = len(self.refs) == 1
        refs = quoted(self.refs[0]) if one else f"{'max' if self.above else 'min'}({', '.join(map(quoted, self.refs))})"
        return f"{quoted(self.target)} - {refs}" if self.above else f"{refs} - {quoted(self.target)}"

    def reference(self, values: Columns) -> Floats:
        """What the target is measured from, [N]; NaN where all of it is missing."""
        each = [known(values, name) for name in self.refs]
        each = [(days_of(x) if self.by_day else x) + self.offset for x in each]
        # fmax and fmin leave out what is missing
        result = each[0]
        for other in each[1:]:
            result = (np.fmax if self.above else np.fmin)(result, other)
        return result

    def distance(self, values: Columns) -> Floats:
        """[N], NaN where something is missing."""
        return (known(values, self.target) - self.reference(values)) * (1.0 if self.above else -1.0)

    def added(self, columns: Mapping[str, Column]) -> list[Column]:
        """See `Item.added`: the distance, missing as the target is."""
        own, decimals = columns[self.target], self.steps.decimals
        facts: dict[str, Any] = {"decimals": decimals, "grain": self.steps.grain}
        facts |= {"low": self.steps.low, "high": self.steps.high}
        return [replace(own, name=self.name, type="number", style=None, dates=None, **facts)]

    def reduce(self, values: Columns) -> dict[str, Values]:
        """See `Item.reduce`."""
        target, ref = values[self.target], self.reference(values)
        data = (target.data - np.where(np.isnan(ref), self.default, ref)) * (1.0 if self.above else -1.0)
        return {self.name: Values(self.steps.snap(data), target.missing)}

    def restore(self, values: dict[str, Values]) -> None:
        """See `Item.restore`."""
        own, ref = values.pop(self.name), self.reference(values)
        sign = 1.0 if self.above else -1.0
        distance = self.steps.snap(own.data)
        data = self.grid.snap(np.where(np.isnan(ref), self.default, ref) + sign * distance)
        bound = self.grid.beyond(ref + sign * self.least, self.above)
        inside = np.clip(data, self.grid.low, self.grid.high)
        # NaN compares false: without a reference there is no bound
        if self.above:
            data = np.where(inside < bound, bound, inside)
        else:
            data = np.where(inside > bound, bound, inside)
        values[self.target] = Values(data, own.missing)


ITEMS: dict[str, type[Item]] = {
    cls.__name__: cls
    for cls in (Equation, Lookup, OneHot, Together, Order, Counter, Sign, Steps, Comparison, Difference)
}


@dataclass(frozen=True)
class Rules(Stored):
    """All that holds between the columns of one table.

    items: in an order in which every target comes after its sources. grids: of the numbers and dates that others are
        made from, which are moved to their steps first. order: the names of all columns that are modelled.
    redrawn: the texts of rules that no coding keeps.
    """

    items: tuple[Item, ...] = ()
    grids: Mapping[str, Grid] | None = None
    order: tuple[str, ...] = ()
    redrawn: tuple[str, ...] = ()

    NONE: ClassVar[Rules]

    def __len__(self) -> int:
        return len(self.rules)

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """What is said and counted."""
        return tuple(item for item in self.items if isinstance(item, Rule))

    @cached_property
    def targets(self) -> frozenset[str]:
        """The columns that are not coded themselves."""
        return frozenset(name for item in self.items for name in item.targets)

    @property
    def together(self) -> list[tuple[str, ...]]:
        """Groups of columns that are missing together, by the names they are coded with."""
        coded = {i.target: i.name for i in self.items if isinstance(i, Difference)}
        coded |= {i.target: f"abs({i.target})" for i in self.items if isinstance(i, Sign)}
        kept = [i for i in self.items if isinstance(i, Together) and i.text not in self.redrawn]
        return [tuple(coded.get(n, n) for n in item.columns) for item in kept]

    def columns(self, columns: Sequence[Column]) -> list[Column]:
        """The columns that are coded, for those that are modelled."""
        named = {column.name: column for column in columns}
        added = [column for item in self.items for column in item.added(named)]
        return [column for column in columns if column.name not in self.targets] + added

    def reduce(self, values: Columns) -> Columns:
        """Records as they are coded; see `restore`."""
        if not self.items:
            return values
        kept = {name: cells for name, cells in values.items() if name not in self.targets}
        for item in self.items:
            kept |= item.reduce(values)
        return kept

    def restore(self, values: Columns, beside: Columns | None = None) -> dict[str, Values]:
        """Records as they were, of what `reduce` gives. beside: columns that are not coded here, and are left out."""
        if not self.items:
            return dict(values)
        made = {**(beside or {}), **values}
        for name, grid in (self.grids or {}).items():
            if name in made:
                made[name] = Values(grid.snap(made[name].data), made[name].missing)
        for item in self.items:
            item.restore(made)
            for name in item.targets:
                if self.grids and name in self.grids:
                    made[name] = Values(self.grids[name].snap(made[name].data), made[name].missing)
        left = [name for name in self.order if name not in (beside or {})]
        return {name: made[name] for name in left}

    def notes(self) -> list[str]:
        """A line a rule, and one on how to change them."""
        short = [rule.text if len(rule.text) <= LONGEST else f"{rule.text[:LONGEST]} …" for rule in self.rules]
        lines = [f"rule: {text}" for text in short[:MOST_NOTED]]
        more = len(self.rules) - len(lines)
        left = f"{more} more are listed by gankit inspect. " if more else ""
        how = "Every sample keeps these rules. --no-rule RULE (or a column, or all) drops them; --rule RULE adds one"
        return [*lines, left + how] if lines else []

    def shares(self, values: Columns) -> tuple[dict[str, float], Bools]:
        """The share of records that breaks each rule, by its text, and which keep all, [N]."""
        holds = {rule.text: rule.holds(values) for rule in self.rules}
        return {text: float(1 - good.mean()) for text, good in holds.items()}, np.all(list(holds.values()), axis=0)

    def accepts(self, values: Columns) -> Bools:
        """[N]: whether the rules that no coding keeps hold."""
        good = np.ones(len(next(iter(values.values())).data), dtype=bool)
        for rule in self.rules:
            if rule.text in self.redrawn:
                good &= rule.holds(values)
        return good


Rules.NONE = Rules()


def _category(name: str, levels: tuple[str, ...], columns: Mapping[str, Column]) -> Column:
    some = next(iter(columns.values()))
    return Column(name, "category", some.arrow_type, levels=levels)


def codes_of(cells: Values) -> Ints:
    """[N]: which of the different cells of a column each is, missing ones by their markers, from 0 without a gap."""
    data = np.where(cells.missing > 0, 0, np.nan_to_num(cells.data.astype(np.float64)))
    codes = np.unique(data, return_inverse=True)[1].reshape(-1).astype(np.int64)
    if (cells.missing > 0).any():
        codes = np.where(cells.missing > 0, codes.max(initial=0) + cells.missing, codes)
        codes = np.unique(codes, return_inverse=True)[1].reshape(-1)
    return codes


def places_of(by: Values, keys: Sequence[float], num_levels: int, nearest: bool = False) -> Ints:
    """Where cells stand in a table by level, or by key where there are keys, then by missing marker: [N]; -1: nowhere.

    nearest: a number that is no key stands where the nearest one does.
    """
    at = by.data.astype(np.int64) if by.data.dtype.kind == "i" else np.zeros(len(by.data), dtype=np.int64)
    if keys:
        known_ = np.asarray(keys)
        after = np.clip(np.searchsorted(known_, by.data), 0, len(known_) - 1)
        before = np.maximum(after - 1, 0)
        at = np.where(np.abs(known_[before] - by.data) < np.abs(known_[after] - by.data), before, after)
        far = np.abs(known_[at] - by.data) > 1e-9 * np.abs(known_[at])
        at = np.where(np.isnan(by.data) | (far & (not nearest)), -1, at)
    return np.where(by.missing > 0, num_levels + by.missing.astype(np.int64) - 1, at)


def _present(data: npt.NDArray[Any]) -> Values:
    return Values(data, np.zeros(len(data), dtype=np.int8))


def days_of(x: Floats) -> Floats:
    """The beginning of the day of each time, seconds."""
    return np.asarray(np.floor(x / DAY + 1e-9) * DAY)
