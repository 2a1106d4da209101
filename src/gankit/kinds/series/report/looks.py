"""What one sees: fakes beside real series, over time, over the training, beside their nearest neighbours.

Knows series and the rows that an evaluation names; never metrics' words or the page around the pictures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from gankit.kinds.series.metrics.sample import SeriesSample
from gankit.kinds.series.report import panels
from gankit.report import numbers, parts
from gankit.report.charts import histograms
from gankit.report.section import Table, heads_of

MOST_CHANNELS = 8
"""Channels that are drawn one by one; of more the first ones."""

_MOST_LINES, _MOST_PAIRS, _MOST_CLASSES, _PER_CLASS = 8, 6, 12, 4
_MOST_STEPS, _MOST_LEVELS = 8, 12
_DENSE = 1000  # steps of a series that hides all others in its picture
_IN_A_ROW = 3

_CLASS_COLUMNS = (
    ("real", "Share of real series", numbers.share),
    ("fake", "Share of fakes", numbers.share),
    ("agreement", "Seen as the label asked for", numbers.share),
    ("profile", "Profile", numbers.score),
    ("profile_real", "Real series’ own", numbers.score),
    ("autocorrelation", "Memory", numbers.score),
    ("autocorrelation_real", "Real series’ own", numbers.score),
)


@dataclass(frozen=True)
class Look:
    """The series of a report.

    train, heldout, fake: series with their labels. evaluation: of `gankit.kinds.series.metrics.evaluation`. progress:
    (samples shown to D, fakes of the same z). records: whether real series may be shown; scale: how much there is room
    for, 1 for all.
    """

    train: SeriesSample
    heldout: SeriesSample
    fake: SeriesSample
    evaluation: Mapping[str, Any]
    progress: Sequence[tuple[int, np.ndarray]]
    records: bool = True
    scale: float = 1.0

    @property
    def found(self) -> Mapping[str, Any]:
        """The rows that the evaluation names for showing."""
        return self.evaluation.get("shown") or {}

    @property
    def per_class(self) -> Sequence[Mapping[str, Any]]:
        """The figures of each label; none without labels."""
        return self.evaluation.get("per_class") or []

    @property
    def channels(self) -> list[int]:
        """The number channels that are drawn."""
        found = [c for c, name in enumerate(self.fake.names) if name not in self.fake.levels]
        return found[: max(2, round(MOST_CHANNELS * self.scale))]

    def samples(self) -> list[tuple[str, Markup]]:
        """The first fakes beside held-out series, evenly from all; a picture a channel."""
        most = 1 if self.fake.x.shape[1] > _DENSE else self._most(_MOST_LINES)
        fakes = self._open(range(len(self.fake)))[:most]
        rows = parts.evenly(len(self.heldout), most)
        out = []
        for c in self.channels:
            real = self.heldout.x[rows, :, c] if self.records else None
            name = self.fake.names[c]
            out.append((name, panels.beside(real, self.fake.x[fakes, :, c], name, f"{c}")))
        return out

    def bands(self) -> list[tuple[str, Markup]]:
        """Quantiles at each step, a picture a channel; none of series so short or so long that nobody reads them."""
        steps = self.fake.x.shape[1]
        if not 3 <= steps <= 2000 or min(len(self.heldout), len(self.fake)) < 10:
            return []
        sides = [(self.fake.names[c], self.heldout.x[:, :, c], self.fake.x[:, :, c], f"{c}") for c in self.channels]
        return [(name, panels.bands(real, fake, name, ident)) for name, real, fake, ident in sides]

    def values(self) -> list[tuple[str, Markup]]:
        """Histograms of values, a picture a channel."""
        out = []
        for c in self.channels:
            known = [x[:, :, c][np.isfinite(x[:, :, c])] for x in (self.heldout.x, self.fake.x)]
            if all(len(v) for v in known):
                name = self.fake.names[c]
                out.append((name, panels.values(known[0], known[1], name, f"values-{c}")))
        return out

    def levels(self) -> list[Table]:
        """The shares of the levels of each category, over all steps."""
        out = []
        for c, name in enumerate(self.fake.names):
            if name not in self.fake.levels:
                continue
            rows = []
            shares = [_shares(s, c) for s in (self.heldout, self.fake)]
            for level in sorted(set().union(*shares), key=lambda v: -max(s.get(v, 0) for s in shares))[:_MOST_LEVELS]:
                rows.append((level, *(numbers.share(s.get(level, 0.0)) for s in shares)))
            heads = heads_of("Level", "#Share of real steps", "#Share of the fakes’ steps")
            out.append(Table(f"The levels of {name}", heads, tuple(rows)))
        return [t for t in out if t.rows]

    def lengths(self) -> list[tuple[str, Markup]]:
        """Histograms of the lengths, where they differ."""
        found = self.evaluation.get("lengths") or {}
        if not all(found.get(k) for k in ("edges", "real", "fake")):
            return []
        sides = (found["edges"], found["real"], found["fake"])
        drawn = histograms(*sides, "lengths", "Histograms of lengths", "held-out series", "steps")
        return [("Lengths", drawn)]

    def classes(self) -> list[Table]:
        """A row a label: fakes asked for it and held-out series of it."""
        by_class = self.found.get("by_class") or {}
        known = {str(c.get("class")): c for c in self.per_class}
        shown = sorted(by_class, key=lambda c: numbers.finite(known.get(c, {}).get("agreement")) or 0.0)
        shown = shown[: self._most(_MOST_CLASSES)]
        labels = self.heldout.labels if self.records else None
        names = np.array([str(v) for v in labels]) if labels is not None else None
        channels = self.channels[:2]
        rows = []
        for k, label in enumerate(shown):
            fakes = self._open([r for r in by_class[label] if r < len(self.fake)])[:_PER_CLASS]
            real = None
            if names is not None:
                mine = np.flatnonzero(names == label)
                real = self.heldout.x[mine[parts.evenly(len(mine), _PER_CLASS)]]
            drawn = []
            for c in channels:
                side = None if real is None else real[:, :, c]
                drawn.append(panels.beside(side, self.fake.x[fakes, :, c], self.fake.names[c], f"class-{k}-{c}"))
            agreement = numbers.share(numbers.finite(known.get(label, {}).get("agreement")))
            rows.append((label, Markup("").join(drawn), agreement))
        cut = f" (the {len(rows)} least obeyed of {len(by_class)})" if len(rows) < len(by_class) else ""
        heads = heads_of("Label", "Real series and fakes", "#Seen as it")
        return [Table(f"Fakes by label{cut}", heads, tuple(rows), "plots")] if rows and channels else []

    def class_figures(self) -> list[Table]:
        """A table with a row a label."""
        return parts.class_figures(self.per_class, _CLASS_COLUMNS, 4 * _MOST_CLASSES)

    def progress_table(self, chosen: float | None) -> list[Table]:
        """Fakes of the same z over the training; at most eight steps."""
        channels = self.channels[:_IN_A_ROW]
        names = [self.fake.names[c] for c in channels]
        kept = parts.kept_steps(self.progress, self._most(_MOST_STEPS), chosen) if channels else []
        rows = tuple(
            (step, panels.looks(np.asarray(x)[:4][:, :, channels], names, f"{k}")) for k, (step, x) in enumerate(kept)
        )
        caption = "The same z after so many real samples shown to D"
        return [Table(caption, heads_of("Real samples", "Fakes"), rows, "plots")] if rows else []

    def closest(self) -> list[Table]:
        """The fakes that lie nearest to a training series for their distance to held-out ones, drawn over them."""
        channels = self.channels[:_IN_A_ROW]
        if not self.records or not channels:
            return []
        names = [self.fake.names[c] for c in channels]
        near = {
            int(f): int(h)
            for f, h in zip(self.found.get("shown") or [], self.found.get("nearest_heldout") or [], strict=False)
        }
        rows = []
        for place, pair in enumerate(self._ranked()[: self._most(_MOST_PAIRS)], 1):
            fake, train = (s.x[pair[k]][:, channels] for s, k in ((self.fake, "fake"), (self.train, "train")))
            other = near.get(int(pair["fake"]))
            train = _at_the_level(fake, train)
            heldout = None if other is None else _at_the_level(fake, self.heldout.x[other][:, channels])
            far = " (suspiciously near)" if parts.suspicious(pair) else ""
            drawn = panels.neighbours(fake, train, heldout, names, f"{place}")
            close = numbers.score(pair["distance_train"])
            rows.append((str(place), drawn, f"{close}{far}", numbers.score(pair["distance_heldout"])))
        heads = heads_of(
            "No.", "Fake (solid), training (dashed), held-out (dotted)", "#Distance to training", "#to held-out"
        )
        return [Table("The closest pairs, the closest first", heads, tuple(rows), "plots")] if rows else []

    def _most(self, full: int) -> int:
        return max(2, round(full * self.scale))

    def _ranked(self) -> list[Mapping[str, Any]]:
        """Fakes with their distances, the closest to training series first."""
        return parts.ranked(self.found, len(self.fake), len(self.train))

    def _open(self, rows: Sequence[int] | range) -> list[int]:
        """Rows of fakes without those that look like a training series, where no records may be shown."""
        hidden = set() if self.records else {int(p["fake"]) for p in self._ranked() if parts.suspicious(p)}
        return [int(r) for r in rows if int(r) not in hidden]


def _at_the_level(fake: np.ndarray, real: np.ndarray) -> np.ndarray:
    """A real series [T, c] moved to the mean of a fake; as it is where nothing is known."""
    counts = [np.maximum(np.isfinite(x).sum(0), 1) for x in (fake, real)]
    a, b = (np.nansum(x, axis=0) / n for x, n in zip((fake, real), counts, strict=True))
    return np.asarray(real + (a - b))


def _shares(sample: SeriesSample, c: int) -> dict[str, float]:
    codes = sample.x[:, :, c]
    codes = codes[np.isfinite(codes)].astype(np.int64)
    levels = sample.levels[sample.names[c]]
    counts = np.bincount(codes, minlength=len(levels)) / max(len(codes), 1)
    return {level: float(counts[k]) for k, level in enumerate(levels) if counts[k] > 0}
