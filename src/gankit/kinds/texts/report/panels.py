"""Texts as they are shown on a page, with differences marked, and drawings of metrics over n.

Knows texts, units and results; never metrics' words or the page around them. Every text is escaped here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from gankit.kinds.texts.metrics.classifiers import Tokenise
from gankit.kinds.texts.metrics.distances import marked
from gankit.metrics.evaluate import MetricResult
from gankit.report import numbers
from gankit.report.drawing import EXTRA, FAKE, INK, MUTED, REAL, Pen, bare, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 280
"""Characters of a text that are shown."""

STYLE = (
    ".txt { white-space: pre-wrap; } .txt mark { background: var(--fair-bg); color: inherit; border-radius: 2px; "
    "box-shadow: 0 0 0 1px var(--fair); } .txt i { color: var(--muted); } .texts td { min-width: 12rem; } "
    ".texts td.n { min-width: 0; } .texts td .txt { display: block; padding: .1rem 0; } "
    ".texts td .txt + .txt { border-top: 1px dotted var(--line); }"
)

_VISIBLE = {"\n": "⏎", "\r": "⏎", "\t": "⇥", "\u2028": "⏎", "\u2029": "⏎"}
# Signs that join others or choose their form, which people see as one with them.
_JOINING = {"\u200c", "\u200d"}


def readable(text: str) -> str:
    """The text with signs that cannot be seen made visible: ends of lines, tabs, controls and orders of direction."""
    return "".join(_VISIBLE.get(c) or ("�" if _hidden(c) else c) for c in text)


def _hidden(sign: str) -> bool:
    return unicodedata.category(sign) in ("Cc", "Cs", "Cf") and sign not in _JOINING


def cell(text: str, longest: int = LONGEST) -> Markup:
    """A text for a table: escaped, in its own direction, cut to `longest` characters."""
    return _block(escape(readable(text[:longest])), len(text) > longest, not text)


def _block(inside: Markup, cut: bool, empty: bool = False) -> Markup:
    shown = Markup("<i>(an empty text)</i>") if empty else inside + ("…" if cut else "")
    return Markup('<bdi class="txt" dir="auto">') + shown + Markup("</bdi>")


def cells(texts: Sequence[str]) -> Markup:
    """Several texts in one cell, one below the other."""
    return Markup("").join(cell(t) for t in texts) if texts else Markup("–")


def differences(fake: str, real: str, tokenise: Tokenise) -> tuple[Markup, Markup]:
    """A fake and a real text, each with the units that the other lacks marked.

    Where the units put together are the text, they are marked in it; else they stand with blanks between.
    """
    sides = fake[:LONGEST], real[:LONGEST]
    units = [list(tokenise(side)) for side in sides]
    between = "" if all("".join(u) == side for u, side in zip(units, sides, strict=True)) else " "
    left, right = (
        _block(Markup(escape(between)).join(_piece(*piece, between) for piece in pieces), len(whole) > LONGEST, not u)
        for pieces, whole, u in zip(marked(*units), (fake, real), units, strict=True)
    )
    return left, right


def _piece(differs: bool, units: Sequence[str], between: str) -> Markup:
    text = escape(readable(between.join(units)))
    return Markup("<mark>") + text + Markup("</mark>") if differs else text


def gram(units: Sequence[str], called: str) -> Markup:
    """A run of units as text; an empty unit is the mark of the text's begin or end."""
    shown = [readable(u) if u else ("^" if place == 0 else "$") for place, u in enumerate(units)]
    return cell((" " if called == "words" else "").join("␣" if u == " " else u for u in shown))


def by_order(results: Mapping[str, MetricResult], stem: str, title: str, ylabel: str) -> Markup:
    """A metric that is asked for n = 1, 2, …, as lines over n: fakes, real texts, and the n-gram models; may be empty.

    results: those called `stem`_n are drawn.
    """
    orders = sorted(int(order) for m in results if (order := m.removeprefix(f"{stem}_")).isdigit())
    lines: dict[str, list[tuple[int, float]]] = {}
    for n in orders:
        result = results[f"{stem}_{n}"]
        sides = {"synthetic texts": result.fake, "real texts": result.ceiling}
        sides |= {"a trigram model": result.baselines.get("trigram"), "single units": result.baselines.get("unigram")}
        for who, score in sides.items():
            found = None if score is None else numbers.finite(score.value)
            if found is not None:
                lines.setdefault(who, []).append((n, found))
    if len(orders) < 2 or "synthetic texts" not in lines:
        return Markup()
    looks = {
        "synthetic texts": (FAKE, "-", 1.8),
        "real texts": (REAL, "--", 1.6),
        "a trigram model": (EXTRA, "-.", 1.1),
        "single units": (MUTED, ":", 1.1),
    }

    def paint(figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        for who, points in lines.items():
            colour, style, width = looks[who]
            x, y = zip(*points, strict=True)
            axes.plot(x, y, color=colour, linestyle=style, linewidth=width, marker="o", markersize=3, label=who)
        bare(axes)
        axes.set_xticks(orders)
        axes.set_ylim(0, 1)
        axes.set_xlabel("n")
        axes.set_ylabel(ylabel)
        figure.legend(loc="outside upper left", ncols=2, labelcolor=INK)

    told = "; ".join(f"{who} {', '.join(numbers.score(y) for _, y in points)}" for who, points in lines.items())
    return draw(
        paint, size=(3.6, 2.5), name=f"order-{stem}", alt=f"{title} for n = {orders[0]} to {orders[-1]}: {told}."
    )
