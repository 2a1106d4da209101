"""How the commands speak: notes, progress and errors to standard error, results to standard output; mistakes as one
sentence and an exit code; what SIGINT and SIGTERM do while a command trains.

Knows texts, widths, streams, exit codes and signals; never what the commands do.
"""

from __future__ import annotations

import errno
import functools
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from types import FrameType
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

import click

from gankit.errors import GankitError, InterruptedRun, OutputError

if TYPE_CHECKING:
    from gankit.training.loop import Progress


PLAIN_INTERVAL_S = 5.0
LIVE_INTERVAL_S = 0.1


class Voice:
    """Speaks for one command.

    As JSON, standard error carries one object a line (`event` is note, progress, alarm or error) and standard output
    one object, the result. Quiet leaves out notes and progress; alarms, errors and results are always said.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        self._live = sys.stderr.isatty() and not as_json and not quiet
        self._live_width, self._said_at_s = 0, -PLAIN_INTERVAL_S
        self._evaluation: Progress | None = None
        self._alarms: set[str] = set()

    def note(self, text: str) -> None:
        """Something that was decided for the user, or done, in one line."""
        if not self.quiet:
            self._event("note", {"text": text}, text)

    def error(self, error: GankitError) -> None:
        """The text of a user error."""
        details = {"kind": type(error).__name__, "exit_code": error.exit_code, "text": str(error)}
        self._event("error", details, f"gankit: {error}")

    def progress(self, progress: Progress) -> None:
        """Where the training stands: one live line on a terminal, else a line every few seconds and evaluation."""
        for alarm in progress.alarms:
            if alarm not in self._alarms:
                self._alarms.add(alarm)
                self._event("alarm", {"text": alarm}, f"warning: {alarm}")
        if self.quiet:
            return
        if progress.scores is not None:
            self._evaluation = progress
        now_s, interval_s = time.monotonic(), LIVE_INTERVAL_S if self._live else PLAIN_INTERVAL_S
        if progress.scores is None and not progress.finished and now_s - self._said_at_s < interval_s:
            return
        self._said_at_s = now_s
        if self._live:
            width = shutil.get_terminal_size().columns - 1
            line = progress_line(progress, self._evaluation)[:width]
            _write(sys.stderr, "\r" + line.ljust(self._live_width))
            self._live_width = len(line)
        else:
            self._event("progress", asdict(progress), progress_line(progress, self._evaluation))

    def end_progress(self) -> None:
        """Leaves the live line behind, so that what follows begins on a line of its own."""
        if self._live_width:
            _write(sys.stderr, "\n")
            self._live_width = 0

    def result(self, result: Mapping[str, Any], text: str) -> None:
        """What the command was asked for: the mapping as JSON, or the text."""
        self.end_progress()
        _write(sys.stdout, (to_json(result) if self.as_json else text) + "\n")

    def _event(self, event: str, details: Mapping[str, Any], text: str) -> None:
        self.end_progress()
        _write(sys.stderr, (to_json({"event": event, **details}) if self.as_json else text) + "\n")


def progress_line(p: Progress, evaluation: Progress | None = None) -> str:
    """One line of progress: how far, speed, time left, losses, and what the last `evaluation` found.

    What matters most stands first, since a narrow terminal shows the beginning alone.
    """
    how_far = f"{p.phase} {min(p.samples / p.total_samples, 1):.0%} {count(p.samples)}/{count(p.total_samples)}"
    left = f" {duration(p.seconds_left)} left" if p.seconds_left < float("inf") else ""
    parts = [how_far, f"{count(p.samples_per_second)}/s{left}"]
    parts += [f"{name} {loss:.3f}" for name, loss in (("D", p.d_loss), ("G", p.g_loss)) if loss is not None]
    if evaluation is not None and evaluation.scores is not None:
        if evaluation.metric is not None:
            best = "" if evaluation.best_metric is None else f" (best {evaluation.best_metric:.3f})"
            parts.append(f"metric {evaluation.metric:.3f}{best}")
        s = evaluation.scores
        shares = f"train {s.recall_train:.0%} held-out {s.recall_heldout:.0%} fake {s.recall_fake:.0%}"
        parts.append(f"D calls real: {shares}")
    return "  ".join(parts)


def count(number: float) -> str:
    """A count in few letters.

    >>> count(950), count(60_000), count(2_340_000)
    ('950', '60k', '2.34M')
    """
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:.0f}"


def duration(seconds: float) -> str:
    """A time in words.

    >>> duration(9.4), duration(130), duration(7500)
    ('9s', '2m10s', '2h05m')
    """
    minutes, whole = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{whole}s"
    return f"{minutes}m{whole:02d}s" if minutes < 60 else f"{minutes // 60}h{minutes % 60:02d}m"


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


def to_json(value: Mapping[str, Any]) -> str:
    """The mapping on one line; NaN and infinities, which JSON has no word for, become null."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, default=str)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not (abs(value) < float("inf")):
        return None
    return value


def _write(stream: TextIO, text: str) -> None:
    stream.write(text)
    stream.flush()


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


class Interruption:
    """What SIGINT and SIGTERM do to a training.

    Before its first step they end it as Ctrl-C ends any program. After that the first asks for a stop at the next
    progress update, where the game can be saved, and the second ends the process at once.
    """

    def __init__(self, voice: Voice) -> None:
        self._voice, self._asked, self._begun = voice, False, False

    def asked(self) -> bool:
        """Whether a stop is asked for; the game that asks obeys from here on, so that nothing need be torn away."""
        self._begun = True
        return self._asked

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signals' handler."""
        if self._asked:
            os._exit(InterruptedRun.exit_code)
        if not self._begun:
            raise KeyboardInterrupt
        self._asked = True
        self._voice.note("stopping at the next progress update; once more stops at once.")


@contextmanager
def interruptible(voice: Voice) -> Iterator[Interruption]:
    """Lets SIGINT and SIGTERM stop a training at a look; the handlers are put back afterwards."""
    interruption = Interruption(voice)
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interruption.handle) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
