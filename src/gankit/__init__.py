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
    from gankit.run.api import evaluate, follow, resume, train

__version__ = "0.1.0"

__all__ = ["DataError", "DependencyError", "DivergedError", "GankitError", "InterruptedRun", "Model", "ModelError"]
__all__ += ["OptionError", "OutputError", "TrainConfig", "__version__", "evaluate", "follow", "inspect", "load"]
__all__ += ["parse_where", "resume", "train"]

_MODULE_OF = dict.fromkeys((name for name in __all__ if name.endswith(("Error", "Run"))), "errors")
_MODULE_OF |= {"TrainConfig": "config"} | dict.fromkeys(("Model", "inspect", "load", "parse_where"), "model")
_MODULE_OF |= dict.fromkeys(("evaluate", "follow", "resume", "train"), "run.api")


def __getattr__(name: str) -> Any:
    """The public name, imported on first use."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'gankit' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(f"gankit.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names."""
    return list(__all__)
