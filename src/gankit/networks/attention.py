"""The pair of transformers for series: every step looks at every other, in G and in D.

Knows Spec and tensors; never columns, files or kinds of data.

Blocks after Vaswani et al. 2017 with the normalisation in front of each part (Xiong et al. 2020). The layers around
them are in `stepwise`.
"""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.sequences import sequences_only
from gankit.networks.stepwise import SLOPE, StepwiseDiscriminator, StepwiseGenerator
from gankit.spec import Spec

HEAD = 16
"""Numbers that one head of the attention compares steps by."""


class AttentionBlock(nn.Module):
    """h + attention(norm h), and to that a dense layer of twice the width.

    Args:
        width: W, a multiple of the number of heads.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.num_heads = max(h for h in range(1, max(1, width // HEAD) + 1) if width % h == 0)
        self.norms = nn.ModuleList([nn.LayerNorm(width), nn.LayerNorm(width)])
        self.compared = nn.Linear(width, 3 * width)
        self.looked_up = nn.Linear(width, width)
        self.widened, self.narrowed = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, h: Tensor) -> Tensor:
        """[B, T, W] -> [B, T, W]."""
        # [B, T, W] -> three of [B, heads, T, W / heads]
        queries, keys, values = (
            self.compared(self.norms[0](h)).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        )
        # written out: the fused attention cannot be differentiated twice, as a penalty has to
        weights = (queries @ keys.transpose(2, 3) / math.sqrt(queries.shape[-1])).softmax(-1)
        h = h + self.looked_up((weights @ values).transpose(1, 2).flatten(2))
        added: Tensor = self.narrowed(F.leaky_relu(self.widened(self.norms[1](h)), SLOPE))
        return h + added


def build_attention(
    spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int
) -> tuple[StepwiseGenerator, StepwiseDiscriminator]:
    """The pair of transformers: `width` = numbers of a step's vector (64), `depth` = blocks (2).

    Raises:
        OptionError: the records are no sequences.
    """
    sequences_only("attention", spec)
    width, depth = width or 64, depth or 2

    def body() -> nn.Module:
        return nn.Sequential(*(AttentionBlock(width) for _ in range(depth)))

    return (
        StepwiseGenerator(spec, condition, body(), width, num_latents),
        StepwiseDiscriminator(spec, condition, body(), width),
    )
