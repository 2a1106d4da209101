"""How fakes that are images, or seen as images, are evaluated and reported.

Knows images, features, metrics and sections; never models but by what `Subject` names, or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.features import PretrainedFeatures, fixed_features, inception_features, train_classifier
from gankit.kinds.assessment import Assessment, Note, Parts, Subject, kept_files
from gankit.kinds.base import Notes, Noun, Prepared
from gankit.kinds.images.decoding import channels_option
from gankit.kinds.images.features import Perception, features_of, perceive
from gankit.kinds.images.metrics.inputs import ImageFacts
from gankit.kinds.images.metrics.metrics import IMAGES, evaluate_images
from gankit.kinds.images.options import ImageOptions
from gankit.kinds.images.reading import read_images
from gankit.kinds.images.records import Images
from gankit.kinds.images.sections import ImageSections, image_sections, is_mnist
from gankit.kinds.options import FEATURES
from gankit.metrics.evaluate import Evaluation
from gankit.networks.execution import threads, threads_that_pay
from gankit.randomness import numpy_generator

MOST_TRAINING = 60_000
"""Training images among which the nearest of a fake is looked for; more are drawn from."""

SAME_SHARE = 0.1
"""From this share of held-out images on that are training images, byte for byte, the report warns."""

PREVIEW_GAP = 1
"""Pixels between the images of a preview."""


@dataclass(frozen=True)
class Part:
    """Images [N, H, W, C], the classes [N] of their label, or None, and what they were made of: clips, or None."""

    x: np.ndarray
    classes: np.ndarray | None
    clips: Any = None

    def __len__(self) -> int:
        return len(self.x)

    def take(self, rows: np.ndarray) -> Part:
        """The images at these places."""
        clips = None if self.clips is None else self.clips.take(rows)
        return Part(self.x[rows], None if self.classes is None else self.classes[rows], clips)


class PixelAssessment(Assessment[Part]):
    """How fakes that are seen as images are evaluated.

    Attributes:
        seen: what is seen of a record, as in "spectrogram". features: in which distances are measured, by name.
        perception: what the images are measured by.
    """

    seen: Noun

    def __init__(
        self, model: Subject, prepared: Prepared[Any, Any] | None, notes: Notes, note: Note, features: str
    ) -> None:
        super().__init__(model, prepared, notes, note)
        if features not in FEATURES:
            raise OptionError(f"--features must be one of {', '.join(FEATURES)}. Got {features!r} instead.")
        self.features = features
        self.perception: Perception | None = None
        if prepared is not None:
            self.perception = model.perception or perceive(prepared, model.card["options"]["seed"])

    def shared_sections(self, parts: Parts[Part], records: bool) -> Mapping[str, Any]:
        """Further fields of the sections; records: whether real ones may be shown."""
        return {}

    def own(self, part: Any, heldout: bool) -> Part:
        """See `Assessment.own`."""
        assert self.perception is not None
        label = self.perception.label
        known, places = None if label is None else part.values[label], np.arange(len(part))
        if len(places) > MOST_TRAINING:
            generator = numpy_generator(0 if heldout else self.model.card["options"]["seed"], "measured")
            places = np.sort(generator.choice(places, MOST_TRAINING, replace=False))
        x = np.asarray(part.whole.x[part.rows[places]])
        return Part(x, None if known is None else _classes(known.data[places], known.missing[places]))

    def classes_of(self, labels: pa.Table | None) -> np.ndarray | None:
        """The classes [N] of the label in a table of labels; None where it is not there, or not everywhere."""
        label = self.label if self.perception is None else self.perception.label
        if label is None or labels is None or label not in labels.column_names:
            return None
        schema = self.model.schema
        values = replace(schema, columns=(schema.column(label),)).parse(labels)[label]
        return _classes(values.data, values.missing)

    def halved(self, train: Part) -> None:
        """See `Assessment.halved`: a classifier is trained on it."""
        if train.classes is None or len(np.unique(train.classes)) < 2:
            self.perception = Perception(features_of(train.x))
            return
        label = self.label
        assert label is not None
        levels = tuple(map(str, self.model.schema.column(label).levels))
        classifier = train_classifier(train.x, train.classes, len(levels), 0)
        self.perception = Perception(features_of(train.x, classifier=classifier), classifier, label, levels)

    def evaluate(self, parts: Parts[Part], seed: int) -> Evaluation[ImageFacts]:
        """See `Assessment.evaluate`."""
        perception, (train, heldout, fakes) = self.perception, parts
        assert perception is not None
        classifier = perception.classifier

        def learn(x: np.ndarray, y: np.ndarray, num_classes: int, seed: int) -> Any:
            """A fresh classifier, which is shown as many images as the perception's own."""
            assert classifier is not None
            return train_classifier(x, y, num_classes, seed, samples=classifier.samples).predict

        with threads(threads_that_pay()):
            return evaluate_images(
                train.x, heldout.x, fakes.x, features=self._features(train.x.shape[3]),
                classify=None if classifier is None else classifier.predict,
                learn=None if classifier is None else learn, labels=(train.classes, heldout.classes, fakes.classes),
                class_names=perception.levels, seed=seed, mirrored=self.options.own(ImageOptions).mirror == "on",
                noun=self.seen,
            )  # fmt: skip

    def _features(self, channels: int) -> Any:
        assert self.perception is not None
        if self.features == "inception":
            self.note(
                "Inception features: the weights are fetched if they are not here (90 MB); .2 s an image on a CPU."
            )
            return inception_features(download=True)
        if self.features == "pretrained":
            return PretrainedFeatures()
        return fixed_features(channels) if self.features == "fixed" else self.perception.features

    def remarks(self, parts: Parts[Part]) -> list[str]:
        """See `Assessment.remarks`."""
        named = zip(("training", "held-out", "fake"), parts, strict=True)
        unknown = [name for name, part in named if part.classes is None]
        if self.perception is None or not self.perception.levels or not unknown:
            return []
        what = self.noun.many
        return [f"no figures by class: some {' and '.join(unknown)} {what} have no class that the model knows."]

    def doubts(self, parts: Parts[Part], evaluation: Evaluation[ImageFacts]) -> list[str]:
        """See `Assessment.doubts`: held-out images that are training images, and a classifier that learned nothing."""
        found, what, heldout = [], self.noun.many, parts.heldout
        exact = evaluation.results.get("copies_exact")
        same = 0.0 if exact is None else exact.details.get("heldout_share") or 0.0
        if self.prepared is not None and same > SAME_SHARE:
            found.append(
                f"{100 * same:.0f}% of the held-out {what} are training {what}, so that nothing here says how the "
                f"model does on new ones. Give {what} that trained nothing."
            )
        classifier = None if self.perception is None else self.perception.classifier
        if classifier is not None and heldout.classes is not None and len(np.unique(heldout.classes)) > 1:
            right = float((classifier.predict(heldout.x).argmax(1) == heldout.classes).mean())
            chance = np.bincount(heldout.classes).max() / len(heldout)
            if right <= chance + 2 * np.sqrt(chance * (1 - chance) / len(heldout)):
                found.append(
                    f"the classifier of the labels is right on {100 * right:.0f}% of the held-out {what}, no more than "
                    "chance: figures in its features and by class mean little. Evaluate "
                    "with --features fixed."
                )
        return found

    def sections(self, parts: Parts[Part], **shared: Any) -> ImageSections:
        """See `Assessment.sections`."""
        levels = () if self.perception is None else self.perception.levels
        return image_sections(
            self.seen, train=parts.train.x, heldout=parts.heldout.x, fake=parts.fake.x,
            heldout_classes=parts.heldout.classes if levels else None, names=levels,
            mnist=is_mnist(self.model.card, parts.fake.x.shape[1:]),
            **self.shared_sections(parts, shared["records"]), **shared,
        )  # fmt: skip

    def previews(self, folder: Path, heldout: Part) -> list[tuple[int, np.ndarray]]:
        """See `Assessment.previews`."""
        return read_previews(folder, heldout.x.shape[1:])


class ImageAssessment(PixelAssessment):
    """How fake images are evaluated."""

    noun = seen = IMAGES

    def read(self, source: Any, fake: bool, notes: Notes) -> Part:
        """See `Assessment.read`: in the model's size and channels.

        Raises:
            OptionError: they have others.
        """
        images = source if isinstance(source, Images) else self._read(source, notes)
        codec = self.model.codec
        if images.x.shape[1:] != (codec.height, codec.width, codec.channels):
            raise OptionError(
                f"the images to evaluate are {list(images.x.shape[1:])} (height, width, channels), and the model's are "
                f"{[codec.height, codec.width, codec.channels]}. Bring images of the model's kind."
            )
        return Part(np.asarray(images.x), self.classes_of(images.labels))

    def _read(self, source: Any, notes: Notes) -> Images:
        own, codec = self.options.own(ImageOptions), self.model.codec
        shape = {"size": f"{codec.width}x{codec.height}", "channels": channels_option(codec.channels)}
        found = read_images(source, TrainConfig(**shape, fit=own.fit, resample=own.resample), notes, least=1)
        if len(found) < 2:
            what = source if isinstance(source, str | Path) else f"the {type(source).__name__}"
            raise OptionError(
                f"{what} has one image, which is too few to evaluate on. Bring at least 2, better thousands."
            )
        return found

    def fakes(self, file: Path) -> Part:
        """See `Assessment.fakes`."""
        found = read_images(file, TrainConfig(), [])
        return Part(np.array(found.x), self.classes_of(found.labels))


def read_previews(folder: Path, shape: Sequence[int]) -> list[tuple[int, np.ndarray]]:
    """(samples, fakes [n, *shape]) of every sheet that was kept over the training, in order; shape: (H, W, C)."""
    from PIL import Image

    height, width, channels = shape
    found = []
    for samples, file in kept_files(folder, ".png"):
        with Image.open(file) as image:
            sheet = np.asarray(image).reshape(image.height, image.width, -1)
        if sheet.shape[2] != channels or (sheet.shape[0] + PREVIEW_GAP) % (height + PREVIEW_GAP):
            continue
        tops, lefts = (range(0, n, side + PREVIEW_GAP) for n, side in zip(sheet.shape, (height, width), strict=False))
        tiles = [sheet[top : top + height, left : left + width] for top in tops for left in lefts]
        found.append((samples, np.stack(tiles)))
    return found


def _classes(codes: np.ndarray, missing: np.ndarray) -> np.ndarray | None:
    """Class codes [N] as int64; None where one is missing, or of a class that the model does not know."""
    return None if (missing > 0).any() or (codes < 0).any() else codes.astype(np.int64)
