"""Files that are written whole or not at all: a temporary name beside the file, a flush to disk, a rename.

Knows paths and the system's errors; never what is written.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

from gankit.errors import OutputError


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: temporary name beside it, flush to disk, rename; folders are made.

    Raises:
        OutputError: no space, no permission, …; what was at `path` before is untouched and no temporary file is left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise cannot_write(path, error) from error


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The user's words for what the system says."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return OutputError(f"cannot write {path}: no space left on the device. Free some and go on with --resume.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"cannot write {path}: {error.strerror}. Choose another folder with -o.")
    return OutputError(f"cannot write {path}: {error.strerror or error}.")


def _sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
