"""Small texts that tests train on: made-up names of two languages, and sentences of few words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gankit.randomness import numpy_generator

SYLLABLES = {"Aba": ("ka", "lo", "mi", "na", "tu"), "Obo": ("brek", "grun", "stol", "wist", "zorp")}
"""Of two languages that share no syllable."""


def words(language: str, count: int, seed: int = 0) -> list[str]:
    """Names of one to four syllables, the first sign large."""
    rng = numpy_generator(seed, f"words/{language}")
    return [
        "".join(rng.choice(SYLLABLES[language], size=int(rng.integers(1, 5))).tolist()).capitalize()
        for _ in range(count)
    ]


def names_folder(path: Path, count: int = 150) -> Path:
    """A folder with a file a language."""
    path.mkdir()
    for language in SYLLABLES:
        (path / f"{language}.txt").write_text("\n".join(words(language, count)) + "\n", "utf-8")
    return path


def sentences(count: int, seed: int = 0) -> list[str]:
    """Sentences of seven words."""
    rng = numpy_generator(seed, "sentences")

    def one(choices: Sequence[str]) -> str:
        return str(rng.choice(np.array(choices)))

    return [
        f"a {one(['red', 'small', 'old'])} {one(['cat', 'dog', 'bird', 'horse'])} {one(['sees', 'hears', 'likes'])} "
        f"the {one(['old', 'green', 'loud'])} {one(['house', 'tree', 'train', 'lake'])}"
        for _ in range(count)
    ]
