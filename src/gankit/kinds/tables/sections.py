"""What a report on rows shows: columns, pairs of columns, group-by cells, look-alikes, and D over one or two numbers.

Knows evaluations of rows, samples and the makers of drawings; never the page around the sections, networks or the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from gankit.kinds.tables.figure import draw_figure, draw_scatter, figure_words, scatter_words
from gankit.kinds.tables.metrics.metrics import BASELINES, NOUN, TableFacts
from gankit.kinds.tables.metrics.sample import Sample
from gankit.kinds.tables.panels import MAX_COLUMNS, associations, lookalikes, panels, tables
from gankit.metrics.evaluate import Evaluation, MetricResult
from gankit.metrics.metric import Baseline, Noun
from gankit.report import drawing, numbers
from gankit.report.records import KEPT, RULES, name, rules_table
from gankit.report.section import Chapter, Drawing, Section, Sections
from gankit.report.verdict import Grade, is_copies

MOST_PANELS = 40  # columns that are drawn, at the most
_WHERE = (("shape", "columns"), ("trend", "pairs"))  # metrics, and their details that name columns, worst first
_WARNING = (
    "The tables of look-alikes show rows of the training data. Do not pass this page on if those are confidential, or "
    "make it again with --no-records."
)


@dataclass(frozen=True, kw_only=True)
class TableSections(Sections[TableFacts]):
    """The sections of a report on rows.

    real, fake: held-out rows and fakes, aligned. figure: of `figure.figure_1d`, for one number; of two that of
    `figure.surface`, with D in [0, 1].
    """

    real: Sample
    fake: Sample
    figure: Mapping[str, Any] | None = None
    noun: Noun = NOUN
    baselines: Sequence[Baseline[Any]] = field(default=BASELINES, repr=False)
    chapters: Sequence[Chapter] = (
        RULES,
        Chapter("columns", "Columns", ("marginals",)),
        Chapter("pairs", "Pairs of columns", ("pairs",)),
        Chapter("groups", "Group-by answers", ("cube",)),
        Chapter("judges", "Classifier two-sample tests", ("two-sample",)),
        Chapter("usefulness", "TSTR utility", ("usefulness",)),
        Chapter("coverage", "Variety and rare categories", ("coverage",)),
        Chapter("conditions", "Conditional distributions", ("conditional",)),
        Chapter("copies", "Copies", ("copies",)),
    )
    grades: Sequence[Grade] = (KEPT,)
    lists: bool = True
    smooth: bool = False
    left_out: str = "Records of the training data, and the synthetic rows most like them, were left out of this report."

    def like(self) -> str:
        """See `Sections.like`."""
        columns = len(self.facts.columns)
        return f" over {columns} column{'' if columns == 1 else 's'}"

    def lead(self) -> list[str]:
        """See `Sections.lead`."""
        guessed = " (guessed)" if self.facts.target_guessed else ""
        return [] if self.facts.target is None else [f"target: {self.facts.target}{guessed}"]

    def samples(self) -> list[Section]:
        """See `Sections.samples`: the figure of 2014, or of two numbers a scatter over D's surface."""
        if self.figure is None:
            return []
        if "x_of_z" not in self.figure:
            names = (self.real.names[0], self.real.names[1])
            real, fake = (np.stack([part.columns[n] for n in names], axis=1) for part in (self.real, self.fake))
            drawn = Drawing("Real and synthetic records over D's surface", draw_scatter(self.figure, real, fake, names))
            said = scatter_words(self.figure)
            return [Section("scatter", "The game in one image", verdicts=[("", said)], drawings=[drawn])]
        drawn = Drawing("p_data, p_g, D(x), and G from z to x", draw_figure(self.figure))
        asked, said = "The first figure of Goodfellow et al. (2014), for this model.", figure_words(self.figure)
        return [Section("figure-1d", "The game in one image", [asked], verdicts=[("", said)], drawings=[drawn])]

    def chapter(self, section: Section, results: Mapping[str, MetricResult]) -> Section:
        """See `Sections.chapter`."""
        found = [t for m, r in results.items() for t in tables(m, r.details)]
        section = replace(section, tables=[*rules_table(results, "rows"), *found])
        if section.id == "columns":
            return self._columns(section)
        if section.id == "pairs":
            return self._pairs(section)
        if section.id == "judges":
            return replace(section, notes=self._giveaways())
        return self._copies(section, results) if section.id == "copies" else section

    def _columns(self, section: Section) -> Section:
        columns, shape = self.facts.columns, self.results.get("shape")
        scores = {c["column"]: float(c["score"]) for c in (shape.details.get("columns") or [] if shape else [])}
        most = max(4, round(MOST_PANELS * self.scale))
        drawn = panels(columns, scores, self.real, self.fake, dates=self.real.dates, most=most)
        notes = []
        if len(drawn) > 1:
            notes.append("The column that differs most comes first; the figure is its own, 1 is best.")
        if len(drawn) < len(columns):
            notes.append(
                f"The {len(drawn)} columns that differ most are shown, of {len(columns)}; report.json has all."
            )
        return replace(section, drawings=drawn, keyed=True, layout="small", notes=notes)

    def _pairs(self, section: Section) -> Section:
        names = self.real.names[:MAX_COLUMNS]
        if len(names) < 2:
            return section
        drawn = drawing.heat_maps(associations(self.real, names), associations(self.fake, names), names, self.noun)
        notes = [
            "How strongly two columns correlate: rank correlation of numbers (blue: rising together, orange: against "
            "each other), Cramér’s V of categories, correlation ratio of one with the other; 0 is not at all, 1 fully."
        ]
        if len(names) < len(self.real.names):
            notes.append(f"The first {len(names)} of {len(self.real.names)} columns are shown.")
        return replace(section, drawings=drawn, notes=notes)

    def _giveaways(self) -> list[str]:
        """What may give the fakes away, from the other metrics: the worst columns and pairs, with their scores."""
        found = [self.results[m].details.get(k) or [] for m, k in _WHERE if m in self.results]
        fits = [[(e.get("columns") or [e["column"]], numbers.score(e["score"])) for e in worst[:3]] for worst in found]
        parts = [numbers.listed([f"{' with '.join(map(name, n))} ({s})" for n, s in some]) for some in fits if some]
        if not parts:
            return []
        return [
            "Where to look for what gives the synthetic rows away: the columns and pairs that fit worst are "
            f"{'; '.join(parts)}. What is left lies between three columns and more."
        ]

    def _copies(self, section: Section, results: Mapping[str, MetricResult]) -> Section:
        near = results["copies_near"].details if "copies_near" in results else {}
        shown = lookalikes(near.get("worst") or [], self.real.dates)
        drawn = drawing.distances(results, self.noun)
        return replace(section, warning=_WARNING if shown else "", drawings=drawn, tables=[*section.tables, *shown])

    def without_records(self) -> Evaluation[TableFacts]:
        """See `Sections.without_records`: without the records that tests for copies name, and the fakes like them."""
        results = {m: r.without("worst", "examples") if is_copies(r) else r for m, r in self.results.items()}
        return replace(self.evaluation, results=results)

    def appendix(self) -> dict[str, Any]:
        """See `Sections.appendix`."""
        return {} if self.figure is None else {"figure_1d" if "z" in self.figure else "surface": self.figure}
