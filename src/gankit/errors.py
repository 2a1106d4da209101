"""The exceptions a user can meet. Every text says what, where, what was found, and what to do next.

Knows nothing of the rest of the house, so that every room may raise them.
"""

from __future__ import annotations


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
    """The game could not be continued: losses stayed infinite or NaN after the last roll-back.

    The last good model is kept; the text says where.
    """

    exit_code = 3


class InterruptedRun(GankitError):
    """Training was stopped by a signal at a step boundary; the state is saved and can be resumed."""

    exit_code = 130
