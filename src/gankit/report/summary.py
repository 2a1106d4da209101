"""The few sentences on top: how like real records the fakes are, what fits and what not, copied or not, what to try.

Knows results, verdicts and nouns; never records or pages.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gankit.metrics.metric import Noun
from gankit.report import numbers
from gankit.report.curves import flat, overfit_share, training
from gankit.report.numbers import finite
from gankit.report.section import Headline, Sections
from gankit.report.verdict import COPYING, THRESHOLDS, Finding, Grade, Verdict, alike, is_copies

_MOST = 4


def limits(noun: Noun) -> str:
    """What tests for copies cannot say."""
    return (
        f"Tests for copies find what is plain to see: distances to the closest {noun.one} and an attack that fails are "
        "no proof of privacy."
    )


def findings(
    sections: Sections[Any], verdicts: Mapping[str, Verdict], history: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Finding]:
    """The one finding on each subject: those on the metrics, and that on the training's length, which is the last.

    sections, verdicts, history: as for `summary`.
    """
    found = {v.finding.subject: v.finding for v in verdicts.values() if v.result.metric.judged}
    copied, behind = COPYING in found and found[COPYING].direction == "copied", bool(_behind(verdicts))
    many, halvings = sections.noun.many, sections.halvings
    length = training(history, copied=copied, behind=behind, records=many, halvings=halvings)
    return {**found, length.subject: length}


def _behind(verdicts: Mapping[str, Verdict]) -> list[str]:
    """The metrics of the first table in which the fakes are not even close, copies aside."""
    return [
        m
        for m, v in verdicts.items()
        if v.level in ("fair", "weak") and v.result.metric.headline and not is_copies(v.result)
    ]


def summary(
    sections: Sections[Any], verdicts: Mapping[str, Verdict], history: Sequence[Mapping[str, Any]] = ()
) -> list[str]:
    """Three to nine sentences, each with its numbers.

    sections: of the kind. verdicts: each metric's. history: of the training, may be empty.
    """
    tell = _Teller(sections, verdicts)
    sentences = [
        sections.opening,
        tell.compared(),
        tell.apart(),
        "" if sections.headline is None else tell.headline(sections.headline),
        *(tell.grade(grade) for grade in sections.grades),
        *(tell.lists() if sections.lists else ()),
        tell.satisfied(),
        tell.copied(),
        tell.next_step(history),
        limits(sections.noun),
    ]
    return [s for s in sentences if s]


@dataclass(frozen=True)
class _Teller:
    """Tells of one evaluation."""

    sections: Sections[Any]
    verdicts: Mapping[str, Verdict]

    @property
    def many(self) -> str:
        """What records are called."""
        return self.sections.noun.many

    def compared(self) -> str:
        """How many fakes and real records, and what they are like."""
        rows = self.sections.evaluation.rows
        return (
            f"{numbers.count(rows.compared)} synthetic {self.many} were compared with {numbers.count(rows.against)} "
            f"held-out real {self.many}{self.sections.like()}."
        )

    def apart(self) -> str:
        """A warning where real records of one part are told from those of the other: the ceilings are low then."""
        if alike(self.sections.results):
            return ""
        ceiling = self.sections.results["judge"].ceiling
        area = None if ceiling is None else finite(ceiling.details.get("auc"))
        auc = f" (a classifier tells them apart with an AUC of {numbers.score(area)})" if area is not None else ""
        return (
            f"Beware: the real {self.many} of the training part and of the held-out part differ themselves{auc}, as "
            f"where data changes with time. Where synthetic {self.many} are “as real {self.many}” below, they are as "
            "far from the held-out part as the training part is, and no closer."
        )

    def headline(self, headline: Headline) -> str:
        """What one metric says, beside real records and baselines."""
        known = self._known(headline.metrics)
        if not known:
            return ""
        finding = self.verdicts[known[0]].finding
        verdict = self.verdicts[finding.metrics[0]]
        result, called = verdict.result, {b.name: b.called for b in self.sections.baselines}
        scores = [(f"real {self.many}", result.ceiling)]
        scores += [(called[name], result.baselines.get(name)) for name in headline.beside]
        figures = [(who, s.value) for who, s in scores if s is not None and finite(s.value) is not None]
        beside = numbers.listed([f"{who} would have {numbers.score(value)}" for who, value in figures])
        said = f"The synthetic {self.many} {headline.words[finding.level]}: {result.metric.title}"
        said += f" {numbers.score(result.fake.value)}"
        return f"{said}{f', where {beside}' if beside else ''}."

    def _known(self, names: Iterable[str]) -> list[str]:
        """Those of the metrics that were computed."""
        return [m for m in names if m in self.verdicts and self.verdicts[m].level != "none"]

    def grade(self, grade: Grade) -> str:
        """What the worst of some metrics says, with the figures of all."""
        known = self._known(grade.metrics)
        if not known or not (finding := self.verdicts[known[0]].finding).text:
            return ""
        return f"{finding.text}: {self.figures(finding.metrics)}."

    def lists(self) -> list[str]:
        """The metrics that fit, those that fall short, and those of which nobody knows; graded ones are left out."""
        graded = {m for grade in self.sections.grades for m in grade.metrics} | {"agreement"}
        names = [m for m, v in self.verdicts.items() if not is_copies(v.result) and m not in graded]
        good = [m for m in names if self.verdicts[m].level in ("real", "close")]
        bad = sorted((m for m in names if self.verdicts[m].level in ("fair", "weak")), key=self._rank)
        unsure = [m for m in names if self.verdicts[m].level == "open"]
        short = [f"They fall short in {self.figures(bad)}"] if bad else []
        if unsure:
            needed = max(self.verdicts[m].standing.rows_needed or 0 for m in unsure)
            nouns = numbers.listed([self._noun(m) for m in unsure[:_MOST]])
            would = f" (about {numbers.about(needed)} would do)" if needed else ""
            short.append(f"{'t' if bad else 'T'}here are too few {self.many} to tell about {nouns}{would}")
        if not short and (computed := len(self._known(names))):
            short = [f"None of the {computed} metrics of likeness finds them far from real {self.many}"]
        like = (
            f"The synthetic {self.many} are as real {self.many}, or close to them, in {self.figures(good)}."
            if good
            else ""
        )
        return [like, f"{'; '.join(short)}." if short else ""]

    def satisfied(self) -> str:
        """How often a fake is classified as what it was generated for."""
        if not self._known(["agreement"]):
            return ""
        result = self.verdicts["agreement"].result
        label, seer, real = self.sections.label, self.sections.seer, result.real
        beside = "" if real is None else f" (of real {self.many}, {numbers.share(real)} as their own {label})"
        return (
            f"{numbers.share(result.fake.value)} of the synthetic {self.many} generated for a {label} are classified "
            f"as it by {seer}{beside}."
        )

    def copied(self) -> str:
        """Whether training records were copied."""
        found = [v.finding for v in self.verdicts.values() if v.finding.subject == COPYING]
        if not found:
            return f"Whether training {self.many} were copied is not known: none of the tests for it could be made."
        metrics = found[0].metrics
        return f"{found[0].text}{f': {self.figures(metrics)}' if metrics else ''}."

    def next_step(self, history: Sequence[Mapping[str, Any]]) -> str:
        """What matters most and what to try: copying first, then what falls short most."""
        told = findings(self.sections, self.verdicts, history)
        copying, length = told.get(COPYING), [*told.values()][-1]
        found = copying.metrics if copying is not None and copying.direction == "copied" else ()
        behind = self.sections.weaknesses(_behind(self.verdicts))
        if not found and not behind:
            return ""
        worst, over = found[0] if found else min(behind, key=self._rank), overfit_share(flat(history))
        because = ""
        if over is not None and over > THRESHOLDS["overfit_gap"]:
            because = f"; D has begun to memorise training {self.many} ({numbers.share(over)} of the way to the fakes)"
        remedy = self.verdicts[worst].result.metric.remedy
        further = f" To try as well: {remedy}." if remedy else ""
        return f"What matters most is {self._noun(worst)} {self._beside(worst)}{because}. {length.text}.{further}"

    def figures(self, names: Sequence[str]) -> str:
        """Metrics by name, each with its figures."""
        shown = [f"{self._noun(m)} {self._beside(m)}" for m in names[:_MOST]]
        return numbers.listed([*shown, f"{len(names) - len(shown)} more"] if len(names) > len(shown) else shown)

    def _beside(self, name: str) -> str:
        """The figure of the fakes and that of real records."""
        result = self.verdicts[name].result
        beside = f"; real {self.many} {numbers.score(result.real)}" if result.real is not None else ""
        return f"({numbers.score(result.fake.value)}{beside})"

    def _noun(self, name: str) -> str:
        return self.verdicts[name].result.metric.noun

    def _rank(self, name: str) -> float:
        return self.verdicts[name].standing.rank
