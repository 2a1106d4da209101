"""The exceptions a user can meet. Every text says what, where, what was found, and what to do next.

Knows nothing of the rest of the package, so that every module may raise them.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Signs that steer a terminal or turn the direction of reading."""

_MOST_CHARACTERS = 2000  # of a note or an error
_LONGEST_WORD = 300  # longer than any name of a file


def visible(text: str) -> str:
    r"""The text with signs that steer a terminal, or turn the direction of reading, as escapes.

    >>> visible("a\x1b[31m\u202eb\tc")
    'a\\x1b[31m\\u202eb\tc'
    """
    return UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def shortened(text: str) -> str:
    """The text without the middle of very long words, and of itself where it is very long: names are the user's.

    >>> shortened("the column " + 999 * "x")[:20], len(shortened(999 * "x"))
    ('the column xxxxxxxxx', 103)
    """
    text = re.sub(rf"\S{{{_LONGEST_WORD},}}", lambda found: f"{found[0][:70]} … {found[0][-30:]}", text)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:1400]} … {text[-500:]}"


class GankitError(Exception):
    """A mistake the user can mend; the command line prints its text and exits with `exit_code`.

    What it quotes from data can be anything: control characters are escaped, and the middle of a long text is left out.
    """

    exit_code = 2

    def __init__(self, text: str = "") -> None:
        super().__init__(visible(shortened(text)))


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


class LostProcess(GankitError):
    """Another process of a training by several has ended; from the last checkpoint it can go on."""

    exit_code = 4


class InterruptedRun(GankitError):
    """Training was stopped at a step boundary; with an output folder its state is saved and can be resumed.

    model: the best one so far, or None where the training had not begun.
    """

    exit_code = 130

    def __init__(self, text: str, model: Any = None) -> None:
        super().__init__(text)
        self.model = model


def reason(error: BaseException) -> str:
    r"""What an error of a library says, for the middle of a sentence.

    >>> reason(ValueError("bad header.\nmore")), reason(EOFError()), reason(RecursionError("maximum depth"))
    ('bad header', 'EOFError', 'it is nested too deeply')
    """
    if isinstance(error, MemoryError | RecursionError):
        return "it does not fit in memory" if isinstance(error, MemoryError) else "it is nested too deeply"
    said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (said.strip().splitlines() or [""])[0][:160].rstrip(". :") or type(error).__name__


@contextmanager
def refused(place: str, what: str) -> Iterator[None]:
    """Whatever a library raises on the bytes of a file, as one sentence: stands around the library's call alone.

    place: the file, as text. what: it should be, as in "no zip file".

    Raises:
        DataError: in place of any error that is no user error.
    """
    try:
        yield
    except GankitError:
        raise
    except Exception as error:
        # Of damaged bytes nearly anything is raised: struct.error, zlib.error, IndexError, TokenError, SystemError, …
        raise DataError(f"{place} is damaged or no {what}: {reason(error)}. Take another copy of it.") from error


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
