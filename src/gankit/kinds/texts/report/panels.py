"""Texts as they are shown on a page, and the pictures of the report on texts: figures over n, and lengths.

Knows texts, units and figures; never metrics' words or the page around them. Every text is escaped here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from gankit.report import numbers
from gankit.report.drawing import EXTRA, FAKE, INK, MUTED, REAL, Pen, bare, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 280
"""Characters of a text that are shown."""

STYLE = Markup(
    ".txt { white-space: pre-wrap; } .txt mark { background: var(--fair-bg); color: inherit; border-radius: 2px; "
    "box-shadow: 0 0 0 1px var(--fair); } .txt i { color: var(--muted); } .texts td { min-width: 12rem; } "
    ".texts td.n { min-width: 0; } .texts td .txt { display: block; padding: .1rem 0; } "
    ".texts td .txt + .txt { border-top: 1px dotted var(--line); }"
)

_VISIBLE = {"\n": "⏎", "\r": "⏎", "\t": "⇥", "\u2028": "⏎", "\u2029": "⏎"}
# Signs that join others or choose their form, which people see as one with them.
_JOINING = {"\u200c", "\u200d"}

Tokenise = Callable[[str], Sequence[str]]


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
    from gankit.kinds.texts.metrics.distances import marked

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


def by_order(metrics: Mapping[str, Mapping[str, Any]], stem: str, title: str, ylabel: str) -> Markup:
    """A figure that is asked for n = 1, 2, …, as lines over n: fakes, real texts, and the n-gram models; may be empty.

    metrics: completed; those called `stem`_n are drawn.
    """
    orders = sorted(
        int(m.removeprefix(f"{stem}_"))
        for m in metrics
        if m.startswith(f"{stem}_") and m.removeprefix(f"{stem}_").isdigit()
    )
    lines: dict[str, list[tuple[int, float]]] = {}
    for n in orders:
        entry = metrics[f"{stem}_{n}"]
        plain = {who: entry["baselines"].get(who) for who in ("trigram", "unigram")}
        sides = {"fakes": entry["fake"], "real texts": entry["ceiling"]}
        sides |= {"a trigram model": plain["trigram"], "single units": plain["unigram"]}
        for who, score in sides.items():
            found = numbers.finite((score or {}).get("value"))
            if found is not None:
                lines.setdefault(who, []).append((n, found))
    if len(orders) < 2 or "fakes" not in lines:
        return Markup()
    looks = {
        "fakes": (FAKE, "-", 1.8),
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


def length_picture(lengths: Mapping[str, Any] | None, unit: str) -> Markup:
    """Histograms of the lengths of held-out texts and fakes; empty without them."""
    found = lengths or {}
    if not all(found.get(k) for k in ("edges", "real", "fake")):
        return Markup()

    def paint(figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        real, fake = ([100 * v for v in found[key]] for key in ("real", "fake"))
        axes.stairs(real, found["edges"], fill=True, color=REAL, alpha=0.35, linewidth=0, label="held-out texts")
        axes.stairs(fake, found["edges"], color=FAKE, linewidth=1.3, label="fakes")
        bare(axes)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        axes.locator_params(axis="y", nbins=4)
        axes.set_xlim(found["edges"][0], found["edges"][-1])
        axes.set_ylim(0, None)
        axes.set_xlabel(f"length in {unit}")
        figure.legend(loc="outside upper left", ncols=2, labelcolor=INK)

    return draw(
        paint,
        size=(4.4, 2.3),
        name="lengths",
        alt=f"Histograms of the lengths in {unit}: held-out texts as an area, fakes as a line.",
    )
