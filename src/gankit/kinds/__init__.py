"""The kinds of data. Everything that is peculiar to one lives in its folder behind `base.Kind`; the rest of the house
talks to `KINDS` alone. Adding a kind is one folder and one line here, or an entry point of the group `gankit.kinds`.
"""

from __future__ import annotations

from typing import Any

from gankit.config import TrainConfig
from gankit.io.probe import Probe
from gankit.kinds.audio.kind import AudioKind
from gankit.kinds.base import Kind, Notes, Prepared, refuse_others
from gankit.kinds.images.kind import ImageKind
from gankit.kinds.numbers.kind import NumberKind, VectorKind
from gankit.kinds.series.kind import SeriesKind
from gankit.kinds.tables.kind import TableKind
from gankit.kinds.texts.kind import TextKind

KINDS: dict[str, Kind[Any, Any]] = {
    kind.name: kind
    for kind in (ImageKind(), AudioKind(), SeriesKind(), TextKind(), NumberKind(), VectorKind(), TableKind())
}
"""Every kind by its name. The first one that recognises a source reads it."""


def prepare(source: Any, config: TrainConfig, notes: Notes) -> Prepared[Any, Any]:
    """Reads, understands, splits and codes; decisions are appended to `notes`, one line each.

    Raises:
        DataError: the data cannot be read or learned from. OptionError: an option does not fit it.
    """
    probe = Probe(source)
    kind = KINDS.get(config.kind) or next(kind for kind in KINDS.values() if kind.recognises(probe, config))
    refuse_others(kind, config, KINDS.values())
    prepared = kind.prepare(probe, config, notes)
    if config.kind == "auto" and kind.is_guess:
        notes += [hint for other in KINDS.values() if (hint := other.hint(probe, config)) is not None]
    return prepared


__all__ = ["KINDS", "Kind", "Prepared", "prepare"]
