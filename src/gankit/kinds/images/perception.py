"""What images are measured by: a classifier of their labels, else a fixed network; made at a run's start and kept.

Knows prepared images, features and the run folder; never generators or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from gankit.config import DEFAULT_BUDGET, TrainConfig
from gankit.features import Classifier, Features, fixed_features, train_classifier
from gankit.kinds.base import Prepared
from gankit.kinds.images.records import ImageSet
from gankit.options import parse_duration, parse_samples
from gankit.randomness import numpy_generator

if TYPE_CHECKING:
    pass

MOST_TAUGHT = 100_000
"""Training images that a classifier is trained on, at most: more are drawn from."""


@dataclass(frozen=True)
class Perception:
    """What images are measured by.

    features: that distances are taken in.
    classifier: of the label `label`, or None.
    label: the name of the label; levels: its classes, in the classifier's order.
    """

    features: Features
    classifier: Classifier | None = None
    label: str | None = None
    levels: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What the features are, in two words."""
        return "features of a classifier of the labels" if self.classifier else "features of a fixed network"

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and plain JSON values; `from_state` takes them back."""
        if self.classifier is None:
            return {}, {}
        tensors, config = self.classifier.state()
        return tensors, {"classifier": config, "label": self.label, "levels": list(self.levels)}

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any], channels: int) -> Perception:
        """What `state` gave, for images of so many channels."""
        if not numbers:
            return cls(fixed_features(channels))
        classifier = Classifier.from_state(tensors, numbers["classifier"])
        return cls(classifier.features, classifier, numbers["label"], tuple(numbers["levels"]))


def perceive(
    prepared: Prepared[ImageSet, Any], seed: int, *, samples: int | None = None, max_seconds: float | None = None
) -> Perception:
    """What the images of `prepared` are measured by, trained on the training part alone.

    samples, max_seconds: length of the classifier's training, see `train_classifier`.
    """
    channels = prepared.train.whole.x.shape[3]
    fields = [] if prepared.given is None else prepared.given.fields
    classes = [(f.name, column) for f in fields if (column := prepared.schema.column(f.name)).type == "category"]
    classes = [(name, column) for name, column in classes if len(column.levels) > 1]
    if not classes:
        return Perception(fixed_features(channels))
    name, column = classes[0]
    found = prepared.train.values[name]
    known = np.flatnonzero(found.missing == 0)
    if len(known) > MOST_TAUGHT:
        known = np.sort(numpy_generator(seed, "taught").choice(known, MOST_TAUGHT, replace=False))
    if len(known) < 2:
        return Perception(fixed_features(channels))
    x = prepared.train.whole.x[prepared.train.rows[known]]
    y = found.data[known].astype(np.int64)
    classifier = train_classifier(x, y, len(column.levels), seed, samples=samples, max_seconds=max_seconds)
    return Perception(classifier.features, classifier, name, tuple(map(str, column.levels)))


TEACHING_SHARE = 0.05
"""At most this share of a time budget goes into the classifier that images are measured by."""

LEAST_TEACHING_S = 3.0
"""But not less, for one that knows nothing would choose a checkpoint by nothing."""

TEACHING_SAMPLES, LEAST_SHOWN, MOST_SHOWN = 0.25, 20_000, 200_000
"""The same of a length in samples, within bounds."""


def perception_for(
    prepared: Prepared[ImageSet, Any], config: TrainConfig, notes: list[str], held: str = "held-out images"
) -> Perception:
    """What the images are measured by; held: what held-out ones are called in the note."""
    if config.samples is not None:
        shown = int(TEACHING_SAMPLES * parse_samples(config.samples))
        found = perceive(prepared, config.seed, samples=int(np.clip(shown, LEAST_SHOWN, MOST_SHOWN)))
    else:
        budget_s = parse_duration(config.budget or DEFAULT_BUDGET)
        found = perceive(prepared, config.seed, max_seconds=max(TEACHING_SHARE * budget_s, LEAST_TEACHING_S))
    notes.append(f"checkpoints are chosen by the Frechet distance to {held} in {found.name}.")
    return found
