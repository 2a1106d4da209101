"""The judge of series: what it prefers, and what it does not see as different."""

from __future__ import annotations

import numpy as np

from gankit.kinds.series.evaluation import SeriesFeatures, held_out_series_metric
from gankit.randomness import numpy_generator


def waves(count: int, name: str, noise: float = 0.05) -> np.ndarray:
    """[count, 24, 2]: two waves of one frequency, the second a quarter behind."""
    draws = numpy_generator(0, name)
    phase = draws.uniform(0, 2 * np.pi, (count, 1))
    steps = np.arange(24) * draws.uniform(0.3, 0.5, (count, 1))
    x = np.stack([np.sin(steps + phase), np.cos(steps + phase)], 2)
    return x + noise * draws.standard_normal(x.shape)


def test_the_distance_of_series_to_themselves_is_zero() -> None:
    x = waves(200, "held out")
    assert abs(held_out_series_metric(x)(x)[0]) < 1e-6


def test_fresh_series_of_the_same_law_are_better_than_worse_and_worse_ones() -> None:
    judge = held_out_series_metric(waves(300, "held out"))
    good = judge(waves(300, "fresh"))
    rough = judge(waves(300, "fresh", noise=0.3))
    alone = judge(np.repeat(waves(1, "one"), 300, axis=0))
    shuffled = waves(300, "fresh")[:, numpy_generator(0, "order").permutation(24)]
    assert good > rough and good > alone
    assert good > judge(shuffled)


def test_channels_that_no_longer_belong_together_are_seen() -> None:
    judge = held_out_series_metric(waves(300, "held out"))
    apart = waves(300, "fresh")
    apart[:, :, 1] = waves(300, "others")[:, :, 1]
    assert judge(waves(300, "fresh")) > judge(apart)


def test_labels_that_are_mixed_up_are_seen() -> None:
    x = np.concatenate([waves(100, "a"), 3 + waves(100, "b")])
    labels = np.repeat(np.eye(2), 100, axis=0)
    judge = held_out_series_metric(x, (), labels)
    fresh = np.concatenate([waves(100, "c"), 3 + waves(100, "d")])
    assert judge(fresh, labels) > judge(fresh, labels[::-1])


def test_gaps_ends_and_categories_count_as_what_they_are() -> None:
    x = waves(200, "held out")
    x[:, :, 1] = x[:, :, 0] > 0  # a category of two levels
    x[::2, 12:] = np.nan  # half of them end early
    x[1::4, 3, 0] = np.nan
    judge = held_out_series_metric(x, categories=[1])
    whole = np.where(np.isnan(x), 0.0, x)
    assert abs(judge(x)[0]) < 1e-6 < -judge(whole)[0]
    assert SeriesFeatures(x, [1])(x[:, :20]).shape[0] == 200
    assert judge(np.where(np.isnan(x), np.inf, x)) == (-np.inf, -np.inf, -np.inf)
