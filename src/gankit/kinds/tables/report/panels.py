"""One small drawing a column: the real rows as an area, the fakes as a line over it; categories as bars. And how
strongly pairs of columns correlate.

Knows the COLUMN entries of an evaluation of rows and samples; never models, scores (see `gankit.metrics.pairs`: the
correlations here are for the eye alone), or the page around the drawings.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gankit.metrics.sample import Sample
from gankit.report import numbers
from gankit.report.charts import short_numbers
from gankit.report.drawing import FAKE, REAL, Pen, bare, draw
from gankit.report.section import Drawing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
# Rows and levels that correlations are computed from; more columns than these are not drawn.
_MAX_ROWS, _MAX_LEVELS = 10_000, 50
MAX_COLUMNS = 40
# Fakes outside the real range are worth a sentence above this share of them.
_BEYOND = 0.01


def panels(
    columns: Sequence[Mapping[str, Any]],
    scores: Mapping[str, float],
    real: Sample,
    fake: Sample,
    *,
    dates: Collection[str] = (),
    most: int = 40,
) -> list[Drawing]:
    """The drawings of at most `most` columns, the one with the lowest score first.

    Args:
        columns: the COLUMN entries of an evaluation of rows.
        scores: a column's score in [0, 1], best 1.
        real, fake: the held-out rows and the fakes; numbers are drawn from them.
        dates: names of columns whose numbers are seconds since 1970.
        most: how many columns are shown.
    """
    ranked = sorted(columns, key=lambda c: scores.get(c["column"], 2.0))[:most]
    out = []
    for i, entry in enumerate(ranked):
        name = entry["column"]
        body, remarks = _bars(entry), list[str]()
        if entry["kind"] != "category":
            body, remarks = _number(name, i, real.columns[name], fake.columns[name], name in dates)
        extra = f"{scores[name]:.3f}" if name in scores else ""
        out.append(Drawing(name, body, extra, (*_missing(entry), *remarks)))
    return out


def _missing(entry: Mapping[str, Any]) -> list[str]:
    gone = entry.get("missing") or {}
    if not gone.get("real") and not gone.get("fake"):
        return []
    return [f"Missing: real {numbers.share(gone.get('real'))}, fake {numbers.share(gone.get('fake'))}."]


def _number(name: str, index: int, real: np.ndarray, fake: np.ndarray, is_date: bool) -> tuple[Markup, list[str]]:
    """The image of a column of numbers ([N] and [M] float64, NaN = missing), and what it leaves out, in words."""
    sizes = max(len(real), 1), max(len(fake), 1)
    show = numbers.moment if is_date else numbers.amount
    kept = [np.clip(v[np.isfinite(v)], -_LARGEST, _LARGEST) for v in (real, fake)]
    remarks = []
    atom = _atom(kept[0], sizes[0])
    if atom is not None:
        shares = [float((v == atom).sum()) / n for v, n in zip(kept, sizes, strict=True)]
        remarks.append(
            f"Left out of the image: the value {show(atom)}, in {numbers.share(shares[0])} of the real rows "
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


_BAR = Markup(
    '<tr><th scope="row" title="{name}">{name}</th><td class="b"><div class="bar real" style="width:{real:.1f}%"></div>'
    '<div class="bar fake" style="width:{fake:.1f}%"></div></td><td class="n">{shares}</td></tr>'
)
_BARS = Markup(
    '<table class="bars"><caption class="hidden">Shares of the levels of {name}</caption><thead class="hidden"><tr>'
    '<th scope="col">Level</th><th scope="col">Bars</th><th scope="col">Real and fake</th></tr></thead>'
    "<tbody>{rows}</tbody></table>"
)


def _bars(entry: Mapping[str, Any]) -> Markup:
    """The shares of the levels of a category as bars, real above fake."""
    if entry["kind"] != "category":
        return Markup()
    levels, real, fake = entry["levels"], entry["real"], entry["fake"]
    shown = len(levels) if len(levels) <= MAX_LEVELS + 1 else MAX_LEVELS
    bars = [(str(levels[i]), float(real[i]), float(fake[i])) for i in range(shown)]
    beyond = entry.get("other") or {}
    rest = [sum(values[shown:]) + float(beyond.get(side) or 0) for side, values in (("real", real), ("fake", fake))]
    hidden = int(entry.get("num_levels", len(levels))) - shown
    if hidden > 0 or any(r > 1e-9 for r in rest):
        bars.append((f"{hidden} more" if hidden > 0 else "others", rest[0], rest[1]))
    widest = max([share for bar in bars for share in bar[1:]] + [1e-9])
    rows = [
        _BAR.format(name=name, real=100 * a / widest, fake=100 * b / widest, shares=f"{100 * a:.1f} | {100 * b:.1f} %")
        for name, a, b in bars
    ]
    return _BARS.format(name=entry["column"], rows=Markup("").join(rows)) if rows else Markup()


# --- how strongly columns correlate -----------------------------------------------------------------------------------


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
