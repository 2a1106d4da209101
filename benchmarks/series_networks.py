"""Networks and settings for series: TimeGAN's two scores of their fakes, by the project's scorer.

    OMP_NUM_THREADS=1 python benchmarks/series_networks.py DATA NAME=VALUE ... [--network temporal] [--seconds 240]

DATA is `stock` or `energy` (all windows of 24 steps, stride 1, of ../shared/data/series), `sines` (10,000 windows of 24
steps of 5 sines, frequency and phase uniform in (0, .1): sin(2 pi f t + phase), put into [0, 1]), or the path of a UCR
file (a class and then a series a line; the class is given). Trains on all windows for as many steps as `--seconds` of
processor time hold (measured on 40 steps at the start) or for `--steps`, decodes as many fakes as there are windows,
moves them to the grain of their columns, and prints one line of a Markdown table: steps, seconds of processor time, the
discriminative score over `--runs` seeds, the predictive one and that of real windows, and the course of D's gap and of
gamma.
NAME=VALUE sets fields of `GameConfig`, or width, depth and num_latents of the networks, scale of the
codec, or power of the pair `principal`.
--save FILE.npz keeps the fakes.

For UCR files the scores are the accuracies of 1-nearest-neighbour classifiers on the TEST file beside it: taught by the
TRAIN file, and by as many fakes a class as it has and ten times as many.
"""

from __future__ import annotations

import argparse
import ast
import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gankit.columns.inference import infer
from gankit.columns.schema import Schema
from gankit.io.reading import read
from gankit.kinds.series.codec import SeriesCodec
from gankit.kinds.series.records import SeriesSet
from gankit.networks import NETWORKS, build
from gankit.networks.blocks import collapse, expand
from gankit.networks.sequences import principal
from gankit.randomness import numpy_generator
from gankit.spec import Block, Spec
from gankit.training.game import Batches, Game
from gankit.training.loop import play
from gankit.training.plan import GameConfig

WINDOW = 24


@dataclass(frozen=True)
class Windows:
    """What is learned: x [N, T, C] float64, its columns and cells, and classes [N] where there are some."""

    x: np.ndarray
    schema: Schema
    values: dict[str, Any]
    begins: np.ndarray
    lengths: np.ndarray
    classes: np.ndarray | None = None


def windows(table: Any, begins: np.ndarray, length: int, classes: np.ndarray | None = None) -> Windows:
    """Windows of `length` steps of a table, a frame of numbers."""
    records = read(table)
    schema = infer(records)
    values = schema.parse(records.table)
    flat = np.stack([values[c.name].data for c in schema.modelled], 1)
    x = flat[begins[:, None] + np.arange(length)]
    return Windows(x, schema, values, begins, np.full(len(begins), length), classes)


def load(name: str, folder: Path) -> Windows:
    """The data of that name."""
    if name == "sines":
        draws = numpy_generator(0, "sines")
        frequency, phase = (draws.uniform(0, 0.1, (10_000, 1, 5)) for _ in range(2))
        x = (np.sin(frequency * np.arange(WINDOW)[:, None] + phase) + 1) / 2
        return windows({f"s{i}": x[:, :, i].ravel() for i in range(5)}, np.arange(10_000) * WINDOW, WINDOW)
    if name in ("stock", "energy"):
        path = folder / {"stock": "stock_data.csv", "energy": "energydata_complete.zip"}[name]
        table = read(path).table
        table = table.drop_columns([c for c in table.column_names if c == "date"])
        return windows(table, np.arange(len(table) - WINDOW), WINDOW)
    rows = np.loadtxt(name)
    length = rows.shape[1] - 1
    return windows({"value": rows[:, 1:].ravel()}, np.arange(len(rows)) * length, length, rows[:, 0].astype(int))


class Scorer:
    """The functions of the scorer at `path`."""

    def __init__(self, path: Path) -> None:
        spec = importlib.util.spec_from_file_location("scorer", path)
        assert spec is not None and spec.loader is not None
        self.of: Any = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self.of)

    def scores(self, real: np.ndarray, fake: np.ndarray, runs: int, predictive: bool) -> dict[str, str]:
        """Of windows [N, T, C], scaled as the scorer does."""
        low, high = real.min((0, 1)), real.max((0, 1))
        x, y = (torch.as_tensor((v - low) / np.maximum(high - low, 1e-8), dtype=torch.float32) for v in (real, fake))
        told = [self.of.discriminative(x, y, seed, 2000) for seed in range(runs)]
        found = {"discriminative": f"{np.mean(told):.3f} ({np.std(told):.3f})"}
        if predictive:
            mae = [self.of.predictive(taught, x, 0, 2000) for taught in (y, x)]
            found["predictive"] = f"{mae[0]:.4f} / {mae[1]:.4f}"
        return found


def neighbours(train: np.ndarray, classes: np.ndarray, test: np.ndarray, wanted: np.ndarray) -> float:
    """The share of test series [M, T] whose nearest training series [N, T] is of their class."""
    squares = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)
    return float((classes[squares.argmin(1)] == wanted).mean())


def steps_within(seconds: float, game: Game, train: Batches) -> int:
    """How many steps of the game so many seconds of processor time hold; the game is spent afterwards."""
    times = []
    for _ in range(40):
        start = time.process_time()
        game.play_step(train)
        times.append(time.process_time() - start)
    return int(seconds / np.median(times[10:]))


def fakes(game: Game, codec: SeriesCodec, c: Tensor | None, count: int) -> np.ndarray:
    """Decoded fakes [count, T, C] of the averaged G."""
    x = game.sample(game.average.eval(), count, "fakes", c)
    made = codec.decode(collapse(codec.spec, x, x.new_zeros(0)).numpy())
    return np.stack([v.data for v in made.cells.values()], 1).reshape(count, int(made.lengths[0]), -1)


def to_grain(data: Windows, fake: np.ndarray) -> np.ndarray:
    """Fakes with their numbers on the grain of their columns, as they would be written."""
    grains = np.array([c.grain for c in data.schema.modelled])
    steps = np.where(grains > 0, grains, 1.0)
    return np.where(grains > 0, np.round(fake / steps) * steps, fake)


def main() -> None:
    """Train, judge, and print a line of a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data")
    parser.add_argument("set", nargs="*", help="NAME=VALUE")
    parser.add_argument("--network", default="temporal", choices=sorted(NETWORKS))
    parser.add_argument("--seconds", type=float, default=240.0)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=Path("../shared/data/series"))
    parser.add_argument("--scorer", type=Path, default=Path("../shared/score/series.py"))
    parser.add_argument("--no-predictive", action="store_true")
    parser.add_argument("--save", type=Path)
    a = parser.parse_args()
    torch.set_num_threads(1)
    chosen = {name: _value(text) for name, text in (pair.split("=", 1) for pair in a.set)}
    scale = chosen.pop("scale", "auto")
    principal.POWER, principal.START = chosen.pop("power", principal.POWER), chosen.pop("start", principal.START)
    seed = chosen.get("seed", 0)
    sizes = {name: chosen.pop(name) for name in ("width", "depth", "num_latents") if name in chosen}
    fixed = {"batch": 64, "evaluations": 1, "early_stop": False} | chosen
    data = load(a.data, a.folder)
    steps = SeriesSet({}, data.values, data.begins, data.lengths)
    codec = SeriesCodec.fit(data.schema.modelled, steps, scale)
    x = torch.from_numpy(codec.encode(steps))
    condition, c = None, None
    if data.classes is not None:
        found, codes = np.unique(data.classes, return_inverse=True)
        condition = Spec("vector", (len(found),), (Block("categorical", len(found)),))
        c = torch.eye(len(found))[torch.from_numpy(codes)]
    make: Callable[[Tensor], Tensor] = lambda rows: expand(codec.spec, rows)  # noqa: E731
    train = Batches(x, c, make)

    def new_game(total_samples: int) -> Game:
        pair = build(a.network, codec.spec, condition, seed=seed, **sizes)
        for network in pair:
            if network.starts_from_records:
                network.start_from_records(make(x[:: max(1, len(x) // 5000)]))
        return Game(*pair, GameConfig(total_samples=total_samples, **fixed))

    batch = min(fixed["batch"], len(x))
    steps = a.steps or steps_within(a.seconds, new_game(10**9), train)
    game = new_game(steps * batch)
    start, course = time.process_time(), []
    for p in play(game, train, train):
        course.append((p.gap or 0.0, p.weight))
    spent = time.process_time() - start
    if data.classes is None:
        fake = to_grain(data, fakes(game, codec, None, len(x)))
        if a.save is not None:
            np.savez(a.save, x=fake)
        scores = Scorer(a.scorer).scores(data.x, fake, a.runs, not a.no_predictive)
    else:
        scores = _judge_classes(Path(a.data), data, game, codec, c)
    looks = [course[int(share * (len(course) - 1))] for share in (0.05, 0.25, 0.5, 1.0)]
    cells = [
        Path(a.data).stem,
        " ".join([a.network, *a.set]),
        str(game.step),
        f"{spent:.0f}",
        *scores.values(),
        " ".join(f"{gap:.2f}/{weight:.2g}" for gap, weight in looks),
    ]
    print("| " + " | ".join(cells) + " |")


def _judge_classes(path: Path, data: Windows, game: Game, codec: SeriesCodec, c: Tensor | None) -> dict[str, str]:
    assert c is not None and data.classes is not None
    test = np.loadtxt(path.with_name(path.name.replace("TRAIN", "TEST")))
    found = {}
    for times in (1, 10):
        fake = to_grain(data, fakes(game, codec, c.repeat(times, 1), times * len(c)))[:, :, 0]
        found[f"{times} x"] = f"{neighbours(fake, np.tile(data.classes, times), test[:, 1:], test[:, 0]):.3f}"
    real = neighbours(data.x[:, :, 0], data.classes, test[:, 1:], test[:, 0])
    return {"accuracy": " / ".join([*found.values(), f"{real:.3f}"]), "": ""}


def _value(text: str) -> Any:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text


if __name__ == "__main__":
    main()
