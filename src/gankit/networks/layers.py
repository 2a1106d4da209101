"""What networks of images, series and signals share: first weights, widths, resizing by two, margins, mixed precision,
the first layers of G, and a D that states its own input gradient.

Knows Spec and tensors; never columns, files or kinds of data.

G takes z and c through two dense layers to a small record of many channels. D is a chain of convolutions to features,
whose product with a vector is the logit: that of the head, and a linear function of c (projection, Miyato and Koyama
2018, eq. 4).

With activations that are linear on both sides of zero, the slope d logit / d x is a product of convolutions and masks.
Its squared norm needs one pass back through them, and the derivative of that norm by every weight one more pass
forwards with the same masks: four passes in all, counting one for the weights, where differentiating twice by autograd
takes six or more, and grouped convolutions one group at a time (measured: benchmarks/images_step.md).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.errors import OptionError
from gankit.networks.base import DifferentiatedDiscriminator, Generator
from gankit.ranks import current
from gankit.spec import Spec

SLOPE = 0.2
"""Slope of the leaky ReLU below zero, in G and in D."""

SMALLEST = 4
"""A shape is halved while both sides stay at least so long."""

Sides = int | tuple[int, int]
"""One number for both axes, or (vertical, horizontal)."""

EPSILON = 1e-4
"""Added to the mean square by which `normalised` divides."""

# --- first weights, widths, a norm ------------------------------------------------------------------------------------


def init_weights(layer: nn.Module, fan_in: float, gain: float = math.sqrt(2 / (1 + SLOPE**2))) -> None:
    """Sets weights to N(0, gain^2 / fan_in), which keeps the size of what passes (He et al. 2015, eq. 15), biases 0."""
    assert isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d)
    nn.init.normal_(layer.weight, 0, gain / math.sqrt(fan_in))
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation over the batch that all processes have together; of one process PyTorch's own."""

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> the same."""
        if not self.training or (ranks := current()).world == 1:
            return super().forward(x)
        mean = ranks.mean_with_gradients(x.float().mean((0, 2, 3)))
        centred = x.float() - mean.view(-1, 1, 1)
        variance = ranks.mean_with_gradients(centred.square().mean((0, 2, 3)))
        count = ranks.world * x.numel() / x.shape[1]
        with torch.no_grad():
            assert self.running_mean is not None and self.running_var is not None
            assert self.num_batches_tracked is not None and self.momentum is not None
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * (count / max(count - 1, 1)), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        return (centred * scale.view(-1, 1, 1) + self.bias.view(-1, 1, 1)).to(x.dtype)


def convolution(before: int, after: int, kernel: Sides, stride: Sides = 1, padding: Sides = 0) -> nn.Conv2d:
    """A convolution over images, its weights initialised."""
    layer = nn.Conv2d(before, after, kernel, stride, padding)
    init_weights(layer, layer.weight[0].numel())
    return layer


def convolution_in_time(before: int, after: int, kernel: int, stride: int = 1, padding: int = 0) -> nn.Conv2d:
    """A convolution over time, which is the last of two axes (`PiecewiseLinear` knows two), its weights initialised."""
    return convolution(before, after, (1, kernel), (1, stride), (0, padding))


def further(width: int, depth: int, convolution: type[nn.Conv1d] | type[nn.Conv2d]) -> nn.Sequential:
    """`depth` convolutions of kernel 3 that keep the size, each with its activation."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layer = convolution(width, width, 3, padding=1)
        init_weights(layer, layer.weight[0].numel())
        layers += [layer, nn.LeakyReLU(SLOPE)]
    return nn.Sequential(*layers)


def start_smooth(doubling: nn.ConvTranspose1d | nn.ConvTranspose2d) -> None:
    """Doubling starts as linear interpolation of mixed channels: what is fine must be learned, not unlearned."""
    init_weights(doubling, doubling.in_channels)
    taps = torch.tensor([0.25, 0.75, 0.75, 0.25])
    kernel = taps if isinstance(doubling, nn.ConvTranspose1d) else taps.outer(taps).flatten()
    with torch.no_grad():
        doubling.weight.copy_((doubling.weight.flatten(2)[:, :, :1] * kernel).view_as(doubling.weight))


def halving_layers(
    before: int, widths: Sequence[int], depth: int, joined: int, convolution: Callable[..., nn.Conv2d]
) -> list[nn.Conv2d]:
    """D's stages: each halves the sides and is followed by `depth` convolutions that keep them.

    Args:
        before: channels of the record.
        widths: channels after each stage.
        depth: further convolutions of a stage.
        joined: places that come to D side by side in one, for which the first stage does not halve; 1 = none.
        convolution: what makes a layer.
    """
    layers: list[nn.Conv2d] = []
    for after in widths:
        if not layers and joined > 1:
            layers.append(convolution(joined * before, after, 3, padding=1))
        else:
            layers.append(convolution(before, after, 4, 2, 1))
        layers += [convolution(after, after, 3, padding=1) for _ in range(depth)]
        before = after
    return layers


def add_condition(h: Tensor, layer: nn.Module | None, c: Tensor | None) -> Tensor:
    """h, and what `layer` makes of c where there is a condition."""
    return h if layer is None else h + layer(c)


def widths_of(width: int, stages: int, widest: int) -> list[int]:
    """Channels after each stage of D, from the largest record to the smallest: doubled, up to `widest` times the first.

    >>> widths_of(32, 4, 4)
    [32, 64, 128, 128]
    """
    return [width * min(2**i, widest) for i in range(stages)]


def normalised(h: Tensor) -> Tensor:
    """h [B, C, ...] with mean square 1 over the channels of every place (Karras et al. 2018, section 4.2)."""
    scale = torch.rsqrt(h.square().mean(1, keepdim=True, dtype=torch.float32) + EPSILON)
    return h * scale.to(h.dtype)


# --- sides of images --------------------------------------------------------------------------------------------------


def halvings(height: int, width: int, depth: int | None = None) -> tuple[int, tuple[int, int]]:
    """How often an image is halved, and the shape that is left, rounded up.

    Args:
        height, width: of the image, at least 1; for a series its steps, twice.
        depth: how often, where the user says so; None = while both sides stay at least SMALLEST long.

    Returns:
        count, (rows, columns): `rows * 2**count >= height`, `columns * 2**count >= width`; what is too much is cut
        off after G and filled up before D.

    Raises:
        OptionError: it cannot be halved that often.

    >>> halvings(28, 28), halvings(32, 32), halvings(20, 28), halvings(45, 64)
    ((2, (7, 7)), (3, (4, 4)), (2, (5, 7)), (3, (6, 8)))
    """
    shorter = min(height, width)
    count = max(0, int(math.log2(max(shorter / SMALLEST, 1)))) if depth is None else depth
    if count < 0 or 2**count > shorter:
        raise OptionError(
            f"--depth {depth}: images of {width} x {height} can be halved {int(math.log2(shorter))} times at most. "
            "Give a smaller depth, or larger images with --size."
        )
    return count, (-(-height // 2**count), -(-width // 2**count))


def cut(x: Tensor, height: int, width: int) -> Tensor:
    """The middle [B, C, height, width] of x [B, C, H, W] with H >= height, W >= width."""
    top, left = (x.shape[2] - height) // 2, (x.shape[3] - width) // 2
    return x[:, :, top : top + height, left : left + width]


def margins(height: int, width: int, rows: int, columns: int) -> tuple[int, int, int, int]:
    """Zeros left, right, above and below [height, width] in the middle of [rows, columns]."""
    high, wide = rows - height, columns - width
    return wide // 2, wide - wide // 2, high // 2, high - high // 2


def surround(x: Tensor, rows: int, columns: int) -> Tensor:
    """x [B, C, H, W] in the middle of zeros [B, C, rows, columns]; `cut` undoes it."""
    around = margins(x.shape[2], x.shape[3], rows, columns)
    return F.pad(x, around) if any(around) else x


def double(x: Tensor) -> Tensor:
    """[B, C, H, W] -> [B, C, 2H, 2W], bilinear: the filter [1, 3, 3, 1] with the edge repeated.

    Off the CPU it is made of steps whose backward passes add in a fixed order (the bilinear kernel of CUDA does not,
    and a resumed training would differ from an uninterrupted one): the nearest neighbour, then twice the mean of two.
    """
    if x.device.type == "cpu":
        return F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return double_by_means(x)


def double_by_means(x: Tensor) -> Tensor:
    """What `double` gives, in those steps."""
    x = F.interpolate(x, scale_factor=2, mode="nearest")
    # [a, a, b, b] -> [a, a, (a+b)/2, b, b] -> [a, (3a+b)/4, (a+3b)/4, b]
    return F.avg_pool2d(F.avg_pool2d(x, 2, stride=1, padding=1, count_include_pad=False), 2, stride=1)


# --- how it is computed -----------------------------------------------------------------------------------------------


def channels_last(x: Tensor) -> Tensor:
    """The same numbers, with the channels of a pixel side by side: what convolutions are fastest on."""
    return x.contiguous(memory_format=torch.channels_last)


def lay_out(network: nn.Module) -> None:
    """Puts the weights of convolutions in channels_last, which spares a copy with every use."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            layer.weight.data = channels_last(layer.weight.data)


def autocast(x: Tensor, multiply_in: torch.dtype) -> AbstractContextManager[Any]:
    """A context in which layers multiply in `multiply_in`; that of float32 changes nothing, not even outside it."""
    if x.is_meta:  # shapes alone
        return nullcontext()
    return torch.autocast(x.device.type, torch.bfloat16, enabled=multiply_in == torch.bfloat16)


HIDDEN = 256
"""Units of the dense layers: G's first one and D's last one."""


class ConvolutionalGenerator(Generator):
    """G that grows a small record of many channels; a subclass calls `_init_dense` first, and says what follows.

    A condition is joined with z with as much weight as z has.
    """

    def __init__(self, spec: Spec, condition: Spec | None, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents

    def _init_dense(self, channels: int, places: int) -> None:
        """The dense layers, to `channels` at each of `places` places."""
        self.from_latent = nn.Linear(self.num_latents, HIDDEN)
        self.from_condition = None if self.condition is None else nn.Linear(self.condition.dim, HIDDEN, bias=False)
        shares = 1 if self.condition is None else 2
        init_weights(self.from_latent, shares * self.num_latents)
        if self.from_condition is not None:
            init_weights(self.from_condition, shares)  # of a one-hot c one weight counts
        self.dense = nn.Linear(HIDDEN, channels * places)
        init_weights(self.dense, HIDDEN)

    def _init_stages(
        self,
        widths: Sequence[int],
        depth: int,
        convolution: type[nn.Conv1d] | type[nn.Conv2d],
        transposed: type[nn.ConvTranspose1d] | type[nn.ConvTranspose2d],
    ) -> None:
        """A stage for each of `widths`, given from the full size down: the record is doubled between two of them."""
        self.doublings = nn.ModuleList()
        self.further = nn.ModuleList([further(widths[-1], depth, convolution)])
        for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True):
            doubling = transposed(before, after, 4, 2, 1)
            start_smooth(doubling)
            self.doublings.append(doubling)
            self.further.append(further(after, depth, convolution))

    def _dense(self, z: Tensor, c: Tensor | None, *shape: int) -> Tensor:
        """z [B, num_latents] and c -> [B, *shape], of channels * places numbers; -1 in the shape is worked out."""
        h = add_condition(self.from_latent(z), self.from_condition, c)
        begun: Tensor = self.dense(F.leaky_relu(h, SLOPE)).unflatten(1, shape)
        return begun

    def _grown(self, h: Tensor, styled: Callable[[int, Tensor], Tensor] = lambda stage, h: h) -> Tensor:
        """h [B, C, *sides] through all stages; `styled` is what each does to its normalised channels."""
        for i, convolutions in enumerate(self.further):
            if i:
                h = self.doublings[i - 1](h)  # [B, C, *sides] -> [B, C / 2, twice the sides]
            h = convolutions(F.leaky_relu(styled(i, normalised(h)), SLOPE))
        return h


class ChainDiscriminator(DifferentiatedDiscriminator):
    """D: a chain of convolutions to features, and their product with what the head and c say.

    It is piecewise linear in x, so it gives its own input gradient (`PiecewiseLinear`).
    """

    head: nn.Linear

    @abstractmethod
    def _enter(self, x: Tensor, c: Tensor | None, u: Tensor | None) -> tuple[PiecewiseLinear, Tensor, Tensor]:
        """The chain, what it takes [B, C, H, W], and what its features are multiplied with [B, C', H', W']."""

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        chain, h, vectors = self._enter(x, c, u)
        logits: Tensor = (chain(h).to(vectors.dtype) * vectors).flatten(1).sum(1) + self.head.bias
        return logits

    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `DifferentiatedDiscriminator.logits_and_squares`."""
        chain, h, vectors = self._enter(x, c, u)
        logits, squares = chain.logits_and_squares(h, vectors)
        return logits + self.head.bias, squares


class ConvolutionalDiscriminator(ChainDiscriminator):
    """D whose chain ends in HIDDEN features."""

    def __init__(self, spec: Spec, condition: Spec | None) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition

    def _init_chain(self, layers: Sequence[nn.Conv2d]) -> None:
        """The chain of `layers`, each with its activation, and the head; the last layer gives [B, HIDDEN, 1, 1]."""
        steps = [step for i in range(len(layers)) for step in (Convolve(i), Activate())]
        self.chain = PiecewiseLinear(steps, layers, SLOPE)
        lay_out(self.chain)
        self.head = nn.Linear(HIDDEN, 1)
        self.projection = None if self.condition is None else nn.Linear(self.condition.dim, HIDDEN, bias=False)
        init_weights(self.head, HIDDEN, 1.0)
        if self.projection is not None:
            init_weights(self.projection, HIDDEN, 1.0)

    @abstractmethod
    def _rearranged(self, x: Tensor, u: Tensor | None) -> Tensor:
        """x [B, *spec.shape] as the chain takes it, [B, C', H', W']: an isometry, or the norm of the gradient differs.

        u is as in `Discriminator.forward`.
        """

    def _enter(self, x: Tensor, c: Tensor | None, u: Tensor | None) -> tuple[PiecewiseLinear, Tensor, Tensor]:
        h = self._rearranged(x, u)
        vectors = add_condition(self.head.weight.expand(len(x), -1), self.projection, c)
        return self.chain, channels_last(h.to(self.multiply_in)), vectors[:, :, None, None]


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
            layer = self.layer(i)
            bias = None if layer.bias is None else layer.bias.to(h.dtype)
            return _convolved(layer, h, layer.weight.to(h.dtype), bias)

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
        layers = map(self.layer, range(len(self.convolutions)))
        weights = [None if p is None else p.to(x.dtype) for layer in layers for p in (layer.weight, layer.bias)]
        # torch leaves apply untyped
        logits, squares = _LogitsAndSquares.apply(self, x, head, *weights)  # type: ignore[no-untyped-call]
        return logits, squares

    def layer(self, index: int) -> nn.Conv2d:
        """Convolution number `index`."""
        layer = self.convolutions[index]
        assert isinstance(layer, nn.Conv2d)
        return layer


def _convolved(layer: nn.Conv2d, h: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return F.conv2d(h, weight, bias, layer.stride, layer.padding, 1, layer.groups)


def _transposed(layer: nn.Conv2d, s: Tensor, h: Tensor, weight: Tensor, by: Literal["input", "weight"]) -> Tensor:
    """The gradient by input or weight of a convolution at h, of the gradient `s` by its output."""
    mask = [by == "input", by == "weight", False]
    found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
        s, h, weight, None, layer.stride, layer.padding, [1, 1], False, [0, 0], layer.groups, mask
    )
    return found[mask.index(True)]


def _masked(values: Tensor, result: Tensor, slope: float) -> Tensor:
    """Product of `values` and act', which follows from what act gave."""
    product: Tensor = torch.ops.aten.leaky_relu_backward(values, result, slope, True)
    return product


class _LogitsAndSquares(torch.autograd.Function):
    """(chain, x, head, weights) -> (logits, squared norms of the slopes at x), with the derivatives of both.

    Of each convolution `weights` hold its weight and its bias or None.

    Given the masks the slope is linear in every weight, so what the squared norm gives to a weight comes from a
    tangent, sent forwards through the same masks: for a convolution with input h, slope s at its output and tangent t
    at its input it is s (x) t. What the logit gives is s (x) h times its own gradient, so the two are one.
    """

    @staticmethod
    def forward(ctx: Any, chain: PiecewiseLinear, x: Tensor, head: Tensor, *weights: Any) -> tuple[Tensor, Tensor]:
        """See `PiecewiseLinear.logits_and_squares`."""
        inputs: list[Tensor] = []  # of the convolutions, in order
        active: list[Tensor] = []  # results of the activations, in order

        def convolve(i: int, h: Tensor) -> Tensor:
            inputs.append(h)
            return _convolved(chain.layer(i), h, *weights[2 * i : 2 * i + 2])

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
                    s = _transposed(chain.layer(i), s, inputs[i], weights[2 * i], "input")
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
        masks = iter(active)
        grads: list[Tensor | None] = []

        def convolve(i: int, t: Tensor) -> Tensor:
            layer, weight, bias = chain.layer(i), weights[2 * i], weights[2 * i + 1]
            at = torch.addcmul(t, inputs[i], column)
            grads.append(_transposed(layer, slopes[i], at, weight, "weight"))
            grads.append(None if bias is None else (slopes[i] * column).sum((0, 2, 3)))
            return _convolved(layer, t, weight, None)

        t = chain.walk(t, convolve, lambda t: _masked(t, next(masks), chain.slope))
        grad_head = torch.addcmul(t, last, column).to(grad_logits.dtype)
        return None, None, grad_head, *grads


def _spread(s: Tensor) -> Tensor:
    """The transpose of `Halve`: [B, C, H, W] -> [B, C, 2H, 2W], a quarter each."""
    return F.interpolate(s * 0.25, scale_factor=2, mode="nearest")
