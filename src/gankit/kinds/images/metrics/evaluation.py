"""Every metric of fake pictures, beside its ceiling and three plain baselines, as one plain JSON value.

Knows the table of metrics, pixels, and functions that look at pixels; never how the pictures were made, nor how the
figures are shown.

`evaluate_pictures` gives the layout of `gankit.metrics.evaluate` (every float finite or null):

    {
      "seed": 0,
      "rows": {"train": 54000, "heldout": 6000, "fake": 10000,
               "compared": 10000,      # fakes, and training pictures for the ceiling
               "against": 6000},       # held-out pictures they are compared with
      "notes": ["..."],                # what was decided or left out, one sentence each
      "features": "one sentence: what the features are",
      "shape": [28, 28, 1],
      "metrics": {
        NAME: {                        # of `picture_table.PICTURE_METRICS`; left out where nothing could be asked
          "meaning": "...", "family": "distance" | "fidelity" | "classes" | "usefulness" | "copies" | "history",
          "best": 0.0, "direction": "higher" | "lower" | "near",
          "fake": SCORE,
          "ceiling": SCORE | null,     # training pictures in the place of the fakes; for `agreement` and the copies
                                       # held-out ones, which nobody has learned by heart
          "baselines": {"noise": SCORE, "mean": SCORE, "bootstrap": SCORE},   # those that were asked; no details
          "rows_needed": 25000 | null,
          "seconds": 1.2
        }, ...
      },
      "classifier": FIGURES | null,    # of the classifier on the held-out pictures: `picture_classes.confusion_figures`
      "per_class": [...],              # `picture_classes.per_class`; empty without labels
      "asked": true,                   # whether the classes of the fakes were asked for (else: those that are seen)
      "pictures": {                    # numbers of rows, for drawing
        "shown": [0, 1, ...],          # the first fakes, unchosen; beside each, in the same order:
        "nearest_train": [17, ...], "distance_train": [812.4, ...],       # in pixels, among all training pictures
        "nearest_heldout": [3, ...], "distance_heldout": [904.1, ...],
        "nearest_train_features": [55, ...], "nearest_heldout_features": [8, ...],   # among those that were compared
        "typical": [5, ...],           # fakes in the densest crowd of real pictures
        "worst": [9, ...],             # fakes furthest from all real pictures
        "copied": [{"fake", "train", "distance_train", "distance_heldout"}, ...],   # the most suspicious first
        "by_class": {"7": [4, ...]}    # the first fakes of each class
      }
    }

    SCORE = {"value": 0.98 | null, "low": 0.97 | null, "high": 0.99 | null, "best": 1.0, "details": {...}}

Details hold what the docstring of each function names; "pairs" there are rows of fakes and training pictures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from gankit.errors import DataError
from gankit.kinds.images.metrics import baselines
from gankit.kinds.images.metrics.classes import Learn, confusion_figures, per_class
from gankit.kinds.images.metrics.neighbours import nearest, too_few
from gankit.kinds.images.metrics.table import PICTURE_METRICS, PictureMetric
from gankit.kinds.images.metrics.trial import PictureSet, PictureTrial, singular
from gankit.metrics.score import Score, enough_rows, plain
from gankit.randomness import numpy_generator

NUM_NOISE = 1000
NUM_VALIDATION = 1000
NUM_CHOSEN = 16
NUM_OF_CLASS = 8
_KNOWN_BY_HEART = 0.05

Labels = Sequence[int] | np.ndarray | None


class Sees(Protocol):
    """What gives features: `gankit.features.Features` does, and so may anything else."""

    def describe(self) -> str:
        """One sentence for the report: what the features are."""
        ...

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] uint8 -> [N, F] float32."""
        ...


def evaluate_pictures(
    train: np.ndarray,
    heldout: np.ndarray,
    fake: np.ndarray,
    *,
    features: Sees,
    classify: Callable[[np.ndarray], np.ndarray] | None = None,
    learn: Learn | None = None,
    train_labels: Labels = None,
    heldout_labels: Labels = None,
    fake_labels: Labels = None,
    class_names: Sequence[str] = (),
    seed: int = 0,
    max_pictures: int = 10_000,
    num_shown: int = 48,
    mirrored: bool = False,
    metrics: Sequence[str] = tuple(PICTURE_METRICS),
) -> dict[str, Any]:
    """Every metric of `PICTURE_METRICS` on the fakes, on real pictures (the ceiling) and on three baselines.

    Same arguments, same result, but for the seconds. The module says what is in it.

    Args:
        train, heldout: real pictures [N, H, W, C] uint8, disjoint. fake: [M, H, W, C] uint8.
        features: in which distances are measured.
        classify: [N, H, W, C] uint8 -> probabilities [N, K] of a classifier of the labels, or None.
        learn: trains a fresh classifier, for `usefulness`, which is left out where it is None.
        train_labels, heldout_labels: [N] int in 0 .. K - 1, or None. fake_labels: the classes that were asked for.
        class_names: K texts; numbers where none are given.
        seed: of every choice.
        max_pictures: at most so many of each side are compared; near copies are looked for among all training ones.
        num_shown: fakes whose neighbours are looked up for drawing.
        mirrored: whether the mirror image of a training picture counts as a copy, for training showed both.
        metrics: names to compute.

    Raises:
        DataError: a set has fewer than 2 pictures or another shape, or labels do not fit.
    """
    _check(train, heldout, fake)
    labels = [
        _labels(v, x, what)
        for v, x, what in (
            (train_labels, train, "training"),
            (heldout_labels, heldout, "held-out"),
            (fake_labels, fake, "fake"),
        )
    ]
    compared = min(len(fake), len(train), max_pictures)
    generator = numpy_generator(seed, "metrics/pictures")

    def chosen(x: np.ndarray, rows: np.ndarray, known: np.ndarray | None) -> PictureSet:
        pixels = np.ascontiguousarray(x[rows])
        found = np.asarray(features(pixels))
        if not np.isfinite(found).all():
            raise DataError("the features of some pictures are not finite. Choose other features.")
        seen = None if classify is None else classify(pixels).argmax(1)
        return PictureSet(pixels, found, rows, None if known is None else known[rows], seen)

    order = generator.permutation(len(train))
    members = chosen(train, order[:compared], labels[0])
    others = chosen(heldout, generator.permutation(len(heldout))[:max_pictures], labels[1])
    fakes = chosen(fake, generator.permutation(len(fake))[:compared], labels[2])
    names = _names(class_names, classify, members, others, fakes)
    validation = train[np.sort(order[-min(NUM_VALIDATION, max(1, len(train) // 10)) :])]
    trial = PictureTrial(train, members, others, validation, names, learn, seed, features if mirrored else None)
    contestants = {"fake": fakes, "ceiling": members, **_baselines(train, members, compared, seed, chosen)}
    figures: dict[str, Any] = {}
    scores: dict[str, Score] = {}
    for name, metric in PICTURE_METRICS.items():
        if name not in metrics:
            continue
        start = time.perf_counter()
        found = {who: trial.score(name, who, pictures) for who, pictures in contestants.items()}
        entry = _entry(metric, found, min(compared, len(others)))
        if entry is not None:
            entry["seconds"] = round(time.perf_counter() - start, 3)
            figures[name], scores[name] = entry, found["fake"] or Score(0.0, None, None, 0.0)
    return {
        "seed": seed,
        "rows": {
            "train": len(train),
            "heldout": len(heldout),
            "fake": len(fake),
            "compared": compared,
            "against": len(others),
        },
        "notes": _notes(trial, fakes, len(fake), len(heldout), scores),
        "features": features.describe(),
        "shape": list(train.shape[1:]),
        "metrics": figures,
        "classifier": None
        if others.labels is None or others.seen is None
        else confusion_figures(others.labels, others.seen, names),
        "per_class": _per_class(others, fakes, names, seed),
        "asked": fakes.labels is not None,
        "pictures": _pictures(trial, heldout, fake, fakes, names, figures, features(fake[:num_shown])),
    }


def _check(train: np.ndarray, heldout: np.ndarray, fake: np.ndarray) -> None:
    for what, x in (("training part", train), ("held-out part", heldout), ("fakes", fake)):
        if x.ndim != 4 or x.dtype != np.uint8:
            raise DataError(f"the {what}: expected uint8 pictures [N, H, W, C]. Got {x.dtype} {list(x.shape)}.")
        if len(x) < 2:
            raise DataError(
                f"the {what}: expected at least 2 pictures to compare, found {len(x)}. Better are thousands."
            )
        if x.shape[1:] != train.shape[1:]:
            raise DataError(
                f"the {what}: expected pictures of {list(train.shape[1:])} (height, width, channels) as in the "
                f"training part, found {list(x.shape[1:])}. Bring all to one size first."
            )


def _labels(labels: Labels, x: np.ndarray, what: str) -> np.ndarray | None:
    if labels is None:
        return None
    out = np.asarray(labels)
    if out.shape != (len(x),) or not np.issubdtype(out.dtype, np.integer) or (out < 0).any():
        raise DataError(
            f"the {what} labels: expected whole numbers from 0, one a picture: [{len(x)}]. Got {out.dtype} "
            f"{list(out.shape)}."
        )
    return out


def _names(
    given: Sequence[str], classify: Callable[[np.ndarray], np.ndarray] | None, *sets: PictureSet
) -> Sequence[str]:
    largest = max((int(v.max()) for s in sets for v in (s.labels, s.seen) if v is not None), default=-1)
    width = 0 if classify is None else classify(sets[0].pixels[:1]).shape[1]
    needed = max(largest + 1, width)
    if given and len(given) < needed:
        raise DataError(f"class_names has {len(given)} names, and there are {needed} classes. Give every class a name.")
    return list(given) or [str(k) for k in range(needed)]


def _baselines(
    train: np.ndarray,
    members: PictureSet,
    compared: int,
    seed: int,
    chosen: Callable[[np.ndarray, np.ndarray, np.ndarray | None], PictureSet],
) -> dict[str, PictureSet]:
    """Noise, the mean picture, and training pictures drawn again (of those whose features are known)."""
    count = min(compared, NUM_NOISE)
    one = chosen(np.array(baselines.mean(train, 1)), np.zeros(1, np.int64), None)
    return {
        "noise": chosen(baselines.noise(train, count, seed), np.arange(count), None),
        "mean": one.take(np.zeros(compared, np.int64)),
        "bootstrap": members.take(baselines.bootstrap(len(members), compared, seed)),
    }


def _entry(metric: PictureMetric, found: dict[str, Score | None], rows: int) -> dict[str, Any] | None:
    fake, ceiling = found["fake"], found["ceiling"]
    if fake is None:
        return None
    best = metric.best
    if best is None:  # it depends on the data: the entropy of the real classes, or what real pictures reach
        best = fake.best if np.isfinite(fake.best) else ceiling.value if ceiling is not None else 0.0
    shown = {who: None if s is None else replace(s, best=best) for who, s in found.items()}
    fake, ceiling = shown["fake"], shown["ceiling"]
    assert fake is not None
    needed = metric.tolerance is not None and ceiling is not None
    return {
        "meaning": metric.meaning,
        "family": metric.family,
        "best": plain(best) or 0.0,
        "direction": metric.direction,
        "fake": fake.to_json(),
        "ceiling": None if ceiling is None else ceiling.to_json(),
        "baselines": {
            who: replace(s, details={}).to_json()
            for who, s in shown.items()
            if who not in ("fake", "ceiling") and s is not None
        },
        "rows_needed": enough_rows(rows, fake, ceiling, metric.tolerance or 0.0) if needed and ceiling else None,
    }


def _per_class(real: PictureSet, fakes: PictureSet, names: Sequence[str], seed: int) -> list[dict[str, Any]]:
    classes = fakes.labels if fakes.labels is not None else fakes.seen
    known = real.labels if real.labels is not None else real.seen
    if classes is None or known is None:
        return []
    asked = fakes.seen if fakes.labels is not None else None
    return per_class(real.features, fakes.features, known, classes, names, fake_seen=asked, seed=seed)


def _pictures(
    trial: PictureTrial,
    heldout: np.ndarray,
    fake: np.ndarray,
    fakes: PictureSet,
    names: Sequence[str],
    figures: dict[str, Any],
    first_features: np.ndarray,
) -> dict[str, Any]:
    first = np.arange(len(first_features))
    queries = trial.searchable(fake[first])
    near_train, near_heldout = nearest(queries, trial.flat_train), nearest(queries, trial.searchable(heldout))
    like_train, like_heldout = (
        s.rows[nearest(first_features, s.features).rows[:, 0]] for s in (trial.members, trial.heldout)
    )
    out: dict[str, Any] = {
        "shown": first,
        "nearest_train": near_train.rows[:, 0],
        "distance_train": near_train.distances[:, 0],
        "nearest_heldout": near_heldout.rows[:, 0],
        "distance_heldout": near_heldout.distances[:, 0],
        "nearest_train_features": like_train,
        "nearest_heldout_features": like_heldout,
        "typical": [],
        "worst": [],
        "copied": [],
        "by_class": {},
    }
    if too_few(trial.heldout.features, fakes.features) is None:
        found = trial.balls("fake", fakes)
        out["typical"] = fakes.rows[np.argsort(-found.holders, kind="stable")[:NUM_CHOSEN]]
        out["worst"] = fakes.rows[np.argsort(-found.outlying, kind="stable")[:NUM_CHOSEN]]
    if "copies_near" in figures:
        out["copied"] = figures["copies_near"]["fake"]["details"].get("pairs", [])
    classes = fakes.labels if fakes.labels is not None else fakes.seen
    if classes is not None:
        rows = [np.sort(fakes.rows[classes == k])[:NUM_OF_CLASS] for k in range(len(names))]
        out["by_class"] = dict(zip(names, rows, strict=True))
    return dict(plain(out))


def _notes(
    trial: PictureTrial, fakes: PictureSet, num_fakes: int, num_heldout: int, scores: dict[str, Score]
) -> list[str]:
    notes = []
    members, heldout = trial.members, trial.heldout
    if len(fakes) < num_fakes:
        notes.append(f"{len(fakes):,} of {num_fakes:,} fakes were compared, as many as training pictures.")
    if len(heldout) < num_heldout:
        notes.append(f"{len(heldout):,} of {num_heldout:,} held-out pictures were compared.")
    if fakes.seen is None:
        notes.append("There is no classifier of labels: nothing can be said of classes.")
    elif fakes.labels is None:
        notes.append("The fakes have no labels of their own: their classes are those that the classifier sees.")
    if "frechet" in scores and singular(scores["frechet"]):
        notes.append("There are fewer pictures than features: the Frechet distance is mostly noise of small numbers.")
    if members.labels is not None and members.seen is not None and heldout.labels is not None:
        own, new = (float(np.mean(np.equal(s.labels, s.seen))) for s in (members, heldout))  # type: ignore[arg-type]
        if own - new > _KNOWN_BY_HEART:
            notes.append(
                f"The classifier is right about {own:.0%} of training pictures and {new:.0%} of held-out ones: it "
                "knows some by heart, which moves training pictures, and so the ceiling, away from held-out ones."
            )
    notes += [
        f"{name}: {score.details.get('reason', 'could not be computed')}."
        for name, score in scores.items()
        if np.isnan(score.value)
    ]
    return notes
