"""What one reads: fakes beside real texts, by label, over the training, and beside their nearest training texts.

Knows texts and the rows that an evaluation names; never metrics' words or the page around the tables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np

from gankit.kinds.texts.report.panels import Tokenise, cell, cells, differences, gram
from gankit.kinds.texts.report.words import called
from gankit.report import numbers, parts
from gankit.report.section import Head, Table, heads_of

_MOST_SHOWN, _MOST_PAIRS, _MOST_CLASSES, _PER_CLASS = 40, 12, 24, 6
_MOST_STEPS, _PER_STEP, _MOST_INVALID = 10, 6, 12
_MOST_GRAMS = 8
# Where more than this share of held-out texts equal a training text, chance makes equals, and a fake that is one is no
# sign of copying for itself.
_BY_CHANCE = 0.01

_CLASS_COLUMNS = (
    ("real", "Share of real texts", numbers.share),
    ("fake", "Share of fakes", numbers.share),
    ("agreement", "Seen as the label asked for", numbers.share),
    ("ngrams", "Divergence of n-grams", numbers.score),
    ("ngrams_real", "Real texts’ own", numbers.score),
    ("unique", "Different", numbers.share),
    ("new", "New", numbers.share),
)


@dataclass(frozen=True)
class Look:
    """The texts of a report.

    train, heldout, fake: texts; labels: {"fake": [N] names or None, "heldout": [N] or None} or None; tokenise: a text
    to its units; evaluation: of `kinds.texts.metrics.evaluation`; progress: (samples shown to D, texts); records:
    whether real texts may be shown; scale: how many texts there is room for, 1 for all.
    """

    train: Sequence[str]
    heldout: Sequence[str]
    fake: Sequence[str]
    labels: Mapping[str, Any] | None
    tokenise: Tokenise
    evaluation: Mapping[str, Any]
    progress: Sequence[tuple[int, Sequence[str]]]
    records: bool = True
    scale: float = 1.0

    @property
    def found(self) -> Mapping[str, Any]:
        """The rows that the evaluation names for showing."""
        return self.evaluation.get("texts") or {}

    @property
    def units(self) -> str:
        """What the units are called: characters, words or symbols."""
        return called(self.evaluation)

    @property
    def per_class(self) -> Sequence[Mapping[str, Any]]:
        """The figures of each label; none without labels."""
        return self.evaluation.get("per_class") or []

    def samples(self) -> list[Table]:
        """The first fakes, and where records may be shown held-out texts, evenly from all, side by side."""
        most = self._most(_MOST_SHOWN, 6)
        fakes = self._open(range(min(len(self.fake), most)))
        real: list[int] = []
        if self.records:
            real = parts.evenly(len(self.heldout), most)
        asked, known = ((self.labels or {}).get(side) for side in ("fake", "heldout"))
        rows = []
        for place, (i, j) in enumerate(zip_longest(fakes, real), 1):
            row = [str(place), *_labelled(self.fake, asked, i)]
            rows.append((*row, *(_labelled(self.heldout, known, j) if self.records else ())))
        heads = ["No.", *(["Asked for"] if asked is not None else []), "Fake"]
        heads += [*(["Label"] if known is not None else []), "Real (held-out)"] if self.records else []
        return [Table("Fakes, the first ones, not chosen", heads_of(*heads), tuple(rows), "texts")] if rows else []

    def classes(self) -> list[Table]:
        """A row a label: fakes asked for it and held-out texts of it."""
        by_class = self.found.get("by_class") or {}
        known = {str(c.get("class")): c for c in self.per_class}
        shown = sorted(by_class, key=lambda c: numbers.finite(known.get(c, {}).get("agreement")) or 0.0)
        shown = shown[: self._most(_MOST_CLASSES, 6)]
        real = (self.labels or {}).get("heldout") if self.records else None
        names = np.array([str(v) for v in real]) if real is not None else None
        rows = []
        for label in shown:
            some = [r for r in by_class[label] if r < len(self.fake)]
            fakes = cells([self.fake[i] for i in self._open(some)[:_PER_CLASS]])
            beside = []
            if names is not None:
                beside = [cells([self.heldout[i] for i in np.flatnonzero(names == label)[:_PER_CLASS]])]
            rows.append((label, fakes, *beside, numbers.share(numbers.finite(known.get(label, {}).get("agreement")))))
        heads = ["Label", "Fakes asked for it", *(["Real (held-out)"] if names is not None else []), "#Seen as it"]
        cut = f" (the {len(rows)} least obeyed of {len(by_class)})" if len(rows) < len(by_class) else ""
        return [Table(f"Fakes by label{cut}", heads_of(*heads), tuple(rows), "texts")] if rows else []

    def class_figures(self) -> list[Table]:
        """A table with a row a label."""
        return parts.class_figures(self.per_class, _CLASS_COLUMNS, 2 * _MOST_CLASSES)

    def progress_table(self, chosen: float | None) -> list[Table]:
        """Fakes of the same z over the training; at most ten steps."""
        kept = parts.kept_steps(self.progress, self._most(_MOST_STEPS, 3), chosen)
        rows = tuple((step, cells(list(texts[:_PER_STEP]))) for step, texts in kept)
        caption = "The same z after so many real samples shown to D"
        return [Table(caption, heads_of("Real samples", "Fakes"), rows, "texts")] if rows else []

    def closest(self) -> list[Table]:
        """The fakes that lie nearest to a training text for their distance to held-out ones; differences are marked."""
        if not self.records:
            return []
        rows = []
        for place, pair in enumerate(self._ranked()[: self._most(_MOST_PAIRS, 3)], 1):
            fake, train = differences(self.fake[pair["fake"]], self.train[pair["train"]], self.tokenise)
            equal = pair["distance_train"] == 0 and self._by_chance > _BY_CHANCE
            far = "as held-out texts are, too" if equal else "suspiciously near" if parts.suspicious(pair) else ""
            near = numbers.score(pair["distance_train"])
            rows.append(
                (str(place), fake, train, f"{near} ({far})" if far else near, numbers.score(pair["distance_heldout"]))
            )
        heads = heads_of("No.", "Fake", "Nearest training text", "#Distance to training", "#to held-out")
        return [Table("The closest pairs, the closest first", heads, tuple(rows), "texts")] if rows else []

    def invalid(self) -> list[Table]:
        """The first fakes that break the user's rule."""
        rows = [r for r in self.found.get("invalid") or [] if r < len(self.fake)][: self._most(_MOST_INVALID, 3)]
        shown = tuple((str(k), cell(self.fake[i])) for k, i in enumerate(self._open(rows), 1))
        return [Table("Fakes that break the rule", heads_of("No.", "Fake"), shown, "texts")] if shown else []

    def grams(self) -> list[Table]:
        """The runs of units that differ most in frequency, for each n."""
        found = self.evaluation.get("grams") or []
        rows = []
        for order in sorted({int(g["order"]) for g in found}):
            for g in [g for g in found if g["order"] == order][: self._most(_MOST_GRAMS, 3)]:
                how = "too frequent" if g["fake"] > g["real"] else "never" if g["fake"] == 0 else "too seldom"
                run = gram(g["units"], self.units)
                rows.append((str(order), run, how, numbers.share(g["real"]), numbers.share(g["fake"])))
        head = (
            Head("n"),
            Head("Run (^ begin, $ end)"),
            Head("In the fakes"),
            Head("Real texts", number=True),
            Head("Fakes", number=True),
        )
        caption = "The runs of n units that add most to the divergence, as shares of all runs of n"
        return [Table(caption, head, tuple(rows))] if rows else []

    @property
    def _by_chance(self) -> float:
        """The share of held-out texts that equal a training text."""
        entry = (self.evaluation.get("metrics") or {}).get("copies_exact") or {}
        return numbers.finite(((entry.get("fake") or {}).get("details") or {}).get("heldout_share")) or 0.0

    def _most(self, full: int, least: int) -> int:
        return max(least, round(full * self.scale))

    def _ranked(self) -> list[Mapping[str, Any]]:
        """Fakes with their distances, the closest to training texts first."""
        return parts.ranked(self.found, len(self.fake), len(self.train))

    def _open(self, rows: Sequence[int] | range) -> list[int]:
        """Rows of fakes without those that look like a training text, where no records may be shown."""
        hidden = set()
        if not self.records:
            hidden = {int(p["fake"]) for p in self._ranked() if parts.suspicious(p)}
            known = set(self.train)
            hidden |= {int(r) for r in rows if self.fake[r] in known}
        return [int(r) for r in rows if int(r) not in hidden]


def _labelled(texts: Sequence[str], labels: Any, row: int | None) -> list[str]:
    """A text in a row of a table, after its label where there are labels."""
    if row is None:
        return [""] * (1 if labels is None else 2)
    return [*([] if labels is None else [str(labels[row])]), cell(texts[row])]
