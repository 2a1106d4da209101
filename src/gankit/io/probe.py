"""A source that is looked at by every kind of data in turn, and read once.

Knows paths and objects; never what is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


class Probe:
    """A source, and what was found out about it so far.

    Args:
        source: a path, "-" for standard input, a binary stream or a Python object.
    """

    def __init__(self, source: Any) -> None:
        self.source = source
        self._found: dict[Hashable, Any] = {}

    @property
    def path(self) -> Path | None:
        """The path, where the source is one."""
        return Path(self.source) if isinstance(self.source, str | Path) and str(self.source) != "-" else None

    @property
    def name(self) -> str | None:
        """What errors call the source: its path or "standard input"; None for objects."""
        if not isinstance(self.source, str | Path):
            return None
        return "standard input" if str(self.source) == "-" else repr(str(self.source))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made when it is first asked for under that key."""
        if key not in self._found:
            self._found[key] = make()
        found: T = self._found[key]
        return found
