"""Who is told of a training: callbacks, and the trackers of others (TensorBoard, MLflow, Weights & Biases).

Knows the table of trackers; each is imported when it is first asked for. Another package adds one by an entry point of
the group `gankit.trackers`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from gankit.errors import OptionError, nearest
from gankit.registry import Registry

if TYPE_CHECKING:
    from gankit.tracking.tracker import Tracker

Opener = Callable[[str | None, Path | None, str | None], "Tracker"]
"""From what stands behind a tracker's name, the run folder and the id that was kept of it to a tracker; raises an
OptionError or DependencyError where it cannot be used."""

TRACKERS: Registry[Opener] = Registry(
    "gankit.trackers",
    {name: f"gankit.tracking.{name}:opened" for name in ("tensorboard", "mlflow", "wandb")},
)
"""What makes each tracker, by its name."""


def split(text: str) -> tuple[str, str | None]:
    """The name of a tracker and what stands behind it, if anything does.

    Raises:
        OptionError: there is no such tracker.

    >>> split("mlflow:sqlite:///runs.db"), split("tensorboard")
    (('mlflow', 'sqlite:///runs.db'), ('tensorboard', None))
    """
    name, _, where = text.partition(":")
    if name not in TRACKERS:
        raise OptionError(f"--log {text}: there is no tracker {name!r}. {nearest(name, TRACKERS)}")
    return name, where or None
