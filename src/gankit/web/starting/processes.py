"""Trainings that the page starts and stops.

Knows commands and processes; never how a training works. A training is a process of its own, as if its command had been
typed: it goes on when the page or the server is gone.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gankit.arguments import shown
from gankit.errors import DataError, OptionError, OutputError
from gankit.io.atomic import complaints
from gankit.run.options import build_config
from gankit.web.folders.runs import CONFIG, STOP, Runs
from gankit.web.folders.summary import unknown
from gankit.web.starting.uploads import Uploads, safe_name

FAILS_S = 3.0
"""Seconds that a training is watched for an end at its very beginning, so that the page can say why."""

MOST_STARTED = 20
"""Trainings of this server that may be alive at a time."""

_OPTIONS = ("budget", "samples", "given", "seed")
_ORDER = ("data", "name", *_OPTIONS)


class Starting:
    """The trainings of one server."""

    def __init__(self, runs: Runs, uploads: Uploads) -> None:
        self._runs, self._uploads = runs, uploads
        self._processes: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}

    @property
    def can_start(self) -> bool:
        """Whether there is a folder for new runs that can be written to, or made."""
        home = self._runs.home
        while home is not None and not home.exists() and home.parent != home:
            home = home.parent
        return home is not None and os.access(home, os.W_OK)

    async def start(self, order: Mapping[str, Any]) -> str:
        """Starts a training, and gives its run's name; waits a moment, so that an early end is told of.

        order: "data", and what may stand beside it: "budget" or "samples", "name", "given", "seed".

        Raises:
            GankitError: it cannot be started; the text says why.
        """
        for key in order:
            if key not in _ORDER:
                raise OptionError(f"{shown(key)} cannot be set here; there are {', '.join(_ORDER)}.")
        data = order.get("data")
        if not isinstance(data, str):
            raise OptionError('"data" must be the id of an upload or the name of a built-in set.')
        options = {name: order[name] for name in _OPTIONS if order.get(name) not in (None, "", [])}
        build_config(options)  # refuses what cannot be before anything is started
        if sum(process.poll() is None for process, _ in self._processes.values()) >= MOST_STARTED:
            raise OptionError(f"{MOST_STARTED} trainings are running already. Stop one, or wait for its end.")
        path = await asyncio.to_thread(self._uploads.find, data)
        folder = self._uploads.folder()
        home = folder.parent
        name = self._free_name(home, str(order.get("name") or path.stem))
        words = [sys.executable, "-m", "gankit", "train", str(path), f"--out={home / name}"]
        for option, value in options.items():
            words += [f"--{option}={one}" for one in (value if isinstance(value, list) else [value])]
        said = folder / f"{name}.log"
        with complaints(said), said.open("wb") as out:
            quiet = subprocess.DEVNULL
            process = subprocess.Popen(words, stdin=quiet, stdout=out, stderr=out, start_new_session=True)
        self._processes[name] = (process, said)
        for _ in range(int(FAILS_S / 0.1)):
            await asyncio.sleep(0.1)
            if process.poll() is not None or (home / name / CONFIG).exists():
                break
        if process.returncode not in (None, 0) and not (home / name / CONFIG).exists():
            del self._processes[name]
            raise DataError(_why(said).replace(str(path), path.name))
        return name

    def _free_name(self, home: Path, wanted: str) -> str:
        name = safe_name(wanted)
        for number in range(1, 100_000):
            if (made := f"{name}-{number}") not in self._processes and not (home / made).exists():
                return made
        raise OutputError(f"there are too many runs of the name {name!r}. Choose another.")

    def waiting(self) -> list[dict[str, Any]]:
        """Trainings that have no run folder yet, or ended before they had one, as summaries.

        Those that have one are forgotten at their end, which also lets the system forget their process.
        """
        found, home = [], self._runs.home
        for name, (process, said) in list(self._processes.items()):
            code = process.poll()
            if home is not None and (home / name / CONFIG).exists():
                if code is not None:
                    self._processes.pop(name, None)
                continue
            failed = code is not None
            why = _why(said) if failed else "the data is read, and the length of the training is measured"
            found.append(unknown(name, "failed" if failed else "new", why))
        return found

    def stop(self, name: str, run: Path | None, state: str) -> None:
        """Asks a run to stop at its next progress update; one that has no folder yet ends at once.

        Raises:
            OptionError: it does not run. OutputError: its folder cannot be written to.
        """
        waiting = self._processes.get(name)
        if state == "running" and run is not None:
            with complaints(run):
                (run / STOP).touch()
        elif waiting is not None and (run is None or state == "new") and waiting[0].poll() is None:
            waiting[0].terminate()
        else:
            raise OptionError(f"the run {name} is {state}; there is nothing to stop.")


def _why(said: Path) -> str:
    """The error that a training ended with, in its own words."""
    with suppress(OSError):
        with said.open("rb") as file:
            file.seek(max(said.stat().st_size - 20_000, 0))
            lines = file.read().decode("utf-8", "replace").splitlines()
        for line in reversed(lines):
            if line.startswith("gankit: "):
                return line.removeprefix("gankit: ")
        if lines:
            return lines[-1][:500]
    return "the training ended at once, without a word. Try it in a terminal: gankit train"
