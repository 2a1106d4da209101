"""Compact records to the tensors that networks see, and back: codes to one-hots, one-hots to codes.

Knows Spec and tensors; never columns, files or kinds of data.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gankit.spec import Spec


def expand(spec: Spec, compact: Tensor) -> Tensor:
    """One number a one-of-K block to one-hot blocks.

    Args:
        spec: a vector with blocks.
        compact: [B, spec.compact_dim] float; the whole part of a block's number is its code.

    Returns:
        [B, spec.dim] float32.
    """
    if all(b.kind == "continuous" for b in spec.blocks):
        return compact.float()
    x = torch.zeros(len(compact), spec.dim, device=compact.device)
    source = 0
    columns, sources = [], []
    for offset, block in zip(spec.offsets, spec.blocks, strict=False):
        if block.kind == "continuous":
            x[:, offset : offset + block.size] = compact[:, source : source + block.size]
            source += block.size
        else:
            columns.append(offset)
            sources.append(source)
            source += 1
    at = compact[:, sources].long() + torch.tensor(columns, device=compact.device)
    return x.scatter_(1, at, 1.0)


def collapse(spec: Spec, x: Tensor, places: Tensor) -> Tensor:
    """One-hot blocks to `code + position`; `expand` undoes it.

    Args:
        spec: a vector with blocks.
        x: [B, spec.dim] float32.
        places: [B, number of blocks] float64 in [0, 1), the positions inside the cells.

    Returns:
        [B, spec.compact_dim] float64.
    """
    parts = []
    for i, (offset, block) in enumerate(zip(spec.offsets, spec.blocks, strict=False)):
        part = x[:, offset : offset + block.size]
        if block.kind == "continuous":
            parts.append(part.double())
        else:
            parts.append((part.argmax(1).double() + places[:, i] * (1 - 1e-9)).unsqueeze(1))
    return torch.cat(parts, 1)
