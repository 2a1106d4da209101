"""What plain methods would make: a vector autoregression, a block bootstrap of training series, and copies.

Knows columns of numbers and series as arrays; never networks.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from gankit.kinds.series.metrics.inputs import SeriesInputs, SeriesSet
from gankit.kinds.series.metrics.sample import Columns, SeriesSample, bridged
from gankit.metrics.metric import Baseline
from gankit.randomness import numpy_generator

ORDER = 2
"""Steps that the autoregression looks back."""

_RIDGE = 1e-3
_MOST_CELLS = 4_000_000  # of the training part that it is fitted on


def autoregression(train: SeriesSample, columns: Columns, num_series: int, seed: int) -> SeriesSample:
    """Series of a vector autoregression of order 2 that was fitted to the training series by least squares.

    x_t = b + A_1 x_{t-1} + A_2 x_{t-2} + e_t, over all columns together, with errors e_t drawn again from those of the
    fit, step by step for all columns. Each begins with the first steps of a training series, whose length, label and
    gaps it takes over; values are kept within the range of real ones, should it run away.
    """
    generator = numpy_generator(seed, "metrics/series/autoregression")
    z = bridged(columns(train)).astype(np.float64)
    steps, size = z.shape[1:]
    order = min(ORDER, steps - 1)
    first = generator.integers(0, len(z), num_series)
    out = z[first].copy()
    if order >= 1:
        some = z[generator.permutation(len(z))[: max(2, _MOST_CELLS // (steps * size))]]
        past = np.concatenate([some[:, order - k : steps - k] for k in range(1, order + 1)], 2).reshape(
            -1, order * size
        )
        past = np.concatenate([np.ones((len(past), 1)), past], 1)
        now = some[:, order:].reshape(-1, size)
        penalty = _RIDGE * np.eye(past.shape[1])
        penalty[0, 0] = 0
        weights = np.linalg.solve(past.T @ past + penalty, past.T @ now)
        errors = now - past @ weights
        for t in range(order, steps):
            seen = np.concatenate([np.ones((num_series, 1)), *(out[:, t - k] for k in range(1, order + 1))], 1)
            out[:, t] = seen @ weights + errors[generator.integers(0, len(errors), num_series)]
            out[:, t] = np.clip(out[:, t], columns.low, columns.high)
    made = columns.back(out, train.levels)
    made[np.isnan(train.x[first])] = np.nan
    labels = None if train.labels is None else [train.labels[i] for i in first]
    return SeriesSample(made, train.lengths[first], train.names, train.levels, labels)


def blocks(train: SeriesSample, num_series: int, seed: int) -> SeriesSample:
    """Series glued from blocks of training series (a block bootstrap, Kunsch 1989).

    A block has about sqrt(T) steps and stands where it stood; each is drawn from another training series, of the same
    label and long enough if there is one. The first one gives label and length.
    """
    generator = numpy_generator(seed, "metrics/series/blocks")
    steps = train.x.shape[1]
    width = max(1, math.ceil(math.sqrt(steps)))
    first = generator.integers(0, len(train), num_series)
    out, lengths = train.x[first].copy(), train.lengths[first]
    labels = None if train.labels is None else np.array([str(v) for v in train.labels])
    for start in range(width, steps, width):
        stop = min(start + width, steps)
        donor = generator.integers(0, len(train), num_series)
        fits = train.lengths[donor] >= np.minimum(stop, lengths)
        if labels is not None:
            for k in np.unique(labels[first]):
                rows = np.flatnonzero(labels == k)
                mine = labels[first] == k
                donor[mine] = rows[donor[mine] % len(rows)]
            fits = train.lengths[donor] >= np.minimum(stop, lengths)
        chosen = np.where(fits, donor, first)
        out[:, start:stop] = train.x[chosen, start:stop]
    out[~(np.arange(steps) < lengths[:, None])] = np.nan
    return SeriesSample(
        out, lengths, train.names, train.levels, None if train.labels is None else [train.labels[i] for i in first]
    )


def bootstrap(num_train: int, num_series: int, seed: int) -> np.ndarray:
    """Rows of training series drawn again: [num_series] int64."""
    return numpy_generator(seed, "metrics/series/bootstrap_rows").integers(0, num_train, num_series)


def _drawn_again(inputs: SeriesInputs) -> SeriesSet:
    rows = bootstrap(len(inputs.members), inputs.rows.compared, inputs.seed)
    return _made(lambda train: train.take(rows))(inputs)


def _made(make: Callable[[SeriesSample], SeriesSample]) -> Callable[[SeriesInputs], SeriesSet]:
    """A baseline of the compared training series, whose labels are numbers that others take over."""

    def made(inputs: SeriesInputs) -> SeriesSet:
        members = inputs.members
        sample = make(replace(members.sample, labels=members.labels))
        labels = None if sample.labels is None else np.asarray(sample.labels, np.int64)
        return SeriesSet.of(sample, inputs.columns, np.arange(len(sample)), labels=labels)

    return made


BASELINES: Sequence[Baseline[SeriesInputs]] = (
    Baseline(
        "autoregression", lambda i: _made(lambda train: autoregression(train, i.columns, i.rows.compared, i.seed))(i),
        "Autoregression", "a vector autoregression",
        "a vector autoregression: each step from the two before it, by least squares, with residuals drawn again. A "
        "plain method that a GAN should beat.", "triangle", start=True,
    ),
    Baseline(
        "blocks", lambda i: _made(lambda train: blocks(train, i.rows.compared, i.seed))(i), "Block bootstrap",
        "a block bootstrap",
        "blocks of training series, each from another one, one after another. It keeps short movements and loses long "
        "ones.", "square", start=True,
    ),
    Baseline(
        "bootstrap", _drawn_again, "Bootstrap", "a bootstrap of training series",
        "training series drawn again: as real as can be, and all of it copied. It shows what a copier would score.",
        "cross",
    ),
)  # fmt: skip
