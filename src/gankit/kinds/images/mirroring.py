"""Whether images are shown mirrored as well: found out at the start of a run that is long enough to gain by it.

Knows prepared images, options and a classifier; never games.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gankit.config import DEFAULT_BUDGET, TrainConfig
from gankit.features import train_classifier
from gankit.kinds.base import Prepared
from gankit.kinds.images.options import ImageOptions
from gankit.kinds.images.records import ImageSet
from gankit.networks import NETWORKS
from gankit.options import parse_duration, parse_samples
from gankit.randomness import numpy_generator

LEAST_BUDGET_S, LEAST_SAMPLES = 600.0, 500_000
"""Shorter runs are not asked: D has no time to memorise the images, and finding out takes 10 s or more."""

SHOWN, MOST_IMAGES, MOST_BYTES = 20_000, 10_000, 1 << 28
"""Images that the judge of left and right is shown with their mirror images, from how many, and bytes of them."""

LEAST_HELDOUT = 1000
"""Of fewer held-out images chance would decide."""

MOST_TOLD = 0.55
"""Mirrored where at most this share of pairs is told: 10% of the images show which way they face, the rest do not."""


def mirror_for(prepared: Prepared[ImageSet, Any], config: TrainConfig, notes: list[str]) -> str:
    """As asked for, "on" or "off"; by itself "on" where a mirrored image cannot be told from one as it came.

    Args:
        prepared: images.
        config: what the user asked for.
        notes: what was measured is appended where it decides for "on".
    """
    own = config.own(ImageOptions)
    if own.mirror != "auto":
        return own.mirror
    if not NETWORKS[prepared.network].augmented or _is_short(config):
        return "off"
    count = min(len(prepared.heldout), MOST_IMAGES)
    if count < LEAST_HELDOUT:
        return "off"  # too few images to find out
    share = told(prepared, config.seed)
    if share + 2 * math.sqrt(0.25 / count) > MOST_TOLD:  # two standard errors
        return "off"
    notes.append(
        "left and right are alike: a classifier tells held-out images from their mirror images in "
        f"{100 * share:.0f}% of pairs (50% by chance), so that D sees them mirrored as well. As they are: --mirror off."
    )
    return "on"


def told(prepared: Prepared[ImageSet, Any], seed: int) -> float:
    """The share of held-out images that a classifier trained on the training part takes for less mirrored than their
    mirror images; ties count half.
    """
    train, heldout = prepared.train, prepared.heldout
    draws = numpy_generator(seed, "facing")
    count = min(MOST_IMAGES, max(LEAST_HELDOUT, MOST_BYTES // prepared.codec.spec.dim))
    x, new = (part.some(count, draws) for part in (train, heldout))
    both = np.concatenate([x, x[:, :, ::-1]])  # [N, H, W, C] twice
    classifier = train_classifier(both, np.repeat([0, 1], len(x)), 2, seed, samples=SHOWN)
    as_it_is, mirrored = (classifier.predict(np.ascontiguousarray(part))[:, 1] for part in (new, new[:, :, ::-1]))
    return float((as_it_is < mirrored).mean() + 0.5 * (as_it_is == mirrored).mean())


def _is_short(config: TrainConfig) -> bool:
    if config.samples is not None:
        return parse_samples(config.samples) < LEAST_SAMPLES
    return parse_duration(config.budget or DEFAULT_BUDGET) < LEAST_BUDGET_S
