"""The explicit table of the metrics of series: what each asks, where better lies, and which family it is of.

Knows names and words; the functions stand in the `series_…` modules and are called by `series_trial`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Family = Literal["judge", "values", "dynamics", "facts", "features", "form", "labels", "copies"]


@dataclass(frozen=True)
class SeriesMetric:
    """One line of the table.

    best: the value of perfect fakes, where real series do not say better. direction: where better values lie.
    tolerance: the smallest difference that matters to people; None where more series do not narrow the interval by the
    square-root law. distance: whether it is a distance without an upper end, whose way to the best is counted in
    halvings.
    """

    family: Family
    best: float
    direction: Literal["higher", "lower", "near"]
    tolerance: float | None
    meaning: str
    distance: bool = False


def _distance(family: Family, tolerance: float | None, meaning: str) -> SeriesMetric:
    return SeriesMetric(family, 0.0, "lower", tolerance, meaning, distance=True)


SERIES_METRICS: Mapping[str, SeriesMetric] = MappingProxyType(
    {
        "discriminative": SeriesMetric(
            "judge",
            0.0,
            "lower",
            0.03,
            "|accuracy - 1/2| of a GRU that is trained afterwards to tell fakes from held-out series (TimeGAN).",
        ),
        "predictive": SeriesMetric(
            "judge",
            0.0,
            "lower",
            None,
            "The error on held-out series of a GRU that learned from fakes what comes next (TimeGAN).",
        ),
        "judge": SeriesMetric(
            "judge", 1.0, "higher", 0.02, "1 - (2 AUC - 1) of boosted trees on traits that tell fakes from real."
        ),
        "marginals": _distance(
            "values", 0.02, "The distance between the distributions of values (KS), mean over channels."
        ),
        "changes": _distance("values", 0.02, "The same of the differences from step to step."),
        "profile": _distance(
            "values", None, "How far apart the means at each step of a record are, in standard deviations."
        ),
        "autocorrelation": _distance(
            "dynamics", None, "The mean difference of autocorrelations over lags and channels: memory."
        ),
        "cross_correlation": _distance(
            "dynamics", None, "The mean difference of correlations between channels, at lags 0, 1, 2 and 4."
        ),
        "spectrum": _distance("dynamics", None, "The log-spectral distance in decibels, mean over channels."),
        "tails": _distance("facts", None, "How far the kurtosis of the changes is off, in halvings or doublings."),
        "volatility": _distance(
            "facts", None, "The mean difference of autocorrelations of the sizes of changes: restless times."
        ),
        "asymmetry": _distance("facts", None, "How far the share of movement in rises less that in falls is off."),
        "frechet": _distance(
            "features", None, "How far apart fakes and held-out series are as two Gaussians in features."
        ),
        "lengths": SeriesMetric("form", 0.0, "lower", 0.02, "The distance between the distributions of lengths (KS)."),
        "gaps": SeriesMetric("form", 0.0, "lower", 0.02, "How far the shares of missing cells are off."),
        "agreement": SeriesMetric(
            "labels", 1.0, "higher", 0.01, "The share of fakes in which a classifier sees the label asked for."
        ),
        "usefulness": SeriesMetric(
            "labels", 1.0, "higher", 0.01, "The accuracy on held-out series of a linear model trained on the fakes."
        ),
        "usefulness_nearest": SeriesMetric(
            "labels", 1.0, "higher", 0.01, "The same of the label of the nearest fake (1-NN)."
        ),
        "copies_exact": SeriesMetric("copies", 0.0, "lower", 0.005, "The share of fakes that are a training series."),
        "copies_near": SeriesMetric(
            "copies",
            0.5,
            "near",
            0.05,
            "The share of fakes closer, by time warping, to a training series than to a held-out one; .5: no copying.",
        ),
    }
)
