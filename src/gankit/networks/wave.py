"""The pair for raw signals: WaveGAN's one-dimensional convolutions of kernel 25 and stride 4 (Donahue et al. 2019).

Knows Spec and tensors; never columns, files or kinds of data.

As there, each stage of D makes a signal four times shorter and each stage of G four times longer, and D has no
normalisation. Where it departs from the paper, it is for what a processor can do in minutes: the first stage of D puts
every four samples into channels (an isometry, so gradients keep their norms) before its convolution, and G does the
reverse; widths start small; and D does not shift what it sees between its layers (phase shuffle) but once, before the
first, by as many samples, so that it stays piecewise linear and can say its own input gradient (`PiecewiseLinear`).
A condition is joined with z in G with as much weight as z has, and enters D by projection (Miyato and Koyama 2018, eq.
4). What was measured: benchmarks/audio.md.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.errors import OptionError
from gankit.networks.base import DifferentiatedDiscriminator, Generator
from gankit.networks.convolutions import channels_last, mixed
from gankit.networks.layers import HIDDEN, SLOPE, convolution_in_time, lay_out, normalised, started, widths_of
from gankit.networks.piecewise import Activate, Convolve, PiecewiseLinear
from gankit.spec import Spec

KERNEL, STRIDE, PADDING = 25, 4, 11
"""Of a stage (Donahue et al. 2019, appendix D)."""

SHORTEST = 16
"""A signal is made shorter while at least so many steps stay."""

WIDEST = 8
"""Widths double from stage to stage up to this multiple of the first."""

SHUFFLE = 2 * STRIDE
"""Samples by which D shifts what it sees, at most: two steps after its first stage, the paper's n = 2."""


def quarterings(num_steps: int) -> tuple[int, int]:
    """How often a signal is made four times shorter, and the steps that are left, rounded up.

    >>> quarterings(8192), quarterings(16384), quarterings(1000), quarterings(10)
    ((4, 32), (5, 16), (2, 63), (0, 10))
    """
    count = max(0, int(math.log(max(num_steps / SHORTEST, 1)) / math.log(STRIDE) + 1e-9))
    return count, -(-num_steps // STRIDE**count)


class WaveGenerator(Generator):
    """G: z and c through two dense layers to a few steps of many channels, made four times longer until they are T.

    Args:
        spec: a sequence of any T of continuous numbers in [-1, 1]; what is too much is cut off at the end.
        condition: the spec of c, or None.
        width: channels at a quarter of the full length.
        num_latents: numbers of z.
    """

    num_uniforms = 0

    def __init__(self, spec: Spec, condition: Spec | None, width: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        num_steps, channels = spec.shape
        stages, self.base = quarterings(num_steps)
        widths = widths_of(width, stages, WIDEST) or [width]
        self.from_latent = nn.Linear(num_latents, HIDDEN)
        self.from_condition = None if condition is None else nn.Linear(condition.dim, HIDDEN, bias=False)
        shares = 1 if condition is None else 2
        started(self.from_latent, shares * num_latents)
        if self.from_condition is not None:
            started(self.from_condition, shares)  # of a one-hot c one weight counts
        self.dense = nn.Linear(HIDDEN, widths[-1] * self.base)
        started(self.dense, HIDDEN)
        self.longer = nn.ModuleList()
        for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True):
            layer = nn.ConvTranspose2d(before, after, (1, KERNEL), (1, STRIDE), (0, PADDING), (0, 1))
            started(layer, before * KERNEL / STRIDE)
            self.longer.append(layer)
        self.together = STRIDE if stages else 1  # samples that come from one step
        self.to_samples = convolution_in_time(widths[0], channels * self.together, 7, padding=3)
        started(self.to_samples, 7 * widths[0], 0.3)
        lay_out(self)

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        num_steps, channels = self.spec.shape
        with mixed(z, self.multiply_in):
            h = self.from_latent(z)  # [B, num_latents] -> [B, HIDDEN]
            if self.from_condition is not None:
                h = h + self.from_condition(c)
            h = self.dense(F.leaky_relu(h, SLOPE)).unflatten(1, (1, self.base, -1)).permute(0, 3, 1, 2)  # [B, C, 1, L]
            h = F.leaky_relu(normalised(h), SLOPE)
            for layer in self.longer:
                h = F.leaky_relu(normalised(layer(h)), SLOPE)  # [B, C, 1, L] -> [B, C / 2, 1, 4 L]
            raw = self.to_samples(h).float()
        x = raw.permute(0, 2, 3, 1).reshape(len(z), -1, channels)  # [B, 4 C, 1, T / 4] -> [B, T, C]
        return torch.tanh(x[:, :num_steps])


class WaveDiscriminator(DifferentiatedDiscriminator):
    """D: a chain of strided convolutions over time and a dense layer to features, and their product with a vector of c.

    u, where it is given, shifts each signal by up to `SHUFFLE` samples or an eighth of it, with zeros behind.

    Args:
        spec: a sequence of any T of continuous numbers.
        condition: the spec of c, or None.
        width: channels at a quarter of the full length.
    """

    num_uniforms = 1

    def __init__(self, spec: Spec, condition: Spec | None, width: int) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        num_steps, channels = spec.shape
        stages, _ = quarterings(num_steps)
        self.reach = min(SHUFFLE, num_steps // 8)  # of a few samples a shift would leave nothing
        self.together = STRIDE if stages and num_steps % STRIDE == 0 else 1
        layers, length, before = [], num_steps // self.together, channels * self.together
        for i, after in enumerate(widths_of(width, stages, WIDEST)):
            if i == 0 and self.together == STRIDE:
                layers.append(convolution_in_time(before, after, 7, padding=3))
            else:
                layers.append(convolution_in_time(before, after, KERNEL, STRIDE, PADDING))
                length = (length + 2 * PADDING - KERNEL) // STRIDE + 1
            before = after
        layers.append(convolution_in_time(before, HIDDEN, length))
        steps = [step for i in range(len(layers)) for step in (Convolve(i), Activate())]
        self.chain = PiecewiseLinear(steps, layers, SLOPE)
        lay_out(self.chain)
        self.head = nn.Linear(HIDDEN, 1)
        self.projection = None if condition is None else nn.Linear(condition.dim, HIDDEN, bias=False)
        started(self.head, HIDDEN, 1.0)
        if self.projection is not None:
            started(self.projection, HIDDEN, 1.0)

    def _enter(self, x: Tensor, c: Tensor | None, u: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the chain takes [B, 4 C, 1, T / 4], and the vectors [B, HIDDEN, 1, 1] its features multiply."""
        if u is not None:
            x = shifted(x, ((2 * self.reach + 1) * u[:, 0]).long() - self.reach)
        h = x.reshape(len(x), 1, -1, self.together * x.shape[2]).permute(0, 3, 1, 2)
        vectors = self.head.weight.expand(len(x), -1)
        if self.projection is not None:
            vectors = vectors + self.projection(c)
        return channels_last(h.to(self.multiply_in)), vectors[:, :, None, None]

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        h, vectors = self._enter(x, c, u)
        logits: Tensor = (self.chain(h) * vectors).flatten(1).sum(1) + self.head.bias
        return logits

    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `DifferentiatedDiscriminator.logits_and_squares`.

        The gradient is that by the shifted signal: its norm differs by the few samples that were shifted out.
        """
        logits, squares = self.chain.logits_and_squares(*self._enter(x, c, u))
        return logits + self.head.bias, squares


def shifted(x: Tensor, by: Tensor) -> Tensor:
    """Signals moved to later times, zeros where nothing was. x: [B, T, C]; by: [B] int64, of samples.

    >>> shifted(torch.tensor([[[1.0], [2.0], [3.0]]] * 2), torch.tensor([1, -1]))[:, :, 0].tolist()
    [[0.0, 1.0, 2.0], [2.0, 3.0, 0.0]]
    """
    places = torch.arange(x.shape[1], device=x.device) - by[:, None]  # [B, T]
    inside = (places >= 0) & (places < x.shape[1])
    found = x.gather(1, places.clamp(0, x.shape[1] - 1)[:, :, None].expand_as(x))
    return found * inside[:, :, None]


def build_wave(
    spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int
) -> tuple[WaveGenerator, WaveDiscriminator]:
    """The pair for a signal; `width` = channels at a quarter of the full length (16).

    Raises:
        OptionError: the records are no signals, or a depth was asked for.
    """
    if spec.form != "sequence" or any(block.kind != "continuous" for block in spec.blocks):
        raise OptionError(
            f"--network wave makes signals, and these records are a {spec.form} of {spec.dim} numbers and choices. "
            "Leave --network out."
        )
    if depth is not None:
        raise OptionError("--depth: the stages of network wave follow from the length. Leave it out.")
    return WaveGenerator(spec, condition, width or 16, num_latents), WaveDiscriminator(spec, condition, width or 16)
