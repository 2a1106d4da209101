"""How the games of series are played: what follows from the pair and from how many series there are.

Knows the fields of `GameConfig`; never files, data or the loop's inside.
"""

from __future__ import annotations

from typing import Any

SERIES_PLANS: dict[str, dict[str, Any]] = {
    # benchmarks/series_networks.md
    "principal": {"batch": 128, "first_weight": 3.0, "gap_speed": 0.2},
    "residual": {"batch": 128, "first_weight": 3.0, "gap_speed": 0.2},
    "temporal": {"batch": 64, "gap_speed": 0.2},
}
"""How the games of series are played, by network; what is not named stands in `GameConfig`."""


def series_plan(network: str, num_series: int) -> dict[str, Any]:
    """The fields of `GameConfig` for a game of `num_series` training series; options of the user go before them.

    >>> series_plan("principal", 50)["batch"], series_plan("principal", 5000)["batch"]
    (50, 128)
    """
    row = dict(SERIES_PLANS.get(network, {}))
    if "batch" in row:
        row["batch"] = min(row["batch"], num_series)
    return row
