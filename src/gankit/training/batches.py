"""Real records as training takes them, and rows of records in a file that are read one step ahead.

Knows tensors and rows; never files, codecs or kinds.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batches:
    """Real records as the game takes them.

    x: [N, *spec.shape] float32, or any [N, ...] tensor that `expand` makes into it (codes in place of one-hots, bytes
        of images). It may lie on another device than the networks, or in a file that is mapped into memory.
    c: [N, condition.dim] float32, or None.
    expand: from rows of `x` to records [B, *spec.shape] float32; None where they are that already.
    part: [M] int64, the rows of `x` that these records are; None = all. `c` has a row for each of them.
    ahead: reads the rows of the next step while this one is played, where `x` is a file; None where it is memory.
    """

    x: Tensor
    c: Tensor | None = None
    expand: Callable[[Tensor], Tensor] | None = None
    part: Tensor | None = None
    ahead: Ahead | None = None

    def __len__(self) -> int:
        return len(self.x if self.part is None else self.part)

    def take(self, rows: Tensor, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """Records [B, *spec.shape] and conditions at `rows` [B] int64, on the device."""
        x, c = self.rows(rows)
        x, c = x.to(device, non_blocking=True), None if c is None else c.to(device, non_blocking=True)
        return x if self.expand is None else self.expand(x), c

    def rows(self, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """What `x` holds at `rows` [B] int64, not expanded, and conditions."""
        where = self._where(rows)
        c = None if self.c is None else self.c.index_select(0, rows.to(self.c.device))
        return self.x.index_select(0, where) if self.ahead is None else self.ahead.take(self.x, where), c

    def expect(self, rows: Tensor) -> None:
        """Says that `rows` [B] int64 will be asked for next."""
        if self.ahead is not None:
            self.ahead.expect(self.x, self._where(rows))

    def _where(self, rows: Tensor) -> Tensor:
        return rows if self.part is None else self.part.index_select(0, rows)


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
