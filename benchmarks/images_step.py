"""Milliseconds of a training step of every image network at its default size, and what makes it faster.

    OMP_NUM_THREADS=1 python benchmarks/images_step.py [--tries 5] [--networks residual,strided] [--compile]

Batch 64, one thread, 28 x 28 grey and 32 x 32 colour images of random numbers. A step is the game's: D on real and
fake, then G. Networks of papers without a penalty play without one; the others with R1 + R2 at every step. Times are
the processor's (`time.thread_time`), which other work on the machine disturbs less; the median of the tries.
--compile instead sets each step beside the same through torch.compile, by turns, with the seconds that the first step
then takes.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import itertools
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from unittest import mock

import torch
from torch import Tensor

from gankit.networks import NETWORKS, build, layers
from gankit.networks.base import Discriminator, Generator, Task
from gankit.networks.images import conv2014, dcgan, residual
from gankit.spec import Spec
from gankit.training.game import Batches, Game
from gankit.training.losses import LOSSES, PENALTIES, PenaltyDraws, discriminator_turn
from gankit.training.plan import GameConfig

SHAPES = ((1, 28, 28), (3, 32, 32))
BATCH = 64
IMAGES = ("strided", "residual", "dcgan", "dense2014", "conv2014")


class Plain(Discriminator):
    """A D without its own input gradient, so that autograd differentiates it twice."""

    def __init__(self, inner: Discriminator) -> None:
        super().__init__()
        self.spec, self.condition, self.inner = inner.spec, inner.condition, inner

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """The logits [B] of the inner D."""
        logits: Tensor = self.inner(x, c, u)
        return logits


def milliseconds(work: Callable[[], object], tries: int) -> float:
    """The median of the tries after one that is not counted."""
    times = []
    for _ in range(tries + 1):
        start = time.thread_time()
        work()
        times.append(time.thread_time() - start)
    return 1e3 * statistics.median(times[1:])


def plan(name: str, spec: Spec) -> GameConfig:
    """The game that a network is published with, or the default one."""
    config = GameConfig(total_samples=10**9, batch=BATCH, penalty_weight=1.0)
    names = ("loss", "penalty", "optimiser", "learning_rate") if name.endswith("2014") else ("loss", "penalty")
    recipe = NETWORKS[name].recipe(Task(spec, 10**5))
    return dataclasses.replace(config, **{field: recipe[field] for field in names if field in recipe})


@contextlib.contextmanager
def default_layout() -> Iterator[None]:
    """Within it the networks leave tensors in PyTorch's default layout."""
    with contextlib.ExitStack() as stack:
        for module in (conv2014, layers, dcgan, residual):
            stack.enter_context(mock.patch.object(module, "channels_last", lambda x: x))
        yield


def pair(name: str, spec: Spec, kind: torch.dtype) -> tuple[Generator, Discriminator]:
    """Both networks at their default size."""
    networks = build(name, spec, num_latents=100)
    for network in networks:
        network.multiply_in = kind
    return networks


def count(network: torch.nn.Module) -> str:
    """Its parameters, in thousands or millions."""
    number = sum(p.numel() for p in network.parameters())
    return f"{number / 1e6:.1f} M" if number >= 1e6 else f"{number / 1e3:.0f} k"


def main() -> None:
    """Print both tables as Markdown."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tries", type=int, default=5)
    parser.add_argument("--networks", default=",".join(IMAGES))
    parser.add_argument("--compile", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    if given.compile:
        compiled_beside(given.networks.split(","), given.tries)
        return
    print("| network | images | G, D | penalty | float32 ms | bfloat16 ms | images/s, the faster |")
    print("|---|---|---|---|---|---|---|")
    for name in given.networks.split(","):
        for shape in SHAPES:
            spec = Spec("image", shape)
            train = Batches(torch.rand(4 * BATCH, *shape) * 2 - 1)
            times = []
            for kind in (torch.float32, torch.bfloat16):
                networks = pair(name, spec, kind)
                game = Game(*networks, plan(name, spec))
                times.append(milliseconds(lambda game=game, train=train: game.play_step(train), given.tries))
            print(
                f"| {name} | {'x'.join(map(str, shape))} | {count(networks[0])}, {count(networks[1])} "
                f"| {game.config.penalty} | {times[0]:.0f} | {times[1]:.0f} | {1e3 * BATCH / min(times):.0f} |",
                flush=True,
            )
    print("\n| residual, D's turn | images | type | layout | no penalty | own slope | autograd twice | finite |")
    print("|---|---|---|---|---|---|---|---|")
    for shape in SHAPES:
        for kind in (torch.float32, torch.bfloat16):
            for layout in ("channels_last", "default"):
                with default_layout() if layout == "default" else contextlib.nullcontext():
                    times = turns(shape, kind, given.tries)
                kind_name = str(kind).removeprefix("torch.")
                cells = " | ".join(f"{ms:.0f}" for ms in times)
                print(f"| | {'x'.join(map(str, shape))} | {kind_name} | {layout} | {cells} |", flush=True)


def compiled_beside(names: Sequence[str], tries: int) -> None:
    """Steps as they are and compiled, by turns, in bfloat16; a line a network and shape."""
    print("| network | images | as it is, ms | compiled, ms | first compiled step, s |\n|---|---|---|---|---|")
    for name, shape in itertools.product(names, SHAPES):
        train = Batches(torch.rand(4 * BATCH, *shape) * 2 - 1)
        spec = Spec("image", shape)
        games = [Game(*pair(name, spec, torch.bfloat16), plan(name, spec)) for _ in range(2)]
        games[1].compile()
        firsts, times = [], ([], [])
        for game in games:
            start = time.monotonic()
            game.play_step(train)
            firsts.append(time.monotonic() - start)
        for _ in range(tries):
            for found, game in zip(times, games, strict=True):
                found.append(milliseconds(lambda game=game, train=train: game.play_step(train), 1))
        plain, compiled = map(statistics.median, times)
        shown = "x".join(map(str, shape))
        print(f"| {name} | {shown} | {plain:.0f} | {compiled:.0f} | {firsts[1]:.0f} |", flush=True)


def turns(shape: tuple[int, ...], kind: torch.dtype, tries: int) -> list[float]:
    """D's turn with its gradients: without a penalty, with R1 + R2 in three ways."""
    discriminator = pair("residual", Spec("image", shape), kind)[1]
    real, fake = torch.randn(BATCH, *shape), torch.randn(BATCH, *shape)
    draws = PenaltyDraws(directions=torch.randn(2 * BATCH, *shape))
    params = list(discriminator.parameters())

    def turn(d: Discriminator, penalty: str, method: str) -> None:
        played = discriminator_turn(
            d, LOSSES["relativistic"], PENALTIES[penalty], method, real, fake, None, None, draws,  # type: ignore[arg-type]
        )  # fmt: skip
        torch.autograd.grad(played.loss + played.penalty, params, allow_unused=True)

    ways = (
        (discriminator, "none", "exact"),
        (discriminator, "r1r2", "exact"),
        (Plain(discriminator), "r1r2", "exact"),
        (discriminator, "r1r2", "finite"),
    )
    return [milliseconds(lambda way=way: turn(*way), tries) for way in ways]


if __name__ == "__main__":
    main()
