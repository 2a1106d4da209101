"""What all features are: images in, numbers out; how images reach a network; features that are never trained, and the
standard Inception features through torch-fidelity, in which a published FID is measured.

Knows pixels and torch; never generators, the loop, or what is concluded from a distance.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gankit.errors import DataError, DependencyError, OptionError
from gankit.randomness import torch_generator

LARGEST_SIDE = 64
"""Pixels of the longer side that a network of ours looks at; larger images are averaged down to it."""

_BATCH_NUMBERS = 1 << 21
"""Numbers of the images of one batch: 16 MB as float32 twice, small enough for a processor's caches to help."""


class Features(ABC):
    """A function from images to numbers in which distances between sets of images are measured.

    name: one word, as an option names it: "classifier", "fixed", "pretrained" or "inception".
    """

    name: str

    @abstractmethod
    def describe(self) -> str:
        """One sentence for the report: what these features are, and what was done to the images before."""

    @abstractmethod
    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The features of each image, [N, H, W, C] uint8 -> [N, F] float32; the same for the same images."""


def checked(x: Any, channels: int | None = None) -> np.ndarray:
    """`x` if it is images: [N, H, W, C] uint8, in memory or mapped. channels: that C must be, or None.

    Raises:
        DataError: it is not.
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.uint8 or x.ndim != 4 or 0 in x.shape[1:]:
        found = f"{x.dtype} {list(x.shape)}" if isinstance(x, np.ndarray) else type(x).__name__
        raise DataError(f"images must be a uint8 array [N, H, W, C]. Got {found} instead.")
    if channels is not None and x.shape[3] != channels:
        raise DataError(
            f"these images have {x.shape[3]} channels, and the features were made for {channels}. Bring images of "
            "the same kind, or make new features for these."
        )
    return x


def coloured(x: Any, features: str) -> np.ndarray:
    """`x` if it is images that networks of three colours can see: [N, H, W, C], C = 1, 3 or 4 (alpha is left out).

    Raises:
        DataError: it is not images. OptionError: other channels; features: what they are called.
    """
    if checked(x).shape[3] not in (1, 3, 4):
        raise OptionError(
            f"the {features} features see grey, RGB or RGBA images; these have {x.shape[3]} channels. Choose other "
            "features."
        )
    return np.asarray(x)


def seen_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) in pixels at which a network of ours looks at an image: the longer side at most `LARGEST_SIDE`.

    >>> seen_size(28, 28), seen_size(128, 256)
    ((28, 28), (32, 64))
    """
    longest = max(height, width)
    if longest <= LARGEST_SIDE:
        return height, width
    return max(1, round(height * LARGEST_SIDE / longest)), max(1, round(width * LARGEST_SIDE / longest))


def to_network(x: np.ndarray, size: tuple[int, int]) -> Tensor:
    """Images as a network takes them: [B, H, W, C] uint8 -> [B, C, *size] float32 in [-1, 1], laid out channels last.

    size: (height, width) to which larger ones are averaged down (box filter).
    """
    # A copy, as torch wants memory it may write to. [B, H, W, C] -> [B, C, H, W] then moves no byte: channels last.
    t = torch.from_numpy(np.array(x)).permute(0, 3, 1, 2).float()
    if (t.shape[2], t.shape[3]) != size:
        t = functional.adaptive_avg_pool2d(t, size)
    return t / 127.5 - 1


def in_batches(x: np.ndarray, function: Callable[[np.ndarray], Tensor], numbers: int, width: int) -> np.ndarray:
    """`function` ([B, H, W, C] uint8 -> [B, width]) over all images x, a batch at a time, without gradients.

    Returns [N, width] float32. numbers: that one image is inside the network; it sets the size of a batch.
    """
    size = int(np.clip(_BATCH_NUMBERS // max(numbers, 1), 8, 1024))
    out = np.empty((len(x), width), np.float32)
    with torch.inference_mode():
        for start in range(0, len(x), size):
            out[start : start + size] = function(x[start : start + size]).float().cpu().numpy()
    return out


def multiplies_bfloat16() -> bool:
    """Whether the processor multiplies in bfloat16, so that training in it is faster."""
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return asked is not None and bool(asked())


NUM_SCALES = 3
WIDTH = 24
"""Filters of each of the two layers at each scale."""

_FILTER = 5


def fixed_features(channels: int, seed: int = 0) -> Features:
    """Features of a fixed random network for images of that many channels; a function of (channels, seed).

    At three scales (the image, halved and quartered by a box filter) two layers of random filters are applied to it:
    orthogonal ones of 5 x 5 with the gain of He et al. (2015) and a ramp, then 3 x 3 at every other pixel. Of each
    filter the mean and the deviation over the image are kept (the first and second pooled moments); of the first
    layer at the coarsest scale the means of the four quarters too, which say where things are. Random features tell
    distributions apart by texture, contrast and layout, not by meaning: fakes may look wrong to people and right
    to them.

    >>> fixed_features(1)(np.zeros((2, 28, 28, 1), np.uint8)).shape
    (2, 384)
    """
    return _FixedFeatures(channels, seed)


@final
class _FixedFeatures(Features):
    name = "fixed"

    def __init__(self, channels: int, seed: int) -> None:
        self._channels, self._seed = channels, seed
        self._filters = [
            (_orthogonal(WIDTH, channels, _FILTER, seed, 2 * i), _orthogonal(WIDTH, WIDTH, 3, seed, 2 * i + 1))
            for i in range(NUM_SCALES)
        ]
        self._width = NUM_SCALES * 2 * 2 * WIDTH + 4 * WIDTH

    def describe(self) -> str:
        """One sentence for the report."""
        return (
            f"{self._width} features of a fixed random convolutional network (seed {self._seed}, three scales, means "
            "and deviations of filters; images above 64 pixels are averaged down by a box filter): never trained, so "
            "that they know texture, contrast and layout but no meaning; not Inception features."
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] uint8 -> [N, F] float32."""
        size = seen_size(*checked(x, self._channels).shape[1:3])
        return in_batches(x, lambda b: self._features(to_network(b, size)), 2 * WIDTH * size[0] * size[1], self._width)

    def _features(self, x: Tensor) -> Tensor:
        found: list[Tensor] = []
        for first, second in self._filters:
            one = functional.relu(functional.conv2d(x, first, padding=_FILTER // 2))  # [B, WIDTH, h, w]
            two = functional.relu(functional.conv2d(one, second, stride=2, padding=1))
            for maps in (one, two):
                mean = maps.mean((2, 3), keepdim=True)
                deviation = (maps - mean).square_().mean((2, 3)).sqrt_()  # several times as fast as torch's own
                found += [mean.flatten(1), deviation]
            # [B, C, h, w] -> [B, C, h / 2, w / 2], at least one pixel
            quarters = functional.adaptive_avg_pool2d(one, 2).flatten(1)
            x = functional.adaptive_avg_pool2d(x, (max(1, x.shape[2] // 2), max(1, x.shape[3] // 2)))
        return torch.cat([*found, quarters], 1)


def _orthogonal(outside: int, inside: int, kernel: int, seed: int, number: int) -> Tensor:
    """Filters [outside, inside, kernel, kernel]: orthogonal rows as far as there is room (Saxe et al. 2014), times the
    gain of He et al. (2015) for ramps, so that a filter's answer has about the size of its input.
    """
    draws = torch_generator(seed, "perception/fixed", inside, number)
    numbers = inside * kernel * kernel
    matrix = torch.randn(max(outside, numbers), min(outside, numbers), generator=draws, dtype=torch.float64)
    q, r = torch.linalg.qr(matrix)
    q = q * torch.diagonal(r).sign()  # the signs of QR are no convention one can rely on
    rows = q.T if outside <= numbers else q  # [outside, numbers], rows of length 1 or columns of length 1
    filters: Tensor = rows[:outside] * 2**0.5
    return filters.reshape(outside, inside, kernel, kernel).float()


NUM_FEATURES = 2048
_SIDE = 299


def inception_features(*, download: bool = False) -> Features:
    """The 2048 features of InceptionV3 with the weights of 2015, as torch-fidelity's `inception-v3-compat` gives them.

    Grey images are repeated in three channels, and the fourth channel of RGBA is left out. One core takes about .2 s an
    image (half an hour for 10,000).

    download: fetch the weights (about 90 MB) into torch hub's folder if they are not there; else nothing is fetched.

    Raises:
        DependencyError: torch-fidelity is not installed.
        OptionError: the weights are not at hand and may not be fetched, cannot be fetched, or are damaged.
    """
    try:
        library = importlib.import_module("torch_fidelity.feature_extractor_inceptionv3")
    except ImportError as error:
        raise DependencyError(
            f"the Inception features need the package torch-fidelity ({error}). Install it: pip install "
            "torch-fidelity; or choose other features: a classifier of the labels, or fixed ones."
        ) from error
    weights = _weights(str(library.URL_INCEPTION_V3), download)
    network = library.FeatureExtractorInceptionV3(
        "inception-v3-compat", [str(NUM_FEATURES)], feature_extractor_weights_path=str(weights)
    )
    return _InceptionFeatures(network)


def _weights(url: str, download: bool) -> Path:
    """The file of the weights, its content checked against the digits of SHA-256 that its name ends in."""
    path = Path(torch.hub.get_dir()) / "checkpoints" / url.rsplit("/", 1)[-1]
    digits = path.stem.rsplit("-", 1)[-1]
    if not path.is_file():
        hint = f"Fetch {url} and put it at {path}, or choose other features: a classifier of the labels, or fixed ones."
        if not download:
            raise OptionError(f"the weights of the Inception features are not on this machine: no file {path}. {hint}")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, os.fspath(path), hash_prefix=digits, progress=False)
        except (OSError, RuntimeError) as error:
            raise OptionError(f"the weights of the Inception features could not be fetched: {error}. {hint}") from error
    # The library reads this file with pickle, which could run code: only the published content is let through.
    if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(digits):
        raise OptionError(
            f"the weights of the Inception features are damaged: the SHA-256 of {path} does not begin with {digits}. "
            "Delete the file and fetch it again."
        )
    return path


@final
class _InceptionFeatures(Features):
    name = "inception"

    def __init__(self, network: Any) -> None:
        self._network = network

    def describe(self) -> str:
        """One sentence for the report."""
        return (
            f"{NUM_FEATURES} features of InceptionV3 (weights of 2015, torch-fidelity's inception-v3-compat), images "
            f"resized inside to {_SIDE} x {_SIDE} by TensorFlow 1's bilinear filter: the Frechet distance in them is "
            "the FID, comparable with others that use the same resizing, numbers of images and real images."
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] uint8, C = 1, 3 or 4 -> [N, 2048] float32."""
        return in_batches(coloured(x, "Inception"), self._features, 8 * _SIDE * _SIDE, NUM_FEATURES)

    def _features(self, x: np.ndarray) -> Tensor:
        # [B, H, W, C] -> [B, 3, H, W]
        three = np.repeat(x, 3, axis=3) if x.shape[3] == 1 else np.array(x[..., :3])
        return torch.as_tensor(self._network(torch.from_numpy(three).permute(0, 3, 1, 2).contiguous())[0])
