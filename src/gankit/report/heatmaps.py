"""How strongly pairs of columns go together, real and fake, as heat maps.

Knows samples as columns of numbers and codes; never scores (see `kinds.tables.metrics.pairs`): this is for the eye
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from gankit.report.drawing import INK, Pen, draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from gankit.metrics.sample import Sample

MAX_COLUMNS = 40
_MAX_ROWS = 10_000
_MAX_LEVELS = 50
_LABELLED = 24


def associations(sample: Sample, names: Sequence[str]) -> np.ndarray:
    """How strongly each pair of columns goes together: [C, C] float64, 1 on the diagonal.

    Two numbers: Spearman's rank correlation, in [-1, 1], over rows where both are present. Two categories: Cramer's V
    with the bias correction of Bergsma (2013), in [0, 1]. A category and a number: the correlation ratio eta of the
    number's ranks over the levels, in [0, 1]. Missing is one more level of a category. The first 10,000 rows are used.
    """
    sample = sample.select(names).take(np.arange(min(sample.num_rows, _MAX_ROWS)))
    columns = [_ranks(v) if sample.kinds[n] == "number" else _codes(v) for n, v in sample.columns.items()]
    out = np.eye(len(names))
    for i in range(len(names)):
        for j in range(i):
            out[i, j] = out[j, i] = _association(columns[i], columns[j])
    return out


def _association(a: np.ndarray, b: np.ndarray) -> float:
    if a.dtype.kind == "f" and b.dtype.kind == "f":
        both = np.isfinite(a) & np.isfinite(b)
        return _correlation(a[both], b[both])
    if a.dtype.kind == "i" and b.dtype.kind == "i":
        return _cramers_v(a, b)
    return _correlation_ratio(a, b) if a.dtype.kind == "i" else _correlation_ratio(b, a)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Mid-ranks of the numbers that are present, NaN elsewhere."""
    from scipy.stats import rankdata

    out = np.full(len(values), np.nan)
    present = np.isfinite(values)
    out[present] = rankdata(values[present])
    return out


def _codes(values: np.ndarray) -> np.ndarray:
    """Codes 0 … K-1 of the most frequent levels (missing is one), all others as one more level."""
    counts = np.bincount(values + 1)
    order = np.argsort(-counts, kind="stable")
    place = np.full(len(counts), _MAX_LEVELS, np.int64)
    place[order[:_MAX_LEVELS]] = np.arange(min(len(order), _MAX_LEVELS))
    out: np.ndarray = place[values + 1]
    return out


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))


def _cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    n = len(a)
    table = np.bincount(a * (b.max(initial=0) + 1) + b).astype(float)
    table = np.pad(table, (0, (int(a.max(initial=0)) + 1) * (int(b.max(initial=0)) + 1) - len(table)))
    table = table.reshape(int(a.max(initial=0)) + 1, -1)
    table = table[table.sum(1) > 0][:, table.sum(0) > 0]
    rows, columns = table.shape
    if n < 2 or rows < 2 or columns < 2:
        return 0.0
    expected = table.sum(1, keepdims=True) * table.sum(0, keepdims=True) / n
    phi2 = float(((table - expected) ** 2 / expected).sum()) / n
    phi2 = max(0.0, phi2 - (rows - 1) * (columns - 1) / (n - 1))
    rows_c, columns_c = rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
    return float(min(1.0, np.sqrt(phi2 / max(min(rows_c, columns_c) - 1, 1e-9))))


def _correlation_ratio(codes: np.ndarray, ranks: np.ndarray) -> float:
    present = np.isfinite(ranks)
    codes, ranks = codes[present], ranks[present]
    if len(ranks) < 3 or ranks.std() == 0:
        return 0.0
    counts = np.bincount(codes)
    means = np.bincount(codes, ranks) / np.maximum(counts, 1)
    between = float((counts * (means - ranks.mean()) ** 2).sum())
    return float(np.sqrt(min(1.0, between / float(((ranks - ranks.mean()) ** 2).sum()))))


def heat_maps(
    real: np.ndarray, fake: np.ndarray, names: Sequence[str], records: str = "rows"
) -> list[tuple[str, Markup]]:
    """Three pictures, (title, SVG): the real rows, the fakes, and fake minus real.

    real, fake: [C, C] in [-1, 1] (see `associations`); names: [C]; records: what rows are called.
    """
    off = ~np.eye(len(names), dtype=bool)
    difference = np.where(off, fake - real, 0.0)
    largest = float(np.abs(difference[off]).max(initial=0.0))
    reach = min(1.0, max(0.1, np.ceil(largest * 10) / 10))
    return [
        (
            f"Real {records}",
            _heat_map(real, names, 1.0, "pairs-real", f"Heat map of how strongly columns go together, real {records}."),
        ),
        (
            "Fakes",
            _heat_map(fake, names, 1.0, "pairs-fake", "Heat map of how strongly columns go together in the fakes."),
        ),
        (
            f"Fakes minus real {records}",
            _heat_map(
                difference,
                names,
                float(reach),
                "pairs-difference",
                f"Heat map of the differences; the largest is {largest:.2f}.",
            ),
        ),
    ]


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
