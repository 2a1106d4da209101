"""How near fakes lie to training rows, beside held-out rows: a picture, and the nearest records side by side.

Knows the details of the metric `copies_near`; never samples or how distances are computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from gankit.report.drawing import FAKE, INK, REAL, Pen, bare, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def distances(details: Mapping[str, Any], record: str = "row", name: str = "distances") -> Markup:
    """Histograms of the distance to the nearest training row, fakes over held-out rows; empty without them.

    details["distance"] holds "edges" [K + 1], and "fake" and "heldout" [K], as shares of the rows. record: what one is
    called; name: of the picture, unique on its page.
    """
    found = details.get("distance") or {}
    if not all(found.get(k) for k in ("edges", "fake", "heldout")):
        return Markup()

    def paint(figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        percent = [[100 * v for v in found[k]] for k in ("heldout", "fake")]
        axes.stairs(
            percent[0], found["edges"], fill=True, color=REAL, alpha=0.35, linewidth=0, label=f"held-out {record}s"
        )
        axes.stairs(percent[1], found["edges"], color=FAKE, linewidth=1.3, label="fakes")
        bare(axes)
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
        axes.locator_params(axis="y", nbins=4)
        axes.set_xlim(found["edges"][0], found["edges"][-1])
        axes.set_ylim(0, None)
        axes.set_xlabel(f"distance to the nearest training {record} (0: a copy)")
        figure.legend(loc="outside upper left", ncols=2, labelcolor=INK)

    return draw(
        paint,
        size=(4.4, 2.3),
        name=name,
        alt=f"Histograms of the distance to the nearest training {record}: held-out {record}s as an area, fakes as a "
        "line. A line that stands higher near zero means copying.",
    )
