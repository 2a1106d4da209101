"""The pair for short sequences: residual MLPs over the principal components of the records.

Knows Spec and tensors; never columns, files or kinds of data.

Series are smooth and their channels correlate: a window of 24 steps of 28 channels, 672 numbers, lies within .03
deviations of a plane of 192. So G and D speak in the coefficients of a record along the first principal directions of
the training records, found by `start_from_records` and fixed from then on. D sees each coefficient divided by the
root of its deviation, halfway between numbers as they are, of which the first few would be all that its penalised
gradient feels, and equal weights for all, where it would learn the noise first. Beside it stands its size: of
noise the deviation is all there is to tell, and D felt it so little without that G's noise faded. The gradient is
taken and penalised there. G begins as a normal distribution with the covariance of the training records, cut where
they are. Its numbers are kept within the range of training, where a number that stands at its smallest or largest
value does so exactly. One-of-K blocks are taken as in `residual`, whose layers these are. What was measured:
benchmarks/series_networks.md.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from torch import Tensor, nn

from gankit.networks.base import Axes, Axis, DifferentiatedDiscriminator, Generator, Network, Networks, Pair
from gankit.networks.blocks import BlockOutput
from gankit.networks.layers import SLOPE, add_condition
from gankit.networks.vectors.residual import ResidualBlock, ResidualDiscriminator, series_recipe
from gankit.spec import Spec

MOST_COMPONENTS = 192
"""Principal directions that are kept at most (benchmarks/series_networks.md)."""

MOST_NUMBERS = 2048
"""Of a record; the time that the directions take to be found grows with the cube."""

POWER = 0.5
"""D sees a coefficient divided by its deviation to this power: 0 leaves numbers as they are, 1 weighs all alike."""

START = 1.0
"""Share of the deviations with which G starts; 0 leaves its normal start out."""

OFTEN = 0.02
"""A number that stands at an end of its range in so large a share of the records starts as one that is cut there."""

FLOOR = 0.03
"""Deviations below this count as it: so much noise in numbers of deviation 1 is not visible."""


OWN: Axes = {f"numbers.{name}": {} for name in ("centre", "directions", "deviations")}
"""What is found in the records that a network is trained on stays when it begins as another was left."""


class _Numbers(nn.Module):
    """Where the continuous numbers of a record stand, and its other numbers; their mean and principal directions.

    Attributes:
        where, others: int64 indices into the flat record.
        kept: K, the directions that are kept.
        centre: [M] the mean of the M continuous numbers.
        directions: [M, K] columns of length 1, at right angles, of falling deviation; in G, of wider rows where numbers
            start as cut ones.
        deviations: [K] of training records along them.
    """

    where: Tensor
    others: Tensor
    centre: Tensor
    directions: Tensor
    deviations: Tensor

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        number = torch.ones(spec.dim, dtype=torch.bool, device="cpu")  # a model file is checked on "meta"
        flat = spec.flat
        for offset, block in zip(flat.offsets, flat.blocks, strict=False):
            number[offset : offset + block.size] = block.type == "continuous"
        count = int(number.sum())
        self.kept = min(count, MOST_COMPONENTS)
        self.num_coefficients = self.kept + spec.dim - count
        self.register_buffer("where", number.nonzero().squeeze(1), persistent=False)
        self.register_buffer("others", (~number).nonzero().squeeze(1), persistent=False)
        self.register_buffer("centre", torch.zeros(count))
        self.register_buffer("directions", torch.eye(count, self.kept))
        self.register_buffer("deviations", torch.ones(self.kept))

    def turned(self, other: Network, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Network.own_bases`: the rotation of other records' components to its own that is nearest to the way
        between the directions of both (Schoenemann 1966). A component is counted in its deviation on either side: what
        G adds to a normal start is taken over to records of another covariance (benchmarks/transfer.md).
        """
        there = other.get_submodule("numbers")
        assert isinstance(there, _Numbers)
        seen = self.directions.T.numpy() @ (sparse.kron(found["steps"], found["continuous"]) @ there.directions.numpy())
        left, _, right = np.linalg.svd(seen.astype(np.float64), full_matrices=False)
        turn = (left @ right).astype(np.float32)
        return {"components": sparse.csr_matrix(turn), "sizes": sparse.csr_matrix(turn**2)}

    def start_from(self, x: Tensor) -> Tensor:
        """Finds mean and directions of records x [N, *shape], and gives their continuous numbers [N, M] float64."""
        some = x.flatten(1)[:, self.where].double()
        centre = some.mean(0)
        moved = some - centre
        variances, directions = torch.linalg.eigh(moved.T @ moved / len(moved))
        self.centre.copy_(centre)
        self.directions.copy_(directions.flip(1)[:, : self.kept])
        self.deviations.copy_(variances.flip(0)[: self.kept].clamp_min(0).sqrt())
        return some


class PrincipalGenerator(Generator):
    """G: z and c through residual blocks with LayerNorm to coefficients, a normal start added, and those to a record.

    low, high: [M], the range of each continuous number in training.
    """

    low: Tensor
    high: Tensor
    starts_from_records = True

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int, num_latents: int) -> None:
        super().__init__()
        self.spec, self.condition, self.num_latents = spec, condition, num_latents
        self.numbers = _Numbers(spec)
        self.from_latent = nn.Linear(num_latents, width)
        self.from_condition = None if condition is None else nn.Linear(condition.dim, width, bias=False)
        self.blocks = nn.Sequential(*(ResidualBlock(width, norm=True) for _ in range(depth)))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, self.numbers.num_coefficients)
        with warnings.catch_warnings():  # of records without numbers it has no outputs, which torch warns of
            warnings.filterwarnings("ignore", "Initializing zero-element tensors")
            self.straight = nn.Linear(num_latents, self.numbers.kept, bias=False)
        with torch.no_grad():
            nn.init.eye_(self.straight.weight).mul_(START)
        choices = tuple(b for b in spec.flat.blocks if b.type != "continuous")
        self.output = BlockOutput(Spec("vector", (len(self.numbers.others),), choices))
        self.num_uniforms = self.output.num_uniforms
        count = len(self.numbers.where)
        self.register_buffer("low", torch.full((count,), -torch.inf))
        self.register_buffer("high", torch.full((count,), torch.inf))

    def axes(self) -> Axes:
        """See `Network.axes`: what follows from its records stays, and new directions have their normal start."""
        made = Axis((("components",), ("steps", "chosen")), turned=True)
        straight = Axis((("components",),), turned=True)
        ways = {"head.weight": {0: made}, "head.bias": {0: made}, "straight.weight": {0: straight}}
        return {**OWN, "low": {}, "high": {}, **ways}

    def own_bases(self, other: Network, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Network.own_bases`."""
        return self.numbers.turned(other, found)

    def start_from_records(self, x: Tensor) -> None:
        """Sets directions and ranges; see `Generator.start_from_records`."""
        if not len(self.numbers.where):
            return
        numbers = self.numbers.start_from(x)
        steps = self.spec.shape[0] if self.spec.form == "sequence" else 1
        of_steps = numbers.view(len(numbers), steps, -1)  # a channel has one range for all steps
        self.low.copy_(of_steps.amin((0, 1)).repeat(steps))
        self.high.copy_(of_steps.amax((0, 1)).repeat(steps))
        at_low, at_high = ((numbers == end).double().mean(0) for end in (numbers.amin(0), numbers.amax(0)))
        self._uncut(torch.where(at_high > OFTEN, 0.0, at_low), self.low, 1.0)
        self._uncut(torch.where(at_low > OFTEN, 0.0, at_high), self.high, -1.0)

    def _uncut(self, share: Tensor, end: Tensor, side: float) -> None:
        """Starts numbers [M] that often stand at one `end` of their range as normal ones that are cut there.

        With share s of the normal numbers N(m, v^2) below the end e, e = m + v q with q the quantile of s, and after
        cutting they have a variance of v^2 g(q) (Tobin 1958): from their variance follow v and m.

        Args:
            share: of training records that stand there.
            side: 1 for the smallest number, -1 for the largest.
        """
        often = (share > OFTEN) & (share < 1 - OFTEN)
        q = torch.special.ndtri(torch.where(often, share, 0.5))
        density = (-q.square() / 2).exp() / math.sqrt(2 * math.pi)
        mean = density + q * share  # of max(N(0, 1), q)
        variance = (1 - share) + share * q.square() + q * density - mean.square()
        its = self.numbers
        spread = (its.directions * its.deviations).double().square().sum(1).sqrt() / variance.clamp_min(1e-6).sqrt()
        its.centre.copy_(torch.where(often, end - side * q * spread, its.centre.double()))
        wider = torch.where(often, variance.clamp_min(1e-6).rsqrt(), 1.0)
        its.directions.mul_(wider.unsqueeze(1))

    def forward(self, z: Tensor, u: Tensor, c: Tensor | None) -> Tensor:
        """See `Generator.forward`."""
        h = add_condition(self.from_latent(z), self.from_condition, c)  # [B, num_latents] -> [B, width]
        raw = self.head(F.leaky_relu(self.norm(self.blocks(h)), SLOPE))  # -> [B, K + others]
        its = self.numbers
        coefficients = (raw[:, : its.kept] + self.straight(z)) * its.deviations
        x = _within(its.centre + coefficients @ its.directions.T, self.low, self.high)  # [B, K] -> [B, M]
        if len(its.others):
            chosen = self.output(raw[:, its.kept :], u)
            empty = raw.new_zeros(raw.shape[0], self.spec.dim)
            x = empty.index_copy(1, its.where, x).index_copy(1, its.others, chosen)
        return x.view(-1, *self.spec.shape)


class PrincipalDiscriminator(DifferentiatedDiscriminator):
    """D: the scaled coefficients of a record, its one-of-K blocks and c through residual blocks to a logit.

    `logits_and_squares` takes the gradient by what the first layer sees.
    """

    weights: Tensor
    starts_from_records = True

    def __init__(self, spec: Spec, condition: Spec | None, width: int, depth: int) -> None:
        super().__init__()
        self.spec, self.condition = spec, condition
        self.numbers = _Numbers(spec)
        self.register_buffer("weights", torch.ones(self.numbers.kept))
        seen = Spec("vector", (self.numbers.kept + self.numbers.num_coefficients,))
        self.judge = ResidualDiscriminator(seen, condition, width, depth)

    def axes(self) -> Axes:
        """See `Network.axes`."""
        seen = Axis((("components",), ("sizes",), ("steps", "chosen")), enters=True)
        return {**OWN, "weights": {}, "judge.from_record.weight": {1: seen}}

    def own_bases(self, other: Network, found: Mapping[str, Any]) -> Mapping[str, Any]:
        """See `Network.own_bases`."""
        return self.numbers.turned(other, found)

    def start_from_records(self, x: Tensor) -> None:
        """Sets directions and weights; see `Generator.start_from_records`.

        On average a weighted coefficient has a mean square of 1.
        """
        if not len(self.numbers.where):
            return
        self.numbers.start_from(x)
        variances = self.numbers.deviations.double().square()
        weights = (variances + FLOOR**2) ** (-POWER / 2)
        mean_square = (variances * weights.square()).mean()
        self.weights.copy_(weights / mean_square.clamp_min(1e-12).sqrt())

    def _coefficients(self, x: Tensor) -> Tensor:
        """x [B, *shape] -> [B, 2 K + others]: coefficients, their sizes, and the blocks."""
        x = x.flatten(1)
        y = ((x[:, self.numbers.where] - self.numbers.centre) @ self.numbers.directions) * self.weights
        return torch.cat([y, y.abs(), x[:, self.numbers.others]], 1)

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """See `Discriminator.forward`."""
        logits: Tensor = self.judge(self._coefficients(x), c)
        return logits

    def logits_and_squares(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Logits [B], and the squared norms [B] of their gradients by the scaled coefficients and the blocks."""
        return self.judge.logits_and_squares(self._coefficients(x), c)


class _Within(torch.autograd.Function):
    """x cut to [low, high]; a gradient that would lead further out is cut off, one that leads back is not."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, low: Tensor, high: Tensor) -> Tensor:
        """x [B, M], low and high [M]."""
        ctx.save_for_backward(x, low, high)
        return torch.clamp(x, low, high)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        """A step goes against the gradient: out of the range below where it is positive, above where it is negative."""
        x, low, high = ctx.saved_tensors
        outwards = ((x < low) & (grad > 0)) | ((x > high) & (grad < 0))
        return grad.masked_fill(outwards, 0), None, None


def _within(x: Tensor, low: Tensor, high: Tensor) -> Tensor:
    if not x.requires_grad:
        return torch.clamp(x, low, high)
    kept: Tensor = _Within.apply(x, low, high)  # type: ignore[no-untyped-call]  # torch leaves apply untyped
    return kept


def _build(spec: Spec, condition: Spec | None, width: int | None, depth: int | None, num_latents: int) -> Networks:
    """128 units and 3 blocks by default."""
    width, depth = width or 128, depth or 3
    generator = PrincipalGenerator(spec, condition, width, depth, num_latents)
    return generator, PrincipalDiscriminator(spec, condition, width, depth)


def _limit(spec: Spec) -> str | None:
    if spec.dim <= MOST_NUMBERS:
        return None
    return f"makes series of at most {MOST_NUMBERS:,} numbers, and these have {spec.dim:,}: temporal makes longer ones"


PAIR = Pair("principal", ("sequence",), _build, _limit, recipe=series_recipe, bfloat16=("sequence",))
