"""The kinds of data. Everything that is peculiar to one lives in its folder behind `base.Kind`; all others talk to
`KINDS` alone. Adding a kind is one folder and one line here, or an entry point of the group `gankit.kinds`.

Importing this module imports no kind and nothing heavy: what can be set is known without them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Literal

from gankit.errors import DependencyError, OptionError
from gankit.kinds.audio.options import OPTIONS as AUDIO
from gankit.kinds.images.options import OPTIONS as IMAGES
from gankit.kinds.series.options import OPTIONS as SERIES
from gankit.kinds.tables.options import OPTIONS as TABLES
from gankit.kinds.texts.options import OPTIONS as TEXTS
from gankit.options import checked, nearest, options_of
from gankit.registry import Registry

if TYPE_CHECKING:
    from gankit.config import TrainConfig
    from gankit.kinds.base import Kind, Notes, Prepared
    from gankit.kinds.options import Options

Command = Literal["train", "sample", "evaluate"]

_OWN: dict[str, tuple[str, Options]] = {
    "image": ("gankit.kinds.images.kind:ImageKind", IMAGES),
    "audio": ("gankit.kinds.audio.kind:AudioKind", AUDIO),
    "series": ("gankit.kinds.series.kind:SeriesKind", SERIES),
    "text": ("gankit.kinds.texts.kind:TextKind", TEXTS),
    "number": ("gankit.kinds.tables.kind:NumberKind", TABLES),
    "vector": ("gankit.kinds.tables.kind:VectorKind", TABLES),
    "table": ("gankit.kinds.tables.kind:TableKind", TABLES),
}
"""Where each of gankit's own kinds is, and its options; the first one that recognises a source reads it."""

KINDS: Registry[Kind[Any, Any]] = Registry("gankit.kinds", {name: place for name, (place, _) in _OWN.items()})
"""Every kind by its name, gankit's own and those of other packages."""


def options_by_kind(command: Command) -> dict[str, type[Any]]:
    """The options that kinds add to a command, by the kind's name: dataclasses. No kind that cannot be loaded."""
    stated = {name: options for name, (_, options) in _OWN.items()}
    for name in KINDS.others:
        with suppress(DependencyError):
            stated[name] = KINDS[name].options
    return {name: getattr(options, command) for name, options in stated.items()}


def options_for(kind: Kind[Any, Any], command: Command, values: Mapping[str, Any], this: str) -> Any:
    """The options of a kind for a command, checked: its dataclass.

    Args:
        kind: whose options they must be.
        values: those that were set; values of other kinds' options are let pass where they change nothing.
        this: what is at hand, as in "--size is for images, and this data is none".

    Raises:
        OptionError: there is no such option, it is for other kinds, or its value is not possible.
    """
    mine = {o.name: o for o in options_of(getattr(kind.options, command))}
    chosen = {}
    for name, value in values.items():
        if name in mine:
            chosen[name] = checked(mine[name], value, f"train: {name}" if command == "train" else mine[name].flag)
            continue
        every = options_by_kind(command)
        others = {k: o for k, cls in every.items() for o in options_of(cls) if o.name == name}
        if not others:
            known = {f.name for cls in every.values() for f in fields(cls)}
            raise OptionError(f"{command}: there is no option {name!r}.{nearest(name, known)}")
        if any(checked(option, value, option.flag) != option.default for option in others.values()):
            described = " and ".join(dict.fromkeys(KINDS[k].described for k in others))
            flag = next(iter(others.values())).flag
            raise OptionError(f"{flag} is for {described}, and {this}. Leave it out.")
    return getattr(kind.options, command)(**chosen)


def prepare(
    source: Any, config: TrainConfig, notes: Notes, settle: Callable[[str, TrainConfig], TrainConfig] | None = None
) -> Prepared[Any, Any]:
    """Reads, understands, splits and codes; decisions are appended to `notes`, one line each.

    settle: from the name of the kind and the config to the config that is obeyed.

    Raises:
        DataError: the data cannot be read or learned from. OptionError: an option does not fit it.
    """
    from gankit.io.formats import FORMATS
    from gankit.io.probe import Probe
    from gankit.io.reading import refuse_options

    with Probe(source) as probe:
        if config.kind == "auto":
            every = KINDS.whole(notes)
            asked = [*(every[name] for name in KINDS.others if name in every), *(every[name] for name in KINDS.own)]
            kind = next(kind for kind in asked if kind.recognises(probe, config))
        elif config.kind in KINDS:
            every, kind = {}, KINDS[config.kind]
        else:
            raise OptionError(f"--kind {config.kind}: there is no such kind.{nearest(config.kind, KINDS)}")
        own = options_for(kind, "train", config.of_kinds, "this data is none")
        config = replace(config, of_kinds={f.name: getattr(own, f.name) for f in fields(own)})
        prepared = kind.prepare(probe, config if settle is None else settle(kind.name, config), notes)
        if (format := FORMATS.get(prepared.origin.format)) is not None:
            refuse_options(config, ("format", *format.obeys), f"{probe.place}, which is {format.name}")
        elif not (probe.is_bytes or probe.is_folder):
            refuse_options(config, (), probe.place)
        if config.kind == "auto" and kind.is_guess:
            notes += [hint for other in every.values() if (hint := other.hint(probe, config)) is not None]
        return prepared


__all__ = ["KINDS", "options_by_kind", "options_for", "prepare"]
