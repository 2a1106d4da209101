"""Weights & Biases: a run of a project.

Knows wandb; never what is trained. `--log wandb:PROJECT` or `wandb:ENTITY/PROJECT`; else WANDB_PROJECT or "gankit".
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gankit.errors import OptionError, reason
from gankit.io.pixels import Pixels
from gankit.tracking.callback import TrainingEnd, TrainingStart
from gankit.tracking.tracker import Rows, Tracker, hyperparameters, library, write_wav

PROJECT = "gankit"
"""Where neither --log nor an environment variable names one."""


class WeightsAndBiases(Tracker):
    """A run of wandb."""

    name = "wandb"

    def __init__(self, where: str | None, library: Any, id: str | None) -> None:
        super().__init__(where, id)
        self._wandb = library
        self._run: Any = None

    def open(self, start: TrainingStart) -> None:
        """See `Tracker`."""
        new = self.id is None
        entity, _, project = (self.where or "").rpartition("/")
        folder = None if start.folder is None or "WANDB_DIR" in os.environ else str(start.folder)
        self._run = run = self._wandb.init(
            project=project or os.environ.get("WANDB_PROJECT", PROJECT),
            entity=entity or None,
            id=self.id,
            resume="allow",
            reinit="create_new",
            name=start.name,
            dir=folder,
            config=hyperparameters(start) if new else None,
            settings=self._wandb.Settings(silent=True, console="off"),
        )
        self.id = str(run.id)
        self.held = -1 if new else max(int(run.step) - 1, start.samples)
        self.place = f"offline: wandb sync {Path(run.dir).parent}" if run.offline else str(run.url)

    def _log(self, values: Mapping[str, Any], samples: int) -> None:
        self._run.log(values, step=samples)

    def figures(self, values: Mapping[str, float], samples: int, urgent: bool) -> None:
        """See `Tracker`."""
        self._log(values, samples)

    def image(self, pixels: Pixels, samples: int) -> None:
        """See `Tracker`."""
        self._log({"samples": self._wandb.Image(pixels)}, samples)

    def sound(self, number: int, wave: np.ndarray, rate: int, samples: int) -> None:
        """See `Tracker`."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{number}.wav"
            write_wav(file, wave, rate)
            self._log({f"samples/{number}": self._wandb.Audio(str(file), sample_rate=rate)}, samples)

    def table(self, columns: Sequence[str], rows: Rows, samples: int) -> None:
        """See `Tracker`."""
        self._log({"samples": self._wandb.Table(columns=[*columns], data=[[*row] for row in rows])}, samples)

    def close(self, end: TrainingEnd) -> None:
        """See `Tracker`."""
        if self._run is None:
            return
        told = {"status": end.status, "model": end.model and str(end.model), "error": end.error}
        self._run.summary.update({name: value for name, value in told.items() if value is not None})
        self._run.finish(exit_code=0 if end.status == "finished" else 1)


def opened(where: str | None, run: Path | None, id: str | None) -> Tracker:
    """See `Opener`.

    Raises:
        OptionError: it is no project, or nobody is logged in.
    """
    wandb = library("wandb", WeightsAndBiases.name)
    if where is not None and (where.count("/") > 1 or not all(where.split("/")) or set(where) & set("\\#?%:")):
        raise OptionError(f"--log wandb:{where}: expected a project, as in wandb:PROJECT or wandb:ENTITY/PROJECT.")
    try:
        mode = wandb.setup().settings.mode
        ready = mode in ("offline", "dryrun", "disabled") or wandb.login(prompt=False)
    except Exception as error:  # of a client of a service nearly anything is raised
        raise OptionError(f"--log wandb cannot be used: {reason(error)}. Try: wandb login") from error
    if not ready:
        raise OptionError("--log wandb: not logged in. Type wandb login, or set WANDB_API_KEY or WANDB_MODE=offline.")
    return WeightsAndBiases(where, wandb, id)
