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
    from gankit.hub.push import Pushed, push
    from gankit.kinds.base import Preview
    from gankit.model import Model, inspect, load, parse_where
    from gankit.networks.base import Discriminator, Generator, Pair
    from gankit.report.page import Report
    from gankit.run.api import Training, evaluate, follow, resume, train
    from gankit.spec import Block, Spec
    from gankit.tracking.callback import Callback, TrainingEnd, TrainingStart
    from gankit.training.game import Batches, Game
    from gankit.training.loop import Progress, play
    from gankit.training.losses import Loss
    from gankit.training.plan import GameConfig

__version__ = "0.1.0"

__all__ = ["DataError", "DependencyError", "DivergedError", "GankitError", "InterruptedRun", "Model", "ModelError"]
__all__ += ["OptionError", "OutputError", "TrainConfig", "__version__", "evaluate", "follow", "inspect", "load"]
__all__ += ["Callback", "Preview", "TrainingEnd", "TrainingStart"]
__all__ += ["Progress", "Pushed", "Report", "Training", "parse_where", "push", "resume", "train"]
__all__ += ["Batches", "Block", "Discriminator", "Game", "GameConfig", "Generator", "Loss", "Pair", "Spec", "play"]

_MODULE_OF = dict.fromkeys((name for name in __all__ if name.endswith(("Error", "Run"))), "errors")
_MODULE_OF |= {"TrainConfig": "config"} | dict.fromkeys(("Model", "inspect", "load", "parse_where"), "model")
_MODULE_OF |= dict.fromkeys(("Training", "evaluate", "follow", "resume", "train"), "run.api")
_MODULE_OF |= dict.fromkeys(("Discriminator", "Generator", "Pair"), "networks.base")
_MODULE_OF |= dict.fromkeys(("Pushed", "push"), "hub.push")
_MODULE_OF |= {"Report": "report.page", "Loss": "training.losses", "GameConfig": "training.plan"}
_MODULE_OF |= dict.fromkeys(("Batches", "Game"), "training.game") | dict.fromkeys(("Progress", "play"), "training.loop")
_MODULE_OF |= dict.fromkeys(("Block", "Spec"), "spec") | {"Preview": "kinds.base"}
_MODULE_OF |= dict.fromkeys(("Callback", "TrainingEnd", "TrainingStart"), "tracking.callback")


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
