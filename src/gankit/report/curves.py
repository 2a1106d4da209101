"""The training as curves over real samples shown to D, and a sentence on what one sees in them.

Knows the history of a training (one mapping an evaluation); never networks, data or files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from gankit.report import numbers
from gankit.report.drawing import FAKE, HELD, INK, MUTED, REAL, Pen, bare, draw, short
from gankit.report.verdict import THRESHOLDS, TRAINING, Finding

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Curve = tuple[str, str, str, str]  # key, label, colour, line style

_SIZE = (3.35, 2.25)


def _sides(stem: str, fakes: str = "") -> tuple[Curve, ...]:
    """The curves of D's figure `stem` on training records, held-out records and, where they have a label, fakes."""
    real = ((f"{stem}_train", "training rows", REAL, "-"), (f"{stem}_heldout", "held-out rows", HELD, "--"))
    return (*real, (f"{stem}_fake", fakes, FAKE, "-")) if fakes else real


# Each panel: its title, its id, and its curves.
_PANELS: tuple[tuple[str, str, tuple[Curve, ...]], ...] = (
    ("Held-out metric", "metric", (("metric", "metric", INK, "-"),)),
    ("D’s mean logit", "scores", _sides("d", "fakes")),
    ("Share that D calls real (recall)", "recall", _sides("recall", "fakes (mistakes)")),
    ("D’s accuracy against fakes", "accuracy", _sides("accuracy")),
    ("D’s precision against fakes", "precision", _sides("precision")),
    ("Losses", "losses", (("loss_d", "D", REAL, "--"), ("loss_g", "G", FAKE, "-"))),
)
_OTHER_NAMES = {"d_loss": "loss_d", "g_loss": "loss_g"} | {f"mean_{s}": f"d_{s}" for s in ("train", "heldout", "fake")}


def flat(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The history with each entry's `scores` laid out beside its other numbers, in order of samples.

    `mean_train`, `mean_heldout` and `mean_fake` become `d_train`, `d_heldout` and `d_fake`; `d_loss` and `g_loss`
    become `loss_d` and `loss_g`.
    """
    rows = []
    for entry in history:
        row = {**entry, **(entry.get("scores") or {})}
        for old, new in _OTHER_NAMES.items():
            if row.get(new) is None and old in row:
                row[new] = row[old]
        if numbers.finite(row.get("samples")) is not None:
            rows.append(row)
    return sorted(rows, key=lambda r: float(r["samples"]))


def chosen(history: Sequence[Mapping[str, Any]], card: Mapping[str, Any]) -> float | None:
    """The number of samples of the checkpoint that became the model.

    `card["chosen_samples"]`, else the first entry with the largest metric; None when there is neither.
    """
    if (named := numbers.finite(card.get("chosen_samples"))) is not None:
        return named
    points = _points(history, "metric")
    return max(points, key=lambda p: p[1])[0] if points else None


def d_accuracy(history: Sequence[Mapping[str, Any]], mark: float | None) -> float | None:
    """D's accuracy on held-out records and as many fakes at `mark` samples; the last one that is known without it."""
    points = _points(flat(history), "accuracy_heldout")
    return next((y for x, y in points if x == mark), points[-1][1] if points else None)


def halved(history: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The history with a metric that is minus a distance (below 0 throughout) turned into minus its log2.

    Equal steps are then halvings of the distance, as they should be where it falls from hundreds to one. A history
    whose metric is not below 0 throughout is given back as it is.
    """
    found = [(dict(entry), numbers.finite(entry.get("metric"))) for entry in history]
    if any(value is not None and value >= 0 for _, value in found):
        return [row for row, _ in found]
    return [row if value is None else {**row, "metric": -math.log2(-value)} for row, value in found]


def curves(
    history: Sequence[Mapping[str, Any]], card: Mapping[str, Any], *, records: str = "rows", halvings: bool = False
) -> list[tuple[str, Markup]]:
    """The images (title, SVG) for which the history has at least two points. The chosen checkpoint is marked.

    history: one mapping an evaluation. card: what the model is; `metric` names the axis. records: what they are called.
    halvings: draw a metric that is minus a distance on a scale of halvings, as `halved` has it.
    """
    rows, mark = flat(history), chosen(flat(history), card)
    out = []
    for title, key, wanted in _PANELS:
        series = [(_points(rows, c[0]), c) for c in wanted]
        series = [(points, (c[0], c[1].replace("rows", records), *c[2:])) for points, c in series if len(points) >= 2]
        if series:
            logs = halvings and key == "metric" and all(y < 0 for points, _ in series for _, y in points)
            out.append((title, _panel(title, key, series, mark, card, logs)))
    return out


def _points(rows: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    found = [(float(r["samples"]), numbers.finite(r.get(key))) for r in rows]
    return [(x, y) for x, y in found if y is not None]


def _panel(
    title: str, key: str, series: list[tuple[list[tuple[float, float]], Curve]], mark: float | None,
    card: Mapping[str, Any], logs: bool,
) -> Markup:  # fmt: skip
    ends = numbers.listed([f"{c[1]} {numbers.score(points[-1][1])}" for points, c in series])

    def paint(figure: Figure, pen: Pen) -> None:
        axes = figure.subplots()
        for points, (name, label, colour, line) in series:
            text = pen.text(str(card.get("metric", label)), 24) if name == "metric" else label
            axes.plot(*zip(*points, strict=True), color=colour, linestyle=line, label=text)
        if logs:
            _halve(axes, [y for points, _ in series for _, y in points])
        bare(axes)
        low, high = axes.get_xlim()
        axes.xaxis.set_major_formatter(lambda value, _: short(value, (high - low) / 5))
        axes.locator_params(axis="x" if logs else "both", nbins=5)
        if mark is not None:
            axes.axvline(mark, color=MUTED, linewidth=0.8, linestyle=(0, (2, 2)), label="chosen checkpoint", zorder=0)
        if len(series) > 1 or mark is not None:  # above the curves, where no line can run through the words
            marks = axes.get_legend_handles_labels()
            figure.legend(*marks, loc="outside upper left", ncols=2, borderpad=0, columnspacing=1.2)
        figure.supxlabel("real samples shown to D", fontsize=7.5, color=INK, x=0.99, ha="right")

    alt = f"{title} over real samples shown to D; at the end: {ends}."
    return draw(paint, size=_SIZE, name=f"curve-{key}", alt=alt)


def _halve(axes: Axes, values: Sequence[float]) -> None:
    """A scale of halvings for values below 0, marked 1, 2, 5, 10, 20 … times minus one."""
    axes.set_yscale("function", functions=(lambda y: -np.log10(np.maximum(-y, 1e-30)), lambda v: -(10.0**-v)))
    low, high = -max(values), -min(values)  # as distances
    places = [m * 10.0**e for e in range(-12, 13) for m in (1, 2, 5)]
    shown = [x for x in places if low <= x <= high]
    for kept in ((1, 5), (1,)):
        if len(shown) > 6:
            shown = [x for x in shown if round(x / 10.0 ** math.floor(math.log10(x) + 1e-9)) in kept]
    axes.set_yticks([-x for x in shown] or [-high, -low], [f"{-x:g}" for x in shown] or None)
    axes.minorticks_off()


def reading(
    history: Sequence[Mapping[str, Any]], card: Mapping[str, Any], found: Finding, *, records: str = "rows",
    halvings: bool = False,
) -> list[str]:  # fmt: skip
    """What one sees in the curves, in words, and last what `found` says of the training's length.

    history, card, records, halvings: as for `curves`.
    """
    rows = flat(history)
    if len(rows) < 2:
        return []
    said = [*_fit_words(rows, records), *_phase_words(rows, card), *_metric_words(rows, card, halvings)]
    return [*said, f"{found.text}."] if found.text else said


def training(
    history: Sequence[Mapping[str, Any]], *, copied: bool, behind: bool, records: str, halvings: bool = False
) -> Finding:
    """The finding on the training's length: copies speak first, then a D that memorises, then the held-out metric.

    copied: whether there are signs of copies. behind: whether fakes fall short of real records.
    """
    rows = flat(history)
    over, late = overfit_share(rows), still_learning(halved(rows) if halvings else rows)
    memorises = over is not None and over > THRESHOLDS["overfit_gap"]
    if copied or memorises:
        text = f"A shorter training (--samples), a stronger penalty (--penalty-weight) or more {records} would help"
        return Finding(TRAINING, "shorter", "strong" if copied and memorises else "weak", text=text)
    if late is not None and late > THRESHOLDS["still_learning"]:
        text = "It was still improving at the end: a longer training (--budget or --samples) would help"
        return Finding(TRAINING, "longer", "strong", text=text)
    if late is not None:
        text = "Longer training would bring little with these settings"
        if behind:
            text += "; wider networks (--width) may bring more"
        return Finding(TRAINING, "enough", "strong", text=text)
    if behind:
        text = "A longer training (--budget or --samples) may help"
        return Finding(TRAINING, "longer", "weak", text=text)
    return Finding(TRAINING, "unknown", "none")


def overfit_share(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """(D(train) - D(held-out)) / (D(train) - D(fake)) at the end (Karras et al. 2020, eq. 1, r_v).

    0: D knows the training rows no better than others; 1: held-out rows look like fakes to it. None when unknown, or
    when D no longer scores training rows above fakes. A difference that the history calls insignificant counts as 0.
    """
    last = rows[-1] if rows else {}
    train, heldout, fake = (numbers.finite(last.get(k)) for k in ("d_train", "d_heldout", "d_fake"))
    if train is None or heldout is None or fake is None or train - fake <= 0:
        return None
    return 0.0 if last.get("memorised_significant") is False else (train - heldout) / (train - fake)


def _fit_words(rows: Sequence[Mapping[str, Any]], records: str) -> list[str]:
    train, heldout, fake = (numbers.finite(rows[-1].get(k)) for k in ("d_train", "d_heldout", "d_fake"))
    if train is None or heldout is None or fake is None:
        return []
    part = overfit_share(rows)
    if part is None:
        found = f"D no longer scores real {records} above fakes: the game is level, or D has stopped learning."
    elif part > THRESHOLDS["overfit_gap"]:
        found = (
            f"Held-out {records} lag behind training {records} by {numbers.share(part)} of the distance to the fakes: "
            f"D is memorising the training {records} (overfitting)."
        )
    else:
        found = (
            f"It scores training and held-out {records} alike (apart by {numbers.share(max(part, 0.0))} of the "
            "distance to the fakes)."
        )
    return [
        f"At the end D gives training {records} {numbers.score(train)} on average, held-out {records} "
        f"{numbers.score(heldout)} and fakes {numbers.score(fake)}. {found}"
    ]


def still_learning(rows: Sequence[Mapping[str, Any]]) -> float | None:
    """The share of the metric's whole gain (larger is better) that was made in the last fifth of the training.

    None with fewer than five points, or without any gain.
    """
    points = _points(rows, "metric")
    if len(points) < 5:
        return None
    cutoff = points[0][0] + 0.8 * (points[-1][0] - points[0][0])
    early, late = max(y for x, y in points if x <= cutoff), max(y for _, y in points)
    whole = late - points[0][1]
    return (late - early) / whole if whole > 0 else None


def _phase_words(rows: Sequence[Mapping[str, Any]], card: Mapping[str, Any]) -> list[str]:
    """What the likelihood did and what the game did, where there were both."""
    before, after = (_points([r for r in rows if r.get("phase") == p], "metric") for p in ("likelihood", "game"))
    if not before or not after:
        return []
    name, mark = str(card.get("metric", "the held-out metric")), chosen(rows, card)
    began, reached = before[-1][1], max(y for _, y in after)
    kept = "after" if mark is None or mark > before[-1][0] else "before"
    return [
        f"Before the game, pretrained by likelihood, G had a {name} of {numbers.score(began)}; in the game, the "
        f"adversarial training, it reached {numbers.score(reached)}. The model is G as it was {kept} the game."
    ]


def _metric_words(rows: Sequence[Mapping[str, Any]], card: Mapping[str, Any], halvings: bool) -> list[str]:
    words, mark, name = [], chosen(rows, card), str(card.get("metric", "the held-out metric"))
    at = [y for x, y in _points(rows, "metric") if mark is not None and x == mark]
    if at and mark is not None:
        words.append(f"The model is the checkpoint at {mark:,.0f} samples, where {name} was {numbers.score(at[0])}.")
    late = still_learning(halved(rows) if halvings else rows)
    if late is not None:
        words.append(f"The last fifth of the training brought {numbers.share(late)} of the whole gain of {name}.")
    return words
