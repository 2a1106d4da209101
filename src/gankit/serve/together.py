"""Rows for several requests at the same time, made as one batch, and those that were made before.

Knows tensors; never models, requests or formats. A row does not depend on which others are made with it, so that a
request gets the same bytes however many there are.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from gankit.model.blocks import Block

MOST_KEPT = 1024
"""Blocks that are remembered of a model, each of some 30 kB."""

MOST_ROWS = 8192
"""Rows of a batch, unless one request alone wants more."""


class Turns:
    """One thread at a time, in the order in which they come. Threads that compute at the same time in one process wait
    for each other at every step, and get half as much done.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False
        self._own = threading.local()

    def __enter__(self) -> None:
        """Waits for its turn."""
        gate = threading.Lock()
        gate.acquire()
        with self._lock:
            if self._taken:
                self._waiting.append(gate)
            else:
                self._taken = True
                gate.release()
        gate.acquire()
        self._own.turn = True

    def __exit__(self, *_: object) -> None:
        """Lets the next one have it."""
        self._own.turn = False
        with self._lock:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False

    @contextmanager
    def after_others(self) -> Iterator[None]:
        """A turn after those of all who wait now, also of a thread that has one; it has one again at the end."""
        had = getattr(self._own, "turn", False)
        if had:
            self.__exit__()
        self.__enter__()
        try:
            yield
        finally:
            if not had:
                self.__exit__()


@dataclass(eq=False)
class _Asked:
    z: Tensor
    found: Tensor | None = None
    error: BaseException | None = None


class Together:
    """Makes what is asked for from z, [rows, L] to [rows, C], whoever asks: the first to have a turn again, after all
    others have said what they want, makes the rows of all. See `gankit.model.blocks.Together`.
    """

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._waiting: list[_Asked] = []
        self._lock = threading.Lock()
        # one thread, with which the memory stays that large batches take
        self._maker = ThreadPoolExecutor(1, "rows")

    def __call__(self, make: Callable[[Tensor], Tensor], z: Tensor) -> Tensor:
        """The rows for z. make: the same function, whoever asks."""
        mine = _Asked(z)
        with self._lock:
            self._waiting.append(mine)
        with self._turns.after_others():
            if taken := self._take(mine):
                self._maker.submit(_answer, make, taken).result()
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
