"""What a metric is: what it computes, where better values lie, and every word that is said about it, in one place.

Knows names and words; never a kind of data, how a sample was made, or the page.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from gankit.metrics.score import Score

InputsT = TypeVar("InputsT")
Direction = Literal["higher", "lower", "near"]

LONGER = "train longer (--budget or --samples)"
WIDER = f"{LONGER}; if the curve of the training is flat, make the networks wider (--width)"
"""Remedies that fit most metrics."""


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
        family: the group it is shown with; the families "copies" are the tests for copies of training records.
        meaning: one line of what it computes.
        title: its name for people; empty: made of `name`. noun: the same inside a sentence; empty: made of the title.
        question: what it answers; empty: `meaning` stands for it.
        good, bad: what it means where the fakes are as real records or close to them, and where they are not.
        remedy: what to try then.
        details: from the details of the fakes' score to sentences on them.
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
    remedy: str = LONGER
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

    def __post_init__(self) -> None:
        title = self.title or self.name.replace("_", " ").capitalize()
        known = {"title": title, "noun": title[:1].lower() + title[1:], "question": self.meaning}
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
