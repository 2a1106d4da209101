"""Rows of records that lie in a file, read while the game plays the step before.

Knows tensors and threads; never what the records are.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor

import torch
from torch import Tensor

NUM_READERS = 4
"""Threads that read: a disk serves several requests sooner at once than one after another."""


class Ahead:
    """Reads rows of a tensor that is mapped from a file, in threads of its own. What is read is the same without it."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(NUM_READERS, thread_name_prefix="gankit-reader")
        self._expected: deque[tuple[Tensor, list[Future[Tensor]]]] = deque(maxlen=2)  # this step's rows and the next's

    def expect(self, x: Tensor, where: Tensor) -> None:
        """Begins to read the rows `where` [B] int64 of x; of what was expected before, the latest is remembered."""
        parts = [self._pool.submit(x.index_select, 0, part) for part in where.chunk(NUM_READERS)]
        self._expected.append((where, parts))

    def take(self, x: Tensor, where: Tensor) -> Tensor:
        """The rows `where` [B] of x: those that were expected, or read now."""
        for place, (expected, parts) in enumerate(self._expected):
            if torch.equal(expected, where):
                del self._expected[place]
                return torch.cat([part.result() for part in parts])
        return x.index_select(0, where)
