"""D for the sequential generator: a game for every column, between what G and what the data choose for it.

Knows Spec and tensors; never columns, files or kinds of data.

The density ratio of a record is the product of those of its blocks given the blocks before them. So D is a sum over
blocks: d_t(blocks before)[cell], one logit for every cell of a block. Each of them plays a game of its own against the
distribution that G gives the block after the same beginning, and as there are few cells, the expectation over G's
choice is a sum: neither player has the noise of samples, nor a gradient that must find its way through a choice. What
it is worth: benchmarks/tables.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gankit.networks.base import ColumnDiscriminator
from gankit.networks.vectors.ensemble import Members
from gankit.networks.vectors.sequential import SequentialGenerator


class SequentialDiscriminator(Members, ColumnDiscriminator):
    """See the module's docstring.

    Its members are networks like G's, whose logits are D's, one for each member of G: while training, the one whose
    turn it is judges, afterwards the mean of all.
    """

    def __init__(self, members: Sequence[SequentialGenerator]) -> None:
        super().__init__(members)
        self.order: Tensor
        self.register_buffer("order", torch.arange(members[0].num_blocks).float(), persistent=False)
        self.lengths = [block.size for block in self.spec.blocks]

    def cell_logits(self, x: Tensor, u: Tensor) -> list[Tensor]:
        """See `ColumnDiscriminator.cell_logits`."""
        return self.all[self.turn].cell_logits(x, u)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`: the sum over blocks in G's own order."""
        parts = torch.split(x, self.lengths, 1)
        logits = x.new_zeros(len(x))
        for member in self.all:
            cells = member.cell_logits_of(parts, self.order.expand(len(x), -1))
            for part, of_cell in zip(parts, cells, strict=True):
                logits = logits + (part * of_cell).sum(1) / len(self.members)
        return logits
