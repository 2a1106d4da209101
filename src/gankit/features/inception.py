"""The standard Inception features, through torch-fidelity: the ones that a published FID is measured in.

Knows pixels, and where the library keeps its weights; never labels, or what is concluded from a distance.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from gankit.errors import DependencyError, OptionError
from gankit.features.base import Features, checked, in_batches

NUM_FEATURES = 2048
_SIDE = 299


def inception_features(*, download: bool = False, device: str | torch.device = "cpu") -> Features:
    """The 2048 features of InceptionV3 with the weights of 2015, as torch-fidelity's `inception-v3-compat` gives them.

    Grey images are repeated in three channels, and the fourth channel of RGBA is left out.

    Args:
        download: fetch the weights (about 90 MB) into torch hub's folder if they are not there. Without it nothing is
            fetched.
        device: where the network runs; one core takes about .2 s an image (half an hour for
            10,000).

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
    return _InceptionFeatures(network, torch.device(device))


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
    def __init__(self, network: Any, device: torch.device) -> None:
        self.name = "inception"
        self._network, self._device = network.to(device), device

    def describe(self) -> str:
        """One sentence for the report."""
        return (
            f"{NUM_FEATURES} features of InceptionV3 (weights of 2015, torch-fidelity's inception-v3-compat), images "
            f"resized inside to {_SIDE} x {_SIDE} by TensorFlow 1's bilinear filter: the Frechet distance in them is "
            "the FID, comparable with others that use the same resizing, numbers of images and real images."
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] uint8, C = 1, 3 or 4 -> [N, 2048] float32."""
        if checked(x).shape[3] not in (1, 3, 4):
            raise OptionError(
                f"the Inception features see grey, RGB or RGBA images; these have {x.shape[3]} channels. Choose "
                "other features."
            )
        return in_batches(x, self._look, 8 * _SIDE * _SIDE, NUM_FEATURES)

    def _look(self, x: np.ndarray) -> Tensor:
        # [B, H, W, C] -> [B, 3, H, W]
        three = np.repeat(x, 3, axis=3) if x.shape[3] == 1 else np.array(x[..., :3])
        images = torch.from_numpy(three).permute(0, 3, 1, 2).contiguous().to(self._device)
        return torch.as_tensor(self._network(images)[0])
