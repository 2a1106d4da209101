"""Small images for tests, as arrays and as files of every kind."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from gankit.config import TrainConfig
from gankit.randomness import numpy_generator

PLAIN = TrainConfig()


def noise(num: int, height: int = 6, width: int = 5, channels: int = 3) -> np.ndarray:
    rng = numpy_generator(1, "test pictures", num, height, width, channels)
    return rng.integers(0, 256, (num, height, width, channels), dtype=np.uint8)


def image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def encoded(pixels: np.ndarray, format: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image(pixels).save(stream, format)
    return stream.getvalue()


def fill(folder: Path, names: list[str], x: np.ndarray) -> Path:
    for name, pixels in zip(names, x, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encoded(pixels))
    return folder


def zipped(path: Path, names: list[str], x: np.ndarray) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, pixels in zip(names, x, strict=True):
            archive.writestr(name, encoded(pixels))
    return path


def tarred(path: Path, names: list[str], x: np.ndarray) -> Path:
    mode = {".tar": "w", ".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}[path.suffix]
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, pixels in zip(names, x, strict=True):
            data = encoded(pixels)
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path
