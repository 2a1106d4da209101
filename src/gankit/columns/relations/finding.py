"""Finding relations between columns: on training rows, confirmed on held-out rows.

Knows parsed columns and rules; never files, codecs or networks.

What is found must hold in every row, and must not be what the columns' own distributions would bring about: each search
says what it takes as evidence. Searches look at a part of the rows first and at all rows for what is left.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np

from gankit.columns.column import Column
from gankit.columns.relations.fitting import (
    BITS,
    FEWEST,
    Rows,
    ancestors,
    assembled,
    circular,
    counter_of,
    equation_of,
    is_daily,
    joined_rows,
    order_of,
    sign_of,
    switch_of,
)
from gankit.columns.relations.formulas import UNITS, Formula, quoted
from gankit.columns.relations.rules import (
    DAY,
    Bools,
    Columns,
    Equation,
    Floats,
    Lookup,
    OneHot,
    Order,
    Rule,
    Rules,
    Steps,
    Together,
    codes_of,
    days_of,
    known,
)
from gankit.columns.relations.stated import stated_rules
from gankit.errors import OptionError

MOST_COLUMNS = 300
"""Of more columns of one type no relations are looked for."""

MOST_FACTORS = 100
"""Of more columns of numbers no products are looked for."""

MOST_KEYS = 2_000
"""A number of more different values, or of fewer than three rows a value, tells no other column."""

OUT_OF_ORDER = 0.01
"""The share of pairs of rows, one column of each, that are out of order where an order says something."""

AT_LEAST = 10
"""Rows that an order keeps in order which chance would not."""

NARROW = 0.25
"""A difference whose deviation is a smaller share of the columns' own is told by their order however large it is."""

NEAR = 0.001
"""The share of rows that lie near the bound of an order, at the least: else it is how far apart two columns are."""

_NATURAL = (DAY, 3600.0, 60.0, 1.0, 1e-3, 1e-6)


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
    rows = Rows({column.name: column for column in columns}, train, heldout, apart)
    without = tuple(without)
    rules: list[Rule] = []
    for text in stated:
        for rule in stated_rules(rows, text):
            _check_free(rule, text, rules, frozenset(fixed))
            rules.append(rule)
    if "all" not in without and rows.num_train >= FEWEST:
        found = _Found(rows, rules, without, frozenset(fixed))
        found.search()
        rules = found.rules
    return assembled(rows, rules, frozenset(fixed))


def _check_free(rule: Rule, text: str, rules: list[Rule], fixed: frozenset[str]) -> None:
    """Refuses a stated rule whose column is given, or made from others already."""
    for name in rule.targets:
        if name in fixed:
            raise OptionError(f"--rule {text!r}: column {name!r} is given, so that it cannot be made from others.")
        other = next((r.text for r in rules if name in r.targets), None)
        if other is not None or circular([*rules, rule]):
            why = f"{other!r} makes {name!r} already" if other else f"with the other rules {name!r} would make itself"
            raise OptionError(f"--rule {text!r}: {why}. State one of them.")


class _Found:
    """The rules so far, and the searches for more."""

    def __init__(self, rows: Rows, rules: list[Rule], without: Sequence[str], fixed: frozenset[str]) -> None:
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
        if {*rule.targets} & (self.fixed | self.derived) or circular([*self.rules, rule]) or not self.rows.hold(rule):
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
        rule = equation_of(self.rows, target, formula)
        return rule is not None and self.add(rule)

    def _lines(self) -> None:
        """Sums, and one column as a line of another: columns that depend linearly are the null space of all.

        Looked for among the columns that are known in the same rows, for every pattern of missing ones.
        """
        numbers = [n for n in self.rows.of("number") if _varied(self.rows, n, 1)]
        names = [n for n in numbers if switch_of(self.rows, n) is None][:MOST_COLUMNS]
        data = {n: known(self.rows.first, n) for n in names}
        patterns = {np.isnan(x).tobytes(): np.isnan(x) for x in data.values()}
        for lost in list(patterns.values())[:20]:
            rows = ~lost
            part = [n for n in names if not np.isnan(data[n][rows]).any()]
            if len(part) >= 2 and rows.sum() >= max(FEWEST / 2, 3 * len(part)):
                self._null_space(part, np.stack([data[n][rows] for n in part], 1))

    @np.errstate(all="ignore")  # of numbers near 1e308 no rule is found
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
        if not numbers:
            return
        some = np.arange(0, len(self.rows.first[numbers[0]].data), max(1, len(self.rows.first[numbers[0]].data) // 64))
        x = np.stack([known(self.rows.first, n)[some] for n in numbers])
        near = 1.5 + 2 * np.array([self.rows.columns[n].grain for n in numbers])[:, None]
        for begin, end in itertools.permutations(dates, 2):
            a, b = Formula.column(begin), Formula.column(end)
            between = known(self.rows.first, end)[some] - known(self.rows.first, begin)[some]
            days = Formula("-", (Formula("day", (b,)), Formula("day", (a,))))
            fine = any(0 < self.rows.columns[d].grain < DAY for d in (begin, end))
            likely: dict[str, Bools] = {  # a day more or less may lie between the days than between the times
                unit: np.all(~(np.abs(x - between / s) > near + DAY / s * fine), axis=1) for unit, s in UNITS.items()
            }
            for unit, place, span in itertools.product(UNITS, range(len(numbers)), (Formula("-", (b, a)), days)):
                if not likely[unit][place] or (span is days and not (fine and unit in ("days", "weeks"))):
                    continue
                number = numbers[place]
                exact = Formula("in", (span,), unit)
                if not self.equate(number, exact, 4):
                    self.equate(number, Formula("floor", (exact,)), 4)

    def _products(self) -> None:
        """a = b * c and a = b / c, and a hundred times as much where one is a percentage."""
        names = [n for n in self.rows.of("number") if _varied(self.rows, n, 1)][:MOST_FACTORS]
        free = np.array([n not in self.derived and self.rows.unlike(n, 8) for n in names])
        if len(names) < 3 or not free.any():
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
                        fits = free & ((np.abs(x - made[k]) <= slack) | ~told).all(1) & (told.sum(1) >= 8)
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
            unknown = bool(((cells.data < 0) & (cells.missing == 0)).any())  # offsets of times that are missing
            return not unknown and len(column.levels) <= max(MOST_KEYS, self.rows.num_train / 3)
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
        return self._seen(by) >= min(10, len(self.rows.heldout[by].data) / 2)

    def _seen(self, by: str) -> int:
        """Held-out rows with a value that training showed."""
        return int(np.isin(known(self.rows.heldout, by), known(self.rows.train, by)).sum())

    def _counters(self) -> None:
        """Whole numbers that count the rows of each level of another column; asked of all rows, held-out ones too."""
        rows, free = self.rows, [n for n in self.rows.columns if n not in self.derived]
        whole = [n for n in rows.of("number") if n in free and rows.columns[n].integer and not rows.columns[n].markers]
        counts = {n: joined_rows(rows, n) for n in whole if rows.columns[n].low in (0, 1)}
        for by in [n for n in free if counts and self._tells(n)]:
            cells = joined_rows(rows, by)
            most = int(np.bincount(codes_of(cells)).max())
            for name, count in counts.items():
                if name != by and count.data.max() - count.data.min() + 1 == most and name not in self.derived:
                    counter = counter_of(rows.columns, {name: count, by: cells}, name, by)
                    if counter is not None:
                        self.add(counter)

    def _onehot(self) -> None:
        """Columns of which one is set: with names that begin alike, or side by side."""
        free = [n for n in self.rows.columns if n not in self.derived]
        switches = {n: s for n in free if (s := switch_of(self.rows, n)) is not None}
        groups: dict[str, list[str]] = {}
        for name in switches:
            for mark in "_.=: -":
                if mark in name:
                    groups.setdefault(name.rsplit(mark, 1)[0] + mark, []).append(name)
        on = {name: self.rows.first[name].data == off_on[1] for name, off_on in switches.items()}
        names = list(switches)
        for group in groups.values():
            self._one_of(group, on, switches, prefixed=True)
        for i in range(len(names)):
            self._one_of(names[i:], on, switches, prefixed=False)

    def _one_of(
        self, names: list[str], on: Mapping[str, Bools], switches: Mapping[str, tuple[float, float]], prefixed: bool
    ) -> None:
        """Takes the first columns of which no two are set in one row, if one always is; or all of them, with names that
        begin alike, where chance would have set two.
        """
        names = [n for n in names if n not in self.derived] if prefixed else names
        if len(names) < 2 or names[0] in self.derived:
            return
        covered, group = on[names[0]].copy(), names[:1]
        for name in names[1:]:
            if name in self.derived or (covered & on[name]).any():
                break
            covered |= on[name]
            group.append(name)
            if covered.all():
                break
        share = np.array([on[n].mean() for n in group])
        overlaps = self.rows.num_train * (share.sum() ** 2 - (share**2).sum()) / 2
        most = prefixed and len(names) == len(group) > 2 and overlaps >= 2 * AT_LEAST
        if (covered.all() and len(group) > 2 - prefixed) or most:
            is_category = tuple(self.rows.columns[n].type == "category" for n in group)
            off, set_ = zip(*(switches[n] for n in group), strict=True)
            self.add(OneHot(tuple(group), set_, off, is_category, bool(covered.all())))

    def _together(self) -> None:
        """Columns that are missing in the same rows, ten of these at least."""
        groups: dict[bytes, list[str]] = {}
        for name, cells in self.rows.train.items():
            free = name in self.rows.columns and name not in self.fixed | self.derived
            if free and (cells.missing > 0).sum() >= AT_LEAST:
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
                high = days_of(x[:, [j]]) + DAY if is_daily(self.rows.columns[name]) else x[:, [j]]
                found = (order_of(self.rows, names[i], name) for i in np.flatnonzero(~(x > high).any(0)) if i != j)
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
        return order.low in ancestors(self.rules, order.high) or order.high in ancestors(self.rules, order.low)

    def _signs(self) -> None:
        """Numbers whose sign a category tells."""
        rows = self.rows
        categories = [n for n in rows.of("category") if self._tells(n)]
        for name in rows.of("number"):
            x = known(rows.train, name)
            if name in self.derived or min((x < 0).sum(), (x > 0).sum()) < AT_LEAST:
                continue
            for by in categories:
                if (sign := sign_of(rows, name, by)) is not None and self.add(sign):
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


def _says(rows: Rows, order: Order) -> bool:
    """Whether an order is more than where two columns lie.

    Rows paired at random must be out of order often enough; and either the difference is narrow beside the columns, or
    it comes so near to zero that a smooth distribution would have gone on beyond.
    """
    low, high = known(rows.first, order.low), known(rows.first, order.high)
    low = days_of(low) if order.by_day else low
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


def _varied(rows: Rows, name: str, most: int = 2) -> bool:
    x = known(rows.first, name)
    return len(np.unique(x[np.isfinite(x)])) > most


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
