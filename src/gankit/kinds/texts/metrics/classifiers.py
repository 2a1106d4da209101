"""Linear classifiers of texts: do they tell fakes from real texts, what label do they see, and each label for itself.

Knows texts, numbers of their units, and off-the-shelf classifiers; never how a text was made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from gankit.kinds.texts.metrics.grams import TextSet, divergences
from gankit.metrics.classification import accuracy_score, c2st_score, class_entries, out_of_fold
from gankit.metrics.score import Score, impossible
from gankit.randomness import numpy_generator

NUM_HASHED = 2**16
"""Columns that n-grams of characters are hashed into, and those of units as many."""

_FOLDS = 3
_LONGEST = 1000  # characters of a text that are looked at
_LEAST_OF_CLASS, _MOST_OF_CLASS = 10, 2000
_ORDERS = 3

Tokenise = Callable[[str], Sequence[str]]


class Features:
    """Texts as sparse rows: n-grams of characters (1 to 4) and, where units are longer, of units (1 to 3), hashed.

    tokenise: a text to its units; units: whether they are other than characters.
    """

    def __init__(self, tokenise: Tokenise, units: bool) -> None:
        from sklearn.feature_extraction.text import HashingVectorizer

        shared: dict[str, Any] = {"n_features": NUM_HASHED, "alternate_sign": False, "norm": None, "dtype": np.float32}
        self._parts = [HashingVectorizer(analyzer="char", ngram_range=(1, 4), lowercase=False, **shared)]
        if units:
            self._parts.append(
                HashingVectorizer(tokenizer=tokenise, token_pattern=None, lowercase=False, ngram_range=(1, 3), **shared)
            )

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
    that every fake is found out. More texts make better judges, so compare figures at equal numbers only. The
    interval is DeLong's for the mean of the folds' areas. details: auc, accuracy, precision and recall of calling a
    text real, folds, rows.

    real, fake: rows of `Features`.
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
    real: TextSet,
    fake: TextSet,
    train: TextSet,
    known: Collection[str],
    seen: tuple[np.ndarray, np.ndarray] | None,
    names: Sequence[str],
) -> list[dict[str, Any]]:
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
