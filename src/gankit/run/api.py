"""The public functions train, resume and follow: from the data to the model.

Knows every module above the loop and below the command line; never prints.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from collections.abc import Generator as Stream
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gankit.config import TrainConfig
from gankit.errors import DivergedError, InterruptedRun, ModelError, OptionError
from gankit.kinds import prepare
from gankit.run.options import build_config

if TYPE_CHECKING:
    from gankit.model.model import Model
    from gankit.run.folder import RunFolder
    from gankit.run.run import Run
    from gankit.training.loop import Progress

Note = Callable[[str], None]
Stop = Callable[[], bool]

CHECKPOINT_S = 30.0
"""Seconds between two checkpoints; an interruption loses no more than that, and a stop that is asked for nothing."""

_OF_THE_CLOCK = ("samples_per_second", "seconds_left")
"""Fields of Progress that the log leaves out, so that it is the same whenever a run is repeated."""


def train(
    source: Any,
    *,
    out: str | Path | None = None,
    config: TrainConfig | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_note: Note | None = None,
    should_stop: Stop | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Model:
    """Trains a model on the user's data.

    Args:
        source: a path, "-" for standard input, a DataFrame, an Arrow table, an array, or a list.
        out: the run folder; without it nothing is written and nothing can be resumed.
        config: all options at once; `options` are fields of `TrainConfig` that go before it.
        on_progress, on_note: called with every Progress, and with every decision in words.
        should_stop: asked before the first step and at every Progress; True at one saves and raises InterruptedRun.
        overwrite: replace a run that is in `out`.

    Returns:
        The model; with its training data at hand, for `evaluate`.

    Raises:
        GankitError: see `errors`; the text says what to do.

    Example:
        >>> import numpy as np, gankit
        >>> x = np.random.default_rng(0).normal(size=400)
        >>> model = gankit.train(x, samples="5k")
        >>> model.sample(3).shape
        (3,)
    """
    shared: Any = {"on_note": on_note, "should_stop": should_stop, "overwrite": overwrite}
    return _drive(follow(source, out=out, config=config, **shared, **options), on_progress)


def resume(
    run: str | Path,
    source: Any = None,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    on_note: Note | None = None,
    should_stop: Stop | None = None,
) -> Model:
    """Goes on with a run where it stood, to the same bits as if it had never been stopped.

    Args:
        run: the run folder.
        source: the data, where it was not a file or the file has moved; it must be the same.

    Raises:
        ModelError: no run there, or other data.
    """
    return _drive(_resumed(Path(run), source, on_note or _silent, should_stop or _never), on_progress)


def follow(
    source: Any,
    *,
    out: str | Path | None = None,
    config: TrainConfig | None = None,
    on_note: Note | None = None,
    should_stop: Stop | None = None,
    overwrite: bool = False,
    **options: Any,
) -> Stream[Progress, None, Model]:
    """As `train`, step by step: iterate over the Progress, stop when you like; what it returns at the end is the model.

    Raises:
        GankitError: see `errors`; the text says what to do.

    Example:
        >>> import numpy as np, gankit
        >>> for progress in gankit.follow(np.arange(100.0), samples="2k"):
        ...     seen = progress.samples
        >>> seen
        2000
    """
    config = build_config({**(config or TrainConfig()).to_json(), **options})
    folder = None if out is None else Path(out)
    return _new_run(source, config, folder, on_note or _silent, should_stop or _never, overwrite)


def _new_run(
    source: Any, config: TrainConfig, out: Path | None, note: Note, should_stop: Stop, overwrite: bool
) -> Stream[Progress, None, Model]:
    from gankit.networks.execution import threads
    from gankit.run.folder import RunFolder
    from gankit.run.machine import compile_for, threads_for
    from gankit.run.plan import length_of
    from gankit.run.run import Run

    began = time.monotonic()
    notes: list[str] = []
    prepared = prepare(source, config, notes)
    config = replace(config, threads=threads_for(prepared, config, notes))
    with threads(config.threads):
        evidence = prepared.kind.evidence(prepared, config, notes)
        config = prepared.kind.settle(prepared, config.completed(prepared.kind.options.train), notes)
    run = Run.start(prepared, config, None, evidence)
    with run.threads():
        config = replace(config, compile=compile_for(run, config, notes))
        total_samples, evaluations = length_of(run, config, time.monotonic() - began, notes)
    # Recorded as found out, so that a run goes on alike whatever the machine.
    config = replace(config, precision=run.plan.precision, evaluations=evaluations)
    run = run.settled(config, total_samples)
    for text in notes:
        note(text)
    folder = None
    if out is not None:
        if overwrite and out.exists():
            _remove_run(out)
        path = str(Path(source).resolve()) if isinstance(source, str | Path) and str(source) != "-" else None
        entry = {"options": config.to_json(), "source": path, "data_hash": prepared.data_hash, "notes": notes}
        folder = RunFolder.create(out, {**entry, "total_samples": total_samples})
        folder.save_evidence(evidence)
        run.save(folder)
    return (yield from _play(run, folder, began, note, should_stop))


def _resumed(path: Path, source: Any, note: Note, should_stop: Stop) -> Stream[Progress, None, Model]:
    from gankit.networks.execution import threads
    from gankit.run.folder import RunFolder
    from gankit.run.machine import still_compiles
    from gankit.run.run import Run

    began = time.monotonic()
    folder = RunFolder.open(path)
    entry = folder.config()
    config = TrainConfig.from_json(entry["options"])
    if source is None:
        source = entry["source"]
        if source is None:
            raise OptionError(f"{path} was trained on data that was no file. Give the same data again to go on.")
    prepared = prepare(source, config, [])
    if prepared.data_hash != entry["data_hash"]:
        raise ModelError(
            f"the data is not what {path} was trained on (its content differs). Give the same data, or begin a new run."
        )
    total_samples = entry["total_samples"]
    if folder.is_untouched():  # it was stopped while it was being made
        with threads(config.threads):
            evidence = prepared.kind.evidence(prepared, config, [])
        run = Run.start(prepared, config, total_samples, evidence)
        folder.save_evidence(evidence)
        run.save(folder)
    else:
        checkpoint = folder.load_checkpoint()
        for text in checkpoint.notes:
            note(text)
        run = Run.start(prepared, config, total_samples, folder.load_evidence(prepared))
        run.game.load_state(checkpoint.tensors, checkpoint.state)
        folder.cut_log(checkpoint.step)
    notes: list[str] = []
    with run.threads():
        still_compiles(run, notes)
    for text in notes:
        note(text)
    note(f"going on at {run.game.samples:,} of {total_samples:,} samples.")
    return (yield from _play(run, folder, began, note, should_stop))


def _play(
    run: Run, folder: RunFolder | None, began: float, note: Note, should_stop: Stop
) -> Stream[Progress, None, Model]:
    from gankit.training.loop import play

    saved = time.monotonic()
    should_stop()  # from here on it is obeyed
    try:
        game = play(run.game, run.train, run.heldout, run.evaluate)
        while True:
            with run.threads():
                progress = next(game, None)
            if progress is None:
                break
            if folder is not None:
                folder.log({k: v for k, v in asdict(progress).items() if k not in _OF_THE_CLOCK})
                if progress.metric is not None and (preview := run.preview()) is not None:
                    folder.save_preview(progress.samples, preview)
                if progress.metric is not None or time.monotonic() - saved > CHECKPOINT_S or should_stop():
                    run.save(folder)
                    saved = time.monotonic()
            yield progress
            if should_stop() and not progress.finished:
                how = "start it with an output folder to be able to"
                how = f"gankit train -o {folder.path} --resume" if folder else how
                raise InterruptedRun(
                    f"stopped after {progress.samples:,} samples; the state is saved. Go on with: {how}"
                )
    except DivergedError:
        if folder is not None and run.game.best is not None:
            run.model().save(folder.model_path)
            note(f"the last good model is in {folder.model_path}")
        raise
    model = run.model()
    if folder is not None:
        run.save(folder)
        model.save(folder.model_path)
        folder.save_baseline(model)
        folder.log({"step": run.game.step, "event": "finished", "seconds": round(time.monotonic() - began, 1)})
    return model


def _drive(stream: Stream[Progress, None, Model], on_progress: Callable[[Progress], None] | None) -> Model:
    while True:
        try:
            progress = next(stream)
        except StopIteration as end:
            model: Model = end.value
            return model
        if on_progress is not None:
            on_progress(progress)


def _remove_run(path: Path) -> None:
    """Removes a run folder; refuses what does not look like one."""
    if not path.is_dir() or (any(path.iterdir()) and not (path / "config.json").exists()):
        raise OptionError(f"{path} is not a run folder, so that --overwrite leaves it alone. Choose another with -o.")
    shutil.rmtree(path)


def _silent(text: str) -> None:
    pass


def _never() -> bool:
    return False


__all__ = ["follow", "resume", "train"]
