"""What a report is made of: sections of sentences, tables and drawings, and what a kind of data adds to them.

Knows texts, markup, results and nouns; never a kind of data, the page around the sections, or the loop.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from markupsafe import Markup

from gankit.metrics.evaluate import Evaluation, MetricResult
from gankit.metrics.metric import Baseline, Noun
from gankit.report.verdict import COPYING, Grade, Level, Verdict, verdicts

FactsT = TypeVar("FactsT")


@dataclass(frozen=True)
class Head:
    """The head of a table's column; `number`: its cells are numbers and stand to the right."""

    text: str
    number: bool = False


def heads_of(*texts: str) -> tuple[Head, ...]:
    """Heads; those that begin with # are of numbers."""
    return tuple(Head(t.removeprefix("#"), t.startswith("#")) for t in texts)


@dataclass(frozen=True)
class Table:
    """A table of texts: a caption, heads, rows; a cell that is Markup is shown as it is.

    kind: its class for styles. folded: what stands for it until it is opened; empty: it is open.
    """

    caption: str
    head: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]
    kind: str = ""
    folded: str = ""


def table_of(caption: str, columns: Mapping[str, Callable[[Any], str]], entries: Iterable[Any]) -> Table:
    """A table with a row an entry; columns: the head of each (of numbers with #) and how its cell is written."""
    rows = tuple(tuple(cell(entry) for cell in columns.values()) for entry in entries)
    return Table(caption, heads_of(*columns), rows)


@dataclass(frozen=True)
class Drawing:
    """A titled SVG, image or small table; extra: a figure beside the title; remarks: sentences below."""

    title: str
    body: Markup
    extra: str = ""
    remarks: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A part of the page.

    id: its anchor. questions: what it answers. verdicts: (title or nothing, sentences). scores: names of metrics whose
    rows are folded in. keyed: whether drawings need the key of real and fake. layout: how wide drawings stand.
    """

    id: str
    title: str
    questions: Sequence[str] = ()
    warning: str = ""
    verdicts: Sequence[tuple[str, str]] = ()
    scores: Sequence[str] = ()
    drawings: Sequence[Drawing] = ()
    keyed: bool = False
    layout: Literal["small", "wide", "sheets"] = "wide"
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class Chapter:
    """The section on the metrics of some families."""

    id: str
    title: str
    families: tuple[str, ...]


@dataclass(frozen=True)
class Headline:
    """The first sentence of a summary on likeness: what one metric says, beside real records and some baselines.

    metrics: the first of them that was computed speaks. words: by level, after "The synthetic rows". beside: baselines.
    """

    metrics: Sequence[str]
    words: Mapping[Level, str]
    beside: Sequence[str] = ()


def likeness(noun: Noun, by: str = "") -> dict[Level, str]:
    """The words of a headline; by: what they are told by, as in " by their distance"."""
    return {
        "real": f"lie as near to real {noun.many} as these lie to one another{by}",
        "close": f"are close to real {noun.many}{by}",
        "fair": f"are on the way to real {noun.many}{by}, but not there",
        "weak": f"are far from real {noun.many}{by}",
        "open": f"are too few to tell how near to real {noun.many} they are{by}",
    }


def variety(noun: Noun) -> dict[Level, str]:
    """The words of a grade on variety."""
    return {
        "real": "They are varied enough",
        "close": "They are nearly varied enough",
        "fair": f"They are less varied than real {noun.many}",
        "weak": "They are not varied enough",
    }


@dataclass(frozen=True, kw_only=True)
class Sections(ABC, Generic[FactsT]):
    """What a kind of data adds to a report on its records; `gankit.report.build` puts the rest around it.

    Attributes:
        evaluation: what was measured.
        history: of the training: one mapping an evaluation.
        progress: (real samples shown to D, fakes of the same latents) for the steps that were kept.
        chosen: the samples after which the model was taken, None where unknown.
        records: whether real records may be shown, and the fakes that look most like them.
        scale: how much there is room for, 1 for all: a page that is too large is made again with less.
        noun: what the records are called. label: what tells them apart, "class" or "label"; seer: who sees it.
        baselines: of the kind's metrics. chapters: which families make which section, in the order of the page.
        headline, grades: of the summary. lists: whether it also names the metrics that fit, and those that fall short.
        lucky: whether single equal records may be chance; False: one fake that equals a training record is a copy.
        smooth: whether plain fakes lie nearer to everything, training records too, so that tests for copies must be
            beyond real records in their place.
        halvings: whether the metric of the history is minus a distance without an upper end.
        overfitting: what to try where D memorises training records; empty: what the metric's remedy says.
        left_out: the note of a report without records; empty: that real ones are not shown.
        opening: the first sentence of the summary, or nothing.
        style: further rules of the style sheet.
    """

    evaluation: Evaluation[FactsT]
    progress: Sequence[tuple[int, Any]] = ()
    chosen: float | None = None
    records: bool = True
    scale: float = 1.0
    noun: Noun
    label: str = "label"
    seer: str = "a classifier"
    baselines: Sequence[Baseline[Any]] = ()
    chapters: Sequence[Chapter] = ()
    headline: Headline | None = None
    grades: Sequence[Grade] = ()
    lists: bool = False
    lucky: bool = True
    smooth: bool = True
    halvings: bool = False
    overfitting: str = ""
    left_out: str = ""
    opening: str = ""
    style: str = field(default="", repr=False)

    @property
    def facts(self) -> FactsT:
        """What the evaluation says beside its results."""
        return self.evaluation.facts

    def room(self, full: int, least: int = 2) -> int:
        """How many of at most `full` there is room for, at least `least`."""
        return max(least, round(full * self.scale))

    def told(self) -> dict[str, Verdict]:
        """What each metric says, by its name."""
        head = self.headline
        first = [] if head is None else [Grade(head.metrics, head.words, head.metrics[1:], "distance", features=True)]
        alike: dict[str, list[str]] = {}
        for name, result in self.results.items():
            alike.setdefault(result.metric.subject, []).append(name)
        first += [Grade(names, {}, (), subject) for subject, names in alike.items() if subject not in (COPYING, *names)]
        shared = {"lucky": self.lucky, "smooth": self.smooth}
        return verdicts(self.evaluation, self.noun, self.baselines, grades=[*first, *self.grades], **shared)

    @property
    def results(self) -> Mapping[str, MetricResult]:
        """The results by the names of their metrics."""
        return self.evaluation.results

    def like(self) -> str:
        """What the records are like, after their number in the first sentence of the summary: " over 3 columns"."""
        return ""

    def lead(self) -> Sequence[str]:
        """Further facts for the line below the title."""
        return ()

    def samples(self) -> list[Section]:
        """What is seen first: the sections before all figures."""
        return []

    @abstractmethod
    def chapter(self, section: Section, results: Mapping[str, MetricResult]) -> Section:
        """The section of a chapter with all that it has beside the verdicts on the metrics of its families.

        section: with its questions and verdicts; its id tells the chapter. results: of its metrics.
        """

    def more(self) -> list[Section]:
        """The sections behind the chapters."""
        return []

    def reading(self) -> list[tuple[str, str]]:
        """(what, explanation) for those who read the page, beside what every report explains."""
        return []

    def weaknesses(self, names: Sequence[str]) -> Sequence[str]:
        """Of the metrics that fall short those that may be called what matters most."""
        return names

    def without_records(self) -> Evaluation[FactsT]:
        """The evaluation without what tells of single records of the data."""
        return self.evaluation

    def appendix(self) -> Mapping[str, Any]:
        """Further entries of report.json."""
        return {}
