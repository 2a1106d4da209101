"""Compact records to the tensors that networks see, and back: codes to one-hots, bytes of pictures to numbers.

Knows Spec and tensors; never columns, files or kinds of data.
"""

from __future__ import annotations

import torch
from torch import Tensor

from gankit.spec import Spec


def expand(spec: Spec, compact: Tensor) -> Tensor:
    """One number a one-of-K block to one-hot blocks.

    Args:
        spec: a vector with blocks, a sequence, or an image.
        compact: [B, spec.compact_dim] float, where the whole part of a block's number is its code; for sequences
            [B, T, compact numbers of a step] of any type; for images [B, H, W, C] uint8.

    Returns:
        [B, *spec.shape] float32, images in [-1, 1].
    """
    if spec.form == "image":
        # a view of the bytes, so that the numbers come channels last, as convolutions on the CPU like them
        return compact.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)
    if all(b.kind == "continuous" for b in spec.blocks):
        return compact.float()
    if spec.form == "sequence":
        # [B, T, Dc] -> [B * T, Dc] -> [B, T, D]
        return expand(_step(spec), compact.flatten(0, 1)).view(-1, *spec.shape)
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
        spec: a vector with blocks, a sequence, or an image.
        x: [B, *spec.shape] float32.
        places: [B, number of blocks] float64 in [0, 1), the positions inside the cells; sequences have codes alone and
            images no blocks, so that theirs are not looked at.

    Returns:
        [B, spec.compact_dim] float64; for sequences [B, T, compact numbers of a step] float32, or int32 where all of
        them are codes; for images [B, H, W, C] uint8.
    """
    if spec.form == "image":
        return x.float().add(1.0).mul_(127.5).round_().clamp_(0, 255).byte().permute(0, 2, 3, 1).contiguous()
    if spec.form == "sequence":
        steps = x.flatten(0, 1)  # [B, T, D] -> [B * T, D]
        codes_only = bool(spec.blocks) and all(b.kind != "continuous" for b in spec.blocks)
        nowhere = torch.zeros((), device=x.device).expand(len(steps), len(spec.blocks))
        compact = collapse(_step(spec), steps, nowhere) if spec.blocks else steps
        return compact.to(torch.int32 if codes_only else torch.float32).view(len(x), spec.shape[0], -1)
    parts = []
    for i, (offset, block) in enumerate(zip(spec.offsets, spec.blocks, strict=False)):
        part = x[:, offset : offset + block.size]
        if block.kind == "continuous":
            parts.append(part.double())
        else:
            parts.append((part.argmax(1).double() + places[:, i] * (1 - 1e-9)).unsqueeze(1))
    return torch.cat(parts, 1)


def _step(spec: Spec) -> Spec:
    """One step of a sequence."""
    return Spec("vector", spec.shape[-1:], spec.blocks)
