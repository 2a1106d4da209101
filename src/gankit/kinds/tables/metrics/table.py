"""The explicit table of metrics: adding one is a function and a line here.

Knows every metric of two or three samples; never what is made of their figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from gankit.kinds.tables.metrics import conditional, coverage, cube, marginals, pairs, usefulness
from gankit.metrics import copies, two_sample
from gankit.metrics.score import Score

Needs = Literal[
    "real, fake", "train, fake", "real, fake, given", "train, heldout, fake, target", "train, heldout, fake"
]
Direction = Literal["higher", "lower", "near"]


@dataclass(frozen=True)
class Metric:
    """One line of the table.

    needs: the function's samples and options, besides the keyword `seed`; "real" are held-out rows.
    best: the value of perfect fakes. direction: where better values lie; "near": `best` is a chance level.
    tolerance: the smallest difference of the value that matters to people; None where more rows do not narrow the
        interval by the square-root law, so that none are asked for.
    """

    function: Callable[..., Score]
    needs: Needs
    family: str
    best: float
    direction: Direction
    tolerance: float | None
    meaning: str


def _metric(
    function: Callable[..., Score],
    needs: Needs,
    family: str,
    meaning: str,
    *,
    best: float = 1.0,
    direction: Direction = "higher",
    tolerance: float | None = 0.01,
) -> Metric:
    return Metric(function, needs, family, best, direction, tolerance, meaning)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        "shape": _metric(
            marginals.shape,
            "real, fake",
            "marginals",
            "Each column for itself: how alike the distributions are.",
            tolerance=0.005,
        ),
        "trend": _metric(
            pairs.trend,
            "real, fake",
            "pairs",
            "Pairs of columns: how alike their correlations and cross tables are.",
            tolerance=0.005,
        ),
        "cube": _metric(
            cube.cube,
            "real, fake",
            "cube",
            "Group-by answers over one, two and three columns: how alike the shares of the groups are.",
        ),
        "c2st_trees": _metric(
            two_sample.c2st_trees,
            "real, fake",
            "two-sample",
            "Can boosted trees tell fakes from real rows? 1: no better than by chance; 0: always.",
            tolerance=0.05,
        ),
        "c2st_linear": _metric(
            two_sample.c2st_linear,
            "real, fake",
            "two-sample",
            "Can a linear model tell fakes from real rows? 1: no better than by chance; 0: always.",
            tolerance=0.05,
        ),
        "usefulness": _metric(
            usefulness.usefulness,
            "train, heldout, fake, target",
            "usefulness",
            "A model trained on the fakes, tested on held-out real rows: ROC AUC, or R2 for a number.",
        ),
        "rare_categories": _metric(
            coverage.rare_categories,
            "train, fake",
            "coverage",
            "Rare levels: how many appear, over the number expected in as many real rows.",
            tolerance=None,
        ),
        "precision": _metric(
            coverage.precision,
            "real, fake",
            "coverage",
            "Do the fakes lie where real rows lie, bulk and fringe (alpha-precision)?",
            tolerance=0.02,
        ),
        "recall": _metric(
            coverage.recall,
            "real, fake",
            "coverage",
            "Are real rows reached by fakes (beta-recall)? Real rows themselves reach about a half.",
            tolerance=0.05,
        ),
        "density": _metric(
            coverage.density,
            "real, fake",
            "coverage",
            "How crowded the fakes are around real rows; above 1: they keep to the crowd.",
            direction="near",
            tolerance=0.05,
        ),
        "coverage": _metric(
            coverage.coverage,
            "real, fake",
            "coverage",
            "The share of real rows with a fake in their neighbourhood.",
            tolerance=0.02,
        ),
        "conditional": _metric(
            conditional.conditional,
            "real, fake, given",
            "conditional",
            "Given a value of one column, how alike the other columns are.",
        ),
        "copies_exact": _metric(
            copies.copies_exact,
            "train, heldout, fake",
            "copies",
            "The share of fakes that are a training row, letter by letter; compare with the share of held-out rows.",
            best=0.0,
            direction="lower",
            tolerance=0.005,
        ),
        "copies_near": _metric(
            copies.copies_near,
            "train, heldout, fake",
            "copies",
            "The share of fakes closer to a training row than to a held-out row; one half without copying.",
            best=0.5,
            direction="near",
            tolerance=0.02,
        ),
        "membership": _metric(
            copies.membership,
            "train, heldout, fake",
            "copies",
            "Can an attacker with the fakes alone tell who was in the training data? One half: no.",
            best=0.5,
            direction="near",
            tolerance=0.02,
        ),
    }
)
