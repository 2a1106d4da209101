"""The controller: up above its target, down below it, never beyond its limits, at the speed it was given."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gankit.training.augment.ada import LIMIT, TARGET, speed_for, steer


def test_the_strength_rises_above_the_target_and_falls_below_it() -> None:
    assert steer(0.2, TARGET + 0.01, 1_000) > 0.2
    assert steer(0.2, TARGET - 0.01, 1_000) < 0.2
    assert steer(0.2, TARGET, 1_000) == 0.2
    assert steer(0.2, math.nan, 1_000) == 0.2


@settings(deadline=None)
@given(strength=st.floats(0, LIMIT), memory=st.floats(0, 1), samples=st.integers(0, 10**7))
def test_the_strength_stays_within_its_limits(strength: float, memory: float, samples: int) -> None:
    assert 0 <= steer(strength, memory, samples) <= LIMIT


def test_the_speed_counts_samples_not_looks() -> None:
    # half a million samples for the whole way, as published, however they are divided into looks
    p = 0.0
    for _ in range(100):
        p = steer(p, 0.9, 2_500)
    assert math.isclose(p, 0.5)
    assert math.isclose(steer(0.0, 0.9, 250_000), 0.5)
    assert math.isclose(steer(0.5, 0.1, 1_000, speed_samples=10_000), 0.4)
    assert steer(0.0, 0.45, 10_000, target=0.4) > 0


@pytest.mark.parametrize("total", [1, 2_000, 60_000, 10**6, 10**8])
def test_the_strength_can_cross_its_range_in_half_of_any_training(total: int) -> None:
    p, looks = 0.0, 1_000
    for _ in range(looks // 2):
        p = steer(p, 1.0, max(total // looks, 1), speed_samples=speed_for(total), limit=1.0)
    assert p > 0.99 or total < looks
    assert speed_for(total) <= 500_000


def test_a_game_whose_memory_falls_with_the_strength_settles_at_the_target() -> None:
    p = 0.0
    for _ in range(200):
        p = steer(p, 0.9 - p, 1_000, speed_samples=50_000)
    assert abs(p - (0.9 - TARGET)) <= 0.02 + 1e-9
