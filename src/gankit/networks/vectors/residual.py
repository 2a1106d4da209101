"""The default pair for vectors: residual MLPs, G with LayerNorm, D without.

Knows Spec and tensors; never columns, files or kinds of data.

A sequence is taken as the vector of all its numbers, step after step: without any thought of time.

Both are h = A x; h = h + W2 act(W1 act(h)) `depth` times; a linear head. The last layer of every block starts at zero,
so that each network starts as a shallow one. A condition enters both at the input, and D's head also by projection
(Miyato and Koyama 2018, eq. 4): logit = (w + E c) . act(h).

Where a record is choices alone, as a row of a table, D is another one, see `gankit.networks.vectors.choices`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.errors import OptionError
from gankit.networks.base import (
    RECORD,
    Axes,
    DifferentiatedDiscriminator,
    Generator,
    Networks,
    Pair,
    Task,
)
from gankit.networks.blocks import BlockOutput
from gankit.networks.images import residual as images
from gankit.networks.layers import SLOPE, add_condition
from gankit.spec import Spec

SMALL = 16
"""Records of fewer numbers get smaller networks."""


MOST_CHOICES = 128
"""Blocks that the D of choices judges; its weights grow with the square of their number. Of more, whole records are
judged."""


class ResidualBlock(nn.Module):
    """h + W2 act(W1 act(norm(h))), W2 starting at zero. h: [B, width]."""

    def __init__(self, width: int, norm: bool) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width) if norm else nn.Identity()
        self.first = nn.Linear(width, width)
        self.second = nn.Linear(width, width)
        nn.init.zeros_(self.second.weight)
        nn.init.zeros_(self.second.bias)

    def forward(self, h: Tensor) -> Tensor:
        """[B, width] -> [B, width]."""
        inner: Tensor = self.second(F.leaky_relu(self.first(F.leaky_relu(self.norm(h), SLOPE)), SLOPE))
        return h + inner


def _first_layer(num_latents: int, width: int, wanted: int) -> nn.Linear:
    """G's first layer, in which only the first `wanted` latents count at the start, and with widely spread biases.

    A map of a hundred noise numbers to one or two starts as a sum of them all, which has hardly a shape; with few, and
    units that bend at other places than the middle, sharp modes come earlier: on the 8-ring after 400,000 samples 85%
    of the points are on a mode in place of 80% (benchmarks/modes.md). The other latents are free to grow.
    """
    layer = nn.Linear(num_latents, width)
    count = min(num_latents, wanted)
    reach = count**-0.5
    with torch.no_grad():
        layer.weight.uniform_(-reach, reach)
        layer.weight[:, count:] = 0
        layer.bias.uniform_(-3 * reach, 3 * reach)
    return layer


class ResidualGenerator(Generator):
    """G: z and c through `depth` residual blocks of `width` units with LayerNorm to a record's blocks."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        self.from_latent = _first_layer(num_latents, width, 2 * spec.dim)
        self.from_condition = None if condition is None else nn.Linear(condition.dim, width, bias=False)
        self.blocks = nn.Sequential(*(ResidualBlock(width, norm=True) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, spec.dim)
        self.output = BlockOutput(spec.flat)
        self.num_uniforms = self.output.num_uniforms

    def axes(self) -> Axes:
        """See `Network.axes`."""
        return {"head.weight": {0: RECORD}, "head.bias": {0: RECORD}}

    def raw(self, z: Tensor, c: Tensor | None) -> Tensor:
        """Numbers and logits of a record's blocks, before cells are chosen: [B, D]."""
        h = add_condition(self.from_latent(z), self.from_condition, c)  # [B, num_latents] -> [B, width]
        raw: Tensor = self.head(F.leaky_relu(self.norm(self.blocks(h)), SLOPE))  # [B, width] -> [B, D]
        return raw

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        result: Tensor = self.output(self.raw(z, c), u)
        return result.view(-1, *self.spec.shape)


class ResidualDiscriminator(DifferentiatedDiscriminator):
    """D: a record and c through `depth` residual blocks without any normalisation to a logit.

    It is piecewise linear in x, which makes its input gradient a product of matrices and masks: `logits_and_squares`
    carries that product along in place of a double backward (measured: benchmarks/step.md).
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        self.from_record = nn.Linear(spec.dim, width)
        self.from_condition = None if condition is None else nn.Linear(condition.dim, width, bias=False)
        self.blocks = nn.Sequential(*(ResidualBlock(width, norm=False) for _ in range(depth)))
        self.head = nn.Linear(width, 1)
        self.projection = None if condition is None else nn.Linear(condition.dim, width, bias=False)

    def axes(self) -> Axes:
        """See `Network.axes`."""
        return {"from_record.weight": {1: replace(RECORD, enters=True)}}

    def _enter(self, x: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor]:
        """The first hidden layer [B, width] and the head's weights ([1, width], or with a condition [B, width])."""
        h = add_condition(self.from_record(x.flatten(1)), self.from_condition, c)
        return h, add_condition(self.head.weight, self.projection, c)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        h, weights = self._enter(x, c)
        h = F.leaky_relu(self.blocks(h), SLOPE)
        logits: Tensor = (h * weights).sum(1) + self.head.bias
        return logits

    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `DifferentiatedDiscriminator.logits_and_squares`."""
        h, weights = self._enter(x, c)
        layers = [p for block in self.blocks for p in block.parameters()]
        # torch leaves apply untyped
        logits, slope = _LogitAndSlope.apply(h, weights.expand_as(h), *layers)  # type: ignore[no-untyped-call]
        # grad_x D = A^T slope with A the first layer's weights, so its squared norm is slope^T (A A^T) slope:
        # [width, width] once per batch in place of [B, D] numbers
        gram = self.from_record.weight @ self.from_record.weight.T
        squares: Tensor = ((slope @ gram) * slope).sum(1)
        return logits + self.head.bias, squares


def _masked(values: Tensor, at: Tensor) -> Tensor:
    """Product of `values` and act'(at), act the leaky ReLU, in one pass."""
    product: Tensor = torch.ops.aten.leaky_relu_backward(values, at, SLOPE, False)
    return product


class _LogitAndSlope(torch.autograd.Function):
    """(h, w, layers) -> (logit = w . act(blocks(h)), slope = d logit / d h), with the derivatives of both.

    With act piecewise linear the slope is linear in every weight once the masks are known, so its own derivative is
    one more pass forwards through the masked matrices; the usual backward pass of the logit needs none, because
    grad * slope is what it would compute.
    """

    @staticmethod
    def forward(ctx: Any, h: Tensor, w: Tensor, *layers: Tensor) -> tuple[Tensor, Tensor]:
        """h, w [B, W], layers (weight, bias) x 2 per block -> logit [B] without the head's bias, slope [B, W]."""
        seen = []  # per block: its input, its hidden layer before act
        for i in range(0, len(layers), 4):
            first, first_bias, second, second_bias = layers[i : i + 4]
            hidden = torch.addmm(first_bias, F.leaky_relu(h, SLOPE), first.T)
            seen += [h, hidden]
            h = torch.addmm(second_bias, F.leaky_relu(hidden, SLOPE), second.T).add_(h)
        logit = (F.leaky_relu(h, SLOPE) * w).sum(1)
        slope = _masked(w, h)
        slopes = []  # per block, last first: slope at its output, slope at its hidden layer before act
        for i in range(len(layers) - 4, -1, -4):
            first, second = layers[i], layers[i + 2]
            before, hidden = seen[i // 2], seen[i // 2 + 1]
            inner = _masked(slope @ second, hidden)
            slopes += [slope, inner]
            slope = _masked(inner @ first, before).add_(slope)
        ctx.save_for_backward(h, *layers[::2], *seen, *slopes, slope)
        return logit, slope

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_logit: Tensor, grad_slope: Tensor) -> tuple[Tensor | None, ...]:
        """grad_logit [B], grad_slope [B, W] -> gradients of h, w and the layers."""
        last, *rest, slope0 = ctx.saved_tensors
        n = len(rest) // 3  # layers: two weights, two stored inputs and two stored slopes a block
        weights, seen, slopes = rest[:n], rest[n : 2 * n], rest[2 * n :]
        column = grad_logit.unsqueeze(1)  # [B] -> [B, 1]
        along = grad_slope  # how the loss changes with the slope at this depth; [B, W]
        grads: list[Tensor | None] = []
        for i in range(0, n, 2):
            first, second = weights[i], weights[i + 1]
            before, hidden = seen[i], seen[i + 1]
            slope, inner = slopes[n - 2 - i], slopes[n - 1 - i]
            through = _masked(along, before)
            grad_first = inner.T @ F.leaky_relu(before, SLOPE).mul_(column).add_(through)
            across = _masked(through @ first.T, hidden)
            grad_second = slope.T @ F.leaky_relu(hidden, SLOPE).mul_(column).add_(across)
            grads += [grad_first, grad_logit @ inner, grad_second, grad_logit @ slope]
            along = torch.addmm(along, across, second.T)
        grad_w = F.leaky_relu(last, SLOPE).mul_(column).add_(_masked(along, last))
        return slope0 * column, grad_w, *grads


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """For images see `gankit.networks.images.residual`; else 64 units, 2 blocks below SMALL numbers, 128 and 3 above.

    On the 8-ring the smaller pair is as good per sample and takes less than half the time (benchmarks/modes.md).
    """
    if spec.form == "image":
        return images.build(spec, condition, width, depth, num_latents)
    small = spec.dim < SMALL
    width, depth = width or (64 if small else 128), depth or (2 if small else 3)
    if _of_choices(spec):
        from gankit.networks.vectors.choices import build

        return build(spec, condition, width, depth, num_latents)
    generator = ResidualGenerator(spec, condition, width, depth, num_latents)
    return generator, ResidualDiscriminator(spec, condition, width, depth)


def _of_choices(spec: Spec) -> bool:
    """Whether D judges what each block could be given the others."""
    few = spec.form == "vector" and spec.dim >= SMALL and 1 < len(spec.blocks) <= MOST_CHOICES
    return few and all(b.type != "continuous" for b in spec.blocks)


def series_recipe(task: Task) -> dict[str, Any]:
    """For sequences (benchmarks/series_networks.md)."""
    return {"batch": min(128, task.rows), "first_weight": 3.0, "gap_speed": 0.2}


def _recipe(task: Task) -> dict[str, Any]:
    if task.spec.form == "image":
        return images.recipe(task)
    if task.spec.form == "sequence":
        return series_recipe(task)
    if not _of_choices(task.spec):
        return {}
    if task.penalty == "wgan-gp":
        raise OptionError("--penalty wgan-gp: this D judges choices, between which there is nothing. Use r1r2.")
    # benchmarks/tables.md
    game = {"loss": "nonsaturating", "penalty_weight": 1.0, "learning_rate": 4e-3, "generator_rate": 0.25}
    return {**game, "ema_half_life": 180_000.0}


def _width(spec: Spec) -> int | None:
    return 256 if _of_choices(spec) else None


PAIR = Pair("residual", ("vector", "image", "sequence"), _build, width=_width, recipe=_recipe, bfloat16=("image",))
