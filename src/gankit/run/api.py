"""The public functions train, resume, follow and evaluate: from the data to the model, and to the report on it.

Knows every module above the loop and below the command line; never prints, nor how a kind is measured.
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
from gankit.kinds import options_for, prepare
from gankit.model import load
from gankit.run.options import build_config
from gankit.voice import Voice

if TYPE_CHECKING:
    from gankit.kinds.base import Prepared
    from gankit.model.model import Model
    from gankit.report.page import Report
    from gankit.run.folder import RunFolder
    from gankit.run.run import Run
    from gankit.training.loop import Progress

Note = Callable[[str], None]
Stop = Callable[[], bool]

CHECKPOINT_S = 30.0
"""Seconds between two checkpoints; an interruption loses no more than that, and a stop that is asked for nothing."""

LEAST_FAKES = 1000
"""Fakes that are made where nobody says how many and there are fewer held-out records."""

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
    verbose: bool = True,
    **options: Any,
) -> Model:
    """Trains a model on the user's data.

    Args:
        source: a path, "-" for standard input, a DataFrame, an Arrow table, an array, or a list.
        out: the run folder; without it nothing is written and nothing can be resumed.
        config: all options at once; `options` are fields of `TrainConfig` that go before it.
        on_progress, on_note: called with every Progress, and with every decision in words, in place of showing them.
        verbose: show notes and a bar of progress (to standard error, or in the notebook) where nothing else is called.
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
    voice = Voice(quiet=not verbose)
    shared: Any = {"on_note": on_note or voice.note, "should_stop": should_stop, "overwrite": overwrite}
    return _drive(follow(source, out=out, config=config, **shared, **options), on_progress, voice)


def resume(
    run: str | Path,
    source: Any = None,
    *,
    on_progress: Callable[[Progress], None] | None = None,
    on_note: Note | None = None,
    should_stop: Stop | None = None,
    verbose: bool = True,
) -> Model:
    """Goes on with a run where it stood, to the same bits as if it had never been stopped.

    Args:
        run: the run folder.
        source: the data, where it was not a file or the file has moved; it must be the same.
        verbose: as in `train`, like the others.

    Raises:
        ModelError: no run there, or other data.
    """
    voice = Voice(quiet=not verbose)
    stream = _resumed(Path(run), source, on_note or voice.note, should_stop or (lambda: False))
    return _drive(stream, on_progress, voice)


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
    return _new_run(source, config, folder, on_note or (lambda text: None), should_stop or (lambda: False), overwrite)


def evaluate(
    model: Model | str | Path, real: Any = None, *, fake: Any = None, seed: int = 0, n: int | None = None,
    records: bool = True, fast: bool = False, on_note: Note | None = None, verbose: bool = True, **options: Any,
) -> Report:  # fmt: skip
    """Measures how good a model's fakes are, on fakes read back from their file.

    Args:
        model: a model, a model file or a run folder.
        real: held-out records that trained nothing; without them the run's own held-out part.
        fake: fakes in any readable form; without them `n` are made (as many as held-out ones, at least 1000).
        seed: of the fakes and of the measurements.
        records: show the training records that fakes lie nearest to; False where the report goes to people who must
            not see the data.
        fast: measure on a few hundred records of each part: seconds, and wider intervals.
        on_note, verbose: as in `train`.
        options: those of the kind of data. Tables: `target`, the column whose prediction measures usefulness. Images
            and audio clips: `features`, what distances are measured in: "auto" (a classifier of the labels, or a fixed
            network where there are none), "fixed", or "inception" (the FID's).
            Texts: `valid`, a function that says of one whether it is valid, or a regular expression that matches the
            whole of a valid one.

    Returns:
        The report: `save`, `json`, `html`, `verdicts`.

    Raises:
        GankitError: see `errors`; the text says what to do.
    """
    from gankit.kinds.assessment import assess
    from gankit.model.model import Model
    from gankit.run.folder import RunFolder

    if n is not None and n < 2:
        raise OptionError(f"{n} fakes are too few to judge by. Make at least 2, better thousands.")
    loaded, file = (model, None) if isinstance(model, Model) else (load(model), Path(model))
    prepared, place = loaded.prepared, loaded.run or file
    run: RunFolder | None = None
    if prepared is None and place is not None:
        run = RunFolder.open(loaded.run) if loaded.run is not None else None
        prepared = _prepared_of(place, run, need=real is None)
        if run is not None:
            kept = None if prepared is None else run.load_evidence(prepared)
            loaded = replace(loaded, perception=kept, baseline=run.load_baseline())
    kind = loaded.of
    asked = options_for(kind, "evaluate", options, f"this model is of kind {kind.name}")
    assessment = kind.assessment(loaded, prepared, [], on_note or Voice(quiet=not verbose).note, **vars(asked))
    previews, count = None if run is None else run.previews, n or num_fakes(loaded)
    return assess(assessment, real, fake, previews, num_fakes=count, seed=seed, records=records, fast=fast)


def num_fakes(model: Model) -> int:
    """Fakes that are judged where nobody says how many: as many as held-out records, within bounds."""
    least = max(int(model.card["rows"]["heldout"]), LEAST_FAKES)
    return min(least, model.of.most_fakes or least)


def _prepared_of(path: Path, run: RunFolder | None, need: bool) -> Prepared[Any, Any] | None:
    """The data that a run was trained on, read again; None for a lone model file."""
    entry: dict[str, Any] = {"source": None} if run is None else run.config()
    if entry["source"] is None:
        if need and run is not None:
            raise OptionError(f"{path} was trained on data that was no file. Say what to judge by: --real FILE.")
        if need:
            raise OptionError(
                f"{path} is a model file without its data. Say what to judge by: --real FILE, or give its run folder."
            )
        return None
    prepared = prepare(entry["source"], TrainConfig.from_json(entry["options"]), [])
    if prepared.data_hash != entry["data_hash"]:
        raise ModelError(
            f"{entry['source']} is not what {path} was trained on any more (its content differs), so that its held-out "
            "part is not known. Say what to judge by: --real FILE."
        )
    return prepared


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
            if not out.is_dir() or (any(out.iterdir()) and not (out / "config.json").exists()):
                raise OptionError(
                    f"{out} is not a run folder, so that --overwrite leaves it alone. Choose another with -o."
                )
            shutil.rmtree(out)
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


def _drive(
    stream: Stream[Progress, None, Model], on_progress: Callable[[Progress], None] | None, voice: Voice
) -> Model:
    try:
        while True:
            (on_progress or voice.progress)(next(stream))
    except StopIteration as end:
        model: Model = end.value
        return model
    finally:
        voice.end_progress()


__all__ = ["evaluate", "follow", "resume", "train"]
