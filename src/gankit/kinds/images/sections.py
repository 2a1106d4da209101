"""What a report on images shows: samples, classes, the nearest training images, the closest pairs, the training.

Knows evaluations of images and the makers of sheets; never networks, the loop, or the page around the sections.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from typing import Any

import numpy as np
from markupsafe import Markup

from gankit.kinds.images.metrics.inputs import ImageFacts
from gankit.kinds.images.metrics.metrics import IMAGES, baselines
from gankit.kinds.images.metrics.neighbours import nearest, searchable
from gankit.kinds.images.sheets import LARGEST, shape_of, sheet, sheet_2014
from gankit.metrics.evaluate import MetricResult
from gankit.metrics.metric import Noun, Score
from gankit.report import drawing, numbers, records
from gankit.report.section import (
    Chapter,
    Drawing,
    Headline,
    Section,
    Sections,
    Table,
    heads_of,
    likeness,
    table_of,
    variety,
)
from gankit.report.verdict import Grade, Level, is_copies

MOST_CLASSES = 30
"""Classes of a table, at the most."""

_ROWS_2014, _COLUMNS_2014 = 5, 6
_MOST_CLASSES, _PER_CLASS = 12, 8
_STRIP_WIDTH = 330  # pixels for the images of a class, so that fakes and real ones fit on the page side by side
_MOST_PAIRS, _MOST_STEPS, _PER_STEP = 6, 10, 10
# Numbers of the held-out images up to which the nearest ones of the closest fakes are looked for: about a second.
_MOST_SEARCHED = 200_000_000
# Two images of at least so many numbers do not agree in all of them by chance.
_NO_CHANCE = 64
# What a pair of images holds, and the evaluation's lists, one entry a shown fake, in which it stands.
_BESIDE = {
    "fake": "shown", "train": "nearest_train", "train_features": "nearest_train_features", "heldout": "nearest_heldout",
    "distance_train": "distance_train", "distance_heldout": "distance_heldout",
}  # fmt: skip

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
        ("fake", f"Share of synthetic {noun.many}", numbers.share),
        ("agreement", "Classified as the class", numbers.share),
        ("precision", "Precision", numbers.score),
        ("recall", "Recall", numbers.score),
        ("frechet", "Fréchet distance", numbers.score),
    )


def classifier_table(figures: Mapping[str, Any], noun: Noun) -> list[Table]:
    """Precision and recall of a classifier for each class; figures: of `confusion_figures`."""
    found = sorted(figures.get("classes") or [], key=lambda c: numbers.finite(c.get("recall")) or 0.0)
    cut = f" (the {MOST_CLASSES} worst of {len(found)})" if len(found) > MOST_CLASSES else ""
    caption = f"The classifier on held-out real {noun.many}, class by class, the one it finds least first{cut}"
    cells: dict[str, Callable[[Any], str]] = {
        "Class": lambda c: str(c.get("class")),
        f"#{noun.many.capitalize()}": lambda c: numbers.count(c.get("pictures")),
        "#Right when it says so (precision)": lambda c: numbers.share(numbers.finite(c.get("precision"))),
        "#Found (recall)": lambda c: numbers.share(numbers.finite(c.get("recall"))),
    }
    return [table_of(caption, cells, found[:MOST_CLASSES])] if found else []


def parzen(result: MetricResult, noun: Noun, mnist: bool) -> list[Table]:
    """The Parzen log-likelihood beside real images and baselines and, for MNIST, beside the figures of 2014."""

    def text(score: Score) -> str:
        low, high = numbers.finite(score.low), numbers.finite(score.high)
        half = "" if low is None or high is None else f" ± {(high - low) / 2 / 1.96:.2g}"
        return f"{score.value:,.1f}{half}"

    sides = {
        "This model": result.fake,
        f"Training {noun.many} instead of the synthetic ones": result.ceiling,
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
    weak = (
        f"A weak measure: means of clusters (k-means) of the training {noun.many} score above real {noun.many} (Theis "
        f"et al. 2016), so a larger figure need not mean better {noun.many}."
    )
    if fakes is None or validation is None:
        return [weak]
    full = fakes >= 10_000 and validation >= 1000
    how = (
        f"A Gaussian of width {numbers.amount(sigma)}, chosen on {numbers.count(validation)} training {noun.many}, "
        f"lies around each of {numbers.count(fakes)} synthetic {noun.many}"
        + (
            ", as in the protocol."
            if full
            else f"; the protocol takes 10,000 synthetic and 1,000 training {noun.many}."
        )
    )
    return [how, weak]


def is_mnist(card: Mapping[str, Any], shape: tuple[int, ...]) -> bool:
    """Whether the images are, by their name and shape, the digits that the paper's figures are about."""
    name = f"{card.get('name') or ''} {card.get('source') or ''}".lower()
    others = ("fashion", "kmnist", "emnist", "qmnist", "kuzushiji", "stacked", "notmnist", "not-mnist")
    return shape == (28, 28, 1) and "mnist" in name and not any(word in name for word in others)


def image_sections(noun: Noun = IMAGES, *, first: Sequence[Section] = (), **given: Any) -> ImageSections:
    """The sections of a report on images that are called so; given: the fields of `ImageSections`."""
    titles = {
        "distance": f"Distance to real {noun.many}", "fidelity": "Realism and variety", "classes": "Classes",
        "usefulness": "TSTR utility", "copies": "Copies", "history": "For history",
    }  # fmt: skip
    realism: dict[Level, str] = {
        "real": f"Single synthetic {noun.many} look real",
        "close": f"Single synthetic {noun.many} nearly look real",
        "fair": f"Some of the synthetic {noun.many} do not look real",
        "weak": f"Most of the synthetic {noun.many} do not look real",
        "open": f"There are too few {noun.many} to tell whether single ones look real",
    }
    fidelity = Grade(("precision", "density"), realism, ("density",), "realism", features=True)
    return ImageSections(
        noun=noun, label="class", seer="the classifier", baselines=baselines(noun),
        chapters=tuple(Chapter(family, title, (family,)) for family, title in titles.items()),
        headline=Headline(("frechet", "kernel"), likeness(noun), ("noise", "mean")),
        grades=(fidelity, Grade(("recall", "coverage", "classes"), variety(noun), (), "variety")),
        lucky=given["fake"][0].size < _NO_CHANCE, halvings=True, first=first, **given,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ImageSections(Sections[ImageFacts]):
    """The sections of a report on images; see `image_sections`.

    train, heldout, fake: [N, H, W, C] uint8, of one shape; C may be 1 (grey), 2 (with opacity), 3, 4 or more. Rows that
    the evaluation names are rows of these. heldout_classes: [N] int or None; names: of the classes. first: sections
    that stand before all others. mnist: whether the figures of the paper of 2014 are about these images.
    """

    train: np.ndarray
    heldout: np.ndarray
    fake: np.ndarray
    heldout_classes: np.ndarray | None = None
    names: Sequence[str] = ()
    first: Sequence[Section] = ()
    mnist: bool = False

    @property
    def trained(self) -> bool:
        """Whether `train` is what the model was trained on: only then are copies looked for, and shown."""
        return any(is_copies(r) for r in self.results.values())

    def like(self) -> str:
        """See `Sections.like`."""
        height, width, channels = self.fake.shape[1:]
        colours = {1: "grey", 2: "grey and opacity", 3: "colour", 4: "colour and opacity"}
        return f" of {width} × {height} pixels ({colours.get(channels, f'{channels} channels')})"

    def weaknesses(self, names: Sequence[str]) -> Sequence[str]:
        """See `Sections.weaknesses`: a distance sums up realism and variety, so it counts where neither falls short."""
        names = [m for m in names if m != "kernel" or "frechet" not in names]
        far = [m for m in names if self.results[m].metric.halvings]
        return [m for m in names if m not in far] or far

    def reading(self) -> list[tuple[str, str]]:
        """See `Sections.reading`."""
        text = (
            f"distances are not measured between pixels but in {self._features}. Figures in other features, or after "
            "another resizing, cannot be compared with these."
        )
        return [("Features", text)] if self._features else []

    def samples(self) -> list[Section]:
        """See `Sections.samples`."""
        return [*self.first, *self._samples(), *self._classes(), *self._progress(), *self._learned(), *self._closest()]

    def _samples(self) -> list[Section]:
        """Fakes in their order and, where records may be shown, held-out images evenly from all."""
        many, columns = self.noun.many, shape_of(*self.fake.shape[1:3]).columns
        num = max(columns, columns * round(columns * self.scale))
        rows = self._open(np.arange(min(len(self.fake), num)))
        if not len(rows):
            return []
        alt = f"{len(rows)} synthetic {many}, the first ones, uncurated."
        drawn = [Drawing("Synthetic", sheet(self.fake[rows], columns, alt))]
        beside, notes = "", self._size_notes()
        if self.records and len(self.heldout):
            real = np.array(records.evenly(len(self.heldout), num), int)
            body = sheet(self.heldout[real], columns, f"{len(real)} held-out real {many}.")
            drawn.append(Drawing("Real (held-out)", body))
            beside = ", and held-out real ones at the same size"
        asked = f"The first synthetic {many}, as the model gives them, uncurated{beside}."
        return [Section("samples", "Samples", [asked], drawings=drawn, layout="sheets", notes=notes)]

    def _size_notes(self) -> list[str]:
        """How the images are shown, where that is not pixel for pixel."""
        height, width = self.fake.shape[1:3]
        shape, many = shape_of(height, width), self.noun.many
        if shape.reduced:
            return [
                f"The {many} have {width} × {height} pixels and are shown at {shape.width} × {shape.height} (at most "
                f"{LARGEST} pixels, averaged over areas), as JPEG; what was measured is the {many} themselves."
            ]
        if not shape.lossless:
            return [f"The {many} are shown at their size, as JPEG; what was measured is the {many} themselves."]
        return [f"Every pixel is shown {shape.factor} × {shape.factor} times."] if shape.factor > 1 else []

    def _classes(self) -> list[Section]:
        """A row a class: fakes, held-out images where their classes are known, and the share that is right."""
        of_fakes, known = self._by_class(), {str(c.get("class")): c for c in self.facts.per_class}
        if not of_fakes:
            return []
        shown = list(of_fakes)
        if len(shown) > _MOST_CLASSES:
            worst = [str(c.get("class")) for c in worst_first(self.facts.per_class)]
            shown = list(dict.fromkeys([*(w for w in worst if w in of_fakes), *shown]))[:_MOST_CLASSES]
        fitting = _STRIP_WIDTH // (shape_of(*self.fake.shape[1:3]).width + 4)  # two strips beside each other
        most = max(3, min(round(_PER_CLASS * self.scale), fitting))
        names, of_real = [str(n) for n in self.names], self.heldout_classes if self.records else None
        rows, many = [], self.noun.many
        for name in shown:
            fakes = self._strip(self.fake, self._open(of_fakes[name])[:most], f"Synthetic {many} of class {name}.")
            beside = []
            if of_real is not None:
                at = np.flatnonzero(of_real == names.index(name))[:most] if name in names else np.zeros(0, int)
                beside = [self._strip(self.heldout, at, f"Held-out {many} of class {name}.")]
            rows.append((name, fakes, *beside, numbers.share(numbers.finite(known.get(name, {}).get("agreement")))))
        head, how = "classified as it", f"The first synthetic {many} of each class, as the classifier sees them."
        if self.facts.asked:
            head, how = "generated for it", f"Synthetic {many} generated for a class, a row each, uncurated."
        drop = all(row[-1] == "–" for row in rows)
        heads = [
            "Class",
            f"Synthetic {many} {head}",
            *(["Real (held-out)"] if of_real is not None else []),
            "#Classified as it",
        ]
        cut = f" (the {len(shown)} worst of {len(of_fakes)})" if len(shown) < len(of_fakes) else ""
        last = -1 if drop else None
        table = Table(
            f"Synthetic {many} by class{cut}", heads_of(*heads[:last]), tuple(row[:last] for row in rows), "gallery"
        )
        verdicts = records.worst_class(self.facts.per_class, self.noun)
        return [Section("by-class", "Samples by class", [how], verdicts=verdicts, tables=[table])]

    def _by_class(self) -> dict[str, np.ndarray]:
        """The rows of the first fakes of each class, by its name; empty without classes."""
        named = {str(k): np.asarray(v, int) for k, v in (self.facts.pictures.get("by_class") or {}).items()}
        there = all((rows < len(self.fake)).all() for rows in named.values())
        return named if there and any(len(rows) for rows in named.values()) else {}

    def _progress(self) -> list[Section]:
        """Fakes of the same latents over the training, a strip a kept step."""

        def draw(step: str, images: np.ndarray) -> Markup:
            alt = f"Synthetic {self.noun.many} after {step} real samples."
            return self._strip(images, np.arange(min(len(images), _PER_STEP)), alt)

        return records.over_training(self, self.room(_MOST_STEPS, 3), draw, "gallery")

    def _learned(self) -> list[Section]:
        """The second figure of the paper of 2014: the nearest training images in pixels, and again in features."""
        if not self.records or not self.trained:
            return []
        wanted, out = max(1, round(_ROWS_2014 * max(self.scale, 0.5))), []
        for key, title in (("train", "nearest in pixels"), ("train_features", "nearest in features")):
            pairs = [(p["fake"], p[key]) for p in self._shown() if p.get(key) is not None]
            rows = min(wanted, len(pairs) // (_COLUMNS_2014 - 1))
            if rows >= 1:
                shown, near = map(list, zip(*pairs[: rows * (_COLUMNS_2014 - 1)], strict=True))
                what = f"training {self.noun.one} {title}"
                alt = f"{rows} rows of 5 synthetic {self.noun.many}; at the end of each the {what} to the fifth."
                body = sheet_2014(self.fake[shown], self.train, near, _COLUMNS_2014, alt)
                out.append(Drawing(f"In yellow: {title}", body))
        if not out:
            return []
        asked = (
            f"The second figure of Goodfellow et al. (2014) for this model: synthetic {self.noun.many}, uncurated, and "
            f"in yellow frames the training {self.noun.one} nearest to the synthetic one at its left. If the two are "
            "the same, it was copied. "
            "Features also see a copy that was shifted or tinted."
        )
        title = "Memorisation"
        return [Section("figure-2014", title, [asked], records.confidential(self.noun), drawings=out, layout="sheets")]

    def _closest(self) -> list[Section]:
        """The fakes that lie nearest to a training image for their distance to held-out ones, beside both."""
        if not self.records or not self.trained:
            return []
        one, rows = self.noun.one, []
        pairs = self._with_heldout(self._ranked()[: self.room(_MOST_PAIRS)])
        for place, pair in enumerate(pairs, 1):
            held = pair.get("heldout")
            beside = f"The held-out {one} nearest to fake {place}."
            suspicious = " (much nearer)" if records.suspicious(pair) else ""
            cells = (
                str(place),
                self._one(self.fake, pair["fake"], f"Fake {place}."),
                self._one(self.train, pair["train"], f"The training {one} nearest to fake {place}."),
                Markup("–") if held is None else self._one(self.heldout, held, beside),
                numbers.score(pair["distance_train"]) + suspicious,
                numbers.score(pair.get("distance_heldout")),
            )
            rows.append(cells)
        heads = ("Fake", f"Nearest training {one}", f"Nearest held-out {one}", "#Distance to training", "#to held-out")
        hint = f"Look for the same {one} twice; the same kind of {one} is what was to be learned."
        measure = f"Distances are between pixels; of large {self.noun.many} between means of small squares."
        return records.closest(self, rows, heads, hint, measure, "gallery")

    def chapter(self, section: Section, results: Mapping[str, MetricResult]) -> Section:
        """See `Sections.chapter`."""
        many = self.noun.many
        if section.id in ("distance", "fidelity"):
            section = replace(section, notes=[f"Features: {self._features}."] if self._features else [])
        if section.id == "fidelity":
            return replace(section, drawings=self._extremes(), layout="sheets")
        if section.id == "classes":
            start = (
                f"It was trained on the labels of the training {many} and defines the classes of synthetic ones. It is"
            )
            section = records.about_labels(section, self, columns(self.noun), MOST_CLASSES, start)
            return replace(section, tables=[*section.tables, *classifier_table(self.facts.classifier or {}, self.noun)])
        if section.id == "usefulness":
            caption = f"A classifier trained on synthetic {many}, on held-out real ones (per cent of the true class)"
            names = [str(n) for n in self.names] or [str(c.get("class")) for c in self.facts.per_class]
            found = [r.details["confusion"] for r in results.values() if r.details.get("confusion")]
            shown = [t for c in found for t in records.confusion_table(c, names, caption, "True class")]
            return replace(section, tables=shown)
        if section.id == "copies":
            return replace(section, drawings=drawing.distances(results, self.noun))
        if "parzen" in results:
            notes = parzen_notes(results["parzen"].details, self.noun)
            return replace(section, tables=parzen(results["parzen"], self.noun, self.mnist), notes=notes)
        return section

    @property
    def _features(self) -> str:
        """In what distances are measured, without a full stop."""
        return self.facts.features.strip().rstrip(".")

    def _extremes(self) -> list[Drawing]:
        """The fakes where real images are densest, and those furthest from all real images."""
        columns, out = min(8, shape_of(*self.fake.shape[1:3]).columns), []
        many = self.noun.many
        titles = {
            "typical": f"The most typical synthetic {many}",
            "worst": f"The synthetic {many} furthest from all real ones",
        }
        for key, title in titles.items():
            rows = np.asarray(self.facts.pictures.get(key) or [], int)
            there = ((rows >= 0) & (rows < len(self.fake))).all()
            rows = self._open(rows)[: max(columns, round(2 * columns * self.scale))] if there else rows[:0]
            if len(rows):
                out.append(Drawing(title, sheet(self.fake[rows], columns, f"{title}: {len(rows)}.")))
        return out

    def _shown(self) -> list[Mapping[str, Any]]:
        """The first fakes with their nearest images; those of whom a row does not exist are left out."""
        lists = {name: self.facts.pictures.get(key) or [] for name, key in _BESIDE.items()}
        rows = islice(zip_longest(*lists.values()), len(lists["fake"]))
        pairs = (dict(zip(lists, values, strict=True)) for values in rows)
        return [pair for pair in pairs if self._there(pair)]

    def _there(self, pair: Mapping[str, Any]) -> bool:
        sides = (("fake", self.fake), ("train", self.train), ("train_features", self.train), ("heldout", self.heldout))
        return all(pair.get(key) is None or 0 <= pair[key] < len(among) for key, among in sides)

    def _ranked(self) -> list[Mapping[str, Any]]:
        """Fakes with their distances, the closest to training images first: equal ones, suspicious ones, and those
        shown; of an equal one only the distance 0 to its training image is known.
        """
        exact = self.results.get("copies_exact")
        equal = [{**p, "distance_train": 0.0} for p in (exact and exact.details.get("pairs")) or []]
        pairs: dict[int, Mapping[str, Any]] = {}
        for pair in [*equal, *(self.facts.pictures.get("copied") or []), *self._shown()]:
            known = [numbers.finite(pair.get(k)) is not None for k in ("distance_train", "distance_heldout")]
            if pair.get("train") is not None and self._there(pair) and (all(known) or pair["distance_train"] == 0):
                pairs[int(pair["fake"])] = pair
        return sorted(pairs.values(), key=lambda p: (records.ratio(p), -(p.get("distance_heldout") or 0.0)))

    def _with_heldout(self, pairs: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """The pairs, each with its nearest held-out image, unless that would take long to find."""
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
        """Rows of fakes without those that look like a training image, where no records may be shown."""
        return np.array(records.open_rows(rows, [] if self.records else self._ranked(), self.records), int)

    def _one(self, images: np.ndarray, row: int, alt: str) -> Markup:
        return sheet(images[row : row + 1], 1, alt, compared=True)

    def _strip(self, images: np.ndarray, rows: Sequence[int] | np.ndarray, alt: str) -> Markup:
        rows = np.asarray(rows, int)
        return sheet(images[rows], len(rows), alt) if len(rows) else Markup("–")
