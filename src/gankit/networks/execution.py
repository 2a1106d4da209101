"""How networks are run fast: through `torch.compile` (the same weights, other code), and on as many threads as pay.

Knows the abstract networks and torch; never what they compute. What is compiled here is the way forwards and, with it,
the way back; a second derivative is not (`torch.compile` has none).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.networks.base import DifferentiatedDiscriminator, Discriminator, Generator

TRIES = 3
"""Timed turns of one thread, and of all; the best counts."""

PATIENCE = 1.5
"""All threads are left alone only where they take that many times as long as one: they were then 10 times as slow as
one or slower, since each layer waits for the thread that another program holds up (benchmarks/images_step.md)."""


class CompiledGenerator(Generator):
    """G, compiled when it is first called with a size of batch.

    Args:
        inner: G, whose parameters it works with.
        backend: of `torch.compile`.
    """

    def __init__(self, inner: Generator, backend: str) -> None:
        super().__init__()
        self.spec, self.condition, self.multiply_in = inner.spec, inner.condition, inner.multiply_in
        self.num_latents, self.num_uniforms = inner.num_latents, inner.num_uniforms
        self._fast = torch.compile(inner.forward, backend=backend, dynamic=False)

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """What `inner` gives, but for rounding."""
        return self._fast(z, u, c)


class CompiledDiscriminator(Discriminator):
    """D, compiled when it is first called with a size of batch.

    Args:
        inner: D, whose parameters it works with.
        backend: of `torch.compile`.
    """

    def __init__(self, inner: Discriminator, backend: str) -> None:
        super().__init__()
        self.spec, self.condition, self.multiply_in = inner.spec, inner.condition, inner.multiply_in
        self.num_uniforms = inner.num_uniforms
        self._fast = torch.compile(inner.forward, backend=backend, dynamic=False)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """What `inner` gives, but for rounding."""
        return self._fast(x, c, u)


class CompiledDifferentiatedDiscriminator(DifferentiatedDiscriminator):
    """A D that gives its own input gradient, with both of its ways compiled.

    Args:
        inner: D, whose parameters it works with.
        backend: of `torch.compile`.
    """

    def __init__(self, inner: DifferentiatedDiscriminator, backend: str) -> None:
        super().__init__()
        self.spec, self.condition, self.multiply_in = inner.spec, inner.condition, inner.multiply_in
        self.num_uniforms = inner.num_uniforms
        self._fast = torch.compile(inner.forward, backend=backend, dynamic=False)
        self._fast_squares = torch.compile(inner.logits_and_squares, backend=backend, dynamic=False)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """What `inner` gives, but for rounding."""
        return self._fast(x, c, u)

    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """What `inner` gives, but for rounding."""
        return self._fast_squares(x, c, u)


def compiled(
    generator: Generator, discriminator: Discriminator, backend: str = "inductor"
) -> tuple[Generator, Discriminator]:
    """Both networks, compiled; theirs stay the parameters.

    Args:
        generator, discriminator: as they are.
        backend: of `torch.compile`.
    """
    if (differentiated := discriminator.differentiated) is not None:
        return CompiledGenerator(generator, backend), CompiledDifferentiatedDiscriminator(differentiated, backend)
    return CompiledGenerator(generator, backend), CompiledDiscriminator(discriminator, backend)


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
