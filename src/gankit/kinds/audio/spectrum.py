"""Sound to images of its loudness over time and pitch, and back: mel spectrograms in decibels, and their inversion.

Knows samples and frequencies; never files, torch or networks.

A spectrogram keeps loudness and loses phase. It comes back by the fast Griffin-Lim algorithm (Perraudin et al. 2013,
"A Fast Griffin-Lim Algorithm"): from a guess of the phases to a signal and back to its phases, again and again, with
the loudness kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

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

_QUIET_DB = -200.0
_TINY = 1e-12
_LEAST_ENVELOPE = 1e-2


def frame_of(rate: int, length: int) -> int:
    """Samples of a frame, a power of two of at least 16.

    >>> frame_of(8000, 8192), frame_of(44100, 44100), frame_of(8000, 512)
    (512, 2048, 128)
    """
    most = OVERLAP * length // FEWEST_FRAMES
    frame = 16
    while frame * 2 <= min(most, 1.2 * WINDOW_S * rate):
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
class Spectrum:
    """How audio clips of one rate and length become spectrograms [frames, bands].

    rate: samples a second. length: samples. frame: samples of a frame; a new one starts every quarter of it.
    bands: of pitch, evenly spaced in mel.
    """

    rate: int
    length: int
    frame: int
    bands: int

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
    def _taper(self) -> Floats:
        found: Floats = np.hanning(self.frame + 1)[:-1].astype(np.float32)
        return found

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
    def _gather(self) -> Floats:
        """[frequencies, bands]: the weights of triangles between neighbouring bands, each band's of sum 1.

        Where a triangle is narrower than the distance of two frequencies it is as wide as that.
        """
        low, centre, high = (self._centres[i : i + self.bands] for i in range(3))
        step = self._frequencies[1]
        rise, fall = np.maximum(centre - low, step), np.maximum(high - centre, step)
        f = self._frequencies[:, None]
        found = np.maximum(0, np.minimum(1 - (centre - f) / rise, 1 - (f - centre) / fall))
        weights: Floats = (found / found.sum(0)).astype(np.float32)
        return weights

    @cached_property
    def _spread(self) -> Floats:
        """[bands, frequencies]: loudness goes in a straight line from centre to centre, and stays beyond them."""
        each = np.eye(self.bands)
        columns = [np.interp(self._frequencies, self._centres[1:-1], one) for one in each]
        return np.stack(columns).astype(np.float32)

    @cached_property
    def _envelope(self) -> Floats:
        """What overlapping frames sum to at each sample, [length]."""
        whole = np.zeros((self.frames + OVERLAP, self.hop), np.float32)
        squares = (self._taper**2).reshape(OVERLAP, self.hop)
        for i in range(OVERLAP):
            whole[i : i + self.frames] += squares[i]
        return np.maximum(whole.reshape(-1)[self._lead : self._lead + self.length], _LEAST_ENVELOPE)

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
        whole = np.zeros((self.frames + OVERLAP, self.hop), np.float32)
        for i in range(OVERLAP):
            whole[i : i + self.frames] += parts[:, i]
        found: Floats = whole.reshape(-1)[self._lead : self._lead + self.length] / self._envelope
        return found

    def decibels(self, signal: Floats) -> Floats:
        """Loudness over time and pitch, [length] of full scale 1 -> [frames, bands]."""
        found: Floats = 20 * np.log10(np.abs(self.transform(signal)) @ self._gather + _TINY)
        return found

    def sound(self, decibels: Floats) -> Floats:
        """A signal of that loudness, [frames, bands] -> [length]; the same for the same."""
        loudness = (10 ** (np.maximum(decibels @ self._spread, _QUIET_DB) / 20)).astype(np.float32)
        current = loudness * _phases(self.frames, self.frame // 2 + 1)
        before: Any = None
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
