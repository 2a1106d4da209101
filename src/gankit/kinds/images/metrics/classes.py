"""Classes of images: are they all there, is the class that was asked for the one that is seen, how good is each?

Knows labels, what a classifier saw, and features; never the classifier itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gankit.kinds.images.metrics.neighbours import balls, too_few
from gankit.metrics.classification import accuracy_score
from gankit.metrics.distances import frechet
from gankit.metrics.metric import Score, around, impossible, plain
from gankit.randomness import numpy_generator

_REPLICATES = 50
_MAX_CLASS_IMAGES = 2000

Learn = Callable[[np.ndarray, np.ndarray, int, int], Callable[[np.ndarray], np.ndarray]]
"""(x [N, H, W, C] uint8, y [N] int, num_classes, seed) -> a function from images to probabilities [N, K]."""


def shares(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """The share of each class: [N] int -> [K] float64; zeros where there are no labels."""
    counts = np.bincount(np.asarray(labels, np.int64), minlength=num_classes)
    return np.asarray(counts / max(len(labels), 1))


def entropy(share: np.ndarray) -> float:
    """-sum p log p over log K, in [0, 1]: 1 = every class equally often.

    >>> entropy(np.array([0.5, 0.5])), entropy(np.array([1.0, 0.0]))
    (1.0, 0.0)
    """
    known = share[share > 0]
    return abs(float(-(known * np.log(known)).sum())) / math.log(len(share))


def class_entropy(fake_seen: np.ndarray, real: np.ndarray, num_classes: int, *, seed: int = 0) -> Score:
    """The entropy of the classes that a classifier sees in the fakes, over log K; best: that of the real images.

    A collapsed model shows few classes. Balanced classes have 1. details["missing"]: classes that real images have
    and fakes lack; details["distance"]: half the sum of the differences of the shares (total variation). The interval
    is a normal one from bootstraps of the fakes.

    fake_seen: [M] int; real: [N] int, labels of real images, or what the classifier sees in them.
    """
    target = shares(real, num_classes)
    best = entropy(target)
    if not len(fake_seen) or not len(real):
        return impossible(best, "one of the sets has no images")
    share = shares(fake_seen, num_classes)
    value, generator = entropy(share), numpy_generator(seed, "metrics/pictures/classes")
    again = generator.multinomial(len(fake_seen), share, size=_REPLICATES) / len(fake_seen)
    details = {
        "classes": num_classes,
        "missing": [int(k) for k in np.flatnonzero((target > 0) & (share == 0))],
        "distance": float(np.abs(share - target).sum() / 2),
    }
    return Score(value, *around(value, [entropy(s) for s in again]), best, plain(details))


def per_class(
    real: np.ndarray, fake: np.ndarray, real_labels: np.ndarray, fake_labels: np.ndarray, names: Sequence[str], *,
    fake_seen: np.ndarray | None = None, seed: int = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """Each class for itself, as plain JSON: its shares, how far its fakes are from its real images, and agreement.

    real: [N, F], fake: [M, F] features; labels: [N], [M] int; fake_seen: [M] int, what a classifier sees, or None. At
    most 2,000 images of a class and side, as many of both. A figure that cannot be computed is null.

    Returns:
        [{"class", "real", "fake" (shares), "real_pictures", "fake_pictures", "frechet", "precision", "recall",
        "agreement"}], in the order of `names`.
    """
    out = []
    generator = numpy_generator(seed, "metrics/pictures/per_class")
    for k, name in enumerate(names):
        here, there = np.flatnonzero(real_labels == k), np.flatnonzero(fake_labels == k)
        entry: dict[str, Any] = {
            "class": name, "real": len(here) / max(len(real_labels), 1), "fake": len(there) / max(len(fake_labels), 1),
            "real_pictures": len(here), "fake_pictures": len(there),
            "frechet": None, "precision": None, "recall": None, "agreement": None,
        }  # fmt: skip
        size = min(len(here), len(there), _MAX_CLASS_IMAGES)
        a, b = (v[np.sort(generator.permutation(w)[:size])] for v, w in ((real, here), (fake, there)))
        if size >= 2:
            entry["frechet"] = frechet(a, b, interval=False).value
        if too_few(a, b) is None:
            found = balls(a, b)
            entry |= {"precision": float(found.fake_inside.mean()), "recall": float(found.real_inside.mean())}
        if fake_seen is not None and len(there):
            entry["agreement"] = float((fake_seen[there] == k).mean())
        out.append(plain(entry))
    return out


def usefulness(
    x: np.ndarray, y: np.ndarray, heldout: np.ndarray, heldout_labels: np.ndarray, learn: Learn, names: Sequence[str],
    *, seed: int = 0,
) -> Score:  # fmt: skip
    """The accuracy on held-out real images of a classifier that was trained on the fakes (x, y); best 1.

    With real training images in the place of the fakes it is the ceiling. The interval is the exact binomial one over
    held-out images, for this one trained classifier. details: see `accuracy_score`.
    """
    if len(np.unique(y)) < 2 or not len(heldout):
        return impossible(1.0, "the images to learn from hold fewer than two classes, or there are none to test on")
    seen = learn(x, y, len(names), seed)(heldout).argmax(1)
    return accuracy_score(heldout_labels, seen, names, len(x))


def stacked_modes(digits: np.ndarray, num_classes: int = 10) -> dict[str, Any]:
    """The stacked-MNIST figures (Metz et al. 2017): modes found, and KL(fakes || uniform) in nats.

    digits: [N, 3] int, the class that a classifier sees in each channel; the protocol takes 26,000 fakes.

    >>> stacked_modes(np.array([[0, 0, 0], [1, 1, 1]]))
    {'modes': 2, 'possible': 1000, 'kl': 6.214608098422191, 'pictures': 2}
    """
    possible = num_classes ** digits.shape[1]
    _, counts = np.unique(digits, axis=0, return_counts=True)
    share = counts / max(len(digits), 1)
    kl = float((share * np.log(share * possible)).sum())
    return {"modes": len(counts), "possible": possible, "kl": kl, "pictures": len(digits)}
