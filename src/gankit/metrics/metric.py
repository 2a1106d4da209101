"""What a metric is: what it computes, where better values lie, and every word that is said about it, in one place; and
its scores, figures with an interval and a best value as plain JSON.

Knows numbers and words; never records, or how fakes were made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import numpy as np

Z95 = 1.959963984540054  # the 97.5% point of the standard normal

Interval = tuple[float, float, float]
"""A figure and the ends of its 95% interval."""


@dataclass(frozen=True)
class Score:
    """What a metric gives.

    value: the figure; NaN when it cannot be computed, with `details["reason"]` in words.
    low, high: its 95% interval over fresh rows, None where none can be given.
    best: the value of perfect fakes.
    details: plain JSON (dicts, lists, texts, finite numbers, None).
    """

    value: float
    low: float | None
    high: float | None
    best: float
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The score as plain JSON values: {"value", "low", "high", "best", "details"}; NaN becomes None."""
        return {name: value if name == "best" else plain(value) for name, value in vars(self).items()}


def impossible(best: float, reason: str) -> Score:
    """The score of a metric that cannot be computed on this data: NaN, and the reason in words."""
    return Score(math.nan, None, None, best, {"reason": reason})


def plain(value: Any) -> Any:
    """`value` as plain JSON: NumPy scalars and arrays become Python's, tuples lists, NaN and infinities None."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.ndarray | np.generic):
        return plain(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value


def around(
    value: float, replicates: Sequence[float] | np.ndarray, floor: float = 0.0, ceiling: float = 1.0
) -> tuple[float | None, float | None]:
    """The 95% interval value -+ 1.96 sd(replicates), cut to [floor, ceiling]; (None, None) for fewer than 2 replicates.

    The normal interval, not the percentile one: a bootstrap of a distance between samples is biased away from
    zero (resampling adds its own noise), which would push the percentile interval off the value.
    """
    kept = np.asarray(replicates, float)
    kept = kept[np.isfinite(kept)]
    if len(kept) < 2 or not math.isfinite(value):
        return None, None
    half = Z95 * float(kept.std(ddof=1))
    return max(floor, value - half), min(ceiling, value + half)


def binomial_interval(successes: int, trials: int) -> tuple[float, float]:
    """The exact (Clopper & Pearson 1934) 95% interval of a share; (0, 1) without trials."""
    from scipy.stats import beta

    if trials == 0:
        return 0.0, 1.0
    low = 0.0 if successes == 0 else float(beta.ppf(0.025, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(0.975, successes + 1, trials - successes))
    return low, high


def share_score(hits: int, trials: int, best: float, details: dict[str, Any], records: str = "rows") -> Score:
    """The share of `trials` records that are hits, with its exact binomial interval; impossible without records."""
    if not trials:
        return impossible(best, f"there are no {records}")
    return Score(hits / trials, *binomial_interval(hits, trials), best, plain(details))


def mean_score(each: np.ndarray, best: float, details: dict[str, Any], ceiling: float = math.inf) -> Score:
    """The mean of what single records give, each at least 0, with its normal 95% interval; each: [N], N >= 2."""
    value, half = float(each.mean()), Z95 * float(each.std(ddof=1)) / math.sqrt(len(each))
    return Score(value, max(0.0, value - half), min(ceiling, value + half), best, details)


def resampled_counts(num_rows: int, replicates: int, generator: np.random.Generator) -> np.ndarray:
    """How often each row is drawn in each bootstrap replicate: [replicates, num_rows] float64, rows sum to num_rows."""
    out = np.empty((replicates, num_rows))
    for i in range(replicates):
        out[i] = np.bincount(generator.integers(0, num_rows, num_rows), minlength=num_rows)
    return out


def enough_rows(num_rows: int, fake: Score, ceiling: Score, tolerance: float = 0.02) -> int | None:
    """How many rows would tell `fake` from `ceiling`; None when `num_rows` already do, or nothing can be said.

    The half-width h of the difference shrinks as 1/sqrt(n). Two scores are told apart once h is below their
    difference d; below `tolerance` they count as equal, so that no more rows are asked for than
    n (h / max(d, tolerance))^2.

    >>> enough_rows(100, Score(0.9, 0.8, 1.0, 1.0), Score(0.95, 0.95, 0.95, 1.0))
    400
    """
    halves = []
    for score in (fake, ceiling):
        if score.low is None or score.high is None or not math.isfinite(score.value):
            return None
        halves.append((score.high - score.low) / 2)
    half = math.hypot(*halves)
    aim = max(abs(fake.value - ceiling.value), tolerance)
    return None if half <= aim else math.ceil(round(num_rows * (half / aim) ** 2, 6))


InputsT = TypeVar("InputsT")
Direction = Literal["higher", "lower", "near"]


@dataclass(frozen=True)
class Noun:
    """What records are called: one of them, and several."""

    one: str
    many: str

    def count(self, num: int) -> str:
        """`1 image`, `1,200 images`."""
        return f"{num:,} {self.one if num == 1 else self.many}"


@dataclass(frozen=True)
class Metric(Generic[InputsT]):
    """A metric of a kind of data. Adding one is one of these in the kind's list.

    Attributes:
        name: its key in report.json.
        function: (evaluation inputs, name of a candidate) -> the candidate's score; None where it is not asked of it.
        family: the group it is shown with; the family "copies" are the tests for copies of training records.
        subject: what one finding is made on; empty: its own, or copying.
        meaning: one line of what it computes.
        title: its name for people; empty: made of `name`. noun: the same inside a sentence; empty: made of the title.
        question: what it answers; empty: `meaning` stands for it.
        good, bad: what it means where the fakes are as real records or close to them, and where they are not.
        remedy: what to try then, beside another length of training: of that one finding speaks for all metrics.
        details: from the details of the fakes' score, with its "standing" and "finding", to facts on them.
        best: the value of perfect fakes; None where it depends on the data and stands in the scores.
        direction: where better values lie; "near": both sides of `best` are worse.
        tolerance: the smallest difference that matters to people; None where more records do not narrow the interval
            by the square-root law, so that none are asked for.
        halvings: a distance without an upper end: the way to its best value is counted in halvings.
        headline: whether it stands in the first table and has a verdict of its own on the page.
        judged: whether it says how good the fakes are; False for what is told for history alone. unit: of its value.
        trained: whether it says nothing without the training part itself.
        alike: whether it says nothing where the training part and the held-out part are of different kinds.
    """

    name: str
    function: Callable[[InputsT, str], Score | None]
    family: str
    meaning: str
    title: str = ""
    noun: str = ""
    question: str = ""
    good: str = ""
    bad: str = ""
    remedy: str = ""
    details: Callable[[Mapping[str, Any]], list[str]] = lambda details: []
    best: float | None = 1.0
    direction: Direction = "higher"
    tolerance: float | None = None
    halvings: bool = False
    headline: bool = True
    judged: bool = True
    unit: str = ""
    trained: bool = False
    alike: bool = False
    subject: str = ""

    def __post_init__(self) -> None:
        title = self.title or self.name.replace("_", " ").capitalize()
        known = {"title": title, "noun": title[:1].lower() + title[1:], "question": self.meaning}
        known["subject"] = "copying" if self.family == "copies" else self.name
        for attribute, default in known.items():
            if not getattr(self, attribute):
                object.__setattr__(self, attribute, default)


@dataclass(frozen=True)
class Baseline(Generic[InputsT]):
    """A plain maker of fakes, which puts the figures of any model in proportion.

    Attributes:
        name: its key in report.json.
        make: evaluation inputs -> a candidate.
        title: the head of its column; called: its name in a sentence.
        explanation: what it is and what it shows, for the reader of the page.
        mark: its sign on a strip.
        start: whether the way to real records begins at the better one of the baselines that have this.
    """

    name: str
    make: Callable[[InputsT], Any]
    title: str
    called: str
    explanation: str
    mark: Literal["triangle", "square", "diamond", "cross"]
    start: bool = False
