"""A discriminator of texts: convolutions of several widths over symbols, one head each.

Knows Spec and tensors; never columns, files or kinds of data.

Each head embeds the symbols by itself (RelGAN, Nie et al. 2019, section 2.3, has several embedded representations of a
text for the same reason: more ways of being told apart), looks at them through its own window, and gives a logit; D's
logit is their mean.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import DifferentiatedDiscriminator
from gankit.spec import Spec

SLOPE = 0.2
"""Slope of the leaky ReLU below zero."""

WINDOWS = ((2, 1), (3, 1), (5, 1), (5, 4))
"""Taps and their distance of each head's first convolution; the second one has three taps at the same distance."""


class _Convolution(nn.Module):
    """Windows of `taps` places, `distance` apart, times a matrix; behind the ends of a text stand zeros.

    A product of matrices, since oneDNN would compile a convolution anew for every length.
    """

    def __init__(self, inputs: int, outputs: int, taps: int, distance: int) -> None:
        super().__init__()
        self.places = [distance * (k - taps // 2) for k in range(taps)]
        self.linear = nn.Linear(taps * inputs, outputs)

    def forward(self, h: Tensor) -> Tensor:
        """[B, L, inputs] -> [B, L, outputs]."""
        length = h.shape[1]
        before, after = -self.places[0], self.places[-1]
        padded = F.pad(h, (0, 0, before, max(after, 0)))
        windows = torch.cat([padded[:, before + p : before + p + length] for p in self.places], 2)
        result: Tensor = self.linear(windows)
        return result


class _Head(nn.Module):
    """One window on a text: two convolutions, and the largest, the mean and the sum of what they find."""

    def __init__(self, inputs: int, width: int, taps: int, distance: int, condition: Spec | None) -> None:
        super().__init__()
        self.first = _Convolution(inputs, width, taps, distance)
        self.second = _Convolution(width, width, 3, distance)
        self.logit = nn.Linear(3 * width, 1)
        self.projection = None if condition is None else nn.Linear(condition.dim, 3 * width, bias=False)

    def forward(self, e: Tensor, inside: Tensor, c: Tensor | None, longest: int) -> Tensor:
        """Embeddings [B, L, inputs], inside [B, L, 1] in {0, 1} -> logits [B]."""
        h = F.leaky_relu(self.first(e), SLOPE) * inside
        h = (h + F.leaky_relu(self.second(h), SLOPE)) * inside
        total = h.sum(1)
        found = torch.cat(
            [h.masked_fill(inside == 0, float("-inf")).amax(1), total / inside.sum(1), total / longest], 1
        )  # [B, 3 * width]
        weights = self.logit.weight
        if self.projection is not None:
            weights = weights + self.projection(c)  # Miyato and Koyama 2018, eq. 4
        logits: Tensor = (found * weights).sum(1) + self.logit.bias
        return logits


class SymbolsDiscriminator(DifferentiatedDiscriminator):
    """D for sequences of one one-of-K block: texts.

    What stands behind the first end symbol of a text is not looked at: there every record has zeros.

    Args:
        spec: a sequence of one categorical block; code 0 ends a text.
        condition: the spec of c, or None.
        width: numbers of each head's layers.
        embedding: numbers that stand for a symbol, in each head.
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, embedding: int) -> None:
        super().__init__()
        assert spec.form == "sequence" and [b.kind for b in spec.blocks] == ["categorical"], "one block of symbols"
        self.spec, self.condition, self.num_uniforms = spec, condition, 0
        self.num_steps, num_symbols = spec.shape
        self.embed = nn.Parameter(torch.randn(num_symbols, len(WINDOWS) * embedding))
        self.from_condition = None if condition is None else nn.Linear(condition.dim, len(WINDOWS) * embedding)
        self.heads = nn.ModuleList(_Head(embedding, width, taps, distance, condition) for taps, distance in WINDOWS)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        x, inside = self._looked_at(x)
        return self._judged(x @ self.embed, inside, c)

    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `DifferentiatedDiscriminator.logits_and_squares`: without the gradient [B, T, K] itself.

        With e = x W the gradient to x is that to e times W^T, so its squared norm is g (W^T W) g^T: a matrix of the
        embeddings in place of K numbers a symbol.
        """
        x, inside = self._looked_at(x.detach())
        e = x @ self.embed
        # a leaf of its own: its gradient stops here and flows on through e below
        logits = self._judged(e, inside, c)
        (slope,) = torch.autograd.grad(logits.sum(), e, create_graph=True)
        gram = self.embed.T @ self.embed
        return logits, ((slope @ gram) * slope).sum((1, 2))

    def _looked_at(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The part of x [B, T, K] up to the longest text's end [B, L, K], and where each text goes on [B, L, 1]."""
        ends = x[:, :, 0].detach() > 0.5
        inside = ends.cumsum(1) - ends.long() == 0
        longest = int(inside.sum(1).max())
        return x[:, :longest], inside[:, :longest].unsqueeze(2).to(x.dtype)

    def _judged(self, e: Tensor, inside: Tensor, c: Tensor | None) -> Tensor:
        """Logits [B] of embedded symbols [B, L, E]."""
        if self.from_condition is not None:
            e = e + self.from_condition(c).unsqueeze(1)
        parts = (e * inside).chunk(len(WINDOWS), 2)
        logits = [head(part, inside, c, self.num_steps) for head, part in zip(self.heads, parts, strict=True)]
        return torch.stack(logits).mean(0)
