"""Coverage: do the fakes reach all that is real, rare levels too, and do they stay within it?

Knows two samples and a space to measure distances in; copying is the matter of `copies`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from gankit.metrics.neighbours import Points, Space, nearest
from gankit.metrics.sample import Sample
from gankit.metrics.score import Z95, Score, around, impossible, mean_score, share_score
from gankit.randomness import key, numpy_generator

_RARE_SHARE = 0.01
_RARE_COUNT = 5
_MAX_MISSED = 20
_MAX_ROWS = 3000
_NEIGHBOURS = 5
_REPLICATES = 20
_GRID = np.linspace(0, 1, 31)


def rare_categories(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """Rare levels among the fakes: found, over the number expected in as many real rows; cut to 1, best 1.

    Rare are levels below 1% of the real rows or with fewer than 5 of them. A level of share p is expected among m rows
    with chance 1 - (1 - p)^m. Deterministic; `seed` is not used. The interval is a normal one from the spread of that
    sum, the chances being taken as independent: that of a fresh real sample, moved to the value.
    """
    if not real.num_rows or not fake.num_rows:
        return impossible(1.0, "one of the samples has no rows")
    columns: list[dict[str, Any]] = []
    missed: list[dict[str, Any]] = []
    found = possible = 0
    expected = variance = 0.0
    for name in real.categories:
        counts, fakes = (
            np.bincount(v[v >= 0], minlength=len(real.levels[name])) for v in (real.columns[name], fake.columns[name])
        )
        rare = np.flatnonzero((counts > 0) & ((counts < _RARE_SHARE * real.num_rows) | (counts < _RARE_COUNT)))
        if not len(rare):
            continue
        chance = 1 - (1 - counts[rare] / real.num_rows) ** fake.num_rows
        hits = fakes[rare] > 0
        columns.append({"column": name, "rare": len(rare), "found": int(hits.sum()), "expected": float(chance.sum())})
        missed += [{"column": name, "level": real.levels[name][k], "real_rows": int(counts[k])} for k in rare[~hits]]
        found, possible = found + int(hits.sum()), possible + len(rare)
        expected, variance = expected + float(chance.sum()), variance + float((chance * (1 - chance)).sum())
    if not possible:
        return impossible(1.0, "no category has a rare level")
    value, half = min(1.0, found / expected), Z95 * math.sqrt(variance) / expected
    missed.sort(key=lambda m: -int(m["real_rows"]))
    columns.sort(key=lambda c: float(c["found"]) / float(c["expected"]))
    details = {
        "found": found,
        "expected": expected,
        "possible": possible,
        "share": found / possible,
        "per_column": columns,
        "missed": missed[:_MAX_MISSED],
    }
    return Score(value, max(0.0, value - half), min(1.0, value + half), 1.0, details)


def precision(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """Alpha-precision (Alaa et al. 2022): do the fakes fill the real bulk as the real rows do? In [0, 1], best 1.

    The ball about the real centre that holds a share alpha of the real rows should hold a share alpha of the fakes:
    1 - 2 * integral |inside(alpha) - alpha|. Departure from the paper: the space is the fixed one of
    `neighbours.Space` (Euclidean part), not a learned one-class embedding. At most 3,000 rows of each side. The
    interval is a normal one from 20 bootstraps of the distances, the centre held fixed.
    """
    placed = _placed(real, fake, seed)
    if isinstance(placed, str):
        return impossible(1.0, placed)
    points, fakes = placed
    centre = points.euclid.mean(0)
    radius, distance = (np.linalg.norm(p.euclid - centre, axis=1) for p in (points, fakes))
    generator = numpy_generator(seed, "metrics/precision/interval")
    again = [_integrated(_curve(d, r)) for r, d in _resampled((radius, distance), generator)]
    inside = _curve(distance, radius)
    details = {"rows": points.num_rows, "curve": {"alpha": _GRID.round(4).tolist(), "inside": inside.round(5).tolist()}}
    return Score(_integrated(inside), *around(_integrated(inside), again), 1.0, details)


def recall(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """Beta-recall (Alaa et al. 2022): how much of the real rows do the fakes reach? In [0, 1], best 1.

    A real row is reached at level beta if the nearest fake is no farther than the nearest other real row and lies in
    the ball about the fakes' centre that holds a share beta of them: 1 - 2 * integral |covered(beta) - beta|. As half
    the real rows have a real row nearer than any fake, even perfect fakes stay near .5: compare with the ceiling. Same
    space, rows and kind of interval as in `precision`.
    """
    placed = _placed(real, fake, seed)
    if isinstance(placed, str):
        return impossible(1.0, placed)
    points, fakes = placed
    own = nearest(points, points, same=True)[0][:, 0]
    distance, index = nearest(points, fakes)
    reached = distance[:, 0] <= own
    centre = fakes.euclid.mean(0)
    radius = np.linalg.norm(fakes.euclid - centre, axis=1)
    needed = np.where(reached, radius[index[:, 0]], np.inf)  # the ball that reaches each real row
    generator = numpy_generator(seed, "metrics/recall/interval")
    again = [_integrated(_curve(n, r)) for n, r in _resampled((needed, radius), generator)]
    covered = _curve(needed, radius)
    details = {
        "rows": points.num_rows,
        "curve": {"beta": _GRID.round(4).tolist(), "covered": covered.round(5).tolist()},
    }
    return Score(_integrated(covered), *around(_integrated(covered), again), 1.0, details)


def density(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """Density (Naeem et al. 2020, eq. 3): how many real balls hold a fake, over the number expected; best 1.

    A real ball reaches to the row's 5th nearest real neighbour. Above 1: the fakes crowd where the real rows are dense.
    At most 3,000 rows of each side; ties at distance 0 count as inside. The interval is a normal one over fakes.
    """
    inside = _balls(real, fake, seed)
    if isinstance(inside, str):
        return impossible(1.0, inside)
    return mean_score(inside.sum(0) / _NEIGHBOURS, 1.0, {"rows": len(inside), "neighbours": _NEIGHBOURS})


def coverage(real: Sample, fake: Sample, *, seed: int = 0) -> Score:
    """Coverage (Naeem et al. 2020, eq. 4): the share of real rows with a fake in their ball, best 1.

    The balls are those of `density`. With as many fakes as real rows, perfect fakes are expected at about
    1 - 2^-5 = .97. The interval is the exact binomial one over real rows.
    """
    inside = _balls(real, fake, seed)
    if isinstance(inside, str):
        return impossible(1.0, inside)
    hits = int(inside.any(1).sum())
    return share_score(hits, len(inside), 1.0, {"rows": len(inside), "neighbours": _NEIGHBOURS})


def _placed(real: Sample, fake: Sample, seed: int) -> tuple[Points, Points] | str:
    rows = min(real.num_rows, fake.num_rows, _MAX_ROWS)
    if rows <= _NEIGHBOURS:
        return f"{rows} rows are too few; {_NEIGHBOURS + 1} are the least"
    generator = numpy_generator(seed, "metrics/coverage")
    space = Space(real, key(seed, "metrics/coverage/space"))
    return space.place(real.subsample(rows, generator)), space.place(fake.subsample(rows, generator))


def _balls(real: Sample, fake: Sample, seed: int) -> np.ndarray | str:
    """Whether fake j lies in the ball of real row i: [N, M] bool."""
    placed = _placed(real, fake, seed)
    if isinstance(placed, str):
        return placed
    points, fakes = placed
    # In float64: the balls of a single column are so small that the noise of float32 would fill them.
    rows, others = points.euclid.astype(np.float64), fakes.euclid.astype(np.float64)
    norms = [np.einsum("nd,nd->n", p, p) for p in (rows, others)]
    own = norms[0][:, None] + norms[0] - 2 * rows @ rows.T
    np.fill_diagonal(own, np.inf)
    radius = np.partition(own, _NEIGHBOURS - 1, axis=1)[:, _NEIGHBOURS - 1]
    cross = norms[0][:, None] + norms[1] - 2 * rows @ others.T
    return np.asarray(cross <= np.maximum(radius, 0)[:, None] + 1e-12)  # noise about equal rows


def _curve(distances: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """The share of distances within the ball that holds each share of `_GRID` of the radii: [31]."""
    return np.asarray(np.searchsorted(np.sort(distances), np.quantile(radii, _GRID), "right") / len(distances))


def _resampled(arrays: tuple[np.ndarray, np.ndarray], generator: np.random.Generator) -> Iterator[list[np.ndarray]]:
    for _ in range(_REPLICATES):
        yield [v[generator.integers(0, len(v), len(v))] for v in arrays]


def _integrated(curve: np.ndarray) -> float:
    """1 - 2 * integral over [0, 1] of |curve - diagonal|, by trapezia."""
    gap = np.abs(curve - _GRID)
    return max(0.0, 1 - 2 * float(np.sum((gap[1:] + gap[:-1]) / 2 * np.diff(_GRID))))
