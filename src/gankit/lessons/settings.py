"""The knobs of a lesson, each with its bounds.

Knows names and numbers; never networks or torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gankit.errors import OptionError

LEAST, MOST = 8, 20_000
"""Records that a lesson takes; of more a part is drawn."""

LOSSES = ("minimax", "nonsaturating", "leastsquares", "hinge", "wasserstein", "relativistic")
PENALTIES = ("none", "r1", "r2", "r1r2", "wgan-gp")
"""Those that a lesson offers, by their names in a training."""

BOUNDS: Mapping[str, tuple[float, float]] = {
    "weight": (0, 1000), "d_steps": (1, 20), "d_rate": (1e-6, 1), "g_rate": (1e-6, 1), "batch": (2, 1024),
    "width": (2, 256), "depth": (1, 4), "latents": (0, 64), "records": (0, MOST), "seed": (0, 2**31),
}  # fmt: skip
"""The least and the largest value of each number among the settings."""


@dataclass(frozen=True)
class Settings:
    """The knobs of a lesson.

    loss, penalty: of `LOSSES` and `PENALTIES` here. weight: of the penalty. d_steps: steps of D for one of G.
    d_rate, g_rate: learning rates. batch, width, depth, latents: sizes; latents 0 = as many as numbers.
    records: of the data that train, 0 = all. seed: of every draw.
    """

    loss: str = "nonsaturating"
    penalty: str = "r1"
    weight: float = 0.1
    d_steps: int = 1
    d_rate: float = 2e-3
    g_rate: float = 2e-3
    batch: int = 64
    width: int = 32
    depth: int = 1
    latents: int = 0
    records: int = 0
    seed: int = 0

    @classmethod
    def of(cls, asked: Mapping[str, Any]) -> Settings:
        """Settings by name, each within its bounds.

        Raises:
            OptionError: there is no such setting, or a value cannot be.
        """
        names = {"loss": LOSSES, "penalty": PENALTIES}
        for name, value in asked.items():
            if name in names:
                if value not in names[name]:
                    raise OptionError(f"{name} is one of {', '.join(names[name])}; got {value!r}.")
                continue
            if name not in BOUNDS:
                raise OptionError(f"a lesson has no setting {name!r}. It has {', '.join([*names, *BOUNDS])}.")
            low, high = BOUNDS[name]
            whole = isinstance(getattr(cls, name), int)
            if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
                raise OptionError(f"{name} is a {'whole ' if whole else ''}number; got {value!r}.")
            if not low <= value <= high:
                raise OptionError(f"{name} is from {low:g} to {high:g}; got {value!r}.")
        return cls(**asked)
