"""The page on pictures: sheets, verdicts, tables and curves laid out as one self-contained HTML text.

Knows the JSON of a picture evaluation, the card, the history and the makers of sheets; never files, networks or the
loop. Every text from the data goes through Jinja2's autoescape; pictures and shaded cells are the only markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gankit.kinds.images.report import tables as picture_tables
from gankit.kinds.images.report.looks import Look
from gankit.kinds.images.report.words import BASELINES, LEVELS, chip, is_distance, words_of, worst_class
from gankit.report import curves, frame, parts, scale
from gankit.report.old import LIMITS
from gankit.report.parts import Section
from gankit.report.standing import THRESHOLDS, Standing

# Which metric families make which section, in the order of the page.
_SECTIONS: tuple[tuple[str, str, str], ...] = (
    ("distance", "Distance to real pictures", "distance"),
    ("fidelity", "Realism and variety", "fidelity"),
    ("classes", "Classes", "classes"),
    ("usefulness", "Usefulness", "usefulness"),
    ("copies", "Copies", "copies"),
)
_MEASURED = {family for _, _, family in _SECTIONS} | {"history"}
_SIDES = ("noise", "mean", "bootstrap")
_CONFIDENTIAL = (
    "This part shows real pictures. Do not pass the page on if those are confidential, or make it anew with "
    "--no-records."
)


Content = parts.Content[Look]


def page(content: Content) -> str:
    """The page as HTML."""
    card, evaluation = content.card, content.evaluation
    first, overview = (
        [*content.extra, *_samples(content)],
        Section("overview", "All figures", figures=_all_figures(content), first=True),
    )
    last = [Section("model", "The model", fixed=True), Section("reading", "How to read this page", fixed=True)]
    sections = [
        *first,
        *_neighbours(content),
        overview,
        *_measured(content),
        *parts.training(content, "pictures", halvings=True),
        *_history(content),
    ]
    return frame.template("pictures.html.j2").render(
        title=f"How good are the fakes of {card.get('name') or 'the model'}?",
        lead=parts.lead(evaluation, "pictures"),
        style=frame.style(),
        summary=content.summary,
        sections=[*sections, *last],
        heads=["Real pictures", "Noise", "Mean picture", "Training pictures drawn again"],
        key=scale.key(BASELINES, "real pictures"),
        alarms=frame.alarms(content.history),
        notes=[*content.notes, *(evaluation.get("notes") or ())],
        features=features(evaluation),
        card=frame.card_lines(card),
        levels=LEVELS,
        thresholds=THRESHOLDS,
        limits=LIMITS.replace("record", "picture"),
        footer=frame.footer(card),
    )


def features(evaluation: Mapping[str, Any]) -> str:
    """In what distances are measured, with the resizing where the evaluation names it; without a full stop."""
    text = str(evaluation.get("features") or "").strip().rstrip(".")
    resizing = str(evaluation.get("resizing") or "").strip().rstrip(".")
    return f"{text} (resizing: {resizing})" if text and resizing and resizing not in text else text


def _samples(content: Content) -> list[Section]:
    look, out = content.look, []
    sheets, note = look.samples(), look.size_note()
    if sheets:
        beside = ", and held-out real pictures at the same size" if len(sheets) > 1 else ""
        out.append(
            Section(
                "samples",
                "Look",
                [f"The first fakes, as the model gives them, none chosen{beside}."],
                sheets=sheets,
                notes=[note] if note else [],
            )
        )
    by_class = look.classes()
    if by_class:
        known = worst_class(look.per_class)
        out.append(
            Section(
                "by-class",
                "Fakes by class",
                [
                    "Fakes asked to show a class, a row each, none chosen."
                    if look.asked
                    else "The first fakes of each class, as the classifier sees them."
                ],
                verdicts=[("", known)] if known else [],
                tables=by_class,
            )
        )
    steps = look.progress_table(curves.chosen(curves.flat(content.history), content.card))
    if steps:
        out.append(
            Section(
                "progress", "Samples over the training", ["How the same z look as the training goes on."], tables=steps
            )
        )
    return out


def _neighbours(content: Content) -> list[Section]:
    look, out = content.look, []
    figure = look.figure_2014()
    if figure:
        out.append(
            Section(
                "figure-2014",
                "Learned, or learned by heart?",
                [
                    "The second figure of Goodfellow et al. (2014) for this model: fakes, none chosen, and in yellow "
                    "frames the training picture nearest to the fake at its left. If the two are the same, it was "
                    "copied. Features also see a copy that was shifted or tinted."
                ],
                _CONFIDENTIAL,
                sheets=figure,
            )
        )
    closest = look.closest()
    if closest:
        out.append(
            Section(
                "closest",
                "The fakes closest to training pictures",
                [
                    "The worst cases that were found: fakes nearest to a training picture for their distance to "
                    "held-out ones. Look for the same picture twice; the same kind of picture is what was to be "
                    "learned."
                ],
                "" if figure else _CONFIDENTIAL,
                tables=closest,
                notes=[
                    f"“Suspiciously near” is nearer than {THRESHOLDS['near_ratio']:g} of the distance to any held-out "
                    "picture. Distances are between pixels; of large pictures between means of small squares."
                ],
            )
        )
    return out


def _all_figures(content: Content) -> list[dict[str, Any]]:
    return [
        _figures(m, entry, content.places[m]) for m, entry in content.metrics.items() if entry["family"] != "history"
    ]


def _figures(metric: str, entry: Mapping[str, Any], place: Standing) -> dict[str, Any]:
    strip = {"baselines": BASELINES, "real": "real pictures", "halvings": is_distance(entry)}
    return parts.figures(words_of(metric, entry).title, entry, place, chip(entry, place), _SIDES, strip)


def _measured(content: Content) -> list[Section]:
    out = []
    others = [e["family"] for e in content.metrics.values() if e["family"] not in _MEASURED]
    further = tuple(("further", "Further figures", family) for family in dict.fromkeys(others))
    for place, (ident, title, family) in enumerate((*_SECTIONS, *further)):
        members = {m: e for m, e in content.metrics.items() if e["family"] == family}
        extra = _extra(ident, members, content)
        if not members and not extra.get("tables"):
            continue
        told = [frame.titled(words_of(m, e).title, content.verdicts[m]) for m, e in members.items()]
        asked = " ".join(words_of(m, e).question for m, e in members.items())
        unique = ident if ident != "further" else f"further-{place}"
        extra["verdicts"] = [*told, *extra.get("verdicts", [])]
        out.append(Section(unique, title, [asked] if asked else [], **extra))
    return out


def _extra(ident: str, members: Mapping[str, Mapping[str, Any]], content: Content) -> dict[str, Any]:
    """What a section has beside the verdicts on its members."""
    details = {m: e["fake"].get("details") or {} for m, e in members.items()}
    if ident == "distance":
        return {"notes": _feature_notes(content)}
    if ident == "fidelity":
        return {"notes": _feature_notes(content), "sheets": content.look.kinds()}
    if ident == "classes":
        return _class_tables(content)
    if ident == "usefulness":
        caption = "A classifier trained on fakes, on held-out real pictures (per cent of the true class)"
        confusions = [d["confusion"] for d in details.values() if d.get("confusion")]
        found = [picture_tables.mistakes(c, _names(content), caption, "True class") for c in confusions]
        return {"tables": [t for tables in found for t in tables]}
    if ident == "copies":
        return parts.copies({m: (words_of(m, members[m]).noun, d) for m, d in details.items()}, "picture")
    return {}


def _feature_notes(content: Content) -> list[str]:
    found = features(content.evaluation)
    return [f"Features: {found}."] if found else []


def _class_tables(content: Content) -> dict[str, Any]:
    evaluation, look, names = content.evaluation, content.look, _names(content)
    tables, told = picture_tables.classes(look.per_class), []
    judge = evaluation.get("classifier")
    if judge:
        told.append(("The classifier", _judge(judge)))
        caption = "The classifier on held-out real pictures (per cent of the true class)"
        tables += picture_tables.judge(judge)
        tables += picture_tables.mistakes(judge.get("confusion"), names, caption, "True class")
    return {"tables": tables, "verdicts": told}


def _names(content: Content) -> list[str]:
    """The names of the classes, in their order."""
    names = (content.look.labels or {}).get("names") or [c.get("class") for c in content.look.per_class]
    return [str(n) for n in names]


def _judge(judge: Mapping[str, Any]) -> str:
    told = parts.judged(judge, "pictures", "classes", "the figures on classes")
    seen = "It was trained on the labels of the training pictures and is the eye of the figures on classes."
    return f"{seen} It is {told}" if told else seen


def _history(content: Content) -> list[Section]:
    out: list[Section] = []
    for metric, entry in content.metrics.items():
        if entry["family"] == "history":
            mnist = picture_tables.is_mnist(content.card, tuple(content.look.fake.shape[1:]))
            told = frame.titled(words_of(metric, entry).title, content.verdicts[metric])
            out.append(
                Section(
                    f"history-{len(out)}" if out else "history",
                    "For history",
                    [words_of(metric, entry).question],
                    verdicts=[told],
                    tables=picture_tables.parzen(entry, mnist) if metric == "parzen" else [],
                    notes=picture_tables.parzen_notes(entry["fake"].get("details") or {}),
                )
            )
    return out
