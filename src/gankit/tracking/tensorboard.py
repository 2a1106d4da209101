"""TensorBoard: event files in a folder.

Knows SummaryWriter; never what is trained. `--log tensorboard` writes to RUN/tensorboard, `tensorboard:DIR` to DIR.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gankit.arguments import path_of
from gankit.errors import OptionError, reason
from gankit.io.pixels import Pixels
from gankit.tracking.callback import TrainingEnd, TrainingStart
from gankit.tracking.tracker import Rows, Tracker, hyperparameters, library, markdown

FOLDER = "tensorboard"
"""In the run folder, where nothing else is said."""

FLUSH_S = 10
"""Seconds after which what was sent can be read."""


class TensorBoard(Tracker):
    """Event files in `folder`; a resumed run hides what the interrupted one wrote after its checkpoint."""

    name = "tensorboard"

    def __init__(self, where: str | None, folder: Path, id: str | None) -> None:
        super().__init__(where, id)
        self._folder = folder
        self._writer: Any = None

    def open(self, start: TrainingStart) -> None:
        """See `Tracker`."""
        writing = library("torch.utils.tensorboard", self.name)
        new, self.id = self.id is None, "begun"
        purged = {} if new else {"purge_step": start.samples + 1}
        self._writer = writing.SummaryWriter(str(self._folder), flush_secs=FLUSH_S, **purged)
        self.place = f"tensorboard --logdir {self._folder}"
        if new:
            stated = hyperparameters(start)
            self._writer.add_text("config", markdown(["option", "value"], stated.items()), 0)
            metrics = {"heldout/best_metric": 0.0}
            for summary in library("torch.utils.tensorboard.summary", self.name).hparams(stated, metrics):
                self._writer.file_writer.add_summary(summary)

    def figures(self, values: Mapping[str, float], samples: int, urgent: bool) -> None:
        """See `Tracker`."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, samples)
        if urgent:
            self._writer.flush()

    def image(self, pixels: Pixels, samples: int) -> None:
        """See `Tracker`."""
        self._writer.add_image("samples", pixels, samples, dataformats="HWC")

    def sound(self, number: int, wave: np.ndarray, rate: int, samples: int) -> None:
        """See `Tracker`."""
        self._writer.add_audio(f"samples/{number}", wave[None].astype(np.float32) / 32768, samples, sample_rate=rate)

    def table(self, columns: Sequence[str], rows: Rows, samples: int) -> None:
        """See `Tracker`."""
        self._writer.add_text("samples", markdown(columns, rows), samples)

    def close(self, end: TrainingEnd) -> None:
        """See `Tracker`."""
        if self._writer is None:
            return
        told = [end.status, f"best held-out metric: {end.best_metric} after {end.best_samples:,} samples"]
        told += [f"model: {end.model}"] * (end.model is not None) + [str(end.error)] * (end.error is not None)
        self._writer.add_text("end", "\n\n".join(told), end.samples)
        self._writer.close()


def opened(where: str | None, run: Path | None, id: str | None) -> Tracker:
    """See `Opener`.

    Raises:
        OptionError: there is no folder, it cannot be made, or it has events of another training.
    """
    library("tensorboard", TensorBoard.name)
    if where is None and run is None:
        raise OptionError("--log tensorboard writes to the run folder, and there is none. Say where: tensorboard:DIR.")
    folder = path_of(where or "").resolve() if where else (run or Path()).resolve() / FOLDER
    if where:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OptionError(f"--log tensorboard:{where} is no folder ({reason(error)}). Name another.") from error
    if where and id is None and any(folder.glob("events.out.tfevents.*")):
        raise OptionError(f"--log tensorboard:{where} has another training in it. Name another folder: {where}/NAME.")
    return TensorBoard(where and str(folder), folder, id)
