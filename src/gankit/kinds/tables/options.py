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


OPTIONS = Options(TableOptions)
