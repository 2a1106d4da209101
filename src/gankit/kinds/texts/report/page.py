"""The page on texts: texts side by side, verdicts, tables and curves laid out as one self-contained HTML text.

Knows the JSON of a text evaluation, the card, the history and the makers of tables; never files, networks or the
loop. Every text from the data is escaped; pictures and marked differences are the only markup.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gankit.kinds.texts.report.looks import Look
from gankit.kinds.texts.report.panels import STYLE, by_order, length_picture
from gankit.kinds.texts.report.words import BASELINES, HEADLINES, LEVELS, chip, words_of, worst_class
from gankit.report import curves, frame, numbers, parts, records, scale
from gankit.report.old import LIMITS
from gankit.report.parts import Section
from gankit.report.section import Table, heads_of
from gankit.report.standing import THRESHOLDS

# Which metric families make which section, in the order of the page.
_SECTIONS: tuple[tuple[str, str], ...] = (
    ("validity", "Valid texts"),
    ("grams", "Units and their runs"),
    ("bleu", "Quality and variety by BLEU"),
    ("variety", "Variety and novelty"),
    ("shape", "Lengths and symbols"),
    ("judge", "Against a judge"),
    ("labels", "Labels"),
    ("copies", "Copies"),
)
_KNOWN = {family for family, _ in _SECTIONS}
_CONFIDENTIAL = (
    "This part shows real texts. Do not pass the page on if those are confidential, or make it anew with --no-records."
)
_SIDES = ("unigram", "shuffled", "trigram", "bootstrap")
_CURVES = (
    ("ngrams", "Divergence of n-grams (0 is best)", "divergence"),
    ("bleu", "BLEU-n: fakes against real texts", "BLEU-n"),
    ("backward_bleu", "Backward BLEU-n: real texts against fakes", "BLEU-n"),
    ("self_bleu", "Self-BLEU-n: fakes against fakes", "BLEU-n"),
)


_RIVAL_HEADS = {
    "valid": "Valid",
    "ngrams": "Divergence of n-grams",
    "bleu_2": "BLEU-2",
    "bleu_5": "BLEU-5",
    "backward_bleu_5": "Backward BLEU-5",
    "self_bleu_5": "Self-BLEU-5",
    "uniqueness": "Different",
    "novelty": "New",
}


Content = parts.Content[Look]


def page(content: Content) -> str:
    """The page as HTML."""
    card, evaluation = content.card, content.evaluation
    shown = [m for m in content.metrics if m in HEADLINES or content.metrics[m]["family"] not in _KNOWN]
    overview = Section("overview", "All figures", figures=[_figures(m, content) for m in shown], first=True)
    last = [Section("model", "The model", fixed=True), Section("reading", "How to read this page", fixed=True)]
    return frame.template("texts.html.j2").render(
        title=f"How good are the fakes of {card.get('name') or 'the model'}?",
        lead=parts.lead(evaluation, "texts"),
        style=frame.style() + STYLE,
        summary=content.summary,
        sections=[
            *_samples(content),
            overview,
            *_measured(content),
            *_rival(content),
            *parts.training(content, "texts"),
            *last,
        ],
        heads=["Real texts", "Single units", "Shuffled units", "Trigram model", "Training texts drawn again"],
        key=scale.key(BASELINES, "real texts"),
        alarms=frame.alarms(content.history),
        notes=[*content.notes, *(evaluation.get("notes") or ())],
        unit=content.look.units,
        card=frame.card_lines(card),
        levels=LEVELS,
        thresholds=THRESHOLDS,
        limits=LIMITS.replace("record", "text"),
        footer=frame.footer(card),
    )


def _samples(content: Content) -> list[Section]:
    look, out = content.look, []
    samples = look.samples()
    if samples:
        beside = ", and held-out real texts beside them" if look.records else ""
        asked = f"The first fakes, as the model gives them, none chosen{beside}."
        out.append(Section("samples", "Read", [asked], tables=samples))
    by_class = look.classes()
    if by_class:
        told = worst_class(look.per_class)
        asked = "Fakes asked to have a label, a row each, none chosen; the least obeyed label first."
        out.append(
            Section("by-class", "Fakes by label", [asked], verdicts=[("", told)] if told else [], tables=by_class)
        )
    steps = look.progress_table(curves.chosen(curves.flat(content.history), content.card))
    if steps:
        asked = "How the same z read as the training goes on."
        out.append(Section("progress", "Samples over the training", [asked], tables=steps))
    closest = look.closest()
    if closest:
        asked = (
            "The worst cases that were found: fakes nearest to a training text for their distance to held-out ones. "
            "What differs is marked. Short texts of few symbols meet by chance."
        )
        note = (
            "The distance is the number of edits (units put in, taken out or replaced) over the length of the longer "
            f"text. “Suspiciously near” is nearer than {THRESHOLDS['near_ratio']:g} of the distance to any held-out "
            "text."
        )
        title = "Learned, or learned by heart?"
        out.append(Section("closest", title, [asked], _CONFIDENTIAL, tables=closest, notes=[note]))
    return out


def _figures(metric: str, content: Content) -> dict[str, Any]:
    entry, place = content.metrics[metric], content.places[metric]
    strip = {"baselines": BASELINES, "real": "real texts"}
    return parts.figures(words_of(metric, entry).title, entry, place, chip(metric, entry, place), _SIDES, strip)


def _measured(content: Content) -> list[Section]:
    out = []
    others = dict.fromkeys(e["family"] for e in content.metrics.values() if e["family"] not in _KNOWN)
    further = [(family, "Further figures") for family in others]
    for place, (family, title) in enumerate([*_SECTIONS, *further]):
        members = {m: e for m, e in content.metrics.items() if e["family"] == family}
        if not members:
            continue
        main = [m for m in members if m in HEADLINES or family not in _KNOWN]
        told = [frame.titled(words_of(m, members[m]).title, content.verdicts[m]) for m in main]
        asked = " ".join(words_of(m, members[m]).question for m in main)
        rest = [_figures(m, content) for m in members] if len(members) > len(main) else []
        extra = _extra(family, members, content)
        extra["verdicts"] = [*told, *extra.get("verdicts", [])]
        ident = family if family in _KNOWN else f"further-{place}"
        out.append(Section(ident, title, [asked] if asked else [], figures=rest, **extra))
    return out


def _extra(family: str, members: Mapping[str, Mapping[str, Any]], content: Content) -> dict[str, Any]:
    """What a section has beside the verdicts on its members."""
    look = content.look
    details = {m: e["fake"].get("details") or {} for m, e in members.items()}
    if family == "validity":
        return {"tables": look.invalid()}
    if family in ("grams", "bleu"):
        stems = _CURVES[:1] if family == "grams" else _CURVES[1:]
        drawn = [(title, by_order(content.metrics, stem, title, label)) for stem, title, label in stems]
        return {
            "pictures": [(title, svg) for title, svg in drawn if svg],
            "tables": look.grams() if family == "grams" else [],
        }
    if family == "shape":
        svg = length_picture(content.evaluation.get("lengths"), look.units)
        return {"pictures": [("Lengths", svg)] if svg else []}
    if family == "labels":
        caption = "A classifier trained on real texts, on held-out ones (per cent of the true label)"
        judge = content.evaluation.get("classifier") or {}
        names = [str(c.get("class")) for c in look.per_class]
        tables = records.confusion_table(judge.get("confusion"), names, caption, "True label")
        return {"tables": [*look.class_figures(), *tables], "verdicts": _judge(judge)}
    if family == "copies":
        return parts.copies({m: (words_of(m, members[m]).noun, d) for m, d in details.items()}, "text")
    return {}


def _judge(judge: Mapping[str, Any]) -> list[tuple[str, str]]:
    told = parts.judged(judge, "texts", "labels", "the figures on labels")
    start = "A linear model on n-grams, trained on the labels of training texts, is"
    return [("The classifier", f"{start} {told}")] if told else []


def _rival(content: Content) -> list[Section]:
    """The fakes beside texts of G before the game, at several temperatures."""
    found = content.evaluation.get("likelihood") or {}
    rows = found.get("rows") or []
    names = [m for m in _RIVAL_HEADS if rows and m in rows[0]]
    if not names:
        return []
    table = Table(
        "The same figures of as many texts each",
        heads_of("Texts", *(f"#{_RIVAL_HEADS[m]}" for m in names)),
        tuple((_who(row), *(numbers.score(row.get(m)) for m in names)) for row in rows),
    )
    asked = (
        f"Did the game help? G began it after a warm-up by likelihood on {numbers.count(found.get('samples'))} real "
        "texts. Lower temperatures give quality for variety: where a row of G before the game is better in both, the "
        "game did not help."
    )
    return [Section("likelihood", "With and without the game", [asked], tables=[table])]


def _who(row: Mapping[str, Any]) -> str:
    return "the fakes" if row.get("temperature") is None else f"before the game, temperature {row['temperature']:g}"
