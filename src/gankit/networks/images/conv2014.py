"""The convolutional pair of Goodfellow et al. 2014 for CIFAR-10: a deconvolution in G, maxout convolutions in D.

Knows Spec and tensors; never columns, files or kinds of data.

From cifar10_convolutional.yaml of the paper's code. G: z -> 8000 ReLU -> 8000 sigmoid, seen as 80 channels of 10 x 10
-> deconvolution 5 x 5 with stride 3, linear, with a bias for every number of the image. D: maxout convolutions of 2
pieces, each followed by a maximum over windows: 32 channels 8 x 8 padded by 4, windows 4 every 2; 32 channels 8 x 8
padded by 3, windows 4 every 2; 192 channels 5 x 5 padded by 3, windows 2 every 2; windows may reach over the edge
(cuda-convnet counts them by rounding up: 33 -> 16, 15 -> 7, 9 -> 5 for 32 x 32). Then maxout of 500 units of 5
pieces, and one logit. Weights start uniform in (-.05, .05) in G and (-.005, .005) in D, biases at 0. Dropout as in
`dense2014`: .8 of the image is kept, .5 of the input of every later layer, each number of each channel by itself.

Other shapes: the deconvolution starts from ceil((n - 5) / 3) + 1 places a side and what is too much is cut off; all of
D's sizes follow. `width` (8000) scales every number of units and channels. Departures: as in `dense2014` (units of
`DEVIATION`, images without a bound). c is joined to z, and to the input of D's dense layer after its dropout.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import Discriminator, Generator, Networks, Pair
from gankit.networks.layers import autocast, channels_last, cut
from gankit.networks.vectors.dense2014 import CIFAR10_CONVOLUTIONAL as PUBLISHED
from gankit.networks.vectors.dense2014 import (
    DEVIATION,
    KEEP_HIDDEN,
    KEEP_INPUT,
    REACH_D,
    REACH_G,
    Maxout,
    dropped,
    published_hidden,
    uniform,
)
from gankit.spec import Spec

CHANNELS_G = 80
KERNEL_G, STRIDE_G = 5, 3
PIECES = 2
SMALLEST_SIDE = 8
"""Below, D's first windows find nothing."""

# channels, kernel, padding, window, stride of the windows
CONVOLUTIONS_D = ((32, 8, 4, 4, 2), (32, 8, 3, 4, 2), (192, 5, 3, 2, 2))


def _scaled(units: int, width: int) -> int:
    """Units for 8000 units in G, scaled to `width` units in G."""
    return max(1, units * width // PUBLISHED.units_g)


class Conv2014Generator(Generator):
    """G: see the module's docstring."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        channels, height, wide = spec.shape
        sides = (max(1, -(-(n - KERNEL_G) // STRIDE_G) + 1) for n in (height, wide))
        self.start = (_scaled(CHANNELS_G, width), *sides)  # [C, h, w] before the deconvolution
        before = num_latents + (0 if condition is None else condition.dim)
        self.hidden = nn.Sequential(*published_hidden(before, [width, math.prod(self.start)], PUBLISHED))
        self.deconvolution = nn.ConvTranspose2d(self.start[0], channels, KERNEL_G, STRIDE_G, bias=False)
        nn.init.uniform_(self.deconvolution.weight, -REACH_G, REACH_G)
        self.bias = nn.Parameter(torch.zeros(spec.shape))

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        with autocast(z, self.multiply_in):
            h = self.hidden(z if c is None else torch.cat([z, c], 1)).view(-1, *self.start)
            h = self.deconvolution(channels_last(h))  # [B, 80, 10, 10] -> [B, 3, 32, 32]
        x = cut(h.to(z.dtype), *self.spec.shape[1:]) + self.bias
        return (DEVIATION * x).contiguous()


class _MaxoutConvolution(nn.Module):
    """The largest of PIECES convolutions for each channel, then the largest of each window."""

    def __init__(self, before: int, channels: int, kernel: int, padding: int, window: int, stride: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, channels * PIECES, kernel, padding=padding)
        nn.init.uniform_(self.convolution.weight, -REACH_D, REACH_D)
        assert self.convolution.bias is not None
        nn.init.zeros_(self.convolution.bias)
        self.window, self.stride = window, stride

    def forward(self, h: Tensor) -> Tensor:
        """[B, before, H, W] -> [B, channels, H', W']."""
        h = self.convolution(h)
        h = torch.maximum(h[:, ::PIECES], h[:, 1::PIECES])
        return F.max_pool2d(h, self.window, self.stride, ceil_mode=True)


class Conv2014Discriminator(Discriminator):
    """D: see the module's docstring."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        before, rows, columns = spec.shape
        self.num_uniforms = spec.dim
        layers = []
        for channels, kernel, padding, window, stride in CONVOLUTIONS_D:
            channels = _scaled(channels, width)
            layers.append(_MaxoutConvolution(before, channels, kernel, padding, window, stride))
            before = channels
            rows, columns = (-(-(n + 2 * padding - kernel + 1 - window) // stride) + 1 for n in (rows, columns))
            self.num_uniforms += before * rows * columns
        self.convolutions = nn.ModuleList(layers)
        units = _scaled(PUBLISHED.units_d, width)
        self.dense = Maxout(before * rows * columns + (0 if condition is None else condition.dim), units)
        self.head = uniform(nn.Linear(units, 1), REACH_D)
        self.num_uniforms += units

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        used, keep = 0, KEEP_INPUT

        def drop(h: Tensor) -> Tensor:
            nonlocal used, keep
            if u is None:
                return h
            count = h[0].numel()
            h = dropped(h, u[:, used : used + count].view(h.shape), keep)
            used, keep = used + count, KEEP_HIDDEN
            return h

        with autocast(x, self.multiply_in):
            h = x / DEVIATION
            for layer in self.convolutions:
                h = layer(channels_last(drop(h)))
            h = drop(h.flatten(1))  # [B, 192, 5, 5] -> [B, 4800]
            h = self.dense(h if c is None else torch.cat([h, c], 1))
            logits: Tensor = self.head(drop(h))
        return logits.squeeze(1).to(x.dtype)


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` scales both networks."""
    width = width or PUBLISHED.units_g
    return Conv2014Generator(spec, condition, width, num_latents), Conv2014Discriminator(spec, condition, width)


def _limit(spec: Spec) -> str | None:
    _, height, width = spec.shape
    if min(height, width) >= SMALLEST_SIDE:
        return None
    return f"makes images of {SMALLEST_SIDE} x {SMALLEST_SIDE} pixels at least, these are {width} x {height}"


PAIR = Pair(
    "conv2014", ("image",), _build, _limit, recipe=PUBLISHED.recipe, bfloat16=("image",),
    bfloat16_by_default=False, augmented=False,
    unused={"depth": "conv2014 has the layers of the paper of 2014; --width scales it"},
)  # fmt: skip
