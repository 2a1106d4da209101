"""The dense pairs of Goodfellow et al. 2014 (MNIST, faces, CIFAR-10): ReLU and sigmoid G, maxout D with dropout.

Knows Spec and tensors; never columns, files or kinds of data.

Sizes, activations and initial weights are those of the YAML files of the paper's code (`published2014`): mnist.yaml for
grey pictures up to 28 x 28, tfd_pretrain/pretrain.yaml for larger ones, cifar10_fully_connected.yaml for colour.
Dropout (the same in all): of D's input .8 is kept, scaled by 1.25; of the input of each later layer .5, scaled by 2.

Departures: c is joined to z and to x (Mirza and Osindero 2014, section 3.2) where there is a condition. Pictures are in
[-1, 1] outside; where the file has a sigmoid output the networks work in [0, 1], and where it has contrast-normalised
data, with pixels of deviation .992, they work in units of `DEVIATION` (an image's own mean and contrast could not be
given back), with no bound on G's output. Vectors get MNIST's sizes with a linear output for continuous numbers and
choices by straight-through Gumbel for one-of-K blocks. Uniform noise is made of the standard normal z by the normal
distribution function, which is exact. G's output biases start at the inverse sigmoid of the mean picture (MNIST, faces)
only if `start_from` is called.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from gankit.networks.base import Discriminator, Generator, StartsFromRecords
from gankit.networks.blocks import BlockOutput
from gankit.networks.convolutions import mixed
from gankit.networks.published2014 import Sizes2014, sizes2014
from gankit.spec import Spec

PIECES = 5
KEEP_INPUT = 0.8
KEEP_HIDDEN = 0.5
REACH_G, REACH_D = 0.05, 0.005
"""Hidden weights start uniform in (-reach, reach)."""

NUM_SPARSE = 100
"""Weights into a unit that do not start at zero, where the file says `sparse_init`."""

DEVIATION = 0.5
"""About the standard deviation of photographs in [-1, 1], where contrast-normalised data has about 1."""


def uniform(layer: nn.Linear, reach: float, bias: float = 0.0) -> nn.Linear:
    """The layer with weights uniform in (-reach, reach) and all biases alike, the initialiser of the paper's code."""
    nn.init.uniform_(layer.weight, -reach, reach)
    nn.init.constant_(layer.bias, bias)
    return layer


class UniformNoise(nn.Module):
    """z [B, n] standard normal -> uniform in (-sqrt 3, sqrt 3), of variance 1 too: sqrt 3 (2 Phi(z) - 1)."""

    def forward(self, z: Tensor) -> Tensor:
        """[B, n] -> [B, n]."""
        noise: Tensor = math.sqrt(3) * (2 * torch.special.ndtr(z) - 1)
        return noise


class SparseLinear(nn.Linear):
    """A linear layer that starts with NUM_SPARSE standard normal weights a unit, the others and the biases 0."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__(before, after)
        some = torch.rand(after, before).topk(min(NUM_SPARSE, before), 1).indices
        with torch.no_grad():
            self.weight.zero_().scatter_(1, some, torch.randn(some.shape))
            self.bias.zero_()


def published_hidden(before: int, widths: list[int], sizes: Sizes2014) -> list[nn.Module]:
    """G's hidden layers with their activations: ReLU, and for the last of them what the file says."""
    layers: list[nn.Module] = []
    for place, width in enumerate(widths, 1):
        sigmoid = sizes.last_sigmoid and place == len(widths)
        layers.append(uniform(nn.Linear(before, width), REACH_G, sizes.last_bias if sigmoid else 0.0))
        layers.append(nn.Sigmoid() if sigmoid else nn.ReLU())
        before = width
    return layers


class Dense2014Generator(Generator, StartsFromRecords):
    """G: z -> `depth` layers of `width` units -> a record.

    Args:
        spec: vectors or images.
        condition: the spec of c, or None.
        width, depth: of the hidden layers.
        num_latents: numbers of z.
        sizes: the published networks whose activations and initial weights are taken.

    Attributes:
        multiply_in: the type that layers multiply in; float32 or bfloat16. Not part of the state.
    """

    def __init__(
        self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int, sizes: Sizes2014
    ) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents, self.sizes = spec, condition, num_latents, sizes
        self.multiply_in = torch.float32
        image = spec.form == "image"
        self.noise = UniformNoise() if image and sizes.uniform_noise else nn.Identity()
        before = num_latents + (0 if condition is None else condition.dim)
        if sizes.output_reach is None:
            last: nn.Linear = SparseLinear(width, spec.dim)
        else:
            last = uniform(nn.Linear(width, spec.dim), sizes.output_reach)
        self.layers = nn.Sequential(*published_hidden(before, [width] * depth, sizes), last)
        self.output = BlockOutput(spec.flat, temperature=0.5)
        self.num_uniforms = self.output.num_uniforms

    def start_from(self, x: Tensor) -> None:
        """Sets the output biases so that G without any other layer makes the mean picture, where the paper does so.

        Args:
            x: [N, C, H, W] float32, training pictures in [-1, 1]; a part of them does as well.
        """
        if self.spec.form == "image" and self.sizes.marginal_bias:
            last = self.layers[-1]
            assert isinstance(last, nn.Linear)
            mean = (x.flatten(1).double().mean(0) + 1) / 2
            with torch.no_grad():
                last.bias.copy_(torch.logit(mean.clamp(1e-7, 1 - 1e-7)))

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        z = self.noise(z)
        with mixed(z, self.multiply_in):
            raw: Tensor = self.layers(z if c is None else torch.cat([z, c], 1))
        raw = raw.to(z.dtype)
        if self.spec.form == "image":
            x = 2 * raw.sigmoid() - 1 if self.sizes.sigmoid_output else DEVIATION * raw
            return x.view(-1, *self.spec.shape)  # [B, C*H*W] -> [B, C, H, W]
        chosen: Tensor = self.output(raw, u)
        return chosen.view(-1, *self.spec.shape)


class Maxout(nn.Module):
    """The largest of `PIECES` linear functions, for each unit (Goodfellow et al. 2013, eq. 1)."""

    def __init__(self, before: int, units: int) -> None:
        super().__init__()
        self.linear = uniform(nn.Linear(before, units * PIECES), REACH_D)

    def forward(self, h: Tensor) -> Tensor:
        """[B, before] -> [B, units]."""
        return self.linear(h).unflatten(1, (-1, PIECES)).amax(2)  # type: ignore[no-any-return]  # Module returns Any


def dropped(h: Tensor, u: Tensor, keep: float) -> Tensor:
    """h with each number kept where its u < keep, then scaled by 1/keep; both of one shape."""
    return h * ((u < keep).to(h.dtype) / keep)


class Dense2014Discriminator(Discriminator):
    """D: `depth` maxout layers of `width` units of 5 pieces, dropout keeping .8 of the input and .5 of the rest.

    What is kept is scaled by 1/keep, so that nothing changes when it does not train. Weights start in (-.005, .005).
    Arguments and `multiply_in` as those of `Dense2014Generator`.
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, sizes: Sizes2014) -> None:
        super().__init__()
        self.spec, self.condition, self.sizes = spec, condition, sizes
        self.multiply_in = torch.float32
        before = spec.dim + (0 if condition is None else condition.dim)
        self.num_uniforms = before + depth * width
        layers = []
        for _ in range(depth):
            layers.append(Maxout(before, width))
            before = width
        self.layers = nn.ModuleList(layers)
        self.head = uniform(nn.Linear(before, 1), REACH_D)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        h = x.flatten(1)  # [B, *shape] -> [B, D]
        if self.spec.form == "image":
            h = (h + 1) / 2 if self.sizes.sigmoid_output else h / DEVIATION
        if c is not None:
            h = torch.cat([h, c], 1)
        used, keep = 0, KEEP_INPUT
        with mixed(x, self.multiply_in):
            for layer in (*self.layers, self.head):
                if u is not None:
                    h = dropped(h, u[:, used : used + h.shape[1]], keep)
                    used, keep = used + h.shape[1], KEEP_HIDDEN
                h = layer(h)
        return h.squeeze(1).to(x.dtype)


def build_dense2014(
    spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int
) -> tuple[Dense2014Generator, Dense2014Discriminator]:
    """The pair of 2014 for records like these; `width` (G's) scales both networks, `depth` counts hidden layers."""
    sizes = sizes2014("dense2014", spec)
    units_g = width or sizes.units_g
    units_d = max(1, units_g * sizes.units_d // sizes.units_g)
    return (
        Dense2014Generator(spec, condition, units_g, depth or 2, num_latents, sizes),
        Dense2014Discriminator(spec, condition, units_d, depth or 2, sizes),
    )
