"""The game beside what it began with: the model's texts and those of G before the game, at several temperatures.

Knows models of texts, run folders and metrics; never the loop or the page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from gankit.kinds.texts.metrics.evaluation import evaluate_texts
from gankit.kinds.texts.records import column_of
from gankit.model.model import Model

TEMPERATURES = (1.0, 0.9, 0.8, 0.7)

COMPARED = 2000
"""Texts of each, at the most."""

FIGURES = ("valid", "ngrams", "bleu_2", "bleu_5", "self_bleu_5", "backward_bleu_5", "uniqueness", "novelty")


def compared(
    rival: Model,
    train: Sequence[str],
    heldout: Sequence[str],
    fake: Sequence[str],
    *,
    tokenise: Callable[[str], Sequence[str]],
    valid: Callable[[str], bool] | None,
    seed: int,
) -> dict[str, Any]:
    """The figures of the fakes, and of as many texts of `rival` at each temperature, against the same held-out texts.

    Returns:
        {"samples": shown to G before the game, "rows": [{"temperature": None for the fakes, figure: value, ...}]}.
    """
    count = min(len(fake), COMPARED)

    def row(temperature: float | None, texts: Sequence[str]) -> dict[str, Any]:
        found = evaluate_texts(
            train, heldout, texts, tokenise=tokenise, valid=valid, seed=seed, max_texts=COMPARED, num_shown=0,
            metrics=FIGURES,
        )  # fmt: skip
        return {"temperature": temperature, **{m: entry["fake"]["value"] for m, entry in found["metrics"].items()}}

    rows = [row(None, fake[:count])]
    for temperature in TEMPERATURES:
        batches = rival.sample_batches(count, seed=seed, temperature=temperature)
        texts = [text for table in batches for text in table.column(column_of(rival.origin)).to_pylist()]
        rows.append(row(temperature, texts))
    return {"samples": rival.card["samples"], "rows": rows}
