"""The model: a codec and an averaged generator in one file that cannot run code.

Knows codecs, generators, schemas and model files; never D, optimisers or the loop.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gankit.model.files import FORMAT, MODEL_NAME, Given, NetworkPlan, inspect, load

if TYPE_CHECKING:
    from gankit.columns.conditions import parse_where
    from gankit.model.model import Model

__all__ = ["FORMAT", "MODEL_NAME", "Given", "Model", "NetworkPlan", "inspect", "load", "parse_where"]


def __getattr__(name: str) -> Any:
    """`Model` and `parse_where` when they are first asked for: `inspect` must not wait for what they need."""
    modules = {"Model": "gankit.model.model", "parse_where": "gankit.columns.conditions"}
    if name not in modules:
        raise AttributeError(name)
    return getattr(import_module(modules[name]), name)
