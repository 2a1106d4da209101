"""One metric of pictures at a time: what it needs of the real pictures, and who stands in the place of the fakes.

Knows arrays of pixels, features and labels; never networks, or how the figures are shown.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gankit.kinds.images.metrics import classes, copies, history, neighbours
from gankit.kinds.images.metrics.neighbours import Balls, Neighbours
from gankit.metrics import distances
from gankit.metrics.classification import agreement
from gankit.metrics.score import Score, impossible

SEARCHED_FAKES = 1000
"""Fakes whose nearest training picture is looked for among all of them."""

COMPARED_COPIES = 2000
REFERENCE_COPIES = 5000
"""Fakes, and pictures of either part, of the test of closeness."""


@dataclass(frozen=True)
class PictureSet:
    """Pictures with what is seen in them, in one order.

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

    def take(self, rows: np.ndarray | slice) -> PictureSet:
        """The pictures at these places."""
        labels, seen = (None if v is None else v[rows] for v in (self.labels, self.seen))
        return PictureSet(self.pixels[rows], self.features[rows], self.rows[rows], labels, seen)


class PictureTrial:
    """The real pictures that every contestant is held against.

    train: [N, H, W, C] uint8, all training pictures; members: some of them with features; heldout: held-out pictures,
    shuffled; validation: training pictures for the protocol of 2014; names: of the classes; learn: trains a
    classifier, or None; mirrored: the features, where mirror images count as copies, or None.

    Attributes:
        flat_train: [N, D], the training pictures as rows in which near copies are looked for.
    """

    def __init__(
        self,
        train: np.ndarray,
        members: PictureSet,
        heldout: PictureSet,
        validation: np.ndarray,
        names: Sequence[str],
        learn: classes.Learn | None,
        seed: int,
        mirrored: Callable[[np.ndarray], np.ndarray] | None = None,
    ) -> None:
        self._mirrored = mirrored
        self._faced: dict[str, PictureSet] = {}
        self.train, self.members, self.heldout, self.validation = train, members, heldout, validation
        self.names, self.learn, self.seed = names, learn, seed
        self.flat_train = self.searchable(train)
        self._searched: dict[str, Neighbours] = {}
        self._balls: dict[str, Balls] = {}

    def score(self, name: str, who: str, contestant: PictureSet) -> Score | None:
        """The score of metric `name` for `who`: "fake", "ceiling", "noise", "mean" or "bootstrap"; None: not asked."""
        if name.startswith("copies"):
            return self._copies(name, who, contestant) if who in ("fake", "ceiling", "bootstrap") else None
        if name in ("classes", "agreement", "usefulness"):
            return self._classes(name, who, contestant)
        if name == "frechet":
            return distances.frechet(self.heldout.features, contestant.features, seed=self.seed)
        if name == "kernel":
            return distances.kernel_distance(self.heldout.features, contestant.features)
        if name == "parzen":
            return self._parzen(who, contestant)
        return self._fidelity(name, who, contestant)

    def balls(self, who: str, contestant: PictureSet) -> Balls:
        """The neighbourhoods of held-out pictures and contestant, computed once for each contestant."""
        if who not in self._balls:
            self._balls[who] = neighbours.balls(self.heldout.features, contestant.features)
        return self._balls[who]

    def _fidelity(self, name: str, who: str, contestant: PictureSet) -> Score:
        reason = neighbours.too_few(self.heldout.features, contestant.features)
        if reason is not None:
            return impossible(1.0, reason)
        functions = {
            "precision": neighbours.precision,
            "recall": neighbours.recall,
            "density": neighbours.density,
            "coverage": neighbours.coverage,
        }
        return functions[name](self.balls(who, contestant))

    def _classes(self, name: str, who: str, contestant: PictureSet) -> Score | None:
        if name == "classes":
            if contestant.seen is None or self.heldout.seen is None:
                return None
            return classes.class_entropy(contestant.seen, self.heldout.seen, len(self.names), seed=self.seed)
        if name == "agreement":
            # The classifier knows its training pictures: the ceiling is what it makes of new ones.
            shown = self.heldout if who == "ceiling" else contestant
            if who not in ("fake", "ceiling") or shown.labels is None or shown.seen is None:
                return None
            return agreement(shown.labels, shown.seen, len(self.names), "pictures")
        if who not in ("fake", "ceiling") or self.learn is None:
            return None
        if contestant.labels is None or self.heldout.labels is None:
            return None
        real = self.heldout
        assert real.labels is not None
        return classes.usefulness(
            contestant.pixels, contestant.labels, real.pixels, real.labels, self.learn, self.names, seed=self.seed
        )

    def _parzen(self, who: str, contestant: PictureSet) -> Score:
        centres = contestant.pixels[:1] if who == "mean" else contestant.pixels  # equal centres count as one
        return history.parzen(centres, self.validation, self.heldout.pixels)

    def searchable(self, x: np.ndarray) -> np.ndarray:
        """`picture_copies.searchable` pictures [N, H, W, C]; of a picture and its mirror image, where both count."""
        return copies.searchable(x, self._mirrored is not None)

    def _facing(self, who: str, pictures: PictureSet) -> PictureSet:
        """The pictures as copies are looked for among them: all facing one way, where mirror images count."""
        if self._mirrored is None:
            return pictures
        if who not in self._faced:
            x = copies.faced(pictures.pixels)
            self._faced[who] = replace(pictures, pixels=x, features=np.asarray(self._mirrored(x)))
        return self._faced[who]

    def _copies(self, name: str, who: str, contestant: PictureSet) -> Score:
        heldout, contestant = self._facing("heldout", self.heldout), self._facing(who, contestant)
        half = len(heldout) // 2
        first, second = heldout.take(slice(half)), heldout.take(slice(half, None))
        if name == "copies_exact":
            fake, real = (first, second) if who == "ceiling" else (contestant, heldout)
            score = copies.copies_exact(self.train, real.pixels, fake.pixels, self._mirrored is not None)
            return _numbered(score, fake.rows, None)
        if name == "copies_pixels":
            fake = (first if who == "ceiling" else contestant).take(slice(SEARCHED_FAKES))
            usual = self._nearest("second half", second.take(slice(SEARCHED_FAKES)))
            return _numbered(copies.copies_pixels(self._nearest(who, fake), usual), fake.rows, None)
        fake, real = (first, second) if who == "ceiling" else (contestant, heldout)
        size = min(len(real), len(self.members), REFERENCE_COPIES)
        members = self._facing("ceiling", self.members).take(slice(size))
        fake, real = fake.take(slice(COMPARED_COPIES)), real.take(slice(size))
        in_features = name == "copies_features"
        spaces = [s.features if in_features else copies.searchable(s.pixels) for s in (members, real, fake)]
        return _numbered(copies.copies_near(*spaces), fake.rows, members.rows)

    def _nearest(self, who: str, pictures: PictureSet) -> Neighbours:
        if who not in self._searched:
            self._searched[who] = neighbours.nearest(copies.searchable(pictures.pixels), self.flat_train)
        return self._searched[who]


def _numbered(score: Score, fakes: np.ndarray, members: np.ndarray | None) -> Score:
    """The score with the rows of its pairs as numbers in the sets they were taken from."""
    pairs: list[dict[str, Any]] = score.details.get("pairs", [])
    for pair in pairs:
        pair["fake"] = int(fakes[pair["fake"]])
        if members is not None:
            pair["train"] = int(members[pair["train"]])
    return score


def singular(score: Score) -> bool:
    """Whether a Frechet distance was measured with fewer pictures than features."""
    return not math.isnan(score.value) and bool(score.details.get("singular"))
