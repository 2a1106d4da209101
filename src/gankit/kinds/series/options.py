"""What can be set for series. Knows how options are declared, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from gankit.config import option
from gankit.kinds.options import Options, RuleOptions


@dataclass(frozen=True)
class SeriesOptions(RuleOptions):
    """Of training with series."""

    time: str | None = option(None, "Column of the times of a series (detected).", group="data")
    entity: tuple[str, ...] | None = option(
        None, "Column that tells the series of a table apart; several do together: a+b.", group="data", metavar="COL"
    )
    attributes: tuple[str, ...] = option(
        (), "A column that is the same at every step of a series.", group="data", metavar="COL"
    )
    window: int | None = option(None, "Steps of the windows that a long series is cut into (24).", group="data")
    stride: int | None = option(None, "Steps from one window to the next (1).", group="data")
    calendar: tuple[str, ...] = option(
        (),
        "Part of the date at which a series begins that its values depend on.",
        group="data",
        choices=("month", "weekday", "hour"),
    )


OPTIONS = Options(SeriesOptions)
