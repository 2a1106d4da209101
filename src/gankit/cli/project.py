"""`gankit project`: images back into a model's latent space, with the distance reached.

Knows models, files of images and of latents; never how a place is found.
"""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gankit.cli.speaking import speaking
from gankit.cli.terminal import Voice
from gankit.errors import DataError, OutputError

_OWN = re.compile(r"\d{6,}\.png|latents\.npz")

if TYPE_CHECKING:
    import numpy as np

    from gankit.latents.projection import Projection
    from gankit.model import Model


@click.command("project", short_help="Find the latents of images.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    required=True,
    help="The folder for image | reconstruction, 000000.png and on, and latents.npz.",
)
@click.option(
    "--steps", type=click.IntRange(min=1), default=500, show_default=True, metavar="N", help="Steps of the descent."
)
@click.option(
    "--space", type=click.Choice(["z", "w"]), default="z", show_default=True, help="Where to look; w: stylegan2 alone."
)
@click.option("--seed", type=int, default=0, show_default=True, metavar="N", help="Seed of the places to start from.")
@click.option("--where", multiple=True, metavar="COL=VALUE", help="The condition.  [the best of all that there are]")
@speaking
def command(
    voice: Voice,
    model: Path,
    images: tuple[str, ...],
    out: Path,
    steps: int,
    space: str,
    seed: int,
    where: tuple[str, ...],
) -> None:
    """Find the places in the latent space of MODEL that give the images most like each IMAGE.

    An IMAGE is an image, or a folder, archive or array of images; they are brought to the size of the model's.
    """
    from gankit.model import load, parse_where

    if out.suffix or (out.exists() and not out.is_dir()):
        raise OutputError(f"--out {out}: the results go to a folder. Name one.")
    conditions = parse_where(where)
    loaded = load(model)

    from gankit.latents import project, require_images

    require_images(loaded, "project")
    _check_own(out)
    found, names = _read(voice, loaded, images)

    def said(row: int, rmse: float) -> None:
        voice.note(f"{row + 1}/{len(names)} {names[row]}: {_distance(rmse)}")

    projection = project(loaded, found, steps=steps, space=space, seed=seed, where=conditions, on_found=said)
    files = _write(out, projection)
    results: list[dict[str, Any]] = []
    lines = []
    for row, (name, file) in enumerate(zip(names, files, strict=True)):
        rmse, psnr, labels = float(projection.rmse[row]), float(projection.psnr[row]), projection.labels[row]
        results.append({"picture": name, "file": str(file), "rmse": rmse, "psnr": psnr, "labels": dict(labels)})
        lines.append(f"{name}: {_distance(rmse)}" + "".join(f", {column}={value}" for column, value in labels.items()))
    mean = float(projection.rmse.mean())
    what = "1 image and its latents" if len(results) == 1 else f"{len(results)} images and their latents"
    lines.append(f"{what} in {out}; mean rmse {mean:.1f}")
    voice.result(
        {"folder": str(out), "latents": str(out / "latents.npz"), "mean_rmse": mean, "pictures": results},
        "\n".join(lines),
    )


def _distance(rmse: float) -> str:
    psnr = 20 * math.log10(255 / rmse) if rmse else math.inf
    return f"rmse {rmse:.1f} of 255 grey levels, PSNR {psnr:.1f} dB"


def _read(voice: Voice, model: Model, sources: tuple[str, ...]) -> tuple[np.ndarray, list[str]]:
    """The images of all sources at the model's size, [N, H, W, C] uint8, and their names."""
    import numpy as np

    from gankit.config import TrainConfig
    from gankit.kinds.images.reading import read_images

    channels, height, width = model.codec.spec.shape
    named = {1: "grey", 3: "rgb", 4: "rgba"}.get(channels, "auto")
    config = TrainConfig(kind="image", size=f"{width}x{height}", channels=named)
    parts, names = [], []
    for source in sources:
        notes: list[str] = []
        found = read_images(source, config, notes, least=1)
        for note in notes:
            voice.note(note)
        if found.x.shape[3] != channels:
            raise DataError(f"{source}: its images have {found.x.shape[3]} channels, and the model's have {channels}.")
        parts.append(np.asarray(found.x))
        names += list(found.names) or [f"{source}:{row}" for row in range(len(found))]
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
    from gankit.kinds.images.records import grid
    from gankit.kinds.images.writing import png

    files = [folder / f"{row:06d}.png" for row in range(len(projection.targets))]
    with complaints(folder):
        folder.mkdir(parents=True, exist_ok=True)
        projection.save(folder / "latents.npz")  # first, for by it the folder is known again
        for stale in set(folder.glob("*.png")) - set(files):  # of a projection of more images
            stale.unlink()
        for file, pair in zip(files, zip(projection.targets, projection.found, strict=True), strict=True):
            with whole_file(file) as stream:
                stream.write(png(grid(np.stack(pair), columns=2)))
    return files
