"""One metric of series at a time: what it needs of the real series, and who stands in the place of the fakes.

Knows series, their columns and labels; never networks, or how the figures are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gankit.kinds.series.metrics import copies, distances, judge
from gankit.kinds.series.metrics.distances import Side
from gankit.kinds.series.metrics.sample import Columns, SeriesSample, bridged
from gankit.kinds.series.metrics.sums import WHOLE, groups
from gankit.kinds.series.metrics.table import SERIES_METRICS
from gankit.kinds.series.metrics.warping import References, band_of
from gankit.metrics.classification import agreement
from gankit.metrics.distances import frechet, lengths
from gankit.metrics.score import Score, impossible

JUDGED = 2500
"""Series of each side that the trees see."""

SEARCHED, REFERENCES = 300, 1000
"""Fakes of the test of closeness, and series of either part, at most; fewer where they are long or wide."""

WARPED = 1.2e9
"""Products that may be spent on warping the series of that test on one another."""

LONGEST = 1024
"""Steps of series that the recurrent network is asked about."""

BASELINES = ("autoregression", "blocks", "bootstrap")


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

    def __len__(self) -> int:
        return len(self.sample)

    def take(self, rows: np.ndarray) -> SeriesSet:
        """The series at these places."""
        side = Side(self.side.z[rows], self.side.lengths[rows], self.side.group[rows])
        labels = None if self.labels is None else self.labels[rows]
        return SeriesSet(self.sample.take(rows), side, self.rows[rows], self.runs[rows], self.run, labels)

    def first(self, most: int) -> SeriesSet:
        """At most so many, evenly from all."""
        return self if len(self) <= most else self.take(np.linspace(0, len(self) - 1, most).round().astype(int))


def series_set(
    sample: SeriesSample, columns: Columns, rows: np.ndarray, run: int, labels: np.ndarray | None
) -> SeriesSet:
    """The series of a sample with what is needed of them; rows: [N], ascending where run > 1."""
    _, runs = np.unique(rows // max(run, 1), return_inverse=True)
    side = Side(columns(sample), sample.lengths, groups(rows, run))
    return SeriesSet(sample, side, rows, np.asarray(runs), run, labels)


class SeriesTrial:
    """The real series that every contestant is held against, and the contestants.

    train: all training series. heldout: held-out ones. contestants: "fake", "ceiling" (training series), and
    `BASELINES`. columns: how channels became columns. class_names: of the labels. recurrent: the network of TimeGAN's
    two scores, or None. features: [N] series -> [N, F], or None. classify: the class seen in each, or None for a linear
    model.
    """

    def __init__(
        self,
        train: SeriesSample,
        heldout: SeriesSet,
        contestants: Mapping[str, SeriesSet],
        columns: Columns,
        class_names: Sequence[str],
        recurrent: judge.Recurrent | None,
        features: Callable[[SeriesSample], np.ndarray] | None,
        classify: Callable[[SeriesSample], np.ndarray] | None,
        seed: int,
    ) -> None:
        self.train, self.heldout, self.contestants, self.columns = train, heldout, contestants, columns
        self.class_names, self.recurrent, self.seed = class_names, recurrent, seed
        self.features, self.classify, self.members = features, classify, contestants["ceiling"]
        self._looks: dict[str, np.ndarray] = {}
        self._felt: dict[str, np.ndarray] = {}
        self._traits: dict[str, np.ndarray] = {}

    def score(self, name: str, who: str) -> Score | None:
        """The score of metric `name` for `who`, the name of a contestant; None where it is not asked."""
        family, mine = SERIES_METRICS[name].family, self.contestants[who]
        if family == "judge":
            return self._judge(name, who)
        if name == "cross_correlation" and len(set(self.columns.channels)) < 2:
            return None
        if family in ("values", "dynamics", "facts"):
            return self._distance(name, mine)
        if family == "features":
            if self.features is None or who == "bootstrap":
                return None
            return frechet(*(self._features(w) for w in ("heldout", who)), seed=self.seed)
        if family == "form":
            return self._form(name, mine)
        return self._labels(name, who) if family == "labels" else self._copies(name, who)

    def _judge(self, name: str, who: str) -> Score | None:
        mine = self.contestants[who]
        if name == "judge":
            a, b = (self._trait(w) for w in ("heldout", who))
            runs = (self.heldout.first(JUDGED).runs, mine.first(JUDGED).runs)
            return judge.c2st(a, b, runs, seed=self.seed)
        if self.recurrent is None or self.train.x.shape[1] > LONGEST or who == "bootstrap":
            return None
        runs_of = self.recurrent.runs if who in ("fake", "ceiling") else 1
        run = self.heldout.run
        if name == "discriminative":
            real, fake = (self._unit(s)[0] for s in (self.heldout, mine))
            return judge.discriminative(real, fake, self.recurrent, runs_of, run, self.seed)
        if not len(self.columns.numbers):
            return None
        return judge.predictive(self._unit(mine), self._unit(self.heldout), self.recurrent, runs_of, run, self.seed)

    def _unit(self, one: SeriesSet) -> judge.Known:
        """Columns in [0, 1] by the range of real series, the last number channel last; before them what is there."""
        z, columns = one.side.z, self.columns
        width = np.where(columns.high > columns.low, columns.high - columns.low, 1.0)
        x = (bridged(z) - columns.low) / width
        known = np.isfinite(z)
        # channels with gaps, and the end, are seen as such
        told = [known[:, :, d] for d in range(z.shape[2]) if d in self._gapped]
        if self._ending:
            told.append(one.sample.inside())
        target = int(columns.numbers[-1]) if len(columns.numbers) else z.shape[2] - 1
        others = [x[:, :, d] for d in range(z.shape[2]) if d != target]
        stacked = np.stack([*(t.astype(np.float32) for t in told), *others, x[:, :, target]], 2)
        return stacked.astype(np.float32), known[:, :, target]

    @cached_property
    def _gapped(self) -> set[int]:
        """The columns that have gaps in training series, before their end."""
        side = self.members.side
        return set(np.flatnonzero((np.isnan(side.z) & self.members.sample.inside()[:, :, None]).any((0, 1))).tolist())

    @cached_property
    def _ending(self) -> bool:
        """Whether real series or fakes end before the last step."""
        sides = [self.heldout, self.members, self.contestants["fake"]]
        return any(bool((s.sample.lengths < s.sample.x.shape[1]).any()) for s in sides)

    def _distance(self, name: str, mine: SeriesSet) -> Score:
        real, fake, columns, seed = self.heldout.side, mine.side, self.columns, self.seed
        if name in ("marginals", "changes"):
            codes = np.array(columns.codes)
            return distances.marginals(real, fake, columns.names, codes, changes=name == "changes", seed=seed)
        if name == "profile":
            return distances.profile(real, fake, columns.names, seed=seed)
        if name == "cross_correlation":
            return distances.cross_correlation(real, fake, columns.names, columns.channels, seed=seed)
        if name == "autocorrelation":
            return distances.autocorrelation(real, fake, columns.names, absolute_changes=False, seed=seed)
        numbers = columns.numbers
        if not len(numbers):
            return impossible(0.0, "there are no channels of numbers")
        names = [columns.names[d] for d in numbers]
        real, fake = real.columns(numbers), fake.columns(numbers)
        if name == "volatility":
            return distances.autocorrelation(real, fake, names, absolute_changes=True, seed=seed)
        functions = {"spectrum": distances.spectrum, "tails": distances.tails, "asymmetry": distances.asymmetry}
        return functions[name](real, fake, names, seed=seed)

    def _form(self, name: str, mine: SeriesSet) -> Score | None:
        if name == "lengths":
            if not self._ending:
                return None
            return lengths(mine.sample.lengths, self.heldout.sample.lengths, seed=self.seed)
        channels = self.columns.channels
        firsts = [d for d in range(len(channels)) if d == channels.index(channels[d])]
        sides = [s.side for s in (self.heldout, self.members, self.contestants["fake"])]
        if not any(_has_gaps(s) for s in sides):
            return None
        names = [self.train.names[channels[d]] for d in firsts]
        places = np.array(firsts)
        return distances.gaps(sides[0].columns(places), mine.side.columns(places), names, seed=self.seed)

    def _of(self, who: str) -> SeriesSet:
        return self.heldout if who == "heldout" else self.contestants[who]

    def _trait(self, who: str) -> np.ndarray:
        if who not in self._traits:
            some = self._of(who).first(JUDGED)
            self._traits[who] = judge.traits(some.side.z, some.sample.lengths)
        return self._traits[who]

    def _features(self, who: str) -> np.ndarray:
        if who not in self._felt:
            assert self.features is not None
            self._felt[who] = np.asarray(self.features(self._of(who).sample))
        return self._felt[who]

    def _look(self, who: str) -> np.ndarray:
        if who not in self._looks:
            self._looks[who] = judge.looks(self._of(who).side.z)
        return self._looks[who]

    def _labelled(self, who: str) -> tuple[np.ndarray, np.ndarray]:
        """`judge.looks` and labels of the series whose label is known."""
        known = self._of(who).labels
        if known is None:
            return np.empty((0, 1)), np.empty(0, np.int64)
        rows = np.flatnonzero(known >= 0)
        return self._look(who)[rows], known[rows]

    @cached_property
    def seen(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of held-out series and fakes with a label: the labels, and those that the classifier sees."""
        out: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        if len(self.class_names) < 2:
            return out
        x, y = self._labelled("ceiling")
        see = None
        if self.classify is None and len(np.unique(y)) > 1:
            see = judge.learn_linear(x, y)
        for who in ("heldout", "fake"):
            mine, known = self._of(who), self._of(who).labels
            if known is None or not (known >= 0).any():
                continue
            rows = np.flatnonzero(known >= 0)
            if self.classify is not None:
                out[who] = (known[rows], np.asarray(self.classify(mine.sample.take(rows))))
            elif see is not None:
                out[who] = (known[rows], see(self._look(who)[rows]))
        return out

    def _labels(self, name: str, who: str) -> Score | None:
        if who == "bootstrap" or not {"heldout", "fake"} <= set(self.seen):
            return None
        if name == "agreement":  # the classifier knows its training series: the ceiling is what it makes of new ones
            if who not in ("fake", "ceiling"):
                return None
            return agreement(*self.seen["heldout" if who == "ceiling" else "fake"], len(self.class_names), "series")
        (x, y), (test, truth) = self._labelled(who), self._labelled("heldout")
        if len(np.unique(y)) < 2 or not len(truth):
            return impossible(1.0, "the series to learn from have fewer than two labels, or there are none to test on")
        if name == "usefulness":
            return judge.usefulness(judge.learn_linear(x, y), test, truth, self.class_names, len(y))
        if self.train.x.shape[1] <= WHOLE:  # of longer series a step says nothing
            x, test = (
                bridged(s.side.z).reshape(len(s), -1)[np.flatnonzero(np.asarray(s.labels) >= 0)]
                for s in (self._of(who), self.heldout)
            )
        return judge.usefulness(judge.learn_nearest(x, y), test, truth, self.class_names, len(y))

    def _copies(self, name: str, who: str) -> Score | None:
        if who not in ("fake", "ceiling", "bootstrap"):
            return None
        first, second = self._halves
        fake, real = (first, second) if who == "ceiling" else (self.contestants[who], self.heldout)
        if name == "copies_exact":
            return _numbered(copies.copies_exact(self.train, real.sample, fake.sample), fake.rows, None)
        if not len(first) or not len(second):
            return impossible(0.5, "the held-out series share all their steps")
        searched, references = self._room
        fake = fake.first(searched if who != "bootstrap" else max(2, searched // 4))
        every = self.members.first(references)
        size = min(len(real), len(every))
        members, others = every.first(size), real.first(size)
        known = References(self.search(every))
        near = known if size == len(every) else References(self.search(members))
        single = others.take(np.unique(others.runs, return_index=True)[1][:searched])
        usual = known.nearest(self.search(single)).distances
        runs = tuple(np.unique(s.runs, return_inverse=True)[1] for s in (members, others))
        score = copies.copies_near(
            near, References(self.search(others)), self.search(fake), known, usual, (runs[0], runs[1])
        )
        return _numbered(score, fake.rows, every.rows)

    @staticmethod
    def search(series: SeriesSet) -> np.ndarray:
        """Series as they are looked for."""
        return copies.searchable(series.side.z)

    @cached_property
    def _halves(self) -> tuple[SeriesSet, SeriesSet]:
        """The held-out series in two, by runs, so that the halves share no steps."""
        runs, held = self.heldout.runs, self.heldout
        middle = (int(runs.max(initial=0)) + 1) // 2
        # one run between the halves is left out where series share steps: its end lies in the next
        return held.take(np.flatnonzero(runs < middle)), held.take(np.flatnonzero(runs >= middle + (held.run > 1)))

    @property
    def _room(self) -> tuple[int, int]:
        """(fakes, references) of the test of closeness: what time allows."""
        shape = self.search(self.heldout.first(2)).shape
        pair = shape[1] * (2 * band_of(shape[1]) + 1) * (shape[2] + 3)
        searched = int(np.clip(WARPED / (pair * REFERENCES), 60, SEARCHED))
        return searched, int(np.clip(WARPED / (pair * searched), 100, REFERENCES))


def _has_gaps(side: Side) -> bool:
    inside = np.arange(side.z.shape[1]) < side.lengths[:, None]
    return bool((np.isnan(side.z) & inside[:, :, None]).any())


def _numbered(score: Score, fakes: np.ndarray, members: np.ndarray | None) -> Score:
    """The score with the rows of its pairs as numbers in the sets they were taken from."""
    pairs: list[dict[str, Any]] = score.details.get("pairs", [])
    for pair in pairs:
        pair["fake"] = int(fakes[pair["fake"]])
        if members is not None:
            pair["train"] = int(members[pair["train"]])
    return score
