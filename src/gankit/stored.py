"""What is stored as JSON: objects as plain values, and back, checked against the types that their classes state.

The parameters of a class's `__init__` (of a dataclass: its fields) are the keys of its JSON, their types what may stand
there, their defaults what holds in files of before that lack a key. What types cannot say, such as lengths that agree,
a class says by a ValueError when it is made.

Knows types; never files, or what anything means.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import inspect
import json
import math
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import (
    Annotated,
    Any,
    ClassVar,
    Literal,
    Self,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

LARGEST = 2**63
"""Whole numbers are below it, and not below its negative."""

_NAMES: dict[Any, str] = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", None: "null"}
_TYPES: dict[Any, frozenset[type]] = {kind: frozenset((kind,)) for kind in (str, int, bool)}
_TYPES[float] = frozenset((int, float))


FOREIGN: dict[type, tuple[Callable[[Any], str], Callable[[str], Any]]] = {
    bytes: (lambda data: base64.b64encode(data).decode(), base64.b64decode)
}
"""How objects of other classes become a text, and are made of it again by a function that raises ValueError."""

OR_NAN = "null: NaN"
"""Of types of numbers that may be NaN or infinite."""
FloatOrNaN = Annotated[float, OR_NAN]
Small = Annotated[int, range(400)]
"""A number of digits, signs or missing markers."""
Whole = Annotated[int, range(LARGEST)]
Count = Annotated[int, range(2**31)]
Size = Annotated[int, range(1, 2**31)]

DEEPEST = 50


class StoredError(ValueError):
    """A value that cannot stand where it does; the text begins with its place, as in `columns[3].levels`."""

    def __init__(self, text: str, place: str = "") -> None:
        super().__init__(text)
        self.text, self.place = text, place

    def __str__(self) -> str:
        return f"{self.place.removeprefix('.') or 'its JSON'} {self.text}"


class Stored:
    """An object that is stored as plain JSON values.

    NAMES: parameters whose key has another name. LATER: those that are left out where they have their default, as in
    files of before they were there.
    """

    NAMES: ClassVar[Mapping[str, str]] = {}
    LATER: ClassVar[tuple[str, ...]] = ()

    def to_json(self) -> Any:
        """As plain JSON values; `from_json` takes them back."""
        cls: Any = type(self)
        facts = {name: (plain(getattr(self, name)), p.default) for name, p in _parameters(cls).items()}
        kept = {name: fact for name, (fact, d) in facts.items() if name not in self.LATER or fact != plain(d)}
        return {self.NAMES.get(name, name): fact for name, fact in kept.items()}

    @classmethod
    def from_json(cls, value: Any) -> Self:
        """What `to_json` gave.

        Raises:
            StoredError: it cannot be that, and where.
        """
        found: Self = made(cls, value)
        return found


def parse(text: str | bytes, halves: bool = False) -> Any:
    """The value of a JSON text. halves: whether halves of characters may be in it, as in names of files.

    Raises:
        StoredError: it is none, or holds whole numbers or nests that are beyond all use.
    """
    try:
        text = text if isinstance(text, str) else text.decode()
        value = json.loads(text, parse_int=_whole)
        if not halves and "\\ud" in text:  # halves of characters, which cannot be written
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise StoredError("is nested too deep") from error
    except ValueError as error:
        raise StoredError(f"cannot be read ({error})") from error
    layer = [value]
    for _ in range(DEEPEST):
        values = (inner for holder in layer for inner in (holder.values() if type(holder) is dict else holder))
        layer = [inner for inner in values if type(inner) in (dict, list)] if type(value) in (dict, list) else []
        if not layer:
            return value
    raise StoredError("is nested too deep")


def _whole(text: str) -> int:
    number = int(text) if len(text) <= 20 else LARGEST
    if not -LARGEST <= number < LARGEST:
        raise ValueError("a whole number is too large")
    return number


def plain(value: Any) -> Any:
    """A value of a `Stored` object as plain JSON: NaN is null."""
    if isinstance(value, Stored):
        return value.to_json()
    if (writer := next((FOREIGN[kind][0] for kind in FOREIGN if isinstance(value, kind)), None)) is not None:
        return writer(value)
    if isinstance(value, float) and value != value:
        return None
    if isinstance(value, Mapping):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, tuple | list):
        return [plain(inner) for inner in value]
    return value.tolist() if _is_array(type(value)) else value


def _is_array(kind: Any) -> bool:
    """By its name, since NumPy need not be imported to inspect a model."""
    return (getattr(kind, "__module__", ""), getattr(kind, "__name__", "")) == ("numpy", "ndarray")


def made(cls: Any, value: Any) -> Any:
    """An object of a class of a JSON object whose keys are the parameters of its `__init__`; others are passed over.

    Raises:
        StoredError: a value is missing or not of the type that the parameter states, or the class refuses them.
    """
    if not isinstance(value, dict):
        raise StoredError("is not an object")
    names = cls.NAMES if issubclass(cls, Stored) else {}
    facts = {}
    for name, parameter in _parameters(cls).items():
        key = names.get(name, name)
        if key in value:
            facts[name] = inside(f".{key}", parameter.annotation, value[key])
        elif parameter.default is parameter.empty:
            raise StoredError("is missing", f".{key}")
    try:
        return cls(**facts)
    except StoredError:
        raise
    except (ValueError, OverflowError) as error:
        raise StoredError(f"does not go together: {error}") from error


def of_type(kind: Any, value: Any) -> Any:
    """A JSON value as a type states it: scalars, literals, arrays, `Stored` and typed dicts, and collections of them.

    >>> of_type(tuple[float, ...], [1, 2.5])
    (1, 2.5)
    >>> of_type(dict[str, int | None], {"a": 1, "b": "x"})
    Traceback (most recent call last):
    gankit.stored.StoredError: b is not a whole number or null
    """
    origin, args = get_origin(kind), get_args(kind)
    if kind is Any:
        return value
    if kind in _TYPES:
        if type(value) not in _TYPES[kind] or (kind is float and not math.isfinite(value)):
            raise StoredError(f"is not {_name(kind)}")
        return value
    if origin is Annotated:
        if args[1] == OR_NAN and (value is None or (type(value) is float and not math.isfinite(value))):
            return math.nan if value is None else value
        found = of_type(args[0], value)
        if isinstance(args[1], range) and found not in args[1]:
            raise StoredError(f"is not from {args[1].start} to {args[1].stop - 1}")
        return found
    if origin is Literal:
        if value not in args or type(value) is not str:
            raise StoredError(f"is none of {', '.join(map(repr, args))}")
        return value
    if origin in (Union, types.UnionType):
        return _one_of(args, value, kind)
    if _is_array(origin):
        return _array(args, value)
    if origin in (tuple, list, Sequence):
        return _listed(origin, args, value, kind)
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise StoredError("is not an object")
        return {name: inside(f".{name}", args[1], inner) for name, inner in value.items()}
    if is_typeddict(kind):
        return _dictionary(kind, value)
    if kind in FOREIGN:
        return _foreign(kind, value)
    return kind.from_json(value) if issubclass(kind, Stored) else made(kind, value)


def one_of(names: Collection[str], value: Any, key: str) -> str:
    """Which of some names a JSON object has under a key."""
    found = value.get(key) if isinstance(value, dict) else None
    if type(found) is not str or found not in names:
        raise StoredError(f"is none of {', '.join(names)}", f".{key}")
    return found


def inside(step: str, kind: Any, value: Any) -> Any:
    """As `of_type`, of a value at a place such as `.columns` or `[3]`."""
    try:
        return of_type(kind, value)
    except StoredError as error:
        error.place = step[:80] + error.place
        raise


def _dictionary(kind: Any, value: Any) -> dict[str, Any]:
    """A dict of which some values have a type."""
    if not isinstance(value, dict):
        raise StoredError("is not an object")
    for name in sorted(kind.__required_keys__ - value.keys()):
        raise StoredError("is missing", f".{name}")
    hints = get_type_hints(kind, include_extras=True).items()
    return value | {name: inside(f".{name}", hint, value[name]) for name, hint in hints if name in value}


def _foreign(kind: Any, value: Any) -> Any:
    if type(value) is str:
        with contextlib.suppress(ValueError, KeyError, OSError):
            return FOREIGN[kind][1](value)
    raise StoredError(f"is no {kind.__name__}")


def _one_of(kinds: Collection[Any], value: Any, whole: Any) -> Any:
    if value is None and types.NoneType in kinds:
        return None
    left = [kind for kind in kinds if kind is not types.NoneType]
    if len(left) == 1 and left[0] not in _TYPES:
        return of_type(left[0], value)
    for kind in left:
        if type(value) in _TYPES[kind]:
            return of_type(kind, value)
    raise StoredError(f"is not {_name(whole)}")


def _listed(origin: Any, kinds: tuple[Any, ...], value: Any, whole: Any) -> Any:
    if not isinstance(value, list):
        raise StoredError(f"is not {_name(whole)}")
    if origin is tuple and kinds[-1] is not ...:
        if len(value) != len(kinds):
            raise StoredError(f"is not a list of {len(kinds)} values")
        return tuple(inside(f"[{at}]", kind, inner) for at, (kind, inner) in enumerate(zip(kinds, value, strict=True)))
    (kind, *_), found = kinds, value
    if kind in _TYPES:  # at once: such lists are long
        if not {*map(type, value)} <= _TYPES[kind] or (kind is float and not all(map(math.isfinite, value))):
            raise StoredError(f"is not {_name(whole)}")
    else:
        found = [inside(f"[{at}]", kind, inner) for at, inner in enumerate(value)]
    return tuple(found) if origin is tuple else found


def _array(args: tuple[Any, ...], value: Any) -> Any:
    import numpy as np

    dtype = get_args(args[-1])[0]
    try:
        found = np.array(value if isinstance(value, list) else None)
        fits = found.dtype.kind in ("i" if np.issubdtype(dtype, np.integer) else "if") or not found.size
        with np.errstate(all="ignore"):
            array = found.astype(dtype)
        fits = fits and bool(np.isfinite(array).all() and (array == found).all())
    except (ValueError, TypeError, OverflowError):
        fits = False
    if not fits:
        raise StoredError("is not a list of numbers")
    return array


def _name(kind: Any) -> str:
    """A type in words.

    >>> _name(tuple[str, ...]), _name(int | None)
    ('a list of texts', 'a whole number or null')
    """
    args = get_args(kind)
    if get_origin(kind) in (tuple, list, Sequence):
        return f"a list of {_NAMES[args[0]].split(maxsplit=1)[1]}s" if args[0] in _NAMES else "a list"
    if args:
        return " or ".join(_name(None if arg is types.NoneType else arg) for arg in args)
    return _NAMES.get(kind, "an object")


@functools.cache
def _parameters(cls: Any) -> dict[str, inspect.Parameter]:
    """The parameters of a class's `__init__`, by name, with their types."""
    hints = get_type_hints(cls.__init__, include_extras=True)
    every = list(inspect.signature(cls.__init__).parameters.values())[1:]
    return {p.name: p.replace(annotation=hints[p.name]) for p in every}
