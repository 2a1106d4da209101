"""What stands in the details of a figure on series, as sentences.

Knows the details of `kinds.series.metrics.evaluation`; never series or pages. Words may hold names from the data as
they are: the page escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gankit.report import numbers
from gankit.report.old import name
from gankit.report.standing import THRESHOLDS

_ALIKE = 0.1  # steps whose spread is off by less are not called too smooth or too rough


def discriminative(details: Mapping[str, Any]) -> list[str]:
    """How often the recurrent network is right about fakes and real series."""
    accuracy, area = numbers.finite(details.get("accuracy")), numbers.finite(details.get("auc"))
    if accuracy is None or area is None:
        return []
    runs = [numbers.score(v) for v in details.get("runs") or []]
    spread = f" The trainings gave {numbers.listed(runs)}." if len(runs) > 1 else ""
    return [
        f"A GRU that was trained to tell them apart is right about {numbers.share(accuracy)} of "
        f"{numbers.count(details.get('rows'))} fakes and as many held-out series that it had not seen "
        f"(AUC {numbers.score(area)}{_calls(details)}).{spread}"
    ]


def _calls(details: Mapping[str, Any]) -> str:
    found = [(k, numbers.finite(details.get(k))) for k in ("precision", "recall")]
    parts = [f"{k} {numbers.share(v)}" for k, v in found if v is not None]
    return f"; of its calls “real” {' and '.join(parts)}" if parts else ""


def judge(details: Mapping[str, Any]) -> list[str]:
    """How often boosted trees are right about fakes and real series."""
    area, accuracy = numbers.finite(details.get("auc")), numbers.finite(details.get("accuracy"))
    if area is None:
        return []
    how = (
        "nearly always"
        if area >= THRESHOLDS["auc_nearly_always"]
        else "often"
        if area >= THRESHOLDS["auc_often"]
        else "now and then"
        if area >= THRESHOLDS["auc_slight"]
        else "hardly ever"
    )
    right = f", right about {numbers.share(accuracy)}" if accuracy is not None else ""
    return [f"Boosted trees tell fakes from real series {how}: AUC {numbers.score(area)}{right}{_calls(details)}."]


def predictive(details: Mapping[str, Any]) -> list[str]:
    """What was learned from what."""
    rows = numbers.finite(details.get("rows"))
    if rows is None:
        return []
    return [
        f"The mean absolute error, on a scale of [0, 1], over {numbers.count(rows)} held-out series; the ceiling is "
        "the same network trained on real ones."
    ]


def worst_column(what: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """A function that names the channel that is furthest off, with the figures of both sides."""

    def told(details: Mapping[str, Any]) -> list[str]:
        columns = details.get("columns") or []
        if len(columns) < 1:
            return []
        worst = columns[0]
        real, fake = (numbers.score(numbers.finite(worst.get(k))) for k in ("real", "fake"))
        most = f"Furthest off is {name(worst['column'])}: " if len(columns) > 1 else ""
        said = f"{what} is {fake} in the fakes and {real} in real series."
        return [most + (said if most else said[:1].upper() + said[1:])]

    return told


def values(details: Mapping[str, Any]) -> list[str]:
    """The channel whose values are furthest off."""
    columns = details.get("columns") or []
    if not columns:
        return []
    worst = columns[0]
    moved = numbers.finite(worst.get("wasserstein"))
    first = f"Furthest off is {name(worst['column'])}: {numbers.score(worst['ks'])}" if len(columns) > 1 else ""
    by = f"values are moved by {numbers.score(moved)} standard deviations on average" if moved is not None else ""
    if not first:
        return [f"{by[:1].upper()}{by[1:]}."] if by else []
    return [f"{first}; its {by}." if by and worst.get("number") else f"{first}."]


def changes(details: Mapping[str, Any]) -> list[str]:
    """The channel whose changes are furthest off, and whether they are too large or too small."""
    columns = [c for c in details.get("columns") or [] if c.get("number")]
    if not columns:
        return values(details)
    worst = columns[0]
    real, fake = (numbers.finite(worst.get(f"{side}_sd")) for side in ("real", "fake"))
    if not real or fake is None:
        return []
    first = (
        f"Furthest off is {name(worst['column'])} ({numbers.score(worst['ks'])}): its" if len(columns) > 1 else "The"
    )
    ratio = fake / real
    how = (
        f"{numbers.share(1 - ratio)} smaller than in real series: too smooth"
        if ratio < 1 - _ALIKE
        else f"{numbers.share(ratio - 1)} larger than in real series: too rough"
        if ratio > 1 + _ALIKE
        else "as large as in real series on average"
    )
    return [f"{first} steps are {how}."]


def furthest(details: Mapping[str, Any]) -> list[str]:
    """The channel with the largest distance."""
    columns = [c for c in details.get("columns") or [] if numbers.finite(c.get("distance")) is not None]
    if len(columns) < 2:
        return []
    return [f"Furthest off is {name(columns[0]['column'])} ({numbers.score(columns[0]['distance'])})."]


def pairs(details: Mapping[str, Any]) -> list[str]:
    """The two channels whose correlation is furthest off."""
    found = details.get("pairs") or []
    if not found:
        return []
    worst = found[0]
    a, b = (name(c) for c in worst["columns"])
    lag = worst.get("lag") or 0
    later = "" if not lag else f" ({b} {lag} step{'s' if lag > 1 else ''} later)"
    return [
        f"Furthest off are {a} and {b}{later}: a correlation of {numbers.score(worst['fake'])} in the fakes and of "
        f"{numbers.score(worst['real'])} in real series."
    ]


def lengths(details: Mapping[str, Any]) -> list[str]:
    """The mean lengths of both sides."""
    fake, real = (numbers.finite(details.get(f"{side}_mean")) for side in ("fake", "real"))
    if fake is None or real is None:
        return []
    return [f"Fakes have {fake:.1f} steps on average, held-out series {real:.1f}."]


def gaps(details: Mapping[str, Any]) -> list[str]:
    """The channel whose share of gaps is furthest off, and how long its gaps are."""
    columns = details.get("columns") or []
    if not columns:
        return []
    worst = columns[0]
    out = [
        f"Of {name(worst['column'])} {numbers.share(numbers.finite(worst.get('fake')))} is missing in the fakes and "
        f"{numbers.share(numbers.finite(worst.get('real')))} in real series."
    ]
    runs = [numbers.finite(worst.get(f"{side}_run")) for side in ("fake", "real")]
    if all(r is not None for r in runs):
        out.append(f"Its gaps are {numbers.amount(runs[0])} and {numbers.amount(runs[1])} steps long on average.")
    return out


def usefulness(what: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """A function that says what was trained on what."""

    def told(details: Mapping[str, Any]) -> list[str]:
        rows = numbers.finite(details.get("test_rows"))
        tested = f" {numbers.count(rows)}" if rows is not None else ""
        return [
            f"{what} learned from fakes and was tested on{tested} held-out real series; the ceiling is the same with "
            "real ones to learn from."
        ]

    return told


def exact(details: Mapping[str, Any]) -> list[str]:
    """How many fakes are training series, and how many held-out series are."""
    copies, rows = numbers.finite(details.get("copies")), numbers.finite(details.get("rows"))
    if copies is None or not rows:
        return []
    heldout = numbers.finite(details.get("heldout_share"))
    beside = (
        f"; of the held-out series, which nobody copied, {numbers.share(heldout)} do" if heldout is not None else ""
    )
    return [f"{numbers.count(copies)} of {numbers.count(rows)} fakes equal a training series in every cell{beside}."]


def near(details: Mapping[str, Any]) -> list[str]:
    """Fakes nearer to training series, and the three-sample test."""
    out = []
    closer, ties, rows = (numbers.finite(details.get(k)) for k in ("closer", "ties", "rows"))
    if closer is not None and rows:
        equal = f", {numbers.count(ties)} as near to either" if ties else ""
        out.append(
            f"{numbers.count(closer)} of {numbers.count(rows)} fakes lie nearer, by time warping, to a training series "
            f"than to any held-out series{equal}."
        )
    test = details.get("three_sample") or {}
    p = numbers.finite(test.get("p"))
    if p is not None:
        how = (
            "fakes lie nearer to training series than held-out series do, as copies would, and as smooth or flat fakes "
            "do, too"
            if p < THRESHOLDS["p_copying"]
            else "fakes lie no nearer to training series than held-out series do"
        )
        out.append(
            f"The three-sample test of Meehan et al. gives z = {numbers.score(test.get('z'))}, "
            f"p = {numbers.score(p)}: {how}."
        )
    return out
