"""What a report on series shows: lines side by side, quantiles over time, curves, closest pairs, and their tables.

Knows samples and evaluations of series; never networks, the loop, or the page around the sections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gankit.kinds.series.metrics.inputs import BASELINES, NOUN, SeriesFacts
from gankit.kinds.series.metrics.sample import WHOLE, SeriesSample, aligned
from gankit.metrics.evaluate import Evaluation, MetricResult
from gankit.metrics.metric import Baseline, Noun
from gankit.report import drawing, numbers, records
from gankit.report.drawing import FAKE, HELD, INK, MUTED, REAL, Pen, bare, draw, histograms, short
from gankit.report.numbers import finite
from gankit.report.section import Chapter, Drawing, Section, Sections, Table, heads_of
from gankit.report.verdict import Grade

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


POINTS = 240  # of a line; longer ones are drawn by the least and largest value of each stretch
MOST_CHANNELS = 8  # that are drawn one by one, the first ones
NO_CHANCE = 20  # two series of at least so many numbers do not agree in all of them by chance

_CELLS, _STEPS = 40, 120
_BANDS = (0.05, 0.25, 0.5, 0.75, 0.95)
_MOST_LINES, _MOST_PAIRS, _MOST_CLASSES, _PER_CLASS = 8, 6, 12, 4
_MOST_STEPS, _MOST_LEVELS, _MOST_CURVES, _MOST_ROWS = 8, 12, 6, 12
_DENSE = 1000  # steps of a series that hides all others in its drawing
_IN_A_ROW = 3

_CLASS_COLUMNS: Sequence[records.ClassColumn] = (
    ("real", "Share of real series", numbers.share),
    ("fake", "Share of synthetic series", numbers.share),
    ("agreement", "Classified as the label", numbers.share),
    ("profile", "Mean profile", numbers.score),
    ("profile_real", "Real series’ own", numbers.score),
    ("autocorrelation", "Autocorrelation", numbers.score),
    ("autocorrelation_real", "Real series’ own", numbers.score),
)

_Line = tuple[np.ndarray, Mapping[str, Any]]  # a series [T, c], and how matplotlib draws it


def line(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A series [T] as the points of a line: (steps, values), at most about `POINTS` of them."""
    steps = np.arange(len(y))
    if len(y) <= POINTS:
        return steps, y
    cuts = np.linspace(0, len(y), POINTS // 2 + 1).astype(int)
    places = []
    for start, stop in pairwise(cuts.tolist()):
        part = y[start:stop]
        if np.isfinite(part).any():
            places += sorted((start + int(np.nanargmin(part)), start + int(np.nanargmax(part))))
    return steps[places], y[places]


def beside(real: np.ndarray | None, fake: np.ndarray, channel: str, name: str) -> Markup:
    """Series of one channel, real ones at the left and fakes at the right, on one scale.

    real: [n, T] in the user's units, NaN in gaps, or None where real ones may not be shown; fake: [m, T].
    """
    sides = [(fake, FAKE, "synthetic")]
    if real is not None:
        sides.insert(0, (real, REAL, "real (held-out)"))

    def paint(figure: Figure, pen: Pen) -> None:
        axes = np.atleast_1d(figure.subplots(1, len(sides), sharey=True))
        for one, (x, colour, title) in zip(axes, sides, strict=True):
            for row in x:
                one.plot(*line(row), color=colour, linewidth=0.9, alpha=0.75, **_dots(row))
            bare(one)
            one.set_title(title)
            one.set_xlabel("step")
            one.locator_params(axis="x", nbins=4)
        _values(axes[0])

    shown = " and ".join(f"{len(x)} {title}" for x, _, title in sides)
    return draw(paint, size=(4.6, 1.95), name=f"beside-{name}", alt=f"Lines over time of {channel}: {shown}.")


def _dots(row: np.ndarray) -> dict[str, Any]:
    """A marker for series whose known steps stand alone, so that they are seen at all."""
    known = np.isfinite(row)
    alone = known & ~np.pad(known, (1, 0))[:-1] & ~np.pad(known, (0, 1))[1:]
    return {"marker": ".", "markersize": 2} if alone.sum() > 0.3 * max(known.sum(), 1) else {}


def _values(axes: Axes) -> None:
    axes.locator_params(axis="y", nbins=4)
    low, high = axes.get_ylim()
    axes.yaxis.set_major_formatter(lambda value, _: short(value, (high - low) / 4))


def bands(real: np.ndarray, fake: np.ndarray, channel: str, name: str) -> Markup:
    """Quantiles of a channel at each step: real ones as areas and a dashed median, fakes as lines.

    real: [N, T], fake: [M, T] in the user's units, NaN in gaps and behind the end.
    """
    steps = np.unique(np.linspace(0, real.shape[1] - 1, min(_STEPS, real.shape[1])).astype(int))
    a, b = (_quantiles(x[:, steps]) for x in (real, fake))

    def paint(figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        axes.fill_between(steps, a[0], a[4], color=REAL, alpha=0.18, linewidth=0, label="real, 5–95 %")
        axes.fill_between(steps, a[1], a[3], color=REAL, alpha=0.3, linewidth=0, label="25–75 %")
        axes.plot(steps, a[2], color=REAL, linestyle="--", linewidth=1.1, label="median")
        axes.plot(steps, b[2], color=FAKE, linewidth=1.4, label="synthetic, the same")
        for k, width in ((0, 0.7), (1, 0.9), (3, 0.9), (4, 0.7)):
            axes.plot(steps, b[k], color=FAKE, linewidth=width)
        bare(axes)
        axes.set_xlabel("step")
        axes.locator_params(axis="x", nbins=5)
        _values(axes)
        figure.legend(loc="outside upper left", ncols=4, labelcolor=INK, columnspacing=1.0)

    alt = (
        f"The quantiles 5, 25, 50, 75 and 95 % of {channel} at each step: held-out series as areas, synthetic ones as "
        "lines, which should run along the edges of the areas."
    )
    return draw(paint, size=(4.6, 2.3), name=f"bands-{name}", alt=alt)


def _quantiles(x: np.ndarray) -> np.ndarray:
    """[N, S] -> [5, S]; NaN where nothing is known."""
    out = np.full((len(_BANDS), x.shape[1]), np.nan)
    known = np.isfinite(x).any(0)
    if known.any():
        out[:, known] = np.nanquantile(x[:, known], _BANDS, axis=0)
    return out


def curve(x: Sequence[float], found: Mapping[str, Any], name: str, xlabel: str, ylabel: str, *, whole: bool) -> Markup:
    """A figure of one channel over lags or frequencies: real series dashed, fakes solid.

    found: the channel's name, "column", and its figures, "real" and "fake". whole: x are whole numbers.
    """
    sides = [np.array([np.nan if v is None else v for v in found[side]], float) for side in ("real", "fake")]

    def paint(figure: Figure, pen: Pen) -> None:
        from matplotlib.ticker import MaxNLocator

        axes = figure.subplots()
        if whole:
            axes.axhline(0, color=MUTED, linewidth=0.6)
        axes.plot(x, sides[0], color=REAL, linestyle="--", linewidth=1.5, label="real series")
        axes.plot(x, sides[1], color=FAKE, linewidth=1.4, label="synthetic series")
        bare(axes)
        axes.set_xlabel(xlabel)
        axes.set_ylabel(ylabel)
        axes.locator_params(axis="y", nbins=5)
        axes.xaxis.set_major_locator(MaxNLocator(5, integer=whole))
        figure.legend(loc="outside upper left", ncols=2, labelcolor=INK)

    gap, of = float(np.nanmean(np.abs(sides[0] - sides[1]))), found["column"]
    alt = f"{ylabel} of {of} over {xlabel}: real series dashed, synthetic ones solid; apart by {gap:.3g} on average."
    return draw(paint, size=(3.35, 2.15), name=name, alt=alt)


def neighbours(
    fake: np.ndarray, train: np.ndarray, heldout: np.ndarray | None, names: Sequence[str], name: str
) -> Markup:
    """A fake over the nearest training series and the nearest held-out one; a small drawing a channel.

    fake, train, heldout: [T, c] in the user's units, NaN in gaps; names: [c].
    """
    also = "" if heldout is None else ", the nearest held-out one dotted"
    alt = f"A fake as a solid line over its nearest training series, dashed{also}."
    lines: list[_Line] = [] if heldout is None else [(heldout, {"color": HELD, "linestyle": ":", "linewidth": 1.1})]
    lines.append((train, {"color": REAL, "linestyle": "--", "linewidth": 1.2}))
    lines.append((fake, {"color": FAKE, "linewidth": 1.1}))
    return _small(lines, names, f"near-{name}", alt)


def previews(x: np.ndarray, names: Sequence[str], name: str) -> Markup:
    """Fakes of the same z at one step of a training: a small drawing a channel. x: [n, T, c]; names: [c]."""
    style = {"color": FAKE, "linewidth": 0.8, "alpha": 0.75}
    return _small(
        [(one, style) for one in x], names, f"preview-{name}", f"{len(x)} synthetic series as lines over time."
    )


def _small(lines: Sequence[_Line], names: Sequence[str], name: str, alt: str) -> Markup:
    """A row of small drawings, one a channel, for the cell of a table, no wider than it need be."""
    width = 1.95 * len(names) if len(names) > 1 else 3.2

    def paint(figure: Figure, pen: Pen) -> None:
        for c, axes in enumerate(np.atleast_1d(figure.subplots(1, len(names)))):
            for x, style in lines:
                axes.plot(*line(x[:, c]), **style)
            bare(axes)
            axes.set_title(pen.text(names[c], 22), fontsize=7.5)
            axes.locator_params(nbins=3)
            _values(axes)

    drawn = draw(paint, size=(width, 1.35), name=name, alt=alt)
    return Markup('<div style="max-width:{}rem">{}</div>').format(round(6.4 * width, 1), drawn)


@dataclass(frozen=True, kw_only=True)
class SeriesSections(Sections[SeriesFacts]):
    """The sections of a report on series.

    train, heldout, fake: series with their labels, `aligned`; rows that the evaluation names are rows of these. labels:
    those that the real ones have, and those that were asked for.
    """

    train: SeriesSample
    heldout: SeriesSample
    fake: SeriesSample
    noun: Noun = NOUN
    baselines: Sequence[Baseline[Any]] = field(default=BASELINES, repr=False)
    chapters: Sequence[Chapter] = (
        records.RULES,
        Chapter("judge", "Classifiers and forecasts", ("judge",)),
        Chapter("values", "Values and increments", ("values",)),
        Chapter("dynamics", "Correlations and spectrum", ("dynamics",)),
        Chapter("facts", "Tails, volatility and asymmetry", ("facts",)),
        Chapter("features", "Distance in features", ("features",)),
        Chapter("form", "Lengths and gaps", ("form",)),
        Chapter("labels", "Labels", ("labels",)),
        Chapter("copies", "Copies", ("copies",)),
    )
    grades: Sequence[Grade] = (
        records.KEPT,
        Grade(
            ("discriminative", "judge"),
            {
                "real": "The classifiers that were trained to tell synthetic from real series find no difference",
                "close": "For classifiers that were trained to tell them apart synthetic series are close to real ones",
                "fair": "Classifiers that were trained to tell them apart find the synthetic series between plain "
                "methods and real series",
                "weak": "Classifiers that were trained to tell them apart find the synthetic series far from real ones",
                "open": "The classifiers find no difference, but there are too few series to be sure",
            },
            subject="classifiers",
        ),
    )
    lists: bool = True
    halvings: bool = True
    overfitting: str = (
        "bring more series, or try a stronger penalty (--penalty-weight) or a shorter training (--samples)"
    )
    style: str = (
        ".plots td svg { min-width: 11rem; max-width: 46rem; } .plots td, .plots tbody th { vertical-align: middle; } "
        ".plots th:first-child { width: 1%; min-width: 6rem; overflow-wrap: normal; }"
    )

    @classmethod
    def of(
        cls, evaluation: Evaluation[SeriesFacts], train: SeriesSample, heldout: SeriesSample, fake: SeriesSample,
        **shared: Any,
    ) -> SeriesSections:  # fmt: skip
        """The sections on these series. shared: of `Sections`; its progress holds fakes [n, T, C]."""
        train, heldout, fake = aligned(train, heldout, fake)
        lucky = fake.x.shape[1] * len(fake.numbers) < NO_CHANCE
        return cls(evaluation=evaluation, train=train, heldout=heldout, fake=fake, lucky=lucky, **shared)

    @property
    def _channels(self) -> list[int]:
        """The number channels that are drawn."""
        found = [c for c, name in enumerate(self.fake.names) if name not in self.fake.levels]
        return found[: max(2, round(MOST_CHANNELS * self.scale))]

    def like(self) -> str:
        """See `Sections.like`."""
        series = self.facts.series
        channels, steps, shortest = len(series["channels"]), series["steps"], series["shortest"]
        least = f"{numbers.count(shortest)} to " if shortest != steps else ""
        return f" of {least}{numbers.count(steps)} steps and {channels} channel{'' if channels == 1 else 's'}"

    def reading(self) -> list[tuple[str, str]]:
        """See `Sections.reading`."""
        run = self.facts.series["run"]
        scale = "are compared on the scale of the training part; each level of a category counts as one of 0 and 1."
        overlap = f"share their steps: {run} windows in a row say little more than one. Intervals allow for that."
        return [("Channels", scale), *([("Windows that overlap", overlap)] if run > 1 else [])]

    def samples(self) -> list[Section]:
        """See `Sections.samples`."""
        shown = (self._side_by_side(), self._over_time(), self._by_class(), self._over_training(), self._closest())
        return [section for sections in shown for section in sections]

    def _side_by_side(self) -> list[Section]:
        """The first fakes beside held-out series, evenly from all; a drawing a channel."""
        most = 1 if self.fake.x.shape[1] > _DENSE else self.room(_MOST_LINES)
        fakes = self._open(range(len(self.fake)))[:most]
        rows = records.evenly(len(self.heldout), most)
        drawn = []
        for c in self._channels:
            real, name = (self.heldout.x[rows, :, c] if self.records else None), self.fake.names[c]
            drawn.append(Drawing(name, beside(real, self.fake.x[fakes, :, c], name, f"{c}")))
        with_real = ", and held-out real ones beside them" if self.records else ""
        more = len(self.fake.numbers) - len(drawn)
        cut = f" The first {len(drawn)} channels; {more} more are not drawn." if more > 0 else ""
        asked = f"The first synthetic series, uncurated{with_real}, on one scale.{cut}"
        return [Section("samples", "Samples", [asked], drawings=drawn)] if drawn else []

    def _over_time(self) -> list[Section]:
        """Quantiles at each step, a drawing a channel; none of series so short or so long that nobody reads them."""
        if not 3 <= self.fake.x.shape[1] <= 2000 or min(len(self.heldout), len(self.fake)) < 10:
            return []
        real, fake = self.heldout.x, self.fake.x
        names = {c: self.fake.names[c] for c in self._channels}
        drawn = [Drawing(n, bands(real[:, :, c], fake[:, :, c], n, f"{c}")) for c, n in names.items()]
        asked = (
            "Where values lie at each step: the lines of the synthetic series should run along the edges of the areas."
        )
        return [Section("bands", "Quantiles over time", [asked], drawings=drawn)] if drawn else []

    def _by_class(self) -> list[Section]:
        """A row a label: fakes asked for it and held-out series of it."""
        by_class, channels = self.facts.shown.get("by_class") or {}, self._channels[:2]
        shown = records.least_accurate(by_class, self.facts.per_class, self.room(_MOST_CLASSES))
        if not shown or not channels:
            return []
        labels = self.heldout.labels if self.records else None
        rows = []
        for k, (label, accuracy) in enumerate(shown):
            fakes = self._open([r for r in by_class[label] if r < len(self.fake)])[:_PER_CLASS]
            mine = [] if labels is None else [row for row, name in enumerate(labels) if str(name) == label]
            real = [mine[place] for place in records.evenly(len(mine), _PER_CLASS)]
            drawn = []
            for c in channels:
                side = None if labels is None else self.heldout.x[real, :, c]
                drawn.append(beside(side, self.fake.x[fakes, :, c], self.fake.names[c], f"class-{k}-{c}"))
            rows.append((label, Markup("").join(drawn), accuracy))
        cut = f" (the {len(rows)} least accurate of {len(by_class)})" if len(rows) < len(by_class) else ""
        heads = heads_of("Label", "Real and synthetic series", "#Classified as it")
        table = Table(f"Synthetic series by label{cut}", heads, tuple(rows), "plots")
        asked = "Series generated for a label, a row each, uncurated; the least accurate label first."
        verdicts = records.worst_class(self.facts.per_class, self.noun)
        return [Section("by-class", "Samples by label", [asked], verdicts=verdicts, tables=[table])]

    def _over_training(self) -> list[Section]:
        """Fakes of the same z over the training; at most eight steps."""
        channels = self._channels[:_IN_A_ROW]
        names = [self.fake.names[c] for c in channels]

        def draw(step: str, x: np.ndarray) -> Markup:
            return previews(np.asarray(x)[:4][:, :, channels], names, step)

        return records.over_training(self, self.room(_MOST_STEPS), draw, "plots") if channels else []

    def _closest(self) -> list[Section]:
        """The fakes that lie nearest to a training series for their distance to held-out ones, drawn over them."""
        channels = self._channels[:_IN_A_ROW]
        if not self.records or not channels:
            return []
        names, shown = [self.fake.names[c] for c in channels], self.facts.shown
        near = dict(zip(shown.get("shown") or [], shown.get("nearest_heldout") or [], strict=False))
        rows = []
        for place, pair in enumerate(self._ranked()[: self.room(_MOST_PAIRS)], 1):
            fake, train = (s.x[pair[k]][:, channels] for s, k in ((self.fake, "fake"), (self.train, "train")))
            other = near.get(pair["fake"])
            heldout = None if other is None else _moved_to_mean(fake, self.heldout.x[other][:, channels])
            far = " (much nearer)" if records.suspicious(pair) else ""
            drawn = neighbours(fake, _moved_to_mean(fake, train), heldout, names, f"{place}")
            close = f"{numbers.score(pair['distance_train'])}{far}"
            rows.append((str(place), drawn, close, numbers.score(pair["distance_heldout"])))
        looked = "series about their own means, real ones drawn at the level of the fake"
        if self.fake.x.shape[1] > WHOLE:
            looked = "the logarithms of their power in bands of frequencies over time"
        measure = (
            "Distances are root mean squares of differences after dynamic time warping by up to a tenth of the length, "
            f"of {looked}."
        )
        heads = ("Fake (solid), training (dashed), held-out (dotted)", "#Distance to training", "#to held-out")
        hint = "The same kind of series is what was to be learned; the same details twice are a copy."
        return records.closest(self, rows, heads, hint, measure, "plots")

    def chapter(self, section: Section, results: Mapping[str, MetricResult]) -> Section:
        """See `Sections.chapter`."""
        details = {m: r.details for m, r in results.items()}
        match section.id:
            case "rules":
                return replace(section, tables=records.rules_table(results, "steps"))
            case "values":
                return replace(section, drawings=self._values(), tables=[*_value_tables(details), *self._levels()])
            case "dynamics":
                crossed = details.get("cross_correlation") or {}
                name = "autocorrelation"
                drawn = _curves(details, name, "Autocorrelation", "lags", "lag in steps", name)
                drawn += _curves(details, "spectrum", "Spectrum", "frequencies", "cycles a step", "dB of the peak")
                return replace(section, drawings=[*drawn, *self._correlations(crossed)], tables=_pairs(crossed))
            case "facts":
                drawn = _curves(details, "volatility", "Volatility", "lags", "lag in steps", "of sizes of increments")
                return replace(section, drawings=drawn)
            case "features":
                named = self.facts.features.strip().rstrip(".")
                return replace(section, notes=[f"Features: {named}."] if named else [])
            case "form":
                return replace(section, drawings=drawing.lengths(self.facts.lengths, self.noun, "steps"))
            case "labels":
                start = "Trained on the labels of training series, it is"
                return records.about_labels(section, self, _CLASS_COLUMNS, 4 * _MOST_CLASSES, start)
            case "copies":
                return replace(section, drawings=drawing.distances(results, self.noun))
        return section

    def _values(self) -> list[Drawing]:
        """Histograms of the values of each channel over all steps: real ones as an area, fakes as a line."""
        out = []
        for c in self._channels:
            real, fake = (x[:, :, c][np.isfinite(x[:, :, c])] for x in (self.heldout.x, self.fake.x))
            if not len(real) or not len(fake):
                continue
            low, high = np.quantile(np.concatenate([real, fake]), [0.002, 0.998])
            if not high > low:
                low, high = low - 0.5, high + 0.5
            edges, name = np.linspace(low, high, _CELLS + 1), self.fake.names[c]
            a, b = (np.histogram(np.clip(v, low, high), edges)[0] / len(v) for v in (real, fake))
            drawn = histograms(edges, a, b, f"values-{c}", f"Histograms of {name}", "held-out series")
            out.append(Drawing(name, drawn))
        return out

    def _levels(self) -> list[Table]:
        """The shares of the levels of each category, over all steps."""
        out = []
        for c, name in enumerate(self.fake.names):
            if name not in self.fake.levels:
                continue
            shares = [_shares(s, c) for s in (self.heldout, self.fake)]
            levels = sorted(set().union(*shares), key=lambda v: -max(s.get(v, 0) for s in shares))[:_MOST_LEVELS]
            rows = [(level, *(numbers.share(s.get(level, 0.0)) for s in shares)) for level in levels]
            heads = heads_of("Level", "#Share of real steps", "#Share of synthetic steps")
            out += [Table(f"The levels of {name}", heads, tuple(rows))] if rows else []
        return out

    def _correlations(self, details: Mapping[str, Any]) -> list[Drawing]:
        if len(names := details.get("columns") or []) < 3:
            return []
        real, fake = (np.array([[v or 0.0 for v in row] for row in details[k]], float) for k in ("real", "fake"))
        return drawing.heat_maps(real, fake, names, self.noun)

    def _ranked(self) -> list[Mapping[str, Any]]:
        """Fakes with their distances, the closest to training series first."""
        return records.ranked(self.facts.shown, len(self.fake), len(self.train))

    def _open(self, rows: Sequence[int] | range) -> list[int]:
        return records.open_rows(rows, self._ranked(), self.records)


def _moved_to_mean(fake: np.ndarray, real: np.ndarray) -> np.ndarray:
    """A real series [T, c] moved to the mean of a fake; as it is where nothing is known."""
    counts = [np.maximum(np.isfinite(x).sum(0), 1) for x in (fake, real)]
    a, b = (np.nansum(x, axis=0) / n for x, n in zip((fake, real), counts, strict=True))
    return np.asarray(real + (a - b))


def _shares(sample: SeriesSample, c: int) -> dict[str, float]:
    codes = sample.x[:, :, c]
    codes = codes[np.isfinite(codes)].astype(np.int64)
    levels = sample.levels[sample.names[c]]
    counts = np.bincount(codes, minlength=len(levels)) / max(len(codes), 1)
    return {level: float(counts[k]) for k, level in enumerate(levels) if counts[k] > 0}


def _curves(
    details: Mapping[str, Mapping[str, Any]], metric: str, title: str, key: str, xlabel: str, ylabel: str
) -> list[Drawing]:
    """A drawing for each channel with the largest distances, of details that hold their curves over `key`."""
    found = details.get(metric) or {}
    x, out = found.get(key) or [], []
    for k, c in enumerate((found.get("columns") or [])[:_MOST_CURVES]):
        if x and len(c.get("real") or []) == len(x) == len(c.get("fake") or []):
            drawn = curve(x, c, f"{metric}-{k}", xlabel, ylabel, whole=key == "lags")
            out.append(Drawing(f"{title}: {c['column']}", drawn))
    return out


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


def _value_tables(details: Mapping[str, Mapping[str, Any]]) -> list[Table]:
    """The channels whose values and increments are furthest off."""
    heads = heads_of("Channel", "#Distance (KS)", "#Earth mover’s", "#Spread, real", "#Spread, fake")
    out = []
    for metric, title in (("marginals", "Values"), ("changes", "Increments from step to step")):
        columns = ((details.get(metric) or {}).get("columns") or [])[:_MOST_ROWS]
        keys = ("ks", "wasserstein", "real_sd", "fake_sd")
        rows = tuple((str(c["column"]), *(numbers.score(finite(c.get(k))) for k in keys)) for c in columns)
        caption = f"{title} of each channel, in standard deviations of the training part (worst first)"
        out += [Table(caption, heads, rows)] if rows else []
    return out
