"""What one looks at: samples beside real pictures, classes, nearest training pictures, closest pairs, the training.

Knows arrays of pictures and the rows that an evaluation names; never metrics' words or the page around the sheets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from gankit.report import numbers
from gankit.report.picture_panels import LARGEST, shape_of, sheet, sheet_2014
from gankit.report.picture_tables import worst_first
from gankit.report.standing import THRESHOLDS
from gankit.report.tables import Head, Table

_ROWS_2014, _COLUMNS_2014 = 5, 6
_MOST_CLASSES, _PER_CLASS = 12, 8
_MOST_PAIRS, _MOST_STEPS, _PER_STEP = 6, 10, 10


@dataclass(frozen=True)
class Look:
    """The pictures of a report.

    train, heldout, fake: [N, H, W, C] uint8; labels: {"fake": [N] class index, "heldout": [N] (may be missing),
    "names": [K]} or None; found: the evaluation's "pictures"; per_class: its "per_class"; progress: (samples shown to
    D, [n, H, W, C] uint8); records: whether real pictures may be shown; scale: how many pictures there is room for, 1
    for all.
    """

    train: np.ndarray
    heldout: np.ndarray
    fake: np.ndarray
    labels: Mapping[str, Any] | None
    found: Mapping[str, Any]
    per_class: Sequence[Mapping[str, Any]]
    progress: Sequence[tuple[int, np.ndarray]]
    records: bool = True
    scale: float = 1.0

    def size_note(self) -> str:
        """How the pictures are shown, where that is not pixel for pixel."""
        height, width = self.fake.shape[1:3]
        shape = shape_of(height, width)
        if shape.reduced:
            return (
                f"The pictures have {width} × {height} pixels and are shown at {shape.width} × {shape.height} (at most "
                f"{LARGEST} pixels, averaged over areas), as JPEG; what was measured is the pictures themselves."
            )
        if not shape.lossless:
            return "The pictures are shown at their size, as JPEG; what was measured is the pictures themselves."
        return f"Every pixel is shown {shape.factor} × {shape.factor} times." if shape.factor > 1 else ""

    def samples(self) -> list[tuple[str, Markup]]:
        """Fakes in their order and, where records may be shown, held-out pictures evenly from all: (title, image)."""
        columns = shape_of(*self.fake.shape[1:3]).columns
        num = max(columns, columns * round(columns * self.scale))
        rows = self._first(num)
        if not len(rows):
            return []
        out = [("Fakes", sheet(self.fake[rows], columns, f"{len(rows)} fakes, the first ones, not chosen."))]
        if self.records and len(self.heldout):
            real = np.unique(np.linspace(0, len(self.heldout) - 1, num).round().astype(int))
            out.append(("Real (held-out)", sheet(self.heldout[real], columns, f"{len(real)} held-out real pictures.")))
        return out

    def classes(self) -> list[Table]:
        """A row a class: fakes, held-out pictures where their classes are known, and the share that is right."""
        labels = self.labels or {}
        if labels.get("fake") is None or not labels.get("names"):
            return []
        names, of_fakes = [str(n) for n in labels["names"]], np.asarray(labels["fake"])
        known = {str(c.get("class")): c for c in self.per_class}
        shown = names
        if len(names) > _MOST_CLASSES:
            worst = [str(c.get("class")) for c in worst_first(self.per_class) if str(c.get("class")) in names]
            shown = list(dict.fromkeys([*worst, *names]))[:_MOST_CLASSES]
        most = max(3, round(_PER_CLASS * self.scale))
        real = labels.get("heldout") if self.records else None
        rows = []
        for name in shown:
            k, right = names.index(name), numbers.finite(known.get(name, {}).get("right"))
            fakes = self._strip(self.fake, self._open(np.flatnonzero(of_fakes == k))[:most], f"Fakes of class {name}.")
            beside = []
            if real is not None:
                at = np.flatnonzero(np.asarray(real) == k)[:most]
                beside = [self._strip(self.heldout, at, f"Held-out pictures of class {name}.")]
            rows.append((name, fakes, *beside, numbers.share(right)))
        heads = [Head("Class"), Head("Fakes asked for it"), *([Head("Real (held-out)")] if real is not None else [])]
        drop = all(row[-1] == "–" for row in rows)
        cut = f" (the {len(shown)} worst of {len(names)})" if len(shown) < len(names) else ""
        return [
            Table(
                f"Fakes by class{cut}",
                (*heads, *([] if drop else [Head("Seen as it", number=True)])),
                tuple(row[:-1] if drop else row for row in rows),
                "gallery",
            )
        ]

    def figure_2014(self) -> list[tuple[str, Markup]]:
        """The second figure of the paper of 2014, for fakes whose nearest training picture is known."""
        shown, near = self._rows("shown", self.fake), self._rows("nearest_train", self.train)
        num = min(len(shown), len(near))
        rows = min(max(1, round(_ROWS_2014 * max(self.scale, 0.5))), num // (_COLUMNS_2014 - 1))
        if not self.records or rows < 1:
            return []
        num = rows * (_COLUMNS_2014 - 1)
        alt = f"{rows} rows of 5 fakes; at the right end of each row the training picture nearest to the fifth fake."
        return [
            (
                "Fakes, and at the right the nearest",
                sheet_2014(self.fake[shown[:num]], self.train, near[:num], _COLUMNS_2014, alt),
            )
        ]

    def closest(self) -> list[Table]:
        """The fakes that lie nearest to a training picture for their distance to held-out ones, beside both."""
        shown, near = self._rows("shown", self.fake), self._rows("nearest_train", self.train)
        held = self._rows("nearest_heldout", self.heldout)
        order = [i for i in self._ranked() if i < min(len(shown), len(near))]
        if not self.records or not order:
            return []
        rows = []
        for place, i in enumerate(order[: max(2, round(_MOST_PAIRS * self.scale))], 1):
            to_train, to_heldout = self._distances(i)
            text = numbers.score(to_train) + (" (suspiciously near)" if self._suspicious(i) else "")
            alt = f"The held-out picture nearest to fake {place}."
            beside = self._one(self.heldout, held[i], alt) if i < len(held) else Markup("–")
            rows.append(
                (
                    str(place),
                    self._one(self.fake, shown[i], f"Fake {place}."),
                    self._one(self.train, near[i], f"The training picture nearest to fake {place}."),
                    beside,
                    text,
                    numbers.score(to_heldout),
                )
            )
        heads = ("Fake", "Nearest training picture", "Nearest held-out picture")
        ends = (Head("Distance to training", number=True), Head("to held-out", number=True))
        return [
            Table(
                "The closest pairs, the closest first", (Head("No."), *map(Head, heads), *ends), tuple(rows), "gallery"
            )
        ]

    def progress_table(self, chosen: float | None) -> list[Table]:
        """Fakes of the same z over the training, a strip a kept step; at most ten of them, the first and last kept."""
        kept = sorted(((int(n), p) for n, p in self.progress if len(p)), key=lambda entry: entry[0])
        most = max(3, round(_MOST_STEPS * self.scale))
        if len(kept) > most:
            kept = [kept[i] for i in np.unique(np.linspace(0, len(kept) - 1, most).round().astype(int))]
        marked = min((n for n, _ in kept), key=lambda n: abs(n - chosen)) if kept and chosen is not None else None
        rows = []
        for shown, pictures in kept:
            mark = "" if shown != marked else " (the model)" if shown == chosen else " (nearest the model)"
            at = np.arange(min(len(pictures), _PER_STEP))
            rows.append((f"{shown:,}{mark}", self._strip(pictures, at, f"Fakes after {shown:,} real samples.")))
        caption = "The same z after so many real samples shown to D"
        return [Table(caption, (Head("Real samples"), Head("Fakes")), tuple(rows), "gallery")] if rows else []

    def _rows(self, key: str, among: np.ndarray) -> list[int]:
        """Row numbers that the evaluation names; none if one of them does not exist."""
        rows = [int(r) for r in self.found.get(key) or []]
        return rows if all(0 <= r < len(among) for r in rows) else []

    def _distances(self, i: int) -> tuple[float | None, float | None]:
        pair = []
        for key in ("distance_train", "distance_heldout"):
            values = self.found.get(key) or []
            pair.append(numbers.finite(values[i]) if i < len(values) else None)
        return pair[0], pair[1]

    def _suspicious(self, i: int) -> bool:
        near, far = self._distances(i)
        return near is not None and far is not None and near < THRESHOLDS["near_ratio"] * far

    def _ranked(self) -> list[int]:
        """The shown fakes by the ratio of their distances, the closest to training first; unknown ones left out."""
        ratios = []
        for i in range(len(self.found.get("shown") or [])):
            near, far = self._distances(i)
            if near is not None and far is not None:
                ratios.append((near / far if far > 0 else 1.0, i))
        return [i for _, i in sorted(ratios)]

    def _open(self, rows: np.ndarray) -> np.ndarray:
        """Rows of fakes without those that look like a training picture, where no records may be shown."""
        if self.records:
            return rows
        shown = self._rows("shown", self.fake)
        hidden = {shown[i] for i in range(len(shown)) if self._suspicious(i)}
        return np.array([r for r in rows if int(r) not in hidden], int)

    def _first(self, num: int) -> np.ndarray:
        return self._open(np.arange(min(len(self.fake), num)))

    def _one(self, pictures: np.ndarray, row: int, alt: str) -> Markup:
        return sheet(pictures[row : row + 1], 1, alt, compared=True)

    def _strip(self, pictures: np.ndarray, rows: Sequence[int] | np.ndarray, alt: str) -> Markup:
        rows = np.asarray(rows, int)
        return sheet(pictures[rows], len(rows), alt) if len(rows) else Markup("–")
