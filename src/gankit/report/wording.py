"""Sentences on what stands in the details of a score, that several kinds of data share; nouns are arguments.

Knows details as plain JSON; never a kind of data or pages. Texts may hold names from the data as they are: the page
escapes them. Each function here gives one that takes details, for `Metric.details`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gankit.metrics.metric import Noun
from gankit.report import numbers
from gankit.report.numbers import finite
from gankit.report.verdict import THRESHOLDS

Details = Callable[[Mapping[str, Any]], list[str]]

_MOST_GONE = 8


def name(text: Any) -> str:
    """A name from the data in quotation marks, so that it cannot be taken for the report's own words."""
    return f"“{text}”"


def judge(who: str, noun: Noun) -> Details:
    """How often a two-sample test tells fakes from real records; details: `auc`, its interval, accuracy and so on.

    who: in the singular, as in "A tree model".
    """

    def told(details: Mapping[str, Any]) -> list[str]:
        area, low, many = finite(details.get("auc")), finite(details.get("auc_low")), noun.many
        if area is None:
            return []
        if low is not None and low <= 0.5:
            how = f"{who} cannot tell fakes from real {many}"
        elif area < THRESHOLDS["auc_slight"]:
            how = f"{who} hardly tells fakes from real {many}"
        elif area < THRESHOLDS["auc_often"]:
            how = f"{who} tells fakes from real {many} now and then"
        elif area < THRESHOLDS["auc_nearly_always"]:
            how = f"{who} often tells fakes from real {many}"
        else:
            how = f"{who} nearly always tells fakes from real {many}"
        out = [f"{how}: AUC {numbers.with_interval(area, low, details.get('auc_high'))}, where 0.5 is guessing."]
        accuracy, precision, recall = (finite(details.get(k)) for k in ("accuracy", "precision", "recall"))
        if accuracy is not None:
            rows = finite(details.get("rows"))
            of = f"of {numbers.count(rows)} real {many} and as many fakes" if rows else "of both"
            calls = ""
            if precision is not None and recall is not None:
                calls = (
                    f"; of the {many} it calls real {numbers.share(precision)} are, and it finds "
                    f"{numbers.share(recall)} of the real ones"
                )
            out.append(f"It is right about {numbers.share(accuracy)} {of}{calls}.")
        return out

    return told


def usefulness(who: str, noun: Noun) -> Details:
    """What was trained on what; who: as in "A linear model"."""

    def told(details: Mapping[str, Any]) -> list[str]:
        rows = finite(details.get("test_rows"))
        tested = f" {numbers.count(rows)}" if rows is not None else ""
        return [
            f"{who} was trained on fakes and tested on{tested} held-out real {noun.many}; the ceiling is the same "
            "trained on real ones."
        ]

    return told


def exact(noun: Noun, where: str) -> Details:
    """How many fakes equal a training record, and how many held-out records do; where: as in "in every column"."""

    def told(details: Mapping[str, Any]) -> list[str]:
        copies, rows = finite(details.get("copies")), finite(details.get("rows"))
        if copies is None or not rows:
            return []
        share = finite(details.get("heldout_share"))
        beside = (
            f"; of the held-out {noun.many}, which nobody copied, {numbers.share(share)} do"
            if share is not None
            else ""
        )
        return [f"{numbers.count(copies)} of {numbers.count(rows)} fakes equal a training {noun.one} {where}{beside}."]

    return told


def near(noun: Noun, how: str = "", plain: str = "") -> Details:
    """How many fakes lie nearer to training records, and the three-sample test.

    how: of the distance, as in "in edits". plain: what kind of fakes lies nearer to all records, copied or not.
    """

    def told(details: Mapping[str, Any]) -> list[str]:
        out = []
        closer, ties, rows = (finite(details.get(k)) for k in ("closer", "ties", "rows"))
        if closer is not None and rows:
            equal = f", {numbers.count(ties)} as near to either" if ties else ""
            by = f", {how}," if how else ""
            out.append(
                f"{numbers.count(closer)} of {numbers.count(rows)} fakes lie nearer{by} to a training {noun.one} than "
                f"to any held-out {noun.one}{equal}."
            )
        test = details.get("three_sample") or {}
        if (p := finite(test.get("p"))) is not None:
            many = noun.many
            if p < THRESHOLDS["p_copying"]:
                also = f", and as {plain} do, too" if plain else ""
                found = f"fakes lie nearer to training {many} than held-out {many} do, as copies would{also}"
            else:
                found = f"fakes lie no nearer to training {many} than held-out {many} do"
            out.append(
                f"The three-sample test of Meehan et al. gives z = {numbers.score(test.get('z'))}, "
                f"p = {numbers.score(p)}: {found}."
            )
        return out

    return told


def lengths(noun: Noun, unit: str) -> Details:
    """The mean lengths of both sides; unit: as in "steps"."""

    def told(details: Mapping[str, Any]) -> list[str]:
        fake, real = (finite(details.get(f"{side}_mean")) for side in ("fake", "real"))
        if fake is None or real is None:
            return []
        return [f"Fakes have {fake:.1f} {unit} on average, held-out {noun.many} {real:.1f}."]

    return told


def classifier(figures: Mapping[str, Any] | None, start: str, noun: Noun, groups: str) -> list[tuple[str, str]]:
    """How right a classifier of the labels is about held-out records, as a verdict; none where nobody knows.

    figures: its accuracy, precision and recall. start: of the sentence, up to "is". groups: "labels" or "classes".
    """
    accuracy = finite((figures or {}).get("accuracy"))
    if figures is None or accuracy is None:
        return []
    parts = [f"right about {numbers.share(accuracy)} of held-out real {noun.many}"]
    for key in ("precision", "recall"):
        value = finite(figures.get(key))
        parts += [f"its {key} is {numbers.share(value)} (mean over {groups})"] if value is not None else []
    weak = f" It errs often itself: read the figures on {groups} beside its own." if accuracy < 0.9 else ""
    return [("The classifier", f"{start} {'; '.join(parts)}.{weak}")]


def worst_class(per_class: Sequence[Mapping[str, Any]], noun: Noun) -> list[tuple[str, str]]:
    """Which labels are missing, and which is obeyed least or else is most under-represented, as a verdict.

    per_class: a row a label: its name under "class", shares of "real" records and of fakes, and "agreement".
    """
    known = [c for c in per_class if finite(c.get("real")) and finite(c.get("fake")) is not None]
    gone = [name(c["class"]) for c in known if c["fake"] == 0]
    parts = []
    if gone:
        more = f" and {len(gone) - _MOST_GONE} more" if len(gone) > _MOST_GONE else ""
        parts.append(f"Missing among the fakes: {numbers.listed(gone[:_MOST_GONE])}{more}.")
    obeyed = [c for c in per_class if finite(c.get("agreement")) is not None]
    there = [c for c in known if c["fake"] > 0]
    if obeyed:
        worst = min(obeyed, key=lambda c: float(c["agreement"]))
        parts.append(
            f"Least obeyed is {name(worst['class'])}: {numbers.share(worst['agreement'])} of the fakes asked for it "
            "are seen as it."
        )
    elif there:
        worst = min(there, key=lambda c: float(c["fake"]) / float(c["real"]))
        parts.append(
            f"Most too seldom is {name(worst['class'])}: {numbers.share(worst['fake'])} of the fakes, "
            f"{numbers.share(worst['real'])} of the real {noun.many}."
        )
    return [("", " ".join(parts))] if parts else []
