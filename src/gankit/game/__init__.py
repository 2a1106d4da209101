"""The state of an adversarial game, and one step of each of its phases.

Knows generators, discriminators, losses and tensors; never codecs, files, terminals or clocks.
"""

from __future__ import annotations

from gankit.game.ahead import Ahead
from gankit.game.batches import Batches
from gankit.game.game import Game
from gankit.game.plan import GameConfig, Phase

__all__ = ["Ahead", "Batches", "Game", "GameConfig", "Phase"]
