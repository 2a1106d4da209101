"""The drawings and tables of a report on rows: a small drawing a column, correlations of pairs, the details behind each
verdict.

Knows evaluations of rows and samples; never models, or the page around the drawings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gankit.kinds.tables.metrics.sample import Sample
from gankit.report import numbers
from gankit.report.drawing import FAKE, REAL, Pen, bare, draw, short_numbers
from gankit.report.section import Drawing, Table, heads_of, table_of
from gankit.report.verdict import THRESHOLDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MAX_LEVELS = 8
# One value that more than this share of the rows have, and so flattens all others, is told in words instead of drawn,
# when there are more than a few values.
_ATOM, _FEW = 0.5, 10
_FEWEST_CELLS, _MOST_CELLS = 6, 40
# matplotlib counts days since 1970 and knows the years 1 to 9999.
_DAY_S = 86400.0
_EARLIEST_S, _LATEST_S = -62_000_000_000.0, 253_000_000_000.0
_LARGEST = 1e300  # so that no difference of two values overflows
# Rows and levels that correlations are computed from; more columns than these are not drawn.
_MAX_ROWS, _MAX_LEVELS = 10_000, 50
MAX_COLUMNS = 40
_BEYOND = 0.01  # fakes outside the real range are worth a sentence above this share of them
_MOST = 15  # rows of a table


def panels(
    columns: Sequence[Mapping[str, Any]], scores: Mapping[str, float], real: Sample, fake: Sample, *,
    dates: Collection[str] = (), most: int = 40,
) -> list[Drawing]:  # fmt: skip
    """The drawings of at most `most` columns, the one with the lowest score first.

    columns: the COLUMN entries of an evaluation of rows. scores: of a column, in [0, 1], best 1. real, fake: the
    held-out rows and the fakes; numbers are drawn from them. dates: columns whose numbers are seconds since 1970.
    """
    out = []
    for i, entry in enumerate(sorted(columns, key=lambda c: scores.get(c["column"], 2.0))[:most]):
        name, gone = entry["column"], entry.get("missing") or {}
        body, remarks = _bars(entry), list[str]()
        if entry["kind"] != "category":
            body, remarks = _number(name, i, real.columns[name], fake.columns[name], name in dates)
        if gone.get("real") or gone.get("fake"):
            missing = f"Missing: real {numbers.share(gone.get('real'))}, fake {numbers.share(gone.get('fake'))}."
            remarks = [missing, *remarks]
        out.append(Drawing(name, body, f"{scores[name]:.3f}" if name in scores else "", tuple(remarks)))
    return out


def _number(name: str, index: int, real: np.ndarray, fake: np.ndarray, is_date: bool) -> tuple[Markup, list[str]]:
    """The image of a column of numbers ([N] and [M] float64, NaN = missing), and what it leaves out, in words."""
    sizes = max(len(real), 1), max(len(fake), 1)
    show = numbers.moment if is_date else numbers.amount
    kept = [np.clip(v[np.isfinite(v)], -_LARGEST, _LARGEST) for v in (real, fake)]
    remarks = []
    if (atom := _atom(kept[0], sizes[0])) is not None:
        shares = [float((v == atom).sum()) / n for v, n in zip(kept, sizes, strict=True)]
        remarks.append(
            f"Left out of the image: the value {show(atom)}, in {numbers.share(shares[0])} of the real rows "
            f"and {numbers.share(shares[1])} of the synthetic ones."
        )
        kept = [v[v != atom] for v in kept]
    if not len(kept[0]):
        return Markup(), [*remarks, "No real row has any other value."]
    edges = cells(kept[0], min(len(kept[0]), max(len(kept[1]), 1)))
    inside = [np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2) for values in kept]
    low, high = float(kept[0].min()), float(kept[0].max())
    outside = float(((kept[1] < low) | (kept[1] > high)).sum()) / sizes[1]
    if outside > _BEYOND:
        remarks.append(
            f"{numbers.share(outside)} of the synthetic rows lie outside the range of the held-out rows, "
            f"{show(low)} to {show(high)}."
        )
    alt = (
        f"Histogram of {name}: real rows as a filled area, synthetic ones as a line; from {show(float(edges[0]))} "
        f"to {show(float(edges[-1]))}. Medians: real {show(float(np.median(kept[0])))}, "
        f"fake {show(float(np.median(kept[1])) if len(kept[1]) else None)}."
    )
    left, right = (np.bincount(i, minlength=len(edges) - 1) / size for i, size in zip(inside, sizes, strict=True))

    def paint(figure: Figure, pen: Pen) -> None:
        _histogram(figure.subplots(), edges, left, right, is_date)

    return draw(paint, size=(3.1, 1.55), name=f"column-{index}", alt=alt), remarks


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
    count = int(np.clip(round(2 * num_rows ** (1 / 3)), _FEWEST_CELLS, _MOST_CELLS))
    edges: np.ndarray = np.linspace(low, high, count + 1)
    whole = bool((different == different.round()).all())
    if whole and (high - low) / count >= 1:  # equal numbers of integers in each cell, or comb teeth appear
        width = max(1, round((high - low) / count))
        edges = np.arange(np.floor(low), high + width, width) - 0.5
    return edges


def _histogram(axes: Any, edges: np.ndarray, real: np.ndarray, fake: np.ndarray, is_date: bool) -> None:
    is_date = is_date and edges[0] > _EARLIEST_S and edges[-1] < _LATEST_S
    where = edges / _DAY_S if is_date else edges
    axes.stairs(100 * real, where, fill=True, color=REAL, alpha=0.35, linewidth=0)
    axes.stairs(100 * fake, where, color=FAKE, linewidth=1.3)
    bare(axes)
    highest = max(100 * real.max(initial=0), 100 * fake.max(initial=0), 1e-3)
    axes.set(xlim=(where[0], where[-1]), ylim=(0, highest * 1.08))
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
    bars = [(str(level), float(a), float(b)) for level, a, b in zip(levels[:shown], real, fake, strict=False)]
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


def associations(sample: Sample, names: Sequence[str]) -> np.ndarray:
    """How strongly each pair of columns goes together: [C, C] float64, 1 on the diagonal.

    Two numbers: Spearman's rank correlation, in [-1, 1], over rows where both are present. Two categories: Cramer's V
    with the bias correction of Bergsma (2013), in [0, 1]. A category and a number: the correlation ratio eta of the
    number's ranks over the levels, in [0, 1]. Missing is one more level of a category. The first 10,000 rows are used.
    """
    sample = sample.select(names).take(np.arange(min(sample.num_rows, _MAX_ROWS)))
    columns = [_ranks(v) if sample.kinds[n] == "number" else _codes(v) for n, v in sample.columns.items()]
    out = np.eye(len(names))
    for i, j in combinations(range(len(names)), 2):
        out[i, j] = out[j, i] = _association(columns[j], columns[i])
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

    return np.asarray(rankdata(np.where(np.isfinite(values), values, np.nan), nan_policy="omit"))


def _codes(values: np.ndarray) -> np.ndarray:
    """Codes 0 … K-1 of the most frequent levels (missing is one), all others as one more level."""
    order = np.argsort(-np.bincount(values + 1), kind="stable")
    return np.asarray(np.minimum(np.argsort(order), _MAX_LEVELS)[values + 1])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if len(a) < 3 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.clip(np.corrcoef(a, b)[0, 1], -1, 1))


def _cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    from scipy.stats.contingency import crosstab, expected_freq

    n, table = len(a), crosstab(a, b).count
    rows, columns = table.shape
    if n < 2 or rows < 2 or columns < 2:
        return 0.0
    expected = expected_freq(table)
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


Cells = dict[str, Callable[[Any], str]]
"""The columns of a table: head -> from an entry to its cell."""


def tables(metric: str, details: Mapping[str, Any]) -> list[Table]:
    """The tables of a metric's details; none for a metric without, or when there is nothing to show."""
    return [t for t in (make(details) for make in _MAKERS.get(metric, ())) if t.rows]


def _of(key: str, show: Callable[[Any], str] = str) -> Callable[[Any], str]:
    return lambda entry: show(entry.get(key))


def _entries(caption: str, key: str, columns: Cells, ranked: bool = False) -> Callable[[Mapping[str, Any]], Table]:
    """A maker of a table with a row for each of the first entries of a list; ranked: they come worst first."""

    def make(details: Mapping[str, Any]) -> Table:
        found = details.get(key) or []
        return table_of(_capped(caption, found) if ranked else caption, columns, found[:_MOST])

    return make


def _capped(caption: str, rows: Sequence[Any]) -> str:
    return f"{caption} (the {_MOST} worst of {len(rows)})" if len(rows) > _MOST else f"{caption} (worst first)"


_HOW = {
    "correlation": "their correlation",
    "contingency": "their table of counts",
    "mixed": "a table of counts, the number in tenths",
}


def _pairs(details: Mapping[str, Any]) -> Table:
    found = (details.get("pairs") or [])[:_MOST]
    columns: Cells = {
        "Pair": lambda p: " × ".join(p["columns"]),
        "Compared by": lambda p: _HOW.get(p["how"], p["how"]),
        "#Score": _of("score", numbers.score),
    }
    if any(p.get("real") is not None for p in found):
        columns |= {f"#Correlation, {side}": _of(side, numbers.score) for side in ("real", "fake")}
    return table_of("The pairs that differ most", columns, found)


def _levels(details: Mapping[str, Any]) -> Table:
    found = [{**level, "column": c["column"]} for c in details.get("columns") or [] for level in c["levels"]]
    found.sort(key=lambda level: float(level["score"]))
    columns: Cells = {
        "Where": lambda v: f"{v['column']} = {v['level']}",
        "#Real rows": _of("real_rows", numbers.count),
        "#Synthetic rows": _of("fake_rows", numbers.count),
        "#Score": _of("score", numbers.score),
        "Columns that fit worst": lambda v: ", ".join(
            f"{w['column']} ({numbers.score(w['score'])})" for w in v.get("worst") or []
        ),
    }
    return table_of(_capped("Conditional distributions of the other columns", found), columns, found[:_MOST])


def _attack(details: Mapping[str, Any]) -> Table:
    rows = []
    for key, rate in (("tpr_at_1", "1 %"), ("tpr_at_0_1", "0.1 %")):
        if numbers.finite(details.get(key)) is not None:
            low, high = details.get(f"{key}_low"), details.get(f"{key}_high")
            bounds = f"{numbers.share(low)} – {numbers.share(high)}" if low is not None and high is not None else "–"
            rows.append((rate, numbers.share(details[key]), bounds))
    heads = heads_of("Strangers accused", "#Training rows found", "#95 % interval")
    return Table("The membership attack at few false accusations", heads, tuple(rows))


_MAKERS: dict[str, tuple[Callable[[Mapping[str, Any]], Table], ...]] = {
    "shape": (
        _entries("Columns", "columns", {
            "Column": _of("column"),
            "Kind": _of("kind"),
            "#Score": _of("score", numbers.score),
            "#Earth mover’s distance": _of("wasserstein", numbers.amount),
            "#in standard deviations": _of("wasserstein_sd", numbers.score),
            "#Missing, real": _of("missing_real", numbers.share),
            "#Missing, fake": _of("missing_fake", numbers.share),
        }, ranked=True),
    ),
    "differences": (
        _entries("Differences", "pairs", {
            "Difference": lambda p: f"{p['columns'][1]} - {p['columns'][0]}",
            "#Score": _of("score", numbers.score),
            "#Median, real (dates: seconds)": _of("real", numbers.amount),
            "#Median, fake": _of("fake", numbers.amount),
        }, ranked=True),
    ),
    "trend": (_pairs,),
    "cube": (
        _entries("Groupings by one, two and three columns", "orders", {
            "Grouped by": lambda o: f"{o['order']} column{'s' if o['order'] > 1 else ''}",
            "#Groupings": lambda o: f"{numbers.count(o['sets'])} of {numbers.count(o.get('sets_possible', o['sets']))}",
            "#Cells": _of("cells", numbers.count),
            "#Right within sampling error": _of("within", numbers.share),
            "#Perfect rows would reach": _of("within_expected", numbers.share),
            "#Total variation, mean": _of("tv_mean", numbers.score),
            "#Total variation, worst": _of("tv_max", numbers.score),
        }),
        _entries("The cells furthest off: rows an analyst would count wrongly", "worst_cells", {
            "Where": _of("text"),
            "#Real share": _of("real", numbers.share),
            "#Fake share": _of("fake", numbers.share),
            "#Off by (standard errors)": _of("z", lambda z: "–" if z is None else f"{z:+.1f}".replace("-", "−")),
        }),
    ),
    "rare_categories": (
        _entries("Rare categories that never occur in the synthetic rows", "missed", {
            "Column": _of("column"), "Category": _of("level"), "#Real rows": _of("real_rows", numbers.count),
        }),
        _entries("Rare categories by column", "per_column", {
            "Column": _of("column"),
            "#Rare categories": _of("rare", numbers.count),
            "#Found in synthetic rows": _of("found", numbers.count),
            "#Expected": _of("expected", lambda expected: "–" if expected is None else f"{expected:.1f}"),
        }),
    ),
    "conditional": (_levels,),
    "membership": (_attack,),
}  # fmt: skip


def lookalikes(worst: Sequence[Mapping[str, Any]], dates: Collection[str] = (), most: int = 5) -> list[Table]:
    """The `most` fakes that lie nearest to a training row for their distance to held-out rows, each as a folded table.

    worst: of the metric copies_near. dates: columns whose numbers are seconds since 1970.
    """
    out = []
    for place, entry in enumerate(worst[:most], 1):
        fake, train = entry["fake"], entry["train"]
        rows, equal = [], 0
        for column in fake:
            sides = [value_text(column, record.get(column), dates) for record in (fake, train)]
            if fake[column] == train.get(column):
                equal += 1
                sides = [Markup('<span class="same">{}</span>').format(side) for side in sides]
            rows.append((column, *sides))
        near, far = numbers.finite(entry.get("distance_train")), numbers.finite(entry.get("distance_heldout"))
        suspicious = near is not None and far is not None and near < THRESHOLDS["near_ratio"] * far
        summary = (
            f"Number {place}: {equal} of {len(rows)} columns equal; distance {numbers.score(near)} to the training "
            f"row, {numbers.score(far)} to the nearest held-out row{': much nearer' if suspicious else ''}"
        )
        caption = f"Number {place}: a fake beside its nearest training row; equal values are grey."
        out.append(Table(caption, heads_of("Column", "Fake", "Training row"), tuple(rows), folded=summary))
    return out


def value_text(column: str, value: Any, dates: Collection[str] = ()) -> str:
    """A value of a record as text: a number, a date, a level, or `missing`."""
    if value is None:
        return "missing"
    if isinstance(value, float):
        return numbers.moment(value) if column in dates else numbers.amount(value)
    return str(value)
