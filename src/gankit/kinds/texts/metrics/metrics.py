"""The metrics of texts: what each computes, who stands in the place of the fakes, and its words.

Knows the evaluation inputs and the words of the report; never how texts were made, or pages.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from gankit.kinds.texts.metrics import fidelity
from gankit.kinds.texts.metrics.fidelity import BLEU_ORDERS, bleu_score, copies_near
from gankit.kinds.texts.metrics.grams import ORDERS, divergence
from gankit.kinds.texts.metrics.inputs import HELDOUT, NOUN, TextFacts, TextInputs
from gankit.metrics.classification import agreement
from gankit.metrics.distances import lengths
from gankit.metrics.evaluate import CEILING, FAKE, Evaluation, evaluate, numbered
from gankit.metrics.metric import Metric, Score
from gankit.metrics.nearness import repeats
from gankit.report import numbers, records
from gankit.report.records import conditional_accuracy, exact_copies, near_copies, same_lengths, utility

_MOST_MISSED = 8


def evaluate_texts(
    train: Sequence[str], heldout: Sequence[str], fake: Sequence[str], *, only: Collection[str] | None = None,
    **options: Any,
) -> Evaluation[TextFacts]:  # fmt: skip
    """Every metric on the fakes, on real texts (the ceiling) and on four baselines.

    only: names of the metrics to compute; None for all. options: of `TextInputs`.
    """
    return evaluate(METRICS, TextInputs(train, heldout, fake, **options), only)


def _divergence(inputs: TextInputs, who: str, order: int = 0) -> Score:
    """The divergence of n-grams; order: of all for 0."""
    (tables, _), part = inputs.marked, slice(order - 1, order) if order else slice(None)
    return divergence(tables[HELDOUT][part], tables[who][part], seed=inputs.seed)


def _bleu(inputs: TextInputs, who: str, order: int, which: int, fast: int | None = None, best: float = 1.0) -> Score:
    """BLEU-n; which, fast: places of the figures in `TextInputs.bleu`, and of those with 500 references."""
    each = [figures[order - 1] for figures in inputs.bleu(who)]
    few = None if fast is None or len(each[fast]) < 2 else float(each[fast].mean())
    return bleu_score(each[which], best=best, fast=few)


def _lengths(inputs: TextInputs, who: str) -> Score:
    return lengths(inputs.candidates[who].coded.lengths, inputs.heldout.coded.lengths, seed=inputs.seed)


def _symbols(inputs: TextInputs, who: str, rare: bool = False) -> Score:
    return fidelity.symbols(inputs.candidates[who].coded, inputs.heldout.coded, inputs.units, rare=rare)


def _agreement(inputs: TextInputs, who: str) -> Score | None:
    if who not in (FAKE, CEILING) or not {HELDOUT, FAKE} <= set(inputs.seen):
        return None
    # the classifier has memorised its training texts: the ceiling is what it makes of new ones
    return agreement(*inputs.seen[HELDOUT if who == CEILING else FAKE], len(inputs.classes), NOUN.many)


def _usefulness(inputs: TextInputs, who: str) -> Score | None:
    if who not in (FAKE, CEILING) or not {HELDOUT, FAKE} <= set(inputs.seen):
        return None
    return fidelity.usefulness(*inputs.labelled(who), *inputs.labelled(HELDOUT), inputs.classes)


def _copies_exact(inputs: TextInputs, who: str) -> Score | None:
    """Short texts are found again by chance, and data may hold one twice: held-out texts show what honest fakes do."""
    if who not in (FAKE, CEILING, "bootstrap"):
        return None
    fake, real = inputs.halves if who == CEILING else (inputs.candidates[who], inputs.heldout)
    return numbered(repeats(inputs.train, real.texts, fake.texts, NOUN.many), fake.rows)


def _copies_near(inputs: TextInputs, who: str) -> Score | None:
    if who not in (FAKE, CEILING, "bootstrap"):
        return None
    fake = inputs.halves[0] if who == CEILING else inputs.candidates[who]
    fake = fake.first(inputs.searched if who != "bootstrap" else inputs.searched // 4)
    members, others, usual = inputs.references(halved=who == CEILING)
    return numbered(copies_near(members, others, fake.coded, usual), fake.rows, inputs.members.rows)


def _of_ngrams(details: Mapping[str, Any]) -> list[str]:
    found = [numbers.finite(v) for v in details.get("orders") or []]
    if len(found) < 2 or any(v is None for v in found):
        return []
    return [f"For n-grams of 1, 2, 3 … units: {', '.join(numbers.score(v) for v in found)}."]


def _of_bleu(details: Mapping[str, Any]) -> list[str]:
    fast = numbers.finite(details.get("references_500"))
    return [f"With the first 500 references, as Texygen’s code has it: {numbers.score(fast)}."] if fast else []


def _of_count(key: str, what: str) -> records.Details:
    """How many fakes are or do `what`, of the count `key`."""

    def sentences(details: Mapping[str, Any]) -> list[str]:
        found, rows = numbers.finite(details.get(key)), numbers.finite(details.get("rows"))
        if found is None or not rows:
            return []
        out = [f"{numbers.count(found)} of {numbers.count(rows)} synthetic texts {what}."]
        often = numbers.finite(details.get("most_frequent"))
        if often is not None and often * rows > 1.5:
            out.append(f"The most frequent one makes up {numbers.share(often)}.")
        return out

    return sentences


def _of_symbols(details: Mapping[str, Any]) -> list[str]:
    missed = details.get("missed") or []
    if not missed:
        return []
    shown = ", ".join(records.name(m["unit"]) for m in missed[:_MOST_MISSED])
    return [f"Missing are {shown}{' and others' if len(missed) > _MOST_MISSED else ''}."]


_VARIED = "a larger --penalty-weight or a larger --batch"
_OVERFITS = "bring more texts; then inspect the closest pairs yourself"
_HEADLINES = (2, 5)  # the n of BLEU-n in the first table

METRICS: Sequence[Metric[TextInputs]] = (
    Metric(
        "valid", lambda inputs, who: inputs.valid and fidelity.validity(inputs.candidates[who].texts, inputs.valid),
        "validity", "The share of synthetic texts that the rule (--valid) calls valid.",
        title="Valid texts", noun="validity",
        question="What share of the synthetic texts satisfies the rule (--valid)?",
        good="As many as of real texts.", bad="The others break it.", details=_of_count("valid", "are valid"),
        tolerance=0.01,
    ),
    Metric(
        "ngrams", _divergence, "grams",
        "How far the runs of 1 to 4 units differ in frequency: mean Jensen-Shannon divergence, in bits.",
        title="Divergence of n-grams",
        question="Do single units and n-grams of up to four units occur as often as in real texts?",
        good="Units and n-grams are as frequent as in real texts.",
        bad="Some units or n-grams are too frequent and others too rare; the table names the worst.",
        details=_of_ngrams, best=0.0, direction="lower",
    ),
    *(
        Metric(
            f"ngrams_{n}", partial(_divergence, order=n), "grams",
            f"The same for runs of {n}." if n > 1 else "The same for single units.",
            title=f"Divergence of {(what := 'single units' if n == 1 else f'{n}-grams')}", noun=f"divergence of {what}",
            best=0.0, direction="lower", headline=False,
        )
        for n in ORDERS
    ),
    *(
        Metric(
            f"bleu_{n}", partial(_bleu, order=n, which=0, fast=3), "bleu",
            f"BLEU-{n} of the synthetic texts with all held-out texts as references: quality.",
            title=f"BLEU-{n} (quality)", noun=f"BLEU-{n}",
            question=f"How many n-grams of up to {n} units of a synthetic text occur in real texts?",
            good="The n-grams of the synthetic texts are those of real texts.",
            bad="Parts of the synthetic texts occur in no real text.", details=_of_bleu, tolerance=0.01,
            headline=n in _HEADLINES,
        )
        for n in BLEU_ORDERS
    ),
    *(
        Metric(
            f"backward_bleu_{n}", partial(_bleu, order=n, which=1), "bleu",
            f"BLEU-{n} of held-out texts with all synthetic texts as references: variety.",
            title=f"Backward BLEU-{n} (variety)",
            noun=f"backward BLEU-{n}",
            question=f"How many n-grams of up to {n} units of a real text occur in the synthetic texts?",
            good="What real texts say occurs among the synthetic texts.",
            bad="A part of what real texts say is missing among the synthetic texts.", remedy=_VARIED, tolerance=0.01,
            headline=n in _HEADLINES,
        )
        for n in BLEU_ORDERS
    ),
    *(
        Metric(
            f"self_bleu_{n}", partial(_bleu, order=n, which=2, fast=4, best=0.0), "bleu",
            f"BLEU-{n} of each fake against all others: high where they repeat.", title=f"Self-BLEU-{n} (repetition)",
            noun=f"self-BLEU-{n}",
            question=f"How many n-grams of up to {n} units of a synthetic text occur in the other ones?",
            good="The synthetic texts repeat one another no more than real texts do.",
            bad="The synthetic texts repeat one another more than real texts do.", remedy=_VARIED, details=_of_bleu,
            best=0.0, direction="lower", tolerance=0.01, headline=n in _HEADLINES,
        )
        for n in BLEU_ORDERS
    ),
    Metric(
        "novelty", lambda inputs, who: fidelity.novelty(inputs.untaught(who).texts, inputs.known), "variety",
        "The share of synthetic texts that are no training text.", title="New texts",
        question="What share of the synthetic texts is no training text?", good="As new as fresh real texts are.",
        bad="More of them are training texts than by chance.", remedy=_OVERFITS, details=_of_count("new", "are new"),
        tolerance=0.01, trained=True, subject="copying",
    ),
    Metric(
        "uniqueness", lambda inputs, who: fidelity.uniqueness(inputs.candidates[who].texts), "variety",
        "The share of different texts among the synthetic ones.",
        title="Different texts", noun="variety of whole texts",
        question="What share of the synthetic texts differs from one another?",
        good="The synthetic texts repeat themselves no more than real texts do.",
        bad="The same texts occur again and again (near 0: mode collapse).", remedy=_VARIED,
        details=_of_count("different", "are different texts"),
    ),
    same_lengths(_lengths, NOUN, "shape", "units"),
    Metric(
        "symbols", _symbols, "shape", "The share of the held-out texts' symbols that occur.",
        noun="the symbols in use",
        question="What share of the symbols of held-out texts occurs in the synthetic texts?",
        good="As many as in as many real texts.", bad="Symbols of real texts never occur.", remedy=_VARIED,
        details=_of_symbols,
    ),
    Metric(
        "rare_symbols", partial(_symbols, rare=True), "shape",
        "The same of symbols that fewer than 1% of the texts have.",
        question="The same of symbols that fewer than 1 % of the texts have.", good="As many as in as many real texts.",
        bad="Rare symbols are lost.", remedy=_VARIED, details=_of_symbols,
    ),
    Metric(
        "judge", lambda inputs, who: fidelity.c2st(inputs.features(HELDOUT), inputs.features(who), seed=inputs.seed),
        "judge", "1 - (2 AUC - 1) of a linear classifier on n-grams that tells synthetic from real texts.",
        title="C2ST, linear model", noun="texts as a whole (C2ST)",
        question="Can a linear classifier on n-grams tell synthetic from real texts?",
        good="It finds nothing by which to tell them.", bad="It finds what gives them away.",
        details=records.two_sample("A linear classifier on n-grams", NOUN), tolerance=0.02,
    ),
    conditional_accuracy(_agreement, NOUN, "labels"),
    utility(_usefulness, NOUN, "labels", "A linear classifier"),
    exact_copies(_copies_exact, NOUN, "character by character", _OVERFITS),
    near_copies(
        _copies_near, NOUN, _OVERFITS, "in edits", "texts of frequent phrases", tolerance=0.05, alike=True
    ),
)  # fmt: skip
