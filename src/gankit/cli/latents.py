"""The commands on latents of an image model: `gankit interpolate`, `gankit mix` and `gankit project`.

Knows how their arguments are written and their results are saved; never how images or latents are computed.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit.cli.flags import MODEL, PATH, numbers, out_option
from gankit.cli.terminal import speaking
from gankit.errors import OptionError, OutputError
from gankit.voice import Voice

if TYPE_CHECKING:
    import numpy as np

    from gankit.latents import Places, Stop
    from gankit.latents.projection import Projection
    from gankit.model import Model

_OWN = re.compile(r"\d{6,}\.png|latents\.npz")
"""Files that `project` writes into its folder."""

_WHERE = click.option("--where", multiple=True, metavar="COL=VALUE", help="A condition on every row.")
_TRUNCATION = click.option(
    "--truncation", type=float, default=1.0, metavar="PSI", help="As for sample: below 1, less varied."
)


@click.command("interpolate", short_help="Interpolate between images of a model.")
@MODEL
@out_option("A strip (.png), an animation (.gif, .mp4), arrays (.npz, .npy), or images (.zip, a folder).")
@click.option("--rows", metavar="I,J,...", help="The rows of --seed to interpolate between.  [0,1]")
@click.option("--seeds", metavar="A,B,...", help="Instead of --rows: the first row of each of these seeds.")
@click.option("--latents", type=PATH, metavar="FILE", help="Instead of --rows: the latents that project wrote.")
@click.option("--seed", type=int, default=0, metavar="N", help="The seed of --rows.")
@_WHERE
@click.option(
    "--through",
    multiple=True,
    metavar="COL=VALUE",
    help="Condition of each row in turn, repeated for each; a single row goes through all of them.",
)
@click.option("--frames", type=click.IntRange(1, 10_000), default=8, metavar="N", help="Images per segment.")
@click.option("--space", type=click.Choice(["z", "w"]), default="z", help="Latent space; w: stylegan2 only.")
@click.option("--path", type=click.Choice(["spherical", "straight"]), help="The path.  [spherical in z, straight in w]")
@click.option("--loop", is_flag=True, help="Return to the first row at the end.")
@_TRUNCATION
@click.option("--fps", type=float, metavar="X", help="Images per second of an animation.  [10]")
@speaking
def interpolate_command(
    voice: Voice,
    model: str | Path,
    out: Path,
    rows: str | None,
    seeds: str | None,
    latents: Path | None,
    seed: int,
    where: tuple[str, ...],
    through: tuple[str, ...],
    fps: float | None,
    **walk: Any,
) -> None:
    """Interpolate between images of MODEL, a model file or a run folder.

    The images at the rows are those that sample gives for them.
    """
    from gankit.model import load, parse_where

    if sum(given is not None for given in (rows, seeds, latents)) > 1:
        raise OptionError("--rows, --seeds and --latents each say what to interpolate between. Give one of them.")
    if seeds is not None and seed:
        raise OptionError("--seed is for --rows; --seeds names seeds itself. Give one of them.")
    if seeds is not None:
        places = [(0, s) for s in numbers("--seeds", seeds)]
    else:
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

    from gankit.latents import interpolate, read_places
    from gankit.latents.interpolation import WRITERS, check_animation, write_animation

    stops: list[Stop] | Places
    stops = read_places(latents, loaded) if latents is not None else _stops(places, every, each)
    is_animation = out.suffix.lower() in WRITERS
    if is_animation:
        check_animation(out, fps)
    elif fps is not None:
        raise OptionError(f"--fps {fps:g}: it is for .gif and .mp4. Leave it off.")
    images = interpolate(loaded, stops, **walk)
    if is_animation:
        write_animation(out, images, segment=walk["frames"], fps=fps)
    else:
        loaded.of.write([loaded.of.of_pixels(images, loaded.origin)], out, loaded.origin, 0, None)
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


@click.command("mix", short_help="Mix the styles of a model's images (stylegan2).")
@MODEL
@out_option("The grid, a .png file.")
@click.option("--rows", required=True, metavar="I,J,...", help="The rows of --seed at the left.")
@click.option(
    "--columns", required=True, metavar="I,J,...", help="The rows of --seed at the top, whose styles are used."
)
@click.option(
    "--levels",
    default="coarse",
    metavar="LAYERS",
    help="Layers whose styles come from the top: coarse, middle, fine, or as in 0-3.",
)
@click.option("--seed", type=int, default=0, metavar="N", help="The seed of the rows.")
@_WHERE
@_TRUNCATION
@speaking
def mix_command(
    voice: Voice,
    model: str | Path,
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

    from gankit.io.atomic import complaints, whole_file
    from gankit.io.pixels import grid_png
    from gankit.latents import Stop, mix

    stops = ([Stop(row, seed, conditions) for row in side] for side in (left, top))
    mixed = mix(loaded, *stops, levels=levels, truncation=truncation)
    sheet = grid_png(mixed.reshape(-1, *mixed.shape[2:]), columns=len(top) + 1)
    with complaints(out), whole_file(out) as stream:
        stream.write(sheet)
    result = {"file": str(out), "rows": left, "columns": top, "levels": levels}
    voice.result(result, f"{len(left)} x {len(top)} mixed images in {out}")


@click.command("project", short_help="Find the latents of images.")
@MODEL
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@out_option("The folder for image | reconstruction, 000000.png and on, and latents.npz.")
@click.option("--steps", type=click.IntRange(min=1), default=500, metavar="N", help="Optimisation steps.")
@click.option("--space", type=click.Choice(["z", "w"]), default="z", help="Latent space; w: stylegan2 only.")
@click.option("--seed", type=int, default=0, metavar="N", help="Seed of the starting points.")
@click.option("--where", multiple=True, metavar="COL=VALUE", help="The condition.  [the best of all conditions]")
@speaking
def project_command(
    voice: Voice, model: str | Path, images: tuple[str, ...], out: Path, where: tuple[str, ...], **search: Any
) -> None:
    """Find the places in the latent space of MODEL that give the images most like each IMAGE.

    An IMAGE is an image, or a folder, archive or array of images; they are resized to the size of the model.
    """
    from gankit.model import load, parse_where

    if out.suffix or (out.exists() and not out.is_dir()):
        raise OutputError(f"--out {out}: the results go to a folder. Name one.")
    conditions = parse_where(where)
    loaded = load(model)

    from gankit.latents import project
    from gankit.latents.interpolation import require_images

    require_images(loaded, "project")
    _check_own(out)
    found, names = _read(voice, loaded, images)

    def said(row: int, rmse: float) -> None:
        voice.note(f"{row + 1}/{len(names)} {names[row]}: {_distance(rmse)}")

    projection = project(loaded, found, where=conditions, on_found=said, **search)
    files = _write(out, projection)
    results, lines = [], []
    for row, (name, file) in enumerate(zip(names, files, strict=True)):
        rmse, psnr, labels = float(projection.rmse[row]), float(projection.psnr[row]), projection.labels[row]
        results.append({"picture": name, "file": str(file), "rmse": rmse, "psnr": psnr, "labels": dict(labels)})
        lines.append(f"{name}: {_distance(rmse)}" + "".join(f", {column}={value}" for column, value in labels.items()))
    mean = float(projection.rmse.mean())
    what = "1 image and its latents" if len(results) == 1 else f"{len(results)} images and their latents"
    lines.append(f"{what} in {out}; mean rmse {mean:.1f}")
    result = {"folder": str(out), "latents": str(out / "latents.npz"), "mean_rmse": mean, "pictures": results}
    voice.result(result, "\n".join(lines))


def _distance(rmse: float) -> str:
    psnr = 20 * math.log10(255 / rmse) if rmse else math.inf
    return f"rmse {rmse:.1f} of 255 grey levels, PSNR {psnr:.1f} dB"


def _read(voice: Voice, model: Model, sources: tuple[str, ...]) -> tuple[np.ndarray, list[str]]:
    """The images of all sources at the model's size, [N, H, W, C] uint8, and their names."""
    import numpy as np

    parts, names = [], list[str]()
    for source in sources:
        notes: list[str] = []
        x, called = model.of.pixels(source, model.codec, notes)
        for note in notes:
            voice.note(note)
        parts.append(x)
        names += called or [f"{source}:{row}" for row in range(len(x))]
    return np.concatenate(parts), names


def _check_own(folder: Path) -> None:
    """Refuses, before the long descent, a folder that cannot be made or has files of others, which might be lost."""
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    if not os.access(there, os.W_OK | os.X_OK):
        raise OutputError(f"{str(folder)!r} may not be written. Choose another place.")
    entries = folder.iterdir() if folder.exists() else ()
    names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
    strange = [name for name in names if not _OWN.fullmatch(name)]
    if names and (strange or "latents.npz" not in names):
        raise OutputError(
            f"the folder {str(folder)!r} holds files that gankit did not write, such as {(strange or names)[0]!r}. "
            "Name a new or an empty folder."
        )


def _write(folder: Path, projection: Projection) -> list[Path]:
    """The latents, and a PNG file for each image, it and its reconstruction side by side."""
    import numpy as np

    from gankit.io.atomic import complaints, whole_file
    from gankit.io.pixels import grid_png

    files = [folder / f"{row:06d}.png" for row in range(len(projection.targets))]
    with complaints(folder):
        folder.mkdir(parents=True, exist_ok=True)
        projection.save(folder / "latents.npz")  # first, for by it the folder is known again
        for stale in set(folder.glob("*.png")) - set(files):  # of a projection of more images
            stale.unlink()
        for file, pair in zip(files, zip(projection.targets, projection.found, strict=True), strict=True):
            with whole_file(file) as stream:
                stream.write(grid_png(np.stack(pair), columns=2))
    return files
