"""StyleGAN2's generator: mapping network, modulated convolutions, noise inputs, images summed over resolutions.

Knows Spec and tensors; never columns, files or kinds of data.

Karras et al. 2020a ("Analyzing and improving the image quality of StyleGAN"), config F. A style scales the input
channels of a convolution and its demodulation the output channels, so that all records share one convolution with the
stored weights; grouped convolutions with weights of each record's own give the same numbers, more slowly.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.base import StyleGenerator
from gankit.networks.resampling import upsample, upsampling_convolution
from gankit.networks.stylegan2_layers import (
    CLAMP,
    GAIN,
    EqualisedLinear,
    Mapping,
    activate,
    channels_of,
    is_low,
    pyramid_of,
    types_of,
)
from gankit.spec import Spec

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
        if is_low(image.dtype):
            image = image.clamp(-CLAMP, CLAMP).float()
        # [B, H * W, channels] -> [B, channels, H, W]
        return image.view(x.shape[0], *x.shape[2:], -1).permute(0, 3, 1, 2)


def _channels(scale: Tensor, x: Tensor) -> Tensor:
    """[B, C] -> [B, C, 1, 1] in the type of x."""
    return scale.to(x.dtype).unsqueeze(2).unsqueeze(3)


class StyleGAN2Generator(StyleGenerator):
    """G: z to w to an image, from a learned constant at the lowest resolution.

    Images that are no base times a power of two are made on the next larger size and cut at the centre.

    Args:
        spec: an image of any height, width and channels.
        condition: the spec of c, or None.
        width: channels at low resolutions, see `channels_of`.
        depth: layers of the mapping network.
        num_latents: numbers of z and of w.

    Attributes:
        mixing: probability that a record's styles change from one z to another while training.
        multiply_in: float32 or bfloat16, the type of the convolutions; not part of the state.
    """

    w_mean: Tensor
    path_mean: Tensor

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        self.mixing = 0.9
        self.multiply_in = torch.float32
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
            self.w_mean.lerp_(w[:, 0].mean(0), 1 - MEAN_STYLE_DECAY)
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
        _, height, width = self.spec.shape
        top, left = (image.shape[2] - height) // 2, (image.shape[3] - width) // 2
        return image[:, :, top : top + height, left : left + width]

    def draw_noise(self, rows: int, u: Tensor) -> list[Tensor]:
        """See `StyleGenerator.draw_noise`; keyed by the first number of u alone."""
        sizes = [self.pyramid.sizes[(k + 1) // 2] for k in range(len(self.layers))]
        counts = [h * w for h, w in sizes]
        # rows of a multiple of 16 numbers: on the CPU a record's noise then does not depend on how many follow
        spare = -sum(counts) % 16
        generator = torch.Generator(device=u.device).manual_seed(int(u[0, 0].double().item() * 2**53))
        numbers = torch.randn(rows, sum(counts) + spare, generator=generator, device=u.device)
        parts = torch.split(numbers, [*counts, spare], dim=1)
        return [part.reshape(rows, 1, h, w) for part, (h, w) in zip(parts, sizes, strict=False)]

    def path_length_loss(self, z: Tensor, u: Tensor, c: Tensor | None, directions: Tensor) -> Tensor:
        """E[(||J^T y|| - a)^2], a the running mean of ||J^T y||: Karras et al. 2020a, eq. 4.

        J = d image / d w. The directions are divided by sqrt(H W), so that the length does not grow with the
        resolution, and the squared norm is the mean over the layers' styles, as in the paper's code. The running mean
        moves first and nothing flows back through it. Styles are mixed in training mode as in `forward`; the mean of w
        stays as it is.

        Args:
            z, u, c: as in `forward`.
            directions: [B, *spec.shape] float32, standard normal.
        """
        w = self._mixed_styles(z, u, c) if self.training else self.styles(z, c)
        image = self.synthesise(w, u)
        towards = directions / math.sqrt(self.spec.shape[1] * self.spec.shape[2])
        (pulled,) = torch.autograd.grad((image * towards).sum(), w, create_graph=True)  # [B, num_styles, style_dim]
        lengths = pulled.square().sum(2).mean(1).sqrt()
        with torch.no_grad():
            self.path_mean.lerp_(lengths.mean(), PATH_DECAY)
        return (lengths - self.path_mean).square().mean()
