"""How a game of texts is played.

Knows prepared texts, options and the game's settings; never files or the loop's inside.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from gankit.config import TrainConfig
from gankit.kinds.base import Prepared
from gankit.training.plan import GameConfig

DROPOUT = ((10_000, 0.3), (100_000, 0.2), (500_000, 0.1), (float("inf"), 0.0))
"""Below so many symbols in all training texts, that share of G's numbers is dropped while it learns by likelihood."""


def text_dropout(num_symbols: int) -> float:
    """The share that is dropped."""
    return next(share for symbols, share in DROPOUT if num_symbols < symbols)


def text_plan(prepared: Prepared[Any, Any], config: TrainConfig, plan: GameConfig) -> GameConfig:
    """The plan for texts: a warm-up by likelihood, then a careful game (benchmarks/texts.md)."""
    rows = prepared.num_train
    batch = config.batch or int(np.clip(rows // 16, 8, 64))
    return replace(
        plan,
        batch=batch,
        warmup=0.94,
        warmup_batch=batch,
        warmup_keeps_last=True,
        keeps_warmed=True,
        d_warmup=0.02,
        likelihood_weight=0.1,
        generator_rate=0.1,
        gap_target=0.1,
        ema_half_life=float(np.clip(rows, 1_000, 10_000)),
    )
