"""Drawing with matplotlib's object API: a figure becomes an inline SVG that follows the page's light and dark theme.

Knows figures, colours and text; never metrics, models or what an image means. Text from the data never enters
matplotlib: `Pen.text` hands out a stand-in of the same width, and the escaped text takes its place in the SVG, so that
no name can be read as mathematics, as markup, or ask for a glyph that the drawing font lacks.
"""

from __future__ import annotations

import io
import re
import threading
import unicodedata
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Stand-ins that the style sheet of the page replaces by its own colours (blue and vermilion of Okabe and Ito, which
# colour-blind readers tell apart; real is always a filled area or a dashed line, fake always a solid line).
INK, MUTED, GRID, REAL, FAKE, HELD, EXTRA = (
    "#010201",
    "#010202",
    "#010203",
    "#010204",
    "#010205",
    "#010206",
    "#010207",
)
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
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "lines.linewidth": 1.4,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.handlelength": 1.8,
    "path.simplify": True,
}
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
    if len(plain) <= limit:
        return plain
    head = (limit - 1 + 1) // 2
    return f"{plain[:head]}…{plain[len(plain) - (limit - 1 - head) :]}"


def draw(paint: Callable[[Figure, Pen], None], *, size: tuple[float, float], name: str, alt: str) -> Markup:
    """The inline SVG that `paint` draws.

    Args:
        paint: draws on an empty figure; text from the data goes through `Pen.text`.
        size: width and height in inches; text stays readable when the page shows an inch as 80 to 110 pixels.
        name: makes the ids inside the SVG unique on the page.
        alt: what the image shows, in words, for those who do not see it.
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
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.S)
    view_box = re.search(r'viewBox="([^"]*)"', svg)
    assert view_box, "matplotlib writes a viewBox"
    ident = re.sub(r"\W", "-", name)
    title = f'<title id="alt-{ident}">{escape(alt)}</title>'
    head = f'<svg viewBox="{view_box[1]}" role="img" aria-labelledby="alt-{ident}">{title}'
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
