"""The pair for natural images of few files: D looks at them with a network that has seen photographs, and a light G
(Sauer et al. 2021, "Projected GANs converge faster").

Knows Spec, tensors and backbones; never columns, files or kinds of data.

D: a frozen EfficientNet-Lite0 gives maps at strides of 4, 8, 16 and 32 pixels. They are mixed by fixed random
convolutions, across channels (1 x 1) and from coarse to fine across scales (3 x 3, doubled, added), so that D cannot do
with a few of the features; of each scale a small network with spectral normalisation (Miyato et al. 2018) judges the
places of a map: losses are taken of each place, and the logit is their mean. c chooses among them as in projection
(Miyato and Koyama 2018, eq. 4). The frozen weights are no part of D's state: they are read from their package where D
is used.

G: z to 4 x 4 places, doubled with one convolution, batch normalisation and a gated linear unit a stage, and skip-layer
excitation from small maps to large ones (Liu et al. 2021, "Towards faster and stabilized GAN training"). c scales and
shifts the normalised channels of each stage, from nothing on: batch normalisation makes G use z, unless c alone gives
the batch its variance, and then every class becomes one image (Shahbazi et al. 2022, "Collapse by conditioning").

Differences from Sauer et al.: no batch normalisation in D, whose logit for a record depends on that record alone; the
maps are divided by their deviations among training records, and the logits by `MARGIN`, so that the hinge is seldom met
and D goes on learning; weights of D are divided by their exact largest singular value, from an eigenvalue problem,
so that D has no state but its weights. What each is worth: benchmarks/images_projected.md.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gankit.networks.backbones import CHANNELS, backbone
from gankit.networks.base import Discriminator, Generator, Networks, Pair, Task
from gankit.networks.layers import SLOPE, BatchNorm, autocast, channels_last, cut, double, halvings, lay_out
from gankit.spec import Spec

BACKBONE = "efficientnet-lite0"
SPREAD = 0.02
"""Of the first weights of G (Radford et al. 2016), which is small, so that they soon point elsewhere."""

WIDEST = 256
"""Channels of G's smallest maps."""

STYLED = 4.0
"""What the scales and shifts of c are multiplied by: their weights begin at 0, and would be learned slowly."""

MIXED = (64, 128, 256, 512)
"""Channels of the mixed maps at strides of 4, 8, 16 and 32 pixels."""

MARGIN = 10.0
"""What logits are divided by."""

JUDGED, HEADED = 64, 256
"""Channels of the first layer of D at a scale, and at most."""

LARGEST_HEAD = 6
"""Pixels of the side of a map that is judged as it is; larger ones are halved."""

LOOKED_AT = 64
"""About so many training records say what the deviations of the maps are."""

SEEN_LEAST, SEEN_MOST = 96, 128
"""Pixels of the longer side at which the backbone sees, at least and at most."""

EXCITED_AFTER = 4
"""Doublings between a map of G and the one whose channels it excites."""


def gated(h: Tensor) -> Tensor:
    """[B, 2C, H, W] -> [B, C, H, W]: one half, gated by the other; `F.glu` would leave channels_last."""
    values, gates = h.chunk(2, 1)
    return values * torch.sigmoid(gates)


class Stage(nn.Module):
    """[B, C, H, W] -> [B, C', 2H, 2W]: doubled, convolved, normalised, scaled and shifted as c says, gated."""

    def __init__(self, before: int, after: int, condition: Spec | None) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, 2 * after, 3, padding=1, bias=False)
        nn.init.normal_(self.convolution.weight, 0.0, SPREAD)
        self.norm = BatchNorm(2 * after)
        self.style = None if condition is None else nn.Linear(condition.dim, 4 * after, bias=False)
        if self.style is not None:
            nn.init.zeros_(self.style.weight)

    def forward(self, h: Tensor, c: Tensor | None) -> Tensor:
        """c [B, condition.dim], or None."""
        h = self.norm(self.convolution(F.interpolate(h, scale_factor=2, mode="nearest")))
        if self.style is not None:
            scale, shift = (STYLED * self.style(c))[:, :, None, None].chunk(2, 1)
            h = h * (1 + scale) + shift
        return gated(h)


class Excitation(nn.Module):
    """A small map [B, C, h, w] and a large one [B, C', H, W] -> the large one, its channels gated by the small one."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(before, after, 4), nn.Conv2d(after, after, 1)

    def forward(self, small: Tensor, large: Tensor) -> Tensor:
        """Both as they are in G."""
        gate = F.silu(self.first(F.adaptive_avg_pool2d(small, 4)))
        excited: Tensor = large * torch.sigmoid(self.second(gate))
        return excited


class ProjectedGenerator(Generator):
    """G: see the module's docstring. What the last doubling has too much is cut off at the margins."""

    def __init__(self, spec: Spec, condition: Spec | None, width: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        count, self.base = halvings(*spec.shape[1:])
        widths = [min(width * 2**i, max(WIDEST, width)) for i in range(count, -1, -1)]  # from the smallest map on
        self.from_latent = nn.Linear(num_latents, 2 * widths[0] * self.base[0] * self.base[1], bias=False)
        nn.init.normal_(self.from_latent.weight, 0.0, SPREAD)
        self.norm = BatchNorm(2 * widths[0])
        self.stages = nn.ModuleList([Stage(a, b, condition) for a, b in pairwise(widths)])
        pairs = zip(widths, widths[EXCITED_AFTER:], strict=False)
        self.excitations = nn.ModuleList([Excitation(a, b) for a, b in pairs])
        self.to_pixels = nn.Conv2d(widths[-1], spec.shape[0], 3, padding=1)
        nn.init.normal_(self.to_pixels.weight, 0.0, SPREAD)
        lay_out(self)

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        with autocast(z, self.multiply_in):
            h = self.from_latent(F.normalize(z) * math.sqrt(self.num_latents)).unflatten(1, (*self.base, -1))
            h = gated(self.norm(h.permute(0, 3, 1, 2)))  # [B, C, H, W]
            maps = [h]
            for stage in self.stages:
                h = stage(h, c)
                if len(maps) >= EXCITED_AFTER:
                    h = self.excitations[len(maps) - EXCITED_AFTER](maps[len(maps) - EXCITED_AFTER], h)
                maps.append(h)
            x = self.to_pixels(h)
        return torch.tanh(cut(x.float(), *self.spec.shape[1:])).contiguous()


class Mixing(nn.Module):
    """A random convolution that keeps the size and does not learn; D's state holds it."""

    weight: Tensor

    def __init__(self, before: int, after: int, kernel: int) -> None:
        super().__init__()
        drawn = torch.randn(after, before, kernel, kernel) * math.sqrt(2 / (before * kernel**2))
        self.register_buffer("weight", drawn)

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', H, W]."""
        return F.conv2d(x, self.weight.to(x.dtype), padding=self.weight.shape[2] // 2)


class Normed(nn.Conv2d):
    """A convolution whose weight, as a matrix [C', C h w], is divided by its largest singular value.

    The singular vector is found anew each time; as it is the stationary point of the quotient, the gradient is exact
    with the vector held fixed.
    """

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C', H', W']."""
        matrix = self.weight.flatten(1)
        with torch.no_grad():
            vector = torch.linalg.eigh(matrix @ matrix.T)[1][:, -1]
        weight = self.weight / (vector @ matrix).norm()
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return F.conv2d(x, weight.to(x.dtype), bias, self.stride, self.padding)


class Judge(nn.Module):
    """D at one scale: a mixed map [B, C, n, m] and c -> logits of the places of what is left of the map, [B, P]."""

    def __init__(self, before: int, side: int, condition: Spec | None) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        after = JUDGED
        while side > LARGEST_HEAD:
            layers += [Normed(before, after, 4, 2, 1), nn.LeakyReLU(SLOPE)]
            before, after, side = after, min(2 * after, HEADED), side // 2
        layers += [Normed(before, after, 3, 1, 1), nn.LeakyReLU(SLOPE)]
        self.layers = nn.Sequential(*layers)
        self.last = Normed(after, 1 + (0 if condition is None else condition.dim), 3, 1, 1)
        nn.init.zeros_(self.last.weight[1:])
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias[1:])

    def forward(self, h: Tensor, c: Tensor | None) -> Tensor:
        """See the class."""
        logits = self.last(self.layers(h)).float().flatten(2)
        judged: Tensor = logits[:, 0] if c is None else logits[:, 0] + (logits[:, 1:] * c[:, :, None]).sum(1)
        return judged


class ProjectedDiscriminator(Discriminator):
    """D: see the module's docstring."""

    starts_from_records = True
    deviations: Tensor

    def __init__(self, spec: Spec, condition: Spec | None) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        height, width = spec.shape[1:]
        scale = min(max(SEEN_LEAST, max(height, width)), SEEN_MOST) / max(height, width)
        # whole places at every stride
        self.seen = tuple(max(32, round(side * scale / 32) * 32) for side in (height, width))
        self.across = nn.ModuleList([Mixing(a, b, 1) for a, b in zip(CHANNELS[BACKBONE], MIXED, strict=True)])
        self.down = nn.ModuleList([Mixing(b, a, 3) for a, b in pairwise(MIXED)])
        self.register_buffer("deviations", torch.ones(len(MIXED)))
        sides = [min(self.seen) // stride for stride in (4, 8, 16, 32)]
        self.judges = nn.ModuleList([Judge(c, side, condition) for c, side in zip(MIXED, sides, strict=True)])
        lay_out(self)

    @torch.no_grad()
    def start_from_records(self, x: Tensor) -> None:
        """Takes the deviations of the maps, over all channels and places, from training records [N, C, H, W]."""
        for k, h in enumerate(self._maps(x[:: max(1, len(x) // LOOKED_AT)])):
            self.deviations[k] = h.float().std()

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`: the mean over the places of all scales."""
        return self.places(x, c, u).mean(1)

    def places(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.places`."""
        with autocast(x, self.multiply_in):
            maps = [h / deviation.to(h.dtype) for h, deviation in zip(self._maps(x), self.deviations, strict=True)]
            mixed = [self.across[-1](maps[-1])]
            for across, down, h in zip(self.across[-2::-1], self.down[::-1], maps[-2::-1], strict=True):
                mixed.append(across(h) + double(down(mixed[-1])))
            judged = [judge(h, c) for judge, h in zip(self.judges, mixed[::-1], strict=True)]
        return torch.cat(judged, 1) / MARGIN

    def _maps(self, x: Tensor) -> tuple[Tensor, ...]:
        """What the backbone sees in x, at strides of 4, 8, 16 and 32 pixels."""
        seen = F.interpolate(x, self.seen, mode="bilinear", align_corners=False, antialias=x.shape[2] > self.seen[0])
        eyes = backbone(BACKBONE, self.multiply_in, str(x.device))
        maps: tuple[Tensor, ...] = eyes(channels_last(seen.expand(-1, 3, -1, -1)).to(self.multiply_in))
        return maps


def _limit(spec: Spec) -> str | None:
    """Why it cannot make such images."""
    if spec.blocks or spec.shape[0] not in (1, 3):
        return "makes grey and RGB images, and these have other channels"
    return None


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """`width` = channels of G at the full size."""
    generator = ProjectedGenerator(spec, condition, width or default_width(*spec.shape[1:]), num_latents)
    return generator, ProjectedDiscriminator(spec, condition)


def default_width(height: int, length: int) -> int:
    """Channels of G at the full size: 16 up to 64 pixels, 8 from 128 on.

    >>> [default_width(n, n) for n in (32, 64, 128, 256)]
    [16, 16, 8, 8]
    """
    return 16 if max(height, length) <= 64 else 8


def _recipe(task: Task) -> dict[str, Any]:
    # Sauer et al. 2021, appendix, but for the batch (64), and the learning rate (2e-4): benchmarks/images_projected.md
    return {
        "loss": "hinge", "penalty": "none", "learning_rate": 5e-4, "beta1": 0.0, "beta2": 0.99, "batch": 16,
        "augmentation": "diffaugment",
    }  # fmt: skip


PAIR = Pair(
    "projected", ("image",), _build, limit=_limit, latents=128, pretrained=True, recipe=_recipe, bfloat16=("image",),
    bfloat16_by_default=False,  # slower on processors without matrix units
    unused={"depth": "the sides of images say how often they are doubled"},
)  # fmt: skip
