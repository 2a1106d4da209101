"""Whether a run's steps go through `torch.compile`: found out at the start, where the run is long enough to gain by it.

Knows the game, options and the clock; never data or networks' insides.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from gankit.config import DEFAULT_BUDGET, TrainConfig
from gankit.errors import OptionError
from gankit.options import parse_duration
from gankit.training.loop import seconds_per_sample

if TYPE_CHECKING:
    from gankit.run.run import Run

STALL_S = 150.0
"""What the first compiled step may take (132 s on a busy core: benchmarks/images_step.md)."""

MOST_SHARE = 0.05
"""At most this share of a time budget goes into finding out."""

PAYS = 0.95
"""A compiled step that takes more than that share of a plain one is no gain worth other code."""


FAILURES = (RuntimeError, ImportError, OSError)
"""What the compiler raises, and what it calls."""


def compile_for(run: Run, config: TrainConfig, notes: list[str]) -> str:
    """As asked for, "on" or "off", or what pays by a few steps timed with and without; the game is where it was.

    With a number of samples in place of a budget nothing is measured, so that the run is the same whenever it is
    repeated.

    Args:
        run: at its start.
        config: what the user asked for.
        notes: what was measured is appended.

    Raises:
        OptionError: it was asked for, and cannot be done here.
    """
    if config.compile == "off" or (config.compile == "auto" and _is_short(config)):
        return "off"
    run.game.uncompile()
    plain = compiled = seconds_per_sample(run.game, run.train)["game"]
    began = time.monotonic()
    try:
        run.game.compile()
        seconds_per_sample(run.game, run.train)
        stall_s = time.monotonic() - began
        compiled = seconds_per_sample(run.game, run.train)["game"]
    except FAILURES as error:
        words = _words(error)
        if config.compile == "on":
            raise OptionError(
                f"--compile on: torch.compile cannot compile these networks here. Leave it out. ({words})"
            ) from error
        run.game.uncompile()
        notes.append(f"compile: off, for torch.compile cannot compile these networks here ({words})")
        return "off"
    decided = "on" if config.compile == "on" or compiled < PAYS * plain else "off"
    if decided == "off":
        run.game.uncompile()
    notes.append(
        f"compile: {decided}; a compiled step takes {compiled / plain:.2f} of the time of a plain one, and finding out "
        f"took {stall_s:.0f} s. Override with --compile {'off' if decided == 'on' else 'on'}"
    )
    return decided


def still_compiles(run: Run, notes: list[str]) -> None:
    """Tries the steps of a run that goes on; one that cannot be compiled here goes on without, and a line says so.

    Args:
        run: where it stands; it is not moved.
        notes: what was found is appended.
    """
    if run.config.compile != "on" or run.game.finished:
        return
    try:
        seconds_per_sample(run.game, run.train, 1)
    except FAILURES as error:
        run.game.uncompile()
        notes.append(
            "compile: off from here on, for torch.compile cannot compile these networks on this machine; the model "
            f"will differ in rounding ({_words(error)})"
        )


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _is_short(config: TrainConfig) -> bool:
    return config.samples is not None or parse_duration(config.budget or DEFAULT_BUDGET) * MOST_SHARE < STALL_S
