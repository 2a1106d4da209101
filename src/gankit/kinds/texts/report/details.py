"""What stands in the details of a figure on texts, as sentences.

Knows the details of `kinds.texts.metrics.evaluation`; never texts or pages. Words may hold names from the data as they
are: the page escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from gankit.report import numbers
from gankit.report.old import name
from gankit.report.standing import THRESHOLDS

_MOST_MISSED = 8


def judge(details: Mapping[str, Any]) -> list[str]:
    """How often a linear judge is right about fakes and real texts."""
    area, parts = numbers.finite(details.get("auc")), []
    if area is None:
        return []
    for key in ("accuracy", "precision", "recall"):
        found = numbers.finite(details.get(key))
        parts += [f"{key} {numbers.share(found)}"] if found is not None else []
    how = (
        "nearly always"
        if area >= THRESHOLDS["auc_nearly_always"]
        else "often"
        if area >= THRESHOLDS["auc_often"]
        else "now and then"
        if area >= THRESHOLDS["auc_slight"]
        else "hardly ever"
    )
    return [
        f"A linear judge on n-grams tells fakes from real texts {how}: AUC {numbers.score(area)}; of its calls “real”: "
        f"{numbers.listed(parts)}."
    ]


def grams(details: Mapping[str, Any]) -> list[str]:
    """The divergence at each n."""
    found = [numbers.finite(v) for v in details.get("orders") or []]
    if len(found) < 2 or any(v is None for v in found):
        return []
    return [f"For runs of 1, 2, 3 … units: {', '.join(numbers.score(v) for v in found)}."]


def bleu(details: Mapping[str, Any]) -> list[str]:
    """The figure as Texygen's code would have it."""
    fast = numbers.finite(details.get("references_500"))
    return [f"With the first 500 references, as Texygen’s code has it: {numbers.score(fast)}."] if fast else []


def counted(key: str, what: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """A function that says how many fakes are or do `what`, of the count `key`."""

    def told(details: Mapping[str, Any]) -> list[str]:
        found, rows = numbers.finite(details.get(key)), numbers.finite(details.get("rows"))
        if found is None or not rows:
            return []
        out = [f"{numbers.count(found)} of {numbers.count(rows)} fakes {what}."]
        often = numbers.finite(details.get("most_frequent"))
        if often is not None and often * rows > 1.5:
            out.append(f"The most frequent one makes up {numbers.share(often)}.")
        return out

    return told


def lengths(details: Mapping[str, Any]) -> list[str]:
    """The mean lengths of both sides."""
    fake, real = (numbers.finite(details.get(f"{side}_mean")) for side in ("fake", "real"))
    if fake is None or real is None:
        return []
    return [f"Fakes have {fake:.1f} units on average, held-out texts {real:.1f}."]


def symbols(details: Mapping[str, Any]) -> list[str]:
    """The most frequent symbols that are missing."""
    missed = details.get("missed") or []
    if not missed:
        return []
    shown = ", ".join(name(m["unit"]) for m in missed[:_MOST_MISSED])
    return [f"Missing are {shown}{' and others' if len(missed) > _MOST_MISSED else ''}."]


def usefulness(details: Mapping[str, Any]) -> list[str]:
    """What was trained on what."""
    rows = numbers.finite(details.get("test_rows"))
    tested = f" {numbers.count(rows)}" if rows is not None else ""
    return [
        f"A linear classifier was trained on fakes and tested on{tested} held-out real texts; the ceiling is the same "
        "classifier trained on real ones."
    ]


def exact(details: Mapping[str, Any]) -> list[str]:
    """How many fakes are training texts, and how many held-out texts are."""
    copies, rows = numbers.finite(details.get("copies")), numbers.finite(details.get("rows"))
    if copies is None or not rows:
        return []
    heldout = numbers.finite(details.get("heldout_share"))
    beside = f"; of the held-out texts, which nobody copied, {numbers.share(heldout)} do" if heldout is not None else ""
    return [f"{numbers.count(copies)} of {numbers.count(rows)} fakes equal a training text sign by sign{beside}."]


def near(details: Mapping[str, Any]) -> list[str]:
    """Fakes nearer to training texts, and the three-sample test."""
    out = []
    closer, ties, rows = (numbers.finite(details.get(k)) for k in ("closer", "ties", "rows"))
    if closer is not None and rows:
        equal = f", {numbers.count(ties)} as near to either" if ties else ""
        out.append(
            f"{numbers.count(closer)} of {numbers.count(rows)} fakes lie nearer, in edits, to a training text than to "
            f"any held-out text{equal}."
        )
    test = details.get("three_sample") or {}
    p = numbers.finite(test.get("p"))
    if p is not None:
        how = (
            "fakes lie nearer to training texts than held-out texts do, as copies would, and as fakes of frequent "
            "phrases do, too"
            if p < THRESHOLDS["p_copying"]
            else "fakes lie no nearer to training texts than held-out texts do"
        )
        out.append(
            f"The three-sample test of Meehan et al. gives z = {numbers.score(test.get('z'))}, "
            f"p = {numbers.score(p)}: {how}."
        )
    return out
