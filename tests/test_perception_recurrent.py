from __future__ import annotations

import numpy as np
from series_examples import autoregressive, sines

from gankit.features.recurrent import discriminate, forecast, num_steps


def unit(x: np.ndarray) -> np.ndarray:
    return (x - x.min((0, 1))) / np.ptp(x, axis=(0, 1))


def test_the_network_tells_what_is_too_low_and_not_sines_from_sines() -> None:
    a, b = unit(sines(200, 12, 0)), unit(sines(200, 12, 1))
    right = {}
    for who, other in (("same", b), ("low", 0.2 * b)):
        real, fake = discriminate(a, other, 5, steps=250)
        assert real.shape == fake.shape == (40,)
        right[who] = ((real > 0).mean() + (fake < 0).mean()) / 2
    assert right["low"] > 0.9 and abs(right["same"] - 0.5) < 0.3


def test_the_network_forecasts_what_it_learned_and_only_where_values_are_known() -> None:
    x = unit(sines(200, 12, 3))
    known = np.ones(x.shape[:2], bool)
    known[0] = False
    learned = forecast((x, known), (x, known), 1, steps=400)
    other = forecast((np.random.default_rng(4).random(x.shape), known), (x, known), 1, steps=400)
    assert np.isnan(learned[0]) and np.isfinite(learned[1:]).all()
    assert np.nanmean(learned) < 0.8 * np.nanmean(other)
    single = unit(autoregressive(50, 12, 1, 0.9, seed=0))
    assert forecast((single, known[:50]), (single, known[:50]), 1, steps=5).shape == (50,)


def test_the_same_seed_gives_the_same_judge_and_leaves_torch_alone() -> None:
    import torch

    x, y = unit(sines(60, 8, 5)), unit(sines(60, 8, 6))
    before = torch.get_rng_state()
    first, second = (discriminate(x, y, 7, steps=20) for _ in range(2))
    assert (first[0] == second[0]).all() and (first[1] == second[1]).all()
    assert (discriminate(x, y, 8, steps=20)[0] != first[0]).any()
    assert (torch.get_rng_state() == before).all()


def test_long_series_get_fewer_steps() -> None:
    assert [num_steps(t) for t in (1, 24, 96, 10_000)] == [2000, 2000, 500, 300]
