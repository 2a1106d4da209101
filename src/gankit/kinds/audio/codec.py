"""Audio clips to tensors and back: as mel spectrograms in decibels, or sample by sample.

Knows samples and frequencies; never files, torch or networks.

A spectrogram keeps loudness and loses phase. It comes back by the fast Griffin-Lim algorithm (Perraudin et al. 2013,
"A Fast Griffin-Lim Algorithm"): from a guess of the phases to a signal and back to its phases, again and again, with
the loudness kept.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Annotated, Any, Self

import numpy as np
import numpy.typing as npt

from gankit.columns.codec import Codec, Columns
from gankit.columns.column import Values
from gankit.columns.schema import Column
from gankit.spec import Block, Spec
from gankit.stored import Size, Stored, made, one_of

Floats = npt.NDArray[np.float32]

WINDOW_S = 0.064
"""Seconds of a frame, about (a power of two of samples): long enough to tell the harmonics of a voice apart."""

OVERLAP = 4
"""Frames that lie over a sample: with fewer the phases do not come back."""

FEWEST_FRAMES = 16
"""An audio clip has at least so many frames, if need be shorter ones."""

SPAN_DB = 80.0
"""Decibels from the loudest to what counts as silence."""

ITERATIONS, MOMENTUM = 32, 0.99
"""Of the fast Griffin-Lim algorithm; Perraudin et al. found .99 best."""

SOUND, LENGTH = "audio", "length"
"""The columns that audio clips are, beside their labels: samples int16 [N, T, C], and how many of them are sound."""

LOUD_QUANTILE = 0.999
"""The loudest of a thousand training audio clips may be cut."""

MOST_FITTED = 1000
"""Training audio clips, at most, that loudness and ends are measured on."""

AUDIBLE = 8
"""A frame counts as sound where a band of its image, in bytes, is above this: 2.5 dB above silence."""

FULL_SCALE = 32768.0
"""Samples of 16 bits are numbers in [-1, 1] when they are divided by this."""

_QUIET_DB = -200.0
_TINY = 1e-12
_LEAST_ENVELOPE = 1e-2


def frame_of(rate: int, length: int) -> int:
    """Samples of a frame, a power of two of at least 16.

    >>> frame_of(8000, 8192), frame_of(44100, 44100), frame_of(8000, 512)
    (512, 2048, 128)
    """
    frame, most = 16, min(OVERLAP * length // FEWEST_FRAMES, 1.2 * WINDOW_S * rate)
    while frame * 2 <= most:
        frame *= 2
    return frame


def bands_of(rate: int, frame: int) -> int:
    """Bands of pitch: more where higher pitches can be heard, and never more than frequencies.

    >>> bands_of(8000, 512), bands_of(16000, 1024), bands_of(44100, 2048), bands_of(8000, 32)
    (64, 80, 128, 16)
    """
    return min(64 if rate < 12000 else 80 if rate < 25000 else 128, frame // 2)


def _mel(hertz: Any) -> Any:
    """O'Shaughnessy 1987: 2595 log10(1 + f / 700)."""
    return 2595 * np.log10(1 + hertz / 700)


def _hertz(mel: Any) -> Any:
    return 700 * (10 ** (mel / 2595) - 1)


@dataclass(frozen=True)
class Spectrum(Stored):
    """How audio clips of one rate and length become spectrograms [frames, bands].

    rate: samples a second. length: samples. frame: samples of a frame; a new one starts every quarter of it.
    bands: of pitch, evenly spaced in mel.
    """

    rate: Size
    length: Size
    frame: Size
    bands: Size

    def __post_init__(self) -> None:
        if self.frame % OVERLAP or self.bands > self.frame // 2 or self.frame > max(16, OVERLAP * self.length):
            raise ValueError("there is no such spectrogram")

    @classmethod
    def of(cls, rate: int, length: int) -> Spectrum:
        """What suits audio clips of that rate and length."""
        frame = frame_of(rate, length)
        return cls(rate, length, frame, bands_of(rate, frame))

    @property
    def hop(self) -> int:
        """Samples from one frame to the next."""
        return self.frame // OVERLAP

    @property
    def frames(self) -> int:
        """Frames of an audio clip."""
        return -(-self.length // self.hop)

    @cached_property
    def _taper(self) -> Any:
        return np.hanning(self.frame + 1)[:-1].astype(np.float32)

    @cached_property
    def _lead(self) -> int:
        """Samples by which the first frame begins before the clip, so that it lies over the first hop's middle."""
        return (self.frame - self.hop) // 2

    @cached_property
    def _centres(self) -> Any:
        return _hertz(np.linspace(0, _mel(self.rate / 2), self.bands + 2))

    @cached_property
    def _frequencies(self) -> Any:
        return np.linspace(0, self.rate / 2, self.frame // 2 + 1)

    @cached_property
    def _gather(self) -> Any:
        """[frequencies, bands]: the weights of triangles between neighbouring bands, each band's of sum 1.

        Where a triangle is narrower than the distance of two frequencies it is as wide as that.
        """
        low, centre, high = (self._centres[i : i + self.bands] for i in range(3))
        step = self._frequencies[1]
        rise, fall = np.maximum(centre - low, step), np.maximum(high - centre, step)
        f = self._frequencies[:, None]
        found = np.maximum(0, np.minimum(1 - (centre - f) / rise, 1 - (f - centre) / fall))
        return (found / found.sum(0)).astype(np.float32)

    @cached_property
    def _spread(self) -> Floats:
        """[bands, frequencies]: loudness goes in a straight line from centre to centre, and stays beyond them."""
        rows = [np.interp(self._frequencies, self._centres[1:-1], one) for one in np.eye(self.bands)]
        return np.stack(rows).astype(np.float32)

    @cached_property
    def _envelope(self) -> Floats:
        """What overlapping frames sum to at each sample, [length]."""
        return np.maximum(self._overlapped((self._taper**2).reshape(1, OVERLAP, self.hop)), _LEAST_ENVELOPE)

    def _overlapped(self, parts: Any) -> Floats:
        """The sum of frames where they lie over each other: [frames or 1, OVERLAP, hop] -> [length]."""
        whole = np.zeros((self.frames + OVERLAP, self.hop), np.float32)
        for i in range(OVERLAP):
            whole[i : i + self.frames] += parts[:, i]
        return whole.reshape(-1)[self._lead : self._lead + self.length]

    def transform(self, signal: Floats) -> Any:
        """The frames' Fourier transforms, [length] -> complex64 [frames, frame / 2 + 1]."""
        from scipy.fft import rfft

        behind = (self.frames + OVERLAP) * self.hop - self.length - self._lead
        whole = np.pad(signal, (self._lead, behind))
        cut = np.lib.stride_tricks.sliding_window_view(whole, self.frame)[:: self.hop][: self.frames]
        return rfft(cut * self._taper, axis=1)

    def signal(self, transforms: Any) -> Floats:
        """The signal whose transforms are nearest to these (Griffin and Lim 1984, eq. 6), [length]."""
        from scipy.fft import irfft

        parts = (irfft(transforms, self.frame, axis=1) * self._taper).reshape(self.frames, OVERLAP, self.hop)
        return self._overlapped(parts) / self._envelope

    def decibels(self, signal: Floats) -> Any:
        """Loudness over time and pitch, [length] of full scale 1 -> [frames, bands] float32."""
        return 20 * np.log10(np.abs(self.transform(signal)) @ self._gather + _TINY)

    def sound(self, decibels: Floats) -> Floats:
        """A signal of that loudness, [frames, bands] -> [length]; the same for the same."""
        loudness = (10 ** (np.maximum(decibels @ self._spread, _QUIET_DB) / 20)).astype(np.float32)
        current, before = loudness * _phases(self.frames, self.frame // 2 + 1), None
        for _ in range(ITERATIONS):
            found = self.transform(self.signal(current))
            ahead = found if before is None else found + MOMENTUM * (found - before)
            before = found
            current = loudness * (ahead / np.maximum(np.abs(ahead), _TINY))
        return self.signal(current)


@lru_cache(maxsize=4)
def _phases(frames: int, frequencies: int) -> Any:
    """The guess that phases start from: any, but always the same."""
    turns = np.random.default_rng(0).random((frames, frequencies))
    return np.exp(2j * np.pi * turns).astype(np.complex64)


class AudioCodec(Codec[Columns]):
    """The codec of kind "audio".

    spectrum: how an audio clip becomes a spectrogram. channels: 1 or 2.
    top: decibels of the loudest band of the loudest audio clip; what is `SPAN_DB` below it is silence.
    trims: whether audio clips end before their padding does, so that silence behind the end is cut off.
    lag: samples by which frames sound on behind the end of an audio clip, the median over training audio clips.
    peak: the loudest sample of the training part, in [0, 1) (below full scale, where clipped ones lie): a louder audio
        clip is made quieter as a whole. None, of codecs from before it was known: samples are cut to full scale.
    """

    view: str

    def __init__(
        self,
        spectrum: Spectrum,
        channels: Annotated[int, range(1, 3)],
        top: float,
        trims: bool,
        lag: int,
        peak: float | None = None,
    ) -> None:
        self.spectrum, self.channels, self.top, self.trims, self.lag = spectrum, channels, top, trims, lag
        self.peak = peak
        self.spec = self._spec()

    @classmethod
    def fit(cls, columns: Sequence[Column], records: Columns, rate: int = 0) -> Self:
        """The codec for audio clips of the training part, of so many samples a second."""
        x, lengths = records[SOUND].data, records[LENGTH].data
        spectrum = Spectrum.of(rate, x.shape[1])
        rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), MOST_FITTED)).astype(int))
        loudest = [max(spectrum.decibels(_signal(x[row], c)).max() for c in range(x.shape[2])) for row in rows]
        trims = bool((lengths < x.shape[1]).any())
        peak = min(max(int(x.max()), -int(x.min())), FULL_SCALE - 2) / FULL_SCALE
        codec = cls(spectrum, x.shape[2], float(np.quantile(loudest, LOUD_QUANTILE)), trims, 0, peak)
        shorter = rows[lengths[rows] < x.shape[1]]
        if len(shorter):
            codec.lag = int(np.median(codec._ends(codec.spectrograms(x[shorter])) - lengths[shorter]))
        return codec

    def unlike(self, other: AudioCodec) -> str | None:
        """See `Codec.unlike`."""
        if self.spectrum.rate != other.spectrum.rate:
            rate = other.spectrum.rate
            return (
                f"its audio clips have {rate:,} samples a second, and these {self.spectrum.rate:,}. Give --rate {rate}"
            )
        said = (
            f"its audio clips have {other.channels} channels, and these {self.channels}. Give --mono in both trainings"
        )
        return None if self.channels == other.channels else said

    def spectrograms(self, x: np.ndarray) -> np.ndarray:
        """Audio clips as images, [N, T, C] int16 -> [N, bands, frames, C] uint8.

        Time goes to the right and pitch up; 0 = silence, 255 = the loudest.
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
        return np.asarray(np.minimum(last * self.spectrum.hop, self.spectrum.length))

    def _lengths(self, images: np.ndarray) -> np.ndarray:
        """How many samples of each are to be kept, [N] int64: at least a frame, all where nothing is trimmed."""
        if not self.trims:
            return np.full(len(images), self.spectrum.length, np.int64)
        least = min(self.spectrum.frame, self.spectrum.length)
        ends = self._ends(images)
        # who sounds to the last frame has no end within the audio clip
        found = np.where(ends == self.spectrum.length, ends, ends - self.lag)
        return np.clip(found, least, self.spectrum.length).astype(np.int64)

    def _samples(self, signals: Floats) -> np.ndarray:
        """Signals [N, T, C] as int16: one louder than any training audio clip is made as loud as the loudest."""
        if self.peak is not None:
            loudest = np.abs(signals).max(axis=(1, 2), keepdims=True)
            signals = signals * np.minimum(1, self.peak / np.maximum(loudest, _TINY)).astype(np.float32)
        return np.asarray(np.clip(np.rint(signals * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1).astype(np.int16))

    @abstractmethod
    def seen(self, compact: np.ndarray) -> np.ndarray:
        """Compact records as the images that metrics look at, [N, bands, frames, C] uint8."""

    @abstractmethod
    def _spec(self) -> Spec:
        """The records as tensors."""

    def to_json(self) -> dict[str, Any]:
        """See `Codec.to_json`."""
        return {"view": self.view, **super().to_json()}

    @classmethod
    def from_json(cls, value: Any) -> Any:
        """See `Stored.from_json`."""
        return made(VIEWS[one_of(VIEWS, value, "view")], value)


def _signal(x: np.ndarray, channel: int) -> Any:
    return x[:, channel].astype(np.float32) / np.float32(FULL_SCALE)


def sound_values(x: np.ndarray, lengths: np.ndarray) -> dict[str, Values]:
    """Audio clips as parsed columns. x: [N, T, C] int16. lengths: [N] samples that are no padding."""
    here = np.zeros(len(x), dtype=np.int8)
    return {SOUND: Values(x, here), LENGTH: Values(lengths, here)}


def _values(x: np.ndarray, lengths: np.ndarray) -> dict[str, Values]:
    x[np.arange(x.shape[1]) >= lengths[:, None]] = 0
    return sound_values(x, lengths)


class SpectrogramCodec(AudioCodec):
    """Audio clips as images. Their compact form are the bytes of `spectrograms`, [N, bands, frames, C] uint8."""

    view = "spectrogram"

    def _spec(self) -> Spec:
        return Spec("image", (self.channels, self.spectrum.bands, self.spectrum.frames))

    def encode(self, records: Columns) -> np.ndarray:
        """See `Codec.encode`: [N, bands, frames, C] uint8."""
        return self.spectrograms(records[SOUND].data)

    def seen(self, compact: np.ndarray) -> np.ndarray:
        """See `AudioCodec.seen`: as they are, for turning them into sound takes as long as making them."""
        return compact

    def decode(self, compact: np.ndarray) -> dict[str, Values]:
        """See `Codec.decode`: from [N, bands, frames, C] uint8. Each audio clip depends on its own image alone."""
        x = np.empty((len(compact), self.spectrum.length, self.channels), np.int16)
        for row, image in enumerate(compact):
            level = (image.astype(np.float32) / 255 - 1) * SPAN_DB + self.top
            level[image == 0] = _QUIET_DB
            signal = np.stack([self.spectrum.sound(level[::-1, :, c].T) for c in range(self.channels)], axis=1)
            x[row] = self._samples(signal[None])[0]
        return _values(x, self._lengths(compact))


class WaveCodec(AudioCodec):
    """Audio clips as sequences of samples. Their compact form are numbers in [-1, 1], [N, T, C] float32."""

    view = "wave"

    def _spec(self) -> Spec:
        return Spec("sequence", (self.spectrum.length, self.channels), (Block("continuous", self.channels),))

    def encode(self, records: Columns) -> np.ndarray:
        """See `Codec.encode`."""
        return records[SOUND].data / np.float32(FULL_SCALE)

    def seen(self, compact: np.ndarray) -> np.ndarray:
        """See `AudioCodec.seen`."""
        return self.spectrograms(self.decode(compact)[SOUND].data)

    def decode(self, compact: np.ndarray) -> dict[str, Values]:
        """See `Codec.decode`."""
        x = self._samples(compact)
        return _values(x, self._lengths(self.spectrograms(x)))


VIEWS: dict[str, type[SpectrogramCodec] | type[WaveCodec]] = {"spectrogram": SpectrogramCodec, "wave": WaveCodec}
"""How audio clips can be shown to networks."""
