"""What all commands have in common: --json, --quiet, and mistakes as one sentence and an exit code.

Knows errors, exit codes and the voice; never what a command does.
"""

from __future__ import annotations

import errno
import functools
import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

from gankit.cli.terminal import Voice
from gankit.errors import GankitError, OutputError

Command = TypeVar("Command", bound=Callable[..., Any])


def speaking(command: Command) -> Command:
    """Gives a command --json and --quiet, hands it its `voice`, and turns mistakes into a sentence and a code."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
    @click.option("--quiet", "-q", is_flag=True, help="No notes, no progress.")
    @functools.wraps(command)
    def spoken(*, as_json: bool, quiet: bool, **arguments: Any) -> None:
        voice = Voice(as_json=as_json, quiet=quiet)
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
    voice.error(error)
    click.get_current_context().exit(error.exit_code)


def _close_output() -> None:
    """Lets standard output lead nowhere; else Python would complain once more when it flushes it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
