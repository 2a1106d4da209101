"""The recurrent pair for series: gated recurrent units over time, G's forwards and D's both ways.

Knows Spec and tensors; never columns, files or kinds of data.

The networks of the recurrent GANs (Esteban et al. 2017; TimeGAN: Yoon et al. 2019) in the game of this project, without
their autoencoders. The layers are in `stepwise`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from gankit.networks.sequences import sequences_only
from gankit.networks.stepwise import StepwiseDiscriminator, StepwiseGenerator
from gankit.spec import Spec


class Recurrence(nn.Module):
    """Gated recurrent units over time, from a learned first state.

    Args:
        width: W, of the vectors and of the state.
        depth: layers of units.
        both_ways: whether a second chain goes backwards in time.
    """

    def __init__(self, width: int, depth: int, both_ways: bool) -> None:
        super().__init__()
        self.units = nn.GRU(width, width, depth, batch_first=True, bidirectional=both_ways)
        self.start = nn.Parameter(torch.zeros((2 if both_ways else 1) * depth, 1, width))
        self.merge = nn.Linear((2 if both_ways else 1) * width, width)

    def forward(self, h: Tensor) -> Tensor:
        """[B, T, W] -> [B, T, W]."""
        with torch.backends.cudnn.flags(enabled=False):  # whose units cannot be differentiated twice
            states, _ = self.units(h, self.start.expand(-1, len(h), -1).contiguous())
        merged: Tensor = self.merge(states)
        return merged


def build_recurrent(
    spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int
) -> tuple[StepwiseGenerator, StepwiseDiscriminator]:
    """The recurrent pair: `width` = numbers of the state (64), `depth` = layers of units (1).

    Raises:
        OptionError: the records are no sequences.
    """
    sequences_only("recurrent", spec)
    width, depth = width or 64, depth or 1
    return (
        StepwiseGenerator(spec, condition, Recurrence(width, depth, both_ways=False), width, num_latents),
        StepwiseDiscriminator(spec, condition, Recurrence(width, depth, both_ways=True), width),
    )
