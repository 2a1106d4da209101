"""What a request asks for, checked.

Knows models and their options; never how it is sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gankit.arguments import shown, whole_of
from gankit.errors import OptionError, nearest
from gankit.kinds import options_by_kind
from gankit.model.model import Model
from gankit.options import options_of


@dataclass(frozen=True)
class Limits:
    """rows, seconds: of a request. queue: requests that may wait or be answered at the same time."""

    rows: int = 1_000_000
    seconds: float = 300.0
    queue: int = 64


@dataclass(frozen=True)
class Asked:
    """Samples that are asked for. format: a key of the kind's formats. options: of the kind."""

    n: int
    seed: int
    offset: int
    where: Mapping[str, Any] | None
    format: str
    options: Mapping[str, Any] = field(default_factory=dict)


def asked_of(model: Model, body: Any, limits: Limits) -> Asked:
    """The samples that a body asks for.

    Raises:
        OptionError: something cannot be asked for.
    """
    if not isinstance(body, dict):
        raise OptionError(f'the body must be an object such as {{"n": 100}}. Got {shown(body)}.')
    own = {option.name for option in options_of(options_by_kind("sample")[model.kind])}
    known = ("n", "seed", "offset", "where", "format", *sorted(own))
    for name in body:
        if name not in known:
            raise OptionError(f"{shown(name)} cannot be asked for. {nearest(str(name), known)}")
    if "n" not in body:
        raise OptionError(f'"n" is missing: how many {model.of.noun.many} are asked for.')
    n, seed, offset = (whole_of(body, name, 0) for name in ("n", "seed", "offset"))
    if not 0 <= n <= limits.rows:
        raise OptionError(
            f'"n" must be 0 to {limits.rows:,}. Got {n:,}. Ask for more in several requests, by "offset".'
        )
    if offset < 0:
        raise OptionError(f'"offset" must be at least 0. Got {offset:,}.')
    where = body.get("where")
    if where is not None and not isinstance(where, dict):
        raise OptionError(f'"where" must be an object of names and values. Got {shown(where)}.')
    formats = model.of.formats
    format = body.get("format") or model.of.stream_format(model.origin)
    if format not in formats:
        raise OptionError(f'"format" must be one of {", ".join(formats)}. Got {shown(format)}.')
    return Asked(n, seed, offset, where or None, format, {name: body[name] for name in own if name in body})
