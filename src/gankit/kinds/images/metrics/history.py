"""The Parzen log-likelihood of 2014, by its exact protocol: kept for history, never to choose by.

Knows pixels only. Theis et al. (2016) show how weak it is: the centres of k-means beat real images at it.
"""

from __future__ import annotations

import math

import numpy as np

from gankit.kinds.images.metrics.neighbours import squared_distances
from gankit.metrics.score import Z95, Score, impossible

SIGMAS = np.logspace(-1, 0, 10)
NUM_FAKES = 10_000
NUM_VALIDATION = 1000
MOST_NUMBERS = 4096
"""Numbers of an image up to which it is computed; the paper's own had 784 and 2,304."""

_BLOCK_ROWS = 500


def parzen(fake: np.ndarray, validation: np.ndarray, test: np.ndarray, *, best: float = math.nan) -> Score:
    """The mean log-likelihood of test images under a Gaussian kernel at every fake (Goodfellow et al. 2014), in nats:

    mean_x [logmeanexp_i(-|x - mu_i|^2 / (2 sigma^2)) - D log(sigma sqrt(2 pi))], pixels scaled to [0, 1].

    The first 10,000 fakes are the centres mu_i; sigma is the one of logspace(-1, 0, 10) that is best for the first
    1,000 validation images. The interval is +- 1.96 std / sqrt N over test images (std as NumPy computes it by
    default, as the paper's code did; the paper prints one std / sqrt N as its error, in details["error"]).

    Args:
        fake, validation, test: [N, H, W, C] uint8. The paper's validation images are a part of the training file that
            trained nothing.
        best: what stands for perfect fakes; no such value is known.
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
        "sigma": sigma,
        "error": error,
        "fakes": len(centres),
        "validation": min(len(validation), NUM_VALIDATION),
        "test": len(test),
        "sigmas": [{"sigma": float(s), "validation": float(t)} for s, t in zip(SIGMAS, trial, strict=True)],
    }
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
    for start in range(0, len(points), _BLOCK_ROWS):
        squared = squared_distances(points[start : start + _BLOCK_ROWS] - middle, others)
        least = squared.min(1)
        squared -= least[:, None]  # exp underflows to 0 far from the nearest centre, where it does not count
        for i, sigma in enumerate(sigmas):
            scale = 2 * float(sigma) ** 2
            sums = np.exp(squared * np.float32(-1 / scale)).sum(1, dtype=np.float64)
            constant = math.log(len(centres)) + numbers * math.log(float(sigma) * math.sqrt(2 * math.pi))
            out[i, start : start + len(sums)] = np.log(sums) - least.astype(np.float64) / scale - constant
    return out
