"""What pages that show records have in common: which ones, their nearest training records, and tables of labels.

Knows rows, distances and shares as plain JSON; never what the records are, metrics or pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup

from gankit.metrics.metric import Noun
from gankit.report import numbers, wording
from gankit.report.section import Head, Section, Sections, Table, heads_of
from gankit.report.verdict import THRESHOLDS

_MOST_CELLS = 12  # a confusion matrix can be read up to so many classes; beyond, the worst mistakes are listed
_MOST_MISTAKES = 12

ClassColumn = tuple[str, str, Callable[[float | None], str]]
"""(key of a label's figure, head of its column, how it is written)."""


# --- which records ----------------------------------------------------------------------------------------------------


def evenly(num: int, most: int) -> list[int]:
    """At most `most` places among `num`, the first and the last among them.

    >>> evenly(9, 3), evenly(2, 3), evenly(0, 3)
    ([0, 4, 8], [0, 1], [])
    """
    if num == 0:
        return []
    return [round(i * (num - 1) / max(min(most, num) - 1, 1)) for i in range(min(most, num))]


def kept_steps(progress: Sequence[tuple[int, Any]], most: int, chosen: float | None) -> list[tuple[str, Any]]:
    """(name, records) of at most `most` previews of a training, the first and last and the model's (or the nearest).

    progress: (real samples shown to D, records of the same z). chosen: the samples of the model, if known.
    """
    kept = sorted(((int(n), x) for n, x in progress if len(x)), key=lambda entry: entry[0])
    picked = evenly(len(kept), most)
    if chosen is None or not kept:
        return [(f"{kept[i][0]:,}", kept[i][1]) for i in picked]
    model = min(range(len(kept)), key=lambda i: abs(kept[i][0] - chosen))
    if model not in picked:  # in the place of its nearest neighbour
        picked[min(range(len(picked)), key=lambda k: abs(picked[k] - model))] = model
    mark = " (the model)" if kept[model][0] == chosen else " (nearest the model)"
    return [(f"{kept[i][0]:,}{mark if i == model else ''}", kept[i][1]) for i in picked]


# --- nearest training records -----------------------------------------------------------------------------------------


def ratio(pair: Mapping[str, Any]) -> float:
    """A fake's distance to training over that to held-out records; 1 where both are 0.

    0 for a pair without a distance to held-out records: an equal record, of which nobody asked.
    """
    near, far = float(pair["distance_train"]), pair.get("distance_heldout")
    if far is None:
        return 0.0
    return near / far if far > 0 else 1.0


def suspicious(pair: Mapping[str, Any]) -> bool:
    """Whether a fake lies so much nearer to a training record that one must look."""
    return ratio(pair) < THRESHOLDS["near_ratio"]


def ranked(found: Mapping[str, Any], num_fake: int, num_train: int) -> list[Mapping[str, Any]]:
    """Fakes with their nearest training records, the closest first: those that were found near, and those shown.

    found: what an evaluation names for showing: "copied", and in columns "shown", "nearest_train" and the distances.
    """
    columns = ("shown", "nearest_train", "distance_train", "distance_heldout")
    shown = [
        dict(zip(("fake", "train", "distance_train", "distance_heldout"), values, strict=True))
        for values in zip(*(found.get(c) or [] for c in columns), strict=False)
    ]
    pairs: dict[int, Mapping[str, Any]] = {}
    for pair in [*(found.get("copied") or []), *shown]:
        there = 0 <= pair["fake"] < num_fake and 0 <= pair["train"] < num_train
        old = pairs.get(int(pair["fake"]))
        if there and (old is None or pair["distance_train"] < old["distance_train"]):
            pairs[int(pair["fake"])] = pair
    return sorted(pairs.values(), key=lambda p: (ratio(p), p["distance_train"]))


def open_rows(rows: Iterable[int], pairs: Sequence[Mapping[str, Any]], records: bool) -> list[int]:
    """Rows of fakes; where no records may be shown, without those that look like a training record.

    pairs: fakes with their nearest training records.
    """
    hidden = set() if records else {int(p["fake"]) for p in pairs if suspicious(p)}
    return [int(r) for r in rows if int(r) not in hidden]


def closest(
    sections: Sections[Any], rows: Sequence[tuple[str, ...]], heads: Sequence[str], hint: str, measure: str, style: str
) -> list[Section]:
    """The section of the closest pairs; none without rows.

    rows: one a pair. hint: what tells a copy. measure: what the distances are. style: of the table.
    """
    if not rows:
        return []
    one, many = sections.noun.one, sections.noun.many
    found = f"fakes nearest to a training {one} for their distance to held-out ones"
    asked = f"The worst cases that were found: {found}. {hint}"
    note = (
        f"{measure} “Suspiciously near” is nearer than {THRESHOLDS['near_ratio']:g} of the distance to any held-out "
        f"{one}."
    )
    table = Table("The closest pairs, the closest first", heads_of("No.", *heads), tuple(rows), style)
    title = f"The fakes closest to training {many}"
    return [Section("closest", title, [asked], confidential(sections.noun), tables=[table], notes=[note])]


def confidential(noun: Noun) -> str:
    """The warning of a section with real records."""
    return (
        f"This part shows real {noun.many}. Do not pass the page on if those are confidential, or make it again with "
        "--no-records."
    )


def over_training(sections: Sections[Any], most: int, draw: Callable[[str, Any], Markup], style: str) -> list[Section]:
    """The section of fakes of the same latents over the training; draw: (a step's name, its records) -> a cell."""
    kept = kept_steps(sections.progress, most, sections.chosen)
    rows = tuple((step, draw(step, records)) for step, records in kept)
    if not rows:
        return []
    caption = "The same latents after so many real samples shown to D"
    table = Table(caption, heads_of("Real samples", "Fakes"), rows, style)
    asked = "Fakes of the same latents as the training goes on."
    return [Section("progress", "Samples over the training", [asked], tables=[table])]


# --- labels -----------------------------------------------------------------------------------------------------------


def class_table(
    per_class: Sequence[Mapping[str, Any]], columns: Sequence[ClassColumn], most: int, label: str = "label"
) -> list[Table]:
    """A table with a row a label, in their own order while all can be shown, else the least accurate.

    Columns that no label has are left out. label: what it is called, "label" or "class".
    """
    found = [c for c in columns if any(numbers.finite(e.get(c[0])) is not None for e in per_class)]
    if not found:
        return []
    shown, many = list(per_class), len(per_class) > most
    if many:
        shown.sort(key=lambda c: numbers.finite(c.get("agreement")) or 0.0)
        shown = shown[:most]
    caption = (
        f"The {plural(label)} (the {len(shown)} least accurate of {len(per_class)})" if many else f"The {plural(label)}"
    )
    rows = tuple((str(e.get("class")), *(show(numbers.finite(e.get(k))) for k, _, show in found)) for e in shown)
    return [Table(caption, heads_of(label.capitalize(), *(f"#{title}" for _, title, _ in found)), rows)]


def confusion_table(counts: Any, names: Sequence[str], caption: str, side: str) -> list[Table]:
    """Which class is classified as which, as shares of the true or asked class.

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
    if len(names) <= _MOST_CELLS:
        rows = tuple((str(n), *(_shaded(s) for s in row)) for n, row in zip(names, shares, strict=True))
        return [Table(caption, heads_of(side, *(f"#{n}" for n in names)), rows, "mistakes")]
    worst = sorted(
        ((s, i, j) for i, row in enumerate(shares) for j, s in enumerate(row) if i != j and s > 0), reverse=True
    )[:_MOST_MISTAKES]
    rows = tuple((str(names[i]), str(names[j]), numbers.share(s)) for s, i, j in worst)
    head = (Head(side), Head("Classified as"), Head("In this share", number=True))
    return [Table(f"{caption} (the {len(rows)} most frequent mistakes)", head, rows)] if rows else []


def _shaded(share: float) -> Markup:
    """A share as a cell that is the darker the larger it is; nothing at all for none."""
    if share <= 0:
        return Markup("")
    return Markup(
        f'<span style="background:color-mix(in srgb,var(--real) {round(60 * share)}%,transparent)">'
        f"{100 * share:.{0 if share >= 0.0995 else 1}f}</span>"
    )


def least_accurate(
    by_class: Mapping[str, Any], per_class: Sequence[Mapping[str, Any]], most: int
) -> list[tuple[str, str]]:
    """(label, share of its fakes that is classified as it) of at most `most` labels, the least accurate first."""
    known = {str(c.get("class")): numbers.finite(c.get("agreement")) for c in per_class}
    shown = sorted(by_class, key=lambda label: known.get(label) or 0.0)[:most]
    return [(label, numbers.share(known.get(label))) for label in shown]


def about_labels(
    section: Section, sections: Sections[Any], columns: Sequence[ClassColumn], most: int, start: str
) -> Section:
    """The section on labels with the classifier's own figures, a table of the labels, and what it confuses.

    The facts of the evaluation hold `per_class` and `classifier`. start: of the sentence on it, up to "is".
    """
    facts, noun, label = sections.facts, sections.noun, sections.label
    names = [str(c.get("class")) for c in facts.per_class]
    caption = f"A classifier trained on real {noun.many}, on held-out ones (per cent of the true {label})"
    told = wording.classifier(facts.classifier, start, noun, plural(label))
    counts = (facts.classifier or {}).get("confusion")
    tables = class_table(facts.per_class, columns, most, label)
    tables += confusion_table(counts, names, caption, f"True {label}")
    return replace(section, verdicts=[*section.verdicts, *told], tables=tables)


def plural(label: str) -> str:
    """Several labels, or classes."""
    return "classes" if label == "class" else f"{label}s"
