"""The public functions train, resume, follow and evaluate: from the data to the model, and to the report on it.

Knows every module above the loop and below the command line; never prints, nor how a kind is measured.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Stream
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack, cast

from gankit import __version__
from gankit.arguments import checked, path_of
from gankit.budget import Budget
from gankit.config import TrainConfig
from gankit.errors import DivergedError, InterruptedRun, ModelError, OptionError
from gankit.io.databases.addresses import is_address, lasting
from gankit.kinds import options_for, prepare
from gankit.model import inspect, load
from gankit.ranks import apart, current, join
from gankit.run.keywords import TrainOptions, documented
from gankit.run.options import build_config, train_options
from gankit.run.pace import Planner, planner_from
from gankit.run.stopping import interruptible
from gankit.tracking.callback import Callback, checked_callbacks
from gankit.voice import Voice

if TYPE_CHECKING:
    from gankit.kinds.base import Prepared, Preview
    from gankit.model.model import Model
    from gankit.report.page import Report
    from gankit.run.folder import RunFolder
    from gankit.run.listening import Listeners
    from gankit.run.previews import Previews
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


class Training(Iterator["Progress"]):
    """A training that is followed: an iterator over its Progress.

    What it gives when it is left early can be sampled from, evaluated and saved: `model`. With an output folder, its
    state is saved too, and `resume` goes on from there.
    """

    def __init__(self, steps: Stream[Run | Progress, None, None]) -> None:
        self._steps = steps
        self._run: Run | None = None

    def __next__(self) -> Progress:
        if self._run is None:
            self._run = cast("Run", next(self._steps))
        return cast("Progress", next(self._steps))

    def close(self) -> None:
        """Leaves the training where it stands."""
        self._steps.close()

    @property
    def model(self) -> Model:
        """The best model so far.

        Raises:
            ModelError: no step has been taken.
        """
        if self._run is None:
            raise ModelError("the training has not begun. Take a step of it first: next(training).")
        return self._run.model()


@documented(train_options())
@checked
def train(
    source: Any,
    *,
    out: str | Path | None = None,
    config: TrainConfig | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_note: Note | None = None,
    callbacks: Sequence[Callback] = (),
    should_stop: Stop | None = None,
    overwrite: bool = False,
    verbose: bool = True,
    **options: Unpack[TrainOptions],
) -> Model:
    """Trains a model on the user's data.

    Args:
        source: a path, a database's address, "-" for standard input, a DataFrame, an Arrow table, an array, or a list.
        out: the run folder; without it nothing is written and nothing can be resumed.
        config: all options at once; `options` are fields of `TrainConfig` that go before it.
        on_progress: called with every Progress, in place of showing it.
        on_note: called with every decision in words, in place of showing it.
        callbacks: objects that are told of the start, of every Progress, of previews and of the end; see `Callback`.
        verbose: show notes and a bar of progress (to standard error, or in the notebook) where nothing else is called.
        should_stop: asked before the first step and at every Progress; True at one saves and raises InterruptedRun,
            whose `model` is the best so far. Without it Ctrl-C stops at the next Progress and gives that model.
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
    if not join().first:
        verbose, on_progress, on_note = False, None, None
    voice, show = _speaker(verbose, on_progress)
    with _stopping(on_note or voice.note, should_stop) as stop:
        shared: Any = {"on_note": on_note or voice.note, "should_stop": stop, "overwrite": overwrite}
        shared["callbacks"] = callbacks
        return _drive(follow(source, out=out, config=config, **shared, **options), show, voice, should_stop)


@checked
def resume(
    run: str | Path,
    source: Any = None,
    *,
    samples: str | int | None = None,
    budget: str | None = None,
    on_progress: Callable[[Progress], None] | None = None,
    on_note: Note | None = None,
    callbacks: Sequence[Callback] = (),
    should_stop: Stop | None = None,
    verbose: bool = True,
) -> Model:
    """Goes on with a run where it stood, to the same bits as if it had never been stopped; or extends it.

    Args:
        run: the run folder.
        samples, budget: how much longer, as in `train`: what was left of a run that was stopped, and this beside it. Of
            a finished run the schedule of the game begins anew.
        source: the data, where it was not a file or the file has moved; it must be the same.
        verbose: as in `train`, like the others.

    Raises:
        ModelError: no run there, or other data.
    """
    if not join().first:
        verbose, on_progress, on_note = False, None, None
    voice, show = _speaker(verbose, on_progress)
    more = build_config({"samples": samples, "budget": budget}, where="resume")
    told = checked_callbacks(callbacks)
    with _stopping(on_note or voice.note, should_stop) as stop:
        training = Training(_resumed(Path(run), source, more, told, on_note or voice.note, stop))
        return _drive(training, show, voice, should_stop)


@documented(train_options())
@checked
def follow(
    source: Any,
    *,
    out: str | Path | None = None,
    config: TrainConfig | None = None,
    on_note: Note | None = None,
    callbacks: Sequence[Callback] = (),
    should_stop: Stop | None = None,
    overwrite: bool = False,
    verbose: bool = False,
    **options: Unpack[TrainOptions],
) -> Training:
    """As `train`, step by step: iterate over the Progress and stop when you like; `model` is the best one so far.

    Its arguments are those of `train`, without `on_progress`. It is silent; `verbose` says the notes.

    Raises:
        GankitError: see `errors`; the text says what to do.

    Example:
        >>> import numpy as np, gankit
        >>> training = gankit.follow(np.arange(100.0), samples="2k")
        >>> for progress in training:
        ...     if progress.samples > 1000:
        ...         break
        >>> training.model.sample(3).shape
        (3,)
    """
    config = build_config({**(config or TrainConfig()).to_json(), **options})
    folder = None if out is None else path_of(out, "out")
    note, stop = on_note or Voice(quiet=not verbose).note, should_stop or (lambda: False)
    return Training(_new_run(source, config, folder, checked_callbacks(callbacks), note, stop, overwrite))


@checked
def evaluate(
    model: Model | str | Path, real: Any = None, *, fake: Any = None, seed: int = 0, n: int | None = None,
    records: bool = True, fast: bool = False, on_note: Note | None = None, verbose: bool = True, **options: Any,
) -> Report:  # fmt: skip
    """Measures how good a model's synthetic samples are, as they are read back from their file.

    Args:
        model: a model, a model file, a run folder or hf://owner/name.
        real: held-out records that trained nothing; without them the run's own held-out part.
        fake: synthetic samples in any readable form; without them `n` are made (as many as held-out records, at least
            1000).
        seed: of the samples and of the measurements.
        records: show the training records that samples lie nearest to; False where the report goes to people who must
            not see the data.
        fast: measure on a few hundred records of each part: seconds, and wider intervals.
        on_note, verbose: as in `train`.
        options: those of the kind of data. Tables: `target`, the column whose prediction measures TSTR utility. Images
            and audio clips: `features`, what distances are measured in: "auto" (a classifier of the labels, or a fixed
            network where there are none), "fixed", "pretrained" (EfficientNet-Lite2), or "inception" (the FID's).
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
        raise OptionError(f"{n} synthetic samples are too few to evaluate. Make at least 2, better thousands.")
    loaded, file = (model, None) if isinstance(model, Model) else (load(model), model)
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


def _prepared_of(path: str | Path, run: RunFolder | None, need: bool) -> Prepared[Any, Any] | None:
    """The data that a run was trained on, read again; None for a lone model file."""
    entry = None if run is None else run.entry()
    if entry is None or entry.source is None:
        if need and run is not None:
            raise OptionError(f"{path} was trained on data that was no file. Say what to evaluate on: --real FILE.")
        if need:
            raise OptionError(
                f"{path} is a model file without its data. Say what to evaluate on (--real FILE), or give its run "
                "folder."
            )
        return None
    prepared = prepare(entry.source, entry.config, [])
    if prepared.data_hash != entry.data_hash:
        raise ModelError(
            f"{entry.source} is not what {path} was trained on any more (its content differs), so that its held-out "
            "part is not known. Say what to evaluate on: --real FILE."
        )
    return prepared


def _as_begun(kind: str, config: TrainConfig) -> TrainConfig:
    """The config with the network of the model that `--from` names, by which data of this kind are coded.

    Raises:
        ModelError: there is no model there. OptionError: it is of another kind, or another network is asked for.
    """
    card, named = inspect(str(config.from_)), f"--from {config.from_}"
    if card["kind"] != kind:
        raise OptionError(f"{named}: it is a model of kind {card['kind']}, and this is kind {kind}. Leave --from out.")
    if config.network not in ("auto", network := card["network"]):
        raise OptionError(
            f"{named}: its network is {network}, and --network {config.network} asks for another. Leave --network out, "
            "or begin without --from."
        )
    return replace(config, network=network)


def _new_run(
    source: Any, config: TrainConfig, out: Path | None, callbacks: Sequence[Callback], note: Note, should_stop: Stop,
    overwrite: bool,
) -> Stream[Run | Progress, None, None]:  # fmt: skip
    began = time.monotonic()
    notes: list[str] = []
    ranks = join()
    listeners = _listeners(callbacks, config, out, {}, note)
    # before torch is imported, so that data that cannot be are refused at once
    prepared = prepare(source, config, notes, None if config.from_ is None else _as_begun)

    from gankit.networks import NETWORKS

    if config.network == "auto" and NETWORKS[prepared.network].pretrained:  # by the budget, and by what is installed
        config = replace(config, network=prepared.network)
    ranks.same((prepared.data_hash, config.to_json(), __version__), "other data, options or another version")

    from gankit.networks.execution import threads
    from gankit.run.beginning import Beginning
    from gankit.run.folder import RunFolder
    from gankit.run.machine import compile_for, threads_for
    from gankit.run.plan import length_of, members_for
    from gankit.run.previews import Previews
    from gankit.run.run import Run

    beginning = None if config.from_ is None else Beginning.of(config.from_)
    if beginning is not None:
        config = beginning.fitted(prepared, config, notes)
    if config.epochs is not None:
        config = replace(config, samples=str(max(1, round(config.epochs * prepared.num_train))))
    if listeners is not None:
        config = replace(config, log=listeners.texts)
    if config.heldout is not None and is_address(config.heldout):
        config = replace(config, heldout=lasting(config.heldout))  # a password is kept nowhere
    config = replace(config, threads=ranks.agreed(threads_for(prepared, config, notes)))
    with threads(config.threads):
        evidence = prepared.kind.evidence(prepared, config, notes)
        config = prepared.kind.settle(prepared, config.completed(prepared.kind.options.train), notes)
    run = Run.start(prepared, config, None, evidence, beginning=beginning)
    with run.threads():
        config = replace(config, compile=compile_for(run, config, notes))
        total_samples, evaluations, planner = length_of(run, config, time.monotonic() - began, notes)
    # Recorded as found out, so that a run goes on alike whatever the machine.
    config = replace(config, precision=run.plan.precision, evaluations=evaluations)
    members = members_for(prepared, config, total_samples, notes)
    if members is not None and members != config.members:
        config = replace(config, members=members)
        run = Run.start(prepared, config, None, evidence, beginning=beginning) if members > 1 else run
    run = run.settled(config, total_samples)
    notes.append(f"held-out metric: {run.metric}; higher is better, and the best chooses the model.")
    if ranks.world > 1:
        notes.append(
            f"processes: {ranks.world} share each batch of {run.game.config.batch}; the first one writes and evaluates."
        )
    for text in notes:
        note(text)
    previews = None
    if out is not None and ranks.first:
        if overwrite and out.exists():
            if not out.is_dir() or (any(out.iterdir()) and not (out / "config.json").exists()):
                raise OptionError(
                    f"{out} is not a run folder, so that --overwrite leaves it alone. Choose another with -o."
                )
            shutil.rmtree(out)
        path = str(Path(source).resolve()) if isinstance(source, str | Path) and str(source) != "-" else None
        path = lasting(source) if is_address(source) else path
        entry = {"options": config.to_json(), "source": path, "data_hash": prepared.data_hash, "notes": notes}
        folder = RunFolder.create(out, {**entry, "total_samples": total_samples})
        folder.save_evidence(evidence)
        previews = Previews(run, folder)
        run.save(previews, planner)
        note(f"watch it: gankit watch {out}")
    yield from _play(run, planner, previews, listeners, began, note, should_stop)


def _listeners(
    callbacks: Sequence[Callback], config: TrainConfig, out: Path | None, ids: dict[str, str], note: Note
) -> Listeners | None:
    """Who is told of a run, if anybody is."""
    if not callbacks and not config.log:
        return None
    from gankit.run.listening import Listeners

    return Listeners.of(callbacks, config.log, out, ids, note)


def _resumed(
    path: Path, source: Any, more: TrainConfig, callbacks: Sequence[Callback], note: Note, should_stop: Stop
) -> Stream[Run | Progress, None, None]:
    from gankit.networks.execution import threads
    from gankit.run.beginning import Beginning
    from gankit.run.folder import RunFolder
    from gankit.run.machine import still_compiles
    from gankit.run.previews import Previews
    from gankit.run.run import Run

    began = time.monotonic()
    ranks = join()
    folder = RunFolder.open(path)
    entry = folder.entry()
    config, total_samples = entry.config, entry.total_samples
    listeners = _listeners(callbacks, config, path, folder.trackers(), note)
    if source is None:
        source = entry.source
        if source is None:
            raise OptionError(f"{path} was trained on data that was no file. Give the same data again to go on.")
    prepared = prepare(source, config, [])
    if prepared.data_hash != entry.data_hash:
        raise ModelError(
            f"the data is not what {path} was trained on (its content differs). Give the same data, or begin a new run."
        )
    planner, previews = Planner(Budget.of(config).plans), None
    untouched = ranks.agreed(folder.is_untouched())
    if untouched:  # it was stopped while it was being made
        with threads(config.threads):
            evidence = prepared.kind.evidence(prepared, config, [])
        beginning = None if config.from_ is None else Beginning.of(config.from_)
        run = Run.start(prepared, config, total_samples, evidence, beginning=beginning)
        if ranks.first:
            folder.save_evidence(evidence)
            previews = Previews(run, folder)
            run.save(previews, planner)
    else:
        checkpoint = folder.load_checkpoint()
        for text in checkpoint.notes:
            note(text)
        ranks.same((prepared.data_hash, checkpoint.step, __version__), "other data, another checkpoint or version")
        run = Run.start(prepared, config, total_samples, folder.load_evidence(prepared), checkpoint.tensors)
        run.game.load_state(checkpoint.tensors, checkpoint.state)
        planner = planner_from(checkpoint.state.get("planner"))
        if ranks.first:
            previews = Previews(run, folder)
            previews.load_state(checkpoint.state.get("previews"), run.game.samples)
        if more.samples is not None or more.budget is not None:
            planner = _extended(run, more, began, note)
            if previews is not None:
                run.save(previews, planner)
        elif run.game.finished:
            note(f"{path} is finished. To train longer: --samples or --budget beside --resume")
        if ranks.first:
            folder.cut_log(checkpoint.step)
    notes: list[str] = []
    with run.threads():
        still_compiles(run, notes)
    for text in notes:
        note(text)
    if not run.game.finished:
        note(f"resuming at {run.game.samples:,} of {run.game.length[2]:,} samples.")
    yield from _play(run, planner, previews, listeners, began, note, should_stop)


def _ended(run: Run, planner: Planner) -> list[str]:
    """What the user should know of how a training ended."""
    game, rows, said = run.game, run.prepared.num_train, []
    if game.stopped_early:
        said.append(
            f"stopped early after {game.samples:,} of {game.length[2]:,} samples: the held-out metric had not improved "
            f"for {game.config.patience} evaluations. --no-early-stop plays on"
        )
    elif game.samples < rows:
        said.append(
            f"D was shown {game.samples:,} of {rows:,} training records, not even each of them once: the model knows "
            "little. Train longer: --resume with --budget or --samples"
        )
    if planner.plans:
        first = run.game.config.total_samples
        plans = "".join(f",{end}@{behind}" for behind, end in planner.plans)
        said.append(f"the length was planned anew on the way. Reproduce with --samples {first}{plans}")
    return said


def _extended(run: Run, more: TrainConfig, began: float, note: Note) -> Planner:
    """Makes a run longer that was stopped or is finished, and gives what plans its length from here on."""
    from gankit.run.plan import length_of

    game = run.game
    with run.threads():
        samples, _, planner = length_of(
            run, replace(more, early_stop=run.config.early_stop), time.monotonic() - began, []
        )
    if game.finished:
        game.plan(game.behind + samples, game.warmup + (1 - game.warmup) * game.config.d_warmup)
        how = "the run was finished: learning rates begin anew at the height of the game, and the best model is kept"
    else:
        game.plan(game.length[2] + samples)
        how = "the schedules go on from where they stand, and reach their end later"
    game.stopped_early, game.evaluations_since_best = False, 0
    note(f"extended by {samples:,} samples: {how}.")
    return planner


def _play(
    run: Run, planner: Planner, previews: Previews | None, listeners: Listeners | None, began: float, note: Note,
    should_stop: Stop,
) -> Stream[Run | Progress, None, None]:  # fmt: skip
    """Plays to the end; keeps what is to be kept in the folder of `previews`, None where nothing is."""
    yield run

    folder = None if previews is None else previews.folder
    should_stop()  # from here on it is obeyed
    with ExitStack() as playing:
        if folder is not None and previews is not None:
            playing.enter_context(folder.playing())
            previews.start()
        if listeners is not None:
            playing.enter_context(listeners.following(run, folder))
        stop = should_stop if folder is None else lambda: should_stop() or folder.wants_stop()
        yield from _played(run, planner, previews, listeners, began, note, stop)


def _played(
    run: Run, planner: Planner, previews: Previews | None, listeners: Listeners | None, began: float, note: Note,
    should_stop: Stop,
) -> Stream[Progress, None, None]:  # fmt: skip
    from gankit.training.loop import play

    ranks = current()
    folder = None if previews is None else previews.folder
    saved, replanned = time.monotonic(), False
    planner.start(run.game)
    try:
        game = play(run.game, run.train, run.heldout, run.evaluate)
        while True:
            with run.threads():
                progress = next(game, None)
            if progress is None:
                break
            progress.show(run)
            asked = listeners is not None and listeners.progress(progress)
            end, stopping = ranks.agreed((planner.watch(progress, run.game), should_stop() or asked))
            if end is not None:
                if not replanned:  # the last note of a run tells of them all
                    note(f"length: {end:,} samples instead of {run.game.length[2]:,}, to keep the budget")
                replanned = True
                run.game.plan(end)
            shown: Preview | None = None
            if folder is not None and previews is not None:
                planned = {} if end is None else {"planned_samples": end}
                folder.log(planned | {k: v for k, v in asdict(progress).items() if k not in _OF_THE_CLOCK})
                folder.note_speed(progress.samples, progress.samples_per_second, progress.seconds_left)
                with run.threads(), apart():
                    shown = previews.watch(progress)
                if progress.metric is not None and run.game.best_samples == run.game.samples:
                    run.model().save(folder.model_path)
                if progress.metric is not None or time.monotonic() - saved > CHECKPOINT_S or stopping:
                    run.save(previews, planner)
                    saved = time.monotonic()
            if listeners is not None:
                with run.threads(), apart():
                    listeners.preview(run, progress, shown)
            yield progress
            if (stopping or (ranks.world == 1 and should_stop())) and not progress.finished:
                how = "without an output folder it cannot go on"
                if folder is not None:
                    how = f"the state is saved. Go on with: gankit train -o {folder.path} --resume"
                raise InterruptedRun(f"stopped after {progress.samples:,} samples; {how}", run.model())
    except (InterruptedRun, GeneratorExit):
        if folder is not None and previews is not None:
            run.save(previews, planner)
            run.model().save(folder.model_path)
        raise
    except DivergedError:
        if folder is not None and run.game.best is not None:
            run.model().save(folder.model_path)
            note(f"the last good model is in {folder.model_path}")
        raise
    model = run.model()
    for text in _ended(run, planner):
        note(text)
    if folder is not None and previews is not None:
        run.save(previews, planner)
        model.save(folder.model_path)
        folder.save_baseline(model)
        folder.log({"step": run.game.step, "event": "finished", "seconds": round(time.monotonic() - began, 1)})


def _speaker(verbose: bool, on_progress: Callable[[Progress], None] | None) -> tuple[Voice, Callable[[Progress], None]]:
    """What says notes, and what shows progress; neither says anything where `verbose` is False."""
    voice = Voice(quiet=not verbose)
    return voice, on_progress or (voice.progress if verbose else lambda progress: None)


@contextmanager
def _stopping(note: Note, should_stop: Stop | None) -> Iterator[Stop]:
    """What says that a training is to stop: the caller's own function, or else Ctrl-C."""
    if should_stop is not None:
        yield should_stop
        return
    with interruptible(note) as interruption:
        yield interruption.asked


def _drive(training: Training, show: Callable[[Progress], None], voice: Voice, should_stop: Stop | None) -> Model:
    """Plays to the end, or to a Ctrl-C, and gives the model; where the caller's own function stopped it, raises."""
    try:
        for progress in training:
            show(progress)
    except InterruptedRun as stopped:
        voice.end_progress()
        if should_stop is not None:
            raise
        voice.note(f"{stopped}; this is the best model so far.")
    finally:
        voice.end_progress()
    return training.model


__all__ = ["evaluate", "follow", "resume", "train"]
