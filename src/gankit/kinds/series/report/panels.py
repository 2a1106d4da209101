"""The drawings of the report on series: lines real beside fake, bands over time, curves, histograms.

Knows arrays of numbers; never metrics' words, models or the page around the drawings. Names of channels go through the
pen and are escaped there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gankit.report.charts import histograms, short
from gankit.report.drawing import FAKE, HELD, INK, MUTED, REAL, Pen, bare, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 240
"""Points of a line; longer ones are drawn by the least and largest value of each stretch."""

_CELLS = 40
_STEPS = 120
_PAIR, _SINGLE = (4.6, 1.95), (3.35, 2.15)
_BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)


def line(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A series [T] as the points of a line: (steps, values), at most about `POINTS` of them."""
    steps = np.arange(len(y))
    if len(y) <= POINTS:
        return steps, y
    cuts = np.linspace(0, len(y), POINTS // 2 + 1).astype(int)
    places = []
    for start, stop in pairwise(cuts.tolist()):
        part = y[start:stop]
        if np.isfinite(part).any():
            places += sorted((start + int(np.nanargmin(part)), start + int(np.nanargmax(part))))
    return steps[places], y[places]


def beside(real: np.ndarray | None, fake: np.ndarray, channel: str, name: str, xlabel: str = "step") -> Markup:
    """Series of one channel, real ones at the left and fakes at the right, on one scale.

    real: [n, T] in the user's units, NaN in gaps, or None where real ones may not be shown; fake: [m, T].
    """
    sides = [(fake, FAKE, "fakes")] if real is None else [(real, REAL, "real (held-out)"), (fake, FAKE, "fakes")]

    def paint(figure: Figure, pen: Pen) -> None:
        axes = np.atleast_1d(figure.subplots(1, len(sides), sharey=True))
        for one, (x, colour, title) in zip(axes, sides, strict=True):
            for row in x:
                one.plot(*line(row), color=colour, linewidth=0.9, alpha=0.75, **_dots(row))
            bare(one)
            one.set_title(title)
            one.set_xlabel(xlabel)
            one.locator_params(axis="x", nbins=4)
        _values(axes[0])

    told = " and ".join(f"{len(x)} {title}" for x, _, title in sides)
    return draw(paint, size=_PAIR, name=f"beside-{name}", alt=f"Lines over time of {channel}: {told}.")


def _dots(row: np.ndarray) -> dict[str, Any]:
    """A marker for series whose known steps stand alone, so that they are seen at all."""
    known = np.isfinite(row)
    alone = known & ~np.pad(known, (1, 0))[:-1] & ~np.pad(known, (0, 1))[1:]
    return {"marker": ".", "markersize": 2} if alone.sum() > 0.3 * max(known.sum(), 1) else {}


def _values(axes: Axes) -> None:
    axes.locator_params(axis="y", nbins=4)
    low, high = axes.get_ylim()
    axes.yaxis.set_major_formatter(lambda value, _: short(value, (high - low) / 4))


def bands(real: np.ndarray, fake: np.ndarray, channel: str, name: str) -> Markup:
    """Quantiles of a channel at each step: real ones as areas and a dashed median, fakes as lines.

    real: [N, T], fake: [M, T] in the user's units, NaN in gaps and behind the end.
    """
    steps = np.unique(np.linspace(0, real.shape[1] - 1, min(_STEPS, real.shape[1])).astype(int))
    found = [_quantiles(x[:, steps]) for x in (real, fake)]

    def paint(figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        a, b = found
        axes.fill_between(steps, a[0], a[4], color=REAL, alpha=0.18, linewidth=0, label="real, 5–95 %")
        axes.fill_between(steps, a[1], a[3], color=REAL, alpha=0.3, linewidth=0, label="25–75 %")
        axes.plot(steps, a[2], color=REAL, linestyle="--", linewidth=1.1, label="median")
        axes.plot(steps, b[2], color=FAKE, linewidth=1.4, label="fakes, the same")
        for k, width in ((0, 0.7), (1, 0.9), (3, 0.9), (4, 0.7)):
            axes.plot(steps, b[k], color=FAKE, linewidth=width)
        bare(axes)
        axes.set_xlabel("step")
        axes.locator_params(axis="x", nbins=5)
        _values(axes)
        figure.legend(loc="outside upper left", ncols=4, labelcolor=INK, columnspacing=1.0)

    return draw(
        paint,
        size=(4.6, 2.3),
        name=f"bands-{name}",
        alt=f"The quantiles 5, 25, 50, 75 and 95 % of {channel} at each step: held-out series as areas, fakes as "
        "lines, which should run along the edges of the areas.",
    )


def _quantiles(x: np.ndarray) -> np.ndarray:
    """[N, S] -> [5, S]; NaN where nothing is known."""
    out = np.full((len(_BANDS), x.shape[1]), np.nan)
    known = np.isfinite(x).any(0)
    if known.any():
        out[:, known] = np.nanquantile(x[:, known], _BANDS, axis=0)
    return out


def curve(
    x: Sequence[float],
    real: Sequence[float | None],
    fake: Sequence[float | None],
    channel: str,
    name: str,
    xlabel: str,
    ylabel: str,
    *,
    whole: bool,
) -> Markup:
    """A figure of one channel over lags or frequencies: real series dashed, fakes solid. whole: x are whole numbers."""
    sides = [np.array([np.nan if v is None else v for v in side], float) for side in (real, fake)]

    def paint(figure: Figure, pen: Pen) -> None:
        from matplotlib.ticker import MaxNLocator

        axes = figure.subplots()
        if whole:
            axes.axhline(0, color=MUTED, linewidth=0.6)
        axes.plot(x, sides[0], color=REAL, linestyle="--", linewidth=1.5, label="real series")
        axes.plot(x, sides[1], color=FAKE, linewidth=1.4, label="fakes")
        bare(axes)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.locator_params(axis="y", nbins=5)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))
        figure.legend(loc="outside upper left", ncols=2, labelcolor=INK)

    gap = float(np.nanmean(np.abs(sides[0] - sides[1])))
    alt = f"{ylabel} of {channel} over {xlabel}: real series dashed, fakes solid; apart by {gap:.3g} on average."
    return draw(paint, size=_SINGLE, name=name, alt=alt)


def values(real: np.ndarray, fake: np.ndarray, channel: str, name: str) -> Markup:
    """Histograms of a channel's values over all steps: real ones as an area, fakes as a line. real, fake: [K], [L]."""
    both = np.concatenate([real, fake])
    low, high = np.quantile(both, [0.002, 0.998])
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, _CELLS + 1)
    a, b = (np.histogram(np.clip(v, low, high), edges)[0] / len(v) for v in (real, fake))
    return histograms(edges, a, b, name, f"Histograms of {channel}", "held-out series")


def neighbours(
    fake: np.ndarray, train: np.ndarray, heldout: np.ndarray | None, names: Sequence[str], name: str
) -> Markup:
    """A fake over the nearest training series and the nearest held-out one; a small drawing a channel.

    fake, train, heldout: [T, c] in the user's units, NaN in gaps; names: [c].
    """

    def lines(axes: Axes, c: int) -> None:
        if heldout is not None:
            axes.plot(*line(heldout[:, c]), color=HELD, linestyle=":", linewidth=1.1)
        axes.plot(*line(train[:, c]), color=REAL, linestyle="--", linewidth=1.2)
        axes.plot(*line(fake[:, c]), color=FAKE, linewidth=1.1)

    also = "" if heldout is None else ", the nearest held-out one dotted"
    return _small(
        lines, names, f"near-{name}", f"A fake as a solid line over its nearest training series, dashed{also}."
    )


def previews(x: np.ndarray, names: Sequence[str], name: str) -> Markup:
    """Fakes of the same z at one step of a training: a small drawing a channel. x: [n, T, c]; names: [c]."""

    def lines(axes: Axes, c: int) -> None:
        for row in x[:, :, c]:
            axes.plot(*line(row), color=FAKE, linewidth=0.8, alpha=0.75)

    return _small(lines, names, f"preview-{name}", f"{len(x)} fakes as lines over time.")


def _small(lines: Callable[[Axes, int], None], names: Sequence[str], name: str, alt: str) -> Markup:
    """A row of small drawings, one a channel, for the cell of a table, no wider than it need be."""
    width = 1.95 * len(names) if len(names) > 1 else 3.2

    def paint(figure: Figure, pen: Pen) -> None:
        for c, axes in enumerate(np.atleast_1d(figure.subplots(1, len(names)))):
            lines(axes, c)
            bare(axes)
            axes.set_title(pen.text(names[c], 22), fontsize=7.5)
            axes.locator_params(nbins=3)
            _values(axes)

    drawn = draw(paint, size=(width, 1.35), name=name, alt=alt)
    return Markup('<div style="max-width:{}rem">{}</div>').format(round(6.4 * width, 1), drawn)
