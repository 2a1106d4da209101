"""A small recurrent network trained on series afterwards: to tell fakes from real ones, and to look one step ahead.

Knows series as numbers and torch; never generators, or what is concluded from what it finds. It is the network of
TimeGAN's two scores (Yoon et al. 2019, section 5): a GRU of max(4, C / 2) units and one linear layer, Adam, batches
of 128, 2,000 steps. Long series get fewer steps, so that the work does not grow with their length.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gankit.randomness import key, torch_generator

STEPS = 2000
"""Steps of a training, of series of up to `FULL_LENGTH` steps; longer ones get fewer."""

FULL_LENGTH = 24
LEAST_STEPS = 300
BATCH = 128
TEST_SHARE = 0.2
_TOGETHER = 1024  # series in a batch after the training


class _Gru(nn.Module):
    """A GRU and a linear layer: one number for each series, or for each of its steps."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(4, channels // 2)
        self.rnn, self.out = nn.GRU(channels, hidden, batch_first=True), nn.Linear(hidden, 1)

    def last(self, x: Tensor) -> Tensor:
        """[B, T, C] -> logits [B], after the last step."""
        return torch.as_tensor(self.out(self.rnn(x)[1][-1])[:, 0])

    def each(self, x: Tensor) -> Tensor:
        """[B, T, C] -> numbers in [0, 1], one a step: [B, T]."""
        return torch.sigmoid(self.out(self.rnn(x)[0])[..., 0])


def num_steps(length: int) -> int:
    """Steps of a training on series of that many steps.

    >>> num_steps(24), num_steps(64), num_steps(5000)
    (2000, 750, 300)
    """
    return max(LEAST_STEPS, min(STEPS, STEPS * FULL_LENGTH // length))


def discriminate(
    real: np.ndarray, fake: np.ndarray, seed: int, *, steps: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """What a GRU that was trained to tell real from fake series says of a fifth that it was not trained on.

    real, fake: [N, T, C], [M, T, C] finite, about in [0, 1]. As many of both are used, drawn at random. seed: the same
        seed, the same result on the same machine. steps: of the training; None: `num_steps`.

    Returns:
        Logits [K] of the real ones and [K] of the fakes; above 0: "real". K is about a fifth of min(N, M), 1 at least.
    """
    draws = torch_generator(seed, "perception/recurrent/tell")
    rows = min(len(real), len(fake))
    sides = [_tensor(x)[torch.randperm(len(x), generator=draws)[:rows]] for x in (real, fake)]
    cut = min(rows - 1, int((1 - TEST_SHARE) * rows))
    network = _built(real.shape[2], seed, "tell")

    def loss(step: int) -> Tensor:
        a, b = (side[torch.randint(cut, (min(BATCH, cut),), generator=draws)] for side in sides)
        logits, half = network.last(torch.cat([a, b])), len(a)
        return functional.softplus(-logits[:half]).mean() + functional.softplus(logits[half:]).mean()

    _train(network, loss, num_steps(real.shape[1]) if steps is None else steps)
    return _outputs(network.last, sides[0][cut:]), _outputs(network.last, sides[1][cut:])


def forecast(
    train: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], seed: int, *, steps: int | None = None
) -> np.ndarray:
    """How wrong a GRU trained on `train` is about the next value of the last channel in `test`.

    It sees the other channels up to a step (where there is one channel alone: its own past) and says what the last one
    will be at the next step.

    train, test: (x [N, T, C] finite, in [0, 1]; known [N, T] bool, the steps whose last value is real). seed, steps:
        see `discriminate`.

    Returns:
        [M] float64, the mean absolute error of each test series; NaN where none of its steps is known.
    """
    draws = torch_generator(seed, "perception/recurrent/foretell")
    channels = train[0].shape[2]
    network = _built(max(1, channels - 1), seed, "foretell")
    seen = slice(None) if channels == 1 else slice(None, -1)
    x, known = _tensor(train[0]), torch.from_numpy(np.ascontiguousarray(train[1][:, 1:], np.float32))

    def loss(step: int) -> Tensor:
        rows = torch.randint(len(x), (min(BATCH, len(x)),), generator=draws)
        wrong = (network.each(x[rows, :-1, seen]) - x[rows, 1:, -1]).abs() * known[rows]
        return wrong.sum() / known[rows].sum().clamp_min(1)

    _train(network, loss, num_steps(train[0].shape[1]) if steps is None else steps)
    wrong = np.abs(_outputs(network.each, _tensor(test[0])[:, :-1, seen]) - test[0][:, 1:, -1])
    counted = test[1][:, 1:]
    with np.errstate(invalid="ignore"):
        return np.asarray((wrong * counted).sum(1) / np.where(counted.any(1), counted.sum(1), np.nan))


def _tensor(x: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(x, np.float32))


def _built(channels: int, seed: int, purpose: str) -> _Gru:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(key(seed, f"perception/recurrent/{purpose}/init"))
        return _Gru(channels)


def _train(network: _Gru, loss: Callable[[int], Tensor], steps: int) -> None:
    optimiser = torch.optim.Adam(network.parameters())
    for step in range(steps):
        optimiser.zero_grad()
        loss(step).backward()  # type: ignore[no-untyped-call]  # torch has no types for it
        optimiser.step()


def _outputs(function: Callable[[Tensor], Tensor], x: Tensor) -> np.ndarray:
    with torch.inference_mode():
        parts = [function(x[i : i + _TOGETHER]).numpy() for i in range(0, len(x), _TOGETHER)]
    return np.concatenate(parts).astype(np.float64)
