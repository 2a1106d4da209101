"""A chain of convolutions that is piecewise linear in its input, and so can say its own input gradient cheaply.

Knows tensors only; never Spec, columns, files or kinds of data.

With activations that are linear on both sides of zero, the slope d logit / d x is a product of convolutions and masks.
Its squared norm needs one pass back through them, and the derivative of that norm by every weight one more pass
forwards with the same masks: four passes in all, counting one for the weights, where differentiating twice by autograd
takes six or more, and grouped convolutions one group at a time (measured: benchmarks/images_step.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


@dataclass(frozen=True)
class Convolve:
    """h -> the chain's convolution number `index` of h."""

    index: int


@dataclass(frozen=True)
class Activate:
    """h -> leaky ReLU of h; follows a convolution."""


@dataclass(frozen=True)
class Branch:
    """Keeps h until the `Join` that closes this branch."""


@dataclass(frozen=True)
class Join:
    """h -> h + what the last open `Branch` kept."""


@dataclass(frozen=True)
class Halve:
    """[B, C, H, W] -> [B, C, H/2, W/2], the mean of every four pixels; H and W are even."""


@dataclass(frozen=True)
class Surround:
    """h -> h in the middle of zeros; the margins in pixels. What the slope says of the zeros is left out."""

    left: int
    right: int
    top: int
    bottom: int

    def apply(self, h: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, top + H + bottom, left + W + right]."""
        return F.pad(h, (self.left, self.right, self.top, self.bottom))

    def back(self, s: Tensor) -> Tensor:
        """Its transpose."""
        return s[:, :, self.top : s.shape[2] - self.bottom, self.left : s.shape[3] - self.right]


Step = Convolve | Activate | Branch | Join | Halve | Surround


class PiecewiseLinear(nn.Module):
    """Steps in a row.

    Args:
        steps: what is done, in order; `Convolve(i)` names `convolutions[i]`, each used once, in order.
        convolutions: with zero padding and without dilation.
        slope: of the leaky ReLU below zero.
    """

    def __init__(self, steps: Sequence[Step], convolutions: Sequence[nn.Conv2d], slope: float) -> None:
        super().__init__()
        assert [s.index for s in steps if isinstance(s, Convolve)] == list(range(len(convolutions)))
        self.steps = tuple(steps)
        self.convolutions = nn.ModuleList(convolutions)
        self.slope = slope

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', H', W'], in the type of x."""

        def convolve(i: int, h: Tensor) -> Tensor:
            c = self._convolution(i)
            bias = None if c.bias is None else c.bias.to(h.dtype)
            return F.conv2d(h, c.weight.to(h.dtype), bias, c.stride, c.padding, 1, c.groups)

        return self.walk(x, convolve, lambda h: F.leaky_relu(h, self.slope))

    def walk(
        self, h: Tensor, convolve: Callable[[int, Tensor], Tensor], activate: Callable[[Tensor], Tensor]
    ) -> Tensor:
        """h through all steps, the convolutions (by their numbers) and activations as they are given here."""
        kept = list[Tensor]()
        for step in self.steps:
            match step:
                case Convolve(i):
                    h = convolve(i, h)
                case Activate():
                    h = activate(h)
                case Branch():
                    kept.append(h)
                case Join():
                    h = h + kept.pop()
                case Halve():
                    h = F.avg_pool2d(h, 2)
                case Surround():
                    h = step.apply(h)
        return h

    def logits_and_squares(self, x: Tensor, head: Tensor) -> tuple[Tensor, Tensor]:
        """The logits sum(head * chain(x)) and the squared norms of their gradients by x.

        Args:
            x: [B, C, H, W], float32 or bfloat16; nothing flows back into it.
            head: [B, C', H', W'] float32; the results are of its type.

        Returns:
            [B] float32 and [B] float32, both differentiable once in the chain's weights and in `head`.
        """
        weights = [p.to(x.dtype) for p in self.parameters()]
        # torch leaves apply untyped
        logits, squares = _LogitsAndSquares.apply(self, x, head, *weights)  # type: ignore[no-untyped-call]
        return logits, squares

    def _convolution(self, index: int) -> nn.Conv2d:
        layer = self.convolutions[index]
        assert isinstance(layer, nn.Conv2d)
        return layer

    def plans(self) -> list[_Plan]:
        """How each convolution is called, and where its weight and bias stand among the chain's parameters."""
        plans, at = [], 0
        for index in range(len(self.convolutions)):
            c = self._convolution(index)
            assert isinstance(c.padding, tuple)
            plans.append(_Plan(at, None if c.bias is None else at + 1, list(c.stride), list(c.padding), c.groups))
            at += 1 if c.bias is None else 2
        return plans


@dataclass(frozen=True)
class _Plan:
    """One convolution: the places of its weight and bias in the list of parameters, and its numbers."""

    weight: int
    bias: int | None
    stride: list[int]
    padding: list[int]
    groups: int

    def apply(self, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """The convolution."""
        return F.conv2d(h, weight, bias, self.stride, self.padding, 1, self.groups)

    def back(self, s: Tensor, like: Tensor, weight: Tensor) -> Tensor:
        """Its transpose: the gradient by its input, which is shaped like `like`, of the gradient `s` by its output."""
        return self._backward(s, like, weight, [True, False, False])[0]

    def by_weight(self, s: Tensor, h: Tensor, weight: Tensor) -> Tensor:
        """The gradient by its weight, of the gradient `s` by its output, at the input `h`."""
        return self._backward(s, h, weight, [False, True, False])[1]

    def _backward(self, s: Tensor, h: Tensor, weight: Tensor, mask: list[bool]) -> tuple[Tensor, ...]:
        found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
            s, h, weight, None, self.stride, self.padding, [1, 1], False, [0, 0], self.groups, mask
        )
        return found


def _masked(values: Tensor, result: Tensor, slope: float) -> Tensor:
    """Product of `values` and act', told by what act gave."""
    product: Tensor = torch.ops.aten.leaky_relu_backward(values, result, slope, True)
    return product


class _LogitsAndSquares(torch.autograd.Function):
    """(chain, x, head, weights) -> (logits, squared norms of the slopes at x), with the derivatives of both.

    Given the masks the slope is linear in every weight, so what the squared norm gives to a weight comes from a
    tangent, sent forwards through the same masks: for a convolution with input h, slope s at its output and tangent t
    at its input it is s (x) t. What the logit gives is s (x) h times its own gradient, so the two are one.
    """

    @staticmethod
    def forward(ctx: Any, chain: PiecewiseLinear, x: Tensor, head: Tensor, *weights: Tensor) -> tuple[Tensor, Tensor]:
        """See `PiecewiseLinear.logits_and_squares`."""
        plans = chain.plans()
        inputs: list[Tensor] = []  # of the convolutions, in order
        active: list[Tensor] = []  # results of the activations, in order

        def convolve(i: int, h: Tensor) -> Tensor:
            p = plans[i]
            inputs.append(h)
            return p.apply(h, weights[p.weight], None if p.bias is None else weights[p.bias])

        def activate(h: Tensor) -> Tensor:
            active.append(F.leaky_relu_(h, chain.slope))
            return active[-1]

        h = chain.walk(x, convolve, activate)
        logits = (h.to(head.dtype) * head).flatten(1).sum(1)
        s, kept = head.to(x.dtype), list[Tensor]()
        slopes: list[Tensor] = []  # at the convolutions' outputs, last first
        place = len(active)
        for step in reversed(chain.steps):
            match step:
                case Convolve(i):
                    slopes.append(s)
                    s = plans[i].back(s, inputs[i], weights[plans[i].weight])
                case Activate():
                    place -= 1
                    s = _masked(s, active[place], chain.slope)
                case Branch():
                    s = s + kept.pop()
                case Join():
                    kept.append(s)
                case Halve():
                    s = _spread(s)
                case Surround():
                    s = step.back(s)
        ctx.chain = chain
        ctx.counts = len(inputs), len(active)
        ctx.save_for_backward(*inputs, *active, *slopes, *weights, s, h)
        return logits, s.to(head.dtype).square().flatten(1).sum(1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad_logits: Tensor, grad_squares: Tensor) -> tuple[Any, ...]:
        """grad_logits [B], grad_squares [B] -> gradients of head and the weights; none of x."""
        chain: PiecewiseLinear = ctx.chain
        num_inputs, num_active = ctx.counts
        *saved, slope, last = ctx.saved_tensors
        inputs, saved = saved[:num_inputs], saved[num_inputs:]
        active, saved = saved[:num_active], saved[num_active:]
        slopes, weights = saved[:num_inputs][::-1], saved[num_inputs:]
        column = grad_logits.view(-1, 1, 1, 1).to(slope.dtype)
        t = slope * (2 * grad_squares.view(-1, 1, 1, 1)).to(slope.dtype)  # d ||s||^2 = 2 s . ds
        plans, masks = chain.plans(), iter(active)
        grads: list[Tensor | None] = [None] * len(weights)

        def convolve(i: int, t: Tensor) -> Tensor:
            p = plans[i]
            weight = weights[p.weight]
            grads[p.weight] = p.by_weight(slopes[i], torch.addcmul(t, inputs[i], column), weight)
            if p.bias is not None:
                grads[p.bias] = (slopes[i] * column).sum((0, 2, 3))
            return p.apply(t, weight, None)

        t = chain.walk(t, convolve, lambda t: _masked(t, next(masks), chain.slope))
        grad_head = torch.addcmul(t, last, column).to(grad_logits.dtype)
        return None, None, grad_head, *grads


def _spread(s: Tensor) -> Tensor:
    """The transpose of `Halve`: [B, C, H, W] -> [B, C, 2H, 2W], a quarter each."""
    return F.interpolate(s * 0.25, scale_factor=2, mode="nearest")
