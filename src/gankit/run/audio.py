"""How the game is played for recordings that are learned sample by sample.

Knows prepared recordings, options and the game's settings; never files or the loop's inside. Recordings learned
as spectrograms are pictures to the game: see `gankit.run.plan`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gankit.config import TrainConfig
from gankit.errors import OptionError
from gankit.kinds.base import Prepared
from gankit.kinds.options import AugmentOptions
from gankit.training.plan import GameConfig

FIRST_WEIGHT = 1 / 260
"""Of the penalty, for a number of a recording of mean square 1: that of pictures of MNIST's size (benchmarks/audio.md).
The gradient's squared norm is a sum over all samples, and the smaller they are the larger it must be."""

MOST_MEASURED = 500
"""Training recordings whose loudness is measured."""


def wave_plan(prepared: Prepared[Any, Any], config: TrainConfig, plan: GameConfig) -> GameConfig:
    """The plan for the network `wave`."""
    augment = config.own(AugmentOptions).augment
    if augment not in ("auto", "none"):
        raise OptionError(
            f"--augment {augment} is for images and spectrograms, and network wave learns raw samples. Leave it out."
        )
    part = prepared.train
    some = part.clips.x[part.rows[:: max(1, len(part) // MOST_MEASURED)]].astype(np.float32) / 32768
    loudness = float(np.square(some).mean())
    return replace(
        plan,
        batch=config.batch or min(32, max(4, prepared.num_train // 4)),
        learning_rate=2e-3,
        gap_target=0.15,
        first_weight=FIRST_WEIGHT * prepared.codec.spec.dim * loudness,
        ema_half_life=float(np.clip(2 * prepared.num_train, 5_000, 50_000)),
    )
