"""Nearest neighbours among images, in features or pixels, and what follows from them: precision and recall, density and
coverage, copies, and the Parzen log-likelihood of 2014 by its exact protocol (for history, never to choose by).

Knows plain matrices of numbers; never networks.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from gankit.metrics.metric import Z95, Score, impossible, mean_score, share_score
from gankit.metrics.nearness import NUM_WORST, closest_pairs, digests, nearer, nearness, repeats, smallest, three_sample

PRECISION_NEIGHBOURS = 3
DENSITY_NEIGHBOURS = 5

SEARCHED_SIDE = 32
"""Pixels of the longer side at which near copies are looked for: larger images are averaged down to it."""

NEAR_SHARE = 0.01
NEARNESS, LEAST_NEAR = 0.95, 0.5

SIGMAS = np.logspace(-1, 0, 10)
NUM_FAKES, NUM_VALIDATION = 10_000, 1000
MOST_NUMBERS = 4096
"""Numbers of an image up to which `parzen` is computed; the paper's own had 784 and 2,304."""

_HISTORY_ROWS = 500
_BLOCK_ROWS = 1024
_COLUMN_ROWS = 8192


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """|a_i - b_j|^2 by one product of matrices, at least 0: [N, F], [M, F] float32 -> [N, M] float32.

    Rounding leaves an error of about 1e-6 of |a_i|^2 + |b_j|^2: centre both first.
    """
    out = a @ b.T
    out *= -2
    out += np.einsum("nf,nf->n", a, a)[:, None]
    out += np.einsum("nf,nf->n", b, b)
    return np.asarray(np.maximum(out, 0, out=out))


class Neighbours(NamedTuple):
    """distances [Q, k] float64 and rows [Q, k] of the nearest, nearest first."""

    distances: np.ndarray
    rows: np.ndarray


def nearest(queries: np.ndarray, among: np.ndarray, k: int = 1) -> Neighbours:
    """The k rows of `among` nearest to each query (Euclidean), found block by block and then measured exactly.

    queries: [Q, F], among: [N, F], N >= k, of any number type: uint8 pixels are taken as they are.
    """
    centre = among[: min(len(among), 4096)].astype(np.float32).mean(0)
    spare = min(k + 3, len(among))  # near ties may come out of order in float32
    distances = np.full((len(queries), spare), np.inf, np.float32)
    rows = np.zeros((len(queries), spare), np.int64)
    for start in range(0, len(among), _COLUMN_ROWS):
        part = among[start : start + _COLUMN_ROWS].astype(np.float32) - centre
        for first in range(0, len(queries), _BLOCK_ROWS):
            here = slice(first, first + _BLOCK_ROWS)
            block = squared_distances(queries[here].astype(np.float32) - centre, part)
            kept = smallest(block, min(spare, len(part)))
            both = np.concatenate([distances[here], np.take_along_axis(block, kept, 1)], 1)
            which = np.concatenate([rows[here], kept + start], 1)
            best = np.argsort(both, axis=1, kind="stable")[:, :spare]
            distances[here] = np.take_along_axis(both, best, 1)
            rows[here] = np.take_along_axis(which, best, 1)
    exact = np.empty(rows.shape)
    for i in range(len(queries)):
        gap = among[rows[i]].astype(np.float64) - queries[i].astype(np.float64)
        exact[i] = np.sqrt(np.einsum("kf,kf->k", gap, gap))
    order = np.lexsort((rows, exact), axis=1)[:, :k]
    return Neighbours(np.take_along_axis(exact, order, 1), np.take_along_axis(rows, order, 1))


class Balls(NamedTuple):
    """How two sets of points lie in each other's neighbourhoods; precision and the like are means of these.

    fake_inside: [M] bool, the fake lies in the ball of some real point (k = 3).
    real_inside: [N] bool, the real point lies in the ball of some fake (k = 3).
    holders: [M] number of real balls (k = 5) that hold the fake.
    covered: [N] bool, the real point's ball (k = 5) holds a fake.
    outlying: [M] float, the smallest distance to a real point over that point's radius (k = 5): below 1 inside.
    """

    fake_inside: np.ndarray
    real_inside: np.ndarray
    holders: np.ndarray
    covered: np.ndarray
    outlying: np.ndarray


def balls(real: np.ndarray, fake: np.ndarray) -> Balls:
    """The two sets in each other's balls; a ball reaches to the point's k-th nearest neighbour in its own set.

    real: [N, F], fake: [M, F] float, N and M above 5.
    """
    centre = np.asarray(real, np.float64).mean(0)
    x, y = (np.ascontiguousarray(v - centre, np.float32) for v in (real, fake))
    real_radii, fake_radii = _squared_radii(x), _squared_radii(y)
    fake_inside, holders = np.zeros(len(y), bool), np.zeros(len(y), np.int64)
    real_inside, covered = np.empty(len(x), bool), np.empty(len(x), bool)
    outlying = np.full(len(y), np.inf, np.float32)
    for start in range(0, len(x), _BLOCK_ROWS):
        here = slice(start, start + _BLOCK_ROWS)
        squared = squared_distances(x[here], y)
        fake_inside |= (squared <= real_radii[here, :1]).any(0)
        within = squared <= real_radii[here, 1:]
        holders += within.sum(0)
        covered[here] = within.any(1)
        real_inside[here] = (squared <= fake_radii[:, 0]).any(1)
        squared /= np.maximum(real_radii[here, 1:], 1e-30)
        np.minimum(outlying, squared.min(0), out=outlying)
    return Balls(fake_inside, real_inside, holders, covered, np.sqrt(outlying))


def _squared_radii(points: np.ndarray) -> np.ndarray:
    """The squared distances to the 3rd and the 5th nearest other point: [N, 2]."""
    out = np.empty((len(points), 2), np.float32)
    for start in range(0, len(points), _BLOCK_ROWS):
        squared = squared_distances(points[start : start + _BLOCK_ROWS], points)
        own = np.arange(len(squared))
        squared[own, start + own] = np.inf
        kept = np.partition(squared, DENSITY_NEIGHBOURS - 1, axis=1)[:, :DENSITY_NEIGHBOURS]
        kept.sort(axis=1)
        out[start : start + len(kept)] = kept[:, [PRECISION_NEIGHBOURS - 1, DENSITY_NEIGHBOURS - 1]]
    return out


def too_few(real: np.ndarray, fake: np.ndarray) -> str | None:
    """Why `balls` cannot be asked, or None."""
    least = DENSITY_NEIGHBOURS + 1
    if min(len(real), len(fake)) < least:
        return f"{min(len(real), len(fake))} images are too few; {least} are the least"
    return None


def precision(found: Balls) -> Score:
    """Precision (Kynkaanniemi et al. 2019, eq. 2): the share of fakes in the ball of a real image (k = 3), best 1.

    Even real images lie outside now and then: compare with the ceiling, at equal numbers of images. The interval is
    the exact binomial one over fakes, the balls being held fixed.
    """
    return _share(found.fake_inside, PRECISION_NEIGHBOURS)


def recall(found: Balls) -> Score:
    """Recall (Kynkaanniemi et al. 2019, eq. 2): the share of real images in the ball of a fake (k = 3), best 1.

    Compare with the ceiling. One fake far from all others has a large ball that may hold much (Naeem et al. 2020):
    `coverage` has no such weakness. The interval is the exact binomial one over real images.
    """
    return _share(found.real_inside, PRECISION_NEIGHBOURS)


def density(found: Balls) -> Score:
    """Density (Naeem et al. 2020, eq. 3): how many real balls (k = 5) hold a fake, over 5; best 1.

    Above 1: the fakes keep to where real images are dense. The interval is a normal one over fakes.
    """
    details = {"neighbours": DENSITY_NEIGHBOURS, "pictures": len(found.holders)}
    return mean_score(found.holders / DENSITY_NEIGHBOURS, 1.0, details)


def coverage(found: Balls) -> Score:
    """Coverage (Naeem et al. 2020, eq. 4): the share of real images whose ball (k = 5) holds a fake, best 1.

    With as many fakes as real images perfect ones are expected at about 1 - 2^-5 = .97. The interval is the exact
    binomial one over real images.
    """
    return _share(found.covered, DENSITY_NEIGHBOURS)


def _share(hits: np.ndarray, neighbours: int) -> Score:
    details = {"neighbours": neighbours, "pictures": len(hits)}
    return share_score(int(hits.sum()), len(hits), 1.0, details, "pictures")


def searchable(x: np.ndarray, mirrored: bool = False) -> np.ndarray:
    """Images as rows of numbers in which near copies are looked for.

    x: [N, H, W, C] uint8. mirrored: they are `aligned` before.

    Returns [N, D]: uint8 pixels, or float32 means of square boxes of pixels where the longer side is above
    `SEARCHED_SIDE` (what does not fill a box at the right and bottom is left out).
    """
    box = -(-max(x.shape[1:3]) // SEARCHED_SIDE)
    if box == 1:
        return (aligned(x) if mirrored else x).reshape(len(x), -1)
    tall, wide = (max(side // box, 1) for side in x.shape[1:3])
    step = (min(box, x.shape[1]), min(box, x.shape[2]))
    out = np.empty((len(x), tall, wide, x.shape[3]), np.float32)
    for start in range(0, len(x), 256):
        part = aligned(x[start : start + 256]) if mirrored else x[start : start + 256]
        part = part[:, : tall * step[0], : wide * step[1]]
        boxes = part.reshape(len(part), tall, step[0], wide, step[1], x.shape[3])
        out[start : start + 256] = boxes.mean((2, 4), dtype=np.float32)
    return out.reshape(len(x), -1)


def aligned(x: np.ndarray) -> np.ndarray:
    """Images [N, H, W, C] uint8, mirrored where their left half is darker than the right.

    An image and its mirror image come out alike, so that who copied either is found. Where both halves are equally
    bright the order of the pixels decides; what is nearly alike may then come out mirrored.

    >>> aligned(np.array([[[[1], [0], [7]]], [[[5], [9], [2]]]], np.uint8))[:, 0, :, 0].tolist()
    [[7, 0, 1], [5, 9, 2]]
    """
    half = x.shape[2] // 2
    left, right = (part.sum((1, 2, 3), dtype=np.int64) for part in (x[:, :, :half], x[:, :, x.shape[2] - half :]))
    darker = left < right
    for row in np.flatnonzero(left == right):
        darker[row] = x[row, :, ::-1].tobytes() < x[row].tobytes()
    return np.where(darker[:, None, None, None], x[:, :, ::-1], x)


def copies_exact(train: np.ndarray, heldout: np.ndarray, fake: np.ndarray, mirrored: bool = False) -> Score:
    """The share of fakes that equal a training image in every pixel; best 0.

    Data may hold the same image twice: `details["heldout_share"]` is what honest fakes show. The interval is the
    exact binomial one. All three [N, H, W, C] uint8. mirrored: whether mirror images are equal.
    """
    known, new, made = (_digests(x, mirrored) for x in (train, heldout, fake))
    return repeats(known, new, made, "pictures")


def _digests(x: np.ndarray, mirrored: bool) -> list[bytes]:
    parts = (x[start : start + 256] for start in range(0, len(x), 256))
    return digests(image for part in parts for image in (aligned(part) if mirrored else part))


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
    hits, order = near < limit, np.argsort(near, kind="stable")[:NUM_WORST]
    pairs = [{"fake": int(i), "train": int(fake.rows[i, 0]), "distance": float(near[i])} for i in order if hits[i]]
    details = {"near": int(hits.sum()), "rows": len(hits), "limit": limit, "pairs": pairs}
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
        far = f"{len(fake) - near.sum():,} of {len(fake):,} synthetic images are farther from every real one"
        return impossible(0.5, f"{far} than real ones are from each other")
    details = {
        "far": int((~near).sum()),
        "three_sample": three_sample(to_train, usual),
        "distance": nearness(to_train, to_heldout, usual),
        "pairs": closest_pairs(to_train, to_heldout, members.rows[:, 0]),
    }
    nearest_rows = members.rows[near, 0], others.rows[near, 0]
    return nearer(to_train[near], to_heldout[near], *nearest_rows, len(train), details)


def parzen(fake: np.ndarray, validation: np.ndarray, test: np.ndarray, *, best: float = math.nan) -> Score:
    """The mean log-likelihood of test images under a Gaussian kernel at every fake (Goodfellow et al. 2014), in nats:

    mean_x [logmeanexp_i(-|x - mu_i|^2 / (2 sigma^2)) - D log(sigma sqrt(2 pi))], pixels scaled to [0, 1].

    The first 10,000 fakes are the centres mu_i; sigma is the one of logspace(-1, 0, 10) that is best for the first
    1,000 validation images. The interval is +- 1.96 std / sqrt N over test images (std as NumPy computes it by
    default, as the paper's code did; the paper prints one std / sqrt N as its error, in details["error"]).

    fake, validation, test: [N, H, W, C] uint8. The paper's validation images are a part of the training file that
        trained nothing. best: what stands for perfect fakes; no such value is known.
    """
    numbers = int(np.prod(test.shape[1:]))
    if numbers > MOST_NUMBERS:
        return impossible(best, f"images of {numbers:,} numbers: it was never used above a few thousand")
    if not len(fake) or not len(validation) or len(test) < 2:
        return impossible(best, "one of the sets has too few images")
    centres = _scaled(fake[:NUM_FAKES])
    trial = _log_likelihoods(_scaled(validation[:NUM_VALIDATION]), centres, SIGMAS).mean(1)
    sigma = float(SIGMAS[int(np.argmax(trial))])
    each = _log_likelihoods(_scaled(test), centres, np.array([sigma]))[0]
    value, error = float(each.mean()), float(each.std() / math.sqrt(len(each)))
    details = {
        "sigma": sigma, "error": error, "fakes": len(centres), "validation": min(len(validation), NUM_VALIDATION),
        "test": len(test),
        "sigmas": [{"sigma": float(s), "validation": float(t)} for s, t in zip(SIGMAS, trial, strict=True)],
    }  # fmt: skip
    return Score(value, value - Z95 * error, value + Z95 * error, best, details)


def _scaled(x: np.ndarray) -> np.ndarray:
    """[N, H, W, C] uint8 -> [N, D] float32 in [0, 1], as the paper's networks made them."""
    return x.reshape(len(x), -1).astype(np.float32) / np.float32(255)


def _log_likelihoods(points: np.ndarray, centres: np.ndarray, sigmas: np.ndarray) -> np.ndarray:
    """[S, N] float64 for sigmas [S]. Distances and exponentials are float32 (an error of about .001 nats), sums not."""
    middle = centres.mean(0)
    others = centres - middle
    numbers = points.shape[1]
    out = np.empty((len(sigmas), len(points)))
    for start in range(0, len(points), _HISTORY_ROWS):
        squared = squared_distances(points[start : start + _HISTORY_ROWS] - middle, others)
        least = squared.min(1)
        squared -= least[:, None]  # exp underflows to 0 far from the nearest centre, where it does not count
        for i, sigma in enumerate(sigmas):
            scale = 2 * float(sigma) ** 2
            sums = np.exp(squared * np.float32(-1 / scale)).sum(1, dtype=np.float64)
            constant = math.log(len(centres)) + numbers * math.log(float(sigma) * math.sqrt(2 * math.pi))
            out[i, start : start + len(sums)] = np.log(sums) - least.astype(np.float64) / scale - constant
    return out
