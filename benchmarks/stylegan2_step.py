"""Images per second of a training step of StyleGAN2: this project's against a plain one, and against NVIDIA's own code.

    OMP_NUM_THREADS=1 python benchmarks/stylegan2_step.py --side 64 --width 64 --batch 16
    OMP_NUM_THREADS=1 python benchmarks/stylegan2_step.py --side 64 --width 64 --batch 16 --peer CLONE
    OMP_NUM_THREADS=1 python benchmarks/stylegan2_step.py --parts               what each way to compute a part costs
    OMP_NUM_THREADS=1 python benchmarks/stylegan2_step.py --large                  steps at 1024 x 1024, their memory

A step: D's loss on real and fake images, G's loss, one move of each by Adam, the averaged G; in every 16th also R1. All
sides get the same sizes, the same batch and random images. They take turns in one process; the time is that of the
processor (not of the clock, since the machine is shared), the median over the rounds, as (15 plain + 1 with R1) / 16.

"plain" is a step written here from the paper's description: weights of each record's own in a grouped convolution,
float32, the default memory layout, resampling by inserted zeros, a pass of its own for real and fake images, new fakes
for each network. CLONE is a checkout of NVlabs/stylegan2-ada-pytorch, whose networks and loss are run as they are, with
its reference operations (it has no others for the CPU). No part of it is in this project; its licence forbids that.
"""

from __future__ import annotations

import argparse
import copy
import math
import resource
import statistics
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from gankit.networks import build
from gankit.networks.images.stylegan2 import (
    EqualisedConvolution,
    StyledConvolution,
    StyleGAN2Discriminator,
    StyleGAN2Generator,
)
from gankit.spec import Spec
from gankit.training.game import Batches, Game
from gankit.training.plan import GameConfig

R1_EVERY = 16
GAMMA = 1.0
RATE = 0.002


class Side(Protocol):
    """One way to take a step."""

    def step(self, real: Tensor, with_penalty: bool) -> None: ...


class OfThisProject:
    """The game as `gankit train` plays it."""

    def __init__(self, spec: Spec, width: int, batch: int, real: Tensor, precision: torch.dtype) -> None:
        generator, discriminator = build("stylegan2", spec, width=width, depth=8, num_latents=512)
        generator.multiply_in = discriminator.multiply_in = precision
        generator.mixing = 0.9  # type: ignore[assignment]  # an attribute of StyleGAN2's G, not of every module
        config = GameConfig(
            total_samples=10**9, loss="nonsaturating", penalty="r1", penalty_weight=GAMMA, penalty_every=R1_EVERY,
            learning_rate=RATE, batch=batch,
        )  # fmt: skip
        self.game = Game(generator, discriminator, config)
        self.train = Batches(real)
        self.turn = 0

    def step(self, real: Tensor, with_penalty: bool) -> None:
        self.turn += 1
        self.game.step = R1_EVERY * self.turn + (not with_penalty)
        self.game.play_step(self.train)


# --- the plain step --------------------------------------------------------------------------------------------------


def filtered(x: Tensor, up: int = 1, down: int = 1, before: int = 0, after: int = 0) -> Tensor:
    """Inserts zeros, pads, convolves with [1, 3, 3, 1], drops pixels."""
    rows, channels, height, width = x.shape
    x = x.view(rows, channels, height, 1, width, 1)
    x = F.pad(x, [0, up - 1, 0, 0, 0, up - 1]).view(rows, channels, height * up, width * up)
    x = F.pad(x, [before, after, before, after])
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8 * up
    return F.conv2d(x, taps.outer(taps).expand(channels, 1, 4, 4), groups=channels)[:, :, ::down, ::down]


def lrelu(x: Tensor) -> Tensor:
    return F.leaky_relu(x, 0.2) * math.sqrt(2)


def plain_styled(layer: StyledConvolution, x: Tensor, w: Tensor) -> Tensor:
    rows, inputs, height, width = x.shape
    weight = layer.weight * layer.style(w).view(rows, 1, inputs, 1, 1)
    weight = weight * (weight.square().sum((2, 3, 4), keepdim=True) + 1e-8).rsqrt()
    x = x.reshape(1, rows * inputs, height, width)
    if layer.up:
        weight = weight.transpose(1, 2).reshape(rows * inputs, -1, 3, 3)
        x = F.conv_transpose2d(x, weight, stride=2, groups=rows)
        x = 4 * filtered(x.view(rows, -1, *x.shape[2:]), before=1, after=1)
    else:
        x = F.conv2d(x, weight.reshape(-1, inputs, 3, 3), padding=1, groups=rows)
        x = x.view(rows, -1, height, width)
    noise = torch.randn(rows, 1, *x.shape[2:])
    return lrelu(x + noise * layer.noise_strength + layer.bias.view(1, -1, 1, 1))


def plain_image(generator: StyleGAN2Generator, rows: int) -> Tensor:
    w, other = generator.mapping(torch.randn(rows, 512), None), generator.mapping(torch.randn(rows, 512), None)
    with torch.no_grad():
        generator.mean_style.lerp_(w.mean(0), 0.005)
    crossing = int(torch.randint(1, generator.num_styles, ()))
    x, image = generator.start.expand(rows, -1, -1, -1), None
    for level, to_image in enumerate(generator.to_image):
        for k in [0] if level == 0 else [2 * level - 1, 2 * level]:
            layer = generator.layers[k]
            assert isinstance(layer, StyledConvolution)
            x = plain_styled(layer, x, w if k < crossing else other)
        style = to_image.style(w if 2 * level + 1 < crossing else other)
        weight = (to_image.weight * style.unsqueeze(1) / math.sqrt(x.shape[1])).flatten(0, 1)
        made = F.conv2d(x.reshape(1, -1, *x.shape[2:]), weight[:, :, None, None], groups=rows)
        made = made.view(rows, -1, *x.shape[2:]) + to_image.bias.view(1, -1, 1, 1)
        image = made if image is None else filtered(image, up=2, before=2, after=1) + made
    assert image is not None
    return image


def plain_convolution(layer: EqualisedConvolution, x: Tensor, down: bool = False) -> Tensor:
    side = layer.weight.shape[2]
    weight = layer.weight / math.sqrt(layer.weight[0].numel())
    if not down:
        return F.conv2d(x, weight, layer.bias, padding=side // 2)
    if side == 1:
        return F.conv2d(filtered(x, down=2, before=1, after=1), weight, layer.bias)
    return F.conv2d(filtered(x, before=2, after=2), weight, layer.bias, stride=2)


def plain_logits(d: StyleGAN2Discriminator, x: Tensor) -> Tensor:
    h = lrelu(plain_convolution(d.from_image, x))
    for block in d.blocks:
        main = lrelu(plain_convolution(block.second, lrelu(plain_convolution(block.first, h)), down=True))
        h = (main + plain_convolution(block.skip, h, down=True)) / math.sqrt(2)
    groups = h.view(4, -1, *h.shape[1:])
    spread = (groups.var(0, correction=0) + 1e-8).sqrt().mean((1, 2, 3)).view(-1, 1, 1, 1)
    h = torch.cat([h, spread.repeat(4, 1, *h.shape[2:])], 1)
    h = lrelu(plain_convolution(d.last, h)).flatten(1)
    h = lrelu(F.linear(h, d.dense.weight / math.sqrt(h.shape[1]), d.dense.bias))
    return F.linear(h, d.head.weight / math.sqrt(h.shape[1]), d.head.bias).squeeze(1)


class Plain:
    """The step of the paper, operation by operation."""

    def __init__(self, spec: Spec, width: int) -> None:
        generator, discriminator = build("stylegan2", spec, width=width, depth=8, num_latents=512)
        assert isinstance(generator, StyleGAN2Generator) and isinstance(discriminator, StyleGAN2Discriminator)
        self.g, self.d = generator, discriminator
        self.average = copy.deepcopy(generator)
        self.g_adam = torch.optim.Adam(self.g.parameters(), lr=RATE, betas=(0.0, 0.99))
        self.d_adam = torch.optim.Adam(self.d.parameters(), lr=RATE, betas=(0.0, 0.99))

    def step(self, real: Tensor, with_penalty: bool) -> None:
        self.d.requires_grad_(False)
        F.softplus(-plain_logits(self.d, plain_image(self.g, len(real)))).mean().backward()
        self.d.requires_grad_(True)
        move(self.g_adam)
        with torch.no_grad():
            fake = plain_image(self.g, len(real))
        F.softplus(plain_logits(self.d, fake)).mean().backward()
        F.softplus(-plain_logits(self.d, real)).mean().backward()
        move(self.d_adam)
        if with_penalty:
            x = real.clone().requires_grad_()
            (slope,) = torch.autograd.grad(plain_logits(self.d, x).sum(), x, create_graph=True)
            (slope.square().sum((1, 2, 3)).mean() * (GAMMA / 2 * R1_EVERY)).backward()
            move(self.d_adam)
        average(self.average, self.g)


def move(adam: torch.optim.Adam) -> None:
    adam.step()
    adam.zero_grad(set_to_none=True)


@torch.no_grad()
def average(mine: torch.nn.Module, its: torch.nn.Module) -> None:
    for a, b in zip(mine.parameters(), its.parameters(), strict=True):
        a.lerp_(b, 0.001)


# --- NVIDIA's networks and loss --------------------------------------------------------------------------------------


class Peer:
    """The networks and the loss of a clone of stylegan2-ada-pytorch, as they are."""

    def __init__(self, clone: Path, spec: Spec, width: int) -> None:
        sys.modules.setdefault("requests", types.ModuleType("requests"))  # it downloads with that; nothing here does
        sys.path.insert(0, str(clone))
        from training.loss import StyleGAN2Loss  # type: ignore[import-not-found]
        from training.networks import Discriminator, Generator  # type: ignore[import-not-found]

        channels, side, _ = spec.shape
        sizes = {"channel_base": 32 * width, "channel_max": width}
        self.g = Generator(512, 0, 512, side, channels, {"num_layers": 8}, sizes).train()
        self.d = Discriminator(0, side, channels, **sizes).train()
        self.average = copy.deepcopy(self.g)
        self.loss = StyleGAN2Loss(torch.device("cpu"), self.g.mapping, self.g.synthesis, self.d, r1_gamma=GAMMA)
        self.g_adam = torch.optim.Adam(self.g.parameters(), lr=RATE, betas=(0.0, 0.99), eps=1e-8)
        self.d_adam = torch.optim.Adam(self.d.parameters(), lr=RATE, betas=(0.0, 0.99), eps=1e-8)

    def step(self, real: Tensor, with_penalty: bool) -> None:
        none = torch.zeros(len(real), 0)
        phases = [("Gmain", self.g, self.g_adam), ("Dmain", self.d, self.d_adam)]
        if with_penalty:
            phases.append(("Dreg", self.d, self.d_adam))
        for phase, network, adam in phases:
            self.g.requires_grad_(network is self.g)
            self.d.requires_grad_(network is self.d)
            gain = R1_EVERY if phase == "Dreg" else 1
            self.loss.accumulate_gradients(phase, real, none, torch.randn(len(real), 512), none, True, gain)
            move(adam)
        average(self.average, self.g)


# --- measuring -------------------------------------------------------------------------------------------------------


def measured(sides: dict[str, Side], real: Tensor, rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds of a plain step and of one with R1, of each side; the sides take turns."""
    times: dict[tuple[str, bool], list[float]] = {}
    for turn in range(rounds + 1):
        for name, side in sides.items():
            for with_penalty in (False, True):
                start = time.process_time()
                side.step(real, with_penalty)
                if turn:  # the first round warms up
                    times.setdefault((name, with_penalty), []).append(time.process_time() - start)
    return {n: (statistics.median(times[n, False]), statistics.median(times[n, True])) for n in sides}


def steps(side: int, width: int, batch: int, rounds: int, peer: Path | None) -> None:
    spec = Spec("image", (3, side, side))
    real = torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    sides: dict[str, Side] = {"plain": Plain(spec, width)}
    if peer is not None:
        sides["stylegan2-ada-pytorch"] = Peer(peer, spec, width)
    sides["gankit, float32"] = OfThisProject(spec, width, batch, real, torch.float32)
    sides["gankit, bfloat16"] = OfThisProject(spec, width, batch, real, torch.bfloat16)
    found = measured(sides, real, rounds)
    print(f"\n{side} x {side}, width {width}, batch {batch}\n")
    print("| step | ms | ms with R1 | images/s | times plain |\n|---|---|---|---|---|")
    means = {name: ((R1_EVERY - 1) * a + b) / R1_EVERY for name, (a, b) in found.items()}
    for name, (a, b) in found.items():
        rate, ratio = batch / means[name], means["plain"] / means[name]
        print(f"| {name} | {1e3 * a:.0f} | {1e3 * b:.0f} | {rate:.1f} | {ratio:.2f} |", flush=True)


def parts() -> None:
    """Milliseconds, forwards and backwards, of the ways to compute what costs most; 16 x 64 channels at 64 x 64."""
    k = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    scale = torch.randn(16, 64, 1, 1)
    kernel = torch.randn(64, 64, 3, 3, requires_grad=True)

    def depthwise(x: Tensor, *shape: int, taps: Tensor, stride: int = 1) -> Tensor:
        return F.conv2d(x, taps.to(x.dtype).view(1, 1, *shape).expand(64, 1, *shape), stride=stride, groups=64)

    def grouped(x: Tensor) -> Tensor:
        weight = (kernel * scale.view(16, 1, 64, 1, 1)).flatten(0, 1).to(x.dtype)
        return F.conv2d(x.reshape(1, -1, *x.shape[2:]), weight, padding=1, groups=16)

    ways: dict[str, Callable[[Tensor], Tensor]] = {
        "filter, 4x4 at once": lambda x: depthwise(x, 4, 4, taps=k.outer(k)),
        "filter, along each axis": lambda x: depthwise(depthwise(x, 4, 1, taps=k), 1, 4, taps=k),
        "filter, 4x4 in steps of two": lambda x: depthwise(x, 4, 4, taps=k.outer(k), stride=2),
        "filter, 4x4, then every second": lambda x: depthwise(x, 4, 4, taps=k.outer(k))[:, :, ::2, ::2],
        "convolution, inputs scaled": lambda x: F.conv2d(x * scale.to(x.dtype), kernel.to(x.dtype), padding=1),
        "convolution, grouped": grouped,
    }
    layouts = {"default": torch.contiguous_format, "channels_last": torch.channels_last}
    print(
        "| what | "
        + " | ".join(f"{t}, {n}" for t in ("float32", "bfloat16") for n in layouts)
        + " |\n"
        + "|---" * 5
        + "|"
    )
    for name, way in ways.items():
        row = []
        for dtype in (torch.float32, torch.bfloat16):
            for layout in layouts.values():
                x = torch.randn(16, 64, 64, 64).to(dtype).contiguous(memory_format=layout).requires_grad_()
                times = []
                for _ in range(6):
                    start = time.process_time()
                    y = way(x)
                    torch.autograd.backward(y, y.detach())
                    times.append(time.process_time() - start)
                row.append(f"{1e3 * statistics.median(times[1:]):.0f}")
        print(f"| {name} | " + " | ".join(row) + " |", flush=True)


def large(width: int, batch: int) -> None:
    """Seconds of the clock and peak memory of steps at 1024 x 1024: without penalties, with R1 and path length."""
    spec = Spec("image", (3, 1024, 1024))
    real = torch.rand(batch, 3, 1024, 1024, generator=torch.Generator().manual_seed(0)) * 2 - 1
    print(f"\n1024 x 1024, width {width}, batch {batch}\n")
    print("| step | s | s of the processor | peak MiB |\n|---|---|---|---|")
    for precision in (torch.bfloat16, torch.float32):
        generator, discriminator = build("stylegan2", spec, width=width, num_latents=512)
        generator.multiply_in = discriminator.multiply_in = precision
        config = GameConfig(
            total_samples=10**9, loss="nonsaturating", penalty="r1", penalty_weight=10.0, penalty_every=R1_EVERY,
            path_length_weight=2.0, learning_rate=RATE, batch=batch,
        )  # fmt: skip
        game, train = Game(generator, discriminator, config), Batches(real)
        for _ in range(3):
            what = "with R1 and path length" if game.step == 0 else "plain"
            start, processor = time.perf_counter(), time.process_time()
            game.play_step(train)
            elapsed, used = time.perf_counter() - start, time.process_time() - processor
            assert all(bool(p.isfinite().all()) for p in (*generator.parameters(), *discriminator.parameters()))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"| {str(precision)[6:]}, {what} | {elapsed:.1f} | {used:.1f} | {peak} |", flush=True)


def main() -> None:
    """Print the tables as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--width", type=int, default=64, help="channels at low resolutions")
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer", type=Path, help="a clone of NVlabs/stylegan2-ada-pytorch")
    parser.add_argument("--parts", action="store_true")
    parser.add_argument("--large", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    if given.parts:
        parts()
    elif given.large:
        large(given.width, given.batch)
    else:
        steps(given.side, given.width, given.batch, given.rounds, given.peer)


if __name__ == "__main__":
    main()
