"""What a public function may be given: paths, whole numbers, functions, conditions; each checked in one place.

Knows names of arguments and what they must be; never what the functions do with them.
"""

from __future__ import annotations

import errno
import functools
import inspect
import os
import re
from collections.abc import Callable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any, TypeVar

from gankit.errors import OptionError

Function = TypeVar("Function", bound=Callable[..., Any])


def shown(value: Any, most: int = 80) -> str:
    """The value as Python writes it, in one line, cut where it is long.

    >>> shown("x" * 100, 8)
    "'xxxxxx…"
    """
    text = re.sub(r"\s*\n\s*", " ", repr(value))
    return text if len(text) <= most else text[: most - 1] + "…"


def whole_of(asked: Mapping[str, Any], name: str, default: int) -> int:
    """A whole number that a request asks for by its name.

    Raises:
        OptionError: it is none, or too large for 63 bits.
    """
    value = asked.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**62:
        raise OptionError(f'"{name}" must be a whole number. Got {shown(value)}.')
    return value


def path_of(value: Any, named: str = "the path") -> Path:
    """The path that a value is; it need not exist. `named`: how errors call it.

    Raises:
        OptionError: it is none, or one that no file can have.
    """
    if not isinstance(value, str | os.PathLike):
        raise OptionError(f"{named} must be a path. Got {shown(value)} instead.")
    if not os.fspath(value):
        raise OptionError(f"{named} must be a path. Got an empty text instead.")
    try:
        os.lstat(value)
    except ValueError:
        raise OptionError(f"{named} {shown(str(value))} has a character that no path has. Check it.") from None
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            how = "is too long for this system. Choose a shorter one."
            raise OptionError(f"{named} {shown(str(value))} {how}") from None
    return Path(value)


def _is_path(value: Any) -> bool:
    return bool(path_of(value, "a path"))


def _is_where(value: Any) -> bool:
    """A dict of names; arrays are no conditions: they are compared element by element."""
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and not getattr(condition, "ndim", 0) for name, condition in value.items()
    )


_WHOLE = ("a whole number", lambda v: isinstance(v, Integral))
_ROWS = ("a whole number, 0 or more", lambda v: isinstance(v, Integral) and 0 <= int(v) < 2**62)
_SWITCH = ("True or False", lambda v: isinstance(v, bool))
_FUNCTION = ("a function", callable)
_PATH = ("a path", _is_path)
_TEXT = ("a text", lambda v: isinstance(v, str))
_WHERE = ("a dict such as {'label': '7'}, each value a number, a text, a pair or a list", _is_where)
_MUST: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "n": _ROWS, "offset": _ROWS, "seed": _WHOLE, "overwrite": _SWITCH, "records": _SWITCH,
    "verbose": _SWITCH, "fast": _SWITCH, "private": _SWITCH,
    "on_note": _FUNCTION, "on_progress": _FUNCTION, "should_stop": _FUNCTION, "run": _PATH, "out": _PATH,
    "where": _WHERE, "by": _TEXT, "format": _TEXT, "repo": _TEXT, "licence": _TEXT, "message": _TEXT,
    "path": ("a path or a binary stream", lambda v: callable(getattr(v, "write", None)) or _is_path(v)),
    "texts": ("a list of texts", lambda v: isinstance(v, list | tuple) and all(isinstance(t, str) for t in v)),
    "config": ("a TrainConfig; a dict goes as keywords: **options", lambda v: type(v).__name__ == "TrainConfig"),
}  # fmt: skip
"""What the arguments of these names must be wherever they occur, in words, and whether a value is that."""


def _condition(text: str) -> str:
    """How a condition that was written as a text is written as a dict; empty where it is none.

    >>> _condition("Age > 30"), _condition("?")
    (" Write where={'Age': '>30'}.", '')
    """
    parts = re.fullmatch(r"\s*(.+?)\s*(<=|>=|<|>|==?)\s*(.+?)\s*", text)
    if parts is None:
        return ""
    condition = {parts[1]: ("" if parts[2][0] == "=" else parts[2]) + parts[3].strip("'\"")}
    return f" Write where={condition}."


def checked(function: Function) -> Function:
    """The function with its arguments checked before it begins; an argument that is its default is not looked at.

    Raises:
        OptionError: one is of a wrong type, or a text in it is no text.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def careful(*args: Any, **keywords: Any) -> Any:
        for name, value in signature.bind(*args, **keywords).arguments.items():
            must, is_that = _MUST.get(name, ("", lambda v: True))
            if value is not signature.parameters[name].default and not is_that(value):
                hint = _condition(value) if name == "where" and isinstance(value, str) else ""
                raise OptionError(f"{name} must be {must}. Got {shown(value)} instead.{hint}")
        return function(*args, **keywords)

    return careful  # type: ignore[return-value]  # it takes and gives what the function does
