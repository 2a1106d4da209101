"""Audio clips in the user's own form: samples of sound with their rate, lengths and labels, and the objects that came.

Knows arrays and tables of labels; never files, torch or networks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from gankit.io.origin import Origin, Records, fingerprint
from gankit.kinds.images.records import ImageSet, label_arrays

Samples = npt.NDArray[np.int16]

FULL = 32767
"""The sample that stands for 1.0."""


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


@dataclass(frozen=True)
class ClipSet(ImageSet):
    """Some rows of clips, and how they look: `whole` are their spectrograms.

    clips: all of them, in memory.
    """

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
    result: Any = [_typed(one, dtype, scale) for one in clips.trimmed()] if details.get("list") else None
    if result is None:
        result = _typed(clips.x, dtype, scale)
    if clips.x.shape[2] == 1 and not details.get("channel_axis"):
        result = [one[:, 0] for one in result] if isinstance(result, list) else result[:, :, 0]
    if not details.get("pair") or clips.labels is None:
        return result
    arrays = label_arrays(clips.labels, details["labels"])
    assert arrays is not None and len(arrays) == 1
    (array,) = arrays.values()
    return result, array.tolist() if details.get("label_list") else array


def _typed(x: Samples, dtype: np.dtype[Any], scale: float) -> Any:
    if dtype == np.int16:
        return x
    values = x.astype(np.float64) * (scale / FULL)
    return values.astype(dtype) if dtype.kind == "f" else np.rint(values).astype(dtype)
