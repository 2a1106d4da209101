"""The pair for images that learns most per minute of a processor: few, strided convolutions, none at full size.

Knows Spec and tensors; never columns, files or kinds of data.

Layers at full size would be the slowest and there are none: D rearranges every 2 x 2 pixels into channels before its
first convolution, and G ends in the reverse of that. From there on each stage halves (doubles) the sides by a
convolution of kernel 4 and stride 2, as in DCGAN (Radford et al. 2016), but D has no normalisation, which would couple
the gradients that are penalised, and G no batch statistics, so that an image does not depend on its batch. G's
doublings are kept among those that repeat pixels and convolve them (`StridedGenerator.constrain`): free ones learn a
grid. G ends in tanh: with a linear end the even ground of digits stays speckled, and at equal time they are seven times
as far from real ones. A condition is joined with z in G with as much weight as z has and scales and shifts the channels
of every stage (Dumoulin et al. 2017), from 1 and 0 on; it enters D by projection (Miyato and Koyama 2018, eq. 4). What
was measured: benchmarks/images_networks.md.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import Networks, Pair, Task
from gankit.networks.layers import (
    HIDDEN,
    ConvolutionalDiscriminator,
    ConvolutionalGenerator,
    autocast,
    convolution,
    cut,
    halving_layers,
    halvings,
    lay_out,
    widths_of,
)
from gankit.spec import Spec

WIDEST = 8
"""Widths double from stage to stage up to this multiple of the first."""

GRID_FROM = 32
"""Pixels of the shorter side from which on G is kept from learning a grid."""

MEASURED_NUMBERS = 28 * 28
"""Of the images that the settings were found on (MNIST): from there the penalty starts in proportion to the numbers of
an image, for the gradient's squared norm is a sum over them, and the learning rate falls with the side
(benchmarks/images.md). Channels that say which colour a pixel has count as one: on images of ten colours the weight of
all ten is too much to learn from."""


class StridedGenerator(ConvolutionalGenerator):
    """G: z and c through two dense layers to a small image of many channels, which is doubled until it is full.

    What the last doubling has too much is cut off at the margins.
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> None:
        super().__init__(spec, condition, num_latents)
        channels, height, length = spec.shape
        stages, self.base = halvings(height, length)
        widths = widths_of(width, stages, WIDEST) or [width]
        self._init_dense(widths[-1], self.base[0] * self.base[1])
        self._init_stages(widths, depth, nn.Conv2d, nn.ConvTranspose2d)
        styles = [] if condition is None else [nn.Linear(condition.dim, 2 * w, bias=False) for w in reversed(widths)]
        for style in styles:
            nn.init.zeros_(style.weight)
        self.styles = nn.ModuleList(styles)
        self.to_pixels = convolution(widths[0], channels * (4 if stages else 1), 3, padding=1)
        self.last = nn.PixelShuffle(2) if stages else nn.Identity()
        if stages:
            _start_alike(self.to_pixels, channels)
        lay_out(self)

    @torch.no_grad()
    def constrain(self) -> None:
        """Makes every doubling one that repeats pixels and convolves them, which leaves no grid (Odena et al. 2016).

        Doublings of kernel 4 stay within those of kernel 3 on repeated pixels, the last one within those of kernel 5:
        along each axis, what the even pixels get in sum is what the odd ones get. Small images are left free: on MNIST
        the constraint costs more than it gives (benchmarks/images_networks.md, "A grid").
        """
        if min(self.spec.shape[1:]) < GRID_FROM:
            return
        for doubling in self.doublings:
            kernel = doubling.get_parameter("weight")  # [C, C', 4, 4]: odd pixels have the first and third tap
            _level(kernel[:, :, 1::2], kernel[:, :, ::2], 2)
            _level(kernel[..., 1::2], kernel[..., ::2], 3)
        if isinstance(self.last, nn.PixelShuffle):
            weight = self.to_pixels.weight
            cells = weight.view(-1, 2, 2, *weight.shape[1:])  # [channels, row, column, C, 3, 3]
            for parity, taps in ((1, 4), (2, 5)):
                even, odd = cells.unbind(parity)
                _level(even, odd, taps - 1)
            if self.to_pixels.bias is not None:
                four = self.to_pixels.bias.view(-1, 4)
                four.copy_(four.mean(1, keepdim=True).expand_as(four))

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        with autocast(z, self.multiply_in):
            h = self._dense(z, c, *self.base, -1).permute(0, 3, 1, 2)  # -> [B, C, H, W]
            x = self.last(self.to_pixels(self._grown(h, lambda stage, h: self._styled(stage, h, c))))
        return torch.tanh(cut(x.float(), *self.spec.shape[1:]))

    def _styled(self, stage: int, h: Tensor, c: Tensor | None) -> Tensor:
        """h [B, C, H, W], its channels scaled and shifted as c says."""
        if not self.styles:
            return h
        scale, shift = self.styles[stage](c)[:, :, None, None].chunk(2, 1)
        styled: Tensor = h * (1 + scale) + shift
        return styled


def _level(even: Tensor, odd: Tensor, axis: int) -> None:
    """Gives the taps of even and of odd pixels along an axis the same sum."""
    excess = (even - odd).sum(axis, keepdim=True) / (2 * even.shape[axis])
    even.sub_(excess)
    odd.add_(excess)


def _start_alike(to_pixels: nn.Conv2d, channels: int) -> None:
    """The four pixels that come from one place start equal, or their differences are a checkerboard (Aitken 2017)."""
    with torch.no_grad():
        weight = to_pixels.weight.view(channels, 4, *to_pixels.weight.shape[1:])
        weight.copy_(weight[:, :1].clone().expand_as(weight))


class StridedDiscriminator(ConvolutionalDiscriminator):
    """D: strided convolutions, see `ConvolutionalDiscriminator`."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__(spec, condition)
        channels, height, length = spec.shape
        stages, _ = halvings(height, length)
        # an isometry, so gradients by the rearranged image have the norms of those by the image
        self.rearranges = stages > 0 and height % 2 == 0 and length % 2 == 0
        widths = widths_of(width, stages, WIDEST)
        layers = halving_layers(channels, widths, depth, 4 if self.rearranges else 1, convolution)
        last = convolution([channels, *widths][-1], HIDDEN, (height >> stages, length >> stages))
        self._init_chain([*layers, last])

    def _rearranged(self, x: Tensor, u: Tensor | None) -> Tensor:
        return F.pixel_unshuffle(x, 2) if self.rearranges else x  # [B, C, H, W] -> [B, 4C, H/2, W/2]


def default_width(height: int, length: int) -> int:
    """Channels at half of the full size: 32 up to 64 pixels, from there on halved as the sides double, 8 at least.

    So every stage of a large image costs as much as one of an image of 64 x 64.

    >>> [default_width(n, n) for n in (8, 28, 64, 128, 256, 1024)]
    [32, 32, 32, 16, 8, 8]
    """
    return max(8, min(32, 2048 // max(height, length) // 8 * 8))


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` = channels at half of the full size, next to the image; `depth` = further convolutions a stage (0)."""
    width, depth = width or default_width(*spec.shape[1:]), depth or 0
    generator = StridedGenerator(spec, condition, width, depth, num_latents)
    return generator, StridedDiscriminator(spec, condition, width, depth)


def _recipe(task: Task) -> dict[str, Any]:
    # benchmarks/images_networks.md
    channels, height, width = task.spec.shape
    numbers = height * width * (1 if task.spec.blocks else channels)
    return {
        "batch": 32,
        "learning_rate": 2e-3 * min(1.0, math.sqrt(MEASURED_NUMBERS / (height * width))),
        "gap_target": 0.15,
        "first_weight": numbers / MEASURED_NUMBERS,
    }


PAIR = Pair("strided", ("image",), _build, recipe=_recipe, bfloat16=("image",))
