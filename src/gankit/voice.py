"""How trainings and evaluations speak: notes, progress and errors to standard error, results to standard output; as
text, as JSON, or in a notebook.

Knows texts, widths and streams; never what they are about.
"""

from __future__ import annotations

import json
import math
import shutil
import sys
import time
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TextIO

from gankit.errors import UNSAFE, GankitError, shortened, visible
from gankit.notebooks import is_notebook

if TYPE_CHECKING:
    from gankit.training.loop import Progress


PLAIN_INTERVAL_S, JSON_INTERVAL_S, LIVE_INTERVAL_S = 300.0, 5.0, 0.1
"""Seconds between two lines off a terminal, as JSON, and between two states of a live line."""

PLAIN_LINES, BAR = 8, 16
"""Lines of progress off a terminal, about, and the letters of a bar."""


class Voice:
    """Speaks for one command, or for one call of a public function.

    Progress is one live line on a terminal, a bar in a notebook, else a line now and then. As JSON, standard error
    carries one object a line (`event` is note, progress, alarm or error) and standard output one object, the result.
    Quiet leaves out notes and progress; alarms, errors and results are always said.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json, self.quiet = as_json, quiet
        self._notebook = is_notebook() and not as_json
        self._live = sys.stderr.isatty() and not self._notebook and not as_json and not quiet
        self._live_width, self._said_at_s, self._said_at = 0, -math.inf, -math.inf
        self._bar: Any = None
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
        """Where the training stands."""
        for alarm in progress.alarms:
            if alarm not in self._alarms:
                self._alarms.add(alarm)
                self._event("alarm", {"text": alarm}, f"warning: {alarm}")
        if self.quiet:
            return
        if progress.scores is not None:
            self._evaluation = progress
        if not self._is_due(progress):
            return
        line = progress_line(progress, self._evaluation)
        if self._notebook:
            self._draw_bar(progress, line)
        elif self._live:
            done = round(BAR * min(progress.samples / progress.total_samples, 1))
            line = f"{'█' * done}{'░' * (BAR - done)} {line}"[: shutil.get_terminal_size().columns - 1]
            sys.stderr.write("\r")
            _write(sys.stderr, line.ljust(self._live_width))
            self._live_width = len(line)
        else:
            self._event("progress", asdict(progress), line)

    def _is_due(self, progress: Progress) -> bool:
        """Whether this is to be said: off a terminal every eighth of the training, elsewhere every evaluation."""
        now_s, at = time.monotonic(), progress.samples / progress.total_samples
        if self.as_json or self._live or self._notebook:
            interval_s = JSON_INTERVAL_S if self.as_json else LIVE_INTERVAL_S
            due = progress.scores is not None
        else:
            interval_s, due = PLAIN_INTERVAL_S, (at - self._said_at) * PLAIN_LINES >= 1
        due |= progress.finished or now_s - self._said_at_s >= interval_s
        if due:
            self._said_at_s, self._said_at = now_s, at
        return due

    def _draw_bar(self, progress: Progress, line: str) -> None:
        if self._bar is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # where ipywidgets is absent the bar is text
                from tqdm.auto import tqdm
            self._bar = tqdm(total=progress.total_samples, bar_format="{bar}| {desc}")
        self._bar.set_description_str(line, refresh=False)
        self._bar.update(min(progress.samples, progress.total_samples) - self._bar.n)
        if progress.finished:
            self._bar.close()

    def end_progress(self) -> None:
        """Leaves the live line or the bar behind, so that what follows begins on a line of its own."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        if self._live_width:
            _write(sys.stderr, "\n")
            self._live_width = 0

    def result(self, result: Mapping[str, Any], text: str) -> None:
        """What the command was asked for: the mapping as JSON, or the text."""
        self.end_progress()
        _write(sys.stdout, (to_json(result) if self.as_json else text) + "\n")

    def _event(self, event: str, details: Mapping[str, Any], text: str) -> None:
        self.end_progress()
        line = text.replace("\n", "\\n")
        _write(sys.stderr, (to_json({"event": event, **details}) if self.as_json else shortened(line)) + "\n")


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
            parts.append(f"held-out metric {evaluation.metric:.3f}{best}")
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


def to_json(value: Mapping[str, Any]) -> str:
    """The mapping on one line; NaN and infinities, which JSON has no word for, become null."""
    text = json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, default=str)
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not (abs(value) < float("inf")):
        return None
    return value


def _write(stream: TextIO, text: str) -> None:
    stream.write(visible(text))
    stream.flush()
