"""The explicit table of the metrics of pictures: what each asks, where better lies, and which family it is of.

Knows names and words; the functions stand in the `picture_…` modules and are called by `picture_trial`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Family = Literal["distance", "fidelity", "copies", "classes", "usefulness", "history"]


@dataclass(frozen=True)
class PictureMetric:
    """One line of the table.

    best: the value of perfect fakes; None where it depends on the data and stands in the scores.
    direction: where better values lie; "near": both sides of `best` are worse.
    tolerance: the smallest difference that matters to people; None where more pictures do not narrow the interval by
        the square-root law.
    """

    family: Family
    best: float | None
    direction: Literal["higher", "lower", "near"]
    tolerance: float | None
    meaning: str


PICTURE_METRICS: Mapping[str, PictureMetric] = MappingProxyType(
    {
        "frechet": PictureMetric(
            "distance",
            0.0,
            "lower",
            None,
            "How far apart fakes and held-out pictures are as two Gaussians in features (the FID in Inception "
            "features, and only there).",
        ),
        "kernel": PictureMetric(
            "distance",
            0.0,
            "lower",
            None,
            "How far apart they are by a kernel (KID in Inception features); unbiased, so that small samples may be "
            "compared.",
        ),
        "precision": PictureMetric(
            "fidelity", 1.0, "higher", 0.02, "The share of fakes that lie where real pictures lie."
        ),
        "recall": PictureMetric("fidelity", 1.0, "higher", 0.02, "The share of real pictures that the fakes reach."),
        "density": PictureMetric(
            "fidelity",
            1.0,
            "near",
            0.05,
            "How crowded the fakes are around real pictures; above 1: they keep to the crowd.",
        ),
        "coverage": PictureMetric(
            "fidelity", 1.0, "higher", 0.02, "The share of real pictures with a fake in their neighbourhood."
        ),
        "classes": PictureMetric(
            "classes", None, "near", None, "Are all classes there, as often as in the data? The entropy over log K."
        ),
        "agreement": PictureMetric(
            "classes",
            1.0,
            "higher",
            0.01,
            "The share of fakes in which a classifier sees the class that was asked for.",
        ),
        "usefulness": PictureMetric(
            "usefulness",
            1.0,
            "higher",
            0.01,
            "The accuracy on held-out pictures of a classifier trained on the fakes.",
        ),
        "copies_exact": PictureMetric(
            "copies", 0.0, "lower", 0.005, "The share of fakes that are a training picture, pixel by pixel."
        ),
        "copies_pixels": PictureMetric(
            "copies",
            0.01,
            "near",
            0.005,
            "The share of fakes nearer, in pixels, to a training picture than 99% of held-out pictures are.",
        ),
        "copies_near": PictureMetric(
            "copies",
            0.5,
            "near",
            0.02,
            "The share of fakes closer, in pixels, to a training picture than to a held-out one; .5 without copying.",
        ),
        "copies_features": PictureMetric(
            "copies",
            0.5,
            "near",
            0.02,
            "The same in features; a classifier that knows its training pictures shifts it, the ceiling too.",
        ),
        "parzen": PictureMetric(
            "history",
            None,
            "higher",
            None,
            "The Parzen log-likelihood of 2014 in nats: for history, a weak measure that k-means centres win.",
        ),
    }
)
