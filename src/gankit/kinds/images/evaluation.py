"""From a model of pictures to its report: fakes through files and back, real pictures beside them, metrics, the page.

Knows models, data, features, metrics and the report; never the loop.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.features import fixed_features, inception_features, train_classifier
from gankit.kinds.base import Prepared
from gankit.kinds.images.metrics.inputs import ImageFacts
from gankit.kinds.images.metrics.metrics import IMAGES, evaluate_images
from gankit.kinds.images.options import ImageOptions
from gankit.kinds.images.perception import Perception, perceive
from gankit.kinds.images.reading import read_pictures
from gankit.kinds.images.records import ImageSet, Pictures
from gankit.kinds.images.report.sections import image_sections
from gankit.kinds.images.report.tables import is_mnist
from gankit.kinds.options import FEATURES
from gankit.metrics.evaluate import Evaluation
from gankit.metrics.metric import Noun
from gankit.model.model import Model
from gankit.networks.execution import threads, threads_that_pay
from gankit.randomness import numpy_generator
from gankit.report.report import Report, build
from gankit.report.section import Section

MOST_TRAINING = 60_000
"""Training pictures among which the nearest of a fake is looked for; more are drawn from."""

SAME_SHARE = 0.1
"""From this share of held-out pictures on that are training pictures, byte for byte, the report warns."""

LOOKS_NAME = "looks"
"""The folder in a run folder that holds fakes of the same z over the training."""

LOOK_COLUMNS, LOOK_GAP = 8, 1


@dataclass(frozen=True)
class Part:
    """Pictures [N, H, W, C] and the classes [N] of their label, or None."""

    x: np.ndarray
    classes: np.ndarray | None


def report_on_pictures(
    model: Model,
    run: Path | None,
    prepared: Prepared[ImageSet, Any] | None,
    real: Any,
    fake: Any,
    *,
    seed: int,
    num_rows: int,
    features: str,
    records: bool,
    note: Callable[[str], None],
) -> Report:
    """The report on a model of pictures; see `gankit.evaluate`.

    run: its run folder, if it has one. prepared: the data it was trained on, if that is at hand.
    """
    notes: list[str] = []

    def part(label: str | None, source: Any) -> Part:
        return _part(model, label, source, notes)

    train, heldout, perception = real_parts(model, run, prepared, real, notes, part, "pictures")
    fakes = part(perception.label, _fakes_through_a_file(model, num_rows, seed) if fake is None else fake)
    return judged(
        model, run, prepared, (train, heldout, fakes), perception, "pictures",
        seed=seed, features=features, records=records, notes=notes, note=note,
    )  # fmt: skip


def judged(
    model: Model,
    run: Path | None,
    prepared: Prepared[ImageSet, Any] | None,
    parts: tuple[Part, Part, Part],
    perception: Perception,
    what: str,
    *,
    seed: int,
    features: str,
    records: bool,
    notes: list[str],
    note: Callable[[str], None],
    noun: Noun = IMAGES,
    first: Sequence[Section] = (),
    opening: str = "",
) -> Report:
    """The report on fakes that are at hand, as pictures.

    parts: training, held-out, fakes. perception: what they are measured by. what: the records are called in texts.
    noun: what is measured of them. first, opening: of the report, see `ImageSections`.
    """
    train, heldout, fakes = parts
    unknown = [name for name, part in zip(("training", "held-out", "fake"), parts, strict=True) if part.classes is None]
    if perception.levels and unknown:
        notes.append(f"no figures by class: some {' and '.join(unknown)} {what} have no class that the model knows.")
    for text in notes:
        note(text)
    note(f"measuring {len(fakes.x):,} fakes against {len(heldout.x):,} held-out {what} …")
    classifier = perception.classifier
    with threads(threads_that_pay()):
        evaluation = evaluate_images(
            train.x,
            heldout.x,
            fakes.x,
            features=_features_of(features, perception, train.x, note),
            classify=None if classifier is None else classifier.predict,
            learn=None if classifier is None else _learning(classifier.samples),
            labels=(train.classes, heldout.classes, fakes.classes),
            class_names=perception.levels,
            seed=seed,
            mirrored=TrainConfig.from_json(model.card["options"]).own(ImageOptions).mirror == "on",
            noun=noun,
        )
    for text in _doubts(evaluation, heldout, perception, what, prepared is not None):
        notes.append(text)
        note(text)
    if prepared is None:
        evaluation = evaluation.without_training()
    card = _card_of(model)
    sections = image_sections(
        noun, first=first, evaluation=evaluation, train=train.x, heldout=heldout.x, fake=fakes.x,
        heldout_classes=heldout.classes if perception.levels else None, names=perception.levels, records=records,
        progress=[] if run is None else read_looks(run, heldout.x.shape[1:]), opening=opening,
        mnist=is_mnist(card, fakes.x.shape[1:]),
    )  # fmt: skip
    return build(sections, card=card, history=list(model.history), notes=notes)


def _doubts(
    evaluation: Evaluation[ImageFacts], heldout: Part, perception: Perception, what: str, known: bool
) -> list[str]:
    """Why the figures may say less than they seem to. known: whether the training part is what was trained on."""
    found = []
    exact = evaluation.results.get("copies_exact")
    same = 0.0 if exact is None else exact.details.get("heldout_share") or 0.0
    if known and same > SAME_SHARE:
        found.append(
            f"{100 * same:.0f}% of the held-out {what} are training {what}, so that nothing here says how the model "
            f"does on new ones, and copies cannot be told. Give {what} that trained nothing."
        )
    if perception.classifier is not None and heldout.classes is not None and len(np.unique(heldout.classes)) > 1:
        right = float((perception.classifier.predict(heldout.x).argmax(1) == heldout.classes).mean())
        chance = np.bincount(heldout.classes).max() / len(heldout.classes)
        if right <= chance + 2 * np.sqrt(chance * (1 - chance) / len(heldout.classes)):
            found.append(
                f"the classifier of the labels is right on {100 * right:.0f}% of the held-out {what}, no more than "
                "chance: figures in its features and by class mean little. Train for longer, or judge with --features "
                "fixed."
            )
    return found


def _card_of(model: Model) -> dict[str, Any]:
    """The model's card as a report takes it."""
    metric = model.card["metric"]
    return {
        **model.card,
        "gankit_version": model.card["version"],
        "chosen_samples": metric["samples"],
        "metric": metric["name"],
    }


def _features_of(name: str, perception: Perception, x: np.ndarray, note: Callable[[str], None]) -> Any:
    """The features of that name for pictures like x [N, H, W, C]; "auto" = those of the perception."""
    if name not in FEATURES:
        raise OptionError(f"--features must be one of {', '.join(FEATURES)}. Got {name!r} instead.")
    if name == "inception":
        note("Inception features: the weights are fetched if they are not here (90 MB); .2 s a picture on a CPU.")
        return inception_features(download=True)
    return fixed_features(x.shape[3]) if name == "fixed" else perception.features


def _learning(samples: int) -> Any:
    """What trains a fresh classifier, of as many samples as the perception's own."""

    def learn(x: np.ndarray, y: np.ndarray, num_classes: int, seed: int) -> Any:
        return train_classifier(x, y, num_classes, seed, samples=samples).predict

    return learn


def real_parts(
    model: Model,
    run: Path | None,
    prepared: Prepared[ImageSet, Any] | None,
    real: Any,
    notes: list[str],
    part: Callable[[str | None, Any], Part],
    what: str,
) -> tuple[Part, Part, Perception]:
    """The training part, the held-out part, and what both are measured by.

    real: held-out records of the user's own, or None. part: reads such records, with the classes of a label. what:
    they are called in texts.
    """
    if prepared is None and real is None:
        raise OptionError(f"this model does not know its data any more. Give held-out {what}: --real, or real=...")
    if prepared is not None:
        perception = _perception(model, prepared)
        train = _of(prepared.train, perception.label, model.card["options"]["seed"])
        if real is None:
            return train, _of(prepared.heldout, perception.label, 0), perception
        return train, part(perception.label, real), perception
    whole = part(label_of(model), real)
    if len(whole.x) < 4:
        raise OptionError(f"{len(whole.x)} real {what} are too few to judge by. Bring at least 4, better thousands.")
    order = numpy_generator(0, "halves").permutation(len(whole.x))
    parts = [np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])]
    notes.append(
        f"the training {what} are not at hand: one half of the real {what} stands in for them in the ceiling, and "
        "copies cannot be told."
    )
    train, heldout = (Part(whole.x[rows], None if whole.classes is None else whole.classes[rows]) for rows in parts)
    if train.classes is None or len(np.unique(train.classes)) < 2:
        return train, heldout, Perception(fixed_features(train.x.shape[3]))
    label = label_of(model)
    assert label is not None
    levels = tuple(map(str, model.schema.column(label).levels))
    classifier = train_classifier(train.x, train.classes, len(levels), 0)
    return train, heldout, Perception(classifier.features, classifier, label, levels)


def _perception(model: Model, prepared: Prepared[ImageSet, Any]) -> Perception:
    found: Perception = model.perception or perceive(prepared, model.card["options"]["seed"])
    return found


def label_of(model: Model) -> str | None:
    """The label whose classes a classifier would tell apart: the first given one that is a category."""
    fields = [] if model.given is None else model.given.codec.fields
    return next((f.name for f in fields if model.schema.column(f.name).type == "category"), None)


def _of(part: ImageSet, label: str | None, seed: int) -> Part:
    known = None if label is None else part.values[label]
    places = np.arange(len(part))
    if len(places) > MOST_TRAINING:
        places = np.sort(numpy_generator(seed, "measured").choice(places, MOST_TRAINING, replace=False))
    x = np.asarray(part.whole.x[part.rows[places]])
    return Part(x, None if known is None else _known(known.data[places], known.missing[places]))


def _part(model: Model, label: str | None, source: Any, notes: list[str]) -> Part:
    """Pictures from wherever they are, in the model's size and channels."""
    pictures = source if isinstance(source, Pictures) else _read(model, source, notes)
    shape = (*model.card["size"][1:], model.card["size"][0])
    if pictures.x.shape[1:] != shape:
        raise OptionError(
            f"the pictures to judge are {list(pictures.x.shape[1:])} (height, width, channels), and the model's are "
            f"{list(shape)}. Bring pictures of the model's kind."
        )
    return Part(np.asarray(pictures.x), classes_of(model, label, pictures.labels))


def classes_of(model: Model, label: str | None, labels: pa.Table | None) -> np.ndarray | None:
    """The classes [N] of a label in a table of labels; None where it is not there, or not everywhere."""
    if label is None or labels is None or label not in labels.column_names:
        return None
    values = replace(model.schema, columns=(model.schema.column(label),)).parse(labels)[label]
    return _known(values.data, values.missing)


def _known(codes: np.ndarray, missing: np.ndarray) -> np.ndarray | None:
    """Class codes [N] as int64; None where one is missing, or of a class that the model does not know."""
    return None if (missing > 0).any() or (codes < 0).any() else codes.astype(np.int64)


def _read(model: Model, source: Any, notes: list[str]) -> Pictures:
    channels, height, width = model.card["size"]
    options = TrainConfig.from_json(model.card["options"]).own(ImageOptions)
    named = {1: "grey", 3: "rgb", 4: "rgba"}.get(channels, "auto")
    found = TrainConfig(size=f"{width}x{height}", channels=named, fit=options.fit, resample=options.resample)
    read = read_pictures(source, found, notes, least=1)
    if len(read) < 2:
        what = source if isinstance(source, str | Path) else f"the {type(source).__name__}"
        raise OptionError(f"{what} has one picture, which is too few to judge by. Bring at least 2, better thousands.")
    return read


def _fakes_through_a_file(model: Model, count: int, seed: int) -> Pictures:
    """`count` fakes, written to a file and read back: what is judged is what the user gets."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "fakes.npz"
        model.write(file, count, seed)
        found = read_pictures(file, TrainConfig(), [])
        return Pictures(np.array(found.x), found.labels, found.origin)


# --- looks over the training ------------------------------------------------------------------------------------------


def read_looks(run: Path, shape: Sequence[int]) -> list[tuple[int, np.ndarray]]:
    """(samples, fakes [n, H, W, C]) of every look that was kept, in order."""
    from PIL import Image

    height, width, channels = shape
    looks = []
    for file in sorted((run / LOOKS_NAME).glob("*.png")):
        with Image.open(file) as image:
            sheet = np.asarray(image).reshape(image.height, image.width, -1)
        if sheet.shape[2] != channels or (sheet.shape[0] + LOOK_GAP) % (height + LOOK_GAP):
            continue
        tiles = [
            sheet[top : top + height, left : left + width]
            for top in range(0, sheet.shape[0], height + LOOK_GAP)
            for left in range(0, sheet.shape[1], width + LOOK_GAP)
        ]
        looks.append((int(file.stem), np.stack(tiles)))
    return looks
