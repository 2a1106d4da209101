"""What all metrics of texts look at, the plain baselines beside the fakes, and what a report needs beside the results.

Knows texts and a function that cuts them into units; never how texts were made, the metrics, or pages.

Beside what `gankit.metrics.evaluate` documents, the "evaluation" of report.json holds the fields of `TextFacts`:

    "units": {"symbols": 41,         # of the training texts that were compared
              "characters": true, "called": "characters" | "words" | "symbols", "longest": 19},
    "classifier": FIGURES | null,    # of labels, on held-out texts: `gankit.metrics.classification.confusion_figures`
    "per_class": [{"class", "real", "fake" (shares), "real_texts", "fake_texts",
                   "ngrams", "ngrams_real" (of as many training texts), "unique", "new", "agreement"}, ...],
    "asked": true,
    "lengths": {"edges": [K + 1], "real": [K], "fake": [K]},           # shares of the texts, in units
    "grams": [{"order": 1, "units": ["a"], "real": 0.02, "fake": 0.1}, ...],   # "" is the mark of begin or end
    "texts": {                       # numbers of rows, for showing
      "shown": [0, 1, ...],          # the first fakes, uncurated; beside each, in the same order:
      "nearest_train": [17, ...], "distance_train": [0.4, ...],        # in edits over the longer text's length
      "nearest_heldout": [3, ...], "distance_heldout": [0.5, ...],
      "copied": [{"fake", "train", "distance_train", "distance_heldout"}, ...],   # the most suspicious first
      "invalid": [5, ...],           # the first fakes that the rule does not call valid
      "by_class": {"Greek": [4, ...]}    # the first fakes of each class
    },
    "likelihood": null | {           # G before adversarial training, where it was kept
      "samples": 9000,               # real texts shown to it
      "rows": [{"temperature": null (the fakes) | 1.0, "ngrams": 0.1, ...}, ...]   # some metrics of each
    }

Details of a score hold what the docstring of its function names; "pairs" there are rows of fakes and training texts.
The ceiling is training texts in the place of the fakes; for novelty, `agreement` and the copies held-out ones, which
nobody has memorised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from gankit.kinds.texts.metrics import fidelity
from gankit.kinds.texts.metrics.fidelity import Features, References, Tokenise
from gankit.kinds.texts.metrics.grams import ORDERS, Grams, Texts, TextSet, code, excess, grams
from gankit.metrics.classification import class_numbers, confusion_figures
from gankit.metrics.distances import length_histograms
from gankit.metrics.evaluate import CEILING, FAKE, Inputs, MetricResult, Rows, check_sizes, make_baselines
from gankit.metrics.metric import Baseline, Noun, plain
from gankit.randomness import numpy_generator
from gankit.report.verdict import alike

NOUN = Noun("text", "texts")
HELDOUT = "held-out"
JUDGED = 2000  # texts of each side that the classifier two-sample test sees, and fakes whose labels are looked at
SEARCHED, MOST_SEARCHED = 300, 1000
SEARCHED_UNITS = 12_000
REFERENCES = 2000
"""Fakes of the test of closeness (at most 1,000, as many as have about 12,000 units, at least 300), and texts of either
part."""

NUM_OF_CLASS = 8
_SEARCHED_TRAIN = 20_000
_BEGIN, _END = "\0begin", "\0end"
_MOST_UNITS = 1_000_000  # of training text that a model of n-grams learns from

Labels = Sequence[Any] | np.ndarray | None
Valid = Callable[[str], bool]


@dataclass(frozen=True)
class TextFacts:
    """What a report on texts needs beside the results; the module says what is in each field."""

    units: Mapping[str, Any] = field(default_factory=dict)
    classifier: Mapping[str, Any] | None = None
    per_class: Sequence[Mapping[str, Any]] = ()
    asked: bool = True
    lengths: Mapping[str, Any] = field(default_factory=dict)
    grams: Sequence[Mapping[str, Any]] = ()
    texts: Mapping[str, Any] = field(default_factory=dict)
    likelihood: Mapping[str, Any] | None = None

    @property
    def called(self) -> str:
        """What the units are called: characters, words or symbols."""
        return str(self.units.get("called", "characters"))


class TextInputs(Inputs[TextSet, TextFacts]):
    """The real texts that every candidate is held against.

    Args:
        train, heldout: real texts. fake: fakes.
        tokenise: a text to its units (characters, words): `list` or `str.split`, say.
        join: units back to a text, for the baselines; without it they are joined by nothing or by blanks, whichever
            gives back more of the training texts.
        labels: of train, heldout and fake (what was asked for): texts or numbers, None where one is not known; None
            without labels.
        valid: says of a text whether it is valid; `re.compile(...).fullmatch` serves, too.
        seed: of every choice.
        max_texts: at most so many of each side are compared; new texts are looked for among all training ones.
        num_shown: fakes whose nearest real texts are looked up for showing.
        baselines: `BASELINES` or some of them.

    Attributes:
        train: all training texts; known: the same, to look one up.
        members: the training texts that are compared; cut: their units as texts.
        heldout: the held-out ones, shuffled; sets: these and the candidates.
        units: the unit of each number. classes: names of the labels.

    Raises:
        DataError: a set has fewer than 2 texts, or labels do not fit.
    """

    kind, noun = "text", NOUN

    def __init__(
        self, train: Sequence[str], heldout: Sequence[str], fake: Sequence[str], *, tokenise: Tokenise,
        join: Callable[[Sequence[str]], str] | None = None, labels: tuple[Labels, Labels, Labels] | None = None,
        valid: Valid | None = None, seed: int = 0, max_texts: int = 5000, num_shown: int = 48,
        baselines: Sequence[Baseline[TextInputs]] | None = None,
    ) -> None:  # fmt: skip
        check_sizes(NOUN, train, heldout, fake)
        self.train, self.known, self.valid, self.seed = train, set(train), valid, seed
        self._tokenise, self._shown, self._heldout_texts = tokenise, fake[:num_shown], heldout
        self.classes, codes = class_numbers(labels, [len(train), len(heldout), len(fake)], NOUN.one)
        self._asked = codes[2]
        compared = min(len(fake), len(train), max_texts)
        self._vocabulary: dict[str, int] = {}
        generator = numpy_generator(seed, "metrics/texts")

        def chosen(texts: Sequence[str], most: int, known: np.ndarray | None) -> tuple[TextSet, list[Sequence[str]]]:
            rows = generator.permutation(len(texts))[:most]
            picked = [texts[i] for i in rows]
            cut = [tokenise(text) for text in picked]
            return TextSet(picked, code(cut, self._vocabulary), rows, None if known is None else known[rows]), cut

        self.members, self.cut = chosen(train, compared, codes[0])
        self._num_symbols = len(self._vocabulary)
        self.heldout, _ = chosen(heldout, max_texts, codes[1])
        fakes, _ = chosen(fake, compared, codes[2])
        self.rows = Rows(len(train), len(heldout), len(fake), compared, len(self.heldout))
        self.join = join or _joined(self.members.texts, self.cut)
        self._characters = all(len(unit) == 1 for unit in self._vocabulary)
        self.candidates = {FAKE: fakes, CEILING: self.members}
        self.candidates |= make_baselines(BASELINES if baselines is None else baselines, self)
        self.sets = {HELDOUT: self.heldout, **self.candidates}
        self.units = ["", "", *self._vocabulary]
        self._features = Features(tokenise, units=not self._characters)
        self._rows: dict[str, Any] = {}
        self._bleu: dict[str, tuple[np.ndarray, ...]] = {}
        self._among: dict[bool, tuple[References, References, np.ndarray]] = {}

    def coded(self, texts: Sequence[Sequence[str]]) -> TextSet:
        """Texts of a baseline, cut into units."""
        made = [self.join(text) for text in texts]
        return TextSet(made, code(texts, self._vocabulary), np.arange(len(texts)))

    @cached_property
    def marked(self) -> tuple[dict[str, list[Grams]], list[np.ndarray]]:
        """The n-grams with marks of each of `sets`, n = 1 .. 4, and their units."""
        return self._counted(len(ORDERS), marks=True)

    @cached_property
    def unmarked(self) -> dict[str, list[Grams]]:
        """The n-grams without marks of each of `sets`, n = 1 .. 5."""
        return self._counted(max(fidelity.BLEU_ORDERS), marks=False)[0]

    def _counted(self, most: int, *, marks: bool) -> tuple[dict[str, list[Grams]], list[np.ndarray]]:
        tables, names = zip(*grams([one.coded for one in self.sets.values()], most, marks=marks), strict=True)
        return dict(zip(self.sets, map(list, zip(*tables, strict=True)), strict=True)), list(names)

    def bleu(self, who: str) -> tuple[np.ndarray, ...]:
        """BLEU-n of each text, n = 1 .. 5: forward, backward, among themselves; forward and own with 500 references."""
        if who not in self._bleu:
            real, fake = self.heldout.coded.lengths, self.sets[who].coded.lengths
            a, b = self.unmarked[HELDOUT], self.unmarked[who]
            some, own = ([fidelity.head(table, fidelity.FAST) for table in side] for side in (a, b))
            self._bleu[who] = (
                fidelity.bleu_each(b, a, fake, real),
                fidelity.bleu_each(a, b, real, fake),
                fidelity.self_bleu_each(b, fake),
                fidelity.bleu_each(b, some, fake, real[: fidelity.FAST]),
                fidelity.self_bleu_each(own, fake[: fidelity.FAST]),
            )
        return self._bleu[who]

    def untaught(self, who: str) -> TextSet:
        """A candidate; for the ceiling held-out texts, which nobody has memorised."""
        return self.heldout if who == CEILING else self.candidates[who]

    def features(self, who: str) -> Any:
        """Features of the first `JUDGED` of a set."""
        if who not in self._rows:
            self._rows[who] = self._features(self.sets[who].first(JUDGED).texts)
        return self._rows[who]

    def labelled(self, who: str) -> tuple[Any, np.ndarray]:
        """Features and labels of those of them that have a label."""
        labels = self.sets[who].first(JUDGED).labels
        assert labels is not None
        kept = np.flatnonzero(labels >= 0)
        return self.features(who)[kept], labels[kept]

    @cached_property
    def seen(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """Of held-out texts and fakes with a label: the labels, and what a classifier sees that training texts taught.

        Empty without labels.
        """
        unknown = any(self.sets[who].labels is None for who in (HELDOUT, FAKE, CEILING)) or len(self.classes) < 2
        if unknown or not len(texts := self.members.labelled()):
            return {}
        see = fidelity.learn(self._features(texts.texts), np.asarray(texts.labels), len(self.classes))
        found = {who: self.labelled(who) for who in (HELDOUT, FAKE)}
        return {who: (labels, see(x)) for who, (x, labels) in found.items() if len(labels)}

    @cached_property
    def halves(self) -> tuple[TextSet, TextSet]:
        """Of the held-out texts."""
        first, second = np.split(np.arange(len(self.heldout)), [len(self.heldout) // 2])
        return self.heldout.take(first), self.heldout.take(second)

    @cached_property
    def searched(self) -> int:
        """Fakes of the test of closeness."""
        mean = max(1.0, float(self.candidates[FAKE].coded.lengths.mean()))
        return int(min(MOST_SEARCHED, max(SEARCHED, SEARCHED_UNITS / mean)))

    def references(self, halved: bool) -> tuple[References, References, np.ndarray]:
        """As many training as held-out texts (the second half of them for the ceiling), and what is usual between."""
        if halved not in self._among:
            real = self.halves[1] if halved else self.heldout
            size = min(len(real), len(self.members), REFERENCES)
            members, others = (References(s.first(size).coded) for s in (self.members, real))
            _, usual = members.nearest(real.first(min(self.searched, size)).coded)
            self._among[halved] = members, others, usual
        return self._among[halved]

    def notes(self, results: Mapping[str, MetricResult]) -> list[str]:
        """See `Inputs.notes`."""
        notes = []
        if any(name.startswith("bleu") for name in results):
            notes.append(
                f"BLEU rises with the number of references: here {len(self.heldout):,} held-out texts, and for "
                "synthetic texts against one another all others. The details give the figures with 500 references, as "
                "Texygen's code has them."
            )
        if len(self.train) > _SEARCHED_TRAIN:
            notes.append(f"The nearest texts that are shown were looked for among the first {_SEARCHED_TRAIN:,}.")
        if not alike(results):
            ceiling = results["judge"].ceiling
            assert ceiling is not None
            notes.append(
                "The training part and the held-out part differ themselves (a classifier tells them apart with an AUC "
                f"of {ceiling.details['auc']:.2f}): they were not drawn from the same texts, and the ceilings are low "
                "for it."
            )
        return notes

    def facts(self, results: Mapping[str, MetricResult]) -> TextFacts:
        """See `Inputs.facts`."""
        judged, known = self.seen.get(HELDOUT), self.seen.get(FAKE)
        units = {
            "symbols": self._num_symbols,
            "characters": self._characters,
            "called": "characters" if self._characters else "words" if self.join(["a", "b"]) != "ab" else "symbols",
            "longest": int(self.members.coded.lengths.max(initial=0)),
        }
        return TextFacts(
            units,
            None if judged is None else confusion_figures(*judged, self.classes, "texts"),
            fidelity.per_class(self.heldout, self.candidates[FAKE], self.members, self.known, known, self.classes),
            lengths=length_histograms(self.heldout.coded.lengths, self.candidates[FAKE].coded.lengths),
            grams=self._grams(),
            texts=self._texts(results),
        )

    def _grams(self) -> list[dict[str, Any]]:
        tables, names = self.marked
        return [
            {"order": n, **found}
            for n, (real, fake, of) in enumerate(zip(tables[HELDOUT], tables[FAKE], names, strict=True), 1)
            for found in excess(real, fake, of, self.units)
        ]

    def _texts(self, results: Mapping[str, MetricResult]) -> dict[str, Any]:
        def coded(texts: Sequence[str]) -> Any:
            return code([self._tokenise(text) for text in texts], self._vocabulary)

        def of(metric: str, key: str) -> Any:
            return results[metric].details.get(key, []) if metric in results else []

        shown, sides = coded(self._shown), (self.train, self._heldout_texts)
        train, real = (References(coded(side[:_SEARCHED_TRAIN])).nearest(shown) for side in sides)
        fakes, by_class = self.candidates[FAKE], {}
        if self._asked is not None:
            rows = {name: np.flatnonzero(self._asked == k)[:NUM_OF_CLASS] for k, name in enumerate(self.classes)}
            by_class = {name: found for name, found in rows.items() if len(found)}
        found = {
            "shown": np.arange(len(shown)),
            **dict(zip(("nearest_train", "distance_train"), train, strict=True)),
            **dict(zip(("nearest_heldout", "distance_heldout"), real, strict=True)),
            "copied": of("copies_near", "pairs"),
            "invalid": np.sort(fakes.rows[np.array(of("valid", "wrong"), np.int64)]),
            "by_class": by_class,
        }
        return dict(plain(found))


def _joined(texts: Sequence[str], cut: Sequence[Sequence[str]]) -> Callable[[Sequence[str]], str]:
    right = {mark: sum(mark.join(u) == t for t, u in zip(texts[:200], cut, strict=False)) for mark in (" ", "")}
    return max(right, key=lambda mark: right[mark]).join


BASELINES: Sequence[Baseline[TextInputs]] = (
    Baseline(
        "unigram", lambda inputs: inputs.coded(ngram_texts(inputs.cut, 1, inputs.rows.compared, inputs.seed)),
        "Single units", "single units",
        "each unit drawn for itself by its frequency: what no language model at all would score. It says where the "
        "scale begins.", "square", start=True,
    ),
    Baseline(
        "shuffled", lambda inputs: inputs.coded(shuffled(inputs.cut, inputs.rows.compared, inputs.seed)),
        "Shuffled units", "shuffled units",
        "training texts, their units in random order: the right units and lengths without any order.", "diamond",
        start=True,
    ),
    Baseline(
        "trigram", lambda inputs: inputs.coded(ngram_texts(inputs.cut, 3, inputs.rows.compared, inputs.seed)),
        "Trigram model", "a trigram model",
        "counts which unit follows each pair of units: a plain method that a GAN should beat.", "triangle",
    ),
    Baseline(
        "bootstrap",
        lambda inputs: inputs.members.take(bootstrap(len(inputs.members), inputs.rows.compared, inputs.seed)),
        "Bootstrap", "a bootstrap of training texts",
        "training texts drawn with replacement: as real as can be, and all of it copied. It shows what a copier would "
        "score.", "cross",
    ),
)  # fmt: skip


class NgramModel:
    """A model of n-grams with the interpolation of Witten & Bell (1991, method C), learned by counting.

    P(u | h) = (c(h, u) + T(h) P(u | h')) / (c(h) + T(h)), with c counts in the training texts, T(h) the number of
    different units seen after h, and h' the history h without its first unit; P(u) = c(u) / c is at the end. Histories
    have order - 1 units, begin marks before the text; the end of a text is a unit.

    texts: sequences of units. order: 1 draws each unit for itself, 3 is a model of trigrams. after: the units that
    stand behind each history.
    """

    def __init__(self, texts: Texts, order: int) -> None:
        self.order, self.longest, budget = order, max((len(t) for t in texts), default=0), _MOST_UNITS
        after: dict[tuple[str, ...], list[str]] = {}
        for text in texts:
            padded = [*[_BEGIN] * (order - 1), *text, _END]
            for i in range(order - 1, len(padded)):
                for k in range(order):
                    after.setdefault(tuple(padded[i - k : i]), []).append(padded[i])
            budget -= len(text)
            if budget < 0:
                break
        # Every occurrence stands in the list: a uniform draw from it is a draw by the counts.
        self.after = after
        self._different = {h: len(set(units)) for h, units in after.items()}

    def sample(self, num_texts: int, generator: np.random.Generator) -> list[list[str]]:
        """Texts drawn from the model; none is longer than the longest it was learned from."""
        if not self.after:
            return [[] for _ in range(num_texts)]
        uniform = _uniforms(generator)
        out: list[list[str]] = [[] for _ in range(num_texts)]
        for text in out:
            history: tuple[str, ...] = (_BEGIN,) * (self.order - 1)
            while len(text) < self.longest and (unit := self._draw(history, uniform)) != _END:
                text.append(unit)
                history = (*history, unit)[1:] if history else ()
        return out

    def _draw(self, history: tuple[str, ...], uniform: Iterator[float]) -> str:
        """A unit after the history: of its own with chance c(h) / (c(h) + T(h)), else of a shorter one."""
        for k in range(self.order):
            h = history[k:]
            if (seen := self.after.get(h)) is None:
                continue
            if k == self.order - 1 or next(uniform) * (len(seen) + self._different[h]) < len(seen):
                return seen[int(next(uniform) * len(seen))]
        raise AssertionError("the empty history has been seen")


def _uniforms(generator: np.random.Generator) -> Iterator[float]:
    while True:
        yield from generator.random(4096).tolist()


def shuffled(texts: Texts, num_texts: int, seed: int) -> list[list[str]]:
    """A bootstrap of training texts, the units of each in random order: right units and lengths, no order at all."""
    generator = numpy_generator(seed, "metrics/texts/shuffled")
    chosen = generator.integers(0, len(texts), num_texts)
    return [[texts[i][k] for k in generator.permutation(len(texts[i]))] for i in chosen]


def bootstrap(num_train: int, num_texts: int, seed: int) -> np.ndarray:
    """Rows of a bootstrap of training texts: [num_texts] int64."""
    return numpy_generator(seed, "metrics/texts/bootstrap").integers(0, num_train, num_texts)


def ngram_texts(texts: Texts, order: int, num_texts: int, seed: int) -> list[list[str]]:
    """Texts of a model of n-grams of that order, learned from these."""
    return NgramModel(texts, order).sample(num_texts, numpy_generator(seed, "metrics/texts/ngram", order))
