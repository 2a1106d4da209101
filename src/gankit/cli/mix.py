"""`gankit mix`: a grid of images with mixed styles.

Knows models, the grid and its file; never how styles are mixed.
"""

from __future__ import annotations

from pathlib import Path

import click

from gankit.cli.flags import numbers
from gankit.cli.speaking import speaking
from gankit.cli.terminal import Voice
from gankit.errors import OutputError


@click.command("mix", short_help="Mix the styles of a model's images (stylegan2).")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The grid, a .png file.")
@click.option("--rows", required=True, metavar="I,J,...", help="The rows of --seed that stand at the left.")
@click.option(
    "--columns", required=True, metavar="I,J,...", help="The rows of --seed that stand at the top and lend styles."
)
@click.option(
    "--levels",
    default="coarse",
    show_default=True,
    metavar="LAYERS",
    help="Layers whose styles come from the top: coarse, middle, fine, or as in 0-3.",
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="The seed of the rows.")
@click.option("--where", multiple=True, metavar="COL=VALUE", help="What every row satisfies.")
@click.option(
    "--truncation",
    type=float,
    default=1.0,
    show_default=True,
    metavar="PSI",
    help="As for sample: below 1, less varied.",
)
@speaking
def command(
    voice: Voice,
    model: Path,
    out: Path,
    rows: str,
    columns: str,
    levels: str,
    seed: int,
    where: tuple[str, ...],
    truncation: float,
) -> None:
    """Mix styles of MODEL's images: every row with some styles of every column (Karras et al. 2019, figure 3)."""
    from gankit.model import load, parse_where

    if out.suffix.lower() != ".png":
        raise OutputError(f"the grid is a .png file, not {out.name!r}. Name one with -o.")
    left, top = numbers("--rows", rows), numbers("--columns", columns)
    conditions = parse_where(where)
    loaded = load(model)

    from gankit.kinds.images.records import Images, grid
    from gankit.kinds.images.writing import write_images
    from gankit.latents import Stop, mix

    mixed = mix(
        loaded,
        [Stop(row, seed, conditions) for row in left],
        [Stop(row, seed, conditions) for row in top],
        levels=levels,
        truncation=truncation,
    )
    sheet = grid(mixed.reshape(-1, *mixed.shape[2:]), columns=len(top) + 1)
    write_images([Images(sheet[None], None, loaded.origin)], out, loaded.origin)
    voice.result(
        {"file": str(out), "rows": left, "columns": top, "levels": levels},
        f"{len(left)} x {len(top)} mixed images in {out}",
    )
