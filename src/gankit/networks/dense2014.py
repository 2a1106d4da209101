"""The dense pair of Goodfellow et al. 2014 as their code has it for MNIST: ReLU G, maxout D with dropout.

Knows Spec and tensors; never columns, files or kinds of data.

Departures: c is joined to z and to x (Mirza and Osindero 2014, section 3.2) where there is a condition; the output is
linear for continuous numbers, chosen by straight-through Gumbel for one-of-K blocks, and 2 sigmoid - 1 for images,
which are in [-1, 1] here and in [0, 1] there.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gankit.networks.base import Discriminator, Generator
from gankit.networks.blocks import BlockOutput
from gankit.spec import Spec

UNITS_G = 1200
UNITS_D = 240
PIECES = 5
KEEP_INPUT = 0.8
KEEP_HIDDEN = 0.5


def _uniform(layer: nn.Linear, reach: float) -> nn.Linear:
    """The layer with weights uniform in (-reach, reach) and biases 0, the initialiser of the paper's code."""
    nn.init.uniform_(layer.weight, -reach, reach)
    nn.init.zeros_(layer.bias)
    return layer


class Dense2014Generator(Generator):
    """G: z -> `depth` ReLU layers of `width` units -> a record, all weights starting in (-.05, .05)."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        layers: list[nn.Module] = []
        before = num_latents + (0 if condition is None else condition.dim)
        for _ in range(depth):
            layers += [_uniform(nn.Linear(before, width), 0.05), nn.ReLU()]
            before = width
        self.layers = nn.Sequential(*layers, _uniform(nn.Linear(before, spec.dim), 0.05))
        self.output = BlockOutput(spec, temperature=0.5)
        self.num_uniforms = self.output.num_uniforms

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        raw: Tensor = self.layers(z if c is None else torch.cat([z, c], 1))
        if self.spec.form == "image":
            return (2 * raw.sigmoid() - 1).view(-1, *self.spec.shape)  # [B, C*H*W] -> [B, C, H, W]
        chosen: Tensor = self.output(raw, u)
        return chosen


class Maxout(nn.Module):
    """The largest of `PIECES` linear functions, for each unit (Goodfellow et al. 2013, eq. 1)."""

    def __init__(self, before: int, units: int) -> None:
        super().__init__()
        self.linear = _uniform(nn.Linear(before, units * PIECES), 0.005)

    def forward(self, h: Tensor) -> Tensor:
        """[B, before] -> [B, units]."""
        return self.linear(h).unflatten(1, (-1, PIECES)).amax(2)  # type: ignore[no-any-return]  # Module returns Any


class Dense2014Discriminator(Discriminator):
    """D: `depth` maxout layers of `width` units of 5 pieces, dropout keeping .8 of the input and .5 of the rest.

    What is kept is scaled by 1/keep, so that nothing changes when it does not train. Weights start in (-.005, .005).
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        before = spec.dim + (0 if condition is None else condition.dim)
        self.num_uniforms = before + depth * width
        layers = []
        for _ in range(depth):
            layers.append(Maxout(before, width))
            before = width
        self.layers = nn.ModuleList(layers)
        self.head = _uniform(nn.Linear(before, 1), 0.005)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        h = x.flatten(1)  # [B, *shape] -> [B, D]
        if c is not None:
            h = torch.cat([h, c], 1)
        used, keep = 0, KEEP_INPUT
        for layer in (*self.layers, self.head):
            if u is not None:
                h = h * ((u[:, used : used + h.shape[1]] < keep).to(h.dtype) / keep)
                used, keep = used + h.shape[1], KEEP_HIDDEN
            h = layer(h)
        return h.squeeze(1)


def build_dense2014(
    spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int
) -> tuple[Dense2014Generator, Dense2014Discriminator]:
    """The pair of 2014: G 1200 units twice, D 240 units of 5 pieces twice; `width` scales both (G's; D has a fifth)."""
    depth = depth or 2
    return (
        Dense2014Generator(spec, condition, width or UNITS_G, depth, num_latents),
        Dense2014Discriminator(spec, condition, UNITS_D if width is None else max(1, width // 5), depth),
    )
