"""The page: every part of a report laid out as one self-contained HTML text, by one template for all kinds.

Knows sections, verdicts, the card and the history; never a kind of data, files (see `report`), networks or the loop.
Every text goes through Jinja2's autoescape; drawings are the only markup that is passed on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from gankit.metrics.score import Score
from gankit.report import curves, numbers
from gankit.report.section import Chapter, Drawing, Section, Sections
from gankit.report.strip import key, strip
from gankit.report.summary import limits
from gankit.report.verdict import THRESHOLDS, Verdict, levels

if TYPE_CHECKING:
    from jinja2 import Template


@dataclass(frozen=True)
class Content:
    """All that a page is made of: the kind's sections, each metric's verdict, the summary, and what surrounds them."""

    sections: Sections[Any]
    verdicts: Mapping[str, Verdict]
    summary: Sequence[str]
    card: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    notes: Sequence[str]


def page(content: Content) -> str:
    """The page as HTML."""
    sections, card = content.sections, content.card
    noun = sections.noun
    rows = {name: _row(verdict, sections) for name, verdict in content.verdicts.items()}
    first = [m for m, v in content.verdicts.items() if v.result.metric.headline and v.result.metric.judged]
    version = card.get("gankit_version") or card.get("version")
    return _template().render(
        title=f"How good are the fakes of {card.get('name') or 'the model'}?",
        lead=" · ".join([*_counts(sections), *sections.lead()]),
        style=_style() + Markup(sections.style),
        summary=content.summary,
        before=sections.samples(),
        after=[*_chapters(content), *sections.more(), *_training(content)],
        first=first,
        rows=rows,
        heads=[f"Real {noun.many}", *(b.title for b in sections.baselines)],
        key=key(sections.baselines, noun),
        noun=noun,
        alarms=list(dict.fromkeys(str(a) for entry in content.history for a in entry.get("alarms") or ())),
        notes=[*content.notes, *sections.evaluation.notes],
        card=[(k.replace("_", " "), _card_text(v)) for k, v in card.items() if v not in (None, "", [], {})],
        reading=_reading(sections),
        maker=f"gankit {version}" if version else "gankit",
    )


@cache
def _template() -> Template:
    """The template of every page; a name that it uses and nobody gave is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("gankit", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tied"] = _tied
    return environment.get_template("report.html.j2")


def _style() -> Markup:
    return Markup(files("gankit.report").joinpath("style.css").read_text(encoding="utf-8"))


def _tied(text: str) -> Markup:
    """The text, escaped, with percent signs tied to their numbers and options set as code, so that neither is torn."""
    safe = str(escape(text)).replace(" %", "\u00a0%")
    return Markup(re.sub(r"--[a-z][a-z-]*(?: [A-Z][A-Z=]*)?", r"<code>\g<0></code>", safe))


def _counts(sections: Sections[Any]) -> list[str]:
    """The numbers of fakes, held-out and training records."""
    rows, many = sections.evaluation.rows, sections.noun.many
    found = ((rows.fake, "fakes"), (rows.heldout, f"held-out {many}"), (rows.train, f"training {many}"))
    return [f"{numbers.count(count)} {what}" for count, what in found]


def _row(verdict: Verdict, sections: Sections[Any]) -> dict[str, Any]:
    """A metric's row in a table of figures: fakes, real records and the baselines."""
    result = verdict.result
    fake, *others = (
        _cell(s) for s in (result.fake, result.ceiling, *(result.baselines.get(b.name) for b in sections.baselines))
    )
    return {
        "title": result.metric.title,
        "level": verdict.level,
        "chip": verdict.chip,
        "strip": strip(result, sections.baselines, sections.noun),
        "fake": fake,
        "sides": others,
    }


def _cell(score: Score | None) -> tuple[str, str]:
    """A figure and its interval, as texts."""
    return ("–", "") if score is None else (numbers.score(score.value), numbers.interval(score.low, score.high))


def _chapters(content: Content) -> list[Section]:
    """The sections of the metrics by family; families that no chapter names come last."""
    sections = content.sections
    known = {family for chapter in sections.chapters for family in chapter.families}
    others = dict.fromkeys(v.result.metric.family for v in content.verdicts.values())
    further = [Chapter(f"further-{i}", "Further figures", (f,)) for i, f in enumerate(others) if f not in known]
    out = []
    for chapter in (*sections.chapters, *further):
        members = {m: v for m, v in content.verdicts.items() if v.result.metric.family in chapter.families}
        results = {m: v.result for m, v in members.items()}
        main = [m for m, r in results.items() if r.metric.headline]
        asked = " ".join(results[m].metric.question for m in main)
        told = [_titled(results[m].metric.title, members[m].text) for m in main]
        rest = list(members) if len(members) > len(main) else []
        section = sections.chapter(
            Section(chapter.id, chapter.title, [asked] if asked else [], "", told, rest), results
        )
        if members or section.tables:
            out.append(section)
    return out


def _titled(title: str, text: str) -> tuple[str, str]:
    """A verdict cut into its title and the rest; no title where it does not begin with it."""
    return (title, text.removeprefix(f"{title}: ")) if text.startswith(f"{title}: ") else ("", text)


def _training(content: Content) -> list[Section]:
    """The curves of the training, and what they say; none without a history."""
    sections, history, card = content.sections, content.history, content.card
    many, metric = sections.noun.many, str(card.get("metric") or "")
    drawn = curves.curves(history, card, records=many, halvings=sections.halvings)
    if not drawn:
        return []
    titled = [(f"Held-out: {metric}" if metric and t == "Held-out metric" else t, svg) for t, svg in drawn]
    read = [("", s) for s in curves.reading(history, card, records=many, halvings=sections.halvings)]
    return [Section("training", "The training", verdicts=read, drawings=[Drawing(*pair) for pair in titled])]


def _reading(sections: Sections[Any]) -> list[tuple[str, str]]:
    """What every report explains, with the kind's own explanations between."""
    noun, many = sections.noun, sections.noun.many
    close, fair = (f"{100 * THRESHOLDS[key]:.0f} %" for key in ("close", "fair"))
    called, starts = levels(noun), [b.called for b in sections.baselines if b.start]
    start = f"the better of {numbers.listed(starts)}" if len(starts) > 1 else "".join(starts)
    halved = ""
    if any(r.metric.halvings for r in sections.results.values()):
        halved = (
            " Distances have no upper end: their way is counted in halvings, so that “close” is within nine tenths of "
            f"them, or about twice the distance of real {many}."
        )
    return [
        ("Fakes", f"were judged as they are delivered, against held-out {many} that trained nothing."),
        (
            f"Real {many} (the ceiling)",
            f"the same figure with real {many} in the place of the fakes. Fresh real {many} differ from one another "
            "too; no honest fake does better, but by chance.",
        ),
        *((b.title, b.explanation) for b in sections.baselines),
        *sections.reading(),
        (
            "Levels",
            f"“{called['real']}”: the 95 % interval of the difference to the ceiling holds zero. “{called['close']}”, "
            f"“{called['fair']}”, “{called['weak']}”: {close} or more, {fair} or more, or less of the way from {start} "
            f"up to the ceiling.{halved} “{called['open']}”: no difference was found, but one that matters could hide "
            "in the interval.",
        ),
        ("Copies", limits(noun)),
    ]


def _card_text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k}: {_card_text(v)}" for k, v in value.items() if v not in (None, "", [], {}))
    if isinstance(value, list | tuple):
        shown = [f"({_card_text(v)})" if isinstance(v, Mapping) else _card_text(v) for v in value[:30]]
        return ", ".join(shown) + (f" and {len(value) - 30} more" if len(value) > 30 else "")
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= 10000 else str(value)
    text = f"{value:.5g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 200 else f"{text[:199]}…"  # so that one long option cannot fill the page
