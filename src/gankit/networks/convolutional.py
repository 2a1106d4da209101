"""What the pairs `strided`, `temporal` and `wave` share: how G begins, and a D that gives its own input gradient.

Knows Spec and tensors; never columns, files or kinds of data.

G takes z and c through two dense layers to a small record of many channels. D is a chain of convolutions to features,
whose product with a vector is the logit: that of the head, and a linear function of c (projection, Miyato and Koyama
2018, eq. 4).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import DifferentiatedDiscriminator, Generator
from gankit.networks.layers import SLOPE, channels_last, init_weights, lay_out
from gankit.networks.piecewise import Activate, Convolve, PiecewiseLinear
from gankit.spec import Spec

HIDDEN = 256
"""Units of the dense layers: G's first one and D's last one."""


class ConvolutionalGenerator(Generator):
    """G that grows a small record of many channels; a subclass calls `_init_dense` first, and says what follows.

    A condition is joined with z with as much weight as z has.
    """

    def __init__(self, spec: Spec, condition: Spec | None, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents

    def _init_dense(self, channels: int, places: int) -> None:
        """The dense layers, to `channels` at each of `places` places."""
        self.from_latent = nn.Linear(self.num_latents, HIDDEN)
        self.from_condition = None if self.condition is None else nn.Linear(self.condition.dim, HIDDEN, bias=False)
        shares = 1 if self.condition is None else 2
        init_weights(self.from_latent, shares * self.num_latents)
        if self.from_condition is not None:
            init_weights(self.from_condition, shares)  # of a one-hot c one weight counts
        self.dense = nn.Linear(HIDDEN, channels * places)
        init_weights(self.dense, HIDDEN)

    def _dense(self, z: Tensor, c: Tensor | None, *shape: int) -> Tensor:
        """z [B, num_latents] and c -> [B, *shape], of channels * places numbers; -1 in the shape is worked out."""
        h = self.from_latent(z)
        if self.from_condition is not None:
            h = h + self.from_condition(c)
        begun: Tensor = self.dense(F.leaky_relu(h, SLOPE)).unflatten(1, shape)
        return begun


class ConvolutionalDiscriminator(DifferentiatedDiscriminator):
    """D: a chain of convolutions to HIDDEN features, and their product with a vector of c.

    It is piecewise linear in x, so it gives its own input gradient (`PiecewiseLinear`).
    """

    def __init__(self, spec: Spec, condition: Spec | None) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition

    def _init_chain(self, layers: Sequence[nn.Conv2d]) -> None:
        """The chain of `layers`, each with its activation, and the head; the last layer gives [B, HIDDEN, 1, 1]."""
        steps = [step for i in range(len(layers)) for step in (Convolve(i), Activate())]
        self.chain = PiecewiseLinear(steps, layers, SLOPE)
        lay_out(self.chain)
        self.head = nn.Linear(HIDDEN, 1)
        self.projection = None if self.condition is None else nn.Linear(self.condition.dim, HIDDEN, bias=False)
        init_weights(self.head, HIDDEN, 1.0)
        if self.projection is not None:
            init_weights(self.projection, HIDDEN, 1.0)

    @abstractmethod
    def _rearranged(self, x: Tensor, u: Tensor | None) -> Tensor:
        """x [B, *spec.shape] as the chain takes it, [B, C', H', W']: an isometry, or the norm of the gradient differs.

        u is as in `Discriminator.forward`.
        """

    def _enter(self, x: Tensor, c: Tensor | None, u: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the chain takes [B, C', H', W'], and the vectors [B, HIDDEN, 1, 1] its features are multiplied with."""
        h = self._rearranged(x, u)
        vectors = self.head.weight.expand(len(x), -1)
        if self.projection is not None:
            vectors = vectors + self.projection(c)
        return channels_last(h.to(self.multiply_in)), vectors[:, :, None, None]

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        h, vectors = self._enter(x, c, u)
        logits: Tensor = (self.chain(h) * vectors).flatten(1).sum(1) + self.head.bias
        return logits

    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `DifferentiatedDiscriminator.logits_and_squares`."""
        logits, squares = self.chain.logits_and_squares(*self._enter(x, c, u))
        return logits + self.head.bias, squares
