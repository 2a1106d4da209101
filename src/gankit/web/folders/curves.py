"""The curves of a run as plain JSON, thinned so that no peak is lost.

Knows a log's columns; never files or the page.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gankit.web.folders.log import SCORES, Log
from gankit.web.plain import listed

EVALUATED = ("metric", "low", "high", *SCORES)
"""What is known of every evaluation, beside the samples."""

LEAST_POINTS, MOST_POINTS = 10, 20_000
"""Points of a curve that can be had."""


def curves(log: Log, points: int = 1500, begin: float = 0.0, end: float = math.inf) -> dict[str, Any]:
    """Everything that is drawn over the samples shown to D.

    points: of a curve, at most. begin, end: samples between which the curves are wanted; one point more at each side
        lets lines reach the edge. Phases, evaluations and events are always all of them.

    Returns:
        "samples" and a list of as many numbers (None where there is none) for each of `gankit.web.folders.log.NUMBERS`;
        "phase", "evaluations" and "events".
    """
    samples = np.array(log.samples, np.float64)
    first = max(int(np.searchsorted(samples, begin, "left")) - 1, 0)
    last = int(np.searchsorted(samples, end, "right")) + 1
    shown = samples[first:last]
    values = {name: np.array(column[first:last], np.float64) for name, column in log.columns.items()}
    points = min(max(points, LEAST_POINTS), MOST_POINTS)
    found: dict[str, Any] = {"samples": listed(_ends(shown, points), 15)}
    found |= {name: listed(_extremes(column, points)) for name, column in values.items()}
    evaluated = {n: [e[n] for e in log.evaluations] for n in ("samples", *EVALUATED)}
    return {**found, "phase": [list(p) for p in log.phases], "evaluations": evaluated, "events": list(log.events)}


def rows(log: Log, first: int) -> list[dict[str, Any]]:
    """The updates from a number on, a dict each with the names of `curves`: what a page adds to the curves it has.

    "phase" stands in each; "evaluation" and "events" in those that have some.
    """
    columns = {"samples": listed(log.samples[first:], 15)}
    columns |= {name: listed(column[first:]) for name, column in log.columns.items()}
    evaluations = {e["samples"]: e for e in log.evaluations}
    found = []
    for i, at in enumerate(log.samples[first:]):
        row: dict[str, Any] = {name: column[i] for name, column in columns.items()}
        row["phase"] = next((name for name, start, stop in reversed(log.phases) if start <= at <= stop), "game")
        if at in evaluations:
            row["evaluation"] = evaluations[at]
        if events := [event for event in log.events if event["samples"] == at]:
            row["events"] = events
        found.append(row)
    return found


def _stretches(length: int, points: int) -> np.ndarray:
    """Where stretches of equal length begin, two points each, and where the last one ends."""
    return np.linspace(0, length, max(points // 2, 1) + 1).round().astype(np.int64)


def _ends(x: np.ndarray, points: int) -> np.ndarray:
    """The first and the last number of every stretch; all where there are no more than `points`."""
    if len(x) <= points:
        return x
    edges = _stretches(len(x), points)
    return np.stack([x[edges[:-1]], x[edges[1:] - 1]], 1).ravel()


def _extremes(x: np.ndarray, points: int) -> np.ndarray:
    """The least and the largest number of every stretch, in the order in which they occur.

    They are drawn at the stretch's ends (`_ends`), so that a point is off by less than a stretch.
    """
    if len(x) <= points:
        return x
    edges = _stretches(len(x), points)[:-1]
    low = np.minimum.reduceat(np.where(np.isnan(x), np.inf, x), edges)
    high = np.maximum.reduceat(np.where(np.isnan(x), -np.inf, x), edges)
    where = np.repeat(np.arange(len(edges)), np.diff(np.append(edges, len(x))))
    place = np.arange(len(x))
    is_low, is_high = x == low[where], x == high[where]
    first_low = np.minimum.reduceat(np.where(is_low, place, len(x)), edges)
    first_high = np.minimum.reduceat(np.where(is_high, place, len(x)), edges)
    falls = first_high < first_low
    pairs = np.stack([np.where(falls, high, low), np.where(falls, low, high)], 1).ravel()
    return np.where(np.isfinite(pairs), pairs, np.nan)
