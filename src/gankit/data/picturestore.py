"""Where decoded pictures lie: in memory if they fit, else in an unnamed file on disk that is mapped into memory.

Knows shapes and bytes; never what is in them.
"""

from __future__ import annotations

import math
import shutil
import tempfile
from typing import Any

import numpy as np
import numpy.typing as npt

from gankit.data.textfile import largest_size
from gankit.errors import DataError

Pixels = npt.NDArray[np.uint8]

SHARE_OF_MEMORY = 0.25
"""Pictures beyond this share of the machine's memory lie on disk."""

_CHUNK = 1 << 26


def fits_in_memory(num_bytes: int) -> bool:
    """Whether decoded pictures of so many bytes are kept in memory."""
    return num_bytes <= SHARE_OF_MEMORY * 2 * largest_size()


def room_for(shape: tuple[int, ...]) -> Pixels:
    """An array uint8 of that shape to be filled: in memory, or mapped from a temporary file.

    The file has no name: it is gone when nothing holds the array any more, however the process ends.

    Raises:
        DataError: neither memory nor the temporary folder has room for it.
    """
    num_bytes = math.prod(shape)
    if fits_in_memory(num_bytes):
        return np.zeros(shape, dtype=np.uint8)
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if num_bytes > 0.95 * free:
        raise DataError(
            f"the pictures take {num_bytes / 1e9:,.1f} GB when decoded, and {folder!r} has {free / 1e9:,.1f} GB left. "
            "Make them smaller with --size, or name another place in the environment variable TMPDIR."
        )
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)


def finished(x: Pixels) -> Pixels:
    """The filled array; one on disk can no longer be written to."""
    if isinstance(x, np.memmap):
        x.flags.writeable = False
    return x


def chunks(num_rows: int, row_bytes: int) -> list[slice]:
    """Slices of rows that together are all, each of about 64 MiB."""
    step = max(1, _CHUNK // max(1, row_bytes))
    return [slice(start, min(start + step, num_rows)) for start in range(0, num_rows, step)]


def compacted(x: Pixels, kept: list[int]) -> Pixels:
    """The rows that are kept, moved to the front in place. kept: ascending rows of x."""
    if len(kept) == len(x):
        return x
    for place, row in enumerate(kept):
        if place != row:
            x[place] = x[row]
    return x[: len(kept)]


def rows_of(x: Pixels, rows: Any) -> Pixels:
    """Some rows of an array: a slice as a view, others as a copy (on disk where it does not fit in memory)."""
    if isinstance(rows, slice):
        return x[rows]
    index = np.asarray(rows)
    index = np.flatnonzero(index) if index.dtype == np.bool_ else index.astype(np.int64)
    if not isinstance(x, np.memmap) or fits_in_memory(len(index) * x[:1].nbytes):
        return np.asarray(x[index])
    result = room_for((len(index), *x.shape[1:]))
    for part in chunks(len(index), x[:1].nbytes):
        result[part] = x[index[part]]
    return finished(result)
