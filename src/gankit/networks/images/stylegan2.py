"""StyleGAN2, complete: modulated convolutions in G, residual blocks in D, and the truncation of styles.

Knows Spec and tensors; never columns, files or kinds of data.

Karras et al. 2020a ("Analyzing and improving the image quality of StyleGAN", config F) and 2020b ("Training generative
adversarial networks with limited data", the settings for 256 and 32 pixels and the conditional networks).

G: a mapping network takes z to w; a style scales the input channels of a convolution and its demodulation the output
channels, so that all records share one convolution with the stored weights; grouped convolutions with weights of each
record's own give the same numbers, more slowly. Images are summed over the resolutions.

D: residual blocks that halve the image, and the spread of a few records at the end; its condition is the projection of
Karras et al. 2020b: a mapping network for c, and the inner product of its result with D's last layer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import Discriminator, Networks, Pair, StyleGenerator, Task
from gankit.networks.layers import cut, surround
from gankit.ranks import ALONE, current
from gankit.spec import Spec

# --- resampling -------------------------------------------------------------------------------------------------------

# The low-pass filter is [1, 3, 3, 1] / 8 along each axis (Karras et al. 2020a); outside its borders an image counts as
# zero. Everything is an ordinary operation of torch: differentiable twice, and it runs everywhere and exports.

TAPS = (1 / 8, 3 / 8, 3 / 8, 1 / 8)
"""The filter along one axis; it sums to 1."""


def blur(x: Tensor, padding: int, gain: float = 1.0, step: int = 1) -> Tensor:
    """The low-pass filter over `padding` zeros at each border.

    Args:
        x: [B, C, H, W] of any floating type.
        padding: zeros on each side, 0 or more.
        gain: factor of the result.
        step: from one pixel of the result to the next.

    Returns:
        [B, C, H + 2 padding - 3, W + 2 padding - 3], or that divided by `step`, rounded up.
    """
    channels = x.shape[1]
    taps = torch.tensor(TAPS, dtype=x.dtype, device=x.device)
    kernel = (gain * taps.outer(taps)).expand(channels, 1, 4, 4)
    # one pass over all channels; two passes along the axes are slower for four taps (benchmarks/stylegan2_step.md)
    return F.conv2d(x, kernel, stride=step, padding=padding, groups=channels)


def upsample(x: Tensor) -> Tensor:
    """Twice as high and wide: [B, C, H, W] -> [B, C, 2H, 2W].

    Zeros between the pixels, then the filter with gain 4. Away from the borders that is bilinear interpolation: .75 of
    the nearer and .25 of the farther pixel along each axis. So it is bilinear interpolation with one row and column of
    zeros around, and that is how it is computed, by sums of shifted images: their gradient is deterministic everywhere.
    """
    for axis in (2, 3):
        zero = torch.zeros_like(x.narrow(axis, 0, 1))
        size = x.shape[axis]
        around = torch.cat([zero, x, zero], axis)
        near = 0.75 * x
        before = near + 0.25 * around.narrow(axis, 0, size)
        after = near + 0.25 * around.narrow(axis, 2, size)
        x = torch.stack([before, after], axis + 1).flatten(axis, axis + 1)
    return x


def downsample(x: Tensor) -> Tensor:
    """Half as high and wide: [B, C, H, W] -> [B, C, H // 2, W // 2], H and W even.

    The filter, then every second pixel.
    """
    return blur(x, padding=1, step=2)


def upsampling_convolution(x: Tensor, weight: Tensor) -> Tensor:
    """A 3x3 convolution of the image with zeros between its pixels, then the filter with gain 4.

    Args:
        x: [B, I, H, W].
        weight: [O, I, 3, 3].

    Returns:
        [B, O, 2H, 2W].
    """
    # a transposed convolution touches no zeros: [B, I, H, W] -> [B, O, 2H + 1, 2W + 1]
    x = F.conv_transpose2d(x, weight.transpose(0, 1), stride=2)
    return blur(x, padding=1, gain=4.0)


def downsampling_convolution(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """The filter, then a convolution that steps by two.

    Args:
        x: [B, I, H, W], H and W even.
        weight: [O, I, K, K], K = 1 or 3.
        bias: [O], or None.

    Returns:
        [B, O, H // 2, W // 2].
    """
    if weight.shape[2] == 1 and not (x.device.type == "cpu" and x.dtype.itemsize < 4):
        # of pixels that a 1x1 convolution would step over none is needed; but on the CPU a depthwise convolution that
        # steps is slow in bfloat16
        return F.conv2d(downsample(x), weight, bias)
    return F.conv2d(blur(x, padding=1 + weight.shape[2] // 2), weight, bias, stride=2)


# --- what both networks share -----------------------------------------------------------------------------------------

SLOPE = 0.2
"""Slope of the leaky ReLU below zero; its gain, sqrt 2, is folded into the weights before it."""

GAIN = math.sqrt(2)

CLAMP = 256.0
"""Limit, either way, of what a layer gives in a type of low precision (Karras et al. 2020b, on mixed precision)."""

LOW_LEVELS = 4
"""Levels, from the highest resolution down, that multiply in `multiply_in` on a GPU; on a CPU all of them do."""

MAPPING_RATE = 0.01
"""Learning rate of the mapping network as a share of the others'."""

SMALL_SIDE = 32
"""Images of no more pixels than a square of this side count as small, as CIFAR-10 does in the papers."""

MIDDLE_SIDE = 256
"""Images of more pixels than a square of this side get config F's channels; up to it the fewer of "paper256"."""


@dataclass(frozen=True)
class Pyramid:
    """The resolutions of a pair of networks: level 0 is the base, each further level twice as high and wide.

    base: height and width of level 0.
    doublings: levels after the base.
    """

    base: tuple[int, int]
    doublings: int

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of each level, from the base up."""
        return tuple((self.base[0] << k, self.base[1] << k) for k in range(self.doublings + 1))


def pyramid_of(height: int, width: int) -> Pyramid:
    """The resolutions for images of `height` by `width`: those of least area that cover them.

    The base has 8 to 63 pixels, so that 32 starts at 4x4, 28 at 7x7, 48x64 at 3x4; of equals the one nearest to 16
    pixels is taken. Sizes that no such base reaches are covered by the next larger ones.

    Example:
        >>> pyramid_of(1024, 1024).sizes[:2], pyramid_of(28, 28).base, pyramid_of(48, 64).base
        (((4, 4), (8, 8)), (7, 7), (3, 4))
        >>> pyramid_of(100, 100).sizes[-1]
        (112, 112)
    """
    doublings = range(max(height, width).bit_length())
    found = [Pyramid((-(-height >> k), -(-width >> k)), k) for k in doublings]  # rounded up
    found = [p for p in found if 8 <= math.prod(p.base) < 64] or found[:1]
    return min(found, key=lambda p: (math.prod(p.sizes[-1]), abs(math.log2(math.prod(p.base) / 16))))


def is_small(spec: Spec) -> bool:
    """Whether the papers' settings for CIFAR-10 (32 x 32) apply to images of this size."""
    return spec.shape[1] * spec.shape[2] <= SMALL_SIDE**2


def channels_of(spec: Spec, pyramid: Pyramid, width: int) -> tuple[int, ...]:
    """Channels of each level: min(width, width * S / side), S = 64 for large images and 32 for others.

    With width 512 that is config F (Karras et al. 2020a: 32768 / side, at most 512) above 256 x 256 pixels, and half
    of it ("paper256" of Karras et al. 2020b) up to there. The side is the power of two nearest to sqrt(H W).
    """
    knee = 64 if spec.shape[1] * spec.shape[2] > MIDDLE_SIDE**2 else 32
    sides = [2 ** round(math.log2(h * w) / 2) for h, w in pyramid.sizes]
    return tuple(max(1, min(width, width * knee // side)) for side in sides)


def types_of(
    pyramid: Pyramid, plain: torch.dtype, multiply_in: torch.dtype, device: torch.device
) -> tuple[torch.dtype, ...]:
    """The type that the convolutions of each level multiply in, from the base up.

    Args:
        pyramid: the levels.
        plain: the type of the weights.
        multiply_in: float32 for the type of the weights everywhere; a type of low precision for that one in the highest
            LOW_LEVELS levels, without the base, on a GPU, and in all levels on a CPU.
        device: where it is computed.
    """
    count = pyramid.doublings + 1
    if multiply_in == torch.float32:
        return (plain,) * count
    first = 0 if device.type == "cpu" else max(1, count - LOW_LEVELS)
    return tuple(multiply_in if level >= first else plain for level in range(count))


def activate(x: Tensor) -> Tensor:
    """The leaky ReLU, in place: x must be a result that nothing else reads. In low precision also the limit CLAMP."""
    if x.dtype.itemsize >= 4:
        return F.leaky_relu_(x, SLOPE)
    result: Tensor = _LimitedReLU.apply(x)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return result


class _LimitedReLU(torch.autograd.Function):
    """clamp(leaky ReLU(x), -CLAMP, CLAMP) in place; on a CPU a clamp of its own costs more than the ReLU.

    All that its derivative needs is the result. It can be differentiated as often as one likes.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        result = F.leaky_relu_(x, SLOPE).clamp_(-CLAMP, CLAMP)
        ctx.mark_dirty(x)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        # piecewise linear: the second derivative in x is zero, so only the gradient is followed further
        result = ctx.saved_tensors[0].detach()
        inside = torch.ops.aten.hardtanh_backward(gradient, result, -CLAMP, CLAMP)
        slope: Tensor = torch.ops.aten.leaky_relu_backward(inside, result, SLOPE, True)
        return slope


def unit_second_moment(x: Tensor) -> Tensor:
    """x / sqrt(mean(x^2)) along the last axis ("pixel norm"), [..., D] -> [..., D]."""
    result: Tensor = x * (x.square().mean(-1, keepdim=True) + 1e-8).rsqrt()
    return result


class EqualisedLinear(nn.Module):
    """W x / sqrt(I) + b with W starting in N(0, 1), so that all weights move at one relative speed.

    Equalised learning rate: Karras et al. 2018, section 4.1. With a `rate` below 1 the stored weights are 1/rate times
    as large and are scaled at run time, which under Adam is a learning rate of `rate`.

    Args:
        inputs, outputs: numbers in and out.
        rate: learning rate as a share of the optimiser's.
        gain: factor of the result.
        bias: where the bias starts; None = no bias.
    """

    def __init__(
        self, inputs: int, outputs: int, rate: float = 1.0, gain: float = 1.0, bias: float | None = 0.0
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs).normal_() / rate)
        self.bias = None if bias is None else nn.Parameter(torch.full((outputs,), bias / rate))
        self.weight_scale = gain * rate / math.sqrt(inputs)
        self.bias_scale = gain * rate

    def forward(self, x: Tensor) -> Tensor:
        """[B, I] -> [B, O]."""
        bias = self.bias if self.bias is None or self.bias_scale == 1 else self.bias * self.bias_scale
        return F.linear(x, self.weight * self.weight_scale, bias)


class Mapping(nn.Module):
    """The mapping network: z and c, each scaled to unit second moment and joined, through dense layers to w.

    Args:
        num_latents: numbers of z; 0 = it maps c alone.
        width: units of every layer, the embedding of c and w among them.
        depth: layers.
    """

    def __init__(self, num_latents: int, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__()
        self.embedding = None if condition is None else EqualisedLinear(condition.dim, width, bias=None)
        sizes = [num_latents + (0 if condition is None else width)] + [width] * depth
        self.layers = nn.ModuleList(
            EqualisedLinear(before, after, rate=MAPPING_RATE, gain=GAIN) for before, after in pairwise(sizes)
        )

    def forward(self, z: Tensor | None, c: Tensor | None) -> Tensor:
        """z [B, num_latents] or None, c [B, K] or None -> w [B, width]."""
        parts = [] if z is None else [unit_second_moment(z)]
        if self.embedding is not None:
            parts.append(unit_second_moment(self.embedding(c)))
        w = torch.cat(parts, 1)
        for layer in self.layers:
            w = F.leaky_relu_(layer(w), SLOPE)
        return w


# --- the generator ----------------------------------------------------------------------------------------------------

MEAN_STYLE_DECAY = 0.995
"""Decay of the running mean of w, a forward pass (Karras et al. 2019)."""

PATH_DECAY = 0.01
"""Weight of a new path length in its running mean (Karras et al. 2020a)."""


class StyledConvolution(nn.Module):
    """A 3x3 convolution with modulation and demodulation, a noise input, a bias and the leaky ReLU.

    Args:
        inputs, outputs: channels.
        style_dim: numbers of w.
        up: whether the image doubles its sides.
    """

    def __init__(self, inputs: int, outputs: int, style_dim: int, up: bool) -> None:
        super().__init__()
        self.up = up
        self.style = EqualisedLinear(style_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.empty(outputs, inputs, 3, 3).normal_())
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.noise_strength = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor, w: Tensor, noise: Tensor) -> Tensor:
        """x [B, inputs, h, w], w [B, style_dim], noise [B, 1, H, W] -> [B, outputs, H, W] in the type of x."""
        style = self.style(w)  # [B, style_dim] -> [B, inputs]
        # demodulation (eq. 3), exact for independent inputs of unit variance: sum over i, k of (w_oik s_i)^2
        squares = F.linear(style.square(), self.weight.square().sum((2, 3)))  # [B, inputs] -> [B, outputs]
        scale = GAIN * (squares + 1e-8).rsqrt()
        x = x * _channels(style, x)
        weight = self.weight.to(x.dtype)
        x = upsampling_convolution(x, weight) if self.up else F.conv2d(x, weight, padding=1)
        x = torch.addcmul((GAIN * self.bias).to(x.dtype).view(1, -1, 1, 1), x, _channels(scale, x))
        x += (noise * (GAIN * self.noise_strength)).to(x.dtype)
        return activate(x)


class ToImage(nn.Module):
    """A modulated 1x1 convolution to an image's channels, without demodulation; gives float32."""

    def __init__(self, inputs: int, channels: int, style_dim: int) -> None:
        super().__init__()
        self.style = EqualisedLinear(style_dim, inputs, bias=1.0)
        self.weight = nn.Parameter(torch.empty(channels, inputs).normal_())
        self.bias = nn.Parameter(torch.zeros(channels))
        self.weight_scale = 1 / math.sqrt(inputs)

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """x [B, inputs, H, W], w [B, style_dim] -> [B, channels, H, W] float32."""
        # so few outputs that weights of each record's own are cheaper than a scaled copy of x
        weight = self.weight * (self.weight_scale * self.style(w)).unsqueeze(1)  # [B, channels, inputs]
        pixels = x.permute(0, 2, 3, 1).flatten(1, 2)  # [B, inputs, H, W] -> [B, H * W, inputs]
        image = torch.bmm(pixels, weight.to(x.dtype).transpose(1, 2)) + self.bias.to(x.dtype)
        if image.dtype.itemsize < 4:
            image = image.clamp(-CLAMP, CLAMP).float()
        # [B, H * W, channels] -> [B, channels, H, W]
        return image.view(x.shape[0], *x.shape[2:], -1).permute(0, 3, 1, 2)


def _channels(scale: Tensor, x: Tensor) -> Tensor:
    """[B, C] -> [B, C, 1, 1] in the type of x."""
    return scale.to(x.dtype).unsqueeze(2).unsqueeze(3)


class StyleGAN2Generator(StyleGenerator):
    """G: z to w to an image, from a learned constant at the lowest resolution.

    Images that are no base times a power of two are made on the next larger size and cut at the centre.

    Attributes:
        mixing: probability that a record's styles change from one z to another while training.
    """

    w_mean: Tensor
    path_mean: Tensor

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents, self.mixes = spec, condition, num_latents, 2 * GROUP
        self.mixing = 0.9
        self.pyramid = pyramid_of(spec.shape[1], spec.shape[2])
        channels = channels_of(spec, self.pyramid, width)
        self.style_dim = num_latents
        self.num_styles = 2 * len(channels)
        # the seed of the noise inputs, whether to mix, where, and the other z
        self.num_uniforms = 3 + num_latents
        self.mapping = Mapping(num_latents, condition, self.style_dim, depth)
        self.start = nn.Parameter(torch.empty(channels[0], *self.pyramid.base).normal_())
        layers = [StyledConvolution(channels[0], channels[0], self.style_dim, up=False)]
        for before, after in pairwise(channels):
            layers.append(StyledConvolution(before, after, self.style_dim, up=True))
            layers.append(StyledConvolution(after, after, self.style_dim, up=False))
        self.layers = nn.ModuleList(layers)
        self.to_image = nn.ModuleList(ToImage(n, spec.shape[0], self.style_dim) for n in channels)
        self.register_buffer("w_mean", torch.zeros(self.style_dim))
        self.register_buffer("path_mean", torch.zeros(()))

    @property
    def mean_style(self) -> Tensor:
        """See `StyleGenerator.mean_style`; moved by every forward pass in training mode."""
        return self.w_mean

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`.

        Noise: all records of a batch take theirs from one generator keyed by u[0, 0], record after record.
        """
        if not self.training:
            return self.synthesise(self.styles(z, c), u)
        w = self._mixed_styles(z, u, c)
        with torch.no_grad():
            self.w_mean.lerp_(current().mean(w[:, 0].mean(0)), 1 - MEAN_STYLE_DECAY)
        return self.synthesise(w, u)

    def styles(self, z: Tensor, c: Tensor | None) -> Tensor:
        """See `StyleGenerator.styles`."""
        w: Tensor = self.mapping(z, c)
        return w.unsqueeze(1).expand(-1, self.num_styles, -1)  # [B, style_dim] -> [B, num_styles, style_dim]

    def _mixed_styles(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """w [B, num_styles, style_dim]: with probability `mixing`, from a uniformly drawn layer on, that of another z.

        Karras et al. 2019, section 3.1.
        """
        if self.mixing == 0:
            return self.styles(z, c)
        # torch.rand gives multiples of 2^-24 and 0 among them: half a grain in keeps the inverse finite
        other = math.sqrt(2) * torch.erfinv(2 * u[:, 3:].clamp(2.0**-25, 1 - 2.0**-24) - 1)
        both: Tensor = self.mapping(torch.cat([z, other]), None if c is None else torch.cat([c, c]))
        first, second = both.unsqueeze(1).chunk(2)  # [2B, style_dim] -> [B, 1, style_dim] x 2
        crossing = 1 + (u[:, 2] * (self.num_styles - 1)).floor()
        crossing = crossing.where(u[:, 1] < self.mixing, self.num_styles)
        layer = torch.arange(self.num_styles, device=u.device)
        keeps = (layer < crossing.unsqueeze(1)).unsqueeze(2)  # [B, num_styles, 1]
        return torch.where(keeps, first, second)

    def synthesise(self, w: Tensor, u: Tensor) -> Tensor:
        """See `StyleGenerator.synthesise`."""
        return self.paint(w, self.draw_noise(len(w), u))

    def paint(self, w: Tensor, noise: list[Tensor]) -> Tensor:
        """See `StyleGenerator.paint`."""
        types = types_of(self.pyramid, self.start.dtype, self.multiply_in, w.device)
        style = w.unbind(1)
        x = self.start.to(types[0]).expand(w.shape[0], -1, -1, -1).contiguous(memory_format=torch.channels_last)
        x = self.layers[0](x, style[0], noise[0])
        image: Tensor = self.to_image[0](x, style[1])
        for level in range(1, len(types)):
            x = x.to(types[level])
            for layer in (2 * level - 1, 2 * level):
                x = self.layers[layer](x, style[layer], noise[layer])
            image = upsample(image) + self.to_image[level](x, style[2 * level + 1])
        return cut(image, *self.spec.shape[1:])

    def draw_noise(self, rows: int, u: Tensor) -> list[Tensor]:
        """See `StyleGenerator.draw_noise`; keyed by the first number of u alone."""
        sizes = [self.pyramid.sizes[(k + 1) // 2] for k in range(len(self.layers))]
        counts = [h * w for h, w in sizes]
        # rows of a multiple of 16 numbers: on the CPU a record's noise then does not depend on how many follow
        spare = -sum(counts) % 16
        first, ranks = self.first_uniform, current()
        if first is None:  # it draws for itself alone
            first, ranks = u[0, 0].double().item(), ALONE
        generator = None if u.is_meta else torch.Generator(device=u.device).manual_seed(int(first * 2**53))
        numbers = torch.randn(rows * ranks.world, sum(counts) + spare, generator=generator, device=u.device)
        numbers = ranks.share(numbers, min(self.mixes, rows))
        parts = torch.split(numbers, [*counts, spare], dim=1)
        return [part.reshape(rows, 1, h, w) for part, (h, w) in zip(parts, sizes, strict=False)]

    def path_length_loss(self, z: Tensor, u: Tensor, c: Tensor | None, directions: Tensor) -> Tensor:
        """E[(||J^T y|| - a)^2], a the running mean of ||J^T y||: Karras et al. 2020a, eq. 4.

        J = d image / d w. The directions are divided by sqrt(H W), so that the length does not grow with the
        resolution, and the squared norm is the mean over the layers' styles, as in the paper's code. The running mean
        moves first and nothing flows back through it. Styles are mixed in training mode as in `forward`; the mean of w
        stays as it is.
        """
        w = self._mixed_styles(z, u, c) if self.training else self.styles(z, c)
        image = self.synthesise(w, u)
        towards = directions / math.sqrt(self.spec.shape[1] * self.spec.shape[2])
        (pulled,) = torch.autograd.grad((image * towards).sum(), w, create_graph=True)  # [B, num_styles, style_dim]
        lengths = pulled.square().sum(2).mean(1).sqrt()
        with torch.no_grad():
            self.path_mean.lerp_(current().mean(lengths.mean()), PATH_DECAY)
        return (lengths - self.path_mean).square().mean()


# --- the discriminator ------------------------------------------------------------------------------------------------

GROUP = 4
"""Most records whose spread is taken together (Karras et al. 2020a)."""


class EqualisedConvolution(nn.Module):
    """A convolution with weights starting in N(0, 1) and scaled at run time, see `EqualisedLinear`."""

    def __init__(self, inputs: int, outputs: int, side: int, gain: float, bias: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(outputs, inputs, side, side).normal_())
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        self.scale, self.gain = gain / math.sqrt(inputs * side * side), gain

    def scaled(self, dtype: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """Weight and bias as the convolution takes them."""
        bias = None if self.bias is None else (self.bias * self.gain).to(dtype)
        return (self.weight * self.scale).to(dtype), bias

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H, W]."""
        return F.conv2d(x, *self.scaled(x.dtype), padding=self.weight.shape[2] // 2)

    def halve(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H // 2, W // 2]."""
        return downsampling_convolution(x, *self.scaled(x.dtype))


class HalvingBlock(nn.Module):
    """(skip(x) + main(x)) / sqrt 2 at half the size: two 3x3 convolutions beside one of 1x1."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = EqualisedConvolution(inputs, inputs, 3, gain=GAIN)
        self.second = EqualisedConvolution(inputs, outputs, 3, gain=1.0)  # sqrt 2 of the ReLU / sqrt 2 of the sum
        self.skip = EqualisedConvolution(inputs, outputs, 1, gain=1 / GAIN, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, H // 2, W // 2]."""
        return self.skip.halve(x).add_(activate(self.second.halve(activate(self.first(x)))))


def append_spread(x: Tensor) -> Tensor:
    """One more channel: the standard deviation within a group of records, averaged over channels and pixels.

    Karras et al. 2018, section 3, in groups of at most four consecutive records. A batch of even size counts as two
    halves (real records, then fakes), and no group reaches across the middle; within a half (or a batch of odd size)
    groups are as large and as alike as can be.

    Args:
        x: [B, C, H, W] float32.

    Returns:
        [B, C + 1, H, W].
    """
    whole = len(x)
    halves = 2 if whole % 2 == 0 else 1
    each = whole // halves
    groups = -(-each // GROUP)
    sizes = [each // groups + (i < each % groups) for i in range(groups)] * halves

    def spread(group: Tensor) -> Tensor:  # [..., G, C, H, W] -> [..., 1]
        return (group.var(-4, correction=0) + 1e-8).sqrt().mean((-3, -2, -1)).unsqueeze(-1)

    if len(set(sizes)) == 1:
        grouped = x.reshape(len(sizes), sizes[0], *x.shape[1:])
        spreads = spread(grouped).expand(-1, sizes[0]).flatten()
    else:
        spreads = torch.cat([spread(group).expand(len(group)) for group in torch.split(x, sizes)])
    return torch.cat([x, spreads.view(-1, 1, 1, 1).expand(-1, 1, *x.shape[2:])], 1)


class StyleGAN2Discriminator(Discriminator):
    """D: an image through blocks that halve it to a logit.

    Images that are no base times a power of two are bordered by zeros to the next larger such size. The logit of a
    record depends on the records it shares a group with, see `append_spread`. The last block always works in float32.
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__()
        # a batch of real records alone counts as two halves, so that groups are whole in twice their size
        self.spec, self.condition, self.mixes = spec, condition, 2 * GROUP
        self.pyramid = pyramid_of(spec.shape[1], spec.shape[2])
        channels = channels_of(spec, self.pyramid, width)[::-1]  # from the image down
        last = channels[-1]
        self.from_image = EqualisedConvolution(spec.shape[0], channels[0], 1, gain=GAIN)
        self.blocks = nn.ModuleList(HalvingBlock(before, after) for before, after in pairwise(channels))
        self.last = EqualisedConvolution(last + 1, last, 3, gain=GAIN)
        height, side = self.pyramid.base
        self.dense = EqualisedLinear(last * height * side, last, gain=GAIN)
        self.mapping = None if condition is None else Mapping(0, condition, last, depth)
        self.head = EqualisedLinear(last, 1 if condition is None else last)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        types = types_of(self.pyramid, self.last.weight.dtype, self.multiply_in, x.device)[::-1]
        h = surround(x, *self.pyramid.sizes[-1]).to(types[0]).contiguous(memory_format=torch.channels_last)
        h = activate(self.from_image(h))
        for block, dtype in zip(self.blocks, types, strict=False):
            h = block(h.to(dtype))
        h = append_spread(h.to(self.last.weight.dtype))  # [B, C, H0, W0] -> [B, C + 1, H0, W0]
        h = F.leaky_relu_(self.last(h), SLOPE)
        h = F.leaky_relu_(self.dense(h.flatten(1)), SLOPE)  # [B, C, H0, W0] -> [B, C]
        logits: Tensor = self.head(h)
        if self.mapping is None:
            return logits.squeeze(1)
        # projection (Miyato and Koyama 2018, eq. 4, without the unconditional term): <head(h), mapping(c)> / sqrt C
        projected: Tensor = (logits * self.mapping(None, c)).sum(1) / math.sqrt(logits.shape[1])
        return projected


# --- the pair ---------------------------------------------------------------------------------------------------------

WIDTH = 512
MAPPING_DEPTH = 8
SMALL_MAPPING_DEPTH = 2

SMALL_WEIGHT = 0.01
"""Of R1 for small images (Karras et al. 2020b, their CIFAR-10 configuration, which also goes without path lengths)."""

LOOK_PIXELS = 64 * 64
"""Above so many pixels updates come after fewer steps, for a step then takes seconds, and a stop, a checkpoint and the
progress wait for an update."""


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """The networks of the papers, which have 512 latents.

    `width` is the channels of the low resolutions (512), from which those of the higher ones follow; `depth` the layers
    of the mapping network (8; for images of up to 32 x 32 pixels 2, and there G does not mix styles, as for CIFAR-10 in
    the papers; G's attribute `mixing` changes that).
    """
    small = is_small(spec)
    width, depth = width or WIDTH, depth or (SMALL_MAPPING_DEPTH if small else MAPPING_DEPTH)
    generator = StyleGAN2Generator(spec, condition, width, depth, num_latents)
    if small:
        generator.mixing = 0.0
    return generator, StyleGAN2Discriminator(spec, condition, width, depth)


def _recipe(task: Task) -> dict[str, Any]:
    """Karras et al. 2020a, appendix B; the weight of R1 follows the resolution (Karras et al. 2020b, appendix)."""
    _, height, width = task.spec.shape
    batch, small = task.batch_of(32), is_small(task.spec)
    row = {
        "batch": batch, "loss": "nonsaturating", "penalty": "r1", "penalty_every": 16, "learning_rate": 2e-3,
        "final_learning_rate": 1.0, "path_length_weight": 0.0 if small else 2.0, "path_length_every": 4,
        "ema_half_life": 10_000.0, "steps_per_look": max(1, min(25, 25 * LOOK_PIXELS // (height * width))),
    }  # fmt: skip
    if task.penalty != "none":
        # gamma = 0.0002 pixels / batch (their automatic configuration); CIFAR-10's has a weight of its own
        row["penalty_weight"] = SMALL_WEIGHT if small else 0.0002 * height * width / batch
    return row


PAIR = Pair("stylegan2", ("image",), _build, latents=512, recipe=_recipe, bfloat16=("image",))
