"""What the metrics of images look at: pixels, features and classes of real images and of the candidates, and three
plain baselines.

Knows images, features and what a classifier saw; never networks, what a metric computes, or how figures are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gankit.errors import DataError
from gankit.kinds.images.metrics import classes, neighbours
from gankit.kinds.images.metrics.neighbours import Balls, Neighbours, nearest, too_few
from gankit.metrics import distances
from gankit.metrics.classification import agreement, confusion_figures
from gankit.metrics.evaluate import CEILING, FAKE, Inputs, MetricResult, Rows, check_sizes, numbered
from gankit.metrics.metric import Noun, Score, impossible
from gankit.randomness import numpy_generator

if TYPE_CHECKING:
    from gankit.features import Features


NUM_NOISE, NUM_VALIDATION = 1000, 1000
NUM_CHOSEN, NUM_OF_CLASS = 16, 8

SEARCHED_FAKES = 1000
"""Fakes whose nearest training image is looked for among all of them."""

COMPARED_COPIES, REFERENCE_COPIES = 2000, 5000
"""Fakes, and images of either part, of the test of closeness."""

_MEMORISED = 0.05
COPIED = (FAKE, CEILING, "bootstrap")
"""The candidates of which tests for copies are asked."""

Labels = Sequence[int] | np.ndarray | None


@dataclass(frozen=True)
class ImageFacts:
    """What a report on images needs beside the results.

    features: one sentence: what the features are. shape: height, width, channels.
    classifier: `confusion_figures` of the classifier on the held-out images, or None.
    per_class: of `classes.per_class`; empty without labels.
    asked: whether the classes of the fakes were asked for; else they are those that are seen.
    pictures: numbers of rows, for showing:
        "shown": [0, 1, ...], the first fakes, not chosen; beside each, in the same order:
        "nearest_train", "distance_train", "nearest_heldout", "distance_heldout": in pixels, among all training images;
        "nearest_train_features", "nearest_heldout_features": among those that were compared;
        "typical": fakes where real images are densest; "worst": fakes furthest from all real images;
        "copied": [{"fake", "train", "distance_train", "distance_heldout"}, ...], the most suspicious first;
        "by_class": {"7": [4, ...]}, the first fakes of each class.
    """

    features: str
    shape: Sequence[int]
    classifier: Mapping[str, Any] | None
    per_class: Sequence[Mapping[str, Any]]
    asked: bool
    pictures: Mapping[str, Any]


@dataclass(frozen=True)
class Candidate:
    """Images with what is seen in them, in one order.

    pixels: [N, H, W, C] uint8. features: [N, F]. rows: [N] their numbers in the set they were taken from.
    labels: [N] int, of the class they have or were asked for; seen: [N] int, the class a classifier sees; or None.
    """

    pixels: np.ndarray
    features: np.ndarray
    rows: np.ndarray
    labels: np.ndarray | None = None
    seen: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.pixels)

    def take(self, rows: np.ndarray | slice) -> Candidate:
        """The images at these places."""
        labels, seen = (None if v is None else v[rows] for v in (self.labels, self.seen))
        return Candidate(self.pixels[rows], self.features[rows], self.rows[rows], labels, seen)


class ImageInputs(Inputs[Candidate, ImageFacts]):
    """The real images that every candidate is held against; its methods on a candidate's name are the metrics.

    Args:
        train, heldout: real images [N, H, W, C] uint8, disjoint. fake: [M, H, W, C] uint8. noun: what they are called.
        features: in which distances are measured. seed: of every choice.
        classify: [N, H, W, C] uint8 -> probabilities [N, K] of a classifier of the labels, or None.
        learn: trains a fresh classifier, for `usefulness`, which is left out where it is None.
        labels: of training, held-out and fake images (those that were asked for): [N] int in 0 .. K - 1, or None.
        class_names: K texts; numbers where none are given.
        max_images: at most so many of each side are compared; near copies are looked for among all training ones.
        num_shown: fakes whose neighbours are looked up for showing.
        mirrored: whether the mirror image of a training image counts as a copy, for training showed both.

    Attributes:
        train: all training images; flat_train: [N, D], the same as rows in which near copies are looked for.
        heldout: held-out images, shuffled; members: training images, as many as fakes.
        validation: training images for the protocol of 2014. names: of the classes.

    Raises:
        DataError: a set has fewer than 2 images or another shape, or labels do not fit.
    """

    kind = "image"

    def __init__(
        self, train: np.ndarray, heldout: np.ndarray, fake: np.ndarray, *, features: Features,
        classify: Callable[[np.ndarray], np.ndarray] | None = None, learn: classes.Learn | None = None,
        labels: tuple[Labels, Labels, Labels] = (None, None, None), class_names: Sequence[str] = (), seed: int = 0,
        max_images: int = 10_000, num_shown: int = 48, mirrored: bool = False, noun: Noun,
    ) -> None:  # fmt: skip
        self.noun, self.seed, self.train, self.learn, self.mirrored = noun, seed, train, learn, mirrored
        self._features, self._classify, self._all = features, classify, {"heldout": heldout, FAKE: fake}
        check_sizes(noun, train, heldout, fake)
        for what, x in (("training part", train), ("held-out part", heldout), (f"synthetic {noun.many}", fake)):
            if x.ndim != 4 or x.dtype != np.uint8:
                raise DataError(f"the {what}: expected uint8 {noun.many} [N, H, W, C]. Got {x.dtype} {list(x.shape)}.")
            if x.shape[1:] != train.shape[1:]:
                raise DataError(
                    f"the {what}: expected {noun.many} of {list(train.shape[1:])} (height, width, channels) as in the "
                    f"training part, found {list(x.shape[1:])}. Bring all to one size first."
                )
        sets = zip(labels, (train, heldout, fake), ("training", "held-out", "fake"), strict=True)
        known = [self._labels(given, x, what) for given, x, what in sets]
        compared = min(len(fake), len(train), max_images)
        generator = numpy_generator(seed, "metrics/pictures")
        order = generator.permutation(len(train))
        self.members = self.seen(train, order[:compared], known[0])
        self.heldout = self.seen(heldout, generator.permutation(len(heldout))[:max_images], known[1])
        fakes = self.seen(fake, generator.permutation(len(fake))[:compared], known[2])
        self.candidates = {FAKE: fakes, CEILING: self.members}
        self.names = self._names(class_names)
        self.validation = train[np.sort(order[-min(NUM_VALIDATION, max(1, len(train) // 10)) :])]
        self.rows = Rows(len(train), len(heldout), len(fake), compared, len(self.heldout))
        self.num_shown = min(num_shown, len(fake))
        self.flat_train = neighbours.searchable(train, mirrored)
        self._aligned_sets: dict[str, Candidate] = {}
        self._searched: dict[str, Neighbours] = {}
        self._balls: dict[str, Balls] = {}

    def seen(self, x: np.ndarray, rows: np.ndarray, known: np.ndarray | None = None) -> Candidate:
        """Some images with what is seen in them. x: [N, H, W, C] uint8; rows: [n] int; known: [N] int or None.

        Raises:
            DataError: their features are not finite.
        """
        pixels = np.ascontiguousarray(x[rows])
        found = np.asarray(self._features(pixels))
        if not np.isfinite(found).all():
            raise DataError(f"the features of some {self.noun.many} are not finite. Choose other features.")
        seen = None if self._classify is None else self._classify(pixels).argmax(1)
        return Candidate(pixels, found, rows, None if known is None else known[rows], seen)

    def _labels(self, labels: Labels, x: np.ndarray, what: str) -> np.ndarray | None:
        if labels is None:
            return None
        out = np.asarray(labels)
        if out.shape != (len(x),) or not np.issubdtype(out.dtype, np.integer) or (out < 0).any():
            raise DataError(
                f"the {what} labels: expected whole numbers from 0, one {self.noun.one} each: [{len(x)}]. Got "
                f"{out.dtype} {list(out.shape)}."
            )
        return out

    def _names(self, given: Sequence[str]) -> Sequence[str]:
        sets = (self.members, self.heldout, self.candidates[FAKE])
        largest = max((int(v.max()) for s in sets for v in (s.labels, s.seen) if v is not None), default=-1)
        width = 0 if self._classify is None else self._classify(self.members.pixels[:1]).shape[1]
        needed = max(largest + 1, width)
        if given and len(given) < needed:
            raise DataError(
                f"class_names has {len(given)} names, and there are {needed} classes. Give every class a name."
            )
        return list(given) or [str(k) for k in range(needed)]

    def frechet(self, who: str) -> Score:
        """The distance of Fréchet in features."""
        return distances.frechet(self.heldout.features, self.candidates[who].features, seed=self.seed)

    def kernel(self, who: str) -> Score:
        """The kernel distance in features."""
        return distances.kernel_distance(self.heldout.features, self.candidates[who].features)

    def fidelity(self, function: Callable[[Balls], Score], who: str) -> Score:
        """A function of how held-out images and the candidate lie in each other's neighbourhoods."""
        reason = too_few(self.heldout.features, self.candidates[who].features)
        return function(self.balls(who)) if reason is None else impossible(1.0, reason)

    def balls(self, who: str) -> Balls:
        """The neighbourhoods of held-out images and a candidate, computed once for each candidate."""
        if who not in self._balls:
            self._balls[who] = neighbours.balls(self.heldout.features, self.candidates[who].features)
        return self._balls[who]

    def classes(self, who: str) -> Score | None:
        """The entropy of the classes that are seen."""
        seen, real = self.candidates[who].seen, self.heldout.seen
        if seen is None or real is None:
            return None
        return classes.class_entropy(seen, real, len(self.names), seed=self.seed)

    def agreement(self, who: str) -> Score | None:
        """How often the class that was asked for is seen. The ceiling: held-out images, for the classifier knows its
        training images.
        """
        shown = self.heldout if who == CEILING else self.candidates[who]
        if who not in (FAKE, CEILING) or shown.labels is None or shown.seen is None:
            return None
        return agreement(shown.labels, shown.seen, len(self.names), "pictures")

    def usefulness(self, who: str) -> Score | None:
        """The accuracy on held-out images of a classifier trained on the candidate."""
        x, real = self.candidates[who], self.heldout
        if who not in (FAKE, CEILING) or self.learn is None or x.labels is None or real.labels is None:
            return None
        return classes.usefulness(x.pixels, x.labels, real.pixels, real.labels, self.learn, self.names, seed=self.seed)

    def parzen(self, who: str) -> Score:
        """The Parzen log-likelihood of 2014."""
        centres = self.candidates[who].pixels[: 1 if who == "mean" else None]  # equal centres count as one
        return neighbours.parzen(centres, self.validation, self.heldout.pixels)

    def copies_exact(self, who: str) -> Score | None:
        """Fakes that equal a training image."""
        if who not in COPIED:
            return None
        fake, real = self._sides(who)
        return numbered(neighbours.copies_exact(self.train, real.pixels, fake.pixels, self.mirrored), fake.rows)

    def copies_pixels(self, who: str) -> Score | None:
        """Fakes that are unusually near to a training image."""
        if who not in COPIED:
            return None
        first, second = self._halves()
        fake = (first if who == CEILING else self._aligned(who)).take(slice(SEARCHED_FAKES))
        usual = self._nearest("second half", second.take(slice(SEARCHED_FAKES)))
        return numbered(neighbours.copies_pixels(self._nearest(who, fake), usual), fake.rows)

    def copies_near(self, in_features: bool, who: str) -> Score | None:
        """Fakes that are nearer to a training image than to a held-out one."""
        if who not in COPIED:
            return None
        fake, real = self._sides(who)
        size = min(len(real), len(self.members), REFERENCE_COPIES)
        members = self._aligned(CEILING).take(slice(size))
        fake, real = fake.take(slice(COMPARED_COPIES)), real.take(slice(size))
        spaces = [s.features if in_features else neighbours.searchable(s.pixels) for s in (members, real, fake)]
        return numbered(neighbours.copies_near(*spaces), fake.rows, members.rows)

    def _sides(self, who: str) -> tuple[Candidate, Candidate]:
        """The candidate and the held-out images; for the ceiling the halves of the latter, which nobody memorised."""
        return self._halves() if who == CEILING else (self._aligned(who), self._aligned("heldout"))

    def _halves(self) -> tuple[Candidate, Candidate]:
        heldout = self._aligned("heldout")
        half = len(heldout) // 2
        return heldout.take(slice(half)), heldout.take(slice(half, None))

    def _aligned(self, who: str) -> Candidate:
        """Images as copies are looked for among them: all mirrored to one side, where mirror images count as copies."""
        images = self.heldout if who == "heldout" else self.candidates[who]
        if not self.mirrored:
            return images
        if who not in self._aligned_sets:
            x = neighbours.aligned(images.pixels)
            self._aligned_sets[who] = replace(images, pixels=x, features=np.asarray(self._features(x)))
        return self._aligned_sets[who]

    def _nearest(self, who: str, images: Candidate) -> Neighbours:
        if who not in self._searched:
            self._searched[who] = nearest(neighbours.searchable(images.pixels), self.flat_train)
        return self._searched[who]

    def noise(self) -> Candidate:
        """Every pixel for itself, uniform in 0 .. 255."""
        count, generator = min(self.rows.compared, NUM_NOISE), numpy_generator(self.seed, "metrics/pictures/noise")
        x = generator.integers(0, 256, (count, *self.train.shape[1:]), dtype=np.uint8)
        return self.seen(x, np.arange(count))

    def mean(self) -> Candidate:
        """The mean training image again and again: what a model that has collapsed to the middle makes."""
        total = np.zeros(self.train.shape[1:], np.float64)
        for start in range(0, len(self.train), 1024):
            total += self.train[start : start + 1024].sum(0, dtype=np.float64)
        one = self.seen(np.rint(total / len(self.train)).astype(np.uint8)[None], np.zeros(1, np.int64))
        return one.take(np.zeros(self.rows.compared, np.int64))

    def bootstrap(self) -> Candidate:
        """Training images drawn with replacement, of those whose features are known: perfect, but all are copies."""
        generator = numpy_generator(self.seed, "metrics/pictures/bootstrap")
        return self.members.take(generator.integers(0, len(self.members), self.rows.compared))

    def notes(self, results: Mapping[str, MetricResult]) -> list[str]:
        """See `Inputs.notes`."""
        many, fakes, notes = self.noun.many, self.candidates[FAKE], []
        if fakes.seen is None:
            notes.append("There is no classifier of labels: nothing can be said of classes.")
        elif fakes.labels is None:
            notes.append(f"The synthetic {many} have no labels: their classes are those that the classifier sees.")
        if "frechet" in results and results["frechet"].details.get("singular"):
            notes.append(
                f"There are fewer {many} than features: the Frechet distance is mostly noise of small numbers."
            )
        sides = [(s.labels, s.seen) for s in (self.members, self.heldout)]
        right = [float(np.mean(np.equal(a, b))) for a, b in sides if a is not None and b is not None]
        if len(right) == 2 and right[0] - right[1] > _MEMORISED:
            notes.append(
                f"The classifier is right about {right[0]:.0%} of training {many} and {right[1]:.0%} of held-out ones: "
                f"it memorised some, which moves training {many}, and so the ceiling, away from held-out ones."
            )
        return notes

    def facts(self, results: Mapping[str, MetricResult]) -> ImageFacts:
        """See `Inputs.facts`."""
        fakes, real = self.candidates[FAKE], self.heldout
        confused = None
        if real.labels is not None and real.seen is not None:
            confused = confusion_figures(real.labels, real.seen, self.names)
        return ImageFacts(
            self._features.describe(), self.train.shape[1:], confused, self._per_class(), fakes.labels is not None,
            self._images(results),
        )  # fmt: skip

    def _per_class(self) -> list[dict[str, Any]]:
        fakes, real = self.candidates[FAKE], self.heldout
        here = fakes.labels if fakes.labels is not None else fakes.seen
        known = real.labels if real.labels is not None else real.seen
        if here is None or known is None:
            return []
        seen = fakes.seen if fakes.labels is not None else None
        return classes.per_class(real.features, fakes.features, known, here, self.names, fake_seen=seen, seed=self.seed)

    def _images(self, results: Mapping[str, MetricResult]) -> dict[str, Any]:
        fakes, first = self.candidates[FAKE], self._all[FAKE][: self.num_shown]
        queries, features = neighbours.searchable(first, self.mirrored), self._features(first)
        among = {"train": self.flat_train, "heldout": neighbours.searchable(self._all["heldout"], self.mirrored)}
        near = {side: nearest(queries, x) for side, x in among.items()}
        like = {
            side: s.rows[nearest(features, s.features).rows[:, 0]]
            for side, s in (("train", self.members), ("heldout", self.heldout))
        }
        chosen: dict[str, Any] = {"typical": [], "worst": [], "copied": [], "by_class": {}}
        if too_few(self.heldout.features, fakes.features) is None:
            found = self.balls(FAKE)
            chosen["typical"] = fakes.rows[np.argsort(-found.holders, kind="stable")[:NUM_CHOSEN]]
            chosen["worst"] = fakes.rows[np.argsort(-found.outlying, kind="stable")[:NUM_CHOSEN]]
        if "copies_near" in results:
            chosen["copied"] = results["copies_near"].details.get("pairs", [])
        shown = fakes.labels if fakes.labels is not None else fakes.seen
        if shown is not None:
            rows = [np.sort(fakes.rows[shown == k])[:NUM_OF_CLASS] for k in range(len(self.names))]
            chosen["by_class"] = dict(zip(self.names, rows, strict=True))
        return {
            "shown": np.arange(len(first)),
            **{f"nearest_{side}": found.rows[:, 0] for side, found in near.items()},
            **{f"distance_{side}": found.distances[:, 0] for side, found in near.items()},
            **{f"nearest_{side}_features": rows for side, rows in like.items()},
            **chosen,
        }
