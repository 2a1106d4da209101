"""How fake series are evaluated: the metric that chooses checkpoints, minus the Frechet distance to held-out series in
fixed features, and the report.

Knows prepared series, and fakes as users get them; never generators or the loop. The features are those of random
convolutions (Dempster et al. 2020, ROCKET), which tell classes of series as well as networks that were trained to, and
cost milliseconds.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gankit.columns.column import Values
from gankit.columns.schema import Schema
from gankit.config import TrainConfig
from gankit.features.recurrent import discriminate, forecast
from gankit.kinds.assessment import Assessment, Note, Parts, Subject, kept_files
from gankit.kinds.base import Fakes, HeldOutMetric, Notes, Prepared
from gankit.kinds.series.codec import SeriesCodec
from gankit.kinds.series.metrics.classifiers import Recurrent
from gankit.kinds.series.metrics.inputs import NOUN, SeriesFacts
from gankit.kinds.series.metrics.metrics import evaluate_series
from gankit.kinds.series.metrics.sample import SeriesSample, overlap
from gankit.kinds.series.preparing import array_of_part, label_numbers, part_of, read_series_like
from gankit.kinds.series.records import Floats, Ints, Series, SeriesSet, joined_series, layout_of
from gankit.kinds.series.report import SeriesSections
from gankit.kinds.series.tables import with_distances
from gankit.metrics.distances import held_out_metric
from gankit.metrics.evaluate import Evaluation
from gankit.metrics.metric import Interval
from gankit.randomness import numpy_generator

METRIC = "minus the Frechet distance to held-out series (fixed features)"
MOST_REAL, MOST_FAKE, LEAST_FAKE = 5000, 2000, 256  # held-out series that are compared, and fakes, within bounds
MOST_FAKE_NUMBERS = 2**22  # of the fakes that are compared, together, but for `LEAST_FAKE` of them
MOST_TRAINING, MOST_NUMBERS = 50_000, 2**25  # training series, spread over all, that copies may be of; their numbers
KERNELS, KERNEL_LENGTHS = 64, (3, 5, 7)  # random convolutions; each gives two features
MOST_TOGETHER = 4  # channels that a convolution sees at most
MOST_LEVELS = 8  # of a category that are told apart, the most frequent ones
BOUND = 4.0  # features end at so many deviations: one that varies little among real series must not outweigh others
FEATURES = f"means, spreads, ends and the outputs of {KERNELS} random convolutions, fixed by the held-out series"


class _Kernel(NamedTuple):
    """weights: [L, channels]. channels: their numbers. dilation: steps between two places. bias: of its output."""

    weights: Floats
    channels: Ints
    dilation: int
    bias: float


class SeriesFeatures:
    """Features of series, fixed by the held-out ones: their scales, and the outputs of random convolutions.

    Args:
        x: held-out series [N, T, C] float64, N >= 2, NaN in gaps and behind the end; categories as codes.
        categories: the numbers of the channels that are categories.
        labels: [N, K] float64 of the same series, what belongs to each as a whole, or None.
    """

    def __init__(self, x: Floats, categories: Sequence[int] = (), labels: Floats | None = None) -> None:
        self.num_steps = x.shape[1]
        self._levels = {c: _frequent(x[:, :, c]) for c in categories}
        self._gaps = [c for c in range(x.shape[2]) if np.isnan(x[:, :, c]).any()]
        known = [x[:, :, c][np.isfinite(x[:, :, c])] for c in range(x.shape[2])]
        self._centre = np.array([k.mean() if len(k) else 0.0 for k in known])
        deviation = np.array([k.std() if len(k) else 0.0 for k in known])
        self._deviation = np.where(deviation > 0, deviation, 1.0)
        whole = self._whole(x)
        self._kernels = _kernels(whole, numpy_generator(0, "series features"))
        found = self._found(whole, labels)
        spread = found.std(0)
        self._kept = spread > 1e-9
        self._mean, self._spread = found.mean(0)[self._kept], spread[self._kept]

    def __call__(self, x: Floats, labels: Floats | None = None) -> Floats:
        """[N, F] of series [N, T', C]: T' may be another one than that of the held-out series."""
        found = (self._found(self._whole(x), labels)[:, self._kept] - self._mean) / self._spread
        return np.asarray(BOUND * np.tanh(found / BOUND))

    def _whole(self, x: Floats) -> Floats:
        """[N, T, C']: on the scale of held-out series, categories as one-hots, beside them what is missing."""
        if x.shape[1] != self.num_steps:
            shape = (len(x), max(0, self.num_steps - x.shape[1]), x.shape[2])
            x = np.concatenate([x, np.full(shape, np.nan)], 1)[:, : self.num_steps]
        parts = []
        for c in range(x.shape[2]):
            column = x[:, :, c]
            if c in self._levels:
                parts += [(column == level).astype(np.float64) for level in self._levels[c]]
            else:
                scaled = (column - self._centre[c]) / self._deviation[c]
                # a number that is far out of all that is real should not hide all others
                parts.append(np.clip(np.where(np.isnan(scaled), 0.0, scaled), -10.0, 10.0))
            if c in self._gaps:
                parts.append(np.isnan(column).astype(np.float64))
        return np.stack(parts, 2)

    def _found(self, whole: Floats, labels: Floats | None) -> Floats:
        steps = np.diff(whole, axis=1)
        parts = [whole.mean(1), whole.std(1), whole[:, 0], whole[:, -1], np.abs(steps).mean(1)]
        for kernel in self._kernels:
            out = _convolved(whole, kernel)
            parts += [np.tanh(out).mean(1, keepdims=True), out.max(1, keepdims=True)]
        return np.concatenate(parts if labels is None else [*parts, labels], 1)


def _frequent(codes: Floats) -> Floats:
    levels, counts = np.unique(codes[np.isfinite(codes)], return_counts=True)
    return np.asarray(levels[np.argsort(-counts, kind="stable")[:MOST_LEVELS]])


def _kernels(whole: Floats, rng: np.random.Generator) -> list[_Kernel]:
    """Random convolutions: weights of mean 0, dilations that reach up to the whole length, biases from the data."""
    _, num_steps, num_channels = whole.shape
    lengths = [n for n in KERNEL_LENGTHS if n <= num_steps] or [num_steps]
    kernels = []
    for _ in range(KERNELS):
        length = int(rng.choice(lengths))
        together = int(rng.integers(1, min(MOST_TOGETHER, num_channels) + 1))
        channels = rng.choice(num_channels, together, replace=False)
        weights = rng.standard_normal((length, together))
        if length > 1:
            weights -= weights.mean(0)
        weights /= math.sqrt(max(float(np.square(weights).sum()), 1e-12))
        reach = max((num_steps - 1) // max(length - 1, 1), 1)
        dilation = int(2 ** rng.uniform(0, math.log2(reach)))
        kernel = _Kernel(weights, channels, dilation, 0.0)
        row = int(rng.integers(len(whole)))
        out = _convolved(whole[row : row + 1], kernel)
        kernels.append(kernel._replace(bias=-float(np.quantile(out, rng.random()))))
    return kernels


def _convolved(whole: Floats, kernel: _Kernel) -> Floats:
    """[N, places] the output of a convolution over [N, T, C]."""
    places = whole.shape[1] - (len(kernel.weights) - 1) * kernel.dilation
    total = np.full((len(whole), places), kernel.bias)
    for at, row in enumerate(kernel.weights):
        begin = at * kernel.dilation
        for channel, weight in zip(kernel.channels, row, strict=True):
            total += weight * whole[:, begin : begin + places, channel]
    return total


def held_out_series_metric(
    x: Floats, categories: Sequence[int] = (), labels: Floats | None = None, crowd: float = 1.0
) -> Callable[[Floats, Floats | None], Interval]:
    """A metric for choosing checkpoints: fakes -> minus their Frechet distance to held-out series, with the ends of its
    95% interval.

    Larger is better, 0 is best. Compare only values of equal numbers of fakes.

    Args:
        x, categories, labels: the held-out series, see `SeriesFeatures`. The function takes fakes [M, T', C], M >= 2,
            and their labels [M, K], and gives minus infinity where they are infinite.
        crowd: how many held-out series that follow one another share steps.
    """
    features = SeriesFeatures(x, categories, labels)
    distance = held_out_metric(features(x, labels), crowd)

    def value(fake: Floats, fake_labels: Floats | None = None) -> Interval:
        if np.isinf(fake).any():
            return -math.inf, -math.inf, -math.inf
        return distance(features(fake, fake_labels))

    return value


def series_metric(prepared: Prepared[SeriesSet, SeriesCodec], seed: int, fakes_seed: int) -> HeldOutMetric:
    """Minus the Frechet distance between decoded fakes and held-out series, given their labels too."""
    part = prepared.heldout
    labels, channels = _schemas(prepared)
    count = int(np.clip(MOST_FAKE_NUMBERS // (prepared.codec.spec.shape[0] * len(channels)), LEAST_FAKE, MOST_FAKE))
    rows = np.arange(len(part))
    if len(rows) > MOST_REAL:
        rows = np.sort(numpy_generator(seed, "judged").choice(rows, MOST_REAL, replace=False))
    known = label_numbers(labels.columns, part.take(rows).values)
    categories = [i for i, column in enumerate(channels) if column.type == "category"]
    following = array_of_part(part, channels.columns, np.arange(min(len(part), LEAST_FAKE)))
    crowd = max(1.0, overlap(following) * len(rows) / len(part))
    distance = held_out_series_metric(array_of_part(part, channels.columns, rows), categories, known, crowd)

    def value(fakes: Fakes) -> Interval:
        x, given = numbers_of(fakes.sample_batches(count, seed=fakes_seed), prepared)
        return distance(x, label_numbers(labels.columns, given))

    return HeldOutMetric(METRIC, value)


def _schemas(prepared: Prepared[SeriesSet, SeriesCodec]) -> tuple[Schema, Schema]:
    """The labels, and the channels that are learned."""
    names = prepared.heldout.values
    labels = Schema(tuple(c for c in prepared.schema.modelled if c.name in names))
    return labels, Schema(tuple(c for c in prepared.schema.modelled if c.name not in names))


def channels_of(prepared: Prepared[SeriesSet, SeriesCodec]) -> Schema:
    """The channels that are learned."""
    return _schemas(prepared)[1]


def series_like(source: Any, prepared: Prepared[SeriesSet, SeriesCodec], config: TrainConfig) -> SeriesSet:
    """See `Kind.like`."""
    labels, channels = _schemas(prepared)
    layout = layout_of(prepared.origin)
    whole = Schema(tuple(column for column in labels if column.name not in layout.calendar))
    found = read_series_like(source, layout, channels, whole, config)
    window = layout.num_steps if layout.windows else None
    return part_of(found, "the series", window, channels, labels, layout.calendar)


def numbers_of(
    batches: Iterable[Series], prepared: Prepared[SeriesSet, SeriesCodec]
) -> tuple[np.ndarray, Mapping[str, Values]]:
    """Fakes as users get them, read again: numbers [n, T, C], NaN in gaps and behind the end, and their labels."""
    labels, channels = _schemas(prepared)
    found = joined_series(list(batches))
    part = part_of(with_distances(found), "the synthetic series", None, channels, labels, found.layout.calendar)
    return array_of_part(part, channels.columns), part.values


class SeriesAssessment(Assessment[SeriesSample]):
    """How fake series are evaluated."""

    noun = NOUN

    def __init__(self, model: Subject, prepared: Prepared[Any, Any] | None, notes: Notes, note: Note) -> None:
        super().__init__(model, prepared, notes, note)
        given = [] if model.given is None else [field.name for field in model.given.codec.fields]
        self.channels = Schema(tuple(c for c in model.schema if c.name not in given))
        self.whole = Schema(tuple(c for c in model.schema if c.name in given))  # what belongs to a series as a whole
        self.layout = layout_of(model.origin)
        self.window = self.layout.num_steps if self.layout.windows else None  # None: series were taken whole

    def own(self, part: Any, heldout: bool) -> SeriesSample:
        """See `Assessment.own`: spread evenly over all, where there are too many."""
        channels = self.channels.modelled
        most = min(MOST_TRAINING, max(2, MOST_NUMBERS // (int(part.lengths.max()) * len(channels))))
        rows = np.unique(np.linspace(0, len(part) - 1, most).astype(np.int64))
        levels = {c.name: tuple(map(str, c.levels)) for c in channels if c.type == "category"}
        label = next((c for c in self.whole.modelled if c.type == "category"), None)
        known = None
        if label is not None:
            names, cells = [*map(str, label.levels), None], part.values[label.name].take(rows)
            known = [names[code] for code in np.where(cells.missing > 0, -1, cells.data).tolist()]  # -1: none is known
        x = array_of_part(part, channels, rows)
        return SeriesSample(x, part.lengths[rows], tuple(c.name for c in channels), levels, known)

    def read(self, source: Any, fake: bool, notes: Notes) -> SeriesSample:
        """See `Assessment.read`: real series are cut into windows as those that train were."""
        config, calendar = TrainConfig(missing=self.options.missing), self.layout.calendar
        whole = Schema(tuple(column for column in self.whole if column.name not in calendar))
        found = read_series_like(source, self.layout, self.channels, whole, config)
        what, window = ("the synthetic series", None) if fake else ("the real series", self.window)
        return self.own(part_of(found, what, window, self.channels, self.whole, calendar), False)

    def halves(self, whole: SeriesSample) -> tuple[SeriesSample, SeriesSample]:
        """See `Assessment.halves`: in order of time; windows that share steps are not on both sides."""
        half, overlap = len(whole) // 2, self.window or 1
        return whole.take(np.arange(max(2, half - overlap + 1))), whole.take(np.arange(half, len(whole)))

    def remarks(self, parts: Parts[SeriesSample]) -> list[str]:
        """See `Assessment.remarks`."""
        text = "the discriminative and the predictive score, which train networks, are left out of a fast report"
        return [text] if self.fast else []

    def evaluate(self, parts: Parts[SeriesSample], seed: int) -> Evaluation[SeriesFacts]:
        """See `Assessment.evaluate`."""
        heldout = parts.heldout
        fixed = SeriesFeatures(heldout.x, [i for i, name in enumerate(heldout.names) if name in heldout.levels])
        features: dict[str, Any] = {"features": lambda sample: fixed(sample.x), "features_name": FEATURES}
        if len(self.model.codec.rules):
            features["rules"] = self._rules
        recurrent = None if self.fast else Recurrent(discriminate, forecast)  # many trainings: minutes
        return evaluate_series(*parts, recurrent=recurrent, seed=seed, **features)

    def _rules(self, series: SeriesSample) -> tuple[dict[str, float], np.ndarray]:
        """Of all steps of series; see `report.records.Shares`."""
        inside, values = series.inside(), {}
        for c, name in enumerate(series.names):
            x, column = series.x[:, :, c][inside], self.channels.column(name)
            lost = np.isnan(x)
            if column.type == "category":
                x = np.where(lost | (x >= len(column.levels)), -1, x).astype(np.int32)
            values[name] = Values(x, lost.astype(np.int8))
        found: tuple[dict[str, float], np.ndarray] = self.model.codec.rules.shares(values)
        return found

    def sections(self, parts: Parts[SeriesSample], **shared: Any) -> SeriesSections:
        """See `Assessment.sections`."""
        return SeriesSections.of(shared.pop("evaluation"), *parts, **shared)

    def previews(self, folder: Path, heldout: SeriesSample) -> list[tuple[int, np.ndarray]]:
        """See `Assessment.previews`."""
        return read_previews(folder, heldout.x.shape[2])


def read_previews(folder: Path, num_channels: int) -> list[tuple[int, np.ndarray]]:
    """(samples, fakes [n, T, C]) that were kept over the training, in order."""
    kept = [(samples, np.load(file, allow_pickle=False)) for samples, file in kept_files(folder, ".npy")]
    return [(samples, x) for samples, x in kept if x.shape[2] == num_channels]
