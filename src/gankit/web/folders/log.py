"""The log of a run as it grows: its lines kept as columns of numbers.

Knows log.jsonl and speed.jsonl; never the page, nor who writes them. A line that cannot be read is passed over, and a
log that was cut, as a resumed run does it, is read anew.
"""

from __future__ import annotations

import math
import threading
from array import array
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Any

from gankit.stored import parse
from gankit.web.folders.tail import Tail, last_line

NUMBERS = (
    "step", "d_loss", "g_loss", "penalty", "gap", "weight", "strength", "learning_rate", "d_gradient", "g_gradient",
    "speed",
)  # fmt: skip
"""Numbers of every progress update, beside the samples; "speed", in samples per second, stands in a file beside."""

SCORES = (
    "mean_train", "mean_heldout", "mean_fake", "recall_train", "recall_heldout", "recall_fake", "accuracy_train",
    "accuracy_heldout", "precision_train", "precision_heldout", "memorised",
)  # fmt: skip
"""Numbers of D's scores at an evaluation."""

MOST_EVENTS = 2000
"""Events that are kept, the newest ones."""

SPEED = "speed.jsonl"
"""The file beside the log that says how fast a run is, since that differs from one machine to another."""

_NOT_EVALUATED = b'"metric": null'


class Log:
    """The log in a file. `refresh` reads what has been added.

    brief: of updates without an evaluation only the last one is looked at, which is all that a summary needs.

    Attributes:
        samples, columns: of every progress update.
        phases: (phase, first samples, last samples).
        evaluations: a dict each, of "samples", "metric", "low", "high" and `SCORES`; None where there is no number.
        events: a dict each, of "samples", "kind", "text" and "remedy".
        last: the last update as it was written; alarms: of the last evaluation that had any score.
        finished, seconds: whether the run ended, and how long it took. seconds_left: NaN where that is not known.
        generation: how often the log was read anew; lines: how many were looked into, for tests of the work done.
        lock: who reads several of these holds it, since threads share a log.
    """

    def __init__(self, path: Path, brief: bool = False) -> None:
        self.path, self.brief, self.generation, self.lines = path, brief, -1, 0
        self.lock = threading.RLock()
        self._tail = Tail(path, self._take, self._begin_anew)
        self._speed_tail = Tail(path.with_name(SPEED), self._take_speeds, self._forget_speeds)

    def _begin_anew(self) -> None:
        self.generation += 1
        self.samples = array("d")
        self.columns = {name: array("d") for name in NUMBERS}
        self.phases: list[tuple[str, float, float]] = []
        self.evaluations: list[dict[str, float | None]] = []
        self.events: deque[dict[str, Any]] = deque(maxlen=MOST_EVENTS)
        self.last: dict[str, Any] = {}
        self.alarms: list[str] = []
        self.finished, self.seconds = False, math.nan

    def _forget_speeds(self) -> None:
        self.speeds: dict[float, float] = {}
        self.seconds_left = math.nan

    def __len__(self) -> int:
        return len(self.samples)

    def refresh(self) -> bool:
        """Reads what was added; whether anything has changed. A file that is not there is an empty log."""
        with self.lock:
            if self.brief:
                self._take_speeds([last_line(self.path.with_name(SPEED))])
            else:
                self._speed_tail.read()  # first, so that no update is without its speed
            return self._tail.read()

    def _take_speeds(self, lines: list[bytes]) -> None:
        for line in lines:
            with suppress(ValueError):
                if isinstance(row := parse(line), dict):
                    self.seconds_left = number(row.get("seconds_left"))
                    self.speeds[number(row.get("samples"))] = number(row.get("samples_per_second"))

    def _take(self, lines: list[bytes]) -> None:
        for number, line in enumerate(lines, 1):
            if self.brief and number < len(lines) and _NOT_EVALUATED in line:
                continue
            self.lines += 1
            with suppress(ValueError):
                if isinstance(row := parse(line), dict):
                    self._add(row)

    def _add(self, row: dict[str, Any]) -> None:
        if row.get("event") == "finished":
            self.finished, self.seconds = True, number(row.get("seconds"))
            self._note("finished", f"finished after {_duration(self.seconds)}" if self.seconds >= 0 else "finished")
        at = number(row.get("samples"))
        if math.isnan(at):
            return
        at = max(at, self.samples[-1]) if self.samples else at  # the axis never goes back
        self.last, self.finished = row, self.finished or row.get("finished") is True
        self.samples.append(at)
        for name, column in self.columns.items():
            column.append(number(row.get(name)))
        self.columns["speed"][-1] = self.speeds.pop(at, math.nan)
        if self.brief:
            self._forget_all_but_the_last()
        phase = str(row.get("phase", "game"))
        if self.phases and self.phases[-1][0] == phase:
            self.phases[-1] = (phase, self.phases[-1][1], at)
        else:
            self.phases.append((phase, self.phases[-1][2] if self.phases else 0.0, at))
        self._look(row, at)

    def _forget_all_but_the_last(self) -> None:
        for column in (self.samples, *self.columns.values()):
            del column[:-1]
        if len(self.speeds) > 1:
            self.speeds = {self.samples[-1]: self.columns["speed"][-1]}

    def _look(self, row: dict[str, Any], at: float) -> None:
        """Takes from an update what does not stand in every one."""
        scores, metric = row.get("scores"), number(row.get("metric"))
        scores = scores if isinstance(scores, dict) else {}
        said = row.get("alarms")
        alarms = [text for text in said if isinstance(text, str)] if isinstance(said, list) else []
        if scores or not math.isnan(metric):
            values = {"metric": metric, "low": number(row.get("metric_low")), "high": number(row.get("metric_high"))}
            values |= {name: number(scores.get(name)) for name in SCORES}
            found: dict[str, float | None] = {n: None if math.isnan(v) else v for n, v in values.items()}
            self.evaluations.append({"samples": at, **found})
            self.alarms = alarms
        rolled_back = row.get("rolled_back") is True
        for alarm in alarms:
            self._note("rollback" if rolled_back else "alarm", *split_alarm(alarm))
        if rolled_back and not alarms:
            self._note("rollback", "the last steps were undone")
        if not math.isnan(metric) and number(row.get("best_samples")) == at:
            self._note("best", f"the best held-out metric so far: {metric:.4g}")
        if not math.isnan(planned := number(row.get("planned_samples"))):
            self._note("planned", f"the length was planned anew: {planned:,.0f} samples")

    def _note(self, kind: str, text: str, remedy: str | None = None) -> None:
        at = self.samples[-1] if self.samples else 0.0
        self.events.append({"samples": at, "kind": kind, "text": text, "remedy": remedy})

    @property
    def total_samples(self) -> float:
        """The length of the training, NaN where it is not known."""
        planned = number(self.last.get("planned_samples"))
        return number(self.last.get("total_samples")) if math.isnan(planned) else planned


def number(value: Any) -> float:
    """A finite number, or NaN."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else math.nan


def split_alarm(text: str) -> tuple[str, str | None]:
    """The first sentence of an alarm, and what to do about it.

    >>> split_alarm("G has collapsed: it spreads .3 as widely. Lower --learning-rate.")
    ('G has collapsed: it spreads .3 as widely.', 'Lower --learning-rate.')
    """
    first, dot, rest = text.partition(". ")
    return (first + ".", rest) if dot and rest else (text, None)


def _duration(seconds: float) -> str:
    minutes, whole = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {whole:02d} s" if minutes else f"{whole} s"
