"""Walks as files that are looked at: a strip, an animated GIF, an MP4.

Knows pictures and files; never models or networks.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from gankit.errors import OptionError, OutputError
from gankit.io.writing import complaints, whole_file
from gankit.kinds.images.records import MODES, grid
from gankit.kinds.images.writing import MAX_GRID_PIXELS, png

FPS = 10.0
"""Pictures a second where nothing else is asked for."""

LEAST_FPS, MOST_FPS, MOST_FPS_OF_GIF = 0.1, 100.0, 50.0
"""Bounds of --fps. A GIF counts in hundredths of a second, and viewers take less than two of them for ten."""


def write_film(path: str | Path, frames: np.ndarray, *, leg: int, fps: float | None = None) -> None:
    """Writes the pictures of a walk: `.png` a strip, `.gif` or `.mp4` a film.

    Args:
        path: the file, which appears when it is whole.
        frames: [legs * leg + 1, H, W, C] uint8.
        leg: pictures of a leg; the strip has a line for each leg, from one stop to the next, both shown.
        fps: pictures a second of a film; None = FPS.

    Raises:
        OptionError: a strip with `fps`, or an MP4 where no encoder is at hand.
        OutputError: another suffix, or the file cannot be written.
    """
    check_film(path, fps)
    target = Path(path)
    with complaints(target):
        _WRITERS[target.suffix.lower()](target, frames, leg, fps or FPS)


def check_film(path: str | Path, fps: float | None = None) -> None:
    """Raises what `write_film` would, before there are pictures."""
    target = Path(path)
    suffix = target.suffix.lower()
    if suffix not in _WRITERS:
        raise OutputError(f"walks are not written as {suffix!r}. Take one of: {', '.join(_WRITERS)}.")
    if not target.parent.is_dir():
        raise OutputError(f"there is no folder {str(target.parent)!r} to write {target.name!r} into. Make it first.")
    if fps is not None and suffix == ".png":
        raise OptionError(f"--fps {fps:g} is for .gif and .mp4, and a strip stands still. Leave it out.")
    most = MOST_FPS_OF_GIF if suffix == ".gif" else MOST_FPS
    if fps is not None and not LEAST_FPS <= fps <= most:
        raise OptionError(f"--fps of a {suffix} must be between {LEAST_FPS:g} and {most:g}. Got {fps:g} instead.")
    if suffix == ".mp4":
        find_encoder()


def film_suffixes() -> tuple[str, ...]:
    """The suffixes that `write_film` takes."""
    return tuple(_WRITERS)


def _strip(target: Path, frames: np.ndarray, leg: int, fps: float) -> None:
    legs = [frames[begin : begin + leg + 1] for begin in range(0, len(frames) - 1, leg)]
    cells = np.concatenate(legs)
    if cells.size > MAX_GRID_PIXELS:
        raise OutputError("a strip of so many pictures is too large to look at. Ask for fewer --frames, or a .gif.")
    with whole_file(target) as stream:
        stream.write(png(grid(cells, columns=leg + 1)))


def _gif(target: Path, frames: np.ndarray, leg: int, fps: float) -> None:
    """An animation that begins again at its end. Grey pictures keep their bytes; colours are reduced to 256 a frame."""
    from PIL import Image

    frames = _opaque(frames)
    _, height, width, channels = frames.shape
    pictures = [Image.frombytes(MODES[channels], (width, height), frame.tobytes()) for frame in frames]
    stream = io.BytesIO()
    duration_ms = 10 * round(100 / fps)
    pictures[0].save(
        stream, "GIF", save_all=True, append_images=pictures[1:], duration=duration_ms, loop=0, optimize=False
    )
    with whole_file(target) as file:
        file.write(stream.getvalue())


def _mp4(target: Path, frames: np.ndarray, leg: int, fps: float) -> None:
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
    """Pictures with an alpha channel as they look on white: [N, H, W, C] -> [N, H, W, 1 or 3] uint8."""
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
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        return str(import_module("imageio_ffmpeg").get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise OptionError(
            "an .mp4 needs an encoder, and neither the program ffmpeg nor the package imageio-ffmpeg is here. Write a "
            ".gif, or: pip install imageio-ffmpeg"
        ) from None


_WRITERS: dict[str, Callable[[Path, np.ndarray, int, float], None]] = {".png": _strip, ".gif": _gif, ".mp4": _mp4}
