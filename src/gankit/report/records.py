"""What several kinds of data say and show alike: metrics with their words, sentences on the details of a score, which
records are shown, and tables of labels. Functions and nouns are arguments.

Knows details as plain JSON; never a kind of data or pages. Texts may hold names from the data as they are: the page
escapes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from markupsafe import Markup

from gankit.metrics.evaluate import MetricResult
from gankit.metrics.metric import Metric, Noun, Score, share_score
from gankit.report import numbers
from gankit.report.numbers import finite
from gankit.report.section import Chapter, Section, Sections, Table, heads_of, table_of
from gankit.report.verdict import BEHIND, COPIES, THRESHOLDS, Grade

T = TypeVar("T")
Function = Callable[[T, str], Score | None]
Details = Callable[[Mapping[str, Any]], list[str]]

ClassColumn = tuple[str, str, Callable[[float | None], str]]
"""(key of a label's figure, head of its column, how it is written)."""

Distance = partial(Metric, best=0.0, direction="lower")
"""A metric of which less is better and nothing is best."""

_TOLD = ("real", *BEHIND)
_MOST_GONE = 8
_MOST_CELLS = 12  # a confusion matrix can be read up to so many classes; beyond, the worst mistakes are listed
_MOST_MISTAKES = 12


def name(text: Any) -> str:
    """A name from the data in quotation marks, so that it cannot be taken for the report's own words."""
    return f"“{text}”"


def two_sample(who: str, noun: Noun) -> Details:
    """How often a two-sample test tells fakes from real records; details: `auc`, its interval, accuracy and so on.

    who: in the singular, as in "A tree model".
    """
    both = f"synthetic from real {noun.many}"
    words = ("hardly tells {}", "tells {} now and then", "often tells {}", "nearly always tells {}")

    def sentences(details: Mapping[str, Any]) -> list[str]:
        area, low, high, rows = (finite(details.get(k)) for k in ("auc", "auc_low", "auc_high", "rows"))
        if area is None:
            return []
        how = words[sum(area >= THRESHOLDS[k] for k in ("auc_slight", "auc_often", "auc_nearly_always"))]
        how = "cannot tell {}" if low is not None and low <= 0.5 else how
        if (details.get("standing") in BEHIND) == (how == "cannot tell {}") or details.get("standing") not in _TOLD:
            how = "was trained to tell {}"  # the area alone says another thing than beside that of real records
        out = [f"{who} {how.format(both)}: AUC {numbers.with_interval(area, low, high)}, where 0.5 is guessing."]
        accuracy, precision, recall = (finite(details.get(k)) for k in ("accuracy", "precision", "recall"))
        if accuracy is not None:
            right = f"It is right about {numbers.share(accuracy)}"
            right += f" of {numbers.count(rows)} real {noun.many} and as many synthetic ones" if rows else " of both"
            if precision is not None and recall is not None:
                right += f"; of the {noun.many} it calls real {numbers.share(precision)} are, and it finds "
                right += f"{numbers.share(recall)} of the real ones"
            out.append(f"{right}.")
        return out

    return sentences


def _tested(who: str, noun: Noun, details: Mapping[str, Any]) -> list[str]:
    """What was trained on what; who: as in "A linear model"."""
    rows = finite(details.get("test_rows"))
    tested = f" {numbers.count(rows)}" if rows is not None else ""
    return [
        f"{who} was trained on synthetic {noun.many} and tested on{tested} held-out real {noun.many}; the ceiling is "
        "the same trained on real ones."
    ]


def _equal(noun: Noun, where: str, details: Mapping[str, Any]) -> list[str]:
    """How many fakes equal a training record, and how many held-out records do; where: as in "in every column"."""
    copies, rows, share = (finite(details.get(k)) for k in ("copies", "rows", "heldout_share"))
    if copies is None or not rows:
        return []
    text = f"{numbers.count(copies)} of {numbers.count(rows)} synthetic {noun.many} equal a training {noun.one} {where}"
    beside = f"; of the held-out {noun.many}, which nobody copied, {numbers.share(share)} do"
    return [f"{text}{beside if share is not None else ''}."]


def _near(noun: Noun, how: str, plain: str, details: Mapping[str, Any]) -> list[str]:
    """How many fakes lie nearer to training records, and the three-sample test; how, plain: as for `near_copies`."""
    out, one, many = [], noun.one, noun.many
    closer, ties, rows = (finite(details.get(k)) for k in ("closer", "ties", "rows"))
    if closer is not None and rows:
        equal = f", {numbers.count(ties)} as near to either" if ties else ""
        text = f"{numbers.count(closer)} of {numbers.count(rows)} synthetic {many} lie nearer"
        by = f", {how}," if how else ""
        out.append(f"{text}{by} to a training {one} than to any held-out {one}{equal}.")
    test = details.get("three_sample") or {}
    if (p := finite(test.get("p"))) is not None:
        low, copied, said = p < THRESHOLDS["p_copying"], details.get("finding") == "copied", ""
        if low and copied:
            also = f", and as {plain} do, too" if plain else ""
            said = f": synthetic {many} lie nearer to training {many} than held-out ones do, as copies would{also}"
        elif low:  # fakes that crowd as training records do have it, too
            said = f", which is no sign of copies where the share of nearer {many} does not agree"
        elif details.get("finding") == "clear":
            said = f": synthetic {many} lie no nearer to training {many} than held-out ones do"
        text = f"z = {numbers.score(test.get('z'))}, p = {numbers.score(p)}"
        out.append(f"The three-sample test of Meehan et al. gives {text}{said}.")
    return out


def _mean_lengths(noun: Noun, unit: str, details: Mapping[str, Any]) -> list[str]:
    """The mean lengths of both sides; unit: as in "steps"."""
    fake, real = (finite(details.get(f"{side}_mean")) for side in ("fake", "real"))
    if fake is None or real is None:
        return []
    return [f"Synthetic {noun.many} have {fake:.1f} {unit} on average, held-out ones {real:.1f}."]


def classifier(figures: Mapping[str, Any] | None, start: str, noun: Noun, groups: str) -> list[tuple[str, str]]:
    """How right a classifier of the labels is about held-out records, as a verdict; none where nobody knows.

    figures: its accuracy, precision and recall. start: of the sentence, up to "is". groups: "labels" or "classes".
    """
    accuracy = finite((figures or {}).get("accuracy"))
    if figures is None or accuracy is None:
        return []
    parts = [f"right about {numbers.share(accuracy)} of held-out real {noun.many}"]
    for key in ("precision", "recall"):
        value = finite(figures.get(key))
        parts += [f"its {key} is {numbers.share(value)} (mean over {groups})"] if value is not None else []
    weak = f" It errs often itself: read the figures on {groups} beside its own." if accuracy < 0.9 else ""
    return [("The classifier", f"{start} {'; '.join(parts)}.{weak}")]


def worst_class(per_class: Sequence[Mapping[str, Any]], noun: Noun) -> list[tuple[str, str]]:
    """Which labels are missing, and which is satisfied least or else is most under-represented, as a verdict.

    per_class: a row a label: its name under "class", shares of "real" records and of fakes, and "agreement".
    """
    known = [c for c in per_class if finite(c.get("real")) and finite(c.get("fake")) is not None]
    gone, parts = [name(c["class"]) for c in known if c["fake"] == 0], []
    if gone:
        more = f" and {len(gone) - _MOST_GONE} more" if len(gone) > _MOST_GONE else ""
        parts.append(f"Missing among the synthetic {noun.many}: {numbers.listed(gone[:_MOST_GONE])}{more}.")
    obeyed = [c for c in per_class if finite(c.get("agreement")) is not None]
    if obeyed:
        worst = min(obeyed, key=lambda c: float(c["agreement"]))
        parts.append(
            f"Least satisfied is {name(worst['class'])}: {numbers.share(worst['agreement'])} of the "
            f"synthetic {noun.many} generated for it are classified as it."
        )
    elif there := [c for c in known if c["fake"] > 0]:
        worst = min(there, key=lambda c: float(c["fake"]) / float(c["real"]))
        parts.append(
            f"Most under-represented is {name(worst['class'])}: {numbers.share(worst['fake'])} of the synthetic "
            f"{noun.many}, {numbers.share(worst['real'])} of the real ones."
        )
    return [("", " ".join(parts))] if parts else []


def exact_copies(function: Function[T], noun: Noun, where: str, remedy: str) -> Metric[T]:
    """How many fakes equal a training record; where: as in "in every column"."""
    one, many = noun.one, noun.many
    return Metric(
        "copies_exact", function, COPIES,
        f"The share of synthetic {many} that equal a training {one} {where}; compare with that of held-out {many}.",
        title="Exact copies", question=f"How many synthetic {many} equal a training {one} {where}?",
        remedy=remedy, details=partial(_equal, noun, where), best=0.0, direction="lower", tolerance=0.005, trained=True,
    )  # fmt: skip


def near_copies(
    function: Function[T], noun: Noun, remedy: str, how: str = "", plain: str = "", *, name: str = "copies_near",
    title: str = "Near copies", tolerance: float = 0.02, alike: bool = False,
) -> Metric[T]:  # fmt: skip
    """How many fakes are nearer to training records than to held-out ones.

    how: of the distance, as in "in edits". plain: what kind of them lies nearer to all records, copied or not.
    """
    one, many, by = noun.one, noun.many, f", {how}," if how else ""
    return Metric(
        name, function, COPIES,
        f"The share of synthetic {many} closer{by} to a training {one} than to a held-out one; one half: no copying.",
        title=title,
        question=f"Are synthetic {many} nearer{by} to training {many} than to real {many} nobody trained on?",
        remedy=remedy, details=partial(_near, noun, how, plain), best=0.5, direction="near", tolerance=tolerance,
        trained=True, alike=alike,
    )  # fmt: skip


Shares = Callable[[Any], tuple[Mapping[str, float], Any]]
"""From records to the share of them that breaks each rule, by its text, and to which keep all, [N] bool."""


def rules_score(shares: Shares, real: Any, fake: Any) -> Score:
    """The share of fakes that keep every rule, with what breaks each of them."""
    (broken, _), (found, kept) = shares(real), shares(fake)
    rules = [{"rule": rule, "real": broken[rule], "fake": found[rule]} for rule in broken]
    return share_score(int(kept.sum()), len(kept), 1.0, {"rules": rules})


def rules_kept(function: Function[T], one: str, many: str) -> Metric[T]:
    """How many fakes keep the rules of the data; one, many: what is counted."""

    def said(details: Mapping[str, Any]) -> list[str]:
        broken = sorted((r for r in details.get("rules") or [] if r["fake"] > 0), key=lambda r: -float(r["fake"]))
        worst = [f"The one broken most is {name(r['rule'])}: {numbers.share(r['fake'])} of the {many}." for r in broken]
        return worst[:1]

    return Metric(
        "rules", function, "rules", f"The share of {many} that keep every rule of the data.", title="Rules kept",
        noun=f"{many} that keep the rules", question=f"Does every synthetic {one} keep what holds in every real one?",
        bad=f"Some {many} break rules that no real one breaks.",
        remedy="train with these rules (--rule), or do not leave them out (--no-rule)", details=said, tolerance=0.005,
    )  # fmt: skip


def rules_table(results: Mapping[str, MetricResult], many: str) -> list[Table]:
    """What breaks each rule, in real records and in fakes."""
    rules = results["rules"].details.get("rules") or [] if "rules" in results else []
    columns: Mapping[str, Callable[[Any], str]] = {
        "Rule": lambda r: r["rule"] if len(r["rule"]) <= 200 else f"{r['rule'][:200]} …",
        f"#Broken by real {many}": lambda r: numbers.share(r["real"]),
        f"#Broken by synthetic {many}": lambda r: numbers.share(r["fake"]),
    }
    return [table_of("Rules", columns, rules)] if rules else []


RULES = Chapter("rules", "Rules of the data", ("rules",))
"""The chapter on rules."""

KEPT = Grade(
    ("rules",),
    {
        "real": "They keep every rule of the data",
        "close": "A few of them break a rule of the data",
        "fair": "Some of them break rules of the data",
        "weak": "They break rules of the data",
        "open": "Few of them, if any, break a rule of the data",
    },
    subject="rules",
)
"""What a summary says of rules."""


def conditional_accuracy(function: Function[T], noun: Noun, family: str, label: str = "label") -> Metric[T]:
    """How often a classifier sees what was asked for; label: what that is called."""
    return Metric(
        "agreement", function, family,
        f"The share of synthetic {noun.many} that are classified as the {label} they were generated for.",
        title="Conditional accuracy",
        question=f"Is a synthetic {noun.one} classified as the {label} that it was generated for?",
        good=f"What is generated for a {label} is classified as it.",
        bad=f"Some synthetic {noun.many} are classified as another {label} than the one they were generated for.",
        remedy=f"{plural(label)} with few {noun.many} need more of them",
        tolerance=0.01,
    )  # fmt: skip


def utility(
    function: Function[T], noun: Noun, family: str, classifier: str, *, name: str = "usefulness",
    title: str = "TSTR utility",
) -> Metric[T]:  # fmt: skip
    """What a classifier learns from fakes (train on synthetic, test on real); classifier: as in "A linear model"."""
    return Metric(
        name, function, family,
        f"The accuracy on held-out {noun.many} of {classifier[0].lower()}{classifier[1:]} trained on synthetic ones.",
        title=title,
        question=f"Train on synthetic, test on real: does a classifier learn as much as from real {noun.many}?",
        good=f"Synthetic {noun.many} can stand in for real ones in such a training.",
        bad=f"A classifier learns less than from as many real {noun.many}: add synthetic to real ones, replace none.",
        details=partial(_tested, classifier, noun), tolerance=0.01, subject="utility",
    )  # fmt: skip


def same_lengths(function: Function[T], noun: Noun, family: str, unit: str) -> Metric[T]:
    """Whether fakes are as long as real records; unit: as in "steps"."""
    return Distance(
        "lengths", function, family, "The distance between the distributions of lengths (KS).",
        question=f"Are synthetic {noun.many} as long as real ones, and as varied in length?",
        good="Lengths are as they should be.", bad="Too many are too short or too long; see the histograms.",
        details=partial(_mean_lengths, noun, unit), tolerance=0.02,
    )  # fmt: skip


def evenly(num: int, most: int) -> list[int]:
    """At most `most` places among `num`, the first and the last among them.

    >>> evenly(9, 3), evenly(2, 3), evenly(0, 3)
    ([0, 4, 8], [0, 1], [])
    """
    return [round(i * (num - 1) / max(min(most, num) - 1, 1)) for i in range(min(most, num))]


def kept_steps(progress: Sequence[tuple[int, Any]], most: int, chosen: float | None) -> list[tuple[str, Any]]:
    """(name, records) of at most `most` previews of a training, the first and last and the model's (or the nearest).

    progress: (real samples shown to D, records of the same z). chosen: the samples of the model, if known.
    """
    kept = sorted(((int(n), x) for n, x in progress if len(x)), key=lambda entry: entry[0])
    picked, marks = evenly(len(kept), most), {}
    if chosen is not None and kept:
        model = min(range(len(kept)), key=lambda i: abs(kept[i][0] - chosen))
        if model not in picked:  # in the place of its nearest neighbour
            picked[min(range(len(picked)), key=lambda k: abs(picked[k] - model))] = model
        marks = {model: " (the model)" if kept[model][0] == chosen else " (nearest the model)"}
    return [(f"{kept[i][0]:,}{marks.get(i, '')}", kept[i][1]) for i in picked]


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
    distances = ("distance_train", "distance_heldout")
    columns = zip(*(found.get(c) or [] for c in ("shown", "nearest_train", *distances)), strict=False)
    shown = [dict(zip(("fake", "train", *distances), values, strict=True)) for values in columns]
    pairs: dict[int, Mapping[str, Any]] = {}
    for pair in [*(found.get("copied") or []), *shown]:
        there = 0 <= pair["fake"] < num_fake and 0 <= pair["train"] < num_train
        old = pairs.get(int(pair["fake"]))
        if there and (old is None or pair["distance_train"] < old["distance_train"]):
            pairs[int(pair["fake"])] = pair
    return sorted(pairs.values(), key=lambda p: (ratio(p), p["distance_train"]))


def open_rows(rows: Iterable[int], pairs: Sequence[Mapping[str, Any]], records: bool) -> list[int]:
    """Rows of fakes; where no records may be shown, without those that look like a training record.

    pairs: fakes with their nearest training records.
    """
    hidden = set() if records else {int(p["fake"]) for p in pairs if suspicious(p)}
    return [int(r) for r in rows if int(r) not in hidden]


def closest(
    sections: Sections[Any], rows: Sequence[tuple[str, ...]], heads: Sequence[str], hint: str, measure: str, style: str
) -> list[Section]:
    """The section of the closest pairs; none without rows.

    rows: one a pair. hint: what tells a copy. measure: what the distances are. style: of the table.
    """
    if not rows:
        return []
    one, many = sections.noun.one, sections.noun.many
    title = f"The synthetic {many} closest to training {many}"
    found = f"synthetic {many} nearest to a training {one} for their distance to held-out ones"
    asked = f"The worst cases that were found: {found}. {hint}"
    limit = f"nearer than {THRESHOLDS['near_ratio']:g} of the distance to any held-out {one}"
    note = f"{measure} “Much nearer” is {limit}."
    table = Table("The closest pairs, the closest first", heads_of("No.", *heads), tuple(rows), style)
    return [Section("closest", title, [asked], confidential(sections.noun), tables=[table], notes=[note])]


def confidential(noun: Noun) -> str:
    """The warning of a section with real records."""
    return (
        f"This part shows real {noun.many}. Do not pass the page on if those are confidential, or make it again with "
        "--no-records."
    )


def over_training(sections: Sections[Any], most: int, draw: Callable[[str, Any], Markup], style: str) -> list[Section]:
    """The section of fakes of the same latents over the training; draw: (a step's name, its records) -> a cell."""
    kept = kept_steps(sections.progress, most, sections.chosen)
    rows, many = tuple((step, draw(step, records)) for step, records in kept), sections.noun.many
    if not rows:
        return []
    caption = "The same latents after so many real samples shown to D"
    table = Table(caption, heads_of("Real samples", f"Synthetic {many}"), rows, style)
    asked = f"Synthetic {many} of the same latents as the training goes on."
    return [Section("progress", "Samples over the training", [asked], tables=[table])]


def class_table(
    per_class: Sequence[Mapping[str, Any]], columns: Sequence[ClassColumn], most: int, label: str = "label"
) -> list[Table]:
    """A table with a row a label, in their own order while all can be shown, else the least accurate.

    Columns that no label has are left out. label: what it is called, "label" or "class".
    """
    found = [c for c in columns if any(finite(e.get(c[0])) is not None for e in per_class)]
    if not found:
        return []
    shown, caption = per_class, f"The {plural(label)}"
    if len(per_class) > most:
        shown = sorted(per_class, key=lambda c: finite(c.get("agreement")) or 0.0)[:most]
        caption += f" (the {len(shown)} least accurate of {len(per_class)})"
    rows = tuple((str(e.get("class")), *(show(finite(e.get(k))) for k, _, show in found)) for e in shown)
    return [Table(caption, heads_of(label.capitalize(), *(f"#{title}" for _, title, _ in found)), rows)]


def confusion_table(counts: Any, names: Sequence[str], caption: str, side: str) -> list[Table]:
    """Which class is classified as which, as shares of the true or asked class.

    counts: [K][K] of counts, rows true or asked, columns seen; anything else gives no table. names: [K] of the
    classes. side: head of the first column.
    """
    if not isinstance(counts, Sequence) or len(counts) != len(names) or len(names) < 2:
        return []
    if any(not isinstance(row, Sequence) or len(row) != len(names) for row in counts):
        return []
    shares = [[(value or 0) / max(sum(v or 0 for v in row), 1) for value in row] for row in counts]
    if len(names) <= _MOST_CELLS:
        rows = tuple((str(n), *(_shaded(s) for s in row)) for n, row in zip(names, shares, strict=True))
        return [Table(caption, heads_of(side, *(f"#{n}" for n in names)), rows, "mistakes")]
    mistakes = [(s, i, j) for i, row in enumerate(shares) for j, s in enumerate(row) if i != j and s > 0]
    worst = sorted(mistakes, reverse=True)[:_MOST_MISTAKES]
    rows = tuple((str(names[i]), str(names[j]), numbers.share(s)) for s, i, j in worst)
    head = heads_of(side, "Classified as", "#In this share")
    return [Table(f"{caption} (the {len(rows)} most frequent mistakes)", head, rows)] if rows else []


def _shaded(share: float) -> Markup:
    """A share as a cell that is the darker the larger it is; nothing at all for none."""
    text = f"{100 * share:.{0 if share >= 0.0995 else 1}f}"
    colour = f"color-mix(in srgb,var(--real) {round(60 * share)}%,transparent)"
    return Markup(f'<span style="background:{colour}">{text}</span>' if share > 0 else "")


def least_accurate(
    by_class: Mapping[str, Any], per_class: Sequence[Mapping[str, Any]], most: int
) -> list[tuple[str, str]]:
    """(label, share of its fakes that is classified as it) of at most `most` labels, the least accurate first."""
    known = {str(c.get("class")): finite(c.get("agreement")) for c in per_class}
    shown = sorted(by_class, key=lambda label: known.get(label) or 0.0)[:most]
    return [(label, numbers.share(known.get(label))) for label in shown]


def about_labels(
    section: Section, sections: Sections[Any], columns: Sequence[ClassColumn], most: int, start: str
) -> Section:
    """The section on labels with the classifier's own figures, a table of the labels, and what it confuses.

    The facts of the evaluation hold `per_class` and `classifier`. start: of the sentence on it, up to "is".
    """
    facts, noun, label = sections.facts, sections.noun, sections.label
    names = [str(c.get("class")) for c in facts.per_class]
    caption = f"A classifier trained on real {noun.many}, on held-out ones (per cent of the true {label})"
    known = classifier(facts.classifier, start, noun, plural(label))
    counts = (facts.classifier or {}).get("confusion")
    tables = class_table(facts.per_class, columns, most, label)
    tables += confusion_table(counts, names, caption, f"True {label}")
    return replace(section, verdicts=[*section.verdicts, *known], tables=tables)


def plural(label: str) -> str:
    """Several labels, or classes."""
    return "classes" if label == "class" else f"{label}s"
