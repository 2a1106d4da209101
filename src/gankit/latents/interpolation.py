"""Points in a model's latent space: those of its rows, the images they give, mixing of their styles, and the images
between two or more points with files of them (strip, GIF, MP4).

Knows models and generators; never discriminators or optimisers.
"""

from __future__ import annotations

import io
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gankit.errors import OptionError, OutputError
from gankit.io.atomic import complaints, whole_file
from gankit.io.pixels import MAX_GRID_PIXELS, enlarged, grid_png, to_pillow
from gankit.model import Model
from gankit.networks.base import StyleGenerator
from gankit.networks.blocks import collapse


@dataclass(frozen=True)
class Stop:
    """One of a model's rows: row `row` of seed `seed`, which obeys `where` (see `Model.sample`)."""

    row: int
    seed: int = 0
    where: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Places:
    """N places in a model's latent space; either z or w says where.

    z: [N, num_latents] float32, or None.
    w: [N, num_styles, style_dim] float32, or None; for a `StyleGenerator`.
    c: [N, K] float32, the condition, or None.
    noise: of a `StyleGenerator`, [N, 1, H, W] for each layer that takes some; else empty.
    """

    z: Tensor | None
    w: Tensor | None
    c: Tensor | None
    noise: list[Tensor]

    def __len__(self) -> int:
        place = self.z if self.z is not None else self.w
        assert place is not None, "either z or w"
        return len(place)

    def take(self, rows: slice | Tensor) -> Places:
        """Some of the places."""
        z, w, c = (None if part is None else part[rows] for part in (self.z, self.w, self.c))
        return Places(z, w, c, [layer[rows] for layer in self.noise])


def joined(parts: Sequence[Places]) -> Places:
    """All places of several, in order; the same of z, w and c is known of each."""

    def together(name: str) -> Tensor | None:
        found = [getattr(part, name) for part in parts]
        return None if found[0] is None else torch.cat(found)

    noise = [torch.cat(layer) for layer in zip(*(part.noise for part in parts), strict=True)]
    return Places(together("z"), together("w"), together("c"), noise)


def require_images(model: Model, what: str) -> None:
    """Nothing for a model of images.

    Raises:
        OptionError: the model is of another kind.
    """
    if not model.of.has_places:
        raise OptionError(
            f"{what} is for models of images, and this one is of kind {model.kind}. gankit sample and evaluate take "
            "every kind."
        )


def style_generator(model: Model, what: str) -> StyleGenerator:
    """The model's generator, which has styles.

    Raises:
        OptionError: it has none.
    """
    require_images(model, what)
    styled: StyleGenerator | None = model.generator.styled
    if styled is None:
        raise OptionError(
            f"{what} needs a network with styles, and this model's is {model.plan.name}. Train one with "
            "--network stylegan2."
        )
    return styled


def places_of(model: Model, stops: Sequence[Stop]) -> Places:
    """The places of rows in z, with their conditions and noise.

    Raises:
        OptionError: a row below 0, or a condition this model cannot obey.
    """
    rows = model.block
    z, c, noise = [], [], []
    for stop in stops:
        if stop.row < 0:
            raise OptionError(f"row {stop.row}: rows are counted from 0. Give 0 or more.")
        index, within = divmod(stop.row, rows)
        draws = model.draws(stop.seed, stop.where)(index)
        z.append(draws.z[within])
        if draws.c is not None:
            c.append(draws.c[within])
        if (styled := model.generator.styled) is not None:
            noise.append([layer[within] for layer in styled.draw_noise(within + 1, draws.u)])
    layers = [torch.stack(layer) for layer in zip(*noise, strict=True)]
    return Places(torch.stack(z), None, torch.stack(c) if c else None, layers)


def images_at(model: Model, stops: Sequence[Stop], truncation: float = 1.0) -> np.ndarray:
    """The images of rows, the very bytes that `Model.sample` gives: [N, H, W, C] uint8."""
    batches = [batch for s in stops for batch in model.sample_batches(1, s.seed, s.row, s.where, truncation=truncation)]
    return np.concatenate([batch.x for batch in batches])


def styles_of(generator: StyleGenerator, places: Places) -> Tensor:
    """w of the places: [N, num_styles, style_dim]."""
    if places.w is not None:
        return places.w
    assert places.z is not None
    return generator.styles(places.z, places.c)


def painted(model: Model, places: Places, truncation: float = 1.0) -> Tensor:
    """What G makes at the places: [N, C, H, W] float32, about [-1, 1]; gradients flow back to z or w.

    truncation: how much of the spread is kept, in (0, 1]; see `Model.sample`.
    """
    generator = model.generator.eval()
    if (styled := generator.styled) is not None:
        w = styles_of(styled, places)
        if truncation != 1:
            w = styled.mean_style + truncation * (w - styled.mean_style)
        return styled.paint(w, places.noise)
    assert places.z is not None and generator.num_uniforms == 0, "generators of images draw nothing else"
    u = places.z.new_zeros(len(places), 0)
    x: Tensor = generator(places.z if truncation == 1 else truncation * places.z, u, places.c)
    return x


def images_of(model: Model, places: Places, truncation: float = 1.0) -> np.ndarray:
    """The images at the places, a few at a time: [N, H, W, C] uint8."""
    rows = model.block
    parts = []
    with torch.no_grad():
        for begin in range(0, len(places), rows):
            x = painted(model, places.take(slice(begin, begin + rows)), truncation)
            parts.append(model.codec.seen(collapse(model.codec.spec, x, x.new_zeros(len(x), 0)).numpy()))
    return np.concatenate(parts)


GROUPS = ("coarse", "middle", "fine")
"""Names of layers that belong together, from the lowest resolution up."""

MOST_OF_A_GROUP = 4
"""Layers of `coarse` and of `middle`, as in Karras et al. 2019: two resolutions, and all that are higher are `fine`."""


def mix(
    model: Model, rows: Sequence[Stop], columns: Sequence[Stop], *, levels: str = "coarse", truncation: float = 1.0
) -> np.ndarray:
    """The grid of Karras et al. 2019, figure 3: every image of `rows` with some styles of every one of `columns`.

    model: with a network with styles. rows, columns: rows of the model. truncation: see `Model.sample`.
    levels: which layers' styles come from `columns`: a name of GROUPS, or layers as in "0-3" or "5".

    Returns:
        [R + 1, C + 1, H, W, C'] uint8: in the first row the images of `columns`, in the first column those of `rows`,
        the bytes that `Model.sample` gives; the corner is white. Noise inputs are those of `rows`.

    Raises:
        OptionError: a network without styles, no rows or columns, or layers that it does not have.
    """
    generator = style_generator(model, "mix")
    if not rows or not columns:
        raise OptionError("mix needs rows and columns. Give both, as in --rows 1,2,3 --columns 4,5,6.")
    taken = mixed_layers(levels, generator.num_styles)
    left, top = places_of(model, rows), places_of(model, columns)
    with torch.no_grad():
        of_rows, of_columns = styles_of(generator, left), styles_of(generator, top)
    across = len(columns)
    # [R * C, num_styles, style_dim]: every row with every column
    w = of_rows.repeat_interleave(across, 0).clone()
    w[:, taken] = of_columns.repeat(len(rows), 1, 1)[:, taken]
    noise = [layer.repeat_interleave(across, 0) for layer in left.noise]
    mixed = images_of(model, Places(None, w, None, noise), truncation)
    grid = np.full((len(rows) + 1, across + 1, *mixed.shape[1:]), 255, dtype=np.uint8)
    grid[1:, 1:] = mixed.reshape(len(rows), across, *mixed.shape[1:])
    grid[1:, 0] = images_at(model, rows, truncation)
    grid[0, 1:] = images_at(model, columns, truncation)
    return grid


def mixed_layers(levels: str, num_styles: int) -> slice:
    """The layers that a name of GROUPS, a range or a number means.

    >>> [mixed_layers(name, 18) for name in GROUPS]
    [slice(0, 4, None), slice(4, 8, None), slice(8, 18, None)]
    >>> mixed_layers("2-3", 6), mixed_layers("fine", 6)
    (slice(2, 4, None), slice(4, 6, None))

    Raises:
        OptionError: it means nothing, or layers that the network does not have.
    """
    if levels in GROUPS:
        each = min(MOST_OF_A_GROUP, max(1, num_styles // 3))
        edges = [0, each, min(2 * each, num_styles), num_styles]
        found = slice(*edges[(place := GROUPS.index(levels)) : place + 2])
    elif match := re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", levels):
        found = slice(int(match[1]), int(match[2] or match[1]) + 1)
    else:
        raise OptionError(f"--levels {levels}: expected {', '.join(GROUPS)}, or layers as in 0-3.")
    if not found.start < found.stop <= num_styles:
        raise OptionError(
            f"--levels {levels}: this network has {num_styles} layers with a style, 0 to {num_styles - 1}. Name some "
            "of them, as in --levels 0-1."
        )
    return found


Way = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From two ends and shares of the way to what lies there."""

NEARLY_PARALLEL = 1e-4
"""Angles, in radians, below which a great circle is a straight line."""


def interpolate(
    model: Model, stops: Sequence[Stop | int] | Places, *, frames: int = 8, path: str | None = None, space: str = "z",
    loop: bool = False, truncation: float = 1.0,
) -> np.ndarray:  # fmt: skip
    """The images on an interpolation from stop to stop.

    A condition that differs between two stops changes linearly on the way; the noise inputs of a network with styles
    go from those of one row to those of the next by `spherical`.

    stops: rows of the model (numbers are rows of seed 0), or places such as those of a projection.
    frames: images of a segment, from a stop on and up to the next one, which is not counted.
    path: "spherical" or "straight"; None = spherical in z, straight in w.
    space: "z", or "w" for a network with styles. truncation: see `Model.sample`.
    loop: whether the last stop is followed by the first one.

    Returns:
        [segments * frames + 1, H, W, C] uint8; a loop ends with the image it began with. At rows the images are the
        bytes that `Model.sample` gives for them.

    Raises:
        OptionError: fewer than two stops, or what this model cannot do.
    """
    require_images(model, "interpolate")
    if len(stops) < 2:
        raise OptionError(
            "an interpolation needs at least two places, and this is one. Give more rows, as in --rows 3,17."
        )
    if path not in (None, "spherical", "straight") or space not in ("z", "w"):
        raise OptionError(
            f"an interpolation is spherical or straight, in z or w. Got path={path!r} and space={space!r} instead."
        )
    if frames < 1:
        raise OptionError(f"a segment of an interpolation has at least one image. Got frames={frames} instead.")
    if not 0 < truncation <= 1:
        raise OptionError(f"--truncation {truncation:g}: it must be above 0 and at most 1.")
    rows = None if isinstance(stops, Places) else [s if isinstance(s, Stop) else Stop(int(s)) for s in stops]
    places = stops if isinstance(stops, Places) else places_of(model, rows or ())
    if places.z is None and space == "z":
        raise OptionError("these places are known in w alone, so that --space z cannot be used. Give --space w.")
    if space == "w":
        generator = style_generator(model, "--space w")
        if path == "spherical":
            raise OptionError(
                "--path spherical is for z, whose numbers are normal; w has no such shape. Leave --path off."
            )
        with torch.no_grad():
            places = Places(None, styles_of(generator, places).clone(), None, places.noise)
    along = straight if path == "straight" or (path is None and space == "w") else spherical
    order = [*range(len(places)), *([0] if loop else [])]
    t = torch.arange(frames) / frames
    segments = [_segment(places, a, b, t, along) for a, b in pairwise(order)]
    x = images_of(model, joined([*segments, places.take(slice(order[-1], order[-1] + 1))]), truncation)
    if rows is not None:
        x[::frames] = images_at(model, rows, truncation)[order]  # one made in another batch may differ in its last bit
    return x


def _segment(places: Places, a: int, b: int, t: Tensor, along: Way) -> Places:
    """The places at the shares t of the way from place a to place b."""
    ways = ((places.z, along), (places.w, straight), (places.c, straight))
    z, w, c = (None if part is None else way(part[a], part[b], t) for part, way in ways)
    return Places(z, w, c, [spherical(layer[a], layer[b], t) for layer in places.noise])


def straight(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """(1 - t) a + t b, exact at both ends: a, b of any shape, t [T] -> [T, *shape].

    >>> straight(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.25])).tolist()
    [[0.75, 0.25]]
    """
    t = t.view(-1, *[1] * a.ndim)
    return (1 - t) * a + t * b


def spherical(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """sin((1 - t) angle) / sin(angle) a + sin(t angle) / sin(angle) b, angle that between a and b (Shoemake 1985).

    A straight line between two normal draws of many numbers passes closer to the origin than any draw would; this one
    keeps their length (White 2016, "Sampling generative networks"). Parallel ones are joined by a straight line.

    a, b: of one shape, taken as one vector each. t: [T], shares of the way. Returns [T, *shape].

    >>> at = spherical(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), torch.tensor([0.5]))
    >>> [round(number, 4) for number in at[0].tolist()]
    [0.7071, 0.7071]
    """
    lengths = a.double().norm() * b.double().norm()
    cosine = (a.double() * b.double()).sum() / lengths if lengths > 0 else torch.ones((), dtype=torch.float64)
    angle = torch.arccos(cosine.clamp(-1, 1))
    if angle < NEARLY_PARALLEL or torch.pi - angle < NEARLY_PARALLEL:
        return straight(a, b, t)
    first = (torch.sin((1 - t.double()) * angle) / torch.sin(angle)).to(a.dtype).view(-1, *[1] * a.ndim)
    second = (torch.sin(t.double() * angle) / torch.sin(angle)).to(a.dtype).view(-1, *[1] * a.ndim)
    return first * a + second * b


FPS = 10.0
"""Images a second where nothing else is asked for."""

LEAST_FPS, MOST_FPS, MOST_FPS_OF_GIF = 0.1, 100.0, 50.0
"""Bounds of --fps. A GIF counts in hundredths of a second, and viewers take less than two of them for ten."""


def write_animation(path: str | Path, frames: np.ndarray, *, segment: int, fps: float | None = None) -> None:
    """Writes the images of an interpolation: `.png` a strip, `.gif` or `.mp4` an animation; small images are enlarged.

    path: the file, which appears when it is whole. frames: [segments * segment + 1, H, W, C] uint8.
    segment: images of a segment; the strip has a line for each segment, from one stop to the next, both shown.
    fps: images a second of an animation; None = FPS.

    Raises:
        OptionError: a strip with `fps`, or an MP4 where no encoder is at hand.
        OutputError: another suffix, or the file cannot be written.
    """
    check_animation(path, fps)
    target = Path(path)
    if target.suffix.lower() != ".png":
        frames = enlarged(frames, max(frames.shape[1:3]))
    with complaints(target):
        WRITERS[target.suffix.lower()](target, frames, segment, fps or FPS)


def check_animation(path: str | Path, fps: float | None = None) -> None:
    """Nothing where `write_animation` can write such a file; asked before there are images.

    Raises:
        OptionError, OutputError: see `write_animation`.
    """
    target, suffix = Path(path), Path(path).suffix.lower()
    if suffix not in WRITERS:
        raise OutputError(f"interpolations are not written as {suffix!r}. Take one of: {', '.join(WRITERS)}.")
    if not target.parent.is_dir():
        raise OutputError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into. Make it first.")
    if fps is not None and suffix == ".png":
        raise OptionError(f"--fps {fps:g} is for .gif and .mp4, and a strip stands still. Leave it out.")
    most = MOST_FPS_OF_GIF if suffix == ".gif" else MOST_FPS
    if fps is not None and not LEAST_FPS <= fps <= most:
        raise OptionError(f"--fps of a {suffix} must be between {LEAST_FPS:g} and {most:g}. Got {fps:g} instead.")
    if suffix == ".mp4":
        find_encoder()


def _strip(target: Path, frames: np.ndarray, segment: int, fps: float) -> None:
    cells = np.concatenate([frames[begin : begin + segment + 1] for begin in range(0, len(frames) - 1, segment)])
    if cells.size > MAX_GRID_PIXELS:
        raise OutputError("a strip of so many images is too large to look at. Ask for fewer --frames, or a .gif.")
    with whole_file(target) as stream:
        stream.write(grid_png(cells, columns=segment + 1))


def _gif(target: Path, frames: np.ndarray, segment: int, fps: float) -> None:
    """An animation that begins again at its end. Grey images keep their bytes; colours are reduced to 256 a frame."""
    images = [to_pillow(frame) for frame in _opaque(frames)]
    stream = io.BytesIO()
    duration_ms = 10 * round(100 / fps)
    images[0].save(stream, "GIF", save_all=True, append_images=images[1:], duration=duration_ms, loop=0, optimize=False)
    with whole_file(target) as file:
        file.write(stream.getvalue())


def _mp4(target: Path, frames: np.ndarray, segment: int, fps: float) -> None:
    encoder = find_encoder()
    height, width = frames.shape[1:3]
    colours = np.broadcast_to(_opaque(frames), (*frames.shape[:3], 3))
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.mp4")
    command = [
        encoder, "-y", "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}",
        "-r", f"{fps:g}", "-i", "-", "-an", "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-pix_fmt", "yuv420p",
        str(temporary),
    ]  # fmt: skip
    try:
        done = subprocess.run(command, input=np.ascontiguousarray(colours).tobytes(), capture_output=True, check=False)
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines() or ["no reason given"]
            raise OutputError(f"{encoder} could not write {target.name!r}: {said[-1]}. Write a .gif instead.")
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


def _opaque(frames: np.ndarray) -> np.ndarray:
    """Images with an alpha channel as they look on white: [N, H, W, C] -> [N, H, W, 1 or 3] uint8."""
    channels = frames.shape[3]
    if channels in (1, 3):
        return np.ascontiguousarray(frames)
    share = frames[..., -1:] / 255.0
    return np.rint(frames[..., :-1] * share + 255 * (1 - share)).astype(np.uint8)


def find_encoder() -> str:
    """The program ffmpeg, or the one that the package imageio-ffmpeg brings.

    Raises:
        OptionError: there is none.
    """
    try:
        return shutil.which("ffmpeg") or str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise OptionError(
            "an .mp4 needs an encoder, and neither the program ffmpeg nor the package imageio-ffmpeg is here. Write a "
            ".gif, or: pip install imageio-ffmpeg"
        ) from None


WRITERS: dict[str, Callable[[Path, np.ndarray, int, float], None]] = {".png": _strip, ".gif": _gif, ".mp4": _mp4}
"""What writes interpolations, by the suffix of the file."""
