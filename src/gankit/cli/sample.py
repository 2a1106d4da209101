"""The commands on a model file: `gankit sample`, `gankit export` and `gankit inspect`.

Knows models and files; never training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from gankit.cli.flags import MODEL, Count, OptionsCommand, Shard, given, out_option
from gankit.cli.terminal import outline, speaking
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
    file_format: str | None,
    **flags: Any,
) -> None:
    """Generate records with MODEL, a model file, a run folder or hf://owner/name.

    Without -o they go to standard output, in the text format that the training data came in.
    """
    from gankit.model import load, parse_where

    conditions = parse_where(where)
    loaded, options = load(model), given(flags)
    if shard is not None:
        offset, num_rows = loaded.part(num_rows, *shard, offset)
    if out is None:
        form = file_format or loaded.of.pipe_format(loaded.origin)
        loaded.write("-", num_rows, seed, offset, conditions, form, **options)
    else:
        loaded.write(out, num_rows, seed, offset, conditions, file_format, **options)
        result = {"file": str(out), "num_rows": num_rows, "seed": seed, "offset": offset}
        voice.result(result, f"{loaded.of.noun.count(num_rows)} in {out}")


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
