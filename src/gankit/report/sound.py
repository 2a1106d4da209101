"""Sounds on a page: players that hold their sound, and spectrograms as images.

Knows arrays of samples and rates; never metrics, models or files.
"""

from __future__ import annotations

import base64
import io
import wave

import numpy as np
from markupsafe import Markup, escape

from gankit.report.picture_panels import embedded

LONGEST_S = 4.0
"""Seconds of a sound that a page holds."""

_FRAMES, _BINS = 96, 48
_HEIGHT, _WIDTH = 96, 240
_RANGE_DB = 60.0
# Dark to light, steady in lightness and told apart by colour-blind readers (after the map "magma").
_COLOURS = np.array(
    [
        [0, 0, 4], [40, 17, 89], [101, 26, 128], [159, 47, 127], [222, 73, 104], [252, 137, 97], [254, 201, 141],
        [252, 253, 191],
    ],
    np.float64,
)  # fmt: skip


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


def spectrogram(x: np.ndarray, rate: int, alt: str) -> Markup:
    """The spectrogram of a sound [T] as an image: time from left to right, frequency upward on mel's scale.

    Power in 48 bands from 0 to half the rate; 60 dB from dark to light, the loudest at the top of the scale.
    """
    return embedded(coloured(levels(x, rate)), alt, lossless=False)


def levels(x: np.ndarray, rate: int) -> np.ndarray:
    """How loud each band is in each frame: [T] -> [48, frames] float64 in [0, 1], the lowest band first."""
    known = np.nan_to_num(np.asarray(x, np.float64))
    size = 2 ** int(np.clip(np.round(np.log2(max(rate, 1) * 0.032)), 5, 11))
    known = np.pad(known, (0, max(0, size - len(known))))
    hop = max(1, (len(known) - size) // max(_FRAMES - 1, 1), size // 8)
    starts = np.arange(0, len(known) - size + 1, hop)
    frames = known[starts[:, None] + np.arange(size)] * np.hanning(size)
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2  # [frames, size / 2 + 1]
    mel = 2595 * np.log10(1 + np.fft.rfftfreq(size, 1 / rate) / 700)
    edges = np.linspace(0, mel[-1], _BINS + 2)
    weight = np.maximum(0, 1 - np.abs(mel[None] - edges[1:-1, None]) / (edges[1] - edges[0]))
    # a band so narrow that no frequency falls into it takes the nearest one
    empty = np.flatnonzero(weight.sum(1) == 0)
    weight[empty, np.abs(mel[None] - edges[1:-1][empty, None]).argmin(1)] = 1
    banded = (weight / weight.sum(1, keepdims=True)) @ power.T
    decibels = 10 * np.log10(np.maximum(banded, 1e-12))
    return np.asarray(np.clip(1 + (decibels - decibels.max()) / _RANGE_DB, 0, 1))


def coloured(level: np.ndarray) -> np.ndarray:
    """Levels [bands, frames] in [0, 1] as a picture [height, width, 3] uint8, the lowest band at the bottom."""
    rows = np.linspace(0, level.shape[0] - 1, _HEIGHT).round().astype(int)[::-1]
    columns = np.linspace(0, level.shape[1] - 1, _WIDTH).round().astype(int)
    place = level[rows][:, columns] * (len(_COLOURS) - 1)
    low = np.minimum(place.astype(int), len(_COLOURS) - 2)
    share = (place - low)[:, :, None]
    return np.asarray(np.rint(_COLOURS[low] * (1 - share) + _COLOURS[low + 1] * share).astype(np.uint8))
