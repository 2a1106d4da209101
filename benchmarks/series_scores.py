"""Series: figures beside other scorers, how seldom honest fakes are accused: `python benchmarks/series_scores.py`.

`agreement STOCK.csv FOLDER`: windows of 24 steps in random order, one half held out; the scores of TimeGAN as the
report has them, of three kinds of fakes, and FOLDER/KIND.npz with `x` for any other scorer (FOLDER/real.npz is the
held-out half). `copies [SEEDS]`: honest fakes, fresh series of known processes, some as windows that overlap, in
`copies_near` and its three-sample test; then the same of training series in a little noise. Results:
benchmarks/metrics.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from gankit.features.recurrent import discriminate, forecast
from gankit.kinds.series.metrics.classifiers import Recurrent
from gankit.kinds.series.metrics.inputs import autoregression, blocks
from gankit.kinds.series.metrics.metrics import evaluate_series
from gankit.kinds.series.metrics.sample import Columns, SeriesSample

STEPS = 24

Maker = Callable[[np.random.Generator, int], np.ndarray]


def sample(x: np.ndarray) -> SeriesSample:
    names = tuple(f"x{c}" for c in range(x.shape[2]))
    return SeriesSample(x, np.full(len(x), x.shape[1]), names)


def windows(series: np.ndarray) -> np.ndarray:
    return np.stack([series[i : i + STEPS] for i in range(len(series) - STEPS + 1)])


def agreement(file: str, folder: str) -> None:
    x = windows(np.genfromtxt(file, delimiter=",", skip_header=1))
    g = np.random.default_rng(0)
    x = x[g.permutation(len(x))]
    half = len(x) // 2
    train, heldout = sample(x[:half]), sample(x[half:])
    fakes = {
        "autoregression": autoregression(train, Columns.fit(train, heldout), half, 5),
        "one per cent of noise": sample(x[:half] * (1 + 0.01 * g.normal(size=x[:half].shape))),
        "blocks": blocks(train, half, 5),
    }
    np.savez(Path(folder) / "real.npz", x=heldout.x)
    for name, fake in fakes.items():
        np.savez(Path(folder) / f"{name.split()[0]}.npz", x=fake.x)
        found = evaluate_series(
            train, heldout, fake, recurrent=Recurrent(discriminate, forecast), only=("discriminative", "predictive")
        ).results
        told = [
            f"{getattr(found[m].fake, k):.4f}"
            for m in ("discriminative", "predictive")
            for k in ("value", "low", "high")
        ]
        print(name, *told, "real", f"{found['predictive'].ceiling.value:.4f}", flush=True)


def process(phi: float, channels: int) -> Maker:
    def make(g: np.random.Generator, num: int) -> np.ndarray:
        x = g.normal(size=(num, STEPS, channels))
        x[:, 0] /= np.sqrt(1 - phi**2)
        for t in range(1, STEPS):
            x[:, t] += phi * x[:, t - 1]
        return x

    return make


def sines(g: np.random.Generator, num: int) -> np.ndarray:
    rate, phase = g.uniform(1, 3, (num, 1)), g.uniform(0, 2 * np.pi, (num, 1))
    return np.sin(2 * np.pi * rate * np.arange(STEPS) / STEPS + phase)[:, :, None]


def overlapping(g: np.random.Generator, num: int) -> np.ndarray:
    e = g.normal(size=(num + STEPS + 99, 1))
    for t in range(1, len(e)):
        e[t] += 0.8 * e[t - 1]
    return windows(e[100:])


DATA: dict[str, tuple[Maker, Maker]] = {
    "noise": (process(0.0, 1), process(0.0, 1)),
    "memory of .9": (process(0.9, 1), process(0.9, 1)),
    "memory of .9, 3 channels": (process(0.9, 3), process(0.9, 3)),
    "sines": (sines, sines),
    "overlapping windows of a memory of .8": (overlapping, process(0.8, 1)),
}


def copies(seeds: int) -> None:
    print("| data | holds .5 | above .5 | p < .05 | copies: above .5 | copies: p < .05 |\n|---|---|---|---|---|---|")
    for name, (real, honest) in DATA.items():
        counts = np.zeros(5)
        for seed in range(seeds):
            g = np.random.default_rng([seed, len(name)])
            train, heldout, fake = real(g, 800), real(g, 200), honest(g, 300)
            copied = train[g.permutation(len(train))[:300]]
            copied = copied + 0.05 * copied.std() * g.normal(size=copied.shape)
            for place, x in ((0, fake), (3, copied)):
                entry = evaluate_series(sample(train), sample(heldout), sample(x), seed=seed, only=("copies_near",))
                score = entry.results["copies_near"].fake
                above, p = score.low > 0.5, score.details["three_sample"]["p"] < 0.05
                if place == 0:
                    counts[:3] += score.low <= 0.5 <= score.high, above, p
                else:
                    counts[3:] += above, p
        print(f"| {name} | " + " | ".join(f"{c / seeds:.2f}" for c in counts) + " |", flush=True)


if __name__ == "__main__":
    what, *more = sys.argv[1:]
    if what == "agreement":
        agreement(*more)
    else:
        copies(int(more[0]) if more else 20)
