"""gankit: a generative adversarial network for your own data, and an honest account of how good its fakes are.

The public names are listed once, below, and imported when first used, so that `import gankit` is quick and
imports none of the heavy libraries.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gankit.config import TrainConfig
    from gankit.errors import (
        DataError,
        DependencyError,
        DivergedError,
        GankitError,
        InterruptedRun,
        ModelError,
        OptionError,
        OutputError,
    )
    from gankit.model import Model, inspect, load, parse_where
    from gankit.run.api import follow, resume, train
    from gankit.run.evaluation import evaluate

__version__ = "0.1.0"

__all__ = [
    "DataError",
    "DependencyError",
    "DivergedError",
    "GankitError",
    "InterruptedRun",
    "Model",
    "ModelError",
    "OptionError",
    "OutputError",
    "TrainConfig",
    "__version__",
    "evaluate",
    "follow",
    "inspect",
    "load",
    "parse_where",
    "resume",
    "train",
]

_ROOM_OF = {
    "DataError": "errors",
    "DependencyError": "errors",
    "DivergedError": "errors",
    "GankitError": "errors",
    "InterruptedRun": "errors",
    "ModelError": "errors",
    "OptionError": "errors",
    "OutputError": "errors",
    "TrainConfig": "config",
    "Model": "model",
    "inspect": "model",
    "load": "model",
    "parse_where": "model",
    "evaluate": "run.evaluation",
    "follow": "run.api",
    "resume": "run.api",
    "train": "run.api",
}


def __getattr__(name: str) -> Any:
    """The public name, imported from its room on first use."""
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'gankit' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f"gankit.{_ROOM_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return list(__all__)
