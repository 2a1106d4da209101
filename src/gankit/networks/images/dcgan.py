"""The deep convolutional pair of Radford et al. 2016 (section 3): strided convolutions only, no pooling, no dense layer
but the first.

Knows Spec and tensors; never columns, files or kinds of data.

G: z -> a small image of many channels -> 5x5 deconvolutions of stride 2, each with half the channels, batch
normalisation and ReLU -> the image by tanh. D: 5x5 convolutions of stride 2, each with twice the channels, leaky
ReLU of slope .2 -> one logit. Weights start normal with deviation .02, scales of the normalisation around 1. The
paper's networks for 64 x 64 are `width` 128 (channels next to the image; 1024 at 4 x 4), here the default is 64.

Batch normalisation: G's is as published, by the statistics of its batch while it trains and by running ones (decay .9)
in evaluation mode, so that a fake does not depend on its batch. D sees real records and fakes in one batch here, which
must not be normalised together, and a penalty needs a D whose logit for a record depends on that record alone; so D has
layer normalisation in its place, as Gulrajani et al. 2017 (section 4) recommend. That is a departure. Others: c is
joined to z, and enters D's head by projection (Miyato and Koyama 2018, eq. 4); sizes that are no power of two (cut
after G, surrounded by zeros before D).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import Discriminator, Generator, Networks, Pair, Task
from gankit.networks.layers import SLOPE, BatchNorm, autocast, channels_last, cut, halvings, surround
from gankit.spec import Spec

WIDTH = 64
DEVIATION = 0.02
KERNEL = 5


def _small_start(network: nn.Module) -> None:
    """Weights normal with deviation .02 (scales of normalisations: around 1), biases 0."""
    for layer in network.modules():
        if isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d, nn.Linear)):
            nn.init.normal_(layer.weight, 0.0, DEVIATION)
        elif isinstance(layer, (nn.BatchNorm2d, nn.GroupNorm)):
            nn.init.normal_(layer.weight, 1.0, DEVIATION)
        else:
            continue
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


class DCGANGenerator(Generator):
    """G: see the module's docstring."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int | None, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        count, (rows, columns) = halvings(spec.shape[1], spec.shape[2], depth)
        channels = [width * 2**i for i in range(count)][::-1] or [width]
        self.start = channels[0], rows, columns
        before = num_latents + (0 if condition is None else condition.dim)
        self.project = nn.Linear(before, channels[0] * rows * columns, bias=False)
        self.first = BatchNorm(channels[0])
        layers: list[nn.Module] = []
        for i, after in enumerate([*channels[1:], spec.shape[0]] if count else [spec.shape[0]]):
            last = i == max(count, 1) - 1
            stride = 2 if count else 1
            layers.append(nn.ConvTranspose2d(channels[i], after, KERNEL, stride, KERNEL // 2, stride - 1, bias=last))
            if not last:
                layers += [BatchNorm(after), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers)
        _small_start(self)

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        with autocast(z, self.multiply_in):
            h = self.project(z if c is None else torch.cat([z, c], 1)).view(-1, *self.start)
            h = self.layers(F.relu_(self.first(channels_last(h))))
        return cut(h.to(z.dtype), *self.spec.shape[1:]).tanh().contiguous()


class DCGANDiscriminator(Discriminator):
    """D: see the module's docstring."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int | None) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        count, (rows, columns) = halvings(spec.shape[1], spec.shape[2], depth)
        self.padded = rows * 2**count, columns * 2**count
        layers: list[nn.Module] = []
        before = spec.shape[0]
        for i in range(max(count, 1)):
            after = width * 2**i
            layers.append(nn.Conv2d(before, after, KERNEL, 2 if count else 1, KERNEL // 2, bias=i == 0))
            if i:
                layers.append(nn.GroupNorm(1, after))
            layers.append(nn.LeakyReLU(SLOPE))
            before = after
        self.layers = nn.Sequential(*layers)
        self.head = nn.Linear(before * rows * columns, 1)
        self.projection = None if condition is None else nn.Linear(condition.dim, self.head.in_features, bias=False)
        _small_start(self)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        with autocast(x, self.multiply_in):
            h = self.layers(channels_last(surround(x, *self.padded))).flatten(1)
        h = h.to(x.dtype)
        logits: Tensor = self.head(h).squeeze(1)
        if self.projection is not None:
            logits = logits + (h * self.projection(c)).sum(1)
        return logits


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` = channels of the layer next to the image; `depth` = deconvolutions, by default those that leave 4 to 7
    pixels at the start.
    """
    width = width or WIDTH
    generator = DCGANGenerator(spec, condition, width, depth, num_latents)
    return generator, DCGANDiscriminator(spec, condition, width, depth)


def _recipe(task: Task) -> dict[str, Any]:
    """Radford et al. 2016, section 3."""
    return {
        "batch": 128, "loss": "nonsaturating", "penalty": "none", "learning_rate": 2e-4, "final_learning_rate": 1.0,
        "beta1": 0.5, "beta2": 0.999,
    }  # fmt: skip


PAIR = Pair("dcgan", ("image",), _build, recipe=_recipe, bfloat16=("image",), augmented=False)
