"""Are the texts valid, new, varied, and made of all the symbols that there are?

Knows texts and their units as numbers; never how a text was cut into units or made.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from gankit.kinds.texts.metrics.grams import Coded
from gankit.metrics.score import Score, impossible, share_score

RARE = 0.01
"""A symbol is rare where fewer than this share of the held-out texts have it."""

_MOST_MISSED = 40


def validity(texts: Sequence[str], valid: Callable[[str], bool]) -> Score:
    """The share of texts that the user's rule calls valid; best 1. The interval is the exact binomial one."""
    wrong = [i for i, text in enumerate(texts) if not valid(text)]
    details = {"valid": len(texts) - len(wrong), "rows": len(texts), "wrong": wrong[:_MOST_MISSED]}
    return share_score(len(texts) - len(wrong), len(texts), 1.0, details, "texts")


def novelty(texts: Sequence[str], train: Collection[str]) -> Score:
    """The share of texts that are no training text; best 1. The interval is the exact binomial one.

    Fakes like fresh real texts reach the share of held-out texts that are new, which stands as the ceiling.
    train: a set of the training texts.
    """
    new = sum(text not in train for text in texts)
    return share_score(new, len(texts), 1.0, {"new": new, "rows": len(texts)}, "texts")


def uniqueness(texts: Sequence[str]) -> Score:
    """The share of different texts among them; best 1. It falls with their number: compare equal numbers.

    No interval is given: a bootstrap would make equals of its own.
    """
    if not len(texts):
        return impossible(1.0, "there are no texts")
    counts: dict[str, int] = {}
    for text in texts:
        counts[text] = counts.get(text, 0) + 1
    often = max(counts.values())
    details = {"different": len(counts), "rows": len(texts), "most_frequent": often / len(texts)}
    return Score(len(counts) / len(texts), None, None, 1.0, details)


def symbols(fake: Coded, real: Coded, names: Sequence[str], *, rare: bool) -> Score:
    """The share of the units of held-out texts that occur in the fakes at all; best 1.

    rare: only those that fewer than 1% of the held-out texts have. More fakes reach more units: compare equal numbers.
    The interval is the exact binomial one over units. details: "missed", the most frequent units that are missing, as
    {"unit", "texts"} with the number of held-out texts.

    names: the unit of each number.
    """
    if not len(real) or not len(fake):
        return impossible(1.0, "one of the sets has no texts")
    size = int(max(real.units.max(initial=0), fake.units.max(initial=0))) + 1
    owner = np.repeat(np.arange(len(real)), real.lengths)
    texts = np.bincount(np.unique(owner * size + real.units) % size, minlength=size)
    wanted = np.flatnonzero((texts > 0) & (texts < RARE * len(real)) if rare else texts > 0)
    if not len(wanted):
        return impossible(1.0, "the held-out texts have no rare symbols" if rare else "the held-out texts are empty")
    found = np.bincount(fake.units, minlength=size)[wanted] > 0
    missed = wanted[~found]
    missed = missed[np.argsort(-texts[missed], kind="stable")][:_MOST_MISSED]
    details = {
        "wanted": len(wanted),
        "found": int(found.sum()),
        "missed": [{"unit": names[int(u)], "texts": int(texts[u])} for u in missed],
    }
    return share_score(int(found.sum()), len(wanted), 1.0, details)
