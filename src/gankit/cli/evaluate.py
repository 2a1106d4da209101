"""`gankit evaluate`: a model's fakes, written to a file, and the report on them.

Knows models, files of fakes and reports; never training.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click

from gankit.cli.flags import MODEL, Count, OptionsCommand, given, out_option
from gankit.cli.terminal import speaking
from gankit.errors import OptionError, OutputError
from gankit.io.hub import HubFile
from gankit.model.files import report_folder
from gankit.voice import Voice


@click.command(
    "evaluate",
    cls=OptionsCommand,
    stated="evaluate",
    short_help="Evaluate a model's synthetic data; writes report.html and report.json.",
)
@MODEL
@click.option("--real", help="A file of real records to compare with.  [the run's held-out records]", metavar="FILE")
@click.option("--fake", help="A file of synthetic records.  [generated into the output folder]", metavar="FILE")
@out_option("The output folder.  [RUN/report]", required=False)
@click.option(
    "-n",
    "--num-rows",
    type=Count(min=2),
    metavar="N",
    help="How many records to generate.  [as many as held-out ones, at least 1,000]",
)
@click.option("--seed", type=int, default=0, metavar="N", help="Seed of the generated records and of the metrics.")
@click.option(
    "--records/--no-records",
    default=True,
    show_default=False,
    help="Show training records beside the synthetic ones nearest to them.  [on]",
)
@click.option(
    "--fast",
    is_flag=True,
    help="Use a few hundred records of each part, and for series no TimeGAN scores: takes seconds, less accurate.",
)
@speaking
def command(
    voice: Voice,
    model: str | Path,
    real: str | None,
    fake: str | None,
    out: Path | None,
    num_rows: int | None,
    seed: int,
    records: bool,
    fast: bool,
    **flags: Any,
) -> None:
    """Evaluate the synthetic data of MODEL, a model file, a run folder or hf://owner/name, beside ceilings and
    baselines.
    """
    if fake is not None and num_rows is not None:
        raise OptionError("--num-rows N generates records, and --fake FILE names some. Give one of them.")
    folder = out or (Path(f"{HubFile.parse(model).name}-report") if isinstance(model, str) else report_folder(model))
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"--out {folder}: it is a file, and the report goes into a folder. Name one.")

    from gankit.run.api import evaluate

    with _undone() as made:
        if fake is None:
            fake = str(_write_fakes(model, folder, num_rows, seed, made))
            voice.note(f"synthetic records: {fake}; evaluated as they are in that file.")
        shared: Any = {"seed": seed, "records": records, "fast": fast, "on_note": voice.note}
        report = evaluate(model, real, fake=fake, **shared, **given(flags))
        report.save(folder / "report.html")
    text = "\n".join(
        [*report.headline, *report.json["summary"], f"Every figure, beside its ceiling: {folder / 'report.html'}"]
    )
    voice.result({"report": str(folder / "report.html"), "fake": fake, **report.json}, text)


@contextmanager
def _undone() -> Iterator[list[Path]]:
    """A list of what the command makes, outermost first, which is taken away again where no report comes of it."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for path in reversed(made):
            with suppress(OSError):  # a folder that others have put something into stays
                path.rmdir() if path.is_dir() else path.unlink()
        raise


def _write_fakes(path: str | Path, folder: Path, num_rows: int | None, seed: int, made: list[Path]) -> Path:
    """Fakes in a file of the output folder, in the format the data came in (CSV for arrays)."""
    from gankit.io.atomic import complaints
    from gankit.model import load
    from gankit.run.api import num_fakes

    model = load(path)
    file = (folder / "fakes").with_suffix("." + suffix if (suffix := model.of.suffix(model.origin)) else "")
    made += [place for place in (*reversed(folder.parents), folder, file) if not place.exists()]
    with complaints(folder):
        folder.mkdir(parents=True, exist_ok=True)
    model.write(file, num_rows or num_fakes(model), seed)
    return file
