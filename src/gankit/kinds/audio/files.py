"""Audio clips in the user's own form (samples of sound with their rate, lengths and labels), and in files and arrays
that are read and written: WAV by SciPy; FLAC, OGG and the rest by soundfile, where it is installed.

Knows bytes, arrays and tables of labels; never torch or networks.
"""

from __future__ import annotations

import hashlib
import io
import math
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError, DependencyError, OptionError, OutputError, reason
from gankit.io.archives import AUDIO_SUFFIXES, largest_size
from gankit.io.formats.base import Sink
from gankit.io.formats.numpy import headers, load_arrays
from gankit.io.records import Origin, Records, fingerprint
from gankit.io.writing import FileForm, write_files
from gankit.kinds.audio.options import AudioOptions
from gankit.kinds.images.records import ArraySink, ImageSet, labels_of, with_labels

Samples = npt.NDArray[np.int16]

Read = tuple[list[Samples], int, pa.Table | None, Origin]
"""Samples [T_i, C] of each audio clip, their rate, labels, and how they came."""

FULL = 32767
"""The sample that stands for 1.0."""

SUFFIXES = ".zip, .npz, .wav for one audio clip, or none for a folder"
MOST_CHANNELS = 2

_RATES = (20, 1 << 20)
"""Samples a second that a header may tell of."""
MISSING = 0.02
"""Of a file that states more samples than it has by less than that share, those that are there are read."""

_STREAMED = 0x7FFFFFFF
"""A WAV file that states more bytes was written to a pipe, where its length was not known."""

RATE, LENGTH = "rate", "length"
RATES = (RATE, "sample_rate", "sampling_rate", "samplerate", "sr", "fs")
"""Keys of an .npz beside its samples: samples a second, and how many samples of each row are no padding."""

_LOUDEST_FLOAT = 128.0
"""Floats in a file of sound that go higher are whole numbers by mistake: 42 dB above full scale is no recording."""

_KEYS = ("x", "audio", "samples", "waves", "data", "arr_0")


@dataclass(frozen=True)
class Clips:
    """Audio clips of one rate and one number of channels, each padded with silence to the longest.

    x: int16 [N, T, C], C of 1 or 2. lengths: int64 [N], the samples of each before its padding. rate: samples a second.
    labels: one row an audio clip, or None. origin: how they came. names: of the files they came from, or empty.
    """

    x: Samples
    lengths: npt.NDArray[np.int64]
    rate: int
    labels: pa.Table | None
    origin: Origin
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        assert self.x.dtype == np.int16 and self.x.ndim == 3 and self.x.shape[2] in (1, 2), (self.x.dtype, self.x.shape)
        assert self.lengths.shape == (len(self.x),) and self.rate > 0
        assert self.labels is None or self.labels.num_rows == len(self.x), "one row of labels an audio clip"

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: npt.NDArray[np.int64]) -> Clips:
        """Some of the audio clips, copied. rows: [K] int64."""
        labels = None if self.labels is None else self.labels.take(pa.array(rows))
        names = tuple(self.names[row] for row in rows.tolist()) if self.names else ()
        return Clips(self.x[rows], self.lengths[rows], self.rate, labels, self.origin, names)

    def trimmed(self) -> list[Samples]:
        """Each audio clip without its padding, [T_i, C]."""
        return [one[:length] for one, length in zip(self.x, self.lengths.tolist(), strict=True)]


@dataclass(frozen=True, repr=False)
class ClipSet(ImageSet):
    """Some rows of clips; `whole` are their spectrograms. clips: all of them, in memory."""

    clips: Clips

    def sounds(self) -> Clips:
        """The clips that are meant."""
        return self.clips.take(self.rows)


def joined_clips(batches: Sequence[Clips], origin: Origin) -> Clips:
    """All batches (one at least) as one."""
    tables = [batch.labels for batch in batches if batch.labels is not None]
    x, lengths = (np.concatenate([getattr(batch, name) for batch in batches]) for name in ("x", "lengths"))
    return Clips(x, lengths, batches[0].rate, pa.concat_tables(tables) if tables else None, origin)


def clip_hash(clips: Clips) -> str:
    """The SHA-256 of rate, lengths, samples and labels, in order: the same however the audio clips came."""
    total = hashlib.sha256(repr((clips.rate, clips.x.shape[2])).encode())
    total.update(np.ascontiguousarray(clips.lengths, dtype="<i8").tobytes())
    for one in clips.trimmed():
        total.update(np.ascontiguousarray(one, dtype="<i2").data)
    if clips.labels is not None:
        total.update(fingerprint(Records(clips.labels, Origin("pyarrow"))).encode())
    return total.hexdigest()


def to_clip_object(clips: Clips) -> Any:
    """Audio clips in the form that came.

    An array comes out as an array of the same rank, dtype and range, padded with silence; a list as a list of arrays
    without the padding; a pair (audio clips, labels) as a pair. Files come out as an int16 array [N, T], or [N, T, 2].
    """
    details = clips.origin.details
    dtype, scale = np.dtype(details.get("dtype", "<i2")), float(details.get("scale", FULL))
    flat = clips.x.shape[2] == 1 and not details.get("channel_axis")
    arrays = [_typed(x, dtype, scale) for x in (clips.trimmed() if details.get("list") else [clips.x])]
    arrays = [array[..., 0] if flat else array for array in arrays]
    if details.get("channels_first"):
        arrays = [np.swapaxes(array, -1, -2) for array in arrays]
    return with_labels(arrays if details.get("list") else arrays[0], clips.labels, details)


def _typed(x: Samples, dtype: np.dtype[Any], scale: float) -> Any:
    if dtype == np.int16:
        return x
    values = x.astype(np.float64) * (scale / FULL)
    return values.astype(dtype) if dtype.kind == "f" else np.rint(values).astype(dtype)


class UnreadableSound(Exception):
    """A file of sound that cannot be taken; the text says why."""


def is_audio(name: str) -> bool:
    """Whether a name has an audio clip's suffix.

    >>> is_audio("a/7_theo_1.WAV"), is_audio("a.txt")
    (True, False)
    """
    return name.lower().endswith(AUDIO_SUFFIXES)


def decode_sound(stream: IO[bytes], name: str, mended: list[str] | None = None) -> tuple[Samples, int]:
    """The samples int16 [T, C] of a file and its rate.

    Bit depths above 16 are rounded to 16; numbers beyond full scale in files of floats are cut to it. mended: the name
    is appended where the file states a length that is not its own, and all whole samples that are there are read.

    Raises:
        UnreadableSound: it is damaged, empty, or has more than two channels, or floats in the scale of whole numbers.
        DependencyError: soundfile is needed.
    """
    data = stream.read()
    if not data:
        raise UnreadableSound("it is empty")
    if data[:4] in (b"RIFF", b"RIFX", b"RF64"):
        whole = _of_its_length(data)
        if whole is not data and mended is not None:
            mended.append(name)
        try:
            rate, found = _wav(whole)
        except Exception as error:
            # SciPy raises nearly anything on damaged headers.
            if "unknown wave file format" not in str(error).lower():
                raise UnreadableSound("it is damaged or cut off") from error
            rate, found = _soundfile(data, name)  # a codec within WAV, such as A-law
    else:
        rate, found = _soundfile(data, name)
    if found.dtype.kind == "f" and (peak := float(np.abs(found).max(initial=0))) > _LOUDEST_FLOAT:
        scale = next((f"{2**bits}" for bits in (15, 23, 31) if peak <= 2**bits), "the largest")
        raise UnreadableSound(f"its floats go up to {peak:,.6g}, and those of audio are in -1 … 1: divide by {scale}")
    samples = to_samples(found if found.ndim == 2 else found[:, None])
    if samples.shape[1] > MOST_CHANNELS:
        raise UnreadableSound(f"it has {samples.shape[1]} channels, and one or two can be learned")
    if not len(samples) or not _RATES[0] <= rate <= _RATES[1]:
        raise UnreadableSound(f"it says {rate:,} samples a second" if len(samples) else "it holds no samples")
    return samples, int(rate)


def _of_its_length(data: bytes) -> bytes:
    """A WAV file as it is, or with right lengths where those that it states are off, and nearly all samples are there.

    Raises:
        UnreadableSound: samples are missing.
    """
    order: Literal["big", "little"] = "big" if data[:4] == b"RIFX" else "little"
    stated, at, frame = int.from_bytes(data[4:8], order) + 8, 12, 1
    while at + 8 <= len(data) and data[:4] != b"RF64":
        kind, size, begin = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], order), at + 8
        if kind == b"fmt ":
            frame = max(1, int.from_bytes(data[begin + 12 : begin + 14], order))
        if kind == b"data" and size < _STREAMED:
            empty = size == 0 and (stated != len(data) or not _is_chunk(data[begin:], order))
            there = min(len(data) if empty else size, len(data) - begin)
            if size - there >= max(frame, MISSING * size) and stated != len(data):
                break
            there -= there % frame
            if size == there and (begin + size <= stated <= len(data) or stated >= _STREAMED):
                return data
            length = begin + there - 8
            return b"".join([
                data[:4], length.to_bytes(4, order), data[8 : at + 4], there.to_bytes(4, order),
                data[begin : begin + there],
            ])  # fmt: skip
        at = begin + size + size % 2
    if len(data) < stated < _STREAMED:
        raise UnreadableSound(f"it is cut off: {len(data):,} of {stated:,} bytes are there")
    return data


def _is_chunk(data: bytes, order: Literal["big", "little"]) -> bool:
    """Whether bytes, unless there are none, begin as a chunk of a WAV file that is whole."""
    size = int.from_bytes(data[4:8], order)
    return not data or (re.match(rb"[A-Za-z][A-Za-z0-9]{2}[A-Za-z0-9 ]", data) is not None and size + 8 <= len(data))


def to_samples(found: Any, scale: float = 1.0) -> Samples:
    """Numbers of any type as int16: whole numbers by their full scale, others by `scale`, which becomes `FULL`.

    >>> to_samples(np.array([0, 128, 255], np.uint8)).tolist(), to_samples(np.array([-1.0, 0.5])).tolist()
    ([-32768, 0, 32512], [-32767, 16384])

    Raises:
        UnreadableSound: they are not finite, or of a type of unknown scale.
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
    """Numbers in the scale of int16 as such, rounded and cut to it."""
    return np.asarray(np.clip(np.rint(values), -FULL - 1, FULL).astype(np.int16))


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
        with soundfile.SoundFile(io.BytesIO(data)) as file:
            if 8 * file.frames * file.channels > largest_size():
                raise MemoryError
            return int(file.samplerate), file.read(dtype="float64", always_2d=True)
    except Exception as error:
        # Of damaged files nearly anything is raised: SoundFileError, RuntimeError, TypeError, MemoryError, …
        raise UnreadableSound(reason(error).rsplit(": ", 1)[-1][:80]) from error  # without the stream it was given


def encode_wav(samples: Samples, rate: int) -> bytes:
    """A WAV file of 16 bits. samples: int16 [T, C]."""
    from scipy.io import wavfile

    stream = io.BytesIO()
    wavfile.write(stream, rate, samples[:, 0] if samples.shape[1] == 1 else np.ascontiguousarray(samples))
    return stream.getvalue()


def holds_samples(source: Any) -> bool:
    """Whether an object is an array [N, T] or [N, T, C], a list of arrays, or a pair of these and labels."""
    if isinstance(source, tuple) and len(source) == 2:
        source = source[0]
    if isinstance(source, list):
        return bool(source) and isinstance(source[0], np.ndarray) and source[0].ndim in (1, 2)
    return isinstance(source, np.ndarray) and source.ndim in (2, 3)


def has_rate(stream: IO[bytes]) -> bool:
    """Whether an .npz names a rate, as one with audio clips does."""
    return any(name in RATES and math.prod(shape) == 1 for name, (shape, _) in headers(stream, "").items())


def is_array_file(name: str) -> bool:
    """Whether it is a file of arrays by its name."""
    return name.lower().endswith((".npz", ".npy"))


def _rate(config: TrainConfig, place: str) -> int:
    own = config.own(AudioOptions)
    if own.rate is None:
        raise OptionError(f"{place} does not tell how many samples a second it has. Say it with --rate, or rate=8000.")
    return own.rate


def from_object(source: Any, config: TrainConfig) -> Read:
    """Audio clips of an array, a list of arrays, or a pair of these and labels; the rate is `config.rate`.

    Raises:
        DataError: it is nothing of that. OptionError: no rate was given.
    """
    details: dict[str, Any] = {}
    labels = given = None
    if isinstance(source, tuple) and len(source) == 2:
        (source, given), details["pair"] = source, True
    place = f"the {type(source).__name__}"
    if not holds_samples(source):
        raise DataError(
            f"{place} cannot be read as audio clips. Give a path, an array [N, T] or [N, T, C], a list of arrays [T] "
            "or [T, C], or a pair of these and labels."
        )
    rate, rows, details["list"] = _rate(config, place), list(source), isinstance(source, list)
    sounds = _rows(rows, place, details)
    if given is not None:
        array, details["label_list"] = np.asarray(given), isinstance(given, list)
        if array.ndim != 1 or len(array) != len(rows) or array.dtype.kind not in "biufUS":
            raise DataError(
                f"{place}: labels must be numbers or texts [{len(rows)}]. Got {array.dtype} {list(array.shape)}."
            )
        labels, details["labels"] = labels_of({"": array}, "the labels")
    return sounds, rate, labels, Origin("list" if details["list"] else "array", name="recordings", details=details)


def _rows(rows: Sequence[Any], place: str, details: dict[str, Any]) -> list[Samples]:
    """Rows [T] or [T, C] of one type as samples; their form goes into `details`."""
    odd = [i for i, r in enumerate(rows) if r.ndim != rows[0].ndim or r.dtype != rows[0].dtype or 0 in r.shape]
    if odd or rows[0].ndim not in (1, 2) or rows[0].dtype.kind not in "if":
        raise DataError(
            f"{place}, item {(odd or [0])[0] + 1}: every audio clip must be an array of numbers [T] or [T, C] of one "
            "type, and not empty."
        )
    details["dtype"], details["channel_axis"] = rows[0].dtype.str, rows[0].ndim == 2
    if rows[0].ndim == 2 and all(r.shape[0] <= MOST_CHANNELS < r.shape[1] for r in rows):
        details["channels_first"], rows = True, [r.T for r in rows]
    scale = 1.0
    if rows[0].dtype.kind == "f":
        peak = max(float(np.abs(r).max()) for r in rows)
        if not np.isfinite(peak):
            raise DataError(f"{place}: samples are NaN or infinite. Mend or remove those audio clips.")
        details["scale"] = scale = peak if peak > 1 else 1.0
    else:
        details["scale"] = FULL * 2.0 ** (8 * rows[0].dtype.itemsize - 16)
    if rows[0].ndim == 2 and rows[0].shape[1] not in (1, 2):
        raise DataError(
            f"{place}: audio clips have {min(rows[0].shape)} channels, and one or two can be learned. Take others as "
            "series (--kind series)."
        )
    try:
        found = [to_samples(r, scale) for r in rows]
    except UnreadableSound as error:
        raise DataError(f"{place}: {error}. Give int16, or floats from -1 to 1.") from error
    return [one if one.ndim == 2 else one[:, None] for one in found]


def from_npz(stream: IO[bytes], path: Path, config: TrainConfig) -> Read:
    """Audio clips of an .npy or .npz: samples [N, T] or [N, T, C], or [N, C, T] of one or two channels; of an .npz
    `rate` (or --rate), perhaps `length` [N] and labels [N].

    stream: at its beginning.

    Raises:
        DataError: it is damaged or holds no samples. OptionError: no rate is known.
    """
    arrays = load_arrays(stream, str(path))
    key = next((k for k in (*_KEYS, *arrays) if k in arrays and arrays[k].ndim in (2, 3) and len(arrays[k])), None)
    if key is None:
        shown = ", ".join(f"{n} {list(a.shape)}" for n, a in arrays.items())
        raise DataError(f"{str(path)!r} holds no samples [N, T] or [N, T, C]: {shown or 'it is empty'}.")
    x = arrays.pop(key)
    named = next((name for name in RATES if name in arrays and arrays[name].size == 1), RATE)
    stored = arrays.pop(named, None)
    if stored is not None and stored.size == 1 and stored.dtype.kind in "iuf" and stored.item() >= 1:
        rate = int(stored.item())
    else:
        rate = _rate(config, repr(str(path)))
    details: dict[str, Any] = {"key": key or "x"}
    sounds = _rows(list(x), repr(str(path)), details)
    lengths = arrays.pop(LENGTH, None)
    if lengths is not None and lengths.shape == (len(x),):
        ends = np.clip(lengths.astype(np.int64), 1, len(sounds[0])).tolist()
        sounds = [one[:end] for one, end in zip(sounds, ends, strict=True)]
    plain: Mapping[str, Any] = {n: a for n, a in arrays.items() if a.shape == (len(x),) and a.dtype.kind in "biufUS"}
    labels = None
    if plain:
        labels, details["labels"] = labels_of(plain, str(path))
        name = next(iter(plain))
        if len(plain) == 1 and name not in ("y", "label", "labels"):
            details["labels"]["columns"] = dict.fromkeys(details["labels"]["columns"], name)
            labels = labels.rename_columns([name])
    return sounds, rate, labels, Origin("npz", name=path.stem, details=details)


def write_clips(batches: Iterable[Clips], path: str | Path, origin: Origin, *, first_row: int = 0) -> int:
    """Writes audio clips as `write_files` does; also `x`, `rate`, `length` and labels to `.npz`, and one to `.wav`.

    Raises:
        OutputError: the suffix is not known, or the file cannot be written.
    """
    return write_files(batches, path, FILES, origin, first_row)


def _encoded(batch: Clips) -> Iterator[bytes]:
    return (encode_wav(one, batch.rate) for one in batch.trimmed())


class _Wav(Sink):
    """One audio clip."""

    noun = "audio clips"
    _begun = False

    def write(self, batch: Clips) -> None:
        for data in _encoded(batch):
            if self._begun:
                raise OutputError(
                    f"a .wav file holds one audio clip. Ask for one with -n 1, or take one of: {SUFFIXES}."
                )
            self.stream.write(data)
            self._begun = True


class _Npz(ArraySink):
    """Samples, rate, lengths and labels as arrays."""

    noun = "audio clips"

    def __init__(self, stream: IO[bytes], origin: Origin, name: str, row: int = 0) -> None:
        super().__init__(stream, origin, name, row)
        self._lengths: list[Any] = []
        self._rate = 0

    def write(self, batch: Clips) -> None:
        plain = Origin(self.origin.format, details={**self.origin.details, "list": False, "pair": False})
        self.keep(to_clip_object(Clips(batch.x, batch.lengths, batch.rate, None, plain)), batch.labels)
        self._rate = batch.rate
        self._lengths.append(batch.lengths)

    def close(self) -> None:
        beside = {RATE: np.array(self._rate), LENGTH: np.concatenate(self._lengths)}
        self.arrays.archive(self.stream, beside | self.label_arrays())


FILES = FileForm("audio clips", ".wav", _encoded, {".npz": _Npz, ".wav": _Wav}, SUFFIXES)

MEDIA_TYPES = {"zip": "application/zip", "npz": "application/x-npz", "wav": "audio/wav"}
"""What audio clips are written to a stream as."""
