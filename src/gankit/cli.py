"""The commands: train, sample, evaluate, inspect. They read arguments, call the house, and speak through `terminal`.

Knows every room by its public functions; imports the heavy ones only when a command needs them, so that
`--help` and mistakes in arguments answer at once.
"""

from __future__ import annotations

import errno
import functools
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from gankit import __version__, options
from gankit.errors import DataError, GankitError, InterruptedRun, OptionError, OutputError
from gankit.terminal import Voice, outline

if TYPE_CHECKING:
    from gankit.training import Progress

Command = TypeVar("Command", bound=Callable[..., Any])

EPILOG = "Exit codes: 0 done; 1 a fault of gankit; 2 a mistake that you can mend; 3 the training diverged; 130 stopped."


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and ends the process with the exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Runs one command and gives its exit code; a fault of gankit leaves a traceback and a request to report it."""
    try:
        code = cli.main(list(arguments), prog_name="gankit", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        if "--json" in arguments:
            Voice(as_json=True).error(OptionError(error.format_message()))
        else:
            error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("stopped.", err=True)
        return InterruptedRun.exit_code
    except Exception:
        import traceback

        traceback.print_exc()
        click.echo(
            f"This is a fault of gankit {__version__}, not yours. Please report the lines above and the command.",
            err=True,
        )
        return 1


def _close_output() -> None:
    """Lets standard output lead nowhere; else Python would complain once more when it flushes it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@click.group(epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="gankit")
def cli() -> None:
    r"""Train a generative adversarial network on your own data, and learn honestly how good its fakes are.

    \b
    gankit train adult.csv --budget 5m     learn; the model comes to runs/adult-1
    gankit sample runs/adult-1 -n 1000     make more of it
    gankit evaluate runs/adult-1           how good is it?
    gankit inspect runs/adult-1            what is it?
    """


def _fail(voice: Voice, error: GankitError) -> None:
    voice.error(error)
    click.get_current_context().exit(error.exit_code)


def speaking(command: Command) -> Command:
    """Gives a command --json and --quiet, hands it its `voice`, and turns mistakes into a sentence and a code."""

    @click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for machines.")
    @click.option("--quiet", "-q", is_flag=True, help="No notes, no progress.")
    @functools.wraps(command)
    def spoken(*, as_json: bool, quiet: bool, **arguments: Any) -> None:
        voice = Voice(as_json=as_json, quiet=quiet)
        try:
            command(voice=voice, **arguments)
            sys.stdout.flush()
        except GankitError as error:
            _fail(voice, error)
        except BrokenPipeError:
            _close_output()  # its reader has seen enough
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            _close_output()
            _fail(voice, OutputError("no space left where the output goes. Free some, or write to another place."))

    return spoken  # type: ignore[return-value]  # the decorated command keeps its name, not its signature


def with_train_options(command: Command) -> Command:
    """Gives a command one flag for each field of `TrainConfig`."""
    for option in reversed(options.train_options()):
        keywords: dict[str, Any] = {"default": None, "help": _help(option), "show_default": False}
        if option.scalar is not bool:
            keywords["type"] = click.Choice(option.choices) if option.choices else option.scalar
            keywords["metavar"] = None if option.choices else options.metavar_of(option)
            keywords["multiple"] = option.many
        command = click.option(option.declaration, option.name, **keywords)(command)
    return command


def _help(option: options.Option) -> str:
    default = "" if option.default is None or option.many else f"  [{options.default_text(option)}]".replace("`", "")
    return option.help + default


class TrainCommand(click.Command):
    """`train`, whose many options are shown under the headings of their groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes one section for each group of options, and one for what is not in `TrainConfig`."""
        group_of = {o.name: o.group for o in options.train_options()}
        for group, heading in {"": "Options", **options.GROUPS}.items():
            shown = [p for p in self.get_params(ctx) if isinstance(p, click.Option)]
            records = [p.get_help_record(ctx) for p in shown if group_of.get(p.name or "", "") == group]
            with formatter.section(heading):
                formatter.write_dl([record for record in records if record is not None])


@cli.command(cls=TrainCommand, short_help="Learn from data; leaves a run folder with the model.")
@click.argument("data", required=False)
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The run folder.  [runs/NAME-1, NAME-2, ...]")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="Options from a TOML file; flags win.")
@click.option("--resume", is_flag=True, help="Go on with the run in -o, with the settings it has.")
@click.option("--overwrite", is_flag=True, help="Replace the run in -o.")
@with_train_options
@speaking
def train(
    voice: Voice,
    data: str | None,
    out: Path | None,
    config_file: Path | None,
    resume: bool,
    overwrite: bool,
    **flags: Any,
) -> None:
    """Learn from DATA: a file (CSV, TSV, Parquet, Arrow, JSON lines, XML, .npy, .npz), or - for standard input.

    Ctrl-C stops at the next step, keeps what was learned, and says how to go on.
    """
    given = {name: value for name, value in flags.items() if value is not None and value != ()}
    if resume:
        run_folder = _run_to_resume(out, overwrite, config_file, given)
        config = None
    else:
        config = options.build_config({**(options.read_toml(config_file) if config_file else {}), **given})
        run_folder = out or free_folder(data or "-")
        if run_folder.exists() and not overwrite:
            raise OptionError(
                f"{run_folder} exists. Go on with it (--resume), replace it (--overwrite), or name another folder (-o)."
            )
        data = _checked_data(data)
    with interruptible(voice) as interruption:
        from gankit import api

        def on_progress(progress: Progress) -> None:
            interruption.begin()
            voice.progress(progress)

        watched: dict[str, Any] = {
            "on_progress": on_progress,
            "on_note": voice.note,
            "should_stop": lambda: interruption.asked,
        }
        if config is None:
            model = api.resume(run_folder, data, **watched)
        else:
            with replacing(run_folder) if run_folder.exists() else nullcontext():
                model = api.train(data, out=run_folder, config=config, **watched)
    text = f"The model is in {run_folder}. Next: gankit sample {run_folder} -n 1000   gankit evaluate {run_folder}"
    voice.result({"run": str(run_folder), "card": model.card}, text)


def _checked_data(data: str | None) -> str:
    if data is None:
        raise click.UsageError("Missing argument 'DATA': the file to learn from, or - for standard input.")
    if data != "-" and not Path(data).exists():
        raise DataError(f"{data}: there is no such file. Check the path, or give - to read standard input.")
    return data


def _run_to_resume(out: Path | None, overwrite: bool, config_file: Path | None, given: dict[str, Any]) -> Path:
    if out is None:
        raise OptionError("--resume needs the run to go on with: gankit train -o RUN --resume")
    if overwrite:
        raise OptionError("--resume goes on with a run and --overwrite replaces it. Give one of them.")
    refused = ["--config"] if config_file else []
    refused += ["--" + name.replace("_", "-") for name in given]
    if refused:
        raise OptionError(
            f"a resumed run keeps the settings in {out}; {', '.join(refused)} cannot be changed. "
            "Leave that out, or begin a new run."
        )
    return out


@contextmanager
def replacing(folder: Path) -> Iterator[None]:
    """Sets the run in `folder` aside while another takes its place; it comes back if none does."""
    if not (folder / "config.json").exists():
        raise OptionError(f"{folder} is not a run, so it is not replaced. Name another folder with -o.")
    aside = folder.with_name(f".{folder.name}.replaced")
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    try:
        yield
    finally:
        if folder.exists():
            shutil.rmtree(aside)
        else:
            aside.rename(folder)


def free_folder(data: str, runs: Path = Path("runs")) -> Path:
    """The first of runs/NAME-1, runs/NAME-2, … that does not exist, with NAME from the data's file name."""
    name = "stdin" if data == "-" else Path(data).name.split(".")[0] or "data"
    number = 1
    while (runs / f"{name}-{number}").exists():
        number += 1
    return runs / f"{name}-{number}"


class Interruption:
    """What SIGINT and SIGTERM do to a training.

    Before its first step they end it as Ctrl-C ends any program. After that the first asks for a stop at the next
    step boundary (`asked`), and the second ends the process at once.
    """

    def __init__(self, voice: Voice) -> None:
        self.asked = False
        self._voice = voice
        self._begun = False

    def begin(self) -> None:
        """From here on there is something to save."""
        self._begun = True

    def handle(self, number: int, frame: FrameType | None) -> None:
        """The signals' handler."""
        if self.asked:
            os._exit(InterruptedRun.exit_code)
        if not self._begun:
            raise KeyboardInterrupt
        self.asked = True
        self._voice.note("stopping at the next step; once more stops at once.")


@contextmanager
def interruptible(voice: Voice) -> Iterator[Interruption]:
    """Lets SIGINT and SIGTERM stop a training at a step boundary; the handlers are put back afterwards."""
    interruption = Interruption(voice)
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.signal(number, interruption.handle) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@cli.command(short_help="Make records with a model.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-n", "--num-rows", type=click.IntRange(min=0), required=True, metavar="N", help="How many records.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The file to write; its suffix tells the format.")
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    metavar="N",
    help="Which records: row i of seed s is always the same.",
)
@click.option(
    "--offset", type=click.IntRange(min=0), default=0, show_default=True, help="Begin with row K.", metavar="K"
)
@click.option("--where", multiple=True, metavar="COL=VALUE", help="What every row obeys: sex=Male, age=30..40, x>=3.")
@click.option("--format", "file_format", help="The format, where no suffix tells.  [as the training data came]")
@speaking
def sample(
    voice: Voice,
    model: Path,
    num_rows: int,
    out: Path | None,
    seed: int,
    offset: int,
    where: tuple[str, ...],
    file_format: str | None,
) -> None:
    """Make records with MODEL, a model file or a run folder.

    Without -o they go to standard output, in the text format that the training data came in.
    """
    from gankit.data import write
    from gankit.model import load, parse_where

    conditions = parse_where(where)
    loaded = load(model)
    batches = loaded.sample_batches(num_rows, seed, offset, conditions)
    if out is None:
        write(batches, "-", loaded.origin, format=file_format or text_format(loaded.origin.format))
    else:
        write(batches, out, loaded.origin, format=file_format)
        result = {"file": str(out), "num_rows": num_rows, "seed": seed, "offset": offset}
        voice.result(result, f"{num_rows} rows in {out}")


def text_format(origin: str) -> str:
    """The text format for standard output: the one the data came in, or CSV where that was none."""
    return origin if origin in ("csv", "tsv", "jsonl", "json", "xml") else "csv"


@cli.command(short_help="Measure a model's fakes; leaves report.html and report.json.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--real", help="A file of real records to judge by.  [the run's held-out records]", metavar="FILE")
@click.option("--fake", help="A file of fakes.  [the model makes them, into the output folder]", metavar="FILE")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The output folder.  [RUN/report]")
@click.option(
    "-n",
    "--num-rows",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many fakes to make.  [as many as held-out ones, at least 1,000]",
)
@click.option(
    "--seed", type=int, default=0, show_default=True, metavar="N", help="Seed of the fakes and of the measurements."
)
@speaking
def evaluate(
    voice: Voice, model: Path, real: str | None, fake: str | None, out: Path | None, num_rows: int | None, seed: int
) -> None:
    """Measure how good the fakes of MODEL (a model file or a run folder) are, beside ceilings and plain baselines."""
    if fake is not None and num_rows is not None:
        raise OptionError("--num-rows says how many fakes to make, and --fake brings them. Give one of them.")
    folder = out or (model / "report" if model.is_dir() else model.with_name(model.stem + "-report"))

    from gankit import api

    if fake is None:
        fake = str(_write_fakes(model, folder, num_rows, seed))
        voice.note(f"the fakes are in {fake}; they are judged as they stand there.")
    report = api.evaluate(model, real, fake=fake, seed=seed, on_note=voice.note)
    report.save(folder / "report.html")
    text = "\n".join([*report.json["summary"], f"Every figure, beside its ceiling: {folder / 'report.html'}"])
    voice.result({"report": str(folder / "report.html"), "fake": fake, **report.json}, text)


def _write_fakes(path: Path, folder: Path, num_rows: int | None, seed: int) -> Path:
    """Fakes in a file of the output folder, in the format the data came in (CSV for arrays)."""
    from gankit.data import write
    from gankit.evaluation import LEAST_FAKES
    from gankit.model import load

    model = load(path)
    kind = model.origin.format
    file = folder / f"fakes.{kind if kind in ('parquet', 'arrow') else text_format(kind)}"
    folder.mkdir(parents=True, exist_ok=True)
    write(model.sample_batches(num_rows or max(model.card["rows"]["heldout"], LEAST_FAKES), seed), file, model.origin)
    return file


@cli.command(short_help="Say what a model is.")
@click.argument("model", type=click.Path(path_type=Path))
@speaking
def inspect(voice: Voice, model: Path) -> None:
    """Say what MODEL (a model file or a run folder) is: kind, columns, networks, training length, scores."""
    from gankit.model import inspect as inspect_model

    card = inspect_model(model)
    defaults = {option.name: option.default for option in options.train_options()}
    chosen = {k: v for k, v in card.get("options", {}).items() if v not in (defaults.get(k), [])}
    voice.result(card, outline({**card, "options": chosen or "all at their defaults"}))
