"""The report: summary, verdicts and sections laid out as one self-contained page by one template for all kinds, the
strip that places fakes between baselines and real records, and the files they are written to.

Knows results, sections and words; never a kind of data, networks or the loop.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from gankit.arguments import path_of
from gankit.errors import DependencyError, OutputError
from gankit.io.atomic import whole_file
from gankit.metrics.evaluate import CEILING, FAKE, MetricResult
from gankit.metrics.metric import Baseline, Noun, Score, plain
from gankit.notebooks import html_table
from gankit.report import curves, numbers
from gankit.report.headline import Light, lights, score
from gankit.report.section import Chapter, Drawing, Section, Sections
from gankit.report.summary import findings, limits, summary
from gankit.report.verdict import THRESHOLDS, TRAINING, Finding, Verdict, direction_of, ends_of, levels, loss

if TYPE_CHECKING:
    from jinja2 import Template


MAX_BYTES = 2_000_000
_SCALES = (0.6, 0.3, 0.1, 0.0)
"""The size of a page, and what is left of its room, step by step, where it is larger."""

SCALE = "0: the better naive baseline, 100: real held-out data"
"""What the ends of the score are."""

_WIDTH, _HEIGHT, _MARGIN = 200.0, 26.0, 8.0
_MIDDLE = _HEIGHT / 2

_CEILING = (
    '<rect class="ceiling" x="{l}" y="3" width="{w}" height="20" rx="1.5"/>'
    '<line class="ceiling" x1="{x}" x2="{x}" y1="3" y2="23"/>'
)
_FAKE = '<line class="fake" x1="{l}" x2="{r}" y1="{m}" y2="{m}"/><circle class="fake" cx="{x}" cy="{m}" r="4"/>'
_MARKS = {
    "cross": '<path class="mark" d="M{x} {m}m-3-3l6 6m-6 0l6-6"/>',
    "square": '<rect class="mark" x="{x}" y="{m}" width="6" height="6" transform="translate(-3 -3)"/>',
    "triangle": '<path class="mark" d="M{x} {m}m0-4.2l3.8 6.8h-7.6z"/>',
    "diamond": '<path class="mark" d="M{x} {m}m0-4.4l4.4 4.4l-4.4 4.4l-4.4-4.4z"/>',
}


def strip(result: MetricResult, baselines: Sequence[Baseline[Any]], noun: Noun) -> Markup:
    """The strip as an inline SVG; empty when the fakes have no figure.

    baselines: those that are shown. Of a metric with halvings equal steps are halvings of the distance.
    """
    scores: dict[str, Score | None] = {FAKE: result.fake, CEILING: result.ceiling}
    scores |= {b.name: result.baselines.get(b.name) for b in baselines}
    best, direction = result.best, direction_of(result)
    known = {k: found for k, s in scores.items() if (found := _losses(s, best, direction)) is not None}
    if FAKE not in known:
        return Markup()
    if result.metric.halvings:
        known = _halved(known)
    worst = max(x for v in known.values() for x in v)
    least = min(0.0, *(x for v in known.values() for x in v))
    span = max(worst - least, 1e-9)

    def at(behind: float) -> float:
        return _WIDTH - _MARGIN - (behind - least) / span * (_WIDTH - 2 * _MARGIN)

    parts = [f'<line class="track" x1="{_MARGIN}" x2="{_WIDTH - _MARGIN}" y1="{_MIDDLE}" y2="{_MIDDLE}"/>']
    for name, mark in ((CEILING, _CEILING), *((b.name, _MARKS[b.mark]) for b in baselines), (FAKE, _FAKE)):
        if name in known:
            value, low, high = (at(x) for x in known[name])
            left, right, width = min(low, high), max(low, high), max(abs(high - low), 1.5)
            places = {key: f"{v:.1f}" for key, v in (("x", value), ("l", left), ("r", right), ("w", width))}
            parts.append(mark.format(m=_MIDDLE, **places))
    names = {FAKE: f"synthetic {noun.many}", CEILING: f"real {noun.many}", **{b.name: b.called for b in baselines}}
    figures = [f"{names[k]} {numbers.score(s.value)}" for k, s in scores.items() if k in known and s is not None]
    label = escape(f"{result.metric.title}: {'; '.join(figures)}.")
    return Markup(
        f'<svg class="strip" viewBox="0 0 {_WIDTH:g} {_HEIGHT:g}" role="img" aria-label="{label}">'
        f"<title>{label}</title>{''.join(parts)}</svg>"
    )


def _losses(score: Score | None, best: float, direction: str) -> list[float] | None:
    """How far a score and the ends of its interval are from the best value; None without a figure."""
    if score is None or numbers.finite(score.value) is None:
        return None
    return [loss(v, best, direction) for v in (score.value, *ends_of(score))]


def _halved(known: Mapping[str, list[float]]) -> dict[str, list[float]]:
    """Losses on a scale of halvings, the least at 0; what is nearer than a ten-thousandth of the worst counts as that.

    The right end is then no perfection but the nearest of those shown.
    """
    least = max(max(x for v in known.values() for x in v) * 1e-4, 1e-12)
    logs = {k: [math.log2(max(x, least)) for x in v] for k, v in known.items()}
    nearest = min(x for v in logs.values() for x in v)
    return {k: [x - nearest for x in v] for k, v in logs.items()}


def key(baselines: Sequence[Baseline[Any]], noun: Noun) -> list[tuple[Markup, str]]:
    """The marks of a strip and what they mean, for the page's key."""
    marks = [(_FAKE, f"synthetic {noun.many}"), (_CEILING, f"real {noun.many} instead of them (the ceiling)")]
    marks += [(_MARKS[b.mark], b.called) for b in baselines]
    svg = '<svg class="key" viewBox="0 0 24 26" aria-hidden="true">{}</svg>'
    return [(Markup(svg.format(mark.format(x="12", l="6", r="18", w="12", m=13))), text) for mark, text in marks]


@dataclass(frozen=True)
class Content:
    """All that a page is made of: the kind's sections, each metric's verdict, the finding on each subject, score and
    lights, the summary, and what surrounds them.
    """

    sections: Sections[Any]
    verdicts: Mapping[str, Verdict]
    findings: Mapping[str, Finding]
    score: float | None
    lights: Sequence[Light]
    summary: Sequence[str]
    card: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    notes: Sequence[str]


def page(content: Content) -> str:
    """The page as HTML."""
    sections, card, noun, rows = content.sections, content.card, content.sections.noun, content.sections.evaluation.rows
    counts = [(rows.fake, "synthetic"), (rows.heldout, "held-out"), (rows.train, "training")]
    first = [m for m, v in content.verdicts.items() if v.result.metric.headline and _shown(v)]
    before, chapters = sections.samples(), _chapters(content)
    if not before:  # the figures that are seen first are then those of the first chapter that has some
        before = [s for s in chapters if s.drawings][:1]
        chapters = [s for s in chapters if s not in before]
    version = card.get("gankit_version") or card.get("version")
    return _template().render(
        title=f"How good are the synthetic {noun.many} of {card.get('name') or 'the model'}?",
        lead=" · ".join([*(f"{numbers.count(num)} {part} {noun.many}" for num, part in counts), *sections.lead()]),
        style=Markup(files("gankit.report").joinpath("style.css").read_text(encoding="utf-8") + sections.style),
        score=content.score,
        lights=content.lights,
        summary=content.summary,
        before=before[:1],
        after=[*before[1:], *chapters, *sections.more(), *_training(content)],
        first=first,
        rows={name: _row(verdict, sections) for name, verdict in content.verdicts.items()},
        heads=[f"Real {noun.many}", *(b.title for b in sections.baselines)],
        key=key(sections.baselines, noun),
        noun=noun,
        scale=SCALE,
        alarms=_alarms(content.history),
        notes=[*content.notes, *sections.evaluation.notes],
        card=[(k.replace("_", " "), _card_text(v)) for k, v in card.items() if v not in (None, "", [], {})],
        reading=_reading(sections),
        maker=f"gankit {version}" if version else "gankit",
    )


def _shown(verdict: Verdict) -> bool:
    """Whether a metric applies to this data, and says how good the synthetic samples are."""
    return verdict.result.metric.judged and numbers.finite(verdict.result.fake.value) is not None


def _alarms(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """What seemed wrong during the training and when last; what to do at the end is the findings' to say."""
    last = {str(a).partition(":")[0]: (entry, str(a)) for entry in history for a in entry.get("alarms") or ()}
    told = [
        (numbers.finite(entry.get("samples")), a.partition(". ")[0].removesuffix(".")) for entry, a in last.values()
    ]
    return [f"At {numbers.count(samples)} samples: {a}." for samples, a in told]


@cache
def _template() -> Template:
    """The template of every page; a name that it uses and nobody gave is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    loader, strict = PackageLoader("gankit", "report"), StrictUndefined
    environment = Environment(loader=loader, autoescape=True, undefined=strict, trim_blocks=True, lstrip_blocks=True)
    environment.filters["tied"] = _tied
    return environment.get_template("report.html.j2")


def _tied(text: str) -> Markup:
    """The text, escaped, with percent signs tied to their numbers and options set as code, so that neither is torn."""
    safe = str(escape(text)).replace(" %", "\u00a0%")
    return Markup(re.sub(r"--[a-z][a-z-]*(?: [A-Z][A-Z=]*)?", r"<code>\g<0></code>", safe))


def _row(verdict: Verdict, sections: Sections[Any]) -> dict[str, Any]:
    """A metric's row in a table of figures: fakes, real records and the baselines."""
    result = verdict.result
    scores = (result.fake, result.ceiling, *(result.baselines.get(b.name) for b in sections.baselines))
    cells = [("–", "") if s is None else (numbers.score(s.value), numbers.interval(s.low, s.high)) for s in scores]
    drawn = strip(result, sections.baselines, sections.noun)
    shown = {"title": result.metric.title, "level": verdict.level, "chip": verdict.chip, "strip": drawn}
    return {**shown, "fake": cells[0], "sides": cells[1:]}


def _chapters(content: Content) -> list[Section]:
    """The sections of the metrics by family; families that no chapter names come last."""
    sections = content.sections
    known = {family for chapter in sections.chapters for family in chapter.families}
    others = dict.fromkeys(v.result.metric.family for v in content.verdicts.values())
    further = [Chapter(f"further-{i}", "Further figures", (f,)) for i, f in enumerate(others) if f not in known]
    out = []
    for chapter in (*sections.chapters, *further):
        members = {m: v for m, v in content.verdicts.items() if v.result.metric.family in chapter.families}
        if members and all(numbers.finite(v.result.fake.value) is None for v in members.values()):
            continue
        members = {m: v for m, v in members.items() if numbers.finite(v.result.fake.value) is not None}
        results = {m: v.result for m, v in members.items()}
        main = [m for m, r in results.items() if r.metric.headline]
        asked = " ".join(results[m].metric.question for m in main)
        said = [_titled(results[m].metric.title, members[m].text) for m in main]
        rest = list(members) if len(members) > len(main) else []
        begun = Section(chapter.id, chapter.title, [asked] if asked else [], "", said, rest)
        section = sections.chapter(begun, results)
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
    found = content.findings[TRAINING]
    read = [("", s) for s in curves.reading(history, card, found, records=many, halvings=sections.halvings)]
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
        (f"Synthetic {many}", "were evaluated as they are delivered, against held-out ones that trained nothing."),
        (
            f"Real {many} (the ceiling)",
            f"the same figure with real {many} instead of the synthetic ones. Fresh real {many} differ from one "
            "another too; no honest model does better, but by chance.",
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


@dataclass(frozen=True, repr=False)
class Report:
    """An account of how good synthetic samples are.

    json: {"score", "lights": [{"light", "level", "text"}], "summary": [...], "verdicts": [{"metric", "title", "level",
        "text"}], "findings": [{"subject", "direction", "strength", "metrics", "text"}] (one a subject), "evaluation"
        (see `gankit.metrics.evaluate`), "card", "history", "notes"} and what the kind adds, plain JSON values. level:
        real, close, fair, weak, open (too few records) or none (not computed).
    html: the page, self-contained.
    verdicts: the summary's sentences, then a verdict for each metric, as plain text.
    """

    json: dict[str, Any]
    html: str
    verdicts: list[str]

    @property
    def score(self) -> float | None:
        """From 0, the better naive baselines, to 100, what real held-out records reach; None where unknown."""
        found: float | None = self.json["score"]
        return found

    @property
    def lights(self) -> dict[str, tuple[str, str]]:
        """The three lights: name -> (green, amber, red or grey; a sentence)."""
        return {entry["light"]: (entry["level"], entry["text"]) for entry in self.json["lights"]}

    @property
    def headline(self) -> list[str]:
        """The score and the lights as lines."""
        first = [] if self.score is None else [f"Score: {self.score:.0f} of 100 ({SCALE})."]
        return [*first, *(f"{name}: {level}. {text}" for name, (level, text) in self.lights.items())]

    def figures(self) -> dict[str, float | None]:
        """Metric -> the figure of the synthetic samples; None where it cannot be computed."""
        return {name: entry["fake"]["value"] for name, entry in self._metrics.items()}

    def to_frame(self) -> Any:
        """A pandas DataFrame with a row a metric: `fake` (with its interval `low` to `high`), `real` (real records
        instead of the synthetic ones), a column a baseline, `best`, and the verdict's `level` and `text`.

        Raises:
            DependencyError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError:
            raise DependencyError("to_frame needs pandas: pip install 'gankit[pandas]'; figures() does not.") from None
        said = {entry["metric"]: entry for entry in self.json["verdicts"]}
        rows = [
            {
                "metric": name,
                "title": said[name]["title"],
                **{key: entry["fake"][key] for key in ("value", "low", "high")},
                "real": None if entry["ceiling"] is None else entry["ceiling"]["value"],
                **{name: score["value"] for name, score in entry["baselines"].items()},
                "best": entry["best"],
                "level": said[name]["level"],
                "text": said[name]["text"],
            }
            for name, entry in self._metrics.items()
        ]
        return pd.DataFrame(rows).rename(columns={"value": "fake"}).set_index("metric")

    @property
    def _metrics(self) -> dict[str, Any]:
        metrics: dict[str, Any] = self.json["evaluation"]["metrics"]
        return metrics

    def __repr__(self) -> str:
        figures = [f"{name} {numbers.score(value)}" for name, value in self.figures().items() if value is not None]
        shown = ", ".join(figures[:6]) + (f", … ({len(figures)})" if len(figures) > 6 else "")
        return f"<gankit.Report on {self.json['card'].get('name') or 'a model'}: {shown}>"

    def _repr_html_(self) -> str:
        rows = [
            {
                "": entry["title"],
                "synthetic": numbers.score(self._metrics[entry["metric"]]["fake"]["value"]),
                "real": numbers.score((self._metrics[entry["metric"]]["ceiling"] or {}).get("value")),
                "level": entry["level"],
            }
            for entry in self.json["verdicts"]
        ]
        return html_table("gankit.Report", rows, [*self.headline, *self.json["summary"]])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the page and the JSON: `x.html` and, beside it, `x.json`; in a folder `report.html` and `report.json`.

        Folders that are missing are made. Each file is replaced as a whole or not at all.

        Raises:
            OutputError: the path has another suffix, or cannot be written.
        """
        page = path_of(path)
        if page.suffix == "" or page.is_dir():
            page = page / "report.html"
        if page.suffix.lower() not in (".html", ".htm"):
            raise OutputError(
                f"report {str(path)!r}: expected a name that ends in .html or a folder, found the suffix "
                f"{page.suffix!r}. Save it as {page.with_suffix('.html').name!r}."
            )
        text = json.dumps(self.json, ensure_ascii=False, allow_nan=False, indent=1)
        try:
            page.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(page) as shown, whole_file(page.with_suffix(".json")) as figures:
                shown.write(self.html.encode())
                shown.flush()  # before the JSON takes its name, so that a full disk leaves both as they were
                figures.write(text.encode())
        except OSError as error:
            raise OutputError(
                f"the report cannot be written to {str(page.parent)!r}: {error.strerror or error}. "
                "Free some space or choose another place with -o."
            ) from error


def build(
    sections: Sections[Any], *, card: Mapping[str, Any], history: Sequence[Mapping[str, Any]], notes: Sequence[str] = ()
) -> Report:
    """The report on the synthetic samples that the sections show.

    Its page stays under `MAX_BYTES` by showing less.

    Args:
        sections: the evaluation, and what the kind of data adds to its report.
        card: what the model is, as plain JSON. Used by name: `name`, `metric` (what the history's metric is called),
            `chosen_samples`, `gankit_version`; all of it is shown.
        history: one mapping an evaluation of the training: `samples`, `metric` (larger is better), `loss_g`, `loss_d`,
            `alarms`, and D's `scores` as in `gankit.training.Scores`; what is missing is not drawn.
        notes: further remarks for the reader, one sentence each.
    """
    card, history, many = plain(dict(card)), plain([dict(h) for h in history]), sections.noun.many
    sections = replace(sections, chosen=curves.chosen(curves.flat(history), card))
    if not sections.records:
        left_out = (
            f"Real {many}, and the synthetic {many} that look most like training {many}, were left out of this "
            f"report. The other synthetic {many} are shown: look at them before you pass the page on."
        )
        notes = [*notes, sections.left_out or left_out]
        sections = replace(sections, evaluation=sections.without_records())
    said = sections.told()
    found, sentences = findings(sections, said, history), summary(sections, said, history)
    total, three = score(said), lights(sections, said, found, curves.d_accuracy(history, sections.chosen))
    content = Content(sections, said, found, total, three, sentences, card, history, notes)
    html = page(content)
    for scale in _SCALES:  # less of everything, should records or names be so long that the page grows too large
        if len(html.encode()) > MAX_BYTES:
            html = page(replace(content, sections=replace(sections, scale=scale)))
    value = {
        "score": total,
        "lights": [vars(light) for light in three],
        "summary": sentences,
        "verdicts": [
            {"metric": m, "title": v.result.metric.title, "level": v.level, "text": v.text} for m, v in said.items()
        ],
        "findings": [vars(finding) for finding in found.values()],
        "evaluation": sections.evaluation.to_json(),
        "card": card,
        "history": history,
        **sections.appendix(),
        "notes": list(notes),
    }
    return Report(plain(value), html, [*sentences, *(v.text for v in said.values())])
