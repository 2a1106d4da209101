"""One metric of texts at a time: what it needs of the real texts, and who stands in the place of the fakes.

Knows texts, their units as numbers, features and labels; never networks, or how the figures are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gankit.kinds.texts.metrics import bleu, copies, judge, variety
from gankit.kinds.texts.metrics import grams as counted
from gankit.kinds.texts.metrics.distances import References
from gankit.kinds.texts.metrics.grams import Coded, GramNames, Grams
from gankit.kinds.texts.metrics.table import TEXT_METRICS
from gankit.metrics.classification import agreement
from gankit.metrics.distances import lengths
from gankit.metrics.score import Score

JUDGED = 2000
"""Texts of each side that the judge sees, and fakes whose labels are looked at."""

SEARCHED, MOST_SEARCHED = 300, 1000
SEARCHED_UNITS = 12_000
REFERENCES = 2000
"""Fakes of the test of closeness (at most 1,000, as many as have about 12,000 units, at least 300), and texts of either
part."""

BASELINES = ("unigram", "trigram", "shuffled", "bootstrap")


@dataclass(frozen=True)
class TextSet:
    """Texts with their units as numbers, in one order.

    texts: [N]; coded: the same as numbers; rows: [N] their numbers in the set they were taken from. labels: [N] int,
    of the class they have or were asked for, -1 where none is known; or None.
    """

    texts: list[str]
    coded: Coded
    rows: np.ndarray
    labels: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: np.ndarray) -> TextSet:
        """The texts at these places."""
        labels = None if self.labels is None else self.labels[rows]
        return TextSet([self.texts[i] for i in rows], self.coded.take(rows), self.rows[rows], labels)

    def first(self, most: int) -> TextSet:
        """The first texts, at most so many."""
        return self if len(self) <= most else self.take(np.arange(most))

    def labelled(self) -> TextSet:
        """The texts whose label is known."""
        assert self.labels is not None
        return self.take(np.flatnonzero(self.labels >= 0))


class TextTrial:
    """The real texts that every contestant is held against, and the contestants.

    train: all training texts. heldout: shuffled held-out texts. contestants: "fake", "ceiling" (training texts), and
    `BASELINES`. units: the unit of each number. class_names: of the labels. valid: the user's rule or None. features:
    of texts, for judges.
    """

    def __init__(
        self,
        train: Sequence[str],
        heldout: TextSet,
        contestants: Mapping[str, TextSet],
        units: Sequence[str],
        class_names: Sequence[str],
        valid: Callable[[str], bool] | None,
        features: judge.Features,
        seed: int,
    ) -> None:
        self.train, self.heldout, self.contestants = train, heldout, contestants
        self.units, self.class_names, self.valid, self.seed = units, class_names, valid, seed
        self.members = contestants["ceiling"]
        self._known, self._features = set(train), features
        self._order = {who: k + 1 for k, who in enumerate(contestants)}
        self._sparse: dict[str, Any] = {}
        self._each: dict[str, tuple[np.ndarray, ...]] = {}
        self._among: dict[bool, tuple[References, References, np.ndarray]] = {}

    def score(self, name: str, who: str) -> Score | None:
        """The score of metric `name` for `who`, the name of a contestant; None where it is not asked."""
        metric, texts = TEXT_METRICS[name], self.contestants[who]
        if metric.family == "grams":
            real, fake = self._grams(0), self._grams(self._order[who])
            part = slice(None) if not metric.order else slice(metric.order - 1, metric.order)
            return counted.divergence(real[part], fake[part], seed=self.seed)
        if metric.family == "bleu":
            return self._bleu(name, metric.order, who)
        if metric.family == "variety":
            if name == "uniqueness":
                return variety.uniqueness(texts.texts)
            return variety.novelty((self.heldout if who == "ceiling" else texts).texts, self._known)
        if metric.family == "validity":
            return None if self.valid is None else variety.validity(texts.texts, self.valid)
        if metric.family == "shape":
            return self._shape(name, texts)
        if metric.family == "judge":
            return judge.c2st(self._rows("heldout"), self._rows(who), seed=self.seed)
        return self._labels(name, who) if metric.family == "labels" else self._copies(name, who)

    @cached_property
    def marked(self) -> list[tuple[list[Grams], GramNames]]:
        """The n-grams with marks, n = 1 .. 4: of the held-out texts, then of the contestants in their order."""
        corpora = [self.heldout.coded, *(c.coded for c in self.contestants.values())]
        return counted.grams(corpora, len(counted.ORDERS), marks=True)

    @cached_property
    def _plain(self) -> list[list[Grams]]:
        corpora = [self.heldout.coded, *(c.coded for c in self.contestants.values())]
        return [tables for tables, _ in counted.grams(corpora, max(bleu.ORDERS), marks=False)]

    def _grams(self, place: int) -> list[Grams]:
        return [tables[place] for tables, _ in self.marked]

    def _bleu(self, name: str, order: int, who: str) -> Score:
        if who not in self._each:
            self._each[who] = self._bleus(who)
        forward, backward, own, forward_fast, own_fast = self._each[who]
        if name.startswith("self"):
            return bleu.bleu_score(own[order - 1], best=0.0, fast=_mean(own_fast, order))
        if name.startswith("backward"):
            return bleu.bleu_score(backward[order - 1], best=1.0)
        return bleu.bleu_score(forward[order - 1], best=1.0, fast=_mean(forward_fast, order))

    def _bleus(self, who: str) -> tuple[np.ndarray, ...]:
        """BLEU-n of each text, n = 1 .. 5: forward, backward, among themselves; forward and own with 500 references."""
        real, fake = self.heldout.coded.lengths, self.contestants[who].coded.lengths
        a, b = ([tables[k] for tables in self._plain] for k in (0, self._order[who]))
        some, own = ([bleu.head(t, bleu.FAST) for t in side] for side in (a, b))
        return (
            bleu.bleu_each(b, a, fake, real),
            bleu.bleu_each(a, b, real, fake),
            bleu.self_bleu_each(b, fake),
            bleu.bleu_each(b, some, fake, real[: bleu.FAST]),
            bleu.self_bleu_each(own, fake[: bleu.FAST]),
        )

    def _shape(self, name: str, texts: TextSet) -> Score:
        if name == "lengths":
            return lengths(texts.coded.lengths, self.heldout.coded.lengths, seed=self.seed)
        return variety.symbols(texts.coded, self.heldout.coded, self.units, rare=name == "rare_symbols")

    def _rows(self, who: str) -> Any:
        """Features of the first texts of a contestant or of "heldout"."""
        if who not in self._sparse:
            texts = self.heldout if who == "heldout" else self.contestants[who]
            self._sparse[who] = self._features(texts.first(JUDGED).texts)
        return self._sparse[who]

    def _known_rows(self, who: str) -> tuple[Any, np.ndarray]:
        """Features and labels of the first texts with a label."""
        texts = self.heldout if who == "heldout" else self.contestants[who]
        labels = texts.first(JUDGED).labels
        assert labels is not None
        kept = np.flatnonzero(labels >= 0)
        return self._rows(who)[kept], labels[kept]

    @cached_property
    def see(self) -> Callable[[Any], np.ndarray] | None:
        """What a classifier trained on training texts sees in rows of features; None without labels."""
        if self.members.labels is None or len(self.class_names) < 2:
            return None
        texts = self.members.labelled()
        if len(texts) == 0:
            return None
        return judge.learn(self._features(texts.texts), np.asarray(texts.labels), len(self.class_names))

    @cached_property
    def seen(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of held-out texts and fakes with a label: the labels, and those that the classifier sees."""
        if self.see is None or self.heldout.labels is None or self.contestants["fake"].labels is None:
            return {}
        found = {who: self._known_rows(who) for who in ("heldout", "fake")}
        return {who: (labels, self.see(x)) for who, (x, labels) in found.items() if len(labels)}

    def _labels(self, name: str, who: str) -> Score | None:
        if who not in ("fake", "ceiling") or not {"heldout", "fake"} <= set(self.seen):
            return None
        if name == "agreement":  # the classifier knows its training texts: the ceiling is what it makes of new ones
            return agreement(*self.seen["heldout" if who == "ceiling" else "fake"], len(self.class_names), "texts")
        x, y = self._known_rows(who)
        real, truth = self._known_rows("heldout")
        return judge.usefulness(x, y, real, truth, self.class_names)

    @cached_property
    def _halves(self) -> tuple[TextSet, TextSet]:
        half = len(self.heldout) // 2
        return self.heldout.take(np.arange(half)), self.heldout.take(np.arange(half, len(self.heldout)))

    def _copies(self, name: str, who: str) -> Score | None:
        if who not in ("fake", "ceiling", "bootstrap"):
            return None
        fake = self._halves[0] if who == "ceiling" else self.contestants[who]
        real = self._halves[1] if who == "ceiling" else self.heldout
        if name == "copies_exact":
            return _numbered(copies.copies_exact(self.train, real.texts, fake.texts), fake.rows, None)
        fake = fake.first(self._searched if who != "bootstrap" else self._searched // 4)
        members, others, usual = self._references(halved=who == "ceiling")
        return _numbered(copies.copies_near(members, others, fake.coded, usual), fake.rows, self.members.rows)

    @property
    def _searched(self) -> int:
        mean = max(1.0, float(self.contestants["fake"].coded.lengths.mean()))
        return int(min(MOST_SEARCHED, max(SEARCHED, SEARCHED_UNITS / mean)))

    def _references(self, halved: bool) -> tuple[References, References, np.ndarray]:
        """As many training as held-out texts (the second half of them for the ceiling), and what is usual between."""
        if halved not in self._among:
            real = self._halves[1] if halved else self.heldout
            size = min(len(real), len(self.members), REFERENCES)
            members, others = (References(s.first(size).coded) for s in (self.members, real))
            usual = members.nearest(real.first(min(self._searched, size)).coded).distances
            self._among[halved] = members, others, usual
        return self._among[halved]


def _mean(each: np.ndarray, order: int) -> float | None:
    return float(each[order - 1].mean()) if each.shape[1] >= 2 else None


def _numbered(score: Score, fakes: np.ndarray, members: np.ndarray | None) -> Score:
    """The score with the rows of its pairs as numbers in the sets they were taken from."""
    pairs: list[dict[str, Any]] = score.details.get("pairs", [])
    for pair in pairs:
        pair["fake"] = int(fakes[pair["fake"]])
        if members is not None:
            pair["train"] = int(members[pair["train"]])
    return score
