"""The words of the report on texts: for each metric its title, question, what a level means, and what to try.

Knows the JSON of a text evaluation and standings; never texts, models or pages. Words may hold names from the data as
they are: the page escapes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.kinds.texts.report import details as told
from gankit.report import numbers
from gankit.report.old import Words, completed, name
from gankit.report.standing import Level, Standing, standing
from gankit.report.verdicts import Voice

__all__ = [
    "BASELINES",
    "HEADLINES",
    "LEVELS",
    "Words",
    "alike",
    "called",
    "chip",
    "completed",
    "place_of",
    "verdict",
    "words_of",
]

BASELINES = {
    "bootstrap": "training texts drawn again",
    "trigram": "a trigram model",
    "unigram": "single units",
    "shuffled": "shuffled units",
}
# Where the way to real texts begins. A trigram model is shown too, but is a model to beat, no beginning.
PLAIN = ("unigram", "shuffled")
LEVELS: dict[Level, str] = {
    "real": "as real texts",
    "close": "close to real texts",
    "fair": "between",
    "weak": "far from real texts",
    "open": "too few texts to tell",
    "none": "not computed",
}
# The figures of the first table; the others stand in the sections.
HEADLINES = (
    "valid",
    "ngrams",
    "judge",
    "bleu_2",
    "bleu_5",
    "backward_bleu_2",
    "backward_bleu_5",
    "self_bleu_2",
    "self_bleu_5",
    "uniqueness",
    "novelty",
    "lengths",
    "symbols",
    "rare_symbols",
    "agreement",
    "usefulness",
    "copies_exact",
    "copies_near",
)

# The AUC of a judge between training and held-out texts of the ceiling is .65 at this value.
_ALIKE = 0.7
_MOST_GONE = 8
_LONGER = "train longer (--budget or --samples)"
_VARIED = f"{_LONGER}; if it stays so, a larger --penalty-weight or a larger --batch"
_LEARNED_BY_HEART = (
    "train for fewer samples (--samples) or bring more texts; then look at the closest pairs with your own eyes"
)


WORDS: dict[str, Words] = {
    "valid": Words(
        "Valid texts",
        "validity",
        "What share of the fakes obeys the rule that was given?",
        "As many as of real texts.",
        "The others break it.",
        _LONGER,
        told.counted("valid", "are valid"),
    ),
    "ngrams": Words(
        "Divergence of n-grams",
        "divergence of n-grams",
        "Do single units and runs of up to four occur as often as in real texts?",
        "Units and their runs are as frequent as in real texts.",
        "Some units or runs are too frequent and others too seldom; the table names the worst.",
        f"{_LONGER}; if the curve of the training is flat, make the networks wider (--width)",
        told.grams,
    ),
    "novelty": Words(
        "New texts",
        "novelty",
        "What share of the fakes is no training text?",
        "As new as fresh real texts are.",
        "More fakes are training texts than chance would have.",
        _LEARNED_BY_HEART,
        told.counted("new", "are new"),
    ),
    "uniqueness": Words(
        "Different texts",
        "variety of whole texts",
        "What share of the fakes is different from one another?",
        "The fakes repeat themselves no more than real texts do.",
        "The same fakes come again and again (near 0: a collapse).",
        _VARIED,
        told.counted("different", "are different texts"),
    ),
    "lengths": Words(
        "Lengths",
        "lengths",
        "Are the fakes as long as real texts, and as various in length?",
        "They are.",
        "Too many fakes are too short or too long; see the picture.",
        _LONGER,
        told.lengths,
    ),
    "symbols": Words(
        "Symbols",
        "the symbols in use",
        "What share of the symbols of held-out texts does occur in the fakes?",
        "As many as in as many real texts.",
        "Symbols that real texts have never occur.",
        _VARIED,
        told.symbols,
    ),
    "rare_symbols": Words(
        "Rare symbols",
        "rare symbols",
        "The same of symbols that fewer than 1 % of the texts have.",
        "As many as in as many real texts.",
        "Rare symbols are lost.",
        _VARIED,
        told.symbols,
    ),
    "judge": Words(
        "Against a judge",
        "what a judge can tell",
        "Can a simple judge tell fakes from real texts?",
        "It finds nothing by which to tell them.",
        "It finds what gives them away.",
        _LONGER,
        told.judge,
    ),
    "agreement": Words(
        "Obeying the label",
        "obeying the label asked for",
        "Does a fake that was asked to have a label have it, as a classifier sees it?",
        "Asked for a label, the model gives it.",
        "A part of the fakes looks like another label than the one asked for.",
        f"{_LONGER}; labels with few texts need more of them",
    ),
    "usefulness": Words(
        "Usefulness",
        "training a classifier",
        "Does a classifier trained on fakes read real texts as well as one trained on real texts?",
        "Fakes can stand in for real texts in such a training.",
        "A classifier learns less from fakes than from as many real texts: add them to real ones, replace none.",
        _LONGER,
        told.usefulness,
    ),
    "copies_exact": Words(
        "Exact copies",
        "exact copies",
        "How many fakes equal a training text, sign by sign?",
        remedy=_LEARNED_BY_HEART,
        details=told.exact,
    ),
    "copies_near": Words(
        "Near copies",
        "near copies",
        "Are fakes nearer, in edits, to training texts than to real texts nobody trained on?",
        remedy=_LEARNED_BY_HEART,
        details=told.near,
    ),
}


def _of_order(metric: str) -> Words | None:
    """The words of a figure that is asked for n = 1, 2, 3 …"""
    stem, _, order = metric.rpartition("_")
    if not order.isdigit():
        return None
    if stem == "ngrams":
        what = "single units" if order == "1" else f"runs of {order} units"
        return Words(f"Divergence of {what}", f"divergence of {what}", "", remedy=WORDS["ngrams"].remedy)
    if stem == "bleu":
        return Words(
            f"BLEU-{order} (quality)",
            f"BLEU-{order}",
            f"How much of a fake’s runs of up to {order} units do real texts have?",
            "The runs of the fakes are those of real texts.",
            "Parts of the fakes occur in no real text.",
            _LONGER,
            told.bleu,
        )
    if stem == "backward_bleu":
        return Words(
            f"Backward BLEU-{order} (variety)",
            f"backward BLEU-{order}",
            f"How much of a real text’s runs of up to {order} units do the fakes have?",
            "What real texts say occurs among the fakes.",
            "A part of what real texts say is missing among the fakes.",
            _VARIED,
        )
    if stem == "self_bleu":
        return Words(
            f"Self-BLEU-{order} (repetition)",
            f"self-BLEU-{order}",
            f"How much of a fake’s runs of up to {order} units do the other fakes have?",
            "The fakes repeat one another no more than real texts do.",
            "The fakes repeat one another more than real texts do.",
            _VARIED,
            told.bleu,
        )
    return None


def words_of(metric: str, entry: Mapping[str, Any]) -> Words:
    """The words of a metric; one that has none of its own speaks through its `meaning`."""
    plain = metric.replace("_", " ")
    found = WORDS.get(metric) or _of_order(metric)
    return found or Words(plain.capitalize(), plain, str(entry.get("meaning") or ""))


def alike(metrics: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether training part and held-out part are texts of one kind, as far as the judge could tell."""
    found = numbers.finite(((metrics.get("judge") or {}).get("ceiling") or {}).get("value"))
    return found is None or found >= _ALIKE


def place_of(metric: str, entry: Mapping[str, Any], num_rows: int | None, same_kind: bool = True) -> Standing:
    """Where the fakes stand on a metric, as `completed` gives it.

    same_kind: as `alike` has it. If not, whatever resembles the training part is nearer to it than to the held-out
    part, copied or not, and the test for near copies says nothing.
    """
    if metric == "copies_near" and not same_kind:
        return Standing("none")
    return standing(entry, num_rows, plain=PLAIN)


_VOICE = Voice("texts", words_of, BASELINES, LEVELS)
verdict, chip = _VOICE.verdict, _VOICE.chip


def worst_class(per_class: Sequence[Mapping[str, Any]]) -> str:
    """Which labels are missing, and which is obeyed least; empty without labels."""
    gone = [name(c["class"]) for c in per_class if c.get("fake") == 0 and c.get("real")]
    parts = []
    if gone:
        more = f" and {len(gone) - _MOST_GONE} more" if len(gone) > _MOST_GONE else ""
        parts.append(f"Missing among the fakes: {numbers.listed(gone[:_MOST_GONE])}{more}.")
    obeyed = [c for c in per_class if numbers.finite(c.get("agreement")) is not None]
    if obeyed:
        worst = min(obeyed, key=lambda c: float(c["agreement"]))
        parts.append(
            f"Least obeyed is {name(worst['class'])}: {numbers.share(worst['agreement'])} of the fakes asked for it "
            "are seen as it."
        )
    return " ".join(parts)


def called(evaluation: Mapping[str, Any]) -> str:
    """What the units of an evaluation are called: characters, words or symbols."""
    units = evaluation.get("units") or {}
    return str(units.get("called") or ("characters" if units.get("characters", True) else "words"))
