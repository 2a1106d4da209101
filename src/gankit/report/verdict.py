"""What the tests say of the fakes: where they stand on each metric between plain baselines and real records, and the
one finding on each subject, from which every sentence of a report is rendered.

Knows typed results, words of metrics, nouns, and the thresholds below; never a kind of data or pages.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from gankit.metrics.evaluate import Evaluation, MetricResult
from gankit.metrics.metric import Baseline, Noun, Score
from gankit.report import numbers
from gankit.report.numbers import finite

Level = Literal["real", "close", "fair", "weak", "open", "none"]

BEHIND: tuple[Level, ...] = ("close", "fair", "weak")
"""The levels of what falls short of real records, by little or by much."""

COPIES = "copies"
"""The family of the tests for copies of training records."""

COPYING, TRAINING = "copying", "training length"
"""The subjects that several metrics, or none, speak of."""

Direction = Literal["real", "behind", "copied", "clear", "longer", "shorter", "enough", "unknown"]
Strength = Literal["strong", "weak", "none"]

_SAYS: dict[Level, tuple[Direction, Strength]] = {
    "real": ("real", "strong"), "close": ("real", "weak"), "fair": ("behind", "weak"), "weak": ("behind", "strong"),
    "open": ("unknown", "none"), "none": ("unknown", "none"),
}  # fmt: skip

# The thresholds behind every word of the report, in one place.
THRESHOLDS: dict[str, float] = {
    # A span between baseline and ceiling below this says nothing of the way between them; a difference of missing rates
    # above it is worth a sentence. (Which differences matter to a metric is told by its `rows_needed`.)
    "tolerance": 0.02,
    # Shares of the way from the better plain baseline to the ceiling.
    "close": 0.90,
    "fair": 0.50,
    # Distance to the ceiling in the metric's own unit that is "close" or "fair" where the baselines themselves reach
    # the ceiling, so that no share of the way can be given.
    "close_gap": 0.02,
    "fair_gap": 0.10,
    # The same for a distance without an upper end, as a multiple of the ceiling's own distance.
    "close_factor": 2.0,
    "fair_factor": 10.0,
    # Where no difference was found: "too few rows to tell" when this many times the rows compared would be needed.
    "few_rows": 2.0,
    # AUC of a judge: from here on it tells fakes from real records "now and then", "often", "nearly always".
    "auc_slight": 0.55,
    "auc_often": 0.70,
    "auc_nearly_always": 0.90,
    # p-value below which the three-sample test for copying speaks: an accusation, so seldom by chance.
    "p_copying": 0.001,
    # So far beyond chance must the interval of a measure of copying lie: with many rows .502 is beyond chance too.
    "copy_effect": 0.005,
    # Where so large a share of held-out records equal training records, equal fakes say nothing of copying.
    "same_share": 0.5,
    # A record counts as much nearer when it lies this many times nearer to a training record than to held-out
    # ones.
    "near_ratio": 0.5,
    # The judge's score of the ceiling below which training part and held-out part are of different kinds (an AUC of
    # .65).
    "alike": 0.7,
    # D's mean score on training records exceeds that on held-out ones by this share of D's range (real - fake): it has
    # begun to memorise the training records.
    "overfit_gap": 0.25,
    # D's accuracy on held-out records and fakes from which on, and the least records of either sort with which, it is
    # evidence that fakes are not as real ones, whatever the metrics say.
    "d_tells": 0.95,
    "d_records": 32,
    # The held-out metric improved by this share of its whole gain in the last fifth of the training: still learning.
    "still_learning": 0.05,
}


@dataclass(frozen=True)
class Standing:
    """Where the fakes stand.

    level: "real" (not told from real records), "close", "fair", "weak" (towards or beyond the plain baselines), "open"
        (no difference seen, but the interval is too wide to say so: wider than the way from the better plain baseline
        to real records, or than a difference that matters), "none" (could not be computed, or says nothing).
    gap: how much worse than the ceiling, in the metric's unit (negative: better); None without a ceiling.
    half: half-width of the 95% interval of that gap.
    way: share of the way from the better plain baseline to the ceiling; None where the baseline is as good as the
        ceiling. Below 0: worse than the baseline.
    baseline: the name of that baseline.
    rows_needed: rows that would tell, where these are too few.
    """

    level: Level
    gap: float | None = None
    half: float | None = None
    way: float | None = None
    baseline: str | None = None
    rows_needed: int | None = None

    @property
    def rank(self) -> float:
        """Small for what falls short most: the share of the way; of a gap alone a quarter counts as all of it."""
        return self.way if self.way is not None else 1 - 4 * min(self.gap or 0.0, 0.25)


@dataclass(frozen=True)
class Finding:
    """The one verdict on a subject.

    subject: `COPYING`, `TRAINING`, the subject of a `Grade`, or the name of a metric.
    direction: of likeness "real" (as real records, or close to them) or "behind"; of copying "copied" or "clear"; of
        the training length "longer", "shorter" or "enough"; "unknown" where nothing can be said.
    strength: how clear that is; "none": there are too few records, or nobody knows.
    metrics: that it rests on. text: it as a sentence, or in some words.
    """

    subject: str
    direction: Direction
    strength: Strength
    metrics: tuple[str, ...] = ()
    text: str = ""

    @property
    def level(self) -> Level:
        """The level of a finding on likeness."""
        return next((level for level, said in _SAYS.items() if said == (self.direction, self.strength)), "none")


@dataclass(frozen=True)
class Grade:
    """A sentence of a summary: what the worst of some metrics says, with the figures of all.

    words: by level, from best to worst. silent: metrics that speak only where no other can. subject: they share one.
    features: whether they tell nothing good where there are fewer records than features.
    """

    metrics: Sequence[str]
    words: Mapping[Level, str]
    silent: Sequence[str] = ()
    subject: str = ""
    features: bool = False


@dataclass(frozen=True)
class Verdict:
    """What one metric says: where the fakes stand, the same in sentences and in two to four words, and the finding on
    its subject.
    """

    result: MetricResult
    standing: Standing
    text: str
    chip: str
    finding: Finding

    @property
    def level(self) -> Level:
        """The level of the standing."""
        return self.standing.level

    @property
    def short(self) -> bool:
        """Whether the fakes fall short of real records."""
        return self.level in BEHIND


def levels(noun: Noun) -> dict[Level, str]:
    """What each level is called."""
    return {
        "real": f"as real {noun.many}",
        "close": f"close to real {noun.many}",
        "fair": "between",
        "weak": f"far from real {noun.many}",
        "open": f"too few {noun.many} to tell",
        "none": "not computed",
    }


def verdicts(
    evaluation: Evaluation[Any], noun: Noun, baselines: Sequence[Baseline[Any]], *, lucky: bool = True,
    smooth: bool = True, grades: Sequence[Grade] = (),
) -> dict[str, Verdict]:  # fmt: skip
    """What each metric says, by name; noun, baselines, lucky, smooth: as in `gankit.report.section.Sections`.

    grades: metrics that share a subject, of which one finding speaks.
    """
    plain, voice = [b.name for b in baselines if b.start], _Voice(noun, {b.name: b.called for b in baselines})
    rows, same_kind = min(evaluation.rows.compared, evaluation.rows.against), alike(evaluation.results)
    places: dict[str, Standing] = {}
    singular = any(r.details.get("singular") for r in evaluation.results.values())
    for name, result in evaluation.results.items():
        if not result.metric.judged or (result.metric.alike and not same_kind):
            places[name] = Standing("none")
            continue
        place = standing(result, rows, plain)
        copied = is_copies(result) and (_three_sample(result, smooth) or (not lucky and _equal(result)))
        found = copied and place.level in ("real", "open")
        blind = singular and any(name in g.metrics for g in grades if g.features)
        if (blind or result.details.get("singular")) and place.level in ("real", "close"):
            place = replace(place, level="open", rows_needed=max(place.rows_needed or 0, 2 * rows))
        places[name] = replace(place, level="fair", rows_needed=None) if found else place
    copying, shared = _copying(evaluation.results, places, noun), [_graded(grade, places) for grade in grades]
    out = {}
    for name, result in evaluation.results.items():
        place, of = places[name], [f for f, g in zip(shared, grades, strict=True) if name in g.metrics]
        finding = copying if is_copies(result) else of[0] if of else None
        if finding is None:
            said = f"{result.metric.title}: {levels(noun)[place.level]}"
            finding = Finding(name, *_SAYS[place.level], (name,), said)
        text, chip = voice.text(result, place, finding), voice.chip(result, place, finding)
        out[name] = Verdict(result, place, text, chip, finding)
    return out


def _copying(results: Mapping[str, MetricResult], places: Mapping[str, Standing], noun: Noun) -> Finding:
    """Whether training records were copied, from all tests for it."""
    of = f"training {noun.many} were copied"
    tests = tuple(m for m, r in results.items() if is_copies(r) and places[m].level != "none")
    if not tests:
        text = f"Whether {of} is not known: none of the tests for it could be made"
        return Finding(COPYING, "unknown", "none", (), text)
    if found := tuple(m for m in tests if places[m].level in BEHIND):
        clear: Strength = "strong" if len(found) > 1 or places[found[0]].level == "weak" else "weak"
        return Finding(COPYING, "copied", clear, found, f"There are signs that {of}")
    same = max(finite(results[m].details.get("heldout_share")) or 0.0 for m in tests)
    if same > THRESHOLDS["same_share"]:
        text = (
            f"Whether {of} cannot be told: {numbers.share(same)} of the held-out {noun.many} equal a training "
            f"{noun.one}, too"
        )
        return Finding(COPYING, "unknown", "none", tests, text)
    if all(places[m].level == "open" for m in tests):
        return Finding(COPYING, "clear", "none", tests, f"No sign that {of}, but there are too few to be sure")
    sure: Strength = "weak" if any(places[m].level == "open" for m in tests) else "strong"
    return Finding(COPYING, "clear", sure, tests, f"No sign that {of}")


def _graded(grade: Grade, places: Mapping[str, Standing]) -> Finding:
    """The finding on metrics that share a subject: what the worst of those says that can tell."""
    known = [m for m in grade.metrics if m in places and places[m].level != "none"]
    graded = [m for m in known if places[m].level != "open"]
    if not graded:
        return Finding(grade.subject, *_SAYS["open"], tuple(known), grade.words.get("open", ""))
    order = list(_SAYS)
    speaking = [m for m in graded if m not in grade.silent] or graded
    worst = order[max(order.index(places[m].level) for m in speaking)]
    return Finding(grade.subject, *_SAYS[worst], tuple(graded), grade.words.get(worst, ""))


def alike(results: Mapping[str, MetricResult]) -> bool:
    """Whether training part and held-out part are of one kind, as far as the metric "judge" could tell."""
    found = results["judge"].real if "judge" in results else None
    return found is None or found >= THRESHOLDS["alike"]


def is_copies(result: MetricResult) -> bool:
    """Whether the metric is a test for copies of training records."""
    return result.metric.subject == COPYING


def _three_sample(result: MetricResult, smooth: bool) -> bool:
    """Whether the three-sample test speaks of copies, and the share of nearer fakes agrees: that test alone also speaks
    where fakes crowd as training records do.
    """
    p, low = finite((result.details.get("three_sample") or {}).get("p")), finite(result.fake.low)
    if p is None or low is None or p >= THRESHOLDS["p_copying"]:
        return False
    real = result.real if smooth and result.real is not None else result.best
    return low > max(result.best, real) + THRESHOLDS["copy_effect"]


def _equal(result: MetricResult) -> bool:
    """Whether a fake equals a training record, and no held-out record does."""
    return (finite(result.details.get("copies")) or 0) > 0 and result.details.get("heldout_share") == 0


def loss(value: float, best: float, direction: str) -> float:
    """How far `value` is from `best` on the bad side; for "near", on either side."""
    if direction == "near":
        return abs(value - best)
    return best - value if direction == "higher" else value - best


def ends_of(score: Score) -> list[float]:
    """The ends of a score's interval; where one is not known, its value."""
    return [score.value if (known := finite(end)) is None else known for end in (score.low, score.high)]


def direction_of(result: MetricResult) -> str:
    """Which way is better: "higher", "lower" or "near".

    A measure of copying around a chance level is read one way only: below chance, nothing was copied.
    """
    direction = result.metric.direction
    return "lower" if direction == "near" and is_copies(result) else direction


def standing(result: MetricResult, num_rows: int | None = None, plain: Sequence[str] = ()) -> Standing:
    """The standing of the fakes on one metric.

    num_rows: how many records were compared, None when unknown.
    plain: the baselines that a model has to beat; the better of them is where the way to the ceiling begins. With
        halvings the way is counted in halvings of the distance to the best value: a plain baseline may be a thousand
        times as far as real records, and nine tenths of the way would be no praise.
    """
    value, real = finite(result.fake.value), result.real
    if value is None:
        return Standing("none")
    best, direction, halvings = result.best, direction_of(result), result.metric.halvings
    behind = loss(value, best, direction)
    if real is None or result.ceiling is None:
        return Standing(_level(behind, None))
    reached = loss(real, best, direction)
    widths = [_width(s) for s in (result.fake, result.ceiling) if None not in (finite(s.low), finite(s.high))]
    gap, half, floor = behind - reached, math.hypot(*widths) if widths else None, _width(result.ceiling)
    known = {name: finite(result.baselines[name].value) for name in plain if name in result.baselines}
    losses = {name: loss(v, best, direction) for name, v in known.items() if v is not None}
    way, baseline = _way(losses, behind, reached, floor if halvings else None)
    # Told apart: worse than the ceiling beyond both intervals, and short of the best beyond the fakes' own.
    least = THRESHOLDS["copy_effect"] if result.metric.direction == "near" and direction == "lower" else 0.0
    if not (gap > (half or 0.0) and all(loss(end, best, direction) > least for end in ends_of(result.fake))):
        rows = result.rows_needed
        few = rows is not None and (num_rows is None or rows >= THRESHOLDS["few_rows"] * num_rows)
        span = losses[baseline] - reached if baseline is not None and way is not None else None
        if not few and half is not None and span is not None and 2 * half > span and not is_copies(result):
            few, rows = True, None if num_rows is None else math.ceil(num_rows * (2 * half / span) ** 2)
        return Standing("open" if few else "real", gap, half, way, baseline, rows if few else None)
    factor = behind / max(reached, floor, 1e-12) if halvings else None
    return Standing(_level(gap, way, factor), gap, half, way, baseline, None)


def _level(gap: float, way: float | None, factor: float | None = None) -> Level:
    """factor: the distance as a multiple of that of real records, where differences of distances say little."""
    if way is not None:
        return "close" if way >= THRESHOLDS["close"] else "fair" if way >= THRESHOLDS["fair"] else "weak"
    if factor is not None:
        near, far = THRESHOLDS["close_factor"], THRESHOLDS["fair_factor"]
        return "close" if factor <= near else "fair" if factor <= far else "weak"
    return "close" if gap <= THRESHOLDS["close_gap"] else "fair" if gap <= THRESHOLDS["fair_gap"] else "weak"


def _width(score: Score) -> float:
    """Half the width of a score's interval; 0 without one. Below that of the ceiling a distance says nothing."""
    low, high = finite(score.low), finite(score.high)
    return 0.0 if low is None or high is None else (high - low) / 2


def _way(
    losses: Mapping[str, float], behind: float, reached: float, floor: float | None
) -> tuple[float | None, str | None]:
    """The share of the way from the better plain baseline to the ceiling, and that baseline's name.

    floor: None for the plain way; else the way is counted in halvings, of losses no smaller than this.
    """
    if not losses:
        return None, None
    name = min(losses, key=lambda n: losses[n])
    if floor is not None:
        least = max(floor, 1e-4 * losses[name], 1e-12)
        start, here, end = (math.log2(max(x, least)) for x in (losses[name], behind, reached))
        return ((start - here) / (start - end), name) if start - end > 1 else (None, name)
    span = losses[name] - reached
    return ((losses[name] - behind) / span, name) if span > THRESHOLDS["tolerance"] else (None, name)


@dataclass(frozen=True)
class _Voice:
    """How a report speaks of its figures; baselines: name -> what it is called in a sentence."""

    noun: Noun
    baselines: Mapping[str, str]

    def text(self, result: MetricResult, place: Standing, finding: Finding) -> str:
        """Where the fakes stand on one metric, what stands in its details and, as far as the finding on its subject
        agrees, what that means and what to try.
        """
        metric = result.metric
        if finite(result.fake.value) is None:
            return f"{metric.title}: not computed, because {result.details.get('reason', 'no figure was given')}."
        if not metric.judged:
            return f"{metric.title}: {figure(result.fake)}{metric.unit}. It is told for history and chooses nothing."
        if place.level == "none":
            return (
                f"{metric.title}: {figure(result.fake)}, which says nothing here: the training part and the held-out "
                "part are of different kinds, so that what resembles one is near to it."
            )
        details = {**result.details, "standing": place.level, "finding": finding.direction}
        parts = [f"{metric.title}: {self._where(result, place)}", *metric.details(details)]
        # close in halvings, or as near as real ones are with these few, is no reason to say that all is right
        if place.level == "real" or (place.level == "close" and not metric.halvings):
            parts += [metric.good] if finding.direction in ("real", "clear") else []
        if finding.direction == "copied" or (finding.direction == "behind" and place.level != "close"):
            short = place.level in BEHIND
            parts += [metric.bad, f"To try: {metric.remedy}." if metric.remedy else ""] if short else []
        return " ".join(p for p in parts if p)

    def chip(self, result: MetricResult, place: Standing, finding: Finding) -> str:
        """The level in two to four words."""
        if not result.metric.judged:
            return "history"
        if place.level == "none" and finite(result.fake.value) is not None:
            return "says nothing here"
        if is_copies(result) and place.level in ("real", *BEHIND):
            if finding.direction == "copied":
                return "signs of copying" if place.level in BEHIND else "not by this test"
            return "no sign of copying" if finding.direction == "clear" else "cannot be told"
        return levels(self.noun)[place.level]

    def _where(self, result: MetricResult, place: Standing) -> str:
        here, many = figure(result.fake), self.noun.many
        if place.gap is None or result.ceiling is None:
            return f"{here}; {numbers.score(result.best)} would be perfect."
        real = figure(result.ceiling)
        if place.level == "real":
            if place.gap < -max(place.half or 0.0, 0.005):
                return f"{here}, on the better side of real {many}, {real}."
            return f"{here}, which cannot be told from real {many}, {real}, with this many {many}."
        if place.level == "open":
            return f"{here}, real {many} {real}: too few {many} to tell{self._needed(place)}."
        return f"{here}, where real {many} reach {real}{self._way(result, place)}."

    def _needed(self, place: Standing) -> str:
        if place.rows_needed is None:
            return ""
        return (
            f"; about {numbers.about(place.rows_needed)} held-out {self.noun.many} and as many synthetic ones would do"
        )

    def _way(self, result: MetricResult, place: Standing) -> str:
        if is_copies(result) and result.metric.direction != "higher":
            return f"; {numbers.score(place.gap)} more"
        if place.way is None or place.baseline is None:
            return "" if result.metric.halvings else f"; {numbers.score(place.gap)} behind"
        plain = f"{self.baselines[place.baseline]} ({numbers.score(result.baselines[place.baseline].value)})"
        if place.way < 0:
            return f"; worse than {plain}"
        counted = ", counted in halvings of the distance" if result.metric.halvings else ""
        return f": {numbers.share(min(place.way, 1.0))} of the way there from {plain}{counted}"


def figure(score: Score) -> str:
    """A score with its interval."""
    return numbers.with_interval(score.value, score.low, score.high)
