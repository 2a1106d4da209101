"""What rules need to know of the rows: single rules fitted to them, and how the columns of rules are coded.

Knows parsed columns and rules; never files, codecs or networks, and not which rules are looked for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from gankit.columns.column import Column, Values
from gankit.columns.dates import grain_of_times
from gankit.columns.numbers import grain_of
from gankit.columns.relations.formulas import Formula
from gankit.columns.relations.rules import (
    DAY,
    Columns,
    Comparison,
    Counter,
    Difference,
    Equation,
    Grid,
    Item,
    Order,
    Rule,
    Rules,
    Sign,
    Steps,
    Together,
    known,
    places_of,
)
from gankit.io.words import truth

FIRST_LOOK = 5_000
"""Rows of which a search looks at first."""

FEWEST = 50
"""Training rows, at the least, on which something is said of all rows."""

WIDE = 1.0
"""Differences that vary more than so many times the columns themselves are not coded in their place."""

BITS = 40.0
"""So improbable, in bits, must a relation be among columns that have none."""


@dataclass(frozen=True)
class Rows:
    """Training and held-out rows of the columns that are modelled.

    apart: rows that say little more than one, since they follow each other in time.
    """

    columns: Mapping[str, Column]
    train: Columns
    heldout: Columns
    apart: int = 1

    def of(self, *types: str) -> list[str]:
        """The names of the columns of these types."""
        return [name for name, column in self.columns.items() if column.type in types]

    @property
    def num_train(self) -> int:
        """How many training rows there are."""
        return len(next(iter(self.train.values())).data)

    @cached_property
    def first(self) -> Columns:
        """Some training rows, evenly apart."""
        rows = np.arange(0, self.num_train, -(-self.num_train // FIRST_LOOK))
        return {name: cells.take(rows) for name, cells in self.train.items()}

    def hold(self, rule: Rule) -> bool:
        """Whether a rule holds in every row."""
        return all(bool(rule.holds(part).all()) for part in (self.first, self.train, self.heldout))

    def unlike(self, name: str, fewest: int) -> bool:
        """Whether a column has different values enough for a formula to say something of it."""
        x = known(self.first, name)
        x = x[np.isfinite(x)]
        return len(x) >= FEWEST / 2 and len(np.unique(x)) >= fewest


def equation_of(rows: Rows, target: str, formula: Formula) -> Equation | None:
    """The equation of a formula; None where the target is known though a source is not."""
    column = rows.columns[target]
    rule = Equation(target, str(formula), formula.names, Grid.of(column))
    if not rule.holds(rows.first).all():
        return rule
    lost = np.isnan(rule.value(rows.train))
    missing = rows.train[target].missing
    if (lost & (missing == 0)).any():
        return None
    gap = int(np.bincount(missing[lost]).argmax()) if lost.any() else 0
    return replace(rule, gap=gap, own_gaps=len(column.markers) if (missing[~lost] > 0).any() else 0)


def order_of(rows: Rows, low: str, high: str) -> Order:
    """The order of two columns, strict where no training row has both alike."""
    by_day = is_daily(rows.columns[high]) and not is_daily(rows.columns[low])
    strict = Order(low, high, True, by_day)
    apart = all(strict.holds(part).all() for part in (rows.train, rows.heldout))
    return strict if apart else replace(strict, strict=False)


def is_daily(column: Column) -> bool:
    """Whether a column knows days only."""
    return column.type == "datetime" and column.grain > 0 and column.grain % DAY == 0


def switch_of(rows: Rows, name: str) -> tuple[float, float] | None:
    """What a column of two values, none missing, holds where it is off and where it is on; None for others."""
    column = rows.columns[name]
    if column.markers or column.type not in ("number", "category"):
        return None
    if column.type == "category":
        if not column.boolean or len(column.levels) != 2:
            return None
        meant = [truth(level) for level in column.levels]
        return (float(meant.index(False)), float(meant.index(True))) if {True, False} == {*meant} else None
    return (0.0, 1.0) if column.low == 0 and column.high == 1 and column.integer else None


def joined_rows(rows: Rows, name: str) -> Values:
    """A column's training cells and then its held-out ones."""
    parts = [part[name] for part in (rows.train, rows.heldout)]
    return Values(np.concatenate([p.data for p in parts]), np.concatenate([p.missing for p in parts]))


def counter_of(columns: Mapping[str, Column], whole: Columns, target: str, by: str) -> Counter | None:
    """The rule that a number counts the rows of each level; None where it does not, or levels are few or short."""
    cells, count = whole[by], known(whole, target)
    keys = () if columns[by].type == "category" else tuple(np.unique(cells.data[cells.missing == 0]).tolist())
    num = len(columns[by].levels) if columns[by].type == "category" else len(keys)
    at = places_of(cells, keys, num)
    if np.isnan(count).any() or (at < 0).any():
        return None
    lengths = np.bincount(at, minlength=num + len(columns[by].markers)).astype(np.float64)
    begin, order = int(count.min()), np.lexsort((count, at))
    first = np.flatnonzero(np.r_[True, np.diff(at[order]) > 0])
    wanted = np.arange(len(at)) - np.repeat(first, np.diff(np.r_[first, len(at)])) + begin
    if not (count[order] == wanted).all() or len(first) < 2 or np.median(lengths[lengths > 0]) < 4:
        return None
    return Counter(target, by, begin, keys, num, tuple(np.maximum(lengths, 1.0).tolist()))


def sign_of(rows: Rows, target: str, by: str, force: bool = False) -> Sign | None:
    """The signs of a number by the levels of a category; None where one level has both, or chance would do as well."""
    column, x, cells = rows.columns[by], known(rows.train, target), rows.train[by]
    if column.type != "category":
        return None
    num = len(column.levels)
    at = places_of(cells, (), num)
    below, above = (np.bincount(at[(at >= 0) & side], minlength=num + len(column.markers)) for side in (x < 0, x > 0))
    if (np.minimum(below, above) > 0).any() or not below.any():
        return None
    share = below.sum() / max(below.sum() + above.sum(), 1)
    repeats = np.maximum(below + above - 1, 0).sum()
    if not force and (not above.any() or repeats / rows.apart * -math.log2(max(share, 1 - share)) < BITS):
        return None
    return Sign(target, by, num, tuple(np.where(below > 0, -1.0, np.where(above > 0, 1.0, 0.0)).tolist()))


def assembled(rows: Rows, rules: list[Rule], fixed: frozenset[str]) -> Rules:
    """The rules with the codings that keep them, in the order in which columns are made from others."""
    orders = [rule for rule in rules if isinstance(rule, Order)]
    items: list[Item] = list(rules)
    taken = {name for rule in rules for name in rule.targets}
    kept: set[tuple[str, str]] = set()
    near = [order for order in orders if rows.apart > 1 or _is_near(rows, order)]
    for above, name in itertools.product((True, False), _ranked(near)):
        mine = [o for o in near if (o.high if above else o.low) == name and (o.low, o.high) not in kept]
        if not mine or name in taken or name in fixed:
            continue
        step = _difference(rows, name, mine, above)
        if step is not None and not circular([*items, step]):
            items.append(step)
            taken.add(name)
            kept |= {(o.low, o.high) for o in mine}
    redrawn = [rule.text for rule in rules if isinstance(rule, Comparison)]
    redrawn += [o.text for o in orders if (o.low, o.high) not in kept]
    # of columns that are computed or given, what is said beside is kept by no coding either
    apart = {n for i in items if not isinstance(i, Difference | Sign) for n in i.targets} | fixed
    redrawn += [rule.text for rule in rules if isinstance(rule, Together | Steps) and apart & {*rule.names}]
    placed = _sorted(items)
    used = {n for i in placed for n in (*i.sources, *(i.targets if isinstance(i, Difference) else ()))}
    grids = {n: Grid.of(rows.columns[n]) for n in used if n in rows.columns and rows.columns[n].type != "category"}
    return Rules(tuple(placed), grids, tuple(rows.columns), tuple(redrawn))


def _is_near(rows: Rows, order: Order) -> bool:
    """Whether the difference of two columns varies no more than they do, `WIDE` times, and is what is to be coded.

    Where it varies more, the columns' own distributions are more than it: they are coded, and the few rows out of order
    drawn again. Series cannot be drawn again for a step.
    """
    low, high = known(rows.first, order.low), known(rows.first, order.high)
    both = np.isfinite(low) & np.isfinite(high)
    return bool((high - low)[both].std() <= WIDE * min(low[both].std(), high[both].std()))


def _difference(rows: Rows, target: str, orders: list[Order], above: bool) -> Difference | None:
    """The coding of a column by its distance to those that it is never below (`above`), or never above."""
    refs = tuple(o.low if above else o.high for o in orders)
    by_day = above and any(o.by_day for o in orders)
    fine = not above and any(o.by_day for o in orders)
    grid, own = Grid.of(rows.columns[target]), rows.columns[target]
    offset = DAY - (own.grain or 1e-6) if fine else 0.0
    draft = Difference(target, refs, above, by_day, offset, 0.0, 0.0, grid, grid)
    ref, distance = draft.reference(rows.train), draft.distance(rows.train)
    distance = distance[np.isfinite(distance)]
    if not len(distance):
        return None
    if own.type == "datetime":
        steps = Grid(grain_of_times(np.unique(distance)), None, 0.0, 0.0)
    else:
        places = [rows.columns[n].decimals for n in (target, *refs)]
        decimals = max(p for p in places if p is not None) if None not in places else None
        rounded = distance if decimals is None else np.round(distance, decimals)
        steps = Grid(grain_of(np.unique(rounded), decimals), decimals, 0.0, 0.0)
    least, most = float(distance.min()), float(distance.max())
    middle = float(np.nanmedian(ref))
    nearest_step = float(steps.snap(np.array([least]))[0])
    return replace(draft, default=middle, least=nearest_step, steps=replace(steps, low=least, high=most))


def _ranked(orders: Sequence[Order]) -> list[str]:
    """The columns of orders, the lowest first."""
    left = {n for o in orders for n in o.names}
    result: list[str] = []
    while left:
        free = [n for n in sorted(left) if not any(o.high == n and o.low in left for o in orders)] or sorted(left)
        result += free
        left -= set(free)
    return result


def ancestors(items: Iterable[Item], name: str) -> set[str]:
    """The columns that one is made from, directly or not."""
    made = {target: item.sources for item in items for target in item.targets}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for source in made.get(waiting.pop(), ()):
            if source not in found:
                found.add(source)
                waiting.append(source)
    return found


def circular(items: Sequence[Item]) -> bool:
    """Whether a column would be made from itself."""
    return any(target in ancestors(items, target) for item in items for target in item.targets)


def _sorted(items: Sequence[Item]) -> list[Item]:
    """Items with every target after what it is made from."""
    made = {target: item for item in items for target in item.targets}
    result: list[Item] = []

    def place(item: Item) -> None:
        if item not in result:
            for source in item.sources:
                if source in made:
                    place(made[source])
            result.append(item)

    for item in items:
        place(item)
    return result
