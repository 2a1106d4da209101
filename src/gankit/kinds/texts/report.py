"""What a report on texts shows: synthetic texts beside real ones, by label, over the training, and the closest pairs.

Knows texts and evaluations of texts; never networks, the loop, or the page around the sections.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup, escape

from gankit.kinds.texts.metrics.fidelity import Tokenise, marked
from gankit.kinds.texts.metrics.inputs import BASELINES, NOUN, TextFacts
from gankit.metrics.evaluate import Evaluation, MetricResult
from gankit.metrics.metric import Baseline, Noun
from gankit.report import drawing, numbers, records
from gankit.report.drawing import EXTRA, FAKE, INK, MUTED, REAL, Pen, bare, draw
from gankit.report.section import (
    Chapter,
    Drawing,
    Headline,
    Section,
    Sections,
    Table,
    heads_of,
    likeness,
    variety,
)
from gankit.report.verdict import Grade

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LONGEST = 280  # characters of a text that are shown
STYLE = (
    ".txt { white-space: pre-wrap; } .txt mark { background: var(--fair-bg); color: inherit; border-radius: 2px; "
    "box-shadow: 0 0 0 1px var(--fair); } .txt i { color: var(--muted); } .texts td { min-width: 12rem; } "
    ".texts td.n { min-width: 0; } .texts td .txt { display: block; padding: .1rem 0; } "
    ".texts td .txt + .txt { border-top: 1px dotted var(--line); }"
)

_VISIBLE = {"\n": "⏎", "\r": "⏎", "\t": "⇥", "\u2028": "⏎", "\u2029": "⏎"}
# Signs that join others or choose their form, which people see as one with them.
_JOINING = {"\u200c", "\u200d"}
# Colour, line style and width of the lines over n.
_STROKES = {
    "synthetic texts": (FAKE, "-", 1.8),
    "real texts": (REAL, "--", 1.6),
    "a trigram model": (EXTRA, "-.", 1.1),
    "single units": (MUTED, ":", 1.1),
}
_MOST_SHOWN, _MOST_PAIRS, _MOST_CLASSES, _PER_CLASS = 40, 12, 24, 6
_MOST_STEPS, _PER_STEP, _MOST_INVALID, _MOST_GRAMS = 10, 6, 12, 8
# Where more than this share of held-out texts equal a training text, chance makes equals, and a fake that is one is no
# sign of copying for itself.
_BY_CHANCE = 0.01


def readable(text: str) -> str:
    """The text with signs that cannot be seen made visible: ends of lines, tabs, controls and orders of direction."""
    hidden = {c for c in set(text) - _JOINING if unicodedata.category(c) in ("Cc", "Cs", "Cf")}
    return "".join(_VISIBLE.get(c) or ("�" if c in hidden else c) for c in text)


def cell(text: str) -> Markup:
    """A text for a table: escaped, in its own direction, cut to `LONGEST` characters."""
    return _block(escape(readable(text[:LONGEST])), len(text) > LONGEST, not text)


def _block(inside: Markup, cut: bool, empty: bool = False) -> Markup:
    shown = Markup("<i>(an empty text)</i>") if empty else inside + ("…" if cut else "")
    return Markup('<bdi class="txt" dir="auto">') + shown + Markup("</bdi>")


def cells(texts: Sequence[str]) -> Markup:
    """Several texts in one cell, one below the other."""
    return Markup("").join(cell(t) for t in texts) if texts else Markup("–")


def differences(fake: str, real: str, tokenise: Tokenise) -> tuple[Markup, Markup]:
    """A fake and a real text, each with the units that the other lacks marked.

    Where the units put together are the text, they are marked in it; else they stand with blanks between.
    """
    sides = fake[:LONGEST], real[:LONGEST]
    units = [list(tokenise(side)) for side in sides]
    between = "" if ["".join(u) for u in units] == [*sides] else " "

    def piece(differs: bool, some: Sequence[str]) -> Markup:
        text = escape(readable(between.join(some)))
        return Markup("<mark>") + text + Markup("</mark>") if differs else text

    left, right = (
        _block(Markup(between).join(piece(*p) for p in pieces), len(whole) > LONGEST, not u)
        for pieces, whole, u in zip(marked(*units), (fake, real), units, strict=True)
    )
    return left, right


def gram(units: Sequence[str], called: str) -> Markup:
    """A run of units as text; an empty unit is the mark of the text's begin or end."""
    shown = [readable(u) if u else ("^" if place == 0 else "$") for place, u in enumerate(units)]
    return cell((" " if called == "words" else "").join("␣" if u == " " else u for u in shown))


def by_order(results: Mapping[str, MetricResult], stem: str, title: str, ylabel: str) -> Markup:
    """A metric that is asked for n = 1, 2, …, as lines over n: fakes, real texts, and the n-gram models; may be empty.

    results: those called `stem`_n are drawn.
    """
    orders = sorted(int(order) for m in results if (order := m.removeprefix(f"{stem}_")).isdigit())
    lines: dict[str, list[tuple[int, float]]] = {}
    for n in orders:
        result = results[f"{stem}_{n}"]
        models = (result.baselines.get("trigram"), result.baselines.get("unigram"))
        for who, score in zip(_STROKES, (result.fake, result.ceiling, *models), strict=True):
            if score is not None and (found := numbers.finite(score.value)) is not None:
                lines.setdefault(who, []).append((n, found))
    if len(orders) < 2 or "synthetic texts" not in lines:
        return Markup()

    def paint(figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        for who, points in lines.items():
            colour, style, width = _STROKES[who]
            x, y = zip(*points, strict=True)
            axes.plot(x, y, color=colour, linestyle=style, linewidth=width, marker="o", markersize=3, label=who)
        bare(axes)
        axes.set(xticks=orders, ylim=(0, 1), xlabel="n", ylabel=ylabel)
        figure.legend(loc="outside upper left", ncols=2, labelcolor=INK)

    values = "; ".join(f"{who} {', '.join(numbers.score(y) for _, y in points)}" for who, points in lines.items())
    alt = f"{title} for n = {orders[0]} to {orders[-1]}: {values}."
    return draw(paint, size=(3.6, 2.5), name=f"order-{stem}", alt=alt)


_CLASS_COLUMNS = (
    ("real", "Share of real texts", numbers.share),
    ("fake", "Share of synthetic texts", numbers.share),
    ("agreement", "Classified as the label", numbers.share),
    ("ngrams", "Divergence of n-grams", numbers.score),
    ("ngrams_real", "Real texts’ own", numbers.score),
    ("unique", "Different", numbers.share),
    ("new", "New", numbers.share),
)
_CURVES = {
    "grams": (("ngrams", "Divergence of n-grams (0 is best)", "divergence"),),
    "bleu": (
        ("bleu", "BLEU-n: synthetic texts against real texts", "BLEU-n"),
        ("backward_bleu", "Backward BLEU-n: real texts against synthetic texts", "BLEU-n"),
        ("self_bleu", "Self-BLEU-n: synthetic texts against one another", "BLEU-n"),
    ),
}
LIKELIHOOD_HEADS = {  # by the metrics that are compared with G before adversarial training
    "valid": "Valid",
    "ngrams": "Divergence of n-grams",
    "bleu_2": "BLEU-2",
    "bleu_5": "BLEU-5",
    "backward_bleu_5": "Backward BLEU-5",
    "self_bleu_5": "Self-BLEU-5",
    "uniqueness": "Different",
    "novelty": "New",
}


@dataclass(frozen=True, kw_only=True)
class TextSections(Sections[TextFacts]):
    """The sections of a report on texts.

    train, heldout, fake: texts, of which the evaluation names rows. tokenise: a text to its units. labels: {"fake": [N]
    labels asked for or None, "heldout": [N] true ones or None}, or None.
    """

    train: Sequence[str]
    heldout: Sequence[str]
    fake: Sequence[str]
    tokenise: Tokenise
    labels: Mapping[str, Any] | None = None
    noun: Noun = NOUN
    seer: str = "a linear classifier"
    baselines: Sequence[Baseline[Any]] = field(default=BASELINES, repr=False)
    chapters: Sequence[Chapter] = (
        Chapter("validity", "Valid texts", ("validity",)),
        Chapter("grams", "Units and n-grams", ("grams",)),
        Chapter("bleu", "Quality and variety by BLEU", ("bleu",)),
        Chapter("variety", "Variety and novelty", ("variety",)),
        Chapter("shape", "Lengths and symbols", ("shape",)),
        Chapter("judge", "Classifier two-sample test", ("judge",)),
        Chapter("labels", "Labels", ("labels",)),
        Chapter("copies", "Copies", ("copies",)),
    )
    headline: Headline | None = Headline(("ngrams",), likeness(NOUN, " by their n-grams"), ("trigram",))  # noqa: RUF009
    grades: Sequence[Grade] = (
        Grade(
            ("valid", "bleu_2", "bleu_5"),
            {
                "real": "Single synthetic texts read like real texts",
                "close": "Single synthetic texts nearly read like real texts",
                "fair": "Parts of the synthetic texts do not read like real texts",
                "weak": "The synthetic texts do not read like real texts",
            },
            subject="realism",
        ),
        Grade(("uniqueness", "backward_bleu_2", "self_bleu_5"), variety(NOUN), (), "variety"),
    )
    left_out: str = (
        "Real texts, the synthetic texts that look most like training texts, and longer n-grams were left out of this "
        "report. The other synthetic texts are shown: read them before you pass the page on."
    )
    style: str = field(default=STYLE, repr=False)

    def like(self) -> str:
        """See `Sections.like`."""
        units = self.facts.units
        if not units.get("longest"):
            return ""
        longest, symbols = numbers.count(units["longest"]), numbers.count(units.get("symbols"))
        return f" of up to {longest} {self.facts.called}, {symbols} different"

    def samples(self) -> list[Section]:
        """See `Sections.samples`."""
        beside = ", and held-out real texts beside them" if self.records else ""
        first = [f"The first synthetic texts, as the model gives them, uncurated{beside}."]
        labels = ["Synthetic texts generated for each label, uncurated; the least accurate label first."]
        worst, steps = records.worst_class(self.facts.per_class, self.noun), self.room(_MOST_STEPS, 3)
        found = (
            Section("samples", "Samples", first, tables=self._side_by_side()),
            Section("by-class", "Samples by label", labels, verdicts=worst, tables=self._by_class()),
            *records.over_training(self, steps, lambda _, texts: cells(list(texts[:_PER_STEP])), "texts"),
            *self._closest(),
        )
        return [section for section in found if section.tables]

    def _side_by_side(self) -> list[Table]:
        """The first fakes, and where records may be shown held-out texts, evenly from all."""
        most = self.room(_MOST_SHOWN, 6)
        fakes = self._open(range(min(len(self.fake), most)))
        real = records.evenly(len(self.heldout), most) if self.records else []
        asked, known = ((self.labels or {}).get(side) for side in ("fake", "heldout"))
        rows = []
        for place, (i, j) in enumerate(zip_longest(fakes, real), 1):
            beside = _labelled(self.heldout, known, j) if self.records else []
            rows.append((str(place), *_labelled(self.fake, asked, i), *beside))
        heads = ["No.", *(["Generated for"] if asked is not None else []), "Synthetic"]
        heads += [*(["Label"] if known is not None else []), "Real (held-out)"] if self.records else []
        return [Table("The first synthetic texts", heads_of(*heads), tuple(rows), "texts")] if rows else []

    def _by_class(self) -> list[Table]:
        """A row a label: fakes asked for it and held-out texts of it."""
        by_class = self.facts.texts.get("by_class") or {}
        real = (self.labels or {}).get("heldout") if self.records else None
        names = None if real is None else np.array([str(label) for label in real])
        rows = []
        for label, accuracy in records.least_accurate(by_class, self.facts.per_class, self.room(_MOST_CLASSES, 6)):
            some = self._open([r for r in by_class[label] if r < len(self.fake)])[:_PER_CLASS]
            row = [label, cells([self.fake[i] for i in some])]
            if names is not None:
                row.append(cells([self.heldout[i] for i in np.flatnonzero(names == label)[:_PER_CLASS]]))
            rows.append((*row, accuracy))
        heads = ["Label", "Synthetic", *(["Real (held-out)"] if names is not None else []), "#Classified as it"]
        cut = f" (the {len(rows)} least accurate of {len(by_class)})" if len(rows) < len(by_class) else ""
        return [Table(f"Synthetic texts by label{cut}", heads_of(*heads), tuple(rows), "texts")] if rows else []

    def _closest(self) -> list[Section]:
        """The fakes that lie nearest to a training text for their distance to held-out ones; differences are marked."""
        if not self.records:
            return []
        exact = self.results.get("copies_exact")
        by_chance = numbers.finite(exact.details.get("heldout_share")) if exact is not None else None
        rows = []
        for place, pair in enumerate(self._ranked()[: self.room(_MOST_PAIRS, 3)], 1):
            fake, train = differences(self.fake[pair["fake"]], self.train[pair["train"]], self.tokenise)
            equal = pair["distance_train"] == 0 and (by_chance or 0.0) > _BY_CHANCE
            far = "as held-out texts are, too" if equal else "much nearer" if records.suspicious(pair) else ""
            near = f"{numbers.score(pair['distance_train'])}{f' ({far})' if far else ''}"
            rows.append((str(place), fake, train, near, numbers.score(pair["distance_heldout"])))
        heads = ("Synthetic", "Nearest training text", "#Distance to training", "#to held-out")
        hint = "What differs is marked. Short texts of few symbols coincide by chance."
        measure = (
            "The distance is the number of units inserted, deleted or replaced over the length of the longer text."
        )
        return records.closest(self, rows, heads, hint, measure, "texts")

    def chapter(self, section: Section, results: Mapping[str, MetricResult]) -> Section:
        """See `Sections.chapter`."""
        if section.id == "validity":
            return replace(section, tables=self._invalid())
        if section.id in _CURVES:
            drawn = [(title, by_order(results, stem, title, label)) for stem, title, label in _CURVES[section.id]]
            drawings = [Drawing(title, svg) for title, svg in drawn if svg]
            return replace(section, drawings=drawings, tables=self._grams() if section.id == "grams" else [])
        if section.id == "shape":
            return replace(section, drawings=drawing.lengths(self.facts.lengths, self.noun, self.facts.called))
        if section.id == "labels":
            start = "A linear model on n-grams, trained on the labels of training texts, is"
            return records.about_labels(section, self, _CLASS_COLUMNS, 2 * _MOST_CLASSES, start)
        return replace(section, drawings=drawing.distances(results, self.noun)) if section.id == "copies" else section

    def _invalid(self) -> list[Table]:
        """The first fakes that break the user's rule."""
        rows = [r for r in self.facts.texts.get("invalid") or [] if r < len(self.fake)][: self.room(_MOST_INVALID, 3)]
        shown = tuple((str(k), cell(self.fake[i])) for k, i in enumerate(self._open(rows), 1))
        table = Table("Synthetic texts that break the rule", heads_of("No.", "Synthetic"), shown, "texts")
        return [table] if shown else []

    def _grams(self) -> list[Table]:
        """The n-grams that differ most in frequency, for each n."""
        rows = []
        for order in sorted({int(g["order"]) for g in self.facts.grams}):
            for g in [g for g in self.facts.grams if g["order"] == order][: self.room(_MOST_GRAMS, 3)]:
                how = "too frequent" if g["fake"] > g["real"] else "never" if g["fake"] == 0 else "too rare"
                run = gram(g["units"], self.facts.called)
                rows.append((str(order), run, how, numbers.share(g["real"]), numbers.share(g["fake"])))
        heads = heads_of("n", "n-gram (^ begin, $ end)", "In synthetic texts", "#Real texts", "#Synthetic texts")
        caption = "The n-grams that add most to the divergence, as shares of all of that n"
        return [Table(caption, heads, tuple(rows))] if rows else []

    def more(self) -> list[Section]:
        """See `Sections.more`: the fakes beside texts of G before adversarial training, at several temperatures."""
        found = self.facts.likelihood or {}
        rows = found.get("rows") or []
        names = [m for m in LIKELIHOOD_HEADS if rows and m in rows[0]]
        if not names:
            return []
        heads = heads_of("Texts", *(f"#{LIKELIHOOD_HEADS[m]}" for m in names))
        cells = tuple((_whose(row), *(numbers.score(row.get(m)) for m in names)) for row in rows)
        table = Table("The same metrics of as many texts each", heads, cells)
        asked = (
            "Did adversarial training help? G began it after pretraining by likelihood on "
            f"{numbers.count(found.get('samples'))} real texts. Lower temperatures trade variety for quality: where a "
            "row of the likelihood baseline is better in both, adversarial training did not help."
        )
        return [Section("likelihood", "The likelihood baseline", [asked], tables=[table])]

    def reading(self) -> list[tuple[str, str]]:
        """See `Sections.reading`."""
        return [
            ("Units", f"texts are taken as sequences of units, which are {self.facts.called} here."),
            (
                "Quality and variety",
                "must be read together: few perfect texts over and over have a high BLEU and also a high self-BLEU; "
                "noise has a low one of both. BLEU grows with the number of references, so compare figures at equal "
                "numbers only. Intervals of BLEU hold for these references.",
            ),
        ]

    def without_records(self) -> Evaluation[TextFacts]:
        """See `Sections.without_records`: without longer n-grams, and without words that are rare.

        Rows of texts stay: they are numbers.
        """
        characters = bool(self.facts.units.get("characters", False))
        family = None if characters else "shape"
        results = {n: r.without("missed") if r.metric.family == family else r for n, r in self.results.items()}
        kept = [g for g in self.facts.grams if g["order"] <= (2 if characters else 1)]
        return replace(self.evaluation, results=results, facts=replace(self.facts, grams=kept))

    def _ranked(self) -> list[Mapping[str, Any]]:
        """Fakes with their distances, the closest to training texts first."""
        return records.ranked(self.facts.texts, len(self.fake), len(self.train))

    def _open(self, rows: Sequence[int] | range) -> list[int]:
        """Rows of fakes without those that look like a training text, where no records may be shown."""
        known = set() if self.records else set(self.train)
        rows = [r for r in rows if self.fake[r] not in known]
        return records.open_rows(rows, [] if self.records else self._ranked(), self.records)


def _labelled(texts: Sequence[str], labels: Any, row: int | None) -> list[str]:
    """A text in a row of a table, after its label where there are labels."""
    if row is None:
        return [""] * (1 if labels is None else 2)
    return [*([] if labels is None else [str(labels[row])]), cell(texts[row])]


def _whose(row: Mapping[str, Any]) -> str:
    temperature = row.get("temperature")
    return "this model" if temperature is None else f"likelihood baseline, temperature {temperature:g}"
