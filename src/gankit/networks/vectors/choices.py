"""The residual G for records of choices alone, and a D that says of each block what the record would be worth at each
cell.

Knows Spec and tensors; never columns, files or kinds of data.

Where G chooses all blocks of a record independently given z, the gradient of any mean over its records is a sum over
blocks: the other blocks as they were chosen, the mean over the block's own cells exact (local expectation gradients:
Titsias and Lazaro-Gredilla 2015, "Local Expectation Gradients for Black Box Variational Inference"). It has no bias, as
the straight-through gradient has, and little noise; what it needs is D at every cell of every block. So D is a network
for each block, d_t(other blocks)[cell], and the logit of a record, of which each of them is an estimate, is the mean of
d_t at its cells. While training some of the other blocks are hidden from it in a part of the records, so that G also
plays for the shares of few blocks and of single ones. What it is worth: benchmarks/tables.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from gankit.networks.base import Axes, ChoiceDiscriminator, ChoiceGenerator, Networks
from gankit.networks.vectors.residual import ResidualGenerator
from gankit.networks.vectors.sequential import SequentialGenerator, embedding_for, waves_of
from gankit.spec import Spec

FIRST_HEAD = 12.0
"""The weights of G's head start so much larger: z must divide the records into kinds from the
start, for one block alone cannot leave a kind that all others are of."""

FALLING = 1.0
"""Neighbouring cells of an ordered block start alike, by a few cosines over its cells; the k-th weighs k to the power
of minus this."""


class ResidualChoices(ResidualGenerator, ChoiceGenerator):
    """Every block is a choice; it starts near independent blocks with the shares of training records."""

    starts_from_records = True

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> None:
        super().__init__(spec, condition, width, depth, num_latents)
        self.sizes = [block.size for block in spec.blocks]

    def start_from_records(self, x: Tensor) -> None:
        """See `Network.start_from_records`."""
        with torch.no_grad():
            self.head.weight.mul_(FIRST_HEAD)
            for weight, block in zip(torch.split(self.head.weight, self.sizes), self.spec.blocks, strict=True):
                if block.ordered:  # neighbours start alike: the first cells' weights are those of a few cosines
                    waves = waves_of(block.ordered, block.size)[: block.ordered]
                    falling = torch.arange(1, 1 + min(waves.shape[1], block.ordered)) ** -FALLING
                    waves = waves[:, : len(falling)] * (falling / falling.norm())
                    weight[: block.ordered] = waves @ weight[: len(falling)]
            self.head.bias.copy_(((x.sum(0) + 0.5) / (len(x) + 1)).log())

    def choices(self, z: Tensor, u: Tensor, c: Tensor | None) -> tuple[list[Tensor], Tensor]:
        """See `ChoiceGenerator.choices`."""
        raw = self.raw(z, c)
        with torch.no_grad():
            cells = [part.argmax(1) for part in torch.split(self.output(raw.detach(), u), self.sizes, 1)]
        return list(torch.split(raw, self.sizes, 1)), torch.stack(cells, 1)


class LeaveOneOutDiscriminator(ChoiceDiscriminator):
    """See the module's docstring; its networks are those of the sequential G, with `width` units and `depth` layers."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        blocks = len(spec.blocks)
        self.judges = SequentialGenerator(spec, width, depth, blocks, embedding_for(blocks))
        self.from_condition: nn.Parameter | None = None
        if condition is not None:
            self.from_condition = nn.Parameter(torch.randn(blocks, condition.dim, width) * condition.dim**-0.5)

    def axes(self) -> Axes:
        """See `Network.axes`."""
        return {f"judges.{name}": axes for name, axes in self.judges.axes().items()}

    def _cells(
        self, embedded: Tensor, known: Tensor, c: Tensor | None, which: Sequence[int] | None = None
    ) -> list[Tensor]:
        beside = None
        if c is not None and self.from_condition is not None:
            into = self.from_condition if which is None else self.from_condition[list(which)]
            beside = c @ into  # [B, condition.dim] -> [n, B, width]
        return self.judges.cell_logits_given_others(embedded, known, beside, which)

    def cells_given_others(
        self, code: Tensor, known: Tensor, c: Tensor | None, which: Sequence[int] | None = None
    ) -> list[Tensor]:
        """See `ChoiceDiscriminator.cells_given_others`."""
        return self._cells(self.judges.embedded(code), known, c, which)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        parts = torch.split(x, self.judges.sizes, 1)
        cells = self._cells(self.judges.embedded_of(parts), x.new_ones(len(x), len(parts)), c)
        logits = [(part * of_cell).sum(1) for part, of_cell in zip(parts, cells, strict=True)]
        return torch.stack(logits, 1).mean(1)


def build(spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> Networks:
    """G of `width` units and `depth` blocks; each network of D has a quarter of the units and two layers."""
    generator = ResidualChoices(spec, condition, width, depth, num_latents)
    return generator, LeaveOneOutDiscriminator(spec, condition, max(8, width // 4), 2)
