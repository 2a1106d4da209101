"""What the pictures of a run are measured by: made at its start, kept in its folder.

Knows prepared pictures, options and the run folder; never games.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from gankit.checkpoint import write_safetensors
from gankit.config import TrainConfig
from gankit.evaluation import PERCEPTION_NAME, Perception, perceive
from gankit.options import parse_duration, parse_samples
from gankit.preparation import Prepared
from gankit.run.plan import DEFAULT_BUDGET

if TYPE_CHECKING:
    from gankit.checkpoint import RunFolder

TEACHING_SHARE = 0.05
"""At most this share of a time budget goes into the classifier that pictures are measured by."""

LEAST_TEACHING_S = 3.0
"""But not less, for one that knows nothing would choose a checkpoint by nothing."""

TEACHING_SAMPLES, LEAST_SHOWN, MOST_SHOWN = 0.25, 20_000, 200_000
"""The same of a length in samples, within bounds."""


def perception_for(prepared: Prepared, config: TrainConfig, notes: list[str]) -> Perception | None:
    """What the pictures are measured by; None where the data is no pictures."""
    if prepared.pictures is None:
        return None
    if config.samples is not None:
        shown = int(TEACHING_SAMPLES * parse_samples(config.samples))
        found = perceive(prepared, config.seed, samples=int(np.clip(shown, LEAST_SHOWN, MOST_SHOWN)))
    else:
        budget_s = parse_duration(config.budget or DEFAULT_BUDGET)
        found = perceive(prepared, config.seed, max_seconds=max(TEACHING_SHARE * budget_s, LEAST_TEACHING_S))
    held = "spectrograms of held-out recordings" if prepared.kind == "audio" else "held-out pictures"
    notes.append(f"checkpoints are chosen by the Frechet distance to {held} in {found.name}.")
    return found


def save_perception(folder: RunFolder, perception: Perception | None) -> None:
    """Keeps it in the run folder."""
    if perception is not None:
        tensors, numbers = perception.state()
        write_safetensors(folder.path / PERCEPTION_NAME, tensors, {"gankit": json.dumps(numbers)})
