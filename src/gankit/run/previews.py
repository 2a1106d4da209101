"""What a run keeps beside its model: fakes of fixed latents over the training, and G as it began the game.

Knows run folders and the forms of previews; never kinds or the loop.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from gankit.io.atomic import whole_file, write_atomically
from gankit.kinds.base import Preview
from gankit.model import load
from gankit.model.model import Model

PREVIEWS_NAME = "looks"
"""The folder in a run folder that holds fakes of the same z over the training."""

RIVAL_NAME = "likelihood.safetensors"
"""The file in a run folder with the model of G before the game."""


def keep_preview(run: Path, samples: int, preview: Preview) -> None:
    """Keeps fakes of a training that has been shown so many samples, in a file that people can open."""
    folder = run / PREVIEWS_NAME
    folder.mkdir(exist_ok=True)
    name = f"{samples:012d}"
    if preview.form == "grid":
        from gankit.io.origin import Origin
        from gankit.kinds.images.records import Images
        from gankit.kinds.images.writing import write_images

        write_images([Images(preview.records, None, Origin("array"))], folder / f"{name}.png", Origin("array"))
    elif preview.form == "lines":
        with whole_file(folder / f"{name}.npy") as file:
            np.save(file, preview.records, allow_pickle=False)
    else:
        text = json.dumps(list(preview.records), ensure_ascii=False, indent=1) + "\n"
        write_atomically(folder / f"{name}.json", text.encode())


def keep_rival(run: Path, model: Model) -> None:
    """Keeps the model of G before the game in the run folder, if there is one."""
    if model.rival is not None:
        model.rival.save(run / RIVAL_NAME)


def kept_rival(run: Path) -> Model | None:
    """The model of G before the game, where it was kept."""
    return load(run / RIVAL_NAME) if (run / RIVAL_NAME).exists() else None
