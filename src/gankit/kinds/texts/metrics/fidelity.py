"""Quality, variety, classes and copies of texts: BLEU, shares of valid, new and different texts, linear classifiers,
and edit distances to the nearest training texts.

Knows texts, their units as numbers and counted n-grams; never how a text was cut into units or made.

BLEU of fakes against real texts tells quality, of real texts against fakes variety, of fakes against one another
repetition. The figures are those of Texygen (Zhu et al. 2018): BLEU of each text (Papineni et al. 2002) with all texts
of the other side as its references, averaged over texts, with smoothing method 1 of Chen & Cherry (2014): .1 in the
place of no match. What tests for copies prove is said in `gankit.kinds.tables.metrics.neighbours`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from gankit.kinds.texts.metrics.grams import Coded, Grams, TextSet, divergences
from gankit.metrics.classification import accuracy_score, c2st_score, class_entries, out_of_fold
from gankit.metrics.metric import Score, impossible, mean_score, share_score
from gankit.metrics.nearness import closest_pairs, nearer, nearness, three_sample
from gankit.randomness import numpy_generator

LONGEST = 256  # units of a text that distances look at; what follows is not seen
BLEU_ORDERS = (2, 3, 4, 5)  # the n of BLEU-n
FAST = 500  # references that Texygen's code takes in its fast mode, its default
RARE = 0.01  # a symbol is rare where fewer than this share of the held-out texts have it
NUM_HASHED = 2**16  # columns that n-grams of characters are hashed into, and those of units as many
_EPSILON = 0.1  # in the place of no match
_MOST_MISSED = 40
_FOLDS = 3
_LONGEST = 1000  # characters of a text that a classifier looks at
_LEAST_OF_CLASS, _MOST_OF_CLASS = 10, 2000
_ORDERS = 3

Tokenise = Callable[[str], Sequence[str]]


class References:
    """Texts among which the nearest to others are looked for: at least one.

    Distances are edit distances (Levenshtein 1966): insertions, deletions and replacements of units.
    """

    def __init__(self, texts: Coded) -> None:
        if not len(texts):
            raise ValueError("there are no texts to look among")
        self.lengths = np.minimum(texts.lengths, LONGEST)
        self._texts = _seen(texts)

    def distances(self, queries: Coded) -> np.ndarray:
        """The edit distance of each query to each reference: [Q, N] int64."""
        from rapidfuzz.distance import Levenshtein
        from rapidfuzz.process import cdist

        return cdist(_seen(queries), self._texts, scorer=Levenshtein.distance, dtype=np.int64)

    def nearest(self, queries: Coded) -> tuple[np.ndarray, np.ndarray]:
        """The row of the reference nearest to each query, of equal ones the first, and the distance to it: [Q], [Q].

        The distance is the edit distance over the length of the longer text (0: equal, 1: nothing in common).
        """
        longer = np.maximum(self.lengths, np.minimum(queries.lengths, LONGEST)[:, None])
        relative = self.distances(queries) / np.maximum(longer, 1)
        return relative.argmin(1), relative.min(1)


def _seen(texts: Coded) -> list[list[int]]:
    return [units[:LONGEST].tolist() for units in np.split(texts.units, np.cumsum(texts.lengths))[:-1]]


def copies_near(train: References, heldout: References, fake: Coded, usual: np.ndarray) -> Score:
    """The share of fakes that lie closer to a training text than to any held-out one; best .5, the chance level.

    Distances are edit distances of units over the length of the longer text. Needs as many training as held-out
    texts, so that honest fakes are closer to either with chance 1/2; ties count half. The interval is that of
    `gankit.metrics.nearness.nearer_share`: a few texts are the nearest of many. details["three_sample"] is the test of
    Meehan et al. (2020): z of Mann & Whitney between the distances to the nearest training text of fakes and of
    held-out texts (negative: fakes are closer), p one-sided for that. details["pairs"]: fakes much nearer to a training
    text than to a held-out one, by row numbers.

    usual: [M] distances of held-out texts to the nearest of the training texts.
    """
    assert len(train.lengths) == len(heldout.lengths), "as many training as held-out texts"
    if min(len(train.lengths), len(fake), len(usual)) < 2:
        return impossible(0.5, "fewer than two texts to compare distances with")
    (members, to_train), (others, to_heldout) = train.nearest(fake), heldout.nearest(fake)
    details = {
        "three_sample": three_sample(to_train, usual),
        "distance": nearness(to_train, to_heldout, usual, reach=1.0),
        "pairs": closest_pairs(to_train, to_heldout, members),
    }
    return nearer(to_train, to_heldout, members, others, len(train.lengths), details)


def marked(a: list[str], b: list[str]) -> tuple[list[tuple[bool, list[str]]], list[tuple[bool, list[str]]]]:
    """Two texts in pieces, those that differ marked: for each text [(differs, units)], by fewest edits.

    >>> marked(list("cat"), list("cart"))
    ([(False, ['c', 'a']), (False, ['t'])], [(False, ['c', 'a']), (True, ['r']), (False, ['t'])])
    """
    from difflib import SequenceMatcher

    codes = SequenceMatcher(None, a, b, autojunk=False).get_opcodes()
    left = [(kind != "equal", a[i:j]) for kind, i, j, _, _ in codes if j > i]
    right = [(kind != "equal", b[k:m]) for kind, _, _, k, m in codes if m > k]
    return left, right


def bleu_each(
    texts: Sequence[Grams], references: Sequence[Grams], lengths: np.ndarray, reference_lengths: np.ndarray
) -> np.ndarray:
    """BLEU-n of each text against all references, n = 1 .. len(texts): [n, N] float64.

    With m_k the k-grams of a text that the reference with most of each of them also has, and t_k all of its k-grams
    (at least 1), BLEU-n = b exp(mean over k <= n of log(m_k / t_k)), where m_k = 0 counts as .1; 0 where no unit
    matches. b is 1 for a text at least as long as the reference that is nearest to it in length (of two the shorter),
    else exp(1 - that length / its own).

    texts, references: `Grams` without marks for n = 1, 2 .., counted together. lengths: [N], reference_lengths: [M].
    """
    penalty = _brevity(lengths, _nearest_length(lengths, np.unique(reference_lengths)))
    limits = [_highest(r)[0][t.gram] for r, t in zip(references, texts, strict=True)]
    return _bleu(texts, lengths, penalty, limits)


def self_bleu_each(texts: Sequence[Grams], lengths: np.ndarray) -> np.ndarray:
    """BLEU-n of each text against all the others, n = 1 .. len(texts): [n, N] float64. As `bleu_each`."""
    limits = []
    for table in texts:
        first, second, owner = _highest(table)
        limits.append(np.where(owner[table.gram] == table.text, second[table.gram], first[table.gram]))
    return _bleu(texts, lengths, _brevity(lengths, _nearest_other(lengths)), limits)


def _bleu(texts: Sequence[Grams], lengths: np.ndarray, penalty: np.ndarray, limits: Sequence[np.ndarray]) -> np.ndarray:
    counts = [np.minimum(table.count, limit) for table, limit in zip(texts, limits, strict=True)]
    matched = np.stack([np.bincount(t.text, c, len(lengths)) for t, c in zip(texts, counts, strict=True)])  # [n, N]
    orders = np.arange(1, len(texts) + 1)[:, None]
    logs = np.log(np.where(matched > 0, matched, _EPSILON) / np.maximum(lengths + 1 - orders, 1))
    return np.asarray(np.where(matched[0] > 0, penalty * np.exp(np.cumsum(logs, axis=0) / orders), 0.0))


def _highest(table: Grams) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each n-gram the most that one text has of it, the most that another has, and the first's number."""
    first, second, owner = np.tile(np.array([[0], [0], [-1]]), table.num_grams)
    order = np.lexsort((table.count, table.gram))
    gram, count = table.gram[order], table.count[order]
    last = np.flatnonzero(np.append(gram[1:] != gram[:-1], True)) if len(gram) else np.zeros(0, np.int64)
    first[gram[last]], owner[gram[last]] = count[last], table.text[order][last]
    before = last[last > 0]
    before = before[gram[before - 1] == gram[before]]
    second[gram[before]] = count[before - 1]
    return first, second, owner


def _nearest_length(lengths: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The nearest of `among` ([K], rising), the shorter of two; -1 where there is none."""
    if not len(among):
        return np.full(len(lengths), -1)
    above = np.clip(np.searchsorted(among, lengths), 0, len(among) - 1)
    below = np.maximum(above - 1, 0)
    return np.where(np.abs(lengths - among[below]) <= np.abs(among[above] - lengths), among[below], among[above])


def _nearest_other(lengths: np.ndarray) -> np.ndarray:
    """The length nearest to each among the other texts'."""
    known, place, counts = np.unique(lengths, return_inverse=True, return_counts=True)
    alone = [_nearest_length(np.array([n]), known[known != n])[0] for n in known]
    return np.asarray(np.where(counts > 1, known, alone)[place], np.int64)


def _brevity(lengths: np.ndarray, reference: np.ndarray) -> np.ndarray:
    return np.where(lengths == 0, 0.0, np.exp(np.minimum(0.0, 1 - reference / np.maximum(lengths, 1))))


def bleu_score(each: np.ndarray, *, best: float, fast: float | None = None) -> Score:
    """The mean over texts with its normal 95% interval, which holds for these references; NaN without texts.

    each: [N] BLEU of each text; fast: the figure with Texygen's 500 references, for details["references_500"].
    """
    if len(each) < 2:
        return impossible(best, "fewer than two texts to compare")
    return mean_score(each, best, {"texts": len(each), "references_500": fast}, ceiling=1.0)


def head(table: Grams, num_texts: int) -> Grams:
    """The n-grams of the first texts."""
    text, gram, count = (v[: np.searchsorted(table.text, num_texts)] for v in (table.text, table.gram, table.count))
    return Grams(text, gram, count, min(num_texts, table.num_texts), table.num_grams)


def validity(texts: Sequence[str], valid: Callable[[str], bool]) -> Score:
    """The share of texts that the user's rule calls valid; best 1. The interval is the exact binomial one."""
    wrong = [i for i, text in enumerate(texts) if not valid(text)]
    details = {"valid": len(texts) - len(wrong), "rows": len(texts), "wrong": wrong[:_MOST_MISSED]}
    return share_score(len(texts) - len(wrong), len(texts), 1.0, details, "texts")


def novelty(texts: Sequence[str], train: Collection[str]) -> Score:
    """The share of texts that are no training text; best 1. The interval is the exact binomial one.

    Fakes like fresh real texts reach the share of held-out texts that are new, which stands as the ceiling.
    train: a set of the training texts.
    """
    new = sum(text not in train for text in texts)
    return share_score(new, len(texts), 1.0, {"new": new, "rows": len(texts)}, "texts")


def uniqueness(texts: Sequence[str]) -> Score:
    """The share of different texts among them; best 1. It falls with their number: compare equal numbers.

    No interval is given: a bootstrap would make equals of its own.
    """
    if not len(texts):
        return impossible(1.0, "there are no texts")
    counts = Counter(texts)
    details = {"different": len(counts), "rows": len(texts), "most_frequent": max(counts.values()) / len(texts)}
    return Score(len(counts) / len(texts), None, None, 1.0, details)


def symbols(fake: Coded, real: Coded, names: Sequence[str], *, rare: bool) -> Score:
    """The share of the units of held-out texts that occur in the fakes at all; best 1.

    rare: only those that fewer than 1% of the held-out texts have. More fakes reach more units: compare equal numbers.
    The interval is the exact binomial one over units. details: "missed", the most frequent units that are missing, as
    {"unit", "texts"} with the number of held-out texts.

    names: the unit of each number.
    """
    if not len(real) or not len(fake):
        return impossible(1.0, "one of the sets has no texts")
    size = int(max(real.units.max(initial=0), fake.units.max(initial=0))) + 1
    owner = np.repeat(np.arange(len(real)), real.lengths)
    texts = np.bincount(np.unique(owner * size + real.units) % size, minlength=size)
    wanted = np.flatnonzero((texts > 0) & (texts < RARE * len(real)) if rare else texts > 0)
    if not len(wanted):
        return impossible(1.0, "the held-out texts have no rare symbols" if rare else "the held-out texts are empty")
    there = np.bincount(fake.units, minlength=size)[wanted] > 0
    found, missed = int(there.sum()), wanted[~there]
    missed = missed[np.argsort(-texts[missed], kind="stable")][:_MOST_MISSED]
    named = [{"unit": names[int(u)], "texts": int(texts[u])} for u in missed]
    return share_score(found, len(wanted), 1.0, {"wanted": len(wanted), "found": found, "missed": named})


class Features:
    """Texts as sparse rows: n-grams of characters (1 to 4) and, where units are longer, of units (1 to 3), hashed.

    tokenise: a text to its units; units: whether they are other than characters.
    """

    def __init__(self, tokenise: Tokenise, units: bool) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer

        shared: dict[str, Any] = {"n_features": NUM_HASHED, "alternate_sign": False, "norm": None, "dtype": np.float32}
        shared["lowercase"] = False
        self._parts = [HashingVectorizer(analyzer="char", ngram_range=(1, 4), **shared)]
        if units:
            self._parts.append(HashingVectorizer(tokenizer=tokenise, token_pattern=None, ngram_range=(1, 3), **shared))

    def __call__(self, texts: Sequence[str]) -> Any:
        """[N] texts -> sparse [N, F] float32: log(1 + count), each row of length 1."""
        from scipy.sparse import hstack
        from sklearn.preprocessing import normalize

        cut = [text[:_LONGEST] for text in texts]
        out = hstack([part.transform(cut) for part in self._parts]).tocsr()
        out.data = np.log1p(out.data)
        return normalize(out, copy=False)


def c2st(real: Any, fake: Any, *, seed: int = 0) -> Score:
    """How well the fakes hold against a linear classifier (Lopez-Paz & Oquab 2017): 1 - (2 max(.5, AUC) - 1), best 1.

    Logistic regression on `Features`, out of fold over 3 stratified folds of equally many texts of both sides; 0 means
    that every fake is found out. More texts train better classifiers: compare figures at equal numbers only.

    real, fake: rows of `Features`. Interval and details: see `c2st_score`.
    """
    from scipy.sparse import vstack

    rows = min(real.shape[0], fake.shape[0])
    if rows < 2 * _FOLDS:
        return impossible(1.0, f"{rows} texts are too few for {_FOLDS} folds; {2 * _FOLDS} are the least")
    generator = numpy_generator(seed, "metrics/texts/c2st")
    sides = [x[np.sort(generator.permutation(x.shape[0])[:rows])] for x in (real, fake)]
    both, is_real = vstack(sides).tocsr(), np.repeat([True, False], rows)
    fold = np.concatenate([generator.permutation(np.arange(rows) % _FOLDS) for _ in sides])
    margin, areas = out_of_fold(lambda test, _: _logistic(both[~test], is_real[~test])(both[test]), is_real, fold)
    return c2st_score(margin > 0, is_real, areas)


def _logistic(x: Any, y: np.ndarray) -> Callable[[Any], np.ndarray]:
    """[N, F], [N] of 0 and 1 -> a function from rows to margins, above 0 for 1."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(solver="liblinear", C=10.0, tol=1e-2, max_iter=1000).fit(x, y)
    return lambda rows: np.asarray(model.decision_function(rows))


def learn(x: Any, y: np.ndarray, num_classes: int) -> Callable[[Any], np.ndarray]:
    """A linear classifier of labels, one class against the rest: a function from rows to the class seen, [N] int.

    x: [N, F] rows of `Features`; y: [N] in 0 .. num_classes - 1; a class that y lacks is never seen.
    """
    models = [(k, _logistic(x, (y == k).astype(int))) for k in range(num_classes) if 0 < (y == k).sum() < len(y)]
    always = int(np.bincount(y, minlength=num_classes).argmax()) if len(y) else 0

    def see(rows: Any) -> np.ndarray:
        if not models:
            return np.full(rows.shape[0], always)
        margins = np.stack([margin(rows) for _, margin in models])
        return np.asarray(np.array([k for k, _ in models])[margins.argmax(0)])

    return see


def usefulness(x: Any, y: np.ndarray, heldout: Any, heldout_labels: np.ndarray, names: Sequence[str]) -> Score:
    """The accuracy on held-out real texts of a linear classifier that was trained on the fakes (x, y); best 1.

    With real training texts in the place of the fakes it is the ceiling. The interval is the exact binomial one over
    held-out texts, for this one trained classifier. details: see `accuracy_score`.
    """
    if len(np.unique(y)) < 2 or not len(heldout_labels):
        return impossible(1.0, "the texts to learn from have fewer than two labels, or there are none to test on")
    return accuracy_score(heldout_labels, learn(x, y, len(names))(heldout), names, len(y), "texts")


def per_class(
    real: TextSet, fake: TextSet, train: TextSet, known: Collection[str],
    seen: tuple[np.ndarray, np.ndarray] | None, names: Sequence[str],
) -> list[dict[str, Any]]:  # fmt: skip
    """Each label for itself, as plain JSON, in the order of `names`; empty without labels.

    The n-gram divergence is the mean over n = 1 .. 3 of as many fakes as held-out texts and training texts of the label
    (10 to 2,000): "ngrams" of the fakes, "ngrams_real" of the training texts, against the held-out ones. A figure that
    cannot be computed is null.

    real: held-out texts. known: all training texts, a set. seen: of some fakes the labels asked for and those that a
    classifier sees.
    """
    if real.labels is None or fake.labels is None:
        return []
    entries = class_entries(names, real.labels, fake.labels, seen, "texts")
    for k, entry in enumerate(entries):
        here, there = real.of_class(k), fake.of_class(k)
        entry |= {"ngrams": None, "ngrams_real": None, "unique": None, "new": None}
        if len(there):
            entry["unique"] = len(set(there.texts)) / len(there)
            entry["new"] = sum(text not in known for text in there.texts) / len(there)
        sides = [here, there, *([] if train.labels is None else [train.of_class(k)])]
        size = min(_MOST_OF_CLASS, *(len(s) for s in sides))
        if size >= _LEAST_OF_CLASS:
            found = divergences([s.first(size).coded for s in sides], _ORDERS)
            entry |= dict(zip(("ngrams", "ngrams_real"), found, strict=False))
    return entries
