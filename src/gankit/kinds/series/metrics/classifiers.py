"""Classifiers of series: two-sample tests, forecasts learned from fakes, and labels as a classifier sees them.

Knows columns of numbers, off-the-shelf classifiers, and the two functions of a recurrent network that are handed in;
never torch, or how series were made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gankit.kinds.series.metrics.sample import MOST_FRAME_COLUMNS, WHOLE, frames, shrunk
from gankit.kinds.series.records import bridged
from gankit.metrics.classification import auc, boosted_trees, c2st_score, out_of_fold
from gankit.metrics.metric import Z95, Score, impossible, plain
from gankit.randomness import key, numpy_generator

_FOLDS = 3
_MOST_TRAITS = 128
_SEEN_STEPS, _SEEN_BANDS, _SEEN_FRAMES = 48, 24, 16
_MOST_SEEN = 600

Discriminate = Callable[[np.ndarray, np.ndarray, int], tuple[np.ndarray, np.ndarray]]
"""(real [N, T, C], fake [M, T, C], seed) -> logits of a part of both that the network was not trained on."""

Known = tuple[np.ndarray, np.ndarray]
"""(x [N, T, C] in [0, 1], known [N, T] bool: the steps whose last value is real)."""

Forecast = Callable[[Known, Known, int], np.ndarray]
"""(train, test, seed) -> the mean absolute error of each test series."""


@dataclass(frozen=True)
class Recurrent:
    """A recurrent network that is trained anew for each question: `gankit.features.recurrent` has both functions.

    runs: how often the fakes and the ceiling are asked about, each time with another seed; baselines are asked once.
    """

    discriminate: Discriminate
    forecast: Forecast
    runs: int = 2


def discriminative(real: np.ndarray, fake: np.ndarray, recurrent: Recurrent, run: int, seed: int) -> Score:
    """TimeGAN's discriminative score (Yoon et al. 2019): |accuracy - 1/2| of a GRU that tells fakes from real; best 0.

    It is trained on four fifths of as many real series as fakes, tested on the rest; the mean over its trainings. .5
    means that every fake is found out. The interval is a normal one: of the accuracy on the tested series, `run` real
    ones that share steps counting as one, and of the spread between trainings. details: accuracy, auc, precision and
    recall of calling a series real, rows tested.
    """
    if min(len(real), len(fake)) < 5:
        return impossible(0.0, "fewer than five series cannot be divided into some to train on and some to test on")
    figures: dict[str, list[float]] = {name: [] for name in ("accuracy", "auc", "precision", "recall")}
    variances, runs, rows = [], recurrent.runs, 0
    for k in range(runs):
        a, b = recurrent.discriminate(real, fake, key(seed, "metrics/series/discriminative", k) % 2**31)
        right, rows = [float((a > 0).mean()), float((b < 0).mean())], rows or len(a)
        called = int((a > 0).sum() + (b > 0).sum())
        sizes = (max(1, len(a) // max(run, 1)), len(b))
        # with two right and two wrong ones more (Agresti & Coull 1998): none wrong of a few is no certainty
        shares = [(r * n + 2) / (n + 4) for r, n in zip(right, sizes, strict=True)]
        variances.append(sum(s * (1 - s) / (n + 4) for s, n in zip(shares, sizes, strict=True)) / 4)
        precision = float((a > 0).sum()) / called if called else math.nan
        for kept, figure in zip(figures.values(), (sum(right) / 2, auc(a, b)[0], precision, right[0]), strict=True):
            kept += [figure] if math.isfinite(figure) else []
    values = [abs(accuracy - 0.5) for accuracy in figures["accuracy"]]
    spread = float(np.var(values, ddof=1)) / runs if runs > 1 else 0.0
    half = Z95 * math.sqrt(float(np.mean(variances)) + spread)
    value = float(np.mean(values))
    means = {name: float(np.mean(v)) if v else math.nan for name, v in figures.items()}
    return Score(
        value, max(0.0, value - half), min(0.5, value + half), 0.0, plain({**means, "rows": rows, "runs": values})
    )


def predictive(train: Known, test: Known, recurrent: Recurrent, run: int, seed: int) -> Score:
    """TimeGAN's predictive score: the error on real series of a GRU that learned from fakes what comes next; best 0.

    It forecasts the last number channel one step ahead from the other channels (from its own past where there is one
    alone), on the scale of [0, 1] from the least to the largest real value; the mean absolute error over the tested
    series and the trainings. No fake does better than real training series would, which stand as the ceiling. The
    interval is a normal one, of the series' errors, `run` of which share steps, and of the spread between trainings.
    """
    if len(train[0]) < 2 or train[0].shape[1] < 2:
        return impossible(0.0, "there are too few series, or they have one step alone")
    runs = recurrent.runs
    errors = [recurrent.forecast(train, test, key(seed, "metrics/series/predictive", k) % 2**31) for k in range(runs)]
    kept = np.stack(errors)[:, np.isfinite(errors[0])]
    if not kept.shape[1]:
        return impossible(0.0, "no real value is known that could be forecast")
    values = kept.mean(1)
    spread = float(values.var(ddof=1)) / runs if runs > 1 else 0.0
    independent = max(1, kept.shape[1] // max(run, 1))
    half = Z95 * math.sqrt(float(kept.mean(0).var()) / independent + spread)
    value = float(values.mean())
    details = {"rows": kept.shape[1], "train_rows": len(train[0]), "runs": values}
    return Score(value, max(0.0, value - half), value + half, 0.0, plain(details))


def traits(z: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """What the trees see of a series: [N, T, D] columns with gaps -> [N, F] float64.

    For each column its mean, deviation, least and largest value, change from begin to end, mean and largest size of a
    step, correlation of neighbouring steps, and share of gaps; the length; and the values themselves, averaged to as
    many stretches as fit in 128 numbers.
    """
    x, steps = bridged(z).astype(np.float64), z.shape[1]
    changes = np.abs(np.diff(x, axis=1)) if steps > 1 else np.zeros_like(x)
    centred = x - x.mean(1, keepdims=True)
    power = (centred**2).mean(1)
    following = (centred[:, 1:] * centred[:, :-1]).sum(1) / steps / np.where(power > 1e-9, power, 1.0)
    gaps = np.isnan(z).mean(1)
    parts = [x.mean(1), np.sqrt(power), x.min(1), x.max(1), x[:, -1] - x[:, 0], changes.mean(1), changes.max(1)]
    room = max(1, (_MOST_TRAITS - 9 * z.shape[2]) // z.shape[2])
    return np.concatenate([*parts, following, gaps, lengths[:, None], shrunk(x, room).reshape(len(x), -1)], 1)


def c2st(
    real: np.ndarray, fake: np.ndarray, runs: tuple[np.ndarray, np.ndarray], *, seed: int = 0, num_trees: int = 60
) -> Score:
    """How well the fakes hold against boosted trees on `traits` (Lopez-Paz & Oquab 2017): 1 - (2 max(.5, AUC) - 1).

    Best 1; 0 means that every fake is found out. Out of fold over 3 folds of equally many series of both sides; series
    of a run share steps and stay in one fold, so that none is known from its neighbours. The interval is DeLong's for
    the mean of the folds' areas, widened by the root of the series in a run. details: auc, accuracy, precision and
    recall of calling a series real, folds, rows.

    real, fake: [N, F], [M, F]; runs: [N], [M] int, the run of each.
    """
    rows = min(len(real), len(fake))
    if rows < 2 * _FOLDS:
        return impossible(1.0, f"{rows} series are too few for {_FOLDS} folds; {2 * _FOLDS} are the least")
    generator = numpy_generator(seed, "metrics/series/c2st")
    chosen = [np.sort(generator.permutation(len(x))[:rows]) for x in (real, fake)]
    x = np.concatenate([real[chosen[0]], fake[chosen[1]]])
    of = [r[c] for r, c in zip(runs, chosen, strict=True)]
    fold = np.concatenate([_folds(r, generator) for r in of])
    is_real = np.repeat([True, False], rows)

    def says(test: np.ndarray, k: int) -> np.ndarray:
        return boosted_trees(
            x[~test], is_real[~test], x[test], np.zeros(x.shape[1], bool), task="classification",
            seed=key(seed, "metrics/series/c2st", k) % 2**31, num_trees=num_trees,
        )[:, 1]  # fmt: skip

    probability, areas = out_of_fold(says, is_real, fold)
    if not areas:
        return impossible(1.0, "the series share their steps, so that none can be tested for itself")
    crowd = max(len(r) / max(len(np.unique(r)), 1) for r in of)
    return c2st_score(probability > 0.5, is_real, areas, crowd=crowd)


def _folds(runs: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """A fold for each series, the same for all of a run: [N] int."""
    different, place = np.unique(runs, return_inverse=True)
    return np.asarray(generator.permutation(np.arange(len(different)) % _FOLDS)[place])


def shapes(z: np.ndarray) -> np.ndarray:
    """What a classifier of labels sees in a series: [N, T, D] columns with gaps -> [N, F] float64.

    Its values, averaged to at most 48 stretches, and the logarithm of its power in up to 24 bands of frequencies, which
    stay where they are when it begins a little earlier; fewer of both where there are many columns. Of series of more
    than 512 steps it is their power in bands of frequencies over time, as copies are looked for.
    """
    x = bridged(z).astype(np.float64)
    if z.shape[1] > WHOLE:
        return shrunk(frames(x[:, :, :MOST_FRAME_COLUMNS]), _SEEN_FRAMES).reshape(len(x), -1).astype(np.float64)
    most = max(4, _MOST_SEEN // (z.shape[2] * 3))
    values = shrunk(x, min(_SEEN_STEPS, 2 * most)).reshape(len(x), -1)
    centred = x - x.mean(1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, axis=1))[:, 1:] ** 2 / x.shape[1]
    if not power.shape[1]:
        return values
    edges = np.unique(np.geomspace(1, power.shape[1] + 1, min(_SEEN_BANDS, most) + 1).round().astype(int)) - 1
    bands = np.add.reduceat(power, edges[:-1], axis=1) / np.diff(edges)[:, None]
    return np.concatenate([values, np.log(bands + 1e-3).reshape(len(x), -1)], 1)


See = Callable[[np.ndarray], np.ndarray]
"""Rows [N, F] -> the class seen in each, [N] int."""


def learn_linear(x: np.ndarray, y: np.ndarray) -> See:
    """Logistic regression on standardised `shapes`; y has two labels at least."""
    from sklearn.linear_model import LogisticRegression

    centre, width = x.mean(0), x.std(0)
    scale = np.where(width > 1e-9, width, 1.0)
    model = LogisticRegression(C=0.1, max_iter=300, tol=1e-3).fit((x - centre) / scale, y)
    return lambda rows: np.asarray(model.predict((rows - centre) / scale))


def learn_nearest(x: np.ndarray, y: np.ndarray) -> See:
    """The label of the nearest series (Euclid's distance)."""
    from sklearn.neighbors import KNeighborsClassifier

    model = KNeighborsClassifier(1, algorithm="brute").fit(x, y)
    return lambda rows: np.asarray(model.predict(rows))
