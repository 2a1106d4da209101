"""Results of metrics with made-up figures, for the tests of verdicts, summaries and pages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gankit.metrics.evaluate import Evaluation, MetricResult, Rows
from gankit.metrics.metric import Metric, Score
from gankit.report.verdict import Verdict


def score(value: float | None, half: float | None = 0.01, best: float = 1.0, **details: Any) -> Score:
    """A score whose interval reaches so far to both sides; None: it could not be computed."""
    if value is None:
        return Score(math.nan, None, None, best, details)
    low, high = (None, None) if half is None else (value - half, value + half)
    return Score(value, low, high, best, details)


def result(
    metric: Metric[Any],
    fake: float | Score | None,
    ceiling: float | None,
    baselines: Mapping[str, float | None],
    *,
    half: float = 0.01,
    rows_needed: int | None = None,
    **details: Any,
) -> MetricResult:
    """A result with these figures; details: of the fakes' score."""
    best = 1.0 if metric.best is None else metric.best
    return MetricResult(
        metric,
        fake if isinstance(fake, Score) else score(fake, half, best, **details),
        None if ceiling is None else score(ceiling, half, best),
        {name: score(value, half, best) for name, value in baselines.items()},
        rows_needed,
    )


def named(metrics: Iterable[Metric[Any]], name: str) -> Metric[Any]:
    """The metric of that name."""
    return next(m for m in metrics if m.name == name)


def evaluation(
    results: Iterable[MetricResult], facts: Any, notes: Sequence[str] = (), rows: Rows | None = None
) -> Evaluation[Any]:
    """An evaluation with these results."""
    found = {r.metric.name: r for r in results}
    return Evaluation(0, rows or Rows(8000, 2000, 2000, 2000, 2000), list(notes), found, facts)


def verdict(found: MetricResult, sections: Any, num_rows: int = 2000) -> Verdict:
    """What the result says alone, in the words of a kind."""
    rows = Rows(num_rows, num_rows, num_rows, num_rows, num_rows)
    told = evaluation([found], sections.evaluation.facts, rows=rows)
    return replace(sections, evaluation=told).told()[found.metric.name]
