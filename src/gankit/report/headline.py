"""What a report says first: one score, and three lights with a sentence each.

Knows verdicts, findings and nouns; never records or pages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean
from typing import Any, Literal

from gankit.report import numbers
from gankit.report.section import Sections
from gankit.report.verdict import COPYING, THRESHOLDS, Finding, Verdict, alike, is_copies

UTILITY = "utility"
"""The subject of the metrics that ask what can be learned from fakes."""

USEFUL = "Useful"
"""The light on them."""


@dataclass(frozen=True)
class Light:
    """One of the three questions: its name, its answer as a colour ("grey": nobody knows) and as a sentence."""

    light: str
    level: Literal["green", "amber", "red", "grey"]
    text: str


def score(verdicts: Mapping[str, Verdict]) -> float | None:
    """0: as the better naive baseline of each metric; 100: as real records in the place of the fakes.

    The mean over families of metrics of the mean share of the way from the one to the other, each cut to [0, 1], times
    100; without copies, and without metrics in which the baselines are as good as real records. None: none is left.
    """
    ways: dict[str, list[float]] = {}
    for verdict in verdicts.values():
        metric, way = verdict.result.metric, verdict.standing.way
        if metric.judged and way is not None and not is_copies(verdict.result):
            ways.setdefault(metric.family, []).append(min(max(way, 0.0), 1.0))
    return round(100 * fmean(fmean(family) for family in ways.values()), 1) if ways else None


def lights(
    sections: Sections[Any], verdicts: Mapping[str, Verdict], findings: Mapping[str, Finding],
    d_accuracy: float | None = None,
) -> list[Light]:  # fmt: skip
    """Whether the fakes look right, are useful, and are not copied; findings: by subject.

    d_accuracy: of D, on held-out records and as many fakes, at the checkpoint that became the model, where it is known.
    """
    judged = {m: v for m, v in verdicts.items() if v.result.metric.judged and not is_copies(v.result)}
    useful = {m: v for m, v in judged.items() if v.result.metric.subject == UTILITY}
    looks = {m: v for m, v in judged.items() if m not in useful and v.result.metric.headline}
    return [
        _doubted(_light("Looks right", looks, sections), sections, d_accuracy),
        *([_light(USEFUL, useful, sections)] if any(v.level != "none" for v in useful.values()) else []),
        _not_copied(findings.get(COPYING), sections),
    ]


def _light(name: str, verdicts: Mapping[str, Verdict], sections: Sections[Any]) -> Light:
    """Red where most of the metrics that tell are far behind or between, amber where some are."""
    many = sections.noun.many
    known = {m: v for m, v in verdicts.items() if v.level != "none"}
    told = {m: v for m, v in known.items() if v.level != "open"}
    short = [m for m, v in told.items() if v.level in ("fair", "weak")]
    if not told:
        return Light(name, "grey", f"There are too few {many} to tell." if known else "It was not measured.")
    fits = len(told) - len(short)
    text = f"{fits} of {len(told)} metrics rate the synthetic {many} as real {many}, or close to them"
    if name == USEFUL:
        text = (
            f"In {fits} of {len(told)} tests a model learns as much from synthetic {many} as from real ones, or nearly"
        )
    if short:
        worst = min(short, key=lambda m: told[m].standing.rank)
        result = told[worst].result
        beside = "" if result.real is None else f"; real {many} {numbers.score(result.real)}"
        text += f"; furthest behind is {result.metric.noun} ({numbers.score(result.fake.value)}{beside})"
    if few := len(known) - len(told):
        text += f"; {few} more cannot tell with so few {many}"
    if not alike(sections.results):
        apart = f"The real {many} of the training part and of the held-out part differ themselves"
        return Light(name, "grey", f"{apart}: beside that, {text[:1].lower()}{text[1:]}.")
    return Light(name, "green" if not short else "red" if len(short) > len(told) / 2 else "amber", f"{text}.")


def _doubted(light: Light, sections: Sections[Any], d_accuracy: float | None) -> Light:
    """No green light where D tells fakes from held-out records nearly always: it sees what the metrics do not."""
    few = sections.evaluation.rows.heldout < THRESHOLDS["d_records"]
    if light.level != "green" or few or d_accuracy is None or d_accuracy < THRESHOLDS["d_tells"]:
        return light
    told = f"but D is right about {numbers.share(d_accuracy)} of held-out and synthetic {sections.noun.many}"
    return Light(light.light, "amber", f"{light.text[:-1]}; {told}.")


def _not_copied(found: Finding | None, sections: Sections[Any]) -> Light:
    if found is None:
        return Light("Not copied", "grey", f"Whether training {sections.noun.many} were copied was not tested.")
    if found.direction == "copied":
        return Light("Not copied", "red" if found.strength == "strong" else "amber", f"{found.text}.")
    sure = found.direction == "clear" and found.strength != "none"
    return Light("Not copied", "green" if sure else "grey", f"{found.text}.")
