"""Modes found and points on a mode, for one-dimensional mixtures, the 8-ring and the 25-grid, by the default settings.

    OMP_NUM_THREADS=1 python benchmarks/modes.py --samples 2M --seeds 5 [SET ...]

A mode counts as found when it holds at least a quarter of its share of the fakes; a point is on a mode when it is
within three standard deviations of its centre (99.7% of the real points in one dimension, 98.9% in two). KL is that of
the modes' shares, fakes against truth; its ceiling is that of as many new real points. The heavy tail (Student's t with
2 degrees of freedom) has no modes: its "points on a mode" is 1 - the Kolmogorov-Smirnov distance to new real points.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from scipy.stats import ks_2samp

import gankit

NUM_TRAIN, NUM_FAKES = 20_000, 10_000


@dataclass(frozen=True)
class Mixture:
    """Normal modes: `centres` [K, D], `shares` [K] that add up to 1, one standard deviation `sigma`."""

    centres: np.ndarray
    shares: np.ndarray
    sigma: float

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """[count, D]."""
        mode = rng.choice(len(self.shares), p=self.shares, size=count)
        return self.centres[mode] + self.sigma * rng.standard_normal((count, self.centres.shape[1]))

    def judge(self, x: np.ndarray) -> tuple[int, float, float]:
        """Modes found, share of points on a mode, KL of the modes' shares, of points x [n, D]."""
        distance = np.linalg.norm(x[:, None] - self.centres[None], axis=2) / self.sigma  # [n, K]
        on = distance.min(1) < 3
        shares = np.bincount(distance.argmin(1)[on], minlength=len(self.shares)) / len(x)
        found = int((shares >= 0.25 * self.shares).sum())
        shares = shares / max(shares.sum(), 1e-12)
        some = shares > 0
        return found, float(on.mean()), float((shares[some] * np.log(shares[some] / self.shares[some])).sum())


def line(centres: list[float], shares: list[float], sigma: float) -> Mixture:
    """Modes on a line."""
    return Mixture(np.array(centres)[:, None], np.array(shares) / sum(shares), sigma)


ANGLES = np.arange(8) * np.pi / 4
GRID = np.arange(-4.0, 5.0, 2.0)
SETS: dict[str, Mixture | None] = {
    "2 modes": line([-2, 2], [1, 1], 0.3),
    "3 modes, 7:2:1": line([-4, 0, 4], [7, 2, 1], 0.3),
    "5 modes, unequal": line([-4, -2, 0, 2, 4], [8, 6, 3, 2, 1], 0.15),
    "8 modes": line([-7, -5, -3, -1, 1, 3, 5, 7], [1] * 8, 0.2),
    "heavy tail": None,
    "8-ring": Mixture(2 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1), np.full(8, 1 / 8), 0.05),
    "25-grid": Mixture(np.stack([np.repeat(GRID, 5), np.tile(GRID, 5)], 1), np.full(25, 1 / 25), 0.05),
}


def points(mixture: Mixture | None, count: int, rng: np.random.Generator) -> np.ndarray:
    """[count, D] real points."""
    return rng.standard_t(2, (count, 1)) if mixture is None else mixture.draw(count, rng)


def judge(mixture: Mixture | None, x: np.ndarray, rng: np.random.Generator) -> tuple[int, float, float]:
    """Modes found, points on a mode, KL."""
    if mixture is not None:
        return mixture.judge(x)
    return 1, 1 - float(ks_2samp(x[:, 0], points(None, NUM_FAKES, rng)[:, 0]).statistic), 0.0


def main() -> None:
    """Print the table of results as Markdown, a line as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)} (all)")
    parser.add_argument("--samples", default="2M", help="length of each training")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--set", nargs="*", default=[], metavar="OPTION=VALUE", help="for ablations: loss=hinge")
    args = parser.parse_args()
    options = dict(text.split("=", 1) for text in args.set)
    print("| set | modes found, per seed | least points on a mode (real) | largest KL (real) | seconds of a run |")
    print("|---|---|---|---|---|")
    for name in args.sets or SETS:
        mixture = SETS[name]
        found, took = [], []
        for seed in range(args.seeds):
            rng = np.random.default_rng([seed, list(SETS).index(name)])
            start = time.perf_counter()
            model = gankit.train(points(mixture, NUM_TRAIN, rng), samples=args.samples, seed=seed, **options)
            took.append(time.perf_counter() - start)
            fakes = np.asarray(model.sample(NUM_FAKES, seed=seed), dtype=np.float64).reshape(NUM_FAKES, -1)
            found.append(judge(mixture, fakes, rng))
        real = judge(mixture, points(mixture, NUM_FAKES, rng), rng)
        print(
            f"| {name} | {' '.join(str(f[0]) for f in found)} of {real[0]} | {min(f[1] for f in found):.3f} "
            f"({real[1]:.3f}) | {max(f[2] for f in found):.4f} ({real[2]:.4f}) | {np.mean(took):.0f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
