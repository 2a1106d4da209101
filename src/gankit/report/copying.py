"""How near fakes lie to training rows, beside held-out rows: a picture, and the nearest records side by side.

Knows the details of the metric `copies_near`; never samples or how distances are computed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from gankit.report import numbers
from gankit.report.drawing import FAKE, INK, REAL, Pen, bare, draw
from gankit.report.standing import THRESHOLDS

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


@dataclass(frozen=True)
class Lookalike:
    """A fake beside its nearest training row: (column, fake's value, training row's value, equal?) for each column."""

    cells: tuple[tuple[str, str, str, bool], ...]
    distance_train: str
    distance_heldout: str
    equal: int
    suspicious: bool


def lookalikes(worst: Sequence[Mapping[str, Any]], dates: Collection[str] = (), most: int = 5) -> list[Lookalike]:
    """The `most` fakes that lie nearest to a training row for their distance to held-out rows, values as text."""
    out = []
    for entry in worst[:most]:
        fake, train = entry["fake"], entry["train"]
        cells = tuple(
            (c, value_text(c, fake[c], dates), value_text(c, train.get(c), dates), fake[c] == train.get(c))
            for c in fake
        )
        near, far = numbers.finite(entry.get("distance_train")), numbers.finite(entry.get("distance_heldout"))
        suspicious = near is not None and far is not None and near < THRESHOLDS["near_ratio"] * far
        out.append(Lookalike(cells, numbers.score(near), numbers.score(far), sum(c[3] for c in cells), suspicious))
    return out


def value_text(column: str, value: Any, dates: Collection[str] = ()) -> str:
    """A value of a record as text: a number, a date, a level, or `missing`."""
    if value is None:
        return "missing"
    if isinstance(value, float):
        return numbers.moment(value) if column in dates else numbers.amount(value)
    return str(value)
