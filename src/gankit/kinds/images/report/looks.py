"""What one looks at: samples beside real pictures, classes, nearest training pictures, closest pairs, the training.

Knows arrays of pictures and the rows that an evaluation names; never metrics' words or the page around the sheets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from markupsafe import Markup

from gankit.kinds.images.report.panels import LARGEST, shape_of, sheet, sheet_2014
from gankit.kinds.images.report.tables import worst_first
from gankit.report import numbers, parts
from gankit.report.section import Head, Table

_ROWS_2014, _COLUMNS_2014 = 5, 6
_MOST_CLASSES, _PER_CLASS = 12, 8
_STRIP_WIDTH = 330  # pixels for the pictures of a class, so that fakes and real ones fit on the page side by side
_MOST_PAIRS, _MOST_STEPS, _PER_STEP = 6, 10, 10
# Numbers of the held-out pictures up to which the nearest ones of the closest fakes are looked for: about a second.
_MOST_SEARCHED = 200_000_000
# What a pair of pictures holds, and the evaluation's lists, one entry a shown fake, in which it stands.
_BESIDE = {
    "fake": "shown",
    "train": "nearest_train",
    "train_features": "nearest_train_features",
    "heldout": "nearest_heldout",
    "distance_train": "distance_train",
    "distance_heldout": "distance_heldout",
}


@dataclass(frozen=True)
class Look:
    """The pictures of a report.

    train, heldout, fake: [N, H, W, C] uint8; labels: {"fake": [N] class index or None, "heldout": [N] or None, "names":
    [K]} or None; evaluation: of `kinds.images.metrics.evaluation`, its "pictures", "per_class" and "asked" are used;
    progress: (samples shown to D, [n, H, W, C] uint8); records: whether real pictures may be shown; scale: how many
    pictures there is room for, 1 for all.
    """

    train: np.ndarray
    heldout: np.ndarray
    fake: np.ndarray
    labels: Mapping[str, Any] | None
    evaluation: Mapping[str, Any]
    progress: Sequence[tuple[int, np.ndarray]]
    records: bool = True
    scale: float = 1.0

    @property
    def found(self) -> Mapping[str, Any]:
        """The rows that the evaluation names for drawing."""
        return self.evaluation.get("pictures") or {}

    @property
    def per_class(self) -> Sequence[Mapping[str, Any]]:
        """The figures of each class; none without classes."""
        return self.evaluation.get("per_class") or []

    @property
    def asked(self) -> bool:
        """Whether the classes of the fakes are those asked for; else they are those that a classifier sees."""
        return bool(self.evaluation.get("asked", True))

    @property
    def trained(self) -> bool:
        """Whether `train` is what the model was trained on: only then are copies looked for, and shown."""
        metrics = self.evaluation.get("metrics") or {}
        return any(entry.get("family") == "copies" for entry in metrics.values())

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
            real = np.array(parts.evenly(len(self.heldout), num), int)
            out.append(("Real (held-out)", sheet(self.heldout[real], columns, f"{len(real)} held-out real pictures.")))
        return out

    def kinds(self) -> list[tuple[str, Markup]]:
        """The fakes that lie in the densest crowd of real pictures, and those furthest from all: (title, image)."""
        columns = min(8, shape_of(*self.fake.shape[1:3]).columns)
        out = []
        for key, title in (
            ("typical", "The most typical fakes"),
            ("worst", "The fakes furthest from all real pictures"),
        ):
            rows = self._open(self._rows(key, self.fake))[: max(columns, round(2 * columns * self.scale))]
            if len(rows):
                out.append((title, sheet(self.fake[rows], columns, f"{len(rows)} fakes: {title.lower()}.")))
        return out

    def classes(self) -> list[Table]:
        """A row a class: fakes, held-out pictures where their classes are known, and the share that is right."""
        of_fakes = self._by_class()
        if not of_fakes:
            return []
        known = {str(c.get("class")): c for c in self.per_class}
        shown = list(of_fakes)
        if len(shown) > _MOST_CLASSES:
            worst = [str(c.get("class")) for c in worst_first(self.per_class) if str(c.get("class")) in of_fakes]
            shown = list(dict.fromkeys([*worst, *shown]))[:_MOST_CLASSES]
        fitting = _STRIP_WIDTH // (shape_of(*self.fake.shape[1:3]).width + 4)  # two strips beside each other
        most = max(3, min(round(_PER_CLASS * self.scale), fitting))
        names, real = [str(n) for n in (self.labels or {}).get("names") or []], (self.labels or {}).get("heldout")
        of_real = None if real is None or not self.records else np.asarray(real)
        rows = []
        for name in shown:
            agreement = numbers.finite(known.get(name, {}).get("agreement"))
            fakes = self._strip(self.fake, self._open(of_fakes[name])[:most], f"Fakes of class {name}.")
            beside = []
            if of_real is not None:
                at: np.ndarray = (
                    np.flatnonzero(of_real == names.index(name))[:most] if name in names else np.zeros(0, int)
                )
                beside = [self._strip(self.heldout, at, f"Held-out pictures of class {name}.")]
            rows.append((name, fakes, *beside, numbers.share(agreement)))
        heads = [Head("Class"), Head("Fakes asked for it" if self.asked else "Fakes seen as it")]
        heads += [Head("Real (held-out)")] if of_real is not None else []
        drop = all(row[-1] == "–" for row in rows)
        cut = f" (the {len(shown)} worst of {len(of_fakes)})" if len(shown) < len(of_fakes) else ""
        return [
            Table(
                f"Fakes by class{cut}",
                (*heads, *([] if drop else [Head("Seen as it", number=True)])),
                tuple(row[:-1] if drop else row for row in rows),
                "gallery",
            )
        ]

    def _by_class(self) -> dict[str, np.ndarray]:
        """The rows of the first fakes of each class, by its name; empty without classes."""
        labels = self.labels or {}
        named = {str(k): np.asarray(v, int) for k, v in (self.found.get("by_class") or {}).items()}
        if named and all((rows < len(self.fake)).all() for rows in named.values()):
            return named if any(len(rows) for rows in named.values()) else {}
        if labels.get("fake") is None:
            return {}
        of_fakes = np.asarray(labels["fake"])
        return {str(n): np.flatnonzero(of_fakes == k)[:_PER_CLASS] for k, n in enumerate(labels.get("names") or [])}

    def figure_2014(self) -> list[tuple[str, Markup]]:
        """The second figure of the paper of 2014: the nearest training pictures in pixels, and again in features."""
        if not self.records or not self.trained:
            return []
        wanted = max(1, round(_ROWS_2014 * max(self.scale, 0.5)))
        out = []
        for key, title in (("train", "nearest in pixels"), ("train_features", "nearest in features")):
            pairs = [(p["fake"], p[key]) for p in self._shown() if p.get(key) is not None]
            rows = min(wanted, len(pairs) // (_COLUMNS_2014 - 1))
            if rows >= 1:
                pairs = pairs[: rows * (_COLUMNS_2014 - 1)]
                alt = f"{rows} rows of 5 fakes; at the end of each the training picture {title} to the fifth fake."
                shown, near = [f for f, _ in pairs], [n for _, n in pairs]
                out.append((f"In yellow: {title}", sheet_2014(self.fake[shown], self.train, near, _COLUMNS_2014, alt)))
        return out

    def closest(self) -> list[Table]:
        """The fakes that lie nearest to a training picture for their distance to held-out ones, beside both."""
        if not self.records or not self.trained:
            return []
        pairs = self._with_heldout(self._ranked()[: max(2, round(_MOST_PAIRS * self.scale))])
        rows = []
        for place, pair in enumerate(pairs, 1):
            held = pair.get("heldout")
            alt = f"The held-out picture nearest to fake {place}."
            rows.append(
                (
                    str(place),
                    self._one(self.fake, pair["fake"], f"Fake {place}."),
                    self._one(self.train, pair["train"], f"The training picture nearest to fake {place}."),
                    Markup("–") if held is None else self._one(self.heldout, held, alt),
                    numbers.score(pair["distance_train"]) + (" (suspiciously near)" if parts.suspicious(pair) else ""),
                    numbers.score(pair.get("distance_heldout")),
                )
            )
        heads = ("Fake", "Nearest training picture", "Nearest held-out picture")
        ends = (Head("Distance to training", number=True), Head("to held-out", number=True))
        head = (Head("No."), *map(Head, heads), *ends)
        return [Table("The closest pairs, the closest first", head, tuple(rows), "gallery")] if rows else []

    def progress_table(self, chosen: float | None) -> list[Table]:
        """Fakes of the same z over the training, a strip a kept step; at most ten of them, the first and last kept."""
        kept = parts.kept_steps(self.progress, max(3, round(_MOST_STEPS * self.scale)), chosen)
        rows = []
        for step, pictures in kept:
            at = np.arange(min(len(pictures), _PER_STEP))
            rows.append((step, self._strip(pictures, at, f"Fakes after {step} real samples.")))
        caption = "The same z after so many real samples shown to D"
        return [Table(caption, (Head("Real samples"), Head("Fakes")), tuple(rows), "gallery")] if rows else []

    def _rows(self, key: str, among: np.ndarray) -> np.ndarray:
        """Row numbers that the evaluation names; none if one of them does not exist."""
        rows = np.asarray(self.found.get(key) or [], int)
        return rows if ((rows >= 0) & (rows < len(among))).all() else rows[:0]

    def _shown(self) -> list[Mapping[str, Any]]:
        """The first fakes with their nearest pictures; those of whom a row does not exist are left out."""
        lists = {name: self.found.get(key) or [] for name, key in _BESIDE.items()}
        pairs = [
            {name: values[i] if i < len(values) else None for name, values in lists.items()}
            for i in range(len(lists["fake"]))
        ]
        return [pair for pair in pairs if self._there(pair)]

    def _there(self, pair: Mapping[str, Any]) -> bool:
        sides = (("fake", self.fake), ("train", self.train), ("train_features", self.train), ("heldout", self.heldout))
        return all(pair.get(key) is None or 0 <= pair[key] < len(among) for key, among in sides)

    def _ranked(self) -> list[Mapping[str, Any]]:
        """Fakes with their distances, the closest to training pictures first: equal ones, suspicious ones, and those
        shown; of an equal one only the distance 0 to its training picture is known.
        """
        exact = ((self.evaluation.get("metrics") or {}).get("copies_exact") or {}).get("fake") or {}
        equal = [{**p, "distance_train": 0.0} for p in (exact.get("details") or {}).get("pairs") or []]
        pairs: dict[int, Mapping[str, Any]] = {}
        for pair in [*equal, *(self.found.get("copied") or []), *self._shown()]:
            known = [numbers.finite(pair.get(k)) is not None for k in ("distance_train", "distance_heldout")]
            if pair.get("train") is not None and self._there(pair) and (all(known) or pair["distance_train"] == 0):
                pairs[int(pair["fake"])] = pair
        return sorted(pairs.values(), key=lambda p: (parts.ratio(p), -(p.get("distance_heldout") or 0.0)))

    def _with_heldout(self, pairs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The pairs, each with its nearest held-out picture, unless that would take long to find."""
        from gankit.kinds.images.metrics.copies import searchable
        from gankit.kinds.images.metrics.neighbours import nearest

        lone = [p["fake"] for p in pairs if p.get("heldout") is None]
        if not lone or self.heldout.size > _MOST_SEARCHED:
            return list(pairs)
        found = nearest(searchable(self.fake[lone]), searchable(self.heldout))
        held = {
            fake: {"heldout": int(row), "distance_heldout": float(distance)}
            for fake, row, distance in zip(lone, found.rows[:, 0], found.distances[:, 0], strict=True)
        }
        return [{**p, **held.get(p["fake"], {})} for p in pairs]

    def _open(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """Rows of fakes without those that look like a training picture, where no records may be shown."""
        hidden = set() if self.records else {int(p["fake"]) for p in self._ranked() if parts.suspicious(p)}
        return np.array([r for r in rows if int(r) not in hidden], int)

    def _first(self, num: int) -> np.ndarray:
        return self._open(np.arange(min(len(self.fake), num)))

    def _one(self, pictures: np.ndarray, row: int, alt: str) -> Markup:
        return sheet(pictures[row : row + 1], 1, alt, compared=True)

    def _strip(self, pictures: np.ndarray, rows: Sequence[int] | np.ndarray, alt: str) -> Markup:
        rows = np.asarray(rows, int)
        return sheet(pictures[rows], len(rows), alt) if len(rows) else Markup("–")
