"""The metrics of series: what each computes, its words, and its baselines.

Knows series as columns of numbers and the words of the report; never how series were made, networks or pages.

Beside what `gankit.metrics.evaluate` documents, the "evaluation" of report.json holds the fields of `SeriesFacts`. The
ceiling is training series in the place of the fakes; for `agreement` and the copies it is held-out ones, which nobody
trained on. Its details hold no lists but "runs". Details are what the docstring of each function names; "pairs" there
are rows of fakes and training series.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gankit.kinds.series.metrics import classifiers, distances, sample
from gankit.kinds.series.metrics.inputs import (
    BASELINES,
    HELDOUT,
    LONGEST,
    NOUN,
    SEEN_BY_TREES,
    SeriesFacts,
    SeriesInputs,
    SeriesSet,
)
from gankit.kinds.series.metrics.sample import WHOLE, SeriesSample
from gankit.kinds.series.records import bridged
from gankit.metrics.classification import accuracy_score, agreement
from gankit.metrics.distances import frechet, lengths
from gankit.metrics.evaluate import CEILING, FAKE, Evaluation, evaluate, make_baselines, numbered
from gankit.metrics.metric import Metric, Score, impossible
from gankit.report import numbers, records
from gankit.report.numbers import finite
from gankit.report.records import conditional_accuracy, exact_copies, name, near_copies, same_lengths, utility

Details = Mapping[str, Any]
Function = Callable[[SeriesInputs, str], Score | None]

BOOTSTRAP = "bootstrap"
_ALIKE = 0.1  # steps whose spread is off by less are not called too smooth or too rough


def evaluate_series(
    train: SeriesSample, heldout: SeriesSample, fake: SeriesSample, *, only: Collection[str] | None = None,
    **options: Any,
) -> Evaluation[SeriesFacts]:  # fmt: skip
    """Every metric of `METRICS` on the fakes, on real series (the ceiling) and on three baselines.

    only: names of the metrics to compute; None for all. options: of `SeriesInputs`.

    Raises:
        DataError: a part has fewer than 2 series, or other channels than the training part.
    """
    inputs = SeriesInputs(train, heldout, fake, **options)
    inputs.candidates |= make_baselines(BASELINES, inputs)
    return evaluate(METRICS, inputs, only)


# --- what each computes -----------------------------------------------------------------------------------------------


def _distance(
    function: Callable[..., Score], *, only_numbers: bool = False, **options: Any
) -> Callable[[SeriesInputs, str], Score]:
    """A distance between the columns of held-out series and of a candidate."""

    def score(inputs: SeriesInputs, who: str) -> Score:
        names: Sequence[str] = inputs.columns.names
        real, fake = inputs.heldout.side, inputs.candidates[who].side
        if only_numbers:
            places = inputs.columns.numbers
            if not len(places):
                return impossible(0.0, "there are no channels of numbers")
            names = [names[d] for d in places]
            real, fake = real.columns(places), fake.columns(places)
        return function(real, fake, names, seed=inputs.seed, **options)

    return score


def _marginals(inputs: SeriesInputs, who: str, changes: bool) -> Score:
    codes = np.array(inputs.columns.codes)
    return _distance(distances.marginals, codes=codes, changes=changes)(inputs, who)


def _cross_correlation(inputs: SeriesInputs, who: str) -> Score | None:
    channels = inputs.columns.channels
    return _distance(distances.cross_correlation, channels=channels)(inputs, who) if len(set(channels)) > 1 else None


def _discriminative(inputs: SeriesInputs, who: str) -> Score | None:
    if (network := _network(inputs, who)) is None:
        return None
    real, fake = (inputs.unit(w)[0] for w in (HELDOUT, who))
    return classifiers.discriminative(real, fake, network, inputs.heldout.run, inputs.seed)


def _predictive(inputs: SeriesInputs, who: str) -> Score | None:
    if (network := _network(inputs, who)) is None or not len(inputs.columns.numbers):
        return None
    return classifiers.predictive(inputs.unit(who), inputs.unit(HELDOUT), network, inputs.heldout.run, inputs.seed)


def _network(inputs: SeriesInputs, who: str) -> classifiers.Recurrent | None:
    """The network that is asked of a candidate, of a baseline once; None where it is not."""
    if inputs.recurrent is None or inputs.train.x.shape[1] > LONGEST or who == BOOTSTRAP:
        return None
    return inputs.recurrent if who in (FAKE, CEILING) else replace(inputs.recurrent, runs=1)


def _c2st(inputs: SeriesInputs, who: str) -> Score:
    runs = (inputs.heldout.first(SEEN_BY_TREES).runs, inputs.candidates[who].first(SEEN_BY_TREES).runs)
    return classifiers.c2st(inputs.traits(HELDOUT), inputs.traits(who), runs, seed=inputs.seed)


def _frechet(inputs: SeriesInputs, who: str) -> Score | None:
    if inputs.features is None or who == BOOTSTRAP:
        return None
    return frechet(inputs.featured(HELDOUT), inputs.featured(who), seed=inputs.seed)


def _lengths(inputs: SeriesInputs, who: str) -> Score | None:
    if not inputs.ending:
        return None
    return lengths(inputs.candidates[who].sample.lengths, inputs.heldout.sample.lengths, seed=inputs.seed)


def _rules(inputs: SeriesInputs, who: str) -> Score | None:
    if inputs.rules is None:
        return None
    return records.rules_score(inputs.rules, inputs.heldout.sample, inputs.candidates[who].sample)


def _gaps(inputs: SeriesInputs, who: str) -> Score | None:
    if not inputs.gapped:
        return None
    channels = inputs.columns.channels
    firsts = np.array([d for d in range(len(channels)) if d == channels.index(channels[d])])
    names = [inputs.train.names[channels[d]] for d in firsts]
    real, fake = (s.side.columns(firsts) for s in (inputs.heldout, inputs.candidates[who]))
    return distances.gaps(real, fake, names, seed=inputs.seed)


def _agreement(inputs: SeriesInputs, who: str) -> Score | None:
    # the classifier knows its training series: the ceiling is what it makes of new ones
    asked = {FAKE: FAKE, CEILING: HELDOUT}.get(who)
    if asked is None or len(inputs.seen) < 2:
        return None
    return agreement(*inputs.seen[asked], len(inputs.class_names), NOUN.many)


def _usefulness(inputs: SeriesInputs, who: str, nearest: bool) -> Score | None:
    if who == BOOTSTRAP or len(inputs.seen) < 2:
        return None
    (x, y), (test, truth) = inputs.learned(who), inputs.learned(HELDOUT)
    if len(np.unique(y)) < 2 or not len(truth):
        return impossible(1.0, "the series to learn from have fewer than two labels, or there are none to test on")
    if nearest and inputs.train.x.shape[1] <= WHOLE:  # of longer series a step says nothing
        sides = inputs.of(who), inputs.heldout
        x, test = (bridged(s.side.z).reshape(len(s), -1)[s.labelled] for s in sides)
    learn = classifiers.learn_nearest if nearest else classifiers.learn_linear
    return accuracy_score(truth, learn(x, y)(test), inputs.class_names, len(y), NOUN.many)


def _against_halves(inputs: SeriesInputs, who: str) -> tuple[SeriesSet, SeriesSet] | None:
    """(series that may be copies, held-out ones beside them): for the ceiling the halves of the held-out ones."""
    if who not in (FAKE, CEILING, BOOTSTRAP):
        return None
    return inputs.halves if who == CEILING else (inputs.candidates[who], inputs.heldout)


def _copies_exact(inputs: SeriesInputs, who: str) -> Score | None:
    if (sides := _against_halves(inputs, who)) is None:
        return None
    fake, real = sides
    return numbered(sample.copies_exact(inputs.train, real.sample, fake.sample), fake.rows)


def _copies_near(inputs: SeriesInputs, who: str) -> Score | None:
    if (sides := _against_halves(inputs, who)) is None:
        return None
    fake, real = sides
    if not all(len(half) for half in inputs.halves):
        return impossible(0.5, "the held-out series share all their steps")
    searched, references = inputs.room
    fake = fake.first(searched if who != BOOTSTRAP else max(2, searched // 4))
    every = inputs.members.first(references)
    size = min(len(real), len(every))
    members, others = every.first(size), real.first(size)
    known = sample.References(every.searched)
    near = known if size == len(every) else sample.References(members.searched)
    single = others.take(np.unique(others.runs, return_index=True)[1][:searched])
    usual = known.nearest(single.searched).distances
    runs = np.unique(members.runs, return_inverse=True)[1], np.unique(others.runs, return_inverse=True)[1]
    score = sample.copies_near(near, sample.References(others.searched), fake.searched, known, usual, runs)
    return numbered(score, fake.rows, every.rows)


def _small(function: Function) -> Function:
    """The ceiling's details without curves and tables, which only those of the fakes keep."""

    def score(inputs: SeriesInputs, who: str) -> Score | None:
        found = function(inputs, who)
        if found is None or who != CEILING:
            return found
        kept = {k: v for k, v in found.details.items() if k == "runs" or not isinstance(v, list | np.ndarray)}
        return replace(found, details=kept)

    return score


# --- sentences on the details -----------------------------------------------------------------------------------------


def _of_discriminative(details: Details) -> list[str]:
    accuracy, area = finite(details.get("accuracy")), finite(details.get("auc"))
    if accuracy is None or area is None:
        return []
    runs = [numbers.score(v) for v in details.get("runs") or []]
    spread = f" The trainings gave {numbers.listed(runs)}." if len(runs) > 1 else ""
    calls = [f"{k} {numbers.share(v)}" for k in ("precision", "recall") if (v := finite(details.get(k))) is not None]
    called = f"; of its calls “real” {' and '.join(calls)}" if calls else ""
    return [
        f"A GRU that was trained to tell them apart is right about {numbers.share(accuracy)} of "
        f"{numbers.count(details.get('rows'))} synthetic and as many held-out series that it had not seen "
        f"(AUC {numbers.score(area)}{called}).{spread}"
    ]


def _of_predictive(details: Details) -> list[str]:
    if (rows := finite(details.get("rows"))) is None:
        return []
    return [
        f"The mean absolute error, on a scale of [0, 1], over {numbers.count(rows)} held-out series; the ceiling is "
        "the same network trained on real ones."
    ]


def _of_values(details: Details) -> list[str]:
    if not (columns := details.get("columns")):
        return []
    worst = columns[0]
    moved = finite(worst.get("wasserstein"))
    by = "" if moved is None else f"values are moved by {numbers.score(moved)} standard deviations on average."
    if len(columns) == 1:
        return [by.capitalize()] if by else []
    first = f"Furthest off is {name(worst['column'])}: {numbers.score(worst['ks'])}"
    return [f"{first}; its {by}" if by and worst.get("number") else f"{first}."]


def _of_changes(details: Details) -> list[str]:
    """The channel whose changes are furthest off, and whether they are too large or too small."""
    columns = [c for c in details.get("columns") or [] if c.get("number")]
    if not columns:
        return _of_values(details)
    worst = columns[0]
    real, fake = (finite(worst.get(f"{side}_sd")) for side in ("real", "fake"))
    if not real or fake is None:
        return []
    ratio, how = fake / real, "as large as in real series on average"
    short = details.get("standing") in ("fair", "weak")
    if ratio < 1 - _ALIKE:
        how = f"{numbers.share(1 - ratio)} smaller than in real series{': too smooth' if short else ''}"
    elif ratio > 1 + _ALIKE:
        how = f"{numbers.share(ratio - 1)} larger than in real series{': too rough' if short else ''}"
    off = f"Furthest off is {name(worst['column'])} ({numbers.score(worst['ks'])}): its"
    return [f"{off if len(columns) > 1 else 'The'} increments are {how}."]


def _of_furthest(details: Details) -> list[str]:
    columns = [c for c in details.get("columns") or [] if finite(c.get("distance")) is not None]
    if len(columns) < 2:
        return []
    return [f"Furthest off is {name(columns[0]['column'])} ({numbers.score(columns[0]['distance'])})."]


def _of_worst(what: str) -> Callable[[Details], list[str]]:
    """A function that names the channel that is furthest off, with the figures of both sides."""

    def sentences(details: Details) -> list[str]:
        if not (columns := details.get("columns")):
            return []
        worst = columns[0]
        real, fake = (numbers.score(finite(worst.get(k))) for k in ("real", "fake"))
        said = f"{what} is {fake} in synthetic series and {real} in real ones."
        most = f"Furthest off is {name(worst['column'])}: " if len(columns) > 1 else ""
        return [most + (said if most else said[:1].upper() + said[1:])]

    return sentences


def _of_pairs(details: Details) -> list[str]:
    if not (pairs := details.get("pairs")):
        return []
    worst = pairs[0]
    a, b = (name(c) for c in worst["columns"])
    lag = worst.get("lag") or 0
    later = "" if not lag else f" ({b} {lag} step{'s' if lag > 1 else ''} later)"
    return [
        f"Furthest off are {a} and {b}{later}: a correlation of {numbers.score(worst['fake'])} in synthetic series "
        f"and of {numbers.score(worst['real'])} in real ones."
    ]


def _of_gaps(details: Details) -> list[str]:
    if not (columns := details.get("columns")):
        return []
    worst = columns[0]
    out = [
        f"Of {name(worst['column'])} {numbers.share(finite(worst.get('fake')))} is missing in synthetic series "
        f"and {numbers.share(finite(worst.get('real')))} in real ones."
    ]
    runs = [finite(worst.get(f"{side}_run")) for side in ("fake", "real")]
    if all(r is not None for r in runs):
        out.append(f"Its gaps are {numbers.amount(runs[0])} and {numbers.amount(runs[1])} steps long on average.")
    return out


_OVERFITS = "bring more series; then compare the closest pairs"

_Distance = partial(Metric[SeriesInputs], best=0.0, direction="lower", halvings=True)

_METRICS: Sequence[Metric[SeriesInputs]] = (
    records.rules_kept(_rules, "step", "steps"),
    Metric(
        "discriminative", _discriminative, "judge",
        "|accuracy - 1/2| of a GRU that is trained afterwards to tell synthetic from held-out series (TimeGAN).",
        title="Discriminative score", noun="the discriminative score",
        question="Can a recurrent network, trained afterwards, tell synthetic from real series (0: no, .5: always)?",
        good="It finds no difference.", bad="It tells them apart.", details=_of_discriminative, best=0.0,
        direction="lower", tolerance=0.03,
    ),
    Metric(
        "predictive", _predictive, "judge",
        "The error on held-out series of a GRU that learned from synthetic ones what comes next (TimeGAN).",
        title="Predictive score", noun="the predictive score",
        question="Does a network trained on synthetic series forecast real ones?",
        good="Trained on synthetic series it forecasts real ones as well as trained on real ones.",
        bad="What comes next in synthetic series is not what comes next in real ones.",
        details=_of_predictive, best=0.0, direction="lower", subject="utility",
    ),
    Metric(
        "judge", _c2st, "judge",
        "1 - (2 AUC - 1) of boosted trees that tell synthetic from real series by their traits.",
        title="C2ST, boosted trees", noun="series as a whole (C2ST)",
        question="Can boosted trees tell them apart by values, levels, spreads and increments?",
        good="They find no difference.", bad="They tell them apart; the metrics below show where they differ.",
        details=records.two_sample("A tree model", NOUN), tolerance=0.02,
    ),
    _Distance(
        "marginals", partial(_marginals, changes=False), "values",
        "The distance between the distributions of values (KS), mean over channels.", title="Values",
        question="Are values, over all steps, distributed as in real series?",
        good="Values are distributed as they should be.", bad="Some values are too frequent and others too rare.",
        details=_of_values, tolerance=0.02,
    ),
    _Distance(
        "changes", partial(_marginals, changes=True), "values", "The same of the differences from step to step.",
        title="Increments", noun="increments from step to step",
        question="The same of the differences from step to step: too rough, too smooth?",
        good="Increments are as large and as varied as they should be.",
        bad="The sizes of increments are not those of real series.", details=_of_changes, tolerance=0.02,
    ),
    _Distance(
        "profile", _distance(distances.profile), "values",
        "How far apart the means at each step of a record are, in standard deviations.", title="Mean profile",
        noun="the mean profile", question="Are the means at each step those of real series?",
        good="The means at each step are where they should be.",
        bad="What happens at a certain step of real series happens elsewhere, or less, in synthetic ones.",
        details=_of_furthest,
    ),
    _Distance(
        "autocorrelation", _distance(distances.autocorrelation, absolute_changes=False), "dynamics",
        "The mean difference of autocorrelations over lags and channels: memory.", title="Autocorrelation",
        question="Does a movement last as long as in real series?", good="Movements last as long as they should.",
        bad="Movements last too long, or not long enough; see the curves.", details=_of_furthest,
    ),
    _Distance(
        "cross_correlation", _cross_correlation, "dynamics",
        "The mean difference of correlations between channels, at lags 0, 1, 2 and 4.", title="Cross-correlation",
        noun="cross-correlation of channels",
        question="Do channels correlate as in real series, at once and some steps later?",
        good="Channels correlate as they should.", bad="Channels correlate too much, too little, or at another lag.",
        details=_of_pairs,
    ),
    _Distance(
        "spectrum", _distance(distances.spectrum, only_numbers=True), "dynamics",
        "The log-spectral distance in decibels, mean over channels.", title="Power spectrum", noun="the power spectrum",
        question="Has every frequency the power that it has in real series?",
        good="Every frequency has about the power that it should have.",
        bad="Some frequencies are too strong and others too weak; see the curves.", details=_of_furthest,
    ),
    _Distance(
        "tails", _distance(distances.tails, only_numbers=True), "facts",
        "How far the kurtosis of the changes is off, in halvings or doublings.", title="Heavy tails",
        noun="the tails of increments", question="Are large increments as rare as in real series, and as large?",
        good="Large increments are as rare as they should be.", bad="Rare jumps are lost or too frequent.",
        details=_of_worst("the kurtosis of increments (3 for normal ones)"),
    ),
    _Distance(
        "volatility", _distance(distances.autocorrelation, only_numbers=True, absolute_changes=True), "facts",
        "The mean difference of autocorrelations of the sizes of changes: volatility clustering.",
        title="Volatility clustering", question="Do large increments follow large ones as in real series?",
        good="Large increments follow large ones as they should.",
        bad="Volatile times last too long, or volatility does not cluster as it should.",
        details=_of_furthest,
    ),
    _Distance(
        "asymmetry", _distance(distances.asymmetry, only_numbers=True), "facts",
        "How far the share of movement in rises less that in falls is off.", title="Asymmetry of increments",
        question="Do rises differ from falls as in real series?", good="Rises differ from falls as they should.",
        bad="Rises and falls are more alike, or less, than in real series.",
        details=_of_worst("the share of movement that rises less the share that falls"),
    ),
    _Distance(
        "frechet", _frechet, "features",
        "How far apart synthetic and held-out series are as two Gaussians in features.",
        title="Fréchet distance", noun="the Fréchet distance",
        question="How far apart are the distributions of synthetic and held-out series in features?",
        good="No further than real series are from one another.",
        bad="The distribution of synthetic series lies elsewhere, or is narrower or wider.",
    ),
    same_lengths(_lengths, NOUN, "form", "steps"),
    Metric(
        "gaps", _gaps, "form", "How far the shares of missing cells are off.",
        question="Are as many cells missing as in real series?", good="As many cells are missing as should be.",
        bad="Too many or too few cells are missing.", details=_of_gaps, best=0.0, direction="lower", tolerance=0.02,
    ),
    conditional_accuracy(_agreement, NOUN, "labels"),
    utility(partial(_usefulness, nearest=False), NOUN, "labels", "A linear model", title="TSTR accuracy, linear"),
    utility(
        partial(_usefulness, nearest=True), NOUN, "labels", "A nearest-neighbour classifier",
        name="usefulness_nearest", title="TSTR accuracy, 1-NN",
    ),
    exact_copies(_copies_exact, NOUN, "in every cell", _OVERFITS),
    near_copies(_copies_near, NOUN, _OVERFITS, "by time warping", "smooth or flat series", tolerance=0.05, alike=True),
)  # fmt: skip

METRICS: Sequence[Metric[SeriesInputs]] = tuple(replace(m, function=_small(m.function)) for m in _METRICS)
