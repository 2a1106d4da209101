"""Every metric of fake texts, beside its ceiling and four plain baselines, as one plain JSON value.

Knows the table of metrics, texts, and a function that cuts them into units; never how the texts were made, nor how the
figures are shown.

`evaluate_texts` gives the layout of `gankit.kinds.images.metrics.evaluation` (every float finite or null):

    {
      "seed": 0,
      "rows": {"train": 9000, "heldout": 1000, "fake": 5000,
               "compared": 5000,       # fakes, and training texts for the ceiling
               "against": 1000},       # held-out texts they are compared with
      "notes": ["..."],                # what was decided or left out, one sentence each
      "units": {"symbols": 41,         # of the training texts that were compared
                "characters": true, "called": "characters", "longest": 19},
      "metrics": {
        NAME: {                        # of `text_table.TEXT_METRICS`; left out where nothing could be asked
          "meaning": "...", "family": "validity" | "grams" | "bleu" | "variety" | "shape" | "judge" | "labels" |
          "copies", "best": 0.0, "direction": "higher" | "lower" | "near",
          "fake": SCORE,
          "ceiling": SCORE | null,     # training texts in the place of the fakes; for novelty, `agreement` and the
                                       # copies held-out ones, which nobody has learned by heart
          "baselines": {"unigram": SCORE, "trigram": SCORE, "shuffled": SCORE, "bootstrap": SCORE},   # no details
          "rows_needed": 25000 | null,
          "seconds": 1.2
        }, ...
      },
      "classifier": FIGURES | null,    # of the classifier of labels on held-out texts: `text_judge.label_figures`
      "per_class": [{"class", "real", "fake" (shares), "real_texts", "fake_texts",
                     "ngrams", "ngrams_real" (of as many training texts), "unique", "new", "agreement"}, ...],
      "asked": true,
      "lengths": {"edges": [K + 1], "real": [K], "fake": [K]},           # shares of the texts, in units
      "grams": [{"order": 1, "units": ["a"], "real": 0.02, "fake": 0.1}, ...],   # "" is the mark of begin or end
      "texts": {                       # numbers of rows, for showing
        "shown": [0, 1, ...],          # the first fakes, unchosen; beside each, in the same order:
        "nearest_train": [17, ...], "distance_train": [0.4, ...],        # in edits over the longer text's length
        "nearest_heldout": [3, ...], "distance_heldout": [0.5, ...],
        "copied": [{"fake", "train", "distance_train", "distance_heldout"}, ...],   # the most suspicious first
        "invalid": [5, ...],           # the first fakes that the rule does not call valid
        "by_class": {"Greek": [4, ...]}    # the first fakes of each class
      }
    }

    SCORE = {"value": 0.98 | null, "low": 0.97 | null, "high": 0.99 | null, "best": 1.0, "details": {...}}

Details hold what the docstring of each function names; "pairs" there are rows of fakes and training texts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit.kinds.texts.metrics import baselines
from gankit.kinds.texts.metrics import grams as counted
from gankit.kinds.texts.metrics.distances import References
from gankit.kinds.texts.metrics.grams import code
from gankit.kinds.texts.metrics.judge import Features, Tokenise, label_figures
from gankit.kinds.texts.metrics.labels import per_class
from gankit.kinds.texts.metrics.table import TEXT_METRICS, TextMetric
from gankit.kinds.texts.metrics.trial import TextSet, TextTrial
from gankit.metrics.classification import class_numbers
from gankit.metrics.distances import length_histograms
from gankit.metrics.score import Score, enough_rows, plain
from gankit.randomness import numpy_generator

NUM_OF_CLASS = 8
_MOST_GRAMS = 10
_SEARCHED_TRAIN = 20_000
_ALIKE = 0.7

Labels = Sequence[Any] | np.ndarray | None


def evaluate_texts(
    train: Sequence[str],
    heldout: Sequence[str],
    fake: Sequence[str],
    *,
    tokenise: Tokenise,
    join: Callable[[Sequence[str]], str] | None = None,
    labels: tuple[Labels, Labels, Labels] | None = None,
    valid: Callable[[str], bool] | None = None,
    seed: int = 0,
    max_texts: int = 5000,
    num_shown: int = 48,
    metrics: Sequence[str] = tuple(TEXT_METRICS),
) -> dict[str, Any]:
    """Every metric of `TEXT_METRICS` on the fakes, on real texts (the ceiling) and on four baselines.

    Same arguments, same result, but for the seconds. The module says what is in it.

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
        metrics: names to compute.

    Raises:
        DataError: a set has fewer than 2 texts, or labels do not fit.
    """
    for what, texts in (("training part", train), ("held-out part", heldout), ("fakes", fake)):
        if len(texts) < 2:
            raise DataError(f"the {what}: expected at least 2 texts to compare, found {len(texts)}.")
    names, numbers = class_numbers(labels, [len(s) for s in (train, heldout, fake)], "text")
    compared = min(len(fake), len(train), max_texts)
    generator = numpy_generator(seed, "metrics/texts")
    vocabulary: dict[str, int] = {}

    def chosen(texts: Sequence[str], most: int, known: np.ndarray | None) -> tuple[TextSet, list[Sequence[str]]]:
        rows = generator.permutation(len(texts))[:most]
        picked = [texts[i] for i in rows]
        cut = [tokenise(text) for text in picked]
        return TextSet(picked, code(cut, vocabulary), rows, None if known is None else known[rows]), cut

    members, units = chosen(train, compared, numbers[0])
    num_symbols = len(vocabulary)
    others, _ = chosen(heldout, max_texts, numbers[1])
    fakes, _ = chosen(fake, compared, numbers[2])
    joined = join or _joined(members.texts, units)
    characters = all(len(unit) == 1 for unit in vocabulary)
    made = _baselines(units, members, compared, seed, vocabulary, joined)
    names_of_units = ["", "", *vocabulary]
    features = Features(tokenise, units=not characters)
    trial = TextTrial(
        train, others, {"fake": fakes, "ceiling": members, **made}, names_of_units, names, valid, features, seed
    )
    figures: dict[str, Any] = {}
    scores: dict[str, Score] = {}
    for name, metric in TEXT_METRICS.items():
        if name not in metrics:
            continue
        start = time.perf_counter()
        found = {who: trial.score(name, who) for who in trial.contestants}
        entry = _entry(metric, found, min(compared, len(others)))
        if entry is not None:
            entry["seconds"] = round(time.perf_counter() - start, 3)
            figures[name], scores[name] = entry, found["fake"] or Score(0.0, None, None, 0.0)
    judged = trial.seen.get("heldout")
    return {
        "seed": seed,
        "rows": {
            "train": len(train),
            "heldout": len(heldout),
            "fake": len(fake),
            "compared": compared,
            "against": len(others),
        },
        "notes": _notes(trial, len(train), len(fake), len(heldout), figures, scores),
        "units": {
            "symbols": num_symbols,
            "characters": characters,
            "called": "characters" if characters else "words" if joined(["a", "b"]) != "ab" else "symbols",
            "longest": int(members.coded.lengths.max(initial=0)),
        },
        "metrics": figures,
        "classifier": None if judged is None else label_figures(*judged, names),
        "per_class": per_class(trial, names),
        "asked": True,
        "lengths": length_histograms(trial.heldout.coded.lengths, trial.contestants["fake"].coded.lengths),
        "grams": _grams(trial),
        "texts": _texts(trial, heldout, fake, tokenise, vocabulary, numbers[2], names, figures, num_shown),
    }


def _joined(texts: Sequence[str], units: Sequence[Sequence[str]]) -> Callable[[Sequence[str]], str]:
    right = {mark: sum(mark.join(u) == t for t, u in zip(texts[:200], units, strict=False)) for mark in (" ", "")}
    return max(right, key=lambda mark: right[mark]).join


def _baselines(
    units: Sequence[Sequence[str]],
    members: TextSet,
    compared: int,
    seed: int,
    vocabulary: dict[str, int],
    join: Callable[[Sequence[str]], str],
) -> dict[str, TextSet]:
    """Texts of n-gram models, shuffled ones, and training texts drawn again."""
    made = {
        "unigram": baselines.ngram_texts(units, 1, compared, seed),
        "trigram": baselines.ngram_texts(units, 3, compared, seed),
        "shuffled": baselines.shuffled(units, compared, seed),
    }
    sets = {
        who: TextSet([join(text) for text in texts], code(texts, vocabulary), np.arange(compared))
        for who, texts in made.items()
    }
    return {**sets, "bootstrap": members.take(baselines.bootstrap(len(members), compared, seed))}


def _entry(metric: TextMetric, found: dict[str, Score | None], rows: int) -> dict[str, Any] | None:
    fake, ceiling = found["fake"], found["ceiling"]
    if fake is None:
        return None
    needed = metric.tolerance is not None and ceiling is not None
    return {
        "meaning": metric.meaning,
        "family": metric.family,
        "best": metric.best,
        "direction": metric.direction,
        "fake": fake.to_json(),
        "ceiling": None if ceiling is None else ceiling.to_json(),
        "baselines": {
            who: replace(s, details={}).to_json()
            for who, s in found.items()
            if who not in ("fake", "ceiling") and s is not None
        },
        "rows_needed": enough_rows(rows, fake, ceiling, metric.tolerance or 0.0) if needed and ceiling else None,
    }


def _grams(trial: TextTrial) -> list[dict[str, Any]]:
    units = dict(enumerate(trial.units))
    return [
        {"order": n, **found}
        for n, (tables, names) in enumerate(trial.marked, 1)
        for found in counted.excess(tables[0], tables[1], names, units, _MOST_GRAMS)
    ]


def _texts(
    trial: TextTrial,
    heldout: Sequence[str],
    fake: Sequence[str],
    tokenise: Tokenise,
    vocabulary: dict[str, int],
    asked: np.ndarray | None,
    names: Sequence[str],
    figures: dict[str, Any],
    num_shown: int,
) -> dict[str, Any]:
    shown = code([tokenise(text) for text in fake[:num_shown]], vocabulary)
    train = code([tokenise(text) for text in trial.train[:_SEARCHED_TRAIN]], vocabulary)
    real = code([tokenise(text) for text in heldout[:_SEARCHED_TRAIN]], vocabulary)
    near_train, near_heldout = References(train).nearest(shown), References(real).nearest(shown)
    invalid = figures.get("valid", {}).get("fake", {}).get("details", {}).get("wrong", [])
    out: dict[str, Any] = {
        "shown": np.arange(len(shown)),
        "nearest_train": near_train.rows,
        "distance_train": near_train.distances,
        "nearest_heldout": near_heldout.rows,
        "distance_heldout": near_heldout.distances,
        "copied": figures.get("copies_near", {}).get("fake", {}).get("details", {}).get("pairs", []),
        "invalid": np.sort(trial.contestants["fake"].rows[np.array(invalid, np.int64)]),
        "by_class": {},
    }
    if asked is not None:
        rows = {name: np.flatnonzero(asked == k)[:NUM_OF_CLASS] for k, name in enumerate(names)}
        out["by_class"] = {name: found for name, found in rows.items() if len(found)}
    return dict(plain(out))


def _notes(
    trial: TextTrial,
    num_train: int,
    num_fakes: int,
    num_heldout: int,
    figures: dict[str, Any],
    scores: dict[str, Score],
) -> list[str]:
    notes = []
    fakes, heldout = trial.contestants["fake"], trial.heldout
    if len(fakes) < num_fakes:
        why = "as many as training texts" if len(fakes) == num_train else "for time"
        notes.append(f"{len(fakes):,} of {num_fakes:,} fakes were compared, {why}.")
    if len(heldout) < num_heldout:
        notes.append(f"{len(heldout):,} of {num_heldout:,} held-out texts were compared.")
    if any(name.startswith("bleu") for name in scores):
        notes.append(
            f"BLEU rises with the number of references: here {len(heldout):,} held-out texts, and for the fakes among "
            "one another all others. The details give the figures with 500 references, as Texygen's code has them."
        )
    if num_train > _SEARCHED_TRAIN:
        notes.append(f"The nearest texts that are shown were looked for among the first {_SEARCHED_TRAIN:,}.")
    told = figures.get("judge", {}).get("ceiling") or {}
    if told.get("value") is not None and told["value"] < _ALIKE:
        notes.append(
            "The training part and the held-out part differ themselves (a judge tells them apart with an AUC of "
            f"{told['details']['auc']:.2f}): they were not drawn from the same texts, and the ceilings are low for it."
        )
    notes += [
        f"{name}: {score.details.get('reason', 'could not be computed')}."
        for name, score in scores.items()
        if np.isnan(score.value)
    ]
    return notes
