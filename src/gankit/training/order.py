"""The order in which an epoch shows records. Knows their number; never what they are."""

from __future__ import annotations

import torch
from torch import Tensor

from gankit.randomness import torch_generator

WHOLE = 1 << 24
"""Up to so many records an epoch is one permutation of all."""

BLOCK, BLOCKS = 4_096, 256
"""Of more, blocks of so many neighbours are permuted, and so many blocks at a time shuffled together: a million records
from as many places of a file, and no number for every record is held."""


class Order:
    """A permutation of `num` records for each epoch, by a seed; epochs are asked for in any order, places within one as
    they follow each other are fastest.
    """

    def __init__(self, num: int, seed: int) -> None:
        self.num, self.seed = num, seed
        self._epoch = -1
        self._parts: dict[int, Tensor] = {}

    def __len__(self) -> int:
        return self.num

    def rows(self, epoch: int, begin: int, end: int) -> Tensor:
        """The records at the places [begin, end) of an epoch, [n] int64; fewer where it ends."""
        if epoch != self._epoch:
            draws = torch_generator(self.seed, "order", epoch)
            count = self.num if self.num <= WHOLE else -(-self.num // BLOCK)
            self._epoch, self._blocks, self._parts = epoch, torch.randperm(count, generator=draws), {}
            if self.num > WHOLE:
                sizes = torch.full((count,), BLOCK)
                sizes[self._blocks == count - 1] = self.num - (count - 1) * BLOCK
                ends = sizes.cumsum(0)
                self._ends = torch.cat([ends[BLOCKS - 1 :: BLOCKS], ends[-1:]])
        if self.num <= WHOLE:
            return self._blocks[begin:end]
        end, found = min(end, self.num), list[Tensor]()
        while begin < end:
            part = int(torch.searchsorted(self._ends, begin, right=True))
            rows = self._part(part)
            first = int(self._ends[part]) - len(rows)
            found.append(rows[begin - first : end - first])
            begin += len(found[-1])
        return torch.cat(found) if found else torch.zeros(0, dtype=torch.int64)

    def _part(self, part: int) -> Tensor:
        """The records of some blocks, shuffled; those of the last two such parts are kept."""
        if part not in self._parts:
            blocks = self._blocks[part * BLOCKS : (part + 1) * BLOCKS]
            rows = (blocks[:, None] * BLOCK + torch.arange(BLOCK)).flatten()
            rows = rows[rows < self.num]
            draws = torch_generator(self.seed, "order", self._epoch, part)
            self._parts = {k: kept for k, kept in self._parts.items() if k == part - 1}
            self._parts[part] = rows[torch.randperm(len(rows), generator=draws)]
        return self._parts[part]
