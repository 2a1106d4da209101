"""Sounds on a page: players that hold their sound.

Knows arrays of samples and rates; never metrics, models or files.
"""

from __future__ import annotations

import base64
import io
import wave

import numpy as np
from markupsafe import Markup, escape

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
