"""Players: a few recordings in the page itself, fakes beside real ones, so that one can listen.

Knows recordings and classes; never metrics' words or the page around the players.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from gankit.data import Recordings
from gankit.data.recordings import FULL
from gankit.report.sound import player, player_bytes
from gankit.report.tables import Head, Table

MOST_BYTES = 700_000
"""Of all players of a page together; a page stays under 2 MB."""

PER_CLASS, MOST_CLASSES = 3, 12


def players(
    fake: Recordings, fake_classes: np.ndarray | None, real: Recordings | None, real_classes: np.ndarray | None,
    names: Sequence[str],
) -> list[Table]:  # fmt: skip
    """A row a class, or one row where there are none: the first fakes, none chosen, and held-out recordings.

    real: None where no real recordings may be shown. The classes are numbers of `names`.
    """
    if not len(fake):
        return []
    shown = list(enumerate(names))[:MOST_CLASSES] if fake_classes is not None and len(names) else [(-1, "all")]
    each = player_bytes(int(fake.lengths.mean()), fake.x.shape[2], fake.rate)
    sides = 2 if real is not None else 1
    count = int(np.clip(MOST_BYTES / max(each * sides * len(shown), 1), 1, PER_CLASS))
    shown = shown[: max(1, int(MOST_BYTES / (each * sides * count)))]
    rows = []
    for k, name in shown:
        cells: list[str] = [name, _some(fake, fake_classes, k, count, f"fake of {name}")]
        if real is not None:
            cells.append(_some(real, real_classes, k, count, f"real recording of {name}"))
        rows.append(tuple(cells))
    heads = [Head("Class"), Head("Fakes"), *([Head("Real (held-out)")] if real is not None else [])]
    return [Table("Fakes to listen to, the first ones, none chosen", tuple(heads), tuple(rows), "gallery")]


def _some(recordings: Recordings, classes: np.ndarray | None, k: int, count: int, label: str) -> Markup:
    rows = np.arange(len(recordings)) if classes is None or k < 0 else np.flatnonzero(classes == k)
    parts = [_player(recordings, int(row), f"{label}, number {i + 1}") for i, row in enumerate(rows[:count])]
    return Markup("<br>").join(parts) if parts else Markup("–")


def _player(recordings: Recordings, row: int, label: str) -> Markup:
    sound = recordings.x[row, : int(recordings.lengths[row])]
    return player(sound / np.float64(FULL), recordings.rate, label)
