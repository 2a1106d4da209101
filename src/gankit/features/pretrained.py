"""Features of a network that has seen photographs: EfficientNet-Lite2.

Knows pixels, backbones and torch; never generators, the loop, or what is concluded from a distance.
"""

from __future__ import annotations

from typing import final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gankit.features.base import Features, coloured, in_batches
from gankit.networks.backbones import backbone

BACKBONE, WIDTH = "efficientnet-lite2", 1280

SIDE = 128
"""Pixels of the longer side at which images are seen."""


@final
class PretrainedFeatures(Features):
    """See the module's docstring."""

    name = "pretrained"

    def describe(self) -> str:
        """One sentence for the report."""
        return (
            f"{WIDTH} features of EfficientNet-Lite2 (weights of ImageNet; the means over places before its classes), "
            f"images resized to {SIDE} pixels on the longer side by an antialiased bilinear filter: they know what "
            "photographs show. They are not Inception features, and distances in them are no FID."
        )

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """[N, H, W, C] uint8, C = 1, 3 or 4 (alpha is left out) -> [N, 1280] float32.

        Raises:
            OptionError: other channels. DependencyError: the extra is not installed.
        """
        height, width, _ = coloured(x, "pretrained").shape[1:]
        scale = SIDE / max(height, width)
        size = max(32, round(height * scale)), max(32, round(width * scale))
        network = backbone(BACKBONE)

        def features(batch: np.ndarray) -> Tensor:
            t = torch.from_numpy(np.array(batch[..., :3])).permute(0, 3, 1, 2).float().expand(-1, 3, -1, -1)
            seen = functional.interpolate(t, size, mode="bilinear", align_corners=False, antialias=True)
            return network.features(seen.clamp(0, 255) / 127.5 - 1)

        return in_batches(x, features, 24 * size[0] * size[1], WIDTH)
