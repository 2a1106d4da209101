"""Recordings in arrays: Python objects, and .npz files that hold samples, their rate, lengths and labels.

Knows arrays; never files of sound, torch or networks.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import DataError, OptionError
from gankit.io.origin import Origin
from gankit.kinds.audio.files import UnreadableSound, to_samples
from gankit.kinds.audio.options import AudioOptions
from gankit.kinds.audio.records import FULL, Samples
from gankit.kinds.images.records import labels_of

RATE, LENGTH = "rate", "length"
"""Keys of an .npz beside its samples: samples a second, and how many samples of each row are no padding."""

_KEYS = ("x", "audio", "samples", "waves", "data", "arr_0")

Read = tuple[list[Samples], int, pa.Table | None, Origin]
"""Samples [T_i, C] of each recording, their rate, labels, and how they came."""


def holds_samples(source: Any) -> bool:
    """Whether an object is an array [N, T] or [N, T, C], a list of arrays, or a pair of these and labels."""
    if isinstance(source, tuple) and len(source) == 2:
        source = source[0]
    if isinstance(source, list):
        return bool(source) and isinstance(source[0], np.ndarray) and source[0].ndim in (1, 2)
    return isinstance(source, np.ndarray) and source.ndim in (2, 3)


def has_rate(stream: IO[bytes]) -> bool:
    """Whether an .npz names a rate, as one with recordings does."""
    with zipfile.ZipFile(stream) as archive:
        return f"{RATE}.npy" in archive.namelist()


def _rate(config: TrainConfig, place: str) -> int:
    own = config.own(AudioOptions)
    if own.rate is None:
        raise OptionError(f"{place} does not tell how many samples a second it has. Say it with --rate, or rate=8000.")
    return own.rate


def from_object(source: Any, config: TrainConfig) -> Read:
    """Recordings of an array, a list of arrays, or a pair of these and labels; the rate is `config.rate`.

    Raises:
        DataError: it is nothing of that. OptionError: no rate was given.
    """
    details: dict[str, Any] = {}
    given: Any = None
    if isinstance(source, tuple) and len(source) == 2:
        (source, given), details["pair"] = source, True
    place = f"the {type(source).__name__}"
    if not holds_samples(source):
        raise DataError(
            f"{place} cannot be read as recordings. Give a path, an array [N, T] or [N, T, C], a list of arrays [T] or "
            "[T, C], or a pair of these and labels."
        )
    rate = _rate(config, place)
    rows = list(source)
    details["list"] = isinstance(source, list)
    sounds = _rows(rows, place, details)
    labels = None
    if given is not None:
        details["label_list"] = isinstance(given, list)
        array = np.asarray(given)
        if array.ndim != 1 or len(array) != len(rows) or array.dtype.kind not in "biufUS":
            raise DataError(
                f"{place}: labels must be numbers or texts [{len(rows)}]. Got {array.dtype} {list(array.shape)}."
            )
        labels, details["labels"] = labels_of({"": array}, "the labels")
    return sounds, rate, labels, Origin("list" if details["list"] else "array", name="recordings", details=details)


def _rows(rows: Sequence[Any], place: str, details: dict[str, Any]) -> list[Samples]:
    """Rows [T] or [T, C] of one type as samples; how they looked goes into `details`."""
    odd = [i for i, r in enumerate(rows) if r.ndim != rows[0].ndim or r.dtype != rows[0].dtype or 0 in r.shape]
    if odd or rows[0].ndim not in (1, 2) or rows[0].dtype.kind not in "if":
        raise DataError(
            f"{place}, item {(odd or [0])[0] + 1}: every recording must be an array of numbers [T] or [T, C] of one "
            "type, and not empty."
        )
    details["dtype"], details["channel_axis"] = rows[0].dtype.str, rows[0].ndim == 2
    scale = 1.0
    if rows[0].dtype.kind == "f":
        peak = max(float(np.abs(r).max()) for r in rows)
        if not np.isfinite(peak):
            raise DataError(f"{place}: samples are NaN or infinite. Mend or remove those recordings.")
        scale = peak if peak > 1 else 1.0
        details["scale"] = scale
    else:
        details["scale"] = FULL * 2.0 ** (8 * rows[0].dtype.itemsize - 16)
    if rows[0].ndim == 2 and rows[0].shape[1] not in (1, 2):
        raise DataError(
            f"{place}: recordings have {rows[0].shape[1]} channels, and one or two can be learned. Take others as "
            "series (--kind series)."
        )
    try:
        found = [to_samples(r, scale) for r in rows]
    except UnreadableSound as error:
        raise DataError(f"{place}: {error}. Give int16, or floats from -1 to 1.") from error
    return [one if one.ndim == 2 else one[:, None] for one in found]


def from_npz(stream: IO[bytes], path: Path, config: TrainConfig) -> Read:
    """Recordings of an .npz: samples [N, T] or [N, T, C], `rate` (or --rate), perhaps `length` [N] and labels [N].

    stream: at its beginning.

    Raises:
        DataError: it is damaged or holds no samples. OptionError: no rate is known.
    """
    try:
        with np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{str(path)!r} is damaged or no NumPy file: {error}. Take another copy of it.") from error
    key = next((k for k in (*_KEYS, *arrays) if k in arrays and arrays[k].ndim in (2, 3) and len(arrays[k])), None)
    if key is None:
        shown = ", ".join(f"{n} {list(a.shape)}" for n, a in arrays.items())
        raise DataError(f"{str(path)!r} holds no samples [N, T] or [N, T, C]: {shown or 'it is empty'}.")
    x = arrays.pop(key)
    stored = arrays.pop(RATE, None)
    if stored is not None and stored.size == 1 and stored.dtype.kind in "iuf" and stored.item() >= 1:
        rate = int(stored.item())
    else:
        rate = _rate(config, repr(str(path)))
    details: dict[str, Any] = {"key": key}
    sounds = _rows(list(x), repr(str(path)), details)
    lengths = arrays.pop(LENGTH, None)
    if lengths is not None and lengths.shape == (len(x),):
        ends = np.clip(lengths.astype(np.int64), 1, x.shape[1]).tolist()
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
