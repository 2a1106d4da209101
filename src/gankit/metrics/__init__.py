"""How far two samples are apart, and whether one copies the other: figures with intervals, one family a file.

Knows samples of plain columns; never how a sample was made, how figures are shown, torch, codecs or the loop.
"""

from __future__ import annotations

from gankit.metrics.baselines import BASELINES
from gankit.metrics.conditional import obeyed
from gankit.metrics.evaluation import evaluate_samples
from gankit.metrics.sample import Sample, align
from gankit.metrics.score import Score, enough_rows
from gankit.metrics.table import METRICS, Metric
from gankit.metrics.two_sample import quick_c2st
from gankit.metrics.usefulness import guess_target

__all__ = [
    "BASELINES",
    "METRICS",
    "Metric",
    "Sample",
    "Score",
    "align",
    "enough_rows",
    "evaluate_samples",
    "guess_target",
    "obeyed",
    "quick_c2st",
]
