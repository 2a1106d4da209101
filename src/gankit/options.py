"""From `TrainConfig`'s fields to everything that names them: values from Python or TOML, flags, and rows of the docs.

Knows config and nothing else of the house; never torch, data or a terminal.
"""

from __future__ import annotations

import math
import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any, Union, get_args, get_origin, get_type_hints

from gankit.config import TrainConfig
from gankit.errors import OptionError, suggestion

# What a number must be, and the words for it.
_LIMITS: dict[str, tuple[Callable[[float], bool], str]] = {
    "heldout_fraction": (lambda v: 0 < v < 1, "between 0 and 1"),
    "width": (lambda v: v >= 1, "at least 1"),
    "depth": (lambda v: v >= 1, "at least 1"),
    "latents": (lambda v: v >= 1, "at least 1"),
    "learning_rate": (lambda v: v > 0, "above 0"),
    "penalty_weight": (lambda v: v >= 0, "at least 0"),
    "batch": (lambda v: v >= 2, "at least 2"),
    "d_steps": (lambda v: v >= 1, "at least 1"),
    "ema_half_life": (lambda v: v >= 0, "at least 0"),
    "warmup": (lambda v: 0 <= v <= 1, "between 0 and 1"),
    "evaluations": (lambda v: v >= 1, "at least 1"),
    "threads": (lambda v: v >= 1, "at least 1"),
}

GROUPS = {"data": "The data", "game": "The game", "length": "The length, and where it runs"}


@dataclass(frozen=True)
class Option:
    """One option of `train`, as its field in `TrainConfig` describes it.

    scalar: the type of one value: str, int, float or bool.
    optional: whether None (worked out by gankit) is allowed.
    many: whether it takes a list of values, and its flag may be repeated.
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

    @property
    def flag(self) -> str:
        """How the option is written on a command line, for example `--d-steps`."""
        return "--" + self.name.replace("_", "-")

    @property
    def declaration(self) -> str:
        """The flag, with its negation if the option is a switch."""
        return f"{self.flag}/--no-{self.flag[2:]}" if self.scalar is bool else self.flag


def train_options() -> list[Option]:
    """All options of `train`, in the order of `TrainConfig`."""
    hints = get_type_hints(TrainConfig)
    found = []
    for f in fields(TrainConfig):
        members = _members(hints[f.name])
        optional = type(None) in members
        (kind,) = [m for m in members if m is not type(None)]
        many = get_origin(kind) is tuple
        scalar = get_args(kind)[0] if many else kind
        assert f.default is not MISSING, f"TrainConfig.{f.name} has no default"
        found.append(Option(f.name, scalar, optional, many, f.default, **f.metadata))
    return found


def _members(hint: Any) -> tuple[Any, ...]:
    """The alternatives of a type: `int | None` -> (int, NoneType)."""
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def nearest(word: str, known: Iterable[str]) -> str:
    """` Did you mean …?` with the known word closest to `word`, or an empty text if none is close.

    >>> nearest("lerning_rate", ["learning_rate", "loss"])
    " Did you mean 'learning_rate'?"
    >>> nearest("zebra", ["learning_rate", "loss"])
    ''
    """
    near = suggestion(word, known, 1, 0.6)
    return f" {near}" if near else ""


def build_config(values: Mapping[str, Any], *, where: str = "train") -> TrainConfig:
    """The configuration with `values` in place of the defaults; `where` names their source in errors.

    Raises:
        OptionError: an unknown name, a value of the wrong type, one that is not among the choices, or two options that
            say the same in two ways.

    >>> build_config({"loss": "hinge", "given": ["income"]}).given
    ('income',)
    """
    config = TrainConfig(**check_values(values, where=where))
    if config.samples is not None and config.budget is not None:
        raise OptionError(f"{where}: samples and budget both set the length. Give one of them.")
    return config


def check_values(values: Mapping[str, Any], *, where: str = "train") -> dict[str, Any]:
    """The values as their fields hold them (lists become tuples), or an OptionError that names the bad one."""
    known = {o.name: o for o in train_options()}
    checked = {}
    for name, value in values.items():
        plain = name.replace("-", "_")
        if plain not in known:
            raise OptionError(f"{where}: there is no option {name!r}.{nearest(plain, known)}")
        checked[plain] = _checked(known[plain], value, where)
    return checked


def _checked(option: Option, value: Any, where: str) -> Any:
    if value is None and option.optional:
        return None
    if option.many:
        items = [value] if isinstance(value, str) else list(value) if isinstance(value, (list, tuple)) else None
        if items is None:
            raise _wrong(option, value, where)
        return tuple(_checked_scalar(option, item, where) for item in items)
    return _checked_scalar(option, value, where)


def _checked_scalar(option: Option, value: Any, where: str) -> Any:
    if isinstance(value, Path) and option.scalar is str:
        value = str(value)
    if option.scalar is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if option.name == "samples" and isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, option.scalar) or (isinstance(value, bool) and option.scalar is not bool):
        raise _wrong(option, value, where)
    if option.choices and value not in option.choices:
        hint = nearest(str(value), option.choices)
        raise OptionError(f"{where}: {option.name} must be one of {', '.join(option.choices)}; got {value!r}.{hint}")
    if option.name in _LIMITS:
        allowed, words = _LIMITS[option.name]
        assert isinstance(value, int | float)
        if not (allowed(value) and math.isfinite(value)):
            raise OptionError(f"{where}: {option.name} must be {words}; got {value:g}.")
    if option.name in _PARSERS:
        _PARSERS[option.name](value, where=where)
    return value


def parse_duration(text: str, *, where: str = "train") -> float:
    """'90s', '5m', '2h' in seconds.

    Raises:
        OptionError: it is no such text, or 0; `where` names its source.

    >>> parse_duration("90s"), parse_duration("1.5h")
    (90.0, 5400.0)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh])\s*", text)
    if not match or float(match[1]) <= 0:
        raise OptionError(f"{where}: budget must be a time like 90s, 5m or 2h; got {text!r}.")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]


def parse_samples(text: str, *, where: str = "train") -> int:
    """'60k', '2M', '500' as a number.

    Raises:
        OptionError: it is no such text, or below 1; `where` names its source.

    >>> parse_samples("60k"), parse_samples("2M")
    (60000, 2000000)
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kKmMgG]?)\s*", text)
    number = int(float(match[1]) * {"": 1, "k": 1e3, "m": 1e6, "g": 1e9}[match[2].lower()]) if match else 0
    if number < 1:
        raise OptionError(f"{where}: samples must be a number like 60k or 2M; got {text!r}.")
    return number


# Texts that stand for something else, and are read before anything heavy is.
_PARSERS: dict[str, Callable[..., float]] = {"budget": parse_duration, "samples": parse_samples}


def _wrong(option: Option, value: Any, where: str) -> OptionError:
    words = {str: "a text", int: "a whole number", float: "a number", bool: "true or false"}
    wanted = ("a list of texts" if option.many else words[option.scalar]) + (" or nothing" if option.optional else "")
    return OptionError(f"{where}: {option.name} must be {wanted}; got {value!r}.")


def read_toml(path: Path) -> dict[str, Any]:
    """The options of a TOML file: names at the top, or in sections named as the groups are (data, game, length).

    In `[columns]`, `age = "number"` says the same as `column = ["age=number"]`.

    Raises:
        OptionError: the file cannot be read, is not TOML, or names an option or section that does not exist.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(
            f"cannot read the options in {path}: {error.strerror}. Check the path after --config."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise OptionError(
            f"{path} is not a TOML file: {error}. Mend that place, or give the options as flags."
        ) from None
    return _flatten(content, str(path))


def _flatten(content: Mapping[str, Any], path: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    group_of = {o.name: o.group for o in train_options()}
    for name, value in content.items():
        if name == "columns" and isinstance(value, dict):
            _put(values, {"column": [f"{column}={kind}" for column, kind in value.items()]}, path)
        elif isinstance(value, dict):
            if name not in GROUPS:
                hint = nearest(name, [*GROUPS, "columns"])
                raise OptionError(
                    f"{path}: there is no section [{name}]; there are {', '.join(GROUPS)}, columns.{hint}"
                )
            for key in value:
                at_home = group_of.get(key.replace("-", "_"), name)
                if at_home != name:
                    raise OptionError(f"{path}: {key!r} stands in [{name}] and belongs in [{at_home}]. Move it there.")
            _put(values, check_values(value, where=f"{path}, section [{name}]"), path)
        else:
            _put(values, check_values({name: value}, where=path), path)
    return values


def _put(values: dict[str, Any], more: Mapping[str, Any], path: str) -> None:
    for name, value in more.items():
        if name == "column":
            value = (*values.get(name, ()), *value)
        elif name in values:
            raise OptionError(f"{path}: {name!r} stands there twice. Keep one of them.")
        values[name] = value


def options_table(group: str) -> str:
    """The options of a group as a Markdown table: flag, default, and what it does."""
    lines = ["| flag | default | what it does |", "|---|---|---|"]
    for o in train_options():
        if o.group == group:
            choices = f" One of {', '.join(f'`{c}`' for c in o.choices)}." if o.choices else ""
            repeat = " May be repeated." if o.many else ""
            metavar = "" if o.scalar is bool or o.choices else f" {metavar_of(o)}"
            lines.append(f"| `{o.declaration}{metavar}` | {default_text(o)} | {o.help}{choices}{repeat} |")
    return "\n".join(lines)


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
