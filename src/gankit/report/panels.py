"""One small picture a column: the real rows as an area, the fakes as a line over it; categories as bars.

Knows the COLUMN entries of `kinds.tables.metrics.evaluation` and samples; never models or the page around the panels.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gankit.report import numbers
from gankit.report.drawing import FAKE, REAL, Pen, bare, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from gankit.metrics.sample import Sample

MAX_LEVELS = 8
# One value that more than this share of the rows have, and so flattens all others, is told in words instead of drawn,
# when there are more than a few values.
_ATOM = 0.5
_FEW = 10
_MOST_CELLS = 40
# matplotlib counts days since 1970 and knows the years 1 to 9999.
_DAY_S = 86400.0
_EARLIEST_S, _LATEST_S = -62_000_000_000.0, 253_000_000_000.0
_LARGEST = 1e300  # so that no difference of two values overflows
# Fakes outside the real range are worth a sentence above this share of them.
_BEYOND = 0.01


@dataclass(frozen=True)
class Bar:
    """One level of a category: its name and its shares of the real rows and of the fakes."""

    name: str
    real: float
    fake: float


@dataclass(frozen=True)
class Panel:
    """One column's picture.

    score: the column's own `shape` score, None when unknown.
    svg: the picture of a number; empty for a category, which has `bars`, each as wide as its share of `widest`.
    remarks: what the picture leaves out, as sentences.
    """

    column: str
    score: float | None
    svg: Markup
    bars: tuple[Bar, ...]
    widest: float
    remarks: tuple[str, ...]


def panels(
    columns: Sequence[Mapping[str, Any]],
    scores: Mapping[str, float],
    real: Sample,
    fake: Sample,
    *,
    dates: Collection[str] = (),
    most: int = 40,
) -> list[Panel]:
    """The pictures of at most `most` columns, the one with the lowest score first.

    Args:
        columns: the COLUMN entries of `evaluate_samples`.
        scores: a column's score in [0, 1], best 1.
        real, fake: the held-out rows and the fakes; numbers are drawn from them.
        dates: names of columns whose numbers are seconds since 1970.
        most: how many columns are shown.
    """
    ranked = sorted(columns, key=lambda c: scores.get(c["column"], 2.0))[:most]
    out = []
    for i, entry in enumerate(ranked):
        name = entry["column"]
        if entry["kind"] == "category":
            bars = _bars(entry)
            widest = max([b.real for b in bars] + [b.fake for b in bars] + [1e-9])
            out.append(Panel(name, scores.get(name), Markup(), bars, widest, tuple(_missing(entry))))
        else:
            svg, remarks = _number(name, i, real.columns[name], fake.columns[name], name in dates)
            out.append(Panel(name, scores.get(name), svg, (), 1.0, (*_missing(entry), *remarks)))
    return out


def _missing(entry: Mapping[str, Any]) -> list[str]:
    gone = entry.get("missing") or {}
    if not gone.get("real") and not gone.get("fake"):
        return []
    return [f"Missing: real {numbers.share(gone.get('real'))}, fake {numbers.share(gone.get('fake'))}."]


def _number(name: str, index: int, real: np.ndarray, fake: np.ndarray, is_date: bool) -> tuple[Markup, list[str]]:
    """The picture of a column of numbers ([N] and [M] float64, NaN = missing), and what it leaves out, in words."""
    sizes = max(len(real), 1), max(len(fake), 1)
    show = numbers.moment if is_date else numbers.amount
    kept = [np.clip(v[np.isfinite(v)], -_LARGEST, _LARGEST) for v in (real, fake)]
    remarks = []
    atom = _atom(kept[0], sizes[0])
    if atom is not None:
        shares = [float((v == atom).sum()) / n for v, n in zip(kept, sizes, strict=True)]
        remarks.append(
            f"Left out of the picture: the value {show(atom)}, in {numbers.share(shares[0])} of the real rows "
            f"and {numbers.share(shares[1])} of the fakes."
        )
        kept = [v[v != atom] for v in kept]
    if not len(kept[0]):
        return Markup(), [*remarks, "No real row has any other value."]
    edges = cells(kept[0], min(len(kept[0]), max(len(kept[1]), 1)))
    shares_in = []
    for values, size in zip(kept, sizes, strict=True):
        inside = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
        shares_in.append(np.bincount(inside, minlength=len(edges) - 1) / size)
    outside = float(((kept[1] < kept[0].min()) | (kept[1] > kept[0].max())).sum()) / sizes[1]
    if outside > _BEYOND:
        remarks.append(
            f"{numbers.share(outside)} of the fakes lie outside the range of the held-out rows, "
            f"{show(float(kept[0].min()))} to {show(float(kept[0].max()))}."
        )
    alt = (
        f"Histogram of {name}: real rows as a filled area, fakes as a line; from {show(float(edges[0]))} to "
        f"{show(float(edges[-1]))}. Medians: real {show(float(np.median(kept[0])))}, "
        f"fake {show(float(np.median(kept[1])) if len(kept[1]) else None)}."
    )
    svg = draw(
        lambda figure, pen: _histogram(figure, pen, edges, shares_in[0], shares_in[1], is_date),
        size=(3.1, 1.55),
        name=f"column-{index}",
        alt=alt,
    )
    return svg, remarks


def _atom(present: np.ndarray, num_rows: int) -> float | None:
    """A value that most rows share, so that no other would be seen beside it; None when there is none."""
    values, counts = np.unique(present, return_counts=True)
    if len(values) <= _FEW or counts.max() <= _ATOM * num_rows:
        return None
    return float(values[counts.argmax()])


def cells(present: np.ndarray, num_rows: int) -> np.ndarray:
    """The edges of a histogram: one cell around each value of a coarse grid, else equal cells without the outer .5%.

    present: [N] finite, N >= 1; num_rows: the smaller number of rows that will fill the cells. The first and last cell
    are meant to hold what lies beyond.

    >>> cells(np.array([1.0, 2.0, 4.0]), 3).tolist()
    [0.5, 1.5, 2.5, 3.5, 4.5]
    """
    different = np.unique(present)
    if len(different) == 1:
        half = max(0.5, 1e-9 * abs(float(different[0])))
        return np.array([different[0] - half, different[0] + half])
    step = float(np.diff(different).min())
    on_grid = different[-1] - different[0] <= _MOST_CELLS * step
    steps = (different - different[0]) / step if on_grid else different
    if on_grid and np.abs(steps - steps.round()).max() < 1e-6:
        grid: np.ndarray = different[0] + step * (np.arange(int(steps[-1].round()) + 2) - 0.5)
        return grid
    low, high = np.quantile(present, [0.005, 0.995])
    if high <= low:
        low, high = different[0], different[-1]
    count = int(np.clip(round(2 * num_rows ** (1 / 3)), 6, _MOST_CELLS))
    edges: np.ndarray = np.linspace(low, high, count + 1)
    whole = bool((different == different.round()).all())
    if whole and (high - low) / count >= 1:  # equal numbers of integers in each cell, or comb teeth appear
        width = max(1, round((high - low) / count))
        edges = np.arange(np.floor(low), high + width, width) - 0.5
    return edges


def _histogram(figure: Figure, pen: Pen, edges: np.ndarray, real: np.ndarray, fake: np.ndarray, is_date: bool) -> None:
    axes = figure.subplots()
    is_date = is_date and edges[0] > _EARLIEST_S and edges[-1] < _LATEST_S
    where = edges / _DAY_S if is_date else edges
    axes.stairs(100 * real, where, fill=True, color=REAL, alpha=0.35, linewidth=0)
    axes.stairs(100 * fake, where, color=FAKE, linewidth=1.3)
    bare(axes)
    axes.set_xlim(where[0], where[-1])
    axes.set_ylim(0, max(100 * real.max(initial=0), 100 * fake.max(initial=0), 1e-3) * 1.08)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    axes.locator_params(axis="y", nbins=3)
    short_numbers(axes, is_date)


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


def _bars(entry: Mapping[str, Any]) -> tuple[Bar, ...]:
    levels, real, fake = entry["levels"], entry["real"], entry["fake"]
    shown = len(levels) if len(levels) <= MAX_LEVELS + 1 else MAX_LEVELS
    bars = [Bar(str(levels[i]), float(real[i]), float(fake[i])) for i in range(shown)]
    beyond = entry.get("other") or {}
    rest = [sum(values[shown:]) + float(beyond.get(side) or 0) for side, values in (("real", real), ("fake", fake))]
    hidden = int(entry.get("num_levels", len(levels))) - shown
    if hidden > 0 or any(r > 1e-9 for r in rest):
        bars.append(Bar(f"{hidden} more" if hidden > 0 else "others", rest[0], rest[1]))
    return tuple(bars)
