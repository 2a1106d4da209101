"""Finding relations between columns: on training rows, confirmed on held-out rows; and those that a user states.

Knows parsed columns and rules; never files, codecs or networks.

What is found must hold in every row, and must not be what the columns' own distributions would bring about: each search
says what it takes as evidence. Searches look at a part of the rows first and at all rows for what is left.
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
from gankit.columns.formulas import UNITS, Formula, parse_comparison, quoted
from gankit.columns.numbers import grain_of
from gankit.columns.rules import (
    DAY,
    Columns,
    Comparison,
    Counter,
    Difference,
    Equation,
    Floats,
    Grid,
    Item,
    Lookup,
    OneHot,
    Order,
    Rule,
    Rules,
    Sign,
    Steps,
    Together,
    codes_of,
    known,
    places_of,
)
from gankit.errors import OptionError, nearest
from gankit.words import truth

FEWEST = 50
"""Training rows, at the least, on which something is said of all rows."""

FIRST_LOOK = 5_000
"""Rows of which a search looks at first."""

MOST_COLUMNS = 300
"""Of more columns of one type no relations are looked for."""

MOST_FACTORS = 100
"""Of more columns of numbers no products are looked for."""

MOST_KEYS = 2_000
"""A number of more different values, or of fewer than three rows a value, tells no other column."""

BITS = 40.0
"""So improbable, in bits, must a relation be among columns that have none."""

OUT_OF_ORDER = 0.01
"""The share of pairs of rows, one column of each, that are out of order where an order says something."""

AT_LEAST = 10
"""Rows that an order keeps in order which chance would not."""

NARROW = 0.25
"""A difference whose deviation is a smaller share of the columns' own is told by their order however large it is."""

NEAR = 0.001
"""The share of rows that lie near the bound of an order, at the least: else it is how far apart two columns are."""

_NATURAL = (DAY, 3600.0, 60.0, 1.0, 1e-3, 1e-6)


@dataclass(frozen=True)
class _Rows:
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


def find_rules(
    columns: Sequence[Column], train: Columns, heldout: Columns, *, stated: Iterable[str] = (),
    without: Iterable[str] = (), fixed: Iterable[str] = (), apart: int = 1,
) -> Rules:  # fmt: skip
    """The rules of a table.

    columns: those that are modelled. stated: rules in the form that `Rule.text` has. without: texts of rules, or
    columns, that are not to be ruled; "all" finds none. fixed: columns that may not be made from others. apart: how
    many rows in order of time count as one; above 1 neither counters nor columns missing together are looked for.

    Raises:
        OptionError: a stated rule cannot be read, or some rows break it.
    """
    rows = _Rows({column.name: column for column in columns}, train, heldout, apart)
    without = tuple(without)
    rules = [rule for text in stated for rule in _stated(rows, text)]
    if "all" not in without and rows.num_train >= FEWEST:
        found = _Found(rows, rules, without, frozenset(fixed))
        found.search()
        rules = found.rules
    return _assembled(rows, rules, frozenset(fixed))


class _Found:
    """The rules so far, and the searches for more."""

    def __init__(self, rows: _Rows, rules: list[Rule], without: Sequence[str], fixed: frozenset[str]) -> None:
        self.rows, self.rules, self.without, self.fixed = rows, rules, {_bare(t) for t in without}, fixed
        self.dropped: set[frozenset[str]] = set()

    def search(self) -> None:
        """All searches, those that leave the least to code first."""
        searches = (self._lines, self._spans, self._products, self._lookups, self._counters, self._onehot)
        for search in (*searches, self._orders, self._signs, self._together, self._steps):
            if self.rows.apart == 1 or search not in (self._counters, self._together):
                search()

    @property
    def derived(self) -> set[str]:
        """The columns that are made from others."""
        return {name for rule in self.rules for name in rule.targets}

    def add(self, rule: Rule) -> bool:
        """Takes a rule that holds, is wanted, and whose target is free; says whether it did."""
        if self.without & {_bare(rule.text), *map(_bare, rule.names)} or frozenset(rule.names) in self.dropped:
            self.dropped.add(frozenset(rule.names))  # in no other form either
            return False
        if {*rule.targets} & (self.fixed | self.derived) or _circular([*self.rules, rule]) or not self.rows.hold(rule):
            return False
        self.rules.append(rule)
        return True

    def equate(self, target: str, formula: Formula, fewest: int = 8) -> bool:
        """Takes an equation, if it is one. fewest: different values of the target."""
        if (
            target in self.fixed
            or target in self.derived
            or not self.rows.unlike(target, fewest if len(formula.names) > 1 else 3)
        ):
            return False
        rule = _equation(self.rows, target, formula)
        return rule is not None and self.add(rule)

    def _lines(self) -> None:
        """Sums, and one column as a line of another: columns that depend linearly are the null space of all.

        Looked for among the columns that are known in the same rows, for every pattern of missing ones.
        """
        names = [n for n in self.rows.of("number") if _varied(self.rows, n)][:MOST_COLUMNS]
        data = {n: known(self.rows.first, n) for n in names}
        patterns = {np.isnan(x).tobytes(): np.isnan(x) for x in data.values()}
        for lost in list(patterns.values())[:20]:
            rows = ~lost
            part = [n for n in names if not np.isnan(data[n][rows]).any()]
            if len(part) >= 2 and rows.sum() >= max(FEWEST / 2, 3 * len(part)):
                self._null_space(part, np.stack([data[n][rows] for n in part], 1))

    def _null_space(self, names: list[str], x: Floats) -> None:
        scale = np.r_[np.maximum(x.std(0), 1e-300), 1.0]
        whole = np.column_stack([x, np.ones(len(x))]) / scale
        _, singular, right = np.linalg.svd(whole, full_matrices=False)
        for bound in (1e-8, 1e-5, 1e-3):  # exact ones first, then those of rounded numbers
            null = right[singular < bound * math.sqrt(len(x))] / scale
            for row in _reduced(null, scale):
                self._line(names, row[:-1], float(row[-1]), scale)

    def _line(self, names: list[str], factors: Floats, constant: float, scale: Floats) -> None:
        """The equation that factors [columns] @ x + constant = 0 may be."""
        weight = np.abs(factors) * scale[:-1]
        some = np.flatnonzero(weight > 1e-5 * weight.max())
        if not 2 <= len(some) <= 12:
            return
        # the total, of which the others are parts, if there is one; else the last column
        signs = np.sign(factors[some])
        alone = [i for i in some if (np.sign(factors[i]) != signs).sum() == len(some) - 1]
        targets = [*reversed(alone), *(i for i in reversed(some) if i not in alone)]
        # rather not one that stands in order with columns that are no part of it
        mine = {names[i] for i in some}
        outside = {n: sum(n in o.names and not {*o.names} <= mine for o in self._pairs) for n in mine}
        for target in sorted(targets, key=lambda i: outside[names[i]]):
            share = -factors / factors[target]
            terms = [(_round(share[i]), names[i]) for i in some if i != target]
            if len(terms) > 1 and any(abs(f) not in (1.0, 2.0, 100.0, 0.01) for f, _ in terms):
                continue
            shift = -constant / factors[target]
            shift = 0.0 if abs(shift) < 1e-6 * scale[target] else _round(shift)
            if self.equate(names[target], Formula.sum(terms, shift)):
                return

    def _spans(self) -> None:
        """Numbers that count the time between two dates."""
        dates = self.rows.of("datetime")[:12]
        numbers = [n for n in self.rows.of("number") if self.rows.unlike(n, 4)]
        for begin, end in itertools.permutations(dates, 2):
            a, b = Formula.column(begin), Formula.column(end)
            days = Formula("-", (Formula("day", (b,)), Formula("day", (a,))))
            fine = any(0 < self.rows.columns[d].grain < DAY for d in (begin, end))
            for unit, number, span in itertools.product(UNITS, numbers, (Formula("-", (b, a)), days)):
                if span is days and not (fine and unit in ("days", "weeks")):
                    continue
                exact = Formula("in", (span,), unit)
                if not self.equate(number, exact, 4):
                    self.equate(number, Formula("floor", (exact,)), 4)

    def _products(self) -> None:
        """a = b * c and a = b / c, and a hundred times as much where one is a percentage."""
        names = [n for n in self.rows.of("number") if _varied(self.rows, n, 1)][:MOST_FACTORS]
        if len(names) < 3:
            return
        rows = np.arange(0, len(self.rows.first[names[0]].data), max(1, len(self.rows.first[names[0]].data) // 64))
        x = np.stack([known(self.rows.first, n)[rows] for n in names])
        grain = np.array([self.rows.columns[n].grain for n in names])
        slack = (0.5 + 1e-6) * grain[:, None] + np.where(grain > 0, 1e-9, 1e-7)[:, None] * np.abs(x)
        with np.errstate(all="ignore"):
            for j, factor in itertools.product(range(len(names)), (1.0, 0.01, 100.0)):
                for operation, made in (("*", factor * x[j] * x), ("/", factor * x[j] / x)):
                    for k in range(j if operation == "*" else 0, len(names)):
                        told = np.isfinite(made[k]) & np.isfinite(x)
                        fits = ((np.abs(x - made[k]) <= slack) | ~told).all(1) & (told.sum(1) >= 8)
                        for i in np.flatnonzero(fits):
                            if i not in (j, k) and j != k:
                                formula = Formula(operation, (Formula.column(names[j]), Formula.column(names[k])))
                                if factor != 1:
                                    formula = Formula("*", (Formula("number", of=factor), formula))
                                self.equate(names[i], formula)

    def _lookups(self) -> None:
        """Columns that another one tells: a category, or a number of few values."""
        rows, names = self.rows, [n for n in self.rows.columns if n not in self.derived][:MOST_COLUMNS]
        codes = {n: codes_of(rows.first[n]) for n in names}
        tellers = [n for n in names if self._tells(n)]
        if not tellers or len(names) < 2:
            return
        table = np.stack([codes[n] for n in names], 1)
        found: list[tuple[int, str, str]] = []
        for by in tellers:
            order = np.argsort(codes[by], kind="stable")
            starts = np.flatnonzero(np.r_[True, np.diff(codes[by][order]) > 0])
            ordered = table[order]
            same = (np.minimum.reduceat(ordered, starts) == np.maximum.reduceat(ordered, starts)).all(0)
            found += [(len(starts), by, n) for n, told in zip(names, same.tolist(), strict=True) if told and n != by]
        mutual = {(by, n) for _, by, n in found} & {(n, by) for _, by, n in found}
        place = {n: (rows.columns[n].type != "category", i) for i, n in enumerate(rows.columns)}
        for _, by, target in sorted(found, key=lambda f: (f[0], place[f[1]], place[f[2]])):
            both = (by, target) in mutual
            if both and (place[target] < place[by] or target in self.derived):
                continue
            if target in self.derived or by in self.derived or not self._is_told(by, target):
                continue
            self.add(Lookup.fit(target, by, rows.columns, rows.train, both))

    def _tells(self, name: str) -> bool:
        column, cells = self.rows.columns[name], self.rows.train[name]
        if column.type == "category":
            return len(column.levels) <= max(MOST_KEYS, self.rows.num_train / 3)
        if column.type != "number":
            return False
        different = len(np.unique(known(self.rows.first, name)))
        if different > MOST_KEYS:
            return False
        different = len(np.unique(cells.data))
        return different <= MOST_KEYS and 3 * different <= self.rows.num_train

    def _is_told(self, by: str, target: str) -> bool:
        """Whether rows that repeat a level agree in the target more than chance would have it, held-out rows too."""
        a, b = codes_of(self.rows.train[by]), codes_of(self.rows.train[target])
        share = np.bincount(b) / len(b)
        repeats = len(a) - len(np.unique(a))
        if repeats / self.rows.apart * -math.log2(float((share**2).sum())) < BITS + 2 * math.log2(
            len(self.rows.columns)
        ):
            return False
        # a level each: neither may be the rare exception of the other
        counts = np.bincount(np.unique(np.stack([a, b], 1), axis=0)[:, 1])
        return bool(len(counts) > 1) and self._seen(by) >= min(10, len(self.rows.heldout[by].data) / 2)

    def _seen(self, by: str) -> int:
        """Held-out rows with a value that training showed."""
        return int(np.isin(known(self.rows.heldout, by), known(self.rows.train, by)).sum())

    def _counters(self) -> None:
        """Whole numbers that count the rows of each level of another column; asked of all rows, held-out ones too."""
        rows, free = self.rows, [n for n in self.rows.columns if n not in self.derived]
        whole = [n for n in rows.of("number") if n in free and rows.columns[n].integer and not rows.columns[n].markers]
        counts = {n: _joined(rows, n) for n in whole if rows.columns[n].low in (0, 1)}
        for by in [n for n in free if counts and self._tells(n)]:
            cells = _joined(rows, by)
            most = int(np.bincount(codes_of(cells)).max())
            for name, count in counts.items():
                if name != by and count.data.max() - count.data.min() + 1 == most and name not in self.derived:
                    counter = _counter(rows.columns, {name: count, by: cells}, name, by)
                    if counter is not None:
                        self.add(counter)

    def _onehot(self) -> None:
        """Columns of which one is set: with names that begin alike, or side by side."""
        free = [n for n in self.rows.columns if n not in self.derived]
        switches = {n: s for n in free if (s := _switch(self.rows, n)) is not None}
        groups: dict[str, list[str]] = {}
        for name in switches:
            for mark in "_.=: -":
                if mark in name:
                    groups.setdefault(name.rsplit(mark, 1)[0] + mark, []).append(name)
        names = list(switches)
        runs = [names[i:] for i in range(len(names))]
        for group, prefixed in [*((g, True) for g in groups.values()), *((r, False) for r in runs)]:
            if len(group) > 1 and not self.derived & set(group[:1]):
                self._one_of([n for n in group if n not in self.derived], switches, prefixed)

    def _one_of(self, names: list[str], switches: Mapping[str, tuple[float, float]], prefixed: bool) -> None:
        on = np.stack([self.rows.train[n].data == switches[n][1] for n in names], 1)
        upto = np.cumsum(on, axis=1)
        exact = [k + 1 for k in range(1, len(names)) if (upto[:, k] == 1).all()]
        share = on.mean(0)
        overlaps = len(on) * (share.sum() ** 2 - (share**2).sum()) / 2
        most = prefixed and len(names) > 2 and (upto[:, -1] <= 1).all() and overlaps >= 2 * AT_LEAST
        many = len(names) if most and not exact else max(exact, default=0)
        if many > 2 or (many == 2 and prefixed):
            group, is_category = names[:many], [self.rows.columns[n].type == "category" for n in names[:many]]
            off, set_ = zip(*(switches[n] for n in group), strict=True)
            self.add(OneHot(tuple(group), set_, off, tuple(is_category), bool(exact)))

    def _together(self) -> None:
        """Columns that are missing in the same rows, ten of these at least."""
        groups: dict[bytes, list[str]] = {}
        for name, cells in self.rows.train.items():
            if name in self.rows.columns and name not in self.derived and (cells.missing > 0).sum() >= AT_LEAST:
                groups.setdefault((cells.missing > 0).tobytes(), []).append(name)
        for group in groups.values():
            if len(group) > 1:
                self.add(Together(tuple(group)))

    @cached_property
    def _pairs(self) -> list[Order]:
        """The orders that say something of two columns, and hold."""
        pairs = []
        for type_ in ("number", "datetime"):
            names = [n for n in self.rows.of(type_) if _varied(self.rows, n)][:MOST_COLUMNS]
            if len(names) < 2:
                continue
            x = np.stack([known(self.rows.first, n) for n in names], 1)
            for j, name in enumerate(names):
                high = np.floor(x[:, [j]] / DAY + 1e-9) * DAY + DAY if _is_daily(self.rows.columns[name]) else x[:, [j]]
                found = (_order(self.rows, names[i], name) for i in np.flatnonzero(~(x > high).any(0)) if i != j)
                pairs += [order for order in found if _says(self.rows, order) and self.rows.hold(order)]
        return pairs

    def _orders(self) -> None:
        """Numbers, and dates, that stand in an order; what follows from two others is not said."""
        stated = {(r.low, r.high) for r in self.rules if isinstance(r, Order)}
        held = [o for o in self._pairs if (o.low, o.high) not in stated and not self._tied(o)]
        pairs = {(o.low, o.high) for o in held} | stated
        for order in held:
            if not {b for a, b in pairs if a == order.low} & {a for a, b in pairs if b == order.high}:
                self.add(order)

    def _tied(self, order: Order) -> bool:
        """Whether one of two columns is made from the other or is the same as a third, so that their order follows."""
        same = {r.target for r in self.rules if isinstance(r, Equation) and r.formula == quoted(r.columns[0])}
        if same & {order.low, order.high}:
            return True
        return order.low in _ancestors(self.rules, order.high) or order.high in _ancestors(self.rules, order.low)

    def _signs(self) -> None:
        """Numbers whose sign a category tells."""
        rows = self.rows
        categories = [n for n in rows.of("category") if self._tells(n)]
        for name in rows.of("number"):
            x = known(rows.train, name)
            if name in self.derived or min((x < 0).sum(), (x > 0).sum()) < AT_LEAST:
                continue
            for by in categories:
                if (sign := _sign(rows, name, by)) is not None and self.add(sign):
                    break

    def _steps(self) -> None:
        """Numbers and dates on a grid that is no power of ten, and no day, hour, minute or second."""
        for name, column in self.rows.columns.items():
            if name in self.derived or not _varied(self.rows, name, 10):
                continue
            if column.type == "number" and column.grain > 0 and not _is_tenth(column.grain):
                self.add(Steps(name, column.grain, f"{column.grain:.12g}"))
            elif column.type == "datetime" and column.grain > 0 and column.grain not in _NATURAL:
                unit = next(u for u in [*UNITS][1:] if column.grain >= UNITS[u])
                self.add(Steps(name, column.grain, f"{column.grain / UNITS[unit]:.12g} {unit}"))


def _stated(rows: _Rows, text: str) -> list[Rule]:
    """The rules that a user's text is."""
    rules = _read(rows, text)
    for rule in rules:
        both = [rule.holds(part) for part in (rows.train, rows.heldout)]
        broken, num = sum(int((~good).sum()) for good in both), sum(map(len, both))
        if broken:
            raise OptionError(
                f"--rule {text!r}: {broken:,} of {num:,} rows ({broken / num:.2%}) break it, so that fakes cannot be "
                "held to it. Mend these rows or leave the rule out."
            )
    return rules


def _read(rows: _Rows, text: str) -> list[Rule]:
    names = tuple(rows.columns)

    def column(part: str) -> str:
        part = part.strip().strip("`")
        if part not in rows.columns:
            raise OptionError(f"--rule {text!r}: there is no modelled column {part!r}. {nearest(part, names)}")
        return part

    def listed(part: str) -> list[str]:
        whole = [column(p) for p in part.split(",") if p.strip()]
        if len(set(whole)) < 2:
            raise OptionError(f"--rule {text!r}: it needs two columns or more, with commas between them.")
        return whole

    stripped = text.strip()
    for begin, exactly in (("one of ", True), ("at most one of ", False)):
        if stripped.startswith(begin):
            group = listed(stripped[len(begin) :])
            switches = [_switch(rows, n) for n in group]
            if any(s is None for s in switches):
                odd = next(n for n, s in zip(group, switches, strict=True) if s is None)
                raise OptionError(f"--rule {text!r}: column {odd!r} is not of two values, 0 and 1 or no and yes.")
            off, on = zip(*(s for s in switches if s is not None), strict=True)
            return [OneHot(tuple(group), on, off, tuple(rows.columns[n].type == "category" for n in group), exactly)]
    if stripped.endswith(" missing together"):
        return [Together(tuple(listed(stripped[: -len(" missing together")])))]
    if stripped.startswith("sign of ") and " by " in stripped:
        target, by = map(column, stripped[len("sign of ") :].split(" by ", 1))
        sign = _sign(rows, target, by, force=True)
        if sign is None:
            raise OptionError(f"--rule {text!r}: some values of {by!r} occur with both signs of {target!r}.")
        return [sign]
    if " counts within " in stripped:
        target, by = map(column, stripped.split(" counts within ", 1))
        whole = {name: _joined(rows, name) for name in (target, by)}
        counter = _counter(rows.columns, whole, target, by)
        if counter is None:
            raise OptionError(f"--rule {text!r}: {target!r} does not count the rows of each {by!r} from 0 or 1 on.")
        return [counter]
    if " in steps of " in stripped:
        name, step = stripped.split(" in steps of ", 1)
        number, _, unit = step.strip().partition(" ")
        try:
            grain = float(number) * (UNITS[unit.strip()] if unit else 1.0)
        except (ValueError, KeyError):
            raise OptionError(f"--rule {text!r}: expected a step such as 0.05 or 10 minutes, found {step!r}.") from None
        return [Steps(column(name), grain, step.strip())]
    for arrow, mutual in (("<->", True), ("->", False)):
        if arrow in stripped:
            by, target = map(column, stripped.split(arrow, 1))
            return [Lookup.fit(target, by, rows.columns, rows.train, mutual)]
    return _compared(rows, text)


def _compared(rows: _Rows, text: str) -> list[Rule]:
    """Of a text with signs of comparison: an equation, orders of columns, or anything else, which is only checked."""
    sides, signs = parse_comparison(text, rows.columns)
    names = tuple(dict.fromkeys(n for side in sides for n in side.names))
    if not signs or not names:
        raise OptionError(f"--rule {text!r}: expected a sign such as = or <=. Write a rule as in 'total = fare + tip'.")
    for name in names:
        if rows.columns[name].type == "category":
            raise OptionError(f"--rule {text!r}: {name!r} is a category; numbers and dates can be compared.")
    if len(sides) == 2 and signs[0] in ("=", "=="):
        for left, right in (sides, sides[::-1]):
            if left.operation == "column" and str(left.of) not in right.names and right.names:
                rule = _said_equation(rows, text, str(left.of), right)
                if rule is not None:
                    return [rule]
    rules: list[Rule] = []
    for sign, left, right in zip(signs, sides, sides[1:], strict=False):
        low, high = (left, right) if sign in ("<", "<=") else (right, left)
        lows, highs = _alternatives(low, "max"), _alternatives(high, "min")
        if sign in ("=", "==") or lows is None or highs is None:
            return [Comparison(text.strip(), names)]
        for a, b in itertools.product(lows, highs):
            rules.append(replace(_order(rows, a, b), strict=sign in ("<", ">")))
    return rules


def _alternatives(side: Formula, function: str) -> list[str] | None:
    """The columns that a side of a comparison stands for: one, or all of a `max` below, of a `min` above."""
    parts = side.parts if side.operation == function else (side,)
    parts = tuple(p.parts[0] if p.operation == "day" else p for p in parts)
    return [str(p.of) for p in parts] if all(p.operation == "column" for p in parts) else None


def _said_equation(rows: _Rows, text: str, target: str, formula: Formula) -> Rule | None:
    """An equation as a user means it: a difference of dates in the unit that fits."""
    dates = [n for n in formula.names if rows.columns[n].type == "datetime"]
    if rows.columns[target].type == "datetime":
        # end = start + minutes is known as minutes = end - start
        if formula.operation in "+-" and len(dates) == 1 and all(p.operation == "column" for p in formula.parts):
            (other,) = (str(p.of) for p in formula.parts if str(p.of) not in dates)
            ends = (Formula.column(target), Formula.column(dates[0]))
            return _said_equation(rows, text, other, Formula("-", ends if formula.operation == "+" else ends[::-1]))
        if formula.operation != "column":
            return None
    shapes = [formula]
    if dates and formula.operation == "-" and len(dates) == 2:
        spans = [formula, Formula("-", tuple(Formula("day", (part,)) for part in formula.parts))]
        exact = [Formula("in", (span,), unit) for unit in UNITS for span in spans]
        shapes = [shape for whole in exact for shape in (whole, Formula("floor", (whole,)))]
    elif formula.operation == "in":
        shapes = [formula, Formula("floor", (formula,))]
    rules = [_equation(rows, target, shape) for shape in shapes]
    good = next((r for r in rules if r is not None and rows.hold(r)), None)
    if good is None and all(r is None for r in rules):
        raise OptionError(
            f"--rule {text!r}: {target!r} is known in rows in which one of {', '.join(formula.names)} is missing, so "
            "that it cannot be computed. State the rule the other way round."
        )
    return good or next(r for r in rules if r is not None)


def _equation(rows: _Rows, target: str, formula: Formula) -> Equation | None:
    """The equation of a formula; None where the target is known though a source is not."""
    column = rows.columns[target]
    rule = Equation(target, str(formula), formula.names, Grid.of(column))
    if not rule.holds(rows.first).all():
        return rule
    lost = np.isnan(rule._value(rows.train))
    missing = rows.train[target].missing
    if (lost & (missing == 0)).any():
        return None
    gap = int(np.bincount(missing[lost]).argmax()) if lost.any() else 0
    return replace(rule, gap=gap, own_gaps=len(column.markers) if (missing[~lost] > 0).any() else 0)


def _order(rows: _Rows, low: str, high: str) -> Order:
    """The order of two columns, strict where no training row has both alike."""
    by_day = _is_daily(rows.columns[high]) and not _is_daily(rows.columns[low])
    strict = Order(low, high, True, by_day)
    apart = all(strict.holds(part).all() for part in (rows.train, rows.heldout))
    return strict if apart else replace(strict, strict=False)


def _is_daily(column: Column) -> bool:
    return column.type == "datetime" and column.grain > 0 and column.grain % DAY == 0


def _says(rows: _Rows, order: Order) -> bool:
    """Whether an order is more than where two columns lie.

    Rows paired at random must be out of order often enough; and either the difference is narrow beside the columns, or
    it comes so near to zero that a smooth distribution would have gone on beyond.
    """
    low, high = known(rows.first, order.low), known(rows.first, order.high)
    if order.by_day:
        low = np.floor(low / DAY + 1e-9) * DAY
    both = np.isfinite(low) & np.isfinite(high)
    low, high = low[both], high[both]
    many = int(both.mean() * rows.num_train) / rows.apart if len(both) else 0
    if len(low) < FEWEST / 2:
        return False
    out = float(np.searchsorted(np.sort(high), low, side="left").mean()) / len(high)
    if out < OUT_OF_ORDER or many * out < AT_LEAST:
        return False
    apart = high - low
    deviation = float(apart.std())
    if deviation == 0:
        return False
    if deviation < NARROW * min(low.std(), high.std()):
        return True
    beyond = 0.5 * math.erfc(float(apart.mean()) / deviation / math.sqrt(2))
    near = float((apart <= 0.05 * np.median(apart)).mean())
    return many * beyond >= AT_LEAST and near >= NEAR and near * many >= AT_LEAST


def _is_tenth(grain: float) -> bool:
    """Whether a step is 1, 0.1, 0.01, ..."""
    return grain <= 1 and abs(math.log10(grain) - round(math.log10(grain))) < 1e-9


def _varied(rows: _Rows, name: str, most: int = 2) -> bool:
    x = known(rows.first, name)
    return len(np.unique(x[np.isfinite(x)])) > most


def _switch(rows: _Rows, name: str) -> tuple[float, float] | None:
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


def _joined(rows: _Rows, name: str) -> Values:
    parts = [part[name] for part in (rows.train, rows.heldout)]
    return Values(np.concatenate([p.data for p in parts]), np.concatenate([p.missing for p in parts]))


def _counter(columns: Mapping[str, Column], whole: Columns, target: str, by: str) -> Counter | None:
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


def _sign(rows: _Rows, target: str, by: str, force: bool = False) -> Sign | None:
    """The signs of a number by the levels of a category; None where one level has both, or chance would do as well."""
    column, x, cells = rows.columns[by], known(rows.train, target), rows.train[by]
    if column.type != "category":
        return None
    num = len(column.levels)
    at = np.where(cells.missing > 0, num + cells.missing.astype(np.int64) - 1, cells.data.astype(np.int64))
    below, above = (np.bincount(at[(at >= 0) & side], minlength=num + len(column.markers)) for side in (x < 0, x > 0))
    if (np.minimum(below, above) > 0).any() or not below.any():
        return None
    share = below.sum() / max(below.sum() + above.sum(), 1)
    repeats = np.maximum(below + above - 1, 0).sum()
    if not force and (not above.any() or repeats / rows.apart * -math.log2(max(share, 1 - share)) < BITS):
        return None
    return Sign(target, by, num, tuple(np.where(below > 0, -1.0, np.where(above > 0, 1.0, 0.0)).tolist()))


def _assembled(rows: _Rows, rules: list[Rule], fixed: frozenset[str]) -> Rules:
    """The rules with the codings that keep them, in the order in which columns are made from others."""
    orders = [rule for rule in rules if isinstance(rule, Order)]
    items: list[Item] = list(rules)
    taken = {name for rule in rules for name in rule.targets}
    kept: set[tuple[str, str]] = set()
    for above, name in itertools.product((True, False), _ranked(orders)):
        mine = [o for o in orders if (o.high if above else o.low) == name and (o.low, o.high) not in kept]
        if not mine or name in taken or name in fixed:
            continue
        step = _difference(rows, name, mine, above)
        if step is not None and not _circular([*items, step]):
            items.append(step)
            taken.add(name)
            kept |= {(o.low, o.high) for o in mine}
    redrawn = [rule.text for rule in rules if isinstance(rule, Comparison)]
    redrawn += [o.text for o in orders if (o.low, o.high) not in kept and not _follows(rules, o)]
    placed = _sorted(items)
    used = {n for i in placed for n in (*i.sources, *(i.targets if isinstance(i, Difference) else ()))}
    grids = {n: Grid.of(rows.columns[n]) for n in used if n in rows.columns and rows.columns[n].type != "category"}
    return Rules(tuple(placed), grids, tuple(rows.columns), tuple(redrawn))


def _follows(rules: Sequence[Rule], order: Order) -> bool:
    """Whether an order is one between a total and its part."""
    return order.low in _ancestors(rules, order.high) or order.high in _ancestors(rules, order.low)


def _difference(rows: _Rows, target: str, orders: list[Order], above: bool) -> Difference | None:
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


def _ancestors(items: Iterable[Item], name: str) -> set[str]:
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


def _circular(items: Sequence[Item]) -> bool:
    return any(target in _ancestors(items, target) for item in items for target in item.targets)


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


def _reduced(null: np.ndarray, scale: Floats) -> np.ndarray:
    """The reduced row echelon form of rows, [k, columns]; the last columns are the first to be pivots."""
    rows = null.copy()
    at = 0
    for column in reversed(range(rows.shape[1] - 1)):
        if at == len(rows):
            break
        size = np.abs(rows[at:, column]) * scale[column]
        best = at + int(size.argmax())
        if size.max() < 1e-6 * np.abs(rows[at:] * scale).max():
            continue
        rows[[at, best]] = rows[[best, at]]
        rows[at] /= rows[at, column]
        others = [i for i in range(len(rows)) if i != at]
        rows[others] -= np.outer(rows[others, column], rows[at])
        at += 1
    return rows[:at]


def _round(x: float) -> float:
    """The nearest number of few digits, where it is very near."""
    for digits in (1, 2, 3, 4, 6):
        near = float(f"{x:.{digits}g}")
        if abs(near - x) <= (1e-4 if digits <= 2 else 1e-7) * abs(x):
            return near
    return float(f"{x:.9g}")


def _bare(text: str) -> str:
    """A text without what may be written in one way or another."""
    return text.replace("`", "").replace(" ", "")
