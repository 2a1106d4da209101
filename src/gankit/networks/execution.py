"""How networks are run fast: through `torch.compile` (the same weights, other code), and on as many threads as pay.

Knows the abstract networks and torch; never what they compute. What is compiled here is the way forwards and, with it,
the way back; a second derivative is not (`torch.compile` has none).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F

from gankit.networks.base import Discriminator, Generator, Networks

TRIES = 3
"""Timed turns of one thread, and of all; the best counts."""

PATIENCE = 1.5
"""All threads are left alone only where they take that many times as long as one: they were then 10 times as slow as
one or slower, since each layer waits for the thread that another program holds up (benchmarks/images_step.md)."""


def compiled(generator: Generator, discriminator: Discriminator, backend: str = "inductor") -> Networks:
    """Both networks, compiled when they are first called with a size of batch; theirs stay the parameters.

    What they give differs by rounding. `backend` is that of `torch.compile`.
    """
    fast_g, fast_d = copy.copy(generator), copy.copy(discriminator)  # shallow: of the same tensors
    methods = ["forward"] if discriminator.differentiated is None else ["forward", "logits_and_squares"]
    for network, fast, name in ((generator, fast_g, "forward"), *((discriminator, fast_d, m) for m in methods)):
        setattr(fast, name, torch.compile(getattr(network, name), backend=backend, dynamic=False))
    return fast_g, fast_d


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
