"""What a run is and how it stands, in a few words: the card on the page of all runs, and the head of its own page.

Knows config, log, previews' about.json and a model's header; never tensors. Whatever is damaged, of a newer version or
gone is said in words; nothing of it takes the page down.
"""

from __future__ import annotations

import math
import os
import shlex
import socket
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from gankit.errors import GankitError, OptionError, reason
from gankit.kinds import KINDS
from gankit.model import MODEL_NAME, inspect
from gankit.options import parse_duration
from gankit.run.folder import Entry, RunFolder, process_begun
from gankit.run.options import train_options
from gankit.stored import StoredError, of_type, parse
from gankit.web.folders.log import Log, number
from gankit.web.folders.previews import about_of, form_of, newest
from gankit.web.folders.runs import ABOUT, CONFIG, PID, Runs, within

SPARK = 60
"""Points of the small curve of the held-out metric."""

RESUMED_S = 300.0
"""Seconds between the making of a run and the start of its process, from where it must have been resumed."""

_SETTLED = ("precision", "compile", "threads", "device")
"""Options that say how steps are computed, which no run is chosen by."""


@dataclass(frozen=True)
class Facts:
    """What of a run does not change while it plays.

    entry: its config, where it can be read; fault: why it cannot. about, card: of its previews and its model, or empty.
    """

    entry: Entry | None
    fault: str | None
    about: Mapping[str, Any] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def options(self) -> dict[str, Any]:
        """All options of the run."""
        return dict(self.entry.options) if self.entry else {}

    @cached_property
    def kind(self) -> str | None:
        """The kind of data, where it is known."""
        notes = self.entry.notes if self.entry else ()
        said = next((note.split()[1].strip("():,;") for note in notes if note.startswith("kind: ")), None)
        for name in (self.about.get("kind"), self.card.get("kind"), said, self.options.get("kind")):
            if isinstance(name, str) and name in KINDS:
                return name
        return None

    @cached_property
    def noun(self) -> list[str]:
        """What one record and many are called."""
        with suppress(StoredError, ValueError):
            found: list[str] = of_type(list[str], self.about.get("noun"))
            return found[:2]
        noun = KINDS[self.kind].noun if self.kind else None
        return [noun.one, noun.many] if noun else ["record", "records"]

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Options that are not the default."""
        defaults = {option.name: option.default for option in train_options()}
        return {
            name: value
            for name, value in self.options.items()
            if name not in _SETTLED and value not in (defaults.get(name), None, [], ()) and name in defaults
        }

    @property
    def command(self) -> str:
        """The command that does the same again."""
        words = ["gankit", "train", (self.entry and self.entry.source) or "DATA"]
        flags = {option.name: option for option in train_options()}
        for name, value in self.settings.items():
            option = flags[name]
            if option.scalar is bool:
                words.append(option.flag if value else f"--no-{option.flag[2:]}")
                continue
            for one in value if isinstance(value, list | tuple) else [value]:
                words += [option.flag, str(one)]
        return shlex.join(words)

    @property
    def metric(self) -> str:
        """The held-out metric, in words."""
        notes = self.entry.notes if self.entry else ()
        said = next((n for n in notes if n.startswith("held-out metric: ")), "").removeprefix("held-out metric: ")
        card = self.card.get("metric")
        names = (self.about.get("metric"), card.get("name") if isinstance(card, dict) else None)
        return next((name for name in names if isinstance(name, str) and name), said.partition("; higher")[0])

    @property
    def columns(self) -> list[dict[str, str]]:
        """Name and kind of every column, where they are known."""
        return _columns(self.about.get("columns")) or _columns(self.card.get("columns"))

    @property
    def records(self) -> dict[str, int] | None:
        """Training and held-out records."""
        for found in (self.about.get("records"), self.card.get("rows")):
            with suppress(StoredError):
                records: dict[str, int] = of_type(dict[str, int], found)
                return records
        return None


_KEPT: dict[Path, tuple[tuple[Any, ...], Facts]] = {}
_MOST_KEPT = 2000


def facts_of(path: Path) -> Facts:
    """The facts of a run folder, read again where one of its files has changed."""
    stamps = tuple(_stamp(path.joinpath(*file)) for file in ((CONFIG,), ("previews", ABOUT)))
    kept = _KEPT.get(path)
    if kept is not None and kept[0] == stamps and (kept[1].card or not (path / MODEL_NAME).exists()):
        return kept[1]
    entry, fault, card = None, None, {}
    try:
        entry = RunFolder(path).entry()
    except GankitError as error:
        fault = str(error)
    with suppress(GankitError, OSError):
        card = inspect(within(path, MODEL_NAME))
    facts = Facts(entry, fault, about_of(path), card)
    if len(_KEPT) >= _MOST_KEPT:
        _KEPT.clear()
    _KEPT[path] = (stamps, facts)
    return facts


def summary(name: str, path: Path, log: Log) -> dict[str, Any]:
    """A run as its card shows it."""
    facts = facts_of(path)
    with log.lock:
        state, why = state_of(path, log)
        total = log.total_samples
        total = total if total > 0 else float(facts.entry.total_samples if facts.entry else 0)
        samples, left = (log.samples[-1] if log.samples else 0.0), log.seconds_left
        metrics = [e["metric"] for e in log.evaluations if e["metric"] is not None]
        best, alarms = number(log.last.get("best_metric")), list(log.alarms)
        best_samples = number(log.last.get("best_samples"))
    source = facts.entry.source if facts.entry else None
    network = facts.card.get("network") or facts.options.get("network")
    return {
        "name": name,
        "kind": facts.kind,
        "noun": facts.noun,
        "form": form_of(path, facts.about),
        "data": Path(source).name if source else facts.card.get("name"),
        "source": source,
        "records": facts.records,
        "network": None if network == "auto" else network,
        "seed": facts.options.get("seed", 0),
        "state": "failed" if facts.fault and state in ("new", "stopped") else state,
        "why": facts.fault or why,
        "samples": int(samples),
        "total_samples": int(total),
        "done": _done(path, facts, samples / total if total > 0 else 0.0) if state == "running" else None,
        "seconds_left": round(left, 1) if state == "running" and math.isfinite(left) else None,
        "metric": {
            "name": facts.metric,
            "now": metrics[-1] if metrics else None,
            "best": None if math.isnan(best) else best,
            "best_samples": None if math.isnan(best) or math.isnan(best_samples) else int(best_samples),
        },
        "spark": _thinned(metrics),
        "alarms": alarms,
        "settings": facts.settings,
        "preview": newest(path),
        "updated": _updated(path, log),
    }


def unknown(name: str, state: str, why: str) -> dict[str, Any]:
    """A run of which no more is known than how it stands: as `summary` and `details` give it."""
    return {
        **{"name": name, "kind": None, "noun": ["record", "records"], "form": None, "data": None, "source": None},
        **{"records": None, "network": None, "seed": 0, "state": state, "why": why, "samples": 0, "total_samples": 0},
        **{"seconds_left": None, "metric": {"name": "", "now": None, "best": None, "best_samples": None}, "spark": []},
        **{"alarms": [], "settings": {}, "preview": None, "updated": round(time.time(), 1), "notes": [], "options": {}},
        **{"columns": [], "shape": None, "condition": 0, "command": "", "report": False, "conditions": None},
        "done": None,
    }


def summaries(runs: Runs) -> list[dict[str, Any]]:
    """Every run under the roots, the last changed first; one that cannot be told of says why."""
    found = []
    for name, path in runs.all().items():
        try:
            found.append(summary(name, path, runs.log(path, brief=True)))
        except (GankitError, OSError) as error:
            if path.is_dir():  # or it is gone
                found.append(unknown(name, "failed", reason(error)))
    return sorted(found, key=lambda run: -run["updated"])


def details(name: str, path: Path, log: Log) -> dict[str, Any]:
    """A run as the head of its own page shows it."""
    facts = facts_of(path)
    return {
        **summary(name, path, log),
        "notes": list(facts.entry.notes) if facts.entry else [],
        "options": facts.options,
        "columns": facts.columns,
        "shape": facts.about.get("shape"),
        "condition": facts.about.get("condition", 0),
        "command": facts.command,
        "report": report_of(path) is not None,
        "conditions": None,
    }


def report_of(path: Path) -> Path | None:
    """The report of a run, where one was saved in its folder."""
    for parts in (("report.html",), ("report", "report.html")):
        with suppress(GankitError, OSError):
            if (found := within(path, *parts)).is_file():
                return found
    return None


def state_of(path: Path, log: Log) -> tuple[str, str | None]:
    """How a run stands, "running", "stopped", "finished", "failed" or "new"; and why, where that needs to be said."""
    go_on = f"Go on with: gankit train -o {path} --resume"
    try:
        said = parse(within(path, PID).read_bytes())
        pid, host, begun = said["pid"], said["host"], said.get("begun")
    except FileNotFoundError:
        if log.finished:
            return "finished", None
        return ("stopped", go_on) if len(log) else ("new", None)
    except (OSError, ValueError, KeyError, TypeError, GankitError):
        pid, host, begun = None, None, None  # it is being written, or damaged
    if log.finished:
        return "finished", None
    if host != socket.gethostname() or not isinstance(pid, int) or _is_alive(pid, begun):
        return "running", None
    return "failed", f"its process ended without a word, or was killed. {go_on}"


def _is_alive(pid: int, begun: Any) -> bool:
    """Whether a process is there; `begun`, where it is known, tells it from a later one of the same number."""
    if not 0 < pid < 2**31:
        return False
    if sys.platform == "win32":  # where signal 0 would end it
        import ctypes

        handle = ctypes.windll.kernel32.OpenProcess(0x1000, False, pid)
        ctypes.windll.kernel32.CloseHandle(handle)
        return bool(handle)
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass
    return begun is None or process_begun(pid) in (None, begun)


def _done(path: Path, facts: Facts, shown: float) -> float:
    """How much of a run that plays is done: of a budget by the clock, for its samples are planned anew; else, and of a
    run that was resumed, by samples.
    """
    with suppress(OptionError, OSError):
        begun, config = (path / PID).stat().st_mtime, (path / CONFIG).stat().st_mtime
        if isinstance(budget := facts.options.get("budget"), str) and begun - config < RESUMED_S:
            shown = (time.time() - begun) / parse_duration(budget)
    return round(min(max(shown, 0.0), 1.0), 2)


def _thinned(values: list[Any]) -> list[float]:
    """At most `SPARK` of them, the last one among them, to four digits."""
    step = max(math.ceil(len(values) / SPARK), 1)
    return [float(f"{value:.4g}") for value in values[::-1][::step][::-1]]


def _columns(found: Any) -> list[dict[str, str]]:
    try:
        return [{"name": str(c["name"]), "kind": str(c["kind"])} for c in found]
    except (KeyError, TypeError):
        return []


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _updated(path: Path, log: Log) -> float:
    for file in (log.path, path / CONFIG):
        with suppress(OSError):
            return round(file.stat().st_mtime, 1)
    return round(time.time(), 1)
