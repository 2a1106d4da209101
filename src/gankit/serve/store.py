"""The models that are served: loaded once, and again when their files change.

Knows models and their files; never requests.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gankit.errors import GankitError, ModelError, OptionError
from gankit.io.atomic import GONE, stamp_of
from gankit.io.hub import HubFile, fetched
from gankit.model import load
from gankit.model.files import MODEL_NAME
from gankit.model.model import Model
from gankit.serve.together import Remembered, Together, Turns

LOOKED_AT_S = 1.0
"""Seconds after which it is looked again whether a file has changed."""


def named(paths: Sequence[str | Path]) -> dict[str, Path]:
    """The files by the names that they are served by: a file's stem, the name of a run folder or of a repository.

    Raises:
        OptionError: two have one name, or there is none. ModelError: there is no such file.
    """
    found: dict[str, Path] = {}
    for path in paths:
        if isinstance(path, str):
            file, name = fetched(path, MODEL_NAME), HubFile.parse(path).name
        else:
            file = path / MODEL_NAME if path.is_dir() else path
            name = path.resolve().name if path.is_dir() else path.stem
        if not file.is_file():
            raise ModelError(f"{path}: there is no model there. Give a model file or a run folder with one.")
        if name in found:
            raise OptionError(f"two models are called {name!r}: {found[name]} and {path}. Rename one of them.")
        found[name] = file
    if not found:
        raise OptionError("there is no model to serve. Name a model file or a run folder.")
    return found


@dataclass
class _Held:
    model: Model
    stamp: tuple[int, int]
    looked: float
    fault: str | None = None


class Store:
    """The models by their names, which make rows in turns.

    Raises:
        ModelError: a file holds no model.
    """

    def __init__(self, files: Mapping[str, Path]) -> None:
        self.files, self.turns = dict(files), Turns()
        self._lock = threading.Lock()
        self._held = {name: self._load(path) for name, path in self.files.items()}

    @property
    def names(self) -> tuple[str, ...]:
        """Of all models."""
        return tuple(self.files)

    def faults(self) -> dict[str, str]:
        """Why a model's changed file was not taken, by its name; the model of before answers meanwhile."""
        return {name: held.fault for name, held in self._held.items() if held.fault is not None}

    def __getitem__(self, name: str) -> Model:
        """The model of that name, of its file as it is now.

        Raises:
            KeyError: there is none.
        """
        held = self._held[name]
        if time.monotonic() - held.looked < LOOKED_AT_S or not self._lock.acquire(blocking=False):
            return held.model
        try:
            held.looked = time.monotonic()
            if stamp_of(self.files[name]) not in (held.stamp, GONE):  # which it is while it is being replaced
                try:
                    self._held[name] = held = self._load(self.files[name])
                except GankitError as error:
                    held.fault = str(error)
        finally:
            self._lock.release()
        return held.model

    def _load(self, path: Path) -> _Held:
        stamp = stamp_of(path)
        model = replace(load(path), together=Together(self.turns), kept=Remembered())
        model.generator.eval()
        return _Held(model, stamp, time.monotonic())
