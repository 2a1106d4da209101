"""D over the numbers themselves, beside real and synthetic ones: of one number the first figure of Goodfellow et al.
(2014), with p_data, p_g, D(x) and lines from z to x; of two a scatter over D's surface.

Knows codecs, a G and a D; never models, or the page around the drawings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gankit.columns.column import Values
from gankit.networks.noise import along_noise
from gankit.randomness import torch_generator
from gankit.report import numbers
from gankit.report.drawing import FAKE, HELD, INK, MUTED, REAL, Pen, draw, short_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gankit.kinds.base import Dataset, Prepared
    from gankit.networks.base import Discriminator, Generator

GRID, SIDE, LINES = 240, 48, 40
"""Points of the grid over which D is drawn for one number, along a side of it for two, and lines from z to x."""

DRAWN = 512
"""Places in noise from which the direction is taken along which z is shown."""

DOTS = 600
"""Records of either sort in a scatter."""

_FEWEST_CELLS = 6
_ARROW = {"arrowstyle": "->", "color": MUTED, "linewidth": 0.5, "mutation_scale": 5, "shrinkA": 0, "shrinkB": 0}


def surface(
    generator: Generator, discriminator: Discriminator, prepared: Prepared[Dataset, Any]
) -> dict[str, np.ndarray] | None:
    """See `Kind.surface`. The grid reaches from the .1% to the 99.9% quantile of training records, and a little on."""
    import torch

    columns, codec = prepared.schema.modelled, prepared.codec
    if prepared.given is not None or len(columns) not in (1, 2) or codec.spec.dim != len(columns):
        return None
    axes = []
    for column in columns:
        low, high = np.quantile(prepared.train.values[column.name].data, [0.001, 0.999])
        margin = 0.05 * max(high - low, 1e-9)
        axes.append(np.linspace(low - margin, high + margin, GRID if len(columns) == 1 else SIDE))
    points = [p.ravel() for p in np.meshgrid(*axes)]
    coded = codec.encode({c.name: Values(p, np.zeros(len(p), np.int8)) for c, p in zip(columns, points, strict=True)})
    where = next(discriminator.parameters()).device
    with torch.no_grad():
        d = discriminator(torch.from_numpy(coded.astype(np.float32)).to(where), None).cpu().double().numpy()
    if len(columns) == 2:
        return {"x": axes[0], "y": axes[1], "d": d.reshape(SIDE, SIDE)}
    return {"grid": axes[0], "d": d, **_noise_to_numbers(generator, prepared)}


def _noise_to_numbers(generator: Generator, prepared: Prepared[Dataset, Any]) -> dict[str, np.ndarray]:
    """z [LINES] and x_of_z [LINES]: z has many numbers and the image one, so that z is shown by its projection on the
    direction along which G moves most (least squares of x on z).
    """
    import torch

    draws, where = torch_generator(prepared.num_train, "figure"), next(generator.parameters()).device
    z = torch.randn(DRAWN, generator.num_latents, generator=draws)
    u = torch.rand(DRAWN, generator.num_uniforms, generator=draws)
    with torch.no_grad():
        x = generator(z.to(where), u.to(where), None).cpu().double().numpy()
    along, shown = along_noise(z.double().numpy(), x[:, 0], LINES)
    made = prepared.codec.decode(x)[prepared.schema.modelled[0].name].data
    return {"z": along[shown], "x_of_z": made[shown]}


def figure_1d(
    real: np.ndarray, fake: np.ndarray, grid: np.ndarray, d: np.ndarray, z: np.ndarray, x_of_z: np.ndarray
) -> dict[str, list[float]]:
    """What the report needs to draw the figure, as plain JSON.

    The densities are histograms, so that atoms and sharp edges are shown as they are: a cell reaches half-way to the
    grid's neighbouring points, and where values are few, several of them are joined to one (about 2 N^(1/3) in all).

    Args:
        real, fake: [N], [F] values; NaN are left out.
        grid: [M] rising values of x, M >= 2. d: [M] D(x) there, in [0, 1] (the sigmoid of D's logits).
        z: [K] noise along the line on which G is followed. x_of_z: [K] what G makes of it.

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


def draw_figure(figure_1d: Mapping[str, Any]) -> Markup:
    """The figure as an inline SVG, from what `figure_1d` gave."""
    x = np.asarray(figure_1d["x"], float)
    d, z, x_of_z = (np.asarray(figure_1d[k], float) for k in ("d", "z", "x_of_z"))
    inside = (x_of_z >= x[0]) & (x_of_z <= x[-1])

    def paint(figure: Figure, pen: Pen) -> None:
        above, below = figure.subplots(2, 1, height_ratios=[2.4, 1.0])
        p, q = figure_1d["p_data"], figure_1d["p_g"]
        above.fill_between(x, p, step="mid", color=REAL, alpha=0.3, linewidth=0, label="p_data (real)")
        above.step(x, q, where="mid", color=FAKE, linewidth=1.4, label="p_g (fake)")
        highest = max(*p, *q, 1e-12)
        above.set(xlim=(x[0], x[-1]), ylim=(0, highest * 1.1), ylabel="density", yticks=[])
        right = above.twinx()
        right.plot(x, d, color=HELD, linestyle="--", linewidth=1.2, label="D(x)")
        right.axhline(0.5, color=MUTED, linewidth=0.5, linestyle=":", label="D = ½: cannot tell")
        right.set(ylim=(0, 1.04), yticks=[0, 0.5, 1], yticklabels=["0", "½", "1"], ylabel="D(x)")
        right.tick_params(length=0)
        for axes in (above, right):
            axes.spines[["left", "top", "right"]].set_visible(False)
        short_numbers(above)
        _lines(below, z, x_of_z, inside, (float(x[0]), float(x[-1])))
        handles, labels = (a + b for a, b in zip(*(x.get_legend_handles_labels() for x in (above, right)), strict=True))
        figure.legend(handles, labels, loc="outside upper left", ncols=4, columnspacing=1.2, labelcolor=INK)

    alt = (
        "The density of the real values as an area, that of the synthetic ones as a line, D(x) as a dashed line; below "
        f"them, arrows from {len(z)} values of z to x = G(z). {figure_words(figure_1d)}"
    )
    return draw(paint, size=(5.6, 3.9), name="figure-1", alt=alt)


def _lines(axes: Any, z: np.ndarray, x_of_z: np.ndarray, inside: np.ndarray, span: tuple[float, float]) -> None:
    """From z, on the lower line, up to x = G(z), on the upper one: where lines crowd, G puts many fakes."""
    low, high = float(z.min(initial=0)), float(z.max(initial=1))
    width = high - low if high > low else 1.0
    at = span[0] + (z - low) / width * (span[1] - span[0])
    for start, end in zip(at[inside], x_of_z[inside], strict=True):
        axes.annotate("", xy=(end, 1), xytext=(start, 0), arrowprops=_ARROW)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.axhline(1, color=INK, linewidth=0.8)
    axes.set(xlim=span, ylim=(-0.02, 1.02))
    ticks = [low, (low + high) / 2, high]
    axes.set_xticks([span[0] + (t - low) / width * (span[1] - span[0]) for t in ticks], [f"{t:.2g}" for t in ticks])
    axes.set_yticks([0, 1], ["z", "x"])
    axes.tick_params(length=0, pad=4)
    axes.spines[:].set_visible(False)


def figure_words(figure_1d: Mapping[str, Any]) -> str:
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


def draw_scatter(figure: Mapping[str, Any], real: np.ndarray, fake: np.ndarray, names: tuple[str, str]) -> Markup:
    """Real and synthetic records over D's surface, side by side, as an inline SVG.

    figure: x [G], y [G], d [G, G] in [0, 1], as `surface` has them. real, fake: [N, 2] numbers; the first are drawn.
    """
    x, y, d = (np.asarray(figure[key], float) for key in ("x", "y", "d"))

    def paint(canvas: Figure, pen: Pen) -> None:
        both = canvas.subplots(1, 2, sharex=True, sharey=True)
        for axes, dots, colour, mark, label in zip(
            both, (real, fake), (REAL, FAKE), ("o", "x"), ("real", "synthetic"), strict=True
        ):
            for level, alpha in ((0.25, 0.08), (0.5, 0.08), (0.75, 0.08)):
                axes.contourf(x, y, d, levels=[level, 2], colors=[HELD], alpha=alpha)
            if d.min() < 0.5 < d.max():
                axes.contour(x, y, d, levels=[0.5], colors=[HELD], linewidths=1, linestyles="--")
            some = dots[np.isfinite(dots).all(1)][:DOTS]
            axes.scatter(some[:, 0], some[:, 1], s=5, c=colour, marker=mark, linewidths=0.5, alpha=0.6, label=label)
            axes.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]), xlabel=pen.text(names[0], 24))
            axes.spines[["top", "right"]].set_visible(False)
            short_numbers(axes)
            axes.set_title(label, color=INK, fontsize="medium")
        both[0].set_ylabel(pen.text(names[1], 24))

    return draw(
        paint, size=(6.4, 3.3), name="scatter", alt=f"Real and synthetic records as dots. {scatter_words(figure)}"
    )


def scatter_words(figure: Mapping[str, Any]) -> str:
    """What the surface shows, in a sentence."""
    d = np.asarray(figure["d"], float)
    return (
        "The shades are D's score, darker where D takes records to be real; on the dashed line D cannot tell. It goes "
        f"from {numbers.score(float(d.min()))} to {numbers.score(float(d.max()))} over what is drawn (½ everywhere: D "
        "cannot tell real from fake anywhere)."
    )
