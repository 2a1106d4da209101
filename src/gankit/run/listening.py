"""Tells callbacks and trackers of a training, so that nothing that they do can cost it.

Knows runs, their folders and who listens; never what a listener does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from gankit.errors import InterruptedRun, OptionError, reason
from gankit.ranks import current
from gankit.tracking import TRACKERS, split
from gankit.tracking.callback import Callback, TrainingEnd, TrainingStart

if TYPE_CHECKING:
    from gankit.kinds.base import Preview
    from gankit.run.folder import RunFolder
    from gankit.run.run import Run
    from gankit.tracking.tracker import Tracker
    from gankit.training.loop import Progress

CLIPS = 3
"""Audio clips that are told of at an evaluation, at most."""


class Listeners:
    """Who is told of one training. One that raises an exception is told no more but of the end.

    texts: the options --log, in forms that a resumed run understands wherever it is.
    """

    def __init__(
        self, callbacks: Sequence[Callback], trackers: Sequence[Tracker], texts: Sequence[str],
        note: Callable[[str], None],
    ) -> None:  # fmt: skip
        self.texts, self._trackers, self._note = tuple(texts), trackers, note
        self._told: list[Callback] = [*trackers, *callbacks]
        self._all = tuple(self._told)

    @classmethod
    def of(
        cls, callbacks: Sequence[Callback], log: Sequence[str], run: Path | None, ids: dict[str, str],
        note: Callable[[str], None],
    ) -> Listeners:  # fmt: skip
        """Those of a run, in the first of several processes. log: the options; ids: what was kept of trackers.

        Raises:
            OptionError: a tracker is unknown, there twice, or cannot be used. DependencyError: it is not installed.
        """
        trackers: list[Tracker] = []

        def make() -> list[str]:
            for text in log:
                name, where = split(text)
                trackers.append(TRACKERS[name](where, run, ids.get(text)))
                if trackers[-1].text in (other.text for other in trackers[:-1]):
                    raise OptionError(f"--log {text} stands there twice. Leave one out.")
            return [tracker.text for tracker in trackers]

        texts = current().by_first(make) if log else []
        return cls(callbacks if current().first else (), trackers, texts, note)

    @contextmanager
    def following(self, run: Run, folder: RunFolder | None) -> Iterator[None]:
        """Within it a training is told of: of its start before, and of its end behind."""
        try:
            self._start(run, folder)
            yield
        except (InterruptedRun, GeneratorExit, KeyboardInterrupt):
            self._end(run, folder, "interrupted")
            raise
        except BaseException as error:
            self._end(run, folder, "failed", reason(error))
            raise
        self._end(run, folder, "finished")

    def progress(self, progress: Progress) -> bool:
        """Tells of a progress update; gives whether one asks to stop."""
        answers = [self._tell(one, "on_progress", progress) for one in tuple(self._told)]
        return any(isinstance(answer, bool | np.bool_) and answer for answer in answers)

    def preview(self, run: Run, progress: Progress, kept: Preview | None) -> None:
        """Tells of the samples of an evaluation; kept: those that the run folder keeps of this update."""
        if progress.scores is not None or progress.metric is not None or progress.finished:
            self._preview(run, progress.samples, kept)

    def _preview(self, run: Run, samples: int, kept: Preview | None = None) -> None:
        looking = [one for one in self._told if type(one).on_preview is not Callback.on_preview]
        if not looking:
            return
        from gankit.run.previews import SEED, model_now, preview_of

        model = model_now(run)
        preview = kept or preview_of(run, model)
        if preview is not None:
            shown = replace(preview, sounds=run.prepared.kind.sounds(model, CLIPS, SEED))
            for one in looking:
                self._tell(one, "on_preview", samples, shown)

    def _start(self, run: Run, folder: RunFolder | None) -> None:
        if not self._told:
            return
        p, game, card = run.prepared, run.game, run.card(None, run.game.samples)
        facts = {name: card[name] for name in ("kind", "network", "precision", "parameters", "latents")}
        facts |= {"train_records": p.num_train, "heldout_records": p.num_heldout}
        path = None if folder is None else folder.path.resolve()
        name = str(card["name"]) if path is None else path.name
        start = TrainingStart(name, path, game.samples, game.length[2], run.metric, card["options"], facts)
        for one in tuple(self._told):
            self._tell(one, "on_start", start)
        for tracker in self._trackers:
            if tracker in self._told:
                self._note(f"{tracker.name}: {tracker.place}")
        if folder is not None and self._trackers:
            folder.keep_trackers({tracker.text: tracker.id for tracker in self._trackers if tracker.id is not None})
        if game.samples == 0:
            self._preview(run, 0)

    def _end(
        self, run: Run, folder: RunFolder | None, status: Literal["finished", "interrupted", "failed"],
        error: str | None = None,
    ) -> None:  # fmt: skip
        game = run.game
        model = folder.model_path.resolve() if folder is not None and folder.model_path.exists() else None
        end = TrainingEnd(status, game.samples, game.best_metric, game.best_samples, model, error)
        for one in self._all:
            self._tell(one, "on_end", end)

    def _tell(self, one: Callback, method: str, *what: Any) -> Any:
        """Calls a method of a listener; one that fails is dropped with a note."""
        try:
            return getattr(one, method)(*what)
        except Exception as error:  # whatever a listener does, the training goes on
            if any(one is other for other in self._told):
                self._told = [other for other in self._told if other is not one]
                named = getattr(one, "name", type(one).__name__)
                said = f"{type(error).__name__}: {reason(error)}"
                self._note(f"{named} failed in {method} ({said}). The training goes on, and tells it no more.")
            return None
