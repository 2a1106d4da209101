"""Small audio clips for tests: tones of two classes, as arrays and as files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from gankit.kinds.audio.files import encode_wav
from gankit.randomness import numpy_generator

RATE, LENGTH = 2000, 512
TINY = {"rate": 500, "length": 128}
"""So short that networks learn them within seconds."""

CLASSES = {"low": 0.075, "high": 0.3}
"""Their pitch, as a share of the rate."""


def tones(
    count: int = 40, length: int = LENGTH, channels: int = 1, rate: int = RATE, seed: int = 0
) -> tuple[list[np.ndarray], list[str]]:
    """Tones int16 [T_i, C] of at least half that length, the longest of them of all of it, and their classes."""
    draws = numpy_generator(seed, "test tones")
    sounds, names = [], []
    for row in range(count):
        name = list(CLASSES)[row % 2]
        size = length if row < 4 else int(draws.integers(length // 2, length))
        times = np.arange(size) / rate
        pitch = CLASSES[name] * rate * 2 ** draws.uniform(-0.2, 0.2)
        wave = np.sin(2 * np.pi * (pitch * times + draws.random())) * draws.uniform(0.2, 0.7)
        noise = draws.normal(0, 0.003, (size, channels))
        sounds.append(np.rint(32767 * (wave[:, None] + noise)).astype(np.int16))
        names.append(name)
    return sounds, names


def fill(folder: Path, sounds: list[np.ndarray], names: list[str], rate: int = RATE) -> Path:
    """A folder with a WAV file a sound, by these names."""
    for name, sound in zip(names, sounds, strict=True):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(encode_wav(sound, rate))
    return folder


def by_class(folder: Path, count: int = 40, length: int = LENGTH, rate: int = RATE) -> Path:
    """A folder a class."""
    sounds, classes = tones(count, length, rate=rate)
    return fill(folder, sounds, [f"{name}/{row}.wav" for row, name in enumerate(classes)], rate)


def by_name(folder: Path, count: int = 12) -> Path:
    """A flat folder of names such as low_ann_3.wav."""
    sounds, classes = tones(count)
    return fill(folder, sounds, [f"{c}_{('ann', 'bob')[row // 2 % 2]}_{row}.wav" for row, c in enumerate(classes)])


def zipped(path: Path, folder: Path) -> Path:
    """That folder's files in a zip archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.wav")):
            archive.write(file, file.relative_to(folder).as_posix())
    return path
