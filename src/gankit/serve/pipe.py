"""From a thread that writes a file to an answer that is sent, in constant memory.

Knows bytes, threads and asyncio; never what is written.
"""

from __future__ import annotations

import asyncio
import io
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from gankit.errors import OutputError

CHUNK, WAITING = 1 << 16, 16
"""Bytes of what is sent at a time, and how many such parts wait for who reads slowly."""


class TooSlowError(OutputError):
    """An answer took longer than it may."""


class Pipe(io.RawIOBase):
    """A stream that one thread writes to, and that an event loop reads, a part at a time.

    loop: the reader's. until: the time (of `time.monotonic`) at which writing is given up.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, until: float) -> None:
        super().__init__()
        self._loop, self._until = loop, until
        self._parts: deque[bytes | BaseException | None] = deque()
        self._begun, self._changed, self._room = bytearray(), asyncio.Event(), threading.Condition()
        self._left = False

    def writable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def write(self, data: Any) -> int:
        """Takes bytes; waits while the reader is behind.

        Raises:
            OutputError: it has gone, or (`TooSlowError`) it took too long.
        """
        self._begun += data
        while len(self._begun) >= CHUNK:
            self._put(bytes(self._begun[:CHUNK]))
            del self._begun[:CHUNK]
        return len(data)

    def end(self, error: BaseException | None = None) -> None:
        """Says that all was written, or why not all was."""
        if error is None and self._begun and not self._left:
            self._put(bytes(self._begun))
        with self._room:
            self._parts.append(error)
        self._tell()

    def leave(self) -> None:
        """Says that nobody reads any more."""
        with self._room:
            self._left = True
            self._room.notify_all()

    async def part(self) -> bytes | None:
        """What comes next; None at the end.

        Raises:
            BaseException: why not all was written.
        """
        while True:
            with self._room:
                if self._parts:
                    found = self._parts.popleft()
                    self._room.notify_all()
                    break
                self._changed.clear()
            await self._changed.wait()
        if isinstance(found, BaseException):
            raise found
        return found

    async def rest(self, first: bytes | None) -> AsyncIterator[bytes]:
        """`first`, and all that comes after it."""
        part = first
        while part is not None:
            yield part
            part = await self.part()

    def _put(self, part: bytes) -> None:
        with self._room:
            while len(self._parts) >= WAITING and not self._left:
                if not self._room.wait(max(self._until - time.monotonic(), 0)):
                    raise TooSlowError("the answer took too long to be read, and was given up.")
            if self._left:
                raise OutputError("nobody reads the answer any more.")
            if time.monotonic() > self._until:
                raise TooSlowError("the answer took too long, and was given up. Ask for fewer at a time.")
            self._parts.append(part)
        self._tell()

    def _tell(self) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._changed.set)
