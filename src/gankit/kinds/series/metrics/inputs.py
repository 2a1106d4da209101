"""What the metrics of series look at: real series, the candidates that are held against them, what they share, and the
baselines (a vector autoregression, a block bootstrap of training series, copies).

Knows series, their columns and labels; never networks, what a metric computes, or how figures are shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit.kinds.series.metrics import classifiers, distances
from gankit.kinds.series.metrics.distances import Side, groups, runs_of
from gankit.kinds.series.metrics.sample import Columns, References, SeriesSample, aligned, band_of, overlap, searchable
from gankit.kinds.series.records import bridged
from gankit.metrics.classification import class_entries, class_numbers, confusion_figures
from gankit.metrics.distances import length_histograms
from gankit.metrics.evaluate import CEILING, FAKE, Inputs, MetricResult, Rows, check_sizes
from gankit.metrics.metric import Baseline, Noun, plain
from gankit.randomness import numpy_generator
from gankit.report.records import Shares

NOUN = Noun("series", "series")
HELDOUT = "heldout"  # the held-out series among what is asked by name

LONGEST = 1024  # steps of series that the recurrent network is asked about
SEEN_BY_TREES = 2500  # series of each side
SEARCHED, REFERENCES = 300, 1000  # fakes of the test of closeness, series of either part; fewer of long or wide ones
WARPED = 1.2e9  # products that may be spent on warping the series of that test on one another
MOST_NUMBERS = 20_000_000  # of the series of a side: of larger ones fewer are compared
NUM_OF_CLASS = 8
ORDER = 2  # steps that the autoregression looks back

_NUM_SHOWN = 12  # fakes whose nearest real series are looked up for showing
_LEAST_OF_CLASS, _MOST_OF_CLASS = 5, 2000
_ALIKE = 0.7
_RIDGE = 1e-3
_MOST_CELLS = 4_000_000  # of the training part that the autoregression is fitted on

Features = Callable[[SeriesSample], np.ndarray]
"""Series -> [N, F], in which the Frechet distance is taken."""


@dataclass(frozen=True)
class SeriesFacts:
    """What a report on series needs beside the results.

    features: one sentence: what the features are.
    series: "steps" of the longest, "shortest", "channels", "categories" and "columns" by name, and "run", the rows on
        which a held-out window first shares no step with a window.
    classifier: of labels, on held-out series: `gankit.metrics.classification.confusion_figures`; None without labels.
    per_class: a line a label; empty without labels: those of `gankit.metrics.classification.class_entries`, and
        "profile", "autocorrelation": the distances of its fakes from its held-out series; the same with "_real": of its
        training series. Null where it has fewer than 5.
    lengths: `gankit.metrics.distances.length_histograms`; None where all series have one length.
    shown: numbers of rows, for showing: the first fakes, unchosen, "shown"; in the same order "nearest_train",
        "distance_train", "nearest_heldout", "distance_heldout", by time warping in standard deviations, among those
        that were searched; "copied": the pairs of `copies_near`, the most suspicious first; "by_class": the first fakes
        of each label.
    """

    features: str
    series: Mapping[str, Any]
    classifier: Mapping[str, Any] | None
    per_class: Sequence[Mapping[str, Any]]
    lengths: Mapping[str, Any] | None
    shown: Mapping[str, Any]


@dataclass(frozen=True)
class SeriesSet:
    """Series with their columns, in one order.

    sample: the series; side: their columns, ready to be compared; rows: [N] their numbers in the set they were taken
    from; runs: [N] int, the run of each: series that share steps; run: how many are in one.
    labels: [N] int, of the class they have or were asked for, -1 where none is known; or None.
    """

    sample: SeriesSample
    side: Side
    rows: np.ndarray
    runs: np.ndarray
    run: int
    labels: np.ndarray | None = None

    @classmethod
    def of(
        cls, sample: SeriesSample, columns: Columns, rows: np.ndarray, run: int = 1, labels: np.ndarray | None = None
    ) -> SeriesSet:
        """The series of a sample with what is needed of them; rows: [N], ascending where run > 1."""
        side = Side(columns(sample), sample.lengths, groups(rows, run))
        return cls(sample, side, rows, runs_of(rows, run), run, labels)

    def __len__(self) -> int:
        return len(self.sample)

    def take(self, rows: np.ndarray) -> SeriesSet:
        """The series at these places."""
        side = Side(self.side.z[rows], self.side.lengths[rows], self.side.group[rows])
        labels = None if self.labels is None else self.labels[rows]
        return SeriesSet(self.sample.take(rows), side, self.rows[rows], self.runs[rows], self.run, labels)

    def of_label(self, k: int) -> SeriesSet:
        """Those of a label; none where no labels are known."""
        return self.take(np.flatnonzero(self.labels == k))

    def first(self, most: int) -> SeriesSet:
        """At most so many, evenly from all."""
        return self if len(self) <= most else self.take(np.linspace(0, len(self) - 1, most).round().astype(int))

    @property
    def searched(self) -> np.ndarray:
        """The series as they are looked for."""
        return searchable(self.side.z)

    @property
    def gaps(self) -> np.ndarray:
        """[N, T, D] bool: what is missing before a series' end."""
        return np.asarray(np.isnan(self.side.z) & self.sample.inside()[:, :, None])

    @property
    def labelled(self) -> np.ndarray:
        """The places of those whose label is known."""
        return np.empty(0, np.int64) if self.labels is None else np.flatnonzero(self.labels >= 0)


class SeriesInputs(Inputs[SeriesSet, SeriesFacts]):
    """The real series that every candidate is held against.

    Args:
        train, heldout: real series, those of windows cut from a longer one in their order in time. fake: fakes. With
            labels: those that the real ones have, and those that were asked for.
        recurrent: the network of the two scores of TimeGAN, which are left out where it is None or where series have
            more than 1,024 steps.
        features: series -> [N, F] in which the Frechet distance is taken, or None. features_name: one sentence for
            the report: what they are.
        rules: from series to what of their steps breaks each rule, or None; see `report.records.Shares`.
        seed: of every choice.
        max_series: at most so many of each side are compared; equal series are looked for among all training ones.

    Attributes:
        train: all training series. members: those that are compared, the ceiling. heldout: held-out ones, compared.
        columns: how channels became columns. class_names: of the labels.

    Raises:
        DataError: a set has fewer than 2 series, or other channels.
    """

    kind, noun = "series", NOUN

    def __init__(
        self, train: SeriesSample, heldout: SeriesSample, fake: SeriesSample, *,
        recurrent: classifiers.Recurrent | None = None, features: Features | None = None, features_name: str = "",
        rules: Shares | None = None, seed: int = 0, max_series: int = 5000,
    ) -> None:  # fmt: skip
        check_sizes(NOUN, train, heldout, fake)
        self.recurrent, self.features, self.features_name, self.seed = recurrent, features, features_name, seed
        self.rules = rules
        sides = train, heldout, fake = aligned(train, heldout, fake)
        self.train, self._fakes = train, fake
        labels = (train.labels, heldout.labels, fake.labels)
        known = None if all(v is None for v in labels) else labels
        self.class_names, numbers = class_numbers(known, [len(s) for s in sides], NOUN.one)
        self.columns = Columns.fit(train, heldout)
        if not self.columns.names:
            raise DataError("the series have no channel that could be compared.")
        most = max(2, min(max_series, MOST_NUMBERS // (train.x.shape[1] * len(self.columns.names))))
        compared = min(len(fake), len(train), most)
        generator = numpy_generator(seed, "metrics/series")

        def chosen(sample: SeriesSample, count: int, run: int, mine: np.ndarray | None) -> SeriesSet:
            rows = np.sort(generator.permutation(len(sample))[:count])
            return SeriesSet.of(sample.take(rows), self.columns, rows, run, None if mine is None else mine[rows])

        self.members = chosen(train, compared, overlap(train.x), numbers[0])
        self.heldout = chosen(heldout, most, overlap(heldout.x), numbers[1])
        self.candidates = {FAKE: chosen(fake, compared, 1, numbers[2]), CEILING: self.members}
        self._shortest = int(min(s.lengths.min() for s in (train, heldout)))
        self.rows = Rows(len(train), len(heldout), len(fake), compared, len(self.heldout))
        self._asked = numbers[2]
        self._kept: dict[tuple[str, str], np.ndarray] = {}

    def of(self, who: str) -> SeriesSet:
        """The held-out series, or a candidate."""
        return self.heldout if who == HELDOUT else self.candidates[who]

    def _once(self, what: str, who: str, make: Callable[[SeriesSet], np.ndarray]) -> np.ndarray:
        if (what, who) not in self._kept:
            self._kept[what, who] = make(self.of(who))
        return self._kept[what, who]

    # what several metrics share

    def traits(self, who: str) -> np.ndarray:
        """What the trees see of some series."""
        some = self.of(who).first(SEEN_BY_TREES)
        return self._once("traits", who, lambda _: classifiers.traits(some.side.z, some.sample.lengths))

    def featured(self, who: str) -> np.ndarray:
        """The series in features: [N, F]."""
        features = self.features
        assert features is not None
        return self._once("features", who, lambda series: np.asarray(features(series.sample)))

    def shapes(self, who: str) -> np.ndarray:
        """What the classifier of labels sees of the series: [N, F]."""
        return self._once("shapes", who, lambda series: classifiers.shapes(series.side.z))

    def unit(self, who: str) -> classifiers.Known:
        """Columns in [0, 1] by the range of real series, the last number channel last; before them what is there."""
        one, columns = self.of(who), self.columns
        z = one.side.z
        width = np.where(columns.high > columns.low, columns.high - columns.low, 1.0)
        x = (bridged(z) - columns.low) / width
        known = np.isfinite(z)
        # channels with gaps in training series, and the end, are seen as such
        masks = [known[:, :, d] for d in np.flatnonzero(self._gapped)]
        if self.ending:
            masks.append(one.sample.inside())
        target = int(columns.numbers[-1]) if len(columns.numbers) else z.shape[2] - 1
        others = [x[:, :, d] for d in range(z.shape[2]) if d != target]
        stacked = np.stack([*(m.astype(np.float32) for m in masks), *others, x[:, :, target]], 2)
        return stacked.astype(np.float32), known[:, :, target]

    @cached_property
    def _gapped(self) -> np.ndarray:
        return np.asarray(self.members.gaps.any((0, 1)))

    @cached_property
    def ending(self) -> bool:
        """Whether real series or fakes end before the last step."""
        return any(bool((s.sample.lengths < s.sample.x.shape[1]).any()) for s in self._sides)

    @cached_property
    def gapped(self) -> bool:
        """Whether real series or fakes have gaps before their end."""
        return any(bool(s.gaps.any()) for s in self._sides)

    @property
    def _sides(self) -> tuple[SeriesSet, SeriesSet, SeriesSet]:
        return self.heldout, self.members, self.candidates[FAKE]

    @cached_property
    def seen(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of held-out series and fakes with a label: labels, and those seen by a linear model of training series."""
        (x, y), sides = self.learned(CEILING), {who: self.learned(who) for who in (HELDOUT, FAKE)}
        if len(np.unique(y)) < 2:
            return {}
        see = classifiers.learn_linear(x, y)
        return {who: (labels, see(shapes)) for who, (shapes, labels) in sides.items() if len(labels)}

    def learned(self, who: str) -> tuple[np.ndarray, np.ndarray]:
        """`shapes` and labels of the series whose label is known; none where all have one label."""
        labels, rows = self.of(who).labels, self.of(who).labelled
        if labels is None or len(self.class_names) < 2:
            return np.empty((0, 1)), np.empty(0, np.int64)
        return self.shapes(who)[rows], labels[rows]

    @cached_property
    def halves(self) -> tuple[SeriesSet, SeriesSet]:
        """The held-out series in two, by runs, so that the halves share no steps."""
        runs, held = self.heldout.runs, self.heldout
        middle = (int(runs.max(initial=0)) + 1) // 2
        # one run between the halves is left out where series share steps: its end lies in the next
        return held.take(np.flatnonzero(runs < middle)), held.take(np.flatnonzero(runs >= middle + (held.run > 1)))

    @property
    def room(self) -> tuple[int, int]:
        """(fakes, references) of the test of closeness: what time allows."""
        shape = self.heldout.first(2).searched.shape
        pair = shape[1] * (2 * band_of(shape[1]) + 1) * (shape[2] + 3)
        searched = int(np.clip(WARPED / (pair * REFERENCES), 60, SEARCHED))
        return searched, int(np.clip(WARPED / (pair * searched), 100, REFERENCES))

    # what the report needs beside the results

    def notes(self, results: Mapping[str, MetricResult]) -> list[str]:
        """See `Inputs.notes`."""
        notes, train, columns = [], self.train, self.columns.names
        if self.heldout.run > 1:
            count = len(np.unique(self.heldout.runs))
            notes.append(
                f"The held-out windows overlap: {len(self.heldout):,} of them say about as much as {count:,} that "
                "share no steps, and the intervals are as wide as those make them."
            )
        if len(columns) < sum(len(train.levels.get(name, ("",))) for name in train.names):
            notes.append(f"{len(columns)} columns were compared; rare levels and further channels were not.")
        if self.recurrent is not None and train.x.shape[1] > LONGEST:
            notes.append(f"The scores of TimeGAN were left out: the series have more than {LONGEST:,} steps.")
        ceiling = results["judge"].ceiling if "judge" in results else None
        if ceiling is not None and ceiling.value < _ALIKE:
            notes.append(
                "The training part and the held-out part differ themselves (trees tell them apart with an AUC of "
                f"{ceiling.details['auc']:.2f}), as where a series changes with time: real series reach less than all "
                "against this held-out part, and synthetic ones like the training part cannot do better."
            )
        return notes

    def facts(self, results: Mapping[str, MetricResult]) -> SeriesFacts:
        """See `Inputs.facts`."""
        names, categories, classified = self.train.names, self.train.levels, self.seen.get(HELDOUT)
        lengths = [s.sample.lengths for s in (self.heldout, self.candidates[FAKE])]
        series = {
            "steps": self.train.x.shape[1], "shortest": self._shortest, "channels": list(names),
            "categories": [name for name in names if name in categories], "columns": list(self.columns.names),
            "run": self.heldout.run,
        }  # fmt: skip
        return SeriesFacts(
            self.features_name,
            series,
            None if classified is None else confusion_figures(*classified, self.class_names, "series"),
            self._per_class(),
            length_histograms(*lengths) if len(np.unique(np.concatenate(lengths))) > 1 else None,
            self._shown(results),
        )

    def _per_class(self) -> list[dict[str, Any]]:
        """See `SeriesFacts.per_class`: distances of as many series of either side, 5 to 2,000."""
        real, fake, members = self.heldout, self.candidates[FAKE], self.members
        if real.labels is None or fake.labels is None or not self.class_names:
            return []
        out = class_entries(self.class_names, real.labels, fake.labels, self.seen.get(FAKE), "series")
        names, seed = self.columns.names, self.seed
        for k, entry in enumerate(out):
            entry |= dict.fromkeys(("profile", "profile_real", "autocorrelation", "autocorrelation_real"))
            here, sides = real.of_label(k), {"": fake.of_label(k)}
            if members.labels is not None:
                sides["_real"] = members.of_label(k)
            size = min(_MOST_OF_CLASS, len(here), *(len(s) for s in sides.values()))
            for suffix, of in sides.items() if size >= _LEAST_OF_CLASS else ():
                pair = here.first(size).side, of.first(size).side
                memory = distances.autocorrelation(*pair, names, absolute_changes=False, seed=seed)
                entry[f"profile{suffix}"] = distances.profile(*pair, names, seed=seed).value
                entry[f"autocorrelation{suffix}"] = memory.value
        return [dict(plain(entry)) for entry in out]

    def _shown(self, results: Mapping[str, MetricResult]) -> dict[str, Any]:
        rows = np.arange(min(_NUM_SHOWN, len(self._fakes)))
        first = SeriesSet.of(self._fakes.take(rows), self.columns, rows).searched
        out: dict[str, Any] = {"shown": rows}
        for name, side in (("train", self.members), (HELDOUT, self.heldout)):
            some = side.first(REFERENCES)
            found = References(some.searched).nearest(first)
            out |= {f"nearest_{name}": some.rows[found.rows], f"distance_{name}": found.distances}
        out["copied"] = results["copies_near"].details.get("pairs", []) if "copies_near" in results else []
        by_class = {n: np.flatnonzero(self._asked == k)[:NUM_OF_CLASS] for k, n in enumerate(self.class_names)}
        out["by_class"] = {name: found for name, found in by_class.items() if len(found)}
        return dict(plain(out))


def autoregression(train: SeriesSample, columns: Columns, num_series: int, seed: int) -> SeriesSample:
    """Series of a vector autoregression of order 2 that was fitted to the training series by least squares.

    x_t = b + A_1 x_{t-1} + A_2 x_{t-2} + e_t, over all columns together, with errors e_t resampled from those of the
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
        lags = range(1, order + 1)
        some = z[generator.permutation(len(z))[: max(2, _MOST_CELLS // (steps * size))]]
        past = np.concatenate([some[:, order - k : steps - k] for k in lags], 2).reshape(-1, order * size)
        past = np.concatenate([np.ones((len(past), 1)), past], 1)
        now = some[:, order:].reshape(-1, size)
        penalty = _RIDGE * np.eye(past.shape[1])
        penalty[0, 0] = 0
        weights = np.linalg.solve(past.T @ past + penalty, past.T @ now)
        errors = now - past @ weights
        for t in range(order, steps):
            seen = np.concatenate([np.ones((num_series, 1)), *(out[:, t - k] for k in lags)], 1)
            drawn = errors[generator.integers(0, len(errors), num_series)]
            out[:, t] = np.clip(seen @ weights + drawn, columns.low, columns.high)
    like = train.take(first)
    return replace(like, x=np.where(np.isnan(like.x), np.nan, columns.back(out, train.levels)))


def blocks(train: SeriesSample, num_series: int, seed: int) -> SeriesSample:
    """Series glued from blocks of training series (a block bootstrap, Kunsch 1989).

    A block has about sqrt(T) steps and stands where it stood; each is drawn from another training series, of the same
    label and long enough if there is one. The first one gives label and length.
    """
    generator = numpy_generator(seed, "metrics/series/blocks")
    steps = train.x.shape[1]
    width = max(1, math.ceil(math.sqrt(steps)))
    first = generator.integers(0, len(train), num_series)
    like = train.take(first)
    out, labels = like.x.copy(), np.array([""] * len(train) if train.labels is None else [*map(str, train.labels)])
    for start in range(width, steps, width):
        stop = min(start + width, steps)
        donor = generator.integers(0, len(train), num_series)
        for k in np.unique(labels[first]):
            rows, mine = np.flatnonzero(labels == k), labels[first] == k
            donor[mine] = rows[donor[mine] % len(rows)]
        chosen = np.where(train.lengths[donor] >= np.minimum(stop, like.lengths), donor, first)
        out[:, start:stop] = train.x[chosen, start:stop]
    out[~like.inside()] = np.nan
    return replace(like, x=out)


def bootstrap(train: SeriesSample, num_series: int, seed: int) -> SeriesSample:
    """Training series drawn again."""
    return train.take(numpy_generator(seed, "metrics/series/bootstrap_rows").integers(0, len(train), num_series))


def _made(make: Callable[..., SeriesSample], inputs: SeriesInputs, *own: Any) -> SeriesSet:
    """A baseline of the compared training series, whose labels are numbers that others take over."""
    members = inputs.members
    sample = make(replace(members.sample, labels=members.labels), *own, inputs.rows.compared, inputs.seed)
    labels = None if sample.labels is None else np.asarray(sample.labels, np.int64)
    return SeriesSet.of(sample, inputs.columns, np.arange(len(sample)), labels=labels)


BASELINES: Sequence[Baseline[SeriesInputs]] = (
    Baseline(
        "autoregression", lambda i: _made(autoregression, i, i.columns), "Autoregression", "a vector autoregression",
        "a vector autoregression: each step from the two before it, by least squares, with resampled residuals. A "
        "plain method that a GAN should beat.", "triangle", start=True,
    ),
    Baseline(
        "blocks", lambda i: _made(blocks, i), "Block bootstrap", "a block bootstrap",
        "blocks of training series, each from another one, one after another. It keeps short movements and loses long "
        "ones.", "square", start=True,
    ),
    Baseline(
        "bootstrap", lambda i: _made(bootstrap, i), "Bootstrap", "a bootstrap of training series",
        "a bootstrap of training series: as real as can be, and all of it copied. It shows what a copier would score.",
        "cross",
    ),
)  # fmt: skip
