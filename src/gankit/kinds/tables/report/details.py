"""The details of each metric of rows as tables: what stands behind a verdict, the worst first.

Knows the details that `gankit.kinds.tables.metrics.metrics` documents; never samples or pages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from gankit.report import numbers
from gankit.report.section import Table, heads_of, table_of
from gankit.report.verdict import THRESHOLDS

_MOST = 15

Cells = dict[str, Callable[[Any], str]]
"""The columns of a table: head -> from an entry to its cell."""


def tables(metric: str, details: Mapping[str, Any]) -> list[Table]:
    """The tables of a metric's details; none for a metric without, or when there is nothing to show."""
    return [t for t in (make(details) for make in _MAKERS.get(metric, ())) if t.rows]


def _capped(caption: str, rows: Sequence[Any]) -> str:
    return f"{caption} (the {_MOST} worst of {len(rows)})" if len(rows) > _MOST else f"{caption} (worst first)"


def _columns(details: Mapping[str, Any]) -> Table:
    found = details.get("columns") or []
    columns: Cells = {
        "Column": lambda c: c["column"],
        "Kind": lambda c: c["kind"],
        "#Score": lambda c: numbers.score(c["score"]),
        "#Earth mover’s distance": lambda c: numbers.amount(c.get("wasserstein")),
        "#in standard deviations": lambda c: numbers.score(c.get("wasserstein_sd")),
        "#Missing, real": lambda c: numbers.share(c.get("missing_real")),
        "#Missing, fake": lambda c: numbers.share(c.get("missing_fake")),
    }
    return table_of(_capped("Columns", found), columns, found[:_MOST])


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
        "#Score": lambda p: numbers.score(p["score"]),
    }
    if any(p.get("real") is not None for p in found):
        columns["#Correlation, real"] = lambda p: numbers.score(p.get("real"))
        columns["#Correlation, fake"] = lambda p: numbers.score(p.get("fake"))
    return table_of("The pairs that differ most", columns, found)


def _orders(details: Mapping[str, Any]) -> Table:
    columns: Cells = {
        "Grouped by": lambda o: f"{o['order']} column{'s' if o['order'] > 1 else ''}",
        "#Groupings": lambda o: f"{numbers.count(o['sets'])} of {numbers.count(o.get('sets_possible', o['sets']))}",
        "#Cells": lambda o: numbers.count(o["cells"]),
        "#Right within sampling error": lambda o: numbers.share(o.get("within")),
        "#Perfect fakes would reach": lambda o: numbers.share(o.get("within_expected")),
        "#Total variation, mean": lambda o: numbers.score(o.get("tv_mean")),
        "#Total variation, worst": lambda o: numbers.score(o.get("tv_max")),
    }
    return table_of("Groupings by one, two and three columns", columns, details.get("orders") or [])


def _cells(details: Mapping[str, Any]) -> Table:
    columns: Cells = {
        "Where": lambda c: c["text"],
        "#Real share": lambda c: numbers.share(c["real"]),
        "#Fake share": lambda c: numbers.share(c["fake"]),
        "#Off by (standard errors)": lambda c: "–" if c.get("z") is None else f"{c['z']:+.1f}".replace("-", "−"),
    }
    caption = "The cells furthest off: rows an analyst would count wrongly"
    return table_of(caption, columns, (details.get("worst_cells") or [])[:_MOST])


def _rare(details: Mapping[str, Any]) -> Table:
    columns: Cells = {
        "Column": lambda m: m["column"],
        "Category": lambda m: m["level"],
        "#Real rows": lambda m: numbers.count(m["real_rows"]),
    }
    return table_of("Rare categories that never occur in the fakes", columns, (details.get("missed") or [])[:_MOST])


def _rare_columns(details: Mapping[str, Any]) -> Table:
    columns: Cells = {
        "Column": lambda c: c["column"],
        "#Rare categories": lambda c: numbers.count(c["rare"]),
        "#Found in the fakes": lambda c: numbers.count(c["found"]),
        "#Expected": lambda c: "–" if c.get("expected") is None else f"{c['expected']:.1f}",
    }
    return table_of("Rare categories by column", columns, (details.get("per_column") or [])[:_MOST])


def _levels(details: Mapping[str, Any]) -> Table:
    found = [{**level, "column": c["column"]} for c in details.get("columns") or [] for level in c["levels"]]
    found.sort(key=lambda level: float(level["score"]))
    columns: Cells = {
        "Where": lambda v: f"{v['column']} = {v['level']}",
        "#Real rows": lambda v: numbers.count(v["real_rows"]),
        "#Fakes": lambda v: numbers.count(v["fake_rows"]),
        "#Score": lambda v: numbers.score(v["score"]),
        "Columns that fit worst": lambda v: ", ".join(
            f"{w['column']} ({numbers.score(w['score'])})" for w in v.get("worst") or []
        ),
    }
    return table_of(_capped("The other columns, given a value", found), columns, found[:_MOST])


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
