"""The tables of the report on images: classes, the classifier, the figures of 2014.

Knows what an evaluation of images says of classes and of Parzen's log-likelihood; never arrays or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gankit.metrics.evaluate import MetricResult
from gankit.metrics.metric import Noun
from gankit.metrics.score import Score
from gankit.report import numbers, records
from gankit.report.section import Table, heads_of

MOST_CLASSES = 30
"""Classes of a table, at the most."""

# Mean log-likelihood of the MNIST test set by Parzen windows, in nats, with standard errors (Goodfellow et al. 2014,
# table 1).
PARZEN_MNIST = (
    ("Adversarial nets (Goodfellow et al. 2014)", "225 ± 2"),
    ("Deep GSN", "214 ± 1.1"),
    ("Deep belief network", "138 ± 2"),
    ("Stacked contractive autoencoder", "121 ± 1.6"),
)


def worst_first(per_class: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The classes with the least accurate ones first; where that is not known, those with the largest distance."""

    def key(entry: Mapping[str, Any]) -> tuple[float, float]:
        right, distance = numbers.finite(entry.get("agreement")), numbers.finite(entry.get("frechet"))
        return (2.0 if right is None else right, 0.0 if distance is None else -distance)

    return sorted(per_class, key=key)


def columns(noun: Noun) -> Sequence[records.ClassColumn]:
    """The columns of the table of classes."""
    return (
        ("real", f"Share of real {noun.many}", numbers.share),
        ("fake", "Share of fakes", numbers.share),
        ("agreement", "Classified as the class asked for", numbers.share),
        ("precision", "Precision", numbers.score),
        ("recall", "Recall", numbers.score),
        ("frechet", "Fréchet distance", numbers.score),
    )


def judge(figures: Mapping[str, Any], noun: Noun) -> list[Table]:
    """Precision and recall of a classifier for each class; figures: of `confusion_figures`."""
    found = figures.get("classes") or []
    rows = tuple(
        (
            str(c.get("class")),
            numbers.count(c.get("pictures")),
            numbers.share(numbers.finite(c.get("precision"))),
            numbers.share(numbers.finite(c.get("recall"))),
        )
        for c in sorted(found, key=lambda c: numbers.finite(c.get("recall")) or 0.0)[:MOST_CLASSES]
    )
    cut = f" (the {MOST_CLASSES} worst of {len(found)})" if len(found) > MOST_CLASSES else ""
    caption = f"The classifier on held-out real {noun.many}, class by class, the one it finds least first{cut}"
    heads = heads_of("Class", f"#{noun.many.capitalize()}", "#Right when it says so (precision)", "#Found (recall)")
    return [Table(caption, heads, rows)] if rows else []


def parzen(result: MetricResult, noun: Noun, mnist: bool) -> list[Table]:
    """The Parzen log-likelihood beside real images and baselines and, for MNIST, beside the figures of 2014."""

    def text(score: Score) -> str:
        low, high = numbers.finite(score.low), numbers.finite(score.high)
        half = "" if low is None or high is None else f" ± {(high - low) / 2 / 1.96:.2g}"
        return f"{score.value:,.1f}{half}"

    sides = {
        "This model": result.fake,
        f"Training {noun.many} in the place of the fakes": result.ceiling,
        "Noise": result.baselines.get("noise"),
        f"The mean {noun.one}": result.baselines.get("mean"),
    }
    rows = [(name, text(s)) for name, s in sides.items() if s is not None and numbers.finite(s.value) is not None]
    caption = f"Mean log-likelihood of held-out {noun.many} by Parzen windows, in nats, ± standard error"
    if mnist:
        rows += list(PARZEN_MNIST)
        caption += "; the last four rows are the paper’s, on MNIST’s test set"
    return [Table(caption, heads_of("Whose", "#Nats"), tuple(rows))] if rows else []


def parzen_notes(details: Mapping[str, Any], noun: Noun) -> list[str]:
    """How far what was done is from the protocol of 2014, and that the figure is weak."""
    fakes, validation, sigma = (numbers.finite(details.get(k)) for k in ("fakes", "validation", "sigma"))
    notes = []
    if fakes is not None and validation is not None:
        full = fakes >= 10_000 and validation >= 1000
        notes.append(
            f"A Gaussian of width {numbers.amount(sigma)}, chosen on {numbers.count(validation)} training {noun.many}, "
            f"lies around each of {numbers.count(fakes)} fakes"
            + (", as in the protocol." if full else f"; the protocol takes 10,000 fakes and 1,000 {noun.many}.")
        )
    return [
        *notes,
        f"A weak measure: means of clusters (k-means) of the training {noun.many} score above real {noun.many} (Theis "
        f"et al. 2016), so a larger figure need not mean better {noun.many}.",
    ]


def is_mnist(card: Mapping[str, Any], shape: tuple[int, ...]) -> bool:
    """Whether the images are, by their name and shape, the digits that the paper's figures are about."""
    name = f"{card.get('name') or ''} {card.get('source') or ''}".lower()
    others = ("fashion", "kmnist", "emnist", "qmnist", "kuzushiji", "stacked", "notmnist", "not-mnist")
    return shape == (28, 28, 1) and "mnist" in name and not any(word in name for word in others)
