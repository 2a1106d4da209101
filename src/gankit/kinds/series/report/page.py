"""The page on series: lines side by side, verdicts, tables and curves laid out as one self-contained HTML text.

Knows the JSON of a series evaluation, the card, the history and the makers of pictures; never files, networks or the
loop. Every text from the data is escaped; pictures are the only markup.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup

from gankit.kinds.series.metrics.sums import WHOLE
from gankit.kinds.series.report import panels
from gankit.kinds.series.report.looks import Look
from gankit.kinds.series.report.words import BASELINES, LEVELS, chip, words_of, worst_class
from gankit.metrics.metric import Noun
from gankit.report import charts, curves, frame, numbers, parts, records, scale
from gankit.report.old import LIMITS
from gankit.report.parts import Section
from gankit.report.section import Table, heads_of
from gankit.report.standing import THRESHOLDS

# Which metric families make which section, in the order of the page.
_SECTIONS: tuple[tuple[str, str], ...] = (
    ("judge", "Against judges"),
    ("values", "Values and changes"),
    ("dynamics", "Memory and frequencies"),
    ("facts", "Jumps, restless times, rises and falls"),
    ("features", "Distance in features"),
    ("form", "Lengths and gaps"),
    ("labels", "Labels"),
    ("copies", "Copies"),
)
_KNOWN = {family for family, _ in _SECTIONS}
_CONFIDENTIAL = (
    "This part shows real series. Do not pass the page on if those are confidential, or make it anew with --no-records."
)
_SIDES = ("autoregression", "blocks", "bootstrap")
_MOST_CURVES = 6
_STYLE = Markup(
    ".plots td svg { min-width: 11rem; max-width: 46rem; } .plots td, .plots tbody th { vertical-align: middle; } "
    ".plots th:first-child { width: 1%; min-width: 6rem; overflow-wrap: normal; }"
)


Content = parts.Content[Look]


def page(content: Content) -> str:
    """The page as HTML."""
    card, evaluation = content.card, content.evaluation
    overview = Section("overview", "All figures", figures=[_figures(m, content) for m in content.metrics], first=True)
    last = [Section("model", "The model", fixed=True), Section("reading", "How to read this page", fixed=True)]
    return frame.template("series.html.j2").render(
        title=f"How good are the fakes of {card.get('name') or 'the model'}?",
        lead=parts.lead(evaluation, "series"),
        style=frame.style() + _STYLE,
        summary=content.summary,
        sections=[
            *_samples(content),
            overview,
            *_measured(content),
            *parts.training(content, "series", halvings=True),
            *last,
        ],
        heads=["Real series", "Autoregression", "Blocks", "Training series drawn again"],
        key=scale.key(BASELINES, "real series"),
        alarms=frame.alarms(content.history),
        notes=[*content.notes, *(evaluation.get("notes") or ())],
        run=(evaluation.get("series") or {}).get("run") or 1,
        card=frame.card_lines(card),
        levels=LEVELS,
        thresholds=THRESHOLDS,
        limits=LIMITS.replace("record", "series"),
        footer=frame.footer(card),
    )


def _samples(content: Content) -> list[Section]:
    look, out = content.look, []
    beside = ", and held-out real ones beside them" if look.records else ""
    drawn = look.samples()
    if drawn:
        more = len(look.fake.names) - len(look.fake.levels) - len(drawn)
        cut = f" The first {len(drawn)} channels; {more} more are not drawn." if more > 0 else ""
        asked = f"The first fakes, as the model gives them, none chosen{beside}, on one scale.{cut}"
        out.append(Section("samples", "Look", [asked], pictures=drawn))
    bands = look.bands()
    if bands:
        asked = "Where values lie at each step: the lines of the fakes should run along the edges of the areas."
        out.append(Section("bands", "Over time", [asked], pictures=bands))
    by_class = look.classes()
    if by_class:
        told = worst_class(look.per_class)
        asked = "Fakes asked to have a label, a row each, none chosen; the least obeyed label first."
        out.append(
            Section("by-class", "Fakes by label", [asked], verdicts=[("", told)] if told else [], tables=by_class)
        )
    steps = look.progress_table(curves.chosen(curves.flat(content.history), content.card))
    if steps:
        asked = "How the same z look as the training goes on."
        out.append(Section("progress", "Samples over the training", [asked], tables=steps))
    closest = look.closest()
    if closest:
        asked = (
            "The worst cases that were found: fakes nearest to a training series for their distance to held-out ones. "
            "The same kind of series is what was to be learned; the same wiggles twice are a copy."
        )
        looked = "series about their own means, real ones drawn at the level of the fake"
        if look.fake.x.shape[1] > WHOLE:
            looked = "the logarithms of their power in bands of frequencies over time"
        note = (
            "Distances are root mean squares of differences after dynamic time warping by up to a tenth of the length, "
            f"of {looked}. “Suspiciously near” is nearer than {THRESHOLDS['near_ratio']:g} of the distance to any "
            "held-out series."
        )
        title = "Learned, or learned by heart?"
        out.append(Section("closest", title, [asked], _CONFIDENTIAL, tables=closest, notes=[note]))
    return out


def _figures(metric: str, content: Content) -> dict[str, Any]:
    entry, place = content.metrics[metric], content.places[metric]
    strip = {"baselines": BASELINES, "real": "real series", "halvings": bool(entry.get("distance"))}
    return parts.figures(words_of(metric, entry).title, entry, place, chip(metric, entry, place), _SIDES, strip)


def _measured(content: Content) -> list[Section]:
    out = []
    others = dict.fromkeys(e["family"] for e in content.metrics.values() if e["family"] not in _KNOWN)
    further = [(family, "Further figures") for family in others]
    for place, (family, title) in enumerate([*_SECTIONS, *further]):
        members = {m: e for m, e in content.metrics.items() if e["family"] == family}
        if not members:
            continue
        told = [frame.titled(words_of(m, e).title, content.verdicts[m]) for m, e in members.items()]
        asked = " ".join(words_of(m, e).question for m, e in members.items())
        extra = _extra(family, members, content)
        extra["verdicts"] = [*told, *extra.get("verdicts", [])]
        ident = family if family in _KNOWN else f"further-{place}"
        out.append(Section(ident, title, [asked] if asked else [], **extra))
    return out


def _extra(family: str, members: Mapping[str, Mapping[str, Any]], content: Content) -> dict[str, Any]:
    """What a section has beside the verdicts on its members."""
    look = content.look
    details = {m: e["fake"].get("details") or {} for m, e in members.items()}
    if family == "values":
        return {"pictures": look.values(), "tables": [*_values(details), *look.levels()]}
    if family == "dynamics":
        return {
            "pictures": [
                *_named("Memory", _drawn(details, "autocorrelation", "lags", "lag in steps", "autocorrelation")),
                *_named("Spectrum", _drawn(details, "spectrum", "frequencies", "cycles a step", "dB of the peak")),
                *_maps(details.get("cross_correlation") or {}),
            ],
            "tables": _pairs(details.get("cross_correlation") or {}),
        }
    if family == "facts":
        found = _drawn(details, "volatility", "lags", "lag in steps", "of sizes of changes")
        return {"pictures": _named("Restless times", found)}
    if family == "features":
        named = str(content.evaluation.get("features") or "").strip().rstrip(".")
        return {"notes": [f"Features: {named}."] if named else []}
    if family == "form":
        return {"pictures": look.lengths()}
    if family == "labels":
        caption = "A classifier trained on real series, on held-out ones (per cent of the true label)"
        judge = content.evaluation.get("classifier") or {}
        names = [str(c.get("class")) for c in look.per_class]
        tables = records.confusion_table(judge.get("confusion"), names, caption, "True label")
        return {"tables": [*look.class_figures(), *tables], "verdicts": _judge(judge)}
    if family == "copies":
        return parts.copies({m: (words_of(m, members[m]).noun, d) for m, d in details.items()}, "series")
    return {}


def _drawn(
    details: Mapping[str, Mapping[str, Any]], metric: str, key: str, xlabel: str, ylabel: str
) -> list[tuple[str, Markup]]:
    return panels.curves_of(details.get(metric) or {}, key, metric, xlabel, ylabel, _MOST_CURVES)


def _named(what: str, drawn: Sequence[tuple[str, Markup]]) -> list[tuple[str, Markup]]:
    return [(f"{what}: {channel}", svg) for channel, svg in drawn]


def _maps(details: Mapping[str, Any]) -> list[tuple[str, Markup]]:
    names = details.get("columns") or []
    if len(names) < 3:
        return []
    real, fake = (np.array([[v or 0.0 for v in row] for row in details[k]], float) for k in ("real", "fake"))
    return [(d.title, d.body) for d in charts.heat_maps(real, fake, names, Noun("series", "series"))]


def _pairs(details: Mapping[str, Any]) -> list[Table]:
    rows = tuple(
        (
            " × ".join(str(c) for c in p["columns"]),
            "at once" if not p.get("lag") else f"the second {p['lag']} step{'s' if p['lag'] > 1 else ''} later",
            numbers.score(p.get("real")),
            numbers.score(p.get("fake")),
        )
        for p in details.get("pairs") or []
    )
    heads = heads_of("Channels", "When", "#Correlation, real", "#Correlation, fake")
    return [Table("The pairs of channels whose correlation is furthest off", heads, rows)] if rows else []


def _values(details: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    out = []
    for metric, title in (("marginals", "Values"), ("changes", "Changes from step to step")):
        rows = tuple(
            (
                str(c["column"]),
                numbers.score(numbers.finite(c.get("ks"))),
                numbers.score(numbers.finite(c.get("wasserstein"))),
                numbers.score(numbers.finite(c.get("real_sd"))),
                numbers.score(numbers.finite(c.get("fake_sd"))),
            )
            for c in ((details.get(metric) or {}).get("columns") or [])[:12]
        )
        heads = heads_of("Channel", "#Distance (KS)", "#Earth mover’s", "#Spread, real", "#Spread, fake")
        caption = f"{title} of each channel, in standard deviations of the training part (worst first)"
        out.append(Table(caption, heads, rows))
    return [t for t in out if t.rows]


def _judge(judge: Mapping[str, Any]) -> list[tuple[str, str]]:
    told = parts.judged(judge, "series", "labels", "the figures on labels")
    return [("The classifier", f"Trained on the labels of training series, it is {told}")] if told else []
