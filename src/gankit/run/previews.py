"""Looks over the training: fakes of the same z, kept in the run folder at every evaluation.

Knows run folders and who keeps which kind of fakes; never models or the loop.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gankit.kinds.images.evaluation import write_look
from gankit.kinds.series.evaluation import write_series_look
from gankit.kinds.texts.evaluation import write_text_look


def keep_look(run: Path, samples: int, look: np.ndarray | list[str]) -> None:
    """Keeps fakes of a training that has been shown so many samples: pictures [n, H, W, C], series [n, T, C], texts."""
    if isinstance(look, list):
        write_text_look(run, samples, look)
    elif look.ndim == 3:
        write_series_look(run, samples, look)
    else:
        write_look(run, samples, look)
