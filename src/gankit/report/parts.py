"""What the pages on pictures, texts and series share: their sections, rows of figures, classifier, curves and JSON.

Knows the JSON of metrics, the card, the history and the makers of curves; never what the records are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from markupsafe import Markup

from gankit.metrics.score import plain
from gankit.report import curves, numbers, scale
from gankit.report.copying import distances
from gankit.report.old import LIMITS
from gankit.report.report import MAX_BYTES, Report
from gankit.report.section import Table, heads_of
from gankit.report.standing import THRESHOLDS, Standing

LookT = TypeVar("LookT")


@dataclass(frozen=True)
class Section:
    """A part of the page: its anchor, heading, texts, images, tables. `fixed` ones are written by the template.

    first: it has the key of the strips, alarms and notes. verdicts: (title or nothing, sentences); sheets: (title,
    image); pictures: (title, SVG).
    """

    id: str
    title: str
    questions: Sequence[str] = ()
    warning: str = ""
    figures: Sequence[Mapping[str, Any]] = ()
    first: bool = False
    verdicts: Sequence[tuple[str, str]] = ()
    sheets: Sequence[tuple[str, Markup]] = ()
    pictures: Sequence[tuple[str, Markup]] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    fixed: bool = False


@dataclass(frozen=True)
class Content(Generic[LookT]):
    """All that a page is made of; metrics are `completed`, places and verdicts each metric's.

    look: the records. extra: parts of the page that stand before all others.
    """

    evaluation: Mapping[str, Any]
    metrics: Mapping[str, Mapping[str, Any]]
    places: Mapping[str, Standing]
    verdicts: Mapping[str, str]
    summary: Sequence[str]
    look: LookT
    card: Mapping[str, Any]
    history: Sequence[Mapping[str, Any]]
    notes: Sequence[str]
    extra: Sequence[Section] = ()


def lead(evaluation: Mapping[str, Any], records: str) -> str:
    """The numbers of fakes, held-out and training records, in a line."""
    rows = evaluation.get("rows") or {}
    parts = (("fake", "fakes"), ("heldout", f"held-out {records}"), ("train", f"training {records}"))
    return " · ".join(f"{numbers.count(rows.get(key))} {what}" for key, what in parts)


def figures(
    title: str,
    entry: Mapping[str, Any],
    place: Standing,
    chip: str,
    sides: Sequence[str],
    strip: Mapping[str, Any],
) -> dict[str, Any]:
    """A metric's row among all figures: fakes, real records and the baselines named in `sides`.

    strip: further arguments of `scale.strip`.
    """
    known = [entry["fake"], entry["ceiling"], *(entry["baselines"].get(k) or {} for k in sides)]
    fake, *others = (
        {"value": numbers.score(s.get("value")), "interval": numbers.interval(s.get("low"), s.get("high"))}
        for s in known
    )
    return {
        "title": title,
        "level": place.level,
        "chip": chip,
        "strip": scale.strip(entry, title, **strip),
        "fake": fake,
        "sides": others,
    }


def judged(judge: Mapping[str, Any], records: str, groups: str, of: str) -> str:
    """How right a classifier is about held-out records; nothing where nobody knows.

    groups: "labels" or "classes". of: the figures that need it, in plural.
    """
    accuracy = numbers.finite(judge.get("accuracy"))
    if accuracy is None:
        return ""
    parts = [f"right about {numbers.share(accuracy)} of held-out real {records}"]
    for key in ("precision", "recall"):
        value = numbers.finite(judge.get(key))
        parts += [f"its {key} is {numbers.share(value)} (mean over {groups})"] if value is not None else []
    weak = f" It errs often itself: read {of} beside its own." if accuracy < 0.9 else ""
    return f"{'; '.join(parts)}.{weak}"


def copies(members: Mapping[str, tuple[str, Mapping[str, Any]]], record: str) -> dict[str, Any]:
    """What the section on copies has beside its verdicts; members: (noun, details of the fakes' score) by metric."""
    drawn = [(noun, distances(details, record, m)) for m, (noun, details) in members.items()]
    return {
        "pictures": [(f"Distance to training: {noun}", svg) for noun, svg in drawn if svg],
        "notes": [LIMITS.replace("record", record)],
    }


def training(content: Content[Any], records: str, *, halvings: bool = False) -> list[Section]:
    """The curves of the training, and what they say; none without a history."""
    drawn = curves.curves(content.history, content.card, records=records, halvings=halvings)
    if not drawn:
        return []
    metric = str(content.card.get("metric") or "")
    drawn = [(f"Held-out: {metric}" if metric and t == "Held-out metric" else t, svg) for t, svg in drawn]
    read = [("", s) for s in curves.reading(content.history, content.card, records=records, halvings=halvings)]
    return [Section("training", "The training", verdicts=read, pictures=drawn)]


def fitting(page: Callable[[float], str], scales: Sequence[float]) -> str:
    """The page with all there is, or with less should it grow larger than `MAX_BYTES`: the first scale that fits."""
    html = page(1.0)
    for smaller in scales:
        if len(html.encode()) > MAX_BYTES:
            html = page(smaller)
    return html


def report(content: Content[Any], titles: Mapping[str, str], html: str) -> Report:
    """The page with the same in JSON; titles: each metric's."""
    value = {
        "summary": content.summary,
        "verdicts": [
            {"metric": m, "title": titles[m], "level": content.places[m].level, "text": content.verdicts[m]}
            for m in content.metrics
        ],
        "evaluation": content.evaluation,
        "card": content.card,
        "history": content.history,
        "notes": list(content.notes),
    }
    return Report(plain(value), html, [*content.summary, *content.verdicts.values()])


def ratio(pair: Mapping[str, Any]) -> float:
    """A fake's distance to training over that to held-out records; 1 where both are 0.

    0 for a pair without a distance to held-out records: an equal record, of which nobody asked.
    """
    near, far = float(pair["distance_train"]), pair.get("distance_heldout")
    if far is None:
        return 0.0
    return near / far if far > 0 else 1.0


def suspicious(pair: Mapping[str, Any]) -> bool:
    """Whether a fake lies so much nearer to a training record that one must look."""
    return ratio(pair) < THRESHOLDS["near_ratio"]


def ranked(found: Mapping[str, Any], num_fake: int, num_train: int) -> list[Mapping[str, Any]]:
    """Fakes with their nearest training records, the closest first: those that were found near, and those shown.

    found: what an evaluation names for showing: "copied", and in columns "shown", "nearest_train" and the distances.
    """
    columns = ("shown", "nearest_train", "distance_train", "distance_heldout")
    shown = [
        dict(zip(("fake", "train", "distance_train", "distance_heldout"), values, strict=True))
        for values in zip(*(found.get(c) or [] for c in columns), strict=False)
    ]
    pairs: dict[int, Mapping[str, Any]] = {}
    for pair in [*(found.get("copied") or []), *shown]:
        there = 0 <= pair["fake"] < num_fake and 0 <= pair["train"] < num_train
        old = pairs.get(int(pair["fake"]))
        if there and (old is None or pair["distance_train"] < old["distance_train"]):
            pairs[int(pair["fake"])] = pair
    return sorted(pairs.values(), key=lambda p: (ratio(p), p["distance_train"]))


def evenly(num: int, most: int) -> list[int]:
    """At most `most` places among `num`, the first and the last among them."""
    if num == 0:
        return []
    return [round(i * (num - 1) / max(min(most, num) - 1, 1)) for i in range(min(most, num))]


def kept_steps(progress: Sequence[tuple[int, Any]], most: int, chosen: float | None) -> list[tuple[str, Any]]:
    """(name, records) of at most `most` looks over the training, the first and last and the model's (or the nearest).

    progress: (real samples shown to D, records of the same z). chosen: the samples of the model, if known.
    """
    kept = sorted(((int(n), x) for n, x in progress if len(x)), key=lambda entry: entry[0])
    picked = evenly(len(kept), most)
    if chosen is None or not kept:
        return [(f"{kept[i][0]:,}", kept[i][1]) for i in picked]
    model = min(range(len(kept)), key=lambda i: abs(kept[i][0] - chosen))
    if model not in picked:  # in the place of its nearest neighbour
        picked[min(range(len(picked)), key=lambda k: abs(picked[k] - model))] = model
    mark = " (the model)" if kept[model][0] == chosen else " (nearest the model)"
    return [(f"{kept[i][0]:,}{mark if i == model else ''}", kept[i][1]) for i in picked]


def class_figures(
    per_class: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, str, Callable[[Any], str]]], most: int
) -> list[Table]:
    """A table with a row a label, in their own order while all can be shown, else the least obeyed.

    columns: (key, title, how it is written); those that no label has are left out.
    """
    found = [c for c in columns if any(numbers.finite(e.get(c[0])) is not None for e in per_class)]
    if not found:
        return []
    shown, many = list(per_class), len(per_class) > most
    if many:
        shown.sort(key=lambda c: numbers.finite(c.get("agreement")) or 0.0)
        shown = shown[:most]
    caption = f"The labels (the {len(shown)} least obeyed of {len(per_class)})" if many else "The labels"
    rows = tuple((str(e.get("class")), *(show(numbers.finite(e.get(k))) for k, _, show in found)) for e in shown)
    return [Table(caption, heads_of("Label", *(f"#{title}" for _, title, _ in found)), rows)]
