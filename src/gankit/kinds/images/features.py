"""The features in which images are compared during training (a classifier of their labels, or a fixed network), and
whether images are shown mirrored as well.

Knows prepared images, classifiers and the budget; never generators or the loop.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from torch import Tensor

from gankit.budget import MIRRORING_SAMPLES, Budget
from gankit.config import TrainConfig
from gankit.features import Classifier, Features, PretrainedFeatures, fixed_features, train_classifier
from gankit.kinds.base import Prepared
from gankit.kinds.images.natural import few_photographs
from gankit.kinds.images.options import ImageOptions
from gankit.kinds.images.records import ImageSet
from gankit.networks import NETWORKS, has_pretrained
from gankit.randomness import numpy_generator
from gankit.stored import of_type

MOST_TAUGHT = 100_000
"""Training images that a classifier is trained on, at most: more are drawn from."""

MOST_IMAGES, MOST_BYTES = 10_000, 1 << 28
"""Images, and bytes of them, that the classifier of left and right draws from."""

LEAST_HELDOUT = 1000
"""Of fewer held-out images chance would decide."""

MOST_TOLD = 0.55
"""Mirrored where at most this share of pairs is told apart: 10% of the images show their direction, the rest do not."""


class State(TypedDict):
    """What is stored of a `Perception` beside tensors, where it has a classifier."""

    classifier: dict[str, Any]
    label: str
    levels: tuple[str, ...]


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
        """What the features are, in a few words."""
        if self.is_pretrained:
            return "features of EfficientNet-Lite2"
        return "features of a classifier of the labels" if self.classifier else "features of a fixed network"

    @property
    def is_pretrained(self) -> bool:
        """Whether the features are those of a network that has seen photographs."""
        return isinstance(self.features, PretrainedFeatures)

    @property
    def distance(self) -> str:
        """The distance that chooses checkpoints: of few images in many features Frechet's is mostly bias."""
        return "kernel distance" if self.is_pretrained else "Frechet distance"

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Tensors and plain JSON values; `from_state` takes them back."""
        own = {"pretrained": True} if self.is_pretrained else {}
        if self.classifier is None:
            return {}, own
        tensors, config = self.classifier.state()
        return tensors, {**own, "classifier": config, "label": self.label, "levels": list(self.levels)}

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], numbers: Mapping[str, Any], channels: int) -> Perception:
        """What `state` gave, for images of so many channels."""
        features = PretrainedFeatures() if numbers.get("pretrained") is True else None
        if not numbers.keys() - {"pretrained"}:
            return cls(features or fixed_features(channels))
        stated: State = of_type(State, dict(numbers))
        classifier = Classifier.from_state(tensors, stated["classifier"])
        return cls(features or classifier.features, classifier, stated["label"], stated["levels"])


def perceive(
    prepared: Prepared[ImageSet, Any], seed: int, *, samples: int | None = None, max_seconds: float | None = None
) -> Perception:
    """What the images of `prepared` are measured by, trained on the training part alone.

    samples, max_seconds: length of the classifier's training, see `train_classifier`.
    """
    fields = [] if prepared.given is None else prepared.given.fields
    columns = [prepared.schema.column(field.name) for field in fields]
    column = next((c for c in columns if c.type == "category" and len(c.levels) > 1), None)
    x, judged = prepared.train.whole.x, NETWORKS[prepared.network].pretrained
    if column is None or (prepared.train.values[column.name].missing == 0).sum() < 2:
        return Perception(features_of(x, judged))
    found = prepared.train.values[column.name]
    known = np.flatnonzero(found.missing == 0)
    if len(known) > MOST_TAUGHT:
        known = np.sort(numpy_generator(seed, "taught").choice(known, MOST_TAUGHT, replace=False))
    rows, y = prepared.train.rows[known], found.data[known].astype(np.int64)
    classifier = train_classifier(x[rows], y, len(column.levels), seed, samples=samples, max_seconds=max_seconds)
    return Perception(features_of(x, judged, classifier), classifier, column.name, tuple(map(str, column.levels)))


def features_of(x: np.ndarray, judged: bool = False, classifier: Classifier | None = None) -> Features:
    """The features that images [N, H, W, C] uint8 are compared in: those of a network that has seen photographs for
    few of these, and where D sees with such a one (`judged`; it is another one, since a D brings G nearer in its own
    features without better images); else those of a classifier of the labels, or fixed ones.
    """
    if judged or (has_pretrained() and few_photographs(x)):
        return PretrainedFeatures()
    return fixed_features(x.shape[3]) if classifier is None else classifier.features


def perception_for(
    prepared: Prepared[ImageSet, Any], config: TrainConfig, notes: list[str], measured: str
) -> Perception:
    """What the images are measured by; measured: what held-out ones are called in the note."""
    budget = Budget.of(config)
    found = perceive(prepared, config.seed, samples=budget.classifier_samples, max_seconds=budget.classifier_s)
    notes.append(f"checkpoints are chosen by the {found.distance} to {measured} in {found.name}.")
    return found


def mirror_for(prepared: Prepared[ImageSet, Any], config: TrainConfig, notes: list[str]) -> str:
    """As asked for, "on" or "off"; by itself "on" where a mirrored image cannot be told from one as it came.

    notes: what was measured is appended where it decides for "on".
    """
    own = config.own(ImageOptions)
    if own.mirror != "auto":
        return own.mirror
    if not NETWORKS[prepared.network].augmented or not Budget.of(config).tries_mirroring:
        return "off"
    count = min(len(prepared.heldout), MOST_IMAGES)
    if count < LEAST_HELDOUT:
        return "off"  # too few images to find out
    share = told_apart(prepared, config.seed)
    if share + 2 * math.sqrt(0.25 / count) > MOST_TOLD:  # two standard errors
        return "off"
    notes.append(
        "left and right are alike: a classifier tells held-out images from their mirror images in "
        f"{100 * share:.0f}% of pairs (50% by chance), so that D sees them mirrored as well. As they are: --mirror off."
    )
    return "on"


def told_apart(prepared: Prepared[ImageSet, Any], seed: int) -> float:
    """The share of held-out images that a classifier trained on the training part takes for less mirrored than their
    mirror images; ties count half.
    """
    train, heldout = prepared.train, prepared.heldout
    draws = numpy_generator(seed, "facing")
    count = min(MOST_IMAGES, max(LEAST_HELDOUT, MOST_BYTES // prepared.codec.spec.dim))
    x, new = (part.some(count, draws) for part in (train, heldout))
    both = np.concatenate([x, x[:, :, ::-1]])  # [N, H, W, C] twice
    classifier = train_classifier(both, np.repeat([0, 1], len(x)), 2, seed, samples=MIRRORING_SAMPLES)
    as_it_is, mirrored = (classifier.predict(np.ascontiguousarray(part))[:, 1] for part in (new, new[:, :, ::-1]))
    return float((as_it_is < mirrored).mean() + 0.5 * (as_it_is == mirrored).mean())
