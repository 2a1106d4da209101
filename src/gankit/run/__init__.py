"""One training run: the networks and the plan of the game for the data, the judge, and the model at the end.

Knows prepared data, networks, the game and metrics; never files' formats, terminals or the loop's inside.
"""

from __future__ import annotations

from gankit.networks.threads import threads
from gankit.run.compiling import compile_for, still_compiles
from gankit.run.facing import mirror_for
from gankit.run.machine import threads_for
from gankit.run.plan import length_of, plan_game
from gankit.run.run import Run
from gankit.run.seeing import perception_for, save_perception

__all__ = [
    "Run", "compile_for", "length_of", "mirror_for", "perception_for", "plan_game", "save_perception", "still_compiles",
    "threads", "threads_for",
]  # fmt: skip
