"""The metrics of images: what each computes, its words, and its baselines; what they are called is an argument.

Knows evaluation inputs and the words of the report; never how images were made, networks or pages.

Details of the scores hold what the docstring of each function names; "pairs" there are rows of fakes and training
images.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from gankit.kinds.images.metrics import neighbours
from gankit.kinds.images.metrics.inputs import ImageFacts, ImageInputs
from gankit.metrics.evaluate import Evaluation, evaluate, make_baselines
from gankit.metrics.metric import Baseline, Metric, Noun
from gankit.report import numbers
from gankit.report.numbers import finite
from gankit.report.records import conditional_accuracy, exact_copies, near_copies, utility
from gankit.report.verdict import COPIES

IMAGES = Noun("image", "images")


def evaluate_images(
    train: np.ndarray, heldout: np.ndarray, fake: np.ndarray, *, only: Collection[str] | None = None,
    noun: Noun = IMAGES, **options: Any,
) -> Evaluation[ImageFacts]:  # fmt: skip
    """Every metric of `metrics` on the fakes, on real images (the ceiling) and on three baselines.

    only: names of the metrics to compute; None for all. noun: what the images are called. options: of `ImageInputs`.
    """
    inputs = ImageInputs(train, heldout, fake, noun=noun, **options)
    inputs.candidates |= make_baselines(baselines(noun), inputs)
    return evaluate(metrics(noun), inputs, only)


def baselines(noun: Noun) -> Sequence[Baseline[ImageInputs]]:
    """Three plain makers of fakes."""
    return (
        Baseline(
            "noise", ImageInputs.noise, "Noise", "noise",
            "every pixel drawn for itself: what no model at all would score. It says where the scale begins.",
            "triangle", start=True,
        ),
        # No beginning of the scale: a model that has collapsed to one good image has a precision of 1.
        Baseline(
            "mean", ImageInputs.mean, f"Mean {noun.one}", f"the mean {noun.one}",
            f"what a model that makes a single blurred {noun.one} would score.", "square",
        ),
        Baseline(
            "bootstrap", ImageInputs.bootstrap, f"Bootstrap of training {noun.many}",
            f"a bootstrap of training {noun.many}",
            "as real as can be, and all of it copied. It shows what a copier would score.", "cross",
        ),
    )  # fmt: skip


def metrics(noun: Noun) -> Sequence[Metric[ImageInputs]]:
    """The metrics of images that are called so."""
    one, many = noun.one, noun.many
    memorised = f"augment (--augment ada), or bring more {many}; then look at the closest pairs with your own eyes"
    plain = f"smooth or pale {many}"
    return (
        Metric(
            "frechet", ImageInputs.frechet, "distance",
            f"How far apart synthetic and held-out {many} are as two Gaussians in features (the FID in Inception "
            "features, and only there).", title="Fréchet distance", noun=f"distance to real {many}",
            question=f"How far is the distribution of synthetic {many} from that of real ones, in realism and variety?",
            good=f"As a whole they resemble real {many}.",
            bad=f"As a whole they differ from real {many}; realism and variety below say in which way.",
            details=partial(_frechet, noun), best=0.0, direction="lower", halvings=True,
        ),
        Metric(
            "kernel", ImageInputs.kernel, "distance",
            "How far apart they are by a kernel (KID in Inception features); unbiased, so that small samples may be "
            "compared.", title="Kernel distance",
            question=f"The same question, by a measure that few {many} do not bias.",
            good=f"It agrees that they resemble real {many}.", bad="It sees a difference, too.", best=0.0,
            direction="lower", halvings=True,
        ),
        Metric(
            "precision", lambda inputs, who: inputs.fidelity(neighbours.precision, who), "fidelity",
            f"The share of synthetic {many} that lie where real ones lie.", title="Precision (realism)",
            noun=f"realism of single {many}", question=f"What share of the synthetic {many} lies where real ones lie?",
            good=f"Single synthetic {many} look like real ones.",
            bad="The others look like nothing in the data: broken, blurred, or a mixture of kinds.",
            remedy="sample with --truncation .7, which trades variety for realism", tolerance=0.02,
        ),
        Metric(
            "recall", lambda inputs, who: inputs.fidelity(neighbours.recall, who), "fidelity",
            f"The share of real {many} that the synthetic ones reach.", title="Recall (variety)", noun="variety",
            question=f"What share of the real {many} could the model have made?",
            good=f"The kinds of real {many} are all there.",
            bad=f"Whole kinds of real {many} are missing, or each is made in few ways (near 0: a collapse).",
            remedy="a larger --penalty-weight, a larger --batch, and no truncation",
            tolerance=0.02,
        ),
        Metric(
            "density", lambda inputs, who: inputs.fidelity(neighbours.density, who), "fidelity",
            f"How densely synthetic {many} lie around real ones; above 1: they keep to where real ones are densest.",
            noun=f"density around real {many}",
            question=f"Are there as many synthetic {many} around real ones as should be? (1: yes; more: concentrated)",
            good=f"Synthetic {many} lie about as densely around real {many} as real ones do.",
            bad=f"Below the figure of real {many} they lie off the data; above it they concentrate in its centre.",
            remedy="when they concentrate, sample without --truncation", direction="near", tolerance=0.05,
        ),
        Metric(
            "coverage", lambda inputs, who: inputs.fidelity(neighbours.coverage, who), "fidelity",
            f"The share of real {many} with a fake in their neighbourhood.", noun=f"coverage of real {many}",
            question=f"What share of the real {many} has a fake nearby?",
            good=f"Nearly every real {one} has a fake that is like it.",
            bad=f"Real {many} without a fake nearby are of kinds that the model under-represents or misses.",
            remedy="a larger --batch", tolerance=0.02,
        ),
        Metric(
            "classes", ImageInputs.classes, "classes",
            "Are all classes there, as often as in the data? The entropy over log K.", title="Evenness of classes",
            question=f"Do all classes occur among the synthetic {many}, as often as among real ones?",
            good="The classes occur as they should.", bad="Some classes are over-, others under-represented.",
            remedy="condition on classes (--where) and mix them as you need them", best=None,
            direction="near",
        ),
        conditional_accuracy(ImageInputs.agreement, noun, "classes", "class"),
        utility(ImageInputs.usefulness, noun, "usefulness", "A classifier"),
        exact_copies(ImageInputs.copies_exact, noun, "in every pixel", memorised),
        Metric(
            "copies_pixels", ImageInputs.copies_pixels, COPIES,
            f"The share of synthetic {many} nearer, in pixels, to a training {one} than 99% of held-out {many} are.",
            title=f"Unusually near {many}",
            question=f"How many synthetic {many} are nearer to a training {one} than nearly all held-out {many} are?",
            bad=f"Smooth or blurred {many} lie nearer to everything, so that a share a little above is no proof.",
            remedy=memorised, details=partial(_pixels, noun), best=0.01, direction="near", tolerance=0.005,
            trained=True,
        ),
        near_copies(lambda inputs, who: inputs.copies_near(False, who), noun, memorised, "in pixels", plain),
        near_copies(
            lambda inputs, who: inputs.copies_near(True, who), noun, memorised,
            "in features (which also see a copy that was shifted or tinted)", plain,
            name="copies_features", title="Near copies in features",
        ),
        Metric(
            "parzen", ImageInputs.parzen, "history",
            "The Parzen log-likelihood of 2014 in nats: for history, a weak measure that k-means centres win.",
            title="Parzen log-likelihood (history)", noun="Parzen log-likelihood",
            question="The figure of the 2014 paper, by its protocol, in nats.", best=None, judged=False, unit=" nats",
        ),
    )  # fmt: skip


def _frechet(noun: Noun, details: Mapping[str, Any]) -> list[str]:
    if details.get("singular"):
        return [
            f"It was measured with fewer {noun.many} than its {numbers.count(details.get('features'))} features: "
            "mostly noise of small numbers, so read the kernel distance instead."
        ]
    limit = finite(details.get("limit"))
    if limit is None:
        return []
    return [f"With ever more synthetic {noun.many} it would tend to about {numbers.score(max(limit, 0.0))}."]


def _pixels(noun: Noun, details: Mapping[str, Any]) -> list[str]:
    near, rows = finite(details.get("near")), finite(details.get("rows"))
    if near is None or not rows:
        return []
    return [
        f"{numbers.count(near)} of {numbers.count(rows)} synthetic {noun.many} are nearer to a training {noun.one} "
        f"than 99 % of the held-out {noun.many} are."
    ]


METRICS = metrics(IMAGES)
