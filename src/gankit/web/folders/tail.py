"""A file of lines that grows: read on from where it was left, and anew where it was cut or replaced.

Knows bytes and lines; never what they mean. A last line without its end is left for later.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

BLOCK, LONGEST_LINE = 1 << 20, 1 << 22
"""Bytes that are read at once, and those of a line; a longer one is passed over."""

_REMEMBERED = 64


class Tail:
    """The lines of a file.

    take: called with whole lines, in order. anew: called before the first of them, and where the file has lost lines.
    """

    def __init__(self, path: Path, take: Callable[[list[bytes]], None], anew: Callable[[], None]) -> None:
        self._path, self._take, self._anew = path, take, anew
        self._forget()

    def _forget(self) -> None:
        self._offset, self._before, self._seen = 0, b"", (-1, -1, -1)
        self._anew()

    def read(self) -> bool:
        """Reads what was added; whether anything has changed. A file that is not there has no lines."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                seen = (status.st_ino, status.st_size, status.st_mtime_ns)
                if seen == self._seen:
                    return False
                file.seek(self._offset - len(self._before))
                replaced = self._seen[0] not in (-1, seen[0]) or file.read(len(self._before)) != self._before
                if replaced or status.st_size < self._offset:
                    self._forget()
                    file.seek(0)
                self._seen, rest = seen, b""
                while block := file.read(BLOCK):
                    *lines, rest = (rest + block).split(b"\n")
                    if lines:
                        self._take(lines)
                    rest = b"" if len(rest) > LONGEST_LINE else rest
                    self._offset = file.tell() - len(rest)
                file.seek(max(self._offset - _REMEMBERED, 0))
                self._before = file.read(min(_REMEMBERED, self._offset))
                return True
        except OSError:
            if self._seen[0] == -1:
                return False
            self._forget()
            return True


def last_line(path: Path) -> bytes:
    """The last whole line of a file, if it is a short one; b"" where there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - 1024, 0))
            lines = file.read(1024).split(b"\n")
    except OSError:
        return b""
    return lines[-2] if len(lines) > 1 else b""
