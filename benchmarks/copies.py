"""How seldom honest fakes are accused of copying, and how surely copies are found: `python benchmarks/copies.py`.

Draws training rows, held-out rows (a fifth of all) and honest fakes (fresh rows, at least 1,000) from known
distributions, many seeds each, and prints for `copies_near`: the share of seeds whose interval holds .5, lies above it,
and whose three-sample test has p < .05 (overall, in cells); then how often the same says "copies" when the fakes are
training rows moved by a thousandth of a deviation. With `cells`: fakes drawn from the training part's own quantiles, K
cells of equal counts, straight lines in between. Results: benchmarks/metrics.md.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from gankit.kinds.tables.metrics.neighbours import copies_near, membership
from gankit.kinds.tables.metrics.sample import Sample

Maker = Callable[[np.random.Generator, int], np.ndarray]


def mixture(g: np.random.Generator, n: int) -> np.ndarray:
    k = g.choice(3, n, p=[0.6, 0.3, 0.1])
    return (np.array([-4, 0, 5])[k] + np.array([0.3, 1, 0.05])[k] * g.normal(size=n))[:, None]


def mixed(g: np.random.Generator, n: int) -> np.ndarray:
    x = g.normal(size=(n, 5)) @ np.linalg.cholesky(0.5 * np.eye(5) + 0.5).T
    x[:, 0], x[:, 1] = np.round(x[:, 0]), np.maximum(x[:, 1], 0)
    return x


DATA: dict[str, Maker] = {
    "normal": lambda g, n: g.normal(size=(n, 1)),
    "mixture": mixture,
    "rounded to 0.1": lambda g, n: np.round(g.normal(size=(n, 1)), 1),
    "rounded to 0.01": lambda g, n: np.round(g.normal(size=(n, 1)), 2),
    "heavy tail": lambda g, n: g.standard_t(1.5, size=(n, 1)),
    "2 columns": lambda g, n: g.normal(size=(n, 2)) @ np.array([[1, 0.8], [0, 0.6]]),
    "2, rounded": lambda g, n: np.round(g.normal(size=(n, 2)) @ np.array([[1, 0.8], [0, 0.6]]), 1),
    "5 columns": lambda g, n: g.normal(size=(n, 5)) @ np.linalg.cholesky(0.5 * np.eye(5) + 0.5).T,
    "5, repeats": mixed,
}


def sample(x: np.ndarray) -> Sample:
    names = [f"x{i}" for i in range(x.shape[1])]
    return Sample({n: x[:, i].copy() for i, n in enumerate(names)}, dict.fromkeys(names, "number"))


def parts(make: Maker, rows: int, seed: int) -> tuple[np.random.Generator, np.ndarray, np.ndarray, np.ndarray]:
    g = np.random.default_rng([seed, rows])
    held = rows // 5
    return g, make(g, rows - held), make(g, held), make(g, max(held, 1000))


def calibration(seeds: int) -> None:
    print("| data | rows | holds .5 | above .5 | p < .05 | cells p < .05 | copies: above .5 | copies: p < .05 |")
    print("|---|---|---|---|---|---|---|---|")
    for name, make in DATA.items():
        for rows in (200, 1000, 5000, 20_000):
            found = []
            for seed in range(seeds if rows < 20_000 else seeds // 4):
                g, train, heldout, fresh = parts(make, rows, seed)
                near = train + 1e-3 * train.std(0) * g.normal(size=train.shape)
                line: list[bool] = []
                for fake in (fresh, near):
                    score = copies_near(sample(train), sample(heldout), sample(fake), seed=seed)
                    assert score.low is not None and score.high is not None
                    test = score.details["three_sample"]
                    in_cells = test["cells_p"] is not None and test["cells_p"] < 0.05
                    line += [score.low <= 0.5 <= score.high, score.low > 0.5, test["p"] < 0.05, in_cells]
                found.append([*line[:4], *line[5:7]])
            print(f"| {name} | {rows:,} | " + " | ".join(f"{v:.2f}" for v in np.mean(found, 0)) + " |", flush=True)


def cells(seeds: int) -> None:
    print("| data | rows | cells | share nearer | accused | membership |\n|---|---|---|---|---|---|")
    for name in ("normal", "mixture", "heavy tail"):
        for rows in (1000, 5000):
            for count in (0, 400, 100, 50):
                found = []
                for seed in range(seeds):
                    g, train, heldout, _ = parts(DATA[name], rows, seed)
                    places = np.linspace(0, 1, (count or len(train) - 1) + 1)
                    fake = np.interp(g.random(1000), places, np.quantile(train[:, 0], places))[:, None]
                    score = copies_near(sample(train), sample(heldout), sample(fake), seed=seed)
                    attack = membership(sample(train), sample(heldout), sample(fake), seed=seed)
                    assert score.low is not None
                    found.append([score.value, score.low > 0.505, attack.value])
                shares = " | ".join(f"{v:.2f}" for v in np.mean(found, 0))
                print(f"| {name} | {rows:,} | {count or 'every row'} | {shares} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["cells"]:
        cells(12)
    else:
        calibration(40)
