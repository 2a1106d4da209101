"""The page: every part of the report laid out as one self-contained HTML text.

Knows the metrics' JSON, the card, the history and the pictures' makers; never files (see `report`), networks or the
loop. Every text from the data goes through Jinja2's autoescape; pictures are the only markup that is passed on.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from gankit.report import copying, curves, figure1, frame, heatmaps, numbers, panels, scale, tables
from gankit.report.standing import THRESHOLDS, Standing
from gankit.report.summary import LIMITS
from gankit.report.words import LEVELS, chip, name, words_of

if TYPE_CHECKING:
    from gankit.metrics.sample import Sample


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, heading, texts, pictures and tables. `fixed` ones are written by the template.

    verdicts: (title or nothing, sentences).
    """

    id: str
    title: str
    questions: Sequence[str] = ()
    verdicts: Sequence[tuple[str, str]] = ()
    panels: Sequence[panels.Panel] = ()
    pictures: Sequence[tuple[str, Markup]] = ()
    notes: Sequence[str] = ()
    tables: Sequence[tables.Table] = ()
    lookalikes: Sequence[copying.Lookalike] = ()
    fixed: bool = False


# Which metric families make which section, in the order of the page.
_SECTIONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("columns", "Columns", ("marginals",)),
    ("pairs", "Pairs of columns", ("pairs",)),
    ("groups", "Group-by answers", ("cube",)),
    ("judges", "Judged by machines", ("two-sample",)),
    ("usefulness", "Usefulness", ("usefulness",)),
    ("coverage", "Variety and rare categories", ("coverage",)),
    ("conditions", "Given a value", ("conditional",)),
    ("copies", "Copies", ("copies",)),
)


@dataclass(frozen=True)
class Content:
    """All that the page is made of.

    evaluation: of `evaluate_samples`; places and verdicts: each metric's; samples: real (held-out) and fake, aligned.
    """

    evaluation: Mapping[str, Any]
    places: Mapping[str, Standing]
    verdicts: Mapping[str, str]
    summary: Sequence[str]
    real: Sample
    fake: Sample
    card: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    figure_1d: Mapping[str, Any] | None
    notes: Sequence[str]


def page(content: Content, *, most_panels: int = 40) -> str:
    """The page as HTML; `most_panels` caps the pictures of columns."""
    card = content.card
    title = f"How good are the fakes of {card.get('name') or 'the model'}?"
    dates = date_columns(card)
    sections = [*_figure_1(content), *_sections(content, dates, most_panels), *_training(content)]
    first = [Section("overview", "All figures", fixed=True)]
    last = [Section("model", "The model", fixed=True), Section("reading", "How to read this page", fixed=True)]
    return frame.template("page.html.j2").render(
        title=title,
        lead=_lead(content),
        style=frame.style(),
        summary=content.summary,
        sections=[*first, *sections, *last],
        heads=["Real rows", "Independent columns", "Gaussian copula", "Real rows drawn again"],
        figures_all=[_figures(m, entry, content.places[m]) for m, entry in content.evaluation["metrics"].items()],
        key=scale.key(),
        alarms=frame.alarms(content.history),
        notes=[*content.notes, *(content.evaluation.get("notes") or ())],
        card=frame.card_lines(card),
        levels=LEVELS,
        thresholds=THRESHOLDS,
        limits=LIMITS,
        footer=frame.footer(card),
    )


def date_columns(card: Mapping[str, Any]) -> set[str]:
    """The columns that the card calls datetimes: their numbers are seconds since 1970."""
    columns = card.get("columns") or []
    entries = [{"name": k, "type": v} for k, v in columns.items()] if isinstance(columns, Mapping) else columns
    out = set()
    for entry in entries:
        if isinstance(entry, Mapping):
            kind = entry.get("type", entry.get("kind"))
            kind = kind.get("type", kind.get("kind")) if isinstance(kind, Mapping) else kind
            if kind in ("datetime", "date"):
                out.add(str(entry.get("name", entry.get("column"))))
    return out


def _lead(content: Content) -> str:
    rows = content.evaluation.get("rows") or {}
    parts = [
        f"{numbers.count(rows.get('fake'))} fakes",
        f"{numbers.count(rows.get('heldout'))} held-out rows",
        f"{numbers.count(rows.get('train'))} training rows",
    ]
    target = content.evaluation.get("target")
    if target is not None:
        guessed = " (guessed)" if content.evaluation.get("target_guessed") else ""
        parts.append(f"target: {target}{guessed}")
    return " · ".join(parts)


def _figures(metric: str, entry: Mapping[str, Any], place: Standing) -> dict[str, Any]:
    words = words_of(metric, entry)
    sides = {"fake": entry["fake"], "ceiling": entry.get("ceiling") or {}}
    sides |= {k: (entry.get("baselines") or {}).get(k, {}) for k in ("independent", "copula", "bootstrap")}
    shown = {
        k: {"value": numbers.score(v.get("value")), "interval": numbers.interval(v.get("low"), v.get("high"))}
        for k, v in sides.items()
    }
    return {
        "title": words.title,
        "level": place.level,
        "chip": chip(entry, place),
        "strip": scale.strip(entry, words.title),
        "fake": shown.pop("fake"),
        "sides": list(shown.values()),
    }


def _figure_1(content: Content) -> list[Section]:
    if content.figure_1d is None:
        return []
    return [
        Section(
            "figure-1d",
            "The game in one picture",
            ["The first figure of Goodfellow et al. (2014), for this model."],
            [("", figure1.words(content.figure_1d))],
            pictures=[("p_data, p_g, D(x), and G from z to x", figure1.picture(content.figure_1d))],
        )
    ]


def _training(content: Content) -> list[Section]:
    drawn = curves.curves(content.history, content.card)
    if not drawn:
        return []
    read = [("", sentence) for sentence in curves.reading(content.history, content.card)]
    return [Section("training", "The training", verdicts=read, pictures=drawn)]


def _sections(content: Content, dates: Collection[str], most_panels: int) -> list[Section]:
    metrics, out = content.evaluation["metrics"], []
    for ident, title, families in _SECTIONS:
        members = {m: e for m, e in metrics.items() if e.get("family") in families}
        if members:
            out.append(_section(ident, title, members, content, dates, most_panels))
    known = {f for _, _, families in _SECTIONS for f in families}
    others = {m: e for m, e in metrics.items() if e.get("family") not in known}
    if others:
        out.append(_section("others", "Further figures", others, content, dates, most_panels))
    return out


def _section(
    ident: str,
    title: str,
    members: Mapping[str, Mapping[str, Any]],
    content: Content,
    dates: Collection[str],
    most_panels: int,
) -> Section:
    details = {m: e["fake"].get("details") or {} for m, e in members.items()}
    extra: dict[str, Any] = {"tables": [t for m in members for t in tables.tables(m, details[m])], "notes": []}
    if ident == "columns":
        extra |= _column_panels(content, details, dates, most_panels)
    if ident == "pairs":
        extra |= _pair_pictures(content)
    if ident == "judges":
        extra["notes"] = _giveaways(content.evaluation["metrics"])
    if ident == "copies":
        near = details.get("copies_near", {})
        picture = copying.distances(near)
        extra["pictures"] = [("Distance to the nearest training row", picture)] if picture else []
        extra["lookalikes"] = copying.lookalikes(near.get("worst") or [], dates)
        extra["notes"] = [LIMITS]
    questions = [words_of(m, e).question for m, e in members.items()]
    return Section(
        ident,
        title,
        questions if len(questions) == 1 else [" ".join(questions)],
        [frame.titled(words_of(m, e).title, content.verdicts[m]) for m, e in members.items()],
        **extra,
    )


def _giveaways(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """What may give the fakes away, from the other metrics: the worst columns and pairs, with their scores."""
    found = {m: (metrics[m]["fake"].get("details") or {}) for m in ("shape", "trend") if m in metrics}
    columns = [
        f"{name(c['column'])} ({numbers.score(c['score'])})" for c in found.get("shape", {}).get("columns") or []
    ]
    pairs = [
        f"{name(p['columns'][0])} with {name(p['columns'][1])} ({numbers.score(p['score'])})"
        for p in found.get("trend", {}).get("pairs") or []
    ]
    parts = [numbers.listed(some[:3]) for some in (columns, pairs) if some]
    return (
        [
            f"Where to look for what gives the fakes away: the columns and pairs that fit worst are "
            f"{'; '.join(parts)}. "
            "What is left lies between three columns and more."
        ]
        if parts
        else []
    )


def _column_panels(
    content: Content, details: Mapping[str, Mapping[str, Any]], dates: Collection[str], most_panels: int
) -> dict[str, Any]:
    columns = content.evaluation.get("columns") or []
    scores = {c["column"]: float(c["score"]) for c in details.get("shape", {}).get("columns") or []}
    shown = panels.panels(columns, scores, content.real, content.fake, dates=dates, most=most_panels)
    notes = []
    if len(shown) > 1:
        notes.append("The column that differs most comes first; the figure is its own, 1 is best.")
    if len(shown) < len(columns):
        notes.append(f"The {len(shown)} columns that differ most are shown, of {len(columns)}; report.json has all.")
    return {"panels": shown, "notes": notes}


def _pair_pictures(content: Content) -> dict[str, Any]:
    names = content.real.names[: heatmaps.MAX_COLUMNS]
    if len(names) < 2:
        return {}
    maps = heatmaps.heat_maps(
        heatmaps.associations(content.real, names), heatmaps.associations(content.fake, names), names
    )
    notes = [
        "How strongly two columns go together: rank correlation of numbers (blue: rising together, orange: against "
        "each other), Cramér’s V of categories, correlation ratio of one with the other; 0 is not at all, 1 fully."
    ]
    if len(names) < len(content.real.names):
        notes.append(f"The first {len(names)} of {len(content.real.names)} columns are shown.")
    return {"pictures": maps, "notes": notes}
