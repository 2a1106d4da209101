"""StyleGAN2's discriminator: residual blocks that halve the image, and the spread of a few records at the end.

Knows Spec and tensors; never columns, files or kinds of data.

Karras et al. 2020a, config F; its condition is the projection of Karras et al. 2020b (ADA): a mapping network for c,
and the inner product of its result with D's last layer.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import Discriminator
from gankit.networks.resampling import downsampling_convolution
from gankit.networks.stylegan2_layers import (
    GAIN,
    SLOPE,
    EqualisedLinear,
    Mapping,
    activate,
    channels_of,
    pyramid_of,
    types_of,
)
from gankit.spec import Spec

GROUP = 4
"""Most records whose spread is taken together (Karras et al. 2020a)."""


class EqualisedConvolution(nn.Module):
    """A convolution with weights starting in N(0, 1) and scaled at run time, see `EqualisedLinear`."""

    def __init__(self, inputs: int, outputs: int, side: int, gain: float, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, side, side).normal_())
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.gain = gain / math.sqrt(inputs * side * side), gain

    def scaled(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Weight and bias as the convolution takes them."""
        bias = None if self.bias is None else (self.bias * self.gain).to(dtype)
        return (self.weight * self.scale).to(dtype), bias

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H, W]."""
        return F.conv2d(x, *self.scaled(x.dtype), padding=self.weight.shape[2] // 2)

    def halve(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H // 2, W // 2]."""
        return downsampling_convolution(x, *self.scaled(x.dtype))


class HalvingBlock(nn.Module):
    """(skip(x) + main(x)) / sqrt 2 at half the size: two 3x3 convolutions beside one of 1x1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = EqualisedConvolution(inputs, inputs, 3, gain=GAIN)
        self.second = EqualisedConvolution(inputs, outputs, 3, gain=1.0)  # sqrt 2 of the ReLU / sqrt 2 of the sum
        self.skip = EqualisedConvolution(inputs, outputs, 1, gain=1 / GAIN, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H // 2, W // 2]."""
        return self.skip.halve(x).add_(activate(self.second.halve(activate(self.first(x)))))


def append_spread(x: Tensor) -> Tensor:
    """One more channel: the standard deviation within a group of records, averaged over channels and pixels.

    Karras et al. 2018, section 3, in groups of at most four consecutive records. A batch of even size counts as two
    halves (real records, then fakes), and no group reaches across the middle; within a half (or a batch of odd size)
    groups are as large and as alike as can be.

    Args:
        x: [B, C, H, W] float32.

    Returns:
        [B, C + 1, H, W].
    """
    whole = len(x)
    halves = 2 if whole % 2 == 0 else 1
    each = whole // halves
    groups = -(-each // GROUP)
    sizes = [each // groups + (i < each % groups) for i in range(groups)] * halves

    def spread(group: Tensor) -> Tensor:  # [..., G, C, H, W] -> [..., 1]
        return (group.var(-4, correction=0) + 1e-8).sqrt().mean((-3, -2, -1)).unsqueeze(-1)

    if len(set(sizes)) == 1:
        grouped = x.reshape(len(sizes), sizes[0], *x.shape[1:])
        spreads = spread(grouped).expand(-1, sizes[0]).flatten()
    else:
        spreads = torch.cat([spread(group).expand(len(group)) for group in torch.split(x, sizes)])
    return torch.cat([x, spreads.view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])], 1)


class StyleGAN2Discriminator(Discriminator):
    """D: an image through blocks that halve it to a logit.

    Images that are no base times a power of two are bordered by zeros to the next larger such size. The logit of a
    record depends on the records it shares a group with, see `append_spread`.

    Args:
        spec: an image of any height, width and channels.
        condition: the spec of c, or None.
        width: channels at low resolutions, see `channels_of`.
        depth: layers of the mapping network of c.

    Attributes:
        multiply_in: float32 or bfloat16, the type of the convolutions; not part of the state. The last block always
            works in float32.
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        self.multiply_in = torch.float32
        self.pyramid = pyramid_of(spec.shape[1], spec.shape[2])
        channels = channels_of(spec, self.pyramid, width)[::-1]  # from the image down
        last = channels[-1]
        self.from_image = EqualisedConvolution(spec.shape[0], channels[0], 1, gain=GAIN)
        self.blocks = nn.ModuleList(HalvingBlock(before, after) for before, after in pairwise(channels))
        self.last = EqualisedConvolution(last + 1, last, 3, gain=GAIN)
        height, side = self.pyramid.base
        self.dense = EqualisedLinear(last * height * side, last, gain=GAIN)
        self.mapping = None if condition is None else Mapping(0, condition, last, depth)
        self.head = EqualisedLinear(last, 1 if condition is None else last)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        types = types_of(self.pyramid, self.last.weight.dtype, self.multiply_in, x.device)[::-1]
        h = self._bordered(x).to(types[0]).contiguous(memory_format=torch.channels_last)
        h = activate(self.from_image(h))
        for block, dtype in zip(self.blocks, types, strict=False):
            h = block(h.to(dtype))
        h = append_spread(h.to(self.last.weight.dtype))  # [B, C, H0, W0] -> [B, C + 1, H0, W0]
        h = F.leaky_relu_(self.last(h), SLOPE)
        h = F.leaky_relu_(self.dense(h.flatten(1)), SLOPE)  # [B, C, H0, W0] -> [B, C]
        logits: Tensor = self.head(h)
        if self.mapping is None:
            return logits.squeeze(1)
        # projection (Miyato and Koyama 2018, eq. 4, without the unconditional term): <head(h), mapping(c)> / sqrt C
        projected: Tensor = (logits * self.mapping(None, c)).sum(1) / math.sqrt(logits.shape[1])
        return projected

    def _bordered(self, x: Tensor) -> Tensor:
        """[B, C, H, W] with zeros around to the size of the highest level; as it is where it fits."""
        height, width = self.pyramid.sizes[-1]
        down, across = height - x.shape[2], width - x.shape[3]
        if not down and not across:
            return x
        return F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
