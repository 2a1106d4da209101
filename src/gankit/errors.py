"""The exceptions a user can meet. Every text says what, where, what was found, and what to do next.

Knows nothing of the rest of the package, so that every module may raise them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class GankitError(Exception):
    """A mistake the user can mend; the command line prints its text and exits with `exit_code`."""

    exit_code = 2


class DataError(GankitError):
    """The data cannot be read, or holds something that cannot be learned from."""


class OptionError(GankitError):
    """An option has a value that is not possible, or does not fit the data or the other options."""


class ModelError(GankitError):
    """A model file, a checkpoint or a run folder is damaged, missing, or from a newer version."""


class OutputError(GankitError):
    """A result cannot be written (no space left, no permission, an unknown suffix)."""


class DependencyError(GankitError):
    """An optional dependency is needed and not installed; the text names the command that installs it."""


class DivergedError(GankitError):
    """Losses stayed infinite or NaN after the last roll-back; the last good model is kept, the text says where."""

    exit_code = 3


class InterruptedRun(GankitError):
    """Training was stopped at a step boundary; with an output folder its state is saved and can be resumed.

    model: the best one so far, or None where the training had not begun.
    """

    exit_code = 130

    def __init__(self, text: str, model: Any = None) -> None:
        super().__init__(text)
        self.model = model


def suggestion(name: str, names: Iterable[str], most: int = 3, cutoff: float = 0.5) -> str:
    """`Did you mean …?` with the names that a wrong one may have meant, or an empty text if none is near.

    >>> suggestion("lerning_rate", ["learning_rate", "loss"]), suggestion("zebra", ["learning_rate", "loss"])
    ("Did you mean 'learning_rate'?", '')
    """
    near = difflib.get_close_matches(name, list(names), n=most, cutoff=cutoff)
    return f"Did you mean {' or '.join(map(repr, near))}?" if near else ""


def nearest(name: str, names: Iterable[str]) -> str:
    """A sentence that names what a wrong name may have meant, or else what there is.

    >>> nearest("agee", ["age", "sex"]), nearest("zebra", ["age", "sex"])
    ("Did you mean 'age'?", "There are 'age', 'sex'.")
    """
    names = list(names)
    shown = ", ".join(map(repr, names[:8]))
    return suggestion(name, names) or f"There are {shown}{', …' if len(names) > 8 else ''}."
