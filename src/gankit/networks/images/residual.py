"""The residual pair for images after R3GAN (Huang et al. 2025, section 3 and its code): no normalisation anywhere.

Knows Spec and tensors; never columns, files or kinds of data.

A block is h + C2 act(C1 act(C0 h)): C0 1x1 to twice the channels, C1 3x3 in groups of 16 channels, C2 1x1 back; act a
bias and a leaky ReLU of slope .2. C0 and C1 start with standard deviation gain * L^(-1/4) / sqrt(fan-in), L the blocks
of the network, C2 at zero, so that both networks start as linear maps. G begins with a learned image of
few pixels (4x4 for 32x32, 7x7 for 28x28), each channel multiplied by a linear function of (z, embedding of c), and
doubles it bilinearly; a 1x1 gives the colours, without a tanh. D is the same backwards; its head is one image a
channel that h is multiplied with and summed over, then a linear map, whose weights are w + E c (projection, Miyato and
Koyama 2018, eq. 4).

The paper's networks are `width` 768 and `depth` 2 with num_latents 64: CIFAR-10 (768 channels in all stages), FFHQ-64
(384 at 64 pixels) and FFHQ-256 (384, 192, 96 at 64, 128, 256); ImageNet-32 is `width` 1536, with groups of 32 there.

Departures: sizes that are no power of two (images are cut after G and surrounded by zeros before D); D halves by the
mean of four pixels, not by [1, 3, 3, 1], whose transpose is slow on a CPU; w beside E c, so that a condition
of zeros still has a logit; a bias in the head, for losses that are not relativistic; embeddings start with deviation 1,
not 1/sqrt(K), so that a one-hot c counts from the start; in mixed precision all stages are bfloat16, not only the
finer ones, and the colours are float32.
"""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import Generator, Networks, Task
from gankit.networks.images.strided import MEASURED_NUMBERS
from gankit.networks.layers import (
    SLOPE,
    Activate,
    Branch,
    ChainDiscriminator,
    Convolve,
    Halve,
    Join,
    PiecewiseLinear,
    Step,
    Surround,
    add_condition,
    autocast,
    channels_last,
    cut,
    double,
    halvings,
    init_weights,
    margins,
)
from gankit.spec import Spec

GAIN = math.sqrt(2 / (1 + SLOPE**2))
"""What keeps the variance through a leaky ReLU (He et al. 2015, eq. 15)."""

GROUP = 16
"""Channels of a group of the 3x3 convolution, as the paper has it for CIFAR-10 and FFHQ."""

WIDEST, NARROWEST = 128, 16
"""Channels of the default networks at 8 pixels and below, and at many."""


def channels_at(size: int, width: int | None) -> int:
    """Channels of the stage whose longer side is `size`.

    Args:
        size: in pixels.
        width: as the paper has it: constant up to 32 pixels, then halved each time the size doubles. None = what one
            processor can train: 128 up to 8 pixels, then halved, at least 16.

    >>> [channels_at(n, None) for n in (4, 7, 14, 28, 32, 64)], [channels_at(n, 768) for n in (4, 32, 64, 256)]
    ([128, 128, 64, 32, 32, 16], [768, 768, 384, 96])
    """
    if width is None:
        return max(NARROWEST, min(WIDEST, 8 * WIDEST // size // NARROWEST * NARROWEST))
    return max(1, min(width, 32 * width // size))


def stages(shape: tuple[int, ...], width: int | None) -> list[tuple[int, int, int]]:
    """(rows, columns, channels) of every stage, the coarsest first, for images of `shape` (C, H, W)."""
    count, (rows, columns) = halvings(shape[1], shape[2])
    sides = [(rows * 2**i, columns * 2**i) for i in range(count + 1)]
    return [(h, w, channels_at(max(h, w), width)) for h, w in sides]


def _convolution(before: int, after: int, kernel: int, gain: float, groups: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution that keeps the shape; weights normal with deviation gain / sqrt(fan-in), biases 0."""
    layer = nn.Conv2d(before, after, kernel, padding=kernel // 2, groups=groups, bias=bias)
    init_weights(layer, layer.weight[0].numel(), gain)
    return layer


def _block(channels: int, num_blocks: int) -> tuple[nn.Conv2d, nn.Conv2d, nn.Conv2d]:
    """The three convolutions of a residual block, in a network of `num_blocks` blocks."""
    wide = 2 * channels
    gain = GAIN * num_blocks**-0.25
    return (
        _convolution(channels, wide, 1, gain),
        _convolution(wide, wide, 3, gain, groups=wide // math.gcd(wide, GROUP)),
        _convolution(wide, channels, 1, 0.0, bias=False),
    )


class _GeneratorBlock(nn.Module):
    """The residual block of the module's docstring."""

    def __init__(self, channels: int, num_blocks: int) -> None:
        super().__init__()
        self.widen, self.look, self.narrow = _block(channels, num_blocks)

    def forward(self, h: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        inner: Tensor = self.look(F.leaky_relu_(self.widen(h), SLOPE))
        return h + self.narrow(F.leaky_relu_(inner, SLOPE))  # type: ignore[no-any-return]  # Module returns Any


class _GeneratorStage(nn.Module):
    """Doubles the sides (not in the first stage), takes `before` channels to `channels`, then `depth` blocks."""

    def __init__(self, before: int | None, channels: int, depth: int, num_blocks: int) -> None:
        super().__init__()
        self.doubles = before is not None
        changes = before is not None and before != channels
        self.change = _convolution(before or channels, channels, 1, 1.0, bias=False) if changes else None
        self.blocks = nn.Sequential(*(_GeneratorBlock(channels, num_blocks) for _ in range(depth)))

    def forward(self, h: Tensor) -> Tensor:
        """[B, before, H, W] -> [B, channels, 2H, 2W]."""
        if self.change is not None:
            h = self.change(h)
        if self.doubles:
            h = double(h)
        result: Tensor = self.blocks(h)
        return result


class ResidualImageGenerator(Generator):
    """G: see the module's docstring; the embedding of c has num_latents numbers."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int | None, depth: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        plan = stages(spec.shape, width)
        rows, columns, channels = plan[0]
        self.embed = None if condition is None else nn.Linear(condition.dim, num_latents, bias=False)
        if self.embed is not None:
            nn.init.normal_(self.embed.weight)
        joined = num_latents * (1 if condition is None else 2)
        self.modulate = nn.Linear(joined, channels, bias=False)
        nn.init.normal_(self.modulate.weight, 0.0, joined**-0.5)
        self.basis = nn.Parameter(torch.randn(channels, rows, columns))
        befores = [None, *(c for _, _, c in plan[:-1])]
        total = depth * len(plan)
        self.stages = nn.Sequential(
            *(_GeneratorStage(before, c, depth, total) for before, (_, _, c) in zip(befores, plan, strict=True))
        )
        self.colours = _convolution(plan[-1][2], spec.shape[0], 1, 1.0, bias=False)

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        if self.embed is not None:
            z = torch.cat([z, self.embed(c)], 1)  # [B, num_latents] -> [B, 2 num_latents]
        h = self.basis * self.modulate(z)[:, :, None, None]  # -> [B, C, rows, columns]
        with autocast(h, self.multiply_in):
            h = self.stages(channels_last(h.to(self.multiply_in)))
        # eight bits of mantissa are fewer than the grey levels of an image, so the colours are added up in float32
        x: Tensor = self.colours(h.to(self.basis.dtype))
        return cut(x, *self.spec.shape[1:]).contiguous()


class ResidualImageDiscriminator(ChainDiscriminator):
    """D: see the module's docstring."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int | None, depth: int) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        plan = stages(spec.shape, width)[::-1]
        total = depth * len(plan)
        colours, height, length = spec.shape
        layers = [_convolution(colours, plan[0][2], 1, 1.0, bias=False)]
        around = margins(height, length, *plan[0][:2])
        steps: list[Step] = [*([Surround(*around)] if any(around) else []), Convolve(0)]
        for place, (_, _, channels) in enumerate(plan):
            if place:
                steps.append(Halve())
                if plan[place - 1][2] != channels:
                    steps.append(Convolve(len(layers)))
                    layers.append(_convolution(plan[place - 1][2], channels, 1, 1.0, bias=False))
            for _ in range(depth):
                at = len(layers)
                steps += [Branch(), Convolve(at), Activate(), Convolve(at + 1), Activate(), Convolve(at + 2), Join()]
                layers += _block(channels, total)
        self.body = PiecewiseLinear(steps, layers, SLOPE)
        rows, columns, channels = plan[-1]
        self.basis = nn.Parameter(torch.randn(channels, rows, columns) / math.sqrt(rows * columns))
        self.head = nn.Linear(channels, 1)
        nn.init.normal_(self.head.weight, 0.0, channels**-0.5)
        nn.init.zeros_(self.head.bias)
        self.projection = None if condition is None else nn.Linear(condition.dim, channels, bias=False)
        if self.projection is not None:
            nn.init.normal_(self.projection.weight, 0.0, channels**-0.5)

    def _enter(self, x: Tensor, c: Tensor | None, u: Tensor | None) -> tuple[PiecewiseLinear, Tensor, Tensor]:
        vectors = self.basis * add_condition(self.head.weight, self.projection, c)[:, :, None, None]
        return self.body, channels_last(x.to(self.multiply_in)), vectors.expand(len(x), -1, -1, -1)


def build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` channels as `channels_at` says, `depth` blocks a stage (1; the paper's 2)."""
    depth = depth or 1
    generator = ResidualImageGenerator(spec, condition, width, depth, num_latents)
    return generator, ResidualImageDiscriminator(spec, condition, width, depth)


def recipe(task: Task) -> dict[str, Any]:
    """That of CIFAR-10 (Huang et al. 2025, appendix), but for where the penalty starts, see `MEASURED_NUMBERS`."""
    return {
        "batch": 64, "learning_rate": 2e-4, "final_learning_rate": 0.25, "first_beta2": 0.9, "gap_target": 0.15,
        "first_weight": task.spec.dim / MEASURED_NUMBERS,
    }  # fmt: skip
