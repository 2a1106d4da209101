"""What every tracker is sent, and in which form: figures by name, images, audio clips and tables.

Knows progress updates, previews and pixels; never a single tracker.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wave import open as open_wave

import numpy as np

from gankit.errors import DependencyError
from gankit.io.pixels import Pixels, enlarged, grid, to_pillow
from gankit.tracking.callback import Callback, TrainingEnd, TrainingStart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gankit.kinds.base import Preview
    from gankit.training.loop import Progress

FIELDS: Mapping[str, str] = {
    "loss/discriminator": "d_loss",
    "loss/generator": "g_loss",
    "loss/penalty": "penalty",
    "loss/gap": "gap",
    "gradient/discriminator": "d_gradient",
    "gradient/generator": "g_gradient",
    "heldout/metric": "metric",
    "heldout/metric_low": "metric_low",
    "heldout/metric_high": "metric_high",
    "heldout/best_metric": "best_metric",
    "training/samples": "samples",
    "training/epoch": "epoch",
    "training/learning_rate": "learning_rate",
    "training/penalty_weight": "weight",
    "training/augmentation": "strength",
    "training/samples_per_second": "samples_per_second",
}
"""Figures in trackers, and the fields of `Progress` that they are; D's scores are "scores/" and their own names."""

SAMPLES = "training/samples"
"""The figure that is the step of the others."""

ROWS, SERIES, CHANNELS = 12, 8, 4
"""Of a table that is sent, and of a drawing of series, at most."""

Rows = Sequence[Sequence[str | None]]


class Tracker(Callback, ABC):
    """A callback that sends what it is told to a tracker, by that one's own library.

    Attributes:
        name: as in --log.
        where: what stands behind its name, in a form that means the same wherever a resumed run goes on; or None.
        id: of its run there; None before it is opened.
        held: samples up to which a resumed run has sent its figures before.
        place: where people find them, in a few words.
    """

    name: str
    place: str

    def __init__(self, where: str | None, id: str | None) -> None:
        self.where, self.id, self.held, self._last = where, id, -1, -1

    @property
    def text(self) -> str:
        """As it was typed: name and where."""
        return self.name if self.where is None else f"{self.name}:{self.where}"

    @abstractmethod
    def open(self, start: TrainingStart) -> None:
        """Begins a run there with the hyperparameters, or goes on with `id`; sets `id`, `held` and `place`."""

    @abstractmethod
    def figures(self, values: Mapping[str, float], samples: int, urgent: bool) -> None:
        """Sends figures of a step; urgent: at once."""

    @abstractmethod
    def image(self, pixels: Pixels, samples: int) -> None:
        """Sends an image, [H, W, 3 or 4] uint8."""

    @abstractmethod
    def sound(self, number: int, wave: np.ndarray, rate: int, samples: int) -> None:
        """Sends an audio clip, [T] int16."""

    @abstractmethod
    def table(self, columns: Sequence[str], rows: Rows, samples: int) -> None:
        """Sends rows of texts."""

    @abstractmethod
    def close(self, end: TrainingEnd) -> None:
        """Ends the run there; also of one that was never opened."""

    def on_start(self, start: TrainingStart) -> None:
        """See `Callback`."""
        self.open(start)
        self._last = self.held

    def on_progress(self, progress: Progress) -> None:
        """See `Callback`; steps that were sent before, or that were undone, are left out."""
        if progress.samples <= self._last:
            return
        self._last = progress.samples
        urgent = progress.scores is not None or progress.metric is not None or progress.finished
        self.figures(figures_of(progress), progress.samples, urgent)

    def on_preview(self, samples: int, preview: Preview) -> None:
        """See `Callback`."""
        if samples <= self.held:
            return
        if preview.form == "rows":
            columns = [column.slice(0, ROWS).to_pylist() for column in preview.records.columns]
            self.table(preview.records.column_names, list(zip(*columns, strict=True)), samples)
        elif preview.form == "texts":
            self.table(["text"], [[text] for text in preview.records[:ROWS]], samples)
        else:
            self.image(_shown(preview), samples)
        if preview.sounds is not None:
            for number, clip in enumerate(preview.sounds.clips):
                self.sound(number, clip.mean(1).astype(np.int16), preview.sounds.rate, samples)

    def on_end(self, end: TrainingEnd) -> None:
        """See `Callback`."""
        self.close(end)


def library(module: str, tracker: str) -> Any:
    """A module of a tracker's library.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        missing = error.name or module
        raise DependencyError(
            f"--log {tracker} needs the package {missing.partition('.')[0]}: pip install 'gankit[{tracker}]'"
        ) from error


def write_wav(path: Path, wave: np.ndarray, rate: int) -> None:
    """Writes an audio clip, [T] int16, as a file."""
    with open_wave(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(wave.astype("<i2").tobytes())


def figures_of(progress: Progress) -> dict[str, float]:
    """What is sent of a progress update, by name: all that is known and finite."""
    found = {name: getattr(progress, field) for name, field in FIELDS.items()}
    if progress.scores is not None:
        found |= {f"scores/{name}": float(value) for name, value in asdict(progress.scores).items()}
    return {name: float(value) for name, value in found.items() if value is not None and math.isfinite(value)}


def hyperparameters(start: TrainingStart) -> dict[str, bool | int | float | str]:
    """What is known of a training before it begins, by name; lists as texts, and what was not set left out."""
    found = {**start.options, **start.facts, "total_samples": start.total_samples, "metric": start.metric}
    plain = {name: ", ".join(map(str, v)) if isinstance(v, list | tuple) else v for name, v in found.items()}
    scalar = bool | int | float | str
    return {name: v if isinstance(v, scalar) else str(v) for name, v in plain.items() if v not in (None, "")}


def markdown(columns: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    r"""A table in Markdown.

    >>> print(markdown(["a", "b"], [["x|y", None]]))
    | a | b |
    |---|---|
    | x\|y |  |
    """
    head = list(columns)
    lines = [head, ["---"] * len(head), *rows]
    cells = [[" ".join(str("" if c is None else c).replace("|", "\\|").split()) for c in line] for line in lines]
    return "\n".join(f"|{'|'.join(line)}|" if n == 1 else f"| {' | '.join(line)} |" for n, line in enumerate(cells))


def _shown(preview: Preview) -> Pixels:
    """Images as one sheet, numbers as a drawing: [H, W, 3 or 4] uint8."""
    if preview.form == "grid":
        x = preview.records
        sheet = to_pillow(enlarged(grid(x), max(x.shape[1:3])))
        return np.asarray(sheet.convert("RGBA" if x.shape[-1] in (2, 4) else "RGB"))
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), dpi=100, layout="constrained")
    canvas: Any = FigureCanvasAgg(figure)
    (_draw_lines if preview.form == "lines" else _draw_dots)(figure, preview.records)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3]


def _draw_lines(figure: Figure, x: np.ndarray) -> None:
    """Series [n, T, C]: a panel a channel."""
    channels = min(x.shape[2], CHANNELS)
    for channel in range(channels):
        figure.add_subplot(channels, 1, channel + 1).plot(x[:SERIES, :, channel].T, linewidth=1)


def _draw_dots(figure: Figure, x: np.ndarray) -> None:
    """Numbers [n, D]: a histogram of one, else dots of the first two."""
    axes = figure.add_subplot()
    if x.shape[1] == 1:
        axes.hist(x[:, 0], bins=60)
    else:
        axes.plot(x[:, 0], x[:, 1], ".", markersize=3)
