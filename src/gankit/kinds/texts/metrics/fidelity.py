"""Quality and variety of texts: BLEU, and the shares of valid, new and different texts and of symbols in use.

Knows texts, their units as numbers and counted n-grams; never how a text was cut into units or made.

BLEU of fakes against real texts tells quality, of real texts against fakes variety, of fakes against one another
repetition. The figures are those of Texygen (Zhu et al. 2018): BLEU of each text (Papineni et al. 2002) with all texts
of the other side as its references, averaged over texts, with smoothing method 1 of Chen & Cherry (2014): .1 in the
place of no match.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence

import numpy as np

from gankit.kinds.texts.metrics.grams import Coded, Grams
from gankit.metrics.score import Score, impossible, mean_score, share_score

BLEU_ORDERS = (2, 3, 4, 5)
"""The n of BLEU-n."""

FAST = 500
"""References that Texygen's code takes in its fast mode, its default."""

RARE = 0.01
"""A symbol is rare where fewer than this share of the held-out texts have it."""

_EPSILON = 0.1
_MOST_MISSED = 40

# --- BLEU ---------------------------------------------------------------------------------------------------------


def bleu_each(
    texts: Sequence[Grams], references: Sequence[Grams], lengths: np.ndarray, reference_lengths: np.ndarray
) -> np.ndarray:
    """BLEU-n of each text against all references, n = 1 .. len(texts): [n, N] float64.

    With m_k the k-grams of a text that the reference with most of each of them also has, and t_k all of its k-grams
    (at least 1), BLEU-n = b exp(mean over k <= n of log(m_k / t_k)), where m_k = 0 counts as .1; 0 where no unit
    matches. b is 1 for a text at least as long as the reference that is nearest to it in length (of two the shorter),
    else exp(1 - that length / its own).

    texts, references: `Grams` without marks for n = 1, 2 .., counted together. lengths: [N], reference_lengths: [M].
    """
    best = [_highest(r)[0] for r in references]
    penalty = _brevity(lengths, _nearest_length(lengths, np.unique(reference_lengths)))
    return _bleu(texts, lengths, penalty, [b[t.gram] for b, t in zip(best, texts, strict=True)])


def self_bleu_each(texts: Sequence[Grams], lengths: np.ndarray) -> np.ndarray:
    """BLEU-n of each text against all the others, n = 1 .. len(texts): [n, N] float64. As `bleu_each`."""
    limits = []
    for table in texts:
        first, second, owner = _highest(table)
        limits.append(np.where(owner[table.gram] == table.text, second[table.gram], first[table.gram]))
    return _bleu(texts, lengths, _brevity(lengths, _nearest_other(lengths)), limits)


def _bleu(texts: Sequence[Grams], lengths: np.ndarray, penalty: np.ndarray, limits: Sequence[np.ndarray]) -> np.ndarray:
    logs, num_texts = [], len(lengths)
    for n, (table, limit) in enumerate(zip(texts, limits, strict=True), 1):
        matched = np.bincount(table.text, np.minimum(table.count, limit), num_texts)
        if n == 1:
            known = matched > 0
        share = np.where(matched > 0, matched, _EPSILON) / np.maximum(lengths + 1 - n, 1)
        logs.append(np.log(share))
    orders = np.arange(1, len(texts) + 1)[:, None]
    return np.asarray(np.where(known, penalty * np.exp(np.cumsum(logs, axis=0) / orders), 0.0))


def _highest(table: Grams) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each n-gram the most that one text has of it, the most that another has, and the first's number."""
    first, second = np.zeros(table.num_grams, np.int64), np.zeros(table.num_grams, np.int64)
    owner = np.full(table.num_grams, -1, np.int64)
    order = np.lexsort((table.count, table.gram))
    gram, count = table.gram[order], table.count[order]
    last = np.flatnonzero(np.append(gram[1:] != gram[:-1], True)) if len(gram) else np.zeros(0, np.int64)
    first[gram[last]], owner[gram[last]] = count[last], table.text[order][last]
    before = last[last > 0]
    before = before[gram[before - 1] == gram[before]]
    second[gram[before]] = count[before - 1]
    return first, second, owner


def _nearest_length(lengths: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The nearest of `among` ([K], rising), the shorter of two; -1 where there is none."""
    if not len(among):
        return np.full(len(lengths), -1)
    above = np.clip(np.searchsorted(among, lengths), 0, len(among) - 1)
    below = np.maximum(above - 1, 0)
    return np.where(np.abs(lengths - among[below]) <= np.abs(among[above] - lengths), among[below], among[above])


def _nearest_other(lengths: np.ndarray) -> np.ndarray:
    """The length nearest to each among the other texts'."""
    known, counts = np.unique(lengths, return_counts=True)
    other = {
        int(n): int(n) if many > 1 else int(_nearest_length(np.array([n]), known[known != n])[0])
        for n, many in zip(known, counts, strict=True)
    }
    return np.array([other[int(n)] for n in lengths], np.int64)


def _brevity(lengths: np.ndarray, reference: np.ndarray) -> np.ndarray:
    safe = np.maximum(lengths, 1)
    return np.where(lengths == 0, 0.0, np.exp(np.minimum(0.0, 1 - reference / safe)))


def bleu_score(each: np.ndarray, *, best: float, fast: float | None = None) -> Score:
    """The mean over texts with its normal 95% interval, which holds for these references; NaN without texts.

    each: [N] BLEU of each text; fast: the figure with Texygen's 500 references, for details["references_500"].
    """
    if len(each) < 2:
        return impossible(best, "fewer than two texts to compare")
    return mean_score(each, best, {"texts": len(each), "references_500": fast}, ceiling=1.0)


def head(table: Grams, num_texts: int) -> Grams:
    """The n-grams of the first texts."""
    end = int(np.searchsorted(table.text, num_texts))
    return Grams(
        table.text[:end], table.gram[:end], table.count[:end], min(num_texts, table.num_texts), table.num_grams
    )


# --- whole texts and symbols ----------------------------------------------------------------------------------------


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
    counts = Counter(texts)
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
