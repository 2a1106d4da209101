"""The pair for pictures that learns most per minute of a processor: few, strided convolutions, none at full size.

Knows Spec and tensors; never columns, files or kinds of data.

Layers at full size are the dearest ones and there are none: D rearranges every 2 x 2 pixels into channels before its
first convolution, and G ends in the reverse of that. From there on each stage halves (doubles) the sides by a
convolution of kernel 4 and stride 2, as in DCGAN (Radford et al. 2016), but D has no normalisation, which would couple
the gradients that are penalised, and G no batch statistics, so that a picture does not depend on its batch. G ends in
tanh: with a linear end the even ground of digits stays speckled, and at equal time they are seven times as far from
real ones. A condition is joined with z in G with as much weight as z has and scales and shifts the channels of every
stage (Dumoulin et al. 2017), from 1 and 0 on; it enters D by projection (Miyato and Koyama 2018, eq. 4). What was
measured: benchmarks/pictures_networks.md.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.errors import OptionError
from gankit.networks.base import DifferentiatedDiscriminator, Generator
from gankit.networks.convolutions import channels_last, cut, halvings, mixed
from gankit.networks.layers import HIDDEN, SLOPE, convolution, lay_out, normalised, started, widths_of
from gankit.networks.piecewise import Activate, Convolve, PiecewiseLinear
from gankit.spec import Spec

WIDEST = 8
"""Widths double from stage to stage up to this multiple of the first."""


class StridedGenerator(Generator):
    """G: z and c through two dense layers to a small picture of many channels, which is doubled until it is full.

    Args:
        spec: an image of any C, H, W; what the last doubling has too much is cut off at the margins.
        condition: the spec of c, or None.
        width: channels at half of the full size, the last ones before the picture.
        depth: further 3 x 3 convolutions in each stage.
        num_latents: numbers of z.
    """

    num_uniforms = 0

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        channels, height, length = spec.shape
        stages, self.base = halvings(height, length)
        widths = widths_of(width, stages, WIDEST) or [width]
        self.from_latent = nn.Linear(num_latents, HIDDEN)
        self.from_condition = None if condition is None else nn.Linear(condition.dim, HIDDEN, bias=False)
        shares = 1 if condition is None else 2
        started(self.from_latent, shares * num_latents)
        if self.from_condition is not None:
            started(self.from_condition, shares)  # of a one-hot c one weight counts
        self.dense = nn.Linear(HIDDEN, widths[-1] * self.base[0] * self.base[1])
        started(self.dense, HIDDEN)
        self.doublings = nn.ModuleList()
        self.further = nn.ModuleList([_further(widths[-1], depth)])
        for before, after in zip(widths[:0:-1], widths[-2::-1], strict=True):
            doubling = nn.ConvTranspose2d(before, after, 4, 2, 1)
            _start_smooth(doubling)
            self.doublings.append(doubling)
            self.further.append(_further(after, depth))
        styles = [] if condition is None else [nn.Linear(condition.dim, 2 * w, bias=False) for w in reversed(widths)]
        for style in styles:
            nn.init.zeros_(style.weight)
        self.styles = nn.ModuleList(styles)
        self.to_pixels = convolution(widths[0], channels * (4 if stages else 1), 3, padding=1)
        self.last = nn.PixelShuffle(2) if stages else nn.Identity()
        if stages:
            _start_alike(self.to_pixels, channels)
        lay_out(self)

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        with mixed(z, self.multiply_in):
            h = self.from_latent(z)  # [B, num_latents] -> [B, HIDDEN]
            if self.from_condition is not None:
                h = h + self.from_condition(c)
            h = self.dense(F.leaky_relu(h, SLOPE)).unflatten(1, (*self.base, -1)).permute(0, 3, 1, 2)
            for i, further in enumerate(self.further):
                if i:
                    h = self.doublings[i - 1](h)  # [B, C, H, W] -> [B, C/2, 2H, 2W]
                h = further(F.leaky_relu(self._styled(i, normalised(h), c), SLOPE))
            x = self.last(self.to_pixels(h))
        return torch.tanh(cut(x.float(), *self.spec.shape[1:]))

    def _styled(self, stage: int, h: Tensor, c: Tensor | None) -> Tensor:
        """h [B, C, H, W], its channels scaled and shifted as c says."""
        if not self.styles:
            return h
        scale, shift = self.styles[stage](c)[:, :, None, None].chunk(2, 1)
        styled: Tensor = h * (1 + scale) + shift
        return styled


def _start_smooth(doubling: nn.ConvTranspose2d) -> None:
    """Doubling starts as bilinear interpolation of mixed channels: what is fine must be learned, not unlearned."""
    started(doubling, doubling.in_channels)
    taps = torch.tensor([0.25, 0.75, 0.75, 0.25])
    with torch.no_grad():
        doubling.weight.copy_(doubling.weight[:, :, :1, :1] * taps.outer(taps))


def _start_alike(to_pixels: nn.Conv2d, channels: int) -> None:
    """The four pixels that come from one place start equal, or their differences are a checkerboard (Aitken 2017)."""
    with torch.no_grad():
        weight = to_pixels.weight.view(channels, 4, *to_pixels.weight.shape[1:])
        weight.copy_(weight[:, :1].clone().expand_as(weight))


def _further(width: int, depth: int) -> nn.Sequential:
    """`depth` convolutions that keep the size."""
    layers = [[convolution(width, width, 3, padding=1), nn.LeakyReLU(SLOPE)] for _ in range(depth)]
    return nn.Sequential(*(part for pair in layers for part in pair))


class StridedDiscriminator(DifferentiatedDiscriminator):
    """D: a chain of strided convolutions and one dense layer to features, and their product with a vector of c.

    It is piecewise linear in x, so it gives its own input gradient (`PiecewiseLinear`).

    Args:
        spec: an image of any C, H, W.
        condition: the spec of c, or None.
        width: channels at half of the full size, the first ones after the picture.
        depth: further 3 x 3 convolutions in each stage.
    """

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        before, height, length = spec.shape
        stages, _ = halvings(height, length)
        # an isometry, so gradients by the rearranged picture have the norms of those by the picture
        self.rearranges = stages > 0 and height % 2 == 0 and length % 2 == 0
        layers = []
        for i, after in enumerate(widths_of(width, stages, WIDEST)):
            if i == 0 and self.rearranges:
                layers.append(convolution(4 * before, after, 3, padding=1))
            else:
                layers.append(convolution(before, after, 4, 2, 1))
            layers += [convolution(after, after, 3, padding=1) for _ in range(depth)]
            before, height, length = after, height // 2, length // 2
        layers.append(convolution(before, HIDDEN, (height, length)))
        steps = [step for i in range(len(layers)) for step in (Convolve(i), Activate())]
        self.chain = PiecewiseLinear(steps, layers, SLOPE)
        lay_out(self.chain)
        self.head = nn.Linear(HIDDEN, 1)
        self.projection = None if condition is None else nn.Linear(condition.dim, HIDDEN, bias=False)
        started(self.head, HIDDEN, 1.0)
        if self.projection is not None:
            started(self.projection, HIDDEN, 1.0)

    def _enter(self, x: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor]:
        """What the chain takes [B, C', H', W'], and the vectors [B, HIDDEN, 1, 1] its features are multiplied with."""
        if self.rearranges:
            x = F.pixel_unshuffle(x, 2)  # [B, C, H, W] -> [B, 4C, H/2, W/2]
        vectors = self.head.weight.expand(len(x), -1)
        if self.projection is not None:
            vectors = vectors + self.projection(c)
        return channels_last(x.to(self.multiply_in)), vectors[:, :, None, None]

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        h, vectors = self._enter(x, c)
        logits: Tensor = (self.chain(h) * vectors).flatten(1).sum(1) + self.head.bias
        return logits

    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """See `DifferentiatedDiscriminator.logits_and_squares`."""
        logits, squares = self.chain.logits_and_squares(*self._enter(x, c))
        return logits + self.head.bias, squares


def default_width(height: int, length: int) -> int:
    """Channels at half of the full size: 32 up to 64 pixels, from there on halved as the sides double, 8 at least.

    So every stage of a large picture costs as much as one of a picture of 64 x 64.

    >>> [default_width(n, n) for n in (8, 28, 64, 128, 256, 1024)]
    [32, 32, 32, 16, 8, 8]
    """
    return max(8, min(32, 2048 // max(height, length) // 8 * 8))


def build_strided(
    spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int
) -> tuple[StridedGenerator, StridedDiscriminator]:
    """The pair for an image; `width` = channels at half of the full size, `depth` = further convolutions a stage (0).

    Raises:
        OptionError: the records are not images.
    """
    if spec.form != "image":
        raise OptionError(
            f"--network strided makes images, and these records are a {spec.form} of {spec.dim} numbers. "
            "Use --network residual, or leave --network out."
        )
    width, depth = width or default_width(*spec.shape[1:]), depth or 0
    return (
        StridedGenerator(spec, condition, width, depth, num_latents),
        StridedDiscriminator(spec, condition, width, depth),
    )
