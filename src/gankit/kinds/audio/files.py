"""One file of sound to samples: WAV by SciPy; FLAC, OGG and the rest by soundfile, where that is installed.

Knows bytes and their formats; never folders, labels or torch.
"""

from __future__ import annotations

import io
import warnings
from typing import IO, Any

import numpy as np

from gankit.errors import DependencyError
from gankit.kinds.audio.records import FULL, Samples

WAV_SUFFIXES = (".wav", ".wave")
AUDIO_SUFFIXES = (
    *WAV_SUFFIXES,
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aif",
    ".aiff",
    ".aifc",
    ".au",
    ".caf",
    ".w64",
)
"""Suffixes of files that are taken for recordings."""

MOST_CHANNELS = 2
_STREAMED = 0x7FFFFFFF
"""A WAV file that states more bytes was written to a pipe, where its length was not known."""


class UnreadableSound(Exception):
    """A file of sound that cannot be taken; the text says why."""


def is_audio(name: str) -> bool:
    """Whether a name has a recording's suffix.

    >>> is_audio("a/7_theo_1.WAV"), is_audio("a.txt")
    (True, False)
    """
    return name.lower().endswith(AUDIO_SUFFIXES)


def decode_sound(stream: IO[bytes], name: str) -> tuple[Samples, int]:
    """The samples int16 [T, C] of a file and its rate.

    Bit depths above 16 are rounded to 16; numbers beyond full scale in files of floats are cut to it.

    Raises:
        UnreadableSound: it is damaged, empty, or has more than two channels. DependencyError: soundfile is needed.
    """
    data = stream.read()
    if not data:
        raise UnreadableSound("it is empty")
    if data[:4] in (b"RIFF", b"RIFX", b"RF64"):
        stated = int.from_bytes(data[4:8], "big" if data[:4] == b"RIFX" else "little") + 8
        if len(data) < stated < _STREAMED:
            raise UnreadableSound(f"it is cut off: {len(data):,} of {stated:,} bytes are there")
        try:
            rate, found = _wav(data)
        except Exception as error:
            # SciPy raises nearly anything on damaged headers.
            if "unknown wave file format" not in str(error).lower():
                raise UnreadableSound("it is damaged or cut off") from error
            rate, found = _soundfile(data, name)  # a codec within WAV, such as A-law
    else:
        rate, found = _soundfile(data, name)
    samples = to_samples(found if found.ndim == 2 else found[:, None])
    if samples.shape[1] > MOST_CHANNELS:
        raise UnreadableSound(f"it has {samples.shape[1]} channels, and one or two can be learned")
    if not len(samples) or rate <= 0:
        raise UnreadableSound("it holds no samples")
    return samples, int(rate)


def to_samples(found: Any, scale: float = 1.0) -> Samples:
    """Numbers of any type as int16: whole numbers by their full scale, others by `scale`, which becomes `FULL`.

    >>> to_samples(np.array([0, 128, 255], np.uint8)).tolist(), to_samples(np.array([-1.0, 0.5])).tolist()
    ([-32768, 0, 32512], [-32767, 16384])
    """
    if found.dtype == np.int16:
        return np.ascontiguousarray(found)
    if found.dtype.kind == "f":
        if not np.isfinite(found).all():
            raise UnreadableSound("it holds NaN or infinite samples")
        return to_int16(found.astype(np.float64) * (FULL / scale))
    if found.dtype == np.uint8:
        return to_int16((found.astype(np.float64) - 128) * 256)
    shift = 8 * (found.dtype.itemsize - 2)
    if found.dtype.kind != "i" or shift < 0:
        raise UnreadableSound(f"samples of type {found.dtype} are not known")
    return to_int16(found.astype(np.float64) / 2**shift)


def to_int16(values: Any) -> Samples:
    """Numbers in the scale of int16, rounded and cut to it."""
    found: Samples = np.clip(np.rint(values), -FULL - 1, FULL).astype(np.int16)
    return found


def _wav(data: bytes) -> tuple[int, Any]:
    from scipy.io import wavfile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", wavfile.WavFileWarning)  # chunks that are not sound
        return wavfile.read(io.BytesIO(data))  # type: ignore[no-any-return]  # SciPy has no types


def _soundfile(data: bytes, name: str) -> tuple[int, Any]:
    try:
        import soundfile
    except ImportError:
        raise DependencyError(
            f"{name!r} is no plain WAV file, and reading it needs soundfile. Install it: pip install 'gankit[audio]'; "
            "or convert the files to WAV."
        ) from None
    try:
        found, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, TypeError) as error:
        raise UnreadableSound(_short(error)) from error
    return int(rate), found


def _short(error: Exception) -> str:
    """What soundfile says, without the stream it was given."""
    text = (str(error).splitlines() or [""])[0].rsplit(": ", 1)[-1]
    return text[:80].rstrip(". ") or type(error).__name__


def encode_wav(samples: Samples, rate: int) -> bytes:
    """A WAV file of 16 bits. samples: int16 [T, C]."""
    from scipy.io import wavfile

    stream = io.BytesIO()
    wavfile.write(stream, rate, samples[:, 0] if samples.shape[1] == 1 else np.ascontiguousarray(samples))
    return stream.getvalue()
