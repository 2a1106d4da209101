"""Metrics that several kinds of data have, with their words; functions and nouns are arguments.

Knows metrics and nouns; never a kind of data or pages.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from gankit.metrics.metric import LONGER, Metric, Noun
from gankit.metrics.score import Score
from gankit.report import wording
from gankit.report.verdict import COPIES

T = TypeVar("T")
Function = Callable[[T, str], Score | None]

Distance = partial(Metric, best=0.0, direction="lower")
"""A metric of which less is better and nothing is best."""


def exact_copies(function: Function[T], noun: Noun, where: str, remedy: str) -> Metric[T]:
    """How many fakes equal a training record; where: as in "in every column"."""
    one, many = noun.one, noun.many
    return Metric(
        "copies_exact", function, COPIES,
        f"The share of fakes that equal a training {one} {where}; compare with the share of held-out {many}.",
        title="Exact copies", question=f"How many fakes equal a training {one} {where}?",
        remedy=remedy, details=wording.exact(noun, where), best=0.0, direction="lower", tolerance=0.005, trained=True,
    )  # fmt: skip


def near_copies(
    function: Function[T], noun: Noun, remedy: str, how: str = "", plain: str = "", *, name: str = "copies_near",
    title: str = "Near copies", tolerance: float = 0.02, alike: bool = False,
) -> Metric[T]:  # fmt: skip
    """How many fakes are nearer to training records than to held-out ones.

    how: of the distance, as in "in edits". plain: what kind of fakes lies nearer to all records, copied or not.
    """
    one, many, by = noun.one, noun.many, f", {how}," if how else ""
    return Metric(
        name, function, COPIES,
        f"The share of fakes closer{by} to a training {one} than to a held-out one; one half without copying.",
        title=title, question=f"Are fakes nearer{by} to training {many} than to real {many} nobody trained on?",
        remedy=remedy, details=wording.near(noun, how, plain), best=0.5, direction="near", tolerance=tolerance,
        trained=True, alike=alike,
    )  # fmt: skip


def conditional_accuracy(function: Function[T], noun: Noun, family: str, label: str = "label") -> Metric[T]:
    """How often a classifier sees what was asked for; label: what that is called."""
    return Metric(
        "agreement", function, family, f"The share of fakes in which a classifier sees the {label} asked for.",
        title="Conditional accuracy",
        question=f"Is a synthetic {noun.one} classified as the {label} that it was generated for?",
        good=f"Asked for a {label}, the model gives it.",
        bad=f"A part of the fakes is classified as another {label} than the one asked for.",
        remedy=f"{LONGER}; {'classes' if label == 'class' else f'{label}s'} with few {noun.many} need more of them",
        tolerance=0.01,
    )  # fmt: skip


def utility(
    function: Function[T], noun: Noun, family: str, classifier: str, *, name: str = "usefulness",
    title: str = "TSTR utility",
) -> Metric[T]:  # fmt: skip
    """What a classifier learns from fakes (train on synthetic, test on real); classifier: as in "A linear model"."""
    return Metric(
        name, function, family,
        f"The accuracy on held-out {noun.many} of {classifier[0].lower()}{classifier[1:]} trained on the fakes.",
        title=title,
        question=f"Train on synthetic, test on real: does a classifier learn as much as from real {noun.many}?",
        good=f"Synthetic {noun.many} can stand in for real ones in such a training.",
        bad=f"A classifier learns less than from as many real {noun.many}: add synthetic to real ones, replace none.",
        details=wording.usefulness(classifier, noun), tolerance=0.01,
    )  # fmt: skip


def same_lengths(function: Function[T], noun: Noun, family: str, unit: str) -> Metric[T]:
    """Whether fakes are as long as real records; unit: as in "steps"."""
    return Distance(
        "lengths", function, family, "The distance between the distributions of lengths (KS).",
        question=f"Are synthetic {noun.many} as long as real ones, and as varied in length?",
        good="Lengths are as they should be.", bad="Too many are too short or too long; see the histograms.",
        details=wording.lengths(noun, unit), tolerance=0.02,
    )  # fmt: skip
