"""Objects by name: gankit's own, and those that other packages add, each imported when it is first asked for.

Knows names and places in modules; never what is there.

Another package adds one by an entry point, for example in its pyproject.toml:

    [project.entry-points."gankit.kinds"]
    points = "gankit_points:PointsKind"
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gankit.errors import DependencyError, OptionError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

T = TypeVar("T")


class Registry(Mapping[str, T], Generic[T]):
    """A table that other packages can add to; gankit's own names come first and cannot be taken by others.

    Args:
        group: of the entry points, for example "gankit.kinds".
        own: gankit's own: an object, or its place as "module:attribute"; classes without arguments are called.

    Example:
        >>> codecs = Registry("gankit.example", {"ordered": "collections:OrderedDict"})
        >>> list(codecs), codecs["ordered"]
        (['ordered'], OrderedDict())
    """

    def __init__(self, group: str, own: Mapping[str, T | str]) -> None:
        self.group = group
        self.own = own
        self._added: dict[str, T] = {}
        self._loaded: dict[str, T] = {}

    @cached_property
    def others(self) -> dict[str, EntryPoint]:
        """The entry points of other packages, by name."""
        from importlib.metadata import entry_points

        return {point.name: point for point in entry_points(group=self.group) if point.name not in self.own}

    def add(self, name: str, thing: T) -> None:
        """Adds an object for as long as this process lives; one that had its name gives way.

        Raises:
            OptionError: it is the name of one of gankit's own.
        """
        if name in self.own:
            raise OptionError(f"{name!r} is the name of one of gankit's own. Give yours another.")
        self._added[name] = thing

    def __getitem__(self, name: str) -> T:
        if name in self._added:
            return self._added[name]
        if name not in self._loaded:
            if name in self.own:
                place = self.own[name]
                found: Any = resolve_name(place) if isinstance(place, str) else place
            elif name in self.others:
                found = self._load(self.others[name])
            else:
                raise KeyError(name)
            self._loaded[name] = found() if isinstance(found, type) else found
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        yield from self.own
        yield from self._added
        yield from (name for name in self.others if name not in self._added)

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __contains__(self, name: object) -> bool:
        return name in self.own or name in self._added or name in self.others

    def whole(self, broken: list[str], prefix: str = "") -> dict[str, T]:
        """All whose name begins with `prefix`; of what cannot be imported `broken` gets a sentence each."""
        found = {}
        for name in (name for name in self if name.startswith(prefix)):
            try:
                found[name] = self[name]
            except DependencyError as error:
                broken.append(str(error))
        return found

    def forget(self) -> None:
        """Looks for entry points anew when it is next asked, as after a package was installed."""
        self.__dict__.pop("others", None)
        self._loaded.clear()

    def _load(self, point: EntryPoint) -> Any:
        try:
            return point.load()
        except Exception as error:  # whatever another package's module does when it is imported
            package = "another package" if point.dist is None else f"the package {point.dist.name}"
            raise DependencyError(
                f"{self.group} {point.name!r} of {package} cannot be loaded ({type(error).__name__}: {error}). "
                "Update that package, or remove it."
            ) from error
