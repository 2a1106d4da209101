"""The model: a codec and an averaged generator in one file that cannot run code.

Knows codecs, generators, schemas and model files; never D, optimisers or the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gankit.columns.conditions import parse_where
from gankit.model.files import FORMAT, MODEL_NAME, inspect, load
from gankit.model.plan import Given, NetworkPlan

if TYPE_CHECKING:
    from gankit.model.model import Model

__all__ = ["FORMAT", "MODEL_NAME", "Given", "Model", "NetworkPlan", "inspect", "load", "parse_where"]


def __getattr__(name: str) -> Any:
    """`Model` when it is first asked for: `inspect` must not wait for what it needs."""
    if name == "Model":
        from gankit.model.model import Model

        return Model
    raise AttributeError(name)
