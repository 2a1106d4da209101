"""What can be set for rows of a table. Knows how options are declared, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from gankit.config import option
from gankit.kinds.options import Options, RuleOptions


@dataclass(frozen=True)
class TableOptions(RuleOptions):
    """Of training with rows."""

    target: str | None = option(
        None, "Column whose prediction measures usefulness (guessed if not given).", group="data"
    )


@dataclass(frozen=True)
class TableEvaluateOptions:
    """Of reports on rows."""

    target: str | None = option(
        None, "For tables: the column whose prediction measures usefulness (as in training).", group="evaluate"
    )


OPTIONS = Options(TableOptions, evaluate=TableEvaluateOptions)
