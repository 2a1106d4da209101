"""The tables of the report on pictures: classes, what the classifier mistakes for what, the figures of 2014.

Knows the JSON of a picture evaluation; never arrays or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from gankit.report import numbers
from gankit.report.section import Head, Table, heads_of

_MOST_CLASSES = 30
_MOST_MISTAKES = 12
# A table of who is taken for whom can be read up to so many classes; beyond, the worst mistakes are listed.
_MOST_SHADED = 12

# Mean log-likelihood of the MNIST test set by Parzen windows, in nats, with standard errors (Goodfellow et al. 2014,
# table 1).
PARZEN_MNIST = (
    ("Adversarial nets (Goodfellow et al. 2014)", "225 ± 2"),
    ("Deep GSN", "214 ± 1.1"),
    ("Deep belief network", "138 ± 2"),
    ("Stacked contractive autoencoder", "121 ± 1.6"),
)

_CLASS_COLUMNS = (
    ("real", "Share of real pictures", numbers.share),
    ("fake", "Share of fakes", numbers.share),
    ("agreement", "Seen as the class asked for", numbers.share),
    ("precision", "Precision", numbers.score),
    ("recall", "Recall", numbers.score),
    ("frechet", "Fréchet distance", numbers.score),
)


def worst_first(per_class: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The classes with the least obeyed ones first; where that is not known, those with the largest distance."""

    def key(entry: Mapping[str, Any]) -> tuple[float, float]:
        right, distance = numbers.finite(entry.get("agreement")), numbers.finite(entry.get("frechet"))
        return (2.0 if right is None else right, 0.0 if distance is None else -distance)

    return sorted(per_class, key=key)


def classes(per_class: Sequence[Mapping[str, Any]]) -> list[Table]:
    """A table with a row a class, in their own order while all can be shown; columns without a figure are left out."""
    found = [c for c in _CLASS_COLUMNS if any(numbers.finite(entry.get(c[0])) is not None for entry in per_class)]
    if not found or not per_class:
        return []
    many = len(per_class) > _MOST_CLASSES
    shown = worst_first(per_class)[:_MOST_CLASSES] if many else per_class
    caption = f"The classes (the {_MOST_CLASSES} worst of {len(per_class)})" if many else "The classes"
    rows = tuple(
        (str(entry.get("class")), *(show(numbers.finite(entry.get(key))) for key, _, show in found)) for entry in shown
    )
    return [Table(caption, heads_of("Class", *(f"#{title}" for _, title, _ in found)), rows)]


def judge(figures: Mapping[str, Any]) -> list[Table]:
    """Precision and recall of a classifier for each class; figures: of `picture_classes.confusion_figures`."""
    found = figures.get("classes") or []
    rows = tuple(
        (
            str(c.get("class")),
            numbers.count(c.get("pictures")),
            numbers.share(numbers.finite(c.get("precision"))),
            numbers.share(numbers.finite(c.get("recall"))),
        )
        for c in sorted(found, key=lambda c: numbers.finite(c.get("recall")) or 0.0)[:_MOST_CLASSES]
    )
    cut = f" (the {_MOST_CLASSES} worst of {len(found)})" if len(found) > _MOST_CLASSES else ""
    caption = f"The classifier on held-out real pictures, class by class, the one it finds least first{cut}"
    heads = heads_of("Class", "#Pictures", "#Right when it says so (precision)", "#Found (recall)")
    return [Table(caption, heads, rows)] if rows else []


def mistakes(counts: Any, names: Sequence[str], caption: str, side: str) -> list[Table]:
    """Which class is taken for which, as shares of the true or asked class.

    Args:
        counts: [K][K] of counts, rows true or asked, columns seen; anything else gives no table.
        names: [K] of the classes.
        caption: of the table.
        side: head of the first column.
    """
    if not isinstance(counts, Sequence) or len(counts) != len(names) or len(names) < 2:
        return []
    if any(not isinstance(row, Sequence) or len(row) != len(names) for row in counts):
        return []
    shares = [[(value or 0) / max(sum(v or 0 for v in row), 1) for value in row] for row in counts]
    if len(names) <= _MOST_SHADED:
        rows = tuple((str(n), *(_shaded(s) for s in row)) for n, row in zip(names, shares, strict=True))
        return [Table(caption, heads_of(side, *(f"#{n}" for n in names)), rows, "mistakes")]
    worst = sorted(
        ((s, i, j) for i, row in enumerate(shares) for j, s in enumerate(row) if i != j and s > 0), reverse=True
    )[:_MOST_MISTAKES]
    rows = tuple((str(names[i]), str(names[j]), numbers.share(s)) for s, i, j in worst)
    head = (Head(side), Head("Seen as"), Head("In this share", number=True))
    return [Table(f"{caption} (the {len(rows)} most frequent mistakes)", head, rows)] if rows else []


def _shaded(share: float) -> Markup:
    """A share as a cell that is the darker the larger it is; nothing at all for none."""
    if share <= 0:
        return Markup("")
    return Markup(
        f'<span style="background:color-mix(in srgb,var(--real) {round(60 * share)}%,transparent)">'
        f"{100 * share:.{0 if share >= 0.0995 else 1}f}</span>"
    )


def parzen(entry: Mapping[str, Any], mnist: bool) -> list[Table]:
    """The Parzen log-likelihood beside real pictures and baselines and, for MNIST, beside the figures of 2014."""

    def text(score: Mapping[str, Any]) -> str:
        value, low, high = (numbers.finite(score.get(k)) for k in ("value", "low", "high"))
        if value is None:
            return "–"
        half = "" if low is None or high is None else f" ± {(high - low) / 2 / 1.96:.2g}"
        return f"{value:,.1f}{half}"

    sides = {
        "This model": entry["fake"],
        "Training pictures in the place of the fakes": entry["ceiling"],
        "Noise": entry["baselines"].get("noise") or {},
        "The mean picture": entry["baselines"].get("mean") or {},
    }
    rows = [(name, text(score)) for name, score in sides.items() if numbers.finite(score.get("value")) is not None]
    caption = "Mean log-likelihood of held-out pictures by Parzen windows, in nats, ± standard error"
    if mnist:
        rows += list(PARZEN_MNIST)
        caption += "; the last four rows are the paper’s, on MNIST’s test set"
    return [Table(caption, heads_of("Whose", "#Nats"), tuple(rows))] if rows else []


def parzen_notes(details: Mapping[str, Any]) -> list[str]:
    """How far what was done is from the protocol of 2014, and that the figure is weak."""
    fakes, validation, sigma = (numbers.finite(details.get(k)) for k in ("fakes", "validation", "sigma"))
    notes = []
    if fakes is not None and validation is not None:
        full = fakes >= 10_000 and validation >= 1000
        notes.append(
            f"A Gaussian of width {numbers.amount(sigma)}, chosen on {numbers.count(validation)} training pictures, "
            f"lies around each of {numbers.count(fakes)} fakes"
            + (", as in the protocol." if full else "; the protocol takes 10,000 fakes and 1,000 pictures.")
        )
    return [
        *notes,
        "A weak measure: means of clusters (k-means) of the training pictures score above real pictures (Theis et al. "
        "2016), so a larger figure need not mean better pictures.",
    ]


def is_mnist(card: Mapping[str, Any], shape: tuple[int, ...]) -> bool:
    """Whether the pictures are, by their name and shape, the digits that the paper's figures are about."""
    name = f"{card.get('name') or ''} {card.get('source') or ''}".lower()
    others = ("fashion", "kmnist", "emnist", "qmnist", "kuzushiji", "stacked", "notmnist", "not-mnist")
    return shape == (28, 28, 1) and "mnist" in name and not any(word in name for word in others)
