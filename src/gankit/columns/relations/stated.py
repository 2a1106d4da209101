"""Rules that a user states, in the form that `Rule.text` has or near it.

Knows rules and the rows they must hold in; never files, codecs or networks.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from gankit.columns.relations.fitting import Rows, counter_of, equation_of, joined_rows, order_of, sign_of, switch_of
from gankit.columns.relations.formulas import UNITS, Formula, parse_comparison
from gankit.columns.relations.rules import (
    Comparison,
    Lookup,
    OneHot,
    Order,
    Rule,
    Steps,
    Together,
)
from gankit.errors import OptionError, nearest


def stated_rules(rows: Rows, text: str) -> list[Rule]:
    """The rules that a user's text is."""
    rules = _read(rows, text)
    for rule in rules:
        both = [rule.holds(part) for part in (rows.train, rows.heldout)]
        broken, num = sum(int((~good).sum()) for good in both), sum(map(len, both))
        if broken:
            raise OptionError(
                f"--rule {text!r}: {broken:,} of {num:,} rows ({broken / num:.2%}) break it, so that synthetic rows "
                "cannot be held to it. Mend these rows or leave the rule out."
            )
    return rules


def _read(rows: Rows, text: str) -> list[Rule]:
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
            switches = [switch_of(rows, n) for n in group]
            if any(s is None for s in switches):
                odd = next(n for n, s in zip(group, switches, strict=True) if s is None)
                raise OptionError(f"--rule {text!r}: column {odd!r} is not of two values, 0 and 1 or no and yes.")
            off, on = zip(*(s for s in switches if s is not None), strict=True)
            return [OneHot(tuple(group), on, off, tuple(rows.columns[n].type == "category" for n in group), exactly)]
    if stripped.endswith(" missing together"):
        return [Together(tuple(listed(stripped[: -len(" missing together")])))]
    if stripped.startswith("sign of ") and " by " in stripped:
        target, by = map(column, stripped[len("sign of ") :].split(" by ", 1))
        sign = sign_of(rows, target, by, force=True)
        if sign is None:
            raise OptionError(f"--rule {text!r}: some values of {by!r} occur with both signs of {target!r}.")
        return [sign]
    if " counts within " in stripped:
        target, by = map(column, stripped.split(" counts within ", 1))
        whole = {name: joined_rows(rows, name) for name in (target, by)}
        counter = counter_of(rows.columns, whole, target, by)
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


def _compared(rows: Rows, text: str) -> list[Rule]:
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
            rules.append(replace(order_of(rows, a, b), strict=sign in ("<", ">")))
    if "day(" in text and not all(isinstance(rule, Order) and rule.by_day for rule in rules):
        return [Comparison(text.strip(), names)]
    return rules


def _alternatives(side: Formula, function: str) -> list[str] | None:
    """The columns that a side of a comparison stands for: one, or all of a `max` below, of a `min` above."""
    parts = side.parts if side.operation == function else (side,)
    parts = tuple(p.parts[0] if p.operation == "day" else p for p in parts)
    return [str(p.of) for p in parts] if all(p.operation == "column" for p in parts) else None


def _said_equation(rows: Rows, text: str, target: str, formula: Formula) -> Rule | None:
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
    rules = [equation_of(rows, target, shape) for shape in shapes]
    good = next((r for r in rules if r is not None and rows.hold(r)), None)
    if good is None and all(r is None for r in rules):
        raise OptionError(
            f"--rule {text!r}: {target!r} is known in rows in which one of {', '.join(formula.names)} is missing, so "
            "that it cannot be computed. State the rule the other way round."
        )
    return good or next(r for r in rules if r is not None)
