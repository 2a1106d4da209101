"""Writing recordings: folders and zips of WAV files, one WAV file, and .npz; whole or not at all.

Knows formats; never where recordings come from, torch or networks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np

from gankit.errors import OutputError
from gankit.io.folders import FileForm, write_files
from gankit.io.formats.base import Sink
from gankit.io.origin import Origin
from gankit.kinds.audio.arrays import LENGTH, RATE
from gankit.kinds.audio.files import encode_wav
from gankit.kinds.audio.records import Recordings, to_recording_object
from gankit.kinds.images.writing import ArraySink

SUFFIXES = ".zip, .npz, .wav for one recording, or none for a folder"


def write_recordings(batches: Iterable[Recordings], path: str | Path, origin: Origin, *, first_row: int = 0) -> int:
    """Writes recordings as `write_files` does; also to `.npz`, as `x`, `rate`, `length` and labels, and a single one to
    `.wav`.
    """
    return write_files(batches, path, FILES, origin, first_row)


def _encoded(batch: Recordings) -> Iterator[bytes]:
    return (encode_wav(one, batch.rate) for one in batch.trimmed())


class _Wav(Sink):
    """One recording."""

    noun = "recordings"

    def write(self, batch: Recordings) -> None:
        for data in _encoded(batch):
            if self.stream.tell():
                raise OutputError(
                    f"a .wav file holds one recording. Ask for one with -n 1, or take one of: {SUFFIXES}."
                )
            self.stream.write(data)


class _Npz(ArraySink):
    """Samples, rate, lengths and labels as arrays."""

    noun = "recordings"

    def __init__(self, stream: IO[bytes], origin: Origin, name: str, row: int = 0) -> None:
        super().__init__(stream, origin, name, row)
        self._lengths: list[Any] = []
        self._rate = 0

    def write(self, batch: Recordings) -> None:
        plain = Origin(self.origin.format, details={**self.origin.details, "list": False, "pair": False})
        self.keep(to_recording_object(Recordings(batch.x, batch.lengths, batch.rate, None, plain)), batch.labels)
        self._rate = batch.rate
        self._lengths.append(batch.lengths)

    def close(self) -> None:
        beside = {RATE: np.array(self._rate), LENGTH: np.concatenate(self._lengths)}
        self.arrays.archive(self.stream, beside | self.label_arrays())


FILES = FileForm("recordings", ".wav", _encoded, {".npz": _Npz, ".wav": _Wav}, SUFFIXES)
