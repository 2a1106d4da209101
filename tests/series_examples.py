"""Small series whose figures are known: autoregressions, sines, windows cut from one series."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gankit.kinds.series.metrics.sample import SeriesSample


def autoregressive(num: int, steps: int, channels: int, phi: float, seed: int) -> np.ndarray:
    """x_t = phi x_{t-1} + e_t, from its own distribution on: [num, steps, channels]."""
    draws = np.random.default_rng(seed)
    x = draws.normal(size=(num, steps, channels))
    x[:, 0] /= np.sqrt(1 - phi**2)
    for t in range(1, steps):
        x[:, t] += phi * x[:, t - 1]
    return x


def sines(num: int, steps: int, seed: int, slow: float = 1.0) -> np.ndarray:
    """Sines of one to two periods with random phases, and their negatives beside them: [num, steps, 2]."""
    draws = np.random.default_rng(seed)
    rate, phase = draws.uniform(1, 2, (num, 1)) / slow, draws.uniform(0, 2 * np.pi, (num, 1))
    x = np.sin(2 * np.pi * rate * np.arange(steps) / steps + phase)
    return np.stack([x, -x + 0.05 * draws.normal(size=x.shape)], 2)


def windows(series: np.ndarray, steps: int, stride: int) -> np.ndarray:
    """Windows of a series [M, C]: [N, steps, C]."""
    return np.stack([series[i : i + steps] for i in range(0, len(series) - steps + 1, stride)])


def sample(
    x: np.ndarray, labels: Sequence[Any] | None = None, names: Sequence[str] = (), lengths: np.ndarray | None = None
) -> SeriesSample:
    """The array as series of numbers."""
    names = tuple(names) or tuple("abcdefgh"[: x.shape[2]])
    if lengths is None:
        lengths = np.full(len(x), x.shape[1])
    return SeriesSample(x.astype(np.float64), lengths, tuple(names), {}, labels)


def two_kinds(num: int, seed: int, steps: int = 20) -> tuple[np.ndarray, list[str]]:
    """Rising and falling noisy lines of one channel: ([num, steps, 1], their labels)."""
    draws = np.random.default_rng(seed)
    up = draws.random(num) < 0.5
    line = np.linspace(-1, 1, steps) * np.where(up, 1, -1)[:, None]
    x = line + 0.4 * draws.normal(size=(num, steps))
    return x[:, :, None], ["up" if u else "down" for u in up]
