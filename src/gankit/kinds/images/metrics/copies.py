"""Copies among images: do the fakes repeat training images, exactly or nearly?

Knows training images, held-out images and fakes, as pixels or features; never how the fakes were made. What this
proves and what not is said in `gankit.metrics.copies`: copies that are found prove copying, none found prove nothing.
"""

from __future__ import annotations

import numpy as np

from gankit.kinds.images.metrics.neighbours import Neighbours, nearest
from gankit.metrics.nearness import NUM_WORST, closest_pairs, digests, nearer, nearness, repeats, three_sample
from gankit.metrics.score import Score, impossible, share_score

SEARCHED_SIDE = 32
"""Pixels of the longer side at which near copies are looked for: larger images are averaged down to it."""

NEAR_SHARE = 0.01
NEARNESS, LEAST_NEAR = 0.95, 0.5


def searchable(x: np.ndarray, mirrored: bool = False) -> np.ndarray:
    """Images as rows of numbers in which near copies are looked for.

    x: [N, H, W, C] uint8. mirrored: they are `faced` before.

    Returns [N, D]: uint8 pixels, or float32 means of square boxes of pixels where the longer side is above
    `SEARCHED_SIDE` (what does not fill a box at the right and bottom is left out).
    """
    box = -(-max(x.shape[1:3]) // SEARCHED_SIDE)
    if box == 1:
        return (faced(x) if mirrored else x).reshape(len(x), -1)
    tall, wide = (max(side // box, 1) for side in x.shape[1:3])
    step = (min(box, x.shape[1]), min(box, x.shape[2]))
    out = np.empty((len(x), tall, wide, x.shape[3]), np.float32)
    for start in range(0, len(x), 256):
        part = faced(x[start : start + 256]) if mirrored else x[start : start + 256]
        part = part[:, : tall * step[0], : wide * step[1]]
        boxes = part.reshape(len(part), tall, step[0], wide, step[1], x.shape[3])
        out[start : start + 256] = boxes.mean((2, 4), dtype=np.float32)
    return out.reshape(len(x), -1)


def faced(x: np.ndarray) -> np.ndarray:
    """Images [N, H, W, C] uint8, mirrored where their left half is darker than the right.

    An image and its mirror image come out alike, so that who copied either is found. Where both halves are equally
    bright the order of the pixels decides; what is nearly alike may then come out facing the other way.

    >>> faced(np.array([[[[1], [0], [7]]], [[[5], [9], [2]]]], np.uint8))[:, 0, :, 0].tolist()
    [[7, 0, 1], [5, 9, 2]]
    """
    half = x.shape[2] // 2
    left, right = (part.sum((1, 2, 3), dtype=np.int64) for part in (x[:, :, :half], x[:, :, x.shape[2] - half :]))
    turned = left < right
    for row in np.flatnonzero(left == right):
        turned[row] = x[row, :, ::-1].tobytes() < x[row].tobytes()
    return np.where(turned[:, None, None, None], x[:, :, ::-1], x)


def copies_exact(train: np.ndarray, heldout: np.ndarray, fake: np.ndarray, mirrored: bool = False) -> Score:
    """The share of fakes that equal a training image in every pixel; best 0.

    Data may hold the same image twice: `details["heldout_share"]` is what honest fakes show. The interval is the
    exact binomial one. All three [N, H, W, C] uint8. mirrored: whether mirror images are equal.
    """
    known, new, made = (_digests(x, mirrored) for x in (train, heldout, fake))
    return repeats(known, new, made, "pictures")


def _digests(x: np.ndarray, mirrored: bool) -> list[bytes]:
    parts = (x[start : start + 256] for start in range(0, len(x), 256))
    return digests(image for part in parts for image in (faced(part) if mirrored else part))


def copies_pixels(fake: Neighbours, heldout: Neighbours) -> Score:
    """The share of fakes nearer to a training image than all but 1% of held-out images are; best .01.

    fake, heldout: their nearest training image, in the same numbers (pixels). Fakes that imitate held-out images
    show a share of .01; smooth fakes lie nearer to everything than real images do, so that a share a little above
    is no proof: look at the pairs. The interval is the exact binomial one, the 1% point being held fixed.
    """
    near, usual = fake.distances[:, 0], heldout.distances[:, 0]
    if not len(near) or len(usual) < 20:
        return impossible(NEAR_SHARE, "fewer than 20 held-out images say what is near")
    limit = float(np.quantile(usual, NEAR_SHARE))
    hits = near < limit
    order = np.argsort(near, kind="stable")[:NUM_WORST]
    details = {
        "near": int(hits.sum()),
        "rows": len(hits),
        "limit": limit,
        "pairs": [
            {"fake": int(i), "train": int(fake.rows[i, 0]), "distance": float(near[i])} for i in order if hits[i]
        ],
    }
    return share_score(int(hits.sum()), len(hits), NEAR_SHARE, details)


def copies_near(train: np.ndarray, heldout: np.ndarray, fake: np.ndarray) -> Score:
    """The share of fakes that lie closer to a training image than to any held-out one; best .5, the chance level.

    Needs as many training as held-out images, so that honest fakes are closer to either with chance 1/2; ties count
    half. Only fakes are counted that lie as near to one of both as 95% of held-out images lie to training ones: what
    is farther from every image copies none, and lies on one side of them all for other reasons. Nothing is said where
    most are. The interval is that of `gankit.metrics.nearness.nearer_share`: a few images are the nearest of many.
    details["three_sample"] is the test of Meehan et al. (2020): z of Mann & Whitney between the distances to the
    nearest training image of fakes and of held-out images (negative: fakes are closer), p one-sided for that.
    details["rows"]: fakes that were counted, "far": those that were not. details["pairs"]: fakes much nearer to a
    training image than to a held-out one, by row numbers.

    train, heldout: [N, D], fake: [M, D], of any number type.
    """
    assert len(train) == len(heldout), f"{len(train)} training and {len(heldout)} held-out images"
    if min(len(train), len(fake)) < 2:
        return impossible(0.5, "fewer than two images to compare distances with")
    members, others = nearest(fake, train), nearest(fake, heldout)
    to_train, to_heldout = members.distances[:, 0], others.distances[:, 0]
    usual = nearest(heldout, train).distances[:, 0]
    near = np.minimum(to_train, to_heldout) <= np.quantile(usual, NEARNESS)
    if near.mean() < LEAST_NEAR:
        reason = f"{len(fake) - near.sum():,} of {len(fake):,} fakes are farther from every image than images are"
        return impossible(0.5, f"{reason} from each other")
    details = {
        "far": int((~near).sum()),
        "three_sample": three_sample(to_train, usual),
        "distance": nearness(to_train, to_heldout, usual),
        "pairs": closest_pairs(to_train, to_heldout, members.rows[:, 0]),
    }
    nearest_rows = members.rows[near, 0], others.rows[near, 0]
    return nearer(to_train[near], to_heldout[near], *nearest_rows, len(train), details)
