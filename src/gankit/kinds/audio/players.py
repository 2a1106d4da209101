"""Players on a page: a few clips, synthetic beside real, as sounds that the page itself holds.

Knows samples of sound; never models or metrics.
"""

from __future__ import annotations

import base64
import io
import wave
from collections.abc import Sequence

import numpy as np
from markupsafe import Markup, escape

from gankit.kinds.audio.records import FULL, Clips
from gankit.report.section import Head, Table

MOST_BYTES = 700_000
"""Of all players of a page together; a page stays under 2 MB."""

PER_CLASS, MOST_CLASSES = 3, 12


def players(
    fake: Clips, fake_classes: np.ndarray | None, real: Clips | None, real_classes: np.ndarray | None,
    names: Sequence[str],
) -> list[Table]:  # fmt: skip
    """A row a class, or one row where there are none: the first fakes, none chosen, and held-out audio clips.

    real: None where no real audio clips may be shown. The classes are numbers of `names`.
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
            cells.append(_some(real, real_classes, k, count, f"real audio clip of {name}"))
        rows.append(tuple(cells))
    heads = [Head("Class"), Head("Fakes"), *([Head("Real (held-out)")] if real is not None else [])]
    return [Table("Fakes to listen to, the first ones, none chosen", tuple(heads), tuple(rows), "gallery")]


def _some(clips: Clips, classes: np.ndarray | None, k: int, count: int, label: str) -> Markup:
    rows = np.arange(len(clips)) if classes is None or k < 0 else np.flatnonzero(classes == k)
    parts = [_player(clips, int(row), f"{label}, number {i + 1}") for i, row in enumerate(rows[:count])]
    return Markup("<br>").join(parts) if parts else Markup("–")


def _player(clips: Clips, row: int, label: str) -> Markup:
    sound = clips.x[row, : int(clips.lengths[row])]
    return player(sound / np.float64(FULL), clips.rate, label)


LONGEST_S = 4.0
"""Seconds of a sound that a page holds."""


def wav(x: np.ndarray, rate: int) -> bytes:
    """A sound as a WAV file of 16 bits: x [T] or [T, 1 or 2] in [-1, 1]; NaN behind its end is left out."""
    x = x.reshape(len(x), -1)
    known = np.flatnonzero(np.isfinite(x).all(1))
    x = np.nan_to_num(x[: int(known[-1]) + 1 if len(known) else 1])
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(x.shape[1])
        file.setsampwidth(2)
        file.setframerate(int(rate))
        file.writeframes(np.rint(np.clip(x, -1, 1) * 32767).astype("<i2").tobytes())
    return out.getvalue()


def player(x: np.ndarray, rate: int, label: str) -> Markup:
    """An <audio> element that holds the sound's first `LONGEST_S` seconds; nothing is loaded from elsewhere."""
    data = base64.b64encode(wav(x[: max(1, int(LONGEST_S * rate))], rate)).decode("ascii")
    return Markup(
        f'<audio controls preload="none" aria-label="{escape(label)}" src="data:audio/wav;base64,{data}"></audio>'
    )


def player_bytes(steps: int, channels: int, rate: int) -> int:
    """About how many characters a player takes."""
    return 200 + int(min(steps, LONGEST_S * rate)) * channels * 2 * 4 // 3
