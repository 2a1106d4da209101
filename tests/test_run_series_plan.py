"""How the games of series are planned."""

from __future__ import annotations

import pytest

from gankit.networks import NETWORKS
from gankit.run.series_plan import SERIES_PLANS, series_plan
from gankit.training.plan import GameConfig


@pytest.mark.parametrize("network", sorted(SERIES_PLANS))
def test_every_row_is_of_a_pair_and_sets_fields_of_the_game(network: str) -> None:
    assert network in NETWORKS
    assert GameConfig(total_samples=100, **series_plan(network, 50)).batch == 50
    assert series_plan(network, 5000) == SERIES_PLANS[network]
