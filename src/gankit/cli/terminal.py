"""How the commands begin and end: what they leave as text, and mistakes as one sentence and an exit code.

Knows texts and exit codes; never what the commands do.
"""

from __future__ import annotations

import errno
import functools
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from gankit.errors import GankitError, InterruptedRun, OutputError
from gankit.ranks import by_environment
from gankit.voice import Voice

ALONE_S = 2.0
"""Seconds that all but the first of several processes wait before they say what is wrong: nearly always the first has
said the same, and they are ended meanwhile."""


def outline(values: Mapping[str, Any], indent: int = 0) -> str:
    """A nested mapping as indented lines `name: value`, for people.

    >>> print(outline({"kind": "table", "scores": {"shape": 0.98}, "columns": ["age", "sex"]}))
    kind: table
    scores:
      shape: 0.98
    columns: age, sex
    """
    pad = "  " * indent
    lines = []
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            lines += [f"{pad}{name}:", outline(value, indent + 1)]
        elif isinstance(value, (list, tuple)) and any(isinstance(v, Mapping) for v in value):
            lines.append(f"{pad}{name}:")
            lines += [f"{pad}  - {_inline(v)}" for v in value]
        else:
            lines.append(f"{pad}{name}: {_inline(value)}")
    return "\n".join(lines)


def _inline(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_inline(v)}" for k, v in value.items() if v not in (None, "", [], {}, ()))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_inline, value)) or "none"
    if value is None:
        return "none"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


Command = TypeVar("Command", bound=Callable[..., Any])


def speaking(command: Command) -> Command:
    """Gives a command --json and --quiet, hands it its `voice`, and turns mistakes into a sentence and a code."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for programs.")
    @click.option("--quiet", "-q", is_flag=True, help="No notes and no progress.")
    @functools.wraps(command)
    def spoken(*, as_json: bool, quiet: bool, **arguments: Any) -> None:
        voice = Voice(as_json=as_json, quiet=quiet or not by_environment().first)
        try:
            command(voice=voice, **arguments)
            sys.stdout.flush()
        except GankitError as error:
            _fail(voice, error)
        except BrokenPipeError:
            _close_output()  # its reader has seen enough
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            _close_output()
            _fail(voice, OutputError("no space left where the output goes. Free some, or write to another place."))

    return spoken  # type: ignore[return-value]  # the decorated command keeps its name, not its signature


def _fail(voice: Voice, error: GankitError) -> None:
    first = by_environment().first
    if not first:
        time.sleep(ALONE_S)
    if first or not isinstance(error, InterruptedRun):
        voice.error(error)
    click.get_current_context().exit(error.exit_code)


def _close_output() -> None:
    """Lets standard output lead nowhere; else Python would complain once more when it flushes it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
