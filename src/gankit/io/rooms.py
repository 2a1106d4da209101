"""Room on disk for what does not fit in memory: files without a name, which are gone when nothing holds them any more,
however the process ends.

Knows bytes; never what they are.
"""

from __future__ import annotations

import mmap
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import numpy as np

from gankit.errors import DataError


@contextmanager
def unnamed_file(num_bytes: int, what: str, instead: str) -> Iterator[IO[bytes]]:
    """A file in the temporary folder; a map of it outlives the block.

    num_bytes: of what will be written to it. what, instead: what that is, and what can be done about its size.

    Raises:
        DataError: there is no room for it.
    """
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    if num_bytes > 0.95 * free:
        raise DataError(
            f"{what} take {num_bytes / 1e9:,.1f} GB, and {folder!r} has {free / 1e9:,.1f} GB left. {instead}, or name "
            "another place in the environment variable TMPDIR."
        )
    with tempfile.TemporaryFile() as file:
        yield file


def released(array: np.memmap[Any, Any]) -> Callable[[], object] | None:
    """What lets go of the pages of a mapped file, so that they do not count as the process's memory; they are read
    again when they are looked at. None where the system cannot.
    """
    mapped, advice = getattr(array, "_mmap", None), getattr(mmap, "MADV_DONTNEED", None)
    return None if advice is None or mapped is None else lambda: mapped.madvise(advice)
