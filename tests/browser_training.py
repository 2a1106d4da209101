"""Short trainings for the tests of the page, which go on only as far as a test has let them.

`python tests/browser_training.py FOLDER` plays them one after the other.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from gankit.randomness import numpy_generator

HOSTILE = "<img src=x onerror=alert(1)>"
LEVELS = ("</script><b>Oslo</b>", "Lima")
LENGTHS = {"numbers": 9_000, "images": 1000, "people": 8_000}
"""Trainings, in their order, and how many real samples each shows."""


def written_data(folder: Path) -> dict[str, Path]:
    """Files of data for each training."""
    random = numpy_generator(0, "browser")
    paths = {"numbers": folder / "numbers.txt", "images": folder / "images.npy", "people": folder / "people.csv"}
    bells = np.where(random.random(300) < 0.5, random.normal(-2, 0.5, 300), random.normal(2, 1, 300))
    paths["numbers"].write_text("".join(f"{x:.4f}\n" for x in bells))
    np.save(paths["images"], random.integers(0, 255, (40, 8, 8, 3), dtype=np.uint8))
    cities = random.choice(LEVELS, 200)
    ages = random.integers(18, 80, 200)
    paths["people"].write_text(f"age,{HOSTILE}\n" + "".join(f"{a},{c}\n" for a, c in zip(ages, cities, strict=True)))
    return paths


class Trainings:
    """The trainings of a folder, in a process of their own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.data = written_data(home)
        self._process: subprocess.Popen[bytes] | None = None

    def allow(self, name: str, share: float) -> None:
        """Lets a training go on to a share of its length, and those before it to their end."""
        names = list(LENGTHS)
        for before in names[: names.index(name)]:
            (self.home / before).write_text("inf")
        (self.home / name).write_text("inf" if share >= 1 else str(share * LENGTHS[name]))
        if self._process is None:
            with (self.home / "out").open("wb") as out:
                words = [sys.executable, __file__, str(self.home)]
                self._process = subprocess.Popen(words, stdout=out, stderr=out)

    def finish(self) -> Path:
        """Plays all to their end; gives the folder of the runs."""
        self.allow(list(LENGTHS)[-1], 1)
        assert self._process is not None
        assert self._process.wait(120) == 0, (self.home / "out").read_text()
        return self.home / "runs"

    def close(self) -> None:
        """Ends them."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def kept(run: Path) -> list[int]:
    """The samples at which a run kept previews."""
    return sorted({int(path.name[:12]) for path in (run / "previews").iterdir() if path.name[:12].isdigit()})


def killed(runs: Path) -> None:
    """Ends the trainings of a folder that play."""
    for path in runs.glob("*/pid"):
        with suppress(OSError, ValueError):
            os.kill(json.loads(path.read_bytes())["pid"], signal.SIGKILL)


def _held(allowed: Path) -> Callable[[Any], None]:
    def told(progress: Any) -> None:
        while not allowed.exists() or progress.samples > float(allowed.read_text() or 0):
            time.sleep(0.02)

    return told


def main(home: Path) -> None:
    """Trains on each of the files."""
    import gankit

    for name, path in written_data(home).items():
        options: dict[str, Any] = {"given": [HOSTILE]} if name == "people" else {}
        gankit.train(
            str(path), out=home / "runs" / name, samples=LENGTHS[name], early_stop=False, width=16, verbose=False,
            on_progress=_held(home / name), on_note=lambda note: None, **options,
        )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]))
