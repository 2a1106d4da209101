"""The words of the report on series: for each metric its title, question, what a level means, and what to try.

Knows the JSON of a series evaluation and standings; never series, models or pages. Words may hold names from the data
as they are: the page escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gankit.kinds.series.report import details as told
from gankit.kinds.texts.report.words import alike, worst_class
from gankit.report import numbers
from gankit.report.old import Words, completed
from gankit.report.standing import Level, Standing, standing
from gankit.report.verdicts import Voice

__all__ = [
    "BASELINES",
    "LEVELS",
    "Words",
    "alike",
    "chip",
    "completed",
    "place_of",
    "verdict",
    "words_of",
    "worst_class",
]

BASELINES = {
    "bootstrap": "training series drawn again",
    "autoregression": "a vector autoregression",
    "blocks": "blocks glued together",
}
# Where the way to real series begins.
PLAIN = ("autoregression", "blocks")
LEVELS: dict[Level, str] = {
    "real": "as real series",
    "close": "close to real series",
    "fair": "between",
    "weak": "far from real series",
    "open": "too few series to tell",
    "none": "not computed",
}

# Two series of at least so many numbers do not agree in all of them by chance.
_NO_CHANCE = 20

_LONGER = "train longer (--budget or --samples)"
_WIDER = f"{_LONGER}; if the curve of the training is flat, make the networks wider (--width)"
_LEARNED_BY_HEART = (
    "train for fewer samples (--samples) or bring more series; then look at the closest pairs with your own eyes"
)

WORDS: dict[str, Words] = {
    "discriminative": Words(
        "Discriminative score",
        "the discriminative score",
        "Can a recurrent network, trained for nothing else, tell fakes from held-out series (0: no, .5: always)?",
        "It finds nothing that it could tell them by.",
        "It finds what gives them away.",
        _WIDER,
        told.discriminative,
    ),
    "predictive": Words(
        "Predictive score",
        "the predictive score",
        "Does what a network learns from fakes foretell real series?",
        "Who learns from the fakes foretells real series as well as who learns from real ones.",
        "What comes next in the fakes is not what comes next in real series.",
        _WIDER,
        told.predictive,
    ),
    "judge": Words(
        "Against trees",
        "what trees can tell",
        "Can boosted trees tell them by their values, levels, spreads and steps?",
        "They find nothing that they could tell them by.",
        "They find what gives them away; the figures below say where to look.",
        _LONGER,
        told.judge,
    ),
    "marginals": Words(
        "Values",
        "values",
        "Do values occur as often as they should, over all steps?",
        "Values occur as often as they should.",
        "Some values are too frequent and others too rare.",
        _LONGER,
        told.values,
    ),
    "changes": Words(
        "Changes",
        "changes from step to step",
        "The same of the differences from step to step: too rough, too smooth?",
        "Steps are as large and as various as they should be.",
        "The sizes of steps are not those of real series.",
        _LONGER,
        told.changes,
    ),
    "profile": Words(
        "Profile",
        "what happens at which step",
        "Are means at each step where they should be?",
        "Means at each step are where they should be.",
        "What happens at a certain step of real series happens elsewhere, or less, in the fakes.",
        _LONGER,
        told.furthest,
    ),
    "autocorrelation": Words(
        "Memory",
        "memory (autocorrelation)",
        "Does a movement last as long as it should?",
        "Movements last as long as they should.",
        "Movements last too long, or not long enough; see the curves.",
        _WIDER,
        told.furthest,
    ),
    "cross_correlation": Words(
        "Channels together",
        "how channels go together",
        "Do channels go together as they should, at once and some steps later?",
        "Channels go together as they should.",
        "Channels go together too much, too little, or at another time.",
        _WIDER,
        told.pairs,
    ),
    "spectrum": Words(
        "Spectrum",
        "the spectrum",
        "Is every frequency as strong as it should be?",
        "Every frequency is about as strong as it should be.",
        "Some frequencies are too strong and others too weak; see the curves.",
        _WIDER,
        told.furthest,
    ),
    "tails": Words(
        "Rare large changes",
        "rare large changes",
        "Are large changes as rare as they should be, and as large?",
        "Large changes are as rare as they should be.",
        "Rare jumps are lost or too frequent.",
        _LONGER,
        told.worst_column("the kurtosis of changes (3 for normal ones)"),
    ),
    "volatility": Words(
        "Restless times",
        "restless times",
        "Do large changes follow large ones as they should?",
        "Large changes follow large ones as they should.",
        "Restless times last too long, or changes are restless at random.",
        _WIDER,
        told.furthest,
    ),
    "asymmetry": Words(
        "Rises and falls",
        "rises and falls",
        "Do rises differ from falls as they should?",
        "Rises differ from falls as they should.",
        "Rises and falls are more alike, or less, than in real series.",
        _LONGER,
        told.worst_column("the share of movement that rises less the share that falls"),
    ),
    "frechet": Words(
        "Fréchet distance",
        "the Fréchet distance",
        "How far apart are fakes and held-out series as crowds in features?",
        "No further than real series are from one another.",
        "The crowd of fakes lies elsewhere, or is narrower or wider.",
        _LONGER,
    ),
    "lengths": Words(
        "Lengths",
        "lengths",
        "Are the fakes as long as real series, and as various in length?",
        "Lengths are as they should be.",
        "Too many fakes are too short or too long; see the picture.",
        _LONGER,
        told.lengths,
    ),
    "gaps": Words(
        "Gaps",
        "gaps",
        "Are as many cells missing as in real series?",
        "As many cells are missing as should be.",
        "Too many or too few cells are missing.",
        _LONGER,
        told.gaps,
    ),
    "agreement": Words(
        "Obeying the label",
        "obeying the label asked for",
        "Does a fake that was asked to have a label have it, as a classifier sees it?",
        "Asked for a label, the model gives it.",
        "A part of the fakes looks like another label than the one asked for.",
        f"{_LONGER}; labels with few series need more of them",
    ),
    "usefulness": Words(
        "Usefulness",
        "training a classifier",
        "Does a linear model trained on fakes read the labels of real series as well as one trained on real ones?",
        "Fakes can stand in for real series in such a training.",
        "A classifier learns less from fakes than from as many real series: add them to real ones, replace none.",
        _LONGER,
        told.usefulness("A linear model"),
    ),
    "usefulness_nearest": Words(
        "Usefulness to neighbours",
        "the label of the nearest fake",
        "Does the nearest fake have the label of a real series?",
        "As often as the nearest real series.",
        "Fakes lie where series of another label lie, or some kinds of a label are missing.",
        _LONGER,
        told.usefulness("The nearest neighbour"),
    ),
    "copies_exact": Words(
        "Exact copies",
        "exact copies",
        "How many fakes equal a training series, cell by cell?",
        remedy=_LEARNED_BY_HEART,
        details=told.exact,
    ),
    "copies_near": Words(
        "Near copies",
        "near copies",
        "Are fakes nearer to training series than to real series nobody trained on?",
        remedy=_LEARNED_BY_HEART,
        details=told.near,
    ),
}


def words_of(metric: str, entry: Mapping[str, Any]) -> Words:
    """The words of a metric; one that has none of its own speaks through its `meaning`."""
    plain = metric.replace("_", " ")
    return WORDS.get(metric) or Words(plain.capitalize(), plain, str(entry.get("meaning") or ""))


_VOICE = Voice("series", words_of, BASELINES, LEVELS)
verdict, chip = _VOICE.verdict, _VOICE.chip


def place_of(
    metric: str, entry: Mapping[str, Any], num_rows: int | None, same_kind: bool = True, num_numbers: int = 0
) -> Standing:
    """Where the fakes stand on a metric, as `completed` gives it.

    same_kind: as `alike` has it. If not, whatever resembles the training part is nearer to it than to the held-out
    part, copied or not, and the test for near copies says nothing. num_numbers: of a series. A single fake that equals
    a training series of many numbers, where no held-out series does, is a sign of copying, however few they are.
    """
    if metric == "copies_near" and not same_kind:
        return Standing("none")
    place = standing(entry, num_rows, plain=PLAIN, halvings=bool(entry.get("distance")))
    details = entry["fake"].get("details") or {}
    equal = (numbers.finite(details.get("copies")) or 0) > 0 and details.get("heldout_share") == 0
    if place.level in ("real", "open") and equal and num_numbers >= _NO_CHANCE:
        return replace(place, level="fair", rows_needed=None)
    return place
