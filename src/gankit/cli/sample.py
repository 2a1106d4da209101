"""`gankit sample`: records from a model, to a file or to standard output.

Knows models and where their records go; never training or metrics.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit.cli.flags import OptionsCommand, given
from gankit.cli.speaking import speaking
from gankit.cli.terminal import Voice


@click.command("sample", cls=OptionsCommand, stated="sample", short_help="Make records with a model.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-n", "--num-rows", type=click.IntRange(min=0), required=True, metavar="N", help="How many records.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    help="The file to write; its suffix tells the format. Images and labelled texts: a folder too.",
)
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
@click.option(
    "--where", multiple=True, metavar="COL=VALUE", help="A condition on every row: sex=Male, age=30..40, x>=3."
)
@click.option("--format", "file_format", help="The format, where no suffix tells.  [as the training data came]")
@speaking
def command(
    voice: Voice,
    model: Path,
    num_rows: int,
    out: Path | None,
    seed: int,
    offset: int,
    where: tuple[str, ...],
    file_format: str | None,
    **flags: Any,
) -> None:
    """Make records with MODEL, a model file or a run folder.

    Without -o they go to standard output, in the text format that the training data came in.
    """
    from gankit.model import load, parse_where

    conditions = parse_where(where)
    loaded = load(model)
    options = given(flags)
    if out is None:
        form = file_format or loaded.of.pipe_format(loaded.origin)
        loaded.write("-", num_rows, seed, offset, conditions, form, **options)
    else:
        loaded.write(out, num_rows, seed, offset, conditions, file_format, **options)
        result = {"file": str(out), "num_rows": num_rows, "seed": seed, "offset": offset}
        voice.result(result, f"{loaded.of.noun.count(num_rows)} in {out}")
