"""Every metric of fake series, beside its ceiling and three plain baselines, as one plain JSON value.

Knows the table of metrics, series as arrays, and functions that look at series; never how the series were made, nor how
the figures are shown.

`evaluate_series` gives the layout of `gankit.kinds.images.metrics.evaluation` (every float finite or null):

    {
      "seed": 0,
      "rows": {"train": 3000, "heldout": 600, "fake": 3000,
               "compared": 3000,       # fakes, and training series for the ceiling
               "against": 600},        # held-out series they are compared with
      "features": "one sentence: what the features are",
      "notes": ["..."],                # what was decided or left out, one sentence each
      "series": {"steps": 24, "shortest": 24, "channels": ["price"], "categories": [], "columns": ["price"],
                 "run": 24},           # rows on which a held-out window first shares no step with a window
      "metrics": {
        NAME: {                        # of `series_table.SERIES_METRICS`; left out where nothing could be asked
          "meaning": "...", "family": "judge" | "values" | "dynamics" | "facts" | "features" | "form" | "labels" |
          "copies", "best": 0.0, "direction": "higher" | "lower" | "near",
          "distance": true | false,    # whether it has no upper end, so that its way is counted in halvings
          "fake": SCORE,
          "ceiling": SCORE | null,     # training series in the place of the fakes; for `agreement` and the copies
                                       # held-out ones, which nobody has learned by heart
          "baselines": {"autoregression": SCORE, "blocks": SCORE, "bootstrap": SCORE},   # no details
          "rows_needed": 25000 | null,
          "seconds": 1.2
        }, ...
      },
      "classifier": FIGURES | null,    # of the classifier of labels on held-out series: `series_judge.figures_of`
      "per_class": [...],              # `series_labels.per_class`; empty without labels
      "lengths": {"edges": [K + 1], "real": [K], "fake": [K]} | null,    # shares; null where all have one length
      "shown": {                       # numbers of rows, for showing
        "shown": [0, 1, ...],          # the first fakes, unchosen; beside each, in the same order:
        "nearest_train": [17, ...], "distance_train": [0.4, ...],        # by time warping, in standard deviations,
        "nearest_heldout": [3, ...], "distance_heldout": [0.5, ...],     # among those that were searched
        "copied": [{"fake", "train", "distance_train", "distance_heldout"}, ...],   # the most suspicious first
        "by_class": {"2": [4, ...]}    # the first fakes of each class
      }
    }

    SCORE = {"value": 0.98 | null, "low": 0.97 | null, "high": 0.99 | null, "best": 1.0, "details": {...}}

Details hold what the docstring of each function names; "pairs" there are rows of fakes and training series.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit.kinds.series.metrics import baselines
from gankit.kinds.series.metrics.judge import Recurrent, figures_of
from gankit.kinds.series.metrics.labels import per_class
from gankit.kinds.series.metrics.sample import Columns, SeriesSample, aligned, overlap
from gankit.kinds.series.metrics.table import SERIES_METRICS, SeriesMetric
from gankit.kinds.series.metrics.trial import LONGEST, REFERENCES, SeriesSet, SeriesTrial, series_set
from gankit.kinds.series.metrics.warping import References
from gankit.metrics.classification import class_numbers
from gankit.metrics.score import Score, enough_rows, plain
from gankit.randomness import numpy_generator

NUM_OF_CLASS = 8
MOST_NUMBERS = 20_000_000
"""Numbers of the series of a side: of larger ones fewer are compared."""

_MOST_CELLS = 40
_ALIKE = 0.7


def evaluate_series(
    train: SeriesSample,
    heldout: SeriesSample,
    fake: SeriesSample,
    *,
    recurrent: Recurrent | None = None,
    features: Callable[[SeriesSample], np.ndarray] | None = None,
    features_name: str = "",
    classify: Callable[[SeriesSample], np.ndarray] | None = None,
    seed: int = 0,
    max_series: int = 5000,
    num_shown: int = 12,
    metrics: Sequence[str] = tuple(SERIES_METRICS),
) -> dict[str, Any]:
    """Every metric of `SERIES_METRICS` on the fakes, on real series (the ceiling) and on three baselines.

    Same arguments, same result, but for the seconds. The module says what is in it.

    Args:
        train, heldout: real series, those of windows cut from a longer one in their order in time. fake: fakes. With
            labels: those that the real ones have, and those that were asked for.
        recurrent: the network of the two scores of TimeGAN, which are left out where it is None or where series have
            more than 1,024 steps.
        features: series -> [N, F] in which the distance of Frechet is taken, or None. features_name: one sentence for
            the report: what they are.
        classify: series -> [N] int, the class seen in each, numbered as the sorted labels are; None: a linear model is
            trained on the labels of the training series.
        seed: of every choice.
        max_series: at most so many of each side are compared; equal series are looked for among all training ones.
        num_shown: fakes whose nearest real series are looked up for showing.
        metrics: names to compute.

    Raises:
        DataError: a set has fewer than 2 series, or other channels.
    """
    for what, sample in (("training part", train), ("held-out part", heldout), ("fakes", fake)):
        if len(sample) < 2:
            raise DataError(f"the {what}: expected at least 2 series to compare, found {len(sample)}.")
    train, heldout, fake = aligned(train, heldout, fake)
    labelled = (train.labels, heldout.labels, fake.labels)
    known = None if all(v is None for v in labelled) else labelled
    names, numbers = class_numbers(known, [len(s) for s in (train, heldout, fake)], "text")
    columns = Columns.fit(train, heldout)
    if not columns.names:
        raise DataError("the series have no channel that could be compared.")
    most = max(2, min(max_series, MOST_NUMBERS // (train.x.shape[1] * len(columns.names))))
    compared = min(len(fake), len(train), most)
    generator = numpy_generator(seed, "metrics/series")

    def chosen(sample: SeriesSample, count: int, run: int, mine: np.ndarray | None) -> SeriesSet:
        rows = np.sort(generator.permutation(len(sample))[:count])
        return series_set(sample.take(rows), columns, rows, run, None if mine is None else mine[rows])

    members = chosen(train, compared, overlap(train.x), numbers[0])
    others = chosen(heldout, most, overlap(heldout.x), numbers[1])
    fakes = chosen(fake, compared, 1, numbers[2])
    made = _baselines(members, columns, compared, seed, names)
    contestants = {"fake": fakes, "ceiling": members, **made}
    trial = SeriesTrial(train, others, contestants, columns, names, recurrent, features, classify, seed)
    figures: dict[str, Any] = {}
    scores: dict[str, Score] = {}
    for name, metric in SERIES_METRICS.items():
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
        "features": features_name,
        "notes": _notes(trial, len(fake), len(heldout), figures, scores),
        "series": {
            "steps": train.x.shape[1],
            "shortest": int(min(s.lengths.min() for s in (train, heldout))),
            "channels": list(train.names),
            "categories": [name for name in train.names if name in train.levels],
            "columns": list(columns.names),
            "run": others.run,
        },
        "metrics": figures,
        "classifier": None if judged is None else figures_of(*judged, names),
        "per_class": per_class(trial, names),
        "lengths": _lengths(trial),
        "shown": _shown(trial, fake, columns, numbers[2], names, figures, num_shown),
    }


def _baselines(
    members: SeriesSet, columns: Columns, compared: int, seed: int, names: Sequence[str]
) -> dict[str, SeriesSet]:
    """Series of an autoregression, blocks of training series, and training series drawn again."""
    # labels as numbers, which the series take over from those they begin with
    base = replace(members.sample, labels=None if members.labels is None else members.labels)
    drawn = base.take(baselines.bootstrap(len(members), compared, seed))
    made = {
        "autoregression": baselines.autoregression(base, columns, compared, seed),
        "blocks": baselines.blocks(base, compared, seed),
        "bootstrap": drawn,
    }
    return {
        who: series_set(
            s, columns, np.arange(compared), 1, None if s.labels is None else np.asarray(s.labels, np.int64)
        )
        for who, s in made.items()
    }


def _entry(metric: SeriesMetric, found: dict[str, Score | None], rows: int) -> dict[str, Any] | None:
    fake, ceiling = found["fake"], found["ceiling"]
    if fake is None:
        return None
    needed = metric.tolerance is not None and ceiling is not None
    return {
        "meaning": metric.meaning,
        "family": metric.family,
        "best": metric.best,
        "direction": metric.direction,
        "distance": metric.distance,
        "fake": fake.to_json(),
        "ceiling": None if ceiling is None else replace(ceiling, details=_small(ceiling.details)).to_json(),
        "baselines": {
            who: replace(s, details={}).to_json()
            for who, s in found.items()
            if who not in ("fake", "ceiling") and s is not None
        },
        "rows_needed": enough_rows(rows, fake, ceiling, metric.tolerance or 0.0) if needed and ceiling else None,
    }


def _small(details: dict[str, Any]) -> dict[str, Any]:
    """The details without curves and tables, which only those of the fakes keep."""
    return {k: v for k, v in details.items() if not isinstance(v, list | np.ndarray) or k == "runs"}


def _lengths(trial: SeriesTrial) -> dict[str, Any] | None:
    sides = {"real": trial.heldout.sample.lengths, "fake": trial.contestants["fake"].sample.lengths}
    if len(np.unique(np.concatenate(list(sides.values())))) < 2:
        return None
    most = int(max(side.max(initial=0) for side in sides.values()))
    step = -(-(most + 1) // _MOST_CELLS)
    edges = np.arange(0, most + step + 1, step) - 0.5
    return dict(plain({"edges": edges, **{k: np.histogram(v, edges)[0] / max(len(v), 1) for k, v in sides.items()}}))


def _shown(
    trial: SeriesTrial,
    fake: SeriesSample,
    columns: Columns,
    asked: np.ndarray | None,
    names: Sequence[str],
    figures: dict[str, Any],
    num_shown: int,
) -> dict[str, Any]:
    rows = np.arange(min(num_shown, len(fake)))
    first = trial.search(series_set(fake.take(rows), columns, rows, 1, None))
    out: dict[str, Any] = {"shown": rows}
    for name, side in (("train", trial.members), ("heldout", trial.heldout)):
        some = side.first(REFERENCES)
        found = References(trial.search(some)).nearest(first)
        out |= {f"nearest_{name}": some.rows[found.rows], f"distance_{name}": found.distances}
    out["copied"] = figures.get("copies_near", {}).get("fake", {}).get("details", {}).get("pairs", [])
    out["by_class"] = {}
    if asked is not None:
        by_class = {name: np.flatnonzero(asked == k)[:NUM_OF_CLASS] for k, name in enumerate(names)}
        out["by_class"] = {name: found for name, found in by_class.items() if len(found)}
    return dict(plain(out))


def _notes(
    trial: SeriesTrial, num_fakes: int, num_heldout: int, figures: dict[str, Any], scores: dict[str, Score]
) -> list[str]:
    notes = []
    fakes, heldout = trial.contestants["fake"], trial.heldout
    if len(fakes) < num_fakes:
        why = "as many as training series" if len(fakes) == len(trial.train) else "for time"
        notes.append(f"{len(fakes):,} of {num_fakes:,} fakes were compared, {why}.")
    if len(heldout) < num_heldout:
        notes.append(f"{len(heldout):,} of {num_heldout:,} held-out series were compared.")
    if heldout.run > 1:
        count = len(np.unique(heldout.runs))
        notes.append(
            f"The held-out windows overlap: {len(heldout):,} of them say about as much as {count:,} that share no "
            "steps, and the intervals are as wide as those make them."
        )
    if trial.columns.names and len(trial.columns.names) < sum(
        len(trial.train.levels.get(name, ("",))) for name in trial.train.names
    ):
        notes.append(f"{len(trial.columns.names)} columns were compared; rare levels and further channels were not.")
    if trial.recurrent is not None and trial.train.x.shape[1] > LONGEST:
        notes.append(f"The scores of TimeGAN were left out: the series have more than {LONGEST:,} steps.")
    told = figures.get("judge", {}).get("ceiling") or {}
    if told.get("value") is not None and told["value"] < _ALIKE:
        notes.append(
            "The training part and the held-out part differ themselves (trees tell them apart with an AUC of "
            f"{told['details']['auc']:.2f}), as where a series changes with time: real series reach less than all "
            "against this held-out part, and fakes like the training part cannot do better."
        )
    notes += [
        f"{name}: {score.details.get('reason', 'could not be computed')}."
        for name, score in scores.items()
        if np.isnan(score.value)
    ]
    return notes
