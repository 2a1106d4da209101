"""Which runs there are under the folders that the page was started on, and where their files are.

Knows folders and names; never what is in a run. No name leads out of the folders, by `..` or by a link.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from gankit.errors import GankitError
from gankit.web.folders.log import Log

DEEPEST = 3
"""Folders between a root and a run, the run's own among them."""

MOST_RUNS, MOST_LOGS = 2000, 8
"""Runs that are listed, and logs that are kept whole; of all others only what a summary needs."""

UPLOADS = ".uploads"
"""The folder under a root that holds what was uploaded."""

CONFIG, LOG, PID, STOP, ABOUT = "config.json", "log.jsonl", "pid", "stop", "about.json"
"""Files of a run."""


class NotFoundError(GankitError):
    """There is no such run, preview or page."""


def within(folder: Path, *parts: str) -> Path:
    """The path of a file in a folder, links followed.

    Raises:
        NotFoundError: it would lie elsewhere.
    """
    try:
        root, path = folder.resolve(), folder.joinpath(*parts).resolve()
    except (OSError, ValueError, RuntimeError):
        raise NotFoundError(f"{'/'.join(parts)!r} is no file of a run.") from None
    if not path.is_relative_to(root):
        raise NotFoundError(f"{'/'.join(parts)!r} is no file of a run.")
    return path


class Runs:
    """The runs under some roots: each root is a run folder, or a folder of runs.

    A run's name is its path relative to its root; of a root that is a run, the folder's name. Of two runs of one name
    the one of the later root is named after its root, too.
    """

    def __init__(self, roots: Sequence[Path]) -> None:
        self.roots = [Path(os.path.abspath(root)) for root in roots]
        self._logs: OrderedDict[tuple[Path, bool], Log] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def home(self) -> Path | None:
        """The folder that new runs go to: the first root that is no run itself."""
        return next((root for root in self.roots if not (root / CONFIG).is_file()), None)

    def all(self) -> dict[str, Path]:
        """Every run by its name; folders that vanish or may not be read are passed over."""
        found: dict[str, Path] = {}
        for root in self.roots:
            for name, path in _runs_under(root):
                found.setdefault(name if name not in found else f"{root.name}/{name}", path)
                if len(found) >= MOST_RUNS:
                    return found
        return found

    def find(self, name: str) -> Path:
        """The folder of a run.

        Raises:
            NotFoundError: there is none of this name under the roots.
        """
        parts = name.split("/")
        if parts and all(part not in ("", ".", "..") and "\\" not in part and "\0" not in part for part in parts):
            for root in self.roots:
                places = [root] if (root / CONFIG).is_file() else []
                if places and parts != [root.name]:
                    continue
                if not places:
                    places = [root.joinpath(*parts)]
                    places += [root.joinpath(*parts[1:])] if parts[0] == root.name and len(parts) > 1 else []
                for place in places:
                    with suppress(OSError, NotFoundError):
                        hidden = any(part.startswith(".") for part in parts)
                        if not hidden and len(parts) <= DEEPEST + 1 and within(place, CONFIG).is_file():
                            return within(root, str(place.relative_to(root)))
        raise NotFoundError(f"There is no run {name[:200]!r} here (any more). Look for it among all runs.")

    def log(self, path: Path, brief: bool = False) -> Log:
        """The log of a run as it now is; whole logs are kept for the runs that were looked at last."""
        with self._lock:
            key = (path, brief)
            log = self._logs.setdefault(key, Log(path / LOG, brief))
            self._logs.move_to_end(key)
            for limit, kind in ((MOST_LOGS, False), (MOST_RUNS, True)):
                kept = [key for key in self._logs if key[1] is kind]
                for old in kept[: max(len(kept) - limit, 0)]:
                    del self._logs[old]
        log.refresh()
        return log


def _runs_under(root: Path) -> Iterator[tuple[str, Path]]:
    if (root / CONFIG).is_file():
        yield root.name, root.resolve()
        return
    waiting = [(root, 0)]
    while waiting:
        folder, depth = waiting.pop()
        try:
            with os.scandir(folder) as entries:
                inside = sorted((e.name for e in entries if not e.name.startswith(".") and e.is_dir()), reverse=True)
        except OSError:
            continue
        for name in inside:
            place = folder / name
            if (place / CONFIG).is_file():
                with suppress(NotFoundError, OSError):
                    yield place.relative_to(root).as_posix(), within(root, str(place.relative_to(root)))
            elif depth + 1 < DEEPEST:
                waiting.append((place, depth + 1))
