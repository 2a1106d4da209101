"""Writing recordings: folders and zips of WAV files, one WAV file, and .npz; whole or not at all.

Knows formats; never where recordings come from, torch or networks.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa

from gankit.errors import OutputError
from gankit.io.folders import FileForm, Sink, fed, write_folder, zip_files
from gankit.io.origin import Origin
from gankit.io.writing import complaints, whole_file
from gankit.kinds.audio.arrays import LENGTH, RATE
from gankit.kinds.audio.files import encode_wav
from gankit.kinds.audio.records import Recordings, to_recording_object
from gankit.kinds.images.records import label_arrays
from gankit.kinds.images.writing import plain_array

SUFFIXES = ".zip, .npz, .wav for one recording, or none for a folder"


def write_recordings(batches: Iterable[Recordings], path: str | Path, origin: Origin, *, first_row: int = 0) -> int:
    """Writes recordings, one batch after the other, and returns how many.

    path: without a suffix, or an existing folder: a folder of WAV files named by row (`000123.wav`), in class folders
        if the data came so, else with `labels.csv` beside them where they have labels; `.zip`: the same inside;
        `.npz`: `x`, `rate`, `length` and labels; `.wav`: a single recording. It appears under
        its name when it is whole.
    origin: how the data came. first_row: the number of the first recording.

    Raises:
        OutputError: another suffix, a folder with other files in it, several recordings for one `.wav`, or none.
    """
    target = Path(path)
    suffix = target.suffix.lower()
    if not target.parent.is_dir():
        raise OutputError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into. Make it first.")
    with complaints(target):
        if target.is_dir() or not suffix:
            return write_folder(batches, target, FILES, origin, first_row)
        if suffix not in _SINKS:
            raise OutputError(f"recordings are not written as {suffix!r}. Take one of: {SUFFIXES}.")
        with whole_file(target) as stream:
            return fed(_SINKS[suffix](stream, origin, first_row), batches, target.name, "recordings")


def _encoded(batch: Recordings) -> Iterator[bytes]:
    return (encode_wav(one, batch.rate) for one in batch.trimmed())


FILES = FileForm("recordings", ".wav", _encoded)


def _zip_files(stream: IO[bytes], origin: Origin, first_row: int) -> Sink:
    return zip_files(stream, FILES, origin, first_row)


class _Wav(Sink):
    """One recording."""

    def write(self, batch: Recordings) -> None:
        for data in _encoded(batch):
            if self.stream.tell():
                raise OutputError(
                    f"a .wav file holds one recording. Ask for one with -n 1, or take one of: {SUFFIXES}."
                )
            self.stream.write(data)

    def close(self) -> None:
        """One file has nothing behind its end."""


class _Npz(Sink):
    """Samples, rate, lengths and labels as arrays. The samples wait in an unnamed file: their number comes last."""

    def __init__(self, stream: IO[bytes], origin: Origin, first_row: int) -> None:
        super().__init__(stream, origin, first_row)
        self._samples = tempfile.TemporaryFile()  # noqa: SIM115  # closed in abandon()
        self._labels: list[pa.Table] = []
        self._lengths: list[Any] = []
        self._like: Any = None
        self._rate = 0

    def write(self, batch: Recordings) -> None:
        plain = Origin(self.origin.format, details={**self.origin.details, "list": False, "pair": False})
        array = np.ascontiguousarray(to_recording_object(Recordings(batch.x, batch.lengths, batch.rate, None, plain)))
        self._like, self._rate = array[:0], batch.rate
        self._samples.write(array.tobytes())
        self._lengths.append(batch.lengths)
        if batch.labels is not None:
            self._labels.append(batch.labels)

    def close(self) -> None:
        lengths = np.concatenate(self._lengths)
        self._samples.seek(0)
        x = np.frombuffer(self._samples.read(), self._like.dtype).reshape(len(lengths), *self._like.shape[1:])
        arrays = {self.origin.details.get("key", "x"): x, RATE: np.array(self._rate), LENGTH: lengths}
        arrays |= self._label_arrays()
        with zipfile.ZipFile(self.stream, "w", zipfile.ZIP_STORED) as archive:
            for name, array in arrays.items():
                with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.asarray(array, order="C"), allow_pickle=False)

    def _label_arrays(self) -> dict[str, Any]:
        if not self._labels:
            return {}
        labels = pa.concat_tables(self._labels)
        if "labels" in self.origin.details:
            arrays = label_arrays(labels, self.origin.details["labels"])
            if arrays is not None:
                return {name or "y": array for name, array in arrays.items()}
        return {name: plain_array(labels.column(name)) for name in labels.column_names}

    def abandon(self) -> None:
        self._samples.close()


_SINKS: dict[str, Any] = {".zip": _zip_files, ".npz": _Npz, ".wav": _Wav}
