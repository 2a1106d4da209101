"""Audio clips to tensors and back: as images of their loudness over time and pitch, or sample by sample.

Knows samples, lengths and Spec; never files, torch or networks.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

import numpy as np

from gankit.columns.cells import Values
from gankit.columns.codec import Codec, Columns
from gankit.columns.schema import Column
from gankit.kinds.audio.spectrum import SPAN_DB, Spectrum
from gankit.spec import Block, Spec

SOUND, LENGTH = "audio", "length"
"""The columns that audio clips are, beside their labels: samples int16 [N, T, C], and how many of them are sound."""

LOUD_QUANTILE = 0.999
"""The loudest of a thousand training audio clips may be cut."""

MOST_FITTED = 1000
"""Training audio clips, at most, that loudness and ends are measured on."""

AUDIBLE = 8
"""A frame counts as sound where a band of its image, in bytes, is above this: 2.5 dB above silence."""

_FULL = 32768.0


class AudioCodec(Codec[Columns]):
    """The codec of kind "audio".

    Args:
        spectrum: how an audio clip becomes a spectrogram.
        channels: 1 or 2.
        top: decibels of the loudest band of the loudest audio clip; what is `SPAN_DB` below it is silence.
        trims: whether audio clips end before their padding does, so that silence behind the end is cut off.
        lag: samples by which frames sound on behind the end of an audio clip, the median over training audio clips.
    """

    view: str

    def __init__(self, spectrum: Spectrum, channels: int, top: float, trims: bool, lag: int) -> None:
        self.spectrum, self.channels, self.top, self.trims, self.lag = spectrum, channels, top, trims, lag
        self.spec = self._spec()

    @classmethod
    def fit(cls, columns: Sequence[Column], records: Columns, rate: int = 0) -> Self:
        """The codec for audio clips of the training part, of so many samples a second."""
        x, lengths = records[SOUND].data, records[LENGTH].data
        spectrum = Spectrum.of(rate, x.shape[1])
        rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_FITTED)).astype(int))
        loudest = [max(spectrum.decibels(_signal(x[row], c)).max() for c in range(x.shape[2])) for row in rows]
        trims = bool((lengths < x.shape[1]).any())
        codec = cls(spectrum, x.shape[2], float(np.quantile(loudest, LOUD_QUANTILE)), trims, 0)
        shorter = rows[lengths[rows] < x.shape[1]]
        if not trims or not len(shorter):
            return codec
        ends = codec._ends(codec.look(x[shorter]))
        return cls(spectrum, x.shape[2], codec.top, trims, int(np.median(ends - lengths[shorter])))

    def look(self, x: np.ndarray) -> np.ndarray:
        """Audio clips as images.

        Args:
            x: [N, T, C] int16.

        Returns:
            [N, bands, frames, C] uint8: time goes to the right and pitch up; 0 = silence, 255 = the loudest.
        """
        found = np.empty((len(x), self.spectrum.bands, self.spectrum.frames, self.channels), np.uint8)
        for row, one in enumerate(x):
            for c in range(self.channels):
                level = (self.spectrum.decibels(_signal(one, c)) - self.top) / SPAN_DB + 1
                found[row, :, :, c] = np.clip(np.rint(255 * level), 0, 255).T[::-1]
        return found

    def _ends(self, images: np.ndarray) -> np.ndarray:
        """Where the last frame that sounds has its end, [N]; 0 where none does."""
        sounds = images.max((1, 3)) > AUDIBLE  # [N, frames]
        last = np.where(sounds.any(1), self.spectrum.frames - np.argmax(sounds[:, ::-1], axis=1), 0)
        ends: np.ndarray = np.minimum(last * self.spectrum.hop, self.spectrum.length)
        return ends

    def _lengths(self, images: np.ndarray) -> np.ndarray:
        """How many samples of each are to be kept, [N] int64: at least a frame, all where nothing is trimmed."""
        if not self.trims:
            return np.full(len(images), self.spectrum.length, np.int64)
        least = min(self.spectrum.frame, self.spectrum.length)
        ends = self._ends(images)
        # who sounds to the last frame has no end within the audio clip
        found = np.where(ends == self.spectrum.length, ends, ends - self.lag)
        return np.clip(found, least, self.spectrum.length).astype(np.int64)

    @abstractmethod
    def seen(self, compact: np.ndarray) -> np.ndarray:
        """Compact records as the images that metrics look at, [N, bands, frames, C] uint8."""

    @abstractmethod
    def _spec(self) -> Spec:
        """The records as tensors."""

    def to_json(self) -> dict[str, Any]:
        """See `Codec.to_json`."""
        return {
            "view": self.view, "spectrum": asdict(self.spectrum), "channels": self.channels, "top": self.top,
            "trims": self.trims, "lag": self.lag,
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> AudioCodec:
        """The codec that `to_json` wrote."""
        spectrum = Spectrum(**value["spectrum"])
        return VIEWS[value["view"]](spectrum, value["channels"], value["top"], value["trims"], value["lag"])


def _signal(x: np.ndarray, channel: int) -> Any:
    return x[:, channel].astype(np.float32) / np.float32(_FULL)


def _samples(signal: Any) -> Any:
    return np.clip(np.rint(signal * _FULL), -_FULL, _FULL - 1).astype(np.int16)


def sound_values(x: np.ndarray, lengths: np.ndarray) -> dict[str, Values]:
    """Audio clips as parsed columns. x: [N, T, C] int16. lengths: [N] samples that are no padding."""
    here = np.zeros(len(x), dtype=np.int8)
    return {SOUND: Values(x, here), LENGTH: Values(lengths, here)}


def _values(x: np.ndarray, lengths: np.ndarray) -> dict[str, Values]:
    x[np.arange(x.shape[1]) >= lengths[:, None]] = 0
    return sound_values(x, lengths)


class SpectrogramCodec(AudioCodec):
    """Audio clips as images. Their compact form are the bytes of `look`, [N, bands, frames, C] uint8."""

    view = "spectrogram"

    def _spec(self) -> Spec:
        return Spec("image", (self.channels, self.spectrum.bands, self.spectrum.frames))

    def encode(self, records: Columns) -> np.ndarray:
        """See `Codec.encode`: [N, bands, frames, C] uint8."""
        return self.look(records[SOUND].data)

    def seen(self, compact: np.ndarray) -> np.ndarray:
        """See `AudioCodec.seen`: how loud they are, before they are turned into sound, which takes as long as making
        them.
        """
        return compact

    def decode(self, compact: np.ndarray) -> dict[str, Values]:
        """See `Codec.decode`: from [N, bands, frames, C] uint8. Each audio clip depends on its own image alone."""
        x = np.empty((len(compact), self.spectrum.length, self.channels), np.int16)
        for row, image in enumerate(compact):
            level = (image.astype(np.float32) / 255 - 1) * SPAN_DB + self.top
            level[image == 0] = -200.0
            for c in range(self.channels):
                x[row, :, c] = _samples(self.spectrum.sound(level[::-1, :, c].T))
        return _values(x, self._lengths(compact))


class WaveCodec(AudioCodec):
    """Audio clips as sequences of samples. Their compact form are numbers in [-1, 1], [N, T, C] float32."""

    view = "wave"

    def _spec(self) -> Spec:
        return Spec("sequence", (self.spectrum.length, self.channels), (Block("continuous", self.channels),))

    def encode(self, records: Columns) -> np.ndarray:
        """See `Codec.encode`."""
        x = records[SOUND].data
        return x / np.float32(_FULL)

    def seen(self, compact: np.ndarray) -> np.ndarray:
        """See `AudioCodec.seen`."""
        return self.look(self.decode(compact)[SOUND].data)

    def decode(self, compact: np.ndarray) -> dict[str, Values]:
        """See `Codec.decode`."""
        x = _samples(compact)
        return _values(x, self._lengths(self.look(x)))


VIEWS: dict[str, type[SpectrogramCodec] | type[WaveCodec]] = {"spectrogram": SpectrogramCodec, "wave": WaveCodec}
"""How audio clips can be shown to networks."""
