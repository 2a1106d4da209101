"""The explicit table of the metrics of texts: what each asks, where better lies, and which family it is of.

Knows names and words; the functions stand in the `text_…` modules and are called by `text_trial`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from gankit.kinds.texts.metrics import bleu as text_bleu
from gankit.kinds.texts.metrics import grams as text_grams

Family = Literal["validity", "grams", "bleu", "variety", "shape", "judge", "labels", "copies"]


@dataclass(frozen=True)
class TextMetric:
    """One line of the table.

    best: the value of perfect fakes, where real texts do not say better. direction: where better values lie.
    tolerance: the smallest difference that matters to people; None where more texts do not narrow the interval by the
    square-root law. order: the n of an n-gram, 0 for all.
    """

    family: Family
    best: float
    direction: Literal["higher", "lower", "near"]
    tolerance: float | None
    meaning: str
    order: int = 0


def _orders() -> dict[str, TextMetric]:
    out = {
        f"ngrams_{n}": TextMetric(
            "grams", 0.0, "lower", None, f"The same for runs of {n}." if n > 1 else "The same for single units.", n
        )
        for n in text_grams.ORDERS
    }
    for n in text_bleu.ORDERS:
        out[f"bleu_{n}"] = TextMetric(
            "bleu", 1.0, "higher", 0.01, f"BLEU-{n} of the fakes with all held-out texts as references: quality.", n
        )
    for n in text_bleu.ORDERS:
        out[f"backward_bleu_{n}"] = TextMetric(
            "bleu", 1.0, "higher", 0.01, f"BLEU-{n} of held-out texts with all fakes as references: variety.", n
        )
    for n in text_bleu.ORDERS:
        out[f"self_bleu_{n}"] = TextMetric(
            "bleu", 0.0, "lower", 0.01, f"BLEU-{n} of each fake against all others: high where they repeat.", n
        )
    return out


TEXT_METRICS: Mapping[str, TextMetric] = MappingProxyType(
    {
        "valid": TextMetric("validity", 1.0, "higher", 0.01, "The share of fakes that the given rule calls valid."),
        "ngrams": TextMetric(
            "grams",
            0.0,
            "lower",
            None,
            "How far the runs of 1 to 4 units differ in frequency: mean Jensen-Shannon divergence, in bits.",
        ),
        **_orders(),
        "novelty": TextMetric("variety", 1.0, "higher", 0.01, "The share of fakes that are no training text."),
        "uniqueness": TextMetric("variety", 1.0, "higher", None, "The share of different texts among the fakes."),
        "lengths": TextMetric("shape", 0.0, "lower", 0.02, "The distance between the distributions of lengths (KS)."),
        "symbols": TextMetric("shape", 1.0, "higher", None, "The share of the held-out texts' symbols that occur."),
        "rare_symbols": TextMetric(
            "shape", 1.0, "higher", None, "The same of symbols that fewer than 1% of the texts have."
        ),
        "judge": TextMetric(
            "judge", 1.0, "higher", 0.02, "1 - (2 AUC - 1) of a linear judge on n-grams that tells fakes from real."
        ),
        "agreement": TextMetric(
            "labels", 1.0, "higher", 0.01, "The share of fakes in which a classifier sees the label asked for."
        ),
        "usefulness": TextMetric(
            "labels", 1.0, "higher", 0.01, "The accuracy on held-out texts of a classifier trained on the fakes."
        ),
        "copies_exact": TextMetric("copies", 0.0, "lower", 0.005, "The share of fakes that are a training text."),
        "copies_near": TextMetric(
            "copies",
            0.5,
            "near",
            0.05,
            "The share of fakes closer, in edits, to a training text than to a held-out one; .5 without copying.",
        ),
    }
)
