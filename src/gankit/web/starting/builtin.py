"""Data sets that are always there, to see a GAN at work before one's own data is at hand.

Knows how each is made; never what is trained on it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from gankit.io.atomic import write_atomically
from gankit.randomness import numpy_generator

RECORDS = 4000
"""Of those that are drawn."""


@dataclass(frozen=True)
class Builtin:
    """A set of data. kind: as gankit names it; suffix: of its file; make: the bytes of it; needs: a package, or ""."""

    title: str
    kind: str
    suffix: str
    make: Callable[[], bytes]
    needs: str = ""


def _npy(x: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, x, allow_pickle=False)
    return stream.getvalue()


def _drawn(name: str) -> np.random.Generator:
    return numpy_generator(0, "built-in", sum(name.encode()))


def two_bells() -> np.ndarray:
    """Numbers around -2 and 2, more of them around 2: [4000]."""
    rng = _drawn("two bells")
    return np.where(rng.random(RECORDS) < 0.4, rng.normal(-2.0, 0.5, RECORDS), rng.normal(2.0, 0.7, RECORDS))


def heavy_tail() -> np.ndarray:
    """Numbers above 0 of which a few are very large: [4000]."""
    return np.asarray(np.exp(_drawn("heavy tail").normal(0.0, 1.0, RECORDS)))


def ring() -> np.ndarray:
    """Points around a circle: [4000, 2]."""
    rng = _drawn("ring")
    angle, radius = rng.uniform(0, 2 * np.pi, RECORDS), rng.normal(1.0, 0.06, RECORDS)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)


def moons() -> np.ndarray:
    """Points of two half circles that reach into each other: [4000, 2]."""
    rng = _drawn("moons")
    angle, upper = rng.uniform(0, np.pi, RECORDS), rng.random(RECORDS) < 0.5
    x = np.where(upper, np.cos(angle), 1 - np.cos(angle))
    y = np.where(upper, np.sin(angle), 0.5 - np.sin(angle))
    return np.asarray(np.stack([x, y], 1) + rng.normal(0, 0.06, (RECORDS, 2)))


def _digits() -> bytes:
    from sklearn.datasets import load_digits

    found = load_digits()
    stream = io.BytesIO()
    np.savez_compressed(stream, x=(found.images * 15.9375).astype(np.uint8), y=found.target.astype(np.int64))
    return stream.getvalue()


def _iris() -> bytes:
    from sklearn.datasets import load_iris

    found = load_iris()
    names = ["sepal_length", "sepal_width", "petal_length", "petal_width", "species"]
    rows = zip(found.data.tolist(), (str(found.target_names[c]) for c in found.target), strict=True)
    lines = [",".join(names), *(",".join([*map(str, numbers), species]) for numbers, species in rows)]
    return ("\n".join(lines) + "\n").encode()


BUILTIN: dict[str, Builtin] = {
    "two-bells": Builtin("Two bells", "number", ".npy", lambda: _npy(two_bells())),
    "heavy-tail": Builtin("Heavy tail", "number", ".npy", lambda: _npy(heavy_tail())),
    "ring": Builtin("Ring", "vector", ".npy", lambda: _npy(ring())),
    "moons": Builtin("Two moons", "vector", ".npy", lambda: _npy(moons())),
    "digits": Builtin("Digits, 8 x 8", "image", ".npz", _digits, "sklearn"),
    "iris": Builtin("Iris", "table", ".csv", _iris, "sklearn"),
}
"""Every set by its name."""


def available() -> list[dict[str, str]]:
    """Name, title and kind of those that can be made here."""
    there = {name: b for name, b in BUILTIN.items() if not b.needs or find_spec(b.needs) is not None}
    return [{"name": name, "title": b.title, "kind": b.kind} for name, b in there.items()]


def file_of(name: str, folder: Path) -> Path:
    """The file of a set in a folder, made where it is not there.

    Raises:
        OutputError: it cannot be written.
    """
    path = folder / f"{name}{BUILTIN[name].suffix}"
    if not path.is_file():
        write_atomically(path, BUILTIN[name].make())
    return path
