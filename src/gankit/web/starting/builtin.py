"""Data sets that are always there, to see a GAN at work before one's own data is at hand.

Knows how each is made; never what is trained on it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from gankit.io.atomic import write_atomically
from gankit.randomness import numpy_generator

RECORDS = 4000
"""Of a file of those that are drawn."""

Draws = np.random.Generator


@dataclass(frozen=True)
class Builtin:
    """A set of data. kind: as gankit names it; suffix: of its file; make: the bytes of it; needs: a package, or ""."""

    title: str
    kind: str
    suffix: str
    make: Callable[[], bytes]
    needs: str = ""


def _ring(rng: Draws, n: int) -> np.ndarray:
    angle = rng.integers(0, 8, n) * 2 * np.pi / 8
    return np.stack([np.cos(angle), np.sin(angle)], 1) * 2 + rng.normal(0, 0.08, (n, 2))


def _moons(rng: Draws, n: int) -> np.ndarray:
    angle, upper = rng.uniform(0, np.pi, n), rng.random(n) < 0.5
    across, up = (np.where(upper, f(angle), shift - f(angle)) for f, shift in ((np.cos, 1), (np.sin, 0.5)))
    return np.asarray(np.stack([across, up], 1) + rng.normal(0, 0.08, (n, 2)))


DRAWN: Mapping[str, tuple[str, Callable[[Draws, int], np.ndarray]]] = {
    "bells": ("Two bells", lambda rng, n: rng.choice([-2.0, 2.0], n) + rng.normal(0, 0.5, n)),
    "tail": ("Heavy tail", lambda rng, n: np.exp(rng.normal(0, 0.8, n))),
    "spikes": ("Spikes", lambda rng, n: rng.choice([-4.0, -2.0, 0.0, 2.0, 4.0], n) + rng.normal(0, 0.1, n)),
    "ring": ("Ring", _ring),
    "grid": ("Grid", lambda rng, n: rng.integers(0, 4, (n, 2)) + rng.normal(0, 0.07, (n, 2))),
    "moons": ("Two moons", _moons),
}
"""One and two numbers by name: title, and n records, [n] or [n, 2]."""


def drawn(name: str, count: int) -> np.ndarray:
    """So many records of `DRAWN`, the same ones every time."""
    return np.asarray(DRAWN[name][1](numpy_generator(0, f"lesson on {name}"), count).round(4))


def _npy(name: str) -> bytes:
    stream = io.BytesIO()
    np.save(stream, drawn(name, RECORDS), allow_pickle=False)
    return stream.getvalue()


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
    **{
        name: Builtin(title, "number" if drawn(name, 2).ndim == 1 else "vector", ".npy", partial(_npy, name))
        for name, (title, _) in DRAWN.items()
    },
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
