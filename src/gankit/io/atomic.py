"""Files and folders that are written whole or not at all: a temporary name beside them, a flush to disk, a rename.

Knows paths and the system's errors; never what is written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from gankit.errors import OutputError

MARKER = ".gankit"
"""A file of this name stands in folders that were written, so that they may be written again."""

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
_NO_PERMISSION = (errno.EACCES, errno.EPERM, errno.EROFS)


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes its name when it is written, flushed and on disk; on any error it is gone. Devices are written.

    Raises:
        OutputError: there is no folder for it.
    """
    _check_place(target)
    if target.exists() and not target.is_file():
        with target.open("wb") as device:
            yield device
        return
    target = target.resolve()
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            with contextlib.suppress(OSError):
                temporary.chmod(target.stat().st_mode)
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(target.parent)


@contextlib.contextmanager
def whole_folder(target: Path, own: str) -> Iterator[Path]:
    """An empty folder that takes the place of `target` when it is filled; on any error it is gone, the old one stays.

    own: a regular expression of the files in it that gankit writes. Who fills it adds `MARKER`.

    Raises:
        OutputError: there is no folder for it, a file stands there, or a folder that holds files of others.
    """
    _check_place(target)
    if target.exists() and not target.is_dir():
        raise OutputError(f"{str(target)!r} is a file, and a name without a suffix means a folder. Name another.")
    names = [entry.relative_to(target).as_posix() for entry in target.rglob("*") if not entry.is_dir()]
    strange = [name for name in names if name != MARKER and not re.fullmatch(own, name)]
    if names and (strange or MARKER not in names):
        raise OutputError(
            f"the folder {str(target)!r} holds files that gankit did not write, such as {(strange or names)[0]!r}. "
            "Name a new or an empty folder."
        )
    target = target.resolve()
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent))
    try:
        # A folder in the temporary one, which only its owner may enter: it gets the permissions of any new folder.
        new = aside / "new"
        new.mkdir()
        yield new
        if target.exists():
            os.replace(target, aside / "old")
        try:
            os.replace(new, target)
        except OSError:
            if (aside / "old").exists():
                os.replace(aside / "old", target)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _check_place(target: Path) -> None:
    if not target.parent.is_dir():
        raise OutputError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into. Make it first.")


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file of a run whole or not at all; folders are made.

    Raises:
        OutputError: no space, no permission, …; what was at `path` before is untouched and no temporary file is left.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise cannot_write(path, error) from error


@contextlib.contextmanager
def complaints(target: Path) -> Iterator[None]:
    """Turns the system's errors into sentences.

    Raises:
        OutputError: in place of an OSError.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SPACE:
            raise OutputError(
                f"no space is left for {str(target)!r}. Free some, or write elsewhere; nothing was changed."
            ) from error
        if error.errno in _NO_PERMISSION:
            raise OutputError(f"{str(target)!r} may not be written: {error.strerror}. Choose another place.") from error
        raise OutputError(f"{str(target)!r} cannot be written: {error.strerror or error}.") from error


def cannot_write(path: Path, error: OSError) -> OutputError:
    """The user's words for what the system says."""
    if error.errno in _NO_SPACE:
        return OutputError(f"cannot write {path}: no space left on the device. Free some and go on with --resume.")
    if error.errno in _NO_PERMISSION:
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


GONE = (-1, 0)


def stamp_of(path: Path) -> tuple[int, int]:
    """A file's size and time of change; `GONE` where it is not there."""
    try:
        found = os.stat(path)
    except OSError:
        return GONE
    return found.st_size, found.st_mtime_ns
