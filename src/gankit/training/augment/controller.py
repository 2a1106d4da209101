"""The controller of the strength: up where D has memorised the training images, down where it has not.

Knows mean logits and counts of samples; never images, networks or losses.
"""

from __future__ import annotations

TARGET = 0.5
"""The share of memory that is allowed. Karras et al. 2020 steer by one of two measures: the mean sign of D on training
images, whose target is .6, or r_v (eq. 1), whose target is .5 in the code they published. The sign means nothing for
relativistic losses, which know differences of logits only, so it is r_v here."""

SPEED_SAMPLES = 500_000.0
"""Real samples shown in which the strength can go from 0 to 1 (Karras et al. 2020, section 3.1), in trainings of 25
million; `speed_for` has a smaller number for shorter ones."""

LIMIT = 0.8
"""Largest strength: above a probability of about .8 augmentations begin to leak into the fakes (Karras et al. 2020,
section 2.2). The paper's controller has no such limit, and its users met strengths far above 1 and fakes in false
colours."""


def memorised(train: float, heldout: float, fake: float) -> float:
    """How far D has memorised the training images: r_v of Karras et al. 2020, eq. 1, in [0, 1].

    (E[D(training)] - E[D(held-out)]) / (E[D(training)] - E[D(fake)]): 0 where D takes held-out images for real as
    training images, 1 where it takes them for fakes. 0 as well where D cannot tell training images from fakes at all,
    for then there is nothing that it could have memorised.

    The three means must come from the same D at the same step (a relativistic D may drift as a whole), and the images
    must have been augmented with the same strength.

    Args:
        train, heldout, fake: mean logits.

    >>> memorised(2.0, 1.0, 0.0)
    0.5
    """
    gap = train - fake
    return min(max((train - heldout) / gap, 0.0), 1.0) if gap > 0 else 0.0


def speed_for(total_samples: float) -> float:
    """Real samples in which the strength may go from 0 to 1 in a training of `total_samples`: half of it at most.

    At the published 500,000 a training of 40,000 samples would end before the strength had reached .1. Much faster
    than half the training is no good either: a measure that is averaged over looks lags behind, and the strength would
    swing from one end to the other.

    >>> speed_for(25_000_000), speed_for(40_000)
    (500000.0, 20000.0)
    """
    return min(SPEED_SAMPLES, max(total_samples / 2, 1.0))


def steer(
    strength: float,
    memorised: float,
    samples: int,
    target: float = TARGET,
    speed_samples: float = SPEED_SAMPLES,
    limit: float = LIMIT,
) -> float:
    """The strength after a look at D: p <- clip(p + sign(memorised - target) samples / speed_samples, 0, limit).

    Karras et al. 2020, section 3.1, where D is looked at every four steps and p has no upper limit.

    Args:
        strength: p until now, in [0, 1].
        memorised: what `memorised` measured; a NaN leaves p as it is.
        samples: real samples shown since the last look.
        target: the value of `memorised` that is aimed at.
        speed_samples: real samples in which p can go from 0 to 1.
        limit: largest p.

    >>> steer(0.25, memorised=0.7, samples=125_000)
    0.5
    """
    assert samples >= 0 and speed_samples > 0 and 0 <= limit <= 1, (samples, speed_samples, limit)
    direction = (memorised > target) - (memorised < target)
    return min(max(strength + direction * samples / speed_samples, 0.0), limit)
