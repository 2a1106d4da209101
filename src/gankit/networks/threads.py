"""How many of the processor's threads convolutions are worth at the moment, and a place where so many are used.

Knows torch alone.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.nn import functional as F

TRIES = 3
"""Timed turns of one thread, and of all; the best counts."""

PATIENCE = 1.5
"""All threads are left alone only where they take that many times as long as one: they were then 10 times as slow as
one or slower, since each layer waits for the thread that another program holds up (benchmarks/pictures_step.md)."""


def threads_that_pay() -> int:
    """All of torch's threads, or 1 where they get in each other's way: on a machine that other programs keep busy.

    Decided by timing a small convolution forwards and backwards, .1 s on an idle machine; torch's setting is as it was
    afterwards.
    """
    most = torch.get_num_threads()
    if most == 1:
        return 1
    weight = torch.full((64, 32, 4, 4), 0.01, requires_grad=True)
    x = torch.ones(32, 32, 28, 28)

    def turn() -> float:
        begun = time.perf_counter()
        F.conv2d(x, weight, stride=2, padding=1).sum().backward()  # type: ignore[no-untyped-call]
        return time.perf_counter() - begun

    with threads(1):
        turn()
        alone = min(turn() for _ in range(TRIES))
    turn()
    return most if any(turn() < PATIENCE * alone for _ in range(TRIES)) else 1


@contextmanager
def threads(number: int | None) -> Iterator[None]:
    """Within it torch uses so many threads (None: as many as before); what was set before comes back."""
    before = torch.get_num_threads()
    if number is not None:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
