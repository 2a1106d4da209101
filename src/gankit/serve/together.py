"""Rows for several requests at the same time, made as one batch, and those that were made before.

Knows tensors; never models, requests or formats. A row does not depend on which others are made with it, so that a
request gets the same bytes however many there are.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gankit.model.blocks import Block

MOST_KEPT = 1024
"""Blocks that are remembered of a model, each of some 30 kB."""

MOST_ROWS = 8192
"""Rows of a batch, unless one request alone wants more."""


@dataclass(eq=False)
class _Asked:
    z: Tensor
    done: threading.Event = field(default_factory=threading.Event)
    found: Tensor | None = None
    error: BaseException | None = None


class Together:
    """Makes what is asked for from z, [rows, L] to [rows, C], whoever asks: the first to come makes the rows of all who
    wait. See `gankit.model.blocks.Together`.

    at_once: batches that are made side by side.
    """

    def __init__(self, at_once: int) -> None:
        self._waiting: list[_Asked] = []
        self._lock = threading.Lock()
        self._making = threading.Semaphore(at_once)

    def __call__(self, make: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
        """The rows for z. make: the same function, whoever asks."""
        mine = _Asked(z)
        with self._lock:
            self._waiting.append(mine)
        while not mine.done.is_set():
            with self._making:
                taken = self._take(mine)
                if taken:
                    _answer(make, taken)
            if not taken:  # another one makes it
                mine.done.wait()
        if mine.error is not None:
            raise mine.error
        assert mine.found is not None
        return mine.found

    def _take(self, mine: _Asked) -> list[_Asked]:
        """Whose rows are made next, those of `mine` first; none where they are made already."""
        with self._lock:
            if mine not in self._waiting:
                return []
            self._waiting.remove(mine)
            taken, rows = [mine], len(mine.z)
            while self._waiting and rows + len(self._waiting[0].z) <= MOST_ROWS:
                taken.append(self._waiting.pop(0))
                rows += len(taken[-1].z)
            return taken


def _answer(make: Callable[[Tensor], Tensor], asked: list[_Asked]) -> None:
    try:
        with torch.no_grad():
            found = make(torch.cat([one.z for one in asked]))
        for one, rows in zip(asked, torch.split(found, [len(one.z) for one in asked]), strict=True):
            one.found = rows.clone()  # who asks writes to it
    except BaseException as error:  # each of those who wait raises it
        for one in asked:
            one.error = error
    finally:
        for one in asked:
            one.done.set()


class Remembered:
    """The blocks that were asked for last. See `gankit.model.blocks.Kept`."""

    def __init__(self) -> None:
        self._blocks: OrderedDict[Hashable, Block] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Block | None:
        """The block, if it is remembered."""
        with self._lock:
            if key in self._blocks:
                self._blocks.move_to_end(key)
            return self._blocks.get(key)

    def put(self, key: Hashable, block: Block) -> None:
        """Remembers a block, and forgets the one that was not asked for longest."""
        with self._lock:
            self._blocks[key] = block
            while len(self._blocks) > MOST_KEPT:
                self._blocks.popitem(last=False)
