"""Drawing with matplotlib's object API: a figure becomes an inline SVG that follows the page's light and dark theme;
and the charts that several kinds of data share.

Knows figures, colours and text; never models. Text from the data never enters matplotlib: `Pen.text` hands out a
stand-in of the same width, and the escaped text takes its place in the SVG, so that no name can be read as mathematics,
as markup, or ask for a glyph that the drawing font lacks.
"""

from __future__ import annotations

import io
import re
import threading
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from gankit.metrics.evaluate import MetricResult
from gankit.metrics.metric import Noun
from gankit.report.section import Drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


# Stand-ins that the style sheet of the page replaces by its own colours (blue and vermilion of Okabe and Ito, which
# colour-blind readers tell apart; real is always a filled area or a dashed line, fake always a solid line).
INK, MUTED, GRID, REAL, FAKE, HELD, EXTRA = (f"#01020{k}" for k in range(1, 8))
_VARIABLES = {INK: "ink", MUTED: "muted", GRID: "grid", REAL: "real", FAKE: "fake", HELD: "held", EXTRA: "extra"}

_STYLE: dict[str, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "axes.formatter.use_mathtext": False,
    "font.size": 8.0,
    "font.family": "sans-serif",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 8.5,
    "axes.titlelocation": "left",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "text.color": INK,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.handlelength": 1.8,
    "path.simplify": True,
}
_TICKS = {"color": MUTED, "labelcolor": INK, "labelsize": 7.5, "major.size": 2.5, "major.width": 0.6}
_STYLE |= {f"{axis}tick.{key}": value for axis in "xy" for key, value in _TICKS.items()}

Values = Sequence[float] | np.ndarray

WIDE = (4.4, 2.3)
"""The size of a drawing that stands alone, in inches."""

_LABELLED = 24  # columns of a heat map up to which each has a label

# matplotlib's settings are global to the process; they are changed and put back under this lock.
_lock = threading.Lock()


class Pen:
    """Text from the data for one figure: stand-ins going in, escaped text coming out."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def text(self, value: str, limit: int = 18) -> str:
        """A stand-in for `value`, cut to `limit` characters, about as wide as the text will be."""
        shown = cut(value, limit)
        self._texts.append(shown)
        width = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in shown)
        return f"q{len(self._texts) - 1:04d}q".ljust(width, "n")

    def fill(self, svg: str) -> str:
        """The SVG with each stand-in replaced by its escaped text."""
        return re.sub(r">q(\d{4})qn*<", lambda m: f">{escape(self._texts[int(m[1])])}<", svg)


def cut(value: str, limit: int) -> str:
    """`value` on one line and without control characters, cut in the middle to at most `limit` characters."""
    plain = "".join(c if c.isprintable() else " " for c in value)
    head = limit // 2
    return plain if len(plain) <= limit else f"{plain[:head]}…{plain[len(plain) - (limit - 1 - head) :]}"


def draw(paint: Callable[[Figure, Pen], None], *, size: tuple[float, float], name: str, alt: str) -> Markup:
    """The inline SVG that `paint` draws.

    paint: draws on an empty figure; text from the data goes through `Pen.text`. size: width and height in inches; text
    stays readable when the page shows an inch as 80 to 110 pixels. name: makes the ids inside the SVG unique on the
    page. alt: what the image shows, in words, for those who do not see it.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    # Every setting is given, so that the user's own matplotlibrc cannot change an image.
    settings: dict[Any, Any] = {k: v for k, v in matplotlib.rcParamsDefault.items() if not k.startswith("backend")}
    settings |= {**_STYLE, "svg.hashsalt": name}
    with _lock, matplotlib.rc_context(settings):
        figure, pen = Figure(figsize=size, layout="constrained"), Pen()
        FigureCanvasSVG(figure)
        paint(figure, pen)
        out = io.StringIO()
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return Markup(_for_page(pen.fill(out.getvalue()), name, alt))


def bare(axes: Axes, *, grid: str | None = "y") -> None:
    """Leaves of the frame only what is read: the x axis, and faint lines of the `grid` direction."""
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if grid:
        axes.grid(visible=True, axis=grid)  # type: ignore[arg-type]  # "x", "y" or "both"


def _for_page(svg: str, name: str, alt: str) -> str:
    """The SVG file of matplotlib as a piece of the page: no prologue, the page's colours, a name for readers."""
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.S)
    view_box = re.search(r'viewBox="([^"]*)"', svg)
    assert view_box, "matplotlib writes a viewBox"
    ident = "alt-" + re.sub(r"\W", "-", name)
    head = (
        f'<svg viewBox="{view_box[1]}" role="img" aria-labelledby="{ident}"><title id="{ident}">{escape(alt)}</title>'
    )
    svg = head + svg[svg.index(">") + 1 :]
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{variable})")
    svg = svg.replace("xlink:href", "href")  # as SVG 2 and HTML have it
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    # matplotlib's ids (figure_1, axes_1, patch_3 …) repeat from figure to figure; only those that are referred to stay.
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used or m[1].startswith("alt-") else "", svg)
    svg = re.sub(r"<[^>]*>", lambda m: re.sub(r"(\d+\.\d\d)\d+", r"\1", m[0]), svg)  # inside tags, never in labels
    return re.sub(r">\s+<", "><", re.sub(r"\s*\n\s*", " ", svg))


def short_numbers(axes: Axes, is_date: bool = False) -> None:
    """Few x ticks with short labels: dates, or numbers with k and M."""
    if is_date:
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

        locator: Any = AutoDateLocator(minticks=2, maxticks=5)  # type: ignore[no-untyped-call]  # matplotlib's
        axes.xaxis.set_major_locator(locator)
        formatter: Any = ConciseDateFormatter(locator, show_offset=False)  # type: ignore[no-untyped-call]
        axes.xaxis.set_major_formatter(formatter)
        return
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=5))
    low, high = axes.get_xlim()
    axes.xaxis.set_major_formatter(lambda value, _: short(value, (high - low) / 5))


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
    edges: Values, real: Values, fake: Values, name: str, title: str, records: str, xlabel: str = "",
    size: tuple[float, float] = WIDE,
) -> Markup:  # fmt: skip
    """Two histograms of shares over the same edges: real records as an area, fakes as a line."""

    def paint(figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        axes.stairs([100 * v for v in real], edges, fill=True, color=REAL, alpha=0.35, linewidth=0, label=records)
        axes.stairs([100 * v for v in fake], edges, color=FAKE, linewidth=1.3, label="synthetic")
        bare(axes)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        axes.locator_params(axis="y", nbins=4)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(0, None)
        short_numbers(axes)
        if xlabel:
            axes.set_xlabel(xlabel)
        figure.legend(loc="outside upper left", ncols=2, labelcolor=INK)

    return draw(paint, size=size, name=name, alt=f"{title}: {records} as an area, synthetic ones as a line.")


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
            distance, sides = f"distance to the nearest training {noun.one}", (found["heldout"], found["fake"])
            names = (f"Histograms of the {distance}", f"held-out {noun.many}", f"{distance} (0: a copy)")
            drawn = histograms(found["edges"], *sides, name, *names)
            out.append(Drawing(f"Distance to training: {result.metric.noun}", drawn))
    return out


def heat_maps(real: np.ndarray, fake: np.ndarray, names: Sequence[str], noun: Noun) -> list[Drawing]:
    """Three drawings of how strongly columns correlate: real records, fakes, and fakes minus real records.

    real, fake: [C, C] in [-1, 1]; names: [C].
    """
    off = ~np.eye(len(names), dtype=bool)
    difference = np.where(off, fake - real, 0.0)
    largest = float(np.abs(difference[off]).max(initial=0.0))
    reach = float(min(1.0, max(0.1, np.ceil(largest * 10) / 10)))
    of = "Heat map of how strongly columns correlate"
    apart = f"Heat map of the differences; the largest is {largest:.2f}."
    maps = (
        (f"Real {noun.many}", real, 1.0, "real", f"{of}, real {noun.many}."),
        (f"Synthetic {noun.many}", fake, 1.0, "fake", f"{of}, synthetic {noun.many}."),
        (f"Synthetic minus real {noun.many}", difference, reach, "difference", apart),
    )
    return [Drawing(title, _heat_map(x, names, top, f"pairs-{which}", alt)) for title, x, top, which, alt in maps]


def _heat_map(values: np.ndarray, names: Sequence[str], reach: float, name: str, alt: str) -> Markup:
    def paint(figure: Figure, pen: Pen) -> None:
        from matplotlib.colors import LinearSegmentedColormap

        # Nothing where nothing is, so that the map sits on a light and on a dark page; weak ones are lifted a little.
        against, together = (0.84, 0.37, 0.0), (0.0, 0.45, 0.70)
        stops = [(place, (*against, alpha)) for place, alpha in ((0.0, 1.0), (0.4, 0.4), (0.5, 0.0))]
        stops += [(place, (*together, alpha)) for place, alpha in ((0.5, 0.0), (0.6, 0.4), (1.0, 1.0))]
        colours = LinearSegmentedColormap.from_list("signed", stops)
        axes = figure.subplots()
        image = axes.imshow(values, cmap=colours, vmin=-reach, vmax=reach, interpolation="none", aspect="equal")
        places, size = range(len(names) if len(names) <= _LABELLED else 0), 7.0 if len(names) <= 16 else 5.5
        axes.set_xticks(places, [pen.text(names[k], 14) for k in places], rotation=90, fontsize=size)
        axes.set_yticks(places, [pen.text(names[k], 14) for k in places], fontsize=size)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(image, ax=axes, shrink=0.7, aspect=28, pad=0.02, ticks=[-reach, 0, reach])
        bar.outline.set_linewidth(0.4)
        bar.ax.set_yticklabels([f"−{reach:.1f}", "0", f"{reach:.1f}"], color=INK)
        bar.ax.tick_params(length=0)

    return draw(paint, size=(3.35, 3.05), name=name, alt=alt)
