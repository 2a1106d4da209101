"""The words of the report: for each metric its title, the question it answers, a verdict with its numbers, a remedy.

Knows the JSON of `kinds.tables.metrics.evaluation` and standings; never samples, models or pages. The thresholds behind
the
words are `gankit.report.standing.THRESHOLDS`. Texts may hold names from the data as they are: the page escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gankit.report import numbers
from gankit.report.standing import THRESHOLDS, Level, Standing, standing

# What each level is called in the table of figures.
LEVELS: dict[Level, str] = {
    "real": "as real rows",
    "close": "close to real rows",
    "fair": "between",
    "weak": "far from real rows",
    "open": "too few rows to tell",
    "none": "not computed",
}
COPY_LEVELS: dict[Level, str] = {
    "real": "no sign of copying",
    "close": "signs of copying",
    "fair": "signs of copying",
    "weak": "signs of copying",
    "open": "too few rows to tell",
    "none": "not computed",
}
BASELINES = {"bootstrap": "real rows drawn again", "independent": "independent columns", "copula": "Gaussian copula"}

LONGER = "Train longer (--budget or --samples)"


@dataclass(frozen=True)
class Words:
    """What is said about one metric.

    title: its name for people; noun: the same inside a sentence; question: what it answers; remedy: what to do when it
    is weak; details: sentences on what stands in its details.
    """

    title: str
    noun: str
    question: str
    remedy: str
    details: Callable[[Mapping[str, Any]], list[str]] = lambda details: []


def name(text: Any) -> str:
    """A name from the data in quotation marks, so that it cannot be taken for the report's own words."""
    return f"“{text}”"


def _shape(details: Mapping[str, Any]) -> list[str]:
    columns = details.get("columns") or []
    if not columns:
        return []
    worst = columns[0]
    out = []
    if len(columns) > 1:
        out.append(f"The worst column is {name(worst['column'])} with {numbers.score(worst['score'])}.")
    gone = max(columns, key=lambda c: abs((c.get("missing_fake") or 0) - (c.get("missing_real") or 0)))
    real, fake = gone.get("missing_real") or 0, gone.get("missing_fake") or 0
    if abs(fake - real) > THRESHOLDS["tolerance"]:
        out.append(
            f"{name(gone['column'])} is missing in {numbers.share(fake)} of the fakes and {numbers.share(real)} "
            "of the real rows."
        )
    one = details.get("one_number") or {}
    if one.get("kl_nats") is not None:
        out.append(
            f"The divergence KL(real ‖ fake) is {numbers.score(one['kl_nats'])} nats over {one['kl_bins']} bins; "
            f"the Kolmogorov–Smirnov test gives p = {numbers.score(one.get('ks_p_value'))}."
        )
    return out


def _trend(details: Mapping[str, Any]) -> list[str]:
    pairs = details.get("pairs") or []
    if not pairs:
        return []
    worst = pairs[0]
    a, b = worst["columns"]
    text = f"The worst pair is {name(a)} with {name(b)}: {numbers.score(worst['score'])}"
    if worst.get("real") is not None and worst.get("fake") is not None:
        text += f" (correlation {numbers.score(worst['real'])} in real rows, {numbers.score(worst['fake'])} in fakes)"
    return [text + "."]


def _cube(details: Mapping[str, Any]) -> list[str]:
    orders, cells = details.get("orders") or [], details.get("worst_cells") or []
    names = {1: "one column", 2: "two columns", 3: "three columns"}
    parts = [
        f"{numbers.share(o['within'])} of {numbers.count(o['cells'])} cells by {names.get(o['order'], o['order'])}"
        for o in orders
        if o.get("within") is not None
    ]
    out = []
    if parts:
        expected = orders[0].get("within_expected")
        out.append(
            f"Grouped as an analyst would, the fakes give the right count, within sampling error, in "
            f"{numbers.listed(parts)}" + (f"; perfect fakes would in {numbers.share(expected)}." if expected else ".")
        )
    if cells:
        out.append(
            f"The cell furthest off is {name(cells[0]['text'])}: {numbers.share(cells[0]['real'])} of the real rows, "
            f"{numbers.share(cells[0]['fake'])} of the fakes."
        )
    return out


def _judge(kind: str) -> Callable[[Mapping[str, Any]], list[str]]:
    def words(details: Mapping[str, Any]) -> list[str]:
        area = numbers.finite(details.get("auc"))
        if area is None:
            return []
        shown = numbers.with_interval(area, details.get("auc_low"), details.get("auc_high"))
        low = numbers.finite(details.get("auc_low"))
        if low is not None and low <= 0.5:
            how = f"{kind} cannot tell fakes from real rows"
        elif area < THRESHOLDS["auc_slight"]:
            how = f"{kind} hardly tells fakes from real rows"
        elif area < THRESHOLDS["auc_often"]:
            how = f"{kind} tells fakes from real rows now and then"
        elif area < THRESHOLDS["auc_nearly_always"]:
            how = f"{kind} often tells fakes from real rows"
        else:
            how = f"{kind} nearly always tells fakes from real rows"
        out = [f"{how}: AUC {shown}, where 0.5 is guessing."]
        if details.get("accuracy") is not None:
            out.append(
                f"It is right about {numbers.share(details['accuracy'])} of {numbers.count(details.get('rows'))} real "
                f"rows and as many fakes; of the rows it calls real {numbers.share(details.get('precision'))} are, "
                f"and it finds {numbers.share(details.get('recall'))} of the real ones."
            )
        return out

    return words


def _usefulness(details: Mapping[str, Any]) -> list[str]:
    if not details.get("target"):
        return []
    figure = {"auc": "AUC", "r2": "R²"}.get(details.get("figure", ""), details.get("figure", ""))
    return [
        f"The column predicted is {name(details['target'])}; the figure is {figure} on "
        f"{numbers.count(details.get('test_rows'))} held-out real rows. The ceiling is the same model trained on real "
        "rows."
    ]


def _rare(details: Mapping[str, Any]) -> list[str]:
    if not details.get("possible"):
        return []
    out = [
        f"{numbers.count(details['found'])} of {numbers.count(details['possible'])} rare categories occur in the "
        f"fakes; with that many rows {(details.get('expected') or 0):.1f} would be expected."
    ]
    missed = details.get("missed") or []
    if missed:
        first = missed[0]
        out.append(
            f"The most frequent one that is missing is {name(first['column'])} = {name(first['level'])} "
            f"({numbers.count(first['real_rows'])} real rows)."
        )
    return out


def _conditional(details: Mapping[str, Any]) -> list[str]:
    levels = [(c["column"], lev) for c in details.get("columns") or [] for lev in c["levels"]]
    if not levels:
        return []
    column, worst = min(levels, key=lambda item: float(item[1]["score"]))
    return [
        f"The other columns fit worst where {name(column)} is {name(worst['level'])}: {numbers.score(worst['score'])} "
        f"over {numbers.count(worst['real_rows'])} real rows and {numbers.count(worst['fake_rows'])} fakes."
    ]


def _exact(details: Mapping[str, Any]) -> list[str]:
    if details.get("copies") is None:
        return []
    return [
        f"{numbers.count(details['copies'])} of {numbers.count(details['rows'])} fakes equal a training row in every "
        f"column; of the held-out rows, which nobody copied, {numbers.share(details.get('heldout_share'))} do."
    ]


def _near(details: Mapping[str, Any]) -> list[str]:
    if details.get("closer") is None:
        return []
    out = [
        f"{numbers.count(details['closer'])} of {numbers.count(details['rows'])} fakes lie nearer to a training row "
        "than to any held-out row."
    ]
    test = details.get("three_sample") or {}
    if numbers.finite(test.get("p")) is not None:
        if test["p"] < THRESHOLDS["p_copying"]:
            how = "fakes lie nearer to training rows than held-out rows do, as copies would"
        else:
            how = "fakes lie no nearer to training rows than held-out rows do"
        out.append(
            f"The three-sample test of Meehan et al. gives z = {numbers.score(test.get('z'))}, "
            f"p = {numbers.score(test['p'])}: {how}."
        )
    return out


def _membership(details: Mapping[str, Any]) -> list[str]:
    found = numbers.finite(details.get("tpr_at_1"))
    if found is None:
        return []
    shown = numbers.share(found)
    low, high = numbers.finite(details.get("tpr_at_1_low")), numbers.finite(details.get("tpr_at_1_high"))
    bounds = f" ({numbers.share(low)} to {numbers.share(high)})" if low is not None and high is not None else ""
    return [
        f"An attacker who accuses 1 % of strangers wrongly finds {shown}{bounds} of the training rows; guessing finds "
        "1 %."
    ]


WORDS: dict[str, Words] = {
    "shape": Words(
        "Single columns",
        "single columns",
        "Is each column, for itself, distributed as in real rows?",
        f"{LONGER}, or state the type of a column that was read wrongly (--column NAME=TYPE)",
        _shape,
    ),
    "trend": Words(
        "Pairs of columns", "pairs of columns", "Do two columns go together as in real rows?", LONGER, _trend
    ),
    "cube": Words(
        "Group-by answers",
        "group-by answers",
        "Would a GROUP BY over one, two or three columns give an analyst the same answer?",
        LONGER,
        _cube,
    ),
    "c2st_trees": Words(
        "Judged by trees",
        "rows as a whole (judged by trees)",
        "Can boosted trees, shown whole rows, tell fakes from real rows?",
        f"{LONGER}; trees look at many columns at once, which is learned last",
        _judge("A tree model"),
    ),
    "c2st_linear": Words(
        "Judged by a linear model",
        "rows as a whole (judged by a linear model)",
        "Can a linear model tell fakes from real rows?",
        LONGER,
        _judge("A linear model"),
    ),
    "usefulness": Words(
        "Usefulness",
        "training predictive models",
        "Does a model trained on fakes predict real rows as well as one trained on real rows?",
        f"{LONGER}, or train with the target as a condition (--given COLUMN)",
        _usefulness,
    ),
    "rare_categories": Words(
        "Rare categories",
        "rare categories",
        "Do categories that are rare in the data occur at all?",
        f"{LONGER}, or draw more rows",
        _rare,
    ),
    "precision": Words(
        "Realism of rows (α-precision)", "realism of single rows", "Do fakes lie where real rows lie?", LONGER
    ),
    "recall": Words(
        "Variety of rows (β-recall)", "variety of rows", "Do fakes reach all places where real rows lie?", LONGER
    ),
    "density": Words(
        "Density", "density around real rows", "Are there as many fakes around real rows as there should be?", LONGER
    ),
    "coverage": Words("Coverage", "coverage of real rows", "What share of the real rows has a fake nearby?", LONGER),
    "conditional": Words(
        "Given a value",
        "rows with a given value",
        "Among rows with a given value, do the other columns follow the real ones?",
        f"{LONGER}, or train with that column as a condition (--given COLUMN)",
        _conditional,
    ),
    "copies_exact": Words(
        "Exact copies",
        "exact copies",
        "How many fakes equal a training row?",
        "Train for fewer samples (--samples), or on more rows",
        _exact,
    ),
    "copies_near": Words(
        "Near copies",
        "near copies",
        "Are fakes nearer to training rows than to real rows nobody trained on?",
        "Train for fewer samples (--samples), or on more rows",
        _near,
    ),
    "membership": Words(
        "Membership attack",
        "membership",
        "Can an attacker tell who was in the training data?",
        "Train for fewer samples (--samples), or on more rows",
        _membership,
    ),
}


def words_of(metric: str, entry: Mapping[str, Any]) -> Words:
    """The words of a metric; a metric that has none of its own speaks through its `meaning`."""
    plain = metric.replace("_", " ")
    return WORDS.get(metric) or Words(plain.capitalize(), plain, str(entry.get("meaning", "")), LONGER)


def verdict(metric: str, entry: Mapping[str, Any], place: Standing | None = None) -> str:
    """Where the fakes stand on one metric and what stands in its details, in sentences with their numbers."""
    place = place or standing(entry)
    words, fake = words_of(metric, entry), entry["fake"]
    details = fake.get("details") or {}
    if place.level == "none":
        return f"{words.title}: not computed, because {details.get('reason', 'no figure was given')}."
    return " ".join([f"{words.title}: {_place_words(entry, place)}", *words.details(details)])


def _place_words(entry: Mapping[str, Any], place: Standing) -> str:
    fake, ceiling = entry["fake"], entry.get("ceiling") or {}
    here = numbers.with_interval(fake["value"], fake.get("low"), fake.get("high"))
    if place.gap is None:
        return f"{here}; {numbers.score(entry['best'])} would be perfect."
    real = numbers.with_interval(ceiling["value"], ceiling.get("low"), ceiling.get("high"))
    if place.level == "real":
        return f"{here}, which cannot be told from real rows, {real}, with this many rows."
    if place.level == "open":
        needed = numbers.about(place.rows_needed or 0)
        return (
            f"{here}, real rows {real}: too few rows to tell; about {needed} held-out rows and as many fakes would do."
        )
    return f"{here}, where real rows reach {real}{_way_words(entry, place)}."


def _way_words(entry: Mapping[str, Any], place: Standing) -> str:
    if entry.get("family") == "copies":
        return f"; {numbers.score(place.gap)} more"
    if place.way is None or place.baseline is None:
        return f"; {numbers.score(place.gap)} behind"
    plain = f"{BASELINES[place.baseline]} ({numbers.score(entry['baselines'][place.baseline]['value'])})"
    if place.way < 0:
        return f"; worse than the best plain baseline, {plain}"
    return f": {numbers.share(min(place.way, 1.0))} of the way up from the best plain baseline, {plain}"


def chip(entry: Mapping[str, Any], place: Standing) -> str:
    """The level of a metric in two to four words."""
    return (COPY_LEVELS if entry.get("family") == "copies" else LEVELS)[place.level]
