"""`gankit train`: from data to a run folder with a model.

Knows the options, run folders and how a training is stopped; never data's formats, networks or the loop's inside.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import click

from gankit.arguments import path_of
from gankit.cli.flags import PATH, OptionsCommand, given, out_option
from gankit.cli.terminal import speaking
from gankit.cli.watch import beside
from gankit.errors import DataError, InterruptedRun, OptionError
from gankit.io.databases.addresses import is_address, name_of
from gankit.ranks import by_environment, restarted
from gankit.run.options import build_config, read_toml
from gankit.run.stopping import interruptible
from gankit.voice import Voice

_MORE = ("samples", "budget")
"""Options that may stand beside --resume: how much longer."""


@click.command("train", cls=OptionsCommand, stated="train", short_help="Train a model on data; writes a run folder.")
@click.argument("data", required=False)
@out_option("The run folder.  [runs/NAME-1, NAME-2, ...]", required=False)
@click.option("--config", "config_file", type=PATH, help="Options from a TOML file; flags take precedence.")
@click.option("--resume", is_flag=True, help="Continue the run in -o; longer with --samples or --budget.")
@click.option("--overwrite", is_flag=True, help="Replace the run in -o.")
@click.option("--watch", is_flag=True, help="Show the run in the browser while it trains.")
@click.option("--nproc", type=click.IntRange(1), metavar="N", help="Train with N processes that share each batch.")
@speaking
def command(
    voice: Voice,
    data: str | None,
    out: Path | None,
    config_file: Path | None,
    resume: bool,
    overwrite: bool,
    watch: bool,
    nproc: int | None,
    **flags: Any,
) -> None:
    """Train on DATA: a file (CSV, TSV, Parquet, Arrow, JSON lines, XML, ARFF, .xlsx, .ods, SQLite, .npy, .npz), the
    address of a database (postgresql://user@host/name?table=NAME), a folder or archive of images (also IDX, CIFAR,
    MATLAB), series (also .ts and UCR files), texts (lines, a file per class), or - for standard input.

    Ctrl-C stops at the next progress update (25 steps, fewer with large images), saves the run, and prints the
    command that resumes it.
    """
    typed, ranks = given(flags), by_environment()
    if ranks.world > 1 and not resume and restarted() and out is not None and (out / "config.json").exists():
        resume, overwrite, data, config_file, typed = True, False, None, None, {}
    if resume:
        run_folder = _run_to_resume(data, out, overwrite, config_file, typed)
        config, more = None, {name: typed[name] for name in _MORE if name in typed}
    else:
        config = build_config({**(read_toml(config_file) if config_file else {}), **typed})
        run_folder = out or free_folder(data or "-")
        if ranks.world > 1 and out is None:
            raise OptionError("several processes write one run. Name its folder: -o RUN")
        if run_folder.exists() and not overwrite and ranks.first:
            raise OptionError(
                f"{run_folder} exists. Go on with it (--resume), replace it (--overwrite), or name another folder (-o)."
            )
        data = _checked_data(data)
        if data == "-" and max(nproc or 1, ranks.world) > 1:
            raise DataError("several processes cannot share standard input. Write it to a file and give that.")
    if nproc is not None and nproc > 1 and ranks.world == 1:
        _launch(nproc, run_folder, voice, watch)
        return
    shown = beside(voice, run_folder) if watch else nullcontext()
    with shown, interruptible(voice.note, exits=True) as interruption:
        from gankit.run import api

        watched: Any = {"on_progress": voice.progress, "on_note": voice.note, "should_stop": interruption.asked}
        try:
            if config is None:
                model = api.resume(run_folder, data, **more, **watched)
            else:
                with replacing(run_folder) if run_folder.exists() and ranks.first else nullcontext():
                    model = api.train(data, out=run_folder, config=config, **watched)
        except KeyboardInterrupt:
            if not (run_folder / "config.json").exists():
                raise
            how = f"stopped before the first step. Go on with: gankit train -o {run_folder} --resume"
            raise InterruptedRun(how) from None
    if not ranks.first:
        return
    text = f"The model is in {run_folder}. Next:\ngankit sample {run_folder} -n 1000\ngankit evaluate {run_folder}"
    voice.result({"run": str(run_folder), "card": model.card}, text)


def _launch(processes: int, run_folder: Path, voice: Voice, watch: bool) -> None:
    """Runs this command as so many processes, and exits as they do."""
    from gankit.run.launch import launch

    context = click.get_current_context()
    typed = [word for word in context.find_root().obj if word != "--watch"]
    at = next(i for i, word in enumerate(typed) if word == "--nproc" or word.startswith("--nproc="))
    del typed[at : at + (2 if typed[at] == "--nproc" else 1)]
    typed.remove("train")
    begun = ["train", "-o", str(run_folder)]
    said = [flag for flag, given in (("--json", voice.as_json), ("--quiet", voice.quiet)) if given]
    again, command = [*begun, "--resume", *said], [*begun, *typed]
    with beside(voice, run_folder) if watch else nullcontext():
        code = launch(processes, command, again, run_folder, voice.note)
    if code:
        context.exit(code)


def _checked_data(data: str | None) -> str:
    if not data:
        raise click.UsageError("Missing argument 'DATA': the file to learn from, or - for standard input.")
    path = Path(data) if is_address(data) else path_of(data, "the data")
    inside = any(parent.is_file() for parent in path.parents)  # images.zip/train
    if (path / "config.json").exists() and (path / "log.jsonl").exists():
        raise DataError(f"{data} is a run, not data. Go on with it: gankit train -o {data} --resume")
    if data != "-" and not path.exists() and not inside and not is_address(data):
        raise DataError(f"{data}: there is no such file. Check the path, or give - to read standard input.")
    return data


def _run_to_resume(
    data: str | None, out: Path | None, overwrite: bool, config_file: Path | None, typed: dict[str, Any]
) -> Path:
    if out is None:
        run = data if data and (Path(data) / "config.json").exists() else "RUN"
        raise OptionError(f"--resume needs the run to go on with: gankit train -o {run} --resume")
    if overwrite:
        raise OptionError("--resume goes on with a run and --overwrite replaces it. Give one of them.")
    refused = ["--config"] if config_file else []
    refused += ["--" + name.replace("_", "-") for name in typed if name not in _MORE]
    if refused:
        raise OptionError(
            f"a resumed run keeps the settings in {out}; {', '.join(refused)} cannot be changed. "
            "Leave that out, or begin a new run."
        )
    return out


@contextmanager
def replacing(folder: Path) -> Iterator[None]:
    """Sets the run in `folder` aside while another takes its place; it comes back if none does.

    Raises:
        OptionError: there is no run.
    """
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
    name = "stdin" if data == "-" else name_of(data) if is_address(data) else Path(data).name.split(".")[0] or "data"
    return next(folder for number in count(1) if not (folder := runs / f"{name}-{number}").exists())
