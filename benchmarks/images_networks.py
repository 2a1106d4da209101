"""Networks and settings for images at equal processor time: distances, precision and recall by the project's scorer.

    OMP_NUM_THREADS=1 python benchmarks/images_networks.py NAME=VALUE ... [--seconds 100] [--network strided]

Trains on the first 59,000 digits of MNIST with their labels, for as many steps as `--seconds` of processor time hold
(measured on 30 steps at the start: the clock on the wall is of no use on a shared machine), makes 10,000 fakes with
uniformly drawn labels, and prints one line: what was set, steps, seconds of processor time, the Frechet distance,
precision and recall in the features of the scorer's classifier (trained once and kept in `--cache`), the share of the
worst digit that the classifier sees as what was asked for, and the course of D's gap and of gamma. NAME=VALUE sets
fields of `GameConfig`, or width, depth and num_latents of the networks.

With --images FILE.npz (x [N, H, W] or [N, H, W, C] uint8, y [N]) it trains on those in the same way and prints, in
place of the scores, how far fakes spread as a share of the spread of the real ones (a collapsed G spreads little) and
the share of fakes that are repetitions of others. --grid FILE.png keeps a hundred fakes to look at. With --time it
prints in place of all that the milliseconds of a turn of the strided D at each width, by turns.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import importlib.util
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gankit.networks import build
from gankit.networks.base import Discriminator, Generator
from gankit.randomness import torch_generator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.loop import play
from gankit.training.losses import LOSSES, PENALTIES, PenaltyDraws, discriminator_turn
from gankit.training.plan import GameConfig

FAKES = 10_000
JUDGED = 4_000
"""Fakes, and as many held-out digits, that precision and recall look at."""


def read(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Images [N, 1, 28, 28] uint8 and labels [N] int64 of "train" or "t10k"."""

    def numbers(kind: str, header: int) -> Any:
        return np.frombuffer(gzip.decompress((folder / f"{part}-{kind}-ubyte.gz").read_bytes()), np.uint8, -1, header)

    x = torch.from_numpy(numbers("images-idx3", 16).reshape(-1, 1, 28, 28).copy())
    return x, torch.from_numpy(numbers("labels-idx1", 8).astype(np.int64))


def expand(x: Tensor) -> Tensor:
    """[B, C, H, W] uint8 -> float32 in [-1, 1]."""
    return x.float().div_(127.5).sub_(1)


class Scorer:
    """The functions of the scorer at `path`, with its classifier trained on (x, y) or read from `cache`."""

    def __init__(self, path: Path, cache: Path, x: Tensor, y: Tensor, held_out: Tensor) -> None:
        spec = importlib.util.spec_from_file_location("scorer", path)
        assert spec is not None and spec.loader is not None
        self.of: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.of)
        if not cache.exists():
            torch.save(self.of.train_net(expand(x), y, 4).state_dict(), cache)
        self.net = self.of.Net(1, 10).eval()
        self.net.load_state_dict(torch.load(cache, weights_only=True))
        self.real = self.of.features(self.net, expand(held_out))

    def scores(self, fake: Tensor, wanted: Tensor) -> dict[str, float]:
        """Of fakes [N, 1, 28, 28] uint8 and the labels [N] they were asked for."""
        found = self.of.features(self.net, expand(fake))
        with torch.no_grad():
            seen = self.net.head(found.float()).argmax(1)
        shares = [(seen[wanted == k] == k).double().mean().item() for k in range(10)]
        rows = torch_generator(0, "judged")
        some = [t[torch.randperm(len(t), generator=rows)[:JUDGED]].float() for t in (self.real, found)]
        near = self.of.prdc(*some)
        return {
            "frechet": self.of.frechet(found, self.real),
            "precision": near["precision"],
            "recall": near["recall"],
            "worst digit": min(shares),
        }


def fakes(generator: Generator, wanted: Tensor, classes: int) -> Tensor:
    """Images [N, C, H, W] uint8 of the labels [N]."""
    z = torch.randn(len(wanted), generator.num_latents, generator=torch_generator(0, "fakes"))
    u, c = torch.zeros(len(wanted), 0), torch.eye(classes)[wanted]
    with torch.no_grad():
        parts = [generator(*part) for part in zip(z.split(500), u.split(500), c.split(500), strict=True)]
    return torch.cat(parts).add_(1).mul_(127.5).round_().clamp_(0, 255).to(torch.uint8)


def steps_within(seconds: float, game: Game, train: Batches) -> int:
    """How many steps of the game so many seconds of processor time hold; the game is spent afterwards."""
    times = []
    for _ in range(25):
        start = time.process_time()
        game.play_step(train)
        times.append(time.process_time() - start)
    return int(seconds / sorted(times[5:])[10])


class Plain(Discriminator):
    """A D without its own input gradient, so that autograd differentiates it twice."""

    def __init__(self, inner: Discriminator) -> None:
        super().__init__()
        self.spec, self.condition, self.inner = inner.spec, inner.condition, inner

    def forward(self, x: Tensor, c: Tensor | None, u: Tensor | None = None) -> Tensor:
        """The logits [B] of the inner D."""
        logits: Tensor = self.inner(x, c, u)
        return logits


def print_times(batch: int = 64, rounds: int = 25) -> None:
    """Milliseconds of processor time of D's turn with and without penalties, the median of rounds taken by turns."""
    draws = torch_generator(0, "timed")
    real, fake = (torch.randn(batch, 1, 28, 28, generator=draws) for _ in range(2))
    directions = torch.randn(2 * batch, 1, 28, 28, generator=draws)
    print("| width | no penalty | exact, its own gradient | exact, autograd twice | finite differences |")
    print("|---|---|---|---|---|")
    for width in (32, 64):
        _, d = build("strided", Spec("image", (1, 28, 28)), width=width)
        d.multiply_in = torch.bfloat16
        ways = [(d, "none", "exact"), (d, "r1r2", "exact"), (Plain(d), "r1r2", "exact"), (d, "r1r2", "finite")]
        times: list[list[float]] = [[] for _ in ways]
        for _ in range(rounds + 2):
            for way, (network, penalty, method) in enumerate(ways):
                start = time.process_time()
                played = discriminator_turn(
                    network, LOSSES["relativistic"], PENALTIES[penalty], method, real, fake, None, None,  # type: ignore[arg-type]
                    PenaltyDraws(directions=directions),
                )  # fmt: skip
                torch.autograd.grad(played.loss + played.penalty, list(d.parameters()), allow_unused=True)
                times[way].append(time.process_time() - start)
        cells = [f"{1e3 * sorted(each[2:])[rounds // 2]:.1f}" for each in times]
        print(f"| {width} | " + " | ".join(cells) + " |", flush=True)


def spread(fake: Tensor, real: Tensor) -> dict[str, float]:
    """How varied fakes [N, C, H, W] uint8 are beside real ones."""
    own, its = fake.float().std(0), real.float().std(0)
    seen = its > 1
    repeated = 1 - len(torch.unique(fake.flatten(1), dim=0)) / len(fake)
    return {"spread": (own[seen] / its[seen]).mean().item(), "repeated": repeated}


def save_grid(path: Path, x: Tensor) -> None:
    """The first hundred of x [N, C, H, W] uint8, ten in a row."""
    from PIL import Image

    n, channels, height, width = x[:100].shape
    grid = x[:n].view(10, 10, channels, height, width).permute(0, 3, 1, 4, 2)  # -> [row, H, column, W, C]
    Image.fromarray(grid.reshape(10 * height, 10 * width, channels).numpy().squeeze()).save(path)


def main() -> None:
    """Train, judge, and print a line of a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", nargs="*", help="NAME=VALUE")
    parser.add_argument("--seconds", type=float, default=100.0)
    parser.add_argument("--network", default="strided")
    parser.add_argument("--data", type=Path, default=Path("../shared/data/mnist"))
    parser.add_argument("--images", type=Path)
    parser.add_argument("--scorer", type=Path, default=Path("../shared/score/image.py"))
    parser.add_argument("--cache", type=Path, default=Path("mnist_classifier.pt"))
    parser.add_argument("--precision", choices=("bfloat16", "float32"), default="bfloat16")
    parser.add_argument("--grid", type=Path)
    parser.add_argument("--time", action="store_true")
    a = parser.parse_args()
    torch.set_num_threads(1)
    if a.time:
        return print_times()
    chosen = {name: _value(text) for name, text in (pair.split("=", 1) for pair in a.set)}
    sizes = {name: chosen.pop(name) for name in ("width", "depth", "num_latents") if name in chosen}
    fixed = {"batch": 32, "learning_rate": 2e-3, "evaluations": 1, "early_stop": False} | chosen
    if a.images is None:
        x, y = read(a.data, "train")
    else:
        file = np.load(a.images)
        x, y = torch.from_numpy(file["x"]), torch.from_numpy(file["y"].astype(np.int64))
        x = x.unsqueeze(1) if x.dim() == 3 else x.permute(0, 3, 1, 2).contiguous()
        order = torch.randperm(len(x), generator=torch_generator(0, "split"))
        x, y = x[order], y[order]
    classes, held_out = int(y.max()) + 1, min(1000, len(x) // 10)
    c = torch.eye(classes)[y]
    train, heldout = Batches(x[:-held_out], c[:-held_out], expand), Batches(x[-held_out:], c[-held_out:], expand)
    labels = Spec("vector", (classes,), (Block("categorical", classes),))

    def new_game(total_samples: int) -> Game:
        pair = build(a.network, Spec("image", tuple(x.shape[1:])), labels, **sizes)
        for network in pair:
            network.multiply_in = getattr(torch, a.precision)
        return Game(*pair, GameConfig(total_samples=total_samples, **fixed))

    steps = steps_within(a.seconds, new_game(10**9), train)
    game = new_game(steps * fixed["batch"])
    start, course = time.process_time(), []
    for p in play(game, train, heldout):
        course.append((p.gap, p.weight))
    spent = time.process_time() - start
    count = FAKES if a.images is None else 1000
    wanted = torch.randint(classes, (count,), generator=torch_generator(0, "labels"))
    fake = fakes(game.average.eval(), wanted, classes)
    if a.grid is not None:
        save_grid(a.grid, fake)
    if a.images is None:
        scores = Scorer(a.scorer, a.cache, x, y, read(a.data, "t10k")[0]).scores(fake, wanted)
    else:
        scores = spread(fake, x)
    looks = [course[int(share * (len(course) - 1))] for share in (0.05, 0.25, 0.5, 1.0)]
    cells = [
        " ".join([a.network, *a.set]),
        str(game.step),
        f"{spent:.0f}",
        *(f"{value:.3f}" for value in scores.values()),
        " ".join(f"{gap:.2f}/{weight:.2g}" for gap, weight in looks),
    ]
    print("| " + " | ".join(cells) + " |")


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


if __name__ == "__main__":
    main()
