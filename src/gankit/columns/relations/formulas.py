"""Formulas over columns, as people write them: `fare + tip`, `(checkout - checkin) in days`, `max(Open, Close)`.

Knows names and arrays of numbers; never what a column is, codecs or networks.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from gankit.errors import OptionError

Floats = npt.NDArray[np.float64]

Range = tuple[float, float]

UNITS = {"weeks": 604800.0, "days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0, "milliseconds": 1e-3}
"""Seconds of what differences between times may be counted in."""

SIGNS = ("<->", "->", "<=", ">=", "==", "=", "<", ">")
_FUNCTIONS = ("max", "min", "floor", "ceil", "round", "abs", "day")
_TOKEN = re.compile(
    rf"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<sign>{'|'.join(map(re.escape, SIGNS))}|[-+*/(),])"
    r"|`(?P<quoted>[^`]+)`|(?P<word>\w+))"
)
_RANK = {"+": 1, "-": 1, "*": 2, "/": 2}
_NEARLY = 1e-9  # by which a whole number that was computed may be off


@dataclass(frozen=True)
class Formula:
    """A tree of operations.

    operation: "column", "number", one of + - * /, a function of `_FUNCTIONS`, or "in" (seconds in a unit).
    parts: what it is applied to. of: the column's name, the number, or the unit.
    """

    operation: str
    parts: tuple[Formula, ...] = ()
    of: str | float = ""

    @classmethod
    def column(cls, name: str) -> Formula:
        """The value of a column."""
        return cls("column", of=name)

    @classmethod
    def sum(cls, terms: Sequence[tuple[float, str]], constant: float = 0.0) -> Formula:
        """factor * column + ... + constant, positive terms first."""
        result: Formula | None = None
        for factor, name in sorted(terms, key=lambda term: term[0] < 0):
            part = cls.column(name)
            if abs(factor) != 1:
                part = cls("*", (cls("number", of=abs(factor)), part))
            if result is None:
                result = part if factor > 0 else cls("-", (cls("number", of=0.0), part))
            else:
                result = cls("+" if factor > 0 else "-", (result, part))
        assert result is not None
        number = cls("number", of=abs(constant))
        return cls("+" if constant > 0 else "-", (result, number)) if constant else result

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it is about, each once."""
        own = (str(self.of),) if self.operation == "column" else ()
        return tuple(dict.fromkeys([*own, *(name for part in self.parts for name in part.names)]))

    def __str__(self) -> str:
        if self.operation == "column":
            return quoted(str(self.of))
        if self.operation == "number":
            return f"{self.of:.12g}"
        if self.operation in _RANK:
            left, right = map(str, self.parts)
            rank = _RANK[self.operation]
            if _RANK.get(self.parts[0].operation, 3) < rank:
                left = f"({left})"
            if _RANK.get(self.parts[1].operation, 3) < rank + (self.operation in "-/"):
                right = f"({right})"
            return f"{left} {self.operation} {right}"
        inner = ", ".join(map(str, self.parts))
        if self.operation == "in":
            return f"{inner if self.parts[0].operation not in _RANK else f'({inner})'} in {self.of}"
        return f"{self.operation}({inner})"

    def evaluate(self, values: Mapping[str, Floats]) -> Floats:
        """The value in each row, [N] float64, NaN where a column is NaN; times are seconds."""
        if self.operation == "column":
            return values[str(self.of)]
        if self.operation == "number":
            return np.full(len(next(iter(values.values()))), float(self.of))
        parts = [part.evaluate(values) for part in self.parts]
        with np.errstate(all="ignore"):
            if self.operation == "in":
                return parts[0] / UNITS[str(self.of)]
            if self.operation == "/":
                return np.where(parts[1] == 0, np.nan, parts[0] / parts[1])
            if self.operation == "day":
                return np.floor(parts[0] / 86400.0 + _NEARLY) * 86400.0
            if self.operation == "floor":
                return np.floor(parts[0] + _NEARLY)
            if self.operation == "ceil":
                return np.ceil(parts[0] - _NEARLY)
            work = {"+": np.add, "-": np.subtract, "*": np.multiply, "max": np.maximum, "min": np.minimum}
            one = {"round": np.rint, "abs": np.abs}
            return one[self.operation](parts[0]) if self.operation in one else reduce(work[self.operation], parts)

    def solve(self, name: str, wanted: Floats, values: Mapping[str, Floats]) -> Floats:
        """The one value of the column `name` for which the formula is `wanted` [N], given the other columns; NaN where
        there are others (`round`, `max`) or it is not easily told.
        """
        if self.operation == "column":
            return wanted
        holding = [part for part in self.parts if name in part.names]
        if len(holding) != 1 or self.operation in _FUNCTIONS:
            return np.full(len(wanted), np.nan)
        inner = wanted
        with np.errstate(all="ignore"):
            if self.operation == "in":
                inner = wanted * UNITS[str(self.of)]
            elif self.operation in _RANK:
                first = holding[0] is self.parts[0]
                other = self.parts[first].evaluate(values)
                if self.operation in "+*":
                    inner = wanted - other if self.operation == "+" else wanted / other
                elif self.operation == "-":
                    inner = wanted + other if first else other - wanted
                else:
                    inner = wanted * other if first else other / wanted
        return holding[0].solve(name, np.where(np.isfinite(inner), inner, np.nan), values)

    def range(self, ranges: Mapping[str, Range]) -> Range:
        """The least and the largest value, where columns lie in `ranges`."""
        if self.operation == "column":
            return ranges[str(self.of)]
        if self.operation == "number":
            return float(self.of), float(self.of)
        parts = [part.range(ranges) for part in self.parts]
        if self.operation == "in":
            return parts[0][0] / UNITS[str(self.of)], parts[0][1] / UNITS[str(self.of)]
        if self.operation in ("floor", "ceil", "round", "day"):
            step = 86400.0 if self.operation == "day" else 1.0
            return parts[0][0] - step, parts[0][1] + step
        if self.operation == "+":
            return parts[0][0] + parts[1][0], parts[0][1] + parts[1][1]
        if self.operation == "-":
            return parts[0][0] - parts[1][1], parts[0][1] - parts[1][0]
        if self.operation == "*":
            corners = [a * b for a in parts[0] for b in parts[1] if not np.isnan(a * b)]
            return min(corners, default=-np.inf), max(corners, default=np.inf)
        return -np.inf, np.inf

    def narrow(self, wanted: Range, ranges: dict[str, Range]) -> None:
        """Narrows the ranges of columns to where the value can be in `wanted`, as far as that is easily told."""
        low, high = wanted
        if self.operation == "column":
            own = ranges[str(self.of)]
            ranges[str(self.of)] = max(own[0], low), min(own[1], high)
        elif self.operation == "in":
            self.parts[0].narrow((low * UNITS[str(self.of)], high * UNITS[str(self.of)]), ranges)
        elif self.operation in ("floor", "ceil", "round", "day"):
            step = 86400.0 if self.operation == "day" else 1.0
            self.parts[0].narrow((low - step, high + step), ranges)
        elif self.operation in "+-*":
            (a, b), (left, right) = (part.range(ranges) for part in self.parts), self.parts
            if self.operation == "+":
                left.narrow((low - b[1], high - b[0]), ranges)
                right.narrow((low - a[1], high - a[0]), ranges)
            elif self.operation == "-":
                left.narrow((low + b[0], high + b[1]), ranges)
                right.narrow((a[0] - high, a[1] - low), ranges)
            elif min(a[0], b[0]) > 0 and low >= 0:
                left.narrow((low / b[1], high / b[0]), ranges)
                right.narrow((low / a[1], high / a[0]), ranges)


def quoted(name: str) -> str:
    """A column's name as it stands in a formula: in backticks, unless it is one word, and no function's."""
    plain = re.fullmatch(r"[^\W\d]\w*", name) and name not in ("in", *_FUNCTIONS)
    return name if plain else f"`{name}`"


def parse_comparison(text: str, columns: Iterable[str]) -> tuple[list[Formula], list[str]]:
    """The formulas of a text such as `low <= max(a, b) < high`, and the signs between them.

    columns: the names there are; one that is not a single word may stand in backticks or, where that is clear, without.

    Raises:
        OptionError: it cannot be read, or names no column.
    """
    reader = _Reader(text, tuple(columns))
    sides, signs = [reader.sum()], []
    while reader.next in SIGNS:
        signs.append(reader.take())
        sides.append(reader.sum())
    if reader.next:
        raise reader.error(f"{reader.next!r} was not expected")
    return sides, signs


class _Reader:
    """Reads a text token by token. next: the token in turn, "" at the end."""

    def __init__(self, text: str, columns: tuple[str, ...]) -> None:
        self.text, self.columns = text, columns
        self._tokens = self._split()
        self.next, self._type = next(self._tokens)

    def _split(self) -> Iterator[tuple[str, str]]:
        at, odd = 0, sorted((c for c in self.columns if not re.fullmatch(r"\w+", c)), key=len, reverse=True)
        while at < len(self.text) and self.text[at:].strip():
            rest = self.text[at:].lstrip()
            at = len(self.text) - len(rest)
            whole = next(
                (c for c in odd if rest.startswith(c) and not re.match(r"\w", rest[len(c) : len(c) + 1])), None
            )
            if whole is not None:
                yield whole, "column"
                at += len(whole)
                continue
            found = _TOKEN.match(rest)
            if found is None:
                raise self.error(f"{rest[0]!r} was not expected")
            type = str(found.lastgroup)
            yield found[type], "column" if type == "quoted" else type
            at += found.end()
        while True:
            yield "", ""

    def error(self, what: str) -> OptionError:
        return OptionError(
            f"--rule {self.text!r}: {what}. Write a rule as in 'total = fare + tip', 'start < end', 'city -> country' "
            "or 'nights = (checkout - checkin) in days', names of several words in backticks. "
            f"Columns: {', '.join(self.columns[:20])}."
        )

    def take(self) -> str:
        token = self.next
        self.next, self._type = next(self._tokens)
        return token

    def sum(self) -> Formula:
        result = self._product()
        while self._type == "sign" and self.next in ("+", "-"):
            result = Formula(self.take(), (result, self._product()))
        if self.next == "in" and self._type == "word":
            self.take()
            if (unit := self.take()) not in UNITS:
                raise self.error(f"{unit!r} is no unit of time; there are {', '.join(UNITS)}")
            result = Formula("in", (result,), unit)
        return result

    def _product(self) -> Formula:
        result = self._single()
        while self._type == "sign" and self.next in ("*", "/"):
            result = Formula(self.take(), (result, self._single()))
        return result

    def _single(self) -> Formula:
        type, token = self._type, self.take()
        if type == "number":
            return Formula("number", of=float(token))
        if token == "-" and type == "sign":
            return Formula("-", (Formula("number", of=0.0), self._single()))
        if token == "(":
            result = self.sum()
        elif type == "word" and token in _FUNCTIONS and self.next == "(":
            self.take()
            parts = [self.sum()]
            while self.next == ",":
                self.take()
                parts.append(self.sum())
            result = Formula(token, tuple(parts))
        elif type in ("word", "column"):
            if token not in self.columns:
                raise self.error(f"there is no column {token!r}")
            return Formula.column(token)
        else:
            raise self.error("something is missing at the end" if not token else f"{token!r} was not expected")
        if self.take() != ")":
            raise self.error("a closing bracket is missing")
        return result
