"""Images, and evaluations of them, for the tests of the report on images.

The features are a fixed projection of the pixels, and the classifier knows the mean of each class and no more: quick,
and good enough for the report to be tested. The histories are made up. To look at a page:
`python tests/report_image_example.py mnist page.html` (or digits, cifar10, faces, small).
"""

from __future__ import annotations

import gzip
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gankit.kinds.images.metrics.inputs import ImageFacts
from gankit.kinds.images.metrics.metrics import IMAGES, METRICS, evaluate_images
from gankit.kinds.images.sections import image_sections, is_mnist
from gankit.metrics.evaluate import Evaluation
from gankit.metrics.metric import Noun
from gankit.report.page import Report, build

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def score(value: float | None, half: float | None = 0.01, best: float = 1.0, **details: Any) -> dict[str, Any]:
    """A score as JSON, for the reports that take one."""
    low, high = (None, None) if value is None or half is None else (value - half, value + half)
    return {"value": value, "low": low, "high": high, "best": best, "details": details}


class Projection:
    """Features: the pixels, in [0, 1], on a few fixed directions."""

    def __init__(self, numbers: int, width: int = 24) -> None:
        self.directions = np.random.default_rng(0).normal(size=(numbers, width)) / np.sqrt(numbers)

    def describe(self) -> str:
        return f"{self.directions.shape[1]} fixed directions of pixel space, resized by nothing."

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return np.asarray((x.reshape(len(x), -1) / 255.0) @ self.directions, np.float32)


def learn(x: np.ndarray, y: np.ndarray, num_classes: int, seed: int = 0) -> Callable[[np.ndarray], np.ndarray]:
    """A classifier that gives the class whose mean image is nearest."""
    flat = x.reshape(len(x), -1).astype(np.float32)
    centres = np.stack(
        [flat[y == k].mean(0) if (y == k).any() else np.full(flat.shape[1], 1e6) for k in range(num_classes)]
    )

    def classify(images: np.ndarray) -> np.ndarray:
        rows = images.reshape(len(images), -1).astype(np.float32)
        gap = ((rows**2).sum(1)[:, None] + (centres**2).sum(1)[None] - 2 * rows @ centres.T) / rows.shape[1]
        return np.asarray(np.eye(num_classes)[gap.argmin(1)])

    return classify


def evaluation(
    train: np.ndarray,
    heldout: np.ndarray,
    fake: np.ndarray,
    *,
    classes: Sequence[np.ndarray] | None = None,
    names: Sequence[str] = (),
    asked: bool = True,
    **more: Any,
) -> Evaluation[ImageFacts]:
    """The measured figures; classes: of train, held-out and fake images."""
    known: dict[str, Any] = {}
    if classes is not None:
        classify = learn(train, classes[0], len(names))
        labels = (classes[0], classes[1], classes[2] if asked else None)
        known = {"classify": classify, "learn": learn, "labels": labels, "class_names": names}
    features = Projection(int(np.prod(train.shape[1:])))
    return evaluate_images(train, heldout, fake, features=features, max_images=2000, **known, **more)


def made_up_history(seed: int = 0) -> list[dict[str, Any]]:
    """A plausible training: minus a distance that falls from hundreds to two. Not measured."""
    draws = np.random.default_rng(seed)
    return [
        {
            "samples": 25_000 * i,
            "metric": -(2.0 + 300 * math.exp(-0.45 * i)) * (1 + 0.05 * draws.normal()),
            "loss_d": 1.2 - 0.01 * i,
            "loss_g": 0.7 + 0.015 * i,
            "alarms": [],
            "scores": {"mean_train": 0.2 + 0.01 * i, "mean_heldout": 0.2 + 0.008 * i, "mean_fake": -0.3},
        }
        for i in range(1, 21)
    ]


def small(num: int, shape: tuple[int, int, int] = (8, 8, 1), seed: int = 0) -> np.ndarray:
    """Blobs of a random place and colour: [num, *shape] uint8."""
    draws = np.random.default_rng(seed)
    height, width, channels = shape
    y, x = np.mgrid[0:height, 0:width][:, None]
    centre = draws.uniform(0.25, 0.75, (2, num, 1, 1))
    blob = np.exp(-(((y / height - centre[0]) ** 2 + (x / width - centre[1]) ** 2) / 0.05))
    colour = draws.uniform(0.4, 1.0, (num, 1, 1, channels))
    return np.rint(255 * blob[..., None] * colour).astype(np.uint8)


def noisy(images: np.ndarray, amount: float, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, images.shape)
    return np.rint((1 - amount) * images + amount * noise).astype(np.uint8)


def report(
    real: np.ndarray,
    fake: np.ndarray,
    *,
    card: dict[str, Any],
    classes: Sequence[np.ndarray] | None = None,
    names: Sequence[str] = (),
    asked: bool = True,
    metrics: Sequence[str] | None = None,
    noun: Noun = IMAGES,
    **more: Any,
) -> Report:
    """The report on `fake`, the last fifth of `real` held out, with samples over the training that lose their noise.

    classes: of the real images and of the fakes; metrics: those to compute, all but Parzen's unless told.
    """
    cut = len(real) - len(real) // 5
    train, heldout = real[:cut], real[cut:]
    sides = None if classes is None else (classes[0][:cut], classes[0][cut:], classes[1])
    wanted = metrics if metrics is not None else [m.name for m in METRICS if m.name != "parzen"]
    found = evaluation(train, heldout, fake, classes=sides, names=names, asked=asked, only=wanted, noun=noun)
    known = {} if sides is None else {"heldout_classes": sides[1], "names": names}
    steps = [(25_000 * i, noisy(fake[:10], 1 / i)) for i in range(1, 21)]
    card = {"metric": "minus the Frechet distance (classifier)", "gankit_version": "0.2.0", **card}
    return image_report(found, train, heldout, fake, card=card, noun=noun, progress=steps, **known, **more)


def image_report(
    found: Evaluation[ImageFacts],
    train: np.ndarray,
    heldout: np.ndarray,
    fake: np.ndarray,
    *,
    card: dict[str, Any],
    history: Sequence[dict[str, Any]] | None = None,
    notes: Sequence[str] = (),
    **given: Any,
) -> Report:
    """The report on images; given: the fields of `ImageSections`."""
    mnist = is_mnist(card, fake.shape[1:])
    sections = image_sections(evaluation=found, train=train, heldout=heldout, fake=fake, mnist=mnist, **given)
    return build(sections, card=card, history=made_up_history() if history is None else history, notes=notes)


def digits(**more: Any) -> Report:
    """scikit-learn's 8 x 8 digits, the last 400 of them as fakes, two of these copied from the training part."""
    from sklearn.datasets import load_digits

    found = load_digits()
    x, y = np.rint(found.images * (255 / 16)).astype(np.uint8)[..., None], found.target
    real, fake = x[:1000], x[1000:1400].copy()
    fake[[3, 60]] = real[[11, 12]]
    names = [str(i) for i in range(10)]
    return report(real, fake, classes=(y[:1000], y[1000:1400]), names=names, card={"name": "digits"}, **more)


def idx(name: str) -> np.ndarray:
    with gzip.open(DATA / "mnist" / name) as file:
        data = file.read()
    rank = data[3]
    shape = tuple(int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(rank))
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape)


def mnist(**more: Any) -> Report:
    """Test digits as the data; other digits, some of them copies and some of them noisy, as fakes."""
    x, y = idx("t10k-images-idx3-ubyte.gz")[..., None], idx("t10k-labels-idx1-ubyte.gz").astype(int)
    fake, of_fakes = x[6000:7000].copy(), y[6000:7000]
    fake[::3] = noisy(fake[::3], 0.4)
    fake[[5, 17]] = x[[11, 12]]
    names = [str(i) for i in range(10)]
    card = {"name": "mnist", "kind": "image"}
    return report(
        x[:5000], fake, classes=(y[:5000], of_fakes), names=names, card=card, metrics=[m.name for m in METRICS], **more
    )


def cifar10(**more: Any) -> Report:
    data = np.load(DATA / "cifar10" / "cifar10_first4000.npz")
    x, y = data["x"], data["y"].astype(int)
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    fake = noisy(x[3000:], 0.2)
    return report(x[:3000], fake, classes=(y[:3000], y[3000:]), names=names, card={"name": "cifar10"}, **more)


def faces(**more: Any) -> Report:
    from PIL import Image

    x = np.stack([np.asarray(Image.open(p).convert("RGB")) for p in sorted((DATA / "faces_fewshot_256").glob("*.png"))])
    return report(x[:110], noisy(x[110:], 0.1), card={"name": "faces"}, **more)


def main() -> None:
    what, out = sys.argv[1:3]
    more = {"records": False} if "no-records" in sys.argv else {}
    makers = {
        "digits": digits,
        "mnist": mnist,
        "cifar10": cifar10,
        "faces": faces,
        "small": lambda **m: report(small(200), small(60, seed=1), card={"name": "blobs"}, **m),
    }
    makers[what](**more).save(out)


if __name__ == "__main__":
    main()
