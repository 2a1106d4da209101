"""Randomness as a pure function: a generator for each (seed, purpose, numbers), never a global state.

Knows no torch at import time; `torch_generator` imports it when called.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it, without their whole parts, are spread evenly over [0, 1) however many they are."""


def key(seed: int, purpose: str, *numbers: int | str) -> int:
    """A 63-bit key for (seed, purpose, numbers or names): the same everywhere and for ever (SHA-256)."""
    text = "|".join([str(seed), purpose, *map(str, numbers)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def numpy_generator(seed: int, purpose: str, *numbers: int) -> np.random.Generator:
    """A NumPy generator keyed by (seed, purpose, numbers)."""
    return np.random.default_rng(key(seed, purpose, *numbers))


def torch_generator(seed: int, purpose: str, *numbers: int) -> torch.Generator:
    """A torch CPU generator keyed by (seed, purpose, numbers); draws are made on the CPU and moved."""
    import torch

    generator = torch.Generator(device="cpu")
    generator.manual_seed(key(seed, purpose, *numbers))
    return generator
