"""The dense pairs of Goodfellow et al. 2014 (MNIST, faces, CIFAR-10): ReLU and sigmoid G, maxout D with dropout.

Knows Spec and tensors; never columns, files or kinds of data.

Sizes, activations and initial weights: mnist.yaml for grey images up to 28 x 28, tfd_pretrain/pretrain.yaml for larger
ones, cifar10_fully_connected.yaml for colour.
Dropout (the same in all): of D's input .8 is kept, scaled by 1.25; of the input of each later layer .5, scaled by 2.

Departures: c is joined to z and to x (Mirza and Osindero 2014, section 3.2) where there is a condition. Images are in
[-1, 1] outside; where the file has a sigmoid output the networks work in [0, 1], and where it has contrast-normalised
data, with pixels of deviation .992, they work in units of `DEVIATION` (an image's own mean and contrast could not be
given back), with no bound on G's output. Vectors get MNIST's sizes with a linear output for continuous numbers and
choices by straight-through Gumbel for one-of-K blocks. Uniform noise is made of the standard normal z by the normal
distribution function, which is exact. G's output biases start at the inverse sigmoid of the mean image (MNIST, faces)
only if `start_from_records` is called.

Everything is from the YAML files of the paper's code (github.com/goodfeli/adversarial, revision 1720041) and from
pylearn2, which reads them. Facts that are easily missed:

- D minimises half of its loss (AdversaryCost2), so with the plain sum its rate is half of G's.
- G and D move at once, from the same noise and the same dropout, not one after the other as in algorithm 1 of the
  paper. That decides: where D moves first it runs away (benchmarks/images.md).
- Only mnist.yaml says `noise: uniform`; the other files leave pylearn2's default, standard normal noise.
- The momentum rises linearly from .5 in epoch 1 to .7 in epoch 250; the rate is divided by 1.000004 after every batch,
  down to 1e-6.
- CIFAR-10 is contrast-normalised (`gcn: 55`: each image without its mean, of norm 55, so of deviation .992 a number).
- tfd_pretrain has two stages: pretrain.yaml, then train.yaml, which puts another network (8000 ReLU, 100 sigmoid)
  in front of the trained G. Here: the first stage.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from gankit.networks.base import RECORD, Axes, Axis, Discriminator, Generator, Networks, Pair, Task
from gankit.networks.blocks import BlockOutput
from gankit.networks.layers import autocast
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

# --- the settings of the paper, as data -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Published2014:
    """The networks of one YAML file. Weights start uniform in (-reach, reach), biases at 0, unless said otherwise.

    source: the file.
    units_g: units of G's hidden layers.
    last_sigmoid: whether G's last hidden layer is sigmoid (the others are ReLU).
    last_bias: where the biases of that layer start.
    sigmoid_output: pixels by a sigmoid, in [0, 1]; else linear, in deviations of a contrast-normalised image.
    output_reach: of G's output weights; None = 100 of each unit's weights standard normal, the others 0.
    marginal_bias: whether G's output biases start at the inverse sigmoid of the training records' mean.
    uniform_noise: noise uniform in (-sqrt 3, sqrt 3) in place of standard normal.
    units_d: units of D's maxout layers; for convolutions of the dense one.
    learning_rate: of G at the start.
    batch: real records of a step.
    max_column_norm: the norm of the weights into a unit is cut to it after each step; None = it is not.
    """

    source: str
    units_g: int
    last_sigmoid: bool
    last_bias: float
    sigmoid_output: bool
    output_reach: float | None
    marginal_bias: bool
    uniform_noise: bool
    units_d: int
    learning_rate: float
    batch: int
    max_column_norm: float | None = None

    def recipe(self, task: Task) -> dict[str, Any]:
        """How they were trained: gradient descent with momentum (see the module's docstring)."""
        return {
            "loss": "nonsaturating", "penalty": "none", "optimiser": "sgd", "batch": self.batch,
            "learning_rate": self.learning_rate / 2, "generator_rate": 2.0, "rate_decay": 1.000004, "least_rate": 1e-6,
            "max_column_norm": self.max_column_norm, "momentum": 0.5, "final_momentum": 0.7,
            "momentum_samples": 250 * task.rows, "ema_half_life": 0.0, "at_once": True,
        }  # fmt: skip


MNIST = Published2014("mnist.yaml", 1200, False, 0.0, True, 0.05, True, True, 240, 0.1, 100)
FACES = Published2014("tfd_pretrain/pretrain.yaml", 8000, True, -2.0, True, None, True, False, 1200, 0.05, 100, 1.9365)
CIFAR10_DENSE = Published2014(
    "cifar10_fully_connected.yaml", 8000, True, 0.0, False, 0.5, False, False, 1600, 0.025, 100
)
CIFAR10_CONVOLUTIONAL = Published2014(
    "cifar10_convolutional.yaml", 8000, True, 0.0, False, 0.05, False, False, 500, 0.004, 128
)

GREY_DIGITS = 28
"""Grey images up to this side get the networks for MNIST, larger ones those for faces."""


def dense_published(spec: Spec) -> Published2014:
    """The published dense networks for records like these: grey images up to 28 x 28, and all that is no image, as
    MNIST; larger grey ones as faces; colour as CIFAR-10.

    >>> dense_published(Spec("image", (1, 28, 28))).source
    'mnist.yaml'
    >>> dense_published(Spec("image", (1, 48, 48))).source
    'tfd_pretrain/pretrain.yaml'
    """
    if spec.form != "image":
        return MNIST
    channels, height, width = spec.shape
    if channels > 1:
        return CIFAR10_DENSE
    return MNIST if max(height, width) <= GREY_DIGITS else FACES


# --- the networks -----------------------------------------------------------------------------------------------------


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


def published_hidden(before: int, widths: list[int], published: Published2014) -> list[nn.Module]:
    """G's hidden layers with their activations: ReLU, and for the last of them what the file says."""
    layers: list[nn.Module] = []
    for place, width in enumerate(widths, 1):
        sigmoid = published.last_sigmoid and place == len(widths)
        layers.append(uniform(nn.Linear(before, width), REACH_G, published.last_bias if sigmoid else 0.0))
        layers.append(nn.Sigmoid() if sigmoid else nn.ReLU())
        before = width
    return layers


class Dense2014Generator(Generator):
    """G: z -> `depth` layers of `width` units -> a record, with the activations and first weights of `published`."""

    starts_from_records = True

    def __init__(
        self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int, published: Published2014
    ) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents, self.published = spec, condition, num_latents, published
        image = spec.form == "image"
        self.noise = UniformNoise() if image and published.uniform_noise else nn.Identity()
        before = num_latents + (0 if condition is None else condition.dim)
        if published.output_reach is None:
            last: nn.Linear = SparseLinear(width, spec.dim)
        else:
            last = uniform(nn.Linear(width, spec.dim), published.output_reach)
        self.layers = nn.Sequential(*published_hidden(before, [width] * depth, published), last)
        self.output = BlockOutput(spec.flat)
        self.num_uniforms = self.output.num_uniforms

    def axes(self) -> Axes | None:
        """See `Network.axes`."""
        last = f"layers.{len(self.layers) - 1}"
        return None if self.spec.form == "image" else {f"{last}.weight": {0: RECORD}, f"{last}.bias": {0: RECORD}}

    def start_from_records(self, x: Tensor) -> None:
        """Sets the output biases so that G without any other layer makes the mean image, where the paper does so.

        Args:
            x: [N, C, H, W] float32, training images in [-1, 1]; a part of them does as well.
        """
        if self.spec.form == "image" and self.published.marginal_bias:
            last = self.layers[-1]
            assert isinstance(last, nn.Linear)
            mean = (x.flatten(1).double().mean(0) + 1) / 2
            with torch.no_grad():
                last.bias.copy_(torch.logit(mean.clamp(1e-7, 1 - 1e-7)))

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        z = self.noise(z)
        with autocast(z, self.multiply_in):
            raw: Tensor = self.layers(z if c is None else torch.cat([z, c], 1))
        raw = raw.to(z.dtype)
        if self.spec.form == "image":
            x = 2 * raw.sigmoid() - 1 if self.published.sigmoid_output else DEVIATION * raw
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
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, published: Published2014) -> None:
        super().__init__()
        self.spec, self.condition, self.published = spec, condition, published
        before = spec.dim + (0 if condition is None else condition.dim)
        self.num_uniforms = before + depth * width
        layers = []
        for _ in range(depth):
            layers.append(Maxout(before, width))
            before = width
        self.layers = nn.ModuleList(layers)
        self.head = uniform(nn.Linear(before, 1), REACH_D)

    def axes(self) -> Axes | None:
        """See `Network.axes`."""
        seen = Axis((("steps", "numbers"), ("condition",)), enters=True)
        return None if self.spec.form == "image" else {"layers.0.linear.weight": {1: seen}}

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        h = x.flatten(1)  # [B, *shape] -> [B, D]
        if self.spec.form == "image":
            h = (h + 1) / 2 if self.published.sigmoid_output else h / DEVIATION
        if c is not None:
            h = torch.cat([h, c], 1)
        used, keep = 0, KEEP_INPUT
        with autocast(x, self.multiply_in):
            for layer in (*self.layers, self.head):
                if u is not None:
                    h = dropped(h, u[:, used : used + h.shape[1]], keep)
                    used, keep = used + h.shape[1], KEEP_HIDDEN
                h = layer(h)
        return h.squeeze(1).to(x.dtype)


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` (G's) scales both networks, `depth` counts hidden layers."""
    published = dense_published(spec)
    units_g = width or published.units_g
    units_d = max(1, units_g * published.units_d // published.units_g)
    generator = Dense2014Generator(spec, condition, units_g, depth or 2, num_latents, published)
    return generator, Dense2014Discriminator(spec, condition, units_d, depth or 2, published)


def _recipe(task: Task) -> dict[str, Any]:
    """The schedule of the paper for images; other records are trained as their kind is."""
    return dense_published(task.spec).recipe(task) if task.spec.form == "image" else {}


PAIR = Pair(
    "dense2014", ("vector", "image", "sequence"), _build, recipe=_recipe, bfloat16=("image",),
    bfloat16_by_default=False, augmented=False,
)  # fmt: skip
"""In float32 by default: rounded to bfloat16, the momentum of 2014 lets D run away sooner (benchmarks/images.md). As
published: neither augmented nor mirrored."""
