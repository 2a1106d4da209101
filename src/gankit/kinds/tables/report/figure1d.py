"""The first figure of Goodfellow et al. (2014) for one-dimensional data: p_data, p_g, D(x), and the lines from z to x.

Knows arrays of numbers; never networks, codecs or files.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gankit.report import numbers
from gankit.report.charts import short_numbers
from gankit.report.drawing import FAKE, HELD, INK, MUTED, REAL, Pen, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FEWEST_CELLS = 6


def figure_1d(
    real: np.ndarray, fake: np.ndarray, grid: np.ndarray, d: np.ndarray, z: np.ndarray, x_of_z: np.ndarray
) -> dict[str, list[float]]:
    """What the report needs to draw the figure, as plain JSON.

    The densities are histograms, so that atoms and sharp edges are shown as they are: a cell reaches half-way to the
    grid's neighbouring points, and where values are few, several of them are joined to one (about 2 N^(1/3) in all).

    Args:
        real: [N] real values; NaN are left out.
        fake: [F] fakes; NaN are left out.
        grid: [M] rising values of x, M >= 2.
        d: [M] D(x) on the grid, in [0, 1] (the sigmoid of D's logits).
        z: [K] noise, along the line on which G is followed (the first number of z, say).
        x_of_z: [K] what G makes of z.

    Returns:
        {"x": [M], "p_data": [M], "p_g": [M], "d": [M], "z": [K], "x_of_z": [K]}, densities per unit of x.

    >>> out = figure_1d(np.array([0.0, 1.0]), np.array([1.0, 1.0]), np.array([0.0, 1.0]), np.array([0.5, 0.2]),
    ...                 np.array([-1.0]), np.array([1.0]))
    >>> out["p_data"], out["p_g"]
    ([0.5, 0.5], [0.0, 1.0])
    """
    grid = np.asarray(grid, float)
    assert len(grid) >= 2 and (np.diff(grid) > 0).all(), "the grid must rise"
    assert len(d) == len(grid) and len(z) == len(x_of_z), "d belongs to the grid, x_of_z to z"
    gaps = np.diff(grid)
    edges = np.concatenate([[grid[0] - gaps[0] / 2], grid[:-1] + gaps / 2, [grid[-1] + gaps[-1] / 2]])
    values = [v[np.isfinite(v)] for v in (np.asarray(real, float), np.asarray(fake, float))]
    cells = max(_FEWEST_CELLS, round(2 * min(len(v) for v in values) ** (1 / 3)))
    joined = -(-len(grid) // cells)
    p_data, p_g = (_density(v, edges, joined) for v in values)
    out = {"x": grid, "p_data": p_data, "p_g": p_g, "d": d, "z": z, "x_of_z": x_of_z}
    return {name: [float(v) for v in np.asarray(values, float)] for name, values in out.items()}


def _density(values: np.ndarray, edges: np.ndarray, joined: int) -> np.ndarray:
    """The density in each of the cells between `edges` [M + 1], `joined` neighbours taken together: [M]."""
    starts = np.arange(0, len(edges) - 1, joined)
    counts = np.add.reduceat(np.histogram(values, edges)[0], starts)
    widths = np.add.reduceat(np.diff(edges), starts)
    return np.repeat(counts / max(len(values), 1) / widths, joined)[: len(edges) - 1]


def drawing(figure_1d: Mapping[str, Any]) -> Markup:
    """The figure as an inline SVG, from what `figure_1d` gave."""
    x = np.asarray(figure_1d["x"], float)
    d, z, x_of_z = (np.asarray(figure_1d[k], float) for k in ("d", "z", "x_of_z"))
    inside = (x_of_z >= x[0]) & (x_of_z <= x[-1])

    def paint(figure: Figure, pen: Pen) -> None:
        above, below = figure.subplots(2, 1, height_ratios=[2.4, 1.0])
        above.fill_between(
            x, figure_1d["p_data"], step="mid", color=REAL, alpha=0.3, linewidth=0, label="p_data (real)"
        )
        above.step(x, figure_1d["p_g"], where="mid", color=FAKE, linewidth=1.4, label="p_g (fakes)")
        above.set_ylim(0, max(*figure_1d["p_data"], *figure_1d["p_g"], 1e-12) * 1.1)
        above.set_xlim(x[0], x[-1])
        above.set_ylabel("density")
        above.set_yticks([])
        right = above.twinx()
        right.plot(x, d, color=HELD, linestyle="--", linewidth=1.2, label="D(x)")
        right.axhline(0.5, color=MUTED, linewidth=0.5, linestyle=":", label="D = ½: cannot tell")
        right.set_ylim(0, 1.04)
        right.set_yticks([0, 0.5, 1], ["0", "½", "1"])
        right.set_ylabel("D(x)")
        right.tick_params(length=0)
        for axes in (above, right):
            axes.spines[["left", "top", "right"]].set_visible(False)
        short_numbers(above)
        _lines(below, z, x_of_z, inside, (float(x[0]), float(x[-1])))
        handles = [h for axes in (above, right) for h in axes.get_legend_handles_labels()[0]]
        labels = [t for axes in (above, right) for t in axes.get_legend_handles_labels()[1]]
        figure.legend(handles, labels, loc="outside upper left", ncols=4, columnspacing=1.2, labelcolor=INK)

    return draw(paint, size=(5.6, 3.9), name="figure-1", alt=alternative(figure_1d))


def _lines(axes: Any, z: np.ndarray, x_of_z: np.ndarray, inside: np.ndarray, span: tuple[float, float]) -> None:
    """From z, on the lower line, up to x = G(z), on the upper one: where lines crowd, G puts many fakes."""
    low, high = float(z.min(initial=0)), float(z.max(initial=1))
    width = high - low if high > low else 1.0
    at = span[0] + (z - low) / width * (span[1] - span[0])
    for start, end in zip(at[inside], x_of_z[inside], strict=True):
        axes.annotate(
            "",
            xy=(end, 1),
            xytext=(start, 0),
            arrowprops={
                "arrowstyle": "->",
                "color": MUTED,
                "linewidth": 0.5,
                "mutation_scale": 5,
                "shrinkA": 0,
                "shrinkB": 0,
            },
        )
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.set_xlim(*span)
    axes.set_ylim(-0.02, 1.02)
    ticks = [low, (low + high) / 2, high]
    axes.set_xticks([span[0] + (t - low) / width * (span[1] - span[0]) for t in ticks], [f"{t:.2g}" for t in ticks])
    axes.set_yticks([0, 1], ["z", "x"])
    axes.tick_params(length=0, pad=4)
    axes.spines[:].set_visible(False)


def words(figure_1d: Mapping[str, Any]) -> str:
    """What the figure shows, in a sentence with its numbers."""
    x, p, q, d = (np.asarray(figure_1d[k], float) for k in ("x", "p_data", "p_g", "d"))
    width = np.gradient(x)
    # D and 1/2 are compared where there is data; the optimum of eq. 2 of the paper is p_data / (p_data + p_g).
    weight = (p + q) * width
    total = float(weight.sum())
    if total <= 0:
        return ""
    away = float((np.abs(d - 0.5) * weight).sum() / total)
    overlap = float((np.minimum(p, q) * width).sum())
    return (
        f"The two densities share {numbers.share(min(overlap, 1.0))} of their area, and D(x) lies "
        f"{numbers.score(away)} from ½ on average where there are rows "
        "(0: D cannot tell real from fake; 0.5: it always can)."
    )


def alternative(figure_1d: Mapping[str, Any]) -> str:
    """The alternative text of the drawing."""
    return (
        "The density of the real values as an area, that of the fakes as a line, D(x) as a dashed line; below them, "
        f"arrows from {len(figure_1d['z'])} values of z to x = G(z). {words(figure_1d)}"
    )
