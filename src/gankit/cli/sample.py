"""The commands on a model file: `gankit sample`, `gankit complete`, `gankit export` and `gankit inspect`.

Knows models and files; never training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit.cli.flags import MODEL, Count, OptionsCommand, Shard, given, out_option
from gankit.cli.terminal import outline, speaking
from gankit.errors import OptionError
from gankit.run.options import train_options
from gankit.voice import Voice


@click.command("sample", cls=OptionsCommand, stated="sample", short_help="Generate records with a model.")
@MODEL
@click.option("-n", "--num-rows", type=Count(min=0), required=True, metavar="N", help="Number of records: 500, 10k.")
@out_option("The file to write; its suffix selects the format. Images, labelled texts: also a folder.", required=False)
@click.option("--seed", type=int, default=0, metavar="N", help="Random seed: row i of a seed never changes.")
@click.option("--offset", type=click.IntRange(min=0), default=0, help="First row to generate.", metavar="K")
@click.option("--shard", type=Shard(), metavar="I/N", help="Part I (from 0) of N equal parts of the records.")
@click.option(
    "--where", multiple=True, metavar="COL=VALUE", help="A condition on every row: sex=Male, age=30..40, x>=3."
)
@click.option("--balanced", metavar="COL", help="As many records of each class of this column.")
@click.option("--format", "file_format", help="Format, where the suffix does not tell.  [that of the training data]")
@speaking
def sample_command(
    voice: Voice,
    model: str | Path,
    num_rows: int,
    out: Path | None,
    seed: int,
    offset: int,
    shard: tuple[int, int] | None,
    where: tuple[str, ...],
    balanced: str | None,
    file_format: str | None,
    **flags: Any,
) -> None:
    """Generate records with MODEL, a model file, a run folder or hf://owner/name.

    Without -o they go to standard output, in the text format that the training data came in.
    """
    from gankit.model import load, parse_where

    if balanced is not None and (offset or shard is not None):
        raise OptionError("--balanced makes all classes, from row 0 on. Leave --offset and --shard out.")
    conditions = parse_where(where)
    loaded, options = load(model), given(flags)
    if shard is not None:
        offset, num_rows = loaded.part(num_rows, *shard, offset)
    form = file_format or loaded.of.pipe_format(loaded.origin) if out is None else file_format
    if balanced is None:
        batches = loaded.sample_batches(num_rows, seed, offset, conditions, **options)
    else:
        batches = loaded.balanced_batches(num_rows, balanced, seed, conditions, **options)
    loaded.of.write(batches, "-" if out is None else out, loaded.origin, offset, form)
    if out is not None:
        result = {"file": str(out), "num_rows": num_rows, "seed": seed, "offset": offset}
        voice.result(result, f"{loaded.of.noun.count(num_rows)} in {out}")


@click.command("complete", short_help="Fill the missing cells of a table with a model.")
@MODEL
@click.argument("data")
@out_option("The file to write; its suffix selects the format.", required=False)
@click.option("--seed", type=int, default=0, metavar="N", help="Random seed: which of the possible values.")
@click.option("--format", "file_format", help="Format, where the suffix does not tell.  [that of DATA]")
@speaking
def complete_command(
    voice: Voice, model: str | Path, data: str, out: Path | None, seed: int, file_format: str | None
) -> None:
    """Fill the missing cells of DATA, a file of rows, with MODEL, a model file or a run folder of a table.

    Known cells stay as they are, and columns that are not there come last. Without -o the rows go to standard output.
    """
    from gankit.model import load

    loaded = load(model)

    from gankit.model.completing import completed

    found = completed(loaded, data, seed)
    form = file_format or loaded.of.pipe_format(found.origin) if out is None else file_format
    loaded.of.write([found.table], "-" if out is None else out, found.origin, 0, form)
    if out is not None:
        result = {"file": str(out), "num_rows": len(found), "seed": seed}
        voice.result(result, f"{loaded.of.noun.count(len(found))} in {out}")


@click.command("export", short_help="Write a model's generator for programs without gankit.")
@MODEL
@out_option("The file: NAME.onnx, or NAME.pt2 for torch.export.")
@click.option(
    "--pixels",
    type=click.Choice(["float", "bytes"]),
    default="float",
    help="Output of images: numbers in [-1, 1], channels first; or bytes, channels last.",
)
@click.option("--truncation", type=float, default=1.0, metavar="PSI", help="As for sample; built in.")
@click.option("--opset", type=int, metavar="N", help="Version of ONNX's operators, 18 to 23.  [18]")
@speaking
def export_command(
    voice: Voice, model: str | Path, out: Path, pixels: str, truncation: float, opset: int | None
) -> None:
    """Write the generator of MODEL, a model file, a run folder or hf://owner/name, for programs without gankit: as an
    ONNX file, which needs no torch either, or as a program of torch.export.
    """
    from gankit.model import load

    loaded = load(model)

    from gankit.model.export import export

    about = export(loaded, out, pixels=pixels, truncation=truncation, opset=opset)
    takes = ", ".join(f"{name} [rows, {given['size']}]" for name, given in about["inputs"].items())
    gives = f"{about['output']['name']} [rows, {', '.join(map(str, about['output']['shape']))}]"
    voice.result({"file": str(out), **about}, f"{out} takes {takes} and gives {gives}, {about['output']['type']}")


@click.command("inspect", short_help="Describe a model.")
@MODEL
@speaking
def inspect_command(voice: Voice, model: str | Path) -> None:
    """Describe MODEL (a model file, a run folder or hf://owner/name): kind, columns, networks, length, scores."""
    from gankit.model import inspect as inspect_model

    card = inspect_model(model)
    defaults = {option.name: option.default for option in train_options()}
    chosen = {k: v for k, v in card.get("options", {}).items() if v not in (defaults.get(k), [])}
    voice.result(card, outline({**card, "options": chosen or "all at their defaults"}))
