"""`gankit interpolate`: an interpolation between a model's images, as a strip, an animation, or images.

Knows models, interpolations and where they go; never how an interpolation is made.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit.cli.flags import numbers
from gankit.cli.speaking import speaking
from gankit.cli.terminal import Voice
from gankit.errors import OptionError

if TYPE_CHECKING:
    from gankit.latents import Places, Stop


@click.command("interpolate", short_help="Walk between a model's images.")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="A strip (.png), an animation (.gif, .mp4), arrays (.npz, .npy), or images (.zip, a folder).",
)
@click.option("--rows", metavar="I,J,...", help="The rows of --seed to interpolate between.  [0,1]")
@click.option("--seeds", metavar="A,B,...", help="In place of --rows: the first row of each of these seeds.")
@click.option(
    "--latents", type=click.Path(path_type=Path), metavar="FILE", help="In place of --rows: what project has found."
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="The seed of --rows.")
@click.option("--where", multiple=True, metavar="COL=VALUE", help="What every row satisfies.")
@click.option(
    "--through",
    multiple=True,
    metavar="COL=VALUE",
    help="What one row after the other satisfies, for each one; a single row goes through all of them.",
)
@click.option(
    "--frames", type=click.IntRange(1, 10_000), default=8, show_default=True, metavar="N", help="Images of a segment."
)
@click.option(
    "--space", type=click.Choice(["z", "w"]), default="z", show_default=True, help="Latent space; w: stylegan2 alone."
)
@click.option("--path", type=click.Choice(["spherical", "straight"]), help="The line.  [spherical in z, straight in w]")
@click.option("--loop", is_flag=True, help="Go back to the first row at the end.")
@click.option(
    "--truncation",
    type=float,
    default=1.0,
    show_default=True,
    metavar="PSI",
    help="As for sample: below 1, less varied.",
)
@click.option("--fps", type=float, metavar="X", help="Images a second of an animation.  [10]")
@speaking
def command(
    voice: Voice,
    model: Path,
    out: Path,
    rows: str | None,
    seeds: str | None,
    latents: Path | None,
    seed: int,
    where: tuple[str, ...],
    through: tuple[str, ...],
    frames: int,
    space: str,
    path: str | None,
    loop: bool,
    truncation: float,
    fps: float | None,
) -> None:
    """Walk from image to image of MODEL, a model file or a run folder.

    The images at the rows are those that sample gives for them.
    """
    from gankit.model import load, parse_where

    if sum(given is not None for given in (rows, seeds, latents)) > 1:
        raise OptionError("--rows, --seeds and --latents each say what to interpolate between. Give one of them.")
    if seeds is not None and seed:
        raise OptionError("--seed is for --rows; --seeds names seeds itself. Give one of them.")
    places = None if seeds is None else [(0, s) for s in numbers("--seeds", seeds)]
    if places is None:
        places = [(r, seed) for r in numbers("--rows", rows if rows is not None else "0" if through else "0,1")]
    every = parse_where(where)
    each = [parse_where([text]) for text in through]
    twice = sorted(every.keys() & {name for one in each for name in one})
    if twice:
        raise OptionError(f"--where and --through both say what {twice[0]} is. Name it in one of them.")
    if latents is not None and (where or through or seed):
        raise OptionError(
            "--latents has its own places and conditions; --seed, --where and --through do not go with it."
        )
    loaded = load(model)

    from gankit.latents import animation_suffixes, check_animation, interpolate, read_places, write_animation

    stops: list[Stop] | Places
    stops = read_places(latents, loaded) if latents is not None else _stops(places, every, each)
    is_animation = out.suffix.lower() in animation_suffixes()
    if is_animation:
        check_animation(out, fps)
    elif fps is not None:
        raise OptionError(f"--fps {fps:g}: it is for .gif and .mp4. Leave it off.")
    images = interpolate(loaded, stops, frames=frames, path=path, space=space, loop=loop, truncation=truncation)
    if is_animation:
        write_animation(out, images, segment=frames, fps=fps)
    else:
        from gankit.kinds.images.records import Images
        from gankit.kinds.images.writing import write_images

        write_images([Images(images, None, loaded.origin)], out, loaded.origin)
    voice.result({"file": str(out), "pictures": len(images)}, f"{len(images)} images in {out}")


def _stops(places: list[tuple[int, int]], every: dict[str, Any], each: list[dict[str, Any]]) -> list[Stop]:
    """The rows, each with what it obeys."""
    from gankit.latents import Stop

    if each and len(places) == 1:
        places = places * len(each)
    if each and len(places) != len(each):
        raise OptionError(
            f"--through is given {len(each)} times, and there are {len(places)} rows. Give it once for every row, or "
            "one row."
        )
    conditions = each or [{} for _ in places]
    return [Stop(row, seed, {**every, **own}) for (row, seed), own in zip(places, conditions, strict=True)]
