"""What is told of a training while it runs, and to whom.

Knows progress updates and previews; never who listens, or how a training works.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from gankit.errors import OptionError, nearest

if TYPE_CHECKING:
    from gankit.kinds.base import Preview
    from gankit.training.loop import Progress


@dataclass(frozen=True)
class TrainingStart:
    """A training that begins, or goes on.

    name: of the run folder, or of the data. folder: of the run, None without one.
    samples: real samples shown before, 0 where it is new. total_samples: its length.
    metric: name of the held-out metric, of which more is better.
    options: every option by its name, as plain JSON values.
    facts: of data and networks: kind, network, precision, parameters, latents, train_records, heldout_records.
    """

    name: str
    folder: Path | None
    samples: int
    total_samples: int
    metric: str
    options: Mapping[str, Any] = field(repr=False)
    facts: Mapping[str, str | int]


@dataclass(frozen=True)
class TrainingEnd:
    """How a training ended.

    status: "finished", "interrupted" (it can be resumed where it has a folder) or "failed".
    samples: real samples shown. best_metric, best_samples: the best held-out metric and when it was.
    model: the file of the best model, None where none was written. error: why it failed.
    """

    status: Literal["finished", "interrupted", "failed"]
    samples: int
    best_metric: float | None
    best_samples: int
    model: Path | None
    error: str | None = None


class Callback:
    """What is told of a training: override what you want to hear of. An exception in it never costs the training.

    It is called by the process that trains, which waits for it; of several, by the first.

    Example:
        >>> class Losses(Callback):
        ...     def __init__(self):
        ...         self.found = []
        ...
        ...     def on_progress(self, progress):
        ...         self.found.append(progress.d_loss)
        >>> losses = Losses()  # gankit.train("people.csv", callbacks=[losses])
    """

    def on_start(self, start: TrainingStart) -> None:
        """Before the first step."""

    def on_progress(self, progress: Progress) -> bool | None:
        """At every progress update, which can be sampled from until the next. True stops the training as Ctrl-C does:
        its state is kept, and `train` returns the best model so far.
        """
        return None

    def on_preview(self, samples: int, preview: Preview) -> None:
        """Before the first step and at every evaluation: synthetic samples of the same latents, after so many real
        samples shown. See `Preview` for the forms they come in.
        """

    def on_end(self, end: TrainingEnd) -> None:
        """At the end, however it came."""


_TOLD = tuple(name for name in vars(Callback) if name.startswith("on_"))


def checked_callbacks(callbacks: Sequence[Callback]) -> tuple[Callback, ...]:
    """The callbacks, if they are some.

    Raises:
        OptionError: one is none, or has a method that nobody calls.
    """
    if not isinstance(callbacks, list | tuple):
        raise OptionError(f"callbacks must be a list of gankit.Callback objects. Got {type(callbacks).__name__}.")
    for callback in callbacks:
        if isinstance(callback, type):
            raise OptionError(f"callbacks: {callback.__name__} is a class. Give an object: {callback.__name__}().")
        named = getattr(callback, "__name__", type(callback).__name__)
        if not isinstance(callback, Callback):
            raise OptionError(
                f"callbacks: {named} is no gankit.Callback. Derive its class from gankit.Callback and override "
                f"{', '.join(_TOLD[:-1])} or {_TOLD[-1]}."
            )
        for name, _ in inspect.getmembers(type(callback), callable):
            if name.startswith("on_") and name not in _TOLD:
                raise OptionError(f"callbacks: {named} has {name}, which is never called. {nearest(name, _TOLD)}")
    return tuple(callbacks)
