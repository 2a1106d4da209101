"""One-of-K blocks of records: how G chooses, and compact records to the tensors that networks see, and back.

Knows Spec and tensors; never columns, files or kinds of data.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from gankit.spec import Spec


class BlockOutput(nn.Module):
    """Raw outputs [B, D] to a record [B, D]: continuous numbers as they are, every other block a hard one-hot choice.

    The choice is an exact draw from softmax(raw) (Gumbel-max); the gradient that flows back is that of
    softmax((raw + Gumbel) / temperature) (straight-through Gumbel-softmax: Jang et al. 2017, section 2.2). Blocks are
    worked on together, grouped by sizes alike, so that the cost does not grow with the number of blocks but with D.

    Args:
        spec: the record; its blocks say which numbers are chosen among.
        temperature: of the softmax whose gradient is used, in (0, inf); small is close to the choice but noisy.
    """

    def __init__(self, spec: Spec, temperature: float = 0.5) -> None:
        super().__init__()
        self.temperature = temperature
        choices = [(o, b.size) for o, b in zip(spec.offsets, spec.blocks, strict=False) if b.type != "continuous"]
        self.num_uniforms = sum(size for _, size in choices)
        self.width = spec.shape[-1]
        # sizes are padded to the next power of two at most, so padding at most doubles the work
        groups: dict[int, list[tuple[int, int]]] = {}
        for offset, size in choices:
            groups.setdefault((size - 1).bit_length(), []).append((offset, size))
        columns: list[int] = []  # for each padded slot, the number of the record it holds
        padding: list[float] = []  # for each slot, 0, or -infinity where it holds none
        self.groups: list[tuple[int, int, int]] = []  # (first slot, blocks, slots per block)
        home = [0] * self.width  # for each number of the record, its slot
        chosen = [False] * self.width
        for _, members in sorted(groups.items()):
            widest = max(size for _, size in members)
            self.groups.append((len(columns), len(members), widest))
            for offset, size in members:
                home[offset : offset + size] = range(len(columns), len(columns) + size)
                columns += [*range(offset, offset + size), *[offset] * (widest - size)]
                padding += [0.0] * size + [-torch.inf] * (widest - size)
                chosen[offset : offset + size] = [True] * size
        self.all_chosen = all(chosen)
        # not in the state: they follow from the spec
        self.register_buffer("columns", torch.tensor(columns, dtype=torch.long), persistent=False)
        self.register_buffer("padding", torch.tensor(padding, dtype=torch.float32), persistent=False)
        self.register_buffer("home", torch.tensor(home, dtype=torch.long), persistent=False)
        self.register_buffer("chosen", torch.tensor(chosen, dtype=torch.bool), persistent=False)
        where = [i for i, one in enumerate(chosen) if one]
        self.register_buffer("where", torch.tensor(where, dtype=torch.long), persistent=False)

    def forward(self, raw: Tensor, u: Tensor) -> Tensor:
        """A record for raw numbers.

        Args:
            raw: [B, D] float32; logits in one-of-K blocks.
            u: [B, num_uniforms] float32, uniform in [0, 1), one for each number of a one-of-K block in their order.

        Returns:
            [B, D] float32.
        """
        if not self.groups:
            return raw
        # torch.rand gives multiples of 2^-24 and 0 among them: half a grain in keeps both logarithms finite
        gumbel = u.clamp(2.0**-25, 1 - 2.0**-24).log_().neg_().log_().neg_()
        where = self.get_buffer("where")
        noise = gumbel if self.all_chosen else torch.zeros_like(raw).index_copy_(1, where, gumbel)
        result: Tensor = _Choose.apply(raw, noise, self)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
        return result


class _Choose(torch.autograd.Function):
    """Forward: hard one-hot of argmax(raw + noise) per block. Backward: through softmax((raw + noise)/temperature)."""

    @staticmethod
    def forward(ctx: Any, raw: Tensor, noise: Tensor, blocks: BlockOutput) -> Tensor:
        columns, chosen = blocks.get_buffer("columns"), blocks.get_buffer("chosen")
        slots = (raw + noise).index_select(1, columns).add_(blocks.get_buffer("padding"))  # [B, D] -> [B, S]
        hard = torch.zeros_like(raw) if blocks.all_chosen else raw.masked_fill(chosen, 0.0)
        for start, count, size in blocks.groups:
            group = slots[:, start : start + count * size].view(-1, count, size)
            winner = group.argmax(-1) + torch.arange(start, start + count * size, size, device=raw.device)
            hard.scatter_(1, columns[winner], 1.0)
        ctx.blocks = blocks
        ctx.save_for_backward(slots)
        return hard

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        (slots,) = ctx.saved_tensors
        blocks: BlockOutput = ctx.blocks
        inner = grad.index_select(1, blocks.get_buffer("columns"))  # [B, D] -> [B, S]
        for start, count, size in blocks.groups:
            where = slice(start, start + count * size)
            soft = (slots[:, where] / blocks.temperature).view(-1, count, size).softmax(-1)
            g = inner[:, where].view(-1, count, size)
            # softmax' g = soft * (g - <g, soft>); the padding has soft = 0
            g.sub_((g * soft).sum(-1, keepdim=True)).mul_(soft).div_(blocks.temperature)
        back = inner.index_select(1, blocks.get_buffer("home"))  # [B, S] -> [B, D]
        return (back if blocks.all_chosen else torch.where(blocks.get_buffer("chosen"), back, grad)), None, None


def cell_at(upto: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """The cells [B, 1] int64 in which the places [B] in (0, 1) of the whole weight fall, and the sums [B, 1] there.

    Args:
        upto: [B, K], rising sums of weights, of any positive total.
        place: [B] float.
    """
    total = upto[:, -1:]
    # Rounding must not reach the total itself, or the cell would be past the last one that has weight.
    at = (place.unsqueeze(1) * total).to(upto.dtype).minimum(torch.nextafter(total, torch.zeros_like(total)))
    return torch.searchsorted(upto, at, right=True), at


def expand(spec: Spec, compact: Tensor) -> Tensor:
    """One number a one-of-K block to one-hot blocks.

    Args:
        spec: a vector with blocks, a sequence, or an image.
        compact: [B, spec.compact_dim] float, where the whole part of a block's number is its code; for sequences
            [B, T, compact numbers of a step] of any type; for images [B, H, W, C] uint8, codes [B, H, W, 1] where
            their channels are one-of-K.

    Returns:
        [B, *spec.shape] float32, images in [-1, 1].
    """
    if spec.form == "image":
        if spec.blocks:
            codes = torch.arange(spec.shape[0], dtype=torch.uint8, device=compact.device)
            compact = (compact == codes).byte().mul_(255)  # [B, H, W, 1] -> [B, H, W, K]
        # a view of the bytes, so that the numbers come channels last, as convolutions on the CPU like them
        return compact.permute(0, 3, 1, 2).float().div_(127.5).sub_(1.0)
    if all(b.type == "continuous" for b in spec.blocks):
        return compact.float()
    if spec.form == "sequence":
        # [B, T, Dc] -> [B * T, Dc] -> [B, T, D]
        return expand(_step(spec), compact.flatten(0, 1)).view(-1, *spec.shape)
    x = torch.zeros(len(compact), spec.dim, device=compact.device)
    source = 0
    columns, sources = [], []
    for offset, block in zip(spec.offsets, spec.blocks, strict=False):
        if block.type == "continuous":
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
        them are codes; for images [B, H, W, C] uint8, codes [B, H, W, 1] where their channels are one-of-K.
    """
    if spec.form == "image" and spec.blocks:
        return x.argmax(1, keepdim=True).byte().permute(0, 2, 3, 1).contiguous()
    if spec.form == "image":
        return x.float().add(1.0).mul_(127.5).round_().clamp_(0, 255).byte().permute(0, 2, 3, 1).contiguous()
    if spec.form == "sequence":
        steps = x.flatten(0, 1)  # [B, T, D] -> [B * T, D]
        codes_only = bool(spec.blocks) and all(b.type != "continuous" for b in spec.blocks)
        nowhere = torch.zeros((), device=x.device).expand(len(steps), len(spec.blocks))
        compact = collapse(_step(spec), steps, nowhere) if spec.blocks else steps
        return compact.to(torch.int32 if codes_only else torch.float32).view(len(x), spec.shape[0], -1)
    parts = []
    for i, (offset, block) in enumerate(zip(spec.offsets, spec.blocks, strict=False)):
        part = x[:, offset : offset + block.size]
        if block.type == "continuous":
            parts.append(part.double())
        else:
            parts.append((part.argmax(1).double() + places[:, i] * (1 - 1e-9)).unsqueeze(1))
    return torch.cat(parts, 1)


def _step(spec: Spec) -> Spec:
    """One step of a sequence."""
    return Spec("vector", spec.shape[-1:], spec.blocks)
