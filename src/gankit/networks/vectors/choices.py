"""D for records of choices that G makes at once: of each block it says what the record would be worth at each cell.

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

from gankit.networks.base import Axes, ChoiceDiscriminator
from gankit.networks.vectors.sequential import SequentialGenerator, embedding_for
from gankit.spec import Spec


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
