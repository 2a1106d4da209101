"""G and D through `torch.compile`: the same weights, other code.

Knows the abstract networks and torch; never what they compute. What is compiled here is the way forwards and, with it,
the way back; a second derivative is not (`torch.compile` has none).
"""

from __future__ import annotations

import torch
from torch import Tensor

from gankit.networks.base import DifferentiatedDiscriminator, Discriminator, Generator


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
    if isinstance(discriminator, DifferentiatedDiscriminator):
        return CompiledGenerator(generator, backend), CompiledDifferentiatedDiscriminator(discriminator, backend)
    return CompiledGenerator(generator, backend), CompiledDiscriminator(discriminator, backend)
