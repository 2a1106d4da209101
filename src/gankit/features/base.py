"""What all features are: pictures in, numbers out; and how pictures reach a network.

Knows pixels and batches; never which network looks at them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gankit.errors import DataError

LARGEST_SIDE = 64
"""Pixels of the longer side that a network of ours looks at; larger pictures are averaged down to it."""

_BATCH_NUMBERS = 1 << 21
"""Numbers of the pictures of one batch: 16 MB as float32 twice, small enough for a processor's caches to help."""


class Features(ABC):
    """A function from pictures to numbers in which distances between sets of pictures are measured.

    Attributes:
        name: one word, as an option names it: "classifier", "fixed" or "inception".
    """

    name: str

    @abstractmethod
    def describe(self) -> str:
        """One sentence for the report: what these features are, and what was done to the pictures before."""

    @abstractmethod
    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The features of each picture.

        Args:
            x: [N, H, W, C] uint8.

        Returns:
            [N, F] float32; the same for the same pictures.
        """


def checked(x: Any, channels: int | None = None) -> np.ndarray:
    """`x` if it is pictures.

    Args:
        x: [N, H, W, C] uint8, in memory or mapped.
        channels: that C must be, or None.

    Raises:
        DataError: it is not.
    """
    if not isinstance(x, np.ndarray) or x.dtype != np.uint8 or x.ndim != 4 or 0 in x.shape[1:]:
        found = f"{x.dtype} {list(x.shape)}" if isinstance(x, np.ndarray) else type(x).__name__
        raise DataError(f"pictures must be a uint8 array [N, H, W, C]. Got {found} instead.")
    if channels is not None and x.shape[3] != channels:
        raise DataError(
            f"these pictures have {x.shape[3]} channels, and the features were made for {channels}. Bring pictures of "
            "the same kind, or make new features for these."
        )
    return x


def seen_size(height: int, width: int) -> tuple[int, int]:
    """(height, width) in pixels at which a network of ours looks at a picture: the longer side at most `LARGEST_SIDE`.

    >>> seen_size(28, 28), seen_size(128, 256)
    ((28, 28), (32, 64))
    """
    longest = max(height, width)
    if longest <= LARGEST_SIDE:
        return height, width
    return max(1, round(height * LARGEST_SIDE / longest)), max(1, round(width * LARGEST_SIDE / longest))


def to_network(x: np.ndarray, device: torch.device, size: tuple[int, int]) -> Tensor:
    """Pictures as a network takes them.

    Args:
        x: [B, H, W, C] uint8.
        device: where they go.
        size: (height, width) they are averaged down to (box filter) if they are larger.

    Returns:
        [B, C, height, width] float32 in [-1, 1], laid out channels last.
    """
    # A copy, as torch wants memory it may write to. [B, H, W, C] -> [B, C, H, W] then moves no byte: channels last.
    t = torch.from_numpy(np.array(x)).to(device).permute(0, 3, 1, 2).float()
    if (t.shape[2], t.shape[3]) != size:
        t = functional.adaptive_avg_pool2d(t, size)
    return t / 127.5 - 1


def in_batches(x: np.ndarray, look: Callable[[np.ndarray], Tensor], numbers: int, width: int) -> np.ndarray:
    """`look` over all pictures, a batch at a time, without gradients.

    Args:
        x: [N, H, W, C] uint8.
        look: [B, H, W, C] uint8 -> [B, width].
        numbers: that one picture is inside the network; it sets the size of a batch.
        width: of the result.

    Returns:
        [N, width] float32.
    """
    size = int(np.clip(_BATCH_NUMBERS // max(numbers, 1), 8, 1024))
    out = np.empty((len(x), width), np.float32)
    with torch.inference_mode():
        for start in range(0, len(x), size):
            out[start : start + size] = look(x[start : start + size]).float().cpu().numpy()
    return out


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies in bfloat16, so that training in it is faster."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    asked = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return device.type == "cpu" and asked is not None and bool(asked())
