"""The metrics of rows: what each computes, its words, its baselines, and the samples that all of them look at.

Knows samples of plain columns and the words of the report; never how rows were made, networks or pages.

Beside what `gankit.metrics.evaluate` documents, the "evaluation" of report.json holds the fields of `TableFacts`, where

    COLUMN = {"column": "age", "kind": "number", "missing": {"real": 0.0, "fake": 0.0},
              "edges": [17.0, ...],                        # K + 1 edges; the outer cells hold all that lies beyond
              "real": [K shares], "fake": [K shares]}      # shares of all rows, so that they add up to 1 - missing
           | {"column": "sex", "kind": "category", "missing": {...},
              "levels": ["Male", "Female"], "num_levels": 2,            # the 24 most frequent levels of the real rows
              "real": [shares], "fake": [shares], "other": {"real": 0.0, "fake": 0.0}}

NAMEs and their details (lists of columns, pairs, cells and records come worst first):

    rules            rules: [{rule, real, fake (shares of the rows that break it)}]; left out where there are none
    differences      pairs: [{columns: [a, b], score, real, fake (medians of b - a)}] (the 30 worst); left out where no
                     two columns keep near each other
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
    precision        rows, curve: {alpha: [..], inside: [..]}, singular: bool (no more rows than columns)
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

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gankit.errors import DataError
from gankit.kinds.tables.metrics import classifiers, coverage, distributions, neighbours
from gankit.kinds.tables.metrics.classifiers import guess_target
from gankit.kinds.tables.metrics.distributions import histograms, near_pairs
from gankit.kinds.tables.metrics.sample import Sample, align
from gankit.metrics.evaluate import CEILING, FAKE, Evaluation, Inputs, MetricResult, Rows, evaluate, make_baselines
from gankit.metrics.metric import Baseline, Metric, Noun, Score
from gankit.randomness import key, numpy_generator
from gankit.report import numbers, records
from gankit.report.records import exact_copies, name, near_copies
from gankit.report.verdict import COPIES, THRESHOLDS


def bootstrap(train: Sample, num_rows: int, seed: int) -> Sample:
    """Training rows drawn with replacement: perfect but for new rows, since every row is a copy."""
    generator = numpy_generator(seed, "metrics/baselines/bootstrap")
    return train.take(generator.integers(0, train.num_rows, num_rows))


def independent(train: Sample, num_rows: int, seed: int) -> Sample:
    """Each column drawn for itself from the training rows: perfect marginals, no relation between columns."""
    columns = {}
    for i, column in enumerate(train.names):
        generator = numpy_generator(seed, "metrics/baselines/independent", i)
        columns[column] = train.columns[column][generator.integers(0, train.num_rows, num_rows)]
    return Sample(columns, train.kinds, train.levels)


def copula(train: Sample, num_rows: int, seed: int) -> Sample:
    """A Gaussian copula: observed values in each column, and correlations of the normal scores between them.

    Every column is ordered (numbers by value with missing last, categories by falling frequency) and a value takes a
    random place in its share of [0, 1] (the distributional transform, Rueschendorf 2009), so that atoms and categories
    become normal scores too. The correlation matrix is shrunk towards the identity (Ledoit & Wolf 2004), which keeps it
    positive definite.
    """
    from scipy.special import ndtr, ndtri
    from sklearn.covariance import ledoit_wolf_shrinkage

    generator = numpy_generator(seed, "metrics/baselines/copula")
    orders = [_ordered(train, name) for name in train.names]
    scores = np.empty((train.num_rows, len(orders)))
    for i, (_, starts, place) in enumerate(orders):
        width = np.diff(starts)[place]
        u = (starts[place] + width * generator.random(train.num_rows)) / train.num_rows
        scores[:, i] = ndtri(np.clip(u, 1e-9, 1 - 1e-9))
    scores -= scores.mean(0)
    spread = scores.std(0)
    scores /= np.where(spread > 0, spread, 1.0)
    correlation = scores.T @ scores / max(len(scores), 1)
    shrinkage = float(ledoit_wolf_shrinkage(scores, assume_centered=True)) if len(scores) > 1 else 1.0
    shrinkage = min(1.0, max(shrinkage, 1e-4))
    correlation = (1 - shrinkage) * correlation + shrinkage * np.eye(len(orders))
    np.fill_diagonal(correlation, 1.0)
    normal = generator.standard_normal((num_rows, len(orders))) @ np.linalg.cholesky(correlation).T
    columns = {}
    for i, (column, (values, starts, _)) in enumerate(zip(train.names, orders, strict=True)):
        at = np.minimum((ndtr(normal[:, i]) * train.num_rows).astype(np.int64), train.num_rows - 1)
        columns[column] = values[np.searchsorted(starts, at, side="right") - 1]
    return Sample(columns, train.kinds, train.levels)


def _ordered(train: Sample, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(different values [K] in order, where each one's rows start [K + 1], each row's place among them [N])."""
    values, place, counts = np.unique(train.columns[name], return_inverse=True, return_counts=True)  # NaN: one, last
    if train.kinds[name] == "category":
        order = np.argsort(-counts, kind="stable")
        values, counts, place = values[order], counts[order], np.argsort(order)[place]
    return values, np.concatenate([[0], np.cumsum(counts)]), place


NOUN = Noun("row", "rows")

MOST_AT_ONCE = 4
"""Scores that are worked out at the same time: each takes up to 100 MB."""


@dataclass(frozen=True)
class TableFacts:
    """What a report on rows needs beside the results.

    target: the column to predict, given or guessed; None when nothing can be predicted (one column).
    given: the columns conditional fidelity looks at (the target when none was given).
    columns: for drawing: one COLUMN a column, in order.
    """

    target: str | None
    target_guessed: bool
    given: Sequence[str]
    columns: Sequence[Mapping[str, Any]]


class TableInputs(Inputs[Sample, TableFacts]):
    """The real rows that every candidate is held against.

    The fakes, the ceiling and the baselines are compared at equal numbers of rows, since most figures depend on it.

    Args:
        train, heldout: real rows, disjoint; fake: the fakes, of any number.
        target: the column to predict, guessed when None. given: see `TableFacts`; the target when empty.
        rules: from rows to the share of them that breaks each rule, by its text, and to which rows keep all, [N] bool.
        seed: of every choice.
        max_rows: at most so many rows of each sample are compared; copies are looked for among all training rows.

    Attributes:
        against: the held-out rows that are compared; halves: of all held-out ones.

    Raises:
        DataError: a sample has no rows, the samples do not have the same columns, or a named one is not among them.
    """

    kind, noun = "table", NOUN

    def __init__(
        self, train: Sample, heldout: Sample, fake: Sample, *, target: str | None = None, given: Sequence[str] = (),
        rules: records.Shares | None = None, seed: int = 0,
        max_rows: int = 20_000,
    ) -> None:  # fmt: skip
        train, heldout, fake = align(train, heldout, fake)
        for what, sample in (("training part", train), ("held-out part", heldout), ("synthetic rows", fake)):
            if not sample.num_rows or not sample.names:
                raise DataError(
                    f"the {what}: expected rows to compare, found none. Give at least one row, better some thousands."
                )
        for column in (*given, *([] if target is None else [target])):
            if column not in train.names:
                raise DataError(f"column {column!r} is not in the table. Choose among {', '.join(train.names)}.")
        self.train, self.heldout, self.seed, self.rules = train, heldout, seed, rules
        self.target_guessed = target is None
        self.target = guess_target(train) if target is None else target
        self.given = tuple(given) or ((self.target,) if self.target is not None else ())
        self.at_once = min(os.cpu_count() or 1, MOST_AT_ONCE)
        compared = min(fake.num_rows, train.num_rows, max_rows)
        generator = numpy_generator(seed, "metrics/evaluation")
        self.against = heldout.subsample(max_rows, generator)
        shuffled = generator.permutation(heldout.num_rows)
        self.halves = heldout.take(shuffled[: len(shuffled) // 2]), heldout.take(shuffled[len(shuffled) // 2 :])
        self.rows = Rows(train.num_rows, heldout.num_rows, fake.num_rows, compared, self.against.num_rows)
        self.candidates = {
            FAKE: fake.subsample(compared, generator),
            CEILING: train.subsample(compared, generator),
            **make_baselines(BASELINES, self),
        }

    def notes(self, results: Mapping[str, MetricResult]) -> list[str]:
        """See `Inputs.notes`."""
        notes = []
        if "trend" in results and results["trend"].details.get("matrix_capped"):
            notes.append(f"Pairs are of 60 of {len(self.train.names)} columns, evenly apart.")
        if "cube" in results and results["cube"].details.get("sampled"):
            notes.append("Of the groupings of two or three columns a seeded choice was counted.")
        return notes

    def facts(self, results: Mapping[str, MetricResult]) -> TableFacts:
        """See `Inputs.facts`."""
        columns = histograms(self.against, self.candidates[FAKE])
        return TableFacts(self.target, self.target_guessed, self.given, columns)


def evaluate_rows(train: Sample, heldout: Sample, fake: Sample, **options: Any) -> Evaluation[TableFacts]:
    """Every metric of `METRICS` on the fakes, fresh real rows and three baselines; options: of `TableInputs`."""
    return evaluate(METRICS, TableInputs(train, heldout, fake, **options))


Function = Callable[[TableInputs, str], Score | None]


def _against_heldout(function: Callable[..., Score]) -> Function:
    """A metric of held-out rows and a candidate."""
    return lambda inputs, who: function(inputs.against, inputs.candidates[who], seed=inputs.seed)


def _against_both(function: Callable[..., Score]) -> Function:
    """A metric of training rows, held-out rows and a candidate; its ceiling is one half of the held-out rows."""

    def score(inputs: TableInputs, who: str) -> Score:
        fake, real = inputs.halves if who == CEILING else (inputs.candidates[who], inputs.heldout)
        return function(inputs.train, real, fake, seed=inputs.seed)

    return score


def _precision(inputs: TableInputs, who: str) -> Score:
    found = coverage.precision(inputs.against, inputs.candidates[who], seed=inputs.seed)
    rows = min(inputs.rows.compared, inputs.rows.against)
    return replace(found, details={**found.details, "singular": rows <= len(inputs.train.names)})


def _rare_categories(inputs: TableInputs, who: str) -> Score:
    """Those of training rows, so that the ceiling is held-out ones."""
    fake = inputs.heldout if who == CEILING else inputs.candidates[who]
    return coverage.rare_categories(inputs.train, fake, seed=inputs.seed)


def _conditional(inputs: TableInputs, who: str) -> Score:
    return classifiers.conditional(inputs.against, inputs.candidates[who], given=inputs.given, seed=inputs.seed)


def _rules(inputs: TableInputs, who: str) -> Score | None:
    return None if inputs.rules is None else records.rules_score(inputs.rules, inputs.against, inputs.candidates[who])


def _differences(inputs: TableInputs, who: str) -> Score | None:
    if not near_pairs(inputs.against):
        return None
    return distributions.differences(inputs.against, inputs.candidates[who], seed=inputs.seed)


def _of_differences(details: Mapping[str, Any]) -> list[str]:
    if not details.get("pairs"):
        return []
    a, b = details["pairs"][0]["columns"]
    return [f"The worst difference is that of {name(a)} and {name(b)}: {numbers.score(details['pairs'][0]['score'])}."]


def _usefulness(inputs: TableInputs, who: str) -> Score:
    fake, target = inputs.candidates[who], inputs.target or ""
    return classifiers.usefulness(inputs.train, inputs.against, fake, target=target, seed=inputs.seed)


def _baseline(make: Callable[[Sample, int, int], Sample]) -> Callable[[TableInputs], Sample]:
    return lambda inputs: make(inputs.train, inputs.rows.compared, key(inputs.seed, "metrics/evaluation/baseline"))


def _of_shape(details: Mapping[str, Any]) -> list[str]:
    columns = details.get("columns") or []
    if not columns:
        return []
    out, worst = [], columns[0]
    if len(columns) > 1:
        out.append(f"The worst column is {name(worst['column'])} with {numbers.score(worst['score'])}.")
    gone = max(columns, key=lambda c: abs((c.get("missing_fake") or 0) - (c.get("missing_real") or 0)))
    real, fake = gone.get("missing_real") or 0, gone.get("missing_fake") or 0
    if abs(fake - real) > THRESHOLDS["tolerance"]:
        out.append(
            f"{name(gone['column'])} is missing in {numbers.share(fake)} of the synthetic rows and "
            f"{numbers.share(real)} of the real ones."
        )
    one = details.get("one_number") or {}
    if one.get("kl_nats") is not None:
        out.append(
            f"The divergence KL(real ‖ fake) is {numbers.score(one['kl_nats'])} nats over {one['kl_bins']} bins; "
            f"the Kolmogorov–Smirnov test gives p = {numbers.score(one.get('ks_p_value'))}."
        )
    return out


def _of_trend(details: Mapping[str, Any]) -> list[str]:
    if not details.get("pairs"):
        return []
    worst = details["pairs"][0]
    a, b = worst["columns"]
    text = f"The worst pair is {name(a)} with {name(b)}: {numbers.score(worst['score'])}"
    if worst.get("real") is not None and worst.get("fake") is not None:
        text += (
            f" (correlation {numbers.score(worst['real'])} in real rows, {numbers.score(worst['fake'])} in synthetic)"
        )
    return [text + "."]


def _of_cube(details: Mapping[str, Any]) -> list[str]:
    orders, cells = details.get("orders") or [], details.get("worst_cells") or []
    names = {1: "one column", 2: "two columns", 3: "three columns"}
    parts = [
        f"{numbers.share(o['within'])} of {numbers.count(o['cells'])} cells by {names.get(o['order'], o['order'])}"
        for o in orders
        if o.get("within") is not None
    ]
    out = []
    if parts:
        expected = orders[0].get("within_expected")
        out.append(
            f"Grouped as an analyst would, the synthetic rows give the right count, within sampling error, in "
            f"{numbers.listed(parts)}" + (f"; perfect ones would in {numbers.share(expected)}." if expected else ".")
        )
    if cells:
        out.append(
            f"The cell furthest off is {name(cells[0]['text'])}: {numbers.share(cells[0]['real'])} of the real rows, "
            f"{numbers.share(cells[0]['fake'])} of the synthetic ones."
        )
    return out


def _of_usefulness(details: Mapping[str, Any]) -> list[str]:
    if not details.get("target"):
        return []
    figure = {"auc": "AUC", "r2": "R²"}.get(details.get("figure", ""), details.get("figure", ""))
    return [
        f"The column predicted is {name(details['target'])}; the figure is {figure} on "
        f"{numbers.count(details.get('test_rows'))} held-out real rows. The ceiling is the same model trained on real "
        "rows."
    ]


def _of_rare(details: Mapping[str, Any]) -> list[str]:
    if not details.get("possible"):
        return []
    out = [
        f"{numbers.count(details['found'])} of {numbers.count(details['possible'])} rare categories occur in the "
        f"synthetic rows; with that many rows {(details.get('expected') or 0):.1f} would be expected."
    ]
    return out + [
        f"The most frequent one that is missing is {name(m['column'])} = {name(m['level'])} "
        f"({numbers.count(m['real_rows'])} real rows)."
        for m in (details.get("missed") or [])[:1]
    ]


def _of_conditional(details: Mapping[str, Any]) -> list[str]:
    levels = [(c["column"], lev) for c in details.get("columns") or [] for lev in c["levels"]]
    if not levels:
        return []
    column, worst = min(levels, key=lambda item: float(item[1]["score"]))
    return [
        f"The other columns fit worst where {name(column)} is {name(worst['level'])}: {numbers.score(worst['score'])} "
        f"over {numbers.count(worst['real_rows'])} real rows and {numbers.count(worst['fake_rows'])} synthetic ones."
    ]


def _of_membership(details: Mapping[str, Any]) -> list[str]:
    found = numbers.finite(details.get("tpr_at_1"))
    if found is None:
        return []
    low, high = numbers.finite(details.get("tpr_at_1_low")), numbers.finite(details.get("tpr_at_1_high"))
    bounds = f" ({numbers.share(low)} to {numbers.share(high)})" if low is not None and high is not None else ""
    return [
        f"An attacker who accuses 1 % of strangers wrongly finds {numbers.share(found)}{bounds} of the training rows; "
        "guessing finds 1 %."
    ]


BASELINES: Sequence[Baseline[TableInputs]] = (
    Baseline(
        "independent", _baseline(independent), "Independent columns", "independent columns",
        "each column drawn for itself, without any relation between columns. A model that does not beat them has "
        "learned no more.", "square", start=True,
    ),
    Baseline(
        "copula", _baseline(copula), "Gaussian copula", "a Gaussian copula",
        "columns tied by correlations alone: a plain method that a GAN should beat.", "triangle", start=True,
    ),
    Baseline(
        "bootstrap", _baseline(bootstrap), "Bootstrap of training rows", "a bootstrap of training rows",
        "a bootstrap of the training rows: as real as can be, and all of it copied. It shows what a copier would "
        "score.", "cross",
    ),
)  # fmt: skip

_OVERFITS = "train on more rows"

METRICS: Sequence[Metric[TableInputs]] = (
    records.rules_kept(_rules, "row", "rows"),
    Metric(
        "differences", _differences, "pairs",
        "Columns that keep near each other, compared by their difference: how alike its distributions are.",
        title="Differences of columns", noun="differences between columns",
        question="Are columns that belong together as far apart as in real rows: durations, margins, ages?",
        remedy="state how the columns relate (--rule 'a <= b')", details=_of_differences, tolerance=0.01,
    ),
    Metric(
        "shape", _against_heldout(distributions.shape), "marginals",
        "Each column for itself: how alike the distributions are.", title="Column shapes",
        question="Is each column, for itself, distributed as in real rows?",
        remedy="state the type of a column that was read wrongly (--column NAME=TYPE)", details=_of_shape,
        tolerance=0.005,
    ),
    Metric(
        "trend", _against_heldout(distributions.trend), "pairs",
        "Pairs of columns: how alike their correlations and cross tables are.", title="Column pair trends",
        question="Do two columns correlate as in real rows?", details=_of_trend, tolerance=0.005,
    ),
    Metric(
        "cube", _against_heldout(coverage.cube), "cube",
        "Group-by answers over one, two and three columns: how alike the shares of the groups are.",
        title="Group-by answers",
        question="Would a GROUP BY over one, two or three columns give an analyst the same answer?", details=_of_cube,
        tolerance=0.01,
    ),
    Metric(
        "c2st_trees", _against_heldout(classifiers.c2st_trees), "two-sample",
        "Can boosted trees tell synthetic from real rows? 1: no better than by chance; 0: always.",
        title="C2ST, boosted trees",
        noun="rows as a whole (C2ST by boosted trees)",
        question="Can boosted trees, shown whole rows, tell synthetic from real rows?",
        details=records.two_sample("A tree model", NOUN), tolerance=0.05,
    ),
    Metric(
        "c2st_linear", _against_heldout(classifiers.c2st_linear), "two-sample",
        "Can a linear model tell synthetic from real rows? 1: no better than by chance; 0: always.",
        title="C2ST, linear model", noun="rows as a whole (C2ST by a linear model)",
        question="Can a linear model tell synthetic from real rows?",
        details=records.two_sample("A linear model", NOUN),
        tolerance=0.05,
    ),
    Metric(
        "usefulness", _usefulness, "usefulness",
        "A model trained on synthetic rows, tested on held-out real rows: ROC AUC, or R2 for a number.",
        title="TSTR utility",
        noun="training predictive models",
        question="Does a model trained on synthetic rows predict real rows as well as one trained on real rows?",
        remedy="train with the target as a condition (--given COLUMN)", details=_of_usefulness,
        tolerance=0.01, subject="utility",
    ),
    Metric(
        "rare_categories", _rare_categories, "coverage",
        "Rare levels: how many appear, over the number expected in as many real rows.", title="Rare categories",
        question="Do categories that are rare in the data occur at all?", remedy="draw more rows",
        details=_of_rare,
    ),
    Metric(
        "precision", _precision, "coverage",
        "Do synthetic rows lie where real ones lie, bulk and fringe (alpha-precision)?",
        title="α-precision (realism)", noun="realism of single rows (α-precision)",
        question="Do synthetic rows lie where real ones lie?", tolerance=0.02,
    ),
    Metric(
        "recall", _against_heldout(coverage.recall), "coverage",
        "Are real rows reached by synthetic ones (beta-recall)? Real rows themselves reach about a half.",
        title="β-recall (variety)", noun="variety of rows (β-recall)",
        question="Do synthetic rows reach all places where real rows lie?", tolerance=0.05,
    ),
    Metric(
        "density", _against_heldout(coverage.density), "coverage",
        "How dense synthetic rows are around real ones; above 1: they concentrate where real rows are dense.",
        noun="density around real rows",
        question="Are there as many synthetic rows around real ones as there should be?",
        direction="near", tolerance=0.05,
    ),
    Metric(
        "coverage", _against_heldout(coverage.coverage), "coverage",
        "The share of real rows with a fake in their neighbourhood.", noun="coverage of real rows",
        question="What share of the real rows has a fake nearby?", tolerance=0.02,
    ),
    Metric(
        "conditional", _conditional, "conditional",
        "Conditional on a value of one column, how alike the other columns are.",
        title="Conditional distributions", noun="conditional distributions",
        question="Among conditional distributions, do the other columns follow the real ones?",
        remedy="train with that column as a condition (--given COLUMN)", details=_of_conditional,
        tolerance=0.01,
    ),
    exact_copies(_against_both(neighbours.copies_exact), NOUN, "in every column", _OVERFITS),
    near_copies(_against_both(neighbours.copies_near), NOUN, _OVERFITS),
    Metric(
        "membership", _against_both(neighbours.membership), COPIES,
        "Can an attacker with the synthetic rows alone tell who was in the training data? One half: no.",
        title="Membership inference", question="Can an attacker tell who was in the training data?",
        remedy=_OVERFITS, details=_of_membership, best=0.5, direction="near", tolerance=0.02, trained=True,
    ),
)  # fmt: skip
