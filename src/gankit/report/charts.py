"""Charts that several kinds of data share: histograms, distances to training records, heat maps, labels of axes.

Knows arrays of numbers and details of scores; never a kind of data, metrics or pages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gankit.metrics.evaluate import MetricResult
from gankit.metrics.metric import Noun
from gankit.report.drawing import FAKE, INK, REAL, Pen, bare, draw
from gankit.report.section import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SINGLE, WIDE = (3.35, 2.15), (4.4, 2.3)
"""Sizes of drawings, in inches: of one among several, and of one that stands alone."""

_LABELLED = 24  # columns of a heat map up to which each has a label


def short_numbers(axes: Axes, is_date: bool = False) -> None:
    """Few x ticks with short labels: dates, or numbers with k and M."""
    if is_date:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator: Any = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call]  # matplotlib's
        axes.xaxis.set_major_locator(locator)
        formatter: Any = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_formatter(formatter)
        return
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    low, high = axes.get_xlim()
    step = (high - low) / 5
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short(value, step)))


def short(value: float, step: float) -> str:
    """An axis label: `12k`, `3.5M`, and as many decimals as neighbouring ticks `step` apart need.

    >>> short(12000.0, 4000.0), short(2014.0, 1.0), short(0.25, 0.05)
    ('12k', '2014', '0.25')
    """
    if abs(value) < 1e-12 * max(step, 1e-300) or value == 0:
        return "0"
    for unit, size in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if step >= size / 10 and abs(value) >= size:
            return f"{value / size:.4g}{unit}"
    if step < 1e-4 or abs(value) >= 1e7:
        return f"{value:.3g}"
    return f"{value:.{max(0, int(np.ceil(-np.log10(step))))}f}".rstrip("0").rstrip(".") if step < 1 else f"{value:.0f}"


def histograms(
    edges: Sequence[float] | np.ndarray,
    real: Sequence[float] | np.ndarray,
    fake: Sequence[float] | np.ndarray,
    name: str,
    title: str,
    records: str,
    xlabel: str = "",
    size: tuple[float, float] = WIDE,
) -> Markup:
    """Two histograms of shares over the same edges: real records as an area, fakes as a line."""

    def paint(figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        percent = [100 * v for v in real]
        axes.stairs(percent, edges, fill=True, color=REAL, alpha=0.35, linewidth=0, label=records)
        axes.stairs([100 * v for v in fake], edges, color=FAKE, linewidth=1.3, label="fakes")
        bare(axes)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        axes.locator_params(axis="y", nbins=4)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0, None)
        short_numbers(axes)
        if xlabel:
            axes.set_xlabel(xlabel)
        figure.legend(loc="outside upper left", ncols=2, labelcolor=INK)

    return draw(paint, size=size, name=name, alt=f"{title}: {records} as an area, fakes as a line.")


def lengths(found: Mapping[str, Any] | None, noun: Noun, unit: str) -> list[Drawing]:
    """Histograms of the lengths of held-out records and fakes, in `unit`; none without them."""
    if not found or not all(found.get(key) for key in ("edges", "real", "fake")):
        return []
    sides, title = (found["edges"], found["real"], found["fake"]), f"Histograms of the lengths in {unit}"
    return [Drawing("Lengths", histograms(*sides, "lengths", title, f"held-out {noun.many}", f"length in {unit}"))]


def distances(results: Mapping[str, MetricResult], noun: Noun) -> list[Drawing]:
    """Histograms of the distance to the nearest training record, fakes over held-out records, of tests for copies.

    A result's details["distance"] holds "edges" [K + 1], and "fake" and "heldout" [K], as shares of the records;
    those without are left out.
    """
    out = []
    for name, result in results.items():
        found = result.details.get("distance") or {}
        if all(found.get(k) for k in ("edges", "fake", "heldout")):
            title = f"Distance to training: {result.metric.noun}"
            drawn = histograms(
                found["edges"],
                found["heldout"],
                found["fake"],
                name,
                f"Histograms of the distance to the nearest training {noun.one}",
                f"held-out {noun.many}",
                f"distance to the nearest training {noun.one} (0: a copy)",
            )
            out.append(Drawing(title, drawn))
    return out


def heat_maps(real: np.ndarray, fake: np.ndarray, names: Sequence[str], noun: Noun) -> list[Drawing]:
    """Three drawings of how strongly columns correlate: real records, fakes, and fakes minus real records.

    real, fake: [C, C] in [-1, 1]; names: [C].
    """
    off = ~np.eye(len(names), dtype=bool)
    difference = np.where(off, fake - real, 0.0)
    largest = float(np.abs(difference[off]).max(initial=0.0))
    reach = float(min(1.0, max(0.1, np.ceil(largest * 10) / 10)))
    of = "Heat map of how strongly columns go together"
    maps = (
        (f"Real {noun.many}", real, 1.0, "pairs-real", f"{of}, real {noun.many}."),
        ("Fakes", fake, 1.0, "pairs-fake", f"{of} in the fakes."),
        (
            f"Fakes minus real {noun.many}",
            difference,
            reach,
            "pairs-difference",
            f"Heat map of the differences; the largest is {largest:.2f}.",
        ),
    )
    return [Drawing(title, _heat_map(values, names, top, ident, alt)) for title, values, top, ident, alt in maps]


def _heat_map(values: np.ndarray, names: Sequence[str], reach: float, name: str, alt: str) -> Markup:
    def paint(figure: Figure, pen: Pen) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        # Nothing where nothing is, so that the map sits on a light and on a dark page; weak ones are lifted a little.
        against, together = (0.84, 0.37, 0.0), (0.0, 0.45, 0.70)
        stops = [
            (0.0, (*against, 1.0)),
            (0.4, (*against, 0.4)),
            (0.5, (*against, 0.0)),
            (0.5, (*together, 0.0)),
            (0.6, (*together, 0.4)),
            (1.0, (*together, 1.0)),
        ]
        colours = LinearSegmentedColormap.from_list("signed", stops)
        axes = figure.subplots()
        image = axes.imshow(values, cmap=colours, vmin=-reach, vmax=reach, interpolation="none", aspect="equal")
        labelled = len(names) <= _LABELLED
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_ticks(range(len(names)) if labelled else [])
        if labelled:
            size = 7.0 if len(names) <= 16 else 5.5
            axes.set_xticklabels([pen.text(n, 14) for n in names], rotation=90, fontsize=size)
            axes.set_yticklabels([pen.text(n, 14) for n in names], fontsize=size)
        axes.tick_params(length=0)
        for side in axes.spines.values():
            side.set_visible(False)
        bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=28, pad=0.02, ticks=[-reach, 0, reach])
        bar.outline.set_linewidth(0.4)
        bar.ax.set_yticklabels([f"−{reach:.1f}", "0", f"{reach:.1f}"], color=INK)
        bar.ax.tick_params(length=0)

    return draw(paint, size=(3.35, 3.05), name=name, alt=alt)
