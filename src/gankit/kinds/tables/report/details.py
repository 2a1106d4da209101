"""The details of each metric of rows as tables: what stands behind a verdict, the worst first.

Knows the details that `gankit.kinds.tables.metrics.metrics` documents; never samples or pages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from gankit.report import numbers
from gankit.report.section import Table, heads_of
from gankit.report.verdict import THRESHOLDS

_MOST = 15


def tables(metric: str, details: Mapping[str, Any]) -> list[Table]:
    """The tables of a metric's details; none for a metric without, or when there is nothing to show."""
    return [t for t in (make(details) for make in _MAKERS.get(metric, ())) if t.rows]


def _capped(caption: str, rows: Sequence[Any], total: int | None = None) -> str:
    count = len(rows) if total is None else total
    return f"{caption} (the {_MOST} worst of {count})" if count > _MOST else f"{caption} (worst first)"


def _columns(details: Mapping[str, Any]) -> Table:
    found = details.get("columns") or []
    rows = tuple(
        (
            c["column"],
            c["kind"],
            numbers.score(c["score"]),
            numbers.amount(c.get("wasserstein")),
            numbers.score(c.get("wasserstein_sd")),
            numbers.share(c.get("missing_real")),
            numbers.share(c.get("missing_fake")),
        )
        for c in found[:_MOST]
    )
    heads = heads_of(
        "Column",
        "Kind",
        "#Score",
        "#Earth mover’s distance",
        "#in standard deviations",
        "#Missing, real",
        "#Missing, fake",
    )
    return Table(_capped("Columns", found), heads, rows)


def _pairs(details: Mapping[str, Any]) -> Table:
    found = (details.get("pairs") or [])[:_MOST]
    with_numbers = any(p.get("real") is not None for p in found)
    rows = tuple(
        (
            f"{p['columns'][0]} × {p['columns'][1]}",
            _HOW.get(p["how"], p["how"]),
            numbers.score(p["score"]),
            *((numbers.score(p.get("real")), numbers.score(p.get("fake"))) if with_numbers else ()),
        )
        for p in found
    )
    heads = ["Pair", "Compared by", "#Score", *(["#Correlation, real", "#Correlation, fake"] if with_numbers else [])]
    return Table("The pairs that differ most", heads_of(*heads), rows)


_HOW = {
    "correlation": "their correlation",
    "contingency": "their table of counts",
    "mixed": "a table of counts, the number in tenths",
}


def _orders(details: Mapping[str, Any]) -> Table:
    rows = tuple(
        (
            f"{o['order']} column{'s' if o['order'] > 1 else ''}",
            f"{numbers.count(o['sets'])} of {numbers.count(o.get('sets_possible', o['sets']))}",
            numbers.count(o["cells"]),
            numbers.share(o.get("within")),
            numbers.share(o.get("within_expected")),
            numbers.score(o.get("tv_mean")),
            numbers.score(o.get("tv_max")),
        )
        for o in details.get("orders") or []
    )
    return Table(
        "Groupings by one, two and three columns",
        heads_of(
            "Grouped by",
            "#Groupings",
            "#Cells",
            "#Right within sampling error",
            "#Perfect fakes would reach",
            "#Total variation, mean",
            "#Total variation, worst",
        ),
        rows,
    )


def _cells(details: Mapping[str, Any]) -> Table:
    found = details.get("worst_cells") or []
    rows = tuple((c["text"], numbers.share(c["real"]), numbers.share(c["fake"]), _z(c.get("z"))) for c in found[:_MOST])
    return Table(
        "The cells furthest off: rows an analyst would count wrongly",
        heads_of("Where", "#Real share", "#Fake share", "#Off by (standard errors)"),
        rows,
    )


def _z(value: float | None) -> str:
    return "–" if value is None else f"{value:+.1f}".replace("-", "−")


def _expected(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f}"


def _rare(details: Mapping[str, Any]) -> Table:
    rows = tuple(
        (m["column"], m["level"], numbers.count(m["real_rows"])) for m in (details.get("missed") or [])[:_MOST]
    )
    return Table("Rare categories that never occur in the fakes", heads_of("Column", "Category", "#Real rows"), rows)


def _rare_columns(details: Mapping[str, Any]) -> Table:
    rows = tuple(
        (c["column"], numbers.count(c["rare"]), numbers.count(c["found"]), _expected(c.get("expected")))
        for c in (details.get("per_column") or [])[:_MOST]
    )
    return Table(
        "Rare categories by column", heads_of("Column", "#Rare categories", "#Found in the fakes", "#Expected"), rows
    )


def _levels(details: Mapping[str, Any]) -> Table:
    found = sorted(
        ((c["column"], lev) for c in details.get("columns") or [] for lev in c["levels"]),
        key=lambda item: float(item[1]["score"]),
    )
    rows = tuple(
        (
            f"{column} = {lev['level']}",
            numbers.count(lev["real_rows"]),
            numbers.count(lev["fake_rows"]),
            numbers.score(lev["score"]),
            ", ".join(f"{w['column']} ({numbers.score(w['score'])})" for w in lev.get("worst") or []),
        )
        for column, lev in found[:_MOST]
    )
    return Table(
        _capped("The other columns, given a value", found),
        heads_of("Where", "#Real rows", "#Fakes", "#Score", "Columns that fit worst"),
        rows,
    )


def _attack(details: Mapping[str, Any]) -> Table:
    rows = []
    for key, rate in (("tpr_at_1", "1 %"), ("tpr_at_0_1", "0.1 %")):
        if numbers.finite(details.get(key)) is not None:
            low, high = details.get(f"{key}_low"), details.get(f"{key}_high")
            bounds = f"{numbers.share(low)} – {numbers.share(high)}" if low is not None and high is not None else "–"
            rows.append((rate, numbers.share(details[key]), bounds))
    return Table(
        "The membership attack at few false accusations",
        heads_of("Strangers accused", "#Training rows found", "#95 % interval"),
        tuple(rows),
    )


_MAKERS: dict[str, tuple[Callable[[Mapping[str, Any]], Table], ...]] = {
    "shape": (_columns,),
    "trend": (_pairs,),
    "cube": (_orders, _cells),
    "rare_categories": (_rare, _rare_columns),
    "conditional": (_levels,),
    "membership": (_attack,),
}


def lookalikes(worst: Sequence[Mapping[str, Any]], dates: Collection[str] = (), most: int = 5) -> list[Table]:
    """The `most` fakes that lie nearest to a training row for their distance to held-out rows, each as a folded table.

    worst: of the metric copies_near. dates: columns whose numbers are seconds since 1970.
    """
    out = []
    for place, entry in enumerate(worst[:most], 1):
        fake, train = entry["fake"], entry["train"]
        rows, equal = [], 0
        for column in fake:
            sides = tuple(value_text(column, record.get(column), dates) for record in (fake, train))
            same = fake[column] == train.get(column)
            equal += same
            shown = tuple(Markup('<span class="same">{}</span>').format(s) for s in sides) if same else sides
            rows.append((column, *shown))
        near, far = numbers.finite(entry.get("distance_train")), numbers.finite(entry.get("distance_heldout"))
        suspicious = near is not None and far is not None and near < THRESHOLDS["near_ratio"] * far
        summary = (
            f"Number {place}: {equal} of {len(rows)} columns equal; distance {numbers.score(near)} to the training "
            f"row, {numbers.score(far)} to the nearest held-out row{': suspiciously near' if suspicious else ''}"
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
