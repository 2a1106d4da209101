"""What can be set for rows of a table. Knows how options are declared, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from gankit.config import option
from gankit.kinds.options import Options, RuleOptions


@dataclass(frozen=True)
class TableOptions(RuleOptions):
    """Of training with rows."""

    target: str | None = option(
        None, "Column to predict in the TSTR utility metric (guessed if not set).", group="data"
    )
    integers: str = option(
        "auto",
        "Whole numbers of few values (0/1, 1/2/3): auto judges them as categories, number as numbers.",
        group="data",
        choices=("auto", "number"),
    )


@dataclass(frozen=True)
class TableEvaluateOptions:
    """Of reports on rows."""

    target: str | None = option(
        None, "For tables: the column to predict in the TSTR utility metric (as in training).", group="evaluate"
    )


OPTIONS = Options(TableOptions, evaluate=TableEvaluateOptions)
