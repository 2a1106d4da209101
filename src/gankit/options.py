"""What the fields of a dataclass of options say: types, choices, flags, and whether a value is possible.

Knows how options are declared (`gankit.config.option`); never which there are, torch, data or a terminal.
"""

from __future__ import annotations

import math
import re
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from numbers import Integral, Real
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from gankit.arguments import shown
from gankit.errors import OptionError, suggestion

_LIMITS: dict[str, Callable[[float], bool]] = {
    "above 0": lambda v: v > 0,
    "at least 0": lambda v: v >= 0,
    "at least 1": lambda v: v >= 1,
    "at least 2": lambda v: v >= 2,
    "between 0 and 1": lambda v: 0 < v < 1,
    "from 0 to 1": lambda v: 0 <= v <= 1,
}
"""What a number must be, by the words for it that an option states."""

GROUPS = {"data": "The data", "game": "The game", "length": "The length, and where it runs"}


@dataclass(frozen=True)
class Option:
    """One option, as its field in `TrainConfig` or in the options of a kind describes it.

    scalar: the type of one value: str, int, float or bool.
    optional: whether None (worked out by gankit) is allowed.
    must: what a number must be, in words.
    many: whether it takes a list of values, and its flag may be repeated.
    takes_functions: whether Python may give a function in place of a text.
    """

    name: str
    scalar: type
    optional: bool
    many: bool
    default: Any
    help: str
    group: str
    choices: tuple[str, ...]
    metavar: str
    must: str
    takes_functions: bool = False

    @property
    def flag(self) -> str:
        """How the option is written on a command line, for example `--d-steps`."""
        return "--" + self.name.rstrip("_").replace("_", "-")  # from_, as Python cannot call it from

    @property
    def declaration(self) -> str:
        """The flag, with its negation if the option is a switch."""
        return f"{self.flag}/--no-{self.flag[2:]}" if self.scalar is bool else self.flag


def options_of(cls: type[Any]) -> tuple[Option, ...]:
    """The options that the fields of a dataclass are, in their order; fields without words are none."""
    hints = get_type_hints(cls)
    found = []
    for f in fields(cls):
        if "help" not in f.metadata:
            continue
        hint = hints[f.name]
        members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)  # of int | None both
        (kind,) = (m for m in members if m is not type(None) and get_origin(m) is not Callable)
        many = get_origin(kind) is tuple
        scalar = get_args(kind)[0] if many else kind
        assert f.default is not MISSING, f"{cls.__name__}.{f.name} has no default"
        takes_functions = any(get_origin(m) is Callable for m in members)
        optional = type(None) in members
        found.append(Option(f.name, scalar, optional, many, f.default, **f.metadata, takes_functions=takes_functions))
    return tuple(found)


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean …?` with the known word closest to `word`, or an empty text if none is close.

    >>> nearest("lerning_rate", ["learning_rate", "loss"])
    " Did you mean 'learning_rate'?"
    >>> nearest("zebra", ["learning_rate", "loss"])
    ''
    """
    near = suggestion(word, known, 1, 0.6)
    return f" {near}" if near else ""


def check_options(values: Any, named: str, choices: Collection[str] = ()) -> None:
    """Refuses a dataclass of options, such as a file's, with a value of a type that cannot be, or that is none of the
    choices of the options named; what may be chosen of others can have been another package's.

    Raises:
        OptionError: as `checked`.
    """
    for option in options_of(type(values)):
        fixed = option if option.name in choices else replace(option, choices=())
        checked(fixed, getattr(values, option.name), f"{named}: {option.name}")


def checked(option: Option, value: Any, named: str) -> Any:
    """The value as the option's field holds it: a list becomes a tuple, a whole number a float.

    Raises:
        OptionError: a value of the wrong type, or one that is not possible; `named`: how errors call the option.
    """
    if (value is None and option.optional) or (option.takes_functions and callable(value)):
        return value
    if not option.many:
        return _checked_scalar(option, value, named)
    if isinstance(value, Mapping):  # of NAME=TYPE
        value = [f"{name}={kind}" for name, kind in value.items()]
    if not isinstance(value, str | list | tuple):
        raise _wrong(option, value, named)
    return tuple(_checked_scalar(option, item, named) for item in ([value] if isinstance(value, str) else value))


def _checked_scalar(option: Option, value: Any, named: str) -> Any:
    if isinstance(value, Path) and option.scalar is str:
        value = str(value)
    if type(value).__name__ in ("bool_", "bool"):  # NumPy's
        value = bool(value)
    elif isinstance(value, Integral):
        value = int(value)
    if option.name in _NUMBERS and type(value) is not bool and isinstance(value, Real):
        value = _NUMBERS[option.name].format(value)
    if isinstance(value, bool) != (option.scalar is bool):
        raise _wrong(option, value, named)
    if option.scalar is float and isinstance(value, Real):
        value = float(value)
    if not isinstance(value, option.scalar) or (isinstance(value, str) and not _is_text(value)):
        raise _wrong(option, value, named)
    if option.choices and value not in option.choices:
        hint = nearest(str(value), option.choices)
        raise OptionError(f"{named} must be one of {', '.join(option.choices)}; got {shown(value)}.{hint}")
    if option.must and isinstance(value, int | float) and not (_LIMITS[option.must](value) and math.isfinite(value)):
        raise OptionError(f"{named} must be {option.must}; got {value:g}.")
    if option.name in _PARSERS:
        _PARSERS[option.name](value, named=named)
    return value


def _is_text(value: str) -> bool:
    """Whether it can be written down: bytes of a command line that are no UTF-8, and NUL, cannot."""
    return "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)


def parse_duration(text: str, *, named: str = "train: budget") -> float:
    """'90s', '5m', '2h' in seconds.

    Raises:
        OptionError: it is no such text, or 0; `named`: how it calls the option.

    >>> parse_duration("90s"), parse_duration("1.5h")
    (90.0, 5400.0)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh])\s*", text)
    if not match or float(match[1]) <= 0:
        raise OptionError(f"{named} must be a time like 90s, 5m or 2h; got {text!r}.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def parse_samples(text: str, *, named: str = "train: samples") -> tuple[int, tuple[tuple[int, int], ...]]:
    """'60k', '2M', '500' as a number, and the plans (samples behind, samples at the end) that took its place later.

    Raises:
        OptionError: it is no such text, or below 1; `named`: how it calls the option.

    >>> parse_samples("60k"), parse_samples("2M,1.5M@40k")
    ((60000, ()), (2000000, ((40000, 1500000),)))
    """
    number = r"(\d+(?:\.\d+)?)\s*([kKmMgG]?)"
    parts = [re.fullmatch(rf"\s*{number}\s*(?:@\s*{number}\s*)?", part) for part in text.split(",")]
    scales = {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}
    found = [
        [int(float(value) * scales[scale.lower()]) for value, scale in ((p[1], p[2]), (p[3], p[4])) if value]
        for p in parts
        if p
    ]
    if len(found) < len(parts) or [len(part) for part in found] != [1, *[2] * (len(found) - 1)] or found[0][0] < 1:
        raise OptionError(f"{named} must be a number like 60k or 2M; got {text!r}.")
    return found[0][0], tuple((behind, end) for end, behind in found[1:])


def parse_bytes(text: str, *, named: str = "train: previews") -> int:
    """'50MB', '1 GB', '500k', '0' as a number of bytes.

    Raises:
        OptionError: it is no such text; `named`: how it calls the option.

    >>> parse_bytes("50MB"), parse_bytes("0")
    (50000000, 0)
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)b?\s*", text, re.IGNORECASE)
    if found is None:
        raise OptionError(f"{named} must be a size like 50MB or 1GB, or 0 for none; got {text!r}.")
    return int(float(found[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}[found[2].lower()])


# Texts that stand for something else, and are read before anything heavy is.
_NUMBERS = {"budget": "{:g}s", "samples": "{}", "size": "{}", "previews": "{}", "memory": "{}"}
"""Texts that may be given as numbers in Python, and how: a budget in seconds."""

_PARSERS: dict[str, Callable[..., Any]] = {
    "budget": parse_duration, "samples": parse_samples, "previews": parse_bytes, "memory": parse_bytes,
}  # fmt: skip


def _wrong(option: Option, value: Any, named: str) -> OptionError:
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    wanted = ("a list of texts" if option.many else words[option.scalar]) + (" or nothing" if option.optional else "")
    return OptionError(f"{named} must be {wanted}; got {shown(value)}.")


def metavar_of(option: Option) -> str:
    """What stands for the value in help texts."""
    return option.metavar or {str: "TEXT", int: "N", float: "X", bool: ""}[option.scalar]


def default_text(option: Option) -> str:
    """The default, in the words of the docs."""
    if option.default is None:
        return "—"
    if option.many:
        return "none"
    if isinstance(option.default, bool):
        return "on" if option.default else "off"
    return f"`{option.default}`"
