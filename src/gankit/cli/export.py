"""`gankit export`: a model's generator as an ONNX file.

Knows models and the file; never how it is written.
"""

from __future__ import annotations

from pathlib import Path

import click

from gankit.cli.speaking import speaking
from gankit.cli.terminal import Voice


@click.command("export", short_help="Write a model's generator as an ONNX file.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The file, NAME.onnx.")
@click.option(
    "--pixels",
    type=click.Choice(["float", "bytes"]),
    default="float",
    show_default=True,
    help="What images come as: numbers in [-1, 1], channels first; or bytes, channels last.",
)
@click.option(
    "--truncation", type=float, default=1.0, show_default=True, metavar="PSI", help="As for sample; built in."
)
@click.option("--opset", type=int, metavar="N", help="Version of ONNX's operators, 18 to 23.  [18]")
@speaking
def command(voice: Voice, model: Path, out: Path, pixels: str, truncation: float, opset: int | None) -> None:
    """Write the generator of MODEL, a model file or a run folder, for programs that have neither gankit nor torch."""
    from gankit.model import load

    loaded = load(model)

    from gankit.model.export import OPSET, export_onnx

    about = export_onnx(loaded, out, pixels=pixels, truncation=truncation, opset=OPSET if opset is None else opset)
    takes = ", ".join(f"{name} [rows, {given['size']}]" for name, given in about["inputs"].items())
    gives = f"{about['output']['name']} [rows, {', '.join(map(str, about['output']['shape']))}]"
    voice.result({"file": str(out), **about}, f"{out} takes {takes} and gives {gives}, {about['output']['type']}")
