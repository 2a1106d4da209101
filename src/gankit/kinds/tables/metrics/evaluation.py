"""Every metric of a table of fakes, beside its ceiling and three plain baselines, as one plain JSON value.

Knows the table of metrics and two or three samples; never how the samples were made, nor how the figures are shown.

`evaluate_samples` gives (every float finite or null; texts are data, never markup):

    {
      "seed": 0,
      "rows": {                        # how many rows there were, and how many were used
        "train": 26048, "heldout": 6513, "fake": 6513,
        "compared": 6513,              # rows of fakes, of training rows (ceiling) and of each baseline
        "against": 6513                # held-out rows they are compared with
      },
      "target": "income" | null,       # given or guessed; null when nothing can be predicted (one column)
      "target_guessed": true,
      "given": ["income"],             # the columns conditional fidelity looks at (the target when none was given)
      "notes": ["..."],                # what was decided or left out, one sentence each
      "metrics": {
        NAME: {
          "meaning": "one line for readers",
          "family": "marginals" | "pairs" | "cube" | "two-sample" | "usefulness" | "coverage"
                    | "conditional" | "copies",
          "best": 1.0,
          "direction": "higher" | "lower" | "near",   # near: `best` is a chance level, both sides of it are worse
          "fake": SCORE,
          "ceiling": SCORE | null,     # fresh real rows in the place of the fakes: what perfect fakes would get
          "baselines": {"bootstrap": SCORE, "independent": SCORE, "copula": SCORE},   # their details are dropped ({})
          "rows_needed": 25000 | null, # the rows that would tell fakes from the ceiling; null: these do, or unknown
          "seconds": 1.2
        }, ...
      },
      "columns": [COLUMN, ...]         # for pictures: one entry a column, in order
    }

    SCORE = {"value": 0.98 | null, "low": 0.97 | null, "high": 0.99 | null, "best": 1.0, "details": {...}}
    A value of null means "cannot be computed here"; details["reason"] then says why in words.

    COLUMN = {"column": "age", "kind": "number", "missing": {"real": 0.0, "fake": 0.0},
              "edges": [17.0, ...],                        # K + 1 edges; the outer cells hold all that lies beyond
              "real": [K shares], "fake": [K shares]}      # shares of all rows, so that they add up to 1 - missing
           | {"column": "sex", "kind": "category", "missing": {...},
              "levels": ["Male", "Female"], "num_levels": 2,            # the 24 most frequent levels of the real rows
              "real": [shares], "fake": [shares], "other": {"real": 0.0, "fake": 0.0}}

NAMEs and their details (lists of columns, pairs, cells and records come worst first):

    shape            columns: [{column, kind, score, missing_real, missing_fake, and for numbers: ks, wasserstein (in
                     the column's own unit), wasserstein_sd (in standard deviations of the real rows)}];
                     for a single number column also one_number: {ks_p_value, kl_nats, kl_bins}
    trend            pairs: [{columns: [a, b], score, how: "correlation" | "contingency" | "mixed", real, fake
                     (the correlations, or null)}] (the 30 worst); matrix: {columns: [..], scores: [[..]]} (1 on the
                     diagonal; at most 60 columns); matrix_capped: bool
    cube             orders: [{order: 1 | 2 | 3, sets, sets_possible, cells, tv_mean, tv_max, within (share of cells
                     within sampling error), within_expected: 0.95}]; worst_sets: [{columns, tv}]; worst_cells:
                     [{terms: [{column, value}], text: "age in (24, 30] and sex = Male", real, fake (shares), z,
                     notable: bool (more than chance shows among so many cells)}]; level: 0.05; sampled: bool; seconds
    c2st_trees       auc, auc_low, auc_high, accuracy, precision, recall, folds, rows (each side)
    c2st_linear      the same
    usefulness       target, task: "classification" | "regression", figure: "auc" | "r2", train_rows, test_rows, classes
    rare_categories  found, expected, possible (levels), share (found / possible), per_column: [{column, rare, found,
                     expected}], missed: [{column, level, real_rows}] (the most frequent that are missing, at most 20)
    precision        rows, curve: {alpha: [..], inside: [..]}
    recall           rows, curve: {beta: [..], covered: [..]}
    density          rows, neighbours
    coverage         rows, neighbours
    conditional      columns: [{column, score, levels: [{level, real_rows, fake_rows, score, worst: [{column,
                     score}]}]}]
    copies_exact     copies (rows), rows, heldout_share, unique_copied (training rows that were copied),
                     examples: [{fake: RECORD}] (at most 5)
    copies_near      closer (rows), rows, ties, three_sample: {z, p, cells_z, cells_p, cells}, distance: {train_median,
                     heldout_median (of the fakes), and, of the distance to the nearest training row, edges [K + 1],
                     fake, heldout [K shares]}, worst: [{fake: RECORD, train: RECORD, distance_train,
                     distance_heldout}] (at most 10)
    membership       auc is the value; tpr_at_1: share of members found at 1% false positives, and its interval
                     tpr_at_1_low, tpr_at_1_high (null with fewer than 100 non-members); tpr_at_0_1, tpr_at_0_1_low,
                     tpr_at_0_1_high at 0.1% (null with fewer than 1,000); members, non_members

    RECORD = {"age": 31.0, "sex": "Male", "pay": null}: numbers as float (datetimes in seconds), categories as text.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from gankit.errors import DataError
from gankit.kinds.tables.metrics.baselines import BASELINES
from gankit.kinds.tables.metrics.marginals import histograms
from gankit.kinds.tables.metrics.table import METRICS, Metric
from gankit.kinds.tables.metrics.usefulness import guess_target
from gankit.metrics.sample import Sample, align
from gankit.metrics.score import Score, enough_rows
from gankit.randomness import key, numpy_generator


def evaluate_samples(
    train: Sample,
    heldout: Sample,
    fake: Sample,
    *,
    target: str | None = None,
    given: Sequence[str] = (),
    seed: int = 0,
    max_rows: int = 20_000,
) -> dict[str, Any]:
    """Every metric of `METRICS` on the fakes, on fresh real rows (the ceiling) and on three baselines, as plain JSON.

    train, heldout: real rows, disjoint; fake: the fakes, of any number. target: the column to predict, guessed when
    None. given: the columns conditional fidelity looks at; the target when empty. max_rows: at most so many
    rows of each sample are compared; copies are looked for among all training rows.

    The fakes, the ceiling and the baselines are compared at equal numbers of rows, since most figures depend on it.
    Same arguments, same result. The module says what is in it.

    Raises:
        DataError: a sample has no rows, or the samples do not have the same columns.
        DataError: `target` or a column of `given` is not among the columns.
    """
    train, heldout, fake = align(train, heldout, fake)
    for what, sample in (("training part", train), ("held-out part", heldout), ("fakes", fake)):
        if not sample.num_rows or not sample.names:
            raise DataError(
                f"the {what}: expected rows to compare, found none. Give at least one row, better some thousands."
            )
    for name in (*given, *([] if target is None else [target])):
        if name not in train.names:
            raise DataError(f"column {name!r} is not in the table. Choose among {', '.join(train.names)}.")
    guessed = target is None
    target = guess_target(train) if guessed else target
    given = tuple(given) or ((target,) if target is not None else ())
    compared = min(fake.num_rows, train.num_rows, max_rows)
    generator = numpy_generator(seed, "metrics/evaluation")
    trial = _Trial(train, heldout, heldout.subsample(max_rows, generator), target, given, seed, generator)
    contestants = {"fake": fake.subsample(compared, generator), "ceiling": train.subsample(compared, generator)}
    contestants |= {
        name: make(train, compared, key(seed, "metrics/evaluation/baseline")) for name, make in BASELINES.items()
    }
    figures: dict[str, Any] = {}
    for name, metric in METRICS.items():
        start = time.perf_counter()
        scores = {who: trial.score(metric, who, sample) for who, sample in contestants.items()}
        rows = min(compared, trial.against.num_rows)
        figures[name] = {
            "meaning": metric.meaning,
            "family": metric.family,
            "best": metric.best,
            "direction": metric.direction,
            "fake": scores["fake"].to_json(),
            "ceiling": scores["ceiling"].to_json(),
            "baselines": {who: replace(scores[who], details={}).to_json() for who in BASELINES},
            "rows_needed": None
            if metric.tolerance is None
            else enough_rows(rows, scores["fake"], scores["ceiling"], metric.tolerance),
            "seconds": round(time.perf_counter() - start, 3),
        }
    return {
        "seed": seed,
        "rows": {
            "train": train.num_rows,
            "heldout": heldout.num_rows,
            "fake": fake.num_rows,
            "compared": compared,
            "against": trial.against.num_rows,
        },
        "target": target,
        "target_guessed": guessed,
        "given": list(given),
        "notes": _notes(train, heldout, fake, compared, trial.against.num_rows, figures),
        "metrics": figures,
        "columns": histograms(trial.against, contestants["fake"]),
    }


class _Trial:
    """The real rows every contestant is held against, and what each metric needs of them."""

    def __init__(
        self,
        train: Sample,
        heldout: Sample,
        against: Sample,
        target: str | None,
        given: Sequence[str],
        seed: int,
        generator: Any,
    ) -> None:
        self.train, self.heldout, self.against = train, heldout, against
        self.target, self.given, self.seed = target, given, seed
        shuffled = generator.permutation(heldout.num_rows)
        self.halves = heldout.take(shuffled[: len(shuffled) // 2]), heldout.take(shuffled[len(shuffled) // 2 :])

    def score(self, metric: Metric, who: str, sample: Sample) -> Score:
        """The score of `sample` in the place of the fakes; for the ceiling, fresh real rows are put there."""
        ways: dict[str, Callable[[], Score]] = {
            "real, fake": lambda: metric.function(self.against, sample, seed=self.seed),
            "train, fake": lambda: metric.function(
                self.train, self.heldout if who == "ceiling" else sample, seed=self.seed
            ),
            "real, fake, given": lambda: metric.function(self.against, sample, given=self.given, seed=self.seed),
            "train, heldout, fake, target": lambda: metric.function(
                self.train, self.against, sample, target=self.target or "", seed=self.seed
            ),
            "train, heldout, fake": lambda: metric.function(
                self.train,
                *((self.halves[1], self.halves[0]) if who == "ceiling" else (self.heldout, sample)),
                seed=self.seed,
            ),
        }
        return ways[metric.needs]()


def _notes(
    train: Sample, heldout: Sample, fake: Sample, compared: int, against: int, figures: dict[str, Any]
) -> list[str]:
    notes = []
    if compared < fake.num_rows:
        notes.append(
            f"{compared:,} of {fake.num_rows:,} fakes were compared, as many as training rows for the ceiling."
        )
    if against < heldout.num_rows:
        notes.append(f"{against:,} of {heldout.num_rows:,} held-out rows were compared.")
    if figures["trend"]["fake"]["details"].get("matrix_capped"):
        notes.append(f"Pairs are of the first 60 of {len(train.names)} columns.")
    if figures["cube"]["fake"]["details"].get("sampled"):
        notes.append("Of the groupings of two or three columns a seeded choice was counted.")
    for name, figure in figures.items():
        if figure["fake"]["value"] is None:
            notes.append(f"{name}: {figure['fake']['details'].get('reason', 'could not be computed')}.")
    return notes
