"""The model: a codec and an averaged generator in one file that cannot run code.

Knows codecs, generators, schemas and model files; never D, optimisers or the loop.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gankit.model.files import FORMAT, MODEL_NAME, NetworkPlan, inspect, load

if TYPE_CHECKING:
    from gankit.columns.codec import Given
    from gankit.columns.conditions import parse_where
    from gankit.model.model import Model

__all__ = ["FORMAT", "MODEL_NAME", "Given", "Model", "NetworkPlan", "inspect", "load", "parse_where"]


def __getattr__(name: str) -> Any:
    """What is first imported when it is asked for: `inspect` must not wait for what it needs."""
    places = {"Given": "columns.codec", "Model": "model.model", "parse_where": "columns.conditions"}
    if name not in places:
        raise AttributeError(name)
    return getattr(import_module(f"gankit.{places[name]}"), name)
